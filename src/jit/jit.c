/* The host executor's life: translations of clusters, the code buffer, entering and leaving. */
#include "jit/jit_impl.h"

#include "base/log.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NO_HORIZON (1ll << 50)

enum {
    DEFAULT_SLOW_THRESHOLD = 3,
    /* Code that changes all the time is not worth translating: a cluster formed again this often must first
     * have been run a few times as it is now. */
    OFTEN_FORMED = 8,
    RUNS_BEFORE_TRANSLATION = 4,
};

static u64 tsc(void)
{
    return __builtin_ia32_rdtsc();
}

int jit_create(struct jit **result, struct interp *interp, const struct jit_config *config)
{
    struct jit *jit = aligned_alloc(FRAME_ALIGNMENT, sizeof *jit);
    if (!jit)
        return -ENOMEM;
    memset(jit, 0, sizeof *jit);
    jit->has_shrx = __builtin_cpu_supports("bmi2");
    jit->interp = interp;
    jit->env = interp->env;
    jit->config = *config;
    jit->epoch = 1;
    jit->perf_map = -1;
    if (!jit->config.slow_threshold)
        jit->config.slow_threshold = DEFAULT_SLOW_THRESHOLD;
    int rc = code_buffer_init(&jit->buffer, config->code_bytes ? config->code_bytes : JIT_CODE_BYTES);
    jit->gen = gen_create(jit);
    jit->encodings = emit_cache_create();
    if (config->chain)
        jit->chain = chain_create(config->chain == JIT_CHAIN_ON);
    if (!rc && (!jit->gen || !jit->encodings || (config->chain && !jit->chain)))
        rc = -ENOMEM;
    if (!rc)
        rc = stubs_create(jit);
    if (!rc)
        rc = fault_install(jit);
    if (rc) {
        log_error("cannot set up translation to host code: %s", strerror(-rc));
        code_buffer_fini(&jit->buffer);
        gen_destroy(jit->gen);
        emit_cache_destroy(jit->encodings);
        chain_destroy(jit->chain);
        free(jit);
        return rc;
    }
    *result = jit;
    return 0;
}

void jit_destroy(struct jit *jit)
{
    if (!jit)
        return;
    fault_remove(jit);
    code_buffer_fini(&jit->buffer);
    gen_destroy(jit->gen);
    emit_cache_destroy(jit->encodings);
    chain_destroy(jit->chain);
    free(jit->access);
    free(jit);
}

void jit_stats(const struct jit *jit, struct jit_stats *stats)
{
    *stats = jit->stats;
}

void jit_set_perf_map(struct jit *jit, int fd)
{
    jit->perf_map = fd;
}

/* --- translations --- */

static struct translation *translation_of(struct jit *jit, struct cluster *cluster)
{
    if (cluster->translation)
        return cluster->translation;
    struct translation *t = calloc(1, sizeof *t + cluster->n * sizeof t->insn[0]);
    if (!t)
        return NULL;
    t->cluster = cluster;
    for (u32 i = 0; i < cluster->n; i++) {
        const struct cluster_insn *insn = &cluster->insn[i];
        t->insn[i].device = insn->steps.class == INSN_WEAK && (insn->exiting || jit->config.slow_memory);
    }
    cluster->translation = t;
    return t;
}

static void flush(struct jit *jit)
{
    chain_forget(jit->chain);
    code_buffer_flush(&jit->buffer);
    jit->n_accesses = 0;
    jit->epoch++;
}

static void note_perf(const struct jit *jit, const struct translation *t)
{
    const struct cpu_where *where = &t->cluster->key.where;
    if (jit->perf_map >= 0)
        dprintf(jit->perf_map, "%lx %x cluster_%08x\n", (unsigned long)(uintptr_t)t->code, t->bytes,
                where->cs_base + where->eip);
}

static int translate_timed(struct jit *jit, struct translation *t, const struct cpu_state *cpu)
{
    u64 start = tsc();
    chain_forget(jit->chain);
    int rc = translate(jit, t, cpu);
    if (rc == -ENOSPC && jit->buffer.used > jit->buffer.floor) {
        flush(jit);
        jit->stats.flushes++;
        rc = translate(jit, t, cpu);
    }
    jit->stats.translate_cycles += tsc() - start;
    if (rc) {
        jit->stats.failed++;
        t->impossible = true;
        return rc;
    }
    jit->stats.translations++;
    jit->stats.instructions += t->cluster->n;
    jit->stats.code_bytes += t->bytes;
    note_perf(jit, t);
    return 0;
}

static bool is_current(const struct jit *jit, const struct translation *t, const struct cpu_state *cpu)
{
    return t->epoch == jit->epoch && !t->stale && jit_shapes_hold(t, cpu) &&
           cpu->sreg[CPU_CS].limit >= t->eip_limit;
}

/* The translation to run, made now if it must be; NULL: there is none. */
static struct translation *ready(struct jit *jit, struct cluster *cluster, const struct cpu_state *cpu)
{
    struct translation *t = translation_of(jit, cluster);
    if (!t)
        return NULL;
    if (jit->config.flush_each_run)
        flush(jit);
    if (t->epoch == 0 && cluster->formed > OFTEN_FORMED && t->waited++ < RUNS_BEFORE_TRANSLATION)
        return NULL;
    if (!is_current(jit, t, cpu) && (t->impossible || translate_timed(jit, t, cpu)))
        return NULL;
    return t;
}

static void discard(void *opaque, struct cluster *cluster)
{
    struct translation *t = cluster->translation;
    struct jit *jit = opaque;
    if (!t)
        return; /* its code stays in the buffer until that is flushed */
    chain_forget(jit->chain);
    free(t->landing);
    free(t->leave);
    free(t->site);
    free(t);
    cluster->translation = NULL;
}

static const u8 *code(void *opaque, const struct cluster *cluster, int i, u32 *bytes)
{
    const struct jit *jit = opaque;
    const struct translation *t = cluster->translation;
    if (!t || t->epoch != jit->epoch)
        return NULL;
    *bytes = i == CLUSTER_NO_INSN ? t->bytes : t->insn[i].bytes;
    return t->code + (i == CLUSTER_NO_INSN ? 0 : t->insn[i].offset);
}

/* --- running --- */

/* The rest of the run in the interpreter. */
static enum cluster_leave interpret(struct jit *jit, struct cluster *cluster, int i, struct cpu_state *cpu,
                                    u32 generation, struct cluster_stats *stats)
{
    enum cluster_leave reason;
    do
        reason = cluster_interp_insn(jit->interp, cluster, &i, cpu, generation, stats);
    while (reason == LEAVE_REASONS);
    return reason;
}

/* After enter() has returned: the state the guest goes on with. */
static void take_leave(struct jit_frame *frame, const struct leave_record *record)
{
    frame->cpu->eip = record->eip;
    frame->fuel += record->pending;
    frame->reason = record->reason;
    if (record->reason == LEAVE_REASONS)
        frame->reason = (enum cluster_leave)(frame->leave - 1);
    else if (record->reason == LEAVE_attention && !*frame->attention)
        frame->reason = LEAVE_horizon; /* the poll looks at both */
}

static void enter(struct jit *jit, struct jit_frame *frame, int i)
{
    frame->left_by = (u32)LEFT_BY_EXIT;
    const void *address = jit_prepare(frame, i);
    if (frame->translation->n_landings)
        chain_enter(frame, frame->translation);
    fault_watch(jit);
    jit->enter(frame, frame->memory, address);
    fault_watch(NULL);
    if (frame->left_by == (u32)LEFT_BY_EXIT)
        return;
    frame->cpu->eflags = jit_flags(frame);
    if (frame->left_by == (u32)LEFT_BY_DISPATCH)
        frame->reason = LEAVE_branch;
    else
        take_leave(frame, &frame->translation->leave[frame->left_by]);
}

/* By the run that is going on. */
static u64 exits_avoided(void *opaque)
{
    const struct jit_frame *frame = &((struct jit *)opaque)->frame;
    return frame->accesses + frame->inlined;
}

static enum cluster_leave run(void *opaque, struct cluster *cluster, int start, struct cpu_state *cpu,
                              struct cluster_stats *stats)
{
    struct jit *jit = opaque;
    struct jit_frame *frame = &jit->frame;
    u32 generation = *jit->env->generation;
    int i = start;
    jit->interp->allow_devices = true;
    /* An interrupt shadow and RF end with the first instruction: the interpreter knows how. */
    while (cpu->interrupt_shadow || (cpu->eflags & FLAG_RF)) {
        enum cluster_leave reason = cluster_interp_insn(jit->interp, cluster, &i, cpu, generation, stats);
        if (reason != LEAVE_REASONS)
            return reason;
    }
    do {
        struct translation *t = ready(jit, cluster, cpu);
        if (!t)
            return interpret(jit, cluster, i, cpu, generation, stats);
        *frame = (struct jit_frame){.last = -(s64)stats->idle,
                                    .horizon = stats->horizon ? (s64)stats->horizon : NO_HORIZON,
                                    .changes_now = jit->env->changes,
                                    .changes = jit->env->changes ? *jit->env->changes : 0,
                                    .attention = jit->env->attention,
                                    .intr = jit->env->intr,
                                    .granules = jit->env->code_map ? jit->env->code_map->granule : NULL,
                                    .env = jit->env,
                                    .memory = jit->env->guarded ? jit->env->guarded : jit->env->view,
                                    .jit = jit,
                                    .translation = t,
                                    .cpu = &frame->state,
                                    .state = *cpu,
                                    .stats = stats,
                                    .generation = generation};
        jit_refuel(frame); /* or not: then the first loop is left */
        enter(jit, frame, i);
        *cpu = frame->state;
        stats->instructions += frame->executed + (u64)frame->fuel;
        stats->idle = jit_idle(frame);
        stats->exits_avoided += exits_avoided(jit);
        if (frame->inlined)
            *jit->env->accesses += frame->inlined;
        frame->accesses = frame->inlined = 0;
        i = frame->next;
        cluster = frame->translation->cluster; /* regions may have followed it */
    } while (frame->again);
    return frame->reason;
}

struct cluster_backend cluster_backend_host(struct jit *jit)
{
    return (struct cluster_backend){
        .name = "host",
        .run = run,
        .discard = discard,
        .code = code,
        .exits_avoided = exits_avoided,
        .code_legend =
            "r12 the run and its processor, r13 guest memory, r14 the guest's ESP, r15 the fuel, r8-r11 scratch; the rest "
            "the guest's",
        .opaque = jit,
    };
}
