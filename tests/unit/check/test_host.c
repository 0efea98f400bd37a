/* Host code against the interpreter: clusters of random instructions, run from random states under the checking executor.
 *
 *   HUDDLE_CHECK_SEED=n HUDDLE_CHECK_CLUSTERS=n   other ones, and more of them */
#include "check_rig.h"

#include "cluster/heat.h"
#include "jit/jit.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    CLUSTERS = 1000,
    MAX_INSNS = 10,
    RUNS = 4, /* of a cluster, each from another state */
    WINDOW = 64,
    CODE_BYTES = 256,
    TICK_US = 20000,
    OUT_IMM = 0xe6,
    HLT = 0xf4,
};

struct host_test {
    struct check_rig *rig;
    struct jit *jit;
    struct heat *heat;
    u64 seed;
    bool code32;
    u8 code[CODE_BYTES];
    u32 bytes;
    pthread_t ticker;
    volatile bool ends;
};

static u64 next(struct host_test *t)
{
    t->seed ^= t->seed << 13;
    t->seed ^= t->seed >> 7;
    t->seed ^= t->seed << 17;
    return t->seed;
}

static bool one_in(struct host_test *t, u32 n)
{
    return (next(t) >> 8) % n == 0;
}

/* Values at the edges as often as any. */
static u32 interesting(struct host_test *t)
{
    static const u32 edges[] = {0,       1,       2,          0x7f,       0x80,    0xff,    0xfff,   0x1000,
                                0x7fff,  0x8000,  0xfffe,     0xffff,     0x10000, 0x9ffff, 0xa0000, 0xbffff,
                                0xc0000, 0xfffff, 0x7fffffff, 0x80000000, ~0u,     ~3u,     0x70000, RIG_CODE + 4};
    u64 random = next(t);
    return random & 1 ? edges[(random >> 8) % ARRAY_LEN(edges)] : (u32)(random >> 32);
}

/* --- code --- */

static bool may_join(const struct insn *insn)
{
    return insn->class != INSN_UNSUPPORTED && insn->zydis.mnemonic != ZYDIS_MNEMONIC_HLT;
}

static bool is_relative(const struct insn *insn)
{
    return insn->flow == FLOW_BRANCH || insn->flow == FLOW_JUMP || insn->flow == FLOW_CALL;
}

static void random_insn(struct host_test *t, struct insn *insn)
{
    u8 bytes[INSN_MAX_BYTES];
    do {
        for (u32 i = 0; i < sizeof bytes; i++)
            bytes[i] = (u8)next(t);
        if (one_in(t, 5))
            bytes[0] = 0x0f;
        if (one_in(t, 8))
            bytes[0] = 0x66;
        if (one_in(t, 16))
            bytes[0] = 0x26;
    } while (!insn_decode(insn, bytes, sizeof bytes, RIG_CODE + t->bytes, t->code32) || !may_join(insn));
}

static void append(struct host_test *t, const u8 *bytes, u32 size)
{
    memcpy(t->code + t->bytes, bytes, size);
    t->bytes += size;
}

/* A branch goes over the instruction behind it, or now and then back. */
static void append_branch(struct host_test *t, struct insn *branch)
{
    struct insn over;
    append(t, branch->bytes, branch->length);
    u32 size = branch->zydis.raw.imm[0].size / 8, end = t->bytes;
    do
        random_insn(t, &over);
    while (over.flow != FLOW_NEXT || over.rep || over.repne);
    append(t, over.bytes, over.length);
    s32 displacement = branch->flow == FLOW_BRANCH && one_in(t, 4) ? -(s32)(next(t) % (end + 1)) : over.length;
    memcpy(t->code + end - size, &displacement, size);
}

static void append_insn(struct host_test *t)
{
    static const u8 short_count[] = {0x0f, 0xb6, 0xc9}; /* movzx [e]cx, cl */
    struct insn insn;
    random_insn(t, &insn);
    if (is_relative(&insn)) {
        append_branch(t, &insn);
        return;
    }
    if (insn.rep || insn.repne) {
        u8 wide = 0x66;
        if (!t->code32)
            append(t, &wide, 1);
        append(t, short_count, sizeof short_count);
    }
    append(t, insn.bytes, insn.length);
}

static void make_code(struct host_test *t)
{
    static const u8 end[] = {OUT_IMM, 0x80, OUT_IMM, 0x81, HLT};
    u32 n = 1 + (u32)(next(t) >> 8) % MAX_INSNS;
    t->bytes = 0;
    for (u32 i = 0; i < n && t->bytes < CODE_BYTES - 64; i++) {
        u32 at = t->bytes;
        append_insn(t);
        for (u32 heat = one_in(t, 3) ? 3 : 0; heat; heat--)
            heat_bump(t->heat, RIG_CODE + at, false);
    }
    append(t, end, sizeof end);
}

static void ignore_stop(void *opaque, const struct insn *insn)
{
    (void)opaque, (void)insn;
}

static bool form(struct host_test *t)
{
    struct check_rig *rig = t->rig;
    struct form_request request = {.env = &rig->env, .heat = t->heat, .window = WINDOW,
                                   .on_stop = ignore_stop};
    struct cluster_key key = {.where = {.eip = RIG_CODE, .mode = t->code32 ? MODE_PROTECTED | MODE_CODE32 | MODE_STACK32 : 0},
                              .position = POSITION_AFTER};
    heat_clear(t->heat);
    make_code(t);
    memcpy(rig->mem.view + RIG_CODE, t->code, t->bytes);
    if (cluster_form(&request, &key, &rig->cluster) != FORM_OK)
        return false;
    return rig->backend.translate(rig->backend.opaque, rig->cluster) == 0;
}

/* --- states --- */

static void random_segment(struct host_test *t, struct cpu_segment *segment)
{
    static const u32 bases[] = {0, 0, 0x10000, 0x9f000, 0xa0000, 0xb8000, 0xf0000, 0x60000};
    segment->base = bases[(next(t) >> 8) % ARRAY_LEN(bases)];
    segment->selector = (u16)(segment->base >> 4);
    if (t->code32) {
        segment->base = one_in(t, 4) ? segment->base : 0;
        segment->selector = 0x10;
    }
    if (one_in(t, 6))
        segment->limit = one_in(t, 2) ? 0xffffffff : interesting(t);
    if (one_in(t, 20))
        segment->type = 1; /* not writable */
}

static void random_state(struct host_test *t)
{
    struct cpu_state *cpu = &t->rig->cpu;
    u32 limit = t->code32 ? 0xffffffff : 0xffff;
    for (u32 i = 0; i < CPU_SREGS; i++)
        cpu->sreg[i] = (struct cpu_segment){.limit = limit, .type = 3, .s = true, .present = true, .db = t->code32,
                                            .g = t->code32};
    for (u32 i = 0; i < CPU_SREGS; i++)
        if (i != CPU_CS)
            random_segment(t, &cpu->sreg[i]);
    cpu->sreg[CPU_CS].type = 0xb;
    cpu->sreg[CPU_CS].selector = t->code32 ? 8 : 0;
    for (u32 i = 0; i < CPU_REGS; i++)
        cpu->reg[i] = interesting(t);
    if (!one_in(t, 8))
        cpu->reg[CPU_EDX] &= 0xffff;
    if (!one_in(t, 4))
        cpu->reg[CPU_ESP] = (u32)next(t) & 0xfffe;
    cpu->eflags = FLAG_FIXED | ((u32)next(t) & (FLAGS_ARITH | FLAG_IF)) | (one_in(t, 4) ? FLAG_DF : 0);
    cpu->cr0 = CR0_ET | (t->code32 ? CR0_PE : 0);
    cpu->halted = false;
    cpu->interrupt_shadow = one_in(t, 16);
}

static void run_once(struct host_test *t)
{
    struct check_rig *rig = t->rig;
    random_state(t);
    memcpy(rig->mem.view + RIG_CODE, t->code, t->bytes);
    rig->intr = false;
    rig->attention = 0;
    rig->requests = 0;
    u64 seed = t->seed;
    check_run(rig);
    memory_set_a20(&rig->mem, true);
    if (rig->told) {
        fputs(check_rig_report(rig), stderr);
        fail_msg("%s (%d-bit code, seed %llu)", rig->what, t->code32 ? 32 : 16, (unsigned long long)seed);
    }
}

/* Ends endless loops; a run that it ends is not compared. */
static void *tick(void *opaque)
{
    struct host_test *t = opaque;
    while (!t->ends) {
        usleep(TICK_US);
        t->rig->attention = 1;
    }
    return NULL;
}

static u64 number(const char *name, u64 otherwise)
{
    const char *text = getenv(name);
    return text ? strtoull(text, NULL, 0) : otherwise;
}

static void run_clusters(struct check_rig *rig, bool code32, const struct jit_config *config)
{
    struct host_test t = {.rig = rig, .heat = calloc(1, sizeof *t.heat), .code32 = code32,
                          .seed = number("HUDDLE_CHECK_SEED", 1) * 0x9e3779b97f4a7c15ull};
    u64 clusters = number("HUDDLE_CHECK_CLUSTERS", CLUSTERS), formed = 0;
    assert_non_null(t.heat);
    assert_int_equal(jit_create(&t.jit, check_interp(rig->check), config), 0);
    struct cluster_backend host = cluster_backend_host(t.jit);
    rig->backend = cluster_backend_check(rig->check, &host);
    for (u32 i = 0; i < rig->mem.ram_bytes / 8; i++)
        ((u64 *)rig->mem.plain)[i] = next(&t);
    assert_int_equal(pthread_create(&t.ticker, NULL, tick, &t), 0);
    for (u64 i = 0; i < clusters; i++) {
        rig->cluster = NULL;
        if (form(&t)) {
            formed++;
            for (u32 n = 0; n < RUNS; n++)
                run_once(&t);
            rig->backend.discard(rig->backend.opaque, rig->cluster);
        }
        cluster_free(rig->cluster);
    }
    rig->cluster = NULL;
    t.ends = true;
    pthread_join(t.ticker, NULL);
    struct jit_stats stats;
    jit_stats(t.jit, &stats);
    jit_destroy(t.jit);
    free(t.heat);
    assert_true(formed > clusters / 2);
    assert_true(stats.translations > formed / 2);
    assert_true(stats.failed == 0);
    assert_true(stats.faults > 0 || config->slow_memory);
    assert_true(stats.flushes > 0 || !config->code_bytes);
    assert_true(check_rig_stats(rig).compared > clusters * RUNS / 4);
}

static void real_mode(void **state)
{
    run_clusters(*state, false, &(struct jit_config){0});
}

static void flat_32_bit(void **state)
{
    run_clusters(*state, true, &(struct jit_config){0});
}

static void real_mode_slow_memory(void **state)
{
    run_clusters(*state, false, &(struct jit_config){.slow_memory = true});
}

static void real_mode_small_buffer(void **state)
{
    run_clusters(*state, false, &(struct jit_config){.code_bytes = 64 * KIB, .slow_threshold = 1});
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CHECK_TEST(real_mode),
        CHECK_TEST(flat_32_bit),
        CHECK_TEST(real_mode_slow_memory),
        CHECK_TEST(real_mode_small_buffer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
