/* The ordered stream of everything the guest's processor exchanged with the machine: device accesses and
 * interrupts taken. Two runs are equivalent only if their streams are. A hash is always kept; the records
 * themselves go to a file if one is given, so that the first difference of two runs can be shown. */
#ifndef HUDDLE_MACHINE_TRACE_H
#define HUDDLE_MACHINE_TRACE_H

#include "base/types.h"

enum access_kind { ACCESS_PORT_IN, ACCESS_PORT_OUT, ACCESS_MMIO_READ, ACCESS_MMIO_WRITE, ACCESS_INTERRUPT };

struct access {
    u32 addr;  /* port, guest physical address, or interrupt vector */
    u32 value;
    u8 kind;   /* enum access_kind */
    u8 size;   /* bytes */
    u8 pad[6];
};

#define TRACE_CHUNK 512

struct trace {
    u64 count;
    u64 hash; /* chained over whole chunks */
    int fd;   /* -1: records are not kept */
    bool write_failed;
    u32 fill;
    struct access chunk[TRACE_CHUNK];
};

void trace_init(struct trace *trace, int fd);
static inline void trace_add(struct trace *trace, enum access_kind kind, u32 addr, u8 size, u32 value);
/* Hash of all records so far; also writes what is buffered to the file. Call once, at the end. */
u64 trace_finish(struct trace *trace);

void trace_flush_chunk(struct trace *trace);

static inline void trace_add(struct trace *trace, enum access_kind kind, u32 addr, u8 size, u32 value)
{
    trace->chunk[trace->fill] = (struct access){.addr = addr, .value = value, .kind = (u8)kind, .size = size};
    trace->count++;
    if (++trace->fill == TRACE_CHUNK)
        trace_flush_chunk(trace);
}

#endif
