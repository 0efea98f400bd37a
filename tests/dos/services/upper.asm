; Memory at its limits: upper memory and all strategies (AX=5800h-5803h), an .EXE that is loaded high, programs that do not fit (AH=4Bh,
; error 8), overlays that need no memory.
%include "service.inc"
%macro strategy 1
        mov bx, %1
        mov ax, 5801h
        int 21h
%endmacro
%macro take 2           ; paragraphs, label: is it in upper memory; the block in ES
        mov bx, %1
        mov ah, 48h
        int 21h
        call where
        call tell_ax
        db %2, 0
%endmacro
        jmp main
where:  jc .none
        mov es, ax
        cmp ax, 0A000h
        setae al
        mov ah, 0
        clc
.none:  ret
give:   mov ah, 49h
        int 21h
        push cs
        pop es
        ret

main:   begin
        mov ax, 5800h
        dosax 'strategy'
        mov ax, 5802h
        int 21h
        mov ah, 0
        show 'linked', ax
        mov bx, 1
        mov ax, 5803h
        dos 'link'
        mov ax, 5802h
        int 21h
        mov ah, 0
        show 'linked', ax
        strategy 0
        take 10h, 'first fit, low'
        call give
        strategy 1
        take 10h, 'best fit, low'
        call give
        strategy 2
        take 10h, 'last fit, low'
        call give
        strategy 40h
        take 10h, 'first fit, high only'
        call give
        strategy 41h
        take 10h, 'best fit, high only'
        call give
        strategy 42h
        take 10h, 'last fit, high only'
        call give
        strategy 80h
        take 10h, 'first fit, high first'
        call give
        strategy 81h
        take 10h, 'best fit, high first'
        call give
        strategy 82h
        take 10h, 'last fit, high first'
        call give
        strategy 40h
        take 5000h, 'too much, high only'
        strategy 80h
        take 5000h, 'too much for upper memory, high first'
        call give
        strategy 80h
        mov ax, 5800h
        dosax 'strategy'
        mov bx, 83h
        mov ax, 5801h
        dos 'no strategy'
        mov bx, 2
        mov ax, 5803h
        dos 'no link'
        mov bx, 0
        mov ax, 5803h
        dos 'unlink'
        take 10h, 'first fit, high first, not linked'
        call give
        strategy 0

        ; the end of memory
        mov bx, -1
        mov ah, 48h
        int 21h
        mov [largest], bx
        mov dx, table
        mov ax, 2560h
        int 21h
        call run
        call tell_result
        db 'loaded high', 0
        mov ah, 4Dh
        int 21h
        show 'it returned', ax
        mov ax, [table + 8]
        sub ax, [table + 2]
        show 'code below the end of memory', ax
        mov ax, [table]
        mov bx, [table + 2]
        sub bx, ax
        cmp bx, 1000h
        seta al
        mov ah, 0
        show 'the prefix is far below', ax
        mov ax, [table + 4]
        sub ax, [table + 2]
        show 'stack behind code', ax
        show 'SP', [table + 6]
        show 'the first word', [table + 10]
        mov ax, [table + 8]
        sub ax, [2]
        show 'the end is that of memory', ax
        mov bx, -1
        mov ah, 48h
        int 21h
        sub bx, [largest]
        show 'memory lost', bx

        ; no memory
        mov bx, [largest]
        sub bx, 20h
        mov ah, 48h
        int 21h
        mov [all], ax
        mov bx, 100h
        mov ah, 48h
        dos 'too much'
        show 'there is', bx
        call run
        call tell_result
        db 'run what does not fit', 0
        mov ax, 4B01h
        mov dx, child
        mov bx, block
        dos 'load what does not fit'
        mov bx, -1
        mov ah, 48h
        int 21h
        show 'still there is', bx
        mov ax, [all]
        mov [overlay], ax
        mov [overlay + 2], ax
        mov dx, child
        mov bx, overlay
        mov ax, 4B03h
        dos 'an overlay'
        mov es, [all]
        mov ax, [es:0]
        show 'its first word', ax
        mov bx, -1
        mov ah, 4Ah
        dos 'grow'
        call give
        call run
        call tell_result
        db 'run again', 0
        ; a copy of the environment that does not fit
        mov bx, [largest]
        sub bx, 2
        mov ah, 48h
        int 21h
        mov es, ax
        push es
        push cs
        pop es
        call run
        call tell_result
        db 'no room for the environment', 0
        pop es
        call give
        finish

run:    mov [block + 4], cs
        mov [block + 8], cs
        mov [block + 12], cs
        mov dx, child
        mov bx, block
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
        section .data
child:  db 'CHILD.LOW', 0
tail:   db 0, 13
fcb:    db 0, '           ', 0, 0, 0, 0
block:  dw 0
        dw tail, 0, fcb, 0, fcb, 0
        dw 0, 0, 0, 0
overlay: dw 0, 0
largest: dw 0
all:    dw 0
        section .bss
table:  resw 8
