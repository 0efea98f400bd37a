/* Host code as text: Zydis, with offsets in the translation instead of addresses. */
#include "report/host_code.h"

#include <Zydis/Zydis.h>
#include <inttypes.h>
#include <stdio.h>

/* "jz +1F" for a branch inside the translation; false: not a branch. */
static bool format_branch(char *text, const ZydisDecodedInstruction *insn, const ZydisDecodedOperand *operand,
                          u64 address, u64 first, u32 bytes)
{
    ZyanU64 target;
    if (operand->type != ZYDIS_OPERAND_TYPE_IMMEDIATE || !operand->imm.is_relative ||
        !ZYAN_SUCCESS(ZydisCalcAbsoluteAddress(insn, operand, address, &target)))
        return false;
    bool inside = target - first < bytes;
    snprintf(text, HOST_CODE_BYTES, "%s %s%" PRIX64, ZydisMnemonicGetString(insn->mnemonic),
             inside ? "+" : "0x", inside ? target - first : target);
    return true;
}

u32 host_code_format(char *text, const u8 *code, u32 size, u32 at, u32 bytes)
{
    ZydisDecoder decoder;
    ZydisDecodedInstruction insn;
    ZydisDecodedOperand operand[ZYDIS_MAX_OPERAND_COUNT];
    ZydisFormatter formatter;
    u64 address = (u64)(uintptr_t)code;
    text[0] = '\0';
    if (!ZYAN_SUCCESS(ZydisDecoderInit(&decoder, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64)) ||
        !ZYAN_SUCCESS(ZydisFormatterInit(&formatter, ZYDIS_FORMATTER_STYLE_INTEL)) ||
        !ZYAN_SUCCESS(ZydisDecoderDecodeFull(&decoder, code, size, &insn, operand)))
        return 0;
    if (!format_branch(text, &insn, &operand[0], address, address - at, bytes) &&
        !ZYAN_SUCCESS(ZydisFormatterFormatInstruction(&formatter, &insn, operand, insn.operand_count_visible,
                                                      text, HOST_CODE_BYTES, address, NULL)))
        return 0;
    return insn.length;
}
