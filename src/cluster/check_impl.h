/* Inside of the checking executor. */
#ifndef HUDDLE_CLUSTER_CHECK_IMPL_H
#define HUDDLE_CLUSTER_CHECK_IMPL_H

#include "base/bug.h"
#include "cluster/check.h"
#include "cluster/x87.h"

#define CHECK_PAGE_BYTES  4096u
#define CHECK_PAGE_SHIFT  12
#define CHECK_PAGES       (1u << 20)
#define CHECK_WATCHED_MAX 64
#define CHECK_FULL_PAGES  4096u /* compared now and then: 16 MiB */

enum check_access_kind { CHECK_IN, CHECK_OUT, CHECK_READ, CHECK_WRITE };

/* What a device access can change for the processor. */
struct check_signals {
    bool intr;
    int attention;
    u32 requests, generation;
};

struct check_access {
    u8 kind; /* enum check_access_kind */
    u8 size;
    u32 addr;
    u32 value;
    struct check_signals after;
};

/* One of the two executions. */
struct check_side {
    struct cluster_env env;
    struct interp interp;
    struct cpu_state cpu;
    struct cluster_stats stats;
    enum cluster_leave leave;
    u64 exits_avoided[CLUSTER_MAX_INSNS]; /* per instruction of the cluster, in this run */
};

/* Kinds of difference; bits of struct check.differs. */
#define CHECK_DIFFERENCES(X)                                                                                 \
    X(STATE, "processor state")                                                                              \
    X(LEAVE, "leave reason")                                                                                 \
    X(COUNTS, "counts")                                                                                      \
    X(ACCESSES, "device accesses")                                                                           \
    X(MEMORY, "memory")                                                                                      \
    X(X87, "x87 state")
enum check_difference {
#define X(id, text) CHECK_DIFFERS_##id,
    CHECK_DIFFERENCES(X)
#undef X
    CHECK_DIFFERENCE_KINDS
};

/* Pages and copies of them. */
struct check_copies {
    u32 n;
    u32 *page; /* addresses */
    u8 *bytes; /* CHECK_PAGE_BYTES each */
};

struct check {
    struct check_config config;
    struct cluster_backend candidate_backend;
    struct check_side reference, candidate;
    struct check_stats stats;
    u32 mapping_seen; /* generation of memory that the private view is up to date with */
    bool has_others;  /* some pages have several addresses */

    /* The run in hand. */
    struct cluster *cluster;
    struct cpu_state entry;
    u64 entry_idle, horizon; /* see struct cluster_stats */
    struct check_signals entry_signals;
    bool in_reference;
    bool comparable;
    u8 *dirty;       /* [CHECK_PAGES]: the reference stored there, and the private view keeps it */
    u32 *dirty_page; /* addresses of them */
    u32 n_dirty;
    struct check_copies watched, full; /* real memory as the candidate found it */

    struct check_access *log;
    u32 logged, log_room;
    u32 replayed;                  /* accesses of the candidate answered so far */
    bool diverged;                 /* its access number `replayed` was another one: */
    struct check_access divergent;
    bool done_missing;             /* a direct access was not accounted for yet */
    u32 window_generation;         /* of the candidate's direct ways to device memory: another one for every run */
    struct check_signals answer;   /* what the candidate's environment points to */
    volatile int frozen_attention; /* the reference's */
    volatile int answer_attention;

    const struct x87_image *x87; /* the real state; NULL: not touched in this run */
    struct x87_image x87_entry, x87_candidate;

    u32 differs; /* BIT(enum check_difference) */
};

/* A field of struct cpu_state, for comparing and printing. */
struct check_field {
    char name[20];
    u32 offset;
    u8 size; /* bytes */
};
/* Field number `i`; false: there are not so many. */
bool check_field(u32 i, struct check_field *field);
u32 check_field_value(const struct cpu_state *cpu, const struct check_field *field);

/* --- check_memory.c --- */

must_check bool check_memory_init(struct check *check);
void check_memory_fini(struct check *check);
/* Keeps in mind what the reference's instruction stored. */
void check_note_stores(struct check *check);
/* Makes the reference's stores so far in real memory: the candidate can no longer run. */
void check_commit_stores(struct check *check);
/* Forgets them: both views are equal again. */
void check_drop_stores(struct check *check);
/* Brings the private view up to date; nothing may be kept in it. */
void check_follow_mapping(struct check *check);
/* Copies what the candidate must not touch, before it runs. */
void check_keep_memory(struct check *check);
bool check_memory_equal(const struct check *check);
/* Gives real memory the contents that the candidate should have left. */
void check_repair_memory(struct check *check);

/* Page number `i` of those that are compared; false: there are not so many. */
struct check_page {
    u32 at;
    const u8 *want, *have; /* CHECK_PAGE_BYTES */
};
bool check_page(const struct check *check, u32 i, struct check_page *page);

/* --- check_env.c --- */

must_check bool check_env_init(struct check *check);
void check_env_fini(struct check *check);
struct check_signals check_real_signals(const struct check *check);
void check_give_signals(struct check *check, const struct check_signals *signals);

/* --- check_x87.c --- */

/* Completes both environments. */
void check_x87_init(struct check *check);
bool check_x87_equal(const struct check *check);
void check_x87_report(const struct check *check);

/* --- check_report.c --- */

/* Describes the difference of the run in hand to config.report. */
void check_report(const struct check *check);

#endif
