; x87 - the coprocessor between device accesses, as programs that draw what they compute have it: arithmetic, functions,
; rounding, BCD, blocks copied to VGA memory by FILD and FISTP, a wave stored there by FISTP, an escape-time fractal with
; its branches by FNSTSW AX and SAHF, states saved and restored, and errors: as exception 16 (CR0.NE set), then as IRQ13
; (clear), with interrupts on and off.
;
; Every result is compared with a constant: bit by bit where IEEE 754 says what it is, rounded to single precision where
; processors differ in the last bits. What an unmasked exception leaves in the registers is not looked at: QEMU does not
; care for it. Pointers in saved environments are erased, because what is kept of them differs from one processor to
; the next.
;
; A KVM that lets the processor's own x87 run cannot report an error by IRQ13. The guest tries first, where there are
; no device accesses, and leaves that part out if no IRQ13 came. guest_flag 1 leaves it out without a try: QEMU 7.2
; raises IRQ13 without the lock that this needs, and aborts.
;
; About 18,000 device accesses.
; Exit codes: 0 all is well; 1 arithmetic; 2 a function; 3 rounding; 4 BCD; 5 a copied block; 6 the wave; 7 the fractal;
; 8 a state saved and restored; 9 exception 16; 10 IRQ13; 11 IRQ13 while interrupts were off.

REPEATS         equ 6           ; of what is no loop by itself: clusters form at the third exit

BLOCK           equ 0B000h      ; what is copied
BLOCK_BACK      equ 0B400h      ; and what came back
STATE           equ 0B800h      ; images of FNSAVE and FNSTENV
BLOCK_BYTES     equ 512
ROW_BYTES       equ 320

WAVE_WIDTH      equ 64
WAVE_HEIGHT     equ 16
WAVE_SUM        equ 4DC7005Fh

FRACTAL_WIDTH   equ 40
FRACTAL_HEIGHT  equ 20
FRACTAL_DEPTH   equ 24          ; iterations at most
FRACTAL_SUM     equ 4B875DFBh

FLAG_NO_IRQ13   equ 1

CR0_NE          equ 20h
INT_ERROR       equ 10h         ; #MF; otherwise the BIOS's video services
INT_IRQ13       equ 75h
IRQ13_MASK      equ 20h         ; of the second 8259A
CASCADE_MASK    equ 04h         ; of the first
ERROR_CLEAR     equ 0F0h        ; the latch between FERR# and IRQ13

CONTROL_DEFAULT equ 37Fh        ; after FNINIT: all masked, to nearest, extended precision
UNMASK_DIVIDE   equ 4           ; to clear
EXTENDED        equ 300h        ; to clear: single precision
ROUND_DOWN      equ 400h
ROUND_UP        equ 800h
ROUND_CHOP      equ 0C00h
STATUS_DIVIDED  equ 84h         ; by zero; error summary
STATUS_KNOWN    equ 38FFh       ; all but the condition codes and B

ENV_STATUS      equ 2           ; offsets in the 16-bit image
ENV_TAG         equ 4
ENV_POINTERS    equ 6
ENV_BYTES       equ 14
TOP_SHIFT       equ 11

%include "boot.inc"
%include "vga.inc"
%include "pic.inc"

; access: what a program does between two x87 instructions. AL lost.
%macro access 0
    in al, PIC1_DATA
    out DELAY_PORT, al
%endmacro

; expect_single bits, code: ST(0) in single precision is this. Pops it. AL lost.
%macro expect_single 2
    fstp dword [result]
    access
    cmp dword [result], %1
    fail_if ne, %2
%endmacro

; expect_double high, low, code: ST(0) in double precision is this. Pops it. AL lost.
%macro expect_double 3
    fstp qword [result]
    access
    cmp dword [result + 4], %1
    fail_if ne, %3
    cmp dword [result], %2
    fail_if ne, %3
%endmacro

guest_main:
    set_mode 13h
    mov ax, VRAM_SEG
    mov es, ax
    call arithmetic
    call functions
    call rounding
    call decimal
    call copy
    call wave
    call fractal
    call save_and_restore
    call errors
    exit_with 0

; --- what IEEE 754 says ---

arithmetic:
    mov cx, REPEATS
.again:
    fninit
    access
    fld dword [three_halves]
    access
    fmul qword [minus_two_and_a_quarter]
    out DELAY_PORT, al
    fiadd word [hundred]        ; 96.625
    fidivr dword [million]
    access
    fsqrt                       ; s = 101.73...
    fld st0
    fmul st0, st0
    access
    fxch st1
    fsub qword [minus_two_and_a_quarter]
    fdivp st1, st0              ; s * s / (s + 2.25)
    expect_double 4058E1EDh, 0CD9EA82Ch, 1
    fild word [forty]
    fld1
    access
    fscale
    fstp st1
    expect_double 42700000h, 0, 1       ; 2 to the 40th
    fld tword [tenth]
    fimul dword [million]
    access
    fsubr dword [three_halves]
    fistp dword [result]        ; -99998.5: to even
    access
    cmp dword [result], -99998
    fail_if ne, 1
    fld dword [three_halves]
    fild word [hundred]
    access
    fprem                       ; 100 - 66 * 1.5
    fstp st1
    fchs
    access
    fxtract
    fld1
    faddp st1, st0              ; -1 is 2 to the 0th times -1
    access
    fabs
    faddp st1, st0
    ftst
    access
    fnstsw ax
    sahf
    fail_if ne, 1
    fstp st0
    dec cx
    jnz near .again
    ret

functions:
    mov cx, REPEATS
.again:
    fninit
    access
    fld1
    fsin
    expect_single 3F576AA4h, 2
    fld1
    fcos
    expect_single 3F0A5140h, 2
    fld dword [three_halves]
    fsincos
    access
    faddp st1, st0
    expect_single 3F88BBD5h, 2
    fld1
    fptan
    access
    fdivp st1, st0
    expect_single 3FC75923h, 2
    fld1
    fild word [hundred]
    access
    fpatan                      ; of 1 / 100
    expect_single 3C23D5A4h, 2
    fld1
    fadd st0, st0
    access
    fld1
    fdivrp st1, st0             ; a half
    f2xm1
    expect_single 3ED413CDh, 2
    fldlg2
    fild dword [million]
    access
    fyl2x                       ; log of a million
    expect_single 40C00000h, 2
    fldln2
    fld tword [tenth]
    access
    fyl2xp1                     ; ln of 1.1
    expect_single 3DC331FCh, 2
    fldl2e
    fldl2t
    access
    fmulp st1, st0
    frndint
    expect_single 40A00000h, 2  ; 1.44... * 3.32...
    dec cx
    jnz near .again
    ret

; Integers and a third, under each rounding.
rounding:
    mov dx, REPEATS
.again:
    mov si, roundings
    mov cx, ROUNDINGS
.control:
    fninit
    fldcw [si]
    access
    fld qword [two_and_a_half]
    fist word [result]
    access
    fchs
    fistp word [result + 2]
    mov eax, [result]
    out DELAY_PORT, al
    cmp eax, [si + 2]
    fail_if ne, 3
    mov ax, [si]
    and ax, ~EXTENDED
    mov [control], ax
    fldcw [control]
    fld1
    access
    fidiv word [three]
    fstp qword [result]
    access
    mov eax, [result]
    cmp eax, [si + 6]
    fail_if ne, 3
    add si, ROUNDING_BYTES
    loop .control
    dec dx
    jnz near .again
    ret

; A control word; 2.5 and -2.5 as integers; the low half of 1 / 3 in single precision, as a double.
roundings:
    dw CONTROL_DEFAULT, 2, -2
    dd 60000000h
ROUNDING_BYTES  equ $ - roundings
    dw CONTROL_DEFAULT | ROUND_DOWN, 2, -3
    dd 40000000h
    dw CONTROL_DEFAULT | ROUND_UP, 3, -2
    dd 60000000h
    dw CONTROL_DEFAULT | ROUND_CHOP, 2, -2
    dd 40000000h
ROUNDINGS       equ ($ - roundings) / ROUNDING_BYTES

; A number of eighteen digits to BCD, digit by digit to a port, and back.
decimal:
    mov cx, REPEATS
.again:
    fninit
    fild qword [large]
    access
    fbstp [result]
    mov si, result
    mov bx, large_digits
    mov dx, 10
.byte:
    lodsb
    out DELAY_PORT, al
    cmp al, [bx]
    fail_if ne, 4
    inc bx
    dec dx
    jnz .byte
    fbld [result]
    access
    fild qword [large]
    fcompp
    access
    fnstsw ax
    sahf
    fail_if ne, 4
    loop .again
    ret

; --- memory operands on a device ---

; Eight bytes at a time, as fast programs did once FILD was cheap.
copy:
    fninit
    mov si, BLOCK
    mov eax, 12345
.fill:
    imul eax, eax, 1103515245
    add eax, 12345
    mov [si], eax
    add si, 4
    cmp si, BLOCK + BLOCK_BYTES
    jb .fill
    mov bx, REPEATS
.again:
    mov si, BLOCK
    mov di, ROW_BYTES * 100
    mov cx, BLOCK_BYTES / 16
.there:
    fild qword [si]
    fild qword [si + 8]
    fxch st1
    fistp qword [es:di]
    fistp qword [es:di + 8]
    add si, 16
    add di, 16
    loop .there
    mov si, ROW_BYTES * 100
    mov di, BLOCK_BACK
    mov cx, BLOCK_BYTES / 8
.back:
    fild qword [es:si]
    fistp qword [di]
    add si, 8
    add di, 8
    loop .back
    push es
    push ds
    pop es
    mov si, BLOCK
    mov di, BLOCK_BACK
    mov cx, BLOCK_BYTES / 4
    repe cmpsd
    pop es
    fail_if ne, 5
    dec bx
    jnz .again
    ret

; 32 + 31 sin(x / 5) cos(y / 7), a word stored for each pixel: the next one covers its high half.
wave:
    fninit
    xor di, di
    mov word [y], 0
.row:
    fild word [y]
    fidiv word [seven]
    fcos
    mov word [x], 0
.pixel:
    fild word [x]
    fidiv word [five]
    fsin
    fmul st0, st1
    fimul word [thirty_one]
    fiadd word [thirty_two]
    fistp word [es:di]
    inc di
    inc word [x]
    cmp word [x], WAVE_WIDTH
    jb .pixel
    fstp st0
    add di, ROW_BYTES - WAVE_WIDTH
    inc word [y]
    cmp word [y], WAVE_HEIGHT
    jb .row
    xor di, di
    mov bx, WAVE_WIDTH
    mov cx, WAVE_HEIGHT
    call sum_pixels
    cmp edx, WAVE_SUM
    fail_if ne, 6
    ret

; sum_pixels: BX pixels of CX rows from ES:DI. Out: EDX. EAX, CX, DI lost.
sum_pixels:
    xor edx, edx
.row:
    push cx
    mov cx, bx
.pixel:
    movzx eax, byte [es:di]
    rol edx, 5
    add edx, eax
    inc di
    loop .pixel
    add di, ROW_BYTES
    sub di, bx
    pop cx
    loop .row
    ret

; --- branches ---

; How long z * z + c stays near, for c of a rectangle.
FRACTAL_AT      equ ROW_BYTES * 40

fractal:
    fninit
    mov di, FRACTAL_AT
    mov word [y], 0
.row:
    fild word [y]
    fdiv dword [eight]
    fsub dword [three_halves]
    fstp qword [c_imaginary]
    mov word [x], 0
.point:
    fild word [x]
    fdiv dword [eight]
    fadd qword [minus_two_and_a_quarter]
    fstp qword [c_real]
    call escape_time
    mov [es:di], bl
    inc di
    inc word [x]
    cmp word [x], FRACTAL_WIDTH
    jb .point
    add di, ROW_BYTES - FRACTAL_WIDTH
    inc word [y]
    cmp word [y], FRACTAL_HEIGHT
    jb .row
    mov di, FRACTAL_AT
    mov bx, FRACTAL_WIDTH
    mov cx, FRACTAL_HEIGHT
    call sum_pixels
    cmp edx, FRACTAL_SUM
    fail_if ne, 7
    ret

; escape_time: out BL, iterations left. The remarks show the stack, ST(0) first. AX lost.
escape_time:
    mov bl, FRACTAL_DEPTH
    fldz
    fldz                        ; r i
.iterate:
    out DELAY_PORT, al
    fld st0
    fmul st0, st0
    fld st2
    fmul st0, st0
    fld st0
    fadd st0, st2               ; ii+rr ii rr r i
    fcomp dword [four]
    fnstsw ax
    sahf
    ja .escaped
    in al, PIC1_DATA
    fsubp st1, st0              ; rr-ii r i
    fadd qword [c_real]
    fxch st2
    fmulp st1, st0
    fadd st0, st0
    fadd qword [c_imaginary]
    fxch st1                    ; r' i'
    dec bl
    jnz .iterate
    jmp .out
.escaped:
    fcompp
.out:
    fcompp
    ret

; --- states ---

save_and_restore:
    mov cx, REPEATS
.again:
    fninit
    mov word [control], CONTROL_DEFAULT | ROUND_UP
    fldcw [control]
    fldpi
    fldz
    fld dword [three_halves]
    access
    fnsave [STATE]
    access
    fnstcw [control]            ; as after FNINIT
    fnstsw ax
    out DELAY_PORT, al
    test ax, ax
    fail_if nz, 8
    cmp word [control], CONTROL_DEFAULT
    fail_if ne, 8
    cmp word [STATE], CONTROL_DEFAULT | ROUND_UP
    fail_if ne, 8
    cmp word [STATE + ENV_STATUS], 5 << TOP_SHIFT
    fail_if ne, 8
    cmp word [STATE + ENV_TAG], 13FFh   ; three registers in use, one of them zero
    fail_if ne, 8
    cmp dword [STATE + ENV_BYTES + 6], 3FFFC000h
    fail_if ne, 8
    fld1
    access
    frstor [STATE]
    call forget_pointers
    access
    expect_single 3FC00000h, 8
    expect_single 0, 8
    expect_single 40490FDBh, 8
    fnclex
    fld1
    access
    fnstenv [STATE]
    fnstcw [control]
    access
    mov ax, [STATE + ENV_STATUS]
    and ax, STATUS_KNOWN
    cmp ax, 7 << TOP_SHIFT
    fail_if ne, 8
    cmp word [STATE + ENV_TAG], 3FFFh
    fail_if ne, 8
    cmp word [control], CONTROL_DEFAULT | ROUND_UP
    fail_if ne, 8
    fninit
    access
    fldenv [STATE]              ; the register is there again
    call forget_pointers
    expect_single 3F800000h, 8
    dec cx
    jnz near .again
    ret

forget_pointers:
    mov dword [STATE + ENV_POINTERS], 0
    mov dword [STATE + ENV_POINTERS + 4], 0
    ret

; --- errors ---

errors:
    cli
    mov eax, cr0
    mov [old_cr0], eax
    vector_take INT_ERROR, on_error, old_error
    vector_take INT_IRQ13, on_irq13, old_irq13
    vector_take INT_TIMER, on_timer, old_timer
    in al, PIC1_DATA
    mov [mask_1], al
    and al, ~CASCADE_MASK & 0FFh
    out PIC1_DATA, al
    in al, PIC2_DATA
    mov [mask_2], al
    and al, ~IRQ13_MASK & 0FFh
    out PIC2_DATA, al
    sti
    call exceptions
    test byte [guest_flag], FLAG_NO_IRQ13
    jnz .out
    call try_irq13
    cmp word [irqs], 0
    je .out
    call interrupts
    call interrupts_off
.out:
    cli
    fninit
    mov eax, [old_cr0]
    mov cr0, eax
    vector_return INT_ERROR, old_error
    vector_return INT_IRQ13, old_irq13
    vector_return INT_TIMER, old_timer
    mov al, [mask_1]
    out PIC1_DATA, al
    mov al, [mask_2]
    out PIC2_DATA, al
    sti
    ret

; divide: makes it pending: 1 / 0 with that exception unmasked.
%macro divide 0
    fninit
    fldcw [unmask_divide]
    fldz
    fld1
    access
    fdiv st0, st1
%endmacro

; Exception 16, at the next waiting instruction and not before.
exceptions:
    mov eax, cr0
    or al, CR0_NE
    mov cr0, eax
    mov cx, REPEATS
.again:
    mov word [exceptions_seen], 0
    divide
    access
    cmp word [exceptions_seen], 0
    fail_if ne, 9
    fnstsw ax
    out DELAY_PORT, al
    fwait
    access
    cmp word [exceptions_seen], 1
    fail_if ne, 9
    call check_status
    fail_if ne, 9
    loop .again
    ret

; Is an error reported by IRQ13? Else as exception 16 all the same, or the processor waits: until the timer's handler
; puts an end to it.
try_irq13:
    mov eax, cr0
    and al, ~CR0_NE & 0FFh
    mov cr0, eax
    mov byte [trying], 1
    fninit
    fldcw [unmask_divide]
    fldz
    fld1
    fdiv st0, st1
    fwait
    mov byte [trying], 0
    ret

interrupts:
    mov cx, REPEATS
.again:
    mov word [irqs], 0
    divide
    fwait                       ; a 486 stops here until the interrupt
    access
    cmp word [irqs], 1
    fail_if ne, 10
    call check_status
    fail_if ne, 10
    loop .again
    ret

; Not while interrupts are off, then at once. No waiting instruction before: with interrupts off it would wait for ever.
interrupts_off:
    mov cx, REPEATS
.again:
    mov word [irqs], 0
    cli
    divide
    access
    access
    cmp word [irqs], 0
    fail_if ne, 11
    sti
    access
    fwait
    access
    cmp word [irqs], 1
    fail_if ne, 11
    call check_status
    fail_if ne, 11
    loop .again
    ret

; check_status: ZF if the handler saw the divide error. AX lost.
check_status:
    mov ax, [status]
    and ax, STATUS_DIVIDED
    cmp ax, STATUS_DIVIDED
    mov word [status], 0
    ret

on_error:
    inc word [cs:exceptions_seen]
    fnstsw [cs:status]
    fnclex
    iret

on_irq13:
    push ax
    xor al, al
    out ERROR_CLEAR, al
    inc word [cs:irqs]
    fnstsw [cs:status]
    fnclex
    mov al, PIC_EOI
    out PIC2_CMD, al
    out PIC1_CMD, al
    pop ax
    iret

on_timer:
    cmp byte [cs:trying], 0
    je .chain
    fnclex
.chain:
    jmp far [cs:old_timer]

    align 8
minus_two_and_a_quarter dq -2.25
two_and_a_half  dq 2.5
large           dq 987654321987654321
large_digits    dt 987654321987654321p
tenth           dt 0.1
three_halves    dd 1.5
four            dd 4.0
eight           dd 8.0
million         dd 1000000
hundred         dw 100
forty           dw 40
three           dw 3
five            dw 5
seven           dw 7
thirty_one      dw 31
thirty_two      dw 32
unmask_divide   dw CONTROL_DEFAULT & ~UNMASK_DIVIDE

    align 8
result          times 12 db 0
c_real          dq 0
c_imaginary     dq 0
old_cr0         dd 0
old_error       dd 0
old_irq13       dd 0
old_timer       dd 0
x               dw 0
y               dw 0
control         dw 0
status          dw 0
exceptions_seen dw 0
irqs            dw 0
trying          db 0
mask_1          db 0
mask_2          db 0

    guest_end
