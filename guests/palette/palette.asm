; palette - what games do to the palette: fades and colour cycling in mode 13h, three bytes a colour to port 3C9h, by OUT
; in a loop that scales them and by REP OUTSB, in the vertical retrace. After every fade the DAC is read back, by IN and by
; REP INSB, and compared with what was sent.
;
; About 145,000 device accesses, most of them polls of the retrace bit.
; Exit codes: 0 all is well; 1 a colour read by IN is not the one sent; 2 by REP INSB; 3 the DAC does not say whether it
; reads or writes; 124 no retrace.

COLOURS         equ 256
BYTES           equ COLOURS * 3
FADE_STEP       equ 21          ; of 63 levels
FADES           equ 3           ; without waiting, as loaders do
CYCLES          equ 1           ; of the whole palette, in the retrace
CYCLE_COLOURS   equ 32          ; the part that is cycled colour by colour
CELL            equ 8           ; pixels of one colour, each way
ROW_BYTES       equ 320

BASE            equ 0A000h      ; the palette, twice: a rotation begins inside
SENT            equ 0A800h      ; what the DAC must hold
SEEN            equ 0B000h

DAC_MASK        equ 3C6h
STATE_WRITE     equ 0
STATE_READ      equ 3

%include "boot.inc"
%include "vga.inc"

guest_main:
    set_mode 13h
    call make_palette
    call draw
    call fade_out
    call fade_in
    call fades_unsynchronised
    call cycle_all
    call cycle_some
    call masks
    call show_base
    exit_with 0

; Three ramps out of phase; the second copy is behind the first.
make_palette:
    push ds
    pop es
    mov di, BASE
    mov bp, 2
.copy:
    xor cx, cx
.colour:
    mov al, cl
    and al, 3Fh
    stosb                       ; red: four ramps
    mov al, cl
    shr al, 2
    stosb                       ; green: one
    mov al, cl
    shl al, 3
    and al, 3Fh
    xor al, 3Fh
    stosb                       ; blue: thirty-two, downwards
    inc cx
    cmp cx, COLOURS
    jb .colour
    dec bp
    jnz .copy
    ret

; All colours, sixteen a row.
draw:
    mov ax, VRAM_SEG
    mov es, ax
    xor di, di
    xor bl, bl
.row:
    mov dx, CELL
.line:
    push di
    push bx
    mov bp, 16
.cell:
    mov al, bl
    mov ah, al
    push ax
    shl eax, 16
    pop ax
    mov cx, CELL / 4
    rep stosd
    inc bl
    dec bp
    jnz .cell
    pop bx
    pop di
    add di, ROW_BYTES
    dec dx
    jnz .line
    add bl, 16
    jnz .row
    ret

fade_out:
    mov bl, 63
.level:
    call wait_and_scale
    sub bl, FADE_STEP
    jnc .level
    jmp check

fade_in:
    xor bl, bl
.level:
    call wait_and_scale
    add bl, FADE_STEP
    cmp bl, 63
    jbe .level
    jmp check

wait_and_scale:
    call retrace_wait
    ; fall through

; send_scaled: the palette at level BL of 63.
send_scaled:
    mov dx, DAC_WRITE
    xor al, al
    out dx, al
    inc dx
    mov si, BASE
    mov di, SENT
    mov bh, 63
    mov cx, BYTES
.component:
    lodsb
    mul bl
    div bh
    mov [di], al
    inc di
    out dx, al
    dec cx
    jnz .component
    ret

; Up and down again at full speed.
fades_unsynchronised:
    mov bp, FADES
.fade:
    mov bl, 7
.level:
    call send_scaled
    add bl, 8
    cmp bl, 63
    jbe .level
    call check
    dec bp
    jnz .fade
    ret

; REP OUTSB of a palette that begins one colour later each time.
cycle_all:
    mov bx, BASE
    mov bp, CYCLES
.frame:
    add bx, 3
    call retrace_wait
    call send_whole
    dec bp
    jnz .frame
    jmp check

; send_whole: the 256 colours at BX.
send_whole:
    mov si, bx
    push ds
    pop es
    mov di, SENT
    mov cx, BYTES
    rep movsb
    mov si, bx
    mov dx, DAC_WRITE
    xor al, al
    out dx, al
    inc dx
    mov cx, BYTES
    rep outsb
    ret

; Some colours in the middle, each with its own address: byte OUTs, unrolled, as compilers and hurried people wrote it.
cycle_some:
    mov cx, CYCLE_COLOURS
.again:
    mov si, SENT + 3 * CYCLE_COLOURS
    mov eax, [si]               ; the first goes behind the last
    push eax
    mov bl, CYCLE_COLOURS
.move:
    mov eax, [si + 3]
    cmp bl, 2 * CYCLE_COLOURS - 1
    jne .colour
    pop eax
.colour:
    mov [si], ax
    ror eax, 16
    mov [si + 2], al
    mov dx, DAC_WRITE
    mov al, bl
    out dx, al
    inc dx
    mov al, [si]
    out dx, al
    mov al, [si + 1]
    out dx, al
    mov al, [si + 2]
    out dx, al
    add si, 3
    inc bl
    cmp bl, 2 * CYCLE_COLOURS
    jb .move
    loop .again
    jmp check

; check: the DAC holds SENT, and its address register works.
check:
    mov dx, DAC_READ
    in al, dx
    and al, 3
    cmp al, STATE_WRITE
    fail_if ne, 3
    xor al, al
    out dx, al
    in al, dx
    and al, 3
    cmp al, STATE_READ
    fail_if ne, 3
    mov dx, DAC_DATA
    mov si, SENT
    mov cx, BYTES
.component:
    in al, dx
    cmp al, [si]
    fail_if ne, 1
    inc si
    dec cx
    jnz .component
    mov dx, DAC_READ            ; again from colour 1, as a string
    mov al, 1
    out dx, al
    push ds
    pop es
    mov dx, DAC_DATA
    mov di, SEEN
    mov cx, BYTES - 3
    rep insb
    mov si, SENT + 3
    mov di, SEEN
    mov cx, BYTES - 3
    repe cmpsb
    fail_if ne, 2
    mov dx, DAC_WRITE
    xor al, al
    out dx, al                  ; writing again
    ret

; The mask is no part of the colours: a blink.
masks:
    mov dx, DAC_MASK
    mov cx, 256
.mask:
    mov al, cl
    dec al
    out dx, al
    in al, dx                   ; not compared: QEMU's VGA has no mask
    loop .mask
    mov al, 0FFh
    out dx, al
    ret

show_base:
    mov bx, BASE
    call send_whole
    jmp check

%include "retrace.inc"

    guest_end
