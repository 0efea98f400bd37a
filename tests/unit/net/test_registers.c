/* Registers, pages, reset, interrupts: DP8390D data sheet, section 10. */
#include "net_rig.h"
#include "net_tests.h"

#include <string.h>

static void test_no_network_no_card(void **state)
{
    (void)state;
    struct rig *rig = rig_new();
    rig_add(rig, &ne2000_class);
    assert_null(rig->machine.ne2000);
    assert_null(bus_port_name(&rig->machine.bus, IO));
    assert_int_equal(rig_in(rig, IO), 0xff);
    rig_free(rig);
}

static void test_after_power_on(void **state)
{
    (void)state;
    struct net_rig *r = net_rig_new();
    assert_int_equal(reg_in(r, 0), 0x21);
    assert_int_equal(reg_in(r, P0_ISR), ISR_RST);
    assert_int_equal(page_in(r, PAGE2, P2_IMR), 0);
    assert_int_equal(page_in(r, PAGE2, P2_DCR), DCR_LAS);
    assert_int_equal(page_in(r, PAGE2, P2_TCR), 0);
    assert_int_equal(r->rig->rises[IRQ], 0);
    net_rig_free(r);
}

/* What is written in page 0 is read in page 2. */
static void test_configuration_reads_back(void **state)
{
    (void)state;
    static const struct {
        u8 out, in, value, back;
    } rows[] = {
        {P0_PSTART, P2_PSTART, 0x46, 0x46}, {P0_PSTOP, P2_PSTOP, 0x80, 0x80}, {P0_TPSR, P2_TPSR, 0x41, 0x41},
        {P0_RCR, P2_RCR, 0xff, 0x3f},       {P0_TCR, P2_TCR, 0xff, 0x1f},     {P0_DCR, P2_DCR, 0x5b, 0x5b},
        {P0_IMR, P2_IMR, 0xff, 0x7f},
    };
    struct net_rig *r = net_rig_new();
    for (u32 i = 0; i < ARRAY_LEN(rows); i++)
        reg_out(r, rows[i].out, rows[i].value);
    swap_card(&r);
    for (u32 i = 0; i < ARRAY_LEN(rows); i++)
        assert_int_equal(page_in(r, PAGE2, rows[i].in), rows[i].back);
    net_rig_free(r);
}

static void test_page_1_keeps_addresses(void **state)
{
    (void)state;
    struct net_rig *r = net_rig_new();
    for (u32 i = 1; i < 16; i++)
        page_out(r, PAGE1, i, (u8)(0x30 + i));
    swap_card(&r);
    for (u32 i = 1; i < 16; i++)
        assert_int_equal(page_in(r, PAGE1, i), 0x30 + i);
    net_rig_free(r);
}

static void test_page_2_pointers(void **state)
{
    (void)state;
    struct net_rig *r = net_rig_new();
    page_out(r, PAGE2, P2_CLDA0, 0x12);
    page_out(r, PAGE2, P2_CLDA1, 0x34);
    page_out(r, PAGE2, P2_REMOTE_NEXT, 0x47);
    page_out(r, PAGE2, P2_LOCAL_NEXT, 0x48);
    page_out(r, PAGE2, P2_ADDRESS1, 0x49);
    page_out(r, PAGE2, P2_ADDRESS0, 0x4a);
    swap_card(&r);
    assert_int_equal(reg_in(r, P0_CLDA0), 0x12);
    assert_int_equal(reg_in(r, P0_CLDA1), 0x34);
    assert_int_equal(page_in(r, PAGE2, P2_REMOTE_NEXT), 0x47);
    assert_int_equal(page_in(r, PAGE2, P2_LOCAL_NEXT), 0x48);
    assert_int_equal(page_in(r, PAGE2, P2_ADDRESS1), 0x49);
    assert_int_equal(page_in(r, PAGE2, P2_ADDRESS0), 0x4a);
    net_rig_free(r);
}

static void test_page_3_is_nobodys(void **state)
{
    (void)state;
    struct net_rig *r = net_rig_new();
    reg_out(r, P0_BNRY, 0x55);
    for (u32 i = 1; i < 16; i++) {
        page_out(r, 0xc0, i, 0xaa);
        assert_int_equal(page_in(r, 0xc0, i), 0xff);
    }
    assert_int_equal(reg_in(r, P0_BNRY), 0x55);
    net_rig_free(r);
}

/* STA stays when STP is set behind it; RST says that it has stopped, and cannot be written away. */
static void test_stop_and_start(void **state)
{
    (void)state;
    struct net_rig *r = net_rig_new();
    reg_out(r, 0, START);
    assert_int_equal(reg_in(r, 0), START);
    assert_int_equal(reg_in(r, P0_ISR) & ISR_RST, 0);
    reg_out(r, 0, STOP);
    assert_int_equal(reg_in(r, 0), 0x23);
    reg_out(r, P0_ISR, 0xff);
    assert_int_equal(reg_in(r, P0_ISR), ISR_RST);
    reg_out(r, 0, 0x20); /* neither: as it was */
    assert_int_equal(reg_in(r, 0), 0x23);
    reg_out(r, 0, START);
    assert_int_equal(reg_in(r, P0_ISR), 0);
    net_rig_free(r);
}

static void test_reset_port(void **state)
{
    (void)state;
    struct net_rig *r = net_rig_new();
    card_start(r, 0x49);
    reg_out(r, P0_BNRY, 0x52);
    reg_out(r, P0_TCR, TCR_LB_SNI);
    rig_out(r->rig, RESET, rig_in(r->rig, RESET));
    assert_int_equal(reg_in(r, 0), 0x21);
    assert_int_equal(reg_in(r, P0_ISR) & ISR_RST, ISR_RST);
    assert_int_equal(page_in(r, PAGE2, P2_IMR), 0);
    assert_int_equal(page_in(r, PAGE2, P2_DCR), 0x49 | DCR_LAS);
    assert_int_equal(page_in(r, PAGE2, P2_TCR), 0);
    assert_int_equal(reg_in(r, P0_BNRY), 0x52); /* what reset does not name stays */
    net_rig_free(r);
}

static void test_interrupt_needs_its_mask(void **state)
{
    (void)state;
    struct net_rig *r = net_rig_new();
    card_start(r, 0x48);
    reg_out(r, P0_IMR, 0);
    remote(r, READ, 0x4000, 0); /* complete at once */
    assert_int_equal(reg_in(r, P0_ISR), ISR_RDC);
    assert_false(r->rig->line[IRQ]);
    reg_out(r, P0_IMR, ISR_RDC);
    assert_true(r->rig->line[IRQ]);
    swap_card(&r);
    reg_out(r, P0_ISR, ISR_PRX);
    assert_int_equal(reg_in(r, P0_ISR), ISR_RDC);
    reg_out(r, P0_ISR, ISR_RDC);
    assert_false(r->rig->line[IRQ]);
    net_rig_free(r);
}

static void test_poll_is_what_a_read_gives(void **state)
{
    (void)state;
    struct net_rig *r = net_rig_new();
    struct bus_poll poll;
    assert_true(bus_poll(&r->rig->machine.bus, IO, &poll));
    assert_int_equal(poll.value[0], 0x21);
    assert_true(bus_poll(&r->rig->machine.bus, IO + P0_ISR, &poll));
    assert_int_equal(poll.value[0], ISR_RST);
    assert_false(bus_poll(&r->rig->machine.bus, IO + P0_CNTR0, &poll));
    assert_false(bus_poll(&r->rig->machine.bus, IO + P0_FIFO, &poll));
    net_rig_free(r);
}

static void test_counters(void **state)
{
    (void)state;
    struct net_rig *r = net_rig_new();
    u8 frame[64];
    make_frame(frame, sizeof frame, our_mac, 1);
    card_start(r, 0x49);
    for (u32 i = 0; i < 127; i++)
        give(r, frame, sizeof frame, DAMAGE_CRC);
    assert_int_equal(reg_in(r, P0_ISR), ISR_RXE);
    give(r, frame, sizeof frame, DAMAGE_CRC);
    assert_int_equal(reg_in(r, P0_ISR), ISR_RXE | ISR_CNT);
    for (u32 i = 0; i < 100; i++)
        give(r, frame, sizeof frame, DAMAGE_CRC);
    give(r, frame, sizeof frame, DAMAGE_ALIGNMENT);
    swap_card(&r);
    assert_int_equal(reg_in(r, P0_CNTR1), 192); /* they stop there */
    assert_int_equal(reg_in(r, P0_CNTR1), 0);
    assert_int_equal(reg_in(r, P0_CNTR0), 1);
    assert_int_equal(reg_in(r, P0_CNTR0), 0);
    assert_int_equal(reg_in(r, P0_CNTR2), 0);
    net_rig_free(r);
}

static void test_elsewhere(void **state)
{
    (void)state;
    struct net_rig *r = net_rig_new();
    char why[320];
    net_rig_free(r);
    struct rig *rig = rig_new();
    struct net *net = test_calloc(1, sizeof *net);
    net->class = &net_echo_class;
    assert_true(net_config_parse(&net->config, "echo,io=320,irq=5,mac=02:00:00:00:00:01", why, sizeof why));
    rig->config.net = net;
    rig_add(rig, &ne2000_class);
    assert_int_equal(rig_in(rig, 0x300), 0xff);
    assert_int_equal(rig_in(rig, 0x320), 0x21);
    rig_out(rig, 0x320 + P0_DCR, 0x48);
    rig_out(rig, 0x320, START);
    rig_out(rig, 0x320 + P0_IMR, ISR_RDC);
    rig_out(rig, 0x320, READ); /* of no bytes */
    assert_true(rig->line[5]);
    assert_memory_equal(rig->machine.ne2000->prom, "\x02\x02\0\0\0\0\0\0\0\0\x01\x01", 12);
    rig_free(rig);
    test_free(net);
}

int register_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_network_no_card),
        cmocka_unit_test(test_after_power_on),
        cmocka_unit_test(test_configuration_reads_back),
        cmocka_unit_test(test_page_1_keeps_addresses),
        cmocka_unit_test(test_page_2_pointers),
        cmocka_unit_test(test_page_3_is_nobodys),
        cmocka_unit_test(test_stop_and_start),
        cmocka_unit_test(test_reset_port),
        cmocka_unit_test(test_interrupt_needs_its_mask),
        cmocka_unit_test(test_poll_is_what_a_read_gives),
        cmocka_unit_test(test_counters),
        cmocka_unit_test(test_elsewhere),
    };
    return cmocka_run_group_tests_name("registers", tests, NULL, NULL);
}
