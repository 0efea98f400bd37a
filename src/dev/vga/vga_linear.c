/* When the window is opened and closed, and the copies in between. See vga_linear.h. FreeVGA, "Accessing the
 * VGA Display Memory"; how an address becomes map and cell is vga_mem.c's business, and repeated here. */
#include "dev/vga/vga_state.h"

#include "base/log.h"

#include <string.h>

/* Kinds of access that are not the device's own: part of the accessor's generation. */
#define GENERATION_COUNTED (1u << 30)
#define GENERATION_OPEN    (1u << 31)

enum {
    LONGEST = 32,         /* periods */
    WORD_MAPS = 0xffff,   /* maps 0 and 1 of a cell */
    CHAIN_4_AND = 0xfffc, /* address bits of a 64 KiB map that choose the cell */
    ODD_EVEN_AND = 0xfffe,
};

/* --- is it linear? --- */

static enum vga_layout near_layout(const struct vga *vga)
{
    const struct vga_regs *r = &vga->r;
    u8 mode = r->gc[VGA_GC_MODE], misc = r->gc[VGA_GC_MISC], memory_mode = r->seq[VGA_SEQ_MEMORY_MODE];
    bool whole_window = misc >> GC6_MEMORY_MAP_SHIFT == 0; /* in which addresses repeat */
    if (!vga->pipe.plain || (mode & GC5_READ_MODE_1) || whole_window || !vga->accessor.bytes)
        return VGA_LAYOUT_NONE;
    if (memory_mode & SEQ4_CHAIN_4)
        return vga->pipe.addr_and == CHAIN_4_AND ? VGA_LAYOUT_CHAIN_4 : VGA_LAYOUT_NONE;
    bool odd_even = !(memory_mode & SEQ4_NO_ODD_EVEN) && (mode & GC5_ODD_EVEN) && (misc & GC6_CHAIN_ODD_EVEN);
    return odd_even && vga->pipe.addr_and == ODD_EVEN_AND ? VGA_LAYOUT_ODD_EVEN : VGA_LAYOUT_NONE;
}

static enum vga_layout exact_layout(const struct vga *vga)
{
    switch (vga->linear.near) {
    case VGA_LAYOUT_CHAIN_4:
        return vga->pipe.map_mask == UINT32_MAX ? VGA_LAYOUT_CHAIN_4 : VGA_LAYOUT_NONE;
    case VGA_LAYOUT_ODD_EVEN:
        return vga->pipe.map_mask == WORD_MAPS && !(vga->r.gc[VGA_GC_READ_MAP_SELECT] & 2)
                   ? VGA_LAYOUT_ODD_EVEN
                   : VGA_LAYOUT_NONE;
    default:
        return VGA_LAYOUT_NONE;
    }
}

/* --- copies --- */

/* The cell of the four bytes number `i` of the window: address bits 14 and 15 take the place of 0 and 1. */
static inline u32 chain_4_cell(u32 i)
{
    return i << 2 | i >> 12;
}

static u8 *open_bytes(const struct vga *vga)
{
    return vga->machine->memory.window + (vga->linear.first - VGA_WINDOW_FIRST);
}

static void copy_to_window(const struct vga *vga)
{
    const struct vga_linear *l = &vga->linear;
    if (l->open == VGA_LAYOUT_CHAIN_4) {
        u32 *dword = (u32 *)open_bytes(vga);
        for (u32 i = 0; i < l->bytes / 4; i++)
            dword[i] = vga->vram[chain_4_cell(i)];
    } else {
        u16 *word = (u16 *)open_bytes(vga);
        for (u32 i = 0; i < l->bytes / 2; i++)
            word[i] = (u16)vga->vram[2 * i];
    }
}

void vga_linear_sync(struct vga *vga)
{
    struct vga_linear *l = &vga->linear;
    if (l->open == VGA_LAYOUT_NONE)
        return;
    l->stats.synced++;
    if (l->open == VGA_LAYOUT_CHAIN_4) {
        const u32 *dword = (const u32 *)open_bytes(vga);
        for (u32 i = 0; i < l->bytes / 4; i++)
            vga->vram[chain_4_cell(i)] = dword[i];
    } else {
        const u16 *word = (const u16 *)open_bytes(vga);
        for (u32 i = 0; i < l->bytes / 2; i++)
            vga->vram[2 * i] = (vga->vram[2 * i] & ~(u32)WORD_MAPS) | word[i];
    }
}

/* --- accesses that come through the device all the same: KVM's --- */

static u32 open_cell(const struct vga *vga, u32 offset)
{
    const u8 *bytes = open_bytes(vga);
    u32 dword;
    u16 word;
    if (vga->linear.open == VGA_LAYOUT_CHAIN_4) {
        memcpy(&dword, bytes + (offset & ~3u), sizeof dword);
        return dword;
    }
    memcpy(&word, bytes + (offset & ~1u), sizeof word);
    return (vga->vram[offset & ~1u] & ~(u32)WORD_MAPS) | word;
}

static u32 read_open(void *dev, gpa_t addr, u8 size)
{
    struct vga *vga = dev;
    u32 offset = addr - vga->linear.first, value = 0;
    memcpy(&value, open_bytes(vga) + offset, size);
    vga->latch = open_cell(vga, offset + size - 1u);
    return value;
}

static void write_open(void *dev, gpa_t addr, u8 size, u32 value)
{
    const struct vga *vga = dev;
    memcpy(open_bytes(vga) + (addr - vga->linear.first), &value, size);
}

/* --- opening and closing --- */

static void open_window(struct vga *vga);

static inline void count(struct vga *vga)
{
    if (--vga->linear.left == 0)
        open_window(vga);
}

static u32 read_counted(void *dev, gpa_t addr, u8 size)
{
    struct vga *vga = dev;
    u32 value = vga->linear.device.read(dev, addr, size);
    count(vga);
    return value;
}

static void write_counted(void *dev, gpa_t addr, u8 size, u32 value)
{
    struct vga *vga = dev;
    vga->linear.device.write(dev, addr, size, value);
    count(vga);
}

static void choose_accessor(struct vga *vga)
{
    const struct vga_linear *l = &vga->linear;
    struct vga_accessor *accessor = &vga->accessor;
    *accessor = l->device;
    if (l->open != VGA_LAYOUT_NONE) {
        accessor->read = read_open;
        accessor->write = write_open;
        accessor->generation |= GENERATION_OPEN;
    } else if (l->exact != VGA_LAYOUT_NONE && !l->pause.armed) {
        accessor->read = read_counted;
        accessor->write = write_counted;
        accessor->generation |= GENERATION_COUNTED;
    }
}

static void open_window(struct vga *vga)
{
    struct vga_linear *l = &vga->linear;
    l->left = l->policy.accesses;
    if (memory_open_window(&vga->machine->memory, l->device.first, l->device.bytes)) {
        l->policy.accesses = 0;
        l->near = l->exact = VGA_LAYOUT_NONE;
    } else {
        l->open = l->exact;
        l->first = l->device.first;
        l->bytes = l->device.bytes;
        l->opened_ns = clock_now(vga->clock);
        l->stats.opened++;
        copy_to_window(vga);
    }
    choose_accessor(vga);
}

static void close_window(struct vga *vga)
{
    struct vga_linear *l = &vga->linear;
    u64 now_ns = clock_now(vga->clock);
    bool in_vain = now_ns - l->opened_ns < l->period_ns;
    vga_linear_sync(vga);
    memory_close_window(&vga->machine->memory, l->first, l->bytes);
    l->open = VGA_LAYOUT_NONE;
    l->period_ns = in_vain ? MIN(l->period_ns * 2, l->policy.period_ns * LONGEST)
                           : MAX(l->period_ns / 2, l->policy.period_ns);
    if (now_ns < l->opened_ns + l->period_ns)
        clock_event_arm(&l->pause, l->opened_ns + l->period_ns);
    l->stats.closed++;
}

static void follow(struct vga *vga)
{
    struct vga_linear *l = &vga->linear;
    l->exact = exact_layout(vga);
    if (l->open != VGA_LAYOUT_NONE &&
        (l->exact != l->open || l->device.first != l->first || l->device.bytes != l->bytes))
        close_window(vga);
    choose_accessor(vga);
}

static void end_pause(void *opaque, u64 deadline_ns)
{
    struct vga *vga = opaque;
    (void)deadline_ns;
    if (vga->linear.near != VGA_LAYOUT_NONE)
        choose_accessor(vga);
}

void vga_linear_init(struct vga *vga)
{
    clock_event_init(&vga->linear.pause, vga->clock, "VGA window", end_pause, vga);
    vga->linear.pause.watches = true;
}

void vga_linear_accessor_changed(struct vga *vga)
{
    struct vga_linear *l = &vga->linear;
    if (!l->policy.accesses)
        return;
    l->near = near_layout(vga);
    if (l->near == VGA_LAYOUT_NONE && l->open == VGA_LAYOUT_NONE) {
        l->exact = VGA_LAYOUT_NONE;
        return;
    }
    l->device = vga->accessor;
    follow(vga);
}

void vga_linear_maps_changed(struct vga *vga)
{
    follow(vga);
}

void vga_set_linear(struct vga *vga, const struct vga_linear_policy *policy)
{
    struct vga_linear *l = &vga->linear;
    if (l->open != VGA_LAYOUT_NONE)
        close_window(vga);
    if (l->near != VGA_LAYOUT_NONE)
        vga->accessor = l->device;
    l->near = l->exact = VGA_LAYOUT_NONE;
    l->policy = *policy;
    l->period_ns = policy->period_ns;
    l->left = policy->accesses;
    clock_event_disarm(&l->pause);
    vga_linear_accessor_changed(vga);
}

struct vga_linear_stats vga_linear_stats(const struct vga *vga)
{
    return vga->linear.stats;
}
