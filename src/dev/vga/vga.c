/* The VGA on the bus: its port rows, its window, power-on and reset, and the external registers
 * (miscellaneous output, feature control, input status 0 and 1). FreeVGA, "External Registers". */
#include "dev/vga/vga_scan.h"

#include "base/log.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { INPUT_STATUS_0_SENSE = 0x10, INPUT_STATUS_0_INTERRUPT = 0x80 };
enum { INPUT_STATUS_1_DISPLAY_DISABLED = 0x01, INPUT_STATUS_1_V_RETRACE = 0x08 };

/* The sense bit is a comparator on the DAC's output: a loaded (color) monitor pulls it below the reference
 * when the color is dark. The threshold is the one that IBM's monitor detection works with. LIMIT: it looks
 * at DAC entry 0, which is what the BIOS sets while it tests. */
#define SENSE_THRESHOLD 0x4e

static u32 misc_in(void *dev, u16 port, u8 size)
{
    struct vga *vga = dev;
    (void)port, (void)size;
    return vga->r.misc;
}

static u32 status_0_in(struct vga *vga)
{
    const u8 *color = vga->r.dac[0];
    u32 value = color[0] + color[1] + color[2] >= SENSE_THRESHOLD ? 0 : INPUT_STATUS_0_SENSE;
    if (vga_interrupt_pending(vga))
        value |= INPUT_STATUS_0_INTERRUPT;
    return value;
}

static u32 misc_status_in(void *dev, u16 port, u8 size)
{
    (void)port, (void)size;
    return status_0_in(dev);
}

static void misc_out(void *dev, u16 port, u8 size, u32 value)
{
    struct vga *vga = dev;
    (void)port, (void)size;
    vga_raster_set(vga, VGA_GROUP_MISC, 0, value);
    vga_mem_update(vga);
}

static u32 feature_in(void *dev, u16 port, u8 size)
{
    struct vga *vga = dev;
    (void)port, (void)size;
    return vga->feature;
}

/* Bits 4 and 5 show two of the eight color outputs, chosen by bits 4 and 5 of the color plane enable
 * register: the dot under the beam, or the border around the picture. LIMIT: pair 0, which is what every mode
 * has selected, shows the border inside the picture as well: drawing a line for each of the reads that wait
 * for a retrace would be dear. */
static u32 status_1_video(struct vga *vga, const struct vga_beam *beam)
{
    static const u8 pair[4][2] = {{0, 2}, {4, 5}, {1, 3}, {6, 7}};
    u8 select = (vga->r.attr[VGA_ATTR_PLANE_ENABLE] & ATTR12_VIDEO_STATUS) >> 4;
    u8 color = vga->r.attr[VGA_ATTR_OVERSCAN];
    if (select && vga_timing_displaying(&vga->timing, beam))
        color = vga_dot_at(vga, beam->line, beam->dot - vga->timing.display_skew);
    return (color >> pair[select][0] & 1u) << 4 | (color >> pair[select][1] & 1u) << 5;
}

/* Computes what the port shows and until when: programs read it thousands of times before it changes. */
static u8 status_1_look(struct vga *vga, u64 now_ns)
{
    const struct vga_timing *t = &vga->timing;
    struct vga_beam beam = vga_timing_beam(&vga->timing, now_ns);
    bool displaying = vga_timing_displaying(t, &beam);
    u32 value = status_1_video(vga, &beam);
    if (!displaying)
        value |= INPUT_STATUS_1_DISPLAY_DISABLED;
    if (vga_timing_in_retrace(t, &beam))
        value |= INPUT_STATUS_1_V_RETRACE;
    bool every_dot_differs = displaying && (vga->r.attr[VGA_ATTR_PLANE_ENABLE] & ATTR12_VIDEO_STATUS);
    u32 next = beam.dot < t->display_skew ? t->display_skew : t->display_skew + t->display_dots;
    next = beam.dot < next ? MIN(next, t->line_dots) : t->line_dots;
    vga->status_until_ns = every_dot_differs ? 0 : vga_timing_dot_ns(t, next);
    vga->status = (u8)value;
    return vga->status;
}

static u32 status_1_in(void *dev, u16 port, u8 size)
{
    struct vga *vga = dev;
    (void)size;
    if (!vga_port_active(vga, port))
        return 0xff;
    vga->attr_data_next = false;
    u64 now_ns = clock_now(vga->clock);
    return now_ns < vga->status_until_ns ? vga->status : status_1_look(vga, now_ns);
}

/* The blank bit changes with every line: it is told from the retrace bit, which a program waits for longer. */
static bool status_1_poll(void *dev, u16 port, struct bus_poll *poll)
{
    struct vga *vga = dev;
    if (!vga_port_active(vga, port)) {
        bus_poll_constant(poll, 0xff);
        return true;
    }
    bool shows_dots = vga->r.attr[VGA_ATTR_PLANE_ENABLE] & ATTR12_VIDEO_STATUS;
    if (vga->attr_data_next || shows_dots)
        return false;
    u64 now_ns = clock_now(vga->clock);
    u8 value = status_1_look(vga, now_ns);
    u64 until_ns = vga_timing_retrace_change_ns(&vga->timing, now_ns);
    u64 blank_until_ns = MAX(vga->status_until_ns, vga_timing_picture_ns(&vga->timing, now_ns));
    *poll = (struct bus_poll){.value = {value, value ^ INPUT_STATUS_1_DISPLAY_DISABLED},
                              .n = 2,
                              .same_until_ns = MIN(blank_until_ns, until_ns),
                              .until_ns = until_ns};
    return true;
}

static void feature_out(void *dev, u16 port, u8 size, u32 value)
{
    struct vga *vga = dev;
    (void)size;
    if (vga_port_active(vga, port))
        vga->feature = (u8)value;
}

#define PAIR (BUS_8 | BUS_16)
static const struct bus_port vga_ports[] = {
    {0x3b4, 1, PAIR, "VGA mono CRTC index", vga_crtc_in, vga_crtc_out},
    {0x3b5, 1, BUS_8, "VGA mono CRTC data", vga_crtc_in, vga_crtc_out},
    {0x3ba, 1, BUS_8, "VGA mono input status 1", status_1_in, feature_out, status_1_poll},
    {0x3c0, 1, BUS_8, "VGA attribute index and data", vga_attr_in, vga_attr_out},
    {0x3c1, 1, BUS_8, "VGA attribute read", vga_attr_in, NULL},
    {0x3c2, 1, BUS_8, "VGA misc output", misc_status_in, misc_out},
    {0x3c4, 1, PAIR, "VGA sequencer index", vga_seq_in, vga_seq_out, .latch = vga_seq_latch},
    {0x3c5, 1, BUS_8, "VGA sequencer data", vga_seq_in, vga_seq_out},
    {0x3c6, 1, BUS_8, "VGA DAC mask", vga_dac_in, vga_dac_out},
    {0x3c7, 1, BUS_8, "VGA DAC read index", vga_dac_in, vga_dac_out},
    {0x3c8, 1, BUS_8, "VGA DAC write index", vga_dac_in, vga_dac_out},
    {0x3c9, 1, BUS_8, "VGA DAC data", vga_dac_data_in, vga_dac_data_out},
    {0x3ca, 1, BUS_8, "VGA feature control read", feature_in, NULL},
    {0x3cc, 1, BUS_8, "VGA misc output read", misc_in, NULL},
    {0x3ce, 1, PAIR, "VGA GC index", vga_gc_in, vga_gc_out, .latch = vga_gc_latch},
    {0x3cf, 1, BUS_8, "VGA GC data", vga_gc_in, vga_gc_out},
    {0x3d4, 1, PAIR, "VGA CRTC index", vga_crtc_in, vga_crtc_out},
    {0x3d5, 1, BUS_8, "VGA CRTC data", vga_crtc_in, vga_crtc_out},
    {0x3da, 1, BUS_8, "VGA input status 1", status_1_in, feature_out, status_1_poll},
};

/* What the registers hold at power-on is undefined in the manuals. These are the timing of the 80 x 25 text
 * mode with the screen off, so that retraces come at a sensible rate before the BIOS has set a mode. */
static const struct vga_regs power_on_regs = {
    .misc = MISC_COLOR | 1 << MISC_CLOCK_SHIFT,
    .dac_mask = 0xff,
    .seq = {[VGA_SEQ_CLOCKING_MODE] = SEQ1_SCREEN_OFF},
    .crtc = {0x5f, 0x4f, 0x50, 0x82, 0x55, 0x81, 0xbf,
             0x1f, [VGA_CRTC_MAX_SCAN_LINE] = 0x4f, [VGA_CRTC_V_RETRACE_START] = 0x9c, 0x0e,
             0x8f, [VGA_CRTC_V_BLANK_START] = 0x96, 0xb9, 0x83, 0xff},
};

static void vga_reset(void *dev)
{
    struct vga *vga = dev;
    vga->r = power_on_regs;
    vga->latch = 0;
    vga->seq_index = vga->gc_index = vga->crtc_index = vga->attr_index = 0;
    vga->attr_data_next = false;
    vga->feature = 0;
    vga->status_until_ns = 0;
    memset(&vga->dac, 0, sizeof vga->dac);
    vga_timing_update(&vga->timing, &vga->r, clock_now(vga->clock));
    vga_mem_update(vga);
    vga_raster_reset(vga);
    vga_interrupt_update(vga);
}

static int vga_create(struct machine *machine, void **dev)
{
    struct vga *vga = calloc(1, sizeof *vga);
    if (!vga) {
        log_error("no memory for the VGA");
        return -ENOMEM;
    }
    vga->machine = machine;
    vga->clock = &machine->clock;
    vga->r = power_on_regs;
    vga_timing_init(&vga->timing, &vga->r, clock_now(vga->clock));
    vga_interrupt_init(vga);
    vga_linear_init(vga);
    machine->vga = vga;
    bus_add_window(&machine->bus, &(struct bus_window){
                                      .first = VGA_WINDOW_FIRST,
                                      .bytes = VGA_WINDOW_BYTES,
                                      .name = "VGA memory",
                                      .dev = vga,
                                      .read = vga_mem_read,
                                      .write = vga_mem_write,
                                  });
    *dev = vga;
    return 0;
}

static void vga_destroy(void *dev)
{
    struct vga *vga = dev;
    vga_set_linear(vga, &(struct vga_linear_policy){0});
    clock_event_disarm(&vga->interrupt_event);
    vga->machine->vga = NULL;
    free(vga);
}

const struct vga_accessor *vga_accessor(const struct vga *vga)
{
    return &vga->accessor;
}

bool vga_text_mode(const struct vga *vga)
{
    return !vga_graphics(&vga->r);
}

u64 vga_frame_count(struct vga *vga)
{
    struct vga_beam beam = vga_timing_beam(&vga->timing, clock_now(vga->clock));
    return vga_timing_retraces(&vga->timing, &beam);
}

u64 vga_next_frame_ns(struct vga *vga)
{
    return vga_timing_next_retrace_ns(&vga->timing, clock_now(vga->clock));
}

const struct dev_class vga_class = {
    .name = "vga",
    .ports = vga_ports,
    .n_ports = ARRAY_LEN(vga_ports),
    .create = vga_create,
    .reset = vga_reset,
    .destroy = vga_destroy,
    .state = vga_state,
};
