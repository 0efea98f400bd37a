/* The built-in DOS: what a program of DOS 5.0 finds beneath it, without an image to boot from. A small stub is in guest
 * memory; each call of DOS is one OUT there, and the services are here. BIOS services remain the firmware's.
 *
 * Real mode only. LIMIT: a DOS extender finds neither DPMI nor VCPI. */
#ifndef HUDDLE_DOS_DOS_H
#define HUDDLE_DOS_DOS_H

#include "base/cpu.h"
#include "dos/volume/volume.h"
#include "machine/machine.h"

#define DOS_DRIVES 26

struct dos;
struct state; /* machine/state.h */

struct dos_config {
    struct volume *drive[DOS_DRIVES]; /* A: first; NULL: no such drive. The caller's */
    char boot_drive;                  /* 'C': current when the first program begins */
    const char *program;              /* "C:\GAME.EXE" */
    const char *tail;                 /* its command line, without the length byte; at most 126 characters */
    const char *const *environment;   /* NULL-terminated, "NAME=value" */
    int in_fd, out_fd;                /* what CON reads and writes besides the screen; -1: the keyboard, nothing */
    bool restarts;                    /* the first program is a prompt, which a reset of the machine or INT 19h brings back */
    u32 xms_kib, ems_kib;             /* extended and expanded memory at most; 0: none */
    /* Under the access clock a program that reads in_fd waits with its time standing still, until this says that the run is over.
     * NULL: nobody says so. */
    bool (*stopped)(void *opaque);
    void *stopped_opaque;
};

/* What the run loop does after a call. */
enum dos_outcome {
    DOS_GUEST_GOES_ON,
    DOS_FINISHED, /* the first program has ended: dos_status */
    DOS_RESTARTED, /* the guest called INT 19h to load the operating system anew */
    DOS_NOT_OURS, /* an OUT to our port from elsewhere: nothing happened */
};

/* 0 or -errno. `config` is copied, but not what it points to. */
must_check int dos_create(struct dos **dos, struct machine *machine, const struct dos_config *config);
void dos_destroy(struct dos *dos);

/* The processor has executed OUT to DOS_PORT and stands behind it. */
enum dos_outcome dos_call(struct dos *dos, struct cpu_state *cpu);

/* Is this call the one in which the firmware, power-on self test done, starts the operating system? */
bool dos_is_boot(const struct machine *machine, const struct cpu_state *cpu);

/* Has the firmware started it? */
bool dos_is_running(const struct dos *dos);
/* The machine is being reset: the firmware will start it again. */
void dos_stop(struct dos *dos);

/* What of it is not in guest memory: for struct state_part, with the struct dos as its object. */
void dos_state(void *dos, struct state *state);

/* How the first program ended: its errorlevel, or -1 and the reason in `why`, if it could not be started. */
int dos_status(const struct dos *dos, const char **why);

/* The option ROM that the firmware must find, with its checksum; *bytes long, from malloc. NULL without memory. */
u8 *dos_rom_image(u32 *bytes);

#endif
