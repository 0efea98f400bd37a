/* Attribute controller: one port for index and data behind a flip-flop that reading input status 1 resets;
 * the internal palette, which the processor may change only while the palette address source is its own.
 * FreeVGA, "Attribute Controller Registers". */
#include "dev/vga/vga_state.h"

static const u8 attr_bits[VGA_ATTR_REGS] = {
    [VGA_ATTR_PALETTE... VGA_ATTR_PALETTE + 15] = 0x3f,
    [VGA_ATTR_MODE] = 0xef,
    [VGA_ATTR_OVERSCAN] = 0xff,
    [VGA_ATTR_PLANE_ENABLE] = 0x3f,
    [VGA_ATTR_PEL_PANNING] = 0x0f,
    [VGA_ATTR_COLOR_SELECT] = 0x0f,
};

static void attr_write_index(struct vga *vga, u8 value)
{
    vga->attr_index = value & 0x1f;
    vga_raster_set(vga, VGA_GROUP_PAS, 0, value & ATTR_INDEX_PAS);
}

static void attr_write_data(struct vga *vga, u8 value)
{
    u8 index = vga->attr_index;
    if (index >= VGA_ATTR_REGS || (index < VGA_ATTR_MODE && vga->r.pas))
        return;
    vga_raster_set(vga, VGA_GROUP_ATTR, index, value & attr_bits[index]);
}

u32 vga_attr_in(void *dev, u16 port, u8 size)
{
    struct vga *vga = dev;
    (void)size;
    if (!(port & 1))
        return vga->attr_index | vga->r.pas;
    return vga->attr_index < VGA_ATTR_REGS ? vga->r.attr[vga->attr_index] : 0;
}

void vga_attr_out(void *dev, u16 port, u8 size, u32 value)
{
    struct vga *vga = dev;
    (void)port, (void)size;
    if (vga->attr_data_next)
        attr_write_data(vga, (u8)value);
    else
        attr_write_index(vga, (u8)value);
    vga->attr_data_next = !vga->attr_data_next;
}

u8 vga_attr_bits(u8 index)
{
    return attr_bits[index];
}
