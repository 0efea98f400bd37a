/* Creation order: a chip comes after those it is wired to. */
#include "dev/devices.h"

#include "base/log.h"
#include "machine/state.h"

#include <string.h>

static const struct dev_class *const dev_table[] = {
    &pic_class,  &pit_class, &dma_class, &rtc_class,  &port61_class,    &port92_class,   &kbc_class,
    &fdc_class,  &ide_class, &uart_class, &vga_class, &ne2000_class, &fwcfg_class, &debugport_class, &exitport_class, &dosport_class,
    &coprocessor_class, &absent_class,
};
_Static_assert(ARRAY_LEN(dev_table) <= MACHINE_MAX_DEVS, "more devices than a machine holds");

int devices_create(struct devices *devices, struct machine *machine)
{
    memset(devices, 0, sizeof *devices);
    for (u32 i = 0; i < ARRAY_LEN(dev_table); i++) {
        int rc = dev_table[i]->create(machine, &devices->dev[i]);
        if (rc) {
            log_error("cannot create device %s: %s", dev_table[i]->name, strerror(-rc));
            devices_destroy(devices);
            return rc;
        }
        bus_add_ports(&machine->bus, dev_table[i]->ports, dev_table[i]->n_ports, devices->dev[i]);
        devices->n = i + 1;
    }
    devices_reset(devices);
    return 0;
}

void devices_reset(struct devices *devices)
{
    for (u32 i = 0; i < devices->n; i++)
        if (dev_table[i]->reset)
            dev_table[i]->reset(devices->dev[i]);
}

void devices_state(struct devices *devices, struct state *state)
{
    for (u32 i = 0; i < devices->n; i++) {
        if (!dev_table[i]->state)
            continue;
        state_begin(state, dev_table[i]->name);
        dev_table[i]->state(devices->dev[i], state);
        state_end(state);
    }
}

void devices_destroy(struct devices *devices)
{
    while (devices->n) {
        devices->n--;
        if (dev_table[devices->n]->destroy)
            dev_table[devices->n]->destroy(devices->dev[devices->n]);
    }
}

static const char *class_port_name(const struct dev_class *class, u16 port)
{
    for (size_t i = 0; i < class->n_ports; i++)
        if (port >= class->ports[i].first && port - class->ports[i].first < class->ports[i].count)
            return class->ports[i].name;
    return NULL;
}

const char *devices_port_name(u16 port)
{
    for (u32 i = 0; i < ARRAY_LEN(dev_table); i++) {
        const char *name = class_port_name(dev_table[i], port);
        if (name)
            return name;
    }
    return NULL;
}
