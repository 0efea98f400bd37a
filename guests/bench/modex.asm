; modex - unchained 320x200. A unit is a column of 64 pixels, its plane chosen by
; the map mask. Every 16th unit also copies 320 bytes through the latches from
; the first page to the second.

%include "bench.inc"
%include "vga.inc"

ROW_BYTES       equ 80
ROWS            equ 200
COLUMN_ROWS     equ 64
COPY_BYTES      equ 320
PAGE_BYTES      equ ROW_BYTES * ROWS
SUM_STRIDE      equ 20

bench_setup:
    mov ax, 13h
    int 10h
    seq_word SEQ_MEM_MODE, 06h  ; no chain
    crtc_word CRTC_UNDERLINE, 00h
    crtc_word CRTC_MODE, 0E3h
    seq_word SEQ_MAP_MASK, 0Fh
    mov ax, VRAM_SEG
    mov es, ax
    xor eax, eax
    xor di, di
    mov cx, 2 * PAGE_BYTES / 4
    rep stosd
    ret

bench_unit:
    random
    movzx di, ah                ; y: 0 to 127
    and di, 7Fh
    imul di, di, ROW_BYTES
    shr eax, 16
    and ax, 0FFh                ; x
    mov cl, al
    and cl, 3
    shr ax, 2
    add di, ax
    mov ch, 1
    shl ch, cl
    seq_word SEQ_MAP_MASK, ch
    mov bx, di
    mov ax, bp
    mov cx, COLUMN_ROWS
.pixel:
    mov [es:di], al
    inc al
    add di, ROW_BYTES
    loop .pixel
    test bp, 0Fh
    jz .copy
    ret
.copy:
    seq_word SEQ_MAP_MASK, 0Fh
    gc_word GC_MODE, 41h        ; write mode 1, 256 colours
    push ds
    mov ax, es
    mov ds, ax
    mov si, bx
    lea di, [bx + PAGE_BYTES]
    mov cx, COPY_BYTES
    rep movsb
    pop ds
    gc_word GC_MODE, 40h
    ret

bench_sum:
    mov bp, 3
.plane:
    mov ax, bp
    mov ah, al
    mov al, GC_READ_MAP
    mov dx, GC_INDEX
    out dx, ax
    mov ax, VRAM_SEG
    mov ds, ax
    xor si, si
    mov edx, SUM_STRIDE
    mov cx, 2 * PAGE_BYTES / SUM_STRIDE
    call mix_dwords
    dec bp
    jns .plane
    ret

    bench_end
