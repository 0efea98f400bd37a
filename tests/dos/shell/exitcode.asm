; EXITCODE.COM n: ends with status n. Without a number it shows its command tail, what DOS made of the first two words
; in the FCBs, and the first string of its environment.

        org     100h
        mov     si, 81h
        xor     bx, bx
        mov     cl, 10
        cmp     byte [si], 13
        je      show
next:   lodsb
        cmp     al, ' '
        je      next
        sub     al, '0'
        jb      done
        cmp     al, 9
        ja      show_if_first
        mov     ah, al
        mov     al, bl
        mov     bl, ah
        mul     cl
        add     bl, al
        mov     bh, 1
        jmp     next
show_if_first:
        test    bh, bh
        jz      show
done:   mov     al, bl
        mov     ah, 4ch
        int     21h

show:   mov     al, '['
        call    put
        mov     si, 81h
        mov     cl, [80h]
        xor     ch, ch
        jcxz    fcbs
tail:   lodsb
        call    put
        loop    tail
fcbs:   mov     al, ']'
        call    put
        mov     si, 5ch
        call    fcb
        mov     si, 6ch
        call    fcb
        mov     es, [2ch]
        xor     di, di
string: mov     al, [es:di]
        inc     di
        test    al, al
        jz      end
        call    put
        jmp     string
end:    mov     al, 13
        call    put
        mov     al, 10
        call    put
        mov     ax, 4c00h
        int     21h

fcb:    lodsb                           ; drive, name, extension
        add     al, '0'
        call    put
        mov     cx, 11
.next:  lodsb
        call    put
        loop    .next
        mov     al, ','
put:    push    ax
        push    dx
        mov     dl, al
        mov     ah, 2
        int     21h
        pop     dx
        pop     ax
        ret
