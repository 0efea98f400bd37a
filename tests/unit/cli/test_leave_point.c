/* How far regions go on at places where they are left for the horizon. */
#include "leave_point.h"

#include "cli_tests.h"

static void judge(struct leave_point *point, bool too_early, u32 times)
{
    for (u32 i = 0; i < times; i++)
        leave_point_judge(point, too_early);
}

/* Horizons that go by up to and with the next leave. */
static u32 horizons(struct leave_point *point)
{
    u32 n = 1;
    while (!leave_point_leave(point))
        n++;
    return n;
}

static void an_unknown_place_is_left_at_once(void **state)
{
    struct leave_point point = {0};
    (void)state;
    for (u32 i = 0; i < 10; i++)
        assert_int_equal(horizons(&point), 1);
    assert_int_equal(point.leaves, 10);
}

static void two_verdicts_in_a_row_count(void **state)
{
    struct leave_point point = {0};
    (void)state;
    judge(&point, true, 1);
    assert_int_equal(point.shift, 0);
    judge(&point, true, 1);
    assert_int_equal(point.shift, 1);
    horizons(&point);
    assert_int_equal(horizons(&point), 2);
    for (u32 i = 0; i < 10; i++) /* one for, one against */
        judge(&point, i % 2, 1);
    assert_int_equal(point.shift, 1);
    judge(&point, false, 2);
    assert_int_equal(point.shift, 0);
}

static void promotion_has_an_end_and_so_has_demotion(void **state)
{
    struct leave_point point = {0};
    (void)state;
    judge(&point, false, 100);
    assert_int_equal(point.shift, 0);
    judge(&point, true, 100);
    assert_int_equal(point.shift, LEAVE_POINT_MAX_SHIFT);
    horizons(&point);
    assert_int_equal(horizons(&point), 1 << LEAVE_POINT_MAX_SHIFT);
}

static void a_promotion_wears_off(void **state)
{
    struct leave_point point = {0};
    (void)state;
    judge(&point, true, 4);
    assert_int_equal(point.shift, 2);
    for (u32 i = 0; i < LEAVE_POINT_WEAR; i++)
        horizons(&point);
    assert_int_equal(point.shift, 1);
    for (u32 i = 0; i < 4 * LEAVE_POINT_WEAR; i++)
        horizons(&point);
    assert_int_equal(point.shift, 0);
}

int test_leave_point(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_unknown_place_is_left_at_once),
        cmocka_unit_test(two_verdicts_in_a_row_count),
        cmocka_unit_test(promotion_has_an_end_and_so_has_demotion),
        cmocka_unit_test(a_promotion_wears_off),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
