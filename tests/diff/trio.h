/* Host code, the step interpreter and KVM run the same sequence from the same state. Host code and interpreter must agree
 * on everything at every end of a run; KVM with both on registers, defined flags, memory and device accesses at the end
 * of the sequence. */
#ifndef HUDDLE_TESTS_TRIO_H
#define HUDDLE_TESTS_TRIO_H

#include "cluster/heat.h"
#include "executor.h"
#include "kvm/backend.h"

struct kvm_side {
    bool present;
    bool emulates;   /* it runs what a guest executes in its own emulator, not on the processor */
    struct memory mem;
    struct device dev;
    struct cpu_state cpu;
    struct vm vm;
    struct vcpu vcpu;
};

enum verdict {
    TRIO_SAME,      /* all three */
    TRIO_TWO_SAME,  /* host code and interpreter; KVM could not be asked */
    TRIO_SKIPPED,   /* it did not end */
    TRIO_DIFFERENT, /* printed */
};

/* oddity.c: how what KVM did differs from what the interpreters did, and need not agree. */
enum oddity {
    ODDITY_AAM,       /* the rest: see there */
    ODDITY_FRAME,
    ODDITY_AC,
    ODDITY_ESP,
    ODDITY_STRING,
    ODDITY_PUSHA,
    ODDITY_READS,
    ODDITY_UNDEFINED,
    ODDITY_OWN_BYTES,
    ODDITY_INS,
    ODDITIES
};
enum { ODDITIES_NOT_COMPARED = 1 << ODDITY_UNDEFINED | 1 << ODDITY_OWN_BYTES | 1 << ODDITY_INS };

struct trio_counts {
    u64 run, two_only, skipped, faults, accesses, runs, instructions;
    u64 odd[ODDITIES]; /* sequences */
};

struct trio {
    struct executor interp, host;
    struct kvm_side kvm;
    struct heat heat;
    u8 *image;       /* RAM before every sequence */
    u8 rom[ROM_BYTES];
    bool emulated_cpu;
    bool trace;      /* print every instruction that is not run in a cluster */
    struct trio_counts counts;

    /* Of the sequence at hand. */
    const struct sequence *s;
    u32 run;         /* of a cluster, or an instruction outside one */
    bool fault;      /* it raised an exception */
    bool not_kvm;    /* KVM is not comparable: it does this differently, on purpose */
    u32 odd;         /* of the replay: bits by enum oddity */
    u32 undefined;   /* of the replay: arithmetic flags that are undefined at the end */
    volatile bool timed_out;
    volatile u32 host_ticks; /* of the alarm, before host code that should have ended is stopped */
};

/* 0 or -errno (logged). Without /dev/kvm the two others are compared, trio->kvm.present is false. `pattern_seed`: of
 * the contents of memory. */
must_check int trio_open(struct trio *t, u64 pattern_seed);
void trio_close(struct trio *t);

/* Runs the sequence on all three, compares everything (memory too) and puts memory back. */
enum verdict trio_run(struct trio *t, const struct sequence *s);

/* The interpreter alone before the sequence: memory, device, registers. */
void trio_rewind(struct trio *t);

/* What the host executor did, all configurations together. */
struct jit_stats trio_host_stats(const struct trio *t);

/* pair.c: host code and interpreter, run by run. TRIO_TWO_SAME, or TRIO_SKIPPED or TRIO_DIFFERENT (printed). */
enum verdict pair_run(struct trio *t);

/* compare.c. Each prints what differs, if `loud`. */
bool compare_executors(struct trio *t, const struct cluster *interp_cluster, const struct cluster *host_cluster);
/* Memory of the interpreter and `other`. */
bool compare_memory(const struct trio *t, const struct memory *other, const char *name, bool loud);
/* All but the flags in `undefined`. */
bool compare_kvm(const struct trio *t, u32 undefined, bool loud);

/* oddity.c: the sequence once more in the interpreter, instruction by instruction, as a processor does it or with `odd`
 * as this KVM's emulator does. Sets t->odd and t->undefined. */
void oddity_replay(struct trio *t, bool odd);
/* "flags of AAM" */
const char *oddity_name(enum oddity oddity);

/* kvm_side.c */
must_check int kvm_side_open(struct kvm_side *k, const u8 *rom, struct vcpu_traits *traits);
void kvm_side_close(struct kvm_side *k);
/* True if it reached a HLT. */
bool kvm_side_run(struct kvm_side *k, const struct cpu_state *start);

#endif
