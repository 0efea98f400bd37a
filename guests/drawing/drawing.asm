; drawing - what a benchmark of two-dimensional graphics draws, at full speed and without waiting for a retrace: lines,
; filled rectangles, circles, text, blits, a moving XOR box, palette fades, page flips and scrolling, in text mode, mode
; 13h, mode X and mode 12h, one after the other. The coordinates are pseudo-random, the same in every run.
;
; After each mode its memory is read back (all of it that was drawn on, or every third row of it) and summed; the sums
; are constants below. guests/check-under-qemu.sh has QEMU's VGA come to the same ones. A sum that is wrong is written to
; the debug port.
;
; About 245,000 device accesses.
; Exit codes: 0 all is well; 1 text; 2 mode 13h; 3 mode X; 4 mode 12h; 5 the palette; 6 the start address.

%include "boot.inc"
%include "vga.inc"

SUM_TEXT        equ 0985D79D2h
SUM_13          equ 099E84B15h
SUM_X           equ 0613DA247h
SUM_12          equ 05333AF40h
SUM_DAC         equ 028CC11AAh

BUFFER_SEG      equ 2000h       ; a picture in RAM
SEED            equ 1994

guest_main:
    mov dword [random], SEED
    call text_part
    call linear_part
    call unchained_part
    call planar_part
    exit_with 0

; --- text mode: windows with shadows, lines of text, scrolling -----------------------------------------------------

TEXT_COLUMNS    equ 80
TEXT_ROWS       equ 25
TEXT_WINDOWS    equ 12
TEXT_LINES      equ 40
TEXT_SCROLLS    equ 8

text_part:
    mov ax, 3
    int 10h
    mov ax, TEXT_SEG
    mov es, ax
    mov bp, TEXT_WINDOWS
.window:
    call text_window
    dec bp
    jnz .window
    mov bp, TEXT_LINES
.line:
    call text_line
    dec bp
    jnz .line
    mov bp, TEXT_SCROLLS
.scroll:
    call text_scroll
    dec bp
    jnz .scroll
    print "drawn by the BIOS", 13, 10
    mov cx, TEXT_COLUMNS * TEXT_ROWS / 2
    xor si, si
    call sum_begin
    call sum_words
    cmp ebx, SUM_TEXT
    mov al, 1
    jne wrong
    ret

; A window somewhere: a frame, a filling, a shadow that keeps the characters and dims them.
text_window:
    mov bx, 50
    call random_below
    mov [box_x], ax
    mov bx, 14
    call random_below
    mov [box_y], ax
    mov bx, 4
    call random_below
    add ax, 5
    mov [box_height], ax
    mov bx, 12
    call random_below
    add ax, 14
    mov [box_width], ax
    mov bx, 7
    call random_below
    inc ax
    shl ax, 12                  ; its background
    or ax, 0F20h
    mov dx, [box_height]
    imul di, [box_y], TEXT_COLUMNS * 2
    add di, [box_x]
    add di, [box_x]
.row:
    push di
    mov cx, [box_width]
    push ax
    mov al, 0B3h
    stosw
    pop ax
    sub cx, 2
    rep stosw
    push ax
    mov al, 0B3h
    stosw
    pop ax
    and byte [es:di + 1], 07h   ; the shadow: read, modify, write
    and byte [es:di + 3], 07h
    pop di
    add di, TEXT_COLUMNS * 2
    dec dx
    jnz .row
    mov cx, [box_width]
.below:
    and byte [es:di + 5], 07h
    add di, 2
    loop .below
    ret

; A line of text somewhere, in one colour.
text_line:
    mov bx, TEXT_ROWS
    call random_below
    imul di, ax, TEXT_COLUMNS * 2
    mov bx, TEXT_COLUMNS - caption_length
    call random_below
    add di, ax
    add di, ax
    mov bx, 15
    call random_below
    inc ax
    mov ah, al
    mov si, caption
    mov cx, caption_length
.character:
    lodsb
    mov [es:di], al
    mov [es:di + 1], ah
    add di, 2
    loop .character
    ret

text_scroll:
    push ds
    push es
    pop ds
    mov si, TEXT_COLUMNS * 2
    xor di, di
    mov cx, TEXT_COLUMNS * (TEXT_ROWS - 1) / 2
    rep movsd
    pop ds
    mov ax, bp
    mov ah, 1Eh
    add al, '@'
    mov cx, TEXT_COLUMNS
    rep stosw
    ret

; --- mode 13h: pixels, a picture from RAM, blits, palette fades ----------------------------------------------------

LINEAR_WIDTH    equ 320
LINEAR_HEIGHT   equ 200
LINEAR_LINES    equ 16
LINEAR_CIRCLES  equ 6
LINEAR_BOXES    equ 12
LINEAR_TILES    equ 10
FADES           equ 6

linear_part:
    set_mode 13h
    mov ax, VRAM_SEG
    mov es, ax
    mov word [put], put_linear
    mov word [row], row_linear
    mov word [ink], no_ink
    mov word [width], LINEAR_WIDTH
    mov word [height], LINEAR_HEIGHT
    call linear_picture
    mov bp, LINEAR_BOXES
    call boxes
    mov bp, LINEAR_LINES
    call lines
    mov bp, LINEAR_CIRCLES
    call circles
    mov bp, 4
    call captions
    mov bp, LINEAR_TILES
.tile:
    call linear_tile
    dec bp
    jnz .tile
    call fades
    mov cx, LINEAR_WIDTH * LINEAR_HEIGHT / 4
    xor si, si
    call sum_begin
    call sum_words
    cmp ebx, SUM_13
    mov al, 2
    jne wrong
    mov dx, DAC_READ
    xor al, al
    out dx, al
    mov dx, DAC_DATA
    mov cx, 768
    call sum_begin
.dac:
    in al, dx
    movzx eax, al
    call sum_add
    loop .dac
    cmp ebx, SUM_DAC
    mov al, 5
    jne wrong
    ret

; A texture made in RAM goes to the screen in one piece.
linear_picture:
    push es
    mov ax, BUFFER_SEG
    mov es, ax
    xor di, di
    xor dx, dx
.row:
    xor cx, cx
.pixel:
    mov ax, cx
    xor ax, dx
    shr ax, 3
    add al, 32
    stosb
    inc cx
    cmp cx, LINEAR_WIDTH
    jb .pixel
    inc dx
    cmp dx, LINEAR_HEIGHT
    jb .row
    pop es
    push ds
    mov ax, BUFFER_SEG
    mov ds, ax
    xor si, si
    xor di, di
    mov cx, LINEAR_WIDTH * LINEAR_HEIGHT / 4
    rep movsd
    pop ds
    ret

; A tile of 32x16 pixels from one place of the screen to another.
linear_tile:
    call .place
    mov si, ax
    call .place
    mov di, ax
    push ds
    push es
    pop ds
    mov dx, 16
.row:
    mov cx, 8
    rep movsd
    add si, LINEAR_WIDTH - 32
    add di, LINEAR_WIDTH - 32
    dec dx
    jnz .row
    pop ds
    ret
.place:
    mov bx, LINEAR_WIDTH - 32
    call random_below
    mov cx, ax
    mov bx, LINEAR_HEIGHT - 16
    call random_below
    imul ax, ax, LINEAR_WIDTH
    add ax, cx
    ret

; The palette from dark to bright: index, then 768 bytes scaled on the way.
fades:
    mov bp, 1
.step:
    mov dx, DAC_WRITE
    xor al, al
    out dx, al
    inc dx
    xor si, si
.colour:
    mov ax, si                  ; a ramp for each of red, green, blue
    shr ax, 2
    call .component
    mov ax, si
    shr ax, 1
    call .component
    mov ax, si
    call .component
    inc si
    cmp si, 256
    jb .colour
    inc bp
    cmp bp, FADES
    jbe .step
    ret
.component:
    and ax, 63
    imul ax, bp
    mov bl, FADES
    div bl
    out dx, al
    ret

; CX = x, DX = y, ES = the screen; all but CX, DX, SI, DI, BP may be lost by a put.
put_linear:
    push di
    imul di, dx, LINEAR_WIDTH
    add di, cx
    mov al, [colour]
    mov [es:di], al
    pop di
no_ink:
    ret

; The pixels from CX to SI in row DX. All registers but AX kept.
row_linear:
    push cx
    push di
    imul di, dx, LINEAR_WIDTH
    add di, cx
    neg cx
    add cx, si
    inc cx
    mov al, [colour]
    rep stosb
    pop di
    pop cx
    ret

; --- mode X: planes by the map mask, latch copies, page flips, scrolling -------------------------------------------

X_BYTES         equ 80          ; of a row: four pixels each
X_HEIGHT        equ 200
X_PAGE          equ X_BYTES * X_HEIGHT
X_LINES         equ 12
X_CIRCLES       equ 5
X_BOXES         equ 12
X_SPRITES       equ 16
X_SCROLLS       equ 24

unchained_part:
    set_mode 13h
    seq_word SEQ_MEM_MODE, 06h
    crtc_word CRTC_UNDERLINE, 0
    crtc_word CRTC_MODE, 0E3h
    mov word [put], put_unchained
    mov word [row], row_unchained
    mov word [page], 0
    seq_word SEQ_MAP_MASK, 0Fh
    xor di, di
    mov eax, 11111111h
    mov cx, X_PAGE / 4
    rep stosd
    mov bp, X_BOXES
    call boxes
    mov bp, X_LINES
    call lines
    mov bp, X_CIRCLES
    call circles
    call x_copy_page
    mov word [page], X_PAGE
    mov bp, X_SPRITES
.sprite:
    call x_sprite
    call x_flip
    dec bp
    jnz .sprite
    call x_scroll
    call sum_begin
    mov cl, 0
.plane:
    mov ah, cl
    gc_word GC_READ_MAP, ah
    push cx
    xor si, si
    mov dx, 2 * X_HEIGHT / 4    ; rows; one of four
.row:
    mov cx, X_BYTES / 4
    call sum_words
    add si, 3 * X_BYTES
    dec dx
    jnz .row
    pop cx
    inc cl
    cmp cl, 4
    jb .plane
    cmp ebx, SUM_X
    mov al, 3
    jne wrong
    ret

; The first page to the second, four pixels at a time.
x_copy_page:
    seq_word SEQ_MAP_MASK, 0Fh
    gc_word GC_MODE, 41h
    push ds
    push es
    pop ds
    xor si, si
    mov di, X_PAGE
    mov cx, X_PAGE
    rep movsb
    pop ds
    gc_word GC_MODE, 40h
    ret

; A sprite of 16x16 pixels with holes, plane by plane.
x_sprite:
    mov bx, LINEAR_WIDTH - 16
    call random_below
    mov [box_x], ax
    mov bx, X_HEIGHT - 16
    call random_below
    mov [box_y], ax
    xor si, si                  ; the column in the sprite
.column:
    mov cx, [box_x]
    add cx, si
    mov di, cx
    and cl, 3
    mov bh, 1
    shl bh, cl
    seq_pair SEQ_MAP_MASK, bh
    shr di, 2
    add di, [page]
    imul ax, [box_y], X_BYTES
    add di, ax
    xor cx, cx
.pixel:
    mov ax, cx
    xor ax, si
    test al, 4
    jz .hole
    imul ax, bp, 16
    add ax, cx
    mov [es:di], al
.hole:
    add di, X_BYTES
    inc cx
    cmp cx, 16
    jb .pixel
    inc si
    cmp si, 16
    jb .column
    ret

; Shows the page that was drawn on, and goes on on the other.
x_flip:
    mov bx, [page]
    crtc_pair CRTC_START_HIGH, bh
    crtc_pair CRTC_START_LOW, bl
    xor word [page], X_PAGE
    ret

; Row by row from the first page to the second.
x_scroll:
    xor bx, bx
    mov cx, X_SCROLLS
.step:
    crtc_word CRTC_START_HIGH, bh
    crtc_word CRTC_START_LOW, bl
    mov dx, CRTC_INDEX + 1
    in al, dx
    cmp al, bl
    mov al, 6
    jne wrong
    add bx, X_BYTES
    loop .step
    ret

put_unchained:
    push cx
    push dx
    push di
    imul di, dx, X_BYTES
    mov ax, cx
    shr ax, 2
    add di, ax
    add di, [page]
    and cl, 3
    mov ah, 1
    shl ah, cl
    mov dx, SEQ_INDEX
    mov al, SEQ_MAP_MASK
    out dx, ax
    mov al, [colour]
    mov [es:di], al
    pop di
    pop dx
    pop cx
    ret

; Bytes at both ends may be halves; between them the planes are written together.
row_unchained:
    pusha
    imul di, dx, X_BYTES
    add di, [page]
    mov bx, cx
    mov ah, 0Fh
    and cl, 3
    shl ah, cl
    shr bx, 2                   ; BX = the first byte
    mov cx, si
    not cl
    and cl, 3
    mov ch, 0Fh
    shr ch, cl                  ; CH = the mask of the last one
    shr si, 2
    add di, bx
    sub si, bx                  ; SI = bytes behind the first
    mov bl, [colour]
    mov dx, SEQ_INDEX
    mov al, SEQ_MAP_MASK
    jnz .several
    and ah, ch
    out dx, ax
    mov [es:di], bl
    popa
    ret
.several:
    and ah, 0Fh
    out dx, ax
    mov [es:di], bl
    inc di
    mov ah, 0Fh
    out dx, ax
    push cx
    mov al, bl
    lea cx, [si - 1]
    rep stosb
    pop cx
    mov ah, ch
    mov al, SEQ_MAP_MASK
    out dx, ax
    mov [es:di], bl
    popa
    ret

; --- mode 12h: bit masks, latches, the logic functions -------------------------------------------------------------

PLANAR_WIDTH    equ 640
PLANAR_HEIGHT   equ 480
PLANAR_BYTES    equ PLANAR_WIDTH / 8
PLANAR_LINES    equ 16
PLANAR_CIRCLES  equ 5
PLANAR_BOXES    equ 12
PLANAR_BLITS    equ 8
PLANAR_MOVES    equ 12

planar_part:
    set_mode 12h
    mov word [put], put_planar
    mov word [row], row_planar
    mov word [ink], ink_planar
    mov word [width], PLANAR_WIDTH
    mov word [height], PLANAR_HEIGHT
    gc_word GC_SR_ENABLE, 0Fh   ; all colours come from set/reset
    gc_word GC_SET_RESET, 1
    gc_word GC_BIT_MASK, 0FFh
    xor di, di
    mov cx, PLANAR_BYTES * PLANAR_HEIGHT / 4
    rep stosd
    mov bp, PLANAR_BOXES
    call boxes
    mov bp, PLANAR_LINES
    call lines
    mov bp, PLANAR_CIRCLES
    call circles
    gc_word GC_BIT_MASK, 0FFh
    call planar_captions
    mov bp, PLANAR_BLITS
.blit:
    call planar_blit
    dec bp
    jnz .blit
    call planar_moves
    gc_word GC_SR_ENABLE, 0
    call sum_begin
    mov cl, 0
.plane:
    mov ah, cl
    gc_word GC_READ_MAP, ah
    push cx
    xor si, si
    mov dx, PLANAR_HEIGHT / 3
.row:
    mov cx, PLANAR_BYTES / 4
    call sum_words
    add si, 2 * PLANAR_BYTES
    dec dx
    jnz .row
    pop cx
    inc cl
    cmp cl, 4
    jb .plane
    cmp ebx, SUM_12
    mov al, 4
    jne wrong
    ret

ink_planar:
    mov ah, [colour]
    gc_word GC_SET_RESET, ah
    ret

put_planar:
    push cx
    push dx
    push di
    imul di, dx, PLANAR_BYTES
    mov ax, cx
    shr ax, 3
    add di, ax
    and cl, 7
    mov ah, 80h
    shr ah, cl
    mov cl, ah
    gc_pair GC_BIT_MASK, cl
    mov al, [es:di]             ; the latches keep the other seven
    mov [es:di], al
    pop di
    pop dx
    pop cx
    ret

row_planar:
    pusha
    imul di, dx, PLANAR_BYTES
    mov bx, cx
    mov ah, 0FFh
    and cl, 7
    shr ah, cl                  ; AH = the mask of the first byte
    shr bx, 3
    mov cx, si
    not cl
    and cl, 7
    mov ch, 0FFh
    shl ch, cl                  ; CH = that of the last
    shr si, 3
    add di, bx
    sub si, bx
    mov dx, GC_INDEX
    mov al, GC_BIT_MASK
    jnz .several
    and ah, ch
    out dx, ax
    mov al, [es:di]
    mov [es:di], al
    popa
    ret
.several:
    out dx, ax
    mov al, [es:di]
    stosb
    mov ax, 0FF00h | GC_BIT_MASK
    out dx, ax
    push cx
    lea cx, [si - 1]
    rep stosb
    pop cx
    mov ah, ch
    mov al, GC_BIT_MASK
    out dx, ax
    mov al, [es:di]
    mov [es:di], al
    popa
    ret

; Transparent text in write mode 3: eight pixels a byte.
planar_captions:
    gc_word GC_MODE, 3
    mov bp, 12
.line:
    mov bx, 15
    call random_below
    inc ax
    mov [colour], al
    call ink_planar
    mov bx, PLANAR_BYTES - caption_length
    call random_below
    mov di, ax
    mov bx, PLANAR_HEIGHT - 8
    call random_below
    imul ax, ax, PLANAR_BYTES
    add di, ax
    mov si, caption
    mov cx, caption_length
.character:
    call glyph                  ; BX = its eight bytes
    push cx
    push di
    mov cx, 8
.row:
    mov ah, [bx]
    inc bx
    mov al, [es:di]
    mov [es:di], ah
    add di, PLANAR_BYTES
    loop .row
    pop di
    pop cx
    inc di
    loop .character
    dec bp
    jnz .line
    gc_word GC_MODE, 0
    ret

; A piece of 64x24 pixels from one place to another through the latches.
planar_blit:
    gc_word GC_MODE, 1
    call .place
    mov si, ax
    call .place
    mov di, ax
    push ds
    push es
    pop ds
    mov dx, 24
.row:
    mov cx, 8
    rep movsb
    add si, PLANAR_BYTES - 8
    add di, PLANAR_BYTES - 8
    dec dx
    jnz .row
    pop ds
    gc_word GC_MODE, 0
    ret
.place:
    mov bx, PLANAR_BYTES - 8
    call random_below
    mov cx, ax
    mov bx, PLANAR_HEIGHT - 24
    call random_below
    imul ax, ax, PLANAR_BYTES
    add ax, cx
    ret

; A box that moves by XOR: drawn and taken away, and left at its last place.
planar_moves:
    gc_word GC_FUNCTION, FUNC_XOR
    gc_word GC_SET_RESET, 0Fh
    mov bp, PLANAR_MOVES
    mov di, 100 * PLANAR_BYTES + 8
    call .box
.move:
    call .box
    add di, 12 * PLANAR_BYTES + 3
    call .box
    dec bp
    jnz .move
    gc_word GC_FUNCTION, 0
    ret
.box:
    push di
    mov dx, 16
.row:
    mov cx, 4
.byte:
    mov al, [es:di]
    stosb
    loop .byte
    add di, PLANAR_BYTES - 4
    dec dx
    jnz .row
    pop di
    ret

; --- shapes, for all graphics modes --------------------------------------------------------------------------------

; random_colour: the ink for what follows, 1 to 15 (16 colours mean something in every mode).
random_colour:
    mov bx, 15
    call random_below
    inc ax
    mov [colour], al
    jmp [ink]

; BP filled rectangles.
boxes:
    call random_colour
    mov bx, [width]
    shr bx, 1
    call random_below
    mov [box_x], ax
    mov bx, [width]
    shr bx, 2
    call random_below
    add ax, [box_x]
    mov si, ax                  ; its last column
    mov bx, [height]
    sub bx, 48
    call random_below
    mov dx, ax
    mov bx, 40
    call random_below
    inc ax
    mov di, ax
    mov cx, [box_x]
.row:
    call [row]
    inc dx
    dec di
    jnz .row
    dec bp
    jnz boxes
    ret

; BP lines.
lines:
    call random_colour
    call random_point
    mov [line_x], cx
    mov [line_y], dx
    call random_point
    mov [line_x1], cx
    mov [line_y1], dx
    call line
    dec bp
    jnz lines
    ret

; BP circles, all of them within the screen.
circles:
    call random_colour
    mov ax, [width]
    shr ax, 1
    mov [centre_x], ax
    mov ax, [height]
    shr ax, 1
    mov [centre_y], ax
    mov bx, ax
    sub bx, 8
    call random_below
    call circle
    dec bp
    jnz circles
    ret

; BP captions, pixel by pixel.
captions:
    call random_colour
    mov bx, [width]
    sub bx, caption_length * 8
    call random_below
    mov [box_x], ax
    mov bx, [height]
    sub bx, 8
    call random_below
    mov [box_y], ax
    mov si, caption
    mov di, caption_length
.character:
    call glyph
    mov dx, [box_y]
.row:
    mov ah, [bx]
    inc bx
    mov cx, [box_x]
.pixel:
    add ah, ah
    jnc .clear
    push ax
    call [put]
    pop ax
.clear:
    inc cx
    test ah, ah
    jnz .pixel
    inc dx
    mov ax, dx
    sub ax, [box_y]
    cmp ax, 8
    jb .row
    add word [box_x], 8
    dec di
    jnz .character
    dec bp
    jnz captions
    ret

; CX = x, DX = y, within the screen; AX, BX lost.
random_point:
    mov bx, [width]
    call random_below
    mov cx, ax
    mov bx, [height]
    call random_below
    mov dx, ax
    ret

; Bresenham's line from (line_x, line_y) to (line_x1, line_y1). BP kept.
line:
    push bp
    mov cx, [line_x]
    mov dx, [line_y]
    mov si, 1                   ; step in x
    mov ax, [line_x1]
    sub ax, cx
    jns .right
    neg ax
    neg si
.right:
    mov [line_dx], ax
    mov di, 1                   ; step in y
    mov bx, [line_y1]
    sub bx, dx
    jns .down
    neg bx
    neg di
.down:
    neg bx
    mov [line_dy], bx           ; minus its length, as in the usual form
    add bx, ax                  ; the error
.pixel:
    call [put]
    cmp cx, [line_x1]
    jne .step
    cmp dx, [line_y1]
    je .out
.step:
    mov bp, bx
    add bp, bp
    cmp bp, [line_dy]
    jl .no_x
    add bx, [line_dy]
    add cx, si
.no_x:
    cmp bp, [line_dx]
    jg .pixel
    add bx, [line_dx]
    add dx, di
    jmp .pixel
.out:
    pop bp
    ret

; The midpoint circle of radius AX around the centre. BP kept.
circle:
    mov si, ax                  ; x
    xor di, di                  ; y
    mov bx, 1
    sub bx, ax
.step:
    call .octants
    xchg si, di
    call .octants
    xchg si, di
    inc di
    test bx, bx
    jns .inward
    lea bx, [bx + di + 1]
    add bx, di
    jmp .test
.inward:
    dec si
    mov ax, di
    sub ax, si
    add ax, ax
    inc ax
    add bx, ax
.test:
    cmp di, si
    jbe .step
    ret
.octants:
    mov cx, [centre_x]
    add cx, si
    call .pair
    mov cx, [centre_x]
    sub cx, si
.pair:
    mov dx, [centre_y]
    add dx, di
    call [put]
    mov dx, [centre_y]
    sub dx, di
    jmp [put]

; --- small things --------------------------------------------------------------------------------------------------

; random_below: AX = 0 to BX - 1; EAX's upper half, BX and flags lost.
random_below:
    push dx
    mov eax, [random]
    imul eax, eax, 1103515245
    add eax, 12345
    mov [random], eax
    shr eax, 16
    xor dx, dx
    div bx
    mov ax, dx
    pop dx
    ret

; The next character of DS:SI -> BX = its glyph; SI moves on. AX lost.
glyph:
    xor ax, ax
    lodsb
    cmp al, ' '
    je .blank
    sub al, 'A' - 1
    jmp .out
.blank:
    xor al, al
.out:
    movzx bx, byte [glyph_of + eax]
    shl bx, 3
    add bx, glyphs
    ret

; Sums in EBX: each value counts in its place. sum_words takes CX dwords from ES:SI, which moves on.
sum_begin:
    xor ebx, ebx
    ret
sum_words:
    es lodsd
    call sum_add
    loop sum_words
    ret
sum_add:
    rol ebx, 5
    xor ebx, eax
    add ebx, 9E3779B9h
    ret

; AL = the code; EBX = the sum that is wrong: in hexadecimal to the debug port.
wrong:
    push ax
    mov cx, 8
.digit:
    rol ebx, 4
    mov al, bl
    and al, 15
    cmp al, 10
    sbb al, 69h
    das
    out DEBUG_PORT, al
    loop .digit
    mov al, 10
    out DEBUG_PORT, al
    pop ax
    jmp guest_exit

caption         db "HUDDLE DRAWS LINES AND TEXT"
caption_length  equ $ - caption

; Which glyph a letter has: blank, then A to Z.
glyph_of        db 0, 1, 0, 0, 2, 3, 0, 0, 4, 5, 0, 0, 6, 0, 7, 0, 0, 0, 8, 9, 10, 11, 0, 12, 13, 0, 0
glyphs          db 0, 0, 0, 0, 0, 0, 0, 0
                db 38h, 6Ch, 0C6h, 0C6h, 0FEh, 0C6h, 0C6h, 0        ; A
                db 0F8h, 6Ch, 66h, 66h, 66h, 6Ch, 0F8h, 0           ; D
                db 0FEh, 62h, 68h, 78h, 68h, 62h, 0FEh, 0           ; E
                db 0C6h, 0C6h, 0C6h, 0FEh, 0C6h, 0C6h, 0C6h, 0      ; H
                db 3Ch, 18h, 18h, 18h, 18h, 18h, 3Ch, 0             ; I
                db 0F0h, 60h, 60h, 60h, 62h, 66h, 0FEh, 0           ; L
                db 0C6h, 0E6h, 0F6h, 0DEh, 0CEh, 0C6h, 0C6h, 0      ; N
                db 0FCh, 66h, 66h, 7Ch, 6Ch, 66h, 0E6h, 0           ; R
                db 7Ch, 0C6h, 0E0h, 7Ch, 0Eh, 0C6h, 7Ch, 0          ; S
                db 7Eh, 5Ah, 18h, 18h, 18h, 18h, 3Ch, 0             ; T
                db 0C6h, 0C6h, 0C6h, 0C6h, 0C6h, 0C6h, 7Ch, 0       ; U
                db 0C6h, 0C6h, 0C6h, 0D6h, 0FEh, 0EEh, 0C6h, 0      ; W
                db 0C6h, 6Ch, 38h, 38h, 38h, 6Ch, 0C6h, 0           ; X

    align 4
random          dd 0
put             dw 0            ; a pixel, in this mode
row             dw 0            ; a row of pixels
ink             dw 0            ; [colour] has changed
width           dw 0
height          dw 0
page            dw 0
box_x           dw 0
box_y           dw 0
box_width       dw 0
box_height      dw 0
line_x          dw 0
line_y          dw 0
line_x1         dw 0
line_y1         dw 0
line_dx         dw 0
line_dy         dw 0
centre_x        dw 0
centre_y        dw 0
colour          db 0

    guest_end
