/* The one place where the architectural state changes format: struct cpu_state <-> the shared page. */
#include "kvm/vcpu.h"

#include <linux/kvm.h>
#include <string.h>

static void segment_from_kvm(struct cpu_segment *to, const struct kvm_segment *from)
{
    *to = (struct cpu_segment){
        .base = (u32)from->base,
        .limit = from->limit,
        .selector = from->selector,
        .type = from->type,
        .dpl = from->dpl,
        .s = from->s,
        .present = from->present,
        .db = from->db,
        .g = from->g,
        .unusable = from->unusable,
        .avl = from->avl,
    };
}

static void segment_to_kvm(struct kvm_segment *to, const struct cpu_segment *from)
{
    *to = (struct kvm_segment){
        .base = from->base,
        .limit = from->limit,
        .selector = from->selector,
        .type = from->type,
        .dpl = from->dpl,
        .s = from->s,
        .present = from->present,
        .db = from->db,
        .g = from->g,
        .unusable = from->unusable,
        .avl = from->avl,
    };
}

void vcpu_get_state(const struct vcpu *vcpu, struct cpu_state *cpu)
{
    const struct kvm_sync_regs *sync = &vcpu->run->s.regs;
    const struct kvm_regs *r = &sync->regs;
    const struct kvm_sregs *s = &sync->sregs;
    const u64 gpr[CPU_REGS] = {r->rax, r->rcx, r->rdx, r->rbx, r->rsp, r->rbp, r->rsi, r->rdi};
    for (int i = 0; i < CPU_REGS; i++)
        cpu->reg[i] = (u32)gpr[i];
    cpu->eip = (u32)r->rip;
    cpu->eflags = (u32)r->rflags;
    const struct kvm_segment *const seg[CPU_SREGS] = {&s->es, &s->cs, &s->ss, &s->ds, &s->fs, &s->gs};
    for (int i = 0; i < CPU_SREGS; i++)
        segment_from_kvm(&cpu->sreg[i], seg[i]);
    segment_from_kvm(&cpu->ldt, &s->ldt);
    segment_from_kvm(&cpu->tr, &s->tr);
    cpu->gdt = (struct cpu_table){(u32)s->gdt.base, s->gdt.limit};
    cpu->idt = (struct cpu_table){(u32)s->idt.base, s->idt.limit};
    cpu->cr0 = (u32)s->cr0;
    cpu->cr2 = (u32)s->cr2;
    cpu->cr3 = (u32)s->cr3;
    cpu->cr4 = (u32)s->cr4;
    cpu->interrupt_shadow = sync->events.interrupt.shadow != 0;
    cpu->halted = false;
}

void vcpu_where(const struct vcpu *vcpu, struct cpu_where *where, bool *resumes)
{
    const struct kvm_sync_regs *sync = &vcpu->run->s.regs;
    const struct kvm_sregs *s = &sync->sregs;
    u32 eflags = (u32)sync->regs.rflags;
    where->eip = (u32)sync->regs.rip;
    where->cs_base = (u32)s->cs.base;
    where->mode = cpu_mode_bits((u32)s->cr0, eflags, s->cs.db, s->ss.db, s->ss.dpl);
    *resumes = eflags & FLAG_RF;
}

static bool put_sregs(struct kvm_sregs *s, const struct cpu_state *cpu)
{
    struct kvm_sregs new = *s;
    struct kvm_segment *const seg[CPU_SREGS] = {&new.es, &new.cs, &new.ss, &new.ds, &new.fs, &new.gs};
    for (int i = 0; i < CPU_SREGS; i++)
        segment_to_kvm(seg[i], &cpu->sreg[i]);
    segment_to_kvm(&new.ldt, &cpu->ldt);
    segment_to_kvm(&new.tr, &cpu->tr);
    new.gdt.base = cpu->gdt.base;
    new.gdt.limit = cpu->gdt.limit;
    new.idt.base = cpu->idt.base;
    new.idt.limit = cpu->idt.limit;
    new.cr0 = cpu->cr0;
    new.cr2 = cpu->cr2;
    new.cr3 = cpu->cr3;
    new.cr4 = cpu->cr4;
    if (!memcmp(&new, s, sizeof new))
        return false;
    *s = new;
    return true;
}

/* With IF clear a processor refuses the shadow of STI, but not that of MOV SS. */
static u8 shadow_bits(const struct cpu_state *cpu)
{
    if (!cpu->interrupt_shadow)
        return 0;
    return cpu->eflags & FLAG_IF ? KVM_X86_SHADOW_INT_STI : KVM_X86_SHADOW_INT_MOV_SS;
}

/* Puts the shadow into `events`. False if it is there already: EVENTS costs more than the other registers. */
static bool put_shadow(struct kvm_vcpu_events *events, const struct cpu_state *cpu)
{
    u8 now = events->interrupt.shadow, wanted = shadow_bits(cpu);
    if (wanted ? now & wanted : !now)
        return false;
    events->interrupt.shadow = wanted;
    events->flags = KVM_VCPUEVENT_VALID_SHADOW;
    return true;
}

bool vcpu_put_state(struct vcpu *vcpu, const struct cpu_state *cpu)
{
    struct kvm_sync_regs *sync = &vcpu->run->s.regs;
    struct kvm_regs *r = &sync->regs;
    __u64 *const gpr[CPU_REGS] = {&r->rax, &r->rcx, &r->rdx, &r->rbx, &r->rsp, &r->rbp, &r->rsi, &r->rdi};
    for (int i = 0; i < CPU_REGS; i++)
        *gpr[i] = cpu->reg[i];
    r->rip = cpu->eip;
    r->rflags = cpu->eflags;
    u64 dirty = KVM_SYNC_X86_REGS;
    if (put_sregs(&sync->sregs, cpu))
        dirty |= KVM_SYNC_X86_SREGS;
    /* KVM drops its pending exception when registers are replaced; EVENTS, if they are, must not bring it back. An
     * interrupt that it has taken over stays. */
    memset(&sync->events.exception, 0, sizeof sync->events.exception);
    if (put_shadow(&sync->events, cpu))
        dirty |= KVM_SYNC_X86_EVENTS;
    vcpu->run->kvm_dirty_regs |= dirty;
    return dirty & KVM_SYNC_X86_SREGS;
}

void cpu_reset(struct cpu_state *cpu)
{
    enum { TYPE_DATA_RW = 3, TYPE_CODE_RX = 11, TYPE_LDT = 2, TYPE_BUSY_TSS = 11 };
    const struct cpu_segment data = {.limit = 0xffff, .type = TYPE_DATA_RW, .s = true, .present = true};
    memset(cpu, 0, sizeof *cpu);
    for (int i = 0; i < CPU_SREGS; i++)
        cpu->sreg[i] = data;
    cpu->sreg[CPU_CS].selector = 0xf000;
    cpu->sreg[CPU_CS].base = 0xffff0000;
    cpu->sreg[CPU_CS].type = TYPE_CODE_RX;
    cpu->ldt = (struct cpu_segment){.limit = 0xffff, .type = TYPE_LDT, .present = true};
    cpu->tr = (struct cpu_segment){.limit = 0xffff, .type = TYPE_BUSY_TSS, .present = true};
    cpu->gdt.limit = cpu->idt.limit = 0xffff;
    cpu->eip = 0xfff0;
    cpu->eflags = FLAG_FIXED;
    cpu->cr0 = CR0_CD | CR0_NW | CR0_ET;
    cpu->reg[CPU_EDX] = 0x480; /* component identifier: a 486DX4 */
}
