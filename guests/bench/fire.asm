; fire - mode 13h. A unit is one frame of the demo effect: each pixel the mean of
; two below it, less one; byte writes to memory and to the display, and 128
; colours of the palette by OUTs. tests/bench/peers_native.c does the same in C.

%include "bench.inc"
%include "vga.inc"

FIRE_SEG        equ 3000h
WIDTH           equ 320
ROWS            equ 200         ; of which the last is the seed
COLOURS         equ 128

bench_setup:
    mov ax, 13h
    int 10h
    mov ax, FIRE_SEG
    mov es, ax
    xor di, di
    xor eax, eax
    mov cx, WIDTH * ROWS / 4 + 1
    rep stosd
    ret

bench_unit:
    mov ax, FIRE_SEG
    mov es, ax
    mov di, WIDTH * (ROWS - 1)
    mov cx, WIDTH / 4
.seed:
    random
    stosd
    loop .seed

    mov ax, FIRE_SEG
    mov ds, ax
    mov ax, VRAM_SEG
    mov es, ax
    xor di, di
    mov cx, WIDTH * (ROWS - 1)
.pixel:
    mov al, [di + WIDTH]
    add al, [di + WIDTH + 1]    ; behind the last row: 0
    rcr al, 1
    sub al, 1
    adc al, 0                   ; not below 0
    mov [di], al
    stosb
    loop .pixel

    mov dx, DAC_WRITE
    xor al, al
    out dx, al
    mov dx, DAC_DATA
    mov ax, bp
    mov ah, al
    mov cx, COLOURS
.colour:
    mov al, cl
    shr al, 1
    out dx, al
    mov al, ah
    and al, 3Fh
    out dx, al
    mov al, cl
    and al, 3Fh
    out dx, al
    inc ah
    loop .colour
    ret

bench_sum:
    mov ax, VRAM_SEG
    mov ds, ax
    xor si, si
    mov edx, 4
    mov cx, WIDTH * (ROWS - 1) / 4
    jmp mix_dwords

    bench_end
