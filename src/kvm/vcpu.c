/* KVM_RUN and what comes with it. */
#include "kvm/vcpu.h"

#include "base/log.h"
#include "kvm/measure.h"

#include <errno.h>
#include <linux/kvm.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#define SYNC_ALL (KVM_SYNC_X86_REGS | KVM_SYNC_X86_SREGS | KVM_SYNC_X86_EVENTS)

enum {
    CPUID_486DX4 = 0x480,      /* family 4, model 8, stepping 0 */
    /* FPU; and CMOV and FXSAVE, which programs use without asking (iPXE) and which KVM's emulator refuses unless they are
     * announced. */
    CPUID_FEATURES = BIT(0) | BIT(15) | BIT(24),
    APIC_BASE_ENABLE = BIT(11), /* MSR 1Bh */
};

static u32 max_leaf(const struct vcpu_traits *traits)
{
    return traits->cpuid_leaks ? 0 : 1;
}

void vcpu_cpuid(const struct vcpu_traits *traits, u32 leaf, u32 out[4])
{
    memset(out, 0, 4 * sizeof out[0]);
    if (leaf == 0) {
        out[0] = max_leaf(traits);
        /* AMD's 486s: for leaves beyond the last, KVM answers zeros under this name, and the last leaf under Intel's. */
        memcpy(&out[1], "Auth", 4);
        memcpy(&out[3], "enti", 4);
        memcpy(&out[2], "cAMD", 4);
    } else if (leaf == 1 && traits->cpuid_leaks) {
        memcpy(out, traits->leaf1, 4 * sizeof out[0]);
    } else if (leaf == 1) {
        out[0] = CPUID_486DX4;
        out[3] = CPUID_FEATURES;
    }
}

static int set_cpuid(struct vcpu *vcpu)
{
    struct {
        struct kvm_cpuid2 head;
        struct kvm_cpuid_entry2 entry[2];
    } cpuid = {.head.nent = 2};
    for (u32 leaf = 0; leaf < cpuid.head.nent; leaf++) {
        u32 r[4];
        vcpu_cpuid(&vcpu->traits, leaf, r);
        cpuid.entry[leaf] =
            (struct kvm_cpuid_entry2){.function = leaf, .eax = r[0], .ebx = r[1], .ecx = r[2], .edx = r[3]};
    }
    return ioctl(vcpu->fd, KVM_SET_CPUID2, &cpuid) ? -errno : 0;
}

int vcpu_open(struct vcpu *vcpu, struct vm *vm, const struct vcpu_traits *traits, const volatile int *attention)
{
    *vcpu = (struct vcpu){
        .fd = -1, .run = MAP_FAILED, .run_bytes = vm->run_bytes, .traits = *traits, .attention = attention};
    int rc;
    vcpu->fd = ioctl(vm->fd, KVM_CREATE_VCPU, 0);
    if (vcpu->fd < 0)
        goto fail;
    vcpu->run = mmap(NULL, vcpu->run_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, vcpu->fd, 0);
    if (vcpu->run == MAP_FAILED)
        goto fail;
    rc = set_cpuid(vcpu);
    if (rc) {
        errno = -rc;
        goto fail;
    }
    struct kvm_sync_regs *sync = &vcpu->run->s.regs;
    if (ioctl(vcpu->fd, KVM_GET_REGS, &sync->regs) || ioctl(vcpu->fd, KVM_GET_SREGS, &sync->sregs) ||
        ioctl(vcpu->fd, KVM_GET_VCPU_EVENTS, &sync->events))
        goto fail;
    /* KVM shows CPUID's APIC bit while this one is set, whatever KVM_SET_CPUID2 said: a 486 has no local APIC. */
    sync->sregs.apic_base &= ~(u64)APIC_BASE_ENABLE;
    vcpu->run->kvm_valid_regs = SYNC_ALL;
    vcpu->run->kvm_dirty_regs = KVM_SYNC_X86_SREGS;
    return 0;
fail:
    rc = -errno;
    log_error("/dev/kvm: cannot create a vCPU: %s", strerror(-rc));
    vcpu_close(vcpu);
    return rc;
}

void vcpu_init_closed(struct vcpu *vcpu)
{
    *vcpu = (struct vcpu){.fd = -1, .run = MAP_FAILED};
}

void vcpu_close(struct vcpu *vcpu)
{
    vcpu_fpu_free(vcpu);
    if (vcpu->run != MAP_FAILED)
        munmap(vcpu->run, vcpu->run_bytes);
    if (vcpu->fd >= 0)
        close(vcpu->fd);
    vcpu->run = MAP_FAILED;
    vcpu->fd = -1;
}

static void decode_pio(struct kvm_run *run, struct vmexit *exit)
{
    exit->kind = VMEXIT_PIO;
    exit->pio.port = run->io.port;
    exit->pio.size = run->io.size;
    exit->pio.in = run->io.direction == KVM_EXIT_IO_IN;
    exit->pio.count = run->io.count;
    exit->pio.data = (u8 *)run + run->io.data_offset;
    exit->pio.string = run->io.count != 1;
}

static void decode_exit(struct kvm_run *run, struct vmexit *exit)
{
    switch (run->exit_reason) {
    case KVM_EXIT_IO:
        decode_pio(run, exit);
        break;
    case KVM_EXIT_MMIO:
        exit->kind = VMEXIT_MMIO;
        exit->mmio.gpa = run->mmio.phys_addr;
        exit->mmio.size = (u8)run->mmio.len;
        exit->mmio.write = run->mmio.is_write;
        exit->mmio.data = run->mmio.data;
        break;
    case KVM_EXIT_HLT:
        exit->kind = VMEXIT_HLT;
        break;
    case KVM_EXIT_IRQ_WINDOW_OPEN:
        exit->kind = VMEXIT_IRQ_WINDOW;
        break;
    case KVM_EXIT_INTR:
        exit->kind = VMEXIT_KICK;
        break;
    case KVM_EXIT_SHUTDOWN:
        exit->kind = VMEXIT_SHUTDOWN;
        break;
    case KVM_EXIT_INTERNAL_ERROR:
        exit->kind = run->internal.suberror == KVM_INTERNAL_ERROR_EMULATION ? VMEXIT_EMULATION : VMEXIT_UNKNOWN;
        exit->other.reason = run->exit_reason;
        exit->other.detail = run->internal.suberror;
        break;
    case KVM_EXIT_FAIL_ENTRY:
        exit->kind = VMEXIT_ENTRY;
        exit->other.reason = run->exit_reason;
        exit->other.detail = run->fail_entry.hardware_entry_failure_reason;
        break;
    default:
        exit->kind = VMEXIT_UNKNOWN;
        exit->other.reason = run->exit_reason;
        exit->other.detail = 0;
        break;
    }
}

void vcpu_decode(const struct vcpu *vcpu, struct vmexit *exit)
{
    decode_exit(vcpu->run, exit);
}

/* KVM_RUN; on -EINTR the exit is a kick. */
static int run_once(struct vcpu *vcpu, struct vmexit *exit)
{
    int rc = vcpu_fpu_put_back(vcpu);
    if (rc)
        return rc;
    vcpu->runs++;
    if (!ioctl(vcpu->fd, KVM_RUN, 0)) {
        decode_exit(vcpu->run, exit);
        return 0;
    }
    if (errno == EINTR || errno == EAGAIN) {
        exit->kind = VMEXIT_KICK;
        return 0;
    }
    rc = -errno;
    log_error("KVM_RUN: %s", strerror(-rc));
    return rc;
}

/* immediate_exit belongs to the kick protocol: a handler, which runs in this thread, sets attention, then
 * immediate_exit. It is zero at most entries: then there is nothing to take back. */
static void rearm_immediate_exit(struct vcpu *vcpu)
{
    if (!__atomic_load_n(&vcpu->run->immediate_exit, __ATOMIC_RELAXED))
        return;
    __atomic_store_n(&vcpu->run->immediate_exit, 0, __ATOMIC_SEQ_CST);
    if (*vcpu->attention)
        __atomic_store_n(&vcpu->run->immediate_exit, 1, __ATOMIC_SEQ_CST);
}

int vcpu_run(struct vcpu *vcpu, struct vmexit *exit)
{
    rearm_immediate_exit(vcpu);
    return run_once(vcpu, exit);
}

static bool crosses_or_touches_page_end(u64 gpa, u8 size)
{
    return (gpa & 0xfff) == 0 || (gpa & 0xfff) + size >= 0x1000;
}

bool vcpu_needs_completion(const struct vcpu *vcpu, const struct vmexit *exit)
{
    if (exit->kind != VMEXIT_PIO && exit->kind != VMEXIT_MMIO)
        return false;
    /* A STI shadow may be live. */
    if (vcpu->run->if_flag && !vcpu->run->ready_for_interrupt_injection)
        return true;
    if (exit->kind == VMEXIT_MMIO)
        return !exit->mmio.write || crosses_or_touches_page_end(exit->mmio.gpa, exit->mmio.size);
    return exit->pio.in || !vcpu->traits.out_rip_after;
}

int vcpu_complete(struct vcpu *vcpu, struct vmexit *exit)
{
    vcpu->completions++;
    __atomic_store_n(&vcpu->run->immediate_exit, 1, __ATOMIC_SEQ_CST);
    int rc = run_once(vcpu, exit);
    rearm_immediate_exit(vcpu);
    if (rc)
        return rc;
    return exit->kind == VMEXIT_KICK ? 0 : 1;
}

linear_t vcpu_rip_linear(const struct vcpu *vcpu)
{
    const struct kvm_sync_regs *sync = &vcpu->run->s.regs;
    return (linear_t)(sync->sregs.cs.base + sync->regs.rip);
}

u16 vcpu_dx(const struct vcpu *vcpu)
{
    return (u16)vcpu->run->s.regs.regs.rdx;
}

bool vcpu_resumes(const struct vcpu *vcpu)
{
    return vcpu->run->s.regs.regs.rflags & FLAG_RF;
}

bool vcpu_has_exception(const struct vcpu *vcpu)
{
    const struct kvm_vcpu_events *events = &vcpu->run->s.regs.events;
    return events->exception.injected || events->exception.pending;
}

bool vcpu_is_whole(const struct vcpu *vcpu)
{
    const struct kvm_vcpu_events *events = &vcpu->run->s.regs.events;
    return !vcpu_has_exception(vcpu) && !events->interrupt.injected && !events->nmi.injected && !events->nmi.pending;
}

bool vcpu_can_inject(const struct vcpu *vcpu)
{
    return vcpu->run->ready_for_interrupt_injection;
}

void vcpu_inject(struct vcpu *vcpu, u8 vector)
{
    struct kvm_vcpu_events *events = &vcpu->run->s.regs.events;
    events->flags = KVM_VCPUEVENT_VALID_SHADOW;
    events->interrupt.injected = 1;
    events->interrupt.nr = vector;
    events->interrupt.soft = 0;
    vcpu->run->kvm_dirty_regs |= KVM_SYNC_X86_EVENTS;
}

void vcpu_request_window(struct vcpu *vcpu, bool wanted)
{
    vcpu->run->request_interrupt_window = wanted;
}

void vcpu_kick(struct vcpu *vcpu)
{
    __atomic_store_n(&vcpu->run->immediate_exit, 1, __ATOMIC_SEQ_CST);
}
