/* The inside of a terminal, shared by tty*.c only. */
#ifndef HUDDLE_UI_TTY_IMPL_H
#define HUDDLE_UI_TTY_IMPL_H

#include "ui/palette.h"
#include "ui/tty.h"
#include "ui/tty_guard.h"

#define NCURSES_WIDECHAR 1
#include <curses.h>

/* How attributes become colours. */
struct tty_colors {
    u32 n;         /* of the terminal, as far as they are used: 0, 8, 16 or 256 */
    bool settable; /* they can be made the guest's */
    bool known;    /* what follows is of: */
    u32 rgb[PALETTE_SLOTS];
    u16 front[PALETTE_SLOTS], back[PALETTE_SLOTS];
};

struct tty {
    struct tty_guard guard;
    FILE *out; /* the terminal, whatever standard output is */
    SCREEN *screen;
    bool utf8; /* else a locale of one byte a character */
    /* Input. */
    int unread;    /* a character taken too early; 0: none */
    u32 partial;   /* of a character of several bytes */
    u32 missing;   /* bytes */
    char name[32]; /* of the last key */
    /* Output. */
    struct tty_colors colors;
    u32 origin_row, origin_column;       /* the screen's part that is shown */
    int cursor_shape;                    /* in force; 0: the terminal's own */
    const char *set_shape, *reset_shape; /* NULL: cannot be chosen */
};

/* tty.c: DECSCUSR's number, where the terminal knows it. */
void tty_set_cursor_shape(struct tty *tty, int shape);

/* tty_color.c */
void tty_colors_init(struct tty *tty);
/* The colours are those of `rgb` from now on. */
void tty_colors_follow(struct tty *tty, const u32 rgb[PALETTE_SLOTS]);
/* Colour pair and attributes for `front` on `back`. */
short tty_pair(const struct tty *tty, u8 front, u8 back, attr_t *attributes);

/* tty_draw.c: tty_show */

#endif
