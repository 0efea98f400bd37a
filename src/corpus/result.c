/* Results from and to JSON. A line that was read may be anybody's: nothing in it is believed to be there. */
#include "corpus/result.h"

#include "report/json.h"

#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#define SIGNAL_STATUS 128

static const char *const verdict_ids[CORPUS_VERDICTS] = {
    [CORPUS_SAME] = "same",
    [CORPUS_DIFFERENT] = "different",
    [CORPUS_UNDECIDED] = "undecided",
    [CORPUS_FAILED] = "failed",
};

static void set_text(char *to, size_t bytes, const char *text)
{
    snprintf(to, bytes, "%s", text ? text : "");
}

static u64 number_of(const json_t *object, const char *key)
{
    json_int_t n = json_integer_value(json_object_get(object, key));
    return n > 0 ? (u64)n : 0;
}

/* Kicks depend on how fast the host is, so they are left out. */
static u64 exits_of(const json_t *variant)
{
    const json_t *exits = json_object_get(variant, "exits");
    u64 total = number_of(exits, "total"), kicks = number_of(exits, "kick");
    return total > kicks ? total - kicks : 0;
}

static void take_figures(struct corpus_result *r, const json_t *report)
{
    const json_t *variants = json_object_get(report, "variants");
    size_t n = json_array_size(variants);
    if (n < 2)
        return;
    const json_t *first = json_array_get(variants, 0), *last = json_array_get(variants, n - 1);
    set_text(r->first, sizeof r->first, json_string_value(json_object_get(first, "name")));
    set_text(r->last, sizeof r->last, json_string_value(json_object_get(last, "name")));
    set_text(r->backend, sizeof r->backend, json_string_value(json_object_get(report, "backend")));
    r->exits_first = exits_of(first);
    r->exits_last = exits_of(last);
    r->ns_first = number_of(first, "cpu_ns");
    r->ns_last = number_of(last, "cpu_ns");
    r->counted = true;
}

void corpus_result_fail(struct corpus_result *r, int status, const char *reason)
{
    r->verdict = CORPUS_FAILED;
    r->status = status;
    r->counted = false;
    set_text(r->reason, sizeof r->reason, reason);
}

/* The last line, without the program's name. */
static void fail_as_said(struct corpus_result *r, int status, const char *said)
{
    static const char name[] = "huddle: ";
    char line[CORPUS_REASON_BYTES];
    size_t end = strlen(said);
    while (end && said[end - 1] == '\n')
        end--;
    size_t begin = end;
    while (begin && said[begin - 1] != '\n')
        begin--;
    if (strncmp(said + begin, name, strlen(name)) == 0)
        begin += strlen(name);
    snprintf(line, sizeof line, "%.*s", (int)MIN(end - begin, sizeof line - 1), said + begin);
    if (!*line)
        snprintf(line, sizeof line, "huddle ab ended with status %d and said nothing", status);
    corpus_result_fail(r, status, line);
}

static void fail_by_signal(struct corpus_result *r, int signal)
{
    char text[80];
    snprintf(text, sizeof text, "huddle itself died of signal %d (%s)", signal, strsignal(signal));
    corpus_result_fail(r, SIGNAL_STATUS + signal, text);
}

/* Times that any variant's time was moved on while the guest was busy: under --clock=access that alone can
 * make runs differ. */
static u64 nudges_of(const json_t *report)
{
    const json_t *variants = json_object_get(report, "variants"), *variant;
    size_t i;
    u64 most = 0;
    json_array_foreach(variants, i, variant) most = MAX(most, number_of(variant, "time_nudges"));
    return most;
}

/* Something was found. What was counted until somebody stopped a run means nothing. */
static void judge_difference(struct corpus_result *r, const json_t *report, const json_t *difference)
{
    const char *kind = json_string_value(json_object_get(difference, "kind"));
    const char *text = json_string_value(json_object_get(difference, "text"));
    bool failed = kind && strcmp(kind, "failed") == 0, stopped = kind && strcmp(kind, "stopped") == 0;
    u64 nudges = failed || stopped ? 0 : nudges_of(report);
    r->verdict = failed ? CORPUS_FAILED : stopped || nudges ? CORPUS_UNDECIDED : CORPUS_DIFFERENT;
    r->counted = !failed && !stopped;
    set_text(r->reason, sizeof r->reason, text);
    if (nudges)
        snprintf(r->reason, sizeof r->reason,
                 "%.99s; but time was moved on while the guest was busy without touching a device (%llux): "
                 "that alone can do it",
                 text ? text : "", (unsigned long long)nudges);
}

/* A guest that crashes alike in all variants is the same, but somebody should know. */
static void remark_crash(struct corpus_result *r, const json_t *report)
{
    const json_t *end = json_object_get(json_array_get(json_object_get(report, "variants"), 0), "end");
    const char *reason = json_string_value(json_object_get(end, "reason"));
    if (reason && strcmp(reason, "crash") == 0)
        set_text(r->reason, sizeof r->reason, json_string_value(json_object_get(end, "text")));
}

/* Verdict, reason and figures from the comparison. False: there is none in it. */
static bool judge_report(struct corpus_result *r, const json_t *report)
{
    const json_t *difference = json_object_get(report, "first_difference");
    take_figures(r, report);
    if (r->counted && json_is_object(difference))
        judge_difference(r, report, difference);
    else if (r->counted)
        remark_crash(r, report);
    return r->counted || json_is_object(difference);
}

void corpus_result_judge(struct corpus_result *r, int wait_status, const json_t *report, const char *said)
{
    *r = (struct corpus_result){.key = r->key};
    if (WIFSIGNALED(wait_status)) {
        fail_by_signal(r, WTERMSIG(wait_status));
        return;
    }
    r->status = WEXITSTATUS(wait_status);
    if (!judge_report(r, report) || (r->status && r->verdict == CORPUS_SAME))
        fail_as_said(r, r->status, said);
}

char *corpus_result_write(const struct corpus_result *r, const char *text, const json_t *report)
{
    char key[17];
    json_t *o = json_object();
    snprintf(key, sizeof key, "%016llx", (unsigned long long)r->key);
    json_object_set_new(o, "key", json_text(key));
    json_object_set_new(o, "guest", json_text(text));
    json_object_set_new(o, "verdict", json_text(verdict_ids[r->verdict]));
    json_object_set_new(o, "reason", json_text(r->reason));
    json_object_set_new(o, "status", json_integer(r->status));
    json_object_set(o, "report", report ? (json_t *)report : json_null());
    char *line = json_object_size(o) == 6 ? json_dumps(o, JSON_COMPACT) : NULL;
    json_decref(o);
    size_t length = line ? strlen(line) : 0;
    char *whole = line ? realloc(line, length + 2) : NULL;
    if (whole)
        strcpy(whole + length, "\n");
    else
        free(line);
    return whole;
}

static bool read_verdict(struct corpus_result *r, const json_t *o)
{
    const char *id = json_string_value(json_object_get(o, "verdict"));
    for (u32 i = 0; id && i < CORPUS_VERDICTS; i++) {
        if (strcmp(id, verdict_ids[i]) == 0) {
            r->verdict = (enum corpus_verdict)i;
            return true;
        }
    }
    return false;
}

static bool read_key(struct corpus_result *r, const json_t *o)
{
    const char *text = json_string_value(json_object_get(o, "key"));
    char *end;
    if (!text || strlen(text) != 16 || strspn(text, "0123456789abcdef") != 16)
        return false;
    r->key = strtoull(text, &end, 16);
    return true;
}

bool corpus_result_read(struct corpus_result *r, const char *line, size_t bytes)
{
    json_error_t error;
    json_t *o = json_loadb(line, bytes, 0, &error);
    *r = (struct corpus_result){.key = 0};
    bool well = json_is_object(o) && read_key(r, o) && read_verdict(r, o);
    if (well && r->verdict != CORPUS_FAILED) {
        struct corpus_result judged = {.key = r->key,
                                       .status = (int)json_integer_value(json_object_get(o, "status"))};
        well = judge_report(&judged, json_object_get(o, "report")) && judged.verdict == r->verdict;
        *r = judged;
    } else if (well) {
        set_text(r->reason, sizeof r->reason, json_string_value(json_object_get(o, "reason")));
        r->status = (int)json_integer_value(json_object_get(o, "status"));
    }
    json_decref(o);
    return well;
}
