/* Changes to the directories of a FAT volume. */
#include "dos/volume/fat_impl.h"

#include <string.h>

/* What is at `path`, to be changed. */
static enum dos_error find_target(struct fat *fat, const char *path, struct fat_slot *slot)
{
    if (!*path)
        return DOS_ACCESS_DENIED;
    enum dos_error error = fat_resolve(fat, path, slot);
    return !error && block_readonly(fat->block) ? DOS_WRITE_PROTECT : error;
}

enum dos_error fat_set_attributes(void *volume, const char *path, u8 attributes)
{
    const u8 settable = DOS_ATTR_READ_ONLY | DOS_ATTR_HIDDEN | DOS_ATTR_SYSTEM | DOS_ATTR_ARCHIVE;
    struct fat_slot slot;
    enum dos_error error = find_target(volume, path, &slot);
    if (error)
        return error;
    u8 *raw = &slot.raw[FAT_ATTRIBUTES];
    *raw = (u8)((*raw & ~settable) | (attributes & settable));
    return fat_write_slot(volume, &slot);
}

/* The entry first: a chain that nobody has is all that a crash may leave. */
static enum dos_error erase(struct fat *fat, const struct fat_slot *slot)
{
    enum dos_error error = fat_erase_slot(fat, slot);
    if (error)
        return error;
    fat_free_chain(fat, fat_word(slot->raw + FAT_CLUSTER));
    return fat_flush_table(fat);
}

enum dos_error fat_remove(void *volume, const char *path)
{
    struct fat *fat = volume;
    struct fat_slot slot;
    enum dos_error error = find_target(fat, path, &slot);
    if (error)
        return error;
    if (slot.raw[FAT_ATTRIBUTES] & (DOS_ATTR_DIRECTORY | DOS_ATTR_READ_ONLY))
        return DOS_ACCESS_DENIED;
    if (fat_find_node(fat, slot.sector, slot.offset))
        return DOS_ACCESS_DENIED; /* it is open */
    return erase(fat, &slot);
}

static bool is_dots(const u8 *raw)
{
    return raw[0] == '.';
}

static enum dos_error see_that_empty(struct fat *fat, u32 directory)
{
    struct fat_walk walk;
    struct fat_slot slot;
    enum dos_error error = fat_walk_begin(fat, directory, &walk);
    while (!error) {
        error = fat_walk_next(&walk, &slot);
        if (!error && !is_dots(slot.raw))
            return DOS_ACCESS_DENIED;
    }
    return error == DOS_NO_MORE_FILES ? DOS_OK : error;
}

enum dos_error fat_remove_directory(void *volume, const char *path)
{
    struct fat *fat = volume;
    struct fat_slot slot;
    u32 directory;
    enum dos_error error = find_target(fat, path, &slot);
    if (!error)
        error = fat_get_directory(fat, slot.raw, &directory);
    if (!error)
        error = see_that_empty(fat, directory);
    if (error)
        return error == DOS_FILE_NOT_FOUND ? DOS_PATH_NOT_FOUND : error;
    return erase(fat, &slot);
}

/* The directory for a new name, which is not there yet. */
static enum dos_error find_place(struct fat *fat, const char *path, u32 *directory, char name[DOS_NAME_BYTES])
{
    struct fat_slot slot;
    if (!*path)
        return DOS_ACCESS_DENIED;
    enum dos_error error = fat_enter_parent(fat, path, directory, name);
    if (error)
        return error == DOS_FILE_NOT_FOUND ? DOS_ACCESS_DENIED : error;
    error = fat_look_up(fat, *directory, name, &slot);
    if (!error)
        return DOS_ACCESS_DENIED;
    if (error != DOS_FILE_NOT_FOUND)
        return error;
    return block_readonly(fat->block) ? DOS_WRITE_PROTECT : DOS_OK;
}

static enum dos_error write_directory(struct fat *fat, u32 parent, const char *name, u32 cluster)
{
    struct fat_slot slot;
    enum dos_error error = fat_write_empty_directory(fat, cluster, parent);
    if (!error)
        error = fat_flush_table(fat);
    if (!error)
        error = fat_reserve(fat, parent, &slot);
    if (error)
        return error;
    memset(slot.raw, 0, FAT_ENTRY_BYTES);
    fat_put_name(slot.raw, name);
    slot.raw[FAT_ATTRIBUTES] = DOS_ATTR_DIRECTORY;
    fat_touch(slot.raw);
    fat_put_word(slot.raw + FAT_CLUSTER, cluster);
    return fat_write_slot(fat, &slot);
}

enum dos_error fat_make_directory(void *volume, const char *path)
{
    struct fat *fat = volume;
    u32 parent, cluster;
    char name[DOS_NAME_BYTES];
    enum dos_error error = find_place(fat, path, &parent, name);
    if (error)
        return error;
    if (fat_allocate(fat, 1, &cluster))
        return DOS_ACCESS_DENIED;
    error = write_directory(fat, parent, name, cluster);
    if (error) {
        fat_free_chain(fat, cluster);
        enum dos_error other = fat_flush_table(fat);
        (void)other; /* the first is the one to tell */
    }
    return error;
}

/* --- renaming --- */

/* Open files are found by where their entry is. */
static void move_node(struct fat *fat, const struct fat_slot *from, const struct fat_slot *to)
{
    struct fat_node *node = fat_find_node(fat, from->sector, from->offset);
    if (node) {
        node->sector = to->sector;
        node->offset = to->offset;
    }
}

/* The ".." of a directory that was moved. */
static enum dos_error set_parent(struct fat *fat, u32 directory, u32 parent)
{
    struct fat_walk walk;
    struct fat_slot slot;
    enum dos_error error = fat_walk_begin(fat, directory, &walk);
    for (u32 i = 0; i < 2 && !error; i++)
        error = fat_walk_next(&walk, &slot);
    if (error || memcmp(slot.raw, "..         ", FAT_NAME_CHARS))
        return error == DOS_NO_MORE_FILES ? DOS_OK : error; /* it never had one */
    fat_put_word(slot.raw + FAT_CLUSTER, parent);
    return fat_write_slot(fat, &slot);
}

/* The slot's entry goes to where `to` is; a directory is told that its parent is `directory`. */
static enum dos_error write_moved(struct fat *fat, const struct fat_slot *to, u32 directory)
{
    u32 moved;
    enum dos_error error =
        fat_get_directory(fat, to->raw, &moved) ? DOS_OK : set_parent(fat, moved, directory);
    return error ? error : fat_write_slot(fat, to);
}

/* In between nobody has the file's clusters, rather than two. */
static enum dos_error move(struct fat *fat, struct fat_slot *from, u32 old_directory, u32 directory,
                           const char *name)
{
    struct fat_slot to;
    enum dos_error error = fat_reserve(fat, directory, &to);
    if (error)
        return error;
    memcpy(to.raw, from->raw, FAT_ENTRY_BYTES);
    fat_put_name(to.raw, name);
    error = fat_erase_slot(fat, from);
    if (error)
        return error;
    error = write_moved(fat, &to, directory);
    if (error)
        return write_moved(fat, from, old_directory) ? DOS_GENERAL_FAILURE : error;
    move_node(fat, from, &to);
    return DOS_OK;
}

static enum dos_error rename_in_place(struct fat *fat, struct fat_slot *slot, const char *name)
{
    fat_put_name(slot->raw, name);
    enum dos_error error = fat_write_slot(fat, slot);
    return error ? error : fat_erase_long_name(fat, slot);
}

static bool is_below(const char *path, const char *directory)
{
    size_t length = strlen(directory);
    return !strncmp(path, directory, length) && path[length] == '\\';
}

enum dos_error fat_rename(void *volume, const char *from, const char *to)
{
    struct fat *fat = volume;
    struct fat_slot slot;
    u32 from_directory, to_directory;
    char name[DOS_NAME_BYTES], old[DOS_NAME_BYTES];
    enum dos_error error = find_target(fat, from, &slot);
    if (!error)
        error = fat_enter_parent(fat, from, &from_directory, old);
    if (!error)
        error = find_place(fat, to, &to_directory, name);
    if (error)
        return error;
    if (is_below(to, from))
        return DOS_ACCESS_DENIED;
    if (from_directory == to_directory)
        return rename_in_place(fat, &slot, name);
    return move(fat, &slot, from_directory, to_directory, name);
}
