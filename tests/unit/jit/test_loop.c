/* Loops of one block, which are translated in their own way (jit/lower_host_loop.c): host code against the interpreter, from random
 * states. Offsets are anywhere, so that they wrap and words stick out of the segment; behind the one segment's middle there is
 * a device; a horizon ends runs in the middle of a chunk, and the next one begins there. */
#include "jit_rig.h"

#include <stdlib.h>
#include <string.h>

enum {
    LOW = 0x20000, HIGH = RIG_VGA - 0x8000, /* segments; the display is in the middle of the second */
    HIGH_BYTES = RIG_VGA - HIGH, LOW_BYTES = 0x10010,
    TRIALS = 60, MAX_LEGS = 8,
};

struct image {
    u8 low[LOW_BYTES], high[HIGH_BYTES];
};

struct side {
    struct cpu_state cpu;
    struct cluster_stats stats;
    struct image image;
    enum cluster_leave leave;
    u32 mmio_accesses;
};

struct bench {
    struct jit_rig *rig;
    struct cluster *cluster;
    struct image before;
    struct side host, interp;
    u32 seed;
    u32 horizons, devices; /* legs that ended there, or met them */
};

static u32 random_u32(struct bench *b)
{
    b->seed = b->seed * 1664525 + 1013904223;
    return b->seed ^ b->seed >> 15;
}

static u32 random_below(struct bench *b, u32 n)
{
    return random_u32(b) % n;
}

static void take_image(const struct jit_rig *rig, struct image *image)
{
    memcpy(image->low, rig->mem.plain + LOW, LOW_BYTES);
    memcpy(image->high, rig->mem.plain + HIGH, HIGH_BYTES);
}

static void give_image(struct jit_rig *rig, const struct image *image)
{
    memcpy(rig->mem.plain + LOW, image->low, LOW_BYTES);
    memcpy(rig->mem.plain + HIGH, image->high, HIGH_BYTES);
}

static void random_image(struct bench *b)
{
    u8 *at = (u8 *)&b->before;
    for (size_t i = 0; i < sizeof b->before; i++)
        at[i] = (u8)(random_u32(b) >> 8);
}

/* Mostly few rounds; sometimes all there can be. `word`: CX counts, else ECX. */
static u32 random_count(struct bench *b, bool word)
{
    static const u32 below[] = {4, 20, 300, 3000};
    u32 upper = word ? random_u32(b) << 16 : 0x10000;
    if (random_below(b, 60) == 0)
        return upper;
    return (word ? upper : 1) | random_below(b, below[random_below(b, ARRAY_LEN(below))]);
}

static void random_state(struct bench *b, bool word)
{
    struct cpu_state *cpu = &b->rig->cpu;
    bool swapped = random_below(b, 2);
    for (u32 i = 0; i < CPU_REGS; i++)
        cpu->reg[i] = random_u32(b);
    cpu->reg[CPU_ESP] = RIG_STACK;
    cpu->reg[CPU_ECX] = random_count(b, word);
    cpu->eip = RIG_CODE;
    cpu->sreg[CPU_DS].base = swapped ? HIGH : LOW;
    cpu->sreg[CPU_ES].base = swapped ? LOW : HIGH;
    cpu->sreg[CPU_SS].base = LOW;
    cpu->eflags = FLAG_FIXED | FLAG_IF | (random_u32(b) & FLAGS_ARITH) | (random_below(b, 4) ? 0 : FLAG_DF);
}

static void run_side(struct bench *b, struct side *side, const struct cluster_backend *backend, u64 horizon, u64 idle)
{
    struct jit_rig *rig = b->rig;
    give_image(rig, &b->before);
    side->cpu = rig->cpu;
    side->stats = (struct cluster_stats){.horizon = horizon, .idle = idle};
    rig->mmio_accesses = rig->requests = 0;
    u64 avoided = b->cluster->insn[0].exits_avoided;
    side->leave = backend->run(backend->opaque, b->cluster, cluster_find(b->cluster, side->cpu.eip), &side->cpu, &side->stats);
    b->cluster->insn[0].exits_avoided = avoided;
    side->mmio_accesses = rig->mmio_accesses;
    take_image(rig, &side->image);
}

static void assert_sides_equal(const struct bench *b, u32 loop)
{
    const struct side *h = &b->host, *i = &b->interp;
    bool same = h->leave == i->leave && !memcmp(h->cpu.reg, i->cpu.reg, sizeof h->cpu.reg) && h->cpu.eip == i->cpu.eip &&
                h->cpu.eflags == i->cpu.eflags && h->stats.instructions == i->stats.instructions &&
                h->stats.idle == i->stats.idle && h->mmio_accesses == i->mmio_accesses &&
                !memcmp(&h->image, &i->image, sizeof h->image);
    if (same)
        return;
    print_message("loop %u, host code and interpreter: left %d %d, eip %x %x, flags %x %x, instructions %u %u, idle %u %u, "
                  "accesses %u %u, memory %s\n",
                  loop, h->leave, i->leave, h->cpu.eip, i->cpu.eip, h->cpu.eflags, i->cpu.eflags,
                  (u32)h->stats.instructions, (u32)i->stats.instructions, (u32)h->stats.idle, (u32)i->stats.idle,
                  h->mmio_accesses, i->mmio_accesses, memcmp(&h->image, &i->image, sizeof h->image) ? "differs" : "same");
    for (u32 r = 0; r < CPU_REGS; r++)
        print_message("  register %u: %08x %08x, before %08x\n", r, h->cpu.reg[r], i->cpu.reg[r], b->rig->cpu.reg[r]);
    fail();
}

/* Runs, from where the one before ended, until the loop has. */
static void run_legs(struct bench *b, u32 loop)
{
    struct cluster_backend interp = cluster_backend_interp(&b->rig->interp);
    u64 idle = 0;
    for (u32 leg = 0; leg < MAX_LEGS; leg++) {
        u64 horizon = random_below(b, 3) ? idle + 1 + random_below(b, 6000) : 0;
        run_side(b, &b->host, &b->rig->backend, horizon, idle);
        run_side(b, &b->interp, &interp, horizon, idle);
        assert_sides_equal(b, loop);
        b->horizons += b->host.leave == LEAVE_horizon;
        b->devices += b->host.mmio_accesses != 0;
        if (b->host.leave != LEAVE_horizon)
            return;
        b->rig->cpu = b->host.cpu;
        b->before = b->host.image;
        idle = b->host.stats.idle;
    }
}

static const struct {
    u8 bytes;
    u8 code[24];
    bool by_ecx;
} loops[] = {
    /* mov al, [di + 320]; add al, [di + 321]; rcr al, 1; sub al, 1; adc al, 0; mov [di], al; stosb; loop */
    {19, {0x8a, 0x85, 0x40, 0x01, 0x02, 0x85, 0x41, 0x01, 0xd0, 0xd8, 0x2c, 0x01, 0x14, 0x00, 0x88, 0x05, 0xaa, 0xe2, 0xed}},
    {4, {0xac, 0xaa, 0xe2, 0xfc}},                                     /* lodsb; stosb; loop */
    {6, {0xad, 0x01, 0xd8, 0xab, 0xe2, 0xfa}},                         /* lodsw; add ax, bx; stosw; loop */
    {4, {0xa4, 0x49, 0x75, 0xfc}},                                     /* movsb; dec cx; jnz */
    {8, {0x8a, 0x04, 0x3a, 0x05, 0x46, 0x47, 0xe1, 0xf8}},             /* mov al, [si]; cmp al, [di]; inc si; inc di; loope */
    {8, {0x3a, 0x05, 0x8a, 0x04, 0x47, 0x4e, 0xe0, 0xf8}},             /* cmp al, [di]; mov al, [si]; inc di; dec si; loopne */
    {11, {0x8b, 0x10, 0x31, 0x15, 0x83, 0xc7, 0x02, 0x01, 0xd6, 0xe2, 0xf5}}, /* mov dx, [bx + si]; xor [di], dx; add di, 2; add si, dx; loop */
    {9, {0x88, 0xc3, 0x88, 0xcf, 0x88, 0x27, 0x40, 0xe2, 0xf7}},       /* mov bl, al; mov bh, cl; mov [bx], ah; inc ax; loop */
    {11, {0x0f, 0xb6, 0x07, 0x89, 0x05, 0x8d, 0x79, 0x03, 0x43, 0xe2, 0xf5}}, /* movzx ax, [bx]; mov [di], ax; lea di, [bx + di + 3]; inc bx; loop */
    {7, {0x66, 0xad, 0x66, 0xab, 0x47, 0xe2, 0xf9}},                   /* lodsd; stosd; inc di; loop */
    {13, {0xb8, 0x34, 0x92, 0x89, 0xc5, 0xb0, 0x80, 0x88, 0x03, 0x01, 0xef, 0xe2, 0xf3}}, /* mov ax, 9234h; mov bp, ax; mov al, 80h; mov [bp + di], al; add di, bp; loop */
    {2, {0xe2, 0xfe}},                                                 /* loop */
    {9, {0x8c, 0xd8, 0x89, 0x04, 0x01, 0xc6, 0x46, 0xe2, 0xf7}},       /* mov ax, ds; mov [si], ax; add si, ax; inc si; loop */
    {10, {0x80, 0x3c, 0x85, 0x80, 0xd2, 0x00, 0x46, 0x49, 0x75, 0xf6}}, /* cmp byte [si], 85h; adc dl, 0; inc si; dec cx; jnz */
    {10, {0xf6, 0x07, 0x40, 0x85, 0x38, 0x43, 0x39, 0x17, 0xe2, 0xf6}}, /* test byte [bx], 40h; test [bx + si], di; inc bx; cmp [bx], dx; loop */
    {9, {0x67, 0x88, 0x07, 0x43, 0x0f, 0xbe, 0xc7, 0xe2, 0xf7}},       /* mov [edi], al; inc bx; movsx ax, bh; loop */
    {7, {0xaa, 0xd3, 0xe0, 0x47, 0x67, 0xe2, 0xf9}, true},                 /* stosb; shl ax, cl; inc di; loop by ecx */
    {8, {0x8a, 0x24, 0x88, 0x25, 0x46, 0x4f, 0xe2, 0xf8}},             /* mov ah, [si]; mov [di], ah; inc si; dec di; loop */
    {9, {0x89, 0xfe, 0xac, 0x47, 0x30, 0x45, 0xff, 0xe2, 0xf7}},       /* mov si, di; lodsb; inc di; xor [di - 1], al; loop */
};

static void try_loops(struct bench *b)
{
    for (u32 loop = 0; loop < ARRAY_LEN(loops); loop++) {
        for (u32 trial = 0; trial < TRIALS; trial++) {
            b->cluster = jit_form(b->rig, loops[loop].code, loops[loop].bytes, 0);
            random_image(b);
            random_state(b, !loops[loop].by_ecx);
            run_legs(b, loop);
            jit_free(b->rig, b->cluster);
        }
    }
}

static void as_interpreted(void **state)
{
    struct jit_rig *rig = *state;
    struct bench *b = calloc(1, sizeof *b);
    assert_non_null(b);
    b->rig = rig;
    b->seed = 1;
    try_loops(b);
    rig->env.guarded = rig->mem.guarded;
    jit_configure(rig, &(struct jit_config){0});
    try_loops(b);
    assert_true(b->horizons > TRIALS && b->devices > TRIALS);
    free(b);
}

/* What such a loop is for: CX rounds without a look at the fuel each time. The whole loop is one run, left where it ends. */
static void rounds_are_counted_to_the_end(void **state)
{
    struct jit_rig *rig = *state;
    struct cluster *cluster = jit_form(rig, loops[1].code, loops[1].bytes, 0);
    rig->cpu.sreg[CPU_DS].base = LOW;
    rig->cpu.sreg[CPU_ES].base = LOW;
    rig->cpu.reg[CPU_ECX] = 0x12340000; /* 65,536 */
    assert_int_equal(jit_run(rig, cluster), LEAVE_end);
    assert_int_equal(rig->stats.instructions, 3 * 0x10000 + 2);
    assert_int_equal(rig->cpu.reg[CPU_ECX], 0x12340000);
    assert_int_equal(rig->cpu.reg[CPU_ESI], RIG_DATA);
    jit_free(rig, cluster);
}

int test_loop(void)
{
    const struct CMUnitTest tests[] = {
        JIT_TEST(as_interpreted),
        JIT_TEST(rounds_are_counted_to_the_end),
    };
    return cmocka_run_group_tests_name("loops", tests, NULL, NULL);
}
