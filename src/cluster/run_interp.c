/* The reference executor: runs a cluster instruction by instruction through the step interpreter, and checks after
 * each whether its effect ends the run (stop by effect, not by opcode). */
#include "cluster/engine.h"

static bool is_ins(const struct steps *steps)
{
    return steps->count && steps->step[0].kind == STEP_STRING && steps->step[0].op == STRING_INS;
}

/* INS arrives in batches: KVM reads ahead up to 1024 bytes, and as many elements as there are bytes to the end of
 * the page of [E]DI. */
static u64 ins_batches(u32 di, const struct cpu_state *cpu, const struct step *step, u32 elements)
{
    static const u32 batch_bytes = 1024, page_bytes = 4096;
    bool down = cpu->eflags & FLAG_DF;
    u64 batches = 0;
    while (elements) {
        u32 offset = di % page_bytes;
        u32 n = MIN(down ? offset : page_bytes - offset, batch_bytes / step->size);
        n = MIN(MAX(n, 1u), elements);
        elements -= n;
        di += down ? -(n * step->size) : n * step->size;
        batches++;
    }
    return batches;
}

/* Exits that the instruction just executed would have made. `di` is EDI before it. */
static u64 exits_of(const struct interp *interp, const struct cpu_state *cpu, const struct steps *steps, u32 di)
{
    if (is_ins(steps))
        return ins_batches(di, cpu, &steps->step[0], interp->device_accesses);
    return interp->device_accesses + cpu->halted;
}

bool interp_stored_to(const struct interp *interp, const struct cluster *cluster)
{
    for (u32 i = 0; i < interp->n_stores; i++)
        if (cluster_holds(cluster, interp->store[i].first, interp->store[i].last))
            return true;
    return false;
}

static bool is_beyond_horizon(const struct cluster_stats *stats)
{
    return stats->horizon && stats->idle >= stats->horizon;
}

/* The instruction that follows in the cluster, or CLUSTER_NO_INSN; *leave tells why then. */
static int follow(const struct cluster *cluster, const struct cluster_insn *insn, u32 eip, enum cluster_leave *leave)
{
    if (eip == insn->next_eip && insn->steps.flow == FLOW_NEXT) {
        *leave = cluster->key.position == POSITION_REGION ? LEAVE_branch : LEAVE_end; /* one way out is as good as any */
        return insn->next;
    }
    *leave = LEAVE_branch;
    if (insn->steps.flow == FLOW_FAR)
        return CLUSTER_NO_INSN; /* another code segment, even if the offset is one of ours */
    if (insn->steps.flow == FLOW_INDIRECT && cluster->key.position == POSITION_REGION)
        return CLUSTER_NO_INSN; /* the region that begins there is looked up */
    if (eip == insn->next_eip && insn->steps.flow == FLOW_BRANCH)
        return insn->next;
    if (eip == insn->target_eip && insn->steps.flow != FLOW_INDIRECT)
        return insn->target;
    return cluster_find(cluster, eip);
}

/* KVM executes an instruction that faults, from its start. One that has read a device by then (DIV by it, a selector
 * from it) would read it twice: its exception is raised here. */
static void raise_after_access(struct interp *interp, struct cpu_state *cpu)
{
    u32 eflags = cpu->eflags;
    cpu->eflags |= FLAG_RF; /* a fault pushes it set */
    if (interp_deliver(interp, cpu, interp->fault_vector, interp->fault_has_error, interp->fault_error) != INTERP_DONE)
        cpu->eflags = eflags;
}

/* Executes an instruction and counts; *exits that it would have made; *again: a string instruction stopped between two
 * elements. Why the run must end, or LEAVE_REASONS. */
static enum cluster_leave execute(struct interp *interp, const struct steps *steps, struct cpu_state *cpu, u32 generation,
                                  struct cluster_stats *stats, u64 *exits, bool *again)
{
    u32 di = cpu->reg[CPU_EDI];
    enum interp_result result = interp_exec(interp, cpu, steps);
    *exits = 0;
    *again = result == INTERP_AGAIN;
    if (result != INTERP_DONE && result != INTERP_AGAIN && result != INTERP_FAULT)
        return LEAVE_unsupported;
    *exits = exits_of(interp, cpu, steps, di);
    stats->exits_avoided += *exits;
    if (result == INTERP_FAULT) {
        if (interp->device_accesses)
            raise_after_access(interp, cpu);
        return LEAVE_fault;
    }
    stats->instructions++;
    stats->idle = *exits ? 0 : stats->idle + 1;
    return cluster_effect(interp->env, cpu, generation);
}

enum cluster_leave cluster_interp_step(struct interp *interp, struct cpu_state *cpu, u32 generation,
                                       struct cluster_stats *stats, const struct steps **steps, u64 *exits)
{
    bool again;
    *exits = 0;
    switch (interp_fetch(interp, cpu, steps)) {
    case INTERP_DONE:
        return execute(interp, *steps, cpu, generation, stats, exits, &again);
    case INTERP_FAULT:
        return LEAVE_fault;
    default:
        return LEAVE_unsupported;
    }
}

enum cluster_leave cluster_interp_insn(struct interp *interp, struct cluster *cluster, int *i, struct cpu_state *cpu,
                                       u32 generation, struct cluster_stats *stats)
{
    struct cluster_insn *insn = &cluster->insn[*i];
    u64 exits;
    bool again;
    enum cluster_leave leave = execute(interp, &insn->steps, cpu, generation, stats, &exits, &again);
    insn->exits_avoided += exits;
    if ((leave == LEAVE_REASONS || leave == LEAVE_attention) && interp_stored_to(interp, cluster))
        leave = LEAVE_self_modified;
    if (leave != LEAVE_REASONS || again)
        return leave;
    int next = follow(cluster, insn, cpu->eip, &leave);
    if (next == CLUSTER_NO_INSN)
        return leave;
    if (next == insn->target && cluster_edge_is_back(insn) && is_beyond_horizon(stats))
        return LEAVE_horizon;
    *i = next;
    return LEAVE_REASONS;
}

static enum cluster_leave run(void *opaque, struct cluster *cluster, int start, struct cpu_state *cpu,
                              struct cluster_stats *stats)
{
    struct interp *interp = opaque;
    u32 generation = *interp->env->generation;
    enum cluster_leave leave;
    int i = start;
    interp->allow_devices = true;
    do
        leave = cluster_interp_insn(interp, cluster, &i, cpu, generation, stats);
    while (leave == LEAVE_REASONS);
    return leave;
}

struct cluster_backend cluster_backend_interp(struct interp *interp)
{
    return (struct cluster_backend){.name = "interp", .run = run, .opaque = interp};
}
