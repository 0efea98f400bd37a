/* What is on the terminal: the guest's screen or the part of it around the cursor, a notice in graphics
 * modes, the status line, the cursor. curses finds out what has changed. */
#include "ui/tty_impl.h"

#include "ui/glyph.h"

#include <string.h>
#include <wchar.h>

enum { BLINKING_BLOCK = 1, BLINKING_UNDERLINE = 3 }; /* DECSCUSR, VT510 */
enum { FULL_BLOCK = 0xdb };

/* Where the screen goes on the terminal. */
struct view {
    u32 rows, columns; /* shown */
    bool cut;          /* not all of it */
    bool status_line;  /* the last line is free for it */
};

/* --- characters --- */

/* In a locale of one byte a character: the character if it is there, lines as the terminal has them, or what
 * looks alike. */
static void put_narrow(int y, int x, u8 code, attr_t attributes, short pair)
{
    int byte = wctob((wint_t)glyph_unicode(code));
    chtype line = glyph_vt100(code) ? NCURSES_ACS(glyph_vt100(code)) : 0;
    chtype c = byte != EOF ? (chtype)(unsigned char)byte
               : line      ? line
                           : (chtype)(unsigned char)glyph_ascii(code);
    if (byte == EOF && code == FULL_BLOCK) {
        c = ' ';
        attributes ^= A_REVERSE;
    }
    attr_set(attributes, pair, NULL);
    mvaddch(y, x, c);
    attr_set(A_NORMAL, 0, NULL);
}

static void put_wide(int y, int x, u8 code, attr_t attributes, short pair)
{
    wchar_t text[2] = {(wchar_t)glyph_unicode(code), 0};
    cchar_t c;
    if (code == 0xff)
        text[0] = L' ';
    if (wcwidth(text[0]) != 1)
        text[0] = (wchar_t)glyph_ascii(code);
    setcchar(&c, text, attributes, pair, NULL);
    mvadd_wch(y, x, &c);
}

static void put_cell(const struct tty *tty, int y, int x, const struct vga_screen *screen,
                     struct vga_cell cell)
{
    u8 front = cell.attribute & 15, back = cell.attribute >> 4;
    attr_t attributes = A_NORMAL;
    if (screen->blink) {
        if (back & 8)
            attributes |= A_BLINK;
        back &= 7;
    }
    if (screen->underline && (cell.attribute & 0x77) == 0x01)
        attributes |= A_UNDERLINE;
    short pair = tty_pair(tty, front, back, &attributes);
    if (tty->utf8)
        put_wide(y, x, cell.code, attributes, pair);
    else
        put_narrow(y, x, cell.code, attributes, pair);
}

/* --- the part that is shown --- */

static struct view view_of(const struct vga_screen *screen)
{
    u32 lines = (u32)MAX(LINES, 1), columns = (u32)MAX(COLS, 1);
    struct view v = {.cut = lines < screen->rows || columns < screen->columns};
    v.status_line = lines > 1 && (v.cut || lines > screen->rows);
    v.rows = MIN(screen->rows, lines - v.status_line);
    v.columns = MIN(screen->columns, columns);
    return v;
}

/* The least move that brings `at` into sight; nothing beyond the screen's end is shown. */
static u32 follow(u32 origin, u32 at, u32 shown, u32 all)
{
    if (at < origin)
        origin = at;
    if (at >= origin + shown)
        origin = at - shown + 1;
    return MIN(origin, all - shown);
}

static void place(struct tty *tty, const struct vga_screen *screen, const struct view *v)
{
    u32 row = screen->cursor ? screen->cursor_row : tty->origin_row;
    u32 column = screen->cursor ? screen->cursor_column : tty->origin_column;
    tty->origin_row = follow(tty->origin_row, row, v->rows, screen->rows);
    tty->origin_column = follow(tty->origin_column, column, v->columns, screen->columns);
}

static void draw_text(struct tty *tty, const struct vga_screen *screen, const struct view *v)
{
    place(tty, screen, v);
    for (u32 y = 0; y < v->rows && !screen->blank; y++)
        for (u32 x = 0; x < v->columns; x++)
            put_cell(tty, (int)y, (int)x, screen, screen->cell[tty->origin_row + y][tty->origin_column + x]);
}

static void draw_centred(int y, const char *text)
{
    int x = (COLS - (int)strlen(text)) / 2;
    mvaddnstr(MAX(y, 0), MAX(x, 0), text, COLS);
}

static void draw_notice(const struct vga_screen *screen)
{
    char text[80];
    snprintf(text, sizeof text, "graphics mode %ux%u, %u colours", screen->columns, screen->rows,
             screen->colors);
    draw_centred(LINES / 2 - 1, text);
    draw_centred(LINES / 2, "Ctrl-] s saves a picture");
}

/* --- the rest --- */

static void draw_status(const char *text)
{
    attr_set(A_REVERSE, 0, NULL);
    mvhline(LINES - 1, 0, ' ', COLS);
    mvaddnstr(LINES - 1, 0, text, COLS - 1);
    attr_set(A_NORMAL, 0, NULL);
}

static void choose_status(const struct tty *tty, const struct vga_screen *screen, const struct view *v,
                          const struct tty_status *status)
{
    char text[160];
    if (status->urgent) {
        draw_status(status->urgent);
    } else if (screen->text && v->cut) {
        snprintf(text, sizeof text, "rows %u-%u of %u, columns %u-%u of %u: the terminal is smaller",
                 tty->origin_row + 1, tty->origin_row + v->rows, screen->rows, tty->origin_column + 1,
                 tty->origin_column + v->columns, screen->columns);
        draw_status(text);
    } else if (v->status_line || !screen->text) {
        draw_status(status->idle);
    }
}

/* A cursor of at least half the cell is a block. */
static void shape_cursor(struct tty *tty, const struct vga_screen *screen)
{
    int shape = screen->cursor_lines * 2 > screen->cell_lines ? BLINKING_BLOCK : BLINKING_UNDERLINE;
    tty_set_cursor_shape(tty, shape);
    curs_set(shape == BLINKING_BLOCK ? 2 : 1);
}

static void draw_cursor(struct tty *tty, const struct vga_screen *screen, const struct view *v)
{
    u32 y = screen->cursor_row - tty->origin_row, x = screen->cursor_column - tty->origin_column;
    if (!screen->text || screen->blank || !screen->cursor || y >= v->rows || x >= v->columns) {
        curs_set(0);
        return;
    }
    shape_cursor(tty, screen);
    move((int)y, (int)x);
}

void tty_show(struct tty *tty, const struct vga_screen *screen, const struct tty_status *status)
{
    struct view v = view_of(screen);
    erase();
    if (screen->text) {
        tty_colors_follow(tty, screen->rgb);
        draw_text(tty, screen, &v);
    } else {
        draw_notice(screen);
    }
    choose_status(tty, screen, &v, status);
    draw_cursor(tty, screen, &v);
    refresh();
}
