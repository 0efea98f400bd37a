/* The memory window: host address -> plane address, the write pipeline, the latches. Works on all four planes
 * at once: a u32 holds the byte of each plane at one address. FreeVGA, "Accessing the VGA Display Memory" and
 * "Graphics Registers"; IBM VGA TR, write modes 0-3. */
#include "dev/vga/vga_pipeline.h"

/* Most accesses are of one byte, and only those are quick: wider ones are in functions of their own, so that
 * saving registers for their loops is their business. */
#define wide __attribute__((noinline))

always_inline void write_byte(struct vga *vga, gpa_t addr, u32 value, enum write_mode mode,
                              enum function function)
{
    store(vga, window_offset(vga, addr), pipeline(&vga->pipe, vga->latch, (u8)value, mode, function));
}

always_inline void write_bytes(struct vga *vga, gpa_t addr, u8 size, u32 value, enum write_mode mode,
                               enum function function)
{
    u32 a = window_offset(vga, addr), latch = vga->latch;
    for (u8 i = 0; i < size; i++, value >>= 8)
        store(vga, a + i, pipeline(&vga->pipe, latch, (u8)value, mode, function));
}

#define WRITER(name, mode, function)                                                                         \
    static wide void name##_wide(void *dev, gpa_t addr, u8 size, u32 value)                                  \
    {                                                                                                        \
        write_bytes(dev, addr, size, value, mode, function);                                                 \
    }                                                                                                        \
    static void name(void *dev, gpa_t addr, u8 size, u32 value)                                              \
    {                                                                                                        \
        if (size == 1)                                                                                       \
            write_byte(dev, addr, value, mode, function);                                                    \
        else                                                                                                 \
            name##_wide(dev, addr, size, value);                                                             \
    }
WRITER(write_0_copy, WRITE_MODE_0, FUNCTION_COPY)
WRITER(write_0_and, WRITE_MODE_0, FUNCTION_AND)
WRITER(write_0_or, WRITE_MODE_0, FUNCTION_OR)
WRITER(write_0_xor, WRITE_MODE_0, FUNCTION_XOR)
WRITER(write_1, WRITE_MODE_1, FUNCTION_COPY)
WRITER(write_2_copy, WRITE_MODE_2, FUNCTION_COPY)
WRITER(write_2_and, WRITE_MODE_2, FUNCTION_AND)
WRITER(write_2_or, WRITE_MODE_2, FUNCTION_OR)
WRITER(write_2_xor, WRITE_MODE_2, FUNCTION_XOR)
WRITER(write_3_copy, WRITE_MODE_3, FUNCTION_COPY)
WRITER(write_3_and, WRITE_MODE_3, FUNCTION_AND)
WRITER(write_3_or, WRITE_MODE_3, FUNCTION_OR)
WRITER(write_3_xor, WRITE_MODE_3, FUNCTION_XOR)

/* Write mode 0 when the pipeline changes nothing: no rotation, set/reset, function or bit mask. */
static wide void write_plain_wide(void *dev, gpa_t addr, u8 size, u32 value)
{
    struct vga *vga = dev;
    u32 a = window_offset(vga, addr);
    for (u8 i = 0; i < size; i++, value >>= 8)
        store(vga, a + i, (u8)value * ALL_PLANES);
}

static void write_plain(void *dev, gpa_t addr, u8 size, u32 value)
{
    struct vga *vga = dev;
    if (size == 1)
        store(vga, window_offset(vga, addr), (u8)value * ALL_PLANES);
    else
        write_plain_wide(dev, addr, size, value);
}

/* The same in chain-4: what lies in one group of four bytes is one cell. */
static void write_plain_chain_4(void *dev, gpa_t addr, u8 size, u32 value)
{
    struct vga *vga = dev;
    u32 a = window_offset(vga, addr);
    if ((a & 3) + size > 4) {
        write_plain(vga, addr, size, value);
        return;
    }
    u32 *cell = &vga->vram[plane_address(&vga->pipe, a)];
    u32 bytes = size == 4 ? ~0u : BIT(8 * size) - 1;
    u32 mask = (bytes << 8 * (a & 3)) & vga->pipe.map_mask;
    *cell = (*cell & ~mask) | (value << 8 * (a & 3) & mask);
}

/* The same in odd/even addressing: a character and its attribute are one cell. */
static void write_plain_odd_even(void *dev, gpa_t addr, u8 size, u32 value)
{
    struct vga *vga = dev;
    u32 a = window_offset(vga, addr);
    if ((a | size) & 1) {
        write_plain(vga, addr, size, value);
        return;
    }
    for (u8 i = 0; i < size; i += 2, value >>= 16) {
        u32 *cell = &vga->vram[plane_address(&vga->pipe, a + i)];
        *cell = (*cell & ~vga->pipe.map_mask) | ((value & 0xffff) * 0x00010001u & vga->pipe.map_mask);
    }
}

static wide u32 read_0_wide(void *dev, gpa_t addr, u8 size)
{
    struct vga *vga = dev;
    u32 a = window_offset(vga, addr), latch = 0, value = 0;
    for (u8 i = 0; i < size; i++) {
        latch = vga->vram[plane_address(&vga->pipe, a + i)];
        value |= (latch >> vga->pipe.read_shift[(a + i) & 3] & 0xff) << 8 * i;
    }
    vga->latch = latch;
    return value;
}

static u32 read_0(void *dev, gpa_t addr, u8 size)
{
    struct vga *vga = dev;
    if (size != 1)
        return read_0_wide(dev, addr, size);
    u32 a = window_offset(vga, addr);
    vga->latch = vga->vram[plane_address(&vga->pipe, a)];
    return vga->latch >> vga->pipe.read_shift[a & 3] & 0xff;
}

static u32 read_0_chain_4(void *dev, gpa_t addr, u8 size)
{
    struct vga *vga = dev;
    u32 a = window_offset(vga, addr);
    if ((a & 3) + size > 4)
        return read_0(vga, addr, size);
    vga->latch = vga->vram[plane_address(&vga->pipe, a)];
    u32 value = vga->latch >> 8 * (a & 3);
    return size == 4 ? value : value & (BIT(8 * size) - 1);
}

/* Color compare: a bit is one where the planes that matter hold the color. */
static u32 read_1(void *dev, gpa_t addr, u8 size)
{
    struct vga *vga = dev;
    u32 a = window_offset(vga, addr);
    u32 value = 0;
    for (u8 i = 0; i < size; i++) {
        vga->latch = vga->vram[plane_address(&vga->pipe, a + i)];
        u32 differ = (vga->latch ^ vga->pipe.color_compare) & vga->pipe.color_care;
        differ |= differ >> 16;
        differ |= differ >> 8;
        value |= (~differ & 0xff) << 8 * i;
    }
    return value;
}

typedef void writer_t(void *dev, gpa_t addr, u8 size, u32 value);
static writer_t *const writers[4][4] = {
    [WRITE_MODE_0] = {write_0_copy, write_0_and, write_0_or, write_0_xor},
    [WRITE_MODE_1] = {write_1, write_1, write_1, write_1},
    [WRITE_MODE_2] = {write_2_copy, write_2_and, write_2_or, write_2_xor},
    [WRITE_MODE_3] = {write_3_copy, write_3_and, write_3_or, write_3_xor},
};

static const struct {
    gpa_t first;
    u32 bytes;
} memory_map[4] = {
    {0xa0000, 128 * KIB},
    {0xa0000, 64 * KIB},
    {0xb0000, 32 * KIB},
    {0xb8000, 32 * KIB},
};

/* Write mode 0, function copy and no rotation, of which the last two are one register. */
static bool pipeline_is_plain(const struct vga *vga)
{
    return !(vga->r.gc[VGA_GC_MODE] & GC5_WRITE_MODE) && !vga->r.gc[VGA_GC_DATA_ROTATE] &&
           !vga->pipe.enable_set_reset && vga->pipe.bit_mask_byte == 0xff;
}

static void update_masks(struct vga_pipeline *p, const struct vga_regs *r)
{
    p->set_reset = vga_expand_planes(r->gc[VGA_GC_SET_RESET]);
    p->enable_set_reset = vga_expand_planes(r->gc[VGA_GC_ENABLE_SET_RESET]);
    p->forced = p->set_reset & p->enable_set_reset;
    p->bit_mask_byte = r->gc[VGA_GC_BIT_MASK];
    p->bit_mask = p->bit_mask_byte * ALL_PLANES;
    p->color_compare = vga_expand_planes(r->gc[VGA_GC_COLOR_COMPARE]);
    p->color_care = vga_expand_planes(r->gc[VGA_GC_COLOR_DONT_CARE]);
    p->rotate = r->gc[VGA_GC_DATA_ROTATE] & GC3_ROTATE;
}

/* Chain-4: address bits 0 and 1 select the map, bits 14 and 15 take their place, which is what the CRT
 * controller's doubleword mode undoes. */
static void address_chain_4(struct vga_pipeline *p)
{
    p->addr_and = 0xfffc;
    for (u32 i = 0; i < ARRAY_LEN(p->addr_or); i++)
        p->addr_or[i] = i & 3;
    for (u32 i = 0; i < 4; i++) {
        p->maps[i] = 0xffu << 8 * i;
        p->read_shift[i] = (u8)(8 * i);
    }
}

/* Three separate registers make odd/even addressing: the sequencer restricts writes, the graphics
 * controller's mode register redirects reads, and its miscellaneous register replaces address bit 0. LIMIT:
 * bit 0 is replaced by A16 in the 128 KiB window and by 0 elsewhere; the page bit of the miscellaneous output
 * register is kept but has no effect. */
static void address_planar(struct vga_pipeline *p, const struct vga_regs *r)
{
    bool chain = r->gc[VGA_GC_MISC] & GC6_CHAIN_ODD_EVEN;
    bool whole_window = r->gc[VGA_GC_MISC] >> GC6_MEMORY_MAP_SHIFT == 0;
    p->addr_and = chain ? 0xfffe : 0xffff;
    for (u32 i = 0; i < ARRAY_LEN(p->addr_or); i++)
        p->addr_or[i] = chain && whole_window && i >= 0x10000 >> VGA_ADDR_SHIFT;
    bool odd_even_write = !(r->seq[VGA_SEQ_MEMORY_MODE] & SEQ4_NO_ODD_EVEN);
    bool odd_even_read = r->gc[VGA_GC_MODE] & GC5_ODD_EVEN;
    u8 map = r->gc[VGA_GC_READ_MAP_SELECT];
    for (u32 i = 0; i < 4; i++) {
        p->maps[i] = !odd_even_write ? ~0u : i & 1 ? ODD_MAPS : EVEN_MAPS;
        p->read_shift[i] = (u8)(8 * (odd_even_read ? (map & 2) | (i & 1) : map));
    }
}

static u32 accessor_generation(const struct vga_regs *r, bool plain)
{
    bool enabled = r->misc & MISC_ENABLE_RAM;
    return (u32)enabled | (u32)plain << 16 | (r->seq[VGA_SEQ_MEMORY_MODE] & 0x0eu) | (r->gc[VGA_GC_MODE] & 0x1bu) << 4 |
           (r->gc[VGA_GC_MISC] & 0x0eu) << 8 | (r->gc[VGA_GC_DATA_ROTATE] & 0x18u) << 10;
}

static void update_functions(struct vga *vga)
{
    const struct vga_regs *r = &vga->r;
    const struct vga_pipeline *p = &vga->pipe;
    struct vga_accessor *accessor = &vga->accessor;
    bool chain_4 = r->seq[VGA_SEQ_MEMORY_MODE] & SEQ4_CHAIN_4;
    bool odd_even =
        !(r->seq[VGA_SEQ_MEMORY_MODE] & SEQ4_NO_ODD_EVEN) && (r->gc[VGA_GC_MISC] & GC6_CHAIN_ODD_EVEN);
    enum write_mode mode = r->gc[VGA_GC_MODE] & GC5_WRITE_MODE;
    enum function function = r->gc[VGA_GC_DATA_ROTATE] >> GC3_FUNCTION_SHIFT & 3;
    accessor->generation = accessor_generation(r, p->plain);
    if (!p->plain)
        accessor->write = writers[mode][function];
    else
        accessor->write = chain_4 ? write_plain_chain_4 : odd_even ? write_plain_odd_even : write_plain;
    if (r->gc[VGA_GC_MODE] & GC5_READ_MODE_1)
        accessor->read = read_1;
    else
        accessor->read = chain_4 ? read_0_chain_4 : read_0;
}

static void update_map_mask(struct vga *vga)
{
    vga->pipe.map_mask = vga_expand_planes(vga->r.seq[VGA_SEQ_MAP_MASK]);
    for (u32 i = 0; i < 4; i++)
        vga->pipe.write_mask[i] = vga->pipe.map_mask & vga->pipe.maps[i];
}

static void update_addressing(struct vga *vga)
{
    const struct vga_regs *r = &vga->r;
    if (r->seq[VGA_SEQ_MEMORY_MODE] & SEQ4_CHAIN_4)
        address_chain_4(&vga->pipe);
    else
        address_planar(&vga->pipe, r);
    if (!(r->seq[VGA_SEQ_MEMORY_MODE] & SEQ4_EXTENDED_MEMORY))
        vga->pipe.addr_and &= 0x3fff;
    update_map_mask(vga);
}

void vga_mem_update(struct vga *vga)
{
    const struct vga_regs *r = &vga->r;
    u32 map = r->gc[VGA_GC_MISC] >> GC6_MEMORY_MAP_SHIFT & 3;
    bool enabled = r->misc & MISC_ENABLE_RAM;
    update_masks(&vga->pipe, r);
    update_addressing(vga);
    vga->pipe.plain = pipeline_is_plain(vga);
    update_functions(vga);
    vga->pipe.window_mask = memory_map[map].bytes - 1;
    vga->accessor.first = memory_map[map].first;
    vga->accessor.bytes = enabled ? memory_map[map].bytes : 0;
    vga_linear_accessor_changed(vga);
}

void vga_mem_update_map_mask(struct vga *vga)
{
    update_map_mask(vga);
    if (vga->linear.near)
        vga_linear_maps_changed(vga);
}

/* Programs change these two all the time, the accessor seldom with them. */
static void update_plain(struct vga *vga)
{
    bool plain = pipeline_is_plain(vga);
    if (plain == vga->pipe.plain)
        return;
    vga->pipe.plain = plain;
    update_functions(vga);
    vga_linear_accessor_changed(vga);
}

void vga_mem_update_gc(struct vga *vga, enum vga_gc_reg index)
{
    switch (index) {
    case VGA_GC_SET_RESET:
        vga->pipe.set_reset = vga_expand_planes(vga->r.gc[index]);
        vga->pipe.forced = vga->pipe.set_reset & vga->pipe.enable_set_reset;
        break;
    case VGA_GC_ENABLE_SET_RESET:
        vga->pipe.enable_set_reset = vga_expand_planes(vga->r.gc[index]);
        vga->pipe.forced = vga->pipe.set_reset & vga->pipe.enable_set_reset;
        update_plain(vga);
        break;
    case VGA_GC_BIT_MASK:
        vga->pipe.bit_mask_byte = vga->r.gc[index];
        vga->pipe.bit_mask = vga->pipe.bit_mask_byte * ALL_PLANES;
        update_plain(vga);
        break;
    case VGA_GC_READ_MAP_SELECT:
        update_addressing(vga);
        if (vga->linear.near)
            vga_linear_maps_changed(vga);
        break;
    default:
        vga_mem_update(vga);
    }
}

void vga_planes(struct vga *vga, struct vga_planes *planes)
{
    const struct vga_regs *r = &vga->r;
    bool planar = !(r->seq[VGA_SEQ_MEMORY_MODE] & SEQ4_CHAIN_4) && !(r->gc[VGA_GC_MISC] & GC6_CHAIN_ODD_EVEN) &&
                  vga->pipe.addr_and == 0xffff && vga->pipe.window_mask <= 0xffff;
    bool copies = (r->gc[VGA_GC_MODE] & GC5_WRITE_MODE) == WRITE_MODE_0 &&
                  (r->gc[VGA_GC_DATA_ROTATE] >> GC3_FUNCTION_SHIFT & 3) == FUNCTION_COPY;
    *planes = (struct vga_planes){
        .stores = planar && (vga->pipe.plain || copies) && (r->seq[VGA_SEQ_MEMORY_MODE] & SEQ4_NO_ODD_EVEN),
        .loads = planar && !(r->gc[VGA_GC_MODE] & (GC5_READ_MODE_1 | GC5_ODD_EVEN)),
        .plain = vga->pipe.plain,
        .from_set_reset = &vga->pipe.enable_set_reset,
        .forced = &vga->pipe.forced,
        .bit_mask = &vga->pipe.bit_mask,
        .rotate = &vga->pipe.rotate,
        .cells = vga->vram,
        .mask = &vga->pipe.write_mask[0],
        .latch = &vga->latch,
        .shift = &vga->pipe.read_shift[0],
    };
}

static bool in_window(const struct vga *vga, gpa_t addr, u8 size)
{
    return addr >= vga->accessor.first && addr - vga->accessor.first + size <= vga->accessor.bytes;
}

u32 vga_mem_read(void *dev, gpa_t addr, u8 size)
{
    struct vga *vga = dev;
    if (in_window(vga, addr, size))
        return vga->accessor.read(vga, addr, size);
    u32 value = 0;
    for (u8 i = 0; i < size; i++)
        value |= (in_window(vga, addr + i, 1) ? vga->accessor.read(vga, addr + i, 1) : 0xff) << 8 * i;
    return value;
}

void vga_mem_write(void *dev, gpa_t addr, u8 size, u32 value)
{
    struct vga *vga = dev;
    if (in_window(vga, addr, size)) {
        vga->accessor.write(vga, addr, size, value);
        return;
    }
    for (u8 i = 0; i < size; i++, value >>= 8)
        if (in_window(vga, addr + i, 1))
            vga->accessor.write(vga, addr + i, 1, value & 0xff);
}
