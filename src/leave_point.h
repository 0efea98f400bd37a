/* Places where a region was left for the horizon, and how far it goes on there now: what vmm_horizon.c has measured decides. */
#ifndef HUDDLE_LEAVE_POINT_H
#define HUDDLE_LEAVE_POINT_H

#include "base/types.h"

struct leave_point {
    linear_t at;
    u32 leaves;
    u64 kvm_ns;        /* from leaving to the next exit, all of them */
    u32 horizons_left; /* to go on for before it is left again */
    u8 shift;          /* it goes on for 1 << shift horizons */
    s8 verdict;        /* the last one, if not yet heeded: 1 too early, -1 too late */
};

/* The horizon is reached there: is it to be left? Counts. A promotion wears off: after so many leaves it is taken back, and has
 * to prove itself again. */
enum { LEAVE_POINT_WEAR = 64 };
bool leave_point_leave(struct leave_point *point);

/* Was the last leave too early (KVM had an exit sooner than the exit had been worth), or not? Two verdicts in a row double or
 * halve how far it goes on, up to 1 << LEAVE_POINT_MAX_SHIFT horizons. */
enum { LEAVE_POINT_MAX_SHIFT = 8 };
void leave_point_judge(struct leave_point *point, bool too_early);

#endif
