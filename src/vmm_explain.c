/* --explain: what an exit costs is measured, the instrument (explain.h) put between the run loop's steps and
 * around the executor of clusters, and its result taken. */
#include "vmm_explain.h"

#include "kvm/exit_cost.h"

#include <errno.h>
#include <stdlib.h>

struct vmm_explain {
    struct explain *instrument;
    struct cluster_backend executor; /* the one that is timed */
    u64 tsc_executed;                /* that it had the guest, without regions */
    u64 formations;                  /* seen */
    u64 runs;                        /* of KVM */
    u64 tsc_cluster, tsc_asleep;     /* before the first of them */
    u64 timestamp;                   /* ticks it takes */
};

/* Exits of a kind that cannot be made at will are taken to cost what a port write does. */
static struct explain_costs costs_of(const struct exit_cost *cost)
{
    struct explain_costs c = {
        .timestamp = cost->timestamp,
        .syscall = cost->syscall,
        .immediate = cost->immediate,
        .entry = {[EXPLAIN_ENTRY_REGS] = cost->regs, [EXPLAIN_ENTRY_SREGS] = cost->sregs + (u64)cost->regs},
    };
    for (u32 i = 0; i < EXIT_KIND_COUNT; i++)
        c.exit[i] = cost->exit[EXIT_COST_OUT];
    c.exit[EXIT_pio_in] = cost->exit[EXIT_COST_IN];
    c.exit[EXIT_string] = cost->exit[EXIT_COST_OUTS];
    c.exit[EXIT_mmio_read] = cost->exit[EXIT_COST_MMIO_READ];
    c.exit[EXIT_mmio_write] = cost->exit[EXIT_COST_MMIO_WRITE];
    c.exit[EXIT_hlt] = cost->exit[EXIT_COST_HLT];
    return c;
}

/* What a mark takes, in ticks: the least of some. 0: no memory. */
static u64 measure_mark(void)
{
    enum { MARKS = 100 };
    struct explain *e = explain_create(&(struct explain_costs){0});
    u64 least = UINT64_MAX;
    for (u32 i = 0; e && i < MARKS; i++) {
        u64 start = tsc_now();
        explain_mark(e, EXPLAIN_events, tsc_now());
        least = MIN(least, tsc_now() - start);
    }
    explain_destroy(e);
    return least == UINT64_MAX ? 0 : least;
}

int vmm_explain_create(struct vmm *vmm)
{
    struct exit_cost cost;
    if (!vmm->config->explain)
        return 0;
    if (exit_cost_measure(&cost)) {
        log_warn("--explain: without that nothing is explained");
        return 0; /* the guest can run all the same */
    }
    vmm->explain = calloc(1, sizeof *vmm->explain);
    if (!vmm->explain)
        return -ENOMEM;
    struct explain_costs costs = costs_of(&cost);
    u64 mark = measure_mark();
    costs.mark = MAX(mark > costs.timestamp ? mark - costs.timestamp : 0, costs.timestamp);
    vmm->explain->timestamp = costs.timestamp;
    vmm->explain->instrument = explain_create(&costs);
    return vmm->explain->instrument ? 0 : -ENOMEM;
}

void vmm_explain_destroy(struct vmm *vmm)
{
    if (!vmm->explain)
        return;
    explain_destroy(vmm->explain->instrument);
    free(vmm->explain);
}

/* --- the executor, timed --- */

static int translate(void *opaque, struct cluster *cluster)
{
    const struct cluster_backend *executor = &((struct vmm *)opaque)->explain->executor;
    return executor->translate ? executor->translate(executor->opaque, cluster) : 0;
}

static void discard(void *opaque, struct cluster *cluster)
{
    const struct cluster_backend *executor = &((struct vmm *)opaque)->explain->executor;
    if (executor->discard)
        executor->discard(executor->opaque, cluster);
}

static const u8 *code(void *opaque, const struct cluster *cluster, int i, u32 *bytes)
{
    const struct cluster_backend *executor = &((struct vmm *)opaque)->explain->executor;
    return executor->code ? executor->code(executor->opaque, cluster, i, bytes) : NULL;
}

static u64 exits_avoided(void *opaque)
{
    const struct cluster_backend *executor = &((struct vmm *)opaque)->explain->executor;
    return executor->exits_avoided ? executor->exits_avoided(executor->opaque) : 0;
}

/* Without regions: a run is what follows one exit, and what is around it in the engine is looking it up and
 * checking the code. Regions go on from one to the next, and are timed as a whole (vmm_go_on). */
static enum cluster_leave run(void *opaque, struct cluster *cluster, int start, struct cpu_state *cpu,
                              struct cluster_stats *stats)
{
    struct vmm *vmm = opaque;
    const struct cluster_backend *executor = &vmm->explain->executor;
    if (vmm->regions)
        return executor->run(executor->opaque, cluster, start, cpu, stats);
    u64 begin = tsc_now();
    enum cluster_leave leave = executor->run(executor->opaque, cluster, start, cpu, stats);
    u64 ticks = tsc_now() - begin;
    vmm->explain->tsc_executed += ticks;
    vmm_explain_span(vmm, EXPLAIN_cluster, ticks);
    return leave;
}

void vmm_explain_wrap(struct vmm *vmm)
{
    if (!vmm->explain)
        return;
    vmm->explain->executor = vmm->executor;
    vmm->executor.translate = translate;
    vmm->executor.run = run;
    vmm->executor.discard = discard;
    vmm->executor.code = code;
    vmm->executor.exits_avoided = exits_avoided;
    vmm->executor.opaque = vmm;
}

/* --- in the run loop --- */

void vmm_explain_ran(struct vmm *vmm, u64 start, u64 end)
{
    explain_ran(vmm->explain->instrument, start, end, vmm->entry);
    if (!vmm->explain->runs++) {
        vmm->explain->tsc_cluster = vmm->explain->tsc_executed + vmm->tsc_regions;
        vmm->explain->tsc_asleep = vmm->tsc_asleep;
    }
    vmm->entry = EXPLAIN_ENTRY_CLEAN;
    vmm->sampled = NULL;
}

void vmm_explain_counted(struct vmm *vmm, enum exit_kind kind)
{
    struct explain *instrument = vmm->explain->instrument;
    if (!explain_counted(instrument, kind))
        return;
    explain_begin(instrument, tsc_now());
    vmm->sampled = instrument;
    explain_go_on(instrument, tsc_now());
}

void vmm_explain_further(struct vmm *vmm)
{
    explain_further(vmm->explain->instrument);
}

void vmm_explain_formations(struct vmm *vmm)
{
    u64 now = cluster_engine_formations(vmm->engine);
    if (now != vmm->explain->formations)
        explain_formed(vmm->explain->instrument);
    vmm->explain->formations = now;
}

void vmm_explain_span(struct vmm *vmm, enum explain_step step, u64 ticks)
{
    explain_span(vmm->explain->instrument, step, ticks);
}

void vmm_explain_begin_span(struct vmm *vmm, struct vmm_span *span)
{
    span->sampled = vmm->sampled;
    span->spanned = explain_spanned(vmm->explain->instrument);
    span->runs = vmm->explain->runs;
    span->start = tsc_now();
    vmm->sampled = NULL;
}

void vmm_explain_end_span(struct vmm *vmm, enum explain_step step, const struct vmm_span *span)
{
    const struct vmm_explain *explain = vmm->explain;
    if (explain->runs != span->runs)
        return; /* KVM ran in between: it is the time of other exits */
    u64 ticks = tsc_now() - span->start,
        inside = explain_spanned(explain->instrument) - span->spanned + explain->timestamp;
    explain_span(explain->instrument, step, ticks > inside ? ticks - inside : 0);
    vmm->sampled = span->sampled;
}

void vmm_explain_stats(struct vmm *vmm)
{
    if (!vmm->explain)
        return;
    struct explain *instrument = vmm->explain->instrument;
    u64 now = tsc_now(), first = explain_first_entry(instrument);
    struct explain_totals totals = {
        .total = first ? now - first : 0,
        .cluster = first ? vmm->explain->tsc_executed + vmm->tsc_regions - vmm->explain->tsc_cluster : 0,
        .asleep = first ? vmm->tsc_asleep - vmm->explain->tsc_asleep : 0,
    };
    struct explain_scale scale = {.ns = host_monotonic_ns() - vmm->start_ns, .per = now - vmm->start_tsc};
    explain_finish(instrument, now, &totals, &scale, &vmm->stats->explain);
    vmm->sampled = NULL;
}
