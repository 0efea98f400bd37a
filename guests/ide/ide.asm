; ide - ATA by programmed I/O on the primary master: IDENTIFY, reads by LBA and
; by cylinder/head/sector, several sectors a command, READ MULTIPLE, a write
; with read-back and FLUSH CACHE, an address behind the end, a software reset.
; Data by rep insw and rep outsw, status by polling 1F7h and 3F6h.
;
; The disk must be `ide-disk.img` (8 MiB, sector n is the dword n 128 times);
; the written sector gets its content back.
;
; About 15,000 device accesses.
; Exit codes: 0 all is well; 1 IDENTIFY; 2 one sector by LBA; 3 several; 4 by
; cylinder, head, sector; 5 READ MULTIPLE; 6 the written sector; 7 no error
; behind the end, or none that a good read clears; 8 the drive stayed busy, or
; gave no data; 9 no drive is there; 10 the signature after a software reset;
; 11 the task file after a command.

POLLS           equ 1 << 20
SECTORS         equ 16384
MANY            equ 8           ; sectors a READ SECTORS takes
MULTIPLE        equ 4           ; sectors a block
MULTIPLE_COUNT  equ 10          ; not a whole number of blocks
WRITE_SECTOR    equ SECTORS - 4

%include "boot.inc"

ATA_DATA        equ 1F0h
ATA_ERROR       equ 1F1h
ATA_COUNT       equ 1F2h
ATA_LBA_LOW     equ 1F3h
ATA_LBA_MID     equ 1F4h
ATA_LBA_HIGH    equ 1F5h
ATA_DEVICE      equ 1F6h
ATA_STATUS      equ 1F7h        ; write: command
ATA_CONTROL     equ 3F6h        ; read: alternate status

ST_BSY          equ 80h
ST_DRDY         equ 40h
ST_DRQ          equ 08h
ST_ERR          equ 01h
DEVICE_LBA      equ 0E0h
DEVICE_CHS      equ 0A0h
CONTROL_NIEN    equ 02h
CONTROL_SRST    equ 04h

CMD_READ        equ 20h
CMD_WRITE       equ 30h
CMD_SET_PARAMS  equ 91h
CMD_READ_MULT   equ 0C4h
CMD_SET_MULT    equ 0C6h
CMD_FLUSH       equ 0E7h
CMD_IDENTIFY    equ 0ECh

BUFFER          equ 0B000h      ; MULTIPLE_COUNT sectors
SECTOR_WORDS    equ SECTOR_BYTES / 2

guest_main:
    call find
    mov dx, ATA_CONTROL         ; by polling only
    mov al, CONTROL_NIEN
    out dx, al
    call identify
    call read_lba
    call read_many
    call read_chs
    call read_multiple
    call write_sector
    call behind_end
    call soft_reset
    mov dx, ATA_CONTROL
    xor al, al
    out dx, al
    exit_with 0

%macro ata_out 2
    mov dx, %1
    mov al, %2
    out dx, al
%endmacro

; A drive holds what is written to its task file and says it is ready.
find:
    ata_out ATA_DEVICE, DEVICE_LBA
    mov dx, ATA_STATUS
    in al, dx
    cmp al, 0FFh
    fail_if e, 9
    test al, al
    fail_if z, 9
    ata_out ATA_COUNT, 55h
    ata_out ATA_LBA_LOW, 0AAh
    mov dx, ATA_COUNT
    in al, dx
    cmp al, 55h
    fail_if ne, 9
    inc dx
    in al, dx
    cmp al, 0AAh
    fail_if ne, 9
    jmp wait_ready

; wait_ready: until BSY is clear; AL = the status. ECX, DX kept.
wait_ready:
    push ecx
    push dx
    mov ecx, POLLS
    mov dx, ATA_CONTROL
.poll:
    in al, dx
    test al, ST_BSY
    jz .out
    dec ecx
    jnz .poll
    exit_with 8
.out:
    mov dx, ATA_STATUS          ; takes the interrupt back
    in al, dx
    pop dx
    pop ecx
    ret

; wait_data: until BSY is clear and DRQ set.
wait_data:
    push ecx
    mov ecx, POLLS
.poll:
    call wait_ready
    test al, ST_DRQ
    jnz .out
    test al, ST_ERR
    jnz .fail
    dec ecx
    jnz .poll
.fail:
    exit_with 8
.out:
    pop ecx
    ret

; command_lba: command BH for BL sectors from EAX on. EAX, ECX, DX lost.
command_lba:
    push eax
    call wait_ready
    pop eax
    mov ecx, eax
    shr eax, 24
    or al, DEVICE_LBA
    mov dx, ATA_DEVICE
    out dx, al
    ata_out ATA_COUNT, bl
    ata_out ATA_LBA_LOW, cl
    ata_out ATA_LBA_MID, ch
    shr ecx, 16
    ata_out ATA_LBA_HIGH, cl
    ata_out ATA_STATUS, bh
    ret

; take: CX sectors, one DRQ each, to BUFFER.
take:
    mov di, BUFFER
.sector:
    call wait_data
    push cx
    mov cx, SECTOR_WORDS
    mov dx, ATA_DATA
    rep insw
    pop cx
    loop .sector
    ret

; verify: BUFFER holds CX sectors from EAX on. Exits with BL otherwise.
verify:
    mov di, BUFFER
.sector:
    push cx
    mov cx, SECTOR_BYTES / 4
    repe scasd
    pop cx
    jne .bad
    inc eax
    loop .sector
    ret
.bad:
    exit_with bl

identify:
    ata_out ATA_DEVICE, DEVICE_CHS
    call wait_ready
    ata_out ATA_STATUS, CMD_IDENTIFY
    mov cx, 1
    call take
    call wait_ready
    test al, ST_DRQ | ST_ERR
    fail_if nz, 1
    mov ax, [BUFFER + 2 * 3]
    mov [heads], ax
    mov ax, [BUFFER + 2 * 6]
    mov [sectors_per_track], ax
    cmp dword [BUFFER + 2 * 60], SECTORS
    fail_if ne, 1
    test byte [BUFFER + 2 * 49 + 1], 02h
    fail_if z, 1                ; LBA
    cmp byte [BUFFER + 2 * 47], MULTIPLE
    fail_if b, 1
    cmp word [heads], 0
    fail_if e, 1
    cmp word [sectors_per_track], 0
    fail_if e, 1
    ret

read_lba:
    mov si, .addresses
.next:
    mov eax, [si]
    mov bx, CMD_READ << 8 | 1
    call command_lba
    mov cx, 1
    call take
    mov eax, [si]
    mov cx, 1
    mov bl, 2
    call verify
    call wait_ready
    test al, ST_DRQ | ST_ERR
    fail_if nz, 2
    add si, 4
    cmp si, .end
    jb .next
    ret
.addresses:
    dd 1, 63, 64, 255, 256, 8191, 8192, SECTORS - 1, 0
.end:

read_many:
    mov eax, 1000
    mov bx, CMD_READ << 8 | MANY
    call command_lba
    mov cx, MANY
    call take
    mov eax, 1000
    mov cx, MANY
    mov bl, 3
    call verify
    mov dx, ATA_COUNT           ; all done
    in al, dx
    test al, al
    fail_if nz, 11
    mov dx, ATA_LBA_LOW         ; the last sector read, or, in some drives, the
    in al, dx                   ; next: the standards say nothing
    sub al, (1000 + MANY - 1) & 0FFh
    cmp al, 2
    fail_if ae, 11
    ret

; The same by cylinder, head and sector, in the geometry that the drive has
; after it was told its own.
read_chs:
    call wait_ready
    ata_out ATA_COUNT, [sectors_per_track]
    mov ah, [heads]
    dec ah
    or ah, DEVICE_CHS
    ata_out ATA_DEVICE, ah
    ata_out ATA_STATUS, CMD_SET_PARAMS
    call wait_ready
    test al, ST_ERR
    fail_if nz, 4
    mov si, .addresses
.next:
    mov eax, [si]
    xor edx, edx
    movzx ecx, word [sectors_per_track]
    div ecx
    mov bl, dl
    inc bl                      ; sector
    xor edx, edx
    movzx ecx, word [heads]
    div ecx
    mov bh, dl                  ; head
    mov cx, ax                  ; cylinder
    or bh, DEVICE_CHS
    ata_out ATA_DEVICE, bh
    ata_out ATA_COUNT, 2
    ata_out ATA_LBA_LOW, bl
    ata_out ATA_LBA_MID, cl
    ata_out ATA_LBA_HIGH, ch
    ata_out ATA_STATUS, CMD_READ
    mov cx, 2
    call take
    mov eax, [si]
    mov cx, 2
    mov bl, 4
    call verify
    add si, 4
    cmp si, .end
    jb .next
    ret
.addresses:
    dd 0, 1, 62, 500, 1007, 9999
.end:

read_multiple:
    call wait_ready
    ata_out ATA_DEVICE, DEVICE_LBA
    ata_out ATA_COUNT, MULTIPLE
    ata_out ATA_STATUS, CMD_SET_MULT
    call wait_ready
    test al, ST_ERR
    fail_if nz, 5
    mov eax, 3000
    mov bx, CMD_READ_MULT << 8 | MULTIPLE_COUNT
    call command_lba
    mov bx, MULTIPLE_COUNT
    mov di, BUFFER
.block:
    call wait_data
    mov cx, MULTIPLE
    cmp cx, bx
    jbe .whole
    mov cx, bx
.whole:
    sub bx, cx
    shl cx, 8                   ; words
    mov dx, ATA_DATA
    rep insw
    test bx, bx
    jnz .block
    call wait_ready
    test al, ST_DRQ | ST_ERR
    fail_if nz, 5
    mov eax, 3000
    mov cx, MULTIPLE_COUNT
    mov bl, 5
    jmp verify

; Another content, flushed and read back, then the old one.
write_sector:
    mov eax, 0C0FFEE00h
    call .round
    mov eax, WRITE_SECTOR
.round:
    push eax
    mov di, BUFFER
    mov cx, SECTOR_BYTES / 4
    rep stosd
    mov eax, WRITE_SECTOR
    mov bx, CMD_WRITE << 8 | 1
    call command_lba
    call wait_data
    mov si, BUFFER
    mov cx, SECTOR_WORDS
    mov dx, ATA_DATA
    rep outsw
    call wait_ready
    test al, ST_DRQ | ST_ERR
    fail_if nz, 6
    ata_out ATA_STATUS, CMD_FLUSH
    call wait_ready
    test al, ST_ERR
    fail_if nz, 6
    mov di, BUFFER
    mov cx, SECTOR_BYTES / 4
    xor eax, eax
    rep stosd
    mov eax, WRITE_SECTOR
    mov bx, CMD_READ << 8 | 1
    call command_lba
    mov cx, 1
    call take
    pop eax
    mov cx, 1
    mov bl, 6
    jmp verify

behind_end:
    mov eax, SECTORS + 5
    mov bx, CMD_READ << 8 | 1
    call command_lba
    call wait_ready
    test al, ST_ERR
    fail_if z, 7
    test al, ST_DRQ
    fail_if nz, 7
    mov dx, ATA_ERROR
    in al, dx
    test al, 14h                ; IDNF or ABRT
    fail_if z, 7
    mov eax, 7
    mov bx, CMD_READ << 8 | 1
    call command_lba
    mov cx, 1
    call take
    mov eax, 7
    mov cx, 1
    mov bl, 7
    call verify
    call wait_ready
    test al, ST_ERR
    fail_if nz, 7
    ret

soft_reset:
    ata_out ATA_CONTROL, CONTROL_SRST | CONTROL_NIEN
    mov cx, 50                  ; 5 us on real hardware
.hold:
    out DELAY_PORT, al
    loop .hold
    ata_out ATA_CONTROL, CONTROL_NIEN
    call wait_ready
    mov dx, ATA_COUNT
    in al, dx
    cmp al, 1
    fail_if ne, 10
    mov dx, ATA_LBA_LOW
    in al, dx
    cmp al, 1
    fail_if ne, 10
    mov dx, ATA_LBA_MID
    in al, dx
    test al, al
    fail_if nz, 10
    mov dx, ATA_LBA_HIGH
    in al, dx
    test al, al
    fail_if nz, 10
    ret

    align 2
heads           dw 0
sectors_per_track dw 0

    guest_end
