; retrace - the input status register 3DAh as games paced themselves by it: both
; edges of the vertical retrace, counted; and raster bars, colour 0 changed in
; the horizontal blanks of the upper half of some frames.
;
; RETRACES + BAR_FRAMES retraces take about half a second; how many reads that
; is depends on the machine (some 50,000 at 10 us each), what is checked does
; not.
; Exit codes: 0 all is well; 1 the count of retraces is wrong; 2 a retrace bit
; without the blank bit; 3 colour 0 is not what the last line set; 4 the
; attribute flip-flop was not reset by reading 3DAh; 5 no horizontal blank
; came; 124 no retrace came.

RETRACES        equ 20
BAR_FRAMES      equ 10
BAR_LINES       equ 64

%include "boot.inc"
%include "vga.inc"

guest_main:
    mov ax, 3
    int 10h
    print "waiting for retraces", 13, 10
    call count_edges
    call bars
    call flip_flop
    exit_with 0

; Every period has one rising and one falling edge; the bit never stands alone
; without "no pixels now". A device is free to answer each of two reads at
; another time, so the two bits are looked at in one value.
count_edges:
    xor bx, bx                  ; rising edges
    xor bp, bp                  ; falling edges
.period:
    call retrace_wait
    inc bx
    mov dx, STATUS_1
    mov ecx, RETRACE_POLLS
.falling:
    in al, dx
    test al, ST1_VRETRACE
    jz .fell
    test al, ST1_BLANK
    jz .alone
    dec ecx
    jnz .falling
    exit_with EXIT_NO_RETRACE
.fell:
    inc bp
    cmp bx, RETRACES
    jb .period
    cmp bx, bp
    fail_if ne, 1
    ret
.alone:
    exit_with 2

; In each frame: from the retrace on, BAR_LINES times wait for the display, for
; the next blank, and set colour 0 then.
bars:
    mov bp, BAR_FRAMES
.frame:
    call retrace_wait
    xor bx, bx
.line:
    mov dx, STATUS_1
    mov cx, 0
.active:
    in al, dx
    test al, ST1_BLANK
    loopnz .active              ; a vertical blank is long: it may run out
    mov cx, 0
.blank:
    in al, dx
    test al, ST1_BLANK
    loopz .blank
    fail_if z, 5
    mov dx, DAC_WRITE
    xor al, al
    out dx, al
    inc dx
    mov al, bl
    and al, 3Fh
    out dx, al                  ; red up,
    xor al, 3Fh
    out dx, al                  ; green down,
    mov al, bl
    shl al, 2
    and al, 3Fh
    out dx, al                  ; blue four times as fast
    inc bx
    cmp bx, BAR_LINES
    jb .line
    dec bp
    jnz .frame

    mov dx, DAC_READ
    xor al, al
    out dx, al
    mov dx, DAC_DATA
    in al, dx
    cmp al, (BAR_LINES - 1) & 3Fh
    fail_if ne, 3
    in al, dx
    cmp al, ((BAR_LINES - 1) & 3Fh) ^ 3Fh
    fail_if ne, 3
    in al, dx
    cmp al, ((BAR_LINES - 1) << 2) & 3Fh
    fail_if ne, 3
    mov dx, DAC_WRITE           ; black again
    xor al, al
    out dx, al
    inc dx
    out dx, al
    out dx, al
    out dx, al
    ret

; Reading 3DAh makes the next write to 3C0h an index, whatever came before.
flip_flop:
    mov dx, STATUS_1
    in al, dx
    mov dx, ATC_INDEX
    mov al, 31h                 ; the border colour; the palette stays on
    out dx, al
    mov al, 5
    out dx, al
    mov al, 31h                 ; an index, and its data is not sent
    out dx, al
    mov dx, STATUS_1
    in al, dx
    mov dx, ATC_INDEX
    mov al, 31h
    out dx, al                  ; an index again, not data
    mov dx, ATC_INDEX + 1
    in al, dx
    cmp al, 5
    fail_if ne, 4
    mov dx, STATUS_1
    in al, dx
    mov dx, ATC_INDEX
    mov al, 31h
    out dx, al
    xor al, al
    out dx, al
    ret

%include "retrace.inc"

    guest_end
