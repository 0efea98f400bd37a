/* The mouse driver: what its parts share. Everything is plain data, so it can be saved as it is. */
#ifndef HUDDLE_DOS_MOUSE_H
#define HUDDLE_DOS_MOUSE_H

#include "base/types.h"

struct dos;

enum { MOUSE_BUTTONS = 3, MOUSE_ALTERNATES = 3, MOUSE_CURSOR_ROWS = 16 };

/* Video memory under a cursor; more than that, what must be known to put it back. */
enum { MOUSE_UNDER_BYTES = 256, MOUSE_PLANES = 4, MOUSE_ROW_BYTES = 3 };

struct mouse_clicks {
    u16 count; /* since the program last asked */
    s16 x, y;  /* at the last one */
};

struct mouse_handler {
    u16 mask; /* 0: none */
    u16 unused;
    u32 routine; /* far pointer */
};

struct mouse_range {
    s16 min, max;
};

/* What functions 16h and 17h save and restore: programs have the bytes meanwhile, so that none of them may be trusted. */
struct mouse_state {
    u32 signature;
    s32 x, y; /* in the virtual screen, in units of 1/65536 */
    s16 mickeys_x, mickeys_y; /* since they were last read by function 0Bh */
    s16 seen_x, seen_y;       /* and by function 27h */
    struct mouse_range range_x, range_y;
    u16 ratio_x, ratio_y; /* mickeys per 8 pixels */
    u16 sensitivity_x, sensitivity_y, sensitivity_double;
    u16 threshold; /* mickeys per second from which movement counts double */
    s16 shown;     /* 0: the cursor is shown; hidden as often as this is below 0 */
    u16 page;
    u16 language;
    u16 rate;
    s16 hot_x, hot_y;
    u16 screen_mask[MOUSE_CURSOR_ROWS], cursor_mask[MOUSE_CURSOR_ROWS];
    u16 hardware_cursor; /* of text modes: text_and and text_xor are its first and last line */
    u16 text_and, text_xor;
    u16 excludes; /* the region below is one in which the cursor is hidden */
    struct mouse_range exclude_x, exclude_y;
    u16 enabled;
    struct mouse_clicks press[MOUSE_BUTTONS], release[MOUSE_BUTTONS];
    struct mouse_handler handler, alternate[MOUSE_ALTERNATES];
};

struct dos_mouse {
    struct mouse_state s;
    u32 old_vector; /* INT 33h before DOS */
    u8 buttons;

    /* The screen as it was at the last look at the BIOS's data. */
    u8 mode, rows;
    u16 width, height; /* of the virtual screen */

    /* Speed is taken over short times one after the other. */
    u64 window_ns;        /* when the present one began */
    u32 window_mickeys[2]; /* the last and the present one: both axes */
    u8 fast;

    /* The cursor as it is on the screen. */
    u8 drawn;
    u8 drawn_mode, drawn_hardware;
    u32 drawn_at;  /* offset in video memory: of the page; of the character in text modes */
    u16 drawn_word; /* text: what is there now */
    s16 drawn_x, drawn_y; /* mask's left and upper edge, in columns and lines of the screen */
    u16 under_word;
    u8 under[MOUSE_UNDER_BYTES];
};

/* --- mouse.c --- */

/* What the BIOS says about the screen: mode and rows. A change of mode hides the cursor and makes the whole screen its range. */
void mouse_look(struct dos *dos);
/* All that function 00h sets. */
void mouse_reset_state(struct dos *dos);
/* Whether what a program gave to be restored can be worked with. */
bool mouse_state_valid(const struct mouse_state *s);
/* As programs are told: on the grid of the mode. */
s16 mouse_x(const struct dos *dos);
s16 mouse_y(const struct dos *dos);
/* To there, or as near as the range allows. */
void mouse_place(struct dos *dos, s32 x, s32 y);
void mouse_set_range(struct dos *dos, struct mouse_range *range, s16 one, s16 other);
/* Makes the screen show the cursor where and if it should be. */
void mouse_refresh(struct dos *dos);

/* --- mouse_screen.c --- */

enum mouse_layout {
    MOUSE_NO_SCREEN,
    MOUSE_TEXT,
    MOUSE_CGA,    /* one bit of memory per column of the cursor, even and odd lines apart */
    MOUSE_PLANAR, /* one bit in each of four planes */
    MOUSE_BYTES,  /* one byte */
};

struct mouse_screen {
    u8 layout;         /* enum mouse_layout */
    u8 x_shift;        /* columns of the virtual screen to those of memory */
    u8 grid_x, grid_y; /* log2: positions are multiples of */
    u16 width, height; /* of the virtual screen; of text modes without the rows the BIOS may have added */
};

/* Modes that the driver does not know are 640 x 200 without a cursor. */
const struct mouse_screen *mouse_screen(u8 mode);

/* The cursor at the virtual position x, y: drawn, with what was there kept. */
void mouse_draw(struct dos *dos, s16 x, s16 y);
/* Takes it away again, if there is one. */
void mouse_erase(struct dos *dos);
/* Whether mouse_draw would draw what is there already. */
bool mouse_drawn_there(const struct dos *dos, s16 x, s16 y);

#endif
