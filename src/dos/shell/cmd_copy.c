/* COPY.
 *
 *     COPY [/A | /B] source [/A | /B] [+ source [/A | /B] ...] [destination [/A | /B]] [/V] [/Y]
 *
 * /A: text, which ends at the first Ctrl-Z; it holds for the name before it and all that follow. Without
 * either, files that are combined and devices are text, anything else is not. A destination with wildcards,
 * or a directory, means one file for each source; any other takes all sources, one after the other. */
#include "shell.h"
#include "text.h"

enum mode { MODE_NONE, MODE_TEXT, MODE_BINARY };
enum { MOST_NAMES = 24, CTRL_Z = 0x1a };

struct name {
    char *text;
    u8 mode;     /* enum mode */
    bool joined; /* a '+' before it */
};

struct copy {
    struct name names[MOST_NAMES]; /* sources */
    u16 count;
    struct name destination;
    bool combine;  /* several sources to one file */
    bool one_each; /* destination has wildcards */
    bool touch;    /* "name+": today's date for it */
    bool verify;
    u16 copied;
    u16 paragraphs; /* of shell.buffer_segment */
    /* The destination that is open. */
    s32 handle; /* -1: none */
    bool to_device, write_ctrl_z;
    u16 sources; /* written to it */
    u16 date, time;
    char to[PATH_BYTES];
};

static int too_many(void)
{
    return complain("Too many parameters");
}

/* A '/' and a letter. */
static int switch_take(struct copy *copy, struct name *last, char letter, u8 *mode)
{
    switch (char_upper(letter)) {
    case 'A':
    case 'B':
        *mode = char_upper(letter) == 'A' ? MODE_TEXT : MODE_BINARY;
        if (last)
            last->mode = *mode;
        return 0;
    case 'V':
        copy->verify = true;
        return 0;
    case 'Y':
        return 0; /* nothing is asked before a file is replaced */
    }
    return complain("Invalid switch - /%c", letter);
}

static int name_take(struct copy *copy, char *text, u8 mode, bool joined)
{
    if (copy->count == MOST_NAMES)
        return too_many();
    copy->names[copy->count++] = (struct name){text, mode, joined};
    return 0;
}

/* Names and switches of the line, which is changed. */
static int names_read(struct copy *copy, char *text)
{
    u8 mode = MODE_NONE;
    bool joined = false;
    int status = 0;
    while (!status && *(text = skip_delimiters(text))) {
        char *start = text;
        if (*text == '+') {
            joined = true;
            *text++ = 0;
            continue;
        }
        if (*text == '/') {
            *text++ = 0;
            char letter = *text;
            text += letter != 0;
            status = switch_take(copy, copy->count ? &copy->names[copy->count - 1] : NULL, letter, &mode);
            continue;
        }
        while (*text && !char_is_delimiter(*text) && *text != '+' && *text != '/')
            text++;
        status = name_take(copy, start, mode, joined && copy->count);
        joined = false;
        if (char_is_delimiter(*text))
            *text++ = 0;
    }
    copy->touch = joined;
    return status;
}

/* The last name that no '+' joins to one before is the destination. */
static int destination_find(struct copy *copy)
{
    u16 first = 1;
    if (!copy->count)
        return complain("Required parameter missing");
    while (first < copy->count && copy->names[first].joined)
        first++;
    copy->combine = first > 1;
    if (first == copy->count) {
        copy->destination = copy->combine ? copy->names[0] : (struct name){".", MODE_NONE, false};
        return 0;
    }
    if (first + 1 < copy->count)
        return too_many();
    copy->destination = copy->names[first];
    copy->count = first;
    copy->touch = false;
    return 0;
}

static bool is_device(const char *path)
{
    if (path_has_wildcard(path))
        return false;
    s32 handle = file_open(path, OPEN_READ);
    if (handle < 0)
        return false;
    s32 device = file_device(handle);
    file_close(handle);
    return device >= 0 && (device & IS_DEVICE);
}

/* Puts the pattern of destinations into copy->destination.text, which is `buffer` then. */
static int destination_prepare(struct copy *copy, char *buffer)
{
    if (!text_copy(buffer, PATH_BYTES, copy->destination.text))
        return complain("Path not found");
    copy->destination.text = buffer;
    size_t n = text_length(buffer);
    if (n && (path_is_directory(buffer) || buffer[n - 1] == '\\')) {
        if (!path_append(buffer, "*.*"))
            return complain("Path not found");
    }
    copy->one_each = path_has_wildcard(buffer);
    if (!copy->one_each && path_has_wildcard(copy->names[0].text))
        copy->combine = true;
    return 0;
}

/* The path that `pattern` makes of the file `name`. */
static bool path_make(char *path, const char *pattern, const char *name)
{
    size_t directory = path_name(pattern) - pattern;
    char merged[NAME_BYTES];
    if (directory >= PATH_BYTES)
        return false;
    memcpy(path, pattern, directory);
    path[directory] = 0;
    name_merge(merged, name, pattern + directory);
    return text_append(path, PATH_BYTES, merged);
}

static bool same_file(const char *a, const char *b)
{
    char full_a[PATH_BYTES], full_b[PATH_BYTES];
    return path_absolute(full_a, a) && path_absolute(full_b, b) && text_same(full_a, full_b);
}

/* Opens copy->to. If `source` is that file, what follows is appended to it. */
static int destination_open(struct copy *copy, bool append)
{
    char last = 0;
    copy->handle = append ? file_open(copy->to, OPEN_BOTH) : file_create(copy->to);
    if (copy->handle < 0) {
        u16 code = -copy->handle;
        return code == DOS_ACCESS_DENIED ? complain_code(code, NULL)
                                         : complain("File creation error - %s", copy->to);
    }
    copy->to_device = file_device(copy->handle) & IS_DEVICE;
    copy->sources = append;
    copy->write_ctrl_z = false;
    if (append && file_seek(copy->handle, 0, SEEK_END) > 0) {
        file_seek(copy->handle, -1, SEEK_END);
        if (file_read(copy->handle, &last, 1) == 1 && last == CTRL_Z && copy->destination.mode != MODE_BINARY)
            file_seek(copy->handle, -1, SEEK_END);
    }
    return 0;
}

static int out_of_space(struct copy *copy)
{
    file_close(copy->handle);
    copy->handle = -1;
    if (!copy->to_device)
        (void)file_delete(copy->to);
    return complain("Insufficient disk space");
}

/* What the destination still needs; it is closed. */
static int destination_close(struct copy *copy)
{
    struct regs regs;
    if (copy->handle < 0)
        return 0;
    static const char end = CTRL_Z;
    if (copy->write_ctrl_z && !copy->to_device && file_write(copy->handle, &end, 1) != 1)
        return out_of_space(copy);
    if (copy->to_device)
        ;
    else if (copy->sources == 1 && copy->date)
        (void)dos(&regs, 0x5701, copy->handle, copy->time, (void *)(u32)copy->date);
    file_close(copy->handle);
    copy->handle = -1;
    copy->copied++;
    return 0;
}

/* Bytes of the buffer before a Ctrl-Z. */
static u16 text_bytes(u16 bytes)
{
    for (u16 i = 0; i < bytes; i++) {
        if (far_get(shell.buffer_segment, i) == CTRL_Z)
            return i;
    }
    return bytes;
}

static int transfer(struct copy *copy, u16 from, bool text)
{
    u16 room = copy->paragraphs * 16;
    for (;;) {
        s32 count = file_read_far(from, shell.buffer_segment, room);
        if (count < 0)
            return complain_code(-count, NULL);
        u16 bytes = text ? text_bytes(count) : count;
        if (bytes && file_write_far(copy->handle, shell.buffer_segment, bytes) != bytes)
            return out_of_space(copy);
        if (!count || bytes < count)
            return 0;
    }
}

/* Appends the file or device `path` to the destination, which is opened if it is not yet. */
static int source_copy(struct copy *copy, const char *path, u8 mode)
{
    struct regs regs;
    bool itself = !copy->to_device && same_file(path, copy->to);
    if (itself && !copy->combine)
        return complain("File cannot be copied onto itself");
    if (itself && copy->handle >= 0) {
        complain("Content of destination lost before copy");
        return 0;
    }
    if (itself)
        return destination_open(copy, true);
    s32 from = file_open(path, OPEN_READ);
    if (from < 0)
        return complain_code(-from, path);
    bool device = file_device(from) & IS_DEVICE;
    int status = copy->handle < 0 ? destination_open(copy, false) : 0;
    if (!status) {
        u8 meant = mode ? mode : device || copy->to_device || copy->combine ? MODE_TEXT : MODE_BINARY;
        u8 written = copy->destination.mode ? copy->destination.mode : copy->combine ? meant : MODE_BINARY;
        copy->write_ctrl_z = written == MODE_TEXT;
        copy->date = 0;
        if (!device && !dos(&regs, 0x5700, from, 0, NULL)) {
            copy->date = regs.dx;
            copy->time = regs.cx;
        }
        status = transfer(copy, from, meant == MODE_TEXT);
        copy->sources++;
    }
    file_close(from);
    return status;
}

/* Is one source enough to say what is copied? If not, each is named. */
static bool names_shown(const struct copy *copy)
{
    return copy->combine || path_has_wildcard(copy->names[0].text);
}

static int not_found(struct copy *copy, const struct name *source)
{
    (void)copy;
    return complain("File not found - %s", source->text);
}

/* All files of `source` to the destination that is open or, with one_each, to one for each, followed by the
 * other sources. */
static int source_files(struct copy *copy, struct name *source);

/* The other sources for a destination made from `name`. */
static int others_for(struct copy *copy, const char *name)
{
    char path[PATH_BYTES];
    int status = 0;
    for (u16 i = 1; i < copy->count && !status; i++) {
        if (!path_make(path, copy->names[i].text, name))
            status = not_found(copy, &copy->names[i]);
        else if (path_is_file(path)) {
            out("%s\n", path);
            status = source_copy(copy, path, copy->names[i].mode);
        }
    }
    return status;
}

static int one_file(struct copy *copy, struct name *source, const char *path, const char *name)
{
    if (copy->one_each) {
        if (!path_make(copy->to, copy->destination.text, name))
            return complain("Path not found");
        copy->to_device = false;
    }
    if (names_shown(copy))
        out("%s\n", path);
    int status = source_copy(copy, path, source->mode);
    if (!status && copy->one_each)
        status = others_for(copy, name);
    return copy->one_each && !status ? destination_close(copy) : status;
}

static int source_files(struct copy *copy, struct name *source)
{
    struct find find;
    char pattern[PATH_BYTES], path[PATH_BYTES];
    if (is_device(source->text))
        return one_file(copy, source, source->text, path_name(source->text));
    if (!text_copy(pattern, sizeof(pattern), source->text) ||
        (path_is_directory(pattern) && !path_append(pattern, "*.*")))
        return not_found(copy, source);
    if (find_first(&find, pattern, ATTR_READ_ONLY))
        return copy->combine && source != copy->names ? 0 : not_found(copy, source);
    int status = 0;
    do {
        size_t directory = path_name(pattern) - pattern;
        memcpy(path, pattern, directory);
        path[directory] = 0;
        status = text_append(path, sizeof(path), find.name) ? one_file(copy, source, path, find.name)
                                                            : not_found(copy, source);
    } while (!status && !find_next(&find));
    return status;
}

/* "name+" or "name+,,": the date of now. */
static int touch(struct copy *copy)
{
    struct regs regs;
    regs_init(&regs, 0x2a00);
    intr(0x21, &regs);
    u16 date = (regs.cx - 1980) << 9 | (regs.dx >> 8) << 5 | (regs.dx & 0xff);
    regs_init(&regs, 0x2c00);
    intr(0x21, &regs);
    u16 time = (regs.cx >> 8) << 11 | (regs.cx & 0xff) << 5 | (regs.dx >> 8) / 2;
    s32 handle = file_open(copy->names[0].text, OPEN_BOTH);
    if (handle < 0)
        return not_found(copy, &copy->names[0]);
    u16 error = dos(&regs, 0x5701, handle, time, (void *)(u32)date);
    file_close(handle);
    copy->copied += !error;
    return error ? complain_code(error, NULL) : 0;
}

static int all_sources(struct copy *copy)
{
    int status = 0;
    copy->handle = -1;
    if (!copy->one_each)
        text_copy(copy->to, PATH_BYTES, copy->destination.text);
    for (u16 i = 0; i < copy->count && !status; i++) {
        if (i && copy->one_each)
            break;
        status = source_files(copy, &copy->names[i]);
    }
    int closed = destination_close(copy);
    return status ? status : closed;
}

static int copy_run(struct copy *copy)
{
    copy->paragraphs = 0xf00;
    shell.buffer_segment = memory_allocate(&copy->paragraphs);
    if (!shell.buffer_segment)
        return complain("Insufficient memory");
    u16 verified = dos_simple(0x5400, 0) & 1;
    if (copy->verify)
        dos_simple(0x2e01, 0);
    int status = all_sources(copy);
    if (copy->verify)
        dos_simple(0x2e00 | verified, 0);
    memory_free(shell.buffer_segment);
    shell.buffer_segment = 0;
    return status;
}

int cmd_copy(char *args)
{
    struct copy copy;
    char destination[PATH_BYTES];
    memset(&copy, 0, sizeof(copy));
    if (names_read(&copy, args) || destination_find(&copy))
        return 1;
    int status;
    if (copy.touch && copy.count == 1)
        status = touch(&copy);
    else
        status = destination_prepare(&copy, destination) ? 1 : copy_run(&copy);
    out("%9u file(s) copied\n", (u32)copy.copied);
    return status;
}
