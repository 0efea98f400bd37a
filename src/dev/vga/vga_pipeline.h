/* The write pipeline and the addressing of the memory window, for the files that carry out accesses:
 * vga_mem.c one at a time, vga_run.c many. All of it is inlined where it is used. FreeVGA, "Accessing the VGA
 * Display Memory" and "Graphics Registers"; IBM VGA TR, write modes 0-3. */
#ifndef HUDDLE_DEV_VGA_PIPELINE_H
#define HUDDLE_DEV_VGA_PIPELINE_H

#include "dev/vga/vga_state.h"

#define ALL_PLANES 0x01010101u /* times a byte: that byte in every plane */
#define EVEN_MAPS  0x00ff00ffu
#define ODD_MAPS   0xff00ff00u

#define always_inline static inline __attribute__((always_inline))

enum write_mode { WRITE_MODE_0, WRITE_MODE_1, WRITE_MODE_2, WRITE_MODE_3 };
enum function { FUNCTION_COPY, FUNCTION_AND, FUNCTION_OR, FUNCTION_XOR };

always_inline u32 plane_address(const struct vga_pipeline *p, u32 a)
{
    return (a & p->addr_and) | p->addr_or[a >> VGA_ADDR_SHIFT];
}

/* Offset in the selected window. Windows are powers of two and aligned to their size. Bytes of a wide access
 * that lies in the window only in part are not served from here (vga_mem_read), so adding to an offset does
 * not leave it. */
always_inline u32 window_offset(const struct vga *vga, gpa_t addr)
{
    return addr & vga->pipe.window_mask;
}

always_inline void store(struct vga *vga, u32 a, u32 value)
{
    u32 *cell = &vga->vram[plane_address(&vga->pipe, a)];
    u32 mask = vga->pipe.write_mask[a & 3];
    *cell = (*cell & ~mask) | (value & mask);
}

always_inline u8 rotate_right(u8 byte, u8 count)
{
    return (u8)((byte * 0x101u) >> count);
}

always_inline u32 combine(u32 data, u32 latch, enum function function)
{
    switch (function) {
    case FUNCTION_AND:
        return data & latch;
    case FUNCTION_OR:
        return data | latch;
    case FUNCTION_XOR:
        return data ^ latch;
    default:
        return data;
    }
}

/* One byte through the pipeline: what all four maps would store were they all enabled. */
always_inline u32 pipeline(const struct vga_pipeline *p, u32 latch, u8 byte, enum write_mode mode,
                           enum function function)
{
    u32 bit_mask = p->bit_mask;
    u32 data;
    switch (mode) {
    case WRITE_MODE_0:
        data = rotate_right(byte, p->rotate) * ALL_PLANES;
        data = (data & ~p->enable_set_reset) | p->forced;
        break;
    case WRITE_MODE_1:
        return latch;
    case WRITE_MODE_2:
        data = vga_expand_planes(byte);
        break;
    default:
        data = p->set_reset;
        bit_mask &= rotate_right(byte, p->rotate) * ALL_PLANES;
        break;
    }
    data = combine(data, latch, function);
    return (data & bit_mask) | (latch & ~bit_mask);
}

#endif
