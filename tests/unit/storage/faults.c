/* NOTE: file-scope state, as the linker's --wrap leaves no other way to reach these functions. */
#include "faults.h"

#include <errno.h>
#include <sys/types.h>

ssize_t __real_pread64(int fd, void *buf, size_t bytes, off_t offset);
ssize_t __real_pwrite64(int fd, const void *buf, size_t bytes, off_t offset);
int __real_fsync(int fd);
ssize_t __wrap_pread64(int fd, void *buf, size_t bytes, off_t offset);
ssize_t __wrap_pwrite64(int fd, const void *buf, size_t bytes, off_t offset);
int __wrap_fsync(int fd);

struct faults *faults(void)
{
    static struct faults state;
    return &state;
}

static bool fails(int error)
{
    if (faults()->interrupts) {
        faults()->interrupts--;
        errno = EINTR;
        return true;
    }
    errno = error;
    return error != 0;
}

static size_t limit(size_t bytes)
{
    size_t max = faults()->max_bytes;
    return max && bytes > max ? max : bytes;
}

ssize_t __wrap_pread64(int fd, void *buf, size_t bytes, off_t offset)
{
    return fails(faults()->read_error) ? -1 : __real_pread64(fd, buf, limit(bytes), offset);
}

ssize_t __wrap_pwrite64(int fd, const void *buf, size_t bytes, off_t offset)
{
    return fails(faults()->write_error) ? -1 : __real_pwrite64(fd, buf, limit(bytes), offset);
}

int __wrap_fsync(int fd)
{
    if (fails(faults()->sync_error))
        return -1;
    faults()->syncs++;
    return __real_fsync(fd);
}
