/* Where the beam is: a pure function of virtual time and of the CRT controller's timing registers. No events.
 * Time is counted in dots from an anchor, exactly: the anchor only moves by whole seconds, which are whole
 * numbers of dots, or when the registers change, when the beam carries on from the line it is on.
 * FreeVGA, "CRT Controller Registers"; the line and frame begin with the active display. */
#ifndef HUDDLE_DEV_VGA_TIMING_H
#define HUDDLE_DEV_VGA_TIMING_H

#include "dev/vga/vga_regs.h"

struct vga_timing {
    /* From the registers. */
    u32 dot_hz;
    u32 line_dots;
    u32 lines;         /* scan lines of a frame */
    u32 display_dots;  /* active part of a line */
    u32 display_skew;  /* dots from the line's start to its active part */
    u32 display_lines; /* active lines */
    u32 retrace_start; /* scan line at which vertical retrace begins; `lines` if it never does */
    u32 retrace_lines;

    /* The anchor: at this time the beam was this far into this frame. */
    u64 anchor_ns;
    u64 anchor_frame;
    u32 anchor_dot;
    s64 retrace_bias; /* keeps the count of retraces continuous over changes of the registers */

    /* The line asked about last, so that programs that poll need no division. */
    bool line_known;
    u64 line_start; /* dots from the anchor's frame */
    u64 line_frame;
    u32 line;
};

struct vga_beam {
    u64 frame; /* frames begun, by an origin of the timing's own */
    u32 line;
    u32 dot;
};

/* Power-on: the beam is at the top left at `now_ns`. */
void vga_timing_init(struct vga_timing *t, const struct vga_regs *r, u64 now_ns);

/* Takes over changed registers at `now_ns`. True if anything changed. */
bool vga_timing_update(struct vga_timing *t, const struct vga_regs *r, u64 now_ns);

/* `now_ns` must not go back. */
struct vga_beam vga_timing_beam(struct vga_timing *t, u64 now_ns);

/* Vertical retraces begun at `beam`. */
u64 vga_timing_retraces(const struct vga_timing *t, const struct vga_beam *beam);

bool vga_timing_in_retrace(const struct vga_timing *t, const struct vga_beam *beam);
bool vga_timing_displaying(const struct vga_timing *t, const struct vga_beam *beam);

/* First time after `now_ns` at which the next vertical retrace has begun. */
u64 vga_timing_next_retrace_ns(struct vga_timing *t, u64 now_ns);

#endif
