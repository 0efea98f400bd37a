/* Samples as percentiles and as a histogram. */
#ifndef HUDDLE_BENCH_DISTRIBUTION_H
#define HUDDLE_BENCH_DISTRIBUTION_H

#include "base/types.h"

#define DISTRIBUTION_BINS 40

/* In the unit of the samples. Percentiles are samples (nearest rank). */
struct distribution {
    u32 n;
    u64 min, p10, p50, p90, p99, max;
    u32 bins;                           /* 0 without samples, else DISTRIBUTION_BINS */
    double edge[DISTRIBUTION_BINS + 1]; /* from min to p99 */
    double count[DISTRIBUTION_BINS];
    u32 beyond; /* samples behind the last bin */
};

/* Of `n` samples, `control` subtracted from each, but not below zero. 0 or -ENOMEM. */
must_check int distribution_make(struct distribution *d, const u64 *sample, u32 n, u64 control);

/* The median, 0 without samples; sorts them. */
u64 median_of(u64 *sample, u32 n);

#endif
