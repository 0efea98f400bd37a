/* From scan lines to a picture: geometry, repeated lines and dots, DAC. See vga.h. */
#include "dev/vga/vga_scan.h"

#include "base/hash.h"
#include "base/log.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

u32 vga_dots_per_pixel(const struct vga_regs *r)
{
    return vga_graphics(r) && (r->attr[VGA_ATTR_MODE] & ATTR10_8_BIT) ? 2 : 1;
}

static u32 display_scan_lines(const struct vga_regs *r)
{
    return vga_v_display_lines(r) * (r->crtc[VGA_CRTC_MODE] & CRTC17_V_HALF ? 2 : 1);
}

static u8 eight_bits(u8 six)
{
    return (u8)(six << 2 | six >> 4);
}

u32 vga_dac_rgb(const struct vga_regs *r, u8 index)
{
    const u8 *c = r->dac[index & r->dac_mask];
    return (u32)eight_bits(c[0]) << 16 | (u32)eight_bits(c[1]) << 8 | eight_bits(c[2]);
}

/* What each output of the attribute controller looks like. */
static void load_colors(const struct vga_regs *r, u32 *color)
{
    for (u32 i = 0; i < 256; i++)
        color[i] = vga_dac_rgb(r, (u8)i);
}

static void line_to_pixels(const struct vga_line *line, const u32 *color, u32 step, u32 *out, u32 width)
{
    for (u32 x = 0; x < width; x++) {
        u32 dot = x * step;
        out[x] = line->black || dot >= line->dots ? 0 : color[line->dot[dot]];
    }
}

static int picture_resize(struct vga_picture *picture, u32 width, u32 height)
{
    size_t pixels = (size_t)width * height;
    if (pixels > picture->capacity) {
        u32 *grown = realloc(picture->pixels, pixels * sizeof *grown);
        if (!grown) {
            log_error("no memory for a picture of %u x %u pixels", width, height);
            return -ENOMEM;
        }
        picture->pixels = grown;
        picture->capacity = pixels;
    }
    picture->width = width;
    picture->height = height;
    return 0;
}

int vga_render(struct vga *vga, enum vga_view view, struct vga_picture *out)
{
    u32 repeat = vga_line_repeat(&vga->r);
    u32 step = vga_dots_per_pixel(&vga->r);
    u32 width = vga_display_chars(&vga->r) * vga_char_dots(&vga->r) / step;
    u32 height = (display_scan_lines(&vga->r) + repeat - 1) / repeat;
    int rc = picture_resize(out, width, height);
    if (rc)
        return rc;
    struct vga_scan scan;
    struct vga_line line;
    u32 color[256];
    vga_scan_begin(&scan, vga, view);
    for (u32 y = 0; y < height; y++) {
        if (scan.colors_stale)
            load_colors(&scan.r, color);
        scan.colors_stale = false;
        vga_line_draw(&scan, &line);
        line_to_pixels(&line, color, step, out->pixels + (size_t)y * width, width);
        for (u32 i = 0; i < repeat; i++)
            vga_scan_next_line(&scan);
    }
    return 0;
}

void vga_picture_fini(struct vga_picture *picture)
{
    free(picture->pixels);
    memset(picture, 0, sizeof *picture);
}

u64 vga_frame_hash(struct vga *vga, enum vga_view view)
{
    struct vga_picture picture = {0};
    if (vga_render(vga, view, &picture))
        return 0;
    u64 parts[2] = {
        (u64)picture.width << 32 | picture.height,
        hash64(picture.pixels, (size_t)picture.width * picture.height * sizeof *picture.pixels),
    };
    vga_picture_fini(&picture);
    return hash64(parts, sizeof parts);
}
