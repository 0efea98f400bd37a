; crash - a triple fault on purpose, in protected mode: the interrupt table has
; the limit 0, so INT3 cannot be delivered, nor the double fault that follows.
; For testing what a monitor says about it.
;
; At the fault: CR0.PE set, CS = 0008h, EIP at `boom`, EAX = DEADBEEFh, EBX =
; 12345678h, ESP = 7C00h. The guest never ends by itself; exit code 1 means
; that the processor went on behind the INT3.

%include "boot.inc"

guest_main:
    cli
    lgdt [gdt_pointer]
    lidt [no_idt]
    mov eax, cr0
    or al, 1
    mov cr0, eax
    jmp 8:.protected
    bits 32
.protected:
    mov ax, 16
    mov ds, ax
    mov es, ax
    mov ss, ax
    mov esp, boot_start
    mov eax, 0DEADBEEFh
    mov ebx, 12345678h
boom:
    int3
    mov al, 1
    out EXIT_PORT, al
    jmp $
    bits 16

    align 8
gdt:
    dq 0
    dq 00CF9B000000FFFFh        ; 8: code, flat, 32 bits; accessed, for not every emulator says so
    dq 00CF92000000FFFFh        ; 16: data, flat
gdt_pointer:
    dw gdt_pointer - gdt - 1
    dd gdt
no_idt:
    dw 0
    dd 0

    guest_end
