; Every function of LIM EMS 4.0 and every status that a program can provoke. How many pages there are and which handles are given
; is not printed, but compared.
%include "text.inc"

%macro CALLE 1          ; AX = %1, the other registers are set; prints AH
        mov ax, %1
        call do_call
%endmacro

FRAME equ 0D000h

main:   TEXT 'by name'
        mov ax, 3567h
        int 21h
        mov di, 10
        mov si, name
        mov cx, 8
        repe cmpsb
        push cs
        pop es
        TELL 'there', e
        NEWLINE
        cmp byte [told], 1
        jne exit
        TEXT 'by handle'
        mov dx, name
        mov ax, 3D00h
        int 21h
        TELL 'opened', nc
        mov bx, ax
        mov ax, 4400h
        int 21h
        test dl, 80h
        TELL 'device', nz
        mov ax, 4407h
        int 21h
        cmp al, 0FFh
        TELL 'ready', e
        mov ah, 3Eh
        int 21h
        TELL 'closed', nc
        NEWLINE

        TEXT '40 status'
        CALLE 4000h
        NEWLINE
        TEXT '41 page frame'
        CALLE 4100h
        mov ax, [r_bx]
        mov [frame], ax
        test ax, 3FFh
        TELL 'aligned', z
        NEWLINE
        TEXT '42 pages'
        CALLE 4200h
        mov ax, [r_bx]
        mov [free], ax
        mov dx, [r_dx]
        mov [all], dx
        cmp ax, 64
        TELL 'enough', ae
        cmp ax, dx
        TELL 'not more than all', be
        NEWLINE
        TEXT '46 version'
        CALLE 4600h
        TEXT ' AL='
        HEX8 [r_ax]
        NEWLINE
        TEXT '4B handles'
        CALLE 4B00h
        mov ax, [r_bx]
        mov [handles], ax
        NEWLINE

; --- pages ---
        TEXT '43 nothing'
        mov bx, 0
        CALLE 4300h
        NEWLINE
        TEXT '43 more than there is'
        mov bx, 0FFF0h
        CALLE 4300h
        NEWLINE
        TEXT '43 allocate 8'
        mov bx, 8
        CALLE 4300h
        mov ax, [r_dx]
        mov [a], ax
        NEWLINE
        TEXT '43 allocate 4'
        mov bx, 4
        CALLE 4300h
        mov ax, [r_dx]
        mov [b], ax
        cmp ax, [a]
        TELL 'another handle', ne
        NEWLINE
        TEXT '43 more than is free'
        mov bx, [free]
        CALLE 4300h
        NEWLINE
        mov ax, 4200h
        call silent
        mov ax, [free]
        sub ax, [r_bx]
        TEXT '42 taken '
        HEX16 ax
        NEWLINE
        mov ax, 4B00h
        call silent
        mov ax, [r_bx]
        sub ax, [handles]
        TEXT '4B more '
        HEX16 ax
        NEWLINE
        TEXT '4C pages'
        mov dx, [a]
        CALLE 4C00h
        TEXT ' '
        HEX16 [r_bx]
        NEWLINE
        TEXT '4C unknown handle'
        mov dx, 0F0h
        CALLE 4C00h
        NEWLINE
        TEXT '4D all pages'
        mov di, buffer
        CALLE 4D00h
        mov cx, [r_bx]
        mov bx, [a]
        call find_pages
        mov bx, [b]
        call find_pages
        NEWLINE

; --- mapping ---
        mov byte [i], 0                 ; page i of a: all bytes 10h + i
.fill:  mov al, 0
        mov bl, [i]
        mov bh, 0
        mov dx, [a]
        call map
        mov al, [i]
        add al, 10h
        call fill_place0
        inc byte [i]
        cmp byte [i], 8
        jb .fill
        TEXT '44 page 5 at 0, 6 at 1, 7 at 2, 5 at 3'
        mov bx, 5
        mov al, 0
        call map_a
        mov bx, 6
        mov al, 1
        call map_a
        mov bx, 7
        mov al, 2
        call map_a
        mov bx, 5
        mov al, 3
        call map_a
        call tell_places
        TEXT '  a store at 0 shows at 3 '
        mov es, [frame]
        mov byte [es:123h], 99h
        HEX8 [es:0C123h]
        mov word [es:0FFFEh], 7788h
        HEX16 [es:3FFEh]
        push cs
        pop es
        NEWLINE
        TEXT '  a store over the border of two places '
        mov es, [frame]
        mov dword [es:3FFEh], 0A1B2C3D4h
        HEX16 [es:4000h]
        HEX16 [es:0FFFEh]
        push cs
        pop es
        NEWLINE
        TEXT '44 page 7 at 0'
        mov bx, 7
        mov al, 0
        call map_a
        call tell_places
        TEXT '44 the place is out of range'
        mov bx, 0
        mov al, 4
        call map_a
        NEWLINE
        TEXT '44 the page is out of range'
        mov bx, 8
        mov al, 0
        call map_a
        NEWLINE
        TEXT '44 unknown handle'
        mov dx, 0F0h
        mov bx, 0
        CALLE 4400h
        NEWLINE
        TEXT '44 unmap at 1'
        mov bx, 0FFFFh
        mov al, 1
        call map_a
        NEWLINE
        TEXT '  6 at 1 again'
        mov bx, 6
        mov al, 1
        call map_a
        call tell_places

; --- saving ---
        TEXT '48 restore what was not saved'
        mov dx, [b]
        CALLE 4800h
        NEWLINE
        TEXT '47 save'
        mov dx, [b]
        CALLE 4700h
        NEWLINE
        TEXT '47 save again'
        mov dx, [b]
        CALLE 4700h
        NEWLINE
        TEXT '47 unknown handle'
        mov dx, 0F0h
        CALLE 4700h
        NEWLINE
        mov bx, 1
        mov ax, 4300h
        call silent
        mov ax, [r_dx]
        mov [c], ax
        mov dx, [c]
        mov ax, 4700h
        call silent
        TEXT '45 while it is saved'
        mov dx, [c]
        CALLE 4500h
        NEWLINE
        mov dx, [c]
        mov ax, 4800h
        call silent
        mov dx, [c]
        mov ax, 4500h
        call silent
        mov bx, 0
        mov al, 0
        call quiet_map_a
        mov bx, 1
        mov al, 3
        call quiet_map_a
        TEXT '48 restore'
        mov dx, [b]
        CALLE 4800h
        call tell_places
        TEXT '48 unknown handle'
        mov dx, 0F0h
        CALLE 4800h
        NEWLINE
        TEXT '4E03 size'
        CALLE 4E03h
        cmp byte [r_ax], 64
        TELL 'small', be
        NEWLINE
        TEXT '4E00 get'
        mov di, context
        CALLE 4E00h
        NEWLINE
        mov bx, 0
        mov al, 0
        call quiet_map_a
        mov bx, 1
        mov al, 1
        call quiet_map_a
        TEXT '4E02 get and set'
        mov si, context
        mov di, context2
        CALLE 4E02h
        call tell_places
        TEXT '4E01 set'
        mov si, context2
        CALLE 4E01h
        call tell_places
        TEXT '4E04'
        CALLE 4E04h
        NEWLINE
        TEXT '4E01 set what is damaged'
        mov word [context], 0FEDCh
        mov word [context + 2], 0BA98h
        mov si, context
        CALLE 4E01h
        NEWLINE
        TEXT '4F02 size of two'
        mov bx, 2
        CALLE 4F02h
        cmp byte [r_ax], 64
        TELL 'small', be
        NEWLINE
        TEXT '4F02 size of 99'
        mov bx, 99
        CALLE 4F02h
        NEWLINE
        mov ax, [frame]
        mov word [partial], 2
        add ax, 400h
        mov [partial + 2], ax
        add ax, 800h
        mov [partial + 4], ax
        TEXT '4F00 get 1 and 3'
        mov si, partial
        mov di, context
        CALLE 4F00h
        NEWLINE
        mov bx, 2
        mov al, 0
        call quiet_map_a
        mov bx, 3
        mov al, 1
        call quiet_map_a
        mov bx, 4
        mov al, 3
        call quiet_map_a
        TEXT '4F01 set them'
        mov si, context
        CALLE 4F01h
        call tell_places
        TEXT '4F00 get what is no place'
        mov word [partial + 4], 1000h
        mov si, partial
        mov di, context
        CALLE 4F00h
        NEWLINE
        TEXT '4F00 get too many'
        mov word [partial], 500
        mov si, partial
        mov di, context
        CALLE 4F00h
        NEWLINE
        TEXT '4F03'
        CALLE 4F03h
        NEWLINE

; --- several at once ---
        TEXT '5000 four pages'
        mov dx, [a]
        mov cx, 4
        mov si, four
        CALLE 5000h
        call tell_places
        mov ax, [frame]
        mov [by_segment + 2], ax
        add ax, 0C00h
        mov [by_segment + 6], ax
        TEXT '5001 two by segment'
        mov dx, [a]
        mov cx, 2
        mov si, by_segment
        CALLE 5001h
        call tell_places
        TEXT '5000 none'
        mov dx, [a]
        mov cx, 0
        mov si, four
        CALLE 5000h
        NEWLINE
        TEXT '5000 unknown handle'
        mov dx, 0F0h
        mov cx, 1
        mov si, four
        CALLE 5000h
        NEWLINE
        TEXT '5000 the page is out of range'
        mov dx, [b]
        mov cx, 4
        mov si, bad_page
        CALLE 5000h
        NEWLINE
        TEXT '5000 the place is out of range'
        mov dx, [a]
        mov cx, 1
        mov si, bad_place
        CALLE 5000h
        NEWLINE
        TEXT '5001 the segment is no place'
        mov dx, [a]
        mov cx, 1
        mov si, bad_place
        CALLE 5001h
        NEWLINE
        TEXT '5002'
        CALLE 5002h
        NEWLINE
        TEXT '5801 places'
        CALLE 5801h
        TEXT ' '
        HEX16 [r_cx]
        NEWLINE
        TEXT '5800 places'
        mov di, buffer
        CALLE 5800h
        TEXT ' '
        HEX16 [r_cx]
        mov ax, [buffer + 12]
        sub ax, [frame]
        TEXT ' last '
        HEX16 ax
        TEXT ' is '
        HEX16 [buffer + 14]
        NEWLINE
        TEXT '5802'
        CALLE 5802h
        NEWLINE

; --- other sizes ---
        TEXT '51 more'
        mov dx, [a]
        mov bx, 12
        CALLE 5100h
        TEXT ' '
        HEX16 [r_bx]
        mov bx, 5
        mov al, 0
        call map_a
        call tell_places
        TEXT '51 more than is free'
        mov dx, [a]
        mov bx, [free]
        CALLE 5100h
        TEXT ' '
        HEX16 [r_bx]
        NEWLINE
        TEXT '51 more than there is'
        mov dx, [a]
        mov bx, 0FFF0h
        CALLE 5100h
        NEWLINE
        TEXT '51 fewer'
        mov dx, [a]
        mov bx, 8
        CALLE 5100h
        TEXT ' '
        HEX16 [r_bx]
        NEWLINE
        TEXT '51 none'
        mov dx, [b]
        mov bx, 0
        CALLE 5100h
        TEXT ' '
        HEX16 [r_bx]
        NEWLINE
        TEXT '51 and back'
        mov dx, [b]
        mov bx, 4
        CALLE 5100h
        TEXT ' '
        HEX16 [r_bx]
        NEWLINE
        TEXT '51 unknown handle'
        mov dx, 0F0h
        mov bx, 4
        CALLE 5100h
        NEWLINE

; --- attributes and names ---
        TEXT '5200 attribute'
        mov dx, [a]
        CALLE 5200h
        TEXT ' AL='
        HEX8 [r_ax]
        NEWLINE
        TEXT '5201 volatile'
        mov dx, [a]
        mov bx, 0
        CALLE 5201h
        NEWLINE
        TEXT '5201 not volatile'
        mov dx, [a]
        mov bx, 1
        CALLE 5201h
        NEWLINE
        TEXT '5201 something else'
        mov dx, [a]
        mov bx, 2
        CALLE 5201h
        NEWLINE
        TEXT '5202 capability'
        CALLE 5202h
        TEXT ' AL='
        HEX8 [r_ax]
        NEWLINE
        TEXT '5200 unknown handle'
        mov dx, 0F0h
        CALLE 5200h
        NEWLINE
        TEXT '5203'
        CALLE 5203h
        NEWLINE
        TEXT '5301 set name'
        mov dx, [a]
        mov si, name_a
        CALLE 5301h
        NEWLINE
        TEXT '5301 the same name'
        mov dx, [b]
        mov si, name_a
        CALLE 5301h
        NEWLINE
        TEXT '5301 unknown handle'
        mov dx, 0F0h
        mov si, name_a
        CALLE 5301h
        NEWLINE
        TEXT '5300 get name'
        mov dx, [a]
        mov di, buffer
        CALLE 5300h
        mov si, buffer
        mov di, name_a
        mov cx, 8
        repe cmpsb
        TELL 'right', e
        NEWLINE
        TEXT '5300 unknown handle'
        mov dx, 0F0h
        mov di, buffer
        CALLE 5300h
        NEWLINE
        TEXT '5302'
        mov dx, [a]
        CALLE 5302h
        NEWLINE
        TEXT '5401 search'
        mov si, name_a
        CALLE 5401h
        mov ax, [a]
        cmp ax, [r_dx]
        TELL 'right', e
        NEWLINE
        TEXT '5401 search what is not there'
        mov si, name
        CALLE 5401h
        NEWLINE
        TEXT '5401 search no name'
        mov si, zeros
        CALLE 5401h
        NEWLINE
        TEXT '5400 directory'
        mov di, buffer
        CALLE 5400h
        mov cl, [r_ax]
        mov ch, 0
        mov ax, [handles]
        add ax, 2
        cmp ax, cx
        TELL 'all', e
        mov si, buffer
.look:  lodsw
        cmp ax, [a]
        je .found
        add si, 8
        loop .look
.found: mov di, name_a
        mov cx, 8
        repe cmpsb
        TELL 'named', e
        NEWLINE
        TEXT '5402 handles'
        CALLE 5402h
        cmp word [r_bx], 64
        TELL 'enough', ae
        NEWLINE
        TEXT '5403'
        CALLE 5403h
        NEWLINE

%include "emsmove.inc"

; --- jumps and calls ---
        mov [back + 2], cs              ; code in page 2 of b: counts, and returns
        mov dx, [b]
        mov bx, 2
        mov al, 0
        call map
        mov es, [frame]
        mov di, 100h
        mov si, in_page
        mov cx, in_page_end - in_page
        rep movsb
        push cs
        pop es
        mov ax, [frame]
        mov [target + 2], ax
        mov [list + 2], cs
        mov [old_list + 2], cs
        mov bx, 5
        mov al, 0
        call quiet_map_a
        TEXT '5602 stack'
        CALLE 5602h
        cmp word [r_bx], 0
        TELL 'some', ne
        NEWLINE
        TEXT '5600 call'
        mov word [pages], 2
        mov word [pages + 2], 0
        mov word [old_pages], 1
        mov word [old_pages + 2], 1
        mov dx, [b]
        mov si, jump
        mov cx, 1111h
        mov [sp_was], sp
        stc
        CALLE 5600h
        cmp sp, [sp_was]
        TELL 'stack', e
        TEXT ' CX='
        HEX16 [r_cx]
        call tell_places
        TEXT '5601 call by segment'
        mov ax, [frame]
        mov [pages + 2], ax
        add ax, 0C00h
        mov [old_pages + 2], ax
        mov dx, [b]
        mov si, jump
        mov cx, 2222h
        CALLE 5601h
        TEXT ' CX='
        HEX16 [r_cx]
        call tell_places
        TEXT '5600 call a page that is out of range'
        mov word [pages], 9
        mov word [pages + 2], 0
        mov dx, [b]
        mov si, jump
        CALLE 5600h
        NEWLINE
        TEXT '5600 unknown handle'
        mov dx, 0F0h
        mov si, jump
        CALLE 5600h
        NEWLINE
        TEXT '5603'
        mov dx, [b]
        mov si, jump
        CALLE 5603h
        NEWLINE
        TEXT '5500 jump to a page that is out of range'
        mov dx, [b]
        mov si, jump
        CALLE 5500h
        NEWLINE
        TEXT '5502'
        mov dx, [b]
        mov si, jump
        CALLE 5502h
        NEWLINE
        TEXT '5500 jump'
        mov word [pages], 2
        mov word [target], 100h + jumped - in_page
        mov dx, [b]
        mov si, jump
        mov cx, 3333h
        mov [sp_was], sp
        stc
        mov ax, 5500h
        int 67h
        TEXT ' not jumped'
here:   call keep
        TELL 'carry', c
        TEXT ' AH='
        HEX8 [r_ax + 1]
        TEXT ' CX='
        HEX16 [r_cx]
        mov sp, [sp_was]
        NEWLINE

; --- for operating systems ---
        TEXT '5900 hardware'
        mov di, buffer
        CALLE 5900h
        TEXT ' page '
        HEX16 [buffer]
        TEXT ' sets '
        HEX16 [buffer + 2]
        NEWLINE
        TEXT '5901 raw pages'
        CALLE 5901h
        mov ax, [all]
        cmp ax, [r_dx]
        TELL 'all', e
        NEWLINE
        TEXT '5902'
        CALLE 5902h
        NEWLINE
        TEXT '5A00 no pages'
        mov bx, 0
        CALLE 5A00h
        mov ax, [r_dx]
        mov [c], ax
        NEWLINE
        TEXT '4C pages'
        mov dx, [c]
        CALLE 4C00h
        TEXT ' '
        HEX16 [r_bx]
        NEWLINE
        TEXT '45 free'
        mov dx, [c]
        CALLE 4500h
        NEWLINE
        TEXT '5A01 raw pages'
        mov bx, 2
        CALLE 5A01h
        mov ax, [r_dx]
        mov [c], ax
        NEWLINE
        TEXT '45 free'
        mov dx, [c]
        CALLE 4500h
        NEWLINE
        TEXT '5A00 more than there is'
        mov bx, 0FFF0h
        CALLE 5A00h
        NEWLINE
        TEXT '5A00 more than is free'
        mov bx, [all]
        CALLE 5A00h
        NEWLINE
        TEXT '5A02'
        mov bx, 1
        CALLE 5A02h
        NEWLINE
        TEXT '5B03 allocate a register set'
        CALLE 5B03h
        TEXT ' BL='
        HEX8 [r_bx]
        NEWLINE
        TEXT '5B02 size'
        CALLE 5B02h
        cmp word [r_dx], 0
        TELL 'some', ne
        NEWLINE
        TEXT '5B01 set 1'
        mov bx, 1
        mov di, buffer
        CALLE 5B01h
        NEWLINE
        mov bx, 5
        mov al, 0
        call quiet_map_a
        mov ax, 4E00h
        mov di, context
        call silent
        mov bx, 6
        mov al, 0
        call quiet_map_a
        TEXT '5B01 set 0 from a context'
        mov bx, 0
        mov di, context
        CALLE 5B01h
        call tell_places
        TEXT '5B00 get'
        CALLE 5B00h
        TEXT ' BL='
        HEX8 [r_bx]
        cmp word [r_di], context
        TELL 'the context', e
        NEWLINE
        TEXT '5B01 no context'
        push es
        xor ax, ax
        mov es, ax
        mov bx, 0
        mov di, 0
        CALLE 5B01h
        pop es
        NEWLINE
        TEXT '5B04 free set 1'
        mov bx, 1
        CALLE 5B04h
        NEWLINE
        TEXT '5B05 allocate DMA set'
        CALLE 5B05h
        TEXT ' BL='
        HEX8 [r_bx]
        NEWLINE
        TEXT '5B06 DMA with set 1'
        mov bx, 1
        mov dx, 1
        CALLE 5B06h
        NEWLINE
        TEXT '5B07 no DMA with set 0'
        mov bx, 0
        CALLE 5B07h
        NEWLINE
        TEXT '5B08 free DMA set 1'
        mov bx, 1
        CALLE 5B08h
        NEWLINE
        TEXT '5B09'
        CALLE 5B09h
        NEWLINE
        TEXT '5C prepare for warm boot'
        CALLE 5C00h
        NEWLINE
        TEXT '5D01 disable'
        mov bx, 0
        mov cx, 0
        CALLE 5D01h
        mov ax, [r_bx]
        mov [key], ax
        mov ax, [r_cx]
        mov [key + 2], ax
        NEWLINE
        TEXT '5900 is denied'
        mov di, buffer
        CALLE 5900h
        NEWLINE
        TEXT '5B00 is denied'
        CALLE 5B00h
        NEWLINE
        TEXT '5D00 enable without the key'
        mov bx, [key]
        mov cx, [key + 2]
        inc cx
        CALLE 5D00h
        NEWLINE
        TEXT '5D00 enable'
        mov bx, [key]
        mov cx, [key + 2]
        CALLE 5D00h
        NEWLINE
        TEXT '5900 hardware'
        mov di, buffer
        CALLE 5900h
        NEWLINE
        TEXT '5D02 return the key'
        mov bx, [key]
        mov cx, [key + 2]
        CALLE 5D02h
        NEWLINE
        TEXT '5D02 again'
        mov bx, [key]
        mov cx, [key + 2]
        CALLE 5D02h
        NEWLINE
        TEXT '5D03'
        CALLE 5D03h
        NEWLINE

; --- the end ---
        TEXT '43 handles until there are none'
        mov word [count], 0
.more:  mov bx, 0
        mov ax, 5A00h
        call silent
        cmp byte [r_ax + 1], 0
        jne .full
        mov di, [count]
        add di, di
        mov ax, [r_dx]
        mov [buffer + di], ax
        inc word [count]
        cmp word [count], 300
        jb .more
.full:  TEXT ' AH='
        HEX8 [r_ax + 1]
        NEWLINE
.free:  cmp word [count], 0
        je .freed
        dec word [count]
        mov di, [count]
        add di, di
        mov dx, [buffer + di]
        mov ax, 4500h
        call silent
        jmp .free
.freed: TEXT '45 free'
        mov dx, [a]
        CALLE 4500h
        NEWLINE
        TEXT '45 free'
        mov dx, [b]
        CALLE 4500h
        NEWLINE
        TEXT '45 free again'
        mov dx, [b]
        CALLE 4500h
        NEWLINE
        mov ax, 4200h
        call silent
        mov ax, [r_bx]
        cmp ax, [free]
        TEXT '42'
        TELL 'all is back', e
        NEWLINE
        mov ax, 4B00h
        call silent
        mov ax, [r_bx]
        cmp ax, [handles]
        TEXT '4B'
        TELL 'all are back', e
        NEWLINE
        TEXT '49 unknown function'
        CALLE 4900h
        NEWLINE
        TEXT '4A unknown function'
        CALLE 4A00h
        NEWLINE
        TEXT '3F unknown function'
        CALLE 3F00h
        NEWLINE
        TEXT '5E unknown function'
        CALLE 5E00h
        NEWLINE
exit:   mov ax, 4C00h
        int 21h

do_call:
        int 67h
        call keep
        TEXT ' AH='
        HEX8 [r_ax + 1]
        ret

silent: int 67h
        jmp keep

; AL: place, BX: page of a.
map_a:  mov ah, 44h
        mov dx, [a]
        jmp do_call

quiet_map_a:
        mov dx, [a]
; of DX
map:    mov ah, 44h
        int 67h
        ret

; The byte in the middle of each place.
tell_places:
        push es
        mov es, [frame]
        TEXT ' shows '
        HEX8 [es:2000h]
        TEXT ' '
        HEX8 [es:6000h]
        TEXT ' '
        HEX8 [es:0A000h]
        TEXT ' '
        HEX8 [es:0E000h]
        pop es
        NEWLINE
        ret

; All of place 0 becomes AL.
fill_place0:
        push es
        mov es, [frame]
        xor di, di
        mov cx, 4000h
        rep stosb
        pop es
        ret

; CX entries in the buffer; prints the pages of handle BX.
find_pages:
        pusha
        mov si, buffer
.next:  lodsw
        mov dx, ax
        lodsw
        cmp dx, bx
        je .found
        loop .next
        mov ax, 0FFFFh
.found: TEXT ' '
        HEX16 ax
        popa
        ret

; Runs in a page; returns far.
in_page:
        inc cx
        retf
jumped: inc cx
        inc cx
        jmp far [cs:in_page_back - in_page + 100h]
in_page_back equ $
back:   dw here, 0
in_page_end:

name:   db 'EMMXXXX0', 0
name_a: db 'HANDLE A'
zeros:  times 8 db 0
four:   dw 7, 0, 6, 1, 5, 2, 4, 3
by_segment: dw 0, 0, 1, 0
bad_page: dw 0, 0, 1, 1, 2, 2, 4, 3
bad_place: dw 0, 4
jump:
target: dw 100h, 0
        db 1
list:   dw pages, 0
        db 1
old_list: dw old_pages, 0
        times 8 db 0
pages:  dw 0, 0
old_pages: dw 0, 0
frame:  dw 0
free:   dw 0
all:    dw 0
handles: dw 0
a:      dw 0
b:      dw 0
c:      dw 0
count:  dw 0
sp_was: dw 0
key:    dd 0
partial: dw 0, 0, 0
i:      db 0
        align 2
context: times 128 db 0
context2: times 128 db 0
buffer equ $
low_memory equ $ + 4096
