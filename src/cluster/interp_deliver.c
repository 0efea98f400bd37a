/* Delivery of interrupts and exceptions: the real-mode vector table, and 16- and 32-bit interrupt and trap
 * gates into the same ring. Everything is checked before the frame is pushed. 486 manual, chapter 9 and 22.3.
 * LIMIT: task gates are INTERP_UNSUPPORTED. */
#include "cluster/interp_far.h"

enum { IVT_ENTRY_BYTES = 4, IDT_ENTRY_BYTES = 8, ERROR_IDT = 2 };

/* What a frame looks like once everything is checked. */
struct frame {
    u8 size; /* of each element */
    bool has_error;
    u32 error;
    u32 flags;
    u32 eip;
    u16 cs;
};

/* The stack was checked: only a device under it could refuse, and that was asked as well. */
static void push_frame(struct exec *x, const struct frame *frame)
{
    enum interp_result result = stack_push(x, frame->size, frame->flags);

    if (result == INTERP_DONE)
        result = stack_push(x, frame->size, frame->cs);
    if (result == INTERP_DONE)
        result = stack_push(x, frame->size, frame->eip);
    if (result == INTERP_DONE && frame->has_error)
        result = stack_push(x, frame->size, frame->error);
    BUG_ON(result != INTERP_DONE);
}

static enum interp_result deliver_real(struct exec *x, u8 vector, struct frame *frame)
{
    u32 offset = (u32)vector * IVT_ENTRY_BYTES;
    linear_t at = x->cpu->idt.base + offset;
    u32 entry;
    enum interp_result result;

    if (offset + IVT_ENTRY_BYTES - 1 > x->cpu->idt.limit)
        return exec_fault(x, EXC_GP, offset | ERROR_IDT);
    if (!mem_is_plain(x->env, at, IVT_ENTRY_BYTES, MEM_READ) || mem_read(x, at, 4, &entry) != INTERP_DONE)
        return INTERP_UNSUPPORTED;
    frame->size = 2;
    frame->has_error = false;
    result = stack_check_push(x, 3, 2);
    if (result == INTERP_DONE)
        result = segment_enter_real(x, (u16)(entry >> 16), entry & 0xffff);
    if (result != INTERP_DONE)
        return result;
    push_frame(x, frame);
    x->cpu->eflags &= ~(FLAG_IF | FLAG_TF | FLAG_AC | FLAG_RF);
    return INTERP_DONE;
}

static bool is_gate(const struct cpu_segment *segment)
{
    switch (segment->type) {
    case SYSTEM_TASK_GATE:
    case SYSTEM_INT16:
    case SYSTEM_TRAP16:
    case SYSTEM_INT32:
    case SYSTEM_TRAP32:
        return !segment->s;
    default:
        return false;
    }
}

static enum interp_result read_gate(struct exec *x, u8 vector, struct descriptor *gate)
{
    u32 offset = (u32)vector * IDT_ENTRY_BYTES;
    u32 error = offset | ERROR_IDT;
    enum interp_result result;

    if (offset + IDT_ENTRY_BYTES - 1 > x->cpu->idt.limit)
        return exec_fault(x, EXC_GP, error);
    result = descriptor_read_at(x, x->cpu->idt.base + offset, gate);
    if (result != INTERP_DONE)
        return result;
    if (!is_gate(&gate->segment))
        return exec_fault(x, EXC_GP, error);
    if (!gate->segment.present)
        return exec_fault(x, EXC_NP, error);
    return gate->segment.type == SYSTEM_TASK_GATE ? INTERP_UNSUPPORTED : INTERP_DONE;
}

static enum interp_result read_handler(struct exec *x, const struct descriptor *gate, struct descriptor *code)
{
    u16 selector = gate->selector & ~(u32)SELECTOR_RPL; /* RPL of the gate's selector does not count */
    enum interp_result result;

    if (selector_is_null(selector))
        return exec_gp(x);
    result = descriptor_read(x, selector, code);
    return result == INTERP_DONE ? segment_check_code(x, selector, code) : result;
}

static enum interp_result deliver_protected(struct exec *x, u8 vector, struct frame *frame)
{
    struct descriptor gate, code;
    enum interp_result result = read_gate(x, vector, &gate);

    if (result == INTERP_DONE)
        result = read_handler(x, &gate, &code);
    if (result != INTERP_DONE)
        return result;
    bool wide = gate.segment.type == SYSTEM_INT32 || gate.segment.type == SYSTEM_TRAP32;
    bool masks = gate.segment.type == SYSTEM_INT32 || gate.segment.type == SYSTEM_INT16;
    frame->size = wide ? 4 : 2;
    result = stack_check_push(x, frame->has_error ? 4 : 3, frame->size);
    if (result == INTERP_DONE)
        result = segment_enter_code(x, gate.selector, &code, gate.offset & size_mask(frame->size));
    if (result != INTERP_DONE)
        return result;
    push_frame(x, frame);
    x->cpu->eflags &= ~(FLAG_TF | FLAG_NT | FLAG_RF | FLAG_VM | (masks ? FLAG_IF : 0u));
    return INTERP_DONE;
}

enum interp_result deliver(struct exec *x, u8 vector, bool software, bool has_error, u32 error,
                           u32 return_eip)
{
    struct frame frame = {
        .has_error = has_error,
        .error = error,
        .flags = x->cpu->eflags | FLAG_FIXED,
        .eip = return_eip,
        .cs = x->cpu->sreg[CPU_CS].selector,
    };
    enum interp_result result;

    if (has_error)
        frame.flags |= FLAG_RF; /* only faults have one; the image of a fault has RF set */
    x->external = !software;
    result = cpu_protected(x->cpu) ? deliver_protected(x, vector, &frame) : deliver_real(x, vector, &frame);
    x->external = 0;
    return result;
}

enum interp_result interp_deliver(struct interp *interp, struct cpu_state *cpu, u8 vector, bool has_error,
                                  u32 error)
{
    struct exec x;
    enum interp_result result;

    exec_init(&x, interp, cpu);
    result = deliver(&x, vector, false, has_error, error, cpu->eip);
    if (result != INTERP_DONE)
        return result;
    cpu->eip = x.next_eip;
    cpu->interrupt_shadow = false;
    cpu->halted = false;
    return INTERP_DONE;
}
