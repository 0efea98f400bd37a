/* From what a terminal says was typed to keys of a US keyboard. */
#ifndef HUDDLE_UI_CHORD_H
#define HUDDLE_UI_CHORD_H

#include "dev/keyboard.h"

/* A key pressed with others held. Or, with KEY_NONE: Alt is held while the decimal digits of `code` are typed
 * on the keypad, which is how a character without a key is typed on a PC. */
struct chord {
    enum key key;
    bool shift, ctrl, alt;
    u8 code;
};

/* A character: one that a key types; a control character, with Ctrl; another of code page 437, by its code.
 * 0Ah and 0Dh are both Enter, 08h and 7Fh both Backspace. False: a PC cannot type it. */
must_check bool chord_of_char(u32 code_point, struct chord *chord);

/* A key by ncurses' name for it (keyname(3)): "KEY_HOME", "KEY_F(13)", and xterm's "kUP5". False: a PC has
 * none. */
must_check bool chord_of_name(const char *name, struct chord *chord);

#define CHORD_MAX_EVENTS 10

struct chord_event {
    u8 key; /* enum key */
    bool down;
};

/* What happens on the keyboard, in order; returns the number. `*held` is the number of the first event that
 * follows when the key is let go. */
u32 chord_events(const struct chord *chord, struct chord_event event[CHORD_MAX_EVENTS], u32 *held);

#endif
