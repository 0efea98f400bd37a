/* Fixed sequences: each oddity of oddity.c once, so that none can be there without being needed, and what was
 * once wrong. */
#include "fixed.h"

#include <stdio.h>
#include <string.h>

struct fixed_reg {
    u8 reg;
    u32 value;
};

struct fixed {
    const char *name;
    enum mode mode;
    u8 code[20]; /* HLT is put behind it */
    u8 bytes;
    u16 ss, ds, es;          /* 0: as sequence_init() has them */
    struct fixed_reg reg[4]; /* CPU_EAX at 0: no more */
    u32 odd;                 /* bits by enum oddity */
    enum device_event event; /* of the device, at access `at` */
    u32 at;
    u8 executor; /* enum host_config */
};

#define CODE(...) .code = {__VA_ARGS__}, .bytes = sizeof((u8[]){__VA_ARGS__})

static const struct fixed cases[] = {
    {"AAM sets SF from AL", MODE_REAL, CODE(0xb8, 0xb9, 0x00, 0xd4, 0xc5), .odd = BIT(ODDITY_AAM)},
    {"AAD sets SF from AL", MODE_REAL, CODE(0xb8, 0x80, 0x00, 0xd5, 0x0a), .odd = BIT(ODDITY_AAM)},
    {"a frame on a 16-bit stack", MODE_PM32, CODE(0x67, 0x52, 0x31, 0xc9, 0xf7, 0xf1), .ss = SEL_FLAT16,
     .reg = {{CPU_ESP, 0x23464}}, .odd = BIT(ODDITY_FRAME)},
    {"a frame on a 16-bit stack that wraps", MODE_PM16, CODE(0x31, 0xc9, 0xf7, 0xf1),
     .reg = {{CPU_ESP, 0x20004}}, .odd = BIT(ODDITY_FRAME)},
    {"a gate leaves AC alone", MODE_PM32, CODE(0x68, 0x02, 0x00, 0x04, 0x00, 0x9d, 0x31, 0xc9, 0xf7, 0xf1),
     .reg = {{CPU_ESP, 0x23464}}, .odd = BIT(ODDITY_AC)},
    {"an exception keeps ESP's upper half", MODE_REAL, CODE(0x31, 0xc9, 0xf7, 0xf1),
     .reg = {{CPU_ESP, 0x12345678}}, .odd = BIT(ODDITY_ESP)},
    {"a faulting REPE CMPSW has compared", MODE_REAL, CODE(0xf9, 0xf3, 0xa7),
     .reg = {{CPU_ECX, 9}, {CPU_ESI, 0xfffb}, {CPU_EDI, 0xfffb}, {CPU_ESP, 0x4000}},
     .odd = BIT(ODDITY_STRING)},
    {"a faulting REPNE CMPSD has compared 1,024 elements", MODE_REAL, CODE(0xf9, 0x66, 0xf2, 0xa7),
     .ds = 0x9ff0, .reg = {{CPU_ECX, 0x1002}, {CPU_ESI, 0x0fe}, {CPU_EDI, 0xdfe2}, {CPU_ESP, 0x4000}},
     .odd = BIT(ODDITY_STRING) | BIT(ODDITY_READS)},
    {"a faulting PUSHAD has stored nothing", MODE_REAL, CODE(0x66, 0x60),
     .reg = {{CPU_ESP, 0x11}, {CPU_ECX, 0x12345678}}, .odd = BIT(ODDITY_PUSHA)},
    {"a faulting MOVSW has read nothing", MODE_REAL, CODE(0xa5), .ds = 0xa000,
     .reg = {{CPU_EDI, 0xffff}, {CPU_ESP, 0x4000}}, .odd = BIT(ODDITY_READS)},
    {"POPAD skips the slot of ESP at the end of the segment", MODE_REAL, CODE(0x66, 0x61),
     .reg = {{CPU_ESP, 0xfff2}}},
    {"REP STOSW out of the segment", MODE_REAL, CODE(0x67, 0xf3, 0xab), .es = 0x9ff0,
     .reg = {{CPU_ECX, 0xff}, {CPU_EDI, 0xfff6}, {CPU_ESP, 0x4000}}},
    {"REP MOVSB that has read a device completes", MODE_REAL, CODE(0xf3, 0xa4), .ds = 0x9ff0,
     .reg = {{CPU_ECX, 0x120}, {CPU_ESI, 0xfff0}, {CPU_EDI, 0x100}, {CPU_ESP, 0x4000}},
     .event = EVENT_ATTENTION, .at = 3},
    {"a MOV to SS whose own read changes memory leaves its shadow", MODE_REAL,
     CODE(0xb9, 0x05, 0x00, 0x8e, 0x17, 0x90, 0xe2, 0xfb), .ds = 0xa000, .event = EVENT_DMA, .at = 3,
     .executor = HOST_GUARDED_STRESS},
};

static struct cpu_segment segment(const struct fixed *f, u16 selector)
{
    return f->mode == MODE_REAL ? segment_in_real_mode(selector, false) : segment_of_selector(selector);
}

static void make(struct sequence *s, const struct fixed *f)
{
    enum { WHERE = 0x6000, DMA = 0x50000, HLT = 0xf4 };
    sequence_init(s, f->mode);
    s->start.eip = WHERE;
    memcpy(s->code, f->code, f->bytes);
    s->code[f->bytes] = HLT;
    s->code_bytes = f->bytes + 1;
    s->window = s->exiting = 255; /* clusters of all of it */
    s->device = (struct device_plan){.event = f->event, .at = f->at, .dma = DMA, .direct = true};
    s->executor = f->executor;
    if (f->ss)
        s->start.sreg[CPU_SS] = segment(f, f->ss);
    if (f->ds)
        s->start.sreg[CPU_DS] = segment(f, f->ds);
    if (f->es)
        s->start.sreg[CPU_ES] = segment(f, f->es);
    for (u32 i = 0; i < ARRAY_LEN(f->reg) && f->reg[i].reg; i++)
        s->start.reg[f->reg[i].reg] = f->reg[i].value;
    sequence_add_line(s, "  %s\n", f->name);
}

static bool is_right(struct trio *t, const struct fixed *f)
{
    static struct sequence s;
    make(&s, f);
    enum verdict verdict = trio_run(t, &s);
    u32 odd = t->kvm.emulates ? f->odd : 0;
    if (verdict == (t->kvm.present ? TRIO_SAME : TRIO_TWO_SAME) && t->odd == odd)
        return true;
    printf("fixed sequence: %s: verdict %d, oddities %x instead of %x\n", f->name, verdict, t->odd, odd);
    if (verdict == TRIO_DIFFERENT)
        sequence_print(&s);
    return false;
}

bool fixed_cases_pass(struct trio *t)
{
    bool pass = true;
    for (u32 i = 0; i < ARRAY_LEN(cases); i++)
        pass &= is_right(t, &cases[i]);
    t->counts = (struct trio_counts){0};
    return pass;
}
