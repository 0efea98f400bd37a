/* Level on: when regions are formed and over what, when they are trusted, and why going on in them ends. The executor is the
 * interpreter: what is tested here is the engine's part. */
#include "engine_rig.h"

#include <string.h>

enum {
    VISITS_PER_EXIT = 8,           /* a block is interpreted so often for each exit waited for, less one */
    FORM_VISIT = 2 * VISITS_PER_EXIT, /* the default: formed at the third exit */
    OTHER_CODE = 0x1100,
};

/* The level takes effect at the next exit: here it is, at a place that no test uses. */
static int region_setup(void **state)
{
    int rc = engine_setup(state);
    struct engine_rig *er = *state;
    engine_use_regions(er);
    struct cpu_where elsewhere = engine_where(er);
    elsewhere.eip = 0;
    cluster_engine_exit_region(er->engine, &elsewhere, POSITION_AT);
    return rc;
}

#define REGION_TEST(test) cmocka_unit_test_setup_teardown(test, region_setup, engine_teardown)

static enum cluster_leave go_on(struct engine_rig *er)
{
    return cluster_engine_go_on(er->engine, er->cpu);
}

/* The hook of go_on_until. */
static void stop(struct engine_rig *er, u32 n)
{
    if (n == er->stop_at)
        er->rig->attention = 1;
}

/* Goes on until right behind device access number `n`. */
static void go_on_until(struct engine_rig *er, u32 n)
{
    er->stop_at = n;
    er->hook = stop;
    assert_int_equal(go_on(er), LEAVE_attention);
    assert_int_equal(er->accesses, n);
    er->rig->attention = 0;
    er->hook = NULL;
}

struct search {
    u32 eip;
    const struct cluster *found;
};

static bool is_there(void *opaque, const struct cluster *cluster)
{
    struct search *search = opaque;
    if (cluster->key.where.eip == search->eip)
        search->found = cluster;
    return true;
}

/* The region that begins at `eip`, or NULL. */
static const struct cluster *region_at(const struct engine_rig *er, u32 eip)
{
    struct search search = {.eip = eip};
    cluster_engine_each(er->engine, is_there, &search);
    return search.found;
}

static void put_code(struct engine_rig *er, u32 at, const u8 *code, u32 size)
{
    memcpy(er->rig->ram + at, code, size);
}
#define PUT_CODE(er, at, ...) put_code(er, at, (const u8[]){__VA_ARGS__}, sizeof((const u8[]){__VA_ARGS__}))

/* 1: out 80h, al; jmp 1b */
#define LOAD_OUT_LOOP(er) ENGINE_CODE(er, 0xe6, 0x80, 0xeb, 0xfc)

/* The loop above, its region formed, standing at the JMP. */
static void form_out_loop(struct engine_rig *er)
{
    LOAD_OUT_LOOP(er);
    go_on_until(er, FORM_VISIT + 4);
    assert_int_equal(engine_stats(er).formed, 1);
}

static void assert_last_port(const struct engine_rig *er, u16 port)
{
    const struct rig_access *last = &er->rig->log[er->rig->logged - 1];
    assert_true(er->rig->logged > 0 && er->rig->logged <= RIG_LOG_MAX);
    assert_int_equal(last->kind, 'o');
    assert_int_equal(last->address, port);
}

/* --- when and over what --- */

static void exits_decide_when_to_go_on(void **state)
{
    struct engine_rig *er = *state;
    LOAD_OUT_LOOP(er);
    struct cpu_where where = engine_where(er), other = where;
    other.eip = OTHER_CODE; /* another place counts for itself */
    assert_false(cluster_engine_exit_region(er->engine, &where, POSITION_AT));
    assert_false(cluster_engine_exit_region(er->engine, &where, POSITION_AT));
    assert_false(cluster_engine_exit_region(er->engine, &other, POSITION_AT));
    assert_true(cluster_engine_exit_region(er->engine, &where, POSITION_AT));
    assert_true(cluster_engine_exit_region(er->engine, &where, POSITION_AT));
    assert_int_equal(engine_stats(er).miss[MISS_cold], 1 + 3);
    assert_int_equal(engine_stats(er).formed, 0);
    /* For listings: its exits, and the accesses that were no exits because the engine interpreted it. */
    go_on_until(er, FORM_VISIT + 4);
    const struct cluster *region = region_at(er, RIG_CODE);
    assert_int_equal(cluster_engine_heat(er->engine, region, &region->insn[0]), 4 + FORM_VISIT - 1);
}

static void interpreted_until_it_was_visited_often(void **state)
{
    struct engine_rig *er = *state;
    LOAD_OUT_LOOP(er);
    go_on_until(er, FORM_VISIT - 1);
    struct cluster_stats stats = engine_stats(er);
    assert_int_equal(stats.formed, 0);
    assert_int_equal(stats.runs, 0);
    assert_int_equal(stats.exits_avoided, FORM_VISIT - 1);
    assert_int_equal(stats.instructions, 2 * (FORM_VISIT - 1) - 1);
    assert_null(region_at(er, RIG_CODE));
    go_on_until(er, FORM_VISIT + 10);
    stats = engine_stats(er);
    assert_int_equal(stats.formed, 1);
    assert_int_equal(stats.runs, 1);
    assert_int_equal(stats.exits_avoided, FORM_VISIT + 10);
    assert_int_equal(region_at(er, RIG_CODE)->n, 2);
    assert_int_equal(region_at(er, RIG_CODE)->key.position, POSITION_REGION);
}

static void visits_follow_the_exits_asked_for(void **state)
{
    struct engine_rig *er = *state;
    cluster_engine_set_form_at(er->engine, 5);
    LOAD_OUT_LOOP(er);
    go_on_until(er, 4 * VISITS_PER_EXIT - 1);
    assert_int_equal(engine_stats(er).formed, 0);
    go_on_until(er, 4 * VISITS_PER_EXIT);
    assert_int_equal(engine_stats(er).formed, 1);
    cluster_engine_set_form_at(er->engine, 1);
    er->cpu->eip = OTHER_CODE;
    PUT_CODE(er, OTHER_CODE, 0xe6, 0x80, 0xeb, 0xfc);
    go_on_until(er, 4 * VISITS_PER_EXIT + 1);
    assert_int_equal(engine_stats(er).formed, 2);
}

/* 1: test bl, bl; jz 2f; out 80h, al; jmp 1b; 2: in al, 60h; jmp 1b */
static void grows_over_what_was_visited(void **state)
{
    enum { SKIPPED = RIG_CODE + 8 };
    struct engine_rig *er = *state;
    ENGINE_CODE(er, 0x84, 0xdb, 0x74, 0x04, 0xe6, 0x80, 0xeb, 0xf8, 0xe4, 0x60, 0xeb, 0xf4);
    er->cpu->reg[CPU_EBX] = 1;
    go_on_until(er, FORM_VISIT + 4);
    const struct cluster *region = region_at(er, RIG_CODE);
    assert_non_null(region);
    assert_int_equal(region->n, 4);
    assert_int_equal(cluster_find(region, SKIPPED), CLUSTER_NO_INSN);
    assert_null(region_at(er, SKIPPED));

    er->cpu->reg[CPU_EBX] = 0;
    go_on_until(er, 2 * FORM_VISIT + 8);
    region = region_at(er, SKIPPED);
    assert_non_null(region);
    assert_int_equal(region->n, 6); /* with the loop, both ways of it */
    assert_int_equal(engine_stats(er).formed, 2);
}

/* 1: call f; out 80h, al; jmp 1b; f: in al, 60h; ret. The place behind the CALL was visited: RET came there. It goes by value, so
 * what follows is looked up. */
static void grows_over_calls(void **state)
{
    struct engine_rig *er = *state;
    ENGINE_CODE(er, 0xe8, 0x04, 0x00, 0xe6, 0x80, 0xeb, 0xf9, 0xe4, 0x60, 0xc3);
    go_on_until(er, 3 * FORM_VISIT);
    const struct cluster *region = region_at(er, RIG_CODE);
    assert_non_null(region);
    assert_int_equal(region->n, 5);
    assert_int_not_equal(cluster_find(region, RIG_CODE + 3), CLUSTER_NO_INSN);
    assert_true(region->leave[LEAVE_branch] > 0);
    assert_non_null(region_at(er, RIG_CODE + 3));
    assert_int_equal(er->cpu->reg[CPU_ESP], RIG_STACK);
}

/* --- is the code still what it was? --- */

/* What KVM ran may have written anywhere: everything is compared after it. */
static void changed_while_kvm_had_the_guest(void **state)
{
    struct engine_rig *er = *state;
    form_out_loop(er);
    er->rig->ram[RIG_CODE + 1] = 0x81;
    cluster_engine_kvm_ran(er->engine);
    go_on_until(er, er->accesses + 2);
    assert_last_port(er, 0x81);
    assert_int_equal(engine_stats(er).miss[MISS_incoherent], 1);
    assert_int_equal(er->discarded, 1);
    go_on_until(er, er->accesses + VISITS_PER_EXIT + 2);
    assert_last_port(er, 0x81);
    assert_int_equal(engine_stats(er).formed, 2);
    assert_int_equal(region_at(er, RIG_CODE)->formed, 2);
}

/* The run loop had the guest, and nothing else: what was compared is trusted, and stays chained. */
static void trusted_while_only_the_run_loop_was_wanted(void **state)
{
    struct engine_rig *er = *state;
    form_out_loop(er);
    u32 epoch = er->code_map.epoch;
    er->rig->ram[RIG_CODE + 1] = 0x81; /* which nobody may do: seen is that it was not looked for */
    go_on_until(er, er->accesses + 2);
    assert_last_port(er, 0x80);
    assert_int_equal(er->code_map.epoch, epoch);
    cluster_engine_kvm_ran(er->engine);
    go_on_until(er, er->accesses + 2);
    assert_last_port(er, 0x81);
    assert_int_equal(er->code_map.epoch, epoch + 1);
}

/* A device has changed memory while the run loop had the guest: DMA. */
static void changed_between_two_runs(void **state)
{
    struct engine_rig *er = *state;
    form_out_loop(er);
    er->rig->ram[RIG_CODE + 1] = 0x81;
    er->rig->generation++;
    go_on_until(er, er->accesses + 2);
    assert_last_port(er, 0x81);
    assert_int_equal(engine_stats(er).miss[MISS_incoherent], 1);
}

/* The interpreter stores to code while the run loop has the guest: it delivers an interrupt, whose frame goes there. */
static void changed_by_a_delivery(void **state)
{
    struct engine_rig *er = *state;
    form_out_loop(er);
    u32 esp = er->cpu->reg[CPU_ESP], eip = er->cpu->eip;
    u16 cs = er->cpu->sreg[CPU_CS].selector;
    er->cpu->reg[CPU_ESP] = RIG_CODE + 4; /* the flags: over the JMP; CS: over the OUT */
    er->cpu->sreg[CPU_CS].selector = 0x81e6;
    assert_int_equal(interp_deliver(&er->interp, er->cpu, 8, false, 0), INTERP_DONE);
    PUT_CODE(er, RIG_CODE + 2, 0xeb, 0xfc);
    er->cpu->sreg[CPU_CS].selector = cs;
    er->cpu->sreg[CPU_CS].base = cs * 16u;
    er->cpu->reg[CPU_ESP] = esp;
    er->cpu->eip = eip;
    er->cpu->eflags |= FLAG_IF;
    go_on_until(er, er->accesses + 2);
    assert_last_port(er, 0x81);
    assert_int_equal(engine_stats(er).miss[MISS_incoherent], 1);
}

static void device_changes_memory(struct engine_rig *er, u32 n)
{
    (void)n;
    er->rig->ram[RIG_CODE + 1] = 0x81;
    er->rig->generation++;
    er->hook = stop;
}

static void changed_by_a_device(void **state)
{
    struct engine_rig *er = *state;
    form_out_loop(er);
    er->hook = device_changes_memory;
    er->stop_at = er->accesses + 4;
    assert_int_equal(go_on(er), LEAVE_attention);
    assert_last_port(er, 0x81);
    assert_int_equal(engine_stats(er).miss[MISS_incoherent], 1);
    assert_int_equal(region_at(er, RIG_CODE)->leave[LEAVE_mapping], 1);
}

/* 1: out 80h, al; mov [1b+1], ah; jmp 1b */
static void changed_by_its_own_store(void **state)
{
    struct engine_rig *er = *state;
    ENGINE_CODE(er, 0xe6, 0x80, 0x88, 0x26, 0x01, 0x10, 0xeb, 0xf8);
    er->cpu->reg[CPU_EAX] = 0x8000;
    go_on_until(er, FORM_VISIT + 4); /* stores of what is there already */
    assert_int_equal(engine_stats(er).formed, 1);
    assert_int_equal(engine_stats(er).miss[MISS_incoherent], 0);
    assert_true(region_at(er, RIG_CODE)->leave[LEAVE_self_modified] > 0);
    er->cpu->reg[CPU_EAX] = 0x8100;
    go_on_until(er, er->accesses + 1);
    assert_last_port(er, 0x81);
    assert_true(engine_stats(er).miss[MISS_incoherent] > 0);
}

/* 1: out 80h, al; jmp bx;    2: mov [1b+1], ah; jmp cx: regions of their own, which follow each other. */
static void load_two_regions(struct engine_rig *er)
{
    ENGINE_CODE(er, 0xe6, 0x80, 0xff, 0xe3);
    PUT_CODE(er, OTHER_CODE, 0x88, 0x26, 0x01, 0x10, 0xff, 0xe1);
    er->cpu->reg[CPU_EAX] = 0x8000;
    er->cpu->reg[CPU_EBX] = OTHER_CODE;
    er->cpu->reg[CPU_ECX] = RIG_CODE;
}

static void changed_by_another_region(void **state)
{
    struct engine_rig *er = *state;
    load_two_regions(er);
    go_on_until(er, FORM_VISIT + 4);
    assert_int_equal(engine_stats(er).formed, 2);
    assert_int_equal(engine_stats(er).miss[MISS_incoherent], 0);
    u32 epoch = er->code_map.epoch;
    er->cpu->reg[CPU_EAX] = 0x8100;
    go_on_until(er, er->accesses + 1);
    assert_last_port(er, 0x81);
    assert_int_equal(engine_stats(er).miss[MISS_incoherent], 1);
    assert_true(er->code_map.epoch > epoch);
}

/* 1: out 80h, al; jmp bx, in a region, and 2: inc ah; mov [1b+1], ah; jmp cx, which is not yet: each time round it is another
 * port. The region is given up, formed again and changed again, all in one go. */
static void changed_by_what_is_interpreted(void **state)
{
    enum { ROUNDS = VISITS_PER_EXIT + 3 };
    struct engine_rig *er = *state;
    load_two_regions(er);
    go_on_until(er, FORM_VISIT + 4);
    er->cpu->reg[CPU_EBX] = OTHER_CODE + 0x10;
    PUT_CODE(er, OTHER_CODE + 0x10, 0xfe, 0xc4, 0x88, 0x26, 0x01, 0x10, 0xff, 0xe1);
    u32 before = er->rig->logged;
    go_on_until(er, er->accesses + ROUNDS);
    for (u32 i = 0; i < ROUNDS; i++)
        assert_int_equal(er->rig->log[before + i].address, 0x81 + i);
    assert_null(region_at(er, OTHER_CODE + 0x10));
    assert_int_equal(engine_stats(er).formed, 3);
    assert_int_equal(engine_stats(er).miss[MISS_incoherent], 2);
}

/* mov [bx], ah; out 80h, al; jmp to it: stores beside code, which the map tells apart. */
static void stores_elsewhere_cost_no_comparison(void **state)
{
    struct engine_rig *er = *state;
    ENGINE_CODE(er, 0x88, 0x27, 0xe6, 0x80, 0xeb, 0xfa);
    er->cpu->reg[CPU_EBX] = OTHER_CODE;
    go_on_until(er, FORM_VISIT + 4);
    u32 epoch = er->code_map.epoch;
    go_on_until(er, er->accesses + 100);
    assert_int_equal(er->code_map.epoch, epoch);
}

/* What is stored at one place of the page frame may be code at another. */
static void code_in_the_page_frame(void **state)
{
    (void)state;
    enum { CODE = CODE_FRAME_FIRST + 0x123, BYTES = 5, PLACE = CODE_PLACE_BYTES };
    struct code_map map;
    struct cluster_code code = {.first = CODE, .bytes = BYTES};
    struct cluster cluster = {.code = &code, .n_code = 1, .code_first = CODE, .code_last = CODE + BYTES - 1};
    assert_int_equal(code_map_init(&map), 0);
    code_map_add(&map, CODE, BYTES);
    for (u32 place = 0; place < CODE_FRAME_BYTES / PLACE; place++) {
        linear_t at = CODE + place * PLACE;
        u32 epoch = map.epoch;
        assert_true(code_map_holds(&map, at, at) && code_map_holds(&map, CODE_A20 + at, CODE_A20 + at));
        code_map_stored(&map, at + 0x100, at + 0x1ff);
        assert_int_equal(map.epoch, epoch);
        code_map_stored(&map, at - 0x100, at);
        assert_int_equal(map.epoch, epoch + 1);
        assert_true(cluster_holds(&cluster, at, at) && cluster_holds(&cluster, CODE_A20 + at - 1, CODE_A20 + at));
        assert_false(cluster_holds(&cluster, at - 2, at - 1) || cluster_holds(&cluster, at + BYTES, at + BYTES));
        assert_true(cluster_holds(&cluster, at & ~(PLACE - 1u), at | (PLACE - 1u)));
    }
    assert_true(cluster_holds(&cluster, CODE_FRAME_FIRST + PLACE - 1, CODE_FRAME_FIRST + PLACE)); /* not looked at closely */
    assert_true(cluster_holds(&cluster, CODE_FRAME_FIRST - 1, CODE_FRAME_FIRST));
    assert_false(cluster_holds(&cluster, CODE_FRAME_FIRST - 2, CODE_FRAME_FIRST - 1));
    assert_false(code_map_holds(&map, CODE + CODE_FRAME_BYTES, CODE - PLACE));
    code_map_remove(&map, CODE, BYTES);
    for (u32 place = 0; place < CODE_FRAME_BYTES / PLACE; place++)
        assert_false(code_map_holds(&map, CODE + place * PLACE, CODE));
    code_map_fini(&map);
}

static void code_beyond_the_segment_is_not_run(void **state)
{
    struct engine_rig *er = *state;
    form_out_loop(er);
    u64 runs = engine_stats(er).runs;
    er->cpu->eip = RIG_CODE;
    er->cpu->sreg[CPU_CS].limit = RIG_CODE + 2; /* half of the JMP */
    er->hook = stop;
    er->stop_at = er->accesses + 5;
    assert_int_equal(go_on(er), LEAVE_fault);
    assert_int_equal(er->cpu->eip, RIG_CODE + 2);
    assert_int_equal(engine_stats(er).runs, runs);
}

/* --- why going on ends --- */

static void horizon_bounds_what_only_computes(void **state)
{
    enum { HORIZON = 100, SHORT = 4 }; /* SHORT: before there is a region */
    struct engine_rig *er = *state;
    ENGINE_CODE(er, 0xeb, 0xfe); /* jmp $ */
    cluster_engine_set_horizon(er->engine, SHORT);
    assert_int_equal(go_on(er), LEAVE_horizon);
    assert_int_equal(engine_stats(er).instructions, SHORT);
    assert_int_equal(engine_stats(er).formed, 0);
    cluster_engine_set_horizon(er->engine, HORIZON);
    for (u32 i = 1; i <= 3; i++) {
        assert_int_equal(go_on(er), LEAVE_horizon);
        assert_int_equal(er->cpu->eip, RIG_CODE);
        assert_int_equal(engine_stats(er).instructions, SHORT + i * HORIZON);
        assert_int_equal(engine_stats(er).idle, 0);
    }
    assert_int_equal(engine_stats(er).formed, 1);
    assert_int_equal(engine_stats(er).leave[LEAVE_horizon], 4);
}

/* mov cx, 10; 1: loop 1b; out 80h, al; jmp to it: 13 instructions from access to access. */
static void accesses_keep_the_horizon_away(void **state)
{
    struct engine_rig *er = *state;
    ENGINE_CODE(er, 0xb9, 10, 0, 0xe2, 0xfe, 0xe6, 0x80, 0xeb, 0xf7);
    cluster_engine_set_horizon(er->engine, 13);
    go_on_until(er, 200);
    assert_int_equal(engine_stats(er).leave[LEAVE_horizon], 0);
    cluster_engine_set_horizon(er->engine, 8);
    assert_int_equal(go_on(er), LEAVE_horizon);
    assert_int_equal(er->accesses, 200);
    assert_int_equal(er->cpu->eip, RIG_CODE + 3);
}

static void attention_comes_first(void **state)
{
    struct engine_rig *er = *state;
    form_out_loop(er);
    u64 instructions = engine_stats(er).instructions;
    er->rig->attention = 1;
    assert_int_equal(go_on(er), LEAVE_attention);
    assert_int_equal(engine_stats(er).instructions, instructions);
}

static void level_off(struct engine_rig *er, u32 n)
{
    (void)n;
    cluster_engine_set_window(er->engine, 0);
    er->rig->attention = 1;
}

/* What a script does at a device access: regions are not gone on with, and forgotten at the next exit. */
static void changing_the_level_ends_it(void **state)
{
    struct engine_rig *er = *state;
    form_out_loop(er);
    er->hook = level_off;
    assert_int_equal(go_on(er), LEAVE_attention);
    er->rig->attention = 0;
    u64 instructions = engine_stats(er).instructions;
    assert_int_equal(go_on(er), LEAVE_attention);
    assert_int_equal(engine_stats(er).instructions, instructions);
    assert_int_equal(er->discarded, 0);
    assert_null(engine_exit(er, POSITION_AT));
    assert_int_equal(er->discarded, 1);
}

/* hlt; jmp to it: as it is met first, and in a region. */
static void halt(void **state)
{
    struct engine_rig *er = *state;
    ENGINE_CODE(er, 0xf4, 0xeb, 0xfd);
    for (u32 i = 1; i <= 2 * FORM_VISIT; i++) {
        assert_int_equal(go_on(er), LEAVE_halt);
        assert_true(er->cpu->halted);
        assert_int_equal(er->cpu->eip, RIG_CODE + 1);
        assert_int_equal(engine_stats(er).exits_avoided, i);
        er->cpu->halted = false;
    }
    assert_true(engine_stats(er).runs > 0);
}

static void raise_interrupt(struct engine_rig *er, u32 n)
{
    er->rig->intr = n == er->stop_at;
}

static void interrupt_behind_the_access_that_raised_it(void **state)
{
    struct engine_rig *er = *state;
    er->cpu->eflags |= FLAG_IF;
    form_out_loop(er);
    er->hook = raise_interrupt;
    for (u32 i = 0; i < 3; i++) {
        er->stop_at = er->accesses + 5;
        assert_int_equal(go_on(er), LEAVE_interrupt);
        assert_int_equal(er->accesses, er->stop_at);
        assert_int_equal(er->cpu->eip, RIG_CODE + 2);
        er->rig->intr = false;
    }
}

/* Not while they are disabled, and not in the shadow of STI: out 80h, al; jmp to it; then sti; nop; nop */
static void interrupt_when_it_can_be_taken(void **state)
{
    struct engine_rig *er = *state;
    form_out_loop(er);
    er->rig->intr = true;
    go_on_until(er, er->accesses + 50);
    assert_int_equal(engine_stats(er).leave[LEAVE_interrupt], 0);
    PUT_CODE(er, OTHER_CODE, 0xfb, 0x90, 0x90);
    er->cpu->eip = OTHER_CODE;
    assert_int_equal(go_on(er), LEAVE_interrupt);
    assert_int_equal(er->cpu->eip, OTHER_CODE + 2);
    assert_false(er->cpu->interrupt_shadow);
}

/* 1: out 80h, al; div bl; jmp 1b. KVM raises the exception: the state is that before the instruction. */
static void fault(void **state)
{
    struct engine_rig *er = *state;
    ENGINE_CODE(er, 0xe6, 0x80, 0xf6, 0xf3, 0xeb, 0xfa);
    for (u32 round = 0; round < 2; round++) { /* interpreted, then in a region */
        er->cpu->reg[CPU_EAX] = 0x1234;
        er->cpu->reg[CPU_EBX] = 0;
        er->cpu->eip = RIG_CODE;
        assert_int_equal(go_on(er), LEAVE_fault);
        assert_int_equal(er->cpu->eip, RIG_CODE + 2);
        assert_int_equal(er->cpu->reg[CPU_EAX], 0x1234);
        assert_int_equal(region_at(er, RIG_CODE) != NULL, round);
        er->cpu->reg[CPU_EAX] = 0;
        er->cpu->reg[CPU_EBX] = 1;
        if (!round)
            go_on_until(er, FORM_VISIT + 4);
    }
}

/* What is not known ends a region as it ends interpretation: 1: out 80h, al; rdtsc; jmp 1b */
static void unknown_instruction(void **state)
{
    struct engine_rig *er = *state;
    ENGINE_CODE(er, 0xe6, 0x80, 0x0f, 0x31, 0xeb, 0xfa);
    for (u32 i = 0; i < 2 * FORM_VISIT; i++) {
        er->cpu->eip = RIG_CODE;
        assert_int_equal(go_on(er), LEAVE_unsupported);
        assert_int_equal(er->cpu->eip, RIG_CODE + 2);
    }
    assert_int_equal(er->accesses, 2 * FORM_VISIT);
    assert_non_null(region_at(er, RIG_CODE));
    assert_string_equal(engine_stats(er).stop[0].mnemonic, "rdtsc");
}

static void not_in_unknown_modes(void **state)
{
    struct engine_rig *er = *state;
    struct cpu_where where;
    form_out_loop(er);
    u64 instructions = engine_stats(er).instructions;
    er->cpu->eflags |= FLAG_TF;
    where = engine_where(er);
    assert_int_equal(go_on(er), LEAVE_mode);
    for (u32 i = 0; i < 5; i++)
        assert_false(cluster_engine_exit_region(er->engine, &where, POSITION_AT));
    er->cpu->eflags &= ~FLAG_TF;
    er->cpu->cr0 |= CR0_PE | CR0_PG;
    where = engine_where(er);
    assert_int_equal(go_on(er), LEAVE_mode);
    for (u32 i = 0; i < 4; i++)
        assert_false(cluster_engine_exit_region(er->engine, &where, POSITION_AT));
    assert_int_equal(engine_stats(er).instructions, instructions);
    assert_int_equal(engine_stats(er).miss[MISS_trap_flag], 5);
    assert_int_equal(engine_stats(er).miss[MISS_mode], 4);
}

/* 1: out 80h, al; popf; jmp 1b, with TF among the flags that come: the trap is KVM's. */
static void trap_flag_on_the_way(void **state)
{
    struct engine_rig *er = *state;
    ENGINE_CODE(er, 0xe6, 0x80, 0x9d, 0xeb, 0xfb);
    er->cpu->reg[CPU_ESP] = RIG_STACK - 2 * (FORM_VISIT + 4);
    rig_put(er->rig, RIG_STACK - 2, 2, FLAG_FIXED | FLAG_TF);
    assert_int_equal(go_on(er), LEAVE_attention);
    assert_int_equal(er->accesses, FORM_VISIT + 4);
    assert_int_equal(er->cpu->eip, RIG_CODE + 3);
    assert_int_equal(go_on(er), LEAVE_mode);
    assert_int_equal(er->cpu->eip, RIG_CODE + 3);
}

static void request(struct engine_rig *er, u32 n)
{
    er->rig->requests = n == er->stop_at;
}

static void request_right_behind_the_access(void **state)
{
    struct engine_rig *er = *state;
    form_out_loop(er);
    er->hook = request;
    er->stop_at = er->accesses + 5;
    assert_int_equal(go_on(er), LEAVE_request);
    assert_int_equal(er->accesses, er->stop_at);
    assert_int_equal(er->cpu->eip, RIG_CODE + 2);
}

int test_region(void)
{
    const struct CMUnitTest tests[] = {
        REGION_TEST(exits_decide_when_to_go_on),
        REGION_TEST(interpreted_until_it_was_visited_often),
        REGION_TEST(visits_follow_the_exits_asked_for),
        REGION_TEST(grows_over_what_was_visited),
        REGION_TEST(grows_over_calls),
        REGION_TEST(changed_while_kvm_had_the_guest),
        REGION_TEST(trusted_while_only_the_run_loop_was_wanted),
        REGION_TEST(changed_between_two_runs),
        REGION_TEST(changed_by_a_delivery),
        REGION_TEST(changed_by_a_device),
        REGION_TEST(changed_by_its_own_store),
        REGION_TEST(changed_by_another_region),
        REGION_TEST(changed_by_what_is_interpreted),
        REGION_TEST(stores_elsewhere_cost_no_comparison),
        REGION_TEST(code_beyond_the_segment_is_not_run),
        cmocka_unit_test(code_in_the_page_frame),
        REGION_TEST(horizon_bounds_what_only_computes),
        REGION_TEST(accesses_keep_the_horizon_away),
        REGION_TEST(attention_comes_first),
        REGION_TEST(changing_the_level_ends_it),
        REGION_TEST(halt),
        REGION_TEST(interrupt_behind_the_access_that_raised_it),
        REGION_TEST(interrupt_when_it_can_be_taken),
        REGION_TEST(fault),
        REGION_TEST(unknown_instruction),
        REGION_TEST(not_in_unknown_modes),
        REGION_TEST(trap_flag_on_the_way),
        REGION_TEST(request_right_behind_the_access),
    };
    return cmocka_run_group_tests_name("regions", tests, NULL, NULL);
}
