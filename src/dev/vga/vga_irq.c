/* The vertical retrace interrupt (IRQ 2, which is IRQ 9 on this bus). CRTC register 11h: bit 4 = 0 clears the
 * latch and holds it clear, bit 5 = 0 lets it drive the line. The latch is computed from the count of
 * retraces; an event exists only while a guest has the interrupt enabled and armed. */
#include "dev/vga/vga_state.h"

#define VGA_IRQ 9

static u64 retraces_now(struct vga *vga)
{
    struct vga_beam beam = vga_timing_beam(&vga->timing, clock_now(vga->clock));
    return vga_timing_retraces(&vga->timing, &beam);
}

bool vga_interrupt_pending(struct vga *vga)
{
    if (!(vga->r.crtc[VGA_CRTC_V_RETRACE_END] & CRTC11_CLEAR_INTERRUPT))
        return false;
    return retraces_now(vga) > vga->interrupt_seen;
}

static bool interrupt_enabled(const struct vga *vga)
{
    u8 end = vga->r.crtc[VGA_CRTC_V_RETRACE_END];
    return (end & CRTC11_CLEAR_INTERRUPT) && !(end & CRTC11_DISABLE_INTERRUPT) &&
           (vga->r.crtc[VGA_CRTC_MODE] & CRTC17_SYNC_ENABLE);
}

/* Drives the line; while the latch is clear, waits for the next retrace. */
static void interrupt_drive(struct vga *vga)
{
    bool enabled = interrupt_enabled(vga);
    bool level = enabled && vga_interrupt_pending(vga);
    irq_set(&vga->machine->irq[VGA_IRQ], level);
    if (enabled && !level)
        clock_event_arm(&vga->interrupt_event,
                        vga_timing_next_retrace_ns(&vga->timing, clock_now(vga->clock)));
    else
        clock_event_disarm(&vga->interrupt_event);
}

static void interrupt_fire(void *opaque, u64 deadline_ns)
{
    (void)deadline_ns;
    interrupt_drive(opaque);
}

void vga_interrupt_init(struct vga *vga)
{
    clock_event_init(&vga->interrupt_event, vga->clock, "VGA vertical retrace", interrupt_fire, vga);
}

void vga_interrupt_update(struct vga *vga)
{
    /* A held latch has seen everything up to the moment it is let go. */
    bool held = !(vga->r.crtc[VGA_CRTC_V_RETRACE_END] & CRTC11_CLEAR_INTERRUPT);
    if (held || vga->interrupt_held)
        vga->interrupt_seen = retraces_now(vga);
    vga->interrupt_held = held;
    interrupt_drive(vga);
}
