/* How this host's KVM differs from processors where it may, in one place. A backend that runs the guest in
 * KVM's instruction emulator (arch/x86/kvm/emulate.c of Linux; kvm-pvm runs all of real mode and of unpaged
 * protected mode there, see kvm_side.emulates) does the following in its own way. A sequence whose end
 * differs on KVM runs once more here, instruction by instruction, with the emulator's ways put in exactly
 * where they occur, and what comes out must be what KVM has, to the last bit. So nothing is left out of the
 * comparison: an oddity explains only its own effect.
 *
 * - AAM: AAM and AAD set SF, ZF and PF from AX or EAX (their operand size), the manual says from AL:
 * emulate.c declares them without ByteOp and leaves the flags to an OR of operand size.
 * - FRAME: the frame of an exception in protected mode goes to linear address ESP, and ESP moves with all its
 * 32 bits, where the stack has 16 (kvm-pvm's own delivery).
 * - AC: the same delivery clears AC, which gates leave alone. (In real mode the manual clears it too.)
 * - ESP: the delivery of an exception in real mode clears the upper half of ESP.
 * - STRING: REP CMPS and REP SCAS that fault behind their first element have stepped their registers, but the
 * flags of the elements before are lost (x86_emulate_instruction writes RFLAGS back only without an
 * exception), save every 1024th's.
 * - PUSHA: it stores register by register until one store faults (em_pusha).
 * - READS: an instruction whose second access faults has made the first, so that a device was read (MOVS,
 * CMPS, XCHG, ADD m,r
 *   ...). The interpreter, like microcode, checks all first.
 *
 * Where no processor promises anything, no difference is one, on any backend. If the replay met such a thing,
 * the end is not compared; this is counted apart, and must be rare (kvm_diff.c):
 *
 * - UNDEFINED: something (a branch, SETcc, ADC ...) read flags that the manual leaves undefined. Where they
 * are only stored (by PUSHF, in the frame of an exception) or left at the end, these bits are KVM's, and the
 * rest is compared.
 * - OWN_BYTES: the bytes of a repeated string instruction changed while it was repeated, by its own stores or
 * by DMA. KVM decodes it again after an exit or 1024 elements, processors when they like.
 * - INS: a device changed A20 or memory between two elements of REP INS. KVM asks the port for a page's worth
 * of elements before it stores the first. */
#include "trio.h"

#include <string.h>

enum {
    HLT = 0xf4,
    REPLAY_LIMIT = 4000000, /* steps */
    BATCH = 1024,           /* elements after which the emulator writes everything back */
    FRAME_MAX = 4,          /* doublewords: EFLAGS, CS, EIP, error code */
};

/* One replay. */
struct replay {
    struct trio *t;
    struct executor *x;
    bool odd;
    struct insn insn;
    bool valid;       /* `insn` is one */
    bool in_string;   /* the last step left off between two elements */
    u32 string_flags; /* what the emulator has of the flags in a repeated CMPS or SCAS */
    u32 undefined;    /* arithmetic flags */
};

const char *oddity_name(enum oddity oddity)
{
    static const char *const name[ODDITIES] = {
        [ODDITY_AAM] = "flags of AAM and AAD",
        [ODDITY_FRAME] = "frame at linear ESP",
        [ODDITY_AC] = "AC cleared by an exception",
        [ODDITY_ESP] = "upper half of ESP",
        [ODDITY_STRING] = "flags of a faulting CMPS or SCAS",
        [ODDITY_PUSHA] = "part of a faulting PUSHA",
        [ODDITY_READS] = "device read before a fault",
        [ODDITY_UNDEFINED] = "undefined flags used, not compared",
        [ODDITY_OWN_BYTES] = "string instruction changed by itself, not compared",
        [ODDITY_INS] = "device event within REP INS, not compared",
    };
    return name[oddity];
}

static void happened(struct replay *r, enum oddity oddity)
{
    r->t->odd |= BIT(oddity);
}

static bool is_mnemonic(const struct replay *r, ZydisMnemonic a, ZydisMnemonic b)
{
    return r->valid && (r->insn.zydis.mnemonic == a || r->insn.zydis.mnemonic == b);
}

/* REP CMPS or SCAS. */
static bool is_compare(const struct replay *r)
{
    return r->valid && r->insn.string && (r->insn.rep || r->insn.repne) &&
           (r->insn.zydis.opcode & 0xf6) == 0xa6;
}

/* --- guest memory --- */

/* `bytes` of RAM, or NULL if some of them are none. */
static u8 *ram_at(const struct replay *r, linear_t at, u32 bytes)
{
    const struct memory *mem = &r->x->mem;
    linear_t last = at + bytes - 1;
    return memory_kind(mem, at) == PAGE_RAM && memory_kind(mem, last) == PAGE_RAM && last >= at
               ? mem->view + at
               : NULL;
}

static linear_t stack_linear(const struct cpu_state *cpu, u32 offset)
{
    return cpu->sreg[CPU_SS].base + (cpu->sreg[CPU_SS].db ? offset : offset & 0xffff);
}

/* --- undefined flags --- */

/* The flags that are about to be stored `depth` bytes below the top of the stack become what KVM has stored
 * there, as far as they are undefined. */
static void adopt_flags(struct replay *r, u32 depth, bool linear_esp)
{
    struct cpu_state *cpu = &r->x->cpu;
    const struct memory *theirs = &r->t->kvm.mem;
    u32 offset = cpu->reg[CPU_ESP] - depth;
    linear_t at = linear_esp ? offset : stack_linear(cpu, offset);
    u16 image;
    if (!r->undefined || !ram_at(r, at, sizeof image))
        return;
    memcpy(&image, theirs->view + at, sizeof image);
    cpu->eflags = (cpu->eflags & ~r->undefined) | (image & r->undefined);
    r->undefined = 0;
}

static void adopt_stored_flags(struct replay *r)
{
    if (is_mnemonic(r, ZYDIS_MNEMONIC_PUSHF, ZYDIS_MNEMONIC_PUSHFD))
        adopt_flags(r, r->insn.op_size, false);
    else if (is_mnemonic(r, ZYDIS_MNEMONIC_INT, ZYDIS_MNEMONIC_INT3))
        adopt_flags(r, cpu_protected(&r->x->cpu) ? 4 : 2, false);
}

/* Into the frame of an exception. */
static void adopt_raised_flags(struct replay *r)
{
    const struct cpu_state *cpu = &r->x->cpu;
    bool protected = cpu_protected(cpu);
    adopt_flags(r, protected ? 4 : 2, r->odd && protected && !cpu->sreg[CPU_SS].db);
}

static u32 flags_read(const struct replay *r)
{
    return r->insn.zydis.cpu_flags ? r->insn.zydis.cpu_flags->tested : 0;
}

static bool writes_flags_always(const struct replay *r)
{
    ZydisInstructionCategory category = r->insn.zydis.meta.category;
    return category != ZYDIS_CATEGORY_SHIFT && category != ZYDIS_CATEGORY_ROTATE && !is_compare(r);
}

static void note_flags_read(struct replay *r)
{
    if (r->valid && (r->undefined & flags_read(r)))
        happened(r, ODDITY_UNDEFINED);
}

static void note_flags_written(struct replay *r)
{
    const ZydisAccessedFlags *flags = r->valid ? r->insn.zydis.cpu_flags : NULL;
    if (!flags)
        return;
    if (writes_flags_always(r))
        r->undefined &= ~(flags->modified | flags->set_0 | flags->set_1);
    r->undefined = (r->undefined | flags->undefined) & FLAGS_ARITH;
}

/* --- exceptions --- */

static void store_part_of_pusha(struct replay *r)
{
    const struct cpu_state *cpu = &r->x->cpu;
    u32 size = r->insn.op_size;
    for (u32 reg = 0; reg < CPU_REGS; reg++) {
        u32 offset = cpu->reg[CPU_ESP] - (reg + 1) * size;
        u8 *to = ram_at(r, stack_linear(cpu, offset), size);
        if ((!cpu->sreg[CPU_SS].db ? offset & 0xffff : offset) > cpu->sreg[CPU_SS].limit - (size - 1) || !to)
            return;
        memcpy(to, &cpu->reg[reg], size);
        happened(r, ODDITY_PUSHA);
    }
}

/* What lay below the top of the stack, nearest first. */
static void save_stack(const struct replay *r, u32 *before)
{
    const struct cpu_state *cpu = &r->x->cpu;
    for (u32 i = 0; i < FRAME_MAX; i++) {
        const u8 *from = ram_at(r, stack_linear(cpu, cpu->reg[CPU_ESP] - 4 * (i + 1)), 4);
        before[i] = 0;
        if (from)
            memcpy(&before[i], from, sizeof before[i]);
    }
}

/* Each doubleword goes from where the interpreter has put it to below linear ESP. */
static void move_frame(struct replay *r, u32 old_esp, u32 n, const u32 *before)
{
    struct cpu_state *cpu = &r->x->cpu;
    u32 frame[FRAME_MAX] = {0};
    if (stack_linear(cpu, old_esp) == old_esp && cpu->reg[CPU_ESP] == old_esp - 4 * n)
        return;
    for (u32 i = 0; i < n; i++) {
        u8 *from = ram_at(r, stack_linear(cpu, old_esp - 4 * (i + 1)), 4);
        if (from) {
            memcpy(&frame[i], from, sizeof frame[i]);
            memcpy(from, &before[i], sizeof before[i]);
        }
    }
    for (u32 i = 0; i < n; i++) {
        u8 *to = ram_at(r, old_esp - 4 * (i + 1), 4);
        if (to)
            memcpy(to, &frame[i], sizeof frame[i]);
    }
    cpu->reg[CPU_ESP] = old_esp - 4 * n;
    happened(r, ODDITY_FRAME);
}

/* An element before this one was compared. */
static void lose_flags(struct replay *r)
{
    u32 *flags = &r->x->cpu.eflags;
    if ((*flags ^ r->string_flags) & FLAGS_ARITH)
        happened(r, ODDITY_STRING);
    *flags = (*flags & ~FLAGS_ARITH) | (r->string_flags & FLAGS_ARITH);
}

/* What KVM read more than the interpreter did, if the handler halts: else the reads may be the handler's. */
static void make_reads(struct replay *r)
{
    const u8 *handler = ram_at(r, cpu_rip_linear(&r->x->cpu), 1);
    if (!handler || *handler != HLT)
        return;
    struct device *ours = &r->x->dev;
    const struct device *theirs = &r->t->kvm.dev;
    while (ours->n < MIN(theirs->n, DEVICE_LOG)) {
        const struct access *access = &theirs->log[ours->n];
        if (access->kind != ACCESS_PORT_IN && access->kind != ACCESS_MMIO_READ)
            return;
        device_access(ours, access->kind, access->addr, access->size, 0);
        happened(r, ODDITY_READS);
    }
}

static bool raise_oddly(struct replay *r)
{
    struct cpu_state *cpu = &r->x->cpu;
    u32 old_esp = cpu->reg[CPU_ESP], n = r->x->interp.fault_has_error ? FRAME_MAX : FRAME_MAX - 1;
    u32 before[FRAME_MAX];
    if (is_mnemonic(r, ZYDIS_MNEMONIC_PUSHA, ZYDIS_MNEMONIC_PUSHAD))
        store_part_of_pusha(r);
    if (is_compare(r) && r->in_string)
        lose_flags(r);
    save_stack(r, before);
    if (executor_raise(r->x) != INTERP_DONE)
        return false;
    if (cpu_protected(cpu) && !cpu->sreg[CPU_SS].db)
        move_frame(r, old_esp, n, before);
    if (cpu->eflags & FLAG_AC) {
        cpu->eflags &= ~FLAG_AC;
        happened(r, ODDITY_AC);
    }
    if (!cpu_protected(cpu) && cpu->reg[CPU_ESP] > 0xffff) {
        cpu->reg[CPU_ESP] &= 0xffff;
        happened(r, ODDITY_ESP);
    }
    make_reads(r);
    return true;
}

static bool raise(struct replay *r)
{
    adopt_raised_flags(r);
    return r->odd ? raise_oddly(r) : executor_raise(r->x) == INTERP_DONE;
}

/* --- instructions --- */

static void set_flag(u32 *flags, u32 flag, bool on)
{
    *flags = on ? *flags | flag : *flags & ~flag;
}

static void set_wide_flags(struct replay *r)
{
    u32 *flags = &r->x->cpu.eflags, before = *flags;
    u32 value = r->x->cpu.reg[CPU_EAX];
    if (r->insn.op_size == 2)
        value <<= 16;
    set_flag(flags, FLAG_SF, value >> 31);
    set_flag(flags, FLAG_ZF, !value);
    if (*flags != before)
        happened(r, ODDITY_AAM);
}

/* What the emulator has of the flags when a repeated comparison begins or goes on. */
static void before_string(struct replay *r)
{
    if (is_compare(r) && (!r->in_string || r->x->cpu.reg[CPU_ECX] % BATCH == 0))
        r->string_flags = r->x->cpu.eflags;
}

/* A comparison found what it looks for, or something else. */
static bool has_ended(const struct replay *r)
{
    return !(r->x->cpu.eflags & FLAG_ZF) == !r->insn.repne;
}

/* One instruction; of a repeated comparison no more elements than the emulator executes before it writes
 * everything back. */
static enum interp_result step(struct replay *r)
{
    struct cpu_state *cpu = &r->x->cpu;
    u32 mask = r->insn.addr_size == 2 ? 0xffff : 0xffffffff, eip = cpu->eip;
    u32 count = cpu->reg[CPU_ECX] & mask, batch = count % BATCH ? count % BATCH : BATCH;
    if (!is_compare(r) || count <= batch)
        return executor_step(r->x);
    cpu->reg[CPU_ECX] -= count - batch;
    enum interp_result result = executor_step(r->x);
    bool done = result == INTERP_DONE && !(cpu->reg[CPU_ECX] & mask) && !has_ended(r);
    cpu->reg[CPU_ECX] += count - batch;
    if (!done)
        return result;
    cpu->eip = eip;
    cpu->eflags |= FLAG_RF;
    return INTERP_AGAIN;
}

static bool repeats(const struct replay *r)
{
    return r->valid && r->insn.string && (r->insn.rep || r->insn.repne);
}

/* A repeated string instruction, now or a few elements ago at this place, is not what it was. */
static void note_own_bytes(struct replay *r, linear_t at)
{
    for (u32 i = 0; repeats(r) && i < r->insn.length; i++) {
        const u8 *now = ram_at(r, at + i, 1);
        if (now && *now != r->insn.bytes[i])
            happened(r, ODDITY_OWN_BYTES);
    }
}

static void note_event(struct replay *r, bool fired)
{
    enum device_event event = r->t->s->device.event;
    if (repeats(r) && (r->insn.zydis.opcode & 0xfe) == 0x6c && r->x->dev.fired && !fired &&
        (event == EVENT_DMA || event == EVENT_A20))
        happened(r, ODDITY_INS);
}

/* False: it ends here. */
static bool replay_step(struct replay *r)
{
    linear_t at = cpu_rip_linear(&r->x->cpu);
    bool fired = r->x->dev.fired;
    u32 eflags = r->x->cpu.eflags, undefined = r->undefined;
    r->valid = executor_decode(r->x, &r->insn);
    adopt_stored_flags(r);
    note_flags_read(r);
    before_string(r);
    enum interp_result result = step(r);
    if (result == INTERP_FAULT) {
        if (r->undefined != undefined) { /* they were not stored */
            r->x->cpu.eflags = eflags;
            r->undefined = undefined;
        }
        bool raised = raise(r);
        r->in_string = false;
        return raised;
    }
    r->in_string = result == INTERP_AGAIN;
    note_flags_written(r);
    note_own_bytes(r, at);
    note_event(r, fired);
    if (r->odd && is_mnemonic(r, ZYDIS_MNEMONIC_AAM, ZYDIS_MNEMONIC_AAD))
        set_wide_flags(r);
    return result == INTERP_DONE || result == INTERP_AGAIN;
}

void oddity_replay(struct trio *t, bool odd)
{
    struct replay r = {.t = t, .x = &t->interp, .odd = odd};
    trio_rewind(t);
    t->odd = 0;
    for (u32 n = 0; n < REPLAY_LIMIT && !r.x->cpu.halted && replay_step(&r); n++)
        ;
    t->undefined = r.undefined;
}
