; chase.asm - following a list, for `huddle bench memory`. An element is a cache line whose first word is the address of the next. Assembled
; three times: MODE=64 and MODE=32 run in a machine of memory and a processor (rig.h) and are told what to do at PARAM; MODE=16 is
; firmware that begins in real mode and does all that TABLE says, in 32-bit protected mode, in a whole machine.

PARAM           equ 6000h       ; +0 first element, +8 rounds; +16 cycles, +24 last element
STEPS           equ 16          ; elements a round
DONE_PORT       equ 0F0h
FAULT_PORT      equ 0F1h

%if MODE = 64
    bits 64
    default abs
    org 1000h
entries:
    dd fault, fault, run
fault:
    out FAULT_PORT, al
    jmp fault
run:
    mov rsi, [PARAM]
    mov ecx, [PARAM + 8]
    rdtsc
    mov ebx, eax
    mov edi, edx
.round:
%rep STEPS
    mov rsi, [rsi]
%endrep
    dec ecx
    jnz .round
    rdtsc
    sub eax, ebx
    sbb edx, edi
    mov [PARAM + 16], eax
    mov [PARAM + 20], edx
    mov [PARAM + 24], rsi
    out DONE_PORT, al
    jmp run

%elif MODE = 32
    bits 32
    org 1000h
entries:
    dd fault, fault, run
fault:
    out FAULT_PORT, al
    jmp fault
run:
    mov esi, [PARAM]
    mov ecx, [PARAM + 8]
    rdtsc
    mov ebx, eax
    mov edi, edx
.round:
%rep STEPS
    mov esi, [esi]
%endrep
    dec ecx
    jnz .round
    rdtsc
    sub eax, ebx
    sbb edx, edi
    mov [PARAM + 16], eax
    mov [PARAM + 20], edx
    mov [PARAM + 24], esi
    out DONE_PORT, al
    jmp run

%else
; 64 KiB at F000:0000. The table is its beginning: dwords, elements (a power of two), 0 in order or 1 at random or GO_ON for the list that is
; there, rounds to warm up, rounds to count; elements 0 ends it. A line is written to the debug port for each: cycles, as 16 hexadecimal digits.
    bits 16
    org 0
FIRMWARE        equ 0F0000h
LIST            equ 1000000h
LINE_SHIFT      equ 6
STACK           equ 9000h
STAMP           equ 6000h       ; and behind it the last element
GO_ON           equ 80h
DELAY_PORT      equ 80h
DEBUG_PORT      equ 0E9h
EXIT_PORT       equ 0F4h
MULTIPLIER      equ 915F77F5h   ; Hull and Dobell: odd increment, multiplier of 1 modulo 4: the whole list, once
INCREMENT       equ 3C6EF35Fh
SEL_CODE        equ 8
SEL_DATA        equ 16
HEAT            equ 16

table:
    times 4000h db 0

gdt:
    dq 0, 00CF9B000000FFFFh, 00CF93000000FFFFh
gdt_pointer:
    dw 23
    dd FIRMWARE + gdt

start:
    cli
    mov al, 2                   ; A20
    out 92h, al
    o32 lgdt [cs:gdt_pointer]
    mov eax, cr0
    or al, 1
    mov cr0, eax
    jmp dword SEL_CODE:FIRMWARE + protected

    bits 32
protected:
    mov ax, SEL_DATA
    mov ds, ax
    mov es, ax
    mov ss, ax
    mov esp, STACK
    cld
    mov ebp, FIRMWARE + table
.entry:
    mov edx, [ebp]
    test edx, edx
    jz .end
; An exit that comes again and again is where regions begin.
    mov ecx, HEAT
.heat:
    out DELAY_PORT, al
    dec ecx
    jnz .heat
    mov esi, [STAMP + 8]
    test dword [ebp + 4], GO_ON
    jnz .made
    call make
    mov esi, LIST
.made:
    mov ecx, [ebp + 8]
    call chase
    rdtsc
    mov [STAMP], eax
    mov [STAMP + 4], edx
    out DELAY_PORT, al
    mov ecx, [ebp + 12]
    call chase
    mov [STAMP + 8], esi
    rdtsc
    sub eax, [STAMP]
    sbb edx, [STAMP + 4]
    mov ebx, eax
    out DELAY_PORT, al
    call print
    mov edx, ebx
    call print
    mov al, 10
    out DEBUG_PORT, al
    add ebp, 16
    jmp .entry
.end:
    mov al, 0
    out EXIT_PORT, al
.stop:
    hlt
    jmp .stop

; The list of EDX elements at LIST: element i is followed by i + 1, or by MULTIPLIER * i + INCREMENT, modulo EDX.
make:
    mov ebx, edx
    dec ebx
    xor ecx, ecx
.next:
    lea eax, [ecx + 1]
    cmp dword [ebp + 4], 0
    je .store
    imul eax, ecx, MULTIPLIER
    add eax, INCREMENT
.store:
    and eax, ebx
    shl eax, LINE_SHIFT
    add eax, LIST
    mov edi, ecx
    shl edi, LINE_SHIFT
    mov [edi + LIST], eax
    inc ecx
    cmp ecx, edx
    jb .next
    ret

; ECX rounds from ESI.
chase:
    test ecx, ecx
    jz .done
.round:
%rep STEPS
    mov esi, [esi]
%endrep
    dec ecx
    jnz .round
.done:
    ret

; EDX as eight digits.
print:
    mov ecx, 8
.digit:
    rol edx, 4
    mov al, dl
    and al, 15
    add al, '0'
    cmp al, '9'
    jbe .out
    add al, 'A' - '9' - 1
.out:
    out DEBUG_PORT, al
    dec ecx
    jnz .digit
    ret

    bits 16
    times 0FFF0h - ($ - $$) db 0
    jmp 0F000h:start
    times 10000h - ($ - $$) db 0
%endif
