/* Translations as text: small pieces of code, one per decision, their host code compared whole with golden/host.txt.
 * HUDDLE_REBASE=1 writes it anew. Addresses that differ from run to run are not shown. */
#include "jit_rig.h"

#include <Zydis/Zydis.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct piece {
    const char *name;
    u32 exiting; /* bit per instruction: a memory access that exits */
    bool flat32;
    u8 n;
    u8 code[24];
};

#define CODE(...) .code = {__VA_ARGS__}, .n = sizeof((const u8[]){__VA_ARGS__})

static const struct piece pieces[] = {
    {"a byte load always fits", CODE(0x8a, 0x07)},
    {"a word load may stick out", CODE(0x8b, 0x40, 0x10)},
    {"a constant address is checked now", CODE(0xa1, 0x34, 0x12)},
    {"a store may hit the cluster", CODE(0x88, 0x07)},
    {"flags once saved stay so", CODE(0x89, 0x07, 0x89, 0x05)},
    {"read-modify-write is probed first", CODE(0x01, 0x07)},
    {"a high byte goes round by its low one", CODE(0x8a, 0x27, 0x88, 0x27)},
    {"a flat segment has no limit", .flat32 = true, CODE(0x8b, 0x43, 0x04)},
    {"a device load", .exiting = 1, CODE(0x8a, 0x07)},
    {"a device store", .exiting = 1, CODE(0x88, 0x3f)},
    {"a device read-modify-write", .exiting = 1, CODE(0x80, 0x0f, 0x01)},
    {"ports", CODE(0xe6, 0x20, 0xec, 0xef)},
    {"INC needs only the carry", CODE(0xee, 0x40)},
    {"but nobody may read it", CODE(0xee, 0x40, 0x01, 0xd8)},
    {"ADC too", CODE(0xee, 0x11, 0xd8)},
    {"what writes all flags needs none", CODE(0xee, 0x01, 0xd8)},
    {"what writes some needs all", CODE(0xee, 0xd1, 0xc0)},
    {"shift by an immediate", CODE(0xc1, 0xe0, 0x04, 0xc1, 0xe1, 0x04)},
    {"string elements", CODE(0xac, 0xaa)},
    {"a repeated string is the interpreter's", CODE(0xf3, 0xaa)},
    {"push and pop", CODE(0x50, 0x5b)},
    {"real-mode segment load", CODE(0x8e, 0xc0)},
    {"SS starts a shadow", CODE(0x8e, 0xd0)},
    {"far pointer", CODE(0xc4, 0x07)},
    {"division by what may be too small", CODE(0xf7, 0xf3)},
    {"signed division", CODE(0xf7, 0xfb)},
    {"system flags", CODE(0xfa, 0xfc)},
    {"PUSHF and POPF", CODE(0x9c, 0x9d)},
    {"forward branch in the cluster", CODE(0x74, 0x01, 0x40)},
    {"branch out", CODE(0x74, 0x40)},
    {"loop without a device", CODE(0x40, 0xe2, 0xfd)},
    {"loop with one: flags saved at its head", CODE(0xec, 0xa8, 0x08, 0x74, 0xfb)},
    {"loop over lower parts, counted in chunks",
     CODE(0x8a, 0x85, 0x40, 0x01, 0x02, 0x85, 0x41, 0x01, 0xd0, 0xd8, 0x88, 0x05, 0xaa, 0xe2, 0xf1)},
    {"an operation reads memory itself", CODE(0x03, 0x07, 0x80, 0x3f, 0x05)},
    {"JCXZ", CODE(0xe3, 0x01, 0x40)},
    {"call", CODE(0xe8, 0x00, 0x00)},
};

/* Host instructions with targets as offsets; stubs and tables have other addresses in each run. */
static void print_host(FILE *out, const u8 *code, u32 bytes)
{
    ZydisDecoder decoder;
    ZydisFormatter formatter;
    ZydisDecoderInit(&decoder, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64);
    ZydisFormatterInit(&formatter, ZYDIS_FORMATTER_STYLE_INTEL);
    for (u32 at = 0; at < bytes;) {
        ZydisDecodedInstruction insn;
        ZydisDecodedOperand operand[ZYDIS_MAX_OPERAND_COUNT];
        char text[96];
        ZyanU64 target = 0;
        assert_true(ZYAN_SUCCESS(ZydisDecoderDecodeFull(&decoder, code + at, bytes - at, &insn, operand)));
        ZydisFormatterFormatInstruction(&formatter, &insn, operand, insn.operand_count_visible, text, sizeof text, at,
                                        NULL);
        bool branch = insn.attributes & ZYDIS_ATTRIB_IS_RELATIVE;
        if (branch)
            ZydisCalcAbsoluteAddress(&insn, &operand[0], at, &target);
        if (branch && target >= bytes)
            snprintf(text, sizeof text, "%s stub", ZydisMnemonicGetString(insn.mnemonic));
        else if (insn.raw.imm[0].size == 64)
            snprintf(text, sizeof text, "mov r9, site");
        fprintf(out, "  %3x  %s\n", at, text);
        at += insn.length;
    }
}

static void go_flat(struct cpu_state *cpu)
{
    cpu->cr0 |= CR0_PE;
    for (int i = 0; i < CPU_SREGS; i++) {
        cpu->sreg[i].limit = 0xffffffff;
        cpu->sreg[i].db = cpu->sreg[i].g = true;
    }
}

static void print_piece(const struct piece *p, FILE *out)
{
    void *state;
    u32 bytes = 0;
    jit_setup(&state);
    struct jit_rig *rig = state;
    if (p->flat32)
        go_flat(&rig->cpu);
    rig->cpu.reg[CPU_EAX] = rig->cpu.reg[CPU_ECX] = 1;
    rig->attention = 1; /* loops end */
    struct cluster *cluster = jit_form(rig, p->code, p->n, p->exiting);
    jit_run(rig, cluster);
    const u8 *code = rig->backend.code(rig->backend.opaque, cluster, CLUSTER_NO_INSN, &bytes);
    assert_non_null(code);
    fprintf(out, "%s\n", p->name);
    for (u32 i = 0; i + 2 < cluster->n; i++) {
        char text[512], host[96];
        struct insn insn;
        u32 size;
        const struct steps *steps = &cluster->insn[i].steps;
        assert_true(insn_decode(&insn, steps->bytes, steps->length, steps->eip, p->flat32));
        insn_format(&insn, host, sizeof host);
        steps_print(steps, text, sizeof text);
        const u8 *at = rig->backend.code(rig->backend.opaque, cluster, (int)i, &size);
        fprintf(out, " %3x %s\n%s", (u32)(at - code), host, text);
    }
    print_host(out, code, bytes);
    fprintf(out, "\n");
    jit_free(rig, cluster);
    jit_teardown(&state);
}

static void assert_golden(const char *text)
{
    static const char path[] = GOLDEN_DIR "/host.txt";
    bool rebase = getenv("HUDDLE_REBASE");
    FILE *file = fopen(path, rebase ? "w" : "r");
    assert_non_null(file);
    if (rebase) {
        assert_true(fputs(text, file) >= 0);
        fclose(file);
        return;
    }
    static char golden[128 * KIB];
    size_t n = fread(golden, 1, sizeof golden - 1, file);
    golden[n] = 0;
    fclose(file);
    /* From the first line that differs: the whole is too long to look at. */
    while (*text && *text == *golden && strcspn(text, "\n") == strcspn(golden, "\n") &&
           !strncmp(text, golden, strcspn(text, "\n"))) {
        text += strcspn(text, "\n") + 1;
        memmove(golden, golden + strcspn(golden, "\n") + 1, strlen(golden) - strcspn(golden, "\n"));
    }
    assert_string_equal(text, golden);
}

static void translations(void **state)
{
    char *text;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    (void)state;
    assert_non_null(out);
    for (size_t i = 0; i < ARRAY_LEN(pieces); i++)
        print_piece(&pieces[i], out);
    fclose(out);
    assert_golden(text);
    free(text);
}

int test_golden(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(translations),
    };
    return cmocka_run_group_tests_name("golden", tests, NULL, NULL);
}
