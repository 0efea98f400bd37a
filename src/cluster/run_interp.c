/* The reference executor: runs a cluster instruction by instruction through the step interpreter, and checks after
 * each whether its effect ends the run (stop by effect, not by opcode). */
#include "cluster/engine.h"

/* Device accesses that KVM would have delivered as one exit each. INS arrives as one exit for a whole batch. */
static u64 exits_of(const struct interp *interp, const struct steps *steps)
{
    bool ins = steps->count && steps->step[0].kind == STEP_STRING && steps->step[0].op == STRING_INS;
    return ins && interp->device_accesses ? 1 : interp->device_accesses;
}

static bool wrote_own_code(const struct interp *interp, const struct cluster *cluster)
{
    return interp->stored && interp->store_first <= cluster->code_last && interp->store_last >= cluster->code_first;
}

/* Why the run must end after the instruction just executed, or LEAVE_REASONS if it goes on. */
static enum cluster_leave effect(const struct interp *interp, const struct cluster *cluster,
                                 const struct cpu_state *cpu, u32 generation)
{
    const struct cluster_env *env = interp->env;
    if (*env->requests)
        return LEAVE_request;
    if (cpu->halted)
        return LEAVE_halt;
    if (*env->intr && (cpu->eflags & FLAG_IF) && !cpu->interrupt_shadow)
        return LEAVE_interrupt;
    if (*env->generation != generation)
        return LEAVE_mapping;
    if (wrote_own_code(interp, cluster))
        return LEAVE_self_modified;
    if (*env->attention || (cpu->eflags & FLAG_TF))
        return LEAVE_attention;
    return LEAVE_REASONS;
}

/* The instruction that follows in the cluster, or CLUSTER_NO_INSN; *leave tells why then. */
static int follow(const struct cluster *cluster, const struct cluster_insn *insn, u32 eip, enum cluster_leave *leave)
{
    if (eip == insn->next_eip && insn->steps.flow == FLOW_NEXT) {
        *leave = LEAVE_end;
        return insn->next;
    }
    *leave = LEAVE_branch;
    if (eip == insn->next_eip && insn->steps.flow == FLOW_BRANCH)
        return insn->next;
    if (eip == insn->target_eip && insn->steps.flow != FLOW_INDIRECT)
        return insn->target;
    return cluster_find(cluster, eip);
}

static enum cluster_leave run(void *opaque, struct cluster *cluster, int start, struct cpu_state *cpu,
                              struct cluster_stats *stats)
{
    struct interp *interp = opaque;
    u32 generation = *interp->env->generation;
    int i = start;
    interp->allow_devices = true;
    for (;;) {
        const struct cluster_insn *insn = &cluster->insn[i];
        enum interp_result result = interp_exec(interp, cpu, &insn->steps);
        if (result == INTERP_FAULT)
            return LEAVE_fault;
        if (result != INTERP_DONE && result != INTERP_AGAIN)
            return LEAVE_unsupported;
        stats->instructions++;
        stats->exits_avoided += exits_of(interp, &insn->steps) + cpu->halted;
        enum cluster_leave leave = effect(interp, cluster, cpu, generation);
        if (leave != LEAVE_REASONS)
            return leave;
        if (result == INTERP_AGAIN)
            continue;
        i = follow(cluster, insn, cpu->eip, &leave);
        if (i == CLUSTER_NO_INSN)
            return leave;
    }
}

struct cluster_backend cluster_backend_interp(struct interp *interp)
{
    return (struct cluster_backend){.name = "interpreter", .run = run, .opaque = interp};
}
