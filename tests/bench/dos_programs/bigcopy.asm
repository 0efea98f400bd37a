; Copies SOURCE.BIN to TARGET.BIN with buffers of 32 KiB. Errorlevel 1 if that fails.
bits 16
cpu 8086
org 100h
        mov ah, 4Ah             ; keep 64 KiB
        mov bx, 1000h
        int 21h
        mov ax, 3D00h
        mov dx, source
        int 21h
        jc failed
        mov [input], ax
        mov ah, 3Ch
        xor cx, cx
        mov dx, target
        int 21h
        jc failed
        mov [output], ax
next:   mov ah, 3Fh
        mov bx, [input]
        mov cx, 8000h
        mov dx, buffer
        int 21h
        jc failed
        or ax, ax
        jz done
        mov cx, ax
        mov ah, 40h
        mov bx, [output]
        mov dx, buffer
        int 21h
        jc failed
        cmp ax, cx
        je next
failed: mov ax, 4C01h
        int 21h
done:   mov ah, 3Eh
        mov bx, [output]
        int 21h
        mov ax, 4C00h
        int 21h
source: db 'SOURCE.BIN', 0
target: db 'TARGET.BIN', 0
input:  dw 0
output: dw 0
buffer:
