; What is full, too many, or forbidden: handles, files, FCBs, directories, disks (H: is small, E: may not be written to); critical errors of
; FCBs, and Abort.
%include "service.inc"
%macro fcb 3    ; function, block, label: AL
        mov dx, %2
        mov ah, %1
        int 21h
        mov ah, 0
        show %3, ax
%endmacro
%macro why 1
        call extended
        show %1, ax
%endmacro
        jmp main
extended:
        push bx
        push cx
        push dx
        push si
        push di
        push bp
        push ds
        push es
        mov bx, 0
        mov ah, 59h
        int 21h
        pop es
        pop ds
        pop bp
        pop di
        pop si
        pop dx
        pop cx
        pop bx
        ret

; NUL as often as it can be opened: CX.
fill:   xor cx, cx
.next:  mov dx, nul
        mov ax, 3D00h
        int 21h
        jc .full
        inc cx
        cmp cx, 300
        jb .next
.full:  ret

; Closes 5 to CX + 4.
empty:  mov bx, 5
.next:  mov ah, 3Eh
        int 21h
        inc bx
        loop .next
        ret

main:   begin
        ; the table of handles
        call fill
        show 'handles', cx
        push cx
        mov dx, file
        xor cx, cx
        mov ah, 3Ch
        dos 'create'
        why 'because'
        mov dx, file
        mov ah, 5Bh
        dos 'create new'
        mov dx, here
        mov ah, 5Ah
        dos 'create temporary'
        mov si, file
        mov bx, 2
        mov dx, 11h
        mov ax, 6C00h
        dos 'extended open'
        mov bx, 1
        mov ah, 45h
        dos 'dup'
        mov dx, file
        mov ax, 4300h
        dos 'nothing was created'
        mov bx, 1
        mov cx, 19
        mov ah, 46h
        dos 'dup2 to a handle in use'
        fcb 16h, block, 'an FCB needs no handle'
        fcb 10h, block, 'close'
        fcb 13h, block, 'delete'
        pop cx
        call empty
        ; the system's table
        mov bx, 200
        mov ah, 67h
        dos 'two hundred handles'
        call fill
        cmp cx, 40
        seta al
        mov ah, 0
        show 'more than forty', ax
        push cx
        mov dx, nul
        mov ax, 3D00h
        dos 'and no more'
        fcb 16h, block, 'not for FCBs'
        why 'because'
        mov dx, file
        xor cx, cx
        mov ah, 3Ch
        dos 'create'
        mov bx, 1
        mov ah, 45h
        int 21h
        call tell_result
        db 'dup needs none', 0
        mov bx, ax
        mov ah, 3Eh
        int 21h
        pop cx
        call empty
        mov bx, 20
        mov ah, 67h
        dos 'twenty handles'

        ; a full disk
        mov dx, on_h
        xor cx, cx
        mov ah, 3Ch
        dosax 'create'
        mov bx, ax
        mov cx, 60000
        xor dx, dx
        mov ah, 40h
        dosax 'write'
        mov ah, 40h
        dosax 'write'
        mov ah, 40h
        dosax 'write: what fits'
        mov ah, 40h
        dosax 'write: nothing'
        mov cx, 1
        mov dx, 0
        mov ax, 4200h
        dosax 'seek'
        mov cx, 10
        mov ah, 40h
        dosax 'write over'
        mov ah, 3Eh
        dos 'close'
        mov dl, 8
        mov ah, 36h
        int 21h
        show 'free', bx
        mov dx, dir_h
        mov ah, 39h
        dos 'mkdir'
        why 'because'
        fcb 16h, on_h_fcb, 'create by FCB'
        mov word [on_h_fcb + 14], 128
        fcb 15h, on_h_fcb, 'write by FCB'
        mov word [on_h_fcb + 33], 0
        mov cx, 5
        mov dx, on_h_fcb
        mov ah, 28h
        int 21h
        mov ah, 0
        show 'write a block', ax
        show 'records', cx
        fcb 10h, on_h_fcb, 'close'
        fcb 13h, on_h_fcb, 'delete'
        mov dx, on_h
        mov ah, 41h
        dos 'delete'
        mov dl, 8
        mov ah, 36h
        int 21h
        show 'free', bx
        ; a full root directory
        xor si, si
.more:  mov ax, si
        mov bl, 26
        div bl
        add ax, 'AA'
        mov [number + 5], ax
        mov dx, number
        xor cx, cx
        mov ah, 3Ch
        int 21h
        jc .full
        mov bx, ax
        mov ah, 3Eh
        int 21h
        inc si
        jmp .more
.full:  call tell_result
        db 'one more file', 0
        show 'there are', si
        why 'because'
        mov dx, dir_h
        mov ah, 39h
        dos 'mkdir'
        fcb 16h, on_h_fcb, 'create by FCB'

        ; what may not be written to
        mov dx, handler
        mov ax, 2524h
        int 21h
        mov byte [answer], 3
        fcb 16h, on_e_fcb, 'create by FCB'
        show 'handler called', [calls]
        show 'AH and DI', [seen]
        why 'because'
        mov word [calls], 0
        mov byte [answer], 1
        fcb 16h, on_e_fcb, 'create by FCB, tried again'
        show 'handler called', [calls]
        mov word [calls], 0
        mov dx, dir_e
        mov ah, 39h
        dos 'mkdir'
        show 'handler called', [calls]
        ; a program that is ended by it
        mov word [calls], 0
        mov byte [answer], 2
        mov bx, -1
        mov ah, 48h
        int 21h
        mov [largest], bx
        call run
        call tell_result
        db 'a program, ended', 0
        show 'handler called', [calls]
        mov ah, 4Dh
        int 21h
        show 'how it ended', ax
        mov bx, -1
        mov ah, 48h
        int 21h
        sub bx, [largest]
        show 'memory lost', bx
        mov byte [answer], 3
        mov byte [next], 3
        call run
        mov ah, 4Dh
        int 21h
        show 'the same, failed', ax
        call fill
        show 'handles', cx
        call empty
        finish

run:    mov [params + 4], cs
        mov [params + 8], cs
        mov [params + 12], cs
        mov dx, child
        mov bx, params
        mov [sp_was], sp
        mov ax, 4B00h
        int 21h
        mov bx, cs
        mov ds, bx
        mov es, bx
        mov ss, bx
        mov sp, [sp_was]
        ret
sp_was: dw 0

; The first time it answers [answer], then [next].
handler:
        push ds
        push cs
        pop ds
        inc word [calls]
        mov [seen + 1], ah
        mov ax, di
        mov [seen], al
        mov al, [answer]
        cmp word [calls], 1
        je .first
        mov al, [next]
.first: pop ds
        iret
        section .data
nul:    db 'NUL', 0
file:   db 'FILE.TXT', 0
here:   db 'C:\', 0
        times 14 db 0
on_h:   db 'H:\FILE', 0
dir_h:  db 'H:\DIR', 0
dir_e:  db 'E:\DIR', 0
number: db 'H:\FI00.TXT', 0
child:  db 'CHILD.END', 0
block:  db 0, 'FCBFILE DAT'
        times 25 db 0
on_h_fcb: db 8, 'FCBFILE DAT'
        times 25 db 0
on_e_fcb: db 5, 'FCBFILE DAT'
        times 25 db 0
tail:   db 0, 13
fcb1:   db 0, '           ', 0, 0, 0, 0
params: dw 0
        dw tail, 0, fcb1, 0, fcb1, 0
        dw 0, 0, 0, 0
answer: db 0
next:   db 3
calls:  dw 0
seen:   dw 0
largest: dw 0
