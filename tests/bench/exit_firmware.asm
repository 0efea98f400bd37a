; exit_firmware - just enough firmware to start the guest bench-exits at once:
; a 64 KiB image at F000:0000 that carries the guest, copies it to 0000:7C00 and
; jumps to it. The disk services say "done" (all of the guest is there already),
; the video service sets the few registers that decide what a store to A0000h
; means. There is no boot to subtract from a measurement, and the same image
; runs under huddle and in a bare KVM_RUN loop.

    cpu 386
    bits 16
    org 0

GUEST_AT        equ 7C00h
GUEST_BYTES     equ 2000h
FIRMWARE_SEG    equ 0F000h
STACK_TOP       equ 7C00h

SEQ_INDEX       equ 3C4h
GC_INDEX        equ 3CEh
MISC_WRITE      equ 3C2h

guest:
    incbin GUEST_IMAGE, 0, GUEST_BYTES

start:
    cli
    cld
    xor ax, ax
    mov ss, ax
    mov sp, STACK_TOP
    mov es, ax
    mov ax, FIRMWARE_SEG
    mov ds, ax
    mov word [es:10h * 4], video
    mov [es:10h * 4 + 2], ax
    mov word [es:13h * 4], disk
    mov [es:13h * 4 + 2], ax
    mov si, guest
    mov di, GUEST_AT
    mov cx, GUEST_BYTES / 4
    rep movsd
    xor ax, ax
    mov ds, ax
    xor dx, dx                  ; booted from floppy A:
    jmp 0:GUEST_AT

disk:
    push bp
    mov bp, sp
    and word [bp + 6], 0FFFEh   ; CF of the caller's flags
    pop bp
    xor ah, ah
    iret

; AH = 0: mode 12h or 13h as far as memory goes; others: nothing.
video:
    pusha
    push ds
    push cs
    pop ds
    mov si, mode_13h
    and al, 7Fh
    cmp al, 13h
    je .set
    mov si, mode_12h
.set:
    mov dx, MISC_WRITE
    mov al, 63h
    out dx, al
    lodsw
    mov dx, SEQ_INDEX
    out dx, ax
    lodsw
    out dx, ax
    mov dx, GC_INDEX
    mov cx, 5
.gc:
    lodsw
    out dx, ax
    loop .gc
    pop ds
    popa
    iret

; index, value: map mask and memory mode; then set/reset enable, function, mode,
; memory map, bit mask
mode_12h:   db 2, 0Fh, 4, 06h, 1, 0, 3, 0, 5, 00h, 6, 05h, 8, 0FFh
mode_13h:   db 2, 0Fh, 4, 0Eh, 1, 0, 3, 0, 5, 40h, 6, 05h, 8, 0FFh

    times 0FFF0h - ($ - $$) db 0
    jmp FIRMWARE_SEG:start
    times 10000h - ($ - $$) db 0
