/* Random registers and segments, mostly such that memory accesses hit RAM or the device window. */
#include "random.h"

/* A data segment in free RAM, or one that reaches into the device window, or beyond 1 MiB. */
static u16 random_selector(struct random *r)
{
    static const u16 special[] = {0xa000, 0x9ff0, 0xb000, 0x9800, 0xf800, 0xffff};
    bool plain = random_below(r, 3);
    u16 selector = plain ? (u16)(0x1000 + random_below(r, 0x7000))
                         : special[random_below(r, r->emulated_cpu ? 4 : ARRAY_LEN(special))];
    return r->emulated_cpu ? selector & ~3u : selector;
}

/* Some code runs out of its segment. */
static u32 start_of_code(struct random *r, u32 span)
{
    return !r->emulated_cpu && random_one_in(r, 30) ? 0xffff - random_below(r, 64) : random_below(r, span);
}

static void start_real(struct random *r)
{
    struct cpu_state *c = &r->s->start;
    u16 rpl = r->emulated_cpu ? ~3u : ~0u;
    for (u32 i = 0; i < CPU_SREGS; i++)
        c->sreg[i] = segment_in_real_mode(random_selector(r), false);
    c->sreg[CPU_SS] = segment_in_real_mode((u16)(0x1000 + random_below(r, 0x7000)) & rpl, false);
    c->sreg[CPU_CS] = segment_in_real_mode((u16)(0x500 + random_below(r, 0x800)) & rpl, true);
    c->eip = start_of_code(r, 0xfb00);
    if (r->emulated_cpu)
        return;
    /* "Unreal" mode. */
    static const u8 data[] = {CPU_ES, CPU_DS, CPU_FS, CPU_GS};
    for (u32 i = 0; i < ARRAY_LEN(data); i++)
        if (random_one_in(r, 12)) {
            c->sreg[data[i]].limit = 0xffffffff;
            c->sreg[data[i]].g = true;
        }
}

/* A data segment register in eight is not flat. */
static void shape_segments(struct random *r)
{
    static const u8 data[] = {CPU_ES, CPU_DS, CPU_FS, CPU_GS};
    static const u16 shaped[] = {SEL_FLAT16, SEL_STACK16, SEL_SMALL, SEL_READ_ONLY, SEL_DOWN16, SEL_DOWN32};
    for (u32 i = 0; i < ARRAY_LEN(data) && !r->emulated_cpu; i++)
        if (random_one_in(r, 8))
            r->s->start.sreg[data[i]] = segment_of_selector(shaped[random_below(r, ARRAY_LEN(shaped))]);
}

static void start_protected(struct random *r)
{
    static const u8 pointer[] = {CPU_EBX, CPU_EBP, CPU_ESI, CPU_EDI, CPU_EAX, CPU_EDX};
    struct cpu_state *c = &r->s->start;
    c->eip = r->s->mode == MODE_PM32 ? 0x5000 + random_below(r, 0x8000) : start_of_code(r, 0x8000);
    for (u32 i = 0; i < ARRAY_LEN(pointer); i++)
        if (random_below(r, 4))
            c->reg[pointer[i]] = random_below(r, 3) ? 0x10000 + random_below(r, 0x80000)
                                                    : 0x9ff80 + random_below(r, 0x20000);
    c->reg[CPU_ESP] = 0x20000 + random_below(r, 0x4000) * 4;
    shape_segments(r);
}

void random_start(struct random *r)
{
    struct cpu_state *c = &r->s->start;
    for (u32 i = 0; i < CPU_REGS; i++)
        c->reg[i] = random_value(r);
    /* REP counts stay small, stack pointers sane. */
    c->reg[CPU_ECX] = random_below(r, 3) ? random_below(r, 40) : c->reg[CPU_ECX] & 0xff;
    c->eflags = FLAG_FIXED | ((u32)random_next(r) & (FLAGS_ARITH | FLAG_DF));
    if (r->flow && random_below(r, 2))
        c->eflags |= FLAG_IF;
    r->s->a20 = r->emulated_cpu || random_below(r, 5);
    if (r->s->mode == MODE_REAL)
        start_real(r);
    else
        start_protected(r);
}
