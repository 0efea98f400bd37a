/* Far jumps, calls and returns, IRET: real mode, and protected mode without a change of ring. LIMIT: task
 * switches, outer rings and virtual-8086 mode are INTERP_UNSUPPORTED. 486 manual, 6.3.4 (control transfers),
 * 26 (IRET). */
#include "cluster/interp_far.h"

/* --- far jump and call --- */

/* A resolved far target: its code descriptor, selector, offset and the size of what is pushed. */
struct target {
    struct descriptor code;
    u16 selector;
    u32 offset;
    u8 size;
};

static bool is_call_gate(const struct cpu_segment *segment)
{
    return !segment->s && (segment->type == SYSTEM_CALL16 || segment->type == SYSTEM_CALL32);
}

static bool is_task(const struct cpu_segment *segment)
{
    return !segment->s && (segment->type == SYSTEM_TASK_GATE || segment->type == SYSTEM_TSS16 ||
                           segment->type == SYSTEM_TSS32 || segment->type == SYSTEM_TSS16_BUSY ||
                           segment->type == SYSTEM_TSS32_BUSY);
}

/* The gate's own selector and offset replace those of the instruction. */
static enum interp_result follow_gate(struct exec *x, struct target *target)
{
    struct descriptor gate = target->code;
    u32 error = target->selector & SELECTOR_ERROR;

    if ((target->selector & SELECTOR_RPL) > gate.segment.dpl)
        return exec_fault(x, EXC_GP, error);
    if (!gate.segment.present)
        return exec_fault(x, EXC_NP, error);
    if (selector_is_null(gate.selector))
        return exec_gp(x);
    target->size = gate.segment.type == SYSTEM_CALL32 ? 4 : 2;
    target->offset = gate.offset & size_mask(target->size);
    target->selector = gate.selector & ~(u32)SELECTOR_RPL; /* RPL of the gate's selector does not count */
    return descriptor_read(x, target->selector, &target->code);
}

static enum interp_result resolve(struct exec *x, struct target *target)
{
    enum interp_result result;

    if (selector_is_null(target->selector))
        return exec_gp(x);
    result = descriptor_read(x, target->selector, &target->code);
    if (result == INTERP_DONE && is_task(&target->code.segment))
        return INTERP_UNSUPPORTED;
    if (result == INTERP_DONE && is_call_gate(&target->code.segment))
        result = follow_gate(x, target);
    if (result == INTERP_DONE)
        result = segment_check_code(x, target->selector, &target->code);
    if (result == INTERP_DONE && target->offset > target->code.segment.limit)
        return exec_gp(x);
    return result;
}

enum interp_result far_jump(struct exec *x, u8 size, u16 selector, u32 offset)
{
    struct target target = {.selector = selector, .offset = offset, .size = size};

    if (!cpu_protected(x->cpu))
        return segment_enter_real(x, selector, offset);
    enum interp_result result = resolve(x, &target);
    if (result != INTERP_DONE)
        return result;
    return segment_enter_code(x, target.selector, &target.code, target.offset);
}

/* Pushes the return address; the caller has checked the stack. */
static enum interp_result push_return(struct exec *x, u8 size, u16 selector, u32 eip)
{
    enum interp_result result = stack_push(x, size, selector);

    return result == INTERP_DONE ? stack_push(x, size, eip) : result;
}

enum interp_result far_call(struct exec *x, u8 size, u16 selector, u32 offset)
{
    struct target target = {.selector = selector, .offset = offset, .size = size};
    u16 old_cs = x->cpu->sreg[CPU_CS].selector;
    u32 back = x->next_eip;
    enum interp_result result = INTERP_DONE;

    if (cpu_protected(x->cpu))
        result = resolve(x, &target);
    if (result == INTERP_DONE)
        result = stack_check_push(x, 2, target.size);
    if (result != INTERP_DONE)
        return result;
    if (cpu_protected(x->cpu))
        result = segment_enter_code(x, target.selector, &target.code, target.offset);
    else
        result = segment_enter_real(x, selector, offset);
    return result == INTERP_DONE ? push_return(x, target.size, old_cs, back) : result;
}

/* --- far return and IRET --- */

/* Enters the segment a return address names. */
static enum interp_result return_to(struct exec *x, u16 selector, u32 offset)
{
    struct descriptor code;
    enum interp_result result;

    if (!cpu_protected(x->cpu))
        return segment_enter_real(x, selector, offset);
    if (selector_is_null(selector))
        return exec_gp(x);
    if ((selector & SELECTOR_RPL) != 0)
        return INTERP_UNSUPPORTED; /* LIMIT: outer rings */
    result = descriptor_read(x, selector, &code);
    if (result == INTERP_DONE)
        result = segment_check_code(x, selector, &code);
    return result == INTERP_DONE ? segment_enter_code(x, selector, &code, offset) : result;
}

enum interp_result far_return(struct exec *x, u8 size, u32 drop)
{
    u32 eip, selector;
    enum interp_result result = stack_peek(x, 0, size, &eip);

    if (result == INTERP_DONE)
        result = stack_peek(x, size, size, &selector);
    if (result == INTERP_DONE)
        result = return_to(x, (u16)selector, eip);
    if (result == INTERP_DONE)
        stack_move(x, 2u * size + drop);
    return result;
}

/* IRETD also loads RF; VM cannot be loaded here. */
static void load_flags(struct exec *x, u8 size, u32 image)
{
    flags_pop(x->cpu, size, image);
    if (size != 4)
        return;
    x->cpu->eflags = (x->cpu->eflags & ~FLAG_RF) | (image & FLAG_RF);
    x->keep_rf = true;
}

enum interp_result far_iret(struct exec *x, u8 size)
{
    u32 eip, selector, flags;
    enum interp_result result;

    if (cpu_protected(x->cpu) && (x->cpu->eflags & FLAG_NT))
        return INTERP_UNSUPPORTED; /* LIMIT: return to the calling task */
    result = stack_check_pop(x, 3, size);
    if (result == INTERP_DONE)
        result = stack_peek(x, 0, size, &eip);
    if (result == INTERP_DONE)
        result = stack_peek(x, size, size, &selector);
    if (result == INTERP_DONE)
        result = stack_peek(x, 2u * size, size, &flags);
    if (result == INTERP_DONE && cpu_protected(x->cpu) && size == 4 && (flags & FLAG_VM))
        return INTERP_UNSUPPORTED; /* LIMIT: virtual-8086 mode */
    if (result == INTERP_DONE)
        result = return_to(x, (u16)selector, eip);
    if (result != INTERP_DONE)
        return result;
    stack_move(x, 3u * size);
    load_flags(x, size, flags);
    return INTERP_DONE;
}
