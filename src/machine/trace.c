/* Chunked hashing and writing of the access stream. */
#include "machine/trace.h"

#include "base/hash.h"
#include "base/log.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

void trace_init(struct trace *trace, int fd)
{
    memset(trace, 0, sizeof *trace);
    trace->fd = fd;
}

static void write_chunk(struct trace *trace, size_t bytes)
{
    const u8 *p = (const u8 *)trace->chunk;
    while (bytes && !trace->write_failed) {
        ssize_t n = write(trace->fd, p, bytes);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0) {
            /* EPERM: a sealed memfd that is full. */
            log_warn("the access stream is kept no further: %s", errno == EPERM ? "it is too long" : strerror(errno));
            trace->write_failed = true;
            return;
        }
        p += n;
        bytes -= (size_t)n;
    }
}

void trace_flush_chunk(struct trace *trace)
{
    size_t bytes = trace->fill * sizeof trace->chunk[0];
    u64 link[2] = {trace->hash, hash64(trace->chunk, bytes)};
    trace->hash = hash64(link, sizeof link);
    if (trace->fd >= 0)
        write_chunk(trace, bytes);
    trace->count += trace->fill;
    trace->fill = 0;
    if (trace->on_chunk)
        trace->on_chunk(trace->on_chunk_opaque);
}

u64 trace_finish(struct trace *trace)
{
    if (trace->fill)
        trace_flush_chunk(trace);
    return trace->hash;
}
