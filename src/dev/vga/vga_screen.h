/* A text screen as cells and colours, for whoever shows it elsewhere than in a picture: what the present
 * registers and the display memory make of it. IBM VGA Technical Reference, "Alphanumeric modes". */
#ifndef HUDDLE_DEV_VGA_VGA_SCREEN_H
#define HUDDLE_DEV_VGA_VGA_SCREEN_H

#include "dev/vga/vga.h"

/* LIMIT: what a mode has beyond these is not in the screen; no mode of the BIOS has. */
#define VGA_SCREEN_MAX_COLUMNS 256
#define VGA_SCREEN_MAX_ROWS    128

struct vga_cell {
    u8 code, attribute;
};

/* Everything that is not said stays zero, so that two screens can be compared as memory. */
struct vga_screen {
    bool text;         /* else a graphics mode: there are only the next four */
    bool blank;        /* the adapter shows nothing: switched off, or by itself in a change of mode */
    u32 columns, rows; /* characters, or pixels */
    u32 colors;        /* that the mode can show at once */
    bool blink;        /* attribute bit 7 is blinking; else it is the background's intensity */
    bool underline;    /* attributes x000x001 are underlined */
    bool cursor;       /* it is on, and on the screen: */
    u32 cursor_column, cursor_row;
    u8 cursor_lines; /* of: */
    u8 cell_lines;
    u32 rgb[16]; /* 00RRGGBBh of each attribute colour, through internal palette and DAC */
    struct vga_cell cell[VGA_SCREEN_MAX_ROWS][VGA_SCREEN_MAX_COLUMNS];
};

/* Fills all of `screen`. */
void vga_screen_read(struct vga *vga, struct vga_screen *screen);

#endif
