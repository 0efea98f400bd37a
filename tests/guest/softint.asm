; softint - software interrupts with numbers above 7Fh, nothing else going on: every
; other interrupt is masked. Exit codes: 0 all came to the handler and back; 1 not.

ROUNDS          equ 3
FIRST           equ 80h
PIC1_MASK       equ 21h
PIC2_MASK       equ 0A1h

%include "boot.inc"

guest_main:
    cli
    mov al, 0FFh
    out PIC1_MASK, al
    out PIC2_MASK, al
    mov word [FIRST * 4], handler
    mov word [FIRST * 4 + 2], 0
    mov word [255 * 4], handler
    mov word [255 * 4 + 2], 0
    xor bx, bx
    mov cx, ROUNDS
.next:
    int FIRST
    int 255
    loop .next
    cmp bx, 2 * ROUNDS
    fail_if ne, 1
    exit_with 0

handler:
    inc bx
    iret

    guest_end
