/* The storage tests' fake machine. */
#include "rig.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static void record_irq(void *opaque, u8 n, bool level)
{
    struct rig *rig = opaque;
    rig->irq_edges[n] += level && !rig->irq_level[n];
    rig->irq_level[n] = level;
}

struct rig *rig_create(void)
{
    struct rig *rig = calloc(1, sizeof *rig);
    assert_non_null(rig);
    assert_int_equal(memory_init(&rig->machine.memory, 2 * MIB), 0);
    bus_init(&rig->machine.bus);
    clock_init(&rig->machine.clock, CLOCK_MODE_ACCESS);
    trace_init(&rig->machine.trace, -1);
    rig->machine.config = &rig->config;
    rig->config.serial_in_fd = rig->config.serial_out_fd = rig->config.debugcon_fd = -1;
    for (u8 n = 0; n < 16; n++)
        rig->machine.irq[n] = (struct irq_line){.set = record_irq, .opaque = rig, .n = n};
    return rig;
}

void rig_destroy(struct rig *rig)
{
    while (rig->n_devs) {
        rig->n_devs--;
        rig->class[rig->n_devs]->destroy(rig->dev[rig->n_devs]);
    }
    assert_null(rig->machine.clock.events); /* a device that is gone must not fire */
    for (u32 i = 0; i < MACHINE_FLOPPIES; i++)
        block_close(rig->config.floppy[i]);
    for (u32 i = 0; i < MACHINE_DISKS; i++)
        block_close(rig->config.disk[i]);
    for (u32 i = 0; i < rig->n_paths; i++)
        unlink(rig->path[i]);
    memory_fini(&rig->machine.memory);
    free(rig);
}

void rig_add(struct rig *rig, const struct dev_class *class)
{
    void **dev = &rig->dev[rig->n_devs];
    assert_int_equal(class->create(&rig->machine, dev), 0);
    bus_add_ports(&rig->machine.bus, class->ports, class->n_ports, *dev);
    class->reset(*dev);
    rig->class[rig->n_devs++] = class;
}

void rig_pass(struct rig *rig, u64 ns)
{
    struct clock *clock = &rig->machine.clock;
    u64 end = clock->access_ns + ns;
    while (clock->next_deadline_ns <= end)
        clock_jump_to_next(clock);
    clock->access_ns = end;
}

u8 rig_in(struct rig *rig, u16 port)
{
    return (u8)bus_in(&rig->machine.bus, port, 1);
}

void rig_out(struct rig *rig, u16 port, u8 value)
{
    bus_out(&rig->machine.bus, port, 1, value);
}

u8 rig_sector_byte(u64 lba, u32 offset)
{
    return (u8)(lba * 7 + offset * 3 + (offset >> 8) + (lba >> 8));
}

void rig_fill_sector(u64 lba, u8 *sector)
{
    for (u32 i = 0; i < SECTOR_BYTES; i++)
        sector[i] = rig_sector_byte(lba, i);
}

const char *rig_image(struct rig *rig, u64 sectors)
{
    char *path = rig->path[rig->n_paths++];
    strcpy(path, "/tmp/huddle-storage-XXXXXX");
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    u8 sector[SECTOR_BYTES];
    for (u64 lba = 0; lba < sectors; lba++) {
        rig_fill_sector(lba, sector);
        assert_int_equal(write(fd, sector, sizeof sector), sizeof sector);
    }
    close(fd);
    return path;
}

struct block *rig_open(struct rig *rig, u64 sectors, enum block_kind kind)
{
    struct block *block;
    assert_int_equal(block_open(&block, rig_image(rig, sectors), kind, false), 0);
    return block;
}

/* The superuser's right to write any file, which would spoil the test. */
static void set_override(bool on)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];
    assert_int_equal(syscall(SYS_capget, &header, data), 0);
    u32 bit = BIT(CAP_DAC_OVERRIDE) & data[0].permitted;
    data[0].effective = on ? data[0].effective | bit : data[0].effective & ~bit;
    assert_int_equal(syscall(SYS_capset, &header, data), 0);
}

struct block *rig_open_protected(struct rig *rig, u64 sectors, enum block_kind kind)
{
    struct block *block;
    const char *path = rig_image(rig, sectors);
    assert_int_equal(chmod(path, 0444), 0);
    set_override(false);
    int rc = block_open(&block, path, kind, false);
    set_override(true);
    assert_int_equal(rc, 0);
    return block;
}

void rig_file_sector(const char *path, u64 lba, u8 *sector)
{
    int fd = open(path, O_RDONLY);
    assert_true(fd >= 0);
    assert_int_equal(pread(fd, sector, SECTOR_BYTES, (off_t)(lba * SECTOR_BYTES)), SECTOR_BYTES);
    close(fd);
}
