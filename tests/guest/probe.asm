; probe - the guest of the tests of huddle's commands: it does one small thing
; that such a test looks for.
;
; guest_flag (offset 24h of the image, byte): which
;     0  exit with the low byte of guest_param
;     1  say "probe is here" on the screen, then spin with interrupts on
;     2  the same, but with HLT in the loop
;     3  write one sector of the boot drive, exit with the BIOS's status
;     4  write one sector of the boot drive, then spin
;     5  draw into mode 13h: each row in its own colour; then spin
;     6  stop with interrupts on, but every one of them masked
;     7  send the time-stamp counter to a port, then exit with 0
;     8  reset by the keyboard controller; the second time exit with 0
; guest_param: 0: the exit code. 3, 4: the dword that fills the sector, which
; is cylinder 5, head 0, sector 1.
;
; Before it spins it says "probe: ready" on the debug port.
; Exit codes: as above; 100 no such flag.

%include "boot.inc"

SECTOR_CYLINDER equ 5
BUFFER_SEG      equ 2000h
CMOS_MARK       equ 50h         ; a byte of the CMOS that nobody uses
MARK            equ 0A5h
EXIT_NO_FLAG    equ 100

guest_main:
    movzx bx, byte [guest_flag]
    cmp bx, ACTIONS
    fail_if ae, EXIT_NO_FLAG
    shl bx, 1
    jmp [actions + bx]

actions:
    dw exit_param, spin_text, halt_text, write_exit, write_spin, picture
    dw masked_halt, time_stamp, reset_once
ACTIONS equ ($ - actions) / 2

exit_param:
    exit_with [guest_param]

spin_text:
    print "probe is here", 13, 10
spin:
    debug "probe: ready", 10
.again:
    jmp .again

halt_text:
    print "probe is here", 13, 10
    debug "probe: ready", 10
.again:
    hlt
    jmp .again

write_exit:
    call write_sector
    mov al, ah
    jmp guest_exit

write_spin:
    call write_sector
    fail_if c, ah
    jmp spin

; Out: carry and AH as int 13h gives them.
write_sector:
    push es
    push BUFFER_SEG
    pop es
    mov eax, [guest_param]
    xor di, di
    mov cx, SECTOR_BYTES / 4
    cld
    rep stosd
    xor bx, bx
    mov ax, 0301h
    mov cx, SECTOR_CYLINDER << 8 | 1
    mov dh, 0
    mov dl, [boot_drive]
    int 13h
    pop es
    ret

picture:
    mov ax, 13h
    int 10h
    push 0A000h
    pop es
    xor di, di
    xor ax, ax
    cld
.row:
    mov cx, 320
    rep stosb
    inc ax
    cmp ax, 200
    jb .row
    jmp spin

masked_halt:
    mov al, 0FFh
    out 21h, al
    out 0A1h, al
    debug "probe: ready", 10
    sti
.again:
    hlt
    jmp .again

time_stamp:
    cpu 586
    rdtsc
    cpu 386
    out DELAY_PORT, eax
    exit_with 0

reset_once:
    mov al, CMOS_MARK
    out 70h, al
    in al, 71h
    cmp al, MARK
    je .again
    mov al, CMOS_MARK
    out 70h, al
    mov al, MARK
    out 71h, al
    mov al, 0FEh                ; pulse the reset line
    out 64h, al
    cli
    hlt
.again:
    exit_with 0

    guest_end
