/* The 8254 on the bus: ports, IRQ0 edges in virtual time, lateness, drift. */
#include "dev_rig.h"
#include "dev_tests.h"

#include "dev/pit.h"

enum { CONTROL = 0x43, RATE_LOHI = 0x34, SQUARE_LOHI = 0x36 };

static struct rig *new_pit(void)
{
    struct rig *rig = rig_new();
    rig_add(rig, &pit_class);
    return rig;
}

static void program(struct rig *rig, unsigned counter, u8 control, u16 count)
{
    rig_out(rig, CONTROL, (u8)(counter << 6 | control));
    rig_out(rig, (u16)(0x40 + counter), (u8)count);
    rig_out(rig, (u16)(0x40 + counter), (u8)(count >> 8));
}

static void ticks_are_exact(void **state)
{
    (void)state;
    assert_int_equal(pit_ticks(NS_PER_S), 1193182);
    assert_int_equal(pit_ticks(NS_PER_S - 1), 1193181);
    for (u64 t = 0; t < 3000000; t += 997) {
        assert_int_equal(pit_ticks(pit_ticks_ns(t)), t);
        if (t)
            assert_int_equal(pit_ticks(pit_ticks_ns(t) - 1), t - 1);
    }
    u64 year = 365ull * 86400 * PIT_HZ; /* no overflow, no rounding that adds up */
    assert_int_equal(pit_ticks_ns(year), 365ull * 86400 * NS_PER_S);
}

static void nothing_is_armed_at_rest(void **state)
{
    (void)state;
    struct rig *rig = new_pit();
    assert_null(rig->machine.clock.events);
    rig_out(rig, CONTROL, 0x30); /* mode 0, no count yet */
    assert_null(rig->machine.clock.events);
    program(rig, 2, SQUARE_LOHI, 1000); /* nobody listens to counter 2 */
    assert_null(rig->machine.clock.events);
    rig_free(rig);
}

static void mode_2_interrupts_without_drift(void **state)
{
    (void)state;
    struct rig *rig = new_pit();
    program(rig, 0, RATE_LOHI, 1193);
    unsigned before = rig->rises[0];
    for (unsigned k = 1; k <= 10000; k++) {
        rig_advance_to(rig, pit_ticks_ns(1 + 1193ull * k)); /* CE was loaded by pulse 1 */
        assert_int_equal(rig->rises[0] - before, k);
        assert_int_equal(rig->rose_ns[0], pit_ticks_ns(1 + 1193ull * k));
    }
    rig_free(rig);
}

static void mode_3_drives_both_edges(void **state)
{
    (void)state;
    struct rig *rig = new_pit();
    program(rig, 0, SQUARE_LOHI, 0);
    assert_true(rig->line[0]);
    rig_advance_to(rig, pit_ticks_ns(1 + 32768) - 1);
    assert_true(rig->line[0]);
    rig_advance(rig, 1);
    assert_false(rig->line[0]);
    rig_advance_to(rig, pit_ticks_ns(1 + 65536) - 1);
    assert_false(rig->line[0]);
    rig_advance(rig, 1);
    assert_true(rig->line[0]);
    assert_int_equal(rig_now(rig), 54926240); /* 65537 / 1193182 s */
    rig_free(rig);
}

static void mode_0_interrupts_once(void **state)
{
    (void)state;
    struct rig *rig = new_pit();
    program(rig, 0, 0x30, 100);
    assert_false(rig->line[0]);
    unsigned before = rig->rises[0];
    rig_advance_to(rig, pit_ticks_ns(101) - 1);
    assert_false(rig->line[0]);
    rig_advance(rig, 1);
    assert_true(rig->line[0]);
    assert_null(rig->machine.clock.events);
    rig_advance(rig, NS_PER_S);
    assert_int_equal(rig->rises[0] - before, 1);
    rig_free(rig);
}

static void a_late_host_gets_one_edge_and_keeps_the_phase(void **state)
{
    (void)state;
    struct rig *rig = new_pit();
    program(rig, 0, RATE_LOHI, 1000);
    unsigned before = rig->rises[0];
    rig_oversleep(rig, pit_ticks_ns(1 + 1000 * 50 + 300)); /* 50 periods and a bit */
    assert_int_equal(rig->rises[0] - before, 1);
    rig_advance_to(rig, pit_ticks_ns(1 + 1000 * 51) - 1);
    assert_int_equal(rig->rises[0] - before, 1);
    rig_advance(rig, 1);
    assert_int_equal(rig->rises[0] - before, 2);
    rig_free(rig);
}

/* Late by so much that the square wave is low again: the edge must not be lost. */
static void a_late_edge_survives_the_low_half(void **state)
{
    (void)state;
    struct rig *rig = new_pit();
    program(rig, 0, SQUARE_LOHI, 1000);
    unsigned before = rig->rises[0];
    rig_oversleep(rig, pit_ticks_ns(1 + 1000 * 3 + 700));
    assert_int_equal(rig->rises[0] - before, 1);
    assert_true(rig->line[0]);
    rig_advance_to(rig, pit_ticks_ns(1 + 1000 * 4));
    assert_int_equal(rig->rises[0] - before, 2);
    rig_advance_to(rig, pit_ticks_ns(1 + 1000 * 4 + 500));
    assert_false(rig->line[0]);
    rig_free(rig);
}

/* A guest looks at the counter after an edge is due and before the event was run. */
static void a_look_does_not_swallow_an_edge(void **state)
{
    (void)state;
    struct rig *rig = new_pit();
    program(rig, 0, RATE_LOHI, 1000);
    rig_out(rig, 0x40, 200); /* 200 from the next period on */
    rig_out(rig, 0x40, 0);
    unsigned before = rig->rises[0];
    rig->machine.clock.access_ns = pit_ticks_ns(1 + 1000 + 50);
    rig_out(rig, CONTROL, 0x00);
    assert_int_equal(rig_in(rig, 0x40), 150);
    (void)rig_in(rig, 0x40);
    assert_int_equal(rig->rises[0] - before, 1);
    clock_run_due(&rig->machine.clock);
    assert_int_equal(rig->rises[0] - before, 1);
    rig_advance_to(rig, pit_ticks_ns(1 + 1000 + 200));
    assert_int_equal(rig->rises[0] - before, 2);
    rig_free(rig);
}

static void reprogramming_delivers_what_is_overdue(void **state)
{
    (void)state;
    struct rig *rig = new_pit();
    program(rig, 0, RATE_LOHI, 1000);
    unsigned before = rig->rises[0];
    rig->machine.clock.access_ns = pit_ticks_ns(1500);
    rig_out(rig, CONTROL, RATE_LOHI);
    assert_int_equal(rig->rises[0] - before, 1);
    clock_run_due(&rig->machine.clock);
    assert_int_equal(rig->rises[0] - before, 1);
    assert_null(rig->machine.clock.events); /* no count */
    rig_free(rig);
}

static void read_back_latches_several(void **state)
{
    (void)state;
    struct rig *rig = new_pit();
    program(rig, 0, RATE_LOHI, 0x1000);
    program(rig, 2, RATE_LOHI, 0x2000);
    pit_set_gate(rig->machine.pit, 2, true, rig_now(rig));
    rig_advance_to(rig, pit_ticks_ns(0x101));
    rig_out(rig, CONTROL, 0xc0 | 0x08 | 0x02); /* count and status of 0 and 2 */
    rig_advance(rig, NS_PER_MS);
    assert_int_equal(rig_in(rig, 0x40), 0xb4);
    assert_int_equal(rig_in(rig, 0x40), 0x00);
    assert_int_equal(rig_in(rig, 0x40), 0x0f);
    assert_int_equal(rig_in(rig, 0x42), 0xb4);
    assert_int_equal(rig_in(rig, 0x42), 0x00);
    assert_int_equal(rig_in(rig, 0x42), 0x1f);
    rig_out(rig, CONTROL, 0xc0 | 0x20 | 0x02); /* status only */
    u64 later = pit_ticks(rig_now(rig)) + 0x120;
    rig_advance_to(rig, pit_ticks_ns(later));
    assert_int_equal(rig_in(rig, 0x40), 0xb4);
    u16 live = (u16)(0x1000 - (later - 1) % 0x1000);
    assert_int_equal(rig_in(rig, 0x40), live & 0xff);
    assert_int_equal(rig_in(rig, 0x40), live >> 8);
    rig_out(rig, CONTROL, 0xc0 | 0x10 | 0x02); /* count only */
    rig_advance(rig, NS_PER_MS / 4);
    assert_int_equal(rig_in(rig, 0x40), live & 0xff);
    assert_int_equal(rig_in(rig, 0x40), live >> 8);
    assert_int_equal(rig_in(rig, CONTROL), 0xff); /* no such register to read */
    rig_free(rig);
}

static void out_of_counter_2(void **state)
{
    (void)state;
    struct rig *rig = new_pit();
    program(rig, 2, 0x30, 1000);
    assert_false(pit_out(rig->machine.pit, 2, pit_ticks_ns(5000))); /* its gate is low */
    rig_advance_to(rig, pit_ticks_ns(5000));
    pit_set_gate(rig->machine.pit, 2, true, rig_now(rig));
    assert_false(pit_out(rig->machine.pit, 2, pit_ticks_ns(5999)));
    assert_true(pit_out(rig->machine.pit, 2, pit_ticks_ns(6000)));
    rig_free(rig);
}

int pit_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ticks_are_exact),
        cmocka_unit_test(nothing_is_armed_at_rest),
        cmocka_unit_test(mode_2_interrupts_without_drift),
        cmocka_unit_test(mode_3_drives_both_edges),
        cmocka_unit_test(mode_0_interrupts_once),
        cmocka_unit_test(a_late_host_gets_one_edge_and_keeps_the_phase),
        cmocka_unit_test(a_late_edge_survives_the_low_half),
        cmocka_unit_test(a_look_does_not_swallow_an_edge),
        cmocka_unit_test(reprogramming_delivers_what_is_overdue),
        cmocka_unit_test(read_back_latches_several),
        cmocka_unit_test(out_of_counter_2),
    };
    return cmocka_run_group_tests_name("pit", tests, NULL, NULL);
}
