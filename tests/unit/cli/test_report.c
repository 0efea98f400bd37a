/* The text of `huddle ab` from made-up statistics, compared whole: a report is right when it reads right. */
#include "cli_tests.h"

#include "fake_runs.h"
#include "report/ab.h"
#include "report/number.h"
#include "report/table.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char *print_report(const struct ab_report *report)
{
    char *text;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    assert_non_null(out);
    ab_print(out, report);
    fclose(out);
    return text;
}

static void assert_fits(const char *text)
{
    while (*text) {
        size_t n = strcspn(text, "\n");
        assert_in_range(n, 0, REPORT_COLUMNS);
        assert_true(n == 0 || text[n - 1] != ' ');
        text += n + (text[n] == '\n');
    }
}

static void check(const char *golden, const struct ab_report *report)
{
    char *text = print_report(report);
    assert_fits(text);
    assert_golden(golden, text);
    free(text);
}

static void identical_runs(void **state)
{
    struct fake_ab fake;
    (void)state;
    fake_ab_init(&fake, 2);
    fake_ab_add_windows(&fake);
    check("ab-identical.txt", &fake.report);
}

static void different_access(void **state)
{
    struct fake_ab fake;
    (void)state;
    fake_ab_init(&fake, 3);
    fake_ab_differ(&fake);
    check("ab-different.txt", &fake.report);
}

static void ended_another_way(void **state)
{
    struct fake_ab fake;
    (void)state;
    fake_ab_init(&fake, 2);
    fake.runs[1].end = RUN_END_CRASH;
    fake.runs[1].status = 70;
    fake.report.variant_same[1] = false;
    strcpy(fake.runs[1].end_text, "the guest crashed: triple fault at F000:1234");
    difference_find(&fake.report.difference, &fake.runs[0], (struct records){0}, &fake.runs[1],
                    (struct records){0});
    check("ab-crash.txt", &fake.report);
}

static void five_variants_fit(void **state)
{
    struct fake_ab fake;
    (void)state;
    fake_ab_init(&fake, 5);
    for (u32 i = 0; i < 5; i++)
        fake.runs[i].exits_total = fake.runs[i].accesses = 999999999;
    char *text = print_report(&fake.report);
    assert_fits(text);
    assert_non_null(strstr(text, "window:256"));
    free(text);
}

static void no_exits_at_all(void **state)
{
    struct fake_ab fake;
    (void)state;
    fake_ab_init(&fake, 2);
    memset(fake.runs, 0, sizeof fake.runs);
    strcpy(fake.runs[0].variant, "off");
    strcpy(fake.runs[1].variant, "on");
    char *text = print_report(&fake.report);
    assert_fits(text);
    assert_int_equal(
        strncmp(text, "on needs as many exits as off: 0; nothing the guest can see differs\n", 68), 0);
    free(text);
}

static void numbers(void **state)
{
    char text[NUMBER_BYTES];
    (void)state;
    assert_string_equal(number_format(text, 0), "0");
    assert_string_equal(number_format(text, 999), "999");
    assert_string_equal(number_format(text, 1000), "1,000");
    assert_string_equal(number_format(text, 1234567), "1,234,567");
    assert_string_equal(number_format(text, UINT64_MAX), "18,446,744,073,709,551,615");
    assert_string_equal(number_format_ns(text, 850), "850 ns");
    assert_string_equal(number_format_ns(text, 12340), "12.3 us");
    assert_string_equal(number_format_ns(text, 4560000), "4.56 ms");
    assert_string_equal(number_format_ns(text, 1240000000), "1.24 s");
    assert_string_equal(number_format_ns(text, 312000000000), "312 s");
    assert_string_equal(number_format_ratio(text, 124, 10), "12.4x");
    assert_string_equal(number_format_ratio(text, 12345, 10), "1,235x");
    assert_string_equal(number_format_ratio(text, 9996, 100), "100x");
    assert_string_equal(number_format_ratio(text, UINT64_MAX, 1), "18,446,744,073,709,551,615x");
    assert_string_equal(number_format_ratio(text, 5, 0), "-");
}

static void tables_cut_the_widest_text(void **state)
{
    struct table t;
    char *text;
    size_t size;
    (void)state;
    table_init(&t, "llr");
    table_row(&t, "%s", "0123456789012345678901234567890123456789012345678901234");
    table_cell(&t, 1, "%s", "another text that is rather long, but not the longest");
    table_cell(&t, 2, "1,000");
    FILE *out = open_memstream(&text, &size);
    table_print(out, &t, 2);
    fclose(out);
    assert_fits(text);
    assert_non_null(strstr(text, "another text that is rather long, but not the longest  1,000"));
    free(text);
}

static void tables_take_no_more_than_they_hold(void **state)
{
    struct table t;
    (void)state;
    table_init(&t, "lr");
    for (u32 i = 0; i < TABLE_ROWS + 10; i++)
        table_row(&t, "%u", i);
    assert_int_equal(t.rows, TABLE_ROWS);
    table_cell(&t, 7, "beyond the last column");
    assert_string_equal(t.cell[0][0], "0");
}

int test_report(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(identical_runs),
        cmocka_unit_test(different_access),
        cmocka_unit_test(ended_another_way),
        cmocka_unit_test(five_variants_fit),
        cmocka_unit_test(no_exits_at_all),
        cmocka_unit_test(numbers),
        cmocka_unit_test(tables_cut_the_widest_text),
        cmocka_unit_test(tables_take_no_more_than_they_hold),
    };
    return cmocka_run_group_tests_name("report", tests, NULL, NULL);
}
