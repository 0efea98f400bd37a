/* The raster journal: what was written to the registers during the current frame, and on which line the beam
 * was, so that a picture can be drawn as the beam drew it. Kept up lazily: the first write of a frame copies
 * the registers, further writes append; nothing happens per frame, and nothing for accesses to the memory.
 * Also the start address, which the CRT controller latches when vertical retrace begins. */
#ifndef HUDDLE_DEV_VGA_RASTER_H
#define HUDDLE_DEV_VGA_RASTER_H

#include "dev/vga/vga_regs.h"

struct vga;

/* LIMIT: a frame with more writes than this is drawn with the present registers; its later writes are not
 * kept. */
#define VGA_JOURNAL_ENTRIES 16384

enum vga_group {
    VGA_GROUP_MISC,
    VGA_GROUP_PAS,
    VGA_GROUP_DAC_MASK,
    VGA_GROUP_SEQ,
    VGA_GROUP_GC,
    VGA_GROUP_CRTC,
    VGA_GROUP_ATTR,
    VGA_GROUP_DAC, /* value = red | green << 8 | blue << 16 */
};

struct vga_journal_entry {
    u16 line; /* first scan line that shows the value */
    u8 group; /* enum vga_group */
    u8 index;
    u32 value;
};

struct vga_raster {
    u64 frame; /* the frame the journal belongs to (struct vga_beam) */
    u32 n;     /* entries of that frame */
    bool overflow;
    u64 full_until_ns; /* overflow: the end of that frame, until when nothing can be appended; else 0 */
    struct vga_regs start; /* registers when the frame began; valid if n > 0 */
    u64 latch_retrace;     /* retrace at which `latched` was taken over */
    u16 latched;           /* start address since that retrace */
    u16 latched_before;    /* start address of the frame before it */
    struct vga_journal_entry entry[VGA_JOURNAL_ENTRIES];
};

/* Forgets the current frame: it is drawn with the present registers. */
void vga_raster_reset(struct vga *vga);

/* Sets a register that the picture depends on. Journals the write, follows the timing if the register is one
 * of its, and does nothing if the value is the present one. */
void vga_raster_set(struct vga *vga, enum vga_group group, u8 index, u32 value);

/* Writes the register into a register set; also how the journal is replayed. */
void vga_regs_apply(struct vga_regs *r, enum vga_group group, u8 index, u32 value);

/* The start address of the frame that `beam` is drawing, or has just drawn if it is past the active lines. */
struct vga_beam;
u16 vga_raster_start_address(struct vga *vga, const struct vga_beam *beam);

#endif
