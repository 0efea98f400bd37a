/* Loops that count their rounds: a register that is decremented (or incremented) once a round and tested for
 * zero, "dec ecx; jnz" or LOOP, so that the wait ends some time. As long as it is not zero the rounds are all
 * the same if nothing else looks at the register, or at flags that come of it. */
#ifndef HUDDLE_CLUSTER_WAIT_COUNT_H
#define HUDDLE_CLUSTER_WAIT_COUNT_H

#include "cluster/step.h"

struct wait_count {
    bool found;
    u8 reg;      /* enum cpu_reg */
    u8 size;     /* bytes of it that are counted */
    s8 step;     /* 1 or -1 */
    u32 times;   /* it was counted */
    u32 used;    /* general registers that other instructions use, a bit each */
    u32 tainted; /* flags that come of the count, and not of anything after it */
    bool foul;   /* something else depends on those, or may depend on the register */
};

/* The instruction is executed next. */
void wait_count_note(struct wait_count *count, const struct steps *steps);

/* Rounds until zero; the register holds `value`. */
u64 wait_count_left(const struct wait_count *count, u32 value);

#endif
