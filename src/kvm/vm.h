/* The KVM system and VM file descriptors: capabilities, memory slots. With vcpu.c the only place that knows
 * <linux/kvm.h>. Linux Documentation/virt/kvm/api.rst. */
#ifndef HUDDLE_KVM_VM_H
#define HUDDLE_KVM_VM_H

#include "base/types.h"

struct vm_slot {
    u64 first;
    u64 bytes;
    void *host;
    bool readonly;
};

struct vm {
    int system_fd; /* /dev/kvm */
    int fd;
    u32 run_bytes; /* size of the shared page area of a vCPU */
    u64 ioctls;    /* VM ioctls made */
};

/* Opens /dev/kvm, checks the table of capabilities, creates a VM. 0 or -errno; every failure is logged with what
 * to do about it ("huddle doctor" says more). */
must_check int vm_open(struct vm *vm);
void vm_close(struct vm *vm);

/* Gives the guest its memory. 0 or -errno (logged). */
must_check int vm_set_slots(struct vm *vm, const struct vm_slot *slots, u32 n);

/* The capability table's view of an open system fd: names of what is missing, "" if all is there. */
void vm_missing_capabilities(int system_fd, char *names, size_t size);

#endif
