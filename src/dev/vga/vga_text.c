/* The text screen as UTF-8. Code page 437 with its graphic symbols for the control codes (Unicode Consortium,
 * CP437.TXT and IBM graphic character identifiers). */
#include "base/code_page.h"
#include "dev/vga/vga_scan.h"

#include <string.h>

u16 vga_code_point(u8 code)
{
    enum { NO_BREAK_SPACE = 0xff }; /* shown as any other */

    return code == NO_BREAK_SPACE ? ' ' : code_page_437[code];
}

struct text_out {
    char *at;
    size_t left; /* including the NUL */
};

static void put_bytes(struct text_out *out, const char *bytes, size_t n)
{
    if (out->left <= n) {
        out->left = MIN(out->left, 1); /* nothing after what did not fit */
        return;
    }
    memcpy(out->at, bytes, n);
    out->at += n;
    out->left -= n;
}

static void put_code_point(struct text_out *out, u16 code)
{
    char utf8[3];
    if (code < 0x80) {
        put_bytes(out, (char[]){(char)code}, 1);
    } else if (code < 0x800) {
        utf8[0] = (char)(0xc0 | code >> 6);
        utf8[1] = (char)(0x80 | (code & 0x3f));
        put_bytes(out, utf8, 2);
    } else {
        utf8[0] = (char)(0xe0 | code >> 12);
        utf8[1] = (char)(0x80 | (code >> 6 & 0x3f));
        utf8[2] = (char)(0x80 | (code & 0x3f));
        put_bytes(out, utf8, 3);
    }
}

static u16 code_point_at(const struct vga_scan *scan, u32 column)
{
    u32 counter = vga_scan_counter(scan, column);
    return vga_code_point((u8)scan->vga->vram[vga_crtc_address(&scan->r, counter, scan->row_scan)]);
}

static void put_row(struct text_out *out, const struct vga_scan *scan)
{
    u32 columns = vga_display_chars(&scan->r);
    while (columns && code_point_at(scan, columns - 1) == ' ')
        columns--;
    for (u32 i = 0; i < columns; i++)
        put_code_point(out, code_point_at(scan, i));
    put_bytes(out, "\n", 1);
}

size_t vga_text(struct vga *vga, char *utf8, size_t size)
{
    struct text_out out = {.at = utf8, .left = size};
    if (!size)
        return 0;
    if (vga_text_mode(vga)) {
        struct vga_scan scan;
        u32 lines = vga_v_display_lines(&vga->r) * (vga->r.crtc[VGA_CRTC_MODE] & CRTC17_V_HALF ? 2 : 1);
        vga_scan_begin(&scan, vga, VGA_VIEW_STILL);
        for (; scan.line < lines; vga_scan_next_line(&scan))
            if (scan.line == 0 || (scan.row_scan == 0 && !scan.repeated))
                put_row(&out, &scan);
    }
    *out.at = '\0';
    return (size_t)(out.at - utf8);
}
