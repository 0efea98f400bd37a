/* The sorted list of clock events. A machine has about a dozen events: a list beats a heap. */
#include "machine/clock.h"

#include "base/bug.h"

#include <time.h>

static u64 host_now_ns(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (u64)ts.tv_sec * NS_PER_S + (u64)ts.tv_nsec;
}

void clock_init(struct clock *clock, enum clock_mode mode)
{
    *clock = (struct clock){
        .mode = mode,
        .origin_ns = host_now_ns(),
        .access_step_ns = CLOCK_ACCESS_STEP_NS,
        .next_deadline_ns = CLOCK_NEVER,
    };
}

u64 clock_now(const struct clock *clock)
{
    return clock->mode == CLOCK_MODE_ACCESS ? clock->access_ns : host_now_ns() - clock->origin_ns;
}

static void refresh_next_deadline(struct clock *clock)
{
    clock->next_deadline_ns = clock->events ? clock->events->deadline_ns : CLOCK_NEVER;
}

void clock_run_due(struct clock *clock)
{
    u64 now = clock_now(clock);
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
