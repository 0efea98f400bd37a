/* Code page 437, short names, dates. */
#include "volume_rig.h"

#include "dos/volume/cp437.h"
#include "dos/volume/dos_time.h"
#include "dos/volume/short_name.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void code_page_and_unicode_agree(void **state)
{
    (void)state;
    for (u32 c = 0; c < 256; c++) {
        u32 code_point = cp437_to_unicode((u8)c);
        if (c < 32 || c == 127) {
            assert_int_equal(code_point, UNICODE_NONE);
            continue;
        }
        assert_int_equal(cp437_from_unicode(code_point), c);
        char text[8] = "";
        const char *at = text;
        u32 bytes = utf8_put(code_point, text);
        assert_int_equal(utf8_next(&at), code_point);
        assert_ptr_equal(at, text + bytes);
        assert_int_equal(cp437_upper(cp437_upper((u8)c)), cp437_upper((u8)c));
        assert_int_equal(cp437_upper(cp437_lower(cp437_upper((u8)c))), cp437_upper((u8)c));
    }
    assert_int_equal(cp437_from_unicode(0x20ac), 0);
    assert_int_equal(cp437_upper(0x84), 0x8e);
    assert_int_equal(cp437_lower(0x8e), 0x84);
    assert_int_equal(cp437_resembling(0xc0), 'A');
    assert_int_equal(cp437_resembling(0xd7), 0);
}

static void bad_utf8_is_one_byte_each(void **state)
{
    (void)state;
    static const char *const bad[] = {"\x80",         "\xc0\x80",         "\xc3", "\xe2\x82",
                                      "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xff"};
    for (u32 i = 0; i < ARRAY_LEN(bad); i++) {
        const char *at = bad[i];
        assert_int_equal(utf8_next(&at), UNICODE_NONE);
        assert_ptr_equal(at, bad[i] + 1);
    }
    const char *four = "\xf0\x9f\x98\x80";
    assert_int_equal(utf8_next(&four), 0x1f600);
}

/* The short name of one host name by itself. */
static void assert_short(const char *host, const char *dos)
{
    struct short_name item = {.host = host};
    assert_int_equal(short_names_assign(&item, 1), 0);
    assert_string_equal(item.dos, dos);
}

static void single_names(void **state)
{
    (void)state;
    assert_short("readme.txt", "README.TXT");
    assert_short("README", "README");
    assert_short("Makefile", "MAKEFILE");
    assert_short("A long name.text", "ALONGN~1.TEX");
    assert_short("archive.tar.gz", "ARCHIV~1.GZ");
    assert_short(".bashrc", "BASHRC~1");
    assert_short("..x", "X~1");
    assert_short("...", "_~1");
    assert_short("name.", "NAME~1");
    assert_short("a+b.c", "A_B~1.C");
    assert_short("con", "CON~1");
    assert_short("nul.txt", "NUL~1.TXT");
    assert_short("clock$", "CLOCK$~1");
    assert_short("com4.c", "COM4~1.C");
    assert_short("com5.c", "COM5.C");
    assert_short("\xc3\xa4rger.txt", "\x8eRGER.TXT");  /* a with two dots */
    assert_short("\xc3\x80.txt", "A~1.TXT");           /* A grave: not in the code page */
    assert_short("\xe6\x97\xa5\xe6\x9c\xac", "__~1");  /* Japanese */
    assert_short("\xd0\xbf\xd1\x80\xd0\xb8", "___~1"); /* Cyrillic */
    assert_short("e\xcc\x81t\xc3\xa9", "ETE~1");       /* with a combining accent */
    assert_short("\xff\xfe", "__~1");
    assert_short("a\tb", "A_B~1");
    assert_short("back\\slash", "BACK_S~1");
    assert_short("12345678.123", "12345678.123");
    assert_short("123456789", "123456~1");
    assert_short("x.1234", "X~1.123");
}

static int by_host(const void *a, const void *b)
{
    return strcmp(((const struct short_name *)a)->host, ((const struct short_name *)b)->host);
}

static void equal_names_are_numbered_in_order(void **state)
{
    (void)state;
    static const char *const expect[][2] = {
        {"A.TXT", "A.TXT"},   {"Long Name 1.txt", "LONGNA~1.TXT"}, {"Long Name 2.txt", "LONGNA~3.TXT"},
        {"a.txt", "A~1.TXT"}, {"longna~2.txt", "LONGNA~2.TXT"},    {"long name 1.txt", "LONGNA~4.TXT"},
    };
    for (u32 start = 0; start < ARRAY_LEN(expect); start++) { /* in whatever order they come */
        struct short_name items[ARRAY_LEN(expect)] = {0};
        for (u32 i = 0; i < ARRAY_LEN(expect); i++)
            items[i].host = expect[(start + i * 5) % ARRAY_LEN(expect)][0];
        assert_int_equal(short_names_assign(items, ARRAY_LEN(items)), 0);
        for (u32 i = 0; i < ARRAY_LEN(expect); i++) {
            struct short_name key = {.host = expect[i][0]};
            struct short_name *found = bsearch(&key, items, ARRAY_LEN(items), sizeof key, by_host);
            assert_non_null(found);
            assert_string_equal(found->dos, expect[i][1]);
        }
    }
}

static int by_dos(const void *a, const void *b)
{
    return strcmp(((const struct short_name *)a)->dos, ((const struct short_name *)b)->dos);
}

static void twenty_thousand_alike_are_all_different(void **state)
{
    (void)state;
    enum { MANY = 20000 };
    struct short_name *items = calloc(MANY, sizeof *items);
    char(*names)[32] = calloc(MANY, sizeof *names);
    for (u32 i = 0; i < MANY; i++) {
        snprintf(names[i], sizeof names[i], "same beginning %u.c", i * 7919 % MANY);
        items[i].host = names[i];
    }
    assert_int_equal(short_names_assign(items, MANY), 0);
    qsort(items, MANY, sizeof *items, by_dos);
    for (u32 i = 0; i < MANY; i++) {
        assert_true(items[i].dos[0]);
        assert_true(strlen(items[i].dos) < DOS_NAME_BYTES);
        assert_true(i == 0 || strcmp(items[i - 1].dos, items[i].dos));
    }
    free(items);
    free(names);
}

static void names_that_are_there_stay(void **state)
{
    (void)state;
    struct short_name items[] = {
        {.host = "a name.b", .dos = "ANAME~7.B"}, {.host = "aname~7.b"}, {.host = "A Name.b"}};
    assert_int_equal(short_names_assign(items, 3), 0);
    qsort(items, 3, sizeof *items, by_host);
    assert_string_equal(items[0].dos, "ANAME~1.B"); /* "A Name.b" */
    assert_string_equal(items[1].dos, "ANAME~7.B");
    assert_string_equal(items[2].dos, "ANAME~~1.B");
}

static void new_names_come_back_as_they_were(void **state)
{
    (void)state;
    char host[3 * DOS_NAME_BYTES];
    assert_true(short_name_to_host("README.TXT", false, host));
    assert_string_equal(host, "readme.txt");
    assert_true(short_name_to_host("README.TXT", true, host));
    assert_string_equal(host, "README.TXT");
    for (u32 c = 0x80; c < 0x100; c++) {
        char dos[] = {'X', (char)c, 0};
        if (cp437_upper((u8)c) != c)
            continue;
        assert_true(short_name_to_host(dos, false, host));
        assert_short(host, dos);
    }
    static const char *const refused[] = {"CON", "LPT1.X", "A B", "A.B.C", "LOWERa",
                                          "A/B", "..",     ".",   "",      "A."};
    for (u32 i = 0; i < ARRAY_LEN(refused); i++)
        if (short_name_to_host(refused[i], false, host) && strcmp(refused[i], "LOWERa"))
            fail_msg("%s", refused[i]);
    assert_true(short_name_is_device("AUX.TXT"));
    assert_false(short_name_is_device("AUXX"));
}

static void dates_come_back(void **state)
{
    (void)state;
    u16 date, time;
    setenv("TZ", "Europe/Berlin", 1);
    for (s64 t = 315532800 + 86400; t < 4354819198; t += 86400 * 13 + 3602) {
        dos_time_from_unix(t, &date, &time);
        s64 back = dos_time_to_unix(date, time);
        if (back != t && back != t + 3600 && back != t - 3600) /* the hour that comes twice in autumn */
            fail_msg("%lld %lld", (long long)t, (long long)back);
    }
    dos_time_from_unix(0, &date, &time);
    assert_int_equal(date, 0x21);
    assert_int_equal(time, 0);
    dos_time_from_unix(5000000000, &date, &time);
    assert_int_equal(date, 0xff9f);
    assert_int_equal(time, 0xbf7d);
    assert_int_equal(dos_time_to_unix(0, 0), dos_time_to_unix(0x21, 0));
    assert_int_equal(dos_time_to_unix(0xffff, 0xffff), dos_time_to_unix(0xff9f, 0xbf7d));
    unsetenv("TZ");
}

int name_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(code_page_and_unicode_agree),
        cmocka_unit_test(bad_utf8_is_one_byte_each),
        cmocka_unit_test(single_names),
        cmocka_unit_test(equal_names_are_numbered_in_order),
        cmocka_unit_test(twenty_thousand_alike_are_all_different),
        cmocka_unit_test(names_that_are_there_stay),
        cmocka_unit_test(new_names_come_back_as_they_were),
        cmocka_unit_test(dates_come_back),
    };
    return cmocka_run_group_tests_name("names", tests, NULL, NULL);
}
