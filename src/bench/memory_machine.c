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
    TABLE_BYTES = 0x4000, /* chase.asm */
    LIST = 16 * MIB,
    LINE_DIGITS = 17, /* with its end */
    TRIES = 12,       /* the best counts: what disturbs only adds, so they are short */
    GO_ON = 0x80,     /* chase.asm */
    CONTROL_ELEMENTS = 16,
    STEPS = 1 << 16,
    STEPS_SLOW = 1 << 13, /* at random, where the caches no longer hold the list */
    SLOW_BYTES = 1 * MIB,
};

/* chase.asm: its table. */
struct table_row {
    u32 elements, how, warm_rounds, rounds;
};

_Static_assert(sizeof(struct table_row) * ((MEMORY_SIZES_MAX * MEMORY_ORDERS + 1) * TRIES + 1) <= TABLE_BYTES,
               "it fits chase.asm's table");

/* Points in the order of the table; before the first comes the control, which follows nothing. */
struct place_in_table {
    bool control;
    u32 size;
    enum memory_order order;
};

static struct place_in_table place_of(u32 row)
{
    u32 point = row / TRIES;
    if (!point)
        return (struct place_in_table){.control = true};
    return (struct place_in_table){.size = (point - 1) / MEMORY_ORDERS, .order = (point - 1) % MEMORY_ORDERS};
}

static u32 rows_of(const struct memory_bench *bench)
{
    return (bench->sizes * MEMORY_ORDERS + 1) * TRIES;
}

static u32 steps_of(const struct memory_bench *bench, struct place_in_table place)
{
    if (place.control)
        return 0;
    return place.order == MEMORY_RANDOM && bench->bytes[place.size] > SLOW_BYTES ? STEPS_SLOW : STEPS;
}

static void fill_table(const struct memory_bench *bench, u8 *firmware)
{
    for (u32 i = 0; i < rows_of(bench); i++) {
        struct place_in_table place = place_of(i);
        u32 elements = place.control ? CONTROL_ELEMENTS : (u32)(bench->bytes[place.size] / MEMORY_LINE);
        struct table_row row = {
            .elements = elements, .how = GO_ON, .rounds = steps_of(bench, place) / MEMORY_STEPS};
        if (i % TRIES == 0) {
            row.how = place.order;
            row.warm_rounds = MAX(elements, (u32)STEPS) / MEMORY_STEPS;
        }
        memcpy(firmware + i * sizeof row, &row, sizeof row);
    }
}

/* The lines that it wrote. */
static bool read_lines(struct memory_bench *bench, int fd)
{
    u64 control = UINT64_MAX;
    for (u32 i = 0; i < rows_of(bench); i++) {
        struct place_in_table place = place_of(i);
        struct memory_point *point = &bench->point[MEMORY_flat_huddle][place.order][place.size];
        char line[LINE_DIGITS + 1] = "";
        if (pread(fd, line, LINE_DIGITS, (off_t)i * LINE_DIGITS) != LINE_DIGITS ||
            line[LINE_DIGITS - 1] != '\n')
            return false;
        u64 cycles = strtoull(line, NULL, 16);
        if (place.control) {
            control = MIN(control, cycles);
            continue;
        }
        cycles = cycles > control ? cycles - control : 1;
        if (!point->elements || cycles < point->cycles)
            *point = (struct memory_point){steps_of(bench, place), cycles};
    }
    return true;
}

static u64 steps_in_all(const struct memory_bench *bench)
{
    u64 steps = 0;
    for (u32 i = 0; i < rows_of(bench); i++)
        steps += steps_of(bench, place_of(i));
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
