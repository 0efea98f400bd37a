/* The host: its clocks, and what it is called. */
#ifndef HUDDLE_BASE_HOST_H
#define HUDDLE_BASE_HOST_H

#include "base/types.h"

#include <stddef.h>

/* Nanoseconds of CLOCK_MONOTONIC; and of processor time that the calling thread has used. */
u64 host_monotonic_ns(void);
u64 host_thread_cpu_ns(void);

/* The processor's brand string (CPUID 8000_0002h to 8000_0004h), "Linux 6.1.0"; "" if nobody says. */
void host_cpu_name(char *text, size_t size);
void host_kernel_name(char *text, size_t size);

#endif
