; netecho - an NE2000 at 300h, IRQ 9, driven from its own registers: the PROM,
; the packet memory, the loopback tests of the DP8390D's data sheet (12.0), and
; UDP datagrams to 10.0.2.2, which must send every one of them back unchanged.
; Received by interrupt from the ring, sent by remote DMA, waiting by HLT.
; The station is 10.0.2.15; it asks for the peer's address by ARP and answers
; such questions itself.
;
; Then a burst whose answers have to wait in the ring, and one that overflows
; it, with the recovery of the data sheet (7.0): what got lost must be what the
; tally counter says.
;
; guest_count: datagrams, of 60 to 1514 bytes a frame, all lengths in turn.
; guest_param: the peer's UDP port. guest_flag: bit 0 leaves out what QEMU's
; NE2000 does not have: the loopback tests and the overflow.
;
; About 900 device accesses a datagram.
; Exit codes: 0 all is well; 1 no card, or its PROM is wrong; 2 packet memory;
; 3 loopback; 4 no answer by ARP; 5 datagrams were lost; 6 or altered; 7 the
; burst; 8 the overflow; 9 the transmitter or remote DMA never got ready.

%define GUEST_COUNT 10000
%define GUEST_PARAM 7

%include "boot.inc"
%include "pic.inc"

FLAG_QEMU       equ 01h

NIC             equ 300h
NIC_DATA        equ NIC + 10h
NIC_RESET       equ NIC + 1Fh

NIC_CR          equ NIC
; page 0, reading and writing
NIC_BNRY        equ NIC + 3
NIC_ISR         equ NIC + 7
; reading
NIC_TSR         equ NIC + 4
NIC_FIFO        equ NIC + 6
NIC_RSR         equ NIC + 12
NIC_CNTR2       equ NIC + 15
; writing
NIC_PSTART      equ NIC + 1
NIC_PSTOP       equ NIC + 2
NIC_TPSR        equ NIC + 4
NIC_TBCR0       equ NIC + 5
NIC_TBCR1       equ NIC + 6
NIC_RSAR0       equ NIC + 8
NIC_RBCR0       equ NIC + 10
NIC_RBCR1       equ NIC + 11
NIC_RCR         equ NIC + 12
NIC_TCR         equ NIC + 13
NIC_DCR         equ NIC + 14
NIC_IMR         equ NIC + 15
; page 1
NIC_PAR0        equ NIC + 1
NIC_CURR        equ NIC + 7
NIC_MAR0        equ NIC + 8

CR_STOP         equ 21h
CR_START        equ 22h
CR_SEND         equ 26h
CR_READ         equ 0Ah
CR_WRITE        equ 12h
CR_PAGE1        equ 40h
CR_TXP          equ 04h

ISR_PRX         equ 01h
ISR_PTX         equ 02h
ISR_RXE         equ 04h
ISR_TXE         equ 08h
ISR_OVW         equ 10h
ISR_CNT         equ 20h
ISR_RDC         equ 40h
ISR_RST         equ 80h
INTERRUPTS      equ 3Fh

DCR_BYTES       equ 48h
DCR_WORDS       equ 49h
DCR_LOOPBACK    equ 40h

RCR_BROADCAST   equ 04h
RCR_MONITOR     equ 20h

PAGE_SEND       equ 40h
PAGE_RING       equ 46h
PAGE_END        equ 80h
RAM_FIRST       equ 4000h
RAM_BYTES       equ 4000h

POLLS           equ 1 << 20
TICKS_LOST      equ 20          ; BIOS ticks after which a datagram is lost
BDA_TICKS       equ 46Ch
INT_NIC         equ 71h         ; IRQ 9
IRQ2_BIT        equ 04h
IRQ9_BIT        equ 02h

FRAME_MIN       equ 60
FRAME_MAX       equ 1514
LENGTHS         equ FRAME_MAX - FRAME_MIN + 1
LENGTH_STEP     equ 37          ; no common divisor with LENGTHS
ETH_BYTES       equ 14
IP_BYTES        equ 20
UDP_BYTES       equ 8
HEADERS         equ ETH_BYTES + IP_BYTES + UDP_BYTES
OUR_PORT        equ 4000h
BURST           equ 6           ; frames of the longest, which the ring holds
FLOOD           equ 16          ; and more than it does

SEND_BUFFER     equ 0A000h
RECEIVE_BUFFER  equ 0A800h
PATTERN         equ 0B000h      ; what payloads are cut from
PATTERN_BYTES   equ 3000h

%macro nic_out 2
    mov dx, %1
    mov al, %2
    out dx, al
%endmacro

guest_main:
    call make_pattern
    call reset_card
    call check_prom
    call check_memory
    test byte [guest_flag], FLAG_QEMU
    jnz .no_loopback
    call loopback
.no_loopback:
    call start_card
    call resolve
    call exchange
    call burst
    test byte [guest_flag], FLAG_QEMU
    jnz .no_overflow
    call overflow
.no_overflow:
    call report
    cmp dword [lost], 0
    fail_if ne, 5
    cmp dword [altered], 0
    fail_if ne, 6
    mov eax, [guest_count]
    cmp [good], eax
    fail_if ne, 5
    exit_with 0

; make_pattern: pseudo-random words.
make_pattern:
    mov di, PATTERN
    mov cx, PATTERN_BYTES / 2
    mov ax, 1
.word:
    mov bx, 25173
    mul bx
    add ax, 13849
    stosw
    loop .word
    ret

; --- the card ---

; reset_card: its reset port, then stopped, in loopback, no interrupts.
reset_card:
    mov dx, NIC_RESET
    in al, dx
    out dx, al
    mov dx, NIC_ISR
    mov ecx, POLLS
.wait:
    in al, dx
    cmp al, 0FFh
    fail_if e, 1
    test al, ISR_RST
    jnz .stopped
    dec ecx
    jnz .wait
    exit_with 1
.stopped:
    nic_out NIC_CR, CR_STOP
    nic_out NIC_DCR, DCR_BYTES
    nic_out NIC_RBCR0, 0
    nic_out NIC_RBCR1, 0
    nic_out NIC_RCR, RCR_MONITOR
    nic_out NIC_TCR, 02h
    nic_out NIC_ISR, 0FFh
    nic_out NIC_IMR, 0
    nic_out NIC_CR, CR_START
    ret

; remote: BX = address, CX = bytes, AH = the command. AL, DX lost.
remote:
    mov dx, NIC_RSAR0
    mov al, bl
    out dx, al
    inc dx
    mov al, bh
    out dx, al
    inc dx
    mov al, cl
    out dx, al
    inc dx
    mov al, ch
    out dx, al
    mov dx, NIC_CR
    mov al, ah
    out dx, al
    mov dx, NIC_DATA
    ret

; remote_done: waits for the end of a transfer. AL, DX lost.
remote_done:
    push ecx
    mov ecx, POLLS
    mov dx, NIC_ISR
.wait:
    in al, dx
    test al, ISR_RDC
    jnz .done
    dec ecx
    jnz .wait
    exit_with 9
.done:
    mov al, ISR_RDC
    out dx, al
    pop ecx
    ret

; remote_read: CX bytes (even, by words) from BX to ES:DI.
remote_read:
    mov ah, CR_READ
    call remote
    shr cx, 1
    rep insw
    jmp remote_done

; remote_write: CX bytes (even, by words) from DS:SI to BX.
remote_write:
    mov ah, CR_WRITE
    call remote
    shr cx, 1
    rep outsw
    jmp remote_done

; check_prom: every byte twice, the station's address first, 57h at the end.
check_prom:
    mov bx, 0
    mov cx, 32
    mov ah, CR_READ
    call remote
    mov di, RECEIVE_BUFFER
    rep insb
    call remote_done
    mov si, RECEIVE_BUFFER
    mov di, our_mac
    mov cx, 16
.pair:
    lodsw
    cmp al, ah
    fail_if ne, 1
    cmp di, our_mac + 6
    jae .next
    stosb
.next:
    loop .pair
    cmp al, 57h
    fail_if ne, 1
    test byte [our_mac], 01h
    fail_if nz, 1
    ret

; check_memory: all of it by words, what it holds being the firmware.
check_memory:
    nic_out NIC_DCR, DCR_WORDS
    push ds
    push word 0F000h
    pop ds
    xor si, si
    mov bx, RAM_FIRST
    mov cx, RAM_BYTES
    call remote_write
    pop ds
    push es
    push word 2000h
    pop es
    xor di, di
    mov bx, RAM_FIRST
    mov cx, RAM_BYTES
    call remote_read
    push ds
    push word 0F000h
    pop ds
    xor si, si
    xor di, di
    mov cx, RAM_BYTES / 2
    repe cmpsw
    pop ds
    pop es
    fail_if ne, 2
    ret

; start_card: ring, address, interrupts; on the network from here on.
start_card:
    cli
    nic_out NIC_CR, CR_STOP
    nic_out NIC_DCR, DCR_WORDS
    nic_out NIC_RBCR0, 0
    nic_out NIC_RBCR1, 0
    nic_out NIC_RCR, RCR_BROADCAST
    nic_out NIC_TCR, 02h
    nic_out NIC_PSTART, PAGE_RING
    nic_out NIC_PSTOP, PAGE_END
    nic_out NIC_BNRY, PAGE_RING
    nic_out NIC_TPSR, PAGE_SEND
    nic_out NIC_CR, CR_STOP | CR_PAGE1
    mov si, our_mac
    mov dx, NIC_PAR0
    mov cx, 6
.address:
    lodsb
    out dx, al
    inc dx
    loop .address
    mov al, PAGE_RING + 1
    mov [next_page], al
    out dx, al                  ; CURR
    nic_out NIC_CR, CR_STOP
    nic_out NIC_ISR, 0FFh
    nic_out NIC_IMR, INTERRUPTS
    nic_out NIC_CR, CR_START
    nic_out NIC_TCR, 0
    vector_take INT_NIC, interrupt, old_vector
    in al, PIC2_DATA
    and al, ~IRQ9_BIT & 0FFh
    out PIC2_DATA, al
    in al, PIC1_DATA
    and al, ~IRQ2_BIT & 0FFh
    out PIC1_DATA, al
    sti
    ret

; --- sending ---

; send: CX bytes of the send buffer, interrupts off. All but BP lost.
send:
    push cx
    mov ecx, POLLS
    mov dx, NIC_CR
.busy:
    in al, dx
    test al, CR_TXP
    jz .free
    dec ecx
    jnz .busy
    exit_with 9
.free:
    pop cx
    push cx
    inc cx
    and cl, 0FEh
    mov si, SEND_BUFFER
    mov bx, PAGE_SEND << 8
    call remote_write
    pop cx
    mov dx, NIC_TBCR0
    mov al, cl
    out dx, al
    inc dx
    mov al, ch
    out dx, al
    nic_out NIC_CR, CR_SEND
    ret

; --- the interrupt ---

interrupt:
    pushad
    push ds
    push es
    xor ax, ax
    mov ds, ax
    mov es, ax
    cld
.again:
    mov dx, NIC_ISR
    in al, dx
    and al, INTERRUPTS
    jz .end
    out dx, al
    test al, ISR_OVW
    jz .no_overflow
    inc word [overflows]
.no_overflow:
    test al, ISR_PRX | ISR_RXE
    jz .again
    cmp byte [leave_ring], 0
    jne .again
    call drain
    jmp .again
.end:
    mov al, PIC_EOI
    out PIC2_CMD, al
    out PIC1_CMD, al
    pop es
    pop ds
    popad
    iret

; drain: takes every frame out of the ring. Interrupts off.
drain:
    nic_out NIC_CR, CR_START | CR_PAGE1
    mov dx, NIC_CURR
    in al, dx
    mov ah, al
    nic_out NIC_CR, CR_START
    cmp ah, [next_page]
    je .out
    mov bh, [next_page]
    mov bl, 0
    push bx
    mov cx, 4
    mov di, header
    call remote_read
    pop bx
    mov cx, [header + 2]
    sub cx, 4                   ; the checksum is there too
    cmp cx, FRAME_MAX
    ja .broken
    cmp cx, FRAME_MIN
    jb .broken
    mov al, [header + 1]
    cmp al, PAGE_RING
    jb .broken
    cmp al, PAGE_END
    jae .broken
    push cx
    inc cx
    and cl, 0FEh
    add bl, 4
    mov di, RECEIVE_BUFFER
    call remote_read
    pop cx
    mov al, [header + 1]
    mov [next_page], al
    dec al
    cmp al, PAGE_RING
    jae .boundary
    mov al, PAGE_END - 1
.boundary:
    mov dx, NIC_BNRY
    out dx, al
    call take
    jmp drain
.out:
    ret
.broken:
    inc dword [altered]
    ret

; take: a frame of CX bytes in the receive buffer.
take:
    mov bx, RECEIVE_BUFFER
    mov ax, [bx + 12]
    cmp ax, 0608h
    je .arp
    cmp ax, 0008h
    jne .out
    cmp byte [bx + ETH_BYTES + 9], 17
    jne .out
    mov eax, [peer_ip]
    cmp [bx + ETH_BYTES + 12], eax
    jne .out
    cmp word [bx + ETH_BYTES + IP_BYTES + 2], (OUR_PORT & 0FFh) << 8 | OUR_PORT >> 8
    jne .out
    call compare
    inc dword [answers]
.out:
    ret
.arp:
    cmp word [bx + ETH_BYTES + 6], 0200h
    je .answer
    cmp word [bx + ETH_BYTES + 6], 0100h
    jne .out
    mov eax, [our_ip]
    cmp [bx + ETH_BYTES + 24], eax
    jne .out
    mov eax, [bx + ETH_BYTES + 8]       ; who asks
    mov [peer_mac], eax
    mov ax, [bx + ETH_BYTES + 12]
    mov [peer_mac + 4], ax
    mov edx, [bx + ETH_BYTES + 14]
    mov si, peer_mac
    mov ax, 0200h
    call make_arp
    mov cx, FRAME_MIN
    jmp send
.answer:
    mov eax, [peer_ip]
    cmp [bx + ETH_BYTES + 14], eax
    jne .out
    mov eax, [bx + ETH_BYTES + 8]
    mov [peer_mac], eax
    mov ax, [bx + ETH_BYTES + 12]
    mov [peer_mac + 4], ax
    mov byte [resolved], 1
    ret

; compare: the datagram, whose number it carries, with what was sent. CX = the
; frame's bytes. Counts.
compare:
    mov eax, [bx + HEADERS]
    cmp eax, [guest_count]
    jae .not_counted            ; of a burst
    cmp eax, [number]
    jne .bad                    ; not the one that is waited for
.not_counted:
    push cx
    call length_of
    pop dx
    cmp cx, dx
    jne .bad
    mov si, RECEIVE_BUFFER + HEADERS + 4
    push cx
    call payload_of
    pop cx
    sub cx, HEADERS + 4
    push cx
    shr cx, 1
    repe cmpsw
    pop cx
    jne .bad
    test cl, 1
    jz .right
    cmpsb
    jne .bad
.right:
    cmp eax, [guest_count]
    jae .of_burst
    inc dword [good]
    ret
.of_burst:
    inc word [burst_good]
    ret
.bad:
    inc dword [altered]
    ret

; length_of: CX = the frame's bytes of datagram EAX. DX lost.
length_of:
    push eax
    push ebx
    mov cx, FRAME_MAX           ; of a burst
    cmp eax, [guest_count]
    jae .out
    mov ebx, LENGTH_STEP
    mul ebx
    mov ebx, LENGTHS
    div ebx
    mov cx, dx
    add cx, FRAME_MIN
.out:
    pop ebx
    pop eax
    ret

; payload_of: DI = what datagram EAX carries behind its number.
payload_of:
    push eax
    imul eax, 61
    and ax, 1FFFh
    mov di, ax
    add di, PATTERN
    pop eax
    ret

; --- making frames ---

; make_arp: AX = operation, EDX and [SI] = the other's addresses.
make_arp:
    mov di, SEND_BUFFER
    push si
    movsd
    movsw
    call put_our_mac
    push ax
    mov ax, 0608h
    stosw
    mov eax, 00080100h          ; Ethernet, IP
    stosd
    mov ax, 0406h
    stosw
    pop ax
    stosw
    call put_our_mac
    mov eax, [our_ip]
    stosd
    pop si
    movsd
    movsw
    mov eax, edx
    stosd
    xor eax, eax
    mov cx, (FRAME_MIN - ETH_BYTES - 28) / 2
    rep stosw
    ret

put_our_mac:
    push si
    mov si, our_mac
    movsd
    movsw
    pop si
    ret

; make_datagram: number EAX; CX = the frame's bytes.
make_datagram:
    call length_of
    push cx
    push eax
    mov bx, ax
    mov di, SEND_BUFFER
    mov si, peer_mac
    movsd
    movsw
    call put_our_mac
    mov ax, 0008h
    stosw
    mov ax, 0045h               ; IP
    stosw
    mov ax, cx
    sub ax, ETH_BYTES
    xchg al, ah
    stosw
    mov ax, bx                  ; identification
    stosw
    xor ax, ax
    stosw
    mov ax, 1140h               ; UDP, 64 hops
    stosw
    xor ax, ax
    stosw
    mov eax, [our_ip]
    stosd
    mov eax, [peer_ip]
    stosd
    call put_ip_checksum
    mov ax, (OUR_PORT & 0FFh) << 8 | OUR_PORT >> 8
    stosw
    mov ax, [guest_param]
    xchg al, ah
    stosw
    mov ax, cx
    sub ax, ETH_BYTES + IP_BYTES
    xchg al, ah
    stosw
    xor ax, ax                  ; no checksum of its own
    stosw
    pop eax
    stosd
    mov bx, di
    call payload_of
    mov si, di
    mov di, bx
    sub cx, HEADERS + 4
    inc cx
    shr cx, 1
    rep movsw
    pop cx
    ret

; put_ip_checksum: into the header that ends at DI. AX, SI lost.
put_ip_checksum:
    push cx
    push bx
    lea si, [di - IP_BYTES]
    xor bx, bx
    mov cx, IP_BYTES / 2
    clc
.word:
    lodsw
    adc bx, ax
    loop .word
    adc bx, 0
    not bx
    mov [di - IP_BYTES + 10], bx
    pop bx
    pop cx
    ret

; --- the parts ---

; wait_until %1, %2: sleeps until the dword (word, byte) %1 is %2; CF set if it
; takes too long. EAX lost.
%macro wait_until 2
    mov eax, [BDA_TICKS]
    mov [waited_from], eax
%%again:
    cli
    cmp %1, %2
    je %%done
    mov eax, [BDA_TICKS]
    sub eax, [waited_from]
    cmp eax, TICKS_LOST
    jae %%late
    sti
    hlt
    jmp %%again
%%late:
    sti
    stc
    jmp %%out
%%done:
    sti
    clc
%%out:
%endmacro

resolve:
    cli
    mov si, everybody
    mov edx, [peer_ip]
    mov ax, 0100h
    call make_arp
    mov cx, FRAME_MIN
    call send
    sti
    wait_until byte [resolved], 1
    fail_if c, 4
    ret

; exchange: one after the other.
exchange:
    xor ebp, ebp
.next:
    cmp ebp, [guest_count]
    jae .out
    cli
    mov dword [answers], 0
    mov [number], ebp
    mov eax, ebp
    call make_datagram
    call send
    sti
    wait_until dword [answers], 1
    jnc .answered
    inc dword [lost]
.answered:
    inc ebp
    jmp .next
.out:
    mov dword [number], -1
    ret

; wait_sent: sleeps until the transmitter is free; interrupts off before and
; after. AL, DX lost.
wait_sent:
    mov dx, NIC_CR
.again:
    in al, dx
    test al, CR_TXP
    jz .out
    sti                         ; its interrupt comes
    hlt
    cli
    jmp .again
.out:
    ret

; send_burst: AX of the longest; the answers stay in the ring for half a
; second.
send_burst:
    mov byte [leave_ring], 1
    mov dword [answers], 0
    mov word [burst_good], 0
    mov cx, ax
    mov eax, [guest_count]
.next:
    push cx
    push eax
    cli
    call make_datagram
    call wait_sent
    call send
    sti
    pop eax
    pop cx
    inc eax
    loop .next
    mov eax, [BDA_TICKS]
    add eax, 9
.rest:
    hlt
    cmp [BDA_TICKS], eax
    jb .rest
    ret

burst:
    mov ax, BURST
    call send_burst
    cmp dword [answers], 0
    fail_if ne, 7
    cli
    mov byte [leave_ring], 0
    call drain
    sti
    wait_until word [burst_good], BURST
    fail_if c, 7
    ret

; overflow: what the ring cannot hold is missed, and nothing else; what is in
; it is still right. Data sheet, section 7.0, "Buffer Ring Overflow".
overflow:
    mov dx, NIC_CNTR2
    in al, dx                   ; cleared by reading
    mov word [overflows], 0
    mov ax, FLOOD
    call send_burst
    cmp word [overflows], 0
    fail_if e, 8
    cli
    mov dx, NIC_CR
    in al, dx
    test al, CR_TXP
    fail_if nz, 8               ; nothing to be sent again
    nic_out NIC_CR, CR_STOP
    mov cx, 1700                ; 1.6 ms at least
.stopping:
    out DELAY_PORT, al
    loop .stopping
    nic_out NIC_RBCR0, 0
    nic_out NIC_RBCR1, 0
    nic_out NIC_TCR, 02h
    nic_out NIC_CR, CR_START
    mov byte [leave_ring], 0
    call drain
    nic_out NIC_ISR, ISR_OVW
    nic_out NIC_TCR, 0
    sti
    mov dx, NIC_CNTR2
    in al, dx
    xor ah, ah
    test ax, ax
    fail_if z, 8
    add ax, [burst_good]
    cmp ax, FLOOD
    fail_if ne, 8
    mov ax, 1                   ; and it goes on
    call send_burst
    cli
    mov byte [leave_ring], 0
    call drain
    sti
    wait_until word [burst_good], 1
    fail_if c, 8
    ret

; --- loopback ---

; crc: EAX = the Ethernet checksum of CX bytes at SI. BX, CX, SI lost.
crc:
    push edx
    mov edx, 0FFFFFFFFh
.byte:
    lodsb
    xor dl, al
    mov bl, 8
.bit:
    shr edx, 1
    jnc .no_carry
    xor edx, 0EDB88320h
.no_carry:
    dec bl
    jnz .bit
    loop .byte
    mov eax, edx
    not eax
    pop edx
    ret

; loop_frame: CX bytes to the station [SI], with its checksum behind them.
loop_frame:
    push cx
    push cx
    mov di, SEND_BUFFER
    movsd
    movsw
    call put_our_mac
    mov si, PATTERN
    sub cx, 12
    rep movsb
    pop cx
    mov si, SEND_BUFFER
    call crc
    stosd
    mov [frame_crc], eax
    pop cx
    ret

; loop_send: CX bytes of the send buffer with AL in TCR, AH in RCR. The modes
; may be changed only by way of normal operation.
loop_send:
    push ax
    nic_out NIC_CR, CR_STOP
    nic_out NIC_DCR, DCR_LOOPBACK
    nic_out NIC_RBCR0, 0
    nic_out NIC_RBCR1, 0
    nic_out NIC_TCR, 0
    pop ax
    mov dx, NIC_TCR
    out dx, al
    mov dx, NIC_RCR
    mov al, ah
    out dx, al
    nic_out NIC_CR, CR_START
    mov si, SEND_BUFFER
    mov bx, PAGE_SEND << 8
    push cx
    mov ah, CR_WRITE
    call remote
    rep outsb
    call remote_done
    pop cx
    nic_out NIC_ISR, 0FFh
    nic_out NIC_TPSR, PAGE_SEND
    nic_out NIC_TBCR0, cl
    nic_out NIC_TBCR1, ch
    nic_out NIC_CR, CR_SEND
    mov ecx, POLLS
    mov dx, NIC_ISR
.wait:
    in al, dx
    test al, ISR_PTX
    jnz .sent
    dec ecx
    jnz .wait
    exit_with 9
.sent:
    cmp al, ISR_PTX             ; and no other
    fail_if ne, 3
    ret

; expect_register port, value
%macro expect_register 2
    mov dx, %1
    in al, dx
    cmp al, %2
    fail_if ne, 3
%endmacro

; expect_crc: the FIFO gives the four bytes of the checksum.
expect_crc:
    mov si, frame_crc
    mov cx, 4
    mov dx, NIC_FIFO
.byte:
    in al, dx
    cmp al, [si]
    fail_if ne, 3
    inc si
    loop .byte
    ret

; path: TCR = AL, and TSR must be AH: the way of the data, and the checksum
; that the transmitter makes; two lengths, which lie in the FIFO differently.
path:
    push ax
    mov si, our_mac
    mov cx, 60
    call loop_frame
    pop ax
    push ax
    mov ah, 1Fh
    call loop_send
    pop ax
    push ax
    expect_register NIC_TSR, ah
    expect_register NIC_RSR, 02h
    expect_register NIC_FIFO, 64
    expect_register NIC_FIFO, 0
    expect_register NIC_FIFO, 0
    expect_register NIC_FIFO, [SEND_BUFFER + 59]
    call expect_crc
    mov si, our_mac
    mov cx, 65
    call loop_frame
    pop ax
    mov ah, 1Fh
    call loop_send
    expect_register NIC_FIFO, [SEND_BUFFER + 64]
    call expect_crc
    expect_register NIC_FIFO, 69
    expect_register NIC_FIFO, 0
    expect_register NIC_FIFO, 0
    ret

; recognition: [SI] is the address, AH RCR, and RSR must be BL with a good
; checksum of ours, BH with a bad one.
recognition:
    push ax
    push bx
    mov cx, 60
    call loop_frame
    pop bx
    pop ax
    push ax
    push bx
    mov al, 03h
    mov cx, 64
    call loop_send
    pop bx
    push bx
    expect_register NIC_RSR, bl
    inc byte [SEND_BUFFER + 63]
    pop bx
    pop ax
    push bx
    mov al, 03h
    mov cx, 64
    call loop_send
    pop bx
    expect_register NIC_RSR, bh
    ret

loopback:
    nic_out NIC_CR, CR_STOP | CR_PAGE1
    mov si, our_mac
    mov dx, NIC_PAR0
    mov cx, 6
.address:
    lodsb
    out dx, al
    inc dx
    loop .address
    mov dx, NIC_MAR0
    mov cx, 8
    mov al, 0FFh
.filter:
    out dx, al
    inc dx
    loop .filter
    nic_out NIC_CR, CR_STOP
    mov ax, 5302h
    call path
    mov ax, 4304h
    call path
    mov ax, 0306h
    call path
    mov si, our_mac
    mov ah, 00h
    mov bx, 0201h
    call recognition
    mov si, stranger
    mov ah, 00h
    mov bx, 0101h
    call recognition
    mov si, group
    mov ah, 08h
    mov bx, 2221h
    call recognition
    mov si, group
    mov ah, 00h
    mov bx, 0101h
    call recognition
    nic_out NIC_CR, CR_STOP
    nic_out NIC_TCR, 0
    ret

; --- at the end ---

; say_number: EAX in decimal, on the screen and the debug port.
say_number:
    mov ebx, 10
    xor cx, cx
.digit:
    xor edx, edx
    div ebx
    add dl, '0'
    push dx
    inc cx
    test eax, eax
    jnz .digit
.say:
    pop ax
    out DEBUG_PORT, al
    mov ah, 0Eh
    mov bx, 7
    push cx
    int 10h
    pop cx
    loop .say
    ret

%macro say 1
    print %1
    debug %1
%endmacro

report:
    mov eax, [guest_count]
    call say_number
    say " datagrams: "
    mov eax, [good]
    call say_number
    say " came back, "
    mov eax, [lost]
    call say_number
    say " lost, "
    mov eax, [altered]
    call say_number
    say " altered"
    print 13, 10
    debug 10
    ret

our_ip          db 10, 0, 2, 15
peer_ip         db 10, 0, 2, 2
everybody       db 0FFh, 0FFh, 0FFh, 0FFh, 0FFh, 0FFh
stranger        db 02h, 11h, 22h, 33h, 44h, 55h
group           db 01h, 00h, 5Eh, 00h, 00h, 01h

    align 4
good            dd 0
lost            dd 0
altered         dd 0
answers         dd 0            ; since the last one was sent
number          dd -1           ; that is waited for
waited_from     dd 0
frame_crc       dd 0
old_vector      dd 0
overflows       dw 0
burst_good      dw 0
header          dw 0, 0
our_mac         times 6 db 0
peer_mac        times 6 db 0
next_page       db 0
resolved        db 0
leave_ring      db 0            ; the interrupt does not empty it

    guest_end
