/* Device accesses: their number, size and order, what crosses pages, ROM, and allow_devices. */
#include "interp_tests.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* DS at the device, BX in it. */
static void at_device(struct rig *rig, u16 bx)
{
    rig->cpu.sreg[CPU_DS].base = RIG_DEVICE;
    rig->cpu.reg[CPU_EBX] = bx;
}

static void test_one_access_of_the_operand_size(void **state)
{
    struct rig *rig = *state;

    at_device(rig, 0x10);
    RIG_CODE_BYTES(rig, 0x66, 0x8b, 0x07); /* mov eax, [bx] */
    rig_step(rig, INTERP_DONE);
    assert_int_equal(rig->logged, 1);
    assert_int_equal(rig->interp.device_accesses, 1);
    rig_assert_access(rig, 0, 'r', RIG_DEVICE + 0x10, 4, 0x13121110);
    assert_int_equal(rig->cpu.reg[CPU_EAX], 0x13121110);
    RIG_CODE_BYTES(rig, 0x88, 0x67, 0x01); /* mov [bx+1], ah */
    rig_step(rig, INTERP_DONE);
    rig_assert_access(rig, 1, 'w', RIG_DEVICE + 0x11, 1, 0x11);
    assert_int_equal(rig->interp.n_stores, 0);
}

static void test_read_modify_write(void **state)
{
    struct rig *rig = *state;

    at_device(rig, 0x10);
    rig->cpu.reg[CPU_EAX] = 0x1000;
    RIG_CODE_BYTES(rig, 0x09, 0x07); /* or [bx], ax */
    rig_step(rig, INTERP_DONE);
    assert_int_equal(rig->logged, 2);
    rig_assert_access(rig, 0, 'r', RIG_DEVICE + 0x10, 2, 0x1110);
    rig_assert_access(rig, 1, 'w', RIG_DEVICE + 0x10, 2, 0x1110);
    RIG_CODE_BYTES(rig, 0x39, 0x07); /* cmp [bx], ax only reads */
    rig_step(rig, INTERP_DONE);
    assert_int_equal(rig->logged, 3);
}

static void test_page_crossing_is_two_accesses(void **state)
{
    struct rig *rig = *state;

    at_device(rig, 0xffd);
    RIG_CODE_BYTES(rig, 0x66, 0x8b, 0x07); /* mov eax, [bx] */
    rig_step(rig, INTERP_DONE);
    assert_int_equal(rig->logged, 2);
    rig_assert_access(rig, 0, 'r', RIG_DEVICE + 0xffd, 3, 0xfffefd);
    rig_assert_access(rig, 1, 'r', RIG_DEVICE + 0x1000, 1, 0);
    assert_int_equal(rig->cpu.reg[CPU_EAX], 0x00fffefd);
    rig->cpu.reg[CPU_EAX] = 0x44332211;
    RIG_CODE_BYTES(rig, 0x66, 0x89, 0x07);
    rig_step(rig, INTERP_DONE);
    rig_assert_access(rig, 2, 'w', RIG_DEVICE + 0xffd, 3, 0x332211);
    rig_assert_access(rig, 3, 'w', RIG_DEVICE + 0x1000, 1, 0x44);
}

static void test_part_in_ram_is_direct(void **state)
{
    struct rig *rig = *state;

    rig->cpu.sreg[CPU_DS].base = RIG_DEVICE - 2;
    rig->cpu.reg[CPU_EAX] = 0x44332211;
    RIG_CODE_BYTES(rig, 0x66, 0xa3, 0x00, 0x00); /* mov [0], eax */
    rig_step(rig, INTERP_DONE);
    assert_int_equal(rig->logged, 1);
    rig_assert_access(rig, 0, 'w', RIG_DEVICE, 2, 0x4433);
    assert_int_equal(rig_get(rig, RIG_DEVICE - 2, 2), 0x2211);
    assert_int_equal(rig->interp.n_stores, 1);
    assert_int_equal(rig->interp.store[0].first, RIG_DEVICE - 2);
    assert_int_equal(rig->interp.store[0].last, RIG_DEVICE - 1);
}

static void test_rom_reads_direct_and_writes_to_the_bus(void **state)
{
    struct rig *rig = *state;

    rig->cpu.sreg[CPU_DS].base = RIG_ROM;
    rig_put(rig, RIG_ROM, 2, 0xaa55);
    RIG_CODE_BYTES(rig, 0xff, 0x06, 0x00, 0x00); /* inc word [0] */
    rig_step(rig, INTERP_DONE);
    assert_int_equal(rig->logged, 1);
    rig_assert_access(rig, 0, 'w', RIG_ROM, 2, 0xaa56);
    assert_int_equal(rig_get(rig, RIG_ROM, 2), 0xaa55);
}

static void test_unmapped_memory_is_the_bus(void **state)
{
    struct rig *rig = *state;

    rig->cpu.sreg[CPU_DS].base = 0x01000000;
    RIG_CODE_BYTES(rig, 0xa0, 0x05, 0x00); /* mov al, [5] */
    rig_step(rig, INTERP_DONE);
    rig_assert_access(rig, 0, 'r', 0x01000005, 1, 5);
}

static void test_devices_can_be_refused(void **state)
{
    static const u8 code[][4] = {
        {0x8a, 0x07}, /* mov al, [bx] */
        {0x88, 0x07}, /* mov [bx], al */
        {0xfe, 0x07}, /* inc byte [bx] */
        {0xff, 0x37}, /* push word [bx] */
        {0x8f, 0x07}, /* pop word [bx] */
        {0xec},       /* in al, dx */
        {0xe6, 0x20}, /* out 20h, al */
        {0x6e},       /* outsb */
        {0x6c},       /* insb */
        {0xac},       /* lodsb */
        {0xd7},       /* xlat */
        {0xc4, 0x07}, /* les ax, [bx] */
    };
    struct rig *rig = *state;

    at_device(rig, 0x10);
    rig->interp.allow_devices = false;
    for (size_t i = 0; i < ARRAY_LEN(code); i++) {
        rig_code(rig, code[i], sizeof(code[i]));
        struct cpu_state before = rig->cpu;
        rig_step(rig, INTERP_DEVICE);
        assert_memory_equal(&rig->cpu, &before, sizeof(before));
        assert_int_equal(rig->logged, 0);
        assert_int_equal(rig->interp.n_stores, 0);
    }
}

static void test_frames_on_a_device_can_be_refused(void **state)
{
    static const u8 code[][5] = {
        {0x60},             /* pusha */
        {0x9a, 0, 0, 0, 0}, /* call far */
        {0xcd, 0x10},       /* int */
    };
    struct rig *rig = *state;

    rig->cpu.sreg[CPU_SS].base = RIG_DEVICE_END - 0x10000 + 2; /* the first push is RAM, the others are not */
    rig->cpu.reg[CPU_ESP] = 0;
    rig->interp.allow_devices = false;
    for (size_t i = 0; i < ARRAY_LEN(code); i++) {
        rig_code(rig, code[i], sizeof(code[i]));
        struct cpu_state before = rig->cpu;
        rig_step(rig, INTERP_DEVICE);
        assert_memory_equal(&rig->cpu, &before, sizeof(before));
        assert_int_equal(rig->interp.n_stores, 0);
    }
}

static void test_push_of_device_memory_checks_the_stack_first(void **state)
{
    struct rig *rig = *state;

    at_device(rig, 0x10);
    rig->cpu.reg[CPU_ESP] = 1;
    RIG_CODE_BYTES(rig, 0xff, 0x37);  /* push word [bx] */
    rig_fault(rig, EXC_SS, false, 0); /* also: no access was made */
    RIG_CODE_BYTES(rig, 0xff, 0x17);  /* call [bx] */
    rig_fault(rig, EXC_SS, false, 0);
}

static void test_far_pointer_is_one_access(void **state)
{
    struct rig *rig = *state;

    at_device(rig, 0x10);
    RIG_CODE_BYTES(rig, 0xc4, 0x07); /* les ax, [bx] */
    rig_step(rig, INTERP_DONE);
    assert_int_equal(rig->logged, 1);
    rig_assert_access(rig, 0, 'r', RIG_DEVICE + 0x10, 4, 0x13121110);
    assert_int_equal(rig->cpu.sreg[CPU_ES].selector, 0x1312);
}

static void test_ports(void **state)
{
    struct rig *rig = *state;

    rig->cpu.reg[CPU_EDX] = 0x1f0;
    rig->cpu.reg[CPU_EAX] = 0xffffffff;
    RIG_CODE_BYTES(rig, 0xec, 0xed, 0x66, 0xed, 0xe5, 0x40, 0xee, 0x66, 0xe7, 0x80);
    rig_step(rig, INTERP_DONE);
    assert_int_equal(rig->cpu.reg[CPU_EAX], 0xffffff70);
    rig_step(rig, INTERP_DONE);
    assert_int_equal(rig->cpu.reg[CPU_EAX], 0xffff5671);
    rig_step(rig, INTERP_DONE);
    assert_int_equal(rig->cpu.reg[CPU_EAX], 0x12345672);
    rig_step(rig, INTERP_DONE);
    rig_assert_access(rig, 3, 'i', 0x40, 2, RIG_PORT_VALUE + 3);
    rig_step(rig, INTERP_DONE);
    rig_assert_access(rig, 4, 'o', 0x1f0, 1, 0x73);
    rig_step(rig, INTERP_DONE);
    rig_assert_access(rig, 5, 'o', 0x80, 4, 0x12345673);
}

static void test_store_range(void **state)
{
    struct rig *rig = *state;

    RIG_CODE_BYTES(rig, 0x60, 0x90); /* pusha; nop */
    rig_step(rig, INTERP_DONE);
    assert_int_equal(rig->interp.n_stores, 1);
    assert_int_equal(rig->interp.store[0].first, RIG_STACK - 16);
    assert_int_equal(rig->interp.store[0].last, RIG_STACK - 1);
    rig_step(rig, INTERP_DONE);
    assert_int_equal(rig->interp.n_stores, 0);
}

static void test_fetch_from_a_device_is_unsupported(void **state)
{
    struct rig *rig = *state;

    rig->cpu.sreg[CPU_CS].base = RIG_DEVICE;
    rig->cpu.eip = 0;
    rig_step(rig, INTERP_UNSUPPORTED);
    rig->cpu.sreg[CPU_CS].base = RIG_DEVICE - 0x1000;
    rig->cpu.eip = 0xfff;
    rig_put(rig, RIG_DEVICE - 1, 1, 0xb8); /* mov ax, imm: the rest is on the device */
    rig_step(rig, INTERP_UNSUPPORTED);
    assert_int_equal(rig->logged, 0);
    rig_put(rig, RIG_DEVICE - 1, 1, 0x90); /* a whole instruction in front of it is fine */
    rig_step(rig, INTERP_DONE);
}

int test_memory(void)
{
    const struct CMUnitTest tests[] = {
        RIG_TEST(test_one_access_of_the_operand_size),
        RIG_TEST(test_read_modify_write),
        RIG_TEST(test_page_crossing_is_two_accesses),
        RIG_TEST(test_part_in_ram_is_direct),
        RIG_TEST(test_rom_reads_direct_and_writes_to_the_bus),
        RIG_TEST(test_unmapped_memory_is_the_bus),
        RIG_TEST(test_devices_can_be_refused),
        RIG_TEST(test_frames_on_a_device_can_be_refused),
        RIG_TEST(test_push_of_device_memory_checks_the_stack_first),
        RIG_TEST(test_far_pointer_is_one_access),
        RIG_TEST(test_ports),
        RIG_TEST(test_store_range),
        RIG_TEST(test_fetch_from_a_device_is_unsupported),
    };
    return cmocka_run_group_tests_name("memory", tests, NULL, NULL);
}
