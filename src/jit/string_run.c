/* Repeated string instructions with a device at one of their ends, or at both: MOVS, STOS, LODS, INS and
 * OUTS. Many elements in one loop, with the device's own functions looked up once. Element by element it does
 * what the interpreter does (interp_string.c): each is an access of its own, and between two an interrupt may be
 * taken (interp.h has the rule). What is left over, at least the last element, is the interpreter's; so
 * are CMPS and SCAS, which may end at any element. */
#include "jit/jit_impl.h"

#define always_inline static inline __attribute__((always_inline))

/* Where elements come from, or go to. */
enum side_kind { SIDE_REGISTER, SIDE_RAM, SIDE_WINDOW, SIDE_PORT };
struct side {
    enum side_kind kind;
    linear_t linear; /* RAM, WINDOW: of the first element */
    struct env_window window;
};

struct run {
    struct jit_frame *frame;
    const struct cluster_env *env;
    struct cpu_state *cpu;
    const struct step *step;
    s32 distance; /* from one element to the next */
    struct side from, to;
    struct env_port port;
    u64 accesses;
    bool has_read; /* it must not be interrupted now */
};

static bool is_fast(const struct step *step)
{
    static const u32 known = BIT(STRING_MOVS) | BIT(STRING_STOS) | BIT(STRING_LODS) | BIT(STRING_OUTS);
    return step->kind == STEP_STRING && step->repeat == REPEAT_COUNT && (known & BIT(step->op));
}

static bool has_source(const struct step *step)
{
    return step->op != STRING_STOS;
}

static bool has_destination(const struct step *step)
{
    return step->op == STRING_MOVS || step->op == STRING_STOS;
}

/* --- what the elements have in common --- */

/* Elements at sreg:reg that lie in one page of the segment, and where. 0: none. */
static u32 chunk(const struct run *r, u8 sreg, enum cpu_reg reg, bool write, u32 count, linear_t *linear)
{
    const struct step *step = r->step;
    const struct cpu_segment *segment = &r->cpu->sreg[sreg];
    struct segment_shape shape = jit_segment_shape(r->cpu, sreg);
    u32 offset = reg_read(r->cpu, reg, step->mem.addr_size);
    if (shape.limit == LIMIT_OTHER || (write && !shape.writable) || offset > segment->limit)
        return 0;
    *linear = segment->base + offset;
    u32 in_page = *linear & (PAGE_BYTES - 1);
    u64 room = MIN((u64)PAGE_BYTES - in_page, (u64)segment->limit + 1 - offset);
    room = MIN(room, (u64)size_mask(step->mem.addr_size) + 1 - offset);
    if (r->distance > 0)
        return (u32)MIN((u64)count, room / step->size);
    return room < step->size ? 0 : MIN(count, 1 + MIN(in_page, offset) / step->size);
}

/* The lowest address of `count` elements. */
static linear_t lowest(const struct run *r, linear_t linear, u32 count)
{
    return r->distance > 0 ? linear : linear - (count - 1) * r->step->size;
}

static bool find_window(const struct run *r, linear_t first, u32 bytes, struct env_window *w)
{
    if (!r->env->find_window)
        return false;
    r->env->find_window(r->env->opaque, first, w);
    return first - w->first < w->bytes && first - w->first + bytes <= w->bytes;
}

/* One thing that all elements come from or go to. Stores to the cluster's own code are left to the
 * interpreter. */
static bool find_side(const struct run *r, struct side *side, u32 count, enum mem_intent intent)
{
    linear_t first = lowest(r, side->linear, count);
    u32 bytes = count * r->step->size;
    side->kind = SIDE_RAM;
    if (mem_is_plain(r->env, first, bytes, intent))
        return intent == MEM_READ || !cluster_holds(r->frame->translation->cluster, first, first + bytes - 1);
    side->kind = SIDE_WINDOW;
    return find_window(r, first, bytes, &side->window);
}

static bool find_port(struct run *r)
{
    r->port = (struct env_port){.number = (u16)r->cpu->reg[CPU_EDX], .size = r->step->size};
    if (!r->env->find_port)
        return false;
    r->env->find_port(r->env->opaque, &r->port);
    return r->port.direct && r->port.out;
}

/* Prepares as many of `count` elements as have one source and one destination. 0: not this way. */
static u32 prepare(struct run *r, u32 count)
{
    const struct step *step = r->step;
    r->from.kind = SIDE_REGISTER;
    r->to.kind = step->op == STRING_OUTS ? SIDE_PORT : SIDE_REGISTER;
    if (has_source(step))
        count = chunk(r, step->mem.segment, CPU_ESI, false, count, &r->from.linear);
    if (has_destination(step) && count)
        count = chunk(r, CPU_ES, CPU_EDI, true, count, &r->to.linear);
    if (!count || (has_source(step) && !find_side(r, &r->from, count, MEM_READ)) ||
        (has_destination(step) && !find_side(r, &r->to, count, MEM_WRITE)))
        return 0;
    if (step->op == STRING_OUTS)
        return find_port(r) ? count : 0;
    return r->from.kind == SIDE_WINDOW || r->to.kind == SIDE_WINDOW ? count : 0;
}

/* --- the elements --- */

/* Ends the loop when any of these is not as it was: the run loop is wanted, or what was looked up may be out
 * of date. */
struct watch {
    const bool *intr;
    const volatile int *attention;
    const u32 *requests, *generation, *to, *from;
    u32 intr_matters, generation_was, to_was, from_was;
};

static struct watch watch(const struct run *r)
{
    const struct cluster_env *env = r->env;
    struct watch w = {.intr = env->intr,
                      .attention = env->attention,
                      .requests = env->requests,
                      .generation = env->generation,
                      .generation_was = r->frame->generation,
                      .intr_matters = (r->cpu->eflags & FLAG_IF) != 0};
    w.to = r->to.kind == SIDE_WINDOW ? r->to.window.generation_now : env->generation;
    w.from = r->from.kind == SIDE_WINDOW ? r->from.window.generation_now : env->generation;
    w.to_was = r->to.kind == SIDE_WINDOW ? r->to.window.generation : w.generation_was;
    w.from_was = r->from.kind == SIDE_WINDOW ? r->from.window.generation : w.generation_was;
    return w;
}

always_inline bool seen(const struct watch *w)
{
    return (*w->intr & w->intr_matters) | (u32)*w->attention | *w->requests |
           (*w->generation ^ w->generation_was) | (*w->to ^ w->to_was) | (*w->from ^ w->from_was);
}

always_inline u32 take(const struct run *r, enum side_kind kind, linear_t linear, u8 size)
{
    const struct cluster_env *env = r->env;
    u32 value;
    switch (kind) {
    case SIDE_RAM:
        return bytes_get(env->view + linear, size);
    case SIDE_WINDOW:
        value = r->from.window.read(r->from.window.dev, linear, size);
        env->memory_done(env->opaque, true, linear, size, value);
        return value;
    default:
        return r->cpu->reg[CPU_EAX] & size_mask(size);
    }
}

always_inline void give(const struct run *r, enum side_kind kind, linear_t linear, u8 size, u32 value)
{
    const struct cluster_env *env = r->env;
    switch (kind) {
    case SIDE_RAM:
        bytes_put(env->view + linear, size, value);
        break;
    case SIDE_WINDOW:
        r->to.window.write(r->to.window.dev, linear, size, value);
        env->memory_done(env->opaque, false, linear, size, value);
        break;
    case SIDE_PORT:
        r->port.out(r->port.dev, r->port.number, size, value);
        env->port_done(env->opaque, false, r->port.number, size, value);
        break;
    default:
        reg_write(r->cpu, CPU_EAX, size, value);
        break;
    }
}

/* Does up to `count` elements; how many. */
always_inline u32 transfer(const struct run *r, enum side_kind source, enum side_kind sink, u32 count)
{
    struct watch w = watch(r);
    linear_t from = r->from.linear, to = r->to.linear;
    u8 size = r->step->size;
    s32 distance = r->distance;
    u32 done = 0;
    while (done < count) {
        give(r, sink, to, size, take(r, source, from, size));
        from += (u32)distance;
        to += (u32)distance;
        done++;
        if (unlikely(seen(&w)))
            break;
    }
    return done;
}

/* A loop for each pair of sides that has a device. */
static u32 transfer_between(const struct run *r, u32 count)
{
    enum { KINDS = SIDE_PORT + 1 };
#define PAIR(source, sink)                                                                                   \
    case (source)*KINDS + (sink):                                                                            \
        return transfer(r, source, sink, count)
    switch (r->from.kind * KINDS + r->to.kind) {
        PAIR(SIDE_REGISTER, SIDE_WINDOW);
        PAIR(SIDE_RAM, SIDE_WINDOW);
        PAIR(SIDE_WINDOW, SIDE_WINDOW);
        PAIR(SIDE_WINDOW, SIDE_RAM);
        PAIR(SIDE_WINDOW, SIDE_REGISTER);
        PAIR(SIDE_RAM, SIDE_PORT);
        PAIR(SIDE_WINDOW, SIDE_PORT);
    }
#undef PAIR
    BUG_ON(true); /* prepare() makes no others */
}

/* All of them in one call, if the device can and nothing waits for the next boundary. 0: it cannot. */
static u32 transfer_at_once(const struct run *r, u32 count)
{
    static const u8 side[] = {[SIDE_REGISTER] = ENV_SIDE_VALUE,
                              [SIDE_RAM] = ENV_SIDE_RAM,
                              [SIDE_WINDOW] = ENV_SIDE_WINDOW,
                              [SIDE_PORT] = ENV_SIDE_PORT};
    const struct cluster_env *env = r->env;
    struct watch w = watch(r);
    if (!env->device_run || seen(&w))
        return 0;
    u8 size = r->step->size;
    struct env_run run = {.source = side[r->from.kind],
                          .sink = side[r->to.kind],
                          .size = size,
                          .down = r->distance < 0,
                          .port = r->port.number,
                          .count = count,
                          .from = r->from.linear,
                          .to = r->to.linear,
                          .ram_from = env->view + r->from.linear,
                          .ram_to = env->view + r->to.linear,
                          .value = r->cpu->reg[CPU_EAX] & size_mask(size)};
    u32 done = env->device_run(env->opaque, &run);
    if (done && r->to.kind == SIDE_REGISTER)
        reg_write(r->cpu, CPU_EAX, size, run.value);
    return done;
}

static void advance(const struct run *r, enum cpu_reg reg, u32 bytes)
{
    u8 size = r->step->mem.addr_size;
    reg_write(r->cpu, reg, size, reg_read(r->cpu, reg, size) + bytes);
}

static u32 do_elements(struct run *r, u32 count)
{
    u8 addr_size = r->step->mem.addr_size;
    u32 done = transfer_at_once(r, count);
    if (!done)
        done = transfer_between(r, count);
    u32 bytes = done * (u32)r->distance;
    if (r->to.kind == SIDE_RAM)
        mem_note_store(r->frame->jit->interp, lowest(r, r->to.linear, done), done * r->step->size);
    if (has_source(r->step))
        advance(r, CPU_ESI, bytes);
    if (has_destination(r->step))
        advance(r, CPU_EDI, bytes);
    reg_write(r->cpu, CPU_ECX, addr_size, reg_read(r->cpu, CPU_ECX, addr_size) - done);
    if (r->to.kind >= SIDE_WINDOW)
        r->has_read = string_reads_device(r->env, r->cpu, r->step);
    else
        r->has_read |= r->from.kind == SIDE_WINDOW;
    r->accesses += (u64)done * ((r->from.kind == SIDE_WINDOW) + (r->to.kind >= SIDE_WINDOW));
    return done;
}

static bool is_wanted(const struct run *r)
{
    return *r->env->attention || *r->env->requests || (*r->env->intr && (r->cpu->eflags & FLAG_IF));
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
    if (has_source(r->step))
        result = check_next(r, r->step->mem.segment, CPU_ESI, MEM_READ);
    if (result == INTERP_DONE && has_destination(r->step))
        result = check_next(r, CPU_ES, CPU_EDI, MEM_WRITE);
    if (result == INTERP_DONE)
        return LEAVE_REASONS;
    return result == INTERP_FAULT ? LEAVE_fault : LEAVE_unsupported;
}

static __attribute__((noinline)) bool run_string(struct jit_frame *frame, struct cluster_insn *insn, enum cluster_leave *reason)
{
    const struct step *step = &insn->steps.step[0];
    struct run r = {.frame = frame, .env = frame->jit->env, .cpu = frame->cpu, .step = step};
    bool stopped = false;
    r.distance = frame->cpu->eflags & FLAG_DF ? -(s32)step->size : (s32)step->size;
    u32 left = reg_read(frame->cpu, CPU_ECX, step->mem.addr_size);
    while (left > 1 && left <= UNINTERRUPTED_MAX && !stopped) {
        u32 count = prepare(&r, left - 1);
        if (!count)
            break;
        left -= do_elements(&r, count);
        stopped = is_wanted(&r) && !r.has_read;
    }
    if (r.accesses)
        jit_note_access(frame, 0);
    frame->stats->exits_avoided += r.accesses;
    insn->exits_avoided += r.accesses;
    enum cluster_leave failure = r.accesses && !stopped ? next_failure(&r) : LEAVE_REASONS;
    if (!stopped && failure == LEAVE_REASONS) {
        frame->jit->interp->string_has_read = r.has_read;
        return false;
    }
    /* Between two elements: the instruction begins again, with RF set. */
    frame->cpu->interrupt_shadow = false;
    frame->cpu->eflags |= FLAG_RF;
    frame->executed++; /* and idle stays zero */
    *reason = cluster_effect(r.env, frame->cpu, frame->generation);
    if (*reason == LEAVE_REASONS)
        *reason = failure;
    return true;
}

/* Called for every instruction that host code hands to the interpreter: `struct run` is not made for most of them. */
bool jit_string_run(struct jit_frame *frame, struct cluster_insn *insn, enum cluster_leave *reason)
{
    return insn->steps.count == 1 && is_fast(&insn->steps.step[0]) && run_string(frame, insn, reason);
}
