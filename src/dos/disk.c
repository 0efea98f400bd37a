/* Drives as disks: how they are laid out, their serial number and label. INT 21h AH=1Fh, 32h, 69h, AX=440Dh. Undocumented DOS, 2nd
 * ed.; MS-DOS Programmer's Reference, "Device-driver control". A directory of the host is described as a hard disk of its size, but has
 * no sectors. */
#include "dos/dos_impl.h"

#include <string.h>

enum { MEDIA_HARD_DISK = 0xf8, SECTOR = 512, ROOT_ENTRY = 32, FAT16_CLUSTERS = 4085 };

bool disk_has_sectors(const struct dos *dos, u8 drive)
{
    return drive_volume(dos, drive)->class->read_sectors;
}

static struct dos_space space_of(struct dos *dos, u8 drive)
{
    struct volume *volume = drive_volume(dos, drive);
    struct dos_space space = {.sector_bytes = SECTOR, .cluster_sectors = 1};
    struct dos_space told;
    return volume->class->space(volume->object, &told) ? space : told;
}

static u32 data_first(const struct dos_geometry *g)
{
    return g->reserved + (u32)g->tables * g->table_sectors + (g->root_entries * ROOT_ENTRY + SECTOR - 1) / SECTOR;
}

void disk_geometry(struct dos *dos, u8 drive, struct dos_geometry *geometry)
{
    enum { TRACK_SECTORS = 63, HEADS = 16, ROOT_ENTRIES = 512 };
    struct volume *volume = drive_volume(dos, drive);
    if (volume->class->geometry) {
        volume->class->geometry(volume->object, geometry);
        return;
    }
    struct dos_space space = space_of(dos, drive);
    *geometry = (struct dos_geometry){.reserved = 1, .root_entries = ROOT_ENTRIES, .track_sectors = TRACK_SECTORS, .heads = HEADS,
                                      .hidden = TRACK_SECTORS, .cluster_sectors = (u8)space.cluster_sectors, .tables = 2,
                                      .media = MEDIA_HARD_DISK};
    geometry->table_sectors = (u16)(((space.clusters + 2u) * 2 + SECTOR - 1) / SECTOR);
    geometry->sectors = data_first(geometry) + space.clusters * space.cluster_sectors;
}

bool disk_is_fixed(struct dos *dos, u8 drive)
{
    struct dos_geometry geometry;
    disk_geometry(dos, drive, &geometry);
    return geometry.media == MEDIA_HARD_DISK;
}

/* --- AH=1Fh, 32h --- */

void disk_write_dpb(struct dos *dos, u8 drive, u16 next)
{
    struct __attribute__((packed)) {
        u8 drive, unit;
        u16 sector_bytes;
        u8 cluster_mask, cluster_shift;
        u16 fat_first;
        u8 fats;
        u16 root_entries, data_first, last_cluster, fat_sectors, root_first;
        u32 header;
        u8 media, must_read;
        u32 next;
        u16 search_from, free;
    } dpb = {.drive = drive, .unit = drive, .sector_bytes = SECTOR, .header = in_dos(LOL + LOL_NUL),
             .next = next ? in_dos(next) : 0xffffffffu, .free = 0xffff};
    _Static_assert(sizeof dpb == DPB_BYTES, "as DOS lays it out");
    struct dos_geometry g;
    disk_geometry(dos, drive, &g);
    dpb.cluster_mask = (u8)(g.cluster_sectors - 1);
    while (1u << dpb.cluster_shift < g.cluster_sectors)
        dpb.cluster_shift++;
    dpb.fat_first = g.reserved;
    dpb.fats = g.tables;
    dpb.root_entries = g.root_entries;
    dpb.data_first = (u16)data_first(&g);
    dpb.last_cluster = (u16)MIN((u32)space_of(dos, drive).clusters + 1, 0xfff6u);
    dpb.fat_sectors = g.table_sectors;
    dpb.root_first = (u16)(g.reserved + g.tables * g.table_sectors);
    dpb.media = g.media;
    guest_write(dos, in_dos((u16)(DPB + drive * DPB_BYTES)), &dpb, sizeof dpb);
}

enum dos_next int21_dpb(struct dos *dos)
{
    int drive = drive_of_number(dos, reg_high(dos, CPU_EAX) == 0x1f ? 0 : reg_low(dos, CPU_EDX));
    if (drive < 0) {
        set_low(dos, CPU_EAX, 0xff);
        return DOS_RETURN;
    }
    set_low(dos, CPU_EAX, 0);
    set_sreg(dos, CPU_DS, DOS_SEG);
    set_reg16(dos, CPU_EBX, (u16)(DPB + drive * DPB_BYTES));
    return DOS_RETURN;
}

/* --- serial number and label --- */

/* Where they are in a boot sector that has them. */
enum { BOOT_SIGNATURE = 0x26, BOOT_SERIAL = 0x27, HAS_ALL = 0x29 };

struct __attribute__((packed)) media_id {
    u16 level;
    u32 serial;
    char label[11], kind[8];
};
_Static_assert(sizeof(struct media_id) == 25, "as DOS lays it out");
enum { ID_BYTES = sizeof(struct media_id) - sizeof(u16) };

static enum dos_error move_boot_sector(struct dos *dos, u8 drive, bool write, u8 sector[SECTOR])
{
    struct volume *volume = drive_volume(dos, drive);
    struct dos_geometry geometry;
    disk_geometry(dos, drive, &geometry);
    return write ? volume->class->write_sectors(volume->object, geometry.hidden, 1, sector) :
                   volume->class->read_sectors(volume->object, geometry.hidden, 1, sector);
}

static enum dos_next get_media_id(struct dos *dos, u8 drive)
{
    struct volume *volume = drive_volume(dos, drive);
    struct media_id id = {.serial = volume->serial};
    u8 sector[SECTOR];
    char label[12];
    volume->class->label(volume->object, label);
    memset(id.label, ' ', sizeof id.label);
    memcpy(id.label, *label ? label : "NO NAME", strlen(*label ? label : "NO NAME"));
    memcpy(id.kind, space_of(dos, drive).clusters < FAT16_CLUSTERS ? "FAT12   " : "FAT16   ", sizeof id.kind);
    if (disk_has_sectors(dos, drive)) {
        enum dos_error error = move_boot_sector(dos, drive, false, sector);
        if (error)
            return dos_fail(dos, error);
        if (sector[BOOT_SIGNATURE] == HAS_ALL)
            memcpy(&id.serial, sector + BOOT_SERIAL, ID_BYTES);
    }
    guest_write(dos, ds_dx(dos), &id, sizeof id);
    return dos_ok(dos);
}

/* Into the boot sector, where there is room for it. */
static enum dos_next set_media_id(struct dos *dos, u8 drive)
{
    struct media_id id;
    u8 sector[SECTOR];
    if (!disk_has_sectors(dos, drive))
        return dos_fail(dos, DOS_ACCESS_DENIED);
    guest_read(dos, ds_dx(dos), &id, sizeof id);
    enum dos_error error = move_boot_sector(dos, drive, false, sector);
    if (!error && sector[BOOT_SIGNATURE] != HAS_ALL)
        error = DOS_INVALID_FUNCTION;
    if (!error) {
        memcpy(sector + BOOT_SERIAL, &id.serial, ID_BYTES);
        error = move_boot_sector(dos, drive, true, sector);
    }
    return error ? dos_fail(dos, error) : dos_ok(dos);
}

/* AH=69h: AL=0 get, 1 set. */
enum dos_next int21_serial(struct dos *dos)
{
    int drive = drive_of_number(dos, reg_low(dos, CPU_EBX));
    if (reg_low(dos, CPU_EAX) > 1)
        return dos_fail(dos, DOS_INVALID_FUNCTION);
    if (drive < 0)
        return dos_fail(dos, DOS_INVALID_DRIVE);
    return reg_low(dos, CPU_EAX) ? set_media_id(dos, (u8)drive) : get_media_id(dos, (u8)drive);
}

/* --- AX=440Dh --- */

enum disk_function {
    SET_PARAMETERS = 0x40,
    WRITE_TRACK = 0x41,
    SET_MEDIA_ID = 0x46,
    SET_ACCESS = 0x47,
    GET_PARAMETERS = 0x60,
    READ_TRACK = 0x61,
    VERIFY_TRACK = 0x62,
    GET_MEDIA_ID = 0x66,
    GET_ACCESS = 0x67,
};

/* LIMIT: WRITE_TRACK's neighbour, formatting (42h), is missing, as is a disk that changes: SET_PARAMETERS is taken and forgotten. */
bool disk_ioctl_known(const struct dos *dos, u8 drive, u16 function)
{
    enum { DISK = 0x0800 };
    switch (function) {
    case DISK | SET_PARAMETERS:
    case DISK | WRITE_TRACK:
    case DISK | READ_TRACK:
    case DISK | VERIFY_TRACK:
    case DISK | SET_MEDIA_ID:
        return disk_has_sectors(dos, drive);
    case DISK | SET_ACCESS:
    case DISK | GET_PARAMETERS:
    case DISK | GET_MEDIA_ID:
    case DISK | GET_ACCESS:
        return true;
    default:
        return false;
    }
}

static u8 kind_of_drive(const struct dos_geometry *g)
{
    enum { KB_360, MB_1_2, KB_720, FIXED = 5, MB_1_44 = 7, MB_2_88 = 9 };
    if (g->media == MEDIA_HARD_DISK)
        return FIXED;
    return g->sectors <= 720 ? KB_360 : g->track_sectors == 15 ? MB_1_2 : g->sectors == 1440 ? KB_720 :
           g->track_sectors == 36 ? MB_2_88 : MB_1_44;
}

static enum dos_next get_parameters(struct dos *dos, u8 drive)
{
    enum { IS_FIXED = 1, HAS_CHANGE_LINE = 2 };
    struct __attribute__((packed)) {
        u8 special, kind;
        u16 attributes, cylinders;
        u8 medium;
        u16 sector_bytes;
        u8 cluster_sectors;
        u16 reserved;
        u8 tables;
        u16 root_entries, sectors;
        u8 media;
        u16 table_sectors, track_sectors, heads;
        u32 hidden, large_sectors;
        u8 unused[6];
    } p = {.sector_bytes = SECTOR};
    _Static_assert(sizeof p == 38, "as DOS lays it out");
    struct dos_geometry g;
    disk_geometry(dos, drive, &g);
    u64 cylinder = (u64)g.track_sectors * g.heads;
    p.special = guest_u8(dos, ds_dx(dos));
    p.kind = kind_of_drive(&g);
    p.attributes = g.media == MEDIA_HARD_DISK ? IS_FIXED : HAS_CHANGE_LINE;
    p.cylinders = (u16)MIN((g.hidden + (u64)g.sectors + cylinder - 1) / cylinder, (u64)UINT16_MAX);
    p.cluster_sectors = g.cluster_sectors;
    p.reserved = g.reserved;
    p.tables = g.tables;
    p.root_entries = g.root_entries;
    p.sectors = (u16)(g.sectors <= UINT16_MAX ? g.sectors : 0);
    p.large_sectors = p.sectors ? 0 : g.sectors;
    p.media = g.media;
    p.table_sectors = g.table_sectors;
    p.track_sectors = g.track_sectors;
    p.heads = g.heads;
    p.hidden = g.hidden;
    guest_write(dos, ds_dx(dos), &p, sizeof p);
    return dos_ok(dos);
}

/* Sectors of one track, counted from the medium's first: the partition table can be reached like this. */
static enum dos_next move_track(struct dos *dos, u8 drive, bool write)
{
    struct __attribute__((packed)) {
        u8 special;
        u16 head, cylinder, sector, count;
        u32 buffer;
    } track;
    struct dos_geometry g;
    guest_read(dos, ds_dx(dos), &track, sizeof track);
    disk_geometry(dos, drive, &g);
    if (track.head >= g.heads || (u32)track.sector + track.count > g.track_sectors)
        return dos_fail(dos, DOS_SECTOR_NOT_FOUND);
    u64 first = ((u64)track.cylinder * g.heads + track.head) * g.track_sectors + track.sector;
    enum dos_error error = first > UINT32_MAX ? DOS_SECTOR_NOT_FOUND :
                                                disk_transfer(dos, drive, write, (u32)first, track.count, track.buffer);
    return error ? dos_fail(dos, error) : dos_ok(dos);
}

/* It is good if it is there: its last sector can be read. */
static enum dos_next verify_track(struct dos *dos, u8 drive)
{
    struct __attribute__((packed)) {
        u8 special;
        u16 head, cylinder;
    } track;
    struct dos_geometry g;
    struct volume *volume = drive_volume(dos, drive);
    u8 sector[SECTOR];
    guest_read(dos, ds_dx(dos), &track, sizeof track);
    disk_geometry(dos, drive, &g);
    u64 last = ((u64)track.cylinder * g.heads + track.head + 1) * g.track_sectors - 1;
    enum dos_error error = track.head >= g.heads || last > UINT32_MAX ?
                               DOS_SECTOR_NOT_FOUND : volume->class->read_sectors(volume->object, (u32)last, 1, sector);
    return error ? dos_fail(dos, error) : dos_ok(dos);
}

enum dos_next disk_ioctl(struct dos *dos, u8 drive)
{
    enum { ALLOWED_AT = 1, ALLOWED = 1 };
    if (!disk_ioctl_known(dos, drive, reg16(dos, CPU_ECX)))
        return dos_fail(dos, DOS_INVALID_FUNCTION);
    switch (reg_low(dos, CPU_ECX)) {
    case GET_PARAMETERS:
        return get_parameters(dos, drive);
    case READ_TRACK:
        return move_track(dos, drive, false);
    case WRITE_TRACK:
        return move_track(dos, drive, true);
    case VERIFY_TRACK:
        return verify_track(dos, drive);
    case GET_MEDIA_ID:
        return get_media_id(dos, drive);
    case SET_MEDIA_ID:
        return set_media_id(dos, drive);
    case GET_ACCESS:
        guest_put_u8(dos, ds_dx(dos) + ALLOWED_AT, ALLOWED);
        return dos_ok(dos);
    default: /* SET_ACCESS, SET_PARAMETERS */
        return dos_ok(dos);
    }
}
