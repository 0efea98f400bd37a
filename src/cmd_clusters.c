/* huddle clusters: runs a guest, then shows what its clusters look like. */
#include "cmd.h"

#include "base/log.h"
#include "level.h"
#include "report/clusters.h"
#include "report/json.h"
#include "setup.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct listing {
    const struct options *options;
    const struct run_stats *stats;
    FILE *out;
    bool done, failed;
};

/* At the end of the run, while its clusters are there. */
static void list_clusters(void *opaque, const struct cluster_engine *engine,
                          const struct cluster_backend *backend)
{
    struct listing *listing = opaque;
    const struct options *o = listing->options;
    struct clusters_report report = {
        .guest = o->image ? o->image
                 : o->fda ? o->fda
                          : o->hda,
        .run = listing->stats,
        .engine = engine,
        .backend = backend,
        .steps = o->steps,
        .host_code = o->host_code,
    };
    clusters_print(listing->out, &report, (u32)o->top);
    listing->done = true;
    if (!o->json)
        return;
    json_t *json = clusters_json(&report);
    listing->failed = json_write(json, o->json) != 0;
    json_decref(json);
}

/* Standard output is the listing's: what a script prints goes the way of messages. NULL (logged) on error. */
static FILE *take_output(void)
{
    fflush(stdout);
    int fd = dup(STDOUT_FILENO);
    FILE *out = fd < 0 ? NULL : fdopen(fd, "w");
    if (out && dup2(STDERR_FILENO, STDOUT_FILENO) >= 0)
        return out;
    log_error("standard output cannot be written: %s", strerror(errno));
    if (out)
        fclose(out);
    else if (fd >= 0)
        close(fd);
    return NULL;
}

static int run(const struct options *options, struct setup *setup, struct run_stats *stats)
{
    struct listing listing = {.options = options, .stats = stats, .out = take_output()};
    if (!listing.out)
        return STATUS_HOST_ERROR;
    snprintf(stats->variant, sizeof stats->variant, "%s", level_name(options->level));
    setup->config.print_text_at_end = false;
    setup->config.at_end = list_clusters;
    setup->config.at_end_opaque = &listing;
    bool started = vmm_run(&setup->config, stats) == 0;
    if (fclose(listing.out)) {
        log_error("the listing could not be written: %s", strerror(errno));
        listing.failed = true;
    }
    bool ran = started && listing.done && stats->end != RUN_END_HOST_ERROR;
    if (started && !ran)
        log_error("%s", stats->end_text);
    return ran && !listing.failed ? STATUS_OK : STATUS_HOST_ERROR;
}

int cmd_clusters(const struct options *options)
{
    char why[OPTIONS_WHY_BYTES];
    struct options own = *options;
    struct drives drives;
    struct setup setup;
    own.snapshot = true;
    if (!drives_assign(&drives, &own, why)) {
        log_error("%s", why);
        return STATUS_USAGE;
    }
    if (setup_open(&setup, &own, &drives))
        return STATUS_USAGE;
    struct run_stats *stats = calloc(1, sizeof *stats);
    int status = STATUS_HOST_ERROR;
    if (stats)
        status = run(&own, &setup, stats);
    else
        log_error("out of memory");
    free(stats);
    setup_close(&setup);
    return status;
}
