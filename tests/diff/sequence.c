/* Segments, tables and the printed form of a sequence. */
#include "sequence.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* What the descriptors say. */
struct shape {
    u32 base;
    u32 limit; /* in units of 4 KiB if G is set */
    u8 access, flags;
};

enum { SEGMENT_G = 8, SEGMENT_D = 4, IDT_GATES = INTR_VECTOR + 1 };

static const struct shape shapes[SEL_END / 8] = {
    [SEL_CODE32 / 8] = {0, 0xfffff, 0x9b, SEGMENT_G | SEGMENT_D},
    [SEL_DATA / 8] = {0, 0xfffff, 0x93, SEGMENT_G | SEGMENT_D},
    [SEL_CODE16 / 8] = {CODE16_BASE, 0xffff, 0x9b, 0},
    [SEL_STACK16 / 8] = {STACK16_BASE, 0xffff, 0x93, 0},
    [SEL_HANDLER / 8] = {0, 0xfffff, 0x9b, SEGMENT_G | SEGMENT_D},
    [SEL_FLAT16 / 8] = {0, 0xfffff, 0x93, SEGMENT_G},
    [SEL_READ_ONLY / 8] = {0, 0xfffff, 0x91, SEGMENT_G | SEGMENT_D},
    [SEL_SMALL / 8] = {SMALL_BASE, 0xfff, 0x93, SEGMENT_D},
    [SEL_DOWN16 / 8] = {DOWN_BASE, 0x7fff, 0x97, 0},
    [SEL_DOWN32 / 8] = {DOWN_BASE, 0x7fff, 0x97, SEGMENT_D},
};

struct cpu_segment segment_of_selector(u16 selector)
{
    const struct shape *shape = &shapes[selector / 8];
    bool g = shape->flags & SEGMENT_G;
    return (struct cpu_segment){
        .base = shape->base,
        .limit = g ? shape->limit << 12 | 0xfff : shape->limit,
        .selector = selector,
        .type = shape->access & 15,
        .s = true,
        .present = true,
        .db = shape->flags & SEGMENT_D,
        .g = g,
    };
}

struct cpu_segment segment_in_real_mode(u16 selector, bool code)
{
    return (struct cpu_segment){.base = (u32)selector << 4, .limit = 0xffff, .selector = selector,
                                .type = code ? 11 : 3, .s = true, .present = true};
}

static u64 descriptor(const struct shape *s)
{
    return (s->limit & 0xffff) | (u64)(s->base & 0xffffff) << 16 | (u64)s->access << 40 |
           (u64)((s->limit >> 16) & 15) << 48 | (u64)s->flags << 52 | (u64)(s->base >> 24) << 56;
}

void image_tables(u8 *ram)
{
    static const u8 handler16[] = {0xe6, 0x80, 0xcf}, handler32[] = {0xe6, 0x80, 0xcf};
    u32 *ivt = (u32 *)ram;
    u64 *gdt = (u64 *)(ram + GDT), *idt = (u64 *)(ram + IDT);
    for (u32 i = 0; i < 256; i++) {
        ivt[i] = IVT_HANDLERS + i;
        ram[IVT_HANDLERS + i] = 0xf4;
    }
    ivt[INTR_VECTOR] = INTR_HANDLER;
    memcpy(ram + INTR_HANDLER, handler16, sizeof handler16);
    memcpy(ram + INTR_HANDLER32, handler32, sizeof handler32);
    gdt[0] = 0;
    for (u32 i = 1; i < ARRAY_LEN(shapes); i++)
        gdt[i] = descriptor(&shapes[i]);
    for (u32 i = 0; i < IDT_GATES; i++)
        idt[i] = (u64)SEL_HANDLER << 16 | 0x8e0000000000ull |
                 (i == INTR_VECTOR ? (u32)INTR_HANDLER32 : IVT_HANDLERS + i);
}

static void cpu_start(struct cpu_state *cpu)
{
    *cpu = (struct cpu_state){.eflags = FLAG_FIXED, .cr0 = CR0_ET, .idt = {0, 0x3ff}};
    cpu->ldt = (struct cpu_segment){.type = 2, .present = true, .limit = 0xffff};
    cpu->tr = (struct cpu_segment){.type = 11, .present = true, .limit = 0xffff};
}

void sequence_init(struct sequence *s, enum mode mode)
{
    struct cpu_state *cpu = &s->start;
    s->mode = mode;
    s->a20 = true;
    s->code_bytes = 0;
    s->listing[0] = '\0';
    s->device = (struct device_plan){0};
    cpu_start(cpu);
    if (mode == MODE_REAL) {
        for (u32 i = 0; i < CPU_SREGS; i++)
            cpu->sreg[i] = segment_in_real_mode(0x1000, i == CPU_CS);
        return;
    }
    cpu->cr0 |= CR0_PE;
    cpu->gdt = (struct cpu_table){GDT, SEL_END - 1};
    cpu->idt = (struct cpu_table){IDT, IDT_GATES * 8 - 1};
    for (u32 i = 0; i < CPU_SREGS; i++)
        cpu->sreg[i] = segment_of_selector(SEL_DATA);
    cpu->sreg[CPU_CS] = segment_of_selector(mode == MODE_PM32 ? SEL_CODE32 : SEL_CODE16);
    if (mode == MODE_PM16)
        cpu->sreg[CPU_SS] = segment_of_selector(SEL_STACK16);
}

linear_t sequence_linear(const struct sequence *s, u32 i)
{
    u32 offset = s->start.eip + i;
    return s->start.sreg[CPU_CS].base + (s->mode == MODE_PM32 ? offset : offset & 0xffff);
}

void sequence_add_line(struct sequence *s, const char *format, ...)
{
    size_t used = strlen(s->listing);
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(s->listing + used, sizeof s->listing - used, format, arguments);
    va_end(arguments);
}

void sequence_print(const struct sequence *s)
{
    static const char *const mode[] = {"real mode", "32-bit protected mode", "16-bit protected mode"};
    static const char *const event[EVENTS] = {"", "intr", "attention", "request", "DMA", "A20", "window"};
    const struct cpu_state *c = &s->start;
    printf("seed %llu, %s%s, clusters of %u, exits known %u/256, executor %u%s\n", (unsigned long long)s->seed,
           mode[s->mode], s->a20 ? "" : ", A20 off", s->window, s->exiting, s->executor,
           s->device.direct ? ", direct devices" : "");
    if (s->device.event)
        printf("  %s at access %u (%x)\n", event[s->device.event], s->device.at, s->device.dma);
    printf("%s", s->listing);
    printf("  eax %08x ecx %08x edx %08x ebx %08x esp %08x ebp %08x esi %08x edi %08x\n", c->reg[0], c->reg[1],
           c->reg[2], c->reg[3], c->reg[4], c->reg[5], c->reg[6], c->reg[7]);
    printf("  cs:eip %04x:%x flags %x es %04x ss %04x ds %04x fs %04x gs %04x, limits %x %x %x %x %x\n  bytes",
           c->sreg[CPU_CS].selector, c->eip, c->eflags, c->sreg[CPU_ES].selector, c->sreg[CPU_SS].selector,
           c->sreg[CPU_DS].selector, c->sreg[CPU_FS].selector, c->sreg[CPU_GS].selector, c->sreg[CPU_ES].limit,
           c->sreg[CPU_SS].limit, c->sreg[CPU_DS].limit, c->sreg[CPU_FS].limit, c->sreg[CPU_GS].limit);
    for (u32 i = 0; i < s->code_bytes; i++)
        printf(" %02x", s->code[i]);
    printf("\n");
}
