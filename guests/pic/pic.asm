; pic - the interrupt-controller sequence that made the case for exit
; clustering (the mask read and written back with POST-port delays between),
; in a loop, while the timer interrupts at 1 kHz.
;
; Rounds go on until ROUNDS are done and TICKS interrupts were taken; how many
; more rounds than ROUNDS that needs is not kept. 12 device accesses a round and
; 5 an interrupt; about 30,000 and what waiting for the ticks adds.
; Exit codes: 0 all is well; 1 and 2 the mask of the first and the second
; controller is not what was written; 3 the handler did not find the timer, and
; only the timer, in service; 4 a request was still in service at the end;
; 5 the ticks did not come in twenty million rounds.

ROUNDS          equ 2000
TICKS           equ 50

%include "boot.inc"
%include "pic.inc"

guest_main:
    cli
    in al, PIC1_DATA
    mov [mask_1], al
    in al, PIC2_DATA
    mov [mask_2], al
    vector_take INT_TIMER, on_timer, old_timer
    pit_hz 1000
    sti
    xor ebp, ebp                ; rounds
.round:
    ; The sequence as published: DX keeps its high half, DL is set again.
    mov dx, PIC1_DATA
    in al, dx
    out DELAY_PORT, al
    mov cl, al
    mov dl, PIC1_DATA
    out dx, al
    out DELAY_PORT, al
    cmp cl, [mask_1]
    fail_if ne, 1

    mov dx, PIC2_DATA
    in al, dx
    out DELAY_PORT, al
    mov cl, al
    mov dl, PIC2_DATA
    out dx, al
    out DELAY_PORT, al
    cmp cl, [mask_2]
    fail_if ne, 2

    ; And as the BIOSes have it: the ports as immediates.
    in al, PIC1_DATA
    out DELAY_PORT, al
    out PIC1_DATA, al
    out DELAY_PORT, al

    inc ebp
    cmp ebp, 20000000
    fail_if ae, 5
    cmp ebp, ROUNDS
    jb .round
    cmp word [ticks], TICKS
    jb .round

    cli
    pit_default
    vector_return INT_TIMER, old_timer
    in al, PIC1_DATA
    cmp al, [mask_1]
    fail_if ne, 1
    in al, PIC2_DATA
    cmp al, [mask_2]
    fail_if ne, 2
    cmp byte [odd_service], 0
    fail_if ne, 3
    mov al, PIC_READ_ISR
    out PIC1_CMD, al
    in al, PIC1_CMD
    test al, al
    fail_if ne, 4
    exit_with 0

on_timer:
    push ax
    mov al, PIC_READ_ISR
    out PIC1_CMD, al
    in al, PIC1_CMD
    cmp al, 1
    je .alone
    inc byte [odd_service]
.alone:
    inc word [ticks]
    mov al, PIC_EOI
    out PIC1_CMD, al
    pop ax
    iret

    align 4
old_timer       dd 0
ticks           dw 0
mask_1          db 0
mask_2          db 0
odd_service     db 0

    guest_end
