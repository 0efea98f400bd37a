/* Host code and the step interpreter side by side: at every leave they must agree. Between the runs stands what the
 * monitor does there: interrupts, faults, and single instructions that no cluster holds. */
#include "trio.h"

#include <stdio.h>
#include <string.h>

enum { MAX_RUNS = 3000, MAX_BATCH = 256, FRAME_BYTES = 16, HOST_PATIENCE = 10 };

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

static bool has(const struct trio *t, const char *mnemonic)
{
    return strstr(t->s->listing, mnemonic) != NULL;
}

/* NOTE: KVM decodes a REP again after 1,024 elements, processors do not: one that overwrites itself differs. */
static void note_stores(struct trio *t)
{
    const struct interp *interp = &t->interp.interp;
    linear_t first = sequence_linear(t->s, 0), last = first + t->s->code_bytes;
    if (interp->stored && interp->store_first < last && interp->store_last >= first && has(t, "rep"))
        t->not_kvm = true;
}

/* The instruction at CS:EIP. */
static bool decode(const struct executor *x, struct insn *insn)
{
    const struct cpu_state *cpu = &x->cpu;
    u8 bytes[INSN_MAX_BYTES];
    u32 n = 0;
    for (linear_t at = cpu_rip_linear(cpu); n < sizeof bytes; at++, n++) {
        enum page_kind kind = memory_kind(&x->mem, at);
        if (kind != PAGE_RAM && kind != PAGE_ROM)
            break;
        bytes[n] = x->mem.view[at];
    }
    return insn_decode(insn, bytes, n, cpu->eip, cpu->sreg[CPU_CS].db);
}

/* What no cluster holds is not compared with KVM, whose emulator does some of it in its own way (INT3 with an operand size
 * prefix). */
static void note_unsupported(struct trio *t)
{
    struct insn insn;
    if (!decode(&t->interp, &insn) || insn.class == INSN_UNSUPPORTED)
        t->not_kvm = true;
}

/* Faults that KVM's emulators report in their own way; a cluster leaves before them, so that it does not matter:
 * - the flags of the elements before the one at which REP CMPS or SCAS faults are lost
 * - PUSHA has stored some registers when it faults
 * - on a software KVM the frame in 16-bit protected mode goes to linear ESP, whatever the base of SS */
static bool faults_oddly(const struct trio *t)
{
    const struct cpu_state *cpu = &t->interp.cpu;
    struct insn insn;
    u32 sp = cpu->reg[CPU_ESP] & 0xffff;
    if (cpu_protected(cpu) && !cpu->sreg[CPU_SS].db &&
        (cpu->sreg[CPU_SS].base + sp != cpu->reg[CPU_ESP] || sp < FRAME_BYTES))
        return true;
    if (!decode(&t->interp, &insn))
        return false;
    if (insn.zydis.mnemonic == ZYDIS_MNEMONIC_PUSHA || insn.zydis.mnemonic == ZYDIS_MNEMONIC_PUSHAD)
        return true;
    return insn.string && (insn.rep || insn.repne) && (insn.zydis.opcode & 0xf6) == 0xa6;
}

static void note_fault(struct trio *t, bool oddly)
{
    t->fault = true;
    t->counts.faults++;
    t->not_kvm |= oddly || t->emulated_cpu;
}

/* --- single instructions --- */

static enum interp_result raise(struct executor *x)
{
    const struct interp *in = &x->interp;
    x->cpu.eflags |= FLAG_RF; /* in the image that a fault pushes */
    return interp_deliver(&x->interp, &x->cpu, in->fault_vector, in->fault_has_error, in->fault_error);
}

static enum interp_result step_executor(struct executor *x)
{
    x->interp.allow_devices = true;
    enum interp_result result = interp_step(&x->interp, &x->cpu);
    x->dev.attention = 0;
    return result;
}

/* One instruction in both interpreters; a fault is delivered. False: it cannot go on. */
static bool step(struct trio *t)
{
    note_unsupported(t);
    enum interp_result a = step_executor(&t->interp), b = step_executor(&t->host);
    if (a == INTERP_FAULT && b == INTERP_FAULT) {
        note_fault(t, faults_oddly(t));
        a = raise(&t->interp);
        b = raise(&t->host);
    }
    note_stores(t);
    return a == b && (a == INTERP_DONE || a == INTERP_AGAIN);
}

static bool deliver(struct trio *t)
{
    t->interp.dev.intr = t->host.dev.intr = false;
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
    note_stores(t);
    if (leave == LEAVE_fault && in_handler(&t->interp.cpu))
        note_fault(t, t->s->mode == MODE_PM16 || has(t, "cmps") || has(t, "scas") || has(t, "pusha"));
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

/* NOTE: KVM checks the segment limit for a whole batch of REP INS and faults where single elements wrap around. */
static bool repeats_long_ins(const struct trio *t)
{
    return t->interp.dev.n > MAX_BATCH && has(t, "ins");
}

enum verdict pair_run(struct trio *t)
{
    enum verdict verdict = TRIO_TWO_SAME;
    for (t->run = 0; verdict == TRIO_TWO_SAME && !is_over(t); t->run++) {
        if (t->run == MAX_RUNS || t->timed_out || t->interp.dev.n >= DEVICE_LOG)
            return TRIO_SKIPPED;
        verdict = go_on(t);
    }
    bool changed = t->interp.dev.fired && t->s->device.event != EVENT_WINDOW && t->s->device.event != EVENT_ATTENTION;
    t->not_kvm |= changed || t->interp.dev.requests || repeats_long_ins(t);
    return verdict;
}
