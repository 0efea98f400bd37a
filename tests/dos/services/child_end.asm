; CHILD.END: leaves a file open, memory taken and standard output elsewhere; then makes a file on E:, which may not be written to. If it comes
; back, its status is the error.
bits 16
cpu 386
org 100h
        mov sp, 400h
        mov bx, 40h
        mov ah, 4Ah
        int 21h
        mov bx, 100h
        mov ah, 48h
        int 21h
        mov dx, nul
        mov ax, 3D02h
        int 21h
        mov bx, ax
        mov cx, 1
        mov ah, 46h
        int 21h
        mov dx, file
        xor cx, cx
        mov ah, 3Ch
        int 21h
        mov ah, 4Ch
        int 21h
nul:    db 'NUL', 0
file:   db 'E:\FILE', 0
