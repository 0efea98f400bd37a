/* Arithmetic done by the host's own instruction, flags in and out included: the undefined flags come out as this
 * host leaves them, which is what its KVM and translated code show as well. */
#ifndef HUDDLE_CLUSTER_INTERP_ALU_H
#define HUDDLE_CLUSTER_INTERP_ALU_H

#include "cluster/step.h"

/* dst op src on `size` bytes (upper bits ignored; those of the result are undefined); reads and updates the
 * arithmetic flags in *eflags. */
u32 alu_execute(enum alu_op op, u8 size, u32 dst, u32 src, u32 *eflags);

/* SHLD (right false) or SHRD by `count` & 31; size 2 or 4. */
u32 alu_shift_double(bool right, u8 size, u32 dst, u32 src, u8 count, u32 *eflags);

/* [E]DX:[E]AX, or AX for size 1 (then *high is not used), = *low * src. */
void alu_multiply(bool is_signed, u8 size, u32 *low, u32 *high, u32 src, u32 *eflags);

/* *low = quotient, *high = remainder of *high:*low / src; for size 1 *low is AX in and out. False: #DE, nothing
 * changed. */
must_check bool alu_divide(bool is_signed, u8 size, u32 *low, u32 *high, u32 src, u32 *eflags);

bool alu_condition(enum step_condition condition, u32 eflags);

#endif
