/* The lists in a whole machine of huddle's, executed in its regions: firmware that does nothing else
 * (chase.asm) makes and follows them in 32-bit protected mode, and writes the cycles it counted to the debug
 * port. */
#include "bench/guest.h"
#include "bench/memory.h"
#include "vmm.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum {
    FIRMWARE_BYTES = 0x10000,
    LIST = 16 * MIB,
    LINE_DIGITS = 17, /* with its end */
    TRIES = 5,        /* the best counts */
    GO_ON = 0x80,     /* chase.asm */
    COUNT_LEAST = 1 << 14,
    COUNT_MOST = 1 << 16,
};

/* chase.asm: its table. */
struct table_row {
    u32 elements, random, warm_rounds, rounds;
};

static u32 steps_of(u64 elements)
{
    return (u32)MIN(MAX(elements, (u64)COUNT_LEAST), (u64)COUNT_MOST);
}

_Static_assert(sizeof(struct table_row) * (MEMORY_SIZES_MAX * MEMORY_ORDERS * TRIES + 1) <= 0x1000,
               "it fits chase.asm's table");

static void fill_table(const struct memory_bench *bench, u8 *firmware)
{
    struct table_row row;
    u8 *at = firmware;
    for (u32 i = 0; i < bench->sizes * MEMORY_ORDERS * TRIES; i++) {
        u64 elements = bench->bytes[i / TRIES / MEMORY_ORDERS] / MEMORY_LINE;
        u32 warm = (u32)MAX(elements, (u64)COUNT_LEAST) / MEMORY_STEPS;
        row = (struct table_row){(u32)elements, i % TRIES ? GO_ON : i / TRIES % MEMORY_ORDERS,
                                 i % TRIES ? 0 : warm, steps_of(elements) / MEMORY_STEPS};
        memcpy(at, &row, sizeof row);
        at += sizeof row;
    }
}

/* The lines that it wrote. */
static bool read_lines(struct memory_bench *bench, int fd)
{
    for (u32 i = 0; i < bench->sizes * MEMORY_ORDERS * TRIES; i++) {
        u32 size = i / TRIES / MEMORY_ORDERS;
        struct memory_point *point = &bench->point[MEMORY_flat_huddle][i / TRIES % MEMORY_ORDERS][size];
        char line[LINE_DIGITS + 1] = "";
        if (pread(fd, line, LINE_DIGITS, (off_t)i * LINE_DIGITS) != LINE_DIGITS ||
            line[LINE_DIGITS - 1] != '\n')
            return false;
        u64 cycles = strtoull(line, NULL, 16);
        if (!point->elements || cycles < point->cycles)
            *point = (struct memory_point){steps_of(bench->bytes[size] / MEMORY_LINE), cycles};
    }
    return true;
}

static u64 steps_in_all(const struct memory_bench *bench)
{
    u64 steps = 0;
    for (u32 i = 0; i < bench->sizes; i++)
        steps += (u64)steps_of(bench->bytes[i] / MEMORY_LINE) * MEMORY_ORDERS * TRIES;
    return steps;
}

static int run(struct memory_bench *bench, const u8 *firmware, int fd, struct run_stats *stats)
{
    const char **why = &bench->why[MEMORY_flat_huddle];
    const struct run_config config = {
        .machine = {.ram_bytes = LIST + (u32)MAX(bench->bytes[bench->sizes - 1], (u64)MIB),
                    .clock_mode = CLOCK_MODE_HOST,
                    .boot = "a",
                    .exit_port = 0xf4,
                    .serial_in_fd = -1,
                    .serial_out_fd = -1,
                    .debugcon_fd = fd},
        .bios = firmware,
        .bios_bytes = FIRMWARE_BYTES,
        .level = CLUSTER_ON,
        .window = CLUSTER_WINDOW_DEFAULT,
        .exec = {.executor = EXECUTOR_HOST, .perf_map_fd = -1},
        .horizon = HORIZON_INF, /* or KVM would have the guest */
        .timeout_ns = 60 * NS_PER_S,
        .trace_fd = -1,
        .ram_fd = -1,
    };
    int rc = vmm_run(&config, stats);
    *why = "the machine did not run to its end";
    if (rc || stats->status != 1)
        return rc ? rc : -EPROTO;
    *why = "the list was not followed in regions";
    if (stats->clusters.instructions < steps_in_all(bench))
        return -EPROTO;
    *why = "the machine did not say what it counted";
    if (!read_lines(bench, fd))
        return -EPROTO;
    *why = NULL;
    return 0;
}

int memory_measure_machine(struct memory_bench *bench)
{
    struct run_stats *stats = calloc(1, sizeof *stats);
    u8 *firmware = malloc(FIRMWARE_BYTES);
    int fd = memfd_create("bench", MFD_CLOEXEC), rc = -ENOMEM;
    if (stats && firmware && fd >= 0) {
        memcpy(firmware, bench_chase16, FIRMWARE_BYTES);
        fill_table(bench, firmware);
        rc = run(bench, firmware, fd, stats);
    }
    if (fd >= 0)
        close(fd);
    free(firmware);
    free(stats);
    return rc;
}
