/* The raster journal and the latched start address. See vga_raster.h. */
#include "dev/vga/vga_state.h"

#include <string.h>

static inline u8 *regs_slot(struct vga_regs *r, enum vga_group group, u8 index)
{
    static const u16 first[] = {
        [VGA_GROUP_MISC] = offsetof(struct vga_regs, misc),
        [VGA_GROUP_PAS] = offsetof(struct vga_regs, pas),
        [VGA_GROUP_DAC_MASK] = offsetof(struct vga_regs, dac_mask),
        [VGA_GROUP_SEQ] = offsetof(struct vga_regs, seq),
        [VGA_GROUP_GC] = offsetof(struct vga_regs, gc),
        [VGA_GROUP_CRTC] = offsetof(struct vga_regs, crtc),
        [VGA_GROUP_ATTR] = offsetof(struct vga_regs, attr),
        [VGA_GROUP_DAC] = offsetof(struct vga_regs, dac),
    };
    u32 bytes = group == VGA_GROUP_DAC ? sizeof r->dac[0] : 1;
    return (u8 *)r + first[group] + index * bytes;
}

void vga_regs_apply(struct vga_regs *r, enum vga_group group, u8 index, u32 value)
{
    u8 *slot = regs_slot(r, group, index);
    slot[0] = (u8)value;
    if (group == VGA_GROUP_DAC) {
        slot[1] = (u8)(value >> 8);
        slot[2] = (u8)(value >> 16);
    }
}

static bool regs_hold(struct vga_regs *r, enum vga_group group, u8 index, u32 value)
{
    const u8 *slot = regs_slot(r, group, index);
    if (group == VGA_GROUP_DAC)
        return (slot[0] | (u32)slot[1] << 8 | (u32)slot[2] << 16) == value;
    return slot[0] == value;
}

/* Takes the start address over for the retraces that have begun since the last look. */
static void start_address_follow(struct vga *vga, const struct vga_beam *beam)
{
    struct vga_raster *raster = &vga->raster;
    u64 retraces = vga_timing_retraces(&vga->timing, beam);
    u16 start = (u16)vga_start_address(&vga->r);
    if (retraces == raster->latch_retrace)
        return;
    raster->latched_before = retraces == raster->latch_retrace + 1 ? raster->latched : start;
    raster->latched = start;
    raster->latch_retrace = retraces;
}

u16 vga_raster_start_address(struct vga *vga, const struct vga_beam *beam)
{
    start_address_follow(vga, beam);
    return beam->line >= vga->timing.retrace_start ? vga->raster.latched_before : vga->raster.latched;
}

void vga_raster_reset(struct vga *vga)
{
    struct vga_raster *raster = &vga->raster;
    struct vga_beam beam = vga_timing_beam(&vga->timing, clock_now(vga->clock));
    raster->n = 0;
    raster->overflow = false;
    raster->full_until_ns = 0;
    raster->latched = raster->latched_before = (u16)vga_start_address(&vga->r);
    raster->latch_retrace = vga_timing_retraces(&vga->timing, &beam);
}

static void journal_append(struct vga *vga, const struct vga_beam *beam, enum vga_group group, u8 index,
                           u32 value)
{
    struct vga_raster *raster = &vga->raster;
    const struct vga_timing *t = &vga->timing;
    if (raster->n == 0 || raster->frame != beam->frame) {
        raster->start = vga->r;
        raster->frame = beam->frame;
        raster->n = 0;
        raster->overflow = false;
        raster->full_until_ns = 0;
    }
    if (raster->n == VGA_JOURNAL_ENTRIES) {
        raster->overflow = true;
        raster->full_until_ns = vga_timing_frame_end_ns(t, beam);
        return;
    }
    /* LIMIT: whole lines; a write in the second half of a line's active part shows from the next line on. */
    bool late = beam->dot >= t->display_skew + t->display_dots / 2;
    raster->entry[raster->n++] = (struct vga_journal_entry){
        .line = (u16)(beam->line + late),
        .group = (u8)group,
        .index = index,
        .value = value,
    };
}

static bool is_start_address(enum vga_group group, u8 index)
{
    return group == VGA_GROUP_CRTC && (index == VGA_CRTC_START_HIGH || index == VGA_CRTC_START_LOW);
}

static bool is_timing(enum vga_group group, u8 index)
{
    if (group == VGA_GROUP_MISC)
        return true;
    if (group == VGA_GROUP_SEQ)
        return index == VGA_SEQ_CLOCKING_MODE;
    return group == VGA_GROUP_CRTC &&
           (index <= VGA_CRTC_OVERFLOW || index == VGA_CRTC_MODE ||
            (index >= VGA_CRTC_V_RETRACE_START && index <= VGA_CRTC_V_DISPLAY_END));
}

static void set_timing(struct vga *vga, u64 now_ns)
{
    vga->status_until_ns = 0;
    if (vga_timing_update(&vga->timing, &vga->r, now_ns)) {
        vga_raster_reset(vga);
        vga_interrupt_update(vga);
    }
}

void vga_raster_set(struct vga *vga, enum vga_group group, u8 index, u32 value)
{
    if (regs_hold(&vga->r, group, index, value))
        return;
    u64 now_ns = clock_recent(vga->clock);
    bool start_address = is_start_address(group, index);
    if (start_address || now_ns >= vga->raster.full_until_ns) {
        struct vga_beam beam = vga_timing_beam(&vga->timing, now_ns);
        if (start_address)
            start_address_follow(vga, &beam);
        else
            journal_append(vga, &beam, group, index, value);
    }
    vga_regs_apply(&vga->r, group, index, value);
    if (group == VGA_GROUP_ATTR)
        vga->status_until_ns = 0;
    else if (group != VGA_GROUP_DAC && is_timing(group, index))
        set_timing(vga, now_ns);
}
