/* Lowering of data movement, arithmetic, bits, strings and port accesses. Each function shows the steps it
 * makes. */
#include "cluster/lower.h"

static bool is_sreg(u8 code)
{
    return code >= OPERAND_SREG && code < OPERAND_SREG + CPU_SREGS;
}

static bool is_system_register(const struct lower *lower, u32 n)
{
    const ZydisDecodedOperand *operand = &lower->insn->operand[n];

    return operand->type == ZYDIS_OPERAND_TYPE_REGISTER &&
           ZydisRegisterGetClass(operand->reg.value) == ZYDIS_REGCLASS_CONTROL;
}

static bool move_control(struct lower *lower, enum step_helper helper, u32 control, u32 general)
{
    struct step *step = lower_emit(lower, STEP_HELPER, 4);

    step->op = helper;
    step->imm = (u32)ZydisRegisterGetId(lower->insn->operand[control].reg.value);
    step->dst = step->src = lower_reg(lower, general);
    return true;
}

/* mov sreg, r/m:  [load t0]; load_segment sreg, src */
static bool move_to_segment(struct lower *lower)
{
    u8 src = lower_read(lower, 1, STEP_T0, false);
    struct step *step = lower_emit(lower, STEP_LOAD_SEGMENT, 2);

    step->op = lower_reg(lower, 0) - OPERAND_SREG;
    step->src = src;
    return true;
}

/* mov r, r/m/imm/sreg:  mov or load;  mov m, r/imm/sreg:  store */
bool lower_mov(struct lower *lower, u8 op)
{
    (void)op;
    if (is_system_register(lower, 1))
        return move_control(lower, HELPER_MOV_FROM_CR, 1, 0);
    if (is_system_register(lower, 0))
        return move_control(lower, HELPER_MOV_TO_CR, 0, 1);
    if (lower_is_mem(lower, 0)) {
        u8 src = lower_read(lower, 1, STEP_T0, false);
        struct step *store = lower_store(lower, 0, src, false);
        if (src == OPERAND_IMM)
            store->imm = lower_imm(lower, 1);
        return true;
    }
    u8 dst = lower_reg(lower, 0);
    if (is_sreg(dst))
        return move_to_segment(lower);
    if (lower_is_mem(lower, 1))
        return lower_read(lower, 1, dst, false) == dst;
    struct step *step = lower_emit(lower, STEP_MOV, lower_size(lower, 0));
    step->dst = dst;
    lower_set_src(lower, step, 1, lower_read(lower, 1, STEP_T0, false));
    return true;
}

/* movzx, movsx:  [load t0]; extend */
bool lower_extend(struct lower *lower, u8 op)
{
    u8 src = lower_read(lower, 1, STEP_T0, false);
    struct step *step = lower_emit(lower, STEP_EXTEND, lower_size(lower, 0));

    step->op = op;
    step->src_size = lower_size(lower, 1);
    step->dst = lower_reg(lower, 0);
    step->src = src;
    return true;
}

/* cbw, cwde (op: size of the source): extend;  cwd, cdq (op: size): sign */
bool lower_convert(struct lower *lower, u8 op)
{
    bool widens = lower->insn->zydis.mnemonic == ZYDIS_MNEMONIC_CBW ||
                  lower->insn->zydis.mnemonic == ZYDIS_MNEMONIC_CWDE;
    struct step *step = lower_emit(lower, widens ? STEP_EXTEND : STEP_SIGN, widens ? 2 * op : op);

    step->op = 1;
    step->src_size = op;
    step->dst = widens ? CPU_EAX : CPU_EDX;
    step->src = CPU_EAX;
    return true;
}

/* xchg r, r:  mov t0, a; mov a, b; mov b, t0;  xchg m, r:  load t0 rmw; store r; mov r, t0 */
bool lower_exchange(struct lower *lower, u8 op)
{
    (void)op;
    u8 size = lower_size(lower, 0);
    bool swapped = lower_is_mem(lower, 1);
    u32 first = swapped ? 1 : 0;
    u8 reg = lower_reg(lower, swapped ? 0 : 1);

    if (lower_is_mem(lower, first)) {
        lower_read(lower, first, STEP_T0, true);
        lower_store(lower, first, reg, true);
    } else {
        u8 other = lower_reg(lower, first);
        struct step *save = lower_emit(lower, STEP_MOV, size);
        save->dst = STEP_T0;
        save->src = other;
        struct step *move = lower_emit(lower, STEP_MOV, size);
        move->dst = other;
        move->src = reg;
    }
    struct step *last = lower_emit(lower, STEP_MOV, size);
    last->dst = reg;
    last->src = STEP_T0;
    return true;
}

bool lower_lea(struct lower *lower, u8 op)
{
    (void)op;
    struct step *step = lower_emit(lower, STEP_LEA, lower_size(lower, 0));

    step->dst = lower_reg(lower, 0);
    lower_mem(lower, 1, &step->mem);
    return true;
}

/* xlat:  extend t1, al; load al, seg:[bx+t1] */
bool lower_xlat(struct lower *lower, u8 op)
{
    (void)op;
    struct step *extend = lower_emit(lower, STEP_EXTEND, 4);
    extend->src_size = 1;
    extend->dst = STEP_T1;
    extend->src = CPU_EAX;
    struct step *load = lower_emit(lower, STEP_LOAD, 1);
    load->dst = CPU_EAX;
    lower_mem(lower, 0, &load->mem);
    load->mem.base = CPU_EBX;
    load->mem.index = STEP_T1;
    load->mem.scale = 0;
    return true;
}

/* les r, m:  load_far t0, t1; load_segment es, t1; mov r, t0 */
bool lower_load_far(struct lower *lower, u8 op)
{
    u8 size = lower_size(lower, 0);
    struct step *load = lower_emit(lower, STEP_LOAD_FAR, size);
    lower_mem(lower, 1, &load->mem);
    struct step *segment = lower_emit(lower, STEP_LOAD_SEGMENT, 2);
    segment->op = op;
    segment->src = STEP_T1;
    struct step *move = lower_emit(lower, STEP_MOV, size);
    move->dst = lower_reg(lower, 0);
    move->src = STEP_T0;
    return true;
}

static bool only_flags(u8 op)
{
    return op == ALU_CMP || op == ALU_TEST || op == ALU_BT;
}

/* op r, r/m/imm:  [load t1]; alu;  op m, r/imm:  load t0 rmw; alu t0; store t0 */
bool lower_alu(struct lower *lower, u8 op)
{
    u8 dst = lower_read(lower, 0, STEP_T0, !only_flags(op));
    u8 src = lower_read(lower, 1, STEP_T1, false);
    struct step *step = lower_emit_flags(lower, STEP_ALU, lower_size(lower, 0));

    step->op = op;
    step->dst = dst;
    lower_set_src(lower, step, 1, src);
    if (lower_is_mem(lower, 0) && !only_flags(op))
        lower_store(lower, 0, dst, true);
    return true;
}

bool lower_unary(struct lower *lower, u8 op)
{
    u8 dst = lower_read(lower, 0, STEP_T0, true);
    struct step *step = lower_emit_flags(lower, STEP_ALU, lower_size(lower, 0));

    step->op = op;
    step->dst = step->src = dst;
    if (lower_is_mem(lower, 0))
        lower_store(lower, 0, dst, true);
    return true;
}

/* bts m, r: the bit index reaches beyond the operand:
 *   lea t1, m; bit_address t1, r; load t0, seg:[t1] rmw; alu t0, r; store seg:[t1], t0 */
static bool bit_test_memory(struct lower *lower, u8 op)
{
    u8 size = lower_size(lower, 0);
    u8 bit = lower_reg(lower, 1);
    struct step *lea = lower_emit(lower, STEP_LEA, 4);
    lea->dst = STEP_T1;
    lower_mem(lower, 0, &lea->mem);
    struct step_mem at = {
        .segment = lea->mem.segment, .base = STEP_T1, .index = OPERAND_NONE, .addr_size = lea->mem.addr_size};
    struct step *address = lower_emit(lower, STEP_BIT_ADDRESS, size);
    address->dst = STEP_T1;
    address->src = bit;
    address->mem.addr_size = at.addr_size;
    struct step *load = lower_emit(lower, STEP_LOAD, size);
    load->dst = STEP_T0;
    load->rmw = !only_flags(op);
    load->mem = at;
    struct step *alu = lower_emit_flags(lower, STEP_ALU, size);
    alu->op = op;
    alu->dst = STEP_T0;
    alu->src = bit;
    if (!only_flags(op)) {
        struct step *store = lower_emit(lower, STEP_STORE, size);
        store->src = STEP_T0;
        store->rmw = true;
        store->mem = at;
    }
    return true;
}

bool lower_bit_test(struct lower *lower, u8 op)
{
    if (lower_is_mem(lower, 0) && !lower_is_imm(lower, 1))
        return bit_test_memory(lower, op);
    return lower_alu(lower, op);
}

/* bsf r, r/m: writes r only if the source is not zero, as processors do */
bool lower_bit_scan(struct lower *lower, u8 op)
{
    u8 src = lower_read(lower, 1, STEP_T0, false);
    struct step *step = lower_emit_flags(lower, STEP_ALU, lower_size(lower, 0));

    step->op = op;
    step->dst = lower_reg(lower, 0);
    step->src = src;
    return true;
}

/* imul r, r/m:  alu;  imul r, r/m, imm:  [load t0]; mov t1, src; alu t1, imm; mov r, t1 */
bool lower_imul(struct lower *lower, u8 op)
{
    u32 operands = lower->insn->zydis.operand_count_visible;
    u8 size = lower_size(lower, 0);

    if (operands == 1)
        return lower_multiply(lower, op | 1);
    if (operands == 2)
        return lower_bit_scan(lower, ALU_IMUL);
    u8 src = lower_read(lower, 1, STEP_T0, false);
    struct step *copy = lower_emit(lower, STEP_MOV, size);
    copy->dst = STEP_T1;
    copy->src = src;
    struct step *alu = lower_emit_flags(lower, STEP_ALU, size);
    alu->op = ALU_IMUL;
    alu->dst = STEP_T1;
    lower_set_src(lower, alu, 2, OPERAND_IMM);
    struct step *move = lower_emit(lower, STEP_MOV, size);
    move->dst = lower_reg(lower, 0);
    move->src = STEP_T1;
    return true;
}

/* mul, imul, div, idiv with the accumulator. op: bit 1 divide, bit 0 signed */
bool lower_multiply(struct lower *lower, u8 op)
{
    u8 src = lower_read(lower, 0, STEP_T0, false);
    struct step *step = lower_emit_flags(lower, op & 2 ? STEP_DIVIDE : STEP_MULTIPLY, lower_size(lower, 0));

    step->op = op & 1;
    step->src = src;
    return true;
}

bool lower_shift_double(struct lower *lower, u8 op)
{
    u8 dst = lower_read(lower, 0, STEP_T0, true);
    struct step *step = lower_emit_flags(lower, STEP_SHIFT_DOUBLE, lower_size(lower, 0));

    step->op = op;
    step->dst = dst;
    step->src = lower_reg(lower, 1);
    step->by_cl = !lower_is_imm(lower, 2);
    if (!step->by_cl)
        step->imm = lower_imm(lower, 2);
    if (lower_is_mem(lower, 0))
        lower_store(lower, 0, dst, true);
    return true;
}

bool lower_setcc(struct lower *lower, u8 op)
{
    bool memory = lower_is_mem(lower, 0);
    struct step *step = lower_emit_flags(lower, STEP_SETCC, 1);

    step->op = op;
    step->dst = memory ? STEP_T0 : lower_reg(lower, 0);
    if (memory)
        lower_store(lower, 0, STEP_T0, false);
    return true;
}

/* xadd d, s:  [load t0 rmw]; mov t0, d; mov t1, t0; alu.add t1, s; mov s, t0; store or mov d, t1 */
bool lower_xadd(struct lower *lower, u8 op)
{
    (void)op;
    u8 size = lower_size(lower, 0);
    u8 old = lower_read(lower, 0, STEP_T0, true);
    u8 reg = lower_reg(lower, 1);
    struct step *keep = lower_emit(lower, STEP_MOV, size);
    keep->dst = STEP_T0;
    keep->src = old;
    struct step *copy = lower_emit(lower, STEP_MOV, size);
    copy->dst = STEP_T1;
    copy->src = STEP_T0;
    struct step *alu = lower_emit_flags(lower, STEP_ALU, size);
    alu->op = ALU_ADD;
    alu->dst = STEP_T1;
    alu->src = reg;
    struct step *back = lower_emit(lower, STEP_MOV, size);
    back->dst = reg;
    back->src = STEP_T0;
    if (lower_is_mem(lower, 0)) {
        lower_store(lower, 0, STEP_T1, true);
        return true;
    }
    struct step *move = lower_emit(lower, STEP_MOV, size);
    move->dst = old;
    move->src = STEP_T1;
    return true;
}

/* The destination is written in both cases, as the processor does. */
bool lower_cmpxchg(struct lower *lower, u8 op)
{
    (void)op;
    u8 dst = lower_read(lower, 0, STEP_T0, true);
    struct step *step = lower_emit_flags(lower, STEP_COMPARE_EXCHANGE, lower_size(lower, 0));

    step->dst = dst;
    step->src = lower_reg(lower, 1);
    if (lower_is_mem(lower, 0))
        lower_store(lower, 0, dst, true);
    return true;
}

static u8 repeat_of(const struct insn *insn, u8 op)
{
    if (!insn->rep)
        return REPEAT_NO;
    if (op != STRING_CMPS && op != STRING_SCAS)
        return REPEAT_COUNT;
    return insn->repne ? REPEAT_WHILE_NOT_EQUAL : REPEAT_WHILE_EQUAL;
}

/* The segment override applies to the source; the destination is always in ES. */
static u8 source_segment(const struct insn *insn)
{
    if (insn->zydis.attributes & ZYDIS_ATTRIB_HAS_SEGMENT_CS)
        return CPU_CS;
    if (insn->zydis.attributes & ZYDIS_ATTRIB_HAS_SEGMENT_SS)
        return CPU_SS;
    if (insn->zydis.attributes & ZYDIS_ATTRIB_HAS_SEGMENT_ES)
        return CPU_ES;
    if (insn->zydis.attributes & ZYDIS_ATTRIB_HAS_SEGMENT_FS)
        return CPU_FS;
    if (insn->zydis.attributes & ZYDIS_ATTRIB_HAS_SEGMENT_GS)
        return CPU_GS;
    return CPU_DS;
}

bool lower_string(struct lower *lower, u8 op)
{
    if (!lower->insn->string)
        return false;
    struct step *step = lower_emit_flags(lower, STEP_STRING, lower->insn->op_size);

    step->op = op;
    step->repeat = repeat_of(lower->insn, op);
    step->mem.segment = source_segment(lower->insn);
    step->mem.addr_size = lower->insn->addr_size;
    return true;
}

bool lower_in(struct lower *lower, u8 op)
{
    (void)op;
    struct step *step = lower_emit(lower, STEP_IN, lower_size(lower, 0));

    step->dst = CPU_EAX;
    lower_set_src(lower, step, 1, lower_is_imm(lower, 1) ? OPERAND_IMM : CPU_EDX);
    return true;
}

bool lower_out(struct lower *lower, u8 op)
{
    (void)op;
    struct step *step = lower_emit(lower, STEP_OUT, lower_size(lower, 1));

    step->src = CPU_EAX;
    step->dst = lower_is_imm(lower, 0) ? OPERAND_IMM : CPU_EDX;
    if (step->dst == OPERAND_IMM)
        step->imm = lower_imm(lower, 0);
    return true;
}
