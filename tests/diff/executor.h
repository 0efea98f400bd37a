/* A machine whose processor is the cluster engine's: memory, device, clusters formed from its own memory, and a back-end
 * that runs them. Two of them, the step interpreter and host code, are compared run by run. */
#ifndef HUDDLE_TESTS_EXECUTOR_H
#define HUDDLE_TESTS_EXECUTOR_H

#include "cluster/code_map.h"
#include "jit/jit.h"
#include "sequence.h"

enum { EXECUTOR_KEPT = 8, CLUSTER_LIMIT = 20000 /* instructions in one run */ };

/* Configurations of the host executor; those before are for stress. */
enum host_config { HOST_GUARDED_STRESS = 5, HOST_GUARDED, HOST_REGIONS, HOST_CONFIGS };

struct executor {
    struct memory mem;
    struct device dev;
    struct cpu_state cpu;
    struct cluster_env env;
    struct interp interp;
    struct jit *jit[HOST_CONFIGS]; /* NULL: the interpreter is the back-end */
    bool regions; /* its clusters are regions: they go over branches to everywhere */
    struct code_map map;
    struct cluster_backend backend;
    struct cluster *kept[EXECUTOR_KEPT]; /* clusters formed before, for their keys */
    u32 next_kept;
    struct cluster_stats stats;
};

/* Processors differ in how they push a segment register: as struct vcpu_traits says. 0 or -errno. */
must_check int executor_open(struct executor *x, const u8 *rom, bool host, bool push_sreg_whole);
void executor_close(struct executor *x);

/* Forgets all clusters; from now on runs use host configuration `config`. With HOST_REGIONS clusters are regions, on both
 * sides. */
void executor_begin(struct executor *x, u32 config);

/* The cluster at CS:EIP, formed now or before (and still there), or NULL. */
struct cluster *executor_cluster(struct executor *x, const struct heat *heat, u32 window);

enum cluster_leave executor_run(struct executor *x, struct cluster *cluster);
/* The same by the reference executor's own steps, for no more than CLUSTER_LIMIT instructions. LEAVE_REASONS: it
 * would have gone on. */
enum cluster_leave executor_run_limited(struct executor *x, struct cluster *cluster);

/* The instruction at CS:EIP. False: there is none. */
bool executor_decode(const struct executor *x, struct insn *insn);
/* One instruction in the interpreter; what was wanted of the run loop is forgotten. */
enum interp_result executor_step(struct executor *x);
/* Delivers the fault that the last instruction ended with. */
enum interp_result executor_raise(struct executor *x);

#endif
