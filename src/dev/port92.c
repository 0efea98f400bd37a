/* Port 92h. IBM PS/2 Hardware Interface Technical Reference, "System Control Port A". Bit 1 reads as the
 * gate is, whoever set it last; bit 0 going from 0 to 1 resets; the others (lamp, password lock) are
 * stored. */
#include "dev/port92.h"

#include "dev/devices.h"
#include "machine/state.h"

#include <errno.h>
#include <stdlib.h>

struct port92 {
    struct machine *machine;
    u8 latch;
};

static u32 port92_in(void *dev, u16 port, u8 size)
{
    struct port92 *p = dev;
    (void)port, (void)size;
    return (p->latch & (u8)~PORT92_A20) | (p->machine->memory.a20 ? PORT92_A20 : 0);
}

static void port92_out(void *dev, u16 port, u8 size, u32 value)
{
    struct port92 *p = dev;
    (void)port, (void)size;
    if (value & ~p->latch & PORT92_RESET)
        machine_request_reset(p->machine);
    p->latch = (u8)value;
    machine_set_a20(p->machine, value & PORT92_A20);
}

static const struct bus_port port92_ports[] = {
    {0x92, 1, BUS_8, "system control A", port92_in, port92_out},
};

static int port92_create(struct machine *machine, void **dev)
{
    struct port92 *p = calloc(1, sizeof *p);
    if (!p)
        return -ENOMEM;
    p->machine = machine;
    *dev = p;
    return 0;
}

/* The gate itself is reset with the 8042. */
static void port92_reset(void *dev)
{
    struct port92 *p = dev;
    p->latch = 0;
}

static void port92_state(void *dev, struct state *s)
{
    struct port92 *p = dev;
    state_u8(s, &p->latch);
}

const struct dev_class port92_class = {
    .name = "port92",
    .ports = port92_ports,
    .n_ports = ARRAY_LEN(port92_ports),
    .create = port92_create,
    .reset = port92_reset,
    .destroy = free,
    .state = port92_state,
};
