/* Directories: their entries, finding them by path, places for new ones. */
#include "dos/volume/fat_impl.h"

#include "dos/volume/cp437.h"
#include "dos/volume/dos_time.h"
#include "dos/volume/path.h"

#include <string.h>

enum { STEM_CHARS = 8 };

/* --- entries --- */

/* Characters up to trailing blanks, in upper case. False for what no name can have. */
static bool get_part(const u8 *raw, u32 chars, char *out)
{
    while (chars && raw[chars - 1] == ' ')
        chars--;
    for (u32 i = 0; i < chars; i++) {
        if (raw[i] < ' ' || strchr("\"*./:<>?\\|", raw[i]))
            return false;
        out[i] = (char)cp437_upper(raw[i]);
    }
    out[chars] = 0;
    return true;
}

bool fat_get_name(const u8 *raw, char name[DOS_NAME_BYTES])
{
    u8 chars[FAT_NAME_CHARS];
    char extension[4];
    memcpy(chars, raw, sizeof chars);
    if (chars[0] == FAT_IS_E5)
        chars[0] = FAT_DELETED;
    if (!get_part(chars, STEM_CHARS, name) || !get_part(chars + STEM_CHARS, 3, extension) || !name[0])
        return false;
    if (extension[0]) {
        strcat(name, ".");
        strcat(name, extension);
    }
    return true;
}

void fat_put_name(u8 *raw, const char *name)
{
    memset(raw, ' ', FAT_NAME_CHARS);
    for (u32 to = 0; *name && to < FAT_NAME_CHARS; name++) {
        if (*name == '.')
            to = STEM_CHARS;
        else
            raw[to++] = (u8)*name;
    }
    if (raw[0] == FAT_DELETED)
        raw[0] = FAT_IS_E5;
}

void fat_get_entry(const u8 *raw, struct dos_entry *entry)
{
    *entry = (struct dos_entry){
        .attributes = raw[FAT_ATTRIBUTES] & 0x3f,
        .date = (u16)fat_word(raw + FAT_DATE),
        .time = (u16)fat_word(raw + FAT_TIME),
    };
    if (!(entry->attributes & DOS_ATTR_DIRECTORY))
        entry->bytes = fat_long(raw + FAT_SIZE);
}

void fat_touch(u8 *raw)
{
    u16 date, clock;
    dos_time_from_unix(time(NULL), &date, &clock);
    fat_put_word(raw + FAT_TIME, clock);
    fat_put_word(raw + FAT_DATE, date);
}

/* --- going through --- */

enum dos_error fat_walk_begin(struct fat *fat, u32 directory, struct fat_walk *walk)
{
    *walk = (struct fat_walk){.fat = fat, .cluster = directory};
    if (directory == FAT_ROOT) {
        walk->sector = fat->root_start;
        walk->left = fat->root_sectors - 1;
    } else {
        walk->sector = fat_cluster_sector(fat, directory);
        walk->left = fat->cluster_sectors - 1;
    }
    return fat_read_sectors(fat, walk->sector, 1, walk->bytes);
}

/* To the next sector; DOS_NO_MORE_FILES at the end of the directory. */
static enum dos_error next_sector(struct fat_walk *walk)
{
    struct fat *fat = walk->fat;
    if (++walk->sectors >= FAT_DIRECTORY_SECTORS)
        return DOS_GENERAL_FAILURE;
    if (walk->left) {
        walk->sector++;
        walk->left--;
    } else {
        u32 next = 0;
        enum dos_error error = walk->cluster == FAT_ROOT ? DOS_OK : fat_next(fat, walk->cluster, &next);
        if (error || !next)
            return error ? error : DOS_NO_MORE_FILES;
        walk->cluster = next;
        walk->sector = fat_cluster_sector(fat, next);
        walk->left = fat->cluster_sectors - 1;
    }
    walk->entry = 0;
    return fat_read_sectors(fat, walk->sector, 1, walk->bytes);
}

/* The next place, whatever is there. */
static enum dos_error next_place(struct fat_walk *walk, struct fat_slot *slot)
{
    if (walk->entry == FAT_ENTRIES_PER_SECTOR) {
        enum dos_error error = next_sector(walk);
        if (error)
            return error;
    }
    slot->sector = walk->sector;
    slot->offset = walk->entry++ * FAT_ENTRY_BYTES;
    memcpy(slot->raw, walk->bytes + slot->offset, FAT_ENTRY_BYTES);
    return DOS_OK;
}

static u8 name_checksum(const u8 *raw)
{
    u8 sum = 0;
    for (u32 i = 0; i < FAT_NAME_CHARS; i++)
        sum = (u8)((sum >> 1 | sum << 7) + raw[i]);
    return sum;
}

/* `checksum` is that of the parts so far: one of another name does not belong to them. */
static void add_long_part(struct fat_slot *slot, u8 *checksum)
{
    u8 sum = slot->raw[FAT_LONG_CHECKSUM];
    if (slot->long_parts == FAT_LONG_PARTS || sum != *checksum)
        slot->long_parts = 0;
    *checksum = sum;
    slot->long_part[slot->long_parts].sector = slot->sector;
    slot->long_part[slot->long_parts].offset = slot->offset;
    slot->long_parts++;
}

enum dos_error fat_walk_next(struct fat_walk *walk, struct fat_slot *slot)
{
    u8 checksum = 0;
    slot->long_parts = 0;
    for (;;) {
        enum dos_error error = next_place(walk, slot);
        if (error || slot->raw[0] == FAT_UNUSED)
            return error ? error : DOS_NO_MORE_FILES;
        if (slot->raw[0] == FAT_DELETED) {
            slot->long_parts = 0;
            continue;
        }
        if ((slot->raw[FAT_ATTRIBUTES] & 0x3f) == FAT_LONG_NAME) {
            add_long_part(slot, &checksum);
            continue;
        }
        if (slot->long_parts && checksum != name_checksum(slot->raw))
            slot->long_parts = 0;
        return DOS_OK;
    }
}

/* --- by name --- */

enum dos_error fat_look_up(struct fat *fat, u32 directory, const char *name, struct fat_slot *slot)
{
    struct fat_walk walk;
    char found[DOS_NAME_BYTES];
    enum dos_error error = fat_walk_begin(fat, directory, &walk);
    while (!error) {
        error = fat_walk_next(&walk, slot);
        if (!error && !(slot->raw[FAT_ATTRIBUTES] & DOS_ATTR_LABEL) && fat_get_name(slot->raw, found) &&
            !strcmp(found, name))
            return DOS_OK;
    }
    return error == DOS_NO_MORE_FILES ? DOS_FILE_NOT_FOUND : error;
}

enum dos_error fat_get_directory(const struct fat *fat, const u8 *raw, u32 *directory)
{
    if (!(raw[FAT_ATTRIBUTES] & DOS_ATTR_DIRECTORY))
        return DOS_PATH_NOT_FOUND;
    *directory = fat_word(raw + FAT_CLUSTER);
    return fat_in_range(fat, *directory) ? DOS_OK : DOS_GENERAL_FAILURE;
}

static enum dos_error enter_until(struct fat *fat, const char *path, const char *end, u32 *directory)
{
    char name[DOS_NAME_BYTES];
    struct fat_slot slot;
    *directory = FAT_ROOT;
    while (path < end) {
        if (!path_next(&path, name))
            return DOS_PATH_NOT_FOUND;
        enum dos_error error = fat_look_up(fat, *directory, name, &slot);
        if (!error)
            error = fat_get_directory(fat, slot.raw, directory);
        if (error)
            return error == DOS_FILE_NOT_FOUND ? DOS_PATH_NOT_FOUND : error;
    }
    return DOS_OK;
}

enum dos_error fat_enter(struct fat *fat, const char *path, u32 *directory)
{
    return enter_until(fat, path, path + strlen(path), directory);
}

enum dos_error fat_enter_parent(struct fat *fat, const char *path, u32 *directory, char last[DOS_NAME_BYTES])
{
    const char *component = path_last(path);
    enum dos_error error = enter_until(fat, path, component, directory);
    return error || path_next(&component, last) ? error : DOS_FILE_NOT_FOUND;
}

enum dos_error fat_resolve(struct fat *fat, const char *path, struct fat_slot *slot)
{
    u32 directory;
    char last[DOS_NAME_BYTES];
    enum dos_error error = fat_enter_parent(fat, path, &directory, last);
    return error ? error : fat_look_up(fat, directory, last, slot);
}

/* --- places for entries --- */

static enum dos_error clear_cluster(struct fat *fat, u32 cluster, const u8 *first_sector)
{
    static const u8 zeros[SECTOR_BYTES];
    u32 sector = fat_cluster_sector(fat, cluster);
    enum dos_error error = fat_write_sectors(fat, sector, 1, first_sector ? first_sector : zeros);
    for (u32 i = 1; i < fat->cluster_sectors && !error; i++)
        error = fat_write_sectors(fat, sector + i, 1, zeros);
    return error;
}

/* Another cluster after `last`, the directory's last; *slot is its first place. */
static enum dos_error grow(struct fat *fat, u32 last, struct fat_slot *slot)
{
    u32 cluster;
    if (last == FAT_ROOT || fat_allocate(fat, 1, &cluster))
        return DOS_ACCESS_DENIED;
    enum dos_error error = clear_cluster(fat, cluster, NULL);
    if (!error)
        error = fat_flush_table(fat);
    if (error) {
        fat_free_chain(fat, cluster);
        return error;
    }
    fat_link(fat, last, cluster);
    slot->sector = fat_cluster_sector(fat, cluster);
    slot->offset = 0;
    return fat_flush_table(fat);
}

enum dos_error fat_reserve(struct fat *fat, u32 directory, struct fat_slot *slot)
{
    struct fat_walk walk;
    enum dos_error error = fat_walk_begin(fat, directory, &walk);
    while (!error) {
        error = next_place(&walk, slot);
        if (!error && (slot->raw[0] == FAT_UNUSED || slot->raw[0] == FAT_DELETED))
            break;
    }
    slot->long_parts = 0;
    return error == DOS_NO_MORE_FILES ? grow(fat, walk.cluster, slot) : error;
}

static enum dos_error write_bytes(struct fat *fat, u32 sector, u32 offset, const u8 *bytes, u32 count)
{
    u8 whole[SECTOR_BYTES];
    enum dos_error error = fat_read_sectors(fat, sector, 1, whole);
    if (error)
        return error;
    memcpy(whole + offset, bytes, count);
    return fat_write_sectors(fat, sector, 1, whole);
}

enum dos_error fat_write_slot(struct fat *fat, const struct fat_slot *slot)
{
    return write_bytes(fat, slot->sector, slot->offset, slot->raw, FAT_ENTRY_BYTES);
}

enum dos_error fat_erase_long_name(struct fat *fat, const struct fat_slot *slot)
{
    const u8 deleted = FAT_DELETED;
    enum dos_error error = DOS_OK;
    for (u32 i = 0; i < slot->long_parts && !error; i++)
        error = write_bytes(fat, slot->long_part[i].sector, slot->long_part[i].offset, &deleted, 1);
    return error;
}

enum dos_error fat_erase_slot(struct fat *fat, const struct fat_slot *slot)
{
    const u8 deleted = FAT_DELETED;
    enum dos_error error = write_bytes(fat, slot->sector, slot->offset, &deleted, 1);
    return error ? error : fat_erase_long_name(fat, slot);
}

enum dos_error fat_write_empty_directory(struct fat *fat, u32 cluster, u32 parent)
{
    u8 sector[SECTOR_BYTES] = {0};
    for (u32 i = 0; i < 2; i++) {
        u8 *raw = sector + i * FAT_ENTRY_BYTES;
        memset(raw, ' ', FAT_NAME_CHARS);
        memset(raw, '.', i + 1);
        raw[FAT_ATTRIBUTES] = DOS_ATTR_DIRECTORY;
        fat_touch(raw);
        fat_put_word(raw + FAT_CLUSTER, i ? parent : cluster);
    }
    return clear_cluster(fat, cluster, sector);
}
