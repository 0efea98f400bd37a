; CHILD.EXE, header by hand: relocations, memory wanted beyond the image, a stack of its own.
bits 16
cpu 386
header: db 'MZ'
        dw (end - header) % 512, (end - header + 511) / 512
        dw 2            ; relocations
        dw 4            ; paragraphs of the header
        dw 20h, 40h     ; least and most paragraphs behind the image
        dw 10h, 100h    ; SS:SP
        dw 0            ; checksum
        dw start - image, 0     ; IP, CS
        dw relocations - header, 0
relocations:
        dw word_there - image, 0
        dw pointer + 2 - image, 0
        times 40h - ($ - header) db 0
image:
start:
        mov dx, ds
        mov ax, [cs:word_there - image]
        mov bx, cs
        sub ax, bx
        cmp ax, 55h
        jne bad
        mov ax, cs
        sub ax, dx
        cmp ax, 10h     ; the image is behind the prefix
        jne bad
        mov ax, ss
        mov bx, cs
        sub ax, bx
        cmp ax, 10h
        jne bad
        cmp sp, 100h
        jne bad
        mov ax, [cs:pointer + 2 - image]
        cmp ax, bx      ; relocated
        jne bad
        mov ax, [2]     ; the end of memory less the prefix: image in whole pages less its header, 40h more, prefix
        sub ax, dx
        sub ax, ((end - image + 15) / 16) + 10h
        mov ah, 4Ch
        int 21h
bad:    mov ax, 4CFFh
        int 21h
word_there: dw 55h
pointer: dw 1234h, 0
end:
