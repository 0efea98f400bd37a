; Code in the page frame, with device accesses that clusters are made of: another page at the same address is other code, and what
; is stored through one place is code at another.
%include "text.inc"

ROUNDS equ 200

%macro MAP 2            ; page, place
        mov bx, %1
        mov ax, 4400h | %2
        mov dx, [handle]
        int 67h
%endmacro

main:   mov ah, 41h
        int 67h
        mov [frame], bx
        mov [routine + 2], bx
        mov bx, 4
        mov ah, 43h
        int 67h
        mov [handle], dx
        TEXT 'allocated'
        cmp ah, 0
        TELL '', e
        NEWLINE
        mov word [page], 0              ; the same code on two pages, but for what it returns
.fill:  MAP [page], 0
        mov es, [frame]
        mov di, 0
        mov si, code
        mov cx, code_end - code
        rep movsb
        mov ax, [page]
        inc ax
        mov [es:value - code], ax
        inc word [page]
        cmp word [page], 2
        jb .fill

        mov dword [sum], 0              ; another page each time
        mov word [count], ROUNDS
.pages: mov bx, [count]
        and bx, 1
        MAP bx, 0
        call far [routine]
        call add_up
        dec word [count]
        jnz .pages
        TEXT 'pages '
        call tell_sum

        mov dword [sum], 0              ; stores through another place
        mov word [count], ROUNDS
        MAP 0, 0
        MAP 0, 2
        mov es, [frame]
.stores:
        mov ax, [count]
        mov [es:8000h + value - code], ax
        call far [routine]
        call add_up
        dec word [count]
        jnz .stores
        TEXT 'stores '
        call tell_sum

        mov dword [sum], 0              ; and by the code itself, into the place it does not run in
        mov word [count], ROUNDS
        mov word [es:value - code], 0
        mov ax, es
        mov [routine], word self - code
        mov [es:target - code], word 8000h + value - code
.self:  call far [routine]
        call add_up
        dec word [count]
        jnz .self
        TEXT 'itself '
        call tell_sum

        mov dword [sum], 0              ; strings
        mov word [count], ROUNDS
        mov [routine], word 0
.strings:
        mov ax, [count]
        mov di, 8000h + value - code
        stosw
        call far [routine]
        call add_up
        dec word [count]
        jnz .strings
        TEXT 'strings '
        call tell_sum

        mov dword [sum], 0              ; DOS stores
        mov word [count], 8
        mov dx, file
        xor cx, cx
        mov ah, 3Ch
        int 21h
        mov [file_handle], ax
        mov bx, ax
        mov cx, 2
        mov dx, number
        mov ah, 40h
        int 21h
.reads: mov bx, [file_handle]
        xor cx, cx
        xor dx, dx
        mov ax, 4200h
        int 21h
        push ds
        mov ds, [frame]
        mov cx, 2
        mov dx, 8000h + value - code
        mov ah, 3Fh
        int 21h
        pop ds
        call far [routine]
        call add_up
        mov es, [frame]
        inc word [es:8000h + value - code]
        call far [routine]
        call add_up
        dec word [count]
        jnz .reads
        TEXT 'reads '
        call tell_sum
        mov bx, [file_handle]
        mov ah, 3Eh
        int 21h
        mov dx, file
        mov ah, 41h
        int 21h
        mov dx, [handle]
        mov ah, 45h
        int 67h
        TEXT 'freed'
        cmp ah, 0
        TELL '', e
        NEWLINE
        mov ax, 4C00h
        int 21h

add_up: movzx eax, ax
        add [sum], eax
        ret

tell_sum:
        HEX16 [sum + 2]
        HEX16 [sum]
        NEWLINE
        ret

code:   mov cx, 4
.loop:  in al, 61h
        out 80h, al
        loop .loop
        db 0B8h         ; mov ax,
value:  dw 0
        retf
self:   mov cx, 4
self_loop:
        in al, 61h
        out 80h, al
        db 2Eh, 0FFh, 06h       ; inc word [cs:
target: dw 0
        loop self_loop
        mov cx, 1
        jmp code.loop
code_end:

frame:  dw 0
handle: dw 0
page:   dw 0
count:  dw 0
routine: dw 0, 0
sum:    dd 0
file:   db 'EMSCODE.TMP', 0
file_handle: dw 0
number: dw 1234h
