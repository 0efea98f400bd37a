/* Steps, sums and histograms of the exits of a run. */
#include "explain.h"

#include "machine/clock.h"

#include <stdlib.h>
#include <string.h>

/* A histogram's bucket is an eighth of an octave: a median from it is a sixteenth off at most. */
enum { SUB_BITS = 3, SUB = 1 << SUB_BITS, BUCKETS = 45 * SUB, ALL = EXPLAIN_STEPS };

/* The first exits of a kind, all samples; the later ones, of which some are. */
enum stratum { FIRST, LATER, STRATA };

/* What every exit needs to know of its kind. */
struct fast {
    u64 exits;
    u64 cost;  /* the least that a KVM_RUN takes which is all there: not shorter than an exit was at start */
    u64 guest; /* in those that were all there, beyond that */
    u64 cut;   /* exits whose KVM_RUN was cut by itself instead: samples, short ones, with registers to take over */
};

struct kind {
    u64 unlike[STRATA];       /* exits that are no samples of others */
    u64 exact[EXPLAIN_STEPS]; /* of all exits: what is in KVM_RUN, spans, exits that are no samples of others */
    u64 taken[STRATA];
    u64 sum[STRATA][EXPLAIN_STEPS]; /* of the samples, what is not exact */
};

/* Of the samples of a kind, weighted by the exits that they stand for; [ALL]: overhead of an exit. Zeros are not in it. */
struct histograms {
    u64 weight; /* of all samples */
    u32 bucket[EXPLAIN_STEPS + 1][BUCKETS];
};

/* What every exit needs comes first, in as few cache lines as can be. */
struct explain {
    /* The exit in hand. */
    u64 run_start, run_end;
    u64 spanned, spanned_before;
    u64 too_long; /* ticks, for a sample */
    u32 left;     /* later exits until the next sample */
    bool counted, sampling, formed;
    u8 of, entry;
    struct fast fast[EXIT_KIND_COUNT];

    u64 first_entry, further;
    u32 seed;
    struct explain_costs costs;
    struct kind kind[EXIT_KIND_COUNT];

    /* If it is a sample. */
    enum explain_step step;
    u64 since;                /* when `step` began */
    u64 ticks[EXPLAIN_STEPS];
    u64 exact[EXPLAIN_STEPS]; /* of these, those added up already */
    struct histograms histograms[EXIT_KIND_COUNT];
};

static u64 minus(u64 a, u64 b)
{
    return a > b ? a - b : 0;
}

struct explain *explain_create(const struct explain_costs *costs)
{
    struct explain *e = calloc(1, sizeof *e);
    if (!e)
        return NULL;
    e->costs = *costs;
    e->too_long = EXPLAIN_LONG * costs->exit[EXIT_pio_out];
    for (u32 i = 0; i < EXIT_KIND_COUNT; i++)
        e->fast[i].cost = costs->timestamp + MAX(MAX(costs->syscall, costs->immediate), costs->exit[i]);
    e->left = EXPLAIN_PERIOD;
    e->seed = 1;
    return e;
}

void explain_destroy(struct explain *explain)
{
    free(explain);
}

u64 explain_first_entry(const struct explain *explain)
{
    return explain->first_entry;
}

/* --- one exit --- */

static u32 bucket_of(u64 ticks)
{
    if (ticks < SUB)
        return (u32)ticks;
    u32 octave = 63 - (u32)__builtin_clzll(ticks) - SUB_BITS;
    return MIN(octave * SUB + (u32)(ticks >> octave), (u32)BUCKETS - 1);
}

/* The middle of it. */
static u64 bucket_ticks(u32 bucket)
{
    if (bucket < 2 * SUB)
        return bucket;
    u32 octave = bucket / SUB - 1;
    return ((u64)(bucket % SUB + SUB) << octave) + (1ull << octave) / 2;
}

static enum stratum stratum_of(const struct explain *e)
{
    return e->fast[e->of].exits <= EXPLAIN_FIRST ? FIRST : LATER;
}

static void end_step(struct explain *e, u64 now, u64 cost)
{
    e->ticks[e->step] += minus(minus(now, e->since), cost);
    e->since = now;
}

static void add_to_bucket(u32 bucket[BUCKETS], u64 ticks, u32 weight)
{
    if (ticks)
        bucket[bucket_of(ticks)] += weight;
}

static void keep_sample(struct explain *e)
{
    struct kind *kind = &e->kind[e->of];
    struct histograms *h = &e->histograms[e->of];
    enum stratum stratum = stratum_of(e);
    u32 weight = stratum == FIRST ? 1 : EXPLAIN_PERIOD;
    u64 overhead = 0;
    for (u32 step = 0; step < EXPLAIN_STEPS; step++) {
        u64 ticks = e->ticks[step] + e->exact[step];
        kind->sum[stratum][step] += e->ticks[step];
        add_to_bucket(h->bucket[step], ticks, weight);
        overhead += step < EXPLAIN_OVERHEAD_STEPS ? ticks : 0;
    }
    add_to_bucket(h->bucket[ALL], overhead, weight);
    h->weight += weight;
    kind->taken[stratum]++;
}

static void add_long(const struct explain *e, struct kind *kind, u64 spent)
{
    if (!e->sampling)
        kind->exact[EXPLAIN_longer] += spent;
    for (u32 step = 0; step < EXPLAIN_STEPS && e->sampling; step++)
        kind->exact[step] += e->ticks[step];
}

/* The exit in hand is over: KVM_RUN is entered again. */
static void end_exit(struct explain *e, u64 now)
{
    struct kind *kind = &e->kind[e->of];
    if (!e->counted)
        return;
    enum stratum stratum = stratum_of(e);
    if (e->sampling)
        end_step(e, now, e->costs.mark - e->costs.timestamp);
    u64 spent = minus(now - e->run_end, e->spanned - e->spanned_before);
    kind->unlike[stratum] += e->formed || spent > e->too_long;
    if (e->formed)
        kind->exact[EXPLAIN_lookup] += spent;
    else if (spent > e->too_long)
        add_long(e, kind, spent);
    else if (e->sampling)
        keep_sample(e);
    e->counted = e->sampling = e->formed = false;
}

void explain_ran(struct explain *e, u64 start, u64 end, enum explain_entry entry)
{
    bool plain = !e->sampling && !e->formed && start - e->run_end <= e->too_long && e->spanned == e->spanned_before;
    if (!plain)
        end_exit(e, start);
    if (!e->run_end)
        e->first_entry = start;
    e->run_start = start;
    e->run_end = end;
    e->entry = (u8)entry;
    e->spanned_before = e->spanned;
}

/* xorshift32: Marsaglia, "Xorshift RNGs" (2003). */
static u32 random_gap(struct explain *e)
{
    e->seed ^= e->seed << 13;
    e->seed ^= e->seed >> 17;
    e->seed ^= e->seed << 5;
    return 1 + e->seed % (2 * EXPLAIN_PERIOD - 1);
}

static bool is_sample(struct explain *e, u64 exits)
{
    if (exits <= EXPLAIN_FIRST)
        return true;
    if (--e->left)
        return false;
    e->left = random_gap(e);
    return true;
}

/* So much of the exit in hand is exactly that. */
static void add_exact(struct explain *e, enum explain_step step, u64 ticks)
{
    e->kind[e->of].exact[step] += ticks;
    if (e->sampling)
        e->exact[step] += ticks;
}

/* Moves as much as there is of `ticks` from *from to a step. */
static void move(struct explain *e, enum explain_step step, u64 *from, u64 ticks)
{
    ticks = MIN(ticks, *from);
    add_exact(e, step, ticks);
    *from -= ticks;
}

/* What was in KVM_RUN. */
static void cut_run(struct explain *e)
{
    const struct explain_costs *c = &e->costs;
    u64 run = minus(e->run_end - e->run_start, c->timestamp);
    move(e, EXPLAIN_syscall, &run, c->syscall);
    move(e, EXPLAIN_kvm, &run, minus(c->immediate, c->syscall));
    move(e, EXPLAIN_world, &run, minus(c->exit[e->of], c->immediate));
    move(e, EXPLAIN_state, &run, c->entry[e->entry]);
    add_exact(e, EXPLAIN_guest, run);
    e->fast[e->of].cut++;
}

bool explain_counted(struct explain *e, enum exit_kind kind)
{
    struct fast *fast = &e->fast[kind];
    u64 run = e->run_end - e->run_start;
    fast->exits++;
    e->of = (u8)kind;
    e->counted = true;
    e->sampling = is_sample(e, fast->exits);
    if (e->sampling)
        return true;
    if (e->entry == EXPLAIN_ENTRY_CLEAN && run >= fast->cost)
        fast->guest += run - fast->cost;
    else
        cut_run(e);
    return false;
}

void explain_begin(struct explain *e, u64 now)
{
    memset(e->ticks, 0, sizeof e->ticks);
    memset(e->exact, 0, sizeof e->exact);
    e->step = EXPLAIN_count;
    e->since = e->run_end;
    end_step(e, now, e->costs.timestamp);
    e->step = e->of <= EXIT_mmio_write ? EXPLAIN_device : EXPLAIN_events;
    cut_run(e);
}

void explain_go_on(struct explain *e, u64 now)
{
    e->since = now;
}

void explain_further(struct explain *e)
{
    e->further++;
}

void explain_formed(struct explain *e)
{
    e->formed = true;
}

enum explain_step explain_mark(struct explain *e, enum explain_step step, u64 now)
{
    enum explain_step before = e->step;
    end_step(e, now, e->costs.mark);
    e->step = step;
    return before;
}

void explain_span(struct explain *e, enum explain_step step, u64 ticks)
{
    if (!e->first_entry)
        return; /* no exit's */
    add_exact(e, step, ticks);
    e->spanned += ticks;
    e->since += ticks;
}

u64 explain_spanned(const struct explain *e)
{
    return e->spanned;
}

/* --- at the end --- */

static u64 to_ns(u64 ticks, const struct explain_scale *scale)
{
    return scale->per ? clock_muldiv(ticks, scale->ns, scale->per) : 0;
}

static u64 median(const u32 bucket[BUCKETS], u64 weight)
{
    u64 above = 0;
    for (u32 i = BUCKETS - 1; i > 0; i--) {
        above += bucket[i];
        if (above * 2 >= weight && above)
            return bucket_ticks(i);
    }
    return 0;
}

/* KVM_RUN of the exits that were not cut by themselves, as cut_run would have. */
static void add_plain_runs(const struct explain *e, struct kind *kind, const struct fast *fast)
{
    const struct explain_costs *c = &e->costs;
    u64 exits = fast->exits - fast->cut;
    kind->exact[EXPLAIN_syscall] += exits * c->syscall;
    kind->exact[EXPLAIN_kvm] += exits * minus(c->immediate, c->syscall);
    kind->exact[EXPLAIN_world] += exits * minus(fast->cost - c->timestamp, MAX(c->immediate, c->syscall));
    kind->exact[EXPLAIN_guest] += fast->guest;
}

/* Of all exits of a kind. Where none of the later ones is a sample, they are taken to be like the first. */
static u64 estimate(const struct kind *kind, u64 exits, enum explain_step step)
{
    const u64 of_stratum[STRATA] = {[FIRST] = MIN(exits, (u64)EXPLAIN_FIRST), [LATER] = minus(exits, EXPLAIN_FIRST)};
    u64 ticks = kind->exact[step];
    for (u32 s = 0; s < STRATA; s++) {
        enum stratum of = kind->taken[s] ? s : FIRST;
        if (kind->taken[of])
            ticks += clock_muldiv(kind->sum[of][step], of_stratum[s] - kind->unlike[s], kind->taken[of]);
    }
    return ticks;
}

static void fill_kind(const struct kind *kind, u64 exits, const struct histograms *h, const struct explain_scale *scale,
                      struct run_explain_kind *out)
{
    out->exits = exits;
    out->sampled = kind->taken[FIRST] + kind->taken[LATER];
    out->median_ns = to_ns(median(h->bucket[ALL], h->weight), scale);
    for (u32 step = 0; step < EXPLAIN_STEPS; step++) {
        out->step[step].sum_ns = to_ns(estimate(kind, exits, step), scale);
        out->step[step].median_ns = to_ns(median(h->bucket[step], h->weight), scale);
    }
}

void explain_finish(struct explain *e, u64 now, const struct explain_totals *totals,
                    const struct explain_scale *scale, struct run_explain *out)
{
    const struct explain_costs *c = &e->costs;
    u64 guest = 0;
    end_exit(e, now);
    for (u32 i = 0; i < EXIT_KIND_COUNT; i++) {
        add_plain_runs(e, &e->kind[i], &e->fast[i]);
        guest += e->kind[i].exact[EXPLAIN_guest];
    }
    *out = (struct run_explain){
        .on = true,
        .further_exits = e->further,
        .syscall_ns = (u32)to_ns(c->syscall, scale),
        .immediate_ns = (u32)to_ns(c->immediate, scale),
        .regs_ns = (u32)to_ns(c->entry[EXPLAIN_ENTRY_REGS], scale),
        .sregs_ns = (u32)to_ns(c->entry[EXPLAIN_ENTRY_SREGS], scale),
        .total_ns = to_ns(totals->total, scale),
        .guest_ns = to_ns(guest, scale),
        .cluster_ns = to_ns(totals->cluster, scale),
        .asleep_ns = to_ns(totals->asleep, scale),
    };
    for (u32 i = 0; i < EXIT_KIND_COUNT; i++) {
        fill_kind(&e->kind[i], e->fast[i].exits, &e->histograms[i], scale, &out->kind[i]);
        out->kind[i].exit_ns = (u32)to_ns(c->exit[i], scale);
    }
}
