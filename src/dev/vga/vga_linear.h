/* The window as plain memory. In chain-4 and in odd/even addressing with nothing to do for the write
 * pipeline, a byte at an address of the window is one byte of one map, for reads and for writes: mode 13h,
 * text, CGA graphics. Then the window may be opened: its bytes are copied to memory that the processor
 * accesses without anybody's help (memory_open_window), and that holds the truth until the window is closed.
 * It is closed by the first register write that makes the window something else. Whoever looks at vga->vram
 * meanwhile calls vga_linear_sync first.
 *
 * Opening and closing cost as much as thousands of accesses: the window is opened after a number of accesses,
 * and not again before a period has passed since the last time, a longer one each time it was in vain.
 *
 * LIMIT: reads of an open window do not load the latches. They are those of the last access through the
 * device, until the next. A program would have to read with chain-4 or odd/even in force and nothing in the
 * pipeline, then change that, and use the latches without another read; or read CRT controller register 22h.
 */
#ifndef HUDDLE_DEV_VGA_VGA_LINEAR_H
#define HUDDLE_DEV_VGA_VGA_LINEAR_H

#include "dev/vga/vga.h"
#include "machine/clock.h"

enum vga_layout {
    VGA_LAYOUT_NONE,     /* not linear */
    VGA_LAYOUT_CHAIN_4,  /* four bytes are the four maps of a cell */
    VGA_LAYOUT_ODD_EVEN, /* two bytes are maps 0 and 1 of a cell */
};

struct vga_linear {
    struct vga_linear_policy policy; /* accesses 0: the window is never opened */
    struct vga_linear_stats stats;
    struct vga_accessor device; /* as the registers make it, whatever vga->accessor does in between */
    enum vga_layout near;       /* what the window would be but for map mask and read map select */
    enum vga_layout exact;      /* what it is */
    enum vga_layout open;       /* NONE: it is closed, the planes are the truth */
    gpa_t first;                /* of the open window */
    u32 bytes;
    u32 left; /* accesses until it is opened */
    u64 period_ns, opened_ns;
    struct clock_event pause; /* armed: accesses do not count, until it fires */
};

void vga_linear_init(struct vga *vga);
/* vga->accessor has been made anew. */
void vga_linear_accessor_changed(struct vga *vga);
/* Map mask or read map select have changed; only needed if `near`. */
void vga_linear_maps_changed(struct vga *vga);
/* Brings the planes up to date. */
void vga_linear_sync(struct vga *vga);

#endif
