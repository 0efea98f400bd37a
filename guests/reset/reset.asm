; reset - the RESET line from both of its sources, each time out of a state
; that the firmware and the chips must recover from: A20 off, a graphics mode
; with odd VGA registers, a fast timer with its interrupt waiting, the
; controllers half way through initialisation, vectors and BIOS data gone.
; Memory keeps its contents over it: a mark above 1 MiB tells the boots apart.
;
; About 3 x 25,000 device accesses, nearly all the firmware's.
; Exit codes: 0 all is well; 1 A20 is off; 2 not in text mode; 3 no ticks;
; 4 the interrupt controller's mask is not the BIOS's; 5 the reset did not
; come.

MARK            equ 9000h       ; in HIGH_SEG: above 1 MiB, where the firmware keeps nothing
MARK_FIRST      equ 0B007h      ; what it holds in the second boot
MARK_SECOND     equ 0B008h      ; and in the third
PORT_92         equ 92h
KBC_COMMAND     equ 64h
KBC_PULSE_RESET equ 0FEh
BDA_MODE        equ 449h
BDA_TICKS       equ 46Ch
TEXT_MODE       equ 3
HIGH_SEG        equ 0FFFFh
FAST_HZ         equ 5000

%include "boot.inc"
%include "pic.inc"
%include "vga.inc"

guest_main:
    call check_machine
    mov ax, HIGH_SEG
    mov es, ax
    cmp word [es:MARK], MARK_FIRST
    je .second
    cmp word [es:MARK], MARK_SECOND
    je .third
    mov word [es:MARK], MARK_FIRST
    call disorder
    mov al, KBC_PULSE_RESET
    out KBC_COMMAND, al
    jmp .no_reset
.second:
    mov word [es:MARK], MARK_SECOND
    call disorder
    in al, PORT_92
    or al, 1
    out PORT_92, al
.no_reset:
    mov cx, 100
.wait:
    out DELAY_PORT, al
    loop .wait
    exit_with 5
.third:
    mov word [es:MARK], 0
    exit_with 0

; Is this a machine as the firmware leaves it?
check_machine:
    mov ax, HIGH_SEG
    mov es, ax
    mov al, [es:10h + boot_start]
    inc byte [boot_start]
    cmp al, [es:10h + boot_start]
    pushf
    dec byte [boot_start]
    popf
    fail_if ne, 1
    xor ax, ax
    mov es, ax
    cmp byte [BDA_MODE], TEXT_MODE
    fail_if ne, 2
    in al, PIC1_DATA
    test al, 1                  ; the timer is let in
    fail_if nz, 4
    mov ax, [BDA_TICKS]
    mov cx, 5
.tick:
    hlt
    loop .tick
    cmp ax, [BDA_TICKS]
    fail_if e, 3
    ret

disorder:
    mov ax, 0Dh                 ; 320x200, 16 colours
    int 10h
    cli
    mov dx, 3C4h                ; sequencer: held in reset, odd map mask
    mov ax, 0100h
    out dx, ax
    mov ax, 0502h
    out dx, ax
    mov dx, 3CEh                ; write mode 3
    mov ax, 0305h
    out dx, ax
    pit_hz FAST_HZ
    mov al, 11h                 ; ICW1, and nothing after it
    out PIC1_CMD, al
    out PIC2_CMD, al
    in al, PORT_92
    and al, ~3
    out PORT_92, al             ; A20 off
    xor di, di                  ; vectors and BIOS data
    push es
    xor ax, ax
    mov es, ax
    mov cx, 280h
    rep stosw
    pop es
    ret

    guest_end
