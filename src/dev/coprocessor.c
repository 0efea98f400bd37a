/* The latch between the processor's FERR# pin and IRQ13. IBM AT Technical Reference, "Math Coprocessor": an error is latched
 * and interrupts; a write to port F0h clears the latch. What the handler then executes is not stopped by the error still
 * pending (IGNNE#): in this machine an error never stops the x87 (cluster/x87.c). Port F1h, which resets an 80287, does
 * nothing to a 486. LIMIT: errors of instructions that KVM runs natively are not seen here. */
#include "dev/coprocessor.h"

#include "dev/devices.h"
#include "machine/state.h"

#include <errno.h>
#include <stdlib.h>

enum { COPROCESSOR_IRQ = 13 };

struct coprocessor {
    struct irq_line irq;
    bool error; /* FERR# as it was seen last */
};

void coprocessor_error(struct coprocessor *c, bool on)
{
    if (on && !c->error)
        irq_set(&c->irq, true);
    c->error = on;
}

static void clear_latch(void *dev, u16 port, u8 size, u32 value)
{
    struct coprocessor *c = dev;
    (void)port, (void)size, (void)value;
    irq_set(&c->irq, false);
}

static const struct bus_port coprocessor_ports[] = {
    {.first = 0xf0, .count = 1, .width = BUS_8, .name = "coprocessor error clear", .out = clear_latch},
};

static int coprocessor_create(struct machine *machine, void **dev)
{
    struct coprocessor *c = calloc(1, sizeof *c);
    if (!c)
        return -ENOMEM;
    c->irq = machine->irq[COPROCESSOR_IRQ];
    machine->coprocessor = c;
    *dev = c;
    return 0;
}

static void coprocessor_reset(void *dev)
{
    struct coprocessor *c = dev;
    c->error = false;
    irq_set(&c->irq, false);
}

static void coprocessor_state(void *dev, struct state *s)
{
    struct coprocessor *c = dev;
    state_bool(s, &c->error);
}

const struct dev_class coprocessor_class = {
    .name = "coprocessor",
    .ports = coprocessor_ports,
    .n_ports = ARRAY_LEN(coprocessor_ports),
    .create = coprocessor_create,
    .reset = coprocessor_reset,
    .destroy = free,
    .state = coprocessor_state,
};
