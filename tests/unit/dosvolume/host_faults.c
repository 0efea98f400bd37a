/* NOTE: file-scope state, as the linker's --wrap leaves no other way to reach these functions. */
#include "host_faults.h"

#include <errno.h>
#include <sys/types.h>

ssize_t __real_pread64(int fd, void *buf, size_t bytes, off_t offset);
ssize_t __real_pwrite64(int fd, const void *buf, size_t bytes, off_t offset);
ssize_t __real_fgetxattr(int fd, const char *name, void *value, size_t bytes);
int __real_fsetxattr(int fd, const char *name, const void *value, size_t bytes, int flags);
int __real_fremovexattr(int fd, const char *name);
ssize_t __wrap_pread64(int fd, void *buf, size_t bytes, off_t offset);
ssize_t __wrap_pwrite64(int fd, const void *buf, size_t bytes, off_t offset);
int __wrap_fsync(int fd);
ssize_t __wrap_fgetxattr(int fd, const char *name, void *value, size_t bytes);
int __wrap_fsetxattr(int fd, const char *name, const void *value, size_t bytes, int flags);
int __wrap_fremovexattr(int fd, const char *name);

struct host_faults *host_faults(void)
{
    static struct host_faults state;
    return &state;
}

static bool fails(int error)
{
    if (host_faults()->interrupts) {
        host_faults()->interrupts--;
        error = EINTR;
    }
    errno = error;
    return error != 0;
}

static size_t limit(size_t bytes)
{
    size_t max = host_faults()->max_bytes;
    return max && bytes > max ? max : bytes;
}

ssize_t __wrap_pread64(int fd, void *buf, size_t bytes, off_t offset)
{
    host_faults()->reads++;
    return fails(host_faults()->read_error) ? -1 : __real_pread64(fd, buf, limit(bytes), offset);
}

ssize_t __wrap_pwrite64(int fd, const void *buf, size_t bytes, off_t offset)
{
    struct host_faults *f = host_faults();
    if (fails(f->writes_end && !f->writes_left ? EIO : f->write_error))
        return -1;
    f->writes_left -= f->writes_end;
    return __real_pwrite64(fd, buf, limit(bytes), offset);
}

/* Only counted: hundreds of images would be waited for. */
int __wrap_fsync(int fd)
{
    (void)fd;
    if (fails(host_faults()->sync_error))
        return -1;
    host_faults()->syncs++;
    return 0;
}

ssize_t __wrap_fgetxattr(int fd, const char *name, void *value, size_t bytes)
{
    host_faults()->xattr_reads++;
    return fails(host_faults()->xattr_error) ? -1 : __real_fgetxattr(fd, name, value, bytes);
}

int __wrap_fsetxattr(int fd, const char *name, const void *value, size_t bytes, int flags)
{
    return fails(host_faults()->xattr_error) ? -1 : __real_fsetxattr(fd, name, value, bytes, flags);
}

int __wrap_fremovexattr(int fd, const char *name)
{
    return fails(host_faults()->xattr_error) ? -1 : __real_fremovexattr(fd, name);
}
