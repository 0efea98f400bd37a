/* What translated code calls: device accesses, and single instructions in the interpreter. Registers that C may clobber
 * are in cpu_state during a call, the rest is in host registers (but complete around jit_interpret). */
#include "jit/jit_impl.h"

enum { AX_OVERFLOW = 1, AX_FLAGS_SHIFT = 8, AX_FLAGS = 0xd5, OF_SHIFT = 11 };

static u32 flags_to_ax(u32 eflags)
{
    return (eflags & AX_FLAGS) << AX_FLAGS_SHIFT | (eflags >> OF_SHIFT & AX_OVERFLOW);
}

static u32 flags_from_ax(u32 eflags, u32 ax)
{
    return (eflags & ~(u32)FLAGS_ARITH) | (ax >> AX_FLAGS_SHIFT & AX_FLAGS) | (ax & AX_OVERFLOW) << OF_SHIFT;
}

u32 jit_flags(const struct jit_frame *frame)
{
    return flags_from_ax(frame->cpu->eflags, frame->flags);
}

/* --- segments --- */

struct segment_shape jit_segment_shape(const struct cpu_segment *segment)
{
    bool code = segment->type & TYPE_CODE;
    struct segment_shape shape = {.limit = LIMIT_OTHER, .writable = !code && (segment->type & TYPE_WRITABLE)};
    if (segment->unusable || (code ? !(segment->type & TYPE_READABLE) : (segment->type & TYPE_EXPAND_DOWN) != 0))
        return shape;
    if (segment->limit == 0xffff)
        shape.limit = LIMIT_64K;
    else if (segment->limit == 0xffffffff)
        shape.limit = LIMIT_4G;
    return shape;
}

bool jit_shapes_hold(const struct translation *t, const struct cpu_state *cpu)
{
    for (u32 left = t->segments; left; left &= left - 1) {
        u32 sreg = (u32)__builtin_ctz(left);
        struct segment_shape now = jit_segment_shape(&cpu->sreg[sreg]);
        if (now.limit != t->shape[sreg].limit || now.writable != t->shape[sreg].writable)
            return false;
    }
    return true;
}

/* --- going on and leaving --- */

const void *jit_prepare(struct jit_frame *frame, int i)
{
    const struct translation *t = frame->translation;
    frame->flags = flags_to_ax(frame->cpu->eflags);
    frame->direction = frame->cpu->eflags & FLAG_DF ? -1 : 1;
    frame->leave = 0;
    frame->executed -= (u64)(s64)t->insn[i].pending; /* the code counts them, but they were not executed */
    return t->code + t->insn[i].offset;
}

static const void *leave(struct jit_frame *frame, enum cluster_leave reason)
{
    frame->reason = reason;
    frame->flags = flags_to_ax(frame->cpu->eflags);
    return frame->jit->exit;
}

/* The code was made for something else than what is now. */
static const void *enter_again(struct jit_frame *frame, int i)
{
    frame->again = true;
    frame->next = i;
    return leave(frame, LEAVE_REASONS);
}

static void note_fault(struct jit_frame *frame, u32 i)
{
    struct jit *jit = frame->jit;
    struct insn_code *insn = &frame->translation->insn[i];
    jit->faulted = false;
    jit->stats.faults++;
    if (insn->device || ++insn->faults < jit->config.slow_threshold)
        return;
    insn->device = true;
    frame->translation->stale = true;
    jit->stats.recompiled++;
}

/* Executes instruction `i`, and those after it as long as an interrupt shadow lasts; returns where to go on. */
const void *jit_interpret(struct jit_frame *frame, u32 i_and_pending)
{
    u32 i = i_and_pending & (BIT(INTERPRET_PENDING_SHIFT) - 1);
    frame->executed += i_and_pending >> INTERPRET_PENDING_SHIFT;
    struct jit *jit = frame->jit;
    struct translation *t = frame->translation;
    struct cpu_state *cpu = frame->cpu;
    int at = (int)i;
    cpu->eflags = jit_flags(frame);
    cpu->eip = t->cluster->insn[i].eip;
    if (jit->faulted)
        note_fault(frame, i);
    do {
        enum cluster_leave reason;
        if (jit_string_run(frame, &t->cluster->insn[at], &reason))
            return leave(frame, reason);
        jit->stats.interpreted++;
        reason = cluster_interp_insn(jit->interp, t->cluster, &at, cpu, frame->generation, frame->stats);
        if (reason != LEAVE_REASONS)
            return leave(frame, reason);
    } while (cpu->interrupt_shadow);
    if (t->stale || !jit_shapes_hold(t, cpu))
        return enter_again(frame, at);
    return jit_prepare(frame, at);
}

/* --- device accesses --- */

static void note_reason(struct jit_frame *frame)
{
    enum cluster_leave reason = cluster_effect(frame->jit->env, frame->cpu, frame->generation);
    frame->leave = reason == LEAVE_REASONS ? 0 : 1 + reason;
}

/* A device access cannot set TF or halt. */
static inline void note_effect(struct jit_frame *frame)
{
    const struct cluster_env *env = frame->jit->env;
    if (unlikely(*env->intr || *env->requests || *env->attention || *env->generation != frame->generation))
        note_reason(frame);
    else
        frame->leave = 0;
}

static inline void count_access(struct jit_frame *frame, struct device_site *site, u32 accesses)
{
    frame->stats->exits_avoided += accesses;
    site->insn->exits_avoided += accesses;
}

static inline bool in_window(const struct env_window *w, linear_t linear, u8 size)
{
    return w->generation_now && *w->generation_now == w->generation && linear - w->first < w->bytes &&
           linear - w->first + size <= w->bytes && mem_in_page(linear, size);
}

/* The window that has the access, with functions chosen for the device's present state. NULL: the long way. */
static inline const struct env_window *find_window(const struct cluster_env *env, struct device_site *site, linear_t linear)
{
    struct env_window *w = &site->window;
    if (likely(in_window(w, linear, site->size)))
        return w;
    if (!env->find_window)
        return NULL;
    env->find_window(env->opaque, linear, w);
    return in_window(w, linear, site->size) ? w : NULL;
}

static void load_slowly(struct jit_frame *frame, struct device_site *site, linear_t linear)
{
    struct interp *interp = frame->jit->interp;
    struct exec x = {.interp = interp, .env = frame->jit->env, .cpu = frame->cpu};
    interp->device_accesses = 0;
    if (mem_read(&x, linear, site->size, &frame->value) != INTERP_DONE)
        BUG_ON(true); /* devices are allowed */
    count_access(frame, site, interp->device_accesses);
    note_effect(frame);
}

void jit_load(struct jit_frame *frame, struct device_site *site, linear_t linear)
{
    const struct cluster_env *env = frame->jit->env;
    const struct env_window *w = find_window(env, site, linear);
    frame->rmw = linear;
    if (likely(w != NULL)) {
        frame->value = w->read(w->dev, linear, site->size);
        env->memory_done(env->opaque, true, linear, site->size, frame->value);
        count_access(frame, site, 1);
        note_effect(frame);
        return;
    }
    load_slowly(frame, site, linear);
}

static u32 value_of(const struct jit_frame *frame, const struct device_site *site)
{
    if (site->stores_t0)
        return frame->t0;
    if (site->src == OPERAND_IMM)
        return site->imm;
    if (site->src >= OPERAND_SREG && site->src < OPERAND_SREG + CPU_SREGS)
        return frame->cpu->sreg[site->src - OPERAND_SREG].selector;
    return reg_read(frame->cpu, site->src, site->size);
}

static void store_slowly(struct jit_frame *frame, struct device_site *site, linear_t linear)
{
    struct interp *interp = frame->jit->interp;
    struct exec x = {.interp = interp, .env = frame->jit->env, .cpu = frame->cpu};
    const struct cluster *cluster = frame->translation->cluster;
    interp->device_accesses = 0;
    interp->stored = false;
    if (mem_write(&x, linear, site->size, value_of(frame, site)) != INTERP_DONE)
        BUG_ON(true);
    count_access(frame, site, interp->device_accesses);
    note_effect(frame);
    if ((!frame->leave || frame->leave == 1 + LEAVE_attention) && interp->stored &&
        cluster_holds(cluster, interp->store_first, interp->store_last))
        frame->leave = 1 + LEAVE_self_modified;
}

void jit_store(struct jit_frame *frame, struct device_site *site, linear_t linear)
{
    const struct cluster_env *env = frame->jit->env;
    const struct env_window *w = find_window(env, site, linear);
    if (unlikely(!w)) {
        store_slowly(frame, site, linear);
        return;
    }
    u32 value = value_of(frame, site) & size_mask(site->size);
    w->write(w->dev, linear, site->size, value);
    env->memory_done(env->opaque, false, linear, site->size, value);
    count_access(frame, site, 1);
    note_effect(frame);
}

static inline u16 port_of(const struct jit_frame *frame, const struct device_site *site, u8 operand)
{
    return (u16)(operand == OPERAND_IMM ? site->imm : frame->cpu->reg[operand]);
}

/* Remembers who answers the port; a new port is looked up once. */
static inline bool find_port(struct jit_frame *frame, struct device_site *site, u16 port)
{
    const struct cluster_env *env = frame->jit->env;
    if (site->port_known && site->port.number == port)
        return site->port.direct;
    site->port_known = true;
    site->port = (struct env_port){.number = port, .size = site->size};
    if (env->find_port)
        env->find_port(env->opaque, &site->port);
    return site->port.direct;
}

void jit_in(struct jit_frame *frame, struct device_site *site)
{
    const struct cluster_env *env = frame->jit->env;
    u16 port = port_of(frame, site, site->src);
    u32 value;
    if (find_port(frame, site, port) && site->port.in) {
        value = site->port.in(site->port.dev, port, site->size) & size_mask(site->size);
        env->port_done(env->opaque, true, port, site->size, value);
    } else {
        value = env->port_in(env->opaque, port, site->size);
    }
    reg_write(frame->cpu, CPU_EAX, site->size, value);
    count_access(frame, site, 1);
    note_effect(frame);
}

void jit_out(struct jit_frame *frame, struct device_site *site)
{
    const struct cluster_env *env = frame->jit->env;
    u16 port = port_of(frame, site, site->dst);
    u32 value = frame->cpu->reg[CPU_EAX] & size_mask(site->size);
    if (find_port(frame, site, port) && site->port.out) {
        site->port.out(site->port.dev, port, site->size, value);
        env->port_done(env->opaque, false, port, site->size, value);
    } else {
        env->port_out(env->opaque, port, site->size, value);
    }
    count_access(frame, site, 1);
    note_effect(frame);
}
