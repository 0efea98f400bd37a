; demo - a sunset over a grid, in 16 colours at 640x480, drawn the way programs
; of the time drew: index/data port pairs, write mode 3 with its bytes as
; masks, latches copied by write mode 1, ordered dither, the BIOS's font blown
; up eight times with its corners rounded, a palette that fades in and then
; drives the grid, a pan by the start address, and a status bar that the line
; compare register slides in from below.
;
; The picture is 576 rows high: 96 rows of sky to pan over, then the screen.
; It lies behind the status bar, which has to be at address 0: that is where
; the line compare goes on.
;
; About 70,000 device accesses and what waiting for FRAMES retraces adds.
; Exit codes: 0 all is well; 1 the planes do not hold the picture they should
; (every eighth row is summed; the font is that of SeaBIOS's VGA BIOS); 124 no
; retrace came.

FRAMES          equ 84          ; whole animation
FADE_FRAMES     equ 16          ; at its start
PAN_FRAMES      equ 56          ; from its start
BAR_START       equ 44          ; the frame at which the bar starts to rise
CYCLE_FRAMES    equ 3           ; frames for each step of the grid
STARS           equ 240
PICTURE_SUM     equ 0993A88CBh

%include "boot.inc"
%include "vga.inc"

WIDTH           equ 640
WIDTH_BYTES     equ 80
SCREEN_ROWS     equ 480
BAR_ROWS        equ 24
PAN_ROWS        equ 96
ROWS            equ PAN_ROWS + SCREEN_ROWS
HORIZON         equ PAN_ROWS + 300

SUN_X           equ 320
SUN_Y           equ PAN_ROWS + 196
SUN_RADIUS      equ 118

TITLE_CHARS     equ 6
TITLE_COLUMNS   equ TITLE_CHARS * 8     ; a byte for each pixel of the font
TITLE_ROWS      equ 16 * 8
TITLE_X         equ (WIDTH_BYTES - TITLE_COLUMNS) / 2
TITLE_Y         equ PAN_ROWS + 92
TITLE_INK       equ 2 * 8               ; the font's first two rows are empty,
INK_ROWS        equ 10 * 8              ; and those behind the next ten

; Colours. 11 to 15 take turns being the bright one.
NIGHT           equ 0
SKY             equ 1           ; 1 to 5: from the zenith to the horizon's pink
PINK            equ 5
ORANGE          equ 6
AMBER           equ 7
PALE            equ 8
WHITE           equ 9
CYAN            equ 10
CYCLE           equ 11
CYCLE_STEPS     equ 5

; Buffers in the first segment, behind the program.
HEIGHTS         equ 0B000h      ; of the mountains, a byte per pixel column
TITLE_BITS      equ 0B400h      ; the title, 8 times as large as the font's
TITLE_SHADE     equ 0D000h      ; and its shadow, with a margin
SHADE_COLUMNS   equ TITLE_COLUMNS + 3
SHADE_BACK      equ 2           ; pixels it sticks out at the left and above
SHADE_SHIFT     equ 8           ; and from there to the right and down
SHADE_ROWS      equ TITLE_ROWS + SHADE_SHIFT

guest_main:
    set_mode 12h
    call palette_prepare
    mov ax, VRAM_SEG
    mov es, ax
    call font_find
    gc_pair GC_BIT_MASK, 0FFh
    gc_pair GC_MODE, 3

    call draw_bar
    call draw_sky
    call draw_stars
    call draw_sun
    call draw_mountains
    call draw_floor
    call draw_title

    call animate
    call check_picture
    exit_with 0

; ---------------------------------------------------------------- the palette

; Attribute controller: colour n is DAC entry n; all of them black for now.
palette_prepare:
    mov dx, STATUS_1            ; the next write to 3C0h is an index
    in al, dx
    mov dx, ATC_INDEX
    xor al, al
.next:
    out dx, al
    out dx, al
    inc al
    cmp al, 16
    jb .next
    mov al, 20h                 ; the display on again
    out dx, al
    xor bx, bx
    ; falls through

; palette_load: the 16 colours, each at BL sixteenths of its brightness, the
; five of the cycle turned by [cycle].
palette_load:
    mov dx, DAC_WRITE
    xor al, al
    out dx, al
    inc dx
    mov si, palette
    mov cx, 3 * CYCLE
    call .run
    movzx si, byte [cycle]
    imul si, si, 3
    add si, cycle_palette
    mov cx, 3 * CYCLE_STEPS
.run:
    lodsb
    mul bl
    shr ax, 4
    out dx, al
    loop .run
    ret

palette:
    db  1,  1,  5
    db  2,  2, 12
    db  8,  4, 25
    db 23,  6, 36
    db 45, 10, 42
    db 62, 22, 36
    db 63, 37, 22
    db 63, 50, 18
    db 63, 60, 38
    db 63, 63, 63
    db  8, 46, 57
cycle_palette:                  ; twice, so that a turn is an offset
%rep 2
    db 18, 61, 63
    db  8, 30, 47
    db  7, 16, 35
    db  7,  9, 28
    db  6,  6, 23
%endrep

; ------------------------------------------------------------------- dithering

; dither: the eight pixels of row BX that get the second colour at level AL
; (0 none, 64 all). Out: AH; others kept.
dither:
    push cx
    push si
    mov si, bx
    and si, 7
    shl si, 3
    add si, bayer
    mov cx, 8
.pixel:
    cmp [si], al                ; CF where the threshold is below the level
    rcl ah, 1
    inc si
    loop .pixel
    pop si
    pop cx
    ret

bayer:
    db  0, 32,  8, 40,  2, 34, 10, 42
    db 48, 16, 56, 24, 50, 18, 58, 26
    db 12, 44,  4, 36, 14, 46,  6, 38
    db 60, 28, 52, 20, 62, 30, 54, 22
    db  3, 35, 11, 43,  1, 33,  9, 41
    db 51, 19, 59, 27, 49, 17, 57, 25
    db 15, 47,  7, 39, 13, 45,  5, 37
    db 63, 31, 55, 23, 61, 29, 53, 21

; gradient: where row BX stands in a list of {row, colour} pairs of words in
; ascending order, SI. Sets the colours and the pattern for `span`. BX kept.
gradient:
    cmp bx, [si + 4]
    jb .found
    add si, 4
    jmp gradient
.found:
    mov ax, [si + 2]
    mov [colour_a], al
    mov ax, [si + 6]
    mov [colour_b], al
    mov ax, bx
    sub ax, [si]
    shl ax, 6
    mov cx, [si + 4]
    sub cx, [si]
    xor dx, dx
    div cx
    call dither
    mov [pattern], ah
    ret

; row_address: DI = address of row BX of the picture.
row_address:
    imul di, bx, WIDTH_BYTES
    add di, BAR_ROWS * WIDTH_BYTES
    ret

; paint: the pixels AH of byte ES:DI in [colour_a], those also in [pattern] in
; [colour_b]. Write mode 3 must be set. AL, DX lost.
paint:
    gc_pair GC_SET_RESET, [colour_a]
    mov al, [es:di]
    mov [es:di], ah
    gc_pair GC_SET_RESET, [colour_b]
    mov al, [es:di]
    mov al, [pattern]
    and al, ah
    mov [es:di], al
    ret

; span: pixels CX to SI of row BX in two colours: the edges by masks, between
; them one byte painted and then copied from the latches. BX kept.
span:
    call row_address
    mov ax, cx
    shr ax, 3
    add di, ax
    mov bp, si
    shr bp, 3
    sub bp, ax                  ; bytes from the first to the last
    and cl, 7
    mov ah, 0FFh
    shr ah, cl                  ; the first byte's mask
    mov cx, si
    not cl
    and cl, 7
    mov ch, 0FFh
    shl ch, cl                  ; the last byte's
    test bp, bp
    jnz .wide
    and ah, ch
    jmp paint
.wide:
    cmp ah, 0FFh
    je .left_whole
    call paint
    inc di
    dec bp
.left_whole:
    inc bp
    cmp ch, 0FFh
    je .right_whole
    dec bp
    add di, bp
    mov ah, ch
    call paint
    sub di, bp
.right_whole:
    test bp, bp
    jz .out
    mov ah, 0FFh
    call paint
    mov al, [es:di]             ; into the latches
    gc_pair GC_MODE, 1
    mov cx, bp
    shr cx, 2
    rep stosd
    mov cx, bp
    and cx, 3
    rep stosb
    gc_pair GC_MODE, 3
.out:
    ret

; ------------------------------------------------------------------------ text

font_find:
    push es
    mov ax, 1130h
    mov bh, 6                   ; 8x16
    int 10h                     ; ES:BP
    mov [font], bp
    mov [font + 2], es
    pop es
    ret

; glyph: FS:BP = the 16 bytes of character AL.
glyph:
    lfs bp, [font]
    movzx ax, al
    shl ax, 4
    add bp, ax
    ret

; text: the string SI in the colour that is set, from ES:DI on.
text:
    lodsb
    test al, al
    jz .out
    call glyph
    push di
    mov cx, 16
.row:
    mov ah, [fs:bp]
    inc bp
    mov al, [es:di]
    mov [es:di], ah
    add di, WIDTH_BYTES
    loop .row
    pop di
    inc di
    jmp text
.out:
    ret

draw_bar:
    gc_pair GC_SET_RESET, CYAN
    xor di, di
    mov eax, 0FFFFFFFFh
    mov cx, WIDTH_BYTES / 4
    rep stosd
    gc_pair GC_SET_RESET, NIGHT
    mov cx, (BAR_ROWS - 1) * WIDTH_BYTES / 4
    rep stosd
    gc_pair GC_SET_RESET, WHITE
    mov si, bar_name
    mov di, 5 * WIDTH_BYTES + 2
    call text
    gc_pair GC_SET_RESET, CYAN
    mov si, bar_text
    mov di, 5 * WIDTH_BYTES + 10
    jmp text

bar_name        db "huddle", 0
bar_text        db "640x480x16: planes, latches, dither, pan; this bar is a "
                db "split screen", 0

; --------------------------------------------------------------------- the sky

draw_sky:
    xor bx, bx
.row:
    mov si, sky_gradient
    call gradient
    xor cx, cx
    mov si, WIDTH - 1
    call span
    inc bx
    cmp bx, HORIZON
    jb .row
    ret

sky_gradient:
    dw 0, SKY
    dw 150, SKY + 1
    dw 270, SKY + 2
    dw 370, SKY + 3
    dw HORIZON + 30, SKY + 4

; random: the next of a sequence in AX (Lehmer's, 16 bits of 32).
random:
    push edx
    mov eax, [seed]
    imul eax, eax, 1664525
    add eax, 1013904223
    mov [seed], eax
    shr eax, 16
    pop edx
    ret

; Stars, fewer of them lower down; most take their turn in the cycle.
draw_stars:
    mov cx, STARS
.star:
    push cx
    call random
    xor dx, dx
    mov bx, WIDTH
    div bx
    mov si, dx                  ; x
    call random
    mov bx, ax
    call random
    mul bx                      ; the product of two leans to the top
    mov ax, dx
    xor dx, dx
    mov bx, 65536 / (PAN_ROWS + 250)
    div bx
    mov bx, ax                  ; y
    call random
    and al, 7
    mov dl, WHITE
    cmp al, 2
    jb .colour
    mov dl, PALE
    je .colour
    add al, CYCLE - 3
    mov dl, al
.colour:
    mov bh, dl
    gc_pair GC_SET_RESET, bh
    mov bh, 0
    cmp bx, ROWS
    jae .skip
    call row_address
    mov cx, si
    shr si, 3
    add di, si
    and cl, 7
    mov ah, 80h
    shr ah, cl
    mov al, [es:di]
    mov [es:di], ah
.skip:
    pop cx
    loop .star
    ret

; --------------------------------------------------------------------- the sun

; Rows of a disc, with gaps that get wider towards the horizon.
draw_sun:
    mov bx, SUN_Y - SUN_RADIUS
    mov word [half_width], 0
.row:
    mov ax, bx                  ; half the width: the largest w with
    sub ax, SUN_Y               ; w * w + d * d <= r * r, found from the last
    imul ax, ax
    mov bp, SUN_RADIUS * SUN_RADIUS
    sub bp, ax
    mov ax, [half_width]
.wider:
    inc ax
    mov dx, ax
    imul dx, dx
    cmp dx, bp
    jbe .wider
.narrower:
    dec ax
    mov dx, ax
    imul dx, dx
    cmp dx, bp
    ja .narrower
    mov [half_width], ax

    mov si, sun_gaps
.gap:
    lodsw
    cmp bx, ax
    jb .draw                    ; the next gap is further down
    mov dx, ax
    lodsw
    add dx, ax
    cmp bx, dx
    jae .gap
    jmp .next                   ; in a gap
.draw:
    mov si, sun_gradient
    call gradient
    mov cx, SUN_X
    sub cx, [half_width]
    mov si, SUN_X - 1
    add si, [half_width]
    call span
.next:
    inc bx
    cmp bx, HORIZON
    jb .row
    ret

sun_gradient:
    dw SUN_Y - SUN_RADIUS - 10, PALE
    dw SUN_Y - 40, AMBER
    dw SUN_Y + 20, ORANGE
    dw HORIZON, PINK
sun_gaps:                       ; row, rows
    dw SUN_Y + 6, 2
    dw SUN_Y + 24, 3
    dw SUN_Y + 41, 5
    dw SUN_Y + 57, 7
    dw SUN_Y + 72, 9
    dw SUN_Y + 87, 11
    dw 0FFFFh, 0

; --------------------------------------------------------------- the mountains

RIDGE_ALL       equ 255

draw_mountains:
    call ridge
    mov byte [ridge_depth], RIDGE_ALL
    gc_pair GC_SET_RESET, NIGHT
    call ridge_fill
    mov byte [ridge_depth], 2   ; its edge
    gc_pair GC_SET_RESET, PINK
    ; falls through

; ridge_fill: the uppermost [ridge_depth] pixels of each column of the ridge, in
; the colour that is set.
ridge_fill:
    xor si, si                  ; byte column
.column:
    call ridge_extent
    mov ch, 0                   ; rows above the horizon
.row:
    inc ch
    cmp ch, dh
    ja .next_column
    cmp ch, dl
    ja .mixed
    mov al, dl                  ; all eight are inside, by this much at least
    sub al, ch
    mov ah, 0FFh
    cmp byte [ridge_depth], RIDGE_ALL
    je .write
    cmp al, [ridge_depth]
    jae .row
.mixed:
    call ridge_mask
    test ah, ah
    jz .row
.write:
    mov bx, HORIZON
    sub bl, ch
    sbb bh, 0
    call row_address
    add di, si
    mov al, [es:di]
    mov [es:di], ah
    jmp .row
.next_column:
    inc si
    cmp si, WIDTH_BYTES
    jb .column
    ret

; ridge_extent: DL and DH = the least and the greatest of the heights of byte
; column SI. AL, CX lost.
ridge_extent:
    push si
    shl si, 3
    add si, HEIGHTS
    mov dx, 00FFh
    mov cx, 8
.pixel:
    lodsb
    cmp al, dh
    jbe .not_higher
    mov dh, al
.not_higher:
    cmp al, dl
    jae .not_lower
    mov dl, al
.not_lower:
    loop .pixel
    pop si
    ret

; ridge_mask: AH = those pixels of byte column SI, CH rows above the horizon,
; that are among the uppermost [ridge_depth] of their columns. AL lost.
ridge_mask:
    push cx
    push dx
    push si
    mov dl, ch
    shl si, 3
    add si, HEIGHTS
    mov cx, 8
.pixel:
    lodsb
    sub al, dl
    cmc
    jnc .above
    cmp al, [ridge_depth]
.above:
    rcl ah, 1
    loop .pixel
    pop si
    pop dx
    pop cx
    ret

; The heights: straight lines between the peaks, a little roughened.
ridge:
    mov si, peaks
    mov di, HEIGHTS
    xor bp, bp                  ; x
.stretch:
    mov bx, [si + 4]
    sub bx, [si]                ; its length
    mov ax, [si + 6]
    sub ax, [si + 2]
    cwd
    shl ax, 7
    idiv bx                     ; slope, 1/128 pixel
    mov bx, ax
    mov dx, [si + 2]
    shl dx, 7
.point:
    call random
    and ax, 3
    mov cx, dx
    shr cx, 7
    jz .low
    add cx, ax
.low:
    mov [di], cl
    inc di
    inc bp
    add dx, bx
    cmp bp, [si + 4]
    jb .point
    add si, 4
    cmp bp, WIDTH
    jb .stretch
    ret

peaks:                          ; x, height
    dw 0, 56, 34, 88, 52, 70, 84, 104, 112, 64, 130, 72, 158, 34
    dw 178, 46, 214, 14, 236, 20, 262, 0, 380, 0, 408, 16, 428, 10
    dw 462, 42, 480, 36, 520, 84, 540, 66, 572, 112, 604, 72, 622, 84
    dw 640, 60

; ------------------------------------------------------------------- the floor

; Rows: at depth 1/d below the horizon, the colour is a step of the cycle, so
; turning the palette moves the lines towards the viewer; near the horizon a
; glow is dithered over them.
draw_floor:
    mov bx, HORIZON
    mov byte [colour_a], WHITE
    mov byte [colour_b], PINK
    mov byte [pattern], 0AAh
    call .whole_row
    inc bx
.row:
    mov cx, bx
    sub cx, HORIZON - 7
    mov ax, FLOOR_DEPTH & 0FFFFh
    mov dx, FLOOR_DEPTH >> 16
    div cx
    xor dx, dx
    mov cx, CYCLE_STEPS
    div cx
    add dl, CYCLE
    mov [colour_a], dl
    mov byte [colour_b], SKY + 3
    mov ax, HORIZON + 48
    sub ax, bx
    jns .glow
    xor ax, ax
.glow:
    call dither
    mov [pattern], ah
    call .whole_row
    inc bx
    cmp bx, ROWS
    jb .row
    jmp draw_rays
.whole_row:
    xor cx, cx
    mov si, WIDTH - 1
    jmp span

FLOOR_DEPTH     equ 3200

; The lines that run to the vanishing point, RAYS to each side of the middle.
RAYS            equ 30
RAY_STEP        equ 20          ; 1/32 pixel between two of them, each row

draw_rays:
    gc_pair GC_SET_RESET, CYAN
    mov bp, -RAYS
.ray:
    mov bx, HORIZON + 1
.row:
    mov ax, bx
    sub ax, HORIZON - 7
    imul cx, bp, RAY_STEP
    imul cx
    shrd ax, dx, 5
    add ax, WIDTH / 2
    mov si, cx
    sar si, 5
    add si, ax                  ; to where the next row starts
    mov cx, ax                  ; from here
    cmp cx, si
    jle .ordered
    xchg cx, si
.ordered:
    mov ax, si                  ; too flat a piece, far away: a solid mass
    sub ax, cx
    lea dx, [bx - HORIZON]
    shr dx, 1
    cmp ax, dx
    ja .next
    test cx, cx                 ; out of the picture, and further down more so
    js .next_ray
    cmp si, WIDTH
    jge .next_ray
    call run
.next:
    inc bx
    cmp bx, ROWS
    jb .row
.next_ray:
    inc bp
    cmp bp, RAYS
    jle .ray
    ret

; run: pixels CX to SI of row BX in the colour that is set. BX, BP kept.
run:
    call row_address
    mov ax, cx
    shr ax, 3
    add di, ax
    mov dx, si
    shr dx, 3
    sub dx, ax                  ; bytes from the first to the last
    and cl, 7
    mov ah, 0FFh
    shr ah, cl
    mov cx, si
    not cl
    and cl, 7
    mov ch, 0FFh
    shl ch, cl
.byte:
    test dx, dx
    jnz .not_last
    and ah, ch
.not_last:
    mov al, [es:di]
    mov [es:di], ah
    mov ah, 0FFh
    inc di
    dec dx
    jns .byte
    ret

; ------------------------------------------------------------------- the title

draw_title:
    call title_scale
    call title_shade
    ; The shadow.
    gc_pair GC_SET_RESET, NIGHT
    mov si, TITLE_SHADE
    mov bx, TITLE_Y - SHADE_BACK
    mov dx, SHADE_ROWS
.shade_row:
    call row_address
    add di, TITLE_X - 1
    mov cx, SHADE_COLUMNS
.shade_byte:
    lodsb
    test al, al
    jz .shade_next
    mov ah, [es:di]
    mov [es:di], al
.shade_next:
    inc di
    loop .shade_byte
    inc bx
    dec dx
    jnz .shade_row

    ; The letters, in two colours a row.
    mov word [title_row], TITLE_BITS
    mov bx, TITLE_Y
.row:
    mov si, title_gradient
    call gradient
    gc_pair GC_SET_RESET, [colour_a]
    mov ah, 0FFh
    call .pass
    gc_pair GC_SET_RESET, [colour_b]
    mov ah, [pattern]
    call .pass
    add word [title_row], TITLE_COLUMNS
    inc bx
    cmp bx, TITLE_Y + TITLE_ROWS
    jb .row
    ret
.pass:
    mov si, [title_row]
    call row_address
    add di, TITLE_X
    mov cx, TITLE_COLUMNS
.byte:
    lodsb
    and al, ah
    jz .next
    mov dl, [es:di]
    mov [es:di], al
.next:
    inc di
    loop .byte
    ret

title_gradient:                 ; chrome: the sky, an edge, the ground
    dw TITLE_Y, CYAN
    dw TITLE_Y + TITLE_INK + 44, WHITE
    dw TITLE_Y + TITLE_INK + 46, SKY + 2
    dw TITLE_Y + TITLE_INK + 64, PINK
    dw TITLE_Y + TITLE_INK + 90, PALE
    dw TITLE_Y + TITLE_ROWS, WHITE

title_text      db "huddle"

; title_pixel: pixel (DL, DH) of the title in the font's size. Out: AL = 0 or 1;
; 0 outside. Others kept.
title_pixel:
    push bx
    push cx
    push dx
    xor al, al
    cmp dl, TITLE_COLUMNS
    jae .out
    cmp dh, 16
    jae .out
    movzx bx, dl
    shr bx, 3
    mov al, [title_text + bx]
    push bp
    call glyph
    movzx bx, dh
    add bp, bx
    mov al, [fs:bp]
    pop bp
    mov cl, dl
    and cl, 7
    inc cl
    rol al, cl
    and al, 1
.out:
    pop dx
    pop cx
    pop bx
    ret

; Each pixel of the font becomes eight by eight; where two neighbours that meet
; at a corner agree against the other two, the corner becomes theirs (the rule
; of Johnston's EPX), cut diagonally.
title_scale:
    push es
    push ds
    pop es
    xor dx, dx                  ; DL = x, DH = y
.pixel:
    call title_pixel
    mov [around.self], al
    dec dh
    call title_pixel
    mov [around.up], al
    add dh, 2
    call title_pixel
    mov [around.down], al
    dec dh
    dec dl
    call title_pixel
    mov [around.left], al
    add dl, 2
    call title_pixel
    mov [around.right], al
    dec dl

    mov al, [around.self]
    neg al
    mov di, tile
    mov cx, 8
    rep stosb
    mov si, corners
.corner:
    mov bx, [si]                ; the two that meet, and the two across
    mov al, [bx]
    mov bx, [si + 2]
    cmp al, [bx]
    jne .next
    cmp al, [around.self]
    je .next
    mov bx, [si + 4]
    cmp al, [bx]
    je .next
    mov bx, [si + 6]
    cmp al, [bx]
    je .next
    mov eax, [si + 8]
    mov bx, [si + 12]
    xor [bx], eax
.next:
    add si, 14
    cmp si, corners.end
    jb .corner

    movzx ax, dh                ; the tile goes to its place
    imul di, ax, 8 * TITLE_COLUMNS
    movzx ax, dl
    add di, ax
    mov si, tile
    mov cx, 8
.copy:
    lodsb
    mov [di + TITLE_BITS], al
    add di, TITLE_COLUMNS
    loop .copy
    inc dl
    cmp dl, TITLE_COLUMNS
    jb .pixel
    mov dl, 0
    inc dh
    cmp dh, 16
    jb .pixel
    pop es
    ret

around:
.self           db 0
.up             db 0
.down           db 0
.left           db 0
.right          db 0
tile            times 8 db 0
corners:                        ; neighbours, opposites, rows of the triangle
    dw around.left, around.up, around.down, around.right
    db 0F0h, 0E0h, 0C0h, 80h
    dw tile
    dw around.right, around.up, around.down, around.left
    db 0Fh, 07h, 03h, 01h
    dw tile
    dw around.left, around.down, around.up, around.right
    db 80h, 0C0h, 0E0h, 0F0h
    dw tile + 4
    dw around.right, around.down, around.up, around.left
    db 01h, 03h, 07h, 0Fh
    dw tile + 4
.end:

; The shadow: the letters, together with themselves moved right and down by one
; to SHADE_SHIFT pixels. Its left edge is one byte before theirs.
title_shade:
    push es
    push ds
    pop es
    mov di, TITLE_SHADE
    mov cx, SHADE_ROWS * SHADE_COLUMNS
    xor al, al
    rep stosb
    mov cl, 0
.shift:
    mov si, TITLE_BITS + TITLE_INK * TITLE_COLUMNS
    movzx di, cl
    imul di, di, SHADE_COLUMNS
    add di, TITLE_SHADE + TITLE_INK * SHADE_COLUMNS
    push cx
    add cl, 8 - SHADE_BACK      ; pixels from the left edge
    mov ch, cl
    shr ch, 3
    and cl, 7
    cmp ch, 1
    jb .row_start
    inc di
.row_start:
    mov dx, INK_ROWS
.row:
    mov bp, TITLE_COLUMNS
.byte:
    lodsb
    test al, al
    jz .next
    xor bx, bx
    mov bh, al
    shr bx, cl
    or [di], bh
    or [di + 1], bl
.next:
    inc di
    dec bp
    jnz .byte
    add di, SHADE_COLUMNS - TITLE_COLUMNS
    dec dx
    jnz .row
    pop cx
    inc cl
    cmp cl, SHADE_SHIFT
    jbe .shift
    pop es
    ret

; --------------------------------------------------------------- the animation

animate:
    xor bp, bp                  ; the frame
.frame:
    ; The pan slows down: what is left of it, squared.
    mov ax, PAN_FRAMES
    sub ax, bp
    jns .panning
    xor ax, ax
.panning:
    imul ax, ax
    mov cx, PAN_ROWS
    mul cx
    mov cx, PAN_FRAMES * PAN_FRAMES
    div cx
    mov bx, PAN_ROWS
    sub bx, ax
    call row_address
    mov bx, di
    crtc_pair CRTC_START_HIGH, bh
    crtc_pair CRTC_START_LOW, bl

    ; The bar: one row a frame.
    mov ax, bp
    sub ax, BAR_START
    jns .bar
    xor ax, ax
.bar:
    cmp ax, BAR_ROWS
    jbe .bar_height
    mov ax, BAR_ROWS
.bar_height:
    neg ax
    add ax, SCREEN_ROWS - 1
    call split_at

    mov ax, bp
    mov cl, CYCLE_FRAMES
    div cl
    movzx ax, al
    mov cl, CYCLE_STEPS
    div cl
    mov [cycle], ah
    mov bx, bp
    inc bx
    cmp bx, FADE_FRAMES
    jbe .fading
    mov bx, FADE_FRAMES
.fading:
    call retrace_wait
    call palette_load
    inc bp
    cmp bp, FRAMES
    jb .frame
    ret

; split_at: the rows behind AX come from address 0. The line compare has ten
; bits in three registers.
split_at:
    mov bx, ax
    crtc_pair CRTC_LINE_COMP, bl
    mov dx, CRTC_INDEX
    mov al, CRTC_OVERFLOW
    out dx, al
    inc dx
    in al, dx
    and al, ~10h
    test bh, 1
    jz .bit_8
    or al, 10h
.bit_8:
    out dx, al
    dec dx
    mov al, CRTC_MAX_SCAN
    out dx, al
    inc dx
    in al, dx
    and al, ~40h
    test bh, 2
    jz .bit_9
    or al, 40h
.bit_9:
    out dx, al
    ret

%include "retrace.inc"

; ------------------------------------------------------------------- the check

check_picture:
    gc_pair GC_MODE, 0
    xor ebp, ebp
    mov bl, 3
.plane:
    gc_pair GC_READ_MAP, bl
    xor si, si
.row:
    mov cx, WIDTH_BYTES / 4
.dword:
    rol ebp, 5
    es lodsd
    add ebp, eax
    loop .dword
    add si, 7 * WIDTH_BYTES
    cmp si, (BAR_ROWS + ROWS) * WIDTH_BYTES
    jb .row
    dec bl
    jns .plane
    mov [picture_sum], ebp
    cmp ebp, PICTURE_SUM
    fail_if ne, 1
    ret

    align 4
picture_sum     dd 0
seed            dd 20120613
font            dd 0
half_width      dw 0
title_row       dw 0
colour_a        db 0
colour_b        db 0
pattern         db 0
cycle           db 0
ridge_depth     db 0

    guest_end
