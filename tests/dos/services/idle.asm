; Waiting for a key: INT 28h, and what its handler may call meanwhile. Keys are put into the BIOS's buffer by that handler.
%include "service.inc"
%macro wait_for 2       ; AX, label: what it gives
        mov word [calls], 0
        mov word [key], %1 & 0FFh
        mov bx, 1111h
        mov cx, 2222h
        mov si, 4444h
        mov di, 5555h
        mov bp, 6666h
        mov ax, [function]
        int 21h
        show %2, ax
        call same
%endmacro
        jmp main
main:   begin
        mov dx, handler
        mov ax, 2528h
        int 21h
        mov word [function], 0855h
        wait_for 'a', 'AH=08h'
        mov word [function], 0755h
        wait_for 'b', 'AH=07h'
        mov word [function], 0155h
        wait_for 'c', 'AH=01h'
        mov word [function], 0C08h
        wait_for 'd', 'AX=0C08h'
        mov word [function], 0C77h
        mov word [calls], 0
        mov ax, 0C77h
        int 21h
        show 'AX=0C77h', ax
        mov word [function], 0C06h
        mov dl, 0FFh
        mov ax, 0C06h
        int 21h
        show 'AX=0C06h', ax
        mov word [calls], 0
        mov word [key], 13
        mov dx, line
        mov ah, 0Ah
        int 21h
        bytes 'AH=0Ah', line, 3
        show 'idle at least', [calls]
        mov word [calls], 0
        mov bx, 0
        mov cx, 10
        mov dx, scratch
        mov ah, 3Fh
        dosax 'AH=3Fh'
        show 'idle at least', [calls]
        ; what the handler has written
        mov dx, file
        mov ax, 3D00h
        dosax 'open'
        mov bx, ax
        xor cx, cx
        xor dx, dx
        mov ax, 4202h
        dosax 'size'
        finish

; Were the registers left alone, and was the handler called three times?
same:   cmp bx, 1111h
        jne .bad
        cmp cx, 2222h
        jne .bad
        cmp si, 4444h
        jne .bad
        cmp di, 5555h
        jne .bad
        cmp bp, 6666h
        jne .bad
        mov ax, [indos]
        show 'InDOS', ax
        mov ax, [calls]
        show 'idle at least', ax
        ret
.bad:   show 'registers', 0BADh
        ret

; The third time a key is typed, and a file written.
handler:
        pusha
        push ds
        push es
        push cs
        pop ds
        cmp word [calls], 3
        jae .back
        inc word [calls]
        cmp word [calls], 3
        jne .back
        mov ah, 34h
        int 21h
        mov al, [es:bx]
        mov ah, 0
        mov [indos], ax
        mov dx, file
        mov ax, 3D02h
        int 21h
        jnc .open
        mov dx, file
        xor cx, cx
        mov ah, 3Ch
        int 21h
.open:  mov bx, ax
        xor cx, cx
        xor dx, dx
        mov ax, 4202h
        int 21h
        mov dx, file
        mov cx, 4
        mov ah, 40h
        int 21h
        mov ah, 3Eh
        int 21h
        mov cx, [key]
        mov ch, 1
        mov ah, 5
        int 16h
.back:  pop es
        pop ds
        popa
        iret
        section .data
file:   db 'IDLE.TXT', 0
line:   db 6, 0, 0, 0, 0, 0, 0, 0
function: dw 0
        section .bss
calls:  resw 1
key:    resw 1
indos:  resw 1
