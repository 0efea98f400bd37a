/* Two mappings of one memfd. Code starts at 16-byte boundaries. */
#include "jit/code_buffer.h"

#include "base/bug.h"

#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

enum { PAGE = 4096, CODE_ALIGN = 16 };

int code_buffer_init(struct code_buffer *buffer, u32 bytes)
{
    *buffer = (struct code_buffer){.bytes = (bytes + PAGE - 1) / PAGE * PAGE};
    int rc = 0;
    int fd = memfd_create("huddle-code", MFD_CLOEXEC);
    if (fd < 0)
        return -errno;
    if (ftruncate(fd, buffer->bytes)) {
        rc = -errno;
        goto out;
    }
    void *writable = mmap(NULL, buffer->bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (writable == MAP_FAILED) {
        rc = -errno;
        goto out;
    }
    void *executable = mmap(NULL, buffer->bytes, PROT_READ | PROT_EXEC, MAP_SHARED, fd, 0);
    if (executable == MAP_FAILED) {
        rc = -errno;
        munmap(writable, buffer->bytes);
        goto out;
    }
    buffer->writable = writable;
    buffer->executable = executable;
out:
    close(fd);
    return rc;
}

void code_buffer_fini(struct code_buffer *buffer)
{
    if (!buffer->writable)
        return;
    munmap(buffer->writable, buffer->bytes);
    munmap((void *)buffer->executable, buffer->bytes);
    buffer->writable = NULL;
}

u8 *code_buffer_reserve(struct code_buffer *buffer, u32 *bytes)
{
    *bytes = buffer->bytes - buffer->used;
    return buffer->writable + buffer->used;
}

const u8 *code_buffer_commit(struct code_buffer *buffer, u32 bytes)
{
    const u8 *at = buffer->executable + buffer->used;
    BUG_ON(bytes > buffer->bytes - buffer->used);
    buffer->used = MIN((buffer->used + bytes + CODE_ALIGN - 1) / CODE_ALIGN * CODE_ALIGN, buffer->bytes);
    return at;
}

void code_buffer_keep(struct code_buffer *buffer)
{
    buffer->floor = buffer->used;
}

void code_buffer_flush(struct code_buffer *buffer)
{
    buffer->used = buffer->floor;
}
