; irqmix - a shuffled mix of everything that meets interrupts: a 1 kHz timer
; while code pokes the keyboard controller, the CMOS, the VGA and string I/O,
; turns interrupts off and on in every way, waits in HLT, and calls software
; interrupts.
;
; Each round draws OPS operations from a sequence that its number seeds, and
; folds all they saw into a checksum. All rounds run once in peace, the timer
; masked, then in the noise: each checksum must be the same. The handler, in
; addition, looks at where it came from: never from the instruction behind an
; STI that turned interrupts on, or behind a load of SS.
;
; About 35,000 device accesses, 7 an interrupt; about 0.2 s of waiting in HLT.
; Exit codes: 0 all is well; 1 fewer ticks than were waited for; 2 a checksum
; differs; 3 an interrupt in the shadow of STI or of a load of SS; 4 one while
; interrupts were off; 5 IF is not what it must be; 6 a string instruction left
; wrong registers; 7 the keyboard controller does not answer; 8 a request was
; still in service at the end.

ROUNDS          equ 64
OPS             equ 24

%include "boot.inc"
%include "vga.inc"
%include "pic.inc"

CMOS_INDEX      equ 70h
CMOS_DATA       equ 71h
KBC_DATA        equ 60h
KBC_CMD         equ 64h
KBC_READ_MODE   equ 20h
KBC_OUT_FULL    equ 1
KBC_IN_FULL     equ 2
EFLAGS_IF       equ 200h

BUFFER          equ 0B000h
SUMS            equ 0B400h      ; a dword for each round

; mix: EAX goes into the checksum, EBP.
%macro mix 0
    rol ebp, 7
    xor ebp, eax
    add ebp, 9E3779B9h
%endmacro

; shadowed: the instruction behind this point must not be interrupted before.
%assign n_shadows 0
%macro shadowed 0
..@shadow_%[n_shadows]:
%assign n_shadows n_shadows + 1
%endmacro

guest_main:
    cli
    cld
    in al, PIC1_DATA
    mov [mask_1], al
    in al, PIC2_DATA
    mov [mask_2], al
    mov al, 0FFh                ; in peace: nothing at all
    out PIC1_DATA, al
    out PIC2_DATA, al
    vector_take INT_TIMER, on_timer, old_timer
    mov dword [60h * 4], on_int_60
    mov dword [61h * 4], on_int_61
    pit_hz 1000
    call kbc_drain
    mov ax, TEXT_SEG
    mov es, ax

    xor bx, bx
.peace:
    call round
    mov [SUMS + ebx * 4], ebp
    inc bx
    cmp bx, ROUNDS
    jb .peace

    mov byte [noise], 1
    mov al, 0FEh                ; the timer and nothing else
    out PIC1_DATA, al
    xor bx, bx
.noise:
    call round
    cmp [SUMS + ebx * 4], ebp
    fail_if ne, 2
    inc bx
    cmp bx, ROUNDS
    jb .noise

    cli
    pit_default
    vector_return INT_TIMER, old_timer
    mov al, PIC_READ_ISR
    out PIC1_CMD, al
    in al, PIC1_CMD
    test al, al
    fail_if nz, 8
    mov al, [mask_1]
    out PIC1_DATA, al
    mov al, [mask_2]
    out PIC2_DATA, al
    sti
    mov ax, [waits]
    cmp [ticks], ax
    fail_if b, 1
    exit_with 0


; round: round BX, interrupts on from start to end. Out: EBP, the checksum.
; BX kept.
round:
    push ebx
    movzx eax, bx
    imul eax, eax, 2654435761 & 0FFFFFFFFh
    add eax, 12345
    mov [seed], eax
    mov ebp, eax
    mov word [ops_left], OPS
    sti
.op:
    call random
    xor edx, edx
    mov ecx, OP_COUNT
    div ecx
    add dx, dx
    mov bx, dx
    call [operations + bx]
    pushf
    pop ax
    test ax, EFLAGS_IF
    fail_if z, 5
    dec word [ops_left]
    jnz .op
    cli
    pop ebx
    movzx ebx, bx
    ret

; random: EAX, from xorshift32 (Marsaglia).
random:
    mov eax, [seed]
    mov edx, eax
    shl edx, 13
    xor eax, edx
    mov edx, eax
    shr edx, 17
    xor eax, edx
    mov edx, eax
    shl edx, 5
    xor eax, edx
    mov [seed], eax
    ret

operations:
    dw op_cmos, op_kbc, op_outs, op_ins, op_sti_out, op_flags, op_int
    dw op_load_ss, op_halt, op_text, op_crtc, op_off, op_iret, op_vram
    dw op_outsw, op_pit
OP_COUNT        equ ($ - operations) / 2

; Index and data pairs with time for an interrupt between them.
op_cmos:
    mov bl, 10h
.next:
    mov al, bl
    out CMOS_INDEX, al
    xor eax, eax
    in al, CMOS_DATA
    mix
    inc bl
    cmp bl, 18h
    jb .next
    ret

op_kbc:
    mov al, KBC_READ_MODE
    call kbc_command
    movzx eax, al
    mix
    ret

op_outs:
    mov si, boot_start
    mov dx, DELAY_PORT
    mov cx, 24
    rep outsb
    cmp si, boot_start + 24
    fail_if ne, 6
    jcxz .done
    exit_with 6
.done:
    cmp dx, DELAY_PORT
    fail_if ne, 6
    ret

op_outsw:
    mov esi, boot_start + 16
    mov dx, DELAY_PORT
    mov ecx, 6
    std
    a32 rep outsw
    cld
    cmp esi, boot_start + 4
    fail_if ne, 6
    test ecx, ecx
    fail_if nz, 6
    ret

op_ins:
    push es
    push ds
    pop es
    mov al, 14h                 ; equipment: the same at every read
    out CMOS_INDEX, al
    mov di, BUFFER
    mov dx, CMOS_DATA
    mov cx, 16
    rep insb
    cmp di, BUFFER + 16
    fail_if ne, 6
    pop es
    mov si, BUFFER
    mov cx, 4
.fold:
    lodsd
    mix
    loop .fold
    ret

; STI, then I/O at once: the I/O comes before any interrupt.
op_sti_out:
    mov cx, 4
.next:
    cli
    out DELAY_PORT, al
    in al, PIC2_DATA
    sti
    shadowed
    out DELAY_PORT, al
    cli
    sti
    shadowed
    in al, PIC2_DATA
    movzx eax, al
    mix
    cli
    sti
    shadowed
    inc word [counter]
    loop .next
    ret

; PUSHF and POPF nested; IF comes back as it was.
op_flags:
    pushf
    cli
    pushf
    sti
    out DELAY_PORT, al
    pushf
    pop ax
    test ax, EFLAGS_IF
    fail_if z, 5
    popf                        ; off
    pushf
    pop ax
    test ax, EFLAGS_IF
    fail_if nz, 5
    mov bx, [ticks]
    out DELAY_PORT, al
    in al, PIC2_DATA
    cmp bx, [ticks]
    fail_if ne, 4
    stc
    popf                        ; on; carry as it was
    movzx eax, bl
    xor eax, eax
    mix
    ret

op_int:
    mov eax, [seed]
    int 60h
    mix
    cli
    mov eax, [seed]
    int 60h
    pushf
    pop bx
    test bx, EFLAGS_IF
    fail_if nz, 5
    sti
    mix
    ret

op_load_ss:
    mov cx, 4
.next:
    mov ax, ss
    mov ss, ax
    shadowed
    out DELAY_PORT, al
    push ss
    pop ss
    shadowed
    in al, PIC2_DATA
    movzx eax, al
    mix
    mov bx, sp                  ; the usual change of stacks
    mov ax, ss
    mov dx, OTHER_STACK
    mov ss, ax
    shadowed
    mov sp, dx
    out DELAY_PORT, al
    push cx
    pop cx
    mov ss, ax
    shadowed
    mov sp, bx
    loop .next
    ret

OTHER_STACK     equ 7000h

; Wait for a tick as one must: look with interrupts off, sleep with STI, HLT.
op_halt:
    xor eax, eax
    mix
    cmp byte [noise], 0
    je .out
    inc word [waits]
    mov bx, [ticks]
.look:
    cli
    cmp bx, [ticks]
    jne .came
    sti
    shadowed
    hlt
    jmp .look
.came:
    sti
.out:
    ret

; Text memory by string instructions, interrupts on.
op_text:
    mov di, 160 * 20
    mov eax, [seed]
    mov cx, 20
    rep stosw
    mov si, 160 * 20
    mov cx, 10
.fold:
    es lodsd
    mix
    loop .fold
    ret

op_vram:
    push ds
    push es
    pop ds
    mov si, 160 * 20
    mov di, 160 * 21 + 1
    mov cx, 40
    rep movsb
    pop ds
    xor eax, eax
    mov al, [es:160 * 21 + 7]
    sub al, [es:160 * 20 + 6]
    mix
    ret

; The cursor's place, written and read back by pairs.
op_crtc:
    mov bx, [seed]
    and bx, 7FFh
    crtc_pair 0Eh, bh
    crtc_pair 0Fh, bl
    mov dx, CRTC_INDEX
    mov al, 0Eh
    out dx, al
    inc dx
    in al, dx
    movzx eax, al
    mix
    dec dx
    mov al, 0Fh
    out dx, al
    inc dx
    in al, dx
    movzx eax, al
    mix
    ret

; With interrupts off no tick is counted, whatever the accesses.
op_off:
    cli
    mov bx, [ticks]
    mov cx, 12
.next:
    out DELAY_PORT, al
    in al, PIC2_DATA
    loop .next
    cmp bx, [ticks]
    fail_if ne, 4
    movzx eax, al
    sti
    mix
    ret

; IRET and POPF let interrupts in at once: no shadow, but IF must be set.
op_iret:
    cli
    pushf
    pop ax
    or ax, EFLAGS_IF
    push ax
    push cs
    push .back
    iret
.back:
    out DELAY_PORT, al
    pushf
    pop ax
    and eax, EFLAGS_IF
    mix
    ret

; A latched count is two reads; a handler that comes between does no harm. What
; it reads depends on the time and is dropped.
op_pit:
    mov al, 80h                 ; latch channel 2
    out PIT_CONTROL, al
    in al, PIT_CHANNEL_2
    in al, PIT_CHANNEL_2
    xor eax, eax
    mix
    ret

; kbc_command: command AL to the 8042. Out: AL, its answer.
kbc_command:
    mov ah, al
    xor cx, cx
.wait:
    in al, KBC_CMD
    test al, KBC_IN_FULL
    loopnz .wait
    fail_if nz, 7
    mov al, ah
    out KBC_CMD, al
    xor cx, cx
.answer:
    in al, KBC_CMD
    test al, KBC_OUT_FULL
    loopz .answer
    fail_if z, 7
    in al, KBC_DATA
    ret

kbc_drain:
    mov cx, 32
.next:
    in al, KBC_CMD
    test al, KBC_OUT_FULL
    jz .out
    in al, KBC_DATA
    loop .next
.out:
    ret

; Software interrupts: one turns interrupts on and calls the other.
on_int_60:
    sti
    out DELAY_PORT, al
    int 61h
    add eax, 60h
    iret
on_int_61:
    rol eax, 9
    out DELAY_PORT, al
    iret

; The timer: where did it come from? Then work on the stack, count, and EOI.
on_timer:
    push bp
    mov bp, sp
    push ax
    push bx
    push cx
    mov ax, [bp + 2]
    mov bx, shadows
    mov cx, SHADOW_COUNT
.look:
    cmp ax, [cs:bx]
    fail_if e, 3
    add bx, 2
    loop .look
    test word [bp + 6], EFLAGS_IF
    fail_if z, 4
    inc word [cs:ticks]
    out DELAY_PORT, al
    mov al, PIC_EOI
    out PIC1_CMD, al
    pop cx
    pop bx
    pop ax
    pop bp
    iret

SHADOW_COUNT    equ n_shadows
shadows:
%assign i 0
%rep n_shadows
    dw ..@shadow_%[i]
%assign i i + 1
%endrep

    align 4
seed            dd 0
old_timer       dd 0
ops_left        dw 0
ticks           dw 0
waits           dw 0
counter         dw 0
mask_1          db 0
mask_2          db 0
noise           db 0

    guest_end
