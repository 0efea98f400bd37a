/* Host time from the time-stamp counter, and the sorted list of clock events. A machine has about a dozen
 * events: a list beats a heap. */
#include "machine/clock.h"

#include "base/bug.h"
#include "base/host.h"
#include "machine/state.h"

#include <cpuid.h>
#include <fcntl.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* --- host time --- */

/* How far the counter is trusted without asking, and over what stretch its rate is measured: at least so long
 * that the time between reading the two clocks does not matter, and not so long that it misses the host's
 * clock being slewed. */
#define SPAN_NS        NS_PER_MS
#define STRETCH_MIN_NS (2 * NS_PER_MS)
#define STRETCH_MAX_NS NS_PER_S

/* Ticks between the two readings of the counter around one of the clock, if nothing came between: a few
 * hundred. */
enum { READING_TICKS_MAX = 4000, READING_ATTEMPTS = 4 };

struct reading {
    u64 ns, tick;
    bool good; /* both of the same moment */
};

static struct reading read_both(void)
{
    struct reading reading = {0};
    for (int i = 0; i < READING_ATTEMPTS && !reading.good; i++) {
        u64 before = __builtin_ia32_rdtsc();
        reading.ns = host_monotonic_ns();
        reading.tick = __builtin_ia32_rdtsc();
        reading.good = reading.tick - before < READING_TICKS_MAX;
    }
    return reading;
}

/* Is the counter one clock for all processors of this host, whatever power state they are in? The kernel,
 * which has compared them, then uses it itself. SDM volume 3, 18.17.1 "Invariant TSC". */
static bool tsc_is_usable(void)
{
    enum { LEAF_POWER = 0x80000007, EDX_INVARIANT_TSC = BIT(8) };
    static const char path[] = "/sys/devices/system/clocksource/clocksource0/current_clocksource";
    u32 eax, ebx, ecx, edx;
    char name[4] = "";
    if (!__get_cpuid(LEAF_POWER, &eax, &ebx, &ecx, &edx) || !(edx & EDX_INVARIANT_TSC))
        return false;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    ssize_t n = read(fd, name, sizeof name);
    close(fd);
    return n == sizeof name && memcmp(name, "tsc\n", sizeof name) == 0;
}

static void begin_stretch(struct clock_tsc *tsc, const struct reading *now)
{
    tsc->first = now->tick;
    tsc->first_ns = now->ns;
}

/* What a counter does that neither jumped nor stood still. */
static bool rate_is_credible(const struct clock_tsc *tsc, u64 rate)
{
    static const u64 unit = 1ull << CLOCK_TICK_SHIFT;
    if (!tsc->rate)
        return rate >= unit / 32 && rate <= unit * 32;
    u64 change = rate > tsc->rate ? rate - tsc->rate : tsc->rate - rate;
    return change < tsc->rate / 256;
}

static void measure_rate(struct clock_tsc *tsc, const struct reading *now)
{
    u64 ns = now->ns - tsc->first_ns, ticks = now->tick - tsc->first;
    if (ns < STRETCH_MIN_NS)
        return;
    u64 rate =
        ticks && ticks < UINT64_MAX / 2 ? (u64)(((unsigned __int128)ns << CLOCK_TICK_SHIFT) / ticks) : 0;
    bool credible = rate_is_credible(tsc, rate);
    tsc->rate = credible ? rate : 0;
    if (!credible || ns >= STRETCH_MAX_NS)
        begin_stretch(tsc, now);
}

/* How fast time goes on to the next look, at most to meet the host's there. */
static void choose_rate(struct clock_tsc *tsc, u64 ahead_ns)
{
    tsc->span = tsc->rate ? (SPAN_NS << CLOCK_TICK_SHIFT) / tsc->rate : 0;
    tsc->ns_per_tick = tsc->rate - tsc->rate / SPAN_NS * MIN(ahead_ns, SPAN_NS / 2);
}

u64 clock_ask_host(struct clock *clock)
{
    struct clock_tsc *tsc = &clock->tsc;
    if (clock->held)
        return tsc->anchor_ns;
    if (!tsc->usable)
        return host_monotonic_ns() - clock->origin_ns;
    u64 passed = MIN(__builtin_ia32_rdtsc() - tsc->anchor, tsc->span);
    u64 told_ns = tsc->anchor_ns + (passed * tsc->ns_per_tick >> CLOCK_TICK_SHIFT); /* nothing later was */
    struct reading now = read_both();
    u64 host_ns = now.ns - clock->origin_ns;
    tsc->anchor = now.tick;
    tsc->anchor_ns = MAX(host_ns, told_ns);
    if (now.good)
        measure_rate(tsc, &now);
    choose_rate(tsc, tsc->anchor_ns - host_ns);
    if (!now.good)
        tsc->span = 0;
    return tsc->anchor_ns;
}

void clock_hold(struct clock *clock, u64 ns)
{
    clock->held = true;
    clock->tsc.anchor_ns = ns;
    clock->tsc.span = 0; /* every look comes to clock_ask_host */
}

void clock_release(struct clock *clock)
{
    clock->held = false;
}

/* Host mode: it is `now_ns` now. */
static void set_host_time(struct clock *clock, u64 now_ns)
{
    struct reading now = read_both();
    clock->origin_ns = now.ns - now_ns; /* may wrap: only differences count */
    clock->tsc.anchor = now.tick;
    clock->tsc.anchor_ns = clock->recent_ns = now_ns;
    clock->tsc.span = 0;
    clock->recent_looks = 0;
}

void clock_stop(struct clock *clock)
{
    if (clock->mode == CLOCK_MODE_HOST)
        clock_hold(clock, clock_now(clock));
}

void clock_go_on(struct clock *clock)
{
    if (clock->mode != CLOCK_MODE_HOST)
        return;
    clock_release(clock);
    set_host_time(clock, clock->tsc.anchor_ns);
}

void clock_init(struct clock *clock, enum clock_mode mode)
{
    struct reading now = read_both();
    *clock = (struct clock){
        .mode = mode,
        .origin_ns = now.ns,
        .created_ns = now.ns,
        .access_step_ns = CLOCK_ACCESS_STEP_NS,
        .next_deadline_ns = CLOCK_NEVER,
        .tsc = {.usable = mode == CLOCK_MODE_HOST && now.good && tsc_is_usable(),
                .anchor = now.tick,
                .first = now.tick,
                .first_ns = now.ns},
    };
}

/* --- events --- */

static void refresh_next_deadline(struct clock *clock)
{
    u64 next_ns = clock->events ? clock->events->deadline_ns : CLOCK_NEVER;
    if (clock->changes && next_ns < clock->next_deadline_ns)
        ++*clock->changes;
    clock->next_deadline_ns = next_ns;
}

void clock_run_due(struct clock *clock)
{
    /* Timers of the host brought the caller here: its clock decides whether they were right. */
    u64 now = clock->mode == CLOCK_MODE_HOST ? clock_ask_host(clock) : clock->access_ns;
    while (clock->events && clock->events->deadline_ns <= now) {
        struct clock_event *event = clock->events;
        clock_event_disarm(event);
        event->fire(event->opaque, event->deadline_ns);
    }
}

bool clock_jump_to_next(struct clock *clock)
{
    if (clock->next_deadline_ns == CLOCK_NEVER)
        return false;
    if (clock->mode == CLOCK_MODE_ACCESS && clock->next_deadline_ns > clock->access_ns)
        clock->access_ns = clock->next_deadline_ns;
    clock_run_due(clock);
    return true;
}

void clock_event_init(struct clock_event *event, struct clock *clock, const char *name,
                      void (*fire)(void *opaque, u64 deadline_ns), void *opaque)
{
    *event = (struct clock_event){.clock = clock, .name = name, .fire = fire, .opaque = opaque};
}

void clock_event_arm(struct clock_event *event, u64 deadline_ns)
{
    BUG_ON(!event->clock);
    clock_event_disarm(event);
    struct clock_event **link = &event->clock->events;
    while (*link && (*link)->deadline_ns <= deadline_ns)
        link = &(*link)->next;
    event->deadline_ns = deadline_ns;
    event->next = *link;
    event->armed = true;
    *link = event;
    refresh_next_deadline(event->clock);
}

void clock_event_disarm(struct clock_event *event)
{
    if (!event->armed)
        return;
    struct clock_event **link = &event->clock->events;
    while (*link != event)
        link = &(*link)->next;
    *link = event->next;
    event->next = NULL;
    event->armed = false;
    refresh_next_deadline(event->clock);
}

/* --- state --- */

u64 clock_host_age_ns(const struct clock *clock)
{
    return host_monotonic_ns() - clock->created_ns;
}

void clock_state(struct clock *clock, struct state *s)
{
    u64 now_ns = s->loading ? 0 : clock_now(clock);
    state_u64_in(s, &now_ns, 0, CLOCK_STATE_MAX_NS, "the time");
    if (!s->loading || s->failed)
        return;
    if (clock->mode == CLOCK_MODE_ACCESS)
        clock->access_ns = now_ns;
    else
        set_host_time(clock, now_ns);
}

static u32 rank_of(const struct clock_event *event)
{
    u32 rank = 0;
    for (const struct clock_event *e = event->clock->events; e != event; e = e->next)
        rank += e->deadline_ns == event->deadline_ns && !e->watches;
    return rank;
}

/* Behind those that come before it in the order of the machine that was saved. */
static void arm_in_place(struct clock_event *event, u64 deadline_ns, u32 rank)
{
    struct clock_event **link = &event->clock->events;
    while (*link && ((*link)->deadline_ns < deadline_ns ||
                     ((*link)->deadline_ns == deadline_ns && (*link)->rank < rank && !(*link)->watches)))
        link = &(*link)->next;
    event->deadline_ns = deadline_ns;
    event->rank = rank;
    event->next = *link;
    event->armed = true;
    *link = event;
    refresh_next_deadline(event->clock);
}

void clock_event_state(struct clock_event *event, struct state *s)
{
    bool armed = event->armed;
    u64 deadline_ns = armed ? event->deadline_ns : 0;
    u32 rank = armed && !s->loading ? rank_of(event) : 0;
    state_bool(s, &armed);
    state_u64_in(s, &deadline_ns, 0, CLOCK_STATE_MAX_NS + CLOCK_STATE_MAX_NS / 2, "a deadline");
    state_u32(s, &rank);
    if (!s->loading || s->failed)
        return;
    clock_event_disarm(event);
    event->deadline_ns = deadline_ns;
    if (armed)
        arm_in_place(event, deadline_ns, rank);
}
