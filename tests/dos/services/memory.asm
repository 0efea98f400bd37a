; Memory: AH=48h-4Ah, 58h, the chain of control blocks.
%include "service.inc"
main:   begin
        mov bx, 0FFFFh
        mov ah, 48h
        dos 'too much'
        mov bx, 10h
        mov ah, 48h
        int 21h
        mov [a], ax
        mov bx, 20h
        mov ah, 48h
        int 21h
        mov [b], ax
        sub ax, [a]
        show 'distance of two', ax
        mov bx, 10h
        mov ah, 48h
        int 21h
        mov [c], ax
        sub ax, [b]
        show 'and the third', ax
        mov es, [b]
        mov ah, 49h
        dos 'free the second'
        mov bx, 8
        mov ah, 48h
        int 21h
        sub ax, [b]
        show 'first fit goes there', ax
        mov ax, [b]
        mov es, ax
        mov bx, 1Fh
        mov ah, 4Ah
        dos 'grow'
        mov bx, 20h
        mov ah, 4Ah
        dos 'grow to all there was'
        mov bx, 21h
        mov ah, 4Ah
        dos 'grow beyond'
        show 'could be', bx
        mov bx, 4
        mov ah, 4Ah
        dos 'shrink'
        mov ax, es
        dec ax
        mov ds, ax
        push word [3]
        push word [1]
        mov al, [0]
        mov ah, 0
        push cs
        pop ds
        show 'control block', ax
        pop ax
        mov bx, cs
        sub ax, bx
        show 'owner less PSP', ax
        pop ax
        show 'size', ax
        mov ax, 5800h
        dosax 'strategy'
        mov bx, 2
        mov ax, 5801h
        dos 'last fit'
        mov bx, 8
        mov ah, 48h
        int 21h
        mov [d], ax
        add ax, 8
        mov es, ax
        cmp ax, [2]
        setne al
        mov ah, 0
        show 'last fit is not at the end', ax
        mov bx, 1
        mov ax, 5801h
        dos 'best fit'
        mov bx, 8
        mov ah, 48h
        int 21h
        sub ax, [b]
        show 'best fit is in the hole', ax
        mov bx, 3
        mov ax, 5801h
        dos 'no strategy'
        mov bx, 0
        mov ax, 5801h
        dos 'first fit'
        mov ax, 5802h
        dos 'UMB link'
        mov ax, 5804h
        dos 'no function'
        mov es, [a]
        mov ah, 49h
        dos 'free'
        mov bx, cs
        add bx, 7
        mov es, bx
        mov ah, 49h
        dos 'free what is no block'
        mov bx, 1
        mov ah, 4Ah
        dos 'resize what is no block'
        ; walk the chain: it ends with Z at the end of memory
        mov ah, 52h
        int 21h
        mov ax, [es:bx - 2]
        mov cx, 0
.walk:  mov es, ax
        inc cx
        cmp cx, 1000
        ja .lost
        mov bx, [es:3]
        add ax, bx
        inc ax
        cmp byte [es:0], 'M'
        je .walk
        mov dl, [es:0]
        mov dh, 0
        show 'the last is', dx
        sub ax, [2]
        show 'ends there', ax
        jmp .walked
.lost:  show 'lost', cx
.walked:
        mov es, [d]
        mov ah, 49h
        dos 'free the last fit'
        mov es, [c]
        mov ah, 49h
        dos 'free the third'
        finish
        section .bss
a:      resw 1
b:      resw 1
c:      resw 1
d:      resw 1
