/* Charts: well-formed whatever they show, what they show is in them, and several fit on a page. */
#include "xml_check.h"

#include "report/blocks.h"
#include "report/svg.h"

#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static char *finish(struct svg *svg)
{
    char *text;
    size_t bytes;
    FILE *out = open_memstream(&text, &bytes);
    assert_non_null(out);
    assert_int_equal(svg_finish(svg, out), 0);
    fclose(out);
    const char *wrong = xml_check(text);
    if (wrong)
        fail_msg("%s in %s", wrong, text);
    return text;
}

static struct svg *begin(void)
{
    struct svg *svg = svg_create("chart", "A chart", "What it shows");
    assert_non_null(svg);
    return svg;
}

static u32 count(const char *text, const char *part)
{
    u32 n = 0;
    for (const char *at = strstr(text, part); at; at = strstr(at + 1, part))
        n++;
    return n;
}

/* The checker itself finds what it is for. */
static void checker(void **state)
{
    (void)state;
    assert_null(xml_check("<a b=\"c\"><d/>&lt;</a>\n"));
    static const char *const bad[] = {"",
                                      "<a>",
                                      "<a></b>",
                                      "<a b=c/>",
                                      "<a b=\"1\" b=\"2\"/>",
                                      "<a>&</a>",
                                      "<a/><b/>",
                                      "<a>\x01</a>",
                                      "x<a/>",
                                      "<a b=\"<\"/>",
                                      "<a>&x;</a>",
                                      "<a b=\"1/>",
                                      "<a><b id=\"x\"/><c id=\"x\"/></a>"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        if (!xml_check(bad[i]))
            fail_msg("%s passes", bad[i]);
}

static void frame(void **state)
{
    (void)state;
    char *text = finish(begin());
    assert_non_null(strstr(text, "role=\"img\""));
    assert_non_null(strstr(text, "aria-labelledby=\"chart-title chart-desc\""));
    assert_non_null(strstr(text, "<title id=\"chart-title\">A chart</title>"));
    assert_non_null(strstr(text, "<desc id=\"chart-desc\">What it shows</desc>"));
    assert_non_null(strstr(text, "viewBox=\"0 0 480 "));
    assert_non_null(strstr(text, "prefers-color-scheme:dark"));
    assert_null(strstr(text, "<svg width"));
    free(text);
}

/* Every rule of the style sheet begins with the picture's id, so pictures on one page leave each other alone.
 */
static void styles_are_its_own(void **state)
{
    (void)state;
    char *text = finish(svg_create("a-1\"<x", "t", "d"));
    assert_non_null(strstr(text, "id=\"a-1\""));
    char *style = strstr(text, "<style>\n") + strlen("<style>\n"), *save;
    *strstr(style, "</style>") = '\0';
    u32 rules = 0;
    for (char *line = strtok_r(style, "\n", &save); line; line = strtok_r(NULL, "\n", &save), rules++) {
        bool own = strncmp(line, "#a-1", 4) == 0 ||
                   strncmp(line, "@media (prefers-color-scheme:dark){#a-1{", 39) == 0 ||
                   strcmp(line, "}") == 0;
        if (!own)
            fail_msg("%s", line);
    }
    assert_in_range(rules, 10, 100);
    free(text);
}

static void lines(void **state)
{
    (void)state;
    const struct svg_point a[] = {{1024, 1}, {4096, 2}, {16384, 50}, {1 << 20, 100}},
                           b[] = {{1024, 3}, {NAN, 4}, {4096, -1}, {8192, 7}};
    const struct svg_series series[] = {
        {.name = "host", .point = a, .n = 4},
        {.name = "a <guest> & more", .point = b, .n = 4, .colour = 1, .dashed = true}};
    const struct svg_axis x = {.title = "list", .unit = SVG_BYTES, .log = true},
                          y = {.title = "ns", .unit = SVG_NS, .log = true};
    struct svg *svg = begin();
    (void)state;
    svg_add_lines(svg, "Chase", &x, &y, series, 2);
    char *text = finish(svg);
    assert_int_equal(count(text, "<circle "), 4 + 1);       /* and the legend's */
    assert_int_equal(count(text, "class=\"f1 e\""), 2 + 1); /* what cannot be shown is a gap */
    assert_int_equal(count(text, ">a &lt;guest&gt; &amp; more<"), 2);
    assert_int_equal(count(text, ">1 KiB<"), 1);
    assert_int_equal(count(text, ">1 MiB<"), 1);
    assert_int_equal(count(text, ">10 ns<"), 1);
    assert_int_equal(count(text, "nan") + count(text, "inf"), 0);
    free(text);
}

/* Series of nothing, of one point, of nonsense. */
static void nothing_to_show(void **state)
{
    (void)state;
    const struct svg_point one[] = {{5, 5}}, nonsense[] = {{NAN, INFINITY}, {-INFINITY, 0}, {1e300, 1e-300}};
    const double edge[] = {3, 3}, none[] = {0}, five[] = {NAN, 1, 2, 3, 4}, zero[] = {0, 0};
    const struct svg_row empty = {.name = "", .value = five}, nil = {.name = "nil", .value = zero};
    static const char *const parts[] = {"a", "b"};
    for (int log = 0; log < 2; log++) {
        const struct svg_axis axis = {.log = log};
        const struct svg_axis linear = {.title = "x"};
        const struct svg_series series[] = {{.name = "", .n = 0},
                                            {.name = "one", .point = one, .n = 1, .colour = 99},
                                            {.name = "nonsense", .point = nonsense, .n = 3, .colour = 6}};
        struct svg *svg = begin();
        svg_add_lines(svg, NULL, &axis, &axis, series, 1);
        svg_add_lines(svg, "", &axis, &axis, series, 3);
        svg_add_histogram(svg, NULL, &axis, &axis, edge, none, 1, 0);
        svg_add_histogram(svg, NULL, &axis, &axis, edge, none, 0, 0);
        svg_add_bars(svg, NULL, &linear, parts, 2, &nil, 1);
        svg_add_ranges(svg, NULL, &axis, &empty, 1);
        svg_add_ranges(svg, NULL, &axis, NULL, 0);
        svg_add_text(svg, "");
        char *text = finish(svg);
        assert_int_equal(count(text, "nan") + count(text, "\"inf"), 0);
        free(text);
    }
}

static void histogram(void **state)
{
    (void)state;
    const double edge[] = {10, 20, 30, 40}, counts[] = {5, 0, 12};
    const struct svg_axis x = {.unit = SVG_NS}, y = {.title = "samples"};
    struct svg *svg = begin();
    svg_add_histogram(svg, "OUT", &x, &y, edge, counts, 3, 2);
    char *text = finish(svg);
    assert_int_equal(count(text, "<rect class=\"f2\""), 2);
    assert_non_null(strstr(text, "<title>30 ns to 40 ns: 12</title>"));
    free(text);
}

static void bars(void **state)
{
    (void)state;
    static const char *const parts[] = {"KVM", "devices", "clusters"};
    const double off[] = {9.5, 0.5, 0}, on[] = {0.25, 0.25, 0.5};
    const struct svg_row rows[] = {{.name = "off", .value = off},
                                   {.name = "on", .value = on, .note = "10x <less>"}};
    const struct svg_axis axis = {.title = "time", .unit = SVG_SECONDS};
    struct svg *svg = begin();
    svg_add_bars(svg, "Time", &axis, parts, 3, rows, 2);
    char *text = finish(svg);
    assert_int_equal(count(text, "</title></rect>"), 2 + 3);
    assert_non_null(strstr(text, "<title>KVM: 9.5 s</title>"));
    assert_non_null(strstr(text, ">10x &lt;less&gt;<"));
    /* off's row in one piece: 0.5 s begins where 9.5 s ends */
    const char *first = strstr(text, "class=\"f0 e\""), *second = strstr(text, "class=\"f1 e\"");
    double x, width, next;
    assert_int_equal(sscanf(first, "class=\"f0 e\" x=\"%lf\" y=\"%*f\" width=\"%lf\"", &x, &width), 2);
    assert_int_equal(sscanf(second, "class=\"f1 e\" x=\"%lf\"", &next), 1);
    assert_true(fabs(x + width - next) < 0.11);
    free(text);
}

static void ranges(void **state)
{
    (void)state;
    const double fast[SVG_RANGE] = {90, 100, 110, 140, 5000},
                 slow[SVG_RANGE] = {900, 1000, 1100, 1400, 50000};
    const struct svg_row rows[] = {{.name = "in kernel", .value = fast},
                                   {.name = "to userspace", .value = slow}};
    const struct svg_axis axis = {.title = "round trip", .unit = SVG_NS, .log = true};
    struct svg *svg = begin();
    svg_add_ranges(svg, "Exits", &axis, rows, 2);
    char *text = finish(svg);
    assert_int_equal(count(text, "class=\"m\""), 2);
    assert_int_equal(count(text, ">1.1 us<"), 1);
    assert_int_equal(count(text, ">10 us<"), 1);
    free(text);
}

/* Text is never markup, and never what XML forbids. */
static void any_text(void **state)
{
    (void)state;
    struct svg *svg =
        svg_create("x", "a\x01\xff\xc0\x80 ]]> </title>", "\xed\xa0\x80 \xf4\x90\x80\x80 \xc3\xa9 &");
    svg_add_text(svg, "<script>alert(1)</script> \xef\xbf\xbf end");
    svg_add_text(svg, "a long text that does not fit into one line of the picture and is broken where there "
                      "is a blank between "
                      "two words, so that nothing is cut off");
    char *text = finish(svg);
    assert_null(strstr(text, "<script"));
    assert_non_null(strstr(text, "<title id=\"x-title\">a???? ]]&gt; &lt;/title&gt;</title>"));
    assert_non_null(strstr(text, "\xc3\xa9 &amp;</desc>"));
    assert_in_range(xml_count(text, "text"), 3, 5);
    free(text);
}

static void numbers(void **state)
{
    static const struct {
        double value;
        enum svg_unit unit;
        const char *text;
    } cases[] = {
        {0, SVG_NS, "0"},
        {0.5, SVG_NS, "0.5 ns"},
        {999, SVG_NS, "999 ns"},
        {1000, SVG_NS, "1 us"},
        {12345, SVG_NS, "12.3 us"},
        {2e9, SVG_NS, "2 s"},
        {0.002, SVG_SECONDS, "2 ms"},
        {1024, SVG_BYTES, "1 KiB"},
        {0x1p28, SVG_BYTES, "256 MiB"},
        {512, SVG_BYTES, "512 B"},
        {1500, SVG_NUMBER, "1.5 k"},
        {20, SVG_NUMBER, "20"},
        {3e6, SVG_NUMBER, "3 M"},
        {12.5, SVG_PERCENT, "12.5 %"},
        {82494, SVG_RATIO, "82494x"},
        {NAN, SVG_NS, "-"},
        {-5, SVG_NUMBER, "-5"},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char text[SVG_TEXT_BYTES];
        assert_string_equal(svg_format(text, cases[i].value, cases[i].unit), cases[i].text);
    }
}

/* One of everything, compared whole with a picture that somebody has looked at. */
static void golden(void **state)
{
    static const char *const parts[] = {"in KVM", "in devices", "in clusters"};
    const struct svg_point a[] = {{1024, 1}, {65536, 4}, {1 << 28, 90}},
                           b[] = {{1024, 5}, {65536, 6}, {1 << 28, 120}};
    const struct svg_series series[] = {{.name = "host", .point = a, .n = 3},
                                        {.name = "guest", .point = b, .n = 3, .colour = 1}};
    const struct svg_axis size = {.title = "size of the list", .unit = SVG_BYTES, .log = true},
                          ns = {.title = "time per element", .unit = SVG_NS, .log = true},
                          seconds = {.title = "time", .unit = SVG_SECONDS},
                          trip = {.title = "round trip", .unit = SVG_NS}, samples = {.title = "samples"};
    const double edge[] = {8000, 8500, 9000, 9500}, counts[] = {300, 1900, 40}, off[] = {9.5, 0.5, 0},
                 on[] = {0.25, 0.25, 0.5}, fast[SVG_RANGE] = {90, 100, 110, 140, 5000},
                 slow[SVG_RANGE] = {900, 1000, 1100, 1400, 50000};
    const struct svg_row bar[] = {{.name = "off", .value = off}, {.name = "on", .value = on}},
                         range[] = {{.name = "in the kernel", .value = fast},
                                    {.name = "to userspace", .value = slow}};
    char expected[32768];
    (void)state;
    struct svg *svg = begin();
    svg_add_lines(svg, "Lines", &size, &ns, series, 2);
    svg_add_histogram(svg, "Histogram", &trip, &samples, edge, counts, 3, 0);
    svg_add_bars(svg, "Bars", &seconds, parts, 3, bar, 2);
    svg_add_ranges(svg, "Ranges", &ns, range, 2);
    svg_add_text(svg, "A line of text.");
    char *text = finish(svg);
    FILE *file = fopen(GOLDEN_DIR "/charts.svg", getenv("HUDDLE_REBASE") ? "w" : "r");
    assert_non_null(file);
    if (getenv("HUDDLE_REBASE")) {
        assert_true(fputs(text, file) >= 0);
    } else {
        expected[fread(expected, 1, sizeof expected - 1, file)] = '\0';
        assert_string_equal(text, expected);
    }
    fclose(file);
    free(text);
}

static void files(void **state)
{
    (void)state;
    assert_int_equal(svg_finish_file(begin(), "/nowhere/at/all.svg"), -ENOENT);
    assert_int_equal(svg_finish_file(begin(), "/dev/full"), -ENOSPC);
}

static void blocks(void **state)
{
    char text[BLOCKS_BYTES];
    const double values[] = {0, 1, 4, 8, 0.001}, none[] = {0, NAN};
    (void)state;
    assert_string_equal(blocks_columns(text, values, 5), " ▁▄█▁");
    assert_string_equal(blocks_columns(text, none, 2), "  ");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(checker), cmocka_unit_test(frame),           cmocka_unit_test(styles_are_its_own),
        cmocka_unit_test(lines),   cmocka_unit_test(nothing_to_show), cmocka_unit_test(histogram),
        cmocka_unit_test(bars),    cmocka_unit_test(ranges),          cmocka_unit_test(any_text),
        cmocka_unit_test(numbers), cmocka_unit_test(golden),          cmocka_unit_test(files),
        cmocka_unit_test(blocks),
    };
    return cmocka_run_group_tests_name("svg", tests, NULL, NULL);
}
