/* The host as benchmarks need it: what it is, its time-stamp counter, on which processor we run. */
#ifndef HUDDLE_BENCH_HOST_H
#define HUDDLE_BENCH_HOST_H

#include "base/types.h"
#include "kvm/backend.h"

#include <jansson.h>
#include <sched.h>
#include <stdio.h>
#include <x86intrin.h>

struct bench_host {
    char cpu[96], kernel[96];
    enum backend backend;
    bool nested;
    bool cpu_is_amd;   /* its guests call the hypervisor by VMMCALL */
    cpu_set_t allowed; /* processors we may use */
    u32 pinned_cpu;
    u64 began_tsc, began_ns; /* to find the counter's rate: the longer, the better */
};

/* `cpu`: to pin to; UINT64_MAX: the last that is allowed. 0; -EINVAL (logged): it is not allowed or not
 * there. */
must_check int bench_host_init(struct bench_host *host, u64 cpu);
/* Runs this thread on that processor only, or on any that is allowed. */
void bench_host_pin(const struct bench_host *host, bool pinned);
/* Cycles of the time-stamp counter in a nanosecond; waits until there is enough time to tell, at most 50 ms.
 */
double bench_host_cycles_per_ns(const struct bench_host *host);

/* The caller's reference. */
json_t *bench_host_json(const struct bench_host *host, double cycles_per_ns);
/* "pvm", "nested vmx" ... */
const char *bench_host_backend(const struct bench_host *host);

u64 bench_now_ns(void);

/* The time-stamp counter, read neither before what was before has been done nor after what follows has begun.
 */
static inline u64 bench_tsc(void)
{
    unsigned aux;
    u64 tsc = __rdtscp(&aux);
    _mm_lfence();
    return tsc;
}

#endif
