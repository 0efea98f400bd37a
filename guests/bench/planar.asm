; planar - mode 12h. A unit is one pixel: colour by set/reset, bit mask, both by
; byte OUTs to index and data port, a latch read and a write. Every 16th unit
; also draws a horizontal line of 200 pixels: masks at its ends, `rep stosb`
; between.

%include "bench.inc"
%include "vga.inc"

LINE_PIXELS     equ 200
ROW_BYTES       equ 80
PLANE_BYTES     equ ROW_BYTES * 480
SUM_STRIDE      equ 20          ; bytes; a KVM exit for each read

bench_setup:
    mov ax, 12h
    int 10h
    gc_pair GC_SR_ENABLE, 0Fh
    mov ax, VRAM_SEG
    mov es, ax
    ret

bench_unit:
    random
    movzx bx, ah                ; y: 0 to 382
    mov cx, bp
    and cx, 7Fh
    add bx, cx
    shr eax, 16
    and ax, 1FFh                ; x: 0 to 511
    mov si, ax
    imul bx, bx, ROW_BYTES
    mov cl, al
    shr ax, 3
    mov di, bx
    add di, ax
    and cl, 7
    mov ch, 80h
    shr ch, cl
    mov ax, bp
    and al, 0Fh
    mov cl, al
    gc_pair GC_SET_RESET, cl
    gc_pair GC_BIT_MASK, ch
    mov al, [es:di]
    mov [es:di], al
    test bp, 0Fh
    jz .line
    ret
.line:                          ; BX = the row, SI = x
    and si, 0FFh
    mov di, si
    shr di, 3
    add di, bx
    mov cx, si
    and cl, 7
    mov ch, 0FFh
    shr ch, cl
    gc_pair GC_BIT_MASK, ch
    mov al, [es:di]
    stosb
    gc_pair GC_BIT_MASK, 0FFh
    add si, LINE_PIXELS - 1     ; the last pixel
    mov ax, si
    shr ax, 3
    add bx, ax                  ; its byte
    mov cx, bx
    sub cx, di
    rep stosb
    mov cx, si
    and cl, 7
    mov ch, 7Fh
    shr ch, cl
    not ch
    gc_pair GC_BIT_MASK, ch
    mov al, [es:di]
    mov [es:di], al
    ret

bench_sum:
    mov bp, 3
.plane:
    mov ax, bp
    mov cl, al
    gc_pair GC_READ_MAP, cl
    mov ax, VRAM_SEG
    mov ds, ax
    xor si, si
    mov edx, SUM_STRIDE
    mov cx, PLANE_BYTES / SUM_STRIDE
    call mix_dwords
    dec bp
    jns .plane
    ret

    bench_end
