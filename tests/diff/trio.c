/* The three sides together. */
#include "trio.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>

enum { PATTERN_BYTES = 0x10000, PATIENCE_US = 300000 };

/* --- life --- */

static void fill(u8 *bytes, u32 size, u64 seed)
{
    for (u32 i = 0; i < size; i++) {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        bytes[i] = (u8)seed;
    }
}

static int make_image(struct trio *t, u64 seed)
{
    t->image = malloc(RAM_BYTES);
    if (!t->image)
        return -ENOMEM;
    fill(t->image, PATTERN_BYTES, seed);
    for (u32 at = PATTERN_BYTES; at < RAM_BYTES; at += PATTERN_BYTES)
        memcpy(t->image + at, t->image, PATTERN_BYTES);
    image_tables(t->image);
    memcpy(t->rom, t->image + MIB - ROM_BYTES, ROM_BYTES);
    return 0;
}

/* A REP with a huge count runs for minutes: all are stopped after a while and the sequence is skipped. But host code in a
 * run that the interpreter has ended gets more time, and is wrong if that is not enough. */
static struct trio *volatile trio_in_signal;

static void on_alarm(int signal)
{
    struct trio *t = trio_in_signal;
    (void)signal;
    if (!t || (t->host_ticks && --t->host_ticks))
        return;
    t->timed_out = true;
    t->interp.dev.attention = t->host.dev.attention = 1;
    if (t->kvm.present)
        vcpu_kick(&t->kvm.vcpu);
}

static void set_alarm(struct trio *t, bool on)
{
    struct itimerval timer = {.it_value.tv_usec = on ? PATIENCE_US : 0, .it_interval.tv_usec = on ? PATIENCE_US : 0};
    trio_in_signal = t;
    t->timed_out = false;
    setitimer(ITIMER_REAL, &timer, NULL);
}

/* Pages of which all copies are what they were are not written. */
static void restore_memory(const struct trio *t, struct memory *mem)
{
    for (u32 at = 0; at < RAM_BYTES; at += PAGE_BYTES)
        if (memcmp(mem->plain + at, t->image + at, PAGE_BYTES))
            memcpy(mem->plain + at, t->image + at, PAGE_BYTES);
}

static void restore(struct trio *t)
{
    restore_memory(t, &t->interp.mem);
    restore_memory(t, &t->host.mem);
    if (t->kvm.present)
        restore_memory(t, &t->kvm.mem);
}

int trio_open(struct trio *t, u64 pattern_seed)
{
    struct vcpu_traits traits = {0};
    int rc = make_image(t, pattern_seed);
    if (rc)
        return rc;
    rc = kvm_side_open(&t->kvm, t->rom, &traits);
    if (rc && rc != -ENOENT && rc != -EACCES)
        return rc;
    rc = executor_open(&t->interp, t->rom, false, traits.push_sreg_whole);
    if (!rc)
        rc = executor_open(&t->host, t->rom, true, traits.push_sreg_whole);
    if (rc)
        return rc;
    signal(SIGALRM, on_alarm);
    restore(t);
    return 0;
}

void trio_close(struct trio *t)
{
    executor_close(&t->host);
    executor_close(&t->interp);
    kvm_side_close(&t->kvm);
    free(t->image);
}

struct jit_stats trio_host_stats(const struct trio *t)
{
    struct jit_stats sum = {0}, one;
    for (u32 i = 0; i < HOST_CONFIGS; i++) {
        jit_stats(t->host.jit[i], &one);
        sum.translations += one.translations;
        sum.instructions += one.instructions;
        sum.flushes += one.flushes;
        sum.faults += one.faults;
        sum.recompiled += one.recompiled;
        sum.interpreted += one.interpreted;
        sum.failed += one.failed;
    }
    return sum;
}

/* --- a sequence --- */

static void put_code(struct memory *mem, const struct sequence *s)
{
    for (u32 i = 0; i < s->code_bytes; i++)
        mem->plain[sequence_linear(s, i)] = s->code[i];
}

static void prepare_side(struct memory *mem, struct device *dev, const struct sequence *s)
{
    put_code(mem, s);
    memory_set_a20(mem, s->a20);
    device_begin(dev, &s->device);
}

static void prepare_executor(struct executor *x, const struct sequence *s)
{
    executor_begin(x, s->executor);
    prepare_side(&x->mem, &x->dev, s);
    x->cpu = s->start;
}

/* Every so many code bytes are the start of an instruction known to exit. */
static void make_heat(struct trio *t, const struct sequence *s)
{
    u64 random = s->seed * 0x9e3779b97f4a7c15ull + 1;
    heat_clear(&t->heat);
    for (u32 i = 0; i < s->code_bytes; i++) {
        random = random * 6364136223846793005ull + 1442695040888963407ull;
        if ((random >> 56) < s->exiting)
            heat_bump(&t->heat, sequence_linear(s, i), false);
    }
}

static void even(struct trio *t)
{
    /* What device windows and memory went through counts from here. */
    t->host.mem.generation = t->interp.mem.generation;
    t->host.dev.window_generation = t->interp.dev.window_generation;
    t->interp.stats = t->host.stats = (struct cluster_stats){0};
}

static void prepare(struct trio *t, const struct sequence *s)
{
    t->s = s;
    t->odd = 0;
    t->fault = t->not_kvm = false;
    prepare_executor(&t->interp, s);
    prepare_executor(&t->host, s);
    if (t->kvm.present)
        prepare_side(&t->kvm.mem, &t->kvm.dev, s);
    make_heat(t, s);
    even(t);
}

void trio_rewind(struct trio *t)
{
    restore_memory(t, &t->interp.mem);
    prepare_executor(&t->interp, t->s);
}

/* As this KVM's emulator would have done it? Or did it do something of which no end is promised? */
static bool is_explained(struct trio *t)
{
    oddity_replay(t, t->kvm.emulates);
    bool same = compare_kvm(t, t->undefined, false);
    if (!same && !(t->odd & ODDITIES_NOT_COMPARED))
        return false;
    t->odd &= same ? ~(u32)ODDITIES_NOT_COMPARED : ODDITIES_NOT_COMPARED;
    for (u32 i = 0; i < ODDITIES; i++)
        t->counts.odd[i] += t->odd >> i & 1;
    return true;
}

static void print_difference(struct trio *t)
{
    oddity_replay(t, false);
    if (compare_kvm(t, 0, true))
        printf("  clusters and single instructions have not the same end\n");
}

/* Its device changed memory in an access that the interpreter did not make, before a fault. */
static bool changed_alone(const struct trio *t)
{
    enum device_event event = t->s->device.event;
    return t->kvm.dev.fired && !t->interp.dev.fired && (event == EVENT_DMA || event == EVENT_A20);
}

static enum verdict run_kvm(struct trio *t)
{
    set_alarm(t, true);
    bool ran = kvm_side_run(&t->kvm, &t->s->start);
    set_alarm(t, false);
    if (!ran || changed_alone(t))
        return TRIO_TWO_SAME;
    if (compare_kvm(t, 0, false) || is_explained(t))
        return TRIO_SAME;
    print_difference(t);
    return TRIO_DIFFERENT;
}

static void count(struct trio *t, enum verdict verdict)
{
    t->counts.run++;
    t->counts.skipped += verdict == TRIO_SKIPPED;
    t->counts.two_only += verdict == TRIO_TWO_SAME;
    t->counts.accesses += t->interp.dev.n;
    t->counts.instructions += t->interp.stats.instructions;
}

enum verdict trio_run(struct trio *t, const struct sequence *s)
{
    prepare(t, s);
    set_alarm(t, true);
    enum verdict verdict = pair_run(t);
    set_alarm(t, false);
    if (verdict == TRIO_TWO_SAME && !compare_memory(t, &t->host.mem, "host code", true))
        verdict = TRIO_DIFFERENT;
    if (verdict == TRIO_TWO_SAME && t->kvm.present && !t->not_kvm)
        verdict = run_kvm(t);
    count(t, verdict);
    restore(t);
    return verdict;
}
