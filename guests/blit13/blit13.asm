; blit13 - mode 13h (320x200, 256 colours): an image in RAM goes to the screen
; by rep movsd, rep movsw, rep movsb and byte stores, a third of the rows each
; way but the last; then the palette fades in, by rep outsb (a 286 instruction)
; and by loops of OUT in turn.
;
; The screen is compared with the image and the palette with the last one sent.
;
; About 75,000 device accesses and what waiting for FADE_STEPS retraces adds.
; Exit codes: 0 all is well; 1 the screen differs; 2 the palette differs;
; 3 rep outsb moved the port or the wrong count; 124 no retrace came.

FADE_STEPS      equ 16

%include "boot.inc"
%include "vga.inc"

WIDTH           equ 320
HEIGHT          equ 200
IMAGE_SEG       equ 2000h       ; 64,000 bytes
BALL_X          equ 160
BALL_Y          equ 100
PALETTE_BYTES   equ 768
PALETTE         equ 0B000h      ; the whole palette
FADED           equ 0B400h      ; and at the brightness of the moment
COLOUR_MAX      equ 63

guest_main:
    set_mode 13h
    call palette_make
    mov ecx, 0
    call palette_out            ; all black
    call image_make
    call blit
    call fade
    call check_screen
    call check_palette
    exit_with 0

; Four ramps of 64: blue, red, green, gold.
palette_make:
    mov di, PALETTE
    xor bx, bx
.colour:
    mov si, bx
    shr si, 6
    imul si, si, 3
    mov cx, 3
.part:
    mov al, bl
    and al, 63
    mul byte [ramp_weights + si]
    shr ax, 6
    mov [di], al
    inc di
    inc si
    loop .part
    inc bx
    cmp bx, 256
    jb .colour
    ret

ramp_weights:
    db 12, 24, 63,  63, 18, 20,  16, 56, 28,  64, 50, 14

; Squares of rings: the distance from the middle, squared, bent a little by the
; place; every quarter of the screen takes another ramp.
image_make:
    mov ax, IMAGE_SEG
    mov es, ax
    xor di, di
    mov dx, -BALL_Y
.row:
    mov bx, dx
    imul bx, bx
    mov cx, -BALL_X
.pixel:
    mov ax, cx
    imul ax, ax
    add ax, bx
    shr ax, 6
    test al, 64                 ; there and back, so that rings have no edge
    jz .up
    not al
.up:
    and al, 63
    test cx, cx
    js .left
    or al, 64
.left:
    test dx, dx
    js .top
    or al, 128
.top:
    stosb
    inc cx
    cmp cx, WIDTH - BALL_X
    jl .pixel
    inc dx
    cmp dx, HEIGHT - BALL_Y
    jl .row
    ret

blit:
    mov ax, VRAM_SEG
    mov es, ax
    mov ax, IMAGE_SEG
    mov ds, ax
    xor si, si
    xor di, di
    mov cx, WIDTH * 80 / 4
    rep movsd
    mov cx, WIDTH * 40 / 2
    rep movsw
    mov cx, WIDTH * 60
    rep movsb
    ; Byte by byte, as a compiler would.
    mov cx, WIDTH * 20
.byte:
    mov al, [si]
    mov [es:di], al
    inc si
    inc di
    loop .byte
    xor ax, ax
    mov ds, ax
    mov es, ax
    ret

fade:
    mov cx, 1
.step:
    push cx
    call retrace_wait
    pop cx
    call palette_out
    inc cx
    cmp cx, FADE_STEPS
    jbe .step
    ret

; palette_out: the palette at CX / FADE_STEPS of its brightness. CX kept.
palette_out:
    push cx
    mov bx, cx
    mov si, PALETTE
    mov di, FADED
    mov cx, PALETTE_BYTES
.scale:
    lodsb
    mul bl
    shr ax, 4                   ; FADE_STEPS is 16
    stosb
    loop .scale

    mov dx, DAC_WRITE
    xor al, al
    out dx, al
    inc dx
    mov si, FADED
    test bl, 1
    jnz .loop_out
    mov cx, PALETTE_BYTES
    rep outsb
    cmp si, FADED + PALETTE_BYTES
    fail_if ne, 3
    cmp dx, DAC_DATA
    fail_if ne, 3
    test cx, cx
    fail_if ne, 3
    pop cx
    ret
.loop_out:
    mov cx, PALETTE_BYTES / 3
.next:
    lodsb
    out dx, al
    lodsb
    out dx, al
    lodsb
    out dx, al
    loop .next
    pop cx
    ret

%if FADE_STEPS != 16
%error "palette_out divides by 16"
%endif

check_screen:
    mov ax, VRAM_SEG
    mov es, ax
    mov ax, IMAGE_SEG
    mov ds, ax
    xor si, si
    xor di, di
    mov cx, WIDTH * HEIGHT / 4
    repe cmpsd
    mov ax, 0
    mov ds, ax
    mov es, ax
    fail_if ne, 1
    ret

check_palette:
    mov dx, DAC_READ
    xor al, al
    out dx, al
    mov dx, DAC_DATA
    mov di, FADED + PALETTE_BYTES   ; read beside what was written
    mov cx, PALETTE_BYTES
    rep insb
    mov si, PALETTE
    mov di, FADED + PALETTE_BYTES
    mov cx, PALETTE_BYTES
    repe cmpsb
    fail_if ne, 2
    ret

%include "retrace.inc"

    guest_end
