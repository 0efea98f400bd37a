; A DOS program for dosrun.py: prints its arguments, makes many calls of DOS, copies standard input to standard output in capitals,
; and ends with errorlevel 7. It finds out by its first argument what is wanted: n (calls), c (copy), else nothing more.
bits 16
cpu 386
org 100h
        mov ah, 40h
        mov bx, 1
        movzx cx, byte [80h]
        mov dx, 81h
        int 21h
        mov ah, 9
        mov dx, end_of_line
        int 21h
        cmp byte [82h], 'n'
        je calls
        cmp byte [82h], 'c'
        je copy
done:   mov ax, 4C07h
        int 21h

calls:  mov ecx, 100000
.next:  mov ah, 19h
        int 21h
        dec ecx
        jnz .next
        jmp done

copy:   mov ah, 3Fh
        xor bx, bx
        mov cx, 256
        mov dx, buffer
        int 21h
        jc done
        mov cx, ax
        jcxz done
        mov si, buffer
        push cx
.next:  lodsb
        cmp al, 'a'
        jb .keep
        cmp al, 'z'
        ja .keep
        sub byte [si - 1], 20h
.keep:  loop .next
        pop cx
        mov ah, 40h
        mov bx, 1
        mov dx, buffer
        int 21h
        jmp copy

end_of_line: db 13, 10, '$'
buffer:
