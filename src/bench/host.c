/* See host.h. */
#include "bench/host.h"

#include "base/host.h"
#include "base/log.h"
#include "report/json.h"

#include <cpuid.h>
#include <errno.h>
#include <string.h>
#include <time.h>

u64 bench_now_ns(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC_RAW, &ts);
    return (u64)ts.tv_sec * NS_PER_S + (u64)ts.tv_nsec;
}

static bool cpu_is_amd(void)
{
    u32 vendor[4];
    return __get_cpuid(0, &vendor[3], &vendor[0], &vendor[2], &vendor[1]) &&
           (!memcmp(vendor, "AuthenticAMD", 12) || !memcmp(vendor, "HygonGenuine", 12));
}

static int choose_cpu(struct bench_host *host, u64 cpu)
{
    if (sched_getaffinity(0, sizeof host->allowed, &host->allowed)) {
        int rc = -errno;
        log_error("cannot tell which processors may be used: %s", strerror(-rc));
        return rc;
    }
    if (cpu == UINT64_MAX) {
        for (u32 i = 0; i < CPU_SETSIZE; i++)
            if (CPU_ISSET(i, &host->allowed))
                host->pinned_cpu = i;
        return 0;
    }
    if (cpu >= CPU_SETSIZE || !CPU_ISSET(cpu, &host->allowed)) {
        log_error("--cpu=%llu: there is no such processor, or this process may not use it",
                  (unsigned long long)cpu);
        return -EINVAL;
    }
    host->pinned_cpu = (u32)cpu;
    return 0;
}

int bench_host_init(struct bench_host *host, u64 cpu)
{
    memset(host, 0, sizeof *host);
    host->cpu_is_amd = cpu_is_amd();
    host_cpu_name(host->cpu, sizeof host->cpu);
    if (!host->cpu[0])
        snprintf(host->cpu, sizeof host->cpu, "unknown");
    host_kernel_name(host->kernel, sizeof host->kernel);
    host->backend = backend_detect();
    host->nested = backend_host_nested();
    host->began_ns = bench_now_ns();
    host->began_tsc = bench_tsc();
    return choose_cpu(host, cpu);
}

void bench_host_pin(const struct bench_host *host, bool pinned)
{
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(host->pinned_cpu, &one);
    if (sched_setaffinity(0, sizeof one, pinned ? &one : &host->allowed))
        log_warn("cannot choose the processor: %s", strerror(errno));
}

double bench_host_cycles_per_ns(const struct bench_host *host)
{
    enum { LEAST_NS = 50 * NS_PER_MS };
    u64 ns, tsc;
    do {
        ns = bench_now_ns() - host->began_ns;
        tsc = bench_tsc() - host->began_tsc;
    } while (ns < LEAST_NS);
    return (double)tsc / (double)ns;
}

const char *bench_host_backend(const struct bench_host *host)
{
    return backend_name(host->backend, host->nested);
}

json_t *bench_host_json(const struct bench_host *host, double cycles_per_ns)
{
    json_t *o = json_object();
    json_object_set_new(o, "cpu", json_text(host->cpu));
    json_object_set_new(o, "kernel", json_text(host->kernel));
    json_object_set_new(o, "backend", json_text(bench_host_backend(host)));
    json_object_set_new(o, "pinned_cpu", json_integer(host->pinned_cpu));
    json_object_set_new(o, "tsc_hz", json_integer((json_int_t)(cycles_per_ns * 1e9)));
    return o;
}
