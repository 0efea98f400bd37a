; planar - the planar pipeline of mode 12h (640x480, 16 colours), register by
; register: index/data pairs as byte OUTs and as one word OUT, bit mask,
; set/reset, map mask, rotate and logic functions, latches, write modes 0 to 3,
; read modes 0 and 1.
;
; Everything drawn on the screen is drawn a second time by plain ANDs and ORs
; into a copy of the planes in RAM (segments 2000h, 3000h, 4000h, 5000h); at
; the end all four planes must agree.
;
; About 90,000 device accesses.
; Exit codes: 0 all is well; 1 to 4 plane 0 to 3 differs; 5 colour compare
; (read mode 1) saw something else than the copy holds; 6 a latch was lost.

STRINGS         equ 11          ; lines in each of the two string figures
CIRCLES         equ 8

%include "boot.inc"
%include "vga.inc"

WIDTH_BYTES     equ 80
HEIGHT          equ 480
PLANE_BYTES     equ WIDTH_BYTES * HEIGHT
COPY_SEG        equ 2000h       ; plane p is at COPY_SEG + p * 1000h
COPY_STEP       equ 1000h
BACKGROUND      equ 1
BAR_ROWS        equ 8           ; rows of colour bars drawn by the CPU
BAR_COPIES      equ 2           ; and by the latches

guest_main:
    set_mode 12h
    mov ax, VRAM_SEG
    mov es, ax
    call clear
    call bars
    call strings
    call circles
    call box_xor
    call caption
    call check_latch
    call check_compare
    call check_planes
    exit_with 0

; Write mode 0, set/reset on all planes: the data of the CPU does not matter.
clear:
    gc_word GC_BIT_MASK, 0FFh
    gc_word GC_SET_RESET, BACKGROUND
    gc_word GC_SR_ENABLE, 0Fh
    xor di, di
    mov eax, 5AA55AA5h
    mov cx, PLANE_BYTES / 4
    rep stosd
    gc_word GC_SR_ENABLE, 0
    mov bx, COPY_SEG            ; the copy
    mov dl, BACKGROUND
    push es
.plane:
    mov es, bx
    shr dl, 1
    sbb eax, eax
    xor di, di
    mov cx, PLANE_BYTES / 4
    rep stosd
    add bx, COPY_STEP
    cmp bx, COPY_SEG + 4 * COPY_STEP
    jb .plane
    pop es
    ret

; Sixteen bars at the top: map mask plane by plane with the CPU's own data,
; then write mode 1 moves the latches down.
bars:
    mov bl, 0                   ; the plane
.plane:
    mov cl, bl
    mov bh, 1
    shl bh, cl
    seq_pair SEQ_MAP_MASK, bh
    xor di, di
    mov dx, BAR_ROWS
.row:
    xor cx, cx                  ; the colour of the bar
.bar:
    test cl, bh
    setz al
    dec al                      ; FFh where the colour has this plane's bit
    mov ah, al
    stosw
    stosw
    stosb
    inc cl
    cmp cl, 16
    jb .bar
    dec dx
    jnz .row
    inc bl
    cmp bl, 4
    jb .plane
    seq_word SEQ_MAP_MASK, 0Fh

    gc_pair GC_MODE, 1
    push ds
    push es
    pop ds
    xor si, si
    mov di, BAR_ROWS * WIDTH_BYTES
    mov cx, BAR_COPIES * BAR_ROWS * WIDTH_BYTES
    rep movsb
    pop ds
    gc_pair GC_MODE, 0

    xor di, di                  ; the copy
    mov dx, (1 + BAR_COPIES) * BAR_ROWS
    mov ah, 0FFh
.copy_row:
    xor cx, cx
.copy_byte:
    mov ax, cx
    mov bl, 5
    div bl
    mov [colour], al
    mov ah, 0FFh
    call copy_apply
    inc di
    inc cx
    cmp cx, WIDTH_BYTES
    jb .copy_byte
    dec dx
    jnz .copy_row
    ret

; Two figures of straight lines: at the left in write mode 0 with set/reset, at
; the right in write mode 2.
strings:
    mov word [plot_draw], draw_mode0
    gc_pair GC_SR_ENABLE, 0Fh
    xor bp, bp
.left:
    mov ax, bp
    add al, 4
    mov [colour], al
    gc_pair GC_SET_RESET, [colour]
    imul ax, bp, 30             ; from (20, 60 + 30 i) to (20 + 30 i, 420)
    mov word [line_x], 20
    add ax, 20
    mov [line_x1], ax
    add ax, 40
    mov [line_y], ax
    mov word [line_y1], 420
    call line
    inc bp
    cmp bp, STRINGS
    jb .left
    gc_pair GC_SR_ENABLE, 0
    gc_pair GC_BIT_MASK, 0FFh

    mov word [plot_draw], draw_mode2
    gc_word GC_MODE, 2
    xor bp, bp
.right:
    mov ax, 15
    sub ax, bp
    mov [colour], al
    imul ax, bp, 30             ; from (620, 60 + 30 i) to (620 - 30 i, 420)
    mov word [line_x], 620
    mov word [line_y], 60
    add [line_y], ax
    neg ax
    add ax, 620
    mov [line_x1], ax
    mov word [line_y1], 420
    call line
    inc bp
    cmp bp, STRINGS
    jb .right
    gc_word GC_MODE, 0
    gc_word GC_BIT_MASK, 0FFh
    ret

; Circles in write mode 3: the CPU's byte is the mask.
circles:
    mov word [plot_draw], draw_mode3
    gc_word GC_MODE, 3
    mov bp, CIRCLES
.next:
    mov ax, bp
    add al, 7
    mov [colour], al
    gc_word GC_SET_RESET, [colour]
    mov ax, bp
    shl ax, 4
    call circle
    dec bp
    jnz .next
    gc_word GC_MODE, 0
    gc_word GC_SET_RESET, 0
    ret

; XOR with a rotated byte over the middle: logic function, latch and rotate.
box_xor:
    gc_word GC_FUNCTION, FUNC_XOR | 3
    mov bx, 64
    mov di, 208 * WIDTH_BYTES + 36
.row:
    mov cx, 8
.byte:
    mov al, [es:di]
    mov byte [es:di], 78h       ; turned right by three: 0Fh
    mov ax, COPY_SEG
    call .copy
    inc di
    loop .byte
    add di, WIDTH_BYTES - 8
    dec bx
    jnz .row
    gc_word GC_FUNCTION, 0
    ret
.copy:
    push fs
.copy_plane:
    mov fs, ax
    xor byte [fs:di], 0Fh
    add ax, COPY_STEP
    cmp ax, COPY_SEG + 4 * COPY_STEP
    jb .copy_plane
    pop fs
    ret

; Transparent text from the BIOS's 8x16 font, write mode 3, with a shadow.
caption:
    push es
    mov ax, 1130h
    mov bh, 6
    int 10h                     ; ES:BP = the font
    mov [font], bp
    mov [font + 2], es
    pop es
    gc_word GC_MODE, 3
    mov byte [colour], 0
    mov di, 441 * WIDTH_BYTES + 23
    call .text
    mov byte [colour], 15
    mov di, 440 * WIDTH_BYTES + 23
    call .text
    gc_word GC_MODE, 0
    gc_word GC_SET_RESET, 0
    ret
.text:
    gc_word GC_SET_RESET, [colour]
    mov si, caption_text
.char:
    lodsb
    test al, al
    jz .out
    movzx bx, al
    shl bx, 4
    lfs bp, [font]
    add bp, bx
    push di
    mov cx, 16
.row:
    mov ah, [fs:bp]
    inc bp
    mov al, [es:di]
    mov [es:di], ah
    call copy_apply
    add di, WIDTH_BYTES
    loop .row
    pop di
    inc di
    jmp .char
.out:
    ret

caption_text    db "planar: write modes 0 1 2 3 agree", 0

; One read loads four latches; write mode 1 puts them elsewhere, however many
; registers were written in between.
check_latch:
    mov al, [es:12 * 1]         ; the bars: all colours differ
    gc_pair GC_MODE, 1
    seq_pair SEQ_MAP_MASK, 0Fh
    mov [es:PLANE_BYTES + 7], al
    gc_pair GC_MODE, 0
    mov bl, 0
.plane:
    gc_pair GC_READ_MAP, bl
    mov al, [es:PLANE_BYTES + 7]
    cmp al, [es:12]
    fail_if ne, 6
    inc bl
    cmp bl, 4
    jb .plane
    ret

; Read mode 1 over one row through the figures: which pixels are background.
check_compare:
    gc_pair GC_COMPARE, BACKGROUND
    gc_pair GC_DONT_CARE, 0Fh
    gc_pair GC_MODE, 8
    mov di, 300 * WIDTH_BYTES
    mov cx, WIDTH_BYTES
.byte:
    mov ah, 0FFh                ; the pixels that are background in the copy
    mov dx, COPY_SEG
    mov bl, BACKGROUND
.plane:
    mov fs, dx
    mov al, [fs:di]
    shr bl, 1
    jc .bit_set
    not al
.bit_set:
    and ah, al
    add dx, COPY_STEP
    cmp dx, COPY_SEG + 4 * COPY_STEP
    jb .plane
    cmp ah, [es:di]
    fail_if ne, 5
    inc di
    loop .byte
    gc_pair GC_MODE, 0
    ret

check_planes:
    mov bx, COPY_SEG
    mov bp, 0
.plane:
    mov ax, bp
    mov ah, al
    gc_word GC_READ_MAP, ah
    mov ds, bx
    xor si, si
    xor di, di
    mov cx, PLANE_BYTES / 4
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

; Three ways to set the pixels AH of the byte ES:DI to [colour].
draw_mode0:                     ; set/reset holds the colour
    gc_pair GC_BIT_MASK, ah
    mov al, [es:di]             ; the latches keep the other seven
    mov byte [es:di], 0FFh
    ret
draw_mode2:
    mov bl, ah
    gc_word GC_BIT_MASK, bl
    mov al, [es:di]
    mov al, [colour]
    mov [es:di], al
    mov ah, bl
    ret
draw_mode3:
    mov al, [es:di]
    mov [es:di], ah
    ret

; The same in the copy, and nothing clever about it. All registers kept.
copy_apply:
    pusha
    push fs
    mov al, [colour]
    mov dx, COPY_SEG
.plane:
    mov fs, dx
    or [fs:di], ah
    shr al, 1
    jc .set
    xor [fs:di], ah
.set:
    add dx, COPY_STEP
    cmp dx, COPY_SEG + 4 * COPY_STEP
    jb .plane
    pop fs
    popa
    ret

; plot: CX = x, DX = y; all registers kept.
plot:
    pusha
    imul di, dx, WIDTH_BYTES
    mov ax, cx
    shr ax, 3
    add di, ax
    and cl, 7
    mov ah, 80h
    shr ah, cl
    call [plot_draw]
    call copy_apply
    popa
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
    call plot
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

; The midpoint circle of radius AX around the middle. BP kept.
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
    mov cx, CENTRE_X
    add cx, si
    call .pair
    mov cx, CENTRE_X
    sub cx, si
.pair:
    mov dx, CENTRE_Y
    add dx, di
    call plot
    mov dx, CENTRE_Y
    sub dx, di
    jmp plot

CENTRE_X        equ 320
CENTRE_Y        equ 240

    align 2
plot_draw       dw 0
line_x          dw 0
line_y          dw 0
line_x1         dw 0
line_y1         dw 0
line_dx         dw 0
line_dy         dw 0
font            dd 0
colour          db 0

    guest_end
