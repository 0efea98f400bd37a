/* What is in the files of a FAT volume: following chains, moving bytes, growing and cutting.
 *
 * A file grows in this order: a chain for what is new is made in the table and written; old and new are
 * joined in memory only; the data are written; the joint and then the entry with the new size are written. */
#include "dos/volume/fat_impl.h"

#include <string.h>

enum { ZEROS = 64 * KIB };

static u32 cluster_bytes(const struct fat *fat)
{
    return fat->cluster_sectors * SECTOR_BYTES;
}

/* How many clusters hold so many bytes. */
static u32 clusters_for(const struct fat *fat, u32 bytes)
{
    return (u32)(((u64)bytes + cluster_bytes(fat) - 1) / cluster_bytes(fat));
}

/* --- chains --- */

/* The file's cluster number `index`. */
static enum dos_error locate(const struct fat *fat, struct fat_node *node, u32 index, u32 *cluster)
{
    bool from_known = node->known_cluster && node->known_index <= index;
    u32 at = from_known ? node->known_index : 0;
    *cluster = from_known ? node->known_cluster : node->first;
    if (index >= fat->clusters || !fat_in_range(fat, *cluster))
        return DOS_GENERAL_FAILURE;
    for (; at < index; at++) {
        enum dos_error error = fat_next(fat, *cluster, cluster);
        if (error || !*cluster)
            return DOS_GENERAL_FAILURE; /* shorter than the size says */
    }
    node->known_index = index;
    node->known_cluster = *cluster;
    return DOS_OK;
}

/* Cuts the chain after `keep` clusters, which it has, and frees the rest. In memory. */
static enum dos_error cut_chain(struct fat *fat, struct fat_node *node, u32 keep)
{
    u32 last, rest = node->first;
    if (keep) {
        enum dos_error error = locate(fat, node, keep - 1, &last);
        if (error)
            return error;
        if (fat_next(fat, last, &rest))
            rest = 0; /* nonsense follows, which nobody else will miss */
        fat_link(fat, last, 0);
    } else {
        node->first = node->known_cluster = 0;
    }
    fat_free_chain(fat, rest);
    return DOS_OK;
}

/* --- moving bytes within the chain --- */

/* A part of one sector. */
static enum dos_error move_part(struct fat *fat, u32 sector, u32 offset, u8 *buf, u32 bytes, bool write)
{
    u8 whole[SECTOR_BYTES];
    enum dos_error error = fat_read_sectors(fat, sector, 1, whole);
    if (error)
        return error;
    if (!write) {
        memcpy(buf, whole + offset, bytes);
        return DOS_OK;
    }
    memcpy(whole + offset, buf, bytes);
    return fat_write_sectors(fat, sector, 1, whole);
}

/* How many bytes from `index` on lie in clusters one after the other, up to `wanted`. */
static u32 run_bytes(const struct fat *fat, u32 cluster, u32 wanted)
{
    u32 bytes = cluster_bytes(fat), next;
    while (bytes < wanted && !fat_next(fat, cluster, &next) && next == cluster + 1) {
        bytes += cluster_bytes(fat);
        cluster = next;
    }
    return bytes;
}

/* As much as can be moved at once: whole sectors of neighbouring clusters, or a part of one sector. */
static enum dos_error move_some(struct fat *fat, struct fat_node *node, u32 offset, u8 *buf, u32 bytes,
                                bool write, u32 *moved)
{
    u32 cluster, within = offset % cluster_bytes(fat), part = offset % SECTOR_BYTES;
    enum dos_error error = locate(fat, node, offset / cluster_bytes(fat), &cluster);
    if (error)
        return error;
    u32 sector = fat_cluster_sector(fat, cluster) + within / SECTOR_BYTES;
    if (part || bytes < SECTOR_BYTES) {
        *moved = MIN(bytes, SECTOR_BYTES - part);
        return move_part(fat, sector, part, buf, *moved, write);
    }
    u32 wanted = MIN(bytes, 1u << 30); /* the sums stay in 32 bits */
    u32 sectors = MIN(wanted, run_bytes(fat, cluster, within + wanted) - within) / SECTOR_BYTES;
    *moved = sectors * SECTOR_BYTES;
    return write ? fat_write_sectors(fat, sector, sectors, buf) : fat_read_sectors(fat, sector, sectors, buf);
}

/* `buf` is only read with `write`. */
static enum dos_error move_bytes(struct fat *fat, struct fat_node *node, u32 offset, void *buf, u32 bytes,
                                 bool write, u32 *done)
{
    *done = 0;
    while (*done < bytes) {
        u32 moved = 0;
        enum dos_error error =
            move_some(fat, node, offset + *done, (u8 *)buf + *done, bytes - *done, write, &moved);
        if (error)
            return error;
        *done += moved;
    }
    return DOS_OK;
}

static enum dos_error write_zeros(struct fat *fat, struct fat_node *node, u32 from, u32 to)
{
    static const u8 zeros[ZEROS];
    enum dos_error error = DOS_OK;
    while (from < to && !error) {
        u32 done;
        error = move_bytes(fat, node, from, (void *)zeros, MIN(to - from, (u32)ZEROS), true, &done);
        from += done;
    }
    return error;
}

enum dos_error fat_read(void *volume, struct volume_file *file, u32 offset, void *buf, u32 bytes, u32 *done)
{
    u32 size = file->node->size;
    *done = 0;
    if (!(file->access & VOLUME_READ))
        return DOS_ACCESS_DENIED;
    return move_bytes(volume, file->node, offset, buf, offset < size ? MIN(bytes, size - offset) : 0, false,
                      done);
}

/* --- growing --- */

/* The largest size that the file can get. */
static u32 largest_size(const struct fat *fat, const struct fat_node *node)
{
    u64 bytes = (u64)(clusters_for(fat, node->size) + fat->free) * cluster_bytes(fat);
    return bytes > UINT32_MAX ? UINT32_MAX : (u32)bytes;
}

static void join(struct fat *fat, struct fat_node *node, u32 last, u32 first)
{
    if (last)
        fat_link(fat, last, first);
    else
        node->first = first;
}

/* Gives the file `more` clusters. The chain of them is on the medium, what joins them to the file is not;
 * *last is where, 0 if the file had none. */
static enum dos_error lengthen_chain(struct fat *fat, struct fat_node *node, u32 more, u32 *last, u32 *first)
{
    u32 have = clusters_for(fat, node->size);
    *last = *first = 0;
    enum dos_error error = have ? locate(fat, node, have - 1, last) : DOS_OK;
    if (!error)
        error = cut_chain(fat, node, have); /* what is there beyond the size */
    if (!error)
        error = fat_allocate(fat, more, first);
    if (error)
        return error;
    error = fat_flush_table(fat);
    if (error)
        fat_free_chain(fat, *first);
    else
        join(fat, node, *last, *first);
    return error;
}

static void shorten_again(struct fat *fat, struct fat_node *node, u32 last, u32 first)
{
    if (!first)
        return;
    join(fat, node, last, 0);
    node->known_cluster = 0;
    fat_free_chain(fat, first);
    enum dos_error error = fat_flush_table(fat);
    (void)error; /* there was another before it */
}

/* Makes the file `size` long, larger than it is and at most largest_size. The end of it is `bytes` from
 * `buf`; what is between that and the old end, zeros. Nothing is changed on error. */
static enum dos_error grow(struct fat *fat, struct fat_node *node, u32 size, const void *buf, u32 bytes)
{
    u32 last = 0, first = 0, done, more = clusters_for(fat, size) - clusters_for(fat, node->size);
    enum dos_error error = more ? lengthen_chain(fat, node, more, &last, &first) : DOS_OK;
    if (error)
        return error;
    if (size - bytes > node->size)
        error = write_zeros(fat, node, node->size, size - bytes);
    if (!error)
        error = move_bytes(fat, node, size - bytes, (void *)buf, bytes, true, &done);
    if (!error)
        error = fat_flush_table(fat);
    u32 old = node->size;
    node->size = size;
    if (!error)
        error = fat_store_node(fat, node, true);
    if (error) {
        node->size = old;
        shorten_again(fat, node, last, first);
    }
    return error;
}

enum dos_error fat_write(void *volume, struct volume_file *file, u32 offset, const void *buf, u32 bytes,
                         u32 *done)
{
    struct fat *fat = volume;
    struct fat_node *node = file->node;
    *done = 0;
    if (!(file->access & VOLUME_WRITE))
        return DOS_ACCESS_DENIED;
    u32 room = largest_size(fat, node);
    bytes = offset < room ? MIN(bytes, room - offset) : 0;
    if (!bytes)
        return DOS_OK;
    file->written = true;
    if (offset + bytes <= node->size)
        return move_bytes(fat, node, offset, (void *)buf, bytes, true, done);
    enum dos_error error = grow(fat, node, offset + bytes, buf, bytes);
    *done = error ? 0 : bytes;
    return error;
}

/* --- cutting --- */

static enum dos_error cut(struct fat *fat, struct fat_node *node, u32 size)
{
    u32 first = node->first, old = node->size, last;
    if (size) { /* see that there is such a place before anything is changed */
        enum dos_error error = locate(fat, node, clusters_for(fat, size) - 1, &last);
        if (error)
            return error;
    }
    node->size = size;
    node->first = size ? first : 0;
    enum dos_error error = fat_store_node(fat, node, true);
    node->first = first;
    if (error) {
        node->size = old;
        return error;
    }
    error = cut_chain(fat, node, clusters_for(fat, size));
    return error ? error : fat_flush_table(fat);
}

enum dos_error fat_set_size(void *volume, struct volume_file *file, u32 bytes)
{
    struct fat *fat = volume;
    struct fat_node *node = file->node;
    if (!(file->access & VOLUME_WRITE))
        return DOS_ACCESS_DENIED;
    file->written = true;
    if (bytes <= node->size)
        return bytes < node->size ? cut(fat, node, bytes) : DOS_OK;
    if (bytes > largest_size(fat, node))
        return DOS_HANDLE_DISK_FULL;
    return grow(fat, node, bytes, NULL, 0);
}
