; Searches that interleave, while the directory changes and with labels; the list of lists: control blocks of drives and current directories
; against what AH=19h, 1Fh, 32h and 47h tell.
%include "service.inc"
%macro dta 1
        mov dx, %1
        mov ah, 1Ah
        int 21h
%endmacro
%macro first 3          ; DTA, pattern, attributes
        dta %1
        mov dx, %2
        mov cx, %3
        mov ah, 4Eh
        int 21h
%endmacro
%macro next 1
        dta %1
        mov ah, 4Fh
        int 21h
%endmacro
        jmp main
; How many more the search in the DTA finds, and the first letters of their names, added up: AX, BX.
rest:   xor cx, cx
        xor bx, bx
.next:  mov ah, 4Fh
        int 21h
        jc .end
        inc cx
        mov al, [di + 1Eh + 1]
        mov ah, 0
        add bx, ax
        jmp .next
.end:   mov ax, cx
        ret

make:   xor cx, cx
        mov ah, 3Ch
        int 21h
        jc .bad
        mov bx, ax
        mov ah, 3Eh
        int 21h
.bad:   ret

main:   begin
        mov dx, dir
        mov ah, 39h
        int 21h
        mov cx, 6
.files: push cx
        mov dx, name_a
        call make
        mov dx, name_b
        call make
        inc byte [name_a + 1]
        inc byte [name_b + 4]
        pop cx
        loop .files
        ; two at once
        first one, pattern_a, 0
        text 'first of the first', one + 1Eh
        first two, pattern_b, 0
        text 'first of the second', two + 1Eh
        next one
        text 'second of the first', one + 1Eh
        next two
        text 'second of the second', two + 1Eh
        ; another directory in between
        mov dx, dir
        mov ah, 3Bh
        int 21h
        next one
        text 'third of the first', one + 1Eh
        mov dx, up
        mov ah, 3Bh
        int 21h
        ; what is deleted is not found any more
        mov dx, a5
        mov ah, 41h
        dos 'delete one that was not found yet'
        mov dx, a0
        mov ah, 41h
        dos 'delete one that was'
        dta one
        mov di, one
        call rest
        show 'left of the first', ax
        dta two
        mov di, two
        call rest
        show 'of the second', ax
        ; a search in a search, 40 deep
        mov cx, 40
        mov si, many
.deep:  push cx
        push si
        first si, pattern_b, 0
        pop si
        add si, 43
        pop cx
        loop .deep
        mov si, many
        mov di, si
        dta si
        call rest
        show 'the first of forty has', ax
        dta many + 39 * 43
        mov di, many + 39 * 43
        call rest
        show 'the last of forty has', ax
        ; labels
        first one, root_f, 8
        call tell_result
        db 'label', 0
        text 'which is', one + 1Eh
        bytes 'attributes', one + 15h, 1
        next one
        call tell_result
        db 'another label', 0
        mov dx, on_f
        call make
        first one, root_f, 0
        text 'no label', one + 1Eh
        first one, root_f, 3Fh
        text 'everything', one + 1Eh
        next one
        text 'and', one + 1Eh
        next one
        call tell_result
        db 'and', 0
        first one, label_name, 3Fh
        call tell_result
        db 'everything by name', 0
        mov dx, all_f
        mov ah, 13h
        int 21h
        mov ah, 0
        show 'delete everything by FCB', ax
        first one, root_f, 0
        call tell_result
        db 'a file', 0
        first one, root_f, 8
        text 'the label', one + 1Eh
        ; --- the list of lists ---
        mov ah, 52h
        int 21h
        mov [lol], bx
        mov [lol + 2], es
        mov al, [es:bx + 20h]
        mov ah, 0
        show 'drives', ax
        mov al, [es:bx + 21h]
        mov ah, 0
        show 'LASTDRIVE', ax
        mov ah, 19h
        int 21h
        mov dl, al
        mov ah, 0Eh
        int 21h
        mov ah, 0
        show 'AH=0Eh', ax
        ; every block of the chain is the one that AH=32h tells
        les di, [lol]
        les di, [es:di]
        xor cx, cx
.dpb:   cmp di, -1
        je .dpb_end
        inc cx
        cmp cx, 27
        ja .dpb_end
        mov dl, [es:di]
        inc dl
        mov ah, 32h
        push ds
        int 21h
        mov si, ds
        pop ds
        cmp al, 0
        jne .dpb_bad
        cmp bx, di
        jne .dpb_bad
        mov ax, es
        cmp ax, si
        jne .dpb_bad
        les di, [es:di + 19h]
        jmp .dpb
.dpb_bad:
        show 'bad block of drive', dx
.dpb_end:
        show 'blocks', cx
        mov ah, 1Fh
        push ds
        int 21h
        mov al, [bx]
        mov cx, ds
        pop ds
        mov ah, 0
        show 'AH=1Fh', ax
        ; directories
        mov dx, dir
        mov ah, 3Bh
        int 21h
        les di, [lol]
        les di, [es:di + 16h]
        mov cx, 26
        xor dx, dx
.cds:   test word [es:di + 43h], 0C000h
        jz .no_drive
        inc dx
        push dx
        mov dl, [es:di]
        sub dl, 'A' - 1
        mov si, scratch
        mov ah, 47h
        int 21h
        jc .cds_bad
        mov bx, 3
        cmp byte [es:di + 1], ':'
        jne .cds_bad
        cmp byte [es:di + 2], '\'
        jne .cds_bad
.same:  mov al, [es:di + bx]
        cmp al, [si]
        jne .cds_bad
        inc bx
        inc si
        test al, al
        jnz .same
        push es
        les bx, [es:di + 45h]
        mov al, [es:bx]
        pop es
        mov ah, [es:di]
        sub ah, 'A'
        cmp al, ah
        jne .cds_bad
        pop dx
.no_drive:
        add di, 58h
        loop .cds
        push cs
        pop es
        show 'current directories', dx
        jmp .cds_end
.cds_bad:
        mov al, [es:di]
        mov ah, 0
        push cs
        pop es
        show 'bad directory of drive', ax
.cds_end:
        mov si, scratch
        mov dl, 0
        mov ah, 47h
        int 21h
        text 'the current one', scratch
        ; devices: NUL leads to the others
        les di, [lol]
        lea di, [di + 22h]
        xor cx, cx
.device:
        inc cx
        cmp cx, 50
        ja .devices
        cmp word [es:di + 10], 'CO'
        jne .not_con
        cmp word [es:di + 12], 'N '
        jne .not_con
        les bx, [lol]
        mov ax, [es:bx + 0Ch]
        sub ax, di
        show 'CON is where the list says', ax
        mov es, [es:bx + 0Eh]
.not_con:
        les di, [es:di]
        cmp di, -1
        jne .device
.devices:
        cmp cx, 50
        setb al
        mov ah, 0
        push cs
        pop es
        show 'the chain of devices ends', ax
        finish
        section .data
dir:    db 'SUB', 0
up:     db '..', 0
name_a: db 'A0.ONE', 0
name_b: db 'B.TW0', 0
a0:     db 'A0.ONE', 0
a5:     db 'A5.ONE', 0
pattern_a: db 'A*.ONE', 0
pattern_b: db '*.TW?', 0
root_f: db 'F:\*.*', 0
on_f:   db 'F:\ONE.TXT', 0
label_name: db 'F:\FDISK', 0
all_f:  db 0FFh, 0, 0, 0, 0, 0, 1Fh, 6, '???????????'
        times 25 db 0
        section .bss
lol:    resw 2
one:    resb 64
two:    resb 64
many:   resb 40 * 43
