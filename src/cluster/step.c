/* Printing steps, for golden tests and traces. */
#include "cluster/step.h"

#include <stdarg.h>
#include <stdio.h>

struct text {
    char *at;
    size_t left; /* the terminating zero included */
};

static void add(struct text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void add(struct text *text, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    int wanted = vsnprintf(text->at, text->left, format, args);
    va_end(args);
    size_t done = wanted < 0 ? 0 : (size_t)wanted;
    if (done >= text->left)
        done = text->left ? text->left - 1 : 0;
    text->at += done;
    text->left -= done;
}

static const char *const kind_names[STEP_KINDS] = {
    [STEP_MOV] = "mov",
    [STEP_EXTEND] = "extend",
    [STEP_SIGN] = "sign",
    [STEP_LEA] = "lea",
    [STEP_BIT_ADDRESS] = "bit_address",
    [STEP_LOAD] = "load",
    [STEP_STORE] = "store",
    [STEP_LOAD_FAR] = "load_far",
    [STEP_LOAD_SEGMENT] = "load_segment",
    [STEP_ALU] = "alu",
    [STEP_SHIFT_DOUBLE] = "shift_double",
    [STEP_MULTIPLY] = "multiply",
    [STEP_DIVIDE] = "divide",
    [STEP_SETCC] = "setcc",
    [STEP_COMPARE_EXCHANGE] = "compare_exchange",
    [STEP_CHECK_PUSH] = "check_push",
    [STEP_PUSH] = "push",
    [STEP_POP] = "pop",
    [STEP_PEEK] = "peek",
    [STEP_DROP] = "drop",
    [STEP_FLAG] = "flag",
    [STEP_GET_FLAGS] = "get_flags",
    [STEP_SET_FLAGS] = "set_flags",
    [STEP_IN] = "in",
    [STEP_OUT] = "out",
    [STEP_STRING] = "string",
    [STEP_BRANCH] = "branch",
    [STEP_LOOP] = "loop",
    [STEP_JUMP] = "jump",
    [STEP_CALL] = "call",
    [STEP_RETURN] = "return",
    [STEP_HALT] = "halt",
    [STEP_HELPER] = "helper",
};

static const char *const alu_names[ALU_OPS] = {
    [ALU_ADD] = "add",   [ALU_OR] = "or",   [ALU_ADC] = "adc",   [ALU_SBB] = "sbb",   [ALU_AND] = "and",
    [ALU_SUB] = "sub",   [ALU_XOR] = "xor", [ALU_CMP] = "cmp",   [ALU_ROL] = "rol",   [ALU_ROR] = "ror",
    [ALU_RCL] = "rcl",   [ALU_RCR] = "rcr", [ALU_SHL] = "shl",   [ALU_SHR] = "shr",   [ALU_SAR] = "sar",
    [ALU_TEST] = "test", [ALU_INC] = "inc", [ALU_DEC] = "dec",   [ALU_NOT] = "not",   [ALU_NEG] = "neg",
    [ALU_BSWAP] = "bswap", [ALU_BT] = "bt", [ALU_BTS] = "bts",   [ALU_BTR] = "btr",   [ALU_BTC] = "btc",
    [ALU_BSF] = "bsf",   [ALU_BSR] = "bsr", [ALU_IMUL] = "imul",
};

static const char *const condition_names[] = {
    [COND_O] = "o", [COND_NO] = "no", [COND_B] = "b", [COND_NB] = "nb", [COND_Z] = "z",   [COND_NZ] = "nz",
    [COND_BE] = "be", [COND_NBE] = "nbe", [COND_S] = "s", [COND_NS] = "ns", [COND_P] = "p", [COND_NP] = "np",
    [COND_L] = "l", [COND_NL] = "nl", [COND_LE] = "le", [COND_NLE] = "nle",
};

static const char *const flag_names[] = {
    [FLAG_OP_CLC] = "clc", [FLAG_OP_STC] = "stc",   [FLAG_OP_CMC] = "cmc",   [FLAG_OP_CLD] = "cld",
    [FLAG_OP_STD] = "std", [FLAG_OP_CLI] = "cli",   [FLAG_OP_STI] = "sti",   [FLAG_OP_LAHF] = "lahf",
    [FLAG_OP_SAHF] = "sahf", [FLAG_OP_SALC] = "salc",
};

static const char *const string_names[] = {
    [STRING_MOVS] = "movs", [STRING_STOS] = "stos", [STRING_LODS] = "lods", [STRING_CMPS] = "cmps",
    [STRING_SCAS] = "scas", [STRING_INS] = "ins",   [STRING_OUTS] = "outs",
};

static const char *const repeat_names[] = {
    [REPEAT_NO] = "", [REPEAT_COUNT] = " rep", [REPEAT_WHILE_EQUAL] = " repe", [REPEAT_WHILE_NOT_EQUAL] = " repne",
};

static const char *const loop_names[] = {
    [LOOP_JCXZ] = "jcxz", [LOOP_ALWAYS] = "loop", [LOOP_EQUAL] = "loope", [LOOP_NOT_EQUAL] = "loopne",
};

static const char *const helper_names[HELPERS] = {
    [HELPER_PUSHA] = "pusha",   [HELPER_POPA] = "popa",         [HELPER_ENTER] = "enter",
    [HELPER_LEAVE] = "leave",   [HELPER_BOUND] = "bound",       [HELPER_DAA] = "daa",
    [HELPER_DAS] = "das",       [HELPER_AAA] = "aaa",           [HELPER_AAS] = "aas",
    [HELPER_AAM] = "aam",       [HELPER_AAD] = "aad",           [HELPER_INT] = "int",
    [HELPER_INTO] = "into",     [HELPER_INT3] = "int3",         [HELPER_INT1] = "int1",
    [HELPER_IRET] = "iret",     [HELPER_JUMP_FAR] = "jump_far", [HELPER_CALL_FAR] = "call_far",
    [HELPER_RETURN_FAR] = "return_far", [HELPER_LGDT] = "lgdt", [HELPER_LIDT] = "lidt",
    [HELPER_SGDT] = "sgdt",     [HELPER_SIDT] = "sidt",         [HELPER_LMSW] = "lmsw",
    [HELPER_SMSW] = "smsw",     [HELPER_CLTS] = "clts",         [HELPER_MOV_FROM_CR] = "mov_from_cr",
    [HELPER_MOV_TO_CR] = "mov_to_cr", [HELPER_LLDT] = "lldt",   [HELPER_SLDT] = "sldt",
    [HELPER_LTR] = "ltr",       [HELPER_STR] = "str",           [HELPER_LAR] = "lar",
    [HELPER_LSL] = "lsl",       [HELPER_VERR] = "verr",         [HELPER_VERW] = "verw",
    [HELPER_ARPL] = "arpl",     [HELPER_CPUID] = "cpuid",       [HELPER_FWAIT] = "fwait",
    [HELPER_X87] = "x87",       [HELPER_UD] = "ud",
};

/* The name of the operation within the kind; NULL where the kind says all. */
static const char *op_name(const struct step *step)
{
    static const char *const sign_names[] = {"unsigned", "signed"};
    static const char *const double_names[] = {"left", "right"};
    static const char *const segment_names[] = {"es", "cs", "ss", "ds", "fs", "gs"};

    switch ((enum step_kind)step->kind) {
    case STEP_EXTEND:
    case STEP_MULTIPLY:
    case STEP_DIVIDE:
        return sign_names[step->op];
    case STEP_LOAD_SEGMENT:
        return segment_names[step->op];
    case STEP_ALU:
        return alu_names[step->op];
    case STEP_SHIFT_DOUBLE:
        return double_names[step->op];
    case STEP_SETCC:
    case STEP_BRANCH:
        return condition_names[step->op];
    case STEP_FLAG:
        return flag_names[step->op];
    case STEP_STRING:
        return string_names[step->op];
    case STEP_LOOP:
        return loop_names[step->op];
    case STEP_HELPER:
        return helper_names[step->op];
    default:
        return NULL;
    }
}

static const char *register_name(u8 reg, u8 size)
{
    static const char *const bytes[] = {"al", "cl", "dl", "bl", "ah", "ch", "dh", "bh"};
    static const char *const words[] = {"ax", "cx", "dx", "bx", "sp", "bp", "si", "di"};
    static const char *const dwords[] = {"eax", "ecx", "edx", "ebx", "esp", "ebp", "esi", "edi"};

    return size == 1 ? bytes[reg] : size == 2 ? words[reg] : dwords[reg];
}

static const char *sreg_name(u8 sreg)
{
    static const char *const names[] = {"es", "cs", "ss", "ds", "fs", "gs"};

    return sreg < CPU_SREGS ? names[sreg] : "?";
}

static void add_operand(struct text *text, const struct step *step, u8 operand, u8 size)
{
    if (operand < OPERAND_SREG)
        add(text, "%s", register_name(operand, size));
    else if (operand < OPERAND_SREG + CPU_SREGS)
        add(text, "%s", sreg_name(operand - OPERAND_SREG));
    else if (operand == OPERAND_IMM)
        add(text, "0x%x", size == 4 ? step->imm : step->imm & ((1u << 8 * size) - 1));
    else
        add(text, "t%d", operand - OPERAND_TEMP);
}

static void add_address(struct text *text, const struct step *step)
{
    const struct step_mem *mem = &step->mem;
    const char *plus = "";

    add(text, "%s:[", sreg_name(mem->segment));
    if (mem->base != OPERAND_NONE) {
        add_operand(text, step, mem->base, mem->addr_size);
        plus = "+";
    }
    if (mem->index != OPERAND_NONE) {
        add(text, "%s", plus);
        add_operand(text, step, mem->index, mem->addr_size);
        if (mem->scale)
            add(text, "*%u", 1u << mem->scale);
        plus = "+";
    }
    if (mem->disp || !*plus)
        add(text, "%s0x%x", plus, mem->addr_size == 2 ? mem->disp & 0xffff : mem->disp);
    add(text, "]");
}

static bool has_address(const struct step *step)
{
    switch ((enum step_kind)step->kind) {
    case STEP_LEA:
    case STEP_LOAD:
    case STEP_STORE:
    case STEP_LOAD_FAR:
    case STEP_HELPER:
        return step_has_mem(step);
    default:
        return false;
    }
}

static u8 source_size(const struct step *step)
{
    return step->kind == STEP_EXTEND ? step->src_size : step->kind == STEP_IN ? 2 : step->size;
}

static bool has_immediate(const struct step *step)
{
    return step->kind == STEP_DROP || step->kind == STEP_BRANCH || step->kind == STEP_LOOP ||
           step->kind == STEP_RETURN || (step->kind == STEP_SHIFT_DOUBLE && !step->by_cl) ||
           (step->kind == STEP_HELPER && step->src != OPERAND_IMM && (step->imm || step->imm2));
}

static void add_operands(struct text *text, const struct step *step)
{
    const char *gap = " ";
    bool to_memory = step->kind == STEP_STORE;

    if (step->dst != OPERAND_NONE) {
        add(text, "%s", gap);
        add_operand(text, step, step->dst, step->kind == STEP_OUT ? 2 : step->size);
        gap = ", ";
    }
    if (has_address(step)) {
        add(text, "%s", gap);
        if (step->rmw && to_memory)
            add(text, "[kept]");
        else
            add_address(text, step);
        gap = ", ";
    }
    if (step->src != OPERAND_NONE) {
        add(text, "%s", gap);
        add_operand(text, step, step->src, source_size(step));
        gap = ", ";
    }
    if (has_immediate(step))
        add(text, "%s0x%x", gap, step->imm);
    if (step->kind == STEP_HELPER && step->imm2)
        add(text, ":0x%x", step->imm2);
}

static void add_flags(struct text *text, const char *title, u32 flags)
{
    static const struct {
        u32 flag;
        char letter;
    } letters[] = {{FLAG_OF, 'o'}, {FLAG_DF, 'd'}, {FLAG_IF, 'i'}, {FLAG_TF, 't'}, {FLAG_SF, 's'},
                   {FLAG_ZF, 'z'}, {FLAG_AF, 'a'}, {FLAG_PF, 'p'}, {FLAG_CF, 'c'}};

    if (!flags)
        return;
    add(text, " %s", title);
    for (size_t i = 0; i < ARRAY_LEN(letters); i++)
        if (flags & letters[i].flag)
            add(text, "%c", letters[i].letter);
}

static void add_step(struct text *text, const struct step *step)
{
    const char *op = op_name(step);

    add(text, "%s", kind_names[step->kind]);
    if (op)
        add(text, ".%s", op);
    add(text, ".%u", step->size);
    if (step->kind == STEP_STRING) {
        add(text, "%s %s addr%u", repeat_names[step->repeat], sreg_name(step->mem.segment),
            8u * step->mem.addr_size);
    } else {
        add_operands(text, step);
        if (step->kind == STEP_SHIFT_DOUBLE && step->by_cl)
            add(text, ", cl");
        if (step->kind == STEP_LOAD && step->rmw)
            add(text, " rmw");
    }
    add_flags(text, "reads ", step->flags_read);
    add_flags(text, "writes ", step->flags_written);
    add(text, "\n");
}

void steps_print(const struct steps *steps, char *text, size_t size)
{
    struct text out = {.at = text, .left = size};

    if (size)
        *text = 0;
    for (u32 i = 0; i < steps->count; i++)
        add_step(&out, &steps->step[i]);
}
