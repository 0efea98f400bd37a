/* Port 61h, system control port B: the speaker's gate and what drives it. */
#ifndef HUDDLE_DEV_PORT61_H
#define HUDDLE_DEV_PORT61_H

#include "base/types.h"

/* System control port B (IBM PS/2 Technical Reference; the AT's port B with the same low bits). */
enum port61_bit {
    PORT61_TIMER_2_GATE = BIT(0),
    PORT61_SPEAKER_DATA = BIT(1),
    PORT61_PARITY_OFF = BIT(2),
    PORT61_CHANNEL_CHECK_OFF = BIT(3),
    PORT61_REFRESH = BIT(4),
    PORT61_TIMER_2_OUT = BIT(5),
    PORT61_CHANNEL_CHECK = BIT(6),
    PORT61_PARITY = BIT(7),
};

#endif
