/* Open files of a host directory: each is a descriptor of the host, written through at once. */
#include "dos/volume/dos_time.h"
#include "dos/volume/host_impl.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { NEW_FILE_MODE = 0666, NEW_READ_ONLY_MODE = 0444 }; /* less the user's umask */

/* Takes `fd`, also on failure. */
static enum dos_error add_file(struct host *host, int fd, u32 access, const char *dos, const char *name,
                               struct volume_file **file)
{
    struct volume_file *f = calloc(1, sizeof *f);
    enum dos_error error = f ? DOS_OK : DOS_NOT_ENOUGH_MEMORY;
    if (!error && fstat(fd, &f->identity))
        error = host_error(errno);
    /* What was looked at may have been exchanged since. */
    if (!error && !S_ISREG(f->identity.st_mode))
        error = DOS_ACCESS_DENIED;
    if (error) {
        close(fd);
        free(f);
        return error;
    }
    f->fd = fd;
    f->access = access;
    f->first[0] = name[0];
    strcpy(f->name, dos);
    f->next = host->files;
    host->files = f;
    *file = f;
    return DOS_OK;
}

/* A name that is there. */
static enum dos_error open_name(struct host *host, const struct host_place *place, struct host_name *name,
                                u32 access, int more_flags, struct volume_file **file)
{
    char path[PATH_MAX];
    struct stat stat;
    struct dos_entry entry;
    enum dos_error error = host_look(host, place, name, &stat, &entry);
    if (error)
        return error;
    if (entry.attributes & DOS_ATTR_DIRECTORY)
        return DOS_ACCESS_DENIED;
    if ((access & VOLUME_WRITE) && (entry.attributes & DOS_ATTR_READ_ONLY))
        return DOS_ACCESS_DENIED;
    if (!host_join(path, place->path, name->host))
        return DOS_PATH_NOT_FOUND;
    int fd = host_beneath(host, path, (u64)((access & VOLUME_WRITE ? O_RDWR : O_RDONLY) | more_flags));
    return fd < 0 ? host_error(fd) : add_file(host, fd, access, name->dos, name->host, file);
}

enum dos_error host_open(void *volume, const char *path, u32 access, struct volume_file **file)
{
    struct host *host = volume;
    struct host_place place;
    char last[DOS_NAME_BYTES];
    if (!*path)
        return DOS_ACCESS_DENIED;
    enum dos_error error = host_enter_parent(host, path, &place, last);
    if (error)
        return error;
    struct host_name *name = host_listing_find(place.listing, last);
    error = name ? open_name(host, &place, name, access, 0, file) : DOS_FILE_NOT_FOUND;
    host_leave(&place);
    return error;
}

/* A name that is not there. */
static enum dos_error create_name(struct host *host, struct host_place *place, const char *dos, u8 attributes,
                                  struct volume_file **file)
{
    char name[3 * DOS_NAME_BYTES];
    if (!host_new_name(place->listing, dos, name))
        return DOS_ACCESS_DENIED;
    mode_t mode = attributes & DOS_ATTR_READ_ONLY ? NEW_READ_ONLY_MODE : NEW_FILE_MODE;
    /* One component; O_EXCL follows no link. */
    int fd = openat(place->fd, name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
    if (fd < 0)
        return errno == ENOSPC || errno == EDQUOT ? DOS_ACCESS_DENIED : host_error(errno);
    host_listing_added(place, dos, name);
    int rc = host_set_attributes(fd, name, attributes | DOS_ATTR_ARCHIVE, false);
    (void)rc; /* the file is there, and that was asked for */
    return add_file(host, fd, VOLUME_READ | VOLUME_WRITE, dos, name, file);
}

/* A name that is there: the file is emptied, as what it is. */
static enum dos_error empty_name(struct host *host, struct host_place *place, struct host_name *name,
                                 u8 attributes, struct volume_file **file)
{
    enum dos_error error = open_name(host, place, name, VOLUME_READ | VOLUME_WRITE, O_TRUNC, file);
    if (error)
        return error == DOS_FILE_NOT_FOUND ? DOS_ACCESS_DENIED
                                           : error; /* something that the guest does not see */
    int rc = host_set_attributes((*file)->fd, name->host, attributes | DOS_ATTR_ARCHIVE, true);
    (void)rc;
    return DOS_OK;
}

enum dos_error host_create(void *volume, const char *path, u8 attributes, bool fresh,
                           struct volume_file **file)
{
    struct host *host = volume;
    struct host_place place;
    char last[DOS_NAME_BYTES];
    if (!*path)
        return DOS_ACCESS_DENIED;
    enum dos_error error = host_enter_parent(host, path, &place, last);
    if (error)
        return error == DOS_FILE_NOT_FOUND ? DOS_ACCESS_DENIED : error;
    struct host_name *name = host_listing_find(place.listing, last);
    if (name && fresh)
        error = DOS_FILE_EXISTS;
    else if (host->read_only)
        error = DOS_ACCESS_DENIED;
    else if (name)
        error = empty_name(host, &place, name, attributes, file);
    else
        error = create_name(host, &place, last, attributes, file);
    host_leave(&place);
    return error;
}

/* A file that was written has the attribute "archive" again. */
static void mark_written(struct volume_file *file)
{
    u8 attributes = host_attributes(file->fd, file->first);
    if (!(attributes & DOS_ATTR_ARCHIVE)) {
        int rc = host_set_attributes(file->fd, file->first, attributes | DOS_ATTR_ARCHIVE, false);
        (void)rc; /* the data are written */
    }
}

void host_close_file(void *volume, struct volume_file *file)
{
    struct host *host = volume;
    struct volume_file **link = &host->files;
    while (*link != file)
        link = &(*link)->next;
    *link = file->next;
    if (file->written)
        mark_written(file);
    close(file->fd);
    free(file);
}

enum dos_error host_read(void *volume, struct volume_file *file, u32 offset, void *buf, u32 bytes, u32 *done)
{
    (void)volume;
    *done = 0;
    if (!(file->access & VOLUME_READ))
        return DOS_ACCESS_DENIED;
    bytes = MIN(bytes, UINT32_MAX - offset);
    while (*done < bytes) {
        ssize_t n = pread(file->fd, (u8 *)buf + *done, bytes - *done, (off_t)offset + *done);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return errno == EIO ? DOS_READ_FAULT : host_error(errno);
        if (n == 0)
            break;
        *done += (u32)n;
    }
    return DOS_OK;
}

static bool is_full(int error)
{
    return error == ENOSPC || error == EDQUOT || error == EFBIG;
}

enum dos_error host_write(void *volume, struct volume_file *file, u32 offset, const void *buf, u32 bytes,
                          u32 *done)
{
    (void)volume;
    *done = 0;
    if (!(file->access & VOLUME_WRITE))
        return DOS_ACCESS_DENIED;
    bytes = MIN(bytes, UINT32_MAX - offset);
    while (*done < bytes) {
        ssize_t n = pwrite(file->fd, (const u8 *)buf + *done, bytes - *done, (off_t)offset + *done);
        if (n < 0 && errno == EINTR)
            continue;
        if (n == 0 || (n < 0 && is_full(errno)))
            break;
        if (n < 0)
            return errno == EIO ? DOS_WRITE_FAULT : host_error(errno);
        *done += (u32)n;
        file->written = true;
    }
    return DOS_OK;
}

enum dos_error host_set_size(void *volume, struct volume_file *file, u32 bytes)
{
    (void)volume;
    if (!(file->access & VOLUME_WRITE))
        return DOS_ACCESS_DENIED;
    while (ftruncate(file->fd, bytes)) {
        if (errno == EINTR)
            continue;
        if (is_full(errno))
            return DOS_HANDLE_DISK_FULL;
        return errno == EIO ? DOS_WRITE_FAULT : host_error(errno);
    }
    file->written = true;
    return DOS_OK;
}

enum dos_error host_stat_file(void *volume, struct volume_file *file, struct dos_entry *entry)
{
    struct stat stat;
    if (fstat(file->fd, &stat))
        return host_error(errno);
    host_entry(volume, &stat, host_attributes(file->fd, file->first), entry);
    strcpy(entry->name, file->name);
    return DOS_OK;
}

enum dos_error host_set_time(void *volume, struct volume_file *file, u16 date, u16 time)
{
    struct host *host = volume;
    if (host->read_only)
        return DOS_ACCESS_DENIED;
    const struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, {.tv_sec = dos_time_to_unix(date, time)}};
    return futimens(file->fd, times) ? host_error(errno) : DOS_OK;
}

enum dos_error host_commit(void *volume, struct volume_file *file)
{
    (void)volume;
    while (fsync(file->fd)) {
        if (errno == EINTR)
            continue;
        if (errno == EINVAL || errno == EROFS) /* a file system without that */
            break;
        return errno == EIO ? DOS_WRITE_FAULT : host_error(errno);
    }
    return DOS_OK;
}
