/* Opening KVM and giving it the guest's memory. */
#include "kvm/vm.h"

#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

/* Three pages that kvm_intel wants below 4 GiB for real mode without unrestricted guest; the firmware image
 * begins right above them. */
#define TSS_ADDRESS 0xfffbd000ul

static const struct {
    int id;
    int bits; /* which bits of the answer are needed; 0: any nonzero answer */
    const char *name;
    const char *use;
} capability_table[] = {
    {KVM_CAP_USER_MEMORY, 0, "KVM_CAP_USER_MEMORY", "guest memory"},
    {KVM_CAP_SET_TSS_ADDR, 0, "KVM_CAP_SET_TSS_ADDR", "real mode on older Intel processors"},
    {KVM_CAP_EXT_CPUID, 0, "KVM_CAP_EXT_CPUID", "presenting a 486"},
    {KVM_CAP_READONLY_MEM, 0, "KVM_CAP_READONLY_MEM", "the firmware ROM"},
    {KVM_CAP_IMMEDIATE_EXIT, 0, "KVM_CAP_IMMEDIATE_EXIT", "completing an instruction without running on"},
    {KVM_CAP_SYNC_REGS, KVM_SYNC_X86_REGS | KVM_SYNC_X86_SREGS | KVM_SYNC_X86_EVENTS, "KVM_CAP_SYNC_REGS",
     "registers without an ioctl"},
    {KVM_CAP_VCPU_EVENTS, 0, "KVM_CAP_VCPU_EVENTS", "the interrupt shadow"},
};

void vm_missing_capabilities(int system_fd, char *names, size_t size)
{
    names[0] = '\0';
    for (size_t i = 0; i < ARRAY_LEN(capability_table); i++) {
        int have = ioctl(system_fd, KVM_CHECK_EXTENSION, capability_table[i].id);
        int need = capability_table[i].bits;
        if (have > 0 && (have & need) == need)
            continue;
        size_t used = strlen(names);
        snprintf(names + used, size - used, "%s%s (%s)", used ? ", " : "", capability_table[i].name,
                 capability_table[i].use);
    }
}

static int open_system(struct vm *vm)
{
    vm->system_fd = open("/dev/kvm", O_RDWR | O_CLOEXEC);
    if (vm->system_fd < 0) {
        int rc = -errno;
        const char *advice = rc == -ENOENT  ? "is virtualization enabled and the kvm module loaded?"
                             : rc == -EACCES ? "add the user to the group kvm"
                                             : "see huddle doctor";
        log_error("/dev/kvm: %s (%s)", strerror(-rc), advice);
        return rc;
    }
    int version = ioctl(vm->system_fd, KVM_GET_API_VERSION, 0);
    if (version != KVM_API_VERSION) {
        log_error("/dev/kvm: API version %d, need %d", version, KVM_API_VERSION);
        return -ENOTSUP;
    }
    char missing[512];
    vm_missing_capabilities(vm->system_fd, missing, sizeof missing);
    if (missing[0]) {
        log_error("/dev/kvm: this kernel lacks %s", missing);
        return -ENOTSUP;
    }
    return 0;
}

int vm_open(struct vm *vm)
{
    *vm = (struct vm){.system_fd = -1, .fd = -1};
    int rc = open_system(vm);
    if (rc)
        goto fail;
    vm->fd = ioctl(vm->system_fd, KVM_CREATE_VM, 0);
    int bytes = ioctl(vm->system_fd, KVM_GET_VCPU_MMAP_SIZE, 0);
    if (vm->fd < 0 || bytes < 0 || ioctl(vm->fd, KVM_SET_TSS_ADDR, TSS_ADDRESS)) {
        rc = -errno;
        log_error("/dev/kvm: cannot create a VM: %s", strerror(-rc));
        goto fail;
    }
    vm->run_bytes = (u32)bytes;
    return 0;
fail:
    vm_close(vm);
    return rc;
}

void vm_close(struct vm *vm)
{
    if (vm->fd >= 0)
        close(vm->fd);
    if (vm->system_fd >= 0)
        close(vm->system_fd);
    vm->fd = vm->system_fd = -1;
}

int vm_set_slots(struct vm *vm, const struct vm_slot *slots, u32 n)
{
    for (u32 i = 0; i < n; i++) {
        struct kvm_userspace_memory_region region = {
            .slot = i,
            .flags = slots[i].readonly ? KVM_MEM_READONLY : 0,
            .guest_phys_addr = slots[i].first,
            .memory_size = slots[i].bytes,
            .userspace_addr = (u64)(uintptr_t)slots[i].host,
        };
        vm->ioctls++;
        if (ioctl(vm->fd, KVM_SET_USER_MEMORY_REGION, &region)) {
            int rc = -errno;
            log_error("KVM refuses guest memory at %08llXh: %s", (unsigned long long)slots[i].first, strerror(-rc));
            return rc;
        }
    }
    return 0;
}
