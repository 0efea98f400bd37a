/* Running clusters: why they are left, where exactly, and what was counted by then. */
#include "engine_rig.h"

#include <string.h>

/* Forms a cluster of the code at RIG_CODE, as behind a write that exited just before it, and runs it. */
static void run(struct engine_rig *er)
{
    er->cpu->eip = RIG_CODE;
    struct cluster *cluster = engine_form(er, POSITION_AFTER);
    cluster_engine_run(er->engine, cluster, er->cpu);
}

static void assert_left(const struct engine_rig *er, enum cluster_leave leave, u32 offset, u64 instructions,
                        u64 avoided)
{
    struct cluster_stats stats = engine_stats(er);

    for (u32 i = 0; i < LEAVE_REASONS; i++)
        assert_int_equal(stats.leave[i], i == leave);
    assert_int_equal(stats.runs, 1);
    assert_int_equal(er->cpu->eip, RIG_CODE + offset);
    assert_int_equal(stats.instructions, instructions);
    assert_int_equal(stats.exits_avoided, avoided);
}

/* --- going on, and ending --- */

static void to_the_end(void **state)
{
    struct engine_rig *er = *state;

    ENGINE_CODE(er, 0x40, 0xe6, 0x80, 0x40, 0x40, 0xe4, 0x60, 0x40,
                0xcf); /* inc; out; inc; inc; in; inc: dropped */
    run(er);
    assert_left(er, LEAVE_end, 7, 5, 2);
    rig_assert_access(er->rig, 0, 'o', 0x80, 1, 1);
    rig_assert_access(er->rig, 1, 'i', 0x60, 1, RIG_PORT_VALUE);
}

static void out_by_a_branch(void **state)
{
    struct engine_rig *er = *state;

    ENGINE_CODE(er, 0xe6, 0x80, 0x74, 0x10, 0xe6, 0x81, 0xcf); /* out; jz away; out */
    er->cpu->eflags |= FLAG_ZF;
    run(er);
    assert_left(er, LEAVE_branch, 0x14, 2, 1);
}

static void stop_at_fifth(struct engine_rig *er, u32 n)
{
    er->rig->attention = n == 5;
}

/* Its target comes from the device, which reads 0100h at 0: the place of the OUT, in the cluster again. */
static void an_indirect_jump_into_the_cluster(void **state)
{
    struct engine_rig *er = *state;

    ENGINE_CODE(er, 0xe6, 0x80, 0x26, 0xff, 0x27, 0xcf); /* out 80h, al; jmp es:[bx] */
    er->cpu->sreg[CPU_CS].base = RIG_CODE - 0x100;
    er->cpu->sreg[CPU_ES].base = RIG_DEVICE;
    er->cpu->eip = 0x102;
    assert_null(engine_exit(er, POSITION_AT)); /* the jump exits */
    er->hook = stop_at_fifth;
    er->cpu->eip = 0x100;
    struct cluster *cluster = engine_form(er, POSITION_AFTER);
    assert_int_equal(cluster->n, 2);
    cluster_engine_run(er->engine, cluster, er->cpu);
    assert_left(er, LEAVE_attention, 0x102 - RIG_CODE, 5, 5);
}

static void a_loop_runs_on(void **state)
{
    struct engine_rig *er = *state;

    ENGINE_CODE(er, 0xe6, 0x80, 0x49, 0x75, 0xfb, 0xcf); /* 1: out 80h, al; dec cx; jnz 1b */
    er->cpu->reg[CPU_ECX] = 1000;
    run(er);
    assert_left(er, LEAVE_branch, 5, 3000, 1000);
    assert_int_equal(er->accesses, 1000);
    assert_int_equal(er->cpu->reg[CPU_ECX], 0);
}

/* Entered behind an OUT that the loop comes back to. */
static void a_loop_back_to_the_trigger(void **state)
{
    struct engine_rig *er = *state;

    ENGINE_CODE(er, 0xe6, 0x80, 0x49, 0x75, 0xfb, 0xcf);
    er->cpu->eip = RIG_CODE + 2;
    er->cpu->reg[CPU_ECX] = 5;
    struct cluster *cluster = engine_form(er, POSITION_AFTER);
    cluster_engine_run(er->engine, cluster, er->cpu);
    assert_left(er, LEAVE_branch, 5, 5 * 2 + 4, 4);
}

static void a_weak_instruction_that_stays_in_ram(void **state)
{
    struct engine_rig *er = *state;

    ENGINE_CODE(er, 0x88, 0x07, 0xe6, 0x80, 0xcf); /* mov [bx], al; out 80h, al */
    er->cpu->reg[CPU_EBX] = 0x5000;
    er->cpu->reg[CPU_EAX] = 0x77;
    run(er);
    assert_left(er, LEAVE_end, 4, 2, 1);
    assert_int_equal(rig_get(er->rig, 0x5000, 1), 0x77);
}

/* A gap filler that meets a device is executed all the same, and counted as an exit that was avoided. */
static void a_gap_filler_that_meets_a_device(void **state)
{
    struct engine_rig *er = *state;

    ENGINE_CODE(er, 0x26, 0x88, 0x07, 0xe6, 0x80, 0xcf); /* mov es:[bx], al; out */
    er->cpu->sreg[CPU_ES].base = RIG_DEVICE;
    run(er);
    assert_left(er, LEAVE_end, 5, 2, 2);
    rig_assert_access(er->rig, 0, 'w', RIG_DEVICE, 1, 0);
}

/* --- interrupts --- */

static void raise_at_first(struct engine_rig *er, u32 n)
{
    er->rig->intr = er->rig->intr || n == 1;
}

static void interrupt_right_after_the_access_that_raised_it(void **state)
{
    struct engine_rig *er = *state;

    ENGINE_CODE(er, 0xe6, 0x80, 0x40, 0xe6, 0x81, 0xcf);
    er->cpu->eflags |= FLAG_IF;
    er->hook = raise_at_first;
    run(er);
    assert_left(er, LEAVE_interrupt, 2, 1, 1);
}

static void no_interrupt_while_off(void **state)
{
    struct engine_rig *er = *state;

    ENGINE_CODE(er, 0xe6, 0x80, 0x40, 0xe6, 0x81, 0xcf);
    er->hook = raise_at_first;
    run(er);
    assert_left(er, LEAVE_end, 5, 3, 2);
}

/* STI opens one instruction late; a second STI changes nothing. */
static void interrupt_after_the_shadow_of_sti(void **state)
{
    struct engine_rig *er = *state;

    ENGINE_CODE(er, 0xe6, 0x80, 0xfb, 0xe6, 0x81, 0xe6, 0x82, 0xcf); /* out; sti; out; out */
    er->hook = raise_at_first;
    run(er);
    assert_left(er, LEAVE_interrupt, 5, 3, 2);
    assert_false(er->cpu->interrupt_shadow);
}

static void interrupt_after_popf(void **state)
{
    struct engine_rig *er = *state;

    ENGINE_CODE(er, 0xe6, 0x80, 0x9d, 0xe6, 0x81, 0xcf); /* out; popf; out */
    rig_put(er->rig, RIG_STACK, 2, FLAG_FIXED | FLAG_IF);
    er->hook = raise_at_first;
    run(er);
    assert_left(er, LEAVE_interrupt, 3, 2, 1);
}

static void interrupt_after_the_shadow_of_mov_ss(void **state)
{
    struct engine_rig *er = *state;

    /* out; mov ss, es:[bx] raises; mov sp, ax; out */
    ENGINE_CODE(er, 0xe6, 0x80, 0x26, 0x8e, 0x17, 0x89, 0xc4, 0xe6, 0x81, 0xcf);
    er->cpu->sreg[CPU_ES].base = RIG_DEVICE;
    er->cpu->eflags |= FLAG_IF;
    er->hook = NULL;
    er->rig->raise_after = 2;
    run(er);
    assert_left(er, LEAVE_interrupt, 7, 3, 2);
}

static void interrupt_behind_a_branch_in_the_shadow(void **state)
{
    struct engine_rig *er = *state;

    ENGINE_CODE(er, 0xe6, 0x80, 0xfb, 0x74, 0x03, 0xe6, 0x81, 0xcf); /* out; sti; jz away; out */
    er->cpu->eflags |= FLAG_ZF;
    er->hook = raise_at_first;
    run(er);
    assert_left(er, LEAVE_interrupt, 8, 3, 1);
}

/* Left in the middle of it: the instruction that faults is KVM's, and the interrupt still waits for it. */
static void left_inside_the_shadow(void **state)
{
    struct engine_rig *er = *state;

    ENGINE_CODE(er, 0xe6, 0x80, 0xfb, 0xf6, 0xf3, 0xe6, 0x81, 0xcf); /* out; sti; div bl; out */
    er->cpu->reg[CPU_EBX] = 0;
    er->hook = raise_at_first;
    run(er);
    assert_left(er, LEAVE_fault, 3, 2, 1);
    assert_true(er->cpu->interrupt_shadow);
}

static void repeat_stops_for_an_interrupt_between_elements(void **state)
{
    struct engine_rig *er = *state;

    ENGINE_CODE(er, 0xf3, 0xaa, 0xe6, 0x80, 0xcf); /* rep stosb; out */
    er->cpu->sreg[CPU_ES].base = RIG_DEVICE;
    er->cpu->reg[CPU_ECX] = 10;
    er->cpu->eflags |= FLAG_IF;
    er->rig->raise_after = 4;
    run(er);
    assert_left(er, LEAVE_interrupt, 0, 1, 4);
    assert_int_equal(er->cpu->reg[CPU_ECX], 6);
    assert_true(er->cpu->eflags & FLAG_RF);
}

static void repeat_from_a_device_completes_first(void **state)
{
    struct engine_rig *er = *state;

    ENGINE_CODE(er, 0xf3, 0x26, 0xa4, 0xe6, 0x80, 0xcf); /* rep movsb from es:[si] to es:[di]; out */
    er->cpu->sreg[CPU_ES].base = RIG_DEVICE;
    er->cpu->reg[CPU_ECX] = 10;
    er->cpu->eflags |= FLAG_IF;
    er->rig->raise_after = 4;
    run(er);
    assert_left(er, LEAVE_interrupt, 3, 1, 20);
    assert_int_equal(er->cpu->reg[CPU_ECX], 0);
}

/* Entered between two elements of REP, as KVM leaves it. */
static void repeat_goes_on_from_inside(void **state)
{
    struct engine_rig *er = *state;

    ENGINE_CODE(er, 0xf3, 0xaa, 0xcf);
    er->cpu->sreg[CPU_ES].base = RIG_DEVICE;
    er->cpu->reg[CPU_ECX] = 10;
    er->cpu->reg[CPU_EDI] = 5;
    er->cpu->eflags |= FLAG_RF;
    struct cluster *cluster = engine_form(er, POSITION_INSIDE);
    assert_int_equal(cluster->n, 1);
    cluster_engine_run(er->engine, cluster, er->cpu);
    assert_left(er, LEAVE_end, 2, 1, 10);
    rig_assert_access(er->rig, 0, 'w', RIG_DEVICE + 5, 1, 0);
    assert_false(er->cpu->eflags & FLAG_RF);
}

/* --- the other effects --- */

static void halt(void **state)
{
    struct engine_rig *er = *state;

    ENGINE_CODE(er, 0xe6, 0x80, 0xf4, 0xe6, 0x81, 0xcf);
    run(er);
    assert_left(er, LEAVE_halt, 3, 2, 2); /* HLT exits, too */
    assert_true(er->cpu->halted);
}

/* STI; HLT with an interrupt waiting: it is taken behind HLT. */
static void halt_in_the_shadow(void **state)
{
    struct engine_rig *er = *state;

    ENGINE_CODE(er, 0xe6, 0x80, 0xfb, 0xf4, 0xe6, 0x81, 0xcf);
    er->hook = raise_at_first;
    run(er);
    assert_left(er, LEAVE_halt, 4, 3, 2);
    assert_true(er->cpu->halted);
}

static void fault_has_no_effect(void **state)
{
    struct engine_rig *er = *state;

    ENGINE_CODE(er, 0xe6, 0x80, 0xf6, 0xf3, 0xe6, 0x81, 0xcf); /* out; div bl; out */
    er->cpu->reg[CPU_EAX] = 0x1234;
    er->cpu->reg[CPU_EBX] = 0;
    er->cpu->eflags |= FLAG_CF | FLAG_OF;
    struct cpu_state before = *er->cpu;
    run(er);
    assert_left(er, LEAVE_fault, 2, 1, 1);
    before.eip = er->cpu->eip;
    assert_memory_equal(er->cpu, &before, sizeof before);
    assert_int_equal(er->accesses, 1);
}

static void first_instruction_faults(void **state)
{
    struct engine_rig *er = *state;

    ENGINE_CODE(er, 0xf6, 0xf3, 0xe6, 0x81, 0xcf);
    run(er);
    assert_left(er, LEAVE_fault, 0, 0, 0);
}

/* The divisor came from the device: it cannot be read again, so the exception is raised here. */
static void fault_after_a_device_access(void **state)
{
    struct engine_rig *er = *state;

    ENGINE_CODE(er, 0xe6, 0x80, 0x26, 0xf6, 0x37, 0xe6, 0x81, 0xcf); /* out; div byte es:[bx]; out */
    er->cpu->sreg[CPU_ES].base = RIG_DEVICE;                         /* byte 0 reads 0 */
    rig_put(er->rig, EXC_DE * 4, 2, 0x2345);
    run(er);
    assert_left(er, LEAVE_fault, 0x2345 - RIG_CODE, 1, 2);
    assert_int_equal(er->accesses, 2);
    assert_int_equal(er->cpu->reg[CPU_ESP], RIG_STACK - 6);
    assert_int_equal(rig_get(er->rig, RIG_STACK - 6, 2), RIG_CODE + 2); /* the fault's own address */
}

static void wrote_its_own_code(void **state)
{
    struct engine_rig *er = *state;

    /* out 80h, al; mov [bx], al; nop; out 81h, al */
    ENGINE_CODE(er, 0xe6, 0x80, 0x88, 0x07, 0x90, 0xe6, 0x81, 0xcf);
    er->cpu->reg[CPU_EBX] = RIG_CODE + 6;
    er->cpu->reg[CPU_EAX] = 0x99;
    run(er);
    assert_left(er, LEAVE_self_modified, 4, 2, 1);
    assert_int_equal(er->rig->ram[RIG_CODE + 6], 0x99);
}

static void wrote_beside_its_code(void **state)
{
    struct engine_rig *er = *state;

    ENGINE_CODE(er, 0xe6, 0x80, 0x88, 0x07, 0x90, 0xe6, 0x81, 0xcf);
    er->cpu->reg[CPU_EBX] = RIG_CODE + 7;
    run(er);
    assert_left(er, LEAVE_end, 7, 4, 2);
}

static void pushed_over_its_code(void **state)
{
    struct engine_rig *er = *state;

    ENGINE_CODE(er, 0xe6, 0x80, 0x60, 0x90, 0xe6, 0x81, 0xcf); /* out; pusha; nop; out */
    er->cpu->reg[CPU_ESP] = RIG_CODE + 20;
    run(er);
    assert_left(er, LEAVE_self_modified, 3, 2, 1);
}

static void bump_generation(struct engine_rig *er, u32 n)
{
    (void)n;
    er->rig->generation++;
}

static void mapping_changed(void **state)
{
    struct engine_rig *er = *state;

    ENGINE_CODE(er, 0xe6, 0x80, 0x40, 0xe6, 0x81, 0xcf);
    er->hook = bump_generation;
    run(er);
    assert_left(er, LEAVE_mapping, 2, 1, 1);
}

static void request(struct engine_rig *er, u32 n)
{
    (void)n;
    er->rig->requests = 1;
}

static void requested(void **state)
{
    struct engine_rig *er = *state;

    ENGINE_CODE(er, 0xe6, 0x80, 0x40, 0xe6, 0x81, 0xcf);
    er->hook = request;
    run(er);
    assert_left(er, LEAVE_request, 2, 1, 1);
}

static void want(struct engine_rig *er, u32 n)
{
    er->rig->attention = n == 3;
}

static void attention(void **state)
{
    struct engine_rig *er = *state;

    ENGINE_CODE(er, 0xe6, 0x80, 0xeb, 0xfc); /* 1: out 80h, al; jmp 1b: nothing else would end it */
    er->hook = want;
    run(er);
    assert_left(er, LEAVE_attention, 2, 5, 3);
}

static void attention_inside_a_repeat(void **state)
{
    struct engine_rig *er = *state;

    ENGINE_CODE(er, 0xf3, 0xaa, 0xe6, 0x80, 0xcf);
    er->cpu->sreg[CPU_ES].base = RIG_DEVICE;
    er->cpu->reg[CPU_ECX] = 0x8000;
    er->hook = want;
    run(er);
    assert_left(er, LEAVE_attention, 0, 1, 3);
    assert_int_equal(er->cpu->reg[CPU_ECX], 0x8000 - 3);
}

static void trap_flag(void **state)
{
    struct engine_rig *er = *state;

    ENGINE_CODE(er, 0xe6, 0x80, 0x9d, 0xe6, 0x81,
                0xcf); /* out; popf sets TF; the trap comes behind the next OUT */
    rig_put(er->rig, RIG_STACK, 2, FLAG_FIXED | FLAG_TF);
    run(er);
    assert_left(er, LEAVE_attention, 3, 2, 1);
}

static void unsupported_where_it_stands(void **state)
{
    struct engine_rig *er = *state;

    er->interp.like_kvm = true;
    ENGINE_CODE(er, 0xe6, 0x80, 0x6c, 0xe6, 0x81, 0xcf); /* out; insb into a device: KVM's; out */
    er->cpu->sreg[CPU_ES].base = RIG_DEVICE;
    run(er);
    assert_left(er, LEAVE_unsupported, 2, 1, 1);
    assert_int_equal(er->accesses, 1);
}

/* --- counting --- */

/* One exit per batch of REP INS: 1024 bytes, and what the page holds. */
static void ins_counts_batches(void **state)
{
    struct engine_rig *er = *state;
    static const struct {
        u32 di, count;
        u8 opcode;
        bool down;
        u32 exits;
    } cases[] = {
        {0x5000, 1024, 0x6c, false, 1}, {0x5000, 1025, 0x6c, false, 2}, {0x5000, 512, 0x6d, false, 1},
        {0x5ff0, 32, 0x6c, false, 2},   {0x5000, 256, 0x6d, false, 1},  {0x5000, 0, 0x6d, false, 0},
        {0x5004, 5, 0x6c, true, 2},
    };
    u64 avoided = 0;

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        ENGINE_CODE(er, 0xf3, cases[i].opcode, 0xe6, 0x81, 0xcf);
        er->cpu->reg[CPU_EDI] = cases[i].di;
        er->cpu->reg[CPU_ECX] = cases[i].count;
        er->cpu->eflags = FLAG_FIXED | (cases[i].down ? FLAG_DF : 0);
        cluster_engine_set_window(er->engine, ENGINE_WINDOW);
        run(er);
        avoided += cases[i].exits + 1;
        assert_int_equal(engine_stats(er).exits_avoided, avoided);
        assert_int_equal(er->cpu->reg[CPU_ECX], 0);
    }
}

/* An access that crosses a page is two exits; a wide one inside a page is one. */
static void fragments_are_exits(void **state)
{
    struct engine_rig *er = *state;

    ENGINE_CODE(er, 0x66, 0x26, 0x89, 0x07, 0xe6, 0x80, 0xcf); /* mov es:[bx], eax; out */
    er->cpu->sreg[CPU_ES].base = RIG_DEVICE;
    er->cpu->reg[CPU_EBX] = 0xffe;
    run(er);
    assert_left(er, LEAVE_end, 6, 2, 3);
}

static void stop_leave_texts(void **state)
{
    (void)state;
    for (u32 i = 0; i < LEAVE_REASONS; i++)
        assert_true(cluster_leave_reason[i].id && strlen(cluster_leave_reason[i].text) > 3);
    for (u32 i = 0; i < MISS_REASONS; i++)
        assert_true(cluster_miss_reason[i].id && strlen(cluster_miss_reason[i].text) > 3);
}

int test_leave(void)
{
    const struct CMUnitTest tests[] = {
        ENGINE_TEST(to_the_end),
        ENGINE_TEST(out_by_a_branch),
        ENGINE_TEST(an_indirect_jump_into_the_cluster),
        ENGINE_TEST(a_loop_runs_on),
        ENGINE_TEST(a_loop_back_to_the_trigger),
        ENGINE_TEST(a_weak_instruction_that_stays_in_ram),
        ENGINE_TEST(a_gap_filler_that_meets_a_device),
        ENGINE_TEST(interrupt_right_after_the_access_that_raised_it),
        ENGINE_TEST(no_interrupt_while_off),
        ENGINE_TEST(interrupt_after_the_shadow_of_sti),
        ENGINE_TEST(interrupt_after_popf),
        ENGINE_TEST(interrupt_after_the_shadow_of_mov_ss),
        ENGINE_TEST(interrupt_behind_a_branch_in_the_shadow),
        ENGINE_TEST(left_inside_the_shadow),
        ENGINE_TEST(repeat_stops_for_an_interrupt_between_elements),
        ENGINE_TEST(repeat_from_a_device_completes_first),
        ENGINE_TEST(repeat_goes_on_from_inside),
        ENGINE_TEST(halt),
        ENGINE_TEST(halt_in_the_shadow),
        ENGINE_TEST(fault_has_no_effect),
        ENGINE_TEST(first_instruction_faults),
        ENGINE_TEST(fault_after_a_device_access),
        ENGINE_TEST(wrote_its_own_code),
        ENGINE_TEST(wrote_beside_its_code),
        ENGINE_TEST(pushed_over_its_code),
        ENGINE_TEST(mapping_changed),
        ENGINE_TEST(requested),
        ENGINE_TEST(attention),
        ENGINE_TEST(attention_inside_a_repeat),
        ENGINE_TEST(trap_flag),
        ENGINE_TEST(unsupported_where_it_stands),
        ENGINE_TEST(ins_counts_batches),
        ENGINE_TEST(fragments_are_exits),
        cmocka_unit_test(stop_leave_texts),
    };
    return cmocka_run_group_tests_name("leave", tests, NULL, NULL);
}
