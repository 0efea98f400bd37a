/* Guest arithmetic on host instructions.
 *
 * Host flags are handed over in AX, without touching the stack: AH = SF ZF AF PF CF as LAHF has them, AL =
 * OF. add  $0x7f, %al      OF := AL sahf                 the other five, OF stays <instruction> lahf seto %al
 * Intel 64 and IA-32 SDM, volume 2: LAHF, SAHF, SETcc. */
#include "cluster/interp_alu.h"

#include "base/bug.h"

enum { AX_OVERFLOW = 1, AX_FLAGS_SHIFT = 8, AX_FLAGS = 0xd5, OF_SHIFT = 11 };

static inline u32 flags_to_ax(u32 eflags)
{
    return (eflags & 0xff) << AX_FLAGS_SHIFT | ((eflags >> OF_SHIFT) & AX_OVERFLOW);
}

static inline void flags_from_ax(u32 *eflags, u32 ax)
{
    *eflags =
        (*eflags & ~(u32)FLAGS_ARITH) | ((ax >> AX_FLAGS_SHIFT) & AX_FLAGS) | (ax & AX_OVERFLOW) << OF_SHIFT;
}

#define FLAGS_IN  "addb $0x7f, %%al\n\tsahf\n\t"
#define FLAGS_OUT "\n\tlahf\n\tseto %%al"

#define ASM_TWO(text)   asm(FLAGS_IN text FLAGS_OUT : "+&a"(ax), [d] "+q"(dst) : [s] "q"(src) : "cc")
#define ASM_SHIFT(text) asm(FLAGS_IN text FLAGS_OUT : "+&a"(ax), [d] "+q"(dst) : [s] "c"(src) : "cc")
#define ASM_ONE(text)   asm(FLAGS_IN text FLAGS_OUT : "+&a"(ax), [d] "+q"(dst) : : "cc")

#define KEY(op, size) ((op)*8 + (size))

#define CASES_TWO(op, name)                                                                                  \
    case KEY(op, 1):                                                                                         \
        ASM_TWO(name "b %b[s], %b[d]");                                                                      \
        break;                                                                                               \
        CASES_WIDE(op, name)
#define CASES_WIDE(op, name)                                                                                 \
    case KEY(op, 2):                                                                                         \
        ASM_TWO(name "w %w[s], %w[d]");                                                                      \
        break;                                                                                               \
    case KEY(op, 4):                                                                                         \
        ASM_TWO(name "l %k[s], %k[d]");                                                                      \
        break
#define CASES_SHIFT(op, name)                                                                                \
    case KEY(op, 1):                                                                                         \
        ASM_SHIFT(name "b %%cl, %b[d]");                                                                     \
        break;                                                                                               \
    case KEY(op, 2):                                                                                         \
        ASM_SHIFT(name "w %%cl, %w[d]");                                                                     \
        break;                                                                                               \
    case KEY(op, 4):                                                                                         \
        ASM_SHIFT(name "l %%cl, %k[d]");                                                                     \
        break
#define CASES_ONE(op, name)                                                                                  \
    case KEY(op, 1):                                                                                         \
        ASM_ONE(name "b %b[d]");                                                                             \
        break;                                                                                               \
    case KEY(op, 2):                                                                                         \
        ASM_ONE(name "w %w[d]");                                                                             \
        break;                                                                                               \
    case KEY(op, 4):                                                                                         \
        ASM_ONE(name "l %k[d]");                                                                             \
        break

u32 alu_execute(enum alu_op op, u8 size, u32 dst, u32 src, u32 *eflags)
{
    u32 ax = flags_to_ax(*eflags);

    switch (KEY(op, size)) {
        CASES_TWO(ALU_ADD, "add");
        CASES_TWO(ALU_OR, "or");
        CASES_TWO(ALU_ADC, "adc");
        CASES_TWO(ALU_SBB, "sbb");
        CASES_TWO(ALU_AND, "and");
        CASES_TWO(ALU_SUB, "sub");
        CASES_TWO(ALU_XOR, "xor");
        CASES_TWO(ALU_CMP, "cmp");
        CASES_TWO(ALU_TEST, "test");
        CASES_SHIFT(ALU_ROL, "rol");
        CASES_SHIFT(ALU_ROR, "ror");
        CASES_SHIFT(ALU_RCL, "rcl");
        CASES_SHIFT(ALU_RCR, "rcr");
        CASES_SHIFT(ALU_SHL, "shl");
        CASES_SHIFT(ALU_SHR, "shr");
        CASES_SHIFT(ALU_SAR, "sar");
        CASES_ONE(ALU_INC, "inc");
        CASES_ONE(ALU_DEC, "dec");
        CASES_ONE(ALU_NEG, "neg");
        CASES_WIDE(ALU_BT, "bt");
        CASES_WIDE(ALU_BTS, "bts");
        CASES_WIDE(ALU_BTR, "btr");
        CASES_WIDE(ALU_BTC, "btc");
        CASES_WIDE(ALU_BSF, "bsf");
        CASES_WIDE(ALU_BSR, "bsr");
        CASES_WIDE(ALU_IMUL, "imul");
    case KEY(ALU_NOT, 1):
    case KEY(ALU_NOT, 2):
    case KEY(ALU_NOT, 4):
        return ~dst;
    case KEY(ALU_BSWAP, 2): /* undefined; processors give 0 */
        return 0;
    case KEY(ALU_BSWAP, 4):
        return __builtin_bswap32(dst);
    default:
        BUG_ON(true);
    }
    flags_from_ax(eflags, ax);
    return dst;
}

#define ASM_DOUBLE(text)                                                                                     \
    asm(FLAGS_IN text FLAGS_OUT : "+&a"(ax), [d] "+r"(dst) : [s] "r"(src), "c"((u32)count) : "cc")

u32 alu_shift_double(bool right, u8 size, u32 dst, u32 src, u8 count, u32 *eflags)
{
    u32 ax = flags_to_ax(*eflags);

    if (size == 2 && right)
        ASM_DOUBLE("shrdw %%cl, %w[s], %w[d]");
    else if (size == 2)
        ASM_DOUBLE("shldw %%cl, %w[s], %w[d]");
    else if (right)
        ASM_DOUBLE("shrdl %%cl, %k[s], %k[d]");
    else
        ASM_DOUBLE("shldl %%cl, %k[s], %k[d]");
    flags_from_ax(eflags, ax);
    return dst;
}

/* The accumulator is needed for the flags and for the operand:  <flags in>; mov lo, %eax; mul src; mov %eax,
 * lo; <flags out>; mov %eax, ax */
#define ASM_ACCUMULATOR(text)                                                                                \
    asm("movl %[f], %%eax\n\t" FLAGS_IN "movl %[lo], %%eax\n\t" text "\n\tmovl %%eax, %[lo]" FLAGS_OUT       \
        "\n\tmovl %%eax, %[f]"                                                                               \
        : [f] "+&r"(ax), [lo] "+&r"(*low), "+&d"(*high)                                                      \
        : [s] "q"(src)                                                                                       \
        : "eax", "cc")

#define ACCUMULATOR_CASES(name)                                                                              \
    do {                                                                                                     \
        if (size == 1)                                                                                       \
            ASM_ACCUMULATOR(name "b %b[s]");                                                                 \
        else if (size == 2)                                                                                  \
            ASM_ACCUMULATOR(name "w %w[s]");                                                                 \
        else                                                                                                 \
            ASM_ACCUMULATOR(name "l %k[s]");                                                                 \
    } while (0)

void alu_multiply(bool is_signed, u8 size, u32 *low, u32 *high, u32 src, u32 *eflags)
{
    u32 ax = flags_to_ax(*eflags);

    if (is_signed)
        ACCUMULATOR_CASES("imul");
    else
        ACCUMULATOR_CASES("mul");
    flags_from_ax(eflags, ax);
}

/* Would the host's DIV raise #DE? */
static bool unsigned_overflows(u8 size, u32 low, u32 high, u32 src)
{
    if (size == 1)
        return (u8)src == 0 || (u16)low / (u8)src > 0xff;
    if (size == 2)
        return (u16)src <= (u16)high; /* covers a divisor of zero */
    return src <= high;
}

static bool signed_overflows(u8 size, u32 low, u32 high, u32 src)
{
    s64 dividend, divisor, limit;

    if (size == 1) {
        dividend = (s16)low;
        divisor = (s8)src;
        limit = INT8_MAX;
    } else if (size == 2) {
        dividend = (s32)((high & 0xffff) << 16 | (low & 0xffff));
        divisor = (s16)src;
        limit = INT16_MAX;
    } else {
        dividend = (s64)((u64)high << 32 | low);
        divisor = (s32)src;
        limit = INT32_MAX;
    }
    if (divisor == 0 || (dividend == INT64_MIN && divisor == -1))
        return true;
    s64 quotient = dividend / divisor;
    return quotient > limit || quotient < -limit - 1;
}

bool alu_divide(bool is_signed, u8 size, u32 *low, u32 *high, u32 src, u32 *eflags)
{
    u32 ax = flags_to_ax(*eflags);

    if (is_signed ? signed_overflows(size, *low, *high, src) : unsigned_overflows(size, *low, *high, src))
        return false;
    if (is_signed)
        ACCUMULATOR_CASES("idiv");
    else
        ACCUMULATOR_CASES("div");
    flags_from_ax(eflags, ax);
    return true;
}

bool alu_condition(enum step_condition condition, u32 eflags)
{
    bool result;

    switch (condition & ~1u) {
    case COND_O:
        result = eflags & FLAG_OF;
        break;
    case COND_B:
        result = eflags & FLAG_CF;
        break;
    case COND_Z:
        result = eflags & FLAG_ZF;
        break;
    case COND_BE:
        result = eflags & (FLAG_CF | FLAG_ZF);
        break;
    case COND_S:
        result = eflags & FLAG_SF;
        break;
    case COND_P:
        result = eflags & FLAG_PF;
        break;
    case COND_L:
        result = !(eflags & FLAG_SF) != !(eflags & FLAG_OF);
        break;
    default: /* COND_LE */
        result = (eflags & FLAG_ZF) || !(eflags & FLAG_SF) != !(eflags & FLAG_OF);
        break;
    }
    return result != (condition & 1);
}
