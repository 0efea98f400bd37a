/* The built-in DOS in the run loop: its calls come through a port, when the processor's state is complete. */
#include "vmm_internal.h"

enum { NOT_STARTED = 2 };

int vmm_dos_create(struct vmm *vmm)
{
    return vmm->config->dos ? dos_create(&vmm->dos, &vmm->machine, vmm->config->dos) : 0;
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
    if (dos_call(vmm->dos, &vmm->cpu) == DOS_FINISHED)
        end(vmm);
    /* It has just left the guest in a place where going on costs nothing. */
    vmm->goes_on = vmm->regions;
    return 0;
}
