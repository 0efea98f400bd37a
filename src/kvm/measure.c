/* See measure.h. Intel SDM volume 3, 9.8.5 (entering IA-32e mode). */
#include "kvm/measure.h"

#include <errno.h>
#include <linux/kvm.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

enum {
    CPUID_ENTRIES = 256,
    KERNEL_PAGE = 4096,
    EFER_LME = BIT(8),
    EFER_LMA = BIT(10),
    CR4_PAE = BIT(5),
    TYPE_CODE = 11, /* readable, accessed */
    TYPE_DATA = 3,  /* writable, accessed */
    SEL_CODE = 8,
    SEL_DATA = 16,
    SEL_RING3 = 16 + 3, /* added for ring 3 */
};

int vcpu_enter(struct vcpu *vcpu)
{
    return ioctl(vcpu->fd, KVM_RUN, 0) ? -errno : 0;
}

int vcpu_enter_many(struct vcpu *vcpu, u32 n)
{
    for (u32 i = 0; i < n; i++)
        if (ioctl(vcpu->fd, KVM_RUN, 0))
            return -errno;
    return 0;
}

void vcpu_sync_at_exit(struct vcpu *vcpu, bool all)
{
    vcpu->run->kvm_valid_regs = all ? KVM_SYNC_X86_REGS | KVM_SYNC_X86_SREGS | KVM_SYNC_X86_EVENTS : 0;
}

void vcpu_sync_at_entry(struct vcpu *vcpu)
{
    vcpu->run->kvm_dirty_regs = KVM_SYNC_X86_REGS | KVM_SYNC_X86_SREGS | KVM_SYNC_X86_EVENTS;
}

void vcpu_set_immediate_exit(struct vcpu *vcpu, bool on)
{
    vcpu->run->immediate_exit = on;
}

int vcpu_do_ioctl(struct vcpu *vcpu, enum vcpu_ioctl which)
{
    struct kvm_sync_regs *sync = &vcpu->run->s.regs;
    int rc = -1;
    switch (which) {
    case VCPU_GET_REGS:
        rc = ioctl(vcpu->fd, KVM_GET_REGS, &sync->regs);
        break;
    case VCPU_SET_REGS:
        rc = ioctl(vcpu->fd, KVM_SET_REGS, &sync->regs);
        break;
    case VCPU_GET_SREGS:
        rc = ioctl(vcpu->fd, KVM_GET_SREGS, &sync->sregs);
        break;
    case VCPU_SET_SREGS:
        rc = ioctl(vcpu->fd, KVM_SET_SREGS, &sync->sregs);
        break;
    case VCPU_IOCTLS:
        errno = EINVAL;
        break;
    }
    return rc ? -errno : 0;
}

int vm_coalesce(struct vm *vm, bool port, u64 first, u32 bytes)
{
    int capability = port ? KVM_CAP_COALESCED_PIO : KVM_CAP_COALESCED_MMIO;
    if (ioctl(vm->system_fd, KVM_CHECK_EXTENSION, capability) <= 0)
        return -ENOTSUP;
    struct kvm_coalesced_mmio_zone zone = {.addr = first, .size = bytes, .pio = port};
    return ioctl(vm->fd, KVM_REGISTER_COALESCED_MMIO, &zone) ? -errno : 0;
}

u32 vcpu_drain_coalesced(const struct vm *vm, const struct vcpu *vcpu)
{
    int page = ioctl(vm->system_fd, KVM_CHECK_EXTENSION, KVM_CAP_COALESCED_MMIO);
    if (page <= 0 || (u32)(page + 1) * KERNEL_PAGE > vcpu->run_bytes)
        return 0;
    struct kvm_coalesced_mmio_ring *ring = (void *)((u8 *)vcpu->run + page * KERNEL_PAGE);
    u32 most = (KERNEL_PAGE - sizeof *ring) / sizeof ring->coalesced_mmio[0];
    u32 last = __atomic_load_n(&ring->last, __ATOMIC_ACQUIRE);
    u32 n = (last + most - ring->first) % most;
    __atomic_store_n(&ring->first, last, __ATOMIC_RELEASE);
    return n;
}

int vcpu_show_host_cpuid(const struct vm *vm, struct vcpu *vcpu)
{
    struct kvm_cpuid2 *cpuid = calloc(1, sizeof *cpuid + CPUID_ENTRIES * sizeof cpuid->entries[0]);
    if (!cpuid)
        return -ENOMEM;
    cpuid->nent = CPUID_ENTRIES;
    int rc = ioctl(vm->system_fd, KVM_GET_SUPPORTED_CPUID, cpuid) || ioctl(vcpu->fd, KVM_SET_CPUID2, cpuid)
                 ? -errno
                 : 0;
    free(cpuid);
    return rc;
}

static void set_segment(struct kvm_segment *s, u16 selector, u8 type)
{
    bool code = type == TYPE_CODE;
    *s = (struct kvm_segment){.limit = 0xffffffff,
                              .selector = selector,
                              .type = type,
                              .dpl = selector & 3,
                              .present = 1,
                              .s = 1,
                              .g = 1,
                              .l = code,
                              .db = !code};
}

int vcpu_start_long(struct vcpu *vcpu, const struct vcpu_long_start *start)
{
    struct kvm_sregs sregs;
    if (ioctl(vcpu->fd, KVM_GET_SREGS, &sregs))
        return -errno;
    u16 ring = start->ring3 ? SEL_RING3 : 0;
    set_segment(&sregs.cs, SEL_CODE + ring, TYPE_CODE);
    struct kvm_segment *const data[] = {&sregs.ds, &sregs.es, &sregs.fs, &sregs.gs, &sregs.ss};
    for (size_t i = 0; i < ARRAY_LEN(data); i++)
        set_segment(data[i], SEL_DATA + ring, TYPE_DATA);
    sregs.cr0 = (u32)CR0_PE | (u32)CR0_ET | (u32)CR0_NE | (u32)CR0_PG;
    sregs.cr3 = start->cr3;
    sregs.cr4 = CR4_PAE;
    sregs.efer = EFER_LME | EFER_LMA;
    sregs.gdt = (struct kvm_dtable){.base = start->gdt, .limit = start->gdt_limit};
    sregs.idt = (struct kvm_dtable){.base = start->idt, .limit = start->idt_limit};
    struct kvm_regs regs = {
        .rip = start->rip, .rsp = start->rsp, .rflags = FLAG_FIXED | (start->ring3 ? FLAG_IOPL : 0)};
    vcpu->run->kvm_dirty_regs = 0;
    if (ioctl(vcpu->fd, KVM_SET_SREGS, &sregs) || ioctl(vcpu->fd, KVM_SET_REGS, &regs))
        return -errno;
    vcpu->run->s.regs.sregs = sregs;
    vcpu->run->s.regs.regs = regs;
    return 0;
}
