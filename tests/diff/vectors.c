/* Runs the interpreter and host code against hardware-made vectors of an 80286 in real mode (SingleStepTests,
 * MOO files): every register, every defined flag and every byte of memory, exception frames included. Host
 * code runs what is on the allow-list, each instruction as a cluster of its own. Fails also if the list holds
 * less than LISTED_MIN of the vectors' opcodes.
 *
 * usage: vectors [-v] directory [file...]; HUDDLE_VECTORS in the environment replaces the directory. Exits 77
 * (skipped) if it is not there. What differs on purpose between a 286 and a 486 is in the table of vectors_286.c,
 * counted and printed. */
#include "moo.h"
#include "vectors_286.h"
#include "vectors_host.h"
#include "vectors_list.h"

#include "cluster/interp.h"

#include <dirent.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RAM_BYTES (16 * MIB)
#define PAGES     (1u << 20)

enum {
    EXIT_SKIPPED = 77,
    FLAGS_286 = 0x0fff,
    MAX_STEPS = 1 << 20,
    PORT_FLOATING = 0xff,
    LISTED_MIN = 950, /* thousandths of the opcodes that must be on the allow-list */
    REAL_MODE_END = 0x110000,
};

enum executor { BY_INTERPRETER, BY_HOST_CODE, EXECUTORS };
static const char *const executor_name[EXECUTORS] = {"interpreter", "host code"};

/* What became of a test: passed, failed, or (a row of) differences. */
enum { TEST_PASSED = -1, TEST_FAILED = -2 };

struct results {
    u32 passed, failed;
    u32 known[DIFFERENCES_286];
    u32 stack_faults;
};

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
    struct host_insn host;
    enum executor executor;      /* of the run at hand */
    u32 store_first, store_last; /* by the interpreter, over the whole test */
    bool stored;
    u32 broken; /* files that could not be read, or left memory changed */
    struct results results[EXECUTORS];
    struct opcode_list list;
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
    return interp_init(&v->interp, &v->env) == 0 && host_insn_open(&v->host, &v->interp) == 0;
}

static void vectors_fini(struct vectors *v)
{
    host_insn_close(&v->host);
    interp_fini(&v->interp);
    json_decref(v->metadata);
    free(v->ram);
    free(v->page_kind);
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
    for (u32 i = 0; i < v->interp.n_stores; i++) {
        const struct interp_store *store = &v->interp.store[i];
        v->store_first = v->stored ? MIN(v->store_first, store->first) : store->first;
        v->store_last = v->stored ? MAX(v->store_last, store->last) : store->last;
        v->stored = true;
    }
}

/* Overruns of the stack segment are exception 12 since the 386 and 13 on the 286; everything else about them
 * is the same, so they are delivered the 286's way and compared. */
static u8 vector_286(struct vectors *v, const struct moo_test *test)
{
    if (v->interp.fault_vector != EXC_SS || test->exception != EXC_GP)
        return v->interp.fault_vector;
    v->results[v->executor].stack_faults++;
    return EXC_GP;
}

static enum interp_result deliver(struct vectors *v, const struct moo_test *test, struct cpu_state *cpu)
{
    enum interp_result result = interp_deliver(&v->interp, cpu, vector_286(v, test),
                                               v->interp.fault_has_error, v->interp.fault_error);
    note_stores(v);
    return result;
}

/* From where the instruction is now to its end, without exceptions. */
static enum interp_result step_on(struct vectors *v, struct cpu_state *cpu)
{
    enum interp_result result;
    u32 steps = 0;

    do {
        result = interp_step(&v->interp, cpu);
        note_stores(v);
    } while (result == INTERP_AGAIN && steps++ < MAX_STEPS);
    return result;
}

/* Runs the instruction to its end, exception included. Returns the last result; *vector: what it raised. */
static enum interp_result run_interp(struct vectors *v, const struct moo_test *test, struct cpu_state *cpu,
                                     int *vector)
{
    *vector = NO_EXCEPTION;
    v->stored = false;
    enum interp_result result = step_on(v, cpu);
    if (result != INTERP_FAULT)
        return result;
    *vector = v->interp.fault_vector;
    return deliver(v, test, cpu);
}

/* The same by host code. A REP that has overwritten itself goes on as the processor goes on, with what it had
 * fetched: the interpreter did so, too. */
static enum interp_result run_host(struct vectors *v, const struct moo_test *test, struct cluster *cluster,
                                   struct cpu_state *cpu, int *vector)
{
    *vector = NO_EXCEPTION;
    enum interp_result result = host_insn_run(&v->host, cluster, cpu);
    if (result == INTERP_AGAIN)
        result = step_on(v, cpu);
    if (result != INTERP_FAULT)
        return result;
    *vector = v->interp.fault_vector;
    return v->interp.device_accesses ? INTERP_DONE : deliver(v, test, cpu);
}

static bool complain(const struct vectors *v, const struct moo_test *test, const char *what, u32 got,
                     u32 wanted)
{
    if (v->verbose)
        printf("  #%u \"%s\", %s: %s %04x, expected %04x\n", test->index, test->name,
               executor_name[v->executor], what, got, wanted);
    return false;
}

static bool compare_regs(const struct vectors *v, const struct moo_test *test, const struct cpu_state *cpu,
                         u16 flags_mask, u32 ignore)
{
    bool same = true;

    for (u32 i = 0; i < MOO_REGS; i++) {
        if (ignore & IGNORE(i))
            continue;
        u16 mask = i == MOO_FLAGS ? flags_mask & FLAGS_286 : 0xffff;
        u16 got = state_reg(cpu, i), wanted = test->final.reg[i];
        if (i == MOO_IP && !cpu->halted)
            got++; /* the HLT that ends each test on the hardware */
        if ((got & mask) != (wanted & mask))
            same = complain(v, test, reg_names[i], got, wanted);
    }
    return same;
}

/* Where the hardware pushed the flags (the file's own field is wrong for an odd SP). */
static u32 pushed_flags(const struct moo_test *test)
{
    return ((u32)test->final.reg[MOO_SS] << 4) + (u16)(test->final.reg[MOO_SP] + 4);
}

static bool compare_byte(const struct vectors *v, const struct moo_test *test, struct moo_byte byte,
                         u16 flags_mask)
{
    u8 mask = 0xff;

    if (test->has_exception && byte.address == pushed_flags(test))
        mask = (u8)flags_mask;
    if (test->has_exception && byte.address == pushed_flags(test) + 1)
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

static int judge(struct vectors *v, const struct moo_test *test, u16 flags_mask, const struct cpu_state *cpu,
                 enum interp_result result, int vector)
{
    int known = find_difference_286(test, vector);
    u32 ignore = known >= 0 ? differences_286[known].ignore : 0;
    struct vectors quiet = *v;
    quiet.verbose = v->verbose && ignore != IGNORE_ALL;
    bool same = compare_regs(&quiet, test, cpu, flags_mask, ignore);
    same &= compare_ram(&quiet, test, flags_mask);
    if (ignore == IGNORE_ALL)
        return known;
    if (result != INTERP_DONE)
        same = complain(v, test, "result", result, INTERP_DONE);
    return !same ? TEST_FAILED : known >= 0 ? known : TEST_PASSED;
}

static void count(struct vectors *v, int outcome)
{
    struct results *r = &v->results[v->executor];
    if (outcome == TEST_FAILED)
        r->failed++;
    else if (outcome == TEST_PASSED)
        r->passed++;
    else
        r->known[outcome]++;
}

static void load(struct vectors *v, const struct moo_test *test, struct cpu_state *cpu)
{
    for (u32 i = 0; i < test->initial.ram_count; i++)
        v->ram[test->initial.ram[i].address] = test->initial.ram[i].value;
    load_state(cpu, &test->initial);
}

/* Memory is zero before and after. What the interpreter stored to is looked at after host code, too. */
static void test_run(struct vectors *v, const struct moo_test *test, u16 flags_mask)
{
    struct cpu_state cpu;
    int vector;

    v->executor = BY_INTERPRETER;
    load(v, test, &cpu);
    enum interp_result result = run_interp(v, test, &cpu, &vector);
    count(v, judge(v, test, flags_mask, &cpu, result, vector));

    v->executor = BY_HOST_CODE;
    load(v, test, &cpu);
    struct cluster *cluster = host_insn_form(&v->host, &cpu);
    for (u32 i = 0; !cluster && i < test->initial.ram_count; i++)
        v->ram[test->initial.ram[i].address] = 0;
    if (!cluster)
        return;
    result = run_host(v, test, cluster, &cpu, &vector);
    host_insn_free(&v->host, cluster);
    count(v, judge(v, test, flags_mask, &cpu, result, vector));
}

/* --- files --- */

/* "F6.4.MOO.gz" -> the mask of defined flags of opcode F6 /4. */
static u16 flags_mask_of(const struct vectors *v, const char *name)
{
    char opcode[8] = "", extension[4] = "";
    const char *dot = strchr(name, '.');

    snprintf(opcode, sizeof(opcode), "%.*s", dot ? (int)(dot - name) : 0, name);
    if (!strcmp(opcode, "C0")) /* the metadata have the undefined flags only at D2, the same shifts by CL */
        strcpy(opcode, "D2");
    json_t *entry = json_object_get(json_object_get(v->metadata, "opcodes"), opcode);
    if (dot && dot[1] >= '0' && dot[1] <= '7') {
        extension[0] = dot[1];
        entry = json_object_get(json_object_get(entry, "reg"), extension);
    }
    json_t *mask = json_object_get(entry, "flags-mask");
    return mask ? (u16)json_integer_value(mask) : 0xffff;
}

/* Stores beside what a test names show here. */
static bool memory_is_zero(const struct vectors *v, const char *name)
{
    for (u32 at = 0; at < REAL_MODE_END; at++)
        if (v->ram[at]) {
            printf("%s: a stray byte at %06x\n", name, at);
            return false;
        }
    return true;
}

static void run_tests(struct vectors *v, struct moo_file *file, const char *name)
{
    u16 flags_mask = flags_mask_of(v, name);
    struct moo_test *test = calloc(1, sizeof(*test));
    struct opcode *opcode = opcode_list_add(&v->list, name);
    u32 failed[EXECUTORS] = {v->results[0].failed, v->results[1].failed}, total = 0;
    int more = -1;

    while (test && opcode && (more = moo_next(file, test)) > 0) {
        opcode_add(opcode, test->bytes, test->byte_count);
        test_run(v, test, flags_mask);
        total++;
    }
    if (more < 0)
        printf("%s: malformed\n", name);
    if (more < 0 || !memory_is_zero(v, name))
        v->broken++;
    for (u32 i = 0; i < EXECUTORS; i++)
        if (v->results[i].failed != failed[i])
            printf("%s: %u of %u failed by the %s\n", name, v->results[i].failed - failed[i], total,
                   executor_name[i]);
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
        v->broken++;
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

static void report_results(const struct vectors *v, enum executor executor)
{
    const struct results *r = &v->results[executor];

    for (u32 i = 0; i < DIFFERENCES_286; i++)
        if (r->known[i])
            printf("%s: %u differ on purpose: %s\n", executor_name[executor], r->known[i],
                   differences_286[i].what);
    if (r->stack_faults)
        printf("%s: %u compared as exception 13: overruns of the stack segment\n", executor_name[executor],
               r->stack_faults);
    printf("%s: %u passed, %u failed\n", executor_name[executor], r->passed, r->failed);
}

/* True if all is well. `all`: these were all opcodes there are. */
static bool report(const struct vectors *v, bool all)
{
    struct jit_stats host;

    jit_stats(v->host.jit, &host);
    u32 share = opcode_list_report(&v->list);
    report_results(v, BY_INTERPRETER);
    report_results(v, BY_HOST_CODE);
    printf("host code: %llu instructions translated, %llu not; %llu handed to the interpreter as they ran\n",
           (unsigned long long)host.translations, (unsigned long long)host.failed,
           (unsigned long long)host.interpreted);
    if (all && share < LISTED_MIN)
        printf("less than %u.%u %% of the opcodes are on the allow-list\n", LISTED_MIN / 10, LISTED_MIN % 10);
    bool failed = v->broken || host.failed || (all && share < LISTED_MIN);
    for (u32 i = 0; i < EXECUTORS; i++)
        failed |= v->results[i].failed || !v->results[i].passed;
    return !failed;
}

int main(int argc, char **argv)
{
    static struct vectors v;
    int at = 1;

    if (at < argc && !strcmp(argv[at], "-v")) {
        v.verbose = true;
        at++;
    }
    const char *directory = at < argc ? argv[at++] : NULL;
    if (getenv("HUDDLE_VECTORS"))
        directory = getenv("HUDDLE_VECTORS");
    if (!directory || !load_metadata(&v, directory)) {
        printf("skipped: no vectors at %s\n", directory ? directory : "(no directory given)");
        return EXIT_SKIPPED;
    }
    if (!vectors_init(&v))
        return EXIT_FAILURE;
    bool all = at == argc;
    if (!all)
        for (; at < argc; at++)
            run_file(&v, directory, argv[at]);
    else
        run_directory(&v, directory);
    bool good = report(&v, all);
    vectors_fini(&v);
    return good ? EXIT_SUCCESS : EXIT_FAILURE;
}
