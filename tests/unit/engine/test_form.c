/* Formation: what joins a cluster, where it ends, and what stops the scan. */
#include "engine_rig.h"

#include <string.h>
#include <sys/mman.h>

struct former {
    struct heat heat;
    struct form_request request;
    struct cluster *cluster;
    u32 stops;
    ZydisMnemonic stopped_at;
};

static void on_stop(void *opaque, const struct insn *insn)
{
    struct former *f = opaque;

    f->stops++;
    f->stopped_at = insn->zydis.mnemonic;
}

/* Forms at the processor's place; the heat is the former's. */
static enum form_result form(struct former *f, const struct engine_rig *er, enum cluster_position position,
                             u32 window)
{
    struct cluster_key key = {.where = engine_where(er), .position = position};

    f->request = (struct form_request){
        .env = &er->env, .heat = &f->heat, .window = window, .on_stop = on_stop, .on_stop_opaque = f};
    cluster_free(f->cluster);
    f->cluster = NULL;
    return cluster_form(&f->request, &key, &f->cluster);
}

static struct cluster *formed(struct former *f, const struct engine_rig *er, enum cluster_position position,
                              u32 window)
{
    assert_int_equal(form(f, er, position, window), FORM_OK);
    assert_non_null(f->cluster);
    return f->cluster;
}

static struct former *former(void)
{
    struct former *f = test_calloc(1, sizeof *f);

    assert_non_null(f);
    return f;
}

static void former_free(struct former *f)
{
    cluster_free(f->cluster);
    test_free(f);
}

/* The exiting flags as text: "x" exits, "." gap filler. */
static void assert_shape(const struct cluster *cluster, const char *shape)
{
    char is[CLUSTER_MAX_INSNS + 1];

    for (u32 i = 0; i < cluster->n; i++)
        is[i] = cluster->insn[i].exiting ? 'x' : '.';
    is[cluster->n] = 0;
    assert_string_equal(is, shape);
}

/* --- the two sequences of the authors' slides --- */

static void interrupt_controller(void **state)
{
    struct engine_rig *er = *state;
    struct former *f = former();

    ENGINE_CODE(er, 0xec,   /* in al, dx */
                0xe6, 0x80, /* out 80h, al */
                0x88, 0xc1, /* mov cl, al */
                0xb2, 0xc0, /* mov dl, 0c0h */
                0xee,       /* out dx, al */
                0xe6, 0x80, /* out 80h, al */
                0x86, 0xc4, /* xchg al, ah: trailing */
                0x30, 0xc9, /* xor cl, cl: trailing */
                0x90, 0x90, 0x90, 0x90, 0x90, 0x90, 0x90, 0x90, 0x90, 0x90);
    assert_shape(formed(f, er, POSITION_AT, ENGINE_WINDOW), "xx..xx");
    former_free(f);
}

#define PLANAR_VGA                                                                                           \
    0xee,                 /* out dx, al */                                                                   \
        0x89, 0x4e, 0xee, /* mov [bp-12h], cx */                                                             \
        0x29, 0xf1,       /* sub cx, si */                                                                   \
        0xba, 0xc5, 0x03, /* mov dx, 3c5h */                                                                 \
        0xb0, 0x01,       /* mov al, 1 */                                                                    \
        0xee,             /* out dx, al */                                                                   \
        0xd0, 0xeb,       /* shr bl, 1 */                                                                    \
        0x18, 0xe4,       /* sbb ah, ah */                                                                   \
        0xd0, 0xe0,       /* shl al, 1 */                                                                    \
        0x26, 0x88, 0x25, /* mov es:[di], ah */                                                              \
        0x90, 0x90, 0x90, 0x90, 0x90, 0x90, 0x90, 0x90, 0x90

enum { PLANAR_STORE = RIG_CODE + 18, PLANAR_STORE_BYTES = 3 };

/* With the counters of the slides: 3,0,0,0,0,2,0,0,0,2. */
static void planar_vga(void **state)
{
    struct engine_rig *er = *state;
    struct former *f = former();

    ENGINE_CODE(er, PLANAR_VGA);
    for (int i = 0; i < 2; i++)
        heat_bump(&f->heat, PLANAR_STORE + PLANAR_STORE_BYTES, true);
    er->cpu->eip = RIG_CODE + 1;
    assert_shape(formed(f, er, POSITION_AFTER, ENGINE_WINDOW - 1), "....x...x");
    assert_int_equal(f->cluster->insn[8].eip, PLANAR_STORE);
    er->cpu->eip = RIG_CODE;
    assert_shape(formed(f, er, POSITION_AT, ENGINE_WINDOW), "x....x...x");
    former_free(f);
}

static void weak_without_exits_is_left_out(void **state)
{
    struct engine_rig *er = *state;
    struct former *f = former();

    ENGINE_CODE(er, PLANAR_VGA);
    assert_shape(formed(f, er, POSITION_AT, ENGINE_WINDOW), "x....x");
    former_free(f);
}

/* --- weak instructions --- */

static void weak_joins_by_its_own_counter(void **state)
{
    struct engine_rig *er = *state;

    ENGINE_CODE(er, 0xee,         /* out dx, al */
                0x26, 0x8a, 0x05, /* mov al, es:[di] */
                0x90,             /* nop */
                0x26, 0x88, 0x05, /* mov es:[di], al */
                0x90, 0x90, 0x90, 0x90, 0x90, 0x90, 0x90, 0x90, 0x90, 0x90, 0x90, 0x90, 0x90, 0x90);
    static const struct {
        u32 linear;
        bool after;
        const char *shape; /* NULL: nothing to cluster */
    } heat[] = {
        {RIG_CODE + 1, false, "xx"},   /* a read exits with RIP at it */
        {RIG_CODE + 4, true, "xx"},    /* a write with RIP behind it: of the same instruction */
        {RIG_CODE + 4, false, NULL},   /* the NOP's own place */
        {RIG_CODE + 5, false, "x..x"}, /* a read-modify-write's first half */
        {RIG_CODE + 8, true, "x..x"},  {RIG_CODE + 5, true, NULL}, /* behind the NOP */
        {RIG_CODE + 8, false, NULL},
    };
    for (size_t i = 0; i < ARRAY_LEN(heat); i++) {
        struct former *f = former();
        heat_bump(&f->heat, heat[i].linear, heat[i].after);
        enum form_result result = form(f, er, POSITION_AT, ENGINE_WINDOW);
        assert_int_equal(result, heat[i].shape ? FORM_OK : FORM_ALONE);
        if (heat[i].shape)
            assert_shape(f->cluster, heat[i].shape);
        former_free(f);
    }
}

/* --- the window --- */

static void window_counts_the_exiting_instruction(void **state)
{
    struct engine_rig *er = *state;
    struct former *f = former();
    u8 code[40];

    memset(code, 0xec, sizeof code); /* in al, dx */
    rig_code(er->rig, code, sizeof code);
    assert_int_equal(formed(f, er, POSITION_AT, 16)->n, 16);
    assert_int_equal(formed(f, er, POSITION_AT, 2)->n, 2);
    assert_int_equal(form(f, er, POSITION_AT, 1), FORM_ALONE);
    /* The engine subtracts the one behind RIP: see test_life.c. */
    assert_int_equal(formed(f, er, POSITION_AFTER, 15)->n, 15);
    assert_int_equal(formed(f, er, POSITION_AFTER, 1)->n, 1);
    former_free(f);
}

static void window_is_bounded(void **state)
{
    struct engine_rig *er = *state;
    struct former *f = former();
    u8 code[2 * CLUSTER_MAX_INSNS];

    memset(code, 0xec, sizeof code);
    rig_code(er->rig, code, sizeof code);
    assert_int_equal(formed(f, er, POSITION_AT, UINT32_MAX)->n, CLUSTER_MAX_INSNS);
    former_free(f);
}

/* Gap fillers count in the window too. */
static void what_lies_behind_the_window_does_not_join(void **state)
{
    struct engine_rig *er = *state;
    struct former *f = former();

    ENGINE_CODE(er, 0xee, 0x90, 0x90, 0x90, 0xee, 0x90, 0x90, 0x90);
    assert_int_equal(form(f, er, POSITION_AT, 4), FORM_ALONE);
    assert_int_equal(formed(f, er, POSITION_AT, 5)->n, 5);
    former_free(f);
}

/* --- branches --- */

static void both_sides_of_a_branch(void **state)
{
    struct engine_rig *er = *state;
    struct former *f = former();

    ENGINE_CODE(er, 0xec,   /* in al, dx */
                0x74, 0x03, /* jz 1f */
                0xe6, 0x80, /* out 80h, al */
                0x90,       /* nop: trailing on this side */
                0xe6, 0x81, /* 1: out 81h, al */
                0x90, 0x90, 0x90, 0x90, 0x90, 0x90, 0x90, 0x90, 0x90, 0x90, 0x90);
    struct cluster *c = formed(f, er, POSITION_AT, ENGINE_WINDOW);
    assert_int_equal(c->n, 5); /* the NOP leads to the second OUT */
    int branch = cluster_find(c, RIG_CODE + 1);
    assert_int_equal(c->insn[branch].next, cluster_find(c, RIG_CODE + 3));
    assert_int_equal(c->insn[branch].target, cluster_find(c, RIG_CODE + 6));
    former_free(f);
}

static void a_side_without_exits_is_dropped(void **state)
{
    struct engine_rig *er = *state;
    struct former *f = former();

    ENGINE_CODE(er, 0xec,   /* in al, dx */
                0x74, 0x05, /* jz 1f */
                0xe6, 0x80, /* out 80h, al */
                0x0f, 0x08, /* invd: not on the list */
                0x90,       /* nop */
                0x40, 0x0f, 0x08 /* 1: inc ax; invd */);
    struct cluster *c = formed(f, er, POSITION_AT, ENGINE_WINDOW);
    assert_shape(c, "x.x");
    assert_int_equal(c->insn[1].target, CLUSTER_NO_INSN);
    assert_int_equal(c->insn[1].target_eip, RIG_CODE + 8);
    assert_int_equal(c->insn[2].next, CLUSTER_NO_INSN);
    assert_int_equal(f->stops, 2);
    former_free(f);
}

static void backward_loop_to_the_trigger(void **state)
{
    struct engine_rig *er = *state;
    struct former *f = former();

    ENGINE_CODE(er, 0xec,   /* 1: in al, dx */
                0xa8, 0x08, /* test al, 8 */
                0x74, 0xfb, /* jz 1b */
                0xf3, 0xc3 /* ret */);
    struct cluster *c = formed(f, er, POSITION_AT, ENGINE_WINDOW);
    assert_shape(c, "x..");
    assert_int_equal(c->insn[2].target, 0);
    assert_int_equal(c->insn[2].next, CLUSTER_NO_INSN);
    /* Behind an OUT the same loop is reached from outside. */
    ENGINE_CODE(er, 0xee, 0x49, 0x75, 0xfc, 0x0f, 0x08); /* 1: out dx, al; dec cx; jnz 1b; invd */
    er->cpu->eip = RIG_CODE + 1;
    c = formed(f, er, POSITION_AFTER, ENGINE_WINDOW);
    assert_shape(c, "..x");
    assert_int_equal(c->insn[0].eip, RIG_CODE + 1);
    assert_int_equal(c->insn[1].target, 2);
    assert_int_equal(c->insn[2].next, 0);
    former_free(f);
}

static void calls_and_jumps_are_followed(void **state)
{
    struct engine_rig *er = *state;
    struct former *f = former();

    ENGINE_CODE(er, 0xec,         /* in al, dx */
                0xe8, 0x02, 0x00, /* call 1f */
                0x0f, 0x08,       /* invd */
                0xeb, 0x02,       /* 1: jmp 2f */
                0x0f, 0x08,       /* invd */
                0xe6, 0x80,       /* 2: out 80h, al */
                0xc3 /* ret: what follows is not known */);
    assert_shape(formed(f, er, POSITION_AT, ENGINE_WINDOW), "x..x");
    assert_int_equal(f->stops, 0);
    former_free(f);
}

/* --- what stops the scan --- */

static void unsupported_instruction_stops(void **state)
{
    struct engine_rig *er = *state;
    struct former *f = former();

    ENGINE_CODE(er, 0xee, 0xee, 0x90, 0xcd, 0x10, 0xee, 0xee); /* out; out; nop; int 10h; out; out */
    assert_shape(formed(f, er, POSITION_AT, ENGINE_WINDOW), "xx");
    assert_int_equal(f->stops, 1);
    assert_int_equal(f->stopped_at, ZYDIS_MNEMONIC_INT);
    ENGINE_CODE(er, 0xee, 0xcf); /* iret */
    assert_int_equal(form(f, er, POSITION_AT, ENGINE_WINDOW), FORM_ALONE);
    assert_int_equal(f->stopped_at, ZYDIS_MNEMONIC_IRET);
    /* What is no instruction has no name to count. */
    ENGINE_CODE(er, 0xee, 0x0f, 0xff, 0xff);
    u32 stops = f->stops;
    assert_int_equal(form(f, er, POSITION_AT, ENGINE_WINDOW), FORM_ALONE);
    assert_in_range(f->stops, stops, stops + 1);
    former_free(f);
}

static void unreadable_code_stops(void **state)
{
    struct engine_rig *er = *state;
    struct former *f = former();
    static const u8 code[] = {0xee, 0xee, 0xe6}; /* the last instruction runs into the device */

    memcpy(er->rig->ram + RIG_DEVICE - sizeof code, code, sizeof code);
    er->cpu->sreg[CPU_CS].base = RIG_DEVICE - 0x1000;
    er->cpu->eip = 0x1000 - sizeof code;
    assert_shape(formed(f, er, POSITION_AT, ENGINE_WINDOW), "xx");
    er->cpu->eip = 0x1000;
    assert_int_equal(form(f, er, POSITION_AFTER, ENGINE_WINDOW), FORM_ALONE);
    former_free(f);
}

/* At the end of 4 GiB an instruction is cut off, but the one before it is not. */
static void code_does_not_wrap_around(void **state)
{
    struct engine_rig *er = *state;
    struct former *f = former();
    static const u8 end[] = {0xee, 0xee, 0xe6, 0x80, 0xe6};
    u8 *view = mmap(NULL, 1ull << 32, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

    assert_ptr_not_equal(view, MAP_FAILED);
    assert_int_equal(mprotect(view, 4096, PROT_READ | PROT_WRITE), 0);
    assert_int_equal(mprotect(view + 0xfffff000, 4096, PROT_READ | PROT_WRITE), 0);
    memcpy(view + 0x100000000 - sizeof end, end, sizeof end);
    memset(view, 0x80, 16);
    er->env.view = view;
    er->rig->page_kind[0xfffff] = ENV_PAGE_RAM;
    rig_protected(er->rig, true);
    er->cpu->eip = 0u - (u32)sizeof end;
    struct cluster *c = formed(f, er, POSITION_AT, ENGINE_WINDOW);
    assert_shape(c, "xxx");
    assert_int_equal(c->eip_last, 0xfffffffe);
    assert_true(cluster_coherent(c, &er->env));
    /* The same by the segment's base. */
    er->cpu->sreg[CPU_CS].base = 0xfffff000;
    er->cpu->eip = 0x1000 - sizeof end;
    assert_shape(formed(f, er, POSITION_AT, ENGINE_WINDOW), "xxx");
    assert_true(cluster_coherent(f->cluster, &er->env));
    munmap(view, 1ull << 32);
    former_free(f);
}

static void operand_size_is_the_segments(void **state)
{
    struct engine_rig *er = *state;
    struct former *f = former();

    ENGINE_CODE(er, 0xee, 0xb8, 0x90, 0x90, 0x90, 0x90, 0xee, 0x90, 0x90, 0x90, 0x90,
                0x90); /* mov (e)ax, imm */
    assert_shape(formed(f, er, POSITION_AT, 5), "x...x");
    er->cpu->sreg[CPU_CS].db = true;
    assert_shape(formed(f, er, POSITION_AT, 5), "x.x");
    former_free(f);
}

/* --- coherency --- */

static void every_byte_counts(void **state)
{
    struct engine_rig *er = *state;
    struct former *f = former();

    ENGINE_CODE(er, 0xec, 0x88, 0xc1, 0xeb, 0x01, 0x90, 0xb2, 0xc0, 0xe6, 0x80, 0x86, 0xc4);
    struct cluster *c = formed(f, er, POSITION_AT, 5);
    assert_shape(c, "x...x");
    for (u32 at = 0; at < 12; at++) {
        bool used = at < 10 && at != 5; /* jumped over; trailing */
        er->rig->ram[RIG_CODE + at] ^= 0x10;
        assert_int_equal(cluster_coherent(c, &er->env), !used);
        assert_int_equal(cluster_holds(c, RIG_CODE + at, RIG_CODE + at), used);
        er->rig->ram[RIG_CODE + at] ^= 0x10;
    }
    assert_true(cluster_coherent(c, &er->env));
    er->rig->page_kind[RIG_CODE >> 12] = ENV_PAGE_DEVICE;
    assert_false(cluster_coherent(c, &er->env));
    former_free(f);
}

static void ranges_that_hold_code(void **state)
{
    struct engine_rig *er = *state;
    struct former *f = former();

    ENGINE_CODE(er, 0xec, 0xe9, 0x10, 0x00); /* in al, dx; jmp over 16 bytes; out 80h, al */
    memcpy(er->rig->ram + RIG_CODE + 0x14, (u8[]){0xe6, 0x80}, 2);
    struct cluster *c = formed(f, er, POSITION_AT, 3);
    assert_shape(c, "x.x");
    assert_false(cluster_holds(c, RIG_CODE - 4, RIG_CODE - 1));
    assert_true(cluster_holds(c, RIG_CODE - 4, RIG_CODE));
    assert_false(cluster_holds(c, RIG_CODE + 4, RIG_CODE + 0x13)); /* in between */
    assert_true(cluster_holds(c, RIG_CODE, RIG_CODE + 0x100));
    assert_true(cluster_holds(c, RIG_CODE + 0x15, RIG_CODE + 0x16));
    assert_false(cluster_holds(c, RIG_CODE + 0x16, RIG_CODE + 0x100));
    /* The other address of the same byte while A20 is off. */
    assert_true(cluster_holds(c, RIG_CODE + 0x100000, RIG_CODE + 0x100000));
    assert_false(cluster_holds(c, RIG_CODE + 0x100004, RIG_CODE + 0x100013));
    assert_false(cluster_holds(c, RIG_CODE + 0x200000, RIG_CODE + 0x200000));
    assert_false(cluster_holds(c, 0xffffe, 0x100001)); /* in two pieces */
    assert_true(cluster_holds(c, 0xffffe, 0x100000 + RIG_CODE));
    assert_true(cluster_holds(c, RIG_CODE + 0x16, RIG_CODE + 0x100016)); /* all there is */
    former_free(f);
}

/* --- heat --- */

static void heat_counts(void **state)
{
    struct heat *heat = test_calloc(1, sizeof *heat);
    (void)state;

    assert_int_equal(heat_of(heat, 0, 1), 0);
    heat_bump(heat, 0, false); /* address 0 is an address */
    heat_bump(heat, 0, false);
    heat_bump(heat, 5, true);
    assert_int_equal(heat_of(heat, 0, 1), 2);
    assert_int_equal(heat_of(heat, 0, 5), 3);
    assert_int_equal(heat_of(heat, 3, 2), 1);
    assert_int_equal(heat_of(heat, 5, 5), 0);
    heat_bump(heat, 0, true); /* behind the last byte of 4 GiB */
    assert_int_equal(heat_of(heat, 0xffffffff, 1), 1);
    heat_clear(heat);
    assert_int_equal(heat_of(heat, 0, 1), 0);
    test_free(heat);
}

/* A full table forgets; what is hot comes back. */
static void heat_is_bounded(void **state)
{
    struct heat *heat = test_calloc(1, sizeof *heat);
    (void)state;

    for (u32 i = 0; i < 4 * HEAT_SLOTS; i++) {
        heat_bump(heat, i, i & 1);
        assert_true(heat->used <= HEAT_SLOTS / 4 * 3);
        assert_true(heat_of(heat, i & 1 ? i - 1 : i, 1) > 0);
    }
    test_free(heat);
}

int test_form(void)
{
    const struct CMUnitTest tests[] = {
        ENGINE_TEST(interrupt_controller),
        ENGINE_TEST(planar_vga),
        ENGINE_TEST(weak_without_exits_is_left_out),
        ENGINE_TEST(weak_joins_by_its_own_counter),
        ENGINE_TEST(window_counts_the_exiting_instruction),
        ENGINE_TEST(window_is_bounded),
        ENGINE_TEST(what_lies_behind_the_window_does_not_join),
        ENGINE_TEST(both_sides_of_a_branch),
        ENGINE_TEST(a_side_without_exits_is_dropped),
        ENGINE_TEST(backward_loop_to_the_trigger),
        ENGINE_TEST(calls_and_jumps_are_followed),
        ENGINE_TEST(unsupported_instruction_stops),
        ENGINE_TEST(unreadable_code_stops),
        ENGINE_TEST(code_does_not_wrap_around),
        ENGINE_TEST(operand_size_is_the_segments),
        ENGINE_TEST(every_byte_counts),
        ENGINE_TEST(ranges_that_hold_code),
        cmocka_unit_test(heat_counts),
        cmocka_unit_test(heat_is_bounded),
    };
    return cmocka_run_group_tests_name("form", tests, NULL, NULL);
}
