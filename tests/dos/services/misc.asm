; What needs no file: vectors, dates, country, extended errors, structures, INT 25h-2Fh.
%include "service.inc"
main:   begin
        mov ax, 3000h
        int 21h
        show 'version', ax
        mov ax, 3306h
        int 21h
        show 'true version', bx
        mov dx, handler
        mov ax, 2560h
        int 21h
        mov ax, 3560h
        int 21h
        sub bx, handler
        show 'vector', bx
        push cs
        pop es
        mov cx, 1995
        mov dx, 0B0Fh
        mov ah, 2Bh
        int 21h
        mov ah, 0
        show 'set date', ax
        mov ah, 2Ah
        int 21h
        mov ah, 0
        show 'weekday', ax
        show 'year', cx
        show 'month and day', dx
        mov cx, 1995
        mov dx, 021Dh
        mov ah, 2Bh
        int 21h
        mov ah, 0
        show 'no such date', ax
        mov cx, 1996
        mov dx, 021Dh
        mov ah, 2Bh
        int 21h
        mov ah, 0
        show 'leap year', ax
        mov cx, 1700h
        mov dx, 1E00h
        mov ah, 2Dh
        int 21h
        mov ah, 0
        show 'set time', ax
        mov ah, 2Ch
        int 21h
        show 'hour and minute', cx
        mov cx, 1800h
        mov ah, 2Dh
        int 21h
        mov ah, 0
        show 'no such time', ax
        mov dx, scratch
        mov ax, 3800h
        int 21h
        call tell_result
        db 'country', 0
        show 'code', bx
        bytes 'which is', scratch, 18
        mov di, scratch
        mov bx, -1
        mov dx, -1
        mov cx, 41
        mov ax, 6501h
        int 21h
        call tell_result
        db 'extended country', 0
        show 'bytes', cx
        mov di, scratch
        mov bx, -1
        mov dx, -1
        mov cx, 5
        mov ax, 6502h
        dos 'capitals'
        les bx, [scratch + 1]
        mov ax, [es:bx]
        show 'how many', ax
        mov ax, [es:bx + 2]
        show 'the first two', ax
        push cs
        pop es
        mov dl, 'q'
        mov ax, 6520h
        int 21h
        mov dh, 0
        show 'capital', dx
        mov ax, 6601h
        dos 'code page'
        show 'which is', bx
        ; extended errors
        mov dx, missing
        mov ax, 3D00h
        int 21h
        mov bx, 0
        mov ah, 59h
        int 21h
        show 'error', ax
        show 'class and action', bx
        mov cl, 0
        show 'where', cx
        push cs
        pop ds
        push cs
        pop es
        mov bx, 77
        mov ah, 3Eh
        int 21h
        mov bx, 0
        mov ah, 59h
        int 21h
        show 'error', ax
        show 'class and action', bx
        push cs
        pop ds
        push cs
        pop es
        ; break and verify
        mov ax, 3300h
        int 21h
        mov dh, 0
        show 'break', dx
        mov ax, 3301h
        mov dl, 1
        int 21h
        mov ax, 3300h
        int 21h
        mov dh, 0
        show 'break', dx
        mov ax, 3301h
        mov dl, 0
        int 21h
        mov ax, 2E01h
        int 21h
        mov ah, 54h
        int 21h
        mov ah, 0
        show 'verify', ax
        ; devices
        mov bx, 0
        mov ax, 4400h
        dos 'information about CON'
        and dx, 0C0h
        show 'which is', dx
        mov dx, nul
        mov ax, 3D02h
        dosax 'open NUL'
        mov bx, ax
        mov ax, 4400h
        int 21h
        and dx, 84h
        show 'which is', dx
        mov dx, scratch
        mov cx, 10
        mov ah, 3Fh
        dosax 'read NUL'
        mov dx, scratch
        mov cx, 10
        mov ah, 40h
        dosax 'write NUL'
        mov ax, 4406h
        int 21h
        call tell_result
        db 'input status', 0
        mov ax, 4407h
        int 21h
        mov ah, 0
        show 'output status', ax
        mov ax, 440Fh
        mov bl, 25
        dos 'no drive'
        mov bl, 3
        mov ax, 4408h
        dosax 'is C: fixed'
        mov bl, 3
        mov ax, 4409h
        dos 'is C: remote'
        test dh, 10h
        setnz al
        mov ah, 0
        show 'remote', ax
        ; structures
        mov ah, 52h
        int 21h
        mov ax, [es:bx + 22h + 10]
        show 'NUL device', ax
        les si, [es:bx + 4]
        mov ax, [es:si + 4]
        cmp ax, 5
        setae al
        mov ah, 0
        show 'entries of files', ax
        mov al, [es:si + 6 + 20h]
        mov ah, 0
        show 'the first is', ax
        mov ah, 34h
        int 21h
        mov al, [es:bx]
        mov ah, 0
        show 'InDOS', ax
        mov ah, 62h
        int 21h
        mov ax, cs
        sub ax, bx
        show 'PSP', ax
        push cs
        pop es
        ; multiplex
        mov ax, 1200h
        int 2Fh
        mov ah, 0
        show 'INT 2Fh AX=1200h', ax
        mov ax, 0DEADh
        int 2Fh
        show 'nobody', ax
        mov ax, 1600h
        int 2Fh
        mov ah, 0
        show 'no Windows', ax
        mov ah, 0D0h
        int 21h
        mov ah, 0
        show 'unknown function', ax
        mov ax, 6300h
        dos 'double-byte characters'
        mov ax, [si]
        push cs
        pop ds
        show 'there are', ax
        mov ah, 18h
        int 21h
        mov ah, 0
        show 'AH=18h', ax
        mov si, sp
        mov al, 25
        mov cx, 1
        mov dx, 0
        mov bx, scratch
        push ds
        int 25h
        setc al
        popf
        pop ds
        mov ah, 0
        show 'INT 25h of no drive fails', ax
        sub si, sp
        show 'stack', si
        finish
handler: iret
        section .data
missing: db 'MISSING.TXT', 0
nul:    db 'NUL', 0
