/* See distribution.h. */
#include "bench/distribution.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int compare(const void *a, const void *b)
{
    u64 x = *(const u64 *)a, y = *(const u64 *)b;
    return (x > y) - (x < y);
}

/* The smallest sample that `percent` of all are not above. */
static u64 rank(const u64 *sorted, u32 n, u32 percent)
{
    u64 place = ((u64)n * percent + 99) / 100;
    return sorted[place ? place - 1 : 0];
}

static void fill_bins(struct distribution *d, const u64 *sorted)
{
    double width = (double)MAX(d->p99 - d->min, (u64)1) / DISTRIBUTION_BINS;
    d->bins = DISTRIBUTION_BINS;
    for (u32 i = 0; i <= DISTRIBUTION_BINS; i++)
        d->edge[i] = (double)d->min + i * width;
    for (u32 i = 0; i < d->n; i++) {
        u32 bin = (u32)((double)(sorted[i] - d->min) / width);
        if (sorted[i] > d->p99)
            d->beyond++;
        else
            d->count[MIN(bin, DISTRIBUTION_BINS - 1u)]++;
    }
}

int distribution_make(struct distribution *d, const u64 *sample, u32 n, u64 control)
{
    memset(d, 0, sizeof *d);
    if (!n)
        return 0;
    u64 *sorted = malloc(n * sizeof *sorted);
    if (!sorted)
        return -ENOMEM;
    for (u32 i = 0; i < n; i++)
        sorted[i] = sample[i] > control ? sample[i] - control : 0;
    qsort(sorted, n, sizeof *sorted, compare);
    *d = (struct distribution){.n = n,
                               .min = sorted[0],
                               .p10 = rank(sorted, n, 10),
                               .p50 = rank(sorted, n, 50),
                               .p90 = rank(sorted, n, 90),
                               .p99 = rank(sorted, n, 99),
                               .max = sorted[n - 1]};
    fill_bins(d, sorted);
    free(sorted);
    return 0;
}

u64 median_of(u64 *sample, u32 n)
{
    if (!n)
        return 0;
    qsort(sample, n, sizeof *sample, compare);
    return sample[(n - 1) / 2];
}
