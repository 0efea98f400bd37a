/* Steps: a guest instruction lowered to a few thin operations. The interpreter executes them; the host-code back-end
 * translates them. An instruction's steps are ordered so that nothing is written to a register, to memory or to the
 * flags before the last step that can fault: a load whose operand will be written back (`rmw`) checks for both.
 *
 * Values live in guest registers, in temporaries t0..t3 that last for one instruction, or in `imm`. Registers of
 * size 1 are numbered as in ModRM (4 = AH). Intel 486 Programmer's Reference Manual, chapter 26. */
#ifndef HUDDLE_CLUSTER_STEP_H
#define HUDDLE_CLUSTER_STEP_H

#include "base/cpu.h"
#include "decode/insn.h"

/* Where a value is. 0-7 are general registers in ModRM order. */
enum step_operand {
    OPERAND_SREG = 8,   /* 8-13: selector of a segment register (enum cpu_sreg) */
    OPERAND_TEMP = 16,  /* 16-19: temporaries */
    OPERAND_IMM = 32,   /* step->imm */
    OPERAND_NONE = 33,
};
#define STEP_TEMPS 4
#define STEP_T0    (OPERAND_TEMP + 0)
#define STEP_T1    (OPERAND_TEMP + 1)
#define STEP_T2    (OPERAND_TEMP + 2)

enum step_kind {
    STEP_MOV,          /* dst = src */
    STEP_EXTEND,       /* dst (size) = src (src_size), sign-extended if op, else zero-extended */
    STEP_SIGN,         /* dst = all bits the sign of src (CWD, CDQ) */
    STEP_LEA,          /* dst = offset of mem, wrapped to mem.addr_size, then to size */
    STEP_BIT_ADDRESS,  /* dst += byte offset of the operand that holds bit src (BT m, r); mem.addr_size wraps it */
    STEP_LOAD,         /* dst = [mem]; rmw: also checked for writing, and the address is kept for the store */
    STEP_STORE,        /* [mem] = src; rmw: to the address the load kept (registers may have changed); no fault */
    STEP_LOAD_FAR,     /* t0 = offset at [mem] (size), t1 = selector behind it (one access) */
    STEP_LOAD_SEGMENT, /* segment register op = selector src */
    STEP_ALU,          /* dst = dst op src with flags; op is an enum alu_op. CMP, TEST and BT write flags only */
    STEP_SHIFT_DOUBLE, /* dst = dst shifted by count, filled from src: op 0 SHLD, 1 SHRD; count imm, or CL if
                          by_cl */
    STEP_MULTIPLY,     /* [E]DX:[E]AX or AX = accumulator * src; op 1: signed */
    STEP_DIVIDE,       /* same registers / src: quotient and remainder; #DE; op 1: signed */
    STEP_SETCC,        /* dst = 1 if condition op (enum step_condition) else 0 */
    STEP_COMPARE_EXCHANGE, /* CMPXCHG: flags of accumulator - dst; equal: dst = src, else accumulator = dst */
    STEP_CHECK_PUSH,   /* faults if a push of size would: in front of a read that must not be made in vain */
    STEP_PUSH,         /* push src; segment registers of size 4 write only two bytes, as processors do */
    STEP_POP,          /* dst = pop */
    STEP_PEEK,         /* dst = top of stack; the stack pointer stays */
    STEP_DROP,         /* stack pointer += imm, in the stack's own size */
    STEP_FLAG,         /* one flag operation: op is an enum flag_op */
    STEP_GET_FLAGS,    /* dst = flags image as PUSHF pushes it */
    STEP_SET_FLAGS,    /* flags = src as POPF pops them at CPL 0 */
    STEP_IN,           /* AL/AX/EAX = port src */
    STEP_OUT,          /* port dst = AL/AX/EAX */
    STEP_STRING,       /* op is an enum string_op; repeat says how; source mem (segment), destination ES:[E]DI */
    STEP_BRANCH,       /* if condition op, go to imm */
    STEP_LOOP,         /* op is an enum loop_op; counter is [E]CX by mem.addr_size; go to imm */
    STEP_JUMP,         /* go to src; #GP if beyond the limit */
    STEP_CALL,         /* push the next instruction's offset and go to src */
    STEP_RETURN,       /* pop the offset of the next instruction; then stack pointer += imm */
    STEP_HALT,
    STEP_HELPER,       /* rare or long: op is an enum step_helper (interp_helper.c) */
    STEP_KINDS
};

/* The two-operand operations. 0-7 and the shifts are in encoding order. */
enum alu_op {
    ALU_ADD, ALU_OR, ALU_ADC, ALU_SBB, ALU_AND, ALU_SUB, ALU_XOR, ALU_CMP,
    ALU_ROL, ALU_ROR, ALU_RCL, ALU_RCR, ALU_SHL, ALU_SHR, ALU_SAR,
    ALU_TEST, ALU_INC, ALU_DEC, ALU_NOT, ALU_NEG, ALU_BSWAP,
    ALU_BT, ALU_BTS, ALU_BTR, ALU_BTC, ALU_BSF, ALU_BSR, ALU_IMUL,
    ALU_OPS
};

/* Order is the condition field of Jcc and SETcc. */
enum step_condition {
    COND_O, COND_NO, COND_B, COND_NB, COND_Z, COND_NZ, COND_BE, COND_NBE,
    COND_S, COND_NS, COND_P, COND_NP, COND_L, COND_NL, COND_LE, COND_NLE
};

enum flag_op { FLAG_OP_CLC, FLAG_OP_STC, FLAG_OP_CMC, FLAG_OP_CLD, FLAG_OP_STD, FLAG_OP_CLI, FLAG_OP_STI,
               FLAG_OP_LAHF, FLAG_OP_SAHF, FLAG_OP_SALC };

enum string_op { STRING_MOVS, STRING_STOS, STRING_LODS, STRING_CMPS, STRING_SCAS, STRING_INS, STRING_OUTS };

/* REPEAT_WHILE_*: CMPS and SCAS also stop on ZF. */
enum string_repeat { REPEAT_NO, REPEAT_COUNT, REPEAT_WHILE_EQUAL, REPEAT_WHILE_NOT_EQUAL };

enum loop_op { LOOP_JCXZ, LOOP_ALWAYS, LOOP_EQUAL, LOOP_NOT_EQUAL };

enum step_helper {
    HELPER_PUSHA, HELPER_POPA, HELPER_ENTER, HELPER_LEAVE, HELPER_BOUND,
    HELPER_DAA, HELPER_DAS, HELPER_AAA, HELPER_AAS, HELPER_AAM, HELPER_AAD,
    HELPER_INT, HELPER_INTO, HELPER_INT3, HELPER_INT1, HELPER_IRET,
    HELPER_JUMP_FAR, HELPER_CALL_FAR, HELPER_RETURN_FAR,
    HELPER_LGDT, HELPER_LIDT, HELPER_SGDT, HELPER_SIDT,
    HELPER_LMSW, HELPER_SMSW, HELPER_CLTS, HELPER_MOV_FROM_CR, HELPER_MOV_TO_CR,
    HELPER_LLDT, HELPER_SLDT, HELPER_LTR, HELPER_STR,
    HELPER_LAR, HELPER_LSL, HELPER_VERR, HELPER_VERW, HELPER_ARPL,
    HELPER_CPUID, HELPER_FWAIT, HELPER_X87, HELPER_UD,
    HELPERS
};

/* Segment, base and index of a memory operand. base and index are operands 0-7 or temporaries, or OPERAND_NONE. */
struct step_mem {
    u8 segment; /* enum cpu_sreg */
    u8 base;
    u8 index;
    u8 scale; /* shift of the index */
    u8 addr_size; /* bytes: the offset wraps to this */
    u32 disp;
};

struct step {
    u8 kind;     /* enum step_kind */
    u8 op;
    u8 size;     /* operand size in bytes: 1, 2 or 4 */
    u8 src_size; /* STEP_EXTEND */
    u8 dst, src; /* enum step_operand */
    u8 repeat;   /* STEP_STRING: enum string_repeat */
    bool rmw;    /* STEP_LOAD, STEP_STORE */
    bool by_cl;  /* STEP_SHIFT_DOUBLE */
    struct step_mem mem;
    u32 imm;
    u32 imm2;    /* far pointers: the selector; ENTER: the nesting level */
    /* Masks of enum cpu_flag. A flag that is written only sometimes (shift by a count of zero, REP CMPS with CX = 0)
     * is in both, so that liveness does not end there. Undefined flags count as written. */
    u32 flags_read, flags_written;
};

#define STEPS_MAX 8

struct steps {
    u32 eip;    /* offset of the instruction in the code segment */
    u8 length;
    u8 count;
    u8 op_size; /* as in struct insn */
    u8 class;   /* enum insn_class */
    u8 flow;    /* enum insn_flow */
    u8 bytes[INSN_MAX_BYTES];
    struct step step[STEPS_MAX];
};

/* Lowers a decoded instruction. False if it is not known (INTERP_UNSUPPORTED). */
bool steps_lower(struct steps *steps, const struct insn *insn);

/* One line per step ("load.2 t0, ds:[bx+si+0x10] rmw") into `text`, cut at `size`. */
void steps_print(const struct steps *steps, char *text, size_t size);

/* An ESC instruction or WAIT. */
static inline bool steps_are_x87(const struct steps *steps)
{
    const struct step *step = &steps->step[0];
    return steps->count && step->kind == STEP_HELPER && (step->op == HELPER_X87 || step->op == HELPER_FWAIT);
}

static inline bool step_has_mem(const struct step *step)
{
    return step->mem.addr_size != 0;
}

#endif
