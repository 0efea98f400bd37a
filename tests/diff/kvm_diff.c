/* Differential test: random instruction sequences from the cluster allow-list, run from the same state by
 * host code, by the step interpreter and by KVM. Host code and interpreter must agree on everything at every
 * leave; KVM with both on registers, flags, memory and the ordered stream of device accesses at the end. A
 * few fixed sequences come first (fixed.c).
 *
 *   kvm_diff [--count=N] [--first=SEED] [--nightly] [--straight] [--emulated-cpu] [--trace]
 *
 * --nightly: 200,000 sequences that depend on the clock (scripts/test --nightly). A failing sequence is
 * printed with its seed, its listing and what differs; kvm_diff --first=SEED --count=1 runs it alone, with
 * --trace also printing every instruction and the registers before it, and forming no clusters.
 *
 * Seeds that are multiples of 3 give straight code (instructions and short forward branches), others
 * everything: loops, waits, calls, repeated strings, accesses where segments, RAM and windows end, stores
 * into their own code, segment loads, and a device that wants something (an interrupt, the run loop, DMA, A20
 * ...) at one of its accesses. --straight: only the first kind.
 *
 * Half of the sequences run in real mode, a quarter each in 32-bit and 16-bit protected mode. Flags that an
 * instruction leaves undefined are defined again by an ADD behind it, so that nothing later depends on them;
 * host code and interpreter must agree on them all the same. What this KVM does in its own way is in
 * oddity.c; the last lines of the output count how often that happened, and how often it made an end
 * incomparable. What KVM cannot run at all, and sequences in which an interrupt was taken, are run by the
 * other two only. Without /dev/kvm all of it is.
 *
 * --emulated-cpu: the processor below KVM is QEMU's, which knows no segment limits or types and none of the
 * undocumented encodings: sequences that fault or hold such an instruction are not given to it. Or it is
 * Bochs's, which refuses to enter a real-mode guest whose CS has its low bits set. Implies --straight. */
#include "fixed.h"
#include "random.h"
#include "trio.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { MAX_FAILURES = 10, PATTERN_SEED = 42, USUAL_COUNT = 3000, NIGHTLY_COUNT = 200000 };

struct options {
    u64 count, first;
    bool straight, emulated_cpu, trace;
};

/* True if all agreed. */
static bool run_one(struct trio *t, const struct options *o, u64 seed)
{
    static struct sequence s;
    random_sequence(&s, seed, !o->straight && seed % 3, o->emulated_cpu);
    if (o->trace)
        s.window = 0;
    bool same = trio_run(t, &s) != TRIO_DIFFERENT;
    if (!same)
        sequence_print(&s);
    return same;
}

/* A run that compared little is no success. */
static bool compared_enough(const struct trio *t)
{
    const struct trio_counts *c = &t->counts;
    struct jit_stats host = trio_host_stats(t);
    u64 not_compared = 0;
    for (u32 i = 0; i < ODDITIES; i++)
        not_compared += BIT(i) & ODDITIES_NOT_COMPARED ? c->odd[i] : 0;
    if (!c->accesses || !c->runs || !host.translations || host.failed || c->skipped > c->run / 5)
        return false;
    return !t->kvm.present ||
           (c->two_only <= c->run / (t->emulated_cpu ? 2 : 4) && not_compared <= c->run / 500 + 1);
}

static int run_all(struct trio *t, const struct options *o)
{
    u64 failures = 0;
    for (u64 seed = o->first; seed < o->first + o->count && failures < MAX_FAILURES; seed++)
        failures += !run_one(t, o, seed);
    const struct trio_counts *c = &t->counts;
    struct jit_stats host = trio_host_stats(t);
    printf("%llu sequences from seed %llu, %llu runs of clusters, %llu instructions, %llu device accesses, "
           "%llu faults, %llu not run by "
           "KVM, %llu without end, %llu failures\n",
           (unsigned long long)c->run, (unsigned long long)o->first, (unsigned long long)c->runs,
           (unsigned long long)c->instructions, (unsigned long long)c->accesses,
           (unsigned long long)c->faults, (unsigned long long)c->two_only, (unsigned long long)c->skipped,
           (unsigned long long)failures);
    printf("host code: %llu translations of %llu instructions, %llu faults, %llu recompiled, %llu "
           "interpreted, %llu failed\n",
           (unsigned long long)host.translations, (unsigned long long)host.instructions,
           (unsigned long long)host.faults, (unsigned long long)host.recompiled,
           (unsigned long long)host.interpreted, (unsigned long long)host.failed);
    for (u32 i = 0; i < ODDITIES; i++)
        if (c->odd[i])
            printf("  %llu with %s\n", (unsigned long long)c->odd[i], oddity_name(i));
    if (!failures && !compared_enough(t))
        printf("too little was compared\n");
    return !failures && compared_enough(t) ? EXIT_SUCCESS : EXIT_FAILURE;
}

static bool parse(struct options *o, int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        if (!strncmp(argv[i], "--count=", 8))
            o->count = strtoull(argv[i] + 8, NULL, 0);
        else if (!strncmp(argv[i], "--first=", 8))
            o->first = strtoull(argv[i] + 8, NULL, 0);
        else if (!strcmp(argv[i], "--nightly")) {
            o->count = NIGHTLY_COUNT;
            o->first = (u64)time(NULL) * NIGHTLY_COUNT;
        } else if (!strcmp(argv[i], "--straight"))
            o->straight = true;
        else if (!strcmp(argv[i], "--trace"))
            o->trace = true;
        else if (!strcmp(argv[i], "--emulated-cpu"))
            o->emulated_cpu = o->straight = true;
        else
            return false;
    }
    return true;
}

int main(int argc, char **argv)
{
    struct options options = {.count = USUAL_COUNT, .first = 1};
    if (!parse(&options, argc, argv)) {
        fprintf(stderr, "usage: kvm_diff [--count=N] [--first=SEED] [--nightly] [--straight] "
                        "[--emulated-cpu] [--trace]\n");
        return 2;
    }
    struct trio *t = calloc(1, sizeof *t);
    if (!t || trio_open(t, PATTERN_SEED))
        return EXIT_FAILURE;
    t->emulated_cpu = options.emulated_cpu;
    t->trace = options.trace;
    setvbuf(stdout, NULL, _IOLBF, 0);
    if (!t->kvm.present)
        printf("no /dev/kvm here: host code and interpreter only\n");
    bool pass = options.emulated_cpu || fixed_cases_pass(t);
    int status = run_all(t, &options);
    trio_close(t);
    free(t);
    return pass ? status : EXIT_FAILURE;
}
