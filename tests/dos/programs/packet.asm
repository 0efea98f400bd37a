; PACKET.COM: a packet driver without a network: it stays resident at INT 60h, takes every frame and delivers none. FTP Software, PC/TCP Packet
; Driver Specification, 1.09.
bits 16
cpu 8086
org 100h
        jmp install
service:
        jmp short .begin
        nop
        db 'PKT DRVR', 0
.begin: cmp ah, 1
        je .driver_info
        cmp ah, 2
        je .access_type
        cmp ah, 3
        je .ok                  ; release_type
        cmp ah, 4
        je .ok                  ; send_pkt
        cmp ah, 6
        je .get_address
        mov dh, 11              ; BAD_COMMAND
        sti
        stc
        retf 2
.driver_info:
        mov ax, 1               ; basic functions only
        mov bx, 1
        mov cx, 0100h           ; Ethernet
        mov dx, 1
        push cs
        pop ds
        mov si, name
        jmp short .ok
.access_type:
        mov ax, 1
        jmp short .ok
.get_address:
        push si
        push di
        push ds
        push cs
        pop ds
        mov si, address
        mov cx, 6
        cld
        rep movsb
        pop ds
        pop di
        pop si
        mov cx, 6
.ok:    sti                     ; the flags of the INT go
        clc
        retf 2
name:   db 'NONE', 0
address: db 2, 0, 0, 0, 0, 1
end:
install:
        mov dx, service
        mov ax, 2560h
        int 21h
        mov dx, end + 15
        mov cl, 4
        shr dx, cl
        mov ax, 3100h
        int 21h
