/* How the AT reports errors of the x87: IRQ13 and port F0h. */
#ifndef HUDDLE_DEV_COPROCESSOR_H
#define HUDDLE_DEV_COPROCESSOR_H

#include "base/types.h"

struct coprocessor;

/* The processor's FERR# pin. */
void coprocessor_error(struct coprocessor *coprocessor, bool on);

#endif
