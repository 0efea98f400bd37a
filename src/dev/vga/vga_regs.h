/* The registers of the VGA under their data-sheet names (IBM VGA Technical Reference; FreeVGA), and the part
 * of them that decides what the monitor shows. The tables of each group live in the group's own file. */
#ifndef HUDDLE_DEV_VGA_REGS_H
#define HUDDLE_DEV_VGA_REGS_H

#include "base/types.h"

/* Sequencer, 3C4h/3C5h. */
enum vga_seq_reg {
    VGA_SEQ_RESET = 0,
    VGA_SEQ_CLOCKING_MODE = 1,
    VGA_SEQ_MAP_MASK = 2,
    VGA_SEQ_CHARACTER_MAP = 3,
    VGA_SEQ_MEMORY_MODE = 4,
    VGA_SEQ_REGS,
};
enum vga_seq_bits {
    SEQ1_8_DOTS = 0x01,
    SEQ1_SHIFT_LOAD = 0x04, /* serializers loaded every second character clock */
    SEQ1_DOT_CLOCK_HALF = 0x08,
    SEQ1_SHIFT_4 = 0x10, /* every fourth */
    SEQ1_SCREEN_OFF = 0x20,
    SEQ4_EXTENDED_MEMORY = 0x02,
    SEQ4_NO_ODD_EVEN = 0x04,
    SEQ4_CHAIN_4 = 0x08,
};

/* Graphics controller, 3CEh/3CFh. */
enum vga_gc_reg {
    VGA_GC_SET_RESET = 0,
    VGA_GC_ENABLE_SET_RESET = 1,
    VGA_GC_COLOR_COMPARE = 2,
    VGA_GC_DATA_ROTATE = 3,
    VGA_GC_READ_MAP_SELECT = 4,
    VGA_GC_MODE = 5,
    VGA_GC_MISC = 6,
    VGA_GC_COLOR_DONT_CARE = 7,
    VGA_GC_BIT_MASK = 8,
    VGA_GC_REGS,
};
enum vga_gc_bits {
    GC3_ROTATE = 0x07,
    GC3_FUNCTION_SHIFT = 3,
    GC5_WRITE_MODE = 0x03,
    GC5_READ_MODE_1 = 0x08,
    GC5_ODD_EVEN = 0x10,
    GC5_SHIFT_INTERLEAVE = 0x20,
    GC5_SHIFT_256 = 0x40,
    GC6_GRAPHICS = 0x01,
    GC6_CHAIN_ODD_EVEN = 0x02,
    GC6_MEMORY_MAP_SHIFT = 2,
};

/* CRT controller, 3B4h/3B5h or 3D4h/3D5h. */
enum vga_crtc_reg {
    VGA_CRTC_H_TOTAL = 0x00,
    VGA_CRTC_H_DISPLAY_END = 0x01,
    VGA_CRTC_H_BLANK_START = 0x02,
    VGA_CRTC_H_BLANK_END = 0x03,
    VGA_CRTC_H_RETRACE_START = 0x04,
    VGA_CRTC_H_RETRACE_END = 0x05,
    VGA_CRTC_V_TOTAL = 0x06,
    VGA_CRTC_OVERFLOW = 0x07,
    VGA_CRTC_PRESET_ROW_SCAN = 0x08,
    VGA_CRTC_MAX_SCAN_LINE = 0x09,
    VGA_CRTC_CURSOR_START = 0x0a,
    VGA_CRTC_CURSOR_END = 0x0b,
    VGA_CRTC_START_HIGH = 0x0c,
    VGA_CRTC_START_LOW = 0x0d,
    VGA_CRTC_CURSOR_HIGH = 0x0e,
    VGA_CRTC_CURSOR_LOW = 0x0f,
    VGA_CRTC_V_RETRACE_START = 0x10,
    VGA_CRTC_V_RETRACE_END = 0x11,
    VGA_CRTC_V_DISPLAY_END = 0x12,
    VGA_CRTC_OFFSET = 0x13,
    VGA_CRTC_UNDERLINE = 0x14,
    VGA_CRTC_V_BLANK_START = 0x15,
    VGA_CRTC_V_BLANK_END = 0x16,
    VGA_CRTC_MODE = 0x17,
    VGA_CRTC_LINE_COMPARE = 0x18,
    VGA_CRTC_REGS,
    /* Read-only, undocumented by IBM, in every chip: */
    VGA_CRTC_LATCH_READ = 0x22,
    VGA_CRTC_ATTR_FLIP_FLOP = 0x24,
    VGA_CRTC_ATTR_INDEX = 0x26,
};
enum vga_crtc_bits {
    CRTC03_READ_VERTICAL = 0x80, /* else 10h and 11h read as the light pen */
    CRTC07_LINE_COMPARE_8 = 0x10,
    CRTC09_DOUBLE_SCAN = 0x80,
    CRTC0A_CURSOR_OFF = 0x20,
    CRTC11_CLEAR_INTERRUPT = 0x10, /* 0 clears and holds */
    CRTC11_DISABLE_INTERRUPT = 0x20,
    CRTC11_PROTECT = 0x80,
    CRTC14_COUNT_BY_4 = 0x20,
    CRTC14_DWORD = 0x40,
    CRTC17_MA13 = 0x01, /* 0: row scan bit 0 takes the place of address bit 13 */
    CRTC17_MA14 = 0x02, /* 0: row scan bit 1 takes the place of address bit 14 */
    CRTC17_V_HALF = 0x04,
    CRTC17_COUNT_BY_2 = 0x08,
    CRTC17_WRAP_MA15 = 0x20,
    CRTC17_BYTE = 0x40,
    CRTC17_SYNC_ENABLE = 0x80,
};

/* Attribute controller, 3C0h/3C1h. */
enum vga_attr_reg {
    VGA_ATTR_PALETTE = 0x00, /* to 0Fh */
    VGA_ATTR_MODE = 0x10,
    VGA_ATTR_OVERSCAN = 0x11,
    VGA_ATTR_PLANE_ENABLE = 0x12,
    VGA_ATTR_PEL_PANNING = 0x13,
    VGA_ATTR_COLOR_SELECT = 0x14,
    VGA_ATTR_REGS,
};
enum vga_attr_bits {
    ATTR_INDEX_PAS = 0x20, /* palette address source: 1 = the picture, 0 = the processor */
    ATTR10_LINE_GRAPHICS = 0x04,
    ATTR10_BLINK = 0x08,
    ATTR10_PAN_COMPATIBLE = 0x20, /* line compare resets pel panning */
    ATTR10_8_BIT = 0x40,
    ATTR10_P54S = 0x80,
    ATTR12_VIDEO_STATUS = 0x30, /* which colour outputs input status 1 shows */
};

/* Miscellaneous output, written at 3C2h, read at 3CCh. */
enum vga_misc_bits {
    MISC_COLOR = 0x01,
    MISC_ENABLE_RAM = 0x02,
    MISC_CLOCK_SHIFT = 2,
    MISC_HSYNC_NEGATIVE = 0x40,
    MISC_VSYNC_NEGATIVE = 0x80,
};

/* Everything the picture depends on but the memory. Copied whole by the raster journal. */
struct vga_regs {
    u8 misc;
    u8 pas; /* ATTR_INDEX_PAS or 0 */
    u8 dac_mask;
    u8 seq[VGA_SEQ_REGS];
    u8 gc[VGA_GC_REGS];
    u8 crtc[VGA_CRTC_REGS];
    u8 attr[VGA_ATTR_REGS];
    u8 dac[256][3]; /* red, green, blue, 6 bits each */
};

/* Vertical values of the CRT controller with their overflow bits, in lines of the vertical counter. */
static inline u32 vga_v_total(const struct vga_regs *r)
{
    u8 o = r->crtc[VGA_CRTC_OVERFLOW];
    return (r->crtc[VGA_CRTC_V_TOTAL] | (o & 0x01u) << 8 | (o & 0x20u) << 4) + 2;
}

static inline u32 vga_v_display_lines(const struct vga_regs *r)
{
    u8 o = r->crtc[VGA_CRTC_OVERFLOW];
    return (r->crtc[VGA_CRTC_V_DISPLAY_END] | (o & 0x02u) << 7 | (o & 0x40u) << 3) + 1;
}

static inline u32 vga_v_retrace_start(const struct vga_regs *r)
{
    u8 o = r->crtc[VGA_CRTC_OVERFLOW];
    return r->crtc[VGA_CRTC_V_RETRACE_START] | (o & 0x04u) << 6 | (o & 0x80u) << 2;
}

static inline u32 vga_v_blank_start(const struct vga_regs *r)
{
    return r->crtc[VGA_CRTC_V_BLANK_START] | (r->crtc[VGA_CRTC_OVERFLOW] & 0x08u) << 5 |
           (r->crtc[VGA_CRTC_MAX_SCAN_LINE] & 0x20u) << 4;
}

static inline u32 vga_line_compare(const struct vga_regs *r)
{
    return r->crtc[VGA_CRTC_LINE_COMPARE] | (r->crtc[VGA_CRTC_OVERFLOW] & 0x10u) << 4 |
           (r->crtc[VGA_CRTC_MAX_SCAN_LINE] & 0x40u) << 3;
}

static inline u32 vga_char_dots(const struct vga_regs *r)
{
    return r->seq[VGA_SEQ_CLOCKING_MODE] & SEQ1_8_DOTS ? 8 : 9;
}

static inline u32 vga_display_chars(const struct vga_regs *r)
{
    return r->crtc[VGA_CRTC_H_DISPLAY_END] + 1u;
}

static inline bool vga_graphics(const struct vga_regs *r)
{
    return r->gc[VGA_GC_MISC] & GC6_GRAPHICS;
}

static inline u32 vga_start_address(const struct vga_regs *r)
{
    return (u32)r->crtc[VGA_CRTC_START_HIGH] << 8 | r->crtc[VGA_CRTC_START_LOW];
}

#endif
