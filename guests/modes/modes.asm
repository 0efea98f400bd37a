; modes - a tour of the BIOS's video modes, for comparing pictures. A case is a
; dword: the mode in bits 0 to 7, above it a bit per effect (FX_..., below). For
; each case: int 10h sets the mode, display memory is filled with a pattern that
; is different in every row, column, plane, character and attribute; then some
; characters and dots by the BIOS; then the effects, by the BIOS or straight in
; the registers.
;
; guest_flag 0: the case in guest_param is drawn, and that is all. 1: those in
; the list at offset 200h of the image, up to the first FFFFFFFFh; after each one
; guest_result counts the pictures shown, and the guest waits for a key before
; the next.
;
; Modes: 0 to 7, 0Dh to 13h. An effect that makes no sense in a mode does there
; whatever its registers do.
; About 60,000 device accesses a case.
; Exit codes: 0 all is drawn; 1 no such mode; 2 the BIOS did not set the mode.

FX_START        equ 1 << 8      ; start address START
FX_SPLIT        equ 1 << 9      ; line compare at SPLIT_LINE
FX_PAN          equ 1 << 10     ; pel panning PAN
FX_PAN_COMPAT   equ 1 << 11     ; panning only above the split
FX_DAC          equ 1 << 12     ; other colours; another internal palette, but
                                ; in mode 13h, whose colours go through it too
FX_SELECT       equ 1 << 13     ; colour select with P54S
FX_PEL_MASK     equ 1 << 14     ; PEL_MASK
FX_DOTS         equ 1 << 15     ; 8 dots a character instead of 9 or back
FX_FONT         equ 1 << 16     ; 512 characters: a bold font in block 1
FX_NO_BLINK     equ 1 << 17     ; 16 background colours
FX_CURSOR       equ 1 << 18     ; a block cursor elsewhere
FX_SMALL_FONT   equ 1 << 19     ; the font of 8 lines: 43 or 50 rows
FX_SCREEN_OFF   equ 1 << 20
FX_ROW_SCAN     equ 1 << 21     ; preset row scan
FX_BYTE_PAN     equ 1 << 22     ; byte panning
FX_WIDE         equ 1 << 23     ; rows longer than the screen
FX_GREY         equ 1 << 24     ; the BIOS's grey scales
FX_NO_GRAPHICS  equ 1 << 25     ; no line graphics: the ninth dot is empty
FX_PLANES       equ 1 << 26     ; colour planes 0 and 2 only
FX_WRAP         equ 1 << 27     ; a start address WRAP cells before the end
FX_NO_PALETTE   equ 1 << 28     ; palette address source off: border everywhere
FX_NO_CURSOR    equ 1 << 29
FX_UNDERLINE    equ 1 << 30     ; underline location UNDERLINE_ROW
FX_BLINK        equ 1 << 31     ; blinking, for graphics modes

START           equ 163
SPLIT_LINE      equ 167
PAN             equ 4
PEL_MASK        equ 2Bh
SELECT          equ 06h
PRESET_ROW      equ 5
BYTES_PANNED    equ 1
EXTRA_WIDTH     equ 3           ; in the unit of the offset register
PLANES          equ 05h
WRAP            equ 256
BORDER          equ 1Ch
UNDERLINE_ROW   equ 7
CURSOR_SHAPE    equ 020Ah
CURSOR_PLACE    equ 040Bh       ; row, column

NO_CASE         equ 0FFFFFFFFh
CASES           equ 64

%include "boot.inc"

; Offset 200h: right behind the boot sector.
cases           times CASES dd NO_CASE

%include "vga.inc"

CRTC_ROW_SCAN   equ 08h
ATC_MODE        equ 10h
ATC_BORDER      equ 11h
ATC_PLANES      equ 12h
ATC_PEL_PAN     equ 13h
ATC_SELECT      equ 14h
ATC_PAS         equ 20h
DAC_MASK        equ 3C6h
MISC_COLOUR     equ 01h

BDA_COLUMNS     equ 44Ah
BDA_MODE        equ 449h
BDA_CRTC        equ 463h
BDA_LAST_ROW    equ 484h

PATTERN         equ 0B000h      ; 1 KiB, in segment 0
PATTERN_BYTES   equ 1024
FONT            equ 0B800h      ; 256 glyphs of up to 16 bytes

; fx name: ZF set if the case does not have the effect.
%macro fx 1
    test dword [case], %1
%endmacro

guest_main:
    cmp byte [guest_flag], 1
    je tour
    mov eax, [guest_param]
    call show
    exit_with 0

tour:
    mov si, cases
.next:
    lodsd
    cmp eax, NO_CASE
    je .done
    push si
    call show
    inc dword [guest_result]
    xor ah, ah
    int 16h
    pop si
    cmp si, cases + 4 * CASES
    jb .next
.done:
    exit_with 0

; show: draws the case in EAX. All registers lost.
show:
    mov [case], eax
    call find_mode
    call choose_ports
    xor ah, ah
    mov al, [case]
    int 10h
    mov al, [BDA_MODE]
    cmp al, [case]
    fail_if ne, 2
    call bios_effects
    call make_pattern
    mov bx, [mode_at]
    call [bx + mode.fill]
    call bios_drawing
    jmp register_effects

; A row per mode: number, dwords in a row of memory, rows, planes, and how it is
; filled.
struc mode
.number         resb 1
.planes         resb 1
.row_dwords     resw 1
.rows           resw 1
.segment        resw 1
.fill           resw 1
endstruc

%macro mode_row 6
    db %1, %2
    dw %3, %4, %5, %6
%endmacro

modes:
    mode_row 00h, 0, 0, 0, TEXT_SEG, fill_text
    mode_row 01h, 0, 0, 0, TEXT_SEG, fill_text
    mode_row 02h, 0, 0, 0, TEXT_SEG, fill_text
    mode_row 03h, 0, 0, 0, TEXT_SEG, fill_text
    mode_row 07h, 0, 0, 0, 0B000h, fill_text
    mode_row 04h, 0, 20, 204, TEXT_SEG, fill_rows
    mode_row 05h, 0, 20, 204, TEXT_SEG, fill_rows
    mode_row 06h, 0, 20, 204, TEXT_SEG, fill_rows
    mode_row 0Dh, 0Fh, 10, 200, VRAM_SEG, fill_planes
    mode_row 0Eh, 0Fh, 20, 200, VRAM_SEG, fill_planes
    mode_row 0Fh, 05h, 20, 350, VRAM_SEG, fill_planes
    mode_row 10h, 0Fh, 20, 350, VRAM_SEG, fill_planes
    mode_row 11h, 01h, 20, 480, VRAM_SEG, fill_planes
    mode_row 12h, 0Fh, 20, 480, VRAM_SEG, fill_planes
    mode_row 13h, 0, 80, 200, VRAM_SEG, fill_rows
modes_end:

; find_mode: mode_at = the mode's row.
find_mode:
    mov bx, modes
    mov al, [case]
.next:
    cmp [bx + mode.number], al
    je .found
    add bx, mode_size
    cmp bx, modes_end
    jb .next
    exit_with 1
.found:
    mov [mode_at], bx
    ret

; SeaBIOS sets the CRT controller before the bit that says where it answers, and
; resets the attribute flip-flop at 3DAh only: mode 7 comes out right behind mode
; 3, whose timing it has, and other modes if the ports are already theirs.
choose_ports:
    mov dx, MISC_READ
    in al, dx
    or al, MISC_COLOUR
    mov dx, MISC_WRITE
    out dx, al
    cmp byte [case], 7
    jne .out
    mov ax, 3
    int 10h
.out:
    ret

; Diagonal stripes of all byte values, when each row begins a little later.
make_pattern:
    push ds
    pop es
    mov di, PATTERN
    xor cx, cx
.byte:
    mov ax, cx
    shr ax, 2
    xor al, cl
    stosb
    inc cx
    cmp cx, PATTERN_BYTES
    jb .byte
    ret

; fill_rows: [bx] rows of the pattern, one after the other, from SI on.
fill_rows:
    mov si, PATTERN
fill_from:
    push si
    mov es, [bx + mode.segment]
    xor di, di
    mov dx, [bx + mode.rows]
.row:
    push si
    mov cx, [bx + mode.row_dwords]
    rep movsd
    pop si
    add si, 3
    cmp si, PATTERN + 400       ; the longest row is 320 bytes
    jb .begun
    sub si, 400
    add si, 7
.begun:
    dec dx
    jnz .row
    pop si
    ret

; The same in each plane of the mode, each from another place of the pattern.
fill_planes:
    mov si, PATTERN
    mov ah, 1
.plane:
    test [bx + mode.planes], ah
    jz .next
    push ax
    seq_pair SEQ_MAP_MASK, ah
    call fill_from
    pop ax
.next:
    add si, 61
    shl ah, 1
    cmp ah, 10h
    jb .plane
    seq_pair SEQ_MAP_MASK, byte [bx + mode.planes]
    ret

; All characters, all attributes, and the two going round at different rates.
fill_text:
    mov es, [bx + mode.segment]
    xor di, di
    movzx cx, [BDA_LAST_ROW]
    inc cx
    imul cx, [BDA_COLUMNS]
    xor si, si
.cell:
    mov dx, si                  ; character DL, attribute 37 * DL + 11 * DH
    imul ax, dx, 37
    movzx bx, dh
    imul bx, 11
    add al, bl
    mov ah, al
    mov al, dl
    stosw
    inc si
    loop .cell
    ret

; The effects that the BIOS is asked for before anything is drawn.
bios_effects:
    fx FX_SMALL_FONT
    jz .font
    mov ax, 1112h
    xor bl, bl
    int 10h
.font:
    fx FX_FONT
    jz .blink
    call second_font
.blink:
    fx FX_BLINK
    jz .no_blink
    mov ax, 1003h
    mov bx, 1
    int 10h
.no_blink:
    fx FX_NO_BLINK
    jz .cursor
    mov ax, 1003h
    xor bx, bx
    int 10h
.cursor:
    fx FX_CURSOR
    jz .no_cursor
    mov ah, 1
    mov cx, CURSOR_SHAPE
    int 10h
.no_cursor:
    fx FX_NO_CURSOR
    jz .grey
    mov ah, 1
    mov cx, 2000h
    int 10h
.grey:
    fx FX_GREY
    jz .out
    mov ax, 101Bh
    xor bx, bx
    mov cx, 256
    int 10h
.out:
    ret

; The 8x16 font, bold, as block 1, for characters with attribute bit 3.
second_font:
    push ds
    mov ax, 1130h
    mov bh, 6
    int 10h                     ; ES:BP, the font
    push es
    pop ds
    mov si, bp
    xor ax, ax
    mov es, ax
    mov di, FONT
    mov cx, 256 * 16
.byte:
    lodsb
    mov ah, al
    shr ah, 1
    or al, ah
    stosb
    loop .byte
    pop ds
    mov ax, 1100h
    mov bx, 1001h
    mov cx, 256
    xor dx, dx
    mov bp, FONT
    int 10h
    mov ax, 1103h
    mov bl, 04h
    int 10h
    ret

; Text and, in graphics modes, dots and characters in exclusive or.
bios_drawing:
    mov ah, 2
    xor bh, bh
    mov dx, 0101h
    int 10h
    print " huddle "
    mov ah, 9
    mov al, 'X'
    mov bx, 2
    mov cx, 5
    int 10h
    mov bx, [mode_at]
    cmp word [bx + mode.fill], fill_text
    je .cursor
    mov ah, 2
    xor bh, bh
    mov dx, 0203h
    int 10h
    mov ah, 9
    mov al, 'o'
    mov bx, 83h
    mov cx, 3
    int 10h
    mov cx, 40                  ; column, going down to 0
.dot:
    mov dx, cx
    add dx, 100
    mov ah, 0Ch
    mov al, cl
    and al, 0Fh
    xor bh, bh
    int 10h
    loop .dot
.cursor:
    fx FX_CURSOR
    jz .out
    mov ah, 2
    xor bh, bh
    mov dx, CURSOR_PLACE
    int 10h
.out:
    ret

; The effects that are set in the registers, when the picture is there.
register_effects:
    call crtc_effects
    call attribute_effects
    call dac_effects
    fx FX_DOTS
    jz .off
    mov al, 1
    call seq_flip
.off:
    fx FX_SCREEN_OFF
    jz .out
    mov al, 20h
    call seq_flip
.out:
    ret

; seq_flip: the bits AL of the clocking mode are inverted.
seq_flip:
    mov ah, al
    mov dx, SEQ_INDEX
    mov al, 1
    out dx, al
    inc dx
    in al, dx
    xor al, ah
    out dx, al
    ret

; crtc_write: AH to register AL. DX lost.
crtc_write:
    mov dx, [BDA_CRTC]
    out dx, ax
    ret

; crtc_read: AL = register AL. DX lost.
crtc_read:
    mov dx, [BDA_CRTC]
    out dx, al
    inc dx
    in al, dx
    ret

; crtc_change register, and, or: AX, DX lost.
%macro crtc_change 3
    mov al, %1
    call crtc_read
    and al, %2
    or al, %3
    mov ah, al
    mov al, %1
    call crtc_write
%endmacro

crtc_effects:
    fx FX_START
    jz .wrap
    mov bx, START
    call start_address
.wrap:
    fx FX_WRAP
    jz .split
    mov bx, -WRAP & 0FFFFh
    call start_address
.split:
    fx FX_SPLIT
    jz .row_scan
    mov ax, SPLIT_LINE << 8 | CRTC_LINE_COMP
    call crtc_write
    crtc_change CRTC_OVERFLOW, 0EFh, 0
    crtc_change CRTC_MAX_SCAN, 0BFh, 0
.row_scan:
    fx FX_ROW_SCAN
    jz .byte_pan
    crtc_change CRTC_ROW_SCAN, 0E0h, PRESET_ROW
.byte_pan:
    fx FX_BYTE_PAN
    jz .wide
    crtc_change CRTC_ROW_SCAN, 1Fh, BYTES_PANNED << 5
.wide:
    fx FX_WIDE
    jz .underline
    mov al, CRTC_OFFSET
    call crtc_read
    mov ah, al
    add ah, EXTRA_WIDTH
    mov al, CRTC_OFFSET
    call crtc_write
.underline:
    fx FX_UNDERLINE
    jz .out
    crtc_change CRTC_UNDERLINE, 0E0h, UNDERLINE_ROW
.out:
    ret

start_address:
    mov ah, bh
    mov al, CRTC_START_HIGH
    call crtc_write
    mov ah, bl
    mov al, CRTC_START_LOW
    jmp crtc_write

; attr_index: register AL is the next that ATC_INDEX writes, and the palette
; stays on. DX = ATC_INDEX.
attr_index:
    mov dx, [BDA_CRTC]
    add dx, STATUS_1 - CRTC_INDEX
    push ax
    in al, dx
    pop ax
    mov dx, ATC_INDEX
    or al, ATC_PAS
    out dx, al
    ret

; attr_write register, value: AX, DX lost.
%macro attr_write 2
    mov al, %1
    call attr_index
    mov al, %2
    out dx, al
%endmacro

; attr_change register, and, or: AX, DX lost.
%macro attr_change 3
    mov al, %1
    call attr_index
    inc dx
    in al, dx
    and al, %2
    or al, %3
    dec dx
    out dx, al
%endmacro

attribute_effects:
    fx FX_PAN
    jz .compatible
    attr_write ATC_PEL_PAN, PAN
.compatible:
    fx FX_PAN_COMPAT
    jz .select
    attr_change ATC_MODE, 0FFh, 20h
.select:
    fx FX_SELECT
    jz .graphics
    attr_change ATC_MODE, 0FFh, 80h
    attr_write ATC_SELECT, SELECT
.graphics:
    fx FX_NO_GRAPHICS
    jz .planes
    attr_change ATC_MODE, 0FBh, 0
.planes:
    fx FX_PLANES
    jz .no_palette
    attr_write ATC_PLANES, PLANES
.no_palette:
    fx FX_NO_PALETTE
    jz .out
    attr_write ATC_BORDER, BORDER
    xor al, al                  ; an index again, without the bit
    out dx, al
.out:
    ret

dac_effects:
    fx FX_PEL_MASK
    jz .colours
    mov dx, DAC_MASK
    mov al, PEL_MASK
    out dx, al
.colours:
    fx FX_DAC
    jz .out
    call new_colours
    cmp byte [case], 13h
    jne new_palette
.out:
    ret

; Colour i is red 5i, green 11i + 7, blue 3Fh - i.
new_colours:
    mov dx, DAC_WRITE
    xor al, al
    out dx, al
    inc dx
    xor cx, cx
.colour:
    imul ax, cx, 5
    call .component
    imul ax, cx, 11
    add al, 7
    call .component
    mov al, 3Fh
    sub al, cl
    call .component
    inc cl
    jnz .colour
    ret
.component:
    and al, 3Fh
    out dx, al
    ret

; Palette register i is 3i + 1. They can be written with the palette off only.
new_palette:
    mov dx, [BDA_CRTC]
    add dx, STATUS_1 - CRTC_INDEX
    in al, dx
    mov dx, ATC_INDEX
    xor cx, cx
.register:
    mov al, cl
    out dx, al
    imul ax, cx, 3
    inc ax
    and al, 3Fh
    out dx, al
    inc cx
    cmp cx, 16
    jb .register
    mov al, ATC_PAS
    out dx, al
    ret

case            dd 0
mode_at         dw 0

    guest_end
