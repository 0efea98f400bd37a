/* Which image goes into which drive, and from which the machine boots. */
#ifndef HUDDLE_DRIVES_H
#define HUDDLE_DRIVES_H

#include "dev/block.h"
#include "machine/machine.h"
#include "options.h"

struct drives {
    const char *floppy[MACHINE_FLOPPIES]; /* NULL: none */
    const char *disk[MACHINE_DISKS];
    char boot[4];
};

/* Floppy or hard disk, from the size in bytes and the first sector (512 bytes; NULL if the file is shorter).
 */
enum block_kind drives_image_kind(u64 bytes, const u8 *sector);

/* Looks at the files and assigns them. False: `why` (OPTIONS_WHY_BYTES) says which option is wrong; drives
 * that do not exist, two images for one drive, a boot order without the drive, one file used twice. */
must_check bool drives_assign(struct drives *drives, const struct options *options, char *why);

#endif
