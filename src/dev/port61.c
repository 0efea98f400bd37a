/* Port 61h. IBM PS/2 Hardware Interface Technical Reference, "System Control Port B". There is no parity
 * memory: the error bits read as zero. */
#include "dev/port61.h"

#include "dev/devices.h"
#include "dev/pit.h"
#include "machine/state.h"

#include <errno.h>
#include <stdlib.h>

enum {
    PORT61_WRITABLE =
        PORT61_TIMER_2_GATE | PORT61_SPEAKER_DATA | PORT61_PARITY_OFF | PORT61_CHANNEL_CHECK_OFF,
    SPEAKER_COUNTER = 2,
    /* Counter 1 as every BIOS programs it: a refresh each 18 pulses, 15.085 us. */
    REFRESH_PULSES = 18,
};

struct port61 {
    struct machine *machine;
    u8 latch;
};

static u32 port61_in(void *dev, u16 port, u8 size)
{
    struct port61 *p = dev;
    u64 now = clock_now(&p->machine->clock);
    u8 value = p->latch;
    (void)port, (void)size;
    if (pit_ticks(now) / REFRESH_PULSES & 1)
        value |= PORT61_REFRESH;
    if (pit_out(p->machine->pit, SPEAKER_COUNTER, now))
        value |= PORT61_TIMER_2_OUT;
    return value;
}

/* The refresh bit changes all the time; what a program waits for is counter 2. */
static bool port61_poll(void *dev, u16 port, struct bus_poll *poll)
{
    struct port61 *p = dev;
    u64 now = clock_now(&p->machine->clock);
    u8 value = (u8)port61_in(dev, port, BUS_8);
    *poll = (struct bus_poll){.value = {value, value ^ PORT61_REFRESH},
                              .n = 2,
                              .same_until_ns = now,
                              .until_ns = pit_out_change_ns(p->machine->pit, SPEAKER_COUNTER, now)};
    return true;
}

static void port61_write(struct port61 *p, u8 value)
{
    p->latch = value & PORT61_WRITABLE;
    pit_set_gate(p->machine->pit, SPEAKER_COUNTER, value & PORT61_TIMER_2_GATE,
                 clock_now(&p->machine->clock));
}

static void port61_out(void *dev, u16 port, u8 size, u32 value)
{
    (void)port, (void)size;
    port61_write(dev, (u8)value);
}

static const struct bus_port port61_ports[] = {
    {0x61, 1, BUS_8, "system control B", port61_in, port61_out, port61_poll},
};

static int port61_create(struct machine *machine, void **dev)
{
    struct port61 *p = calloc(1, sizeof *p);
    if (!p)
        return -ENOMEM;
    p->machine = machine;
    *dev = p;
    return 0;
}

static void port61_reset(void *dev)
{
    port61_write(dev, 0);
}

static void port61_state(void *dev, struct state *s)
{
    struct port61 *p = dev;
    state_u8_bits(s, &p->latch, PORT61_WRITABLE, "the latch");
}

const struct dev_class port61_class = {
    .name = "port61",
    .ports = port61_ports,
    .n_ports = ARRAY_LEN(port61_ports),
    .create = port61_create,
    .reset = port61_reset,
    .destroy = free,
    .state = port61_state,
};
