; resets - triple faults, and resets after which a program goes on: IBM PC AT
; Technical Reference, "Shutdown".
;
; guest_flag:
;     0  a triple fault
;     1  the same, the BIOS's warm start asked for before (1234h at 0040:0072)
;     2  back by shutdown code 0Ah: JMP to where 0040:0067 points
;     3  back by shutdown code 05h out of a handler of IRQ0: the firmware owes
;        the interrupt controllers an EOI
;     4  a triple fault with a shutdown code that no one comes back by
; guest_param, of 2 and 3: how. 0 the 8042's pulse, 1 port 92h, 2 a triple
; fault in protected mode.
; Exit codes: 0 the machine was started again (0, 1, 4) or the program came back
; (2, 3) to a machine that is as it was; 1 the processor just went on; 2 a start
; instead of a return; 3 the interrupt controller's mask is not ours any more;
; 4 no ticks.

MARK            equ 9000h       ; in HIGH_SEG: above 1 MiB, where the firmware keeps nothing
MARKED          equ 0B007h
HIGH_SEG        equ 0FFFFh
TICKS           equ 46Ch
RESUME          equ 467h
RESET_FLAG      equ 472h
WARM            equ 1234h
INT8            equ 8 * 4
CMOS_INDEX      equ 70h
CMOS_DATA       equ 71h
CMOS_SHUTDOWN   equ 0Fh
SHUTDOWN_EOI    equ 5
SHUTDOWN_JUMP   equ 0Ah
SHUTDOWN_OTHER  equ 1
PORT_92         equ 92h
KBC_COMMAND     equ 64h
KBC_PULSE_RESET equ 0FEh
PIC1_MASK       equ 21h
OUR_MASK        equ 0B8h        ; IRQ0, 1, 2 and 6 are let in

%include "boot.inc"

guest_main:
    mov ax, HIGH_SEG
    mov es, ax
    cmp word [es:MARK], MARKED
    mov word [es:MARK], MARKED
    je .again
    mov al, [guest_flag]
    cmp al, 1
    jb triple_fault
    je .warm
    cmp al, 3
    jb .jump
    je .from_handler
    mov al, SHUTDOWN_OTHER
    call shutdown_code
    jmp triple_fault
.warm:
    mov word [RESET_FLAG], WARM
    jmp triple_fault
.jump:
    mov al, SHUTDOWN_JUMP
    call prepare
    jmp reset
.from_handler:
    mov word [INT8], on_tick
    mov word [INT8 + 2], 0
    mov al, SHUTDOWN_EOI
    call prepare
    sti
.wait:
    hlt
    jmp .wait
.again:
    mov word [es:MARK], 0
    mov al, [guest_flag]
    cmp al, 2
    je .started
    cmp al, 3
    je .started
    exit_with 0
.started:
    exit_with 2

on_tick:                        ; no EOI: the next tick comes only if the firmware makes one
    inc word [taken]
    cmp word [taken], 1
    je reset
    push ax
    inc dword [TICKS]
    mov al, 20h
    out 20h, al
    pop ax
    iret
taken: dw 0

; AL: the shutdown code. Interrupts are off, the mask is ours.
prepare:
    cli
    call shutdown_code
    mov word [RESUME], resumed
    mov word [RESUME + 2], 0
    mov al, OUR_MASK
    out PIC1_MASK, al
    ret

shutdown_code:
    mov ah, al
    mov al, CMOS_SHUTDOWN
    out CMOS_INDEX, al
    mov al, ah
    out CMOS_DATA, al
    ret

reset:
    cmp byte [guest_param], 1
    jb .pulse
    ja triple_fault
    in al, PORT_92
    and al, ~1
    out PORT_92, al
    or al, 1
    out PORT_92, al
    jmp .not_reset
.pulse:
    mov al, KBC_PULSE_RESET
    out KBC_COMMAND, al
.not_reset:
    mov cx, 100
.delay:
    out DELAY_PORT, al
    loop .delay
    exit_with 1

resumed:
    xor ax, ax
    mov ds, ax
    mov ss, ax
    mov sp, boot_start
    cld
    in al, PIC1_MASK
    cmp al, OUR_MASK
    fail_if ne, 3
    mov eax, [TICKS]
    mov cx, 5
    sti
.tick:
    hlt
    loop .tick
    cmp eax, [TICKS]
    fail_if e, 4
    push HIGH_SEG
    pop es
    mov word [es:MARK], 0
    exit_with 0

triple_fault:
    cli
    lgdt [gdt_pointer]
    lidt [no_idt]
    mov eax, cr0
    or al, 1
    mov cr0, eax
    jmp 8:.protected
    bits 32
.protected:
    int3
    mov al, 1
    out EXIT_PORT, al
    jmp $
    bits 16

    align 8
gdt:
    dq 0
    dq 00CF9B000000FFFFh        ; 8: code, flat, 32 bits
    dq 00CF93000000FFFFh        ; 16: data, flat
gdt_pointer:
    dw gdt_pointer - gdt - 1
    dd gdt
no_idt:
    dw 0
    dd 0

    guest_end
