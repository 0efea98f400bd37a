/* The palette DAC (INMOS IMSG171): 256 colors of 3 x 6 bits behind one address register. A color is written
 * when its third component arrives; a read address fetches the color and steps on at once. FreeVGA, "Color
 * Registers". */
#include "dev/vga/vga_state.h"

enum { DAC_PEL_MASK = 0x3c6, DAC_READ_ADDRESS = 0x3c7, DAC_WRITE_ADDRESS = 0x3c8 };
enum { DAC_STATE_WRITE = 0, DAC_STATE_READ = 3 };

static void dac_fetch(struct vga *vga)
{
    struct vga_dac_port *dac = &vga->dac;
    for (u32 i = 0; i < 3; i++)
        dac->buffer[i] = vga->r.dac[dac->addr][i];
    dac->addr++;
    dac->component = 0;
}

u32 vga_dac_data_in(void *dev, u16 port, u8 size)
{
    struct vga *vga = dev;
    struct vga_dac_port *dac = &vga->dac;
    u8 value = dac->buffer[dac->component];
    (void)port, (void)size;
    if (++dac->component == 3)
        dac_fetch(vga);
    return value;
}

void vga_dac_data_out(void *dev, u16 port, u8 size, u32 value)
{
    struct vga *vga = dev;
    struct vga_dac_port *dac = &vga->dac;
    (void)port, (void)size;
    dac->buffer[dac->component] = value & 0x3f;
    if (++dac->component < 3)
        return;
    dac->component = 0;
    vga_raster_set(vga, VGA_GROUP_DAC, dac->addr++,
                   dac->buffer[0] | (u32)dac->buffer[1] << 8 | (u32)dac->buffer[2] << 16);
}

u32 vga_dac_in(void *dev, u16 port, u8 size)
{
    struct vga *vga = dev;
    (void)size;
    switch (port) {
    case DAC_PEL_MASK:
        return vga->r.dac_mask;
    case DAC_READ_ADDRESS:
        return vga->dac.state;
    default:
        return vga->dac.addr;
    }
}

void vga_dac_out(void *dev, u16 port, u8 size, u32 value)
{
    struct vga *vga = dev;
    (void)size;
    switch (port) {
    case DAC_PEL_MASK:
        vga_raster_set(vga, VGA_GROUP_DAC_MASK, 0, value);
        break;
    case DAC_READ_ADDRESS:
        vga->dac.addr = (u8)value;
        vga->dac.state = DAC_STATE_READ;
        dac_fetch(vga);
        break;
    case DAC_WRITE_ADDRESS:
        vga->dac.addr = (u8)value;
        vga->dac.component = 0;
        vga->dac.state = DAC_STATE_WRITE;
        break;
    }
}
