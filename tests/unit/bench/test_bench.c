/* What benchmarks compute of what they measured, and their reports of a host that has everything and of one
 * that has nothing. */
#include "bench/distribution.h"
#include "bench/exits.h"
#include "bench/memory.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void percentiles(void **state)
{
    u64 sample[1000];
    struct distribution d;
    (void)state;
    for (u32 i = 0; i < 1000; i++)
        sample[i] = (u64)(i * 7 % 1000) + 101; /* 101 to 1100, not in order */
    assert_int_equal(distribution_make(&d, sample, 1000, 100), 0);
    assert_int_equal(d.min, 1);
    assert_int_equal(d.p10, 100);
    assert_int_equal(d.p50, 500);
    assert_int_equal(d.p90, 900);
    assert_int_equal(d.p99, 990);
    assert_int_equal(d.max, 1000);
    assert_int_equal(d.beyond, 10);
    double sum = 0;
    for (u32 i = 0; i < d.bins; i++) {
        sum += d.count[i];
        assert_true(d.edge[i] < d.edge[i + 1]);
        assert_in_range((u64)d.count[i], 24, 26);
    }
    assert_int_equal((u64)sum, 990);
    assert_int_equal(sample[1], 108); /* as they were */
}

static void few_samples(void **state)
{
    struct distribution d;
    const u64 one[] = {5}, same[] = {7, 7, 7};
    (void)state;
    assert_int_equal(distribution_make(&d, one, 0, 0), 0);
    assert_int_equal(d.n + d.bins + d.max, 0);
    assert_int_equal(distribution_make(&d, one, 1, 9), 0); /* never below zero */
    assert_int_equal(d.n, 1);
    assert_int_equal(d.max, 0);
    assert_int_equal((u64)d.count[0], 1);
    assert_int_equal(distribution_make(&d, same, 3, 0), 0);
    assert_int_equal(d.min, 7);
    assert_int_equal(d.p99, 7);
    assert_int_equal((u64)d.count[0], 3);
    u64 sorted[] = {9, 1, 5};
    assert_int_equal(median_of(sorted, 3), 5);
    assert_int_equal(median_of(sorted, 0), 0);
}

/* Either order comes to each element, and back to the first only then. */
static void orders(void **state)
{
    enum { MOST = 1 << 16 };
    static u8 seen[MOST];
    (void)state;
    for (u32 n = 16; n <= MOST; n *= 2) {
        for (int order = 0; order < MEMORY_ORDERS; order++) {
            u32 at = 0, steps = 0;
            memset(seen, 0, sizeof seen);
            do {
                assert_false(seen[at]);
                seen[at] = 1;
                at = memory_next(at, n, (enum memory_order)order);
                steps++;
            } while (at);
            assert_int_equal(steps, n);
        }
    }
}

/* Random is random enough: neighbours are rarely on one page. */
static void random_jumps(void **state)
{
    enum { N = 1 << 16, PER_PAGE = 64 };
    u32 near = 0;
    (void)state;
    for (u32 i = 0; i < N; i++)
        near += memory_next(i, N, MEMORY_RANDOM) / PER_PAGE == i / PER_PAGE;
    assert_in_range(near, 0, N / 100);
}

static char *printed_exits(const struct exits_bench *bench)
{
    char *text;
    size_t bytes;
    FILE *out = open_memstream(&text, &bytes);
    assert_non_null(out);
    exits_print(out, bench);
    fclose(out);
    return text;
}

static void exits_of_nothing(void **state)
{
    struct exits_bench *bench = calloc(1, sizeof *bench);
    (void)state;
    assert_non_null(bench);
    bench->cycles_per_ns = 2;
    for (int run = 0; run < EXITS_RUNS; run++)
        for (int kind = 0; kind < EXITS_KIND_COUNT; kind++)
            bench->run[run].kind[kind].why = "there is none";
    char *text = printed_exits(bench);
    for (int kind = 0; kind < EXITS_KIND_COUNT; kind++)
        assert_non_null(strstr(text, exits_text((enum exits_kind)kind)));
    assert_non_null(strstr(text, "not here: there is none"));
    json_t *json = exits_json(bench);
    json_t *kinds = json_object_get(json_array_get(json_object_get(json, "runs"), 3), "kinds");
    assert_int_equal(json_array_size(kinds), EXITS_KIND_COUNT);
    assert_false(json_is_true(json_object_get(json_array_get(kinds, 0), "there")));
    json_decref(json);
    free(text);
    free(bench);
}

/* Samples of one kind are less its control, in nanoseconds of this counter. */
static void exits_of_one_kind(void **state)
{
    struct exits_bench *bench = calloc(1, sizeof *bench);
    u64 sample[] = {4100, 4200, 4300};
    (void)state;
    assert_non_null(bench);
    bench->cycles_per_ns = 2;
    struct exits_result *out = &bench->run[0].kind[EXITS_out];
    *out = (struct exits_result){.there = true, .n = 3, .sample = sample, .control = 200, .elements = 1};
    assert_int_equal(distribution_make(&out->net, sample, 3, out->control), 0);
    char *text = printed_exits(bench);
    assert_non_null(strstr(
        text, "\nOUT                         4,000  1.95 us  1.95 us     2 us  2.05 us  2.05 us  2.05 us"));
    assert_non_null(strstr(text, "THEY DISAGREE"));
    free(text);
    bench->bare.bare_ns = 2000;
    bench->bare.sampled_ns = 2100;
    text = printed_exits(bench);
    assert_non_null(strstr(text, "2 us an exit, sampled 2.1 us: ratio 1.05, they agree within 20 %"));
    free(text);
    free(bench);
}

static void slowdowns(void **state)
{
    struct memory_bench *bench = calloc(1, sizeof *bench);
    char *text;
    size_t bytes;
    (void)state;
    assert_non_null(bench);
    bench->cycles_per_ns = 2;
    bench->sizes = 1;
    bench->bytes[0] = 4096;
    for (int place = 0; place < MEMORY_PLACE_COUNT; place++)
        for (int order = 0; order < MEMORY_ORDERS; order++)
            bench->point[place][order][0] =
                (struct memory_point){.elements = 100, .cycles = 1000u * (u32)(place + 1)};
    bench->why[MEMORY_flat_kvm] = "there is none";
    bench->point[MEMORY_flat_kvm][0][0].elements = bench->point[MEMORY_flat_kvm][1][0].elements = 0;
    FILE *out = open_memstream(&text, &bytes);
    assert_non_null(out);
    memory_print(out, bench);
    fclose(out);
    /* Huge pages against huge pages, the others against small ones. */
    assert_non_null(
        strstr(text, "guest, 64-bit, 4 KiB pages: 4 KiB at random in 3x the host's time, in order in 3x"));
    assert_non_null(
        strstr(text, "guest, 64-bit, huge pages: 4 KiB at random in 2x the host's time, in order in 2x"));
    assert_non_null(strstr(text, "guest, 32-bit, in KVM: not here: there is none"));
    assert_non_null(strstr(
        text,
        "4 KiB               5 ns         10 ns         15 ns         20 ns             -         30 ns"));
    free(text);
    free(bench);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(percentiles),      cmocka_unit_test(few_samples),
        cmocka_unit_test(orders),           cmocka_unit_test(random_jumps),
        cmocka_unit_test(exits_of_nothing), cmocka_unit_test(exits_of_one_kind),
        cmocka_unit_test(slowdowns),
    };
    return cmocka_run_group_tests_name("bench", tests, NULL, NULL);
}
