; Expanded memory: included by stub.asm. Programs look for the name of the device at offset 0Ah of the segment that INT 67h
; points into, so it has a segment of its own.
        align 16, db 0
ems_device:
        dw 0FFFFh, 0FFFFh, 0C000h, ems_strategy - ems_device, ems_interrupt - ems_device
        db 'EMMXXXX0'

ems_strategy:
        mov [cs:request - ems_device], bx
        mov [cs:request + 2 - ems_device], es
        retf
ems_interrupt:
        monitor at_ems_driver
        retf

int67:  monitor at_int67
        iret

; What AH=56h has called returns here, far. Behind the return address was what the monitor needs to map the old pages.
ems_back:
        monitor at_ems_back
        iret
