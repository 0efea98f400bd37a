/* The port through which a guest ends the run, as QEMU's isa-debug-exit: the byte written becomes
 * machine->exit_value. Its address is configured (0: no such port), so its row on the bus lives in the
 * object. */
#include "base/log.h"
#include "dev/devices.h"

#include <errno.h>
#include <stdlib.h>

struct exitport {
    struct machine *machine;
    struct bus_port row;
};

static void exit_out(void *dev, u16 port, u8 size, u32 value)
{
    struct exitport *e = dev;
    (void)port, (void)size;
    e->machine->exit_value = (u8)value;
    e->machine->requests |= REQUEST_EXIT;
    e->machine->changes++;
}

static int exit_create(struct machine *machine, void **dev)
{
    u16 port = machine->config->exit_port;
    const char *taken = port ? bus_port_name(&machine->bus, port) : NULL;
    if (taken) {
        log_error("the exit port %Xh is taken: %s", port, taken);
        return -EBUSY;
    }
    struct exitport *e = calloc(1, sizeof *e);
    if (!e)
        return -ENOMEM;
    e->machine = machine;
    e->row = (struct bus_port){.first = port, .count = 1, .width = BUS_8, .name = "exit", .out = exit_out};
    if (port)
        bus_add_ports(&machine->bus, &e->row, 1, e);
    *dev = e;
    return 0;
}

const struct dev_class exitport_class = {
    .name = "exitport",
    .create = exit_create,
    .destroy = free,
};
