; stop - CLI and HLT: a processor that nothing but an NMI or a reset can wake.
; For testing that a monitor notices, and what it says. It prints one line on
; the debug port first. The guest never ends by itself; exit code 1 means that
; the processor went on behind the HLT.

%include "boot.inc"

guest_main:
    debug "stop: cli, hlt", 10
    mov ax, 1234h
    mov bx, 5678h
    cli
    hlt
    exit_with 1

    guest_end
