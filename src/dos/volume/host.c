/* A directory of the host as a drive: opening it, finding and listing, size and name. What DOS sees of the
 * host's files is decided in short_name.h (names) and host_attribute.c (attributes); files that the guest
 * makes are named in small letters. Regular files and directories that can be read exist for the guest, and
 * links to such below the root by a relative path; all else does not. */
#include "dos/volume/host_impl.h"

#include "base/hash.h"
#include "dos/volume/short_name.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

enum {
    SECTOR = 512,
    MAX_CLUSTERS = 65526,
    MAX_CLUSTER_SECTORS = 64, /* 2 GiB less ten clusters: what programs can multiply */
};

/* --- looking --- */

static enum dos_error host_find(void *volume, const char *path, struct dos_entry *entry)
{
    struct host *host = volume;
    struct host_place place;
    struct stat stat;
    char last[DOS_NAME_BYTES];
    if (!*path) {
        enum dos_error error = host_enter(host, path, &place);
        if (error)
            return error;
        host_entry(host, &place.stat, 0, entry);
        host_leave(&place);
        return DOS_OK;
    }
    enum dos_error error = host_enter_parent(host, path, &place, last);
    if (error)
        return error;
    struct host_name *name = host_listing_find(place.listing, last);
    error = name ? host_look(host, &place, name, &stat, entry) : DOS_FILE_NOT_FOUND;
    host_leave(&place);
    return error;
}

static void list_dots(const struct host *host, const struct host_place *place, struct dos_entry *entries,
                      u32 *count)
{
    for (u32 i = 0; i < 2; i++) {
        host_entry(host, &place->stat, 0, &entries[i]);
        strcpy(entries[i].name, i ? ".." : ".");
    }
    *count = 2;
}

static enum dos_error host_list(void *volume, const char *path, struct dos_entry **entries, u32 *count)
{
    struct host *host = volume;
    struct host_place place;
    struct stat stat;
    enum dos_error error = host_enter(host, path, &place);
    if (error)
        return error;
    struct dos_entry *list = malloc(((size_t)place.listing->count + 2) * sizeof *list);
    if (list) {
        *count = 0;
        if (*path)
            list_dots(host, &place, list, count);
        for (u32 i = 0; i < place.listing->count; i++)
            if (!host_look(host, &place, place.listing->names[i], &stat, &list[*count]))
                ++*count;
        *entries = list;
    }
    host_leave(&place);
    return list ? DOS_OK : DOS_NOT_ENOUGH_MEMORY;
}

/* --- the drive as a whole --- */

/* In sectors. Clusters as small as they can be for so many sectors. */
static void fill_space(u64 sectors, u64 free_sectors, struct dos_space *space)
{
    u32 per_cluster = 1;
    while (per_cluster < MAX_CLUSTER_SECTORS && sectors / per_cluster > MAX_CLUSTERS)
        per_cluster *= 2;
    u64 clusters = MIN(sectors / per_cluster, (u64)MAX_CLUSTERS);
    *space = (struct dos_space){
        .sector_bytes = SECTOR,
        .cluster_sectors = per_cluster,
        .clusters = (u16)clusters,
        .free_clusters = (u16)MIN(free_sectors / per_cluster, clusters),
    };
}

static enum dos_error host_space(void *volume, struct dos_space *space)
{
    const struct host *host = volume;
    struct statvfs vfs;
    while (fstatvfs(host->root, &vfs))
        if (errno != EINTR)
            return host_error(errno);
    u64 unit = vfs.f_frsize ? vfs.f_frsize : vfs.f_bsize;
    fill_space((u64)vfs.f_blocks * unit / SECTOR, (u64)vfs.f_bavail * unit / SECTOR, space);
    return DOS_OK;
}

static void host_label(void *volume, char label[12])
{
    const struct host *host = volume;
    strcpy(label, host->label);
}

static void host_close(void *volume)
{
    struct host *host = volume;
    host_listings_free(host);
    close(host->root);
    free(host);
}

static const struct volume_class host_class = {
    .name = "host directory",
    .close = host_close,
    .find = host_find,
    .list = host_list,
    .open = host_open,
    .create = host_create,
    .close_file = host_close_file,
    .read = host_read,
    .write = host_write,
    .set_size = host_set_size,
    .stat_file = host_stat_file,
    .set_time = host_set_time,
    .commit = host_commit,
    .set_attributes = host_change_attributes,
    .remove = host_remove,
    .rename = host_rename,
    .make_directory = host_make_directory,
    .remove_directory = host_remove_directory,
    .space = host_space,
    .label = host_label,
};

/* --- opening --- */

static u32 make_serial(const struct stat *stat)
{
    const u64 identity[2] = {stat->st_dev, stat->st_ino};
    u64 hash = hash64(identity, sizeof identity);
    return (u32)(hash ^ hash >> 32);
}

static void make_label(struct host *host, const char *directory)
{
    char *whole = realpath(directory, NULL);
    const char *name = whole ? strrchr(whole, '/') : NULL;
    short_name_words(name ? name + 1 : directory, host->label, sizeof host->label - 1);
    free(whole);
}

static int fail(int error, const char *directory, const char *reason, char *why, size_t why_bytes)
{
    snprintf(why, why_bytes, "%s: %s", directory, reason);
    return -error;
}

/* Opens the root and sees that what lies below can be reached. */
static int open_root(struct host *host, const char *directory, struct stat *stat, char *why, size_t why_bytes)
{
    struct statvfs vfs;
    host->root = open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (host->root < 0)
        return fail(errno, directory, strerror(errno), why, why_bytes);
    int fd = host_beneath(host, "", O_RDONLY | O_DIRECTORY);
    if (fd == -ENOSYS || fd == -EPERM)
        return fail(ENOSYS, directory,
                    "cannot be a drive: needs openat2 (Linux 5.6), which the kernel or a filter refuses", why,
                    why_bytes);
    if (fd < 0)
        return fail(-fd, directory, strerror(-fd), why, why_bytes);
    int rc = fstat(fd, stat) || fstatvfs(fd, &vfs) ? errno : 0;
    close(fd);
    if (rc)
        return fail(rc, directory, strerror(rc), why, why_bytes);
    host->read_only |= vfs.f_flag & ST_RDONLY;
    return 0;
}

int volume_host_open(struct volume *volume, const char *directory, bool read_only, char *why,
                     size_t why_bytes)
{
    struct stat stat;
    *volume = (struct volume){0};
    struct host *host = calloc(1, sizeof *host);
    if (!host)
        return fail(ENOMEM, directory, strerror(ENOMEM), why, why_bytes);
    *host = (struct host){.root = -1, .read_only = read_only};
    int rc = open_root(host, directory, &stat, why, why_bytes);
    if (rc) {
        if (host->root >= 0)
            close(host->root);
        free(host);
        return rc;
    }
    make_label(host, directory);
    *volume = (struct volume){
        .class = &host_class, .object = host, .read_only = host->read_only, .serial = make_serial(&stat)};
    return 0;
}
