/* The floor of what an exit costs: KVM_RUN in a loop that serves nothing. Raw ioctls on purpose: nothing of huddle's
 * run loop or vCPU is in it, but for the guest's memory, which is the same. */
#ifndef HUDDLE_BENCH_BARE_LOOP_H
#define HUDDLE_BENCH_BARE_LOOP_H

#include "base/types.h"

struct bare_result {
    u64 exits;
    u64 cpu_ns; /* thread CPU time of the loop */
};

/* Runs the firmware `bios` from reset until the guest writes port F4h. 0 or -errno. */
must_check int bare_loop_run(const u8 *bios, u32 bios_bytes, u32 ram_bytes, struct bare_result *result);

/* CPU time of the calling thread. */
u64 thread_cpu_ns(void);

#endif
