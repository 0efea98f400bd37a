/* See host.h. */
#include "base/host.h"

#include <cpuid.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>

static u64 read_clock(clockid_t clock)
{
    struct timespec ts;
    clock_gettime(clock, &ts);
    return (u64)ts.tv_sec * NS_PER_S + (u64)ts.tv_nsec;
}

u64 host_monotonic_ns(void)
{
    return read_clock(CLOCK_MONOTONIC);
}

u64 host_thread_cpu_ns(void)
{
    return read_clock(CLOCK_THREAD_CPUTIME_ID);
}

void host_cpu_name(char *text, size_t size)
{
    u32 brand[13] = {0};
    text[0] = '\0';
    for (u32 i = 0; i < 3; i++)
        if (!__get_cpuid(0x80000002 + i, &brand[i * 4], &brand[i * 4 + 1], &brand[i * 4 + 2], &brand[i * 4 + 3]))
            return;
    const char *name = (const char *)brand;
    snprintf(text, size, "%s", name + strspn(name, " "));
}

void host_kernel_name(char *text, size_t size)
{
    struct utsname name;
    text[0] = '\0';
    if (!uname(&name))
        snprintf(text, size, "%s %s", name.sysname, name.release);
}
