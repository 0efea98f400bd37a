/* Equality, and words for what is not equal. */
#include "trio.h"

#include <stdio.h>
#include <string.h>

/* --- registers --- */

/* `pair` NULL: nothing is printed. */
static bool check(bool same, const char *pair, const char *what, u32 a, u32 b)
{
    if (!same && pair)
        printf("  %-10s %s: %x and %x\n", what, pair, a, b);
    return same;
}

#define CHECK(field) same &= check(a->field == b->field, pair, #field, (u32)a->field, (u32)b->field)

static bool same_segment(const char *pair, const char *name, const struct cpu_segment *a, const struct cpu_segment *b)
{
    bool same = true;
    CHECK(selector);
    CHECK(base);
    CHECK(limit);
    CHECK(type);
    CHECK(dpl);
    CHECK(s);
    CHECK(present);
    CHECK(db);
    CHECK(g);
    CHECK(unusable);
    if (!same && pair)
        printf("    of %s\n", name);
    return same;
}

static const char *const reg_name[CPU_REGS] = {"eax", "ecx", "edx", "ebx", "esp", "ebp", "esi", "edi"};
static const char *const sreg_name[CPU_SREGS] = {"es", "cs", "ss", "ds", "fs", "gs"};

/* Every field of the state. */
static bool same_state(const char *pair, const struct cpu_state *a, const struct cpu_state *b)
{
    bool same = true;
    for (u32 i = 0; i < CPU_REGS; i++)
        same &= check(a->reg[i] == b->reg[i], pair, reg_name[i], a->reg[i], b->reg[i]);
    CHECK(eip);
    CHECK(eflags);
    for (u32 i = 0; i < CPU_SREGS; i++)
        same &= same_segment(pair, sreg_name[i], &a->sreg[i], &b->sreg[i]);
    same &= same_segment(pair, "ldtr", &a->ldt, &b->ldt);
    same &= same_segment(pair, "tr", &a->tr, &b->tr);
    CHECK(gdt.base);
    CHECK(gdt.limit);
    CHECK(idt.base);
    CHECK(idt.limit);
    CHECK(cr0);
    CHECK(cr2);
    CHECK(cr3);
    CHECK(cr4);
    CHECK(interrupt_shadow);
    CHECK(halted);
    return same;
}

/* --- device accesses --- */

static void print_access(const char *name, const struct device *d, u32 n)
{
    static const char *const kind[] = {"in", "out", "read", "write"};
    const struct access *a = &d->log[n];
    if (n < d->n)
        printf(" %s %s.%u %x = %x", name, kind[a->kind], a->size, a->addr, a->value);
    else
        printf(" %s none", name);
}

static bool same_accesses(const char *name_a, const struct device *a, const char *name_b, const struct device *b,
                          bool loud)
{
    u32 n = MIN(MAX(a->n, b->n), DEVICE_LOG);
    for (u32 i = 0; i < n; i++) {
        if (i < a->n && i < b->n && !memcmp(&a->log[i], &b->log[i], sizeof a->log[i]))
            continue;
        if (loud) {
            printf("  access %u:", i);
            print_access(name_a, a, i);
            print_access(name_b, b, i);
            printf(" (%u and %u in all)\n", a->n, b->n);
        }
        return false;
    }
    return true;
}

/* --- host code and interpreter --- */

static bool same_counts(const struct cluster *a, const struct cluster *b)
{
    static const char pair[] = "interpreter and host code";
    bool same = true;
    for (u32 i = 0; i < a->n; i++)
        if (!check(a->insn[i].exits_avoided == b->insn[i].exits_avoided, pair, "exits", (u32)a->insn[i].exits_avoided,
                   (u32)b->insn[i].exits_avoided)) {
            printf("    of the instruction at %x\n", a->insn[i].eip);
            same = false;
        }
    return same;
}

bool compare_executors(struct trio *t, const struct cluster *interp_cluster, const struct cluster *host_cluster)
{
    static const char pair[] = "interpreter and host code";
    const struct cluster_stats *a = &t->interp.stats, *b = &t->host.stats;
    bool same = same_state(pair, &t->interp.cpu, &t->host.cpu);
    CHECK(instructions);
    CHECK(exits_avoided);
    if (interp_cluster && host_cluster)
        same &= same_counts(interp_cluster, host_cluster);
    same &= same_accesses("interpreter", &t->interp.dev, "host code", &t->host.dev, true);
    same &= check(t->interp.mem.generation == t->host.mem.generation, pair, "generation", t->interp.mem.generation,
                  t->host.mem.generation);
    return same;
}

/* --- memory --- */

static bool same_page(const struct trio *t, const struct memory *other, const char *name, u32 at, bool loud)
{
    const u8 *theirs = other->plain + at, *ours = t->interp.mem.plain + at;
    u32 i = 0;
    if (!memcmp(theirs, ours, PAGE_BYTES))
        return true;
    while (theirs[i] == ours[i])
        i++;
    if (loud)
        printf("  memory at %x: %s %02x, interpreter %02x, before %02x\n", at + i, name, theirs[i], ours[i],
               t->image[at + i]);
    return false;
}

bool compare_memory(const struct trio *t, const struct memory *other, const char *name, bool loud)
{
    bool same = true;
    for (u32 at = 0; at < RAM_BYTES && same; at += PAGE_BYTES)
        same = same_page(t, other, name, at, loud);
    return same;
}

/* --- KVM --- */

bool compare_kvm(const struct trio *t, u32 undefined, bool loud)
{
    const char *pair = loud ? "KVM and interpreter" : NULL;
    const struct cpu_state *a = &t->kvm.cpu, *b = &t->interp.cpu;
    bool same = true;
    for (u32 i = 0; i < CPU_REGS; i++)
        same &= check(a->reg[i] == b->reg[i], pair, reg_name[i], a->reg[i], b->reg[i]);
    CHECK(eip);
    same &= check(!((a->eflags ^ b->eflags) & ~undefined), pair, "eflags", a->eflags, b->eflags);
    for (u32 i = 0; i < CPU_SREGS; i++) {
        same &= check(a->sreg[i].selector == b->sreg[i].selector, pair, sreg_name[i], a->sreg[i].selector,
                      b->sreg[i].selector);
        CHECK(sreg[i].base);
        CHECK(sreg[i].limit);
        CHECK(sreg[i].db);
    }
    CHECK(cr0);
    same &= same_accesses("KVM", &t->kvm.dev, "interpreter", &t->interp.dev, loud);
    return same & compare_memory(t, &t->kvm.mem, "KVM", loud);
}
