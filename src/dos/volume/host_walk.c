/* From paths of DOS to directories and files of the host: each component is looked up in the listing of the
 * directory before it, then the kernel resolves the path that came of it, whole, below the root. */
#include "dos/volume/host_impl.h"

#include "dos/volume/path.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

/* Of a directory on the way: one that is not there is a path that is not there. */
static enum dos_error path_error(int rc)
{
    enum dos_error error = host_error(rc);
    return error == DOS_FILE_NOT_FOUND ? DOS_PATH_NOT_FOUND : error;
}

/* Opens place->path. */
static enum dos_error open_place(struct host *host, struct host_place *place)
{
    place->fd = host_beneath(host, place->path, O_PATH | O_DIRECTORY);
    if (place->fd < 0)
        return path_error(place->fd);
    int rc = fstat(place->fd, &place->stat) ? -errno : host_listing_get(host, place);
    if (rc)
        close(place->fd);
    return path_error(rc);
}

/* Goes down to `end`, a place in the path where a component ends or begins. */
static enum dos_error enter_until(struct host *host, const char *path, const char *end,
                                  struct host_place *place)
{
    char name[DOS_NAME_BYTES], parent[PATH_MAX];
    place->path[0] = 0;
    enum dos_error error = open_place(host, place);
    while (!error && path < end) {
        const struct host_name *found =
            path_next(&path, name) ? host_listing_find(place->listing, name) : NULL;
        close(place->fd);
        strcpy(parent, place->path);
        if (!found || !host_join(place->path, parent, found->host))
            return DOS_PATH_NOT_FOUND;
        error = open_place(host, place);
    }
    return error;
}

enum dos_error host_enter(struct host *host, const char *path, struct host_place *place)
{
    return enter_until(host, path, path + strlen(path), place);
}

enum dos_error host_enter_parent(struct host *host, const char *path, struct host_place *place,
                                 char last[DOS_NAME_BYTES])
{
    const char *component = path_last(path);
    enum dos_error error = enter_until(host, path, component, place);
    if (!error && !path_next(&component, last)) {
        host_leave(place);
        error = DOS_FILE_NOT_FOUND;
    }
    return error;
}

void host_leave(struct host_place *place)
{
    close(place->fd);
}

bool volume_host_name(const struct volume *volume, const char *name, char dos[DOS_NAME_BYTES])
{
    struct host_place place;
    bool found = false;
    if (host_enter(volume->object, "", &place))
        return false;
    for (u32 i = 0; !found && i < place.listing->count; i++) {
        const struct host_name *item = place.listing->names[i];
        found = strcmp(item->host, name) == 0;
        if (found)
            strcpy(dos, item->dos);
    }
    host_leave(&place);
    return found && *dos;
}

/* --- what is under a name --- */

/* The file itself, or what a link leads to. */
static int stat_beneath(struct host *host, const struct host_place *place, const char *name, const char *path,
                        struct stat *stat)
{
    if (fstatat(place->fd, name, stat, AT_SYMLINK_NOFOLLOW))
        return -errno;
    if (!S_ISLNK(stat->st_mode))
        return 0;
    int fd = host_beneath(host, path, O_PATH);
    if (fd < 0)
        return fd;
    int rc = fstat(fd, stat) ? -errno : 0;
    close(fd);
    return rc;
}

static bool is_same_look(const struct host_look *look, const struct stat *stat)
{
    return look->valid && look->device == stat->st_dev && look->inode == stat->st_ino &&
           look->changed.tv_sec == stat->st_ctim.tv_sec && look->changed.tv_nsec == stat->st_ctim.tv_nsec;
}

/* A change right after the look could leave the file's ctime as it is: within two seconds it is no use later.
 */
static bool is_old(const struct stat *stat)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME_COARSE, &now);
    return now.tv_sec > stat->st_ctim.tv_sec + 2;
}

/* Opens the file to see whether it can be read, and its attributes. */
static void look_inside(struct host *host, struct host_name *name, const char *path, const struct stat *stat)
{
    struct host_look *look = &name->look;
    struct stat opened;
    int fd = host_beneath(host, path, O_RDONLY);
    *look = (struct host_look){.device = stat->st_dev, .inode = stat->st_ino, .changed = stat->st_ctim};
    if (fd < 0) {
        look->readable = fd == -EMFILE || fd == -ENFILE || fd == -EAGAIN; /* it may be, later */
        look->attributes = S_ISREG(stat->st_mode) ? DOS_ATTR_ARCHIVE : 0;
        look->valid = !look->readable && is_old(stat);
        return;
    }
    look->readable = !fstat(fd, &opened) && (S_ISREG(opened.st_mode) || S_ISDIR(opened.st_mode));
    look->attributes = host_attributes(fd, name->host);
    look->valid = is_old(stat);
    close(fd);
}

enum dos_error host_look(struct host *host, const struct host_place *place, struct host_name *name,
                         struct stat *stat, struct dos_entry *entry)
{
    char path[PATH_MAX];
    if (!host_join(path, place->path, name->host))
        return DOS_FILE_NOT_FOUND;
    if (stat_beneath(host, place, name->host, path, stat))
        return DOS_FILE_NOT_FOUND;
    if (!S_ISREG(stat->st_mode) && !S_ISDIR(stat->st_mode))
        return DOS_FILE_NOT_FOUND;
    if (!is_same_look(&name->look, stat))
        look_inside(host, name, path, stat);
    if (!name->look.readable)
        return DOS_FILE_NOT_FOUND;
    host_entry(host, stat, name->look.attributes, entry);
    strcpy(entry->name, name->dos);
    return DOS_OK;
}
