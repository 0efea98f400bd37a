/* The text screen as cells and colours. See vga_screen.h. */
#include "dev/vga/vga_screen.h"

#include "dev/vga/vga_scan.h"

#include <string.h>

enum { ATTRIBUTE_COLORS = 16, INTERLEAVED_COLORS = 4 };

static u32 attribute_rgb(const struct vga_regs *r, u8 dot)
{
    u8 index = vga_attribute_color(r, dot & r->attr[VGA_ATTR_PLANE_ENABLE] & 15);
    return vga_dac_rgb(r, index);
}

static void read_colors(const struct vga_regs *r, struct vga_screen *screen)
{
    bool interleaved = vga_graphics(r) && (r->gc[VGA_GC_MODE] & GC5_SHIFT_INTERLEAVE);
    for (u8 i = 0; i < ATTRIBUTE_COLORS; i++) {
        bool seen = false;
        screen->rgb[i] = attribute_rgb(r, i);
        for (u8 k = 0; k < i; k++)
            seen |= screen->rgb[k] == screen->rgb[i];
        screen->colors += !seen;
    }
    if (interleaved)
        screen->colors = MIN(screen->colors, (u32)INTERLEAVED_COLORS);
    if (vga_graphics(r) && (r->attr[VGA_ATTR_MODE] & ATTR10_8_BIT))
        screen->colors = 256;
}

static u32 scan_lines(const struct vga_regs *r)
{
    return vga_v_display_lines(r) * (r->crtc[VGA_CRTC_MODE] & CRTC17_V_HALF ? 2 : 1);
}

static void read_row(const struct vga_scan *scan, struct vga_screen *screen, u32 row)
{
    const struct vga_regs *r = &scan->r;
    u8 skew = r->crtc[VGA_CRTC_CURSOR_END] >> 5 & 3;
    u32 cursor = (((u32)r->crtc[VGA_CRTC_CURSOR_HIGH] << 8 | r->crtc[VGA_CRTC_CURSOR_LOW]) + skew) & 0xffff;
    for (u32 column = 0; column < screen->columns; column++) {
        u32 counter = vga_scan_counter(scan, column);
        u32 cell = scan->vga->vram[vga_crtc_address(r, counter, scan->row_scan)];
        screen->cell[row][column] = (struct vga_cell){.code = (u8)cell, .attribute = (u8)(cell >> 8)};
        if (counter == cursor && screen->cursor_lines && !screen->cursor) {
            screen->cursor = true;
            screen->cursor_column = column;
            screen->cursor_row = row;
        }
    }
}

/* A cursor whose end lies before its start is not shown; one that begins below the cell is none. */
static u8 cursor_lines(const struct vga_regs *r)
{
    u8 start = r->crtc[VGA_CRTC_CURSOR_START], end = r->crtc[VGA_CRTC_CURSOR_END] & 0x1f;
    u8 last = MIN(end, (u8)(r->crtc[VGA_CRTC_MAX_SCAN_LINE] & 0x1f));
    if ((start & CRTC0A_CURSOR_OFF) || (start & 0x1f) > last)
        return 0;
    return (u8)(last - (start & 0x1f) + 1);
}

static void read_text(struct vga *vga, struct vga_screen *screen)
{
    const struct vga_regs *r = &vga->r;
    struct vga_scan scan;
    u32 lines = scan_lines(r);
    screen->columns = MIN(vga_display_chars(r), (u32)VGA_SCREEN_MAX_COLUMNS);
    screen->blink = r->attr[VGA_ATTR_MODE] & ATTR10_BLINK;
    screen->cell_lines = (u8)((r->crtc[VGA_CRTC_MAX_SCAN_LINE] & 0x1f) + 1);
    screen->underline = (r->crtc[VGA_CRTC_UNDERLINE] & 0x1f) < screen->cell_lines;
    screen->cursor_lines = cursor_lines(r);
    vga_scan_begin(&scan, vga, VGA_VIEW_STILL);
    for (; scan.line < lines && screen->rows < VGA_SCREEN_MAX_ROWS; vga_scan_next_line(&scan))
        if (scan.line == 0 || (scan.row_scan == 0 && !scan.repeated))
            read_row(&scan, screen, screen->rows++);
}

void vga_screen_read(struct vga *vga, struct vga_screen *screen)
{
    const struct vga_regs *r = &vga->r;
    memset(screen, 0, sizeof *screen);
    screen->text = vga_text_mode(vga);
    screen->blank = (r->seq[VGA_SEQ_CLOCKING_MODE] & SEQ1_SCREEN_OFF) || !r->pas ||
                    !(r->crtc[VGA_CRTC_MODE] & CRTC17_SYNC_ENABLE);
    read_colors(r, screen);
    if (screen->text) {
        read_text(vga, screen);
        return;
    }
    u32 repeat = vga_line_repeat(r);
    screen->columns = vga_display_chars(r) * vga_char_dots(r) / vga_dots_per_pixel(r);
    screen->rows = (scan_lines(r) + repeat - 1) / repeat;
}
