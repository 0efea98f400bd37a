/* The transmitter and loopback: data sheet, sections 8, 10 and 12. */
#include "net_rig.h"
#include "net_tests.h"

#include "net/ethernet_crc.h"

#include <string.h>

static void test_every_length(void **state)
{
    (void)state;
    struct net_rig *r = net_rig_new();
    u8 frame[NET_FRAME_MAX];
    card_start(r, 0x49);
    for (u16 bytes = NET_FRAME_MIN; bytes <= NET_FRAME_MAX; bytes++) {
        make_frame(frame, bytes, other_mac, (u8)bytes);
        transmit(r, frame, bytes);
        assert_int_equal(r->n_sent, bytes - NET_FRAME_MIN + 1);
        assert_int_equal(r->sent_bytes, bytes);
        assert_memory_equal(r->sent, frame, bytes);
        assert_int_equal(reg_in(r, P0_ISR), ISR_PTX);
        assert_int_equal(reg_in(r, P0_TSR), TSR_PTX | TSR_ND);
        assert_int_equal(reg_in(r, P0_NCR), 0);
        assert_int_equal(reg_in(r, 0), START);
        reg_out(r, P0_ISR, 0xff);
    }
    net_rig_free(r);
}

static void test_lengths_that_are_none(void **state)
{
    (void)state;
    static const u16 lengths[] = {0, 1, 59, 1515, 1518, 1519, 9000, 0xffff};
    struct net_rig *r = net_rig_new();
    u8 frame[64] = {0};
    card_start(r, 0x49);
    for (u32 i = 0; i < ARRAY_LEN(lengths); i++) {
        card_write(r, PAGE_SEND << 8, frame, sizeof frame);
        reg_out(r, P0_ISR, 0xff);
        reg_out(r, P0_TBCR0, (u8)lengths[i]);
        reg_out(r, P0_TBCR1, (u8)(lengths[i] >> 8));
        reg_out(r, 0, SEND);
        rig_advance(r->rig, 100 * NS_PER_MS);
        assert_int_equal(reg_in(r, P0_ISR), ISR_PTX); /* the controller sends what it is told to */
        assert_int_equal(r->net.counts.dropped[NET_DROP_sent_malformed], i + 1);
    }
    assert_int_equal(r->n_sent, 0);
    net_rig_free(r);
}

static void start_long_frame(struct net_rig *r)
{
    reg_out(r, P0_TBCR0, 1000 & 0xff);
    reg_out(r, P0_TBCR1, 1000 >> 8);
    reg_out(r, 0, SEND);
}

static void test_takes_its_time(void **state)
{
    (void)state;
    struct net_rig *r = net_rig_new();
    card_start(r, 0x49);
    u64 end_ns = rig_now(r->rig) + (8 + 1004) * 800;
    start_long_frame(r);
    assert_int_equal(reg_in(r, 0) & CR_TXP, CR_TXP);
    assert_int_equal(reg_in(r, P0_TSR), 0);
    start_long_frame(r); /* one is under way: nothing */
    rig_advance(r->rig, 300 * NS_PER_US);
    swap_card(&r);
    rig_advance_to(r->rig, end_ns - 1);
    assert_int_equal(r->n_sent, 0);
    rig_advance_to(r->rig, end_ns);
    assert_int_equal(r->n_sent, 1);
    assert_int_equal(r->rig->rose_ns[IRQ], end_ns);
    start_long_frame(r); /* the gap between frames is not over: deferred */
    rig_advance_to(r->rig, end_ns + 9600 + (8 + 1004) * 800 - 1);
    assert_int_equal(r->n_sent, 1);
    rig_advance(r->rig, 1);
    assert_int_equal(r->n_sent, 2);
    assert_int_equal(reg_in(r, P0_TSR), TSR_PTX);
    net_rig_free(r);
}

/* Half duplex: neither begins while the other is on the wire. */
static void test_one_at_a_time(void **state)
{
    (void)state;
    struct net_rig *r = net_rig_new();
    u8 frame[NET_FRAME_MIN];
    make_frame(frame, sizeof frame, our_mac, 1);
    card_start(r, 0x49);
    start_long_frame(r);
    u64 sent_ns = rig_now(r->rig) + (8 + 1004) * 800, got_ns = sent_ns + 9600 + (8 + 64) * 800;
    net_deliver(&r->net, frame, sizeof frame, 1);
    ne2000_look(r->nic);
    rig_advance_to(r->rig, got_ns - 1);
    assert_int_equal(r->n_sent, 1);
    assert_int_equal(r->net.counts.received, 0);
    start_long_frame(r);
    rig_advance(r->rig, 1);
    assert_int_equal(r->net.counts.received, 1);
    rig_advance_to(r->rig, got_ns + 9600 + (8 + 1004) * 800);
    assert_int_equal(r->n_sent, 2);
    net_rig_free(r);
}

static void test_stop_lets_it_end(void **state)
{
    (void)state;
    struct net_rig *r = net_rig_new();
    card_start(r, 0x49);
    start_long_frame(r);
    reg_out(r, 0, STOP);
    assert_int_equal(reg_in(r, P0_ISR), 0); /* not yet in reset */
    assert_int_equal(reg_in(r, 0) & CR_TXP, CR_TXP);
    rig_advance(r->rig, 2 * NS_PER_MS);
    assert_int_equal(reg_in(r, P0_ISR), ISR_PTX | ISR_RST);
    assert_int_equal(r->n_sent, 1);
    reg_out(r, 0, STOP | CR_TXP); /* not while it is stopped */
    rig_advance(r->rig, 2 * NS_PER_MS);
    assert_int_equal(r->n_sent, 1);
    reg_out(r, 0, START);
    start_long_frame(r);
    rig_in(r->rig, RESET); /* the reset line does not */
    rig_advance(r->rig, 2 * NS_PER_MS);
    assert_int_equal(r->n_sent, 1);
    net_rig_free(r);
}

static void append_crc(u8 *frame, u32 bytes)
{
    u32 crc = ethernet_crc(frame, bytes);
    for (u32 i = 0; i < 4; i++)
        frame[bytes + i] = (u8)(crc >> 8 * i);
}

static void test_own_checksum(void **state)
{
    (void)state;
    struct net_rig *r = net_rig_new();
    u8 frame[304];
    make_frame(frame, sizeof frame, other_mac, 1);
    append_crc(frame, 300);
    card_start(r, 0x49);
    reg_out(r, P0_TCR, TCR_CRC);
    transmit(r, frame, sizeof frame);
    assert_int_equal(r->sent_bytes, 300);
    frame[100] ^= 1;
    transmit(r, frame, sizeof frame);
    assert_int_equal(r->n_sent, 1); /* nobody takes that one */
    assert_int_equal(r->net.counts.dropped[NET_DROP_sent_crc], 1);
    net_rig_free(r);
}

static void test_byte_order(void **state)
{
    (void)state;
    struct net_rig *r = net_rig_new();
    u8 frame[100], turned[100];
    make_frame(frame, sizeof frame, other_mac, 1);
    for (u32 i = 0; i < sizeof frame; i++)
        turned[i ^ 1] = frame[i];
    card_start(r, 0x49 | DCR_BOS);
    transmit(r, turned, sizeof turned);
    assert_memory_equal(r->sent, frame, sizeof frame);
    net_rig_free(r);
}

/* Two groups of addresses switch the transmitter. */
static void test_network_switches_transmitter(void **state)
{
    (void)state;
    struct net_rig *r = net_rig_new();
    u8 frame[64], off[NET_MAC_BYTES] = {0x01}, on[NET_MAC_BYTES] = {0x01};
    while (ethernet_hash(off) != 62)
        off[5]++;
    while (ethernet_hash(on) != 63)
        on[5]++;
    card_start(r, 0x49);
    make_frame(frame, sizeof frame, off, 1);
    give(r, frame, sizeof frame, DAMAGE_NONE); /* ATD is clear: nothing */
    start_long_frame(r);
    rig_advance(r->rig, 2 * NS_PER_MS);
    assert_int_equal(r->n_sent, 1);
    reg_out(r, P0_TCR, TCR_ATD);
    give(r, frame, sizeof frame, DAMAGE_NONE);
    start_long_frame(r);
    rig_advance(r->rig, 2 * NS_PER_MS);
    assert_int_equal(r->n_sent, 1);
    assert_int_equal(reg_in(r, 0) & CR_TXP, CR_TXP);
    swap_card(&r);
    make_frame(frame, sizeof frame, on, 1);
    net_deliver(&r->net, frame, sizeof frame, 0);
    ne2000_look(r->nic);
    rig_advance(r->rig, 2 * NS_PER_MS);
    assert_int_equal(r->n_sent, 2);
    make_frame(frame, sizeof frame, off, 1);
    give(r, frame, sizeof frame, DAMAGE_NONE);
    start_long_frame(r);
    reg_out(r, P0_TCR, 0); /* which does so as well */
    rig_advance(r->rig, 2 * NS_PER_MS);
    assert_int_equal(r->n_sent, 3);
    net_rig_free(r);
}

/* --- loopback --- */

static void loop(struct net_rig *r, u8 tcr, const u8 *frame, u16 bytes)
{
    reg_out(r, P0_TCR, 0); /* modes are changed by way of normal operation */
    reg_out(r, P0_TCR, tcr);
    reg_out(r, P0_ISR, 0xff);
    transmit(r, frame, bytes);
    assert_int_equal(reg_in(r, P0_ISR), ISR_PTX);
}

static void assert_fifo(struct net_rig *r, const u8 *expected)
{
    for (u32 i = 0; i < 8; i++)
        assert_int_equal(reg_in(r, P0_FIFO), expected[i]);
}

/* The table of the data sheet. */
static void test_paths(void **state)
{
    (void)state;
    static const struct {
        u8 tcr, tsr;
        u32 on_wire;
    } paths[] = {{TCR_LB_NIC, 0x53, 0}, {TCR_LB_SNI, 0x43, 0}, {TCR_LB_COAX, 0x03, 1}};
    struct net_rig *r = net_rig_new();
    u8 frame[1500];
    make_frame(frame, sizeof frame, our_mac, 1);
    card_start(r, 0x40);
    reg_out(r, P0_RCR, 0x1f);
    for (u32 i = 0; i < ARRAY_LEN(paths); i++) {
        r->n_sent = 0;
        loop(r, paths[i].tcr, frame, 60);
        assert_int_equal(reg_in(r, P0_TSR), paths[i].tsr);
        assert_int_equal(reg_in(r, P0_RSR), RSR_CRC);
        assert_int_equal(r->n_sent, paths[i].on_wire);
        swap_card(&r);
        append_crc(frame, 60);
        assert_fifo(r, (const u8[8]){64, 0, 0, frame[59], frame[60], frame[61], frame[62], frame[63]});
        make_frame(frame, sizeof frame, our_mac, 1);
        append_crc(frame, 65);
        loop(r, paths[i].tcr, frame, 65);
        assert_fifo(r, (const u8[8]){frame[64], frame[65], frame[66], frame[67], frame[68], 69, 0, 0});
        loop(r, paths[i].tcr | TCR_CRC, frame, 1500);
        reg_in(r, P0_FIFO);
        assert_int_equal(r->nic->fifo[(1500 + 1) % 8], 1500 >> 8);
        make_frame(frame, sizeof frame, our_mac, 1);
    }
    net_rig_free(r);
}

static void assert_recognized(struct net_rig *r, u8 rcr, const u8 *to, u8 good, u8 bad)
{
    u8 frame[64];
    make_frame(frame, sizeof frame, to, 1);
    append_crc(frame, 60);
    reg_out(r, P0_RCR, rcr);
    loop(r, TCR_LB_NIC | TCR_CRC, frame, sizeof frame);
    assert_int_equal(reg_in(r, P0_RSR), good);
    frame[40] ^= 0x10;
    loop(r, TCR_LB_NIC | TCR_CRC, frame, sizeof frame);
    assert_int_equal(reg_in(r, P0_RSR), bad);
}

static void test_recognition(void **state)
{
    (void)state;
    static const u8 group[NET_MAC_BYTES] = {0x01, 0x00, 0x5e, 0x00, 0x00, 0x01};
    struct net_rig *r = net_rig_new();
    card_start(r, 0x40);
    for (u32 i = 0; i < 8; i++)
        page_out(r, PAGE1, P1_MAR0 + i, 0xff);
    assert_recognized(r, 0, our_mac, 0x01, 0x02);
    assert_recognized(r, 0, other_mac, 0x01, 0x01);
    assert_recognized(r, RCR_PRO, other_mac, 0x01, 0x02);
    assert_recognized(r, RCR_AM, group, 0x21, 0x22);
    assert_recognized(r, 0, group, 0x01, 0x01);
    assert_int_equal(r->n_sent, 0);
    assert_int_equal(r->net.counts.received, 0);
    net_rig_free(r);
}

/* Of words loopback takes one byte: the odd one, or with the other byte order the even one. */
static void test_loopback_of_words(void **state)
{
    (void)state;
    for (u32 order = 0; order < 2; order++) {
        struct net_rig *r = net_rig_new();
        u8 frame[64], words[128] = {0};
        make_frame(frame, sizeof frame, our_mac, 1);
        append_crc(frame, 60);
        for (u32 i = 0; i < sizeof frame; i++)
            words[2 * i + !order] = frame[i];
        card_start(r, (u8)(0x41 | (order ? DCR_BOS : 0)));
        loop(r, TCR_LB_NIC | TCR_CRC, words, sizeof words);
        assert_int_equal(reg_in(r, P0_RSR), RSR_PRX);
        assert_fifo(r, (const u8[8]){64, 0, 0, frame[59], frame[60], frame[61], frame[62], frame[63]});
        net_rig_free(r);
    }
}

static void test_loopback_needs_its_bit(void **state)
{
    (void)state;
    struct net_rig *r = net_rig_new();
    u8 frame[60];
    make_frame(frame, sizeof frame, our_mac, 1);
    card_start(r, 0x48); /* LS says: no loopback */
    loop(r, TCR_LB_NIC, frame, sizeof frame);
    assert_fifo(r, (const u8[8]){0});
    assert_int_equal(r->n_sent, 0);
    net_rig_free(r);
}

int transmit_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_length),
        cmocka_unit_test(test_lengths_that_are_none),
        cmocka_unit_test(test_takes_its_time),
        cmocka_unit_test(test_one_at_a_time),
        cmocka_unit_test(test_stop_lets_it_end),
        cmocka_unit_test(test_own_checksum),
        cmocka_unit_test(test_byte_order),
        cmocka_unit_test(test_network_switches_transmitter),
        cmocka_unit_test(test_paths),
        cmocka_unit_test(test_recognition),
        cmocka_unit_test(test_loopback_of_words),
        cmocka_unit_test(test_loopback_needs_its_bit),
    };
    return cmocka_run_group_tests_name("transmitting", tests, NULL, NULL);
}
