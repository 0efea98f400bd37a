; scroll - text mode scrolling in both ways of the time: straight in the text
; buffer at B800h (rep movsw within it, rep stosw for the new line), and by the
; BIOS (int 10h: AH=06h scroll up, 07h down, 0Eh teletype, 09h, 02h, 03h, 08h).
;
; The screen is written so that after every step each cell's content is known;
; all cells are compared. About 80,000 device accesses with SeaBIOS's VGA BIOS.
; Exit codes: 0 all is well; 1 after the direct scrolls a cell is wrong; 2 after
; AH=06h; 3 after AH=07h; 4 after the teletype lines; 5 after AH=09h; 6 the
; cursor (AH=03h); 7 AH=08h read back something else.

DIRECT_SCROLLS  equ 6
BIOS_SCROLLS    equ 3
TELETYPE_LINES  equ 3

%include "boot.inc"
%include "vga.inc"

COLUMNS         equ 80
ROWS            equ 25
SHADOW          equ 0B000h      ; the screen as it must be, in RAM

guest_main:
    mov ax, 3
    int 10h
    mov ax, TEXT_SEG
    mov es, ax
    call fill
    call direct
    mov bl, 1
    call check
    call bios_up
    mov bl, 2
    call check
    call bios_down
    mov bl, 3
    call check
    call teletype
    mov bl, 4
    call check
    call repeat_char
    mov bl, 5
    call check
    exit_with 0

; fill: row r is full of letters that start at 'A' + r, in attribute r.
fill:
    xor bx, bx
    xor di, di
.row:
    call make_row
    mov si, row_cells
    mov cx, COLUMNS
    rep movsw
    inc bx
    cmp bx, ROWS
    jb .row
    push es                     ; and the shadow
    push ds
    pop es
    mov di, SHADOW
    xor bx, bx
.copy:
    call make_row
    mov si, row_cells
    mov cx, COLUMNS
    rep movsw
    inc bx
    cmp bx, ROWS
    jb .copy
    pop es
    ret

; make_row: row_cells = the cells of line BX. All registers kept.
make_row:
    pusha
    mov di, row_cells
    mov ah, bl
    and ah, 7
    xor ah, 1Fh                 ; bright on blue
    mov al, bl
    mov dx, COLUMNS
    xor cx, cx
.cell:
    push ax
    add al, cl
    and al, 31
    add al, 'A'
    mov [di], ax
    pop ax
    add di, 2
    inc cx
    dec dx
    jnz .cell
    popa
    ret

; shadow_up: the shadow one line up, AX in every cell of the last one.
shadow_up:
    pusha
    push es
    push ds
    pop es
    mov di, SHADOW
    mov si, SHADOW + 2 * COLUMNS
    mov cx, (ROWS - 1) * COLUMNS
    rep movsw
    mov cx, COLUMNS
    rep stosw
    pop es
    popa
    ret

direct:
    mov bx, ROWS
.scroll:
    push ds
    push es
    pop ds
    mov si, 2 * COLUMNS
    xor di, di
    mov cx, (ROWS - 1) * COLUMNS
    rep movsw
    pop ds
    mov ax, 1720h               ; a blank line, then a new one over it
    mov cx, COLUMNS
    rep stosw
    call shadow_up
    call make_row
    mov si, row_cells
    mov di, 2 * (ROWS - 1) * COLUMNS
    mov cx, COLUMNS
    rep movsw
    push es
    push ds
    pop es
    mov si, row_cells
    mov di, SHADOW + 2 * (ROWS - 1) * COLUMNS
    mov cx, COLUMNS
    rep movsw
    pop es
    inc bx
    cmp bx, ROWS + DIRECT_SCROLLS
    jb .scroll
    ret

bios_up:
    mov bp, BIOS_SCROLLS
.scroll:
    mov bh, 2Eh
    cmp bp, 1
    jne .attribute
    mov bh, 07h                 ; the last: what `teletype` needs
.attribute:
    mov ax, 0601h
    xor cx, cx
    mov dx, (ROWS - 1) << 8 | (COLUMNS - 1)
    push bp
    push bx
    int 10h
    pop bx
    pop bp
    mov ah, bh
    mov al, ' '
    call shadow_up
    dec bp
    jnz .scroll
    ret

; A window of 20 columns and 10 rows goes down by two.
WINDOW_TOP      equ 5
WINDOW_LEFT     equ 30
WINDOW_ROWS     equ 10
WINDOW_COLUMNS  equ 20
bios_down:
    mov ax, 0702h
    mov bh, 4Fh
    mov cx, WINDOW_TOP << 8 | WINDOW_LEFT
    mov dx, (WINDOW_TOP + WINDOW_ROWS - 1) << 8 | (WINDOW_LEFT + WINDOW_COLUMNS - 1)
    int 10h
    push es
    push ds
    pop es
    mov bx, WINDOW_ROWS - 1     ; row in the window, from below
.row:
    imul di, bx, 2 * COLUMNS
    add di, SHADOW + 2 * (WINDOW_TOP * COLUMNS + WINDOW_LEFT)
    lea si, [di - 2 * 2 * COLUMNS]
    mov cx, WINDOW_COLUMNS
    cmp bx, 2
    jb .blank
    rep movsw
    jmp .next
.blank:
    mov ax, 4F20h
    rep stosw
.next:
    dec bx
    jns .row
    pop es
    ret

; Lines by the teletype at the bottom: each ends in CR, LF and scrolls. BIOSes
; differ in the attribute they give the new line: that of the line before, or
; 07h always; so the line before has 07h.
teletype:
    mov ah, 2
    xor bh, bh
    mov dx, (ROWS - 1) << 8
    int 10h
    mov bp, TELETYPE_LINES
.line:
    mov si, tty_line
    mov di, SHADOW + 2 * (ROWS - 1) * COLUMNS
.char:
    lodsb
    test al, al
    jz .end_of_line
    cmp al, ' '
    jb .out
    mov [di], al                ; the attribute stays
    add di, 2
.out:
    mov ah, 0Eh
    mov bx, 7
    push bp
    push si
    push di
    int 10h
    pop di
    pop si
    pop bp
    jmp .char
.end_of_line:
    mov ax, 0720h
    call shadow_up
    dec bp
    jnz .line
    mov ah, 3
    xor bh, bh
    int 10h
    cmp dx, (ROWS - 1) << 8
    fail_if ne, 6
    ret

tty_line        db "one exit, many instructions", 13, 10, 0

; AH=09h: a character and its attribute many times; AH=08h reads one back.
repeat_char:
    mov ah, 2
    xor bh, bh
    mov dx, 12 << 8 | 10
    int 10h
    mov ax, 0900h | 0DBh
    mov bx, 6Bh
    mov cx, 60
    int 10h
    mov ah, 8
    xor bh, bh
    int 10h
    cmp ax, 6BDBh
    fail_if ne, 7
    push es
    push ds
    pop es
    mov di, SHADOW + 2 * (12 * COLUMNS + 10)
    mov cx, 60
    rep stosw
    pop es
    ret

; check: every cell; exit code BL if one differs.
check:
    mov si, SHADOW
    xor di, di
    mov cx, ROWS * COLUMNS
    repe cmpsw
    je .out
    exit_with bl
.out:
    ret

    align 2
row_cells       times COLUMNS dw 0

    guest_end
