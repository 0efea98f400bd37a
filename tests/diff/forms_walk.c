/* All encodings, in the order of the opcode maps. Intel 486 Programmer's Reference Manual, chapter 26 and
 * appendix A. */
#include "forms.h"

#include "cluster/step.h"

#include <string.h>

enum {
    OPCODE_ESCAPE = 0x0f,
    PREFIX_LOCK = 0xf0,
    MAX_PREFIXES = 4,
    DISPLACEMENTS = 5,
    IMMEDIATES = 6,
    NO_SIB = -1,
};

enum map { MAP_ONE_BYTE, MAP_0F, MAP_0F38, MAP_0F3A, MAPS };

/* What is in front of the ModRM byte. */
struct stem {
    u8 bytes[MAX_PREFIXES + 3];
    u8 n;
    bool address_prefix;
};

static const u8 segment_prefixes[] = {0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65};
static const u8 other_prefixes[] = {0xf2, 0xf3, PREFIX_LOCK};

static bool is_code32(const struct forms_walk *w)
{
    return w->mode == MODE_PM32;
}

static u32 eip_of(enum mode mode)
{
    return mode == MODE_REAL ? FORM_EIP_REAL : mode == MODE_PM32 ? FORM_EIP_PM32 : FORM_EIP_PM16;
}

/* --- displacements and immediates --- */

static bool is_direct(const struct insn *insn)
{
    for (u32 i = 0; i < insn->zydis.operand_count_visible; i++) {
        const ZydisDecodedOperand *op = &insn->operand[i];
        if (op->type == ZYDIS_OPERAND_TYPE_MEMORY)
            return op->mem.base == ZYDIS_REGISTER_NONE && op->mem.index == ZYDIS_REGISTER_NONE;
    }
    return false;
}

static u32 direct_address(const struct forms_walk *w, const struct insn *insn, u32 i)
{
    static const u32 near16[DISPLACEMENTS] = {0x6010, 0xffff, 0xfffd, 0xfffe, 0x6013};
    static const u32 near32[DISPLACEMENTS] = {0x6011, 0xffff, 0xfffc, 0x10000, 0xffffffff};
    static const u32 flat[DISPLACEMENTS] = {0x24010, 0xa0010, 0xa0fff, 0x9ffff, 0xffffffff};
    if (insn->addr_size == 2)
        return near16[i];
    return is_code32(w) ? flat[i] : near32[i];
}

static u32 displacement(const struct forms_walk *w, const struct insn *insn, u32 i)
{
    static const u32 values[][2] = {[1] = {0x12, 0xf6}, [2] = {0x1234, 0xfedc}, [4] = {0x1234, 0xffff8004}};
    if (is_direct(insn))
        return direct_address(w, insn, i);
    return values[insn->zydis.raw.disp.size / 8][(i + w->turn) % 2];
}

static u32 displacements(const struct forms_walk *w, const struct insn *insn)
{
    if (!insn->zydis.raw.disp.size)
        return 1;
    return is_direct(insn) ? DISPLACEMENTS : w->full ? 2 : 1;
}

static u32 immediate(const struct insn *insn, u32 i)
{
    static const u32 bytes[IMMEDIATES] = {0x01, 0x7f, 0x80, 0xff, 0x00, 0x1f};
    static const u32 words[IMMEDIATES] = {0x0001, 0x7fff, 0x8000, 0xffff, 0x0080, 0x1234};
    static const u32 longs[IMMEDIATES] = {0x00000001, 0x7fffffff, 0x80000000,
                                          0xffffffff, 0x00008000, 0x12345678};
    /* Not to the instruction itself. */
    static const u32 relative[IMMEDIATES] = {0x04, 0x00, 0xffffffe0, 0x40, 0xffffffa0, 0x10};
    static const u32 relative_far[IMMEDIATES] = {0x0004, 0x0000, 0xffffffe0, 0x0200, 0xfffffe00, 0x00010000};
    if (insn->zydis.raw.imm[0].is_relative)
        return insn->zydis.raw.imm[0].size == 8 ? relative[i] : relative_far[i];
    return insn->zydis.raw.imm[0].size == 8    ? bytes[i]
           : insn->zydis.raw.imm[0].size == 16 ? words[i]
                                               : longs[i];
}

/* --- forms --- */

static bool decode(const struct forms_walk *w, const u8 *bytes, struct insn *insn)
{
    return insn_decode(insn, bytes, INSN_MAX_BYTES, eip_of(w->mode), is_code32(w));
}

/* May it stand in a cluster, or if it loads CS, in a region? */
static bool is_listed(struct forms_walk *w, const struct insn *insn)
{
    struct steps steps;
    if (insn_is_x87(insn) || (insn->class == INSN_UNSUPPORTED && insn->flow != FLOW_FAR))
        return false;
    if (steps_lower(&steps, insn))
        return true;
    if (insn->class == INSN_UNSUPPORTED)
        return false;
    w->refused(w->opaque, insn);
    return false;
}

static bool has_memory(const struct insn *insn)
{
    for (u32 i = 0; i < insn->zydis.operand_count; i++)
        if (insn->operand[i].type == ZYDIS_OPERAND_TYPE_MEMORY &&
            insn->operand[i].mem.type == ZYDIS_MEMOP_TYPE_MEM)
            return true;
    return false;
}

static void give(struct forms_walk *w, const u8 *bytes)
{
    struct form form = {.mode = w->mode};
    if (w->stop || !decode(w, bytes, &form.insn) || !is_listed(w, &form.insn))
        return;
    form.number = w->number++;
    form.memory = has_memory(&form.insn);
    form.far = form.insn.class == INSN_UNSUPPORTED;
    w->stop = !w->each(w->opaque, &form);
}

/* To the HLTs behind the instruction. */
static void put_far_pointer(const struct forms_walk *w, const struct insn *insn, u8 *bytes)
{
    static const u16 code[MODES] = {FORM_CS_REAL, SEL_CODE32, SEL_CODE16};
    u32 target = insn->eip + FORM_TARGET;
    memcpy(bytes + insn->zydis.raw.imm[0].offset, &target, insn->zydis.raw.imm[0].size / 8);
    memcpy(bytes + insn->zydis.raw.imm[1].offset, &code[w->mode], sizeof code[0]);
}

/* `bytes` up to the ModRM or SIB byte: with displacements and immediates behind them, all of the latter if
 * `rich`. */
static void give_with_tails(struct forms_walk *w, const u8 *head, bool rich)
{
    struct insn insn;
    if (!decode(w, head, &insn) || !is_listed(w, &insn))
        return;
    const struct insn plain = insn;
    u32 n_immediates = plain.zydis.raw.imm[0].size && rich ? IMMEDIATES : 1;
    for (u32 d = 0; d < displacements(w, &plain); d++)
        for (u32 m = 0; m < n_immediates; m++) {
            u8 bytes[INSN_MAX_BYTES];
            memcpy(bytes, head, sizeof bytes);
            u32 disp = plain.zydis.raw.disp.size ? displacement(w, &plain, d) : 0;
            u32 imm = immediate(&plain, rich ? m : w->turn % IMMEDIATES);
            memcpy(bytes + plain.zydis.raw.disp.offset, &disp, plain.zydis.raw.disp.size / 8);
            if (plain.zydis.raw.imm[0].size)
                memcpy(bytes + plain.zydis.raw.imm[0].offset, &imm, plain.zydis.raw.imm[0].size / 8);
            if (plain.operand[0].type == ZYDIS_OPERAND_TYPE_POINTER && m % 2 == 0)
                put_far_pointer(w, &plain, bytes);
            w->turn++;
            give(w, bytes);
        }
}

static void put_stem(u8 *bytes, const struct stem *stem, u8 prefix, u8 second, u8 modrm, int sib)
{
    u32 n = 0;
    memset(bytes, 0, INSN_MAX_BYTES);
    if (prefix)
        bytes[n++] = prefix;
    if (second)
        bytes[n++] = second;
    memcpy(bytes + n, stem->bytes, stem->n);
    n += stem->n;
    bytes[n++] = modrm;
    if (sib != NO_SIB)
        bytes[n] = (u8)sib;
}

static void give_modrm(struct forms_walk *w, const struct stem *stem, u8 prefix, u8 modrm, int sib, bool rich)
{
    u8 bytes[INSN_MAX_BYTES];
    put_stem(bytes, stem, prefix, 0, modrm, sib);
    give_with_tails(w, bytes, rich);
}

/* --- opcodes without a ModRM byte --- */

static void walk_plain(struct forms_walk *w, const struct stem *stem)
{
    u8 bytes[INSN_MAX_BYTES];
    struct insn insn;
    put_stem(bytes, stem, 0, 0, 0, NO_SIB);
    give_with_tails(w, bytes, true);
    for (u32 i = 0; i < sizeof other_prefixes; i++) {
        put_stem(bytes, stem, other_prefixes[i], 0, 0, NO_SIB);
        give_with_tails(w, bytes, true);
    }
    for (u32 i = 0; i < sizeof segment_prefixes; i++) {
        put_stem(bytes, stem, segment_prefixes[i], 0, 0, NO_SIB);
        give_with_tails(w, bytes, false);
        put_stem(bytes, stem, other_prefixes[i % 2], segment_prefixes[i], 0, NO_SIB);
        if (decode(w, bytes, &insn) && insn.string)
            give_with_tails(w, bytes, false);
    }
}

/* --- opcodes with one --- */

/* Do the reg bits choose between instructions? */
static bool is_group(const struct forms_walk *w, const struct stem *stem, u8 mod)
{
    ZydisMnemonic first = ZYDIS_MNEMONIC_INVALID;
    for (u32 reg = 0; reg < 8; reg++) {
        u8 bytes[INSN_MAX_BYTES];
        struct insn insn;
        put_stem(bytes, stem, 0, 0, (u8)(mod << 6 | reg << 3), NO_SIB);
        ZydisMnemonic mnemonic = decode(w, bytes, &insn) ? insn.zydis.mnemonic : ZYDIS_MNEMONIC_INVALID;
        if (reg == 0)
            first = mnemonic;
        else if (mnemonic != first)
            return true;
    }
    return false;
}

/* Every scale, index and base, in 24 of the 256 bytes; of which each instruction of a group gets half. */
static bool is_sib_chosen(u8 sib)
{
    u8 scale = sib >> 6, index = sib >> 3 & 7, base = sib & 7;
    return (base == ((index + 3) & 7) && scale == (index & 3)) || (index == 4 && scale == ((base + 1) & 3)) ||
           (base == index && scale == ((index + 2) & 3));
}

static void walk_sib(struct forms_walk *w, const struct stem *stem, u8 modrm, bool group)
{
    for (u32 sib = 0; sib < 256; sib++)
        if (w->full || (is_sib_chosen((u8)sib) && (!group || (sib + (modrm >> 3)) % 2))) {
            u8 reg = (u8)(w->turn & 7);
            give_modrm(w, stem, 0, group || w->full ? modrm : (modrm & 0xc7) | (u8)(reg << 3), (int)sib,
                       false);
        }
}

/* Prefixes with these: [bx], [bp+d8], d16; [eax], [ebp+d8], d32; and a register. */
static void walk_prefixes(struct forms_walk *w, const struct stem *stem, u8 modrm, bool addr32)
{
    u8 mod = modrm >> 6, rm = modrm & 7;
    bool simple = addr32 ? (mod == 0 && (rm == 0 || rm == 5)) || (mod == 1 && rm == 5)
                         : (mod == 0 && (rm == 7 || rm == 6)) || (mod == 1 && rm == 6);
    for (u32 i = 0; simple && i < sizeof segment_prefixes; i++)
        give_modrm(w, stem, segment_prefixes[i], modrm, NO_SIB, false);
    for (u32 i = 0; (simple || modrm == 0xc1) && i < sizeof other_prefixes; i++)
        give_modrm(w, stem, other_prefixes[i], modrm, NO_SIB, false);
}

static void walk_modrm(struct forms_walk *w, const struct stem *stem, u8 modrm, bool group)
{
    u8 mod = modrm >> 6, reg = modrm >> 3 & 7, rm = modrm & 7;
    bool addr32 = is_code32(w) != stem->address_prefix;
    if (mod == 3) {
        if (!stem->address_prefix || w->full)
            give_modrm(w, stem, 0, modrm, NO_SIB, rm == 0);
        if (!stem->address_prefix)
            walk_prefixes(w, stem, modrm, addr32);
        return;
    }
    /* Beside an addressing form one register after the other, unless they are different instructions. */
    if (!group && !w->full && reg != ((mod + rm) & 7))
        return;
    if (addr32 && rm == 4)
        walk_sib(w, stem, modrm, group);
    else
        give_modrm(w, stem, 0, modrm, NO_SIB, rm == 0);
    if (group || reg == ((mod + rm) & 7))
        walk_prefixes(w, stem, modrm, addr32);
}

static void walk_opcode(struct forms_walk *w, const struct stem *stem)
{
    bool group_mem = is_group(w, stem, 0), group_reg = is_group(w, stem, 3);
    for (u32 modrm = 0; modrm < 256 && !w->stop; modrm++) {
        u8 bytes[INSN_MAX_BYTES];
        struct insn insn;
        put_stem(bytes, stem, 0, 0, (u8)modrm, NO_SIB);
        if (!decode(w, bytes, &insn))
            continue;
        if (!(insn.zydis.attributes & ZYDIS_ATTRIB_HAS_MODRM)) {
            walk_plain(w, stem);
            return;
        }
        walk_modrm(w, stem, (u8)modrm, modrm >> 6 == 3 ? group_reg : group_mem);
    }
}

/* --- maps --- */

static void walk_prefixed(struct forms_walk *w, enum map map, u8 opcode, u32 sizes)
{
    static const u8 escapes[MAPS][2] = {
        [MAP_0F] = {OPCODE_ESCAPE}, [MAP_0F38] = {OPCODE_ESCAPE, 0x38}, [MAP_0F3A] = {OPCODE_ESCAPE, 0x3a}};
    static const u8 n_escapes[MAPS] = {0, 1, 2, 2};
    struct stem stem = {.address_prefix = sizes & 2};
    if (sizes & 1)
        stem.bytes[stem.n++] = 0x66;
    if (sizes & 2)
        stem.bytes[stem.n++] = 0x67;
    memcpy(stem.bytes + stem.n, escapes[map], n_escapes[map]);
    stem.n += n_escapes[map];
    stem.bytes[stem.n++] = opcode;
    walk_opcode(w, &stem);
}

void forms_walk(struct forms_walk *w)
{
    for (enum map map = 0; map < MAPS; map++)
        for (u32 opcode = 0; opcode < 256 && !w->stop; opcode++) {
            if (map == MAP_ONE_BYTE && (opcode == OPCODE_ESCAPE || insn_is_prefix((u8)opcode)))
                continue;
            if (map == MAP_0F && (opcode == 0x38 || opcode == 0x3a))
                continue;
            for (u32 sizes = 0; sizes < 4; sizes++)
                walk_prefixed(w, map, (u8)opcode, sizes);
        }
}
