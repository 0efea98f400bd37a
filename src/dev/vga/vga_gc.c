/* Graphics controller: the registers of the memory pipeline (carried out in vga_mem.c), and two that the
 * picture depends on: the shift mode and the choice of graphics or text. FreeVGA, "Graphics Registers". */
#include "dev/vga/vga_state.h"

static const u8 gc_bits[VGA_GC_REGS] = {
    [VGA_GC_SET_RESET] = 0x0f,   [VGA_GC_ENABLE_SET_RESET] = 0x0f, [VGA_GC_COLOR_COMPARE] = 0x0f,
    [VGA_GC_DATA_ROTATE] = 0x1f, [VGA_GC_READ_MAP_SELECT] = 0x03,  [VGA_GC_MODE] = 0x7b,
    [VGA_GC_MISC] = 0x0f,        [VGA_GC_COLOR_DONT_CARE] = 0x0f,  [VGA_GC_BIT_MASK] = 0xff,
};

/* Bits that the picture depends on. */
static const u8 gc_picture_bits[VGA_GC_REGS] = {
    [VGA_GC_MODE] = GC5_SHIFT_INTERLEAVE | GC5_SHIFT_256,
    [VGA_GC_MISC] = GC6_GRAPHICS,
};

static u8 gc_read(const struct vga *vga)
{
    return vga->gc_index < VGA_GC_REGS ? vga->r.gc[vga->gc_index] : 0xff;
}

static void gc_write(struct vga *vga, u8 value)
{
    u8 index = vga->gc_index;
    if (index >= VGA_GC_REGS)
        return;
    value &= gc_bits[index];
    u8 changed = value ^ vga->r.gc[index];
    if (!changed)
        return;
    if (changed & gc_picture_bits[index])
        vga_raster_set(vga, VGA_GROUP_GC, index, value);
    else
        vga->r.gc[index] = value;
    vga_mem_update_gc(vga, index);
}

u32 vga_gc_in(void *dev, u16 port, u8 size)
{
    struct vga *vga = dev;
    if (size == 2)
        return vga->gc_index | (u32)gc_read(vga) << 8;
    return port & 1 ? gc_read(vga) : vga->gc_index;
}

void vga_gc_out(void *dev, u16 port, u8 size, u32 value)
{
    struct vga *vga = dev;
    if (size == 1 && (port & 1)) {
        gc_write(vga, (u8)value);
        return;
    }
    vga->gc_index = value & 0x0f;
    if (size == 2)
        gc_write(vga, (u8)(value >> 8));
}

/* The index; a write of a word goes to the data, too. */
void vga_gc_latch(void *dev, u16 port, struct bus_latch *latch)
{
    struct vga *vga = dev;
    (void)port;
    *latch = (struct bus_latch){
        .out = &vga->gc_index, .out_mask = 0x0f, .in = &vga->gc_index, .busy = &bus_never_busy};
}

u8 vga_gc_bits(u8 index)
{
    return gc_bits[index];
}
