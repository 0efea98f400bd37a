/* The VGA's inside, shared by the files of this folder only: one object, one part per register group. */
#ifndef HUDDLE_DEV_VGA_STATE_H
#define HUDDLE_DEV_VGA_STATE_H

#include "dev/vga/vga.h"
#include "dev/vga/vga_linear.h"
#include "dev/vga/vga_raster.h"
#include "dev/vga/vga_regs.h"
#include "dev/vga/vga_timing.h"
#include "machine/machine.h"

#define VGA_PLANE_BYTES 65536u

#define VGA_ADDR_SHIFT 14

/* The registers that a memory access goes through, expanded to 32-bit masks with a byte per plane. Nothing in
 * here is a mode: what depends on the address is a table by its low two bits, so planar, odd/even and chain-4
 * accesses run the same instructions. */
struct vga_pipeline {
    /* plane address = (a & addr_and) | addr_or[a >> VGA_ADDR_SHIFT], a being the offset in the window */
    u32 window_mask;
    u32 addr_and;
    u8 addr_or[8];
    u32 write_mask[4]; /* map mask, and the planes that odd/even or chain-4 leave at that address: */
    u32 maps[4];
    u8 read_shift[4]; /* 8 * plane that read mode 0 returns */
    u32 map_mask;
    u32 set_reset;
    u32 enable_set_reset;
    u32 forced; /* set_reset & enable_set_reset */
    u32 bit_mask;
    u32 color_compare;
    u32 color_care;
    u8 rotate;
    u8 bit_mask_byte;
    bool plain; /* write mode 0 with nothing to do but the map mask */
};

struct vga_dac_port {
    u8 addr;      /* one register behind 3C7h and 3C8h */
    u8 state;     /* what 3C7h reads: 3 after a read address, 0 after a write address */
    u8 component; /* 0 red, 1 green, 2 blue */
    u8 buffer[3];
};

struct vga {
    /* Hot in memory accesses. */
    u32 latch;
    struct vga_pipeline pipe;
    struct vga_accessor accessor;
    struct vga_linear linear;

    struct vga_regs r;
    u8 seq_index;
    u8 gc_index;
    u8 crtc_index;
    u8 attr_index;       /* without the PAS bit */
    bool attr_data_next; /* the flip-flop */
    u8 feature;
    struct vga_dac_port dac;
    u64 status_until_ns; /* input status 1 is `status` until then */
    u8 status;

    struct machine *machine;
    struct clock *clock;
    struct vga_timing timing;
    struct vga_raster raster;
    u64 interrupt_seen; /* vertical retraces when the interrupt latch was last cleared or held */
    bool interrupt_held;
    struct clock_event interrupt_event; /* armed only while the interrupt is enabled and awaited */

    u32 vram[VGA_PLANE_BYTES]; /* one per address, plane p in byte p; see vga_linear.h */
};

/* Port handlers of each register group (struct bus_port's types). Index/data pairs take 8 and 16 bits. */
u32 vga_seq_in(void *dev, u16 port, u8 size);
void vga_seq_out(void *dev, u16 port, u8 size, u32 value);
void vga_seq_latch(void *dev, u16 port, struct bus_latch *latch);
void vga_gc_latch(void *dev, u16 port, struct bus_latch *latch);
u32 vga_gc_in(void *dev, u16 port, u8 size);
void vga_gc_out(void *dev, u16 port, u8 size, u32 value);
u32 vga_crtc_in(void *dev, u16 port, u8 size);
void vga_crtc_out(void *dev, u16 port, u8 size, u32 value);
u32 vga_attr_in(void *dev, u16 port, u8 size);
void vga_attr_out(void *dev, u16 port, u8 size, u32 value);
u32 vga_dac_in(void *dev, u16 port, u8 size);
void vga_dac_out(void *dev, u16 port, u8 size, u32 value);
u32 vga_dac_data_in(void *dev, u16 port, u8 size);
void vga_dac_data_out(void *dev, u16 port, u8 size, u32 value);

/* True if the CRT controller and input status 1 answer at the block of `port` (3Bxh or 3Dxh). */
static inline bool vga_port_active(const struct vga *vga, u16 port)
{
    return ((port & 0x40) != 0) == ((vga->r.misc & MISC_COLOR) != 0);
}

/* Recomputes masks and accessor after a change to the memory mode, graphics controller or misc output. The
 * other two do only what one register needs: programs write these before every few accesses. */
void vga_mem_update(struct vga *vga);
void vga_mem_update_map_mask(struct vga *vga);
void vga_mem_update_gc(struct vga *vga, enum vga_gc_reg index);

/* Bits that exist in the registers of each group; a state has no others. */
u8 vga_seq_bits(u8 index);
u8 vga_gc_bits(u8 index);
u8 vga_crtc_bits(u8 index);
u8 vga_attr_bits(u8 index);

/* vga_save.c: struct dev_class's. */
void vga_state(void *dev, struct state *state);

/* The window on the bus, before the memory map register narrows it. */
#define VGA_WINDOW_FIRST 0xa0000u
#define VGA_WINDOW_BYTES (128 * KIB)
u32 vga_mem_read(void *dev, gpa_t addr, u8 size);
void vga_mem_write(void *dev, gpa_t addr, u8 size, u32 value);

/* Vertical retrace interrupt (vga_irq.c): call `update` when CRTC register 11h or the timing has changed. */
void vga_interrupt_init(struct vga *vga);
void vga_interrupt_update(struct vga *vga);
bool vga_interrupt_pending(struct vga *vga);

/* 32-bit mask with byte p all ones where bit p of the low nibble is set. */
static inline u32 vga_expand_planes(u32 nibble)
{
    static const u32 mask[16] = {
        0x00000000, 0x000000ff, 0x0000ff00, 0x0000ffff, 0x00ff0000, 0x00ff00ff, 0x00ffff00, 0x00ffffff,
        0xff000000, 0xff0000ff, 0xff00ff00, 0xff00ffff, 0xffff0000, 0xffff00ff, 0xffffff00, 0xffffffff,
    };
    return mask[nibble & 15];
}

#endif
