; adlib - a unit is one register write to an OPL at 388h with the delays that its
; data sheet asks for: 6 status reads behind the index, 35 behind the data.

%include "bench.inc"

OPL_INDEX       equ 388h
OPL_DATA        equ 389h
INDEX_READS     equ 6
DATA_READS      equ 35

bench_setup:
    ret

bench_unit:
    mov ax, bp
    mov ah, al
    and al, 1Fh
    add al, 40h                 ; levels of the operators
    and ah, 3Fh
    mov dx, OPL_INDEX
    out dx, al
    mov cx, INDEX_READS
.index:
    in al, dx
    loop .index
    mov al, ah
    inc dx
    out dx, al
    dec dx
    mov cx, DATA_READS
.data:
    in al, dx
    loop .data
    ret

bench_sum:
    mov ebx, [bench_number]
    ret

    bench_end
