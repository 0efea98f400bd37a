/* Paths of programs: drive, current directory, "." and "..", wildcards, device names; names in FCBs. MS-DOS Programmer's Reference,
 * "File system". */
#include "dos/dos_impl.h"

#include "dos/volume/cp437.h"

#include <string.h>
#include <strings.h>

enum { TEXT_BYTES = 128, BASE_CHARACTERS = 8, EXTENSION_CHARACTERS = 3, FCB_CHARACTERS = 11, PATH_MAX_CHARACTERS = 63 };

u8 dos_upper(u8 c)
{
    return cp437_upper(c);
}

static bool name_character(u8 c)
{
    return c > ' ' && !strchr("\"/\\[]:|<>+=;,", c);
}

u8 current_drive(const struct dos *dos)
{
    u8 drive = guest_u8(dos, in_dos(SDA + SDA_DRIVE));
    return drive < DOS_DRIVES ? drive : (u8)(dos->config.boot_drive - 'A');
}

struct volume *drive_volume(const struct dos *dos, u8 drive)
{
    return drive < DOS_DRIVES ? dos->config.drive[drive] : NULL;
}

int drive_of_number(const struct dos *dos, u8 number)
{
    u8 drive = number ? number - 1 : current_drive(dos);
    return drive_volume(dos, drive) ? drive : -1;
}

/* One component, upper case, cut to 8.3, '*' as '?'s. Returns what is behind it; NULL: a character that no name has. */
static const char *component(const char *text, char name[DOS_NAME_BYTES], bool *wild)
{
    u32 n = 0, room = BASE_CHARACTERS, part = 0;
    bool extension = false;
    for (; *text && *text != '\\'; text++) {
        u8 c = dos_upper((u8)*text);
        if (c == '.') {
            if (extension)
                return NULL;
            extension = true;
            name[n++] = '.';
            room = EXTENSION_CHARACTERS, part = 0;
            continue;
        }
        if (c == '*') {
            while (part < room)
                name[n++] = '?', part++;
            *wild = true;
            continue;
        }
        if (!name_character(c))
            return NULL;
        *wild |= c == '?';
        if (part < room)
            name[n++] = (char)c, part++;
    }
    if (n && name[n - 1] == '.')
        n--;
    name[n] = 0;
    return n && name[0] != '.' ? text : NULL;
}

static bool append(char *path, const char *name)
{
    size_t length = strlen(path);
    if (length + 1 + strlen(name) > PATH_MAX_CHARACTERS)
        return false;
    if (length)
        path[length++] = '\\';
    strcpy(path + length, name);
    return true;
}

static bool leave_directory(char *path)
{
    char *last = strrchr(path, '\\');
    if (!*path)
        return false;
    *(last ? last : path) = 0;
    return true;
}

void current_directory(const struct dos *dos, u8 drive, char path[DOS_PATH_BYTES])
{
    char text[CDS_PATH_BYTES];
    char name[DOS_NAME_BYTES];
    bool wild = false;
    guest_read(dos, in_dos(CDS + drive * CDS_BYTES + CDS_PATH), text, sizeof text);
    text[sizeof text - 1] = 0;
    path[0] = 0;
    const char *at = strlen(text) > 3 ? text + 3 : "";
    while (*at) { /* a program may have written there */
        at = component(at, name, &wild);
        if (!at || wild || !append(path, name)) {
            path[0] = 0;
            return;
        }
        at += *at == '\\';
    }
}

static enum dos_error walk(const char *at, struct dos_path *path)
{
    while (*at) {
        char name[DOS_NAME_BYTES];
        if (path->wild)
            return DOS_PATH_NOT_FOUND; /* only the last component may be */
        size_t length = strcspn(at, "\\");
        if (length == 1 && at[0] == '.') {
            at++;
        } else if (length == 2 && at[0] == '.' && at[1] == '.') {
            if (!leave_directory(path->path))
                return DOS_PATH_NOT_FOUND;
            at += 2;
        } else {
            at = component(at, name, &path->wild);
            if (!at)
                return DOS_FILE_NOT_FOUND;
            if (!append(path->path, name))
                return DOS_PATH_NOT_FOUND;
        }
        if (*at == '\\' && at[1] == '\\')
            return DOS_PATH_NOT_FOUND;
        at += *at == '\\';
    }
    return DOS_OK;
}

/* A device is in every directory that there is. */
static bool directory_exists(const struct dos *dos, const struct dos_path *path)
{
    struct volume *volume = drive_volume(dos, path->drive);
    struct dos_path parent;
    struct dos_entry entry;
    path_parent(path, &parent);
    return !parent.path[0] || (!volume->class->find(volume->object, parent.path, &entry) &&
                               entry.attributes & DOS_ATTR_DIRECTORY);
}

static bool find_device(const struct dos *dos, struct dos_path *path)
{
    char name[DOS_NAME_BYTES];
    const char *last = path_name(path);
    u32 length = MIN((u32)strcspn(last, "."), (u32)BASE_CHARACTERS);
    memcpy(name, last, length);
    name[length] = 0;
    if (device_of_name(dos, name) < 0)
        return false;
    strcpy(path->path, name);
    return true;
}

enum dos_error path_parse(struct dos *dos, const char *given, struct dos_path *path)
{
    char text[TEXT_BYTES];
    *path = (struct dos_path){.drive = current_drive(dos)};
    strncpy(text, given, sizeof text - 1);
    text[sizeof text - 1] = 0;
    for (char *c = text; *c; c++)
        if (*c == '/')
            *c = '\\';
    const char *at = text;
    if (at[0] && at[1] == ':') {
        path->drive = (u8)(dos_upper((u8)at[0]) - 'A');
        at += 2;
    }
    dos->error_drive = path->drive;
    if (!drive_volume(dos, path->drive)) {
        path->drive = MIN(path->drive, (u8)(DOS_DRIVES - 1));
        strncpy(path->path, at + (*at == '\\'), sizeof path->path - 1);
        path->device = !strchr(path->path, '\\') && find_device(dos, path);
        return path->device ? DOS_OK : DOS_PATH_NOT_FOUND;
    }
    if (*at == '\\')
        at++;
    else
        current_directory(dos, path->drive, path->path);
    struct dos_path in_directory;
    enum dos_error error = walk(at, path);
    if (error)
        return error;
    in_directory = *path;
    path->device = find_device(dos, path);
    return path->device && !directory_exists(dos, &in_directory) ? DOS_PATH_NOT_FOUND : DOS_OK;
}

enum dos_error path_parse_at(struct dos *dos, far_t at, struct dos_path *path)
{
    char text[TEXT_BYTES];
    if (!guest_string(dos, at, text, sizeof text))
        return DOS_PATH_NOT_FOUND;
    if (!*text)
        return DOS_PATH_NOT_FOUND;
    return path_parse(dos, text, path);
}

void path_parent(const struct dos_path *path, struct dos_path *parent)
{
    *parent = *path;
    parent->wild = false;
    leave_directory(parent->path);
}

const char *path_name(const struct dos_path *path)
{
    const char *last = strrchr(path->path, '\\');
    return last ? last + 1 : path->path;
}

/* --- names as FCBs and directories have them --- */

void name_to_fcb(const char *name, u8 fcb[FCB_CHARACTERS])
{
    u32 n = 0;
    memset(fcb, ' ', FCB_CHARACTERS);
    if (name[0] == '.') { /* "." and "..": the dots are the name */
        memcpy(fcb, name, MIN(strlen(name), (size_t)2));
        return;
    }
    for (; *name && *name != '.' && n < BASE_CHARACTERS; name++)
        fcb[n++] = (u8)*name;
    name = strchr(name, '.');
    for (n = BASE_CHARACTERS; name && *++name && n < FCB_CHARACTERS; n++)
        fcb[n] = (u8)*name;
}

void fcb_to_name(const u8 fcb[FCB_CHARACTERS], char name[DOS_NAME_BYTES])
{
    u32 n = 0;
    for (u32 i = 0; i < BASE_CHARACTERS && fcb[i] != ' '; i++)
        name[n++] = (char)dos_upper(fcb[i]);
    if (fcb[BASE_CHARACTERS] != ' ')
        name[n++] = '.';
    for (u32 i = BASE_CHARACTERS; i < FCB_CHARACTERS && fcb[i] != ' '; i++)
        name[n++] = (char)dos_upper(fcb[i]);
    name[n] = 0;
}

static bool part_is_name(const u8 *part, u32 room)
{
    u32 n = 0;
    while (n < room && part[n] != ' ')
        if (strchr(".?*", part[n]) || !name_character(part[n++]))
            return false;
    while (n < room && part[n] == ' ')
        n++;
    return n == room;
}

bool fcb_is_name(const u8 fcb[FCB_CHARACTERS])
{
    return fcb[0] != ' ' && part_is_name(fcb, BASE_CHARACTERS) && part_is_name(fcb + BASE_CHARACTERS, EXTENSION_CHARACTERS);
}

bool fcb_matches(const u8 pattern[FCB_CHARACTERS], const u8 name[FCB_CHARACTERS])
{
    for (u32 i = 0; i < FCB_CHARACTERS; i++)
        if (pattern[i] != '?' && pattern[i] != name[i])
            return false;
    return true;
}
