/* Port 92h, system control port A: the fast A20 gate and the fast reset. */
#ifndef HUDDLE_DEV_PORT92_H
#define HUDDLE_DEV_PORT92_H

#include "base/types.h"

enum port92_bit { PORT92_RESET = BIT(0), PORT92_A20 = BIT(1) };

#endif
