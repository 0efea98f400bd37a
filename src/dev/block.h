/* A disk image: raw sectors of 512 bytes in a file (or block device) of the host.
 * Writes go through to the file, or with `snapshot` into memory, discarded at close. A file that cannot be
 * opened for writing is write-protected. An open image is locked: several readers (snapshots read) or one
 * writer. */
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

/* Opens an image. Floppies: 160 KiB to 2.88 MiB, geometry from the size, else from the BPB. Disks: a
 * multiple of 512 bytes, from one cylinder (16 heads of 63 sectors) to what 28 address bits reach. 0 or
 * -errno; the error is logged once as "PATH: reason". On error `*block` is NULL. */
must_check int block_open(struct block **block, const char *path, enum block_kind kind, bool snapshot);
/* Flushes and closes; NULL is allowed. A failure to flush is logged. */
void block_close(struct block *block);

u64 block_sectors(const struct block *block);
struct block_geometry block_geometry(const struct block *block);
/* True if writes are refused; never for a snapshot. */
bool block_readonly(const struct block *block);
/* From now on writes are refused. */
void block_protect(struct block *block);
/* `count` sectors from `lba`. 0 or -errno (-ERANGE outside the image, -EROFS write-protected; -EIO and the
 * like, of which the first is logged). After an error the contents of the sectors, or of `buf`, are
 * unknown. */
must_check int block_read(struct block *block, u64 lba, u32 count, void *buf);
must_check int block_write(struct block *block, u64 lba, u32 count, const void *buf);
/* What was written with `snapshot`, in either direction; loaded, it takes the place of what was written here. A block without
 * a snapshot refuses anything but nothing: the image would have to be changed. */
struct state;
void block_state(struct block *block, struct state *state);
/* Returns when every write so far is on the host's medium. 0 or -errno (logged). */
must_check int block_flush(struct block *block);

#endif
