/* Counts of exits over a run's virtual time, in buckets that get wider as the run gets longer: when all are
 * used, each two become one. So a run of any length has between 128 and 256 of them, but for the first
 * quarter of a second. */
#ifndef HUDDLE_REPORT_TIMELINE_H
#define HUDDLE_REPORT_TIMELINE_H

#include "report/run_stats.h"

#define TIMELINE_FIRST_WIDTH_NS NS_PER_MS

void timeline_start(struct run_timeline *timeline, u64 now_ns);

/* Makes room for a moment beyond the last bucket. */
void timeline_grow(struct run_timeline *timeline, u64 now_ns);

/* Where the bucket that has begun last ends. */
static inline u64 timeline_end_ns(const struct run_timeline *timeline)
{
    return timeline->start_ns + timeline->used * timeline->width_ns;
}

/* The bucket to count in at `now_ns`: the last one, for time only goes on; also if it went back, when a state
 * was loaded. Valid until the next call. */
static inline struct run_timeline_bucket *timeline_at(struct run_timeline *timeline, u64 now_ns)
{
    if (__builtin_expect(now_ns >= timeline_end_ns(timeline), false))
        timeline_grow(timeline, now_ns);
    return &timeline->bucket[timeline->used - 1];
}

/* Counts accesses that were made one after the other, `step_ns` each, the last one until now: time has not
 * jumped since. */
void timeline_access(struct run_timeline *timeline, u64 now_ns, u64 accesses, u64 step_ns);

/* Counts exits that were avoided until now, in the buckets that still have accesses which were neither exits
 * nor avoided ones, the last bucket first: a string instruction is counted when all of it is done. */
void timeline_avoid(struct run_timeline *timeline, u64 avoided);

#endif
