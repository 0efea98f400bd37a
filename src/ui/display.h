/* The seam between the run loop and whatever shows the guest's screen and takes its keys.
 *
 * A display has threads of its own. It never touches the guest from them: it asks the run loop for a turn
 * (`kick`), and does what it wants in `poll`, on the run loop's thread, between two of the guest's
 * instructions. So the guest is as deterministic as it would be alone but for the keys. Order of calls: open,
 * start, poll ..., stop, close. */
#ifndef HUDDLE_UI_DISPLAY_H
#define HUDDLE_UI_DISPLAY_H

#include "base/types.h"
#include "dev/keyboard.h"
#include "dev/vga/vga.h"

#define DISPLAY_IDLE UINT64_MAX

/* What became of a character that no key makes. */
enum display_put {
    DISPLAY_PUT,     /* the BIOS has it */
    DISPLAY_BUSY,    /* the BIOS is taking a key: try again */
    DISPLAY_REFUSED, /* it is not the BIOS that takes keys: only they will do */
};

/* What a display may do to the guest, in `poll` only. */
struct display_guest {
    void *opaque;
    struct vga *vga;
    u64 (*now_ns)(void *opaque);                        /* virtual */
    bool (*key)(void *opaque, enum key key, bool down); /* false: the keyboard is full, try again */
    void (*mouse)(void *opaque, int dx, int dy, unsigned buttons);
    /* Code page 437, as if Alt and the keypad had typed it. */
    enum display_put (*character)(void *opaque, u8 code);
    /* Keys in the BIOS's buffer that no program has taken. `*at` changes when one is. 0: none, or nobody can
     * tell. */
    u32 (*typed_ahead)(void *opaque, u32 *at);
    void (*quit)(void *opaque, int status, const char *why); /* ends the run */
};

/* How the display gets a turn; `kick` may be called from any thread between start and stop. */
struct display_loop {
    void *opaque;
    void (*kick)(void *opaque);
};

struct display {
    const struct display_class *class;
};

struct display_class {
    const char *name;
    /* Takes hold of the terminal, window or socket. 0 or -errno (logged). */
    int (*open)(struct display **display);
    /* The guest begins. 0 or -errno (logged). */
    int (*start)(struct display *display, const struct display_loop *loop);
    /* A turn, after a kick and when the time that the last one returned is over: nanoseconds of virtual time,
     * or DISPLAY_IDLE. */
    u64 (*poll)(struct display *display, const struct display_guest *guest);
    /* The guest has ended: no more kicks. Also if start failed, or never came. */
    void (*stop)(struct display *display);
    /* Lets go of everything. */
    void (*close)(struct display *display);
};

/* The display of that name; NULL: there is none. */
const struct display_class *display_find(const char *name);

#endif
