; The cursor in graphics modes: a picture of the arrow, one of a program's own cursor at the corner of the screen, and that nothing is
; left of either in display memory, the adapter's registers and its latches. The script makes the pictures while the program waits.
%include "print.inc"

SEQUENCER equ 3C4h
CONTROLLER equ 3CEh

begin:  mov si, modes
.next:  lodsb
        cmp al, 0FFh
        je .done
        mov ah, 0
        mov [mode], al
        int 10h
        lodsw
        mov [page_at], ax
        lodsw
        mov [bytes], ax
        lodsw
        mov [planes], ax
        lodsw
        mov [pattern], ax
        push si
        call one
        mov al, [mode]
        mov ah, 0
        push ds
        pop es
        mov di, [log_at]
        stosw
        mov ax, [problems]
        stosw
        mov [log_at], di
        pop si
        jmp .next
.done:  mov ax, 3
        int 10h
        mov si, log_
.line:  cmp si, [log_at]
        jae exit
        push si
        mov si, mode_text
        call text
        pop si
        lodsw
        call word_
        push si
        mov si, problems_text
        call text
        pop si
        lodsw
        call word_
        call newline
        jmp .line

one:    mov word [problems], 0
        mov es, [page_at]
        call fill
        call sum
        mov [before], eax
        mov ax, 0
        int 33h
        mov ax, 4
        mov cx, 101
        mov dx, 37
        int 33h
        call strange
        mov al, [es:33]         ; into the latches
        mov ax, 1
        int 33h
        call latches
        call compare
        call usual
        call key                ; a picture; and the mouse moves
        call strange
        mov ax, 2
        int 33h
        call compare
        call usual
        call sum
        cmp eax, [before]
        je .same
        or word [problems], 1
.same:  push es
        push ds
        pop es
        mov ax, 9
        mov bx, 8
        mov cx, 8
        mov dx, masks
        int 33h
        pop es
        mov ax, 4
        mov cx, 0
        mov dx, 0
        int 33h
        mov ax, 1
        int 33h
        call key                ; a picture
        mov ax, 4
        mov cx, 639
        mov dx, 479
        int 33h
        mov ax, 4
        mov cx, 639
        mov dx, 0
        int 33h
        mov ax, 2
        int 33h
        call sum
        cmp eax, [before]
        je .still
        or word [problems], 2
.still: ret

; What was in the latches is written beside, and must be the same there in all planes. Then it is put in order.
latches:
        cmp word [planes], 4
        jne .done
        mov [es:41], al         ; write mode 1
        call usual
        mov cx, 4
        mov al, 0
.plane: call select
        mov ah, [es:33]
        cmp ah, [es:41]
        je .same
        or word [problems], 4
.same:  inc al
        loop .plane
        mov cx, 4
        mov al, 0
.order: call select
        mov ah, [es:41 + 16]
        mov [es:41], ah
        inc al
        loop .order
        call strange
.done:  ret

; Plane AL for reading and writing.
select: push ax
        push dx
        push cx
        mov cl, al
        mov dx, CONTROLLER
        mov ah, al
        mov al, 4
        out dx, ax
        mov dx, SEQUENCER
        mov al, 2
        mov ah, 1
        shl ah, cl
        out dx, ax
        pop cx
        pop dx
        pop ax
        ret

; Registers as no BIOS leaves them. Write mode 1.
strange:
        cmp word [planes], 4
        jne registers_done
        mov si, strange_values
        jmp set_registers
; As the BIOS leaves them.
usual:  cmp word [planes], 4
        jne registers_done
        mov si, usual_values
set_registers:
        pusha
        mov dx, SEQUENCER
        outsw
        mov cx, 6
        mov dx, CONTROLLER
        rep outsw
        lodsb
        out dx, al
        mov dx, SEQUENCER
        lodsb
        out dx, al
        popa
registers_done:
        ret

; Are they still strange?
compare:
        cmp word [planes], 4
        jne registers_done
        pusha
        mov si, strange_values
        mov dx, CONTROLLER
        in al, dx
        cmp al, [si + 14]
        jne .differ
        mov dx, SEQUENCER
        in al, dx
        cmp al, [si + 15]
        jne .differ
        lodsw
        out dx, al
        inc dx
        in al, dx
        cmp al, ah
        jne .differ
        mov cx, 6
        mov dx, CONTROLLER
.next:  lodsw
        out dx, al
        inc dx
        in al, dx
        dec dx
        cmp al, ah
        jne .differ
        loop .next
        popa
        ret
.differ:
        or word [problems], 8
        popa
        ret

; Each plane's bytes, by the mode's pattern.
fill:   mov al, 0
.plane: cmp word [planes], 4
        jne .go
        call select
.go:    mov di, 0
        mov cx, [bytes]
.byte:  push ax
        mov bx, di
        call [pattern]
        stosb
        pop ax
        loop .byte
        inc al
        mov ah, 0
        cmp ax, [planes]
        jb .plane
        ret

; AL: the byte of plane AL at offset BX.
stripes:                        ; eight pixels of each of the 16 colours
        push cx
        mov cl, al
        shr bx, cl
        pop cx
        and bl, 1
        neg bl
        mov al, bl
        ret
quads:  and bl, 3
        mov al, 55h
        mul bl
        ret
bytes_: shr bx, 2
        and bl, 1Fh
        mov al, bl
        ret

; EAX: of all planes.
sum:    push si
        xor edx, edx
        mov al, 0
.plane: cmp word [planes], 4
        jne .go
        call select
.go:    mov si, 0
        mov cx, [bytes]
.byte:  rol edx, 5
        xor dl, [es:si]
        inc si
        loop .byte
        inc al
        mov ah, 0
        cmp ax, [planes]
        jb .plane
        mov eax, edx
        pop si
        ret

%macro mode_ 5          ; number, segment, bytes of each plane, planes, pattern
        db %1
        dw %2, %3, %4, %5
%endmacro
modes:  mode_ 04h, 0B800h, 4000h, 1, quads
        mode_ 05h, 0B800h, 4000h, 1, quads
        mode_ 06h, 0B800h, 4000h, 1, stripes
        mode_ 0Dh, 0A000h, 8000, 4, stripes
        mode_ 0Eh, 0A000h, 16000, 4, stripes
        mode_ 10h, 0A000h, 28000, 4, stripes
        mode_ 11h, 0A000h, 38400, 4, stripes
        mode_ 12h, 0A000h, 38400, 4, stripes
        mode_ 13h, 0A000h, 64000, 1, bytes_
        db 0FFh
; The map mask; registers 0, 1, 3, 4, 5 and 8 of the controller; both indices.
strange_values: dw 0F02h, 0500h, 0A01h, 1303h, 0204h, 0905h, 3C08h
        db 7, 4
usual_values: dw 0F02h, 0000h, 0001h, 0003h, 0004h, 0005h, 0FF08h
        db 0, 0
masks:  dw 0FFFFh, 8001h, 8001h, 8001h, 8001h, 8001h, 8001h, 8001h, 8001h, 8001h, 8001h, 8001h, 8001h, 8001h, 8001h, 0FFFFh
        dw 0FFFFh, 8001h, 0BFFDh, 0A005h, 0A005h, 0A005h, 0A005h, 0A185h, 0A185h, 0A005h, 0A005h, 0A005h, 0A005h, 0BFFDh, 8001h, 0FFFFh
mode_text: db 'mode', 0
problems_text: db ': memory, memory, latches, registers:', 0
mode:   db 0
page_at: dw 0
bytes:  dw 0
planes: dw 0
pattern: dw 0
problems: dw 0
before: dd 0
log_at: dw log_
log_:   times 64 db 0
