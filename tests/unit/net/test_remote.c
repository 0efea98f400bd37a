/* Remote DMA and the card's memory: data sheet, section 9. */
#include "net_rig.h"
#include "net_tests.h"

#include <string.h>

static void test_prom(void **state)
{
    (void)state;
    struct net_rig *r = net_rig_new();
    u8 prom[32], words[32];
    card_start(r, 0x48);
    card_read(r, 0, prom, sizeof prom);
    for (u32 i = 0; i < NET_MAC_BYTES; i++) {
        assert_int_equal(prom[2 * i], our_mac[i]);
        assert_int_equal(prom[2 * i + 1], our_mac[i]);
    }
    assert_memory_equal(prom + 28, "WWWW", 4);
    reg_out(r, P0_DCR, 0x49);
    card_write(r, 0, (const u8 *)"overwrites nothing, as it is a ROM", 32);
    card_read(r, 0, words, sizeof words);
    assert_memory_equal(words, prom, sizeof prom);
    net_rig_free(r);
}

static void test_all_of_the_memory(u8 dcr)
{
    struct net_rig *r = net_rig_new();
    static u8 data[16384], back[16384];
    for (u32 i = 0; i < sizeof data; i++)
        data[i] = (u8)(i * 31 + (i >> 8));
    card_start(r, dcr);
    reg_out(r, P0_PSTOP, 0xff); /* no ring to go round in */
    card_write(r, 0x4000, data, sizeof data);
    assert_int_equal(reg_in(r, P0_ISR), ISR_RDC);
    assert_int_equal(reg_in(r, P0_CRDA0) | reg_in(r, P0_CRDA1) << 8, 0x8000);
    swap_card(&r);
    card_read(r, 0x4000, back, sizeof back);
    assert_memory_equal(data, back, sizeof data);
    net_rig_free(r);
}

static void test_memory_by_words(void **state)
{
    (void)state;
    test_all_of_the_memory(0x49);
}

static void test_memory_by_bytes(void **state)
{
    (void)state;
    test_all_of_the_memory(0x48);
}

static void test_nothing_is_elsewhere(void **state)
{
    (void)state;
    struct net_rig *r = net_rig_new();
    u8 data[4] = {1, 2, 3, 4}, back[4];
    card_start(r, 0x49);
    for (u32 address = 0x8000; address < 0x10000; address += 0x1000) {
        card_write(r, (u16)address, data, 4);
        card_read(r, (u16)address, back, 4);
        assert_memory_equal(back, "\xff\xff\xff\xff", 4);
    }
    net_rig_free(r);
}

static void test_count_ends_it(void **state)
{
    (void)state;
    struct net_rig *r = net_rig_new();
    struct bus *bus = &r->rig->machine.bus;
    card_start(r, 0x49);
    remote(r, WRITE, 0x4000, 6);
    bus_out(bus, DATA, 2, 0x2211);
    bus_out(bus, DATA + 4, 2, 0x4433); /* its other addresses are the same */
    assert_int_equal(reg_in(r, P0_ISR), 0);
    swap_card(&r);
    bus = &r->rig->machine.bus;
    bus_out(bus, DATA, 2, 0x6655);
    assert_int_equal(reg_in(r, P0_ISR), ISR_RDC);
    bus_out(bus, DATA, 2, 0x8877); /* nobody's */
    remote(r, READ, 0x4000, 7);    /* an odd one ends with the word that has it */
    assert_int_equal(bus_in(bus, DATA, 4), 0x44332211);
    assert_int_equal(bus_in(bus, DATA, 2), 0x6655);
    assert_int_equal(bus_in(bus, DATA, 2) & 0xff, 0);
    assert_int_equal(bus_in(bus, DATA, 2), 0xffff);
    assert_int_equal(bus_in(bus, DATA, 1), 0xff);
    net_rig_free(r);
}

/* A byte access to a card that has words moves a whole one. */
static void test_byte_of_a_word(void **state)
{
    (void)state;
    struct net_rig *r = net_rig_new();
    card_start(r, 0x49);
    card_write(r, 0x4000, (const u8 *)"abcdef", 6);
    remote(r, READ, 0x4000, 6);
    assert_int_equal(rig_in(r->rig, DATA), 'a');
    assert_int_equal(rig_in(r->rig, DATA), 'c');
    assert_int_equal(rig_in(r->rig, DATA), 'e');
    assert_int_equal(reg_in(r, P0_ISR) & ISR_RDC, ISR_RDC);
    reg_out(r, P0_DCR, 0x48);
    remote(r, READ, 0x4000, 4);
    assert_int_equal(bus_in(&r->rig->machine.bus, DATA, 4), 0x64636261); /* and the other way round */
    net_rig_free(r);
}

static void test_low_address_line_stays_low(void **state)
{
    (void)state;
    struct net_rig *r = net_rig_new();
    card_start(r, 0x49);
    card_write(r, 0x4000, (const u8 *)"abcdef", 6);
    remote(r, READ, 0x4001, 2);
    assert_int_equal(bus_in(&r->rig->machine.bus, DATA, 2), 'a' | 'b' << 8);
    net_rig_free(r);
}

static void test_goes_round_the_ring(void **state)
{
    (void)state;
    struct net_rig *r = net_rig_new();
    u8 back[8];
    card_start(r, 0x49);
    card_write(r, (PAGE_END << 8) - 4, (const u8 *)"abcdefgh", 8);
    assert_int_equal(reg_in(r, P0_CRDA1), PAGE_RING);
    card_read(r, PAGE_RING << 8, back, 4);
    assert_memory_equal(back, "efgh", 4);
    card_read(r, (PAGE_END << 8) - 4, back, 8);
    assert_memory_equal(back, "abcdefgh", 8);
    net_rig_free(r);
}

static void test_abort(void **state)
{
    (void)state;
    struct net_rig *r = net_rig_new();
    card_start(r, 0x49);
    remote(r, READ, 0x4000, 8);
    bus_in(&r->rig->machine.bus, DATA, 2);
    reg_out(r, 0, START);
    assert_int_equal(bus_in(&r->rig->machine.bus, DATA, 2), 0xffff);
    assert_int_equal(reg_in(r, P0_ISR), 0);
    assert_int_equal(reg_in(r, P0_CRDA0), 2); /* where it was */
    net_rig_free(r);
}

static void test_needs_a_started_card(void **state)
{
    (void)state;
    struct net_rig *r = net_rig_new();
    card_start(r, 0x49);
    reg_out(r, 0, STOP);
    remote(r, READ & ~CR_STA, 0x4000, 8);
    assert_int_equal(bus_in(&r->rig->machine.bus, DATA, 2), 0xffff);
    reg_out(r, 0, START);
    reg_out(r, P0_DCR, 0x49 | DCR_LAS); /* 32-bit addresses leave no remote channel */
    remote(r, READ, 0x4000, 8);
    assert_int_equal(bus_in(&r->rig->machine.bus, DATA, 2), 0xffff);
    net_rig_free(r);
}

/* Send takes the frame at BNRY, as long as its header says, and moves BNRY on. */
static void test_send_packet(void **state)
{
    (void)state;
    struct net_rig *r = net_rig_new();
    u8 frame[300];
    make_frame(frame, sizeof frame, our_mac, 5);
    card_start(r, 0x49 | DCR_AR);
    reg_out(r, P0_BNRY, PAGE_RING + 1);
    give(r, frame, sizeof frame, DAMAGE_NONE);
    reg_out(r, P0_ISR, 0xff);
    reg_out(r, P0_RBCR1, 0x0f);
    reg_out(r, 0, 0x1a);
    assert_int_equal(page_in(r, PAGE2, P2_REMOTE_NEXT), PAGE_RING + 3);
    reg_out(r, 0, 0x1a); /* looking there has aborted it */
    assert_int_equal(bus_in(&r->rig->machine.bus, DATA, 4), 304u << 16 | (PAGE_RING + 3) << 8 | RSR_PRX);
    for (u32 i = 0; i < sizeof frame; i += 2) {
        assert_int_equal(reg_in(r, P0_ISR), 0);
        assert_int_equal(bus_in(&r->rig->machine.bus, DATA, 2), frame[i] | frame[i + 1] << 8);
        if (i == 100)
            swap_card(&r);
    }
    assert_int_equal(reg_in(r, P0_ISR), ISR_RDC);
    assert_int_equal(reg_in(r, P0_BNRY), PAGE_RING + 3);
    reg_out(r, P0_DCR, 0x49);
    reg_out(r, P0_ISR, 0xff);
    reg_out(r, 0, 0x1a); /* not without AR */
    assert_int_equal(bus_in(&r->rig->machine.bus, DATA, 2), 0xffff);
    net_rig_free(r);
}

/* Many elements at once are what as many accesses are, up to the one that ends the transfer. */
static void test_runs(u8 dcr, u8 size, u16 address, u16 bytes)
{
    struct net_rig *one = net_rig_new(), *many = net_rig_new();
    const struct bus_port *row = &many->nic->row[4];
    u8 data[2048], a[2048] = {0}, b[2048] = {0};
    make_frame(data, sizeof data, our_mac, 3);
    struct net_rig *both[] = {one, many};
    for (u32 i = 0; i < 2; i++) {
        card_start(both[i], dcr);
        card_write(both[i], address, data, bytes);
        reg_out(both[i], P0_ISR, 0xff);
        remote(both[i], READ, address, bytes);
    }
    u32 count = bytes / size, done = 0, at_once = 0;
    for (u32 i = 0; i < count; i++) {
        u32 value = bus_in(&one->rig->machine.bus, DATA, size);
        memcpy(a + i * size, &value, size);
    }
    while (done < count) {
        u32 n = row->in_run(many->nic, DATA, size, count - done, b + done * size);
        at_once = MAX(at_once, n);
        assert_true(n < count - done);
        done += n;
        u32 value = bus_in(&many->rig->machine.bus, DATA, size);
        memcpy(b + done++ * size, &value, size);
    }
    assert_memory_equal(a, b, count * size);
    assert_memory_equal(a, data, count * size);
    assert_true(at_once > count / 3);
    assert_int_equal(reg_in(many, P0_ISR), ISR_RDC);
    remote(many, WRITE, address, bytes);
    memset(many->nic->ram, 0, sizeof many->nic->ram);
    for (done = 0; done < count; done++) {
        done += row->out_run(many->nic, DATA, size, count - done, data + done * size);
        u32 value = 0;
        memcpy(&value, data + done * size, size);
        bus_out(&many->rig->machine.bus, DATA, size, value);
    }
    assert_memory_equal(one->nic->ram, many->nic->ram, sizeof one->nic->ram);
    assert_int_equal(one->nic->rsar, many->nic->rsar);
    net_rig_free(one);
    net_rig_free(many);
}

static void test_runs_of_elements(void **state)
{
    (void)state;
    test_runs(0x49, 2, 0x4000, 1514);
    test_runs(0x49, 4, 0x4000, 1512);
    test_runs(0x48, 1, 0x4000, 1514);
    test_runs(0x48, 2, 0x4001, 1500);
    test_runs(0x49, 2, (PAGE_END << 8) - 700, 1400); /* round the ring */
    test_runs(0x48, 1, (PAGE_END << 8) - 700, 1400);
}

static void test_no_run_where_there_is_nothing_to_move(void **state)
{
    (void)state;
    struct net_rig *r = net_rig_new();
    const struct bus_port *row = &r->nic->row[4];
    u8 data[64] = {0};
    card_start(r, 0x49);
    assert_int_equal(row->in_run(r->nic, DATA, 2, 8, data), 0);
    assert_int_equal(row->out_run(r->nic, DATA, 2, 8, data), 0);
    remote(r, READ, 0x4000, 64);
    assert_int_equal(row->in_run(r->nic, DATA, 1, 8, data), 0); /* bytes of words */
    assert_int_equal(row->out_run(r->nic, DATA, 2, 8, data), 0);
    remote(r, READ, 0, 32); /* the PROM */
    assert_int_equal(row->in_run(r->nic, DATA, 2, 8, data), 0);
    remote(r, READ, 0x4000, 2);
    assert_int_equal(row->in_run(r->nic, DATA, 2, 1, data), 0); /* the last one */
    net_rig_free(r);
}

int remote_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_prom),
        cmocka_unit_test(test_memory_by_words),
        cmocka_unit_test(test_memory_by_bytes),
        cmocka_unit_test(test_nothing_is_elsewhere),
        cmocka_unit_test(test_count_ends_it),
        cmocka_unit_test(test_byte_of_a_word),
        cmocka_unit_test(test_low_address_line_stays_low),
        cmocka_unit_test(test_goes_round_the_ring),
        cmocka_unit_test(test_abort),
        cmocka_unit_test(test_needs_a_started_card),
        cmocka_unit_test(test_send_packet),
        cmocka_unit_test(test_runs_of_elements),
        cmocka_unit_test(test_no_run_where_there_is_nothing_to_move),
    };
    return cmocka_run_group_tests_name("remote DMA", tests, NULL, NULL);
}
