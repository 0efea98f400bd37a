; The program's handlers: what they are called with, when, and in whose place. The script moves and clicks at each step; what the
; handlers were called with is printed afterwards.
%include "print.inc"

begin:  mov ax, 12h             ; where positions are not rounded
        int 10h
        mov ax, 0
        int 33h
        mov ax, 13h
        mov dx, 10000
        int 33h
        mov si, steps
.next:  lodsw
        test ax, ax
        jz .done
        push si
        call ax
        mov byte [calls], 0
        mov di, log_
        mov [log_at], di
        cmp byte [is_busy], 0
        je .idle
        call busy
.idle:  call key
        call report
        pop si
        jmp .next
.done:  mov si, after_end
        call text
        jmp exit

; Twenty outputs again and again: in a region, when it is clustered. Ends with the key.
busy:   pusha
        mov dx, 3C8h
.again: mov cx, 20
.more:  mov al, cl
        out dx, al
        in al, dx
        loop .more
        mov ah, 1
        int 16h
        jz .again
        popa
        ret

all:    mov cx, 7Fh
        mov dx, handler
install:
        mov ax, 0Ch
        push cs
        pop es
        int 33h
        ret
presses:
        mov cx, 0Ah             ; left and right
        mov dx, handler
        jmp install
none:   mov cx, 0
        mov dx, handler
        jmp install
with_ctrl:
        mov ax, 18h             ; Ctrl held: the alternate one
        mov cx, 43h
        mov dx, alternate
        push cs
        pop es
        int 33h
        call all
        call control
        ret
control:
        push ds
        push 40h
        pop ds
        xor byte [17h], 4
        pop ds
        ret
without_ctrl:
        jmp control
while_busy:
        mov byte [is_busy], 1
        ret
disabled:
        mov byte [is_busy], 0
        mov ax, 1Fh
        int 33h
        push cs
        pop es
        ret
steps:  dw all, presses, none, with_ctrl, without_ctrl, while_busy, disabled, 0

; Ruins all registers, as it may, and calls the driver and DOS's clock, as it may, too.
alternate:
        mov byte [cs:who], 'A'
        jmp called
handler:
        mov byte [cs:who], 'H'
called: push ds
        push cs
        pop ds
        mov [was_ax], ax
        mov [was_bx], bx
        mov [was_cx], cx
        mov [was_dx], dx
        mov [was_si], si
        mov [was_di], di
        mov ax, cs
        pop bx
        xor ax, bx
        mov [other_ds], ax      ; it is not the program's
        pushf
        pop ax
        shr ax, 9
        and ax, 3               ; interrupts are on, strings go upwards
        mov [flags], ax
        mov ax, ds
        mov es, ax
        cld
        mov di, [log_at]
        cmp di, log_ + 40 * 20
        jae .full
        mov al, [who]
        stosb
        mov si, was_ax
        mov cx, 7
        rep movsw
        mov [log_at], di
.full:  inc byte [calls]
        mov ax, 3
        int 33h
        cmp cx, [was_cx]
        jne .wrong
        cmp dx, [was_dx]
        jne .wrong
        cmp bx, [was_bx]
        je .right
.wrong: mov byte [wrong], 1
.right: mov eax, 0DEADBEEFh
        mov ebx, eax
        mov ecx, eax
        mov edx, eax
        mov esi, eax
        mov edi, eax
        mov ebp, eax
        mov es, ax
        mov ds, ax
        std
        retf

report: mov si, calls_text
        call text
        mov al, [calls]
        mov ah, 0
        call word_
        mov ax, [wrong]
        call word_
        cmp word [log_at], log_
        je .end
        mov ax, [other_ds]
        test ax, ax
        mov ax, 0
        jz .same
        inc ax
.same:  call word_
        call newline
        mov si, log_
.next:  cmp si, [log_at]
        jae .done
        lodsb
        call char
        mov cx, 7
.words: lodsw
        call word_
        loop .words
        call newline
        jmp .next
.end:   call newline
.done:  ret

calls_text: db 'calls, wrong, own segment', 0
after_end: db 'end', 13, 10, 0
who:    db 0
calls:  db 0
wrong:  dw 0
is_busy: db 0
other_ds: dw 0
was_ax: dw 0
was_bx: dw 0
was_cx: dw 0
was_dx: dw 0
was_si: dw 0
was_di: dw 0
flags:  dw 0
log_at: dw 0
log_:   times 40 * 20 + 40 db 0
