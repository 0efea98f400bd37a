/* One counter of an 8254, in time measured in CLK pulses: no clock, no bus. Private to pit.c and its
 * tests. */
#ifndef HUDDLE_DEV_PIT_COUNTER_H
#define HUDDLE_DEV_PIT_COUNTER_H

#include "base/types.h"

#define PIT_TICK_NEVER INT64_MAX

struct pit_counter {
    u8 control; /* control word bits 5-0: RW, mode, BCD */
    u8 mode;    /* 0 to 5 */
    bool gate;
    bool counting;   /* a count was loaded into CE since the control word */
    bool frozen;     /* CE stands still at `elapsed` */
    bool null_count; /* CR was written and has not been loaded into CE */
    bool cr_valid;   /* a whole count was written since the control word */
    u32 cr;          /* count register as a number of pulses, 1 to 65536 */
    u32 n;           /* what was last loaded into CE */
    s64 start;       /* pulse at which it was loaded; modes 2 and 3: at which a period with `n` began */
    s64 elapsed;     /* pulses counted, while frozen */
    s64 load_at;     /* pulse that will load CE from CR, or PIT_TICK_NEVER */
    u8 write_low;    /* first byte of a two-byte count */
    bool write_high; /* the second byte is next */
    bool read_high;
    bool count_latched, status_latched;
    u16 latched_count;
    u8 latched_status;
};

struct state;
/* `t` is the time of the state that is loaded. */
void pit_counter_state(struct pit_counter *c, struct state *state, s64 t);

/* All times `t` are CLK pulse numbers and must not go backwards from call to call. */
void pit_counter_reset(struct pit_counter *c, bool gate);
void pit_counter_control(struct pit_counter *c, u8 control, s64 t);
void pit_counter_write(struct pit_counter *c, u8 value, s64 t);
u8 pit_counter_read(struct pit_counter *c, s64 t);
/* The next read shows something latched: its `t` does not matter. */
static inline bool pit_counter_latched(const struct pit_counter *c)
{
    return c->count_latched || c->status_latched;
}
void pit_counter_latch_count(struct pit_counter *c, s64 t);
void pit_counter_latch_status(struct pit_counter *c, s64 t);
void pit_counter_gate(struct pit_counter *c, bool gate, s64 t);
/* OUT after pulse `t`. */
bool pit_counter_out(struct pit_counter *c, s64 t);
/* The first pulse after `t` at which OUT changes (or, `rise`, goes high), as long as nobody touches the
 * counter; PIT_TICK_NEVER if it stays. */
s64 pit_counter_next_change(struct pit_counter *c, s64 t, bool rise);

#endif
