/* Branches in host code. Each counts the instructions before it where its two ways part. */
#include "jit/translate.h"

static ZydisMnemonic jcc_mnemonic(u8 condition)
{
    static const ZydisMnemonic jcc[16] = {M(JO), M(JNO), M(JB), M(JNB), M(JZ), M(JNZ), M(JBE), M(JNBE),
                                          M(JS), M(JNS), M(JP), M(JNP), M(JL), M(JNL), M(JLE), M(JNLE)};
    return jcc[condition];
}

/*  jcc leave;  or:  jcc label;  or:  jncc over; <taken edge>; over: */
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
    if (gen_edge_is_plain(g, insn->target)) {
        gen_branch_label(g, jcc_mnemonic(step->op), insn->target);
        return;
    }
    u8 *over = emit_branch(&g->e, jcc_mnemonic(step->op ^ 1));
    gen_edge(g, insn->target, insn->target_eip, false);
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
    if (g->lower.counted) {
        gen_counted_loop(g);
        return;
    }
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
    u8 *not_zero = NULL;
    if (step->op == LOOP_JCXZ) {
        if (word)
            emit_rr(e, M(MOV), 4, RCX, R9);
        not_zero = emit_branch(e, M(JMP));
    } else {
        gen_edge(g, insn->target, insn->target_eip, word);
    }
    emit_patch_short(e, zero, e->at);
    if (step->op == LOOP_JCXZ)
        gen_edge(g, insn->target, insn->target_eip, word);
    else if (word)
        emit_rr(e, M(MOV), 4, RCX, R9);
    if (not_zero)
        emit_patch(e, not_zero, e->at);
    if (flag_over)
        emit_patch(e, flag_over, e->at);
}

/* The limit of the code segment, which indirect branches are compared with; it is part of what the code was made for. */
static u32 code_limit(struct gen *g, u8 size)
{
    u32 limit = g->cpu->sreg[CPU_CS].limit;
    g->eip_limit = size == 2 ? 0xffff : limit;
    return limit;
}

bool gen_indirect_is_native(const struct gen *g, const struct step *step)
{
    return g->chain && (step->size == 4 || g->cpu->sreg[CPU_CS].limit >= 0xffff);
}

/*  r10d = offset; cmp r10d, limit; ja cold: nothing has been changed yet */
static void take_target(struct gen *g, enum host_reg target, u8 size)
{
    u32 limit = code_limit(g, size);
    if (size == 2)
        emit_extend(&g->e, M(MOVZX), 4, R10, 2, target);
    else if (target != R10)
        emit_rr(&g->e, M(MOV), 4, R10, target);
    if (size == 2 || limit == UINT32_MAX)
        return;
    gen_save_flags(g);
    emit_ri(&g->e, M(CMP), 4, R10, (s32)limit);
    gen_branch_cold(g, M(JNBE));
}

/*  jmp dispatch */
static void go_to_target(struct gen *g)
{
    g->pending++;
    gen_count(g);
    gen_branch_stub(g, M(JMP), g->jit->dispatch[g->flags]);
}

void gen_jump(struct gen *g, const struct step *step)
{
    const struct cluster_insn *insn = &g->cluster->insn[g->i];
    if (step->src != OPERAND_IMM) {
        take_target(g, gen_reg(step->src, step->size), step->size);
        go_to_target(g);
        return;
    }
    g->pending++;
    gen_count(g);
    gen_edge(g, insn->target, insn->target_eip, false);
}

/*  push the next offset; <taken edge> */
void gen_call(struct gen *g, const struct step *step)
{
    struct step push = *step;
    push.src = OPERAND_IMM;
    push.imm = g->cluster->insn[g->i].next_eip;
    if (step->src == OPERAND_IMM) {
        gen_push(g, &push);
        gen_jump(g, step);
        return;
    }
    take_target(g, gen_reg(step->src, step->size), step->size);
    gen_push(g, &push);
    go_to_target(g);
}

/*  r10 = [ss:esp]; add esp, size; add esp, imm */
void gen_return(struct gen *g, const struct step *step)
{
    struct step pop = *step;
    pop.kind = STEP_PEEK;
    pop.dst = STEP_T0;
    gen_pop(g, &pop);
    take_target(g, R10, step->size);
    pop.imm = step->size;
    gen_drop(g, &pop);
    if (step->imm)
        gen_drop(g, step);
    go_to_target(g);
}
