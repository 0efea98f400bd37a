/* The ordered stream of everything the guest's processor exchanged with the machine: device accesses and
 * interrupts taken. Two runs are equivalent only if their streams are. A hash is kept; the records themselves
 * go to a file if one is given, so that the first difference of two runs can be shown. Under the host's
 * clock, where no two runs see the same time, nothing is kept: `off`. */
#ifndef HUDDLE_MACHINE_TRACE_H
#define HUDDLE_MACHINE_TRACE_H

#include "base/types.h"

#include <assert.h>
#include <string.h>

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
    u64 count; /* records in whole chunks; all of them after trace_finish */
    u64 hash;  /* chained over whole chunks */
    int fd;    /* -1: records are not kept */
    bool write_failed;
    bool off;
    void (*on_chunk)(void *opaque); /* called behind every chunk; NULL: nobody */
    void *on_chunk_opaque;
    u32 fill;
    struct access chunk[TRACE_CHUNK] __attribute__((aligned(sizeof(struct access))));
};

void trace_init(struct trace *trace, int fd);
/* Hash of all records so far; also writes what is buffered to the file. Call once, at the end. */
u64 trace_finish(struct trace *trace);

void trace_flush_chunk(struct trace *trace);

/* Count and hash go on from where they were; what was written to the file before is not there again. */
struct state;
void trace_state(struct trace *trace, struct state *state);

/* Puts a record behind the others, whatever `off` says. True: the chunk is full, and the caller must flush it before the
 * next. */
static inline bool trace_put(struct trace *trace, enum access_kind kind, u32 addr, u8 size, u32 value)
{
    /* The record's bytes in two stores; a compiler makes six of the members. */
    const u64 words[2] = {addr | (u64)value << 32, (u64)kind | (u64)size << 8};
    static_assert(sizeof words == sizeof(struct access) && offsetof(struct access, value) == 4 &&
                      offsetof(struct access, kind) == 8 && offsetof(struct access, size) == 9,
                  "the members are where these words put them");
    memcpy(&trace->chunk[trace->fill], words, sizeof words);
    return ++trace->fill == TRACE_CHUNK;
}

static inline void trace_add(struct trace *trace, enum access_kind kind, u32 addr, u8 size, u32 value)
{
    if (!trace->off && trace_put(trace, kind, addr, size, value))
        trace_flush_chunk(trace);
}

#endif
