/* Host code and the step interpreter side by side: at every leave they must agree. Between the runs stands what the
 * monitor does there: interrupts, faults, and single instructions that no cluster holds. */
#include "trio.h"

#include <stdio.h>
#include <string.h>

enum { MAX_RUNS = 3000, HOST_PATIENCE = 10 };

static bool deliverable(const struct executor *x)
{
    return x->dev.intr && (x->cpu.eflags & FLAG_IF) && !x->cpu.interrupt_shadow;
}

/* Nothing more to run. */
static bool is_over(struct trio *t)
{
    const struct executor *x = &t->interp;
    if (x->dev.requests || !cpu_mode_supported(&x->cpu))
        return true;
    if (x->cpu.eflags & FLAG_TF) { /* single steps are KVM's */
        t->not_kvm = true;
        return true;
    }
    return x->cpu.halted && !deliverable(x);
}

/* What no cluster holds is not compared with KVM, whose emulator does some of it in its own way (INT3 with an operand size
 * prefix). */
static void note_unsupported(struct trio *t)
{
    struct insn insn;
    bool known = executor_decode(&t->interp, &insn) ? insn.class != INSN_UNSUPPORTED : insn.error == INSN_TRUNCATED;
    t->not_kvm |= !known;
}

static void note_fault(struct trio *t)
{
    t->fault = true;
    t->counts.faults++;
    t->not_kvm |= t->emulated_cpu;
}

/* --- single instructions --- */

static void trace(const struct trio *t)
{
    const struct cpu_state *cpu = &t->interp.cpu;
    struct insn insn;
    char text[96] = "?";
    if (executor_decode(&t->interp, &insn))
        insn_format(&insn, text, sizeof text);
    printf("%x:%04x %-32s fl %04x eax %08x ecx %08x edx %08x ebx %08x esp %08x ebp %08x esi %08x edi %08x\n",
           cpu->sreg[CPU_CS].selector, cpu->eip, text, cpu->eflags, cpu->reg[0], cpu->reg[1], cpu->reg[2], cpu->reg[3],
           cpu->reg[4], cpu->reg[5], cpu->reg[6], cpu->reg[7]);
}

/* One instruction in both interpreters; a fault is delivered. False: it cannot go on. */
static bool step(struct trio *t)
{
    note_unsupported(t);
    if (t->trace)
        trace(t);
    enum interp_result a = executor_step(&t->interp), b = executor_step(&t->host);
    if (a == INTERP_FAULT && b == INTERP_FAULT) {
        note_fault(t);
        a = executor_raise(&t->interp);
        b = executor_raise(&t->host);
    }
    return a == b && (a == INTERP_DONE || a == INTERP_AGAIN);
}

static bool deliver(struct trio *t)
{
    t->interp.dev.intr = t->host.dev.intr = false;
    t->not_kvm = true; /* nobody interrupts the processor there */
    return interp_deliver(&t->interp.interp, &t->interp.cpu, INTR_VECTOR, false, 0) == INTERP_DONE &&
           interp_deliver(&t->host.interp, &t->host.cpu, INTR_VECTOR, false, 0) == INTERP_DONE;
}

/* --- runs of clusters --- */

static bool in_handler(const struct cpu_state *cpu)
{
    return cpu_rip_linear(cpu) - IVT_HANDLERS < 256;
}

/* A fault after a device was read is delivered in the run. */
static void note_leave(struct trio *t, enum cluster_leave leave)
{
    if (leave == LEAVE_fault && in_handler(&t->interp.cpu))
        note_fault(t);
    t->interp.dev.attention = t->host.dev.attention = 0;
}

static enum verdict disagree(struct trio *t, struct cluster *cluster, enum cluster_leave a, enum cluster_leave b)
{
    char text[8192];
    if (a != b)
        printf("  interpreter: %s; host code: %s\n", cluster_leave_reason[a].text,
               b == LEAVE_REASONS ? "not translated" : cluster_leave_reason[b].text);
    cluster_print(cluster, text, sizeof text);
    printf("  run %u of\n%s", t->run, text);
    return TRIO_DIFFERENT;
}

static enum verdict run_cluster(struct trio *t, struct cluster *interp_cluster, struct cluster *host_cluster)
{
    enum cluster_leave a = executor_run_limited(&t->interp, interp_cluster);
    if (a == LEAVE_REASONS || t->timed_out)
        return TRIO_SKIPPED;
    t->host_ticks = HOST_PATIENCE;
    enum cluster_leave b = executor_run(&t->host, host_cluster);
    t->host_ticks = 0;
    if (!compare_executors(t, interp_cluster, host_cluster) || a != b)
        return disagree(t, interp_cluster, a, b);
    note_leave(t, a);
    t->counts.runs++;
    return TRIO_TWO_SAME;
}

static enum verdict go_on(struct trio *t)
{
    if (deliverable(&t->interp))
        return deliver(t) ? TRIO_TWO_SAME : TRIO_SKIPPED;
    struct cluster *a = executor_cluster(&t->interp, &t->heat, t->s->window);
    struct cluster *b = executor_cluster(&t->host, &t->heat, t->s->window);
    u64 instructions = t->interp.stats.instructions;
    if (!a != !b) {
        printf("  a cluster was formed on one side only\n");
        return TRIO_DIFFERENT;
    }
    if (a) {
        enum verdict verdict = run_cluster(t, a, b);
        if (verdict != TRIO_TWO_SAME || instructions != t->interp.stats.instructions)
            return verdict;
    }
    if (is_over(t)) /* a fault was delivered in the run */
        return TRIO_TWO_SAME;
    if (!step(t) || t->timed_out)
        return TRIO_SKIPPED;
    if (compare_executors(t, NULL, NULL))
        return TRIO_TWO_SAME;
    printf("  run %u: one instruction in the interpreters\n", t->run);
    return TRIO_DIFFERENT;
}

enum verdict pair_run(struct trio *t)
{
    enum verdict verdict = TRIO_TWO_SAME;
    for (t->run = 0; verdict == TRIO_TWO_SAME && !is_over(t); t->run++) {
        if (t->run == MAX_RUNS || t->timed_out || t->interp.dev.n >= DEVICE_LOG)
            return TRIO_SKIPPED;
        verdict = go_on(t);
    }
    t->not_kvm |= t->interp.dev.requests;
    return verdict;
}
