; palette - mode 13h. A unit is a load of all 256 colours, faded: 768 products,
; then half by `rep outsb`, half by a loop of OUTs.

%include "bench.inc"
%include "vga.inc"

SOURCE_SEG      equ 3000h
FADED           equ 1024        ; offset in the same segment
PALETTE_BYTES   equ 768

bench_setup:
    mov ax, 13h
    int 10h
    mov ax, SOURCE_SEG
    mov es, ax
    mov cx, PALETTE_BYTES / 4
    call fill
    ret

bench_unit:
    mov ax, bp
    and al, 3Fh
    mov bl, al                  ; how bright
    mov ax, SOURCE_SEG
    mov ds, ax
    mov es, ax
    xor si, si
    mov di, FADED
    mov cx, PALETTE_BYTES
.fade:
    lodsb
    and al, 3Fh
    mul bl
    shr ax, 6
    stosb
    loop .fade
    mov dx, DAC_WRITE
    xor al, al
    out dx, al
    mov dx, DAC_DATA
    mov si, FADED
    mov cx, PALETTE_BYTES / 2
    rep outsb
    mov cx, PALETTE_BYTES / 2
.out:
    lodsb
    out dx, al
    loop .out
    ret

bench_sum:
    mov dx, DAC_READ
    xor al, al
    out dx, al
    mov dx, DAC_DATA
    mov cx, PALETTE_BYTES
    xor eax, eax
.in:
    in al, dx
    mix
    loop .in
    ret

    bench_end
