/* When exits were made and avoided (report/timeline.h), under the access clock. Nothing is done per access:
 * the exits avoided are looked at behind every chunk of the access stream, which is half a millisecond of
 * virtual time, and wherever time jumps. So a run that is repeated has the same timeline but for what the
 * host's timers kick out of KVM. */
#include "vmm_internal.h"

#include "report/timeline.h"

void vmm_timeline_sample(struct vmm *vmm)
{
    struct clock *clock = &vmm->machine.clock;
    if (!vmm->timeline)
        return;
    u64 avoided = cluster_engine_exits_avoided(vmm->engine), accesses = vmm->machine.accesses;
    timeline_access(vmm->timeline, clock_now(clock), accesses - vmm->timeline_accesses,
                    clock->access_step_ns);
    timeline_avoid(vmm->timeline, avoided - vmm->timeline_avoided);
    vmm->timeline_accesses = accesses;
    vmm->timeline_avoided = avoided;
}

void vmm_timeline_rebase(struct vmm *vmm)
{
    vmm->timeline_accesses = vmm->machine.accesses;
}

static void on_chunk(void *opaque)
{
    vmm_timeline_sample(opaque);
}

void vmm_timeline_start(struct vmm *vmm)
{
    struct machine *m = &vmm->machine;
    if (!vmm->config->timeline || m->clock.mode != CLOCK_MODE_ACCESS)
        return;
    vmm->timeline = &vmm->stats->timeline;
    timeline_start(vmm->timeline, clock_now(&m->clock));
    m->trace.on_chunk = on_chunk;
    m->trace.on_chunk_opaque = vmm;
}

void vmm_timeline_exit(struct vmm *vmm)
{
    timeline_at(vmm->timeline, clock_now(&vmm->machine.clock))->exits++;
}
