/* huddle bench memory: what memory costs a guest, after Drepper, "The Cost of Virtualization" (ACM Queue,
 * 2008): a list is followed, element by element, in this process and in guests. An element is a cache line;
 * the list is longer and longer, so that the caches, and then what translates addresses, no longer hold it.
 */
#ifndef HUDDLE_BENCH_MEMORY_H
#define HUDDLE_BENCH_MEMORY_H

#include "bench/host.h"

/* id: in JSON and CSV; column: in the table; text: in legends. */
#define MEMORY_PLACES(X)                                                                                     \
    X(host_small, "host 4K", "host, 4 KiB pages")                                                            \
    X(host_huge, "host huge", "host, huge pages")                                                            \
    X(long_small, "64-bit 4K", "guest, 64-bit, 4 KiB pages")                                                 \
    X(long_huge, "64-bit huge", "guest, 64-bit, huge pages")                                                 \
    X(flat_kvm, "32-bit KVM", "guest, 32-bit, in KVM")                                                       \
    X(flat_huddle, "in regions", "guest, 32-bit, in huddle's regions")

enum memory_place {
#define X(id, column, text) MEMORY_##id,
    MEMORY_PLACES(X)
#undef X
        MEMORY_PLACE_COUNT
};

enum memory_order { MEMORY_SEQUENTIAL, MEMORY_RANDOM, MEMORY_ORDERS };

enum {
    MEMORY_LINE = 64,  /* bytes an element has */
    MEMORY_STEPS = 16, /* elements a round of the code follows */
    MEMORY_SIZES_MAX = 20,
};

struct memory_point {
    u64 elements; /* followed; 0: not measured */
    u64 cycles;
};

struct memory_config {
    u64 most_bytes; /* the longest list: a power of two from 1 KiB to 256 MiB */
    u32 point_ms;   /* about so long for a point, after as much to warm up */
};

struct memory_bench {
    struct bench_host host;
    struct memory_config config;
    double cycles_per_ns;
    u32 sizes;
    u64 bytes[MEMORY_SIZES_MAX];
    const char *why[MEMORY_PLACE_COUNT]; /* not there; static text */
    struct memory_point point[MEMORY_PLACE_COUNT][MEMORY_ORDERS][MEMORY_SIZES_MAX];
};

const char *memory_id(enum memory_place place);
const char *memory_column(enum memory_place place);
const char *memory_text(enum memory_place place);
const char *memory_order_text(enum memory_order order);
/* Where the same pages are, but no guest. */
enum memory_place memory_reference(enum memory_place place);
/* Nanoseconds an element, 0 where there is no point. */
double memory_ns(const struct memory_bench *bench, enum memory_place place, enum memory_order order,
                 u32 size);

/* Measures in a whole machine, executed by huddle. 0 or -errno; bench->why says what failed. */
typedef int memory_machine(struct memory_bench *bench);

/* Measures all; `host` and `config` are set. What cannot be had here is no error. 0 or -errno (logged). `machine` is
 * memory_measure_machine: to link with it is to link with all of huddle. */
must_check int memory_measure(struct memory_bench *bench, memory_machine *machine);

/* The element behind element `i` of `n`, a power of two: a random order that comes to each (Hull and Dobell,
 * 1962). */
static inline u32 memory_next(u32 i, u32 n, enum memory_order order)
{
    return (order == MEMORY_RANDOM ? i * 0x915f77f5u + 0x3c6ef35fu : i + 1) & (n - 1);
}

/* memory_machine.c */
must_check int memory_measure_machine(struct memory_bench *bench);

/* memory_report.c */
void memory_print(FILE *out, const struct memory_bench *bench);
/* The caller's reference. */
json_t *memory_json(const struct memory_bench *bench);
/* 0 or -errno (logged). */
must_check int memory_csv(const struct memory_bench *bench, const char *path);
must_check int memory_svg(const struct memory_bench *bench, const char *path);

#endif
