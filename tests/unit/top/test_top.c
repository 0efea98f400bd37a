/* huddle top without a guest or a terminal: samples, rates, lines. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "top/sample.h"
#include "top/view.h"

#include <stdlib.h>
#include <string.h>

static void sample(struct top_sample *s, const char *text)
{
    json_t *json = json_loads(text, 0, NULL);
    assert_non_null(json);
    top_sample_parse(s, json);
    json_decref(json);
}

static const char first[] =
    "{\"guest\":\"a\\u00e9\\u001b.img\",\"status\":\"running\",\"level\":\"on\",\"avoided\":1000,"
    "\"accesses\":50,"
    "\"instructions\":7,\"virtual_ns\":500,\"host_ns\":{\"total\":1000000000,\"kvm\":0},"
    "\"exits\":{\"total\":100,\"pio_in\":60,\"mmio_write\":40},"
    "\"targets\":[{\"name\":\"VGA 3DAh\",\"addr\":986,\"memory\":false,\"exits\":60}],"
    "\"sites\":[{\"cs\":0,\"ip\":34588,\"linear\":34588,\"after\":false,\"instruction\":\"in al, "
    "dx\",\"exits\":60}],"
    "\"avoided_sites\":[{\"cs_base\":786432,\"ip\":4660,\"linear\":791092,\"instruction\":\"rep "
    "stosw\",\"avoided\":5}]}";

static const char second[] =
    "{\"guest\":\"x\",\"status\":\"paused\",\"level\":\"off\",\"avoided\":3000,\"accesses\":50,"
    "\"instructions\":2000007,"
    "\"virtual_ns\":1000000500,\"host_ns\":{\"total\":3000000000,\"kvm\":500000000,\"cluster\":1000000000},"
    "\"exits\":{\"total\":300,\"pio_in\":240,\"mmio_write\":60},"
    "\"targets\":[{\"name\":\"new 80h\",\"addr\":128,\"memory\":false,\"exits\":400},"
    "{\"name\":\"VGA 3DAh\",\"addr\":986,\"memory\":false,\"exits\":60}],"
    "\"sites\":[{\"cs\":8,\"ip\":982756,\"linear\":982756,\"after\":true,\"instruction\":\"out dx, "
    "al\",\"exits\":10},"
    "{\"cs\":0,\"ip\":34588,\"linear\":34588,\"after\":false,\"instruction\":\"in al, dx\",\"exits\":80}],"
    "\"avoided_sites\":[{\"cs_base\":786432,\"ip\":4660,\"linear\":791092,\"instruction\":\"rep "
    "stosw\",\"avoided\":25}]}";

static void samples_are_read(void **state)
{
    struct top_sample s;
    (void)state;
    sample(&s, first);
    assert_string_equal(s.guest, "a???.img"); /* nothing of it reaches a terminal as an order */
    assert_true(s.running);
    assert_int_equal(s.kind[EXIT_pio_in], 60);
    assert_string_equal(s.sites.item[0].name, "0000:871C in al, dx");
    assert_string_equal(s.avoided_sites.item[0].name, "C000:1234 rep stosw");
    sample(&s, second);
    assert_false(s.running);
    assert_string_equal(s.sites.item[0].name, " 000EFEE4 out dx, al");
}

/* What another program may answer does no harm. */
static void samples_of_nonsense_are_empty(void **state)
{
    static const char *const rows[] = {"{}", "[]",
                                       "{\"exits\":7,\"targets\":{},\"sites\":[1,null,{}],\"guest\":[]}",
                                       "{\"virtual_ns\":-5,\"host_ns\":{\"total\":\"x\"}}"};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct top_sample s;
        struct top_rates r;
        sample(&s, rows[i]);
        assert_int_equal(s.exits + s.virtual_ns + s.host_ns, 0);
        top_rates(&r, &s, &s);
        assert_true(r.seconds == 0);
    }
}

static void rates_are_between_two(void **state)
{
    struct top_sample a, b;
    struct top_rates r;
    (void)state;
    sample(&a, first);
    sample(&b, second);
    top_rates(&r, &a, &b);
    assert_true(r.seconds == 2 && r.exits == 100 && r.avoided == 1000 && r.accesses == 0);
    assert_true(r.kind[EXIT_pio_in] == 90 && r.kind[EXIT_mmio_write] == 10 && r.kind[EXIT_hlt] == 0);
    assert_true(r.kvm == 0.25 && r.cluster == 0.5 && r.elsewhere == 0.25 && r.speed == 0.5);
    assert_int_equal(r.targets.n, 1); /* the other one has not grown */
    assert_string_equal(r.targets.item[0].name, "new 80h");
    assert_true(r.targets.item[0].rate == 200);
    assert_int_equal(r.sites.n, 2);
    assert_true(r.sites.item[0].rate == 10 && r.sites.item[1].rate == 5);
    top_rates(&r, &b, &a); /* a guest that was loaded anew, and the like: nothing, and no negative numbers */
    assert_true(r.seconds == 0 && r.exits == 0);
}

/* An item that was not among the first before: it is at least what the last of them had that was left behind.
 */
static void newcomers_are_not_overrated(void **state)
{
    struct top_sample a = {.host_ns = 1}, b = {.host_ns = 1 + NS_PER_S};
    struct top_rates r;
    (void)state;
    a.targets.n = RUN_TOP;
    for (u32 i = 0; i < RUN_TOP; i++)
        a.targets.item[i] = (struct top_item){.key = i, .count = 100};
    b.targets.n = 1;
    b.targets.item[0] = (struct top_item){.key = 99, .count = 130};
    top_rates(&r, &a, &b);
    assert_true(r.targets.item[0].rate == 30);
}

static u32 columns_of(const char *text)
{
    u32 n = 0;
    for (; *text; text++)
        n += (*text & 0xc0) != 0x80;
    return n;
}

static bool has(const struct top_line *lines, u32 n, const char *text)
{
    for (u32 i = 0; i < n; i++)
        if (strstr(lines[i].text, text))
            return true;
    return false;
}

static void lines_fit_any_terminal(void **state)
{
    struct top_line *lines = calloc(TOP_ROWS_MAX, sizeof *lines);
    struct top_sample a, b;
    struct top_rates r;
    struct top_history h = {0};
    (void)state;
    sample(&a, first);
    sample(&b, second);
    top_rates(&r, &a, &b);
    for (u32 i = 0; i < TOP_HISTORY + 5; i++) {
        r.exits = i % 9;
        top_history_add(&h, &r);
    }
    assert_int_equal(h.n, TOP_HISTORY);
    for (u32 rows = 1; rows <= TOP_ROWS_MAX + 1; rows += rows < 40 ? 1 : 23)
        for (u32 columns = 1; columns <= 140; columns += 3)
            for (u32 utf8 = 0; utf8 < 2; utf8++) {
                struct top_view view = {.now = &b,
                                        .rates = &r,
                                        .history = &h,
                                        .message = "hello",
                                        .hint = "q leave",
                                        .utf8 = utf8};
                u32 n = top_view_lines(lines, rows, columns, &view);
                assert_in_range(n, 1, rows < TOP_ROWS_MAX ? rows : TOP_ROWS_MAX);
                for (u32 i = 0; i < n; i++)
                    assert_in_range(columns_of(lines[i].text), 0, columns);
                if (rows > 1 && columns > 10)
                    assert_non_null(strstr(lines[n - 1].text, "q leave"));
            }
    free(lines);
}

static void everything_is_on_80_by_24(void **state)
{
    static const char *const texts[] = {"huddle top",
                                        "STOPPED",
                                        "cluster off",
                                        "port reads",
                                        "new 80h",
                                        "0000:871C in al, dx",
                                        "000EFEE4 out dx, al",
                                        "C000:1234 rep stosw",
                                        "KVM 25 %",
                                        "at 0.50x",
                                        "1.00 M instructions/s",
                                        "▁",
                                        "█",
                                        "hello",
                                        "q leave"};
    struct top_line lines[24];
    struct top_sample a, b;
    struct top_rates r;
    struct top_history h = {0};
    (void)state;
    sample(&a, first);
    sample(&b, second);
    top_rates(&r, &a, &b);
    h = (struct top_history){.n = 2, .exits = {0.001, 5}};
    struct top_view view = {
        .now = &b, .rates = &r, .history = &h, .message = "hello", .hint = "q leave", .utf8 = true};
    assert_int_equal(top_view_lines(lines, 24, 80, &view), 24);
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        if (!has(lines, 24, texts[i]))
            fail_msg("\"%s\" is not there", texts[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(samples_are_read),       cmocka_unit_test(samples_of_nonsense_are_empty),
        cmocka_unit_test(rates_are_between_two),  cmocka_unit_test(newcomers_are_not_overrated),
        cmocka_unit_test(lines_fit_any_terminal), cmocka_unit_test(everything_is_on_80_by_24),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
