/* The fake world of the cluster engine's unit tests. */
#include "engine_rig.h"

#include "base/hash.h"

#include <stdlib.h>
#include <string.h>

enum { VECTOR = 0x20 };

static void note(struct engine_rig *er, char kind, u32 address, u8 size, u32 value)
{
    u64 link[] = {er->stream, (u64)kind << 40 | (u64)size << 32 | address, value};

    er->stream = hash64(link, sizeof link);
}

static void accessed(struct engine_rig *er, char kind, u32 address, u8 size, u32 value)
{
    note(er, kind, address, size, value);
    er->accesses++;
    er->last_kind = kind;
    if (er->hook)
        er->hook(er, er->accesses);
}

static u32 port_in(void *opaque, u16 port, u8 size)
{
    struct engine_rig *er = opaque;
    u32 value = er->rig->env.port_in(er->rig, port, size);

    accessed(er, 'i', port, size, value);
    return value;
}

static void port_out(void *opaque, u16 port, u8 size, u32 value)
{
    struct engine_rig *er = opaque;

    er->rig->env.port_out(er->rig, port, size, value);
    accessed(er, 'o', port, size, value);
}

static u32 mmio_read(void *opaque, u32 gpa, u8 size)
{
    struct engine_rig *er = opaque;
    u32 value = er->rig->env.mmio_read(er->rig, gpa, size);

    accessed(er, 'r', gpa, size, value);
    return value;
}

static void mmio_write(void *opaque, u32 gpa, u8 size, u32 value)
{
    struct engine_rig *er = opaque;

    er->rig->env.mmio_write(er->rig, gpa, size, value);
    accessed(er, 'w', gpa, size, value);
}

static int translate(void *opaque, struct cluster *cluster)
{
    struct engine_rig *er = opaque;

    (void)cluster;
    if (!er->backend_fails)
        return 0;
    er->backend_fails--;
    return -1;
}

static void discard(void *opaque, struct cluster *cluster)
{
    struct engine_rig *er = opaque;

    (void)cluster;
    er->discarded++;
}

static enum cluster_leave run(void *opaque, struct cluster *cluster, int start, struct cpu_state *cpu,
                              struct cluster_stats *stats)
{
    struct engine_rig *er = opaque;
    struct cluster_backend interp = cluster_backend_interp(&er->interp);

    return interp.run(interp.opaque, cluster, start, cpu, stats);
}

int engine_setup(void **state)
{
    struct engine_rig *er = calloc(1, sizeof *er);
    void *rig = NULL;

    assert_non_null(er);
    assert_int_equal(rig_setup(&rig), 0);
    er->rig = rig;
    er->cpu = &er->rig->cpu;
    er->env = er->rig->env;
    er->env.opaque = er;
    er->env.port_in = port_in;
    er->env.port_out = port_out;
    er->env.mmio_read = mmio_read;
    er->env.mmio_write = mmio_write;
    assert_int_equal(interp_init(&er->interp, &er->env), 0);
    assert_int_equal(interp_init(&er->kvm, &er->env), 0);
    struct cluster_backend backend = {
        .name = "test", .translate = translate, .run = run, .discard = discard, .opaque = er};
    assert_int_equal(cluster_engine_create(&er->engine, &er->env, &backend), 0);
    cluster_engine_set_window(er->engine, ENGINE_WINDOW);
    *state = er;
    return 0;
}

int engine_teardown(void **state)
{
    struct engine_rig *er = *state;
    void *rig = er->rig;

    cluster_engine_destroy(er->engine);
    interp_fini(&er->interp);
    interp_fini(&er->kvm);
    code_map_fini(&er->code_map);
    rig_teardown(&rig);
    free(er);
    return 0;
}

void engine_use_regions(struct engine_rig *er)
{
    assert_int_equal(code_map_init(&er->code_map), 0);
    er->env.code_map = &er->code_map;
    cluster_engine_set_regions(er->engine, &er->interp);
    er->regions = true;
}

struct cpu_where engine_where(const struct engine_rig *er)
{
    const struct cpu_state *cpu = er->cpu;

    return (struct cpu_where){
        .eip = cpu->eip,
        .cs_base = cpu->sreg[CPU_CS].base,
        .mode = cpu_mode_bits(cpu->cr0, cpu->eflags, cpu->sreg[CPU_CS].db, cpu->sreg[CPU_SS].db,
                              cpu->sreg[CPU_SS].dpl),
    };
}

struct cluster *engine_exit(struct engine_rig *er, enum cluster_position position)
{
    struct cpu_where where = engine_where(er);

    return cluster_engine_exit(er->engine, &where, position);
}

struct cluster *engine_form(struct engine_rig *er, enum cluster_position position)
{
    assert_null(engine_exit(er, position));
    assert_null(engine_exit(er, position));
    struct cluster *cluster = engine_exit(er, position);
    assert_non_null(cluster);
    return cluster;
}

struct cluster_stats engine_stats(const struct engine_rig *er)
{
    struct cluster_stats stats;

    cluster_engine_stats(er->engine, &stats);
    return stats;
}

static bool deliverable(const struct engine_rig *er)
{
    return er->rig->intr && (er->cpu->eflags & FLAG_IF) && !er->cpu->interrupt_shadow;
}

static void deliver(struct engine_rig *er)
{
    note(er, 'I', VECTOR, 0, 0);
    er->rig->intr = false;
    er->delivered++;
    er->kvm.allow_devices = true;
    assert_int_equal(interp_deliver(&er->kvm, er->cpu, VECTOR, false, 0), INTERP_DONE);
}

/* Where KVM leaves RIP: at reads, behind writes; REP stops after every element that writes a device. */
static void exit_after(struct engine_rig *er, struct cpu_where before, enum interp_result result, char kind)
{
    struct cpu_where now = engine_where(er);
    bool after = kind == 'w' || (kind == 'o' && !er->out_at);
    enum cluster_position position = result == INTERP_AGAIN ? POSITION_INSIDE
                                     : after                ? POSITION_AFTER
                                                            : POSITION_AT;
    const struct cpu_where *where = position == POSITION_AT ? &before : &now;

    if (er->regions) {
        er->goes_on = cluster_engine_exit_region(er->engine, where, position);
        return;
    }
    struct cluster *cluster = cluster_engine_exit(er->engine, where, position);
    if (cluster && !deliverable(er))
        cluster_engine_run(er->engine, cluster, er->cpu);
}

/* In regions, until KVM must have the guest. */
static void go_on(struct engine_rig *er)
{
    switch (cluster_engine_go_on(er->engine, er->cpu)) {
    case LEAVE_interrupt:
    case LEAVE_halt:
    case LEAVE_request:
    case LEAVE_attention:
        break;
    default:
        er->goes_on = false;
    }
}

static void guest_instruction(struct engine_rig *er)
{
    struct cpu_where before = engine_where(er);
    u32 logged = er->rig->logged;

    er->kvm.allow_devices = true;
    er->rig->attention = 1; /* one element at a time */
    enum interp_result result = interp_step(&er->kvm, er->cpu);
    er->rig->attention = 0;
    if (result == INTERP_FAULT) {
        er->cpu->eflags |= FLAG_RF;
        result = interp_deliver(&er->kvm, er->cpu, er->kvm.fault_vector, er->kvm.fault_has_error,
                                er->kvm.fault_error);
    }
    assert_true(result == INTERP_DONE || result == INTERP_AGAIN);
    er->exits += er->rig->logged - logged + er->cpu->halted;
    if (er->rig->logged != logged)
        exit_after(er, before, result, er->last_kind);
}

void engine_run_guest(struct engine_rig *er, u32 limit)
{
    while (!er->cpu->halted || (er->cpu->eflags & FLAG_IF)) {
        assert_true(limit--);
        if (er->cpu->halted)
            er->rig->intr = true; /* the timer */
        if (deliverable(er))
            deliver(er);
        else if (er->goes_on)
            go_on(er);
        else
            guest_instruction(er);
    }
}
