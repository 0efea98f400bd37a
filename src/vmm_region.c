/* Level on: when the guest goes on in regions, and when KVM has it. */
#include "vmm_explain.h"

enum {
    /* Instructions without a device access after which it is looked whether the guest only waits. */
    QUIET_INSTRUCTIONS = 1 << 18,
    MAX_LOOK_PERIOD = 64, /* such stretches between two looks */
    /* The same under the host's clock, where a guest that waits keeps a processor busy until it is found out: */
    FIRST_STRETCH = 1 << 12, /* after it has been seen to wait */
    MAX_STRETCH = 1 << 17,   /* twice as many with each time it did not */
};

void vmm_set_horizon(struct vmm *vmm)
{
    u64 horizon = vmm->horizon = vmm_horizon(vmm);
    vmm->look_period = 1;
    vmm->stretch = vmm->machine.clock.mode == CLOCK_MODE_HOST ? FIRST_STRETCH : QUIET_INSTRUCTIONS;
    cluster_engine_set_horizon(vmm->engine, MIN(horizon, (u64)vmm->stretch));
}

/* KVM would not be better at what is without device accesses. */
static bool has_no_horizon(const struct vmm *vmm)
{
    return vmm->horizon > QUIET_INSTRUCTIONS;
}

/* Access clock: the guest has made no access for a while. If it does nothing but wait for an interrupt, time is what it
 * needs. A look costs as much as the guest's own work in between: the more were in vain, the rarer they become. */
static int look_at_quiet(struct vmm *vmm)
{
    if (vmm->machine.accesses != vmm->accesses_at_look) {
        vmm->accesses_at_look = vmm->machine.accesses;
        vmm->look_period = 1;
        vmm->stretches = 0;
    }
    if (++vmm->stretches < vmm->look_period)
        return 0;
    u64 spins = vmm->stats->spins;
    int rc = vmm_check_spin(vmm, LOOK_MAX_PERIOD);
    vmm->stretches = 0;
    vmm->look_period = vmm->stats->spins != spins ? 1 : MIN(vmm->look_period * 2, (u32)MAX_LOOK_PERIOD);
    return rc;
}

/* Host clock: the same. If it waits, it is asleep now until an event. */
static int sleep_if_waiting(struct vmm *vmm)
{
    linear_t at = cpu_rip_linear(&vmm->cpu);
    u64 spins = vmm->stats->spins;
    int rc = 0;
    bool waits = false;
    if (look_begin(&vmm->look, at)) {
        rc = vmm_check_spin(vmm, look_period(&vmm->look, at));
        waits = vmm->stats->spins != spins;
        look_end(&vmm->look, at, waits);
    }
    vmm->stretch = waits ? FIRST_STRETCH : MIN(2 * vmm->stretch, (u32)MAX_STRETCH);
    cluster_engine_set_horizon(vmm->engine, MIN(vmm->horizon, (u64)vmm->stretch));
    vmm->goes_on = waits || has_no_horizon(vmm) || !vmm_leave_for_horizon(vmm, at);
    return rc;
}

static void look_at_polling(struct vmm *vmm)
{
    struct vmm_span span = vmm_span_begin(vmm);
    vmm_check_poll(vmm);
    vmm_span_end(vmm, EXPLAIN_waiting, &span);
}

int vmm_go_on(struct vmm *vmm)
{
    u64 start = tsc_now();
    enum cluster_leave leave = cluster_engine_go_on(vmm->engine, &vmm->cpu);
    u64 end = tsc_now();
    vmm->tsc_cluster += end - start;
    vmm->tsc_regions += end - start;
    if (vmm_explains(vmm))
        vmm_explain_span(vmm, EXPLAIN_cluster, end - start);
    switch (leave) {
    case LEAVE_interrupt:
    case LEAVE_halt:
    case LEAVE_request:
        return 0;
    case LEAVE_attention:
        if (vmm->poll)
            look_at_polling(vmm);
        return 0;
    case LEAVE_horizon:
        if (vmm->machine.clock.mode == CLOCK_MODE_HOST)
            return sleep_if_waiting(vmm);
        if (has_no_horizon(vmm))
            return look_at_quiet(vmm);
        if (!vmm_leave_for_horizon(vmm, cpu_rip_linear(&vmm->cpu)))
            return 0;
        break;
    default:
        break;
    }
    vmm->goes_on = false;
    return 0;
}

int vmm_enter_regions(struct vmm *vmm, const struct cpu_where *where, enum cluster_position position)
{
    if (!cluster_engine_exit_region(vmm->engine, where, position))
        return 0;
    int rc = vmm_sync(vmm);
    if (rc)
        return rc;
    vmm->goes_on = vmm->cpu_current;
    if (!vmm->goes_on)
        cluster_engine_miss(vmm->engine, MISS_elsewhere);
    return 0;
}
