; The part of the mouse driver that is in guest memory: INT 33h, and what the BIOS calls when the pointing device has sent a packet.
; src/dos/mouse.c has the rest.

MOUSE_RESET equ 0
MOUSE_ENABLE equ 20h
MOUSE_HARDWARE_RESET equ 2Fh

; The device is started when a program asks for the mouse for the first time: most never do. Who asks for a reset gets it back from
; whoever else took the pointing device from the BIOS meanwhile.
int33:  cmp byte [cs:mouse_there], 0
        je .start
        cmp ax, MOUSE_RESET
        je .start
        cmp ax, MOUSE_ENABLE
        je .start
        cmp ax, MOUSE_HARDWARE_RESET
        jne .there
.start: call mouse_start
.there: monitor at_int33
        iret

mouse_start:
        pushad
        push es
        call take_int10
        mov byte [cs:mouse_there], 2    ; there is none
        mov ax, 0C205h                  ; reset, packets of three bytes
        mov bh, 3
        int 15h
        jc .done
        push cs
        pop es
        mov bx, mouse_packet
        mov ax, 0C207h                  ; whom to call
        int 15h
        jc .done
        mov ax, 0C200h                  ; on
        mov bh, 1
        int 15h
        jc .done
        mov byte [cs:mouse_there], 1
.done:  pop es
        popad
        ret

; INT 10h goes through here from then on; and again, if a program has put it back as it was: as it was before that, or as the firmware had
; made it. Whoever has taken it since calls this, or has no use for a mouse.
take_int10:
        push ds
        xor bx, bx
        mov ds, bx
        mov eax, [10h * 4]
        cmp eax, [cs:bios_int10]
        je .take
        cmp eax, [cs:old_int10]
        je .take
        cmp dword [cs:old_int10], 0
        jne .done
.take:  mov [cs:old_int10], eax
        mov word [10h * 4], int10
        mov [10h * 4 + 2], cs
.done:  pop ds
        ret

; A mode is set, perhaps the one that is set already: the cursor goes with the picture.
int10:  test ah, ah
        jnz int10_old
        monitor at_mode_set
int10_old:
        jmp far [cs:old_int10]

; On the stack behind the far return: a word that is zero, the third byte of the packet, its second, its first. The monitor answers with
; the registers of the program's handler, if it is to be called; else AX = 0.
mouse_packet:
        pushad
        push ds
        push es
        mov bp, sp
        mov cx, [bp + 36 + 4 + 2]
        mov bx, [bp + 36 + 4 + 4]
        mov ax, [bp + 36 + 4 + 6]
        monitor at_mouse_packet
        test ax, ax
        jz .done
        push cs
        pop ds
        cld
        call far [cs:mouse_handler]
.done:  pop es
        pop ds
        popad
        retf

mouse_handler: dd 0
old_int10: dd 0
bios_int10: dd 0
mouse_there: db 0       ; 1: it works, 2: it does not
