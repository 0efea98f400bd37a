/* FINDFIRST and FINDNEXT. The search's state is in the program's DTA; the directory's entries are kept as they were at its beginning,
 * so that a program may delete what it finds. */
#include "dos/dos_impl.h"

#include <stdlib.h>
#include <string.h>

enum { SPECIAL = DOS_ATTR_HIDDEN | DOS_ATTR_SYSTEM | DOS_ATTR_DIRECTORY, FOUND_ALL = 0xffff };

/* The DTA of a search. */
struct __attribute__((packed)) find_dta {
    u8 drive; /* 1 = A: */
    u8 pattern[11];
    u8 attributes;
    u16 index;
    u16 snapshot;
    u8 reserved[4];
    u8 found_attributes;
    u16 time, date;
    u32 bytes;
    char name[DOS_NAME_BYTES];
};
_Static_assert(sizeof(struct find_dta) == 43, "as DOS lays it out");

void find_forget(struct dos *dos)
{
    for (u32 i = 0; i < DIRECTORY_SNAPSHOTS; i++)
        free(dos->snapshot[i].entry);
    memset(dos->snapshot, 0, sizeof dos->snapshot);
}

void find_removed(struct dos *dos, u8 drive)
{
    for (u32 i = 0; i < DIRECTORY_SNAPSHOTS; i++)
        dos->snapshot[i].stale |= dos->snapshot[i].drive == drive;
}

static struct dos_snapshot *oldest(struct dos *dos)
{
    struct dos_snapshot *s = dos->snapshot;
    for (u32 i = 0; i < DIRECTORY_SNAPSHOTS; i++)
        if (dos->snapshot[i].used < s->used)
            s = &dos->snapshot[i];
    return s;
}

/* The label as an entry; false if the drive has none. */
static bool label_entry(struct dos *dos, u8 drive, struct dos_entry *entry)
{
    struct volume *volume = drive_volume(dos, drive);
    char label[12];
    u8 name[11];
    volume->class->label(volume->object, label);
    memset(name, ' ', sizeof name);
    memcpy(name, label, strlen(label));
    *entry = (struct dos_entry){.attributes = DOS_ATTR_LABEL};
    time_stamp(dos, &entry->date, &entry->time);
    fcb_to_name(name, entry->name);
    return *label;
}

/* In front of the others. */
static enum dos_error add_label(struct dos *dos, u8 drive, struct dos_entry **entries, u32 *count)
{
    struct dos_entry label;
    if (!label_entry(dos, drive, &label))
        return DOS_OK;
    struct dos_entry *more = realloc(*entries, (*count + 1) * sizeof *more);
    if (!more)
        return DOS_NOT_ENOUGH_MEMORY;
    memmove(more + 1, more, *count * sizeof *more);
    more[0] = label;
    *entries = more;
    (*count)++;
    return DOS_OK;
}

static enum dos_error take_snapshot(struct dos *dos, u8 drive, const char *directory, bool labels, struct dos_snapshot **out)
{
    struct volume *volume = drive_volume(dos, drive);
    struct dos_entry *entry;
    u32 count;
    enum dos_error error = volume->class->list(volume->object, directory, &entry, &count);
    if (error)
        return error;
    error = labels && !*directory ? add_label(dos, drive, &entry, &count) : DOS_OK;
    if (error) {
        free(entry);
        return error;
    }
    struct dos_snapshot *s = *out = oldest(dos);
    free(s->entry);
    *s = (struct dos_snapshot){.drive = drive, .entry = entry, .count = count, .used = ++dos->uses};
    strcpy(s->directory, directory);
    s->id = dos->last_snapshot = dos->last_snapshot == UINT16_MAX ? 1 : dos->last_snapshot + 1;
    return DOS_OK;
}

static struct dos_snapshot *snapshot_of(struct dos *dos, u16 id)
{
    for (u32 i = 0; id && i < DIRECTORY_SNAPSHOTS; i++)
        if (dos->snapshot[i].id == id) {
            dos->snapshot[i].used = ++dos->uses;
            return &dos->snapshot[i];
        }
    return NULL;
}

static bool wanted(const struct dos_entry *entry, const u8 pattern[11], u8 attributes)
{
    u8 name[11];
    name_to_fcb(entry->name, name);
    return fcb_matches(pattern, name) && !(entry->attributes & SPECIAL & ~attributes);
}

static enum dos_error find_label(struct dos *dos, u8 drive, u16 *index, const u8 pattern[11], struct dos_entry *entry)
{
    u8 name[11];
    if (*index || !label_entry(dos, drive, entry))
        return DOS_NO_MORE_FILES;
    name_to_fcb(entry->name, name);
    *index = FOUND_ALL;
    return fcb_matches(pattern, name) ? DOS_OK : DOS_NO_MORE_FILES;
}

/* Is it still there? "." and ".." and a label are. */
static bool still_there(struct dos *dos, const struct dos_snapshot *s, const struct dos_entry *entry)
{
    struct volume *volume = drive_volume(dos, s->drive);
    char path[DOS_PATH_BYTES + DOS_NAME_BYTES], name[DOS_NAME_BYTES];
    struct dos_entry now;
    u8 fcb[11];
    if (!s->stale || entry->name[0] == '.' || entry->attributes & DOS_ATTR_LABEL)
        return true;
    name_to_fcb(entry->name, fcb);
    if (!volume) /* a saved state could tell anything */
        return false;
    if (!fcb_is_name(fcb)) /* as other systems leave on a disk: no call of ours has removed it */
        return true;
    fcb_to_name(fcb, name);
    strcpy(path, s->directory);
    strcat(strcat(path, *path ? "\\" : ""), name);
    return volume->class->find(volume->object, path, &now) == DOS_OK;
}

static bool has_wildcard(const u8 pattern[11])
{
    return memchr(pattern, '?', 11) != NULL;
}

/* A search for one name needs no list. */
static enum dos_error find_one(struct dos *dos, u8 drive, const char *directory, const u8 pattern[11], u8 attributes, u16 *index,
                               struct dos_entry *entry)
{
    struct volume *volume = drive_volume(dos, drive);
    char path[DOS_PATH_BYTES + DOS_NAME_BYTES], name[DOS_NAME_BYTES];
    if (*index || !fcb_is_name(pattern)) /* what an FCB holds, nobody has looked at */
        return DOS_NO_MORE_FILES;
    fcb_to_name(pattern, name);
    strcpy(path, directory);
    strcat(strcat(path, *directory ? "\\" : ""), name);
    enum dos_error error = volume->class->find(volume->object, path, entry);
    *index = FOUND_ALL;
    return error == DOS_FILE_NOT_FOUND || (!error && !wanted(entry, pattern, attributes)) ? DOS_NO_MORE_FILES : error;
}

enum dos_error find_entry(struct dos *dos, u8 drive, const char *directory, u16 *snapshot, const u8 pattern[11], u8 attributes,
                          u16 *index, struct dos_entry *entry)
{
    if (*index == FOUND_ALL)
        return DOS_NO_MORE_FILES;
    if (attributes == DOS_ATTR_LABEL)
        return find_label(dos, drive, index, pattern, entry);
    if (directory && !has_wildcard(pattern) && pattern[0] != '.')
        return find_one(dos, drive, directory, pattern, attributes, index, entry);
    struct dos_snapshot *s = snapshot_of(dos, *snapshot);
    if (!s && directory) {
        enum dos_error error = take_snapshot(dos, drive, directory, attributes & DOS_ATTR_LABEL, &s);
        if (error)
            return error;
        *snapshot = s->id;
    }
    while (s && *index < MIN(s->count, (u32)FOUND_ALL)) {
        *entry = s->entry[(*index)++];
        if (wanted(entry, pattern, attributes) && still_there(dos, s, entry))
            return DOS_OK;
    }
    if (s)
        s->used = 0;
    return DOS_NO_MORE_FILES;
}

static void fill(struct find_dta *dta, const struct dos_entry *entry)
{
    dta->found_attributes = entry->attributes;
    dta->time = entry->time;
    dta->date = entry->date;
    dta->bytes = entry->bytes;
    memset(dta->name, 0, sizeof dta->name);
    memcpy(dta->name, entry->name, strlen(entry->name));
}

static enum dos_next found(struct dos *dos, struct find_dta *dta, const char *directory)
{
    struct dos_entry entry;
    u16 index = dta->index, snapshot = dta->snapshot;
    u8 drive = (u8)(dta->drive - 1);
    enum dos_error error = DOS_NO_MORE_FILES;
    if (drive_volume(dos, drive))
        error = find_entry(dos, drive, directory, &snapshot, dta->pattern, dta->attributes, &index, &entry);
    if (error)
        return dos_fail(dos, error);
    dta->index = index;
    dta->snapshot = snapshot;
    fill(dta, &entry);
    guest_write(dos, guest_u32(dos, in_dos(SDA + SDA_DTA)), dta, sizeof *dta);
    return dos_ok_ax(dos, 0);
}

/* A device is found as a file with no bytes. */
static enum dos_next found_device(struct dos *dos, const struct dos_path *path)
{
    struct find_dta dta = {.drive = (u8)(path->drive + 1), .index = FOUND_ALL};
    struct dos_entry entry = {.bytes = 0};
    name_to_fcb(path->path, dta.pattern);
    strcpy(entry.name, path->path);
    time_stamp(dos, &entry.date, &entry.time);
    fill(&dta, &entry);
    guest_write(dos, guest_u32(dos, in_dos(SDA + SDA_DTA)), &dta, sizeof dta);
    return dos_ok_ax(dos, 0);
}

enum dos_next int21_find_first(struct dos *dos)
{
    struct dos_path path, parent;
    enum dos_error error = path_parse_at(dos, ds_dx(dos), &path);
    if (error)
        return dos_fail(dos, error);
    if (path.device)
        return found_device(dos, &path);
    if (!path.path[0])
        return dos_fail(dos, DOS_NO_MORE_FILES); /* the root is in no directory */
    path_parent(&path, &parent);
    struct find_dta dta = {.drive = (u8)(path.drive + 1), .attributes = (u8)reg16(dos, CPU_ECX)};
    name_to_fcb(path_name(&path), dta.pattern);
    return found(dos, &dta, parent.path);
}

enum dos_next int21_find_next(struct dos *dos)
{
    struct find_dta dta;
    guest_read(dos, guest_u32(dos, in_dos(SDA + SDA_DTA)), &dta, sizeof dta);
    return found(dos, &dta, NULL);
}
