/* The terminal of huddle top: what curses is needed for. */
#ifndef HUDDLE_TOP_TOP_SCREEN_H
#define HUDDLE_TOP_TOP_SCREEN_H

#include "top/view.h"

struct top_screen;

/* Takes standard input and output, which must be a terminal. 0 or -errno (logged). */
must_check int top_screen_open(struct top_screen **screen);
/* Gives it back as it was. */
void top_screen_close(struct top_screen *screen);

bool top_screen_utf8(const struct top_screen *screen);
void top_screen_size(const struct top_screen *screen, u32 *rows, u32 *columns);

/* The next key, a character, without waiting; 0: none. *resized: the size is another. */
int top_screen_key(struct top_screen *screen, bool *resized);

void top_screen_show(struct top_screen *screen, const struct top_line *lines, u32 n);

#endif
