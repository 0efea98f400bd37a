/* Lowering a decoded instruction to steps: the table from mnemonic to family function, operands, and flag
 * effects. What is not in the table is INTERP_UNSUPPORTED. */
#include "cluster/lower.h"

#include "base/bug.h"

#include <string.h>

struct lower_cell {
    lower_fn *lower;
    u8 op;
};

#define CELL(name, fn, parameter) [ZYDIS_MNEMONIC_##name] = {.lower = fn, .op = parameter}
#define HELPER(name)              CELL(name, lower_helper, HELPER_##name)

static const struct lower_cell cells[ZYDIS_MNEMONIC_MAX_VALUE + 1] = {
    CELL(MOV, lower_mov, 0),
    CELL(MOVZX, lower_extend, 0),
    CELL(MOVSX, lower_extend, 1),
    CELL(CBW, lower_convert, 1),
    CELL(CWDE, lower_convert, 2),
    CELL(CWD, lower_convert, 2),
    CELL(CDQ, lower_convert, 4),
    CELL(XCHG, lower_exchange, 0),
    CELL(LEA, lower_lea, 0),
    CELL(XLAT, lower_xlat, 0),
    CELL(LES, lower_load_far, CPU_ES),
    CELL(LDS, lower_load_far, CPU_DS),
    CELL(LSS, lower_load_far, CPU_SS),
    CELL(LFS, lower_load_far, CPU_FS),
    CELL(LGS, lower_load_far, CPU_GS),
    CELL(NOP, lower_nop, 0),
    CELL(PAUSE, lower_nop, 0),
    CELL(INVD, lower_nop, 0),
    CELL(WBINVD, lower_nop, 0),
    CELL(INVLPG, lower_nop, 0),

    CELL(ADD, lower_alu, ALU_ADD),
    CELL(OR, lower_alu, ALU_OR),
    CELL(ADC, lower_alu, ALU_ADC),
    CELL(SBB, lower_alu, ALU_SBB),
    CELL(AND, lower_alu, ALU_AND),
    CELL(SUB, lower_alu, ALU_SUB),
    CELL(XOR, lower_alu, ALU_XOR),
    CELL(CMP, lower_alu, ALU_CMP),
    CELL(TEST, lower_alu, ALU_TEST),
    CELL(ROL, lower_alu, ALU_ROL),
    CELL(ROR, lower_alu, ALU_ROR),
    CELL(RCL, lower_alu, ALU_RCL),
    CELL(RCR, lower_alu, ALU_RCR),
    CELL(SHL, lower_alu, ALU_SHL),
    CELL(SHR, lower_alu, ALU_SHR),
    CELL(SAR, lower_alu, ALU_SAR),
    CELL(INC, lower_unary, ALU_INC),
    CELL(DEC, lower_unary, ALU_DEC),
    CELL(NOT, lower_unary, ALU_NOT),
    CELL(NEG, lower_unary, ALU_NEG),
    CELL(BSWAP, lower_unary, ALU_BSWAP),
    CELL(BT, lower_bit_test, ALU_BT),
    CELL(BTS, lower_bit_test, ALU_BTS),
    CELL(BTR, lower_bit_test, ALU_BTR),
    CELL(BTC, lower_bit_test, ALU_BTC),
    CELL(BSF, lower_bit_scan, ALU_BSF),
    CELL(BSR, lower_bit_scan, ALU_BSR),
    CELL(SHLD, lower_shift_double, 0),
    CELL(SHRD, lower_shift_double, 1),
    CELL(IMUL, lower_imul, 0),
    CELL(MUL, lower_multiply, 0),
    CELL(DIV, lower_multiply, 2),
    CELL(IDIV, lower_multiply, 3),
    CELL(XADD, lower_xadd, 0),
    CELL(CMPXCHG, lower_cmpxchg, 0),
    HELPER(DAA),
    HELPER(DAS),
    HELPER(AAA),
    HELPER(AAS),
    HELPER(AAM),
    HELPER(AAD),

    CELL(SETO, lower_setcc, COND_O),
    CELL(SETNO, lower_setcc, COND_NO),
    CELL(SETB, lower_setcc, COND_B),
    CELL(SETNB, lower_setcc, COND_NB),
    CELL(SETZ, lower_setcc, COND_Z),
    CELL(SETNZ, lower_setcc, COND_NZ),
    CELL(SETBE, lower_setcc, COND_BE),
    CELL(SETNBE, lower_setcc, COND_NBE),
    CELL(SETS, lower_setcc, COND_S),
    CELL(SETNS, lower_setcc, COND_NS),
    CELL(SETP, lower_setcc, COND_P),
    CELL(SETNP, lower_setcc, COND_NP),
    CELL(SETL, lower_setcc, COND_L),
    CELL(SETNL, lower_setcc, COND_NL),
    CELL(SETLE, lower_setcc, COND_LE),
    CELL(SETNLE, lower_setcc, COND_NLE),

    CELL(PUSH, lower_push, 0),
    CELL(POP, lower_pop, 0),
    CELL(PUSHF, lower_pushf, 0),
    CELL(PUSHFD, lower_pushf, 0),
    CELL(POPF, lower_popf, 0),
    CELL(POPFD, lower_popf, 0),
    CELL(PUSHA, lower_helper, HELPER_PUSHA),
    CELL(PUSHAD, lower_helper, HELPER_PUSHA),
    CELL(POPA, lower_helper, HELPER_POPA),
    CELL(POPAD, lower_helper, HELPER_POPA),
    CELL(ENTER, lower_enter, 0),
    HELPER(LEAVE),

    CELL(CLC, lower_flag, FLAG_OP_CLC),
    CELL(STC, lower_flag, FLAG_OP_STC),
    CELL(CMC, lower_flag, FLAG_OP_CMC),
    CELL(CLD, lower_flag, FLAG_OP_CLD),
    CELL(STD, lower_flag, FLAG_OP_STD),
    CELL(CLI, lower_flag, FLAG_OP_CLI),
    CELL(STI, lower_flag, FLAG_OP_STI),
    CELL(LAHF, lower_flag, FLAG_OP_LAHF),
    CELL(SAHF, lower_flag, FLAG_OP_SAHF),
    CELL(SALC, lower_flag, FLAG_OP_SALC),

    CELL(MOVSB, lower_string, STRING_MOVS),
    CELL(MOVSW, lower_string, STRING_MOVS),
    CELL(MOVSD, lower_string, STRING_MOVS),
    CELL(STOSB, lower_string, STRING_STOS),
    CELL(STOSW, lower_string, STRING_STOS),
    CELL(STOSD, lower_string, STRING_STOS),
    CELL(LODSB, lower_string, STRING_LODS),
    CELL(LODSW, lower_string, STRING_LODS),
    CELL(LODSD, lower_string, STRING_LODS),
    CELL(CMPSB, lower_string, STRING_CMPS),
    CELL(CMPSW, lower_string, STRING_CMPS),
    CELL(CMPSD, lower_string, STRING_CMPS),
    CELL(SCASB, lower_string, STRING_SCAS),
    CELL(SCASW, lower_string, STRING_SCAS),
    CELL(SCASD, lower_string, STRING_SCAS),
    CELL(INSB, lower_string, STRING_INS),
    CELL(INSW, lower_string, STRING_INS),
    CELL(INSD, lower_string, STRING_INS),
    CELL(OUTSB, lower_string, STRING_OUTS),
    CELL(OUTSW, lower_string, STRING_OUTS),
    CELL(OUTSD, lower_string, STRING_OUTS),
    CELL(IN, lower_in, 0),
    CELL(OUT, lower_out, 0),
    CELL(HLT, lower_halt, 0),

    CELL(JO, lower_branch, COND_O),
    CELL(JNO, lower_branch, COND_NO),
    CELL(JB, lower_branch, COND_B),
    CELL(JNB, lower_branch, COND_NB),
    CELL(JZ, lower_branch, COND_Z),
    CELL(JNZ, lower_branch, COND_NZ),
    CELL(JBE, lower_branch, COND_BE),
    CELL(JNBE, lower_branch, COND_NBE),
    CELL(JS, lower_branch, COND_S),
    CELL(JNS, lower_branch, COND_NS),
    CELL(JP, lower_branch, COND_P),
    CELL(JNP, lower_branch, COND_NP),
    CELL(JL, lower_branch, COND_L),
    CELL(JNL, lower_branch, COND_NL),
    CELL(JLE, lower_branch, COND_LE),
    CELL(JNLE, lower_branch, COND_NLE),
    CELL(JCXZ, lower_loop, LOOP_JCXZ),
    CELL(JECXZ, lower_loop, LOOP_JCXZ),
    CELL(LOOP, lower_loop, LOOP_ALWAYS),
    CELL(LOOPE, lower_loop, LOOP_EQUAL),
    CELL(LOOPNE, lower_loop, LOOP_NOT_EQUAL),
    CELL(JMP, lower_jump, 0),
    CELL(CALL, lower_call, 0),
    CELL(RET, lower_return, 0),

    CELL(BOUND, lower_helper_operand, HELPER_BOUND),
    HELPER(INT),
    HELPER(INTO),
    HELPER(INT3),
    HELPER(INT1),
    CELL(IRET, lower_helper, HELPER_IRET),
    CELL(IRETD, lower_helper, HELPER_IRET),
    CELL(LGDT, lower_helper_operand, HELPER_LGDT),
    CELL(LIDT, lower_helper_operand, HELPER_LIDT),
    CELL(SGDT, lower_helper_operand, HELPER_SGDT),
    CELL(SIDT, lower_helper_operand, HELPER_SIDT),
    CELL(LMSW, lower_helper_operand, HELPER_LMSW),
    CELL(SMSW, lower_helper_operand, HELPER_SMSW),
    CELL(LLDT, lower_helper_operand, HELPER_LLDT),
    CELL(SLDT, lower_helper_operand, HELPER_SLDT),
    CELL(LTR, lower_helper_operand, HELPER_LTR),
    CELL(STR, lower_helper_operand, HELPER_STR),
    CELL(LAR, lower_helper_operand, HELPER_LAR),
    CELL(LSL, lower_helper_operand, HELPER_LSL),
    CELL(VERR, lower_helper_operand, HELPER_VERR),
    CELL(VERW, lower_helper_operand, HELPER_VERW),
    CELL(ARPL, lower_helper_operand, HELPER_ARPL),
    HELPER(CLTS),
    HELPER(CPUID),
    HELPER(FWAIT),
    CELL(UD0, lower_helper, HELPER_UD),
    CELL(UD1, lower_helper, HELPER_UD),
    CELL(UD2, lower_helper, HELPER_UD),
};

struct step *lower_emit(struct lower *lower, enum step_kind kind, u8 size)
{
    struct steps *steps = lower->steps;

    BUG_ON(steps->count == STEPS_MAX);
    struct step *step = &steps->step[steps->count++];
    *step = (struct step){.kind = kind,
                          .size = size,
                          .dst = OPERAND_NONE,
                          .src = OPERAND_NONE,
                          .mem = {.base = OPERAND_NONE, .index = OPERAND_NONE}};
    return step;
}

/* The flags this stage knows; the decoder also reports IOPL and VM, which are constant here. */
#define FLAGS_TRACKED (FLAGS_ARITH | FLAG_TF | FLAG_IF | FLAG_DF | FLAG_NT | FLAG_AC | FLAG_ID)

static bool is_shift(enum alu_op op)
{
    return op >= ALU_ROL && op <= ALU_SAR;
}

/* Instructions that leave the flags alone for some operands. Reviewed by hand; everything else is decoder
 * data. */
static bool writes_flags_sometimes(const struct insn *insn, const struct step *step)
{
    switch (step->kind) {
    case STEP_ALU: /* by CL or by a count that may be a multiple of 32 */
        return is_shift(step->op);
    case STEP_SHIFT_DOUBLE:
        return true;
    case STEP_STRING: /* REP CMPS, REP SCAS with a count of zero */
        return insn->rep;
    default:
        return false;
    }
}

struct step *lower_emit_flags(struct lower *lower, enum step_kind kind, u8 size)
{
    struct step *step = lower_emit(lower, kind, size);
    const ZydisAccessedFlags *flags = lower->insn->zydis.cpu_flags;

    if (flags) {
        step->flags_read = flags->tested & FLAGS_TRACKED;
        step->flags_written =
            (flags->modified | flags->set_0 | flags->set_1 | flags->undefined) & FLAGS_TRACKED;
    }
    return step;
}

static void apply_flag_overrides(struct lower *lower)
{
    for (u32 i = 0; i < lower->steps->count; i++) {
        struct step *step = &lower->steps->step[i];
        if (writes_flags_sometimes(lower->insn, step))
            step->flags_read |= step->flags_written;
    }
}

static const ZydisDecodedOperand *operand_at(const struct lower *lower, u32 n)
{
    BUG_ON(n >= lower->insn->zydis.operand_count);
    return &lower->insn->operand[n];
}

u8 lower_size(const struct lower *lower, u32 n)
{
    return operand_at(lower, n)->size / 8;
}

bool lower_is_mem(const struct lower *lower, u32 n)
{
    return operand_at(lower, n)->type == ZYDIS_OPERAND_TYPE_MEMORY;
}

bool lower_is_imm(const struct lower *lower, u32 n)
{
    return operand_at(lower, n)->type == ZYDIS_OPERAND_TYPE_IMMEDIATE;
}

static u8 register_code(struct lower *lower, ZydisRegister reg)
{
    if (reg == ZYDIS_REGISTER_NONE)
        return OPERAND_NONE;
    switch (ZydisRegisterGetClass(reg)) {
    case ZYDIS_REGCLASS_GPR8:
    case ZYDIS_REGCLASS_GPR16:
    case ZYDIS_REGCLASS_GPR32:
        return (u8)ZydisRegisterGetId(reg);
    case ZYDIS_REGCLASS_SEGMENT:
        return OPERAND_SREG + (u8)ZydisRegisterGetId(reg);
    default:
        lower->failed = true;
        return OPERAND_NONE;
    }
}

u8 lower_reg(struct lower *lower, u32 n)
{
    const ZydisDecodedOperand *operand = operand_at(lower, n);

    if (operand->type != ZYDIS_OPERAND_TYPE_REGISTER) {
        lower->failed = true;
        return OPERAND_NONE;
    }
    return register_code(lower, operand->reg.value);
}

u32 lower_imm(const struct lower *lower, u32 n)
{
    return (u32)operand_at(lower, n)->imm.value.u;
}

void lower_mem(struct lower *lower, u32 n, struct step_mem *mem)
{
    const ZydisDecodedOperand *operand = operand_at(lower, n);

    mem->segment = register_code(lower, operand->mem.segment) - OPERAND_SREG;
    mem->base = register_code(lower, operand->mem.base);
    mem->index = register_code(lower, operand->mem.index);
    mem->scale = operand->mem.scale > 1 ? (u8)__builtin_ctz(operand->mem.scale) : 0;
    mem->addr_size = lower->insn->addr_size;
    mem->disp = (u32)operand->mem.disp.value;
    if (mem->segment >= CPU_SREGS) /* LEA has no segment */
        mem->segment = CPU_DS;
}

u8 lower_read(struct lower *lower, u32 n, u8 temp, bool rmw)
{
    if (lower_is_imm(lower, n))
        return OPERAND_IMM;
    if (!lower_is_mem(lower, n))
        return lower_reg(lower, n);
    struct step *load = lower_emit(lower, STEP_LOAD, lower_size(lower, n));
    load->dst = temp;
    load->rmw = rmw;
    lower_mem(lower, n, &load->mem);
    return temp;
}

void lower_set_src(struct lower *lower, struct step *step, u32 n, u8 code)
{
    step->src = code;
    if (code == OPERAND_IMM)
        step->imm = lower_imm(lower, n);
}

struct step *lower_store(struct lower *lower, u32 n, u8 src, bool rmw)
{
    struct step *store = lower_emit(lower, STEP_STORE, lower_size(lower, n));

    store->src = src;
    store->rmw = rmw;
    lower_mem(lower, n, &store->mem);
    return store;
}

/* The opcode as x87 instructions know it, and the memory operand, which the helper accesses itself. */
static bool lower_x87(struct lower *lower, u8 op)
{
    const struct insn *insn = lower->insn;
    struct step *step = lower_emit(lower, STEP_HELPER, insn->op_size);

    step->op = op;
    step->imm = (insn->zydis.opcode & 7u) << 8 | insn->bytes[insn->zydis.raw.modrm.offset];
    for (u32 n = 0; n < insn->zydis.operand_count; n++)
        if (lower_is_mem(lower, n))
            lower_mem(lower, n, &step->mem);
    return true;
}

bool steps_lower(struct steps *steps, const struct insn *insn)
{
    struct lower lower = {.steps = steps, .insn = insn};
    const struct lower_cell *cell = &cells[insn->zydis.mnemonic];
    static const struct lower_cell x87_cell = {.lower = lower_x87, .op = HELPER_X87};

    steps->eip = insn->eip;
    steps->length = insn->length;
    steps->op_size = insn->op_size;
    steps->class = insn->class;
    steps->flow = insn->flow;
    steps->count = 0;
    memcpy(steps->bytes, insn->bytes, sizeof(steps->bytes));
    if (insn_is_x87(insn) && insn->zydis.mnemonic != ZYDIS_MNEMONIC_FWAIT)
        cell = &x87_cell;
    if (!cell->lower || !cell->lower(&lower, cell->op) || lower.failed)
        return false;
    apply_flag_overrides(&lower);
    return true;
}
