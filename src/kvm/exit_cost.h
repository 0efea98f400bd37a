/* What the parts of an exit cost on this host that only KVM and the processor see: measured, for `--explain`.
 */
#ifndef HUDDLE_KVM_EXIT_COST_H
#define HUDDLE_KVM_EXIT_COST_H

#include "kvm/vcpu.h"

/* Kinds of exits that differ in KVM. */
enum exit_cost_kind {
    EXIT_COST_OUT,
    EXIT_COST_IN,
    EXIT_COST_OUTS,
    EXIT_COST_MMIO_WRITE,
    EXIT_COST_MMIO_READ,
    EXIT_COST_HLT,
    EXIT_COST_KINDS
};

/* Ticks of the TSC, medians. */
struct exit_cost {
    u32 timestamp;             /* reading the TSC */
    u32 syscall;               /* an ioctl of the vCPU that KVM refuses at once */
    u32 immediate;             /* KVM_RUN with immediate_exit: all but the guest */
    u32 regs;                  /* what KVM_RUN takes longer for new registers in the shared page */
    u32 sregs;                 /* the same for new segment registers */
    u32 exit[EXIT_COST_KINDS]; /* KVM_RUN with one exiting instruction and nothing else, everything included
                                */
};

/* Measures all of it with a scratch VM, with about eight hundred exits. 0 or -errno (logged). */
must_check int exit_cost_measure(struct exit_cost *cost);

#endif
