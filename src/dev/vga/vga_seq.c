/* Sequencer: clocking, map mask, character maps, memory mode. FreeVGA, "Sequencer Registers".
 * LIMIT: the reset register is kept but does not stop the clocks. */
#include "dev/vga/vga_state.h"

static const u8 seq_bits[VGA_SEQ_REGS] = {
    [VGA_SEQ_RESET] = 0x03,         [VGA_SEQ_CLOCKING_MODE] = 0x3d, [VGA_SEQ_MAP_MASK] = 0x0f,
    [VGA_SEQ_CHARACTER_MAP] = 0x3f, [VGA_SEQ_MEMORY_MODE] = 0x0e,
};

static u8 seq_read(const struct vga *vga)
{
    return vga->seq_index < VGA_SEQ_REGS ? vga->r.seq[vga->seq_index] : 0xff;
}

static void seq_write(struct vga *vga, u8 value)
{
    u8 index = vga->seq_index;
    if (index >= VGA_SEQ_REGS)
        return;
    value &= seq_bits[index];
    switch (index) {
    case VGA_SEQ_RESET:
        vga->r.seq[index] = value;
        break;
    case VGA_SEQ_MAP_MASK:
        vga->r.seq[index] = value;
        vga_mem_update_map_mask(vga);
        break;
    case VGA_SEQ_MEMORY_MODE:
        vga_raster_set(vga, VGA_GROUP_SEQ, index, value);
        vga_mem_update(vga);
        break;
    default:
        vga_raster_set(vga, VGA_GROUP_SEQ, index, value);
    }
}

u32 vga_seq_in(void *dev, u16 port, u8 size)
{
    struct vga *vga = dev;
    if (size == 2)
        return vga->seq_index | (u32)seq_read(vga) << 8;
    return port & 1 ? seq_read(vga) : vga->seq_index;
}

void vga_seq_out(void *dev, u16 port, u8 size, u32 value)
{
    struct vga *vga = dev;
    if (size == 1 && (port & 1)) {
        seq_write(vga, (u8)value);
        return;
    }
    vga->seq_index = value & 7;
    if (size == 2)
        seq_write(vga, (u8)(value >> 8));
}

/* The index; a write of a word goes to the data, too. */
void vga_seq_latch(void *dev, u16 port, struct bus_latch *latch)
{
    struct vga *vga = dev;
    (void)port;
    *latch = (struct bus_latch){
        .out = &vga->seq_index, .out_mask = 7, .in = &vga->seq_index, .busy = &bus_never_busy};
}

u8 vga_seq_bits(u8 index)
{
    return seq_bits[index];
}
