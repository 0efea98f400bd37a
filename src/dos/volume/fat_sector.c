/* The sectors beneath a FAT volume, for programs that read and write a disk without its files (INT 25h, 26h). The table
 * that is kept in memory is written before, and taken from the medium after a write to it. */
#include "dos/volume/fat_impl.h"

#include <errno.h>

enum { BOOT_SECTOR = 0, USUAL_TRACK_SECTORS = 63, USUAL_HEADS = 16 };

void fat_geometry(void *volume, struct dos_geometry *geometry)
{
    const struct fat *fat = volume;
    bool described = fat->track_sectors && fat->heads;
    *geometry = (struct dos_geometry){
        .sectors = fat->sectors,
        .hidden = (u32)fat->start,
        .reserved = (u16)fat->table_start,
        .root_entries = (u16)fat->root_entries,
        .table_sectors = (u16)fat->table_sectors,
        .track_sectors = (u16)(described ? fat->track_sectors : USUAL_TRACK_SECTORS),
        .heads = (u16)(described ? fat->heads : USUAL_HEADS),
        .cluster_sectors = (u8)fat->cluster_sectors,
        .tables = (u8)fat->tables,
        .media = fat->media,
    };
}

static bool on_medium(const struct fat *fat, u32 sector, u32 count)
{
    u64 all = block_sectors(fat->block);
    return sector <= all && count <= all - sector;
}

static enum dos_error medium_error(int rc, enum dos_error otherwise)
{
    return !rc ? DOS_OK : rc == -EROFS ? DOS_WRITE_PROTECT : otherwise;
}

enum dos_error fat_read_medium(void *volume, u32 sector, u32 count, void *buf)
{
    struct fat *fat = volume;
    enum dos_error error = fat_flush_table(fat);
    if (error)
        return error;
    if (!on_medium(fat, sector, count))
        return DOS_SECTOR_NOT_FOUND;
    return medium_error(block_read(fat->block, sector, count, buf), DOS_READ_FAULT);
}

/* What of the table and of the names the sectors hold, sectors of the file system, is not as it was. */
static enum dos_error take_in(struct fat *fat, u32 first, u32 end)
{
    u8 boot[SECTOR_BYTES];
    enum dos_error error = DOS_OK;
    u32 table_end = fat->table_start + fat->table_sectors;
    if (first == BOOT_SECTOR) {
        error = fat_read_sectors(fat, BOOT_SECTOR, 1, boot);
        if (!error)
            fat_read_names(fat, boot);
    }
    first = MAX(first, fat->table_start);
    end = MIN(end, table_end);
    if (error || first >= end)
        return error;
    for (struct fat_node *node = fat->nodes; node; node = node->next)
        node->known_index = node->known_cluster = 0;
    return fat_reload_table(fat, first - fat->table_start, end - first);
}

enum dos_error fat_write_medium(void *volume, u32 sector, u32 count, const void *buf)
{
    struct fat *fat = volume;
    enum dos_error error = fat_flush_table(fat);
    if (error)
        return error;
    if (!on_medium(fat, sector, count))
        return DOS_SECTOR_NOT_FOUND;
    error = medium_error(block_write(fat->block, sector, count, buf), DOS_WRITE_FAULT);
    u64 end = (u64)sector + count, first = sector;
    if (end <= fat->start || first >= fat->start + fat->sectors)
        return error;
    first = first < fat->start ? 0 : first - fat->start;
    end = MIN(end - fat->start, (u64)fat->sectors);
    enum dos_error after = take_in(fat, (u32)first, (u32)end); /* a write that failed may have changed some */
    return error ? error : after;
}
