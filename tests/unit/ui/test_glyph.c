/* Characters of code page 437. */
#include "ui_tests.h"

#include "ui/glyph.h"

static void all_are_distinct_and_found_again(void **state)
{
    (void)state;
    assert_int_equal(glyph_unicode(0), ' ');
    for (u32 code = 1; code < 256; code++) {
        u8 back;
        assert_true(glyph_code(glyph_unicode((u8)code), &back));
        assert_int_equal(back, code);
    }
}

static void what_is_not_there_is_not_found(void **state)
{
    u8 code;
    (void)state;
    assert_false(glyph_code(0x20ac, &code)); /* the euro */
    assert_false(glyph_code(0x1f600, &code));
    assert_false(glyph_code(0x80, &code));
    assert_false(glyph_code(1, &code));
}

static void ascii_is_itself_and_the_rest_is_printable(void **state)
{
    (void)state;
    for (u32 code = 0; code < 256; code++) {
        char c = glyph_ascii((u8)code);
        assert_in_range(c, ' ', '~');
        if (code >= ' ' && code <= '~')
            assert_int_equal(c, code);
    }
    assert_int_equal(glyph_ascii(0x84), 'a'); /* a with two dots */
    assert_int_equal(glyph_ascii(0xa5), 'N');
    assert_int_equal(glyph_ascii(0xb3), '|');
    assert_int_equal(glyph_ascii(0xcd), '-');
    assert_int_equal(glyph_ascii(0xe1), 'B');
    assert_int_equal(glyph_ascii(0xf1), '+');
    assert_int_equal(glyph_ascii(0xff), ' ');
}

static void lines_are_a_vt100s(void **state)
{
    static const struct {
        u8 code;
        char letter;
    } lines[] = {{0xb1, 'a'}, {0xb3, 'x'}, {0xba, 'x'}, {0xbf, 'k'}, {0xc0, 'm'}, {0xc4, 'q'}, {0xc5, 'n'},
                 {0xc8, 'm'}, {0xc9, 'l'}, {0xbb, 'k'}, {0xbc, 'j'}, {0xcd, 'q'}, {0xd9, 'j'}, {0xda, 'l'},
                 {0xaf, 0},   {0xdb, 0},   {0xdf, 0},   {'a', 0},    {0x00, 0}};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(lines); i++)
        assert_int_equal(glyph_vt100(lines[i].code), lines[i].letter);
}

int glyph_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_are_distinct_and_found_again),
        cmocka_unit_test(what_is_not_there_is_not_found),
        cmocka_unit_test(ascii_is_itself_and_the_rest_is_printable),
        cmocka_unit_test(lines_are_a_vt100s),
    };
    return cmocka_run_group_tests_name("glyph", tests, NULL, NULL);
}
