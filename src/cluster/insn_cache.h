/* Decoded and lowered instructions by linear address. The guest's bytes are compared on every use, so that code may
 * change under it in any way. */
#ifndef HUDDLE_CLUSTER_INSN_CACHE_H
#define HUDDLE_CLUSTER_INSN_CACHE_H

#include "cluster/interp_impl.h"

struct insn_cache;

/* NULL without memory. */
struct insn_cache *insn_cache_create(void);
void insn_cache_destroy(struct insn_cache *cache);

/* The steps of the instruction at CS:EIP; NULL if it is not here, has changed or does not lie inside the segment
 * (use insn_cache_fill). */
const struct steps *insn_cache_find(struct insn_cache *cache, const struct cluster_env *env,
                                    const struct cpu_state *cpu);

/* Fetches, decodes and lowers the instruction at CS:EIP. INTERP_DONE and `*steps`, or INTERP_FAULT (#GP: beyond the
 * limit or longer than 15 bytes, #UD) or INTERP_UNSUPPORTED (not known, or not in RAM or ROM). */
enum interp_result insn_cache_fill(struct insn_cache *cache, struct exec *x, const struct steps **steps);

#endif
