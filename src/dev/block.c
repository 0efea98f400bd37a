/* Disk images: opening with every check a user's mistake needs, and sector transfers that either happen
 * whole or report an error. Nothing is cached here: a write has reached the host's page cache when
 * block_write returns, and its medium when block_flush does. With a snapshot, written sectors live in a
 * sparse memfd at their own offsets and a bitmap says which; the image file is then opened read-only. */
#include "dev/block.h"

#include "base/log.h"
#include "machine/state.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

struct block {
    char *path;
    enum block_kind kind;
    int fd;
    int overlay_fd; /* -1: no snapshot */
    u8 *overlaid;   /* bit per sector: the overlay has it */
    u64 sectors;
    struct block_geometry geometry;
    bool readonly;
    bool dirty;     /* written since the last flush */
    bool io_failed; /* said once */
};

enum {
    DISK_HEADS = 16,
    DISK_SECTORS_PER_TRACK = 63,
    DISK_MAX_CYLINDERS = 16383, /* ATA-3: what IDENTIFY may report, larger disks are reached by LBA */
    FLOPPY_MIN_SECTORS = 320,
    FLOPPY_MAX_SECTORS = 5760,
    FLOPPY_MAX_CYLINDERS = 86, /* where the heads of 80-cylinder drives stop */
};
#define DISK_MIN_SECTORS ((u64)DISK_HEADS * DISK_SECTORS_PER_TRACK)
#define DISK_MAX_SECTORS 0x0fffffffull /* 28 address bits and a count that fits words 60-61 */

/* The formats of PC drives; 21 sectors are the two that squeeze more onto a 1.44 MB disk. No two of one
 * size. */
static const struct block_geometry floppy_formats[] = {
    {40, 1, 8},  {40, 1, 9},  {40, 2, 8},  {40, 2, 9},  {80, 2, 8},  {80, 2, 9},
    {80, 2, 15}, {80, 2, 18}, {80, 2, 21}, {82, 2, 21}, {80, 2, 36},
};

/* Fields of the BIOS parameter block in a FAT boot sector. */
enum { BPB_SECTOR_BYTES = 0x0b, BPB_TOTAL_SECTORS = 0x13, BPB_SECTORS_PER_TRACK = 0x18, BPB_HEADS = 0x1a };

static u32 geometry_sectors(struct block_geometry g)
{
    return g.cylinders * g.heads * g.sectors;
}

/* --- whole transfers --- */

static int read_whole(int fd, u8 *buf, size_t bytes, u64 offset)
{
    while (bytes) {
        ssize_t n = pread(fd, buf, bytes, (off_t)offset);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        if (n == 0)
            return -EIO; /* the file became shorter under us */
        buf += n;
        bytes -= (size_t)n;
        offset += (u64)n;
    }
    return 0;
}

static int write_whole(int fd, const u8 *buf, size_t bytes, u64 offset)
{
    while (bytes) {
        ssize_t n = pwrite(fd, buf, bytes, (off_t)offset);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        if (n == 0)
            return -EIO;
        buf += n;
        bytes -= (size_t)n;
        offset += (u64)n;
    }
    return 0;
}

static int report_io(struct block *b, const char *what, int rc)
{
    if (rc && !b->io_failed) {
        b->io_failed = true;
        log_error("%s: %s failed: %s", b->path, what, strerror(-rc));
    }
    return rc;
}

/* --- opening --- */

static int refuse(const struct block *b, int error, const char *reason)
{
    log_error("%s: %s", b->path, reason);
    return -error;
}

/* Before open(): opening a FIFO or a tape has effects. */
static int check_file_kind(const struct block *b)
{
    struct stat st;
    if (stat(b->path, &st))
        return refuse(b, errno, strerror(errno));
    if (S_ISDIR(st.st_mode))
        return refuse(b, EISDIR, "is a directory");
    if (!S_ISREG(st.st_mode) && !S_ISBLK(st.st_mode))
        return refuse(b, EINVAL, "not a regular file or block device");
    return 0;
}

static bool is_write_protection(int error)
{
    return error == EACCES || error == EROFS || error == EPERM || error == ETXTBSY;
}

static int open_file(struct block *b, bool snapshot)
{
    const int flags = O_CLOEXEC | O_NOCTTY;
    if (!snapshot) {
        b->fd = open(b->path, O_RDWR | flags);
        if (b->fd >= 0)
            return 0;
        if (!is_write_protection(errno))
            return refuse(b, errno, strerror(errno));
        b->readonly = true;
    }
    b->fd = open(b->path, O_RDONLY | flags);
    return b->fd >= 0 ? 0 : refuse(b, errno, strerror(errno));
}

/* Two writers, or a writer under a reader, would destroy a file system. */
static int lock_file(const struct block *b, bool shared)
{
    while (flock(b->fd, (shared ? LOCK_SH : LOCK_EX) | LOCK_NB)) {
        if (errno == EINTR)
            continue;
        if (errno == EWOULDBLOCK)
            return refuse(b, EBUSY,
                          shared ? "another huddle is writing this image"
                                 : "another huddle has this image open");
        log_warn("%s: cannot be locked against a second user: %s", b->path, strerror(errno));
        return 0;
    }
    return 0;
}

static int measure(struct block *b)
{
    off_t bytes = lseek(b->fd, 0, SEEK_END);
    if (bytes < 0)
        return refuse(b, errno, strerror(errno));
    if (bytes == 0)
        return refuse(b, EINVAL, "is empty");
    if (bytes % SECTOR_BYTES)
        return refuse(b, EINVAL, "truncated: its size is not a multiple of 512 bytes");
    b->sectors = (u64)bytes / SECTOR_BYTES;
    u8 sector[SECTOR_BYTES];
    int rc = read_whole(b->fd, sector, sizeof sector, 0);
    return rc ? refuse(b, -rc, strerror(-rc)) : 0;
}

static u32 bpb_word(const u8 *sector, u32 at)
{
    return sector[at] | (u32)sector[at + 1] << 8;
}

/* False unless the boot sector describes a floppy of exactly the file's size. */
static bool geometry_from_bpb(const struct block *b, const u8 *sector, struct block_geometry *g)
{
    u32 heads = bpb_word(sector, BPB_HEADS);
    u32 per_track = bpb_word(sector, BPB_SECTORS_PER_TRACK);
    if (bpb_word(sector, BPB_SECTOR_BYTES) != SECTOR_BYTES ||
        bpb_word(sector, BPB_TOTAL_SECTORS) != b->sectors)
        return false;
    if (heads < 1 || heads > 2 || per_track < 1 || per_track > 63 || b->sectors % (heads * per_track))
        return false;
    *g = (struct block_geometry){(u32)b->sectors / (heads * per_track), heads, per_track};
    return g->cylinders <= FLOPPY_MAX_CYLINDERS;
}

static int floppy_geometry(struct block *b)
{
    if (b->sectors < FLOPPY_MIN_SECTORS)
        return refuse(b, EINVAL, "too small for a floppy: the smallest has 160 KiB");
    if (b->sectors > FLOPPY_MAX_SECTORS)
        return refuse(b, EFBIG, "too large for a floppy: the largest has 2.88 MB (2880 KiB)");
    for (u32 i = 0; i < ARRAY_LEN(floppy_formats); i++) {
        if (geometry_sectors(floppy_formats[i]) == b->sectors) {
            b->geometry = floppy_formats[i];
            return 0;
        }
    }
    u8 sector[SECTOR_BYTES];
    int rc = read_whole(b->fd, sector, sizeof sector, 0);
    if (rc)
        return refuse(b, -rc, strerror(-rc));
    if (!geometry_from_bpb(b, sector, &b->geometry))
        return refuse(b, EINVAL, "not the size of a floppy, and no boot sector that explains it");
    return 0;
}

static int disk_geometry(struct block *b)
{
    if (b->sectors < DISK_MIN_SECTORS)
        return refuse(b, EINVAL, "too small for a disk: a cylinder has 504 KiB");
    if (b->sectors > DISK_MAX_SECTORS)
        return refuse(b, EFBIG, "too large for a disk: 28-bit addresses reach 128 GiB");
    u64 cylinders = b->sectors / DISK_MIN_SECTORS;
    b->geometry =
        (struct block_geometry){(u32)MIN(cylinders, DISK_MAX_CYLINDERS), DISK_HEADS, DISK_SECTORS_PER_TRACK};
    return 0;
}

static int create_overlay(struct block *b)
{
    b->overlaid = calloc((b->sectors + 7) / 8, 1);
    if (!b->overlaid)
        return refuse(b, ENOMEM, "no memory for its snapshot");
    b->overlay_fd = memfd_create("huddle-snapshot", MFD_CLOEXEC);
    if (b->overlay_fd < 0 || ftruncate(b->overlay_fd, (off_t)(b->sectors * SECTOR_BYTES)))
        return refuse(b, errno, "no memory for its snapshot");
    return 0;
}

static int open_checked(struct block *b, bool snapshot)
{
    int rc = check_file_kind(b);
    if (!rc)
        rc = open_file(b, snapshot);
    if (!rc)
        rc = lock_file(b, snapshot || b->readonly);
    if (!rc)
        rc = measure(b);
    if (!rc)
        rc = b->kind == BLOCK_FLOPPY ? floppy_geometry(b) : disk_geometry(b);
    if (!rc && snapshot)
        rc = create_overlay(b);
    return rc;
}

static void release(struct block *b)
{
    if (b->overlay_fd >= 0)
        close(b->overlay_fd);
    /* close() also drops the lock. NFS and quota errors of delayed writes show here at the latest. */
    if (b->fd >= 0 && close(b->fd) && errno != EINTR)
        log_error("%s: close failed: %s", b->path, strerror(errno));
    free(b->overlaid);
    free(b->path);
    free(b);
}

int block_open(struct block **block, const char *path, enum block_kind kind, bool snapshot)
{
    *block = NULL;
    struct block *b = calloc(1, sizeof *b);
    char *copy = strdup(path);
    if (!b || !copy) {
        free(b);
        free(copy);
        log_error("%s: %s", path, strerror(ENOMEM));
        return -ENOMEM;
    }
    *b = (struct block){.path = copy, .kind = kind, .fd = -1, .overlay_fd = -1};
    int rc = open_checked(b, snapshot);
    if (rc) {
        release(b);
        return rc;
    }
    *block = b;
    return 0;
}

void block_close(struct block *b)
{
    if (!b)
        return;
    int rc = block_flush(b);
    (void)rc; /* it has logged what went wrong, and nobody is left to tell */
    release(b);
}

/* --- use --- */

u64 block_sectors(const struct block *b)
{
    return b->sectors;
}

struct block_geometry block_geometry(const struct block *b)
{
    return b->geometry;
}

bool block_readonly(const struct block *b)
{
    return b->readonly;
}

void block_protect(struct block *b)
{
    b->readonly = true;
}

static bool in_image(const struct block *b, u64 lba, u32 count)
{
    return lba <= b->sectors && count <= b->sectors - lba;
}

static bool is_overlaid(const struct block *b, u64 lba)
{
    return b->overlaid && (b->overlaid[lba / 8] & BIT(lba % 8));
}

int block_read(struct block *b, u64 lba, u32 count, void *buf)
{
    if (!in_image(b, lba, count))
        return -ERANGE;
    u8 *to = buf;
    while (count) { /* in runs of sectors that come from the same place */
        bool overlaid = is_overlaid(b, lba);
        u32 run = 1;
        while (run < count && is_overlaid(b, lba + run) == overlaid)
            run++;
        size_t bytes = (size_t)run * SECTOR_BYTES;
        int rc = read_whole(overlaid ? b->overlay_fd : b->fd, to, bytes, lba * SECTOR_BYTES);
        if (rc)
            return report_io(b, "read", rc);
        to += bytes;
        lba += run;
        count -= run;
    }
    return 0;
}

static int write_overlay(struct block *b, u64 lba, u32 count, const void *buf)
{
    int rc = write_whole(b->overlay_fd, buf, (size_t)count * SECTOR_BYTES, lba * SECTOR_BYTES);
    if (rc)
        return rc; /* not marked: the old contents stay visible */
    for (u64 s = lba; s < lba + count; s++)
        b->overlaid[s / 8] |= (u8)BIT(s % 8);
    return 0;
}

int block_write(struct block *b, u64 lba, u32 count, const void *buf)
{
    if (!in_image(b, lba, count))
        return -ERANGE;
    if (b->readonly)
        return -EROFS;
    if (b->overlay_fd >= 0)
        return report_io(b, "write to the snapshot", write_overlay(b, lba, count, buf));
    b->dirty = true;
    return report_io(b, "write", write_whole(b->fd, buf, (size_t)count * SECTOR_BYTES, lba * SECTOR_BYTES));
}

int block_flush(struct block *b)
{
    if (!b->dirty)
        return 0;
    while (fsync(b->fd)) {
        if (errno == EINTR)
            continue;
        /* Always said: after this the kernel may forget that the pages were dirty. */
        int rc = -errno;
        log_error("%s: flush failed: %s", b->path, strerror(-rc));
        return rc;
    }
    b->dirty = false;
    return 0;
}

/* --- state --- */

#define NO_SECTOR UINT64_MAX

static void save_overlay(struct block *b, struct state *s)
{
    u8 sector[SECTOR_BYTES];
    u64 none = NO_SECTOR;
    for (u64 lba = 0; b->overlaid && lba < b->sectors; lba++) {
        if (!b->overlaid[lba / 8])
            lba |= 7;
        if (!is_overlaid(b, lba))
            continue;
        if (read_whole(b->overlay_fd, sector, sizeof sector, lba * SECTOR_BYTES))
            state_fail(s, "%s: what was written to its snapshot cannot be read", b->path);
        state_u64(s, &lba);
        state_bytes(s, sector, sizeof sector);
    }
    state_u64(s, &none);
}

static int load_sector(struct block *b, struct state *s, u64 lba)
{
    u8 sector[SECTOR_BYTES];
    state_bytes(s, sector, sizeof sector);
    if (s->failed)
        return -EINVAL;
    if (!b->overlaid)
        state_fail(s, "%s: the state has changes to it that were made with --snapshot", b->path);
    else if (lba >= b->sectors)
        state_fail(s, "%s: the state has a sector that it has not", b->path);
    else if (write_overlay(b, lba, 1, sector))
        state_fail(s, "%s: no room for its snapshot", b->path);
    return s->failed ? -EINVAL : 0;
}

void block_state(struct block *b, struct state *s)
{
    if (!s->loading) {
        save_overlay(b, s);
        return;
    }
    if (b->overlaid)
        memset(b->overlaid, 0, (b->sectors + 7) / 8);
    u64 lba;
    do {
        lba = NO_SECTOR;
        state_u64(s, &lba);
    } while (!s->failed && lba != NO_SECTOR && !load_sector(b, s, lba));
}
