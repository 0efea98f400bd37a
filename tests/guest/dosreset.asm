; A DOS program for dosrun.py and term.py: says that it runs, waits for a key, and has the 8042 reset the machine; if the key is i, it calls
; INT 19h instead.
bits 16
cpu 386
org 100h
        mov ah, 9
        mov dx, text
        int 21h
        mov ah, 8
        int 21h
        cmp al, 'i'
        jne .reset
        int 19h
.reset:
        mov al, 0FEh
        out 64h, al
        jmp $

text:   db 'running', 13, 10, '$'
