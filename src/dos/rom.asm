; The option ROM through which the firmware starts the built-in DOS: it takes INT 19h, the loading of an operating system, and tells
; the monitor when that is called. Phoenix/Compaq/Intel, BIOS Boot Specification 1.01, "RPL devices".
bits 16
cpu 386
org 0

DOS_PORT equ 0E7h
BYTES equ 512

        db 55h, 0AAh, BYTES / 512
        jmp init
        times 8 - ($ - $$) db 0
        dw at_boot      ; for the monitor: the address behind the OUT

init:   push ds
        push 0
        pop ds
        mov word [19h * 4], boot
        mov [19h * 4 + 2], cs
        pop ds
        retf

boot:   cli
        out DOS_PORT, al
at_boot:
        hlt
        jmp boot

        times BYTES - 1 - ($ - $$) db 0
        db 0            ; checksum: whoever builds the image sets it
