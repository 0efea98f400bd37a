/* The code buffer: two mappings, reserve, commit, flush. */
#include "jit_rig.h"

#include "jit/code_buffer.h"

#include <stdio.h>
#include <string.h>

/* "rw-s" or "r-xs" of the mapping that holds `address`. */
static void permissions(const void *address, char text[5])
{
    FILE *maps = fopen("/proc/self/maps", "r");
    char line[512];
    unsigned long first, end, wanted = (unsigned long)(uintptr_t)address;
    assert_non_null(maps);
    strcpy(text, "");
    while (fgets(line, sizeof line, maps))
        if (sscanf(line, "%lx-%lx", &first, &end) == 2 && wanted >= first && wanted < end)
            sscanf(line, "%*s %4s", text);
    fclose(maps);
}

static void no_mapping_is_writable_and_executable(void **state)
{
    struct code_buffer b;
    char text[5];
    (void)state;
    assert_int_equal(code_buffer_init(&b, 10000), 0);
    assert_int_equal(b.bytes, 12288);
    permissions(b.writable, text);
    assert_string_equal(text, "rw-s");
    permissions(b.executable, text);
    assert_string_equal(text, "r-xs");
    code_buffer_fini(&b);
}

static void what_is_written_is_executed(void **state)
{
    static const u8 code[] = {0xb8, 42, 0, 0, 0, 0xc3}; /* mov eax, 42; ret */
    struct code_buffer b;
    u32 room;
    (void)state;
    assert_int_equal(code_buffer_init(&b, 4096), 0);
    u8 *at = code_buffer_reserve(&b, &room);
    assert_int_equal(room, 4096);
    memcpy(at, code, sizeof code);
    const u8 *run = code_buffer_executable(&b, at);
    assert_false(code_buffer_holds(&b, run));
    assert_ptr_equal(code_buffer_commit(&b, sizeof code), run);
    assert_true(code_buffer_holds(&b, run));
    assert_int_equal(((int (*)(void))(uintptr_t)run)(), 42);
    code_buffer_fini(&b);
}

static void flush_keeps_the_floor(void **state)
{
    struct code_buffer b;
    u32 room;
    (void)state;
    assert_int_equal(code_buffer_init(&b, 4096), 0);
    u8 *first = code_buffer_reserve(&b, &room);
    code_buffer_commit(&b, 5);
    code_buffer_keep(&b);
    u8 *second = code_buffer_reserve(&b, &room);
    assert_int_equal(second - first, 16); /* aligned */
    assert_int_equal(room, 4096 - 16);
    code_buffer_commit(&b, room);
    code_buffer_reserve(&b, &room);
    assert_int_equal(room, 0);
    code_buffer_flush(&b);
    assert_ptr_equal(code_buffer_reserve(&b, &room), second);
    code_buffer_fini(&b);
}

int test_code_buffer(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_mapping_is_writable_and_executable),
        cmocka_unit_test(what_is_written_is_executed),
        cmocka_unit_test(flush_keeps_the_floor),
    };
    return cmocka_run_group_tests_name("code buffer", tests, NULL, NULL);
}
