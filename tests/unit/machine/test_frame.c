/* Expanded memory: pieces of storage that are mapped over their page frame, in all views. */
#include "machine/memory.h"
#include "machine/state.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

enum { FRAME = MEMORY_FRAME_FIRST, PIECE = MEMORY_PIECE_BYTES, PIECES = 64, BENEATH = 0x77 };

static void setup(struct memory *mem)
{
    assert_int_equal(memory_init(mem, 4 * MIB), 0);
    assert_int_equal(memory_add_expanded(mem, PIECES * PIECE), 0);
    memset(mem->plain + FRAME, BENEATH, MEMORY_FRAME_PLACES * PIECE);
    for (u32 i = 0; i < PIECES; i++)
        memset(mem->expanded + i * PIECE, (int)i, PIECE);
}

/* The kernel says EFAULT where a processor would fault. */
static bool is_writable(u8 *at)
{
    int fds[2];
    u8 byte = 0x22;
    assert_int_equal(pipe(fds), 0);
    assert_int_equal(write(fds[1], &byte, 1), 1);
    ssize_t n = read(fds[0], at, 1);
    close(fds[0]);
    close(fds[1]);
    return n == 1;
}

static void a_piece_is_seen_in_every_view(void **state)
{
    (void)state;
    struct memory mem;
    setup(&mem);
    u32 generation = mem.generation;
    assert_int_equal(mem.view[FRAME], BENEATH);
    memory_show_piece(&mem, 1, 63);
    assert_int_not_equal(mem.generation, generation);
    assert_int_equal(mem.view[FRAME + PIECE - 1], BENEATH);
    assert_int_equal(mem.view[FRAME + PIECE], 63);
    assert_int_equal(mem.guarded[FRAME + 2 * PIECE - 1], 63);
    assert_int_equal(mem.view[FRAME + 2 * PIECE], BENEATH);
    u8 bytes[2] = {1, 2};
    assert_true(memory_write(&mem, FRAME + PIECE + 5, bytes, 2)); /* DMA */
    mem.view[FRAME + PIECE + 7] = 3;
    mem.guarded[FRAME + PIECE + 8] = 4;
    assert_memory_equal(mem.expanded + 63 * PIECE + 4, "\x3f\1\2\3\4", 5);
    generation = mem.generation;
    memory_show_piece(&mem, 1, 63); /* as it is */
    assert_int_equal(mem.generation, generation);
    memory_show_piece(&mem, 1, 0);
    assert_int_equal(mem.view[FRAME + PIECE + 7], 0);
    memory_clear_frame(&mem);
    assert_int_equal(mem.view[FRAME + PIECE + 7], BENEATH);
    assert_int_equal(mem.guarded[FRAME + PIECE + 7], BENEATH);
    assert_true(memory_read(&mem, FRAME + PIECE + 7, bytes, 1) && bytes[0] == BENEATH);
    memory_show_piece(&mem, 3, 63);
    assert_memory_equal(mem.view + FRAME + 3 * PIECE + 4, "\x3f\1\2\3\4", 5);
    memory_fini(&mem);
}

static void without_a20_the_frame_is_there_twice(void **state)
{
    (void)state;
    struct memory mem;
    setup(&mem);
    memory_show_piece(&mem, 0, 5);
    memset(mem.plain + MIB + FRAME, 0x66, PIECE);
    memory_set_a20(&mem, false);
    assert_int_equal(mem.view[MIB + FRAME], 5);
    assert_int_equal(mem.guarded[MIB + FRAME + PIECE], BENEATH);
    memory_show_piece(&mem, 0, 6);
    assert_int_equal(mem.view[MIB + FRAME], 6);
    assert_int_equal(mem.guarded[MIB + FRAME], 6);
    memory_set_a20(&mem, true);
    assert_int_equal(mem.view[MIB + FRAME], 0x66);
    assert_int_equal(mem.view[FRAME], 6);
    memory_show_piece(&mem, 0, 7);
    assert_int_equal(mem.view[MIB + FRAME], 0x66);
    memory_fini(&mem);
}

/* Translated code must go on to be stopped where there is code, whatever is mapped there. */
static void guards_stay(void **state)
{
    (void)state;
    struct memory mem;
    setup(&mem);
    memory_guard(&mem, FRAME + PAGE_BYTES);
    for (u16 piece = 0; piece < 3; piece++) {
        memory_show_piece(&mem, 0, piece);
        assert_false(is_writable(mem.guarded + FRAME + PAGE_BYTES));
        assert_true(is_writable(mem.guarded + FRAME));
        assert_true(is_writable(mem.view + FRAME + PAGE_BYTES));
        memory_set_a20(&mem, piece & 1);
        assert_false(is_writable(mem.guarded + FRAME + PAGE_BYTES));
        assert_false(is_writable(mem.guarded + MIB + FRAME + PAGE_BYTES));
    }
    memory_fini(&mem);
}

static void others_are_all_other_addresses(void **state)
{
    (void)state;
    struct memory mem;
    gpa_t other[MEMORY_OTHERS_MAX];
    setup(&mem);
    memory_show_piece(&mem, 0, 9);
    memory_show_piece(&mem, 1, 8);
    assert_false(memory_has_aliases(&mem));
    assert_int_equal(memory_others(&mem, FRAME, other), 0);
    memory_show_piece(&mem, 2, 9);
    assert_true(memory_has_aliases(&mem));
    assert_int_equal(memory_others(&mem, FRAME + PAGE_BYTES, other), 1);
    assert_int_equal(other[0], FRAME + 2 * PIECE + PAGE_BYTES);
    assert_int_equal(memory_others(&mem, FRAME + PIECE, other), 0);
    assert_int_equal(memory_others(&mem, FRAME + 3 * PIECE, other), 0); /* RAM */
    assert_int_equal(memory_others(&mem, MIB + FRAME, other), 0);
    memory_set_a20(&mem, false);
    assert_int_equal(memory_others(&mem, MIB + FRAME, other), 3);
    assert_true(other[0] == FRAME && other[1] == FRAME + 2 * PIECE && other[2] == MIB + FRAME + 2 * PIECE);
    assert_int_equal(memory_others(&mem, 0x5000, other), 1);
    assert_int_equal(other[0], MIB + 0x5000);
    memory_clear_frame(&mem);
    assert_int_equal(memory_others(&mem, FRAME, other), 1);
    memory_set_a20(&mem, true);
    assert_false(memory_has_aliases(&mem));
    memory_fini(&mem);
}

static void the_private_view_follows(void **state)
{
    (void)state;
    struct memory mem;
    struct memory_shadow shadow;
    setup(&mem);
    memory_show_piece(&mem, 2, 4);
    assert_int_equal(memory_shadow_init(&shadow, &mem), 0);
    assert_int_equal(shadow.view[FRAME + 2 * PIECE], 4);
    shadow.view[FRAME + 2 * PIECE] = 0x55;
    assert_int_equal(mem.expanded[4 * PIECE], 4);
    memory_show_piece(&mem, 2, 5);
    memory_shadow_follow(&shadow);
    assert_int_equal(shadow.view[FRAME + 2 * PIECE], 5);
    memory_set_a20(&mem, false);
    memory_shadow_follow(&shadow);
    assert_int_equal(shadow.view[MIB + FRAME + 2 * PIECE], 5);
    memory_show_piece(&mem, 2, 6);
    memory_shadow_follow(&shadow);
    assert_int_equal(shadow.view[MIB + FRAME + 2 * PIECE], 6);
    memory_set_a20(&mem, true);
    memory_shadow_follow(&shadow);
    assert_int_equal(shadow.view[MIB + FRAME + 2 * PIECE], 0);
    assert_int_equal(shadow.view[FRAME + 2 * PIECE], 6);
    memory_shadow_fini(&shadow);
    memory_fini(&mem);
}

static void save(struct memory *mem, struct state *saved)
{
    state_init(saved);
    state_begin(saved, "memory");
    memory_state(mem, saved);
    state_end(saved);
    assert_int_equal(state_finish(saved), 0);
}

static bool load(struct memory *mem, const struct state *saved)
{
    struct state s;
    assert_int_equal(state_read_bytes(&s, saved->data, saved->at), 0);
    state_begin(&s, "memory");
    memory_state(mem, &s);
    state_end(&s);
    bool complete = state_complete(&s);
    state_fini(&s);
    return complete;
}

static void a_state_has_pages_and_what_is_beneath_them(void **state)
{
    (void)state;
    struct memory mem, other;
    struct state saved, nothing;
    setup(&mem);
    save(&mem, &nothing);
    memory_show_piece(&mem, 1, 7);
    memory_show_piece(&mem, 2, 7);
    mem.view[FRAME + PIECE + 3] = 0x44;
    memory_set_a20(&mem, false);
    u32 generation = mem.generation;
    save(&mem, &saved);
    assert_int_equal(mem.generation, generation);
    /* In a machine that has no expanded memory yet, and in one that shows other pages. */
    assert_int_equal(memory_init(&other, 4 * MIB), 0);
    for (u32 times = 0; times < 2; times++) {
        assert_true(load(&other, &saved));
        assert_int_equal(other.expanded_bytes, mem.expanded_bytes);
        assert_memory_equal(other.frame, mem.frame, sizeof mem.frame);
        assert_memory_equal(other.view, mem.view, 0xa0000);
        assert_memory_equal(other.view + FRAME, mem.view + FRAME, 4 * PIECE);
        assert_memory_equal(other.view + MIB + FRAME, mem.view + FRAME, 4 * PIECE);
        assert_memory_equal(other.expanded, mem.expanded, PIECES * PIECE);
        assert_int_equal(other.expanded[7 * PIECE + 3], 0x44);
        memory_clear_frame(&other);
        assert_int_equal(other.view[FRAME + PIECE + 3], BENEATH);
        memory_show_piece(&other, 0, 9);
        memset(other.expanded, 0x99, PIECES * PIECE);
    }
    assert_true(load(&other, &nothing));
    assert_int_equal(other.view[FRAME], BENEATH);
    memory_fini(&other);
    assert_int_equal(memory_init(&other, 4 * MIB), 0);
    assert_int_equal(memory_add_expanded(&other, PIECE), 0);
    assert_false(load(&other, &saved)); /* it has another size */
    memory_fini(&other);
    memory_fini(&mem);
    state_fini(&saved);
    state_fini(&nothing);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_piece_is_seen_in_every_view),
        cmocka_unit_test(without_a20_the_frame_is_there_twice),
        cmocka_unit_test(guards_stay),
        cmocka_unit_test(others_are_all_other_addresses),
        cmocka_unit_test(the_private_view_follows),
        cmocka_unit_test(a_state_has_pages_and_what_is_beneath_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
