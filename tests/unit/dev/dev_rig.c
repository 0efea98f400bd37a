/* The fake machine of the chips' tests. */
#include "dev_rig.h"

#include <stdlib.h>

static void rig_set_line(void *opaque, u8 n, bool level)
{
    struct rig *rig = opaque;
    if (level && !rig->line[n]) {
        rig->rises[n]++;
        rig->rose_ns[n] = rig_now(rig);
    }
    rig->line[n] = level;
}

struct rig *rig_new(void)
{
    struct rig *rig = calloc(1, sizeof *rig);
    assert_non_null(rig);
    rig->config = (struct machine_config){
        .ram_bytes = 16 * MIB,
        .boot = "ac",
        .serial_in_fd = -1,
        .serial_out_fd = -1,
        .debugcon_fd = -1,
    };
    rig->machine.config = &rig->config;
    /* No RAM: switching A20 then maps nothing. */
    rig->machine.memory.a20 = true;
    bus_init(&rig->machine.bus);
    clock_init(&rig->machine.clock, CLOCK_MODE_ACCESS);
    for (u8 n = 0; n < 16; n++)
        rig->machine.irq[n] = (struct irq_line){.set = rig_set_line, .opaque = rig, .n = n};
    return rig;
}

void rig_add(struct rig *rig, const struct dev_class *class)
{
    assert_true(rig->n < RIG_MAX_DEVS);
    assert_int_equal(class->create(&rig->machine, &rig->dev[rig->n]), 0);
    bus_add_ports(&rig->machine.bus, class->ports, class->n_ports, rig->dev[rig->n]);
    rig->class[rig->n] = class;
    if (class->reset)
        class->reset(rig->dev[rig->n]);
    rig->n++;
}

void rig_free(struct rig *rig)
{
    while (rig->n--)
        rig->class[rig->n]->destroy(rig->dev[rig->n]);
    assert_null(rig->machine.clock.events);
    free(rig);
}

u8 rig_in(struct rig *rig, u16 port)
{
    return (u8)bus_in(&rig->machine.bus, port, 1);
}

void rig_out(struct rig *rig, u16 port, u8 value)
{
    bus_out(&rig->machine.bus, port, 1, value);
}

u64 rig_now(const struct rig *rig)
{
    return rig->machine.clock.access_ns;
}

void rig_advance_to(struct rig *rig, u64 ns)
{
    struct clock *clock = &rig->machine.clock;
    while (clock->next_deadline_ns <= ns) {
        clock->access_ns = MAX(clock->access_ns, clock->next_deadline_ns);
        clock_run_due(clock);
    }
    clock->access_ns = MAX(clock->access_ns, ns);
}

void rig_advance(struct rig *rig, u64 ns)
{
    rig_advance_to(rig, rig_now(rig) + ns);
}

void rig_oversleep(struct rig *rig, u64 ns)
{
    rig->machine.clock.access_ns += ns;
    clock_run_due(&rig->machine.clock);
}
