; Extended and expanded memory in a saved state: fills both, waits for a key, and says what it finds then.
%include "text.inc"

main:   mov ax, 4310h
        int 2Fh
        mov [entry], bx
        mov [entry + 2], es
        push cs
        pop es
        mov dx, 100
        mov ah, 09h
        call far [entry]
        mov [block], dx
        mov ah, 0Ch
        call far [entry]
        mov ah, 05h
        call far [entry]
        mov [move_data + 2], cs
        mov [move_in_to + 2], cs
        mov si, move_out
        mov ax, [block]
        mov [move_out_to], ax
        mov [move_in_from], ax
        mov ah, 0Bh
        call far [entry]
        mov word [data], 0

        mov ah, 41h
        int 67h
        mov [frame], bx
        mov bx, 3
        mov ah, 43h
        int 67h
        mov [handle], dx
        mov bx, 2
        mov ax, 4401h
        int 67h
        mov bx, 1
        mov ax, 4403h
        mov dx, [handle]
        int 67h
        mov es, [frame]
        mov word [es:4000h], 2222h
        mov word [es:0C000h], 3333h
        push cs
        pop es
        mov dx, [handle]
        mov ah, 47h
        int 67h
        TEXT 'ready'
        NEWLINE
        mov ah, 8
        int 21h

        TEXT 'frame '
        mov es, [frame]
        HEX16 [es:4000h]
        HEX16 [es:0C000h]
        push cs
        pop es
        NEWLINE
        mov bx, 1
        mov ax, 4401h
        mov dx, [handle]
        int 67h
        TEXT 'page 1 '
        HEX8 ah
        mov es, [frame]
        TEXT ' '
        HEX16 [es:4000h]
        push cs
        pop es
        NEWLINE
        mov dx, [handle]
        mov ah, 48h
        int 67h
        TEXT 'restored '
        HEX8 ah
        mov es, [frame]
        TEXT ' '
        HEX16 [es:4000h]
        push cs
        pop es
        NEWLINE
        mov si, move_in
        mov ah, 0Bh
        call far [entry]
        TEXT 'block '
        HEX16 ax
        TEXT ' '
        HEX16 [data]
        NEWLINE
        mov dx, [block]
        mov ah, 0Eh
        call far [entry]
        TEXT 'locks '
        HEX8 bh
        TEXT ' size '
        HEX16 dx
        NEWLINE
        mov ah, 06h
        call far [entry]
        TEXT 'A20 off '
        HEX16 ax
        NEWLINE
        mov ax, 4C00h
        int 21h

entry:  dd 0
block:  dw 0
handle: dw 0
frame:  dw 0
data:   dw 1111h
move_out:
        dd 2
        dw 0
move_data: dw data, 0
move_out_to: dw 0
        dd 1000h
move_in: dd 2
move_in_from: dw 0
        dd 1000h
        dw 0
move_in_to: dw data, 0
