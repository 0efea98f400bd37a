/* Taking interrupts, waiting in HLT, and what KVM cannot do.
 *
 * An interrupt is taken at the first instruction boundary where IF is set and no shadow is live: right after the device
 * access that raised it, or where IF opens. A backend that opens the interrupt window late (struct vcpu_traits) would
 * take it up to a thousand instructions later; there the interpreter brings the guest to the exact place, at every
 * clustering level, leaving device accesses to KVM so that exits stay exits. */
#include "vmm_internal.h"

#include "base/log.h"
#include "dev/pic.h"
#include "net/net.h"

#include <errno.h>
#include <string.h>

enum {
    PENDING_BATCH = 100000, /* instructions between looks at the host */
    RESCUE_REACH = 16,      /* instructions within which the next of the x87 is expected */
};

/* The REP rule of cluster/interp.h, seen from a state between two elements: may an interrupt be taken here? */
enum rep_state { REP_NONE, REP_FINISHED, REP_INTERRUPTIBLE, REP_READS_DEVICE };

static bool operand_on_device(const struct vmm *vmm, const struct insn *insn, const ZydisDecodedOperand *op)
{
    static const enum cpu_sreg sreg_of[] = {CPU_ES, CPU_CS, CPU_SS, CPU_DS, CPU_FS, CPU_GS};
    ZydisRegister base = op->mem.base;
    bool di = base == ZYDIS_REGISTER_DI || base == ZYDIS_REGISTER_EDI;
    u32 offset = vmm->cpu.reg[di ? CPU_EDI : CPU_ESI];
    if (insn->addr_size == 2)
        offset &= 0xffff;
    enum cpu_sreg sreg = sreg_of[op->mem.segment - ZYDIS_REGISTER_ES];
    linear_t linear = vmm->cpu.sreg[sreg].base + offset;
    enum page_kind kind = memory_kind(&vmm->machine.memory, linear);
    return kind != PAGE_RAM && kind != PAGE_ROM;
}

static enum rep_state rep_state(const struct vmm *vmm)
{
    struct insn insn;
    if (!(vmm->cpu.eflags & FLAG_RF) || !vmm_decode(vmm, vmm->cpu.eip, &insn) || !insn.string || !(insn.rep || insn.repne))
        return REP_NONE;
    u32 count = vmm->cpu.reg[CPU_ECX];
    if (!(insn.addr_size == 2 ? count & 0xffff : count))
        return REP_FINISHED;
    ZydisInstructionCategory category = insn.zydis.meta.category;
    if (category == ZYDIS_CATEGORY_IOSTRINGOP && insn.zydis.opcode < 0x6e)
        return REP_READS_DEVICE; /* INS: 6Ch, 6Dh */
    for (u32 i = 0; i < insn.zydis.operand_count; i++) {
        const ZydisDecodedOperand *op = &insn.operand[i];
        if (op->type == ZYDIS_OPERAND_TYPE_MEMORY && (op->actions & ZYDIS_OPERAND_ACTION_MASK_READ) &&
            operand_on_device(vmm, &insn, op))
            return REP_READS_DEVICE;
    }
    return REP_INTERRUPTIBLE;
}

/* Delivery by KVM, for modes the interpreter does not know and gates it refuses. */
static int inject_through_kvm(struct vmm *vmm, u8 vector)
{
    vmm->entry = vcpu_put_state(&vmm->vcpu, &vmm->cpu) ? EXPLAIN_ENTRY_SREGS : EXPLAIN_ENTRY_REGS;
    vmm->cpu_current = false;
    vcpu_inject(&vmm->vcpu, vector);
    return 0;
}

static int deliver(struct vmm *vmm)
{
    u8 vector = pic_acknowledge(vmm->machine.pic);
    trace_add(&vmm->machine.trace, ACCESS_INTERRUPT, vector, 0, 0);
    vmm->stats->interrupts++;
    vmm->cpu.halted = false;
    vcpu_request_window(&vmm->vcpu, false);
    vmm->interp.allow_devices = true; /* the stack may be one */
    if (cpu_mode_supported(&vmm->cpu) &&
        interp_deliver(&vmm->interp, &vmm->cpu, vector, false, 0) == INTERP_DONE)
        return 1;
    return inject_through_kvm(vmm, vector);
}

/* Raises the exception that the interpreter found. False: not deliverable (the guest is beyond help). */
static bool raise_fault(struct vmm *vmm)
{
    struct interp *in = &vmm->interp;
    vmm->cpu.eflags |= FLAG_RF; /* a fault pushes it set (SDM volume 3, 18.3.1.1) */
    return interp_deliver(in, &vmm->cpu, in->fault_vector, in->fault_has_error, in->fault_error) == INTERP_DONE;
}

/* Interprets until the interrupt can be taken. 1: state changed, look again. 0: KVM must run the next instruction. */
static int interpret_to_window(struct vmm *vmm)
{
    vmm->interp.allow_devices = false;
    for (u32 i = 0; i < PENDING_BATCH; i++) {
        enum interp_result result = interp_step(&vmm->interp, &vmm->cpu);
        if (result == INTERP_DEVICE)
            return 0;
        if (result == INTERP_UNSUPPORTED || (result == INTERP_FAULT && !raise_fault(vmm))) {
            vcpu_request_window(&vmm->vcpu, true);
            return 0;
        }
        vmm->stats->pending_instructions++;
        if (vmm_interrupt_deliverable(vmm) || vmm->cpu.halted || vmm->attention ||
            !cpu_mode_supported(&vmm->cpu) || (vmm->cpu.eflags & FLAG_TF))
            return 1;
    }
    return 1;
}

int vmm_service_interrupt(struct vmm *vmm)
{
    int rc = vmm_sync(vmm);
    if (rc)
        return rc;
    if (!vmm->cpu_current) { /* an exception first */
        vcpu_request_window(&vmm->vcpu, true);
        return 0;
    }
    if (!cpu_mode_supported(&vmm->cpu) || (vmm->cpu.eflags & FLAG_TF)) {
        if ((vmm->cpu.halted || vcpu_can_inject(&vmm->vcpu)) && vmm_interrupt_deliverable(vmm))
            return deliver(vmm);
        vcpu_request_window(&vmm->vcpu, true);
        return 0;
    }
    enum rep_state rep = rep_state(vmm);
    if (rep == REP_FINISHED || rep == REP_READS_DEVICE)
        return interpret_to_window(vmm); /* the first to its end; the second stops before its device */
    if (vmm_interrupt_deliverable(vmm))
        return deliver(vmm);
    if (vmm->cpu.halted)
        return 0; /* IF is clear: nothing will wake it; vmm_halt reports that */
    /* A live shadow ends with the next instruction; not every KVM opens the window behind it if it was put in from here
     * (seen on nested SVM). */
    bool shadowed = vmm->cpu.interrupt_shadow && (vmm->cpu.eflags & FLAG_IF);
    if (vmm->vcpu.traits.late_window || shadowed)
        return interpret_to_window(vmm);
    vcpu_request_window(&vmm->vcpu, true);
    return 0;
}

void vmm_halt(struct vmm *vmm)
{
    if (!(vmm->cpu.eflags & FLAG_IF)) {
        vmm_crash(vmm, "the guest stopped: HLT with interrupts disabled");
        return;
    }
    struct clock *clock = &vmm->machine.clock;
    const struct net *net = vmm->config->machine.net;
    bool frames = net && !net->class->repeatable; /* others come with an event */
    if (clock->next_deadline_ns == CLOCK_NEVER && (vmm->config->display || vmm->config->control || frames))
        vmm_sleep_until(vmm, CLOCK_NEVER); /* for a key, or a frame */
    else if (clock->next_deadline_ns == CLOCK_NEVER)
        vmm_crash(vmm, "the guest halted and no device will ever interrupt it");
    else if (clock->mode == CLOCK_MODE_ACCESS) {
        vmm_timeline_sample(vmm);
        clock_jump_to_next(clock);
    } else {
        vmm_sleep_until(vmm, clock->next_deadline_ns);
        clock_run_due(clock);
    }
}

static const char *insn_text(const struct vmm *vmm, char *text, size_t size)
{
    struct insn insn;
    if (vmm_decode(vmm, vmm->cpu.eip, &insn))
        insn_format(&insn, text, size);
    else
        snprintf(text, size, "an instruction");
    return text;
}

static bool may_step(const struct vmm *vmm)
{
    return !vmm->machine.requests && !vmm_interrupt_deliverable(vmm) && cpu_mode_supported(&vmm->cpu) &&
           !(vmm->cpu.eflags & FLAG_TF) && !vmm_at_halt(vmm);
}

/* A KVM without the x87 gives up again a few instructions on: they are executed here, up to the next exit. */
static void rescue_x87_code(struct vmm *vmm)
{
    struct interp *in = &vmm->interp;
    in->allow_devices = false;
    for (u32 left = RESCUE_REACH; left && !vmm->attention && may_step(vmm); left--) {
        if (interp_step(in, &vmm->cpu) != INTERP_DONE)
            return;
        if (!in->x87)
            continue;
        vmm->stats->rescued_instructions++;
        left = RESCUE_REACH;
    }
}

int vmm_rescue(struct vmm *vmm)
{
    int rc = vmm_sync(vmm);
    if (rc)
        return rc;
    char text[96], what[160];
    if (!cpu_mode_supported(&vmm->cpu)) {
        vmm_crash(vmm, "KVM cannot emulate \"%s\" in this mode (paging, virtual-8086 or outer ring)",
                  insn_text(vmm, text, sizeof text));
        return 0;
    }
    vmm->interp.allow_devices = true;
    switch (interp_step(&vmm->interp, &vmm->cpu)) {
    case INTERP_DONE:
    case INTERP_AGAIN:
        vmm->stats->rescued_instructions++;
        if (vmm->interp.x87)
            rescue_x87_code(vmm);
        break;
    case INTERP_FAULT:
        if (raise_fault(vmm))
            break;
        snprintf(what, sizeof what, "exception %u at \"%s\" cannot be delivered: triple fault", vmm->interp.fault_vector,
                 insn_text(vmm, text, sizeof text));
        return vmm_triple_fault(vmm, what);
    default:
        vmm_crash(vmm, "neither KVM nor the interpreter can execute \"%s\"", insn_text(vmm, text, sizeof text));
        break;
    }
    return 0;
}

/* KVM's emulator takes the number as signed, and in real mode tries INT 80h and above for ever. */
static bool kvm_is_at_high_interrupt(const struct vmm *vmm)
{
    enum { OP_INT = 0xcd };
    const struct memory *mem = &vmm->machine.memory;
    linear_t at = vcpu_rip_linear(&vmm->vcpu);
    struct cpu_where where;
    bool resumes;
    if (memory_kind(mem, at) != PAGE_RAM || memory_kind(mem, at + 1) != PAGE_RAM || mem->view[at] != OP_INT ||
        mem->view[at + 1] <= 0x7f)
        return false;
    vcpu_where(&vmm->vcpu, &where, &resumes);
    return !(where.mode & MODE_PROTECTED);
}

int vmm_rescue_if_stuck(struct vmm *vmm)
{
    linear_t at = vcpu_rip_linear(&vmm->vcpu);
    bool stuck = at == vmm->kicked_at && vmm->vcpu.runs == vmm->kicked_run + 1;
    vmm->kicked_at = at;
    vmm->kicked_run = vmm->vcpu.runs;
    if (!stuck || !kvm_is_at_high_interrupt(vmm))
        return 0;
    int rc = vmm_sync(vmm);
    if (rc || !vmm->cpu_current || !may_step(vmm))
        return rc;
    vmm->interp.allow_devices = false;
    if (interp_step(&vmm->interp, &vmm->cpu) == INTERP_DONE)
        vmm->stats->rescued_instructions++;
    return 0;
}

void vmm_finish_instruction(struct vmm *vmm)
{
    if (vmm_sync(vmm) || !vmm->cpu_current || !cpu_mode_supported(&vmm->cpu) || rep_state(vmm) != REP_READS_DEVICE)
        return;
    vmm->interp.allow_devices = true;
    (void)interp_step(&vmm->interp, &vmm->cpu);
}
