/* The world as the cluster engine and its executors see it: struct cluster_env over the machine. */
#include "vmm_internal.h"

#include "dev/coprocessor.h"
#include "dev/vga/vga.h"
#include "dev/vga/vga_run.h"

/* Host clock: a device may have armed an event earlier than the timer knows of: leave the cluster and arm the
 * timer. */
static inline void watch_deadline(struct vmm *vmm)
{
    if (vmm->machine.clock.next_deadline_ns < vmm->armed_ns)
        vmm->attention = 1;
}

static inline void note_port_access(struct vmm *vmm)
{
    if (vmm->machine.clock.mode == CLOCK_MODE_HOST)
        watch_deadline(vmm);
}

static u32 env_port_in(void *opaque, u16 port, u8 size)
{
    struct vmm *vmm = opaque;
    u32 value = machine_port_in(&vmm->machine, port, size);
    note_port_access(vmm);
    if (vmm->poll && size == BUS_8)
        vmm_watch_read(vmm, port);
    return value;
}

static void env_port_out(void *opaque, u16 port, u8 size, u32 value)
{
    struct vmm *vmm = opaque;
    machine_port_out(&vmm->machine, port, size, value);
    note_port_access(vmm);
}

static u32 env_mmio_read(void *opaque, u32 gpa, u8 size)
{
    struct vmm *vmm = opaque;
    return machine_mmio_read(&vmm->machine, gpa, size);
}

static void env_mmio_write(void *opaque, u32 gpa, u8 size, u32 value)
{
    struct vmm *vmm = opaque;
    machine_mmio_write(&vmm->machine, gpa, size, value);
}

static void env_find_port(void *opaque, struct env_port *port)
{
    struct vmm *vmm = opaque;
    const struct bus_port *row = bus_port_row(&vmm->machine.bus, port->number, &port->dev);
    port->direct = row && (row->width & port->size);
    if (!port->direct)
        return;
    port->in = row->in;
    port->out = row->out;
    if (row->latch && port->size == BUS_8) {
        struct bus_latch latch;
        row->latch(port->dev, port->number, &latch);
        port->latch_out = latch.out;
        port->latch_in = latch.in;
        port->latch_busy = latch.busy;
        port->latch_mask = latch.out_mask;
    }
    if (vmm->poll && row->poll && port->size == BUS_8)
        vmm_watch_port(vmm, row, port);
}

/* These follow every access that translated code makes, so there is one of each for either clock. */
static void env_port_done_access_time(void *opaque, bool in, u16 port, u8 size, u32 value)
{
    struct vmm *vmm = opaque;
    machine_account_in_access_time(&vmm->machine, in ? ACCESS_PORT_IN : ACCESS_PORT_OUT, port, size, value);
}

static void env_port_done_host_time(void *opaque, bool in, u16 port, u8 size, u32 value)
{
    struct vmm *vmm = opaque;
    (void)in, (void)port, (void)size, (void)value;
    vmm->machine.accesses++;
    watch_deadline(vmm);
}

static void env_memory_done_access_time(void *opaque, bool read, u32 gpa, u8 size, u32 value)
{
    struct vmm *vmm = opaque;
    machine_account_in_access_time(&vmm->machine, read ? ACCESS_MMIO_READ : ACCESS_MMIO_WRITE, gpa, size,
                                   value);
}

static void env_memory_done_host_time(void *opaque, bool read, u32 gpa, u8 size, u32 value)
{
    struct vmm *vmm = opaque;
    (void)read, (void)gpa, (void)size, (void)value;
    vmm->machine.accesses++;
}

/* The VGA is the only device with memory that is worth a short cut. While its window is open there is none: then it is
 * the longer way. */
static void env_find_window(void *opaque, u32 gpa, struct env_window *window)
{
    struct vmm *vmm = opaque;
    const struct vga_accessor *accessor = vga_accessor(vmm->machine.vga);
    if (memory_kind(&vmm->machine.memory, gpa) == PAGE_RAM) {
        *window = (struct env_window){.plain = gpa - MEMORY_WINDOW_FIRST < MEMORY_WINDOW_BYTES};
        return;
    }
    *window = (struct env_window){.first = accessor->first,
                                  .bytes = accessor->bytes,
                                  .generation = accessor->generation,
                                  .generation_now = &accessor->generation,
                                  .dev = vmm->machine.vga,
                                  .read = accessor->read,
                                  .write = accessor->write};
}

/* --- runs of elements --- */

enum { RUN_MAX = 1024 }; /* elements; a few microseconds, during which nobody looks at `attention` */

static u32 run_in_window(struct vmm *vmm, struct env_run *run)
{
    struct machine *m = &vmm->machine;
    u32 values[RUN_MAX];
    bool reads = run->source == ENV_SIDE_WINDOW, writes = run->sink == ENV_SIDE_WINDOW;
    u32 count = MIN(MIN(run->count, RUN_MAX), machine_run_room(m, (u32)reads + (u32)writes));
    if (!count || !vga_run_possible(m->vga))
        return 0;
    bool keep = m->clock.mode == CLOCK_MODE_ACCESS || run->sink == ENV_SIDE_VALUE;
    struct vga_run moves = {.count = count,
                            .size = run->size,
                            .down = run->down,
                            .from = run->from,
                            .to = run->to,
                            .ram_from = run->source == ENV_SIDE_RAM ? run->ram_from : NULL,
                            .ram_to = run->sink == ENV_SIDE_RAM ? run->ram_to : NULL,
                            .value = run->value,
                            .moved = keep ? values : NULL};
    if (reads && writes)
        vga_run_copy(m->vga, &moves);
    else if (reads)
        vga_run_load(m->vga, &moves);
    else
        vga_run_store(m->vga, &moves);
    if (run->sink == ENV_SIDE_VALUE)
        run->value = values[count - 1];
    machine_account_run(m, &(struct machine_run){.count = count,
                                                 .size = run->size,
                                                 .reads = reads,
                                                 .writes = writes,
                                                 .distance = run->down ? -(s32)run->size : (s32)run->size,
                                                 .from = run->from,
                                                 .to = run->to,
                                                 .values = values});
    return count;
}

/* Accesses that a device has made in one call, before the next event is due. */
static void account_port_run(struct vmm *vmm, enum access_kind kind, const struct env_run *run,
                             const u8 *data, u32 count)
{
    struct machine *m = &vmm->machine;
    if (m->clock.mode == CLOCK_MODE_HOST) {
        m->accesses += count;
        watch_deadline(vmm);
        return;
    }
    for (u32 i = 0; i < count; i++, data += run->size)
        machine_account_in_access_time(m, kind, run->port, run->size, vga_run_element(data, run->size));
}

/* Reads that a program's polling consists of are seen one by one, so ports that are polled are read one by
 * one. */
static u32 run_from_port(struct vmm *vmm, const struct env_run *run)
{
    struct machine *m = &vmm->machine;
    void *dev;
    const struct bus_port *row = bus_port_row(&m->bus, run->port, &dev);
    if (run->sink != ENV_SIDE_RAM || run->down || !row || !row->in_run || row->poll ||
        !(row->width & run->size))
        return 0;
    u32 count = MIN(run->count, machine_run_room(m, 1));
    count = row->in_run(dev, run->port, run->size, count, run->ram_to);
    account_port_run(vmm, ACCESS_PORT_IN, run, run->ram_to, count);
    return count;
}

/* All that the device takes in one call. */
static u32 run_to_port_at_once(struct vmm *vmm, const struct env_run *run, const struct bus_port *row,
                               void *dev)
{
    if (run->down || !row->out_run)
        return 0;
    u32 count = MIN(run->count, machine_run_room(&vmm->machine, 1));
    count = row->out_run(dev, run->port, run->size, count, run->ram_from);
    account_port_run(vmm, ACCESS_PORT_OUT, run, run->ram_from, count);
    return count;
}

/* The port's own function may do anything: after each element it is seen whether the caller must know. */
static u32 run_to_port(struct vmm *vmm, const struct env_run *run)
{
    struct machine *m = &vmm->machine;
    void *dev;
    const struct bus_port *row = bus_port_row(&m->bus, run->port, &dev);
    if (run->source != ENV_SIDE_RAM || !row || !row->out || !(row->width & run->size))
        return 0;
    u32 at_once = run_to_port_at_once(vmm, run, row, dev);
    if (at_once)
        return at_once;
    bool intr = m->intr;
    u32 generation = m->memory.generation, done = 0;
    const u8 *at = run->ram_from;
    while (done < run->count) {
        u32 value = vga_run_element(at, run->size);
        at += run->down ? -(s32)run->size : (s32)run->size;
        row->out(dev, run->port, run->size, value);
        machine_account(m, ACCESS_PORT_OUT, run->port, run->size, value);
        note_port_access(vmm);
        done++;
        if (m->intr != intr || m->requests || vmm->attention || m->memory.generation != generation)
            break;
    }
    return done;
}

static u32 env_device_run(void *opaque, struct env_run *run)
{
    if (run->source == ENV_SIDE_PORT)
        return run_from_port(opaque, run);
    return run->sink == ENV_SIDE_PORT ? run_to_port(opaque, run) : run_in_window(opaque, run);
}

static void env_cpuid(void *opaque, u32 leaf, u32 subleaf, u32 out[4])
{
    struct vmm *vmm = opaque;
    (void)subleaf;
    vcpu_cpuid(&vmm->vcpu.traits, leaf, out);
}

static void *env_fpu_state(void *opaque, bool write)
{
    struct vmm *vmm = opaque;
    return vcpu_fpu(&vmm->vcpu, write);
}

static void env_fpu_error(void *opaque, bool on)
{
    struct vmm *vmm = opaque;
    coprocessor_error(vmm->machine.coprocessor, on);
}

static void env_find_planes(void *opaque, struct env_planes *planes)
{
    struct vmm *vmm = opaque;
    const struct vga_accessor *accessor = vga_accessor(vmm->machine.vga);
    struct vga_planes p;
    vga_planes(vmm->machine.vga, &p);
    *planes = (struct env_planes){.first = accessor->first,
                                  .bytes = accessor->bytes,
                                  .generation = accessor->generation,
                                  .generation_now = &accessor->generation,
                                  .stores = p.stores,
                                  .loads = p.loads,
                                  .plain = p.plain,
                                  .from_set_reset = p.from_set_reset,
                                  .forced = p.forced,
                                  .bit_mask = p.bit_mask,
                                  .rotate = p.rotate,
                                  .cells = p.cells,
                                  .mask = p.mask,
                                  .latch = p.latch,
                                  .shift = p.shift};
}

void vmm_env_init(struct vmm *vmm)
{
    bool access_time = vmm->machine.clock.mode == CLOCK_MODE_ACCESS;
    vmm->machine.trace.off = !access_time;
    vmm->env = (struct cluster_env){
        .opaque = vmm,
        .view = vmm->machine.memory.view,
        .page_kind = vmm->machine.memory.page_kind,
        .port_in = env_port_in,
        .port_out = env_port_out,
        .mmio_read = env_mmio_read,
        .mmio_write = env_mmio_write,
        .find_port = env_find_port,
        .port_done = access_time ? env_port_done_access_time : env_port_done_host_time,
        .find_window = env_find_window,
        .accesses = access_time ? NULL : &vmm->machine.accesses,
        .changes = access_time ? NULL : &vmm->machine.changes,
        .find_planes = access_time ? NULL : env_find_planes,
        .memory_done = access_time ? env_memory_done_access_time : env_memory_done_host_time,
        .device_run = env_device_run,
        .cpuid = env_cpuid,
        .fpu_state = env_fpu_state,
        .fpu_error = env_fpu_error,
        .push_sreg_whole = vmm->vcpu.traits.push_sreg_whole,
        .intr = &vmm->machine.intr,
        .pulse = &vmm->pulse,
        .attention = &vmm->attention,
        .requests = &vmm->machine.requests,
        .generation = &vmm->machine.memory.generation,
    };
}
