; frame - halts with nothing armed but an NE2000 at port 300h, interrupt 9: the
; timer stands still, and only a frame to all stations can wake it.
;
; Says "frame: ready" on the debug port before it halts. Exit code 0 when the
; card has interrupted. DP8390D data sheet, 11.0, "Initialization procedures".

CARD            equ 300h
IRQ9_VECTOR     equ 71h * 4
PIC_MASK        equ 21h
PIC2_MASK       equ 0A1h
ONLY_CASCADE    equ 0FBh
ONLY_IRQ9       equ 0FDh
PIT_CONTROL     equ 43h
PIT_STOP        equ 30h         ; mode 0, without a count

%include "boot.inc"

guest_main:
    cli
    xor ax, ax
    mov es, ax
    mov word [es:IRQ9_VECTOR], interrupted
    mov [es:IRQ9_VECTOR + 2], cs
    mov al, PIT_STOP
    out PIT_CONTROL, al
    mov al, ONLY_CASCADE
    out PIC_MASK, al
    mov al, ONLY_IRQ9
    out PIC2_MASK, al
    mov si, setup
.next:
    lodsw
    mov dx, CARD
    add dl, al
    mov al, ah
    out dx, al
    cmp si, setup_end
    jb .next
    debug "frame: ready", 10
    sti
.again:
    hlt
    jmp .again

interrupted:
    exit_with 0

; register, value
setup:
    db 0, 21h                   ; CR: page 0, stop
    db 14, 48h                  ; DCR: bytes, no loopback
    db 10, 0, 11, 0             ; RBCR
    db 12, 04h                  ; RCR: broadcast
    db 13, 0                    ; TCR
    db 1, 46h, 2, 80h, 3, 46h   ; PSTART, PSTOP, BNRY
    db 7, 0FFh                  ; ISR
    db 15, 01h                  ; IMR: received
    db 0, 61h                   ; page 1
    db 7, 47h                   ; CURR
    db 0, 22h                   ; page 0, start
setup_end:

guest_end
