/* A machine of memory and one processor, for measuring: no firmware, no devices. Its first 640 KiB hold code
 * (guest.h); a guest that needs more has memory from RIG_BIG on. */
#ifndef HUDDLE_BENCH_RIG_H
#define HUDDLE_BENCH_RIG_H

#include "bench/guest.h"
#include "kvm/measure.h"

#include <time.h>

#define RIG_BIG 0x1000000u /* guest physical, and linear, address */

enum rig_mode {
    RIG_REAL,   /* real mode, all segments at 0 */
    RIG_FLAT32, /* 32-bit protected mode, flat, no paging */
    RIG_LONG,   /* 64-bit mode; linear addresses are physical ones */
};

struct rig_config {
    enum rig_mode mode;
    bool ring3;     /* RIG_LONG: and all ports, else ring 0 */
    const u8 *code; /* goes to GUEST_CODE */
    u32 code_bytes;
    u64 big_bytes;    /* a multiple of 2 MiB; 0: none */
    bool host_huge;   /* its memory in the host: huge pages wanted, else none */
    bool guest_small; /* RIG_LONG: the guest's page tables have 4 KiB pages, else 2 MiB */
};

struct rig {
    struct rig_config config;
    struct vm vm;
    struct vcpu vcpu;
    u8 *low; /* [GUEST_RAM_BYTES] */
    u8 *big; /* [big_bytes]; page tables behind it */
    u64 big_mapped;
    volatile int attention;
    timer_t timer;
    bool has_timer;
};

/* 0 or -errno; `why` says what failed, and it is not logged unless KVM itself cannot be used. -EPROTO: it
 * can, but not in this mode. */
must_check int rig_open(struct rig *rig, const struct rig_config *config, const char **why);
void rig_close(struct rig *rig);

/* Puts the processor to `address`, in the mode of the rig, interrupts off. 0 or -errno, not logged. */
must_check int rig_start(struct rig *rig, u32 address);
/* The address of an entry of guest.asm. */
u32 rig_entry(const struct rig *rig, enum guest_entry entry);

/* KVM_RUN is left with -EINTR (or as a kick) after so many milliseconds; 0: no more. */
void rig_limit(struct rig *rig, u64 ms);

/* Memory from the host with huge pages, or with none, at a multiple of 2 MiB, zeroed. NULL: none. */
u8 *rig_memory(u64 bytes, bool huge);
void rig_memory_free(u8 *memory, u64 bytes);

/* What an exit was, for people: "a triple fault". Static text. */
const char *rig_exit_text(const struct vmexit *exit);

#endif
