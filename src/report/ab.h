/* The report of `huddle ab`: what was gained, where exits come from, whether the guest could tell. */
#ifndef HUDDLE_REPORT_AB_H
#define HUDDLE_REPORT_AB_H

#include "report/difference.h"
#include "report/run_stats.h"

#include <jansson.h>
#include <stdio.h>

#define AB_MAX_VARIANTS 5
#define AB_MAX_WINDOWS  8

struct ab_report {
    const char *guest;
    const char *backend;
    u32 n_variants;
    const struct run_stats *variant[AB_MAX_VARIANTS]; /* the first is the one compared with */
    bool variant_same[AB_MAX_VARIANTS];               /* no difference from the first */
    u32 n_windows;
    u32 window[AB_MAX_WINDOWS];                         /* instructions */
    const struct run_stats *window_run[AB_MAX_WINDOWS]; /* may be one of the variants */
    bool window_same[AB_MAX_WINDOWS];                   /* no difference from the first variant either */
    struct difference difference;                       /* the first that was found, or none */
    difference_port_name *port_name;                    /* may be NULL */
};

#define AB_TEXT_BYTES 256

/* "on needs 12.4x fewer exits than off: 124 -> 10". */
void ab_gain_format(char *text, size_t size, const struct ab_report *report);
/* "nothing the guest can see differs", or what does with a word in capitals in front. */
void ab_verdict_format(char *text, size_t size, const struct ab_report *report);

/* What else than a cluster can have made the runs differ: a line or two, or nothing. */
void ab_print_excuses(FILE *out, const struct ab_report *report);

void ab_print(FILE *out, const struct ab_report *report);
/* The caller's reference. */
json_t *ab_json(const struct ab_report *report);

#endif
