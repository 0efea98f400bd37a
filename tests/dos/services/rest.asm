; The rest: CALL 5 with the address line A20 off and on, INT 2Eh, AX=44xxh, AH=5Ch, 65h, 66h, 67h, 68h, 6Ch, programs that are loaded and
; started by the loader.
%include "service.inc"
%macro ioctl 2          ; AL, label
        mov ax, 4400h + %1
        dos %2
%endmacro
%macro ioctl_ax 2
        mov ax, 4400h + %1
        dosax %2
%endmacro
        jmp main

; CALL 5 for AH=19h, 30h and one that it has not
cpm:    mov ax, 5555h
        mov cl, 19h
        call [psp_5]
        mov ah, 0
        show 'CALL 5, drive', ax
        mov ax, 5555h
        mov cl, 2Ah
        call [psp_5]
        show 'CALL 5, no function', ax
        ret

main:   begin
        call cpm
        mov ax, 4300h
        int 2Fh
        cmp al, 80h
        jne .no_xms
        mov ax, 4310h
        int 2Fh
        mov [xms], bx
        mov [xms + 2], es
        push cs
        pop es
        mov ah, 5
        call far [xms]
        show 'A20 is on', ax
        call cpm
        mov ah, 6
        call far [xms]
        show 'A20 is off', ax
.no_xms:
        ; a command by the shell
        mov [sp_was], sp
        mov si, command
        push ds
        int 2Eh
        cli
        mov bx, cs
        mov ss, bx
        mov sp, [cs:sp_was]
        sti
        mov ds, bx
        mov es, bx
        show 'INT 2Eh', ax
        mov dx, new_dir
        mov ax, 4300h
        dos 'its directory'
        show 'which is', cx
        mov dx, new_dir
        mov ah, 3Ah
        dos 'rmdir'

        ; AH=44h
        mov dx, file
        xor cx, cx
        mov ah, 3Ch
        dosax 'create'
        mov bx, ax
        ioctl 0, 'file'
        and dl, 0C0h
        show 'information', dx
        mov dx, words
        mov cx, 5
        mov ah, 40h
        int 21h
        ioctl 0, 'written'
        and dl, 0C0h
        show 'information', dx
        mov dx, 80h
        ioctl 1, 'set that of a file'
        mov cx, 4
        mov dx, scratch
        ioctl 2, 'control data of a file'
        ioctl 3, 'the same, written'
        ioctl_ax 6, 'input at the end'
        xor cx, cx
        xor dx, dx
        mov ax, 4200h
        int 21h
        ioctl_ax 6, 'input'
        ioctl_ax 7, 'output'
        ioctl 0Ah, 'is it remote'
        mov cx, 037Fh
        ioctl 0Ch, 'generic, of a file'
        ioctl 10h, 'can it'
        mov cx, 3
        mov dx, 5
        push bx
        mov bx, 3
        mov [count], cx
        ioctl 0Bh, 'retries'
        mov bl, 3
        mov cx, 4
        mov dx, scratch
        ioctl 4, 'control data of a drive'
        mov bl, 3
        ioctl 5, 'the same, written'
        mov bl, 3
        ioctl_ax 8, 'is it fixed'
        mov bl, 3
        ioctl 9, 'is it remote'
        show 'attributes', dx
        mov bl, 3
        mov cx, 0866h
        mov dx, scratch
        ioctl 0Dh, 'identity'
        mov bl, 3
        mov cx, 0555h
        ioctl 0Dh, 'no such kind'
        mov bl, 3
        mov ax, 440Eh
        int 21h
        call tell_result
        db 'its letters', 0
        mov ah, 0
        show 'are', ax
        mov bl, 3
        ioctl 0Fh, 'take a letter'
        mov bl, 23
        ioctl 8, 'no drive'
        mov bl, 23
        ioctl 9, 'no drive'
        mov bl, 23
        ioctl 0Eh, 'no drive'
        ioctl 12h, 'no function'
        mov bx, 99
        ioctl 0, 'no handle'
        ioctl 6, 'no handle'
        ioctl 0Ah, 'no handle'
        pop bx
        ; AH=5Ch: there is no SHARE
        xor cx, cx
        xor dx, dx
        xor si, si
        mov di, 5
        mov ax, 5C00h
        dos 'lock'
        mov ax, 5C01h
        dos 'unlock'
        ; AH=57h, 68h, 6Ah, 3Eh
        mov ax, 5702h
        dos 'file times, no function'
        mov ah, 68h
        dos 'commit'
        mov ah, 6Ah
        dos 'commit'
        mov ah, 3Eh
        dos 'close'
        mov ah, 68h
        dos 'commit what is closed'
        ; AH=6Ch
        mov si, file
        mov bx, 2
        xor cx, cx
        mov dx, 0
        mov ax, 6C00h
        dos 'extended: do nothing'
        mov dx, 3
        mov ax, 6C00h
        dos 'extended: no action'
        mov ax, 6C01h
        dos 'extended: no function'
        mov bx, 7
        mov dx, 1
        mov ax, 6C00h
        dos 'extended: no mode'
        mov bx, 2
        mov dx, 12h
        mov ax, 6C00h
        int 21h
        call tell_ax
        db 'extended: replace', 0
        show 'did', cx
        mov bx, ax
        mov ah, 3Eh
        int 21h
        ; AH=67h
        mov bx, 3
        mov ah, 67h
        dos 'three handles'
        show 'there are', [32h]
        mov bx, 0FFFFh
        mov ah, 67h
        dos 'too many handles'
        ; AH=65h, 66h, 38h
        mov si, tables
.table: lodsb
        test al, al
        jz .tables
        mov ah, 65h
        mov di, scratch
        mov cx, 5
        mov bx, -1
        mov dx, -1
        int 21h
        call tell_result
        db 'table', 0
        show 'bytes', cx
        mov ah, 0
        mov al, [scratch]
        show 'which', ax
        les di, [scratch + 1]
        mov ax, [es:di]
        push cs
        pop es
        show 'length', ax
        jmp .table
.tables:
        mov dl, 'z'
        mov ax, 6520h
        int 21h
        mov dh, 0
        show 'capital', dx
        mov dx, small
        mov cx, 3
        mov ax, 6521h
        dos 'capital letters'
        text 'are', small
        mov dx, small
        mov ax, 6522h
        dos 'capital string'
        text 'is', small
        mov ax, 6508h
        dos 'no table'
        mov ax, 6601h
        dos 'code page'
        show 'active', bx
        show 'of the system', dx
        mov ax, 6602h
        dos 'the same'
        mov bx, 850
        mov ax, 6602h
        dos 'another'
        mov ax, 6603h
        dos 'no function'
        mov dx, scratch
        mov ax, 3831h
        dos 'country 49'
        ; a program that is loaded first
        mov [block + 4], cs
        mov [block + 8], cs
        mov [block + 12], cs
        mov dx, child
        mov bx, block
        mov ax, 4B01h
        dos 'load'
        mov ah, 51h
        int 21h
        mov ax, [block + 14h]
        sub ax, bx
        show 'CS less PSP', ax
        mov ax, [block + 10h]
        sub ax, bx
        show 'SS less PSP', ax
        show 'IP', [block + 12h]
        les di, [block + 0Eh]
        mov ax, [es:di]
        show 'AX for it, on its stack', ax
        mov ax, [es:di + 2]
        show 'and behind', ax
        mov es, bx
        mov word [es:0Ah], returned
        mov [es:0Ch], cs
        mov [sp_was], sp
        cli
        mov ss, [block + 10h]
        mov sp, [cs:block + 0Eh]
        pop ax
        sti
        mov ds, bx
        jmp far [cs:block + 12h]
returned:
        mov bx, cs
        mov ds, bx
        mov es, bx
        cli
        mov ss, bx
        mov sp, [sp_was]
        sti
        mov ah, 4Dh
        int 21h
        show 'it returned', ax
        mov ah, 51h
        int 21h
        mov ax, cs
        sub ax, bx
        show 'PSP', ax
        finish
        section .data
psp_5:  dw 5
xms:    dw 0, 0
sp_was: dw 0
command: db command_bytes, 'MD MADE', 13
command_bytes equ $ - command - 2
new_dir: db 'MADE', 0
file:   db 'FILE.TXT', 0
words:  db 'words'
tables: db 2, 4, 5, 6, 7, 0
small:  db 'smalle', 82h, 'r', 0
child:  db 'CHILD.COM', 0
tail:   db 2, ' a', 13
fcb1:   db 0, '           ', 0, 0, 0, 0
block:  dw 0
        dw tail, 0, fcb1, 0, fcb1, 0
        dw 0, 0, 0, 0
count:  dw 0
