; pic - the interrupt-controller sequence of the exit clustering paper: masks
; read and written back, with delays by the POST port. A unit is 16 port
; operations.

%include "bench.inc"
%include "pic.inc"

%ifdef BENCH_COM
DELAY_PORT      equ 80h
%endif

bench_setup:
    ret

; masked port: 4 port operations; CL = the mask.
%macro masked 1
    mov dx, %1
    in al, dx
    out DELAY_PORT, al
    mov cl, al
    mov dl, %1 & 0FFh
    out dx, al
    out DELAY_PORT, al
%endmacro

bench_unit:
    masked PIC1_DATA
    mov ch, cl
    masked PIC2_DATA
    xor ch, cl
    masked PIC1_DATA
    xor ch, cl
    masked PIC2_DATA
    xor ch, cl                  ; 0, if the masks stay as they are
    add [sum], ch
    inc dword [sum]
    ret

bench_sum:
    mov ebx, [sum]
    ret

    align 4
sum             dd 0

    bench_end
