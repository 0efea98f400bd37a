/* Protected mode at CPL 0: segment loads and their faults, limits and types, far transfers, system instructions. */
#include "interp_tests.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { OUTSIDE = SEL_COUNT * 8, ACCESS = 5 };

static void load_ds(struct rig *rig, u16 selector)
{
    rig->cpu.reg[CPU_EAX] = selector;
    RIG_CODE_BYTES(rig, 0x8e, 0xd8); /* mov ds, ax */
}

static void load_ss(struct rig *rig, u16 selector)
{
    rig->cpu.reg[CPU_EAX] = selector;
    RIG_CODE_BYTES(rig, 0x8e, 0xd0); /* mov ss, ax */
}

static void test_data_segment_is_loaded_and_marked(void **state)
{
    struct rig *rig = *state;

    rig_protected(rig, false);
    rig_descriptor(rig, RIG_GDT + SEL_DATA16, 0x12345678, 0x9abcd, 0x92, 0xd);
    load_ds(rig, SEL_DATA16);
    rig_step(rig, INTERP_DONE);
    const struct cpu_segment *ds = &rig->cpu.sreg[CPU_DS];
    assert_int_equal(ds->selector, SEL_DATA16);
    assert_int_equal(ds->base, 0x12345678);
    assert_int_equal(ds->limit, 0x9abcdfff);
    assert_int_equal(ds->type, 3);
    assert_true(ds->db && ds->g && ds->avl && ds->present && ds->s && !ds->unusable);
    assert_int_equal(rig->ram[RIG_GDT + SEL_DATA16 + ACCESS], 0x93);
}

static void test_null_data_segment_faults_on_use(void **state)
{
    struct rig *rig = *state;

    rig_protected(rig, true);
    load_ds(rig, 2);
    rig_step(rig, INTERP_DONE);
    assert_true(rig->cpu.sreg[CPU_DS].unusable);
    assert_int_equal(rig->cpu.sreg[CPU_DS].selector, 2);
    RIG_CODE_BYTES(rig, 0x8a, 0x03); /* mov al, [ebx] */
    rig_fault(rig, EXC_GP, true, 0);
}

static void test_bad_data_selectors(void **state)
{
    static const struct {
        u16 selector;
        u8 vector;
        u32 error;
    } rows[] = {
        {OUTSIDE, EXC_GP, OUTSIDE},
        {OUTSIDE | 3, EXC_GP, OUTSIDE},
        {SEL_ABSENT, EXC_NP, SEL_ABSENT},
        {SEL_TSS, EXC_GP, SEL_TSS},
        {SEL_EXECUTE, EXC_GP, SEL_EXECUTE},
        {SEL_DATA32 | 3, EXC_GP, SEL_DATA32}, /* RPL beyond DPL */
        {SEL_DATA32 | 4, EXC_GP, SEL_DATA32 | 4}, /* no LDT */
    };
    struct rig *rig = *state;

    rig_protected(rig, true);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        load_ds(rig, rows[i].selector);
        rig_fault(rig, rows[i].vector, true, rows[i].error);
    }
    load_ds(rig, SEL_RING3 | 3);
    rig_step(rig, INTERP_DONE);
    load_ds(rig, SEL_CODE32); /* readable code */
    rig_step(rig, INTERP_DONE);
}

static void test_bad_stack_selectors(void **state)
{
    static const struct {
        u16 selector;
        u8 vector;
        u32 error;
    } rows[] = {
        {0, EXC_GP, 0},
        {OUTSIDE, EXC_GP, OUTSIDE},
        {SEL_ABSENT, EXC_SS, SEL_ABSENT},
        {SEL_READ_ONLY, EXC_GP, SEL_READ_ONLY},
        {SEL_CODE32, EXC_GP, SEL_CODE32},
        {SEL_RING3, EXC_GP, SEL_RING3},
        {SEL_DATA32 | 1, EXC_GP, SEL_DATA32},
    };
    struct rig *rig = *state;

    rig_protected(rig, true);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        load_ss(rig, rows[i].selector);
        rig_fault(rig, rows[i].vector, true, rows[i].error);
    }
    load_ss(rig, SEL_DATA16);
    rig_step(rig, INTERP_DONE);
    assert_false(rig->cpu.sreg[CPU_SS].db);
    assert_true(rig->cpu.interrupt_shadow);
}

static void test_pop_of_a_bad_selector_keeps_the_stack(void **state)
{
    struct rig *rig = *state;

    rig_protected(rig, true);
    rig_put(rig, RIG_STACK, 4, SEL_ABSENT);
    RIG_CODE_BYTES(rig, 0x1f); /* pop ds */
    rig_fault(rig, EXC_NP, true, SEL_ABSENT);
    RIG_CODE_BYTES(rig, 0x17); /* pop ss */
    rig_fault(rig, EXC_SS, true, SEL_ABSENT);
    rig_put(rig, RIG_STACK, 4, SEL_DATA16);
    rig->cpu.reg[CPU_ESP] = 0x10000 + RIG_STACK;
    rig_put(rig, 0x10000 + RIG_STACK, 4, SEL_DATA16);
    RIG_CODE_BYTES(rig, 0x17);
    rig_step(rig, INTERP_DONE); /* the pop itself still had the 32-bit stack */
    assert_int_equal(rig->cpu.reg[CPU_ESP], 0x10000 + RIG_STACK + 4);
}

static void test_types_are_checked_on_access(void **state)
{
    struct rig *rig = *state;

    rig_protected(rig, true);
    load_ds(rig, SEL_READ_ONLY);
    rig_step(rig, INTERP_DONE);
    RIG_CODE_BYTES(rig, 0x88, 0x03); /* mov [ebx], al */
    rig_fault(rig, EXC_GP, true, 0);
    RIG_CODE_BYTES(rig, 0xfe, 0x03); /* inc byte [ebx] */
    rig_fault(rig, EXC_GP, true, 0);
    RIG_CODE_BYTES(rig, 0x8a, 0x03);
    rig_step(rig, INTERP_DONE);
    RIG_CODE_BYTES(rig, 0x2e, 0x88, 0x03); /* mov cs:[ebx], al */
    rig_fault(rig, EXC_GP, true, 0);
    rig->cpu.sreg[CPU_CS].type = 9; /* execute only */
    RIG_CODE_BYTES(rig, 0x2e, 0x8a, 0x03);
    rig_fault(rig, EXC_GP, true, 0);
}

static void test_expand_down(void **state)
{
    struct rig *rig = *state;

    rig_protected(rig, true);
    load_ds(rig, SEL_DOWN);
    rig_step(rig, INTERP_DONE);
    rig->cpu.reg[CPU_EBX] = 0xfff;
    RIG_CODE_BYTES(rig, 0x8a, 0x03);
    rig_fault(rig, EXC_GP, true, 0);
    rig->cpu.reg[CPU_EBX] = 0x1000;
    rig_step(rig, INTERP_DONE);
    rig->cpu.sreg[CPU_DS].db = false; /* upper bound 64 KiB */
    rig->cpu.reg[CPU_EBX] = 0xffff;
    RIG_CODE_BYTES(rig, 0x66, 0x8b, 0x03);
    rig_fault(rig, EXC_GP, true, 0);
    RIG_CODE_BYTES(rig, 0x8a, 0x03);
    rig_step(rig, INTERP_DONE);
}

static void test_stack_faults_are_stack_faults(void **state)
{
    struct rig *rig = *state;

    rig_protected(rig, true);
    rig->cpu.sreg[CPU_SS].limit = 0x7fff;
    RIG_CODE_BYTES(rig, 0x58); /* pop eax at 8000h */
    rig_fault(rig, EXC_SS, true, 0);
    rig->cpu.reg[CPU_EBP] = 0x7ffd;
    RIG_CODE_BYTES(rig, 0x8b, 0x45, 0x00); /* mov eax, [ebp] */
    rig_fault(rig, EXC_SS, true, 0);
}

static void test_ldt(void **state)
{
    struct rig *rig = *state;

    rig_protected(rig, true);
    rig->cpu.reg[CPU_EAX] = SEL_LDT;
    RIG_CODE_BYTES(rig, 0x0f, 0x00, 0xd0); /* lldt ax */
    rig_step(rig, INTERP_DONE);
    assert_int_equal(rig->cpu.ldt.base, RIG_LDT);
    rig_descriptor(rig, RIG_LDT + 8, 0x7000, 0xff, 0x92, 0);
    load_ds(rig, 0xc); /* LDT entry 1 */
    rig_step(rig, INTERP_DONE);
    assert_int_equal(rig->cpu.sreg[CPU_DS].base, 0x7000);
    RIG_CODE_BYTES(rig, 0x0f, 0x00, 0xc3); /* sldt ebx */
    rig_step(rig, INTERP_DONE);
    assert_int_equal(rig->cpu.reg[CPU_EBX], SEL_LDT);
    rig->cpu.reg[CPU_EAX] = SEL_TSS;
    RIG_CODE_BYTES(rig, 0x0f, 0x00, 0xd0);
    rig_fault(rig, EXC_GP, true, SEL_TSS);
    rig->cpu.reg[CPU_EAX] = 0;
    RIG_CODE_BYTES(rig, 0x0f, 0x00, 0xd0);
    rig_step(rig, INTERP_DONE);
    load_ds(rig, 0xc);
    rig_fault(rig, EXC_GP, true, 0xc);
}

static void test_task_register(void **state)
{
    struct rig *rig = *state;

    rig_protected(rig, true);
    rig->cpu.reg[CPU_EAX] = SEL_TSS;
    RIG_CODE_BYTES(rig, 0x0f, 0x00, 0xd8); /* ltr ax */
    rig_step(rig, INTERP_DONE);
    assert_int_equal(rig->cpu.tr.selector, SEL_TSS);
    assert_int_equal(rig->cpu.tr.type, 11);
    assert_int_equal(rig->ram[RIG_GDT + SEL_TSS + ACCESS], 0x8b);
    RIG_CODE_BYTES(rig, 0x0f, 0x00, 0xd8); /* busy now */
    rig_fault(rig, EXC_GP, true, SEL_TSS);
}

static void test_far_jump_and_call(void **state)
{
    struct rig *rig = *state;

    rig_protected(rig, true);
    RIG_CODE_BYTES(rig, 0x9a, 0x00, 0x60, 0x00, 0x00, SEL_CODE16, 0x00); /* call 18h:6000h */
    rig_step(rig, INTERP_DONE);
    assert_int_equal(rig->cpu.sreg[CPU_CS].selector, SEL_CODE16);
    assert_false(rig->cpu.sreg[CPU_CS].db);
    assert_true(rig->interp.poked);
    assert_int_equal(rig->cpu.eip, 0x6000);
    assert_int_equal(rig_get(rig, RIG_STACK - 4, 4), SEL_CODE32);
    assert_int_equal(rig_get(rig, RIG_STACK - 8, 4), RIG_CODE + 7);
    rig_put(rig, 0x6000, 2, 0xcb66); /* retfd */
    rig_step(rig, INTERP_DONE);
    assert_int_equal(rig->cpu.sreg[CPU_CS].selector, SEL_CODE32);
    assert_int_equal(rig->cpu.eip, RIG_CODE + 7);
    assert_int_equal(rig->cpu.reg[CPU_ESP], RIG_STACK);
}

static void test_bad_far_targets(void **state)
{
    static const struct {
        u16 selector;
        u32 offset;
        u8 vector;
        u32 error;
    } rows[] = {
        {0, 0, EXC_GP, 0},
        {OUTSIDE, 0, EXC_GP, OUTSIDE},
        {SEL_DATA32, 0, EXC_GP, SEL_DATA32},
        {SEL_CODE32 | 1, 0, EXC_GP, SEL_CODE32},
        {SEL_LDT, 0, EXC_GP, SEL_LDT},
        {SEL_SMALL, 0x1000, EXC_GP, 0}, /* beyond the limit */
    };
    struct rig *rig = *state;

    rig_protected(rig, true);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        u8 code[7] = {0xea};
        memcpy(code + 1, &rows[i].offset, 4);
        memcpy(code + 5, &rows[i].selector, 2);
        rig_code(rig, code, sizeof(code)); /* jmp */
        rig_fault(rig, rows[i].vector, true, rows[i].error);
        code[0] = 0x9a; /* call */
        rig_code(rig, code, sizeof(code));
        rig_fault(rig, rows[i].vector, true, rows[i].error);
    }
    RIG_CODE_BYTES(rig, 0xea, 0, 0, 0, 0, SEL_TSS, 0);
    rig_step(rig, INTERP_UNSUPPORTED);
}

static void test_call_gate(void **state)
{
    struct rig *rig = *state;

    rig_protected(rig, true);
    RIG_CODE_BYTES(rig, 0x9a, 0xff, 0xff, 0xff, 0xff, SEL_CALL_GATE, 0x00);
    rig_step(rig, INTERP_DONE);
    assert_int_equal(rig->cpu.eip, 0x5678);
    assert_int_equal(rig->cpu.sreg[CPU_CS].selector, SEL_CODE32);
    assert_int_equal(rig_get(rig, RIG_STACK - 8, 4), RIG_CODE + 7);
    rig_gate(rig, RIG_GDT + SEL_CALL_GATE, SEL_CODE32, 0x5678, 0x0c);
    RIG_CODE_BYTES(rig, 0x9a, 0, 0, 0, 0, SEL_CALL_GATE, 0x00);
    rig_fault(rig, EXC_NP, true, SEL_CALL_GATE);
}

static void test_far_call_checks_the_stack_first(void **state)
{
    struct rig *rig = *state;

    rig_protected(rig, true);
    rig_descriptor(rig, RIG_GDT + SEL_CODE16, 0, 0xffff, 0x9a, 0); /* not accessed yet: must stay so */
    rig->cpu.reg[CPU_ESP] = 4;
    rig->cpu.sreg[CPU_SS].limit = 0xffff;
    RIG_CODE_BYTES(rig, 0x9a, 0x00, 0x60, 0x00, 0x00, SEL_CODE16, 0x00);
    rig_fault(rig, EXC_SS, true, 0);
}

static void test_return_to_an_outer_ring_is_unsupported(void **state)
{
    struct rig *rig = *state;

    rig_protected(rig, true);
    rig_put(rig, RIG_STACK + 4, 4, SEL_CODE32 | 3);
    RIG_CODE_BYTES(rig, 0xcb);
    rig_step(rig, INTERP_UNSUPPORTED);
    assert_int_equal(rig->cpu.reg[CPU_ESP], RIG_STACK);
}

static void test_entering_and_leaving_protected_mode(void **state)
{
    struct rig *rig = *state;
    struct cpu_segment ds = rig->cpu.sreg[CPU_DS];

    rig->cpu.reg[CPU_EAX] = CR0_PE;
    RIG_CODE_BYTES(rig, 0x0f, 0x22, 0xc0, 0x0f, 0x20, 0xc3, 0x0f, 0x01, 0xf1);
    rig_step(rig, INTERP_DONE); /* mov cr0, eax */
    assert_int_equal(rig->cpu.cr0, CR0_PE | CR0_ET);
    assert_true(rig->interp.poked);
    assert_memory_equal(&rig->cpu.sreg[CPU_DS], &ds, sizeof(ds));
    rig_step(rig, INTERP_DONE); /* mov ebx, cr0 */
    assert_int_equal(rig->cpu.reg[CPU_EBX], CR0_PE | CR0_ET);
    rig_step(rig, INTERP_DONE); /* lmsw cx (0) cannot clear PE */
    assert_int_equal(rig->cpu.cr0, CR0_PE | CR0_ET);
    rig->cpu.reg[CPU_EAX] = 0;
    RIG_CODE_BYTES(rig, 0x0f, 0x22, 0xc0);
    rig_step(rig, INTERP_DONE);
    assert_int_equal(rig->cpu.cr0, CR0_ET);
    rig->cpu.reg[CPU_EAX] = CR0_PG;
    RIG_CODE_BYTES(rig, 0x0f, 0x22, 0xc0);
    rig_fault(rig, EXC_GP, false, 0);
    rig->cpu.reg[CPU_EAX] = CR0_PG | CR0_PE;
    rig_step(rig, INTERP_UNSUPPORTED);
    rig->cpu.reg[CPU_EAX] = 0;
    RIG_CODE_BYTES(rig, 0x0f, 0x22, 0xe0); /* mov cr4, eax: only what is there already */
    rig_step(rig, INTERP_DONE);
    rig->cpu.reg[CPU_EAX] = 1;
    RIG_CODE_BYTES(rig, 0x0f, 0x22, 0xe0);
    rig_step(rig, INTERP_UNSUPPORTED);
}

static void test_null_segment_is_usable_again_in_real_mode(void **state)
{
    struct rig *rig = *state;

    rig_protected(rig, false);
    load_ds(rig, 0);
    rig_step(rig, INTERP_DONE);
    rig->cpu.cr0 = CR0_ET;
    load_ds(rig, 0x1000);
    rig_step(rig, INTERP_DONE);
    assert_false(rig->cpu.sreg[CPU_DS].unusable);
    assert_true(rig->cpu.sreg[CPU_DS].present);
    assert_int_equal(rig->cpu.sreg[CPU_DS].base, 0x10000);
}

static void test_table_registers(void **state)
{
    struct rig *rig = *state;

    rig->cpu.reg[CPU_EBX] = 0x2000;
    rig_put(rig, 0x2000, 2, 0x1234);
    rig_put(rig, 0x2002, 4, 0xabcdef01);
    RIG_CODE_BYTES(rig, 0x0f, 0x01, 0x17); /* lgdt [bx]: 24 bits of base */
    rig_step(rig, INTERP_DONE);
    assert_int_equal(rig->cpu.gdt.limit, 0x1234);
    assert_int_equal(rig->cpu.gdt.base, 0xcdef01);
    RIG_CODE_BYTES(rig, 0x66, 0x0f, 0x01, 0x1f); /* lidt [bx] */
    rig_step(rig, INTERP_DONE);
    assert_int_equal(rig->cpu.idt.base, 0xabcdef01);
    RIG_CODE_BYTES(rig, 0x66, 0x0f, 0x01, 0x4f, 0x10); /* sidt [bx+10h] */
    rig_step(rig, INTERP_DONE);
    assert_int_equal(rig_get(rig, 0x2010, 2), 0x1234);
    assert_int_equal(rig_get(rig, 0x2012, 4), 0xabcdef01);
}

static void test_access_rights(void **state)
{
    struct rig *rig = *state;

    rig_protected(rig, true);
    rig->cpu.reg[CPU_EAX] = SEL_CODE32;
    RIG_CODE_BYTES(rig, 0x0f, 0x02, 0xd8, 0x0f, 0x03, 0xc8, 0x0f, 0x00, 0xe0, 0x0f, 0x00, 0xe8);
    rig_step(rig, INTERP_DONE); /* lar ebx, eax */
    assert_true(rig->cpu.eflags & FLAG_ZF);
    assert_int_equal(rig->cpu.reg[CPU_EBX], 0xc09b00);
    rig_step(rig, INTERP_DONE); /* lsl ecx, eax */
    assert_int_equal(rig->cpu.reg[CPU_ECX], 0xffffffff);
    rig_step(rig, INTERP_DONE); /* verr ax */
    assert_true(rig->cpu.eflags & FLAG_ZF);
    rig_step(rig, INTERP_DONE); /* verw ax */
    assert_false(rig->cpu.eflags & FLAG_ZF);
    rig->cpu.reg[CPU_EAX] = OUTSIDE;
    rig->cpu.eip = RIG_CODE;
    rig_step(rig, INTERP_DONE); /* lar of nothing */
    assert_false(rig->cpu.eflags & FLAG_ZF);
    assert_int_equal(rig->cpu.reg[CPU_EBX], 0xc09b00);
}

static void test_arpl(void **state)
{
    struct rig *rig = *state;

    rig_protected(rig, true);
    rig->cpu.reg[CPU_EAX] = 0x10;
    rig->cpu.reg[CPU_EBX] = 2;
    RIG_CODE_BYTES(rig, 0x63, 0xd8, 0x63, 0xd8); /* arpl ax, bx */
    rig_step(rig, INTERP_DONE);
    assert_int_equal(rig->cpu.reg[CPU_EAX], 0x12);
    assert_true(rig->cpu.eflags & FLAG_ZF);
    rig_step(rig, INTERP_DONE);
    assert_false(rig->cpu.eflags & FLAG_ZF);
}

static void test_push_of_a_segment_register(void **state)
{
    struct rig *rig = *state;

    rig_protected(rig, true);
    rig_put(rig, RIG_STACK - 4, 4, 0xffffffff);
    RIG_CODE_BYTES(rig, 0x0e); /* push cs writes two bytes of four */
    rig_step(rig, INTERP_DONE);
    assert_int_equal(rig->cpu.reg[CPU_ESP], RIG_STACK - 4);
    assert_int_equal(rig_get(rig, RIG_STACK - 4, 4), 0xffff0000 | SEL_CODE32);
}

static void test_wrap_at_4_gib(void **state)
{
    struct rig *rig = *state;

    rig_protected(rig, true);
    rig->cpu.sreg[CPU_DS].base = 0x2000;
    rig->cpu.reg[CPU_EBX] = 0xffffffff; /* linear 1FFFh */
    rig_put(rig, 0x1fff, 1, 0x99);
    RIG_CODE_BYTES(rig, 0x8a, 0x03);
    rig_step(rig, INTERP_DONE);
    assert_int_equal(rig->cpu.reg[CPU_EAX], 0x99);
}

int test_protected(void)
{
    const struct CMUnitTest tests[] = {
        RIG_TEST(test_data_segment_is_loaded_and_marked),
        RIG_TEST(test_null_data_segment_faults_on_use),
        RIG_TEST(test_bad_data_selectors),
        RIG_TEST(test_bad_stack_selectors),
        RIG_TEST(test_pop_of_a_bad_selector_keeps_the_stack),
        RIG_TEST(test_types_are_checked_on_access),
        RIG_TEST(test_expand_down),
        RIG_TEST(test_stack_faults_are_stack_faults),
        RIG_TEST(test_ldt),
        RIG_TEST(test_task_register),
        RIG_TEST(test_far_jump_and_call),
        RIG_TEST(test_bad_far_targets),
        RIG_TEST(test_call_gate),
        RIG_TEST(test_far_call_checks_the_stack_first),
        RIG_TEST(test_return_to_an_outer_ring_is_unsupported),
        RIG_TEST(test_entering_and_leaving_protected_mode),
        RIG_TEST(test_null_segment_is_usable_again_in_real_mode),
        RIG_TEST(test_table_registers),
        RIG_TEST(test_access_rights),
        RIG_TEST(test_arpl),
        RIG_TEST(test_push_of_a_segment_register),
        RIG_TEST(test_wrap_at_4_gib),
    };
    return cmocka_run_group_tests_name("protected", tests, NULL, NULL);
}
