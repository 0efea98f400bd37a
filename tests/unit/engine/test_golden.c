/* Formation as text: small pieces of code, the printed clusters compared whole with golden/form.txt. */
#include "engine_rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A piece of code, where it exits, and which of its weak instructions have exited before: where RIP was then,
 * at the instruction or behind it (offsets; 0: none). */
struct piece {
    const char *name;
    enum cluster_position position;
    u32 window;
    bool code32;
    u32 offset; /* of RIP at the exit */
    u8 hot_at[3], hot_after[3];
    u8 n;
    u8 code[40];
};

#define CODE(...) .code = {__VA_ARGS__}, .n = sizeof((const u8[]){__VA_ARGS__})

static const struct piece pieces[] = {
    {"interrupt controller, from the slides", POSITION_AT, 16,
     CODE(0xec, 0xe6, 0x80, 0x88, 0xc1, 0xb2, 0xc0, 0xee, 0xe6, 0x80, 0x86, 0xc4, 0x30, 0xc9)},
    {"planar VGA, from the slides", POSITION_AFTER, 15, .offset = 1, .hot_after = {21},
     CODE(0xee, 0x89, 0x4e, 0xee, 0x29, 0xf1, 0xba, 0xc5, 0x03, 0xb0, 0x01, 0xee, 0xd0, 0xeb, 0x18, 0xe4,
          0xd0, 0xe0, 0x26, 0x88, 0x25)},
    {"a pair: index and data", POSITION_AFTER, 1, .offset = 1, CODE(0xee, 0xef)},
    {"a pair: two halves of a 64-bit value, 32-bit code", POSITION_AFTER, 1, true, .offset = 2,
     .hot_after = {5}, CODE(0x89, 0x07, 0x89, 0x57, 0x04)},
    {"wait for a bit", POSITION_AT, 16,
     CODE(0xec, 0xa8, 0x08, 0x74, 0xfb, 0xec, 0xa8, 0x08, 0x75, 0xfb, 0xcf)},
    {"copy through the latches", POSITION_AT, 16, .hot_at = {1}, .hot_after = {7},
     CODE(0x90, 0x26, 0x8a, 0x05, 0x26, 0x88, 0x04, 0x47, 0x46, 0xe2, 0xf6, 0xc3), .offset = 1},
    {"repeat, stopped between elements", POSITION_INSIDE, 16, .hot_at = {0}, CODE(0xf3, 0xaa, 0xee, 0x40)},
    {"call, jump, return", POSITION_AT, 16,
     CODE(0xec, 0xe8, 0x02, 0x00, 0xcd, 0x21, 0xeb, 0x01, 0xcc, 0xe6, 0x80, 0xc3)},
    {"both sides of a branch", POSITION_AT, 16,
     CODE(0xec, 0x3c, 0x00, 0x74, 0x05, 0xb0, 0x01, 0xe6, 0x20, 0xcf, 0xe6, 0x21, 0x40, 0xcf)},
    {"indirect jump behind a port", POSITION_AFTER, 16, .offset = 2,
     CODE(0xe6, 0x70, 0xe4, 0x71, 0xff, 0xe3)},
};

static void ignore_stop(void *opaque, const struct insn *insn)
{
    (void)opaque;
    (void)insn;
}

static void heat_piece(struct heat *heat, const struct piece *p)
{
    if (p->position == POSITION_INSIDE)
        heat_bump(heat, RIG_CODE + p->offset, false);
    for (size_t i = 0; i < ARRAY_LEN(p->hot_at); i++)
        if (p->hot_at[i])
            heat_bump(heat, RIG_CODE + p->hot_at[i], false);
    for (size_t i = 0; i < ARRAY_LEN(p->hot_after); i++)
        if (p->hot_after[i])
            heat_bump(heat, RIG_CODE + p->hot_after[i], true);
}

static void print_piece(struct engine_rig *er, const struct piece *p, FILE *out)
{
    char text[8192];
    struct heat *heat = test_calloc(1, sizeof *heat);
    struct form_request request = {
        .env = &er->env, .heat = heat, .window = p->window, .on_stop = ignore_stop};
    struct cluster *cluster = NULL;

    rig_code(er->rig, p->code, p->n);
    memcpy(er->rig->ram + RIG_CODE + p->n, (const u8[]){0x0f, 0x08}, 2); /* invd: ends the scan */
    er->cpu->eip = RIG_CODE + p->offset;
    er->cpu->sreg[CPU_CS].db = p->code32;
    heat_piece(heat, p);
    struct cluster_key key = {.where = engine_where(er), .position = p->position};
    assert_int_equal(cluster_form(&request, &key, &cluster), FORM_OK);
    cluster_print(cluster, text, sizeof text);
    fprintf(out, "%s\n%s\n", p->name, text);
    cluster_free(cluster);
    test_free(heat);
}

static void assert_golden(const char *text)
{
    static const char path[] = GOLDEN_DIR "/form.txt";
    char golden[16384];
    FILE *file = fopen(path, getenv("HUDDLE_REBASE") ? "w" : "r");

    assert_non_null(file);
    if (getenv("HUDDLE_REBASE")) {
        assert_true(fputs(text, file) >= 0);
        fclose(file);
        return;
    }
    size_t n = fread(golden, 1, sizeof golden - 1, file);
    golden[n] = 0;
    fclose(file);
    assert_string_equal(text, golden);
}

static void formed_clusters(void **state)
{
    char *text;
    size_t size;
    FILE *out = open_memstream(&text, &size);

    assert_non_null(out);
    for (size_t i = 0; i < ARRAY_LEN(pieces); i++)
        print_piece(*state, &pieces[i], out);
    fclose(out);
    assert_golden(text);
    free(text);
}

/* Any buffer will do: the listing is cut, and ends. */
static void listing_is_cut(void **state)
{
    struct engine_rig *er = *state;
    char whole[1024], part[1024];

    ENGINE_CODE(er, 0xec, 0xec, 0xec, 0xcf);
    struct cluster *cluster = engine_form(er, POSITION_AT);
    cluster_print(cluster, whole, sizeof whole);
    size_t length = strlen(whole);
    assert_in_range(length, 100, sizeof whole - 1);
    for (size_t size = 0; size <= length + 1; size++) {
        memset(part, '#', sizeof part);
        cluster_print(cluster, part, size);
        if (size)
            assert_int_equal(strlen(part), size - 1);
        assert_memory_equal(part, whole, size ? size - 1 : 0);
        assert_int_equal(part[size], '#');
    }
}

int test_golden(void)
{
    const struct CMUnitTest tests[] = {
        ENGINE_TEST(formed_clusters),
        ENGINE_TEST(listing_is_cut),
    };
    return cmocka_run_group_tests_name("golden", tests, NULL, NULL);
}
