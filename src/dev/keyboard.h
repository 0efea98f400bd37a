/* An IBM enhanced keyboard (101, 102 or 104 keys) at the end of its cable: it takes command bytes and
 * gives replies and scan codes. The 8042 (kbc.c) owns one. */
#ifndef HUDDLE_DEV_KEYBOARD_H
#define HUDDLE_DEV_KEYBOARD_H

#include "base/types.h"

enum key {
    KEY_NONE,
    KEY_ESC, KEY_F1, KEY_F2, KEY_F3, KEY_F4, KEY_F5, KEY_F6, KEY_F7, KEY_F8, KEY_F9, KEY_F10, KEY_F11,
    KEY_F12, KEY_PRINT, KEY_SCROLL_LOCK, KEY_PAUSE,
    KEY_GRAVE, KEY_1, KEY_2, KEY_3, KEY_4, KEY_5, KEY_6, KEY_7, KEY_8, KEY_9, KEY_0, KEY_MINUS, KEY_EQUAL,
    KEY_BACKSPACE,
    KEY_TAB, KEY_Q, KEY_W, KEY_E, KEY_R, KEY_T, KEY_Y, KEY_U, KEY_I, KEY_O, KEY_P, KEY_LEFT_BRACKET,
    KEY_RIGHT_BRACKET, KEY_BACKSLASH,
    KEY_CAPS_LOCK, KEY_A, KEY_S, KEY_D, KEY_F, KEY_G, KEY_H, KEY_J, KEY_K, KEY_L, KEY_SEMICOLON,
    KEY_APOSTROPHE, KEY_ENTER,
    KEY_LEFT_SHIFT, KEY_102ND, KEY_Z, KEY_X, KEY_C, KEY_V, KEY_B, KEY_N, KEY_M, KEY_COMMA, KEY_PERIOD,
    KEY_SLASH, KEY_RIGHT_SHIFT,
    KEY_LEFT_CTRL, KEY_LEFT_WIN, KEY_LEFT_ALT, KEY_SPACE, KEY_RIGHT_ALT, KEY_RIGHT_WIN, KEY_MENU,
    KEY_RIGHT_CTRL,
    KEY_INSERT, KEY_HOME, KEY_PAGE_UP, KEY_DELETE, KEY_END, KEY_PAGE_DOWN, KEY_UP, KEY_LEFT, KEY_DOWN,
    KEY_RIGHT,
    KEY_NUM_LOCK, KEY_KP_SLASH, KEY_KP_STAR, KEY_KP_MINUS, KEY_KP_7, KEY_KP_8, KEY_KP_9, KEY_KP_PLUS,
    KEY_KP_4, KEY_KP_5, KEY_KP_6, KEY_KP_1, KEY_KP_2, KEY_KP_3, KEY_KP_ENTER, KEY_KP_0, KEY_KP_PERIOD,
    KEY_COUNT,
};

#define KEYBOARD_BUFFER_BYTES 16
#define KEYBOARD_REPLY_BYTES  4
#define KEYBOARD_KEY_BYTES    8 /* the longest sequence one key sends (Pause) */

struct keyboard {
    u8 set;            /* scan code set: 1, 2 or 3 */
    u8 command;        /* awaits its argument; 0: none */
    u8 leds;           /* bit 0 scroll lock, 1 num lock, 2 caps lock */
    u8 typematic;      /* rate and delay as commanded */
    u8 last_sent;
    bool scanning;
    bool shift, ctrl, alt; /* held, on either side */
    u8 buffer[KEYBOARD_BUFFER_BYTES + 1]; /* one more for the overrun code */
    u32 buffered;
    bool overrun;      /* the last byte of the buffer is the overrun code */
    u8 reply[KEYBOARD_REPLY_BYTES];
    u32 replies;
    u8 breaks[256 / 8]; /* set 3: a bit per code, the key sends a break code */
};

struct state;
void keyboard_state(struct keyboard *kb, struct state *state);
void keyboard_reset(struct keyboard *kb);
/* A byte from the 8042. */
void keyboard_receive(struct keyboard *kb, u8 value);
/* A key goes down or up. Lost if scanning is off, or (with the overrun code as the sign) the buffer is
 * full. */
void keyboard_key(struct keyboard *kb, enum key key, bool down);
/* Takes the next byte to send, replies first. `*reply`: it answers a command. False if there is none. */
bool keyboard_send(struct keyboard *kb, u8 *value, bool *reply);

/* The make code of `key` in scan code set 1 or 2; `*extended`: E0h goes before it. 0 for Print and Pause,
 * which are sequences, and for KEY_NONE. */
u8 keyboard_make_code(enum key key, unsigned set, bool *extended);

#endif
