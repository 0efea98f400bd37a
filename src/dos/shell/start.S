# Everything of the command interpreter that cannot be C: start-up, calling DOS and the BIOS, saving and restoring
# a place to jump back to, and the entries of INT 23h and INT 24h.
#
# The program is a .COM file: CS = DS = ES = SS, one segment. The C code is compiled for 16-bit segments but uses
# 32-bit registers and addresses (gcc -m16), so the upper half of ESP must be zero wherever C runs. Arguments come in
# EAX, EDX, ECX (-mregparm=3).
#
# Ralf Brown's Interrupt List, INT 23h and INT 24h, for what DOS expects of their handlers.

        .code16
        .section .start, "ax"
        .globl _start
_start:
        cld
        # What DOS gave is less than the program with its stack: PSP:2 is the first segment beyond it.
        movw    %cs, %ax
        addw    $image_paragraphs, %ax
        cmpw    %ds:2, %ax
        ja      too_small
        movl    $stack_end, %esp
        movl    $bss_start, %edi
        movl    $bss_end, %ecx
        subl    %edi, %ecx
        xorl    %eax, %eax
        addr32 rep stosb
        calll   shell_main
too_small:
        movw    $no_room, %dx
        movb    $0x09, %ah
        int     $0x21
        movw    $0x4c01, %ax
        int     $0x21
no_room:
        .ascii  "Insufficient memory\r\n$"

        .text
# void intr(u32 number, struct regs *regs): INT 10h, 21h or 2Fh with these registers, and what came back.
# SS:ESP is loaded again afterwards: EXEC gives back nothing that can be relied upon, and a program that ran may have
# left anything in the upper halves.
        .globl  intr
intr:
        pushal
        pushl   %edx
        movl    %esp, intr_esp
        movw    $int_21, intr_stub
        cmpb    $0x21, %al
        je      1f
        movw    $int_2f, intr_stub
        cmpb    $0x2f, %al
        je      1f
        movw    $int_10, intr_stub
1:      movw    2(%edx), %bx
        movw    4(%edx), %cx
        movw    8(%edx), %si
        movw    10(%edx), %di
        movw    14(%edx), %es
        movw    (%edx), %ax
        pushw   12(%edx)
        movw    6(%edx), %dx
        popw    %ds
        jmp     *%cs:intr_stub
int_10: int     $0x10
        jmp     came_back
int_2f: int     $0x2f
        jmp     came_back
int_21: int     $0x21
came_back:                              # no instruction up to PUSHF changes flags
        movw    %ax, %cs:intr_ax
        movw    %cs, %ax
        movw    %ax, %ss
        movl    %cs:intr_esp, %esp
        pushfw
        pushw   %ds
        pushw   %es
        movw    %ax, %ds
        movw    %dx, intr_dx
        movl    6(%esp), %edx
        popw    14(%edx)
        popw    12(%edx)
        popw    16(%edx)
        movw    %bx, 2(%edx)
        movw    %cx, 4(%edx)
        movw    %si, 8(%edx)
        movw    %di, 10(%edx)
        movw    %ax, %es
        movw    intr_ax, %ax
        movw    %ax, (%edx)
        movw    intr_dx, %ax
        movw    %ax, 6(%edx)
        sti
        cld
        addl    $4, %esp
        popal
        retl

# u32 jump_save(struct jump *jump): 0; and 1 when jump_back came here.
        .globl  jump_save
jump_save:
        movl    %ebx, (%eax)
        movl    %esi, 4(%eax)
        movl    %edi, 8(%eax)
        movl    %ebp, 12(%eax)
        movl    (%esp), %edx
        movl    %edx, 16(%eax)
        leal    4(%esp), %edx
        movl    %edx, 20(%eax)
        xorl    %eax, %eax
        retl

# void jump_back(const struct jump *jump)
        .globl  jump_back
jump_back:
        movl    (%eax), %ebx
        movl    4(%eax), %esi
        movl    8(%eax), %edi
        movl    12(%eax), %ebp
        movl    16(%eax), %edx
        movl    20(%eax), %esp
        movl    $1, %eax
        jmpl    *%edx

# INT 23h. A program that the interpreter started is ended: RETF with carry set. The interpreter itself gives up what it
# was doing, on a stack of its own for the frames of what it gives up are still looked at.
        .globl  break_entry
break_entry:
        cmpb    $0, %cs:child_runs
        je      1f
        stc
        lretw
1:      movw    %cs, %ax
        movw    %ax, %ds
        movw    %ax, %es
        movw    %ax, %ss
        movl    $handler_stack_end, %esp
        sti
        cld
        calll   break_shell             # jumps back; never returns

# INT 24h, on DOS's stack: AX, DI as given to C; AL as it says. C may use INT 21h, so what intr keeps is saved.
        .globl  critical_entry
critical_entry:
        pushal
        pushw   %ds
        pushw   %es
        movw    %cs, %cx
        movw    %cx, %ds
        movw    %cx, %es
        movw    %ss, critical_ss
        movl    %esp, critical_esp
        movw    %cx, %ss
        movl    $handler_stack_end, %esp
        pushl   intr_esp
        pushl   intr_ax                 # and intr_dx
        pushw   intr_stub
        pushw   $0
        sti
        cld
        movzwl  %ax, %eax
        movzwl  %di, %edx
        calll   critical_error
        movb    %al, critical_answer
        cli
        popw    %cx
        popw    intr_stub
        popl    intr_ax
        popl    intr_esp
        movw    critical_ss, %ss
        movl    critical_esp, %esp
        popw    %es
        popw    %ds
        popal
        movb    %cs:critical_answer, %al
        iretw

        .data
        .balign 4
intr_ax:        .word 0
intr_dx:        .word 0
intr_esp:       .long 0
intr_stub:      .word 0
critical_ss:    .word 0
critical_esp:   .long 0
critical_answer: .byte 0
        .globl  child_runs
child_runs:     .byte 0

        .section .stack, "aw", @nobits
        .balign 16
        .globl  stack_start
stack_start:
        .skip   STACK_BYTES
stack_end:
        .skip   HANDLER_STACK_BYTES
handler_stack_end:
        .section .note.GNU-stack, "", @progbits
