/* The keyboard at the end of its cable: commands, scan code sets, buffer; and the keymap. */
#include "dev_rig.h"
#include "dev_tests.h"

#include "dev/keyboard.h"
#include "dev/keymap.h"

#include <stdio.h>
#include <string.h>

static struct keyboard new_keyboard(void)
{
    struct keyboard kb;
    keyboard_reset(&kb);
    return kb;
}

/* All it sends, as "fa ab 83". */
static const char *sent(struct keyboard *kb, char *buf)
{
    u8 value;
    bool reply;
    char *p = buf;
    *p = 0;
    while (keyboard_send(kb, &value, &reply))
        p += sprintf(p, "%s%02x", p == buf ? "" : " ", value);
    return buf;
}

static const char *command(struct keyboard *kb, u8 value, char *buf)
{
    keyboard_receive(kb, value);
    return sent(kb, buf);
}

static const char *press(struct keyboard *kb, enum key key, bool down, char *buf)
{
    keyboard_key(kb, key, down);
    return sent(kb, buf);
}

static void commands_are_answered(void **state)
{
    (void)state;
    char buf[200];
    struct keyboard kb = new_keyboard();
    assert_string_equal(command(&kb, 0xee, buf), "ee");
    assert_string_equal(command(&kb, 0xf2, buf), "fa ab 83");
    assert_string_equal(command(&kb, 0xfe, buf), "83");
    assert_string_equal(command(&kb, 0xed, buf), "fa");
    assert_string_equal(command(&kb, 0x05, buf), "fa");
    assert_int_equal(kb.leds, 5);
    assert_string_equal(command(&kb, 0xf3, buf), "fa");
    assert_string_equal(command(&kb, 0x7f, buf), "fa");
    assert_int_equal(kb.typematic, 0x7f);
    assert_string_equal(command(&kb, 0x12, buf), "fe"); /* not a command */
    assert_string_equal(command(&kb, 0xef, buf), "fe");
    assert_string_equal(command(&kb, 0xed, buf), "fa");
    assert_string_equal(command(&kb, 0xf2, buf), "fa ab 83"); /* a command in place of the argument */
    assert_string_equal(command(&kb, 0x02, buf), "fe");
    assert_string_equal(command(&kb, 0xff, buf), "fa aa");
    assert_int_equal(kb.leds, 0);
    assert_int_equal(kb.typematic, 0x2b);
}

static void scanning_can_be_stopped(void **state)
{
    (void)state;
    char buf[200];
    struct keyboard kb = new_keyboard();
    assert_string_equal(press(&kb, KEY_A, true, buf), "1c");
    assert_string_equal(command(&kb, 0xf5, buf), "fa");
    assert_string_equal(press(&kb, KEY_A, true, buf), "");
    keyboard_receive(&kb, 0xf6); /* defaults do not start it */
    assert_string_equal(sent(&kb, buf), "fa");
    assert_string_equal(press(&kb, KEY_A, true, buf), "");
    assert_string_equal(command(&kb, 0xf4, buf), "fa");
    assert_string_equal(press(&kb, KEY_A, true, buf), "1c");
    keyboard_key(&kb, KEY_B, true);
    assert_string_equal(command(&kb, 0xf4, buf), "fa"); /* clears what is buffered */
    keyboard_receive(&kb, 0xf0);
    keyboard_receive(&kb, 0x01);
    keyboard_receive(&kb, 0xf5); /* also sets the defaults */
    assert_int_equal(kb.set, 2);
}

static void sets_differ(void **state)
{
    (void)state;
    char buf[200];
    struct keyboard kb = new_keyboard();
    assert_string_equal(press(&kb, KEY_F7, true, buf), "83");
    assert_string_equal(press(&kb, KEY_F7, false, buf), "f0 83");
    assert_string_equal(press(&kb, KEY_UP, true, buf), "e0 75");
    assert_string_equal(press(&kb, KEY_UP, false, buf), "e0 f0 75");
    assert_string_equal(command(&kb, 0xf0, buf), "fa");
    assert_string_equal(command(&kb, 0x00, buf), "fa 02");
    keyboard_receive(&kb, 0xf0);
    keyboard_receive(&kb, 0x01);
    assert_string_equal(sent(&kb, buf), "fa fa");
    assert_string_equal(press(&kb, KEY_F7, true, buf), "41");
    assert_string_equal(press(&kb, KEY_F7, false, buf), "c1");
    assert_string_equal(press(&kb, KEY_UP, false, buf), "e0 c8");
    keyboard_receive(&kb, 0xf0);
    keyboard_receive(&kb, 0x04);
    assert_string_equal(sent(&kb, buf), "fa fe");
    assert_int_equal(kb.set, 1);
}

static void set_3_key_types(void **state)
{
    (void)state;
    char buf[200];
    struct keyboard kb = new_keyboard();
    keyboard_receive(&kb, 0xf0);
    keyboard_receive(&kb, 0x03);
    (void)sent(&kb, buf);
    assert_string_equal(press(&kb, KEY_UP, true, buf), "63");
    assert_string_equal(press(&kb, KEY_UP, false, buf), ""); /* make only, by default */
    assert_string_equal(press(&kb, KEY_LEFT_SHIFT, false, buf), "f0 12");
    assert_string_equal(press(&kb, KEY_PAUSE, true, buf), "62");
    keyboard_receive(&kb, 0xfc); /* make and break for two keys */
    keyboard_receive(&kb, 0x63);
    keyboard_receive(&kb, 0x1c);
    assert_string_equal(sent(&kb, buf), "fa fa fa");
    assert_string_equal(press(&kb, KEY_UP, false, buf), "f0 63");
    assert_string_equal(press(&kb, KEY_A, false, buf), "f0 1c");
    assert_string_equal(press(&kb, KEY_S, false, buf), "");
    keyboard_receive(&kb, 0xfd); /* make only */
    keyboard_receive(&kb, 0x63);
    keyboard_receive(&kb, 0xfb); /* typematic */
    keyboard_receive(&kb, 0x1c);
    assert_string_equal(sent(&kb, buf), "fa fa fa fa");
    assert_string_equal(press(&kb, KEY_UP, false, buf), "");
    assert_string_equal(press(&kb, KEY_A, false, buf), "");
    assert_string_equal(command(&kb, 0xf8, buf), "fa");
    assert_string_equal(press(&kb, KEY_S, false, buf), "f0 1b");
    assert_string_equal(command(&kb, 0xf9, buf), "fa");
    assert_string_equal(press(&kb, KEY_LEFT_SHIFT, false, buf), "");
    assert_string_equal(command(&kb, 0xf6, buf), "fa"); /* set 2 again */
    assert_string_equal(press(&kb, KEY_UP, false, buf), "e0 f0 75");
}

static void print_and_pause(void **state)
{
    (void)state;
    char buf[200];
    struct keyboard kb = new_keyboard();
    assert_string_equal(press(&kb, KEY_PRINT, true, buf), "e0 12 e0 7c");
    assert_string_equal(press(&kb, KEY_PRINT, false, buf), "e0 f0 7c e0 f0 12");
    assert_string_equal(press(&kb, KEY_PAUSE, true, buf), "e1 14 77 e1 f0 14 f0 77");
    assert_string_equal(press(&kb, KEY_PAUSE, false, buf), "");
    (void)press(&kb, KEY_LEFT_SHIFT, true, buf);
    assert_string_equal(press(&kb, KEY_PRINT, true, buf), "e0 7c");
    (void)press(&kb, KEY_LEFT_SHIFT, false, buf);
    (void)press(&kb, KEY_RIGHT_ALT, true, buf);
    assert_string_equal(press(&kb, KEY_PRINT, true, buf), "84");
    (void)press(&kb, KEY_RIGHT_ALT, false, buf);
    (void)press(&kb, KEY_LEFT_CTRL, true, buf);
    assert_string_equal(press(&kb, KEY_PAUSE, true, buf), "e0 7e e0 f0 7e");
    (void)press(&kb, KEY_LEFT_CTRL, false, buf);
    keyboard_receive(&kb, 0xf0);
    keyboard_receive(&kb, 0x01);
    (void)sent(&kb, buf);
    assert_string_equal(press(&kb, KEY_PRINT, true, buf), "e0 2a e0 37");
    assert_string_equal(press(&kb, KEY_PRINT, false, buf), "e0 b7 e0 aa");
    assert_string_equal(press(&kb, KEY_PAUSE, true, buf), "e1 1d 45 e1 9d c5");
}

static void a_full_buffer_says_so(void **state)
{
    (void)state;
    char buf[200], expect[200] = "";
    struct keyboard kb = new_keyboard();
    for (unsigned i = 0; i < 20; i++)
        keyboard_key(&kb, KEY_A, true);
    for (unsigned i = 0; i < 16; i++)
        strcat(expect, "1c ");
    strcat(expect, "00");
    assert_string_equal(sent(&kb, buf), expect);
    assert_string_equal(press(&kb, KEY_B, true, buf), "32");
    /* A sequence gets in whole or not at all. */
    for (unsigned i = 0; i < 15; i++)
        keyboard_key(&kb, KEY_A, true);
    keyboard_key(&kb, KEY_UP, true);
    (void)sent(&kb, buf);
    assert_string_equal(buf + 15 * 3, "00");
    keyboard_receive(&kb, 0xf0);
    keyboard_receive(&kb, 0x01);
    (void)sent(&kb, buf);
    for (unsigned i = 0; i < 20; i++)
        keyboard_key(&kb, KEY_A, true);
    (void)sent(&kb, buf);
    assert_string_equal(buf + 16 * 3, "ff");
}

static void replies_overtake_keys(void **state)
{
    (void)state;
    u8 value;
    bool reply;
    struct keyboard kb = new_keyboard();
    keyboard_key(&kb, KEY_A, true);
    keyboard_receive(&kb, 0xee);
    assert_true(keyboard_send(&kb, &value, &reply));
    assert_int_equal(value, 0xee);
    assert_true(reply);
    assert_true(keyboard_send(&kb, &value, &reply));
    assert_int_equal(value, 0x1c);
    assert_false(reply);
    assert_false(keyboard_send(&kb, &value, &reply));
}

static void keys_out_of_range_are_nothing(void **state)
{
    (void)state;
    char buf[200];
    struct keyboard kb = new_keyboard();
    assert_string_equal(press(&kb, KEY_NONE, true, buf), "");
    assert_string_equal(press(&kb, KEY_COUNT, true, buf), "");
    bool extended;
    assert_int_equal(keyboard_make_code((enum key)1000, 2, &extended), 0);
}

static void every_key_is_its_own(void **state)
{
    (void)state;
    for (enum key a = KEY_NONE + 1; a < KEY_COUNT; a++) {
        bool ea, eb;
        u8 ca = keyboard_make_code(a, 2, &ea);
        if (a == KEY_PRINT || a == KEY_PAUSE)
            continue;
        assert_int_not_equal(ca, 0);
        for (enum key b = KEY_NONE + 1; b < a; b++)
            assert_true(keyboard_make_code(b, 2, &eb) != ca || ea != eb);
    }
}

static void keymap_types_ascii(void **state)
{
    (void)state;
    enum key key;
    bool shift, extended;
    for (int c = ' '; c < 0x7f; c++)
        assert_true(keymap_ascii((char)c, &key, &shift));
    assert_false(keymap_ascii('\0', &key, &shift));
    assert_false(keymap_ascii('\x7f', &key, &shift));
    assert_false(keymap_ascii((char)0xe4, &key, &shift));
    assert_true(keymap_ascii('a', &key, &shift));
    assert_true(key == KEY_A && !shift);
    assert_true(keymap_ascii('|', &key, &shift));
    assert_true(key == KEY_BACKSLASH && shift);
    assert_true(keymap_ascii('\n', &key, &shift));
    assert_true(key == KEY_ENTER && !shift);
    /* The upper row of scan codes is the upper row of the US keyboard. */
    static const char row[] = "1234567890-=";
    for (unsigned i = 0; row[i]; i++) {
        assert_true(keymap_ascii(row[i], &key, &shift));
        assert_int_equal(keyboard_make_code(key, 1, &extended), 2 + i);
    }
    static const char shifted[] = "!@#$%^&*()_+";
    for (unsigned i = 0; shifted[i]; i++) {
        assert_true(keymap_ascii(shifted[i], &key, &shift) && shift);
        assert_int_equal(keyboard_make_code(key, 1, &extended), 2 + i);
    }
}

static void keymap_knows_names(void **state)
{
    (void)state;
    assert_int_equal(keymap_name("ctrl"), KEY_LEFT_CTRL);
    assert_int_equal(keymap_name("alt"), KEY_LEFT_ALT);
    assert_int_equal(keymap_name("del"), KEY_DELETE);
    assert_int_equal(keymap_name("f1"), KEY_F1);
    assert_int_equal(keymap_name("f12"), KEY_F12);
    assert_int_equal(keymap_name("enter"), KEY_ENTER);
    assert_int_equal(keymap_name("a"), KEY_A);
    assert_int_equal(keymap_name("5"), KEY_5);
    assert_int_equal(keymap_name("["), KEY_LEFT_BRACKET);
    assert_int_equal(keymap_name("kp5"), KEY_KP_5);
    assert_int_equal(keymap_name("A"), KEY_NONE);
    assert_int_equal(keymap_name("f13"), KEY_NONE);
    assert_int_equal(keymap_name(""), KEY_NONE);
}

int keyboard_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(commands_are_answered), cmocka_unit_test(scanning_can_be_stopped),
        cmocka_unit_test(sets_differ),           cmocka_unit_test(set_3_key_types),
        cmocka_unit_test(print_and_pause),       cmocka_unit_test(a_full_buffer_says_so),
        cmocka_unit_test(replies_overtake_keys), cmocka_unit_test(keys_out_of_range_are_nothing),
        cmocka_unit_test(every_key_is_its_own),  cmocka_unit_test(keymap_types_ascii),
        cmocka_unit_test(keymap_knows_names),
    };
    return cmocka_run_group_tests_name("keyboard", tests, NULL, NULL);
}
