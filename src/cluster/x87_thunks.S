/* The host's x87 as an executor: a thunk per encoding, and the way in and out. Called by x87.c alone. System V ABI; every
 * vector register is lost, as the ABI allows.
 *
 * x87_register_thunks + 4 * (escape * 64 + (ModRM & 3Fh)): the register form D8h + escape, ModRM.
 * x87_memory_thunks   + 4 * (escape * 8 + reg):            the memory form with the operand at [rdi]. */

    .text

    .balign 4
    .globl x87_register_thunks
    .hidden x87_register_thunks
    .type x87_register_thunks, @object
x87_register_thunks:
    .set escape, 0
    .rept 8
    .set modrm, 0xc0
    .rept 64
    .byte 0xd8 + escape, modrm
    ret
    .balign 4
    .set modrm, modrm + 1
    .endr
    .set escape, escape + 1
    .endr
    .size x87_register_thunks, . - x87_register_thunks

    .globl x87_memory_thunks
    .hidden x87_memory_thunks
    .type x87_memory_thunks, @object
x87_memory_thunks:
    .set escape, 0
    .rept 8
    .set reg, 0
    .rept 8
    .byte 0xd8 + escape, 0x07 | reg << 3
    ret
    .balign 4
    .set reg, reg + 1
    .endr
    .set escape, escape + 1
    .endr
    .size x87_memory_thunks, . - x87_memory_thunks

/* void x87_run(void *operand, const void *thunk, struct x87_image *image)
 * FXRSTOR, FXSAVE, FNINIT and the thunks of non-waiting instructions report no pending exception, and the thunk of a
 * waiting one finds none: so what it raises stays in the image and never becomes #MF here. */
    .balign 16
    .globl x87_run
    .hidden x87_run
    .type x87_run, @function
x87_run:
    pushq %rdx
    subq $16, %rsp
    fnstcw (%rsp)
    stmxcsr 4(%rsp)
    fxrstor (%rdx)
    call *%rsi
    movq 16(%rsp), %rdx
    fxsave (%rdx)
    fninit
    fldcw (%rsp)
    ldmxcsr 4(%rsp)
    addq $24, %rsp
    ret
    .size x87_run, . - x87_run

    .section .note.GNU-stack, "", @progbits
