/* Random instructions from random bytes, weighted towards what clusters are made of. */
#include "random.h"

#include "executor.h"

#include <string.h>

enum {
    MAX_STRAIGHT = 10, /* instructions */
    MAX_PARTS = 8,
    ROOM_FOR_END = 3,
};

u64 random_next(struct random *r)
{
    r->state ^= r->state << 13;
    r->state ^= r->state >> 7;
    r->state ^= r->state << 17;
    return r->state;
}

u32 random_below(struct random *r, u32 n)
{
    return (u32)(random_next(r) >> 20) % n;
}

u32 random_value(struct random *r)
{
    static const u32 edge[] = {0, 1, 2, 0x7f, 0x80, 0xff, 0x7fff, 0x8000, 0xffff, 0x10000, 0x7fffffff, 0x80000000,
                               0xffffffff, 0xfffffffe, 15, 16, 31, 32, 33};
    switch (random_below(r, 4)) {
    case 0:
        return edge[random_below(r, ARRAY_LEN(edge))];
    case 1:
        return random_below(r, 256);
    default:
        return (u32)random_next(r);
    }
}

bool random_put(struct random *r, const u8 *bytes, u32 size)
{
    struct sequence *s = r->s;
    if (s->code_bytes + size + ROOM_FOR_END > SEQUENCE_CODE)
        return false;
    memcpy(s->code + s->code_bytes, bytes, size);
    s->code_bytes += size;
    return true;
}

bool random_put_sized(struct random *r, u8 op_size, const u8 *bytes, u32 size)
{
    return (op_size == (random_is_32(r) ? 4 : 2) || PUT(r, 0x66)) && random_put(r, bytes, size);
}

/* --- what may come --- */

static bool is_sreg(const ZydisDecodedOperand *op)
{
    return op->type == ZYDIS_OPERAND_TYPE_REGISTER && op->reg.value >= ZYDIS_REGISTER_ES &&
           op->reg.value <= ZYDIS_REGISTER_GS;
}

/* Random selectors only fault: random_flow.c loads good ones. */
static bool loads_segment(const struct insn *insn)
{
    switch (insn->zydis.mnemonic) {
    case ZYDIS_MNEMONIC_LDS:
    case ZYDIS_MNEMONIC_LES:
    case ZYDIS_MNEMONIC_LFS:
    case ZYDIS_MNEMONIC_LGS:
    case ZYDIS_MNEMONIC_LSS:
        return true;
    default:
        break;
    }
    for (u32 i = 0; i < insn->zydis.operand_count_visible; i++)
        if (is_sreg(&insn->operand[i]) && (insn->operand[i].actions & ZYDIS_OPERAND_ACTION_MASK_WRITE))
            return true;
    return false;
}

/* The result, not only the flags, is undefined. */
static bool is_undefined(const struct insn *insn)
{
    const ZydisDecodedOperand *count = &insn->operand[2];
    switch (insn->zydis.mnemonic) {
    case ZYDIS_MNEMONIC_BSWAP:
        return insn->op_size == 2;
    case ZYDIS_MNEMONIC_SHLD:
    case ZYDIS_MNEMONIC_SHRD: /* by more than 16 bits */
        return insn->op_size == 2 && (count->type != ZYDIS_OPERAND_TYPE_IMMEDIATE || (count->imm.value.u & 31) > 16);
    default:
        return false;
    }
}

/* QEMU's processor does not know the alias of TEST, and QEMU 7.2 loses the flags where an access leaves the guest. */
static bool is_emulated_wrongly(const struct insn *insn)
{
    ZydisMnemonic mnemonic = insn->zydis.mnemonic;
    bool reads_flags = insn->zydis.meta.category == ZYDIS_CATEGORY_SETCC || mnemonic == ZYDIS_MNEMONIC_RCL ||
                       mnemonic == ZYDIS_MNEMONIC_RCR;
    if (mnemonic == ZYDIS_MNEMONIC_TEST && insn->zydis.opcode >= 0xf6 && insn->zydis.raw.modrm.reg)
        return true;
    return reads_flags && insn->operand[0].type == ZYDIS_OPERAND_TYPE_MEMORY;
}

static bool allowed(const struct random *r, const struct insn *insn)
{
    if (insn->class == INSN_UNSUPPORTED || is_undefined(insn) || insn->flow != FLOW_NEXT)
        return false;
    if (r->emulated_cpu && is_emulated_wrongly(insn))
        return false;
    if (r->s->mode != MODE_REAL && loads_segment(insn))
        return false;
    switch (insn->zydis.mnemonic) {
    case ZYDIS_MNEMONIC_HLT: /* ends a sequence */
    case ZYDIS_MNEMONIC_POPF: /* random flags: single steps */
    case ZYDIS_MNEMONIC_POPFD:
        return false;
    case ZYDIS_MNEMONIC_STI:
        return r->flow;
    default:
        return true;
    }
}

static u32 undefined_flags(const struct insn *insn)
{
    return insn->zydis.cpu_flags ? insn->zydis.cpu_flags->undefined & FLAGS_ARITH : 0;
}

/* --- bytes --- */

static u32 put_prefixes(struct random *r, u8 *p)
{
    static const u8 segment[] = {0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65};
    u32 n = 0;
    if (random_one_in(r, 20))
        p[n++] = 0xf0; /* lock */
    if (random_one_in(r, 3))
        p[n++] = 0x66;
    if (random_one_in(r, 5))
        p[n++] = 0x67;
    if (random_one_in(r, 5))
        p[n++] = segment[random_below(r, sizeof segment)];
    if (random_one_in(r, 40))
        p[n++] = random_below(r, 2) ? 0x66 : segment[random_below(r, sizeof segment)];
    return n;
}

static u32 put_opcode(struct random *r, u8 *p)
{
    static const u8 string[] = {0xa4, 0xa5, 0xa6, 0xa7, 0xaa, 0xab, 0xac, 0xad, 0xae, 0xaf, 0x6c, 0x6d, 0x6e, 0x6f};
    static const u8 io[] = {0xe4, 0xe5, 0xe6, 0xe7, 0xec, 0xed, 0xee, 0xef};
    static const u8 two[] = {0xa3, 0xa4, 0xa5, 0xab, 0xac, 0xad, 0xaf, 0xb0, 0xb1, 0xb3, 0xb6, 0xb7, 0xba, 0xbb,
                             0xbc, 0xbd, 0xbe, 0xbf, 0xc0, 0xc1, 0xc8, 0xcb, 0x90, 0x94, 0x9f};
    u32 n = 0;
    switch (random_below(r, 8)) {
    case 0:
        if (random_below(r, 2))
            p[n++] = random_one_in(r, 3) ? 0xf2 : 0xf3;
        p[n++] = string[random_below(r, sizeof string)];
        return n;
    case 1:
        p[0] = io[random_below(r, sizeof io)];
        return 1;
    case 2:
        p[0] = 0x0f;
        p[1] = two[random_below(r, sizeof two)];
        return 2;
    default:
        p[0] = (u8)random_next(r);
        return 1;
    }
}

/* Does it access memory at, or close to, where a register points? Any instruction does for CPU_REGS. */
static bool is_at(const struct insn *insn, enum cpu_reg base)
{
    enum { CLOSE = 8 };
    if (base == CPU_REGS)
        return true;
    for (u32 i = 0; i < insn->zydis.operand_count; i++) {
        const ZydisDecodedOperand *op = &insn->operand[i];
        ZydisRegister wide = (ZydisRegister)(ZYDIS_REGISTER_EAX + base), narrow = (ZydisRegister)(ZYDIS_REGISTER_AX + base);
        if (op->type == ZYDIS_OPERAND_TYPE_MEMORY && (op->mem.base == wide || op->mem.base == narrow) &&
            op->mem.index == ZYDIS_REGISTER_NONE && op->mem.disp.value >= -CLOSE && op->mem.disp.value <= CLOSE)
            return true;
    }
    return false;
}

static bool find_insn(struct random *r, enum cpu_reg base, struct insn *insn)
{
    u8 bytes[INSN_MAX_BYTES];
    for (u32 tries = 0; tries < (base == CPU_REGS ? 200 : 1000); tries++) {
        u32 n = put_prefixes(r, bytes);
        n += put_opcode(r, bytes + n);
        for (u32 i = n; i < sizeof bytes; i++)
            bytes[i] = (u8)(random_below(r, 3) ? random_next(r) : random_value(r));
        if (insn_decode(insn, bytes, sizeof bytes, r->s->start.eip + r->s->code_bytes, r->s->mode == MODE_PM32) &&
            allowed(r, insn) && is_at(insn, base))
            return true;
    }
    return false;
}

static void list(struct random *r, const struct insn *insn)
{
    char text[96];
    insn_format(insn, text, sizeof text);
    sequence_add_line(r->s, "    %s\n", text);
}

/*  setcc dl: one of the flags that it leaves defined */
static bool show_flag(struct random *r, const struct insn *insn)
{
    static const struct {
        u32 flag;
        u8 condition;
    } flags[] = {{FLAG_OF, 0}, {FLAG_CF, 2}, {FLAG_ZF, 4}, {FLAG_SF, 8}, {FLAG_PF, 10}};
    const ZydisAccessedFlags *accessed = insn->zydis.cpu_flags;
    u32 pick = random_below(r, ARRAY_LEN(flags));
    u32 defined = (accessed->modified | accessed->set_0 | accessed->set_1) & ~accessed->undefined;
    return !(defined & flags[pick].flag) || PUT(r, 0x0f, 0x90 | flags[pick].condition, 0xc2);
}

/* Flags that are undefined are defined again, so that nothing later depends on them:  add dl, imm8 */
static bool define_flags(struct random *r, const struct insn *insn)
{
    return !undefined_flags(insn) || (show_flag(r, insn) && PUT(r, 0x80, 0xc2, (u8)random_next(r)));
}

static bool put_insn(struct random *r, enum cpu_reg base)
{
    struct insn insn;
    if (!find_insn(r, base, &insn))
        return true;
    /* Jcc over it, sometimes: the flags decide whether it runs. */
    bool jumped = random_one_in(r, 6);
    u8 jcc[] = {0x70 | (u8)random_below(r, 16), insn.length};
    if (jumped && !random_put(r, jcc, sizeof jcc))
        return false;
    list(r, &insn);
    if (jumped)
        sequence_add_line(r->s, "      (jumped over by j%x)\n", jcc[0] & 15);
    return random_put(r, insn.bytes, insn.length) && define_flags(r, &insn);
}

bool random_insn(struct random *r)
{
    return put_insn(r, CPU_REGS);
}

bool random_insn_at(struct random *r, enum cpu_reg base)
{
    return put_insn(r, base);
}

/* --- sequences --- */

static void end_code(struct random *r)
{
    static const u8 end[ROOM_FOR_END] = {0xf4, 0x0f, 0x08}; /* hlt; invd, which no cluster holds */
    memcpy(r->s->code + r->s->code_bytes, end, sizeof end);
    r->s->code_bytes += sizeof end;
}

static void make_straight(struct random *r)
{
    u32 n = 1 + random_below(r, MAX_STRAIGHT);
    while (n-- > 0 && random_insn(r))
        ;
}

static void make_flow(struct random *r)
{
    u32 n = 1 + random_below(r, MAX_PARTS);
    while (n-- > 0 && (random_one_in(r, 3) ? random_insn(r) : random_part(r)))
        ;
}

static void make_device(struct random *r)
{
    struct sequence *s = r->s;
    struct device_plan *plan = &s->device;
    plan->direct = random_below(r, 2);
    if (!r->flow || random_below(r, 2))
        return;
    plan->event = (enum device_event)(1 + random_below(r, EVENTS - 1));
    if (random_below(r, 2))
        plan->event = EVENT_INTR;
    plan->at = 1 + random_below(r, 12);
    plan->dma = random_below(r, 2) ? sequence_linear(s, random_below(r, s->code_bytes)) % RAM_BYTES
                                   : 0x10000 + random_below(r, 0x80000);
    plan->dma_value = (u8)random_next(r);
}

void random_sequence(struct sequence *s, u64 seed, bool flow, bool emulated_cpu)
{
    static const u8 windows[] = {0, 2, 16, 255, 255, 255};
    struct random r = {.state = seed * 0x9e3779b97f4a7c15ull + 0x1234567, .s = s, .emulated_cpu = emulated_cpu,
                       .flow = flow};
    random_next(&r);
    u32 pick = random_below(&r, 4);
    sequence_init(s, pick < 2 ? MODE_REAL : pick == 2 ? MODE_PM32 : MODE_PM16);
    s->seed = seed;
    random_start(&r);
    s->window = windows[random_below(&r, ARRAY_LEN(windows))];
    s->exiting = random_below(&r, 3) ? (u8)random_next(&r) : 0;
    u32 config = random_below(&r, 10); /* mostly as huddle runs it */
    s->executor = (u8)MIN(config, (u32)HOST_GUARDED);
    if (flow)
        make_flow(&r);
    else
        make_straight(&r);
    end_code(&r);
    make_device(&r);
}
