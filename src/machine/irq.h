/* An interrupt request line: what a chip holds to pull its IRQ. Edges are the receiver's business. */
#ifndef HUDDLE_MACHINE_IRQ_H
#define HUDDLE_MACHINE_IRQ_H

#include "base/types.h"

struct irq_line {
    void (*set)(void *opaque, u8 n, bool level);
    void *opaque;
    u8 n;
};

/* Drives the line high or low; a line nobody listens to does nothing. */
static inline void irq_set(const struct irq_line *line, bool level)
{
    if (line->set)
        line->set(line->opaque, line->n, level);
}

#endif
