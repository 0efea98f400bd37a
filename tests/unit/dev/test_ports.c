/* Ports 61h, 80h, 92h, E9h, 402h and the exit port. */
#include "dev_rig.h"
#include "dev_tests.h"

#include "dev/coprocessor.h"
#include "dev/pic.h"
#include "dev/pit.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static void port61_gates_and_shows_counter_2(void **state)
{
    (void)state;
    struct rig *rig = rig_new();
    rig_add(rig, &pit_class);
    rig_add(rig, &port61_class);
    rig_out(rig, 0x61, 0xff);
    assert_int_equal(rig_in(rig, 0x61) & 0xcf, 0x0f); /* bits 4 to 7 are inputs, no errors */
    rig_out(rig, 0x61, 0x00);
    rig_out(rig, 0x43, 0xb0); /* counter 2, mode 0 */
    rig_out(rig, 0x42, 100);
    rig_out(rig, 0x42, 0);
    rig_advance(rig, NS_PER_MS);
    assert_int_equal(rig_in(rig, 0x61) & 0x2f, 0x00);
    rig_out(rig, 0x61, 0x01);
    rig_advance(rig, 80 * NS_PER_US);
    assert_int_equal(rig_in(rig, 0x61) & 0x2f, 0x01);
    rig_advance(rig, 5 * NS_PER_US);
    assert_int_equal(rig_in(rig, 0x61) & 0x2f, 0x21);
    port61_class.reset(rig->dev[1]);
    assert_int_equal(rig_in(rig, 0x61) & 0x0f, 0);
    rig_free(rig);
}

static void port61_refresh_toggles(void **state)
{
    (void)state;
    struct rig *rig = rig_new();
    rig_add(rig, &pit_class);
    rig_add(rig, &port61_class);
    unsigned toggles = 0;
    u8 last = rig_in(rig, 0x61);
    for (unsigned us = 1; us <= 30172; us++) {
        rig_advance(rig, NS_PER_US);
        u8 now = rig_in(rig, 0x61);
        toggles += (now ^ last) >> 4 & 1;
        last = now;
    }
    assert_int_equal(toggles, 2000); /* 15.0857 us each */
    rig_free(rig);
}

static void port61_tells_what_polls_give(void **state)
{
    (void)state;
    enum { REFRESH = 0x10, OUT_2 = 0x20 };
    struct rig *rig = rig_new();
    struct bus_poll poll;
    rig_add(rig, &pit_class);
    rig_add(rig, &port61_class);
    rig_out(rig, 0x61, 0x01);
    rig_out(rig, 0x43, 0xb0); /* counter 2, mode 0 */
    rig_out(rig, 0x42, 0);
    rig_out(rig, 0x42, 4);
    rig_advance(rig, 10 * NS_PER_US);
    assert_true(bus_poll(&rig->machine.bus, 0x61, &poll));
    assert_true(poll.n == 2 && poll.value[0] == rig_in(rig, 0x61) && (poll.value[0] ^ poll.value[1]) == REFRESH);
    assert_in_range(poll.until_ns, 850 * NS_PER_US, 870 * NS_PER_US); /* 1,024 pulses */
    for (u32 i = 0; i < 80; i++) {
        u8 value = rig_in(rig, 0x61);
        assert_true(value == poll.value[0] || value == poll.value[1]);
        rig_advance(rig, 10 * NS_PER_US);
    }
    rig_advance_to(rig, poll.until_ns - 1);
    assert_int_equal(rig_in(rig, 0x61) & OUT_2, 0);
    rig_advance_to(rig, poll.until_ns);
    assert_int_equal(rig_in(rig, 0x61) & OUT_2, OUT_2);
    assert_true(bus_poll(&rig->machine.bus, 0x61, &poll));
    assert_int_equal(poll.until_ns, BUS_POLL_EVENT);
    rig_free(rig);
}

static void port92_a20_and_reset(void **state)
{
    (void)state;
    struct rig *rig = rig_new();
    rig_add(rig, &port92_class);
    assert_int_equal(rig_in(rig, 0x92), 0x02);
    rig_out(rig, 0x92, 0x00);
    assert_false(rig->machine.memory.a20);
    machine_set_a20(&rig->machine, true); /* somebody else */
    assert_int_equal(rig_in(rig, 0x92), 0x02);
    rig_out(rig, 0x92, 0xc2); /* the other bits are stored */
    assert_int_equal(rig_in(rig, 0x92), 0xc2);
    assert_int_equal(rig->machine.requests, 0);
    rig_out(rig, 0x92, 0x03);
    assert_int_equal(rig->machine.requests, REQUEST_RESET);
    rig->machine.requests = 0;
    rig_out(rig, 0x92, 0x03); /* no edge */
    assert_int_equal(rig->machine.requests, 0);
    port92_class.reset(rig->dev[0]);
    rig_out(rig, 0x92, 0x03);
    assert_int_equal(rig->machine.requests, REQUEST_RESET);
    rig_free(rig);
}

static void coprocessor_latches_errors(void **state)
{
    (void)state;
    struct rig *rig = rig_new();
    rig_add(rig, &coprocessor_class);
    struct coprocessor *c = rig->machine.coprocessor;
    assert_ptr_equal(c, rig->dev[0]);
    coprocessor_error(c, true);
    assert_true(rig->line[13]);
    coprocessor_error(c, false); /* the latch holds it */
    assert_true(rig->line[13]);
    rig_out(rig, 0xf0, 0);
    assert_false(rig->line[13]);
    coprocessor_error(c, true);
    rig_out(rig, 0xf0, 0);
    coprocessor_error(c, true); /* no edge: the handler sees the same error */
    assert_false(rig->line[13]);
    assert_int_equal(rig->rises[13], 2);
    coprocessor_class.reset(c);
    coprocessor_error(c, true);
    assert_int_equal(rig->rises[13], 3);
    coprocessor_class.reset(c);
    assert_false(rig->line[13]);
    rig_free(rig);
}

static void post_code_is_a_latch(void **state)
{
    (void)state;
    struct rig *rig = rig_new();
    rig_add(rig, &debugport_class);
    rig_out(rig, 0x80, 0x5a);
    assert_int_equal(rig_in(rig, 0x80), 0x5a);
    assert_int_equal(rig_in(rig, 0x402), 0xff); /* nobody listens */
    assert_int_equal(rig_in(rig, 0xe9), 0xff);
    rig_out(rig, 0x402, 'x');
    rig_free(rig);
}

static size_t file_bytes(int fd, char *buf, size_t size)
{
    ssize_t n = pread(fd, buf, size, 0);
    assert_true(n >= 0);
    return (size_t)n;
}

static void debug_writes_lines(void **state)
{
    (void)state;
    char buf[8192];
    int fd = memfd_create("debug", 0);
    assert_true(fd >= 0);
    struct rig *rig = rig_new();
    rig->config.debugcon_fd = fd;
    rig_add(rig, &debugport_class);
    assert_int_equal(rig_in(rig, 0x402), 0xe9);
    assert_int_equal(rig_in(rig, 0xe9), 0xe9);
    rig_out(rig, 0x402, 'a');
    rig_out(rig, 0xe9, 'b');
    assert_int_equal(file_bytes(fd, buf, sizeof buf), 0);
    rig_out(rig, 0x402, '\n');
    assert_int_equal(file_bytes(fd, buf, sizeof buf), 3);
    assert_memory_equal(buf, "ab\n", 3);
    for (unsigned i = 0; i < 4097; i++)
        rig_out(rig, 0xe9, 'c');
    assert_int_equal(file_bytes(fd, buf, sizeof buf), 3 + 4096);
    rig_free(rig);
    assert_int_equal(file_bytes(fd, buf, sizeof buf), 3 + 4097);
    close(fd);
}

static void debug_survives_a_file_that_fails(void **state)
{
    (void)state;
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    struct rig *rig = rig_new();
    rig->config.debugcon_fd = ends[0]; /* the reading end: writes fail */
    rig_add(rig, &debugport_class);
    rig_out(rig, 0xe9, '\n');
    assert_int_equal(rig_in(rig, 0xe9), 0xff); /* nobody listens any more */
    rig_out(rig, 0xe9, '\n');
    rig_free(rig);
    close(ends[0]);
    close(ends[1]);
}

static void exit_port_asks_for_the_end(void **state)
{
    (void)state;
    struct rig *rig = rig_new();
    rig->config.exit_port = 0xf4;
    rig_add(rig, &exitport_class);
    assert_string_equal(bus_port_name(&rig->machine.bus, 0xf4), "exit");
    rig_out(rig, 0xf4, 0x21);
    assert_int_equal(rig->machine.requests, REQUEST_EXIT);
    assert_int_equal(rig->machine.exit_value, 0x21);
    assert_int_equal(rig_in(rig, 0xf4), 0xff);
    rig_free(rig);
}

static void exit_port_may_be_absent_or_taken(void **state)
{
    (void)state;
    struct rig *rig = rig_new();
    rig_add(rig, &exitport_class);
    assert_null(bus_port_name(&rig->machine.bus, 0xf4));
    assert_null(bus_port_name(&rig->machine.bus, 0));
    rig_add(rig, &debugport_class);
    rig->config.exit_port = 0xe9;
    void *dev;
    assert_int_equal(exitport_class.create(&rig->machine, &dev), -EBUSY);
    rig_free(rig);
}

/* All chips together under a guest that has gone mad: nothing breaks, and time never stands still for a flood
 * of events (no honest source is faster than the timer's pulses). */
static void chips_bear_random_accesses(void **state)
{
    (void)state;
    static const u16 ports[] = {0x20, 0x21, 0xa0, 0xa1, 0x4d0, 0x4d1, 0x40, 0x41, 0x42, 0x43,
                                0x61, 0x70, 0x71, 0x92, 0x60,  0x64,  0x80, 0x511};
    struct rig *rig = rig_new();
    rig_add(rig, &pic_class);
    rig_add(rig, &pit_class);
    rig_add(rig, &rtc_class);
    rig_add(rig, &port61_class);
    rig_add(rig, &port92_class);
    rig_add(rig, &kbc_class);
    rig_add(rig, &fwcfg_class);
    rig_add(rig, &debugport_class);
    struct clock *clock = &rig->machine.clock;
    u32 seed = 7;
    u64 fired = 0, end = 0;
    for (unsigned i = 0; i < 300000; i++) {
        seed = seed * 1664525u + 1013904223u;
        u16 port = ports[(seed >> 8) % ARRAY_LEN(ports)];
        if (seed & 0x80)
            (void)rig_in(rig, port);
        else
            rig_out(rig, port, (u8)(seed >> 24));
        if (rig->machine.intr && (seed & 0x40))
            (void)pic_acknowledge(rig->machine.pic);
        end += (seed >> 16) % 3000;
        while (clock->next_deadline_ns <= end) {
            clock->access_ns = MAX(clock->access_ns, clock->next_deadline_ns);
            clock_run_due(clock);
            fired++;
        }
        clock->access_ns = end;
    }
    assert_true(fired > 1000);
    assert_true(fired <= pit_ticks(end));
    rig_free(rig);
}

int ports_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(port61_gates_and_shows_counter_2),
        cmocka_unit_test(port61_refresh_toggles),
        cmocka_unit_test(port61_tells_what_polls_give),
        cmocka_unit_test(port92_a20_and_reset),
        cmocka_unit_test(coprocessor_latches_errors),
        cmocka_unit_test(post_code_is_a_latch),
        cmocka_unit_test(debug_writes_lines),
        cmocka_unit_test(debug_survives_a_file_that_fails),
        cmocka_unit_test(exit_port_asks_for_the_end),
        cmocka_unit_test(exit_port_may_be_absent_or_taken),
        cmocka_unit_test(chips_bear_random_accesses),
    };
    return cmocka_run_group_tests_name("ports", tests, NULL, NULL);
}
