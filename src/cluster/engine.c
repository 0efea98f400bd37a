/* The cache of clusters by XXH3 of place, mode and position, and the life of its entries:
 *
 *   cold --3rd exit--> formed --coherency check fails, code around it became hot--> formed again at the next exit
 *                  \-> alone (nothing to cluster): tried again when its count has doubled, never banned
 */
#include "cluster/engine_impl.h"

#include "base/bug.h"
#include "base/hash.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

const struct cluster_reason cluster_leave_reason[LEAVE_REASONS] = {
#define X(id, text) [LEAVE_##id] = {#id, text},
    CLUSTER_LEAVES(X)
#undef X
};

const struct cluster_reason cluster_miss_reason[MISS_REASONS] = {
#define X(id, text) [MISS_##id] = {#id, text},
    CLUSTER_MISSES(X)
#undef X
};

int cluster_engine_create(struct cluster_engine **engine, const struct cluster_env *env,
                          const struct cluster_backend *backend)
{
    *engine = calloc(1, sizeof **engine);
    if (!*engine)
        return -ENOMEM;
    (*engine)->env = env;
    (*engine)->backend = *backend;
    (*engine)->form_at = FORM_AT_EXIT;
    (*engine)->kvm_ran = true;
    return 0;
}

void cluster_engine_set_form_at(struct cluster_engine *engine, u32 exits)
{
    engine->form_at = exits;
}

void engine_drop_cluster(struct cluster_engine *engine, struct entry *entry)
{
    if (!entry->cluster)
        return;
    if (engine->backend.discard)
        engine->backend.discard(engine->backend.opaque, entry->cluster);
    entry->cluster->translation = NULL;
    cluster_release_code(entry->cluster);
    cluster_free(entry->old);
    entry->old = entry->cluster;
    entry->cluster = NULL;
}

static void flush(struct cluster_engine *engine)
{
    for (u32 i = 0; i < engine->n_used; i++) {
        struct entry *entry = &engine->entry[engine->used[i]];
        engine_drop_cluster(engine, entry);
        cluster_free(entry->old);
        *entry = (struct entry){0};
    }
    engine->n_used = 0;
    engine->given = NULL;
    engine->last_left = NULL;
}

void cluster_engine_destroy(struct cluster_engine *engine)
{
    if (!engine)
        return;
    flush(engine);
    free(engine);
}

void cluster_engine_set_window(struct cluster_engine *engine, u32 window)
{
    engine->wanted_window = window;
    engine->wanted_regions = false;
    engine->window_changed = true;
}

void cluster_engine_set_regions(struct cluster_engine *engine, struct interp *interp)
{
    engine->interp = interp;
    engine->wanted_window = CLUSTER_MAX_INSNS;
    engine->wanted_regions = true;
    engine->window_changed = true;
}

void engine_change_window(struct cluster_engine *engine)
{
    flush(engine);
    if (engine->heat.used)
        heat_clear(&engine->heat);
    engine->window = engine->wanted_window;
    engine->regions = engine->wanted_regions;
    engine->window_changed = false;
}

struct entry *engine_find(struct cluster_engine *engine, const struct cluster_key *key)
{
    u32 i = (u32)hash64(key, sizeof *key) & (CACHE_SLOTS - 1);
    while (engine->entry[i].used && memcmp(&engine->entry[i].key, key, sizeof *key))
        i = (i + 1) & (CACHE_SLOTS - 1);
    return &engine->entry[i];
}

struct entry *engine_entry(struct cluster_engine *engine, const struct cluster_key *key)
{
    struct entry *entry = engine_find(engine, key);
    if (entry->used)
        return entry;
    if (engine->n_used >= CACHE_MAX_USED) {
        flush(engine);
        entry = engine_find(engine, key);
    }
    *entry = (struct entry){.key = *key, .used = true, .form_at = engine->form_at};
    engine->used[engine->n_used++] = (u32)(entry - engine->entry);
    return entry;
}

static void note_stop(void *opaque, const struct insn *insn)
{
    struct cluster_engine *engine = opaque;
    engine->stop_count[insn->zydis.mnemonic]++;
}

/* `window` counts the instruction that exited, which stands behind RIP where KVM had stepped over it. */
static u32 scan_length(const struct cluster_engine *engine, const struct cluster_key *key)
{
    return key->position == POSITION_AFTER ? engine->window - 1 : engine->window;
}

/* Formed and prepared by the back-end, or NULL. */
static struct cluster *form(struct cluster_engine *engine, const struct cluster_key *key, struct form_request *request)
{
    request->env = engine->env;
    request->heat = &engine->heat;
    request->on_stop = note_stop;
    request->on_stop_opaque = engine;
    struct cluster *cluster = NULL;
    if (cluster_form(request, key, &cluster) != FORM_OK)
        return NULL;
    if (engine->backend.translate && engine->backend.translate(engine->backend.opaque, cluster)) {
        cluster_free(cluster);
        return NULL;
    }
    return cluster;
}

void engine_try_form(struct cluster_engine *engine, struct entry *entry, struct form_request *request)
{
    engine->formations++;
    entry->cluster = form(engine, &entry->key, request);
    if (!entry->cluster) {
        entry->form_at = entry->exits * 2;
        return;
    }
    if (entry->old)
        cluster_inherit(entry->cluster, entry->old);
    cluster_free(entry->old);
    entry->old = NULL;
    engine->stats.formed++;
    engine->stats.formed_instructions += entry->cluster->n;
}

/* Has the instruction that exited at `where` been looked at by the scan, without joining? */
static bool was_left_out(const struct cluster *cluster, const struct cpu_where *where,
                         enum cluster_position position)
{
    const struct cluster_key *key = &cluster->key;
    linear_t linear = where->cs_base + where->eip;
    if (where->cs_base != key->where.cs_base || where->mode != key->where.mode || linear < cluster->code_first ||
        linear > cluster->scan_last + 1)
        return false;
    if (where->eip == key->where.eip && position == key->position)
        return false;
    for (u32 i = 0; i < cluster->n; i++)
        if (where->eip == (position == POSITION_AFTER ? cluster->insn[i].next_eip : cluster->insn[i].eip))
            return false;
    return true;
}

/* A cluster was left and the guest exited soon after, at an instruction that its scan had looked at: it turned out to
 * exit. The cluster is formed again, with it. */
static void widen_last(struct cluster_engine *engine, const struct cpu_where *where, enum cluster_position position)
{
    struct entry *last = engine->last_left;
    engine->last_left = NULL;
    if (!last || last->exits < last->widen_at || !was_left_out(last->cluster, where, position))
        return;
    if (++last->widenings >= QUICK_WIDENINGS)
        last->widen_at = last->exits * 2;
    last->form_at = last->exits;
    engine_drop_cluster(engine, last);
}

struct cluster *cluster_engine_exit(struct cluster_engine *engine, const struct cpu_where *where,
                                    enum cluster_position position)
{
    if (engine->window_changed)
        engine_change_window(engine);
    if (engine->window < 2)
        return NULL;
    heat_bump(&engine->heat, where->cs_base + where->eip, position == POSITION_AFTER);
    widen_last(engine, where, position);
    if (where->mode & (MODE_UNSUPPORTED | MODE_TRAP)) {
        engine->stats.miss[where->mode & MODE_TRAP ? MISS_trap_flag : MISS_mode]++;
        return NULL;
    }
    struct cluster_key key = {.where = *where, .position = position};
    struct entry *entry = engine_entry(engine, &key);
    entry->exits++;
    if (!entry->cluster && entry->exits >= entry->form_at) {
        struct form_request request = {.window = scan_length(engine, &key)};
        engine_try_form(engine, entry, &request);
    }
    if (!entry->cluster)
        engine->stats.miss[entry->exits < engine->form_at ? MISS_cold : MISS_alone]++;
    engine->given = entry;
    return entry->cluster;
}

/* Where the run begins, or CLUSTER_NO_INSN: it must not, and the reason is counted. */
static int find_start(struct cluster_engine *engine, const struct cluster *cluster, const struct cpu_state *cpu)
{
    u64 *miss = engine->stats.miss;
    if (cpu->sreg[CPU_CS].limit < cluster->eip_last) {
        miss[MISS_limit]++;
        return CLUSTER_NO_INSN;
    }
    int start = cluster_find(cluster, cpu->eip);
    if (start == CLUSTER_NO_INSN)
        miss[MISS_elsewhere]++;
    return start;
}

void cluster_engine_run(struct cluster_engine *engine, struct cluster *cluster, struct cpu_state *cpu)
{
    if (engine->window_changed)
        return;
    struct entry *entry = engine->given;
    BUG_ON(!entry || entry->cluster != cluster);
    if (!cluster_coherent(cluster, engine->env)) {
        engine->stats.miss[MISS_incoherent]++;
        engine_drop_cluster(engine, entry);
        entry->form_at = entry->exits;
        return;
    }
    int start = find_start(engine, cluster, cpu);
    if (start == CLUSTER_NO_INSN)
        return;
    engine->stats.runs++;
    cluster->runs++;
    enum cluster_leave leave =
        engine->backend.run(engine->backend.opaque, cluster, start, cpu, &engine->stats);
    engine->stats.leave[leave]++;
    cluster->leave[leave]++;
    engine->last_left = leave == LEAVE_end || leave == LEAVE_branch ? entry : NULL;
}

static void sort_stops(const struct cluster_engine *engine, struct cluster_stats *stats)
{
    memset(stats->stop, 0, sizeof stats->stop);
    for (u32 m = 0; m <= ZYDIS_MNEMONIC_MAX_VALUE; m++) {
        u64 count = engine->stop_count[m];
        u32 at = CLUSTER_STOP_KINDS;
        while (at > 0 && count > stats->stop[at - 1].count)
            at--;
        if (!count || at == CLUSTER_STOP_KINDS)
            continue;
        memmove(&stats->stop[at + 1], &stats->stop[at], (CLUSTER_STOP_KINDS - 1 - at) * sizeof stats->stop[0]);
        const char *name = ZydisMnemonicGetString((ZydisMnemonic)m);
        memset(&stats->stop[at], 0, sizeof stats->stop[at]);
        strncpy(stats->stop[at].mnemonic, name ? name : "?", sizeof stats->stop[at].mnemonic - 1);
        stats->stop[at].count = count;
    }
}

void cluster_engine_stats(const struct cluster_engine *engine, struct cluster_stats *stats)
{
    *stats = engine->stats;
    sort_stops(engine, stats);
}

u64 cluster_engine_formations(const struct cluster_engine *engine)
{
    return engine->formations;
}

u64 cluster_engine_instructions(const struct cluster_engine *engine)
{
    return engine->stats.instructions;
}

u64 cluster_engine_exits_avoided(const struct cluster_engine *engine)
{
    const struct cluster_backend *backend = &engine->backend;
    return engine->stats.exits_avoided + (backend->exits_avoided ? backend->exits_avoided(backend->opaque) : 0);
}

void cluster_engine_each(const struct cluster_engine *engine, bool (*each)(void *opaque, const struct cluster *cluster),
                         void *opaque)
{
    for (u32 i = 0; i < CACHE_SLOTS; i++) {
        const struct entry *entry = &engine->entry[i];
        const struct cluster *cluster = entry->cluster ? entry->cluster : entry->old;
        if (cluster && !each(opaque, cluster))
            return;
    }
}

u32 cluster_engine_heat(const struct cluster_engine *engine, const struct cluster *cluster,
                        const struct cluster_insn *insn)
{
    return heat_of(&engine->heat, cluster->key.where.cs_base + insn->eip, insn->steps.length);
}

void cluster_engine_miss(struct cluster_engine *engine, enum cluster_miss reason)
{
    engine->stats.miss[reason]++;
}
