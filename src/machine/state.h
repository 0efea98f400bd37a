/* The state of the machine as bytes, and back. Each part describes its state once, in a function that works
 * in both directions: saving, every call appends what the pointer points to; loading, every call replaces it.
 *
 *   file:    magic, format version, bytes of the file; sections; XXH3 of everything before it
 *   section: length of the name and the name, bytes of the contents, contents
 *
 * All numbers are little-endian. Sections come in one fixed order.
 *
 * Loading trusts nothing. Every number with a range is read by a function that knows it, and what does not
 * fit is never stored: the load has failed then, all later calls do nothing, and `why` names section and
 * field. What must hold between fields is asked for with state_check, after they were read. So the chips' own
 * invariants hold after a load that went well; after one that failed the machine must not run: whoever loads
 * brings back what was there before.
 *
 * LIMIT: a state is held in memory as a whole while it is written or read. */
#ifndef HUDDLE_MACHINE_STATE_H
#define HUDDLE_MACHINE_STATE_H

#include "base/types.h"

/* Counts every change of what any section holds. */
#define STATE_FORMAT 5

#define STATE_WHY_BYTES  240
#define STATE_NAME_BYTES 32

struct state {
    bool loading;
    bool failed; /* loading: something did not fit; saving: no memory */
    char why[STATE_WHY_BYTES];
    char section[STATE_NAME_BYTES]; /* the open one; "": none */
    u8 *data;
    size_t at, capacity;
    size_t end; /* loading: of the open section, or of all of them; saving: where the open section's length
                   goes */
};

/* A part of a machine's state that belongs to somebody else: a section of its own behind the others.
 * `save_or_load` works in both directions, as the chips' functions do. */
struct state_part {
    const char *name;
    void (*save_or_load)(void *object, struct state *state);
    void *object;
};

/* Begins to save; state_fini frees what it will have gathered. */
void state_init(struct state *state);
void state_fini(struct state *state);

/* Makes the whole file of what was saved: a copy in memory is to be given to state_load_bytes, or written to
 * `path`, which is replaced at once or stays as it is. 0 or -errno, with the reason in `state->why`. */
must_check int state_finish(struct state *state);
must_check int state_write(struct state *state, const char *path);

/* Begins to load from a file, or from memory, which is copied. 0, or -errno with the reason in `state->why`:
 * -ENOENT and its kind, or -EINVAL for a file that is no whole and unharmed state of this format. state_fini
 * in any case. */
must_check int state_read(struct state *state, const char *path);
must_check int state_read_bytes(struct state *state, const void *data, size_t bytes);

/* What every part comes in. Loading: the section must be the next one, and be used up when it ends. */
void state_begin(struct state *state, const char *name);
void state_end(struct state *state);
/* After the last section. False: the load has failed. */
bool state_complete(struct state *state);

/* A field. */
void state_u8(struct state *state, u8 *value);
void state_u16(struct state *state, u16 *value);
void state_u32(struct state *state, u32 *value);
void state_u64(struct state *state, u64 *value);
void state_s64(struct state *state, s64 *value);
void state_bool(struct state *state, bool *value);
void state_bytes(struct state *state, void *bytes, size_t n);
void state_u32s(struct state *state, u32 *values, size_t n);

/* The same for values from `min` to `max`; `name` is for the reason if one is not. */
void state_u8_in(struct state *state, u8 *value, u8 min, u8 max, const char *name);
void state_u16_in(struct state *state, u16 *value, u16 min, u16 max, const char *name);
void state_u32_in(struct state *state, u32 *value, u32 min, u32 max, const char *name);
void state_s32_in(struct state *state, s32 *value, s32 min, s32 max, const char *name);
void state_u64_in(struct state *state, u64 *value, u64 min, u64 max, const char *name);
void state_s64_in(struct state *state, s64 *value, s64 min, s64 max, const char *name);
/* Bits beyond `bits` must be clear. */
void state_u8_bits(struct state *state, u8 *value, u8 bits, const char *name);

/* An enum with values from 0 to `count` - 1. */
#define STATE_ENUM(state, field, count, name)                                                                \
    do {                                                                                                     \
        u32 state_enum_value = (u32)(field);                                                                 \
        state_u32_in((state), &state_enum_value, 0, (count)-1, (name));                                      \
        (field) = state_enum_value;                                                                          \
    } while (0)

/* Loading: fails the load unless `fits`. Saving: nothing. */
void state_check(struct state *state, bool fits, const char *what);
/* Fails the load with a reason of its own. */
void state_fail(struct state *state, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Bytes of the open section that were not read yet. */
size_t state_left(const struct state *state);

#endif
