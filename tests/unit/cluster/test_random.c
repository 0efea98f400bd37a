/* Random instructions in random states: whatever the guest does, a fault or a refusal has no effect, and
 * nothing reaches beyond the machine. Most useful under ASan and UBSan. */
#include "interp_tests.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { ROUNDS = 60000 };

static u64 next(u64 *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return *seed;
}

/* Values at the edges as often as any. */
static u32 interesting(u64 *seed)
{
    static const u32 edges[] = {0,          1,      0xf,     0xff,       0x7fff,
                                0x8000,     0xffff, 0x10000, 0xffffffff, RIG_DEVICE - 1,
                                RIG_DEVICE, 0x1000, 0xfff,   0xfffffffc, 0x80000000};
    u64 random = next(seed);

    return random & 1 ? edges[(random >> 8) % ARRAY_LEN(edges)] : (u32)(random >> 32);
}

static void randomize(struct rig *rig, u64 *seed)
{
    for (u32 i = 0; i < CPU_REGS; i++)
        rig->cpu.reg[i] = interesting(seed);
    if (next(seed) & 3)
        rig->cpu.reg[CPU_ECX] &= 0xff;
    rig->cpu.eflags = FLAG_FIXED | ((u32)next(seed) & (FLAGS_ARITH | FLAG_DF | FLAG_IF));
    rig->cpu.halted = false;
    for (u32 i = 0; i < CPU_SREGS; i++)
        if (i != CPU_CS && (next(seed) & 3) == 0)
            rig->cpu.sreg[i].base = interesting(seed);
    for (u32 i = 0; i < 16; i++)
        rig->ram[RIG_CODE + i] = (u8)next(seed);
    if (next(seed) & 1)
        rig->ram[RIG_CODE] = 0x0f;
    rig->cpu.eip = RIG_CODE;
}

static void run(struct rig *rig, u64 seed, bool protected, bool code32)
{
    u32 counts[INTERP_UNSUPPORTED + 1] = {0};
    struct cpu_state start;

    if (protected)
        rig_protected(rig, code32);
    start = rig->cpu;
    for (u32 i = 0; i < ROUNDS; i++) {
        rig->cpu = start;
        randomize(rig, &seed);
        rig->attention = next(&seed) & 1; /* keeps REP with a huge count short */
        rig->interp.allow_devices = next(&seed) & 1;
        rig->logged = 0;
        struct cpu_state before = rig->cpu;
        enum interp_result result = interp_step(&rig->interp, &rig->cpu);
        counts[result]++;
        if (result == INTERP_DONE || result == INTERP_AGAIN)
            continue;
        assert_memory_equal(&rig->cpu, &before, sizeof(before));
        assert_int_equal(rig->interp.n_stores, 0);
        if (result == INTERP_DEVICE)
            assert_int_equal(rig->logged, 0);
    }
    assert_true(counts[INTERP_DONE] > ROUNDS / 8);
    assert_true(counts[INTERP_FAULT] > ROUNDS / 100);
    assert_true(counts[INTERP_DEVICE] > 0);
}

static void test_real_mode(void **state)
{
    run(*state, 0x1234567, false, false);
}

static void test_protected_16(void **state)
{
    run(*state, 0x89abcde, true, false);
}

static void test_protected_32(void **state)
{
    run(*state, 0xf012345, true, true);
}

int test_random(void)
{
    const struct CMUnitTest tests[] = {
        RIG_TEST(test_real_mode),
        RIG_TEST(test_protected_16),
        RIG_TEST(test_protected_32),
    };
    return cmocka_run_group_tests_name("random", tests, NULL, NULL);
}
