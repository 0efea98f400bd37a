/* One frame, scan line by scan line, as the CRT controller walks it: the registers in force on each line, the
 * memory address of the row and the row scan counter. */
#ifndef HUDDLE_DEV_VGA_SCAN_H
#define HUDDLE_DEV_VGA_SCAN_H

#include "dev/vga/vga_state.h"

#define VGA_MAX_DOTS (256 * 9)

struct vga_scan {
    const struct vga *vga;
    struct vga_regs r; /* in force on this line */
    u32 line;          /* scan line, 0 = top of the active display */
    u32 row_address;   /* memory address counter at the start of the row, before byte panning */
    u8 row_scan;
    bool repeated;     /* double scan: second of the two lines */
    bool split;        /* below the line compare */
    bool colors_stale; /* the DAC changed since the flag was last cleared */
    u32 next_entry;    /* of the journal */
    u32 entries;
    bool cursor_phase; /* cursor shown */
    bool blink_phase;  /* blinking characters shown */
};

/* Starts a frame at its first line. */
void vga_scan_begin(struct vga_scan *scan, struct vga *vga, enum vga_view view);
void vga_scan_next_line(struct vga_scan *scan);

/* Scan lines of the mode that show the same thing, one after the other, on the whole screen. */
u32 vga_line_repeat(const struct vga_regs *r);

/* The display memory address behind a value of the memory address counter: byte, word or doubleword mode, and
 * the row scan bits in place of bits 13 and 14. */
u32 vga_crtc_address(const struct vga_regs *r, u32 counter, u8 row_scan);

/* The memory address counter at a character of the line. */
u32 vga_scan_counter(const struct vga_scan *scan, u32 character);

/* A line as it leaves the attribute controller: an index into the DAC per dot. */
struct vga_line {
    bool black; /* blanked: no color at all, whatever the DAC holds */
    u32 dots;
    u8 dot[VGA_MAX_DOTS];
};

/* vga_line.c: draws the present line of the scan. */
void vga_line_draw(const struct vga_scan *scan, struct vga_line *line);

/* vga_line.c: internal palette and color select: four bits to a DAC index. */
u8 vga_attribute_color(const struct vga_regs *r, u8 dot);

/* vga_render.c: 00RRGGBBh of a DAC index; the pel mask is applied before the look-up. */
u32 vga_dac_rgb(const struct vga_regs *r, u8 index);

/* vga_render.c: dots of the same color that make a pixel. */
u32 vga_dots_per_pixel(const struct vga_regs *r);

/* vga_line.c: the DAC index of one dot of the active display, as the beam passes it now. Walks the frame down
 * to the line: not for hot paths. */
u8 vga_dot_at(struct vga *vga, u32 line, u32 dot);

#endif
