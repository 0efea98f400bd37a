/* x87 instructions: what the processor decides around the arithmetic. Known bit patterns, images in memory,
 * absent and switched-off coprocessor, stack faults, unmasked exceptions, faults of operands. */
#include "interp_tests.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { OPERAND = 0x4000, CODE_BASE = 0x800, UNMASKED = 0x340 };

static int setup(void **state)
{
    int rc = rig_setup(state);
    struct rig *rig = *state;

    rig->env.fpu_state = rig_x87_state;
    rig->cpu.cr0 |= CR0_NE;
    rig->cpu.reg[CPU_EBX] = OPERAND;
    x87_init(&rig->x87);
    return rc;
}
#define X87_TEST(test) cmocka_unit_test_setup_teardown(test, setup, rig_teardown)

#define STEP(rig, ...)                                                                                       \
    do {                                                                                                     \
        RIG_CODE_BYTES(rig, __VA_ARGS__);                                                                    \
        rig_step(rig, INTERP_DONE);                                                                          \
    } while (0)

static void set_control(struct rig *rig, u16 control)
{
    rig_put(rig, OPERAND, 2, control);
    STEP(rig, 0xd9, 0x2f); /* fldcw [bx] */
}

/* A fault that leaves the x87 alone, too. */
static void x87_fault(struct rig *rig, u8 vector)
{
    struct x87_image before = rig->x87;
    bool protected = cpu_protected(&rig->cpu);

    rig_fault(rig, vector, protected && (vector == EXC_GP || vector == EXC_SS), 0);
    assert_memory_equal(&rig->x87, &before, sizeof before);
}

static void assert_st0(const struct rig *rig, u16 exponent, u64 significand)
{
    u8 want[10];

    memcpy(want, &significand, 8);
    memcpy(want + 8, &exponent, 2);
    assert_memory_equal(rig->x87.st[0], want, sizeof want);
}

/* --- known bits --- */

static void test_known_values(void **state)
{
    struct rig *rig = *state;

    STEP(rig, 0xd9, 0xeb); /* fldpi */
    assert_st0(rig, 0x4000, 0xc90fdaa22168c235);
    rig_put(rig, OPERAND, 4, 0x40100000); /* 2.25f */
    STEP(rig, 0xd9, 0x07);                /* fld dword [bx] */
    assert_st0(rig, 0x4000, 0x9000000000000000);
    rig_put(rig, OPERAND, 2, (u16)-6);
    STEP(rig, 0xde, 0x0f); /* fimul word [bx]: -13.5 */
    assert_st0(rig, 0xc002, 0xd800000000000000);
    STEP(rig, 0xdf, 0x17); /* fist word [bx]: -14, to even */
    assert_int_equal(rig_get(rig, OPERAND, 2), (u16)-14);
    STEP(rig, 0xdd, 0x1f); /* fstp qword [bx] */
    assert_int_equal(rig_get(rig, OPERAND, 4), 0);
    assert_int_equal(rig_get(rig, OPERAND + 4, 4), 0xc02b0000);
    assert_int_equal(rig->x87.tags, 0x80);
}

static void test_bcd(void **state)
{
    struct rig *rig = *state;
    static const u8 digits[10] = {0x21, 0x43, 0x65, 0x87, 0x09, 0x21, 0x43, 0x65, 0x87, 0x80};

    memcpy(rig->ram + OPERAND, digits, sizeof digits);
    STEP(rig, 0xdf, 0x27); /* fbld [bx]: -876543210987654321 */
    assert_st0(rig, 0xc03a, 876543210987654321ull << 4);
    memset(rig->ram + OPERAND, 0, sizeof digits);
    STEP(rig, 0xdf, 0x37); /* fbstp [bx] */
    assert_memory_equal(rig->ram + OPERAND, digits, sizeof digits);
    assert_int_equal(rig->ram[OPERAND + 10], 0);
}

static void test_compare_through_ax(void **state)
{
    struct rig *rig = *state;

    STEP(rig, 0xd9, 0xe8); /* fld1 */
    STEP(rig, 0xd9, 0xee); /* fldz */
    STEP(rig, 0xde, 0xd9); /* fcompp: 0 < 1 */
    rig->cpu.reg[CPU_EAX] = 0x11112222;
    rig->x87_written = false;
    STEP(rig, 0xdf, 0xe0);                               /* fnstsw ax */
    assert_int_equal(rig->cpu.reg[CPU_EAX], 0x11110100); /* C0, TOP 0 */
    assert_false(rig->x87_written);
    STEP(rig, 0x9e); /* sahf */
    assert_true(rig->cpu.eflags & FLAG_CF);
    STEP(rig, 0xd9, 0x3f); /* fnstcw [bx] */
    STEP(rig, 0x9b);       /* fwait */
    assert_int_equal(rig_get(rig, OPERAND, 2), X87_CONTROL_INIT);
    assert_false(rig->x87_written); /* looked at only: nothing to put back */
}

static void test_stack_faults(void **state)
{
    struct rig *rig = *state;

    for (int i = 0; i < 8; i++)
        STEP(rig, 0xd9, 0xe8);
    assert_int_equal(rig->x87.tags, 0xff);
    assert_int_equal(rig->x87.status, 0);
    STEP(rig, 0xd9, 0xeb); /* a ninth: overflow, C1 set */
    assert_int_equal(rig->x87.status, 7 << 11 | 0x200 | X87_STATUS_STACK_FAULT | X87_INVALID);
    assert_st0(rig, 0xffff, 0xc000000000000000);
    STEP(rig, 0xdb, 0xe3); /* fninit */
    assert_int_equal(rig->x87.tags, 0);
    STEP(rig, 0xd9, 0x1f); /* fstp dword [bx] of an empty register: underflow, C1 clear */
    assert_int_equal(rig->x87.status, 1 << 11 | X87_STATUS_STACK_FAULT | X87_INVALID);
    assert_int_equal(rig_get(rig, OPERAND, 4), 0xffc00000);
}

/* --- images --- */

/* FLD dword from linear 9234Eh, executed at linear CODE_BASE + ..., so that an address has more than 16 bits.
 */
static void load_with_pointers(struct rig *rig)
{
    rig_put(rig, RIG_CODE, 4, 0x4e07d9); /* fld dword [bx]; dec si */
    rig->cpu.sreg[CPU_CS].selector = CODE_BASE >> 4;
    rig->cpu.sreg[CPU_CS].base = CODE_BASE;
    rig->cpu.eip = RIG_CODE - CODE_BASE;
    rig->cpu.sreg[CPU_DS].selector = 0x8e34;
    rig->cpu.sreg[CPU_DS].base = 0x8e340;
    rig->cpu.reg[CPU_EBX] = 0x400e;
    rig_step(rig, INTERP_DONE);
    rig->cpu.sreg[CPU_CS].base = rig->cpu.sreg[CPU_DS].base = 0;
    rig->cpu.reg[CPU_EBX] = OPERAND;
}

static void assert_words(const struct rig *rig, const u16 *want, u32 n)
{
    for (u32 i = 0; i < n; i++)
        if (rig_get(rig, OPERAND + 2 * i, 2) != want[i])
            fail_msg("word %u: %04x, not %04x", i, rig_get(rig, OPERAND + 2 * i, 2), want[i]);
}

static void test_environment_real_16(void **state)
{
    struct rig *rig = *state;
    static const u16 want[] = {0x0340, 0x3800, 0x7fff, 0x1000, 0x0107, 0x234e, 0x9000};

    set_control(rig, UNMASKED);
    load_with_pointers(rig);
    rig_put(rig, OPERAND + 14, 2, 0xa5a5);
    STEP(rig, 0xd9, 0x37); /* fnstenv [bx] */
    assert_words(rig, want, ARRAY_LEN(want));
    assert_int_equal(rig_get(rig, OPERAND + 14, 2), 0xa5a5);
    assert_int_equal(rig->x87.control, 0x37f); /* and everything is masked */
}

static void test_environment_real_32(void **state)
{
    struct rig *rig = *state;
    static const u16 want[] = {0x037f, 0xffff, 0x3800, 0xffff, 0x7fff, 0xffff, 0x1000,
                               0xffff, 0x0107, 0x0000, 0x234e, 0xffff, 0x9000, 0x0000};

    load_with_pointers(rig);
    STEP(rig, 0x66, 0xd9, 0x37);
    assert_words(rig, want, ARRAY_LEN(want));
}

static void test_environment_protected_16(void **state)
{
    struct rig *rig = *state;
    static const u16 want[] = {0x037f, 0x3800, 0x7fff, 0x1000, SEL_CODE16, OPERAND, SEL_DATA16};

    rig_protected(rig, false);
    STEP(rig, 0xd9, 0x07);
    STEP(rig, 0xd9, 0x37);
    assert_words(rig, want, ARRAY_LEN(want));
}

static void test_environment_protected_32(void **state)
{
    struct rig *rig = *state;
    static const u16 want[] = {0x037f, 0xffff,     0x3800, 0xffff,  0x7fff, 0xffff,     0x1000,
                               0x0000, SEL_CODE32, 0x0103, OPERAND, 0x0000, SEL_DATA32, 0xffff};

    rig_protected(rig, true);
    STEP(rig, 0xd9, 0x03); /* fld dword [ebx] */
    STEP(rig, 0xd9, 0x33); /* fnstenv [ebx] */
    assert_words(rig, want, ARRAY_LEN(want));
}

/* What is loaded is what is stored again, in every format; control and status as the x87 keeps them. */
static void test_environment_round_trips(void **state)
{
    struct rig *rig = *state;
    u8 image[X87_ENVIRONMENT_BYTES];

    for (int variant = 0; variant < 4; variant++) {
        bool wide = variant & 1;
        u32 bytes = wide ? 28 : 14;
        if (variant == 2)
            rig_protected(rig, false);
        load_with_pointers(rig);
        RIG_CODE_BYTES(rig, wide ? 0x66 : 0x90, 0xd9, 0x37);
        if (!wide)
            rig->cpu.eip++;
        rig_step(rig, INTERP_DONE);
        memcpy(image, rig->ram + OPERAND, bytes);
        STEP(rig, 0xdb, 0xe3);
        RIG_CODE_BYTES(rig, wide ? 0x66 : 0x90, 0xd9, 0x27); /* fldenv */
        if (!wide)
            rig->cpu.eip++;
        rig_step(rig, INTERP_DONE);
        assert_int_equal(rig->x87.status, 0x3800);
        assert_int_equal(rig->x87.tags, 0x80);
        memset(rig->ram + OPERAND, 0, bytes);
        RIG_CODE_BYTES(rig, wide ? 0x66 : 0x90, 0xd9, 0x37);
        if (!wide)
            rig->cpu.eip++;
        rig_step(rig, INTERP_DONE);
        assert_memory_equal(rig->ram + OPERAND, image, bytes);
        x87_init(&rig->x87);
    }
}

static void save_and_restore(struct rig *rig, bool wide)
{
    static const u8 pi[10] = {0x35, 0xc2, 0x68, 0x21, 0xa2, 0xda, 0x0f, 0xc9, 0x00, 0x40};
    u32 environment = wide ? 28 : 14;
    struct x87_image empty, before;

    STEP(rig, 0xd9, 0xe8); /* fld1 */
    STEP(rig, 0xd9, 0xeb); /* fldpi */
    before = rig->x87;
    memset(rig->ram + OPERAND, 0xa5, X87_STATE_BYTES + 1);
    if (wide)
        STEP(rig, 0x66, 0xdd, 0x37); /* fnsave [bx] */
    else
        STEP(rig, 0xdd, 0x37);
    assert_memory_equal(rig->ram + OPERAND + environment, pi, sizeof pi);
    assert_int_equal(rig_get(rig, OPERAND + environment + 18, 2), 0x3fff);
    assert_int_equal(rig->ram[OPERAND + environment + 79], 0);
    assert_int_equal(rig->ram[OPERAND + environment + 80], 0xa5);
    x87_init(&empty);
    assert_memory_equal(&rig->x87, &empty, offsetof(struct x87_image, mxcsr));
    if (wide)
        STEP(rig, 0x66, 0xdd, 0x27); /* frstor [bx] */
    else
        STEP(rig, 0xdd, 0x27);
    assert_int_equal(rig->x87.opcode, before.opcode);
    assert_int_equal(rig->x87.ip, before.ip);
    assert_int_equal(rig->x87.tags, 0xc0);
    assert_int_equal(rig->x87.status, 6 << 11);
    assert_memory_equal(rig->x87.st, before.st, sizeof before.st);
}

static void test_save_and_restore(void **state)
{
    save_and_restore(*state, false);
    x87_init(&((struct rig *)*state)->x87);
    save_and_restore(*state, true);
}

/* Instructions about the x87 itself are not pointed to. */
static void test_pointers_stay_for_control_instructions(void **state)
{
    struct rig *rig = *state;

    STEP(rig, 0x90, 0xd9, 0xe8); /* the NOP */
    rig_step(rig, INTERP_DONE);  /* fld1 */
    STEP(rig, 0xdb, 0xe2);       /* fnclex */
    set_control(rig, X87_CONTROL_INIT);
    STEP(rig, 0xd9, 0x3f); /* fnstcw [bx] */
    assert_int_equal(rig->x87.ip, RIG_CODE + 1);
    assert_int_equal(rig->x87.opcode, 0x1e8);
    assert_int_equal(rig->x87.dp, 0);
    STEP(rig, 0x26, 0xd8, 0x07); /* fadd dword es:[bx]: the prefix counts */
    assert_int_equal(rig->x87.ip, RIG_CODE);
    assert_int_equal(rig->x87.opcode, 0x007);
    assert_int_equal(rig->x87.dp, OPERAND);
    STEP(rig, 0xdb, 0xe3);
    assert_int_equal(rig->x87.ip, 0);
}

/* --- CR0 --- */

static void test_emulation_and_task_switch(void **state)
{
    static const u8 code[][2] = {{0xd9, 0xe8}, {0xdf, 0xe0}, {0xdb, 0xe3}, {0xd9, 0x37}};
    struct rig *rig = *state;
    u32 cr0 = rig->cpu.cr0;

    for (size_t i = 0; i < ARRAY_LEN(code); i++) {
        rig_code(rig, code[i], 2);
        rig->cpu.cr0 = cr0 | CR0_EM;
        x87_fault(rig, EXC_NM);
        rig->cpu.cr0 = cr0 | CR0_TS;
        x87_fault(rig, EXC_NM);
        rig->cpu.cr0 = cr0 | CR0_MP;
        rig_step(rig, INTERP_DONE);
    }
    for (u32 bits = 0; bits < 8; bits++) {
        rig->cpu.cr0 = cr0 | (bits & 1 ? CR0_MP : 0) | (bits & 2 ? CR0_TS : 0) | (bits & 4 ? CR0_EM : 0);
        RIG_CODE_BYTES(rig, 0x9b); /* fwait */
        if ((bits & 3) == 3)
            x87_fault(rig, EXC_NM);
        else
            rig_step(rig, INTERP_DONE);
    }
}

static void *no_state(void *opaque, bool write)
{
    (void)opaque, (void)write;
    return NULL;
}

static void test_state_that_cannot_be_had(void **state)
{
    struct rig *rig = *state;

    rig->env.fpu_state = no_state;
    RIG_CODE_BYTES(rig, 0xd9, 0xe8);
    rig_step(rig, INTERP_UNSUPPORTED);
    RIG_CODE_BYTES(rig, 0x9b);
    rig_step(rig, INTERP_UNSUPPORTED);
}

/* --- exceptions --- */

/* 1 / 0 with the divide exception unmasked. */
static void divide_by_zero(struct rig *rig)
{
    set_control(rig, X87_CONTROL_INIT & ~X87_ZERO_DIVIDE);
    STEP(rig, 0xd9, 0xee); /* fldz */
    STEP(rig, 0xd9, 0xe8); /* fld1 */
    STEP(rig, 0xd8, 0xf1); /* fdiv st0, st1 */
}

static void test_unmasked_exception(void **state)
{
    struct rig *rig = *state;

    divide_by_zero(rig);
    assert_st0(rig, 0x3fff, 0x8000000000000000); /* the operands stay */
    assert_int_equal(rig->x87.status, X87_STATUS_BUSY | 6 << 11 | X87_STATUS_ERROR | X87_ZERO_DIVIDE);
    RIG_CODE_BYTES(rig, 0xd9, 0xe8);
    x87_fault(rig, EXC_MF);
    RIG_CODE_BYTES(rig, 0x9b);
    x87_fault(rig, EXC_MF);
    RIG_CODE_BYTES(rig, 0xd9, 0x2f); /* fldcw waits, too */
    x87_fault(rig, EXC_MF);
    STEP(rig, 0xdf, 0xe0); /* fnstsw ax does not */
    assert_int_equal(rig->cpu.reg[CPU_EAX] & 0xffff, 0xb084);
    STEP(rig, 0xdb, 0xe2); /* fnclex */
    assert_int_equal(rig->x87.status, 6 << 11);
    STEP(rig, 0xd9, 0xe8);
    set_control(rig, X87_CONTROL_INIT);
    STEP(rig, 0xd8, 0xf2);                                 /* by zero again, masked: flagged */
    set_control(rig, X87_CONTROL_INIT & ~X87_ZERO_DIVIDE); /* unmasked later */
    RIG_CODE_BYTES(rig, 0x9b);
    x87_fault(rig, EXC_MF);
}

/* The pending exception is raised whether or not the instruction's own operand is all right. */
static void test_pending_comes_before_the_operand(void **state)
{
    struct rig *rig = *state;

    divide_by_zero(rig);
    rig->cpu.reg[CPU_EBX] = 0xffff;
    RIG_CODE_BYTES(rig, 0xd9, 0x07);
    x87_fault(rig, EXC_MF);
    rig->cpu.cr0 |= CR0_TS;
    x87_fault(rig, EXC_NM);
}

static void test_unmasked_stores(void **state)
{
    struct rig *rig = *state;

    rig_put(rig, OPERAND + 8, 4, 0x11223344);
    STEP(rig, 0xd9, 0xeb); /* fldpi */
    set_control(rig, X87_CONTROL_INIT & ~X87_PRECISION);
    rig->cpu.reg[CPU_EBX] += 8;
    STEP(rig, 0xdb, 0x17); /* fist dword [bx]: 3, stored, and an exception */
    assert_int_equal(rig_get(rig, OPERAND + 8, 4), 3);
    assert_int_equal(x87_pending(&rig->x87), X87_PRECISION);
    STEP(rig, 0xdb, 0xe2);
    rig->cpu.reg[CPU_EBX] = OPERAND;
    set_control(rig, X87_CONTROL_INIT & ~X87_INVALID);
    STEP(rig, 0xd9, 0xee);
    STEP(rig, 0xd9, 0xe8);
    STEP(rig, 0xdc, 0xf9); /* fdiv st1, st0: 0; then an infinity, masked */
    STEP(rig, 0xd8, 0xf1);
    rig->cpu.reg[CPU_EBX] = OPERAND + 8;
    STEP(rig, 0xdb, 0x1f); /* fistp dword [bx] of it: invalid, not stored, not popped */
    assert_int_equal(rig_get(rig, OPERAND + 8, 4), 3);
    assert_int_equal(x87_pending(&rig->x87), X87_INVALID);
    assert_int_equal(rig->x87.tags, 0xe0);
}

static void on_error(void *opaque, bool on)
{
    struct rig *rig = opaque;

    rig->requests++;
    rig->intr = on;
}

/* CR0.NE clear: FERR# instead of an exception, and execution goes on. */
static void test_error_signal(void **state)
{
    struct rig *rig = *state;

    rig->cpu.cr0 &= ~CR0_NE;
    rig->env.fpu_error = on_error; /* counted in `requests`, shown by `intr` */
    divide_by_zero(rig);
    assert_true(rig->intr);
    assert_int_equal(rig->requests, 1);
    STEP(rig, 0xd9, 0xeb); /* fldpi */
    assert_st0(rig, 0x4000, 0xc90fdaa22168c235);
    assert_int_equal(rig->x87.status, X87_STATUS_BUSY | 5 << 11 | X87_STATUS_ERROR | X87_ZERO_DIVIDE);
    STEP(rig, 0x9b);
    assert_true(rig->intr);
    STEP(rig, 0xdb, 0xe2);
    assert_false(rig->intr);
    u32 calls = rig->requests;
    STEP(rig, 0xd9, 0xe8);
    assert_int_equal(rig->requests, calls);
    rig->env.fpu_error = NULL; /* nobody listens */
    divide_by_zero(rig);
    STEP(rig, 0x9b);
}

/* What is pending already says nothing about the instruction that is executed in spite of it. */
static void test_stores_while_an_error_is_pending(void **state)
{
    struct rig *rig = *state;

    rig->cpu.cr0 &= ~CR0_NE;
    set_control(rig, X87_CONTROL_INIT & ~X87_INVALID);
    rig_put(rig, OPERAND, 4, 0x11223344);
    STEP(rig, 0xdb, 0x1f); /* fistp dword [bx] of an empty register: not stored */
    assert_int_equal(x87_pending(&rig->x87), X87_INVALID);
    STEP(rig, 0xdb, 0x1f); /* again, with the same exception pending */
    assert_int_equal(rig_get(rig, OPERAND, 4), 0x11223344);
    STEP(rig, 0xd9, 0xe8);
    STEP(rig, 0xdb, 0x1f); /* fistp of 1: stored */
    assert_int_equal(rig_get(rig, OPERAND, 4), 1);
    assert_int_equal(rig->x87.status,
                     X87_STATUS_BUSY | X87_STATUS_ERROR | X87_STATUS_STACK_FAULT | X87_INVALID);
    set_control(rig, X87_CONTROL_INIT); /* masked: no error any more */
    assert_int_equal(rig->x87.status, X87_STATUS_STACK_FAULT | X87_INVALID);
}

/* Environments may bring exceptions with them; images that do must not disturb the host. */
static void test_pending_exception_is_loaded(void **state)
{
    struct rig *rig = *state;
    static const u16 environment[7] = {UNMASKED, X87_INVALID | X87_STATUS_ERROR, 0xffff};

    memcpy(rig->ram + OPERAND, environment, sizeof environment);
    STEP(rig, 0xd9, 0x27); /* fldenv [bx] */
    assert_int_equal(x87_pending(&rig->x87), X87_INVALID);
    RIG_CODE_BYTES(rig, 0xd9, 0xe8);
    x87_fault(rig, EXC_MF);
    STEP(rig, 0xd9, 0x37); /* fnstenv [bx] */
    assert_int_equal(rig_get(rig, OPERAND + 2, 2) & 0xff, X87_INVALID | X87_STATUS_ERROR);
    STEP(rig, 0xd9, 0xe8); /* all is masked now */
}

/* --- operands --- */

static void test_operands_that_fault(void **state)
{
    static const struct {
        u8 code[2];
        u8 bytes;
    } rows[] = {{{0xd9, 0x07}, 4},  {{0xd9, 0x17}, 4},  {{0xdd, 0x07}, 8},  {{0xdb, 0x2f}, 10},
                {{0xdf, 0x37}, 10}, {{0xd9, 0x2f}, 2},  {{0xdd, 0x3f}, 2},  {{0xd9, 0x27}, 14},
                {{0xd9, 0x37}, 14}, {{0xdd, 0x27}, 94}, {{0xdd, 0x37}, 94}, {{0xdf, 0x2f}, 8},
                {{0xde, 0x07}, 2}};
    struct rig *rig = *state;

    STEP(rig, 0xd9, 0xe8);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        rig_code(rig, rows[i].code, 2);
        rig->cpu.reg[CPU_EBX] = 0x10000u - rows[i].bytes + 1;
        x87_fault(rig, EXC_GP);
        rig->cpu.reg[CPU_EBX]--;
        rig_step(rig, INTERP_DONE);
        x87_init(&rig->x87);
    }
    rig->cpu.reg[CPU_EBP] = 0xfffe;
    RIG_CODE_BYTES(rig, 0xd9, 0x46, 0x00); /* fld dword [bp] */
    x87_fault(rig, EXC_SS);
    rig_protected(rig, true);
    rig->cpu.sreg[CPU_DS].type = 1; /* read-only */
    rig->cpu.reg[CPU_EBX] = OPERAND;
    RIG_CODE_BYTES(rig, 0xd9, 0x3b); /* fnstcw [ebx] */
    x87_fault(rig, EXC_GP);
}

static void test_operands_on_devices(void **state)
{
    struct rig *rig = *state;

    rig->cpu.sreg[CPU_DS].base = RIG_DEVICE;
    rig->cpu.reg[CPU_EBX] = 0x10;
    rig->interp.allow_devices = false;
    RIG_CODE_BYTES(rig, 0xdf, 0x2f); /* fild qword [bx] */
    rig_step(rig, INTERP_DEVICE);
    RIG_CODE_BYTES(rig, 0xdf, 0x3f); /* fistp qword [bx] */
    rig_step(rig, INTERP_DEVICE);
    assert_int_equal(rig->logged, 0);
    assert_int_equal(rig->x87.tags, 0);
    rig->interp.allow_devices = true;
    STEP(rig, 0xdf, 0x2f);
    STEP(rig, 0xdf, 0x3f);
    assert_int_equal(rig->logged, 4);
    rig_assert_access(rig, 0, 'r', RIG_DEVICE + 0x10, 4, 0x13121110);
    rig_assert_access(rig, 1, 'r', RIG_DEVICE + 0x14, 4, 0x17161514);
    rig_assert_access(rig, 2, 'w', RIG_DEVICE + 0x10, 4, 0x13121110);
    rig_assert_access(rig, 3, 'w', RIG_DEVICE + 0x14, 4, 0x17161514);
}

static void test_later_instructions(void **state)
{
    static const u8 later[][2] = {{0xda, 0xc1}, {0xdb, 0xc9}, {0xdb, 0xf1}, {0xdf, 0xe9},
                                  {0xdb, 0x0f}, {0xdd, 0x0f}, {0xdf, 0x0f}};
    static const u8 reserved[][2] = {{0xd9, 0xd1}, {0xd9, 0xef}, {0xdd, 0xf0}, {0xd9, 0x0f},
                                     {0xdb, 0x27}, {0xdd, 0x2f}, {0xdb, 0xe5}};
    struct rig *rig = *state;

    for (size_t i = 0; i < ARRAY_LEN(later); i++) {
        rig_code(rig, later[i], 2);
        rig_step(rig, INTERP_UNSUPPORTED);
    }
    for (size_t i = 0; i < ARRAY_LEN(reserved); i++) {
        rig_code(rig, reserved[i], 2);
        x87_fault(rig, EXC_UD);
    }
}

int test_x87(void)
{
    const struct CMUnitTest tests[] = {
        X87_TEST(test_known_values),
        X87_TEST(test_bcd),
        X87_TEST(test_compare_through_ax),
        X87_TEST(test_stack_faults),
        X87_TEST(test_environment_real_16),
        X87_TEST(test_environment_real_32),
        X87_TEST(test_environment_protected_16),
        X87_TEST(test_environment_protected_32),
        X87_TEST(test_environment_round_trips),
        X87_TEST(test_save_and_restore),
        X87_TEST(test_pointers_stay_for_control_instructions),
        X87_TEST(test_emulation_and_task_switch),
        X87_TEST(test_state_that_cannot_be_had),
        X87_TEST(test_unmasked_exception),
        X87_TEST(test_pending_comes_before_the_operand),
        X87_TEST(test_unmasked_stores),
        X87_TEST(test_error_signal),
        X87_TEST(test_stores_while_an_error_is_pending),
        X87_TEST(test_pending_exception_is_loaded),
        X87_TEST(test_operands_that_fault),
        X87_TEST(test_operands_on_devices),
        X87_TEST(test_later_instructions),
    };
    return cmocka_run_group_tests_name("x87", tests, NULL, NULL);
}
