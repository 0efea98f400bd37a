/* Runs the interpreter against hardware-made vectors of an 80286 in real mode (SingleStepTests, MOO files): every
 * register, every defined flag and every byte of memory, exception frames included.
 *
 * usage: vectors [-v] [directory [file...]]; without a directory HUDDLE_VECTORS names it. Exits 77 (skipped) if it
 * is not there. What differs on purpose between a 286 and a 486 is in one table below, counted and printed. */
#include "moo.h"

#include "cluster/interp.h"

#include <dirent.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RAM_BYTES (16 * MIB)
#define PAGES     (1u << 20)

enum { EXIT_SKIPPED = 77, FLAGS_286 = 0x0fff, MAX_STEPS = 1 << 20, PORT_FLOATING = 0xff };

struct vectors {
    bool verbose;
    json_t *metadata;
    u8 *ram;
    u8 *page_kind;
    bool intr;
    volatile int attention;
    u32 requests, generation;
    struct cluster_env env;
    struct interp interp;
    u32 store_first, store_last; /* over the whole test */
    bool stored;
    /* results */
    u32 passed, failed;
    u32 known[16];
};

/* --- the world --- */

static u32 port_in(void *opaque, u16 port, u8 size)
{
    (void)opaque;
    (void)port;
    return size == 1 ? PORT_FLOATING : 0xffff;
}

static void port_out(void *opaque, u16 port, u8 size, u32 value)
{
    (void)opaque;
    (void)port;
    (void)size;
    (void)value;
}

static u32 mmio_read(void *opaque, u32 gpa, u8 size)
{
    (void)opaque;
    (void)gpa;
    (void)size;
    return 0xffffffff;
}

static void mmio_write(void *opaque, u32 gpa, u8 size, u32 value)
{
    (void)opaque;
    (void)gpa;
    (void)size;
    (void)value;
}

static bool vectors_init(struct vectors *v)
{
    v->ram = calloc(1, RAM_BYTES);
    v->page_kind = calloc(1, PAGES);
    if (!v->ram || !v->page_kind)
        return false;
    memset(v->page_kind, ENV_PAGE_RAM, RAM_BYTES >> 12);
    v->env = (struct cluster_env){
        .opaque = v,
        .view = v->ram,
        .page_kind = v->page_kind,
        .port_in = port_in,
        .port_out = port_out,
        .mmio_read = mmio_read,
        .mmio_write = mmio_write,
        .intr = &v->intr,
        .attention = &v->attention,
        .requests = &v->requests,
        .generation = &v->generation,
    };
    return interp_init(&v->interp, &v->env) == 0;
}

static void vectors_fini(struct vectors *v)
{
    interp_fini(&v->interp);
    json_decref(v->metadata);
    free(v->ram);
    free(v->page_kind);
}

/* --- what differs between the 286 of the vectors and a 486 --- */

struct difference {
    const char *what;
    bool (*applies)(const struct moo_test *test);
};

static const struct difference differences[] = {
    {NULL, NULL},
};

static int find_difference(const struct moo_test *test)
{
    for (u32 i = 0; i < ARRAY_LEN(differences); i++)
        if (differences[i].applies && differences[i].applies(test))
            return (int)i;
    return -1;
}

/* --- one test --- */

static const u8 reg_of[] = {
    [MOO_AX] = CPU_EAX, [MOO_BX] = CPU_EBX, [MOO_CX] = CPU_ECX, [MOO_DX] = CPU_EDX,
    [MOO_SP] = CPU_ESP, [MOO_BP] = CPU_EBP, [MOO_SI] = CPU_ESI, [MOO_DI] = CPU_EDI,
};
static const u8 sreg_of[] = {[MOO_CS] = CPU_CS, [MOO_SS] = CPU_SS, [MOO_DS] = CPU_DS, [MOO_ES] = CPU_ES};
static const char *const reg_names[MOO_REGS] = {"ax", "bx", "cx", "dx", "cs", "ss", "ds",
                                                "es", "sp", "bp", "si", "di", "ip", "flags"};

static void load_state(struct cpu_state *cpu, const struct moo_state *state)
{
    memset(cpu, 0, sizeof(*cpu));
    for (u32 i = 0; i < CPU_SREGS; i++)
        cpu->sreg[i] = (struct cpu_segment){.limit = 0xffff, .type = 3, .s = true, .present = true};
    for (u32 i = 0; i < MOO_IP; i++) {
        if (i >= MOO_CS && i <= MOO_ES) {
            cpu->sreg[sreg_of[i]].selector = state->reg[i];
            cpu->sreg[sreg_of[i]].base = (u32)state->reg[i] << 4;
        } else {
            cpu->reg[reg_of[i]] = state->reg[i];
        }
    }
    cpu->eip = state->reg[MOO_IP];
    cpu->eflags = (state->reg[MOO_FLAGS] & FLAGS_286) | FLAG_FIXED;
    cpu->idt.limit = 0x3ff;
    cpu->cr0 = CR0_ET;
}

static u16 state_reg(const struct cpu_state *cpu, u32 i)
{
    if (i == MOO_IP)
        return (u16)cpu->eip;
    if (i == MOO_FLAGS)
        return (u16)cpu->eflags;
    return i >= MOO_CS && i <= MOO_ES ? cpu->sreg[sreg_of[i]].selector : (u16)cpu->reg[reg_of[i]];
}

static void note_stores(struct vectors *v)
{
    if (!v->interp.stored)
        return;
    v->store_first = v->stored ? MIN(v->store_first, v->interp.store_first) : v->interp.store_first;
    v->store_last = v->stored ? MAX(v->store_last, v->interp.store_last) : v->interp.store_last;
    v->stored = true;
}

/* Runs the instruction to its end, exception included. Returns the last result. */
static enum interp_result run(struct vectors *v, struct cpu_state *cpu)
{
    enum interp_result result;
    u32 steps = 0;

    v->stored = false;
    do {
        result = interp_step(&v->interp, cpu);
        note_stores(v);
    } while (result == INTERP_AGAIN && steps++ < MAX_STEPS);
    if (result != INTERP_FAULT)
        return result;
    result = interp_deliver(&v->interp, cpu, v->interp.fault_vector, v->interp.fault_has_error,
                            v->interp.fault_error);
    note_stores(v);
    return result;
}

static bool complain(const struct vectors *v, const struct moo_test *test, const char *what, u32 got, u32 wanted)
{
    if (v->verbose)
        printf("  #%u \"%s\": %s %04x, expected %04x\n", test->index, test->name, what, got, wanted);
    return false;
}

static bool compare_regs(const struct vectors *v, const struct moo_test *test, const struct cpu_state *cpu,
                         u16 flags_mask)
{
    bool same = true;

    for (u32 i = 0; i < MOO_REGS; i++) {
        u16 mask = i == MOO_FLAGS ? flags_mask & FLAGS_286 : 0xffff;
        u16 got = state_reg(cpu, i), wanted = test->final.reg[i];
        if (i == MOO_IP)
            got++; /* the HLT that ends each test on the hardware */
        if ((got & mask) != (wanted & mask))
            same = complain(v, test, reg_names[i], got, wanted);
    }
    return same;
}

static bool compare_byte(const struct vectors *v, const struct moo_test *test, struct moo_byte byte, u16 flags_mask)
{
    u8 mask = 0xff;

    if (test->has_exception && byte.address == test->exception_flags)
        mask = (u8)flags_mask;
    if (test->has_exception && byte.address == test->exception_flags + 1)
        mask = (u8)(flags_mask >> 8) & (FLAGS_286 >> 8);
    if (((v->ram[byte.address] ^ byte.value) & mask) == 0)
        return true;
    if (v->verbose)
        printf("  [%06x]", byte.address);
    return complain(v, test, "byte", v->ram[byte.address], byte.value);
}

/* Memory must be the initial one changed by the final one, and nothing else. Leaves it all zero. */
static bool compare_ram(struct vectors *v, const struct moo_test *test, u16 flags_mask)
{
    const struct moo_state *initial = &test->initial, *final = &test->final;
    bool same = true;

    for (u32 i = 0; i < final->ram_count; i++) {
        same &= compare_byte(v, test, final->ram[i], flags_mask);
        v->ram[final->ram[i].address] = 0;
    }
    for (u32 i = 0; i < initial->ram_count; i++) {
        bool changed = false;
        for (u32 j = 0; j < final->ram_count && !changed; j++)
            changed = final->ram[j].address == initial->ram[i].address;
        if (!changed)
            same &= compare_byte(v, test, initial->ram[i], flags_mask);
        v->ram[initial->ram[i].address] = 0;
    }
    for (u32 at = v->store_first; v->stored && at <= v->store_last; at++) {
        if (v->ram[at])
            same = complain(v, test, "stray byte", v->ram[at], 0);
        v->ram[at] = 0;
    }
    return same;
}

static bool test_run(struct vectors *v, const struct moo_test *test, u16 flags_mask)
{
    struct cpu_state cpu;
    bool same;

    for (u32 i = 0; i < test->initial.ram_count; i++)
        v->ram[test->initial.ram[i].address] = test->initial.ram[i].value;
    load_state(&cpu, &test->initial);
    enum interp_result result = run(v, &cpu);
    same = compare_regs(v, test, &cpu, flags_mask);
    same &= compare_ram(v, test, flags_mask);
    if (result != INTERP_DONE)
        same = complain(v, test, "result", result, INTERP_DONE);
    return same;
}

/* --- files --- */

/* "F6.4.MOO.gz" -> the mask of defined flags of opcode F6 /4. */
static u16 flags_mask_of(const struct vectors *v, const char *name)
{
    char opcode[8] = "", extension[4] = "";
    const char *dot = strchr(name, '.');

    snprintf(opcode, sizeof(opcode), "%.*s", (int)(dot - name), name);
    json_t *entry = json_object_get(json_object_get(v->metadata, "opcodes"), opcode);
    if (dot[1] >= '0' && dot[1] <= '7') {
        extension[0] = dot[1];
        entry = json_object_get(json_object_get(entry, "reg"), extension);
    }
    json_t *mask = json_object_get(entry, "flags-mask");
    return mask ? (u16)json_integer_value(mask) : 0xffff;
}

static void run_tests(struct vectors *v, struct moo_file *file, const char *name)
{
    u16 flags_mask = flags_mask_of(v, name);
    struct moo_test *test = calloc(1, sizeof(*test));
    u32 failed = 0, total = 0;
    int more = -1;

    while (test && (more = moo_next(file, test)) > 0) {
        int known = find_difference(test);
        total++;
        if (test_run(v, test, flags_mask))
            v->passed++;
        else if (known >= 0)
            v->known[known]++;
        else
            failed++;
    }
    if (more < 0) {
        printf("%s: malformed\n", name);
        failed++;
    }
    if (failed)
        printf("%s: %u of %u failed\n", name, failed, total);
    v->failed += failed;
    free(test);
}

static void run_file(struct vectors *v, const char *directory, const char *name)
{
    struct moo_file file;
    char path[1024];

    snprintf(path, sizeof(path), "%s/%s", directory, name);
    int result = moo_open(&file, path);
    if (result < 0) {
        printf("%s: %s\n", path, strerror(-result));
        v->failed++;
        return;
    }
    run_tests(v, &file, name);
    moo_close(&file);
}

static int is_vector_file(const struct dirent *entry)
{
    return strstr(entry->d_name, ".MOO") != NULL;
}

static void run_directory(struct vectors *v, const char *directory)
{
    struct dirent **entries;
    int count = scandir(directory, &entries, is_vector_file, alphasort);

    for (int i = 0; i < count; i++) {
        run_file(v, directory, entries[i]->d_name);
        free(entries[i]);
    }
    if (count > 0)
        free(entries);
    printf("%d files\n", count);
}

static bool load_metadata(struct vectors *v, const char *directory)
{
    char path[1024];

    snprintf(path, sizeof(path), "%s/metadata.json", directory);
    v->metadata = json_load_file(path, 0, NULL);
    return v->metadata;
}

static void report(const struct vectors *v)
{
    for (u32 i = 0; i < ARRAY_LEN(differences); i++)
        if (v->known[i])
            printf("differs on purpose: %u: %s\n", v->known[i], differences[i].what);
    printf("%u passed, %u failed\n", v->passed, v->failed);
}

int main(int argc, char **argv)
{
    struct vectors v = {0};
    int at = 1;

    if (at < argc && !strcmp(argv[at], "-v")) {
        v.verbose = true;
        at++;
    }
    const char *directory = at < argc ? argv[at++] : getenv("HUDDLE_VECTORS");
    if (!directory || !load_metadata(&v, directory)) {
        printf("skipped: no vectors at %s\n", directory ? directory : "HUDDLE_VECTORS");
        return EXIT_SKIPPED;
    }
    if (!vectors_init(&v))
        return EXIT_FAILURE;
    if (at < argc)
        for (; at < argc; at++)
            run_file(&v, directory, argv[at]);
    else
        run_directory(&v, directory);
    report(&v);
    vectors_fini(&v);
    return v.failed || !v.passed ? EXIT_FAILURE : EXIT_SUCCESS;
}
