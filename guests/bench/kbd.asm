; kbd - a unit is one round of a program that looks for keys both ways: status
; and data port twice, and int 16h/1.

%include "bench.inc"

KBD_DATA        equ 60h
KBD_STATUS      equ 64h

bench_setup:
    ret

bench_unit:
    in al, KBD_STATUS
    in al, KBD_DATA
    in al, KBD_STATUS
    in al, KBD_DATA
    mov ah, 1
    int 16h
    jnz .key
    inc dword [sum]
.key:
    ret

bench_sum:
    mov ebx, [sum]
    ret

    align 4
sum             dd 0

    bench_end
