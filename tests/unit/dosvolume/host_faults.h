/* The host misbehaving on request: the test program is linked with its own pread, pwrite, fsync and extended
 * attributes. */
#ifndef HUDDLE_TESTS_DOSVOLUME_HOST_FAULTS_H
#define HUDDLE_TESTS_DOSVOLUME_HOST_FAULTS_H

#include "base/types.h"

struct host_faults {
    u32 interrupts;  /* the next calls of any kind fail with EINTR */
    u32 max_bytes;   /* longest transfer; 0: no limit */
    int read_error;  /* errno of every pread; 0: none */
    int write_error; /* of every pwrite */
    int sync_error;  /* of every fsync */
    int xattr_error; /* of every call for extended attributes */
    bool writes_end; /* after `writes_left` more, pwrite fails with EIO */
    u32 writes_left;
    u32 reads, xattr_reads, syncs; /* calls so far; fsync: that succeeded */
};

/* The faults in force; all zero makes a good host. */
struct host_faults *host_faults(void);

#endif
