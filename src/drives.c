/* The heuristics for IMAGE, and the contradictions that show only when one looks at the files.
 * Boot sector: signature, partition table and BIOS parameter block as in Microsoft's FAT specification 1.03
 * and the BIOS Boot Specification. */
#include "drives.h"

#include "dos_session.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FLOPPY_MAX_BYTES (2880 * KIB)
#define PARTITION_TABLE  0x1be
#define PARTITION_BYTES  16
#define PARTITIONS       4
#define BPB_TOTAL_16     0x13
#define BPB_MEDIA        0x15

static bool standard_floppy_size(u64 bytes)
{
    /* The formats of PC drives, and the two that squeeze more onto a 1.44 MB disk (DMF 1680, 1722). */
    static const u16 sizes_kib[] = {160, 180, 320, 360, 640, 720, 1200, 1440, 1680, 1722, 2880};
    for (size_t i = 0; i < ARRAY_LEN(sizes_kib); i++)
        if (bytes == sizes_kib[i] * (u64)KIB)
            return true;
    return false;
}

static u32 get_le(const u8 *p, u32 bytes)
{
    u32 value = 0;
    for (u32 i = 0; i < bytes; i++)
        value |= (u32)p[i] << (8 * i);
    return value;
}

/* Four plausible entries, at least one of them used, inside the image. */
static bool has_partition_table(const u8 *sector, u64 bytes)
{
    bool used = false;
    if (sector[510] != 0x55 || sector[511] != 0xaa)
        return false;
    for (u32 i = 0; i < PARTITIONS; i++) {
        const u8 *entry = sector + PARTITION_TABLE + i * PARTITION_BYTES;
        u32 first = get_le(entry + 8, 4), count = get_le(entry + 12, 4);
        if (entry[0] != 0 && entry[0] != 0x80)
            return false;
        if (entry[4] == 0)
            continue;
        if (first == 0 || count == 0 || first >= bytes / SECTOR_BYTES)
            return false;
        used = true;
    }
    return used;
}

/* A BIOS parameter block that describes exactly this many sectors on removable media. */
static bool has_floppy_bpb(const u8 *sector, u64 bytes)
{
    u8 media = sector[BPB_MEDIA];
    return get_le(sector + 11, 2) == SECTOR_BYTES && (media == 0xf0 || media >= 0xf9) &&
           get_le(sector + BPB_TOTAL_16, 2) * (u64)SECTOR_BYTES == bytes;
}

enum block_kind drives_image_kind(u64 bytes, const u8 *sector)
{
    if (standard_floppy_size(bytes))
        return BLOCK_FLOPPY;
    if (bytes > FLOPPY_MAX_BYTES || !sector || has_partition_table(sector, bytes))
        return BLOCK_DISK;
    return has_floppy_bpb(sector, bytes) ? BLOCK_FLOPPY : BLOCK_DISK;
}

/* `label` is what goes in front of the name in a complaint: "--hda=", or nothing. */
static bool probe_image(const char *label, const char *path, enum block_kind *kind, char *why)
{
    u8 sector[SECTOR_BYTES];
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a FIFO without a writer must not block */
    if (fd < 0)
        return options_refuse(why, "%s%.200s: %s", label, path, strerror(errno));
    bool regular = fstat(fd, &st) == 0 && (S_ISREG(st.st_mode) || S_ISBLK(st.st_mode));
    off_t bytes = regular ? lseek(fd, 0, SEEK_END) : -1;
    bool whole = pread(fd, sector, sizeof sector, 0) == (ssize_t)sizeof sector;
    close(fd);
    if (!regular || bytes < 0)
        return options_refuse(why, "%s%.200s: not a disk image but %s", label, path,
                              S_ISDIR(st.st_mode) ? "a directory" : "some other kind of file");
    if (bytes == 0)
        return options_refuse(why, "%s%.200s: the file is empty", label, path);
    *kind = drives_image_kind((u64)bytes, whole ? sector : NULL);
    return true;
}

static bool assign_image(struct drives *d, const char *path, char *why)
{
    enum block_kind kind;
    if (!probe_image("", path, &kind, why))
        return false;
    const char **slot = kind == BLOCK_FLOPPY ? &d->floppy[0] : &d->disk[0];
    if (*slot)
        return options_refuse(why, "%.100s is a %s, and so is --%s=%.100s: one drive, two images", path,
                              kind == BLOCK_FLOPPY ? "floppy" : "hard disk", kind == BLOCK_FLOPPY ? "fda" : "hda",
                              *slot);
    *slot = path;
    strcpy(d->boot, kind == BLOCK_FLOPPY ? "ac" : "ca");
    return true;
}

/* The order asked for, checked; or IMAGE's drive first, and only drives that are there. */
static bool assign_boot(struct drives *d, const char *wanted, char *why)
{
    bool there[2] = {d->floppy[0] != NULL, d->disk[0] != NULL};
    if (*wanted) {
        if (strchr(wanted, 'a') && !there[0])
            return options_refuse(why, "--boot=%s: there is no floppy to boot from; add --fda=FILE", wanted);
        if (strchr(wanted, 'c') && !there[1])
            return options_refuse(why, "--boot=%s: there is no hard disk to boot from; add --hda=FILE", wanted);
        strcpy(d->boot, wanted);
        return true;
    }
    if (!d->boot[0])
        strcpy(d->boot, "ac");
    if (!there[0] || !there[1])
        strcpy(d->boot, there[0] ? "a" : "c");
    return true;
}

/* Everything on the command line that names a file. */
struct file_use {
    const char *option; /* as the user wrote it */
    const char *path;   /* NULL: not given */
    bool output;
};
#define FILE_USES 18

static void list_files(struct file_use *use, const struct options *o)
{
    const char *dump = o->dump_clusters && strcmp(o->dump_clusters, "-") != 0 ? o->dump_clusters : NULL;
    const char *perf_map = o->perf_map && *o->perf_map ? o->perf_map : NULL;
    const char *serial = o->serial && strcmp(o->serial, "stdio") != 0 ? o->serial : NULL;
    const struct file_use all[FILE_USES] = {
        {"IMAGE", o->image, false},     {"--fda", o->fda, false},
        {"--hda", o->hda, false},       {"--hdb", o->hdb, false},
        {"--bios", o->bios, false},     {"--vgabios", o->vgabios, false},
        {"--script", o->script, false}, {"--screenshot", o->screenshot, true},
        {"--serial", serial, true},     {"--debugcon", o->debugcon, true},
        {"--stats", o->stats, true},    {"--json", o->json, true},
        {"--dump-clusters", dump, true}, {"--perf-map", perf_map, true},
        {"--load-state", o->load_state, false}, {"--save-state", o->save_state, true},
        {"--html", o->html, true},      {"--explain-svg", o->explain_svg, true},
    };
    memcpy(use, all, sizeof all);
}

/* Devices such as /dev/null or a terminal can be written by many. */
static bool same_file(const char *a, const char *b)
{
    struct stat sa, sb;
    if (strcmp(a, b) == 0)
        return stat(a, &sa) != 0 || S_ISREG(sa.st_mode) || S_ISBLK(sa.st_mode);
    if (stat(a, &sa) || stat(b, &sb) || !(S_ISREG(sa.st_mode) || S_ISBLK(sa.st_mode)))
        return false;
    return sa.st_dev == sb.st_dev && sa.st_ino == sb.st_ino;
}

/* A state may be saved where it was loaded from: it is replaced at the end. */
static bool may_be_same(const struct file_use *use, const struct file_use *other, const struct options *o)
{
    return use->path == o->load_state && other->path == o->save_state;
}

static bool check_files(const struct options *o, char *why)
{
    struct file_use use[FILE_USES];
    list_files(use, o);
    for (u32 i = 0; i < FILE_USES; i++)
        for (u32 j = i + 1; j < FILE_USES; j++)
            if (use[i].path && use[j].path && !may_be_same(&use[i], &use[j], o) && same_file(use[i].path, use[j].path))
                return options_refuse(why, "%s and %s are the same file, %.150s", use[i].option, use[j].option,
                                      use[j].path);
    return true;
}

/* A result that cannot be written should be known before the guest has run for an hour. */
static bool check_outputs(const struct options *o, char *why)
{
    struct file_use use[FILE_USES];
    list_files(use, o);
    for (u32 i = 0; i < FILE_USES; i++) {
        const char *path = use[i].output ? use[i].path : NULL;
        const char *slash = path ? strrchr(path, '/') : NULL;
        char dir[PATH_MAX] = ".";
        struct stat st;
        if (!path)
            continue;
        if (stat(path, &st) == 0 && S_ISDIR(st.st_mode))
            return options_refuse(why, "%s=%.150s: that is a directory", use[i].option, path);
        if (slash)
            snprintf(dir, sizeof dir, "%.*s", (int)MAX(slash - path, 1), path);
        /* What is not there yet is made in its folder; other errors, such as a name too long, stay. */
        if (access(path, W_OK) && (errno != ENOENT || access(dir, W_OK)))
            return options_refuse(why, "%s=%.150s: cannot be written: %s", use[i].option, path, strerror(errno));
    }
    return true;
}

/* The drives' images must be there whatever they are. */
static bool probe_drives(const struct options *o, char *why)
{
    enum block_kind any;
    return (!o->fda || probe_image("--fda=", o->fda, &any, why)) &&
           (!o->hda || probe_image("--hda=", o->hda, &any, why)) &&
           (!o->hdb || probe_image("--hdb=", o->hdb, &any, why));
}

bool drives_assign(struct drives *d, const struct options *o, char *why)
{
    memset(d, 0, sizeof *d);
    d->floppy[0] = o->fda;
    d->disk[0] = o->hda;
    d->disk[1] = o->hdb;
    if (!check_files(o, why) || !probe_drives(o, why))
        return false;
    if (o->image && !dos_session_wanted(o) && !assign_image(d, o->image, why))
        return false;
    if (d->disk[1] && !d->disk[0])
        return options_refuse(why, "--hdb=%.150s: there is no first hard disk; make it --hda", d->disk[1]);
    return assign_boot(d, o->boot, why) && check_outputs(o, why);
}
