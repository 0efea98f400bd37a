/* See palette.h. The colours of terminals: ECMA-48 8.3.117 for their order, xterm's for the cube. */
#include "ui/palette.h"

enum { CUBE = 16, CUBE_SIDE = 6, GREYS = 232, ALL = 256 };

u32 palette_rgb(u32 index)
{
    static const u32 first[CUBE] = {
        0x000000, 0xaa0000, 0x00aa00, 0xaa5500, 0x0000aa, 0xaa00aa, 0x00aaaa, 0xaaaaaa,
        0x555555, 0xff5555, 0x55ff55, 0xffff55, 0x5555ff, 0xff55ff, 0x55ffff, 0xffffff,
    };
    static const u8 level[CUBE_SIDE] = {0x00, 0x5f, 0x87, 0xaf, 0xd7, 0xff};
    if (index < CUBE)
        return first[index];
    if (index >= GREYS)
        return (8 + 10 * (MIN(index, (u32)ALL - 1) - GREYS)) * 0x010101;
    u32 cube = index - CUBE;
    return (u32)level[cube / 36] << 16 | (u32)level[cube / 6 % 6] << 8 | level[cube % 6];
}

/* Squares of differences, weighted as eyes see them. */
static u32 distance(u32 a, u32 b)
{
    int red = (int)(a >> 16 & 0xff) - (int)(b >> 16 & 0xff);
    int green = (int)(a >> 8 & 0xff) - (int)(b >> 8 & 0xff);
    int blue = (int)(a & 0xff) - (int)(b & 0xff);
    return (u32)(3 * red * red + 6 * green * green + blue * blue);
}

static bool taken(const u16 *out, u32 n, u32 index)
{
    for (u32 i = 0; i < n; i++)
        if (out[i] == index)
            return true;
    return false;
}

void palette_assign(const u32 rgb[PALETTE_SLOTS], u32 colors, bool distinct, u16 out[PALETTE_SLOTS])
{
    u32 first = colors >= ALL ? CUBE : 0, end = colors >= ALL ? ALL : MIN(colors, (u32)CUBE);
    for (u32 slot = 0; slot < PALETTE_SLOTS; slot++) {
        u32 best = UINT32_MAX, same = 0;
        while (rgb[same] != rgb[slot])
            same++;
        out[slot] = same < slot ? out[same] : 0;
        if (same < slot)
            continue;
        for (u32 i = first; i < end; i++) {
            u32 d = distance(rgb[slot], palette_rgb(i));
            if (d >= best || (distinct && taken(out, slot, i)))
                continue;
            best = d;
            out[slot] = (u16)i;
        }
    }
}

u32 palette_brightness(u32 rgb)
{
    return (3 * (rgb >> 16 & 0xff) + 6 * (rgb >> 8 & 0xff) + (rgb & 0xff)) / 10;
}
