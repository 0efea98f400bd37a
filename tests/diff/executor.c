/* Forming, keeping and running clusters. */
#include "executor.h"

#include "base/bug.h"

#include <errno.h>
#include <string.h>

/* The host executor as it is, and under stress; and with pages that hold code read-only for it, as huddle runs it. */
static const struct jit_config configs[HOST_CONFIGS] = {
    {0},
    {.slow_memory = true},
    {.slow_threshold = 1},
    {.flush_each_run = true},
    {.code_bytes = 64 * KIB},
    [HOST_GUARDED_STRESS] = {.slow_threshold = 1},
    [HOST_GUARDED] = {0},
    [HOST_REGIONS] = {.chain = true},
};

static void guard_page(void *mem, u32 page)
{
    memory_guard(mem, page);
}

static void use_guards(struct executor *x, bool on)
{
    x->env.code_map = on ? &x->map : NULL;
    x->env.guarded = on ? x->mem.guarded : NULL;
}

static int open_host(struct executor *x)
{
    int rc = 0;
    for (u32 i = 0; i < HOST_CONFIGS && !rc; i++)
        rc = jit_create(&x->jit[i], &x->interp, &configs[i]);
    return rc;
}

int executor_open(struct executor *x, const u8 *rom, bool host, bool push_sreg_whole)
{
    int rc = memory_init(&x->mem, RAM_BYTES);
    if (!rc)
        rc = memory_load_bios(&x->mem, rom, ROM_BYTES);
    if (rc)
        return rc;
    x->dev.mem = &x->mem;
    x->env = (struct cluster_env){.view = x->mem.view,
                                  .page_kind = x->mem.page_kind,
                                  .push_sreg_whole = push_sreg_whole,
                                  .generation = &x->mem.generation};
    device_env(&x->dev, &x->env);
    rc = interp_init(&x->interp, &x->env);
    if (!rc)
        rc = code_map_init(&x->map);
    if (rc)
        return rc;
    x->map.guard = guard_page;
    x->map.opaque = &x->mem;
    x->interp.like_kvm = true;
    x->backend = cluster_backend_interp(&x->interp);
    return host ? open_host(x) : 0;
}

static void drop(struct executor *x, u32 i)
{
    if (!x->kept[i])
        return;
    if (x->backend.discard)
        x->backend.discard(x->backend.opaque, x->kept[i]);
    cluster_free(x->kept[i]);
    x->kept[i] = NULL;
}

static void forget(struct executor *x)
{
    for (u32 i = 0; i < EXECUTOR_KEPT; i++)
        drop(x, i);
    x->next_kept = 0;
}

/* Handlers of SIGSEGV come off in the order opposite to that in which they were put on. */
void executor_close(struct executor *x)
{
    forget(x);
    for (u32 i = HOST_CONFIGS; i-- > 0;)
        jit_destroy(x->jit[i]);
    interp_fini(&x->interp);
    code_map_fini(&x->map);
    memory_fini(&x->mem);
}

void executor_begin(struct executor *x, u32 config)
{
    BUG_ON(config >= HOST_CONFIGS);
    forget(x);
    x->regions = config == HOST_REGIONS;
    if (!x->jit[config])
        return;
    x->backend = cluster_backend_host(x->jit[config]);
    use_guards(x, config == HOST_GUARDED || config == HOST_GUARDED_STRESS);
}

static void ignore_stop(void *opaque, const struct insn *insn)
{
    (void)opaque;
    (void)insn;
}

static struct cluster *find_kept(struct executor *x, const struct cluster_key *key)
{
    for (u32 i = 0; i < EXECUTOR_KEPT; i++) {
        if (!x->kept[i] || memcmp(&x->kept[i]->key, key, sizeof *key))
            continue;
        if (cluster_coherent(x->kept[i], &x->env))
            return x->kept[i];
        drop(x, i);
    }
    return NULL;
}

static void keep(struct executor *x, struct cluster *cluster)
{
    drop(x, x->next_kept);
    x->kept[x->next_kept] = cluster;
    x->next_kept = (x->next_kept + 1) % EXECUTOR_KEPT;
}

static bool everywhere(void *opaque, u32 eip)
{
    (void)opaque;
    (void)eip;
    return true;
}

struct cluster *executor_cluster(struct executor *x, const struct heat *heat, u32 window)
{
    const struct cpu_state *cpu = &x->cpu;
    struct form_request request = {.env = &x->env, .heat = heat, .window = window, .on_stop = ignore_stop};
    struct cluster_key key = {
        .where = {.eip = cpu->eip,
                  .cs_base = cpu->sreg[CPU_CS].base,
                  .mode = cpu_mode_bits(cpu->cr0, cpu->eflags, cpu->sreg[CPU_CS].db, cpu->sreg[CPU_SS].db,
                                        cpu->sreg[CPU_SS].dpl)},
        .position = x->regions ? POSITION_REGION : POSITION_AFTER,
    };
    if (x->regions)
        request.has_been = everywhere;
    if (!window || (key.where.mode & (MODE_UNSUPPORTED | MODE_TRAP)))
        return NULL;
    struct cluster *cluster = find_kept(x, &key);
    if (!cluster) {
        if (cluster_form(&request, &key, &cluster) != FORM_OK)
            return NULL;
        keep(x, cluster);
    }
    return cpu->sreg[CPU_CS].limit >= cluster->eip_last ? cluster : NULL;
}

enum cluster_leave executor_run(struct executor *x, struct cluster *cluster)
{
    if (x->backend.translate && x->backend.translate(x->backend.opaque, cluster))
        return LEAVE_REASONS;
    return x->backend.run(x->backend.opaque, cluster, cluster_find(cluster, x->cpu.eip), &x->cpu, &x->stats);
}

enum cluster_leave executor_run_limited(struct executor *x, struct cluster *cluster)
{
    u32 generation = *x->env.generation;
    int i = cluster_find(cluster, x->cpu.eip);
    enum cluster_leave leave = LEAVE_REASONS;
    x->interp.allow_devices = true;
    for (u32 n = 0; n < CLUSTER_LIMIT && leave == LEAVE_REASONS; n++)
        leave = cluster_interp_insn(&x->interp, cluster, &i, &x->cpu, generation, &x->stats);
    return leave;
}

bool executor_decode(const struct executor *x, struct insn *insn)
{
    const struct cpu_state *cpu = &x->cpu;
    u8 bytes[INSN_MAX_BYTES];
    u32 n = 0;
    u64 room = (u64)cpu->sreg[CPU_CS].limit + 1 - MIN((u64)cpu->eip, (u64)cpu->sreg[CPU_CS].limit + 1);
    for (linear_t at = cpu_rip_linear(cpu); n < MIN(room, sizeof bytes); at++, n++) {
        enum page_kind kind = memory_kind(&x->mem, at);
        if (kind != PAGE_RAM && kind != PAGE_ROM)
            break;
        bytes[n] = x->mem.view[at];
    }
    return insn_decode(insn, bytes, n, cpu->eip, cpu->sreg[CPU_CS].db);
}

enum interp_result executor_step(struct executor *x)
{
    x->interp.allow_devices = true;
    enum interp_result result = interp_step(&x->interp, &x->cpu);
    x->dev.attention = 0;
    return result;
}

enum interp_result executor_raise(struct executor *x)
{
    const struct interp *in = &x->interp;
    x->cpu.eflags |= FLAG_RF; /* in the image that a fault pushes */
    return interp_deliver(&x->interp, &x->cpu, in->fault_vector, in->fault_has_error, in->fault_error);
}
