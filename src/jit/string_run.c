/* REP MOVS and REP STOS into device memory, REP OUTS to a port: many elements in one loop, with the device's
 * own functions looked up once. Element by element it does what the interpreter does (interp_string.c): each
 * is an access of its own, and where none reads a device, an interrupt is taken between two. What is left
 * over, at least the last element, is the interpreter's. */
#include "jit/jit_impl.h"

/* As the interpreter's: longer strings that read a device are its business. */
enum { UNINTERRUPTED_MAX = 65536 };

struct run {
    struct jit_frame *frame;
    const struct cluster_env *env;
    struct cpu_state *cpu;
    const struct step *step;
    struct env_window to, from; /* device memory; from.bytes 0: the source is RAM */
    struct env_port port;
    u64 accesses;
};

static bool is_fast(const struct step *step, const struct cpu_state *cpu)
{
    bool known = step->op == STRING_MOVS || step->op == STRING_STOS || step->op == STRING_OUTS;
    return step->kind == STEP_STRING && step->repeat == REPEAT_COUNT && known && !(cpu->eflags & FLAG_DF);
}

/* Elements at sreg:reg that lie in one page of the segment, and where. 0: none. */
static u32 chunk(const struct run *r, u8 sreg, enum cpu_reg reg, bool write, u32 count, linear_t *linear)
{
    const struct step *step = r->step;
    const struct cpu_segment *segment = &r->cpu->sreg[sreg];
    struct segment_shape shape = jit_segment_shape(segment);
    u32 offset = reg_read(r->cpu, reg, step->mem.addr_size);
    if (shape.limit == LIMIT_OTHER || (write && !shape.writable) || offset > segment->limit)
        return 0;
    *linear = segment->base + offset;
    u64 room = MIN((u64)PAGE_BYTES - (*linear & (PAGE_BYTES - 1)), (u64)segment->limit + 1 - offset);
    room = MIN(room, (u64)size_mask(step->mem.addr_size) + 1 - offset);
    return (u32)MIN((u64)count, room / step->size);
}

static bool find_window(const struct run *r, linear_t linear, u32 bytes, struct env_window *w)
{
    if (!r->env->find_window)
        return false;
    r->env->find_window(r->env->opaque, linear, w);
    return linear - w->first < w->bytes && linear - w->first + bytes <= w->bytes;
}

static u32 source_value(struct run *r, linear_t from)
{
    u8 size = r->step->size;
    if (r->step->op == STRING_STOS)
        return r->cpu->reg[CPU_EAX] & size_mask(size);
    if (!r->from.bytes)
        return bytes_get(r->env->view + from, size);
    u32 value = r->from.read(r->from.dev, from, size);
    r->env->memory_done(r->env->opaque, true, from, size, value);
    r->accesses++;
    return value;
}

static void put(struct run *r, linear_t to, u32 value)
{
    u8 size = r->step->size;
    if (r->step->op == STRING_OUTS) {
        r->port.out(r->port.dev, r->port.number, size, value);
        r->env->port_done(r->env->opaque, false, r->port.number, size, value);
    } else {
        r->to.write(r->to.dev, to, size, value);
        r->env->memory_done(r->env->opaque, false, to, size, value);
    }
    r->accesses++;
}

static bool is_wanted(const struct run *r)
{
    return *r->env->attention || *r->env->requests || (*r->env->intr && (r->cpu->eflags & FLAG_IF));
}

/* Did an event change what was looked up? */
static bool is_stale(const struct env_window *w)
{
    return w->bytes && *w->generation_now != w->generation;
}

static void advance(const struct run *r, enum cpu_reg reg, u32 bytes)
{
    u8 size = r->step->mem.addr_size;
    reg_write(r->cpu, reg, size, reg_read(r->cpu, reg, size) + bytes);
}

/* Does up to `count` elements; how many. */
static u32 do_elements(struct run *r, linear_t from, linear_t to, u32 count)
{
    u32 done = 0;
    while (done < count) {
        u32 at = done * r->step->size;
        put(r, to + at, source_value(r, from + at));
        done++;
        if (is_wanted(r) || is_stale(&r->to) || is_stale(&r->from) ||
            *r->env->generation != r->frame->generation)
            break;
    }
    if (r->step->op != STRING_STOS)
        advance(r, CPU_ESI, done * r->step->size);
    if (r->step->op != STRING_OUTS)
        advance(r, CPU_EDI, done * r->step->size);
    reg_write(r->cpu, CPU_ECX, r->step->mem.addr_size,
              reg_read(r->cpu, CPU_ECX, r->step->mem.addr_size) - done);
    return done;
}

/* Prepares as many of `count` elements as have one source and one destination. 0: not this way. */
static u32 prepare(struct run *r, u32 count, linear_t *from, linear_t *to)
{
    const struct step *step = r->step;
    r->to = r->from = (struct env_window){0};
    if (step->op == STRING_OUTS) {
        r->port = (struct env_port){.number = (u16)r->cpu->reg[CPU_EDX], .size = step->size};
        if (!r->env->find_port)
            return 0;
        r->env->find_port(r->env->opaque, &r->port);
        if (!r->port.direct || !r->port.out)
            return 0;
    } else {
        count = chunk(r, CPU_ES, CPU_EDI, true, count, to);
        if (!count || !find_window(r, *to, count * step->size, &r->to))
            return 0;
    }
    if (step->op == STRING_STOS)
        return count;
    count = chunk(r, step->mem.segment, CPU_ESI, false, count, from);
    if (!count || mem_is_plain(r->env, *from, count * step->size, MEM_READ))
        return count;
    return find_window(r, *from, count * step->size, &r->from) ? count : 0;
}

static enum interp_result check_next(const struct run *r, u8 sreg, enum cpu_reg reg, enum mem_intent intent)
{
    struct exec x = {.interp = r->frame->jit->interp, .env = r->env, .cpu = r->cpu};
    linear_t linear;
    return exec_linear(&x, sreg, reg_read(r->cpu, reg, r->step->mem.addr_size), r->step->size, intent, &linear);
}

/* How the next element fails, LEAVE_REASONS if it does not. After elements that were done, this is not the start of the
 * instruction, which the interpreter, asked for what is left over, would take it for. */
static enum cluster_leave next_failure(const struct run *r)
{
    enum interp_result result = INTERP_DONE;
    if (r->step->op != STRING_STOS)
        result = check_next(r, r->step->mem.segment, CPU_ESI, MEM_READ);
    if (result == INTERP_DONE && r->step->op != STRING_OUTS)
        result = check_next(r, CPU_ES, CPU_EDI, MEM_WRITE);
    if (result == INTERP_DONE)
        return LEAVE_REASONS;
    return result == INTERP_FAULT ? LEAVE_fault : LEAVE_unsupported;
}

bool jit_string_run(struct jit_frame *frame, struct cluster_insn *insn, enum cluster_leave *reason)
{
    const struct step *step = &insn->steps.step[0];
    struct run r = {.frame = frame, .env = frame->jit->env, .cpu = frame->cpu, .step = step};
    bool reads_device = false, stopped = false;
    if (insn->steps.count != 1 || !is_fast(step, frame->cpu))
        return false;
    u32 left = reg_read(frame->cpu, CPU_ECX, step->mem.addr_size);
    while (left > 1 && left <= UNINTERRUPTED_MAX && !stopped) {
        linear_t from = 0, to = 0;
        u32 count = prepare(&r, left - 1, &from, &to);
        if (!count)
            break;
        reads_device |= r.from.bytes != 0;
        left -= do_elements(&r, from, to, count);
        stopped = is_wanted(&r) && !reads_device;
    }
    if (r.accesses)
        jit_refuel(frame, 0);
    frame->stats->exits_avoided += r.accesses;
    insn->exits_avoided += r.accesses;
    enum cluster_leave failure = r.accesses && !stopped ? next_failure(&r) : LEAVE_REASONS;
    if (!stopped && failure == LEAVE_REASONS)
        return false;
    /* Between two elements: the instruction begins again, with RF set. */
    frame->cpu->interrupt_shadow = false;
    frame->cpu->eflags |= FLAG_RF;
    frame->executed++; /* and idle stays zero */
    *reason = cluster_effect(r.env, frame->cpu, frame->generation);
    if (*reason == LEAVE_REASONS)
        *reason = failure;
    return true;
}
