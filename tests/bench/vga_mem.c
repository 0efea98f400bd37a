/* Nanoseconds per VGA access, no processor involved: the accessors of each kind of memory access, called as host code calls
 * them, register writes that choose an accessor or go to the raster journal, input status 1, and a whole picture per mode.
 * For people, not for CI: numbers depend on the host. */
#include "base/types.h"
#include "dev/devices.h"
#include "dev/vga/vga.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define ROUNDS 4000000u

static double seconds(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts); /* other work may go on */
    return (double)ts.tv_sec + 1e-9 * (double)ts.tv_nsec;
}

static void pair_out(struct machine *m, u16 port, u8 index, u8 value)
{
    bus_out(&m->bus, port, 2, index | (u32)value << 8);
}

/* Memory mode, map mask, GC mode, GC misc, function, bit mask. */
static const struct kind {
    const char *name;
    u8 seq4, seq2, gc5, gc6, gc3, gc8, gc1;
} kinds[] = {
    {"planar, write mode 0, nothing to do", 6, 15, 0, 5, 0, 0xff, 0},
    {"planar, write mode 0, bit mask, XOR", 6, 15, 0, 5, 0x18, 0x3c, 15},
    {"planar, write mode 1", 6, 15, 1, 5, 0, 0xff, 0},
    {"planar, write mode 2, bit mask", 6, 15, 2, 5, 0, 0x80, 0},
    {"planar, write mode 3", 6, 15, 3, 5, 0, 0xff, 0},
    {"chain-4", 14, 15, 0x40, 5, 0, 0xff, 0},
    {"odd/even text", 2, 3, 0x10, 0x0e, 0, 0xff, 0},
    {"planar, read mode 1", 6, 15, 8, 5, 0, 0xff, 0},
};

static void select_kind(struct machine *m, const struct kind *k)
{
    bus_out(&m->bus, 0x3c2, 1, 0x63);
    pair_out(m, 0x3c4, 4, k->seq4);
    pair_out(m, 0x3c4, 2, k->seq2);
    pair_out(m, 0x3ce, 5, k->gc5);
    pair_out(m, 0x3ce, 6, k->gc6);
    pair_out(m, 0x3ce, 3, k->gc3);
    pair_out(m, 0x3ce, 8, k->gc8);
    pair_out(m, 0x3ce, 1, k->gc1);
}

static double time_writes(struct vga *vga, u8 size)
{
    const struct vga_accessor *a = vga_accessor(vga);
    double start = seconds();
    for (u32 i = 0; i < ROUNDS; i++)
        a->write(vga, a->first + (i * size & 0x7fff), size, i);
    return (seconds() - start) * 1e9 / ROUNDS;
}

static double time_reads(struct vga *vga, u8 size, u32 *sum)
{
    const struct vga_accessor *a = vga_accessor(vga);
    double start = seconds();
    for (u32 i = 0; i < ROUNDS; i++)
        *sum += a->read(vga, a->first + (i * size & 0x7fff), size);
    return (seconds() - start) * 1e9 / ROUNDS;
}

static void bench_memory(struct machine *m, u32 *sum)
{
    printf("%-40s %8s %8s %8s %8s\n", "ns per access", "write 1", "write 4", "read 1", "read 4");
    for (u32 i = 0; i < ARRAY_LEN(kinds); i++) {
        select_kind(m, &kinds[i]);
        printf("%-40s %8.2f %8.2f %8.2f %8.2f\n", kinds[i].name, time_writes(m->vga, 1), time_writes(m->vga, 4),
               time_reads(m->vga, 1, sum), time_reads(m->vga, 4, sum));
    }
}

static void bench_ports(struct machine *m, u32 *sum)
{
    double start = seconds();
    for (u32 i = 0; i < ROUNDS; i++)
        pair_out(m, 0x3ce, 8, (u8)i);
    printf("%-40s %8.2f\n", "bit mask", (seconds() - start) * 1e9 / ROUNDS);
    start = seconds();
    for (u32 i = 0; i < ROUNDS; i++)
        bus_out(&m->bus, 0x3c6, 1, (u8)i);
    printf("%-40s %8.2f\n", "DAC mask (journalled)", (seconds() - start) * 1e9 / ROUNDS);
    start = seconds();
    for (u32 i = 0; i < ROUNDS; i++)
        *sum += bus_in(&m->bus, 0x3da, 1);
    printf("%-40s %8.2f\n", "input status 1", (seconds() - start) * 1e9 / ROUNDS);
}

static void bench_picture(struct machine *m, u32 *sum)
{
    static const u8 crtc[][2] = {{0x06, 0x0b}, {0x07, 0x3e}, {0x09, 0x40}, {0x10, 0xea}, {0x12, 0xdf},
                                 {0x13, 0x28}, {0x15, 0xe7}, {0x16, 0x04}, {0x17, 0xe3}};
    struct vga_picture picture = {0};
    for (u32 i = 0; i < ARRAY_LEN(crtc); i++)
        pair_out(m, 0x3d4, crtc[i][0], crtc[i][1]);
    pair_out(m, 0x3c4, 1, 1);
    bus_out(&m->bus, 0x3c0, 1, 0x20);
    double start = seconds();
    for (u32 i = 0; i < 100; i++)
        if (vga_render(m->vga, VGA_VIEW_STILL, &picture) == 0)
            *sum += picture.pixels[i];
    printf("picture of %u x %u: %.3f ms\n", picture.width, picture.height, (seconds() - start) * 10);
    vga_picture_fini(&picture);
}

int main(void)
{
    struct machine *m = calloc(1, sizeof *m);
    void *dev;
    u32 sum = 0;
    if (!m)
        return 1;
    bus_init(&m->bus);
    clock_init(&m->clock, CLOCK_MODE_HOST);
    if (vga_class.create(m, &dev))
        return 1;
    bus_add_ports(&m->bus, vga_class.ports, vga_class.n_ports, dev);
    vga_class.reset(dev);
    bench_memory(m, &sum);
    bench_ports(m, &sum);
    bench_picture(m, &sum);
    printf("(checksum %08x)\n", sum);
    vga_class.destroy(dev);
    free(m);
    return 0;
}
