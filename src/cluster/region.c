/* Level on: regions chained to each other, so that the guest goes on here as long as it is worth while.
 *
 *   go_on:  look up where the guest is --there is a region, its code as it was--> run it --> look up ...
 *                    \-- not yet often enough --> interpret to the end of the basic block --> look up ...
 *
 * Every basic block that is interpreted gets an entry in the cache that counts visits. A region grows from a block that was
 * visited often over those that were visited at all.
 *
 * Coherency: a region's code is compared once in every epoch of the code map. A new epoch begins when KVM has run the guest, a
 * store has hit code, or a device has changed memory or its mapping; not when the run loop had the guest in between, which
 * happens at every timer. */
#include "cluster/code_map.h"
#include "cluster/engine_impl.h"

enum {
    /* Translating an instruction costs as much as interpreting it some 20 times: a block is interpreted 8 times for each exit
     * that would have been waited for, less one. */
    VISITS_PER_EXIT = 8,
    MAX_BLOCK = 256,      /* instructions interpreted before the run loop is looked at */
};

void cluster_engine_set_horizon(struct cluster_engine *engine, u64 horizon)
{
    engine->stats.horizon = horizon;
}

/* Memory may have changed without a store that was seen here. */
static void begin_epoch(struct cluster_engine *engine)
{
    engine->kvm_ran = false;
    engine->generation_seen = *engine->env->generation;
    if (engine->env->code_map)
        engine->env->code_map->epoch++;
}

void cluster_engine_kvm_ran(struct cluster_engine *engine)
{
    engine->kvm_ran = true;
}

bool cluster_engine_exit_region(struct cluster_engine *engine, const struct cpu_where *where,
                                enum cluster_position position)
{
    if (engine->window_changed)
        engine_change_window(engine);
    cluster_engine_kvm_ran(engine);
    heat_bump(&engine->heat, where->cs_base + where->eip, position == POSITION_AFTER);
    if (where->mode & (MODE_UNSUPPORTED | MODE_TRAP)) {
        engine->stats.miss[where->mode & MODE_TRAP ? MISS_trap_flag : MISS_mode]++;
        return false;
    }
    struct cluster_key key = {.where = *where, .position = position};
    struct entry *entry = engine_entry(engine, &key);
    if (++entry->exits >= engine->form_at)
        return true;
    engine->stats.miss[MISS_cold]++;
    return false;
}

static struct cluster_key key_of(const struct cpu_state *cpu)
{
    const struct cpu_segment *cs = &cpu->sreg[CPU_CS], *ss = &cpu->sreg[CPU_SS];
    return (struct cluster_key){
        .where = {.eip = cpu->eip,
                  .cs_base = cs->base,
                  .mode = cpu_mode_bits(cpu->cr0, cpu->eflags, cs->db, ss->db, ss->dpl & 3)},
        .position = POSITION_REGION,
    };
}

/* --- forming --- */

struct block_search {
    struct cluster_engine *engine;
    struct cluster_key key;
};

static bool has_been(void *opaque, u32 eip)
{
    struct block_search *search = opaque;
    search->key.where.eip = eip;
    return engine_find(search->engine, &search->key)->used;
}

static void form(struct cluster_engine *engine, struct entry *entry)
{
    struct block_search search = {.engine = engine, .key = entry->key};
    struct form_request request = {
        .window = CLUSTER_MAX_INSNS, .has_been = has_been, .has_been_opaque = &search};
    engine_try_form(engine, entry, &request);
    entry->verified = 0;
}

/* --- executing --- */

/* Is the entry's region what the guest has there now? If not, it is given up and will be formed anew. */
static bool verify(struct cluster_engine *engine, struct entry *entry)
{
    const struct code_map *map = engine->env->code_map;
    if (map && entry->verified == map->epoch)
        return true;
    if (cluster_coherent(entry->cluster, engine->env)) {
        entry->verified = map ? map->epoch : 0;
        return true;
    }
    engine->stats.miss[MISS_incoherent]++;
    engine_drop_cluster(engine, entry);
    entry->form_at = entry->exits + VISITS_PER_EXIT;
    return false;
}

/* To the end of the basic block, in the interpreter. */
static enum cluster_leave interpret_block(struct cluster_engine *engine, struct cpu_state *cpu)
{
    struct interp *interp = engine->interp;
    interp->allow_devices = true;
    for (u32 i = 0; i < MAX_BLOCK; i++) {
        u32 generation = *engine->env->generation;
        linear_t linear = cpu_rip_linear(cpu);
        const struct steps *steps;
        u64 exits;
        enum cluster_leave leave = cluster_interp_step(interp, cpu, generation, &engine->stats, &steps, &exits);
        if (exits)
            heat_bump(&engine->heat, linear, false);
        if (leave == LEAVE_unsupported && !steps && interp->unknown)
            engine->stop_count[interp->unknown]++;
        if (leave != LEAVE_REASONS)
            return leave;
        if (steps->flow != FLOW_NEXT || interp->poked)
            return LEAVE_branch;
    }
    return LEAVE_branch;
}

static enum cluster_leave run_region(struct cluster_engine *engine, struct entry *entry, struct cpu_state *cpu)
{
    struct cluster *cluster = entry->cluster;
    engine->stats.runs++;
    cluster->runs++;
    enum cluster_leave leave = engine->backend.run(engine->backend.opaque, cluster, 0, cpu, &engine->stats);
    cluster->leave[leave]++;
    return leave;
}

static bool is_runnable(struct cluster_engine *engine, struct entry *entry, const struct cpu_state *cpu)
{
    return entry->cluster && verify(engine, entry) && cpu->sreg[CPU_CS].limit >= entry->cluster->eip_last;
}

/* One region, or one basic block. */
static enum cluster_leave advance(struct cluster_engine *engine, struct cpu_state *cpu)
{
    struct cluster_key key = key_of(cpu);
    if (key.where.mode & (MODE_UNSUPPORTED | MODE_TRAP))
        return LEAVE_mode;
    struct entry *entry = engine_entry(engine, &key);
    if (!entry->exits)
        entry->form_at = (u64)(engine->form_at - 1) * VISITS_PER_EXIT;
    if (++entry->exits >= entry->form_at && !entry->cluster)
        form(engine, entry);
    return is_runnable(engine, entry, cpu) ? run_region(engine, entry, cpu) : interpret_block(engine, cpu);
}

static bool goes_on(enum cluster_leave leave)
{
    return leave == LEAVE_end || leave == LEAVE_branch || leave == LEAVE_self_modified || leave == LEAVE_mapping;
}

enum cluster_leave cluster_engine_go_on(struct cluster_engine *engine, struct cpu_state *cpu)
{
    const struct cluster_env *env = engine->env;
    struct cluster_stats *stats = &engine->stats;
    enum cluster_leave leave;
    if (engine->window_changed && engine->wanted_regions)
        engine_change_window(engine); /* nothing runs now, and there may never be an exit */
    do {
        if (engine->kvm_ran || *env->generation != engine->generation_seen)
            begin_epoch(engine);
        if (env->pulse)
            ++*env->pulse;
        if (engine->window_changed || *env->attention)
            leave = LEAVE_attention;
        else if (stats->horizon && stats->idle >= stats->horizon)
            leave = LEAVE_horizon;
        else
            leave = advance(engine, cpu);
    } while (goes_on(leave));
    if (leave == LEAVE_horizon)
        stats->idle = 0;
    stats->leave[leave]++;
    return leave;
}
