; fuzz - random accesses to ports and to the VGA window, of all widths and
; kinds, from a seed. The point is a monitor that never stops, hangs or
; differs; the guest only checks that nobody wrote into its code.
;
; guest_param (offset 20h of the image, dword): the seed; 0 stands for 1.
; guest_count (offset 28h, dword): rounds, 6,000 unless changed.
; guest_flag (offset 24h, byte), a sum of
;     1  include the DMA controllers, their page registers and fw_cfg. These can
;        write anywhere in memory, this program included: then the run may end
;        in any way, or not at all, and only the monitor must survive
;     2  generate code: random blocks of I/O, memory accesses, gap fillers,
;        branches and loops, each of them run BLOCK_RUNS times. A round is a
;        block, and as many as 6,000 rounds take long; say 200
;     4  include accesses to the UARTs that are wider than a byte (with flag 2:
;        any but those to port 3FDh); QEMU 7.2 stops with an assertion then
; guest_result (0000:7C2Ch when it ends): a checksum of all that was read. It
; depends on the time where counters were read.
;
; Left out always, because they end or reset the machine: writes to the exit
; port, bit 0 of port 92h, any write to 64h that could pulse the reset line or
; address the output port, and CF8h-CFFh. Interrupts are off throughout, and
; the controllers masked at the end. Run it on scratch copies of disk images:
; the disk controllers get random commands as well.
;
; About 6 device accesses a round without flag 2, about 130 with it.
; Exit codes: 0 it got to the end; 1 its code was changed; 2 an exception.

%define GUEST_PARAM 1
%define GUEST_COUNT 6000
%include "boot.inc"
%include "pic.inc"
%include "vga.inc"

FLAG_DMA        equ 1
FLAG_CODE       equ 2
FLAG_WIDE_UART  equ 4

RAM_SEG         equ 3000h       ; scratch of 64 KiB for string instructions
BLOCK_SEG       equ 2000h       ; the generated code
BLOCK_RUNS      equ 6
BLOCK_MIN       equ 6           ; pieces in a block: BLOCK_MIN + 0 to 15
REP_MAX         equ 15          ; elements of a string instruction at most
REVIVE_ROUNDS   equ 16          ; a power of two
OFFSET_MASK     equ 0FEFFh      ; so that no access passes FFFFh
INT_UD          equ 6
INT_GP          equ 13

guest_main:
    cli
    cld
    mov word [2 * 4], on_nmi
    mov word [2 * 4 + 2], 0
    mov dword [INT_UD * 4], on_exception
    mov dword [INT_GP * 4], on_exception
    mov dword [0 * 4], on_exception
    mov eax, [guest_param]
    test eax, eax
    jnz .seeded
    inc eax
.seeded:
    mov [seed], eax
    test byte [guest_flag], FLAG_DMA
    jnz .dma
    mov al, 0Fh                 ; no transfer by what the BIOS left there
    out 0Fh, al
.dma:
    mov ax, RAM_SEG
    mov es, ax
    xor di, di
    mov eax, [seed]
    mov cx, 65536 / 4
    rep stosd
    push ds
    pop es
    call code_sum
    mov [first_sum], eax
    mov eax, [guest_count]
    mov [rounds_left], eax
    test eax, eax
    jz .done
.round:
    test byte [rounds_left], REVIVE_ROUNDS - 1
    jnz .alive
    call vga_revive
.alive:
    mov si, direct_round
    test byte [guest_flag], FLAG_CODE
    jz .go
    mov si, code_round
.go:
    call si
    dec dword [rounds_left]
    jnz .round
.done:
    mov al, 0FFh
    out PIC1_DATA, al
    out PIC2_DATA, al
    call code_sum
    cmp eax, [first_sum]
    fail_if ne, 1
    exit_with 0

on_nmi:
    iret
on_exception:
    exit_with 2

; vga_revive: the VGA's memory answers at A0000h again, planar. Random values
; turn it off sooner or later, and then there is little to see.
vga_revive:
    mov dx, 1CEh                ; Bochs's extension off: register 4
    mov ax, 4
    out dx, ax
    inc dx
    xor ax, ax
    out dx, ax
    mov dx, MISC_WRITE
    mov al, 67h
    out dx, al
    seq_pair SEQ_RESET, 3
    seq_pair SEQ_MAP_MASK, 0Fh
    seq_pair SEQ_MEM_MODE, 6
    gc_pair GC_MISC, 5
    ret

; code_sum: EAX = a checksum of the program behind the boot sector up to its
; variables.
code_sum:
    mov si, guest_main
    xor eax, eax
    xor edx, edx
.next:
    lodsb
    rol edx, 5
    add edx, eax
    cmp si, variables
    jb .next
    mov eax, edx
    ret

; random: EAX, from xorshift32 (Marsaglia). Others kept.
random:
    push edx
    mov eax, [cs:seed]
    mov edx, eax
    shl edx, 13
    xor eax, edx
    mov edx, eax
    shr edx, 17
    xor eax, edx
    mov edx, eax
    shl edx, 5
    xor eax, edx
    mov [cs:seed], eax
    pop edx
    ret

; below n: EAX = a random number from 0 to n - 1 (n < 65536). Others kept.
%macro below 1
    mov eax, %1
    call random_below
%endmacro
random_below:
    push edx
    push ecx
    mov ecx, eax
    call random
    shr eax, 7
    xor edx, edx
    div ecx
    mov eax, edx
    pop ecx
    pop edx
    ret

; mix: EAX goes into the result.
mix:
    push eax
    rol dword [cs:guest_result], 7
    xor [cs:guest_result], eax
    pop eax
    ret

; ------------------------------------------------------------------ the ports

; port_choose: DX = a port, mostly one that a PC has something at.
port_choose:
    push eax
    push bx
    below 8
    cmp al, 0
    je .any
    below PORT_RANGES
    mov bx, ax
    shl bx, 2
    movzx eax, word [cs:port_ranges + bx + 2]
    call random_below
    add ax, [cs:port_ranges + bx]
    mov dx, ax
    jmp .out
.any:
    call random
    mov dx, ax
.out:
    pop bx
    pop eax
    ret

; First port, ports.
port_ranges:
    dw 020h, 2,  040h, 4,  060h, 5,  070h, 2,  080h, 1,  092h, 1,  0A0h, 2
    dw 0E9h, 1,  170h, 8,  1F0h, 8,  376h, 2,  3F6h, 2,  2F8h, 8,  3F8h, 8
    dw 378h, 3,  3B4h, 2,  3BAh, 1,  3C0h, 16, 3C4h, 2,  3C4h, 2,  3CEh, 2
    dw 3CEh, 2,  3D4h, 2,  3D4h, 2,  3C8h, 2,  3DAh, 1,  3F0h, 8,  388h, 2
    dw 1CEh, 3,  201h, 1,  000h, 16, 0C0h, 32, 081h, 15, 510h, 4,  402h, 1
PORT_RANGES     equ ($ - port_ranges) / 4

; port_writable: may ports DX to DX + CL - 1 (CL = 1, 2, 4 bytes) be written?
; Out: CF set when not. All registers kept. Ports behind FFFFh do not wrap on
; all machines, so they are out too.
port_writable:
    push ax
    push si
    mov ax, dx
    add al, cl
    adc ah, 0
    jc .no
    dec ax                      ; the last one
    mov si, port_forbidden
    test byte [cs:guest_flag], FLAG_DMA
    jz .next
    mov si, port_forbidden.always
.next:
    cmp dx, [cs:si + 2]
    ja .clear
    cmp ax, [cs:si]
    jae .no
.clear:
    add si, 4
    cmp si, port_forbidden.end
    jb .next
    clc
    jmp .out
.no:
    stc
.out:
    pop si
    pop ax
    ret

; First and last port.
port_forbidden:
    dw 000h, 00Fh,  0C0h, 0DFh,  081h, 08Fh
    dw 510h, 51Bh               ; QEMU's fw_cfg has DMA of its own
.always:
    dw 0F4h, 0F4h               ; ends the machine
    dw 092h, 092h               ; bit 0; `write_92` does it with care
    dw 064h, 064h               ; F0h-FFh pulse, D1h: `write_64` instead
    dw 0CF8h, 0CFFh             ; a reset on machines with PCI
.end:

; port_uart: CF set when ports DX to DX + CL - 1 are a UART's, more than one of
; them, and the flags say to leave those out. All registers kept.
port_uart:
    push ax
    test byte [cs:guest_flag], FLAG_WIDE_UART
    jnz .no
    cmp cl, 1
    je .no
    mov ax, dx
    or ax, 100h                 ; 2F8h is like 3F8h
    sub ax, 3F8h - 3            ; the widest access starts three before
    cmp ax, 8 + 3               ; CF set when it is one
    jmp .out
.no:
    clc
.out:
    pop ax
    ret

; ------------------------------------------------------------ direct accesses

; A round is one port access and one memory access.
direct_round:
    call port_round
    ; falls through

memory_round:
    call window_choose
    below MEMORY_OPS
    mov bx, ax
    add bx, bx
    below REP_MAX + 1
    mov cx, ax
    call random
    mov edx, eax
    call random
    mov ebp, eax
    call random                 ; the operand
    call [cs:memory_ops + bx]
    cld
    mov bx, 0
    mov ds, bx
    mov es, bx
    call mix
    mov eax, edx
    jmp mix

; window_choose: ES = A000h or B000h, SI and DI random offsets, DS = ES or RAM.
window_choose:
    call random
    mov si, ax
    shr eax, 16
    mov di, ax
    and si, OFFSET_MASK
    and di, OFFSET_MASK
    call random
    test al, 0C0h               ; mostly the first
    mov bx, 0B000h
    jz .es
    mov bx, 0A000h
.es:
    mov es, bx
    test al, 1
    jnz .ds
    mov bx, RAM_SEG
.ds:
    mov ds, bx
    ret

; Operand EAX, second one EDX and EBP, offset DI in ES and SI in DS, count CX.
%assign n_memory 0
%macro memory 1+
..@memory_%[n_memory]:
    %1
    ret
%assign n_memory n_memory + 1
%endmacro

    memory mov [es:di], al
    memory mov [es:di], ax
    memory mov [es:di], eax
    memory mov al, [es:di]
    memory mov ax, [es:di]
    memory mov eax, [es:di]
    memory mov [es:di], dh
    memory mov dl, [es:di + 3]
    memory mov [es:di], bp
    memory mov edx, [es:di + 1]
    memory mov byte [es:di], 5Ah
    memory mov word [es:di], 0A53Ch
    memory mov dword [es:di + 2], 0C3A51E2Dh
    memory movzx edx, byte [es:di]
    memory movsx eax, word [es:di]
    memory or [es:di], al
    memory and [es:di], ax
    memory xor [es:di], eax
    memory add [es:di], dl
    memory adc [es:di], edx
    memory sub [es:di], ax
    memory sbb [es:di], al
    memory or al, [es:di]
    memory and ax, [es:di]
    memory xor eax, [es:di]
    memory add dl, [es:di]
    memory cmp al, [es:di]
    memory cmp [es:di], edx
    memory test [es:di], ax
    memory inc byte [es:di]
    memory dec word [es:di]
    memory not dword [es:di]
    memory neg byte [es:di]
    memory xchg al, [es:di]
    memory xchg [es:di], dx
    memory xchg [es:di], eax
    memory shl byte [es:di], 1
    memory ror word [es:di], 3
    memory rcl dword [es:di], cl
    memory bts word [es:di], 5
    memory btr dword [es:di], 17
    memory bt word [es:di], 9
    memory sete [es:di]
    memory setc [es:di]
    memory or byte [es:di], 81h
    memory and byte [es:di], 7Eh
    memory stosb
    memory stosw
    memory stosd
    memory lodsb
    memory lodsw
    memory lodsd
    memory movsb
    memory movsw
    memory movsd
    memory rep stosb
    memory rep stosw
    memory rep stosd
    memory rep movsb
    memory rep movsw
    memory rep movsd
    memory rep lodsb
    memory rep lodsw
    memory repe scasb
    memory repne scasw
    memory repe cmpsb
    memory repne cmpsd
    memory scasb
    memory cmpsw
    memory es lodsb
    memory mov al, [es:di + bx]
memory_ops:
%assign i 0
%rep n_memory
    dw ..@memory_%[i]
%assign i i + 1
%endrep
MEMORY_OPS      equ ($ - memory_ops) / 2

; One port access of any kind.
port_round:
    call port_choose
    below 12
    cmp al, 10
    je write_64
    cmp al, 11
    je write_92
    mov bx, ax
    and bx, 1                   ; direction: 1 out
    below 3
    mov cl, al
    mov ch, 1
    shl ch, cl                  ; bytes of an element
    below 3
    xchg cl, ch                 ; CL = bytes, CH = their logarithm
    call port_uart
    jc .skip
    test bl, bl
    jz .chosen
    call port_writable
    jc .skip
.chosen:
    cmp al, 0
    setz al                     ; one of three is a string
    movzx ax, al
    shl ax, 1
    or bl, al
    mov al, ch
    shl al, 2
    or bl, al                   ; BX = width, string, direction
    add bx, bx
    mov ax, RAM_SEG
    mov ds, ax
    mov es, ax
    call random
    mov si, ax
    shr eax, 16
    mov di, ax
    and si, OFFSET_MASK
    and di, OFFSET_MASK
    below REP_MAX + 1
    mov cx, ax
    call random
    call [cs:port_ops + bx]
    mov bx, 0
    mov ds, bx
    mov es, bx
    call mix
.skip:
    ret

%macro port_op 2
%1:
    %2
    ret
%endmacro
port_ops:
    dw in_8, out_8, ins_8, outs_8
    dw in_16, out_16, ins_16, outs_16
    dw in_32, out_32, ins_32, outs_32
    port_op in_8, {in al, dx}
    port_op in_16, {in ax, dx}
    port_op in_32, {in eax, dx}
    port_op out_8, {out dx, al}
    port_op out_16, {out dx, ax}
    port_op out_32, {out dx, eax}
    port_op ins_8, {rep insb}
    port_op ins_16, {rep insw}
    port_op ins_32, {rep insd}
    port_op outs_8, {rep outsb}
    port_op outs_16, {rep outsw}
    port_op outs_32, {rep outsd}

; The keyboard controller's commands that neither reset nor open the way to its
; output port.
write_64:
    below KBC_COMMANDS
    mov bx, ax
    mov al, [kbc_commands + bx]
    out 64h, al
    ret
kbc_commands:
    db 20h, 60h, 60h, 21h, 3Fh, 0A7h, 0A8h, 0A9h, 0AAh, 0ABh, 0ADh, 0AEh
    db 0C0h, 0D0h, 0D2h, 0D3h, 0D4h, 0DDh, 0DFh, 0E0h, 00h, 61h, 7Fh, 0B0h
KBC_COMMANDS    equ $ - kbc_commands

write_92:
    call random
    and al, 0FEh
    out 92h, al
    ret

; ------------------------------------------------------------- generated code

; A block is a row of pieces. Registers: ES = VGA memory, DS = RAM, BP counts
; loops, SP is left alone, all else is anybody's.
code_round:
    call block_make
    mov word [runs_left], BLOCK_RUNS
.run:
    mov ax, RAM_SEG
    mov ds, ax
    mov bx, 0A000h
    call random
    test al, 7
    jnz .es
    mov bx, 0B000h
.es:
    mov es, bx
    call random
    mov ebx, eax
    call random
    mov ecx, eax
    and cx, REP_MAX
    call random
    mov edx, eax
    call random
    mov esi, eax
    call random
    mov edi, eax
    and si, OFFSET_MASK
    and di, OFFSET_MASK
    call random
    call BLOCK_SEG:0
    push ds
    push 0
    pop ds
    cld
    call mix
    mov eax, ebx
    call mix
    mov eax, ecx
    call mix
    mov eax, edx
    call mix
    mov eax, esi
    call mix
    mov eax, edi
    call mix
    pop ax
    mov ax, 0
    mov es, ax
    dec word [runs_left]
    jnz .run
    ret

; block_make: a new block at BLOCK_SEG:0.
block_make:
    mov ax, BLOCK_SEG
    mov es, ax
    xor di, di
    below 16
    add ax, BLOCK_MIN
    mov [pieces_left], ax
.piece:
    below 16
    cmp al, 14
    je .branch
    cmp al, 15
    je .loop
    call piece
    jmp .next

.branch:                        ; a conditional jump over one piece
    call random
    and al, 0Fh
    or al, 70h
    mov [es:di], al
    add di, 2
    push di
    call piece
    pop bx
    mov ax, di
    sub ax, bx
    mov [es:bx - 1], al
    jmp .next

.loop:                          ; two pieces, 2 to 5 times
    mov byte [es:di], 0BDh      ; mov bp, n
    below 4
    add ax, 2
    mov [es:di + 1], ax
    add di, 3
    push di
    call piece
    call piece
    mov byte [es:di], 4Dh       ; dec bp
    mov word [es:di + 1], 75h   ; jnz
    add di, 3
    pop bx
    sub bx, di
    mov [es:di - 1], bl

.next:
    dec word [pieces_left]
    jnz .piece
    mov byte [es:di], 0CBh      ; retf
    xor ax, ax
    mov es, ax
    ret

; piece: a few instructions at ES:DI; DI moves on. 40 bytes at most, so that a
; loop of two of them is within reach of a short jump.
piece:
    below 9
    cmp al, 3
    jb piece_filler
    cmp al, 5
    jb piece_port
    je piece_pair
    ; falls through

; A memory access: a new offset now and then, then one of the encodings.
piece_memory:
    call random
    test al, 3
    jnz .same
    mov byte [es:di], 0BFh      ; mov di, imm16
    shr eax, 16
    and ax, OFFSET_MASK
    mov [es:di + 1], ax
    add di, 3
    call random
    test al, 1
    jnz .same
    mov byte [es:di], 0BEh      ; mov si, imm16
    shr eax, 16
    and ax, OFFSET_MASK
    mov [es:di + 1], ax
    add di, 3
.same:
    ; Offsets may have drifted: keep them off the segment's end, and counts low.
    mov dword [es:di], (OFFSET_MASK << 16) | 0E781h     ; and di, OFFSET_MASK
    add di, 4
    mov dword [es:di], (OFFSET_MASK << 16) | 0E681h     ; and si, OFFSET_MASK
    add di, 4
    mov dword [es:di], (REP_MAX << 16) | 0E183h | 90000000h ; and cx, n; nop
    add di, 4
    call random
    test al, 1
    jnz .flags
    mov word [es:di], 0D839h    ; cmp ax, bx: flags other than the AND's
    add di, 2
.flags:
    mov bx, code_memory
    mov ax, CODE_MEMORY
    jmp piece_copy

piece_filler:
    below 6
    cmp al, 0
    je .immediate
    mov bx, code_filler
    mov ax, CODE_FILLER
    jmp piece_copy
.immediate:                     ; mov r32, imm32, not ESP or EBP
    below 6
    mov bx, ax
    mov al, 66h
    mov ah, [immediate_opcodes + bx]
    mov [es:di], ax
    call random
    mov [es:di + 2], eax
    add di, 6
    ret
immediate_opcodes:
    db 0B8h, 0B9h, 0BAh, 0BBh, 0BEh, 0BFh

; One or two port accesses behind a MOV DX; also what is left is safe to write.
piece_port:
    mov cl, 4
    call port_choose
    call port_uart
    jc piece_port
    call port_writable
    jc piece_port
    mov byte [es:di], 0BAh      ; mov dx, imm16
    mov [es:di + 1], dx
    add di, 3
    mov dword [es:di], (REP_MAX << 16) | 0E183h | 90000000h ; and cx, n; nop
    add di, 4
    mov dword [es:di], (OFFSET_MASK << 16) | 0E681h     ; and si, OFFSET_MASK
    add di, 4
    mov dword [es:di], (OFFSET_MASK << 16) | 0E781h     ; and di, OFFSET_MASK
    add di, 4
    mov bx, code_port
    mov ax, CODE_PORT
    ; falls through

; A register of the VGA, by index and data port.
piece_pair:
    below 4
    mov bx, ax
    add bx, bx
    mov byte [es:di], 0BAh      ; mov dx, imm16
    mov ax, [pair_ports + bx]
    mov [es:di + 1], ax
    mov byte [es:di + 3], 0B0h  ; mov al, imm8
    movzx eax, word [pair_indexes + bx]
    call random_below
    mov [es:di + 4], al
    mov word [es:di + 5], 42EEh ; out dx, al; inc dx
    mov byte [es:di + 7], 0B0h  ; mov al, imm8
    call random
    mov [es:di + 8], al
    mov byte [es:di + 9], 0EEh  ; out dx, al
    add di, 10
    ret
pair_ports:
    dw 3CEh, 3C4h, 3D4h, 3CEh
pair_indexes:
    dw 9, 5, 25, 9

; piece_copy: one of the AX pieces that follow each other from BX on, each of
; them a length and its bytes.
piece_copy:
    movzx eax, ax
    call random_below
    mov cx, ax
    jcxz .found
.skip:
    movzx ax, byte [bx]
    add bx, ax
    inc bx
    loop .skip
.found:
    mov si, bx
    lodsb
    movzx cx, al
    rep movsb
    ret

; code "instruction", ...: a piece.
%macro code 1-*
    db %%end - %%start
%%start:
%rep %0
    %1
%rotate 1
%endrep
%%end:
%assign n_code n_code + 1
%endmacro

; code_end_flags: the same for instructions that leave some of the flags other
; than AF undefined; what comes behind them must not depend on those. (AF ends
; up nowhere.)
%macro code_end_flags 1
    code {%1}, {cmp al, cl}
%endmacro

%assign n_code 0
code_memory:
    code {mov [es:di], al}
    code {mov [es:di], ax}
    code {mov [es:di], eax}
    code {mov [es:di], eax}, {mov [es:di + 4], edx}
    code {mov [es:di], bl}
    code {mov [es:di], ch}
    code {mov [es:di + 7], edx}
    code {mov al, [es:di]}
    code {mov ah, [es:di + 1]}
    code {mov cx, [es:di]}
    code {mov edx, [es:di + 2]}
    code {mov al, [es:di]}, {mov [es:di], bl}
    code {mov al, [es:di]}, {mov [es:di], al}
    code {mov byte [es:di], 0FFh}
    code {mov word [es:di], 1234h}
    code {mov dword [es:di], 89ABCDEFh}
    code {movzx eax, byte [es:di]}
    code {movzx ebx, word [es:di]}
    code {movsx ecx, byte [es:di]}
    code {or [es:di], al}
    code {or [es:di], ah}
    code {and [es:di], dx}
    code {xor [es:di], ecx}
    code {add [es:di], bl}
    code {adc [es:di], ax}
    code {sub [es:di], dl}
    code {sbb [es:di], eax}
    code {or al, [es:di]}
    code {and bx, [es:di]}
    code {xor edx, [es:di]}
    code {add cl, [es:di]}
    code {sub eax, [es:di]}
    code {cmp al, [es:di]}, {setb bl}
    code {cmp [es:di], dx}, {setg bh}
    code {test [es:di], cl}, {sets dl}
    code {inc byte [es:di]}
    code {dec word [es:di]}
    code {not byte [es:di]}
    code {neg dword [es:di]}
    code {xchg [es:di], al}
    code {xchg [es:di], bx}
    code {xchg [es:di], ecx}
    code {shl byte [es:di], 1}
    code_end_flags {shr dword [es:di], cl}
    code_end_flags {rol byte [es:di], 4}
    code {rcr dword [es:di], 1}
    code_end_flags {bts word [es:di], 3}
    code_end_flags {btc dword [es:di], 30}
    code {setz [es:di]}
    code {push word [es:di]}, {pop bx}
    code {push ax}, {pop word [es:di]}
    code stosb
    code stosw
    code stosd
    code {mov al, [si]}, stosb
    code lodsb, {mov [es:di], al}
    code {es lodsb}
    code {es lodsw}
    code movsb
    code movsw
    code movsd
    code {es movsb}
    code {rep stosb}
    code {rep stosw}
    code {rep stosd}
    code {rep movsb}
    code {rep movsd}
    code {es rep movsb}
    code {es rep movsw}
    code {repe scasb}
    code {repne scasb}
    code {repe cmpsw}
    code std, stosb, cld
    code std, {rep stosw}, cld
    code {mov [si], eax}
    code {mov eax, [si]}
    code {add [si], dl}
CODE_MEMORY     equ n_code

%assign n_code 0
code_filler:
    code {mov al, bl}
    code {mov ah, dl}
    code {mov cl, al}
    code {mov bx, cx}
    code {mov edx, eax}
    code {mov ebx, edx}
    code {xchg ah, al}
    code {xchg ax, bx}
    code {xchg ecx, edx}
    code {add al, 37h}
    code {add ax, bx}
    code {adc ebx, ecx}
    code {sub dl, ah}
    code {sbb cx, 7}
    code {and al, 0F0h}
    code {or bh, 3}
    code {xor eax, edx}
    code {cmp al, cl}
    code {cmp ebx, edx}
    code {test ax, 8001h}
    code {inc ax}
    code {dec bl}
    code {inc ecx}
    code {neg dx}
    code {not bh}
    code {shl al, 1}
    code_end_flags {shr bx, 3}
    code_end_flags {sar edx, 5}
    code_end_flags {rol ax, cl}
    code_end_flags {ror bh, 4}
    code {rcl dl, 1}
    code {rcr ebx, 1}
    code_end_flags {shld ax, bx, 4}
    code_end_flags {shrd edx, ecx, 9}
    code {movzx ebx, al}
    code {movsx edx, bx}
    code_end_flags {imul ax, bx, 33}
    code_end_flags {imul ebx, edx}
    code_end_flags {mul bl}
    code cbw
    code cwd
    code cdq
    code {setc al}
    code {setnz bl}
    code {setle dh}
    code_end_flags {bt ax, 3}
    code_end_flags {bts ebx, 12}
    code {lea bx, [si + 5]}
    code {lea eax, [ebx + ecx * 4 + 77h]}
    code clc
    code stc
    code cmc
    code {push ax}, {pop bx}
    code {pushf}, {pop ax}, {and al, ~10h}
    code {push edx}, {pop ecx}
    code {add si, 2}
    code {inc di}
    code xlatb
    code nop
CODE_FILLER     equ n_code

%assign n_code 0
code_port:
    code {out dx, al}
    code {out dx, ax}
    code {out dx, eax}
    code {in al, dx}
    code {in ax, dx}
    code {in eax, dx}
    code {in al, dx}, {out dx, al}
    code {out dx, al}, {inc ax}, {out dx, al}
    code {in al, dx}, {mov ah, al}, {in al, dx}
    code {in al, dx}, {and al, 0Fh}, {out dx, al}
    code {out 80h, al}
    code {out dx, al}, {out 80h, al}
    code {in al, 61h}
    code {in al, 40h}, {xchg ah, al}, {in al, 40h}
    code outsb
    code outsw
    code {rep outsb}
    code {rep outsw}
    code {es outsb}
    code {push es}, {push ds}, {pop es}, {rep insb}, {pop es}
    code {push es}, {push ds}, {pop es}, {insw}, {pop es}
    code insb
    code {rep insb}
    code {in al, 60h}
    code {in al, 64h}
    code {in al, 92h}
    code {push dx}, {mov dx, 3FDh}, {in al, dx}, {pop dx}
    code {push dx}, {mov dx, 3DAh}, {in al, dx}, {pop dx}
CODE_PORT       equ n_code

    align 4
variables:
seed            dd 0
first_sum       dd 0
rounds_left     dd 0
runs_left       dw 0
pieces_left     dw 0

    guest_end
