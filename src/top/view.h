/* What huddle top shows, as lines of text: for a terminal of any size, or for a file. */
#ifndef HUDDLE_TOP_VIEW_H
#define HUDDLE_TOP_VIEW_H

#include "top/sample.h"

enum {
    TOP_HISTORY = 60,
    TOP_ROWS_MAX = 200,
    TOP_COLUMNS_MIN = 40,
    TOP_COLUMNS_MAX = 120,
    TOP_LINE_BYTES = 512
};

enum top_style { TOP_PLAIN, TOP_TITLE, TOP_HEADING, TOP_GRAPH, TOP_MESSAGE, TOP_HINT };

struct top_line {
    enum top_style style;
    char text[TOP_LINE_BYTES]; /* ASCII, but for graphs */
};

/* The last minute, oldest first. */
struct top_history {
    u32 n;
    double exits[TOP_HISTORY], avoided[TOP_HISTORY];
};
void top_history_add(struct top_history *history, const struct top_rates *rates);

struct top_view {
    const struct top_sample *now;
    const struct top_rates *rates;
    const struct top_history *history; /* NULL: no graphs */
    const char *message;               /* NULL: none */
    const char *hint;                  /* the last line; NULL: none */
    bool utf8;                         /* graphs may be made of block elements */
};

/* Fills at most `rows` (up to TOP_ROWS_MAX) lines of at most `columns` characters; those too wide are cut.
 * Returns how many. */
u32 top_view_lines(struct top_line *lines, u32 rows, u32 columns, const struct top_view *view);

#endif
