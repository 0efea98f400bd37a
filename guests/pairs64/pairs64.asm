; pairs64 - a 64-bit value as two adjacent 32-bit stores into the VGA window,
; the first exit pair that was ever fused, in mode 13h; with the pairs at odd
; addresses too, in descending order, and read back as pairs.
;
; About 25,000 device accesses.
; Exit codes: 0 all is well; 1 a pair reads back wrong; 2 the pairs that cross
; each other; 3 the descending pairs; 4 a pair that is half in, half out of a
; plane-sized stretch; 5 mode 12h: both halves see the same latches.

PAIRS           equ 2000
CROSS           equ 500

%include "boot.inc"
%include "vga.inc"

guest_main:
    set_mode 13h
    mov ax, VRAM_SEG
    mov es, ax
    call aligned
    call crossing
    call descending
    call edge
    call planar
    exit_with 0

; pair: EDX:EAX, the value for pair number CX. Others kept.
pair:
    movzx eax, cx
    imul eax, eax, 9E3779B9h - 100000000h
    mov edx, eax
    rol edx, 13
    xor edx, 0A5A5A5A5h
    ret

aligned:
    xor di, di
    xor cx, cx
.write:
    call pair
    mov [es:di], eax
    mov [es:di + 4], edx
    add di, 8
    inc cx
    cmp cx, PAIRS
    jb .write
    xor di, di
    xor cx, cx
.read:
    call pair
    mov ebx, [es:di]
    mov ebp, [es:di + 4]
    cmp ebx, eax
    fail_if ne, 1
    cmp ebp, edx
    fail_if ne, 1
    add di, 8
    inc cx
    cmp cx, PAIRS
    jb .read
    ret

; Pairs 5 bytes apart: each overwrites 3 bytes of the one before.
crossing:
    mov di, 16001
    xor cx, cx
.write:
    call pair
    mov [es:di], eax
    mov [es:di + 4], edx
    add di, 5
    inc cx
    cmp cx, CROSS
    jb .write
    mov di, 16001
    xor cx, cx
.read:
    call pair
    cmp [es:di], eax
    fail_if ne, 2
    cmp [es:di + 4], dl         ; the rest belongs to the next
    fail_if ne, 2
    add di, 5
    inc cx
    cmp cx, CROSS
    jb .read
    ret

; The high half first, and by string instructions.
descending:
    mov di, 24003
    xor cx, cx
.write:
    call pair
    mov [es:di + 4], edx
    mov [es:di], eax
    add di, 8
    inc cx
    call pair
    stosd
    mov eax, edx
    stosd
    inc cx
    cmp cx, CROSS
    jb .write
    mov si, 24003
    xor cx, cx
.read:
    call pair
    mov ebx, eax
    es lodsd
    cmp eax, ebx
    fail_if ne, 3
    es lodsd
    cmp eax, edx
    fail_if ne, 3
    inc cx
    cmp cx, CROSS
    jb .read
    ret

; Across the last address of the screen and up to the end of the segment.
edge:
    mov cx, 4321
    call pair
    mov [es:64000 - 3], eax
    mov [es:64000 + 1], edx
    mov [es:0FFF8h], edx
    mov [es:0FFFCh], eax
    cmp [es:64000 - 3], eax
    fail_if ne, 4
    cmp [es:64000 + 1], edx
    fail_if ne, 4
    cmp [es:0FFF8h], edx
    fail_if ne, 4
    cmp [es:0FFFCh], eax
    fail_if ne, 4
    ret

; Mode 12h: a pair is eight bytes, each through the latches of the last read;
; the read of a dword leaves those of its last byte.
planar:
    set_mode 12h
    xor di, di
    mov ecx, 03020100h
    mov bl, 1
.plane:                         ; plane p: bytes that differ by p
    seq_pair SEQ_MAP_MASK, bl
    mov [es:100], ecx
    add ecx, 10101010h
    shl bl, 1
    cmp bl, 16
    jb .plane
    seq_pair SEQ_MAP_MASK, 0Fh
    mov eax, [es:100]
    gc_pair GC_BIT_MASK, 0      ; nothing from the CPU
    mov dword [es:200], 0FFFFFFFFh
    mov dword [es:204], 0FFFFFFFFh
    gc_pair GC_BIT_MASK, 0FFh
    mov bl, 0
    mov ecx, 03030303h
.check:
    gc_pair GC_READ_MAP, bl
    mov eax, [es:200]
    cmp eax, ecx
    fail_if ne, 5
    mov eax, [es:204]
    cmp eax, ecx
    fail_if ne, 5
    add ecx, 10101010h
    inc bl
    cmp bl, 4
    jb .check
    ret

    guest_end
