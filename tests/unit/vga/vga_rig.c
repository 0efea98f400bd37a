/* See vga_rig.h. The tables are IBM's video parameter tables (VGA BIOS, "video parameter control block"). */
#include "vga_rig.h"

#include "dev/devices.h"

#include <stdlib.h>
#include <string.h>

struct mode_table {
    u8 misc;
    u8 seq[5];
    u8 crtc[25];
    u8 attr[20];
    u8 gc[9];
};

#define CRTC_TEXT(columns_regs, offset, underline, mode)                                                     \
    {                                                                                                        \
        columns_regs, 0xbf, 0x1f, 0x00, 0x4f, 0x0d, 0x0e, 0, 0, 0, 0, 0x9c, 0x8e, 0x8f, offset, underline,   \
            0x96, 0xb9, mode, 0xff                                                                           \
    }
#define CRTC_200(columns_regs, max_scan, offset, underline, mode)                                            \
    {                                                                                                        \
        columns_regs, 0xbf, 0x1f, 0x00, max_scan, 0, 0, 0, 0, 0, 0, 0x9c, 0x8e, 0x8f, offset, underline,     \
            0x96, 0xb9, mode, 0xff                                                                           \
    }
#define CRTC_350(mode)                                                                                       \
    {                                                                                                        \
        COLUMNS_80G, 0xbf, 0x1f, 0x00, 0x40, 0, 0, 0, 0, 0, 0, 0x83, 0x85, 0x5d, 0x28, 0x0f, 0x63, 0xba,     \
            mode, 0xff                                                                                       \
    }
#define CRTC_480(mode)                                                                                       \
    {                                                                                                        \
        COLUMNS_80G, 0x0b, 0x3e, 0x00, 0x40, 0, 0, 0, 0, 0, 0, 0xea, 0x8c, 0xdf, 0x28, 0x00, 0xe7, 0x04,     \
            mode, 0xff                                                                                       \
    }
#define COLUMNS_80T 0x5f, 0x4f, 0x50, 0x82, 0x55, 0x81
#define COLUMNS_40T 0x2d, 0x27, 0x28, 0x90, 0x2b, 0xa0
#define COLUMNS_80G 0x5f, 0x4f, 0x50, 0x82, 0x54, 0x80
#define COLUMNS_40G 0x2d, 0x27, 0x28, 0x90, 0x2b, 0x80
#define PALETTE_64  0, 1, 2, 3, 4, 5, 0x14, 7, 0x38, 0x39, 0x3a, 0x3b, 0x3c, 0x3d, 0x3e, 0x3f
#define PALETTE_16  0, 1, 2, 3, 4, 5, 6, 7, 0x10, 0x11, 0x12, 0x13, 0x14, 0x15, 0x16, 0x17
#define PALETTE_CGA 0, 0x13, 0x15, 0x17, 2, 4, 6, 7, 0x10, 0x11, 0x12, 0x13, 0x14, 0x15, 0x16, 0x17
#define SAME_15(x)  x, x, x, x, x, x, x, x, x, x, x, x, x, x, x

static const struct mode_table modes[0x14] = {
    [0x01] = {0x67,
              {3, 0x08, 3, 0, 2},
              CRTC_TEXT(COLUMNS_40T, 0x14, 0x1f, 0xa3),
              {PALETTE_64, 0x0c, 0, 0x0f, 8},
              {0, 0, 0, 0, 0, 0x10, 0x0e, 0, 0xff}},
    [0x03] = {0x67,
              {3, 0x00, 3, 0, 2},
              CRTC_TEXT(COLUMNS_80T, 0x28, 0x1f, 0xa3),
              {PALETTE_64, 0x0c, 0, 0x0f, 8},
              {0, 0, 0, 0, 0, 0x10, 0x0e, 0, 0xff}},
    [0x04] = {0x63,
              {3, 0x09, 3, 0, 2},
              CRTC_200(COLUMNS_40G, 0xc1, 0x14, 0, 0xa2),
              {PALETTE_CGA, 0x01, 0, 0x03, 0},
              {0, 0, 0, 0, 0, 0x30, 0x0f, 0, 0xff}},
    [0x06] = {0x63,
              {3, 0x01, 1, 0, 6},
              CRTC_200(COLUMNS_80G, 0xc1, 0x28, 0, 0xc2),
              {0, SAME_15(0x17), 0x01, 0, 0x01, 0},
              {0, 0, 0, 0, 0, 0, 0x0d, 0, 0xff}},
    [0x07] = {0x66,
              {3, 0x00, 3, 0, 2},
              CRTC_TEXT(COLUMNS_80T, 0x28, 0x0d, 0xa3),
              {0, 8, 8, 8, 8, 8, 8, 8, 0x10, 0x18, 0x18, 0x18, 0x18, 0x18, 0x18, 0x18, 0x0e, 0, 0x0f, 8},
              {0, 0, 0, 0, 0, 0x10, 0x0a, 0, 0xff}},
    [0x0d] = {0x63,
              {3, 0x09, 0x0f, 0, 6},
              CRTC_200(COLUMNS_40G, 0xc0, 0x14, 0, 0xe3),
              {PALETTE_16, 0x01, 0, 0x0f, 0},
              {0, 0, 0, 0, 0, 0, 5, 0x0f, 0xff}},
    [0x0e] = {0x63,
              {3, 0x01, 0x0f, 0, 6},
              CRTC_200(COLUMNS_80G, 0xc0, 0x28, 0, 0xe3),
              {PALETTE_16, 0x01, 0, 0x0f, 0},
              {0, 0, 0, 0, 0, 0, 5, 0x0f, 0xff}},
    [0x0f] = {0xa2,
              {3, 0x01, 0x0f, 0, 6},
              CRTC_350(0xe3),
              {0, 8, 0, 0, 0x18, 0x18, 0, 0, 0, 8, 0, 0, 0, 0x18, 0, 0, 0x0b, 0, 0x05, 0},
              {0, 0, 0, 0, 0, 0, 5, 5, 0xff}},
    [0x10] = {0xa3,
              {3, 0x01, 0x0f, 0, 6},
              CRTC_350(0xe3),
              {PALETTE_64, 0x01, 0, 0x0f, 0},
              {0, 0, 0, 0, 0, 0, 5, 0x0f, 0xff}},
    [0x11] = {0xe3,
              {3, 0x01, 0x0f, 0, 6},
              CRTC_480(0xc3),
              {0, SAME_15(0x3f), 0x01, 0, 0x0f, 0},
              {0, 0, 0, 0, 0, 0, 5, 1, 0xff}},
    [0x12] = {0xe3,
              {3, 0x01, 0x0f, 0, 6},
              CRTC_480(0xe3),
              {PALETTE_64, 0x01, 0, 0x0f, 0},
              {0, 0, 0, 0, 0, 0, 5, 0x0f, 0xff}},
    [0x13] = {0x63,
              {3, 0x01, 0x0f, 0, 0x0e},
              CRTC_200(COLUMNS_80G, 0x41, 0x28, 0x40, 0xa3),
              {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 0x41, 0, 0x0f, 0},
              {0, 0, 0, 0, 0, 0x40, 5, 0x0f, 0xff}},
};

/* Modes that differ in the color burst only. */
static const u8 same_as[0x14] = {[0x00] = 0x01, [0x02] = 0x03, [0x05] = 0x04};

int rig_setup(void **state)
{
    struct rig *rig = calloc(1, sizeof *rig);
    void *dev;
    rig->machine = calloc(1, sizeof *rig->machine);
    bus_init(&rig->machine->bus);
    clock_init(&rig->machine->clock, CLOCK_MODE_ACCESS);
    if (vga_class.create(rig->machine, &dev))
        return -1;
    bus_add_ports(&rig->machine->bus, vga_class.ports, vga_class.n_ports, dev);
    vga_class.reset(dev);
    rig->vga = dev;
    *state = rig;
    return 0;
}

int rig_teardown(void **state)
{
    struct rig *rig = *state;
    vga_class.destroy(rig->vga);
    free(rig->machine);
    free(rig);
    return 0;
}

void out8(struct rig *rig, u16 port, u8 value)
{
    bus_out(&rig->machine->bus, port, 1, value);
}

void out16(struct rig *rig, u16 port, u16 value)
{
    bus_out(&rig->machine->bus, port, 2, value);
}

u8 in8(struct rig *rig, u16 port)
{
    return (u8)bus_in(&rig->machine->bus, port, 1);
}

u32 read_mem(struct rig *rig, gpa_t addr, u8 size)
{
    const struct bus_window *w = bus_window_at(&rig->machine->bus, addr);
    return w->read(w->dev, addr, size);
}

void write_mem(struct rig *rig, gpa_t addr, u8 size, u32 value)
{
    const struct bus_window *w = bus_window_at(&rig->machine->bus, addr);
    w->write(w->dev, addr, size, value);
}

u8 read8(struct rig *rig, gpa_t addr)
{
    return (u8)read_mem(rig, addr, 1);
}

void write8(struct rig *rig, gpa_t addr, u8 value)
{
    write_mem(rig, addr, 1, value);
}

void seq_out(struct rig *rig, u8 index, u8 value)
{
    out16(rig, 0x3c4, (u16)(index | value << 8));
}

void gc_out(struct rig *rig, u8 index, u8 value)
{
    out16(rig, 0x3ce, (u16)(index | value << 8));
}

static u16 crtc_port(struct rig *rig)
{
    return in8(rig, 0x3cc) & 1 ? 0x3d4 : 0x3b4;
}

void crtc_out(struct rig *rig, u8 index, u8 value)
{
    out16(rig, crtc_port(rig), (u16)(index | value << 8));
}

u8 crtc_in(struct rig *rig, u8 index)
{
    out8(rig, crtc_port(rig), index);
    return in8(rig, crtc_port(rig) + 1);
}

void attr_out(struct rig *rig, u8 index, u8 value)
{
    in8(rig, crtc_port(rig) + 6);
    out8(rig, 0x3c0, index);
    out8(rig, 0x3c0, value);
    out8(rig, 0x3c0, 0x20);
}

u8 attr_in(struct rig *rig, u8 index)
{
    in8(rig, crtc_port(rig) + 6);
    out8(rig, 0x3c0, index | 0x20);
    return in8(rig, 0x3c1);
}

void dac_out(struct rig *rig, u8 index, u8 r, u8 g, u8 b)
{
    out8(rig, 0x3c8, index);
    out8(rig, 0x3c9, r);
    out8(rig, 0x3c9, g);
    out8(rig, 0x3c9, b);
}

void rig_dac_identity(struct rig *rig)
{
    for (u32 i = 0; i < 256; i++)
        dac_out(rig, (u8)i, i & 63, (i ^ 0x15) & 63, 63 - (i & 63));
}

static u32 eight(u32 six)
{
    return six << 2 | six >> 4;
}

u32 rig_dac_color(u8 i)
{
    return eight(i & 63) << 16 | eight((i ^ 0x15) & 63) << 8 | eight(63 - (i & 63));
}

void set_mode(struct rig *rig, u8 mode)
{
    const struct mode_table *t = &modes[same_as[mode] ? same_as[mode] : mode];
    out8(rig, 0x3c2, t->misc);
    out16(rig, 0x3c4, 0x0100);
    for (u8 i = 1; i < 5; i++)
        seq_out(rig, i, t->seq[i]);
    out16(rig, 0x3c4, 0x0300);
    crtc_out(rig, 0x11, 0);
    for (u8 i = 0; i < 25; i++)
        crtc_out(rig, i, t->crtc[i]);
    for (u8 i = 0; i < 9; i++)
        gc_out(rig, i, t->gc[i]);
    for (u8 i = 0; i < 20; i++)
        attr_out(rig, i, t->attr[i]);
    attr_out(rig, 0x14, 0);
    out8(rig, 0x3c6, 0xff);
    memset(rig->vga->vram, 0, sizeof rig->vga->vram);
}

struct vga_picture rig_picture(struct rig *rig, enum vga_view view)
{
    struct vga_picture picture = {0};
    assert_int_equal(vga_render(rig->vga, view, &picture), 0);
    return picture;
}

u32 rig_pixel(const struct vga_picture *p, u32 x, u32 y)
{
    assert_true(x < p->width && y < p->height);
    return p->pixels[(size_t)y * p->width + x];
}

void rig_load_glyph(struct rig *rig, u32 map2_address, u8 code, const u8 rows[16])
{
    u8 misc = rig->vga->r.gc[6];
    seq_out(rig, 2, 4);
    seq_out(rig, 4, 6);
    gc_out(rig, 5, 0);
    gc_out(rig, 6, 4);
    for (u32 i = 0; i < 16; i++)
        write8(rig, 0xa0000 + map2_address + code * 32u + i, rows[i]);
    seq_out(rig, 2, 3);
    seq_out(rig, 4, 2);
    gc_out(rig, 5, 0x10);
    gc_out(rig, 6, misc);
}

void rig_advance(struct rig *rig, u64 ns)
{
    rig->machine->clock.access_ns += ns;
    clock_run_due(&rig->machine->clock);
}

void rig_beam_to(struct rig *rig, u32 line)
{
    struct clock *clock = &rig->machine->clock;
    struct vga_timing *t = &rig->vga->timing;
    u64 frame = vga_timing_beam(t, clock->access_ns).frame + 1;
    u64 low = clock->access_ns, high = clock->access_ns + NS_PER_S;
    while (high - low > 1) {
        u64 middle = low + (high - low) / 2;
        struct vga_timing copy = *t;
        struct vga_beam beam = vga_timing_beam(&copy, middle);
        if (beam.frame > frame || (beam.frame == frame && beam.line >= line))
            high = middle;
        else
            low = middle;
    }
    rig_advance(rig, high - clock->access_ns);
}
