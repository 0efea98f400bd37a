; timer - a unit is one interrupt of the timer at 1 kHz with its EOI, awaited by
; looking at the handler's counter; with -DBENCH_HALT by halting.

%define BENCH_RESTORES
%include "bench.inc"
%include "pic.inc"

bench_setup:
    cli
    xor ax, ax
    mov es, ax
    mov eax, [es:INT_TIMER * 4]
    mov [old_timer], eax
    mov word [es:INT_TIMER * 4], on_timer
    mov [es:INT_TIMER * 4 + 2], cs
    pit_hz 1000
    sti
    ret

bench_unit:
%ifdef BENCH_HALT
    cli
    cmp [ticks], ebp
    ja .out
    sti
    hlt
    jmp bench_unit
.out:
    sti
%else
    cmp [ticks], ebp
    jbe bench_unit
%endif
    ret

bench_sum:
    mov ebx, [bench_number]
    ret

%ifdef BENCH_COM
bench_restore:
    cli
    pit_default
    xor ax, ax
    mov es, ax
    mov eax, [old_timer]
    mov [es:INT_TIMER * 4], eax
    sti
    ret
%endif

on_timer:
    push ax
    inc dword [cs:ticks]
    mov al, PIC_EOI
    out PIC1_CMD, al
    pop ax
    iret

    align 4
old_timer       dd 0
ticks           dd 0

    bench_end
