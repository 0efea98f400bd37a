/* The instrument behind --explain: cuts the time from one entry of KVM_RUN to the next into steps and adds
 * them up by the kind of exit that came in between. It is given timestamps (ticks of the TSC) and takes none
 * itself.
 *
 * - What the run loop times anyhow, or what is rare, is added up for every exit: KVM_RUN, finishing an
 * instruction, clusters, interrupts, sleep.
 * - The steps that follow every exit are short; of these some exits are samples. Of each kind the first are;
 * later, one of a few, at random distances, so that loops of the guest do not beat with them. Only the later
 * ones are extrapolated.
 * - An exit behind which a cluster was formed, or for which the run loop took as long as for many exits (the
 * host was busy, a device had much to do), stands for no others: its time is added as it is, cut into steps
 * if it would have been a sample.
 * - What is in KVM_RUN cannot be seen from here. It is cut by what was measured at start (struct
 * explain_costs), and what is left is the guest's. That can be no less than nothing: a KVM_RUN that is
 * shorter than an exit was at start is all exit.
 * - What the instrument itself takes in a step of a sample is subtracted. */
#ifndef HUDDLE_EXPLAIN_H
#define HUDDLE_EXPLAIN_H

#include "report/run_stats.h"

/* What an entry of KVM_RUN has to take over. */
enum explain_entry { EXPLAIN_ENTRY_CLEAN, EXPLAIN_ENTRY_REGS, EXPLAIN_ENTRY_SREGS, EXPLAIN_ENTRIES };

/* In ticks. */
struct explain_costs {
    u64 timestamp;
    u64 mark;                   /* explain_mark, the timestamp included */
    u64 syscall;
    u64 immediate;              /* KVM_RUN without a guest, the system call included */
    u64 entry[EXPLAIN_ENTRIES]; /* what KVM_RUN takes longer for them */
    u64 exit[EXIT_KIND_COUNT];  /* KVM_RUN with one such exit and nothing else, all included */
};

/* Measured by others, in ticks since the first entry. */
struct explain_totals {
    u64 total, cluster, asleep;
};

/* Ticks to nanoseconds: ticks * ns / per. */
struct explain_scale {
    u64 ns, per;
};

enum {
    EXPLAIN_FIRST = 128, /* exits of each kind that are all samples */
    EXPLAIN_PERIOD = 127, /* of the later ones, one of so many */
    EXPLAIN_LONG = 20,   /* port writes whose time is too long for a sample */
};

struct explain;

/* NULL: no memory. */
struct explain *explain_create(const struct explain_costs *costs);
void explain_destroy(struct explain *explain);

/* KVM_RUN, entered with `entry` at `start`, has come back with an exit at `end`. Ends the exit before. */
void explain_ran(struct explain *explain, u64 start, u64 end, enum explain_entry entry);
/* That exit is one of `kind`. True: it is a sample, and the others are to follow: explain_begin with the time as this returned,
 * explain_go_on with that as explain_begin did (what a sample costs is not the exit's), and explain_mark. */
bool explain_counted(struct explain *explain, enum exit_kind kind);
void explain_begin(struct explain *explain, u64 now);
void explain_go_on(struct explain *explain, u64 now);
/* A further exit of the same instruction. */
void explain_further(struct explain *explain);
/* A cluster was formed, or tried to be, behind this exit. */
void explain_formed(struct explain *explain);

/* In a sample: what is done from `now` on is `step`; returns what was done until now. */
enum explain_step explain_mark(struct explain *explain, enum explain_step step, u64 now);

/* In any exit: `ticks` up to now were `step`, one that is never marked. Spans inside of others come first,
 * and are not part of those: explain_spanned counts the ticks of all spans. */
void explain_span(struct explain *explain, enum explain_step step, u64 ticks);
u64 explain_spanned(const struct explain *explain);

/* Ends the exit in hand, and fills `out` with all there is to say. */
void explain_finish(struct explain *explain, u64 now, const struct explain_totals *totals,
                    const struct explain_scale *scale, struct run_explain *out);
/* When KVM_RUN was entered first; 0: never. */
u64 explain_first_entry(const struct explain *explain);

#endif
