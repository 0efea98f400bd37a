/* A machine with all its chips and no processor, under the access clock, whose state is saved to and loaded
 * from memory. */
#ifndef TESTS_UNIT_STATE_MACHINE_RIG_H
#define TESTS_UNIT_STATE_MACHINE_RIG_H

#include "dev/block.h"
#include "dev/devices.h"
#include "machine/state.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

struct rig {
    struct machine machine;
    struct machine_config config;
    struct devices devices;
};

/* 2 MiB, a floppy and two disks with a snapshot each. The images are the same in all rigs. */
struct rig *rig_new(void);
void rig_free(struct rig *rig);

u8 rig_in(struct rig *rig, u16 port);
void rig_out(struct rig *rig, u16 port, u8 value);
/* Moves time on, event by event. */
void rig_advance(struct rig *rig, u64 ns);

/* A whole state, as the file would be. */
struct saved {
    u8 *data;
    size_t bytes;
};
struct saved rig_save(struct rig *rig);
void saved_free(struct saved *saved);
/* True if it was loaded. Else the machine must not be used until another was; `why`, if not NULL, has
 * STATE_WHY_BYTES. */
bool rig_load(struct rig *rig, const struct saved *saved, char *why);
/* Makes the checksum right again. */
void saved_seal(struct saved *saved);

/* A second machine in the state of `rig`; saved again it must be the same to the last byte. */
struct rig *rig_clone(struct rig *rig);

#endif
