/* The listing of clusters, from a real engine over a fake world, compared whole: it is right when it reads
 * right. */
#include "../engine/engine_rig.h"

#include "report/clusters.h"
#include "report/host_code.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SECOND = 0x1100, LINE = CLUSTERS_COLUMNS };

/* Stands for the host code of every instruction: nop; jmp to the first byte of the translation; jmp out. */
static const u8 host_code[] = {0x90, 0xeb, 0xfd, 0xe9, 0x00, 0x10, 0x00, 0x00};

static const u8 *fake_code(void *opaque, const struct cluster *cluster, int i, u32 *bytes)
{
    (void)opaque, (void)cluster;
    *bytes = i == CLUSTER_NO_INSN || i == 0 ? sizeof host_code : 0;
    return host_code;
}

struct listing {
    struct run_stats run;
    struct cluster_backend backend;
    struct clusters_report report;
};

static void listing_init(struct listing *l, const struct engine_rig *er)
{
    memset(l, 0, sizeof *l);
    l->backend = (struct cluster_backend){.name = "test"};
    l->run.exits_total = 1234;
    strcpy(l->run.variant, "on");
    strcpy(l->run.end_text, "the guest wrote 0 to port F4h");
    cluster_engine_stats(er->engine, &l->run.clusters);
    l->report = (struct clusters_report){
        .guest = "fake.img", .run = &l->run, .engine = er->engine, .backend = &l->backend};
}

static char *print(const struct clusters_report *report, u32 top)
{
    char *text;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    assert_non_null(out);
    clusters_print(out, report, top);
    fclose(out);
    return text;
}

static void assert_fits(const char *text)
{
    while (*text) {
        size_t n = strcspn(text, "\n");
        assert_in_range(n, 0, LINE);
        assert_true(n == 0 || text[n - 1] != ' ');
        text += n + (text[n] == '\n');
    }
}

static void check(const char *golden, const struct clusters_report *report, u32 top)
{
    char path[512], expected[16384], *text = print(report, top);
    assert_fits(text);
    snprintf(path, sizeof path, "%s/%s", GOLDEN_DIR, golden);
    FILE *file = fopen(path, getenv("HUDDLE_REBASE") ? "w" : "r");
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

/* Exits at the `n` bytes from `at` until there is a cluster, then `runs` runs of it from `start` on. */
static void hot_place(struct engine_rig *er, u32 at, const u8 *bytes, u32 n, enum cluster_position position,
                      u32 start, u32 runs)
{
    memcpy(er->rig->ram + at, bytes, n);
    for (u32 i = 0; i < 2 + runs; i++) {
        er->cpu->eip = at;
        struct cluster *cluster = engine_exit(er, position);
        if (!cluster)
            continue;
        er->cpu->eip = start;
        cluster_engine_run(er->engine, cluster, er->cpu);
    }
}

/* The loop that fills a byte of each of four planes:
 *   again: in al, dx; out 80h, al; mov cl, al; mov [bx], al; test al, 8; jz again; out dx, al; iret
 * and one that never gets to its end: out 43h, al; mov dword es:[eax+ecx*4+12345678h], 87654321h; in ax, dx;
 * iret */
static void load_two_clusters(struct engine_rig *er)
{
    static const u8 loop[] = {0xec, 0xe6, 0x80, 0x88, 0xc1, 0x88, 0x07, 0xa8, 0x08, 0x74, 0xf5, 0xee, 0xcf};
    static const u8 pair[] = {0xe6, 0x43, 0x66, 0x67, 0x26, 0xc7, 0x84, 0x88, 0x78,
                              0x56, 0x34, 0x12, 0x21, 0x43, 0x65, 0x87, 0xed, 0xcf};
    er->cpu->reg[CPU_EBX] = 0x5000;
    hot_place(er, RIG_CODE, loop, sizeof loop, POSITION_AT, RIG_CODE + 1, 40);
    hot_place(er, SECOND, pair, sizeof pair, POSITION_AFTER, SECOND, 3);
}

static void listing_reads_well(void **state)
{
    struct engine_rig *er = *state;
    struct listing l;
    load_two_clusters(er);
    listing_init(&l, er);
    check("clusters.txt", &l.report, 10);
}

static void stop(struct engine_rig *er, u32 n)
{
    if (n == er->stop_at)
        er->rig->attention = 1;
}

/* A loop with a wait, a call and an indirect jump:
 *   again: in al, dx; test al, 8; jz again; call f; jmp bx (again)    f: out 80h, al; cmp al, 0ffh; jz out; ret
 * What is in regions by then was interpreted first. */
static void load_regions(struct engine_rig *er)
{
    static const u8 loop[] = {0xec, 0xa8, 0x08, 0x74, 0xfb, 0xe8, 0xf8, 0x00, 0xff, 0xe3};
    static const u8 f[] = {0xe6, 0x80, 0x3c, 0xff, 0x74, 0xf0, 0xc3};
    struct cpu_where where = engine_where(er);
    engine_use_regions(er);
    cluster_engine_exit_region(er->engine, &where, POSITION_AT); /* from here on */
    memcpy(er->rig->ram + RIG_CODE, loop, sizeof loop);
    memcpy(er->rig->ram + SECOND, f, sizeof f);
    er->cpu->reg[CPU_EBX] = RIG_CODE;
    er->hook = stop;
    er->stop_at = 128;
    while (er->accesses < er->stop_at)
        cluster_engine_go_on(er->engine, er->cpu);
}

static void regions_read_well(void **state)
{
    struct engine_rig *er = *state;
    struct listing l;
    load_regions(er);
    listing_init(&l, er);
    check("regions.txt", &l.report, 10);
}

static void top_and_details(void **state)
{
    struct engine_rig *er = *state;
    struct listing l;
    load_two_clusters(er);
    listing_init(&l, er);
    l.report.steps = l.report.host_code = true;
    check("clusters-details.txt", &l.report, 1);
}

static void nothing_to_list(void **state)
{
    struct engine_rig *er = *state;
    struct listing l;
    listing_init(&l, er);
    l.run.exits_total = 1;
    check("clusters-none.txt", &l.report, 10);
}

/* A change of level forgets clusters, but not what they did. */
static void forgotten_clusters_are_mentioned(void **state)
{
    struct engine_rig *er = *state;
    struct listing l;
    load_two_clusters(er);
    cluster_engine_set_window(er->engine, ENGINE_WINDOW);
    hot_place(er, SECOND, (const u8[]){0xec, 0xec, 0xcf}, 3, POSITION_AT, SECOND + 1, 2);
    listing_init(&l, er);
    check("clusters-forgotten.txt", &l.report, 10);
}

static void host_code_as_text(void **state)
{
    struct engine_rig *er = *state;
    struct listing l;
    char text[HOST_CODE_BYTES], out[32];
    load_two_clusters(er);
    listing_init(&l, er);
    l.backend.code = fake_code;
    l.report.host_code = true;
    char *without = print(&l.report, 1); /* a cluster that was not translated */
    assert_null(strstr(without, "nop"));
    free(without);
    assert_int_equal(host_code_format(text, host_code, sizeof host_code, 0, sizeof host_code), 1);
    assert_string_equal(text, "nop");
    assert_int_equal(host_code_format(text, host_code + 1, 2, 0x11, 0x30), 2);
    assert_string_equal(text, "jmp +10");
    assert_int_equal(host_code_format(text, host_code + 3, 5, 3, sizeof host_code), 5);
    snprintf(out, sizeof out, "jmp 0x%lX", (unsigned long)(uintptr_t)host_code + sizeof host_code + 0x1000);
    assert_string_equal(text, out);
    assert_int_equal(host_code_format(text, host_code + 3, 2, 3, 2), 0); /* cut off */
}

static bool give_translation(void *opaque, const struct cluster *cluster)
{
    ((struct cluster *)cluster)->translation = opaque;
    return true;
}

static void host_code_of_each_instruction(void **state)
{
    struct engine_rig *er = *state;
    struct listing l;
    load_two_clusters(er);
    cluster_engine_each(er->engine, give_translation, er); /* what it points to is the executor's business */
    listing_init(&l, er);
    l.backend.code = fake_code;
    l.report.host_code = true;
    char *text = print(&l.report, 1);
    assert_fits(text);
    assert_non_null(strstr(text, "; 8 bytes of host code\n"));
    assert_non_null(strstr(text, "+0    nop\n"));
    assert_non_null(strstr(text, "+1    jmp +0\n"));
    free(text);
    cluster_engine_each(er->engine, give_translation, NULL);
}

static json_int_t number_of(const json_t *o, const char *key)
{
    const json_t *value = json_object_get(o, key);
    if (!json_is_integer(value))
        fail_msg("no number %s", key);
    return json_integer_value(value);
}

static void assert_text(const json_t *o, const char *key, const char *expected)
{
    const char *text = json_string_value(json_object_get(o, key));
    assert_non_null(text);
    assert_string_equal(text, expected);
}

static void json_has_it_all(void **state)
{
    struct engine_rig *er = *state;
    struct listing l;
    load_two_clusters(er);
    listing_init(&l, er);
    l.report.steps = true;
    json_t *o = clusters_json(&l.report), *cluster, *insn;
    size_t i, k;
    json_int_t avoided = 0, runs = 0;
    assert_text(o, "guest", "fake.img");
    assert_int_equal(json_array_size(json_object_get(o, "clusters")), 2);
    json_array_foreach(json_object_get(o, "clusters"), i, cluster)
    {
        json_int_t sum = number_of(cluster, "exits_avoided_gone");
        json_array_foreach(json_object_get(cluster, "instructions"), k, insn) sum +=
            number_of(insn, "exits_avoided");
        assert_int_equal(sum, number_of(cluster, "exits_avoided"));
        avoided += sum;
        runs += number_of(cluster, "runs");
    }
    assert_int_equal(avoided, l.run.clusters.exits_avoided);
    assert_int_equal(runs, l.run.clusters.runs);
    cluster = json_array_get(json_object_get(o, "clusters"), 0);
    assert_int_equal(number_of(cluster, "linear"), RIG_CODE);
    assert_text(cluster, "exit", "at");
    assert_text(cluster, "mode", "real");
    assert_true(json_is_null(json_object_get(cluster, "host_bytes")));
    insn = json_array_get(json_object_get(cluster, "instructions"), 5);
    assert_text(insn, "instruction", "jz 0x1000");
    assert_text(insn, "bytes", "74f5");
    assert_text(insn, "class", "filler");
    assert_int_equal(number_of(insn, "target"), RIG_CODE);
    assert_int_equal(json_array_size(json_object_get(insn, "steps")), 1);
    json_decref(o);
}

static void json_of_regions(void **state)
{
    struct engine_rig *er = *state;
    struct listing l;
    load_regions(er);
    listing_init(&l, er);
    json_t *o = clusters_json(&l.report), *cluster;
    json_int_t avoided = 0;
    size_t i;
    json_array_foreach(json_object_get(o, "clusters"), i, cluster)
    {
        assert_text(cluster, "exit", "region");
        avoided += number_of(cluster, "exits_avoided");
    }
    assert_true(i > 0 && avoided > 0 && avoided < (json_int_t)l.run.clusters.exits_avoided);
    json_decref(o);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ENGINE_TEST(listing_reads_well), ENGINE_TEST(regions_read_well), ENGINE_TEST(top_and_details),
        ENGINE_TEST(nothing_to_list),    ENGINE_TEST(forgotten_clusters_are_mentioned),
        ENGINE_TEST(host_code_as_text),  ENGINE_TEST(host_code_of_each_instruction),
        ENGINE_TEST(json_has_it_all),    ENGINE_TEST(json_of_regions),
    };
    return cmocka_run_group_tests_name("clusters", tests, NULL, NULL);
}
