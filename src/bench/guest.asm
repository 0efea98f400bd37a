; guest.asm - what the guest of `huddle bench exits` executes: for each kind of exit a few instructions, over and over. Assembled
; twice: MODE=16 for real mode, MODE=64 for 64-bit mode. guest.h has the layout; entries are in the order of enum guest_entry.

CODE            equ 1000h
SAMPLES         equ 7000h       ; [BATCH] dwords: cycles of one round each
DATA            equ 9000h       ; DATA_BYTES: the strings
DATA_BYTES      equ 1000h
BATCH           equ 64
WINDOW_SPINS    equ 2000        ; longer than any KVM waits before it looks whether the window is open
NULL_PORT       equ 80h
COALESCED_PORT  equ 84h
DONE_PORT       equ 0F0h
FAULT_PORT      equ 0F1h
MMIO            equ 0A0000h
COALESCED_MMIO  equ 0A1000h

%if MODE = 16
SPINS           equ 512         ; a KVM may interpret them
    cpu 686
    bits 16
%define BX_     bx
%define MEM(r)  fs:r
%define IRET_   iret
%macro mmio_at 1
    mov ax, MMIO >> 4
    mov fs, ax
    mov bx, (%1) - MMIO
%endmacro
%else
SPINS           equ 32768
    bits 64
    default abs
%define BX_     rbx
%define MEM(r)  r
%define IRET_   iretq
%macro mmio_at 1
    mov ebx, %1
%endmacro
%endif

    org CODE

entries:
    dd irq, fault
    dd control, in_cpuid, in_vmcall, in_vmmcall
    dd coalesced_port, coalesced_mmio
    dd out_port, in_port, mmio_write, mmio_read, string_out, string_in
    dd halt, halt_if, window, out_if, spin
entries_end:

irq:
    IRET_

fault:
    mov al, 1
    out FAULT_PORT, al
    hlt
    jmp fault

; timed: rounds of an instruction that the guest times itself; a batch, then an exit.
%macro timed 1-*
%%batch:
    mov edi, SAMPLES
    mov ebp, BATCH
%%round:
    rdtsc
    mov esi, eax
%rep %0
    %1
%rotate 1
%endrep
    rdtsc
    sub eax, esi
    stosd
    dec ebp
    jnz %%round
    out DONE_PORT, al
    jmp %%batch
%endmacro

control:
    timed {xor eax, eax}
in_cpuid:
    timed {xor eax, eax}, cpuid
; Of a number that is nobody's: KVM refuses it with a value in EAX.
in_vmcall:
    timed {xor eax, eax}, {dec eax}, vmcall
in_vmmcall:
    timed {xor eax, eax}, {dec eax}, vmmcall
coalesced_port:
    timed {xor eax, eax}, {out COALESCED_PORT, al}
coalesced_mmio:
    mmio_at COALESCED_MMIO
    timed {xor eax, eax}, {mov [MEM(BX_)], al}

; The others are timed from outside, KVM_RUN by KVM_RUN.
out_port:
    out NULL_PORT, al
    jmp out_port
in_port:
    in al, NULL_PORT
    jmp in_port
mmio_write:
    mmio_at MMIO
.next:
    mov [MEM(BX_)], al
    jmp .next
mmio_read:
    mmio_at MMIO
.next:
    mov al, [MEM(BX_)]
    jmp .next
string_out:
    mov dx, NULL_PORT
    cld
.next:
    mov ecx, DATA_BYTES
    mov esi, DATA
    rep outsb
    jmp .next
string_in:
    mov dx, NULL_PORT
    cld
.next:
    mov ecx, DATA_BYTES
    mov edi, DATA
    rep insb
    jmp .next
halt:
    hlt
    jmp halt
halt_if:
    sti
.next:
    hlt
    jmp .next
window:
    cli
    out NULL_PORT, al
    sti
    mov ecx, WINDOW_SPINS
.spin:
    dec ecx
    jnz .spin
    jmp window
out_if:
    sti
.next:
    out NULL_PORT, al
    jmp .next
spin:
    mov ecx, SPINS
.next:
    dec ecx
    jnz .next
    out NULL_PORT, al
    jmp spin
