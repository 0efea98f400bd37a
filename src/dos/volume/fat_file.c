/* Open files of a FAT volume: opening and making them, and their entries. */
#include "dos/volume/fat_impl.h"

#include <stdlib.h>
#include <string.h>

/* --- nodes --- */

struct fat_node *fat_find_node(struct fat *fat, u32 sector, u32 offset)
{
    struct fat_node *node = fat->nodes;
    while (node && (node->sector != sector || node->offset != offset))
        node = node->next;
    return node;
}

static struct fat_node *get_node(struct fat *fat, const struct fat_slot *slot)
{
    struct fat_node *node = fat_find_node(fat, slot->sector, slot->offset);
    if (node)
        return node;
    node = calloc(1, sizeof *node);
    if (!node)
        return NULL;
    *node = (struct fat_node){
        .sector = slot->sector,
        .offset = slot->offset,
        .first = fat_word(slot->raw + FAT_CLUSTER),
        .size = fat_long(slot->raw + FAT_SIZE),
        .next = fat->nodes,
    };
    fat->nodes = node;
    return node;
}

static void put_node(struct fat *fat, struct fat_node *node)
{
    struct fat_node **link = &fat->nodes;
    if (node->handles)
        return;
    while (*link != node)
        link = &(*link)->next;
    *link = node->next;
    free(node);
}

static enum dos_error add_handle(struct fat *fat, const struct fat_slot *slot, u32 access,
                                 struct volume_file **file)
{
    struct volume_file *f = calloc(1, sizeof *f);
    struct fat_node *node = f ? get_node(fat, slot) : NULL;
    if (!node) {
        free(f);
        return DOS_NOT_ENOUGH_MEMORY;
    }
    node->handles++;
    f->node = node;
    f->access = access;
    *file = f;
    return DOS_OK;
}

static enum dos_error load_entry(struct fat *fat, const struct fat_node *node, struct fat_slot *slot)
{
    u8 sector[SECTOR_BYTES];
    enum dos_error error = fat_read_sectors(fat, node->sector, 1, sector);
    *slot = (struct fat_slot){.sector = node->sector, .offset = node->offset};
    memcpy(slot->raw, sector + node->offset, FAT_ENTRY_BYTES);
    return error;
}

enum dos_error fat_store_node(struct fat *fat, const struct fat_node *node, bool touch)
{
    struct fat_slot slot;
    enum dos_error error = load_entry(fat, node, &slot);
    if (error)
        return error;
    fat_put_word(slot.raw + FAT_CLUSTER, node->first);
    fat_put_long(slot.raw + FAT_SIZE, node->size);
    if (touch) {
        fat_touch(slot.raw);
        slot.raw[FAT_ATTRIBUTES] |= DOS_ATTR_ARCHIVE;
    }
    return fat_write_slot(fat, &slot);
}

/* --- opening --- */

enum dos_error fat_open(void *volume, const char *path, u32 access, struct volume_file **file)
{
    struct fat *fat = volume;
    struct fat_slot slot;
    if (!*path)
        return DOS_ACCESS_DENIED;
    enum dos_error error = fat_resolve(fat, path, &slot);
    if (error)
        return error;
    u8 attributes = slot.raw[FAT_ATTRIBUTES];
    if (attributes & DOS_ATTR_DIRECTORY)
        return DOS_ACCESS_DENIED;
    if ((access & VOLUME_WRITE) && (attributes & DOS_ATTR_READ_ONLY))
        return DOS_ACCESS_DENIED;
    if ((access & VOLUME_WRITE) && block_readonly(fat->block))
        return DOS_WRITE_PROTECT;
    return add_handle(fat, &slot, access, file);
}

static u8 file_attributes(u8 attributes)
{
    const u8 settable = DOS_ATTR_READ_ONLY | DOS_ATTR_HIDDEN | DOS_ATTR_SYSTEM;
    return (attributes & settable) | DOS_ATTR_ARCHIVE;
}

/* An entry without content is written over what is in the slot. */
static enum dos_error write_empty_file(struct fat *fat, struct fat_slot *slot, u8 attributes)
{
    slot->raw[FAT_ATTRIBUTES] = file_attributes(attributes);
    fat_touch(slot->raw);
    fat_put_word(slot->raw + FAT_CLUSTER, 0);
    fat_put_long(slot->raw + FAT_SIZE, 0);
    return fat_write_slot(fat, slot);
}

static enum dos_error empty_file(struct fat *fat, struct fat_slot *slot, u8 attributes)
{
    u32 first = fat_word(slot->raw + FAT_CLUSTER);
    if (slot->raw[FAT_ATTRIBUTES] & (DOS_ATTR_DIRECTORY | DOS_ATTR_READ_ONLY))
        return DOS_ACCESS_DENIED;
    enum dos_error error = write_empty_file(fat, slot, attributes);
    if (error)
        return error;
    struct fat_node *node = fat_find_node(fat, slot->sector, slot->offset);
    if (node)
        node->first = node->size = node->known_cluster = 0;
    fat_free_chain(fat, first);
    return fat_flush_table(fat);
}

static enum dos_error new_file(struct fat *fat, u32 directory, const char *name, u8 attributes,
                               struct fat_slot *slot)
{
    enum dos_error error = fat_reserve(fat, directory, slot);
    if (error)
        return error;
    memset(slot->raw, 0, FAT_ENTRY_BYTES);
    fat_put_name(slot->raw, name);
    return write_empty_file(fat, slot, attributes);
}

enum dos_error fat_create(void *volume, const char *path, u8 attributes, bool fresh,
                          struct volume_file **file)
{
    struct fat *fat = volume;
    struct fat_slot slot;
    u32 directory;
    char name[DOS_NAME_BYTES];
    if (!*path)
        return DOS_ACCESS_DENIED;
    enum dos_error error = fat_enter_parent(fat, path, &directory, name);
    if (error)
        return error == DOS_FILE_NOT_FOUND ? DOS_ACCESS_DENIED : error;
    error = fat_look_up(fat, directory, name, &slot);
    if (!error && fresh)
        return DOS_FILE_EXISTS;
    if (error && error != DOS_FILE_NOT_FOUND)
        return error;
    if (block_readonly(fat->block))
        return DOS_WRITE_PROTECT;
    error = error ? new_file(fat, directory, name, attributes, &slot) : empty_file(fat, &slot, attributes);
    return error ? error : add_handle(fat, &slot, VOLUME_READ | VOLUME_WRITE, file);
}

void fat_close_file(void *volume, struct volume_file *file)
{
    struct fat *fat = volume;
    if (file->written) {
        enum dos_error error = fat_store_node(fat, file->node, true);
        (void)error; /* nobody is left to tell; block.c has logged it */
    }
    file->node->handles--;
    put_node(fat, file->node);
    free(file);
}

/* --- entries of open files --- */

enum dos_error fat_stat_file(void *volume, struct volume_file *file, struct dos_entry *entry)
{
    struct fat_slot slot;
    enum dos_error error = load_entry(volume, file->node, &slot);
    if (error)
        return error;
    fat_get_entry(slot.raw, entry);
    if (!fat_get_name(slot.raw, entry->name))
        return DOS_GENERAL_FAILURE;
    entry->bytes = file->node->size;
    return DOS_OK;
}

enum dos_error fat_set_time(void *volume, struct volume_file *file, u16 date, u16 time)
{
    struct fat_slot slot;
    enum dos_error error = load_entry(volume, file->node, &slot);
    if (error)
        return error;
    fat_put_word(slot.raw + FAT_DATE, date);
    fat_put_word(slot.raw + FAT_TIME, time);
    if (file->written)
        slot.raw[FAT_ATTRIBUTES] |= DOS_ATTR_ARCHIVE;
    file->written = false; /* closing leaves this time */
    return fat_write_slot(volume, &slot);
}

enum dos_error fat_commit(void *volume, struct volume_file *file)
{
    struct fat *fat = volume;
    enum dos_error error = fat_flush_table(fat);
    if (!error && file->written)
        error = fat_store_node(fat, file->node, true);
    if (error)
        return error;
    file->written = false;
    return block_flush(fat->block) ? DOS_WRITE_FAULT : DOS_OK;
}
