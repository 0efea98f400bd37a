/* TYPE, DEL, REN. */
#include "shell.h"
#include "text.h"

/* Up to Ctrl-Z, unless it goes on in pieces of a device that are lines. */
static int type_handle(u16 handle)
{
    for (;;) {
        s32 count = file_read(handle, shell.io, IO_BYTES);
        if (count < 0)
            return complain_code(-count, NULL);
        s32 text = 0;
        while (text < count && shell.io[text] != 0x1a)
            text++;
        if (text && file_write(STDOUT, shell.io, text) != text)
            return complain("Insufficient disk space");
        if (!count || text < count)
            return 0;
    }
}

int cmd_type(char *args)
{
    struct args parsed;
    if (!args_parse(&parsed, args, 0, 1, 1))
        return 1;
    out_flush();
    s32 handle = file_open(parsed.word[0], OPEN_READ);
    if (handle < 0)
        return complain_code(-handle, parsed.word[0]);
    int status = type_handle(handle);
    file_close(handle);
    return status;
}

/* `found` in the directory of `pattern`. */
static bool path_of(char *path, const char *pattern, const char *found)
{
    size_t directory = path_name(pattern) - pattern;
    if (directory >= PATH_BYTES)
        return false;
    memcpy(path, pattern, directory);
    path[directory] = 0;
    return text_append(path, PATH_BYTES, found);
}

static int delete_one(const char *path, bool prompt)
{
    if (prompt) {
        out("%s,    Delete", path);
        if (!ask_yes_no(""))
            return 0;
    }
    u16 error = file_delete(path);
    return error ? complain_code(error, NULL) : 0;
}

static int delete_matching(const char *pattern, bool prompt)
{
    struct find find;
    char path[PATH_BYTES];
    int status = 0;
    u16 error = find_first(&find, pattern, ATTR_READ_ONLY);
    if (error)
        return complain_code(error, NULL);
    for (; !error; error = find_next(&find)) {
        if (path_of(path, pattern, find.name) && delete_one(path, prompt))
            status = 1;
    }
    return status;
}

int cmd_del(char *args)
{
    struct args parsed;
    char pattern[PATH_BYTES];
    if (!args_parse(&parsed, args, SWITCH('P'), 1, 1))
        return 1;
    bool prompt = parsed.switches & SWITCH('P');
    if (!text_copy(pattern, sizeof(pattern), parsed.word[0]))
        return complain("File not found");
    if (path_is_directory(pattern) && !path_append(pattern, "*.*"))
        return complain("File not found");
    if (text_same(path_name(pattern), "*.*") && !prompt) {
        out("All files in directory will be deleted!\n");
        if (!ask_yes_no("Are you sure"))
            return 0;
    }
    return delete_matching(pattern, prompt);
}

int cmd_rename(char *args)
{
    struct args parsed;
    struct find find;
    char from[PATH_BYTES], to[PATH_BYTES], name[NAME_BYTES];
    if (!args_parse(&parsed, args, 0, 2, 2))
        return 1;
    char *pattern = parsed.word[0], *wanted = parsed.word[1];
    if (path_name(wanted) != wanted)
        return complain("Invalid parameter");
    int status = 0;
    u16 error = find_first(&find, pattern, ATTR_READ_ONLY);
    if (error && !path_has_wildcard(pattern) && path_is_directory(pattern)) {
        text_copy(find.name, NAME_BYTES, path_name(pattern));
        error = 0;
    } else if (error) {
        return complain("Duplicate file name or file not found");
    }
    for (; !error && !status; error = find_next(&find)) {
        name_merge(name, find.name, wanted);
        if (!path_of(from, pattern, find.name) || !path_of(to, pattern, name) || file_rename(from, to))
            status = complain("Duplicate file name or file not found");
        if (!path_has_wildcard(pattern))
            break;
    }
    return status;
}
