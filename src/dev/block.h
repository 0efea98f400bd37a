/* A disk image: raw sectors of 512 bytes in a file of the host.
 * Writes go through to the file, or with `snapshot` into memory, discarded at close. A file that cannot be opened for
 * writing, or is opened `readonly`, is write-protected. */
#ifndef HUDDLE_DEV_BLOCK_H
#define HUDDLE_DEV_BLOCK_H

#include "base/types.h"

#define SECTOR_BYTES 512u

enum block_kind { BLOCK_FLOPPY, BLOCK_DISK };

struct block;

struct block_geometry {
    u32 cylinders;
    u32 heads;
    u32 sectors; /* per track */
};

/* Opens an image. Floppies: 160 KiB to 2.88 MiB, geometry from the size, else from the BPB. Disks: a multiple of
 * 512 bytes, at least one cylinder. 0 or -errno; the error is logged with the file's name and the reason. */
must_check int block_open(struct block **block, const char *path, enum block_kind kind, bool snapshot);
/* Flushes and closes; NULL is allowed. */
void block_close(struct block *block);

u64 block_sectors(const struct block *block);
struct block_geometry block_geometry(const struct block *block);
bool block_readonly(const struct block *block);
/* `count` sectors from `lba`. 0 or -errno (-ERANGE outside the image, -EROFS write-protected). */
must_check int block_read(struct block *block, u64 lba, u32 count, void *buf);
must_check int block_write(struct block *block, u64 lba, u32 count, const void *buf);
must_check int block_flush(struct block *block);

#endif
