/* Branches in host code. Each counts the instructions before it where its two ways part. */
#include "jit/translate.h"

static ZydisMnemonic jcc_mnemonic(u8 condition)
{
    static const ZydisMnemonic jcc[16] = {M(JO), M(JNO), M(JB), M(JNB), M(JZ), M(JNZ), M(JBE), M(JNBE),
                                          M(JS), M(JNS), M(JP), M(JNP), M(JL), M(JNL), M(JLE), M(JNLE)};
    return jcc[condition];
}

/*  jcc leave;  or:  jncc over; <taken edge>; over: */
void gen_branch(struct gen *g, const struct step *step)
{
    const struct cluster_insn *insn = &g->cluster->insn[g->i];
    g->pending++;
    gen_restore_flags(g);
    if (insn->target == CLUSTER_NO_INSN) {
        gen_branch_out(g, jcc_mnemonic(step->op), LEAVE_branch, insn->target_eip);
        return;
    }
    gen_count(g);
    u8 *over = emit_branch(&g->e, jcc_mnemonic(step->op ^ 1));
    gen_edge(g, insn->target, insn->target_eip);
    emit_patch(&g->e, over, g->e.at);
}

/*  r9d = ecx; movzx ecx, cx: the way to test CX without touching the flags is JRCXZ */
static void emit_take_count(struct gen *g)
{
    emit_rr(&g->e, M(MOV), 4, R9, RCX);
    emit_extend(&g->e, M(MOVZX), 4, RCX, 2, RCX);
}

/*  loop:  dec cx; [jz/jnz over]; cx = 0: over; <taken edge>; over: */
void gen_loop(struct gen *g, const struct step *step)
{
    const struct cluster_insn *insn = &g->cluster->insn[g->i];
    struct emit *e = &g->e;
    bool word = step->mem.addr_size == 2;
    u8 *flag_over = NULL;
    g->pending++;
    if (step->op == LOOP_EQUAL || step->op == LOOP_NOT_EQUAL)
        gen_restore_flags(g);
    gen_count(g);
    if (step->op != LOOP_JCXZ) {
        emit_lea(e, 4, R8, host_mem(RCX, -1));
        emit_rr(e, M(MOV), word ? 2 : 4, RCX, R8);
    } else if (!word) {
        emit_rr(e, M(MOV), 4, RCX, RCX); /* clears the upper half */
    }
    if (step->op == LOOP_EQUAL || step->op == LOOP_NOT_EQUAL)
        flag_over = emit_branch(e, step->op == LOOP_EQUAL ? M(JNZ) : M(JZ));
    if (word)
        emit_take_count(g);
    u8 *zero = emit_branch_short(e, M(JRCXZ));
    if (word)
        emit_rr(e, M(MOV), 4, RCX, R9);
    u8 *not_zero = step->op == LOOP_JCXZ ? emit_branch(e, M(JMP)) : NULL;
    if (!not_zero)
        gen_edge(g, insn->target, insn->target_eip);
    emit_patch_short(e, zero, e->at);
    if (word)
        emit_rr(e, M(MOV), 4, RCX, R9);
    if (step->op == LOOP_JCXZ) {
        gen_edge(g, insn->target, insn->target_eip);
        if (not_zero)
            emit_patch(e, not_zero, e->at);
    }
    if (flag_over)
        emit_patch(e, flag_over, e->at);
}

/*  r10d = offset; jmp dispatch */
static void go_to(struct gen *g, enum host_reg target, u8 size)
{
    if (size == 2)
        emit_extend(&g->e, M(MOVZX), 4, R10, 2, target);
    else if (target != R10)
        emit_rr(&g->e, M(MOV), 4, R10, target);
    g->pending++;
    gen_count(g);
    gen_branch_stub(g, M(JMP), g->jit->dispatch[g->flags]);
}

bool gen_indirect_is_native(const struct gen *g, const struct step *step)
{
    return g->chain && g->cpu->sreg[CPU_CS].limit >= (step->size == 2 ? 0xffff : UINT32_MAX);
}

static void reaches(struct gen *g, u8 size)
{
    g->eip_limit = MAX(g->eip_limit, size == 2 ? 0xffff : UINT32_MAX);
}

void gen_jump(struct gen *g, const struct step *step)
{
    const struct cluster_insn *insn = &g->cluster->insn[g->i];
    if (step->src != OPERAND_IMM) {
        reaches(g, step->size);
        go_to(g, gen_reg(step->src, step->size), step->size);
        return;
    }
    g->pending++;
    gen_count(g);
    gen_edge(g, insn->target, insn->target_eip);
}

/*  push the next offset; <taken edge> */
void gen_call(struct gen *g, const struct step *step)
{
    struct step push = *step;
    push.src = OPERAND_IMM;
    push.imm = g->cluster->insn[g->i].next_eip;
    gen_push(g, &push);
    gen_jump(g, step);
}

/*  pop r10; add esp, imm */
void gen_return(struct gen *g, const struct step *step)
{
    struct step pop = *step;
    pop.kind = STEP_POP;
    pop.dst = STEP_T0;
    gen_pop(g, &pop);
    if (step->imm)
        gen_drop(g, step);
    reaches(g, step->size);
    go_to(g, R10, step->size);
}
