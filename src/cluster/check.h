/* The checking executor: runs every cluster twice from the same state and compares.
 *
 *   reference   the step interpreter, with the real devices, storing to a private view of memory; every device access
 *               is logged, with what the interrupt controllers and the run loop wanted after it
 *   candidate   any executor, on the real memory, its accesses answered from the log: it never reaches a device
 *
 * What must be equal at the leave: the processor's state, the reason, the counts, the accesses, and memory: every byte of
 * every page that the reference stored to; the pages around the stack pointer, [E]DI, [E]SI, [E]BX, [E]BP and the first
 * page of memory; the x87's state; and now and then (the first, 16th, 256th ... run of a cluster) the first 16 MiB.
 * Not seen: a store of the candidate's to any other page; loads (of memory) too many.
 * Not compared (the reference's result counts): a run in which a device accessed memory or changed its mapping, or which
 * the run loop ended between two accesses. NOTE: where memory has several addresses, one REP MOVS that reads through one
 * what it wrote through another misreads in the reference. LIMIT: a candidate that never leaves is not stopped. */
#ifndef HUDDLE_CLUSTER_CHECK_H
#define HUDDLE_CLUSTER_CHECK_H

#include "cluster/engine.h"

#include <stdio.h>

enum { CHECK_OTHERS_MAX = 8 };

/* A view of memory like that of struct cluster_env, in which stores stay private. */
struct check_view {
    void *opaque;
    u8 *view;
    /* Brings the mapping up to date; returns whether some pages have several addresses. Called with nothing kept in the
     * view. */
    bool (*follow)(void *opaque);
    /* The other addresses of the page of RAM at `page`; returns how many. */
    u32 (*others)(void *opaque, u32 page, u32 other[CHECK_OTHERS_MAX]);
    /* Forgets what was stored to the page of RAM at `page`: it shows what memory holds. */
    void (*drop)(void *opaque, u32 page);
};

struct check_config {
    const struct cluster_env *env; /* the real one */
    struct check_view view;
    bool like_kvm;                 /* as in struct interp */
    FILE *report;                  /* differences are described there */
    /* Called for every run that differed; `what` names what did. */
    void (*on_difference)(void *opaque, const char *what);
    void *opaque;
};

struct check_stats {
    u64 compared;       /* runs of clusters that were equal or not */
    u64 not_comparable; /* runs of which the reference's result was taken */
    u64 differences;
};

struct check;

/* 0 or -errno. The environment and the view must live as long. */
must_check int check_create(struct check **check, const struct check_config *config);
void check_destroy(struct check *check);

/* What the candidate must be built on: its environment is answered from the log. */
struct interp *check_interp(struct check *check);
/* The executor that checks `candidate`. `check` must live as long, and so must the candidate; its name stays. */
struct cluster_backend cluster_backend_check(struct check *check, const struct cluster_backend *candidate);

/* A device is about to access memory, or A20 to change: the reference's stores so far are made in real memory. */
void check_before_bus_access(struct check *check);

void check_stats(const struct check *check, struct check_stats *stats);

#endif
