/* Flags in host code: CLC to STI, PUSHF and POPF. */
#include "jit/translate.h"

static void gen_system_flag(struct gen *g, u32 flag, bool set)
{
    gen_save_flags(g);
    if (set)
        emit_mi(&g->e, M(OR), 4, CPU(eflags), (s32)flag);
    else
        emit_mi(&g->e, M(AND), 4, CPU(eflags), (s32)~flag);
    if (flag == FLAG_DF)
        emit_mi(&g->e, M(MOV), 4, FRAME(direction), set ? -1 : 1);
}

/*  mov r8, [intr]; cmp byte [r8], 0; jne cold */
static void leave_if_interrupt_waits(struct gen *g)
{
    emit_rm(&g->e, M(MOV), 8, R8, FRAME(intr));
    emit_mi(&g->e, M(CMP), 1, host_mem(R8, 0), 0);
    gen_branch_cold(g, M(JNZ));
}

/* There is no shadow if IF was set before. What asks for the processor already will have it after the next instruction: the
 * interpreter knows how.
 *   mov r8, [intr]; cmp byte [r8], 0; jne cold; test [eflags], IF; setz [shadow]; or [eflags], IF */
static void gen_sti(struct gen *g)
{
    struct emit *e = &g->e;
    gen_save_flags(g);
    leave_if_interrupt_waits(g);
    emit_mi(e, M(TEST), 4, CPU(eflags), FLAG_IF);
    emit_m(e, M(SETZ), 1, CPU(interrupt_shadow));
    emit_mi(e, M(OR), 4, CPU(eflags), FLAG_IF);
}

void gen_flag(struct gen *g, const struct step *step)
{
    static const ZydisMnemonic same[] = {[FLAG_OP_CLC] = M(CLC),
                                         [FLAG_OP_STC] = M(STC),
                                         [FLAG_OP_CMC] = M(CMC),
                                         [FLAG_OP_LAHF] = M(LAHF),
                                         [FLAG_OP_SAHF] = M(SAHF)};
    switch ((enum flag_op)step->op) {
    case FLAG_OP_CLD:
    case FLAG_OP_STD:
        gen_system_flag(g, FLAG_DF, step->op == FLAG_OP_STD);
        break;
    case FLAG_OP_CLI:
        gen_system_flag(g, FLAG_IF, false);
        break;
    case FLAG_OP_STI:
        gen_sti(g);
        break;
    default:
        gen_restore_flags(g);
        emit_none(&g->e, same[step->op]);
        break;
    }
}

/* PUSHF's image.
 *   r10d = [flags] >> 8 & SF..CF | ([flags] & 1) << OF | [eflags], without what is not its */
void gen_get_flags(struct gen *g, const struct step *step)
{
    struct emit *e = &g->e;
    (void)step; /* into t0, which PUSHF pushes */
    gen_save_flags(g);
    emit_rm(e, M(MOV), 4, R9, FRAME(flags));
    emit_rr(e, M(MOV), 4, R10, R9);
    emit_ri(e, M(SHR), 4, R10, JIT_FLAGS_SHIFT);
    emit_ri(e, M(AND), 4, R10, JIT_FLAGS);
    emit_ri(e, M(AND), 4, R9, JIT_OVERFLOW);
    emit_ri(e, M(SHL), 4, R9, JIT_OF_SHIFT);
    emit_rr(e, M(OR), 4, R10, R9);
    emit_rm(e, M(MOV), 4, R9, CPU(eflags));
    emit_ri(e, M(AND), 4, R9, (s32)~(u32)(FLAGS_ARITH | FLAG_VM | FLAG_RF));
    emit_rr(e, M(OR), 4, R10, R9);
    emit_ri(e, M(OR), 4, R10, FLAG_FIXED);
}

/*  [direction] = 1 - 2 * DF */
static void emit_direction(struct emit *e)
{
    enum { TO_TWICE = 9, TWICE = 2 }; /* DF is bit 10 */
    emit_rr(e, M(MOV), 4, R9, R10);
    emit_ri(e, M(SHR), 4, R9, TO_TWICE);
    emit_ri(e, M(AND), 4, R9, TWICE);
    emit_r(e, M(NEG), 4, R9);
    emit_ri(e, M(ADD), 4, R9, 1);
    emit_mr(e, M(MOV), 4, FRAME(direction), R9);
}

/* The rest of POPF: t0 is what the stack pointer, which has not been moved yet, points to. TF, and an interrupt that waits,
 * are the interpreter's.
 *   test r10d, TF; jnz cold; mov r8, [intr]; cmp byte [r8], 0; jne cold; direction;
 *   [flags] = (r10d & SF..CF) << 8 | r10d >> OF & 1;  [eflags] = [eflags] & ~mask | r10d & mask;  move the stack pointer */
void gen_set_flags(struct gen *g, const struct step *step)
{
    struct emit *e = &g->e;
    const u32 mask = step->size == 4 ? FLAGS_POP32 : FLAGS_POP16;
    const struct step drop = {.kind = STEP_DROP, .imm = step->size};
    gen_save_flags(g);
    emit_ri(e, M(TEST), 4, R10, FLAG_TF);
    gen_branch_cold(g, M(JNZ));
    leave_if_interrupt_waits(g);
    emit_direction(e);
    emit_rr(e, M(MOV), 4, R9, R10);
    emit_ri(e, M(AND), 4, R9, JIT_FLAGS);
    emit_ri(e, M(SHL), 4, R9, JIT_FLAGS_SHIFT);
    emit_rr(e, M(MOV), 4, R8, R10);
    emit_ri(e, M(SHR), 4, R8, JIT_OF_SHIFT);
    emit_ri(e, M(AND), 4, R8, JIT_OVERFLOW);
    emit_rr(e, M(OR), 4, R9, R8);
    emit_mr(e, M(MOV), 4, FRAME(flags), R9);
    emit_ri(e, M(AND), 4, R10, (s32)mask);
    emit_rm(e, M(MOV), 4, R9, CPU(eflags));
    emit_ri(e, M(AND), 4, R9, (s32)~mask);
    emit_rr(e, M(OR), 4, R9, R10);
    emit_mr(e, M(MOV), 4, CPU(eflags), R9);
    gen_drop(g, &drop);
}
