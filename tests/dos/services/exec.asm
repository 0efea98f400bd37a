; Programs: AH=4Bh (0, 1, 3), 4Dh, 31h, INT 27h; all ways to end; what comes back afterwards.
%include "service.inc"
%macro child 2  ; letter, label
        mov byte [tail + 2], %1
        call run
        call tell_result
        db %2, 0
        mov ah, 4Dh
        int 21h
        show 'returned', ax
%endmacro
main:   begin
        mov [block + 4], cs
        mov [block + 8], cs
        mov [block + 12], cs
        mov bx, 0FFFFh
        mov ah, 48h
        int 21h
        mov [free], bx
        child 'a', 'AH=4Ch'
        mov ah, 4Dh
        int 21h
        show 'told once', ax
        child 'b', 'INT 20h'
        child 'c', 'AH=00h'
        child 'd', 'CALL 5'
        child 'e', 'RET'
        mov bx, 0FFFFh
        mov ah, 48h
        int 21h
        sub bx, [free]
        show 'memory lost', bx
        mov dx, handler
        mov ax, 2523h
        int 21h
        mov ax, 2524h
        int 21h
        child 'j', 'changes vectors'
        mov ax, 3523h
        int 21h
        sub bx, handler
        show 'INT 23h again', bx
        mov ax, es
        mov bx, cs
        sub ax, bx
        show 'and its segment', ax
        mov ax, 3524h
        int 21h
        sub bx, handler
        show 'INT 24h again', bx
        push cs
        pop es
        ; handles: 5 inherited, 6 not
        mov dx, nul
        mov ax, 3D02h
        dosax 'open'
        mov ax, 3D82h
        dosax 'open, not for children'
        child 'k', 'has 5 and not 6'
        mov bx, 0FFFFh
        mov ah, 48h
        int 21h
        sub bx, [free]
        show 'memory lost', bx
        mov dx, nul
        mov ax, 3D02h
        dosax 'the next handle'
        child 'l', 'FCBs'
        child 'm', 'environment'
        mov dx, exe
        call run_it
        call tell_result
        db '.EXE', 0
        mov ah, 4Dh
        int 21h
        show 'returned', ax
        mov dx, missing
        call run_it
        call tell_result
        db 'not there', 0
        mov dx, no_path
        call run_it
        call tell_result
        db 'nowhere', 0
        mov ax, 4B07h
        mov dx, com
        dos 'no function'
        ; an overlay
        mov bx, 10h
        mov ah, 48h
        int 21h
        mov [overlay], ax
        mov [overlay + 2], ax
        mov [overlay_call + 2], ax
        mov dx, ovl
        mov bx, overlay
        mov ax, 4B03h
        dos 'overlay'
        call far [overlay_call]
        sub ax, [overlay]
        show 'it says', ax
        ; TSRs
        child 'f', 'AH=31h'
        int 60h
        show 'INT 60h', ax
        child 'i', 'a divide error'
        child 'g', 'INT 27h'
        int 61h
        show 'INT 61h', ax
        ; loaded and not run
        mov dx, com
        mov bx, block
        mov ax, 4B01h
        dos 'load'
        show 'IP', [block + 12h]
        mov ah, 51h
        int 21h
        mov ax, bx
        sub ax, [block + 14h]
        show 'CS is the new PSP', ax
        mov es, bx
        mov ax, [es:16h]
        mov bx, cs
        sub ax, bx
        show 'parent', ax
        mov ah, 50h
        int 21h
        push cs
        pop es
        finish
run:    mov dx, com
run_it: push cs
        pop es
        mov bx, block
        mov [stack_at], sp
        mov ax, 4B00h
        int 21h
        mov bx, cs
        mov ds, bx
        mov es, bx
        mov ss, bx
        mov sp, [stack_at]
        ret
handler: iret
stack_at: dw 0
        section .data
com:    db 'CHILD.COM', 0
exe:    db 'CHILD.EXE', 0
ovl:    db 'CHILD.OVL', 0
missing: db 'MISSING.COM', 0
no_path: db 'NODIR\CHILD.COM', 0
nul:    db 'NUL', 0
tail:   db 2, ' x', 13
fcb1:   db 0, 'P          ', 0, 0, 0, 0
fcb2:   db 0, 'Q          ', 0, 0, 0, 0
block:  dw 0
        dw tail, 0, fcb1, 0, fcb2, 0
        dw 0, 0, 0, 0
overlay: dw 0, 0
overlay_call: dw 0, 0
free:   dw 0
