/* The timeline of a run: nothing gets lost when buckets are merged, and counts are where they belong. */
#include "cli_tests.h"

#include "report/timeline.h"

#include <string.h>

enum { STEP_NS = 1000 };

static struct run_timeline_bucket total(const struct run_timeline *t)
{
    struct run_timeline_bucket sum = {0};
    for (u32 i = 0; i < TIMELINE_BUCKETS; i++) {
        sum.accesses += t->bucket[i].accesses;
        sum.exits += t->bucket[i].exits;
        sum.avoided += t->bucket[i].avoided;
    }
    return sum;
}

static void counts_in_the_bucket_of_the_moment(void **state)
{
    struct run_timeline t;
    (void)state;
    timeline_start(&t, 5 * NS_PER_MS);
    timeline_at(&t, 5 * NS_PER_MS)->exits++;
    timeline_at(&t, 6 * NS_PER_MS - 1)->exits++;
    timeline_at(&t, 6 * NS_PER_MS)->exits++;
    timeline_at(&t, 9 * NS_PER_MS)->exits += 4;
    assert_int_equal(t.used, 5);
    assert_int_equal(t.bucket[0].exits, 2);
    assert_int_equal(t.bucket[1].exits, 1);
    assert_int_equal(t.bucket[2].exits, 0);
    assert_int_equal(t.bucket[4].exits, 4);
    timeline_at(&t, 0)->exits++; /* a state was loaded: time went back */
    assert_int_equal(t.bucket[4].exits, 5);
    assert_int_equal(t.used, 5);
}

static void pairs_are_merged_when_full(void **state)
{
    struct run_timeline t;
    (void)state;
    timeline_start(&t, 0);
    for (u64 ms = 0; ms < TIMELINE_BUCKETS; ms++)
        timeline_at(&t, ms * NS_PER_MS)->exits = ms + 1;
    assert_int_equal(t.used, TIMELINE_BUCKETS);
    assert_int_equal(t.width_ns, NS_PER_MS);
    timeline_at(&t, TIMELINE_BUCKETS * NS_PER_MS)->exits = 1000;
    assert_int_equal(t.width_ns, 2 * NS_PER_MS);
    assert_int_equal(t.used, TIMELINE_BUCKETS / 2 + 1);
    assert_int_equal(t.bucket[0].exits, 1 + 2);
    assert_int_equal(t.bucket[127].exits, 255 + 256);
    assert_int_equal(t.bucket[128].exits, 1000);
    assert_int_equal(t.bucket[129].exits, 0);
    assert_int_equal(total(&t).exits, 256 * 257 / 2 + 1000);
}

static void any_length_fits(void **state)
{
    struct run_timeline t;
    (void)state;
    timeline_start(&t, 3);
    for (u32 i = 0; i < 62; i++)
        timeline_at(&t, 3 + (1ull << i))->avoided++;
    assert_int_equal(total(&t).avoided, 62);
    assert_in_range(t.used, TIMELINE_BUCKETS / 2, TIMELINE_BUCKETS);
    assert_true(timeline_end_ns(&t) > 1ull << 61);
    assert_true(timeline_end_ns(&t) - t.width_ns <= 3 + (1ull << 61));
}

/* 1,500 accesses until 2.3 ms: 300 in the third millisecond, 1,000 in the second, the first 200 in the first.
 */
static void accesses_are_where_they_were_made(void **state)
{
    struct run_timeline t;
    (void)state;
    timeline_start(&t, 0);
    timeline_access(&t, 2300000, 1500, STEP_NS);
    assert_int_equal(t.used, 3);
    assert_int_equal(t.bucket[0].accesses, 200);
    assert_int_equal(t.bucket[1].accesses, 1000);
    assert_int_equal(t.bucket[2].accesses, 300);
    timeline_access(&t, 3000000, 700, STEP_NS); /* up to the very end of it */
    assert_int_equal(t.bucket[2].accesses, 1000);
    assert_int_equal(t.bucket[3].accesses, 0);
    timeline_access(&t, 90 * NS_PER_MS + 10 * STEP_NS, 10, STEP_NS); /* time had jumped before */
    assert_int_equal(t.bucket[90].accesses, 10);
    timeline_access(&t, 90 * NS_PER_MS + 20 * STEP_NS, 1000000, STEP_NS); /* more than there was time for */
    assert_int_equal(total(&t).accesses, 1500 + 700 + 10 + 1000000);
}

static void avoided_exits_are_accesses_that_were_none(void **state)
{
    struct run_timeline t;
    (void)state;
    timeline_start(&t, 0);
    timeline_access(&t, 3 * NS_PER_MS - STEP_NS, 2500, STEP_NS);
    t.bucket[1].exits = 400;
    assert_int_equal(t.bucket[2].accesses, 999);
    timeline_avoid(&t, 1100);
    assert_int_equal(t.bucket[2].avoided, 999);
    assert_int_equal(t.bucket[1].avoided, 101);
    timeline_avoid(&t, 500);
    assert_int_equal(t.bucket[1].avoided, 600);
    assert_int_equal(t.bucket[0].avoided, 1);
    timeline_avoid(&t, 10000); /* more than there were: none is lost */
    assert_int_equal(total(&t).avoided, 11600);
}

int test_timeline(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counts_in_the_bucket_of_the_moment),
        cmocka_unit_test(pairs_are_merged_when_full),
        cmocka_unit_test(any_length_fits),
        cmocka_unit_test(accesses_are_where_they_were_made),
        cmocka_unit_test(avoided_exits_are_accesses_that_were_none),
    };
    return cmocka_run_group_tests_name("timeline", tests, NULL, NULL);
}
