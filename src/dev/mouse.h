/* A PS/2 mouse with a wheel at the end of its cable. The 8042 (kbc.c) owns one and calls it when a sample
 * is due. */
#ifndef HUDDLE_DEV_MOUSE_H
#define HUDDLE_DEV_MOUSE_H

#include "base/types.h"

enum mouse_button { MOUSE_LEFT = BIT(0), MOUSE_RIGHT = BIT(1), MOUSE_MIDDLE = BIT(2) };

#define MOUSE_QUEUE_BYTES 16

struct mouse {
    u8 command;    /* awaits its argument; 0: none */
    u8 id;         /* 0: standard, 3: with wheel */
    u8 rate;       /* samples per second */
    u8 resolution; /* 0-3: 1, 2, 4, 8 counts per millimetre */
    bool scaling_2_1;
    bool remote, wrap;
    bool reporting; /* stream mode: enabled */
    u8 knock;       /* how much of the sample rate sequence 200, 100, 80 has been seen */
    u8 last_sent;
    u8 buttons, buttons_sent;
    s32 x, y, z; /* movement not reported yet: x and y in eighths of a millimetre, y upwards; z in notches */
    u8 queue[MOUSE_QUEUE_BYTES];
    u32 queued;
    u32 replies; /* how many of them answer a command */
};

struct state;
void mouse_state(struct mouse *m, struct state *state);
void mouse_reset(struct mouse *m);
/* A byte from the 8042. */
void mouse_receive(struct mouse *m, u8 value);
/* Movement since the last call, in counts of the default resolution (4 per millimetre): right and down are
 * positive; `dz` in wheel notches towards the user; `buttons`: enum mouse_button. */
void mouse_move(struct mouse *m, int dx, int dy, int dz, unsigned buttons);
/* Stream mode has something to report and room for it: mouse_sample will queue a packet. */
bool mouse_wants_sample(const struct mouse *m);
void mouse_sample(struct mouse *m);
u64 mouse_period_ns(const struct mouse *m);
/* Takes the next byte to send. `*reply`: it answers a command. False if there is none. */
bool mouse_send(struct mouse *m, u8 *value, bool *reply);

#endif
