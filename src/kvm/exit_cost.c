/* The scratch VM's code is the same exiting instruction over and over, without anything between: KVM_RUN then
 * takes what the exit does. Each is timed by itself, as those of a guest are. All that is measured is
 * measured in turns, a few at a time, and the medians taken: neither a host that wants the processor for
 * something else now and then shows, nor one that becomes slower.
 */
#include "kvm/exit_cost.h"

#include "base/log.h"
#include "kvm/scratch.h"

#include <errno.h>
#include <linux/kvm.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum {
    TURNS = 9,
    PER_TURN = 9,
    WARM_UP = 3, /* not counted */
    SAMPLES = TURNS * PER_TURN,
    CODE_BYTES = 3,
    BEYOND_MEMORY = 0xa000, /* a segment where nothing is */
};

/* Not an ioctl of KVM: refused before the vCPU is looked at. */
#define NO_IOCTL _IO(0, 0)

/* What is measured: the kinds of exits first. */
enum { WITH_REGS = EXIT_COST_KINDS, WITH_SREGS, IMMEDIATE, SYSCALL, TIMESTAMP, QUANTITIES };

static const struct {
    u8 code[CODE_BYTES], bytes;
    enum vmexit_kind kind;
    u64 dirty; /* what KVM is told to take over at each entry */
} exits[] = {
    [EXIT_COST_OUT] = {{0xee}, 1, VMEXIT_PIO},                     /* out dx, al */
    [EXIT_COST_IN] = {{0xec}, 1, VMEXIT_PIO},                      /* in al, dx */
    [EXIT_COST_OUTS] = {{0x6e}, 1, VMEXIT_PIO},                    /* outsb */
    [EXIT_COST_MMIO_WRITE] = {{0x26, 0x88, 0x07}, 3, VMEXIT_MMIO}, /* mov es:[bx], al */
    [EXIT_COST_MMIO_READ] = {{0x26, 0x8a, 0x07}, 3, VMEXIT_MMIO},  /* mov al, es:[bx] */
    [EXIT_COST_HLT] = {{0xf4}, 1, VMEXIT_HLT},
    [WITH_REGS] = {{0xee}, 1, VMEXIT_PIO, KVM_SYNC_X86_REGS},
    [WITH_SREGS] = {{0xee}, 1, VMEXIT_PIO, KVM_SYNC_X86_REGS | KVM_SYNC_X86_SREGS},
};

static u64 tsc(void)
{
    return __builtin_ia32_rdtsc();
}

static int by_value(const void *a, const void *b)
{
    u32 x = *(const u32 *)a, y = *(const u32 *)b;
    return x < y ? -1 : x > y;
}

static u32 median(u32 ticks[SAMPLES])
{
    qsort(ticks, SAMPLES, sizeof ticks[0], by_value);
    return ticks[SAMPLES / 2];
}

static u32 minus(u32 a, u32 b)
{
    return a > b ? a - b : 0;
}

/* Code that makes the exit often enough; the vCPU is in front of it. */
static void load_exits(struct scratch *s, const u8 *code, u32 bytes)
{
    u8 all[(WARM_UP + PER_TURN) * CODE_BYTES];
    struct cpu_state cpu;
    for (u32 i = 0; i < WARM_UP + PER_TURN; i++)
        memcpy(all + i * bytes, code, bytes);
    scratch_load(s, all, (WARM_UP + PER_TURN) * bytes, 0);
    vcpu_get_state(&s->vcpu, &cpu);
    cpu.sreg[CPU_ES].selector = BEYOND_MEMORY;
    cpu.sreg[CPU_ES].base = BEYOND_MEMORY << 4;
    vcpu_put_state(&s->vcpu, &cpu);
}

static int time_exits(struct scratch *s, u32 what, u32 ticks[PER_TURN])
{
    struct vmexit exit;
    load_exits(s, exits[what].code, exits[what].bytes);
    for (u32 i = 0; i < WARM_UP + PER_TURN; i++) {
        if (i)
            s->vcpu.run->kvm_dirty_regs |= exits[what].dirty;
        u64 start = tsc();
        int rc = vcpu_run(&s->vcpu, &exit);
        u64 end = tsc();
        if (rc || exit.kind != exits[what].kind)
            return rc ? rc : -EIO;
        if (i >= WARM_UP)
            ticks[i - WARM_UP] = (u32)(end - start);
    }
    /* What the last one left to be finished must not meet the next code. */
    return exit.kind == VMEXIT_HLT ? 0 : vcpu_complete(&s->vcpu, &exit) < 0 ? -EIO : 0;
}

/* An ioctl of the vCPU: PER_TURN times. */
static void time_ioctl(const struct scratch *s, unsigned long request, u32 ticks[PER_TURN])
{
    for (u32 i = 0; i < PER_TURN; i++) {
        u64 start = tsc();
        (void)ioctl(s->vcpu.fd, request, 0);
        ticks[i] = (u32)(tsc() - start);
    }
}

static int take_turn(struct scratch *s, u32 ticks[QUANTITIES][SAMPLES], u32 at)
{
    for (u32 what = 0; what < ARRAY_LEN(exits); what++) {
        int rc = time_exits(s, what, ticks[what] + at);
        if (rc)
            return rc;
    }
    s->vcpu.run->immediate_exit = 1;
    time_ioctl(s, KVM_RUN, ticks[IMMEDIATE] + at);
    s->vcpu.run->immediate_exit = 0;
    time_ioctl(s, NO_IOCTL, ticks[SYSCALL] + at);
    for (u32 i = 0; i < PER_TURN; i++) {
        u64 start = tsc();
        ticks[TIMESTAMP][at + i] = (u32)(tsc() - start);
    }
    return 0;
}

static int measure(struct scratch *s, struct exit_cost *cost)
{
    u32 ticks[QUANTITIES][SAMPLES], m[QUANTITIES];
    for (u32 turn = 0; turn < TURNS; turn++) {
        int rc = take_turn(s, ticks, turn * PER_TURN);
        if (rc)
            return rc;
    }
    cost->timestamp = median(ticks[TIMESTAMP]);
    for (u32 i = 0; i < QUANTITIES; i++)
        m[i] = minus(median(ticks[i]), cost->timestamp);
    for (u32 i = 0; i < EXIT_COST_KINDS; i++)
        cost->exit[i] = m[i];
    cost->syscall = m[SYSCALL];
    cost->immediate = m[IMMEDIATE];
    cost->regs = minus(m[WITH_REGS], m[EXIT_COST_OUT]);
    cost->sregs = minus(m[WITH_SREGS], MAX(m[WITH_REGS], m[EXIT_COST_OUT]));
    return 0;
}

int exit_cost_measure(struct exit_cost *cost)
{
    struct scratch s;
    *cost = (struct exit_cost){0};
    int rc = scratch_open(&s);
    if (rc)
        return rc;
    rc = measure(&s, cost);
    if (rc)
        log_error("/dev/kvm: what an exit costs cannot be measured: %s", strerror(-rc));
    scratch_close(&s);
    return rc;
}
