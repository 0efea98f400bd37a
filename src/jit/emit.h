/* One host instruction per call, encoded by Zydis. Intel operand order: destination first. Sizes in bytes. Running out
 * of room, or a request that cannot be encoded, is remembered in `failed`, after which nothing is written any more. */
#ifndef HUDDLE_JIT_EMIT_H
#define HUDDLE_JIT_EMIT_H

#include "base/types.h"

#include <Zydis/Zydis.h>

enum host_reg {
    RAX, RCX, RDX, RBX, RSP, RBP, RSI, RDI, R8, R9, R10, R11, R12, R13, R14, R15,
    HOST_AH, HOST_CH, HOST_DH, HOST_BH, /* size 1 only; not beside r8-r15 or a memory operand with one of them */
    HOST_NONE,
};

struct host_mem {
    enum host_reg base, index; /* index: HOST_NONE if there is none */
    u8 scale;                  /* factor: 1, 2, 4, 8 */
    s32 disp;
};

static inline struct host_mem host_mem(enum host_reg base, s32 disp)
{
    return (struct host_mem){.base = base, .index = HOST_NONE, .scale = 1, .disp = disp};
}

static inline struct host_mem host_mem_index(enum host_reg base, enum host_reg index, u8 scale, s32 disp)
{
    return (struct host_mem){.base = base, .index = index, .scale = scale, .disp = disp};
}

/* Encodings made before. The encoder takes 50 to 150 ns, and code repeats itself. */
struct emit_cache;
struct emit_cache *emit_cache_create(void);
void emit_cache_destroy(struct emit_cache *cache);

struct emit {
    u8 *at, *end;
    struct emit_cache *cache; /* may be NULL */
    bool failed;
    bool full; /* failed for want of room */
};

/*  lea dst, [mem] */
void emit_lea(struct emit *e, u8 size, enum host_reg dst, struct host_mem mem);

#define M(name) ZYDIS_MNEMONIC_##name

void emit_none(struct emit *e, ZydisMnemonic mnemonic);
void emit_r(struct emit *e, ZydisMnemonic mnemonic, u8 size, enum host_reg reg);
void emit_rr(struct emit *e, ZydisMnemonic mnemonic, u8 size, enum host_reg dst, enum host_reg src);
void emit_ri(struct emit *e, ZydisMnemonic mnemonic, u8 size, enum host_reg dst, s64 imm);
void emit_rm(struct emit *e, ZydisMnemonic mnemonic, u8 size, enum host_reg dst, struct host_mem src);
void emit_mr(struct emit *e, ZydisMnemonic mnemonic, u8 size, struct host_mem dst, enum host_reg src);
void emit_mi(struct emit *e, ZydisMnemonic mnemonic, u8 size, struct host_mem dst, s64 imm);
void emit_m(struct emit *e, ZydisMnemonic mnemonic, u8 size, struct host_mem mem);
/* Shifts, rotates, SHLD and SHRD by CL. */
void emit_shift_cl(struct emit *e, ZydisMnemonic mnemonic, u8 size, enum host_reg dst);
void emit_shift_double_cl(struct emit *e, ZydisMnemonic mnemonic, u8 size, enum host_reg dst, enum host_reg src);
/* BMI2 shifts, which leave the flags alone: dst = src shifted by the low bits of count. */
void emit_shift_x(struct emit *e, ZydisMnemonic mnemonic, u8 size, enum host_reg dst, enum host_reg src, enum host_reg count);
/*  imul dst, src, imm */
void emit_imul(struct emit *e, u8 size, enum host_reg dst, enum host_reg src, s64 imm);
/* MOVZX, MOVSX, MOVSXD. */
void emit_extend(struct emit *e, ZydisMnemonic mnemonic, u8 size, enum host_reg dst, u8 src_size, enum host_reg src);
void emit_extend_m(struct emit *e, ZydisMnemonic mnemonic, u8 size, enum host_reg dst, u8 src_size, struct host_mem src);

/* A branch whose target comes later: returns the displacement field for emit_patch (NULL if failed). JMP, CALL and Jcc
 * have four bytes of it, JRCXZ one. */
u8 *emit_branch(struct emit *e, ZydisMnemonic mnemonic);
u8 *emit_branch_short(struct emit *e, ZydisMnemonic mnemonic);
/* `target` lies in the same mapping as the field. */
void emit_patch(struct emit *e, u8 *field, const u8 *target);
void emit_patch_short(struct emit *e, u8 *field, const u8 *target);

#endif
