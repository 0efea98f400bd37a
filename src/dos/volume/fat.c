/* A FAT12 or FAT16 image as a drive: opening it, finding and listing, size and name. fat_impl.h says how the
 * files that make up this volume work together. */
#include "dos/volume/fat_impl.h"

#include "dos/volume/cp437.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- looking --- */

static enum dos_error fat_find_entry(void *volume, const char *path, struct dos_entry *entry)
{
    struct fat_slot slot;
    if (!*path) {
        *entry = (struct dos_entry){.attributes = DOS_ATTR_DIRECTORY, .date = 1 << 5 | 1};
        return DOS_OK;
    }
    enum dos_error error = fat_resolve(volume, path, &slot);
    if (error)
        return error;
    fat_get_entry(slot.raw, entry);
    return fat_get_name(slot.raw, entry->name) ? DOS_OK : DOS_GENERAL_FAILURE;
}

struct list {
    struct dos_entry *entries;
    u32 count, capacity;
};

static struct dos_entry *append(struct list *list)
{
    if (list->count == list->capacity) {
        u32 more = list->capacity ? list->capacity * 2 : 32;
        struct dos_entry *grown = realloc(list->entries, more * sizeof *grown);
        if (!grown)
            return NULL;
        list->entries = grown;
        list->capacity = more;
    }
    return &list->entries[list->count++];
}

static bool is_dots(const u8 *raw, u32 dots)
{
    const char name[] = "..         ";
    return !memcmp(raw, name, dots) && !memcmp(raw + dots, name + 2, FAT_NAME_CHARS - 2);
}

/* As the guest sees it. False for what it does not: labels, names of nothing, the dots (for they come first).
 */
static bool show(const u8 *raw, struct dos_entry *entry)
{
    fat_get_entry(raw, entry);
    return !(raw[FAT_ATTRIBUTES] & DOS_ATTR_LABEL) && fat_get_name(raw, entry->name);
}

static enum dos_error add_slot(struct list *list, const struct fat_slot *slot, bool root)
{
    struct dos_entry entry;
    for (u32 dots = 1; dots <= 2 && !root; dots++) {
        if (is_dots(slot->raw, dots)) {
            fat_get_entry(slot->raw, &list->entries[dots - 1]);
            strcpy(list->entries[dots - 1].name, dots == 1 ? "." : "..");
            list->entries[dots - 1].attributes = DOS_ATTR_DIRECTORY;
            list->entries[dots - 1].bytes = 0;
        }
    }
    if (!show(slot->raw, &entry))
        return DOS_OK;
    struct dos_entry *added = append(list);
    if (!added)
        return DOS_NOT_ENOUGH_MEMORY;
    *added = entry;
    return DOS_OK;
}

static enum dos_error list_entries(struct fat *fat, u32 directory, struct list *list)
{
    struct fat_walk walk;
    struct fat_slot slot;
    bool root = directory == FAT_ROOT;
    for (u32 i = 0; i < 2; i++) {
        struct dos_entry *dots = append(list);
        if (!dots)
            return DOS_NOT_ENOUGH_MEMORY;
        *dots = (struct dos_entry){.attributes = DOS_ATTR_DIRECTORY, .date = 1 << 5 | 1};
        strcpy(dots->name, i ? ".." : ".");
    }
    if (root)
        list->count = 0;
    enum dos_error error = fat_walk_begin(fat, directory, &walk);
    while (!error) {
        error = fat_walk_next(&walk, &slot);
        if (!error)
            error = add_slot(list, &slot, root);
    }
    return error == DOS_NO_MORE_FILES ? DOS_OK : error;
}

static enum dos_error fat_list(void *volume, const char *path, struct dos_entry **entries, u32 *count)
{
    struct list list = {0};
    u32 directory;
    enum dos_error error = fat_enter(volume, path, &directory);
    if (!error)
        error = list_entries(volume, directory, &list);
    if (error) {
        free(list.entries);
        return error;
    }
    *entries = list.entries;
    *count = list.count;
    return DOS_OK;
}

/* --- the drive as a whole --- */

static enum dos_error fat_space(void *volume, struct dos_space *space)
{
    const struct fat *fat = volume;
    *space = (struct dos_space){
        .sector_bytes = SECTOR_BYTES,
        .cluster_sectors = fat->cluster_sectors,
        .clusters = (u16)fat->clusters,
        .free_clusters = (u16)fat->free,
    };
    return DOS_OK;
}

/* The entry in the root; in its absence what the boot sector says. */
static void fat_label(void *volume, char label[12])
{
    struct fat *fat = volume;
    struct fat_walk walk;
    struct fat_slot slot;
    memcpy(label, fat->label, sizeof fat->label);
    enum dos_error error = fat_walk_begin(fat, FAT_ROOT, &walk);
    while (!error) {
        error = fat_walk_next(&walk, &slot);
        if (error || (slot.raw[FAT_ATTRIBUTES] & (DOS_ATTR_LABEL | DOS_ATTR_DIRECTORY)) != DOS_ATTR_LABEL)
            continue;
        memcpy(label, slot.raw, FAT_NAME_CHARS);
        if (slot.raw[0] == FAT_IS_E5)
            label[0] = (char)FAT_DELETED;
        break;
    }
    label[FAT_NAME_CHARS] = 0;
    for (u32 end = (u32)strlen(label); end && label[end - 1] == ' ';)
        label[--end] = 0;
}

static void fat_free(struct fat *fat)
{
    free(fat->table);
    free(fat->stale);
    free(fat);
}

static void fat_close(void *volume)
{
    struct fat *fat = volume;
    enum dos_error error = fat_flush_table(fat);
    (void)error; /* nothing is stale unless a write failed before */
    fat_free(fat);
}

static const struct volume_class fat_class = {
    .name = "FAT image",
    .close = fat_close,
    .find = fat_find_entry,
    .list = fat_list,
    .open = fat_open,
    .create = fat_create,
    .close_file = fat_close_file,
    .read = fat_read,
    .write = fat_write,
    .set_size = fat_set_size,
    .stat_file = fat_stat_file,
    .set_time = fat_set_time,
    .commit = fat_commit,
    .set_attributes = fat_set_attributes,
    .remove = fat_remove,
    .rename = fat_rename,
    .make_directory = fat_make_directory,
    .remove_directory = fat_remove_directory,
    .space = fat_space,
    .label = fat_label,
    .geometry = fat_geometry,
    .read_sectors = fat_read_medium,
    .write_sectors = fat_write_medium,
};

int volume_fat_open(struct volume *volume, struct block *image, char *why, size_t why_bytes)
{
    const char *reason = "no memory";
    *volume = (struct volume){0};
    struct fat *fat = calloc(1, sizeof *fat);
    int rc = fat ? fat_find(fat, image, &reason) : -ENOMEM;
    if (!rc) {
        enum dos_error error = fat_load_table(fat);
        rc = error == DOS_NOT_ENOUGH_MEMORY ? -ENOMEM : error ? -EIO : 0;
        reason = rc == -EIO ? "its file allocation table cannot be read" : reason;
    }
    if (rc) {
        snprintf(why, why_bytes, "%s", reason);
        if (fat)
            fat_free(fat);
        return rc;
    }
    *volume = (struct volume){
        .class = &fat_class, .object = fat, .read_only = block_readonly(image), .serial = fat->serial};
    return 0;
}
