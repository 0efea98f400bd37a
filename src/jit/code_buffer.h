/* Memory for host code: one memfd, mapped twice, writable here and executable there, never both in one
 * mapping. Filled from the bottom; when it is full everything goes at once. */
#ifndef HUDDLE_JIT_CODE_BUFFER_H
#define HUDDLE_JIT_CODE_BUFFER_H

#include "base/types.h"

struct code_buffer {
    u8 *writable;         /* [bytes] */
    const u8 *executable; /* the same bytes */
    u32 bytes;
    u32 used;
    u32 floor; /* code_buffer_flush goes back to here */
};

/* `bytes` is rounded up to whole pages. 0 or -errno. */
must_check int code_buffer_init(struct code_buffer *buffer, u32 bytes);
void code_buffer_fini(struct code_buffer *buffer);

/* All the room that is left, *bytes, to write to. Nothing is taken until code_buffer_commit. */
u8 *code_buffer_reserve(struct code_buffer *buffer, u32 *bytes);
/* Takes the first `bytes` of what was reserved; where they can be executed. Not committing aborts. */
const u8 *code_buffer_commit(struct code_buffer *buffer, u32 bytes);

/* What is committed now survives a flush. */
void code_buffer_keep(struct code_buffer *buffer);
void code_buffer_flush(struct code_buffer *buffer);

/* Where a byte that is written at `at` will be executed. */
static inline const u8 *code_buffer_executable(const struct code_buffer *buffer, const u8 *at)
{
    return buffer->executable + (at - buffer->writable);
}

static inline bool code_buffer_holds(const struct code_buffer *buffer, const void *address)
{
    return (u64)((const u8 *)address - buffer->executable) < buffer->used;
}

#endif
