/* Measuring exits. Those that come to userspace are timed here, around KVM_RUN; those that do not are timed
 * by the guest, which hands over a batch of samples at a time. Each kind has a machine of its own: one that
 * ends badly spoils nothing. */
#include "bench/exits.h"

#include "base/log.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
    LEAST = 5,    /* samples, however long they take */
    WARM_UP = 64, /* round trips that are not counted */
    START_LIMIT_MS = 500,
    BARE_BATCH = 100,
    PER = 1000, /* instructions in a sample of `spin` */
};

enum method {
    IN_GUEST,  /* the guest times itself */
    TRIP,      /* KVM_RUN to the next exit */
    WINDOW,    /* to the opening of the window; then, not timed, to where it is closed again */
    IMMEDIATE, /* KVM_RUN that does not enter the guest */
    IOCTL,
};

static const struct exits_method {
    enum method method;
    enum guest_entry entry;
    enum vmexit_kind exit; /* that comes each time */
    enum vcpu_ioctl ioctl;
    bool ring0; /* what only the kernel of a guest may do */
    bool inject, sync;
} methods[EXITS_KIND_COUNT] = {
    [EXITS_control] = {IN_GUEST, GUEST_CONTROL},
    [EXITS_cpuid] = {IN_GUEST, GUEST_CPUID},
    [EXITS_vmcall] = {IN_GUEST, GUEST_VMCALL},
    [EXITS_coalesced_port] = {IN_GUEST, GUEST_COALESCED_PORT},
    [EXITS_coalesced_mmio] = {IN_GUEST, GUEST_COALESCED_MMIO},
    [EXITS_spin] = {TRIP, GUEST_SPIN, VMEXIT_PIO},
    [EXITS_out] = {TRIP, GUEST_OUT, VMEXIT_PIO},
    [EXITS_in] = {TRIP, GUEST_IN, VMEXIT_PIO},
    [EXITS_mmio_write] = {TRIP, GUEST_MMIO_WRITE, VMEXIT_MMIO},
    [EXITS_mmio_read] = {TRIP, GUEST_MMIO_READ, VMEXIT_MMIO},
    [EXITS_rep_outsb] = {TRIP, GUEST_STRING_OUT, VMEXIT_PIO},
    [EXITS_rep_insb] = {TRIP, GUEST_STRING_IN, VMEXIT_PIO},
    [EXITS_hlt] = {TRIP, GUEST_HALT, VMEXIT_HLT, .ring0 = true},
    [EXITS_hlt_wake] = {TRIP, GUEST_HALT_IF, VMEXIT_HLT, .ring0 = true, .inject = true},
    [EXITS_interrupt] = {TRIP, GUEST_OUT_IF, VMEXIT_PIO, .ring0 = true, .inject = true},
    [EXITS_window] = {WINDOW, GUEST_WINDOW, VMEXIT_IRQ_WINDOW, .ring0 = true},
    [EXITS_immediate] = {IMMEDIATE, GUEST_OUT, VMEXIT_PIO},
    [EXITS_sync] = {TRIP, GUEST_OUT, VMEXIT_PIO, .sync = true},
    [EXITS_get_regs] = {IOCTL, GUEST_OUT, VMEXIT_PIO, VCPU_GET_REGS},
    [EXITS_set_regs] = {IOCTL, GUEST_OUT, VMEXIT_PIO, VCPU_SET_REGS},
    [EXITS_get_sregs] = {IOCTL, GUEST_OUT, VMEXIT_PIO, VCPU_GET_SREGS},
    [EXITS_set_sregs] = {IOCTL, GUEST_OUT, VMEXIT_PIO, VCPU_SET_SREGS},
};

static const char *const ids[] = {
#define X(id, text) #id,
    EXITS_KINDS(X)
#undef X
};

static const char *const texts[] = {
#define X(id, text) text,
    EXITS_KINDS(X)
#undef X
};

const char *exits_id(enum exits_kind kind)
{
    return ids[kind];
}

const char *exits_text(enum exits_kind kind)
{
    return texts[kind];
}

const char *exits_mode_text(enum rig_mode mode)
{
    return mode == RIG_LONG ? "64-bit mode" : "real mode";
}

/* One kind being measured. */
struct taker {
    struct exits_bench *bench;
    const struct exits_method *how;
    struct exits_result *result;
    struct rig rig;
    u64 warm_ns, end_ns; /* when there has been enough of either */
    u64 bytes;           /* strings: moved by the exits that count */
};

static bool enough(const struct taker *t)
{
    return t->result->n >= t->bench->config.samples || (t->result->n >= LEAST && bench_now_ns() > t->end_ns);
}

/* Takes the sample, unless it is one of the first. */
static void take(struct taker *t, u64 cycles, u32 *warm)
{
    if (*warm < WARM_UP && bench_now_ns() < t->warm_ns)
        ++*warm;
    else
        t->result->sample[t->result->n++] = cycles;
}

/* An exit that should not have come; -EPROTO: this kind is not to be had here. */
static int refuse(struct taker *t, int rc, const struct vmexit *exit)
{
    struct vmexit none = {.kind = VMEXIT_KICK};
    t->result->why = rc && rc != -EINTR ? "KVM refuses it" : rig_exit_text(rc ? &none : exit);
    return -EPROTO;
}

/* KVM_RUN up to an exit of that kind at a port of our own (or no port at all). */
static int enter(struct taker *t, enum vmexit_kind wanted, u64 *cycles)
{
    struct vmexit exit = {.kind = VMEXIT_KICK};
    u64 began = bench_tsc();
    int rc = vcpu_enter(&t->rig.vcpu);
    *cycles = bench_tsc() - began;
    if (!rc)
        vcpu_decode(&t->rig.vcpu, &exit);
    if (rc || exit.kind != wanted || (wanted == VMEXIT_PIO && exit.pio.port == GUEST_FAULT_PORT))
        return refuse(t, rc, &exit);
    if (wanted == VMEXIT_PIO)
        t->bytes += exit.pio.count;
    return 0;
}

static int sample_in_guest(struct taker *t)
{
    while (!enough(t)) {
        u64 cycles;
        int rc = enter(t, VMEXIT_PIO, &cycles);
        if (rc)
            return rc;
        struct vmexit exit;
        vcpu_decode(&t->rig.vcpu, &exit);
        vcpu_drain_coalesced(&t->rig.vm, &t->rig.vcpu);
        if (exit.pio.port != GUEST_DONE_PORT)
            return refuse(t, 0, &exit);
        for (u32 i = 1; i < GUEST_BATCH && t->result->n < t->bench->config.samples;
             i++) { /* the first is cold */
            u32 sample;
            memcpy(&sample, t->rig.low + GUEST_SAMPLES + i * sizeof sample, sizeof sample);
            t->result->sample[t->result->n++] = sample;
        }
    }
    return 0;
}

static int sample_trips(struct taker *t)
{
    u32 warm = 0;
    bool entered = false; /* the first trip brings the guest to where it can be interrupted, and is no sample */
    while (!enough(t)) {
        u64 cycles;
        if (t->how->inject && entered)
            vcpu_inject(&t->rig.vcpu, GUEST_VECTOR);
        if (t->how->sync)
            vcpu_sync_at_entry(&t->rig.vcpu);
        int rc = enter(t, t->how->exit, &cycles);
        if (rc)
            return rc;
        u32 before = t->result->n;
        if (entered)
            take(t, cycles, &warm);
        entered = true;
        if (t->result->n == before)
            t->bytes = 0;
    }
    return 0;
}

/* The guest closes the window, comes to an exit, opens it and waits. */
static int sample_window(struct taker *t)
{
    u32 warm = 0;
    while (!enough(t)) {
        u64 cycles;
        vcpu_request_window(&t->rig.vcpu, false);
        int rc = enter(t, VMEXIT_PIO, &cycles);
        if (rc)
            return rc;
        vcpu_request_window(&t->rig.vcpu, true);
        rc = enter(t, VMEXIT_IRQ_WINDOW, &cycles);
        if (rc)
            return rc;
        take(t, cycles, &warm);
    }
    return 0;
}

static int sample_immediate(struct taker *t)
{
    u32 warm = 0;
    u64 cycles;
    int rc = enter(t, VMEXIT_PIO, &cycles);
    if (rc)
        return rc;
    rig_limit(&t->rig, 0);
    while (!enough(t)) {
        vcpu_set_immediate_exit(&t->rig.vcpu, true);
        u64 began = bench_tsc();
        rc = vcpu_enter(&t->rig.vcpu);
        cycles = bench_tsc() - began;
        if (rc != -EINTR)
            return refuse(t, rc, &(struct vmexit){.kind = VMEXIT_UNKNOWN});
        take(t, cycles, &warm);
    }
    return 0;
}

static int sample_ioctl(struct taker *t)
{
    u32 warm = 0;
    u64 cycles;
    int rc = enter(t, VMEXIT_PIO, &cycles);
    if (!rc && (vcpu_do_ioctl(&t->rig.vcpu, VCPU_GET_REGS) || vcpu_do_ioctl(&t->rig.vcpu, VCPU_GET_SREGS)))
        return refuse(t, -EIO, NULL);
    while (!rc && !enough(t)) {
        u64 began = bench_tsc();
        int failed = vcpu_do_ioctl(&t->rig.vcpu, t->how->ioctl);
        cycles = bench_tsc() - began;
        if (failed)
            return refuse(t, failed, NULL);
        take(t, cycles, &warm);
    }
    return rc;
}

static int sample(struct taker *t)
{
    switch (t->how->method) {
    case IN_GUEST:
        return sample_in_guest(t);
    case TRIP:
        return sample_trips(t);
    case WINDOW:
        return sample_window(t);
    case IMMEDIATE:
        return sample_immediate(t);
    case IOCTL:
        return sample_ioctl(t);
    }
    return -EPROTO;
}

/* The part of the machine that the kind needs beside the code. */
static int prepare(struct taker *t, enum exits_kind kind)
{
    enum guest_entry entry = t->how->entry;
    int rc = 0;
    if (kind == EXITS_vmcall && t->bench->host.cpu_is_amd)
        entry = GUEST_VMMCALL;
    if (kind == EXITS_coalesced_port)
        rc = vm_coalesce(&t->rig.vm, true, GUEST_COALESCED_PORT_NUMBER, 1);
    else if (kind == EXITS_coalesced_mmio)
        rc = vm_coalesce(&t->rig.vm, false, GUEST_COALESCED_ADDRESS, 0x1000);
    if (rc) {
        t->result->why = "this kernel has no coalesced writes";
        return -EPROTO;
    }
    if (rig_start(&t->rig, rig_entry(&t->rig, entry))) {
        t->result->why = "KVM refuses the mode";
        return -EPROTO;
    }
    vcpu_sync_at_exit(&t->rig.vcpu, t->how->inject || t->how->sync);
    return 0;
}

static struct rig_config rig_config_of(enum rig_mode mode, bool ring0)
{
    return (struct rig_config){.mode = mode,
                               .ring3 = mode == RIG_LONG && !ring0,
                               .code = mode == RIG_LONG ? bench_guest64 : bench_guest16,
                               .code_bytes = mode == RIG_LONG ? bench_guest64_bytes : bench_guest16_bytes};
}

/* -EPROTO: not to be had; other errors end the benchmark. */
static int measure_kind(struct exits_bench *bench, const struct exits_run *run, enum exits_kind kind,
                        struct exits_result *result)
{
    struct taker t = {.bench = bench, .how = &methods[kind], .result = result};
    const struct rig_config config = rig_config_of(run->mode, t.how->ring0);
    result->ring3 = config.ring3;
    result->elements = 1;
    result->sample = malloc(bench->config.samples * sizeof *result->sample);
    if (!result->sample)
        return -ENOMEM;
    int rc = rig_open(&t.rig, &config, &result->why);
    if (rc)
        return run->mode == RIG_LONG && rc != -ENOMEM ? -EPROTO : rc;
    rc = prepare(&t, kind);
    if (!rc) {
        rig_limit(&t.rig, START_LIMIT_MS + bench->config.kind_ms * 2);
        t.end_ns = bench_now_ns() + bench->config.kind_ms * NS_PER_MS;
        t.warm_ns = t.end_ns - bench->config.kind_ms * NS_PER_MS / 4 * 3;
        rc = sample(&t);
    }
    rig_close(&t.rig);
    if (!rc && result->n && t.how->method == TRIP && t.how->exit == VMEXIT_PIO)
        result->elements = (u32)(t.bytes / result->n);
    return rc;
}

/* What is subtracted: the time stamps themselves; of a round trip the jump back, as
 * long as an instruction takes when nothing disturbs it. */
static u64 control_of(const struct exits_run *run, enum exits_kind kind)
{
    const struct exits_result *control = &run->kind[EXITS_control], *spin = &run->kind[EXITS_spin];
    if (kind == EXITS_control || kind == EXITS_spin)
        return 0;
    if (methods[kind].method == IN_GUEST)
        return control->there ? control->net.p50 : 0;
    bool jumps = methods[kind].method == TRIP && kind != EXITS_rep_outsb && kind != EXITS_rep_insb;
    return jumps && spin->there ? spin->net.min / PER : 0;
}

/* A round of `spin` has many instructions and one exit: what is left without the exit is divided. */
static void divide_spin(struct exits_result *spin, const struct exits_result *out, enum rig_mode mode)
{
    u64 instructions = 2 * (mode == RIG_LONG ? GUEST_SPINS_LONG : GUEST_SPINS_REAL);
    u64 exit = spin->there && out->n ? out->net.min : 0;
    for (u32 i = 0; i < spin->n; i++)
        spin->sample[i] = spin->sample[i] > exit ? (spin->sample[i] - exit) * PER / instructions : 0;
}

static int finish_kind(struct exits_run *run, enum exits_kind kind)
{
    struct exits_result *r = &run->kind[kind];
    r->control = r->there ? control_of(run, kind) : 0;
    return distribution_make(&r->net, r->sample, r->there ? r->n : 0, r->control);
}

static int measure_run(struct exits_bench *bench, struct exits_run *run)
{
    bench_host_pin(&bench->host, run->pinned);
    for (int i = 0; i < EXITS_KIND_COUNT; i++) {
        struct exits_result *result = &run->kind[i];
        int rc = measure_kind(bench, run, (enum exits_kind)i, result);
        if (rc && rc != -EPROTO)
            return rc;
        result->there = rc == 0 && result->n;
    }
    /* What the others are measured against comes first. */
    static const enum exits_kind first[] = {EXITS_control, EXITS_out, EXITS_spin};
    for (size_t i = 0; i < ARRAY_LEN(first); i++) {
        if (first[i] == EXITS_spin)
            divide_spin(&run->kind[EXITS_spin], &run->kind[EXITS_out], run->mode);
        int rc = finish_kind(run, first[i]);
        if (rc)
            return rc;
    }
    for (int i = 0; i < EXITS_KIND_COUNT; i++) {
        if (i == EXITS_control || i == EXITS_spin)
            continue;
        int rc = finish_kind(run, (enum exits_kind)i);
        if (rc)
            return rc;
    }
    return 0;
}

/* Cycles of a batch of trips that are timed one by one, as samples are. 0 or -errno. */
static int sampled_batch(struct rig *rig, u64 *cycles)
{
    *cycles = 0;
    for (u32 i = 0; i < BARE_BATCH; i++) {
        u64 began = bench_tsc();
        int rc = vcpu_enter(&rig->vcpu);
        *cycles += bench_tsc() - began;
        if (rc)
            return rc;
    }
    return 0;
}

static int open_bare(struct rig *rig)
{
    const struct rig_config config = rig_config_of(RIG_REAL, true);
    const char *why;
    int rc = rig_open(rig, &config, &why);
    if (rc)
        return rc;
    rc = rig_start(rig, rig_entry(rig, GUEST_OUT));
    vcpu_sync_at_exit(&rig->vcpu, false);
    if (!rc)
        rc = vcpu_enter_many(&rig->vcpu, WARM_UP);
    if (rc)
        rig_close(rig);
    return rc;
}

/* Two machines take turns: the clocks differ (CLOCK_MONOTONIC_RAW and the time-stamp counter), and so do the
 * loops. */
static int measure_bare(struct exits_bench *bench)
{
    struct rig sampled, bare;
    u32 rounds = bench->config.bare_rounds;
    u64 *cycles = calloc(rounds, sizeof *cycles), *ns = calloc(rounds, sizeof *ns);
    int rc = cycles && ns ? open_bare(&sampled) : -ENOMEM;
    if (rc)
        goto out;
    rc = open_bare(&bare);
    if (rc)
        goto out_sampled;
    bench_host_pin(&bench->host, true);
    for (u32 i = 0; i < rounds && !rc; i++) {
        rc = sampled_batch(&sampled, &cycles[i]);
        u64 began = bench_now_ns();
        if (!rc)
            rc = vcpu_enter_many(&bare.vcpu, BARE_BATCH);
        ns[i] = bench_now_ns() - began;
    }
    bench->bare.rounds = rounds;
    bench->bare.sampled_ns = (double)median_of(cycles, rounds) / BARE_BATCH; /* cycles, for now */
    bench->bare.bare_ns = (double)median_of(ns, rounds) / BARE_BATCH;
    rig_close(&bare);
out_sampled:
    rig_close(&sampled);
out:
    free(cycles);
    free(ns);
    return rc;
}

int exits_measure(struct exits_bench *bench)
{
    static const struct {
        enum rig_mode mode;
        bool pinned;
    } runs[EXITS_RUNS] = {{RIG_REAL, true}, {RIG_LONG, true}, {RIG_REAL, false}, {RIG_LONG, false}};
    int rc = 0;
    for (u32 i = 0; i < EXITS_RUNS && !rc; i++) {
        bench->run[i].mode = runs[i].mode;
        bench->run[i].pinned = runs[i].pinned;
        rc = measure_run(bench, &bench->run[i]);
    }
    if (!rc)
        rc = measure_bare(bench);
    bench_host_pin(&bench->host, false);
    bench->cycles_per_ns = bench_host_cycles_per_ns(&bench->host);
    bench->bare.sampled_ns /= bench->cycles_per_ns;
    if (rc)
        log_error("the exits of this host cannot be measured: %s", strerror(-rc));
    return rc;
}

void exits_free(struct exits_bench *bench)
{
    for (u32 i = 0; i < EXITS_RUNS; i++)
        for (u32 k = 0; k < EXITS_KIND_COUNT; k++)
            free(bench->run[i].kind[k].sample);
}
