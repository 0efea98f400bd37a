/* The pace at which keys are typed, with a guest that takes them as it likes. */
#include "ui_tests.h"

#include "ui/typist.h"

#include <stdlib.h>

enum { BIOS_KEYS = 15, MAX_KEYS = 8192, MAX_CHORD_CODES = 16 };

struct fake_guest {
    struct typist *typist;
    u64 now_ns;
    u32 ahead, taken; /* the BIOS's buffer */
    bool full;        /* the keyboard */
    struct chord_event got[MAX_KEYS];
    u64 got_at[MAX_KEYS];
    u32 n;
    enum display_put put; /* what becomes of a character */
    u8 code[MAX_CHORD_CODES];
    u32 codes;
};

static u64 fake_now(void *opaque)
{
    return ((struct fake_guest *)opaque)->now_ns;
}

static bool fake_key(void *opaque, enum key key, bool down)
{
    struct fake_guest *g = opaque;
    if (g->full)
        return false;
    assert_true(g->n < MAX_KEYS);
    g->got_at[g->n] = g->now_ns;
    g->got[g->n++] = (struct chord_event){.key = (u8)key, .down = down};
    g->ahead += down && g->ahead < BIOS_KEYS;
    return true;
}

static u32 fake_typed_ahead(void *opaque, u32 *at)
{
    const struct fake_guest *g = opaque;
    *at = g->taken;
    return g->ahead;
}

static enum display_put fake_character(void *opaque, u8 code)
{
    struct fake_guest *g = opaque;
    assert_true(g->codes < MAX_CHORD_CODES);
    if (g->put == DISPLAY_PUT)
        g->code[g->codes++] = code;
    return g->put;
}

static u64 poll_at(struct fake_guest *g, u64 ms)
{
    const struct display_guest guest = {
        .opaque = g, .now_ns = fake_now, .key = fake_key, .typed_ahead = fake_typed_ahead, .character = fake_character};
    g->now_ns = ms * NS_PER_MS;
    return typist_poll(g->typist, &guest);
}

static int set_up(void **state)
{
    struct fake_guest *g = calloc(1, sizeof *g);
    g->typist = malloc(sizeof *g->typist);
    typist_init(g->typist);
    *state = g;
    return 0;
}

static int tear_down(void **state)
{
    struct fake_guest *g = *state;
    typist_fini(g->typist);
    free(g->typist);
    free(g);
    return 0;
}

static void put(struct fake_guest *g, enum key key, u32 n)
{
    for (u32 i = 0; i < n; i++)
        assert_true(typist_put(g->typist, &(struct chord){.key = key}));
}

static void a_key_alone_is_held(void **state)
{
    struct fake_guest *g = *state;
    assert_int_equal(poll_at(g, 0), DISPLAY_IDLE);
    put(g, KEY_A, 1);
    assert_int_not_equal(poll_at(g, 10), DISPLAY_IDLE);
    assert_int_equal(g->n, 1);
    poll_at(g, 35);
    assert_int_equal(g->n, 1);
    assert_int_equal(poll_at(g, 41), DISPLAY_IDLE);
    assert_int_equal(g->n, 2);
    assert_false(g->got[1].down);
}

static void a_key_is_let_go_for_the_next(void **state)
{
    struct fake_guest *g = *state;
    put(g, KEY_A, 1);
    put(g, KEY_B, 1);
    poll_at(g, 10);
    assert_int_equal(g->n, 3);
    assert_int_equal(g->got[2].key, KEY_B);
}

static void a_full_keyboard_is_waited_for(void **state)
{
    struct fake_guest *g = *state;
    g->full = true;
    put(g, KEY_A, 1);
    assert_int_not_equal(poll_at(g, 10), DISPLAY_IDLE);
    assert_int_equal(g->n, 0);
    g->full = false;
    poll_at(g, 12);
    assert_int_equal(g->n, 1);
}

/* A text is pasted, and the program reads it, but not for five seconds in the middle. */
static void what_is_pasted_waits_for_a_busy_program(void **state)
{
    struct fake_guest *g = *state;
    u32 pressed = 0;
    put(g, KEY_A, 1000);
    for (u64 ms = 0; ms < 60000; ms++) {
        bool busy = ms > 300 && ms < 5300;
        if (!busy && ms % 10 == 0 && g->ahead) {
            g->ahead--;
            g->taken++;
        }
        poll_at(g, ms);
        assert_in_range(g->ahead, 0, BIOS_KEYS - 1);
    }
    for (u32 i = 0; i < g->n; i++)
        pressed += g->got[i].down;
    assert_int_equal(pressed, 1000);
    assert_int_equal(g->n, 2000);
}

/* A game that looks at the keyboard itself but lets the BIOS see it, too. */
static void a_program_that_ignores_the_bios_gets_its_keys(void **state)
{
    struct fake_guest *g = *state;
    g->ahead = BIOS_KEYS;
    poll_at(g, 1000);
    put(g, KEY_UP, 1);
    poll_at(g, 1010);
    assert_int_equal(g->n, 0);
    poll_at(g, 1400);
    assert_int_equal(g->n, 1);
    poll_at(g, 1500);
    for (u32 i = 1; i < 10; i++) { /* and from then on at once */
        put(g, KEY_UP, 1);
        poll_at(g, 1500 + i * 100);
        assert_int_equal(g->n, 2 * i + 1);
        poll_at(g, 1550 + i * 100);
    }
    g->ahead = 8; /* somebody reads after all */
    g->taken++;
    put(g, KEY_UP, 1);
    poll_at(g, 3000);
    assert_int_equal(g->n, 20);
}

static void the_queue_says_when_it_is_full(void **state)
{
    struct fake_guest *g = *state;
    assert_int_equal(typist_room(g->typist), TYPIST_QUEUE);
    put(g, KEY_A, TYPIST_QUEUE);
    assert_int_equal(typist_room(g->typist), 0);
    assert_false(typist_put(g->typist, &(struct chord){.key = KEY_B}));
}

static void a_character_without_a_key_is_given_to_the_bios(void **state)
{
    struct fake_guest *g = *state;
    put(g, KEY_A, 1);
    assert_true(typist_put(g->typist, &(struct chord){.code = 0x82}));
    put(g, KEY_B, 1);
    g->put = DISPLAY_BUSY;
    poll_at(g, 10);
    assert_int_equal(g->n, 2);
    assert_int_equal(g->codes, 0);
    g->put = DISPLAY_PUT;
    poll_at(g, 20);
    assert_int_equal(g->codes, 1);
    assert_int_equal(g->code[0], 0x82);
    assert_int_equal(g->n, 3); /* B is down */
    assert_int_equal(g->got[2].key, KEY_B);
    assert_int_equal(poll_at(g, 100), DISPLAY_IDLE);
}

/* Alt, three digits pressed and released, Alt. */
static void or_is_typed_with_alt_and_the_keypad(void **state)
{
    struct fake_guest *g = *state;
    g->put = DISPLAY_REFUSED;
    assert_true(typist_put(g->typist, &(struct chord){.code = 130}));
    poll_at(g, 10);
    assert_int_equal(poll_at(g, 100), DISPLAY_IDLE);
    assert_int_equal(g->codes, 0);
    assert_int_equal(g->n, 8);
    assert_int_equal(g->got[0].key, KEY_LEFT_ALT);
    assert_int_equal(g->got[1].key, KEY_KP_1);
}

int typist_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_key_alone_is_held, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_key_is_let_go_for_the_next, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_full_keyboard_is_waited_for, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_pasted_waits_for_a_busy_program, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_program_that_ignores_the_bios_gets_its_keys, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_character_without_a_key_is_given_to_the_bios, set_up, tear_down),
        cmocka_unit_test_setup_teardown(or_is_typed_with_alt_and_the_keypad, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_queue_says_when_it_is_full, set_up, tear_down),
    };
    return cmocka_run_group_tests_name("typist", tests, NULL, NULL);
}
