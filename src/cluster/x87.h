/* The x87 of the guest: its state as FXSAVE stores it, its instructions executed by the host's x87, and the
 * images that FNSTENV and FNSAVE leave in memory.
 *
 * Every instruction runs with the guest's own control word, so that the host's hardware does what unmasked
 * exceptions ask for. They stay pending in the state; what comes of them is decided at the guest's next
 * waiting instruction.
 *
 * Intel 486 Programmer's Reference Manual, chapters 15 to 17; SDM volume 1, chapter 8. */
#ifndef HUDDLE_CLUSTER_X87_H
#define HUDDLE_CLUSTER_X87_H

#include "base/types.h"

/* Where the last non-control instruction was, what it was (eleven bits of its opcode), and where its memory
 * operand. */
struct x87_pointers {
    u16 opcode;
    u16 cs, ds;
    u32 ip, dp; /* offsets */
};

/* FXSAVE without REX.W. SDM volume 1, table 10-2. */
struct x87_image {
    u16 control;
    u16 status;
    u8 tags; /* a bit per physical register: not empty */
    u8 reserved_5;
    u16 opcode;
    u32 ip;
    u16 cs;
    u16 reserved_14;
    u32 dp;
    u16 ds;
    u16 reserved_22;
    u32 mxcsr; /* must be valid: the host loads it */
    u32 mxcsr_mask;
    u8 st[8][16]; /* in stack order, ten bytes each */
    u8 others[352];
} __attribute__((aligned(16)));

enum {
    X87_ENVIRONMENT_BYTES = 28, /* of the 32-bit images; the 16-bit ones are 14 and 94 */
    X87_STATE_BYTES = 108,
    X87_COMPARED_BYTES = 160, /* of an image: all that is the x87's */
};

/* Status and control words: exception flags and masks share their positions. */
enum x87_word {
    X87_INVALID = 1 << 0,
    X87_DENORMAL = 1 << 1,
    X87_ZERO_DIVIDE = 1 << 2,
    X87_OVERFLOW = 1 << 3,
    X87_UNDERFLOW = 1 << 4,
    X87_PRECISION = 1 << 5,
    X87_EXCEPTIONS = 0x3f,
    X87_STATUS_STACK_FAULT = 1 << 6,
    X87_STATUS_ERROR = 1 << 7,
    X87_STATUS_BUSY = 1 << 15,
    X87_CONTROL_INIT = 0x37f,
};

/* The state after FNINIT. */
void x87_init(struct x87_image *image);

/* Exceptions that are flagged and not masked. */
static inline u16 x87_pending(const struct x87_image *image)
{
    return image->status & ~image->control & X87_EXCEPTIONS;
}

struct x87_pointers x87_get_pointers(const struct x87_image *image);
void x87_set_pointers(struct x87_image *image, const struct x87_pointers *pointers);

/* --- images in guest memory: x87_env.c --- */

/* What an image looks like. Real mode keeps linear addresses of 20 bits (16-bit format) or 32. */
struct x87_format {
    u8 op_size; /* 2 or 4 */
    bool protected;
};

/* Bytes of the environment: 14 or 28. */
u32 x87_environment_bytes(const struct x87_format *format);

/* The guest's environment from control, status and tag word as the host's FNSTENV stored them (28 bytes). */
void x87_environment_store(const struct x87_format *format, u8 *guest, const u8 *host,
                           const struct x87_pointers *pointers);
/* The reverse: what the host's FLDENV is to load, and the pointers. */
void x87_environment_load(const struct x87_format *format, const u8 *guest, u8 *host,
                          struct x87_pointers *pointers);

#endif
