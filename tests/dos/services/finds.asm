; Directories and searches: AH=39h-3Bh, 47h, 4Eh, 4Fh, 56h, 41h, 43h, 60h, 1Ah, 2Fh.
%include "service.inc"
%macro find 2   ; pattern, attributes
        mov dx, %1
        mov cx, %2
        mov ah, 4Eh
        int 21h
%endmacro
main:   begin
        mov dx, dta
        mov ah, 1Ah
        int 21h
        mov ah, 2Fh
        int 21h
        sub bx, dta
        show 'DTA', bx
        find all, 0
        call tell_result
        db 'nothing but the program', 0
        text 'found', dta + 1Eh
        mov ah, 4Fh
        dos 'and no more'
        find nothing, 0
        call tell_result
        db 'no match', 0
        find no_path, 0
        call tell_result
        db 'no directory', 0
        mov ah, 4Fh
        dos 'next after that'
        mov dx, sub1
        mov ah, 39h
        dos 'mkdir'
        mov dx, sub1
        mov ah, 39h
        dos 'mkdir again'
        mov dx, sub2
        mov ah, 39h
        dos 'mkdir below'
        mov dx, no_path
        mov ah, 39h
        dos 'mkdir in nowhere'
        mov dx, sub1
        mov ah, 3Ah
        dos 'rmdir of a full one'
        mov dx, sub2
        mov ah, 3Bh
        dos 'chdir'
        mov si, scratch
        mov dl, 0
        mov ah, 47h
        dos 'getcwd'
        text 'which is', scratch
        mov dl, 24
        mov si, scratch
        mov ah, 47h
        dos 'getcwd of no drive'
        mov dx, up
        mov ah, 3Bh
        dos 'chdir ..'
        mov si, scratch
        mov dl, 3
        mov ah, 47h
        int 21h
        text 'which is', scratch
        mov dx, no_path
        mov ah, 3Bh
        dos 'chdir to nowhere'
        find star, 10h
        text 'first in a directory', dta + 1Eh
        mov ah, 4Fh
        int 21h
        text 'second', dta + 1Eh
        mov ah, 4Fh
        int 21h
        text 'third', dta + 1Eh
        mov dx, root
        mov ah, 3Bh
        dos 'chdir to the root'
        find star, 10h
        call count
        show 'entries of the root', cx
        mov dx, sub2
        mov ah, 3Ah
        dos 'rmdir'
        mov dx, sub1
        mov ah, 3Bh
        int 21h
        mov dx, root_sub1
        mov ah, 3Ah
        dos 'rmdir of the current one'
        mov dx, root
        mov ah, 3Bh
        int 21h
        mov dx, sub1
        mov ah, 3Ah
        dos 'rmdir of the other'
        ; 200 files
        mov cx, 200
.make:  push cx
        call name
        mov dx, file
        xor cx, cx
        mov ah, 3Ch
        int 21h
        jc .bad
        mov bx, ax
        mov ah, 3Eh
        int 21h
.bad:   pop cx
        loop .make
        find files, 0
        call count
        show '200 files', cx
        find question, 0
        call count
        show 'F0?5.DAT', cx
        ; deleting what is found
        xor cx, cx
        push cx
        find files, 0
.delete: jc .deleted
        mov dx, dta + 1Eh
        mov ah, 41h
        int 21h
        pop cx
        inc cx
        push cx
        mov ah, 4Fh
        int 21h
        jmp .delete
.deleted:
        pop cx
        show 'deleted', cx
        find files, 0
        call tell_result
        db 'what is left', 0
        ; attributes
        mov dx, hidden
        mov cx, 2
        mov ah, 3Ch
        int 21h
        mov bx, ax
        mov ah, 3Eh
        int 21h
        find hidden, 0
        call tell_result
        db 'hidden, asked for normal', 0
        find hidden, 2
        call tell_result
        db 'hidden, asked for hidden', 0
        bytes 'attribute', dta + 15h, 1
        mov dx, hidden
        mov di, renamed
        mov ah, 56h
        dos 'rename'
        mov dx, hidden
        mov di, renamed
        mov ah, 56h
        dos 'rename what is not there'
        mov dx, renamed
        mov di, program
        mov ah, 56h
        dos 'rename to what is there'
        mov dx, renamed
        mov di, other_drive
        mov ah, 56h
        dos 'rename to another drive'
        mov dx, sub1
        mov ah, 39h
        int 21h
        mov dx, renamed
        mov di, moved
        mov ah, 56h
        dos 'move'
        find moved, 2
        call tell_result
        db 'it is there', 0
        mov dx, sub1
        mov di, sub3
        mov ah, 56h
        dos 'rename a directory'
        find in_sub3, 3
        text 'with what is in it', dta + 1Eh
        mov dx, in_sub3_x
        mov ah, 41h
        dos 'delete'
        mov dx, in_sub3_x
        mov ah, 41h
        dos 'delete again'
        mov dx, sub3
        mov ah, 41h
        dos 'delete a directory'
        mov dx, sub3
        mov ax, 4300h
        dos 'attributes of a directory'
        show 'which are', cx
        mov dx, sub3
        mov cx, 10h
        mov ax, 4301h
        dos 'set directory'
        mov dx, program
        mov cx, 10h
        mov ax, 4301h
        dos 'make a file a directory'
        mov dx, sub3
        mov ah, 3Ah
        dos 'rmdir'
        mov si, true1
        mov di, scratch
        mov ah, 60h
        dos 'truename'
        text 'which is', scratch
        find device, 0
        call tell_result
        db 'a device', 0
        text 'which is', dta + 1Eh
        find root, 10h
        call tell_result
        db 'the root', 0
        mov dl, 0
        mov ah, 36h
        int 21h
        show 'sector', cx
        mov dl, 25
        mov ah, 36h
        int 21h
        show 'no drive', ax
        finish

count:  mov cx, 0
.next:  jc .end
        inc cx
        mov ah, 4Fh
        int 21h
        jmp .next
.end:   ret

; CX as F123.DAT
name:   mov ax, cx
        mov bl, 10
        mov di, file + 3
.digit: div bl
        add ah, '0'
        mov [di], ah
        mov ah, 0
        dec di
        cmp di, file
        ja .digit
        ret
        section .data
all:    db '*.*', 0
star:   db '*.*', 0
files:  db 'F*.DAT', 0
question: db 'F0?5.DAT', 0
nothing: db '*.ZZZ', 0
no_path: db 'NODIR\X', 0
sub1:   db 'SUB1', 0
root_sub1: db '\SUB1', 0
sub2:   db 'SUB1\SUB2', 0
sub3:   db 'SUB3', 0
in_sub3: db 'SUB3\*.X', 0
in_sub3_x: db 'SUB3\MOVED.X', 0
moved:  db '\SUB1\MOVED.X', 0
up:     db '..', 0
root:   db '\', 0
file:   db 'F000.DAT', 0
hidden: db 'HIDDEN.TXT', 0
renamed: db 'RENAMED.TXT', 0
program: db 'T.COM', 0
other_drive: db 'Z:\X.TXT', 0
true1:  db 'sub3\..\.\file.txt', 0
device: db 'CON', 0
        section .bss
dta:    resb 64
