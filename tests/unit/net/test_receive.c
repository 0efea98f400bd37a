/* The receiver: filters, the ring, what is lost and how that shows. Data sheet, sections 7 and 10. */
#include "net_rig.h"
#include "net_tests.h"

#include "net/ethernet_crc.h"

#include <string.h>

static const u8 broadcast[NET_MAC_BYTES] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
static const u8 group[NET_MAC_BYTES] = {0x01, 0x00, 0x5e, 0x00, 0x00, 0x01};

static u64 dropped(const struct net_rig *r, enum net_drop why)
{
    return r->net.counts.dropped[why];
}

/* What is in the ring at `page`: the header, then the frame with its checksum. */
static void assert_in_ring(struct net_rig *r, u8 page, u8 status, u8 next, const u8 *frame, u16 bytes)
{
    u8 back[1600];
    u32 crc = ethernet_crc(frame, bytes);
    card_read(r, (u16)(page << 8), back, (u16)(4 + bytes + 4));
    assert_int_equal(back[0], status);
    assert_int_equal(back[1], next);
    assert_int_equal(back[2] | back[3] << 8, bytes + 4);
    assert_memory_equal(back + 4, frame, bytes);
    for (u32 i = 0; i < 4; i++)
        assert_int_equal(back[4 + bytes + i], (u8)(crc >> 8 * i));
}

static void test_every_length(void **state)
{
    (void)state;
    struct net_rig *r = net_rig_new();
    u8 frame[NET_FRAME_MAX];
    card_start(r, 0x49);
    u8 page = PAGE_RING + 1;
    for (u32 bytes = NET_FRAME_MIN; bytes <= NET_FRAME_MAX; bytes++) {
        make_frame(frame, bytes, our_mac, (u8)bytes);
        give(r, frame, bytes, DAMAGE_NONE);
        u32 next = page + (4 + bytes + 4 + 255) / 256;
        if (next >= PAGE_END)
            next -= PAGE_END - PAGE_RING;
        assert_int_equal(reg_in(r, P0_ISR) & (ISR_PRX | ISR_RXE | ISR_OVW), ISR_PRX);
        assert_int_equal(reg_in(r, P0_RSR), RSR_PRX);
        assert_int_equal(page_in(r, PAGE1, P1_CURR), next);
        assert_in_ring(r, page, RSR_PRX, (u8)next, frame, (u16)bytes);
        reg_out(r, P0_ISR, 0xff);
        page = (u8)next;
        reg_out(r, P0_BNRY, page == PAGE_RING ? PAGE_END - 1 : page - 1);
    }
    assert_int_equal(r->net.counts.received, NET_FRAME_MAX - NET_FRAME_MIN + 1);
    net_rig_free(r);
}

static void test_lengths_that_are_none(void **state)
{
    (void)state;
    struct net_rig *r = net_rig_new();
    u8 frame[NET_FRAME_MAX + 1];
    make_frame(frame, sizeof frame, our_mac, 1);
    card_start(r, 0x49);
    give(r, frame, NET_FRAME_MIN - 1, DAMAGE_NONE);
    assert_int_equal(dropped(r, NET_DROP_runt), 1);
    give(r, frame, sizeof frame, DAMAGE_NONE);
    assert_int_equal(dropped(r, NET_DROP_received_malformed), 1);
    assert_int_equal(reg_in(r, P0_ISR), 0);
    reg_out(r, P0_RCR, RCR_AB | RCR_AR);
    give(r, frame, 59, DAMAGE_NONE);
    assert_in_ring(r, PAGE_RING + 1, RSR_PRX, PAGE_RING + 2, frame, 59);
    give(r, frame, 6, DAMAGE_NONE);
    assert_in_ring(r, PAGE_RING + 2, RSR_PRX, PAGE_RING + 3, frame, 6);
    give(r, frame, 3, DAMAGE_NONE); /* seven bytes with the checksum */
    assert_int_equal(dropped(r, NET_DROP_runt), 2);
    net_rig_free(r);
}

/* Is a frame for `to` taken, and how is it marked? */
static void assert_filter(struct net_rig *r, u8 rcr, const u8 *to, bool taken, u8 status)
{
    u8 frame[64];
    u64 before = r->net.counts.received;
    make_frame(frame, sizeof frame, to, 9);
    reg_out(r, P0_RCR, rcr);
    give(r, frame, sizeof frame, DAMAGE_NONE);
    assert_int_equal(r->net.counts.received - before, taken);
    if (taken)
        assert_int_equal(reg_in(r, P0_RSR), status);
    reg_out(r, P0_BNRY, (u8)(page_in(r, PAGE1, P1_CURR) - 1)); /* the ring never gets full here */
}

static void test_filters(void **state)
{
    (void)state;
    struct net_rig *r = net_rig_new();
    u32 hash = ethernet_hash(group);
    card_start(r, 0x49);
    assert_filter(r, 0, our_mac, true, RSR_PRX);
    assert_filter(r, 0, other_mac, false, 0);
    assert_filter(r, 0, broadcast, false, 0);
    assert_filter(r, 0, group, false, 0);
    assert_filter(r, RCR_AB, broadcast, true, RSR_PRX | RSR_PHY);
    assert_filter(r, RCR_AB, group, false, 0);
    assert_filter(r, RCR_PRO, other_mac, true, RSR_PRX);
    assert_filter(r, RCR_PRO, broadcast, false, 0);
    assert_filter(r, RCR_PRO, group, false, 0);
    assert_filter(r, RCR_AM, group, false, 0); /* its bit is clear */
    page_out(r, PAGE1, P1_MAR0 + hash / 8, (u8)(1 << hash % 8));
    swap_card(&r);
    assert_filter(r, RCR_AM, group, true, RSR_PRX | RSR_PHY);
    assert_filter(r, RCR_AM, other_mac, false, 0);
    assert_filter(r, RCR_AM, broadcast, false, 0);
    assert_filter(r, 0, group, false, 0);
    assert_true(dropped(r, NET_DROP_other_station) == 10);
    net_rig_free(r);
}

/* Known bits of the filter: what drivers compute for these groups. */
static void test_hash(void **state)
{
    (void)state;
    static const u8 all_hosts[] = {0x01, 0x00, 0x5e, 0x00, 0x00, 0x01},
                    all_routers[] = {0x01, 0x00, 0x5e, 0x00, 0x00, 0x02};
    assert_int_equal(ethernet_crc((const u8 *)"123456789", 9), 0xcbf43926);
    for (u32 k = 0; k < 2; k++) {
        const u8 *address = k ? all_routers : all_hosts;
        u32 crc = 0xffffffff; /* the other way round: bit by bit, the register's top first */
        for (u32 i = 0; i < 48; i++) {
            u32 carry = crc >> 31 ^ (address[i / 8] >> i % 8 & 1);
            crc = crc << 1 ^ (carry ? 0x04c11db7 : 0);
        }
        assert_int_equal(ethernet_hash(address), crc >> 26);
    }
}

static void test_receiver_off(void **state)
{
    (void)state;
    struct net_rig *r = net_rig_new();
    u8 frame[64];
    make_frame(frame, sizeof frame, our_mac, 1);
    give(r, frame, sizeof frame, DAMAGE_NONE); /* never started */
    card_start(r, 0x49);
    reg_out(r, 0, STOP);
    give(r, frame, sizeof frame, DAMAGE_NONE);
    reg_out(r, 0, START);
    for (u8 mode = TCR_LB_NIC; mode <= TCR_LB_COAX; mode += TCR_LB_NIC) {
        reg_out(r, P0_TCR, mode);
        give(r, frame, sizeof frame, DAMAGE_NONE);
    }
    assert_int_equal(dropped(r, NET_DROP_receiver_off), 5);
    assert_int_equal(reg_in(r, P0_CNTR2), 0);
    reg_out(r, P0_TCR, 0);
    give(r, frame, sizeof frame, DAMAGE_NONE);
    assert_int_equal(r->net.counts.received, 1);
    net_rig_free(r);
}

static void test_monitor_only_counts(void **state)
{
    (void)state;
    struct net_rig *r = net_rig_new();
    u8 frame[64];
    make_frame(frame, sizeof frame, our_mac, 1);
    card_start(r, 0x49);
    reg_out(r, P0_RCR, RCR_MON);
    give(r, frame, sizeof frame, DAMAGE_NONE);
    assert_int_equal(reg_in(r, P0_RSR), RSR_MPA | RSR_DIS);
    assert_int_equal(reg_in(r, P0_ISR), ISR_RXE);
    make_frame(frame, sizeof frame, other_mac, 1);
    give(r, frame, sizeof frame, DAMAGE_NONE);
    assert_int_equal(reg_in(r, P0_CNTR2), 1);
    assert_int_equal(page_in(r, PAGE1, P1_CURR), PAGE_RING + 1);
    reg_out(r, P0_RCR, 0);
    assert_int_equal(reg_in(r, P0_RSR), RSR_MPA);
    net_rig_free(r);
}

static void test_damaged(void **state)
{
    (void)state;
    struct net_rig *r = net_rig_new();
    u8 frame[64], header[4];
    make_frame(frame, sizeof frame, our_mac, 1);
    card_start(r, 0x49);
    give(r, frame, sizeof frame, DAMAGE_CRC);
    assert_int_equal(reg_in(r, P0_RSR), RSR_CRC);
    assert_int_equal(reg_in(r, P0_ISR), ISR_RXE);
    assert_int_equal(page_in(r, PAGE1, P1_CURR), PAGE_RING + 1);
    assert_int_equal(dropped(r, NET_DROP_damaged), 1);
    make_frame(frame, sizeof frame, other_mac, 1);
    give(r, frame, sizeof frame, DAMAGE_CRC); /* for another station: not this one's business */
    make_frame(frame, sizeof frame, our_mac, 1);
    reg_out(r, P0_RCR, RCR_SEP);
    reg_out(r, P0_ISR, 0xff);
    give(r, frame, sizeof frame, DAMAGE_ALIGNMENT);
    assert_int_equal(reg_in(r, P0_ISR), ISR_RXE);
    card_read(r, (PAGE_RING + 1) << 8, header, 4);
    assert_int_equal(header[0], RSR_CRC | RSR_FAE);
    assert_int_equal(header[1], PAGE_RING + 2);
    assert_int_equal(reg_in(r, P0_CNTR1), 1);
    assert_int_equal(reg_in(r, P0_CNTR0), 1);
    net_rig_free(r);
}

/* BNRY = CURR is full when receiving made it so, and empty when the driver did. */
static void test_ring_gets_full(void **state)
{
    (void)state;
    struct net_rig *r = net_rig_new();
    u8 frame[200];
    make_frame(frame, sizeof frame, our_mac, 1);
    card_start(r, 0x49);
    for (u32 i = 0; i < PAGE_END - PAGE_RING - 1u; i++) {
        assert_int_equal(reg_in(r, P0_ISR) & ISR_OVW, 0);
        give(r, frame, sizeof frame, DAMAGE_NONE);
    }
    assert_int_equal(page_in(r, PAGE1, P1_CURR), PAGE_RING);
    reg_out(r, P0_ISR, 0xff);
    swap_card(&r);
    give(r, frame, sizeof frame, DAMAGE_NONE);
    assert_int_equal(reg_in(r, P0_ISR), ISR_OVW | ISR_RXE | ISR_RST);
    assert_int_equal(reg_in(r, P0_RSR), RSR_MPA);
    assert_int_equal(reg_in(r, P0_CNTR2), 1);
    assert_int_equal(page_in(r, PAGE1, P1_CURR), PAGE_RING);
    assert_int_equal(dropped(r, NET_DROP_ring_full), 1);
    assert_in_ring(r, PAGE_RING + 1, RSR_PRX, PAGE_RING + 2, frame,
                   sizeof frame); /* nothing was overwritten */
    reg_out(r, P0_BNRY, PAGE_RING + 1);
    assert_int_equal(reg_in(r, P0_ISR) & ISR_RST, 0);
    give(r, frame, sizeof frame, DAMAGE_NONE);
    assert_int_equal(page_in(r, PAGE1, P1_CURR), PAGE_RING + 1);
    net_rig_free(r);
}

/* A long frame that does not fit leaves no trace in the ring. */
static void test_overflow_in_a_frame(void **state)
{
    (void)state;
    struct net_rig *r = net_rig_new();
    u8 frame[NET_FRAME_MAX], before[NE2000_RAM_BYTES];
    make_frame(frame, sizeof frame, our_mac, 1);
    card_start(r, 0x49);
    reg_out(r, P0_BNRY, PAGE_RING + 6); /* five pages, six are needed */
    memcpy(before, r->nic->ram, sizeof before);
    give(r, frame, sizeof frame, DAMAGE_NONE);
    assert_int_equal(reg_in(r, P0_ISR), ISR_OVW | ISR_RXE | ISR_RST);
    assert_memory_equal(before, r->nic->ram, sizeof before);
    reg_out(r, P0_BNRY, PAGE_RING + 7);
    give(r, frame, sizeof frame, DAMAGE_NONE);
    assert_int_equal(page_in(r, PAGE1, P1_CURR), PAGE_RING + 7);
    net_rig_free(r);
}

static void test_empty_ring_with_equal_pointers(void **state)
{
    (void)state;
    struct net_rig *r = net_rig_new();
    u8 frame[NET_FRAME_MAX];
    make_frame(frame, sizeof frame, our_mac, 1);
    card_start(r, 0x49);
    page_out(r, PAGE1, P1_CURR, PAGE_RING);
    give(r, frame, sizeof frame, DAMAGE_NONE);
    assert_in_ring(r, PAGE_RING, RSR_PRX, PAGE_RING + 6, frame, sizeof frame);
    net_rig_free(r);
}

/* Pointers that no driver means must do no harm; a ring without a page takes nothing that is longer. */
static void test_senseless_rings(void **state)
{
    (void)state;
    struct net_rig *r = net_rig_new();
    u8 frame[NET_FRAME_MAX];
    make_frame(frame, sizeof frame, our_mac, 1);
    card_start(r, 0x49);
    static const u8 rings[][4] = {
        {0x46, 0x46, 0x46, 0x46}, {0x80, 0x46, 0x50, 0x60}, {0, 0, 0, 0},         {0xff, 0, 0xff, 0xff},
        {0x46, 0x48, 0x46, 0x47}, {0x46, 0x80, 0x10, 0x7f}, {0x7f, 0xff, 1, 0x80}};
    for (u32 i = 0; i < ARRAY_LEN(rings); i++) {
        reg_out(r, P0_PSTART, rings[i][0]);
        reg_out(r, P0_PSTOP, rings[i][1]);
        reg_out(r, P0_BNRY, rings[i][2]);
        page_out(r, PAGE1, P1_CURR, rings[i][3]);
        for (u32 k = 0; k < 5; k++)
            give(r, frame, sizeof frame, DAMAGE_NONE);
    }
    net_rig_free(r);
}

/* The other byte order: local DMA turns words round, but not the length. */
static void test_byte_order(void **state)
{
    (void)state;
    struct net_rig *r = net_rig_new();
    u8 frame[301], back[4 + sizeof frame + 5];
    make_frame(frame, sizeof frame, our_mac, 1);
    card_start(r, 0x49 | DCR_BOS);
    give(r, frame, sizeof frame, DAMAGE_NONE);
    card_read(r, (PAGE_RING + 1) << 8, back, sizeof back - 1);
    assert_int_equal(back[1], RSR_PRX);
    assert_int_equal(back[0], PAGE_RING + 3);
    assert_int_equal(back[2] | back[3] << 8, sizeof frame + 4);
    for (u32 i = 0; i < sizeof frame - 1; i++)
        assert_int_equal(back[4 + (i ^ 1)], frame[i]);
    net_rig_free(r);
}

/* Frames come one behind the other at the speed of the wire; the interrupt comes with the end of each. */
static void test_frames_take_their_time(void **state)
{
    (void)state;
    struct net_rig *r = net_rig_new();
    u8 frame[1000];
    make_frame(frame, sizeof frame, our_mac, 1);
    card_start(r, 0x49);
    net_deliver(&r->net, frame, 1000, 50 * NS_PER_US);
    net_deliver(&r->net, frame, 20, 0); /* padded */
    ne2000_look(r->nic);
    u64 first_ns = 50 * NS_PER_US + (8 + 1004) * 800, second_ns = first_ns + 9600 + (8 + 64) * 800;
    rig_advance_to(r->rig, 500 * NS_PER_US);
    swap_card(&r); /* in the middle of the first */
    rig_advance_to(r->rig, first_ns - 1);
    assert_int_equal(r->net.counts.received, 0);
    rig_advance_to(r->rig, first_ns);
    assert_int_equal(r->net.counts.received, 1);
    assert_int_equal(r->rig->rose_ns[IRQ], first_ns);
    reg_out(r, P0_ISR, 0xff);
    swap_card(&r); /* and before the second */
    rig_advance_to(r->rig, second_ns - 1);
    assert_false(r->rig->line[IRQ]);
    rig_advance_to(r->rig, second_ns);
    assert_true(r->rig->line[IRQ]);
    u8 header[4];
    card_read(r, (PAGE_RING + 5) << 8, header, 4);
    assert_int_equal(header[2], 64);
    net_rig_free(r);
}

int receive_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_length),
        cmocka_unit_test(test_lengths_that_are_none),
        cmocka_unit_test(test_filters),
        cmocka_unit_test(test_hash),
        cmocka_unit_test(test_receiver_off),
        cmocka_unit_test(test_monitor_only_counts),
        cmocka_unit_test(test_damaged),
        cmocka_unit_test(test_ring_gets_full),
        cmocka_unit_test(test_overflow_in_a_frame),
        cmocka_unit_test(test_empty_ring_with_equal_pointers),
        cmocka_unit_test(test_senseless_rings),
        cmocka_unit_test(test_byte_order),
        cmocka_unit_test(test_frames_take_their_time),
    };
    return cmocka_run_group_tests_name("receiving", tests, NULL, NULL);
}
