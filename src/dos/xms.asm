; Extended memory, as HIMEM.SYS gives it out: included by stub.asm.

; The address that INT 2Fh AX=4310h tells. Programs that want to be asked first overwrite the jump with a far one to
; themselves, five bytes.
xms_entry:
        jmp short .call
        nop
        nop
        nop
.call:  monitor at_xms
        retf

; INT 15h AH=88h: there is no extended memory beside what XMS gives out.
int15:  cmp ah, 88h
        je .size
        jmp far [cs:old_int15]
.size:  push bp
        mov bp, sp
        and byte [bp + 6], 0FEh  ; the caller's carry
        pop bp
        xor ax, ax
        iret

old_int15: dd 0
