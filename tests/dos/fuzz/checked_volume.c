/* What a volume may count on: volume.h, "Paths". */
#include "checked_volume.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BASE = 8, EXTENSION = 3, MAX_TRANSFER = 64 * KIB };

u64 xorshift(u64 *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

static void broken(const char *path, const char *why)
{
    fprintf(stderr, "the contract of volumes is broken: %s:", why);
    for (const char *c = path; *c; c++)
        fprintf(stderr, " %02x", (u8)*c);
    fprintf(stderr, " \"%s\"\n", path);
    abort();
}

static bool plain(u8 c)
{
    return c > ' ' && !(c >= 'a' && c <= 'z') && !strchr("\"/\\[]:|<>+=;,?*.", c);
}

/* One component; returns what is behind it. */
static const char *check_component(const char *path, const char *at)
{
    u32 base = 0, extension = 0;
    while (plain((u8)*at))
        at++, base++;
    if (*at == '.') {
        at++;
        while (plain((u8)*at))
            at++, extension++;
        if (!extension)
            broken(path, "an extension without characters");
    }
    if (!base || base > BASE || extension > EXTENSION)
        broken(path, "the length of a component");
    return at;
}

static void check_path(const char *path)
{
    if (strnlen(path, DOS_PATH_BYTES) == DOS_PATH_BYTES)
        broken(path, "too long");
    for (const char *at = path; *at;) {
        at = check_component(path, at);
        if (*at == '\\' && at[1])
            at++;
        else if (*at)
            broken(path, "a character that no name has");
    }
}

/* An error that takes the place of the call. */
static bool fails(struct checked_volume *v, enum dos_error *error)
{
    static const u8 errors[] = {DOS_FILE_NOT_FOUND,  DOS_PATH_NOT_FOUND,  DOS_ACCESS_DENIED,
                                DOS_WRITE_PROTECT,   DOS_NOT_READY,       DOS_READ_FAULT,
                                DOS_GENERAL_FAILURE, DOS_HANDLE_DISK_FULL};
    if (!v->errors_in || xorshift(v->random) % v->errors_in)
        return false;
    *error = errors[xorshift(v->random) % sizeof errors];
    return true;
}

static enum dos_error checked_find(void *volume, const char *path, struct dos_entry *entry)
{
    struct checked_volume *v = volume;
    enum dos_error error;
    check_path(path);
    return fails(v, &error) ? error : v->inner.class->find(v->inner.object, path, entry);
}

static enum dos_error checked_list(void *volume, const char *path, struct dos_entry **entries, u32 *count)
{
    struct checked_volume *v = volume;
    enum dos_error error;
    check_path(path);
    return fails(v, &error) ? error : v->inner.class->list(v->inner.object, path, entries, count);
}

static enum dos_error checked_open(void *volume, const char *path, u32 access, struct volume_file **file)
{
    struct checked_volume *v = volume;
    enum dos_error error;
    check_path(path);
    if (!access || access & ~(VOLUME_READ | VOLUME_WRITE))
        broken(path, "the access");
    if (!fails(v, &error))
        error = v->inner.class->open(v->inner.object, path, access, file);
    v->open_files += error == DOS_OK;
    return error;
}

static enum dos_error checked_create(void *volume, const char *path, u8 attributes, bool fresh,
                                     struct volume_file **file)
{
    struct checked_volume *v = volume;
    enum dos_error error;
    check_path(path);
    if (!*path)
        broken(path, "the root is no file");
    if (!fails(v, &error))
        error = v->inner.class->create(v->inner.object, path, attributes, fresh, file);
    v->open_files += error == DOS_OK;
    return error;
}

static void checked_close_file(void *volume, struct volume_file *file)
{
    struct checked_volume *v = volume;
    if (!file || !v->open_files)
        broken("", "a file is closed that is not open");
    v->open_files--;
    v->inner.class->close_file(v->inner.object, file);
}

static enum dos_error checked_read(void *volume, struct volume_file *file, u32 offset, void *buf, u32 bytes,
                                   u32 *done)
{
    struct checked_volume *v = volume;
    enum dos_error error;
    if (!file || bytes > MAX_TRANSFER)
        broken("", "a read");
    return fails(v, &error) ? error : v->inner.class->read(v->inner.object, file, offset, buf, bytes, done);
}

static enum dos_error checked_write(void *volume, struct volume_file *file, u32 offset, const void *buf,
                                    u32 bytes, u32 *done)
{
    struct checked_volume *v = volume;
    enum dos_error error;
    if (!file || bytes > MAX_TRANSFER)
        broken("", "a write");
    return fails(v, &error) ? error : v->inner.class->write(v->inner.object, file, offset, buf, bytes, done);
}

static enum dos_error checked_set_size(void *volume, struct volume_file *file, u32 bytes)
{
    struct checked_volume *v = volume;
    enum dos_error error;
    if (!file)
        broken("", "set_size");
    return fails(v, &error) ? error : v->inner.class->set_size(v->inner.object, file, bytes);
}

static enum dos_error checked_stat_file(void *volume, struct volume_file *file, struct dos_entry *entry)
{
    struct checked_volume *v = volume;
    enum dos_error error;
    if (!file)
        broken("", "stat_file");
    return fails(v, &error) ? error : v->inner.class->stat_file(v->inner.object, file, entry);
}

static enum dos_error checked_set_time(void *volume, struct volume_file *file, u16 date, u16 time)
{
    struct checked_volume *v = volume;
    enum dos_error error;
    if (!file)
        broken("", "set_time");
    return fails(v, &error) ? error : v->inner.class->set_time(v->inner.object, file, date, time);
}

static enum dos_error checked_commit(void *volume, struct volume_file *file)
{
    struct checked_volume *v = volume;
    enum dos_error error;
    if (!file)
        broken("", "commit");
    return fails(v, &error) ? error : v->inner.class->commit(v->inner.object, file);
}

static enum dos_error checked_set_attributes(void *volume, const char *path, u8 attributes)
{
    struct checked_volume *v = volume;
    enum dos_error error;
    check_path(path);
    return fails(v, &error) ? error : v->inner.class->set_attributes(v->inner.object, path, attributes);
}

static enum dos_error checked_remove(void *volume, const char *path)
{
    struct checked_volume *v = volume;
    enum dos_error error;
    check_path(path);
    return fails(v, &error) ? error : v->inner.class->remove(v->inner.object, path);
}

static enum dos_error checked_rename(void *volume, const char *from, const char *to)
{
    struct checked_volume *v = volume;
    enum dos_error error;
    check_path(from);
    check_path(to);
    return fails(v, &error) ? error : v->inner.class->rename(v->inner.object, from, to);
}

static enum dos_error checked_make_directory(void *volume, const char *path)
{
    struct checked_volume *v = volume;
    enum dos_error error;
    check_path(path);
    return fails(v, &error) ? error : v->inner.class->make_directory(v->inner.object, path);
}

static enum dos_error checked_remove_directory(void *volume, const char *path)
{
    struct checked_volume *v = volume;
    enum dos_error error;
    check_path(path);
    return fails(v, &error) ? error : v->inner.class->remove_directory(v->inner.object, path);
}

static enum dos_error checked_space(void *volume, struct dos_space *space)
{
    struct checked_volume *v = volume;
    enum dos_error error;
    return fails(v, &error) ? error : v->inner.class->space(v->inner.object, space);
}

static void checked_label(void *volume, char label[12])
{
    struct checked_volume *v = volume;
    v->inner.class->label(v->inner.object, label);
}

static void checked_geometry(void *volume, struct dos_geometry *geometry)
{
    struct checked_volume *v = volume;
    v->inner.class->geometry(v->inner.object, geometry);
}

static enum dos_error checked_read_sectors(void *volume, u32 sector, u32 count, void *buf)
{
    struct checked_volume *v = volume;
    enum dos_error error;
    return fails(v, &error) ? error : v->inner.class->read_sectors(v->inner.object, sector, count, buf);
}

static enum dos_error checked_write_sectors(void *volume, u32 sector, u32 count, const void *buf)
{
    struct checked_volume *v = volume;
    enum dos_error error;
    return fails(v, &error) ? error : v->inner.class->write_sectors(v->inner.object, sector, count, buf);
}

void checked_volume_open(struct volume *outer, struct checked_volume *checked)
{
    static const struct volume_class without_sectors = {
        .name = "checked",
        .find = checked_find,
        .list = checked_list,
        .open = checked_open,
        .create = checked_create,
        .close_file = checked_close_file,
        .read = checked_read,
        .write = checked_write,
        .set_size = checked_set_size,
        .stat_file = checked_stat_file,
        .set_time = checked_set_time,
        .commit = checked_commit,
        .set_attributes = checked_set_attributes,
        .remove = checked_remove,
        .rename = checked_rename,
        .make_directory = checked_make_directory,
        .remove_directory = checked_remove_directory,
        .space = checked_space,
        .label = checked_label,
    };
    checked->class = without_sectors;
    if (checked->inner.class->read_sectors) {
        checked->class.geometry = checked_geometry;
        checked->class.read_sectors = checked_read_sectors;
        checked->class.write_sectors = checked_write_sectors;
    }
    *outer = checked->inner;
    outer->class = &checked->class;
    outer->object = checked;
}
