/* The state of the VGA in either direction: registers, the beam, the journal of the frame being drawn, the
 * planes. What follows from the registers is made anew after loading. */
#include "dev/vga/vga_state.h"

#include "machine/state.h"

#include <string.h>

enum { DAC_BITS = 0x3f };

static void group_state(struct state *s, u8 *reg, u32 n, u8 (*bits)(u8 index), const char *name)
{
    for (u32 i = 0; i < n; i++)
        state_u8_bits(s, &reg[i], bits(i), name);
}

static void regs_state(struct vga_regs *r, struct state *s)
{
    state_u8(s, &r->misc);
    state_u8_bits(s, &r->pas, ATTR_INDEX_PAS, "the palette address source");
    state_u8(s, &r->dac_mask);
    group_state(s, r->seq, VGA_SEQ_REGS, vga_seq_bits, "a sequencer register");
    group_state(s, r->gc, VGA_GC_REGS, vga_gc_bits, "a graphics register");
    group_state(s, r->crtc, VGA_CRTC_REGS, vga_crtc_bits, "a CRT controller register");
    group_state(s, r->attr, VGA_ATTR_REGS, vga_attr_bits, "an attribute register");
    for (u32 i = 0; i < ARRAY_LEN(r->dac); i++)
        for (u32 c = 0; c < ARRAY_LEN(r->dac[i]); c++)
            state_u8_bits(s, &r->dac[i][c], DAC_BITS, "a color");
}

static void ports_state(struct vga *vga, struct state *s)
{
    state_u32(s, &vga->latch);
    state_u8_bits(s, &vga->seq_index, 7, "an index");
    state_u8_bits(s, &vga->gc_index, 15, "an index");
    state_u8(s, &vga->crtc_index);
    state_u8_bits(s, &vga->attr_index, 0x1f, "an index");
    state_bool(s, &vga->attr_data_next);
    state_u8(s, &vga->feature);
    state_u8(s, &vga->dac.addr);
    state_u8(s, &vga->dac.state);
    state_u8_in(s, &vga->dac.component, 0, 2, "the color component");
    for (u32 i = 0; i < ARRAY_LEN(vga->dac.buffer); i++)
        state_u8_bits(s, &vga->dac.buffer[i], DAC_BITS, "a color");
}

/* --- the journal --- */

/* Is there a register like that, and has it these bits? */
static bool entry_is_possible(const struct vga_journal_entry *e)
{
    switch (e->group) {
    case VGA_GROUP_MISC:
    case VGA_GROUP_DAC_MASK:
        return !e->index && e->value <= UINT8_MAX;
    case VGA_GROUP_PAS:
        return !e->index && !(e->value & ~(u32)ATTR_INDEX_PAS);
    case VGA_GROUP_SEQ:
        return e->index < VGA_SEQ_REGS && !(e->value & ~(u32)vga_seq_bits(e->index));
    case VGA_GROUP_GC:
        return e->index < VGA_GC_REGS && !(e->value & ~(u32)vga_gc_bits(e->index));
    case VGA_GROUP_CRTC:
        return e->index < VGA_CRTC_REGS && !(e->value & ~(u32)vga_crtc_bits(e->index));
    case VGA_GROUP_ATTR:
        return e->index < VGA_ATTR_REGS && !(e->value & ~(u32)vga_attr_bits(e->index));
    case VGA_GROUP_DAC:
        return !(e->value & ~(DAC_BITS * 0x010101u));
    }
    return false;
}

static void entry_state(struct vga_journal_entry *entry, struct state *s)
{
    struct vga_journal_entry e = *entry;
    state_u16(s, &e.line);
    state_u8(s, &e.group);
    state_u8(s, &e.index);
    state_u32(s, &e.value);
    state_check(s, entry_is_possible(&e), "the frame's journal");
    if (!s->failed)
        *entry = e;
}

static void raster_state(struct vga_raster *raster, struct state *s)
{
    state_u64(s, &raster->frame);
    state_u32_in(s, &raster->n, 0, VGA_JOURNAL_ENTRIES, "the frame's journal");
    state_bool(s, &raster->overflow);
    if (raster->n)
        regs_state(&raster->start, s);
    if (s->loading)
        raster->full_until_ns = 0; /* not known: the next write finds out */
    state_u64(s, &raster->latch_retrace);
    state_u16(s, &raster->latched);
    state_u16(s, &raster->latched_before);
    for (u32 i = 0; i < raster->n && !s->failed; i++)
        entry_state(&raster->entry[i], s);
}

/* --- all of it --- */

void vga_state(void *dev, struct state *s)
{
    struct vga *vga = dev;
    u64 now_ns = s->loading ? clock_now(vga->clock) : 0;
    const struct vga_linear_policy policy = vga->linear.policy;
    if (s->loading)
        vga_set_linear(vga, &(struct vga_linear_policy){0});
    else
        vga_linear_sync(vga);
    regs_state(&vga->r, s);
    ports_state(vga, s);
    vga_timing_state(&vga->timing, &vga->r, s, now_ns);
    raster_state(&vga->raster, s);
    state_u64(s, &vga->interrupt_seen);
    state_bool(s, &vga->interrupt_held);
    clock_event_state(&vga->interrupt_event, s);
    state_u32s(s, vga->vram, VGA_PLANE_BYTES);
    if (!s->loading)
        return;
    vga->status_until_ns = 0;
    vga_mem_update(vga);
    vga_set_linear(vga, &policy);
}
