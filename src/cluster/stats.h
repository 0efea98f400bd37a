/* What the cluster engine counts. The lists are X-macros: enum, text and report come from one place. */
#ifndef HUDDLE_CLUSTER_STATS_H
#define HUDDLE_CLUSTER_STATS_H

#include "base/types.h"

/* Why a run of a cluster left it. */
#define CLUSTER_LEAVES(X)                                                                                    \
    X(end, "end of the cluster")                                                                             \
    X(branch, "branch out of the cluster")                                                                   \
    X(interrupt, "an interrupt became deliverable")                                                          \
    X(halt, "the guest halted")                                                                              \
    X(unsupported, "unsupported instruction")                                                                \
    X(fault, "an instruction faults: KVM executes it")                                                       \
    X(mapping, "memory mapping or contents changed by a device")                                             \
    X(self_modified, "the guest wrote into the cluster's code")                                              \
    X(request, "reset or exit requested")                                                                    \
    X(attention, "the run loop was wanted")                                                                  \
    X(horizon, "no device access within the horizon")                                                        \
    X(mode, "paging, virtual-8086, outer ring or trap flag")

/* Why an exit did not run a cluster. */
#define CLUSTER_MISSES(X)                                                                                    \
    X(cold, "fewer than 3 exits at this address")                                                            \
    X(alone, "no other exiting instruction in the window")                                                   \
    X(mode, "paging, virtual-8086 or outer ring")                                                            \
    X(trap_flag, "trap flag set")                                                                            \
    X(incoherent, "guest code changed: formed anew")                                                         \
    X(limit, "the code reaches beyond its segment")                                                          \
    X(elsewhere, "the exit's instruction went elsewhere")                                                    \
    X(wanted, "the run loop was wanted first")                                                               \
    X(interrupt_pending, "an interrupt is due first")

#define CLUSTER_ENUM(id, text) id,
enum cluster_leave {
#define X(id, text) LEAVE_##id,
    CLUSTER_LEAVES(X)
#undef X
    LEAVE_REASONS
};
enum cluster_miss {
#define X(id, text) MISS_##id,
    CLUSTER_MISSES(X)
#undef X
    MISS_REASONS
};
#undef CLUSTER_ENUM

struct cluster_reason {
    const char *id;   /* JSON key */
    const char *text; /* for people */
};
extern const struct cluster_reason cluster_leave_reason[LEAVE_REASONS];
extern const struct cluster_reason cluster_miss_reason[MISS_REASONS];

#define CLUSTER_STOP_KINDS 16

struct cluster_stats {
    /* Not counts, but the rule that ends a run which only computes. */
    u64 idle;    /* instructions since the last device access */
    u64 horizon; /* a loop is left when so many have gone by; 0: never */

    u64 formed;            /* clusters formed, formed again included */
    u64 runs;              /* times a cluster was entered */
    u64 instructions;      /* guest instructions executed in clusters */
    u64 formed_instructions; /* sum of the clusters' lengths at formation */
    u64 exits_avoided;     /* device accesses (and halts) made inside clusters: each would have been an exit */
    u64 leave[LEAVE_REASONS];
    u64 miss[MISS_REASONS];
    struct {
        char mnemonic[16]; /* instruction off the allow-list that ended a scan */
        u64 count;
    } stop[CLUSTER_STOP_KINDS]; /* sorted, most frequent first; filled by cluster_engine_stats */
};

#endif
