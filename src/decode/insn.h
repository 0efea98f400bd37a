/* What the cluster engine knows of one guest instruction: Zydis' decoding reduced to class, control flow and
 * prefixes. Pure: no machine, no processor state but the mode. */
#ifndef HUDDLE_DECODE_INSN_H
#define HUDDLE_DECODE_INSN_H

#include "base/types.h"

#include <Zydis/Zydis.h>

#define INSN_MAX_BYTES 15

/* What executing it may do to us (the paper's classes). */
enum insn_class {
    INSN_FILLER,      /* never exits: registers only */
    INSN_WEAK,        /* touches memory: exits if that is a device */
    INSN_STRONG,      /* IN, OUT, INS, OUTS, HLT: always exits */
    INSN_UNSUPPORTED, /* not on the allow-list: stops a cluster */
};

enum insn_flow {
    FLOW_NEXT,        /* falls through */
    FLOW_BRANCH,      /* relative, conditional: target or fall through (Jcc, LOOPcc, JCXZ) */
    FLOW_JUMP,        /* relative, always */
    FLOW_CALL,        /* relative near call */
    FLOW_INDIRECT,    /* near indirect jump or call, near return */
    FLOW_FAR,         /* anything that loads CS: far transfers, INT, IRET */
};

/* Why insn_decode returned false. */
enum insn_error {
    INSN_OK,
    INSN_INVALID,   /* no instruction of this processor (#UD), LOCK misuse included */
    INSN_TRUNCATED, /* more bytes than `avail` are needed */
    INSN_TOO_LONG,  /* more than INSN_MAX_BYTES (#GP) */
};

struct insn {
    ZydisDecodedInstruction zydis;
    ZydisDecodedOperand operand[ZYDIS_MAX_OPERAND_COUNT];
    u32 eip;        /* offset in the code segment */
    u8 bytes[INSN_MAX_BYTES];
    u8 length;
    u8 op_size;     /* operand size attribute in bytes: 2 or 4 (1 for byte forms) */
    u8 addr_size;   /* address size attribute in bytes: 2 or 4 */
    bool rep;       /* REP/REPE/REPNE in front of a string instruction */
    bool repne;
    bool string;    /* string instruction, INS and OUTS included */
    enum insn_error error;
    enum insn_class class;
    enum insn_flow flow;
    u32 target;     /* FLOW_BRANCH/JUMP/CALL: offset of the target, wrapped to the operand size */
};

/* Decodes the instruction at `bytes` (`avail` bytes readable there) as code at offset `eip` of a 16-bit (`code32`
 * false) or 32-bit code segment. False (and insn->error) if the bytes are no instruction or run past `avail`. */
bool insn_decode(struct insn *insn, const u8 *bytes, u32 avail, u32 eip, bool code32);

/* An x87 instruction of the 486's, WAIT included. */
static inline bool insn_is_x87(const struct insn *insn)
{
    return insn->zydis.meta.isa_set == ZYDIS_ISA_SET_X87;
}

/* A prefix byte of this processor: segment, operand and address size, LOCK, REP. */
bool insn_is_prefix(u8 byte);

/* "mov es:[di], al" (Zydis, Intel syntax) into `text`. Works for any valid instruction. */
void insn_format(const struct insn *insn, char *text, size_t size);

/* The stop reason for INSN_UNSUPPORTED: the mnemonic in lower case. */
const char *insn_mnemonic(const struct insn *insn);

#endif
