; shared - one routine for RAM and for the display: its loads and stores have
; been plain memory for long when they turn out to touch a device, in the middle
; of a loop, and later are plain memory again. Mode 13h.
;
; About 13,000 device accesses.
; Exit codes: 0 all is well; 1 a copy in RAM differs; 2 a copy to the display
; differs; 3 a copy from the display differs; 4 a read-modify-write differs.

BYTES           equ 600
SOURCE          equ 1000h       ; offsets in the segment DATA_SEG
TARGET          equ 2000h
DATA_SEG        equ 2000h

%include "boot.inc"
%include "vga.inc"

guest_main:
    set_mode 13h
    call fill
    mov bp, 3
.round:
    mov bx, DATA_SEG
    mov dx, DATA_SEG
    call both               ; RAM to RAM
    mov al, 1
    call compare
    mov dx, VRAM_SEG
    call both               ; RAM to display
    mov al, 2
    call compare
    mov bx, VRAM_SEG
    mov dx, DATA_SEG
    call back               ; display to RAM
    mov al, 3
    call compare_source
    mov dx, VRAM_SEG
    call invert             ; read-modify-write on the display
    mov dx, DATA_SEG
    call invert             ; and in RAM
    call compare_inverted
    dec bp
    jnz .round
    exit_with 0

; SOURCE becomes a sequence without short period.
fill:
    mov ax, DATA_SEG
    mov es, ax
    mov di, SOURCE
    mov cx, BYTES
    mov al, 1
.next:
    stosb
    imul ax, ax, 7
    add al, 13
    loop .next
    ret

; copy: CX bytes from DS:SI to ES:DI. The diagnostic port is what makes it a
; cluster from the start.
copy:
    lodsb
    out 80h, al
    mov [es:di], al
    inc di
    loop copy
    ret

; both: SOURCE in segment BX to TARGET in segment DX.
both:
    mov si, SOURCE
    mov di, TARGET
    jmp set_and_copy
; back: TARGET in segment BX to SOURCE in segment DX, which is the same there.
back:
    mov si, TARGET
    mov di, SOURCE
set_and_copy:
    mov ds, bx
    mov es, dx
    mov cx, BYTES
    call copy
    xor ax, ax
    mov ds, ax
    ret

; invert: TARGET in segment DX, a byte at a time.
invert:
    mov es, dx
    mov di, TARGET
    mov cx, BYTES
.next:
    out 80h, al
    xor byte [es:di], 0FFh
    inc di
    loop .next
    ret

; compare: TARGET in segment DX is SOURCE in DATA_SEG, or the exit code is AL.
compare:
    mov bx, DATA_SEG
    mov ds, bx
    mov es, dx
    mov si, SOURCE
    mov di, TARGET
    mov cx, BYTES
    repe cmpsb
    mov cx, 0               ; keeps ZF
    mov ds, cx
    jne failed
    ret
failed:
    exit_with al

; compare_source: SOURCE was copied onto itself by way of the display.
compare_source:
    mov dx, DATA_SEG
    jmp compare

; compare_inverted: TARGET is SOURCE inverted, in RAM and on the display.
compare_inverted:
    mov dx, DATA_SEG
.one:
    mov bx, DATA_SEG
    mov ds, bx
    mov es, dx
    mov si, SOURCE
    mov di, TARGET
    mov cx, BYTES
.next:
    lodsb
    not al
    cmp al, [es:di]
    jne .wrong
    inc di
    loop .next
    xor ax, ax
    mov ds, ax
    cmp dx, VRAM_SEG
    mov dx, VRAM_SEG
    jne .one
    ret
.wrong:
    xor ax, ax
    mov ds, ax
    mov al, 4
    jmp failed

    guest_end
