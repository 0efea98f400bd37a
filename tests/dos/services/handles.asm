; Files by handle: AH=3Ch-42h, 44h-46h, 57h, 5Ah, 5Bh, 67h, 68h, 6Ch, with their errors.
%include "service.inc"
%macro dosax_result 1
        call tell_ax
        db %1, 0
%endmacro
main:   begin
        mov dx, missing
        mov ax, 3D00h
        dos 'open what is not there'
        mov dx, no_path
        mov ax, 3D00h
        dos 'open in a directory that is not there'
        mov dx, no_path
        xor cx, cx
        mov ah, 3Ch
        dos 'create in a directory that is not there'
        mov dx, no_drive
        mov ax, 3D00h
        dos 'open on a drive that is not there'
        mov dx, dir
        mov ah, 39h
        dos 'mkdir'
        mov dx, dir
        mov ax, 3D00h
        dos 'open a directory'
        mov dx, dir
        xor cx, cx
        mov ah, 3Ch
        dos 'create over a directory'
        mov dx, file
        xor cx, cx
        mov ah, 3Ch
        dosax 'create'
        mov bx, ax
        mov dx, hello
        mov cx, 10
        mov ah, 40h
        dosax 'write 10'
        xor cx, cx
        mov dx, 3
        mov ax, 4200h
        dosax 'seek 3'
        show 'high word', dx
        mov cx, 100
        mov dx, scratch
        mov ah, 3Fh
        dosax 'read to the end'
        bytes 'which is', scratch, 7
        mov cx, 100
        mov dx, scratch
        mov ah, 3Fh
        dosax 'read at the end'
        mov cx, -1
        mov dx, -4
        mov ax, 4202h
        dosax 'seek 4 back from the end'
        mov cx, 0
        mov dx, 2
        mov ax, 4201h
        dosax 'seek 2 on'
        mov ax, 4203h
        dos 'seek from nowhere'
        xor cx, cx
        mov ah, 40h
        dosax 'write nothing: cut'
        mov cx, 0
        mov dx, 0
        mov ax, 4202h
        dosax 'size'
        mov cx, 1
        mov dx, 0
        mov ax, 4200h
        dosax 'seek to 64 KiB'
        show 'high word', dx
        mov cx, 0
        mov ah, 40h
        dosax 'write nothing: lengthen'
        mov cx, 0
        mov dx, 0
        mov ax, 4202h
        dosax 'size'
        show 'high word', dx
        mov ah, 45h
        dosax 'dup'
        mov si, ax
        mov cx, 0
        mov dx, 5
        mov ax, 4200h
        dosax 'seek in the first'
        push bx
        mov bx, si
        xor cx, cx
        xor dx, dx
        mov ax, 4201h
        dosax 'position of the second'
        pop bx
        mov cx, 9
        mov ah, 46h
        dos 'dup2 to 9'
        push bx
        mov bx, 9
        mov ah, 3Eh
        dos 'close 9'
        mov ah, 3Eh
        dos 'close 9 again'
        mov bx, si
        mov ah, 3Eh
        dos 'close the second'
        pop bx
        mov cx, 30
        mov ah, 46h
        dos 'dup2 to 30'
        mov ax, 4400h
        int 21h
        and dx, 80h
        show 'a file is no device', dx
        mov dx, 5821h
        mov cx, 1234h
        mov ax, 5701h
        dos 'set date and time'
        xor cx, cx
        xor dx, dx
        mov ax, 5700h
        dos 'get date and time'
        show 'date', dx
        show 'time', cx
        mov ah, 68h
        dos 'commit'
        mov ah, 3Eh
        dos 'close'
        mov ah, 3Eh
        dos 'close again'
        mov cx, 4
        mov dx, scratch
        mov ah, 3Fh
        dos 'read closed'
        mov ah, 40h
        dos 'write closed'
        mov ax, 4200h
        dos 'seek closed'
        mov ah, 45h
        dos 'dup closed'
        mov cx, 7
        mov ah, 46h
        dos 'dup2 closed'
        mov ax, 4400h
        dos 'ioctl closed'
        mov ax, 5700h
        dos 'date of closed'
        mov ah, 68h
        dos 'commit closed'
        mov dx, file
        mov ax, 3D00h
        dosax 'open for reading'
        mov bx, ax
        mov cx, 0
        xor dx, dx
        mov ax, 5700h
        dos 'date after close'
        show 'date', dx
        show 'time', cx
        mov dx, hello
        mov cx, 1
        mov ah, 40h
        dos 'write to it'
        mov ah, 3Eh
        dos 'close'
        mov dx, file
        mov ax, 3D01h
        dosax 'open for writing'
        mov bx, ax
        mov cx, 1
        mov dx, scratch
        mov ah, 3Fh
        dos 'read from it'
        mov ah, 3Eh
        dos 'close'
        mov dx, file
        mov cx, 1
        mov ax, 4301h
        dos 'make it read-only'
        mov dx, file
        mov ax, 3D02h
        dos 'open read-only for both'
        mov dx, file
        xor cx, cx
        mov ah, 3Ch
        dos 'create over read-only'
        mov dx, file
        mov ah, 41h
        dos 'delete read-only'
        mov dx, file
        mov ax, 4300h
        dos 'get attributes'
        show 'attributes', cx
        mov dx, file
        xor cx, cx
        mov ax, 4301h
        dos 'make it normal'
        mov dx, missing
        mov ax, 4300h
        dos 'attributes of what is not there'
        mov dx, file
        mov cx, 0
        mov ah, 5Bh
        dos 'create new over it'
        mov dx, fresh
        mov cx, 0
        mov ah, 5Bh
        dosax 'create new'
        mov bx, ax
        mov ah, 3Eh
        dos 'close'
        mov dx, temp
        xor cx, cx
        mov ah, 5Ah
        dosax 'create temporary'
        mov bx, ax
        mov ah, 3Eh
        dos 'close'
        mov dx, temp
        mov ah, 41h
        dos 'delete it by its name'
        mov si, extended
        mov bx, 2
        xor cx, cx
        mov dx, 1
        mov ax, 6C00h
        dos 'extended: open, not there'
        mov si, extended
        mov bx, 2
        xor cx, cx
        mov dx, 11h
        mov ax, 6C00h
        dosax 'extended: open or create'
        show 'did', cx
        mov bx, ax
        mov ah, 3Eh
        int 21h
        mov si, extended
        mov bx, 2
        xor cx, cx
        mov dx, 11h
        mov ax, 6C00h
        dosax 'extended: open or create again'
        show 'did', cx
        mov bx, ax
        mov ah, 3Eh
        int 21h
        mov si, extended
        mov bx, 2
        xor cx, cx
        mov dx, 12h
        mov ax, 6C00h
        dosax 'extended: replace'
        show 'did', cx
        mov bx, ax
        mov ah, 3Eh
        int 21h
        mov si, extended
        mov bx, 2
        xor cx, cx
        mov dx, 10h
        mov ax, 6C00h
        dos 'extended: create, is there'
        mov cx, 0
.open:  mov dx, file
        mov ax, 3D00h
        int 21h
        jc .full
        inc cx
        cmp cx, 300
        jb .open
.full:  dosax_result 'one more'
        show 'could be opened', cx
        mov bx, 5
.close: mov ah, 3Eh
        int 21h
        inc bx
        cmp bx, 20
        jb .close
        mov bx, 40
        mov ah, 67h
        dos '40 handles'
        mov cx, 0
.more:  mov dx, nul
        mov ax, 3D02h
        int 21h
        jc .end
        inc cx
        cmp cx, 300
        jb .more
.end:   show 'could be opened', cx
        finish

        section .data
missing: db 'MISSING.TXT', 0
no_path: db 'NODIR\X.TXT', 0
no_drive: db 'X:\X.TXT', 0
dir:    db 'DIRECT', 0
file:   db 'FILE.DAT', 0
fresh:  db 'FRESH.DAT', 0
extended: db 'EXTENDED.DAT', 0
nul:    db 'NUL', 0
hello:  db '0123456789'
temp:   db 'C:\', 0
        times 16 db 0
