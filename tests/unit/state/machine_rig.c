/* The machine of the tests of states. */
#include "machine_rig.h"

#include "base/hash.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { FLOPPY_BYTES = 1440 * KIB, DISK_BYTES = 2 * 16 * 63 * SECTOR_BYTES };

/* A file that is gone when it is closed; every sector has its number in it. */
static struct block *open_image(u32 bytes, enum block_kind kind)
{
    char path[] = "/tmp/huddle-state-XXXXXX";
    struct block *block;
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    for (u32 at = 0; at < bytes; at += SECTOR_BYTES) {
        u8 sector[SECTOR_BYTES];
        memset(sector, (int)(at / SECTOR_BYTES * 7 + 1), sizeof sector);
        assert_int_equal(write(fd, sector, sizeof sector), sizeof sector);
    }
    close(fd);
    assert_int_equal(block_open(&block, path, kind, true), 0);
    unlink(path);
    return block;
}

struct rig *rig_new(void)
{
    struct rig *rig = calloc(1, sizeof *rig);
    assert_non_null(rig);
    rig->config = (struct machine_config){
        .ram_bytes = 2 * MIB,
        .clock_mode = CLOCK_MODE_ACCESS,
        .boot = "ac",
        .rtc_epoch_s = 770472000,
        .serial_in_fd = -1,
        .serial_out_fd = -1,
        .debugcon_fd = -1,
        .floppy = {open_image(FLOPPY_BYTES, BLOCK_FLOPPY)},
        .disk = {open_image(DISK_BYTES, BLOCK_DISK), NULL, open_image(DISK_BYTES, BLOCK_DISK)},
    };
    rig->machine.config = &rig->config;
    assert_int_equal(memory_init(&rig->machine.memory, rig->config.ram_bytes), 0);
    bus_init(&rig->machine.bus);
    clock_init(&rig->machine.clock, CLOCK_MODE_ACCESS);
    trace_init(&rig->machine.trace, -1);
    assert_int_equal(devices_create(&rig->devices, &rig->machine), 0);
    return rig;
}

void rig_free(struct rig *rig)
{
    devices_destroy(&rig->devices);
    assert_null(rig->machine.clock.events);
    block_close(rig->config.floppy[0]);
    block_close(rig->config.disk[0]);
    block_close(rig->config.disk[2]);
    memory_fini(&rig->machine.memory);
    free(rig);
}

u8 rig_in(struct rig *rig, u16 port)
{
    return (u8)machine_port_in(&rig->machine, port, 1);
}

void rig_out(struct rig *rig, u16 port, u8 value)
{
    machine_port_out(&rig->machine, port, 1, value);
}

void rig_advance(struct rig *rig, u64 ns)
{
    struct clock *clock = &rig->machine.clock;
    u64 to_ns = clock->access_ns + ns;
    while (clock->next_deadline_ns <= to_ns)
        clock_jump_to_next(clock);
    clock->access_ns = to_ns;
}

static void contents(struct rig *rig, struct state *s)
{
    state_begin(s, "machine");
    machine_state(&rig->machine, s);
    state_end(s);
    devices_state(&rig->devices, s);
    state_begin(s, "disks");
    block_state(rig->config.floppy[0], s);
    block_state(rig->config.disk[0], s);
    block_state(rig->config.disk[2], s);
    state_end(s);
}

struct saved rig_save(struct rig *rig)
{
    struct state s;
    state_init(&s);
    contents(rig, &s);
    assert_int_equal(state_finish(&s), 0);
    return (struct saved){s.data, s.at};
}

void saved_free(struct saved *saved)
{
    free(saved->data);
    saved->data = NULL;
}

bool rig_load(struct rig *rig, const struct saved *saved, char *why)
{
    struct state s;
    bool ok = state_read_bytes(&s, saved->data, saved->bytes) == 0;
    if (ok) {
        contents(rig, &s);
        ok = state_complete(&s);
    }
    assert_true(ok == !s.failed);
    if (why)
        memcpy(why, s.why, STATE_WHY_BYTES);
    state_fini(&s);
    return ok;
}

void saved_seal(struct saved *saved)
{
    u64 hash = hash64(saved->data, saved->bytes - sizeof hash);
    for (u32 i = 0; i < sizeof hash; i++)
        saved->data[saved->bytes - sizeof hash + i] = (u8)(hash >> 8 * i);
}

struct rig *rig_clone(struct rig *rig)
{
    char why[STATE_WHY_BYTES];
    struct rig *clone = rig_new();
    struct saved first = rig_save(rig);
    if (!rig_load(clone, &first, why))
        fail_msg("refused: %s", why);
    struct saved second = rig_save(clone);
    assert_int_equal(first.bytes, second.bytes);
    assert_memory_equal(first.data, second.data, first.bytes);
    saved_free(&first);
    saved_free(&second);
    return clone;
}
