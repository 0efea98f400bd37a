/* The guest's colours on a terminal. */
#include "ui_tests.h"

#include "ui/palette.h"

/* The VGA's after a mode set. */
static const u32 vga[PALETTE_SLOTS] = {
    0x000000, 0x0000aa, 0x00aa00, 0x00aaaa, 0xaa0000, 0xaa00aa, 0xaa5500, 0xaaaaaa,
    0x555555, 0x5555ff, 0x55ff55, 0x55ffff, 0xff5555, 0xff55ff, 0xffff55, 0xffffff,
};

static void sixteen_colors_are_a_terminals_in_its_order(void **state)
{
    static const u16 order[PALETTE_SLOTS] = {0, 4, 2, 6, 1, 5, 3, 7, 8, 12, 10, 14, 9, 13, 11, 15};
    u16 out[PALETTE_SLOTS];
    (void)state;
    palette_assign(vga, 16, false, out);
    assert_memory_equal(out, order, sizeof order);
}

static void of_eight_colors_only_eight_are_taken(void **state)
{
    u16 out[PALETTE_SLOTS];
    (void)state;
    palette_assign(vga, 8, false, out);
    for (u32 i = 0; i < PALETTE_SLOTS; i++)
        assert_true(out[i] < 8);
    assert_int_equal(out[1], 4);
    assert_int_equal(out[15], 7);
}

static void many_colors_are_the_nearest_and_not_the_users(void **state)
{
    u16 out[PALETTE_SLOTS];
    (void)state;
    palette_assign(vga, 256, true, out);
    for (u32 i = 0; i < PALETTE_SLOTS; i++) {
        assert_in_range(out[i], 16, 255);
        for (u32 k = 0; k < i; k++)
            assert_int_not_equal(out[i], out[k]);
    }
    assert_int_equal(out[0], 16);
    assert_int_equal(out[1], 19); /* 0000af */
    assert_int_equal(palette_rgb(out[15]), 0xffffff);
    assert_int_equal(palette_rgb(out[6]), 0xaf5f00);
}

static void what_is_alike_stays_alike(void **state)
{
    u32 rgb[PALETTE_SLOTS] = {0};
    u16 out[PALETTE_SLOTS];
    (void)state;
    rgb[3] = 0x010101; /* nearest to what the others have, but not the same */
    palette_assign(rgb, 256, true, out);
    for (u32 i = 0; i < PALETTE_SLOTS; i++)
        assert_int_equal(out[i] == out[0], i != 3);
}

static void cube_and_greys(void **state)
{
    (void)state;
    assert_int_equal(palette_rgb(16), 0x000000);
    assert_int_equal(palette_rgb(16 + 36 + 2 * 6 + 3), 0x5f87af);
    assert_int_equal(palette_rgb(231), 0xffffff);
    assert_int_equal(palette_rgb(232), 0x080808);
    assert_int_equal(palette_rgb(255), 0xeeeeee);
    assert_int_equal(palette_brightness(0xffffff), 255);
    assert_true(palette_brightness(0x0000ff) < palette_brightness(0xff0000));
    assert_true(palette_brightness(0xff0000) < palette_brightness(0x00ff00));
}

int palette_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sixteen_colors_are_a_terminals_in_its_order),
        cmocka_unit_test(of_eight_colors_only_eight_are_taken),
        cmocka_unit_test(many_colors_are_the_nearest_and_not_the_users),
        cmocka_unit_test(what_is_alike_stays_alike),
        cmocka_unit_test(cube_and_greys),
    };
    return cmocka_run_group_tests_name("palette", tests, NULL, NULL);
}
