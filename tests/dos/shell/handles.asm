; HANDLES.COM: says what handle a program gets first, and how many it can have.

        org     100h
        mov     ah, 45h                 ; a duplicate of standard error, which nobody redirects
        mov     bx, 2
        int     21h
        jc      none
        call    number
        mov     cx, 1
more:   mov     ah, 45h
        int     21h
        jc      all
        inc     cx
        jmp     more
all:    mov     ax, cx
        call    number
none:   mov     dl, 13
        mov     ah, 2
        int     21h
        mov     dl, 10
        int     21h
        mov     ax, 4c00h
        int     21h

; AX, below 100, as two digits and a blank.
number: push    bx
        aam
        push    ax
        mov     dl, ah
        call    digit
        pop     ax
        mov     dl, al
        call    digit
        mov     dl, ' ' - '0'
        call    digit
        pop     bx
        ret
digit:  add     dl, '0'
        mov     ah, 2
        int     21h
        ret
