/* Real mode, what 80286 vectors cannot show: 386 and 486 instructions, 32-bit forms, the interrupt shadow,
 * limits. */
#include "interp_tests.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void test_32_bit_operands(void **state)
{
    struct rig *rig = *state;

    rig->cpu.reg[CPU_EAX] = 0x7fffffff;
    RIG_CODE_BYTES(rig, 0x66, 0x05, 1, 0, 0, 0); /* add eax, 1 */
    rig_step(rig, INTERP_DONE);
    assert_int_equal(rig->cpu.reg[CPU_EAX], 0x80000000);
    assert_int_equal(rig->cpu.eflags, FLAG_FIXED | FLAG_OF | FLAG_SF | FLAG_PF | FLAG_AF);
    assert_int_equal(rig->cpu.eip, RIG_CODE + 6);
    rig->cpu.reg[CPU_EBX] = 0x12345678;
    RIG_CODE_BYTES(rig, 0x8a, 0xc7); /* mov al, bh */
    rig_step(rig, INTERP_DONE);
    assert_int_equal(rig->cpu.reg[CPU_EAX], 0x80000056);
}

static void test_32_bit_address_beyond_64k_faults(void **state)
{
    struct rig *rig = *state;

    rig->cpu.reg[CPU_EBX] = 0x10000;
    RIG_CODE_BYTES(rig, 0x67, 0x8a, 0x03); /* mov al, [ebx] */
    rig_fault(rig, EXC_GP, false, 0);
    rig->cpu.sreg[CPU_DS].limit = 0xffffffff; /* "unreal" mode */
    rig_put(rig, 0x10000, 1, 0x5a);
    rig_step(rig, INTERP_DONE);
    assert_int_equal(rig->cpu.reg[CPU_EAX], 0x5a);
}

static void test_unreal_limits_survive_segment_loads(void **state)
{
    struct rig *rig = *state;

    rig->cpu.sreg[CPU_DS].limit = 0xffffffff;
    rig->cpu.reg[CPU_EAX] = 0x1234;
    RIG_CODE_BYTES(rig, 0x8e, 0xd8); /* mov ds, ax */
    rig_step(rig, INTERP_DONE);
    assert_int_equal(rig->cpu.sreg[CPU_DS].base, 0x12340);
    assert_int_equal(rig->cpu.sreg[CPU_DS].selector, 0x1234);
    assert_int_equal(rig->cpu.sreg[CPU_DS].limit, 0xffffffff);
}

static void test_word_at_the_limit(void **state)
{
    struct rig *rig = *state;

    RIG_CODE_BYTES(rig, 0xa1, 0xff, 0xff); /* mov ax, [0ffffh] */
    rig_fault(rig, EXC_GP, false, 0);
    rig->cpu.reg[CPU_EBP] = 0xffff;
    RIG_CODE_BYTES(rig, 0x8b, 0x46, 0x00); /* mov ax, [bp] */
    rig_fault(rig, EXC_SS, false, 0);
    rig->cpu.reg[CPU_ESP] = 1;
    RIG_CODE_BYTES(rig, 0x50); /* push ax */
    rig_fault(rig, EXC_SS, false, 0);
    rig->cpu.reg[CPU_ESP] = 0;
    RIG_CODE_BYTES(rig, 0x50); /* wraps */
    rig_step(rig, INTERP_DONE);
    assert_int_equal(rig->cpu.reg[CPU_ESP], 0xfffe);
}

static void test_instruction_beyond_the_limit(void **state)
{
    struct rig *rig = *state;

    rig->cpu.eip = 0xffff;
    rig_put(rig, 0xffff, 4, 0x9090b890); /* nop; mov ax, ... */
    rig_step(rig, INTERP_DONE);
    assert_int_equal(rig->cpu.eip, 0x10000);
    rig_fault(rig, EXC_GP, false, 0);
    rig->cpu.eip = 0xffff;
    rig_put(rig, 0xffff, 1, 0xb8); /* crosses the limit */
    rig_fault(rig, EXC_GP, false, 0);
    RIG_CODE_BYTES(rig, 0x66, 0xe9, 0x00, 0x00, 0x01, 0x00); /* jmp far beyond */
    rig_fault(rig, EXC_GP, false, 0);
}

static void test_invalid_and_overlong(void **state)
{
    struct rig *rig = *state;

    RIG_CODE_BYTES(rig, 0x0f, 0x0b); /* ud2 */
    rig_fault(rig, EXC_UD, false, 0);
    RIG_CODE_BYTES(rig, 0xf0, 0x90); /* lock nop */
    rig_fault(rig, EXC_UD, false, 0);
    RIG_CODE_BYTES(rig, 0x63, 0xc0); /* arpl: protected mode only */
    rig_fault(rig, EXC_UD, false, 0);
    memset(rig->ram + RIG_CODE, 0x26, 15);
    rig->cpu.eip = RIG_CODE;
    rig_fault(rig, EXC_GP, false, 0);
    RIG_CODE_BYTES(rig, 0x0f, 0x44, 0xc3); /* cmovz is KVM's business */
    rig_step(rig, INTERP_UNSUPPORTED);
    assert_int_equal(rig->cpu.eip, RIG_CODE);
}

static void test_divide_faults(void **state)
{
    struct rig *rig = *state;

    rig->cpu.reg[CPU_EAX] = 0x1000;
    rig->cpu.reg[CPU_EBX] = 0x10;
    RIG_CODE_BYTES(rig, 0xf6, 0xf3); /* div bl: 256 does not fit */
    rig_fault(rig, EXC_DE, false, 0);
    rig->cpu.reg[CPU_EBX] = 0;
    RIG_CODE_BYTES(rig, 0x66, 0xf7, 0xfb); /* idiv ebx */
    rig_fault(rig, EXC_DE, false, 0);
    rig->cpu.reg[CPU_EDX] = 0x80000000;
    rig->cpu.reg[CPU_EAX] = 0;
    rig->cpu.reg[CPU_EBX] = 0xffffffff;
    RIG_CODE_BYTES(rig, 0x66, 0xf7, 0xfb); /* the host would trap on this */
    rig_fault(rig, EXC_DE, false, 0);
    rig->cpu.reg[CPU_EDX] = 1;
    rig->cpu.reg[CPU_EAX] = 0x10;
    rig->cpu.reg[CPU_EBX] = 0x100;
    RIG_CODE_BYTES(rig, 0x66, 0xf7, 0xf3); /* div ebx */
    rig_step(rig, INTERP_DONE);
    assert_int_equal(rig->cpu.reg[CPU_EAX], 0x1000000);
    assert_int_equal(rig->cpu.reg[CPU_EDX], 0x10);
}

static void test_bit_strings(void **state)
{
    struct rig *rig = *state;

    rig->cpu.reg[CPU_EBX] = 0x2000;
    rig->cpu.reg[CPU_EAX] = 0xffff;        /* bit -1: the word below, bit 15 */
    RIG_CODE_BYTES(rig, 0x0f, 0xab, 0x07); /* bts [bx], ax */
    rig_step(rig, INTERP_DONE);
    assert_int_equal(rig_get(rig, 0x1ffe, 2), 0x8000);
    assert_false(rig->cpu.eflags & FLAG_CF);
    RIG_CODE_BYTES(rig, 0x0f, 0xa3, 0x07); /* bt [bx], ax */
    rig->cpu.reg[CPU_EAX] = 0x10503;       /* only the low word counts */
    rig_put(rig, 0x2000 + 0xa0, 2, 1 << 3);
    rig_step(rig, INTERP_DONE);
    assert_true(rig->cpu.eflags & FLAG_CF);
    RIG_CODE_BYTES(rig, 0x0f, 0xba, 0x3f, 0x13); /* btc word [bx], 13h: bit 3, no offset */
    rig_step(rig, INTERP_DONE);
    assert_int_equal(rig_get(rig, 0x2000, 2), 8);
}

static void test_bit_scan_and_swap(void **state)
{
    struct rig *rig = *state;

    rig->cpu.reg[CPU_EBX] = 0x00f00000;
    RIG_CODE_BYTES(rig, 0x66, 0x0f, 0xbc, 0xc3); /* bsf eax, ebx */
    rig_step(rig, INTERP_DONE);
    assert_int_equal(rig->cpu.reg[CPU_EAX], 20);
    RIG_CODE_BYTES(rig, 0x66, 0x0f, 0xbd, 0xc3);
    rig_step(rig, INTERP_DONE);
    assert_int_equal(rig->cpu.reg[CPU_EAX], 23);
    rig->cpu.reg[CPU_EBX] = 0;
    rig_put(rig, RIG_CODE, 4, 0xc3bd0f66);
    rig->cpu.eip = RIG_CODE;
    rig_step(rig, INTERP_DONE);
    assert_true(rig->cpu.eflags & FLAG_ZF);
    assert_int_equal(rig->cpu.reg[CPU_EAX], 23); /* unchanged */
    RIG_CODE_BYTES(rig, 0x66, 0x0f, 0xc8);       /* bswap eax */
    rig_step(rig, INTERP_DONE);
    assert_int_equal(rig->cpu.reg[CPU_EAX], 23u << 24);
}

static void test_exchange_family(void **state)
{
    struct rig *rig = *state;

    rig->cpu.reg[CPU_EBX] = 0x2000;
    rig_put(rig, 0x2000, 2, 0x1111);
    RIG_CODE_BYTES(rig, 0x0f, 0xc1, 0x1f); /* xadd [bx], bx: the address is BX before */
    rig_step(rig, INTERP_DONE);
    assert_int_equal(rig_get(rig, 0x2000, 2), 0x3111);
    assert_int_equal(rig->cpu.reg[CPU_EBX], 0x1111);
    rig->cpu.reg[CPU_EAX] = 0x2000;
    rig->cpu.reg[CPU_ECX] = 0x4444;
    rig_put(rig, 0x2000, 4, 0x2000);
    RIG_CODE_BYTES(rig, 0x67, 0x66, 0x0f, 0xb1, 0x08); /* cmpxchg [eax], ecx: equal */
    rig_step(rig, INTERP_DONE);
    assert_int_equal(rig_get(rig, 0x2000, 4), 0x4444);
    assert_int_equal(rig->cpu.reg[CPU_EAX], 0x2000);
    assert_true(rig->cpu.eflags & FLAG_ZF);
    RIG_CODE_BYTES(rig, 0x67, 0x66, 0x0f, 0xb1, 0x08); /* not equal: EAX is loaded, memory rewritten */
    rig_step(rig, INTERP_DONE);
    assert_int_equal(rig_get(rig, 0x2000, 4), 0x4444);
    assert_int_equal(rig->cpu.reg[CPU_EAX], 0x4444);
    assert_false(rig->cpu.eflags & FLAG_ZF);
    RIG_CODE_BYTES(rig, 0x86, 0xc4); /* xchg al, ah */
    rig->cpu.reg[CPU_EAX] = 0x1234;
    rig_step(rig, INTERP_DONE);
    assert_int_equal(rig->cpu.reg[CPU_EAX], 0x3412);
}

static void test_double_shifts(void **state)
{
    struct rig *rig = *state;

    rig->cpu.reg[CPU_EAX] = 0x80000001;
    rig->cpu.reg[CPU_EBX] = 0xf0000000;
    RIG_CODE_BYTES(rig, 0x66, 0x0f, 0xa4, 0xd8, 4); /* shld eax, ebx, 4 */
    rig_step(rig, INTERP_DONE);
    assert_int_equal(rig->cpu.reg[CPU_EAX], 0x1f);
    rig->cpu.reg[CPU_ECX] = 0x28;                /* masked to 8 */
    RIG_CODE_BYTES(rig, 0x66, 0x0f, 0xad, 0xd8); /* shrd eax, ebx, cl */
    rig_step(rig, INTERP_DONE);
    assert_int_equal(rig->cpu.reg[CPU_EAX], 0);
    assert_false(rig->cpu.eflags & FLAG_CF);
}

static void test_setcc_and_extension(void **state)
{
    struct rig *rig = *state;

    rig->cpu.eflags |= FLAG_CF;
    RIG_CODE_BYTES(rig, 0x0f, 0x96, 0xc4); /* setbe ah */
    rig_step(rig, INTERP_DONE);
    assert_int_equal(rig->cpu.reg[CPU_EAX], 0x100);
    rig->cpu.reg[CPU_EBX] = 0x80;
    RIG_CODE_BYTES(rig, 0x66, 0x0f, 0xbe, 0xcb); /* movsx ecx, bl */
    rig_step(rig, INTERP_DONE);
    assert_int_equal(rig->cpu.reg[CPU_ECX], 0xffffff80);
    rig->cpu.reg[CPU_EAX] = 0x8000;
    RIG_CODE_BYTES(rig, 0x66, 0x98); /* cwde */
    rig_step(rig, INTERP_DONE);
    assert_int_equal(rig->cpu.reg[CPU_EAX], 0xffff8000);
    RIG_CODE_BYTES(rig, 0x66, 0x99); /* cdq */
    rig_step(rig, INTERP_DONE);
    assert_int_equal(rig->cpu.reg[CPU_EDX], 0xffffffff);
}

static void test_shadow_of_sti(void **state)
{
    struct rig *rig = *state;

    RIG_CODE_BYTES(rig, 0xfb, 0x90, 0xfb); /* sti; nop; sti */
    rig_step(rig, INTERP_DONE);
    assert_true(rig->cpu.eflags & FLAG_IF);
    assert_true(rig->cpu.interrupt_shadow);
    rig_step(rig, INTERP_DONE);
    assert_false(rig->cpu.interrupt_shadow);
    rig_step(rig, INTERP_DONE);
    assert_false(rig->cpu.interrupt_shadow); /* IF was set already */
}

static void test_shadow_of_mov_ss(void **state)
{
    struct rig *rig = *state;

    RIG_CODE_BYTES(rig, 0x8e, 0xd0, 0x8e, 0xd0, 0x17); /* mov ss, ax; mov ss, ax; pop ss */
    rig_step(rig, INTERP_DONE);
    assert_true(rig->cpu.interrupt_shadow);
    rig_step(rig, INTERP_DONE);
    assert_false(rig->cpu.interrupt_shadow); /* consecutive loads do not extend it */
    rig_step(rig, INTERP_DONE);
    assert_true(rig->cpu.interrupt_shadow);
}

static void test_halt(void **state)
{
    struct rig *rig = *state;

    RIG_CODE_BYTES(rig, 0xf4);
    rig_step(rig, INTERP_DONE);
    assert_true(rig->cpu.halted);
    assert_int_equal(rig->cpu.eip, RIG_CODE + 1);
}

static void test_popf_and_resume_flag(void **state)
{
    struct rig *rig = *state;

    rig->cpu.eflags |= FLAG_RF;
    rig_put(rig, RIG_STACK, 4, 0xffffffff);
    RIG_CODE_BYTES(rig, 0x66, 0x9d); /* popfd */
    rig_step(rig, INTERP_DONE);
    assert_int_equal(rig->cpu.eflags, 0x00247fd7);
    assert_int_equal(rig->cpu.reg[CPU_ESP], RIG_STACK + 4);
    RIG_CODE_BYTES(rig, 0x66, 0x9c); /* pushfd */
    rig_step(rig, INTERP_DONE);
    assert_int_equal(rig_get(rig, RIG_STACK, 4), 0x00247fd7);
    rig_put(rig, RIG_STACK, 4, 0);
    RIG_CODE_BYTES(rig, 0x9d); /* popf leaves the upper half */
    rig_step(rig, INTERP_DONE);
    assert_int_equal(rig->cpu.eflags, 0x00240002);
}

static void test_frames(void **state)
{
    struct rig *rig = *state;

    rig->cpu.reg[CPU_EBP] = 0x7f00;
    rig_put(rig, 0x7efe, 2, 0xaaaa);
    RIG_CODE_BYTES(rig, 0xc8, 0x10, 0x00, 0x02, 0xc9); /* enter 16, 2; leave */
    rig_step(rig, INTERP_DONE);
    assert_int_equal(rig_get(rig, RIG_STACK - 2, 2), 0x7f00);
    assert_int_equal(rig_get(rig, RIG_STACK - 4, 2), 0xaaaa);
    assert_int_equal(rig_get(rig, RIG_STACK - 6, 2), RIG_STACK - 2);
    assert_int_equal(rig->cpu.reg[CPU_EBP], RIG_STACK - 2);
    assert_int_equal(rig->cpu.reg[CPU_ESP], RIG_STACK - 6 - 16);
    rig_step(rig, INTERP_DONE);
    assert_int_equal(rig->cpu.reg[CPU_EBP], 0x7f00);
    assert_int_equal(rig->cpu.reg[CPU_ESP], RIG_STACK);
}

static void test_pusha_is_atomic(void **state)
{
    struct rig *rig = *state;

    rig->cpu.reg[CPU_ESP] = 7; /* the fourth push would lie across the end */
    RIG_CODE_BYTES(rig, 0x60);
    rig_fault(rig, EXC_SS, false, 0);
    rig->cpu.reg[CPU_ESP] = RIG_STACK;
    for (u32 i = 0; i < CPU_REGS; i++)
        if (i != CPU_ESP)
            rig->cpu.reg[i] = 0x1000 + i;
    RIG_CODE_BYTES(rig, 0x60);
    rig_step(rig, INTERP_DONE);
    assert_int_equal(rig_get(rig, RIG_STACK - 2, 2), 0x1000);
    assert_int_equal(rig_get(rig, RIG_STACK - 10, 2), RIG_STACK);
    assert_int_equal(rig_get(rig, RIG_STACK - 16, 2), 0x1007);
}

/* Only the slots that are read must lie inside the segment. */
static void test_popad_skips_esp(void **state)
{
    struct rig *rig = *state;

    rig_put(rig, 0xfffa, 4, 0xb0b0b0b0); /* EBP, below the slot of ESP at FFFEh */
    rig_put(rig, 0x0002, 4, 0xb8b8b8b8); /* EBX, behind it */
    rig->cpu.reg[CPU_ESP] = 0x5555fff2;
    RIG_CODE_BYTES(rig, 0x66, 0x61);
    rig_step(rig, INTERP_DONE);
    assert_int_equal(rig->cpu.reg[CPU_EBP], 0xb0b0b0b0);
    assert_int_equal(rig->cpu.reg[CPU_EBX], 0xb8b8b8b8);
    assert_int_equal(rig->cpu.reg[CPU_ESP], 0x55550012);
    rig->cpu.reg[CPU_ESP] = 0xffe2; /* EAX at FFFEh */
    rig->cpu.eip = RIG_CODE;
    rig_fault(rig, EXC_SS, false, 0);
}

static void test_bound(void **state)
{
    struct rig *rig = *state;

    rig->cpu.reg[CPU_EBX] = 0x2000;
    rig_put(rig, 0x2000, 4, 0x0005fffe); /* -2 .. 5 */
    rig->cpu.reg[CPU_EAX] = 0xffff;
    RIG_CODE_BYTES(rig, 0x62, 0x07);
    rig_step(rig, INTERP_DONE);
    rig->cpu.reg[CPU_EAX] = 6;
    RIG_CODE_BYTES(rig, 0x62, 0x07);
    rig_fault(rig, EXC_BR, false, 0);
}

static void test_far_call_and_return(void **state)
{
    struct rig *rig = *state;

    RIG_CODE_BYTES(rig, 0x9a, 0x10, 0x00, 0x00, 0x02); /* call 200h:10h */
    rig_put(rig, 0x2010, 3, 0x0002ca);                 /* retf 2 */
    rig_step(rig, INTERP_DONE);
    assert_int_equal(rig->cpu.eip, 0x10);
    assert_int_equal(rig->cpu.sreg[CPU_CS].base, 0x2000);
    assert_true(rig->interp.poked);
    assert_int_equal(rig_get(rig, RIG_STACK - 4, 4), RIG_CODE + 5);
    rig_step(rig, INTERP_DONE);
    assert_int_equal(rig->cpu.eip, RIG_CODE + 5);
    assert_int_equal(rig->cpu.sreg[CPU_CS].selector, 0);
    assert_int_equal(rig->cpu.reg[CPU_ESP], RIG_STACK + 2);
}

static void test_self_modified_code_is_seen(void **state)
{
    struct rig *rig = *state;

    RIG_CODE_BYTES(rig, 0xb0, 0x11); /* mov al, 11h */
    rig_step(rig, INTERP_DONE);
    rig_put(rig, RIG_CODE + 1, 1, 0x22);
    rig->cpu.eip = RIG_CODE;
    rig_step(rig, INTERP_DONE);
    assert_int_equal(rig->cpu.reg[CPU_EAX], 0x22);
}

static void test_mode_is_part_of_the_cache_key(void **state)
{
    struct rig *rig = *state;

    rig->cpu.reg[CPU_EAX] = 0xffffffff;
    RIG_CODE_BYTES(rig, 0x40); /* inc ax, then inc eax */
    rig_step(rig, INTERP_DONE);
    assert_int_equal(rig->cpu.reg[CPU_EAX], 0xffff0000);
    rig->cpu.sreg[CPU_CS].db = true;
    rig->cpu.reg[CPU_EAX] = 0xffffffff;
    rig->cpu.eip = RIG_CODE;
    rig_step(rig, INTERP_DONE);
    assert_int_equal(rig->cpu.reg[CPU_EAX], 0);
    RIG_CODE_BYTES(rig, 0xeb, 0x10); /* same bytes and address, another offset: another target */
    rig->cpu.sreg[CPU_CS].db = false;
    rig_step(rig, INTERP_DONE);
    assert_int_equal(rig->cpu.eip, RIG_CODE + 0x12);
    rig->cpu.sreg[CPU_CS].base = RIG_CODE;
    rig->cpu.eip = 0;
    rig_step(rig, INTERP_DONE);
    assert_int_equal(rig->cpu.eip, 0x12);
}

static void test_cpuid_and_absent_coprocessor(void **state)
{
    struct rig *rig = *state;

    rig->cpu.reg[CPU_EAX] = 1;
    RIG_CODE_BYTES(rig, 0x0f, 0xa2);
    rig_step(rig, INTERP_DONE);
    assert_int_equal(rig->cpu.reg[CPU_EAX], 2);
    assert_int_equal(rig->cpu.reg[CPU_EBX], 0xb);
    RIG_CODE_BYTES(rig, 0x9b); /* fwait */
    rig_step(rig, INTERP_DONE);
    rig->cpu.cr0 |= CR0_TS | CR0_MP;
    RIG_CODE_BYTES(rig, 0x9b);
    rig_fault(rig, EXC_NM, false, 0);
    RIG_CODE_BYTES(rig, 0xd9, 0xc0); /* fld st0 */
    rig_fault(rig, EXC_NM, false, 0);
    rig->cpu.cr0 = CR0_ET;
    rig_step(rig, INTERP_UNSUPPORTED);
}

int test_real(void)
{
    const struct CMUnitTest tests[] = {
        RIG_TEST(test_32_bit_operands),
        RIG_TEST(test_32_bit_address_beyond_64k_faults),
        RIG_TEST(test_unreal_limits_survive_segment_loads),
        RIG_TEST(test_word_at_the_limit),
        RIG_TEST(test_instruction_beyond_the_limit),
        RIG_TEST(test_invalid_and_overlong),
        RIG_TEST(test_divide_faults),
        RIG_TEST(test_bit_strings),
        RIG_TEST(test_bit_scan_and_swap),
        RIG_TEST(test_exchange_family),
        RIG_TEST(test_double_shifts),
        RIG_TEST(test_setcc_and_extension),
        RIG_TEST(test_shadow_of_sti),
        RIG_TEST(test_shadow_of_mov_ss),
        RIG_TEST(test_halt),
        RIG_TEST(test_popf_and_resume_flag),
        RIG_TEST(test_frames),
        RIG_TEST(test_pusha_is_atomic),
        RIG_TEST(test_popad_skips_esp),
        RIG_TEST(test_bound),
        RIG_TEST(test_far_call_and_return),
        RIG_TEST(test_self_modified_code_is_seen),
        RIG_TEST(test_mode_is_part_of_the_cache_key),
        RIG_TEST(test_cpuid_and_absent_coprocessor),
    };
    return cmocka_run_group_tests_name("real", tests, NULL, NULL);
}
