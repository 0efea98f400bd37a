/* Which instruction counts, and what else it could be that the count matters to. */
#include "cluster/wait_count.h"

static bool is_register(u8 operand)
{
    return operand < OPERAND_SREG;
}

/* Does the step count, and nothing else? If so, in which register? */
static bool counts(const struct step *step, struct wait_count *how)
{
    if (step->kind == STEP_LOOP && step->op != LOOP_JCXZ)
        *how = (struct wait_count){.reg = CPU_ECX, .size = step->mem.addr_size, .step = -1};
    else if (step->kind == STEP_ALU && (step->op == ALU_DEC || step->op == ALU_INC) &&
             is_register(step->dst) && step->size > 1)
        *how =
            (struct wait_count){.reg = step->dst, .size = step->size, .step = step->op == ALU_INC ? 1 : -1};
    else
        return false;
    return true;
}

/* --- registers --- */

static u32 register_bit(u8 operand, u8 size)
{
    if (!is_register(operand))
        return 0;
    return BIT(size == 1 ? operand & 3 : operand);
}

static u32 named_registers(const struct step *step)
{
    u8 src_size = step->kind == STEP_EXTEND ? step->src_size : step->kind == STEP_IN ? 2 : step->size;
    u8 dst_size = step->kind == STEP_OUT ? 2 : step->size;
    u32 used = register_bit(step->dst, dst_size) | register_bit(step->src, src_size);
    if (step_has_mem(step))
        used |= register_bit(step->mem.base, 4) | register_bit(step->mem.index, 4);
    return used;
}

/* Those that an instruction of this kind uses without naming them. False: not known. */
static bool implied_registers(const struct step *step, u32 *used)
{
    switch ((enum step_kind)step->kind) {
    case STEP_MOV:
    case STEP_EXTEND:
    case STEP_SIGN:
    case STEP_LEA:
    case STEP_LOAD:
    case STEP_STORE:
    case STEP_ALU:
    case STEP_SETCC:
    case STEP_BRANCH:
    case STEP_JUMP:
        *used = 0;
        return true;
    case STEP_FLAG:
    case STEP_IN:
    case STEP_OUT:
        *used = BIT(CPU_EAX);
        return true;
    case STEP_CHECK_PUSH:
    case STEP_PUSH:
    case STEP_POP:
    case STEP_PEEK:
    case STEP_DROP:
    case STEP_CALL:
    case STEP_RETURN:
        *used = BIT(CPU_ESP);
        return true;
    default:
        return false;
    }
}

/* --- instructions --- */

static void note_flags(struct wait_count *count, const struct step *step)
{
    if (step->flags_read & count->tainted)
        count->foul = true;
    /* AF is undefined after so many instructions that it is not believed to be anything. */
    count->tainted &= ~(step->flags_written & ~step->flags_read) | FLAG_AF;
}

static void note_count(struct wait_count *count, const struct wait_count *how, const struct step *step)
{
    if (step->flags_read & count->tainted)
        count->foul = true;
    count->found = true;
    count->reg = how->reg;
    count->size = how->size;
    count->step = how->step;
    count->times++;
    count->tainted |= step->flags_written & ~(u32)FLAG_ZF; /* which is clear until zero */
}

static void note_other(struct wait_count *count, const struct step *step)
{
    u32 implied;
    if (!implied_registers(step, &implied))
        count->foul = true;
    else
        count->used |= implied | named_registers(step);
    note_flags(count, step);
}

void wait_count_note(struct wait_count *count, const struct steps *steps)
{
    for (u32 i = 0; i < steps->count; i++) {
        struct wait_count how;
        const struct step *step = &steps->step[i];
        if (counts(step, &how) &&
            (!count->found || (how.reg == count->reg && how.size == count->size && how.step == count->step)))
            note_count(count, &how, step);
        else
            note_other(count, step);
    }
}

u64 wait_count_left(const struct wait_count *count, u32 value)
{
    u64 all = 1ull << 8 * count->size;
    value &= (u32)(all - 1);
    return count->step > 0 || value == 0 ? all - value : value;
}
