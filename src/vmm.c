/* A run from power-on to its end: builds the machine, loops over exits, takes it apart. */
#include "vmm_explain.h"

#include "base/log.h"
#include "dev/vga/vga.h"
#include "kvm/backend.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

void vmm_end(struct vmm *vmm, enum run_end end, int status, const char *format, ...)
{
    if (vmm->ended)
        return;
    va_list args;
    va_start(args, format);
    vsnprintf(vmm->stats->end_text, sizeof vmm->stats->end_text, format, args);
    va_end(args);
    vmm->stats->end = end;
    vmm->stats->status = status;
    vmm->ended = true;
}

/* --- processor state --- */

/* Finishes the instruction of the last exit, which may take many more: a string instruction that reads a device.
 * 1: done; 0: KVM raised an exception, or an error that it reports again, and must go on from there. -errno. */
static int complete(struct vmm *vmm)
{
    int rc;
    while ((rc = vcpu_complete(&vmm->vcpu, &vmm->exit)) == 1) {
        vmm_count_exit(vmm, &vmm->exit);
        if (vmm_explains(vmm))
            vmm_explain_further(vmm);
        if (vmm->exit.kind != VMEXIT_PIO && vmm->exit.kind != VMEXIT_MMIO)
            return 0;
        vmm_serve(vmm, &vmm->exit);
        if (vmm->attention && vmm_stopped(vmm))
            return -EINTR; /* the run has ended: this ends the turn */
    }
    return rc < 0 ? rc : !vcpu_has_exception(&vmm->vcpu);
}

int vmm_sync(struct vmm *vmm)
{
    if (vmm->cpu_current)
        return 0;
    int done = 1;
    if (vmm->exit_open && vcpu_needs_completion(&vmm->vcpu, &vmm->exit)) {
        u64 start = tsc_now();
        done = complete(vmm);
        cluster_engine_kvm_ran(vmm->engine);
        u64 end = tsc_now();
        vmm->tsc_kvm += end - start;
        if (vmm_explains(vmm))
            vmm_explain_span(vmm, EXPLAIN_completion, end - start);
        if (done < 0)
            return done;
    }
    vmm->exit_open = false;
    enum explain_step before = vmm_mark(vmm, EXPLAIN_state);
    vcpu_get_state(&vmm->vcpu, &vmm->cpu);
    vmm_mark(vmm, before);
    vmm->cpu_current = done;
    return 0;
}

bool vmm_decode(const struct vmm *vmm, u32 eip, struct insn *insn)
{
    const struct memory *mem = &vmm->machine.memory;
    const struct cpu_segment *cs = &vmm->cpu.sreg[CPU_CS];
    u8 bytes[INSN_MAX_BYTES];
    u32 n = 0;
    for (; n < sizeof bytes; n++) {
        linear_t linear = cs->base + eip + n;
        enum page_kind kind = memory_kind(mem, linear);
        if (kind != PAGE_RAM && kind != PAGE_ROM)
            break;
        bytes[n] = mem->view[linear];
    }
    return insn_decode(insn, bytes, n, eip, cs->db);
}

bool vmm_interrupt_deliverable(const struct vmm *vmm)
{
    return vmm->machine.intr && (vmm->cpu.eflags & FLAG_IF) && !vmm->cpu.interrupt_shadow;
}

void vmm_set_level(struct vmm *vmm, enum cluster_level level)
{
    static const u32 pair = 2;
    vmm->level = level;
    vmm->window = level == CLUSTER_OFF ? 0 : level == CLUSTER_PAIRS ? pair : vmm->config->window;
    vmm->regions = level == CLUSTER_ON;
    vmm->goes_on &= vmm->regions;
    if (vmm->regions)
        cluster_engine_set_regions(vmm->engine, &vmm->interp);
    else
        cluster_engine_set_window(vmm->engine, vmm->window);
    vmm_window_follow(vmm);
    vmm_control_note_level(vmm);
}

int vmm_service_requests(struct vmm *vmm)
{
    if (vmm->machine.requests & REQUEST_EXIT) {
        int status = (vmm->machine.exit_value << 1 | 1) & 0xff;
        vmm_end(vmm, RUN_END_EXIT_PORT, status, "the guest wrote %u to port %02Xh", vmm->machine.exit_value,
                vmm->config->machine.exit_port);
        return 0;
    }
    if (vmm->machine.requests & REQUEST_RESET)
        return vmm_reset(vmm);
    struct vmm_span span = vmm_span_begin(vmm);
    int rc = vmm_dos_call(vmm);
    vmm_span_end(vmm, EXPLAIN_device, &span);
    return rc;
}

static void put_state(struct vmm *vmm)
{
    vmm_mark(vmm, EXPLAIN_state);
    vmm->entry = vcpu_put_state(&vmm->vcpu, &vmm->cpu) ? EXPLAIN_ENTRY_SREGS : EXPLAIN_ENTRY_REGS;
    vmm->cpu_current = false;
}

static int enter_guest(struct vmm *vmm)
{
    if (vmm->cpu_current)
        put_state(vmm);
    u64 start = tsc_now();
    int rc = vcpu_run(&vmm->vcpu, &vmm->exit);
    cluster_engine_kvm_ran(vmm->engine);
    u64 end = tsc_now();
    vmm->tsc_kvm += end - start;
    vmm->exit_open = true;
    if (vmm_explains(vmm))
        vmm_explain_ran(vmm, start, end);
    return rc;
}

int vmm_go_on_a_little(struct vmm *vmm)
{
    if (vmm->machine.requests)
        return vmm_service_requests(vmm);
    int rc = enter_guest(vmm);
    return rc ? rc : vmm_handle_exit(vmm);
}

/* One turn: what is due, then the guest until its next exit. */
static int turn(struct vmm *vmm)
{
    int rc;
    if (vmm->attention) {
        struct vmm_span span = vmm_span_begin(vmm);
        rc = vmm_service_attention(vmm);
        vmm_span_end(vmm, EXPLAIN_events, &span);
        if (rc || vmm->ended)
            return rc;
    }
    if (vmm->machine.requests)
        return vmm_service_requests(vmm);
    if (vmm->machine.intr && !(vmm->goes_on && !vmm_interrupt_deliverable(vmm))) {
        struct vmm_span span = vmm_span_begin(vmm);
        rc = vmm_service_interrupt(vmm);
        vmm_span_end(vmm, EXPLAIN_interrupt, &span);
        if (rc)
            return rc < 0 ? rc : 0; /* 1: look at everything again before the guest runs */
    }
    if (vmm->cpu_current && vmm->cpu.halted) {
        vmm_halt(vmm);
        return 0;
    }
    vmm_arm_deadline(vmm);
    if (vmm->attention || vmm->ended)
        return 0; /* what set it now was no signal: KVM_RUN would not return for it */
    if (vmm->goes_on && vmm->cpu_current)
        return vmm_go_on(vmm);
    vmm->goes_on = false;
    rc = enter_guest(vmm);
    return rc ? rc : vmm_handle_exit(vmm);
}

static void run_loop(struct vmm *vmm)
{
    while (!vmm->ended) {
        int rc = turn(vmm);
        if (rc)
            vmm_end(vmm, RUN_END_HOST_ERROR, 71, "the host failed: %s", strerror(-rc));
    }
}

/* --- building and taking apart --- */

/* A port that nobody claims and that is not known to be empty: worth a line, but not a flood. */
static void note_unclaimed(void *opaque, u16 port, u8 size, bool in)
{
    enum { MAX_LINES = 8 };
    struct vmm *vmm = opaque;
    if (vmm->unclaimed_lines > MAX_LINES)
        return;
    if (vmm->unclaimed_lines++ == MAX_LINES)
        log_warn("more unclaimed ports are not reported");
    else
        log_warn("nothing is at port %04Xh: %s of %u byte%s at linear %08Xh", port, in ? "read" : "write", size,
                 size == 1 ? "" : "s", vmm->cpu_current ? cpu_rip_linear(&vmm->cpu) : vcpu_rip_linear(&vmm->vcpu));
}

static int create_machine(struct vmm *vmm)
{
    const struct run_config *config = vmm->config;
    struct machine *m = &vmm->machine;
    m->config = &config->machine;
    int rc = memory_init(&m->memory, config->machine.ram_bytes);
    if (rc)
        return rc;
    bus_init(&m->bus);
    m->bus.on_unclaimed = note_unclaimed;
    m->bus.on_unclaimed_opaque = vmm;
    trace_init(&m->trace, config->trace_fd);
    m->memory.changes = &m->changes;
    clock_init(&m->clock, config->machine.clock_mode);
    m->clock.changes = &m->changes;
    rc = memory_load_bios(&m->memory, config->bios, config->bios_bytes);
    if (rc) {
        log_error("the system firmware has a size that cannot be mapped: %u bytes", config->bios_bytes);
        return rc;
    }
    rc = devices_create(&vmm->devices, m);
    return rc ? rc : vmm_dos_create(vmm);
}

static int create_vcpu(struct vmm *vmm)
{
    struct vcpu_traits traits;
    int rc = vcpu_calibrate(&traits);
    if (!rc)
        rc = vm_open(&vmm->vm);
    if (rc)
        return rc;
    struct memory_slot ram[4];
    struct vm_slot slot[4];
    u32 n = memory_slots(&vmm->machine.memory, ram);
    for (u32 i = 0; i < n; i++)
        slot[i] = (struct vm_slot){ram[i].first, ram[i].bytes, ram[i].host, ram[i].readonly};
    rc = vm_set_slots(&vmm->vm, slot, n);
    if (!rc)
        rc = vcpu_open(&vmm->vcpu, &vmm->vm, &traits, &vmm->attention);
    if (rc)
        return rc;
    vmm->vm.ioctls = 0;
    cpu_reset(&vmm->cpu);
    vmm->cpu_current = true;
    return 0;
}

static int create_engine(struct vmm *vmm)
{
    vmm_env_init(vmm);
    int rc = vmm_code_map_create(vmm);
    if (!rc)
        rc = interp_init(&vmm->interp, &vmm->env);
    if (rc)
        return rc;
    vmm->interp.like_kvm = true;
    rc = vmm_poll_create(vmm);
    if (!rc)
        rc = vmm_check_create(vmm);
    if (!rc)
        rc = vmm_executor_create(vmm);
    if (!rc)
        rc = vmm_explain_create(vmm);
    if (!rc) {
        vmm_check_wrap(vmm);
        vmm_explain_wrap(vmm);
    }
    if (!rc)
        rc = cluster_engine_create(&vmm->engine, &vmm->env, &vmm->executor);
    if (rc)
        return rc;
    if (vmm->config->exec.form_at)
        cluster_engine_set_form_at(vmm->engine, vmm->config->exec.form_at);
    vmm_set_level(vmm, vmm->config->level);
    vmm_set_horizon(vmm);
    return 0;
}

static void destroy(struct vmm *vmm)
{
    vmm_display_stop(vmm);
    vmm_control_stop(vmm);
    vmm_net_stop(vmm);
    vmm_time_stop(vmm);
    vmm_stats_stop(vmm);
    cluster_engine_destroy(vmm->engine);
    vmm_executor_destroy(vmm);
    vmm_explain_destroy(vmm);
    vmm_check_destroy(vmm);
    vmm_poll_destroy(vmm);
    interp_fini(&vmm->interp);
    code_map_fini(&vmm->code_map);
    dos_destroy(vmm->dos);
    devices_destroy(&vmm->devices);
    vcpu_close(&vmm->vcpu);
    vm_close(&vmm->vm);
    memory_fini(&vmm->machine.memory);
    free(vmm);
}

/* Everything closable before anything can fail. */
static struct vmm *alloc(const struct run_config *config, struct run_stats *stats)
{
    struct vmm *vmm = calloc(1, sizeof *vmm);
    if (!vmm)
        return NULL;
    vmm->config = config;
    vmm->stats = stats;
    vmm->vm = (struct vm){.fd = -1, .system_fd = -1};
    vmm->vcpu = (struct vcpu){.fd = -1, .run = (void *)-1};
    vmm->machine.memory = (struct memory){.fd = -1, .plain = (void *)-1, .view = (void *)-1, .guarded = (void *)-1,
                                           .page_kind = (void *)-1, .page_guard = (void *)-1};
    vmm->armed_ns = CLOCK_NEVER;
    return vmm;
}

static void finish(struct vmm *vmm)
{
    bool by_guest = vmm->stats->end != RUN_END_SIGNAL && vmm->stats->end != RUN_END_DISPLAY && vmm->stats->end != RUN_END_CONTROL &&
                    vmm->stats->end != RUN_END_TIMEOUT && vmm->stats->end != RUN_END_CRASH && vmm->stats->end != RUN_END_CHECK &&
                    vmm->stats->end != RUN_END_HOST_ERROR;
    if (by_guest)
        vmm_finish_instruction(vmm);
    vmm_save_at_end(vmm);
    vmm_stats_finish(vmm);
    if (vmm->config->display && vmm->stats->end == RUN_END_PROGRAM)
        vmm_print_screen(vmm); /* what the program said last must not go with the display */
    if (vmm->config->at_end)
        vmm->config->at_end(vmm->config->at_end_opaque, vmm->engine, &vmm->executor);
    vmm_keep_screen(vmm);
    if (vmm->config->screenshot && vga_screenshot(vmm->machine.vga, VGA_VIEW_BEAM, vmm->config->screenshot) && !vmm->stats->status)
        vmm->stats->status = 1;
}

int vmm_run(const struct run_config *config, struct run_stats *stats)
{
    struct vmm *vmm = alloc(config, stats);
    if (!vmm)
        return -ENOMEM;
    int rc = create_machine(vmm);
    if (!rc)
        rc = create_vcpu(vmm);
    if (!rc)
        rc = create_engine(vmm);
    if (!rc)
        rc = vmm_stats_start(vmm);
    if (!rc)
        rc = vmm_time_start(vmm);
    if (!rc)
        rc = vmm_net_start(vmm);
    if (!rc)
        rc = vmm_display_start(vmm);
    if (!rc)
        rc = vmm_control_start(vmm);
    if (rc) {
        vmm_end(vmm, RUN_END_HOST_ERROR, 71, "the machine could not be started: %s", strerror(-rc));
    } else {
        vmm_watch_start(vmm);
        if (!vmm_load_at_start(vmm)) {
            vmm_dos_start(vmm);
            run_loop(vmm);
            finish(vmm);
        }
    }
    destroy(vmm);
    return rc;
}
