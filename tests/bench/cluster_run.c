/* What running a cluster costs, without /dev/kvm: the machine with its real devices and the monitor's own environment, hot
 * loops of the benchmark guests (cluster_loops.asm), and the step interpreter in the place of KVM. Where it makes a device
 * access an exit is counted and the cluster runs, on each executor in turn; only that is timed.
 * For people, not for CI: times depend on the host. Everything is in the caches, which after a real exit it is not: -c
 * walks through some memory before each run, as the kernel does. */
#include "jit/jit.h"
#include "vmm_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    IMAGE_SEGMENT = 0x1000,
    VRAM_SEGMENT = 0xa000,
    STACK_TOP = 0xfff0,
    IMAGE_BYTES_MAX = 0x8000,
    WARM_PASSES = 3,
    PASSES_DEFAULT = 9,
    PASSES_MAX = 99,
    TRANSLATE_PASSES = 2,
    WALK_KIB_MAX = 65536,
    RECORDED_MAX = 1 << 20,
};

enum loop_kind { KIND_LOOP, KIND_ENTRY };

/* A row of the image's table. */
struct loop {
    u16 entry, name, name_bytes, kind;
};

/* A machine and an executor. */
struct rig {
    struct run_config config;
    struct vmm *vmm;
    struct interp kvm; /* executes what no cluster does */
    struct cluster_env kvm_env; /* its world: the monitor's, looked at on the way */
    bool wrote;              /* its last access */
    struct access *recorded; /* [recorded_max] its accesses, while wanted; NULL: they are not */
    u32 n_recorded, recorded_max;
    u64 tsc;           /* spent in the engine */
    const volatile u8 *walk; /* [walk_bytes] read before every run */
    u32 walk_bytes;
};

struct pass {
    double ns;
    u64 instructions, accesses, runs; /* in clusters */
};

static double ns_per_tick(void)
{
    static const u64 span_ns = 50 * NS_PER_MS;
    u64 start_ns = host_monotonic_ns(), start = tsc_now(), now_ns;
    do
        now_ns = host_monotonic_ns();
    while (now_ns - start_ns < span_ns);
    return (double)(now_ns - start_ns) / (double)(tsc_now() - start);
}

/* What two readings of the counter cost: part of every measured run. */
static u64 ticks_to_measure(void)
{
    u64 least = UINT64_MAX;
    for (int i = 0; i < 1000; i++) {
        u64 start = tsc_now();
        least = MIN(least, tsc_now() - start);
    }
    return least;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *values, int n)
{
    qsort(values, (size_t)n, sizeof *values, compare);
    return n % 2 ? values[n / 2] : (values[n / 2 - 1] + values[n / 2]) / 2;
}

/* --- the rig --- */

static void note_access(struct rig *rig, enum access_kind kind, u32 addr, u8 size, u32 value)
{
    rig->wrote = kind == ACCESS_PORT_OUT || kind == ACCESS_MMIO_WRITE;
    if (rig->recorded && rig->n_recorded < rig->recorded_max)
        rig->recorded[rig->n_recorded++] = (struct access){.addr = addr, .value = value, .kind = (u8)kind, .size = size};
}

static u32 kvm_port_in(void *opaque, u16 port, u8 size)
{
    struct rig *rig = opaque;
    u32 value = rig->vmm->env.port_in(rig->vmm, port, size);
    note_access(rig, ACCESS_PORT_IN, port, size, value);
    return value;
}

static void kvm_port_out(void *opaque, u16 port, u8 size, u32 value)
{
    struct rig *rig = opaque;
    rig->vmm->env.port_out(rig->vmm, port, size, value);
    note_access(rig, ACCESS_PORT_OUT, port, size, value);
}

static u32 kvm_mmio_read(void *opaque, u32 gpa, u8 size)
{
    struct rig *rig = opaque;
    u32 value = rig->vmm->env.mmio_read(rig->vmm, gpa, size);
    note_access(rig, ACCESS_MMIO_READ, gpa, size, value);
    return value;
}

static void kvm_mmio_write(void *opaque, u32 gpa, u8 size, u32 value)
{
    struct rig *rig = opaque;
    rig->vmm->env.mmio_write(rig->vmm, gpa, size, value);
    note_access(rig, ACCESS_MMIO_WRITE, gpa, size, value);
}

static int kvm_init(struct rig *rig)
{
    rig->kvm_env = rig->vmm->env;
    rig->kvm_env.opaque = rig;
    rig->kvm_env.port_in = kvm_port_in;
    rig->kvm_env.port_out = kvm_port_out;
    rig->kvm_env.mmio_read = kvm_mmio_read;
    rig->kvm_env.mmio_write = kvm_mmio_write;
    return interp_init(&rig->kvm, &rig->kvm_env);
}

static int rig_open(struct rig *rig, enum executor executor, bool flush_each_run, enum clock_mode clock,
                    const u8 *image, u32 image_bytes)
{
    rig->config = (struct run_config){
        .machine = {.ram_bytes = MIB, .clock_mode = clock, .boot = "a", .exit_port = 0xf4, .serial_in_fd = -1,
                    .serial_out_fd = -1, .debugcon_fd = -1},
        .window = CLUSTER_WINDOW_DEFAULT,
        .exec = {.executor = executor, .flush_each_run = flush_each_run, .perf_map_fd = -1},
    };
    struct vmm *vmm = rig->vmm = calloc(1, sizeof *vmm);
    if (!vmm)
        return -ENOMEM;
    struct machine *m = &vmm->machine;
    vmm->config = &rig->config;
    m->config = &rig->config.machine;
    bus_init(&m->bus);
    trace_init(&m->trace, -1);
    clock_init(&m->clock, clock);
    int rc = memory_init(&m->memory, rig->config.machine.ram_bytes);
    if (!rc)
        rc = devices_create(&vmm->devices, m);
    if (rc)
        return rc;
    memcpy(m->memory.plain + (IMAGE_SEGMENT << 4), image, image_bytes);
    vmm_env_init(vmm);
    rc = interp_init(&vmm->interp, &vmm->env);
    if (!rc)
        rc = kvm_init(rig);
    if (!rc)
        rc = vmm_executor_create(vmm);
    if (!rc)
        rc = cluster_engine_create(&vmm->engine, &vmm->env, &vmm->executor);
    if (!rc)
        cluster_engine_set_window(vmm->engine, rig->config.window);
    return rc;
}

static void rig_close(struct rig *rig)
{
    struct vmm *vmm = rig->vmm;
    cluster_engine_destroy(vmm->engine);
    vmm_executor_destroy(vmm);
    interp_fini(&vmm->interp);
    interp_fini(&rig->kvm);
    devices_destroy(&vmm->devices);
    memory_fini(&vmm->machine.memory);
    free(vmm);
}

static void set_segment(struct cpu_state *cpu, enum cpu_sreg sreg, u16 selector)
{
    cpu->sreg[sreg].selector = selector;
    cpu->sreg[sreg].base = (u32)selector << 4;
}

static void start_loop(struct vmm *vmm, const struct loop *loop)
{
    struct cpu_state *cpu = &vmm->cpu;
    cpu_reset(cpu);
    set_segment(cpu, CPU_CS, IMAGE_SEGMENT);
    set_segment(cpu, CPU_DS, IMAGE_SEGMENT);
    set_segment(cpu, CPU_SS, IMAGE_SEGMENT);
    set_segment(cpu, CPU_ES, VRAM_SEGMENT);
    cpu->reg[CPU_ESP] = STACK_TOP;
    cpu->eip = loop->entry;
}

static struct cpu_where where_of(const struct cpu_state *cpu)
{
    return (struct cpu_where){
        .eip = cpu->eip,
        .cs_base = cpu->sreg[CPU_CS].base,
        .mode = cpu_mode_bits(cpu->cr0, cpu->eflags, cpu->sreg[CPU_CS].db, cpu->sreg[CPU_SS].db,
                              cpu->sreg[CPU_SS].dpl),
    };
}

static void walk(const struct rig *rig)
{
    enum { CACHE_LINE = 64 };
    for (u32 i = 0; i < rig->walk_bytes; i += CACHE_LINE)
        (void)rig->walk[i];
}

/* One instruction (one element of a REP), and if it made an access what an exit does. False: it failed. */
static bool rig_step(struct rig *rig, bool clusters)
{
    struct vmm *vmm = rig->vmm;
    struct cpu_where before = where_of(&vmm->cpu);
    vmm->attention = 1;
    rig->kvm.allow_devices = true;
    enum interp_result result = interp_step(&rig->kvm, &vmm->cpu);
    vmm->attention = 0;
    if (result != INTERP_DONE && result != INTERP_AGAIN)
        return false;
    if (!clusters || !rig->kvm.device_accesses)
        return true;
    enum cluster_position position =
        result == INTERP_AGAIN ? POSITION_INSIDE : rig->wrote ? POSITION_AFTER : POSITION_AT;
    struct cpu_where now = where_of(&vmm->cpu);
    walk(rig);
    u64 start = tsc_now();
    struct cluster *cluster = cluster_engine_exit(vmm->engine, position == POSITION_AT ? &before : &now, position);
    if (cluster)
        cluster_engine_run(vmm->engine, cluster, &vmm->cpu);
    rig->tsc += tsc_now() - start;
    return true;
}

static bool run_loop(struct rig *rig, const struct loop *loop, bool clusters)
{
    start_loop(rig->vmm, loop);
    while (!rig->vmm->cpu.halted)
        if (!rig_step(rig, clusters))
            return false;
    return true;
}

/* --- measuring --- */

struct scale {
    double ns_per_tick;
    u64 ticks_to_measure;
};

static bool measure(struct rig *rig, const struct loop *loop, const struct scale *scale, struct pass *pass)
{
    struct cluster_stats before, after;
    cluster_engine_stats(rig->vmm->engine, &before);
    rig->tsc = 0;
    if (!run_loop(rig, loop, true))
        return false;
    cluster_engine_stats(rig->vmm->engine, &after);
    *pass = (struct pass){.instructions = after.instructions - before.instructions,
                          .accesses = after.exits_avoided - before.exits_avoided,
                          .runs = after.runs - before.runs};
    pass->ns = scale->ns_per_tick * ((double)rig->tsc - (double)pass->runs * (double)scale->ticks_to_measure);
    return pass->instructions && pass->accesses;
}

/* The accesses a loop makes, in order. Caller frees; NULL: failed. */
static struct access *record(struct rig *rig, const struct loop *loop, u32 *n)
{
    struct access *accesses = malloc(RECORDED_MAX * sizeof *accesses);
    rig->recorded = accesses;
    rig->recorded_max = RECORDED_MAX;
    rig->n_recorded = 0;
    bool done = accesses && run_loop(rig, loop, false);
    rig->recorded = NULL;
    *n = rig->n_recorded;
    if (done && *n)
        return accesses;
    free(accesses);
    return NULL;
}

/* The same accesses again, by nobody: what devices and the funnel take. Nanoseconds each. */
static double replay(struct machine *m, const struct access *accesses, u32 n, const struct scale *scale)
{
    u64 start = tsc_now();
    for (u32 i = 0; i < n; i++) {
        const struct access *a = &accesses[i];
        switch (a->kind) {
        case ACCESS_PORT_IN:
            machine_port_in(m, (u16)a->addr, a->size);
            break;
        case ACCESS_PORT_OUT:
            machine_port_out(m, (u16)a->addr, a->size, a->value);
            break;
        case ACCESS_MMIO_READ:
            machine_mmio_read(m, a->addr, a->size);
            break;
        default:
            machine_mmio_write(m, a->addr, a->size, a->value);
            break;
        }
    }
    return (double)(tsc_now() - start) * scale->ns_per_tick / n;
}

struct measured {
    double devices;            /* ns per access */
    double ns[2];              /* in clusters, by executor */
    struct pass pass[2];
};

static bool measure_loop(struct rig rig[2], const struct loop *loop, int passes, const struct scale *scale,
                         struct measured *result)
{
    double devices[PASSES_MAX], ns[2][PASSES_MAX];
    u32 n;
    struct access *accesses = record(&rig[0], loop, &n);
    bool well = accesses != NULL;
    for (int i = -WARM_PASSES; well && i < passes; i++) {
        double alone = replay(&rig[0].vmm->machine, accesses, n, scale);
        for (int e = 0; well && e < 2; e++) {
            well = measure(&rig[e], loop, scale, &result->pass[e]);
            if (i >= 0)
                ns[e][i] = result->pass[e].ns;
        }
        if (i >= 0)
            devices[i] = alone;
    }
    free(accesses);
    if (!well)
        return false;
    result->devices = median(devices, passes);
    for (int e = 0; e < 2; e++)
        result->ns[e] = median(ns[e], passes);
    return true;
}

/* --- the report --- */

static void print_loop(const u8 *image, const struct loop *loop, const struct measured *m)
{
    const struct pass *p = m->pass;
    double instructions = (double)p[0].instructions, accesses = (double)p[0].accesses;
    double devices = m->devices * accesses;
    printf("%-22.*s %7.0f %6.1f %8.1f |%8.2f %8.1f |%8.2f %8.1f |%8.2f %7.1fx\n", loop->name_bytes, image + loop->name,
           instructions / (double)p[0].runs, instructions / accesses, m->devices, m->ns[0] / instructions, m->ns[0] / accesses,
           m->ns[1] / (double)p[1].instructions, m->ns[1] / (double)p[1].accesses,
           (m->ns[1] - devices) / (double)p[1].instructions, m->ns[0] / m->ns[1]);
}

static void print_entry(const u8 *image, const struct loop *loop, const struct measured *m)
{
    printf("%-24.*s %6.1f", loop->name_bytes, image + loop->name, (double)m->pass[0].instructions / (double)m->pass[0].runs);
    for (int e = 0; e < 2; e++) {
        double devices = m->devices * (double)m->pass[e].accesses;
        printf(" %12.1f", (m->ns[e] - devices) / (double)m->pass[e].runs);
    }
    printf("\n");
}

static const struct loop *loop_at(const u8 *image, u32 i)
{
    return (const struct loop *)(const void *)image + i;
}

static bool bench_kind(struct rig rig[2], const u8 *image, enum loop_kind kind, const char *only, int passes,
                       const struct scale *scale)
{
    for (u32 i = 0; loop_at(image, i)->entry; i++) {
        const struct loop *loop = loop_at(image, i);
        struct measured measured;
        if (loop->kind != kind || (only && !memmem(image + loop->name, loop->name_bytes, only, strlen(only))))
            continue;
        if (!measure_loop(rig, loop, passes, scale, &measured)) {
            printf("%.*s: failed\n", loop->name_bytes, image + loop->name);
            return false;
        }
        if (kind == KIND_LOOP)
            print_loop(image, loop, &measured);
        else
            print_entry(image, loop, &measured);
    }
    return true;
}

/* Every run translates anew. */
static bool bench_translation(const u8 *image, u32 image_bytes, enum clock_mode clock, const struct scale *scale)
{
    struct rig rig = {0};
    struct jit_stats stats;
    bool well = !rig_open(&rig, EXECUTOR_HOST, true, clock, image, image_bytes);
    for (u32 i = 0; well && loop_at(image, i)->entry; i++)
        for (int pass = 0; well && pass < TRANSLATE_PASSES; pass++)
            well = run_loop(&rig, loop_at(image, i), true);
    if (!well)
        return false;
    jit_stats(rig.vmm->jit, &stats);
    double n = (double)stats.instructions;
    printf("\ntranslation: %.0f ns and %.0f bytes of host code per guest instruction (%.0f instructions, %.0f translations)\n",
           (double)stats.translate_cycles * scale->ns_per_tick / n, (double)stats.code_bytes / n, n,
           (double)stats.translations);
    rig_close(&rig);
    return true;
}

static bool bench(const u8 *image, u32 image_bytes, enum clock_mode clock, const char *only, int passes, u32 walk_bytes)
{
    static const enum executor executor[2] = {EXECUTOR_INTERP, EXECUTOR_HOST};
    struct rig rig[2] = {0};
    struct scale scale = {ns_per_tick(), ticks_to_measure()};
    u8 *memory = malloc(walk_bytes + 1);
    if (!memory)
        return false;
    memset(memory, 1, walk_bytes + 1); /* pages of its own */
    for (int e = 0; e < 2; e++) {
        if (rig_open(&rig[e], executor[e], false, clock, image, image_bytes))
            return false;
        rig[e].walk = memory;
        rig[e].walk_bytes = walk_bytes;
    }
    printf("%-22s %7s %6s %8s |%8s %8s |%8s %8s |%8s %8s\n%-22s %7s %6s %8s |%8s %8s |%8s %8s |%8s %8s\n", "", "insns",
           "insns", "devices", "interp", "", "host", "", "but for", "interp", "ns, medians", "/run", "/acc", "/acc",
           "/insn", "/acc", "/insn", "/acc", "devices", "/ host");
    bool well = bench_kind(rig, image, KIND_LOOP, only, passes, &scale);
    printf("\n%-24s %6s %12s %12s\n", "entering and leaving, ns", "insns", "interp", "host");
    well = well && bench_kind(rig, image, KIND_ENTRY, only, passes, &scale);
    for (int e = 0; e < 2; e++)
        rig_close(&rig[e]);
    free(memory);
    return well && bench_translation(image, image_bytes, clock, &scale);
}

int main(int argc, char *argv[])
{
    static u8 image[IMAGE_BYTES_MAX];
    enum clock_mode clock = CLOCK_MODE_HOST;
    const char *only = NULL;
    int passes = PASSES_DEFAULT, walk_kib = 0, opt;
    while ((opt = getopt(argc, argv, "ac:l:n:")) != -1) {
        if (opt == 'a')
            clock = CLOCK_MODE_ACCESS;
        else if (opt == 'c')
            walk_kib = atoi(optarg);
        else if (opt == 'l')
            only = optarg;
        else if (opt == 'n')
            passes = atoi(optarg);
        else
            passes = 0;
    }
    if (optind != argc - 1 || passes < 1 || passes > PASSES_MAX || walk_kib < 0 || walk_kib > WALK_KIB_MAX) {
        fprintf(stderr, "usage: cluster_run [-a] [-c KIB] [-l LOOP] [-n PASSES] LOOPS.bin\n"
                        "  -a: under the access clock; -c: walk through KIB KiB of memory before every run;\n"
                        "  -l: only loops with this text in their names\n");
        return 64;
    }
    int fd = open(argv[optind], O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, image, sizeof image);
    if (n <= 0 || n == sizeof image) {
        fprintf(stderr, "cluster_run: %s: not the image of cluster_loops.asm\n", argv[optind]);
        return 1;
    }
    close(fd);
    return bench(image, (u32)n, clock, only, passes, (u32)walk_kib * KIB) ? 0 : 1;
}
