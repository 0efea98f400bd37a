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

/* The anchor, in either direction, at `now_ns`; the rest follows from the registers, which come first. */
struct state;
void vga_timing_state(struct vga_timing *t, const struct vga_regs *r, struct state *state, u64 now_ns);

/* Takes over changed registers at `now_ns`. True if anything changed. */
bool vga_timing_update(struct vga_timing *t, const struct vga_regs *r, u64 now_ns);

/* Another second has begun, or another line than the last one that was asked about. */
void vga_timing_find_line(struct vga_timing *t, u64 now_ns);

/* Dots from the anchor's frame to `now_ns`, less than a second behind the anchor. */
static inline u64 vga_timing_dots(const struct vga_timing *t, u64 now_ns)
{
    return t->anchor_dot + (now_ns - t->anchor_ns) * t->dot_hz / NS_PER_S;
}

/* `now_ns` must not go back. */
static inline struct vga_beam vga_timing_beam(struct vga_timing *t, u64 now_ns)
{
    u64 passed_ns = now_ns - t->anchor_ns;
    u64 dots = vga_timing_dots(t, now_ns);
    if (passed_ns >= NS_PER_S || !t->line_known || dots - t->line_start >= t->line_dots) {
        vga_timing_find_line(t, now_ns);
        dots = vga_timing_dots(t, now_ns);
    }
    return (struct vga_beam){.frame = t->line_frame, .line = t->line, .dot = (u32)(dots - t->line_start)};
}

/* First time at which the beam has reached `dot` of the line that vga_timing_beam was last asked about. */
u64 vga_timing_dot_ns(const struct vga_timing *t, u32 dot);

/* Vertical retraces begun at `beam`. */
u64 vga_timing_retraces(const struct vga_timing *t, const struct vga_beam *beam);

bool vga_timing_in_retrace(const struct vga_timing *t, const struct vga_beam *beam);
bool vga_timing_displaying(const struct vga_timing *t, const struct vga_beam *beam);

/* First time after `now_ns` at which vga_timing_in_retrace gives another answer; CLOCK_NEVER: it always gives this one. */
u64 vga_timing_retrace_change_ns(struct vga_timing *t, u64 now_ns);

/* First time at which the frame after `beam`'s has begun. `beam` is what vga_timing_beam said last. */
u64 vga_timing_frame_end_ns(const struct vga_timing *t, const struct vga_beam *beam);

/* First time from `now_ns` on at which a line is displayed; `now_ns` if the beam is in one of the picture's lines. */
u64 vga_timing_picture_ns(struct vga_timing *t, u64 now_ns);

/* First time after `now_ns` at which the next vertical retrace has begun. */
u64 vga_timing_next_retrace_ns(struct vga_timing *t, u64 now_ns);

#endif
