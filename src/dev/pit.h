/* The 8254 programmable interval timer: counter 0 is IRQ0, counter 1 the refresh request, counter 2 the
 * speaker. */
#ifndef HUDDLE_DEV_PIT_H
#define HUDDLE_DEV_PIT_H

#include "base/types.h"

#define PIT_HZ 1193182ull

struct pit;

/* The number of CLK pulses since power-on, and the first nanosecond in which that number is reached:
 * pit_ticks(pit_ticks_ns(t)) == t. Both are exact, so nothing drifts. */
u64 pit_ticks(u64 now_ns);
u64 pit_ticks_ns(u64 ticks);

/* The OUT pin of counter 0, 1 or 2. `now_ns` is a time since power-on and must not go backwards. */
bool pit_out(struct pit *pit, unsigned counter, u64 now_ns);
/* When it changes next, if nobody touches the counter; CLOCK_NEVER if it stays. */
u64 pit_out_change_ns(struct pit *pit, unsigned counter, u64 now_ns);
/* Drives the GATE pin. Those of counters 0 and 1 are tied high on the AT. */
void pit_set_gate(struct pit *pit, unsigned counter, bool gate, u64 now_ns);

#endif
