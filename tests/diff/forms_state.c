/* The states that a form runs with. Each case puts the form's memory operands somewhere (plain RAM, the end
 * of a segment, across it, a device window ...) by choosing segments and address registers, and fills the
 * other registers, the flags and the operands' bytes from a few sets of edge values. The order matters: an
 * instruction that has met a device three times is compiled again as a device access, and meets plain memory
 * again after that. */
#include "forms.h"

#include <stdio.h>
#include <string.h>

enum {
    HLT = 0xf4,
    INVD = 0x080f, /* not on the list: ends the scan */
    STACK_OFFSET = 0x3ff0,
    VALUE_SETS = 6,
    WINDOW_FIRST = DEVICE_FIRST,
    TABLES_END = 0x3000,
    NEAR = 256, /* further than an instruction reaches from its operands' addresses */
};

/* --- where --- */

enum place {
    PLACE_RAM,
    PLACE_ODD,  /* RAM, not aligned */
    PLACE_END,  /* the last bytes of the segment */
    PLACE_OVER, /* one byte over its end, or wrapped around it */
    PLACE_DEVICE,
    PLACE_PAGE,   /* across a page in the device window */
    PLACE_INTO,   /* from RAM into the window */
    PLACE_UPPER,  /* in the part of the window that no device answers directly */
    PLACE_BEHIND, /* from the window into what is behind it */
    PLACE_WRAP,   /* the segment's base is so high that addresses wrap at 4 GiB */
    PLACE_LARGE,  /* a segment of 4 GiB, in real mode as well */
    PLACE_READ_ONLY,
    PLACES
};
static const char *const place_name[PLACES] = {"RAM",
                                               "odd RAM",
                                               "end of segment",
                                               "over the end",
                                               "device",
                                               "device, page end",
                                               "RAM into device",
                                               "upper window",
                                               "device into RAM",
                                               "wrapped base",
                                               "4 GiB segment",
                                               "read-only segment"};

struct plan {
    u8 place[2]; /* of the first memory operand, and of the others */
    bool pm_only;
};
/* Those at the end are for two operands only. */
static const struct plan plans[] = {
    {{PLACE_RAM, PLACE_RAM}},
    {{PLACE_RAM, PLACE_RAM}},
    {{PLACE_ODD, PLACE_ODD}},
    {{PLACE_END, PLACE_END}},
    {{PLACE_OVER, PLACE_OVER}},
    {{PLACE_LARGE, PLACE_LARGE}},
    {{PLACE_DEVICE, PLACE_DEVICE}},
    {{PLACE_DEVICE, PLACE_DEVICE}},
    {{PLACE_PAGE, PLACE_PAGE}},
    {{PLACE_INTO, PLACE_INTO}},
    {{PLACE_UPPER, PLACE_UPPER}},
    {{PLACE_RAM, PLACE_RAM}},
    {{PLACE_END, PLACE_END}},
    {{PLACE_OVER, PLACE_OVER}},
    {{PLACE_BEHIND, PLACE_BEHIND}},
    {{PLACE_RAM, PLACE_RAM}},
    {{PLACE_WRAP, PLACE_WRAP}, .pm_only = true},
    {{PLACE_READ_ONLY, PLACE_READ_ONLY}, .pm_only = true},
    {{PLACE_DEVICE, PLACE_RAM}},
    {{PLACE_RAM, PLACE_DEVICE}},
    {{PLACE_OVER, PLACE_RAM}},
    {{PLACE_RAM, PLACE_OVER}},
};
enum { PLANS_ONE = 18, PLANS = ARRAY_LEN(plans), REGISTER_CASES = 2 * VALUE_SETS };

/* A segment and an offset in it. */
struct spot {
    struct cpu_segment segment;
    u32 offset;
};

struct maker {
    const struct form *form;
    struct form_case *c;
    const struct plan *plan;
    u32 values;   /* set */
    u32 fixed;    /* registers that addresses are made of */
    u32 placed;   /* segments that an operand has chosen */
    u32 operands; /* memory operands so far */
};

/* --- pages and patches --- */

static void add_page(struct form_case *c, u64 at)
{
    u32 page = (u32)at & ~(PAGE_BYTES - 1);
    if (page >= RAM_BYTES)
        return;
    for (u32 i = 0; i < c->n_pages; i++)
        if (c->page[i] == page)
            return;
    if (c->n_pages < CASE_PAGES)
        c->page[c->n_pages++] = page;
}

static void add_around(struct form_case *c, u32 at)
{
    add_page(c, at);
    add_page(c, at - NEAR);
    add_page(c, at + NEAR);
}

/* The other end of a segment of 64 KiB, near its ends. */
static void add_wrapped(struct form_case *c, u32 base, u32 offset)
{
    if (((offset + NEAR) & 0xffff) >= 2 * NEAR)
        return;
    add_around(c, base);
    add_around(c, base + 0x10000);
}

/* Only into plain RAM below the window, above tables and handlers. */
static void add_patch(struct form_case *c, u32 at, const u8 *bytes, u32 n)
{
    if (at >= WINDOW_FIRST || at < TABLES_END || c->n_patches == CASE_PATCHES)
        return;
    struct patch *patch = &c->patch[c->n_patches++];
    patch->at = at;
    patch->n = MIN(n, WINDOW_FIRST - at);
    memcpy(patch->bytes, bytes, patch->n);
    add_page(c, at);
    add_page(c, at + patch->n - 1);
}

/* --- values --- */

static const u32 value_sets[VALUE_SETS][CPU_REGS] = {
    {0x12345678, 0x00010203, 0x89abcdef, 0x76543210, 0, 0x0f0f0f0f, 0x13579bdf, 0xfedcba98},
    {0, 0, 0, 0, 0, 0, 0, 0},
    {0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff, 0, 0xffffffff, 0xffffffff, 0xffffffff},
    {0x80000000, 0x00000001, 0x00000000, 0x7fffffff, 0, 0x00008000, 0x00007fff, 0x00800080},
    {0x00000064, 0x0000001f, 0x00000000, 0x00000007, 0, 0x00000003, 0x00000005, 0x00000002},
    {0x80808080, 0x00000021, 0x7f7f7f7f, 0x01010101, 0, 0x8000ffff, 0xffff8000, 0x00ff00ff},
};
static const u8 memory_sets[VALUE_SETS][PATCH_BYTES] = {
    {0x55, 0xaa, 0x33, 0xcc, 0x0f, 0xf0, 0x12, 0x34, 0x56, 0x78, 0x9a, 0xbc, 0xde, 0xf0, 0x11, 0x22},
    {0},
    {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff},
    {0x00, 0x00, 0x00, 0x80, 0x00, 0x80, 0x00, 0x00, 0x80, 0x00, 0x80, 0x00, 0x00, 0x80, 0x80, 0x80},
    {0x03, 0x00, 0x00, 0x00, 0x05, 0x00, 0x00, 0x00, 0x07, 0x00, 0x00, 0x00, 0x09, 0x00, 0x00, 0x00},
    {0x7f, 0xff, 0xff, 0x7f, 0x01, 0x00, 0x80, 0x00, 0xfe, 0xff, 0x7f, 0x80, 0x81, 0x7e, 0x00, 0xff},
};

static bool is_mnemonic(const struct maker *m, ZydisMnemonic a, ZydisMnemonic b)
{
    return m->form->insn.zydis.mnemonic == a || m->form->insn.zydis.mnemonic == b;
}

static bool is_bit_test(const struct maker *m)
{
    return is_mnemonic(m, ZYDIS_MNEMONIC_BT, ZYDIS_MNEMONIC_BTS) ||
           is_mnemonic(m, ZYDIS_MNEMONIC_BTR, ZYDIS_MNEMONIC_BTC);
}

/* Counts of LOOP, JCXZ and REP: few, and with something in the upper half if that does not count. */
static void set_count(struct maker *m)
{
    static const u32 counts[VALUE_SETS] = {3, 0, 1, 2, 5, 4};
    u32 upper = m->form->insn.addr_size == 2 && m->c->index % 2 ? 0x00070000 : 0;
    m->c->start.reg[CPU_ECX] = counts[m->values] | upper;
}

/* Every other case a quotient that fits. */
static void set_dividend(struct maker *m)
{
    u32 *reg = m->c->start.reg;
    if (m->c->index % 2)
        return;
    for (u32 i = 0; i < CPU_REGS; i++)
        if (i != CPU_ESP)
            reg[i] = 0x00001777;
    bool negative = is_mnemonic(m, ZYDIS_MNEMONIC_IDIV, ZYDIS_MNEMONIC_IDIV) && m->c->index % 4;
    reg[CPU_EAX] = negative ? 0xffffff9c : 0x00001234;
    reg[CPU_EDX] = negative ? 0xffffffff : 0;
}

static bool loads_segment(const struct insn *insn)
{
    for (u32 i = 0; i < insn->zydis.operand_count; i++) {
        const ZydisDecodedOperand *op = &insn->operand[i];
        if (op->type == ZYDIS_OPERAND_TYPE_REGISTER &&
            ZydisRegisterGetClass(op->reg.value) == ZYDIS_REGCLASS_SEGMENT &&
            (op->actions & ZYDIS_OPERAND_ACTION_MASK_WRITE))
            return true;
    }
    return false;
}

/* Good ones and, now and then, one that is none. */
static u16 a_selector(const struct maker *m)
{
    static const u16 selectors[] = {SEL_DATA, SEL_SMALL, SEL_DATA, SEL_END, SEL_FLAT16, 0};
    return m->form->mode == MODE_REAL ? 0x2345 : selectors[m->c->index % ARRAY_LEN(selectors)];
}

static u32 target_of(const struct maker *m)
{
    return m->form->insn.eip + FORM_TARGET;
}

static void set_values(struct maker *m)
{
    const struct insn *insn = &m->form->insn;
    u32 *reg = m->c->start.reg;
    for (u32 i = 0; i < CPU_REGS; i++)
        if (i != CPU_ESP)
            reg[i] = insn->flow == FLOW_INDIRECT ? target_of(m) : value_sets[m->values][i];
    for (u32 i = 0; i < CPU_REGS; i++) /* bits of memory, but in reach */
        if (i != CPU_ESP && is_bit_test(m) && m->form->memory)
            reg[i] = (u32)((s32)(reg[i] << 20) >> 20);
    if (insn->rep || insn->zydis.meta.category == ZYDIS_CATEGORY_COND_BR)
        set_count(m);
    if (is_mnemonic(m, ZYDIS_MNEMONIC_DIV, ZYDIS_MNEMONIC_IDIV))
        set_dividend(m);
    if (loads_segment(insn) && !m->form->memory)
        for (u32 i = 0; i < CPU_REGS; i++)
            if (i != CPU_ESP)
                reg[i] = a_selector(m);
}

static void set_flags(struct maker *m)
{
    u32 flags = m->c->index % 2 ? FLAGS_ARITH : 0;
    if (m->form->insn.string && m->c->index % 4 >= 2)
        flags |= FLAG_DF;
    if (m->c->index % 8 >= 4)
        flags |= FLAG_IF;
    m->c->start.eflags = FLAG_FIXED | flags;
}

/* --- operands in memory --- */

static u32 register_bytes(ZydisRegister reg)
{
    return ZydisRegisterGetClass(reg) == ZYDIS_REGCLASS_GPR8 ? 1 : 4;
}

static u32 register_value(const struct maker *m, ZydisRegister reg)
{
    if (reg == ZYDIS_REGISTER_NONE)
        return 0;
    u32 value = m->c->start.reg[ZydisRegisterGetId(reg) & 7];
    return register_bytes(reg) == 1 ? value & 0xff : value;
}

static bool is_stack(const ZydisDecodedOperand *op)
{
    return op->visibility == ZYDIS_OPERAND_VISIBILITY_HIDDEN && op->mem.segment == ZYDIS_REGISTER_SS;
}

static u32 address_mask(const struct maker *m, const ZydisDecodedOperand *op)
{
    if (is_stack(op))
        return m->c->start.sreg[CPU_SS].db ? 0xffffffff : 0xffff;
    return m->form->insn.addr_size == 2 ? 0xffff : 0xffffffff;
}

static u32 offset_of(const struct maker *m, const ZydisDecodedOperand *op)
{
    u32 index = register_value(m, op->mem.index) * MAX(op->mem.scale, 1u);
    return (register_value(m, op->mem.base) + index + (u32)op->mem.disp.value) & address_mask(m, op);
}

static void set_register(struct maker *m, ZydisRegister reg, u32 value, u32 mask)
{
    u32 *at = &m->c->start.reg[ZydisRegisterGetId(reg) & 7];
    *at = (*at & ~mask) | (value & mask);
    m->fixed |= BIT(ZydisRegisterGetId(reg) & 7);
}

static bool is_free(const struct maker *m, ZydisRegister reg)
{
    return reg != ZYDIS_REGISTER_NONE && register_bytes(reg) == 4 &&
           !(m->fixed & BIT(ZydisRegisterGetId(reg) & 7));
}

/* Makes the operand's offset `offset`, or as near to it as a register used twice or scaled can come. */
static void aim(struct maker *m, const ZydisDecodedOperand *op, u32 offset)
{
    ZydisRegister base = op->mem.base, index = op->mem.index;
    u32 mask = address_mask(m, op), scale = MAX(op->mem.scale, 1u), disp = (u32)op->mem.disp.value;
    if (base != ZYDIS_REGISTER_NONE && base == index)
        set_register(m, base, ((offset - disp) & mask) / (scale + 1), mask);
    else if (is_free(m, base))
        set_register(m, base, offset - disp - register_value(m, index) * scale, mask);
    else if (is_free(m, index))
        set_register(m, index, ((offset - disp - register_value(m, base)) & mask) / scale, mask);
}

/* The segment as it is without an operand that wants to be elsewhere. */
static struct cpu_segment usual_segment(const struct form *form, enum cpu_sreg sreg)
{
    static const u16 real[CPU_SREGS] = {0x3000, FORM_CS_REAL, 0x4000, 0x2000, 0x5000, 0x6000};
    if (form->mode == MODE_REAL)
        return segment_in_real_mode(real[sreg], sreg == CPU_CS);
    if (sreg == CPU_CS)
        return segment_of_selector(form->mode == MODE_PM32 ? SEL_CODE32 : SEL_CODE16);
    return segment_of_selector(sreg == CPU_SS && form->mode == MODE_PM16 ? SEL_STACK16 : SEL_DATA);
}

/* Offsets in the code segment, which stays where it is. */
static u32 offset_in_code(const struct maker *m, enum place place, u32 size)
{
    u32 base = m->c->start.sreg[CPU_CS].base;
    switch (place) {
    case PLACE_DEVICE:
        return WINDOW_FIRST + 0x123 - base;
    case PLACE_PAGE:
        return WINDOW_FIRST + PAGE_BYTES - 1 - base;
    case PLACE_INTO:
        return WINDOW_FIRST - 1 - base;
    case PLACE_END:
        return 0x10000 - size;
    case PLACE_OVER:
        return 0x10001 - size;
    default:
        return 0x4010;
    }
}

static struct cpu_segment segment_at(const struct form *form, enum cpu_sreg sreg, u32 base)
{
    struct cpu_segment segment = usual_segment(form, sreg);
    if (form->mode == MODE_REAL)
        return segment_in_real_mode((u16)(base >> 4), false);
    segment.base = base;
    return segment;
}

static struct spot spot_in_data(const struct maker *m, enum place place, enum cpu_sreg sreg, u32 size)
{
    const struct form *form = m->form;
    bool real = form->mode == MODE_REAL;
    struct spot spot = {usual_segment(form, sreg), 0x4010 + 0x400 * (m->operands % 4)};
    if (!real && !spot.segment.base) /* flat: where the segments of real mode are */
        spot.segment.base = 0x20000 + 0x10000 * sreg;
    switch (place) {
    case PLACE_ODD:
        spot.offset += 3;
        break;
    case PLACE_END:
    case PLACE_OVER:
        if (!real) {
            spot.segment.limit = 0xffff;
            spot.segment.g = false;
        }
        spot.offset = (place == PLACE_END ? 0x10000 : 0x10001) - size;
        break;
    case PLACE_DEVICE:
        spot = (struct spot){segment_at(form, sreg, WINDOW_FIRST), 0x123};
        break;
    case PLACE_PAGE:
        spot = (struct spot){segment_at(form, sreg, WINDOW_FIRST), PAGE_BYTES - 1};
        break;
    case PLACE_INTO:
        spot = (struct spot){segment_at(form, sreg, WINDOW_FIRST - 0x8000), 0x7fff};
        break;
    case PLACE_UPPER:
        spot = (struct spot){segment_at(form, sreg, WINDOW_FIRST + DEVICE_BYTES / 4 * 3), 0x7010};
        break;
    case PLACE_BEHIND:
        spot = (struct spot){segment_at(form, sreg, WINDOW_FIRST + DEVICE_BYTES - 0x8000), 0x7fff};
        break;
    case PLACE_WRAP:
        spot.segment.base = 0xffff0000;
        spot.offset = form->insn.addr_size == 2 ? 0xff10 : 0x34010;
        break;
    case PLACE_LARGE:
        spot.segment.limit = 0xffffffff;
        spot.segment.g = true;
        spot.offset += form->insn.addr_size == 4 ? 0x12340 : 0;
        break;
    case PLACE_READ_ONLY:
        if (sreg == CPU_SS) /* no processor takes such a stack */
            break;
        spot.segment = segment_of_selector(SEL_READ_ONLY);
        spot.segment.base = 0x20000;
        break;
    default:
        break;
    }
    return spot;
}

/* A place for an operand whose address no register makes: the segment moves instead. */
static void aim_segment(struct maker *m, struct cpu_segment *segment, enum place place, u32 offset)
{
    if (m->form->mode != MODE_REAL || place == PLACE_END || place == PLACE_OVER)
        return;
    if (place == PLACE_DEVICE || place == PLACE_PAGE || place == PLACE_INTO || place == PLACE_UPPER) {
        u32 wanted = place == PLACE_INTO ? WINDOW_FIRST - 1 : WINDOW_FIRST + 0x1230;
        *segment = segment_in_real_mode((u16)((wanted - (offset & 0xffff)) >> 4), false);
    }
}

/* BT with a bit in a register reaches far: but not further than our pages, if another register addresses.
 * Returns how far. */
static u32 bit_offset(struct maker *m)
{
    const struct insn *insn = &m->form->insn;
    const ZydisDecodedOperand *bit = &insn->operand[1];
    if (!is_bit_test(m) || bit->type != ZYDIS_OPERAND_TYPE_REGISTER ||
        insn->operand[0].type != ZYDIS_OPERAND_TYPE_MEMORY)
        return 0;
    u32 reg = m->c->start.reg[ZydisRegisterGetId(bit->reg.value) & 7];
    s32 index = insn->op_size == 2 ? (s16)reg : (s32)reg;
    return (u32)((index >> 3) & -(s32)insn->op_size);
}

/* Offset and selector, and the flags that IRET pops. */
static void put_far_target(const struct maker *m, u8 *bytes)
{
    u32 size = m->form->insn.op_size;
    const u32 frame[] = {target_of(m), m->c->start.sreg[CPU_CS].selector, FLAG_FIXED | FLAG_ZF | FLAG_CF};
    for (u32 i = 0; i < ARRAY_LEN(frame); i++)
        memcpy(bytes + i * size, &frame[i], size);
}

static void put_operand(struct maker *m, u32 linear)
{
    const struct insn *insn = &m->form->insn;
    u8 bytes[PATCH_BYTES];
    memcpy(bytes, memory_sets[m->values], sizeof bytes);
    if (insn->flow == FLOW_INDIRECT) {
        u32 target = target_of(m);
        memcpy(bytes, &target, sizeof target);
    } else if (insn->flow == FLOW_FAR) {
        put_far_target(m, bytes);
    } else if (loads_segment(insn)) { /* behind the offset of LDS, or alone */
        u16 selector = a_selector(m);
        bool far = insn->zydis.meta.category == ZYDIS_CATEGORY_SEGOP;
        memcpy(bytes + (far ? insn->op_size : 0), &selector, sizeof selector);
    } else if (is_mnemonic(m, ZYDIS_MNEMONIC_DIV, ZYDIS_MNEMONIC_IDIV) && m->c->index % 2 == 0) {
        static const u8 divisor[] = {0x77, 0x17, 0, 0};
        memcpy(bytes, divisor, sizeof divisor);
    }
    add_patch(m->c, linear, bytes, sizeof bytes);
}

static void place_operand(struct maker *m, const ZydisDecodedOperand *op)
{
    struct cpu_state *cpu = &m->c->start;
    enum cpu_sreg sreg = (enum cpu_sreg)(ZydisRegisterGetId(op->mem.segment));
    enum place place = m->plan->place[m->operands > 0];
    u32 size = MAX(op->size / 8, 1u);
    struct cpu_segment *segment = &cpu->sreg[sreg];
    struct spot spot = {*segment, 0x4010 + 0x400 * m->operands};
    if (sreg == CPU_CS)
        spot.offset = offset_in_code(m, place, size);
    else if (!(m->placed & BIT(sreg)))
        spot = spot_in_data(m, place, sreg, size);
    *segment = spot.segment;
    m->placed |= BIT(sreg);
    bool push = is_stack(op) && (op->actions & ZYDIS_OPERAND_ACTION_MASK_WRITE);
    aim(m, op, spot.offset + (push ? size : 0));
    if (is_mnemonic(m, ZYDIS_MNEMONIC_LEAVE, ZYDIS_MNEMONIC_LEAVE))
        cpu->reg[CPU_EBP] = cpu->reg[CPU_ESP];
    u32 offset = offset_of(m, op) - (push ? size : 0);
    if (op->mem.base == ZYDIS_REGISTER_NONE && op->mem.index == ZYDIS_REGISTER_NONE && sreg != CPU_CS)
        aim_segment(m, segment, place, offset);
    u32 linear = segment->base + ((offset + bit_offset(m)) & address_mask(m, op));
    put_operand(m, linear);
    add_around(m->c, linear);
    add_wrapped(m->c, segment->base, offset);
    m->operands++;
}

static void place_operands(struct maker *m)
{
    const struct insn *insn = &m->form->insn;
    for (u32 i = 0; i < insn->zydis.operand_count; i++)
        if (insn->operand[i].type == ZYDIS_OPERAND_TYPE_MEMORY &&
            insn->operand[i].mem.type == ZYDIS_MEMOP_TYPE_MEM)
            place_operand(m, &insn->operand[i]);
}

/* --- a case --- */

static void start(struct maker *m)
{
    struct sequence s; /* the state that all start from */
    struct cpu_state *cpu = &m->c->start;
    sequence_init(&s, m->form->mode);
    *cpu = s.start;
    cpu->eip = m->form->insn.eip;
    cpu->ldt.limit = 0; /* a selector that a device answers finds nothing there */
    for (u32 i = 0; i < CPU_SREGS; i++)
        cpu->sreg[i] = usual_segment(m->form, (enum cpu_sreg)i);
    cpu->reg[CPU_ESP] = m->form->mode == MODE_PM32 ? 0x48000 + STACK_OFFSET : STACK_OFFSET;
}

/* The instruction, HLTs behind it, and one where it branches to. */
static void put_code(struct maker *m)
{
    static const u8 hlt = HLT;
    const struct insn *insn = &m->form->insn;
    struct form_case *c = m->c;
    u32 base = c->start.sreg[CPU_CS].base;
    memset(c->code, HLT, sizeof c->code);
    memcpy(c->code, insn->bytes, insn->length);
    u16 end = INVD;
    memcpy(c->code + insn->length + 1, &end, sizeof end);
    add_page(c, base + insn->eip);
    add_page(c, base + insn->eip + FORM_CODE);
    if (insn->flow != FLOW_BRANCH && insn->flow != FLOW_JUMP && insn->flow != FLOW_CALL)
        return;
    u32 distance = insn->target - insn->eip;
    if (distance < FORM_CODE)
        c->code[distance] = HLT;
    else
        add_patch(c, base + insn->target, &hlt, 1);
}

/* An exception after a device access is delivered in the cluster; KVM delivers all of them, kvm-pvm in protected
 * mode at linear ESP. */
static void add_stack(struct form_case *c)
{
    const struct cpu_segment *ss = &c->start.sreg[CPU_SS];
    u32 sp = ss->db ? c->start.reg[CPU_ESP] : c->start.reg[CPU_ESP] & 0xffff;
    add_around(c, ss->base + sp);
    add_around(c, c->start.reg[CPU_ESP]);
    add_wrapped(c, ss->base, sp);
}

static u32 memory_operands(const struct insn *insn)
{
    u32 n = 0;
    for (u32 i = 0; i < insn->zydis.operand_count; i++)
        n += insn->operand[i].type == ZYDIS_OPERAND_TYPE_MEMORY &&
             insn->operand[i].mem.type == ZYDIS_MEMOP_TYPE_MEM;
    return n;
}

bool form_case_make(const struct form *form, u32 index, struct form_case *c)
{
    u32 cases = !form->memory                      ? REGISTER_CASES
                : memory_operands(&form->insn) > 1 ? (u32)PLANS
                                                   : (u32)PLANS_ONE;
    if (index >= cases)
        return false;
    struct maker m = {.form = form, .c = c, .plan = &plans[form->memory ? index : 0]};
    *c = (struct form_case){.index = index, .device = {.direct = index % 2}};
    m.values = form->memory ? (index + form->number) % VALUE_SETS : index / 2;
    if (m.plan->pm_only && form->mode == MODE_REAL)
        m.plan = &plans[0];
    c->any_exception = form->far || memory_operands(&form->insn) > 1;
    start(&m);
    set_values(&m);
    set_flags(&m);
    if (form->memory)
        place_operands(&m);
    put_code(&m);
    add_stack(c);
    c->odd_stack = form->mode != MODE_REAL && c->start.sreg[CPU_SS].base && c->start.reg[CPU_ESP] != STACK_OFFSET;
    snprintf(c->text, sizeof c->text, "case %u, %s and %s, values %u", index, place_name[m.plan->place[0]],
             place_name[m.plan->place[1]], m.values);
    return true;
}
