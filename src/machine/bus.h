/* The ISA bus: who answers which port, and which window of memory. A dense table of the 65,536 ports refuses
 * overlaps. Devices see only the widths they take; wider accesses are split into narrower ones at ascending
 * addresses, low part first, as an ISA bridge does. Unclaimed reads give ones; each unclaimed port is reported once. */
#ifndef HUDDLE_MACHINE_BUS_H
#define HUDDLE_MACHINE_BUS_H

#include "base/types.h"

/* Widths in bytes, also used as a mask. */
enum bus_width { BUS_8 = 1, BUS_16 = 2, BUS_32 = 4 };

/* What reads of a port will give: as long as no clock event fires and nobody accesses the device otherwise, each
 * one of `value` until `until_ns`, and value[0] until `same_until_ns`. Times are virtual. */
#define BUS_POLL_VALUES 4
#define BUS_POLL_EVENT  UINT64_MAX /* only an event can change it */
struct bus_poll {
    u8 value[BUS_POLL_VALUES];
    u32 n;
    u64 same_until_ns;
    u64 until_ns;
};

/* A port that is nothing but a byte of the device's state: a write stores it (the bits of out_mask), or a read gives it, as
 * long as *busy is zero. */
struct bus_latch {
    u8 *out; /* NULL: writes do more than that */
    u8 out_mask;
    const u8 *in; /* NULL: reads do */
    const u8 *busy;
};

struct bus_port {
    u16 first;
    u16 count;
    u8 width; /* mask of enum bus_width the device takes at once */
    const char *name; /* "VGA GC index": one row per named port where a report should tell them apart */
    u32 (*in)(void *dev, u16 port, u8 size);              /* NULL: write-only, reads as unclaimed */
    void (*out)(void *dev, u16 port, u8 size, u32 value); /* NULL: read-only, writes ignored */
    /* For programs that read the port (a byte) over and over: true, and *poll filled in, if more reads, or fewer, change
     * nothing now, for the guest or for the device. NULL: never so. */
    bool (*poll)(void *dev, u16 port, struct bus_poll *poll);
    /* For who accesses the port without calling the device. NULL: that cannot be. */
    void (*latch)(void *dev, u16 port, struct bus_latch *latch);
    /* Up to `count` reads (writes) of the port in one call, values one behind the other in `to` (`from`):
     * what so many calls of `in` (`out`) do with nothing between them. How many were made: only such as do
     * nothing but move data in the device, whatever the time is; what changes a status, a line or an event is
     * left to `in` (`out`). `size` is one of `width`. NULL: none, ever. */
    u32 (*in_run)(void *dev, u16 port, u8 size, u32 count, u8 *to);
    u32 (*out_run)(void *dev, u16 port, u8 size, u32 count, const u8 *from);
};

/* A memory-mapped window, whole 4 KiB pages. Accesses are 1, 2 or 4 bytes at any alignment (or odd sizes where
 * one crosses a page): the device treats them as that many bytes at ascending addresses. */
struct bus_window {
    gpa_t first;
    u32 bytes;
    const char *name;
    void *dev;
    u32 (*read)(void *dev, gpa_t addr, u8 size);
    void (*write)(void *dev, gpa_t addr, u8 size, u32 value);
};

#define BUS_MAX_WINDOWS 4
#define BUS_MAX_ROWS    250

struct bus {
    struct {
        const struct bus_port *row;
        void *dev;
    } rows[BUS_MAX_ROWS]; /* [0] is "unclaimed" */
    u32 n_rows;
    u8 port[65536]; /* index into rows */
    struct bus_window window[BUS_MAX_WINDOWS];
    u32 n_windows;
    u8 unclaimed_seen[65536 / 8];
    u64 unclaimed_accesses;
    void (*on_unclaimed)(void *opaque, u16 port, u8 size, bool in); /* first access to each; may be NULL */
    void *on_unclaimed_opaque;
};

static const u8 bus_never_busy = 0;

/* Reads give `value` until an event. */
static inline void bus_poll_constant(struct bus_poll *poll, u8 value)
{
    *poll = (struct bus_poll){
        .value = {value}, .n = 1, .same_until_ns = BUS_POLL_EVENT, .until_ns = BUS_POLL_EVENT};
}

void bus_init(struct bus *bus);
/* bus_port.poll of the port, if it has one. */
bool bus_poll(const struct bus *bus, u16 port, struct bus_poll *poll);
/* Adds the rows of one device. Overlaps are our bug. */
void bus_add_ports(struct bus *bus, const struct bus_port *ports, size_t n, void *dev);
void bus_add_window(struct bus *bus, const struct bus_window *window);

u32 bus_in(struct bus *bus, u16 port, u8 size);
void bus_out(struct bus *bus, u16 port, u8 size, u32 value);
/* The row that answers the port and its device, or NULL. */
const struct bus_port *bus_port_row(const struct bus *bus, u16 port, void **dev);
/* The window that holds `addr`, or NULL. */
const struct bus_window *bus_window_at(const struct bus *bus, gpa_t addr);
/* "PIC master command", or NULL where nobody answers. */
const char *bus_port_name(const struct bus *bus, u16 port);

#endif
