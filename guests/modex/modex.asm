; modex - 256 colours with the chain broken: 320x240 "mode X". The plane is
; switched for every pixel column, pages are copied through the latches (write
; mode 1, rep movsb from VGA memory to VGA memory), and the start address flips
; between two pages in the vertical retrace.
;
; Everything drawn is drawn again into planes in RAM (segments 2000h, 3000h,
; 4000h, 5000h) and compared at the end.
;
; About 90,000 device accesses and what waiting for FLIPS retraces adds.
; Exit codes: 0 all is well; 1 to 4 plane 0 to 3 differs; 5 the CRTC does not
; hold the start address; 124 no retrace came.

FLIPS           equ 8

%include "boot.inc"
%include "vga.inc"

WIDTH_BYTES     equ 80          ; four pixels an address
HEIGHT          equ 240
PAGE_BYTES      equ WIDTH_BYTES * HEIGHT
PAGE_0          equ 0
PAGE_1          equ PAGE_BYTES
COPY_SEG        equ 2000h       ; plane p is at COPY_SEG + p * 1000h
COPY_STEP       equ 1000h

BOX_X           equ 96          ; the diamonds
BOX_Y           equ 40
BOX_WIDTH       equ 128
BOX_HEIGHT      equ 112
LATCHED_ROWS    equ 168         ; of page 0 that are copied to page 1
TILE_BYTES      equ 8
TILE_ROWS       equ 32
TILE_FROM       equ PAGE_0 + (BOX_Y + 40) * WIDTH_BYTES + (BOX_X + 48) / 4
RAINBOW         equ 64          ; its first colour; below it the blues

guest_main:
    call mode_x
    call palette
    mov ax, VRAM_SEG
    mov es, ax
    mov di, PAGE_0
    mov cx, HEIGHT
    xor bx, bx
    call gradient
    call diamonds
    call copy_page
    mov di, PAGE_1 + LATCHED_ROWS * WIDTH_BYTES
    mov cx, HEIGHT - LATCHED_ROWS
    mov bx, LATCHED_ROWS        ; where the gradient goes on
    call gradient
    call tiles
    call flip_pages
    call check_planes
    exit_with 0

; Mode 13h, unchained, on the 480 lines of mode 12h. Abrash, "Graphics
; Programming Black Book", ch. 47.
mode_x:
    set_mode 13h
    seq_word SEQ_MEM_MODE, 06h
    seq_word SEQ_RESET, 1
    mov dx, MISC_WRITE
    mov al, 0E3h                ; 25 MHz, 480 lines
    out dx, al
    seq_word SEQ_RESET, 3
    mov dx, CRTC_INDEX
    mov al, 11h
    out dx, al
    inc dx
    in al, dx
    and al, 7Fh                 ; registers 0 to 7 writable
    out dx, al
    dec dx
    mov si, .crtc
    mov cx, .crtc_count
    rep outsw
    seq_word SEQ_MAP_MASK, 0Fh
    ret
.crtc:
    dw 0D06h, 3E07h, 4109h, 0EA10h, 0AC11h, 0DF12h, 0014h, 0E715h, 0616h, 0E317h
.crtc_count equ ($ - .crtc) / 2

palette:
    mov dx, DAC_WRITE
    xor al, al
    out dx, al
    inc dx
    xor cx, cx
.blue:
    mov al, cl
    shr al, 3
    out dx, al                  ; red
    mov al, cl
    shr al, 1
    out dx, al                  ; green
    mov al, cl
    shr al, 1
    add al, 24
    out dx, al                  ; blue
    inc cx
    cmp cx, 64
    jb .blue
    xor cx, cx
.rainbow:                       ; three triangle waves, a third apart
    mov al, cl
    call .wave
    lea ax, [ecx + 21]
    call .wave
    lea ax, [ecx + 43]
    call .wave
    inc cx
    cmp cx, 64
    jb .rainbow
    ret
.wave:
    and al, 63
    cmp al, 32
    jb .rising
    xor al, 63
.rising:
    add al, al
    out dx, al
    ret

; gradient: CX rows from ES:DI on, all planes at once; BX = the first row's
; place in the gradient.
gradient:
    seq_pair SEQ_MAP_MASK, 0Fh
.row:
    imul ax, bx, 68             ; 64 colours over 240 rows
    mov al, ah
    imul eax, eax, 01010101h
    mov ah, al
    push ax
    shl eax, 16
    pop ax
    push cx
    push di
    mov cx, WIDTH_BYTES / 4
    rep stosd
    pop di
    push es
    mov dx, COPY_SEG
.plane:
    mov es, dx
    push di
    mov cx, WIDTH_BYTES / 4
    rep stosd
    pop di
    add dx, COPY_STEP
    cmp dx, COPY_SEG + 4 * COPY_STEP
    jb .plane
    pop es
    pop cx
    add di, WIDTH_BYTES
    inc bx
    loop .row
    ret

; Diamonds of rainbow, a column at a time: one plane, BOX_HEIGHT bytes down.
diamonds:
    xor si, si                  ; column
.column:
    mov cx, si
    and cl, 3
    mov bh, 1
    shl bh, cl
    seq_pair SEQ_MAP_MASK, bh
    shl cx, 12                  ; COPY_STEP for each plane
    add cx, COPY_SEG
    mov fs, cx
    lea di, [si + BOX_X]
    shr di, 2
    add di, BOX_Y * WIDTH_BYTES
    mov bx, si
    sub bx, BOX_WIDTH / 2
    jns .right
    neg bx
.right:
    xor cx, cx
.pixel:
    mov ax, cx
    sub ax, BOX_HEIGHT / 2
    jns .below
    neg ax
.below:
    add ax, bx
    and al, 63
    add al, RAINBOW
    mov [es:di], al
    mov [fs:di], al
    add di, WIDTH_BYTES
    inc cx
    cmp cx, BOX_HEIGHT
    jb .pixel
    inc si
    cmp si, BOX_WIDTH
    jb .column
    ret

; The upper part of page 0 to page 1: four pixels a byte, through the latches.
copy_page:
    seq_pair SEQ_MAP_MASK, 0Fh
    gc_pair GC_MODE, 41h
    push ds
    push es
    pop ds
    mov si, PAGE_0
    mov di, PAGE_1
    mov cx, LATCHED_ROWS * WIDTH_BYTES
    rep movsb
    pop ds
    gc_pair GC_MODE, 40h
    push ds
    push es
    mov dx, COPY_SEG
.plane:
    mov ds, dx
    mov es, dx
    mov si, PAGE_0
    mov di, PAGE_1
    mov cx, LATCHED_ROWS * WIDTH_BYTES / 4
    rep movsd
    add dx, COPY_STEP
    cmp dx, COPY_SEG + 4 * COPY_STEP
    jb .plane
    pop es
    pop ds
    ret

; The middle of the diamonds again in eight places of page 1.
tiles:
    gc_word GC_MODE, 41h
    mov bp, tile_places
.tile:
    push ds
    push es
    pop ds
    call .one
    pop ds
    push ds
    push es
    mov dx, COPY_SEG
.plane:
    mov ds, dx
    mov es, dx
    call .one
    add dx, COPY_STEP
    cmp dx, COPY_SEG + 4 * COPY_STEP
    jb .plane
    pop es
    pop ds
    add bp, 2
    cmp bp, tile_places.end
    jb .tile
    gc_word GC_MODE, 40h
    ret
.one:
    mov si, TILE_FROM
    mov di, [cs:bp]
    mov bx, TILE_ROWS
.row:
    mov cx, TILE_BYTES
    rep movsb
    add si, WIDTH_BYTES - TILE_BYTES
    add di, WIDTH_BYTES - TILE_BYTES
    dec bx
    jnz .row
    ret

%define place(x, y) (PAGE_1 + (y) * WIDTH_BYTES + (x) / 4)
tile_places:
    dw place(16, 16), place(16, 80), place(16, 144), place(80, 192)
    dw place(208, 192), place(272, 16), place(272, 80), place(272, 144)
.end:

; The start address in the retrace, as two word OUTs.
flip_pages:
    mov cx, FLIPS
    mov bx, PAGE_1
.flip:
    call retrace_wait
    crtc_word CRTC_START_HIGH, bh
    crtc_word CRTC_START_LOW, bl
    mov dx, CRTC_INDEX
    mov al, CRTC_START_HIGH
    out dx, al
    inc dx
    in al, dx
    cmp al, bh
    fail_if ne, 5
    dec dx
    mov al, CRTC_START_LOW
    out dx, al
    inc dx
    in al, dx
    cmp al, bl
    fail_if ne, 5
    xor bx, PAGE_0 ^ PAGE_1
    loop .flip
    crtc_word CRTC_START_HIGH, PAGE_1 >> 8
    crtc_word CRTC_START_LOW, PAGE_1 & 0FFh
    ret

check_planes:
    mov bx, COPY_SEG
    xor bp, bp
.plane:
    mov ax, bp
    mov ah, al
    gc_word GC_READ_MAP, ah
    mov ds, bx
    xor si, si
    xor di, di
    mov cx, 2 * PAGE_BYTES / 4
    repe cmpsd
    mov ax, 0
    mov ds, ax
    jne .differs
    add bx, COPY_STEP
    inc bp
    cmp bp, 4
    jb .plane
    ret
.differs:
    inc bp
    mov ax, bp
    jmp guest_exit

%include "retrace.inc"

    guest_end
