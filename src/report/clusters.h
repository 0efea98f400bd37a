/* What the clusters of a run look like: where they are entered, what they avoided, instruction by
 * instruction. */
#ifndef HUDDLE_REPORT_CLUSTERS_H
#define HUDDLE_REPORT_CLUSTERS_H

#include "cluster/engine.h"
#include "report/run_stats.h"

#include <jansson.h>
#include <stdio.h>

#define CLUSTERS_COLUMNS 120 /* characters a line of the listing may have */

struct clusters_report {
    const char *guest;
    const struct run_stats *run; /* of the run that made them */
    const struct cluster_engine *engine;
    const struct cluster_backend *backend;
    bool steps, host_code; /* shown too */
};

/* The `top` clusters that avoided most exits. */
void clusters_print(FILE *out, const struct clusters_report *report, u32 top);
/* All of them, in the same order; the caller's reference. */
json_t *clusters_json(const struct clusters_report *report);
/* The first `top` of them. */
json_t *clusters_json_top(const struct clusters_report *report, u32 top);

#endif
