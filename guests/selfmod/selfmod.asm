; selfmod - code that changes between two runs of the same I/O: (a) the
; immediate of an instruction a few instructions ahead, patched between two
; OUTs; (b) the same through an alias of the code segment, by string
; instruction, and on the far side of a jump; (c) other code over old code, by
; int 13h from this disk, which means DMA.
;
; About 15,000 device accesses.
; Exit codes: 0 all is well; 1 an old immediate was used; 2 an old instruction;
; 3 an old string-written instruction; 4 the code read from disk is not what
; ran; 5 the disk could not be read; 6 REP MOVSB over the instructions behind
; itself; 7 an old immediate without a jump between.

ROUNDS          equ 500
DISK_ROUNDS     equ 12
ALIAS_SEG       equ 0123h       ; another segment that this code lies in

%include "boot.inc"

REGION_SEG      equ 2000h       ; where the code from disk goes

guest_main:
    call patch_immediate
    call patch_close
    call patch_opcode
    call patch_alias
    call patch_ahead
    call from_disk
    exit_with 0

; (a) The loop writes the immediate of an instruction that follows four
; instructions later, between two OUTs. Real processors up to the 486 might
; have fetched it already; a jump makes it sure on all.
patch_immediate:
    xor cx, cx
.round:
    mov al, cl
    out DELAY_PORT, al
    xor al, 5Ah
    mov [.immediate], al
    jmp .serialise
.serialise:
    out DELAY_PORT, al
    mov bl, 0
.immediate equ $ - 1
    out DELAY_PORT, al
    cmp al, bl
    fail_if ne, 1
    inc cx
    cmp cx, ROUNDS
    jb .round
    ret

; The same without the jump. A 486 may have fetched the old immediate by then;
; every processor since, and so every one that runs a virtual machine, looks.
patch_close:
    mov bx, 0
    xor cx, cx
.round:
    lea ax, [ecx + ecx * 2 + 7]
    out DELAY_PORT, al
    mov [.immediate], al
    out DELAY_PORT, al
    inc bx
    mov ah, 0
.immediate equ $ - 1
    out DELAY_PORT, al
    cmp al, ah
    fail_if ne, 7
    inc cx
    cmp cx, ROUNDS
    jb .round
    cmp bx, ROUNDS
    fail_if ne, 7
    ret

; The opcode of one instruction: INC BX or DEC BX in turn, in a loop of OUTs.
patch_opcode:
    mov bx, 1000
    mov dx, 1000
    xor cx, cx
.round:
    out DELAY_PORT, al
    mov al, 43h                 ; inc bx
    test cl, 1
    jz .store
    mov al, 4Bh                 ; dec bx
.store:
    mov [.opcode], al
    jmp .serialise
.serialise:
    out DELAY_PORT, al
.opcode:
    nop
    out DELAY_PORT, al
    test cl, 1
    jnz .expect_old
    inc dx
    jmp .compare
.expect_old:
    dec dx
.compare:
    cmp bx, dx
    fail_if ne, 2
    inc cx
    cmp cx, ROUNDS
    jb .round
    ret

; (b) The code is written through another segment, as data at another offset,
; by STOSB, and run by a call.
patch_alias:
    push es
    mov ax, ALIAS_SEG
    mov es, ax
    xor bp, bp
.round:
    mov di, .victim_immediate - ALIAS_SEG * 16
    mov ax, bp
    stosw
    call .victim
    cmp ax, bp
    fail_if ne, 3
    inc bp
    cmp bp, ROUNDS
    jb .round
    pop es
    ret
.victim:
    out DELAY_PORT, al
    mov ax, 0
.victim_immediate equ $ - 2
    out DELAY_PORT, al
    ret

ahead:
.version_a:
    out DELAY_PORT, al
    mov bl, 0
    out DELAY_PORT, al
.version_b:
    out DELAY_PORT, al
    mov bl, 1
    out DELAY_PORT, al
.bytes equ .version_b - .version_a

; REP MOVSB writes the instructions that come right behind the next jump.
patch_ahead:
    xor cx, cx
.round:
    push cx
    mov si, ahead.version_a
    test cl, 1
    jz .copy
    mov si, ahead.version_b
.copy:
    out DELAY_PORT, al
    mov di, .landing
    mov cx, ahead.bytes
    rep movsb
    jmp .landing
.landing:
    times ahead.bytes nop
    pop cx
    mov dl, cl
    and dl, 1
    cmp bl, dl
    fail_if ne, 6
    inc cx
    cmp cx, ROUNDS
    jb .round
    ret
; (c) Two sectors of this image hold two versions of a routine. They go to the
; same place in turn, and run long enough each time to be worth translating.
from_disk:
    xor si, si
.round:
    mov ax, si
    and ax, 1
    add ax, (overlay_0 - boot_start) / SECTOR_BYTES
    push REGION_SEG
    pop es
    xor bx, bx
    mov cx, 1
    call disk_read
    fail_if c, 5
    call REGION_SEG:0
    mov bx, 100 * 3
    test si, 1
    jz .compare
    mov bx, 100 * 7
.compare:
    cmp ax, bx
    fail_if ne, 4
    inc si
    cmp si, DISK_ROUNDS
    jb .round
    push ds
    pop es
    ret

; Position-independent routines: out: AX = 100 * 3 or 100 * 7. CX lost.
    align SECTOR_BYTES
overlay_0:
    xor ax, ax
    mov cx, 100
.next:
    out DELAY_PORT, al
    add ax, 3
    out DELAY_PORT, al
    loop .next
    retf
    align SECTOR_BYTES
overlay_1:
    xor ax, ax
    mov cx, 100
.next:
    out DELAY_PORT, al
    add ax, 7
    out DELAY_PORT, al
    loop .next
    retf
    align SECTOR_BYTES

    guest_end
