; text - mode 3. A unit is a scroll of the whole screen by `rep movsw` at B800h,
; 16 cells written, and 8 characters by the BIOS's teletype.

%include "bench.inc"
%include "vga.inc"

ROW_BYTES       equ 160
ROWS            equ 25
CELLS           equ 16
LETTERS         equ 7           ; and a carriage return

bench_setup:
    mov ax, 3
    int 10h
    mov ah, 2
    xor bh, bh
    mov dx, 0C00h               ; row 12
    int 10h
    ret

bench_unit:
    mov ax, TEXT_SEG
    mov ds, ax
    mov es, ax
    mov si, ROW_BYTES
    xor di, di
    mov cx, ROW_BYTES * (ROWS - 1) / 2
    rep movsw
    mov ax, bp
    and ax, 7
    shl ax, 4
    add di, ax                  ; in the last row
    mov ax, bp
    and al, 3Fh
    add al, ' '
    mov ah, 1Fh
    mov cx, CELLS
.cell:
    stosw
    inc al
    loop .cell
    mov ax, 0E0Dh
    mov bx, 7
    int 10h
    mov cx, LETTERS
.letter:
    mov ax, bp
    add al, cl
    and al, 0Fh
    add al, 'A'
    mov ah, 0Eh
    int 10h
    loop .letter
    ret

bench_sum:
    mov ax, TEXT_SEG
    mov ds, ax
    xor si, si
    mov edx, 4
    mov cx, ROW_BYTES * ROWS / 4
    jmp mix_dwords

    bench_end
