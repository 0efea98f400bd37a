/* The world of the tests of host code. */
#include "jit_rig.h"

#include "cluster/heat.h"

#include <stdlib.h>
#include <string.h>

static u32 port_in(void *opaque, u16 port, u8 size)
{
    struct jit_rig *rig = opaque;
    rig->port_accesses++;
    return (port + 1u) & (u32)((1ull << 8 * size) - 1);
}

static void port_out(void *opaque, u16 port, u8 size, u32 value)
{
    struct jit_rig *rig = opaque;
    (void)size, (void)value;
    rig->port_accesses++;
    if (port == PORT_EXIT)
        rig->requests = 1;
}

static u32 mmio_read(void *opaque, u32 gpa, u8 size)
{
    struct jit_rig *rig = opaque;
    rig->mmio_accesses++;
    return gpa & (u32)((1ull << 8 * size) - 1);
}

static void mmio_write(void *opaque, u32 gpa, u8 size, u32 value)
{
    struct jit_rig *rig = opaque;
    (void)gpa, (void)size, (void)value;
    rig->mmio_accesses++;
}

static void real_mode(struct cpu_state *cpu)
{
    *cpu = (struct cpu_state){.eip = RIG_CODE, .eflags = FLAG_FIXED | FLAG_IF, .cr0 = CR0_ET};
    for (int i = 0; i < CPU_SREGS; i++)
        cpu->sreg[i] = (struct cpu_segment){.limit = 0xffff, .type = i == CPU_CS ? 11 : 3, .s = true, .present = true};
    cpu->reg[CPU_ESP] = RIG_STACK;
    cpu->reg[CPU_EBX] = cpu->reg[CPU_ESI] = cpu->reg[CPU_EDI] = RIG_DATA;
}

int jit_setup(void **state)
{
    struct jit_rig *rig = calloc(1, sizeof *rig);
    assert_non_null(rig);
    assert_int_equal(memory_init(&rig->mem, 2 * MIB), 0);
    rig->env = (struct cluster_env){.opaque = rig,
                                    .view = rig->mem.view,
                                    .page_kind = rig->mem.page_kind,
                                    .port_in = port_in,
                                    .port_out = port_out,
                                    .mmio_read = mmio_read,
                                    .mmio_write = mmio_write,
                                    .intr = &rig->intr,
                                    .attention = &rig->attention,
                                    .requests = &rig->requests,
                                    .generation = &rig->mem.generation};
    assert_int_equal(interp_init(&rig->interp, &rig->env), 0);
    real_mode(&rig->cpu);
    *state = rig;
    return 0;
}

int jit_teardown(void **state)
{
    struct jit_rig *rig = *state;
    jit_destroy(rig->jit);
    interp_fini(&rig->interp);
    memory_fini(&rig->mem);
    free(rig);
    return 0;
}

void jit_configure(struct jit_rig *rig, const struct jit_config *config)
{
    jit_destroy(rig->jit);
    assert_int_equal(jit_create(&rig->jit, &rig->interp, config), 0);
    rig->backend = cluster_backend_host(rig->jit);
}

static void ignore_stop(void *opaque, const struct insn *insn)
{
    (void)opaque;
    (void)insn;
}

/* Heat for every memory instruction of `exiting`, and some for all of them for the cluster to be formed at all. */
static void heat_up(const struct jit_rig *rig, struct heat *heat, const u8 *code, u32 bytes, u32 exiting)
{
    struct insn insn;
    u32 at = 0;
    for (u32 i = 0; at < bytes; i++, at += insn.length) {
        assert_true(insn_decode(&insn, code + at, bytes - at, RIG_CODE + at, rig->cpu.sreg[CPU_CS].db));
        if (exiting & BIT(i))
            heat_bump(heat, RIG_CODE + at, false);
    }
}

struct cluster *jit_form(struct jit_rig *rig, const u8 *code, u32 bytes, u32 exiting)
{
    static const u8 end[] = {0xee, 0xe4, 0x60, 0x0f, 0x08}; /* out dx, al; in al, 60h; invd */
    struct heat *heat = calloc(1, sizeof *heat);
    struct cluster *cluster = NULL;
    assert_non_null(heat);
    if (!rig->jit) /* in the test itself: around its fixtures cmocka changes who gets SIGSEGV */
        jit_configure(rig, &(struct jit_config){0});
    memcpy(rig->mem.plain + RIG_CODE, code, bytes);
    memcpy(rig->mem.plain + RIG_CODE + bytes, end, sizeof end);
    heat_up(rig, heat, code, bytes, exiting);
    const struct cpu_state *cpu = &rig->cpu;
    struct cluster_key key = {.where = {.eip = RIG_CODE,
                                        .cs_base = cpu->sreg[CPU_CS].base,
                                        .mode = cpu_mode_bits(cpu->cr0, cpu->eflags, cpu->sreg[CPU_CS].db,
                                                              cpu->sreg[CPU_SS].db, 0)},
                              .position = POSITION_AFTER};
    const struct form_request request = {.env = &rig->env, .heat = heat, .window = 32, .on_stop = ignore_stop};
    assert_int_equal(cluster_form(&request, &key, &cluster), FORM_OK);
    free(heat);
    return cluster;
}

enum cluster_leave jit_run(struct jit_rig *rig, struct cluster *cluster)
{
    int start = cluster_find(cluster, rig->cpu.eip);
    assert_int_not_equal(start, CLUSTER_NO_INSN);
    return rig->backend.run(rig->backend.opaque, cluster, start, &rig->cpu, &rig->stats);
}

void jit_free(struct jit_rig *rig, struct cluster *cluster)
{
    rig->backend.discard(rig->backend.opaque, cluster);
    cluster_free(cluster);
}
