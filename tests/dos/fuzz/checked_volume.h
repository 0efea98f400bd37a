/* A drive between the kernel and another: it stops the test where the kernel breaks volume.h's contract, and
 * answers with a random error now and then. */
#ifndef HUDDLE_TESTS_DOS_FUZZ_CHECKED_VOLUME_H
#define HUDDLE_TESTS_DOS_FUZZ_CHECKED_VOLUME_H

#include "dos/volume/volume.h"

struct checked_volume {
    struct volume inner; /* the caller's, open */
    u64 *random;         /* a state of xorshift */
    u32 errors_in;       /* one call in so many fails; 0: none */
    u32 open_files;
    struct volume_class class; /* what `outer` has */
};

/* *outer: to mount. Nothing is owned. */
void checked_volume_open(struct volume *outer, struct checked_volume *checked);
u64 xorshift(u64 *state);

#endif
