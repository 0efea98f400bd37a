/* The interpreter's way to memory and ports: segment checks, accesses that leave plain RAM, stack checks.
 * A device access is one access of the operand's size; one that crosses a 4 KiB page is two, the lower part
 * first, as KVM splits it. 486 manual, 6.3 (limit and type checking). */
#include "cluster/interp_impl.h"

static bool vector_has_error(u8 vector)
{
    return vector == EXC_DF || (vector >= EXC_TS && vector <= EXC_PF) || vector == EXC_AC;
}

enum interp_result exec_fault(struct exec *x, enum cpu_exception vector, u32 error)
{
    x->interp->fault_vector = (u8)vector;
    x->interp->fault_has_error = cpu_protected(x->cpu) && vector_has_error((u8)vector);
    x->interp->fault_error = error | x->external;
    return INTERP_FAULT;
}

/* Real mode ignores code-or-data, but not the writable bit of the cached descriptor. */
static bool segment_permits(const struct cpu_state *cpu, const struct cpu_segment *segment,
                            enum mem_intent intent)
{
    bool code = segment->type & TYPE_CODE;

    if (segment->unusable)
        return false;
    if (intent != MEM_READ && (!(segment->type & TYPE_WRITABLE) || (code && cpu_protected(cpu))))
        return false;
    return intent == MEM_WRITE || !code || (segment->type & TYPE_READABLE);
}

static bool segment_contains(const struct cpu_segment *segment, u32 offset, u32 size)
{
    u64 end = (u64)offset + size; /* exclusive */
    u64 top = (u64)segment->limit + 1;

    if (!(segment->type & TYPE_CODE) && (segment->type & TYPE_EXPAND_DOWN)) {
        if (offset <= segment->limit)
            return false;
        top = segment->db ? 1ull << 32 : 1ull << 16;
    }
    /* An offset that wraps in a segment of 4 GiB is an address that wraps. */
    return end <= top || top == 1ull << 32;
}

enum interp_result exec_linear_slow(struct exec *x, u8 sreg, u32 offset, u32 size, enum mem_intent intent,
                                    linear_t *linear)
{
    const struct cpu_segment *segment = &x->cpu->sreg[sreg];

    if (!segment_permits(x->cpu, segment, intent) || !segment_contains(segment, offset, size))
        return exec_fault(x, sreg == CPU_SS ? EXC_SS : EXC_GP, 0);
    *linear = segment->base + offset;
    return INTERP_DONE;
}

static bool part_is_plain(const struct cluster_env *env, linear_t linear, enum mem_intent intent)
{
    return intent == MEM_READ ? mem_readable(env, linear) : mem_writable(env, linear);
}

bool mem_is_plain(const struct cluster_env *env, linear_t linear, u32 size, enum mem_intent intent)
{
    return part_is_plain(env, linear, intent) && part_is_plain(env, linear + size - 1, intent);
}

enum interp_result mem_allowed(const struct exec *x, linear_t linear, u32 size, enum mem_intent intent)
{
    if (x->interp->allow_devices || mem_is_plain(x->env, linear, size, intent))
        return INTERP_DONE;
    return INTERP_DEVICE;
}

/* Bytes of the access that lie in its first page. */
static u8 first_part(linear_t linear, u8 size)
{
    u32 room = PAGE_BYTES - (linear & (PAGE_BYTES - 1));

    return (u8)MIN(room, size);
}

static u32 read_part(struct exec *x, linear_t linear, u8 size)
{
    u32 value = 0;

    if (mem_readable(x->env, linear)) {
        memcpy(&value, x->env->view + linear, size);
        return value;
    }
    x->interp->device_accesses++;
    x->read_device = true;
    return x->env->mmio_read(x->env->opaque, linear, size) & (u32)((1ull << 8 * size) - 1);
}

static void write_part(struct exec *x, linear_t linear, u8 size, u32 value)
{
    if (mem_writable(x->env, linear)) {
        memcpy(x->env->view + linear, &value, size);
        mem_note_store(x->interp, linear, size);
        return;
    }
    x->interp->device_accesses++;
    x->wrote_device = true;
    x->env->mmio_write(x->env->opaque, linear, size, value & (u32)((1ull << 8 * size) - 1));
}

enum interp_result mem_read_slow(struct exec *x, linear_t linear, u8 size, u32 *value)
{
    u8 low = first_part(linear, size);

    if (mem_allowed(x, linear, size, MEM_READ) != INTERP_DONE)
        return INTERP_DEVICE;
    *value = read_part(x, linear, low);
    if (low < size)
        *value |= read_part(x, linear + low, size - low) << 8 * low;
    return INTERP_DONE;
}

enum interp_result mem_write_slow(struct exec *x, linear_t linear, u8 size, u32 value)
{
    u8 low = first_part(linear, size);

    if (mem_allowed(x, linear, size, MEM_WRITE) != INTERP_DONE)
        return INTERP_DEVICE;
    write_part(x, linear, low, value);
    if (low < size)
        write_part(x, linear + low, size - low, value >> 8 * low);
    return INTERP_DONE;
}

static enum interp_result check_stack(struct exec *x, u32 esp, u8 size, enum mem_intent intent)
{
    linear_t linear;
    enum interp_result result = exec_linear(x, CPU_SS, esp & x->stack_mask, size, intent, &linear);

    return result == INTERP_DONE ? mem_allowed(x, linear, size, intent) : result;
}

enum interp_result stack_check_push(struct exec *x, u32 count, u8 size)
{
    for (u32 i = 1; i <= count; i++) {
        enum interp_result result = check_stack(x, x->cpu->reg[CPU_ESP] - i * size, size, MEM_WRITE);
        if (result != INTERP_DONE)
            return result;
    }
    return INTERP_DONE;
}

enum interp_result stack_check_pop(struct exec *x, u32 count, u8 size)
{
    for (u32 i = 0; i < count; i++) {
        enum interp_result result = check_stack(x, x->cpu->reg[CPU_ESP] + i * size, size, MEM_READ);
        if (result != INTERP_DONE)
            return result;
    }
    return INTERP_DONE;
}

enum interp_result port_read(struct exec *x, u16 port, u8 size, u32 *value)
{
    if (!x->interp->allow_devices)
        return INTERP_DEVICE;
    x->interp->device_accesses++;
    x->read_device = true;
    *value = x->env->port_in(x->env->opaque, port, size);
    return INTERP_DONE;
}

enum interp_result port_write(struct exec *x, u16 port, u8 size, u32 value)
{
    if (!x->interp->allow_devices)
        return INTERP_DEVICE;
    x->interp->device_accesses++;
    x->wrote_device = true;
    x->env->port_out(x->env->opaque, port, size, value & size_mask(size));
    return INTERP_DONE;
}
