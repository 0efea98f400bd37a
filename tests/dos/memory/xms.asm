; Every function of XMS 3.0 and every error that a program can provoke. What the machine decides (how much memory, which handles)
; is not printed, but compared.
%include "text.inc"

%macro CALLX 1          ; AH = %1, the other registers are set; prints AX, and BL if AX is 0
        mov ah, %1
        call do_call
%endmacro

; Handles and offsets are numbers or memory.
%macro MOVE 6           ; bytes, handle, offset, handle, offset, text
        mov dword [move_bytes], %1
        mov ax, %2
        mov [move_from], ax
        mov eax, %3
        mov [move_from_at], eax
        mov ax, %4
        mov [move_to], ax
        mov eax, %5
        mov [move_to_at], eax
        TEXT %6
        mov si, move
        CALLX 0Bh
        NEWLINE
%endmacro

main:   mov ax, 4300h
        int 2Fh
        cmp al, 80h
        TELL 'installed', e
        NEWLINE
        cmp byte [told], 1
        jne exit
        mov ax, 4310h
        int 2Fh
        mov [entry], bx
        mov [entry + 2], es
        cmp word [es:bx], 03EBh         ; a short jump over three bytes, to be replaced by a far one
        push cs
        pop es
        TELL 'hookable', e
        NEWLINE

        TEXT '00 version'
        CALLX 00h
        cmp word [r_dx], 1
        TELL 'area', e
        NEWLINE

; --- the high memory area ---
        TEXT '01 request area'
        mov dx, 0FFFFh
        CALLX 01h
        NEWLINE
        TEXT '01 again'
        mov dx, 0FFFFh
        CALLX 01h
        NEWLINE
        TEXT '02 release area'
        CALLX 02h
        NEWLINE
        TEXT '02 again'
        CALLX 02h
        NEWLINE
        TEXT '01 for a resident program'
        mov dx, 1
        CALLX 01h
        NEWLINE
        TEXT '02 release area'
        CALLX 02h
        NEWLINE

; --- A20 ---
        TEXT '07 query A20'
        CALLX 07h
        call tell_a20
        TEXT '03 global enable'
        CALLX 03h
        call tell_a20
        TEXT '07 query A20'
        CALLX 07h
        call tell_a20
        TEXT '05 local enable'
        CALLX 05h
        call tell_a20
        TEXT '05 local enable'
        CALLX 05h
        call tell_a20
        TEXT '04 global disable'
        CALLX 04h
        call tell_a20
        TEXT '06 local disable'
        CALLX 06h
        call tell_a20
        TEXT '06 local disable'
        CALLX 06h
        call tell_a20
        TEXT '07 query A20'
        CALLX 07h
        call tell_a20
        TEXT '06 local disable, once too often'
        CALLX 06h
        call tell_a20
        in al, 92h                      ; by the chip set, behind the driver's back
        or al, 2
        out 92h, al
        TEXT '07 query A20 by port 92h'
        CALLX 07h
        call tell_a20
        in al, 92h
        and al, ~2 & 0FFh
        out 92h, al
        TEXT '07 query A20 by port 92h'
        CALLX 07h
        call tell_a20

; --- what there is ---
        mov ah, 88h
        int 15h
        test ax, ax
        TEXT '15/88 size of extended memory'
        TELL 'zero', z
        NEWLINE
        TEXT '08 query free BL='
        mov ah, 08h
        call silent
        mov ax, [r_ax]
        mov [largest], ax
        mov dx, [r_dx]
        mov [total], dx
        HEX8 [r_bx]
        cmp ax, 0
        TELL 'some', ne
        cmp ax, dx
        TELL 'in one piece', e
        NEWLINE
        TEXT '88 query any BL='
        mov ah, 88h
        call silent
        HEX8 [r_bx]
        movzx eax, word [largest]
        cmp eax, [r_eax]
        TELL 'largest as 08', e
        movzx eax, word [total]
        cmp eax, [r_edx]
        TELL 'total as 08', e
        cmp dword [r_ecx], 10FFFFh
        TELL 'end above the area', a
        NEWLINE

; --- allocation ---
        TEXT '09 allocate 64'
        mov dx, 64
        CALLX 09h
        mov ax, [r_dx]
        mov [a], ax
        cmp ax, 0
        TELL 'handle', ne
        mov ah, 08h
        call silent
        mov ax, [total]
        sub ax, [r_dx]
        TEXT ' taken '
        HEX16 ax
        NEWLINE
        TEXT '0E information'
        mov dx, [a]
        CALLX 0Eh
        mov ax, [r_bx]
        mov [handles], al
        call tell_block
        TEXT '09 allocate 32'
        mov dx, 32
        CALLX 09h
        mov ax, [r_dx]
        mov [b], ax
        cmp ax, [a]
        TELL 'another handle', ne
        NEWLINE
        TEXT '0E information'
        mov dx, [b]
        CALLX 0Eh
        mov al, [handles]
        sub al, [r_bx]
        TEXT ' fewer handles '
        HEX8 al
        call tell_block
        TEXT '09 allocate too much'
        mov dx, 0FFFFh
        CALLX 09h
        NEWLINE
        TEXT '09 allocate nothing'
        mov dx, 0
        CALLX 09h
        NEWLINE
        mov ax, [r_dx]
        mov [c], ax
        TEXT '0A free it'
        mov dx, [c]
        CALLX 0Ah
        NEWLINE

; --- moves ---
        mov di, data_a
        mov cx, BYTES
        mov al, 1
.fill:  stosb
        add al, 7
        loop .fill
        mov ax, cs
        mov [here_a + 2], ax
        mov [here_b + 2], ax
        MOVE BYTES, 0, [here_a], [a], 0, '0B out'
        MOVE BYTES, [a], 0, [b], 1000h, '0B between blocks'
        call clear_b
        MOVE BYTES, [b], 1000h, 0, [here_b], '0B back'
        call tell_same
        MOVE BYTES, 0, [here_a], [a], 0FC00h, '0B to the end'
        call clear_b
        MOVE BYTES, [a], 0FC00h, 0, [here_b], '0B from the end'
        call tell_same
        MOVE BYTES, [a], 0FC00h, [a], 0FB80h, '0B down, overlapping'
        call clear_b
        MOVE BYTES, [a], 0FB80h, 0, [here_b], '0B back'
        call tell_same
        MOVE BYTES, [a], 0FB80h, [a], 0FC00h, '0B up, overlapping'
        MOVE BYTES, 0, [here_a], 0, [here_b], '0B in conventional memory'
        call tell_same
        MOVE 0, [a], 0, [b], 0, '0B nothing'
        MOVE 3, [a], 0, [b], 0, '0B an odd length'
        MOVE 2, 7777h, 0, [b], 0, '0B from an unknown handle'
        MOVE 2, [a], 10002h, [b], 0, '0B from behind the end'
        MOVE 2, [a], 0, 7777h, 0, '0B to an unknown handle'
        MOVE 2, [a], 0, [b], 8002h, '0B to behind the end'
        MOVE 4, [a], 0FFFEh, [b], 0, '0B from across the end'
        MOVE 4, [a], 0, [b], 7FFEh, '0B to across the end'
        MOVE 20h, 0, 0FFFFFFF2h, [a], 0, '0B from above the area'
        MOVE 20h, [a], 0, 0, 0FFFFFFF2h, '0B to above the area'
        ; the high memory area, whatever A20 is
        MOVE BYTES, 0, [here_a], 0, 0FFFF8000h, '0B to the high memory area'
        call clear_b
        MOVE BYTES, 0, 0FFFF8000h, 0, [here_b], '0B back'
        call tell_same
        TEXT '07 query A20'
        CALLX 07h
        call tell_a20

; --- locks ---
        TEXT '0C lock'
        mov dx, [a]
        CALLX 0Ch
        mov ax, [r_bx]
        mov [linear], ax
        mov ax, [r_dx]
        mov [linear + 2], ax
        cmp dword [linear], 110000h
        TELL 'above the area', ae
        NEWLINE
        TEXT '0C again'
        mov dx, [a]
        CALLX 0Ch
        NEWLINE
        TEXT '0E information'
        mov dx, [a]
        CALLX 0Eh
        call tell_block
        TEXT '15/87 block move by the BIOS'
        call clear_b
        call bios_move
        TELL 'done', nc
        NEWLINE
        call tell_same
        TEXT '0F reallocate what is locked'
        mov dx, [a]
        mov bx, 10
        CALLX 0Fh
        NEWLINE
        TEXT '0D unlock'
        mov dx, [a]
        CALLX 0Dh
        NEWLINE
        TEXT '0D unlock'
        mov dx, [a]
        CALLX 0Dh
        NEWLINE
        TEXT '0D unlock what is not locked'
        mov dx, [a]
        CALLX 0Dh
        NEWLINE
        mov dx, 2
        mov ah, 09h
        call silent
        mov ax, [r_dx]
        mov [c], ax
        mov dx, [c]
        mov ah, 0Ch
        call silent
        TEXT '0A free what is locked'
        mov dx, [c]
        CALLX 0Ah
        NEWLINE
        mov dx, [c]
        mov ah, 0Dh
        call silent
        mov dx, [c]
        mov ah, 0Ah
        call silent
        TEXT '0C locks until there are too many '
        mov word [count], 0
.lock:  inc word [count]
        mov dx, [b]
        mov ah, 0Ch
        call silent
        cmp word [r_ax], 1
        jne .locked
        cmp word [count], 1000
        jb .lock
.locked:
        HEX16 [count]
        TEXT ' BL='
        HEX8 [r_bx]
        NEWLINE
        mov cx, [count]
.unlock:
        dec cx
        jz .unlocked
        push cx
        mov dx, [b]
        mov ah, 0Dh
        call silent
        pop cx
        jmp .unlock
.unlocked:

; --- other sizes ---
        TEXT '0F grow, where a block is behind'
        mov dx, [a]
        mov bx, 128
        CALLX 0Fh
        NEWLINE
        TEXT '0E information'
        mov dx, [a]
        CALLX 0Eh
        call tell_block
        call clear_b
        MOVE BYTES, [a], 0FB80h, 0, [here_b], '0B it holds'
        call tell_same
        TEXT '0F shrink'
        mov dx, [a]
        mov bx, 1
        CALLX 0Fh
        NEWLINE
        MOVE 2, [a], 400h, [b], 0, '0B from behind the end'
        TEXT '0F grow too much'
        mov dx, [a]
        mov bx, 0FFFFh
        CALLX 0Fh
        NEWLINE
        TEXT '0F to nothing'
        mov dx, [a]
        mov bx, 0
        CALLX 0Fh
        NEWLINE
        TEXT '0F and back'
        mov dx, [a]
        mov bx, 8
        CALLX 0Fh
        NEWLINE
        TEXT '0F unknown handle'
        mov dx, 7777h
        mov bx, 8
        CALLX 0Fh
        NEWLINE
        TEXT '0A unknown handle'
        mov dx, 7777h
        CALLX 0Ah
        NEWLINE
        TEXT '0C unknown handle'
        mov dx, 7777h
        CALLX 0Ch
        NEWLINE
        TEXT '0D unknown handle'
        mov dx, 7777h
        CALLX 0Dh
        NEWLINE
        TEXT '0E unknown handle'
        mov dx, 7777h
        CALLX 0Eh
        NEWLINE
        TEXT '8E unknown handle'
        mov dx, 7777h
        CALLX 8Eh
        NEWLINE
        TEXT '8F unknown handle'
        mov dx, 7777h
        mov ebx, 8
        CALLX 8Fh
        NEWLINE

; --- functions of version 3 ---
        TEXT '89 allocate 100'
        mov edx, 100
        CALLX 89h
        mov ax, [r_dx]
        mov [c], ax
        NEWLINE
        TEXT '8E information'
        mov dx, [c]
        CALLX 8Eh
        TEXT ' locks '
        HEX8 [r_bx + 1]
        TEXT ' size '
        HEX16 [r_edx + 2]
        HEX16 [r_edx]
        cmp word [r_cx], 0
        TELL 'handles', ne
        NEWLINE
        TEXT '8F reallocate 200'
        mov dx, [c]
        mov ebx, 200
        CALLX 8Fh
        NEWLINE
        TEXT '0E information'
        mov dx, [c]
        CALLX 0Eh
        call tell_block
        TEXT '89 allocate too much'
        mov edx, 00100000h
        CALLX 89h
        NEWLINE
        TEXT '8F reallocate too much'
        mov dx, [c]
        mov ebx, 00100000h
        CALLX 8Fh
        NEWLINE
        TEXT '0A free it'
        mov dx, [c]
        CALLX 0Ah
        NEWLINE

; --- all handles, all memory ---
        TEXT '09 handles until there are none'
        mov di, list
.more:  mov dx, 0
        mov ah, 09h
        push di
        call silent
        pop di
        cmp word [r_ax], 1
        jne .full
        mov ax, [r_dx]
        stosw
        cmp di, list + 2 * 255
        jb .more
.full:  TEXT ' BL='
        HEX8 [r_bx]
        cmp di, list + 2 * 16
        TELL 'at least 16', ae
        NEWLINE
.free:  cmp di, list
        je .freed
        sub di, 2
        mov dx, [di]
        mov ah, 0Ah
        push di
        call silent
        pop di
        jmp .free
.freed: TEXT '0A free'
        mov dx, [a]
        CALLX 0Ah
        NEWLINE
        TEXT '0A free'
        mov dx, [b]
        CALLX 0Ah
        NEWLINE
        TEXT '0A free again'
        mov dx, [b]
        CALLX 0Ah
        NEWLINE
        mov ah, 08h
        call silent
        mov ax, [r_dx]
        cmp ax, [total]
        TEXT '08 query free'
        TELL 'all is back', e
        NEWLINE
        TEXT '09 all there is'
        mov ah, 08h
        call silent
        mov dx, [r_ax]
        CALLX 09h
        mov ax, [r_dx]
        mov [c], ax
        NEWLINE
        TEXT '09 one more'
        mov dx, 1
        CALLX 09h
        NEWLINE
        TEXT '08 query free'
        CALLX 08h
        TEXT ' total '
        HEX16 [r_dx]
        NEWLINE
        TEXT '88 query any BL='
        mov ah, 88h
        call silent
        HEX8 [r_bx]
        NEWLINE
        TEXT '0A free it'
        mov dx, [c]
        CALLX 0Ah
        NEWLINE

; --- upper memory is DOS's ---
        TEXT '10 request upper memory'
        mov dx, 10h
        CALLX 10h
        TEXT ' largest '
        HEX16 [r_dx]
        NEWLINE
        TEXT '11 release upper memory'
        mov dx, 0D000h
        CALLX 11h
        NEWLINE
        TEXT '12 reallocate upper memory'
        mov dx, 0D000h
        mov bx, 10h
        CALLX 12h
        NEWLINE
        TEXT '13 unknown function'
        CALLX 13h
        NEWLINE
        TEXT '8A unknown function'
        CALLX 8Ah
        NEWLINE

; --- through a hook, as another XMS program would be there ---
        les bx, [entry]
        mov ax, [es:bx]
        mov [saved], ax
        mov ax, [es:bx + 2]
        mov [saved + 2], ax
        mov al, [es:bx + 4]
        mov [saved + 4], al
        mov byte [es:bx], 0EAh
        mov word [es:bx + 1], hook
        mov [es:bx + 3], cs
        push cs
        pop es
        TEXT '00 version, hooked'
        CALLX 00h
        TEXT ' hooks '
        HEX8 [hooked]
        NEWLINE
        les bx, [entry]
        mov ax, [saved]
        mov [es:bx], ax
        mov ax, [saved + 2]
        mov [es:bx + 2], ax
        mov al, [saved + 4]
        mov [es:bx + 4], al
        push cs
        pop es
exit:   mov ax, 4C00h
        int 21h

hook:   inc byte [cs:hooked]
        mov ax, 1234h
        retf

do_call:
        call far [entry]
        call keep
        TEXT ' AX='
        HEX16 [r_ax]
        cmp word [r_ax], 0
        jne .done
        TEXT ' BL='
        HEX8 [r_bx]
.done:  ret

silent: call far [entry]
        jmp keep

; Are 0:x and 1 MiB + x the same?
tell_a20:
        push ds
        push es
        xor ax, ax
        mov ds, ax
        dec ax
        mov es, ax
        cli
        mov al, [4F0h]
        mov ah, al
        not byte [es:500h]
        cmp [4F0h], ah
        mov [4F0h], al
        sti
        pop es
        pop ds
        TELL 'wraps', ne
        NEWLINE
        ret

tell_block:
        TEXT ' locks '
        HEX8 [r_bx + 1]
        TEXT ' size '
        HEX16 [r_dx]
        NEWLINE
        ret

clear_b:
        mov di, data_b
        mov cx, BYTES
        xor al, al
        rep stosb
        ret

tell_same:
        TEXT '  it is'
        mov si, data_a
        mov di, data_b
        mov cx, BYTES
        repe cmpsb
        TELL 'the same', e
        NEWLINE
        ret

; From `linear` + FB80h to data_b: carry if that failed.
bios_move:
        mov eax, [linear]
        add eax, 0FB80h
        mov [gdt_from + 2], ax
        shr eax, 16
        mov [gdt_from + 4], al
        xor eax, eax
        mov ax, cs
        shl eax, 4
        add eax, data_b
        mov [gdt_to + 2], ax
        shr eax, 16
        mov [gdt_to + 4], al
        mov si, gdt
        mov cx, BYTES / 2
        mov ah, 87h
        int 15h
        ret

BYTES equ 400h

gdt:    times 16 db 0
gdt_from:
        dw BYTES - 1, 0
        db 0, 93h
        dw 0
gdt_to: dw BYTES - 1, 0
        db 0, 93h
        dw 0
        times 16 db 0

move:
move_bytes: dd 0
move_from: dw 0
move_from_at: dd 0
move_to: dw 0
move_to_at: dd 0

entry:  dd 0
largest: dw 0
total:  dw 0
a:      dw 0
b:      dw 0
c:      dw 0
linear: dd 0
count:  dw 0
handles: db 0
hooked: db 0
saved:  times 5 db 0
here_a: dw data_a, 0
here_b: dw data_b, 0
list:   times 256 dw 0
data_a equ $ + 200h
data_b equ data_a + BYTES
