; pm32 - planar graphics from 32-bit protected mode, as programs behind a DOS
; extender did: flat segments, CPL 0, no paging, an own GDT and IDT, the
; interrupt controllers moved to 20h and 28h, the timer at 100 Hz through a
; 32-bit interrupt gate, then back to real mode and its BIOS.
;
; Everything drawn is drawn again into a copy of the planes above 1 MiB and
; compared. About 100,000 device accesses, 3 an interrupt.
; Exit codes: 0 all is well; 1 to 4 plane 0 to 3 differs; 5 an exception in
; protected mode; 6 an interrupt came to the wrong vector; 7 memory above 1 MiB
; is not there; 8 the BIOS does not work any more afterwards; 9 the handler
; found wrong segments or flags.

TICKS           equ 10
RINGS           equ 13
RING_STEPS      equ 804         ; 2 pi * 128: once around with STEP_SHIFT 7
STEP_SHIFT      equ 7

%include "boot.inc"
%include "vga.inc"
%include "pic.inc"

VRAM            equ 0A0000h
WIDTH_BYTES     equ 80
HEIGHT          equ 480
PLANE_BYTES     equ WIDTH_BYTES * HEIGHT
COPY            equ 200000h     ; plane p is at COPY + p * COPY_STEP
COPY_STEP       equ 10000h
BACKGROUND      equ 0
CENTRE_X        equ 320
CENTRE_Y        equ 240

SEL_CODE        equ 08h
SEL_DATA        equ 10h
SEL_CODE16      equ 18h
SEL_DATA16      equ 20h
IRQ_BASE_1      equ 20h
IRQ_BASE_2      equ 28h
VECTORS         equ 30h
IDT             equ 0B000h      ; VECTORS gates of eight bytes
STACK_TOP       equ 9000h * 10h ; 90000h
BIOS_TICKS      equ 46Ch

guest_main:
    set_mode 12h
    mov ax, 1130h
    mov bh, 6
    int 10h                     ; ES:BP = the 8x16 font
    movzx eax, bp
    mov cx, es
    movzx ecx, cx
    shl ecx, 4
    add eax, ecx
    mov [font], eax
    xor ax, ax
    mov es, ax

    cli
    in al, 92h                  ; A20 on
    or al, 2
    and al, 0FEh
    out 92h, al
    in al, PIC1_DATA
    mov [mask_1], al
    in al, PIC2_DATA
    mov [mask_2], al
    mov bx, IRQ_BASE_2 << 8 | IRQ_BASE_1
    call pic_init
    mov al, 0FEh
    out PIC1_DATA, al
    mov al, 0FFh
    out PIC2_DATA, al
    pit_hz 100
    call idt_make
    lgdt [gdt_pointer]
    lidt [idt_pointer]
    mov eax, cr0
    or al, 1
    mov cr0, eax
    jmp SEL_CODE:protected

back:                           ; real mode again
    lidt [real_idt]
    pit_default
    mov bx, 70h << 8 | 08h
    call pic_init
    mov al, [mask_1]
    out PIC1_DATA, al
    mov al, [mask_2]
    out PIC2_DATA, al
    sti
    mov ah, 0Fh
    int 10h
    and al, 7Fh
    cmp al, 12h
    fail_if ne, 8
    mov eax, [BIOS_TICKS]
.tick:
    hlt
    cmp eax, [BIOS_TICKS]
    je .tick
    exit_with 0

; pic_init: both controllers anew, vectors from BL and BH; all left unmasked.
pic_init:
    mov al, 11h                 ; ICW1: edges, cascade, ICW4 follows
    out PIC1_CMD, al
    out DELAY_PORT, al
    out PIC2_CMD, al
    out DELAY_PORT, al
    mov al, bl                  ; ICW2
    out PIC1_DATA, al
    out DELAY_PORT, al
    mov al, bh
    out PIC2_DATA, al
    out DELAY_PORT, al
    mov al, 4                   ; ICW3: the second at line 2
    out PIC1_DATA, al
    out DELAY_PORT, al
    mov al, 2
    out PIC2_DATA, al
    out DELAY_PORT, al
    mov al, 1                   ; ICW4: 8086
    out PIC1_DATA, al
    out DELAY_PORT, al
    out PIC2_DATA, al
    out DELAY_PORT, al
    ret

; idt_make: exceptions, the timer, and all else to where it must not come.
idt_make:
    mov di, IDT
    xor cx, cx
.next:
    mov eax, on_exception
    cmp cx, 32
    jb .gate
    mov eax, on_wrong
    cmp cx, IRQ_BASE_1
    jne .gate
    mov eax, on_timer
.gate:
    mov [di], ax
    mov word [di + 2], SEL_CODE
    mov word [di + 4], 8E00h    ; present, DPL 0, 32-bit interrupt gate
    shr eax, 16
    mov [di + 6], ax
    add di, 8
    inc cx
    cmp cx, VECTORS
    jb .next
    ret

    align 8
gdt:
    dq 0
    dq 00CF9B000000FFFFh        ; SEL_CODE: flat; accessed, for not every emulator says so
    dq 00CF92000000FFFFh        ; SEL_DATA
    dq 00009B000000FFFFh        ; SEL_CODE16: 64 KiB, for the way back
    dq 000092000000FFFFh        ; SEL_DATA16
gdt_pointer:
    dw gdt_pointer - gdt - 1
    dd gdt
idt_pointer:
    dw VECTORS * 8 - 1
    dd IDT
real_idt:
    dw 3FFh
    dd 0

    bits 32

protected:
    mov ax, SEL_DATA
    mov ds, ax
    mov es, ax
    mov fs, ax
    mov gs, ax
    mov ss, ax
    mov esp, STACK_TOP
    mov dword [STACK_TOP], 12345678h
    mov dword [STACK_TOP + 100000h], 0  ; the same place with A20 off
    cmp dword [STACK_TOP], 12345678h
    fail_if ne, 7
    mov dword [COPY], 9ABCDEF0h
    cmp dword [COPY], 9ABCDEF0h
    fail_if ne, 7
    sti

    call clear
    call rings
    call mirror
    call caption
.tick:
    hlt
    cmp dword [ticks], TICKS
    jb .tick
    call check_planes

    cli
    jmp SEL_CODE16:.leave
    bits 16
.leave:
    mov ax, SEL_DATA16
    mov ds, ax
    mov es, ax
    mov fs, ax
    mov gs, ax
    mov ss, ax
    mov sp, boot_start
    mov eax, cr0
    and al, 0FEh
    mov cr0, eax
    jmp 0:.real
.real:
    xor ax, ax
    mov ds, ax
    mov es, ax
    mov fs, ax
    mov gs, ax
    mov ss, ax
    mov sp, boot_start
    jmp back
    bits 32

on_exception:
    exit_with 5
on_wrong:
    exit_with 6

on_timer:
    pushad
    mov ax, cs
    cmp ax, SEL_CODE
    fail_if ne, 9
    test byte [esp + 32 + 8 + 1], 2     ; IF in the EFLAGS it came from
    fail_if z, 9
    cmp word [esp + 32 + 4], SEL_CODE
    fail_if ne, 9
    inc dword [ticks]
    mov al, PIC_EOI
    out PIC1_CMD, al
    popad
    iretd

; The whole screen, by set/reset; the copy with it.
clear:
    gc_word GC_SET_RESET, BACKGROUND
    gc_word GC_SR_ENABLE, 0Fh
    mov edi, VRAM
    mov ecx, PLANE_BYTES / 4
    mov eax, 0FFFFFFFFh
    rep stosd
    gc_word GC_SR_ENABLE, 0
    xor eax, eax
    xor ebx, ebx
.plane:
    mov edi, ebx
    shl edi, 16
    add edi, COPY
    mov ecx, PLANE_BYTES / 4
    rep stosd
    inc ebx
    cmp ebx, 4
    jb .plane
    ret

; Ellipses by Minsky's recurrence, in 1/256 pixel, the colour changing on the
; way; above the middle only (the rest is the mirror's).
rings:
    gc_pair GC_MODE, 2
    mov ebp, 1
.ring:
    imul eax, ebp, 13 * 256
    mov [circle_x], eax
    mov dword [circle_y], 0
    mov ecx, RING_STEPS
.step:
    mov eax, [circle_y]
    sar eax, STEP_SHIFT
    sub [circle_x], eax
    mov eax, [circle_x]
    sar eax, STEP_SHIFT
    add [circle_y], eax
    mov eax, ecx                ; colour: a ninth of the way each, and the ring
    shr eax, 6
    add eax, ebp
    and al, 0Fh
    jnz .visible
    mov al, 8
.visible:
    mov [colour], al
    mov esi, [circle_x]
    sar esi, 8
    lea eax, [esi + esi * 2]    ; 7/4 as wide
    sar eax, 2
    lea eax, [eax + esi + CENTRE_X]
    mov esi, [circle_y]
    sar esi, 8
    add esi, CENTRE_Y
    cmp esi, CENTRE_Y
    jae .below
    cmp esi, 0
    jl .below
    call plot
.below:
    loop .step
    inc ebp
    cmp ebp, RINGS
    jbe .ring
    gc_pair GC_MODE, 0
    gc_pair GC_BIT_MASK, 0FFh
    ret

; plot: pixel (EAX, ESI) in [colour], write mode 2. All registers kept.
plot:
    pushad
    lea edi, [esi + esi * 4]
    shl edi, 4                  ; * 80
    mov ecx, eax
    shr eax, 3
    add edi, eax
    and cl, 7
    mov bl, 80h
    shr bl, cl
    gc_pair GC_BIT_MASK, bl
    mov al, [colour]
    xchg [edi + VRAM], al       ; a read into the latches and the write
    mov al, [colour]
    mov ah, bl
    call copy_apply
    popad
    ret

; copy_apply: the pixels AH of byte EDI in colour AL, in the copy. All kept.
copy_apply:
    pushad
    xor ecx, ecx
.plane:
    mov ebx, ecx
    shl ebx, 16
    or [ebx + edi + COPY], ah
    bt eax, ecx
    jc .set
    xor [ebx + edi + COPY], ah
.set:
    inc ecx
    cmp ecx, 4
    jb .plane
    popad
    ret

; The lower half: rows of the upper one, the last first, through the latches.
mirror:
    gc_pair GC_MODE, 1
    mov esi, VRAM + (HEIGHT / 2 - 1) * WIDTH_BYTES
    mov edi, VRAM + HEIGHT / 2 * WIDTH_BYTES
    mov edx, MIRROR_ROWS
.row:
    mov ecx, WIDTH_BYTES
    rep movsb
    sub esi, 2 * WIDTH_BYTES
    dec edx
    jnz .row
    gc_pair GC_MODE, 0
    xor ebx, ebx
.plane:
    mov eax, ebx
    shl eax, 16
    lea esi, [eax + COPY + (HEIGHT / 2 - 1) * WIDTH_BYTES]
    lea edi, [eax + COPY + HEIGHT / 2 * WIDTH_BYTES]
    mov edx, MIRROR_ROWS
.copy_row:
    mov ecx, WIDTH_BYTES / 4
    rep movsd
    sub esi, 2 * WIDTH_BYTES
    dec edx
    jnz .copy_row
    inc ebx
    cmp ebx, 4
    jb .plane
    ret

MIRROR_ROWS     equ 180

; Text in write mode 3.
caption:
    gc_pair GC_MODE, 3
    gc_pair GC_SET_RESET, 15
    mov esi, .text
    mov edi, 452 * WIDTH_BYTES + 25
.char:
    xor eax, eax
    lodsb
    test al, al
    jz .out
    shl eax, 4
    add eax, [font]
    mov ebx, eax
    xor ecx, ecx
.row:
    mov ah, [ebx + ecx]
    lea edx, [ecx + ecx * 4]
    shl edx, 4
    add edx, edi
    mov al, [edx + VRAM]
    mov [edx + VRAM], ah
    xchg edi, edx
    mov al, 15
    call copy_apply
    xchg edi, edx
    inc ecx
    cmp ecx, 16
    jb .row
    inc edi
    jmp .char
.out:
    gc_pair GC_MODE, 0
    gc_pair GC_SET_RESET, 0
    ret
.text:
    db "pm32: flat, CPL 0, 100 Hz, IRETD", 0

check_planes:
    xor ebx, ebx
.plane:
    gc_pair GC_READ_MAP, bl
    mov esi, ebx
    shl esi, 16
    add esi, COPY
    mov edi, VRAM
    mov ecx, PLANE_BYTES / 4
    repe cmpsd
    jne .differs
    inc ebx
    cmp ebx, 4
    jb .plane
    ret
.differs:
    lea eax, [ebx + 1]
    exit_with al
    bits 16

    align 4
ticks           dd 0
font            dd 0
circle_x        dd 0
circle_y        dd 0
colour          db 0
mask_1          db 0
mask_2          db 0

    guest_end
