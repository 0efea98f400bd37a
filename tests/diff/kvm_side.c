/* The real processor, or whatever KVM has for one. */
#include "trio.h"

#include <errno.h>
#include <string.h>

static void serve_port(struct device *dev, const struct vmexit *exit)
{
    for (u32 i = 0; i < exit->pio.count; i++) {
        u8 *p = exit->pio.data + i * exit->pio.size;
        u32 v = 0;
        memcpy(&v, p, exit->pio.size);
        v = device_access(dev, exit->pio.in ? ACCESS_PORT_IN : ACCESS_PORT_OUT, exit->pio.port, exit->pio.size, v);
        memcpy(p, &v, exit->pio.size);
    }
}

static void serve_memory(struct device *dev, const struct vmexit *exit)
{
    u32 v = 0, size = MIN(exit->mmio.size, sizeof v);
    memcpy(&v, exit->mmio.data, size);
    v = device_access(dev, exit->mmio.write ? ACCESS_MMIO_WRITE : ACCESS_MMIO_READ, (u32)exit->mmio.gpa,
                      exit->mmio.size, v);
    memcpy(exit->mmio.data, &v, size);
}

static bool serve(struct device *dev, const struct vmexit *exit)
{
    if (exit->kind == VMEXIT_PIO)
        serve_port(dev, exit);
    else if (exit->kind == VMEXIT_MMIO)
        serve_memory(dev, exit);
    else
        return false;
    return true;
}

/* Leaves nothing pending for the next sequence. */
static void settle(struct kvm_side *k)
{
    struct vmexit exit = {.kind = VMEXIT_UNKNOWN};
    while (vcpu_complete(&k->vcpu, &exit) == 1)
        if (!serve(&k->dev, &exit))
            return;
}

bool kvm_side_run(struct kvm_side *k, const struct cpu_state *start)
{
    struct vmexit exit = {.kind = VMEXIT_UNKNOWN};
    vcpu_put_state(&k->vcpu, start);
    do
        if (vcpu_run(&k->vcpu, &exit) || k->dev.n > DEVICE_LOG)
            break;
    while (serve(&k->dev, &exit));
    if (exit.kind == VMEXIT_HLT) {
        vcpu_get_state(&k->vcpu, &k->cpu);
        return true;
    }
    settle(k);
    return false;
}

/* Every processor sets SF from AL, see oddity.c. */
static int find_emulator(struct kvm_side *k)
{
    static const u8 code[] = {0xb8, 0xb9, 0x00, 0xd4, 0xc5, 0xf4}; /* mov ax, b9h; aam c5h: AX is B9h; hlt */
    enum { WHERE = 0x1000 }; /* in the segment of sequence_init() */
    struct sequence s;
    sequence_init(&s, MODE_REAL);
    s.start.eip = WHERE;
    memcpy(k->mem.plain + sequence_linear(&s, 0), code, sizeof code);
    if (!kvm_side_run(k, &s.start))
        return -EIO;
    k->emulates = !(k->cpu.eflags & FLAG_SF);
    return 0;
}

int kvm_side_open(struct kvm_side *k, const u8 *rom, struct vcpu_traits *traits)
{
    struct memory_slot ram[4];
    struct vm_slot slot[4];
    int rc = memory_init(&k->mem, RAM_BYTES);
    if (!rc)
        rc = memory_load_bios(&k->mem, rom, ROM_BYTES);
    if (!rc)
        rc = vm_open(&k->vm);
    u32 n = rc ? 0 : memory_slots(&k->mem, ram);
    for (u32 i = 0; i < n; i++)
        slot[i] = (struct vm_slot){ram[i].first, ram[i].bytes, ram[i].host, ram[i].readonly};
    if (!rc)
        rc = vm_set_slots(&k->vm, slot, n);
    if (!rc)
        rc = vcpu_calibrate(traits);
    if (!rc)
        rc = vcpu_open(&k->vcpu, &k->vm, traits, &k->dev.attention);
    k->dev.mem = &k->mem;
    k->present = !rc;
    return rc ? rc : find_emulator(k);
}

void kvm_side_close(struct kvm_side *k)
{
    if (!k->present)
        return;
    vcpu_close(&k->vcpu);
    vm_close(&k->vm);
    memory_fini(&k->mem);
}
