; cpu - no devices. A unit is a sieve of 8,192 flags, a CRC-32 of 1,024 of them
; bit by bit, and 1,600 rounds of 16 and 32-bit multiplications and divisions:
; about 195,000 instructions. tests/bench/peers_native.c does the same in C.

%include "bench.inc"

FLAGS_SEG       equ 3000h
FLAGS           equ 8192
FLAGS_ROOT      equ 91          ; 91 * 91 > FLAGS
CRC_BYTES       equ 1024
CRC_POLY        equ 0EDB88320h
ROUNDS          equ 1600

bench_setup:
    mov ax, FLAGS_SEG
    mov es, ax
    ret

bench_unit:
    mov ax, es
    mov ds, ax
    call sieve                  ; EBX = primes
    call crc                    ; EAX
    add eax, ebx
    call arithmetic             ; EAX, from EAX
    mov ebx, [cs:sum]
    mix
    mov [cs:sum], ebx
    ret

sieve:
    xor di, di
    mov eax, 01010101h
    mov cx, FLAGS / 4
    rep stosd
    mov si, 2
.prime:
    cmp byte [si], 0
    je .next
    mov di, si
    imul di, si
.strike:
    mov byte [di], 0
    add di, si
    cmp di, FLAGS
    jb .strike
.next:
    inc si
    cmp si, FLAGS_ROOT
    jb .prime
    xor ebx, ebx
    mov si, 2
.count:
    movzx eax, byte [si]
    add ebx, eax
    inc si
    cmp si, FLAGS
    jb .count
    ret

; Over the flags, each with the number of the unit in EBP added.
crc:
    mov eax, -1
    xor si, si
.byte:
    mov dx, bp
    add dl, [si]
    xor al, dl
    mov cx, 8
.bit:
    shr eax, 1
    jnc .even
    xor eax, CRC_POLY
.even:
    dec cx
    jnz .bit
    inc si
    cmp si, CRC_BYTES
    jb .byte
    ret

arithmetic:
    mov ecx, ROUNDS
.round:
    imul eax, eax, 1664525
    add eax, 1013904223
    mov esi, eax
    mul ecx                     ; 32 x 32
    xor esi, edx
    mov edi, ecx
    or edi, 10001h
    xor edx, edx
    div edi                     ; 64 / 32
    add esi, eax
    xor esi, edx
    mov ax, si
    mul cx                      ; 16 x 16
    mov di, cx
    or di, 8000h
    and dh, 7Fh
    div di                      ; 32 / 16
    add si, ax
    movzx edx, dx
    lea eax, [esi + edx]
    dec ecx
    jnz .round
    ret

bench_sum:
    mov ebx, [sum]
    ret

    align 4
sum             dd 0

    bench_end
