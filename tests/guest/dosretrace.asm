; A DOS program for dosrun.py: waits for 30 vertical retraces by polling 3DAh in subroutines, as compilers' libraries do.
bits 16
cpu 386
org 100h
FRAMES  equ 30
        mov cx, FRAMES
.next:  call in_retrace
        jnz .next
.wait:  call in_retrace
        jz .wait
        loop .next
        mov ax, 4C00h
        int 21h

in_retrace:
        push dx
        mov dx, 3DAh
        in al, dx
        pop dx
        test al, 8
        ret
