/* Virtual time: the only clock a device may look at, and the list of events that devices wait for.
 *
 * CLOCK_MODE_HOST:   time follows the host's monotonic clock. Devices look at it in many accesses, so between two looks at
 *                    that clock it is extrapolated with the processor's time-stamp counter (struct clock_tsc) where the
 *                    host keeps its own time with it.
 * CLOCK_MODE_ACCESS: time stands still but for device accesses, each of which adds `access_step_ns`, and for
 *                    jumps to the next deadline when the guest halts or spins. A run with clustering and one
 *                    without then see the same time at the same access.
 * Events fire in deadline order, ties in arming order, never from inside a device access that they interrupt:
 * the funnel in machine.c runs them after the access. */
#ifndef HUDDLE_MACHINE_CLOCK_H
#define HUDDLE_MACHINE_CLOCK_H

#include "base/types.h"

enum clock_mode { CLOCK_MODE_HOST, CLOCK_MODE_ACCESS };

#define CLOCK_NEVER UINT64_MAX
#define CLOCK_ACCESS_STEP_NS 1000 /* an ISA bus I/O cycle with its recovery time is about a microsecond */

#define CLOCK_TICK_SHIFT 32

struct clock_event;
struct state; /* machine/state.h */

/* A state with a later moment in it is refused: the sum of two such cannot overflow. Two centuries. */
#define CLOCK_STATE_MAX_NS (1ull << 62)

/* Host mode: the time-stamp counter against CLOCK_MONOTONIC. Virtual time is anchor_ns when the counter is `anchor`, and
 * for less than `span` ticks from there it goes on at ns_per_tick; then the host's clock is asked again, and the rate
 * measured over a longer stretch. So an error of the rate lasts a millisecond, and a counter that jumps is noticed. Time
 * that has run ahead of the host's is not put back but made slower. */
struct clock_tsc {
    bool usable;
    u64 anchor, anchor_ns;
    u64 span;        /* ticks; 0: the rate is not known (yet), every look asks the host */
    u64 ns_per_tick; /* fixed point, CLOCK_TICK_SHIFT bits of fraction */
    u64 rate;        /* the same as measured; 0: not known */
    u64 first, first_ns; /* where the stretch begins over which the rate is measured */
};

struct clock {
    enum clock_mode mode;
    u64 origin_ns;         /* host mode: CLOCK_MONOTONIC at virtual time 0 */
    u64 created_ns;        /* the same when the clock was created */
    u64 access_ns;         /* access mode: now */
    u64 access_step_ns;
    u64 next_deadline_ns;  /* of the first event in the list; CLOCK_NEVER if there is none */
    bool held;             /* host mode: time stands still at tsc.anchor_ns */
    struct clock_tsc tsc;
    struct clock_event *events; /* sorted by deadline */
    const u32 *pulse;      /* host mode: counts every few microseconds as long as the guest executes; NULL: nobody does */
    u32 recent_pulse;      /* *pulse at: */
    u32 recent_looks;
    u64 recent_ns;         /* host mode: the last look */
    u32 *changes;          /* counts when the next deadline comes nearer; may be NULL */
};

/* Embedded in the device that owns it. `fire` gets the deadline it was armed for (host time may be later: see
 * clock_now); the event is disarmed before `fire` runs, which may arm it again. */
struct clock_event {
    struct clock *clock;
    const char *name;
    void (*fire)(void *opaque, u64 deadline_ns);
    void *opaque;
    u64 deadline_ns;
    struct clock_event *next;
    bool armed;
    bool watches; /* it belongs to the monitor, not to the machine: not saved, does not count for the order of others */
    u32 rank;     /* while a state is loaded: place among the events of that deadline */
};

void clock_init(struct clock *clock, enum clock_mode mode);

/* Host mode: asks the host and anchors the counter anew. Never behind what clock_now has returned. */
u64 clock_ask_host(struct clock *clock);

/* Host mode: time stands still at `ns` until it is released, and then is the host's again. For what the guest does at
 * a moment that it has slept to, however late it woke up. `ns` must not lie behind what devices have been told. */
void clock_hold(struct clock *clock, u64 ns);
void clock_release(struct clock *clock);

/* Host mode: time stands still until clock_go_on, and goes on from there: what the host's clock does meanwhile is not part of
 * it. Access mode: nothing, time stands still by itself. */
void clock_stop(struct clock *clock);
void clock_go_on(struct clock *clock);

/* Virtual nanoseconds since power-on. Never goes back. */
static inline u64 clock_now(struct clock *clock)
{
    if (clock->mode == CLOCK_MODE_ACCESS)
        return clock->access_ns;
    const struct clock_tsc *tsc = &clock->tsc;
    u64 passed = __builtin_ia32_rdtsc() - tsc->anchor;
    if (__builtin_expect(passed >= tsc->span, false))
        return clock->recent_ns = clock_ask_host(clock);
    return clock->recent_ns = tsc->anchor_ns + (passed * tsc->ns_per_tick >> CLOCK_TICK_SHIFT);
}

/* The same, or a moment that lies a few microseconds back: for what need not be told apart from it. Looking at the
 * time-stamp counter takes longer than most devices do. Never behind what has been told. */
static inline u64 clock_recent(struct clock *clock)
{
    enum { MAX_LOOKS = 32 };
    if (!clock->pulse)
        return clock_now(clock);
    if (clock->recent_looks++ == MAX_LOOKS || clock->recent_pulse != *clock->pulse) {
        clock->recent_looks = 0;
        clock->recent_pulse = *clock->pulse;
        clock_now(clock);
    }
    return clock->recent_ns;
}

/* Access mode: account one device access. Host mode: nothing. Does not run events. */
static inline void clock_account_access(struct clock *clock)
{
    if (clock->mode == CLOCK_MODE_ACCESS)
        clock->access_ns += clock->access_step_ns;
}

/* Fires every event whose deadline has passed. */
void clock_run_due(struct clock *clock);

/* Access mode: moves time to the next deadline (if there is one and it lies ahead) and runs what is due.
 * Returns false if no event is armed. Host mode: runs what is due, does not wait. */
bool clock_jump_to_next(struct clock *clock);

void clock_event_init(struct clock_event *event, struct clock *clock, const char *name,
                      void (*fire)(void *opaque, u64 deadline_ns), void *opaque);
/* Arms, or moves, the event. `deadline_ns` may be in the past: it then fires at the next clock_run_due. */
void clock_event_arm(struct clock_event *event, u64 deadline_ns);
void clock_event_disarm(struct clock_event *event);

/* Now, in either direction. Loading under the host's clock, time goes on from what was saved; events stay as they are. */
void clock_state(struct clock *clock, struct state *state);
/* Whether the event is armed and when, in its place among others of that deadline. The clock's state comes first. */
void clock_event_state(struct clock_event *event, struct state *state);
/* Host mode: nanoseconds of the host since the clock was created, whatever states were loaded meanwhile. */
u64 clock_host_age_ns(const struct clock *clock);

/* value * mul / div in 128 bits: cycles of a device clock <-> nanoseconds without overflow. */
static inline u64 clock_muldiv(u64 value, u64 mul, u64 div)
{
    /* The same in 64 bits where the product of the remainder fits: for the constants of a device clock the compiler
     * then needs no division at all. */
    if (mul <= UINT32_MAX && div <= UINT32_MAX)
        return value / div * mul + value % div * mul / div;
    return (u64)((unsigned __int128)value * mul / div);
}

#endif
