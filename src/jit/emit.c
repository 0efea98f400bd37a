/* Requests to the Zydis encoder. */
#include "jit/emit.h"

#include "base/bug.h"
#include "base/hash.h"

#include <stdlib.h>
#include <string.h>

static ZydisRegister reg_of(enum host_reg reg, u8 size)
{
    static const ZydisRegister low8[16] = {
        ZYDIS_REGISTER_AL,   ZYDIS_REGISTER_CL,   ZYDIS_REGISTER_DL,   ZYDIS_REGISTER_BL,
        ZYDIS_REGISTER_SPL,  ZYDIS_REGISTER_BPL,  ZYDIS_REGISTER_SIL,  ZYDIS_REGISTER_DIL,
        ZYDIS_REGISTER_R8B,  ZYDIS_REGISTER_R9B,  ZYDIS_REGISTER_R10B, ZYDIS_REGISTER_R11B,
        ZYDIS_REGISTER_R12B, ZYDIS_REGISTER_R13B, ZYDIS_REGISTER_R14B, ZYDIS_REGISTER_R15B};
    if (reg >= HOST_AH)
        return ZYDIS_REGISTER_AH + (reg - HOST_AH);
    switch (size) {
    case 1:
        return low8[reg];
    case 2:
        return ZYDIS_REGISTER_AX + reg;
    case 4:
        return ZYDIS_REGISTER_EAX + reg;
    default:
        return ZYDIS_REGISTER_RAX + reg;
    }
}

static ZydisEncoderOperand reg_operand(enum host_reg reg, u8 size)
{
    return (ZydisEncoderOperand){.type = ZYDIS_OPERAND_TYPE_REGISTER, .reg.value = reg_of(reg, size)};
}

static ZydisEncoderOperand imm_operand(s64 imm)
{
    return (ZydisEncoderOperand){.type = ZYDIS_OPERAND_TYPE_IMMEDIATE, .imm.s = imm};
}

static ZydisEncoderOperand mem_operand(struct host_mem mem, u8 size)
{
    ZydisEncoderOperand operand = {.type = ZYDIS_OPERAND_TYPE_MEMORY};
    operand.mem.base = mem.base == HOST_NONE ? ZYDIS_REGISTER_NONE : reg_of(mem.base, 8);
    operand.mem.index = mem.index == HOST_NONE ? ZYDIS_REGISTER_NONE : reg_of(mem.index, 8);
    operand.mem.scale = mem.index == HOST_NONE ? 0 : mem.scale;
    operand.mem.displacement = mem.disp;
    operand.mem.size = size;
    return operand;
}

/* --- encodings made before --- */

enum { CACHE_SLOTS = 4096, MAX_OPERANDS = 3 };

/* What an encoding depends on; no padding, for it is hashed and compared as bytes. */
struct key_operand {
    s64 value; /* immediate or displacement */
    u16 reg, index;
    u8 type, scale, size, pad;
};
struct key {
    struct key_operand operand[MAX_OPERANDS];
    u16 mnemonic;
    u8 branch_width;
    u8 operands;
    u8 pad[4];
};

struct emit_cache {
    struct {
        struct key key;
        u8 length; /* 0: nothing here */
        u8 bytes[ZYDIS_MAX_INSTRUCTION_LENGTH];
    } slot[CACHE_SLOTS];
};

struct emit_cache *emit_cache_create(void)
{
    return calloc(1, sizeof(struct emit_cache));
}

void emit_cache_destroy(struct emit_cache *cache)
{
    free(cache);
}

static struct key key_of(const ZydisEncoderRequest *request)
{
    struct key key = {.mnemonic = (u16)request->mnemonic,
                      .branch_width = (u8)request->branch_width,
                      .operands = request->operand_count};
    for (u32 i = 0; i < request->operand_count; i++) {
        const ZydisEncoderOperand *o = &request->operands[i];
        struct key_operand *k = &key.operand[i];
        k->type = (u8)o->type;
        if (o->type == ZYDIS_OPERAND_TYPE_REGISTER) {
            k->reg = (u16)o->reg.value;
        } else if (o->type == ZYDIS_OPERAND_TYPE_MEMORY) {
            k->reg = (u16)o->mem.base;
            k->index = (u16)o->mem.index;
            k->scale = o->mem.scale;
            k->size = (u8)o->mem.size;
            k->value = o->mem.displacement;
        } else {
            k->value = o->imm.s;
        }
    }
    return key;
}

/* Encodes at e->at, where there is room for any instruction; its length, or 0. */
static u8 encode_anew(struct emit *e, ZydisEncoderRequest *request)
{
    ZyanUSize length = ZYDIS_MAX_INSTRUCTION_LENGTH;
    request->machine_mode = ZYDIS_MACHINE_MODE_LONG_64;
    return ZYAN_SUCCESS(ZydisEncoderEncodeInstruction(request, e->at, &length)) ? (u8)length : 0;
}

static u8 encode_cached(struct emit *e, ZydisEncoderRequest *request)
{
    struct key key = key_of(request);
    size_t slot = hash64(&key, sizeof key) & (CACHE_SLOTS - 1);
    if (e->cache->slot[slot].length && !memcmp(&e->cache->slot[slot].key, &key, sizeof key)) {
        memcpy(e->at, e->cache->slot[slot].bytes, ZYDIS_MAX_INSTRUCTION_LENGTH);
        return e->cache->slot[slot].length;
    }
    u8 length = encode_anew(e, request);
    e->cache->slot[slot].key = key;
    e->cache->slot[slot].length = length;
    memcpy(e->cache->slot[slot].bytes, e->at, length);
    return length;
}

static void encode(struct emit *e, ZydisEncoderRequest *request)
{
    if (e->end - e->at < ZYDIS_MAX_INSTRUCTION_LENGTH)
        e->full = e->failed = true;
    if (e->failed)
        return;
    u8 length = e->cache ? encode_cached(e, request) : encode_anew(e, request);
    e->at += length;
    e->failed = !length;
}

static void encode_2(struct emit *e, ZydisMnemonic mnemonic, ZydisEncoderOperand a, ZydisEncoderOperand b)
{
    ZydisEncoderRequest request = {.mnemonic = mnemonic, .operand_count = 2, .operands = {a, b}};
    encode(e, &request);
}

static void encode_1(struct emit *e, ZydisMnemonic mnemonic, ZydisEncoderOperand a)
{
    ZydisEncoderRequest request = {.mnemonic = mnemonic, .operand_count = 1, .operands = {a}};
    encode(e, &request);
}

void emit_none(struct emit *e, ZydisMnemonic mnemonic)
{
    ZydisEncoderRequest request = {.mnemonic = mnemonic};
    encode(e, &request);
}

void emit_r(struct emit *e, ZydisMnemonic mnemonic, u8 size, enum host_reg reg)
{
    encode_1(e, mnemonic, reg_operand(reg, size));
}

void emit_rr(struct emit *e, ZydisMnemonic mnemonic, u8 size, enum host_reg dst, enum host_reg src)
{
    encode_2(e, mnemonic, reg_operand(dst, size), reg_operand(src, size));
}

void emit_ri(struct emit *e, ZydisMnemonic mnemonic, u8 size, enum host_reg dst, s64 imm)
{
    encode_2(e, mnemonic, reg_operand(dst, size), imm_operand(imm));
}

void emit_rm(struct emit *e, ZydisMnemonic mnemonic, u8 size, enum host_reg dst, struct host_mem src)
{
    encode_2(e, mnemonic, reg_operand(dst, size), mem_operand(src, size));
}

void emit_lea(struct emit *e, u8 size, enum host_reg dst, struct host_mem mem)
{
    static const u8 address_size = 8;
    encode_2(e, M(LEA), reg_operand(dst, size), mem_operand(mem, address_size));
}

void emit_mr(struct emit *e, ZydisMnemonic mnemonic, u8 size, struct host_mem dst, enum host_reg src)
{
    encode_2(e, mnemonic, mem_operand(dst, size), reg_operand(src, size));
}

void emit_mi(struct emit *e, ZydisMnemonic mnemonic, u8 size, struct host_mem dst, s64 imm)
{
    encode_2(e, mnemonic, mem_operand(dst, size), imm_operand(imm));
}

void emit_m(struct emit *e, ZydisMnemonic mnemonic, u8 size, struct host_mem mem)
{
    encode_1(e, mnemonic, mem_operand(mem, size));
}

void emit_shift_cl(struct emit *e, ZydisMnemonic mnemonic, u8 size, enum host_reg dst)
{
    encode_2(e, mnemonic, reg_operand(dst, size), reg_operand(RCX, 1));
}

void emit_shift_double_cl(struct emit *e, ZydisMnemonic mnemonic, u8 size, enum host_reg dst,
                          enum host_reg src)
{
    ZydisEncoderRequest request = {
        .mnemonic = mnemonic,
        .operand_count = 3,
        .operands = {reg_operand(dst, size), reg_operand(src, size), reg_operand(RCX, 1)}};
    encode(e, &request);
}

void emit_shift_x(struct emit *e, ZydisMnemonic mnemonic, u8 size, enum host_reg dst, enum host_reg src, enum host_reg count)
{
    ZydisEncoderRequest request = {
        .mnemonic = mnemonic,
        .operand_count = 3,
        .operands = {reg_operand(dst, size), reg_operand(src, size), reg_operand(count, size)}};
    encode(e, &request);
}

void emit_imul(struct emit *e, u8 size, enum host_reg dst, enum host_reg src, s64 imm)
{
    ZydisEncoderRequest request = {
        .mnemonic = M(IMUL),
        .operand_count = 3,
        .operands = {reg_operand(dst, size), reg_operand(src, size), imm_operand(imm)}};
    encode(e, &request);
}

void emit_extend(struct emit *e, ZydisMnemonic mnemonic, u8 size, enum host_reg dst, u8 src_size,
                 enum host_reg src)
{
    encode_2(e, mnemonic, reg_operand(dst, size), reg_operand(src, src_size));
}

void emit_extend_m(struct emit *e, ZydisMnemonic mnemonic, u8 size, enum host_reg dst, u8 src_size,
                   struct host_mem src)
{
    encode_2(e, mnemonic, reg_operand(dst, size), mem_operand(src, src_size));
}

static u8 *encode_branch(struct emit *e, ZydisMnemonic mnemonic, ZydisBranchType type, ZydisBranchWidth width,
                         u8 field)
{
    ZydisEncoderRequest request = {.mnemonic = mnemonic,
                                   .branch_type = type,
                                   .branch_width = width,
                                   .operand_count = 1,
                                   .operands = {imm_operand(0)}};
    encode(e, &request);
    return e->failed ? NULL : e->at - field;
}

u8 *emit_branch(struct emit *e, ZydisMnemonic mnemonic)
{
    return encode_branch(e, mnemonic, ZYDIS_BRANCH_TYPE_NEAR, ZYDIS_BRANCH_WIDTH_32, 4);
}

u8 *emit_branch_short(struct emit *e, ZydisMnemonic mnemonic)
{
    return encode_branch(e, mnemonic, ZYDIS_BRANCH_TYPE_SHORT, ZYDIS_BRANCH_WIDTH_8, 1);
}

void emit_patch(struct emit *e, u8 *field, const u8 *target)
{
    if (e->failed)
        return;
    s32 distance = (s32)(target - (field + 4));
    memcpy(field, &distance, sizeof distance);
}

void emit_patch_short(struct emit *e, u8 *field, const u8 *target)
{
    if (e->failed)
        return;
    s64 distance = target - (field + 1);
    BUG_ON(distance < INT8_MIN || distance > INT8_MAX);
    *field = (u8)distance;
}
