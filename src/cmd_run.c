/* huddle run: one guest, from power-on to its end. */
#include "cmd.h"

#include "base/log.h"
#include "cache_dir.h"
#include "dos_session.h"
#include "level.h"
#include "report/clusters.h"
#include "report/explain.h"
#include "report/json.h"
#include "report/number.h"
#include "setup.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* One line on what happened and what it took, on standard error: standard output belongs to the guest. */
static void print_summary(const struct run_stats *stats)
{
    char exits[NUMBER_BYTES], accesses[NUMBER_BYTES], time[NUMBER_BYTES];
    fprintf(stderr, "huddle: %s; %s exits for %s device accesses, %s\n",
            stats->end_text[0] ? stats->end_text : "the guest ended",
            number_format(exits, stats->exits_total), number_format(accesses, stats->accesses),
            number_format_ns(time, stats->host_ns_total));
}

/* A program of DOS that has come to its end: its output is all that there is to say. */
static bool ended_itself(const struct run_stats *stats)
{
    return stats->end == RUN_END_PROGRAM && stats->status_of_program;
}

static void print_check(const struct run_check *check)
{
    char compared[NUMBER_BYTES], not_comparable[NUMBER_BYTES];
    fprintf(stderr, "huddle: check: %s runs of clusters were executed twice, %s; %s more could not be\n",
            number_format(compared, check->compared), check->differences ? "and differ" : "without a difference",
            number_format(not_comparable, check->not_comparable));
}

static int write_stats(const char *path, const struct run_stats *stats)
{
    json_t *json = json_variant(stats);
    int rc = json_write(json, path);
    json_decref(json);
    return rc;
}

/* What --dump-clusters needs at the end of the run. */
struct dump {
    const struct options *options;
    const struct run_stats *stats;
    bool failed;
};

static void dump_clusters(void *opaque, const struct cluster_engine *engine, const struct cluster_backend *backend)
{
    struct dump *dump = opaque;
    const struct options *o = dump->options;
    bool to_stdout = strcmp(o->dump_clusters, "-") == 0;
    struct clusters_report report = {
        .guest = o->image ? o->image : o->fda ? o->fda : o->hda,
        .run = dump->stats,
        .engine = engine,
        .backend = backend,
    };
    FILE *out = to_stdout ? stdout : fopen(o->dump_clusters, "w");
    if (out)
        clusters_print(out, &report, UINT32_MAX);
    dump->failed = !out || fflush(out) || ferror(out) || (!to_stdout && fclose(out));
    if (dump->failed)
        log_error("--dump-clusters=%s: cannot be written: %s", o->dump_clusters, strerror(errno));
}

/* The firmware's self-test before the built-in DOS: its result is kept in the user's cache. */
static void use_post_cache(struct run_config *config, char *path, size_t size)
{
    char name[64];
    if (!config->dos)
        return;
    snprintf(name, sizeof name, "post-%016llx.state", (unsigned long long)vmm_state_key(config));
    config->post_cache = cache_file(path, size, name) ? path : NULL;
}

/* At a terminal a program of DOS has its screen and keys there, unless they are to come from elsewhere. */
static bool wants_terminal(const struct options *o)
{
    return !options_given(o, "display") && dos_session_wanted(o) && !o->script && !o->until_text && !o->serial &&
           isatty(STDIN_FILENO) && isatty(STDOUT_FILENO);
}

/* --explain. Nonzero: a file cannot be written (logged). */
static int explain(const struct options *options, const struct run_stats *stats)
{
    if (stats->explain.on)
        fputc('\n', stderr);
    explain_print(stderr, stats);
    return options->explain_svg ? explain_write_svg(options->explain_svg, &stats, 1) : 0;
}

int cmd_run(const struct options *given)
{
    struct options own = *given, *options = &own;
    char post_cache[PATH_MAX];
    char why[OPTIONS_WHY_BYTES];
    struct drives drives;
    struct setup setup;
    int status = STATUS_USAGE;
    if (wants_terminal(options))
        own.display = "term";
    if (!drives_assign(&drives, options, why)) {
        log_error("%s", why);
        return status;
    }
    if (setup_open(&setup, options, &drives))
        return status;
    struct run_stats *stats = calloc(1, sizeof *stats);
    if (!stats) {
        log_error("out of memory");
        setup_close(&setup);
        return STATUS_HOST_ERROR;
    }
    use_post_cache(&setup.config, post_cache, sizeof post_cache);
    snprintf(stats->variant, sizeof stats->variant, "%s", level_name(options->level));
    struct dump dump = {.options = options, .stats = stats};
    setup.config.at_end = options->dump_clusters ? dump_clusters : NULL;
    setup.config.at_end_opaque = &dump;
    bool started = vmm_run(&setup.config, stats) == 0;
    status = started ? stats->status : STATUS_HOST_ERROR;
    setup_close(&setup);
    if (started && !ended_itself(stats))
        print_summary(stats);
    if (started && stats->check.on)
        print_check(&stats->check);
    bool lost = started && explain(options, stats);
    if (options->stats && write_stats(options->stats, stats))
        lost = true;
    if ((lost || dump.failed) && status == STATUS_OK)
        status = STATUS_HOST_ERROR;
    free(stats);
    return status;
}
