/* The CRT controller's walk over a frame. FreeVGA, "CRT Controller Registers"; IBM VGA TR, "Memory address
 * counter": table of the mode control register. */
#include "dev/vga/vga_scan.h"

#include <string.h>

/* Frames in which the cursor stays on or off; characters take twice as long. */
#define CURSOR_BLINK_FRAMES 8

/* Brings the registers up to what they were on this line. */
static void scan_replay(struct vga_scan *scan)
{
    const struct vga_raster *raster = &scan->vga->raster;
    while (scan->next_entry < scan->entries && raster->entry[scan->next_entry].line <= scan->line) {
        const struct vga_journal_entry *e = &raster->entry[scan->next_entry++];
        vga_regs_apply(&scan->r, e->group, e->index, e->value);
        if (e->group == VGA_GROUP_DAC || e->group == VGA_GROUP_DAC_MASK)
            scan->colors_stale = true;
    }
}

void vga_scan_begin(struct vga_scan *scan, struct vga *vga, enum vga_view view)
{
    struct vga_beam beam = vga_timing_beam(&vga->timing, clock_now(vga->clock));
    u64 retraces = vga_timing_retraces(&vga->timing, &beam);
    const struct vga_raster *raster = &vga->raster;
    vga_linear_sync(vga);
    memset(scan, 0, sizeof *scan);
    scan->vga = vga;
    scan->r = vga->r;
    scan->row_address = vga_start_address(&vga->r);
    if (view == VGA_VIEW_BEAM) {
        scan->row_address = vga_raster_start_address(vga, &beam);
        if (raster->n && raster->frame == beam.frame && !raster->overflow) {
            scan->r = raster->start;
            scan->entries = raster->n;
        }
    }
    scan->colors_stale = true;
    scan->cursor_phase = !(retraces / CURSOR_BLINK_FRAMES & 1);
    scan->blink_phase = !(retraces / (2 * CURSOR_BLINK_FRAMES) & 1);
    scan_replay(scan);
    scan->row_scan = scan->r.crtc[VGA_CRTC_PRESET_ROW_SCAN] & 0x1f;
}

static void next_row_scan(struct vga_scan *scan)
{
    const struct vga_regs *r = &scan->r;
    u8 max_scan = r->crtc[VGA_CRTC_MAX_SCAN_LINE];
    if ((max_scan & CRTC09_DOUBLE_SCAN) && !scan->repeated) {
        scan->repeated = true;
        return;
    }
    scan->repeated = false;
    if (scan->row_scan == (max_scan & 0x1f)) {
        scan->row_scan = 0;
        scan->row_address += r->crtc[VGA_CRTC_OFFSET] * 2u;
    } else {
        scan->row_scan = (scan->row_scan + 1) & 0x1f;
    }
}

void vga_scan_next_line(struct vga_scan *scan)
{
    const struct vga_regs *r = &scan->r;
    u32 scale = r->crtc[VGA_CRTC_MODE] & CRTC17_V_HALF ? 2 : 1;
    if (scan->line == vga_line_compare(r) * scale + scale - 1) {
        scan->split = true;
        scan->row_address = 0;
        scan->row_scan = 0;
        scan->repeated = false;
    } else {
        next_row_scan(scan);
    }
    scan->line++;
    scan_replay(scan);
}

u32 vga_line_repeat(const struct vga_regs *r)
{
    u8 max_scan = r->crtc[VGA_CRTC_MAX_SCAN_LINE];
    u8 mode = r->crtc[VGA_CRTC_MODE];
    u32 rows = (max_scan & 0x1fu) + 1;
    u32 repeat = max_scan & CRTC09_DOUBLE_SCAN ? 2 : 1;
    bool rows_differ = !vga_graphics(r) || !(mode & CRTC17_MA13) || (rows > 2 && !(mode & CRTC17_MA14));
    return rows_differ ? repeat : repeat * rows;
}

u32 vga_crtc_address(const struct vga_regs *r, u32 counter, u8 row_scan)
{
    u8 mode = r->crtc[VGA_CRTC_MODE];
    u32 a;
    if (r->crtc[VGA_CRTC_UNDERLINE] & CRTC14_DWORD)
        a = counter << 2 | (counter >> 12 & 3);
    else if (mode & CRTC17_BYTE)
        a = counter;
    else
        a = counter << 1 | (counter >> (mode & CRTC17_WRAP_MA15 ? 15 : 13) & 1);
    if (!(mode & CRTC17_MA13))
        a = (a & ~0x2000u) | (row_scan & 1u) << 13;
    if (!(mode & CRTC17_MA14))
        a = (a & ~0x4000u) | (row_scan & 2u) << 13;
    return a & (r->seq[VGA_SEQ_MEMORY_MODE] & SEQ4_EXTENDED_MEMORY ? 0xffff : 0x3fff);
}

static u32 counter_divider(const struct vga_regs *r)
{
    if (r->crtc[VGA_CRTC_UNDERLINE] & CRTC14_COUNT_BY_4)
        return 4;
    return r->crtc[VGA_CRTC_MODE] & CRTC17_COUNT_BY_2 ? 2 : 1;
}

u32 vga_scan_counter(const struct vga_scan *scan, u32 character)
{
    const struct vga_regs *r = &scan->r;
    bool unpanned = scan->split && (r->attr[VGA_ATTR_MODE] & ATTR10_PAN_COMPATIBLE);
    u32 byte_panning = unpanned ? 0 : r->crtc[VGA_CRTC_PRESET_ROW_SCAN] >> 5 & 3;
    return (scan->row_address + byte_panning + character / counter_divider(r)) & 0xffff;
}
