/* Exit counts per instruction: the run-time support that finds weakly exiting instructions (memory accesses that turn
 * out to touch devices). An exit is known by the place where KVM left RIP: at the instruction, or, for most
 * writes, just behind it. */
#ifndef HUDDLE_CLUSTER_HEAT_H
#define HUDDLE_CLUSTER_HEAT_H

#include "base/types.h"

#define HEAT_SLOTS 16384 /* a power of two */

struct heat {
    struct {
        u64 key;
        u32 count;
    } slot[HEAT_SLOTS];
    u32 used;
};

void heat_clear(struct heat *heat);
/* Counts one exit of the instruction at (`after`: just before) linear address `linear`. */
void heat_bump(struct heat *heat, linear_t linear, bool after);
/* Exits counted for the instruction of `length` bytes at `linear`. */
u32 heat_of(const struct heat *heat, linear_t linear, u32 length);

#endif
