/* The serialiser and the frame of the file. */
#include "machine_rig.h"
#include "state_tests.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct sample {
    u8 a;
    u16 b;
    u32 c, d[3];
    u64 e;
    s64 f;
    bool g;
};

static void sample_state(struct sample *x, struct state *s)
{
    state_begin(s, "sample");
    state_u8_in(s, &x->a, 1, 9, "a");
    state_u16(s, &x->b);
    state_u32(s, &x->c);
    state_u32s(s, x->d, ARRAY_LEN(x->d));
    state_u64(s, &x->e);
    state_s64(s, &x->f);
    state_bool(s, &x->g);
    state_end(s);
}

static const struct sample filled = {7, 0x1234, 0x89abcdef, {1, 2, 0xffffffff}, 1ull << 63, -5, true};

static struct saved save(const struct sample *x)
{
    struct state s;
    struct sample copy = *x;
    state_init(&s);
    sample_state(&copy, &s);
    assert_int_equal(state_finish(&s), 0);
    return (struct saved){s.data, s.at};
}

/* The reason, or "" if it was loaded. */
static const char *load(const struct saved *saved, struct sample *x, char why[STATE_WHY_BYTES])
{
    struct state s;
    if (state_read_bytes(&s, saved->data, saved->bytes) == 0) {
        sample_state(x, &s);
        state_complete(&s);
    }
    memcpy(why, s.why, STATE_WHY_BYTES);
    state_fini(&s);
    return why;
}

static void test_both_directions(void **state)
{
    (void)state;
    char why[STATE_WHY_BYTES];
    struct sample x = {.a = 1};
    struct saved saved = save(&filled);
    assert_string_equal(load(&saved, &x, why), "");
    assert_int_equal(x.a, 7);
    assert_int_equal(x.b, 0x1234);
    assert_int_equal(x.c, 0x89abcdef);
    assert_memory_equal(x.d, filled.d, sizeof x.d);
    assert_true(x.e == filled.e && x.f == -5 && x.g);
    saved_free(&saved);
}

static void test_range_is_not_stored(void **state)
{
    (void)state;
    char why[STATE_WHY_BYTES];
    struct sample x = {.a = 3}, bad = filled;
    bad.a = 10;
    struct saved saved = save(&bad);
    assert_string_equal(load(&saved, &x, why), "sample: a is out of range");
    assert_int_equal(x.a, 3);
    assert_int_equal(x.b, 0); /* nothing behind it was either */
    saved_free(&saved);
}

static void test_every_byte_counts(void **state)
{
    (void)state;
    char why[STATE_WHY_BYTES];
    struct saved saved = save(&filled);
    for (size_t i = 0; i < saved.bytes; i++) {
        struct sample x = {.a = 1};
        saved.data[i] ^= 0x40;
        assert_string_not_equal(load(&saved, &x, why), "");
        saved.data[i] ^= 0x40;
    }
    for (size_t n = 0; n < saved.bytes; n++) {
        struct sample x = {.a = 1};
        assert_string_not_equal(load(&(struct saved){saved.data, n}, &x, why), "");
    }
    saved_free(&saved);
}

/* Names and lengths of sections, with a right checksum. */
static void test_every_wrong_byte_behind_the_checksum(void **state)
{
    (void)state;
    char why[STATE_WHY_BYTES];
    struct saved saved = save(&filled);
    enum { HEADER_BYTES = 20, SECTION_HEAD_BYTES = 1 + 6 + 8 };
    for (size_t i = HEADER_BYTES; i < HEADER_BYTES + SECTION_HEAD_BYTES; i++)
        for (u32 bit = 0; bit < 8; bit++) {
            struct sample x = {.a = 1};
            saved.data[i] ^= (u8)(1u << bit);
            saved_seal(&saved);
            assert_string_not_equal(load(&saved, &x, why), "");
            saved.data[i] ^= (u8)(1u << bit);
        }
    saved_free(&saved);
}

static void test_file_is_replaced_whole(void **state)
{
    (void)state;
    char folder[] = "/tmp/huddle-state-XXXXXX", path[64];
    struct state s;
    struct sample x = filled;
    struct stat st;
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/x.state", folder);
    state_init(&s);
    sample_state(&x, &s);
    assert_int_equal(state_finish(&s), 0);
    assert_int_equal(state_write(&s, path), 0);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal((size_t)st.st_size, s.at);
    assert_int_equal(state_write(&s, "/nonexistent/x.state"), -ENOENT);
    state_fini(&s);
    assert_int_equal(state_read(&s, path), 0);
    state_fini(&s);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(state_read(&s, path), -ENOENT);
    state_fini(&s);
    assert_int_equal(rmdir(folder), 0); /* nothing else was left there */
}

int run_frame_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_both_directions),
        cmocka_unit_test(test_range_is_not_stored),
        cmocka_unit_test(test_every_byte_counts),
        cmocka_unit_test(test_every_wrong_byte_behind_the_checksum),
        cmocka_unit_test(test_file_is_replaced_whole),
    };
    return cmocka_run_group_tests_name("frame", tests, NULL, NULL);
}
