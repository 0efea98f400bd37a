/* Numbers that add up, so that a report made of them reads like a real one. */
#include "fake_runs.h"

#include <stdio.h>
#include <string.h>

enum { ACCESSES = 81234, INTERRUPTS = 120 };

const char *fake_port_name(u16 port)
{
    return port == 0x3ce   ? "VGA GC index"
           : port == 0x3cf ? "VGA GC data"
           : port == 0x3da ? "VGA input status 1"
                           : NULL;
}

u32 fake_records(struct access *records)
{
    static const struct access all[] = {
        {.kind = ACCESS_PORT_OUT, .addr = 0x3ce, .size = 1, .value = 5},
        {.kind = ACCESS_PORT_OUT, .addr = 0x3cf, .size = 1, .value = 2},
        {.kind = ACCESS_MMIO_READ, .addr = 0xa0000, .size = 1, .value = 0xff},
        {.kind = ACCESS_MMIO_WRITE, .addr = 0xa0000, .size = 2, .value = 0x1234},
        {.kind = ACCESS_INTERRUPT, .addr = 8, .size = 1},
        {.kind = ACCESS_PORT_OUT, .addr = 0x20, .size = 1, .value = 0x20},
        {.kind = ACCESS_PORT_IN, .addr = 0x3da, .size = 1, .value = 8},
        {.kind = ACCESS_PORT_IN, .addr = 0x3da, .size = 1, .value = 0},
        {.kind = ACCESS_PORT_OUT, .addr = 0x3ce, .size = 2, .value = 0x0108},
        {.kind = ACCESS_MMIO_WRITE, .addr = 0xa0001, .size = 4, .value = 0xdeadbeef},
        {.kind = ACCESS_PORT_OUT, .addr = 0xf4, .size = 1, .value = 0},
    };
    memcpy(records, all, sizeof all);
    return ARRAY_LEN(all);
}

static void add_targets(struct run_stats *s, u64 divisor)
{
    static const struct run_target targets[] = {
        {.name = "VGA memory A0000h-AFFFFh", .addr = 0xa0000, .memory = true, .exits = 40617},
        {.name = "VGA GC data", .addr = 0x3cf, .exits = 21004},
        {.name = "VGA GC index", .addr = 0x3ce, .exits = 19000},
        {.name = "VGA input status 1", .addr = 0x3da, .exits = 613},
    };
    for (u32 i = 0; i < ARRAY_LEN(targets); i++) {
        s->targets[i] = targets[i];
        s->targets[i].exits = targets[i].exits / divisor;
    }
}

static void add_sites(struct run_stats *s, u64 divisor)
{
    static const struct run_site sites[] = {
        {.cs = 0x1000, .ip = 0x7c3a, .linear = 0x17c3a, .text = "mov es:[di], al", .exits = 40010},
        {.cs = 0x1000, .ip = 0x7c40, .linear = 0x17c40, .after = true, .text = "out dx, al", .exits = 21004},
        {.cs = 0x1000, .ip = 0x7c44, .linear = 0x17c44, .after = true, .text = "out dx, ax", .exits = 19000},
    };
    u32 first = divisor > 1; /* clustered: the store is inside the clusters */
    for (u32 i = first; i < ARRAY_LEN(sites); i++) {
        s->sites[i - first] = sites[i];
        s->sites[i - first].exits = sites[i].exits / divisor;
    }
    if (first)
        s->sites[2] = (struct run_site){0x1000, 0x7c50, 0x17c50, false, "in al, dx", 77};
}

static void add_clusters(struct cluster_stats *c, u64 runs)
{
    c->formed = 34;
    c->formed_instructions = 34 * 9 + 12;
    c->runs = runs;
    c->instructions = runs * 12 + 7;
    c->exits_avoided = ACCESSES - runs - 400;
    c->leave[LEAVE_end] = runs - 300;
    c->leave[LEAVE_branch] = 200;
    c->leave[LEAVE_interrupt] = 100;
    c->miss[MISS_cold] = 97;
    c->miss[MISS_alone] = 303;
    strcpy(c->stop[0].mnemonic, "iret");
    c->stop[0].count = 12;
    strcpy(c->stop[1].mnemonic, "cli");
    c->stop[1].count = 3;
}

static const struct run_translation translation = {
    .translations = 36,
    .instructions = 36 * 10,
    .code_bytes = 45678,
    .host_ns = 2340000,
    .faults = 12,
    .recompiled = 2,
    .interpreted = 345,
};

/* `divisor` 1: not clustered. */
static void fake_run(struct run_stats *s, const char *name, u64 divisor)
{
    u64 exits = ACCESSES / divisor;
    *s = (struct run_stats){
        .end = RUN_END_EXIT_PORT,
        .status = 1,
        .exits_total = exits,
        .net = {.name = "echo", .sent = 1001, .sent_bytes = 790123, .received = 999, .received_bytes = 780456,
                .dropped = {[NET_DROP_ring_full] = 2}, .dropped_all = 2, .trips = 998, .trip_exits = 50000 / divisor,
                .trip_accesses = 79840, .trip_ns = 998 * (1500000 / divisor)},
        .kvm_run = exits * 3 / 2,
        .completions = exits / 2,
        .ioctls = 260,
        .accesses = ACCESSES,
        .interrupts = INTERRUPTS,
        .pending_instructions = 41,
        .host_ns_total = 1240000000 / divisor,
        .host_ns_kvm = 1000000000 / divisor,
        .host_ns_devices = 90000000,
        .host_ns_cluster = divisor > 1 ? 9000000 : 0,
        .cpu_ns = 1100000000 / divisor,
        .virtual_ns = 2340000000,
        .stream_count = ACCESSES + INTERRUPTS,
        .stream_hash = 0x1122334455667788,
        .ram_hash = 0xaaaaaaaabbbbbbbb,
        .frame_hash = 0xccccccccdddddddd,
        .frame_width = 640,
        .frame_height = 480,
    };
    strcpy(s->executor, "host");
    if (divisor > 1)
        s->translation = translation;
    snprintf(s->variant, sizeof s->variant, "%s", name);
    snprintf(s->end_text, sizeof s->end_text, "the guest wrote 0 to port F4h");
    s->exits[EXIT_pio_in] = 613 / divisor;
    s->exits[EXIT_mmio_write] = 40617 / divisor;
    s->exits[EXIT_irq_window] = 12;
    s->exits[EXIT_pio_out] =
        exits - s->exits[EXIT_pio_in] - s->exits[EXIT_mmio_write] - s->exits[EXIT_irq_window];
    add_targets(s, divisor);
    add_sites(s, divisor);
    if (divisor > 1)
        add_clusters(&s->clusters, exits - 400);
}

void fake_ab_init(struct fake_ab *fake, u32 n)
{
    static const char *const names[AB_MAX_VARIANTS] = {"off", "on", "window:4", "pairs", "window:256"};
    static const u64 divisors[AB_MAX_VARIANTS] = {1, 12, 4, 2, 40};
    memset(fake, 0, sizeof *fake);
    fake->report = (struct ab_report){
        .guest = "planar.img", .backend = "nested vmx", .n_variants = n, .port_name = fake_port_name};
    for (u32 i = 0; i < n; i++) {
        fake_run(&fake->runs[i], names[i], divisors[i]);
        fake->report.variant[i] = &fake->runs[i];
        fake->report.variant_same[i] = true;
    }
}

void fake_ab_add_windows(struct fake_ab *fake)
{
    static const u32 windows[] = {8, 16, 64};
    static const u64 divisors[] = {5, 12, 31};
    char name[16];
    fake->report.n_windows = ARRAY_LEN(windows);
    for (u32 i = 0; i < ARRAY_LEN(windows); i++) {
        snprintf(name, sizeof name, "window:%u", windows[i]);
        fake_run(&fake->windows[i], name, divisors[i]);
        fake->report.window[i] = windows[i];
        fake->report.window_run[i] = &fake->windows[i];
        fake->report.window_same[i] = true;
    }
    fake->report.window_run[1] = &fake->runs[1];
}

void fake_ab_differ(struct fake_ab *fake)
{
    struct run_stats *a = &fake->runs[0], *b = &fake->runs[fake->report.n_variants - 1];
    u32 n = fake_records(fake->records[0]);
    fake_records(fake->records[1]);
    fake->records[1][7].value = 9;
    a->stream_count = b->stream_count = n;
    b->stream_hash++;
    a->time_nudges = 3;
    strcpy(b->clusters.stop[1].mnemonic, "rdtsc");
    fake->report.variant_same[fake->report.n_variants - 1] = false;
    difference_find(&fake->report.difference, a, (struct records){fake->records[0], n}, b,
                    (struct records){fake->records[1], n});
}
