; VECTORS.COM: raises critical errors (INT 24h) and Ctrl-C (INT 23h) itself, which takes no broken drive: shows the answers and
; whether registers came back as they were. The answers are read from standard input.

        org     100h
        mov     ax, 1800h               ; drive A, reading, all answers but Ignore (bits 3, 4)
        mov     di, 2                   ; not ready
        call    critical
        mov     ax, 3903h               ; drive D, writing
        mov     di, 0
        call    critical
        mov     ax, 0a000h              ; a device; only Ignore, and Abort
        mov     di, 9
        call    critical
        mov     ax, 0800h               ; only Fail, an error that has no name
        mov     di, 0ff55h
        call    critical

        mov     [stack], sp             ; DOS ends a program if its handler returns by RETF with carry set
        clc
        int     23h
        mov     sp, [stack]
        mov     dl, 'C'
        jc      show
        mov     dl, '-'
show:   mov     ah, 2
        int     21h
        mov     ax, 4c00h
        int     21h

critical:
        mov     bx, 1111h
        mov     cx, 2222h
        mov     dx, 3333h
        mov     si, 4444h
        mov     bp, 5555h
        mov     [device], di
        mov     [stack], sp
        int     24h
        cmp     sp, [stack]
        jne     wrong
        cmp     bx, 1111h
        jne     wrong
        cmp     cx, 2222h
        jne     wrong
        cmp     dx, 3333h
        jne     wrong
        cmp     si, 4444h
        jne     wrong
        cmp     bp, 5555h
        jne     wrong
        cmp     di, [device]
        jne     wrong
        mov     dx, ds
        mov     bx, es
        mov     cx, cs
        cmp     dx, cx
        jne     wrong
        cmp     bx, cx
        jne     wrong
        mov     dl, al
        add     dl, '0'
        jmp     put
wrong:  mov     dl, '!'
put:    mov     ah, 2
        int     21h
        mov     dl, 13
        int     21h
        mov     dl, 10
        int     21h
        ret

device: dw      0
stack:  dw      0
