/* Sectors of the file system, and its table: which cluster follows which. */
#include "dos/volume/fat_impl.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Values of an entry of FAT16; those of FAT12 are widened to them. */
enum { CLUSTER_FREE = 0, CLUSTER_END = 0xffff, CLUSTER_FIRST_END = 0xfff8, CLUSTER_BAD = 0xfff7 };

/* --- sectors --- */

static bool in_volume(const struct fat *fat, u32 sector, u32 count)
{
    return sector <= fat->sectors && count <= fat->sectors - sector;
}

static enum dos_error sector_error(int rc, enum dos_error otherwise)
{
    return rc == -EROFS ? DOS_WRITE_PROTECT : rc == -ERANGE ? DOS_SECTOR_NOT_FOUND : otherwise;
}

enum dos_error fat_read_sectors(struct fat *fat, u32 sector, u32 count, void *buf)
{
    if (!in_volume(fat, sector, count))
        return DOS_SECTOR_NOT_FOUND;
    int rc = block_read(fat->block, fat->start + sector, count, buf);
    return rc ? sector_error(rc, DOS_READ_FAULT) : DOS_OK;
}

enum dos_error fat_write_sectors(struct fat *fat, u32 sector, u32 count, const void *buf)
{
    if (!in_volume(fat, sector, count))
        return DOS_SECTOR_NOT_FOUND;
    int rc = block_write(fat->block, fat->start + sector, count, buf);
    return rc ? sector_error(rc, DOS_WRITE_FAULT) : DOS_OK;
}

bool fat_in_range(const struct fat *fat, u32 cluster)
{
    return cluster >= FAT_FIRST_CLUSTER && cluster - FAT_FIRST_CLUSTER < fat->clusters;
}

u32 fat_cluster_sector(const struct fat *fat, u32 cluster)
{
    return fat->data_start + (cluster - FAT_FIRST_CLUSTER) * fat->cluster_sectors;
}

/* --- entries; lay_out has seen to it that the table is long enough --- */

static u32 get(const struct fat *fat, u32 cluster)
{
    if (fat->fat16)
        return fat_word(fat->table + cluster * 2);
    u32 pair = fat_word(fat->table + cluster + cluster / 2);
    u32 value = cluster & 1 ? pair >> 4 : pair & 0xfff;
    return value >= 0xff7 ? value | 0xf000 : value;
}

static void set_byte(struct fat *fat, u32 at, u8 value)
{
    if (fat->table[at] == value)
        return;
    fat->table[at] = value;
    fat->stale[at / SECTOR_BYTES] = true;
}

static void set(struct fat *fat, u32 cluster, u32 value)
{
    u32 at = fat->fat16 ? cluster * 2 : cluster + cluster / 2;
    if (!fat->fat16) {
        u32 pair = fat_word(fat->table + at);
        value = cluster & 1 ? (pair & 0x00f) | (value & 0xfff) << 4 : (pair & 0xf000) | (value & 0xfff);
    }
    set_byte(fat, at, (u8)value);
    set_byte(fat, at + 1, (u8)(value >> 8));
}

enum dos_error fat_next(const struct fat *fat, u32 cluster, u32 *next)
{
    u32 value = get(fat, cluster);
    *next = value >= CLUSTER_FIRST_END ? 0 : value;
    return *next && !fat_in_range(fat, *next) ? DOS_GENERAL_FAILURE
           : value == CLUSTER_FREE            ? DOS_GENERAL_FAILURE
                                              : DOS_OK;
}

void fat_link(struct fat *fat, u32 cluster, u32 next)
{
    set(fat, cluster, next ? next : CLUSTER_END);
}

/* --- the table as a whole --- */

static void count_free(struct fat *fat)
{
    fat->free = 0;
    for (u32 i = 0; i < fat->clusters; i++)
        fat->free += get(fat, FAT_FIRST_CLUSTER + i) == CLUSTER_FREE;
}

enum dos_error fat_load_table(struct fat *fat)
{
    fat->table = malloc((size_t)fat->table_sectors * SECTOR_BYTES);
    fat->stale = calloc(fat->table_sectors, sizeof *fat->stale);
    if (!fat->table || !fat->stale)
        return DOS_NOT_ENOUGH_MEMORY;
    enum dos_error error = DOS_READ_FAULT;
    for (u32 copy = 0; copy < fat->tables && error;
         copy++) /* the second is there for when the first is bad */
        error = fat_read_sectors(fat, fat->table_start + copy * fat->table_sectors, fat->table_sectors,
                                 fat->table);
    if (error)
        return error;
    fat->hint = FAT_FIRST_CLUSTER;
    count_free(fat);
    return DOS_OK;
}

enum dos_error fat_reload_table(struct fat *fat, u32 first, u32 count)
{
    enum dos_error error = fat_read_sectors(fat, fat->table_start + first, count, fat->table + (size_t)first * SECTOR_BYTES);
    count_free(fat);
    return error;
}

static enum dos_error flush_sector(struct fat *fat, u32 sector)
{
    for (u32 copy = 0; copy < fat->tables; copy++) {
        u32 to = fat->table_start + copy * fat->table_sectors + sector;
        enum dos_error error = fat_write_sectors(fat, to, 1, fat->table + (size_t)sector * SECTOR_BYTES);
        if (error)
            return error;
    }
    fat->stale[sector] = false;
    return DOS_OK;
}

enum dos_error fat_flush_table(struct fat *fat)
{
    enum dos_error error = DOS_OK;
    for (u32 i = 0; i < fat->table_sectors && !error; i++)
        if (fat->stale[i])
            error = flush_sector(fat, i);
    return error;
}

/* --- chains --- */

enum dos_error fat_allocate(struct fat *fat, u32 count, u32 *first)
{
    u32 last = 0;
    *first = 0;
    if (count > fat->free)
        return DOS_HANDLE_DISK_FULL;
    for (u32 looked = 0; looked < fat->clusters && count; looked++) {
        u32 cluster = fat->hint++;
        if (!fat_in_range(fat, fat->hint))
            fat->hint = FAT_FIRST_CLUSTER;
        if (get(fat, cluster) != CLUSTER_FREE)
            continue;
        fat_link(fat, cluster, 0);
        if (last)
            fat_link(fat, last, cluster);
        else
            *first = cluster;
        last = cluster;
        fat->free--;
        count--;
    }
    return DOS_OK;
}

void fat_free_chain(struct fat *fat, u32 first)
{
    /* A loop comes back to what is free by then. */
    while (fat_in_range(fat, first)) {
        u32 next = get(fat, first);
        if (next == CLUSTER_FREE)
            return;
        set(fat, first, CLUSTER_FREE);
        fat->free++;
        first = next;
    }
}
