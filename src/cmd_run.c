/* huddle run: one guest, from power-on to its end. */
#include "cmd.h"

#include "base/log.h"
#include "level.h"
#include "report/json.h"
#include "report/number.h"
#include "setup.h"

#include <stdlib.h>

/* One line on what happened and what it took, on standard error: standard output belongs to the guest. */
static void print_summary(const struct run_stats *stats)
{
    char exits[NUMBER_BYTES], accesses[NUMBER_BYTES], time[NUMBER_BYTES];
    fprintf(stderr, "huddle: %s; %s exits for %s device accesses, %s\n",
            stats->end_text[0] ? stats->end_text : "the guest ended",
            number_format(exits, stats->exits_total), number_format(accesses, stats->accesses),
            number_format_ns(time, stats->host_ns_total));
}

static int write_stats(const char *path, const struct run_stats *stats)
{
    json_t *json = json_variant(stats);
    int rc = json_write(json, path);
    json_decref(json);
    return rc;
}

int cmd_run(const struct options *options)
{
    char why[OPTIONS_WHY_BYTES];
    struct drives drives;
    struct setup setup;
    int status = STATUS_USAGE;
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
    snprintf(stats->variant, sizeof stats->variant, "%s", level_name(options->level));
    bool started = vmm_run(&setup.config, stats) == 0;
    status = started ? stats->status : STATUS_HOST_ERROR;
    setup_close(&setup);
    if (started)
        print_summary(stats);
    if (options->stats && write_stats(options->stats, stats) && status == STATUS_OK)
        status = STATUS_HOST_ERROR;
    free(stats);
    return status;
}
