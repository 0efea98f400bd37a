/* One guest instruction as host code: a cluster that holds nothing else, translated and run. */
#ifndef HUDDLE_TESTS_VECTORS_HOST_H
#define HUDDLE_TESTS_VECTORS_HOST_H

#include "jit/jit.h"

struct host_insn {
    struct interp *interp;
    struct jit *jit;
    struct cluster_backend backend;
};

/* `interp` must live as long; its environment's view must hold all memory that the instructions can reach. 0
 * or -errno. */
must_check int host_insn_open(struct host_insn *h, struct interp *interp);
void host_insn_close(struct host_insn *h);

/* A cluster of the instruction at CS:EIP alone, whatever its class. NULL: it is not on the allow-list, or no
 * cluster would hold it where it is (beyond the end of its segment), or there is no memory. */
struct cluster *host_insn_form(const struct host_insn *h, const struct cpu_state *cpu);
void host_insn_free(struct host_insn *h, struct cluster *cluster);

/* Runs it until it is left. Results as of interp_step(): INTERP_AGAIN is a REP stopped by its own effect.
 * After INTERP_FAULT the exception is in `interp`, and has been delivered if the instruction had accessed a
 * device. */
enum interp_result host_insn_run(struct host_insn *h, struct cluster *cluster, struct cpu_state *cpu);

#endif
