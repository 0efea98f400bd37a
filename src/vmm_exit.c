/* Exit reason -> handler. An I/O exit is served through the machine's access funnel; then the cluster engine may run on
 * from there. */
#include "vmm_explain.h"

#include <string.h>

/* The widest access a port or window takes; KVM delivers up to 8 bytes of memory at once. */
enum { MAX_ACCESS = 4 };

/* Sizes known to the compiler are a move each; only fragments of a page-crossing access have others. */
static void copy(void *to, const void *from, u8 size)
{
    switch (size) {
    case 1:
        memcpy(to, from, 1);
        break;
    case 2:
        memcpy(to, from, 2);
        break;
    case 4:
        memcpy(to, from, 4);
        break;
    default:
        memcpy(to, from, size);
        break;
    }
}

static u32 load(const u8 *data, u8 size)
{
    u32 value = 0;
    copy(&value, data, size);
    return value;
}

static void serve_pio(struct vmm *vmm, struct vmexit *exit)
{
    u8 *data = exit->pio.data;
    for (u32 i = 0; i < exit->pio.count; i++, data += exit->pio.size) {
        if (!exit->pio.in) {
            machine_port_out(&vmm->machine, exit->pio.port, exit->pio.size, load(data, exit->pio.size));
            continue;
        }
        u32 value = machine_port_in(&vmm->machine, exit->pio.port, exit->pio.size);
        copy(data, &value, exit->pio.size);
    }
}

static void serve_mmio(struct vmm *vmm, struct vmexit *exit)
{
    for (u8 done = 0; done < exit->mmio.size;) {
        u8 size = MIN((u8)(exit->mmio.size - done), MAX_ACCESS);
        gpa_t addr = (gpa_t)(exit->mmio.gpa + done);
        if (exit->mmio.write) {
            machine_mmio_write(&vmm->machine, addr, size, load(exit->mmio.data + done, size));
        } else {
            u32 value = machine_mmio_read(&vmm->machine, addr, size);
            copy(exit->mmio.data + done, &value, size);
        }
        done += size;
    }
}

static void serve(struct vmm *vmm, struct vmexit *exit)
{
    if (exit->kind == VMEXIT_PIO) {
        serve_pio(vmm, exit);
        if (exit->pio.in)
            vmm_note_read(vmm, exit);
    } else if (exit->kind == VMEXIT_MMIO) {
        serve_mmio(vmm, exit);
        if (!exit->mmio.write)
            vmm_note_read(vmm, exit);
    }
}

/* The time devices take is a sample: reading the TSC twice can cost as much as the device. */
void vmm_serve(struct vmm *vmm, struct vmexit *exit)
{
    if (++vmm->since_device_sample < DEVICE_SAMPLE_PERIOD) {
        serve(vmm, exit);
        return;
    }
    vmm->since_device_sample = 0;
    u64 start = tsc_now();
    serve(vmm, exit);
    vmm->tsc_devices += (tsc_now() - start) * DEVICE_SAMPLE_PERIOD;
}

/* Is RIP at an OUT that writes `port`? Not where it cannot be seen. */
static bool stands_at_out(const struct vmm *vmm, u16 port)
{
    enum { OUT_IMM = 0xe6, OUT_DX = 0xee, WIDE = 1 };
    const struct memory *mem = &vmm->machine.memory;
    linear_t rip = vcpu_rip_linear(&vmm->vcpu);
    enum page_kind first = memory_kind(mem, rip), last = memory_kind(mem, rip + INSN_MAX_BYTES);
    if ((first != PAGE_RAM && first != PAGE_ROM) || last != first || rip + INSN_MAX_BYTES < rip)
        return false;
    const u8 *code = mem->view + rip;
    for (int i = 1; i < INSN_MAX_BYTES && insn_is_prefix(*code); i++)
        code++;
    if ((code[0] & ~WIDE) == OUT_IMM)
        return code[1] == port;
    return (code[0] & ~WIDE) == OUT_DX && vcpu_dx(&vmm->vcpu) == port;
}

bool vmm_exit_is_behind(const struct vmm *vmm, const struct vmexit *exit)
{
    if (exit->kind == VMEXIT_MMIO)
        return exit->mmio.write;
    return !exit->pio.in && (vmm->vcpu.traits.out_rip_after || !stands_at_out(vmm, exit->pio.port));
}

static enum cluster_position position_of(const struct vmm *vmm, bool resumes)
{
    if (resumes)
        return POSITION_INSIDE;
    return vmm_exit_is_behind(vmm, &vmm->exit) ? POSITION_AFTER : POSITION_AT;
}

static int run_cluster(struct vmm *vmm, struct cluster *cluster)
{
    int rc = vmm_sync(vmm);
    if (rc)
        return rc;
    if (!vmm->cpu_current) {
        cluster_engine_miss(vmm->engine, MISS_elsewhere);
        return 0;
    }
    if (vmm->attention || vmm->machine.requests) {
        cluster_engine_miss(vmm->engine, MISS_wanted);
        return 0;
    }
    if (vmm_interrupt_deliverable(vmm)) {
        cluster_engine_miss(vmm->engine, MISS_interrupt_pending);
        return 0;
    }
    u64 start = tsc_now();
    cluster_engine_run(vmm->engine, cluster, &vmm->cpu);
    vmm->tsc_cluster += tsc_now() - start;
    return 0;
}

static int go_on_in_clusters(struct vmm *vmm)
{
    struct cpu_where where;
    bool resumes;
    vcpu_where(&vmm->vcpu, &where, &resumes);
    if (vmm->regions)
        return vmm_enter_regions(vmm, &where, position_of(vmm, resumes));
    struct cluster *cluster = cluster_engine_exit(vmm->engine, &where, position_of(vmm, resumes));
    if (vmm_explains(vmm))
        vmm_explain_formations(vmm);
    return cluster ? run_cluster(vmm, cluster) : 0;
}

static int handle_io(struct vmm *vmm)
{
    vmm_serve(vmm, &vmm->exit);
    int rc = 0;
    if (vmm->window && !vmm->machine.requests) {
        vmm_mark(vmm, EXPLAIN_lookup);
        rc = go_on_in_clusters(vmm);
    }
    vmm_mark(vmm, EXPLAIN_events);
    return rc;
}

static int handle_hlt(struct vmm *vmm)
{
    int rc = vmm_sync(vmm);
    vmm->cpu.halted = true;
    return rc;
}

static int handle_irq_window(struct vmm *vmm)
{
    vcpu_request_window(&vmm->vcpu, false);
    return 0;
}

static int handle_kick(struct vmm *vmm)
{
    if (vmm->ticks_waiting)
        vmm->attention = 1;
    return vmm_rescue_if_stuck(vmm); /* the run loop looks at what was wanted */
}

static int handle_shutdown(struct vmm *vmm)
{
    int rc = vmm_sync(vmm);
    if (!rc)
        rc = vmm_triple_fault(vmm, "triple fault");
    return rc;
}

static int handle_emulation(struct vmm *vmm)
{
    struct vmm_span span = vmm_span_begin(vmm);
    int rc = vmm_rescue(vmm);
    vmm_span_end(vmm, EXPLAIN_rescue, &span);
    return rc;
}

static int handle_unknown(struct vmm *vmm)
{
    int rc = vmm_sync(vmm);
    if (!rc)
        vmm_crash(vmm, "KVM gave up: exit reason %u, detail %llXh", vmm->exit.other.reason,
                  (unsigned long long)vmm->exit.other.detail);
    return rc;
}

static int (*const exit_handler[])(struct vmm *vmm) = {
    [VMEXIT_PIO] = handle_io,
    [VMEXIT_MMIO] = handle_io,
    [VMEXIT_HLT] = handle_hlt,
    [VMEXIT_IRQ_WINDOW] = handle_irq_window,
    [VMEXIT_KICK] = handle_kick,
    [VMEXIT_SHUTDOWN] = handle_shutdown,
    [VMEXIT_EMULATION] = handle_emulation,
    [VMEXIT_ENTRY] = handle_unknown,
    [VMEXIT_UNKNOWN] = handle_unknown,
};

int vmm_handle_exit(struct vmm *vmm)
{
    vmm->pulse++;
    enum exit_kind kind = vmm_count_exit(vmm, &vmm->exit);
    if (vmm_explains(vmm))
        vmm_explain_counted(vmm, kind);
    if (vmm->left_at)
        vmm_note_residency(vmm);
    return exit_handler[vmm->exit.kind](vmm);
}
