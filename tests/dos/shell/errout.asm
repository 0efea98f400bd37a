; ERRORS.COM tail: runs C:\COMMAND.COM with this command tail, standard error going where standard output goes, and says
; with what status it ended. Some DOSes' shells cannot redirect errors, and a status has to be seen in a file.

        org     100h
        mov     sp, stack_end
        mov     ah, 4ah                 ; only what is ours
        mov     bx, (stack_end - $$ + 100h + 15) / 16
        int     21h
        mov     ah, 46h                 ; handle 2 is a duplicate of 1
        mov     bx, 1
        mov     cx, 2
        int     21h
        mov     [block.segment1], cs
        mov     [block.segment2], cs
        mov     [block.segment3], cs
        mov     ax, 4b00h
        mov     dx, program
        mov     bx, block
        int     21h
        jc      failed
        mov     ah, 4dh
        int     21h
        jmp     show
failed: mov     al, 255
show:   mov     bx, number + 2          ; three digits
        mov     cx, 3
        mov     dl, 10
digit:  xor     ah, ah
        div     dl
        add     ah, '0'
        mov     [bx], ah
        dec     bx
        loop    digit
        mov     ah, 40h
        mov     bx, 1
        mov     cx, text_end - text
        mov     dx, text
        int     21h
        mov     ax, 4c00h
        int     21h

program: db     'C:\COMMAND.COM', 0
block:  dw      0
        dw      80h
.segment1: dw   0
        dw      5ch
.segment2: dw   0
        dw      6ch
.segment3: dw   0
text:   db      '[status '
number: db      '000]', 13, 10
text_end:
        times   256 db 0
stack_end:
