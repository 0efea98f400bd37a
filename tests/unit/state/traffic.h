/* Random accesses that get all chips into the middle of things. */
#ifndef TESTS_UNIT_STATE_TRAFFIC_H
#define TESTS_UNIT_STATE_TRAFFIC_H

#include "machine_rig.h"

struct traffic {
    u64 seed; /* not 0 */
    u64 seen; /* hash of everything that was read, and of the interrupts */
};

u32 traffic_random(struct traffic *traffic, u32 below);
/* One thing to do: from a single access to a command of a disk. */
void traffic_step(struct traffic *traffic, struct rig *rig);

#endif
