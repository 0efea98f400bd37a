/* A scratch VM of one piece of memory with real-mode code, to find out what this host's KVM does and what it
 * costs. */
#ifndef HUDDLE_KVM_SCRATCH_H
#define HUDDLE_KVM_SCRATCH_H

#include "kvm/vcpu.h"

enum {
    SCRATCH_CODE = 0x1000, /* guest physical address of the code, also its IP in segment 0 */
    SCRATCH_STACK = 0x8000,
    SCRATCH_BYTES = 0x10000, /* of memory, from 0 on; beyond is nothing */
    SCRATCH_PORT = 0x80,
};

struct scratch {
    struct vm vm;
    struct vcpu vcpu;
    u8 *memory;
    volatile int attention;
};

/* 0 or -errno (logged). scratch_close must follow only if it was 0. */
must_check int scratch_open(struct scratch *s);
void scratch_close(struct scratch *s);

/* Puts `code` in place and the vCPU in front of it; DX = SCRATCH_PORT, CX = `cx`, the other registers as
 * after RESET. */
void scratch_load(struct scratch *s, const void *code, size_t bytes, u16 cx);

#endif
