/* KVM for benchmarks: each ioctl by itself, with nothing of huddle's around it, guests that huddle's machine
 * does not run (64-bit), and coalesced writes, which it does not use. Linux Documentation/virt/kvm/api.rst.
 */
#ifndef HUDDLE_KVM_MEASURE_H
#define HUDDLE_KVM_MEASURE_H

#include "kvm/vcpu.h"

/* KVM_RUN and no more. 0 or -errno, not logged; -EINTR after a kick. What the exit was: vcpu_decode. */
must_check int vcpu_enter(struct vcpu *vcpu);
/* `n` of them in a loop, without a look at the exits. 0 or -errno, not logged. */
must_check int vcpu_enter_many(struct vcpu *vcpu, u32 n);
void vcpu_decode(const struct vcpu *vcpu, struct vmexit *exit);

/* Which registers KVM stores in the shared page at each exit: all, or none. vcpu_open begins with all. */
void vcpu_sync_at_exit(struct vcpu *vcpu, bool all);
/* Has KVM take all registers from the shared page at the next KVM_RUN, as they are there. */
void vcpu_sync_at_entry(struct vcpu *vcpu);
void vcpu_set_immediate_exit(struct vcpu *vcpu, bool on);

enum vcpu_ioctl { VCPU_GET_REGS, VCPU_SET_REGS, VCPU_GET_SREGS, VCPU_SET_SREGS, VCPU_IOCTLS };
/* KVM_GET_REGS and the others, on the shared page's copy. SET puts back what GET got: call that first. 0 or
 * -errno, not logged. */
must_check int vcpu_do_ioctl(struct vcpu *vcpu, enum vcpu_ioctl which);

/* Writes to `bytes` at a port or at a guest physical address (of whole pages) need no exit from here on: they
 * are put into a ring. The kernel may have none. 0 or -errno, not logged. */
must_check int vm_coalesce(struct vm *vm, bool port, u64 first, u32 bytes);
/* Empties the ring; returns how many writes were in it. */
u32 vcpu_drain_coalesced(const struct vm *vm, const struct vcpu *vcpu);

/* All of the host's processor that KVM can give, instead of a 486: for 64-bit guests. Before the first
 * KVM_RUN. 0 or -errno, not logged. */
must_check int vcpu_show_host_cpuid(const struct vm *vm, struct vcpu *vcpu);

/* Where a 64-bit guest begins: flat, interrupts off, in ring 0 or in ring 3 with all ports. Its GDT has code
 * and data segments of ring 0 at 8 and 16, those of ring 3 at 24 and 32. */
struct vcpu_long_start {
    bool ring3;
    u64 rip, rsp, cr3;
    u64 gdt, idt;
    u16 gdt_limit, idt_limit;
};
/* Puts the vCPU there; IA-32e paging is on. 0 or -errno, not logged. */
must_check int vcpu_start_long(struct vcpu *vcpu, const struct vcpu_long_start *start);

#endif
