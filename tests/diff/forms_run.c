/* One case on the three sides. Host code and interpreter run the same cluster and must agree on everything
 * where it is left; KVM runs on to a HLT, and so does the interpreter then. */
#include "forms.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/time.h>

enum { WINDOW = 3, HLT = 0xf4, CPU_EXCEPTIONS = 32, PATIENCE_US = 300000 /* of processor time */ };

/* --- memory --- */

static void put(struct memory *mem, const struct form_case *c)
{
    linear_t code = cpu_rip_linear(&c->start);
    for (u32 i = 0; i < c->n_patches; i++)
        memcpy(mem->plain + c->patch[i].at, c->patch[i].bytes, c->patch[i].n);
    memcpy(mem->plain + code, c->code, sizeof c->code);
}

/* The pages that are not as they were: bit i is page i of the case. */
static u64 dirty_pages(const struct trio *t, const struct memory *mem, const struct form_case *c)
{
    u64 dirty = 0;
    for (u32 i = 0; i < c->n_pages; i++)
        if (memcmp(mem->plain + c->page[i], t->image + c->page[i], PAGE_BYTES))
            dirty |= 1ull << i;
    return dirty;
}

static void put_back(const struct trio *t, struct memory *mem, const struct form_case *c, u64 dirty)
{
    for (; dirty; dirty &= dirty - 1) {
        u32 page = c->page[__builtin_ctzll(dirty)];
        memcpy(mem->plain + page, t->image + page, PAGE_BYTES);
    }
}

static bool same_page(const struct trio *t, const struct memory *other, const char *name, u32 page)
{
    const u8 *a = t->interp.mem.plain + page, *b = other->plain + page;
    if (!memcmp(a, b, PAGE_BYTES))
        return true;
    u32 i = 0;
    while (a[i] == b[i])
        i++;
    printf("  memory at %x: interpreter %02x, %s %02x, before %02x\n", page + i, a[i], name, b[i],
           t->image[page + i]);
    return false;
}

static bool same_memory(const struct trio *t, const struct memory *other, const char *name,
                        const struct form_case *c, u64 dirty)
{
    for (; dirty; dirty &= dirty - 1)
        if (!same_page(t, other, name, c->page[__builtin_ctzll(dirty)]))
            return false;
    return true;
}

static bool is_clean(const struct trio *t, struct memory *mem, const char *name)
{
    bool clean = true;
    for (u32 page = 0; page < RAM_BYTES; page += PAGE_BYTES) {
        u32 i = 0;
        if (!memcmp(mem->plain + page, t->image + page, PAGE_BYTES))
            continue;
        while (mem->plain[page + i] == t->image[page + i])
            i++;
        printf("  %s: a stray store at %x\n", name, page + i);
        memcpy(mem->plain + page, t->image + page, PAGE_BYTES);
        clean = false;
    }
    return clean;
}

bool forms_memory_clean(struct trio *t)
{
    bool clean = is_clean(t, &t->interp.mem, "interpreter");
    clean &= is_clean(t, &t->host.mem, "host code");
    return clean & (!t->kvm.present || is_clean(t, &t->kvm.mem, "KVM"));
}

/* --- host code and interpreter --- */

static void prepare(struct executor *x, const struct form_case *c, u32 config, bool first)
{
    if (first)
        executor_begin(x, config);
    put(&x->mem, c);
    device_begin(&x->dev, &c->device);
    x->cpu = c->start;
    x->stats = (struct cluster_stats){0};
}

/* An indirect jump or a return leads nowhere that could be seen: it is in a cluster if it exits itself, in a
 * region always. */
static void make_heat(struct trio *t, const struct form *form, const struct form_case *c, u32 config)
{
    if (t->heat.used)
        heat_clear(&t->heat);
    if (form->insn.flow == FLOW_INDIRECT && config != HOST_REGIONS)
        heat_bump(&t->heat, cpu_rip_linear(&c->start), false);
}

static bool differ(enum cluster_leave interp, enum cluster_leave host)
{
    if (interp != host)
        printf("  interpreter: %s; host code: %s\n",
               interp == LEAVE_REASONS ? "no end" : cluster_leave_reason[interp].text,
               host == LEAVE_REASONS ? "not translated" : cluster_leave_reason[host].text);
    return interp != host;
}

static enum form_verdict run_pair(struct trio *t, const struct form_case *c, u32 config,
                                  struct form_outcome *result, u64 *dirty, enum cluster_leave *leave)
{
    struct cluster *a = executor_cluster(&t->interp, &t->heat, WINDOW);
    struct cluster *b = executor_cluster(&t->host, &t->heat, WINDOW);
    struct jit_stats before, after;
    if (!a && !b)
        return FORM_NO_CLUSTER;
    if (!a || !b) {
        printf("  a cluster was formed on one side only\n");
        return FORM_DIFFERENT;
    }
    jit_stats(t->host.jit[config], &before);
    *leave = executor_run_limited(&t->interp, a);
    if (*leave == LEAVE_REASONS) /* a loop, and host code has no limit */
        return FORM_UNSUPPORTED;
    enum cluster_leave other = executor_run(&t->host, b);
    jit_stats(t->host.jit[config], &after);
    result->native = after.interpreted == before.interpreted + t->interp.cpu.halted; /* HLT is always */
    bool same = compare_executors(t, a, b);
    *dirty = dirty_pages(t, &t->interp.mem, c) | dirty_pages(t, &t->host.mem, c);
    same &= same_memory(t, &t->host.mem, "host code", c, *dirty);
    if (differ(*leave, other) || !same)
        return FORM_DIFFERENT;
    return *leave == LEAVE_unsupported ? FORM_UNSUPPORTED : FORM_SAME;
}

/* --- KVM --- */

/* Goes on to where KVM ends as well: a HLT. Not so if a device said where to go. */
static bool finish(struct trio *t)
{
    struct executor *x = &t->interp;
    linear_t at = cpu_rip_linear(&x->cpu);
    if (x->cpu.halted)
        return true;
    if (memory_kind(&x->mem, at) != PAGE_RAM || x->mem.view[at] != HLT)
        return false;
    return interp_step(&x->interp, &x->cpu) == INTERP_DONE && x->cpu.halted;
}

#define CHECK(field)                                                                                         \
    do {                                                                                                     \
        if (a->field != b->field) {                                                                          \
            printf("  %-10s KVM and interpreter: %x and %x\n", #field, (u32)a->field, (u32)b->field);        \
            same = false;                                                                                    \
        }                                                                                                    \
    } while (0)

static bool same_registers(const struct trio *t, u32 undefined)
{
    const struct cpu_state *a = &t->kvm.cpu, *b = &t->interp.cpu;
    bool same = true;
    for (u32 i = 0; i < CPU_REGS; i++)
        CHECK(reg[i]);
    CHECK(eip);
    if ((a->eflags ^ b->eflags) & ~undefined) {
        printf("  eflags     KVM and interpreter: %x and %x\n", a->eflags, b->eflags);
        same = false;
    }
    for (u32 i = 0; i < CPU_SREGS; i++) {
        CHECK(sreg[i].selector);
        CHECK(sreg[i].base);
        CHECK(sreg[i].limit);
        CHECK(sreg[i].db);
    }
    CHECK(cr0);
    return same;
}

static bool same_accesses(const struct device *a, const struct device *b)
{
    u32 n = MIN(MAX(a->n, b->n), DEVICE_LOG);
    for (u32 i = 0; i < n; i++)
        if (i >= a->n || i >= b->n || memcmp(&a->log[i], &b->log[i], sizeof a->log[i])) {
            printf("  access %u (KVM %u, interpreter %u in all): %x = %x and %x = %x\n", i, a->n, b->n,
                   a->log[i].addr, a->log[i].value, b->log[i].addr, b->log[i].value);
            return false;
        }
    return true;
}

static u32 undefined_flags(const struct form *form)
{
    const struct insn *insn = &form->insn;
    u32 undefined = insn->zydis.cpu_flags ? insn->zydis.cpu_flags->undefined & FLAGS_ARITH : 0;
    /* NOTE: KVM's emulator sets them from AX instead of AL. */
    if (insn->zydis.mnemonic == ZYDIS_MNEMONIC_AAM || insn->zydis.mnemonic == ZYDIS_MNEMONIC_AAD)
        undefined |= FLAG_SF | FLAG_ZF | FLAG_PF;
    return undefined;
}

/* The result, not only the flags, is undefined: BSWAP of 16 bits; SHLD and SHRD of 16 bits by more than
 * those. */
static bool is_undefined(const struct form *form, const struct form_case *c)
{
    const struct insn *insn = &form->insn;
    const ZydisDecodedOperand *count = &insn->operand[2];
    if (insn->op_size != 2)
        return false;
    switch (insn->zydis.mnemonic) {
    case ZYDIS_MNEMONIC_BSWAP:
        return true;
    case ZYDIS_MNEMONIC_SHLD:
    case ZYDIS_MNEMONIC_SHRD:
        return ((count->type == ZYDIS_OPERAND_TYPE_IMMEDIATE ? count->imm.value.u : c->start.reg[CPU_ECX]) &
                31) > 16;
    default:
        return false;
    }
}

/* The handler of every exception is a HLT. What is left behind on the way to it is compared by kvm_diff,
 * which knows the ways of KVM's emulator; a cluster leaves before an instruction that faults. */
static bool same_exception(const struct trio *t, const struct form_case *c)
{
    u32 vector = cpu_rip_linear(&t->kvm.cpu) - 1 - IVT_HANDLERS;
    if (vector == t->interp.interp.fault_vector || (c->any_exception && vector < CPU_EXCEPTIONS))
        return true;
    printf("  interpreter: exception %u; KVM: %s%u\n", t->interp.interp.fault_vector,
           vector < CPU_EXCEPTIONS ? "exception " : "none, ", vector);
    return false;
}

static bool same_end(const struct trio *t, const struct form *form, const struct form_case *c, u64 dirty)
{
    bool same = same_registers(t, undefined_flags(form));
    same &= same_accesses(&t->kvm.dev, &t->interp.dev);
    return same & same_memory(t, &t->kvm.mem, "KVM", c, dirty);
}

/* The guest may run for ever where it did not go as the interpreter did. A signal handler has no argument of
 * ours. */
static struct kvm_side *volatile kvm_in_signal;
static volatile sig_atomic_t kvm_was_late;

static void on_alarm(int signal)
{
    (void)signal;
    kvm_was_late = 1;
    if (kvm_in_signal)
        vcpu_kick(&kvm_in_signal->vcpu);
}

static bool ends(struct kvm_side *kvm, const struct form_case *c)
{
    struct itimerval patience = {.it_value.tv_usec = PATIENCE_US, .it_interval.tv_usec = PATIENCE_US},
                     none = {0};
    kvm_was_late = 0;
    kvm_in_signal = kvm;
    signal(SIGPROF, on_alarm);
    setitimer(ITIMER_PROF, &patience, NULL);
    bool ended = kvm_side_run(kvm, &c->start);
    setitimer(ITIMER_PROF, &none, NULL);
    kvm_in_signal = NULL;
    return ended;
}

/* False: they differ. */
static bool run_kvm(struct trio *t, const struct form *form, const struct form_case *c,
                    struct form_outcome *result, u64 dirty)
{
    put(&t->kvm.mem, c);
    device_begin(&t->kvm.dev, &c->device);
    bool same = true;
    result->by_kvm = ends(&t->kvm, c);
    if (kvm_was_late) {
        vcpu_get_state(&t->kvm.vcpu, &t->kvm.cpu);
        printf("  KVM did not come to an end: it is at %x\n", cpu_rip_linear(&t->kvm.cpu));
        same = false;
    }
    u64 by_kvm = dirty_pages(t, &t->kvm.mem, c);
    if (result->by_kvm)
        same = result->fault ? same_exception(t, c) : same_end(t, form, c, dirty | by_kvm);
    put_back(t, &t->kvm.mem, c, by_kvm);
    return same;
}

/* --- a case --- */

/* KVM's emulator does some of what only regions hold in its own way: of a far call with the stack on a device
 * it loses one store, an operand size prefix gives INT3 a frame of 32 bits in real mode, and at INT n with
 * n > 7Fh it does not come on. */
static bool is_odd_far(const struct trio *t, const struct form *form)
{
    const struct insn *insn = &form->insn;
    u8 usual_size = form->mode == MODE_PM32 ? 4 : 2;
    bool interrupt = insn->zydis.meta.category == ZYDIS_CATEGORY_INTERRUPT;
    bool negative = insn->zydis.raw.imm[0].size == 8 && insn->zydis.raw.imm[0].value.u > 0x7f;
    return form->far && (t->interp.dev.n || (interrupt && (insn->op_size != usual_size || negative)));
}

/* It is not asked for these, and for single steps and undefined results. */
static bool is_odd(const struct trio *t, const struct form *form, const struct form_case *c)
{
    return (t->interp.cpu.eflags & FLAG_TF) || is_undefined(form, c) || is_odd_far(t, form);
}

struct form_outcome form_run(struct trio *t, const struct form *form, const struct form_case *c, u32 config,
                             bool first, bool kvm)
{
    struct form_outcome result = {0};
    enum cluster_leave leave = LEAVE_REASONS;
    prepare(&t->interp, c, config, first);
    prepare(&t->host, c, config, first);
    if (first)
        make_heat(t, form, c, config);
    t->host.mem.generation = t->interp.mem.generation;
    u64 dirty = c->n_pages == CASE_PAGES ? ~0ull : (1ull << c->n_pages) - 1;
    result.verdict = run_pair(t, c, config, &result, &dirty, &leave);
    result.fault = result.verdict == FORM_SAME && leave == LEAVE_fault;
    bool ask = kvm && t->kvm.present && result.verdict == FORM_SAME && !is_odd(t, form, c);
    if (ask && (result.fault ? !c->odd_stack : finish(t)) && !run_kvm(t, form, c, &result, dirty))
        result.verdict = FORM_DIFFERENT;
    put_back(t, &t->interp.mem, c, dirty);
    put_back(t, &t->host.mem, c, dirty);
    return result;
}
