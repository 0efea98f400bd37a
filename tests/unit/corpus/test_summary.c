/* Means and worst cases by hand, and the table compared whole. */
#include "corpus_tests.h"

#include "corpus/summary.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LINE = 100, MS = 1000000 };

static struct corpus_result counted(enum corpus_verdict verdict, u64 exits_first, u64 exits_last,
                                    u64 ms_first, u64 ms_last)
{
    return (struct corpus_result){.verdict = verdict,
                                  .counted = true,
                                  .first = "off",
                                  .last = "on",
                                  .backend = "vmx",
                                  .exits_first = exits_first,
                                  .exits_last = exits_last,
                                  .ns_first = ms_first * MS,
                                  .ns_last = ms_last * MS};
}

static void assert_near(double value, double expected)
{
    if (value < expected * 0.999999 || value > expected * 1.000001)
        fail_msg("%f, not %f", value, expected);
}

static void factors(void **state)
{
    (void)state;
    assert_near(corpus_factor(100, 4), 25);
    assert_near(corpus_factor(4, 8), 0.5);
    assert_near(corpus_factor(100, 0), 100);
    assert_near(corpus_factor(0, 0), 1);
    assert_near(corpus_factor(0, 4), 0.25);
}

static void means(void **state)
{
    struct corpus_result failed = {.verdict = CORPUS_FAILED};
    struct corpus_result a = counted(CORPUS_SAME, 800, 100, 9, 1), b = counted(CORPUS_SAME, 100, 50, 1, 4),
                         different = counted(CORPUS_DIFFERENT, 1, 1000000, 1, 1000000);
    const struct corpus_row rows[] = {
        {"f", 1, &failed}, {"a", 2, &a}, {"n", 3, NULL}, {"d", 4, &different}, {"b", 5, &b}};
    struct corpus_summary s;
    (void)state;
    corpus_summarise(&s, rows, ARRAY_LEN(rows));
    assert_int_equal(s.counted, 2);
    assert_int_equal(s.not_run, 1);
    assert_int_equal(s.verdicts[CORPUS_SAME], 2);
    assert_int_equal(s.verdicts[CORPUS_DIFFERENT], 1);
    assert_int_equal(s.verdicts[CORPUS_UNDECIDED], 0);
    assert_int_equal(s.verdicts[CORPUS_FAILED], 1);
    assert_near(s.exits_factor, 4);  /* of 8 and 2 */
    assert_near(s.time_factor, 1.5); /* of 9 and 1/4 */
    assert_int_equal(s.worst_exits, 4);
    assert_int_equal(s.worst_time, 4);
    b.exits_last = 100 * 100 / 800; /* equal: 8.33; more than a */
    corpus_summarise(&s, rows, ARRAY_LEN(rows));
    assert_int_equal(s.worst_exits, 1);
    corpus_summarise(&s, rows, 0);
    assert_int_equal(s.counted, 0);
    assert_near(s.exits_factor + 1, 1);
}

static char *print(const struct corpus_row *rows, u32 n)
{
    char *text;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    assert_non_null(out);
    corpus_print(out, "games.txt", rows, n);
    fclose(out);
    return text;
}

static void assert_fits(const char *text)
{
    while (*text) {
        size_t n = strcspn(text, "\n");
        if (strncmp(text, "games.txt:", strlen("games.txt:")) != 0) /* a reason is as long as it is */
            assert_in_range(n, 0, LINE);
        assert_true(n == 0 || text[n - 1] != ' ');
        text += n + (text[n] == '\n');
    }
}

static void assert_golden(const char *name, const struct corpus_row *rows, u32 n)
{
    char path[512], golden[8192];
    char *text = print(rows, n);
    assert_fits(text);
    snprintf(path, sizeof path, "%s/%s", GOLDEN_DIR, name);
    FILE *file = fopen(path, getenv("HUDDLE_REBASE") ? "w" : "r");
    assert_non_null(file);
    if (getenv("HUDDLE_REBASE"))
        assert_true(fputs(text, file) >= 0);
    else
        golden[fread(golden, 1, sizeof golden - 1, file)] = 0;
    fclose(file);
    if (!getenv("HUDDLE_REBASE"))
        assert_string_equal(text, golden);
    free(text);
}

static void whole_table(void **state)
{
    struct corpus_result same = counted(CORPUS_SAME, 1484900, 18, 14000, 196),
                         slower = counted(CORPUS_SAME, 120, 100, 97, 100),
                         none = counted(CORPUS_SAME, 40, 0, 10, 4),
                         crash = counted(CORPUS_SAME, 24314, 17, 200, 10),
                         different = counted(CORPUS_DIFFERENT, 26899, 17, 100, 1),
                         undecided = {.verdict = CORPUS_UNDECIDED, .status = 1},
                         failed = {.verdict = CORPUS_FAILED, .status = 2};
    (void)state;
    strcpy(crash.reason, "the guest stopped: HLT with interrupts disabled");
    strcpy(different.reason, "they part at access 66,649");
    strcpy(undecided.reason, "on was stopped after 1,234 accesses, which were the same");
    strcpy(failed.reason, "missing.img: No such file or directory");
    strcpy(slower.backend, "pvm");
    const struct corpus_row rows[] = {
        {"demo.img", 1, &same},
        {"--hda=ide-disk.img --ram=4 a-directory-with-a-long-name/ide.img", 2, &slower},
        {"K\xc3\x84SE.EXE /s", 3, &none},
        {"stop.img", 5, &crash},
        {"-c 'ver' -c 'dir'\t.", 6, &different},
        {"game.img", 7, &undecided},
        {"missing.img", 8, &failed},
        {"later.img", 9, NULL},
    };
    assert_golden("corpus.txt", rows, ARRAY_LEN(rows));
}

static void nothing_to_say(void **state)
{
    struct corpus_result failed = {.verdict = CORPUS_FAILED,
                                   .reason = "huddle itself died of signal 11 (Segmentation fault)"};
    const struct corpus_row rows[] = {{"x.img", 1, &failed}};
    (void)state;
    assert_golden("corpus-failed.txt", rows, 1);
    assert_golden("corpus-none.txt", rows, 0);
}

int test_summary(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(factors),
        cmocka_unit_test(means),
        cmocka_unit_test(whole_table),
        cmocka_unit_test(nothing_to_say),
    };
    return cmocka_run_group_tests_name("summary", tests, NULL, NULL);
}
