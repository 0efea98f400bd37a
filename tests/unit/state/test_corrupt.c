/* States with wrong bytes and a right checksum, as a hostile file has them: refused, or the machine goes on
 * with what they say; it never accesses what it must not, and never hangs. Best run with sanitizers. */
#include "state_tests.h"
#include "traffic.h"

#include "dev/vga/vga.h"

#include <stdlib.h>
#include <string.h>

enum {
    STATES = 12,
    CORRUPTIONS = 60,
    STEPS_BEFORE = 120,
    STEPS_AFTER = 25,
    HEADER_BYTES = 20,
    HASH_BYTES = 8
};

static size_t get_le(const u8 *at, u32 bytes)
{
    size_t value = 0;
    for (u32 i = 0; i < bytes; i++)
        value |= (size_t)at[i] << 8 * i;
    return value;
}

/* A place in a section chosen at random, near its beginning or anywhere: RAM and planes would take most of
 * the bytes. */
static size_t choose_place(struct traffic *t, const struct saved *saved)
{
    size_t at = HEADER_BYTES, end = saved->bytes - HASH_BYTES, found = at;
    u32 n = traffic_random(t, 20);
    for (u32 i = 0; i <= n && at < end; i++) {
        found = at;
        at += 1 + saved->data[at];
        at += 8 + get_le(saved->data + at, 8);
    }
    size_t length = at - found;
    size_t reach = traffic_random(t, 4) ? MIN(length, (size_t)1200) : length;
    return found + traffic_random(t, (u32)reach);
}

static void corrupt(struct traffic *t, struct saved *saved, const struct saved *good)
{
    static const u8 values[] = {0, 1, 2, 0x10, 0x7f, 0x80, 0xfe, 0xff};
    for (u32 n = 1 + traffic_random(t, 3); n; n--) {
        size_t at = choose_place(t, good);
        for (u32 run = 1 + traffic_random(t, 2) * traffic_random(t, 8); run && at < saved->bytes - HASH_BYTES;
             run--, at++)
            saved->data[at] = traffic_random(t, 2) ? values[traffic_random(t, sizeof values)]
                                                   : saved->data[at] ^ (u8)(1u << traffic_random(t, 8));
    }
    saved_seal(saved);
}

static void look_at(struct rig *rig)
{
    char text[1000];
    struct vga_picture picture = {0};
    assert_int_equal(vga_render(rig->machine.vga, VGA_VIEW_BEAM, &picture), 0);
    vga_picture_fini(&picture);
    vga_text(rig->machine.vga, text, sizeof text);
}

static void test_corrupt_states(void **state)
{
    u32 loaded = 0, refused = 0;
    (void)state;
    const char *more = getenv("HUDDLE_CORRUPTIONS");
    u32 corruptions = more ? (u32)atoi(more) : CORRUPTIONS;
    struct rig *victim = rig_new();
    for (u64 run = 1; run <= STATES; run++) {
        struct traffic t = {.seed = run * 0x9e3779b97f4a7c15ull};
        struct rig *rig = rig_new();
        for (u32 i = 0; i < STEPS_BEFORE; i++)
            traffic_step(&t, rig);
        struct saved good = rig_save(rig), bad = {malloc(good.bytes), good.bytes};
        for (u32 i = 0; i < corruptions; i++) {
            memcpy(bad.data, good.data, good.bytes);
            corrupt(&t, &bad, &good);
            if (rig_load(victim, &bad, NULL)) {
                loaded++;
                for (u32 k = 0; k < STEPS_AFTER; k++)
                    traffic_step(&t, victim);
                look_at(victim);
            } else {
                refused++;
                assert_true(rig_load(victim, &good, NULL));
            }
        }
        saved_free(&good);
        saved_free(&bad);
        rig_free(rig);
    }
    rig_free(victim);
    print_message("%u corrupt states were refused, %u loaded\n", refused, loaded);
    assert_true(refused && loaded);
}

int run_corrupt_tests(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_corrupt_states)};
    return cmocka_run_group_tests_name("corrupt", tests, NULL, NULL);
}
