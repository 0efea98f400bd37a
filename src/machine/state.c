/* The serialiser: a buffer that grows, or one that is used up; the frame of the file around it. See state.h.
 */
#include "machine/state.h"

#include "base/bug.h"
#include "base/hash.h"
#include "base/output.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MAGIC_BYTES = 8, HEADER_BYTES = MAGIC_BYTES + 4 + 8, HASH_BYTES = 8, FIRST_CAPACITY = 1 << 20 };
#define MAX_FILE_BYTES (1ll << 34)
static const u8 magic[MAGIC_BYTES] = {'h', 'u', 'd', 'd', 'l', 'e', 0x1a, 'S'};

static u64 get_le(const u8 *at, u32 bytes)
{
    u64 value = 0;
    for (u32 i = 0; i < bytes; i++)
        value |= (u64)at[i] << 8 * i;
    return value;
}

static void put_le(u8 *at, u64 value, u32 bytes)
{
    for (u32 i = 0; i < bytes; i++)
        at[i] = (u8)(value >> 8 * i);
}

void state_fail(struct state *s, const char *format, ...)
{
    if (s->failed)
        return;
    va_list args;
    va_start(args, format);
    vsnprintf(s->why, sizeof s->why, format, args);
    va_end(args);
    s->failed = true;
}

static int reject(struct state *s, int error, const char *why)
{
    state_fail(s, "%s", why);
    return -error;
}

void state_check(struct state *s, bool fits, const char *what)
{
    if (s->loading && !fits)
        state_fail(s, "%s: %s does not fit the rest", s->section, what);
}

/* --- bytes --- */

static bool reserve(struct state *s, size_t bytes)
{
    if (s->capacity - s->at >= bytes)
        return true;
    size_t capacity = MAX(s->capacity, (size_t)FIRST_CAPACITY);
    while (capacity - s->at < bytes)
        capacity *= 2;
    u8 *grown = realloc(s->data, capacity);
    if (!grown) {
        state_fail(s, "no memory to hold it");
        return false;
    }
    s->data = grown;
    s->capacity = capacity;
    return true;
}

size_t state_left(const struct state *s)
{
    return s->failed ? 0 : s->end - s->at;
}

/* The next `bytes` of the buffer, or NULL: then nothing is to be moved. */
static u8 *take(struct state *s, size_t bytes)
{
    if (s->failed)
        return NULL;
    if (s->loading && bytes > s->end - s->at) {
        state_fail(s, "%s: it is too short", s->section[0] ? s->section : "a section");
        return NULL;
    }
    if (!s->loading && !reserve(s, bytes))
        return NULL;
    u8 *at = s->data + s->at;
    s->at += bytes;
    return at;
}

/* Either direction; the value that was there stays if the load has failed. */
static u64 number(struct state *s, u64 value, u32 bytes)
{
    u8 *at = take(s, bytes);
    if (!at)
        return value;
    if (s->loading)
        return get_le(at, bytes);
    put_le(at, value, bytes);
    return value;
}

void state_bytes(struct state *s, void *bytes, size_t n)
{
    u8 *at = take(s, n);
    if (!at || !n)
        return;
    if (s->loading)
        memcpy(bytes, at, n);
    else
        memcpy(at, bytes, n);
}

void state_u8(struct state *s, u8 *value)
{
    *value = (u8)number(s, *value, sizeof *value);
}

void state_u16(struct state *s, u16 *value)
{
    *value = (u16)number(s, *value, sizeof *value);
}

void state_u32(struct state *s, u32 *value)
{
    *value = (u32)number(s, *value, sizeof *value);
}

void state_u64(struct state *s, u64 *value)
{
    *value = number(s, *value, sizeof *value);
}

void state_s64(struct state *s, s64 *value)
{
    *value = (s64)number(s, (u64)*value, sizeof *value);
}

void state_u32s(struct state *s, u32 *values, size_t n)
{
    u8 *at = take(s, n * sizeof *values);
    for (size_t i = 0; at && i < n; i++, at += sizeof *values) {
        if (s->loading)
            values[i] = (u32)get_le(at, sizeof *values);
        else
            put_le(at, values[i], sizeof *values);
    }
}

/* --- ranges --- */

/* May `value`, just read, be stored? */
static bool fits(struct state *s, bool in_range, const char *name)
{
    if (s->loading && !s->failed && !in_range)
        state_fail(s, "%s: %s is out of range", s->section, name);
    return !s->failed;
}

#define IN_RANGE(type)                                                                                       \
    void state_##type##_in(struct state *s, type *value, type min, type max, const char *name)               \
    {                                                                                                        \
        type read = (type)number(s, (u64)*value, sizeof *value);                                             \
        if (fits(s, read >= min && read <= max, name))                                                       \
            *value = read;                                                                                   \
    }
IN_RANGE(u8)
IN_RANGE(u16)
IN_RANGE(u32)
IN_RANGE(s32)
IN_RANGE(u64)
IN_RANGE(s64)

void state_u8_bits(struct state *s, u8 *value, u8 bits, const char *name)
{
    u8 read = (u8)number(s, *value, sizeof *value);
    if (fits(s, !(read & ~bits), name))
        *value = read;
}

void state_bool(struct state *s, bool *value)
{
    u8 byte = *value;
    state_u8_in(s, &byte, 0, 1, "a flag");
    *value = byte;
}

/* --- sections --- */

static void begin_saving(struct state *s, u8 name_bytes)
{
    state_u8(s, &name_bytes);
    state_bytes(s, s->section, name_bytes);
    u64 length = 0;
    s->end = s->at;
    state_u64(s, &length);
}

static void begin_loading(struct state *s, u8 name_bytes)
{
    u8 found_bytes = 0;
    char found[STATE_NAME_BYTES] = "";
    u64 length = 0;
    s->end = s->capacity;
    state_u8(s, &found_bytes);
    if (!s->failed && found_bytes >= sizeof found)
        state_fail(s, "it holds something that is no section where \"%s\" is expected", s->section);
    state_bytes(s, found, s->failed ? 0 : found_bytes);
    if (!s->failed && (found_bytes != name_bytes || memcmp(found, s->section, name_bytes) != 0))
        state_fail(s, "it has no section \"%s\" where there should be one", s->section);
    state_u64(s, &length);
    if (!s->failed && length > s->end - s->at)
        state_fail(s, "%s: it is longer than the file", s->section);
    if (!s->failed)
        s->end = s->at + (size_t)length;
}

void state_begin(struct state *s, const char *name)
{
    size_t n = strlen(name);
    BUG_ON(n >= STATE_NAME_BYTES || s->section[0]);
    memcpy(s->section, name, n + 1);
    if (s->loading)
        begin_loading(s, (u8)n);
    else
        begin_saving(s, (u8)n);
}

void state_end(struct state *s)
{
    if (s->loading && !s->failed && s->at != s->end)
        state_fail(s, "%s: it is too long", s->section);
    if (!s->loading && !s->failed)
        put_le(s->data + s->end, s->at - s->end - sizeof(u64), sizeof(u64));
    s->end = s->capacity;
    s->section[0] = '\0';
}

bool state_complete(struct state *s)
{
    if (s->loading && !s->failed && s->at != s->capacity)
        state_fail(s, "there is something behind its last section");
    return !s->failed;
}

/* --- saving --- */

void state_init(struct state *s)
{
    memset(s, 0, sizeof *s);
    u8 *header = take(s, HEADER_BYTES);
    if (!header)
        return;
    memcpy(header, magic, sizeof magic);
    put_le(header + MAGIC_BYTES, STATE_FORMAT, 4);
    put_le(header + MAGIC_BYTES + 4, 0, 8);
}

void state_fini(struct state *s)
{
    free(s->data);
    s->data = NULL;
}

int state_finish(struct state *s)
{
    u8 *hash = take(s, HASH_BYTES);
    if (!hash)
        return -ENOMEM;
    put_le(s->data + MAGIC_BYTES + 4, s->at, 8);
    put_le(hash, hash64(s->data, s->at - HASH_BYTES), HASH_BYTES);
    return 0;
}

static int write_out(const struct state *s, const char *path)
{
    struct output out;
    int rc = output_open(&out, path);
    if (rc)
        return rc;
    bool written = fwrite(s->data, 1, s->at, out.file) == s->at && !fflush(out.file);
    if (!written || (out.temporary && fsync(fileno(out.file))))
        rc = -errno;
    return output_close(&out, rc);
}

int state_write(struct state *s, const char *path)
{
    if (s->failed)
        return -ENOMEM;
    int rc = write_out(s, path);
    return rc ? reject(s, -rc, strerror(-rc)) : 0;
}

/* --- loading --- */

static int read_all(struct state *s, int fd)
{
    for (;;) {
        if (!reserve(s, 1))
            return -ENOMEM;
        ssize_t n = read(fd, s->data + s->at, s->capacity - s->at);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return reject(s, errno, strerror(errno));
        if (n == 0)
            return 0;
        s->at += (size_t)n;
    }
}

/* The whole file is at s->data, s->at bytes long. */
static int check_frame(struct state *s)
{
    size_t bytes = s->at;
    const u8 *data = s->data;
    char why[STATE_WHY_BYTES];
    if (bytes < MAGIC_BYTES || memcmp(data, magic, MAGIC_BYTES) != 0)
        return reject(s, EINVAL, "this is not a state that huddle has saved");
    if (bytes < HEADER_BYTES + HASH_BYTES)
        return reject(s, EINVAL, "the file is cut off");
    u32 format = (u32)get_le(data + MAGIC_BYTES, 4);
    if (format != STATE_FORMAT) {
        snprintf(why, sizeof why, "it was saved by another version of huddle (format %u; this one reads %u)",
                 format, STATE_FORMAT);
        return reject(s, EINVAL, why);
    }
    u64 length = get_le(data + MAGIC_BYTES + 4, 8);
    if (length > bytes)
        return reject(s, EINVAL, "the file is cut off");
    if (length < bytes)
        return reject(s, EINVAL, "there is something behind the end of the state");
    bytes -= HASH_BYTES;
    if (get_le(data + bytes, HASH_BYTES) != hash64(data, bytes))
        return reject(s, EINVAL, "the file is damaged (its checksum is wrong)");
    s->loading = true;
    s->capacity = s->end = bytes;
    s->at = HEADER_BYTES;
    return 0;
}

/* Read in one go where the size is known. */
static int read_file(struct state *s, int fd)
{
    struct stat st;
    if (fstat(fd, &st))
        return reject(s, errno, strerror(errno));
    if (S_ISDIR(st.st_mode))
        return reject(s, EISDIR, "is a directory");
    if (st.st_size > MAX_FILE_BYTES)
        return reject(s, EFBIG, "the file is larger than any state");
    if (S_ISREG(st.st_mode) && st.st_size > 0 && !reserve(s, (size_t)st.st_size + 1))
        return -ENOMEM;
    return read_all(s, fd);
}

int state_read(struct state *s, const char *path)
{
    memset(s, 0, sizeof *s);
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a FIFO without a writer is empty */
    if (fd < 0)
        return reject(s, errno, strerror(errno));
    int rc = read_file(s, fd);
    close(fd);
    return rc ? rc : check_frame(s);
}

int state_read_bytes(struct state *s, const void *data, size_t bytes)
{
    memset(s, 0, sizeof *s);
    if (!reserve(s, bytes))
        return -ENOMEM;
    if (bytes)
        memcpy(s->data, data, bytes);
    s->at = bytes;
    return check_frame(s);
}
