/* The world of the tests of the checking executor. */
#include "check_rig.h"

#include "cluster/heat.h"

#include <stdlib.h>
#include <string.h>

/* --- devices --- */

static u32 port_in(void *opaque, u16 port, u8 size)
{
    struct check_rig *rig = opaque;
    (void)port;
    rig->accesses++;
    return (0x11223344u + rig->reads++) & (u32)((1ull << 8 * size) - 1);
}

static void port_out(void *opaque, u16 port, u8 size, u32 value)
{
    struct check_rig *rig = opaque;
    u8 byte = (u8)value;
    (void)size;
    rig->accesses++;
    if (port == PORT_INTR)
        rig->intr = true;
    else if (port == PORT_DMA_WRITE)
        assert_true(memory_write(&rig->mem, RIG_DATA, &byte, 1));
    else if (port == PORT_DMA_READ)
        assert_true(memory_read(&rig->mem, RIG_DATA, &rig->dma_byte, 1));
    else if (port == PORT_A20)
        memory_set_a20(&rig->mem, byte & 2);
    else if (port == PORT_ATTENTION)
        rig->attention = 1;
    else if (port == PORT_EXIT)
        rig->requests = 1;
}

static u32 mmio_read(void *opaque, u32 gpa, u8 size)
{
    struct check_rig *rig = opaque;
    rig->accesses++;
    return gpa & (u32)((1ull << 8 * size) - 1);
}

static void mmio_write(void *opaque, u32 gpa, u8 size, u32 value)
{
    struct check_rig *rig = opaque;
    (void)gpa, (void)size, (void)value;
    rig->accesses++;
}

/* Writing is direct, reading is not. */
static void find_port(void *opaque, struct env_port *port)
{
    port->direct = true;
    port->dev = opaque;
    port->out = port_out;
}

static void cpuid(void *opaque, u32 leaf, u32 subleaf, u32 out[4])
{
    (void)opaque, (void)leaf, (void)subleaf;
    memset(out, 0, 4 * sizeof out[0]);
}

static void *fpu_state(void *opaque, bool write)
{
    struct check_rig *rig = opaque;
    (void)write;
    return &rig->x87;
}

/* --- the faulty executor --- */

/* The third access of the candidate is the one that may be wrong. */
static bool is_victim(struct check_rig *rig)
{
    return ++rig->candidate_accesses == 3;
}

static u32 faulty_in(void *opaque, u16 port, u8 size)
{
    struct check_rig *rig = opaque;
    const struct cluster_env *env = check_interp(rig->check)->env;
    is_victim(rig);
    return env->port_in(env->opaque, port, size);
}

static void direct_out(struct check_rig *rig, u16 port, u8 size, u32 value, enum fault fault)
{
    const struct cluster_env *env = check_interp(rig->check)->env;
    struct env_port found = {.number = port, .size = size};
    env->find_port(env->opaque, &found);
    assert_true(found.direct && found.out && !found.in);
    assert_ptr_equal(found.dev, rig->check);
    found.out(found.dev, port, size, value);
    rig->direct_accesses++;
    if (fault != FAULT_DONE_LEFT_OUT)
        env->port_done(env->opaque, false, port, size, value + (fault == FAULT_DONE_VALUE));
}

static void faulty_out(void *opaque, u16 port, u8 size, u32 value)
{
    struct check_rig *rig = opaque;
    const struct cluster_env *env = check_interp(rig->check)->env;
    enum fault fault = is_victim(rig) ? rig->fault : FAULT_NONE;
    if (fault == FAULT_ACCESS_LEFT_OUT)
        return;
    if (rig->direct) {
        direct_out(rig, port, size, value, fault);
        return;
    }
    if (fault == FAULT_ACCESS_KIND) {
        env->port_in(env->opaque, port, size);
        return;
    }
    port += fault == FAULT_ACCESS_ADDRESS;
    size += fault == FAULT_ACCESS_SIZE;
    value += fault == FAULT_ACCESS_VALUE;
    env->port_out(env->opaque, port, size, value);
    if (fault == FAULT_ACCESS_ADDED)
        env->port_out(env->opaque, port, size, value);
}

static u32 faulty_read(void *opaque, u32 gpa, u8 size)
{
    struct check_rig *rig = opaque;
    const struct cluster_env *env = check_interp(rig->check)->env;
    return env->mmio_read(env->opaque, gpa, size);
}

static void faulty_write(void *opaque, u32 gpa, u8 size, u32 value)
{
    struct check_rig *rig = opaque;
    const struct cluster_env *env = check_interp(rig->check)->env;
    env->mmio_write(env->opaque, gpa, size, value);
}

static void *faulty_fpu_state(void *opaque, bool write)
{
    struct check_rig *rig = opaque;
    const struct cluster_env *env = check_interp(rig->check)->env;
    struct x87_image *image = env->fpu_state(env->opaque, write);
    image->st[0][0] ^= rig->fault == FAULT_X87;
    return image;
}

static void spoil_state(struct check_rig *rig, struct cpu_state *cpu)
{
    cpu->reg[CPU_EDX] ^= rig->fault == FAULT_REGISTER ? 0x10000 : 0;
    cpu->eip ^= rig->fault == FAULT_EIP;
    cpu->eflags ^= rig->fault == FAULT_FLAG ? FLAG_AF : 0;
    cpu->interrupt_shadow ^= rig->fault == FAULT_SHADOW;
    cpu->sreg[CPU_ES].base ^= rig->fault == FAULT_SEGMENT ? 16 : 0;
}

static void spoil_memory(struct check_rig *rig)
{
    u8 *view = rig->faulty_env.view;
    view[RIG_DATA + 0xfff] ^= rig->fault == FAULT_MEMORY;
    view[RIG_STACK - 40] ^= rig->fault == FAULT_STACK_PAGE;
    view[RIG_FAR_PAGE] ^= rig->fault == FAULT_FAR_PAGE;
}

static enum cluster_leave faulty_run(void *opaque, struct cluster *cluster, int start, struct cpu_state *cpu,
                                     struct cluster_stats *stats)
{
    struct check_rig *rig = opaque;
    struct cluster_backend interp = cluster_backend_interp(&rig->faulty);
    rig->candidate_runs++;
    rig->candidate_accesses = 0;
    enum cluster_leave leave = interp.run(interp.opaque, cluster, start, cpu, stats);
    spoil_state(rig, cpu);
    spoil_memory(rig);
    stats->instructions += rig->fault == FAULT_INSTRUCTIONS;
    stats->exits_avoided += rig->fault == FAULT_EXITS;
    cluster->insn[0].exits_avoided += rig->fault == FAULT_INSN_EXITS;
    return rig->fault == FAULT_LEAVE ? LEAVE_branch : leave;
}

/* --- life --- */

static bool follow(void *opaque)
{
    struct check_rig *rig = opaque;
    memory_shadow_follow(&rig->shadow);
    return memory_has_aliases(&rig->mem);
}

static u32 others(void *opaque, u32 page, u32 other[CHECK_OTHERS_MAX])
{
    const struct check_rig *rig = opaque;
    return memory_others(&rig->mem, page, other);
}

static void drop(void *opaque, u32 page)
{
    struct check_rig *rig = opaque;
    memory_shadow_drop(&rig->shadow, page);
}

static void on_difference(void *opaque, const char *what)
{
    struct check_rig *rig = opaque;
    rig->told++;
    snprintf(rig->what, sizeof rig->what, "%s", what);
}

static void before_bus_access(void *opaque)
{
    check_before_bus_access(opaque);
}

static void init_cpu(struct cpu_state *cpu)
{
    for (u32 i = 0; i < CPU_SREGS; i++)
        cpu->sreg[i] = (struct cpu_segment){.limit = 0xffff, .type = 3, .s = true, .present = true};
    cpu->eip = RIG_CODE;
    cpu->reg[CPU_ESP] = RIG_STACK;
    cpu->reg[CPU_EAX] = 0xaabbccdd;
    cpu->eflags = FLAG_FIXED;
    cpu->idt.limit = 0x3ff;
    cpu->cr0 = CR0_ET;
    cpu->ldt.unusable = true;
}

static void init_env(struct check_rig *rig)
{
    rig->env = (struct cluster_env){
        .opaque = rig, .view = rig->mem.view, .page_kind = rig->mem.page_kind,
        .port_in = port_in, .port_out = port_out, .mmio_read = mmio_read, .mmio_write = mmio_write,
        .find_port = find_port, .cpuid = cpuid, .fpu_state = fpu_state,
        .intr = &rig->intr, .attention = &rig->attention, .requests = &rig->requests,
        .generation = &rig->mem.generation,
    };
}

int check_setup(void **state)
{
    struct check_rig *rig = calloc(1, sizeof *rig);
    assert_non_null(rig);
    assert_int_equal(memory_init(&rig->mem, 4 * MIB), 0);
    assert_int_equal(memory_shadow_init(&rig->shadow, &rig->mem), 0);
    rig->report_file = open_memstream(&rig->report, &rig->report_bytes);
    assert_non_null(rig->report_file);
    init_env(rig);
    x87_init(&rig->x87);
    struct check_config config = {
        .env = &rig->env,
        .view = {.opaque = rig, .view = rig->shadow.view, .follow = follow, .others = others, .drop = drop},
        .like_kvm = true,
        .report = rig->report_file,
        .on_difference = on_difference,
        .opaque = rig,
    };
    assert_int_equal(check_create(&rig->check, &config), 0);
    rig->mem.before_bus_access = before_bus_access;
    rig->mem.before_bus_access_opaque = rig->check;
    rig->faulty_env = *check_interp(rig->check)->env;
    rig->faulty_env.opaque = rig;
    rig->faulty_env.port_in = faulty_in;
    rig->faulty_env.port_out = faulty_out;
    rig->faulty_env.mmio_read = faulty_read;
    rig->faulty_env.mmio_write = faulty_write;
    rig->faulty_env.fpu_state = faulty_fpu_state;
    assert_int_equal(interp_init(&rig->faulty, &rig->faulty_env), 0);
    rig->faulty.like_kvm = true;
    struct cluster_backend candidate = {.name = "faulty", .run = faulty_run, .opaque = rig};
    rig->backend = cluster_backend_check(rig->check, &candidate);
    init_cpu(&rig->cpu);
    *state = rig;
    return 0;
}

int check_teardown(void **state)
{
    struct check_rig *rig = *state;
    cluster_free(rig->cluster);
    check_destroy(rig->check);
    interp_fini(&rig->faulty);
    fclose(rig->report_file);
    free(rig->report);
    memory_shadow_fini(&rig->shadow);
    memory_fini(&rig->mem);
    free(rig);
    return 0;
}

void check_code_bytes(struct check_rig *rig, const u8 *bytes, u32 size)
{
    struct heat *heat = calloc(1, sizeof *heat);
    struct form_request request = {.env = &rig->env, .heat = heat, .window = 16};
    struct cluster_key key = {.where = {.eip = RIG_CODE}, .position = POSITION_AFTER};
    assert_non_null(heat);
    memcpy(rig->mem.view + RIG_CODE, bytes, size);
    cluster_free(rig->cluster);
    assert_int_equal(cluster_form(&request, &key, &rig->cluster), FORM_OK);
    free(heat);
}

enum cluster_leave check_run(struct check_rig *rig)
{
    rig->cpu.eip = RIG_CODE;
    rig->cluster->runs++;
    return rig->backend.run(rig->backend.opaque, rig->cluster, 0, &rig->cpu, &rig->stats);
}

struct check_stats check_rig_stats(const struct check_rig *rig)
{
    struct check_stats stats;
    check_stats(rig->check, &stats);
    return stats;
}

const char *check_rig_report(struct check_rig *rig)
{
    fflush(rig->report_file);
    return rig->report ? rig->report : "";
}
