/* Differential test: random instruction sequences from the cluster allow-list, run by KVM and by the step interpreter
 * from the same state. Registers, flags, memory and the ordered stream of device accesses must agree.
 *
 *   kvm_diff [--count=N] [--first=SEED] [--emulated-cpu]
 *
 * A failing sequence is printed with what reproduces it. Half of the sequences run in real mode, a quarter each in 32-bit
 * and 16-bit protected mode. Flags that an instruction leaves undefined are defined again by an ADD behind it, so that
 * nothing later depends on them. A sequence that this KVM cannot emulate is counted and skipped.
 * --emulated-cpu: the processor below KVM is QEMU's, which knows no segment limits or types and none of the undocumented
 * encodings: sequences that fault or hold such an instruction are skipped. Or it is Bochs's, which refuses to enter a
 * real-mode guest whose CS has its low bits set. */
#include "base/log.h"
#include "cluster/interp.h"
#include "kvm/backend.h"
#include "machine/memory.h"
#include "machine/trace.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>

enum {
    RAM_BYTES = 2 * MIB,
    IVT_HANDLERS = 0x1000, /* 256 HLTs, one per vector */
    GDT = 0x2000,
    IDT = 0x2800,
    LOW_FREE = 0x4000,     /* below: tables that random stores must not reach */
    MAX_INSNS = 10,
    MAX_CODE = 192,
    MAX_STEPS = 4000,      /* interpreted instructions and REP pieces per sequence */
    MAX_ACCESSES = 4096,
    PATTERN_BYTES = 0x10000,
    FRAME_BYTES = 16,      /* of an exception with error code through a 32-bit gate */
    MAX_BATCH = 256,       /* device accesses: longer REP INS are not compared */
};

/* Protected-mode selectors. */
enum { SEL_CODE32 = 0x08, SEL_DATA = 0x10, SEL_CODE16 = 0x18, SEL_STACK16 = 0x20, SEL_HANDLER = 0x28 };

enum mode { MODE_REAL, MODE_PM32, MODE_PM16, MODES };

/* --- a device that answers by what it was asked before, the same for both sides --- */

struct device {
    u64 state;
    u32 n;
    struct access log[MAX_ACCESSES];
};

static u32 device_access(struct device *d, enum access_kind kind, u32 addr, u8 size, u32 value)
{
    bool read = kind == ACCESS_PORT_IN || kind == ACCESS_MMIO_READ;
    d->state = (d->state ^ addr ^ (u64)kind << 40 ^ (u64)size << 32) * 0x9e3779b97f4a7c15ull;
    d->state ^= d->state >> 29;
    u32 ones = size == 4 ? 0xffffffffu : BIT(8 * size) - 1;
    if (read)
        value = (u32)d->state & ones;
    if (d->n < MAX_ACCESSES)
        d->log[d->n] = (struct access){.addr = addr, .value = value, .kind = (u8)kind, .size = size};
    d->n++;
    return value;
}

static u32 dev_in(void *opaque, u16 port, u8 size)
{
    return device_access(opaque, ACCESS_PORT_IN, port, size, 0);
}

static void dev_out(void *opaque, u16 port, u8 size, u32 value)
{
    device_access(opaque, ACCESS_PORT_OUT, port, size, value);
}

static u32 dev_read(void *opaque, u32 gpa, u8 size)
{
    return device_access(opaque, ACCESS_MMIO_READ, gpa, size, 0);
}

static void dev_write(void *opaque, u32 gpa, u8 size, u32 value)
{
    device_access(opaque, ACCESS_MMIO_WRITE, gpa, size, value);
}

/* --- the two sides --- */

struct side {
    struct memory mem;
    struct device dev;
    struct cpu_state cpu; /* at the end */
};

struct diff {
    struct side kvm, interp;
    struct vm vm;
    struct vcpu vcpu;
    struct interp in;
    struct cluster_env env;
    volatile int attention;
    bool intr;
    u32 requests;
    u64 rng;
    u8 *pattern;
    u8 code[MAX_CODE];
    u32 code_bytes;
    enum mode mode;
    struct cpu_state start;
    char listing[2048];
    bool fault; /* this sequence ended in an exception */
    bool emulated_cpu;
    u64 run, skipped, faulted, accesses;
};

static u64 rnd(struct diff *d)
{
    d->rng ^= d->rng << 13;
    d->rng ^= d->rng >> 7;
    d->rng ^= d->rng << 17;
    return d->rng;
}

static u32 rnd_below(struct diff *d, u32 n)
{
    return (u32)(rnd(d) >> 20) % n;
}

/* Values at the edges are where bugs are. */
static u32 rnd_value(struct diff *d)
{
    static const u32 edge[] = {0, 1, 2, 0x7f, 0x80, 0xff, 0x7fff, 0x8000, 0xffff, 0x10000, 0x7fffffff, 0x80000000,
                               0xffffffff, 0xfffffffe, 15, 16, 31, 32, 33};
    switch (rnd_below(d, 4)) {
    case 0:
        return edge[rnd_below(d, ARRAY_LEN(edge))];
    case 1:
        return rnd_below(d, 256);
    default:
        return (u32)rnd(d);
    }
}

/* --- generating --- */

static bool allowed(const struct diff *d, const struct insn *insn)
{
    if (insn->class == INSN_UNSUPPORTED)
        return false;
    switch (insn->zydis.mnemonic) {
    case ZYDIS_MNEMONIC_HLT: /* ends a sequence */
        return false;
    case ZYDIS_MNEMONIC_BSWAP:
        if (insn->op_size == 2) /* undefined */
            return false;
        break;
    case ZYDIS_MNEMONIC_TEST:
        if (d->emulated_cpu && insn->zydis.opcode >= 0xf6 && insn->zydis.raw.modrm.reg) /* the alias of F6h/F7h, /1 */
            return false;
        break;
    case ZYDIS_MNEMONIC_POPF: /* TF and IF: single steps and interrupts have tests of their own */
    case ZYDIS_MNEMONIC_POPFD:
    case ZYDIS_MNEMONIC_STI:
        return false;
    case ZYDIS_MNEMONIC_SHLD: /* the result is undefined for counts beyond 16 bits */
    case ZYDIS_MNEMONIC_SHRD:
        if (insn->op_size == 2 && (insn->operand[2].type != ZYDIS_OPERAND_TYPE_IMMEDIATE ||
                                   (insn->operand[2].imm.value.u & 31) > 16))
            return false;
        break;
    default:
        break;
    }
    bool reads_flags = insn->zydis.meta.category == ZYDIS_CATEGORY_SETCC || insn->zydis.mnemonic == ZYDIS_MNEMONIC_RCL ||
                       insn->zydis.mnemonic == ZYDIS_MNEMONIC_RCR;
    if (d->emulated_cpu && reads_flags && insn->operand[0].type == ZYDIS_OPERAND_TYPE_MEMORY)
        return false; /* QEMU 7.2 loses the flags where the access leaves the guest */
    for (u32 i = 0; i < insn->zydis.operand_count_visible; i++) {
        const ZydisDecodedOperand *op = &insn->operand[i];
        bool sreg = op->type == ZYDIS_OPERAND_TYPE_REGISTER && op->reg.value >= ZYDIS_REGISTER_ES &&
                    op->reg.value <= ZYDIS_REGISTER_GS;
        if (sreg && (op->actions & ZYDIS_OPERAND_ACTION_MASK_WRITE) && d->mode != MODE_REAL)
            return false; /* random selectors only fault: the unit tests load good ones */
    }
    if (d->mode != MODE_REAL &&
        (insn->zydis.mnemonic == ZYDIS_MNEMONIC_LDS || insn->zydis.mnemonic == ZYDIS_MNEMONIC_LES ||
         insn->zydis.mnemonic == ZYDIS_MNEMONIC_LSS || insn->zydis.mnemonic == ZYDIS_MNEMONIC_LFS ||
         insn->zydis.mnemonic == ZYDIS_MNEMONIC_LGS))
        return false;
    /* Transfers: only short forward ones, made by add_branch. */
    return insn->flow == FLOW_NEXT;
}

/* Flags in struct cpu_flag's order that the instruction leaves undefined. */
static u32 undefined_flags(const struct insn *insn)
{
    return insn->zydis.cpu_flags ? insn->zydis.cpu_flags->undefined & FLAGS_ARITH : 0;
}

static u32 put_prefixes(struct diff *d, u8 *p)
{
    static const u8 segment[] = {0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65};
    u32 n = 0;
    if (!rnd_below(d, 3))
        p[n++] = 0x66;
    if (!rnd_below(d, 5))
        p[n++] = 0x67;
    if (!rnd_below(d, 5))
        p[n++] = segment[rnd_below(d, sizeof segment)];
    return n;
}

/* Opcode bytes weighted towards what clusters are made of. */
static u32 put_opcode(struct diff *d, u8 *p)
{
    static const u8 string[] = {0xa4, 0xa5, 0xa6, 0xa7, 0xaa, 0xab, 0xac, 0xad, 0xae, 0xaf, 0x6c, 0x6d, 0x6e, 0x6f};
    static const u8 io[] = {0xe4, 0xe5, 0xe6, 0xe7, 0xec, 0xed, 0xee, 0xef};
    static const u8 two[] = {0xa3, 0xa4, 0xa5, 0xab, 0xac, 0xad, 0xaf, 0xb0, 0xb1, 0xb3, 0xb6, 0xb7, 0xba, 0xbb,
                             0xbc, 0xbd, 0xbe, 0xbf, 0xc0, 0xc1, 0xc8, 0xcb, 0x90, 0x94, 0x9f};
    switch (rnd_below(d, 8)) {
    case 0: {
        u32 n = 0;
        if (rnd_below(d, 2))
            p[n++] = rnd_below(d, 3) ? 0xf3 : 0xf2;
        p[n++] = string[rnd_below(d, sizeof string)];
        return n;
    }
    case 1:
        p[0] = io[rnd_below(d, sizeof io)];
        return 1;
    case 2:
        p[0] = 0x0f;
        p[1] = two[rnd_below(d, sizeof two)];
        return 2;
    default:
        p[0] = (u8)rnd(d);
        return 1;
    }
}

/* One random allowed instruction at d->code + at; its length, or 0 if none came up. */
static u32 put_insn(struct diff *d, u32 at, struct insn *insn)
{
    u8 buf[INSN_MAX_BYTES];
    for (int tries = 0; tries < 200; tries++) {
        u32 n = put_prefixes(d, buf);
        n += put_opcode(d, buf + n);
        for (u32 i = n; i < sizeof buf; i++)
            buf[i] = (u8)(rnd_below(d, 3) ? rnd(d) : rnd_value(d));
        if (!insn_decode(insn, buf, sizeof buf, d->start.eip + at, d->mode == MODE_PM32) || !allowed(d, insn))
            continue;
        memcpy(d->code + at, buf, insn->length);
        return insn->length;
    }
    return 0;
}

static void list(struct diff *d, const struct insn *insn)
{
    size_t used = strlen(d->listing);
    char text[96];
    insn_format(insn, text, sizeof text);
    snprintf(d->listing + used, sizeof d->listing - used, "    %s\n", text);
}

static void generate_code(struct diff *d)
{
    u32 at = 0, n = 1 + rnd_below(d, MAX_INSNS);
    d->listing[0] = 0;
    for (u32 i = 0; i < n && at + 2 * INSN_MAX_BYTES + 8 < MAX_CODE; i++) {
        struct insn insn;
        u32 length = put_insn(d, at, &insn);
        if (!length)
            continue;
        /* Jcc over it, sometimes: the flags decide whether it runs. */
        if (!rnd_below(d, 6)) {
            u8 body[INSN_MAX_BYTES];
            memcpy(body, d->code + at, length);
            d->code[at++] = 0x70 | (u8)rnd_below(d, 16);
            d->code[at++] = (u8)length;
            memcpy(d->code + at, body, length);
            list(d, &insn);
            snprintf(d->listing + strlen(d->listing), sizeof d->listing - strlen(d->listing), "      (jumped over by j%x)\n",
                     d->code[at - 2] & 15);
        } else {
            list(d, &insn);
        }
        at += length;
        if (undefined_flags(&insn)) {
            d->code[at++] = 0x80; /* add dl, imm8 */
            d->code[at++] = 0xc2;
            d->code[at++] = (u8)rnd(d);
        }
    }
    d->code[at++] = 0xf4;
    d->code_bytes = at;
}

static struct cpu_segment real_segment(u16 selector, bool code)
{
    return (struct cpu_segment){.base = (u32)selector << 4, .limit = 0xffff, .selector = selector,
                                .type = code ? 11 : 3, .s = true, .present = true};
}

static struct cpu_segment flat(u16 selector, u8 type, bool big)
{
    return (struct cpu_segment){.limit = big ? 0xffffffff : 0xffff, .selector = selector, .type = type, .s = true,
                                .present = true, .db = big, .g = big};
}

/* A data segment in free RAM, or one that reaches into the device window. */
static u16 random_selector(struct diff *d)
{
    static const u16 device[] = {0xa000, 0x9ff0, 0xb000, 0x9800};
    u16 selector = rnd_below(d, 3) ? (u16)(0x1000 + rnd_below(d, 0x7000)) : device[rnd_below(d, ARRAY_LEN(device))];
    return d->emulated_cpu ? selector & ~3u : selector;
}

static void random_state(struct diff *d)
{
    struct cpu_state *c = &d->start;
    cpu_reset(c);
    c->cr0 = CR0_ET;
    c->idt = (struct cpu_table){0, 0x3ff};
    for (int i = 0; i < CPU_REGS; i++)
        c->reg[i] = rnd_value(d);
    /* REP counts stay small, stack pointers sane. */
    c->reg[CPU_ECX] = rnd_below(d, 3) ? rnd_below(d, 40) : c->reg[CPU_ECX] & 0xff;
    c->eflags = FLAG_FIXED | ((u32)rnd(d) & (FLAGS_ARITH | FLAG_DF));
    if (d->mode == MODE_REAL) {
        for (int i = 0; i < CPU_SREGS; i++)
            c->sreg[i] = real_segment(random_selector(d), false);
        u16 rpl = d->emulated_cpu ? ~3u : ~0u;
        c->sreg[CPU_SS] = real_segment((u16)(0x1000 + rnd_below(d, 0x7000)) & rpl, false);
        c->sreg[CPU_CS] = real_segment((u16)(0x500 + rnd_below(d, 0x800)) & rpl, true);
        c->eip = rnd_below(d, 0xfe00);
        return;
    }
    bool big = d->mode == MODE_PM32;
    c->cr0 |= CR0_PE;
    c->gdt = (struct cpu_table){GDT, 0x2f};
    c->idt = (struct cpu_table){IDT, 32 * 8 - 1};
    for (int i = 0; i < CPU_SREGS; i++)
        c->sreg[i] = flat(SEL_DATA, 3, true);
    c->sreg[CPU_CS] = flat(big ? SEL_CODE32 : SEL_CODE16, 11, big);
    if (!big) {
        c->sreg[CPU_CS].base = 0x5000;
        c->sreg[CPU_SS] = flat(SEL_STACK16, 3, false);
        c->sreg[CPU_SS].base = 0x20000;
    }
    c->eip = big ? 0x5000 + rnd_below(d, 0x8000) : rnd_below(d, 0x8000);
    /* Addresses that hit RAM or the window, mostly. */
    static const u8 pointer[] = {CPU_EBX, CPU_EBP, CPU_ESI, CPU_EDI, CPU_EAX, CPU_EDX};
    for (u32 i = 0; i < ARRAY_LEN(pointer); i++)
        if (rnd_below(d, 4))
            c->reg[pointer[i]] = rnd_below(d, 3) ? 0x10000 + rnd_below(d, 0x80000) : 0x9ff80 + rnd_below(d, 0x20000);
    c->reg[CPU_ESP] = 0x20000 + rnd_below(d, 0x4000) * 4;
}

/* --- memory --- */

static u64 descriptor(u32 base, u32 limit, u8 access, u8 flags)
{
    return (limit & 0xffff) | (u64)(base & 0xffffff) << 16 | (u64)access << 40 | (u64)((limit >> 16) & 15) << 48 |
           (u64)flags << 52 | (u64)(base >> 24) << 56;
}

static void put_tables(u8 *ram)
{
    u32 *ivt = (u32 *)ram;
    u64 *gdt = (u64 *)(ram + GDT), *idt = (u64 *)(ram + IDT);
    for (u32 i = 0; i < 256; i++) {
        ivt[i] = IVT_HANDLERS + i;
        ram[IVT_HANDLERS + i] = 0xf4;
    }
    gdt[0] = 0;
    gdt[SEL_CODE32 / 8] = descriptor(0, 0xfffff, 0x9b, 0xc);
    gdt[SEL_DATA / 8] = descriptor(0, 0xfffff, 0x93, 0xc);
    gdt[SEL_CODE16 / 8] = descriptor(0x5000, 0xffff, 0x9b, 0);
    gdt[SEL_STACK16 / 8] = descriptor(0x20000, 0xffff, 0x93, 0);
    gdt[SEL_HANDLER / 8] = descriptor(0, 0xfffff, 0x9b, 0xc);
    for (u32 i = 0; i < 32; i++)
        idt[i] = (u64)SEL_HANDLER << 16 | 0x8e0000000000ull | (IVT_HANDLERS + i);
}

static void prepare_memory(struct diff *d, struct side *side)
{
    u8 *ram = side->mem.plain;
    for (u32 at = 0; at < RAM_BYTES; at += PATTERN_BYTES)
        memcpy(ram + at, d->pattern, PATTERN_BYTES);
    put_tables(ram);
    u32 linear = d->start.sreg[CPU_CS].base;
    for (u32 i = 0; i < d->code_bytes; i++) {
        u32 offset = d->start.eip + i;
        ram[linear + (d->mode == MODE_PM32 ? offset : offset & 0xffff)] = d->code[i];
    }
    side->dev.state = 1;
    side->dev.n = 0;
}

/* --- running --- */

enum outcome { OUTCOME_OK, OUTCOME_SKIP, OUTCOME_FAIL };

static void serve(struct diff *d, struct vmexit *exit)
{
    struct device *dev = &d->kvm.dev;
    if (exit->kind == VMEXIT_PIO) {
        for (u32 i = 0; i < exit->pio.count; i++) {
            u8 *p = exit->pio.data + i * exit->pio.size;
            u32 v = 0;
            memcpy(&v, p, exit->pio.size);
            v = device_access(dev, exit->pio.in ? ACCESS_PORT_IN : ACCESS_PORT_OUT, exit->pio.port, exit->pio.size, v);
            memcpy(p, &v, exit->pio.size);
        }
        return;
    }
    u32 v = 0;
    memcpy(&v, exit->mmio.data, MIN(exit->mmio.size, 4));
    v = device_access(dev, exit->mmio.write ? ACCESS_MMIO_WRITE : ACCESS_MMIO_READ, (u32)exit->mmio.gpa,
                      exit->mmio.size, v);
    memcpy(exit->mmio.data, &v, MIN(exit->mmio.size, 4));
}

static enum outcome run_kvm(struct diff *d)
{
    vcpu_put_state(&d->vcpu, &d->start);
    for (u32 i = 0; i < MAX_ACCESSES; i++) {
        struct vmexit exit;
        if (vcpu_run(&d->vcpu, &exit))
            return OUTCOME_FAIL;
        switch (exit.kind) {
        case VMEXIT_PIO:
        case VMEXIT_MMIO:
            serve(d, &exit);
            break;
        case VMEXIT_HLT:
            vcpu_get_state(&d->vcpu, &d->kvm.cpu);
            return OUTCOME_OK;
        default:
            return OUTCOME_SKIP;
        }
    }
    return OUTCOME_SKIP;
}

/* Leaves nothing pending for the next sequence. */
static void settle_kvm(struct diff *d)
{
    struct vmexit exit;
    while (vcpu_complete(&d->vcpu, &exit) == 1)
        if (exit.kind == VMEXIT_PIO || exit.kind == VMEXIT_MMIO)
            serve(d, &exit);
        else
            return;
}

/* Faults that KVM's emulators report in their own way; a cluster leaves before them, so that it does not matter:
 * - the flags of the elements before the one at which REP CMPS or SCAS faults are lost
 * - PUSHA has stored some registers when it faults
 * - on a software KVM the frame in 16-bit protected mode goes to linear ESP, whatever the base of SS */
static bool faults_oddly(const struct diff *d)
{
    const struct cpu_state *cpu = &d->interp.cpu;
    struct insn insn;
    u32 sp = cpu->reg[CPU_ESP] & 0xffff;
    if (d->mode == MODE_PM16 && (cpu->sreg[CPU_SS].base + sp != cpu->reg[CPU_ESP] || sp < FRAME_BYTES))
        return true;
    if (!insn_decode(&insn, d->interp.mem.plain + cpu_rip_linear(cpu), INSN_MAX_BYTES, cpu->eip,
                     cpu->sreg[CPU_CS].db))
        return false;
    if (insn.zydis.mnemonic == ZYDIS_MNEMONIC_PUSHA || insn.zydis.mnemonic == ZYDIS_MNEMONIC_PUSHAD)
        return true;
    return insn.string && (insn.rep || insn.repne) && (insn.zydis.opcode & 0xf6) == 0xa6;
}

/* NOTE: KVM checks the segment limit for a whole batch of REP INS and faults where single elements wrap around. */
static bool repeats_long_ins(const struct diff *d)
{
    return d->interp.dev.n > MAX_BATCH && strstr(d->listing, "ins");
}

static enum outcome run_interp(struct diff *d)
{
    struct cpu_state *cpu = &d->interp.cpu;
    *cpu = d->start;
    linear_t code = d->start.sreg[CPU_CS].base + d->start.eip;
    for (u32 i = 0; i < MAX_STEPS; i++) {
        enum interp_result result = interp_step(&d->in, cpu);
        /* NOTE: KVM decodes a REP again after 1,024 elements, processors do not: one that overwrites itself differs. */
        if (d->in.stored && d->in.store_first < code + d->code_bytes && d->in.store_last >= code)
            return OUTCOME_SKIP;
        switch (result) {
        case INTERP_DONE:
            if (cpu->halted)
                return OUTCOME_OK;
            break;
        case INTERP_AGAIN:
            if (d->attention)
                return OUTCOME_SKIP;
            break;
        case INTERP_FAULT:
            if (faults_oddly(d) || d->emulated_cpu)
                return OUTCOME_SKIP;
            d->faulted++;
            d->fault = true;
            cpu->eflags |= FLAG_RF; /* in the image that a fault pushes */
            if (interp_deliver(&d->in, cpu, d->in.fault_vector, d->in.fault_has_error, d->in.fault_error) != INTERP_DONE)
                return OUTCOME_SKIP;
            break;
        default:
            return OUTCOME_SKIP; /* it leaves this one to KVM: INS into a device */
        }
    }
    return OUTCOME_FAIL;
}

/* --- comparing --- */

/* After an exception three things may differ that no cluster ever shows, for a cluster leaves before a faulting instruction
 * and KVM executes it:
 * - an access that KVM made before it found the fault, where the interpreter checks everything first (CMPS, MOVS)
 * - the upper half of ESP, which KVM's real-mode delivery clears and processors keep */

static bool check(bool same, const char *what, u32 kvm, u32 interp)
{
    if (!same)
        printf("  %-8s KVM %08x, interpreter %08x\n", what, kvm, interp);
    return same;
}

static bool compare_cpu(const struct diff *d)
{
    static const char *const name[] = {"eax", "ecx", "edx", "ebx", "esp", "ebp", "esi", "edi"};
    static const char *const seg[] = {"es", "cs", "ss", "ds", "fs", "gs"};
    const struct cpu_state *k = &d->kvm.cpu, *i = &d->interp.cpu;
    bool same = true;
    for (int r = 0; r < CPU_REGS; r++) {
        u32 mask = r == CPU_ESP && d->fault && d->mode != MODE_PM32 ? 0xffff : 0xffffffff;
        same &= check(!((k->reg[r] ^ i->reg[r]) & mask), name[r], k->reg[r], i->reg[r]);
    }
    same &= check(k->eip == i->eip, "eip", k->eip, i->eip);
    same &= check(k->eflags == i->eflags, "eflags", k->eflags, i->eflags);
    for (int s = 0; s < CPU_SREGS; s++) {
        same &= check(k->sreg[s].selector == i->sreg[s].selector, seg[s], k->sreg[s].selector, i->sreg[s].selector);
        same &= check(k->sreg[s].base == i->sreg[s].base, "base", k->sreg[s].base, i->sreg[s].base);
    }
    return same;
}

static bool compare_memory(const struct diff *d)
{
    const u8 *k = d->kvm.mem.plain, *i = d->interp.mem.plain;
    if (!memcmp(k, i, RAM_BYTES))
        return true;
    u32 at = 0;
    while (k[at] == i[at])
        at++;
    printf("  memory at %05x: KVM %02x %02x %02x %02x, interpreter %02x %02x %02x %02x, before %02x %02x %02x %02x\n", at,
           k[at], k[at + 1], k[at + 2], k[at + 3], i[at], i[at + 1], i[at + 2], i[at + 3],
           d->pattern[at % PATTERN_BYTES], d->pattern[(at + 1) % PATTERN_BYTES], d->pattern[(at + 2) % PATTERN_BYTES],
           d->pattern[(at + 3) % PATTERN_BYTES]);
    return false;
}

static bool compare_stream(const struct diff *d)
{
    static const char *const kind[] = {"in", "out", "read", "write"};
    u32 n = MIN(MAX(d->kvm.dev.n, d->interp.dev.n), MAX_ACCESSES);
    for (u32 j = 0; j < n; j++) {
        const struct access *k = &d->kvm.dev.log[j], *i = &d->interp.dev.log[j];
        bool have_k = j < d->kvm.dev.n, have_i = j < d->interp.dev.n;
        if (have_k && have_i && !memcmp(k, i, sizeof *k))
            continue;
        if (have_k && !have_i && d->fault)
            return true;
        printf("  access %u: ", j);
        if (have_k)
            printf("KVM %s.%u %x = %x, ", kind[k->kind], k->size, k->addr, k->value);
        if (have_i)
            printf("interpreter %s.%u %x = %x", kind[i->kind], i->size, i->addr, i->value);
        printf(" (%u and %u in all)\n", d->kvm.dev.n, d->interp.dev.n);
        return false;
    }
    return true;
}

static void print_start(const struct diff *d, u64 seed)
{
    static const char *const mode[] = {"real mode", "32-bit protected mode", "16-bit protected mode"};
    const struct cpu_state *c = &d->start;
    printf("sequence seed %llu, %s\n%s", (unsigned long long)seed, mode[d->mode], d->listing);
    printf("  eax %08x ecx %08x edx %08x ebx %08x esp %08x ebp %08x esi %08x edi %08x\n", c->reg[0], c->reg[1], c->reg[2],
           c->reg[3], c->reg[4], c->reg[5], c->reg[6], c->reg[7]);
    printf("  cs:eip %04x:%x flags %x es %04x ss %04x ds %04x fs %04x gs %04x\n  bytes", c->sreg[CPU_CS].selector, c->eip,
           c->eflags, c->sreg[CPU_ES].selector, c->sreg[CPU_SS].selector, c->sreg[CPU_DS].selector,
           c->sreg[CPU_FS].selector, c->sreg[CPU_GS].selector);
    for (u32 i = 0; i < d->code_bytes; i++)
        printf(" %02x", d->code[i]);
    printf("\n");
}

/* A REP with a huge count runs for minutes: both sides are stopped after a while and the sequence is skipped. */
static struct diff *diff_in_signal;

static void on_alarm(int signal)
{
    (void)signal;
    diff_in_signal->attention = 1;
    vcpu_kick(&diff_in_signal->vcpu);
}

static void set_alarm(struct diff *d, bool on)
{
    enum { PATIENCE_US = 300000 };
    struct itimerval timer = {.it_value.tv_usec = on ? PATIENCE_US : 0, .it_interval.tv_usec = on ? PATIENCE_US : 0};
    d->attention = 0;
    setitimer(ITIMER_REAL, &timer, NULL);
}

/* True if the sequence agreed or was skipped. */
static bool run_one(struct diff *d, u64 seed)
{
    d->rng = seed * 0x9e3779b97f4a7c15ull + 0x1234567;
    rnd(d);
    u32 pick = rnd_below(d, 4);
    d->mode = pick < 2 ? MODE_REAL : pick == 2 ? MODE_PM32 : MODE_PM16;
    random_state(d);
    generate_code(d);
    prepare_memory(d, &d->kvm);
    prepare_memory(d, &d->interp);
    d->run++;
    d->fault = false;
    set_alarm(d, true);
    enum outcome interp = run_interp(d);
    set_alarm(d, false);
    if (interp == OUTCOME_SKIP || repeats_long_ins(d)) {
        d->skipped++;
        return true;
    }
    set_alarm(d, true);
    enum outcome kvm = run_kvm(d);
    set_alarm(d, false);
    if (kvm != OUTCOME_OK) {
        settle_kvm(d);
        d->skipped++;
        return kvm == OUTCOME_SKIP;
    }
    d->kvm.cpu.interrupt_shadow = d->interp.cpu.interrupt_shadow = false;
    d->accesses += d->kvm.dev.n;
    bool same = interp == OUTCOME_OK;
    if (!same)
        printf("  the interpreter did not finish\n");
    same = compare_cpu(d) & compare_memory(d) & compare_stream(d) & same;
    if (!same)
        print_start(d, seed);
    return same;
}

static int open_diff(struct diff *d)
{
    int rc = memory_init(&d->kvm.mem, RAM_BYTES);
    if (!rc)
        rc = memory_init(&d->interp.mem, RAM_BYTES);
    if (!rc)
        rc = vm_open(&d->vm);
    struct memory_slot ram[4];
    struct vm_slot slot[4];
    u32 n = rc ? 0 : memory_slots(&d->kvm.mem, ram);
    for (u32 i = 0; i < n; i++)
        slot[i] = (struct vm_slot){ram[i].first, ram[i].bytes, ram[i].host, ram[i].readonly};
    if (!rc)
        rc = vm_set_slots(&d->vm, slot, n);
    struct vcpu_traits traits;
    if (!rc)
        rc = vcpu_calibrate(&traits);
    if (!rc)
        rc = vcpu_open(&d->vcpu, &d->vm, &traits, &d->attention);
    if (rc)
        return rc;
    d->env = (struct cluster_env){
        .opaque = &d->interp.dev,
        .view = d->interp.mem.view,
        .page_kind = d->interp.mem.page_kind,
        .port_in = dev_in,
        .port_out = dev_out,
        .mmio_read = dev_read,
        .mmio_write = dev_write,
        .push_sreg_whole = traits.push_sreg_whole,
        .intr = &d->intr,
        .attention = &d->attention,
        .requests = &d->requests,
        .generation = &d->interp.mem.generation,
    };
    d->pattern = malloc(PATTERN_BYTES);
    d->rng = 42;
    for (u32 i = 0; i < PATTERN_BYTES; i++)
        d->pattern[i] = (u8)rnd(d);
    rc = interp_init(&d->in, &d->env);
    d->in.allow_devices = true;
    d->in.like_kvm = true;
    return rc;
}

int main(int argc, char **argv)
{
    static struct diff d;
    u64 count = 3000, first = 1, failures = 0;
    for (int i = 1; i < argc; i++) {
        if (!strncmp(argv[i], "--count=", 8))
            count = strtoull(argv[i] + 8, NULL, 0);
        else if (!strncmp(argv[i], "--first=", 8))
            first = strtoull(argv[i] + 8, NULL, 0);
        else if (!strcmp(argv[i], "--emulated-cpu"))
            d.emulated_cpu = true;
        else
            return fprintf(stderr, "usage: kvm_diff [--count=N] [--first=SEED] [--emulated-cpu]\n"), 2;
    }
    int rc = open_diff(&d);
    if (rc == -ENOENT || rc == -EACCES) {
        printf("skipped: no /dev/kvm here\n");
        return 77;
    }
    if (rc)
        return 1;
    setvbuf(stdout, NULL, _IOLBF, 0);
    diff_in_signal = &d;
    signal(SIGALRM, on_alarm);
    for (u64 seed = first; seed < first + count && failures < 10; seed++)
        failures += !run_one(&d, seed);
    printf("%llu sequences, %llu device accesses, %llu faults, %llu skipped (not emulated by this KVM), %llu failures\n",
           (unsigned long long)d.run, (unsigned long long)d.accesses, (unsigned long long)d.faulted,
           (unsigned long long)d.skipped, (unsigned long long)failures);
    return failures || d.accesses == 0 ? 1 : 0;
}
