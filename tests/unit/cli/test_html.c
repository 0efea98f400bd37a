/* The page of `huddle ab --html` from made-up statistics: its structure compared whole, without style and
 * charts; well-formed whatever texts are in it; written whole or not at all. */
#include "cli_tests.h"

#include "../report/xml_check.h"
#include "fake_runs.h"
#include "report/html.h"
#include "report/timeline.h"

#include <errno.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char clusters[] =
    "{\"guest\": \"\", \"count\": 7, \"exits_avoided\": 60000, \"clusters\": ["
    "{\"linear\": 97338, \"cs_base\": 65536, \"exit\": \"region\", \"mode\": \"real\", \"code_bits\": 16, "
    "\"formed\": 2, \"runs\": 31,"
    " \"exits_avoided\": 40000, \"exits_avoided_gone\": 0, \"exiting\": 2, \"host_bytes\": 1234,"
    " \"left\": {\"interrupt\": 12, \"horizon\": 3}, \"instructions\": ["
    "{\"linear\": 97338, \"bytes\": \"ec\", \"instruction\": \"in al, dx\", \"class\": \"strong\", "
    "\"exits\": 5,"
    " \"exits_avoided\": 39999, \"target\": null},"
    "{\"linear\": 97339, \"bytes\": \"8807\", \"instruction\": \"mov [bx], al\", \"class\": \"weak\", "
    "\"exits\": 0,"
    " \"exits_avoided\": 1, \"target\": null},"
    "{\"linear\": 97341, \"bytes\": \"ebfb\", \"instruction\": \"jmp 0x7C3A\", \"class\": \"filler\", "
    "\"exits\": 0,"
    " \"exits_avoided\": 0, \"target\": 97338}]},"
    "{\"linear\": 1048580, \"cs_base\": 0, \"exit\": \"at\", \"mode\": \"protected\", \"code_bits\": 32, "
    "\"formed\": 1, \"runs\": 4,"
    " \"exits_avoided\": 20000, \"exits_avoided_gone\": 0, \"exiting\": 1, \"host_bytes\": null, \"left\": "
    "{},"
    " \"instructions\": []}]}";

struct page {
    struct fake_ab fake;
    struct html_report report;
    char *text;
};

static void add_timeline(struct run_stats *s, u64 exits, u64 avoided)
{
    timeline_start(&s->timeline, 0);
    for (u64 ns = 0; ns < s->virtual_ns; ns += 10 * NS_PER_MS) {
        timeline_at(&s->timeline, ns)->exits += exits;
        timeline_at(&s->timeline, ns)->avoided += avoided;
    }
}

static void add_costs(struct run_explain *e)
{
    struct run_explain_kind *kind = &e->kind[EXIT_pio_out];
    e->on = true;
    e->total_ns = 100 * NS_PER_MS;
    e->guest_ns = 70 * NS_PER_MS;
    kind->exits = 2000;
    kind->sampled = 200;
    kind->median_ns = 9900;
    kind->step[EXPLAIN_kvm].sum_ns = 20 * NS_PER_MS;
    kind->step[EXPLAIN_device].sum_ns = 9 * NS_PER_MS;
}

static void page_init(struct page *p, u32 n)
{
    static const u8 picture[] = {'M', 'a', 'n', 'y', ' ', 'p', 'i', 'x', 'e', 'l', 's'};
    memset(p, 0, sizeof *p);
    fake_ab_init(&p->fake, n);
    p->report = (struct html_report){.ab = &p->fake.report,
                                     .host = {.cpu = "Example Processor 9000",
                                              .kernel = "Linux 6.1.0",
                                              .processors = 2,
                                              .made = "2026-01-02 03:04",
                                              .huddle = "1.2.3"}};
    for (u32 i = 0; i < n; i++) {
        add_timeline(&p->fake.runs[i], i ? 1 : 300, i ? 299 : 0);
        add_costs(&p->fake.runs[i].explain);
        p->report.run[i] = (struct html_run){
            .picture = (u8 *)picture, .picture_bytes = sizeof picture - i, .text = (char *)"A:\\>dir\n"};
        if (i)
            p->report.run[i].clusters = json_loads(clusters, 0, NULL);
    }
}

static void page_fini(struct page *p)
{
    for (u32 i = 0; i < AB_MAX_VARIANTS; i++)
        json_decref(p->report.run[i].clusters);
    free(p->text);
}

/* The page, which is well-formed behind its doctype. */
static const char *page_print(struct page *p)
{
    static const char doctype[] = "<!DOCTYPE html>\n";
    size_t size;
    free(p->text);
    FILE *out = open_memstream(&p->text, &size);
    assert_non_null(out);
    html_print(out, &p->report);
    assert_int_equal(fclose(out), 0);
    assert_int_equal(strncmp(p->text, doctype, sizeof doctype - 1), 0);
    const char *wrong = xml_check(p->text + sizeof doctype - 1);
    if (wrong)
        fail_msg("%s in %s", wrong, p->text);
    return p->text;
}

static void assert_has(const char *text, const char *part)
{
    if (!strstr(text, part))
        fail_msg("no \"%s\" in the page", part);
}

/* Cuts out what is inside of all elements `name`. */
static void cut(char *text, const char *name)
{
    char open[16], close[16];
    snprintf(open, sizeof open, "<%s", name);
    snprintf(close, sizeof close, "</%s>", name);
    for (char *at = strstr(text, open); at; at = strstr(at, open)) {
        char *end = strstr(at, close);
        assert_non_null(end);
        at += strlen(open);
        memmove(at, end, strlen(end) + 1);
        at += strlen(close);
    }
}

static void structure(void **state)
{
    struct page p;
    (void)state;
    page_init(&p, 2);
    fake_ab_add_windows(&p.fake);
    page_print(&p);
    assert_int_equal(xml_count(p.text, "svg"), 8); /* exits, two timelines, costs of all and each, time, windows */
    cut(p.text, "style");
    cut(p.text, "svg");
    assert_golden("ab-page.html", p.text);
    page_fini(&p);
}

/* Each table has a caption and a region that Tab comes to; each column and row says what it is. */
static void can_be_read_without_seeing(void **state)
{
    struct page p;
    (void)state;
    page_init(&p, 3);
    const char *text = page_print(&p);
    u32 tables = xml_count(text, "table"), regions = 0, images = 0;
    for (const char *at = text; (at = strstr(at, "role=\"region\" aria-labelledby=\"")); at++) {
        char id[64], caption[96];
        assert_int_equal(sscanf(at, "role=\"region\" aria-labelledby=\"%63[^\"]\" tabindex=\"0\"", id), 1);
        snprintf(caption, sizeof caption, "<caption id=\"%s\">", id);
        assert_has(at, caption);
        regions++;
    }
    assert_true(tables > 8);
    assert_int_equal(regions, tables);
    assert_int_equal(xml_count(text, "caption"), tables);
    assert_int_equal(xml_count(text, "h1"), 1);
    assert_int_equal(xml_count(text, "main"), 1);
    for (const char *at = text; (at = strstr(at, "<img alt=\"Last picture of ")); at++)
        images++;
    assert_int_equal(images, 3);
    assert_int_equal(xml_count(text, "img"), images);
    assert_has(text, "<a class=\"skip\" href=\"#report\">");
    assert_has(text, "<main id=\"report\"");
    page_fini(&p);
}

static void differences_are_said_in_words(void **state)
{
    struct page p;
    (void)state;
    page_init(&p, 3);
    fake_ab_differ(&p.fake);
    p.fake.runs[2].frame_hash++;
    const char *text = page_print(&p);
    assert_has(text, "<h1>Different: off and window:4: they part at access 7</h1>");
    assert_has(text, "<p class=\"verdict bad\"><strong><span aria-hidden=\"true\">\xe2\x9c\x97</span> "
                     "Different:</strong>");
    assert_has(text, "<section id=\"difference\"");
    assert_has(text, "<td>3DAh (VGA input status 1)</td><td class=\"n\">09h</td>");
    assert_has(text, "<strong>DIFFERENT</strong>");
    assert_has(text, "another picture");
    assert_has(text, "what it reads there is the host's time");
    page_fini(&p);
}

static void other_verdicts(void **state)
{
    static const struct {
        enum run_end end;
        const char *word;
    } cases[] = {{RUN_END_HOST_ERROR, "<h1>No result: not both could be run</h1>"},
                 {RUN_END_CRASH, "<h1>Different: off and on: the same accesses, but another end</h1>"}};
    (void)state;
    for (u32 i = 0; i < ARRAY_LEN(cases); i++) {
        struct page p;
        page_init(&p, 2);
        p.fake.runs[1].end = cases[i].end;
        p.fake.report.variant_same[1] = false;
        difference_find(&p.fake.report.difference, &p.fake.runs[0], (struct records){0}, &p.fake.runs[1],
                        (struct records){0});
        const char *text = page_print(&p);
        assert_has(text, cases[i].word);
        assert_has(text, "How the two runs ended");
        page_fini(&p);
    }
}

/* A guest decides on most of the texts. */
static void texts_stay_texts(void **state)
{
    static const char evil[] = "\"></td></pre><script>alert('x')</script>&\x01\xff]]>";
    struct page p;
    (void)state;
    page_init(&p, 2);
    p.fake.report.guest = evil;
    p.fake.report.backend = evil;
    p.report.run[1].text = (char *)evil;
    snprintf(p.report.host.cpu, sizeof p.report.host.cpu, "%s", evil);
    snprintf(p.fake.runs[0].end_text, sizeof p.fake.runs[0].end_text, "%s", evil);
    snprintf(p.fake.runs[0].sites[0].text, sizeof p.fake.runs[0].sites[0].text, "%s", evil);
    snprintf(p.fake.runs[0].targets[0].name, sizeof p.fake.runs[0].targets[0].name, "%.39s", evil);
    snprintf(p.fake.runs[1].variant, sizeof p.fake.runs[1].variant, "%.31s", evil);
    snprintf(p.fake.runs[1].clusters.stop[0].mnemonic, 16, "%.15s", evil);
    json_t *cluster = json_array_get(json_object_get(p.report.run[1].clusters, "clusters"), 0);
    static const char *const keys[] = {"bytes", "instruction", "class"};
    for (u32 i = 0; i < ARRAY_LEN(keys); i++)
        json_object_set_new(json_array_get(json_object_get(cluster, "instructions"), 0), keys[i],
                            json_string("</td><script>"));
    json_object_set_new(json_object_get(cluster, "left"), "</td><script>", json_integer(1));
    const char *text = page_print(&p);
    assert_null(strstr(text, "<script"));
    assert_has(text, "&lt;script&gt;");
    page_fini(&p);
}

static void five_variants_and_nothing_left_behind(void **state)
{
    struct page p;
    (void)state;
    page_init(&p, 5);
    fake_ab_add_windows(&p.fake);
    const char *text = page_print(&p);
    assert_has(text, ">window:256</th>");
    page_fini(&p);
    page_init(&p, 2);
    for (u32 i = 0; i < 2; i++) {
        json_decref(p.report.run[i].clusters);
        p.report.run[i] = (struct html_run){0};
        memset(&p.fake.runs[i], 0, sizeof p.fake.runs[i]);
        snprintf(p.fake.runs[i].variant, sizeof p.fake.runs[i].variant, "v%u", i);
    }
    text = page_print(&p);
    assert_null(strstr(text, "<section id=\"screens\""));
    assert_null(strstr(text, "<section id=\"clusters\""));
    assert_null(strstr(text, "<section id=\"timeline\""));
    page_fini(&p);
}

/* What clusters_json wrote went through a file: it may be anything. */
static void odd_clusters_are_left_out(void **state)
{
    static const char *const odd[] = {
        "[]", "{}", "{\"clusters\": 3}", "{\"clusters\": [null, 3, {}]}",
        "{\"clusters\": [{\"instructions\": [[], {\"target\": 5}], \"left\": []}]}"};
    struct page p;
    (void)state;
    page_init(&p, 2);
    for (u32 i = 0; i < ARRAY_LEN(odd); i++) {
        json_decref(p.report.run[1].clusters);
        p.report.run[1].clusters = json_loads(odd[i], 0, NULL);
        assert_non_null(p.report.run[1].clusters);
        page_print(&p);
    }
    page_fini(&p);
}

static size_t count_files(const char *pattern)
{
    glob_t found;
    size_t n = glob(pattern, 0, NULL, &found) ? 0 : found.gl_pathc;
    globfree(&found);
    return n;
}

static void written_whole_or_not_at_all(void **state)
{
    struct page p;
    char pattern[300], first[16] = "";
    (void)state;
    page_init(&p, 2);
    const char *path = temp_file("page.html", "before", 6, 6);
    snprintf(pattern, sizeof pattern, "%s.*", path);
    assert_int_equal(html_write(&p.report, path), 0);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    assert_int_equal(fread(first, 1, 15, file), 15);
    fclose(file);
    assert_string_equal(first, "<!DOCTYPE html>");
    assert_int_equal(count_files(pattern), 0);
    unlink(path);
    assert_int_equal(html_write(&p.report, "no-such-directory/page.html"), -ENOENT);
    assert_int_equal(html_write(&p.report, "."), -EISDIR);
    assert_int_equal(count_files("..tmp.*"), 0);
    page_fini(&p);
}

/* What is no file is not replaced by one. */
static void links_and_devices_stay(void **state)
{
    struct page p;
    struct stat st;
    char link[300];
    (void)state;
    page_init(&p, 2);
    const char *path = temp_file("page.html", "before", 6, 6);
    snprintf(link, sizeof link, "%s.link", path);
    assert_int_equal(symlink(path, link), 0);
    assert_int_equal(html_write(&p.report, link), 0);
    assert_int_equal(lstat(link, &st), 0);
    assert_true(S_ISLNK(st.st_mode));
    assert_int_equal(stat(path, &st), 0);
    assert_true(st.st_size > 1000);
    unlink(link);
    unlink(path);
    assert_int_equal(html_write(&p.report, "/dev/null"), 0);
    assert_int_equal(lstat("/dev/null", &st), 0);
    assert_true(S_ISCHR(st.st_mode));
    page_fini(&p);
}

int test_html(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(structure),
        cmocka_unit_test(can_be_read_without_seeing),
        cmocka_unit_test(differences_are_said_in_words),
        cmocka_unit_test(other_verdicts),
        cmocka_unit_test(texts_stay_texts),
        cmocka_unit_test(five_variants_and_nothing_left_behind),
        cmocka_unit_test(odd_clusters_are_left_out),
        cmocka_unit_test(written_whole_or_not_at_all),
        cmocka_unit_test(links_and_devices_stay),
    };
    return cmocka_run_group_tests_name("html", tests, NULL, NULL);
}
