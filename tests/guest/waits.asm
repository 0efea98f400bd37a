; waits - the guest of waits.py: it waits for something that many times, in one
; of the ways in which programs do.
;
; guest_count: how often. guest_flag: what for, and how
;     0  vertical retraces: both edges of the bit at 3DAh
;     1  the same, with a count in ECX that would end it
;     2  the same, in a loop that also asks the BIOS for keys
;     3  horizontal blanks: a change between two reads of 3DAh
;     4  ticks of the BIOS's clock, looking at its counter
;     5  keys, polling port 64h with interrupts disabled
;     6  the OUT bit of timer 2 at port 61h, 10 ms each
; Before it waits it says "waits: ready" on the debug port.
; Exit codes: 0; 1 the count in ECX came to an end; 100 no such flag.

%include "boot.inc"
%include "vga.inc"

BDA_SEG         equ 40h
BDA_TICKS       equ 6Ch
KBD_DATA        equ 60h
KBD_STATUS      equ 64h
KBD_FULL        equ 01h
SYSTEM_B        equ 61h
TIMER_2_OUT     equ 20h
TIMER_2_GATE    equ 01h
PIT_CONTROL     equ 43h
PIT_COUNTER_2   equ 42h
PIT_10_MS       equ 11932
EXIT_NO_FLAG    equ 100

guest_main:
    movzx bx, byte [guest_flag]
    cmp bx, WAITS
    fail_if ae, EXIT_NO_FLAG
    shl bx, 1
    mov bp, [waits + bx]
    debug "waits: ready", 10
.next:
    cmp dword [guest_count], 0
    je .out
    call bp
    dec dword [guest_count]
    jmp .next
.out:
    sti
    exit_with 0

waits:
    dw retrace, retrace_counted, retrace_and_keys, blank, tick, key, timer_2
WAITS equ ($ - waits) / 2

retrace:
    mov dx, STATUS_1
.still:
    in al, dx
    test al, ST1_VRETRACE
    jnz .still
.not_yet:
    in al, dx
    test al, ST1_VRETRACE
    jz .not_yet
    ret

retrace_counted:
    mov dx, STATUS_1
    mov ecx, 1 << 30
.still:
    in al, dx
    test al, ST1_VRETRACE
    jz .not_yet
    dec ecx
    jnz .still
    exit_with 1
.not_yet:
    in al, dx
    test al, ST1_VRETRACE
    jnz .out
    dec ecx
    jnz .not_yet
    exit_with 1
.out:
    ret

retrace_and_keys:
    mov dx, STATUS_1
.still:
    mov ah, 1
    int 16h
    in al, dx
    test al, ST1_VRETRACE
    jnz .still
.not_yet:
    mov ah, 1
    int 16h
    in al, dx
    test al, ST1_VRETRACE
    jz .not_yet
    ret

blank:
    mov dx, STATUS_1
.same:
    in al, dx
    mov ah, al
    in al, dx
    xor ah, al
    test ah, ST1_BLANK
    jz .same
    ret

tick:
    push BDA_SEG
    pop es
    mov eax, [es:BDA_TICKS]
.same:
    cmp eax, [es:BDA_TICKS]
    je .same
    ret

key:
    cli
.none:
    in al, KBD_STATUS
    test al, KBD_FULL
    jz .none
    in al, KBD_DATA
    ret

timer_2:
    in al, SYSTEM_B
    or al, TIMER_2_GATE
    out SYSTEM_B, al
    mov al, 0B0h                ; counter 2, both bytes, mode 0
    out PIT_CONTROL, al
    mov al, PIT_10_MS & 0FFh
    out PIT_COUNTER_2, al
    mov al, PIT_10_MS >> 8
    out PIT_COUNTER_2, al
.not_yet:
    in al, SYSTEM_B
    test al, TIMER_2_OUT
    jz .not_yet
    ret

    guest_end
