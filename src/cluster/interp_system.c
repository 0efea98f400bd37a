/* System instructions: control registers, descriptor tables, selector checks, CPUID.
 * 486 manual, chapters 4, 6 and 26. LIMIT: paging, debug and test registers, CR4 (none
 * of whose bits a 486 needs) are INTERP_UNSUPPORTED. */
#include "cluster/interp_helper.h"

#include "cluster/segment.h"

/* Reads or writes the word operand of a helper: register `operand`, or memory if it is OPERAND_NONE. */
static enum interp_result read_word(struct exec *x, const struct step *step, u8 operand, u32 *value)
{
    linear_t linear;

    if (operand != OPERAND_NONE) {
        *value = reg_read(x->cpu, operand, 2);
        return INTERP_DONE;
    }
    enum interp_result result =
        exec_linear(x, step->mem.segment, exec_offset(x, &step->mem), 2, MEM_READ, &linear);
    return result == INTERP_DONE ? mem_read(x, linear, 2, value) : result;
}

/* To a register with the operand size, to memory always a word. */
static enum interp_result write_word(struct exec *x, const struct step *step, u32 value)
{
    linear_t linear;

    if (step->dst != OPERAND_NONE) {
        reg_write(x->cpu, step->dst, step->size, value);
        return INTERP_DONE;
    }
    enum interp_result result =
        exec_linear(x, step->mem.segment, exec_offset(x, &step->mem), 2, MEM_WRITE, &linear);
    return result == INTERP_DONE ? mem_write(x, linear, 2, value) : result;
}

/* --- GDTR and IDTR --- */

enum { TABLE_BYTES = 6, BASE16_MASK = 0xffffff };

/* LIMIT: table operands on a device are INTERP_UNSUPPORTED: they would be one six-byte access. */
static enum interp_result find_table(struct exec *x, const struct step *step, enum mem_intent intent,
                                     linear_t *linear)
{
    enum interp_result result =
        exec_linear(x, step->mem.segment, exec_offset(x, &step->mem), TABLE_BYTES, intent, linear);

    if (result == INTERP_DONE && !mem_is_plain(x->env, *linear, TABLE_BYTES, intent))
        return x->interp->allow_devices ? INTERP_UNSUPPORTED : INTERP_DEVICE;
    return result;
}

static enum interp_result table_load(struct exec *x, const struct step *step, struct cpu_table *table)
{
    linear_t linear;
    u32 limit, base;
    enum interp_result result = find_table(x, step, MEM_READ, &linear);

    if (result == INTERP_DONE)
        result = mem_read(x, linear, 2, &limit);
    if (result == INTERP_DONE)
        result = mem_read(x, linear + 2, 4, &base);
    if (result != INTERP_DONE)
        return result;
    table->limit = (u16)limit;
    table->base = step->size == 2 ? base & BASE16_MASK : base;
    x->interp->poked = true;
    return INTERP_DONE;
}

static enum interp_result table_store(struct exec *x, const struct step *step, const struct cpu_table *table)
{
    linear_t linear;
    u32 base = step->size == 2 ? table->base & BASE16_MASK : table->base;
    enum interp_result result = find_table(x, step, MEM_WRITE, &linear);

    if (result == INTERP_DONE)
        result = mem_write(x, linear, 2, table->limit);
    if (result == INTERP_DONE)
        result = mem_write(x, linear + 2, 4, base);
    return result;
}

enum interp_result helper_lgdt(struct exec *x, const struct step *step)
{
    return table_load(x, step, &x->cpu->gdt);
}

enum interp_result helper_lidt(struct exec *x, const struct step *step)
{
    return table_load(x, step, &x->cpu->idt);
}

enum interp_result helper_sgdt(struct exec *x, const struct step *step)
{
    return table_store(x, step, &x->cpu->gdt);
}

enum interp_result helper_sidt(struct exec *x, const struct step *step)
{
    return table_store(x, step, &x->cpu->idt);
}

/* --- control registers --- */

#define CR0_DEFINED                                                                                          \
    (CR0_PE | CR0_MP | CR0_EM | CR0_TS | CR0_ET | CR0_NE | CR0_WP | CR0_AM | CR0_NW | CR0_CD | CR0_PG)
#define CR0_LMSW (CR0_PE | CR0_MP | CR0_EM | CR0_TS)

/* The segment caches stay: this is how "unreal" mode is made. */
static enum interp_result set_cr0(struct exec *x, u32 value)
{
    if (((value & CR0_PG) && !(value & CR0_PE)) || ((value & CR0_NW) && !(value & CR0_CD)))
        return exec_gp(x);
    if (value & CR0_PG)
        return INTERP_UNSUPPORTED; /* LIMIT: paging */
    x->cpu->cr0 = (value & CR0_DEFINED) | CR0_ET;
    x->interp->poked = true;
    return INTERP_DONE;
}

enum interp_result helper_lmsw(struct exec *x, const struct step *step)
{
    u32 value;
    enum interp_result result = read_word(x, step, step->src, &value);

    if (result != INTERP_DONE)
        return result;
    /* LMSW can set PE but not clear it. */
    return set_cr0(x, (x->cpu->cr0 & ~(u32)(CR0_LMSW & ~CR0_PE)) | (value & CR0_LMSW));
}

enum interp_result helper_smsw(struct exec *x, const struct step *step)
{
    return write_word(x, step, x->cpu->cr0);
}

enum interp_result helper_clts(struct exec *x, const struct step *step)
{
    (void)step;
    x->cpu->cr0 &= ~CR0_TS;
    x->interp->poked = true;
    return INTERP_DONE;
}

enum interp_result helper_mov_from_cr(struct exec *x, const struct step *step)
{
    switch (step->imm) {
    case 0:
        reg_write(x->cpu, step->dst, 4, x->cpu->cr0);
        return INTERP_DONE;
    case 2:
        reg_write(x->cpu, step->dst, 4, x->cpu->cr2);
        return INTERP_DONE;
    case 3:
        reg_write(x->cpu, step->dst, 4, x->cpu->cr3);
        return INTERP_DONE;
    case 4:
        reg_write(x->cpu, step->dst, 4, x->cpu->cr4);
        return INTERP_DONE;
    default:
        return exec_ud(x);
    }
}

enum interp_result helper_mov_to_cr(struct exec *x, const struct step *step)
{
    u32 value = x->cpu->reg[step->src];

    switch (step->imm) {
    case 0:
        return set_cr0(x, value);
    case 2:
        x->cpu->cr2 = value;
        return INTERP_DONE;
    case 3:
        x->cpu->cr3 = value;
        x->interp->poked = true;
        return INTERP_DONE;
    case 4:
        return value == x->cpu->cr4 ? INTERP_DONE : INTERP_UNSUPPORTED;
    default:
        return exec_ud(x);
    }
}

/* --- LDTR and TR --- */

static enum interp_result read_system(struct exec *x, u16 selector, struct descriptor *descriptor)
{
    if (selector & SELECTOR_LDT)
        return exec_fault(x, EXC_GP, selector & SELECTOR_ERROR);
    return descriptor_read(x, selector, descriptor);
}

enum interp_result helper_lldt(struct exec *x, const struct step *step)
{
    struct descriptor descriptor;
    u32 value;
    enum interp_result result;

    if (!cpu_protected(x->cpu))
        return exec_ud(x);
    result = read_word(x, step, step->src, &value);
    if (result != INTERP_DONE)
        return result;
    u16 selector = (u16)value;
    if (selector_is_null(selector)) {
        x->cpu->ldt = (struct cpu_segment){.selector = selector, .unusable = true};
        x->interp->poked = true;
        return INTERP_DONE;
    }
    result = read_system(x, selector, &descriptor);
    if (result != INTERP_DONE)
        return result;
    if (descriptor.segment.s || descriptor.segment.type != SYSTEM_LDT)
        return exec_fault(x, EXC_GP, selector & SELECTOR_ERROR);
    if (!descriptor.segment.present)
        return exec_fault(x, EXC_NP, selector & SELECTOR_ERROR);
    x->cpu->ldt = descriptor.segment;
    x->cpu->ldt.selector = selector;
    x->interp->poked = true;
    return INTERP_DONE;
}

static bool is_free_tss(const struct cpu_segment *segment)
{
    return !segment->s && (segment->type == SYSTEM_TSS16 || segment->type == SYSTEM_TSS32);
}

enum interp_result helper_ltr(struct exec *x, const struct step *step)
{
    struct descriptor descriptor;
    u32 value;
    enum interp_result result;

    if (!cpu_protected(x->cpu))
        return exec_ud(x);
    result = read_word(x, step, step->src, &value);
    if (result != INTERP_DONE)
        return result;
    u16 selector = (u16)value;
    if (selector_is_null(selector))
        return exec_gp(x);
    result = read_system(x, selector, &descriptor);
    if (result != INTERP_DONE)
        return result;
    if (!is_free_tss(&descriptor.segment))
        return exec_fault(x, EXC_GP, selector & SELECTOR_ERROR);
    if (!descriptor.segment.present)
        return exec_fault(x, EXC_NP, selector & SELECTOR_ERROR);
    result = descriptor_set_type(x, &descriptor, descriptor.segment.type | SYSTEM_BUSY);
    if (result != INTERP_DONE)
        return result;
    x->cpu->tr = descriptor.segment;
    x->cpu->tr.selector = selector;
    x->interp->poked = true;
    return INTERP_DONE;
}

enum interp_result helper_sldt(struct exec *x, const struct step *step)
{
    return cpu_protected(x->cpu) ? write_word(x, step, x->cpu->ldt.selector) : exec_ud(x);
}

enum interp_result helper_str(struct exec *x, const struct step *step)
{
    return cpu_protected(x->cpu) ? write_word(x, step, x->cpu->tr.selector) : exec_ud(x);
}

/* --- selector checks --- */

enum selector_check { CHECK_LAR, CHECK_LSL, CHECK_READ, CHECK_WRITE };

/* Access rights as LAR gives them: second doubleword of the descriptor, masked. */
enum { LAR_MASK32 = 0xf0ff00, LAR_MASK16 = 0xff00 };

static bool system_type_permits(u8 type, enum selector_check check)
{
    switch (type) {
    case SYSTEM_TSS16:
    case SYSTEM_LDT:
    case SYSTEM_TSS16_BUSY:
    case SYSTEM_TSS32:
    case SYSTEM_TSS32_BUSY:
        return true;
    case SYSTEM_CALL16:
    case SYSTEM_CALL32:
    case SYSTEM_TASK_GATE:
        return check == CHECK_LAR;
    default:
        return false;
    }
}

static bool segment_type_permits(const struct cpu_segment *segment, enum selector_check check)
{
    bool code = segment->type & TYPE_CODE;

    switch (check) {
    case CHECK_READ:
        return !code || (segment->type & TYPE_READABLE);
    case CHECK_WRITE:
        return !code && (segment->type & TYPE_WRITABLE);
    default:
        return true;
    }
}

static bool selector_permits(const struct descriptor *descriptor, u16 selector, enum selector_check check)
{
    const struct cpu_segment *segment = &descriptor->segment;
    u8 conforming = TYPE_CODE | TYPE_CONFORMING;

    if (!segment->s) {
        if (check != CHECK_LAR && check != CHECK_LSL)
            return false;
        return system_type_permits(segment->type, check) && (selector & SELECTOR_RPL) <= segment->dpl;
    }
    if (!segment_type_permits(segment, check))
        return false;
    return (segment->type & conforming) == conforming || (selector & SELECTOR_RPL) <= segment->dpl;
}

/* Sets ZF to whether the selector in the operand may be used so; then the descriptor is read. */
static enum interp_result check_selector(struct exec *x, const struct step *step, enum selector_check check,
                                         struct descriptor *descriptor, u32 *access)
{
    u32 value;
    enum interp_result result;
    bool good = false;

    if (!cpu_protected(x->cpu))
        return exec_ud(x);
    result = read_word(x, step, step->src, &value);
    if (result != INTERP_DONE)
        return result;
    u16 selector = (u16)value;
    if (!selector_is_null(selector) && descriptor_exists(x->cpu, selector)) {
        result = descriptor_read(x, selector, descriptor);
        if (result == INTERP_DONE && access)
            result = mem_read(x, descriptor->at + 4, 4, access);
        if (result != INTERP_DONE)
            return result;
        good = selector_permits(descriptor, selector, check);
    }
    x->cpu->eflags = good ? x->cpu->eflags | FLAG_ZF : x->cpu->eflags & ~FLAG_ZF;
    return INTERP_DONE;
}

enum interp_result helper_lar(struct exec *x, const struct step *step)
{
    struct descriptor descriptor;
    u32 access;
    enum interp_result result = check_selector(x, step, CHECK_LAR, &descriptor, &access);

    if (result == INTERP_DONE && (x->cpu->eflags & FLAG_ZF))
        reg_write(x->cpu, step->dst, step->size, access & (step->size == 2 ? LAR_MASK16 : LAR_MASK32));
    return result;
}

enum interp_result helper_lsl(struct exec *x, const struct step *step)
{
    struct descriptor descriptor;
    enum interp_result result = check_selector(x, step, CHECK_LSL, &descriptor, NULL);

    if (result == INTERP_DONE && (x->cpu->eflags & FLAG_ZF))
        reg_write(x->cpu, step->dst, step->size, descriptor.segment.limit);
    return result;
}

enum interp_result helper_verr(struct exec *x, const struct step *step)
{
    struct descriptor descriptor;

    return check_selector(x, step, CHECK_READ, &descriptor, NULL);
}

enum interp_result helper_verw(struct exec *x, const struct step *step)
{
    struct descriptor descriptor;

    return check_selector(x, step, CHECK_WRITE, &descriptor, NULL);
}

/* Raises the RPL of the destination to that of the source register. */
enum interp_result helper_arpl(struct exec *x, const struct step *step)
{
    u32 rpl = x->cpu->reg[step->src] & SELECTOR_RPL;
    linear_t linear = 0;
    u32 value;
    enum interp_result result = INTERP_DONE;

    if (!cpu_protected(x->cpu))
        return exec_ud(x);
    if (step->dst == OPERAND_NONE) {
        result = exec_linear(x, step->mem.segment, exec_offset(x, &step->mem), 2, MEM_READ_WRITE, &linear);
        if (result == INTERP_DONE)
            result = mem_allowed(x, linear, 2, MEM_WRITE);
    }
    if (result == INTERP_DONE)
        result = read_word(x, step, step->dst, &value);
    if (result != INTERP_DONE)
        return result;
    bool raise = (value & SELECTOR_RPL) < rpl;
    if (raise)
        value = (value & ~(u32)SELECTOR_RPL) | rpl;
    if (step->dst != OPERAND_NONE)
        reg_write(x->cpu, step->dst, 2, value);
    else
        result = mem_write(x, linear, 2, value);
    x->cpu->eflags = raise ? x->cpu->eflags | FLAG_ZF : x->cpu->eflags & ~FLAG_ZF;
    return result;
}

/* --- the rest --- */

enum interp_result helper_cpuid(struct exec *x, const struct step *step)
{
    u32 out[4];

    (void)step;
    if (!x->env->cpuid)
        return INTERP_UNSUPPORTED;
    x->env->cpuid(x->env->opaque, x->cpu->reg[CPU_EAX], x->cpu->reg[CPU_ECX], out);
    x->cpu->reg[CPU_EAX] = out[0];
    x->cpu->reg[CPU_EBX] = out[1];
    x->cpu->reg[CPU_ECX] = out[2];
    x->cpu->reg[CPU_EDX] = out[3];
    return INTERP_DONE;
}
