/* What the files of the FAT volume share (fat*.c). Microsoft, "FAT: General Overview of On-Disk
 * Format", 1.03.
 *
 * Nothing in an image is trusted. Sectors are counted from the file system's first and checked against its
 * end, cluster numbers against the number of clusters, chains against more steps than there are clusters;
 * what is wrong is DOS_GENERAL_FAILURE for the one operation. The table is kept in memory and written when an
 * operation needs it on the medium. Writes are ordered so that a crash leaves at worst clusters that belong
 * to nobody or lie beyond the end of a file: a chain is on the medium before something refers to it, and
 * nothing refers to it when it is freed. */
#ifndef HUDDLE_DOS_VOLUME_FAT_IMPL_H
#define HUDDLE_DOS_VOLUME_FAT_IMPL_H

#include "dev/block.h"
#include "dos/volume/volume.h"

enum {
    FAT_ENTRY_BYTES = 32,
    FAT_ENTRIES_PER_SECTOR = SECTOR_BYTES / FAT_ENTRY_BYTES,
    FAT_LONG_PARTS = 20,                                      /* entries of a long name, at most */
    FAT_DIRECTORY_SECTORS = 0x10000 / FAT_ENTRIES_PER_SECTOR, /* longer ones are loops */
    FAT_FIRST_CLUSTER = 2,
    FAT_ROOT = 0, /* as a directory's first cluster */
    FAT_LONG_NAME = DOS_ATTR_READ_ONLY | DOS_ATTR_HIDDEN | DOS_ATTR_SYSTEM | DOS_ATTR_LABEL,
};

/* Offsets in a directory entry, and what its first byte can mean. */
enum {
    FAT_NAME = 0,
    FAT_ATTRIBUTES = 11,
    FAT_LONG_CHECKSUM = 13,
    FAT_CREATED = 14, /* time and date, and date of last access: of later systems */
    FAT_ACCESSED = 18,
    FAT_TIME = 22,
    FAT_DATE = 24,
    FAT_CLUSTER = 26,
    FAT_SIZE = 28,
    FAT_NAME_CHARS = 11,
    FAT_UNUSED = 0x00, /* and so is all that follows */
    FAT_DELETED = 0xe5,
    FAT_IS_E5 = 0x05,
};

/* An open file; handles of one file share it. */
struct fat_node {
    u32 sector, offset; /* where its entry is */
    u32 first, size;
    u32 known_index, known_cluster; /* a place in its chain; 0: none */
    u32 handles;
    struct fat_node *next;
};

struct fat {
    struct block *block;
    u64 start;   /* of the file system in the image */
    u32 sectors; /* all counted from there */
    u32 cluster_sectors;
    u32 tables, table_start, table_sectors;
    u32 root_start, root_sectors;
    u32 data_start;
    u32 clusters;
    u32 root_entries, track_sectors, heads;
    u8 media;
    bool fat16;
    u8 *table;   /* as on the medium */
    bool *stale; /* per sector of the table: differs from the medium */
    u32 free;
    u32 hint; /* where to look for a free cluster */
    u32 serial;
    char label[12]; /* of the boot sector */
    struct fat_node *nodes;
};

/* A place in a directory and what is there. */
struct fat_slot {
    u32 sector, offset;
    u8 raw[FAT_ENTRY_BYTES];
    u32 long_parts; /* entries of its long name, before it */
    struct {
        u32 sector, offset;
    } long_part[FAT_LONG_PARTS];
};

/* Going through a directory. */
struct fat_walk {
    struct fat *fat;
    u32 cluster;      /* FAT_ROOT in the root */
    u32 sector, left; /* the current one, and how many follow it in its cluster or in the root */
    u32 sectors;      /* seen so far */
    u32 entry;        /* in the sector: the next */
    u8 bytes[SECTOR_BYTES];
};

static inline u32 fat_word(const u8 *at)
{
    return at[0] | (u32)at[1] << 8;
}

static inline u32 fat_long(const u8 *at)
{
    return fat_word(at) | fat_word(at + 2) << 16;
}

static inline void fat_put_word(u8 *at, u32 value)
{
    at[0] = (u8)value;
    at[1] = (u8)(value >> 8);
}

static inline void fat_put_long(u8 *at, u32 value)
{
    fat_put_word(at, value);
    fat_put_word(at + 2, value >> 16);
}

/* --- fat_boot.c --- */

/* Finds the file system and fills all that describes it. 0, or -errno and *why in words. */
must_check int fat_find(struct fat *fat, struct block *image, const char **why);
/* Serial number and label as the boot sector has them. */
void fat_read_names(struct fat *fat, const u8 *sector);

/* --- fat_table.c --- */

enum dos_error fat_read_sectors(struct fat *fat, u32 sector, u32 count, void *buf);
enum dos_error fat_write_sectors(struct fat *fat, u32 sector, u32 count, const void *buf);
/* The first sector of a cluster in range. */
u32 fat_cluster_sector(const struct fat *fat, u32 cluster);
bool fat_in_range(const struct fat *fat, u32 cluster);

/* Reads the table and counts what is free. */
enum dos_error fat_load_table(struct fat *fat);
/* `count` sectors of the table, from `first` on, anew from its first copy. */
enum dos_error fat_reload_table(struct fat *fat, u32 first, u32 count);
/* Writes what has changed of it, to every copy. */
enum dos_error fat_flush_table(struct fat *fat);
/* *next: what follows `cluster`, which is in range; 0 at the end of the chain. */
enum dos_error fat_next(const struct fat *fat, u32 cluster, u32 *next);
/* `next` 0: the chain ends at `cluster`, which is in range. */
void fat_link(struct fat *fat, u32 cluster, u32 next);
/* A chain of `count` clusters, in the table in memory. DOS_HANDLE_DISK_FULL, and nothing is changed, if there
 * are not so many. */
enum dos_error fat_allocate(struct fat *fat, u32 count, u32 *first);
/* Frees what follows from `first` as far as it makes sense; 0 is allowed. In memory. */
void fat_free_chain(struct fat *fat, u32 first);

/* --- fat_directory.c --- */

/* Whether the name is one that a path can have, and it. */
bool fat_get_name(const u8 *raw, char name[DOS_NAME_BYTES]);
void fat_put_name(u8 *raw, const char *name);
/* An entry as the guest sees it, but for the name. */
void fat_get_entry(const u8 *raw, struct dos_entry *entry);
/* Date and time of now. */
void fat_touch(u8 *raw);

/* From the first entry of the directory. */
enum dos_error fat_walk_begin(struct fat *fat, u32 directory, struct fat_walk *walk);
/* The next entry that is in use, labels too, long names left out. DOS_NO_MORE_FILES after the last. */
enum dos_error fat_walk_next(struct fat_walk *walk, struct fat_slot *slot);

enum dos_error fat_look_up(struct fat *fat, u32 directory, const char *name, struct fat_slot *slot);
/* The first cluster of a directory's entry. */
enum dos_error fat_get_directory(const struct fat *fat, const u8 *raw, u32 *directory);
/* The directory `path`; with `last` the one that it is in, and its last component. */
enum dos_error fat_enter(struct fat *fat, const char *path, u32 *directory);
enum dos_error fat_enter_parent(struct fat *fat, const char *path, u32 *directory, char last[DOS_NAME_BYTES]);
/* What is at `path`, which is not "". */
enum dos_error fat_resolve(struct fat *fat, const char *path, struct fat_slot *slot);

/* A free place for an entry, in a directory that grows if it must; DOS_ACCESS_DENIED if it cannot. Only
 * sector and offset are filled. Nobody must take it before it is written. */
enum dos_error fat_reserve(struct fat *fat, u32 directory, struct fat_slot *slot);
/* Writes slot->raw. */
enum dos_error fat_write_slot(struct fat *fat, const struct fat_slot *slot);
/* Takes away the entry, then its long name; the latter alone. */
enum dos_error fat_erase_slot(struct fat *fat, const struct fat_slot *slot);
enum dos_error fat_erase_long_name(struct fat *fat, const struct fat_slot *slot);
/* Makes the first cluster of a new directory, and writes it: "." and "..". */
enum dos_error fat_write_empty_directory(struct fat *fat, u32 cluster, u32 parent);

/* --- fat_file.c --- */

/* The open file whose entry is there, or NULL. */
struct fat_node *fat_find_node(struct fat *fat, u32 sector, u32 offset);

enum dos_error fat_open(void *volume, const char *path, u32 access, struct volume_file **file);
enum dos_error fat_create(void *volume, const char *path, u8 attributes, bool fresh,
                          struct volume_file **file);
void fat_close_file(void *volume, struct volume_file *file);
enum dos_error fat_stat_file(void *volume, struct volume_file *file, struct dos_entry *entry);
enum dos_error fat_set_time(void *volume, struct volume_file *file, u16 date, u16 time);
enum dos_error fat_commit(void *volume, struct volume_file *file);

struct volume_file {
    struct fat_node *node;
    u32 access;
    bool written; /* and the entry not yet touched since */
};

/* Sets size and first cluster as the node has them, and with `touch` date, time and "archive". */
enum dos_error fat_store_node(struct fat *fat, const struct fat_node *node, bool touch);

/* --- fat_content.c --- */

enum dos_error fat_read(void *volume, struct volume_file *file, u32 offset, void *buf, u32 bytes, u32 *done);
enum dos_error fat_write(void *volume, struct volume_file *file, u32 offset, const void *buf, u32 bytes,
                         u32 *done);
enum dos_error fat_set_size(void *volume, struct volume_file *file, u32 bytes);

/* --- fat_sector.c --- */

void fat_geometry(void *volume, struct dos_geometry *geometry);
enum dos_error fat_read_medium(void *volume, u32 sector, u32 count, void *buf);
enum dos_error fat_write_medium(void *volume, u32 sector, u32 count, const void *buf);

/* --- fat_change.c --- */

enum dos_error fat_set_attributes(void *volume, const char *path, u8 attributes);
enum dos_error fat_remove(void *volume, const char *path);
enum dos_error fat_rename(void *volume, const char *from, const char *to);
enum dos_error fat_make_directory(void *volume, const char *path);
enum dos_error fat_remove_directory(void *volume, const char *path);

#endif
