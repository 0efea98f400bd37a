/* Opens what a run needs, in an order that setup_close can undo at any point. */
#include "setup.h"

#include "base/log.h"
#include "control/control.h"
#include "script.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* The host's local time as the battery-backed clock of a DOS machine would show it. */
static s64 host_local_epoch(void)
{
    time_t now = time(NULL);
    struct tm local;
    if (!localtime_r(&now, &local))
        return now;
    return timegm(&local);
}

static int open_blocks(struct setup *s, const struct options *o, const struct drives *d)
{
    for (u32 i = 0; i < MACHINE_FLOPPIES; i++) {
        int rc = d->floppy[i] ? block_open(&s->floppy[i], d->floppy[i], BLOCK_FLOPPY, o->snapshot) : 0;
        if (rc)
            return rc;
        s->config.machine.floppy[i] = s->floppy[i];
    }
    for (u32 i = 0; i < MACHINE_DISKS; i++) {
        int rc = d->disk[i] ? block_open(&s->disk[i], d->disk[i], BLOCK_DISK, o->snapshot) : 0;
        if (rc)
            return rc;
        s->config.machine.disk[i] = s->disk[i];
    }
    return 0;
}

static int open_output(const char *path, int flags, int *fd)
{
    *fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | flags, 0666);
    if (*fd >= 0)
        return 0;
    int rc = -errno;
    log_error("%s: cannot be written: %s", path, strerror(-rc));
    return rc;
}

/* perf looks for the map of a process under this name, and takes it only if it is ours. */
static int open_perf_map(const char *path, int *fd)
{
    char name[64];
    snprintf(name, sizeof name, "/tmp/perf-%d.map", (int)getpid());
    if (*path)
        return open_output(path, O_TRUNC, fd);
    unlink(name); /* of a process that had our number before; a link that somebody else put there is not followed */
    return open_output(name, O_EXCL, fd);
}

static struct executor_config executor_config(const struct options *o)
{
    struct executor_config config = {
        .executor = o->executor,
        .code_bytes = o->stress_given & BIT(STRESS_CODE) ? o->stress[STRESS_CODE] : (u32)o->code_cache,
        .flush_each_run = o->stress_given & BIT(STRESS_FLUSH),
        .slow_memory = o->stress_given & BIT(STRESS_SLOW),
        .slow_threshold = o->stress[STRESS_THRESHOLD],
        .perf_map_fd = -1,
    };
    if (o->stress_given & BIT(STRESS_HEAT))
        config.form_at = o->stress[STRESS_HEAT] + 1;
    return config;
}

static int open_outputs(struct setup *s, const struct options *o)
{
    struct machine_config *m = &s->config.machine;
    int rc = 0;
    if (o->serial && strcmp(o->serial, "stdio") == 0) {
        m->serial_in_fd = STDIN_FILENO;
        m->serial_out_fd = STDOUT_FILENO;
    } else if (o->serial) {
        rc = open_output(o->serial, O_TRUNC, &s->serial_fd);
        m->serial_out_fd = s->serial_fd;
    }
    if (!rc && o->debugcon)
        rc = open_output(o->debugcon, O_TRUNC, &s->debugcon_fd);
    m->debugcon_fd = s->debugcon_fd;
    if (!rc && o->perf_map)
        rc = open_perf_map(o->perf_map, &s->perf_map_fd);
    s->config.exec.perf_map_fd = s->perf_map_fd;
    return rc;
}

static int open_firmware(struct setup *s, const struct options *o)
{
    int rc = firmware_load(&s->firmware, o->bios, o->vgabios);
    s->config.bios = s->firmware.bios.data;
    s->config.bios_bytes = s->firmware.bios.bytes;
    s->config.machine.vgabios = s->firmware.vgabios.data;
    s->config.machine.vgabios_bytes = s->firmware.vgabios.bytes;
    s->config.machine.vgabios_name = firmware_name(&s->firmware.vgabios);
    return rc;
}

static int open_display(struct setup *s, const struct options *o)
{
    if (!o->display)
        return 0;
    if (o->serial && strcmp(o->serial, "stdio") == 0) {
        log_error("--display=%s and --serial=stdio cannot share the terminal", o->display);
        return -EINVAL;
    }
    int rc = display_find(o->display)->open(&s->display);
    s->config.display = s->display;
    return rc;
}

static int open_control(struct setup *s, const struct options *o)
{
    const char *guest = o->image ? o->image : o->fda ? o->fda : o->hda;
    if (!o->control)
        return 0;
    int rc = control_open(&s->control, o->control, guest);
    s->config.control = s->control;
    return rc;
}

static int open_dos(struct setup *s, const struct options *o)
{
    int rc = dos_session_open(&s->dos, o);
    if (rc)
        return rc;
    s->config.dos = &s->dos.config;
    s->config.machine.boot_rom = s->dos.rom;
    s->config.machine.boot_rom_bytes = s->dos.rom_bytes;
    return 0;
}

int setup_open(struct setup *s, const struct options *o, const struct drives *d)
{
    memset(s, 0, sizeof *s);
    s->serial_fd = s->debugcon_fd = s->perf_map_fd = -1;
    s->config = (struct run_config){
        .machine = {.ram_bytes = (u32)(o->ram_mib * MIB),
                    .clock_mode = o->clock,
                    .rtc_epoch_s = o->clock == CLOCK_MODE_ACCESS ? SETUP_ACCESS_EPOCH_S : host_local_epoch(),
                    .exit_port = (u16)o->exit_port,
                    .serial_in_fd = -1,
                    .serial_out_fd = -1,
                    .debugcon_fd = -1},
        .level = o->level,
        .window = (u32)o->window,
        .horizon = o->horizon,
        .exec = executor_config(o),
        .triple_fault = o->triple_fault,
        .check = o->check,
        .explain = o->explain || o->explain_svg,
        .timeout_ns = o->timeout_ns,
        .frames = o->frames,
        .until_text = o->until_text,
        .load_state = o->load_state,
        .save_state = o->save_state,
        .screenshot = o->screenshot,
        .trace_fd = -1,
        .ram_fd = -1,
        .print_text_at_end = o->until_text != NULL,
    };
    strcpy(s->config.machine.boot, d->boot);
    int rc = open_firmware(s, o);
    if (!rc)
        rc = open_blocks(s, o, d);
    if (!rc && dos_session_wanted(o))
        rc = open_dos(s, o);
    if (!rc)
        rc = net_open(&s->net, &o->net);
    s->config.machine.net = s->net;
    if (!rc && o->script)
        rc = script_load(&s->script, o->script);
    s->config.script = s->script;
    if (!rc)
        rc = open_outputs(s, o);
    if (!rc)
        rc = open_control(s, o);
    if (!rc) /* the last: what went wrong before can be read */
        rc = open_display(s, o);
    if (rc)
        setup_close(s);
    return rc;
}

void setup_close(struct setup *s)
{
    if (s->display)
        s->display->class->close(s->display);
    if (s->control)
        control_close(s->control);
    for (u32 i = 0; i < MACHINE_FLOPPIES; i++)
        block_close(s->floppy[i]);
    for (u32 i = 0; i < MACHINE_DISKS; i++)
        block_close(s->disk[i]);
    net_close(s->net);
    if (s->config.dos)
        dos_session_close(&s->dos);
    if (s->script)
        script_free(s->script);
    if (s->serial_fd >= 0)
        close(s->serial_fd);
    if (s->debugcon_fd >= 0)
        close(s->debugcon_fd);
    if (s->perf_map_fd >= 0)
        close(s->perf_map_fd);
    firmware_unload(&s->firmware);
}
