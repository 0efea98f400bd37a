; keyboard - the keyboard controller by polling, interrupts masked: the 8042's
; own commands, then the keyboard's, then the BIOS's "is there a key".
;
; About 3,000 device accesses and what waiting for the answers adds.
; Exit codes: 0 all is well; 1 the controller takes no command; 2 it does not
; answer; 3 its self-test (AAh) fails; 4 the command byte does not read back;
; 5 echo (EEh); 6 identify (F2h); 7 the lamps (EDh) are not acknowledged; 8 the
; port test (ABh); 9 int 16h/1 has a key that nobody pressed; 10 something is
; left in the output buffer.

ECHOES          equ 16
BIOS_POLLS      equ 200
POLLS           equ 1 << 20

%include "boot.inc"
%include "pic.inc"

KBC_DATA        equ 60h
KBC_CMD         equ 64h
KBC_OUT_FULL    equ 01h
KBC_IN_FULL     equ 02h

KBC_READ_MODE   equ 20h
KBC_WRITE_MODE  equ 60h
KBC_SELF_TEST   equ 0AAh
KBC_PORT_TEST   equ 0ABh
KBC_ENABLE      equ 0AEh
KBD_LAMPS       equ 0EDh
KBD_ECHO        equ 0EEh
KBD_IDENTIFY    equ 0F2h
KBD_SCANNING    equ 0F4h
KBD_ACK         equ 0FAh

guest_main:
    cli
    in al, PIC1_DATA
    mov [mask_1], al
    mov al, 0FFh
    out PIC1_DATA, al
    call drain
    mov al, KBC_READ_MODE
    call command
    call answer
    mov [mode], al

    mov al, KBC_SELF_TEST
    call command
    call answer
    cmp al, 55h
    fail_if ne, 3
    mov al, KBC_PORT_TEST
    call command
    call answer
    test al, al
    fail_if ne, 8

    ; The command byte: no interrupts, no translation, then as it was.
    mov ah, [mode]
    and ah, ~43h
    call set_mode
    call get_mode
    cmp al, ah
    fail_if ne, 4
    mov al, KBC_ENABLE
    call command
    call keyboard
    mov ah, [mode]
    call set_mode
    call get_mode
    cmp al, [mode]
    fail_if ne, 4

    mov cx, 200                 ; nothing may come by itself
.quiet:
    in al, KBC_CMD
    test al, KBC_OUT_FULL
    fail_if nz, 10
    loop .quiet

    mov al, [mask_1]
    out PIC1_DATA, al
    sti
    mov cx, BIOS_POLLS
.poll:
    mov ah, 1
    int 16h
    fail_if nz, 9
    loop .poll
    exit_with 0

; The keyboard, without translation: what it says is what arrives.
keyboard:
    mov cx, ECHOES
.echo:
    mov al, KBD_ECHO
    call send
    call answer
    cmp al, KBD_ECHO
    fail_if ne, 5
    loop .echo

    mov al, KBD_IDENTIFY
    call send
    call answer
    cmp al, KBD_ACK
    fail_if ne, 6
    call answer
    cmp al, 0ABh                ; the MF2 keyboard: AB 83
    fail_if ne, 6
    call answer
    cmp al, 83h
    fail_if ne, 6

    xor bl, bl                  ; all lamps in turn, then none
.lamps:
    mov al, KBD_LAMPS
    call send
    call answer
    cmp al, KBD_ACK
    fail_if ne, 7
    mov al, bl
    inc al
    and al, 7
    call send
    call answer
    cmp al, KBD_ACK
    fail_if ne, 7
    inc bl
    cmp bl, 8
    jb .lamps

    mov al, KBD_SCANNING
    call send
    call answer
    cmp al, KBD_ACK
    fail_if ne, 7
    ret

; The command byte in AH and AL. AX lost but for the result.
set_mode:
    mov al, KBC_WRITE_MODE
    call command
    mov al, ah
    jmp send
get_mode:
    mov al, KBC_READ_MODE
    call command
    ; falls through

; answer: AL = the next byte from the controller. Others kept.
answer:
    push ecx
    mov ecx, POLLS
.poll:
    in al, KBC_CMD
    test al, KBC_OUT_FULL
    jnz .out
    dec ecx
    jnz .poll
    exit_with 2
.out:
    in al, KBC_DATA
    pop ecx
    ret

; command: AL to the controller; send: AL to its data port. All kept.
command:
    call ready
    out KBC_CMD, al
    ret
send:
    call ready
    out KBC_DATA, al
    ret
ready:
    push ecx
    push ax
    mov ecx, POLLS
.poll:
    in al, KBC_CMD
    test al, KBC_IN_FULL
    jz .out
    dec ecx
    jnz .poll
    exit_with 1
.out:
    pop ax
    pop ecx
    ret

drain:
    mov cx, 64
.next:
    in al, KBC_CMD
    test al, KBC_OUT_FULL
    jz .out
    in al, KBC_DATA
    loop .next
.out:
    ret

mask_1          db 0
mode            db 0

    guest_end
