/* What huddle-stats said at one moment, and what happened between two. */
#ifndef HUDDLE_TOP_SAMPLE_H
#define HUDDLE_TOP_SAMPLE_H

#include "report/run_stats.h"

#include <jansson.h>

enum { TOP_NAME_BYTES = 64 };

/* A place and how often: exits, or exits avoided. */
struct top_item {
    char name[TOP_NAME_BYTES]; /* ASCII */
    u64 key;                   /* tells it from the others of its list */
    u64 count;
    double rate; /* per second, in a list of rates */
};

struct top_list {
    u32 n;
    struct top_item item[RUN_TOP];
};

struct top_sample {
    char guest[96], level[16]; /* ASCII */
    bool running;
    u64 host_ns, kvm_ns, cluster_ns, device_ns, virtual_ns;
    u64 exits, avoided, accesses, instructions, interrupts;
    u64 kind[EXIT_KIND_COUNT];
    struct top_list targets, sites, avoided_sites;
};

/* From the value that the command returned. What is not there is 0 or empty. */
void top_sample_parse(struct top_sample *sample, const json_t *stats);

/* Per second of the host. */
struct top_rates {
    double seconds; /* between the two; 0: there were not two, and all is 0 */
    double exits, avoided, accesses, instructions, interrupts;
    double kind[EXIT_KIND_COUNT];
    double kvm, cluster, device, elsewhere;        /* shares of the time, 0 to 1 */
    double speed;                                  /* virtual time per time of the host */
    struct top_list targets, sites, avoided_sites; /* highest rates first; those of 0 are not in them */
};
void top_rates(struct top_rates *rates, const struct top_sample *before, const struct top_sample *after);

/* The rates as JSON, for scripts; the caller's reference. */
json_t *top_rates_json(const struct top_rates *rates);

#endif
