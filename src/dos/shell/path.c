/* Paths and names. */
#include "shell.h"
#include "text.h"

bool path_has_wildcard(const char *path)
{
    return text_has(path, '*') || text_has(path, '?');
}

char *path_name(const char *path)
{
    const char *name = path;
    for (; *path; path++) {
        if (*path == '\\' || *path == ':')
            name = path + 1;
    }
    return (char *)name;
}

bool path_append(char *path, const char *name)
{
    size_t n = text_length(path);
    if (n && path[n - 1] != '\\' && path[n - 1] != ':' && !text_append(path, PATH_BYTES, "\\"))
        return false;
    return text_append(path, PATH_BYTES, name);
}

/* Takes the last component away, but not the root. */
static void path_up(char *path)
{
    char *slash = text_last(path, '\\');
    if (slash)
        *(slash == path + 2 ? slash + 1 : slash) = 0;
}

bool path_absolute(char *full, const char *path)
{
    u8 drive = drive_current();
    if (path[0] && path[1] == ':') {
        drive = char_upper(path[0]) - 'A';
        path += 2;
    }
    if (drive > 25 || drive_directory(drive, full))
        return false;
    if (*path == '\\')
        full[3] = 0;
    while (*path) {
        char component[PATH_BYTES];
        size_t n = 0;
        while (*path == '\\')
            path++;
        for (; *path && *path != '\\' && n + 1 < sizeof(component); n++)
            component[n] = char_upper(*path++);
        component[n] = 0;
        if (text_same(component, ".."))
            path_up(full);
        else if (n && !text_same(component, ".") && !path_append(full, component))
            return false;
    }
    return true;
}

bool path_is_directory(const char *path)
{
    char full[PATH_BYTES];
    if (path_has_wildcard(path) || !path_absolute(full, path))
        return false;
    if (!full[3])
        return true;
    s32 attributes = file_attributes(full);
    return attributes >= 0 && (attributes & ATTR_DIRECTORY) && !(attributes & ATTR_DEVICE);
}

bool path_is_file(const char *path)
{
    struct find find;
    return !find_first(&find, path, ATTR_READ_ONLY | ATTR_HIDDEN | ATTR_SYSTEM) &&
           !(find.attributes & ATTR_DEVICE);
}

/* One part of a name, name or extension: at most `most` characters of `from` as `pattern` has it, up to a '.'
 * in either. Returns the end of what was written. */
static char *part_merge(char *to, const char *from, const char *pattern, u16 most)
{
    bool from_ended = false, star = false;
    for (u16 i = 0; i < most; i++) {
        from_ended = from_ended || !from[i] || from[i] == '.';
        star = star || *pattern == '*';
        if (star || *pattern == '?') {
            if (!from_ended)
                *to++ = from[i];
        } else if (*pattern && *pattern != '.') {
            *to++ = *pattern;
        } else {
            break;
        }
        pattern += !star;
    }
    return to;
}

void name_merge(char *merged, const char *name, const char *pattern)
{
    const char *name_dot = text_last(name, '.');
    const char *pattern_dot = text_last(pattern, '.');
    char *end = part_merge(merged, name, pattern, 8);
    if (pattern_dot) {
        char *dot = end;
        *end++ = '.';
        end = part_merge(end, name_dot ? name_dot + 1 : "", pattern_dot + 1, 3);
        if (end == dot + 1)
            end = dot;
    }
    *end = 0;
}
