; Functions that need no movement, in every mode. Lines with ! answer what this driver answers, the others what any does.
%include "print.inc"

begin:  mov ax, 3
        int 10h
        mov si, present
        call vector
        mov si, list
        call functions
        call exchange
        call state
        call same_mode
        mov si, modes
.mode:  lodsb
        cmp al, 0FFh
        je exit
        mov ah, 0
        int 10h
        push si
        mov si, in_mode
        call functions
        pop si
        jmp .mode

; Is there a handler, and not just an IRET? This is how programs look for a driver.
vector: mov ax, 3533h
        int 21h
        mov ax, es
        or ax, bx
        jz .none
        cmp byte [es:bx], 0CFh
        je .none
        call text
.none:  push cs
        pop es
        ret

; A handler is given back by who takes its place.
exchange:
        mov ax, 0Ch
        mov cx, 5
        mov dx, 1234h
        int 33h
        mov cx, 9
        mov dx, 4321h
        call .take
        mov cx, 0
.take:  mov si, exchanged
        call text
        mov ax, 14h
        mov bx, 0
        int 33h
        mov si, es
        mov di, cs
        cmp si, di
        je .ours
        mov bx, 1
.ours:  push cs
        pop es
        call registers
        call newline
        ret

; The state survives a reset.
state:  mov ax, 15h
        mov bx, 0
        int 33h
        cmp bx, buffer_bytes
        ja .done
        mov si, saved
        call functions
        mov ax, 16h
        mov dx, buffer
        int 33h
        mov si, forgotten
        call functions
        mov ax, 17h
        mov dx, buffer
        int 33h
        mov si, restored
        call functions
        mov byte [buffer], 0    ; no state at all
        mov ax, 17h
        mov dx, buffer
        int 33h
        mov si, restored_nothing
        call functions
.done:  ret

; The mode that is set already, set again: the cursor is gone, and a program may look for it anywhere again.
same_mode:
        mov si, shown
        call functions
        mov ax, 3
        int 10h
        mov si, set_again
        call functions
        ret

present: db 'there is a driver', 13, 10, 0
exchanged: db 'exchanged', 0

list:
        function '00 reset', 0
        function '~ 03 in the middle', 3
        function '26 screen', 26h
        function '31 ranges', 31h
        function '! 2A hot spot', 2Ah
        function '04 to 123, 77', 4, 0, 123, 77
        function '~ 03', 3
        function '04 to the left and up', 4, 0, -5, -5
        function '~ 03', 3
        function '04 too far', 4, 0, 1000, 1000
        function '~ 03', 3
        function '07 range', 7, 0, 104, 200
        function '~ 03', 3
        function '07 turned round', 7, 0, 303, 250
        function '~ 03', 3
        function '08 range', 8, 0, 40, 61
        function '~ 03', 3
        function '31', 31h
        function '05 presses, left', 5, 0
        function '05 presses, right', 5, 1
        function '06 releases, middle', 6, 2
        function '! 05 no such button', 5, 3
        function '0B motion', 0Bh
        function '0D light pen', 0Dh, 1, 2, 3
        function '0E light pen', 0Eh, 1, 2, 3
        function '0F ratio', 0Fh, 0, 4, 4
        function '10 exclusion', 10h, 1, 2, 3
        function '13 threshold', 13h, 0, 0, 100
        function '1A sensitivity', 1Ah, 40, 60, 70
        function '! 1B', 1Bh
        function '! 1A too much', 1Ah, 200, 0, 101
        function '! 1B', 1Bh
        function '1D page', 1Dh, 2
        function '1E', 1Eh
        function '1D page', 1Dh, 0
        function '22 language', 22h, 3
        function '23', 23h
        function '22', 22h, 0
        function '! 24 version', 24h
        function '! 25 information', 25h
        function '0A hardware cursor', 0Ah, 1, 2, 5
        function '! 25', 25h
        function '! 27 masks', 27h
        function '0A software cursor', 0Ah, 0, 0FFFFh, 7700h
        function '01 show', 1
        function '! 2A', 2Ah
        function '01 show', 1
        function '! 2A', 2Ah
        function '02 hide', 2
        function '02 hide', 2
        function '! 2A', 2Ah
        function '! 32 functions', 32h
        function '21 reset', 21h
        function '! 1B', 1Bh
        function '! 27', 27h
        function '~ 03', 3
        function '31', 31h
        function '! 18 alternate', 18h, 0, 25h, 1000h
        function '! 18 without a key', 18h, 0, 5h, 1000h
        function '! 18 another', 18h, 0, 41h, 1001h
        function '! 18 third', 18h, 0, 0E1h, 1002h
        function '! 18 too many', 18h, 0, 61h, 1003h
        function '! 18 the same mask', 18h, 0, 41h, 1004h
        function '! 19 unknown', 19h, 0, 61h, 0
        function '! 18 taken away', 18h, 0, 0E0h, 1002h
        function '! 19 none', 19h, 0, 0E1h, 0
        function '! 2F hardware reset', 2Fh, 1, 2, 3
        function '! 30 BallPoint', 30h, 1, 2, 3
        function '! 11 not there', 11h, 1, 2, 3
        function '! 12 not there', 12h, 1, 2, 3
        function '! 28 not there', 28h, 1, 2, 3
        function '! 29 not there', 29h, 1, 2, 3
        function '! 2B not there', 2Bh, 1, 2, 3
        function '! 2C not there', 2Ch, 1, 2, 3
        function '! 2D not there', 2Dh, 1, 2, 3
        function '! 2E not there', 2Eh, 1, 2, 3
        function '! 33 not there', 33h, 1, 2, 3
        function '! 34 not there', 34h, 1, 2, 3
        function '! 50 unknown', 50h, 1, 2, 3
        function '! FFFF unknown', 0FFFFh, 1, 2, 3
        db 0
saved:
        function '07', 7, 0, 16, 80
        function '04', 4, 0, 48, 48
        function '0A', 0Ah, 0, 1111h, 2222h
        db 0
forgotten:
        function '00', 0
        function '~ 03', 3
        db 0
restored:
        function '~ 17 restored', 3
        function '! 27', 27h
        function '31', 31h
        db 0
restored_nothing:
        function '! 17 not a state', 3
        db 0
shown:
        function '00', 0
        function '01', 1
        function '07', 7, 0, 16, 80
        function '! 2A shown', 2Ah
        db 0
set_again:
        function '! 2A hidden', 2Ah
        function '! 31 all of the screen', 31h
        db 0
in_mode:
        function '26 in this mode', 26h
        function '00', 0
        function '~ 03', 3
        function '26', 26h
        function '04', 4, 0, 101, 101
        function '~ 03', 3
        function '04', 4, 0, 639, 639
        function '~ 03', 3
        db 0
modes:  db 1, 2, 4, 5, 6, 7, 0Dh, 0Eh, 10h, 11h, 12h, 13h, 3, 0FFh

buffer_bytes equ 4096
buffer: times buffer_bytes db 0
