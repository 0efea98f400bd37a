/* Machines saved in the middle of random traffic: the copy must answer every later access as the original
 * does. */
#include "state_tests.h"
#include "traffic.h"

#include "base/hash.h"

enum { RUNS = 60, STEPS_BEFORE = 150, STEPS_AFTER = 120 };

static void run_both(struct traffic *t, struct rig *a, struct rig *b)
{
    struct traffic other = *t;
    for (u32 i = 0; i < STEPS_AFTER; i++) {
        traffic_step(t, a);
        traffic_step(&other, b);
        if (t->seen != other.seen)
            fail_msg("step %u behind the load: another answer", i);
    }
    struct saved one = rig_save(a), two = rig_save(b);
    assert_int_equal(one.bytes, two.bytes);
    assert_memory_equal(one.data, two.data, one.bytes);
    saved_free(&one);
    saved_free(&two);
}

static void test_copy_answers_the_same(void **state)
{
    (void)state;
    for (u64 run = 1; run <= RUNS; run++) {
        struct traffic t = {.seed = run * 0x9e3779b97f4a7c15ull};
        struct rig *rig = rig_new();
        for (u32 i = traffic_random(&t, STEPS_BEFORE); i; i--)
            traffic_step(&t, rig);
        struct rig *clone = rig_clone(rig);
        run_both(&t, rig, clone);
        rig_free(clone);
        rig_free(rig);
    }
}

/* Into a machine that was busy with something else, as a script's `load` does. */
static void test_load_over_another(void **state)
{
    (void)state;
    for (u64 run = 1; run <= RUNS / 2; run++) {
        struct traffic t = {.seed = run * 0xd1342543de82ef95ull},
                       noise = {.seed = run * 0x2545f4914f6cdd1dull};
        struct rig *rig = rig_new(), *busy = rig_new();
        for (u32 i = 0; i < STEPS_BEFORE; i++) {
            traffic_step(&t, rig);
            traffic_step(&noise, busy);
        }
        struct saved saved = rig_save(rig);
        assert_true(rig_load(busy, &saved, NULL));
        saved_free(&saved);
        run_both(&t, rig, busy);
        rig_free(busy);
        rig_free(rig);
    }
}

int run_traffic_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_copy_answers_the_same),
        cmocka_unit_test(test_load_over_another),
    };
    return cmocka_run_group_tests_name("traffic", tests, NULL, NULL);
}
