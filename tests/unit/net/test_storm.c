/* Random register accesses, string transfers, frames and times: whatever the guest or the network do, the
 * card stays within its memory and a state of it can be saved and loaded. Best run with sanitizers. */
#include "net_rig.h"
#include "net_tests.h"

#include <stdlib.h>
#include <string.h>

enum { STORMS = 60, STEPS = 3000 };

static u32 below(u64 *seed, u32 n)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return (u32)(*seed >> 16) % n;
}

static void random_frame(struct net_rig *r, u64 *seed)
{
    static const u8 first[] = {0x52, 0xff, 0x01, 0x02};
    u8 frame[NET_FRAME_MAX + 1], to[NET_MAC_BYTES];
    memcpy(to, our_mac, sizeof to);
    if (below(seed, 3) == 0)
        memset(to, first[below(seed, 4)], sizeof to);
    u32 bytes = below(seed, 4) ? 60 + below(seed, 1456) : below(seed, 70);
    make_frame(frame, bytes, to, (u8)below(seed, 256));
    if (below(seed, 2))
        net_deliver(&r->net, frame, bytes,
                    below(seed, 2) ? rig_now(r->rig) + below(seed, 2000) * NS_PER_US : 0);
    else
        give(r, frame, bytes, (enum ne2000_damage)below(seed, 3));
    ne2000_look(r->nic);
}

static void random_run(struct net_rig *r, u64 *seed)
{
    const struct bus_port *row = &r->nic->row[4];
    u8 data[2048] = {0}, size = (u8)(1 << below(seed, 3));
    u32 count = below(seed, 2) ? below(seed, 512) : below(seed, 4), n;
    n = below(seed, 2) ? row->in_run(r->nic, DATA, size, count, data)
                       : row->out_run(r->nic, DATA, size, count, data);
    assert_true(n <= count);
    for (u32 i = below(seed, 300); i; i--)
        if (below(seed, 2))
            bus_out(&r->rig->machine.bus, (u16)(DATA + below(seed, 5)), size, below(seed, 65536));
        else
            bus_in(&r->rig->machine.bus, (u16)(DATA + below(seed, 5)), size);
}

static void step(struct net_rig **rig, u64 *seed)
{
    struct net_rig *r = *rig;
    switch (below(seed, 16)) {
    case 0:
        random_frame(r, seed);
        break;
    case 1:
        random_run(r, seed);
        break;
    case 2:
        rig_advance(r->rig, below(seed, 3000) * NS_PER_US);
        break;
    case 3:
        if (below(seed, 12) == 0)
            card_start(r, (u8)(0x40 | below(seed, 32)));
        break;
    case 4:
        if (below(seed, 60) == 0)
            swap_card(rig);
        break;
    case 5:
        if (below(seed, 40) == 0)
            rig_in(r->rig, RESET);
        break;
    case 6:
        remote(r, below(seed, 2) ? READ : WRITE, (u16)below(seed, 65536),
               (u16)(below(seed, 4) ? below(seed, 65536) : below(seed, 9)));
        break;
    case 7:
    case 8:
    case 9:
        rig_in(r->rig, (u16)(IO + below(seed, 16)));
        break;
    default:
        rig_out(r->rig, (u16)(IO + below(seed, 16)), (u8)below(seed, 256));
        break;
    }
}

static void test_storms(void **state)
{
    (void)state;
    const char *more = getenv("HUDDLE_STORMS");
    u32 storms = more ? (u32)atoi(more) : STORMS;
    u64 received = 0, sent = 0;
    for (u64 storm = 1; storm <= storms; storm++) {
        u64 seed = storm * 0x9e3779b97f4a7c15ull;
        struct net_rig *r = net_rig_new();
        for (u32 i = 0; i < STEPS; i++)
            step(&r, &seed);
        received += r->net.counts.received;
        sent += r->n_sent;
        net_rig_free(r);
    }
    assert_true(received && sent); /* it was a storm */
}

int storm_tests(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_storms)};
    return cmocka_run_group_tests_name("storms", tests, NULL, NULL);
}
