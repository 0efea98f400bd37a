/* Runs: what makes a translation go, and what is counted. That host code does what the interpreter does is tested with
 * random clusters (tests/unit/check) and on guests (--check). */
#include "jit_rig.h"

#include <string.h>

#define FORM(rig, exiting, ...)                                                                              \
    jit_form(rig, (const u8[]){__VA_ARGS__}, sizeof((const u8[]){__VA_ARGS__}), exiting)

static struct jit_stats stats_of(const struct jit_rig *rig)
{
    struct jit_stats stats;
    jit_stats(rig->jit, &stats);
    return stats;
}

static void again(struct jit_rig *rig, struct cluster *cluster)
{
    rig->cpu.eip = RIG_CODE;
    rig->cpu.reg[CPU_EAX] = 0x5a;
    assert_int_equal(jit_run(rig, cluster), LEAVE_end);
}

static void a_cluster_is_translated_once(void **state)
{
    struct jit_rig *rig = *state;
    struct cluster *cluster = FORM(rig, 0, 0x88, 0x07); /* mov [bx], al */
    for (int i = 0; i < 5; i++)
        again(rig, cluster);
    assert_int_equal(rig->mem.plain[RIG_DATA], 0x5a);
    assert_int_equal(stats_of(rig).translations, 1);
    assert_int_equal(stats_of(rig).interpreted, 0);
    assert_int_equal(rig->stats.instructions, 5 * 3);
    assert_int_equal(rig->stats.exits_avoided, 5 * 2);
    jit_free(rig, cluster);
}

static void flag_images_are_host_code(void **state)
{
    struct jit_rig *rig = *state;
    struct cluster *cluster = FORM(rig, 0, 0x9c, 0x9d); /* pushf; popf */
    again(rig, cluster);
    assert_int_equal(stats_of(rig).interpreted, 0);
    assert_int_equal(rig->cpu.reg[CPU_ESP], RIG_STACK);
    assert_int_equal(rig->cpu.eflags & (FLAG_IF | FLAG_FIXED), FLAG_IF | FLAG_FIXED);
    rig->intr = true; /* POPF might let it in: the interpreter's */
    rig->cpu.eip = RIG_CODE;
    assert_int_equal(jit_run(rig, cluster), LEAVE_interrupt);
    assert_int_equal(stats_of(rig).interpreted, 1);
    rig->intr = false;
    jit_free(rig, cluster);
}

static void the_third_fault_makes_a_device_access(void **state)
{
    struct jit_rig *rig = *state;
    struct cluster *cluster = FORM(rig, 0, 0x88, 0x07);
    rig->cpu.sreg[CPU_DS].base = RIG_VGA;
    for (int i = 0; i < 6; i++)
        again(rig, cluster);
    assert_int_equal(rig->mmio_accesses, 6);
    assert_int_equal(stats_of(rig).faults, 3);
    assert_int_equal(stats_of(rig).recompiled, 1);
    assert_int_equal(stats_of(rig).interpreted, 3);
    assert_int_equal(stats_of(rig).translations, 2);
    assert_int_equal(cluster->insn[0].exits_avoided, 6);
    jit_free(rig, cluster);
}

static void another_segment_shape_is_translated_anew(void **state)
{
    struct jit_rig *rig = *state;
    struct cluster *cluster = FORM(rig, 0, 0x88, 0x07);
    again(rig, cluster);
    rig->cpu.sreg[CPU_DS].limit = 0xffffffff;
    again(rig, cluster);
    assert_int_equal(stats_of(rig).translations, 2);
    rig->cpu.sreg[CPU_DS].limit = 0x1000; /* the store is outside: #GP is KVM's */
    rig->cpu.eip = RIG_CODE;
    assert_int_equal(jit_run(rig, cluster), LEAVE_fault);
    assert_int_equal(rig->cpu.eip, RIG_CODE);
    jit_free(rig, cluster);
}

/* Both ways in which host code may see memory. */
static void with_and_without_guard(struct jit_rig *rig, void (*test)(struct jit_rig *rig))
{
    test(rig);
    rig->env.guarded = rig->mem.guarded;
    jit_configure(rig, &(struct jit_config){0});
    test(rig);
}

/* Where base and offset add up to more than 4 GiB the address wraps. */
static void store_beyond_the_end(struct jit_rig *rig)
{
    struct cluster *cluster = FORM(rig, 0, 0x88, 0x07); /* mov [bx], al */
    struct jit_stats before = stats_of(rig);
    rig->mem.plain[RIG_DATA] = 0;
    rig->cpu.reg[CPU_EBX] = 0x8000 + RIG_DATA;
    rig->cpu.sreg[CPU_DS].base = 0xffff8000;
    again(rig, cluster);
    assert_int_equal(rig->mem.plain[RIG_DATA], 0x5a);
    assert_int_equal(stats_of(rig).interpreted, before.interpreted + 1);
    rig->mem.plain[RIG_DATA] = 0;
    rig->cpu.sreg[CPU_DS].base = 0;
    rig->cpu.reg[CPU_EBX] = RIG_DATA;
    again(rig, cluster);
    assert_int_equal(rig->mem.plain[RIG_DATA], 0x5a);
    assert_int_equal(stats_of(rig).interpreted, before.interpreted + 1);
    jit_free(rig, cluster);
}

static void addresses_wrap_at_the_end_of_the_address_space(void **state)
{
    with_and_without_guard(*state, store_beyond_the_end);
}

static void load_segment_and_store(struct jit_rig *rig)
{
    enum { BASE = 0x1000, SELECTOR = BASE / 16 };
    struct cluster *cluster = FORM(rig, 0, 0x8e, 0xd9, 0x88, 0x07, 0xa2, 0x02, 0x50); /* mov ds, cx; mov [bx], al; mov [5002h], al */
    u8 *at = rig->mem.plain + BASE + RIG_DATA;
    memset(rig->mem.plain + RIG_DATA, 0, BASE + 16);
    rig->cpu.reg[CPU_EBX] = RIG_DATA;
    rig->cpu.reg[CPU_ECX] = SELECTOR;
    again(rig, cluster);
    assert_int_equal(at[0], 0x5a);
    assert_int_equal(at[2], 0x5a);
    assert_int_equal(rig->mem.plain[RIG_DATA], 0);
    assert_int_equal(rig->cpu.sreg[CPU_DS].base, BASE);
    rig->cpu.reg[CPU_ECX] = 0;
    again(rig, cluster);
    assert_int_equal(rig->mem.plain[RIG_DATA], 0x5a);
    assert_int_equal(stats_of(rig).interpreted, 0);
    jit_free(rig, cluster);
}

static void a_segment_loaded_in_the_middle_counts_at_once(void **state)
{
    with_and_without_guard(*state, load_segment_and_store);
}

/* A flat segment's base is not added; another one's is. */
static void store_flat(struct jit_rig *rig)
{
    enum { BASE = 0x1000 };
    rig->cpu.cr0 |= CR0_PE;
    rig->cpu.sreg[CPU_DS].limit = 0xffffffff;
    rig->cpu.sreg[CPU_DS].base = 0;
    struct cluster *cluster = FORM(rig, 0, 0x88, 0x07, 0x67, 0xa2, 0x02, 0x50, 0, 0); /* mov [bx], al; mov [dword 5002h], al */
    memset(rig->mem.plain + RIG_DATA, 0, BASE + 16);
    again(rig, cluster);
    assert_int_equal(rig->mem.plain[RIG_DATA], 0x5a);
    assert_int_equal(rig->mem.plain[RIG_DATA + 2], 0x5a);
    assert_int_equal(rig->mem.plain[BASE + RIG_DATA], 0);
    rig->cpu.sreg[CPU_DS].base = BASE;
    again(rig, cluster);
    assert_int_equal(rig->mem.plain[BASE + RIG_DATA], 0x5a);
    assert_int_equal(rig->mem.plain[BASE + RIG_DATA + 2], 0x5a);
    assert_int_equal(stats_of(rig).interpreted, 0);
    assert_int_equal(stats_of(rig).translations, 2);
    jit_free(rig, cluster);
}

static void another_base_than_zero_is_translated_anew(void **state)
{
    with_and_without_guard(*state, store_flat);
}

static void a_full_buffer_is_emptied(void **state)
{
    struct jit_rig *rig = *state;
    struct cluster *cluster[64];
    jit_configure(rig, &(struct jit_config){.code_bytes = 4096});
    for (u32 i = 0; i < ARRAY_LEN(cluster); i++) {
        cluster[i] = FORM(rig, 0, 0x88, 0x07, 0x88, 0x47, 0x01, 0x89, 0x47, 0x02);
        again(rig, cluster[i]);
    }
    assert_in_range(stats_of(rig).flushes, 1, 63);
    assert_int_equal(stats_of(rig).failed, 0);
    again(rig, cluster[0]); /* its code is gone */
    assert_int_equal(stats_of(rig).translations, 65);
    for (u32 i = 0; i < ARRAY_LEN(cluster); i++)
        jit_free(rig, cluster[i]);
}

static void a_store_into_the_cluster_ends_the_run(void **state)
{
    struct jit_rig *rig = *state;
    struct cluster *cluster = FORM(rig, 0, 0x88, 0x07, 0x90); /* mov [bx], al; nop */
    rig->cpu.reg[CPU_EBX] = RIG_CODE + 2;
    rig->cpu.reg[CPU_EAX] = 0x40; /* inc ax */
    assert_int_equal(jit_run(rig, cluster), LEAVE_self_modified);
    assert_int_equal(rig->cpu.eip, RIG_CODE + 2);
    assert_int_equal(rig->mem.plain[RIG_CODE + 2], 0x40);
    rig->cpu.eip = RIG_CODE;
    rig->cpu.reg[CPU_EBX] = RIG_CODE + 64;
    assert_int_equal(jit_run(rig, cluster), LEAVE_end);
    jit_free(rig, cluster);
}

static void a_loop_is_left_when_the_run_loop_is_wanted(void **state)
{
    struct jit_rig *rig = *state;
    /* here: test al, al; jz here */
    struct cluster *cluster = FORM(rig, 0, 0x84, 0xc0, 0x74, 0xfc);
    rig->attention = 1;
    assert_int_equal(jit_run(rig, cluster), LEAVE_attention);
    assert_int_equal(rig->cpu.eip, RIG_CODE);
    assert_true(rig->cpu.eflags & FLAG_ZF);
    assert_int_equal(rig->stats.instructions, 2);
    jit_free(rig, cluster);
}

static void an_effect_ends_the_run_behind_its_instruction(void **state)
{
    struct jit_rig *rig = *state;
    struct cluster *cluster = FORM(rig, 0, 0xe6, PORT_EXIT, 0x40);
    assert_int_equal(jit_run(rig, cluster), LEAVE_request);
    assert_int_equal(rig->cpu.eip, RIG_CODE + 2);
    assert_int_equal(rig->port_accesses, 1);
    jit_free(rig, cluster);
}

static void direct_out(void *dev, u16 port, u8 size, u32 value)
{
    struct jit_rig *rig = dev;
    (void)port, (void)size, (void)value;
    rig->port_accesses++;
}

static void find_direct_port(void *opaque, struct env_port *port)
{
    port->direct = true;
    port->dev = opaque;
    port->out = direct_out;
}

static void ignore_port(void *opaque, bool in, u16 port, u8 size, u32 value)
{
    (void)opaque, (void)in, (void)port, (void)size, (void)value;
}

/* Five elements to the end of the segment in one loop, then the next faults: the string has stopped between two. */
static void a_string_that_faults_has_begun(void **state)
{
    struct jit_rig *rig = *state;
    struct cluster *cluster = FORM(rig, 1, 0x67, 0xf3, 0x6e); /* rep outsb, 32-bit addresses */
    rig->env.find_port = find_direct_port;
    rig->env.port_done = ignore_port;
    rig->cpu.reg[CPU_ESI] = 0xfffb;
    rig->cpu.reg[CPU_ECX] = 20;
    assert_int_equal(jit_run(rig, cluster), LEAVE_fault);
    assert_int_equal(rig->cpu.eip, RIG_CODE);
    assert_int_equal(rig->cpu.reg[CPU_ESI], 0x10000);
    assert_int_equal(rig->cpu.reg[CPU_ECX], 15);
    assert_true(rig->cpu.eflags & FLAG_RF);
    assert_int_equal(rig->port_accesses, 5);
    assert_int_equal(rig->stats.instructions, 1);
    assert_int_equal(rig->stats.exits_avoided, 5);
    jit_free(rig, cluster);
}

/* As huddle's: display memory that is open is nobody's. */
static void find_display(void *opaque, u32 gpa, struct env_window *window)
{
    struct jit_rig *rig = opaque;
    *window = (struct env_window){.plain = true};
    if (memory_kind(&rig->mem, gpa) == PAGE_RAM)
        return;
    *window = (struct env_window){.first = RIG_VGA,
                                  .bytes = 64 * KIB,
                                  .generation = rig->mem.generation,
                                  .generation_now = &rig->mem.generation,
                                  .dev = rig,
                                  .read = rig->env.mmio_read,
                                  .write = rig->env.mmio_write};
}

static void ignore_access(void *opaque, bool read, u32 gpa, u8 size, u32 value)
{
    (void)opaque, (void)read, (void)gpa, (void)size, (void)value;
}

/* All accesses of the cluster at once, and back. */
static void display_memory_becomes_plain_and_a_device_again(void **state)
{
    enum { STORES = 3, RUNS = 8 };
    struct jit_rig *rig = *state;
    struct cluster *cluster =
        FORM(rig, 7, 0x88, 0x07, 0x88, 0x47, 0x01, 0x88, 0x47, 0x02); /* mov [bx], al; [bx + 1]; [bx + 2] */
    u8 *at = rig->mem.view + RIG_VGA + RIG_DATA;
    rig->env.find_window = find_display;
    rig->env.memory_done = ignore_access;
    rig->cpu.sreg[CPU_DS].base = RIG_VGA;
    for (u32 times = 1; times <= 2; times++) {
        struct jit_stats before = stats_of(rig);
        assert_int_equal(memory_open_window(&rig->mem, RIG_VGA, 64 * KIB), 0);
        memset(at, 0, STORES);
        for (u32 i = 0; i < RUNS; i++)
            again(rig, cluster);
        assert_memory_equal(at, ((u8[]){0x5a, 0x5a, 0x5a}), STORES);
        assert_int_equal(rig->mmio_accesses, (times - 1) * RUNS * STORES);
        assert_int_equal(stats_of(rig).recompiled, before.recompiled + 1);
        assert_int_equal(stats_of(rig).translations, times == 1 ? 2 : before.translations + 1);
        assert_int_equal(stats_of(rig).faults, before.faults);
        before = stats_of(rig);
        memory_close_window(&rig->mem, RIG_VGA, 64 * KIB);
        for (u32 i = 0; i < RUNS; i++)
            again(rig, cluster);
        assert_int_equal(rig->mmio_accesses, times * RUNS * STORES);
        assert_int_equal(stats_of(rig).recompiled, before.recompiled + 1);
        assert_in_range(stats_of(rig).faults - before.faults, 3, 3 * STORES);
    }
    jit_free(rig, cluster);
}

int test_run(void)
{
    const struct CMUnitTest tests[] = {
        JIT_TEST(a_cluster_is_translated_once),
        JIT_TEST(flag_images_are_host_code),
        JIT_TEST(the_third_fault_makes_a_device_access),
        JIT_TEST(another_segment_shape_is_translated_anew),
        JIT_TEST(addresses_wrap_at_the_end_of_the_address_space),
        JIT_TEST(a_segment_loaded_in_the_middle_counts_at_once),
        JIT_TEST(another_base_than_zero_is_translated_anew),
        JIT_TEST(a_full_buffer_is_emptied),
        JIT_TEST(a_store_into_the_cluster_ends_the_run),
        JIT_TEST(a_loop_is_left_when_the_run_loop_is_wanted),
        JIT_TEST(an_effect_ends_the_run_behind_its_instruction),
        JIT_TEST(a_string_that_faults_has_begun),
        JIT_TEST(display_memory_becomes_plain_and_a_device_again),
    };
    return cmocka_run_group_tests_name("run", tests, NULL, NULL);
}
