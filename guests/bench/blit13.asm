; blit13 - mode 13h. A unit is one frame of 64,000 bytes from memory to the
; display, the upper half by `rep movsd`, the lower by `rep movsb`.

%include "bench.inc"
%include "vga.inc"

SOURCE_SEG      equ 3000h
HALF_BYTES      equ 32000

bench_setup:
    mov ax, 13h
    int 10h
    mov ax, SOURCE_SEG
    mov es, ax
    mov cx, 2 * HALF_BYTES / 4 + 64
    call fill
    mov ax, VRAM_SEG
    mov es, ax
    ret

bench_unit:
    mov si, bp
    and si, 3Fh
    shl si, 2                   ; another frame each time
    mov ax, SOURCE_SEG
    mov ds, ax
    xor di, di
    mov cx, HALF_BYTES / 4
    rep movsd
    mov cx, HALF_BYTES
    rep movsb
    ret

bench_sum:
    mov ax, VRAM_SEG
    mov ds, ax
    xor si, si
    mov edx, 4
    mov cx, 2 * HALF_BYTES / 4
    jmp mix_dwords

    bench_end
