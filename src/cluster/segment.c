/* Descriptors and segment registers. Tables are read as system accesses by linear address; LIMIT: a table
 * that does not lie in RAM is INTERP_UNSUPPORTED. Everything here runs at CPL 0. 486 manual, chapters 5
 * and 6. */
#include "cluster/segment.h"

enum { DESCRIPTOR_BYTES = 8, DESCRIPTOR_TYPE_BYTE = 5 };

/* Second doubleword of a descriptor. 486 manual, figure 5-8. */
enum descriptor_bit {
    DESCRIPTOR_TYPE_SHIFT = 8,
    DESCRIPTOR_S = 1u << 12,
    DESCRIPTOR_DPL_SHIFT = 13,
    DESCRIPTOR_P = 1u << 15,
    DESCRIPTOR_AVL = 1u << 20,
    DESCRIPTOR_DB = 1u << 22,
    DESCRIPTOR_G = 1u << 23,
};

static void unpack(struct descriptor *descriptor, u32 low, u32 high)
{
    struct cpu_segment *segment = &descriptor->segment;
    u32 limit = (low & 0xffff) | (high & 0xf0000);

    *segment = (struct cpu_segment){
        .base = low >> 16 | (high & 0xff) << 16 | (high & 0xff000000),
        .limit = high & DESCRIPTOR_G ? limit << 12 | 0xfff : limit,
        .type = high >> DESCRIPTOR_TYPE_SHIFT & 0xf,
        .dpl = high >> DESCRIPTOR_DPL_SHIFT & 3,
        .s = high & DESCRIPTOR_S,
        .present = high & DESCRIPTOR_P,
        .db = high & DESCRIPTOR_DB,
        .g = high & DESCRIPTOR_G,
        .avl = high & DESCRIPTOR_AVL,
    };
    descriptor->selector = (u16)(low >> 16);
    descriptor->offset = (low & 0xffff) | (high & 0xffff0000);
    descriptor->count = high & 0x1f;
}

enum interp_result descriptor_read_at(struct exec *x, linear_t at, struct descriptor *descriptor)
{
    u32 low, high;

    if (!mem_is_plain(x->env, at, DESCRIPTOR_BYTES, MEM_READ))
        return INTERP_UNSUPPORTED;
    if (mem_read(x, at, 4, &low) != INTERP_DONE || mem_read(x, at + 4, 4, &high) != INTERP_DONE)
        return INTERP_UNSUPPORTED;
    unpack(descriptor, low, high);
    descriptor->at = at;
    return INTERP_DONE;
}

static bool find_descriptor(const struct cpu_state *cpu, u16 selector, linear_t *at)
{
    u32 offset = selector & SELECTOR_INDEX;
    u32 base = cpu->gdt.base, limit = cpu->gdt.limit;

    if (selector & SELECTOR_LDT) {
        if (cpu->ldt.unusable)
            return false;
        base = cpu->ldt.base;
        limit = cpu->ldt.limit;
    }
    *at = base + offset;
    return offset + DESCRIPTOR_BYTES - 1 <= limit;
}

bool descriptor_exists(const struct cpu_state *cpu, u16 selector)
{
    linear_t at;

    return find_descriptor(cpu, selector, &at);
}

enum interp_result descriptor_read(struct exec *x, u16 selector, struct descriptor *descriptor)
{
    linear_t at;

    if (!find_descriptor(x->cpu, selector, &at))
        return exec_fault(x, EXC_GP, selector & SELECTOR_ERROR);
    return descriptor_read_at(x, at, descriptor);
}

enum interp_result descriptor_set_type(struct exec *x, struct descriptor *descriptor, u8 type)
{
    linear_t at = descriptor->at + DESCRIPTOR_TYPE_BYTE;
    u32 value;

    if (descriptor->segment.type == type)
        return INTERP_DONE;
    if (mem_read(x, at, 1, &value) != INTERP_DONE)
        return INTERP_UNSUPPORTED;
    /* A table in ROM keeps its bits: the write goes nowhere, as on the bus. */
    if (mem_writable(x->env, at) && mem_write(x, at, 1, (value & 0xf0) | type) != INTERP_DONE)
        return INTERP_UNSUPPORTED;
    descriptor->segment.type = type;
    return INTERP_DONE;
}

static enum interp_result install(struct exec *x, u8 sreg, u16 selector, struct descriptor *descriptor)
{
    enum interp_result result = descriptor_set_type(x, descriptor, descriptor->segment.type | TYPE_ACCESSED);

    if (result != INTERP_DONE)
        return result;
    descriptor->segment.selector = selector;
    x->cpu->sreg[sreg] = descriptor->segment;
    return INTERP_DONE;
}

static bool is_data(const struct cpu_segment *segment)
{
    return segment->s && !(segment->type & TYPE_CODE);
}

static enum interp_result load_stack(struct exec *x, u16 selector)
{
    struct descriptor descriptor;
    u32 error = selector & SELECTOR_ERROR;
    const struct cpu_segment *segment = &descriptor.segment;

    if (selector_is_null(selector))
        return exec_gp(x);
    enum interp_result result = descriptor_read(x, selector, &descriptor);
    if (result != INTERP_DONE)
        return result;
    if ((selector & SELECTOR_RPL) != 0 || segment->dpl != 0 || !is_data(segment) ||
        !(segment->type & TYPE_WRITABLE))
        return exec_fault(x, EXC_GP, error);
    if (!segment->present)
        return exec_fault(x, EXC_SS, error);
    return install(x, CPU_SS, selector, &descriptor);
}

static bool is_readable(const struct cpu_segment *segment)
{
    return segment->s && (!(segment->type & TYPE_CODE) || (segment->type & TYPE_READABLE));
}

static bool is_conforming(const struct cpu_segment *segment)
{
    return (segment->type & (TYPE_CODE | TYPE_CONFORMING)) == (TYPE_CODE | TYPE_CONFORMING);
}

static enum interp_result load_data(struct exec *x, u8 sreg, u16 selector)
{
    struct descriptor descriptor;
    u32 error = selector & SELECTOR_ERROR;
    const struct cpu_segment *segment = &descriptor.segment;

    if (selector_is_null(selector)) {
        x->cpu->sreg[sreg] = (struct cpu_segment){.selector = selector, .unusable = true};
        return INTERP_DONE;
    }
    enum interp_result result = descriptor_read(x, selector, &descriptor);
    if (result != INTERP_DONE)
        return result;
    if (!is_readable(segment) || (!is_conforming(segment) && (selector & SELECTOR_RPL) > segment->dpl))
        return exec_fault(x, EXC_GP, error);
    if (!segment->present)
        return exec_fault(x, EXC_NP, error);
    return install(x, sreg, selector, &descriptor);
}

struct cpu_segment segment_real(const struct cpu_segment *old, u16 selector)
{
    struct cpu_segment segment = *old;

    segment.selector = selector;
    segment.base = (u32)selector << 4;
    segment.s = true;
    segment.present = true;
    segment.unusable = false; /* a null selector of protected mode is over */
    return segment;
}

enum interp_result segment_load(struct exec *x, u8 sreg, u16 selector)
{
    if (sreg == CPU_CS)
        return exec_ud(x);
    if (!cpu_protected(x->cpu)) {
        x->cpu->sreg[sreg] = segment_real(&x->cpu->sreg[sreg], selector);
        return INTERP_DONE;
    }
    return sreg == CPU_SS ? load_stack(x, selector) : load_data(x, sreg, selector);
}

/* Calls and jumps: RPL and DPL must not ask for another ring. Returns: RPL says the ring returned to. */
static bool ring_permits(const struct cpu_segment *segment, u16 selector)
{
    return segment->dpl == 0 && (is_conforming(segment) || (selector & SELECTOR_RPL) == 0);
}

enum interp_result segment_check_code(struct exec *x, u16 selector, struct descriptor *descriptor)
{
    const struct cpu_segment *segment = &descriptor->segment;
    u32 error = selector & SELECTOR_ERROR;

    if (!segment->s || !(segment->type & TYPE_CODE) || !ring_permits(segment, selector))
        return exec_fault(x, EXC_GP, error);
    if (!segment->present)
        return exec_fault(x, EXC_NP, error);
    return INTERP_DONE;
}

enum interp_result segment_enter_code(struct exec *x, u16 selector, struct descriptor *descriptor, u32 offset)
{
    enum interp_result result;

    if (offset > descriptor->segment.limit)
        return exec_gp(x);
    result = install(x, CPU_CS, selector & ~(u32)SELECTOR_RPL, descriptor);
    if (result != INTERP_DONE)
        return result;
    x->next_eip = offset;
    x->interp->poked = true;
    return INTERP_DONE;
}

enum interp_result segment_enter_real(struct exec *x, u16 selector, u32 offset)
{
    if (offset > x->cpu->sreg[CPU_CS].limit)
        return exec_gp(x);
    x->cpu->sreg[CPU_CS] = segment_real(&x->cpu->sreg[CPU_CS], selector);
    x->next_eip = offset;
    x->interp->poked = true;
    return INTERP_DONE;
}
