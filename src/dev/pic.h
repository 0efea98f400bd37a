/* The two 8259A interrupt controllers of the AT, cascaded over IRQ2, and the EISA edge/level register. */
#ifndef HUDDLE_DEV_PIC_H
#define HUDDLE_DEV_PIC_H

#include "base/types.h"

struct pic;

/* One interrupt acknowledge (both INTA pulses): returns the vector the processor reads from the bus, and
 * moves the request from IRR to ISR. With nothing pending it gives the spurious vector (IR7 of the chip
 * asked), as the chip does. Updates machine->intr. */
u8 pic_acknowledge(struct pic *pic);

/* Whether IRQ `n` (0-15) is masked, in its own chip or because the cascade is: for whoever waits for an
 * interrupt. */
bool pic_masked(const struct pic *pic, u8 n);

/* Whether IRQ `n` (0-15) waits or is in service: for whoever must not come between a handler and its device. */
bool pic_busy(const struct pic *pic, u8 n);

#endif
