/* The port through which the built-in DOS's part in the guest calls its other part, in the monitor (src/dos). A write asks the
 * run loop, which has the processor's state. Without a built-in DOS there is no such port. */
#include "dev/devices.h"

#include <errno.h>
#include <stdlib.h>

enum { DOS_PORT = 0xe7 };

struct dosport {
    struct machine *machine;
    struct bus_port row;
};

static void dosport_out(void *dev, u16 port, u8 size, u32 value)
{
    struct dosport *d = dev;
    (void)port, (void)size, (void)value;
    d->machine->requests |= REQUEST_DOS;
    d->machine->changes++;
}

static int dosport_create(struct machine *machine, void **dev)
{
    struct dosport *d = calloc(1, sizeof *d);
    if (!d)
        return -ENOMEM;
    d->machine = machine;
    d->row = (struct bus_port){.first = DOS_PORT, .count = 1, .width = BUS_8, .name = "DOS", .out = dosport_out};
    if (machine->config->boot_rom)
        bus_add_ports(&machine->bus, &d->row, 1, d);
    *dev = d;
    return 0;
}

const struct dev_class dosport_class = {
    .name = "dosport",
    .create = dosport_create,
    .destroy = free,
};
