/* What drivers do with each chip, cut off anywhere. */
#include "traffic.h"

#include "base/hash.h"
#include "dev/kbc.h"
#include "dev/pic.h"
#include "dev/vga/vga.h"

u32 traffic_random(struct traffic *t, u32 below)
{
    t->seed ^= t->seed << 13;
    t->seed ^= t->seed >> 7;
    t->seed ^= t->seed << 17;
    return (u32)(t->seed >> 16) % below;
}

static void see(struct traffic *t, u64 what)
{
    u64 link[2] = {t->seen, what};
    t->seen = hash64(link, sizeof link);
}

static u8 byte(struct traffic *t)
{
    return (u8)traffic_random(t, 256);
}

static void in(struct traffic *t, struct rig *rig, u16 port)
{
    see(t, machine_port_in(&rig->machine, port, 1));
}

static void words(struct traffic *t, struct rig *rig, u16 port, u32 most)
{
    for (u32 n = traffic_random(t, most); n; n--)
        see(t, machine_port_in(&rig->machine, port, 2));
}

static void pit(struct traffic *t, struct rig *rig)
{
    rig_out(rig, 0x43, byte(t));
    for (u32 n = traffic_random(t, 4); n; n--)
        rig_out(rig, (u16)(0x40 + traffic_random(t, 3)), byte(t));
    for (u32 n = traffic_random(t, 4); n; n--)
        in(t, rig, (u16)(0x40 + traffic_random(t, 3)));
    rig_out(rig, 0x61, byte(t));
    in(t, rig, 0x61);
}

static void pic(struct traffic *t, struct rig *rig)
{
    u16 base = traffic_random(t, 2) ? 0x20 : 0xa0;
    if (traffic_random(t, 3) == 0) {
        rig_out(rig, base, (u8)(0x10 | traffic_random(t, 16)));
        for (u32 n = traffic_random(t, 4); n; n--)
            rig_out(rig, base + 1, byte(t));
    }
    rig_out(rig, base, byte(t) & (u8)~0x10);
    rig_out(rig, base + 1, byte(t) & byte(t));
    in(t, rig, (u16)(base + traffic_random(t, 2)));
}

static void rtc(struct traffic *t, struct rig *rig)
{
    rig_out(rig, 0x70, byte(t));
    if (traffic_random(t, 2))
        rig_out(rig, 0x71, byte(t));
    in(t, rig, 0x71);
}

static void keyboard(struct traffic *t, struct rig *rig)
{
    static const u8 commands[] = {0x20, 0x60, 0x60, 0xd1, 0xd2, 0xd3, 0xd4, 0xd4,
                                  0xd4, 0xa7, 0xa8, 0xaa, 0xad, 0xae, 0x72};
    if (traffic_random(t, 2))
        rig_out(rig, 0x64, commands[traffic_random(t, ARRAY_LEN(commands))]);
    if (traffic_random(t, 2))
        rig_out(rig, 0x60, traffic_random(t, 2) ? (u8)(0xe6 + traffic_random(t, 26)) : byte(t));
    kbc_key(rig->machine.kbc, (enum key)(1 + traffic_random(t, KEY_COUNT - 1)), traffic_random(t, 2));
    kbc_mouse(rig->machine.kbc, (int)traffic_random(t, 600) - 300, (int)traffic_random(t, 600) - 300, 1,
              byte(t) & 7);
    in(t, rig, 0x64);
    for (u32 n = traffic_random(t, 3); n; n--)
        in(t, rig, 0x60);
}

static void dma(struct traffic *t, struct rig *rig)
{
    static const u16 ports[] = {4, 5, 4, 5, 0x0c, 0x81, 0x83, 0xc4, 0xc6, 0xd8, 0x00, 0x01, 0x08};
    u16 port = ports[traffic_random(t, ARRAY_LEN(ports))];
    rig_out(rig, port, byte(t));
    in(t, rig, port);
    rig_out(rig, 0x0b, (u8)(0x42 | (traffic_random(t, 8) << 2)));
    rig_out(rig, 0x0a, 2);
    rig_out(rig, 0x08, 0);
}

static void floppy(struct traffic *t, struct rig *rig)
{
    static const u8 commands[][9] = {
        {0xe6, 0, 0, 0, 1, 2, 18, 0x1b, 0xff},
        {0xc5, 0, 0, 0, 1, 2, 18, 0x1b, 0xff},
        {0x4d, 0, 2, 2, 0x1b, 0xf6},
        {0x07, 0},
        {0x0f, 0, 5},
        {0x08},
        {0x03, 0xdf, 0x02},
        {0x03, 0xdf, 0x03},
        {0x4a, 0},
        {0x13, 0, 0x57, 0},
        {0x0e},
        {0x42, 0, 0, 0, 1, 2, 9, 0x1b, 0xff},
        {0x56, 0x80, 0, 0, 1, 2, 18, 0x1b, 3},
    };
    static const u8 lengths[] = {9, 9, 6, 2, 3, 1, 3, 3, 2, 4, 1, 9, 9};
    u32 which = traffic_random(t, ARRAY_LEN(commands));
    if (traffic_random(t, 12) == 0)
        rig_out(rig, 0x3f2, traffic_random(t, 2) ? 0x1c : 0x18);
    if (traffic_random(t, 4) == 0)
        rig_out(rig, 0x3f7, (u8)traffic_random(t, 3));
    u32 n = traffic_random(t, 3) ? lengths[which] : traffic_random(t, lengths[which] + 1u);
    for (u32 i = 0; i < n; i++) {
        rig_out(rig, 0x3f5, commands[which][i]);
        rig_advance(rig, traffic_random(t, 20) * NS_PER_US);
    }
    for (n = traffic_random(t, 30); n; n--) {
        in(t, rig, 0x3f4);
        in(t, rig, 0x3f5);
    }
    if (traffic_random(t, 4) == 0)
        for (n = traffic_random(t, 20); n; n--)
            rig_out(rig, 0x3f5, byte(t));
}

static void disk(struct traffic *t, struct rig *rig)
{
    static const u8 commands[] = {0x20, 0x20, 0xc4, 0x30, 0x30, 0xc5, 0xc6, 0xec,
                                  0xe4, 0xe8, 0x40, 0x70, 0x90, 0x91, 0xef, 0xe7};
    u16 base = traffic_random(t, 3) ? 0x1f0 : 0x170;
    if (traffic_random(t, 3)) {
        rig_out(rig, base + 2, (u8)(1 << traffic_random(t, 5)));
        rig_out(rig, base + 3, (u8)(1 + traffic_random(t, 60)));
        rig_out(rig, base + 4, (u8)traffic_random(t, 8));
        rig_out(rig, base + 5, (u8)(traffic_random(t, 9) == 0));
        rig_out(rig, base + 6, traffic_random(t, 9) ? 0xe0 : byte(t));
        rig_out(rig, base + 7, commands[traffic_random(t, ARRAY_LEN(commands))]);
    }
    rig_advance(rig, traffic_random(t, 10) * NS_PER_US);
    in(t, rig, base + 7);
    words(t, rig, base, 300);
    for (u32 n = traffic_random(t, 300); n; n--)
        machine_port_out(&rig->machine, base, 2, traffic_random(t, 65536));
    if (traffic_random(t, 30) == 0)
        rig_out(rig, base + 0x206, (u8)traffic_random(t, 8));
    in(t, rig, base + 1);
}

static void serial(struct traffic *t, struct rig *rig)
{
    u16 port = (u16)(0x3f8 + traffic_random(t, 8));
    if (traffic_random(t, 2))
        rig_out(rig, 0x3fc, 0x1f);
    rig_out(rig, port, byte(t));
    rig_out(rig, 0x3fb, (u8)(3 | (traffic_random(t, 8) == 0) << 7));
    rig_out(rig, 0x3f8, byte(t));
    in(t, rig, (u16)(0x3f8 + traffic_random(t, 8)));
}

static void display(struct traffic *t, struct rig *rig)
{
    static const u16 index[] = {0x3c4, 0x3ce, 0x3d4, 0x3b4};
    u16 port = index[traffic_random(t, ARRAY_LEN(index))];
    rig_out(rig, port, (u8)traffic_random(t, 0x1a));
    rig_out(rig, port + 1, byte(t));
    in(t, rig, port + 1);
    rig_out(rig, 0x3c0, byte(t));
    if (traffic_random(t, 3) == 0)
        in(t, rig, 0x3da);
    if (traffic_random(t, 9) == 0)
        rig_out(rig, 0x3c2, byte(t) | 2);
    rig_out(rig, (u16)(0x3c7 + traffic_random(t, 3)), byte(t));
    in(t, rig, 0x3c9);
    for (u32 n = traffic_random(t, 8); n; n--) {
        gpa_t addr = 0xa0000 + traffic_random(t, 0x20000 - 4);
        machine_mmio_write(&rig->machine, addr, 1, byte(t));
        see(t, machine_mmio_read(&rig->machine, addr ^ traffic_random(t, 4), 1));
    }
    see(t, vga_frame_count(rig->machine.vga));
}

static void others(struct traffic *t, struct rig *rig)
{
    rig_out(rig, 0x92, byte(t) & (u8)~1);
    in(t, rig, 0x92);
    rig_out(rig, 0x80, byte(t));
    in(t, rig, 0x80);
    rig_out(rig, 0xf0, 0);
    machine_port_out(&rig->machine, 0x510, 2, traffic_random(t, 0x28));
    words(t, rig, 0x511, 40);
    u8 *ram = rig->machine.memory.plain;
    ram[traffic_random(t, rig->config.ram_bytes)] = byte(t);
}

void traffic_step(struct traffic *t, struct rig *rig)
{
    static void (*const kinds[])(struct traffic *, struct rig *) = {
        pit, pic, rtc, keyboard, dma, floppy, floppy, disk, disk, serial, display, others,
    };
    kinds[traffic_random(t, ARRAY_LEN(kinds))](t, rig);
    if (traffic_random(t, 4) == 0)
        rig_advance(rig, traffic_random(t, 3000) * NS_PER_US);
    if (rig->machine.intr && traffic_random(t, 2))
        see(t, pic_acknowledge(rig->machine.pic));
    see(t, rig->machine.intr);
    rig->machine.requests = 0;
}
