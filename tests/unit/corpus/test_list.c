/* Lines to words, and what is wrong with a line. */
#include "corpus_tests.h"

#include "corpus/list.h"

#include <errno.h>
#include <string.h>

static void parse(struct corpus_list *list, const char *text)
{
    char why[CORPUS_WHY_BYTES] = "";
    assert_int_equal(corpus_list_parse(list, text, strlen(text), why), 0);
    assert_string_equal(why, "");
}

/* The words of a line, each in brackets. */
static void assert_words(const char *line, const char *expected)
{
    struct corpus_list list;
    char words[512] = "";
    parse(&list, line);
    for (u32 i = 0; list.n_guests && i < list.guest[0].n_words; i++) {
        strcat(words, "[");
        strcat(words, list.guest[0].words[i]);
        strcat(words, "]");
    }
    assert_string_equal(words, expected);
    if (list.n_guests)
        assert_null(list.guest[0].words[list.guest[0].n_words]);
    corpus_list_free(&list);
}

static void words(void **state)
{
    (void)state;
    assert_words("a.img", "[a.img]");
    assert_words(" \ta.img\t--ram=4  ", "[a.img][--ram=4]");
    assert_words("-c \"dir c:\" 'my games'", "[-c][dir c:][my games]");
    assert_words("--mount=d=\"a b\":ro x'y'z", "[--mount=d=a b:ro][xyz]");
    assert_words("'' x", "[][x]");
    assert_words("'a\\' \"a\\\"b\\\\c\\d'e\"", "[a\\][a\"b\\c\\d'e]");
    assert_words("GAME.EXE C:\\DATA\\X /s", "[GAME.EXE][C:\\DATA\\X][/s]");
    assert_words("my\\ game.img \\# \\'q\\\" a\\\\b", "[my game.img][#]['q\"][a\\b]");
    assert_words("x\\", "[x\\]");
}

static void comments(void **state)
{
    (void)state;
    assert_words("# all of it", "");
    assert_words("   # all of it", "");
    assert_words("a.img # 'not closed", "[a.img]");
    assert_words("a#b.img '#' \"# x\"", "[a#b.img][#][# x]");
}

static void lines(void **state)
{
    struct corpus_list list;
    (void)state;
    parse(&list, "\n# first\r\na.img  --ram=4 # four\r\n\n  'b c.img'");
    assert_int_equal(list.n_guests, 2);
    assert_int_equal(list.guest[0].line, 3);
    assert_string_equal(list.guest[0].text, "a.img  --ram=4");
    assert_int_equal(list.guest[0].n_words, 2);
    assert_int_equal(list.guest[1].line, 5);
    assert_string_equal(list.guest[1].text, "'b c.img'");
    assert_string_equal(list.guest[1].words[0], "b c.img");
    corpus_list_free(&list);
    parse(&list, "");
    assert_int_equal(list.n_guests, 0);
    corpus_list_free(&list);
}

static void assert_refused(const char *text, size_t bytes, const char *expected)
{
    struct corpus_list list;
    char why[CORPUS_WHY_BYTES] = "";
    assert_int_equal(corpus_list_parse(&list, text, bytes, why), -EINVAL);
    assert_string_equal(why, expected);
    assert_null(list.guest);
}

static void refused(void **state)
{
    static const char zero[] = "a.img\nb\0c\n";
    (void)state;
    assert_refused("a\nb 'c\nd'", 9, "2: a quote is not closed");
    assert_refused("\"a\\\"", 4, "1: a quote is not closed");
    assert_refused(zero, sizeof zero - 1, "2: a zero byte: this is not a list");
}

int test_list(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words),
        cmocka_unit_test(comments),
        cmocka_unit_test(lines),
        cmocka_unit_test(refused),
    };
    return cmocka_run_group_tests_name("list", tests, NULL, NULL);
}
