; typed - the guest of the tests of displays: it shows what was typed, or a
; screen full of characters and colours.
;
; guest_param: low byte, the video mode; and
;     bit 8       the font of 8 lines: 50 rows (in modes 2 and 3)
;     bit 9       16 background colours, no blinking
;     bit 10      the cursor is a block, in row 20, column 70
;     bit 11      DAC colour 1 is orange (63, 31, 0)
;     bit 12      a write to port 2ABh, where nothing is
; guest_flag (byte):
;     0  keys by the BIOS: each goes to the screen as it is, and to the debug
;        port as scan code and character, "1E61", and a line feed. After each
;        256 keys the program is busy for guest_count ticks.
;     1  an interrupt handler of its own: each byte of the keyboard goes to the
;        debug port as two digits and a line feed
;     2  row 0: the digit of each colour in that colour; row 1: the same digits,
;        white on that background; rows 2 to 17: all characters; then like 0
; Ends when the BIOS gives Ctrl-E: exit code 0.

PARAM_SMALL_FONT equ 1 << 8
PARAM_NO_BLINK  equ 1 << 9
PARAM_CURSOR    equ 1 << 10
PARAM_ORANGE    equ 1 << 11
PARAM_NO_PORT   equ 1 << 12

KEYS_BEFORE_BUSY equ 256
CTRL_E          equ 5
TEXT_SEG        equ 0B800h
CURSOR_AT       equ 20 << 8 | 70
EMPTY_PORT      equ 2ABh
TICKS           equ 46Ch
INT9            equ 9 * 4
KBC_DATA        equ 60h
PIC_COMMAND     equ 20h
PIC_EOI         equ 20h

%include "boot.inc"

guest_main:
    movzx ax, byte [guest_param]
    int 10h
    test word [guest_param], PARAM_SMALL_FONT
    jz .blink
    mov ax, 1112h
    xor bl, bl
    int 10h
.blink:
    test word [guest_param], PARAM_NO_BLINK
    jz .cursor
    mov ax, 1003h
    xor bx, bx
    int 10h
.cursor:
    test word [guest_param], PARAM_CURSOR
    jz .orange
    mov ah, 1
    mov cx, 000Fh
    int 10h
    mov ah, 2
    xor bh, bh
    mov dx, CURSOR_AT
    int 10h
.orange:
    test word [guest_param], PARAM_ORANGE
    jz .port
    mov ax, 1010h
    mov bx, 1
    mov dh, 63
    mov cx, 31 << 8
    int 10h
.port:
    test word [guest_param], PARAM_NO_PORT
    jz .what
    mov dx, EMPTY_PORT
    out dx, al
.what:
    cmp byte [guest_flag], 1
    je raw_keys
    jb keys
    call table

keys:
    mov esi, [guest_count]
    mov di, KEYS_BEFORE_BUSY
.next:
    mov ah, 10h
    int 16h
    cmp al, CTRL_E
    je .end
    call word_out
    mov ah, 0Eh
    mov bx, 7
    int 10h
    dec di
    jnz .next
    mov eax, [TICKS]
.busy:
    mov edx, [TICKS]
    sub edx, eax
    cmp edx, esi
    jb .busy
    jmp keys
.end:
    exit_with 0

raw_keys:
    cli
    mov word [INT9], on_key
    mov word [INT9 + 2], 0
    sti
.wait:
    hlt
    jmp .wait

on_key:
    push ax
    in al, KBC_DATA
    call byte_out
    call line_out
    mov al, PIC_EOI
    out PIC_COMMAND, al
    pop ax
    iret

table:
    mov ax, TEXT_SEG
    mov es, ax
    xor bx, bx
.colour:
    mov al, bl
    call digit
    mov ah, bl
    mov di, bx
    shl di, 1
    mov [es:di], ax
    mov ah, bl
    shl ah, 4
    or ah, 0Fh
    mov [es:di + 160], ax
    inc bx
    cmp bx, 16
    jb .colour
    xor bx, bx
.char:
    mov ax, bx                  ; row 2 + code / 16, column code % 16
    shr ax, 4
    mov di, 160
    mul di
    mov di, bx
    and di, 15
    shl di, 1
    add di, ax
    mov al, bl
    mov ah, 7
    mov [es:di + 320], ax
    inc bx
    cmp bx, 256
    jb .char
    push ds
    pop es
    ret

; AL's low digit as a character in AL.
digit:
    and al, 15
    add al, '0'
    cmp al, '9'
    jbe .out
    add al, 'A' - '9' - 1
.out:
    ret

; AX as four digits and a line feed; AL as two. AX kept.
word_out:
    push ax
    mov al, ah
    call byte_out
    pop ax
    call byte_out
line_out:
    push ax
    mov al, 10
    out DEBUG_PORT, al
    pop ax
    ret

byte_out:
    push ax
    push ax
    shr al, 4
    call digit
    out DEBUG_PORT, al
    pop ax
    call digit
    out DEBUG_PORT, al
    pop ax
    ret

    guest_end
