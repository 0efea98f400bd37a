/* The cache of clusters by XXH3 of place, mode and position, and the life of its entries:
 *
 *   cold --3rd exit--> formed --coherency check fails, code around it became hot--> cold
 *                  \-> alone (nothing to cluster): tried again when its count has doubled, never banned
 */
#include "cluster/engine.h"

#include "base/hash.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
    CACHE_SLOTS = 16384, /* a power of two */
    CACHE_MAX_USED = CACHE_SLOTS / 4 * 3,
    FORM_AT_EXIT = 3,    /* "translate on 3rd exit" */
    MAX_WIDENINGS = 8,   /* formations of one entry because code behind its end became hot */
};

struct entry {
    struct cluster_key key;
    bool used;
    u8 widenings;
    u32 exits;
    u32 form_at; /* exits at which formation is tried */
    struct cluster *cluster;
};

struct cluster_engine {
    const struct cluster_env *env;
    struct cluster_backend backend;
    u32 window;
    struct cluster_stats stats;
    struct heat heat;
    u32 stop_count[ZYDIS_MNEMONIC_MAX_VALUE + 1];
    struct entry *last_end; /* the entry whose cluster was left at its end last, until the next exit */
    u32 n_used;
    struct entry entry[CACHE_SLOTS];
};

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
    return 0;
}

static void entry_drop_cluster(struct cluster_engine *engine, struct entry *entry)
{
    if (entry->cluster && engine->backend.discard)
        engine->backend.discard(engine->backend.opaque, entry->cluster);
    cluster_free(entry->cluster);
    entry->cluster = NULL;
}

static void flush(struct cluster_engine *engine)
{
    for (u32 i = 0; i < CACHE_SLOTS; i++)
        entry_drop_cluster(engine, &engine->entry[i]);
    memset(engine->entry, 0, sizeof engine->entry);
    engine->n_used = 0;
    engine->last_end = NULL;
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
    flush(engine);
    heat_clear(&engine->heat);
    engine->window = window;
}

static struct entry *find_entry(struct cluster_engine *engine, const struct cluster_key *key)
{
    if (engine->n_used >= CACHE_MAX_USED)
        flush(engine);
    u32 i = (u32)hash64(key, sizeof *key) & (CACHE_SLOTS - 1);
    while (engine->entry[i].used && memcmp(&engine->entry[i].key, key, sizeof *key))
        i = (i + 1) & (CACHE_SLOTS - 1);
    struct entry *entry = &engine->entry[i];
    if (!entry->used) {
        *entry = (struct entry){.key = *key, .used = true, .form_at = FORM_AT_EXIT};
        engine->n_used++;
    }
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

static void try_form(struct cluster_engine *engine, struct entry *entry)
{
    struct form_request request = {
        .env = engine->env,
        .heat = &engine->heat,
        .window = scan_length(engine, &entry->key),
        .on_stop = note_stop,
        .on_stop_opaque = engine,
    };
    struct cluster *cluster = NULL;
    if (cluster_form(&request, &entry->key, &cluster) != FORM_OK) {
        entry->form_at = entry->exits < UINT32_MAX / 2 ? entry->exits * 2 : entry->exits;
        return;
    }
    if (engine->backend.translate && engine->backend.translate(engine->backend.opaque, cluster)) {
        cluster_free(cluster);
        return;
    }
    entry->cluster = cluster;
    engine->stats.formed++;
    engine->stats.formed_instructions += cluster->n;
}

/* A cluster was left at its end and the guest exited soon after, within what its scan had looked at: an instruction
 * there turned out to exit. The cluster is formed again, with it. */
static void widen_last(struct cluster_engine *engine, linear_t exit_linear)
{
    struct entry *last = engine->last_end;
    engine->last_end = NULL;
    if (!last || !last->cluster || last->widenings >= MAX_WIDENINGS)
        return;
    const struct cluster *c = last->cluster;
    if (exit_linear < c->code_first || exit_linear > c->scan_last + 1)
        return;
    last->widenings++;
    last->form_at = last->exits;
    entry_drop_cluster(engine, last);
}

struct cluster *cluster_engine_exit(struct cluster_engine *engine, const struct cpu_where *where,
                                    enum cluster_position position)
{
    if (engine->window < 2)
        return NULL;
    linear_t linear = where->cs_base + where->eip;
    heat_bump(&engine->heat, linear, position == POSITION_AFTER);
    widen_last(engine, linear);
    if (where->mode & (MODE_UNSUPPORTED | MODE_TRAP)) {
        engine->stats.miss[where->mode & MODE_TRAP ? MISS_trap_flag : MISS_mode]++;
        return NULL;
    }
    struct cluster_key key = {.where = *where, .position = position};
    struct entry *entry = find_entry(engine, &key);
    entry->exits += entry->exits != UINT32_MAX;
    if (!entry->cluster && entry->exits >= entry->form_at)
        try_form(engine, entry);
    if (!entry->cluster)
        engine->stats.miss[entry->exits < FORM_AT_EXIT ? MISS_cold : MISS_alone]++;
    return entry->cluster;
}

void cluster_engine_run(struct cluster_engine *engine, struct cluster *cluster, struct cpu_state *cpu)
{
    struct entry *entry = find_entry(engine, &cluster->key);
    if (!cluster_coherent(cluster, engine->env)) {
        engine->stats.miss[MISS_incoherent]++;
        entry_drop_cluster(engine, entry);
        entry->form_at = entry->exits;
        return;
    }
    int start = cluster_find(cluster, cpu->eip);
    if (start == CLUSTER_NO_INSN)
        return; /* the exit's own instruction branched out or faulted */
    engine->stats.runs++;
    cluster->runs++;
    enum cluster_leave leave =
        engine->backend.run(engine->backend.opaque, cluster, start, cpu, &engine->stats);
    engine->stats.leave[leave]++;
    engine->last_end = leave == LEAVE_end ? entry : NULL;
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

void cluster_engine_miss(struct cluster_engine *engine, enum cluster_miss reason)
{
    engine->stats.miss[reason]++;
}
