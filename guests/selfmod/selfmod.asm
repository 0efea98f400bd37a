; selfmod - code that changes between two runs of the same I/O: (a) the
; immediate of an instruction a few instructions ahead, patched between two
; OUTs; (b) the same through an alias of the code segment, by string
; instruction, and on the far side of a jump; (c) other code over old code, by
; int 13h from this disk, which means DMA; (d) a loop of OUTs that changes
; instructions of its own, passed and to come, the very next one, by string
; stores, by stores that reach from the bytes in front over the loop's first
; instruction, and that has its data between its instructions; (e) code that is
; changed in between by a routine which accesses no device.
;
; About 26,000 device accesses.
; Exit codes: 0 all is well; 1 an old immediate was used; 2 an old instruction;
; 3 an old string-written instruction; 4 the code read from disk is not what
; ran; 5 the disk could not be read; 6 REP MOVSB over the instructions behind
; itself; 7 an old immediate without a jump between; 8 in a loop; 9 in the next
; instruction; 10 STOSW over the next instruction; 11 REP STOSB; 12 a store
; that straddles the first instruction; 13 data between the instructions; 14,
; 15 code changed where no device is accessed.

ROUNDS          equ 500
DISK_ROUNDS     equ 12
HOT_ROUNDS      equ 12
OUTSIDE_ROUNDS  equ 100
NOP_BYTE        equ 90h
OUT_IMM         equ 0E6h        ; OUT imm8, AL
INC_BX          equ 43h
DEC_BX          equ 4Bh
INC_DX          equ 42h         ; 8 more is DEC
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
    call patch_loop
    call patch_next
    call patch_next_by_string
    call patch_by_rep_stos
    call patch_first
    call patch_in_front
    call data_in_code
    call patch_from_outside
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

; (d) BX adds up what the changed instructions say, DX what they should say.
; Each round changes the instruction it began with, for the next round, and one
; that it has not reached.
patch_loop:
    xor ecx, ecx
    xor bx, bx
    xor dx, dx
    mov word [.passed], 3
.round:
    out DELAY_PORT, al
    add bx, strict word 0
.passed equ $ - 2
    lea ax, [ecx * 8 + 3]
    add dx, ax
    not ax
    mov [.ahead], ax
    sub dx, ax
    out DELAY_PORT, al
    sub bx, strict word 0
.ahead equ $ - 2
    inc cx
    lea ax, [ecx * 8 + 3]
    mov [.passed], ax
    out DELAY_PORT, al
    cmp cx, ROUNDS
    jb .round
    cmp bx, dx
    fail_if ne, 8
    ret

; The store and the changed instruction are neighbours.
patch_next:
    xor ecx, ecx
    xor bx, bx
    xor dx, dx
.round:
    out DELAY_PORT, al
    lea ax, [ecx * 4 + 1]
    add dx, ax
    mov [.immediate], ax
    add bx, strict word 0
.immediate equ $ - 2
    out DELAY_PORT, al
    inc cx
    cmp cx, ROUNDS
    jb .round
    cmp bx, dx
    fail_if ne, 9
    ret

patch_next_by_string:
    xor ecx, ecx
    xor bx, bx
    xor dx, dx
.round:
    out DELAY_PORT, al
    lea ax, [ecx * 4 + 1]
    add dx, ax
    mov di, .immediate
    stosw
    add bx, strict word 0
.immediate equ $ - 2
    out DELAY_PORT, al
    inc cx
    cmp cx, ROUNDS
    jb .round
    cmp bx, dx
    fail_if ne, 10
    ret

; Four instructions at once: INC BX or DEC BX, the one from bit 1 of the round.
patch_by_rep_stos:
    xor si, si
    xor bx, bx
    xor dx, dx
.round:
    out DELAY_PORT, al
    mov ax, si
    and ax, 2                   ; 0 or 2
    lea bp, [eax * 4 + -4]      ; -4 or 4
    add dx, bp
    shl ax, 2
    xor al, DEC_BX              ; or INC BX
    mov di, .four
    mov cx, 4
    rep stosb
.four:
    times 4 nop
    out DELAY_PORT, al
    inc si
    cmp si, ROUNDS
    jb .round
    cmp bx, dx
    fail_if ne, 11
    ret

; What BX becomes when INC BX and DEC BX take turns, ROUNDS of them, and it is
; tripled after each: out: DX. CX lost.
turns:
    xor dx, dx
    mov cx, ROUNDS / 2
.next:
    inc dx
    imul dx, dx, 3
    dec dx
    imul dx, dx, 3
    loop .next
    ret

; A word that begins in front of the instruction behind the first OUT, and so
; (where an OUT is over when the machine is left) of the cluster.
patch_first:
    call turns
    xor bx, bx
    mov cx, ROUNDS
    mov ax, INC_BX << 8 | DELAY_PORT
    mov [.first - 1], ax
.round:
    out DELAY_PORT, al
.first:
    inc bx
    imul bx, bx, 3
    xor ah, INC_BX ^ DEC_BX
    mov [.first - 1], ax
    out DELAY_PORT, al
    loop .round
    cmp bx, dx
    fail_if ne, 12
    ret

; A dword that begins in front of the OUT itself.
patch_in_front:
    call turns
    xor bx, bx
    mov cx, ROUNDS
    mov eax, INC_BX << 24 | DELAY_PORT << 16 | OUT_IMM << 8 | NOP_BYTE
    mov [.round - 1], eax
    nop
.round:
    out DELAY_PORT, al
    inc bx
    imul bx, bx, 3
    xor eax, (INC_BX ^ DEC_BX) << 24
    mov [.round - 1], eax
    out DELAY_PORT, al
    loop .round
    cmp bx, dx
    fail_if ne, 12
    ret

; Variables between the instructions, in the same cache line: stores there are
; none to code.
data_in_code:
    xor cx, cx
    xor bx, bx
    xor dx, dx
    mov word [.count], 0
.round:
    out DELAY_PORT, al
    inc word [.count]
    jmp short .over
.count:
    dw 0
.over:
    out DELAY_PORT, al
    add bx, [.count]
    inc cx
    add dx, cx
    cmp cx, ROUNDS
    jb .round
    cmp bx, dx
    fail_if ne, 13
    ret

; (e) No exit tells of these stores. The loop in between runs often enough to
; be worth translating, and again after each change.
patch_from_outside:
    xor bp, bp
.round:
    call change
    xor bx, bx
    mov cx, HOT_ROUNDS
.hot:
    out DELAY_PORT, al
    add bx, strict word 0
.immediate equ $ - 2
    out DELAY_PORT, al
.opcode:
    inc dx
    loop .hot
    imul ax, bp, 3
    imul ax, HOT_ROUNDS
    cmp ax, bx
    fail_if ne, 14
    mov ax, HOT_ROUNDS
    test bp, 1
    jz .compare
    neg ax
.compare:
    cmp ax, dx
    fail_if ne, 15
    inc bp
    cmp bp, OUTSIDE_ROUNDS
    jb .round
    ret

; More instructions than any window has, so that KVM runs them. DX = 0; AX lost.
change:
    imul ax, bp, 3
    mov [patch_from_outside.immediate], ax
    mov ax, bp
    and al, 1
    shl al, 3
    add al, INC_DX              ; or DEC DX
    mov [patch_from_outside.opcode], al
    times 300 nop
    xor dx, dx
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
