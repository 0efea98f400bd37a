/* Repeated string instructions on a real VGA: host code, which does their elements in loops of its own,
 * against the interpreter, which does one after the other. Two equal machines in random states (registers of
 * the memory pipeline, places in RAM and in the windows, counts, sizes, directions, an interrupt at a random
 * access) execute the same instruction until it is done; registers, memory, latches, colours, accesses and
 * counts must agree. */
#include "vga_rig.h"

#include "cluster/heat.h"
#include "dev/devices.h"
#include "dev/vga/vga_run.h"
#include "jit/jit.h"

#include <stdlib.h>
#include <string.h>

enum {
    CODE = 0x1000,
    SCRATCH = 0x5000, /* RAM that strings use, in front of a page's end */
    SCRATCH_BYTES = 0x2000,
    COUNT_MAX = 300,
    ACCESSES_MAX = 4 * COUNT_MAX,
    ROUNDS = 3000,
};

struct world {
    struct machine *machine;
    void *dev;
    struct cluster_env env;
    struct interp interp;
    struct jit *jit; /* NULL: the interpreter */
    struct cluster_backend backend;
    struct cpu_state cpu;
    struct cluster_stats stats;
    u64 exits; /* of the instruction */
    bool intr;
    volatile int attention;
    u32 requests;
    u32 n, intr_at; /* accesses made; the one that raises the interrupt */
    struct access access[ACCESSES_MAX];
    u64 at_once; /* elements of runs */
};

static void note(struct world *w, enum access_kind kind, u32 addr, u8 size, u32 value)
{
    assert_true(w->n < ACCESSES_MAX);
    w->access[w->n++] = (struct access){.addr = addr, .value = value, .kind = (u8)kind, .size = size};
    w->machine->clock.access_ns += CLOCK_ACCESS_STEP_NS;
    if (w->n == w->intr_at)
        w->intr = true;
}

static u32 port_in(void *opaque, u16 port, u8 size)
{
    struct world *w = opaque;
    u32 value = bus_in(&w->machine->bus, port, size);
    note(w, ACCESS_PORT_IN, port, size, value);
    return value;
}

static void port_out(void *opaque, u16 port, u8 size, u32 value)
{
    struct world *w = opaque;
    bus_out(&w->machine->bus, port, size, value);
    note(w, ACCESS_PORT_OUT, port, size, value);
}

static u32 mmio_read(void *opaque, u32 gpa, u8 size)
{
    struct world *w = opaque;
    const struct bus_window *window = bus_window_at(&w->machine->bus, gpa);
    u32 value = window ? window->read(window->dev, gpa, size) : gpa & 0xff;
    note(w, ACCESS_MMIO_READ, gpa, size, value);
    return value;
}

static void mmio_write(void *opaque, u32 gpa, u8 size, u32 value)
{
    struct world *w = opaque;
    const struct bus_window *window = bus_window_at(&w->machine->bus, gpa);
    if (window)
        window->write(window->dev, gpa, size, value);
    note(w, ACCESS_MMIO_WRITE, gpa, size, value);
}

static void find_port(void *opaque, struct env_port *port)
{
    struct world *w = opaque;
    const struct bus_port *row = bus_port_row(&w->machine->bus, port->number, &port->dev);
    port->direct = row && (row->width & port->size);
    if (!port->direct)
        return;
    port->in = row->in;
    port->out = row->out;
}

static void port_done(void *opaque, bool in, u16 port, u8 size, u32 value)
{
    note(opaque, in ? ACCESS_PORT_IN : ACCESS_PORT_OUT, port, size, value);
}

static void find_window(void *opaque, u32 gpa, struct env_window *window)
{
    struct world *w = opaque;
    const struct vga_accessor *a = vga_accessor(w->machine->vga);
    (void)gpa;
    *window = (struct env_window){.first = a->first,
                                  .bytes = a->bytes,
                                  .generation = a->generation,
                                  .generation_now = &a->generation,
                                  .dev = w->machine->vga,
                                  .read = a->read,
                                  .write = a->write};
}

static void memory_done(void *opaque, bool read, u32 gpa, u8 size, u32 value)
{
    note(opaque, read ? ACCESS_MMIO_READ : ACCESS_MMIO_WRITE, gpa, size, value);
}

/* As the monitor does it, but that an interrupt of the test's may come at any access: then not. */
static u32 device_run(void *opaque, struct env_run *run)
{
    struct world *w = opaque;
    bool reads = run->source == ENV_SIDE_WINDOW, writes = run->sink == ENV_SIDE_WINDOW;
    u32 values[PAGE_BYTES], each = (u32)reads + (u32)writes, count = run->count;
    if (run->sink == ENV_SIDE_PORT || run->size == 4 ||
        (w->intr_at > w->n && w->intr_at <= w->n + count * each))
        return 0;
    struct vga_run moves = {.count = count,
                            .size = run->size,
                            .down = run->down,
                            .from = run->from,
                            .to = run->to,
                            .ram_from = run->source == ENV_SIDE_RAM ? run->ram_from : NULL,
                            .ram_to = run->sink == ENV_SIDE_RAM ? run->ram_to : NULL,
                            .value = run->value,
                            .moved = values};
    (reads && writes ? vga_run_copy : reads ? vga_run_load : vga_run_store)(w->machine->vga, &moves);
    s32 distance = run->down ? -(s32)run->size : (s32)run->size;
    for (u32 i = 0; i < count; i++) {
        if (reads)
            note(w, ACCESS_MMIO_READ, run->from + i * (u32)distance, run->size, values[i]);
        if (writes)
            note(w, ACCESS_MMIO_WRITE, run->to + i * (u32)distance, run->size, values[i]);
    }
    run->value = values[count - 1];
    w->at_once += count;
    return count;
}

static void create_world(struct world *w, bool host)
{
    struct machine *m = w->machine = calloc(1, sizeof *m);
    assert_int_equal(memory_init(&m->memory, 2 * MIB), 0);
    bus_init(&m->bus);
    clock_init(&m->clock, CLOCK_MODE_ACCESS);
    assert_int_equal(vga_class.create(m, &w->dev), 0);
    bus_add_ports(&m->bus, vga_class.ports, vga_class.n_ports, w->dev);
    vga_class.reset(w->dev);
    w->env = (struct cluster_env){.opaque = w,
                                  .view = m->memory.view,
                                  .page_kind = m->memory.page_kind,
                                  .port_in = port_in,
                                  .port_out = port_out,
                                  .mmio_read = mmio_read,
                                  .mmio_write = mmio_write,
                                  .find_port = find_port,
                                  .port_done = port_done,
                                  .find_window = find_window,
                                  .memory_done = memory_done,
                                  .device_run = device_run,
                                  .intr = &w->intr,
                                  .attention = &w->attention,
                                  .requests = &w->requests,
                                  .generation = &m->memory.generation};
    assert_int_equal(interp_init(&w->interp, &w->env), 0);
    if (host)
        assert_int_equal(jit_create(&w->jit, &w->interp, &(struct jit_config){0}), 0);
    w->backend = host ? cluster_backend_host(w->jit) : cluster_backend_interp(&w->interp);
}

static void destroy_world(struct world *w)
{
    if (w->jit)
        jit_destroy(w->jit);
    interp_fini(&w->interp);
    vga_class.destroy(w->dev);
    memory_fini(&w->machine->memory);
    free(w->machine);
}

static u32 below(u32 n)
{
    return (u32)random() % n;
}

static u32 bits(void)
{
    return (u32)random() ^ (u32)random() << 16;
}

/* --- a random state, the same in both --- */

static void set_registers(struct world w[2])
{
    u8 gc[9], seq2 = below(4) ? (u8)below(16) : 15, seq4 = (u8)(below(4) << 2 | (below(8) ? 2 : 0));
    for (u32 i = 0; i < ARRAY_LEN(gc); i++)
        gc[i] = (u8)bits();
    if (below(2)) { /* nothing to do */
        gc[1] = gc[3] = 0;
        gc[8] = 0xff;
        gc[5] &= 0xfc;
    }
    u8 misc = below(16) ? 3 : 1;
    for (u32 e = 0; e < 2; e++) {
        struct bus *bus = &w[e].machine->bus;
        bus_out(bus, 0x3c2, 1, misc);
        bus_out(bus, 0x3c4, 2, 2 | (u32)seq2 << 8);
        bus_out(bus, 0x3c4, 2, 4 | (u32)seq4 << 8);
        for (u32 i = 0; i < ARRAY_LEN(gc); i++)
            bus_out(bus, 0x3ce, 2, i | (u32)gc[i] << 8);
    }
}

/* Of a segment and an offset in it: RAM or a window, often near the end of a page or window, or of the
 * segment. */
static u32 random_place(u32 *offset)
{
    static const u32 end[] = {SCRATCH + 0x1000, SCRATCH + 0x1000, 0xa0100, 0xa1000,
                              0xafff0,          0xb0000,          0xb8000, 0xc0000 - 400};
    u32 place = end[below(ARRAY_LEN(end))] - (below(4) ? below(COUNT_MAX) : below(8));
    *offset = below(8) ? place & 0xfff : 0xffff - below(40);
    return place - *offset;
}

static void set_cpu(struct world w[2])
{
    u32 si, di, source = random_place(&si), destination = random_place(&di);
    struct cpu_state cpu = {.eip = CODE,
                            .eflags = FLAG_FIXED | (below(2) ? FLAG_IF : 0) | (below(3) ? 0 : FLAG_DF),
                            .cr0 = CR0_ET};
    for (int i = 0; i < CPU_SREGS; i++)
        cpu.sreg[i] =
            (struct cpu_segment){.limit = 0xffff, .type = i == CPU_CS ? 11 : 3, .s = true, .present = true};
    cpu.sreg[CPU_DS].base = source;
    cpu.sreg[CPU_ES].base = destination;
    cpu.reg[CPU_EAX] = bits();
    cpu.reg[CPU_ECX] = below(4) ? below(COUNT_MAX) : below(4);
    cpu.reg[CPU_EDX] = 0x3c6 + below(4);
    cpu.reg[CPU_ESI] = si;
    cpu.reg[CPU_EDI] = di;
    u32 intr_at = below(2) ? 0 : 1 + below(100);
    for (u32 e = 0; e < 2; e++) {
        w[e].cpu = cpu;
        w[e].n = 0;
        w[e].exits = 0;
        w[e].intr = false;
        w[e].intr_at = intr_at;
        w[e].stats = (struct cluster_stats){0};
    }
}

static void set_memory(struct world w[2])
{
    for (u32 i = 0; i < SCRATCH_BYTES; i++) {
        u8 byte = (u8)bits();
        w[0].machine->memory.plain[SCRATCH + i] = w[1].machine->memory.plain[SCRATCH + i] = byte;
    }
    for (u32 i = 0; i < 2000; i++) {
        u32 at = below(VGA_PLANE_BYTES), value = bits();
        w[0].machine->vga->vram[at] = w[1].machine->vga->vram[at] = value;
    }
    w[0].machine->vga->latch = w[1].machine->vga->latch = bits();
}

/* --- execution --- */

static void ignore_stop(void *opaque, const struct insn *insn)
{
    (void)opaque, (void)insn;
}

static struct cluster *form(struct world *w, const u8 *code, u32 bytes)
{
    static const u8 end[] = {0xe6, 0x80, 0x0f, 0x08}; /* out 80h, al; invd */
    struct heat *heat = calloc(1, sizeof *heat);
    struct cluster *cluster = NULL;
    memcpy(w->machine->memory.plain + CODE, code, bytes);
    memcpy(w->machine->memory.plain + CODE + bytes, end, sizeof end);
    heat_bump(heat, CODE, false);
    struct cluster_key key = {
        .where = {.eip = CODE, .mode = cpu_mode_bits(CR0_ET, FLAG_FIXED, false, false, 0)},
        .position = POSITION_AFTER};
    const struct form_request request = {.env = &w->env, .heat = heat, .window = 4, .on_stop = ignore_stop};
    assert_int_equal(cluster_form(&request, &key, &cluster), FORM_OK);
    free(heat);
    return cluster;
}

/* Runs the cluster until its first instruction is done, or cannot be executed: why it was left last. */
static enum cluster_leave execute(struct world *w, struct cluster *cluster)
{
    enum cluster_leave reason;
    u32 at;
    do {
        at = w->cpu.reg[CPU_ECX];
        reason = w->backend.run(w->backend.opaque, cluster, cluster_find(cluster, CODE), &w->cpu, &w->stats);
        w->intr = false;
    } while (w->cpu.eip == CODE && w->cpu.reg[CPU_ECX] != at);
    w->exits = cluster->insn[0].exits_avoided;
    return reason;
}

static void compare(struct world w[2])
{
    const struct vga *a = w[0].machine->vga, *b = w[1].machine->vga;
    assert_int_equal(w[0].n, w[1].n);
    assert_memory_equal(w[0].access, w[1].access, w[0].n * sizeof w[0].access[0]);
    assert_memory_equal(&w[0].cpu, &w[1].cpu, sizeof w[0].cpu);
    assert_int_equal(w[0].stats.instructions, w[1].stats.instructions);
    assert_int_equal(w[0].stats.exits_avoided, w[1].stats.exits_avoided);
    assert_int_equal(w[0].exits, w[1].exits);
    assert_int_equal(a->latch, b->latch);
    assert_memory_equal(&a->r, &b->r, sizeof a->r);
    assert_memory_equal(a->vram, b->vram, sizeof a->vram);
    assert_memory_equal(w[0].machine->memory.plain + SCRATCH, w[1].machine->memory.plain + SCRATCH,
                        SCRATCH_BYTES);
}

static void repeated_strings_agree_with_the_interpreter(void **state)
{
    static const u8 opcode[] = {0xa4, 0xa5, 0xaa, 0xab, 0xac, 0xad, 0x6e}; /* MOVS, STOS, LODS, OUTSB */
    struct world *w = calloc(2, sizeof *w);
    struct jit_stats stats;
    (void)state;
    create_world(&w[0], false);
    create_world(&w[1], true);
    srandom(4);
    for (u32 round = 0; round < ROUNDS; round++) {
        u8 code[] = {below(3) ? 0x3e : 0x66, below(6) ? 0x3e : 0x67, 0xf3, opcode[below(ARRAY_LEN(opcode))]};
        enum cluster_leave left[2];
        set_registers(w);
        set_memory(w);
        set_cpu(w);
        for (u32 e = 0; e < 2; e++) {
            struct cluster *cluster = form(&w[e], code, sizeof code);
            left[e] = execute(&w[e], cluster);
            if (w[e].backend.discard)
                w[e].backend.discard(w[e].backend.opaque, cluster);
            cluster_free(cluster);
        }
        assert_int_equal(left[0], left[1]);
        compare(w);
    }
    jit_stats(w[1].jit, &stats);
    assert_int_equal(stats.failed, 0);
    assert_true(w[1].at_once > ROUNDS && !w[0].at_once);
    destroy_world(&w[0]);
    destroy_world(&w[1]);
    free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(repeated_strings_agree_with_the_interpreter)};
    return cmocka_run_group_tests_name("strings", tests, NULL, NULL);
}
