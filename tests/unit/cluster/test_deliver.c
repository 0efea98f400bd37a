/* Interrupts and exceptions: vector table, gates, frames, what makes delivery itself fault; IRET. */
#include "interp_tests.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum gate_access { GATE_INT32 = 0x8e, GATE_TRAP32 = 0x8f, GATE_INT16 = 0x86, GATE_TASK = 0x85, GATE_ABSENT = 0x0e };

enum { VECTOR = 0x21, HANDLER = 0x6000 };

static enum interp_result deliver(struct rig *rig, bool has_error, u32 error)
{
    return interp_deliver(&rig->interp, &rig->cpu, VECTOR, has_error, error);
}

static void deliver_fails(struct rig *rig, u8 vector, u32 error)
{
    struct cpu_state before = rig->cpu;

    assert_int_equal(deliver(rig, false, 0), INTERP_FAULT);
    assert_int_equal(rig->interp.fault_vector, vector);
    assert_true(rig->interp.fault_has_error);
    assert_int_equal(rig->interp.fault_error, error);
    assert_memory_equal(&rig->cpu, &before, sizeof(before));
    assert_int_equal(rig->interp.n_stores, 0);
}

static void gate(struct rig *rig, u16 selector, u8 access)
{
    rig_gate(rig, RIG_IDT + VECTOR * 8, selector, 0x10000 | HANDLER, access);
}

static void test_real_mode(void **state)
{
    struct rig *rig = *state;

    rig_put(rig, VECTOR * 4, 4, 0x0200 << 16 | 0x34);
    rig->cpu.eflags = FLAG_FIXED | FLAG_IF | FLAG_TF | FLAG_CF | FLAG_AC;
    rig->cpu.halted = rig->cpu.interrupt_shadow = true;
    assert_int_equal(deliver(rig, true, 5), INTERP_DONE);
    assert_int_equal(rig->cpu.eip, 0x34);
    assert_int_equal(rig->cpu.sreg[CPU_CS].base, 0x2000);
    assert_int_equal(rig->cpu.reg[CPU_ESP], RIG_STACK - 6); /* no error code */
    assert_int_equal(rig_get(rig, RIG_STACK - 2, 2), FLAG_FIXED | FLAG_IF | FLAG_TF | FLAG_CF);
    assert_int_equal(rig_get(rig, RIG_STACK - 6, 2), RIG_CODE);
    assert_int_equal(rig->cpu.eflags, FLAG_FIXED | FLAG_CF);
    assert_false(rig->cpu.halted || rig->cpu.interrupt_shadow);
    assert_true(rig->interp.poked);
}

static void test_real_mode_failures(void **state)
{
    struct rig *rig = *state;

    rig->cpu.idt.limit = VECTOR * 4 + 2;
    assert_int_equal(deliver(rig, false, 0), INTERP_FAULT);
    assert_int_equal(rig->interp.fault_vector, EXC_GP);
    rig->cpu.idt.limit = 0x3ff;
    rig->cpu.reg[CPU_ESP] = 5; /* the third push lies across the end */
    assert_int_equal(deliver(rig, false, 0), INTERP_FAULT);
    assert_int_equal(rig->interp.fault_vector, EXC_SS);
    assert_int_equal(rig->interp.n_stores, 0);
    assert_int_equal(rig->cpu.reg[CPU_ESP], 5);
}

static void test_int_and_iret(void **state)
{
    struct rig *rig = *state;

    rig_put(rig, 0x10 * 4, 4, 0x0200 << 16 | 0x34);
    rig->cpu.eflags |= FLAG_IF;
    RIG_CODE_BYTES(rig, 0xcd, 0x10);
    rig_put(rig, 0x2034, 1, 0xcf);
    rig_step(rig, INTERP_DONE);
    assert_int_equal(rig->cpu.eip, 0x34);
    assert_false(rig->cpu.eflags & FLAG_IF);
    rig_step(rig, INTERP_DONE);
    assert_int_equal(rig->cpu.eip, RIG_CODE + 2);
    assert_true(rig->cpu.eflags & FLAG_IF);
    assert_int_equal(rig->cpu.reg[CPU_ESP], RIG_STACK);
}

static void test_into(void **state)
{
    struct rig *rig = *state;

    rig_put(rig, 4 * 4, 4, 0x0200 << 16 | 0x34);
    RIG_CODE_BYTES(rig, 0xce, 0xce);
    rig_step(rig, INTERP_DONE);
    assert_int_equal(rig->cpu.eip, RIG_CODE + 1);
    rig->cpu.eflags |= FLAG_OF;
    rig_step(rig, INTERP_DONE);
    assert_int_equal(rig->cpu.eip, 0x34);
}

static void test_32_bit_interrupt_gate(void **state)
{
    struct rig *rig = *state;

    rig_protected(rig, true);
    gate(rig, SEL_CODE32 | 3, GATE_INT32); /* RPL of the gate does not count */
    rig->cpu.eflags = FLAG_FIXED | FLAG_IF | FLAG_TF | FLAG_NT | FLAG_ZF;
    assert_int_equal(deliver(rig, true, 0x1234), INTERP_DONE);
    assert_int_equal(rig->cpu.eip, 0x10000 | HANDLER);
    assert_int_equal(rig->cpu.sreg[CPU_CS].selector, SEL_CODE32);
    assert_int_equal(rig->cpu.eflags, FLAG_FIXED | FLAG_ZF);
    assert_int_equal(rig->cpu.reg[CPU_ESP], RIG_STACK - 16);
    assert_int_equal(rig_get(rig, RIG_STACK - 4, 4),
                     FLAG_FIXED | FLAG_IF | FLAG_TF | FLAG_NT | FLAG_ZF | FLAG_RF);
    assert_int_equal(rig_get(rig, RIG_STACK - 8, 4), SEL_CODE32);
    assert_int_equal(rig_get(rig, RIG_STACK - 12, 4), RIG_CODE);
    assert_int_equal(rig_get(rig, RIG_STACK - 16, 4), 0x1234);
}

static void test_trap_gate_leaves_if(void **state)
{
    struct rig *rig = *state;

    rig_protected(rig, true);
    gate(rig, SEL_CODE32, GATE_TRAP32);
    rig->cpu.eflags |= FLAG_IF;
    assert_int_equal(deliver(rig, false, 0), INTERP_DONE);
    assert_true(rig->cpu.eflags & FLAG_IF);
    assert_int_equal(rig->cpu.reg[CPU_ESP], RIG_STACK - 12);
}

static void test_16_bit_gate_pushes_words(void **state)
{
    struct rig *rig = *state;

    rig_protected(rig, true);
    gate(rig, SEL_CODE16, GATE_INT16);
    assert_int_equal(deliver(rig, true, 0x18), INTERP_DONE);
    assert_int_equal(rig->cpu.eip, HANDLER);
    assert_int_equal(rig->cpu.reg[CPU_ESP], RIG_STACK - 8);
    assert_int_equal(rig_get(rig, RIG_STACK - 8, 2), 0x18);
    assert_int_equal(rig_get(rig, RIG_STACK - 6, 2), RIG_CODE);
}

static void test_bad_gates(void **state)
{
    struct rig *rig = *state;
    const u32 idt_error = VECTOR * 8 + 2 + 1;

    rig_protected(rig, true);
    deliver_fails(rig, EXC_GP, idt_error); /* no gate at all */
    gate(rig, SEL_CODE32, GATE_ABSENT);
    deliver_fails(rig, EXC_NP, idt_error);
    gate(rig, 0, GATE_INT32);
    deliver_fails(rig, EXC_GP, 1);
    gate(rig, SEL_DATA32, GATE_INT32);
    deliver_fails(rig, EXC_GP, SEL_DATA32 + 1);
    gate(rig, 0xf8, GATE_INT32);
    deliver_fails(rig, EXC_GP, 0xf8 + 1);
    gate(rig, SEL_SMALL, GATE_INT32); /* offset beyond the limit */
    deliver_fails(rig, EXC_GP, 1);
    gate(rig, SEL_CODE32, GATE_INT32);
    rig->cpu.sreg[CPU_SS].limit = RIG_STACK - 5; /* the first push does not fit */
    deliver_fails(rig, EXC_SS, 1);
    rig->cpu.idt.limit = VECTOR * 8 + 6;
    deliver_fails(rig, EXC_GP, idt_error);
    rig->cpu.idt.limit = 0x7ff;
    gate(rig, SEL_CODE32, GATE_TASK);
    assert_int_equal(deliver(rig, false, 0), INTERP_UNSUPPORTED);
}

static void test_software_interrupt_has_no_ext_bit(void **state)
{
    struct rig *rig = *state;

    rig_protected(rig, true);
    RIG_CODE_BYTES(rig, 0xcd, VECTOR);
    rig_fault(rig, EXC_GP, true, VECTOR * 8 + 2);
    gate(rig, SEL_CODE32, GATE_INT32);
    rig_step(rig, INTERP_DONE);
    assert_int_equal(rig_get(rig, RIG_STACK - 12, 4), RIG_CODE + 2);
}

static void test_protected_iret(void **state)
{
    struct rig *rig = *state;

    rig_protected(rig, true);
    rig_put(rig, RIG_STACK, 4, HANDLER);
    rig_put(rig, RIG_STACK + 4, 4, SEL_CODE16);
    rig_put(rig, RIG_STACK + 8, 4, FLAG_RF | FLAG_IF | FLAG_CF | FLAG_AC);
    RIG_CODE_BYTES(rig, 0xcf);
    rig_step(rig, INTERP_DONE);
    assert_int_equal(rig->cpu.eip, HANDLER);
    assert_int_equal(rig->cpu.sreg[CPU_CS].selector, SEL_CODE16);
    assert_int_equal(rig->cpu.eflags, FLAG_FIXED | FLAG_RF | FLAG_IF | FLAG_CF | FLAG_AC);
    assert_int_equal(rig->cpu.reg[CPU_ESP], RIG_STACK + 12);
}

static void test_iret_failures(void **state)
{
    struct rig *rig = *state;

    rig_protected(rig, true);
    RIG_CODE_BYTES(rig, 0xcf);
    rig_fault(rig, EXC_GP, true, 0); /* null CS */
    rig_put(rig, RIG_STACK + 4, 4, SEL_DATA32);
    rig_fault(rig, EXC_GP, true, SEL_DATA32);
    rig_put(rig, RIG_STACK + 4, 4, SEL_SMALL);
    rig_put(rig, RIG_STACK, 4, 0x1000);
    rig_fault(rig, EXC_GP, true, 0);
    rig_put(rig, RIG_STACK + 4, 4, SEL_CODE32);
    rig_put(rig, RIG_STACK + 8, 4, FLAG_VM);
    rig_step(rig, INTERP_UNSUPPORTED);
    rig_put(rig, RIG_STACK + 8, 4, 0);
    rig->cpu.eflags |= FLAG_NT;
    rig_step(rig, INTERP_UNSUPPORTED);
    rig->cpu.eflags &= ~FLAG_NT;
    rig->cpu.sreg[CPU_SS].limit = RIG_STACK + 10;
    rig_fault(rig, EXC_SS, true, 0);
}

int test_deliver(void)
{
    const struct CMUnitTest tests[] = {
        RIG_TEST(test_real_mode),
        RIG_TEST(test_real_mode_failures),
        RIG_TEST(test_int_and_iret),
        RIG_TEST(test_into),
        RIG_TEST(test_32_bit_interrupt_gate),
        RIG_TEST(test_trap_gate_leaves_if),
        RIG_TEST(test_16_bit_gate_pushes_words),
        RIG_TEST(test_bad_gates),
        RIG_TEST(test_software_interrupt_has_no_ext_bit),
        RIG_TEST(test_protected_iret),
        RIG_TEST(test_iret_failures),
    };
    return cmocka_run_group_tests_name("deliver", tests, NULL, NULL);
}
