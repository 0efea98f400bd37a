/* See top_screen.h. ncurses(3X). */
#include "top/top_screen.h"

#include "base/log.h"

#include <errno.h>
#include <langinfo.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NCURSES_WIDECHAR 1
#include <curses.h>
#include <term.h> /* its macros take names like "lines" */

enum { COLOR_GRAPH = 1, COLOR_HEADING, COLOR_MESSAGE, COLOR_TITLE };

struct top_screen {
    SCREEN *screen;
    bool utf8, colors;
};

static int check_terminal(void)
{
    int error = 0;
    const char *term = getenv("TERM");
    if (!isatty(STDIN_FILENO)) {
        log_error("top: standard input is not a terminal: use --once");
        return -ENOTTY;
    }
    if (setupterm(NULL, STDOUT_FILENO, &error) == ERR) {
        log_error("top: the terminal is unknown (TERM=%s): use --once", term ? term : "");
        return -ENODEV;
    }
    const char *move = tigetstr("cup");
    bool able = move && move != (const char *)-1;
    del_curterm(cur_term);
    if (!able)
        log_error("top: the terminal cannot put characters anywhere (TERM=%s): use --once", term ? term : "");
    return able ? 0 : -ENODEV;
}

static bool set_colors(void)
{
    if (!has_colors() || start_color() == ERR || use_default_colors() == ERR)
        return false;
    init_pair(COLOR_GRAPH, COLOR_GREEN, -1);
    init_pair(COLOR_HEADING, COLOR_CYAN, -1);
    init_pair(COLOR_MESSAGE, COLOR_YELLOW, -1);
    init_pair(COLOR_TITLE, COLOR_BLACK, COLOR_GREEN);
    return true;
}

int top_screen_open(struct top_screen **out)
{
    setlocale(LC_CTYPE, "");
    int rc = check_terminal();
    if (rc)
        return rc;
    struct top_screen *s = calloc(1, sizeof *s);
    if (!s || !(s->screen = newterm(NULL, stdout, stdin))) {
        log_error("top: the terminal cannot be used");
        free(s);
        return -ENODEV;
    }
    s->utf8 = strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
    cbreak();
    noecho();
    keypad(stdscr, TRUE);
    nodelay(stdscr, TRUE);
    curs_set(0);
    s->colors = set_colors();
    *out = s;
    return 0;
}

void top_screen_close(struct top_screen *s)
{
    endwin();
    delscreen(s->screen);
    free(s);
}

bool top_screen_utf8(const struct top_screen *s)
{
    return s->utf8;
}

void top_screen_size(const struct top_screen *s, u32 *rows, u32 *width)
{
    (void)s;
    *rows = (u32)LINES;
    *width = (u32)COLS;
}

int top_screen_key(struct top_screen *s, bool *resized)
{
    (void)s;
    *resized = false;
    for (;;) {
        int c = getch();
        if (c == ERR)
            return 0;
        if (c == KEY_RESIZE)
            *resized = true;
        else if (c < 0x80)
            return c;
    }
}

static attr_t attributes(const struct top_screen *s, enum top_style style)
{
    switch (style) {
    case TOP_TITLE:
        return s->colors ? (attr_t)COLOR_PAIR(COLOR_TITLE) : A_REVERSE;
    case TOP_HEADING:
        return A_BOLD | (s->colors ? (attr_t)COLOR_PAIR(COLOR_HEADING) : 0);
    case TOP_GRAPH:
        return s->colors ? (attr_t)COLOR_PAIR(COLOR_GRAPH) : A_NORMAL;
    case TOP_MESSAGE:
        return A_BOLD | (s->colors ? (attr_t)COLOR_PAIR(COLOR_MESSAGE) : 0);
    case TOP_HINT:
        return A_DIM;
    default:
        return A_NORMAL;
    }
}

void top_screen_show(struct top_screen *s, const struct top_line *page, u32 n)
{
    erase();
    for (u32 i = 0; i < n && i < (u32)LINES; i++) {
        attrset(attributes(s, page[i].style));
        mvaddstr((int)i, 0, page[i].text);
    }
    attrset(A_NORMAL);
    refresh();
}
