/* From what a terminal sends to keys. */
#include "ui_tests.h"

#include "ui/chord.h"

#include <stdio.h>
#include <string.h>

static const char *describe(const struct chord *c)
{
    static char text[64];
    snprintf(text, sizeof text, "%s%s%s%d/%d", c->ctrl ? "C-" : "", c->alt ? "A-" : "", c->shift ? "S-" : "",
             c->key, c->code);
    return text;
}

static void assert_chord(const struct chord *got, enum key key, const char *with)
{
    char wanted[64];
    snprintf(wanted, sizeof wanted, "%s%s%s%d/0", strchr(with, 'C') ? "C-" : "",
             strchr(with, 'A') ? "A-" : "", strchr(with, 'S') ? "S-" : "", key);
    assert_string_equal(describe(got), wanted);
}

static void characters(void **state)
{
    static const struct {
        u32 c;
        enum key key;
        const char *with;
    } cases[] = {
        {'a', KEY_A, ""},          {'Z', KEY_Z, "S"},          {'1', KEY_1, ""},
        {'!', KEY_1, "S"},         {'~', KEY_GRAVE, "S"},      {' ', KEY_SPACE, ""},
        {'\r', KEY_ENTER, ""},     {'\n', KEY_ENTER, ""},      {'\t', KEY_TAB, ""},
        {0x08, KEY_BACKSPACE, ""}, {0x7f, KEY_BACKSPACE, ""},  {0x1b, KEY_ESC, ""},
        {0x01, KEY_A, "C"},        {0x03, KEY_C, "C"},         {0x1a, KEY_Z, "C"},
        {0x00, KEY_2, "C"},        {0x1c, KEY_BACKSLASH, "C"}, {0x1d, KEY_RIGHT_BRACKET, "C"},
        {0x1e, KEY_6, "C"},        {0x1f, KEY_MINUS, "C"},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct chord chord;
        assert_true(chord_of_char(cases[i].c, &chord));
        assert_chord(&chord, cases[i].key, cases[i].with);
    }
}

static void every_character_below_80h_can_be_typed(void **state)
{
    (void)state;
    for (u32 c = 0; c < 0x80; c++) {
        struct chord chord;
        assert_true(chord_of_char(c, &chord));
        assert_int_not_equal(chord.key, KEY_NONE);
    }
}

static void others_by_their_code(void **state)
{
    struct chord chord;
    (void)state;
    assert_true(chord_of_char(0xe9, &chord)); /* e acute */
    assert_int_equal(chord.key, KEY_NONE);
    assert_int_equal(chord.code, 0x82);
    assert_true(chord_of_char(0x2588, &chord));
    assert_int_equal(chord.code, 0xdb);
    assert_false(chord_of_char(0x20ac, &chord));
}

static void names(void **state)
{
    static const struct {
        const char *name;
        enum key key;
        const char *with;
    } cases[] = {
        {"KEY_UP", KEY_UP, ""},
        {"KEY_SR", KEY_UP, "S"},
        {"kUP5", KEY_UP, "C"},
        {"kUP3", KEY_UP, "A"},
        {"kDN", KEY_DOWN, "S"},
        {"kLFT6", KEY_LEFT, "SC"},
        {"kRIT7", KEY_RIGHT, "CA"},
        {"kHOM8", KEY_HOME, "SCA"},
        {"kEND4", KEY_END, "SA"},
        {"kPRV5", KEY_PAGE_UP, "C"},
        {"kNXT3", KEY_PAGE_DOWN, "A"},
        {"kIC5", KEY_INSERT, "C"},
        {"kDC3", KEY_DELETE, "A"},
        {"KEY_DC", KEY_DELETE, ""},
        {"KEY_IC", KEY_INSERT, ""},
        {"KEY_PPAGE", KEY_PAGE_UP, ""},
        {"KEY_NPAGE", KEY_PAGE_DOWN, ""},
        {"KEY_BTAB", KEY_TAB, "S"},
        {"KEY_BACKSPACE", KEY_BACKSPACE, ""},
        {"KEY_ENTER", KEY_ENTER, ""},
        {"KEY_F(1)", KEY_F1, ""},
        {"KEY_F(10)", KEY_F10, ""},
        {"KEY_F(11)", KEY_F11, ""},
        {"KEY_F(12)", KEY_F12, ""},
        {"KEY_F(13)", KEY_F1, "S"},
        {"KEY_F(24)", KEY_F12, "S"},
        {"KEY_F(25)", KEY_F1, "C"},
        {"KEY_F(37)", KEY_F1, "SC"},
        {"KEY_F(49)", KEY_F1, "A"},
        {"KEY_F(72)", KEY_F12, "SA"},
    };
    static const char *const none[] = {"",     "KEY_F(0)", "KEY_F(73)", "KEY_MOUSE",
                                       "kUP9", "kUPS",     "kXX5",      "KEY_RESIZE"};
    struct chord chord;
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        assert_true(chord_of_name(cases[i].name, &chord));
        assert_chord(&chord, cases[i].key, cases[i].with);
    }
    for (size_t i = 0; i < ARRAY_LEN(none); i++)
        assert_false(chord_of_name(none[i], &chord));
}

/* "+29 -29": keys down and up. */
static void assert_events(const struct chord *chord, const char *wanted, u32 wanted_held)
{
    struct chord_event event[CHORD_MAX_EVENTS];
    char text[256] = "";
    u32 held, n = chord_events(chord, event, &held);
    for (u32 i = 0; i < n; i++)
        snprintf(text + strlen(text), sizeof text - strlen(text), "%s%c%d", i ? " " : "",
                 event[i].down ? '+' : '-', event[i].key);
    assert_string_equal(text, wanted);
    assert_int_equal(held, wanted_held);
}

static void events(void **state)
{
    char wanted[256];
    (void)state;
    snprintf(wanted, sizeof wanted, "+%d -%d", KEY_A, KEY_A);
    assert_events(&(struct chord){.key = KEY_A}, wanted, 1);
    snprintf(wanted, sizeof wanted, "+%d +%d +%d +%d -%d -%d -%d -%d", KEY_LEFT_CTRL, KEY_LEFT_ALT,
             KEY_LEFT_SHIFT, KEY_F1, KEY_F1, KEY_LEFT_SHIFT, KEY_LEFT_ALT, KEY_LEFT_CTRL);
    assert_events(&(struct chord){.key = KEY_F1, .shift = true, .ctrl = true, .alt = true}, wanted, 4);
    snprintf(wanted, sizeof wanted, "+%d +%d -%d +%d -%d +%d -%d -%d", KEY_LEFT_ALT, KEY_KP_2, KEY_KP_2,
             KEY_KP_0, KEY_KP_0, KEY_KP_5, KEY_KP_5, KEY_LEFT_ALT);
    assert_events(&(struct chord){.code = 205}, wanted, 8);
    snprintf(wanted, sizeof wanted, "+%d +%d -%d -%d", KEY_LEFT_ALT, KEY_KP_7, KEY_KP_7, KEY_LEFT_ALT);
    assert_events(&(struct chord){.code = 7}, wanted, 4);
}

int chord_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(characters),
        cmocka_unit_test(every_character_below_80h_can_be_typed),
        cmocka_unit_test(others_by_their_code),
        cmocka_unit_test(names),
        cmocka_unit_test(events),
    };
    return cmocka_run_group_tests_name("chord", tests, NULL, NULL);
}
