/* huddle ab --corpus: every guest of a list, each by a `huddle ab` of its own. That process writes its JSON
 * into a memfd of ours; whatever happens to it is a row. Results are found again by a key that is made of
 * everything a result depends on: this program, the options, what the files hold. */
#include "cmd.h"

#include "base/log.h"
#include "corpus/content.h"
#include "corpus/list.h"
#include "corpus/pool.h"
#include "corpus/results.h"
#include "corpus/summary.h"
#include "dos_session.h"
#include "firmware.h"
#include "options_table.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PROGRAM         "/proc/self/exe"
#define TIMEOUT_DEFAULT "--timeout=600"
#define LIMIT_EXTRA_NS  (60 * NS_PER_S) /* that huddle itself may need beyond the time limits of its runs */
#define STATUS_TIMEOUT  124
#define PROGRESS_BYTES  79
#define LIST_ROOM       4096

struct guest {
    const struct corpus_guest *row;
    char **words; /* of its own huddle ab; the words are borrowed */
    u64 limit_ns;
    struct corpus_result result;
    bool known;
};

struct corpus {
    const struct options *options;
    char *directory; /* of the list: guests' paths begin there */
    int directory_fd;
    struct corpus_list list;
    struct guest *guest;
    u32 n_guests; /* of our part */
    char jobs[24];
    u32 at_a_time;
    char **common; /* words of the command line that are for all; ours to free */
    u32 n_common;
    char bios[PATH_MAX], vgabios[PATH_MAX]; /* that guests get without options; "": none is there */
    struct stat json;                       /* as it was at first; zeroes: it was not there */
    struct corpus_results results;
    bool has_file; /* results is open */
    bool write_failed;
    bool show; /* standard error is a terminal */
};

/* --- the list --- */

/* Any bytes: what is wrong with them is for who parses them. 0 or -errno. */
static int read_stream(FILE *file, char **text, size_t *bytes)
{
    size_t room = 0;
    for (;;) {
        if (*bytes == room) {
            room = room ? 2 * room : LIST_ROOM;
            char *more = realloc(*text, room);
            if (!more)
                return -ENOMEM;
            *text = more;
        }
        size_t n = fread(*text + *bytes, 1, room - *bytes, file);
        *bytes += n;
        if (!n)
            return ferror(file) ? -errno : 0;
    }
}

static char *read_text(const char *path, size_t *bytes)
{
    char *text = NULL;
    FILE *file = fopen(path, "re");
    *bytes = 0;
    int rc = file ? read_stream(file, &text, bytes) : -errno;
    if (rc) {
        log_error("%s: %s", path, strerror(-rc));
        free(text);
        text = NULL;
    }
    if (file)
        fclose(file);
    return text;
}

static int read_list(struct corpus *c)
{
    const char *path = c->options->corpus;
    char why[CORPUS_WHY_BYTES];
    size_t bytes;
    char *text = read_text(path, &bytes);
    if (!text)
        return -ENOENT;
    int rc = corpus_list_parse(&c->list, text, bytes, why);
    free(text);
    if (rc == -EINVAL)
        log_error("%s:%s", path, why);
    if (!rc && !c->list.n_guests) {
        log_error("%s: there are no guests in it", path);
        rc = -EINVAL;
    }
    return rc;
}

static int open_directory(struct corpus *c)
{
    const char *slash = strrchr(c->options->corpus, '/');
    c->directory =
        slash ? strndup(c->options->corpus, (size_t)(slash - c->options->corpus) + 1) : strdup(".");
    if (!c->directory)
        return -ENOMEM;
    c->directory_fd = open(c->directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (c->directory_fd >= 0)
        return 0;
    int rc = -errno;
    log_error("%s: %s", c->directory, strerror(-rc));
    return rc;
}

/* --- the words of a guest's huddle ab --- */

static bool is_ours(const struct option_row *row)
{
    static const char *const names[] = {"corpus", "jobs", "part", "json"};
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (strcmp(row->name, names[i]) == 0)
            return true;
    return false;
}

/* "--NAME=VALUE". The names of files on the command line begin at our directory, not at the list's. */
static char *make_word(const struct option_row *row, const char *value)
{
    char *word = NULL, *here = NULL;
    if (value && *value != '/' && row->what && strcmp(row->what, "the file name") == 0)
        here = getcwd(NULL, 0);
    if (asprintf(&word, "--%s%s%s%s%s", row->name, value ? "=" : "", here ? here : "", here ? "/" : "",
                 value ? value : "") < 0)
        word = NULL;
    free(here);
    return word;
}

/* There are only options: options_parse has seen to that. */
static int take_common(struct corpus *c)
{
    const struct options *o = c->options;
    c->common = calloc(o->n_words + 1, sizeof *c->common);
    if (!c->common)
        return -ENOMEM;
    for (u32 i = 2; i < o->n_words; i++) {
        bool follows;
        const struct option_row *row = option_row_of(o->words[i], &follows);
        const char *equals = strchr(o->words[i], '=');
        const char *value = follows ? o->words[++i] : equals ? equals + 1 : NULL;
        if (!row || is_ours(row))
            continue;
        c->common[c->n_common] = make_word(row, value);
        if (!c->common[c->n_common++])
            return -ENOMEM;
    }
    return 0;
}

static const struct option_row *row_of(const char *word)
{
    bool follows;
    return option_row_of(word, &follows);
}

static bool has_row(const struct options *o, const struct option_row *row)
{
    return o->given & 1ull << (row - option_rows);
}

/* Ours, those for all that the line does not have itself, the line's. */
static int make_words(struct corpus *c, struct guest *g, const struct options *own)
{
    u32 n = 0;
    g->words = calloc(c->n_common + g->row->n_words + 8, sizeof *g->words);
    if (!g->words)
        return -ENOMEM;
    g->words[n++] = "huddle";
    g->words[n++] = "ab";
    for (u32 i = 0; i < c->n_common; i++)
        if (!has_row(own, row_of(c->common[i])))
            g->words[n++] = c->common[i];
    if (!options_given(c->options, "windows") && !options_given(own, "windows"))
        g->words[n++] = "--windows=none";
    if (!options_given(c->options, "timeout") && !options_given(own, "timeout"))
        g->words[n++] = TIMEOUT_DEFAULT;
    g->words[n++] = "--json=" POOL_JSON_PATH;
    g->words[n++] = c->jobs;
    for (u32 i = 0; i < g->row->n_words; i++)
        g->words[n++] = g->row->words[i];
    return 0;
}

static u32 count_words(char *const *words)
{
    u32 n = 0;
    while (words[n])
        n++;
    return n;
}

/* The words of the line by themselves; what is wrong with them is found later, in their company. */
static int parse_own(struct options *own, const struct guest *g)
{
    char why[OPTIONS_WHY_BYTES];
    char **words = calloc(g->row->n_words + 2, sizeof *words);
    if (!words)
        return -ENOMEM;
    words[0] = "huddle";
    words[1] = "ab";
    memcpy(words + 2, g->row->words, g->row->n_words * sizeof *words);
    (void)options_parse(own, (int)g->row->n_words + 2, words, why);
    free(words); /* what `own` has of them is not looked at */
    return 0;
}

static int refuse_line(const struct corpus *c, const struct guest *g, const char *why)
{
    log_error("%s:%u: %s", c->options->corpus, g->row->line, why);
    return -EINVAL;
}

/* The guest's options as its huddle ab will see them. 0, or -errno (logged, with the line). */
static int parse_guest(struct corpus *c, struct guest *g, struct options *whole)
{
    char why[OPTIONS_WHY_BYTES];
    struct options own;
    int rc = parse_own(&own, g);
    if (rc)
        return rc;
    for (size_t i = 0; i < option_row_count; i++) {
        if (!has_row(&own, &option_rows[i]) || !is_ours(&option_rows[i]))
            continue;
        snprintf(why, sizeof why, "--%s: not in a list: it is for all guests", option_rows[i].name);
        return refuse_line(c, g, why);
    }
    rc = make_words(c, g, &own);
    if (rc)
        return rc;
    switch (options_parse(whole, (int)count_words(g->words), g->words, why)) {
    case OPTIONS_OK:
        return 0;
    case OPTIONS_USAGE:
        return refuse_line(c, g, why);
    default:
        return refuse_line(c, g, "an option that only says something has no place in a list");
    }
}

/* --- keys --- */

/* A mount's directory or image, without the drive before and ":ro" behind it. */
static u64 hash_mount(u64 hash, const struct corpus *c, const char *mount)
{
    char *path = strdup(mount + 2);
    size_t length = path ? strlen(path) : 0;
    if (length > 3 && strcmp(path + length - 3, ":ro") == 0)
        path[length - 3] = 0;
    hash = path ? corpus_hash_without(hash, c->directory_fd, path, &c->json) : hash;
    free(path);
    return hash;
}

/* Without an image or a mount there, drive C: of the built-in DOS is the directory that it is started in. */
static bool has_list_directory(const struct options *o)
{
    for (u32 i = 0; i < o->n_mounts; i++)
        if ((o->mounts[i][0] | 0x20) == 'c')
            return false;
    return !o->image && dos_session_wanted(o);
}

static u64 make_key(const struct corpus *c, const struct guest *g, const struct options *o, u64 program)
{
    const char *const files[] = {o->image,
                                 o->fda,
                                 o->hda,
                                 o->hdb,
                                 o->script,
                                 o->bios ? o->bios : c->bios,
                                 o->vgabios ? o->vgabios : c->vgabios,
                                 has_list_directory(o) ? "." : NULL};
    u64 hash = program;
    for (char **word = g->words; *word; word++)
        if (*word != c->jobs)
            hash = corpus_hash_text(hash, *word);
    for (size_t i = 0; i < ARRAY_LEN(files); i++)
        if (files[i])
            hash = corpus_hash_without(hash, c->directory_fd, files[i], &c->json);
    for (u32 i = 0; i < o->n_mounts; i++)
        hash = hash_mount(hash, c, o->mounts[i]);
    return hash;
}

static int add_guests(struct corpus *c)
{
    u32 part = c->options->parts ? c->options->part - 1 : 0, step = c->options->parts ? c->options->parts : 1;
    u64 program = corpus_hash_file(corpus_hash_text(0, HUDDLE_VERSION), AT_FDCWD, PROGRAM);
    if (c->options->json && stat(c->options->json, &c->json))
        c->json = (struct stat){0};
    firmware_find(c->bios, FIRMWARE_BIOS, "");
    firmware_find(c->vgabios, FIRMWARE_VGABIOS, "");
    c->guest = calloc(c->list.n_guests, sizeof *c->guest);
    if (!c->guest)
        return -ENOMEM;
    for (u32 i = part; i < c->list.n_guests; i += step) {
        struct guest *g = &c->guest[c->n_guests++];
        struct options o;
        g->row = &c->list.guest[i];
        int rc = parse_guest(c, g, &o);
        if (rc)
            return rc;
        g->limit_ns = (o.n_variants + o.n_windows) * o.timeout_ns + LIMIT_EXTRA_NS;
        g->result.key = make_key(c, g, &o, program);
    }
    return 0;
}

/* --- going on --- */

/* What failed because of the host, or of a file that was not there, is tried again. */
static bool is_final(const struct corpus_result *r)
{
    return r->status != STATUS_HOST_ERROR && r->status != STATUS_USAGE;
}

static int take_results(struct corpus *c)
{
    u32 known = 0;
    if (!c->options->json)
        return 0;
    int rc = corpus_results_open(&c->results, c->options->json);
    if (rc)
        return rc;
    c->has_file = true;
    for (u32 i = 0; i < c->n_guests; i++) {
        const struct corpus_result *r = corpus_results_find(&c->results, c->guest[i].result.key);
        if (!r || !is_final(r))
            continue;
        c->guest[i].result = *r;
        c->guest[i].known = true;
        known++;
    }
    if (known)
        fprintf(stderr, "huddle: %u of %u guest%s in %s already\n", known, c->n_guests,
                c->n_guests == 1 ? " is" : "s are", c->options->json);
    return 0;
}

/* --- running --- */

static struct pool_command command_of(void *context, u32 job)
{
    const struct corpus *c = context;
    const struct guest *g = &c->guest[job];
    return (struct pool_command){g->known ? NULL : g->words, g->limit_ns};
}

static bool keep_result(struct corpus *c, const struct guest *g, const json_t *report)
{
    char *line = c->has_file ? corpus_result_write(&g->result, g->row->text, report) : NULL;
    if (c->has_file)
        c->write_failed = !line || corpus_results_append(&c->results, line);
    free(line);
    return !c->write_failed;
}

static bool guest_done(void *context, u32 job, const struct pool_end *end)
{
    struct corpus *c = context;
    struct guest *g = &c->guest[job];
    json_error_t error;
    json_t *report = end->json_bytes ? json_loadb(end->json, end->json_bytes, 0, &error) : NULL;
    char text[80];
    snprintf(text, sizeof text, "huddle itself did not end within %llu s and was killed",
             (unsigned long long)(g->limit_ns / NS_PER_S));
    if (end->timed_out)
        corpus_result_fail(&g->result, STATUS_TIMEOUT, text);
    else
        corpus_result_judge(&g->result, end->wait_status, report, end->said);
    g->known = true;
    bool go_on = keep_result(c, g, report);
    json_decref(report);
    return go_on;
}

static void show_progress(void *context, const u32 *running, u32 n)
{
    const struct corpus *c = context;
    char line[PROGRESS_BYTES + 1];
    u32 done = 0;
    for (u32 i = 0; i < c->n_guests; i++)
        done += c->guest[i].known;
    int at = snprintf(line, sizeof line, "%u of %u:", done, c->n_guests);
    for (u32 i = 0; i < n && at < PROGRESS_BYTES; i++)
        at += snprintf(line + at, sizeof line - (size_t)at, "%s %s", i ? "," : "",
                       c->guest[running[i]].row->text);
    fprintf(stderr, "\r\033[K%s", n ? line : "");
}

/* -EIO: the file of results could not be written. */
static int run_guests(struct corpus *c)
{
    struct pool pool = {
        .n_jobs = c->n_guests,
        .at_a_time = c->at_a_time,
        .program = PROGRAM,
        .directory = c->directory,
        .context = c,
        .command = command_of,
        .done = guest_done,
        .progress = c->show ? show_progress : NULL,
    };
    int rc = pool_run(&pool);
    if (c->show)
        fprintf(stderr, "\r\033[K");
    return c->write_failed ? -EIO : rc;
}

/* --- the end --- */

static int report(struct corpus *c)
{
    struct corpus_row *rows = calloc(c->n_guests + 1, sizeof *rows);
    bool well = true;
    if (!rows)
        return STATUS_HOST_ERROR;
    for (u32 i = 0; i < c->n_guests; i++) {
        const struct guest *g = &c->guest[i];
        rows[i] = (struct corpus_row){g->row->text, g->row->line, g->known ? &g->result : NULL};
        well &= g->known && g->result.verdict == CORPUS_SAME;
    }
    corpus_print(stdout, c->options->corpus, rows, c->n_guests);
    free(rows);
    return well ? STATUS_OK : STATUS_DIFFERENT;
}

static int run_and_report(struct corpus *c)
{
    int rc = run_guests(c);
    int status = report(c);
    if (rc == -EINTR) {
        log_error("interrupted%s%s%s", c->has_file ? ": the same command goes on from what is in " : "",
                  c->has_file ? c->options->json : "",
                  c->has_file ? "" : ": without --json=FILE nothing is kept");
        return STATUS_INTERRUPTED;
    }
    return rc ? STATUS_HOST_ERROR : status;
}

static void free_corpus(struct corpus *c)
{
    if (c->has_file)
        corpus_results_close(&c->results);
    for (u32 i = 0; i < c->n_guests; i++)
        free(c->guest[i].words);
    free(c->guest);
    for (u32 i = 0; i < c->n_common; i++)
        free(c->common[i]);
    free(c->common);
    corpus_list_free(&c->list);
    if (c->directory_fd >= 0)
        close(c->directory_fd);
    free(c->directory);
}

int cmd_ab_corpus(const struct options *options)
{
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    struct corpus c = {.options = options, .directory_fd = -1, .show = isatty(STDERR_FILENO)};
    c.at_a_time = options->jobs ? (u32)options->jobs : (u32)MAX(processors, 1);
    snprintf(c.jobs, sizeof c.jobs, "--jobs=%u", c.at_a_time);
    int rc = read_list(&c);
    if (!rc)
        rc = open_directory(&c);
    if (!rc)
        rc = take_common(&c);
    if (!rc)
        rc = add_guests(&c);
    if (!rc)
        rc = take_results(&c);
    int status = rc ? STATUS_USAGE : run_and_report(&c);
    if (rc == -ENOMEM)
        log_error("out of memory");
    free_corpus(&c);
    return status;
}
