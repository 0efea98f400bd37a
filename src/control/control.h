/* --control: the seam between a socket that speaks QMP and the run loop.
 *
 * A thread of its own owns the socket and its clients. What needs the machine becomes an order: it asks the
 * run loop for a turn (`kick`), and the order is carried out in control_poll, on the run loop's thread,
 * between two of the guest's instructions. Order of calls: open, start, poll ..., event ..., stop, close.
 *
 * What clients can cost is bounded: their number, the bytes kept of each in either direction, one order of
 * each at a time, and the run loop's time: after a turn that took t the next one comes CONTROL_SHARE * t
 * later. */
#ifndef HUDDLE_CONTROL_CONTROL_H
#define HUDDLE_CONTROL_CONTROL_H

#include "base/types.h"
#include "dev/keyboard.h"
#include "dev/vga/vga.h"
#include "report/run_stats.h"

#include <jansson.h>

enum { CONTROL_CLIENTS = 16, CONTROL_KEYS = 16, CONTROL_SHARE = 4 };

/* An instruction that made no exits, because it was executed in clusters. */
struct control_avoided {
    u64 exits;
    linear_t linear;
    u32 cs_base, eip;
    char text[48]; /* disassembly */
};

/* Of a guest, as far as clients ask for it. */
struct control_look {
    struct run_stats stats;                  /* so far */
    int level;                               /* in force: enum cluster_level */
    struct control_avoided avoided[RUN_TOP]; /* most exits first; unused: exits == 0 */
};

/* What a client may do to the guest, in control_poll only. */
struct control_guest {
    void *opaque;
    void (*look)(void *opaque, struct control_look *look);
    int (*picture)(void *opaque, struct vga_picture *picture); /* 0 or -errno */
    void (*set_level)(void *opaque, int level);
    /* Presses these at once and lets go of them hold_ns of virtual time later. False: too many are waiting.
     */
    bool (*keys)(void *opaque, const enum key *keys, u32 n, u64 hold_ns);
    void (*stop)(void *opaque);
    void (*go_on)(void *opaque);
    void (*reset)(void *opaque);
    void (*quit)(void *opaque);
};

/* How the socket gets a turn; `kick` may be called from any thread between start and stop. */
struct control_loop {
    void *opaque;
    void (*kick)(void *opaque);
};

struct control;

/* Listens at `path`. `guest` names what is run, and stays. 0 or -errno (logged): a path that cannot be, or at
 * which something else is than a socket that a huddle of this user has left. */
must_check int control_open(struct control **control, const char *path, const char *guest);
/* The guest begins. `level`: enum cluster_level. 0 or -errno (logged). */
must_check int control_start(struct control *control, const struct control_loop *loop, int level);
/* A turn, after a kick. */
void control_poll(struct control *control, const struct control_guest *guest);
/* Tells the clients; `data` is stolen, NULL: none. From the run loop's thread. */
void control_event(struct control *control, const char *name, json_t *data);
/* The guest stands still, or does not; it is at this level. For the answers from now on. */
void control_set_running(struct control *control, bool running);
void control_set_level(struct control *control, int level);
/* The guest has ended: no more kicks. Clients that read get what was said to them. Also if start failed or
 * never came. */
void control_stop(struct control *control);
/* Removes the socket. */
void control_close(struct control *control);

#endif
