/* INS and OUTS on an ATA disk's data port: the monitor's environment (src/vmm_env.c), which lets the device
 * move many elements in one call, against the same without. Two equal machines get the same random commands,
 * times and string instructions; registers, memory, counts, the stream of accesses with an event that falls
 * anywhere in it, time and the disk's state must agree after each, under either clock. */
#include "rig.h"

#include "dev/ide.h"
#include "vmm_internal.h"

#include <stdlib.h>
#include <string.h>

enum {
    CODE = 0x1000,
    OUT_DATA = 0x3000, /* a page */
    COUNT_MAX = 1200,
    DISK_SECTORS = 1008,
    ROUNDS = 3000,
    TRIES = 8, /* of an instruction that stops between elements */
    DATA = 0x1f0,
    SECOND_DATA = 0x170, /* no disk there */
    STATUS = 0x1f7,
};

struct world {
    struct vmm vmm; /* first: what the environment's functions get is also the world */
    struct rig *files;
    struct ide *ide;
    struct clock_event event;
    bool irq_level[16];
    u32 irq_edges[16];
    u32 (*device_run)(void *opaque, struct env_run *run);
    u64 at_once_in[5], at_once_out[5]; /* elements, by size */
    enum interp_result result;
    u32 steps;
};

/* --- what vmm_env.c takes from files that this is not about --- */

void *vcpu_fpu(struct vcpu *vcpu, bool write)
{
    (void)vcpu, (void)write;
    return NULL;
}

void vcpu_cpuid(const struct vcpu_traits *traits, u32 leaf, u32 out[4])
{
    (void)traits, (void)leaf;
    memset(out, 0, 4 * sizeof *out);
}

void vmm_watch_port(struct vmm *vmm, const struct bus_port *row, struct env_port *port)
{
    (void)vmm, (void)row, (void)port;
}

void vmm_watch_read(struct vmm *vmm, u16 port)
{
    (void)vmm, (void)port;
}

/* --- the worlds --- */

static void record_irq(void *opaque, u8 n, bool level)
{
    struct world *w = opaque;
    w->irq_edges[n] += level && !w->irq_level[n];
    w->irq_level[n] = level;
}

/* Something else that happens in the machine, and finds the disk as it is at that access. */
static void fire(void *opaque, u64 deadline_ns)
{
    struct world *w = opaque;
    struct machine *m = &w->vmm.machine;
    m->intr = !m->intr;
    trace_add(&m->trace, ACCESS_INTERRUPT, (u32)deadline_ns, 1, w->ide->channel[0].device[0].index);
}

static u32 counting_run(void *opaque, struct env_run *run)
{
    struct world *w = opaque;
    u32 done = w->device_run(opaque, run);
    *(run->source == ENV_SIDE_PORT ? &w->at_once_in[run->size] : &w->at_once_out[run->size]) += done;
    return done;
}

static void create_machine(struct world *w, enum clock_mode mode)
{
    struct machine *m = &w->vmm.machine;
    void *ide;
    assert_int_equal(memory_init(&m->memory, 2 * MIB), 0);
    bus_init(&m->bus);
    clock_init(&m->clock, mode);
    if (mode == CLOCK_MODE_HOST)
        clock_hold(&m->clock, NS_PER_MS);
    trace_init(&m->trace, -1);
    for (u8 n = 0; n < 16; n++)
        m->irq[n] = (struct irq_line){.set = record_irq, .opaque = w, .n = n};
    m->config = &w->files->config;
    assert_int_equal(ide_class.create(m, &ide), 0);
    bus_add_ports(&m->bus, ide_class.ports, ide_class.n_ports, ide);
    ide_class.reset(ide);
    w->ide = ide;
    clock_event_init(&w->event, &m->clock, "test", fire, w);
}

static struct world *create_world(enum clock_mode mode, bool runs)
{
    struct world *w = calloc(1, sizeof *w);
    assert_non_null(w);
    w->files = rig_create();
    w->files->config.disk[0] = rig_open(w->files, DISK_SECTORS, BLOCK_DISK);
    create_machine(w, mode);
    vmm_env_init(&w->vmm);
    w->device_run = w->vmm.env.device_run;
    w->vmm.env.device_run = runs ? counting_run : NULL;
    assert_int_equal(interp_init(&w->vmm.interp, &w->vmm.env), 0);
    return w;
}

static void destroy_world(struct world *w)
{
    interp_fini(&w->vmm.interp);
    clock_event_disarm(&w->event);
    ide_class.destroy(w->ide);
    memory_fini(&w->vmm.machine.memory);
    rig_destroy(w->files);
    free(w);
}

static void pass(struct world *w, u64 ns)
{
    struct clock *clock = &w->vmm.machine.clock;
    u64 end = clock_now(clock) + ns;
    if (clock->mode == CLOCK_MODE_ACCESS)
        clock->access_ns = end;
    else
        clock_hold(clock, end);
    clock_run_due(clock);
}

/* --- random things to do, the same in both --- */

static u32 below(u32 n)
{
    return (u32)random() % n;
}

static void start_command(struct world *w[2])
{
    enum { READ = 0x20, WRITE = 0x30, READ_MULTIPLE = 0xc4, WRITE_MULTIPLE = 0xc5, SET_MULTIPLE = 0xc6 };
    static const u8 commands[] = {READ,         READ, WRITE, READ_MULTIPLE, WRITE_MULTIPLE,
                                  SET_MULTIPLE, 0xe4, 0xe8,  0xec};
    u8 command = commands[below(ARRAY_LEN(commands))], count = (u8)(1 + below(4));
    u32 lba = below(DISK_SECTORS + 1);
    const u8 task[] = {count, (u8)lba, (u8)(lba >> 8), 0, 0xe0, command}; /* 1F2h to 1F7h */
    bool wait = below(8);
    for (u32 e = 0; e < 2; e++) {
        for (u32 i = 0; i < ARRAY_LEN(task); i++)
            bus_out(&w[e]->vmm.machine.bus, (u16)(DATA + 2 + i), BUS_8, task[i]);
        pass(w[e], wait ? 10 * NS_PER_US : 0);
    }
}

/* An event that is due at one of the next elements, or when none of them is about. */
static void arm_event(struct world *w[2])
{
    u64 ns = below(600) * CLOCK_ACCESS_STEP_NS + below(2);
    for (u32 e = 0; e < 2; e++)
        clock_event_arm(&w[e]->event, clock_now(&w[e]->vmm.machine.clock) + ns);
}

static struct cpu_state random_cpu(void)
{
    static const u32 end[] = {0x21000, 0x22000, 0x30000, 0xa0000}; /* the last is display memory */
    struct cpu_state cpu = {.eip = CODE,
                            .eflags = FLAG_FIXED | (below(4) ? 0 : FLAG_DF) | (below(2) ? FLAG_IF : 0),
                            .cr0 = CR0_ET};
    u32 place = end[below(ARRAY_LEN(end))] - below(below(2) ? COUNT_MAX : 16);
    u32 di = below(8) ? place & 0xffff : 0xffff - below(40);
    for (u32 i = 0; i < CPU_SREGS; i++)
        cpu.sreg[i] = (struct cpu_segment){.limit = 0xffff, .type = 3, .s = true, .present = true};
    cpu.sreg[CPU_ES].base = place - di;
    if (!below(8))
        cpu.sreg[CPU_ES].limit = MIN(di + below(600), 0xffff);
    cpu.reg[CPU_EDI] = di;
    cpu.reg[CPU_ECX] = below(8) ? below(COUNT_MAX) : below(4);
    cpu.reg[CPU_EDX] = below(8) ? DATA : below(2) ? SECOND_DATA : STATUS;
    cpu.ldt.unusable = true;
    return cpu;
}

static void execute(struct world *w)
{
    w->steps = 0;
    do
        w->result = interp_step(&w->vmm.interp, &w->vmm.cpu);
    while (w->result == INTERP_AGAIN && ++w->steps < TRIES);
}

static void ins(struct world *w[2])
{
    const struct cpu_state cpu = random_cpu();
    bool like_kvm = below(2), allow_devices = below(16);
    u8 code[] = {below(3) ? 0x3e : 0x66, below(4) ? 0x3e : 0x67, below(16) ? 0xf3 : 0x3e,
                 below(3) ? 0x6d : 0x6c};
    for (u32 e = 0; e < 2; e++) {
        struct vmm *vmm = &w[e]->vmm;
        memcpy(vmm->machine.memory.plain + CODE, code, sizeof code);
        vmm->cpu = cpu;
        vmm->interp.like_kvm = like_kvm;
        vmm->interp.allow_devices = allow_devices;
        execute(w[e]);
    }
    assert_int_equal(w[0]->result, w[1]->result);
    assert_int_equal(w[0]->steps, w[1]->steps);
}

/* As host code does it: many at once as long as that is possible, the last by itself. */
static void put_elements(struct world *w, u8 size, bool down, u32 count)
{
    struct vmm *vmm = &w->vmm;
    const u8 *from = vmm->machine.memory.plain + OUT_DATA + (down ? (count - 1) * size : 0);
    while (count) {
        struct env_run run = {.source = ENV_SIDE_RAM,
                              .sink = ENV_SIDE_PORT,
                              .size = size,
                              .down = down,
                              .port = DATA,
                              .count = count - 1,
                              .ram_from = from};
        u32 done = vmm->env.device_run && count > 1 ? vmm->env.device_run(vmm, &run) : 0;
        u32 value = 0;
        if (!done) {
            memcpy(&value, from, size);
            vmm->env.port_out(vmm, DATA, size, value);
            done = 1;
        }
        count -= done;
        from += (down ? -(s32)size : (s32)size) * (s32)done;
    }
}

static void outs(struct world *w[2])
{
    u8 size = (u8)BIT(below(3)), data[PAGE_BYTES];
    u32 count = 1 + below(PAGE_BYTES / size);
    bool down = !below(4);
    for (u32 i = 0; i < sizeof data; i++)
        data[i] = (u8)random();
    for (u32 e = 0; e < 2; e++) {
        memcpy(w[e]->vmm.machine.memory.plain + OUT_DATA, data, sizeof data);
        put_elements(w[e], size, down, count);
    }
}

/* --- both the same? --- */

static void compare_machines(struct world *w[2])
{
    struct machine *a = &w[0]->vmm.machine, *b = &w[1]->vmm.machine;
    assert_int_equal(a->accesses, b->accesses);
    assert_int_equal(clock_now(&a->clock), clock_now(&b->clock));
    assert_int_equal(a->intr, b->intr);
    assert_int_equal(a->trace.count, b->trace.count);
    assert_int_equal(a->trace.hash, b->trace.hash);
    assert_int_equal(a->trace.fill, b->trace.fill);
    assert_memory_equal(a->trace.chunk, b->trace.chunk, a->trace.fill * sizeof a->trace.chunk[0]);
    assert_memory_equal(a->memory.plain, b->memory.plain, 2 * MIB);
    assert_memory_equal(w[0]->irq_level, w[1]->irq_level, sizeof w[0]->irq_level);
    assert_memory_equal(w[0]->irq_edges, w[1]->irq_edges, sizeof w[0]->irq_edges);
    assert_int_equal(w[0]->vmm.attention, w[1]->vmm.attention);
    assert_int_equal(w[0]->event.armed, w[1]->event.armed);
}

static void compare_disks(const struct ide_device *a, const struct ide_device *b)
{
    assert_int_equal(a->status, b->status);
    assert_int_equal(a->index, b->index);
    assert_int_equal(a->end, b->end);
    assert_int_equal(a->to_host, b->to_host);
    assert_int_equal(a->lba, b->lba);
    assert_int_equal(a->event.armed, b->event.armed);
    assert_int_equal(a->event.deadline_ns, b->event.deadline_ns);
    assert_memory_equal(&a->reg, &b->reg, sizeof a->reg);
    assert_memory_equal(a->buffer, b->buffer, sizeof a->buffer);
}

static void compare_interpreters(const struct vmm *a, const struct vmm *b)
{
    assert_memory_equal(&a->cpu, &b->cpu, sizeof a->cpu);
    assert_int_equal(a->interp.device_accesses, b->interp.device_accesses);
    assert_int_equal(a->interp.n_stores, b->interp.n_stores);
    assert_memory_equal(a->interp.store, b->interp.store, a->interp.n_stores * sizeof *a->interp.store);
}

static void do_something(struct world *w[2])
{
    u64 armed_ns = below(2) ? CLOCK_NEVER : 0;
    for (u32 e = 0; e < 2; e++) {
        w[e]->vmm.attention = 0;
        w[e]->vmm.armed_ns = armed_ns;
    }
    if (!below(3))
        start_command(w);
    if (!below(3))
        arm_event(w);
    if (w[0]->ide->channel[0].device[0].to_host || !below(4))
        ins(w);
    else
        outs(w);
    u64 ns = below(5 * NS_PER_US);
    for (u32 e = 0; e < 2; e++)
        if (w[e]->vmm.machine.clock.mode == CLOCK_MODE_HOST)
            pass(w[e], ns);
}

static void check_runs(enum clock_mode mode)
{
    struct world *w[2] = {create_world(mode, false), create_world(mode, true)};
    srandom(5);
    for (u32 e = 0; e < 2; e++)
        pass(w[e], NS_PER_MS);
    for (u32 round = 0; round < ROUNDS; round++) {
        do_something(w);
        compare_machines(w);
        compare_disks(&w[0]->ide->channel[0].device[0], &w[1]->ide->channel[0].device[0]);
        compare_interpreters(&w[0]->vmm, &w[1]->vmm);
    }
    for (u32 size = 1; size <= 4; size *= 2) {
        assert_true(w[1]->at_once_in[size] > ROUNDS);
        assert_true(w[1]->at_once_out[size] > ROUNDS);
    }
    destroy_world(w[0]);
    destroy_world(w[1]);
}

static void runs_are_elements_in_access_time(void **state)
{
    (void)state;
    check_runs(CLOCK_MODE_ACCESS);
}

static void runs_are_elements_in_host_time(void **state)
{
    (void)state;
    check_runs(CLOCK_MODE_HOST);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(runs_are_elements_in_access_time),
        cmocka_unit_test(runs_are_elements_in_host_time),
    };
    return cmocka_run_group_tests_name("device runs", tests, NULL, NULL);
}
