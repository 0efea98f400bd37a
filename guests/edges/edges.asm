; edges - the places where a cluster has to stop in the middle of something:
; (a) an exception right behind SS was loaded or interrupts were let in, with
; the interrupt shadow alive; (b) an instruction that reads a device and then
; faults (DIV by a byte of VGA memory): it may be read once only; (c) INS whose
; destination lies beyond its segment, which KVM notices after it has read the
; port; (d) code changed through its other address while A20 is off, between
; two OUTs; (e) port reads in the last bytes below 64 KiB.
;
; About 4,000 device accesses.
; Exit codes: 0 all is well; 1 a divide error was lost or came twice; 2 old
; code was run; 3 A20 does not close; 4 a read of VGA memory went wrong.

ROUNDS          equ 60
TEXT_SEG        equ 0B800h
HIGH_SEG        equ 0FFFFh      ; its offset 10h is 1 MiB
HIGH_OFFSET     equ 10h
ELSEWHERE       equ 3000h       ; a segment of free memory
LAST_CODE       equ 0FFF0h      ; offset of (e) in it
PORT_92         equ 92h
A20_BIT         equ 2
VECTOR_DE       equ 0
VECTOR_GP       equ 13

%include "boot.inc"
%include "pic.inc"

guest_main:
    cli
    vector_take VECTOR_DE, divide_error, old_de
    vector_take VECTOR_GP, protection, old_gp
    call shadows
    call device_divisor
    call ins_beyond
    call closed_a20
    call last_bytes
    vector_return VECTOR_DE, old_de
    vector_return VECTOR_GP, old_gp
    exit_with 0

; Both step over the instruction and count. DIV and the INS here have a length
; that is in `skip`.
divide_error:
    push bp
    mov bp, sp
    push ax
    mov ax, [cs:skip]
    add [bp + 2], ax
    inc word [cs:faults]
    pop ax
    pop bp
    iret

protection equ divide_error

; (a) AX = 0, so SS stays what it is.
shadows:
    mov word [faults], 0
    mov word [skip], 2
    mov cx, ROUNDS
    xor bx, bx
.round:
    xor ax, ax
    out DELAY_PORT, al
    cli
    mov ss, ax
    div bl                      ; in the shadow of MOV SS, interrupts off
    out DELAY_PORT, al
    sti
    div bl                      ; in the shadow of STI
    out DELAY_PORT, al
    mov ss, ax
    div bl                      ; in the shadow of MOV SS, interrupts on
    out DELAY_PORT, al
    cli
    out DELAY_PORT, al
    loop .round
    cmp word [faults], 3 * ROUNDS
    fail_if ne, 1
    ret

; (b) The divisor is zero in one round and two in the next.
device_divisor:
    mov word [faults], 0
    mov word [skip], 3
    mov ax, TEXT_SEG
    mov es, ax
    xor di, di
    mov cx, ROUNDS
.round:
    mov al, cl
    and al, 1
    add al, al
    out DELAY_PORT, al
    mov [es:di], al
    mov ax, 100
    out DELAY_PORT, al
    div byte [es:di]
    out DELAY_PORT, al
    test cl, 1
    jz .next
    cmp al, 50
    fail_if ne, 4
.next:
    loop .round
    xor ax, ax
    mov es, ax
    cmp word [faults], ROUNDS / 2
    fail_if ne, 1
    ret

; (c) Whether it faults depends on the processor: what counts is that the next
; instruction is reached, and the same number of reads at every level.
ins_beyond:
    mov word [skip], 1
    mov ax, ELSEWHERE
    mov es, ax
    mov dx, DELAY_PORT
    mov cx, ROUNDS
.round:
    mov di, 0FFFFh
    insw
    out DELAY_PORT, al
    in al, DELAY_PORT
    out DELAY_PORT, al
    loop .round
    xor ax, ax
    mov es, ax
    ret

; (d) While A20 is off, FFFF:0010 + x is x.
closed_a20:
    in al, PORT_92
    and al, ~(A20_BIT | 1)
    out PORT_92, al
    mov ax, HIGH_SEG
    mov es, ax
    mov di, a20_immediate + HIGH_OFFSET
    mov al, [es:di]
    cmp al, [a20_immediate]
    fail_if ne, 3
    xor cx, cx
.round:
    mov al, cl
    out DELAY_PORT, al
    xor al, 0A5h
    mov [es:di], al
    jmp .serialise
.serialise:
    out DELAY_PORT, al
    mov bl, 0
a20_immediate equ $ - 1
    out DELAY_PORT, al
    cmp al, bl
    fail_if ne, 2
    inc cx
    cmp cx, ROUNDS
    jb .round
    xor ax, ax
    mov es, ax
    in al, PORT_92
    or al, A20_BIT
    and al, ~1
    out PORT_92, al
    ret

; (e) IN and a jump back that ends at the last byte of the segment.
last_bytes:
    mov ax, ELSEWHERE
    mov es, ax
    mov si, .code
    mov di, LAST_CODE
    mov cx, 16
    rep movsb
    xor ax, ax
    mov es, ax
    mov cx, ROUNDS
    jmp ELSEWHERE:LAST_CODE
.code:
    dec cx                      ; FFF0
    jz .out                     ; FFF1
    in al, DELAY_PORT           ; FFF3
    in al, DELAY_PORT           ; FFF5
    jmp .tail                   ; FFF7
.out:
    jmp 0:.back                 ; FFF9
.tail:
    jmp .code                   ; FFFE, FFFF
.back:
    ret
%if .back - .code != 16
%error "the last jump does not end at FFFFh"
%endif

skip:   dw 0
faults: dw 0
old_de: dd 0
old_gp: dd 0

    guest_end
