/* The one way from a path to a descriptor, and from an errno to an error of DOS. openat2(2). */
#include "dos/volume/host_impl.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

/* The kernel gives up with EAGAIN where a rename anywhere in the system raced with a "..". */
enum { RACES_MAX = 64 };

int host_beneath(const struct host *host, const char *path, u64 flags)
{
    struct open_how how = {
        .flags = flags | O_CLOEXEC,
        .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS,
    };
    if (!(flags & O_PATH))
        how.flags |= O_NOCTTY | O_NONBLOCK; /* should it have become a FIFO */
    for (u32 races = 0; races < RACES_MAX;) {
        long fd = syscall(SYS_openat2, host->root, *path ? path : ".", &how, sizeof how);
        if (fd >= 0)
            return (int)fd;
        if (errno == EAGAIN)
            races++;
        else if (errno != EINTR)
            return -errno;
    }
    return -EAGAIN;
}

bool host_join(char out[PATH_MAX], const char *directory, const char *name)
{
    int length = snprintf(out, PATH_MAX, "%s%s%s", directory, *directory ? "/" : "", name);
    return length < PATH_MAX;
}

enum dos_error host_error(int error)
{
    switch (error < 0 ? -error : error) {
    case 0:
        return DOS_OK;
    case ENOENT:
    case EXDEV: /* a link out of the volume */
    case ELOOP:
    case ENXIO: /* a FIFO or a device now */
    case ESTALE:
        return DOS_FILE_NOT_FOUND;
    case ENOTDIR:
    case ENAMETOOLONG:
        return DOS_PATH_NOT_FOUND;
    case EMFILE:
    case ENFILE:
        return DOS_TOO_MANY_OPEN_FILES;
    case ENOMEM:
        return DOS_NOT_ENOUGH_MEMORY;
    case ENOSPC:
    case EDQUOT:
        return DOS_HANDLE_DISK_FULL;
    case EAGAIN:
        return DOS_SHARING_VIOLATION;
    case EACCES:
    case EPERM:
    case EROFS:
    case EISDIR:
    case EEXIST:
    case ENOTEMPTY:
    case EBUSY:
    case ETXTBSY:
    case EFBIG:
    case EINVAL: /* a directory into itself, a name that the file system refuses */
        return DOS_ACCESS_DENIED;
    default:
        return DOS_GENERAL_FAILURE;
    }
}
