; cluster_loops - the hot loops of the benchmark guests, cut out for cluster_run, which loads the image at 1000:0000 and
; runs each from its entry to HLT. CS = DS = SS = 1000h, ES = A000h, interrupts off; no firmware, no BIOS data.
;
; The image begins with a table, four words an entry: entry point, name, name's length, kind (KIND_*).

    cpu 386
    bits 16
    org 0

%include "vga.inc"
%include "pic.inc"

KIND_LOOP       equ 0           ; most of the time goes into one cluster
KIND_ENTRY      equ 1           ; every run executes one or a few instructions: entering and leaving is measured

WIDTH_BYTES     equ 80
DELAY_PORT      equ 80h
CMOS_INDEX      equ 70h
CMOS_DATA       equ 71h

%macro loop_entry 3             ; label, name, kind
    dw %1, %%name, %%end - %%name, %3
[section .names]
%%name: db %2
%%end:
[section .text]
%endmacro

[section .text start=0]
[section .names follows=.text]
[section .text]
    loop_entry bit_mask, "planar, bit mask", KIND_LOOP
    loop_entry mode_3, "planar, write mode 3", KIND_LOOP
    loop_entry map_mask, "mode X, map mask", KIND_LOOP
    loop_entry column, "mode X, column", KIND_LOOP
    loop_entry latches, "mode X, rep movsb", KIND_LOOP
    loop_entry fill, "planar, rep stosb", KIND_LOOP
    loop_entry blit, "planar, rep movsw", KIND_LOOP
    loop_entry linear, "chain-4, rep movsd", KIND_LOOP
    loop_entry search, "planar, lodsb", KIND_LOOP
    loop_entry palette, "palette, out loop", KIND_LOOP
    loop_entry palette_rep, "palette, rep outsb", KIND_LOOP
    loop_entry dac_read, "palette, reads", KIND_LOOP
    loop_entry retrace, "retrace poll", KIND_LOOP
    loop_entry pic, "PIC mask and EOI", KIND_LOOP
    loop_entry pair, "index/data pair", KIND_LOOP
    loop_entry gc_pairs, "GC pairs", KIND_LOOP
    loop_entry pit, "PIT latch, reads", KIND_LOOP
    loop_entry cmos, "CMOS index/data", KIND_LOOP
    loop_entry pairs64, "64-bit pairs", KIND_LOOP
    loop_entry filler, "with gap fillers", KIND_LOOP
    loop_entry enter_short, "enter, 2 instructions", KIND_ENTRY
    loop_entry enter_long, "enter, 16 instructions", KIND_ENTRY
    loop_entry enter_write, "enter, after a store", KIND_ENTRY
    dw 0, 0, 0, 0

; The end of a loop. What is behind it is nothing a scan could follow: it would spend its window there.
%macro done 0
    hlt
    db 0Fh, 0FFh
%endmacro

%macro mode_planar 0
    mov dx, MISC_WRITE
    mov al, 63h
    out dx, al
    seq_word SEQ_MEM_MODE, 6
    seq_word SEQ_MAP_MASK, 0Fh
    gc_word GC_SR_ENABLE, 0
    gc_word GC_FUNCTION, 0
    gc_word GC_MODE, 0
    gc_word GC_MISC, 5
    gc_word GC_BIT_MASK, 0FFh
%endmacro

; A pixel a time: bit mask, latch, store. As `planar` draws lines.
bit_mask:
    mode_planar
    gc_pair GC_SR_ENABLE, 0Fh
    gc_pair GC_SET_RESET, 5
    mov cx, 4000
    xor di, di
    mov bl, 80h
.pixel:
    mov dx, GC_INDEX
    mov al, GC_BIT_MASK
    out dx, al
    inc dx
    mov al, bl
    out dx, al
    mov al, [es:di]
    mov [es:di], al
    ror bl, 1
    adc di, 0
    dec cx
    jnz .pixel
    done

; As `planar` draws circles and text.
mode_3:
    mode_planar
    gc_word GC_MODE, 3
    gc_word GC_SET_RESET, 9
    mov cx, 8000
    xor di, di
.byte:
    mov ah, cl
    mov al, [es:di]
    mov [es:di], ah
    add di, WIDTH_BYTES
    and di, 7FFFh
    dec cx
    jnz .byte
    done

; A line of mode X, each pixel with its map mask.
map_mask:
    mode_planar
    mov cx, 8000
    xor di, di
    mov bl, 1
.pixel:
    mov dx, SEQ_INDEX
    mov ah, bl
    mov al, SEQ_MAP_MASK
    out dx, ax
    mov [es:di], cl
    rol bl, 1
    cmp bl, 10h
    jne .same
    mov bl, 1
    inc di
.same:
    dec cx
    jnz .pixel
    done

; As `modex` draws its diamonds: a column of one plane.
column:
    mode_planar
    seq_pair SEQ_MAP_MASK, 4
    mov bx, 7
    xor di, di
    mov cx, 8000
.pixel:
    mov ax, cx
    sub ax, 4000
    jns .below
    neg ax
.below:
    add ax, bx
    and al, 63
    mov [es:di], al
    add di, WIDTH_BYTES
    dec cx
    jnz .pixel
    done

; Four pixels a byte through the latches.
latches:
    mode_planar
    gc_word GC_MODE, 1
    push es
    pop ds
    mov bx, 40
.row:
    xor si, si
    mov di, 8000h
    mov cx, 200
    rep movsb
    in al, DELAY_PORT
    dec bx
    jnz .row
    push cs
    pop ds
    done

; A rectangle filled through the bit mask.
fill:
    mode_planar
    gc_word GC_BIT_MASK, 3Ch
    mov bx, 40
    mov al, 0A5h
.row:
    mov di, bx
    mov cx, 200
    rep stosb
    in al, DELAY_PORT
    dec bx
    jnz .row
    done

; A sprite from memory.
blit:
    mode_planar
    mov bx, 40
.row:
    mov si, colours
    mov di, bx
    mov cx, 200
    rep movsw
    in al, DELAY_PORT
    dec bx
    jnz .row
    done

; A back buffer to the screen of mode 13h.
linear:
    mode_planar
    seq_word SEQ_MEM_MODE, 0Eh
    gc_word GC_MODE, 40h
    mov bx, 40
.row:
    mov si, colours
    mov di, bx
    mov cx, 180
    rep movsd
    in al, DELAY_PORT
    dec bx
    jnz .row
    done

; A scan line read back, a byte at a time.
search:
    mode_planar
    push es
    pop ds
    xor si, si
    mov cx, 8000
    xor bx, bx
.byte:
    lodsb
    add bl, al
    dec cx
    jnz .byte
    push cs
    pop ds
    done

; A fade: 256 colours, scaled.
palette:
    mov bx, 16
.fade:
    mov dx, DAC_WRITE
    xor al, al
    out dx, al
    inc dx
    mov si, colours
    mov cx, 768
.component:
    lodsb
    mul bl
    shr ax, 4
    out dx, al
    dec cx
    jnz .component
    dec bx
    jnz .fade
    done

palette_rep:
    mov bx, 16
.set:
    mov dx, DAC_WRITE
    xor al, al
    out dx, al
    inc dx
    mov si, colours
    mov cx, 768
    rep outsb
    dec bx
    jnz .set
    done

; The palette read back.
dac_read:
    mov bp, 8
.set:
    mov dx, DAC_READ
    xor al, al
    out dx, al
    mov dx, DAC_DATA
    mov cx, 768
    xor bx, bx
.component:
    in al, dx
    add bl, al
    dec cx
    jnz .component
    dec bp
    jnz .set
    done

retrace:
    mov dx, STATUS_1
    mov cx, 8000
.poll:
    in al, dx
    test al, 40h                ; reads as zero
    jnz .out
    dec cx
    jnz .poll
.out:
    done

; What an interrupt handler of a game does at its ends.
pic:
    mov cx, 2000
.again:
    in al, PIC1_DATA
    mov ah, al
    or al, 1
    out PIC1_DATA, al
    mov al, PIC_EOI
    out PIC1_CMD, al
    mov al, ah
    out PIC1_DATA, al
    dec cx
    jnz .again
    done

; The CRTC's start address as two byte pairs.
pair:
    mov cx, 2000
.again:
    mov dx, CRTC_INDEX
    mov al, CRTC_START_HIGH
    out dx, al
    inc dx
    mov al, ch
    out dx, al
    dec dx
    mov al, CRTC_START_LOW
    out dx, al
    inc dx
    mov al, cl
    out dx, al
    dec cx
    jnz .again
    done

; Set/reset and bit mask before a primitive.
gc_pairs:
    mode_planar
    mov cx, 2000
    mov dx, GC_INDEX
.again:
    mov al, GC_SET_RESET
    out dx, al
    inc dx
    mov al, cl
    out dx, al
    dec dx
    mov al, GC_BIT_MASK
    mov ah, cl
    out dx, ax
    dec cx
    jnz .again
    done

; The time of day to a microsecond, as timing loops read it.
pit:
    mov cx, 2000
.again:
    mov al, PIT_LATCH
    out PIT_CONTROL, al
    in al, PIT_CHANNEL_0
    mov ah, al
    in al, PIT_CHANNEL_0
    xchg al, ah
    dec cx
    jnz .again
    done

; Seconds, then a byte of the RAM.
cmos:
    mov cx, 2000
.again:
    xor al, al
    out CMOS_INDEX, al
    in al, CMOS_DATA
    mov ah, al
    mov al, 10h
    out CMOS_INDEX, al
    in al, CMOS_DATA
    dec cx
    jnz .again
    done

; As `pairs64`: adjacent dwords, written and compared.
pairs64:
    mode_planar
    seq_word SEQ_MEM_MODE, 0Eh
    gc_word GC_MODE, 40h
    mov bp, 3000
    xor di, di
    mov eax, 12345678h
    mov edx, 9ABCDEF0h
.again:
    mov [es:di], eax
    mov [es:di + 4], edx
    mov ebx, [es:di]
    cmp ebx, eax
    jne .out
    cmp [es:di + 4], edx
    jne .out
    add eax, edx
    add di, 8
    dec bp
    jnz .again
.out:
    done

; One access in twelve instructions: what the instructions themselves cost.
filler:
    mov cx, 4000
    xor bx, bx
.again:
    mov ax, cx
    imul ax, ax, 77
    add bx, ax
    rol bx, 3
    mov si, bx
    and si, 0FFh
    mov al, [colours + si]
    xor ah, ah
    add bx, ax
    mov al, bl
    out DELAY_PORT, al
    dec cx
    jnz .again
    done

; Exit at the first OUT, the cluster has only the second: nothing else leads to an exit within the window.
enter_short:
    mov cx, 2000
.again:
    out DELAY_PORT, al
    out DELAY_PORT, al
    times 14 nop
    dec cx
    jnz .again
    done

; The longest cluster that a window of 16 gives; the run is over after its first access.
enter_long:
    mov cx, 2000
    xor bx, bx
.again:
    out DELAY_PORT, al
    out DELAY_PORT, al
    test bx, bx
    jz .out
%rep 6
    out DELAY_PORT, al
    inc bx
%endrep
.out:
    times 16 nop
    dec cx
    jnz .again
    done

; After a store to the VGA, as most clusters of the drawing guests.
enter_write:
    mode_planar
    mov cx, 2000
    xor di, di
.again:
    mov [es:di], al
    mov [es:di + 1], al
    times 14 nop
    dec cx
    jnz .again
    done

    align 4
colours:
%assign i 0
%rep 768
    db (i * 37) & 3Fh
%assign i i + 1
%endrep
