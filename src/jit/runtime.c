/* What translated code calls: device accesses, and single instructions in the interpreter. Registers that C
 * may clobber are in cpu_state during a call, the rest is in host registers (but complete around
 * jit_interpret). */
#include "jit/jit_impl.h"

#include <string.h>

static u32 flags_to_ax(u32 eflags)
{
    return (eflags & JIT_FLAGS) << JIT_FLAGS_SHIFT | (eflags >> JIT_OF_SHIFT & JIT_OVERFLOW);
}

static u32 flags_from_ax(u32 eflags, u32 ax)
{
    return (eflags & ~(u32)FLAGS_ARITH) | (ax >> JIT_FLAGS_SHIFT & JIT_FLAGS) | (ax & JIT_OVERFLOW) << JIT_OF_SHIFT;
}

u32 jit_flags(const struct jit_frame *frame)
{
    return flags_from_ax(frame->cpu->eflags, frame->flags);
}

/* --- segments --- */

struct segment_shape jit_segment_shape(const struct cpu_state *cpu, u8 sreg)
{
    const struct cpu_segment *segment = &cpu->sreg[sreg];
    bool code = segment->type & TYPE_CODE;
    struct segment_shape shape = {
        .limit = LIMIT_OTHER, .writable = !code && (segment->type & TYPE_WRITABLE), .big = segment->db};
    if (segment->unusable || !segment->present || !segment->s ||
        (code ? !(segment->type & TYPE_READABLE) : (segment->type & TYPE_EXPAND_DOWN) != 0))
        return shape;
    if (segment->limit == 0xffff && segment->base <= HIGHEST_64K)
        shape.limit = LIMIT_64K;
    else if (segment->limit == 0xffffffff)
        shape.limit = LIMIT_4G;
    shape.flat = shape.limit == LIMIT_4G && !segment->base && cpu_protected(cpu);
    return shape;
}

bool jit_shapes_hold(const struct translation *t, const struct cpu_state *cpu)
{
    for (u32 left = t->segments; left; left &= left - 1) {
        u32 sreg = (u32)__builtin_ctz(left);
        struct segment_shape now = jit_segment_shape(cpu, (u8)sreg);
        if (memcmp(&now, &t->shape[sreg], sizeof now))
            return false;
    }
    return true;
}

/* --- going on and leaving --- */

/* Moves the fuel without counting instructions. */
static void shift_fuel(struct jit_frame *frame, s64 by)
{
    frame->fuel += by;
    frame->last += by;
    frame->executed -= (u64)by;
}

bool jit_refuel(struct jit_frame *frame)
{
    s64 left = frame->horizon - (s64)jit_idle(frame);
    if (*frame->attention || left <= 0)
        return false;
    shift_fuel(frame, -MIN(left, (s64)JIT_FUEL) - frame->fuel);
    if (frame->env->pulse)
        ++*frame->env->pulse;
    return true;
}

/* What code has elsewhere than in cpu_state, where the interpreter may have changed it. */
static void take_state(struct jit_frame *frame)
{
    frame->flags = flags_to_ax(frame->cpu->eflags);
    frame->direction = frame->cpu->eflags & FLAG_DF ? -1 : 1;
    frame->leave = 0;
    for (u32 i = 0; i < CPU_SREGS; i++)
        frame->segment[i] = frame->memory + frame->cpu->sreg[i].base;
}

const void *jit_prepare(struct jit_frame *frame, int i)
{
    const struct translation *t = frame->translation;
    take_state(frame);
    frame->fuel -= t->insn[i].pending; /* the code counts them, but they were not executed */
    return t->code + t->insn[i].entry;
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

/* What has faulted once will do so again: all such instructions are prepared when one of them has done it often. */
static void prepare_for_faults(struct translation *t)
{
    for (u32 i = 0; i < t->cluster->n; i++) {
        t->insn[i].device |= t->insn[i].faults != 0;
        t->insn[i].checked |= t->insn[i].guard_faults != 0;
    }
    t->stale = true;
}

/* A plain access of instruction `i` has faulted, and the interpreter has executed it: it hit a device, or a page with
 * code. Often: the cluster is translated again, prepared for it. */
static void note_fault(struct jit_frame *frame, u32 i)
{
    struct jit *jit = frame->jit;
    struct insn_code *insn = &frame->translation->insn[i];
    bool guard = !jit->interp->device_accesses;
    jit->faulted = false;
    jit->stats.faults++;
    if (guard && (!jit->interp->n_stores || !jit->env->guarded))
        return; /* beyond the segment's limit */
    bool *prepared = guard ? &insn->checked : &insn->device;
    u8 *faults = guard ? &insn->guard_faults : &insn->faults;
    if (*prepared || ++*faults < jit->config.slow_threshold)
        return;
    prepare_for_faults(frame->translation);
    jit->stats.recompiled++;
}

/* One instruction in the interpreter, which counts in frame->stats: all but what makes up the fuel. */
static enum cluster_leave interpret(struct jit_frame *frame, int *i)
{
    struct cluster_stats *stats = frame->stats;
    u64 before = stats->instructions;
    stats->idle = jit_idle(frame);
    enum cluster_leave reason =
        cluster_interp_insn(frame->jit->interp, frame->translation->cluster, i, frame->cpu, frame->generation, stats);
    u64 done = stats->instructions - before;
    stats->instructions = before;
    frame->fuel += (s64)done;
    frame->last = frame->fuel - (s64)stats->idle;
    if (*frame->attention && frame->fuel < 0)
        shift_fuel(frame, -frame->fuel); /* it may have taken long: the next loop looks */
    return reason;
}

/* The instruction in the interpreter led out of the region: perhaps into another. */
static const void *go_on_or_leave(struct jit_frame *frame, enum cluster_leave reason, bool poked)
{
    if (reason != LEAVE_branch && reason != LEAVE_end)
        return leave(frame, reason);
    const void *code = chain_find(frame, poked);
    if (!code)
        return leave(frame, reason);
    take_state(frame);
    return code;
}

/* Executes instruction `i`, and those after it as long as an interrupt shadow lasts; returns where to go on.
 */
const void *jit_interpret(struct jit_frame *frame, u32 i_and_pending)
{
    u32 i = i_and_pending & (BIT(INTERPRET_PENDING_SHIFT) - 1);
    frame->fuel += i_and_pending >> INTERPRET_PENDING_SHIFT;
    struct jit *jit = frame->jit;
    struct translation *t = frame->translation;
    struct cpu_state *cpu = frame->cpu;
    int at = (int)i;
    bool poked = false;
    cpu->eflags = jit_flags(frame);
    cpu->eip = t->cluster->insn[i].eip;
    if (jit_real_transfer(frame, &t->cluster->insn[i])) {
        enum cluster_leave effect = cluster_effect(frame->env, cpu, frame->generation);
        return go_on_or_leave(frame, effect == LEAVE_REASONS ? LEAVE_branch : effect, true);
    }
    do {
        enum cluster_leave reason;
        if (t->cluster->insn[at].steps.step[0].repeat != REPEAT_NO && jit_string_run(frame, &t->cluster->insn[at], &reason))
            return leave(frame, reason);
        jit->stats.interpreted++;
        reason = interpret(frame, &at);
        poked |= jit->interp->poked;
        if (jit->faulted)
            note_fault(frame, i);
        if (reason != LEAVE_REASONS)
            return go_on_or_leave(frame, reason, poked);
    } while (cpu->interrupt_shadow);
    bool shapes_same = frame->slots && !chain_follow(frame, poked);
    if (t->stale || !(shapes_same || jit_shapes_hold(t, cpu)))
        return enter_again(frame, at);
    return jit_prepare(frame, at);
}

/* --- device accesses --- */

static void note_reason(struct jit_frame *frame)
{
    enum cluster_leave reason = cluster_effect(frame->env, frame->cpu, frame->generation);
    frame->leave = reason == LEAVE_REASONS ? 0 : 1 + reason;
}

/* After an access. A device access cannot set TF or halt. */
static inline void finish_access(struct jit_frame *frame, struct device_site *site, u32 accesses)
{
    const struct cluster_env *env = frame->env;
    frame->accesses += accesses;
    if (accesses)
        jit_note_access(frame, site->pending);
    site->insn->exits_avoided += accesses;
    frame->leave = 0;
    if (unlikely(*env->intr | *env->requests | (u32)*env->attention | (*env->generation ^ frame->generation)))
        note_reason(frame);
}

#define rare __attribute__((noinline, cold))
enum { CALLS_BEFORE_LOOK = 1000, MAX_RESPECIALISED = 4 };

void jit_look(struct jit_frame *frame)
{
    const struct cluster_env *env = frame->env;
    frame->changes = *frame->changes_now;
    env->port_done(env->opaque, true, 0, 1, 0); /* looks at the deadline; and counts: */
    frame->inlined--;
    frame->accesses++;
    note_reason(frame);
}

/* Code was made when accesses of this kind could not be inlined, but now they can: it is made again. */
static rare void note_call(struct jit_frame *frame, struct device_site *site)
{
    struct translation *t = frame->translation;
    struct env_planes planes;
    if (!frame->env->find_planes || site->inlined || site->size != 1 || t->respecialised == MAX_RESPECIALISED)
        return;
    frame->env->find_planes(frame->env->opaque, &planes);
    if (!planes.bytes || !(planes.stores || planes.loads))
        return;
    t->respecialised++;
    t->stale = true;
    if (!frame->leave)
        frame->leave = 1 + LEAVE_branch;
}

/* All functions of this part are called by every device access that code makes. The fast way through each of
 * them is short and calls nothing but the device and the account; everything else is in functions of its own,
 * never inlined, so that the fast way does not save registers for it. */

/* In the window that the site remembers, made for the device's present state? See find_window. */
static inline bool in_window(const struct device_site *site, linear_t linear)
{
    const struct env_window *w = &site->window;
    return linear - w->first < w->bytes && *w->generation_now == w->generation &&
           mem_in_page(linear, site->size);
}

/* What is plain now is so for the whole cluster: for sites that went to the same memory, and for instructions that are
 * device accesses only because they were seen to exit, before the cluster was formed. */
static void prepare_for_plain(struct translation *t, const struct cluster_env *env)
{
    for (u32 i = 0; i < t->cluster->n; i++)
        t->insn[i].device &= t->insn[i].faults != 0;
    for (u32 i = 0; i < t->n_sites; i++) {
        const struct device_site *site = &t->site[i];
        struct insn_code *insn = &t->insn[site->insn - t->cluster->insn];
        bool device = !site->window.bytes || !mem_writable(env, site->window.first);
        if (device && !site->window.plain)
            continue;
        insn->device = false;
        insn->faults = 0;
    }
    t->stale = true;
}

/* The site's memory belongs to a device, but is plain now: the cluster is translated again, with plain accesses. */
static void note_plain(struct jit_frame *frame, const struct device_site *site)
{
    enum { MAX_DOUBLED = 14 };
    struct translation *t = frame->translation;
    struct insn_code *insn = &t->insn[site->insn - t->cluster->insn];
    if (!insn->device || ++insn->plain_hits < BIT(insn->plain_again))
        return;
    insn->device = false;
    insn->faults = 0;
    insn->plain_hits = 0;
    insn->plain_again = MIN(insn->plain_again + 1, MAX_DOUBLED);
    prepare_for_plain(t, frame->env);
    frame->jit->stats.recompiled++;
    chain_forget(frame->jit->chain);
}

/* Regions may be left anywhere, so they are left for better code; a cluster may run for long, but not for ever. */
static void leave_if_stale(struct jit_frame *frame)
{
    const struct translation *t = frame->translation;
    if (t->stale && !frame->leave && t->cluster->key.position == POSITION_REGION)
        frame->leave = 1 + LEAVE_mapping;
}

/* Finds the window that has the access, with functions chosen for the device's present state. False: none
 * has. What is kept as its size is the number of addresses at which an access of the site's size may begin.
 */
static rare bool find_window(struct jit_frame *frame, struct device_site *site, linear_t linear)
{
    const struct cluster_env *env = frame->env;
    struct env_window *w = &site->window;
    *w = (struct env_window){0};
    if (env->find_window)
        env->find_window(env->opaque, linear, w);
    if (w->plain)
        note_plain(frame, site);
    w->bytes = w->bytes < site->size || !w->generation_now ? 0 : w->bytes - site->size + 1;
    return in_window(site, linear);
}

static rare u32 load_slowly(struct jit_frame *frame, struct device_site *site, linear_t linear)
{
    struct interp *interp = frame->jit->interp;
    struct exec x = {.interp = interp, .env = frame->env, .cpu = frame->cpu};
    u32 value;
    interp->device_accesses = 0;
    if (mem_read(&x, linear, site->size, &value) != INTERP_DONE)
        BUG_ON(true); /* devices are allowed */
    finish_access(frame, site, interp->device_accesses);
    leave_if_stale(frame);
    return value;
}

u32 jit_load(struct jit_frame *frame, struct device_site *site, linear_t linear)
{
    const struct cluster_env *env = frame->env;
    const struct env_window *w = &site->window;
    frame->rmw = linear;
    if (unlikely(!in_window(site, linear)) && !find_window(frame, site, linear))
        return load_slowly(frame, site, linear);
    u32 value = w->read(w->dev, linear, site->size);
    env->memory_done(env->opaque, true, linear, site->size, value);
    finish_access(frame, site, 1);
    if (unlikely(++site->calls == CALLS_BEFORE_LOOK))
        note_call(frame, site);
    return value;
}

static rare void store_slowly(struct jit_frame *frame, struct device_site *site, linear_t linear, u32 value)
{
    struct interp *interp = frame->jit->interp;
    struct exec x = {.interp = interp, .env = frame->env, .cpu = frame->cpu};
    interp->device_accesses = 0;
    interp->n_stores = 0;
    if (mem_write(&x, linear, site->size, value) != INTERP_DONE)
        BUG_ON(true);
    finish_access(frame, site, interp->device_accesses);
    if (frame->slots)
        chain_follow(frame, false); /* it may have hit code */
    if ((!frame->leave || frame->leave == 1 + LEAVE_attention) &&
        interp_stored_to(interp, frame->translation->cluster))
        frame->leave = 1 + LEAVE_self_modified;
    leave_if_stale(frame);
}

void jit_store(struct jit_frame *frame, struct device_site *site, linear_t linear, u32 value)
{
    const struct cluster_env *env = frame->env;
    const struct env_window *w = &site->window;
    value &= size_mask(site->size);
    if (unlikely(!in_window(site, linear)) && !find_window(frame, site, linear)) {
        store_slowly(frame, site, linear, value);
        return;
    }
    w->write(w->dev, linear, site->size, value);
    env->memory_done(env->opaque, false, linear, site->size, value);
    finish_access(frame, site, 1);
    if (unlikely(++site->calls == CALLS_BEFORE_LOOK))
        note_call(frame, site);
}

/* Looks up who answers the port and remembers it, be it nobody. What is known has `in` or `out`, or both,
 * only if they may be called. */
static rare void find_port(const struct cluster_env *env, struct device_site *site, u16 port)
{
    if (site->port_known && site->port.number == port)
        return;
    site->port_known = true;
    site->port = (struct env_port){.number = port, .size = site->size};
    if (env->find_port)
        env->find_port(env->opaque, &site->port);
    if (!site->port.direct) {
        site->port.in = NULL;
        site->port.out = NULL;
    }
}

static rare u32 in_slowly(struct jit_frame *frame, struct device_site *site, u16 port)
{
    const struct cluster_env *env = frame->env;
    u32 value = env->port_in(env->opaque, port, site->size);
    finish_access(frame, site, 1);
    return value;
}

u32 jit_in(struct jit_frame *frame, struct device_site *site, u32 edx)
{
    const struct cluster_env *env = frame->env;
    u16 port = (u16)(site->port_is_dx ? edx : site->imm);
    if (unlikely(site->port.number != port || !site->port.in)) {
        find_port(env, site, port);
        if (!site->port.in)
            return in_slowly(frame, site, port);
    }
    u32 value = site->port.in(site->port.dev, port, site->size) & size_mask(site->size);
    env->port_done(env->opaque, true, port, site->size, value);
    finish_access(frame, site, 1);
    return value;
}

static rare void out_slowly(struct jit_frame *frame, struct device_site *site, u16 port, u32 value)
{
    const struct cluster_env *env = frame->env;
    env->port_out(env->opaque, port, site->size, value);
    finish_access(frame, site, 1);
}

void jit_out(struct jit_frame *frame, struct device_site *site, u32 edx, u32 eax)
{
    const struct cluster_env *env = frame->env;
    u16 port = (u16)(site->port_is_dx ? edx : site->imm);
    u32 value = eax & size_mask(site->size);
    if (unlikely(site->port.number != port || !site->port.out)) {
        find_port(env, site, port);
        if (!site->port.out) {
            out_slowly(frame, site, port, value);
            return;
        }
    }
    site->port.out(site->port.dev, port, site->size, value);
    env->port_done(env->opaque, false, port, site->size, value);
    finish_access(frame, site, 1);
}
