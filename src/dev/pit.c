/* The 8254 on the bus of an AT: the control word port, and counter 0's OUT as IRQ0. Intel 8254 data sheet
 * (231164).
 *
 * Time is the number of CLK pulses since power-on, taken from the virtual clock whenever somebody looks.
 * Only counter 0 has an event, armed for the next edge of its OUT, and only while there is one.
 * NOTE: the low pulse of modes 2, 4 and 5 lasts one CLK; IRQ0 gets both of its edges at its end, in one
 * event. */
#include "dev/pit.h"

#include "dev/devices.h"
#include "dev/pit_counter.h"
#include "machine/state.h"

#include <errno.h>
#include <stdlib.h>

enum { PIT_IRQ = 0, PIT_COUNTERS = 3 };

/* Control word, and the read-back command that is its counter number 3. */
enum pit_command {
    COMMAND_COUNTER_SHIFT = 6,
    COMMAND_READ_BACK = 3,
    COMMAND_RW = 3 << 4, /* zero: latch the count */
    READ_BACK_NO_COUNT = BIT(5),
    READ_BACK_NO_STATUS = BIT(4),
    READ_BACK_COUNTER_0 = BIT(1),
};

struct pit {
    struct clock *clock;
    struct irq_line irq;
    struct clock_event edge;
    s64 irq_seen; /* IRQ0 is right up to this pulse */
    s64 irq_due;  /* the pulse `edge` is armed for; PIT_TICK_NEVER */
    bool irq_level;
    struct pit_counter counter[PIT_COUNTERS];
};

u64 pit_ticks(u64 now_ns)
{
    return clock_muldiv(now_ns, PIT_HZ, NS_PER_S);
}

u64 pit_ticks_ns(u64 ticks)
{
    return (u64)(((unsigned __int128)ticks * NS_PER_S + PIT_HZ - 1) / PIT_HZ);
}

static s64 pit_now(const struct pit *pit)
{
    return (s64)pit_ticks(clock_now(pit->clock));
}

/* --- IRQ0 --- */

static void pit_drive_irq(struct pit *pit, bool level)
{
    if (pit->irq_level == level)
        return;
    pit->irq_level = level;
    irq_set(&pit->irq, level);
}

/* The two falling edges nobody needs to wake up for: of a one-pulse strobe, and one before which the line
 * fell. */
static bool pit_wants_rise_only(const struct pit *pit)
{
    u8 mode = pit->counter[0].mode;
    return !pit->irq_level || mode == 2 || mode >= 4;
}

static void pit_arm(struct pit *pit, s64 t, bool rise_only)
{
    pit->irq_due = pit_counter_next_change(&pit->counter[0], t, rise_only);
    if (pit->irq_due == PIT_TICK_NEVER)
        clock_event_disarm(&pit->edge);
    else
        clock_event_arm(&pit->edge, pit_ticks_ns((u64)pit->irq_due));
}

/* Brings IRQ0 to pulse `t`. If the host slept through rising edges, they become one; the line then stays
 * high even if OUT is low again, or the controller would lose the request. The phase is the counter's own
 * and is kept. */
static void pit_catch_up(struct pit *pit, s64 t)
{
    struct pit_counter *c = &pit->counter[0];
    bool rose = pit_counter_next_change(c, pit->irq_seen, true) <= t;
    bool out = pit_counter_out(c, t);
    if (rose) {
        pit_drive_irq(pit, false);
        pit_drive_irq(pit, true);
    } else {
        pit_drive_irq(pit, out);
    }
    pit->irq_seen = t;
    pit_arm(pit, t, pit_wants_rise_only(pit));
}

/* Counter `n`, for a look or a touch at pulse `t`: edges that are overdue come first. */
static struct pit_counter *pit_counter_at(struct pit *pit, unsigned n, s64 t)
{
    if (n == 0 && t >= pit->irq_due)
        pit_catch_up(pit, t);
    return &pit->counter[n];
}

static void pit_edge(void *opaque, u64 deadline_ns)
{
    struct pit *pit = opaque;
    s64 now = pit_now(pit), due = (s64)pit_ticks(deadline_ns);
    pit_catch_up(pit, MAX(now, due));
}

/* After counter 0 was touched at pulse `t`, OUT may have changed at once. */
static void pit_counter_0_changed(struct pit *pit, s64 t)
{
    pit_drive_irq(pit, pit_counter_out(&pit->counter[0], t));
    pit->irq_seen = t;
    pit_arm(pit, t, pit_wants_rise_only(pit));
}

/* --- Registers --- */

static void pit_read_back(struct pit *pit, u8 value, s64 t)
{
    for (unsigned i = 0; i < PIT_COUNTERS; i++) {
        if (!(value & (READ_BACK_COUNTER_0 << i)))
            continue;
        struct pit_counter *c = pit_counter_at(pit, i, t);
        if (!(value & READ_BACK_NO_COUNT))
            pit_counter_latch_count(c, t);
        if (!(value & READ_BACK_NO_STATUS))
            pit_counter_latch_status(c, t);
    }
}

static void pit_control_out(void *dev, u16 port, u8 size, u32 value)
{
    struct pit *pit = dev;
    s64 t = pit_now(pit);
    unsigned n = value >> COMMAND_COUNTER_SHIFT;
    (void)port, (void)size;
    if (n == COMMAND_READ_BACK) {
        pit_read_back(pit, (u8)value, t);
    } else if (!(value & COMMAND_RW)) {
        pit_counter_latch_count(pit_counter_at(pit, n, t), t);
    } else {
        pit_counter_control(pit_counter_at(pit, n, t), (u8)value, t);
        if (n == 0)
            pit_counter_0_changed(pit, t);
    }
}

static void pit_counter_out_port(void *dev, u16 port, u8 size, u32 value)
{
    struct pit *pit = dev;
    s64 t = pit_now(pit);
    unsigned n = port & 3;
    (void)size;
    pit_counter_write(pit_counter_at(pit, n, t), (u8)value, t);
    if (n == 0)
        pit_counter_0_changed(pit, t);
}

static u32 pit_counter_in_port(void *dev, u16 port, u8 size)
{
    struct pit *pit = dev;
    struct pit_counter *c = &pit->counter[port & 3];
    (void)size;
    if (pit_counter_latched(c))
        return pit_counter_read(c, 0); /* it does not depend on the time, which is dear to ask for */
    s64 t = pit_now(pit);
    return pit_counter_read(pit_counter_at(pit, port & 3, t), t);
}

bool pit_out(struct pit *pit, unsigned counter, u64 now_ns)
{
    s64 t = (s64)pit_ticks(now_ns);
    return pit_counter_out(pit_counter_at(pit, counter, t), t);
}

u64 pit_out_change_ns(struct pit *pit, unsigned counter, u64 now_ns)
{
    s64 t = (s64)pit_ticks(now_ns);
    s64 change = pit_counter_next_change(pit_counter_at(pit, counter, t), t, false);
    return change == PIT_TICK_NEVER ? CLOCK_NEVER : pit_ticks_ns((u64)change);
}

void pit_set_gate(struct pit *pit, unsigned counter, bool gate, u64 now_ns)
{
    s64 t = (s64)pit_ticks(now_ns);
    pit_counter_gate(pit_counter_at(pit, counter, t), gate, t);
    if (counter == 0)
        pit_counter_0_changed(pit, t);
}

static const struct bus_port pit_ports[] = {
    {0x40, 1, BUS_8, "PIT counter 0", pit_counter_in_port, pit_counter_out_port},
    {0x41, 1, BUS_8, "PIT counter 1", pit_counter_in_port, pit_counter_out_port},
    {0x42, 1, BUS_8, "PIT counter 2", pit_counter_in_port, pit_counter_out_port},
    {0x43, 1, BUS_8, "PIT control", NULL, pit_control_out},
};

static int pit_create(struct machine *machine, void **dev)
{
    struct pit *pit = calloc(1, sizeof *pit);
    if (!pit)
        return -ENOMEM;
    pit->clock = &machine->clock;
    pit->irq = machine->irq[PIT_IRQ];
    clock_event_init(&pit->edge, pit->clock, "PIT counter 0", pit_edge, pit);
    machine->pit = pit;
    *dev = pit;
    return 0;
}

static void pit_reset(void *dev)
{
    struct pit *pit = dev;
    for (unsigned i = 0; i < PIT_COUNTERS; i++)
        pit_counter_reset(&pit->counter[i], i != 2);
    pit_counter_0_changed(pit, pit_now(pit));
}

static void pit_destroy(void *dev)
{
    struct pit *pit = dev;
    clock_event_disarm(&pit->edge);
    free(pit);
}

static void pit_state(void *dev, struct state *s)
{
    struct pit *pit = dev;
    s64 now = s->loading ? pit_now(pit) : 0;
    clock_event_state(&pit->edge, s);
    state_s64(s, &pit->irq_seen);
    state_s64(s, &pit->irq_due);
    state_check(s, pit->irq_seen >= 0 && pit->irq_seen <= now + 1, "the time of IRQ0");
    state_check(s, pit->irq_due >= 0, "the next IRQ0");
    state_bool(s, &pit->irq_level);
    for (unsigned i = 0; i < PIT_COUNTERS; i++)
        pit_counter_state(&pit->counter[i], s, now);
}

const struct dev_class pit_class = {
    .name = "pit",
    .ports = pit_ports,
    .n_ports = ARRAY_LEN(pit_ports),
    .create = pit_create,
    .reset = pit_reset,
    .destroy = pit_destroy,
    .state = pit_state,
};
