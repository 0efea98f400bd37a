/* Clusters formed again count on: what is said of a place holds for the whole run. */
#include "engine_rig.h"

#include <string.h>

enum { AL_TO_BX = 0x88, MODRM_BX = 0x07 };

static bool add_up(void *opaque, const struct cluster *cluster)
{
    struct cluster_stats *sum = opaque;
    sum->formed += cluster->formed;
    sum->runs += cluster->runs;
    sum->exits_avoided += cluster_exits_avoided(cluster);
    for (u32 i = 0; i < LEAVE_REASONS; i++)
        sum->leave[i] += cluster->leave[i];
    return true;
}

/* What all clusters say of themselves is what the engine counted. */
static void assert_sums(const struct engine_rig *er)
{
    struct cluster_stats sum = {0}, all = engine_stats(er);
    cluster_engine_each(er->engine, add_up, &sum);
    assert_int_equal(sum.formed, all.formed);
    assert_int_equal(sum.runs, all.runs);
    assert_int_equal(sum.exits_avoided, all.exits_avoided);
    assert_memory_equal(sum.leave, all.leave, sizeof sum.leave);
}

static void run_from(struct engine_rig *er, struct cluster *cluster, u32 eip)
{
    er->cpu->eip = eip;
    cluster_engine_run(er->engine, cluster, er->cpu);
    er->cpu->eip = RIG_CODE;
}

/* in; in; mov [bx], al: the store joins after it exited once. */
static void widened_cluster_counts_on(void **state)
{
    struct engine_rig *er = *state;

    ENGINE_CODE(er, 0xec, 0xec, AL_TO_BX, MODRM_BX, 0xcf);
    er->cpu->reg[CPU_EBX] = 0x5000;
    struct cluster *cluster = engine_form(er, POSITION_AT);
    run_from(er, cluster, RIG_CODE + 1);
    run_from(er, engine_exit(er, POSITION_AT), RIG_CODE + 1);
    er->cpu->eip = RIG_CODE + 4;
    assert_null(engine_exit(er, POSITION_AFTER));
    assert_int_equal(er->discarded, 1);
    assert_sums(er); /* given up, and still there for those who ask */
    er->cpu->eip = RIG_CODE;
    cluster = engine_exit(er, POSITION_AT);
    assert_int_equal(cluster->n, 3);
    assert_int_equal(cluster->formed, 2);
    assert_int_equal(cluster->runs, 2);
    assert_int_equal(cluster->leave[LEAVE_end], 2);
    assert_int_equal(cluster->insn[1].exits_avoided, 2);
    assert_int_equal(cluster->exits_avoided_gone, 0);
    run_from(er, cluster, RIG_CODE + 1);
    assert_int_equal(cluster->runs, 3);
    assert_int_equal(cluster->insn[1].exits_avoided, 3);
    assert_sums(er);
}

/* Another instruction at the same place does not inherit. */
static void changed_code_does_not_inherit(void **state)
{
    struct engine_rig *er = *state;

    ENGINE_CODE(er, 0xec, 0xec, 0xcf);
    struct cluster *cluster = engine_form(er, POSITION_AT);
    run_from(er, cluster, RIG_CODE + 1);
    er->rig->ram[RIG_CODE + 1] = 0xee; /* out dx, al */
    run_from(er, engine_exit(er, POSITION_AT), RIG_CODE + 1);
    assert_int_equal(engine_stats(er).miss[MISS_incoherent], 1);
    assert_sums(er);
    cluster = engine_exit(er, POSITION_AT);
    assert_int_equal(cluster->formed, 2);
    assert_int_equal(cluster->insn[1].exits_avoided, 0);
    assert_int_equal(cluster->exits_avoided_gone, 1);
    run_from(er, cluster, RIG_CODE + 1);
    assert_int_equal(cluster->insn[1].exits_avoided, 1);
    assert_int_equal(cluster_exits_avoided(cluster), 2);
    assert_sums(er);
}

/* Nothing to cluster any more: what was counted stays until something is formed there again. */
static void counts_wait_for_a_cluster(void **state)
{
    struct engine_rig *er = *state;

    ENGINE_CODE(er, 0xec, 0xec, 0xcf);
    run_from(er, engine_form(er, POSITION_AT), RIG_CODE + 1);
    er->rig->ram[RIG_CODE + 1] = 0xcf;
    run_from(er, engine_exit(er, POSITION_AT), RIG_CODE + 1);
    for (u32 i = 0; i < 20; i++)
        assert_null(engine_exit(er, POSITION_AT));
    assert_sums(er);
    er->rig->ram[RIG_CODE + 1] = 0xec;
    struct cluster *cluster = NULL;
    for (u32 i = 0; i < 20 && !cluster; i++)
        cluster = engine_exit(er, POSITION_AT);
    assert_non_null(cluster);
    assert_int_equal(cluster->insn[1].exits_avoided, 1);
    assert_sums(er);
}

static void formed_when_told(void **state)
{
    struct engine_rig *er = *state;

    ENGINE_CODE(er, 0xec, 0xec, 0xcf);
    cluster_engine_set_form_at(er->engine, 1);
    assert_non_null(engine_exit(er, POSITION_AT));
    assert_int_equal(engine_stats(er).miss[MISS_cold], 0);
    er->cpu->sreg[CPU_CS].base = 0x10; /* another place */
    er->cpu->eip = RIG_CODE - 0x10;
    cluster_engine_set_form_at(er->engine, 5);
    for (u32 i = 0; i < 4; i++)
        assert_null(engine_exit(er, POSITION_AT));
    assert_non_null(engine_exit(er, POSITION_AT));
    assert_int_equal(engine_stats(er).miss[MISS_cold], 4);
}

int test_counts(void)
{
    const struct CMUnitTest tests[] = {
        ENGINE_TEST(widened_cluster_counts_on),
        ENGINE_TEST(changed_code_does_not_inherit),
        ENGINE_TEST(counts_wait_for_a_cluster),
        ENGINE_TEST(formed_when_told),
    };
    return cmocka_run_group_tests_name("counts", tests, NULL, NULL);
}
