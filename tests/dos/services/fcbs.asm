; File control blocks: AH=0Fh-17h, 21h-24h, 27h-29h, extended ones too.
%include "service.inc"
%macro fcb 3    ; function, block, label: AL
        mov dx, %2
        mov ah, %1
        int 21h
        mov ah, 0
        show %3, ax
%endmacro
main:   begin
        mov dx, buffer
        mov ah, 1Ah
        int 21h
        fcb 0Fh, file, 'open what is not there'
        fcb 16h, file, 'create'
        show 'record size', [file + 14]
        mov word [file + 14], 10
        mov cx, 5
.write: mov di, buffer
        mov al, cl
        add al, '0'
        push cx
        mov cx, 10
        rep stosb
        mov dx, file
        mov ah, 15h
        int 21h
        pop cx
        test al, al
        jnz .bad
        loop .write
.bad:   show 'not written', cx
        bytes 'record', file + 32, 1
        show 'size', [file + 16]
        fcb 10h, file, 'close'
        mov word [file + 12], 0
        mov byte [file + 32], 0
        fcb 0Fh, file, 'open'
        show 'size', [file + 16]
        mov word [file + 14], 10
        fcb 14h, file, 'read'
        bytes 'first', buffer, 2
        fcb 14h, file, 'read'
        bytes 'second', buffer, 2
        mov word [file + 33], 4
        mov word [file + 35], 0
        fcb 21h, file, 'random read'
        bytes 'fifth', buffer, 2
        bytes 'record', file + 32, 1
        mov word [file + 33], 1
        fcb 22h, file, 'random write'
        fcb 24h, file, 'set random'
        show 'random', [file + 33]
        mov word [file + 33], 2
        mov cx, 10
        mov dx, file
        mov ah, 27h
        int 21h
        mov ah, 0
        show 'block read', ax
        show 'records', cx
        show 'random', [file + 33]
        mov cx, 3
        mov dx, file
        mov ah, 28h
        int 21h
        mov ah, 0
        show 'block write', ax
        show 'records', cx
        show 'size', [file + 16]
        mov word [file + 33], 7
        mov cx, 0
        mov dx, file
        mov ah, 28h
        int 21h
        mov ah, 0
        show 'cut', ax
        show 'size', [file + 16]
        mov word [file + 33], 20
        fcb 21h, file, 'read beyond the end'
        mov word [file + 14], 60000
        mov word [file + 33], 0
        fcb 21h, file, 'read beyond the segment'
        mov word [file + 14], 10
        fcb 10h, file, 'close'
        fcb 10h, file, 'close again'
        mov word [file + 14], 16
        fcb 23h, file, 'size in records'
        show 'records', [file + 33]
        fcb 23h, none, 'size of what is not there'
        fcb 11h, wild, 'search'
        bytes 'found', buffer, 12
        fcb 12h, wild, 'search on'
        fcb 11h, extended, 'extended search'
        bytes 'found', buffer, 20
        mov si, rename_to
        mov di, file + 17
        mov cx, 11
        rep movsb
        fcb 17h, file, 'rename'
        fcb 17h, file, 'rename again'
        fcb 13h, renamed, 'delete'
        fcb 13h, renamed, 'delete again'
        fcb 0Fh, bad_drive, 'open on no drive'
        ; parsing
        mov si, text1
        mov di, buffer
        mov ax, 2901h
        int 21h
        mov ah, 0
        show 'parse', ax
        bytes 'name', buffer, 12
        sub si, text1
        show 'characters', si
        mov si, text2
        mov di, buffer
        mov ax, 2900h
        int 21h
        mov ah, 0
        show 'parse wildcards', ax
        bytes 'name', buffer, 12
        mov si, text3
        mov di, buffer
        mov ax, 2900h
        int 21h
        mov ah, 0
        show 'parse no drive', ax
        bytes 'name', buffer, 12
        sub si, text3
        show 'characters', si
        mov si, text4
        mov di, kept
        mov ax, 290Eh
        int 21h
        mov ah, 0
        show 'parse and keep', ax
        bytes 'name', kept, 12
        finish
        section .data
file:   db 0, 'FCBFILE DAT'
        times 25 db 0
none:   db 0, 'NONE       '
        times 25 db 0
wild:   db 0, 'FCB????????'
        times 25 db 0
extended: db 0FFh, 0, 0, 0, 0, 0, 16h, 0, 'FCB????????'
        times 25 db 0
renamed: db 0, 'OTHER   NAM'
        times 25 db 0
bad_drive: db 24, 'FILE       '
        times 25 db 0
kept:   db 2, 'KEPT    EXT'
        times 25 db 0
rename_to: db 'OTHER   NAM'
text1:  db ' ,;c:name.ext/x', 13
text2:  db 'a*.?b', 13
text3:  db 'x:longername.extension rest', 13
text4:  db ' ', 13
        section .bss
buffer: resb 128
