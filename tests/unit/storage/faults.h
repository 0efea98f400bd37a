/* The host's disk misbehaving on request: the test program is linked with its own pread, pwrite and fsync. */
#ifndef HUDDLE_TESTS_STORAGE_FAULTS_H
#define HUDDLE_TESTS_STORAGE_FAULTS_H

#include "base/types.h"

struct faults {
    u32 interrupts;  /* the next calls of any kind fail with EINTR */
    u32 max_bytes;   /* longest transfer; 0: no limit */
    int read_error;  /* errno of every pread; 0: none */
    int write_error; /* of every pwrite */
    int sync_error;  /* of every fsync */
    u32 syncs;       /* fsyncs that succeeded */
};

/* The faults in force; all zero makes a good disk. */
struct faults *faults(void);

#endif
