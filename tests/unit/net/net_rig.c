#include "net_rig.h"

#include "machine/state.h"
#include "net/ethernet_crc.h"

#include <stdlib.h>
#include <string.h>

const u8 our_mac[NET_MAC_BYTES] = {0x52, 0x54, 0x00, 0x12, 0x34, 0x56};
const u8 other_mac[NET_MAC_BYTES] = {0x02, 0x11, 0x22, 0x33, 0x44, 0x55};

static void keep(struct net *net, const u8 *frame, u32 bytes, u64 now_ns)
{
    struct net_rig *r = (struct net_rig *)((u8 *)net - offsetof(struct net_rig, net));
    (void)now_ns;
    memcpy(r->sent, frame, bytes);
    r->sent_bytes = bytes;
    r->n_sent++;
}

static const struct net_class keeping_class = {.send = keep, .repeatable = true};

struct net_rig *net_rig_new(void)
{
    struct net_rig *r = calloc(1, sizeof *r);
    assert_non_null(r);
    r->net.class = &keeping_class;
    net_config_init(&r->net.config);
    r->rig = rig_new();
    r->rig->config.net = &r->net;
    rig_add(r->rig, &ne2000_class);
    r->nic = r->rig->machine.ne2000;
    assert_non_null(r->nic);
    return r;
}

void net_rig_free(struct net_rig *r)
{
    rig_free(r->rig);
    free(r);
}

u8 reg_in(struct net_rig *r, u32 offset)
{
    return rig_in(r->rig, (u16)(IO + offset));
}

void reg_out(struct net_rig *r, u32 offset, u8 value)
{
    rig_out(r->rig, (u16)(IO + offset), value);
}

u8 page_in(struct net_rig *r, u8 page, u32 offset)
{
    reg_out(r, 0, CR_RD_ABORT | page);
    u8 value = reg_in(r, offset);
    reg_out(r, 0, CR_RD_ABORT);
    return value;
}

void page_out(struct net_rig *r, u8 page, u32 offset, u8 value)
{
    reg_out(r, 0, CR_RD_ABORT | page);
    reg_out(r, offset, value);
    reg_out(r, 0, CR_RD_ABORT);
}

void card_start(struct net_rig *r, u8 dcr)
{
    reg_out(r, 0, STOP);
    reg_out(r, P0_DCR, dcr);
    reg_out(r, P0_RBCR0, 0);
    reg_out(r, P0_RBCR1, 0);
    reg_out(r, P0_RCR, RCR_AB);
    reg_out(r, P0_TCR, TCR_LB_NIC);
    reg_out(r, P0_PSTART, PAGE_RING);
    reg_out(r, P0_PSTOP, PAGE_END);
    reg_out(r, P0_BNRY, PAGE_RING);
    reg_out(r, P0_TPSR, PAGE_SEND);
    for (u32 i = 0; i < NET_MAC_BYTES; i++)
        page_out(r, PAGE1, P1_PAR0 + i, our_mac[i]);
    page_out(r, PAGE1, P1_CURR, PAGE_RING + 1);
    reg_out(r, P0_ISR, 0xff);
    reg_out(r, P0_IMR, 0x3f);
    reg_out(r, 0, START);
    reg_out(r, P0_TCR, 0);
}

void remote(struct net_rig *r, u8 command, u16 address, u16 bytes)
{
    reg_out(r, P0_RSAR0, (u8)address);
    reg_out(r, P0_RSAR1, (u8)(address >> 8));
    reg_out(r, P0_RBCR0, (u8)bytes);
    reg_out(r, P0_RBCR1, (u8)(bytes >> 8));
    reg_out(r, 0, command);
}

static u8 unit(const struct net_rig *r)
{
    return r->nic->dcr & DCR_WTS ? 2 : 1;
}

void card_write(struct net_rig *r, u16 address, const u8 *data, u16 bytes)
{
    u8 size = unit(r);
    remote(r, WRITE, address, bytes);
    for (u32 i = 0; i < bytes; i += size)
        bus_out(&r->rig->machine.bus, DATA, size, data[i] | (i + 1 < bytes ? (u32)data[i + 1] << 8 : 0));
}

void card_read(struct net_rig *r, u16 address, u8 *data, u16 bytes)
{
    u8 size = unit(r);
    remote(r, READ, address, bytes);
    for (u32 i = 0; i < bytes; i += size) {
        u32 value = bus_in(&r->rig->machine.bus, DATA, size);
        data[i] = (u8)value;
        if (size == 2 && i + 1 < bytes)
            data[i + 1] = (u8)(value >> 8);
    }
}

void make_frame(u8 *frame, u32 bytes, const u8 *to, u8 seed)
{
    for (u32 i = 0; i < bytes; i++)
        frame[i] = (u8)(seed + i * 7 + (i >> 8));
    memcpy(frame, to, MIN(bytes, (u32)NET_MAC_BYTES));
}

void give(struct net_rig *r, const u8 *frame, u32 bytes, enum ne2000_damage damage)
{
    ne2000_receive(r->nic, frame, bytes, damage);
}

void transmit(struct net_rig *r, const u8 *frame, u16 bytes)
{
    card_write(r, PAGE_SEND << 8, frame, bytes);
    reg_out(r, P0_ISR, ISR_RDC);
    reg_out(r, P0_TPSR, PAGE_SEND);
    reg_out(r, P0_TBCR0, (u8)bytes);
    reg_out(r, P0_TBCR1, (u8)(bytes >> 8));
    reg_out(r, 0, SEND);
    rig_advance(r->rig, 100 * NS_PER_MS);
}

/* --- state --- */

static void section(struct net_rig *r, struct state *s)
{
    state_begin(s, "time");
    clock_state(&r->rig->machine.clock, s);
    state_end(s);
    state_begin(s, "card");
    ne2000_class.state(r->nic, s);
    state_end(s);
}

static void save(struct net_rig *r, struct state *s)
{
    state_init(s);
    section(r, s);
    assert_int_equal(state_finish(s), 0);
}

void swap_card(struct net_rig **rig)
{
    struct net_rig *old = *rig, *new = net_rig_new();
    struct state first, loading, second;
    save(old, &first);
    assert_int_equal(state_read_bytes(&loading, first.data, first.at), 0);
    section(new, &loading);
    if (!state_complete(&loading))
        fail_msg("refused: %s", loading.why);
    save(new, &second);
    assert_int_equal(first.at, second.at);
    assert_memory_equal(first.data, second.data, first.at);
    memcpy(new->sent, old->sent, sizeof new->sent);
    new->sent_bytes = old->sent_bytes;
    new->n_sent = old->n_sent;
    new->net.counts = old->net.counts;
    state_fini(&first);
    state_fini(&loading);
    state_fini(&second);
    net_rig_free(old);
    *rig = new;
}
