/* The decoder: classes, control flow, sizes, prefixes, errors. */
#include "decode/insn.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define EIP 0x100

/* Bytes of an instruction, for 16-bit code unless said otherwise. */
#define DECODE(insn, ...) decode(insn, (const u8[]){__VA_ARGS__}, sizeof((const u8[]){__VA_ARGS__}), false)
#define DECODE32(insn, ...) decode(insn, (const u8[]){__VA_ARGS__}, sizeof((const u8[]){__VA_ARGS__}), true)

static void decode(struct insn *insn, const u8 *bytes, u32 size, bool code32)
{
    assert_true(insn_decode(insn, bytes, size, EIP, code32));
    assert_int_equal(insn->length, size);
    assert_memory_equal(insn->bytes, bytes, size);
    assert_int_equal(insn->eip, EIP);
}

static void assert_fails(const u8 *bytes, u32 size, enum insn_error error)
{
    struct insn insn;

    assert_false(insn_decode(&insn, bytes, size, EIP, false));
    assert_int_equal(insn.error, error);
}

static void test_classes(void **state)
{
    static const struct {
        u8 bytes[4];
        enum insn_class class;
    } rows[] = {
        {{0x40}, INSN_FILLER},                   /* inc ax */
        {{0x8b, 0xc3}, INSN_FILLER},             /* mov ax, bx */
        {{0x8b, 0x07}, INSN_WEAK},               /* mov ax, [bx] */
        {{0x8d, 0x07}, INSN_FILLER},             /* lea ax, [bx] */
        {{0x50}, INSN_WEAK},                     /* push ax */
        {{0xc3}, INSN_WEAK},                     /* ret */
        {{0xe8, 0, 0}, INSN_WEAK},               /* call */
        {{0xd7}, INSN_WEAK},                     /* xlat */
        {{0xa4}, INSN_WEAK},                     /* movsb */
        {{0xec}, INSN_STRONG},                   /* in al, dx */
        {{0xe7, 0x20}, INSN_STRONG},             /* out 20h, ax */
        {{0x6c}, INSN_STRONG},                   /* insb */
        {{0xf3, 0x6f}, INSN_STRONG},             /* rep outsw */
        {{0xf4}, INSN_STRONG},                   /* hlt */
        {{0xfa}, INSN_FILLER},                   /* cli */
        {{0x9c}, INSN_WEAK},                     /* pushf */
        {{0x8e, 0xd8}, INSN_FILLER},             /* mov ds, ax */
        {{0xc4, 0x07}, INSN_WEAK},               /* les ax, [bx] */
        {{0x74, 0xfe}, INSN_FILLER},             /* jz */
        {{0xcd, 0x10}, INSN_UNSUPPORTED},        /* int 10h */
        {{0xcf}, INSN_UNSUPPORTED},              /* iret */
        {{0xcb}, INSN_UNSUPPORTED},              /* retf */
        {{0xff, 0x2f}, INSN_UNSUPPORTED},        /* jmp far [bx] */
        {{0x0f, 0x20, 0xc0}, INSN_UNSUPPORTED},  /* mov eax, cr0 */
        {{0x0f, 0x01, 0x17}, INSN_UNSUPPORTED},  /* lgdt [bx] */
        {{0x0f, 0xa2}, INSN_UNSUPPORTED},        /* cpuid */
        {{0xd9, 0xc0}, INSN_FILLER},             /* fld st0 */
        {{0xdf, 0xe0}, INSN_FILLER},             /* fnstsw ax */
        {{0xd9, 0x07}, INSN_WEAK},               /* fld dword [bx] */
        {{0xdd, 0x77, 0x02}, INSN_WEAK},         /* fnsave [bx + 2] */
        {{0x9b}, INSN_FILLER},                   /* fwait */
        {{0xda, 0xc1}, INSN_UNSUPPORTED},        /* fcmovb st0, st1 */
        {{0xdb, 0xf1}, INSN_UNSUPPORTED},        /* fcomi st0, st1 */
        {{0xdf, 0x0f}, INSN_UNSUPPORTED},        /* fisttp word [bx] */
        {{0x0f, 0x1f, 0x07}, INSN_UNSUPPORTED},  /* nop [bx] */
        {{0x0f, 0x44, 0xc3}, INSN_UNSUPPORTED},  /* cmovz ax, bx */
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct insn insn;
        assert_true(insn_decode(&insn, rows[i].bytes, 4, EIP, false));
        if (insn.class != rows[i].class)
            fail_msg("row %zu: class %d, expected %d", i, insn.class, rows[i].class);
    }
}

static void test_sse_namesakes_are_unsupported(void **state)
{
    struct insn insn;

    (void)state;
    DECODE(&insn, 0xf2, 0x0f, 0x10, 0xc1); /* movsd xmm0, xmm1 */
    assert_int_equal(insn.class, INSN_UNSUPPORTED);
    assert_false(insn.string);
    DECODE(&insn, 0x66, 0xa5); /* movsd */
    assert_int_equal(insn.class, INSN_WEAK);
    assert_true(insn.string);
}

static void test_flow_and_targets(void **state)
{
    struct insn insn;

    (void)state;
    DECODE(&insn, 0x40);
    assert_int_equal(insn.flow, FLOW_NEXT);
    DECODE(&insn, 0x75, 0xfe);
    assert_int_equal(insn.flow, FLOW_BRANCH);
    assert_int_equal(insn.target, EIP);
    DECODE(&insn, 0xe2, 0x10);
    assert_int_equal(insn.flow, FLOW_BRANCH);
    assert_int_equal(insn.target, EIP + 0x12);
    DECODE(&insn, 0xe9, 0x00, 0x80); /* wraps at 64 KiB */
    assert_int_equal(insn.flow, FLOW_JUMP);
    assert_int_equal(insn.target, EIP + 3 + 0x8000);
    DECODE(&insn, 0xe9, 0x00, 0xff);
    assert_int_equal(insn.target, 0x0003);
    DECODE(&insn, 0xe9, 0xf0, 0xfe);
    assert_int_equal(insn.target, 0xfff3);
    DECODE(&insn, 0x66, 0xe9, 0x00, 0x00, 0xff, 0xff); /* does not */
    assert_int_equal(insn.target, 0xffff0106);
    DECODE(&insn, 0xe8, 0x00, 0x00);
    assert_int_equal(insn.flow, FLOW_CALL);
    DECODE(&insn, 0xff, 0xe0);
    assert_int_equal(insn.flow, FLOW_INDIRECT);
    DECODE(&insn, 0xff, 0xd0);
    assert_int_equal(insn.flow, FLOW_INDIRECT);
    DECODE(&insn, 0xc3);
    assert_int_equal(insn.flow, FLOW_INDIRECT);
    DECODE(&insn, 0xea, 0, 0, 0, 0);
    assert_int_equal(insn.flow, FLOW_FAR);
    DECODE(&insn, 0xff, 0x1f);
    assert_int_equal(insn.flow, FLOW_FAR);
    DECODE(&insn, 0xcb);
    assert_int_equal(insn.flow, FLOW_FAR);
    DECODE(&insn, 0xcd, 0x21);
    assert_int_equal(insn.flow, FLOW_FAR);
}

static void test_sizes(void **state)
{
    struct insn insn;

    (void)state;
    DECODE(&insn, 0x00, 0xc0);
    assert_int_equal(insn.op_size, 1);
    assert_int_equal(insn.addr_size, 2);
    DECODE(&insn, 0x66, 0x67, 0x01, 0x00);
    assert_int_equal(insn.op_size, 4);
    assert_int_equal(insn.addr_size, 4);
    DECODE32(&insn, 0x01, 0x00);
    assert_int_equal(insn.op_size, 4);
    DECODE32(&insn, 0x66, 0x67, 0x01, 0x00);
    assert_int_equal(insn.op_size, 2);
    assert_int_equal(insn.addr_size, 2);
    DECODE(&insn, 0x6a, 0x80); /* push imm8 is a word */
    assert_int_equal(insn.op_size, 2);
}

static void test_repeat_prefixes(void **state)
{
    struct insn insn;

    (void)state;
    DECODE(&insn, 0xf3, 0xa4);
    assert_true(insn.rep);
    assert_false(insn.repne);
    DECODE(&insn, 0xf2, 0xf3, 0xa6); /* the last one counts */
    assert_true(insn.rep);
    assert_false(insn.repne);
    DECODE(&insn, 0xf3, 0xf2, 0xae);
    assert_true(insn.repne);
    DECODE(&insn, 0xf3, 0x40); /* no string: ignored */
    assert_false(insn.rep);
    DECODE(&insn, 0xa5);
    assert_true(insn.string);
    assert_false(insn.rep);
}

static void test_old_meanings_of_shared_encodings(void **state)
{
    struct insn insn;

    (void)state;
    DECODE(&insn, 0xf3, 0x0f, 0xbc, 0xc1); /* not tzcnt */
    assert_string_equal(insn_mnemonic(&insn), "bsf");
    DECODE(&insn, 0xf3, 0x0f, 0xbd, 0xc1); /* not lzcnt */
    assert_string_equal(insn_mnemonic(&insn), "bsr");
    DECODE(&insn, 0xd6);
    assert_string_equal(insn_mnemonic(&insn), "salc");
}

static void test_errors(void **state)
{
    static const u8 truncated[] = {0x81, 0x06, 0x00};
    static const u8 lock_mov[] = {0xf0, 0x8b, 0x07, 0, 0};
    static const u8 lock_register[] = {0xf0, 0x01, 0xc0, 0, 0};
    static const u8 mov_cs[] = {0x8e, 0xc8, 0, 0};
    static const u8 vex[] = {0xc5, 0xf8, 0x77, 0, 0, 0}; /* lds with a register operand */
    static const u8 lea_register[] = {0x8d, 0xc0, 0, 0};
    static const u8 call_group[] = {0xff, 0xff, 0, 0};
    u8 prefixes[INSN_MAX_BYTES];

    (void)state;
    assert_fails(truncated, sizeof(truncated), INSN_TRUNCATED);
    assert_fails(lock_mov, sizeof(lock_mov), INSN_INVALID);
    assert_fails(lock_register, sizeof(lock_register), INSN_INVALID);
    assert_fails(mov_cs, sizeof(mov_cs), INSN_INVALID);
    assert_fails(vex, sizeof(vex), INSN_INVALID);
    assert_fails(lea_register, sizeof(lea_register), INSN_INVALID);
    assert_fails(call_group, sizeof(call_group), INSN_INVALID);
    memset(prefixes, 0x2e, sizeof(prefixes));
    assert_fails(prefixes, sizeof(prefixes), INSN_TOO_LONG);
    assert_fails(prefixes, 0, INSN_TRUNCATED);
}

static void test_longest_instruction(void **state)
{
    u8 bytes[INSN_MAX_BYTES];
    struct insn insn;

    (void)state;
    memset(bytes, 0x2e, sizeof(bytes));
    bytes[14] = 0x90;
    assert_true(insn_decode(&insn, bytes, sizeof(bytes), 0, false));
    assert_int_equal(insn.length, 15);
}

static void test_format(void **state)
{
    struct insn insn;
    char text[64], small[4];

    (void)state;
    DECODE(&insn, 0x26, 0x88, 0x05);
    insn_format(&insn, text, sizeof(text));
    assert_string_equal(text, "mov es:[di], al");
    insn_format(&insn, small, sizeof(small));
    assert_true(strlen(small) < sizeof(small));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_classes),
        cmocka_unit_test(test_sse_namesakes_are_unsupported),
        cmocka_unit_test(test_flow_and_targets),
        cmocka_unit_test(test_sizes),
        cmocka_unit_test(test_repeat_prefixes),
        cmocka_unit_test(test_old_meanings_of_shared_encodings),
        cmocka_unit_test(test_errors),
        cmocka_unit_test(test_longest_instruction),
        cmocka_unit_test(test_format),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
