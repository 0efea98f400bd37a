/* The checking executor: every kind of difference is found and told, and equal runs are not. */
#include "check_rig.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* mov [5000h], al; out 80h, al; in al, 71h; out 81h, al; mov [5001h], al; out 82h, al */
#define PLAIN_CODE                                                                                           \
    0xa2, 0x00, 0x50, 0xe6, 0x80, 0xe4, 0x71, 0xe6, 0x81, 0xa2, 0x01, 0x50, 0xe6, 0x82, 0xf4

static void equal_runs_are_told_apart_from_nothing(void **state)
{
    struct check_rig *rig = *state;
    CHECK_CODE(rig, PLAIN_CODE);
    for (u32 i = 0; i < 3; i++)
        assert_int_equal(check_run(rig), LEAVE_halt);
    struct check_stats stats = check_rig_stats(rig);
    assert_true(stats.compared == 3 && stats.not_comparable == 0 && stats.differences == 0);
    assert_int_equal(rig->told, 0);
    assert_string_equal(check_rig_report(rig), "");
    assert_int_equal(rig->candidate_runs, 3);
}

static void devices_see_a_pair_as_one_run(void **state)
{
    struct check_rig *rig = *state;
    CHECK_CODE(rig, PLAIN_CODE);
    check_run(rig);
    assert_int_equal(rig->accesses, 4);
    assert_int_equal(rig->stats.instructions, 7);
    assert_int_equal(rig->stats.exits_avoided, 5);
    assert_int_equal(rig->cluster->insn[1].exits_avoided, 1);
    assert_int_equal(rig->cpu.reg[CPU_EAX], 0xaabbcc44);
    assert_true(rig->cpu.halted);
    assert_memory_equal(rig->mem.plain + RIG_DATA, "\xdd\x44", 2);
}

/* What was wrong, and the result taken: the reference's. */
static void expect_difference(struct check_rig *rig, enum fault fault, const char *what, const char *in_report)
{
    CHECK_CODE(rig, PLAIN_CODE);
    rig->fault = fault;
    assert_int_equal(check_run(rig), LEAVE_halt);
    assert_int_equal(rig->told, 1);
    assert_string_equal(rig->what, what);
    if (!strstr(check_rig_report(rig), in_report))
        fail_msg("\"%s\" is not in\n%s", in_report, check_rig_report(rig));
    struct check_stats stats = check_rig_stats(rig);
    assert_true(stats.compared == 1 && stats.differences == 1);
    assert_int_equal(rig->accesses, 4);
    assert_int_equal(rig->cpu.reg[CPU_EAX], 0xaabbcc44);
    assert_int_equal(rig->cpu.reg[CPU_EDX], 0);
    assert_int_equal(rig->cpu.eip, RIG_CODE + 15);
    assert_int_equal(rig->cpu.eflags, FLAG_FIXED);
    assert_int_equal(rig->stats.instructions, 7);
    assert_int_equal(rig->cluster->insn[0].exits_avoided, 0);
    assert_memory_equal(rig->mem.plain + RIG_DATA, "\xdd\x44", 2);
    assert_int_equal(rig->mem.plain[RIG_DATA + 0xfff], 0);
    assert_int_equal(rig->mem.plain[RIG_STACK - 40], 0);
    assert_int_equal(rig->mem.plain[RIG_FAR_PAGE], 0);
    rig->fault = FAULT_NONE; /* and then all is well again */
    check_run(rig);
    assert_int_equal(rig->told, 1);
}

#define DIFFERENCE(name, fault, what, in_report)                                                             \
    static void name(void **state)                                                                           \
    {                                                                                                        \
        expect_difference(*state, fault, what, in_report);                                                   \
    }

DIFFERENCE(wrong_register, FAULT_REGISTER, "processor state", "edx           00000000  00000000   00010000  <--")
DIFFERENCE(wrong_eip, FAULT_EIP, "processor state", "eip           00001000  0000100f   0000100e  <--")
DIFFERENCE(wrong_flag, FAULT_FLAG, "processor state", "flags, candidate:  AF\n")
DIFFERENCE(wrong_shadow, FAULT_SHADOW, "processor state", "shadow        00000000  00000000   00000001  <--")
DIFFERENCE(wrong_segment, FAULT_SEGMENT, "processor state", "es base       00000000  00000000   00000010  <--")
DIFFERENCE(wrong_byte, FAULT_MEMORY, "memory", "00005ff8  00 00 00 00 00 00 00 00  |  00 00 00 00 00 00 00 01")
DIFFERENCE(wrong_stack_page, FAULT_STACK_PAGE, "memory", "00007fd8  00")
DIFFERENCE(wrong_far_page, FAULT_FAR_PAGE, "memory", "00070000  00 00 00 00 00 00 00 00  |  01")
DIFFERENCE(access_left_out, FAULT_ACCESS_LEFT_OUT, "processor state, leave reason, counts, device accesses",
           "#2    out   0081.1 44  <-- not made")
DIFFERENCE(access_added, FAULT_ACCESS_ADDED, "processor state, leave reason, counts, device accesses, memory", "candidate's #3: out   0081.1 44")
DIFFERENCE(wrong_value, FAULT_ACCESS_VALUE, "processor state, leave reason, counts, device accesses, memory", "candidate's #2: out   0081.1 45")
DIFFERENCE(wrong_address, FAULT_ACCESS_ADDRESS, "processor state, leave reason, counts, device accesses, memory", "candidate's #2: out   0082.1 44")
DIFFERENCE(wrong_size, FAULT_ACCESS_SIZE, "processor state, leave reason, counts, device accesses, memory", "candidate's #2: out   0081.2 0044")
DIFFERENCE(wrong_kind, FAULT_ACCESS_KIND, "processor state, leave reason, counts, device accesses, memory", "candidate's #2: in    0081.1")
DIFFERENCE(wrong_leave, FAULT_LEAVE, "leave reason", "left by: the guest halted | branch out of the cluster")
DIFFERENCE(wrong_instructions, FAULT_INSTRUCTIONS, "counts", "instructions: 7 | 8")
DIFFERENCE(wrong_exits, FAULT_EXITS, "counts", "exits avoided: 5 | 6")
DIFFERENCE(wrong_insn_exits, FAULT_INSN_EXITS, "counts", "exits avoided by 00001000: 0 | 1")


/* --- what the other run does not see, or must see --- */

/* Self-modifying: the candidate reads the bytes that the reference found, not those that it left. */
static void candidate_starts_from_the_memory_of_the_entry(void **state)
{
    struct check_rig *rig = *state;
    /* inc word [5000h]; mov al, [5000h]; out 80h, al; hlt */
    CHECK_CODE(rig, 0xff, 0x06, 0x00, 0x50, 0xa0, 0x00, 0x50, 0xe6, 0x80, 0xf4);
    for (u32 i = 1; i <= 3; i++) {
        check_run(rig);
        assert_int_equal(rig->mem.plain[RIG_DATA], i);
        rig->mem.plain[RIG_DATA + 0x800] = (u8)i; /* KVM runs on, in the same page */
    }
    assert_int_equal(rig->told, 0);
    assert_int_equal(check_rig_stats(rig).compared, 3);
}

static void interrupt_comes_after_the_same_access(void **state)
{
    struct check_rig *rig = *state;
    rig->cpu.eflags |= FLAG_IF;
    /* out 80h, al; out 20h, al; out 81h, al; hlt */
    CHECK_CODE(rig, 0xe6, 0x80, 0xe6, PORT_INTR, 0xe6, 0x81, 0xf4);
    assert_int_equal(check_run(rig), LEAVE_interrupt);
    assert_int_equal(rig->cpu.eip, RIG_CODE + 4);
    assert_true(rig->told == 0 && check_rig_stats(rig).compared == 1);
}

static void request_and_attention_come_after_the_same_access(void **state)
{
    struct check_rig *rig = *state;
    CHECK_CODE(rig, 0xe6, 0x80, 0xe6, PORT_EXIT, 0xe6, 0x81, 0xf4);
    assert_int_equal(check_run(rig), LEAVE_request);
    rig->requests = 0;
    CHECK_CODE(rig, 0xe6, 0x80, 0xe6, PORT_ATTENTION, 0xe6, 0x81, 0xf4);
    assert_int_equal(check_run(rig), LEAVE_attention);
    assert_int_equal(rig->cpu.eip, RIG_CODE + 4);
    assert_true(rig->told == 0 && check_rig_stats(rig).compared == 2);
}

static void string_of_accesses_is_compared(void **state)
{
    struct check_rig *rig = *state;
    rig->cpu.reg[CPU_ECX] = 1000;
    rig->cpu.reg[CPU_EDI] = RIG_DATA;
    /* rep insw; out 80h, al; hlt */
    CHECK_CODE(rig, 0xf3, 0x6d, 0xe6, 0x80, 0xf4);
    assert_int_equal(check_run(rig), LEAVE_halt);
    assert_int_equal(rig->accesses, 1001);
    assert_int_equal(rig->mem.plain[RIG_DATA + 1998], 0x2b); /* 44h + 999 */
    assert_true(rig->told == 0 && check_rig_stats(rig).compared == 1);
}

/* fld1; out 80h, al; fldpi; fstsw [RIG_DATA]; hlt */
#define X87_CODE 0xd9, 0xe8, 0xe6, 0x80, 0xd9, 0xeb, 0xdd, 0x3e, RIG_DATA & 0xff, RIG_DATA >> 8, 0xf4

static void x87_works_on_the_real_state_once(void **state)
{
    struct check_rig *rig = *state;
    CHECK_CODE(rig, X87_CODE);
    assert_int_equal(check_run(rig), LEAVE_halt);
    assert_int_equal(rig->x87.tags, 0xc0);
    assert_int_equal(rig->x87.ip, RIG_CODE + 4);
    assert_int_equal(rig->mem.plain[RIG_DATA + 1], 0x30); /* two values on the stack */
    assert_true(rig->told == 0 && check_rig_stats(rig).compared == 1);
}

static void wrong_x87_state(void **state)
{
    struct check_rig *rig = *state;
    rig->fault = FAULT_X87;
    CHECK_CODE(rig, X87_CODE);
    check_run(rig);
    assert_string_equal(rig->what, "x87 state");
    assert_non_null(strstr(check_rig_report(rig), "x87 image, 020, candidate  34 c2")); /* pi, and not quite */
    assert_non_null(strstr(check_rig_report(rig), "x87 image, 020, reference  35 c2"));
    assert_int_equal(rig->x87.st[0][0], 0x35);
}

/* --- not comparable --- */

static void device_that_writes_memory(void **state)
{
    struct check_rig *rig = *state;
    /* mov [5001h], al; out 0bh, al; mov [5002h], al; hlt */
    CHECK_CODE(rig, 0xa2, 0x01, 0x50, 0xe6, PORT_DMA_WRITE, 0xa2, 0x02, 0x50, 0xe6, 0x80, 0xf4);
    assert_int_equal(check_run(rig), LEAVE_mapping);
    assert_int_equal(rig->candidate_runs, 0);
    assert_int_equal(rig->cpu.eip, RIG_CODE + 5);
    assert_memory_equal(rig->mem.plain + RIG_DATA, "\xdd\xdd\0", 3);
    struct check_stats stats = check_rig_stats(rig);
    assert_true(stats.compared == 0 && stats.not_comparable == 1 && rig->told == 0);
    CHECK_CODE(rig, PLAIN_CODE);
    check_run(rig);
    assert_int_equal(rig->candidate_runs, 1);
}

/* The device finds what the reference stored just before. */
static void device_that_reads_memory(void **state)
{
    struct check_rig *rig = *state;
    /* mov [5000h], al; out 0ch, al; mov [5001h], al; out 80h, al; hlt */
    CHECK_CODE(rig, 0xa2, 0x00, 0x50, 0xe6, PORT_DMA_READ, 0xa2, 0x01, 0x50, 0xe6, 0x80, 0xf4);
    assert_int_equal(check_run(rig), LEAVE_halt);
    assert_int_equal(rig->dma_byte, 0xdd);
    assert_memory_equal(rig->mem.plain + RIG_DATA, "\xdd\xdd", 2);
    assert_true(check_rig_stats(rig).not_comparable == 1 && rig->told == 0);
}

static void a20_in_the_middle(void **state)
{
    struct check_rig *rig = *state;
    rig->cpu.sreg[CPU_ES].base = MIB - 0x10;
    rig->cpu.sreg[CPU_ES].selector = 0xffff;
    rig->cpu.reg[CPU_EAX] = 0;
    /* mov es:[5010h], al; out 92h, al; hlt */
    CHECK_CODE(rig, 0x26, 0xa2, 0x10, 0x50, 0xe6, PORT_A20, 0xe6, 0x80, 0xf4);
    rig->mem.plain[MIB + RIG_DATA] = 1;
    rig->mem.plain[RIG_DATA] = 2;
    assert_int_equal(check_run(rig), LEAVE_mapping);
    assert_int_equal(rig->mem.plain[MIB + RIG_DATA], 0);
    assert_int_equal(rig->mem.plain[RIG_DATA], 2);
    assert_int_equal(check_rig_stats(rig).not_comparable, 1);
}

/* With A20 off a byte has two addresses, in the reference's view too. */
static void a20_off(void **state)
{
    struct check_rig *rig = *state;
    memory_set_a20(&rig->mem, false);
    rig->cpu.sreg[CPU_ES].base = MIB - 0x10;
    rig->cpu.sreg[CPU_ES].selector = 0xffff;
    /* mov es:[5010h], al; mov bl, [5000h]; out 80h, al; mov [5001h], bl; mov cl, es:[5011h]; out 81h, al; hlt */
    CHECK_CODE(rig, 0x26, 0xa2, 0x10, 0x50, 0x8a, 0x1e, 0x00, 0x50, 0xe6, 0x80, 0x88, 0x1e, 0x01, 0x50, 0x26, 0x8a,
               0x0e, 0x11, 0x50, 0xe6, 0x81, 0xf4);
    assert_int_equal(check_run(rig), LEAVE_halt);
    assert_int_equal(rig->cpu.reg[CPU_EBX], 0xdd);
    assert_int_equal(rig->cpu.reg[CPU_ECX], 0xdd);
    assert_memory_equal(rig->mem.plain + RIG_DATA, "\xdd\xdd", 2);
    assert_true(rig->told == 0 && check_rig_stats(rig).compared == 1);
}

/* Nor does the page frame of expanded memory keep bytes apart that are one. */
static void a_piece_at_two_places(void **state)
{
    struct check_rig *rig = *state;
    assert_int_equal(memory_add_expanded(&rig->mem, MEMORY_PIECE_BYTES), 0);
    memory_show_piece(&rig->mem, 0, 0);
    memory_show_piece(&rig->mem, 2, 0);
    rig->cpu.sreg[CPU_ES].base = MEMORY_FRAME_FIRST;
    rig->cpu.sreg[CPU_ES].selector = MEMORY_FRAME_FIRST >> 4;
    /* mov es:[10h], al; mov bl, es:[8010h]; out 80h, al; mov es:[8011h], bl; mov cl, es:[11h]; out 81h, al; hlt */
    CHECK_CODE(rig, 0x26, 0xa2, 0x10, 0x00, 0x26, 0x8a, 0x1e, 0x10, 0x80, 0xe6, 0x80, 0x26, 0x88, 0x1e, 0x11, 0x80, 0x26,
               0x8a, 0x0e, 0x11, 0x00, 0xe6, 0x81, 0xf4);
    assert_int_equal(check_run(rig), LEAVE_halt);
    assert_int_equal(rig->cpu.reg[CPU_EBX], 0xdd);
    assert_int_equal(rig->cpu.reg[CPU_ECX], 0xdd);
    assert_memory_equal(rig->mem.expanded + 0x10, "\xdd\xdd", 2);
    assert_true(rig->told == 0 && check_rig_stats(rig).compared == 1);
}

static void *signal_soon(void *opaque)
{
    struct check_rig *rig = opaque;
    usleep(10000);
    rig->attention = 1;
    return NULL;
}

/* A loop without accesses that only a signal ends. */
static void loop_that_the_run_loop_ends(void **state)
{
    struct check_rig *rig = *state;
    rig->attention = 0;
    /* next: cmp byte [5000h], 0; je next; out 80h, al; out 81h, al; hlt */
    CHECK_CODE(rig, 0x80, 0x3e, 0x00, 0x50, 0x00, 0x74, 0xf9, 0xe6, 0x80, 0xe6, 0x81, 0xf4);
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, signal_soon, rig), 0);
    assert_int_equal(check_run(rig), LEAVE_attention);
    pthread_join(thread, NULL);
    assert_true(check_rig_stats(rig).not_comparable == 1 && rig->told == 0);
}

/* --- short cuts --- */

static void direct_accesses_are_replayed(void **state)
{
    struct check_rig *rig = *state;
    rig->direct = true;
    rig->cpu.eflags |= FLAG_IF;
    CHECK_CODE(rig, 0xe6, 0x80, 0xe6, PORT_INTR, 0xe6, 0x81, 0xf4);
    assert_int_equal(check_run(rig), LEAVE_interrupt);
    assert_true(rig->told == 0 && rig->direct_accesses == 2 && rig->accesses == 2);
}

static void direct_access_not_accounted_for(void **state)
{
    struct check_rig *rig = *state;
    rig->direct = true;
    expect_difference(rig, FAULT_DONE_LEFT_OUT,
                      "processor state, leave reason, counts, device accesses", "candidate's #3: out   0082.1 44");
}

static void last_access_not_accounted_for(void **state)
{
    struct check_rig *rig = *state;
    rig->direct = true;
    rig->fault = FAULT_DONE_LEFT_OUT;
    CHECK_CODE(rig, 0xe6, 0x80, 0xe6, 0x80, 0xe6, 0x81, 0xf4);
    check_run(rig);
    assert_string_equal(rig->what, "device accesses");
    assert_non_null(strstr(check_rig_report(rig), "the last not accounted for"));
}

static void direct_access_accounted_for_as_another(void **state)
{
    struct check_rig *rig = *state;
    rig->direct = true;
    expect_difference(rig, FAULT_DONE_VALUE,
                      "processor state, leave reason, counts, device accesses, memory", "candidate's #3: out   0081.1 45");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CHECK_TEST(direct_accesses_are_replayed),
        CHECK_TEST(direct_access_not_accounted_for),
        CHECK_TEST(last_access_not_accounted_for),
        CHECK_TEST(direct_access_accounted_for_as_another),
        CHECK_TEST(equal_runs_are_told_apart_from_nothing),
        CHECK_TEST(devices_see_a_pair_as_one_run),
        CHECK_TEST(wrong_register),
        CHECK_TEST(wrong_eip),
        CHECK_TEST(wrong_flag),
        CHECK_TEST(wrong_shadow),
        CHECK_TEST(wrong_segment),
        CHECK_TEST(wrong_byte),
        CHECK_TEST(wrong_stack_page),
        CHECK_TEST(wrong_far_page),
        CHECK_TEST(access_left_out),
        CHECK_TEST(access_added),
        CHECK_TEST(wrong_value),
        CHECK_TEST(wrong_address),
        CHECK_TEST(wrong_size),
        CHECK_TEST(wrong_kind),
        CHECK_TEST(wrong_leave),
        CHECK_TEST(wrong_instructions),
        CHECK_TEST(wrong_exits),
        CHECK_TEST(wrong_insn_exits),
        CHECK_TEST(candidate_starts_from_the_memory_of_the_entry),
        CHECK_TEST(interrupt_comes_after_the_same_access),
        CHECK_TEST(request_and_attention_come_after_the_same_access),
        CHECK_TEST(string_of_accesses_is_compared),
        CHECK_TEST(x87_works_on_the_real_state_once),
        CHECK_TEST(wrong_x87_state),
        CHECK_TEST(device_that_writes_memory),
        CHECK_TEST(device_that_reads_memory),
        CHECK_TEST(a20_in_the_middle),
        CHECK_TEST(a20_off),
        CHECK_TEST(a_piece_at_two_places),
        CHECK_TEST(loop_that_the_run_loop_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
