; ide - ATA by programmed I/O on the primary master, interrupts off. A unit is
; one sector by `rep insw`; a command reads 16. Only from the floppy: DOSBox has
; no IDE.

%include "bench.inc"

ATA_DATA        equ 1F0h
ATA_COUNT       equ 1F2h
ATA_LBA_LOW     equ 1F3h
ATA_LBA_MID     equ 1F4h
ATA_LBA_HIGH    equ 1F5h
ATA_DEVICE      equ 1F6h
ATA_STATUS      equ 1F7h        ; write: command
ATA_CONTROL     equ 3F6h

ST_BSY          equ 80h
ST_DRQ          equ 08h
ST_ERR          equ 01h
DEVICE_LBA      equ 0E0h
CONTROL_NIEN    equ 02h
CMD_READ        equ 20h
COMMAND_SECTORS equ 16
SECTOR_DWORDS   equ 128
LBA_MASK        equ 3FFFh       ; the disk has at least this many sectors
BUFFER_SEG      equ 3000h

%macro ata_out 2
    mov dx, %1
    mov al, %2
    out dx, al
%endmacro

bench_setup:
    ata_out ATA_CONTROL, CONTROL_NIEN
    mov ax, BUFFER_SEG
    mov es, ax
    ret

bench_unit:
    mov dx, ATA_STATUS
    test bp, COMMAND_SECTORS - 1
    jnz .sector
.ready:
    in al, dx
    test al, ST_BSY
    jnz .ready
    mov bx, bp
    and bx, LBA_MASK
    ata_out ATA_DEVICE, DEVICE_LBA
    ata_out ATA_COUNT, COMMAND_SECTORS
    ata_out ATA_LBA_LOW, bl
    ata_out ATA_LBA_MID, bh
    ata_out ATA_LBA_HIGH, 0
    ata_out ATA_STATUS, CMD_READ
.sector:
    in al, dx
    test al, ST_BSY
    jnz .sector
    test al, ST_ERR
    jnz .bad
    test al, ST_DRQ
    jz .sector
    xor di, di
    mov cx, 2 * SECTOR_DWORDS
    mov dx, ATA_DATA
    rep insw
    mov eax, [es:0]
    add [sum], eax
    ret
.bad:
    bench_fail

bench_sum:
    mov ebx, [sum]
    mov ax, BUFFER_SEG
    mov ds, ax
    xor si, si
    mov edx, 4
    mov cx, SECTOR_DWORDS
    jmp mix_dwords

    align 4
sum             dd 0

    bench_end
