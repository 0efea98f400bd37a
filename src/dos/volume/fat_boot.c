/* Where in an image the FAT file system is, and what it looks like: the BIOS parameter block of the boot
 * sector, the partition table of a disk, the formats of diskettes that have no such block. */
#include "dos/volume/fat_impl.h"

#include "dos/volume/cp437.h"

#include <errno.h>
#include <string.h>

/* Offsets in a boot sector. */
enum {
    BPB_SECTOR_BYTES = 0x0b,
    BPB_CLUSTER_SECTORS = 0x0d,
    BPB_RESERVED = 0x0e,
    BPB_TABLES = 0x10,
    BPB_ROOT_ENTRIES = 0x11,
    BPB_SECTORS = 0x13,
    BPB_MEDIA = 0x15,
    BPB_TABLE_SECTORS = 0x16,
    BPB_TRACK_SECTORS = 0x18,
    BPB_HEADS = 0x1a,
    BPB_LARGE_SECTORS = 0x20,
    BPB_SIGNATURE = 0x26,
    BPB_SERIAL = 0x27,
    BPB_LABEL = 0x2b,
    BOOT_MAGIC = 0x1fe,
};

enum {
    SIGNATURE_SERIAL = 0x28,
    SIGNATURE_LABEL = 0x29,
    LABEL_CHARS = 11,
    MAX_CLUSTER_SECTORS = 64,
    FAT12_CLUSTERS = 4085, /* from here on it is FAT16 */
    FAT32_CLUSTERS = 65525,
};

/* Offsets in a partition table. */
enum {
    TABLE_AT = 0x1be,
    TABLE_ENTRIES = 4,
    TABLE_ENTRY_BYTES = 16,
    TABLE_TYPE = 4,
    TABLE_FIRST = 8,
    TABLE_SECTORS = 12
};

static const char no_file_system[] = "no FAT12 or FAT16 file system in it";

/* The diskettes of DOS 1 and 2, known by the first byte of their table. */
static const struct old_format {
    u32 sectors;
    u8 media, cluster_sectors, root_entries, table_sectors, track_sectors, heads;
} old_formats[] = {
    {320, 0xfe, 1, 64, 1, 8, 1},
    {360, 0xfc, 1, 64, 2, 9, 1},
    {640, 0xff, 2, 112, 1, 8, 2},
    {720, 0xfd, 2, 112, 2, 9, 2},
};

/* --- the parameters --- */

/* From sizes to places. False if they do not fit into each other. */
static bool lay_out(struct fat *fat, u32 reserved, u32 root_entries)
{
    fat->root_entries = root_entries;
    u64 tables = (u64)fat->tables * fat->table_sectors;
    fat->root_sectors = (root_entries * FAT_ENTRY_BYTES + SECTOR_BYTES - 1) / SECTOR_BYTES;
    fat->table_start = reserved;
    if (reserved + tables + fat->root_sectors >= fat->sectors)
        return false;
    fat->root_start = reserved + (u32)tables;
    fat->data_start = fat->root_start + fat->root_sectors;
    fat->clusters = (fat->sectors - fat->data_start) / fat->cluster_sectors;
    fat->fat16 = fat->clusters >= FAT12_CLUSTERS;
    u64 entries = (u64)fat->clusters + FAT_FIRST_CLUSTER;
    u64 needed = fat->fat16 ? entries * 2 : (entries * 3 + 1) / 2;
    return fat->clusters && fat->clusters < FAT32_CLUSTERS &&
           needed <= (u64)fat->table_sectors * SECTOR_BYTES;
}

static bool is_power(u32 n)
{
    return n && !(n & (n - 1));
}

/* Whether `sector`, the first of `available`, describes a file system. */
static bool read_parameters(struct fat *fat, const u8 *sector, u64 available)
{
    u32 reserved = fat_word(sector + BPB_RESERVED), root_entries = fat_word(sector + BPB_ROOT_ENTRIES);
    fat->cluster_sectors = sector[BPB_CLUSTER_SECTORS];
    fat->tables = sector[BPB_TABLES];
    fat->table_sectors = fat_word(sector + BPB_TABLE_SECTORS);
    fat->sectors = fat_word(sector + BPB_SECTORS);
    if (!fat->sectors)
        fat->sectors = fat_long(sector + BPB_LARGE_SECTORS);
    /* LIMIT: sectors of other sizes, and the clusters of 64 KiB of Windows NT, are refused. */
    if (fat_word(sector + BPB_SECTOR_BYTES) != SECTOR_BYTES || !is_power(fat->cluster_sectors) ||
        fat->cluster_sectors > MAX_CLUSTER_SECTORS)
        return false;
    if (!reserved || !fat->tables || fat->tables > 4 || !fat->table_sectors || !root_entries ||
        sector[BPB_MEDIA] < 0xf0 || fat->sectors > available)
        return false;
    fat->media = sector[BPB_MEDIA];
    fat->track_sectors = fat_word(sector + BPB_TRACK_SECTORS);
    fat->heads = fat_word(sector + BPB_HEADS);
    return lay_out(fat, reserved, root_entries);
}

void fat_read_names(struct fat *fat, const u8 *sector)
{
    u8 signature = sector[BPB_SIGNATURE];
    memset(fat->label, 0, sizeof fat->label);
    if (signature == SIGNATURE_SERIAL || signature == SIGNATURE_LABEL)
        fat->serial = fat_long(sector + BPB_SERIAL);
    if (signature != SIGNATURE_LABEL || !memcmp(sector + BPB_LABEL, "NO NAME    ", LABEL_CHARS))
        return;
    memcpy(fat->label, sector + BPB_LABEL, LABEL_CHARS);
}

/* --- places to look --- */

static int try_at(struct fat *fat, u64 start, u64 available, bool *found)
{
    u8 sector[SECTOR_BYTES];
    int rc = block_read(fat->block, start, 1, sector);
    *found = !rc && read_parameters(fat, sector, available);
    if (*found) {
        fat->start = start;
        fat_read_names(fat, sector);
    }
    return rc;
}

static bool is_fat_partition(u8 type)
{
    return type == 0x01 || type == 0x04 || type == 0x06 || type == 0x0e;
}

/* LIMIT: not in extended partitions. */
static int try_partitions(struct fat *fat, bool *found)
{
    u8 sector[SECTOR_BYTES];
    u64 whole = block_sectors(fat->block);
    int rc = block_read(fat->block, 0, 1, sector);
    *found = false;
    if (rc || sector[BOOT_MAGIC] != 0x55 || sector[BOOT_MAGIC + 1] != 0xaa)
        return rc;
    for (u32 i = 0; i < TABLE_ENTRIES && !rc && !*found; i++) {
        const u8 *entry = sector + TABLE_AT + i * TABLE_ENTRY_BYTES;
        u64 first = fat_long(entry + TABLE_FIRST), sectors = fat_long(entry + TABLE_SECTORS);
        if (is_fat_partition(entry[TABLE_TYPE]) && first && first < whole && sectors <= whole - first)
            rc = try_at(fat, first, sectors, found);
    }
    return rc;
}

static int try_old_format(struct fat *fat, bool *found)
{
    u8 sector[SECTOR_BYTES];
    int rc = block_read(fat->block, 1, 1, sector);
    *found = false;
    for (u32 i = 0; i < ARRAY_LEN(old_formats) && !rc && !*found; i++) {
        const struct old_format *format = &old_formats[i];
        if (format->sectors != block_sectors(fat->block) || format->media != sector[0] || sector[1] != 0xff)
            continue;
        fat->sectors = format->sectors;
        fat->cluster_sectors = format->cluster_sectors;
        fat->tables = 2;
        fat->table_sectors = format->table_sectors;
        fat->media = format->media;
        fat->track_sectors = format->track_sectors;
        fat->heads = format->heads;
        *found = lay_out(fat, 1, format->root_entries);
    }
    return rc;
}

int fat_find(struct fat *fat, struct block *image, const char **why)
{
    bool found = false;
    fat->block = image;
    int rc = block_sectors(image) < 2 ? 0 : try_at(fat, 0, block_sectors(image), &found);
    if (!rc && !found && block_sectors(image) >= 2)
        rc = try_partitions(fat, &found);
    if (!rc && !found && block_sectors(image) >= 2)
        rc = try_old_format(fat, &found);
    if (!rc && !found)
        rc = -EINVAL;
    if (rc)
        *why = rc == -EINVAL ? no_file_system : strerror(-rc);
    return rc;
}
