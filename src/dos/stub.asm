; The part of DOS that is in guest memory: the interrupt entries, each one OUT to the monitor, device headers, and what only guest
; code can do: calling the BIOS, other interrupts, and waiting. It lies at 0070:0000. src/dos/layout.h has its table of contents.
bits 16
cpu 386
org 0

DOS_PORT equ 0E7h

%macro monitor 1        ; a call of the monitor; %1 is the address by which it is known
        out DOS_PORT, al
%1:
%endmacro

contents:
        dw int20, int21, int23, int24, int25, int26, int27, int29, int2e, int2f, int1b, nothing, int0, call5
        dw int33
        dw con_device, clock_device, con_device, strategy, nul_interrupt, start
        dw tee, exec_block, exec_name, exec_tail, request, carpos, mouse_there, mouse_handler, bios_int10
        dw read_key, poll_key, idle, con_write, con_show, call_int24, call_int23, call_bios, bios_number
        dw con_send, send_number, send_function
        dw halt, case_map, case_table
        dw at_int20, at_int21, at_flushed, at_int25, at_int26, at_int27, at_int29, at_int2e, at_int2f, at_int0, at_driver
        dw at_finished, at_helped, at_int23_done, at_int24_done, at_int33, at_mouse_packet, at_mode_set
        dw xms_entry, int15, old_int15, ems_device, int67, ems_back
        dw at_xms, at_int67, at_ems_back, at_ems_driver

; --- interrupts ---

int20:  monitor at_int20
        iret
int21:  monitor at_int21
nothing:
        iret
flushed:
        monitor at_flushed
        iret
int23:  stc             ; nobody has taken it: the program ends
        retf
int24:  mov al, 3       ; fail
        iret
int25:  monitor at_int25
        retf            ; the flags stay on the stack
int26:  monitor at_int26
        retf
int27:  monitor at_int27
        iret
; A command of the shell's: the monitor has it, and a program's end destroys nothing but what is its caller's to save.
int2e:  monitor at_int2e
        jc .bad
        int 21h
        jc .bad
        mov ah, 4Dh
        int 21h
        xor ax, ax
        iret
.bad:   mov ax, 0FFFFh
        iret
int2f:  monitor at_int2f
        iret
int1b:  iret            ; Ctrl-Break: the BIOS has noted it in its data area, and the next call of DOS looks there
int0:   monitor at_int0 ; divide error

int29:  cmp byte [cs:tee], 0
        je int29_show
        monitor at_int29
int29_show:
        call show
        iret

; CALL 5 of a program, through the far jump at 0000:00C0. On the stack: where the far call in the program segment prefix came
; from, and the caller's near address. INT 21h wants flags, segment, offset.
call5:  pop word [cs:call5_offset]
        pop word [cs:call5_segment]
        pop word [cs:call5_offset]
        pushf
        push word [cs:call5_segment]
        push word [cs:call5_offset]
        cmp cl, 24h
        ja .unknown
        mov ah, cl
        jmp int21
.unknown:
        mov al, 0
        iret

; The capital of AL, for characters from 80h on: whom AH=38h told calls it.
case_map:
        cmp al, 80h
        jb .as_is
        push bx
        mov bx, [cs:case_table]
        cs xlatb
        pop bx
.as_is: retf

; --- the screen ---

; AL by the BIOS's teletype. Some of these BIOSes change BP or DS when they scroll.
show:   push ax
        push bx
        push bp
        mov bx, 7
        mov ah, 0Eh
        int 10h
        pop bp
        pop bx
        pop ax
count_columns:
        cmp al, 20h
        jae .forward
        cmp al, 0Dh
        je .begin
        cmp al, 8
        jne .same
        cmp byte [cs:carpos], 0
        je .same
        dec byte [cs:carpos]
.same:  ret
.begin: mov byte [cs:carpos], 0
        ret
.forward:
        inc byte [cs:carpos]
        ret

; --- what the monitor has the guest do; it is back at at_helped ---

; AX: the next key, as INT 16h tells it.
read_key:
        sti
        mov ah, 11h
        int 16h
        jnz .there
        int 28h
        mov ah, 11h     ; it may have come meanwhile
        int 16h
        jnz .there
        hlt             ; an interrupt between the two is seen at the next timer tick
        jmp read_key
.there: mov ah, 10h
        int 16h
        jmp helped

; ZF: no key; else AX: the one that is next, which stays.
poll_key:
        mov ah, 11h
        int 16h
        jmp helped

; The program waits for something that is not the keyboard.
idle:   sti
        int 28h
        jmp helped

; The program has nothing to do until something happens.
halt:   sti
        hlt
        jmp helped

; CX characters at DS:SI to CON, tabs expanded: by INT 29h, ...
con_write:
        mov bp, int29_vector
        jmp con_characters
; ... to the printer or the serial port ...
con_send:
        mov bp, send
        jmp con_characters
; ... or to the screen only.
con_show:
        mov bp, show
con_characters:
        sti
        cld
        jcxz helped
.next:  lodsb
        cmp al, 9
        jne .plain
.space: mov al, 20h
        call bp
        test byte [cs:carpos], 7
        jnz .space
        jmp .done
.plain: call bp
.done:  loop .next
        jmp helped

int29_vector:
        int 29h
        ret

; AL by a service of the BIOS; what it answers, nobody has asked for.
send:   pusha
        mov ah, [cs:send_function]
        xor dx, dx
        db 0CDh         ; INT
send_number:
        db 0
        popa
        jmp count_columns

; A critical error: AX, DI, BP:SI are set; the stack is the program's, its registers on it.
call_int24:
        sti
        int 24h
        monitor at_int24_done
        jmp $           ; never comes here

call_bios:
        sti
        db 0CDh         ; INT
bios_number:
        db 0
helped: monitor at_helped
        jmp $           ; never comes here

; Ctrl-C. All registers are the program's, and so is the stack.
call_int23:
        clc
        int 23h
        monitor at_int23_done
        jmp $

; --- device drivers ---

%macro device 4         ; next header, attributes, interrupt routine, name
        dw %1, 70h, %2, strategy, %3
        db %4
%endmacro

con_device:
        device clock_device, 8013h, driver, 'CON     '
clock_device:
        device aux_device, 8008h, driver, 'CLOCK$  '
aux_device:
        device prn_device, 8000h, driver, 'AUX     '
prn_device:
        device com1_device, 0A000h, driver, 'PRN     '
com1_device:
        device lpt1_device, 8000h, driver, 'COM1    '
lpt1_device:
        dw 0FFFFh, 0FFFFh, 0A000h, strategy, driver
        db 'LPT1    '

strategy:
        mov [cs:request], bx
        mov [cs:request + 2], es
        retf
driver: monitor at_driver
        retf
nul_interrupt:
        push es
        push bx
        les bx, [cs:request]
        mov word [es:bx + 3], 0100h ; done
        pop bx
        pop es
        retf

%include "mouse.asm"
%include "xms.asm"
%include "ems.asm"

; --- the first process ---

start:  mov ax, 0600h           ; an empty screen, without what the firmware has said
        mov bh, 7
        xor cx, cx
        mov dx, 184Fh
        int 10h
        mov ah, 2
        mov bh, 0
        xor dx, dx
        int 10h
        mov ax, cs
        mov ds, ax
        mov es, ax
        mov dx, exec_name
        mov bx, exec_block
        mov ax, 4B00h
        int 21h
        jc .finished
        mov ah, 4Dh
        int 21h
        clc
.finished:
        monitor at_finished
.stop:  cli
        hlt
        jmp .stop

request: dd 0
case_table: dw 0         ; the table less 80h
send_function: db 0
call5_offset: dw 0
call5_segment: dw 0
tee:    db 0
carpos: db 0
        align 2
exec_block:             ; environment, tail, two FCBs
        dw 0
        dw exec_tail, 70h, exec_fcb, 70h, exec_fcb, 70h
exec_fcb: times 16 db 0
exec_name: times 80 db 0
exec_tail: times 128 db 0
