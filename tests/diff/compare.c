/* Equality, and words for what is not equal. */
#include "trio.h"

#include <stdio.h>
#include <string.h>

/* --- registers --- */

static bool check(bool same, const char *pair, const char *what, u32 a, u32 b)
{
    if (!same)
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
    if (!same)
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

/* `more`: `a` may have made more. */
static bool same_accesses(const char *name_a, const struct device *a, const char *name_b, const struct device *b,
                          bool more)
{
    u32 n = MIN(MAX(a->n, b->n), DEVICE_LOG);
    for (u32 i = 0; i < n; i++) {
        if (i < a->n && i < b->n && !memcmp(&a->log[i], &b->log[i], sizeof a->log[i]))
            continue;
        if (more && i >= b->n)
            return true;
        printf("  access %u:", i);
        print_access(name_a, a, i);
        print_access(name_b, b, i);
        printf(" (%u and %u in all)\n", a->n, b->n);
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
    same &= same_accesses("interpreter", &t->interp.dev, "host code", &t->host.dev, false);
    same &= check(t->interp.mem.generation == t->host.mem.generation, pair, "generation", t->interp.mem.generation,
                  t->host.mem.generation);
    return same;
}

/* --- KVM --- */

/* After an exception two things may differ that no cluster ever shows, for a cluster leaves before a faulting instruction
 * and KVM executes it:
 * - an access that KVM made before it found the fault, where the interpreter checks everything first (CMPS, MOVS)
 * - the upper half of ESP, which KVM's real-mode delivery clears and processors keep */
bool compare_kvm(const struct trio *t)
{
    static const char pair[] = "KVM and interpreter";
    const struct cpu_state *a = &t->kvm.cpu, *b = &t->interp.cpu;
    bool same = true;
    for (u32 i = 0; i < CPU_REGS; i++) {
        u32 mask = i == CPU_ESP && t->fault && t->s->mode != MODE_PM32 ? 0xffff : 0xffffffff;
        same &= check(!((a->reg[i] ^ b->reg[i]) & mask), pair, reg_name[i], a->reg[i], b->reg[i]);
    }
    CHECK(eip);
    same &= check(!((a->eflags ^ b->eflags) & ~t->s->undefined), pair, "eflags", a->eflags, b->eflags);
    for (u32 i = 0; i < CPU_SREGS; i++) {
        same &= check(a->sreg[i].selector == b->sreg[i].selector, pair, sreg_name[i], a->sreg[i].selector,
                      b->sreg[i].selector);
        CHECK(sreg[i].base);
        CHECK(sreg[i].limit);
        CHECK(sreg[i].db);
    }
    CHECK(cr0);
    return same & same_accesses("KVM", &t->kvm.dev, "interpreter", &t->interp.dev, t->fault);
}

/* --- memory --- */

static bool is_same(struct trio *t, const u8 *other, const char *name, u32 at)
{
    const u8 *interp = t->interp.mem.plain + at;
    if (!memcmp(other + at, interp, PAGE_BYTES))
        return true;
    u32 i = 0;
    while (other[at + i] == interp[i])
        i++;
    printf("  memory at %x: %s %02x, interpreter %02x, before %02x\n", at + i, name, other[at + i], interp[i],
           t->image[at + i]);
    return false;
}

static bool same_page(struct trio *t, u32 at, bool compare_with_kvm)
{
    bool same = is_same(t, t->host.mem.plain, "host code", at);
    if (compare_with_kvm)
        same &= is_same(t, t->kvm.mem.plain, "KVM", at);
    return same;
}

static void put_back(struct trio *t, u32 at)
{
    memcpy(t->interp.mem.plain + at, t->image + at, PAGE_BYTES);
    memcpy(t->host.mem.plain + at, t->image + at, PAGE_BYTES);
    if (t->kvm.present)
        memcpy(t->kvm.mem.plain + at, t->image + at, PAGE_BYTES);
}

/* Pages of which all copies are what they were are not written. */
static bool same_and_clean(const struct trio *t, u32 at)
{
    const u8 *image = t->image + at;
    return !memcmp(t->interp.mem.plain + at, image, PAGE_BYTES) &&
           !memcmp(t->host.mem.plain + at, image, PAGE_BYTES) &&
           (!t->kvm.present || !memcmp(t->kvm.mem.plain + at, image, PAGE_BYTES));
}

bool trio_memory_same(struct trio *t)
{
    bool same = true;
    for (u32 at = 0; at < RAM_BYTES; at += PAGE_BYTES) {
        if (same_and_clean(t, at))
            continue;
        if (same)
            same = same_page(t, at, t->kvm.present && !t->not_kvm);
        put_back(t, at);
    }
    return same;
}

void trio_restore(struct trio *t)
{
    for (u32 at = 0; at < RAM_BYTES; at += PAGE_BYTES)
        if (!same_and_clean(t, at))
            put_back(t, at);
}
