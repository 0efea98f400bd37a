/* MOO files: nested chunks of a four-letter name, a length and a payload, little-endian. Specification: doc/
 * moo_format_v1.md of the "moo" repository by Daniel Balsom. */
#include "moo.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

/* A part of the file that shrinks as it is read. */
struct span {
    const u8 *at;
    size_t left;
};

static bool take(struct span *span, size_t size, struct span *part)
{
    if (span->left < size)
        return false;
    *part = (struct span){span->at, size};
    span->at += size;
    span->left -= size;
    return true;
}

static bool take_u32(struct span *span, u32 *value)
{
    struct span part;

    if (!take(span, 4, &part))
        return false;
    memcpy(value, part.at, 4);
    return true;
}

static bool take_u16(struct span *span, u16 *value)
{
    struct span part;

    if (!take(span, 2, &part))
        return false;
    memcpy(value, part.at, 2);
    return true;
}

static bool take_chunk(struct span *span, char name[5], struct span *payload)
{
    struct span part;
    u32 size;

    if (!take(span, 4, &part))
        return false;
    memcpy(name, part.at, 4);
    name[4] = 0;
    return take_u32(span, &size) && take(span, size, payload);
}

static bool read_regs(struct span span, struct moo_state *state)
{
    u16 mask;

    if (!take_u16(&span, &mask))
        return false;
    state->reg_mask = mask;
    for (u32 i = 0; i < MOO_REGS; i++)
        if ((mask >> i & 1) && !take_u16(&span, &state->reg[i]))
            return false;
    return true;
}

static bool read_ram(struct span span, struct moo_state *state)
{
    struct span value;

    if (!take_u32(&span, &state->ram_count) || state->ram_count > MOO_RAM_MAX)
        return false;
    for (u32 i = 0; i < state->ram_count; i++) {
        if (!take_u32(&span, &state->ram[i].address) || !take(&span, 1, &value))
            return false;
        state->ram[i].value = *value.at;
    }
    return true;
}

static bool read_state(struct span span, struct moo_state *state)
{
    struct span payload;
    char name[5];

    state->ram_count = 0;
    while (span.left) {
        if (!take_chunk(&span, name, &payload))
            return false;
        if (!strcmp(name, "REGS") && !read_regs(payload, state))
            return false;
        if (!strcmp(name, "RAM ") && !read_ram(payload, state))
            return false;
    }
    return true;
}

static bool read_counted(struct span span, void *to, u32 room, u32 *count)
{
    struct span text;

    if (!take_u32(&span, count) || *count > room || !take(&span, *count, &text))
        return false;
    memcpy(to, text.at, *count);
    return true;
}

static bool read_exception(struct span span, struct moo_test *test)
{
    struct span number;

    test->has_exception = true;
    if (!take(&span, 1, &number) || !take_u32(&span, &test->exception_flags))
        return false;
    test->exception = *number.at;
    return true;
}

static bool read_test_chunk(const char *name, struct span payload, struct moo_test *test)
{
    u32 count;

    if (!strcmp(name, "NAME")) {
        memset(test->name, 0, sizeof(test->name));
        return read_counted(payload, test->name, sizeof(test->name) - 1, &count);
    }
    if (!strcmp(name, "BYTS"))
        return read_counted(payload, test->bytes, sizeof(test->bytes), &test->byte_count);
    if (!strcmp(name, "INIT")) {
        if (!read_state(payload, &test->initial))
            return false;
        memcpy(test->final.reg, test->initial.reg, sizeof(test->final.reg));
        return true;
    }
    if (!strcmp(name, "FINA"))
        return read_state(payload, &test->final);
    if (!strcmp(name, "EXCP"))
        return read_exception(payload, test);
    return true;
}

static bool read_test(struct span span, struct moo_test *test)
{
    struct span payload;
    char name[5];

    test->has_exception = false;
    if (!take_u32(&span, &test->index))
        return false;
    while (span.left)
        if (!take_chunk(&span, name, &payload) || !read_test_chunk(name, payload, test))
            return false;
    return true;
}

static int read_all(gzFile gz, struct moo_file *file)
{
    size_t room = 1 << 20;

    file->size = file->at = 0;
    file->data = malloc(room);
    while (file->data) {
        int got = gzread(gz, file->data + file->size, (unsigned)(room - file->size));
        if (got < 0)
            break;
        if (got == 0)
            return 0;
        file->size += (size_t)got;
        if (file->size < room)
            continue;
        room *= 2;
        u8 *more = realloc(file->data, room);
        if (!more)
            break;
        file->data = more;
    }
    free(file->data);
    return -EINVAL;
}

int moo_open(struct moo_file *file, const char *path)
{
    gzFile gz = gzopen(path, "rb");

    if (!gz)
        return -errno;
    int result = read_all(gz, file);
    gzclose(gz);
    return result;
}

void moo_close(struct moo_file *file)
{
    free(file->data);
}

int moo_next(struct moo_file *file, struct moo_test *test)
{
    struct span span = {file->data + file->at, file->size - file->at};
    struct span payload;
    char name[5];

    while (span.left) {
        if (!take_chunk(&span, name, &payload))
            return -EINVAL;
        file->at = file->size - span.left;
        if (!strcmp(name, "TEST"))
            return read_test(payload, test) ? 1 : -EINVAL;
    }
    return 0;
}
