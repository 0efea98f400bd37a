/* Counting exits: by kind, by port or address, by instruction. The per-exit part is a few array increments; names and
 * disassembly are made at the end, from bytes kept when a site was first seen. */
#include "vmm_explain.h"

#include "base/hash.h"
#include "base/log.h"
#include "dev/vga/vga.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

enum {
    SITE_SLOTS = 4096, /* a power of two */
    SITE_MAX_USED = SITE_SLOTS / 4 * 3,
    CONTEXT_BYTES = 16, /* code bytes kept before and behind RIP */
    VGA_PAGES = 32,     /* A0000h-BFFFFh */
    VGA_FIRST = 0xa0000,
};

struct site {
    u32 linear;
    bool used, after, code32;
    u16 cs;
    u32 eip;
    u64 exits;
    u8 code[2 * CONTEXT_BYTES]; /* RIP is at code[CONTEXT_BYTES] */
};

struct exit_counts {
    u64 port[65536];
    u64 vga_page[VGA_PAGES];
    u64 other_memory;
    u64 site_overflow;
    u32 sites_used;
    struct site site[SITE_SLOTS];
};

static u64 cpu_time_ns(void)
{
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    return (u64)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) * NS_PER_S +
           (u64)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) * NS_PER_US;
}

int vmm_stats_start(struct vmm *vmm)
{
    vmm->counts = calloc(1, sizeof *vmm->counts);
    if (!vmm->counts)
        return -ENOMEM;
    vmm->start_ns = host_monotonic_ns();
    vmm->start_tsc = tsc_now();
    vmm->start_cpu_ns = cpu_time_ns();
    vmm_timeline_start(vmm);
    return 0;
}

void vmm_stats_stop(struct vmm *vmm)
{
    free(vmm->counts);
}

/* --- per exit --- */

static void keep_code(const struct vmm *vmm, struct site *site)
{
    const struct memory *mem = &vmm->machine.memory;
    for (u32 i = 0; i < sizeof site->code; i++) {
        linear_t a = site->linear - CONTEXT_BYTES + i;
        enum page_kind kind = memory_kind(mem, a);
        site->code[i] = kind == PAGE_RAM || kind == PAGE_ROM ? mem->view[a] : 0;
    }
}

static void count_site(struct vmm *vmm, bool after)
{
    struct exit_counts *c = vmm->counts;
    u32 linear = vcpu_rip_linear(&vmm->vcpu);
    u32 i = (linear * 2654435761u) >> 20; /* Knuth's multiplicative hash to 12 bits */
    while (c->site[i].used && (c->site[i].linear != linear || c->site[i].after != after))
        i = (i + 1) & (SITE_SLOTS - 1);
    struct site *site = &c->site[i];
    if (!site->used) {
        if (c->sites_used >= SITE_MAX_USED) {
            c->site_overflow++;
            return;
        }
        struct cpu_state cpu;
        vcpu_get_state(&vmm->vcpu, &cpu);
        *site = (struct site){.linear = linear, .used = true, .after = after, .code32 = cpu.sreg[CPU_CS].db,
                              .cs = cpu.sreg[CPU_CS].selector, .eip = cpu.eip};
        keep_code(vmm, site);
        c->sites_used++;
    }
    site->exits++;
}

/* Whether a port exit of one element came from INS or OUTS. INS stands at RIP; OUTS does where KVM has not stepped over
 * it or REP goes on (RF is set then), and else just before RIP. */
static bool is_string_io(const struct vmm *vmm, const struct vmexit *exit)
{
    enum { OP_INSB = 0x6c, OP_OUTSB = 0x6e, OP_OUT_IMM = 0xe6 };
    if (exit->pio.string || vcpu_resumes(&vmm->vcpu))
        return true;
    const struct memory *mem = &vmm->machine.memory;
    linear_t rip = vcpu_rip_linear(&vmm->vcpu);
    if (memory_kind(mem, rip - 2) != PAGE_RAM || memory_kind(mem, rip + INSN_MAX_BYTES) != PAGE_RAM)
        return false;
    const u8 *code = mem->view + rip;
    if (vmm_exit_is_behind(vmm, exit)) {
        bool out_imm = (code[-2] & 0xfe) == OP_OUT_IMM && code[-1] == exit->pio.port;
        return (code[-1] & 0xfe) == OP_OUTSB && !out_imm;
    }
    for (int i = 0; i < INSN_MAX_BYTES && insn_is_prefix(*code); i++)
        code++;
    return (*code & 0xfe) == (exit->pio.in ? OP_INSB : OP_OUTSB);
}

static enum exit_kind kind_of(const struct vmm *vmm, const struct vmexit *exit)
{
    switch (exit->kind) {
    case VMEXIT_PIO:
        if (is_string_io(vmm, exit))
            return EXIT_string;
        return exit->pio.in ? EXIT_pio_in : EXIT_pio_out;
    case VMEXIT_MMIO:
        return exit->mmio.write ? EXIT_mmio_write : EXIT_mmio_read;
    case VMEXIT_HLT:
        return EXIT_hlt;
    case VMEXIT_IRQ_WINDOW:
        return EXIT_irq_window;
    case VMEXIT_KICK:
        return EXIT_kick;
    default:
        return EXIT_other;
    }
}

/* The first `size` (1..8) bytes at `data`, of which 8 are readable. */
static u64 load(const u8 *data, u8 size)
{
    u64 value;
    memcpy(&value, data, sizeof value);
    return value & ~0ull >> (64 - 8 * size);
}

static void remember(struct vmm *vmm, const struct vmexit *exit, enum exit_kind kind)
{
    struct recent_exit *r = &vmm->recent[vmm->n_recent++ % RECENT_EXITS];
    r->rip = vcpu_rip_linear(&vmm->vcpu);
    r->kind = kind;
    if (exit->kind == VMEXIT_PIO) {
        r->addr = exit->pio.port;
        r->size = exit->pio.size;
        r->value = load(exit->pio.data, exit->pio.size);
    } else if (exit->kind == VMEXIT_MMIO) {
        r->addr = (u32)exit->mmio.gpa;
        r->size = exit->mmio.size;
        r->value = load(exit->mmio.data, exit->mmio.size);
    } else {
        r->addr = 0;
        r->size = 0;
        r->value = 0;
    }
}

void vmm_note_read(struct vmm *vmm, const struct vmexit *exit)
{
    struct recent_exit *r = &vmm->recent[(vmm->n_recent - 1) % RECENT_EXITS];
    r->value = exit->kind == VMEXIT_PIO ? load(exit->pio.data, exit->pio.size) : load(exit->mmio.data, exit->mmio.size);
}

enum exit_kind vmm_count_exit(struct vmm *vmm, const struct vmexit *exit)
{
    enum exit_kind kind = kind_of(vmm, exit);
    struct exit_counts *c = vmm->counts;
    vmm->stats->exits[kind]++;
    if (vmm->timeline)
        vmm_timeline_exit(vmm);
    if (exit->kind == VMEXIT_KICK)
        return kind;
    remember(vmm, exit, kind);
    if (exit->kind == VMEXIT_PIO) {
        c->port[exit->pio.port]++;
        count_site(vmm, vmm_exit_is_behind(vmm, exit));
    } else if (exit->kind == VMEXIT_MMIO) {
        u64 page = (exit->mmio.gpa - VGA_FIRST) >> PAGE_SHIFT;
        if (page < VGA_PAGES)
            c->vga_page[page]++;
        else
            c->other_memory++;
        count_site(vmm, exit->mmio.write);
    }
    return kind;
}

/* --- at the end --- */

/* Inserts into a list sorted by exits, of RUN_TOP items of `size` bytes whose u64 count is at `offset`. */
static void *top_insert(void *list, size_t size, size_t offset, u64 exits)
{
    u8 *items = list;
    u32 at = RUN_TOP;
    while (at > 0 && exits > *(u64 *)(items + (at - 1) * size + offset))
        at--;
    if (at == RUN_TOP || !exits)
        return NULL;
    memmove(items + (at + 1) * size, items + at * size, (RUN_TOP - 1 - at) * size);
    memset(items + at * size, 0, size);
    *(u64 *)(items + at * size + offset) = exits;
    return items + at * size;
}

static void add_target(struct vmm *vmm, u32 addr, bool memory, u64 exits, const char *name)
{
    struct run_target *t =
        top_insert(vmm->stats->targets, sizeof *t, offsetof(struct run_target, exits), exits);
    if (!t)
        return;
    t->addr = addr;
    t->memory = memory;
    if (memory)
        snprintf(t->name, sizeof t->name, "%s %05Xh-%05Xh", name, addr, addr + PAGE_BYTES - 1);
    else
        snprintf(t->name, sizeof t->name, "%s %02Xh", name, addr);
}

static void fill_targets(struct vmm *vmm)
{
    const struct exit_counts *c = vmm->counts;
    for (u32 port = 0; port < 65536; port++) {
        if (!c->port[port])
            continue;
        const char *name = bus_port_name(&vmm->machine.bus, (u16)port);
        add_target(vmm, port, false, c->port[port], name ? name : "unclaimed port");
    }
    for (u32 page = 0; page < VGA_PAGES; page++)
        add_target(vmm, VGA_FIRST + page * PAGE_BYTES, true, c->vga_page[page], "VGA memory");
}

/* The instruction that ends at RIP: the shortest one that could have exited, with the prefixes before it. */
static bool decode_before(const struct site *site, struct insn *insn)
{
    const u8 *rip = site->code + CONTEXT_BYTES;
    for (u32 n = 1; n <= INSN_MAX_BYTES; n++) {
        if (!insn_decode(insn, rip - n, n, site->eip - n, site->code32) || insn->length != n)
            continue;
        if (insn->class != INSN_STRONG && insn->class != INSN_WEAK)
            continue;
        while (n < INSN_MAX_BYTES && insn_is_prefix(rip[-(int)n - 1]) &&
               insn_decode(insn, rip - n - 1, n + 1, site->eip - n - 1, site->code32) && insn->length == n + 1)
            n++;
        return insn_decode(insn, rip - n, n, site->eip - n, site->code32);
    }
    return false;
}

static void describe_site(const struct site *site, struct run_site *out)
{
    struct insn insn;
    out->cs = site->cs;
    out->ip = site->eip;
    out->linear = site->linear;
    out->after = site->after;
    bool resumes = insn_decode(&insn, site->code + CONTEXT_BYTES, CONTEXT_BYTES, site->eip, site->code32) &&
                   insn.string && (insn.rep || insn.repne);
    bool known = site->after && !resumes ? decode_before(site, &insn)
                                         : insn_decode(&insn, site->code + CONTEXT_BYTES, CONTEXT_BYTES, site->eip,
                                                       site->code32);
    snprintf(out->text, sizeof out->text, "?");
    if (!known)
        return;
    insn_format(&insn, out->text, sizeof out->text);
    out->ip = insn.eip;
    out->linear = site->linear - site->eip + insn.eip;
}

static void fill_sites(struct vmm *vmm)
{
    for (u32 i = 0; i < SITE_SLOTS; i++) {
        const struct site *site = &vmm->counts->site[i];
        if (!site->used)
            continue;
        struct run_site *out =
            top_insert(vmm->stats->sites, sizeof *out, offsetof(struct run_site, exits), site->exits);
        if (out)
            describe_site(site, out);
    }
}

u64 vmm_tsc_to_ns(const struct vmm *vmm, u64 ticks)
{
    u64 total_ticks = tsc_now() - vmm->start_tsc;
    return total_ticks ? clock_muldiv(ticks, host_monotonic_ns() - vmm->start_ns, total_ticks) : 0;
}

static void fill_times(struct vmm *vmm)
{
    struct run_stats *s = vmm->stats;
    s->host_ns_total = host_monotonic_ns() - vmm->start_ns;
    s->host_ns_kvm = vmm_tsc_to_ns(vmm, vmm->tsc_kvm);
    s->host_ns_devices = vmm_tsc_to_ns(vmm, vmm->tsc_devices);
    s->host_ns_cluster = vmm_tsc_to_ns(vmm, vmm->tsc_cluster);
    s->cpu_ns = cpu_time_ns() - vmm->start_cpu_ns;
    s->virtual_ns = clock_now(&vmm->machine.clock);
}

static void copy_ram(const struct memory *mem, int fd)
{
    for (u32 done = 0; done < mem->ram_bytes;) {
        ssize_t n = pwrite(fd, mem->plain + done, mem->ram_bytes - done, done);
        if (n <= 0) {
            log_error("cannot keep the guest's RAM: %s", n < 0 ? strerror(errno) : "short write");
            return;
        }
        done += (u32)n;
    }
}

/* All that is cheap: from the counts so far, at any time. */
static void gather(struct vmm *vmm)
{
    struct run_stats *s = vmm->stats;
    fill_times(vmm);
    s->exits_total = 0;
    for (int i = 0; i < EXIT_KIND_COUNT; i++)
        s->exits_total += s->exits[i];
    s->kvm_run = vmm->vcpu.runs;
    s->completions = vmm->vcpu.completions;
    s->ioctls = vmm->vcpu.ioctls + vmm->vm.ioctls;
    s->accesses = vmm->machine.accesses;
    cluster_engine_stats(vmm->engine, &s->clusters);
    vmm_executor_stats(vmm);
    vmm_check_stats(vmm);
    vmm_window_stats(vmm);
    vmm_horizon_stats(vmm);
    memset(s->targets, 0, sizeof s->targets);
    memset(s->sites, 0, sizeof s->sites);
    fill_targets(vmm);
    fill_sites(vmm);
    vmm_net_stats(vmm);
}

void vmm_stats_look(struct vmm *vmm, struct run_stats *out)
{
    gather(vmm);
    *out = *vmm->stats;
}

void vmm_stats_finish(struct vmm *vmm)
{
    struct run_stats *s = vmm->stats;
    struct machine *m = &vmm->machine;
    gather(vmm);
    vmm_timeline_sample(vmm);
    vmm_explain_stats(vmm);
    s->stream_hash = trace_finish(&m->trace);
    s->stream_count = m->trace.count;
    s->ram_hash = hash64(m->memory.plain, m->memory.ram_bytes);
    if (vmm->config->ram_fd >= 0)
        copy_ram(&m->memory, vmm->config->ram_fd);
    struct vga_picture picture = {0};
    if (!vga_render(m->vga, VGA_VIEW_BEAM, &picture)) {
        s->frame_width = picture.width;
        s->frame_height = picture.height;
    }
    vga_picture_fini(&picture);
    s->frame_hash = vga_frame_hash(m->vga, VGA_VIEW_BEAM);
}
