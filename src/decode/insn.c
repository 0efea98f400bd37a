/* Decoding: Zydis' answer reduced to what the cluster engine asks. Owns the allow-list of instructions that may
 * stand in a cluster. Everything Zydis knows that a 486 does not (VEX, EVEX, XOP, later prefixes) is rejected here
 * or left off the list. Intel 486 Programmer's Reference Manual, chapter 26 and appendix A. */
#include "decode/insn.h"

#include "base/bug.h"

#include <string.h>

enum prefix_byte {
    PREFIX_OPERAND_SIZE = 0x66,
    PREFIX_ADDRESS_SIZE = 0x67,
    PREFIX_REPNE = 0xf2,
    PREFIX_REP = 0xf3,
};

/* LZCNT, TZCNT, WBNOINVD, ENDBR and the like share encodings with older instructions: all decoder modes that
 * enable them stay off. */
static const ZydisDecoder decoder16 = {
    .machine_mode = ZYDIS_MACHINE_MODE_LEGACY_16,
    .stack_width = ZYDIS_STACK_WIDTH_16,
};
static const ZydisDecoder decoder32 = {
    .machine_mode = ZYDIS_MACHINE_MODE_LEGACY_32,
    .stack_width = ZYDIS_STACK_WIDTH_32,
};

/* What may stand in a cluster; and all of the x87 (see classify). Memory operands make a plain instruction weak. */
enum cell_kind { CELL_UNSUPPORTED, CELL_PLAIN, CELL_STRONG };

struct cell {
    u8 kind;
    u8 flow;
    bool string;
};

#define PLAIN(name)        [ZYDIS_MNEMONIC_##name] = {.kind = CELL_PLAIN}
#define STRONG(name)       [ZYDIS_MNEMONIC_##name] = {.kind = CELL_STRONG}
#define STRING(name)       [ZYDIS_MNEMONIC_##name] = {.kind = CELL_PLAIN, .string = true}
#define STRONG_STRING(name) [ZYDIS_MNEMONIC_##name] = {.kind = CELL_STRONG, .string = true}
#define FLOW(name, how)    [ZYDIS_MNEMONIC_##name] = {.kind = CELL_PLAIN, .flow = how}
#define FAR(name)          [ZYDIS_MNEMONIC_##name] = {.kind = CELL_UNSUPPORTED, .flow = FLOW_FAR}

static const struct cell cells[ZYDIS_MNEMONIC_MAX_VALUE + 1] = {
    /* data movement */
    PLAIN(MOV), PLAIN(MOVZX), PLAIN(MOVSX), PLAIN(XCHG), PLAIN(LEA), PLAIN(XLAT), PLAIN(BSWAP),
    PLAIN(CBW), PLAIN(CWDE), PLAIN(CWD), PLAIN(CDQ), PLAIN(NOP), PLAIN(PAUSE), PLAIN(SALC),
    PLAIN(LDS), PLAIN(LES), PLAIN(LFS), PLAIN(LGS), PLAIN(LSS),
    /* stack */
    PLAIN(PUSH), PLAIN(POP), PLAIN(PUSHA), PLAIN(PUSHAD), PLAIN(POPA), PLAIN(POPAD),
    PLAIN(PUSHF), PLAIN(PUSHFD), PLAIN(POPF), PLAIN(POPFD), PLAIN(LEAVE),
    /* ENTER is not here: KVM's emulator pushes by the stack's size, processors by the operand's. */
    /* arithmetic and logic */
    PLAIN(ADD), PLAIN(OR), PLAIN(ADC), PLAIN(SBB), PLAIN(AND), PLAIN(SUB), PLAIN(XOR), PLAIN(CMP),
    PLAIN(TEST), PLAIN(INC), PLAIN(DEC), PLAIN(NOT), PLAIN(NEG), PLAIN(MUL), PLAIN(IMUL), PLAIN(DIV),
    PLAIN(IDIV), PLAIN(XADD), PLAIN(CMPXCHG),
    PLAIN(DAA), PLAIN(DAS), PLAIN(AAA), PLAIN(AAS), PLAIN(AAM), PLAIN(AAD),
    /* shifts and bits */
    PLAIN(ROL), PLAIN(ROR), PLAIN(RCL), PLAIN(RCR), PLAIN(SHL), PLAIN(SHR), PLAIN(SAR), PLAIN(SHLD),
    PLAIN(SHRD), PLAIN(BT), PLAIN(BTS), PLAIN(BTR), PLAIN(BTC), PLAIN(BSF), PLAIN(BSR),
    PLAIN(SETO), PLAIN(SETNO), PLAIN(SETB), PLAIN(SETNB), PLAIN(SETZ), PLAIN(SETNZ), PLAIN(SETBE),
    PLAIN(SETNBE), PLAIN(SETS), PLAIN(SETNS), PLAIN(SETP), PLAIN(SETNP), PLAIN(SETL), PLAIN(SETNL),
    PLAIN(SETLE), PLAIN(SETNLE),
    /* flags */
    PLAIN(LAHF), PLAIN(SAHF), PLAIN(CLC), PLAIN(STC), PLAIN(CMC), PLAIN(CLD), PLAIN(STD), PLAIN(CLI),
    PLAIN(STI),
    /* strings */
    STRING(MOVSB), STRING(MOVSW), STRING(MOVSD), STRING(STOSB), STRING(STOSW), STRING(STOSD),
    STRING(LODSB), STRING(LODSW), STRING(LODSD), STRING(CMPSB), STRING(CMPSW), STRING(CMPSD),
    STRING(SCASB), STRING(SCASW), STRING(SCASD),
    STRONG_STRING(INSB), STRONG_STRING(INSW), STRONG_STRING(INSD),
    STRONG_STRING(OUTSB), STRONG_STRING(OUTSW), STRONG_STRING(OUTSD),
    /* always exit */
    STRONG(IN), STRONG(OUT), STRONG(HLT),
    /* control flow within the segment; the far forms of JMP, CALL and RET are told apart in classify() */
    FLOW(JMP, FLOW_JUMP), FLOW(CALL, FLOW_CALL), FLOW(RET, FLOW_INDIRECT),
    FLOW(JO, FLOW_BRANCH), FLOW(JNO, FLOW_BRANCH), FLOW(JB, FLOW_BRANCH), FLOW(JNB, FLOW_BRANCH),
    FLOW(JZ, FLOW_BRANCH), FLOW(JNZ, FLOW_BRANCH), FLOW(JBE, FLOW_BRANCH), FLOW(JNBE, FLOW_BRANCH),
    FLOW(JS, FLOW_BRANCH), FLOW(JNS, FLOW_BRANCH), FLOW(JP, FLOW_BRANCH), FLOW(JNP, FLOW_BRANCH),
    FLOW(JL, FLOW_BRANCH), FLOW(JNL, FLOW_BRANCH), FLOW(JLE, FLOW_BRANCH), FLOW(JNLE, FLOW_BRANCH),
    FLOW(JCXZ, FLOW_BRANCH), FLOW(JECXZ, FLOW_BRANCH), FLOW(LOOP, FLOW_BRANCH),
    FLOW(LOOPE, FLOW_BRANCH), FLOW(LOOPNE, FLOW_BRANCH),
    /* load CS */
    FAR(INT), FAR(INT1), FAR(INT3), FAR(INTO), FAR(IRET), FAR(IRETD),
};

/* The string MOVSD and CMPSD share their mnemonics with SSE2 instructions, which live in the 0F map. */
static bool is_sse_namesake(const struct insn *insn)
{
    return cells[insn->zydis.mnemonic].string && insn->zydis.opcode_map != ZYDIS_OPCODE_MAP_DEFAULT;
}

static bool touches_memory(const struct insn *insn)
{
    for (u32 i = 0; i < insn->zydis.operand_count; i++) {
        const ZydisDecodedOperand *operand = &insn->operand[i];
        if (operand->type == ZYDIS_OPERAND_TYPE_MEMORY && operand->mem.type == ZYDIS_MEMOP_TYPE_MEM)
            return true;
    }
    return false;
}

static bool uses_system_register(const struct insn *insn)
{
    for (u32 i = 0; i < insn->zydis.operand_count_visible; i++) {
        const ZydisDecodedOperand *operand = &insn->operand[i];
        if (operand->type != ZYDIS_OPERAND_TYPE_REGISTER)
            continue;
        ZydisRegisterClass class = ZydisRegisterGetClass(operand->reg.value);
        if (class == ZYDIS_REGCLASS_CONTROL || class == ZYDIS_REGCLASS_DEBUG || class == ZYDIS_REGCLASS_TEST)
            return true;
    }
    return false;
}

/* NOP with a ModRM byte (0F 18..1F) came with the Pentium Pro. */
static bool is_long_nop(const struct insn *insn)
{
    return insn->zydis.mnemonic == ZYDIS_MNEMONIC_NOP && insn->zydis.opcode_map != ZYDIS_OPCODE_MAP_DEFAULT;
}

static void classify(struct insn *insn)
{
    const struct cell *cell = &cells[insn->zydis.mnemonic];

    insn->flow = cell->flow;
    insn->class = INSN_UNSUPPORTED;
    if (insn->zydis.meta.branch_type == ZYDIS_BRANCH_TYPE_FAR) {
        insn->flow = FLOW_FAR;
        return;
    }
    if (is_sse_namesake(insn) || is_long_nop(insn) || uses_system_register(insn))
        return;
    insn->string = cell->string;
    if (cell->kind == CELL_STRONG)
        insn->class = INSN_STRONG;
    else if (cell->kind == CELL_PLAIN || insn_is_x87(insn))
        insn->class = touches_memory(insn) ? INSN_WEAK : INSN_FILLER;
}

struct prefixes {
    bool operand_size, address_size;
    u8 repeat; /* the last of F2 and F3, 0 if none: the last one counts */
};

static struct prefixes read_prefixes(const struct insn *insn)
{
    struct prefixes prefixes = {0};

    for (u32 i = 0; i < insn->zydis.raw.prefix_count; i++) {
        u8 value = insn->zydis.raw.prefixes[i].value;
        if (value == PREFIX_OPERAND_SIZE)
            prefixes.operand_size = true;
        else if (value == PREFIX_ADDRESS_SIZE)
            prefixes.address_size = true;
        else if (value == PREFIX_REP || value == PREFIX_REPNE)
            prefixes.repeat = value;
    }
    return prefixes;
}

static void find_target(struct insn *insn, u8 offset_size)
{
    if (insn->flow != FLOW_BRANCH && insn->flow != FLOW_JUMP && insn->flow != FLOW_CALL)
        return;
    const ZydisDecodedOperand *operand = &insn->operand[0];
    if (operand->type != ZYDIS_OPERAND_TYPE_IMMEDIATE) {
        insn->flow = FLOW_INDIRECT;
        return;
    }
    insn->target = insn->eip + insn->length + (u32)operand->imm.value.s;
    if (offset_size == 2)
        insn->target &= 0xffff;
}

static enum insn_error error_of(ZyanStatus status, u32 avail)
{
    if (status == ZYDIS_STATUS_INSTRUCTION_TOO_LONG)
        return INSN_TOO_LONG;
    if (status == ZYDIS_STATUS_NO_MORE_DATA)
        return avail >= INSN_MAX_BYTES ? INSN_TOO_LONG : INSN_TRUNCATED;
    return INSN_INVALID;
}

bool insn_decode(struct insn *insn, const u8 *bytes, u32 avail, u32 eip, bool code32)
{
    avail = MIN(avail, INSN_MAX_BYTES);
    insn->error = INSN_OK;
    insn->length = 0;
    ZyanStatus status = ZydisDecoderDecodeFull(code32 ? &decoder32 : &decoder16, bytes, avail, &insn->zydis,
                                               insn->operand);
    if (!ZYAN_SUCCESS(status)) {
        insn->error = error_of(status, avail);
        return false;
    }
    if (insn->zydis.encoding != ZYDIS_INSTRUCTION_ENCODING_LEGACY) {
        insn->error = INSN_INVALID;
        return false;
    }

    struct prefixes prefixes = read_prefixes(insn);
    u8 op_size = code32 != prefixes.operand_size ? 4 : 2;
    insn->eip = eip;
    insn->length = insn->zydis.length;
    memset(insn->bytes, 0, sizeof(insn->bytes));
    memcpy(insn->bytes, bytes, insn->length);
    insn->op_size = insn->zydis.operand_width == 8 ? 1 : op_size;
    insn->addr_size = code32 != prefixes.address_size ? 4 : 2;
    insn->string = false;
    insn->target = 0;
    classify(insn);
    /* REP IN means IN to processors, but KVM's emulator reads a whole batch: left to KVM. */
    if (insn->zydis.mnemonic == ZYDIS_MNEMONIC_IN && prefixes.repeat)
        insn->class = INSN_UNSUPPORTED;
    insn->rep = insn->string && prefixes.repeat;
    insn->repne = insn->string && prefixes.repeat == PREFIX_REPNE;
    find_target(insn, op_size);
    return true;
}

bool insn_is_prefix(u8 byte)
{
    static const u8 prefix[] = {0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65, 0x66, 0x67, 0xf0, 0xf2, 0xf3};
    return memchr(prefix, byte, sizeof prefix);
}

void insn_format(const struct insn *insn, char *text, size_t size)
{
    ZydisFormatter formatter;

    BUG_ON(size == 0);
    text[0] = 0;
    if (!ZYAN_SUCCESS(ZydisFormatterInit(&formatter, ZYDIS_FORMATTER_STYLE_INTEL)))
        return;
    ZydisFormatterFormatInstruction(&formatter, &insn->zydis, insn->operand,
                                    insn->zydis.operand_count_visible, text, size, insn->eip, NULL);
}

const char *insn_mnemonic(const struct insn *insn)
{
    const char *name = ZydisMnemonicGetString(insn->zydis.mnemonic);
    return name ? name : "?";
}
