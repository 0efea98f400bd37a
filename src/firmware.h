/* The firmware the machine starts with: SeaBIOS and its VGA BIOS as distributions package them, found at run
 * time and checked before a guest sees them. */
#ifndef HUDDLE_FIRMWARE_H
#define HUDDLE_FIRMWARE_H

#include "base/types.h"

#include <limits.h>

#define FIRMWARE_PACKAGE "seabios" /* Debian's name */

enum firmware_kind { FIRMWARE_BIOS, FIRMWARE_VGABIOS };

struct firmware_image {
    char path[PATH_MAX]; /* "" if none was found */
    u8 *data;            /* owned */
    u32 bytes;
};

struct firmware {
    struct firmware_image bios, vgabios;
};

/* Why `data` cannot be used as that kind of firmware, or NULL if it can. */
const char *firmware_check(enum firmware_kind kind, const u8 *data, size_t bytes);

/* The first of the known files that is there, below `root` ("" for the host's file system), into `path` (PATH_MAX bytes).
 * False: there is none, and `path` is "". */
bool firmware_find(char *path, enum firmware_kind kind, const char *root);

/* Reads and checks one image: `path`, or if that is NULL what firmware_find finds below `root`. 0 or -errno; then `why` (at least 320 bytes) says what is
 * wrong, and which package to install. */
must_check int firmware_load_image(struct firmware_image *image, enum firmware_kind kind, const char *path,
                                   const char *root, char *why, size_t why_bytes);
void firmware_free_image(struct firmware_image *image);

/* Both images; NULL paths are searched for. 0 or -errno (logged). */
must_check int firmware_load(struct firmware *firmware, const char *bios_path, const char *vgabios_path);
void firmware_unload(struct firmware *firmware);

/* The file name without its directory. */
const char *firmware_name(const struct firmware_image *image);

#endif
