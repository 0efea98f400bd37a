/* Saving and loading the whole machine: what must hold before, which sections there are, what is made anew
 * after. The frame of the file and the rules of loading are in machine/state.h.
 *
 *   configuration   what the state fits: compared, never loaded
 *   machine         time, RAM, the stream of accesses (machine/machine_state.c)
 *   chips           one section each (dev/devices.c)
 *   disks           what --snapshot keeps in memory
 *   processor       registers, x87, debug registers
 *   parts           of others, as vmm_add_state_part was called
 *
 * Not in it: the contents of disk images; what the engine knows of the guest's code, which is compared with
 * memory again; scripts, limits and counts of the run. LIMIT: model-specific registers are not saved: the 486
 * that guests see has none. */
#include "vmm_internal.h"

#include "base/bug.h"
#include "base/hash.h"
#include "dev/block.h"
#include "dos/embedded.h"
#include "dev/vga/vga.h"
#include "net/net.h"

#include <errno.h>
#include <string.h>

/* --- configuration --- */

static const char *const floppy_names[MACHINE_FLOPPIES] = {"A:", "B:"};
static const char *const disk_names[MACHINE_DISKS] = {"hard disk 1", "hard disk 2", "hard disk 3",
                                                      "hard disk 4"};

static void image_fits(struct state *s, const void *data, u32 bytes, const char *what)
{
    u64 mine = data ? hash64(data, bytes) : 0, saved = mine;
    u32 saved_bytes = bytes;
    state_u64(s, &saved);
    state_u32(s, &saved_bytes);
    if (!s->failed && (saved != mine || saved_bytes != bytes))
        state_fail(s, "it was saved with another %s", what);
}

static void memory_fits(struct state *s, u32 ram_bytes)
{
    u32 saved = ram_bytes;
    state_u32(s, &saved);
    if (!s->failed && saved != ram_bytes)
        state_fail(s, "it was saved with %u MiB of memory, this machine has %u", saved / MIB,
                   ram_bytes / MIB);
}

static void clock_fits(struct state *s, enum clock_mode mode)
{
    u8 saved = (u8)mode;
    state_u8_in(s, &saved, CLOCK_MODE_HOST, CLOCK_MODE_ACCESS, "the clock");
    if (!s->failed && saved != mode)
        state_fail(s, "it was saved under --clock=%s", saved == CLOCK_MODE_ACCESS ? "access" : "host");
}

static void dos_memory_fits(struct state *s, const struct dos_config *dos)
{
    u32 mine[] = {dos ? dos->xms_kib : 0, dos ? dos->ems_kib : 0}, saved[] = {mine[0], mine[1]};
    state_u32s(s, saved, ARRAY_LEN(saved));
    if (!s->failed && memcmp(saved, mine, sizeof mine) != 0)
        state_fail(
            s, "it was saved with %u KiB of extended and %u KiB of expanded memory, here there are %u and %u",
            saved[0], saved[1], mine[0], mine[1]);
}

/* The card and who is at the other end of its wire. */
static void net_fits(struct state *s, const struct net *net)
{
    struct net_config c = net ? net->config : (struct net_config){0};
    u8 mine[5 + NET_MAC_BYTES] = {(u8)c.kind, (u8)c.io, (u8)(c.io >> 8), c.irq, c.restricted}, saved[sizeof mine];
    memcpy(mine + 5, c.mac, NET_MAC_BYTES);
    memcpy(saved, mine, sizeof mine);
    state_bytes(s, saved, sizeof saved);
    if (!s->failed && memcmp(saved, mine, sizeof mine) != 0)
        state_fail(s, "it was saved with another --net, or none");
}

static void exit_port_fits(struct state *s, u16 port)
{
    u16 saved = port;
    state_u16(s, &saved);
    if (!s->failed && saved != port)
        state_fail(s, "it was saved with the exit port at %Xh, this machine has it at %Xh", saved, port);
}

static void drive_fits(struct state *s, const struct block *block, const char *name)
{
    bool mine = block != NULL, saved = mine;
    u64 sectors = block ? block_sectors(block) : 0, saved_sectors = sectors;
    struct block_geometry g = block ? block_geometry(block) : (struct block_geometry){0}, saved_g = g;
    state_bool(s, &saved);
    state_u64(s, &saved_sectors);
    state_u32(s, &saved_g.cylinders);
    state_u32(s, &saved_g.heads);
    state_u32(s, &saved_g.sectors);
    if (s->failed)
        return;
    if (saved != mine)
        state_fail(s, "it was saved with %s %s, and here there is %s", saved ? "an image in" : "nothing in",
                   name, mine ? "one" : "none");
    else if (saved_sectors != sectors)
        state_fail(s, "it was saved with %llu sectors on %s, and here there are %llu",
                   (unsigned long long)saved_sectors, name, (unsigned long long)sectors);
    else if (memcmp(&saved_g, &g, sizeof g) != 0)
        state_fail(s, "it was saved with another geometry of %s", name);
}

static void configuration_fits(const struct run_config *config, struct state *s)
{
    const struct machine_config *m = &config->machine;
    state_begin(s, "configuration");
    memory_fits(s, m->ram_bytes);
    clock_fits(s, m->clock_mode);
    exit_port_fits(s, m->exit_port);
    net_fits(s, m->net);
    image_fits(s, config->bios, config->bios_bytes, "system firmware");
    image_fits(s, m->vgabios, m->vgabios_bytes, "VGA firmware");
    image_fits(s, m->boot_rom, m->boot_rom_bytes,
               m->boot_rom ? "built-in DOS, or none" : "way to start: the built-in DOS");
    image_fits(s, config->dos ? dos_stub : NULL, config->dos ? dos_stub_bytes : 0, "version of the built-in DOS");
    dos_memory_fits(s, config->dos);
    for (u32 i = 0; i < MACHINE_FLOPPIES; i++)
        drive_fits(s, m->floppy[i], floppy_names[i]);
    for (u32 i = 0; i < MACHINE_DISKS; i++)
        drive_fits(s, m->disk[i], disk_names[i]);
    state_end(s);
}

u64 vmm_state_key(const struct run_config *config)
{
    struct state s;
    u32 format = STATE_FORMAT;
    u64 key = 0;
    char version[] = HUDDLE_VERSION, boot[sizeof config->machine.boot] = "";
    memcpy(boot, config->machine.boot, sizeof boot);
    state_init(&s);
    configuration_fits(config, &s);
    state_begin(&s, "key");
    state_u32(&s, &format);
    state_bytes(&s, version, sizeof version);
    state_bytes(&s, boot, sizeof boot);
    bool debugcon = config->machine.debugcon_fd >= 0;
    state_bool(&s, &debugcon); /* the firmware looks for it once */
    state_end(&s);
    if (!s.failed)
        key = hash64(s.data, s.at);
    state_fini(&s);
    return key;
}

/* --- the processor --- */

static void segment_state(struct cpu_segment *seg, struct state *s)
{
    state_u32(s, &seg->base);
    state_u32(s, &seg->limit);
    state_u16(s, &seg->selector);
    state_u8_bits(s, &seg->type, 15, "a segment's type");
    state_u8_bits(s, &seg->dpl, 3, "a segment's DPL");
    state_bool(s, &seg->s);
    state_bool(s, &seg->present);
    state_bool(s, &seg->db);
    state_bool(s, &seg->g);
    state_bool(s, &seg->unusable);
    state_bool(s, &seg->avl);
}

static void table_state(struct cpu_table *table, struct state *s)
{
    state_u32(s, &table->base);
    state_u16(s, &table->limit);
}

static void registers_state(struct cpu_state *cpu, struct state *s)
{
    state_u32s(s, cpu->reg, CPU_REGS);
    state_u32(s, &cpu->eip);
    state_u32(s, &cpu->eflags);
    for (int i = 0; i < CPU_SREGS; i++)
        segment_state(&cpu->sreg[i], s);
    segment_state(&cpu->ldt, s);
    segment_state(&cpu->tr, s);
    table_state(&cpu->gdt, s);
    table_state(&cpu->idt, s);
    state_u32(s, &cpu->cr0);
    state_u32(s, &cpu->cr2);
    state_u32(s, &cpu->cr3);
    state_u32(s, &cpu->cr4);
    state_bool(s, &cpu->interrupt_shadow);
    state_bool(s, &cpu->halted);
    state_check(s, (cpu->eflags & FLAG_FIXED) && !(cpu->cr0 & CR0_PG && !(cpu->cr0 & CR0_PE)), "the mode");
}

/* The legacy area as FXSAVE stores it: the x87 and the SSE registers. MXCSR has bits that no processor takes.
 */
static void fpu_state(struct vmm *vmm, struct state *s)
{
    enum { FXSAVE_BYTES = 512, MXCSR_AT = 24, MXCSR_MASK_AT = 28 };
    u8 area[FXSAVE_BYTES] = {0};
    u8 *fpu = vcpu_fpu(&vmm->vcpu, s->loading);
    if (!fpu) {
        state_fail(s, "KVM does not give the x87");
        return;
    }
    memcpy(area, fpu, sizeof area);
    memset(area + MXCSR_MASK_AT, 0, 4); /* the host's */
    state_bytes(s, area, sizeof area);
    state_check(s, !area[MXCSR_AT + 2] && !area[MXCSR_AT + 3], "MXCSR");
    if (!s->loading || s->failed)
        return;
    memcpy(area + MXCSR_MASK_AT, fpu + MXCSR_MASK_AT, 4);
    memcpy(fpu, area, sizeof area);
}

static void debug_state(struct vmm *vmm, struct state *s)
{
    u32 dr[VCPU_DEBUG_REGS];
    vcpu_get_debug(&vmm->vcpu, dr);
    state_u32s(s, dr, VCPU_DEBUG_REGS);
    if (s->loading && !s->failed && vcpu_put_debug(&vmm->vcpu, dr))
        state_fail(s, "%s: KVM does not take the debug registers", s->section);
}

static void processor_state(struct vmm *vmm, struct state *s)
{
    state_begin(s, "processor");
    registers_state(&vmm->cpu, s);
    fpu_state(vmm, s);
    debug_state(vmm, s);
    state_end(s);
}

/* --- all of it --- */

static void disks_state(const struct machine_config *m, struct state *s)
{
    state_begin(s, "disks");
    for (u32 i = 0; i < MACHINE_FLOPPIES; i++)
        if (m->floppy[i])
            block_state(m->floppy[i], s);
    for (u32 i = 0; i < MACHINE_DISKS; i++)
        if (m->disk[i])
            block_state(m->disk[i], s);
    state_end(s);
}

/* Behind the configuration. */
static void contents(struct vmm *vmm, struct state *s)
{
    state_begin(s, "machine");
    machine_state(&vmm->machine, s);
    state_end(s);
    devices_state(&vmm->devices, s);
    disks_state(vmm->machine.config, s);
    processor_state(vmm, s);
    for (u32 i = 0; i < vmm->n_parts; i++) {
        state_begin(s, vmm->part[i].name);
        vmm->part[i].save_or_load(vmm->part[i].object, s);
        state_end(s);
    }
}

void vmm_add_state_part(struct vmm *vmm, const struct state_part *part)
{
    BUG_ON(vmm->n_parts == ARRAY_LEN(vmm->part));
    vmm->part[vmm->n_parts++] = *part;
}

/* --- the moment --- */

bool vmm_is_whole(const struct vmm *vmm)
{
    return vmm->cpu_current && !vmm->machine.requests && vcpu_is_whole(&vmm->vcpu);
}

/* Lets the guest go on until it can be saved: behind an instruction that is being emulated, an exception, a
 * call of DOS. */
static int reach_whole(struct vmm *vmm)
{
    enum { MAX_EXITS = 1000 };
    for (u32 i = 0; i < MAX_EXITS; i++) {
        vmm->attention = 0;
        vmm->machine.requests &= ~(u32)REQUEST_EXIT;
        vmm_finish_instruction(vmm);
        int rc = vmm_sync(vmm);
        if (rc || vmm_is_whole(vmm))
            return rc;
        rc = vmm_go_on_a_little(vmm);
        if (rc)
            return rc;
    }
    return -EAGAIN;
}

/* --- saving --- */

static int give_reason(const struct state *s, int rc, char *why, size_t size)
{
    snprintf(why, size, "%s", s->why[0] ? s->why : strerror(-rc));
    return rc;
}

static int gather(struct vmm *vmm, struct state *s)
{
    state_init(s);
    configuration_fits(vmm->config, s);
    contents(vmm, s);
    return state_finish(s);
}

int vmm_save_state(struct vmm *vmm, const char *path, char *why, size_t size)
{
    struct state s;
    BUG_ON(!vmm_is_whole(vmm));
    int rc = gather(vmm, &s);
    if (!rc)
        rc = state_write(&s, path);
    if (rc)
        give_reason(&s, rc, why, size);
    state_fini(&s);
    return rc;
}

/* --- loading --- */

/* What was known of the machine that is not the machine any more. */
static void forget(struct vmm *vmm)
{
    vmm->exit_open = false;
    vmm->goes_on = false;
    vmm->left_at = NULL;
    vmm->armed_ns = CLOCK_NEVER;
    vmm->interp.string_has_read = false;
    vmm->machine.requests = 0;
    vcpu_request_window(&vmm->vcpu, false);
    cluster_engine_kvm_ran(vmm->engine);
    vmm_window_follow(vmm);
    vmm_watch_rebase(vmm);
    vmm_control_rebase(vmm);
    vmm_timeline_rebase(vmm);
}

static bool load_contents(struct vmm *vmm, struct state *s)
{
    vga_set_linear(vmm->machine.vga, &(struct vga_linear_policy){0});
    vmm_timeline_sample(vmm); /* as long as it is the same stream */
    contents(vmm, s);
    bool ok = state_complete(s);
    forget(vmm);
    return ok;
}

/* `s` stands behind the configuration. A state that does not fit half-way is undone by one made before. */
static int load_or_undo(struct vmm *vmm, struct state *s)
{
    struct state before, back;
    int rc = gather(vmm, &before);
    if (rc) {
        state_fail(s, "no memory for what is there now");
    } else if (!load_contents(vmm, s)) {
        rc = -EINVAL;
        bool undone = state_read_bytes(&back, before.data, before.at) == 0;
        configuration_fits(vmm->config, &back);
        undone = undone && load_contents(vmm, &back);
        if (!undone)
            vmm_end(vmm, RUN_END_HOST_ERROR, 71, "the machine could not be put back: %s", back.why);
        state_fini(&back);
    }
    state_fini(&before);
    return rc;
}

int vmm_load_state(struct vmm *vmm, const char *path, char *why, size_t size)
{
    struct state s;
    BUG_ON(!vmm_is_whole(vmm));
    int rc = state_read(&s, path);
    if (!rc) {
        configuration_fits(vmm->config, &s);
        rc = s.failed ? -EINVAL : load_or_undo(vmm, &s);
    }
    if (rc)
        give_reason(&s, rc, why, size);
    state_fini(&s);
    return rc;
}

/* --- when it is done --- */

int vmm_load_at_start(struct vmm *vmm)
{
    enum { STATUS_NOT_LOADED = 2 };
    char why[STATE_WHY_BYTES];
    const char *path = vmm->config->load_state;
    if (!path || !vmm_load_state(vmm, path, why, sizeof why))
        return 0;
    log_error("--load-state=%s: %s", path, why);
    vmm_end(vmm, RUN_END_HOST_ERROR, STATUS_NOT_LOADED, "the state could not be loaded");
    return -EINVAL;
}

static bool is_lost(const struct vmm *vmm)
{
    enum run_end end = vmm->stats->end;
    return end == RUN_END_CRASH || end == RUN_END_CHECK || end == RUN_END_HOST_ERROR;
}

void vmm_save_at_end(struct vmm *vmm)
{
    enum { STATUS_NOT_SAVED = 1 };
    char why[STATE_WHY_BYTES] = "the guest came to a bad end";
    const char *path = vmm->config->save_state;
    if (!path)
        return;
    if (!is_lost(vmm)) {
        int rc = reach_whole(vmm);
        snprintf(why, sizeof why, "the guest is in the middle of something: %s", strerror(-rc));
        if (!rc && !vmm_save_state(vmm, path, why, sizeof why))
            return;
    }
    log_error("--save-state=%s: not saved: %s", path, why);
    if (!vmm->stats->status)
        vmm->stats->status = STATUS_NOT_SAVED;
}

int vmm_script_state(struct vmm *vmm, bool load, const char *path)
{
    struct state_order *order = &vmm->state_order;
    int rc = order->rc;
    if (order->path && order->done) {
        order->path = NULL;
        return rc;
    }
    *order = (struct state_order){.path = path, .load = load};
    vmm->attention = 1;
    return -EAGAIN;
}

void vmm_serve_state(struct vmm *vmm)
{
    struct state_order *order = &vmm->state_order;
    char why[STATE_WHY_BYTES];
    if (!order->path || order->done)
        return;
    if (vmm_sync(vmm))
        return;
    if (vmm->machine.requests)
        vmm->attention = 1; /* they come first */
    vmm_finish_instruction(vmm);
    if (!vmm_is_whole(vmm))
        return; /* the script asks again */
    order->rc = order->load ? vmm_load_state(vmm, order->path, why, sizeof why)
                            : vmm_save_state(vmm, order->path, why, sizeof why);
    order->done = true;
    if (order->rc)
        log_error("%s: not %s: %s", order->path, order->load ? "loaded" : "saved", why);
    if (order->rc == -EAGAIN)
        order->rc = -EIO;
    vmm_watch_go_on(vmm);
}
