/* One scan line: fetch from the maps, shift (or look the character's row up), attribute controller, panning.
 * FreeVGA, "VGA Text Mode Operation", "Graphics Registers" (shift modes), "Attribute Controller Registers".
 */
#include "dev/vga/vga_scan.h"

#include <string.h>

#define ALL_BYTES 0x0101010101010101ull

/* Byte i of the result, in memory order, is bit 7 - i of `bits`. */
static u64 spread_bits(u8 bits)
{
    u64 picked = bits * ALL_BYTES & 0x0102040810204080ull;
    return (picked + 0x7f * ALL_BYTES) >> 7 & ALL_BYTES;
}

/* Eight dots of four bits, one from each map. */
static u64 shift_planar(u32 cell)
{
    return spread_bits((u8)cell) | spread_bits((u8)(cell >> 8)) << 1 | spread_bits((u8)(cell >> 16)) << 2 |
           spread_bits((u8)(cell >> 24)) << 3;
}

/* Maps 0 and 2 give the first four dots, 1 and 3 the others; two adjacent bits of each make a dot. */
static u64 shift_interleaved(u32 cell)
{
    u64 dots = 0;
    for (u32 i = 0; i < 8; i++) {
        u32 maps = i < 4 ? cell : cell >> 8;
        u32 shift = 6 - 2 * (i & 3);
        u64 dot = (maps >> shift & 3) | (maps >> (16 + shift) & 3) << 2;
        dots |= dot << 8 * i;
    }
    return dots;
}

/* High and low half of map 0, then of map 1, 2, 3. */
static u64 shift_256(u32 cell)
{
    u64 dots = 0;
    for (u32 i = 0; i < 4; i++) {
        u64 byte = cell >> 8 * i & 0xff;
        dots |= (byte >> 4 | (byte & 15) << 8) << 16 * i;
    }
    return dots;
}

typedef u64 shifter_t(u32 cell);
static shifter_t *shifter_of(const struct vga_regs *r)
{
    u8 mode = r->gc[VGA_GC_MODE];
    if (mode & GC5_SHIFT_256)
        return shift_256;
    return mode & GC5_SHIFT_INTERLEAVE ? shift_interleaved : shift_planar;
}

/* Character clocks between two loads of the shift registers. */
static u32 load_interval(const struct vga_regs *r)
{
    u8 clocking = r->seq[VGA_SEQ_CLOCKING_MODE];
    return clocking & SEQ1_SHIFT_4 ? 4 : clocking & SEQ1_SHIFT_LOAD ? 2 : 1;
}

/* Four-bit dots of `n` characters from `out` on. Ninth dots are zero, and so are characters without a load of
 * their own: the shift registers have run empty. */
static void fetch_graphics(const struct vga_scan *scan, u8 *out, u32 n)
{
    const struct vga_regs *r = &scan->r;
    shifter_t *shifter = shifter_of(r);
    u32 char_dots = vga_char_dots(r);
    u32 interval = load_interval(r);
    for (u32 c = 0; c < n; c++, out += char_dots) {
        u32 counter = vga_scan_counter(scan, c);
        u32 cell = scan->vga->vram[vga_crtc_address(r, counter, scan->row_scan)];
        u64 dots = c % interval ? 0 : shifter(cell);
        memcpy(out, &dots, 8);
        if (char_dots == 9)
            out[8] = 0;
    }
}

/* Where the font of a three-bit character map select begins in map 2. Without extended memory only the first
 * font is there. */
static u32 font_address(const struct vga_regs *r, u8 select)
{
    if (!(r->seq[VGA_SEQ_MEMORY_MODE] & SEQ4_EXTENDED_MEMORY))
        return 0;
    return (select & 3) * 0x4000u + (select >> 2) * 0x2000u;
}

struct text_line {
    u32 font[2]; /* by attribute bit 3 */
    u32 cursor_counter;
    bool cursor;
    bool underline;
    bool blink;
    bool line_graphics;
};

static bool cursor_on_row(const struct vga_scan *scan)
{
    u8 start = scan->r.crtc[VGA_CRTC_CURSOR_START];
    u8 end = scan->r.crtc[VGA_CRTC_CURSOR_END] & 0x1f;
    return !(start & CRTC0A_CURSOR_OFF) && scan->cursor_phase && scan->row_scan >= (start & 0x1f) &&
           scan->row_scan <= end;
}

static struct text_line text_line_of(const struct vga_scan *scan)
{
    const struct vga_regs *r = &scan->r;
    u8 map = r->seq[VGA_SEQ_CHARACTER_MAP];
    u8 skew = r->crtc[VGA_CRTC_CURSOR_END] >> 5 & 3;
    return (struct text_line){
        .font = {font_address(r, (u8)((map & 3) | (map & 0x10) >> 2)),
                 font_address(r, (u8)((map >> 2 & 3) | (map & 0x20) >> 3))},
        .cursor = cursor_on_row(scan),
        .cursor_counter =
            (((u32)r->crtc[VGA_CRTC_CURSOR_HIGH] << 8 | r->crtc[VGA_CRTC_CURSOR_LOW]) + skew) & 0xffff,
        .underline = scan->row_scan == (r->crtc[VGA_CRTC_UNDERLINE] & 0x1f),
        .blink = r->attr[VGA_ATTR_MODE] & ATTR10_BLINK,
        .line_graphics = r->attr[VGA_ATTR_MODE] & ATTR10_LINE_GRAPHICS,
    };
}

/* Dots of one character, bit 8 the first: nine of them, the ninth in bit 0. */
static u32 glyph_row(const struct vga_scan *scan, const struct text_line *text, u8 code, u8 attribute,
                     bool cursor)
{
    if (cursor)
        return 0x1ff;
    if (text->underline && (attribute & 0x77) == 0x01)
        return 0x1ff;
    u32 cell = scan->vga->vram[text->font[attribute >> 3 & 1] + code * 32u + scan->row_scan];
    u32 row = (cell >> 16 & 0xff) << 1;
    if (text->line_graphics && (code & 0xe0) == 0xc0)
        row |= row >> 1 & 1;
    return row;
}

static void draw_character(const struct vga_scan *scan, const struct text_line *text, u32 counter, u8 *out,
                           u32 dots)
{
    u32 cell = scan->vga->vram[vga_crtc_address(&scan->r, counter, scan->row_scan)];
    u8 attribute = (u8)(cell >> 8);
    bool cursor = text->cursor && counter == text->cursor_counter;
    u32 row = glyph_row(scan, text, (u8)cell, attribute, cursor);
    u8 foreground = attribute & 15, background = attribute >> 4;
    if (text->blink) {
        background &= 7;
        if ((attribute & 0x80) && !scan->blink_phase && !cursor)
            row = 0;
    }
    for (u32 i = 0; i < dots; i++)
        out[i] = row >> (8 - i) & 1 ? foreground : background;
}

static void fetch_text(const struct vga_scan *scan, u8 *out, u32 n)
{
    struct text_line text = text_line_of(scan);
    u32 dots = vga_char_dots(&scan->r);
    for (u32 c = 0; c < n; c++, out += dots)
        draw_character(scan, &text, vga_scan_counter(scan, c), out, dots);
}

u8 vga_attribute_color(const struct vga_regs *r, u8 dot)
{
    u8 color = r->attr[VGA_ATTR_PALETTE + dot];
    u8 select = r->attr[VGA_ATTR_COLOR_SELECT];
    if (r->attr[VGA_ATTR_MODE] & ATTR10_P54S)
        color = (color & 0x0f) | (u8)((select & 3) << 4);
    return color | (u8)((select & 0x0c) << 4);
}

/* Each dot by itself. In graphics modes blinking inverts the top bit, after the planes were masked: so mode
 * 0Fh, which enables maps 0 and 2 only, blinks by its palette. */
static void colors_4_bit(const struct vga_scan *scan, u8 *dot, u32 n)
{
    const struct vga_regs *r = &scan->r;
    bool invert = vga_graphics(r) && (r->attr[VGA_ATTR_MODE] & ATTR10_BLINK) && !scan->blink_phase;
    u8 color[16];
    for (u8 i = 0; i < 16; i++) {
        u8 enabled = i & r->attr[VGA_ATTR_PLANE_ENABLE] & 15;
        color[i] = vga_attribute_color(r, invert ? enabled ^ 8 : enabled);
    }
    for (u32 i = 0; i < n; i++)
        dot[i] = color[dot[i]];
}

/* Two successive dots make one color of two dots' length, each half through the internal palette. */
static void colors_8_bit(const struct vga_scan *scan, u8 *dot, u32 n)
{
    const struct vga_regs *r = &scan->r;
    u8 half[16];
    for (u8 i = 0; i < 16; i++)
        half[i] = r->attr[VGA_ATTR_PALETTE + (i & r->attr[VGA_ATTR_PLANE_ENABLE] & 15)] & 15;
    for (u32 i = 0; i + 1 < n; i += 2)
        dot[i] = dot[i + 1] = (u8)(half[dot[i]] << 4 | half[dot[i + 1]]);
}

/* Dots that are shifted out before the line's first. With nine dots per character 8 means none. */
static u32 panned_dots(const struct vga_scan *scan)
{
    const struct vga_regs *r = &scan->r;
    u32 panning = r->attr[VGA_ATTR_PEL_PANNING];
    if (scan->split && (r->attr[VGA_ATTR_MODE] & ATTR10_PAN_COMPATIBLE))
        panning = 0;
    if (vga_char_dots(r) == 9)
        return panning >= 8 ? 0 : panning + 1;
    return panning & 7;
}

static bool vertically_blanked(const struct vga_scan *scan)
{
    u32 scale = scan->r.crtc[VGA_CRTC_MODE] & CRTC17_V_HALF ? 2 : 1;
    u32 line = scan->line / scale;
    u32 start = vga_v_blank_start(&scan->r);
    /* The end register is compared with the low eight bits of the counter. */
    u32 length = (scan->r.crtc[VGA_CRTC_V_BLANK_END] - start) & 0xff;
    return line >= start && line - start < (length ? length : 256);
}

void vga_line_draw(const struct vga_scan *scan, struct vga_line *line)
{
    const struct vga_regs *r = &scan->r;
    u8 dots[VGA_MAX_DOTS + 2 * 9];
    u32 chars = vga_display_chars(r);
    line->dots = chars * vga_char_dots(r);
    line->black = (r->seq[VGA_SEQ_CLOCKING_MODE] & SEQ1_SCREEN_OFF) ||
                  !(r->crtc[VGA_CRTC_MODE] & CRTC17_SYNC_ENABLE) || vertically_blanked(scan);
    if (line->black)
        return;
    if (!r->pas) {
        memset(line->dot, r->attr[VGA_ATTR_OVERSCAN], line->dots);
        return;
    }
    u32 fetched = (chars + 1) * vga_char_dots(r);
    if (vga_graphics(r))
        fetch_graphics(scan, dots, chars + 1);
    else
        fetch_text(scan, dots, chars + 1);
    if (r->attr[VGA_ATTR_MODE] & ATTR10_8_BIT)
        colors_8_bit(scan, dots, fetched & ~1u);
    else
        colors_4_bit(scan, dots, fetched);
    memcpy(line->dot, dots + panned_dots(scan), line->dots);
}

u8 vga_dot_at(struct vga *vga, u32 line, u32 dot)
{
    struct vga_scan scan;
    struct vga_line drawn;
    vga_scan_begin(&scan, vga, VGA_VIEW_BEAM);
    while (scan.line < line)
        vga_scan_next_line(&scan);
    vga_line_draw(&scan, &drawn);
    return drawn.black || dot >= drawn.dots ? 0 : drawn.dot[dot];
}
