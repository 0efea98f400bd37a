/* The guest's colours on the terminal: as they are, where the terminal lets its own be set; else the nearest
 * it has. terminfo(5), "Color Handling". */
#include "ui/tty_impl.h"

#include <string.h>

enum { WHITE = 7, EIGHT = 8, SIXTEEN = 16, MANY = 256, CURSES_FULL = 1000, HALF_BRIGHT = 128 };

/* Pair 0 cannot be chosen: it is white on black. */
static short pair_of(u32 n, u32 front, u32 back)
{
    return (short)(((WHITE - front) & (n - 1)) * n + back);
}

static void init_fixed_pairs(u32 n)
{
    for (u32 front = 0; front < n; front++)
        for (u32 back = 0; back < n; back++)
            if (pair_of(n, front, back))
                init_pair(pair_of(n, front, back), (short)front, (short)back);
}

void tty_colors_init(struct tty *tty)
{
    struct tty_colors *c = &tty->colors;
    if (!has_colors() || start_color() == ERR)
        return;
    if (COLORS >= MANY && COLOR_PAIRS > SIXTEEN * SIXTEEN)
        c->n = MANY;
    else if (COLORS >= SIXTEEN && COLOR_PAIRS >= SIXTEEN * SIXTEEN)
        c->n = SIXTEEN;
    else if (COLORS >= EIGHT && COLOR_PAIRS >= EIGHT * EIGHT)
        c->n = EIGHT;
    c->settable = c->n >= SIXTEEN && can_change_color();
    if (c->n)
        assume_default_colors(WHITE, 0);
    if (c->n && c->n < MANY)
        init_fixed_pairs(c->n);
}

static short curses_level(u32 eight_bits)
{
    return (short)(eight_bits * CURSES_FULL / 255);
}

/* Not every terminal that says so does it: so each colour is set where the nearest one was. */
static void set_colors(const struct tty_colors *c)
{
    for (u32 i = 0; i < PALETTE_SLOTS; i++)
        if (!i || c->front[i] != c->front[i - 1])
            init_color((short)c->front[i], curses_level(c->rgb[i] >> 16 & 0xff),
                       curses_level(c->rgb[i] >> 8 & 0xff), curses_level(c->rgb[i] & 0xff));
}

static void set_pairs(const struct tty_colors *c)
{
    for (u32 front = 0; front < PALETTE_SLOTS; front++)
        for (u32 back = 0; back < PALETTE_SLOTS; back++)
            init_pair((short)(1 + front * PALETTE_SLOTS + back), (short)c->front[front],
                      (short)c->back[back]);
}

void tty_colors_follow(struct tty *tty, const u32 rgb[PALETTE_SLOTS])
{
    struct tty_colors *c = &tty->colors;
    if (c->known && memcmp(c->rgb, rgb, sizeof c->rgb) == 0)
        return;
    c->known = true;
    memcpy(c->rgb, rgb, sizeof c->rgb);
    if (!c->n)
        return;
    /* Of eight colours, bold ones are brighter. */
    palette_assign(rgb, MAX(c->n, (u32)SIXTEEN), c->settable || c->n == MANY, c->front);
    if (c->n == EIGHT)
        palette_assign(rgb, EIGHT, false, c->back);
    else
        memcpy(c->back, c->front, sizeof c->back);
    if (c->settable)
        set_colors(c);
    if (c->n == MANY)
        set_pairs(c);
}

static short mono_pair(const struct tty_colors *c, u8 front, u8 back, attr_t *attributes)
{
    if (palette_brightness(c->rgb[back]) > palette_brightness(c->rgb[front]))
        *attributes |= A_REVERSE;
    else if (front & 8)
        *attributes |= A_BOLD;
    return 0;
}

short tty_pair(const struct tty *tty, u8 front, u8 back, attr_t *attributes)
{
    const struct tty_colors *c = &tty->colors;
    if (!c->n)
        return mono_pair(c, front, back, attributes);
    if (c->n == MANY)
        return (short)(1 + front * PALETTE_SLOTS + back);
    u32 f = c->front[front], b = c->back[back];
    if (f >= c->n) {
        f -= c->n;
        *attributes |= A_BOLD;
    }
    if (f == b && c->rgb[front] != c->rgb[back]) /* the text must stay legible */
        f = palette_brightness(c->rgb[back]) < HALF_BRIGHT ? WHITE : 0;
    return pair_of(c->n, f, b);
}
