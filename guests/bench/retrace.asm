; retrace - mode 13h. A unit is one vertical retrace awaited, by polling 3DAh.

%include "bench.inc"
%include "vga.inc"

bench_setup:
    mov ax, 13h
    int 10h
    ret

bench_unit:
    mov dx, STATUS_1
.still:
    in al, dx
    test al, ST1_VRETRACE
    jnz .still
.not_yet:
    in al, dx
    test al, ST1_VRETRACE
    jz .not_yet
    ret

bench_sum:
    mov ebx, [bench_number]
    ret

    bench_end
