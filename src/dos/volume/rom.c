/* Files that huddle brings along, in the root of a drive that nobody can change. */
#include "dos/volume/path.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
    SECTOR = 512,
    ROM_DATE = 11 << 9 | 6 << 5 | 11, /* when DOS 5.0 came out: 11 June 1991, 5:00 */
    ROM_TIME = 5 << 11,
    MAX_CLUSTERS = 65526,
    ROM_SERIAL = 0x1991060b,
};

struct rom {
    const struct volume_rom_file *files;
    u32 count;
};

struct volume_file {
    const struct volume_rom_file *content;
};

static void fill_entry(const struct volume_rom_file *file, struct dos_entry *entry)
{
    *entry = (struct dos_entry){
        .attributes = DOS_ATTR_READ_ONLY, .date = ROM_DATE, .time = ROM_TIME, .bytes = file->count};
    strncpy(entry->name, file->name, DOS_NAME_BYTES - 1);
}

/* NULL and *error if there is none. */
static const struct volume_rom_file *look_up(const struct rom *rom, const char *path, enum dos_error *error)
{
    char name[DOS_NAME_BYTES];
    *error = strchr(path, '\\') ? DOS_PATH_NOT_FOUND : DOS_FILE_NOT_FOUND;
    if (!path_next(&path, name) || *path)
        return NULL;
    for (u32 i = 0; i < rom->count; i++)
        if (!strcmp(rom->files[i].name, name))
            return &rom->files[i];
    return NULL;
}

static void rom_close(void *volume)
{
    free(volume);
}

static enum dos_error rom_find(void *volume, const char *path, struct dos_entry *entry)
{
    enum dos_error error;
    if (!*path) {
        *entry = (struct dos_entry){.attributes = DOS_ATTR_DIRECTORY, .date = ROM_DATE, .time = ROM_TIME};
        return DOS_OK;
    }
    const struct volume_rom_file *file = look_up(volume, path, &error);
    if (!file)
        return error;
    fill_entry(file, entry);
    return DOS_OK;
}

static enum dos_error rom_list(void *volume, const char *path, struct dos_entry **entries, u32 *count)
{
    const struct rom *rom = volume;
    if (*path)
        return DOS_PATH_NOT_FOUND;
    *entries = calloc((size_t)rom->count + 1, sizeof **entries);
    if (!*entries)
        return DOS_NOT_ENOUGH_MEMORY;
    for (u32 i = 0; i < rom->count; i++)
        fill_entry(&rom->files[i], &(*entries)[i]);
    *count = rom->count;
    return DOS_OK;
}

static enum dos_error rom_open(void *volume, const char *path, u32 access, struct volume_file **file)
{
    enum dos_error error;
    if (!*path)
        return DOS_ACCESS_DENIED;
    const struct volume_rom_file *content = look_up(volume, path, &error);
    if (!content)
        return error;
    if (access & VOLUME_WRITE)
        return DOS_ACCESS_DENIED;
    *file = malloc(sizeof **file);
    if (!*file)
        return DOS_NOT_ENOUGH_MEMORY;
    (*file)->content = content;
    return DOS_OK;
}

static void rom_close_file(void *volume, struct volume_file *file)
{
    (void)volume;
    free(file);
}

static enum dos_error rom_read(void *volume, struct volume_file *file, u32 offset, void *buf, u32 bytes,
                               u32 *done)
{
    (void)volume;
    const struct volume_rom_file *content = file->content;
    *done = offset < content->count ? MIN(bytes, content->count - offset) : 0;
    if (*done)
        memcpy(buf, content->bytes + offset, *done);
    return DOS_OK;
}

static enum dos_error rom_stat_file(void *volume, struct volume_file *file, struct dos_entry *entry)
{
    (void)volume;
    fill_entry(file->content, entry);
    return DOS_OK;
}

static enum dos_error rom_commit(void *volume, struct volume_file *file)
{
    (void)volume, (void)file;
    return DOS_OK;
}

/* --- refused --- */

static enum dos_error rom_create(void *volume, const char *path, u8 attributes, bool fresh,
                                 struct volume_file **file)
{
    struct dos_entry entry;
    (void)attributes, (void)file;
    enum dos_error error = rom_find(volume, path, &entry);
    if (error == DOS_PATH_NOT_FOUND)
        return error;
    return fresh && !error ? DOS_FILE_EXISTS : DOS_ACCESS_DENIED;
}

static enum dos_error rom_write(void *volume, struct volume_file *file, u32 offset, const void *buf,
                                u32 bytes, u32 *done)
{
    (void)volume, (void)file, (void)offset, (void)buf, (void)bytes;
    *done = 0;
    return DOS_ACCESS_DENIED;
}

static enum dos_error rom_set_size(void *volume, struct volume_file *file, u32 bytes)
{
    (void)volume, (void)file, (void)bytes;
    return DOS_ACCESS_DENIED;
}

static enum dos_error rom_set_time(void *volume, struct volume_file *file, u16 date, u16 time)
{
    (void)volume, (void)file, (void)date, (void)time;
    return DOS_ACCESS_DENIED;
}

static enum dos_error rom_set_attributes(void *volume, const char *path, u8 attributes)
{
    struct dos_entry entry;
    (void)attributes;
    enum dos_error error = rom_find(volume, path, &entry);
    return error ? error : DOS_ACCESS_DENIED;
}

static enum dos_error rom_remove(void *volume, const char *path)
{
    return rom_set_attributes(volume, path, 0);
}

static enum dos_error rom_rename(void *volume, const char *from, const char *to)
{
    (void)to;
    return rom_set_attributes(volume, from, 0);
}

static enum dos_error rom_make_directory(void *volume, const char *path)
{
    (void)volume;
    return strchr(path, '\\') ? DOS_PATH_NOT_FOUND : DOS_ACCESS_DENIED;
}

static enum dos_error rom_remove_directory(void *volume, const char *path)
{
    (void)volume;
    return *path ? DOS_PATH_NOT_FOUND : DOS_ACCESS_DENIED;
}

/* --- the drive as a whole --- */

static enum dos_error rom_space(void *volume, struct dos_space *space)
{
    const struct rom *rom = volume;
    u64 sectors = 0;
    for (u32 i = 0; i < rom->count; i++)
        sectors += ((u64)rom->files[i].count + SECTOR - 1) / SECTOR;
    u32 per_cluster = 1;
    while (per_cluster < 64 && sectors / per_cluster > MAX_CLUSTERS)
        per_cluster *= 2;
    *space = (struct dos_space){.sector_bytes = SECTOR,
                                .cluster_sectors = per_cluster,
                                .clusters = (u16)MIN(sectors / per_cluster, (u64)MAX_CLUSTERS)};
    return DOS_OK;
}

static void rom_label(void *volume, char label[12])
{
    (void)volume;
    strcpy(label, "HUDDLE");
}

static const struct volume_class rom_class = {
    .name = "files of huddle",
    .close = rom_close,
    .find = rom_find,
    .list = rom_list,
    .open = rom_open,
    .create = rom_create,
    .close_file = rom_close_file,
    .read = rom_read,
    .write = rom_write,
    .set_size = rom_set_size,
    .stat_file = rom_stat_file,
    .set_time = rom_set_time,
    .commit = rom_commit,
    .set_attributes = rom_set_attributes,
    .remove = rom_remove,
    .rename = rom_rename,
    .make_directory = rom_make_directory,
    .remove_directory = rom_remove_directory,
    .space = rom_space,
    .label = rom_label,
};

int volume_rom_open(struct volume *volume, const struct volume_rom_file *files, u32 count)
{
    *volume = (struct volume){0};
    struct rom *rom = malloc(sizeof *rom);
    if (!rom)
        return -ENOMEM;
    *rom = (struct rom){files, count};
    *volume = (struct volume){.class = &rom_class, .object = rom, .read_only = true, .serial = ROM_SERIAL};
    return 0;
}
