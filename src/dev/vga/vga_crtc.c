/* CRT controller: register file, write protection, the vertical retrace interrupt. Its timing is computed in
 * vga_timing.c, its addressing in vga_scan.c. FreeVGA, "CRT Controller Registers".
 * Registers 22h, 24h and 26h are those that the chips have beyond IBM's list (Ferraro, "Programmer's Guide to
 * the EGA, VGA and Super VGA Cards"). */
#include "dev/vga/vga_state.h"

/* Bits that exist; a register that is absent here has all eight. */
static const u8 crtc_absent_bits[VGA_CRTC_REGS] = {
    [VGA_CRTC_PRESET_ROW_SCAN] = 0x80, [VGA_CRTC_CURSOR_START] = 0xc0, [VGA_CRTC_CURSOR_END] = 0x80,
    [VGA_CRTC_UNDERLINE] = 0x80,       [VGA_CRTC_MODE] = 0x10,
};

static u8 crtc_read(const struct vga *vga)
{
    switch (vga->crtc_index) {
    case VGA_CRTC_V_RETRACE_START:
    case VGA_CRTC_V_RETRACE_END:
        if (!(vga->r.crtc[VGA_CRTC_H_BLANK_END] & CRTC03_READ_VERTICAL))
            return 0; /* no light pen */
        break;
    case VGA_CRTC_LATCH_READ:
        return (u8)(vga->latch >> 8 * vga->r.gc[VGA_GC_READ_MAP_SELECT]);
    case VGA_CRTC_ATTR_FLIP_FLOP:
        return vga->attr_data_next ? 0x80 : 0;
    case VGA_CRTC_ATTR_INDEX:
        return vga->attr_index | vga->r.pas;
    }
    return vga->crtc_index < VGA_CRTC_REGS ? vga->r.crtc[vga->crtc_index] : 0;
}

static void crtc_write(struct vga *vga, u8 value)
{
    u8 index = vga->crtc_index;
    if (index >= VGA_CRTC_REGS)
        return;
    value &= (u8)~crtc_absent_bits[index];
    if (index <= VGA_CRTC_OVERFLOW && (vga->r.crtc[VGA_CRTC_V_RETRACE_END] & CRTC11_PROTECT)) {
        if (index != VGA_CRTC_OVERFLOW)
            return;
        value = (vga->r.crtc[index] & (u8)~CRTC07_LINE_COMPARE_8) | (value & CRTC07_LINE_COMPARE_8);
    }
    vga_raster_set(vga, VGA_GROUP_CRTC, index, value);
    if (index == VGA_CRTC_V_RETRACE_END)
        vga_interrupt_update(vga);
}

u32 vga_crtc_in(void *dev, u16 port, u8 size)
{
    struct vga *vga = dev;
    if (!vga_port_active(vga, port))
        return 0xffff;
    if (size == 2)
        return vga->crtc_index | (u32)crtc_read(vga) << 8;
    return port & 1 ? crtc_read(vga) : vga->crtc_index;
}

void vga_crtc_out(void *dev, u16 port, u8 size, u32 value)
{
    struct vga *vga = dev;
    if (!vga_port_active(vga, port))
        return;
    if (size == 1 && (port & 1)) {
        crtc_write(vga, (u8)value);
        return;
    }
    vga->crtc_index = value & 0x3f;
    if (size == 2)
        crtc_write(vga, (u8)(value >> 8));
}

u8 vga_crtc_bits(u8 index)
{
    return (u8)~crtc_absent_bits[index];
}
