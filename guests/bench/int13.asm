; int13 - a unit is one sector of the hard disk through the BIOS, from places
; where cylinder and sector differ and the head is 0.

%include "bench.inc"

SECTOR_DWORDS   equ 128
BUFFER_SEG      equ 3000h
CYLINDER_MASK   equ 0Fh         ; the disk has at least 16, of 32 sectors or more
SECTOR_MASK     equ 1Fh

bench_setup:
    mov ax, BUFFER_SEG
    mov es, ax
    ret

bench_unit:
    mov ax, bp
    mov cl, al
    and cl, SECTOR_MASK
    inc cl
    shr ax, 5
    and al, CYLINDER_MASK
    mov ch, al
    mov dx, 0080h
    xor bx, bx
    mov ax, 0201h
    int 13h
    jc .bad
    mov eax, [es:0]
    add [sum], eax
    ret
.bad:
    bench_fail

bench_sum:
    mov ebx, [sum]
    mov ax, BUFFER_SEG
    mov ds, ax
    xor si, si
    mov edx, 4
    mov cx, SECTOR_DWORDS
    jmp mix_dwords

    align 4
sum             dd 0

    bench_end
