/* When the VGA's window may be plain memory. Accesses to plain memory are seen by nobody: under the access
 * clock, which counts them, and under --check, which answers them from a log, it stays a device. So it does
 * below level on, where KVM has the guest most of the time: KVM does not see the plain memory. */
#include "vmm_internal.h"

#include "dev/vga/vga.h"

/* Opening the window, closing it, and making the translations anew that access it costs about 100 us: some
 * ten thousand accesses through the device, and two per cent of the period. */
#define ACCESSES  256
#define PERIOD_NS (5 * NS_PER_MS)

void vmm_window_follow(struct vmm *vmm)
{
    bool may = vmm->regions && !vmm->check && vmm->machine.clock.mode == CLOCK_MODE_HOST;
    const struct vga_linear_policy policy = {.accesses = may ? ACCESSES : 0, .period_ns = PERIOD_NS};
    vga_set_linear(vmm->machine.vga, &policy);
}

void vmm_window_stats(struct vmm *vmm)
{
    struct vga_linear_stats linear = vga_linear_stats(vmm->machine.vga);
    vmm->stats->window =
        (struct run_window){.opened = linear.opened, .closed = linear.closed, .synced = linear.synced};
}
