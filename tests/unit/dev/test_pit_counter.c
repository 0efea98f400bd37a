/* One 8254 counter, pulse by pulse, against the waveforms of the data sheet ("Mode definitions", figures
 * of modes 0 to 5). Count words are written right after pulse 0, so CE is loaded by pulse 1. */
#include "dev_rig.h"
#include "dev_tests.h"

#include "dev/pit_counter.h"

#include <stdio.h>
#include <string.h>

enum { LSB = 1 << 4, MSB = 2 << 4, BOTH = 3 << 4, BCD = 1 };
#define MODE(n) ((n) << 1)

static struct pit_counter new_counter(u8 control, bool gate)
{
    struct pit_counter c;
    pit_counter_reset(&c, gate);
    pit_counter_control(&c, control, 0);
    return c;
}

/* CE after pulse t, by latching it. */
static u16 ce(struct pit_counter *c, s64 t)
{
    struct pit_counter copy = *c;
    u8 rw = copy.control >> 4 & 3;
    pit_counter_latch_count(&copy, t);
    u16 value = pit_counter_read(&copy, t);
    if (rw == 2)
        value = (u16)(value << 8);
    if (rw == 3)
        value |= (u16)(pit_counter_read(&copy, t) << 8);
    return value;
}

/* "4H 3H ..." : CE and OUT after each pulse from `from` to `to`. */
static const char *trace(struct pit_counter *c, s64 from, s64 to, char *buf)
{
    char *p = buf;
    for (s64 t = from; t <= to; t++)
        p += sprintf(p, "%s%x%c", t == from ? "" : " ", ce(c, t), pit_counter_out(c, t) ? 'H' : 'L');
    return buf;
}

/* Every change of OUT must be where the counter says the next one is. */
static void assert_edges(struct pit_counter *c, s64 from, s64 to)
{
    s64 t = from;
    bool out = pit_counter_out(c, t);
    for (s64 next = pit_counter_next_change(c, t, false); t < to; t++) {
        struct pit_counter copy = *c;
        bool now = pit_counter_out(&copy, t + 1);
        assert_int_equal(now != out, next == t + 1);
        if (now != out) {
            struct pit_counter at = *c;
            if (now)
                assert_int_equal(pit_counter_next_change(&at, t, true), t + 1);
            out = now;
            (void)pit_counter_out(c, t + 1);
            next = pit_counter_next_change(c, t + 1, false);
        }
    }
}

static void mode_0_terminal_count(void **state)
{
    (void)state;
    char buf[200];
    struct pit_counter c = new_counter(LSB | MODE(0), true);
    assert_false(pit_counter_out(&c, 0)); /* low with the control word */
    pit_counter_write(&c, 4, 0);
    struct pit_counter copy = c;
    assert_edges(&copy, 0, 100000);
    assert_string_equal(trace(&c, 1, 7, buf), "4L 3L 2L 1L 0H ffH feH"); /* LSB only */
    /* A new count: loaded by the next pulse, OUT low again. */
    pit_counter_write(&c, 2, 7);
    assert_string_equal(trace(&c, 8, 10, buf), "2L 1L 0H");
}

static void mode_0_gate_holds(void **state)
{
    (void)state;
    char buf[200];
    struct pit_counter c = new_counter(BOTH | MODE(0), true);
    pit_counter_write(&c, 3, 0);
    pit_counter_write(&c, 0, 0);
    assert_string_equal(trace(&c, 1, 2, buf), "3L 2L");
    pit_counter_gate(&c, false, 2);
    assert_string_equal(trace(&c, 3, 4, buf), "2L 2L");
    assert_true(pit_counter_next_change(&c, 4, false) == PIT_TICK_NEVER);
    pit_counter_gate(&c, true, 4);
    assert_string_equal(trace(&c, 5, 7, buf), "1L 0H ffffH");
}

static void mode_0_loads_with_gate_low(void **state)
{
    (void)state;
    char buf[200];
    struct pit_counter c = new_counter(LSB | MODE(0), false);
    pit_counter_write(&c, 2, 0);
    assert_string_equal(trace(&c, 1, 3, buf), "2L 2L 2L");
    pit_counter_gate(&c, true, 3);
    assert_string_equal(trace(&c, 4, 5, buf), "1L 0H");
}

static void mode_0_two_bytes(void **state)
{
    (void)state;
    char buf[200];
    struct pit_counter c = new_counter(BOTH | MODE(0), true);
    pit_counter_write(&c, 2, 0);
    pit_counter_write(&c, 0, 0);
    assert_string_equal(trace(&c, 3, 3, buf), "0H");
    pit_counter_write(&c, 1, 5); /* stops the count, OUT low at once */
    assert_string_equal(trace(&c, 5, 7, buf), "fffeL fffeL fffeL");
    pit_counter_write(&c, 1, 7);
    assert_false(pit_counter_out(&c, 7)); /* and not high again before the load */
    assert_int_equal(ce(&c, 8), 0x101);
    assert_int_equal(pit_counter_next_change(&c, 8, false), 8 + 0x101);
}

static void mode_1_one_shot(void **state)
{
    (void)state;
    char buf[200];
    struct pit_counter c = new_counter(LSB | MODE(1), false);
    pit_counter_write(&c, 3, 0);
    assert_true(pit_counter_out(&c, 5));
    assert_true(pit_counter_next_change(&c, 5, false) == PIT_TICK_NEVER);
    pit_counter_gate(&c, true, 5);
    assert_true(pit_counter_out(&c, 5));
    struct pit_counter copy = c;
    assert_edges(&copy, 5, 100);
    pit_counter_gate(&c, false, 6); /* the level does not matter */
    assert_string_equal(trace(&c, 6, 10, buf), "3L 2L 1L 0H ffH");
    pit_counter_gate(&c, true, 10);
    assert_string_equal(trace(&c, 11, 12, buf), "3L 2L");
    pit_counter_gate(&c, false, 12);
    pit_counter_write(&c, 5, 12); /* the running pulse keeps its length */
    assert_string_equal(trace(&c, 13, 14, buf), "1L 0H");
    pit_counter_gate(&c, true, 14);
    pit_counter_gate(&c, false, 15);
    pit_counter_gate(&c, true, 16); /* retriggered */
    assert_string_equal(trace(&c, 17, 22, buf), "5L 4L 3L 2L 1L 0H");
}

static void mode_2_rate(void **state)
{
    (void)state;
    char buf[200];
    struct pit_counter c = new_counter(LSB | MODE(2), true);
    pit_counter_write(&c, 3, 0);
    struct pit_counter copy = c;
    assert_edges(&copy, 0, 100);
    assert_string_equal(trace(&c, 1, 7, buf), "3H 2H 1L 3H 2H 1L 3H");
    /* A new count is taken at the end of the period. */
    pit_counter_write(&c, 5, 7);
    copy = c;
    assert_edges(&copy, 7, 100);
    assert_string_equal(trace(&c, 8, 15, buf), "2H 1L 5H 4H 3H 2H 1L 5H");
}

static void mode_2_gate(void **state)
{
    (void)state;
    char buf[200];
    struct pit_counter c = new_counter(LSB | MODE(2), true);
    pit_counter_write(&c, 3, 0);
    assert_string_equal(trace(&c, 1, 3, buf), "3H 2H 1L");
    pit_counter_gate(&c, false, 3);
    assert_string_equal(trace(&c, 3, 5, buf), "1H 1H 1H"); /* OUT high at once */
    pit_counter_write(&c, 4, 5);
    pit_counter_gate(&c, true, 5); /* reloads with the next pulse */
    assert_string_equal(trace(&c, 6, 10, buf), "4H 3H 2H 1L 4H");
    pit_counter_write(&c, 9, 10); /* waits for the end of the period, then for the gate */
    pit_counter_gate(&c, false, 11);
    assert_string_equal(trace(&c, 11, 15, buf), "3H 3H 3H 3H 3H");
    pit_counter_gate(&c, true, 15);
    assert_string_equal(trace(&c, 16, 17, buf), "9H 8H");
}

static void a_trigger_without_a_count_does_nothing(void **state)
{
    (void)state;
    for (u8 mode = 1; mode <= 5; mode++) {
        struct pit_counter c = new_counter((u8)(LSB | MODE(mode)), false);
        pit_counter_gate(&c, true, 5);
        assert_true(pit_counter_out(&c, 10));
        assert_true(pit_counter_next_change(&c, 10, false) == PIT_TICK_NEVER);
        pit_counter_latch_status(&c, 10);
        assert_int_equal(pit_counter_read(&c, 10) & 0xc0, 0xc0);
    }
}

static void mode_3_even(void **state)
{
    (void)state;
    char buf[200];
    struct pit_counter c = new_counter(LSB | MODE(3), true);
    pit_counter_write(&c, 4, 0);
    struct pit_counter copy = c;
    assert_edges(&copy, 0, 100);
    assert_string_equal(trace(&c, 1, 6, buf), "4H 2H 4L 2L 4H 2H");
}

static void mode_3_odd(void **state)
{
    (void)state;
    char buf[200];
    struct pit_counter c = new_counter(LSB | MODE(3), true);
    pit_counter_write(&c, 5, 0);
    struct pit_counter copy = c;
    assert_edges(&copy, 0, 100);
    assert_string_equal(trace(&c, 1, 7, buf), "4H 2H 0H 4L 2L 4H 2H");
}

static void mode_3_new_count_at_the_half(void **state)
{
    (void)state;
    char buf[200];
    struct pit_counter c = new_counter(LSB | MODE(3), true);
    pit_counter_write(&c, 6, 0);
    assert_string_equal(trace(&c, 1, 2, buf), "6H 4H");
    pit_counter_write(&c, 4, 2);
    struct pit_counter copy = c;
    assert_edges(&copy, 2, 100);
    assert_string_equal(trace(&c, 3, 9, buf), "2H 4L 2L 4H 2H 4L 2L");
    pit_counter_write(&c, 8, 9); /* in the low half: at the end of the period */
    assert_string_equal(trace(&c, 10, 18, buf), "8H 6H 4H 2H 8L 6L 4L 2L 8H");
}

static void mode_3_gate(void **state)
{
    (void)state;
    char buf[200];
    struct pit_counter c = new_counter(LSB | MODE(3), true);
    pit_counter_write(&c, 4, 0);
    assert_string_equal(trace(&c, 1, 3, buf), "4H 2H 4L");
    pit_counter_gate(&c, false, 3);
    assert_string_equal(trace(&c, 4, 5, buf), "4H 4H");
    pit_counter_gate(&c, true, 5);
    assert_string_equal(trace(&c, 6, 9, buf), "4H 2H 4L 2L");
}

static void mode_4_software_strobe(void **state)
{
    (void)state;
    char buf[200];
    struct pit_counter c = new_counter(LSB | MODE(4), true);
    pit_counter_write(&c, 3, 0);
    struct pit_counter copy = c;
    assert_edges(&copy, 0, 100000); /* once only, also when CE wraps */
    assert_string_equal(trace(&c, 1, 6, buf), "3H 2H 1H 0L ffH feH");
    pit_counter_write(&c, 2, 6);
    assert_string_equal(trace(&c, 7, 10, buf), "2H 1H 0L ffH");
}

static void mode_5_hardware_strobe(void **state)
{
    (void)state;
    char buf[200];
    struct pit_counter c = new_counter(LSB | MODE(5), false);
    pit_counter_write(&c, 3, 0);
    assert_true(pit_counter_out(&c, 4));
    pit_counter_gate(&c, true, 4);
    struct pit_counter copy = c;
    assert_edges(&copy, 4, 100);
    assert_string_equal(trace(&c, 5, 9, buf), "3H 2H 1H 0L ffH");
}

static void counts_in_bcd(void **state)
{
    (void)state;
    char buf[200];
    struct pit_counter c = new_counter(BOTH | MODE(2) | BCD, true);
    pit_counter_write(&c, 0x01, 0);
    pit_counter_write(&c, 0x10, 0);
    assert_string_equal(trace(&c, 1, 3, buf), "1001H 1000H 999H");
    assert_int_equal(pit_counter_next_change(&c, 3, true), 1 + 1001);
    /* Mode 0 wraps to 9999. */
    c = new_counter(BOTH | MODE(0) | BCD, true);
    pit_counter_write(&c, 1, 0);
    pit_counter_write(&c, 0, 0);
    assert_string_equal(trace(&c, 1, 3, buf), "1L 0H 9999H");
}

static void zero_is_the_largest_count(void **state)
{
    (void)state;
    struct pit_counter c = new_counter(BOTH | MODE(2), true);
    pit_counter_write(&c, 0, 0);
    pit_counter_write(&c, 0, 0);
    assert_int_equal(ce(&c, 1), 0);
    assert_int_equal(ce(&c, 2), 0xffff);
    assert_int_equal(pit_counter_next_change(&c, 1, true), 1 + 65536);
    c = new_counter(BOTH | MODE(2) | BCD, true);
    pit_counter_write(&c, 0, 0);
    pit_counter_write(&c, 0, 0);
    assert_int_equal(ce(&c, 2), 0x9999);
    assert_int_equal(pit_counter_next_change(&c, 1, true), 1 + 10000);
    c = new_counter(MSB | MODE(2), true);
    pit_counter_write(&c, 2, 0);
    assert_int_equal(pit_counter_next_change(&c, 1, true), 1 + 0x200);
}

static void count_one_does_not_storm(void **state)
{
    (void)state;
    for (u8 mode = 2; mode <= 3; mode++) {
        struct pit_counter c = new_counter((u8)(LSB | MODE(mode)), true);
        pit_counter_write(&c, 1, 0);
        (void)pit_counter_out(&c, 1);
        assert_true(pit_counter_next_change(&c, 1, false) == PIT_TICK_NEVER);
        pit_counter_write(&c, 10, 50); /* and it can be left */
        assert_true(pit_counter_next_change(&c, 60, true) != PIT_TICK_NEVER);
    }
}

static void reads_alternate_and_latches_hold(void **state)
{
    (void)state;
    struct pit_counter c = new_counter(BOTH | MODE(2), true);
    pit_counter_write(&c, 0x34, 0);
    pit_counter_write(&c, 0x12, 0);
    assert_int_equal(pit_counter_read(&c, 1), 0x34);
    assert_int_equal(pit_counter_read(&c, 1 + 0x34 + 1), 0x11); /* live: the high byte of 11FFh */
    pit_counter_latch_count(&c, 1);
    pit_counter_latch_count(&c, 0x100); /* ignored until the first is read */
    assert_int_equal(pit_counter_read(&c, 0x200), 0x34);
    assert_int_equal(pit_counter_read(&c, 0x200), 0x12);
    assert_int_equal(pit_counter_read(&c, 2), 0x33);
    c = new_counter(MSB | MODE(2), true);
    pit_counter_write(&c, 0x12, 0);
    pit_counter_latch_count(&c, 1);
    assert_int_equal(pit_counter_read(&c, 300), 0x12); /* one byte ends this latch */
    assert_int_equal(pit_counter_read(&c, 300), 0x10);
}

static void status_comes_before_the_count(void **state)
{
    (void)state;
    struct pit_counter c = new_counter(BOTH | MODE(2), true);
    pit_counter_latch_status(&c, 0);
    assert_int_equal(pit_counter_read(&c, 0), 0x80 | 0x40 | 0x34); /* OUT high, null count */
    pit_counter_write(&c, 0x34, 0);
    pit_counter_write(&c, 0x12, 0);
    pit_counter_latch_status(&c, 0);
    pit_counter_latch_status(&c, 1);                               /* ignored until the first is read */
    assert_int_equal(pit_counter_read(&c, 1), 0x80 | 0x40 | 0x34); /* CE was not loaded yet */
    pit_counter_latch_count(&c, 1);
    pit_counter_latch_status(&c, 1);
    assert_int_equal(pit_counter_read(&c, 5), 0x80 | 0x34);
    assert_int_equal(pit_counter_read(&c, 5), 0x34);
    assert_int_equal(pit_counter_read(&c, 5), 0x12);
    /* A new count is "null" until the period ends. */
    pit_counter_write(&c, 9, 10);
    pit_counter_write(&c, 0, 10);
    pit_counter_latch_status(&c, 0x1234);
    assert_int_equal(pit_counter_read(&c, 0x1234) & 0xc0, 0x40); /* and OUT is low in the last pulse */
    pit_counter_latch_status(&c, 0x1235);
    assert_int_equal(pit_counter_read(&c, 0x1235) & 0xc0, 0x80);
}

static void modes_6_and_7_are_2_and_3(void **state)
{
    (void)state;
    struct pit_counter c = new_counter(LSB | MODE(7), true);
    pit_counter_write(&c, 4, 0);
    assert_int_equal(pit_counter_next_change(&c, 1, false), 3);
    pit_counter_latch_status(&c, 1);
    assert_int_equal(pit_counter_read(&c, 1) & 0x3f, LSB | MODE(7)); /* as written */
    c = new_counter(LSB | MODE(6), true);
    pit_counter_write(&c, 4, 0);
    assert_int_equal(pit_counter_next_change(&c, 1, false), 4);
}

/* Random programming: every change of OUT that happens is the one that was announced. */
static void edges_are_announced(void **state)
{
    (void)state;
    u32 seed = 12345;
    s64 t = 0;
    struct pit_counter c;
    pit_counter_reset(&c, true);
    for (int i = 0; i < 20000; i++) {
        seed = seed * 1664525u + 1013904223u;
        u8 value = (u8)(seed >> 24);
        unsigned action = seed >> 12 & 7;
        if (action == 0)
            pit_counter_control(&c, (u8)((value & 0x0f) | LSB), t);
        else if (action <= 2)
            pit_counter_write(&c, value & 15, t);
        else if (action <= 4)
            pit_counter_gate(&c, value & 1, t);
        struct pit_counter copy = c;
        assert_edges(&copy, t, t + (seed >> 8 & 63));
        t += seed >> 8 & 63;
    }
}

int pit_counter_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mode_0_terminal_count),
        cmocka_unit_test(mode_0_gate_holds),
        cmocka_unit_test(mode_0_loads_with_gate_low),
        cmocka_unit_test(mode_0_two_bytes),
        cmocka_unit_test(mode_1_one_shot),
        cmocka_unit_test(mode_2_rate),
        cmocka_unit_test(mode_2_gate),
        cmocka_unit_test(a_trigger_without_a_count_does_nothing),
        cmocka_unit_test(mode_3_even),
        cmocka_unit_test(mode_3_odd),
        cmocka_unit_test(mode_3_new_count_at_the_half),
        cmocka_unit_test(mode_3_gate),
        cmocka_unit_test(mode_4_software_strobe),
        cmocka_unit_test(mode_5_hardware_strobe),
        cmocka_unit_test(counts_in_bcd),
        cmocka_unit_test(zero_is_the_largest_count),
        cmocka_unit_test(count_one_does_not_storm),
        cmocka_unit_test(reads_alternate_and_latches_hold),
        cmocka_unit_test(status_comes_before_the_count),
        cmocka_unit_test(modes_6_and_7_are_2_and_3),
        cmocka_unit_test(edges_are_announced),
    };
    return cmocka_run_group_tests_name("pit counter", tests, NULL, NULL);
}
