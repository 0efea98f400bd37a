/* See bare_loop.h. */
#include "bare_loop.h"

#include "kvm/vm.h"
#include "machine/memory.h"

#include <errno.h>
#include <linux/kvm.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

enum { EXIT_PORT = 0xf4 };

u64 thread_cpu_ns(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
    return (u64)ts.tv_sec * NS_PER_S + (u64)ts.tv_nsec;
}

static int loop(int fd, struct kvm_run *run, struct bare_result *result)
{
    u64 start = thread_cpu_ns();
    for (;;) {
        if (ioctl(fd, KVM_RUN, 0))
            return -errno;
        result->exits++;
        if (run->exit_reason == KVM_EXIT_MMIO)
            continue;
        if (run->exit_reason != KVM_EXIT_IO)
            return -EIO;
        if (run->io.port == EXIT_PORT)
            break;
    }
    result->cpu_ns = thread_cpu_ns() - start;
    return 0;
}

static int run_vcpu(const struct vm *vm, struct bare_result *result)
{
    int fd = ioctl(vm->fd, KVM_CREATE_VCPU, 0);
    if (fd < 0)
        return -errno;
    struct kvm_run *run = mmap(NULL, vm->run_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    int rc = run == MAP_FAILED ? -errno : loop(fd, run, result);
    if (run != MAP_FAILED)
        munmap(run, vm->run_bytes);
    close(fd);
    return rc;
}

static int add_memory(struct vm *vm, const struct memory *mem)
{
    struct memory_slot ram[4];
    struct vm_slot slot[4];
    u32 n = memory_slots(mem, ram);
    for (u32 i = 0; i < n; i++)
        slot[i] = (struct vm_slot){ram[i].first, ram[i].bytes, ram[i].host, ram[i].readonly};
    return vm_set_slots(vm, slot, n);
}

int bare_loop_run(const u8 *bios, u32 bios_bytes, u32 ram_bytes, struct bare_result *result)
{
    struct memory mem;
    struct vm vm;
    *result = (struct bare_result){0};
    int rc = memory_init(&mem, ram_bytes);
    if (rc)
        return rc;
    rc = memory_load_bios(&mem, bios, bios_bytes);
    if (!rc)
        rc = vm_open(&vm);
    if (!rc) {
        rc = add_memory(&vm, &mem);
        if (!rc)
            rc = run_vcpu(&vm, result);
        vm_close(&vm);
    }
    memory_fini(&mem);
    return rc;
}
