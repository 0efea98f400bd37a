/* --explain: the arithmetic of the instrument with made-up timestamps, and the report of made-up figures. */
#include "cli_tests.h"

#include "explain.h"
#include "report/explain.h"
#include "report/svg.h"
#include "report/table.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct explain_scale ticks_are_ns = {.ns = 1, .per = 1};

static struct explain *create(u64 timestamp)
{
    struct explain_costs costs = {
        .timestamp = timestamp,
        .mark = timestamp,
        .syscall = 10,
        .immediate = 30,
        .entry = {[EXPLAIN_ENTRY_REGS] = 5, [EXPLAIN_ENTRY_SREGS] = 7},
    };
    for (u32 i = 0; i < EXIT_KIND_COUNT; i++)
        costs.exit[i] = 50;
    costs.exit[EXIT_mmio_read] = 60;
    struct explain *e = explain_create(&costs);
    assert_non_null(e);
    return e;
}

static void finish(struct explain *e, u64 now, struct run_explain *out)
{
    struct explain_totals totals = {.total = now - explain_first_entry(e)};
    explain_finish(e, now, &totals, &ticks_are_ns, out);
    explain_destroy(e);
}

static bool counted(struct explain *e, enum exit_kind kind, u64 now)
{
    bool sample = explain_counted(e, kind);
    if (sample) {
        explain_begin(e, now);
        explain_go_on(e, now);
    }
    return sample;
}

/* An exit from `at` on whose KVM_RUN takes `run` and whose device takes `device`; returns when it is over. */
static u64 one_exit(struct explain *e, enum exit_kind kind, u64 at, u64 run, u64 device)
{
    u64 end = at + run;
    explain_ran(e, at, end, EXPLAIN_ENTRY_CLEAN);
    if (counted(e, kind, end + 3))
        explain_mark(e, EXPLAIN_events, end + 3 + device);
    return end + 3 + device;
}

static void an_exit_is_cut_into_steps(void **state)
{
    struct run_explain out;
    struct explain *e = create(2);
    (void)state;
    explain_ran(e, 1000, 1102, EXPLAIN_ENTRY_REGS);
    assert_true(counted(e, EXIT_pio_out, 1112));
    assert_int_equal(explain_mark(e, EXPLAIN_lookup, 1132), EXPLAIN_device);
    explain_span(e, EXPLAIN_cluster, 30); /* 1140 to 1170 */
    explain_span(e, EXPLAIN_asleep, 100); /* to 1270 */
    assert_int_equal(explain_spanned(e), 130);
    assert_int_equal(explain_mark(e, EXPLAIN_events, 1275), EXPLAIN_lookup);
    explain_ran(e, 1290, 1350, EXPLAIN_ENTRY_CLEAN); /* ends it */
    finish(e, 1400, &out);
    static const u64 expected[EXPLAIN_STEPS] = {
        [EXPLAIN_syscall] = 10, [EXPLAIN_kvm] = 20,     [EXPLAIN_world] = 20,   [EXPLAIN_state] = 5,
        [EXPLAIN_count] = 8,    [EXPLAIN_device] = 18,  [EXPLAIN_lookup] = 11,  [EXPLAIN_events] = 15,
        [EXPLAIN_guest] = 45,   [EXPLAIN_cluster] = 30, [EXPLAIN_asleep] = 100,
    };
    const struct run_explain_kind *kind = &out.kind[EXIT_pio_out];
    assert_int_equal(kind->exits, 1);
    assert_int_equal(kind->sampled, 1);
    for (u32 i = 0; i < EXPLAIN_STEPS; i++)
        assert_int_equal(kind->step[i].sum_ns, expected[i]);
    assert_int_equal(explain_kind_ns(kind), 107);
    assert_int_equal(explain_sum_ns(&out), 107);
}

static void a_short_run_is_all_exit(void **state)
{
    struct run_explain out;
    struct explain *e = create(0);
    (void)state;
    u64 at = one_exit(e, EXIT_mmio_read, 100, 25, 5);
    finish(e, at, &out);
    const struct run_explain_kind *kind = &out.kind[EXIT_mmio_read];
    assert_int_equal(kind->step[EXPLAIN_syscall].sum_ns, 10);
    assert_int_equal(kind->step[EXPLAIN_kvm].sum_ns, 15);
    assert_int_equal(kind->step[EXPLAIN_world].sum_ns, 0);
    assert_int_equal(kind->step[EXPLAIN_guest].sum_ns, 0);
    assert_int_equal(out.guest_ns, 0);
}

/* All exits timed and no time unaccounted for: then the sum is what was measured. */
static void the_sum_is_what_is_measured(void **state)
{
    struct run_explain out;
    struct explain *e = create(0);
    u64 at = 500;
    (void)state;
    for (u32 i = 0; i < 100; i++) {
        at = one_exit(e, EXIT_pio_in, at, 90, 20 + i % 3);
        at = one_exit(e, EXIT_mmio_read, at, 75, 40) + 9;
    }
    finish(e, at, &out);
    assert_int_equal(out.total_ns, at - 500);
    assert_int_equal(out.guest_ns, 100 * (90 - 50) + 100 * (75 - 60));
    assert_int_equal(explain_measured_ns(&out), out.total_ns - out.guest_ns);
    assert_int_equal(explain_sum_ns(&out), explain_measured_ns(&out));
    assert_int_equal(out.kind[EXIT_pio_in].step[EXPLAIN_device].sum_ns, 100 * 20 + 33 * 3);
    assert_int_equal(out.kind[EXIT_mmio_read].step[EXPLAIN_events].sum_ns, 900);
}

/* Clusters and sleep are nobody's overhead, as sums and as measured. */
static void clusters_and_sleep_are_no_overhead(void **state)
{
    struct run_explain out;
    struct explain *e = create(0);
    (void)state;
    explain_ran(e, 100, 150, EXPLAIN_ENTRY_CLEAN);
    assert_true(counted(e, EXIT_hlt, 160));
    explain_span(e, EXPLAIN_asleep, 1000);
    explain_span(e, EXPLAIN_cluster, 300);
    struct explain_totals totals = {.total = 1380, .cluster = 300, .asleep = 1000};
    explain_finish(e, 1480, &totals, &ticks_are_ns, &out);
    explain_destroy(e);
    assert_int_equal(explain_sum_ns(&out), 80);
    assert_int_equal(explain_measured_ns(&out), 80);
}

/* The first exits of a kind cost another price than the later ones, of which one of a few is timed: still
 * exact. */
static void later_exits_are_extrapolated(void **state)
{
    enum { EXITS = 20000, LATER = EXITS - EXPLAIN_FIRST, DEAR = 900, CHEAP = 40 };
    struct run_explain out;
    struct explain *e = create(0);
    u64 at = 1;
    (void)state;
    for (u32 i = 0; i < EXITS; i++) {
        at = one_exit(e, EXIT_pio_in, at, 60, i < EXPLAIN_FIRST ? DEAR : CHEAP);
        at = one_exit(e, EXIT_mmio_write, at, 60, 10);
    }
    finish(e, at, &out);
    const struct run_explain_kind *in = &out.kind[EXIT_pio_in];
    assert_int_equal(in->exits, EXITS);
    assert_in_range(in->sampled, EXPLAIN_FIRST + LATER / EXPLAIN_PERIOD * 4 / 5,
                    EXPLAIN_FIRST + LATER / EXPLAIN_PERIOD * 6 / 5);
    assert_int_equal(in->step[EXPLAIN_device].sum_ns, EXPLAIN_FIRST * DEAR + LATER * CHEAP);
    assert_in_range(in->step[EXPLAIN_device].median_ns, CHEAP - CHEAP / 8, CHEAP + CHEAP / 8);
    assert_int_equal(out.kind[EXIT_mmio_write].step[EXPLAIN_device].sum_ns, EXITS * 10);
    assert_int_equal(explain_sum_ns(&out), explain_measured_ns(&out));
}

/* One exit of EXPLAIN_PERIOD is dear: not all of the timed ones are, nor none. */
static void samples_do_not_beat_with_the_guest(void **state)
{
    enum { ALL = 400000 };
    struct run_explain out;
    struct explain *e = create(0);
    u64 at = 1;
    (void)state;
    for (u32 i = 0; i < ALL; i++)
        at = one_exit(e, EXIT_pio_out, at, 60, i % EXPLAIN_PERIOD ? 10 : 310);
    finish(e, at, &out);
    u64 truth = (u64)ALL * 10 + (u64)(ALL + EXPLAIN_PERIOD - 1) / EXPLAIN_PERIOD * 300;
    assert_in_range(out.kind[EXIT_pio_out].step[EXPLAIN_device].sum_ns, truth * 9 / 10, truth * 11 / 10);
}

/* Exits behind which a cluster was formed, and long ones, are added as they are, whether they are samples or
 * not. */
static void what_is_like_no_other_is_exact(void **state)
{
    enum { EXITS = 4000, EACH = 100, FORMING = 700, LONG = 50 * EXPLAIN_LONG + 1 };
    struct run_explain out;
    struct explain *e = create(0);
    u64 at = 1;
    (void)state;
    for (u32 i = 0; i < EXITS; i++) {
        at = one_exit(e, EXIT_pio_out, at, 60, 17);
        if (i % EACH == 0)
            explain_formed(e);
        at += i % EACH == 0 ? FORMING : i % EACH == 1 ? LONG : 0;
    }
    finish(e, at, &out);
    const struct run_explain_kind *kind = &out.kind[EXIT_pio_out];
    assert_int_equal(kind->step[EXPLAIN_lookup].sum_ns, EXITS / EACH * (FORMING + 20));
    u64 longer = kind->step[EXPLAIN_longer].sum_ns, cut = EXITS / EACH - longer / (LONG + 20);
    assert_int_equal(longer % (LONG + 20), 0);
    assert_in_range(cut, 2, 10); /* two of the first, one of EXPLAIN_PERIOD of the others */
    assert_int_equal(kind->step[EXPLAIN_events].sum_ns, cut * LONG);
    assert_int_equal(kind->step[EXPLAIN_device].sum_ns, (EXITS - 2 * EXITS / EACH + cut) * 17);
    assert_int_equal(explain_sum_ns(&out), explain_measured_ns(&out));
}

/* The guest computes for more than 2^32 ns without an exit. */
static void long_steps_have_a_median(void **state)
{
    const u64 run = 6000000000;
    struct run_explain out;
    struct explain *e = create(0);
    u64 at = 1;
    (void)state;
    for (u32 i = 0; i < 4; i++)
        at = one_exit(e, EXIT_pio_out, at, run, 17);
    finish(e, at, &out);
    assert_in_range(out.kind[EXIT_pio_out].step[EXPLAIN_guest].median_ns, run - run / 8, run + run / 8);
}

/* Spans are exact, however few of the exits are samples. */
static void spans_are_exact(void **state)
{
    enum { EXITS = 5000 };
    struct run_explain out;
    struct explain *e = create(0);
    u64 at = 1, interrupts = 0;
    (void)state;
    for (u32 i = 0; i < EXITS; i++) {
        at = one_exit(e, EXIT_pio_out, at, 60, 17);
        if (i % 97)
            continue;
        explain_span(e, EXPLAIN_interrupt, i);
        at += i;
        interrupts += i;
    }
    finish(e, at, &out);
    assert_int_equal(out.kind[EXIT_pio_out].step[EXPLAIN_interrupt].sum_ns, interrupts);
    assert_int_equal(out.kind[EXIT_pio_out].step[EXPLAIN_interrupt].median_ns, 0);
    assert_int_equal(out.kind[EXIT_pio_out].step[EXPLAIN_longer].sum_ns, 0);
    assert_int_equal(explain_sum_ns(&out), explain_measured_ns(&out));
}

static void further_exits_and_unfinished_ones(void **state)
{
    struct run_explain out;
    struct explain *e = create(0);
    (void)state;
    explain_ran(e, 100, 160, EXPLAIN_ENTRY_SREGS);
    assert_true(counted(e, EXIT_string, 165));
    explain_further(e);
    explain_further(e);
    finish(e, 200, &out); /* in the middle of the device */
    assert_int_equal(out.further_exits, 2);
    assert_int_equal(out.kind[EXIT_string].exits, 1);
    assert_int_equal(out.kind[EXIT_string].step[EXPLAIN_device].sum_ns, 35);
    assert_int_equal(out.kind[EXIT_string].step[EXPLAIN_state].sum_ns, 7);
    assert_int_equal(out.guest_ns, 60 - 57);
}

static void a_run_without_exits(void **state)
{
    struct run_explain out;
    (void)state;
    struct explain *e = create(0);
    explain_span(e, EXPLAIN_interrupt, 100); /* before any */
    finish(e, 5, &out);
    assert_true(out.on);
    assert_int_equal(explain_sum_ns(&out), 0);
    assert_int_equal(out.guest_ns, 0);
}

/* --- the report --- */

static void set_step(struct run_explain_kind *kind, enum explain_step step, u64 each_ns)
{
    kind->step[step].sum_ns = each_ns * kind->exits;
    kind->step[step].median_ns = each_ns - each_ns / 10;
}

static void fake_kind(struct run_explain_kind *kind, u64 exits, u64 device_ns)
{
    *kind =
        (struct run_explain_kind){.exits = exits, .sampled = exits / 31, .exit_ns = 1500, .median_ns = 1900};
    set_step(kind, EXPLAIN_syscall, 120);
    set_step(kind, EXPLAIN_kvm, 480);
    set_step(kind, EXPLAIN_world, 900);
    set_step(kind, EXPLAIN_count, 40);
    set_step(kind, EXPLAIN_device, device_ns);
    set_step(kind, EXPLAIN_guest, 2500);
}

static void fake_explained(struct run_stats *s)
{
    *s = (struct run_stats){.variant = "window"};
    s->explain = (struct run_explain){
        .on = true,
        .further_exits = 1234,
        .syscall_ns = 120,
        .immediate_ns = 600,
        .regs_ns = 150,
        .sregs_ns = 900,
        .total_ns = 2000000000,
        .guest_ns = 1500000000,
        .cluster_ns = 260000000,
        .asleep_ns = 30000000,
    };
    struct run_explain_kind *kind = s->explain.kind;
    fake_kind(&kind[EXIT_pio_out], 65000, 80);
    fake_kind(&kind[EXIT_mmio_write], 32000, 33);
    fake_kind(&kind[EXIT_irq_window], 12, 50);
    set_step(&kind[EXIT_mmio_write], EXPLAIN_lookup, 210);
    set_step(&kind[EXIT_mmio_write], EXPLAIN_cluster, 8100);
}

static char *print(const struct run_stats *stats)
{
    char *text;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    assert_non_null(out);
    explain_print(out, stats);
    fclose(out);
    return text;
}

static void report_text(void **state)
{
    struct run_stats s;
    (void)state;
    fake_explained(&s);
    char *text = print(&s);
    assert_golden("explain.txt", text);
    for (const char *line = text; *line;) {
        size_t n = strcspn(line, "\n");
        assert_in_range(n, 0, REPORT_COLUMNS);
        line += n + (line[n] == '\n');
    }
    free(text);
    s.explain.total_ns = 1900000000; /* less than its parts add up to */
    text = print(&s);
    assert_non_null(strstr(text, "explained but not measured"));
    free(text);
    s.explain.on = false;
    text = print(&s);
    assert_string_equal(text, "");
    free(text);
}

static void report_json(void **state)
{
    struct run_stats s;
    (void)state;
    fake_explained(&s);
    json_t *json = explain_json(&s.explain);
    json_int_t sum, measured, remainder, each;
    assert_int_equal(json_unpack(json, "{s:I, s:I, s:I, s:{s:{s:{s:{s:I}}}}}", "sum_ns", &sum, "measured_ns",
                                 &measured, "remainder_ns", &remainder, "kinds", "mmio_write", "besides",
                                 "cluster", "each_ns", &each),
                     0);
    assert_int_equal(sum, explain_sum_ns(&s.explain));
    assert_int_equal(measured, 210000000);
    assert_int_equal(remainder, measured - sum);
    assert_int_equal(each, 8100);
    assert_null(json_object_get(json_object_get(json, "kinds"), "hlt"));
    json_decref(json);
    s.explain.on = false;
    json = explain_json(&s.explain);
    assert_true(json_is_null(json));
    json_decref(json);
}

static void report_bars(void **state)
{
    struct run_stats s;
    char *text;
    size_t size;
    (void)state;
    fake_explained(&s);
    FILE *out = open_memstream(&text, &size);
    struct svg *svg = svg_create("explain", "t", "d");
    assert_non_null(svg);
    explain_add_bars(svg, &s);
    assert_int_equal(svg_finish(svg, out), 0);
    fclose(out);
    assert_non_null(strstr(text, "memory-mapped writes"));
    assert_non_null(strstr(text, "window: one exit (median)"));
    assert_non_null(strstr(text, ">1.90 us<"));
    assert_non_null(strstr(text, "32,000 x 1.78 us = 57.1 ms"));
    assert_null(strstr(text, "interrupt window")); /* far less than a percent */
    free(text);
}

int test_explain(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_exit_is_cut_into_steps),
        cmocka_unit_test(a_short_run_is_all_exit),
        cmocka_unit_test(the_sum_is_what_is_measured),
        cmocka_unit_test(clusters_and_sleep_are_no_overhead),
        cmocka_unit_test(later_exits_are_extrapolated),
        cmocka_unit_test(samples_do_not_beat_with_the_guest),
        cmocka_unit_test(what_is_like_no_other_is_exact),
        cmocka_unit_test(long_steps_have_a_median),
        cmocka_unit_test(spans_are_exact),
        cmocka_unit_test(further_exits_and_unfinished_ones),
        cmocka_unit_test(a_run_without_exits),
        cmocka_unit_test(report_text),
        cmocka_unit_test(report_json),
        cmocka_unit_test(report_bars),
    };
    return cmocka_run_group_tests_name("explain", tests, NULL, NULL);
}
