/* What huddle adds to an exit: its run loop with clustering off against a bare KVM_RUN loop, on the guest bench-exits.
 * Both run the same image (exit_firmware.asm); each figure is the CPU time of the loop (the thread's; huddle's other
 * thread sleeps) between two counts of accesses, so that what happens once cancels. Rounds of both sides alternate; the
 * median ratio of the rounds counts. */
#include "bare_loop.h"
#include "vmm.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    FIRMWARE_BYTES = 0x10000,
    GUEST_PARAM = 0x20, /* offsets in the guest: guests/include/boot.inc */
    GUEST_FLAG = 0x24,
    RAM_BYTES = 2 * MIB,
    COUNT_FEW = 200,
    COUNT_MANY = 3200,
    ROUNDS_DEFAULT = 31,
    ROUNDS_MAX = 201,
};

#define LIMIT_RATIO 1.10

static const struct {
    u8 flag;
    u8 exits; /* per count */
    const char *name;
} kinds[] = {
    {0, 1, "out 80h, al"},      {1, 1, "in al, 61h"}, {2, 1, "store to A0000h"},
    {3, 1, "load from A0000h"}, {4, 1, "rep outsb"},  {5, 2, "VGA index/data pair"},
};

static double guest_exits(size_t kind)
{
    return (double)(COUNT_MANY - COUNT_FEW) * kinds[kind].exits;
}

struct sample {
    u64 exits;
    u64 cpu_ns;
};

typedef int runner_t(const u8 *firmware, enum clock_mode clock, struct sample *sample);

static int run_bare(const u8 *firmware, enum clock_mode clock, struct sample *sample)
{
    struct bare_result result;
    (void)clock;
    int rc = bare_loop_run(firmware, FIRMWARE_BYTES, RAM_BYTES, &result);
    *sample = (struct sample){result.exits, result.cpu_ns};
    return rc;
}

static int run_huddle(const u8 *firmware, enum clock_mode clock, struct sample *sample)
{
    struct run_config config = {
        .machine = {.ram_bytes = RAM_BYTES, .clock_mode = clock, .boot = "a", .exit_port = 0xf4,
                    .serial_in_fd = -1, .serial_out_fd = -1, .debugcon_fd = -1},
        .bios = firmware,
        .bios_bytes = FIRMWARE_BYTES,
        .level = CLUSTER_OFF,
        .window = CLUSTER_WINDOW_DEFAULT,
        .trace_fd = -1,
        .ram_fd = -1,
    };
    struct run_stats *stats = calloc(1, sizeof *stats);
    if (!stats)
        return -ENOMEM;
    int rc = vmm_run(&config, stats);
    *sample = (struct sample){stats->exits_total, stats->cpu_ns};
    if (!rc && stats->status != 1) {
        fprintf(stderr, "exit_path: huddle: %s\n", stats->end_text);
        rc = -EIO;
    }
    free(stats);
    return rc;
}

static void patch(u8 *firmware, u8 flag, u32 count)
{
    memcpy(firmware + GUEST_PARAM, &count, sizeof count);
    firmware[GUEST_FLAG] = flag;
}

/* Nanoseconds per exit that the guest causes between the two counts; < 0: failed. *exits: as many as were seen, kicks by
 * timers included. */
static double measure(runner_t *run, u8 *firmware, size_t kind, enum clock_mode clock, u64 *exits)
{
    struct sample few, many;
    patch(firmware, kinds[kind].flag, COUNT_FEW);
    int rc = run(firmware, clock, &few);
    patch(firmware, kinds[kind].flag, COUNT_MANY);
    if (!rc)
        rc = run(firmware, clock, &many);
    if (rc) {
        fprintf(stderr, "exit_path: %s\n", strerror(-rc));
        return -1;
    }
    *exits = many.exits - few.exits;
    return ((double)many.cpu_ns - (double)few.cpu_ns) / guest_exits(kind);
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(const double *values, int n)
{
    double sorted[ROUNDS_MAX];
    memcpy(sorted, values, (size_t)n * sizeof *values);
    qsort(sorted, (size_t)n, sizeof *sorted, compare);
    return n % 2 ? sorted[n / 2] : (sorted[n / 2 - 1] + sorted[n / 2]) / 2;
}

/* One line of the table. 0 within the limit, 1 above, -1 failed. */
static int bench_kind(u8 *firmware, size_t kind, enum clock_mode clock, int rounds)
{
    double bare[ROUNDS_MAX], huddle[ROUNDS_MAX], ratio[ROUNDS_MAX];
    u64 bare_exits = 0, huddle_exits = 0;
    for (int i = 0; i < rounds; i++) {
        bool huddle_first = i & 1; /* whatever drifts, drifts for both */
        if (huddle_first)
            huddle[i] = measure(run_huddle, firmware, kind, clock, &huddle_exits);
        bare[i] = measure(run_bare, firmware, kind, clock, &bare_exits);
        if (!huddle_first)
            huddle[i] = measure(run_huddle, firmware, kind, clock, &huddle_exits);
        if (bare[i] < 0 || huddle[i] < 0)
            return -1;
        ratio[i] = huddle[i] / bare[i];
    }
    if ((double)bare_exits != guest_exits(kind) || huddle_exits < bare_exits) {
        fprintf(stderr, "exit_path: %s: %llu exits in the bare loop, %llu in huddle, not %.0f\n", kinds[kind].name,
                (unsigned long long)bare_exits, (unsigned long long)huddle_exits, guest_exits(kind));
        return -1;
    }
    double floor_ns = median(bare, rounds), huddle_ns = median(huddle, rounds), r = median(ratio, rounds);
    printf("%-8s %-20s %9.0f %9.0f %9.0f %7.3f  %s\n", clock == CLOCK_MODE_HOST ? "host" : "access",
           kinds[kind].name, floor_ns, huddle_ns, huddle_ns - floor_ns, r, r <= LIMIT_RATIO ? "ok" : "ABOVE");
    fflush(stdout);
    return r > LIMIT_RATIO;
}

static int read_firmware(const char *path, u8 *firmware)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, firmware, FIRMWARE_BYTES);
    if (fd >= 0)
        close(fd);
    if (n == FIRMWARE_BYTES)
        return 0;
    fprintf(stderr, "exit_path: %s: not a firmware image of 64 KiB\n", path);
    return -1;
}

int main(int argc, char *argv[])
{
    static u8 firmware[FIRMWARE_BYTES];
    int rounds = argc > 2 ? atoi(argv[2]) : ROUNDS_DEFAULT;
    if (argc < 2 || argc > 3 || rounds < 1 || rounds > ROUNDS_MAX) {
        fprintf(stderr, "usage: exit_path FIRMWARE [ROUNDS]\n");
        return 64;
    }
    if (read_firmware(argv[1], firmware))
        return 1;
    printf("%-8s %-20s %9s %9s %9s %7s  limit %.2f\n", "clock", "exit", "floor ns", "huddle ns", "added ns", "ratio",
           LIMIT_RATIO);
    int status = 0;
    for (int clock = CLOCK_MODE_HOST; clock <= CLOCK_MODE_ACCESS; clock++)
        for (size_t kind = 0; kind < ARRAY_LEN(kinds); kind++)
            if (bench_kind(firmware, kind, (enum clock_mode)clock, rounds))
                status = 1;
    return status;
}
