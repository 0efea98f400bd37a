/* The life of the built-in DOS, and from an OUT of the stub to the service. */
#include "dos/dos_impl.h"

#include "dos/embedded.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { ROM_CALL_AT = 8, ROM_FIRST = 0xc0000, ROM_END = 0xf0000, ROM_ALIGN = 2 * KIB };

int dos_create(struct dos **out, struct machine *machine, const struct dos_config *config)
{
    struct dos *dos = calloc(1, sizeof *dos);
    if (!dos)
        return -ENOMEM;
    dos->config = *config;
    dos->machine = machine;
    memcpy(dos->entry, dos_stub, sizeof dos->entry);
    dos->status = -1;
    dos->why = "DOS was not started";
    *out = dos;
    return 0;
}

/* What was open, before DOS goes or begins anew. */
static void let_go(struct dos *dos)
{
    for (u32 i = 0; i < OPEN_FILES; i++)
        if (dos->file[i].file) {
            struct volume *volume = drive_volume(dos, dos->file[i].drive);
            volume->class->close_file(volume->object, dos->file[i].file);
            dos->file[i].file = NULL;
        }
    find_forget(dos);
}

void dos_destroy(struct dos *dos)
{
    if (!dos)
        return;
    let_go(dos);
    free(dos);
}

u8 *dos_rom_image(u32 *bytes)
{
    u8 *image = malloc(dos_rom_bytes);
    if (!image)
        return NULL;
    memcpy(image, dos_rom, dos_rom_bytes);
    u8 sum = 0;
    for (u32 i = 0; i < dos_rom_bytes; i++)
        sum = (u8)(sum + image[i]);
    image[dos_rom_bytes - 1] = (u8)-sum;
    *bytes = dos_rom_bytes;
    return image;
}

bool dos_is_boot(const struct machine *machine, const struct cpu_state *cpu)
{
    gpa_t rom = cpu->sreg[CPU_CS].base;
    u16 call;
    memcpy(&call, dos_rom + ROM_CALL_AT, sizeof call);
    return !cpu_protected(cpu) && rom >= ROM_FIRST && rom < ROM_END && rom % ROM_ALIGN == 0 && (u16)cpu->eip == call &&
           memcmp(machine->memory.view + rom, dos_rom, dos_rom_bytes - 1) == 0;
}

bool dos_is_running(const struct dos *dos)
{
    return dos->booted;
}

void dos_stop(struct dos *dos)
{
    let_go(dos);
    dos->booted = false;
}

/* What was read of in_fd and not delivered remains: it cannot be read again. */
static void console_restart(struct dos_console *con)
{
    struct dos_console anew = {.in_at = con->in_at, .in_count = con->in_count, .in_ended = con->in_ended};
    memcpy(anew.in, con->in, sizeof anew.in);
    *con = anew;
}

/* The call that the processor stands behind; STUB_ENTRIES: none. */
static enum stub_entry site_of(const struct dos *dos, const struct cpu_state *cpu)
{
    u32 offset = cpu->sreg[CPU_CS].base + (u16)cpu->eip - DOS_SEG * 16;
    for (u32 i = STUB_AT_INT20; i < STUB_ENTRIES; i++)
        if (dos->entry[i] == offset)
            return i;
    return STUB_ENTRIES;
}

enum dos_next dos_serve(struct dos *dos)
{
    switch (dos->site) {
    case STUB_AT_INT21:
        return int21(dos);
    case STUB_AT_FLUSHED:
        return chario_flushed(dos);
    case STUB_AT_INT20:
        return process_end(dos, 0, ENDED_NORMAL);
    case STUB_AT_INT27:
        return int27_keep(dos);
    case STUB_AT_INT2F:
        return int2f(dos);
    case STUB_AT_INT29: {
        u8 c = reg_low(dos, CPU_EAX);
        con_tee(dos, &c, 1);
        return DOS_RETURN;
    }
    case STUB_AT_INT0:
        return int0(dos);
    case STUB_AT_INT25:
    case STUB_AT_INT26:
        return absolute_disk(dos);
    case STUB_AT_XMS:
        return xms_call(dos);
    case STUB_AT_INT67:
        return int67(dos);
    case STUB_AT_EMS_BACK:
        return ems_back(dos);
    case STUB_AT_DRIVER:
    case STUB_AT_EMS_DRIVER:
        return device_request(dos);
    case STUB_AT_HELPED:
        return help_done(dos);
    case STUB_AT_INT23_DONE:
        return help_break_done(dos);
    case STUB_AT_INT24_DONE:
        return dos_critical_answer(dos);
    case STUB_AT_INT33:
        return int33(dos);
    case STUB_AT_MOUSE_PACKET:
        return mouse_packet(dos);
    case STUB_AT_MODE_SET:
        return mouse_mode_set(dos);
    case STUB_AT_INT2E:
        return int2e(dos);
    default:
        return DOS_RETURN;
    }
}

static void finished(struct dos *dos)
{
    static const char *const why[] = {[DOS_FILE_NOT_FOUND] = "it is not there",
                                      [DOS_PATH_NOT_FOUND] = "its directory is not there",
                                      [DOS_ACCESS_DENIED] = "it cannot be read",
                                      [DOS_NOT_ENOUGH_MEMORY] = "it does not fit into memory",
                                      [DOS_BAD_FORMAT] = "it is no program for DOS"};
    u16 ax = reg16(dos, CPU_EAX);
    if (dos->cpu->eflags & FLAG_CF) {
        dos->status = -1;
        dos->why = ax < ARRAY_LEN(why) && why[ax] ? why[ax] : "DOS cannot load it";
        return;
    }
    dos->status = ax & 0xff;
    dos->why = NULL;
}

enum dos_outcome dos_call(struct dos *dos, struct cpu_state *cpu)
{
    if (cpu_protected(cpu))
        return DOS_NOT_OURS;
    dos->cpu = cpu;
    if (dos_is_boot(dos->machine, cpu)) {
        if (dos->booted) /* vectors are not what the firmware left */
            return DOS_RESTARTED;
        let_go(dos);
        console_restart(&dos->con);
        dos_boot(dos);
        return DOS_GUEST_GOES_ON;
    }
    dos->site = site_of(dos, cpu);
    if (!dos->booted || dos->site == STUB_ENTRIES)
        return DOS_NOT_OURS;
    if (dos->site == STUB_AT_FINISHED) {
        finished(dos);
        return DOS_FINISHED;
    }
    dos_serve(dos);
    return DOS_GUEST_GOES_ON;
}

int dos_status(const struct dos *dos, const char **why)
{
    *why = dos->why;
    return dos->status;
}
