/* Keys by the names that QMP's send-key has for them (QEMU's QKeyCode), and by number. */
#ifndef HUDDLE_CONTROL_QCODE_H
#define HUDDLE_CONTROL_QCODE_H

#include "dev/keyboard.h"

/* "a", "ret", "ctrl_r" ...; KEY_NONE if this keyboard has no such key. */
enum key qcode_key(const char *name);

/* A make code of scan code set 1, with 80h added for those behind E0h; KEY_NONE if there is none. */
enum key qcode_number_key(s64 number);

#endif
