; CHILD.LOW: an .EXE that wants no more memory than it has (MINALLOC = MAXALLOC = 0), and so goes to the end of what there is. INT 60h
; points to a table: it puts there PSP, CS, SS, SP, the end of its memory and the contents of its code segment's first word.
bits 16
cpu 386
org 0
HEADER equ 2
        db 'MZ'
        dw (file_end - $$) % 512
        dw (file_end - $$ + 511) / 512
        dw 0
        dw HEADER
        dw 0, 0
        dw 10h, 100h            ; SS, SP
        dw 0
        dw start - HEADER * 16, 0
        dw 1Ch, 0
        times HEADER * 16 - ($ - $$) db 0
        dw 4321h
start:  push ds
        pop fs
        xor ax, ax
        mov ds, ax
        lds bx, [60h * 4]
        mov [bx], fs
        mov [bx + 2], cs
        mov [bx + 4], ss
        mov [bx + 6], sp
        mov ax, [fs:2]
        mov [bx + 8], ax
        mov ax, [cs:0]
        mov [bx + 10], ax
        mov ax, 4C2Ah
        int 21h
        times 10h * 16 + 100h + HEADER * 16 - ($ - $$) db 0
file_end:
