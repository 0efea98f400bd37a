/* The device table: which chips the machine has, in creation order. A new device is one file, one row, one test. */
#ifndef HUDDLE_DEV_DEVICES_H
#define HUDDLE_DEV_DEVICES_H

#include "machine/machine.h"

extern const struct dev_class pic_class, pit_class, rtc_class, dma_class, port61_class, port92_class, kbc_class,
    fdc_class, ide_class, uart_class, vga_class, ne2000_class, fwcfg_class, debugport_class, exitport_class, dosport_class,
    coprocessor_class, absent_class;

struct devices {
    void *dev[MACHINE_MAX_DEVS];
    u32 n;
};

/* Creates and resets every device of the table. 0 or -errno (logged; what was created is destroyed). */
must_check int devices_create(struct devices *devices, struct machine *machine);
void devices_reset(struct devices *devices);
void devices_destroy(struct devices *devices);
/* A section for each. */
struct state;
void devices_state(struct devices *devices, struct state *state);

/* What a machine with these devices has at a port, without building one: "PIC master command", or NULL. */
const char *devices_port_name(u16 port);

#endif
