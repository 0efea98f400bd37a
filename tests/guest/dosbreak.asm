; A DOS program for dosrun.py: echoes keys. Its INT 23h handler shows '!', returns twice, and ends the program the third time.
bits 16
cpu 386
org 100h
        mov ax, 2523h
        mov dx, on_break
        int 21h
        mov bx, 3
.next:  mov ah, 1
        int 21h
        cmp al, 'q'
        jne .next
        mov ax, 4C05h
        int 21h

on_break:
        push ax
        push dx
        mov dl, '!'
        mov ah, 2
        int 21h
        pop dx
        pop ax
        dec bx
        jz .end
        iret            ; the call is made again
.end:   stc
        retf            ; the program ends
