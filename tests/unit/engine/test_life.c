/* The life of a cluster in the engine: counted, formed, tried again, widened, refused, forgotten; and its
 * key. */
#include "engine_rig.h"

#include <string.h>

/* Two INs and what ends the scan. */
static void load_pair(struct engine_rig *er)
{
    ENGINE_CODE(er, 0xec, 0xec, 0xcd, 0x10);
}

/* --- counting --- */

static void formed_at_the_third_exit(void **state)
{
    struct engine_rig *er = *state;

    load_pair(er);
    assert_null(engine_exit(er, POSITION_AT));
    assert_null(engine_exit(er, POSITION_AT));
    assert_int_equal(engine_stats(er).formed, 0);
    struct cluster *cluster = engine_exit(er, POSITION_AT);
    assert_non_null(cluster);
    assert_int_equal(cluster->n, 2);
    assert_ptr_equal(engine_exit(er, POSITION_AT), cluster);
    struct cluster_stats stats = engine_stats(er);
    assert_int_equal(stats.formed, 1);
    assert_int_equal(stats.formed_instructions, 2);
    assert_int_equal(stats.miss[MISS_cold], 2);
    assert_int_equal(stats.miss[MISS_alone], 0);
    assert_int_equal(stats.runs, 0);
}

static void alone_is_tried_again_at_twice_the_count(void **state)
{
    struct engine_rig *er = *state;
    static const u32 tried_at[] = {3, 6, 12, 24, 48, 96, 192};
    u32 next = 0;

    ENGINE_CODE(er, 0xec, 0xcd, 0x10); /* in al, dx; int 10h: every try counts a stop */
    for (u32 exits = 1; exits < 200; exits++) {
        assert_null(engine_exit(er, POSITION_AT));
        if (next < ARRAY_LEN(tried_at) && exits == tried_at[next])
            next++;
        assert_int_equal(engine_stats(er).stop[0].count, next);
    }
    assert_int_equal(next, ARRAY_LEN(tried_at));
    assert_int_equal(engine_stats(er).miss[MISS_alone], 199 - 2);
    load_pair(er); /* the code got better: found at 384 */
    for (u32 exits = 200; exits < 384; exits++)
        assert_null(engine_exit(er, POSITION_AT));
    assert_non_null(engine_exit(er, POSITION_AT));
}

static void failed_translation_is_tried_again(void **state)
{
    struct engine_rig *er = *state;

    er->backend_fails = 2; /* at 3 and 6 */
    load_pair(er);
    for (u32 exits = 1; exits < 12; exits++)
        assert_null(engine_exit(er, POSITION_AT));
    assert_int_equal(engine_stats(er).formed, 0);
    assert_non_null(engine_exit(er, POSITION_AT));
    assert_int_equal(engine_stats(er).formed, 1);
    assert_int_equal(er->discarded, 0);
}

/* Two stores to a device: the second one's counter makes the pair. */
static void weak_store_joins_once_it_has_exited(void **state)
{
    struct engine_rig *er = *state;

    ENGINE_CODE(er, 0x89, 0x07, 0x89, 0x57, 0x02, 0xcd, 0x10); /* mov [bx], ax; mov [bx+2], dx */
    for (u32 i = 0; i < 3; i++) {                              /* only the first exits: alone at its third */
        er->cpu->eip = RIG_CODE + 2;
        assert_null(engine_exit(er, POSITION_AFTER));
    }
    assert_int_equal(engine_stats(er).miss[MISS_alone], 1);
    for (u32 i = 0; i < 3; i++) {
        er->cpu->eip = RIG_CODE + 5;
        engine_exit(er, POSITION_AFTER);
        er->cpu->eip = RIG_CODE + 2;
        struct cluster *cluster = engine_exit(er, POSITION_AFTER);
        assert_int_equal(cluster != NULL, i == 2);
    }
}

static void stop_reasons_are_sorted(void **state)
{
    struct engine_rig *er = *state;
    static const u8 ends[][2] = {{0xcd, 0x10}, {0xcf, 0x90}, {0xcf, 0x90},
                                 {0x0f, 0x08}, {0xcf, 0x90}, {0x0f, 0x08}};

    for (u32 i = 0; i < ARRAY_LEN(ends); i++) {
        u32 at = RIG_CODE + 16 * i;
        er->rig->ram[at] = 0xec;
        memcpy(er->rig->ram + at + 1, ends[i], 2);
        er->cpu->eip = at;
        for (u32 n = 0; n < 3; n++)
            assert_null(engine_exit(er, POSITION_AT));
    }
    struct cluster_stats stats = engine_stats(er);
    assert_string_equal(stats.stop[0].mnemonic, "iret");
    assert_int_equal(stats.stop[0].count, 3);
    assert_string_equal(stats.stop[1].mnemonic, "invd");
    assert_int_equal(stats.stop[1].count, 2);
    assert_string_equal(stats.stop[2].mnemonic, "int");
    assert_int_equal(stats.stop[2].count, 1);
    assert_int_equal(stats.stop[3].count, 0);
}

/* --- the window --- */

static u32 length_at(struct engine_rig *er, u32 window, enum cluster_position position)
{
    cluster_engine_set_window(er->engine, window);
    er->cpu->eip = RIG_CODE + (position == POSITION_AFTER);
    struct cluster *cluster = NULL;
    for (u32 i = 0; i < 3; i++)
        cluster = engine_exit(er, position);
    return cluster ? cluster->n : 0;
}

/* In front of RIP or behind it, the exiting instruction is one of the window. */
static void window_counts_the_exiting_instruction(void **state)
{
    struct engine_rig *er = *state;
    u8 code[32];

    memset(code, 0xee, sizeof code);
    rig_code(er->rig, code, sizeof code);
    assert_int_equal(length_at(er, 16, POSITION_AT), 16);
    assert_int_equal(length_at(er, 16, POSITION_AFTER), 15);
    assert_int_equal(length_at(er, 2, POSITION_AT), 2); /* a pair */
    assert_int_equal(length_at(er, 2, POSITION_AFTER), 1);
    assert_int_equal(length_at(er, 0, POSITION_AT), 0);
    assert_int_equal(length_at(er, 1, POSITION_AT), 0);
}

static void switched_off_it_counts_nothing(void **state)
{
    struct engine_rig *er = *state;

    cluster_engine_set_window(er->engine, 0);
    load_pair(er);
    for (u32 i = 0; i < 10; i++)
        assert_null(engine_exit(er, POSITION_AT));
    struct cluster_stats stats = engine_stats(er);
    for (u32 i = 0; i < MISS_REASONS; i++)
        assert_int_equal(stats.miss[i], 0);
}

static void changing_the_window_forgets_all(void **state)
{
    struct engine_rig *er = *state;

    load_pair(er);
    engine_form(er, POSITION_AT);
    cluster_engine_set_window(er->engine, ENGINE_WINDOW);
    engine_form(er, POSITION_AT);
    assert_int_equal(er->discarded, 1);
    assert_int_equal(engine_stats(er).formed, 2);
}

/* A cluster in hand outlives a change of the window, but does not run. */
static void changing_the_window_stops_the_cluster_in_hand(void **state)
{
    struct engine_rig *er = *state;

    load_pair(er);
    struct cluster *cluster = engine_form(er, POSITION_AT);
    cluster_engine_set_window(er->engine, 0);
    assert_int_equal(cluster->n, 2);
    er->cpu->eip = RIG_CODE + 1;
    cluster_engine_run(er->engine, cluster, er->cpu);
    assert_int_equal(er->cpu->eip, RIG_CODE + 1);
    assert_int_equal(engine_stats(er).runs, 0);
}

static void window_off(struct engine_rig *er, u32 n)
{
    (void)n;
    cluster_engine_set_window(er->engine, 0);
    er->rig->attention = 1;
}

/* A script may say so at any device access: the cluster must stay until it is left. */
static void changing_the_window_inside_a_run(void **state)
{
    struct engine_rig *er = *state;

    ENGINE_CODE(er, 0xec, 0xec, 0xec, 0xec, 0xcf);
    struct cluster *cluster = engine_form(er, POSITION_AT);
    er->cpu->eip = RIG_CODE + 1;
    er->hook = window_off;
    cluster_engine_run(er->engine, cluster, er->cpu);
    assert_int_equal(er->cpu->eip, RIG_CODE + 2);
    assert_int_equal(er->accesses, 1);
    assert_int_equal(engine_stats(er).leave[LEAVE_attention], 1);
    assert_int_equal(er->discarded, 0);
    assert_null(engine_exit(er, POSITION_AT));
    assert_int_equal(er->discarded, 1);
}

/* --- the key --- */

static void key_separates_place_and_mode(void **state)
{
    struct engine_rig *er = *state;

    load_pair(er);
    const struct cpu_where base = engine_where(er);
    struct cluster *clusters[8] = {NULL};
    for (u32 i = 0; i < 8; i++) {
        struct cpu_where where = base;
        where.mode ^= i & 7; /* MODE_PROTECTED, MODE_CODE32, MODE_STACK32 */
        assert_null(cluster_engine_exit(er->engine, &where, POSITION_AT));
        assert_null(cluster_engine_exit(er->engine, &where, POSITION_AT));
        clusters[i] = cluster_engine_exit(er->engine, &where, POSITION_AT);
        assert_non_null(clusters[i]);
        for (u32 k = 0; k < i; k++)
            assert_ptr_not_equal(clusters[i], clusters[k]);
    }
    assert_int_equal(engine_stats(er).formed, 8);
}

static void key_separates_base_offset_and_position(void **state)
{
    struct engine_rig *er = *state;

    load_pair(er);
    struct cluster *first = engine_form(er, POSITION_AT);
    er->cpu->sreg[CPU_CS].base = 0x100; /* the same linear address, another offset */
    er->cpu->eip = RIG_CODE - 0x100;
    struct cluster *second = engine_form(er, POSITION_AT);
    assert_ptr_not_equal(first, second);
    assert_int_equal(second->insn[1].eip, RIG_CODE - 0x100 + 1);
    er->cpu->sreg[CPU_CS].base = 0;
    er->cpu->eip = RIG_CODE;
    assert_ptr_not_equal(engine_form(er, POSITION_AFTER), first);
    assert_ptr_not_equal(engine_form(er, POSITION_INSIDE), first);
    assert_ptr_equal(engine_exit(er, POSITION_AT), first);
}

static void no_clusters_in_unknown_modes(void **state)
{
    struct engine_rig *er = *state;

    load_pair(er);
    er->cpu->eflags |= FLAG_TF;
    for (u32 i = 0; i < 5; i++)
        assert_null(engine_exit(er, POSITION_AT));
    er->cpu->eflags &= ~FLAG_TF;
    struct cpu_where where = engine_where(er);
    where.mode |= MODE_UNSUPPORTED;
    for (u32 i = 0; i < 4; i++)
        assert_null(cluster_engine_exit(er->engine, &where, POSITION_AT));
    assert_int_equal(engine_stats(er).miss[MISS_trap_flag], 5);
    assert_int_equal(engine_stats(er).miss[MISS_mode], 4);
    /* These exits formed nothing, and did not count as the place's. */
    engine_form(er, POSITION_AT);
}

/* --- widening --- */

/* in; in; mov [bx], al; mov [bx], al, the last two in the window but never seen to exit. */
static void load_widening(struct engine_rig *er)
{
    ENGINE_CODE(er, 0xec, 0xec, 0x88, 0x07, 0x88, 0x07, 0xcf);
    er->cpu->reg[CPU_EBX] = 0x5000;
}

static void run_to_the_end(struct engine_rig *er, struct cluster *cluster)
{
    er->cpu->eip = RIG_CODE + 1;
    cluster_engine_run(er->engine, cluster, er->cpu);
}

static void widened_by_an_exit_behind_its_end(void **state)
{
    struct engine_rig *er = *state;

    load_widening(er);
    struct cluster *cluster = engine_form(er, POSITION_AT);
    assert_int_equal(cluster->n, 2);
    run_to_the_end(er, cluster);
    er->cpu->eip = RIG_CODE + 4; /* the first store exits */
    assert_null(engine_exit(er, POSITION_AFTER));
    assert_int_equal(er->discarded, 1);
    er->cpu->eip = RIG_CODE;
    cluster = engine_exit(er, POSITION_AT);
    assert_non_null(cluster); /* at once, not after three more exits */
    assert_int_equal(cluster->n, 3);
    run_to_the_end(er, cluster);
    er->cpu->eip = RIG_CODE + 6; /* the second */
    assert_null(engine_exit(er, POSITION_AFTER));
    er->cpu->eip = RIG_CODE;
    assert_int_equal(engine_exit(er, POSITION_AT)->n, 4);
}

static void not_widened_without_cause(void **state)
{
    struct engine_rig *er = *state;
    static const struct {
        u32 offset;
        enum cluster_position position;
    } exits[] = {
        {0, POSITION_AT},                                               /* the trigger again: a loop */
        {1, POSITION_AT},                                               /* what is in it already */
        {1, POSITION_AFTER},  {2, POSITION_AFTER}, {7, POSITION_AFTER}, /* behind the scan: IRET stopped it */
        {0x100, POSITION_AT},                                           /* elsewhere */
    };

    load_widening(er);
    struct cluster *cluster = engine_form(er, POSITION_AT);
    for (size_t i = 0; i < ARRAY_LEN(exits); i++) {
        run_to_the_end(er, cluster);
        er->cpu->eip = RIG_CODE + exits[i].offset;
        engine_exit(er, exits[i].position);
        er->cpu->eip = RIG_CODE;
        assert_ptr_equal(engine_exit(er, POSITION_AT), cluster);
    }
    /* Not the next exit after the run. */
    run_to_the_end(er, cluster);
    er->cpu->eip = RIG_CODE + 0x100;
    engine_exit(er, POSITION_AT);
    er->cpu->eip = RIG_CODE + 4;
    engine_exit(er, POSITION_AFTER);
    er->cpu->eip = RIG_CODE;
    assert_ptr_equal(engine_exit(er, POSITION_AT), cluster);
    assert_int_equal(er->discarded, 0);
}

static void widened_on_a_side_that_a_branch_took(void **state)
{
    struct engine_rig *er = *state;

    /* in al, dx; jz 1f; out 80h, al; iret; 1: mov [bx], al; iret */
    ENGINE_CODE(er, 0xec, 0x74, 0x03, 0xe6, 0x80, 0xcf, 0x88, 0x07, 0xcf);
    struct cluster *cluster = engine_form(er, POSITION_AT);
    assert_int_equal(cluster->n, 3);
    er->cpu->eflags |= FLAG_ZF;
    run_to_the_end(er, cluster);
    assert_int_equal(er->cpu->eip, RIG_CODE + 6);
    assert_int_equal(engine_stats(er).leave[LEAVE_branch], 1);
    er->cpu->eip = RIG_CODE + 8;
    engine_exit(er, POSITION_AFTER);
    er->cpu->eip = RIG_CODE;
    assert_int_equal(engine_exit(er, POSITION_AT)->n, 4);
}

/* An exit inside of what the scan took for one instruction can never join. That costs a formation each time:
 * ever more rarely, but without end. */
static void widening_gets_rare(void **state)
{
    struct engine_rig *er = *state;
    u32 widened = 0, last_at = 0;

    load_widening(er);
    struct cluster *cluster = engine_form(er, POSITION_AT);
    for (u32 exits = 4; exits < 5000; exits++) {
        run_to_the_end(er, cluster);
        er->cpu->eip = RIG_CODE + 3;
        engine_exit(er, POSITION_AT);
        if (er->discarded != widened) {
            widened = er->discarded;
            last_at = exits;
        }
        er->cpu->eip = RIG_CODE;
        cluster = engine_exit(er, POSITION_AT);
        assert_non_null(cluster);
    }
    assert_in_range(widened, 12, 24);
    assert_in_range(last_at, 1000, 5000);
}

/* --- coherency --- */

static void changed_code_is_refused_and_formed_again(void **state)
{
    struct engine_rig *er = *state;

    ENGINE_CODE(er, 0xec, 0x88, 0xc1, 0xb2, 0xc0, 0xe6, 0x80, 0x86, 0xc4, 0xcf);
    struct cluster *cluster = engine_form(er, POSITION_AT);
    assert_int_equal(cluster->n, 4);
    u64 refused = 0;
    for (u32 at = 0; at < 7; at++) {
        er->rig->ram[RIG_CODE + at] ^=
            at == 3 ? 1 : 0x02; /* another instruction of the same length or operand */
        er->cpu->eip = RIG_CODE + 1;
        cluster_engine_run(er->engine, cluster, er->cpu);
        assert_int_equal(er->accesses, 0);
        assert_int_equal(er->cpu->eip, RIG_CODE + 1);
        assert_int_equal(engine_stats(er).miss[MISS_incoherent], ++refused);
        er->rig->ram[RIG_CODE + at] ^= at == 3 ? 1 : 0x02;
        er->cpu->eip = RIG_CODE;
        cluster = engine_exit(er, POSITION_AT); /* at the next exit */
        assert_non_null(cluster);
        assert_int_equal(cluster->n, 4);
    }
    assert_int_equal(engine_stats(er).formed, 1 + refused);
    er->rig->ram[RIG_CODE + 7] ^= 0xff; /* trailing: not part of it */
    er->cpu->eip = RIG_CODE + 1;
    cluster_engine_run(er->engine, cluster, er->cpu);
    assert_int_equal(engine_stats(er).runs, 1);
    assert_int_equal(er->accesses, 1);
}

/* What is formed then is what stands there then. */
static void formed_again_from_the_new_code(void **state)
{
    struct engine_rig *er = *state;

    ENGINE_CODE(er, 0xec, 0xe6, 0x80, 0xcf);
    struct cluster *cluster = engine_form(er, POSITION_AT);
    er->rig->ram[RIG_CODE + 2] = 0x81;
    er->cpu->eip = RIG_CODE + 1;
    cluster_engine_run(er->engine, cluster, er->cpu);
    er->cpu->eip = RIG_CODE;
    cluster = engine_exit(er, POSITION_AT);
    run_to_the_end(er, cluster);
    rig_assert_access(er->rig, 0, 'o', 0x81, 1, 0);
}

/* --- refusals --- */

static void code_beyond_the_segment_is_refused(void **state)
{
    struct engine_rig *er = *state;

    ENGINE_CODE(er, 0xec, 0xec, 0xe6, 0x80, 0xcf);
    struct cluster *cluster = engine_form(er, POSITION_AT);
    er->cpu->eip = RIG_CODE + 1;
    er->cpu->sreg[CPU_CS].limit = RIG_CODE + 2; /* the last byte is missing */
    cluster_engine_run(er->engine, cluster, er->cpu);
    assert_int_equal(engine_stats(er).miss[MISS_limit], 1);
    assert_int_equal(engine_stats(er).runs, 0);
    er->cpu->sreg[CPU_CS].limit = RIG_CODE + 3;
    cluster_engine_run(er->engine, cluster, er->cpu);
    assert_int_equal(engine_stats(er).runs, 1);
}

/* IP does not wrap to 0 at the end of a 64 KiB segment: it faults. */
static void code_beyond_64_kib_is_refused(void **state)
{
    struct engine_rig *er = *state;

    memset(er->rig->ram + 0xfffe, 0xec, 4);
    memcpy(er->rig->ram + 0x10002, (const u8[]){0xcf}, 1);
    er->cpu->eip = 0xfffe;
    struct cluster *cluster = engine_form(er, POSITION_AT);
    er->cpu->eip = 0xffff;
    cluster_engine_run(er->engine, cluster, er->cpu);
    assert_int_equal(engine_stats(er).miss[MISS_limit], 1);
    assert_int_equal(er->accesses, 0);
}

static void an_exit_that_went_elsewhere(void **state)
{
    struct engine_rig *er = *state;

    load_pair(er);
    struct cluster *cluster = engine_form(er, POSITION_AT);
    er->cpu->eip = RIG_CODE + 0x100; /* its exception was delivered */
    cluster_engine_run(er->engine, cluster, er->cpu);
    assert_int_equal(engine_stats(er).miss[MISS_elsewhere], 1);
    assert_int_equal(engine_stats(er).runs, 0);
    assert_int_equal(er->cpu->eip, RIG_CODE + 0x100);
}

static void reasons_found_by_the_caller(void **state)
{
    struct engine_rig *er = *state;

    cluster_engine_miss(er->engine, MISS_interrupt_pending);
    cluster_engine_miss(er->engine, MISS_wanted);
    assert_int_equal(engine_stats(er).miss[MISS_interrupt_pending], 1);
    assert_int_equal(engine_stats(er).miss[MISS_wanted], 1);
}

/* --- capacity --- */

/* More places than the cache holds: it is emptied and goes on. */
static void full_cache_is_flushed(void **state)
{
    struct engine_rig *er = *state;
    enum { PLACES = 60000, APART = 8 };
    u32 formed = 0;

    memset(er->rig->ram, 0xec, 0x90000);
    for (u32 round = 0; round < 2; round++)
        for (u32 at = 0; at < PLACES; at++)
            for (u32 n = 0; n < 3; n++) {
                er->cpu->sreg[CPU_CS].base = at * APART;
                er->cpu->eip = 0;
                struct cluster *cluster = engine_exit(er, POSITION_AT);
                assert_int_equal(cluster != NULL, n == 2);
                formed += cluster != NULL;
                if (!cluster)
                    continue;
                er->cpu->eip = 1;
                cluster_engine_run(er->engine, cluster, er->cpu);
            }
    assert_int_equal(formed, 2 * PLACES);
    assert_int_equal(engine_stats(er).formed, formed);
    assert_int_equal(engine_stats(er).runs, formed);
    assert_in_range(er->discarded, PLACES, formed);
}

int test_life(void)
{
    const struct CMUnitTest tests[] = {
        ENGINE_TEST(formed_at_the_third_exit),
        ENGINE_TEST(alone_is_tried_again_at_twice_the_count),
        ENGINE_TEST(failed_translation_is_tried_again),
        ENGINE_TEST(weak_store_joins_once_it_has_exited),
        ENGINE_TEST(stop_reasons_are_sorted),
        ENGINE_TEST(window_counts_the_exiting_instruction),
        ENGINE_TEST(switched_off_it_counts_nothing),
        ENGINE_TEST(changing_the_window_forgets_all),
        ENGINE_TEST(changing_the_window_stops_the_cluster_in_hand),
        ENGINE_TEST(changing_the_window_inside_a_run),
        ENGINE_TEST(key_separates_place_and_mode),
        ENGINE_TEST(key_separates_base_offset_and_position),
        ENGINE_TEST(no_clusters_in_unknown_modes),
        ENGINE_TEST(widened_by_an_exit_behind_its_end),
        ENGINE_TEST(not_widened_without_cause),
        ENGINE_TEST(widened_on_a_side_that_a_branch_took),
        ENGINE_TEST(widening_gets_rare),
        ENGINE_TEST(changed_code_is_refused_and_formed_again),
        ENGINE_TEST(formed_again_from_the_new_code),
        ENGINE_TEST(code_beyond_the_segment_is_refused),
        ENGINE_TEST(code_beyond_64_kib_is_refused),
        ENGINE_TEST(an_exit_that_went_elsewhere),
        ENGINE_TEST(reasons_found_by_the_caller),
        ENGINE_TEST(full_cache_is_flushed),
    };
    return cmocka_run_group_tests_name("life", tests, NULL, NULL);
}
