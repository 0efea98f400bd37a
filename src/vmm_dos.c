/* The built-in DOS in the run loop: its calls come through a port, when the processor's state is complete.
 *
 * The firmware's self-test is done once for a configuration: when it comes to start an operating system, the state of the machine
 * is kept, and the next run begins there. */
#include "vmm_internal.h"

#include "machine/state.h"

enum { NOT_STARTED = 2 };

static bool run_is_over(void *opaque)
{
    struct vmm *vmm = opaque;
    return vmm->ended || vmm_stopped(vmm);
}

/* The state after the self-test must be where DOS is to be started, or the load fails; what then puts the machine back need
 * not be. */
static void state_of_dos(void *opaque, struct state *s)
{
    struct vmm *vmm = opaque;
    dos_state(vmm->dos, s);
    if (!s->loading || !vmm->loads_self_test)
        return;
    vmm->loads_self_test = false;
    state_check(s, !dos_is_running(vmm->dos) && dos_is_boot(&vmm->machine, &vmm->cpu), "where DOS is to be started");
}

int vmm_dos_create(struct vmm *vmm)
{
    if (!vmm->config->dos)
        return 0;
    struct dos_config config = *vmm->config->dos;
    config.stopped = run_is_over;
    config.stopped_opaque = vmm;
    int rc = dos_create(&vmm->dos, &vmm->machine, &config);
    if (!rc)
        vmm_add_state_part(vmm, &(struct state_part){"DOS", state_of_dos, vmm});
    return rc;
}

void vmm_dos_start(struct vmm *vmm)
{
    char why[STATE_WHY_BYTES];
    const char *path = vmm->config->post_cache;
    if (!vmm->dos || !path || vmm->config->load_state)
        return;
    /* Any reason why not, a file that is not there or is no good, will do to run the self-test. */
    vmm->loads_self_test = true;
    vmm->post_loaded = vmm_load_state(vmm, path, why, sizeof why) == 0;
    vmm->loads_self_test = false;
    if (!vmm->post_loaded)
        return;
    vmm->machine.requests |= REQUEST_DOS;
}

static void keep_self_test(struct vmm *vmm)
{
    char why[STATE_WHY_BYTES];
    const char *path = vmm->config->post_cache;
    if (!path || vmm->post_loaded || dos_is_running(vmm->dos)) /* INT 19h of a program comes here, too */
        return;
    if (!dos_is_boot(&vmm->machine, &vmm->cpu) || !vmm_is_whole(vmm))
        return;
    if (vmm_save_state(vmm, path, why, sizeof why))
        log_warn("the state after the self-test cannot be kept: %s: %s", path, why);
}

static void end(struct vmm *vmm)
{
    const char *why;
    int status = dos_status(vmm->dos, &why);
    vmm->stats->status_of_program = status >= 0;
    if (status >= 0)
        vmm_end(vmm, RUN_END_PROGRAM, status, "the program ended with errorlevel %d", status);
    else
        vmm_end(vmm, RUN_END_PROGRAM, NOT_STARTED, "%s: %s", vmm->config->dos->program, why);
}

int vmm_dos_call(struct vmm *vmm)
{
    int rc = vmm_sync(vmm);
    vmm->machine.requests &= ~(u32)REQUEST_DOS;
    if (rc || !vmm->cpu_current || !vmm->dos)
        return rc;
    keep_self_test(vmm);
    enum dos_outcome outcome = dos_call(vmm->dos, &vmm->cpu);
    if (outcome == DOS_FINISHED)
        end(vmm);
    else if (outcome == DOS_RESTARTED)
        return vmm_restart(vmm);
    /* It has just left the guest in a place where going on costs nothing. */
    vmm->goes_on = vmm->regions;
    return 0;
}
