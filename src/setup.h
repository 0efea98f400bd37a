/* From what the user asked for to what vmm_run takes: images, firmware, script and output files opened. */
#ifndef HUDDLE_SETUP_H
#define HUDDLE_SETUP_H

#include "dos_session.h"
#include "drives.h"
#include "firmware.h"
#include "net/net.h"
#include "options.h"
#include "ui/display.h"

/* Date and time at which a guest under --clock=access starts: 1994-06-01 12:00:00. */
#define SETUP_ACCESS_EPOCH_S 770472000

struct setup {
    struct run_config config; /* points into the rest */
    struct firmware firmware;
    struct block *floppy[MACHINE_FLOPPIES];
    struct block *disk[MACHINE_DISKS];
    struct net *net; /* NULL: none */
    struct script *script;
    struct display *display; /* NULL: none */
    struct control *control; /* NULL: none */
    struct dos_session dos; /* if config.dos is set */
    int serial_fd;   /* -1: not ours to close */
    int debugcon_fd; /* -1: none */
    int perf_map_fd; /* -1: none */
};

/* Opens everything; `setup` must stay where it is while the config is used. 0 or -errno (logged). */
must_check int setup_open(struct setup *setup, const struct options *options, const struct drives *drives);
/* Flushes and closes. */
void setup_close(struct setup *setup);

#endif
