/* From characters and key names to keys: for scripts and other programs that type. */
#ifndef HUDDLE_DEV_KEYMAP_H
#define HUDDLE_DEV_KEYMAP_H

#include "dev/keyboard.h"

/* The key, and whether Shift goes with it, that types `c` on a US keyboard; '\n' and '\r' are Enter, '\b'
 * Backspace, 1Bh Escape. False if no key does. */
must_check bool keymap_ascii(char c, enum key *key, bool *shift);

/* "ctrl", "alt", "del", "f1", "enter", "a", "5", "kp5", "[" ...: lower case. KEY_NONE if there is none. */
enum key keymap_name(const char *name);

#endif
