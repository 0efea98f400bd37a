/* Runs a pair: the reference with the real devices, the candidate with what they answered; then compares. */
#include "cluster/check_impl.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
    LOOK_PERIOD = 4096, /* instructions of the reference between looks at the run loop, if none accesses a device */
};

/* --- the two runs --- */

/* Exits avoided of each instruction, taken back from the cluster. */
static void take_exits_avoided(struct cluster *cluster, struct check_side *side, const u64 *before)
{
    for (u32 i = 0; i < cluster->n; i++) {
        side->exits_avoided[i] = cluster->insn[i].exits_avoided - before[i];
        cluster->insn[i].exits_avoided = before[i];
    }
}

void check_before_bus_access(struct check *check)
{
    if (!check->in_reference)
        return;
    check_note_stores(check);
    check_commit_stores(check);
}

static void start_side(struct check *check, struct check_side *side)
{
    side->cpu = check->entry;
    side->stats = (struct cluster_stats){.idle = check->entry_idle, .horizon = check->horizon};
    side->interp.n_stores = 0;
}

static void run_reference(struct check *check, int start)
{
    struct check_side *side = &check->reference;
    struct interp *interp = &side->interp;
    u32 generation = *check->config.env->generation;
    int i = start;
    start_side(check, side);
    interp->allow_devices = true;
    check->in_reference = true;
    do {
        side->leave = cluster_interp_insn(interp, check->cluster, &i, &side->cpu, generation, &side->stats);
        check_note_stores(check);
        if (side->leave == LEAVE_REASONS && side->stats.instructions % LOOK_PERIOD == 0 &&
            *check->config.env->attention != check->frozen_attention) {
            side->leave = LEAVE_attention; /* set by a signal: the candidate could not know where */
            check->comparable = false;
        }
    } while (side->leave == LEAVE_REASONS);
    check->in_reference = false;
    if (!check->comparable)
        check_commit_stores(check);
}

static void run_candidate(struct check *check, int start)
{
    struct check_side *side = &check->candidate;
    const struct cluster_backend *backend = &check->candidate_backend;
    start_side(check, side);
    check->replayed = 0;
    check->diverged = check->done_missing = false;
    check->window_generation++;
    check_give_signals(check, &check->entry_signals);
    side->leave = backend->run(backend->opaque, check->cluster, start, &side->cpu, &side->stats);
}

/* --- comparing --- */

static bool states_equal(const struct cpu_state *a, const struct cpu_state *b)
{
    struct check_field field;
    if (!memcmp(a, b, sizeof *a))
        return true;
    for (u32 i = 0; check_field(i, &field); i++) /* bytes between fields may differ */
        if (check_field_value(a, &field) != check_field_value(b, &field))
            return false;
    return true;
}

static bool counts_equal(const struct check *check)
{
    const struct check_side *a = &check->reference, *b = &check->candidate;
    return a->stats.instructions == b->stats.instructions && a->stats.idle == b->stats.idle &&
           a->stats.exits_avoided == b->stats.exits_avoided &&
           !memcmp(a->exits_avoided, b->exits_avoided, check->cluster->n * sizeof a->exits_avoided[0]);
}

static u32 compare(const struct check *check)
{
    const struct check_side *a = &check->reference, *b = &check->candidate;
    u32 differs = 0;
    if (!states_equal(&a->cpu, &b->cpu))
        differs |= BIT(CHECK_DIFFERS_STATE);
    if (a->leave != b->leave)
        differs |= BIT(CHECK_DIFFERS_LEAVE);
    if (!counts_equal(check))
        differs |= BIT(CHECK_DIFFERS_COUNTS);
    if (check->diverged || check->done_missing || check->replayed != check->logged)
        differs |= BIT(CHECK_DIFFERS_ACCESSES);
    if (!check_memory_equal(check))
        differs |= BIT(CHECK_DIFFERS_MEMORY);
    if (!check_x87_equal(check))
        differs |= BIT(CHECK_DIFFERS_X87);
    return differs;
}

static void tell_difference(struct check *check)
{
    static const char *const name[] = {
#define X(id, text) text,
        CHECK_DIFFERENCES(X)
#undef X
    };
    char what[128] = "";
    for (u32 i = 0; i < CHECK_DIFFERENCE_KINDS; i++)
        if (check->differs & BIT(i))
            snprintf(what + strlen(what), sizeof what - strlen(what), "%s%s", *what ? ", " : "", name[i]);
    check->stats.differences++;
    check_report(check);
    if (check->config.on_difference)
        check->config.on_difference(check->config.opaque, what);
}

static void begin(struct check *check, struct cluster *cluster, const struct cpu_state *cpu)
{
    check->cluster = cluster;
    check->entry = *cpu;
    check->comparable = true;
    check->logged = 0;
    check->x87 = NULL;
    check_follow_mapping(check);
    check->entry_signals = check_real_signals(check);
    check->frozen_attention = check->entry_signals.attention;
    if (check->frozen_attention)
        check->comparable = false; /* a signal has just come: the executors look at it at different places */
}

static void compare_candidate(struct check *check, int start, const u64 *exits_avoided)
{
    check_keep_memory(check);
    run_candidate(check, start);
    take_exits_avoided(check->cluster, &check->candidate, exits_avoided);
    check->stats.compared++;
    check->differs = compare(check);
    if (check->differs) {
        tell_difference(check);
        check_repair_memory(check);
    }
    check_drop_stores(check);
}

static enum cluster_leave run(void *opaque, struct cluster *cluster, int start, struct cpu_state *cpu,
                              struct cluster_stats *stats)
{
    struct check *check = opaque;
    struct check_side *side = &check->reference;
    u64 exits_avoided[CLUSTER_MAX_INSNS];
    for (u32 i = 0; i < cluster->n; i++)
        exits_avoided[i] = cluster->insn[i].exits_avoided;
    begin(check, cluster, cpu);
    check->entry_idle = stats->idle;
    check->horizon = stats->horizon;
    run_reference(check, start);
    take_exits_avoided(cluster, side, exits_avoided);
    if (check->comparable)
        compare_candidate(check, start, exits_avoided);
    else
        check->stats.not_comparable++;
    for (u32 i = 0; i < cluster->n; i++)
        cluster->insn[i].exits_avoided += side->exits_avoided[i];
    *cpu = side->cpu;
    stats->instructions += side->stats.instructions;
    stats->exits_avoided += side->stats.exits_avoided;
    stats->idle = side->stats.idle;
    return side->leave;
}

/* --- life --- */

static int init(struct check *check)
{
    if (!check_memory_init(check) || !check_env_init(check))
        return -ENOMEM;
    int rc = interp_init(&check->reference.interp, &check->reference.env);
    if (!rc)
        rc = interp_init(&check->candidate.interp, &check->candidate.env);
    check->reference.interp.like_kvm = check->candidate.interp.like_kvm = check->config.like_kvm;
    return rc;
}

int check_create(struct check **out, const struct check_config *config)
{
    struct check *check = calloc(1, sizeof *check);
    if (!check)
        return -ENOMEM;
    check->config = *config;
    int rc = init(check);
    if (rc) {
        check_destroy(check);
        return rc;
    }
    *out = check;
    return 0;
}

void check_destroy(struct check *check)
{
    if (!check)
        return;
    interp_fini(&check->reference.interp);
    interp_fini(&check->candidate.interp);
    check_memory_fini(check);
    check_env_fini(check);
    free(check);
}

struct interp *check_interp(struct check *check)
{
    return &check->candidate.interp;
}

static int translate(void *opaque, struct cluster *cluster)
{
    const struct cluster_backend *backend = &((struct check *)opaque)->candidate_backend;
    return backend->translate ? backend->translate(backend->opaque, cluster) : 0;
}

static void discard(void *opaque, struct cluster *cluster)
{
    const struct cluster_backend *backend = &((struct check *)opaque)->candidate_backend;
    if (backend->discard)
        backend->discard(backend->opaque, cluster);
}

static const u8 *code(void *opaque, const struct cluster *cluster, int i, u32 *bytes)
{
    const struct cluster_backend *backend = &((struct check *)opaque)->candidate_backend;
    return backend->code ? backend->code(backend->opaque, cluster, i, bytes) : NULL;
}

struct cluster_backend cluster_backend_check(struct check *check, const struct cluster_backend *candidate)
{
    check->candidate_backend = *candidate;
    return (struct cluster_backend){.name = candidate->name, .translate = translate, .run = run, .discard = discard,
                                    .code = code, .opaque = check};
}

void check_stats(const struct check *check, struct check_stats *stats)
{
    *stats = check->stats;
}
