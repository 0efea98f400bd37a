/* Lists in this process, and in guests that are no more than memory and a processor. */
#include "bench/memory.h"

#include "base/log.h"
#include "bench/rig.h"

#include <errno.h>
#include <string.h>

enum {
    FIRST_BYTES = 1 * KIB,
    FINE_BYTES = 16 * MIB, /* up to there each size is twice the one before, then four times */
    TRIES = 12,            /* the best counts: what disturbs only adds */
    TRIAL_STEPS = 256,
    PARAM = 0x6000, /* chase.asm */
    PARAM_CYCLES = PARAM + 16,
    PARAM_LAST = PARAM + 24,
    WARM_UP = 10,     /* times point_ms, at most */
    LIMIT_MS = 15000, /* for a guest that does not come back; its first pages may take long */
};

/* Something that follows a list. */
struct follower {
    struct memory_bench *bench;
    u8 *list;    /* where this process sees it */
    u64 address; /* and where who follows it does */
    u32 pointer_bytes;
    u64 at;          /* the element to go on from */
    struct rig *rig; /* NULL: this process */
};

static const char *const ids[] = {
#define X(id, column, text) #id,
    MEMORY_PLACES(X)
#undef X
};

static const char *const columns[] = {
#define X(id, column, text) column,
    MEMORY_PLACES(X)
#undef X
};

static const char *const texts[] = {
#define X(id, column, text) text,
    MEMORY_PLACES(X)
#undef X
};

const char *memory_id(enum memory_place place)
{
    return ids[place];
}

const char *memory_column(enum memory_place place)
{
    return columns[place];
}

const char *memory_text(enum memory_place place)
{
    return texts[place];
}

const char *memory_order_text(enum memory_order order)
{
    return order == MEMORY_RANDOM ? "random" : "sequential";
}

enum memory_place memory_reference(enum memory_place place)
{
    return place == MEMORY_long_huge || place == MEMORY_host_huge ? MEMORY_host_huge : MEMORY_host_small;
}

double memory_ns(const struct memory_bench *bench, enum memory_place place, enum memory_order order, u32 size)
{
    const struct memory_point *p = &bench->point[place][order][size];
    return p->elements ? (double)p->cycles / (double)p->elements / bench->cycles_per_ns : 0;
}

static void make_list(const struct follower *f, u64 bytes, enum memory_order order)
{
    u32 n = (u32)(bytes / MEMORY_LINE);
    for (u32 i = 0; i < n; i++) {
        u64 next = f->address + (u64)memory_next(i, n, order) * MEMORY_LINE;
        memcpy(f->list + (u64)i * MEMORY_LINE, &next, f->pointer_bytes);
    }
}

/* The loop of chase.asm. */
static u64 follow_here(struct follower *f, u64 rounds)
{
    u64 at = f->at, began = bench_tsc();
    while (rounds--)
        __asm__ volatile(".rept 16\n\tmov (%0), %0\n\t.endr" : "+r"(at) : : "memory");
    f->at = at;
    return bench_tsc() - began;
}

static int follow_in_guest(struct follower *f, u64 rounds, u64 *cycles)
{
    struct vmexit exit = {.kind = VMEXIT_KICK};
    u8 *low = f->rig->low;
    memcpy(low + PARAM, &f->at, 8);
    memcpy(low + PARAM + 8, &rounds, 8);
    rig_limit(f->rig, LIMIT_MS);
    int rc = vcpu_enter(&f->rig->vcpu);
    if (!rc)
        vcpu_decode(&f->rig->vcpu, &exit);
    if (rc || exit.kind != VMEXIT_PIO || exit.pio.port != GUEST_DONE_PORT)
        return -EPROTO;
    f->at = 0;
    memcpy(cycles, low + PARAM_CYCLES, 8);
    memcpy(&f->at, low + PARAM_LAST, f->pointer_bytes);
    return 0;
}

static int follow(struct follower *f, u64 steps, u64 *cycles)
{
    u64 rounds = MAX(steps / MEMORY_STEPS, (u64)1);
    if (f->rig)
        return follow_in_guest(f, rounds, cycles);
    *cycles = follow_here(f, rounds);
    return 0;
}

/* So many steps as take about `ns`, from what some of them take now. */
static int steps_for(struct follower *f, u64 ns, u64 *steps)
{
    u64 cycles = 0;
    int rc = follow(f, TRIAL_STEPS, &cycles);
    double wanted = (double)ns * f->bench->cycles_per_ns * TRIAL_STEPS / (double)MAX(cycles, (u64)1);
    *steps = MAX((u64)wanted / MEMORY_STEPS * MEMORY_STEPS, (u64)TRIAL_STEPS);
    return rc;
}

static int measure_point(struct follower *f, u64 bytes, struct memory_point *point)
{
    u64 elements = bytes / MEMORY_LINE, ns = f->bench->config.point_ms * NS_PER_MS, steps, cycles;
    f->at = f->address;
    int rc = steps_for(f, ns, &steps);
    /* All of the list once, unless that takes too long: the first steps were slow, and the budget is
     * generous. */
    if (!rc)
        rc = follow(f, MIN(elements, steps * WARM_UP), &cycles);
    if (!rc)
        rc = steps_for(f, ns / TRIES, &steps);
    for (int i = 0; i < TRIES && !rc; i++) {
        rc = follow(f, steps, &cycles);
        if (!rc && (!point->elements || cycles < point->cycles))
            *point = (struct memory_point){steps, cycles};
    }
    return rc;
}

/* Each page once: KVM fills its tables when a guest first comes to a page. */
static int touch_pages(struct follower *f, u64 bytes)
{
    enum { PAGE = 4096 };
    u64 cycles;
    for (u64 at = 0; at < bytes; at += PAGE) {
        u64 next = f->address + (at + PAGE < bytes ? at + PAGE : 0);
        memcpy(f->list + at, &next, f->pointer_bytes);
    }
    f->at = f->address;
    return follow(f, bytes / PAGE, &cycles);
}

static int measure_place(struct follower *f, enum memory_place place)
{
    struct memory_bench *bench = f->bench;
    int touched = touch_pages(f, MAX(bench->bytes[bench->sizes - 1], (u64)64 * KIB));
    if (touched)
        return touched;
    for (u32 i = 0; i < bench->sizes; i++) {
        for (int order = 0; order < MEMORY_ORDERS; order++) {
            make_list(f, bench->bytes[i], (enum memory_order)order);
            int rc = measure_point(f, bench->bytes[i], &bench->point[place][order][i]);
            if (rc)
                return rc;
        }
    }
    return 0;
}

static bool huge_pages_are_off(void)
{
    char text[128] = "";
    FILE *file = fopen("/sys/kernel/mm/transparent_hugepage/enabled", "r");
    if (!file)
        return true;
    bool off = !fgets(text, sizeof text, file) || strstr(text, "[never]");
    fclose(file);
    return off;
}

static int measure_here(struct memory_bench *bench, enum memory_place place)
{
    u64 bytes = bench->bytes[bench->sizes - 1];
    u8 *list = rig_memory(MAX(bytes, (u64)2 * MIB), place == MEMORY_host_huge);
    if (!list)
        return -ENOMEM;
    struct follower f = {.bench = bench, .list = list, .address = (u64)(uintptr_t)list, .pointer_bytes = 8};
    int rc = measure_place(&f, place);
    rig_memory_free(list, MAX(bytes, (u64)2 * MIB));
    return rc;
}

static int measure_in_rig(struct memory_bench *bench, enum memory_place place)
{
    bool is_long = place != MEMORY_flat_kvm;
    const struct rig_config config = {.mode = is_long ? RIG_LONG : RIG_FLAT32,
                                      .ring3 = is_long,
                                      .code = is_long ? bench_chase64 : bench_chase32,
                                      .code_bytes = is_long ? bench_chase64_bytes : bench_chase32_bytes,
                                      .big_bytes = MAX(bench->bytes[bench->sizes - 1], (u64)2 * MIB),
                                      .host_huge = place == MEMORY_long_huge,
                                      .guest_small = place == MEMORY_long_small};
    struct rig rig;
    int rc = rig_open(&rig, &config, &bench->why[place]);
    if (rc)
        return rc;
    struct follower f = {
        .bench = bench, .list = rig.big, .address = RIG_BIG, .pointer_bytes = is_long ? 8 : 4, .rig = &rig};
    vcpu_sync_at_exit(&rig.vcpu, false);
    bench->why[place] = "KVM refuses the mode";
    rc = rig_start(&rig, rig_entry(&rig, GUEST_RUN)) ? -EPROTO : 0;
    if (!rc) {
        bench->why[place] = "KVM does not run it";
        rc = measure_place(&f, place);
    }
    rig_close(&rig);
    if (!rc)
        bench->why[place] = NULL;
    return rc;
}

static int measure(struct memory_bench *bench, enum memory_place place, memory_machine *machine)
{
    bool huge = place == MEMORY_host_huge || place == MEMORY_long_huge;
    if (huge && huge_pages_are_off()) {
        bench->why[place] = "transparent huge pages are off";
        return -EPROTO;
    }
    switch (place) {
    case MEMORY_host_small:
    case MEMORY_host_huge:
        return measure_here(bench, place);
    case MEMORY_flat_huddle:
        return machine(bench);
    default:
        return measure_in_rig(bench, place);
    }
}

static void choose_sizes(struct memory_bench *bench)
{
    u64 bytes = FIRST_BYTES;
    for (bench->sizes = 0; bench->sizes < MEMORY_SIZES_MAX && bytes <= bench->config.most_bytes;) {
        bench->bytes[bench->sizes++] = bytes;
        bytes *= bytes < FINE_BYTES ? 2 : 4;
    }
}

int memory_measure(struct memory_bench *bench, memory_machine *machine)
{
    choose_sizes(bench);
    bench_host_pin(&bench->host, true);
    bench->cycles_per_ns = bench_host_cycles_per_ns(&bench->host);
    for (int place = 0; place < MEMORY_PLACE_COUNT; place++) {
        int rc = measure(bench, (enum memory_place)place, machine);
        if (rc == -ENOMEM) {
            log_error("there is not enough memory: the longest list needs %llu MiB",
                      (unsigned long long)(bench->config.most_bytes / MIB));
            return rc;
        }
        /* Without KVM at all nothing is to be compared. */
        if (rc && rc != -EPROTO && place == MEMORY_long_small)
            return rc;
        if (rc && !bench->why[place])
            bench->why[place] = strerror(-rc);
        if (rc)
            memset(bench->point[place], 0, sizeof bench->point[place]);
    }
    bench_host_pin(&bench->host, false);
    bench->cycles_per_ns = bench_host_cycles_per_ns(&bench->host);
    return 0;
}
