/* huddle bench exits: what an exit costs on this host, kind by kind, after "The Cost of Virtualization
 * Exits": a null exit against a loop without one. Samples are cycles of the time-stamp counter, one round
 * trip each. */
#ifndef HUDDLE_BENCH_EXITS_H
#define HUDDLE_BENCH_EXITS_H

#include "bench/distribution.h"
#include "bench/host.h"
#include "bench/rig.h"

/* id: in JSON and CSV; text: in reports. */
#define EXITS_KINDS(X)                                                                                       \
    X(control, "control: no exit")                                                                           \
    X(cpuid, "CPUID, in the kernel")                                                                         \
    X(vmcall, "hypercall, in the kernel")                                                                    \
    X(coalesced_port, "OUT, coalesced")                                                                      \
    X(coalesced_mmio, "memory write, coalesced")                                                             \
    X(spin, "1,000 instructions")                                                                            \
    X(out, "OUT")                                                                                            \
    X(in, "IN")                                                                                              \
    X(mmio_write, "memory write")                                                                            \
    X(mmio_read, "memory read")                                                                              \
    X(rep_outsb, "REP OUTSB")                                                                                \
    X(rep_insb, "REP INSB")                                                                                  \
    X(hlt, "HLT")                                                                                            \
    X(hlt_wake, "HLT, woken by interrupt")                                                                   \
    X(interrupt, "OUT, then an interrupt")                                                                   \
    X(window, "interrupt window")                                                                            \
    X(immediate, "immediate_exit")                                                                           \
    X(sync, "OUT, registers synced")                                                                         \
    X(get_regs, "ioctl GET_REGS")                                                                            \
    X(set_regs, "ioctl SET_REGS")                                                                            \
    X(get_sregs, "ioctl GET_SREGS")                                                                          \
    X(set_sregs, "ioctl SET_SREGS")

enum exits_kind {
#define X(id, text) EXITS_##id,
    EXITS_KINDS(X)
#undef X
        EXITS_KIND_COUNT
};

struct exits_result {
    bool there;
    const char *why; /* not there: static text */
    bool ring3;      /* 64-bit: where it ran */
    u32 n;
    u64 *sample;  /* [n] cycles, as they were taken */
    u64 control;  /* cycles subtracted from each below */
    u32 elements; /* strings: bytes an exit, else 1 */
    struct distribution net;
};

struct exits_run {
    enum rig_mode mode; /* RIG_REAL or RIG_LONG */
    bool pinned;
    struct exits_result kind[EXITS_KIND_COUNT];
};

/* OUT in real mode, pinned, sampled one by one, and a loop of nothing but KVM_RUN in a machine of its own, in
 * turns. */
struct exits_bare {
    double sampled_ns, bare_ns; /* medians; 0: not measured */
    u32 rounds;
};

#define EXITS_RUNS 4 /* two modes, pinned and free */

struct exits_config {
    u32 samples; /* of each kind, at most */
    u32 kind_ms; /* and no longer than that */
    u32 bare_rounds;
};

struct exits_bench {
    struct bench_host host;
    struct exits_config config;
    double cycles_per_ns;
    struct exits_run run[EXITS_RUNS];
    struct exits_bare bare;
};

const char *exits_id(enum exits_kind kind);
const char *exits_text(enum exits_kind kind);
const char *exits_mode_text(enum rig_mode mode);

/* Measures; `host` and `config` are set. Kinds that this KVM does not have are not there, which is no error.
 * 0 or -errno (logged): no KVM, no memory. */
must_check int exits_measure(struct exits_bench *bench);
void exits_free(struct exits_bench *bench);

/* exits_report.c */
void exits_print(FILE *out, const struct exits_bench *bench);
/* The caller's reference. */
json_t *exits_json(const struct exits_bench *bench);
/* A line for each sample. 0 or -errno (logged). */
must_check int exits_csv(const struct exits_bench *bench, const char *path);
/* 0 or -errno (logged). */
must_check int exits_svg(const struct exits_bench *bench, const char *path);

#endif
