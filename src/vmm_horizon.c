/* How far a region goes on without a device access before KVM gets the guest back.
 *
 * Staying for d more instructions costs d * translated, leaving costs exit + d * guest until the next exit. Both are measured:
 * an exit and a guest instruction at start-up (struct vcpu_costs), a translated instruction as regions are run. They are equal at
 *
 *     d = exit / (translated - guest), or never, where KVM is the slower one: then there is no horizon.
 *
 * That is the horizon for code of which nothing is known. A leave point is a place where a region was left for it. KVM's time
 * from there to the next exit tells how far away that was: nearer than the horizon, and it would have been better to go on, so
 * the next time the guest goes on from there for twice as many horizons (promotion); farther, and for half as many
 * (leave_point.c). Agesen et al. 2012 name this as future work. */
#include "vmm_internal.h"

#include <string.h>

enum {
    MEASURED_INSTRUCTIONS = 1 << 20, /* from here on what was measured counts */
    PS_PER_NS = 1000,
};

static u64 translated_ps(const struct vmm *vmm)
{
    u64 instructions = vmm->engine ? cluster_engine_instructions(vmm->engine) : 0;
    if (instructions < MEASURED_INSTRUCTIONS)
        return HORIZON_TRANSLATED_PS;
    return vmm_tsc_to_ns(vmm, vmm->tsc_cluster) * PS_PER_NS / instructions;
}

u64 vmm_horizon(const struct vmm *vmm)
{
    const struct vcpu_costs *costs = &vmm->vcpu.traits.costs;
    if (vmm->config->horizon != HORIZON_AUTO)
        return vmm->config->horizon;
    return horizon_of_costs((u64)costs->exit_ns * PS_PER_NS, costs->insn_ps, translated_ps(vmm));
}

static struct leave_point *point_at(struct vmm *vmm, linear_t at)
{
    struct leave_point *point = &vmm->leave_points[(at ^ at >> 8) % LEAVE_POINTS];
    if (point->at != at)
        *point = (struct leave_point){.at = at};
    return point;
}

bool vmm_leave_for_horizon(struct vmm *vmm, linear_t at)
{
    struct leave_point *point = point_at(vmm, at);
    if (!leave_point_leave(point))
        return false;
    vmm->left_at = point;
    vmm->left_tsc = tsc_now();
    return true;
}

void vmm_note_residency(struct vmm *vmm)
{
    struct leave_point *point = vmm->left_at;
    vmm->left_at = NULL;
    if (!point)
        return;
    const struct vcpu_costs *costs = &vmm->vcpu.traits.costs;
    u64 residency_ps = vmm_tsc_to_ns(vmm, tsc_now() - vmm->left_tsc) * PS_PER_NS;
    u64 exit_ps = (u64)costs->exit_ns * PS_PER_NS;
    u64 inside_ps = residency_ps > exit_ps ? residency_ps - exit_ps : 0;
    u64 instructions = inside_ps / MAX(costs->insn_ps, 1u);
    point->kvm_ns += residency_ps / PS_PER_NS;
    if (vmm->config->horizon == HORIZON_AUTO)
        leave_point_judge(point, instructions * translated_ps(vmm) < residency_ps);
}

/* Inserts into a list sorted by time. */
static void insert(struct run_leave_point *list, const struct leave_point *point)
{
    u32 at = RUN_TOP;
    while (at > 0 && point->kvm_ns > list[at - 1].kvm_ns)
        at--;
    if (at == RUN_TOP)
        return;
    memmove(&list[at + 1], &list[at], (RUN_TOP - 1 - at) * sizeof *list);
    list[at] = (struct run_leave_point){
        .linear = point->at, .leaves = point->leaves, .kvm_ns = point->kvm_ns, .horizons = BIT(point->shift)};
}

void vmm_horizon_stats(struct vmm *vmm)
{
    struct run_horizon *h = &vmm->stats->horizon;
    *h = (struct run_horizon){.instructions = vmm->regions ? vmm_horizon(vmm) : 0,
                              .exit_ns = vmm->vcpu.traits.costs.exit_ns,
                              .guest_ps = vmm->vcpu.traits.costs.insn_ps,
                              .translated_ps = (u32)translated_ps(vmm)};
    for (u32 i = 0; i < LEAVE_POINTS; i++)
        if (vmm->leave_points[i].leaves)
            insert(h->leave_point, &vmm->leave_points[i]);
}
