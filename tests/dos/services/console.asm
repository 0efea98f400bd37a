; AH=01h-0Ch and 3Fh from a file as standard input.
%include "service.inc"
main:   begin
        mov ah, 0Bh
        int 21h
        mov ah, 0
        show 'status', ax
        mov ah, 08h
        int 21h
        mov ah, 0
        show 'AH=08h', ax
        mov ah, 07h
        int 21h
        mov ah, 0
        show 'AH=07h', ax
        mov dl, 0FFh
        mov ah, 06h
        int 21h
        setz ah
        show 'AH=06h', ax
        mov ax, 0C08h
        int 21h
        mov ah, 0
        show 'AH=0Ch', ax
        mov dx, line
        mov ah, 0Ah
        int 21h
        bytes 'AH=0Ah', line, 8
        mov bx, 0
        mov cx, 5
        mov dx, scratch
        mov ah, 3Fh
        dosax 'AH=3Fh'
        bytes 'which is', scratch, 5
        mov bx, 0
        mov cx, 50
        mov dx, scratch
        mov ah, 3Fh
        dosax 'AH=3Fh, the rest'
        bytes 'which is', scratch, 3
        mov bx, 0
        mov cx, 50
        mov dx, scratch
        mov ah, 3Fh
        dosax 'AH=3Fh, at the end'
        mov dl, 'x'
        mov ah, 02h
        int 21h
        mov ah, 0
        show 'AH=02h', ax
        mov dl, 'y'
        mov ah, 06h
        int 21h
        mov dx, string
        mov ah, 09h
        int 21h
        mov ah, 0
        show 'AH=09h', ax
        finish
        section .data
line:   db 6, 0, 0, 0, 0, 0, 0, 0
string: db 'a', 9, 'string', 13, 10, '$'
