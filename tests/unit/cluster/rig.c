/* The fake world of the interpreter's unit tests. */
#include "rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { PAGES = 1 << 20, PAGE_SHIFT = 12 };

static void note(struct rig *rig, char kind, u32 address, u8 size, u32 value)
{
    if (rig->logged < RIG_LOG_MAX)
        rig->log[rig->logged] = (struct rig_access){kind, size, address, value};
    rig->logged++;
    if (rig->raise_after && rig->logged == rig->raise_after)
        rig->intr = true;
}

static u32 port_in(void *opaque, u16 port, u8 size)
{
    struct rig *rig = opaque;
    u32 value = RIG_PORT_VALUE + rig->port_reads++;

    note(rig, 'i', port, size, value);
    return value;
}

static void port_out(void *opaque, u16 port, u8 size, u32 value)
{
    note(opaque, 'o', port, size, value);
}

static u32 mmio_read(void *opaque, u32 gpa, u8 size)
{
    u32 value = 0;

    for (u32 i = 0; i < size; i++)
        value |= (u32)(u8)(gpa + i) << 8 * i;
    note(opaque, 'r', gpa, size, value);
    return value;
}

static void mmio_write(void *opaque, u32 gpa, u8 size, u32 value)
{
    note(opaque, 'w', gpa, size, value);
}

static void cpuid(void *opaque, u32 leaf, u32 subleaf, u32 out[4])
{
    (void)opaque;
    out[0] = leaf + 1;
    out[1] = 0xb;
    out[2] = subleaf + 2;
    out[3] = 0xd;
}

void *rig_x87_state(void *opaque, bool write)
{
    struct rig *rig = opaque;

    rig->x87_written |= write;
    return &rig->x87;
}

static void init_pages(struct rig *rig)
{
    memset(rig->page_kind, ENV_PAGE_RAM, RIG_RAM_BYTES >> PAGE_SHIFT);
    for (u32 at = RIG_DEVICE; at < RIG_DEVICE_END; at += 1 << PAGE_SHIFT)
        rig->page_kind[at >> PAGE_SHIFT] = ENV_PAGE_DEVICE;
    for (u32 at = RIG_ROM; at < RIG_RAM_BYTES; at += 1 << PAGE_SHIFT)
        rig->page_kind[at >> PAGE_SHIFT] = ENV_PAGE_ROM;
}

static void init_cpu(struct cpu_state *cpu)
{
    for (u32 i = 0; i < CPU_SREGS; i++)
        cpu->sreg[i] = (struct cpu_segment){.limit = 0xffff, .type = 3, .s = true, .present = true};
    cpu->eip = RIG_CODE;
    cpu->reg[CPU_ESP] = RIG_STACK;
    cpu->eflags = FLAG_FIXED;
    cpu->idt.limit = 0x3ff;
    cpu->cr0 = CR0_ET;
    cpu->ldt.unusable = true;
}

int rig_setup(void **state)
{
    struct rig *rig = calloc(1, sizeof(*rig));

    assert_non_null(rig);
    rig->ram = calloc(1, RIG_RAM_BYTES);
    rig->page_kind = calloc(1, PAGES);
    assert_non_null(rig->ram);
    assert_non_null(rig->page_kind);
    init_pages(rig);
    rig->env = (struct cluster_env){
        .opaque = rig,
        .view = rig->ram,
        .page_kind = rig->page_kind,
        .port_in = port_in,
        .port_out = port_out,
        .mmio_read = mmio_read,
        .mmio_write = mmio_write,
        .cpuid = cpuid,
        .intr = &rig->intr,
        .attention = &rig->attention,
        .requests = &rig->requests,
        .generation = &rig->generation,
    };
    assert_int_equal(interp_init(&rig->interp, &rig->env), 0);
    init_cpu(&rig->cpu);
    *state = rig;
    return 0;
}

int rig_teardown(void **state)
{
    struct rig *rig = *state;

    interp_fini(&rig->interp);
    free(rig->ram);
    free(rig->page_kind);
    free(rig);
    return 0;
}

void rig_code(struct rig *rig, const u8 *bytes, u32 size)
{
    memcpy(rig->ram + RIG_CODE, bytes, size);
    rig->cpu.eip = RIG_CODE;
}

void rig_step(struct rig *rig, enum interp_result expected)
{
    assert_int_equal(interp_step(&rig->interp, &rig->cpu), expected);
}

void rig_fault(struct rig *rig, u8 vector, bool has_error, u32 error)
{
    struct cpu_state before = rig->cpu;
    u8 *memory = malloc(RIG_RAM_BYTES);
    u32 logged = rig->logged;

    assert_non_null(memory);
    memcpy(memory, rig->ram, RIG_RAM_BYTES);
    rig_step(rig, INTERP_FAULT);
    assert_int_equal(rig->interp.fault_vector, vector);
    assert_int_equal(rig->interp.fault_has_error, has_error);
    if (has_error)
        assert_int_equal(rig->interp.fault_error, error);
    assert_memory_equal(&rig->cpu, &before, sizeof(before));
    assert_memory_equal(rig->ram, memory, RIG_RAM_BYTES);
    assert_int_equal(rig->logged, logged);
    free(memory);
}

void rig_assert_access(const struct rig *rig, u32 n, char kind, u32 address, u8 size, u32 value)
{
    assert_true(n < rig->logged);
    assert_int_equal(rig->log[n].kind, kind);
    assert_int_equal(rig->log[n].address, address);
    assert_int_equal(rig->log[n].size, size);
    assert_int_equal(rig->log[n].value, value);
}

void rig_put(struct rig *rig, u32 address, u8 size, u32 value)
{
    memcpy(rig->ram + address, &value, size);
}

u32 rig_get(const struct rig *rig, u32 address, u8 size)
{
    u32 value = 0;

    memcpy(&value, rig->ram + address, size);
    return value;
}

void rig_descriptor(struct rig *rig, u32 at, u32 base, u32 limit, u8 access, u8 flags)
{
    rig_put(rig, at, 4, (limit & 0xffff) | base << 16);
    rig_put(rig, at + 4, 4,
            (base >> 16 & 0xff) | (u32)access << 8 | (limit & 0xf0000) | (u32)flags << 20 |
                (base & 0xff000000));
}

void rig_gate(struct rig *rig, u32 at, u16 selector, u32 offset, u8 access)
{
    rig_put(rig, at, 4, (offset & 0xffff) | (u32)selector << 16);
    rig_put(rig, at + 4, 4, (u32)access << 8 | (offset & 0xffff0000));
}

enum { FLAT = 0xfffff, G = 8, D = 4 };

static void init_gdt(struct rig *rig)
{
    rig_descriptor(rig, RIG_GDT + SEL_CODE32, 0, FLAT, 0x9b, G | D);
    rig_descriptor(rig, RIG_GDT + SEL_DATA32, 0, FLAT, 0x92, G | D);
    rig_descriptor(rig, RIG_GDT + SEL_CODE16, 0, 0xffff, 0x9b, 0);
    rig_descriptor(rig, RIG_GDT + SEL_DATA16, 0, 0xffff, 0x92, 0);
    rig_descriptor(rig, RIG_GDT + SEL_READ_ONLY, 0, 0xffff, 0x91, 0);
    rig_descriptor(rig, RIG_GDT + SEL_ABSENT, 0, 0xffff, 0x12, 0);
    rig_descriptor(rig, RIG_GDT + SEL_DOWN, 0, 0xfff, 0x97, D);
    rig_descriptor(rig, RIG_GDT + SEL_RING3, 0, 0xffff, 0xf3, 0);
    rig_gate(rig, RIG_GDT + SEL_CALL_GATE, SEL_CODE32, 0x5678, 0x8c);
    rig_descriptor(rig, RIG_GDT + SEL_LDT, RIG_LDT, 0xff, 0x82, 0);
    rig_descriptor(rig, RIG_GDT + SEL_TSS, 0x5000, 0x67, 0x89, 0);
    rig_descriptor(rig, RIG_GDT + SEL_EXECUTE, 0, 0xffff, 0x99, 0);
    rig_descriptor(rig, RIG_GDT + SEL_SMALL, 0x1000, 0xfff, 0x9b, D);
}

void rig_protected(struct rig *rig, bool code32)
{
    struct cpu_state *cpu = &rig->cpu;

    init_gdt(rig);
    cpu->gdt = (struct cpu_table){.base = RIG_GDT, .limit = SEL_COUNT * 8 - 1};
    cpu->idt = (struct cpu_table){.base = RIG_IDT, .limit = 0x7ff};
    cpu->cr0 |= CR0_PE;
    for (u32 i = 0; i < CPU_SREGS; i++)
        cpu->sreg[i] = (struct cpu_segment){.selector = code32 ? SEL_DATA32 : SEL_DATA16,
                                            .limit = code32 ? 0xffffffff : 0xffff,
                                            .type = 3,
                                            .s = true,
                                            .present = true,
                                            .db = code32,
                                            .g = code32};
    cpu->sreg[CPU_CS].selector = code32 ? SEL_CODE32 : SEL_CODE16;
    cpu->sreg[CPU_CS].type = 0xb;
}
