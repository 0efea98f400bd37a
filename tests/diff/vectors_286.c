/* The table of differences between the 286 that made the vectors and a 486. */
#include "vectors_286.h"

#include "base/cpu.h"

enum { LENGTH_MAX_286 = 10 };

/* The prefixes of a test are skipped: `opcode` is what follows them. */
struct shape {
    bool lock;
    u8 opcode, modrm;
    u32 length; /* prefixes included */
};

static bool lock_misuse(const struct moo_test *test, const struct shape *shape, int vector)
{
    (void)test;
    return shape->lock && vector == EXC_UD;
}

static bool long_instruction(const struct moo_test *test, const struct shape *shape, int vector)
{
    return shape->length > LENGTH_MAX_286 && test->exception == EXC_GP && vector != EXC_GP;
}

static bool fs_and_gs(const struct moo_test *test, const struct shape *shape, int vector)
{
    u8 sreg = shape->modrm >> 3 & 7;

    return (shape->opcode == 0x8c || shape->opcode == 0x8e) && (sreg == CPU_FS || sreg == CPU_GS) &&
           test->exception == EXC_UD && vector == NO_EXCEPTION;
}

static bool string_fault(const struct moo_test *test, const struct shape *shape, int vector)
{
    bool string =
        (shape->opcode >= 0x6c && shape->opcode <= 0x6f) || (shape->opcode >= 0xa4 && shape->opcode <= 0xaf);

    return string && test->has_exception && vector != NO_EXCEPTION;
}

static bool pop_fault(const struct moo_test *test, const struct shape *shape, int vector)
{
    return shape->opcode == 0x8f && test->has_exception && vector != NO_EXCEPTION;
}

static bool coprocessor(const struct moo_test *test, const struct shape *shape, int vector)
{
    (void)test;
    (void)vector;
    return shape->opcode >= 0xd8 && shape->opcode <= 0xdf;
}

const struct difference_286 differences_286[DIFFERENCES_286] = {
    {"LOCK before an instruction that cannot be locked: #UD since the 386", lock_misuse, IGNORE_ALL},
    {"more than 10 bytes: #GP on the 286 only", long_instruction, IGNORE_ALL},
    {"FS and GS: #UD on the 286 only", fs_and_gs, IGNORE_ALL},
    {"a faulting string element has stepped SI, DI and CX on the 286 only", string_fault,
     IGNORE(MOO_SI) | IGNORE(MOO_DI) | IGNORE(MOO_CX)},
    {"a faulting POP m has stepped SP on the 286 only", pop_fault, IGNORE_ALL},
    {"the coprocessor is not interpreted (LIMIT)", coprocessor, IGNORE_ALL},
};

static bool is_prefix(u8 byte)
{
    return byte == 0x26 || byte == 0x2e || byte == 0x36 || byte == 0x3e || byte == 0xf0 || byte == 0xf2 ||
           byte == 0xf3;
}

static struct shape shape_of(const struct moo_test *test)
{
    struct shape shape = {.length = test->byte_count - 1}; /* the last one is the HLT */
    u32 at = 0;

    while (at + 2 < test->byte_count && is_prefix(test->bytes[at]))
        shape.lock |= test->bytes[at++] == 0xf0;
    shape.opcode = test->bytes[at];
    shape.modrm = test->bytes[at + 1];
    return shape;
}

int find_difference_286(const struct moo_test *test, int vector)
{
    struct shape shape = shape_of(test);

    for (u32 i = 0; i < DIFFERENCES_286; i++)
        if (differences_286[i].applies(test, &shape, vector))
            return (int)i;
    return -1;
}
