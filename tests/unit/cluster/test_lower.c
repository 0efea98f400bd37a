/* Lowering: printed steps of representative instructions, and that decoder and lowering agree on what is known. */
#include "interp_tests.h"

#include "decode/insn.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define ROW_BYTES 8

static const struct {
    const char *name;
    u8 bytes[ROW_BYTES];
    bool code32;
    const char *steps;
} rows[] = {
    {"mov ax, bx", {0x8b, 0xc3}, false, "mov.2 ax, bx\n"},
    {"mov al, [bx+si+10h]", {0x8a, 0x40, 0x10}, false, "load.1 al, ds:[bx+si+0x10]\n"},
    {"mov [es:di], ah", {0x26, 0x88, 0x25}, false, "store.1 es:[di], ah\n"},
    {"mov word [1234h], 5678h", {0xc7, 0x06, 0x34, 0x12, 0x78, 0x56}, false, "store.2 ds:[0x1234], 0x5678\n"},
    {"mov eax, [ebp+ecx*4-8]", {0x8b, 0x44, 0x8d, 0xf8}, true, "load.4 eax, ss:[ebp+ecx*4+0xfffffff8]\n"},
    {"mov ds, ax", {0x8e, 0xd8}, false, "load_segment.ds.2 ax\n"},
    {"mov [bx], ds", {0x8c, 0x1f}, false, "store.2 ds:[bx], ds\n"},
    {"add [bx], ax", {0x01, 0x07}, false,
     "load.2 t0, ds:[bx] rmw\nalu.add.2 t0, ax writes oszapc\nstore.2 [kept], t0\n"},
    {"adc al, [si]", {0x12, 0x04}, false,
     "load.1 t1, ds:[si]\nalu.adc.1 al, t1 reads c writes oszapc\n"},
    {"cmp [bx], al", {0x38, 0x07}, false, "load.1 t0, ds:[bx]\nalu.cmp.1 t0, al writes oszapc\n"},
    {"sub ax, -2", {0x83, 0xe8, 0xfe}, false, "alu.sub.2 ax, 0xfffe writes oszapc\n"},
    {"inc cx", {0x41}, false, "alu.inc.2 cx, cx writes oszap\n"},
    {"shl bx, cl", {0xd3, 0xe3}, false, "alu.shl.2 bx, cx reads oszapc writes oszapc\n"},
    {"rol al, 1", {0xd0, 0xc0}, false, "alu.rol.1 al, 0x1 reads oc writes oc\n"},
    {"bts [bx], ax", {0x0f, 0xab, 0x07}, false,
     "lea.4 t1, ds:[bx]\nbit_address.2 t1, ax\nload.2 t0, ds:[t1] rmw\n"
     "alu.bts.2 t0, ax writes osapc\nstore.2 [kept], t0\n"},
    {"movzx eax, byte [bx]", {0x66, 0x0f, 0xb6, 0x07}, false,
     "load.1 t0, ds:[bx]\nextend.unsigned.4 eax, t0\n"},
    {"cwd", {0x99}, false, "sign.2 dx, ax\n"},
    {"xchg [bx], cx", {0x87, 0x0f}, false, "load.2 t0, ds:[bx] rmw\nstore.2 [kept], cx\nmov.2 cx, t0\n"},
    {"les di, [bp+4]", {0xc4, 0x7e, 0x04}, false,
     "load_far.2 ss:[bp+0x4]\nload_segment.es.2 t1\nmov.2 di, t0\n"},
    {"push word [bx]", {0xff, 0x37}, false, "check_push.2\nload.2 t0, ds:[bx]\npush.2 t0\n"},
    {"pop word [bx]", {0x8f, 0x07}, false, "peek.2 t0\nstore.2 ds:[bx], t0\ndrop.2 0x2\n"},
    {"pop dword [esp]", {0x8f, 0x04, 0x24}, true, "peek.4 t0\nstore.4 ss:[esp+0x4], t0\ndrop.4 0x4\n"},
    {"pop ss", {0x17}, false, "peek.2 t0\nload_segment.ss.2 t0\ndrop.2 0x2\n"},
    {"imul ax, [bx], 3", {0x6b, 0x07, 0x03}, false,
     "load.2 t0, ds:[bx]\nmov.2 t1, t0\nalu.imul.2 t1, 0x3 writes oszapc\nmov.2 ax, t1\n"},
    {"div byte [si]", {0xf6, 0x34}, false, "load.1 t0, ds:[si]\ndivide.unsigned.1 t0 writes oszapc\n"},
    {"xadd [bx], al", {0x0f, 0xc0, 0x07}, false,
     "load.1 t0, ds:[bx] rmw\nmov.1 t0, t0\nmov.1 t1, t0\nalu.add.1 t1, al writes oszapc\n"
     "mov.1 al, t0\nstore.1 [kept], t1\n"},
    {"xlat", {0xd7}, false, "extend.unsigned.4 t1, al\nload.1 al, ds:[bx+t1]\n"},
    {"in al, dx", {0xec}, false, "in.1 al, dx\n"},
    {"out 20h, al", {0xe6, 0x20}, false, "out.1 0x20, al\n"},
    {"rep movsw", {0xf3, 0xa5}, false, "string.movs.2 rep ds addr16 reads d\n"},
    {"fs lodsb", {0x64, 0xac}, false, "string.lods.1 fs addr16 reads d\n"},
    {"repne scasb", {0xf2, 0xae}, true, "string.scas.1 repne ds addr32 reads odszapc writes oszapc\n"},
    {"jz", {0x74, 0x10}, false, "branch.z.2 0x112 reads z\n"},
    {"loop", {0xe2, 0xfe}, false, "loop.loop.2 0x100\n"},
    {"call [bx]", {0xff, 0x17}, false, "check_push.2\nload.2 t0, ds:[bx]\ncall.2 t0\n"},
    {"ret 4", {0xc2, 0x04, 0x00}, false, "return.2 0x4\n"},
    {"sti", {0xfb}, false, "flag.sti.1 writes i\n"},
    {"popf", {0x9d}, false, "pop.2 t0\nset_flags.2 t0 writes oditszapc\n"},
    {"jmp 1234h:5678h", {0xea, 0x78, 0x56, 0x34, 0x12}, false, "helper.jump_far.2 0x5678:0x1234\n"},
    {"enter 16, 2", {0xc8, 0x10, 0x00, 0x02}, false, "helper.enter.2 0x10:0x2\n"},
    {"hlt", {0xf4}, false, "halt.1\n"},
    {"nop", {0x90}, false, ""},
};

static void test_printed_steps(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct insn insn;
        struct steps steps;
        char text[1024];

        assert_true(insn_decode(&insn, rows[i].bytes, ROW_BYTES, 0x100, rows[i].code32));
        assert_true(steps_lower(&steps, &insn));
        assert_int_equal(steps.op_size, insn.op_size);
        assert_int_equal(steps.length, insn.length);
        steps_print(&steps, text, sizeof(text));
        if (strcmp(text, rows[i].steps))
            fail_msg("%s:\n%sexpected:\n%s", rows[i].name, text, rows[i].steps);
    }
}

static void test_print_never_overruns(void **state)
{
    struct insn insn;
    struct steps steps;
    char text[16];

    (void)state;
    assert_true(insn_decode(&insn, (const u8[]){0x01, 0x07, 0, 0}, 4, 0, false));
    assert_true(steps_lower(&steps, &insn));
    for (size_t size = 1; size < sizeof(text); size++) {
        memset(text, 'x', sizeof(text));
        steps_print(&steps, text, size);
        assert_true(memchr(text, 0, size) != NULL);
        assert_int_equal(text[size], 'x');
    }
}

static bool step_touches_memory(const struct step *step)
{
    switch ((enum step_kind)step->kind) {
    case STEP_LOAD:
    case STEP_STORE:
    case STEP_LOAD_FAR:
    case STEP_PUSH:
    case STEP_POP:
    case STEP_PEEK:
    case STEP_CALL:
    case STEP_RETURN:
        return true;
    default:
        return false;
    }
}

/* What is on the decoder's allow-list can be lowered, and a filler has no memory step. */
static void check_agreement(const u8 *bytes, u32 size, bool code32)
{
    struct insn insn;
    struct steps steps;
    char text[1024];

    if (!insn_decode(&insn, bytes, size, 0x100, code32))
        return;
    bool known = steps_lower(&steps, &insn);
    if (insn.class != INSN_UNSUPPORTED && !known) {
        insn_format(&insn, text, sizeof(text));
        fail_msg("on the allow-list but not lowered: %s", text);
    }
    if (!known)
        return;
    assert_true(steps.count <= STEPS_MAX);
    for (u32 i = 0; i < steps.count; i++)
        if (insn.class == INSN_FILLER)
            assert_false(step_touches_memory(&steps.step[i]));
    steps_print(&steps, text, sizeof(text));
    assert_null(strstr(text, "(null)"));
    assert_null(strchr(text, '?'));
}

static void test_decoder_and_lowering_agree(void **state)
{
    static const u8 prefixes[] = {0x90, 0x66, 0x67, 0xf3, 0xf2, 0x2e, 0xf0};
    u8 bytes[INSN_MAX_BYTES] = {0};

    (void)state;
    for (u32 opcode = 0; opcode < 0x200; opcode++) {
        for (u32 modrm = 0; modrm < 0x100; modrm++) {
            for (u32 prefix = 0; prefix < ARRAY_LEN(prefixes); prefix++) {
                u32 at = 0;
                if (prefix)
                    bytes[at++] = prefixes[prefix];
                if (opcode >= 0x100)
                    bytes[at++] = 0x0f;
                bytes[at++] = (u8)opcode;
                bytes[at++] = (u8)modrm;
                memset(bytes + at, 0, sizeof(bytes) - at);
                check_agreement(bytes, sizeof(bytes), prefix & 1);
                check_agreement(bytes, sizeof(bytes), !(prefix & 1));
            }
        }
    }
}

int test_lower(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_printed_steps),
        cmocka_unit_test(test_print_never_overruns),
        cmocka_unit_test(test_decoder_and_lowering_agree),
    };
    return cmocka_run_group_tests_name("lower", tests, NULL, NULL);
}
