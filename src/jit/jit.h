/* Clusters as host code: the second executor. Translates the steps of a cluster to x86-64 code with the Zydis encoder,
 * keeps it in a code buffer, and runs it with the guest's registers and flags in the host's.
 *
 *   struct cluster --translate--> host code --run--> effects
 *                                    |  ^
 *          what is rare (faults, devices found by SIGSEGV, long instructions): one instruction in the interpreter
 *
 * What a run does is what the interpreter does, to the last count. One struct jit per thread that runs a guest. */
#ifndef HUDDLE_JIT_JIT_H
#define HUDDLE_JIT_JIT_H

#include "cluster/engine.h"

/* Where the ways out of a region lead. */
enum jit_chain {
    JIT_CHAIN_NO,     /* each returns to the engine and says why */
    JIT_CHAIN_ENGINE, /* to the dispatch stub, which returns to the engine: for comparing region by region */
    JIT_CHAIN_ON,     /* to the next region */
};

/* Stress and limits; zero-initialised fields are the defaults. */
struct jit_config {
    u32 code_bytes;       /* limit of the code buffer; 0: JIT_CODE_BYTES. When it is full, all translations go */
    bool flush_each_run;  /* stress: every run translates anew */
    bool slow_memory;     /* stress: every memory access takes the slow way */
    enum jit_chain chain;
    bool counts_idle;     /* there is a horizon, and every access must be seen to put it off */
    u32 slow_threshold;   /* faults of one instruction after which it is compiled as a device access; 0: 3 */
};

#define JIT_CODE_BYTES (16u * MIB)

struct jit_stats {
    u64 translations;      /* clusters translated, again after a flush or a changed assumption included */
    u64 instructions;      /* guest instructions in them */
    u64 code_bytes;        /* host code made */
    u64 translate_cycles;  /* TSC */
    u64 flushes;           /* of the whole buffer, because it was full */
    u64 faults;            /* plain accesses that hit a device window (SIGSEGV) */
    u64 recompiled;        /* clusters compiled again because an access of theirs became a device access */
    u64 interpreted;       /* instructions that host code handed to the interpreter */
    u64 failed;            /* clusters that could not be translated: the interpreter runs them */
};

struct jit;

/* `interp` must live as long, and its environment decides where memory and devices are. 0 or -errno (logged). Takes
 * SIGSEGV for its own memory reservation; other faults go to the handler that was there. */
must_check int jit_create(struct jit **jit, struct interp *interp, const struct jit_config *config);
void jit_destroy(struct jit *jit);

/* The host executor. `jit` must live as long as the back-end. */
struct cluster_backend cluster_backend_host(struct jit *jit);

void jit_stats(const struct jit *jit, struct jit_stats *stats);

/* Writes "ADDRESS SIZE name" lines for perf as clusters are translated (/tmp/perf-PID.map format) to `fd`, which the
 * caller keeps open; -1: none. */
void jit_set_perf_map(struct jit *jit, int fd);

#endif
