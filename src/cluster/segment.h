/* Loading segment registers and following descriptors. 486 manual, chapters 5, 6 and 22 (real mode). */
#ifndef HUDDLE_CLUSTER_SEGMENT_H
#define HUDDLE_CLUSTER_SEGMENT_H

#include "cluster/interp_impl.h"

/* A descriptor as read from a table, with where it was read. */
struct descriptor {
    struct cpu_segment segment; /* without selector */
    u32 offset;                 /* of a gate */
    u16 selector;               /* of a gate */
    u8 count;                   /* of a call gate: parameters */
    linear_t at;
};

/* System descriptor types (s = 0). 486 manual, table 6-1. */
enum system_type {
    SYSTEM_TSS16 = 1,
    SYSTEM_LDT = 2,
    SYSTEM_TSS16_BUSY = 3,
    SYSTEM_CALL16 = 4,
    SYSTEM_TASK_GATE = 5,
    SYSTEM_INT16 = 6,
    SYSTEM_TRAP16 = 7,
    SYSTEM_TSS32 = 9,
    SYSTEM_TSS32_BUSY = 11,
    SYSTEM_CALL32 = 12,
    SYSTEM_INT32 = 14,
    SYSTEM_TRAP32 = 15,
    SYSTEM_BUSY = 2, /* the bit that makes a TSS busy */
};

enum selector_bit { SELECTOR_RPL = 3, SELECTOR_LDT = 4, SELECTOR_ERROR = 0xfffc, SELECTOR_INDEX = 0xfff8 };

static inline bool selector_is_null(u16 selector)
{
    return (selector & ~SELECTOR_RPL) == 0;
}

/* Is the selector inside its table? */
bool descriptor_exists(const struct cpu_state *cpu, u16 selector);

/* Reads the descriptor; #GP(selector) outside the table. INTERP_UNSUPPORTED if the table is not in memory. */
enum interp_result descriptor_read(struct exec *x, u16 selector, struct descriptor *descriptor);
enum interp_result descriptor_read_at(struct exec *x, linear_t at, struct descriptor *descriptor);

/* Sets the accessed bit (or, for a TSS, the busy bit) in the table. */
enum interp_result descriptor_set_type(struct exec *x, struct descriptor *descriptor, u8 type);

/* MOV, POP, LDS... of a data or stack segment register: in real mode only selector and base change. */
enum interp_result segment_load(struct exec *x, u8 sreg, u16 selector);

/* A code segment fit for a transfer at CPL 0? #GP(selector), #NP(selector). */
enum interp_result segment_check_code(struct exec *x, u16 selector, struct descriptor *descriptor);

/* Loads CS from a checked descriptor and goes to `offset`; #GP(0) if that is beyond its limit. The caller has made
 * sure that nothing after this can fail. */
enum interp_result segment_enter_code(struct exec *x, u16 selector, struct descriptor *descriptor, u32 offset);

/* The same in real mode: CS gets selector and base; limit and attributes stay (so did the 386: a far jump after
 * leaving protected mode does not shrink the limit). */
enum interp_result segment_enter_real(struct exec *x, u16 selector, u32 offset);

/* `old` with a new selector and base as real mode computes it. Limit, B, type and DPL stay: "unreal" mode. */
struct cpu_segment segment_real(const struct cpu_segment *old, u16 selector);

#endif
