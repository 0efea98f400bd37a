/* x87 instructions against the same encodings executed natively by this test: every register and memory form,
 * with values at the edges of the formats, under several control words, exceptions unmasked among them. */
#include "interp_tests.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { OPERAND = 0x4000, GUARD = 16, OPERAND_ROOM = 48 };

/* An encoding, and a function that executes it: FXRSTOR, load b and a, FLDCW, the instruction with its
 * operand at `memory`, FXSAVE. Not FNINIT: it would leave what other tests had in the registers, which FXSAVE
 * shows. */
struct native {
    u8 bytes[2];
    void (*run)(struct x87_image *image, const u8 *a, const u8 *b, u16 control, u8 *memory);
};

/* Encodings as two bytes. LIMIT of these tests: FNSTENV, FNSAVE and their like, which test_x87.c has. */
#define REGISTER_FORMS(X)                                                                                    \
    X(d8, c0)                                                                                                \
    X(d8, c1) X(d8, c9) X(d8, d1) X(d8, d9) X(d8, e1) X(d8, e9) X(d8, f1) X(d8, f9) X(d8, c2) X(dc, c1)      \
        X(dc, c9) X(dc, d1) X(dc, d9) X(dc, e1) X(dc, e9) X(dc, f1) X(dc, f9) X(de, c1) X(de, c9) X(de, d1)  \
            X(de, d9) X(de, e1) X(de, e9) X(de, f1) X(de, f9) X(d9, c0) X(d9, c1) X(d9, c7) X(d9, c9)        \
                X(d9, d0) X(d9, d9) X(d9, e0) X(d9, e1) X(d9, e4) X(d9, e5) X(d9, e8) X(d9, e9) X(d9, ea)    \
                    X(d9, eb) X(d9, ec) X(d9, ed) X(d9, ee) X(d9, f0) X(d9, f1) X(d9, f2) X(d9, f3)          \
                        X(d9, f4) X(d9, f5) X(d9, f6) X(d9, f7) X(d9, f8) X(d9, f9) X(d9, fa) X(d9, fb)      \
                            X(d9, fc) X(d9, fd) X(d9, fe) X(d9, ff) X(da, e9) X(db, e0) X(db, e1) X(db, e2)  \
                                X(db, e3) X(db, e4) X(dd, c1) X(dd, c9) X(dd, d1) X(dd, d2) X(dd, d9)        \
                                    X(dd, e1) X(dd, e9) X(df, c1) X(df, c9) X(df, d1) X(df, d9)
#define MEMORY_FORMS(X)                                                                                      \
    X(d8, 07)                                                                                                \
    X(d8, 0f) X(d8, 17) X(d8, 1f) X(d8, 27) X(d8, 2f) X(d8, 37) X(d8, 3f) X(d9, 07) X(d9, 17) X(d9, 1f)      \
        X(d9, 3f) X(da, 07) X(da, 0f) X(da, 17) X(da, 1f) X(da, 27) X(da, 2f) X(da, 37) X(da, 3f) X(db, 07)  \
            X(db, 17) X(db, 1f) X(db, 2f) X(db, 3f) X(dc, 07) X(dc, 0f) X(dc, 17) X(dc, 1f) X(dc, 27)        \
                X(dc, 2f) X(dc, 37) X(dc, 3f) X(dd, 07) X(dd, 17) X(dd, 1f) X(dd, 3f) X(de, 07) X(de, 0f)    \
                    X(de, 17) X(de, 1f) X(de, 27) X(de, 2f) X(de, 37) X(de, 3f) X(df, 07) X(df, 17)          \
                        X(df, 1f) X(df, 27) X(df, 2f) X(df, 37) X(df, 3f)

#define NATIVE(first, second)                                                                                \
    static void native_##first##second(struct x87_image *image, const u8 *a, const u8 *b, u16 control,       \
                                       u8 *memory)                                                           \
    {                                                                                                        \
        struct operand {                                                                                     \
            u8 bytes[10];                                                                                    \
        };                                                                                                   \
        __asm__ volatile("fxrstor %[image]\n\tfldt %[b]\n\tfldt %[a]\n\tfldcw %[control]\n\t"                \
                         ".byte 0x" #first ", 0x" #second "\n\t"                                             \
                         "fxsave %[image]\n\tfninit"                                                         \
                         : [image] "+m"(*image)                                                              \
                         : [a] "m"(*(const struct operand *)a), [b] "m"(*(const struct operand *)b),         \
                           [control] "m"(control), "D"(memory)                                               \
                         : "memory");                                                                        \
    }
REGISTER_FORMS(NATIVE)
MEMORY_FORMS(NATIVE)

#define ROW(first, second) {{0x##first, 0x##second}, native_##first##second},
static const struct native register_forms[] = {REGISTER_FORMS(ROW)};
static const struct native memory_forms[] = {MEMORY_FORMS(ROW)};

/* Ten bytes each: significand, then sign and exponent. */
static const u8 values[][10] = {
    {0, 0, 0, 0, 0, 0, 0, 0xc0, 0xff, 0x3f},                      /* 1.5 */
    {0, 0, 0, 0, 0, 0, 0, 0x90, 0x00, 0xc0},                      /* -2.25 */
    {0},                                                          /* 0 */
    {0, 0, 0, 0, 0, 0, 0, 0, 0, 0x80},                            /* -0 */
    {0xcd, 0xcc, 0xcc, 0xcc, 0xcc, 0xcc, 0xcc, 0xcc, 0xfb, 0x3f}, /* 0.1 */
    {0xab, 0xaa, 0xaa, 0xaa, 0xaa, 0xaa, 0xaa, 0xaa, 0xfd, 0xbf}, /* -1/3 */
    {0x35, 0xc2, 0x68, 0x21, 0xa2, 0xda, 0x0f, 0xc9, 0x00, 0x40}, /* pi */
    {0, 0, 0, 0, 0, 0, 0, 0x80, 0xff, 0x7f},                      /* infinity */
    {0, 0, 0, 0, 0, 0, 0, 0x80, 0xff, 0xff},                      /* -infinity */
    {0, 0, 0, 0, 0, 0, 0, 0xc0, 0xff, 0xff},                      /* indefinite */
    {1, 0, 0, 0, 0, 0, 0, 0x80, 0xff, 0x7f},                      /* a signalling NaN */
    {1, 0, 0, 0, 0, 0, 0, 0, 0, 0},                               /* the smallest denormal */
    {0, 0, 0, 0, 0, 0, 0, 0x80, 0x01, 0x00},                      /* the smallest normal */
    {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xfe, 0x7f}, /* the largest */
    {0, 0, 0, 0, 0, 0x60, 0x5b, 0xda, 0x33, 0x40},                /* some 10^16 */
    {0, 0, 0, 0, 0, 0, 0, 0x80, 0x3e, 0x40},                      /* 2^63 */
    {0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0x3f},                         /* an unnormal: no number */
};

/* Everything masked; other roundings and precisions; everything unmasked; all but lost precision; only that.
 */
static const u16 controls[] = {0x037f, 0x0f7f, 0x067f, 0x007f, 0x0340, 0x0360, 0x035f};

/* What the guest's operand is to begin with; interesting as a float, a double, an integer and BCD. */
static const u8 operands[][10] = {
    {0x00, 0x00, 0xc0, 0x3f, 0, 0, 0xf8, 0x3f, 0, 0},
    {0x78, 0x56, 0x34, 0x12, 0x90, 0x78, 0x56, 0x34, 0x12, 0x80},
    {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f, 0xff, 0x7f},
    {0x01, 0x00, 0x80, 0x7f, 0, 0, 0xf0, 0xff, 0, 0},
    {0},
};

static void setup_rig(struct rig *rig)
{
    rig->env.fpu_state = rig_x87_state;
    rig->cpu.cr0 |= CR0_NE;
    rig->cpu.reg[CPU_EBX] = OPERAND;
}

/* The same beginning as the native function's, through the interpreter. */
static void load(struct rig *rig, const u8 *a, const u8 *b, u16 control)
{
    x87_init(&rig->x87);
    memcpy(rig->ram + OPERAND, b, 10);
    RIG_CODE_BYTES(rig, 0xdb, 0x2f); /* fld tbyte [bx] */
    rig_step(rig, INTERP_DONE);
    memcpy(rig->ram + OPERAND, a, 10);
    rig->cpu.eip = RIG_CODE;
    rig_step(rig, INTERP_DONE);
    rig_put(rig, OPERAND, 2, control);
    RIG_CODE_BYTES(rig, 0xd9, 0x2f); /* fldcw [bx] */
    rig_step(rig, INTERP_DONE);
}

static void fill(u8 *memory, const u8 *operand)
{
    memset(memory, 0xa5, OPERAND_ROOM);
    memcpy(memory + GUARD, operand, 10);
}

static const char *different_part(const struct x87_image *x, const struct x87_image *y)
{
    if (x->status != y->status)
        return "status word";
    if (x->control != y->control)
        return "control word";
    if (x->tags != y->tags)
        return "tags";
    return memcmp(x->st, y->st, sizeof x->st) ? "registers" : NULL;
}

static void compare(struct rig *rig, const struct native *form, u32 a, u32 b, u32 control, u32 operand)
{
    struct x87_image want;
    u8 memory[OPERAND_ROOM];

    x87_init(&want);
    fill(memory, operands[operand]);
    form->run(&want, values[a], values[b], controls[control], memory + GUARD);
    load(rig, values[a], values[b], controls[control]);
    fill(rig->ram + OPERAND - GUARD, operands[operand]);
    rig_code(rig, form->bytes, sizeof form->bytes);
    rig_step(rig, INTERP_DONE);
    const char *part = different_part(&want, &rig->x87);
    if (part)
        fail_msg(
            "%02x %02x of values %u, %u, operand %u with control %04x: other %s; status %04x, natively %04x",
            form->bytes[0], form->bytes[1], a, b, operand, controls[control], part, rig->x87.status,
            want.status);
    if (memcmp(rig->ram + OPERAND - GUARD, memory, sizeof memory))
        fail_msg("%02x %02x of value %u, operand %u with control %04x: other memory", form->bytes[0],
                 form->bytes[1], a, operand, controls[control]);
}

static void test_register_forms(void **state)
{
    struct rig *rig = *state;

    setup_rig(rig);
    for (size_t form = 0; form < ARRAY_LEN(register_forms); form++)
        for (u32 a = 0; a < ARRAY_LEN(values); a++)
            for (u32 b = 0; b < ARRAY_LEN(values); b++)
                for (u32 control = 0; control < ARRAY_LEN(controls); control++)
                    compare(rig, &register_forms[form], a, b, control, 0);
}

static void test_memory_forms(void **state)
{
    struct rig *rig = *state;

    setup_rig(rig);
    for (size_t form = 0; form < ARRAY_LEN(memory_forms); form++)
        for (u32 a = 0; a < ARRAY_LEN(values); a++)
            for (u32 operand = 0; operand < ARRAY_LEN(operands); operand++)
                for (u32 control = 0; control < ARRAY_LEN(controls); control++)
                    compare(rig, &memory_forms[form], a, 0, control, operand);
}

/* Every encoding there is is executed, refused or #UD: the host never meets one that it does not know. */
static void test_all_encodings(void **state)
{
    struct rig *rig = *state;
    u32 done = 0, refused = 0, invalid = 0;

    setup_rig(rig);
    for (u32 escape = 0xd8; escape <= 0xdf; escape++)
        for (u32 modrm = 0; modrm <= 0xff; modrm++) {
            x87_init(&rig->x87);
            memset(rig->ram + OPERAND, 0, 256);
            RIG_CODE_BYTES(rig, (u8)escape, (u8)modrm);
            enum interp_result result = interp_step(&rig->interp, &rig->cpu);
            if (modrm < 0xc0)
                continue;
            done += result == INTERP_DONE;
            refused += result == INTERP_UNSUPPORTED;
            invalid += result == INTERP_FAULT && rig->interp.fault_vector == EXC_UD;
        }
    assert_int_equal(refused, 8 * 8 + 4 * 8); /* FCMOVcc; FCOMI, FUCOMI and their popping forms */
    assert_int_equal(done, 64 + 52 + 1 + 5 + 64 + 48 + 57 + 33); /* aliases included */
    assert_int_equal(done + refused + invalid, 8 * 64);
}

/* The monitor's own control words survive, whatever the guest's are. */
static void test_host_state_is_kept(void **state)
{
    struct rig *rig = *state;
    const u16 want_control = 0x0f7f;
    u16 control, before;
    u32 mxcsr, mxcsr_before;

    setup_rig(rig);
    load(rig, values[0], values[2], 0x0040);
    rig->x87.mxcsr = 0x1fc0;
    RIG_CODE_BYTES(rig, 0xd8, 0xf1); /* fdiv st0, st1: by zero, unmasked */
    __asm__ volatile("fnstcw %0\n\tstmxcsr %1\n\tfldcw %2"
                     : "=m"(before), "=m"(mxcsr_before)
                     : "m"(want_control));
    enum interp_result result = interp_step(&rig->interp, &rig->cpu);
    __asm__ volatile("fnstcw %0\n\tstmxcsr %1\n\tfwait\n\tfldcw %2"
                     : "=m"(control), "=m"(mxcsr)
                     : "m"(before));
    assert_int_equal(result, INTERP_DONE);
    assert_int_equal(x87_pending(&rig->x87), X87_ZERO_DIVIDE);
    assert_int_equal(control, want_control);
    assert_int_equal(mxcsr, mxcsr_before);
    assert_int_equal(rig->x87.mxcsr, 0x1fc0);
}

int test_x87_native(void)
{
    const struct CMUnitTest tests[] = {
        RIG_TEST(test_register_forms),
        RIG_TEST(test_memory_forms),
        RIG_TEST(test_all_encodings),
        RIG_TEST(test_host_state_is_kept),
    };
    return cmocka_run_group_tests_name("x87 native", tests, NULL, NULL);
}
