/* Guests at every window, and in regions: the same accesses, interrupts, registers and memory; only exits differ, by what the
 * clusters say they avoided. */
#include "engine_rig.h"

#include "base/hash.h"

#include <stdlib.h>
#include <string.h>

enum { DATA = 0x20000, HANDLER = 0x30000, LIMIT = 2000000 };

struct outcome {
    u64 stream, memory;
    u32 accesses;
    u64 delivered, exits;
    struct cpu_state cpu;
    struct cluster_stats stats;
};

enum { DIVIDE_HANDLER = 0x100, GIVE_UP_HANDLER = 0x200 }; /* offsets in the handlers' segment */

/* The interrupt's: push ax; in al, 60h; mov al, 20h; out 20h, al; pop ax; iret
 * The divide error's steps over the instruction: push bp; mov bp, sp; add word [bp+2], 3; pop bp; iret
 * Segment limits end the guest: cli; hlt */
static void load_handlers(struct rig *rig)
{
    static const u8 interrupt[] = {0x50, 0xe4, 0x60, 0xb0, 0x20, 0xe6, 0x20, 0x58, 0xcf};
    static const u8 divide_error[] = {0x55, 0x89, 0xe5, 0x83, 0x46, 0x02, 0x03, 0x5d, 0xcf};
    static const u8 give_up[] = {0xfa, 0xf4};

    memcpy(rig->ram + HANDLER, interrupt, sizeof interrupt);
    memcpy(rig->ram + HANDLER + DIVIDE_HANDLER, divide_error, sizeof divide_error);
    memcpy(rig->ram + HANDLER + GIVE_UP_HANDLER, give_up, sizeof give_up);
    rig_put(rig, EXC_GP * 4, 4, HANDLER << 12 | GIVE_UP_HANDLER);
    rig_put(rig, EXC_SS * 4, 4, HANDLER << 12 | GIVE_UP_HANDLER);
    rig_put(rig, 0x20 * 4, 4, HANDLER << 12); /* segment:offset */
    rig_put(rig, EXC_DE * 4, 4, HANDLER << 12 | DIVIDE_HANDLER);
}

static void every_seventh(struct engine_rig *er, u32 n)
{
    er->rig->intr = er->rig->intr || n % 7 == 0;
}

static void load_machine(struct engine_rig *er)
{
    er->cpu->sreg[CPU_ES] = er->cpu->sreg[CPU_DS];
    er->cpu->sreg[CPU_ES].base = RIG_DEVICE;
    er->cpu->sreg[CPU_ES].selector = RIG_DEVICE >> 4;
    er->cpu->sreg[CPU_DS].base = DATA;
    er->cpu->sreg[CPU_DS].selector = DATA >> 4;
    load_handlers(er->rig);
    er->hook = every_seventh;
}

/* A way to run a guest. */
struct way {
    u32 window;
    bool regions;
    u64 horizon; /* 0: none */
};

static void run_with(const u8 *code, u32 size, const struct way *way, bool out_at, struct outcome *outcome)
{
    void *state = NULL;

    engine_setup(&state);
    struct engine_rig *er = state;
    rig_code(er->rig, code, size);
    load_machine(er);
    er->out_at = out_at;
    cluster_engine_set_window(er->engine, way->window);
    if (way->regions)
        engine_use_regions(er);
    cluster_engine_set_horizon(er->engine, way->horizon);
    engine_run_guest(er, LIMIT);
    *outcome = (struct outcome){
        .stream = er->stream,
        .memory = hash64(er->rig->ram, RIG_RAM_BYTES),
        .accesses = er->accesses,
        .delivered = er->delivered,
        .exits = er->exits,
        .cpu = *er->cpu,
        .stats = engine_stats(er),
    };
    engine_teardown(&state);
}

static void assert_same_cpu(const struct cpu_state *a, const struct cpu_state *b)
{
    assert_memory_equal(a->reg, b->reg, sizeof a->reg);
    assert_int_equal(a->eip, b->eip);
    assert_int_equal(a->eflags, b->eflags);
    assert_int_equal(a->interrupt_shadow, b->interrupt_shadow);
    for (u32 i = 0; i < CPU_SREGS; i++) {
        assert_int_equal(a->sreg[i].selector, b->sreg[i].selector);
        assert_int_equal(a->sreg[i].base, b->sreg[i].base);
    }
}

/* Every run of a cluster is left for one reason; how often regions were gone on with is not counted. */
static void assert_left_as_often_as_run(const struct cluster_stats *stats)
{
    u64 left = 0;

    for (u32 k = 0; k < LEAVE_REASONS; k++)
        left += stats->leave[k];
    assert_int_equal(left, stats->runs);
}

/* Runs the code without clusters and in several ways, with both positions of OUT. Returns the exits
 * avoided. */
static u64 assert_equal_in_all_ways(const u8 *code, u32 size)
{
    static const struct way none = {0},
                            ways[] = {
                                {.window = 2},    {.window = 3},
                                {.window = 16},   {.window = CLUSTER_MAX_INSNS},
                                {.regions = true}, {.regions = true, .horizon = 7},
                            };
    struct outcome off, on;
    u64 avoided = 0;

    run_with(code, size, &none, false, &off);
    assert_int_equal(off.stats.runs, 0);
    for (size_t i = 0; i < 2 * ARRAY_LEN(ways); i++) {
        run_with(code, size, &ways[i / 2], i & 1, &on);
        assert_int_equal(on.accesses, off.accesses);
        assert_int_equal(on.delivered, off.delivered);
        assert_true(on.stream == off.stream);
        assert_true(on.memory == off.memory);
        assert_same_cpu(&on.cpu, &off.cpu);
        assert_int_equal(on.exits + on.stats.exits_avoided, off.exits);
        if (!ways[i / 2].regions)
            assert_left_as_often_as_run(&on.stats);
        avoided += on.stats.exits_avoided;
    }
    return avoided;
}

#define CODE(...) (const u8[]){__VA_ARGS__}, sizeof((const u8[]){__VA_ARGS__})

/* mov cx, 200; 1: out 80h, al; in al, 60h; stosb; lodsb; inc ax; loop 1b; cli; hlt */
static void plain_loop(void **state)
{
    (void)state;
    assert_true(assert_equal_in_all_ways(CODE(0xb9, 200, 0, 0xe6, 0x80, 0xe4, 0x60, 0xaa, 0xac, 0x40,
                                                  0xe2, 0xf7, 0xfa, 0xf4)) > 1000);
}

/* The same with interrupts on, and off for the half of the loop:
 * sti; mov cx, 200; 1: cli; out 80h, al; in al, 60h; sti; stosb; stosb; out 81h, al; loop 1b; cli; hlt */
static void interrupts(void **state)
{
    (void)state;
    assert_true(assert_equal_in_all_ways(CODE(0xfb, 0xb9, 200, 0, 0xfa, 0xe6, 0x80, 0xe4, 0x60, 0xfb,
                                                  0xaa, 0xaa, 0xe6, 0x81, 0xe2, 0xf4, 0xfa, 0xf4)) > 500);
}

/* sti; mov dx, 50; 1: mov cx, 9; rep stosb; out 80h, al; hlt; dec dx; jnz 1b; cli; hlt */
static void repeat_and_halt(void **state)
{
    (void)state;
    assert_true(assert_equal_in_all_ways(CODE(0xfb, 0xba, 50, 0, 0xb9, 9, 0, 0xf3, 0xaa, 0xe6, 0x80, 0xf4,
                                                  0x4a, 0x75, 0xf5, 0xfa, 0xf4)) > 500);
}

/* The operand of the third instruction changes each time round:
 * mov cx, 50; 1: out 80h, al; inc byte cs:[1008h]; out 0, al; out 81h, al; loop 1b; cli; hlt */
static void self_modifying(void **state)
{
    (void)state;
    assert_equal_in_all_ways(CODE(0xb9, 50, 0, 0xe6, 0x80, 0x2e, 0xfe, 0x06, 0x0b, 0x10, 0xe6, 0, 0xe6,
                                      0x81, 0xe2, 0xf3, 0xfa, 0xf4));
}

/* --- random guests --- */

static u32 random_next(u64 *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return (u32)(*seed >> 32);
}

/* What the random guests are made of: whole instructions, which keep DS, ES and SP in place. */
struct part {
    u8 n;
    u8 byte[6];
};

#define PART(...)                                                                                            \
    {                                                                                                        \
        .n = sizeof((const u8[]){__VA_ARGS__}), .byte = { __VA_ARGS__ }                                      \
    }

static const struct part parts[] = {
    PART(0xe6, 0x80),                      /* out 80h, al */
    PART(0xe7, 0x42),                      /* out 42h, ax */
    PART(0xe4, 0x60),                      /* in al, 60h */
    PART(0xed),                            /* in ax, dx */
    PART(0xee),                            /* out dx, al */
    PART(0x66, 0xef),                      /* out dx, eax */
    PART(0xaa),                            /* stosb */
    PART(0xab),                            /* stosw */
    PART(0xac),                            /* lodsb */
    PART(0x26, 0x88, 0x07),                /* mov es:[bx], al */
    PART(0x26, 0x8a, 0x07),                /* mov al, es:[bx] */
    PART(0x26, 0x08, 0x07),                /* or es:[bx], al */
    PART(0x26, 0xfe, 0x07),                /* inc byte es:[bx] */
    PART(0x26, 0x86, 0x07),                /* xchg es:[bx], al */
    PART(0x66, 0x26, 0x89, 0x47, 0x7f),    /* mov es:[bx+7fh], eax */
    PART(0x26, 0xff, 0x37),                /* push word es:[bx] */
    PART(0x26, 0x8f, 0x07),                /* pop word es:[bx] */
    PART(0x26, 0xf6, 0x37),                /* div byte es:[bx]: faults often */
    PART(0x88, 0x07),                      /* mov [bx], al */
    PART(0x8a, 0x07),                      /* mov al, [bx] */
    PART(0x00, 0x07),                      /* add [bx], al */
    PART(0xb1, 5, 0x30, 0xed, 0xf3, 0xaa), /* mov cl, 5; xor ch, ch; rep stosb */
    PART(0xb1, 3, 0x30, 0xed, 0xf3, 0xa4), /* ...; rep movsb to the device */
    PART(0x26, 0xa4),                      /* movsb within the device */
    PART(0x6e),                            /* outsb */
    PART(0xae),                            /* scasb */
    PART(0x26, 0xa6),                      /* cmpsb, both in the device */
    PART(0x40),
    PART(0x43),
    PART(0x42), /* inc ax, bx, dx */
    PART(0x01, 0xd8),
    PART(0x29, 0xc3), /* add ax, bx; sub bx, ax */
    PART(0x30, 0xe0),
    PART(0xd1, 0xe0), /* xor al, ah; shl ax, 1 */
    PART(0x50, 0x5a), /* push ax; pop dx */
    PART(0x9c, 0x9d), /* pushf; popf */
    PART(0xfa),
    PART(0xfb),
    PART(0xfb, 0xfa),
    PART(0xfc),                   /* cli; sti; sti, cli; cld */
    PART(0xfb, 0xf4),             /* sti; hlt */
    PART(0x16, 0x17),             /* push ss; pop ss: a shadow */
    PART(0x74, 0x02, 0xe6, 0x81), /* jz over; out 81h, al */
    PART(0x72, 0x01, 0xaa),       /* jc over; stosb */
    PART(0xeb, 0x01, 0xcf),       /* jmp over */
    PART(0xe8, 0x00, 0x00, 0x58), /* call next; pop ax */
    PART(0x27),
    PART(0xd4, 0x0a), /* daa; aam */
    PART(0x0f, 0xa2), /* cpuid: not in clusters */
};

/* mov bp, 12; 1: random parts; dec bp; jz 2f; jmp 1b; 2: cli; hlt */
static u32 random_guest(u64 *seed, u8 *code)
{
    u32 n = 0, count = 3 + random_next(seed) % 40;

    memcpy(code, (const u8[]){0xbd, 12, 0}, 3);
    n = 3;
    for (u32 i = 0; i < count; i++) {
        const struct part *part = &parts[random_next(seed) % ARRAY_LEN(parts)];
        memcpy(code + n, part->byte, part->n);
        n += part->n;
    }
    u16 back = (u16)(3 - (n + 6));
    memcpy(code + n, (const u8[]){0x4d, 0x74, 0x03, 0xe9, (u8)back, (u8)(back >> 8), 0xfa, 0xf4}, 8);
    return n + 8;
}

static void random_guests(void **state)
{
    enum { GUESTS = 100 };
    u64 seed = 0x243f6a8885a308d3, avoided = 0;
    u8 code[512];
    (void)state;

    for (u32 i = 0; i < GUESTS; i++)
        avoided += assert_equal_in_all_ways(code, random_guest(&seed, code));
    assert_true(avoided > 40000);
}

int test_equal(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain_loop),     cmocka_unit_test(interrupts),    cmocka_unit_test(repeat_and_halt),
        cmocka_unit_test(self_modifying), cmocka_unit_test(random_guests),
    };
    return cmocka_run_group_tests_name("equal", tests, NULL, NULL);
}
