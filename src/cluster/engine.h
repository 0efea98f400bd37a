/* The cluster engine: counts exits, decides when a cluster is formed, keeps clusters in a cache and runs them through
 * a back-end. It sees the machine only through struct cluster_env. */
#ifndef HUDDLE_CLUSTER_ENGINE_H
#define HUDDLE_CLUSTER_ENGINE_H

#include "cluster/cluster.h"
#include "cluster/interp.h"
#include "cluster/stats.h"

/* An executor of clusters. `translate` may be NULL (nothing to prepare); `discard` frees what it made. */
struct cluster_backend {
    const char *name;
    int (*translate)(void *opaque, struct cluster *cluster);
    /* Runs from instruction `start` until it leaves; cpu is the state at entry and at leave. Adds to
     * instructions and exits_avoided of `stats`. */
    enum cluster_leave (*run)(void *opaque, struct cluster *cluster, int start, struct cpu_state *cpu,
                              struct cluster_stats *stats);
    void (*discard)(void *opaque, struct cluster *cluster);
    /* For listings: host code of instruction `i`, *bytes long, or of the whole cluster for CLUSTER_NO_INSN. NULL
     * (also as the function) if there is none. Valid until the next run. */
    const u8 *(*code)(void *opaque, const struct cluster *cluster, int i, u32 *bytes);
    /* Exits avoided by the run that is going on and not yet in `stats`. NULL: none. */
    u64 (*exits_avoided)(void *opaque);
    const char *code_legend; /* what its registers hold, one line; NULL: nothing to say */
    void *opaque;
};

/* The reference executor: the step interpreter. `interp` must live as long as the back-end. */
struct cluster_backend cluster_backend_interp(struct interp *interp);

/* What an executor must do for one instruction, in the reference way: executes instruction *i of the cluster, counts,
 * looks at its effects. LEAVE_REASONS: the run goes on with instruction *i; else it must be left for that reason.
 * `generation` is *env->generation as the run was entered. */
enum cluster_leave cluster_interp_insn(struct interp *interp, struct cluster *cluster, int *i, struct cpu_state *cpu,
                                       u32 generation, struct cluster_stats *stats);

/* The same for the instruction at CS:EIP, which is in no cluster: *steps is what it was (NULL: it could not be fetched),
 * *exits what it would have made in KVM. */
enum cluster_leave cluster_interp_step(struct interp *interp, struct cpu_state *cpu, u32 generation,
                                       struct cluster_stats *stats, const struct steps **steps, u64 *exits);

/* Why a run must end although the instruction just executed went well, or LEAVE_REASONS: requests, interrupts, changed
 * memory, the run loop. Own code is not looked at. */
static inline enum cluster_leave cluster_effect(const struct cluster_env *env, const struct cpu_state *cpu, u32 generation)
{
    if (*env->requests)
        return LEAVE_request;
    if (cpu->halted)
        return LEAVE_halt;
    if (*env->intr && (cpu->eflags & FLAG_IF) && !cpu->interrupt_shadow)
        return LEAVE_interrupt;
    if (*env->generation != generation)
        return LEAVE_mapping;
    if (*env->attention || (cpu->eflags & FLAG_TF))
        return LEAVE_attention;
    return LEAVE_REASONS;
}

struct cluster_engine;

must_check int cluster_engine_create(struct cluster_engine **engine, const struct cluster_env *env,
                                     const struct cluster_backend *backend);
void cluster_engine_destroy(struct cluster_engine *engine);

/* Instructions scanned downstream, the exiting one included; 0 switches clusters off, 2 is exit pairs. Forgets all
 * clusters and counts. May be called from a device access inside a running cluster: it takes effect at the next exit,
 * and the caller sets *env->attention if the cluster shall be left before its time. */
void cluster_engine_set_window(struct cluster_engine *engine, u32 window);

/* Level on: regions instead of windows, see cluster_engine_go_on. In the same way. `interp` executes what is not yet worth
 * translating; it must live as long. */
void cluster_engine_set_regions(struct cluster_engine *engine, struct interp *interp);

/* Exits at one place at which a cluster is formed there, from 1 (default 3). Holds for places not seen before. */
void cluster_engine_set_form_at(struct cluster_engine *engine, u32 exits);

/* Counts an exit at `where`. Returns the cluster to run after it, or NULL (the reason is counted). The cluster stays
 * valid until the next call of this function. */
struct cluster *cluster_engine_exit(struct cluster_engine *engine, const struct cpu_where *where,
                                    enum cluster_position position);

/* Runs `cluster`, the one cluster_engine_exit returned last, with the state after the exit's instruction was finished.
 * The coherency check comes first: it may refuse, and then nothing was executed (the reason is counted). */
void cluster_engine_run(struct cluster_engine *engine, struct cluster *cluster, struct cpu_state *cpu);

/* --- level on; region.c --- */

/* Instructions without a device access after which a region is left: from 1. */
void cluster_engine_set_horizon(struct cluster_engine *engine, u64 horizon);

/* KVM has run the guest, if only to finish an instruction: code may be another than it was. To be told whenever it has. */
void cluster_engine_kvm_ran(struct cluster_engine *engine);

/* Counts an exit at `where`, KVM having run the guest. True: cluster_engine_go_on shall follow. */
bool cluster_engine_exit_region(struct cluster_engine *engine, const struct cpu_where *where,
                                enum cluster_position position);

/* Executes the guest from the state in cpu: regions where it has been often, instruction by instruction where not, until
 * there is a reason to stop. LEAVE_fault and LEAVE_unsupported: KVM must execute the next instruction. Never
 * LEAVE_end, LEAVE_branch or LEAVE_self_modified.
 * Code is trusted until a store of an interpreter or of host code hits it (env->code_map), *env->generation changes, or
 * cluster_engine_kvm_ran is called: who changes the guest's memory in any other way must count *env->generation. */
enum cluster_leave cluster_engine_go_on(struct cluster_engine *engine, struct cpu_state *cpu);

/* The counts so far, the stop reasons sorted. */
void cluster_engine_stats(const struct cluster_engine *engine, struct cluster_stats *stats);
/* Guest instructions executed so far. */
u64 cluster_engine_instructions(const struct cluster_engine *engine);
/* Exits avoided so far; also from a device access inside a running cluster. */
u64 cluster_engine_exits_avoided(const struct cluster_engine *engine);
/* How often it was tried to form a cluster. */
u64 cluster_engine_formations(const struct cluster_engine *engine);
/* Calls `each` for every cluster in the cache, in no order, until it returns false. One that is about to be formed
 * again is given as it was. */
void cluster_engine_each(const struct cluster_engine *engine, bool (*each)(void *opaque, const struct cluster *cluster),
                         void *opaque);
/* Exits counted for an instruction of a cluster in KVM: what made it join. */
u32 cluster_engine_heat(const struct cluster_engine *engine, const struct cluster *cluster,
                        const struct cluster_insn *insn);
/* Counts a reason found by the caller. */
void cluster_engine_miss(struct cluster_engine *engine, enum cluster_miss reason);

#endif
