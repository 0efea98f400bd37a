/* huddle ab: the same guest once per variant, then the comparison. */
#include "cmd.h"

#include "ab_child.h"
#include "ab_page.h"
#include "base/log.h"
#include "dev/devices.h"
#include "kvm/backend.h"
#include "report/ab.h"
#include "report/explain.h"
#include "report/json.h"
#include "script.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

_Static_assert(AB_MAX_VARIANTS == MAX_VARIANTS && AB_MAX_WINDOWS == MAX_WINDOWS,
               "the report holds every run");

#define MAX_RUNS (MAX_VARIANTS + MAX_WINDOWS)

struct ab {
    const struct options *options;
    struct drives drives;
    struct run_stats *stats; /* [MAX_RUNS], shared with the children */
    struct ab_child base;    /* the first variant: everything is compared with it */
    struct ab_report report;
    struct ab_page page; /* --html */
    u32 runs_done, runs_wanted;
    bool progress; /* standard error is a terminal */
};

static void show_progress(const struct ab *ab, const char *name)
{
    if (ab->progress && name)
        fprintf(stderr, "\r\033[K%u of %u: %s ...", ab->runs_done + 1, ab->runs_wanted, name);
    else if (ab->progress)
        fprintf(stderr, "\r\033[K");
}

static bool interrupted(const struct run_stats *stats)
{
    return stats->end == RUN_END_SIGNAL;
}

/* Runs `variant` into `child`, whose statistics go to the next free place. `picture`: --screenshot is for this one; `page`:
 * --html shows its screen and clusters. */
static int run(struct ab *ab, struct ab_child *child, const struct variant *variant, bool picture, bool page)
{
    struct options own = *ab->options;
    if (!picture)
        own.screenshot = NULL;
    if (!page)
        own.html = NULL;
    child->stats = &ab->stats[ab->runs_done];
    show_progress(ab, variant->name);
    int rc = ab_child_run(child, &own, &ab->drives, variant, ab->runs_done > 0);
    show_progress(ab, NULL);
    if (rc)
        return rc;
    ab->runs_done++;
    return interrupted(child->stats) ? -EINTR : 0;
}

/* Compares a run with the first; the first difference of all is kept. What a run said is shown if it went
 * wrong or another way. */
static bool compare(struct ab *ab, const struct ab_child *child)
{
    struct difference difference;
    difference_find(&difference, ab->base.stats, ab->base.records, child->stats, child->records);
    if (difference.kind == DIFFERENCE_NONE)
        return true;
    if (difference.kind == DIFFERENCE_RAM)
        ab_child_locate_ram(&difference, &ab->base, child);
    if (ab->report.difference.kind == DIFFERENCE_NONE)
        ab->report.difference = difference;
    if (child->output_fd >= 0 && child->stats->end != ab->base.stats->end) {
        fprintf(stderr, "huddle: %s said:\n", child->stats->variant);
        ab_child_print_output(child);
    }
    return false;
}

static int run_variants(struct ab *ab)
{
    const struct options *o = ab->options;
    for (u32 i = 0; i < o->n_variants; i++) {
        struct ab_child other, *child = i ? &other : &ab->base;
        int rc = run(ab, child, &o->variants[i], i == o->n_variants - 1, true);
        if (!rc) {
            ab_page_take(&ab->page, i, child);
            ab->report.variant[i] = child->stats;
            ab->report.variant_same[i] = compare(ab, child);
            ab->report.n_variants++;
        }
        if (i)
            ab_child_close(&other);
        if (rc || ab->base.stats->end == RUN_END_HOST_ERROR)
            return rc;
    }
    return 0;
}

/* The variant that runs with this very window, or -1. */
static int find_window(const struct options *o, u32 window)
{
    for (u32 i = 0; i < o->n_variants; i++) {
        u32 of_variant = o->variants[i].window ? o->variants[i].window : (u32)o->window;
        if (o->variants[i].level == CLUSTER_WINDOW && of_variant == window)
            return (int)i;
    }
    return -1;
}

static int run_window(struct ab *ab, u32 window)
{
    struct ab_report *r = &ab->report;
    struct variant variant = {.level = CLUSTER_WINDOW, .window = window};
    struct ab_child child;
    int known = find_window(ab->options, window);
    u32 n = r->n_windows;
    r->window[n] = window;
    if (known >= 0) {
        r->window_run[n] = r->variant[known];
        r->window_same[n] = r->variant_same[known];
        r->n_windows++;
        return 0;
    }
    snprintf(variant.name, sizeof variant.name, "window:%u", window);
    int rc = run(ab, &child, &variant, false, false);
    if (!rc) {
        r->window_run[n] = child.stats;
        r->window_same[n] = compare(ab, &child);
        r->n_windows++;
    }
    ab_child_close(&child);
    return rc;
}

static int run_windows(struct ab *ab)
{
    for (u32 i = 0; i < ab->options->n_windows; i++) {
        int rc = run_window(ab, ab->options->windows[i]);
        if (rc)
            return rc;
    }
    return 0;
}

/* --explain: a part per variant. Nonzero: a file cannot be written (logged). */
static int explain(const struct ab *ab)
{
    const struct ab_report *r = &ab->report;
    const struct options *o = ab->options;
    bool wanted = o->explain || o->explain_svg; /* --html has it, too */
    for (u32 i = 0; wanted && i < r->n_variants; i++) {
        if (r->variant[i]->explain.on)
            fputc('\n', stdout);
        explain_print(stdout, r->variant[i]);
    }
    const char *path = ab->options->explain_svg;
    return path ? explain_write_svg(path, (const struct run_stats *const *)r->variant, r->n_variants) : 0;
}

static int report(struct ab *ab)
{
    const struct options *o = ab->options;
    int status = ab->report.difference.kind == DIFFERENCE_NONE ? STATUS_OK : STATUS_DIFFERENT;
    ab_print(stdout, &ab->report);
    if (explain(ab))
        status = STATUS_HOST_ERROR;
    if (o->json) {
        json_t *json = ab_json(&ab->report);
        if (json_write(json, o->json))
            status = STATUS_HOST_ERROR;
        json_decref(json);
    }
    if (o->html && ab_page_write(&ab->page, &ab->report, o->html))
        status = STATUS_HOST_ERROR;
    return status;
}

static bool usable_script(const char *path)
{
    struct script *script;
    if (!path)
        return true;
    if (script_load(&script, path))
        return false;
    bool changes = script_changes_cluster(script);
    script_free(script);
    if (changes)
        log_error("%s: a script with a cluster command would undo what ab compares", path);
    return !changes;
}

static u32 count_runs(const struct options *o)
{
    u32 n = o->n_variants;
    for (u32 i = 0; i < o->n_windows; i++)
        n += find_window(o, o->windows[i]) < 0;
    return n;
}

static int run_all(struct ab *ab)
{
    int rc = run_variants(ab);
    if (!rc && ab->base.stats->end == RUN_END_HOST_ERROR) {
        log_error("%s: %s", ab->base.stats->variant, ab->base.stats->end_text);
        return ab->base.stats->status;
    }
    if (!rc)
        rc = run_windows(ab);
    if (rc == -EINTR) {
        log_error("interrupted: nothing to report");
        return STATUS_INTERRUPTED;
    }
    return rc ? STATUS_HOST_ERROR : report(ab);
}

/* What the reports call it: what the command line has of it, and there may be nothing but DOS in this directory. */
static const char *guest_name(const struct options *o)
{
    const char *const names[] = {o->image, o->fda, o->hda, o->hdb, o->n_mounts ? o->mounts[0] : NULL,
                                 o->n_commands ? o->commands[0] : NULL};
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (names[i])
            return names[i];
    return ".";
}

int cmd_ab(const struct options *options)
{
    char why[OPTIONS_WHY_BYTES];
    struct ab ab = {
        .options = options,
        .base = {.records_fd = -1, .output_fd = -1, .ram_fd = -1, .page_fd = {-1, -1, -1}},
        .progress = isatty(STDERR_FILENO)};
    if (options->corpus)
        return cmd_ab_corpus(options);
    if (!drives_assign(&ab.drives, options, why)) {
        log_error("%s", why);
        return STATUS_USAGE;
    }
    if (!usable_script(options->script))
        return STATUS_USAGE;
    ab.stats = ab_child_share(MAX_RUNS);
    if (!ab.stats)
        return STATUS_HOST_ERROR;
    ab.runs_wanted = count_runs(options);
    ab.report.guest = guest_name(options);
    ab.report.backend = backend_name(backend_detect(), backend_host_nested());
    ab.report.port_name = devices_port_name;
    signal(SIGINT, SIG_IGN); /* Ctrl-C is for the guest that runs: it ends, and says so */
    int status = run_all(&ab);
    ab_child_close(&ab.base);
    ab_page_free(&ab.page);
    ab_child_unshare(ab.stats, MAX_RUNS);
    return status;
}
