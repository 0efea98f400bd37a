; Character devices: what goes to PRN and AUX by handle, by AH=02h-09h with standard output redirected, and by AH=03h-05h; their
; critical errors; CLOCK$. The BIOS's services are caught here.
%include "service.inc"
%macro sent 1           ; "label: 12 34", what the BIOS was given since
        mov cx, [caught_at]
        sub cx, caught
        push caught
        push cx
        call tell_bytes
        db %1, 0
        mov word [caught_at], caught
%endmacro
%macro open 2           ; name, label: handle in BX
        mov dx, %1
        mov ax, 3D02h
        dosax %2
        mov bx, ax
%endmacro
        jmp main
main:   begin
        mov dx, int17
        mov ax, 2517h
        int 21h
        mov dx, int14
        mov ax, 2514h
        int 21h
        mov dx, int24
        mov ax, 2524h
        int 21h
        open prn, 'open PRN'
        mov ax, 4400h
        int 21h
        show 'information', dx
        mov dx, words
        mov cx, words_bytes
        mov ah, 40h
        dosax 'write'
        sent 'printed'
        mov dx, scratch
        mov cx, 5
        mov ah, 3Fh
        dosax 'read PRN'
        mov ax, 4406h
        dosax 'input status'
        mov ax, 4407h
        dosax 'output status'
        ; no paper
        mov byte [answer], 0
        mov word [timeouts], 1
        mov dx, words
        mov cx, 3
        mov ah, 40h
        dosax 'write, ignored'
        sent 'printed'
        show 'AH and DI', [seen]
        bytes 'device', seen_name, 8
        mov byte [answer], 1
        mov word [timeouts], 1
        mov dx, words
        mov cx, 3
        mov ah, 40h
        dosax 'write, tried again'
        sent 'printed'
        mov byte [answer], 3
        mov word [timeouts], 1
        mov dx, words
        mov cx, 3
        mov ah, 40h
        dosax 'write, failed'
        sent 'printed'
        push bx
        mov bx, 0
        mov ah, 59h
        int 21h
        push cs
        pop ds
        push cs
        pop es
        show 'extended error', ax
        pop bx
        mov ah, 3Eh
        int 21h
        ; standard output
        mov bx, 1
        mov ah, 45h
        int 21h
        mov [kept], ax
        open prn, 'PRN again'
        call redirect
        call speak
        call restore
        sent 'printed'
        show 'AL of AH=02h, 06h, 09h', [results]
        open aux, 'open AUX'
        mov dx, scratch
        mov cx, 5
        mov ah, 3Fh
        dosax 'read AUX'
        bytes 'which is', scratch, 5
        mov dx, scratch
        mov cx, 100
        mov ah, 3Fh
        dosax 'read up to a return'
        bytes 'which is', scratch, 5
        mov dx, scratch
        mov cx, 100
        mov ah, 3Fh
        dosax 'read up to its end'
        bytes 'which is', scratch, 2
        call redirect
        call speak
        call restore
        sent 'sent'
        mov dl, 'p'
        mov ah, 05h
        int 21h
        sent 'AH=05h'
        mov dl, 'q'
        mov ah, 04h
        int 21h
        sent 'AH=04h'
        mov ah, 03h
        int 21h
        mov ah, 0
        show 'AH=03h', ax
        open nul, 'open NUL'
        call redirect
        call speak
        call restore
        sent 'sent'
        ; a file: tabs become spaces there, too
        mov dx, file
        xor cx, cx
        mov ah, 3Ch
        dosax 'create'
        mov bx, ax
        call redirect
        mov dl, 13
        mov ah, 2
        int 21h
        call speak
        call restore
        mov dx, file
        mov ax, 3D00h
        int 21h
        mov bx, ax
        mov cx, 50
        mov dx, scratch
        mov ah, 3Fh
        dosax 'read the file'
        bytes 'which is', scratch, 12
        mov ah, 3Eh
        int 21h
        ; the clock
        open clock, 'open CLOCK$'
        mov ax, 4400h
        int 21h
        show 'information', dx
        mov dh, 0
        or dl, 20h
        mov ax, 4401h
        dos 'raw'
        mov dx, time
        mov cx, 6
        mov ah, 40h
        dosax 'set the clock'
        mov ah, 2Ah
        int 21h
        mov ah, 0
        show 'weekday', ax
        show 'year', cx
        show 'month and day', dx
        mov dx, scratch
        mov cx, 6
        mov ah, 3Fh
        dosax 'read it'
        bytes 'day, minute, hour', scratch, 4
        mov dx, no_time
        mov cx, 6
        mov ah, 40h
        dosax 'no such time'
        mov dx, scratch
        mov cx, 6
        mov ah, 3Fh
        dosax 'read it'
        bytes 'day, minute, hour', scratch, 4
        finish

redirect:
        mov cx, 1
        mov ah, 46h
        int 21h
        mov ah, 3Eh
        int 21h
        ret
restore:
        mov bx, [kept]
        mov cx, 1
        mov ah, 46h
        int 21h
        ret
speak:  mov dl, 'x'
        mov ah, 02h
        int 21h
        mov [results], al
        mov dl, 'y'
        mov ah, 06h
        int 21h
        mov [results + 1], al
        mov dx, string
        mov ah, 09h
        int 21h
        ret

catch:  push bx
        mov bx, [cs:caught_at]
        mov [cs:bx], al
        inc word [cs:caught_at]
        pop bx
        ret
int17:  cmp word [cs:timeouts], 0
        jne .timeout
        call catch
        mov ah, 90h
        iret
.timeout:
        dec word [cs:timeouts]
        mov ah, 1
        iret
int14:  cmp ah, 2
        je .receive
        call catch
        mov ah, 60h
        iret
.receive:
        push si
        mov si, [cs:received_at]
        mov al, [cs:si]
        mov ah, 0
        inc word [cs:received_at]
        pop si
        iret
int24:  push ds
        push es
        push si
        push di
        push cx
        push ax
        mov es, bp
        push cs
        pop ds
        mov [seen + 1], ah
        mov ax, di
        mov [seen], al
        mov cx, 8
        add si, 10
        mov di, seen_name
.next:  mov al, [es:si]
        mov [di], al
        inc si
        inc di
        loop .next
        pop ax
        mov al, [answer]
        pop cx
        pop di
        pop si
        pop es
        pop ds
        iret
        section .data
prn:    db 'PRN', 0
aux:    db 'AUX', 0
nul:    db 'NUL', 0
clock:  db 'CLOCK$', 0
file:   db 'FILE.TXT', 0
words:  db 'ab', 9, 'c', 13, 10
words_bytes equ $ - words
string: db 9, 'z', 13, 10, '$'
time:   dw 5000
        db 34, 12, 50, 56
no_time: dw 5000
        db 34, 25, 50, 56
caught_at: dw caught
received: db 'five!line', 13, 'xy', 1Ah, 'w'
received_at: dw received
        section .bss
caught: resb 256
answer: resb 1
timeouts: resw 1
seen:   resw 1
seen_name: resb 8
kept:   resw 1
results: resw 1
