/* Buckets that are merged in pairs. */
#include "report/timeline.h"

#include <string.h>

void timeline_start(struct run_timeline *t, u64 now_ns)
{
    memset(t, 0, sizeof *t);
    t->start_ns = now_ns;
    t->width_ns = TIMELINE_FIRST_WIDTH_NS;
    t->used = 1;
}

static void merge_pairs(struct run_timeline *t)
{
    for (u32 i = 0; i < TIMELINE_BUCKETS / 2; i++) {
        const struct run_timeline_bucket *a = &t->bucket[2 * i], *b = a + 1;
        t->bucket[i] = (struct run_timeline_bucket){.accesses = a->accesses + b->accesses,
                                                    .exits = a->exits + b->exits,
                                                    .avoided = a->avoided + b->avoided};
    }
    memset(&t->bucket[TIMELINE_BUCKETS / 2], 0, sizeof t->bucket / 2);
    t->used = (t->used + 1) / 2;
    t->width_ns *= 2;
}

void timeline_grow(struct run_timeline *t, u64 now_ns)
{
    while ((now_ns - t->start_ns) / t->width_ns >= TIMELINE_BUCKETS)
        merge_pairs(t);
    t->used = (u32)((now_ns - t->start_ns) / t->width_ns) + 1;
}

void timeline_access(struct run_timeline *t, u64 now_ns, u64 accesses, u64 step_ns)
{
    timeline_at(t, now_ns);
    for (u32 i = t->used; i-- > 0 && accesses;) {
        u64 begin_ns = t->start_ns + i * t->width_ns;
        u64 fit = now_ns > begin_ns ? (now_ns - begin_ns) / step_ns : 0;
        u64 n = i ? MIN(accesses, fit) : accesses;
        t->bucket[i].accesses += n;
        accesses -= n;
        now_ns -= n * step_ns;
    }
}

void timeline_avoid(struct run_timeline *t, u64 avoided)
{
    for (u32 i = t->used; i-- > 0 && avoided;) {
        struct run_timeline_bucket *b = &t->bucket[i];
        u64 known = b->exits + b->avoided;
        u64 n = MIN(avoided, b->accesses > known ? b->accesses - known : 0);
        b->avoided += n;
        avoided -= n;
    }
    t->bucket[t->used - 1].avoided += avoided;
}
