/* Beam position from virtual time. See vga_timing.h. */
#include "dev/vga/vga_timing.h"

#include "machine/clock.h"
#include "machine/state.h"

#include <string.h>

/* LIMIT: clock selects 2 and 3 (feature connector, none) run on the first crystal. */
static u32 dot_clock_hz(const struct vga_regs *r)
{
    u32 hz = ((r->misc >> MISC_CLOCK_SHIFT) & 3) == 1 ? 28322000 : 25175000;
    return r->seq[VGA_SEQ_CLOCKING_MODE] & SEQ1_DOT_CLOCK_HALF ? hz / 2 : hz;
}

static void timing_compute(struct vga_timing *t, const struct vga_regs *r)
{
    u32 dots = vga_char_dots(r);
    u32 scale = r->crtc[VGA_CRTC_MODE] & CRTC17_V_HALF ? 2 : 1;
    u32 total_chars = r->crtc[VGA_CRTC_H_TOTAL] + 5u;
    t->dot_hz = dot_clock_hz(r);
    t->line_dots = total_chars * dots;
    t->lines = vga_v_total(r) * scale;
    t->display_skew = ((r->crtc[VGA_CRTC_H_BLANK_END] >> 5) & 3) * dots;
    t->display_dots = MIN(vga_display_chars(r), total_chars) * dots;
    t->display_lines = MIN(vga_v_display_lines(r) * scale, t->lines);
    t->retrace_start = MIN(vga_v_retrace_start(r) * scale, t->lines);
    /* The end register is compared with the low four bits of the counter. */
    u32 length = (r->crtc[VGA_CRTC_V_RETRACE_END] - vga_v_retrace_start(r)) & 15;
    t->retrace_lines = (length ? length : 16) * scale;
    if (!(r->crtc[VGA_CRTC_MODE] & CRTC17_SYNC_ENABLE))
        t->retrace_lines = 0;
}

static bool timing_same(const struct vga_timing *a, const struct vga_timing *b)
{
    return memcmp(a, b, offsetof(struct vga_timing, anchor_ns)) == 0;
}

void vga_timing_init(struct vga_timing *t, const struct vga_regs *r, u64 now_ns)
{
    memset(t, 0, sizeof *t);
    timing_compute(t, r);
    t->anchor_ns = now_ns;
}

static u64 frame_dots(const struct vga_timing *t)
{
    return (u64)t->line_dots * t->lines;
}

bool vga_timing_update(struct vga_timing *t, const struct vga_regs *r, u64 now_ns)
{
    struct vga_timing next = *t;
    timing_compute(&next, r);
    if (timing_same(t, &next))
        return false;
    struct vga_beam beam = vga_timing_beam(t, now_ns);
    u64 retraces = vga_timing_retraces(t, &beam);
    if (beam.line >= next.lines) { /* NOTE: the chip's counter would run on to 1,023 first */
        beam.frame++;
        beam.line = 0;
    }
    beam.dot = MIN(beam.dot, next.line_dots - 1);
    next.anchor_ns = now_ns;
    next.anchor_frame = beam.frame;
    next.anchor_dot = beam.line * next.line_dots + beam.dot;
    next.retrace_bias = 0;
    next.line_known = false;
    next.retrace_bias = (s64)(retraces - vga_timing_retraces(&next, &beam));
    *t = next;
    return true;
}

static void move_anchor(struct vga_timing *t, u64 seconds)
{
    u64 dots = t->anchor_dot + seconds * t->dot_hz;
    t->anchor_ns += seconds * NS_PER_S;
    t->anchor_frame += dots / frame_dots(t);
    t->anchor_dot = (u32)(dots % frame_dots(t));
    t->line_known = false;
}

void vga_timing_find_line(struct vga_timing *t, u64 now_ns)
{
    if (now_ns - t->anchor_ns >= NS_PER_S)
        move_anchor(t, (now_ns - t->anchor_ns) / NS_PER_S);
    u64 dots = vga_timing_dots(t, now_ns);
    u64 frames = dots / frame_dots(t);
    u32 rest = (u32)(dots - frames * frame_dots(t));
    t->line_frame = t->anchor_frame + frames;
    t->line = rest / t->line_dots;
    t->line_start = dots - rest % t->line_dots;
    t->line_known = true;
}

u64 vga_timing_dot_ns(const struct vga_timing *t, u32 dot)
{
    u64 dots = t->line_start + dot - t->anchor_dot;
    return t->anchor_ns + (dots * NS_PER_S + t->dot_hz - 1) / t->dot_hz;
}

u64 vga_timing_retraces(const struct vga_timing *t, const struct vga_beam *beam)
{
    return beam->frame + (beam->line >= t->retrace_start) + (u64)t->retrace_bias;
}

bool vga_timing_in_retrace(const struct vga_timing *t, const struct vga_beam *beam)
{
    /* A retrace that reaches past the last line goes on at the top of the next frame. */
    u32 since = beam->line >= t->retrace_start ? beam->line - t->retrace_start
                                               : beam->line + t->lines - t->retrace_start;
    return t->retrace_start < t->lines && since < t->retrace_lines;
}

bool vga_timing_displaying(const struct vga_timing *t, const struct vga_beam *beam)
{
    return beam->line < t->display_lines && beam->dot - t->display_skew < t->display_dots;
}

/* When the beam reaches `dot` of `line` (which may lie in the next frames) of the beam's frame. */
static u64 line_ns(const struct vga_timing *t, const struct vga_beam *beam, u64 line, u32 dot)
{
    u64 frame = beam->frame - t->anchor_frame;
    u64 target = frame * frame_dots(t) + line * t->line_dots + dot - t->anchor_dot;
    return t->anchor_ns + (target * NS_PER_S + t->dot_hz - 1) / t->dot_hz;
}

u64 vga_timing_next_retrace_ns(struct vga_timing *t, u64 now_ns)
{
    struct vga_beam beam = vga_timing_beam(t, now_ns);
    u32 next_frame = beam.line >= t->retrace_start ? t->lines : 0;
    return line_ns(t, &beam, (u64)next_frame + t->retrace_start, 0);
}

u64 vga_timing_retrace_change_ns(struct vga_timing *t, u64 now_ns)
{
    struct vga_beam beam = vga_timing_beam(t, now_ns);
    if (t->retrace_start >= t->lines || !t->retrace_lines || t->retrace_lines >= t->lines)
        return CLOCK_NEVER;
    if (!vga_timing_in_retrace(t, &beam))
        return vga_timing_next_retrace_ns(t, now_ns);
    u32 end = t->retrace_start + t->retrace_lines;
    return line_ns(t, &beam, beam.line >= t->retrace_start ? end : end - t->lines, 0);
}

u64 vga_timing_frame_end_ns(const struct vga_timing *t, const struct vga_beam *beam)
{
    return line_ns(t, beam, t->lines, 0);
}

u64 vga_timing_picture_ns(struct vga_timing *t, u64 now_ns)
{
    struct vga_beam beam = vga_timing_beam(t, now_ns);
    return beam.line < t->display_lines ? now_ns : line_ns(t, &beam, t->lines, t->display_skew);
}

void vga_timing_state(struct vga_timing *t, const struct vga_regs *r, struct state *s, u64 now_ns)
{
    state_u64(s, &t->anchor_ns);
    state_u64(s, &t->anchor_frame);
    state_u32(s, &t->anchor_dot);
    state_s64(s, &t->retrace_bias);
    if (!s->loading || s->failed)
        return;
    timing_compute(t, r);
    t->line_known = false;
    state_check(s, t->anchor_ns <= now_ns && t->anchor_dot < frame_dots(t), "where the beam was");
}
