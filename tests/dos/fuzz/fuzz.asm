; FUZZ.COM seed: random calls of INT 21h and 2Fh, with pointers to names, file control blocks and noise. An even seed leaves out
; what would soon end it (vectors, prefixes, other segments than its own); an odd one nothing but the ends of programs.
bits 16
cpu 386
org 100h

CALLS equ 1000

        mov sp, stack_top
        mov bx, 1000h
        mov ah, 4Ah
        int 21h
        xor ax, ax              ; the seed, decimal
        mov si, 81h
        xor ebx, ebx
.digit: lodsb
        cmp al, ' '
        je .digit
        sub al, '0'
        cmp al, 9
        ja .seeded
        imul ebx, ebx, 10
        movzx eax, al
        add ebx, eax
        jmp .digit
.seeded:
        mov [wild], bl
        and byte [wild], 1
        imul ebx, ebx, 2654435761
        add ebx, 12345
        mov [random], ebx
        mov word [left], CALLS
again:  mov ax, cs
        mov ds, ax
        mov es, ax
        mov ss, ax
        mov sp, stack_top
        cld
        sti
        call next               ; fresh noise, sometimes
        test al, 7
        jnz .names
        mov cx, 64
        mov di, noise
.noise: call next
        stosw
        loop .noise
.names: call pointer
        mov [new_dx], ax
        call pointer
        mov [new_si], ax
        call pointer
        mov [new_di], ax
        call pointer
        mov [new_bx], ax
        call next
        test al, 1
        jz .not_handle
        and ah, 0Fh
        mov al, ah
        mov ah, 0
        mov [new_bx], ax
.not_handle:
        call next
        test al, 3
        jz .any_cx
        mov al, ah
        mov ah, 0
.any_cx:
        mov [new_cx], ax
        call function
        mov bx, [new_bx]
        mov cx, [new_cx]
        mov dx, [new_dx]
        mov si, [new_si]
        mov di, [new_di]
        cmp ah, 12h
        jne .int21
        test byte [random + 2], 3
        jnz .int21
        int 2Fh
        jmp .called
.int21: int 21h
.called:
        dec word [cs:left]
        jnz again
        mov ax, 4C00h
        int 21h

; AX: random
next:   mov eax, [random]
        imul eax, eax, 1664525
        add eax, 1013904223
        mov [random], eax
        shr eax, 13
        ret

; AX: where a name, a block or noise is, or anywhere
pointer:
        call next
        test al, 0Fh
        jz next
        movzx bx, ah
        and bx, 63
        cmp bx, POINTERS
        jb .there
        sub bx, POINTERS
        and bx, 15
.there: add bx, bx
        mov ax, [pointers + bx]
        ret

; AX: function
function:
        call next
        and ah, 7Fh
        cmp ah, 6Dh
        jae function
        mov cx, ENDS
        cmp byte [wild], 0
        jne .look
        mov cx, EXCLUDED
.look:  mov si, excluded
.next:  cmp ah, [si]
        je function
        inc si
        loop .next
        test al, 8
        jnz .all
        and al, 7
.all:   ret

wild:   db 0
left:   dw 0
random: dd 0
new_bx: dw 0
new_cx: dw 0
new_dx: dw 0
new_si: dw 0
new_di: dw 0
excluded: db 00h, 31h, 4Ch
ENDS equ $ - excluded
        db 25h, 26h, 50h, 55h, 1Ah, 4Ah, 49h, 4Bh
EXCLUDED equ $ - excluded

%macro name 1+
%%at:   db %1, 0
%assign COUNT COUNT + 1
%xdefine list list, %%at
%endmacro
%assign COUNT 1
%xdefine list fcb1
        name 'A.TXT'
        name 'C:\DIR\B.TXT'
        name '*.*'
        name 'NEW1.TXT'
        name 'NEW2.TXT'
        name 'DIR'
        name 'DIR\NEW'
        name 'LINK'
        name 'LINKDIR\SECRET'
        name '..\OUTSIDE\SECRET'
        name 'FIFO'
        name 'HUGE.BIN'
        name 'UNREAD.TXT'
        name 'NUL'
        name 'CON'
        name 'PRN'
        name '\'
        name 'A.COM'
        name 'B.EXE'
        name 'NEWDIR'
        name 'NEWDIR\*.*'
        name '????????.???'
        name 'DIR\..\..\X'
        name 'C:/A.TXT'
        name 'Z:\X'
        name 'COM1'
        name 'CLOCK$'
fcb1:   db 0, 'NEW     FCB'
        times 25 db 0
fcb2:   db 0, 'A*      TXT'
        times 25 db 0
fcb3:   db 0, '???????????'
        times 25 db 0
fcb4:   db 0FFh, 0, 0, 0, 0, 0, 17h, 3, 'X\..\..\OUT'
        times 25 db 0
noise:  times 128 db 0
pointers:
        dw list, fcb2, fcb3, fcb4, noise, noise + 20
POINTERS equ COUNT + 5
        db '$'
        times 600 db 0
stack_top:
