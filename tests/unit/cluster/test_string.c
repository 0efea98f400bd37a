/* String instructions: devices on either side, overlap, wraps, interruption between elements. */
#include "interp_tests.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void set_indexes(struct rig *rig, u32 si, u32 di, u32 cx)
{
    rig->cpu.reg[CPU_ESI] = si;
    rig->cpu.reg[CPU_EDI] = di;
    rig->cpu.reg[CPU_ECX] = cx;
}

static void assert_indexes(const struct rig *rig, u32 si, u32 di, u32 cx)
{
    assert_int_equal(rig->cpu.reg[CPU_ESI], si);
    assert_int_equal(rig->cpu.reg[CPU_EDI], di);
    assert_int_equal(rig->cpu.reg[CPU_ECX], cx);
}

static void test_overlapping_copy_repeats_the_pattern(void **state)
{
    struct rig *rig = *state;

    rig_put(rig, 0x2000, 2, 0x2211);
    set_indexes(rig, 0x2000, 0x2002, 1000);
    RIG_CODE_BYTES(rig, 0xf3, 0xa5); /* rep movsw */
    rig_step(rig, INTERP_DONE);
    for (u32 i = 0; i < 1000; i++)
        assert_int_equal(rig_get(rig, 0x2002 + 2 * i, 2), 0x2211);
    assert_int_equal(rig_get(rig, 0x2002 + 2000, 2), 0);
    assert_indexes(rig, 0x2000 + 2000, 0x2002 + 2000, 0);
    assert_int_equal(rig->cpu.eip, RIG_CODE + 2);
}

static void test_long_copy_across_pages(void **state)
{
    struct rig *rig = *state;

    for (u32 i = 0; i < 0x4000; i++)
        rig->ram[0x10000 + i] = (u8)(i * 7);
    rig->cpu.sreg[CPU_DS].base = 0x10000;
    rig->cpu.sreg[CPU_ES].base = 0x20000;
    set_indexes(rig, 1, 0xffd, 0x3000);
    RIG_CODE_BYTES(rig, 0xf3, 0xa4);
    rig_step(rig, INTERP_DONE);
    assert_memory_equal(rig->ram + 0x20000 + 0xffd, rig->ram + 0x10001, 0x3000);
    assert_indexes(rig, 0x3001, 0x3ffd, 0);
    assert_int_equal(rig->interp.store[0].first, 0x20ffd);
    assert_int_equal(rig->interp.store[0].last, 0x23ffc);
}

/* Elements one after the other, as the manual has them. */
static void model_elements(u8 *segment, bool copies, bool down, u32 size, u32 si, u32 di, u32 value, u32 count)
{
    for (u32 i = 0; i < count; i++) {
        if (copies)
            memcpy(&value, segment + si, size);
        memcpy(segment + di, &value, size);
        si += down ? -size : size;
        di += down ? -size : size;
    }
}

static void test_runs_are_elements(void **state)
{
    enum { ROUNDS = 4000, SEGMENT = 0x10000, MIDDLE = 0x8000, MAX_COUNT = 2500 };
    static const u8 opcodes[][4] = {{0xf3, 0xa4}, {0xf3, 0xa5}, {0x66, 0xf3, 0xa5}, /* rep movsb, w, d */
                                    {0xf3, 0xaa}, {0xf3, 0xab}, {0x66, 0xf3, 0xab}};
    struct rig *rig = *state;
    u8 *segment = rig->ram + SEGMENT, *model = malloc(SEGMENT);
    rig->cpu.sreg[CPU_DS].base = rig->cpu.sreg[CPU_ES].base = SEGMENT;
    srand(3);
    for (u32 round = 0; round < ROUNDS; round++) {
        u32 kind = (u32)rand() % 6, size = 1u << kind % 3;
        u32 near = rand() % 4 ? 40 : 9000; /* how far source and destination lie apart at most */
        u32 si = MIDDLE + (u32)rand() % 64, di = si + (u32)rand() % (2 * near + 1) - near;
        u32 count = (u32)rand() % (rand() % 2 ? 40 : MAX_COUNT), value = (u32)rand() * 2654435761u;
        bool down = rand() & 1;
        for (u32 i = 0; i < SEGMENT && round % 16 == 0; i++)
            segment[i] = (u8)rand();
        memcpy(model, segment, SEGMENT);
        model_elements(model, kind < 3, down, size, si, di, value, count);
        rig->cpu.eflags = FLAG_FIXED | (down ? FLAG_DF : 0);
        rig->cpu.reg[CPU_EAX] = value;
        set_indexes(rig, si, di, count);
        rig_code(rig, opcodes[kind], kind % 3 == 2 ? 3 : 2);
        rig_step(rig, INTERP_DONE);
        assert_memory_equal(segment, model, SEGMENT);
        u32 moved = down ? -count * size : count * size;
        assert_indexes(rig, kind < 3 ? si + moved : si, di + moved, 0);
    }
    free(model);
}

static void test_fill_backward(void **state)
{
    struct rig *rig = *state;

    rig->cpu.eflags |= FLAG_DF;
    rig->cpu.reg[CPU_EAX] = 0xa55a;
    set_indexes(rig, 0, 0x3000, 16);
    RIG_CODE_BYTES(rig, 0xf3, 0xab);
    rig_step(rig, INTERP_DONE);
    assert_int_equal(rig_get(rig, 0x3000, 2), 0xa55a);
    assert_int_equal(rig_get(rig, 0x3000 - 30, 2), 0xa55a);
    assert_int_equal(rig_get(rig, 0x3000 - 32, 2), 0);
    assert_indexes(rig, 0, 0x3000 - 32, 0);
}

static void test_index_wraps_at_64k(void **state)
{
    struct rig *rig = *state;

    rig->cpu.reg[CPU_EAX] = 0x77;
    rig->cpu.sreg[CPU_ES].base = 0x20000;
    set_indexes(rig, 0, 0xffff0000 | 0xfffe, 4);
    RIG_CODE_BYTES(rig, 0xf3, 0xaa); /* rep stosb */
    rig_step(rig, INTERP_DONE);
    assert_int_equal(rig_get(rig, 0x2fffe, 2), 0x7777);
    assert_int_equal(rig_get(rig, 0x20000, 2), 0x7777);
    assert_int_equal(rig_get(rig, 0x30000, 2), 0);
    assert_int_equal(rig->cpu.reg[CPU_EDI], 0xffff0002);
    assert_int_equal(rig->interp.n_stores, 2); /* and not all between */
    assert_int_equal(rig->interp.store[0].first, 0x2fffe);
    assert_int_equal(rig->interp.store[0].last, 0x2ffff);
    assert_int_equal(rig->interp.store[1].first, 0x20000);
    assert_int_equal(rig->interp.store[1].last, 0x20001);
}

static void test_fault_in_the_middle_keeps_what_was_done(void **state)
{
    struct rig *rig = *state;

    rig->cpu.sreg[CPU_ES].base = 0x20000;
    set_indexes(rig, 0x2000, 0xfffb, 10);
    RIG_CODE_BYTES(rig, 0xf3, 0xa5); /* rep movsw: the third element lies across the limit */
    rig_step(rig, INTERP_AGAIN);
    assert_indexes(rig, 0x2004, 0xffff, 8);
    assert_int_equal(rig->cpu.eip, RIG_CODE);
    assert_true(rig->cpu.eflags & FLAG_RF);
    rig_fault(rig, EXC_GP, false, 0);
}

static void test_count_of_zero_does_nothing(void **state)
{
    struct rig *rig = *state;

    rig->cpu.reg[CPU_EDI] = 0xffff; /* would fault */
    rig->cpu.reg[CPU_ECX] = 0xffff0000;
    rig->cpu.eflags |= FLAG_CF | FLAG_ZF;
    RIG_CODE_BYTES(rig, 0xf3, 0xa7); /* repe cmpsw */
    rig_step(rig, INTERP_DONE);
    assert_int_equal(rig->cpu.eflags, FLAG_FIXED | FLAG_CF | FLAG_ZF);
    assert_int_equal(rig->cpu.eip, RIG_CODE + 2);
    RIG_CODE_BYTES(rig, 0x67, 0xf3, 0xa7); /* but ECX is not zero */
    rig_fault(rig, EXC_GP, false, 0);
}

static void test_compare_and_scan(void **state)
{
    struct rig *rig = *state;

    memcpy(rig->ram + 0x2000, "abcdef", 6);
    memcpy(rig->ram + 0x3000, "abcxef", 6);
    set_indexes(rig, 0x2000, 0x3000, 6);
    RIG_CODE_BYTES(rig, 0xf3, 0xa6); /* repe cmpsb */
    rig_step(rig, INTERP_DONE);
    assert_indexes(rig, 0x2004, 0x3004, 2);
    assert_true(rig->cpu.eflags & FLAG_CF); /* d - x */
    rig->cpu.reg[CPU_EAX] = 'e';
    set_indexes(rig, 0, 0x2000, 6);
    RIG_CODE_BYTES(rig, 0xf2, 0xae); /* repne scasb */
    rig_step(rig, INTERP_DONE);
    assert_indexes(rig, 0, 0x2005, 1);
    assert_true(rig->cpu.eflags & FLAG_ZF);
}

static void test_outs_advances_the_data_not_the_port(void **state)
{
    struct rig *rig = *state;

    rig_put(rig, 0x2000, 4, 0x44332211);
    rig->cpu.reg[CPU_EDX] = 0x3c9;
    rig->cpu.sreg[CPU_DS].base = 0x50000; /* overridden */
    set_indexes(rig, 0x2000, 0, 3);
    RIG_CODE_BYTES(rig, 0xf3, 0x26, 0x6e); /* rep es outsb */
    rig_step(rig, INTERP_DONE);
    assert_int_equal(rig->logged, 3);
    assert_int_equal(rig->interp.device_accesses, 3);
    rig_assert_access(rig, 0, 'o', 0x3c9, 1, 0x11);
    rig_assert_access(rig, 2, 'o', 0x3c9, 1, 0x33);
    assert_indexes(rig, 0x2003, 0, 0);
}

static void test_ins_goes_to_es(void **state)
{
    struct rig *rig = *state;

    rig->cpu.reg[CPU_EDX] = 0x1f0;
    rig->cpu.sreg[CPU_ES].base = 0x30000;
    set_indexes(rig, 0, 0x10, 2);
    RIG_CODE_BYTES(rig, 0x64, 0xf3, 0x6d); /* rep fs insw: the override means nothing */
    rig_step(rig, INTERP_DONE);
    assert_int_equal(rig_get(rig, 0x30010, 4), 0x56715670);
    assert_indexes(rig, 0, 0x14, 0);
}

static void test_ins_checks_before_it_reads(void **state)
{
    struct rig *rig = *state;

    rig->cpu.reg[CPU_EDI] = 0xffff;
    RIG_CODE_BYTES(rig, 0x6d);
    rig_fault(rig, EXC_GP, false, 0);
}

static void test_fill_of_a_device(void **state)
{
    struct rig *rig = *state;

    rig->cpu.sreg[CPU_ES].base = RIG_DEVICE;
    rig->cpu.reg[CPU_EAX] = 0xbeef;
    set_indexes(rig, 0, 0x100, 5);
    RIG_CODE_BYTES(rig, 0xf3, 0xab);
    rig_step(rig, INTERP_DONE);
    assert_int_equal(rig->logged, 5);
    rig_assert_access(rig, 4, 'w', RIG_DEVICE + 0x108, 2, 0xbeef);
}

static void test_copy_within_a_device_reads_and_writes_in_turn(void **state)
{
    struct rig *rig = *state;

    rig->cpu.sreg[CPU_ES].base = rig->cpu.sreg[CPU_DS].base = RIG_DEVICE;
    set_indexes(rig, 0, 0x100, 2);
    RIG_CODE_BYTES(rig, 0xf3, 0xa4);
    rig_step(rig, INTERP_DONE);
    rig_assert_access(rig, 0, 'r', RIG_DEVICE, 1, 0);
    rig_assert_access(rig, 1, 'w', RIG_DEVICE + 0x100, 1, 0);
    rig_assert_access(rig, 2, 'r', RIG_DEVICE + 1, 1, 1);
    rig_assert_access(rig, 3, 'w', RIG_DEVICE + 0x101, 1, 1);
}

static void test_device_refused_in_the_middle(void **state)
{
    struct rig *rig = *state;

    rig->interp.allow_devices = false;
    rig->cpu.sreg[CPU_ES].base = RIG_DEVICE - 4;
    set_indexes(rig, 0, 0, 8);
    RIG_CODE_BYTES(rig, 0xf3, 0xaa);
    rig_step(rig, INTERP_AGAIN);
    assert_indexes(rig, 0, 4, 4);
    rig_step(rig, INTERP_DEVICE);
    assert_indexes(rig, 0, 4, 4);
}

/* Writes to a device may be interrupted between elements as soon as one raises an interrupt. */
static void test_interrupt_between_elements(void **state)
{
    struct rig *rig = *state;

    rig->cpu.reg[CPU_EDX] = 0x20;
    rig->cpu.eflags |= FLAG_IF;
    rig->raise_after = 3;
    set_indexes(rig, 0x2000, 0, 10);
    RIG_CODE_BYTES(rig, 0xf3, 0x6e); /* rep outsb */
    rig_step(rig, INTERP_AGAIN);
    assert_int_equal(rig->logged, 3);
    assert_indexes(rig, 0x2003, 0, 7);
    assert_int_equal(rig->cpu.eip, RIG_CODE);
    assert_true(rig->cpu.eflags & FLAG_RF);
    rig->intr = false;
    rig_step(rig, INTERP_DONE);
    assert_int_equal(rig->logged, 10);
    assert_false(rig->cpu.eflags & FLAG_RF);
}

static void test_no_interrupt_while_masked(void **state)
{
    struct rig *rig = *state;

    rig->raise_after = 3;
    set_indexes(rig, 0x2000, 0, 10);
    RIG_CODE_BYTES(rig, 0xf3, 0x6e);
    rig_step(rig, INTERP_DONE);
    assert_int_equal(rig->logged, 10);
}

static void test_strings_that_read_a_device_complete(void **state)
{
    struct rig *rig = *state;

    rig->cpu.eflags |= FLAG_IF;
    rig->raise_after = 1;
    set_indexes(rig, 0, 0x2000, 10);
    RIG_CODE_BYTES(rig, 0xf3, 0x6c); /* rep insb */
    rig_step(rig, INTERP_DONE);
    assert_int_equal(rig->logged, 10);
    rig->cpu.sreg[CPU_DS].base = RIG_DEVICE;
    set_indexes(rig, 0, 0x2000, 10);
    RIG_CODE_BYTES(rig, 0xf3, 0xa4); /* rep movsb from the device */
    rig_step(rig, INTERP_DONE);
    assert_int_equal(rig->logged, 20);
}

/* From the device down into memory. Into memory again it goes on; into a device it is interrupted where it has left. */
static void test_strings_that_leave_a_device(void **state)
{
    struct rig *rig = *state;

    rig->cpu.eflags |= FLAG_IF | FLAG_DF;
    rig->raise_after = 1;
    rig->cpu.sreg[CPU_DS].base = RIG_DEVICE - 0x10;
    set_indexes(rig, 0x12, 0x2020, 10);
    RIG_CODE_BYTES(rig, 0xf3, 0xa4); /* rep movsb: 3 bytes of the device, then memory */
    rig_step(rig, INTERP_DONE);
    assert_int_equal(rig->logged, 3);
    rig->cpu.sreg[CPU_ES].base = RIG_DEVICE;
    set_indexes(rig, 0x12, 0x2020, 10);
    RIG_CODE_BYTES(rig, 0xf3, 0xa4);
    rig_step(rig, INTERP_AGAIN);
    assert_int_equal(rig->logged, 3 + 2 * 3);
    assert_int_equal(rig->cpu.reg[CPU_ECX] & 0xffff, 7);
}

/* From memory up into the device: behind a write it is interrupted, but not where a read comes next. */
static void test_strings_that_enter_a_device(void **state)
{
    struct rig *rig = *state;

    rig->cpu.eflags |= FLAG_IF;
    rig->raise_after = 2;
    rig->cpu.sreg[CPU_DS].base = RIG_DEVICE - 0x10;
    rig->cpu.sreg[CPU_ES].base = RIG_DEVICE;
    set_indexes(rig, 0x0e, 0x2000, 4);
    RIG_CODE_BYTES(rig, 0xf3, 0xa4); /* two bytes of memory, two of the device */
    rig_step(rig, INTERP_DONE);
    assert_int_equal(rig->logged, 2 + 2 * 2);
    rig->raise_after = rig->logged + 1;
    rig->intr = false;
    set_indexes(rig, 0x0e, 0x2000, 4);
    RIG_CODE_BYTES(rig, 0xf3, 0xa4);
    rig_step(rig, INTERP_AGAIN);
    assert_int_equal(rig->logged, 7);
}

/* A device that has up to 100 elements at hand: what its port reads one by one. */
static u32 hundred_at_once(void *opaque, struct env_run *run)
{
    struct rig *rig = opaque;
    u32 n = MIN(run->count, 100u);

    assert_int_equal(run->source, ENV_SIDE_PORT);
    assert_int_equal(run->sink, ENV_SIDE_RAM);
    assert_int_equal(run->port, 0x1f0);
    for (u32 i = 0; i < n; i++) {
        u32 value = RIG_PORT_VALUE + rig->port_reads++;
        memcpy(run->ram_to + i * run->size, &value, run->size);
    }
    return n;
}

static void test_ins_takes_many_from_a_device_that_has_them(void **state)
{
    struct rig *rig = *state;
    enum { START = 0x2ff1, COUNT = 300 };

    rig->env.device_run = hundred_at_once;
    rig->intr = true;
    rig->cpu.eflags |= FLAG_IF;
    rig->cpu.reg[CPU_EDX] = 0x1f0;
    set_indexes(rig, 0, START, COUNT);
    RIG_CODE_BYTES(rig, 0xf3, 0x6d); /* rep insw */
    rig_step(rig, INTERP_DONE);
    for (u32 i = 0; i < COUNT; i++)
        assert_int_equal(rig_get(rig, START + 2 * i, 2), (u16)(RIG_PORT_VALUE + i));
    assert_int_equal(rig_get(rig, START + 2 * COUNT, 2), 0);
    assert_int_equal(rig->logged, 1); /* the element at the end of the page */
    assert_int_equal(rig->interp.device_accesses, COUNT);
    assert_int_equal(rig->interp.store[0].first, START);
    assert_int_equal(rig->interp.store[0].last, START + 2 * COUNT - 1);
    assert_int_equal(rig->cpu.reg[CPU_EDI], START + 2 * COUNT);
    assert_int_equal(rig->cpu.reg[CPU_ECX], 0);
}

static void test_ins_into_a_device_or_downward_is_one_by_one(void **state)
{
    struct rig *rig = *state;

    rig->env.device_run = hundred_at_once;
    rig->cpu.reg[CPU_EDX] = 0x1f0;
    set_indexes(rig, 0, 0x2000, 10);
    rig->cpu.eflags |= FLAG_DF;
    RIG_CODE_BYTES(rig, 0xf3, 0x6c); /* rep insb */
    rig_step(rig, INTERP_DONE);
    assert_int_equal(rig->logged, 10);
    assert_int_equal(rig_get(rig, 0x1ff7, 1), (u8)(RIG_PORT_VALUE + 9));
    rig->cpu.eflags &= ~(u32)FLAG_DF;
    rig->cpu.sreg[CPU_ES].base = RIG_DEVICE;
    set_indexes(rig, 0, 0x2000, 10);
    RIG_CODE_BYTES(rig, 0xf3, 0x6c);
    rig_step(rig, INTERP_DONE);
    assert_int_equal(rig->logged, 10 + 20); /* a read and a write each */
}

static void test_run_loop_gets_the_processor(void **state)
{
    struct rig *rig = *state;

    rig->attention = 1;
    set_indexes(rig, 0, 0x2000, 0x8000);
    RIG_CODE_BYTES(rig, 0xf3, 0xaa);
    rig_step(rig, INTERP_AGAIN);
    assert_true(rig->cpu.reg[CPU_ECX] < 0x8000); /* but it made progress */
    assert_true(rig->cpu.reg[CPU_ECX] >= 0x8000 - 4096);
    rig->attention = 0;
    rig_step(rig, INTERP_DONE);
    assert_int_equal(rig->cpu.reg[CPU_ECX], 0);
}

static void test_endless_input_is_bounded(void **state)
{
    struct rig *rig = *state;

    rig->attention = 1;
    set_indexes(rig, 0, 0x2000, 0xffffffff);
    rig->cpu.sreg[CPU_ES].limit = 0xffffffff;
    rig->cpu.reg[CPU_EDX] = 0x60;
    RIG_CODE_BYTES(rig, 0x67, 0xf3, 0x6c); /* rep insb with ECX */
    rig_step(rig, INTERP_AGAIN);
    assert_int_equal(rig->cpu.reg[CPU_ECX], 0xffffffff - 65536);
}

static void test_request_stops_between_elements(void **state)
{
    struct rig *rig = *state;

    rig->requests = 1;
    set_indexes(rig, 0x2000, 0, 10);
    RIG_CODE_BYTES(rig, 0xf3, 0x6e);
    rig_step(rig, INTERP_AGAIN);
    assert_int_equal(rig->logged, 1);
}

/* KVM's emulator checks a batch of INS as a whole. */
static void test_ins_over_the_end_is_left_to_kvm(void **state)
{
    struct rig *rig = *state;
    static const u8 address32[] = {0x67, 0xf3, 0x6c}, address16[] = {0xf3, 0x6c};

    rig->interp.like_kvm = true;
    for (u32 i = 0; i < 2; i++) {
        rig_code(rig, i ? address16 : address32, i ? sizeof address16 : sizeof address32);
        set_indexes(rig, 0, 0xfffe, 3);
        rig_step(rig, INTERP_UNSUPPORTED);
        rig->cpu.reg[CPU_ECX] = 2;
        rig_step(rig, INTERP_DONE);
    }
    rig->interp.like_kvm = false;
    rig_code(rig, address32, sizeof address32);
    set_indexes(rig, 0, 0xfffe, 3);
    rig_step(rig, INTERP_AGAIN);
    assert_int_equal(rig->cpu.reg[CPU_ECX], 1);
}

int test_string(void)
{
    const struct CMUnitTest tests[] = {
        RIG_TEST(test_overlapping_copy_repeats_the_pattern),
        RIG_TEST(test_long_copy_across_pages),
        RIG_TEST(test_runs_are_elements),
        RIG_TEST(test_fill_backward),
        RIG_TEST(test_index_wraps_at_64k),
        RIG_TEST(test_fault_in_the_middle_keeps_what_was_done),
        RIG_TEST(test_count_of_zero_does_nothing),
        RIG_TEST(test_compare_and_scan),
        RIG_TEST(test_outs_advances_the_data_not_the_port),
        RIG_TEST(test_ins_goes_to_es),
        RIG_TEST(test_ins_checks_before_it_reads),
        RIG_TEST(test_fill_of_a_device),
        RIG_TEST(test_copy_within_a_device_reads_and_writes_in_turn),
        RIG_TEST(test_device_refused_in_the_middle),
        RIG_TEST(test_interrupt_between_elements),
        RIG_TEST(test_no_interrupt_while_masked),
        RIG_TEST(test_strings_that_leave_a_device),
        RIG_TEST(test_strings_that_enter_a_device),
        RIG_TEST(test_strings_that_read_a_device_complete),
        RIG_TEST(test_ins_takes_many_from_a_device_that_has_them),
        RIG_TEST(test_ins_into_a_device_or_downward_is_one_by_one),
        RIG_TEST(test_run_loop_gets_the_processor),
        RIG_TEST(test_endless_input_is_bounded),
        RIG_TEST(test_request_stops_between_elements),
        RIG_TEST(test_ins_over_the_end_is_left_to_kvm),
    };
    return cmocka_run_group_tests_name("string", tests, NULL, NULL);
}
