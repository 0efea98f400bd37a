/* The network in the run loop: frames that came while the guest ran, and what the report says of them.
 * Without a network these do nothing. */
#include "vmm_internal.h"

#include "dev/ne2000.h"

#include <string.h>

static void kick(void *opaque)
{
    vmm_kick(opaque);
}

static void sample(void *opaque, struct net_sample *sample)
{
    const struct vmm *vmm = opaque;
    sample->exits = 0;
    for (int i = 0; i < EXIT_KIND_COUNT; i++)
        sample->exits += vmm->stats->exits[i];
    sample->accesses = vmm->machine.accesses;
    sample->host_ns = host_monotonic_ns();
}

int vmm_net_start(struct vmm *vmm)
{
    struct net *net = vmm->config->machine.net;
    return net ? net_start(net, &(struct net_loop){.opaque = vmm, .kick = kick, .sample = sample}) : 0;
}

void vmm_net_stop(struct vmm *vmm)
{
    if (vmm->config->machine.net)
        net_stop(vmm->config->machine.net);
}

void vmm_net_poll(struct vmm *vmm)
{
    if (vmm->machine.ne2000)
        ne2000_look(vmm->machine.ne2000);
}

void vmm_net_stats(struct vmm *vmm)
{
    const struct net *net = vmm->config->machine.net;
    struct run_net *s = &vmm->stats->net;
    if (!net)
        return;
    const struct net_counts *c = &net->counts;
    snprintf(s->name, sizeof s->name, "%s", net_kind_name(net->config.kind));
    s->sent = c->sent;
    s->sent_bytes = c->sent_bytes;
    s->received = c->received;
    s->received_bytes = c->received_bytes;
    memcpy(s->dropped, c->dropped, sizeof s->dropped);
    s->dropped_all = 0;
    for (u32 i = 0; i < NET_DROP_KINDS; i++)
        s->dropped_all += c->dropped[i];
    s->trips = c->last.received - c->first.received;
    s->trip_exits = c->last.exits - c->first.exits;
    s->trip_accesses = c->last.accesses - c->first.accesses;
    s->trip_ns = c->last.host_ns - c->first.host_ns;
}
