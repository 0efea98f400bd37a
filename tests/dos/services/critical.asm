; Critical errors: a write to drive E:, which is read-only, with handlers of INT 24h that answer differently.
%include "service.inc"
main:   begin
        mov ah, 19h
        int 21h
        mov ah, 0
        show 'drive', ax
        mov dx, file
        xor cx, cx
        mov ah, 3Ch
        dos 'create, default handler'
        mov dx, handler
        mov ax, 2524h
        int 21h
        mov byte [answer], 3
        call try
        mov byte [answer], 1
        mov byte [next], 3
        call try
        mov byte [answer], 0
        call try
        mov byte [answer], 4
        call try
        mov ah, 59h
        mov bx, 0
        int 21h
        push cs
        pop ds
        push cs
        pop es
        show 'extended error', ax
        ; abort ends the program: it is the last
        mov word [16], 0
        finish

try:    mov word [calls], 0
        mov dx, file
        xor cx, cx
        mov ah, 3Ch
        dos 'create'
        show 'handler called', [calls]
        show 'AH and AL', [seen]
        show 'DI', [seen_di]
        show 'function on the stack', [seen_stack]
        ret

handler:
        push bp
        mov bp, sp
        push ds
        push cs
        pop ds
        inc word [calls]
        and di, 0FFh
        mov [seen], ax
        mov [seen_di], di
        mov ax, [bp + 8]
        mov [seen_stack], ax
        cmp word [calls], 1
        mov al, [answer]
        je .first
        mov al, [next]
.first: cmp al, 4
        je .back
        pop ds
        pop bp
        iret
.back:  pop ds          ; to the program by itself, with carry
        pop bp
        add sp, 6
        pop ax
        pop bx
        pop cx
        pop dx
        pop si
        pop di
        pop bp
        pop ds
        pop es
        push bp
        mov bp, sp
        or word [bp + 6], 1
        pop bp
        iret
        section .data
file:   db 'E:\NEW.TXT', 0
answer: db 0
next:   db 3
calls:  dw 0
seen:   dw 0
seen_di: dw 0
seen_stack: dw 0
