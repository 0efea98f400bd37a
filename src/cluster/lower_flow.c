/* Lowering of the stack, flags, control flow and everything that is one helper step. */
#include "cluster/lower.h"

/* Operand size attribute, 2 or 4, of an instruction without a byte form. */
static u8 word_size(const struct lower *lower)
{
    return lower->insn->op_size == 4 ? 4 : 2;
}

/* push r/imm/sreg:  push;  push m:  check_push; load t0; push t0 */
bool lower_push(struct lower *lower, u8 op)
{
    (void)op;
    u8 size = word_size(lower);

    if (lower_is_mem(lower, 0))
        lower_emit(lower, STEP_CHECK_PUSH, size);
    u8 src = lower_read(lower, 0, STEP_T0, false);
    struct step *step = lower_emit(lower, STEP_PUSH, size);
    lower_set_src(lower, step, 0, src);
    return true;
}

/* pop sreg:  peek t0 (two bytes); load_segment; drop */
static bool pop_segment(struct lower *lower, u8 sreg)
{
    struct step *peek = lower_emit(lower, STEP_PEEK, 2);
    peek->dst = STEP_T0;
    struct step *segment = lower_emit(lower, STEP_LOAD_SEGMENT, 2);
    segment->op = sreg;
    segment->src = STEP_T0;
    lower_emit(lower, STEP_DROP, 2)->imm = word_size(lower);
    return true;
}

/* pop m:  peek t0; store t0; drop. An address with ESP uses its value after the pop. */
static bool pop_memory(struct lower *lower)
{
    u8 size = word_size(lower);
    struct step *peek = lower_emit(lower, STEP_PEEK, size);

    peek->dst = STEP_T0;
    struct step *store = lower_store(lower, 0, STEP_T0, false);
    if (store->mem.base == CPU_ESP)
        store->mem.disp += size;
    lower_emit(lower, STEP_DROP, size)->imm = size;
    return true;
}

bool lower_pop(struct lower *lower, u8 op)
{
    (void)op;
    if (lower_is_mem(lower, 0))
        return pop_memory(lower);
    u8 dst = lower_reg(lower, 0);
    if (dst >= OPERAND_SREG)
        return pop_segment(lower, dst - OPERAND_SREG);
    lower_emit(lower, STEP_POP, word_size(lower))->dst = dst;
    return true;
}

bool lower_pushf(struct lower *lower, u8 op)
{
    (void)op;
    lower_emit_flags(lower, STEP_GET_FLAGS, word_size(lower))->dst = STEP_T0;
    lower_emit(lower, STEP_PUSH, word_size(lower))->src = STEP_T0;
    return true;
}

bool lower_popf(struct lower *lower, u8 op)
{
    (void)op;
    lower_emit(lower, STEP_POP, word_size(lower))->dst = STEP_T0;
    lower_emit_flags(lower, STEP_SET_FLAGS, word_size(lower))->src = STEP_T0;
    return true;
}

bool lower_flag(struct lower *lower, u8 op)
{
    lower_emit_flags(lower, STEP_FLAG, 1)->op = op;
    return true;
}

bool lower_branch(struct lower *lower, u8 op)
{
    struct step *step = lower_emit_flags(lower, STEP_BRANCH, word_size(lower));

    step->op = op;
    step->imm = lower->insn->target;
    return true;
}

bool lower_loop(struct lower *lower, u8 op)
{
    struct step *step = lower_emit_flags(lower, STEP_LOOP, word_size(lower));

    step->op = op;
    step->imm = lower->insn->target;
    step->mem.addr_size = lower->insn->addr_size;
    return true;
}

static bool far_transfer(struct lower *lower, enum step_helper helper)
{
    const ZydisDecodedOperand *operand = &lower->insn->operand[0];

    if (operand->type == ZYDIS_OPERAND_TYPE_MEMORY) {
        struct step *load = lower_emit(lower, STEP_LOAD_FAR, word_size(lower));
        lower_mem(lower, 0, &load->mem);
    }
    struct step *step = lower_emit(lower, STEP_HELPER, word_size(lower));
    step->op = helper;
    step->src = operand->type == ZYDIS_OPERAND_TYPE_MEMORY ? STEP_T0 : OPERAND_IMM;
    if (operand->type == ZYDIS_OPERAND_TYPE_POINTER) {
        step->imm = operand->ptr.offset;
        step->imm2 = operand->ptr.segment;
    }
    return true;
}

static void set_near_target(struct lower *lower, struct step *step, u8 src)
{
    step->src = src;
    if (src == OPERAND_IMM)
        step->imm = lower->insn->target;
}

/* jmp r/m/rel:  [load t0]; jump */
bool lower_jump(struct lower *lower, u8 op)
{
    (void)op;
    if (lower->insn->flow == FLOW_FAR)
        return far_transfer(lower, HELPER_JUMP_FAR);
    u8 src = lower_read(lower, 0, STEP_T0, false);
    set_near_target(lower, lower_emit(lower, STEP_JUMP, word_size(lower)), src);
    return true;
}

/* call r/m/rel:  [check_push; load t0]; call */
bool lower_call(struct lower *lower, u8 op)
{
    (void)op;
    if (lower->insn->flow == FLOW_FAR)
        return far_transfer(lower, HELPER_CALL_FAR);
    if (lower_is_mem(lower, 0))
        lower_emit(lower, STEP_CHECK_PUSH, word_size(lower));
    u8 src = lower_read(lower, 0, STEP_T0, false);
    set_near_target(lower, lower_emit(lower, STEP_CALL, word_size(lower)), src);
    return true;
}

bool lower_return(struct lower *lower, u8 op)
{
    (void)op;
    bool far = lower->insn->flow == FLOW_FAR;
    struct step *step = lower_emit(lower, far ? STEP_HELPER : STEP_RETURN, word_size(lower));

    if (far)
        step->op = HELPER_RETURN_FAR;
    if (lower->insn->zydis.operand_count_visible)
        step->imm = lower_imm(lower, 0) & 0xffff;
    return true;
}

bool lower_halt(struct lower *lower, u8 op)
{
    (void)op;
    lower_emit(lower, STEP_HALT, 1);
    return true;
}

bool lower_nop(struct lower *lower, u8 op)
{
    (void)op;
    /* The long NOPs of later processors are left to KVM. */
    return lower->insn->zydis.mnemonic != ZYDIS_MNEMONIC_NOP ||
           lower->insn->zydis.opcode_map == ZYDIS_OPCODE_MAP_DEFAULT;
}

/* A helper without an operand, or with an immediate only. */
bool lower_helper(struct lower *lower, u8 op)
{
    struct step *step = lower_emit_flags(lower, STEP_HELPER, word_size(lower));

    step->op = op;
    if (lower->insn->zydis.operand_count_visible && lower_is_imm(lower, 0))
        step->imm = lower_imm(lower, 0) & 0xff;
    return true;
}

/* A helper with register operands and at most one memory operand, which it accesses itself. `dst` is the
 * first operand, `src` the second (or the only one again); a memory operand is OPERAND_NONE and in step->mem.
 */
bool lower_helper_operand(struct lower *lower, u8 op)
{
    struct step *step = lower_emit_flags(lower, STEP_HELPER, word_size(lower));
    u32 operands = lower->insn->zydis.operand_count_visible;

    step->op = op;
    for (u32 n = 0; n < operands && n < 2; n++) {
        u8 code = OPERAND_NONE;
        if (lower_is_mem(lower, n))
            lower_mem(lower, n, &step->mem);
        else
            code = lower_reg(lower, n);
        if (n == 0)
            step->dst = code;
        step->src = code;
    }
    return true;
}

bool lower_enter(struct lower *lower, u8 op)
{
    (void)op;
    struct step *step = lower_emit(lower, STEP_HELPER, word_size(lower));

    step->op = HELPER_ENTER;
    step->imm = lower_imm(lower, 0) & 0xffff;
    step->imm2 = lower_imm(lower, 1) & 31;
    return true;
}
