/* Verdicts from what a comparison left, the file of results as processes leave it, and keys of contents. */
#include "corpus_tests.h"

#include "corpus/content.h"
#include "corpus/results.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define EXITED(status) ((status) << 8)

#define VARIANT(name, total, kick, ns)                                                                       \
    "{\"name\":\"" name "\",\"end\":{\"reason\":\"exit_port\",\"text\":\"the guest wrote 0\"},"              \
    "\"exits\":{\"total\":" #total ",\"kick\":" #kick "},\"cpu_ns\":" #ns "}"
#define REPORT(difference)                                                                                   \
    "{\"backend\":\"vmx\",\"first_difference\":" difference ",\"variants\":[" VARIANT(                       \
        "off", 1010, 10, 5000) "," VARIANT("pairs", 600, 1, 4000) "," VARIANT("on", 12, 2, 1000) "]}"

static json_t *make_report(const char *text)
{
    json_error_t error;
    json_t *report = json_loads(text, 0, &error);
    assert_non_null(report);
    return report;
}

static void judge(struct corpus_result *r, int wait_status, const char *report, const char *said)
{
    json_t *json = report ? make_report(report) : NULL;
    *r = (struct corpus_result){.key = 7};
    corpus_result_judge(r, wait_status, json, said);
    assert_int_equal(r->key, 7);
    json_decref(json);
}

static void verdicts(void **state)
{
    struct corpus_result r;
    (void)state;
    judge(&r, EXITED(0), REPORT("null"), "");
    assert_int_equal(r.verdict, CORPUS_SAME);
    assert_true(r.counted);
    assert_string_equal(r.first, "off");
    assert_string_equal(r.last, "on");
    assert_string_equal(r.backend, "vmx");
    assert_int_equal(r.exits_first, 1000);
    assert_int_equal(r.exits_last, 10);
    assert_int_equal(r.ns_first, 5000);
    assert_int_equal(r.ns_last, 1000);
    assert_string_equal(r.reason, "");
    judge(&r, EXITED(1), REPORT("{\"kind\":\"ram\",\"text\":\"memory differs\"}"), "");
    assert_int_equal(r.verdict, CORPUS_DIFFERENT);
    assert_string_equal(r.reason, "memory differs");
    assert_true(r.counted);
    judge(&r, EXITED(1), REPORT("{\"kind\":\"stopped\",\"text\":\"on was stopped\"}"), "");
    assert_int_equal(r.verdict, CORPUS_UNDECIDED);
    assert_false(r.counted);
    judge(
        &r, EXITED(1),
        "{\"first_difference\":{\"kind\":\"access\",\"text\":\"they part\"},\"variants\":["
        "{\"name\":\"off\",\"time_nudges\":2,\"exits\":{\"total\":7}},{\"name\":\"on\",\"time_nudges\":1}]}",
        "");
    assert_int_equal(r.verdict, CORPUS_UNDECIDED);
    assert_true(r.counted);
    assert_int_equal(r.exits_first, 7);
    assert_string_equal(
        r.reason, "they part; but time was moved on while the guest was busy without touching a device (2x): "
                  "that alone can do it");
    judge(&r, EXITED(1), REPORT("{\"kind\":\"failed\",\"text\":\"on died\"}"), "huddle: said\n");
    assert_int_equal(r.verdict, CORPUS_FAILED);
    assert_string_equal(r.reason, "on died");
    assert_false(r.counted);
}

static void failures(void **state)
{
    struct corpus_result r;
    (void)state;
    judge(&r, EXITED(2), NULL, "huddle: warning: first\nhuddle: a.img: No such file or directory\n");
    assert_int_equal(r.verdict, CORPUS_FAILED);
    assert_int_equal(r.status, 2);
    assert_string_equal(r.reason, "a.img: No such file or directory");
    judge(&r, EXITED(71), NULL, "");
    assert_string_equal(r.reason, "huddle ab ended with status 71 and said nothing");
    judge(&r, 11, REPORT("null"), "");
    assert_int_equal(r.verdict, CORPUS_FAILED);
    assert_int_equal(r.status, 139);
    assert_string_equal(r.reason, "huddle itself died of signal 11 (Segmentation fault)");
    /* A report that could not be written whole is no report. */
    judge(&r, EXITED(71), REPORT("null"), "huddle: x.json: cannot be written");
    assert_int_equal(r.verdict, CORPUS_FAILED);
}

static void crash_is_remarked(void **state)
{
    struct corpus_result r;
    (void)state;
    judge(&r, EXITED(0),
          "{\"variants\":[{\"name\":\"off\",\"end\":{\"reason\":\"crash\",\"text\":\"triple "
          "fault\"}},{\"name\":\"on\"}]}",
          "");
    assert_int_equal(r.verdict, CORPUS_SAME);
    assert_string_equal(r.reason, "triple fault");
}

/* --- lines --- */

static void assert_same(const struct corpus_result *a, const struct corpus_result *b)
{
    assert_int_equal(a->key, b->key);
    assert_int_equal(a->verdict, b->verdict);
    assert_int_equal(a->status, b->status);
    assert_string_equal(a->reason, b->reason);
    assert_int_equal(a->counted, b->counted);
    assert_string_equal(a->first, b->first);
    assert_string_equal(a->last, b->last);
    assert_string_equal(a->backend, b->backend);
    assert_int_equal(a->exits_first, b->exits_first);
    assert_int_equal(a->exits_last, b->exits_last);
    assert_int_equal(a->ns_first, b->ns_first);
    assert_int_equal(a->ns_last, b->ns_last);
}

static char *make_line(u64 key, const char *report_text)
{
    struct corpus_result r = {.key = key};
    json_t *report = report_text ? make_report(report_text) : NULL;
    if (report)
        corpus_result_judge(&r, EXITED(0), report, "");
    else
        corpus_result_fail(&r, 124, "it took too long\nand so on");
    char *line = corpus_result_write(&r, "caf\xe9.img 'a b'", report);
    json_decref(report);
    assert_non_null(line);
    assert_ptr_equal(strchr(line, '\n'), line + strlen(line) - 1);
    return line;
}

static void lines_there_and_back(void **state)
{
    struct corpus_result judged, read;
    (void)state;
    char *line = make_line(0xfedcba9876543210, REPORT("null"));
    judge(&judged, EXITED(0), REPORT("null"), "");
    judged.key = 0xfedcba9876543210;
    assert_true(corpus_result_read(&read, line, strlen(line)));
    assert_same(&judged, &read);
    free(line);
    line = make_line(1, NULL);
    assert_true(corpus_result_read(&read, line, strlen(line)));
    assert_int_equal(read.verdict, CORPUS_FAILED);
    assert_int_equal(read.status, 124);
    assert_string_equal(read.reason, "it took too long\nand so on");
    free(line);
}

static void strange_lines(void **state)
{
    static const char *const strange[] = {
        "",
        "{}",
        "[1]",
        "{\"key\":\"0000000000000001\"}",
        "{\"key\":1,\"verdict\":\"failed\"}",
        "{\"key\":\"000000000000000G\",\"verdict\":\"failed\"}",
        "{\"key\":\"01\",\"verdict\":\"failed\"}",
        "{\"key\":\"0000000000000001\",\"verdict\":\"good\"}",
        "{\"key\":\"0000000000000001\",\"verdict\":\"same\",\"report\":null}",
        "{\"key\":\"0000000000000001\",\"verdict\":\"same\",\"report\":{\"variants\":[1]}}",
    };
    struct corpus_result r;
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(strange); i++)
        if (corpus_result_read(&r, strange[i], strlen(strange[i])))
            fail_msg("%s is taken for a result", strange[i]);
    static const char odd[] = "{\"key\":\"0000000000000001\",\"verdict\":\"same\",\"report\":{\"variants\":"
                              "[{\"exits\":{\"total\":-5,\"kick\":9}},{\"name\":7,\"exits\":[]}]}}";
    assert_true(corpus_result_read(&r, odd, strlen(odd)));
    assert_int_equal(r.exits_first, 0);
    assert_string_equal(r.last, "");
}

/* --- the file --- */

struct scratch {
    char directory[64], path[96];
};

static int make_scratch(void **state)
{
    struct scratch *s = calloc(1, sizeof *s);
    if (!s)
        return -1;
    strcpy(s->directory, "/tmp/huddle-corpus-XXXXXX");
    *state = s;
    bool well = mkdtemp(s->directory);
    snprintf(s->path, sizeof s->path, "%s/results", s->directory);
    return well ? 0 : -1;
}

static int remove_scratch(void **state)
{
    struct scratch *s = *state;
    unlink(s->path);
    rmdir(s->directory);
    free(s);
    return 0;
}

static void write_file(const char *path, const char *first, const char *second)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fprintf(file, "%s%s", first, second) >= 0);
    assert_int_equal(fclose(file), 0);
}

static void assert_file(const char *path, const char *expected)
{
    char text[8192];
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    text[fread(text, 1, sizeof text - 1, file)] = 0;
    fclose(file);
    assert_string_equal(text, expected);
}

static void append_and_find(void **state)
{
    const struct scratch *s = *state;
    struct corpus_results results;
    char *one = make_line(1, REPORT("null")), *failed = make_line(2, NULL),
         *again = make_line(2, REPORT("null"));
    assert_int_equal(corpus_results_open(&results, s->path), 0);
    assert_null(corpus_results_find(&results, 1));
    assert_int_equal(corpus_results_append(&results, one), 0);
    assert_int_equal(corpus_results_append(&results, failed), 0);
    corpus_results_close(&results);
    assert_int_equal(corpus_results_open(&results, s->path), 0);
    assert_int_equal(results.n_results, 2);
    assert_int_equal(corpus_results_find(&results, 2)->verdict, CORPUS_FAILED);
    assert_int_equal(corpus_results_append(&results, again), 0);
    corpus_results_close(&results);
    assert_int_equal(corpus_results_open(&results, s->path), 0);
    assert_int_equal(corpus_results_find(&results, 1)->verdict, CORPUS_SAME);
    assert_int_equal(corpus_results_find(&results, 2)->verdict, CORPUS_SAME); /* the last one counts */
    assert_null(corpus_results_find(&results, 3));
    corpus_results_close(&results);
    free(one), free(failed), free(again);
}

/* Whatever of the last line is there, it goes, and what is appended then begins a line. */
static void half_lines(void **state)
{
    const struct scratch *s = *state;
    char *one = make_line(1, REPORT("null")), *two = make_line(2, NULL), whole[8192];
    snprintf(whole, sizeof whole, "%s%s", one, two);
    for (size_t n = 1; n < strlen(two); n += 7) {
        struct corpus_results results;
        char piece[4096];
        snprintf(piece, sizeof piece, "%.*s", (int)n, two);
        write_file(s->path, one, piece);
        assert_int_equal(corpus_results_open(&results, s->path), 0);
        assert_int_equal(results.n_results, 1);
        assert_file(s->path, one);
        assert_int_equal(corpus_results_append(&results, two), 0);
        corpus_results_close(&results);
        assert_file(s->path, whole);
        write_file(s->path, piece, "");
        assert_int_equal(corpus_results_open(&results, s->path), 0);
        assert_int_equal(results.n_results, 0);
        corpus_results_close(&results);
    }
    free(one), free(two);
}

static void other_peoples_files(void **state)
{
    const struct scratch *s = *state;
    static const char *const texts[] = {"dear diary\n", "dear diary", "{\"guest\": \"x\"}\n", "\n"};
    struct corpus_results results;
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        write_file(s->path, texts[i], "");
        assert_int_equal(corpus_results_open(&results, s->path), -EEXIST);
        assert_file(s->path, texts[i]);
    }
    /* Among results a strange line is left where it is. */
    char *one = make_line(1, NULL), whole[4096];
    write_file(s->path, "# a note\n", one);
    assert_int_equal(corpus_results_open(&results, s->path), 0);
    assert_int_equal(results.n_results, 1);
    corpus_results_close(&results);
    snprintf(whole, sizeof whole, "# a note\n%s", one);
    assert_file(s->path, whole);
    free(one);
    assert_int_equal(corpus_results_open(&results, "/no/such/directory/results"), -ENOENT);
}

static void one_writer(void **state)
{
    const struct scratch *s = *state;
    struct corpus_results first, second;
    assert_int_equal(corpus_results_open(&first, s->path), 0);
    assert_int_equal(corpus_results_open(&second, s->path), -EBUSY);
    corpus_results_close(&first);
    assert_int_equal(corpus_results_open(&second, s->path), 0);
    corpus_results_close(&second);
}

/* --- contents --- */

static void contents(void **state)
{
    const struct scratch *s = *state;
    write_file(s->path, "abc", "");
    u64 abc = corpus_hash_file(1, AT_FDCWD, s->path), directory = corpus_hash_file(1, AT_FDCWD, s->directory);
    int at = open(s->directory, O_PATH | O_DIRECTORY);
    assert_true(corpus_hash_file(1, at, "results") == abc);
    assert_true(corpus_hash_file(1, at, ".") == directory);
    close(at);
    assert_true(corpus_hash_file(2, AT_FDCWD, s->path) != abc);
    assert_true(abc != directory);
    write_file(s->path, "abd", "");
    assert_true(corpus_hash_file(1, AT_FDCWD, s->path) != abc);
    assert_true(corpus_hash_file(1, AT_FDCWD, s->directory) != directory);
    write_file(s->path, "abc", "");
    assert_true(corpus_hash_file(1, AT_FDCWD, s->path) == abc);
    assert_true(corpus_hash_file(1, AT_FDCWD, s->directory) == directory);
    struct stat file;
    assert_int_equal(stat(s->path, &file), 0);
    u64 without = corpus_hash_without(1, AT_FDCWD, s->directory, &file);
    assert_true(without != directory);
    write_file(s->path, "abcd", "");
    assert_true(corpus_hash_without(1, AT_FDCWD, s->directory, &file) == without);
    write_file(s->path, "abc", "");
    char other[96];
    snprintf(other, sizeof other, "%s/other", s->directory);
    assert_int_equal(rename(s->path, other), 0);
    assert_true(corpus_hash_file(1, AT_FDCWD, s->directory) != directory);
    u64 missing = corpus_hash_file(1, AT_FDCWD, s->path);
    assert_true(missing != abc);
    assert_true(corpus_hash_file(1, AT_FDCWD, s->path) == missing);
    unlink(other);
    assert_true(corpus_hash_file(1, AT_FDCWD, s->directory) == without);
    assert_int_equal(mkfifo(s->path, 0600), 0); /* does not hold us up */
    assert_true(corpus_hash_file(1, AT_FDCWD, s->path) != missing);
    assert_true(corpus_hash_text(1, "ab") != corpus_hash_text(corpus_hash_text(1, "a"), "b"));
}

int test_results(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(verdicts),
        cmocka_unit_test(failures),
        cmocka_unit_test(crash_is_remarked),
        cmocka_unit_test(lines_there_and_back),
        cmocka_unit_test(strange_lines),
        cmocka_unit_test_setup_teardown(append_and_find, make_scratch, remove_scratch),
        cmocka_unit_test_setup_teardown(half_lines, make_scratch, remove_scratch),
        cmocka_unit_test_setup_teardown(other_peoples_files, make_scratch, remove_scratch),
        cmocka_unit_test_setup_teardown(one_writer, make_scratch, remove_scratch),
        cmocka_unit_test_setup_teardown(contents, make_scratch, remove_scratch),
    };
    return cmocka_run_group_tests_name("results", tests, NULL, NULL);
}
