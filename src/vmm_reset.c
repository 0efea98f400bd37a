/* Resets: the RESET line, and the shutdown cycle that a triple fault is.
 *
 * On a PC both lead to the firmware. It looks at the CMOS byte 0Fh: software that only wants the processor back in
 * real mode has left there where it goes on (IBM PC AT Technical Reference, "Shutdown"). Then nothing but the
 * processor is reset. */
#include "vmm_internal.h"

#include "base/log.h"
#include "dev/rtc.h"

#include <string.h>

enum { CMOS_SHUTDOWN = 0x0f, BDA_RESET_FLAG = 0x472, RESET_WARM = 0x1234, CRASH_STATUS = 70 };

/* Those that SeaBIOS obeys: on by the pointer at 0040:0067, by JMP (05h: the interrupt controllers get an EOI), IRET or RETF. */
enum shutdown_code { SHUTDOWN_JUMP_EOI = 0x05, SHUTDOWN_JUMP = 0x0a, SHUTDOWN_IRET = 0x0b, SHUTDOWN_RETF = 0x0c };

static u8 shutdown_code(const struct vmm *vmm)
{
    return rtc_ram(vmm->machine.rtc, CMOS_SHUTDOWN);
}

static bool comes_back(const struct vmm *vmm)
{
    u8 code = shutdown_code(vmm);
    return code == SHUTDOWN_JUMP_EOI || (code >= SHUTDOWN_JUMP && code <= SHUTDOWN_RETF);
}

/* Chips and firmware start over, other RAM keeps its contents. */
static int reset_chips(struct vmm *vmm)
{
    memory_clear_frame(&vmm->machine.memory);
    int rc = memory_load_bios(&vmm->machine.memory, vmm->config->bios, vmm->config->bios_bytes);
    if (rc)
        return rc;
    devices_reset(&vmm->devices);
    if (vmm->dos)
        dos_stop(vmm->dos);
    vmm->post_loaded = true; /* what this self-test leaves is not what the first one did: it is not kept */
    return 0;
}

/* A program that the built-in DOS was started for is gone with it; a prompt comes again. */
static bool ends_program(const struct vmm *vmm)
{
    return vmm->dos && dos_is_running(vmm->dos) && !vmm->config->dos->restarts;
}

/* The processor begins at the reset vector. */
static void reset_processor(struct vmm *vmm)
{
    vmm->machine.requests = 0;
    memory_set_a20(&vmm->machine.memory, true);
    vcpu_request_window(&vmm->vcpu, false);
    cpu_reset(&vmm->cpu);
    vmm->cpu_current = true;
}

int vmm_restart(struct vmm *vmm)
{
    if (ends_program(vmm)) {
        vmm_end(vmm, RUN_END_PROGRAM, CRASH_STATUS, "the machine was reset while %s ran", vmm->config->dos->program);
        return 0;
    }
    reset_processor(vmm);
    int rc = reset_chips(vmm);
    if (!rc)
        vmm_control_note_reset(vmm, false);
    return rc;
}

int vmm_reset(struct vmm *vmm)
{
    int rc = vmm_sync(vmm); /* its last instruction may still have accesses to make */
    if (rc)
        return rc;
    vmm->machine.requests = 0;
    if (!comes_back(vmm) || vmm_control_asks_reset(vmm))
        return vmm_restart(vmm);
    reset_processor(vmm);
    vmm_control_note_reset(vmm, true);
    return 0;
}

/* Signs that the fault is meant: it is the oldest way out of protected mode, and the last resort of who wants to reboot. */
static bool wants_reset(const struct vmm *vmm)
{
    u16 flag;
    memcpy(&flag, vmm->machine.memory.plain + BDA_RESET_FLAG, sizeof flag);
    return flag == RESET_WARM || shutdown_code(vmm);
}

int vmm_triple_fault(struct vmm *vmm, const char *what)
{
    enum triple_fault does = vmm->config->triple_fault;
    if (does == TRIPLE_FAULT_RESET || (does == TRIPLE_FAULT_AUTO && wants_reset(vmm)))
        return vmm_reset(vmm);
    vmm_crash(vmm, "%s", what);
    return 0;
}
