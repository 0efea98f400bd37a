/* An exit of the guest in neutral terms: struct kvm_run without <linux/kvm.h>. */
#ifndef HUDDLE_KVM_VMEXIT_H
#define HUDDLE_KVM_VMEXIT_H

#include "base/types.h"

enum vmexit_kind {
    VMEXIT_PIO,
    VMEXIT_MMIO,
    VMEXIT_HLT,
    VMEXIT_IRQ_WINDOW,
    VMEXIT_KICK,      /* a signal or immediate_exit: nothing happened in the guest */
    VMEXIT_SHUTDOWN,  /* triple fault */
    VMEXIT_EMULATION, /* KVM cannot emulate the instruction at RIP */
    VMEXIT_ENTRY,     /* the hardware refused the guest state */
    VMEXIT_UNKNOWN,
};

struct vmexit {
    enum vmexit_kind kind;
    union {
        struct {
            u16 port;
            u8 size;     /* of one element */
            bool in;
            bool string; /* INS or OUTS, REP or not: count elements */
            u32 count;
            u8 *data;    /* count * size bytes in the shared page: from the guest, or for it */
        } pio;
        struct {
            u64 gpa;
            u8 size;     /* 1..8 */
            bool write;
            u8 *data;
        } mmio;
        struct {
            u32 reason;  /* VMEXIT_UNKNOWN, VMEXIT_ENTRY: KVM's number */
            u64 detail;
        } other;
    };
};

#endif
