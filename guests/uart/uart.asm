; uart - the 16550A at 3F8h and the CMOS clock's registers: index-like protocols
; with a mode bit (DLAB), FIFOs in loopback mode, status polling, then all 64
; CMOS registers twice by index and data port; at last a line on COM1.
;
; About 5,000 device accesses and what waiting for the transmitter adds.
; Exit codes: 0 all is well; 1 no UART there (scratch register); 2 the divisor
; does not read back; 3 the FIFOs are not those of a 16550A; 4 a looped byte
; was wrong or did not come; 5 the modem lines do not loop; 6 a CMOS register
; changed that is no clock; 7 the transmitter never got empty; 8 an interrupt
; is pending that should not be, or none that should.

LOOP_BYTES      equ 256
FIFO_ROUNDS     equ 16
POLLS           equ 1 << 20

%include "boot.inc"

UART            equ 3F8h
UART_DATA       equ UART + 0    ; DLAB: low divisor
UART_IER        equ UART + 1    ; DLAB: high divisor
UART_IIR        equ UART + 2    ; write: FIFO control
UART_LCR        equ UART + 3
UART_MCR        equ UART + 4
UART_LSR        equ UART + 5
UART_MSR        equ UART + 6
UART_SCRATCH    equ UART + 7

LCR_8N1         equ 03h
LCR_DLAB        equ 80h
LSR_DATA        equ 01h
LSR_THR_EMPTY   equ 20h
LSR_IDLE        equ 40h
MCR_LOOP        equ 10h
FIFO_BYTES      equ 16

CMOS_INDEX      equ 70h
CMOS_DATA       equ 71h
FIRST_READ      equ 0B000h      ; 64 bytes

guest_main:
    call scratch
    call divisor
    call loop_mode
    call loop_fifo
    call loop_modem
    call cmos
    call hello
    exit_with 0

%macro uart_out 2
    mov dx, %1
    mov al, %2
    out dx, al
%endmacro
%macro uart_in 1
    mov dx, %1
    in al, dx
%endmacro

scratch:
    xor bx, bx
.next:
    uart_out UART_SCRATCH, bl
    uart_in UART_SCRATCH
    cmp al, bl
    fail_if ne, 1
    inc bl
    jnz .next
    ret

; The divisor behind DLAB does not touch the registers in front of it.
divisor:
    uart_out UART_IER, 0
    mov cx, 64
    mov bx, 1
.next:
    uart_out UART_LCR, LCR_8N1 | LCR_DLAB
    uart_out UART_DATA, bl
    uart_out UART_IER, bh
    uart_in UART_DATA
    cmp al, bl
    fail_if ne, 2
    uart_in UART_IER
    cmp al, bh
    fail_if ne, 2
    uart_out UART_LCR, LCR_8N1
    uart_in UART_IER
    test al, al
    fail_if nz, 2
    imul bx, bx, 5
    inc bx
    loop .next
    uart_out UART_LCR, LCR_8N1 | LCR_DLAB
    uart_out UART_DATA, 1       ; 115,200 bits a second
    uart_out UART_IER, 0
    uart_out UART_LCR, LCR_8N1
    ret

; lsr_wait: until a bit of BL is set in LSR. Exits with BH when it never is.
lsr_wait:
    push ecx
    mov ecx, POLLS
.poll:
    uart_in UART_LSR
    test al, bl
    jnz .out
    dec ecx
    jnz .poll
    exit_with bh
.out:
    pop ecx
    ret

; Loopback, no FIFO, byte by byte.
loop_mode:
    uart_out UART_IIR, 0
    uart_out UART_MCR, MCR_LOOP
    xor cx, cx
.next:
    mov bx, 4 << 8 | LSR_THR_EMPTY
    call lsr_wait
    uart_out UART_DATA, cl
    mov bx, 4 << 8 | LSR_DATA
    call lsr_wait
    uart_in UART_DATA
    cmp al, cl
    fail_if ne, 4
    inc cx
    cmp cx, LOOP_BYTES
    jb .next
    ret

; The FIFO: sixteen bytes in, sixteen out, none left.
loop_fifo:
    uart_out UART_IIR, 07h      ; on, both cleared
    uart_in UART_IIR
    and al, 0C0h
    cmp al, 0C0h
    fail_if ne, 3
    mov cx, FIFO_ROUNDS
.round:
    push cx
    mov bx, 4 << 8 | LSR_IDLE
    call lsr_wait
    mov cx, FIFO_BYTES
    mov al, cl
    mov dx, UART_DATA
.fill:
    out dx, al
    add al, 13
    loop .fill
    mov cx, FIFO_BYTES
    mov ah, cl
.drain:
    push ax
    mov bx, 4 << 8 | LSR_DATA
    call lsr_wait
    pop ax
    uart_in UART_DATA
    cmp al, ah
    fail_if ne, 4
    add ah, 13
    loop .drain
    uart_in UART_LSR
    test al, LSR_DATA
    fail_if nz, 4
    pop cx
    loop .round

    ; Interrupt identification: off, then "transmitter empty" once allowed.
    mov bx, 7 << 8 | LSR_IDLE
    call lsr_wait
    uart_in UART_IIR
    test al, 1
    fail_if z, 8
    cli
    uart_out UART_IER, 2
    uart_in UART_IIR
    and al, 0Fh
    cmp al, 2
    fail_if ne, 8
    uart_in UART_IIR            ; reading it has taken the request back
    test al, 1
    fail_if z, 8
    uart_out UART_IER, 0
    sti
    ret

; In loopback the outputs of the MCR come back in the upper half of the MSR:
; DTR as DSR, RTS as CTS, OUT1 as RI, OUT2 as DCD.
loop_modem:
    xor bx, bx
.next:
    mov ah, bl
    or ah, MCR_LOOP
    uart_out UART_MCR, ah
    uart_in UART_MSR
    shr al, 4
    movzx si, bl
    cmp al, [.expected + si]
    fail_if ne, 5
    inc bx
    cmp bx, 16
    jb .next
    uart_out UART_MCR, 3        ; DTR and RTS
    uart_in UART_MSR            ; clears the deltas
    ret
.expected:                      ; DTR 1, RTS 2, OUT1 4, OUT2 8 -> CTS 1, DSR 2, RI 4, DCD 8
%assign i 0
%rep 16
    db ((i & 1) << 1) | ((i & 2) >> 1) | (i & 12)
%assign i i + 1
%endrep

; All registers, twice; the clock's (0 to 9, its status A to C, the century)
; may change in between.
cmos:
    xor bx, bx
.first:
    call .read
    mov [FIRST_READ + bx], al
    inc bx
    cmp bx, 64
    jb .first
    xor bx, bx
.second:
    call .read
    cmp bx, 0Dh
    jb .next
    cmp bx, 32h
    je .next
    cmp al, [FIRST_READ + bx]
    fail_if ne, 6
.next:
    inc bx
    cmp bx, 64
    jb .second
    ret
.read:
    mov al, bl
    out CMOS_INDEX, al
    in al, CMOS_DATA
    ret

hello:
    mov si, .text
.next:
    lodsb
    test al, al
    jz .out
    mov ah, al
    mov bx, 7 << 8 | LSR_THR_EMPTY
    push ax
    call lsr_wait
    pop ax
    uart_out UART_DATA, ah
    jmp .next
.out:
    mov bx, 7 << 8 | LSR_IDLE
    jmp lsr_wait
.text:
    db "uart: all is well", 13, 10, 0

    guest_end
