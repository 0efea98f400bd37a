; A DOS program for dosrun.py: writes A:FULL.DAT in pieces of 4 KiB until less is taken, says so, and ends with how many
; hundreds of bytes that were.
bits 16
cpu 386
org 100h
        mov ah, 3Ch
        xor cx, cx
        mov dx, name
        int 21h
        jc failed
        mov bx, ax
.next:  mov ah, 40h
        mov cx, 4096
        mov dx, name
        int 21h
        jc failed
        cmp ax, 4096
        je .next
        xor dx, dx
        mov cx, 100
        div cx
        push ax
        mov ah, 3Eh
        int 21h
        mov ah, 9
        mov dx, full
        int 21h
        pop ax
        mov ah, 4Ch
        int 21h

failed: mov ah, 9
        mov dx, error
        int 21h
        mov ax, 4CFFh
        int 21h

name:   db 'A:FULL.DAT', 0
full:   db 'full', 13, 10, '$'
error:  db 'error', 13, 10, '$'
