/* A machine with only the chips under test, in access-driven time: the test moves the clock. */
#ifndef TESTS_UNIT_DEV_RIG_H
#define TESTS_UNIT_DEV_RIG_H

#include "dev/devices.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define RIG_MAX_DEVS 8

struct rig {
    struct machine machine;
    struct machine_config config;
    const struct dev_class *class[RIG_MAX_DEVS];
    void *dev[RIG_MAX_DEVS];
    unsigned n;
    bool line[16]; /* what the chips drive, unless the rig has a pic */
    unsigned rises[16];
    u64 rose_ns[16]; /* time of the last rising edge */
};

/* 16 MiB, empty drives, no files; not created yet: change `config` first if the test needs to. */
struct rig *rig_new(void);
/* Creates and resets the chips in order. Lines of chips created before a pic go to rig->line. */
void rig_add(struct rig *rig, const struct dev_class *class);
void rig_free(struct rig *rig);

u8 rig_in(struct rig *rig, u16 port);
void rig_out(struct rig *rig, u16 port, u8 value);

u64 rig_now(const struct rig *rig);
/* Moves time and fires every event at its own deadline. */
void rig_advance_to(struct rig *rig, u64 ns);
void rig_advance(struct rig *rig, u64 ns);
/* Moves time first and then fires what has become due, as when the host was late. */
void rig_oversleep(struct rig *rig, u64 ns);

#endif
