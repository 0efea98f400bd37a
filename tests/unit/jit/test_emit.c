/* The emitter: bytes as the manual has them, room, and the encodings it keeps. */
#include "jit_rig.h"

#include "jit/emit.h"

#include <string.h>

#define EXPECT(e, start, ...)                                                                                \
    do {                                                                                                     \
        static const u8 want[] = {__VA_ARGS__};                                                              \
        assert_false((e).failed);                                                                            \
        assert_int_equal((e).at - (start), sizeof want);                                                     \
        assert_memory_equal(start, want, sizeof want);                                                       \
        (e).at = start;                                                                                      \
    } while (0)

static void operands_are_encoded(void **state)
{
    u8 bytes[64];
    struct emit e = {.at = bytes, .end = bytes + sizeof bytes, .cache = emit_cache_create()};
    (void)state;
    for (int round = 0; round < 2; round++) { /* the second time from what was kept */
        emit_rr(&e, M(ADD), 4, RCX, R8);
        EXPECT(e, bytes, 0x44, 0x01, 0xc1);
        emit_rr(&e, M(XCHG), 1, RAX, HOST_AH);
        EXPECT(e, bytes, 0x86, 0xe0);
        emit_ri(&e, M(ADD), 1, RAX, 0x7f);
        EXPECT(e, bytes, 0x04, 0x7f);
        emit_rm(&e, M(MOV), 2, RDI, host_mem_index(R13, R8, 1, 0));
        EXPECT(e, bytes, 0x66, 0x43, 0x8b, 0x7c, 0x05, 0x00);
        emit_lea(&e, 4, R8, host_mem(RSI, -2));
        EXPECT(e, bytes, 0x44, 0x8d, 0x46, 0xfe);
        emit_none(&e, M(LAHF));
        EXPECT(e, bytes, 0x9f);
    }
    emit_cache_destroy(e.cache);
}

static void branches_are_patched(void **state)
{
    u8 bytes[64];
    struct emit e = {.at = bytes, .end = bytes + sizeof bytes};
    (void)state;
    u8 *far = emit_branch(&e, M(JZ)), *near = emit_branch_short(&e, M(JRCXZ));
    emit_patch(&e, far, bytes);
    emit_patch_short(&e, near, bytes);
    EXPECT(e, bytes, 0x0f, 0x84, 0xfa, 0xff, 0xff, 0xff, 0xe3, 0xf8);
}

static void full_is_not_written_over(void **state)
{
    u8 bytes[32];
    struct emit e = {.at = bytes, .end = bytes + 16};
    (void)state;
    memset(bytes, 0xcc, sizeof bytes);
    while (!e.failed)
        emit_none(&e, M(SAHF));
    assert_true(e.full);
    assert_true(e.at <= e.end);
    emit_none(&e, M(SAHF));
    assert_null(emit_branch(&e, M(JMP)));
    for (u8 *p = e.end; p < bytes + sizeof bytes; p++)
        assert_int_equal(*p, 0xcc);
}

static void what_cannot_be_encoded_is_no_want_of_room(void **state)
{
    u8 bytes[64];
    struct emit e = {.at = bytes, .end = bytes + sizeof bytes};
    (void)state;
    emit_rr(&e, M(MOV), 1, R8, HOST_AH);
    assert_true(e.failed);
    assert_false(e.full);
}

int test_emit(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(operands_are_encoded),
        cmocka_unit_test(branches_are_patched),
        cmocka_unit_test(full_is_not_written_over),
        cmocka_unit_test(what_cannot_be_encoded_is_no_want_of_room),
    };
    return cmocka_run_group_tests_name("emit", tests, NULL, NULL);
}
