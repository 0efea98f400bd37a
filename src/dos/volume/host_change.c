/* Changes to the directories of the host. What a function names is one component in a directory that was
 * opened below the root; a link that stands there is itself what is renamed or removed. */
#include "dos/volume/host_impl.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { NEW_DIRECTORY_MODE = 0777 }; /* less the user's umask */

/* Where `path` is, what it is called, and what the guest sees of it. On DOS_OK the caller leaves *place. */
static enum dos_error find_target(struct host *host, const char *path, struct host_place *place,
                                  struct host_name **name, struct dos_entry *entry)
{
    char last[DOS_NAME_BYTES];
    struct stat stat;
    if (!*path)
        return DOS_ACCESS_DENIED;
    enum dos_error error = host_enter_parent(host, path, place, last);
    if (error)
        return error;
    *name = host_listing_find(place->listing, last);
    error = *name ? host_look(host, place, *name, &stat, entry) : DOS_FILE_NOT_FOUND;
    if (!error && host->read_only)
        error = DOS_ACCESS_DENIED;
    if (error)
        host_leave(place);
    return error;
}

enum dos_error host_change_attributes(void *volume, const char *path, u8 attributes)
{
    struct host *host = volume;
    struct host_place place;
    struct host_name *name;
    struct dos_entry entry;
    char below[PATH_MAX];
    enum dos_error error = find_target(host, path, &place, &name, &entry);
    if (error)
        return error;
    int fd = host_join(below, place.path, name->host) ? host_beneath(host, below, O_RDONLY) : -ENAMETOOLONG;
    int rc = fd < 0 ? fd : host_set_attributes(fd, name->host, attributes, true);
    if (fd >= 0)
        close(fd);
    name->look.valid = false;
    host_leave(&place);
    return host_error(rc);
}

enum dos_error host_remove(void *volume, const char *path)
{
    struct host_place place;
    struct host_name *name;
    struct dos_entry entry;
    enum dos_error error = find_target(volume, path, &place, &name, &entry);
    if (error)
        return error;
    if (entry.attributes & (DOS_ATTR_DIRECTORY | DOS_ATTR_READ_ONLY))
        error = DOS_ACCESS_DENIED;
    else if (unlinkat(place.fd, name->host, 0))
        error = host_error(errno);
    else
        host_listing_removed(&place, entry.name);
    host_leave(&place);
    return error;
}

enum dos_error host_remove_directory(void *volume, const char *path)
{
    struct host_place place;
    struct host_name *name;
    struct dos_entry entry;
    enum dos_error error = find_target(volume, path, &place, &name, &entry);
    if (error)
        return error == DOS_FILE_NOT_FOUND ? DOS_PATH_NOT_FOUND : error;
    if (!(entry.attributes & DOS_ATTR_DIRECTORY))
        error = DOS_PATH_NOT_FOUND;
    else if (unlinkat(place.fd, name->host, AT_REMOVEDIR))
        error = errno == ENOTDIR ? DOS_ACCESS_DENIED : host_error(errno); /* a link to a directory stays */
    else
        host_listing_removed(&place, entry.name);
    host_leave(&place);
    return error;
}

enum dos_error host_make_directory(void *volume, const char *path)
{
    struct host *host = volume;
    struct host_place place;
    char last[DOS_NAME_BYTES], name[3 * DOS_NAME_BYTES];
    if (!*path)
        return DOS_ACCESS_DENIED;
    enum dos_error error = host_enter_parent(host, path, &place, last);
    if (error)
        return error == DOS_FILE_NOT_FOUND ? DOS_ACCESS_DENIED : error;
    if (host->read_only || host_listing_find(place.listing, last) ||
        !host_new_name(place.listing, last, name))
        error = DOS_ACCESS_DENIED;
    else if (mkdirat(place.fd, name, NEW_DIRECTORY_MODE))
        error = errno == ENOSPC || errno == EDQUOT ? DOS_ACCESS_DENIED : host_error(errno);
    else
        host_listing_added(&place, last, name);
    host_leave(&place);
    return error;
}

/* --- renaming --- */

/* 0 or -errno; never replaces a file that is seen to be there. */
static int rename_between(int from_fd, const char *from, int to_fd, const char *to)
{
    struct stat stat;
    if (!renameat2(from_fd, from, to_fd, to, RENAME_NOREPLACE))
        return 0;
    if (errno != EINVAL && errno != ENOSYS)
        return -errno;
    /* A file system that does not know this flag; or a directory into itself, which fails again. */
    if (!fstatat(to_fd, to, &stat, AT_SYMLINK_NOFOLLOW))
        return -EEXIST;
    return renameat(from_fd, from, to_fd, to) ? -errno : 0;
}

/* Open files go by their new name. */
static void rename_open_files(struct host *host, const struct stat *stat, const char *dos)
{
    for (struct volume_file *file = host->files; file; file = file->next)
        if (file->identity.st_dev == stat->st_dev && file->identity.st_ino == stat->st_ino)
            strcpy(file->name, dos);
}

/* Both places are entered. */
static enum dos_error rename_in(struct host *host, struct host_place *from, const char *from_last,
                                struct host_place *to, const char *to_last)
{
    char name[3 * DOS_NAME_BYTES];
    struct stat stat;
    struct dos_entry entry;
    struct host_name *old = host_listing_find(from->listing, from_last);
    enum dos_error error = old ? host_look(host, from, old, &stat, &entry) : DOS_FILE_NOT_FOUND;
    if (error)
        return error;
    if (host->read_only || host_listing_find(to->listing, to_last) ||
        !host_new_name(to->listing, to_last, name))
        return DOS_ACCESS_DENIED;
    int rc = rename_between(from->fd, old->host, to->fd, name);
    if (rc)
        return rc == -EXDEV ? DOS_NOT_SAME_DEVICE : host_error(rc);
    host_listing_removed(from, from_last);
    host_listing_added(to, to_last, name);
    rename_open_files(host, &stat, to_last);
    return DOS_OK;
}

enum dos_error host_rename(void *volume, const char *from, const char *to)
{
    struct host_place from_place, to_place;
    char from_last[DOS_NAME_BYTES], to_last[DOS_NAME_BYTES];
    if (!*from || !*to)
        return DOS_ACCESS_DENIED;
    enum dos_error error = host_enter_parent(volume, from, &from_place, from_last);
    if (error)
        return error;
    error = host_enter_parent(volume, to, &to_place, to_last);
    if (!error) {
        error = rename_in(volume, &from_place, from_last, &to_place, to_last);
        host_leave(&to_place);
    }
    host_leave(&from_place);
    return error;
}
