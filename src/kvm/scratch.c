/* The scratch VM: memory, one vCPU, and where it begins. */
#include "kvm/scratch.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

void scratch_close(struct scratch *s)
{
    vcpu_close(&s->vcpu);
    vm_close(&s->vm);
    if (s->memory != MAP_FAILED)
        munmap(s->memory, SCRATCH_BYTES);
}

int scratch_open(struct scratch *s)
{
    *s = (struct scratch){.vm = {.fd = -1, .system_fd = -1}, .vcpu = {.fd = -1, .run = MAP_FAILED}};
    s->memory = mmap(NULL, SCRATCH_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (s->memory == MAP_FAILED)
        return -errno;
    int rc = vm_open(&s->vm);
    if (!rc) {
        struct vm_slot slot = {.first = 0, .bytes = SCRATCH_BYTES, .host = s->memory};
        rc = vm_set_slots(&s->vm, &slot, 1);
    }
    if (!rc)
        rc = vcpu_open(&s->vcpu, &s->vm, &(struct vcpu_traits){0}, &s->attention);
    if (rc)
        scratch_close(s);
    return rc;
}

void scratch_load(struct scratch *s, const void *code, size_t bytes, u16 cx)
{
    struct cpu_state cpu;
    memcpy(s->memory + SCRATCH_CODE, code, bytes);
    cpu_reset(&cpu);
    cpu.sreg[CPU_CS].selector = 0;
    cpu.sreg[CPU_CS].base = 0;
    cpu.eip = SCRATCH_CODE;
    cpu.reg[CPU_ESP] = SCRATCH_STACK;
    cpu.reg[CPU_EDX] = SCRATCH_PORT;
    cpu.reg[CPU_ECX] = cx;
    vcpu_put_state(&s->vcpu, &cpu);
}
