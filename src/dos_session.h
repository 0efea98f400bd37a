/* From `huddle run PROGRAM` or `huddle run DIRECTORY` to what the built-in DOS takes: drives, the first program, environment,
 * console. */
#ifndef HUDDLE_DOS_SESSION_H
#define HUDDLE_DOS_SESSION_H

#include "dev/block.h"
#include "dos/dos.h"
#include "options.h"

struct dos_session {
    struct dos_config config; /* points into the rest */
    struct volume volume[DOS_DRIVES];
    struct block *image[DOS_DRIVES]; /* NULL: the drive is no image */
    struct volume_rom_file files[2]; /* of drive Z: */
    char *batch;                     /* Z:\RUN.BAT; NULL: none */
    char program[DOS_PATH_BYTES];
    char tail[128];
    const char *environment[8];
    u8 *rom;
    u32 rom_bytes;
};

/* Does the command line ask for the built-in DOS? It looks at files. */
bool dos_session_wanted(const struct options *options);

/* Opens the drives. `session` must stay where it is. 0 or -errno (logged). */
must_check int dos_session_open(struct dos_session *session, const struct options *options);
void dos_session_close(struct dos_session *session);

#endif
