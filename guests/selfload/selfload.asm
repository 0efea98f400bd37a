; selfload - code that a disk's data port brings: (a) REP INSW of a routine over
; the instructions right behind the INSW, which run at once; (b) the same from
; the far side of a call, over a loop that has run hot; (c) INSW, one word, over
; the immediate of the next instruction; (d) INSW over the loop that
; fetches the words.
;
; The disk must be `ide-disk.img` (8 MiB, sector n is the dword n 128 times);
; two sectors of it are written, and get their content back.
;
; About 40,000 device accesses.
; Exit codes: 0 all is well; 1 other code ran than the disk gave, behind the
; INSW; 2 in the loop; 3 an old immediate; 4 in the fetching loop; 8 the drive
; stayed busy, or gave no data; 9 no drive is there.

POLLS           equ 1 << 20
SECTORS         equ 16384
CODE_SECTOR     equ SECTORS - 8 ; version 0, and behind it version 1
ROUNDS          equ 24          ; of (a), (b) and (d)
WORD_SECTORS    equ 24          ; of (c)
FIRST_WORD      equ 1000        ; sector

%include "boot.inc"

ATA_DATA        equ 1F0h
ATA_COUNT       equ 1F2h
ATA_LBA_LOW     equ 1F3h
ATA_DEVICE      equ 1F6h
ATA_STATUS      equ 1F7h        ; write: command
ATA_CONTROL     equ 3F6h
ST_BSY          equ 80h
ST_DRQ          equ 08h
DEVICE_LBA      equ 0E0h
CONTROL_NIEN    equ 02h
CMD_READ        equ 20h
CMD_WRITE       equ 30h
SECTOR_WORDS    equ SECTOR_BYTES / 2

HOT_ROUNDS      equ 20

guest_main:
    mov dx, ATA_CONTROL         ; by polling only
    mov al, CONTROL_NIEN
    out dx, al
    mov dx, ATA_DEVICE
    mov al, DEVICE_LBA
    out dx, al
    mov dx, ATA_STATUS
    in al, dx
    cmp al, 0FFh
    fail_if e, 9
    mov si, version_0
    mov bx, CODE_SECTOR
    call write_sector
    mov si, version_1
    mov bx, CODE_SECTOR + 1
    call write_sector
    call run_behind
    call run_hot
    call patch_words
    call run_poller
    mov bx, CODE_SECTOR
    call restore_sector
    mov bx, CODE_SECTOR + 1
    call restore_sector
    exit_with 0

; --- the drive ---

; in: BX = sector, AL = command; out: DX = data port, the drive has or wants data.
; AX, CX lost.
command:
    push ax
    mov dx, ATA_COUNT
    mov al, 1
    out dx, al
    mov dx, ATA_LBA_LOW
    mov al, bl
    out dx, al
    inc dx
    mov al, bh
    out dx, al
    inc dx
    xor al, al
    out dx, al
    pop ax
    mov dx, ATA_STATUS
    out dx, al
wait_data:
    mov ecx, POLLS
.poll:
    in al, dx
    test al, ST_BSY
    jnz .again
    test al, ST_DRQ
    jnz .ready
.again:
    dec ecx
    jnz .poll
    exit_with 8
.ready:
    mov dx, ATA_DATA
    ret

wait_idle:
    mov dx, ATA_STATUS
    mov ecx, POLLS
.poll:
    in al, dx
    test al, ST_BSY
    jz .ready
    dec ecx
    jnz .poll
    exit_with 8
.ready:
    ret

; DS:SI to sector BX.
write_sector:
    mov al, CMD_WRITE
    call command
    mov cx, SECTOR_WORDS
    rep outsw
    jmp wait_idle

restore_sector:
    mov al, CMD_WRITE
    call command
    mov cx, SECTOR_WORDS / 2
.next:
    mov ax, bx
    out dx, ax
    xor ax, ax
    out dx, ax
    loop .next
    jmp wait_idle

; An exit in front of the INSW, so that this is part of what runs in one go.
%macro status_before_data 0
    mov dx, ATA_STATUS
    in al, dx
    mov dx, ATA_DATA
%endmacro

; --- (a) ---

; Each round's routine has room for a sector; a round later the other version
; lies there. The routine returns to the caller of `load_behind`, so that
; nothing stands between the INSW and it.
run_behind:
    xor bp, bp
.round:
    mov bx, bp
    and bx, 1
    add bx, CODE_SECTOR
    call load_behind
    call expected
    fail_if ne, 1
    inc bp
    cmp bp, ROUNDS
    jb .round
    ret

load_behind:
    mov al, CMD_READ
    call command
    status_before_data
    mov di, .code
    mov cx, SECTOR_WORDS
    rep insw
.code:
    times SECTOR_BYTES nop
    exit_with 1                 ; it did not return

; ZF: SI is what the version of round BP gives. AX lost.
expected:
    mov ax, HOT_ROUNDS * 3
    test bp, 1
    jz .compare
    mov ax, -HOT_ROUNDS * 7
.compare:
    cmp ax, si
    ret

; --- (b) ---

; Every version runs three times before the next comes over it.
run_hot:
    xor bp, bp
.round:
    mov bx, bp
    and bx, 1
    add bx, CODE_SECTOR
    mov al, CMD_READ
    call command
    status_before_data
    mov di, hot
    mov cx, SECTOR_WORDS
    rep insw
    times 3 call run_once
    inc bp
    cmp bp, ROUNDS
    jb .round
    ret

run_once:
    call hot
    call expected
    fail_if ne, 2
    ret

; --- (c) ---

; Sector n is n, 0, n, 0: what the additions come to is known.
patch_words:
    xor bp, bp
.sector:
    lea bx, [bp + FIRST_WORD]
    mov al, CMD_READ
    call command
    xor si, si
    mov cx, SECTOR_WORDS
.word:
    status_before_data
    mov di, .immediate
    insw
    add si, strict word 0FFFFh
.immediate equ $ - 2
    loop .word
    imul ax, bx, SECTOR_WORDS / 2
    cmp ax, si
    fail_if ne, 3
    inc bp
    cmp bp, WORD_SECTORS
    jb .sector
    ret

; --- (d) ---

; A sector comes word by word over the loop that fetches it. The versions differ
; in one instruction, which counts: from the turn on in which its word has come,
; it counts the other way.
run_poller:
    mov si, poller_0
    mov bx, CODE_SECTOR
    call write_sector
    mov si, poller_1
    mov bx, CODE_SECTOR + 1
    call write_sector
    xor bp, bp
.round:
    mov bx, bp
    and bx, 1
    add bx, CODE_SECTOR
    mov al, CMD_READ
    call command
    mov di, poller
    xor si, si
    call poller
    mov ax, SECTOR_WORDS - 2 * OLD_TURNS
    test bp, 1
    jz .compare
    neg ax
.compare:
    cmp ax, si
    fail_if ne, 4
    inc bp
    cmp bp, ROUNDS
    jb .round
    ret

; poll_version counter, label of the counter
%macro poll_version 2
%%first:
    mov cx, SECTOR_WORDS
%%next:
    status_before_data
    insw
%2:
    %1
    loop %%next
    ret
    times SECTOR_BYTES - ($ - %%first) nop
%endmacro

poller:
    poll_version {dec si}, poller_counter
OLD_TURNS       equ (poller_counter - poller) / 2

poller_0:
    poll_version {inc si}, poller_0_counter
poller_1:
    poll_version {dec si}, poller_1_counter

; --- the routines of (a) and (b) ---

version_0:
    xor si, si
    mov cx, HOT_ROUNDS
.next:
    out DELAY_PORT, al
    add si, 3
    out DELAY_PORT, al
    loop .next
    ret
    times SECTOR_BYTES - ($ - version_0) nop

version_1:
    xor si, si
    mov cx, HOT_ROUNDS
.next:
    out DELAY_PORT, al
    sub si, 7
    loop .next
    ret
    times SECTOR_BYTES - ($ - version_1) nop

hot:
    times SECTOR_BYTES nop

    guest_end
