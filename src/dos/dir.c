/* Drives and directories: INT 21h AH=0Eh, 19h, 1Bh, 1Ch, 36h, 39h-3Bh, 41h, 43h, 47h, 56h, 60h. */
#include "dos/dos_impl.h"

#include <stdio.h>
#include <string.h>

enum { SETTABLE = DOS_ATTR_READ_ONLY | DOS_ATTR_HIDDEN | DOS_ATTR_SYSTEM | DOS_ATTR_ARCHIVE };

static const struct volume_class *class_of(const struct dos *dos, u8 drive, void **object)
{
    struct volume *volume = drive_volume(dos, drive);
    *object = volume->object;
    return volume->class;
}

/* A path at `at` that is no device and has no wildcards. */
static enum dos_error plain_path(struct dos *dos, far_t at, struct dos_path *path)
{
    enum dos_error error = path_parse_at(dos, at, path);
    if (!error && path->device)
        return DOS_ACCESS_DENIED;
    return !error && path->wild ? DOS_PATH_NOT_FOUND : error;
}

static enum dos_next finish(struct dos *dos, enum dos_error error)
{
    return error ? dos_fail(dos, error) : dos_ok(dos);
}

/* --- drives --- */

enum dos_next int21_select_drive(struct dos *dos)
{
    u8 drive = reg_low(dos, CPU_EDX);
    if (drive_volume(dos, drive))
        guest_put_u8(dos, in_dos(SDA + SDA_DRIVE), drive);
    set_low(dos, CPU_EAX, DOS_DRIVES);
    return DOS_RETURN;
}

enum dos_next int21_get_drive(struct dos *dos)
{
    set_low(dos, CPU_EAX, current_drive(dos));
    return DOS_RETURN;
}

static bool space_of(struct dos *dos, u8 number, struct dos_space *space)
{
    int drive = drive_of_number(dos, number);
    void *object;
    if (drive < 0)
        return false;
    const struct volume_class *class = class_of(dos, (u8)drive, &object);
    return class->space(object, space) == DOS_OK;
}

enum dos_next int21_free_space(struct dos *dos)
{
    struct dos_space space;
    if (!space_of(dos, reg_low(dos, CPU_EDX), &space)) {
        set_reg16(dos, CPU_EAX, 0xffff);
        return DOS_RETURN;
    }
    set_reg16(dos, CPU_EAX, (u16)space.cluster_sectors);
    set_reg16(dos, CPU_EBX, space.free_clusters);
    set_reg16(dos, CPU_ECX, (u16)space.sector_bytes);
    set_reg16(dos, CPU_EDX, space.clusters);
    return DOS_RETURN;
}

enum { DPB_MEDIA = 0x17 };

/* AH=1Bh (current drive), 1Ch (DL). */
enum dos_next int21_allocation(struct dos *dos)
{
    u8 number = reg_high(dos, CPU_EAX) == 0x1b ? 0 : reg_low(dos, CPU_EDX);
    struct dos_space space;
    if (!space_of(dos, number, &space)) {
        set_low(dos, CPU_EAX, 0xff);
        return DOS_RETURN;
    }
    set_low(dos, CPU_EAX, (u8)space.cluster_sectors);
    set_reg16(dos, CPU_ECX, (u16)space.sector_bytes);
    set_reg16(dos, CPU_EDX, space.clusters);
    set_sreg(dos, CPU_DS, DOS_SEG);
    set_reg16(dos, CPU_EBX, (u16)(DPB + drive_of_number(dos, number) * DPB_BYTES + DPB_MEDIA));
    return DOS_RETURN;
}

static void write_cds(struct dos *dos, u8 drive)
{
    u8 cds[CDS_BYTES] = {'A' + drive, ':', '\\'};
    u16 flags = drive_volume(dos, drive) ? CDS_PHYSICAL : 0;
    u32 dpb = in_dos((u16)(DPB + drive * DPB_BYTES));
    memcpy(cds + CDS_FLAGS, &flags, sizeof flags);
    memcpy(cds + CDS_DPB, &dpb, sizeof dpb);
    memset(cds + CDS_CLUSTER, 0xff, 6);
    cds[CDS_ROOT] = 2;
    guest_write(dos, in_dos((u16)(CDS + drive * CDS_BYTES)), cds, sizeof cds);
}

void drives_boot(struct dos *dos)
{
    u16 next = 0;
    u8 count = 0;
    for (u8 drive = DOS_DRIVES; drive-- > 0;) {
        write_cds(dos, drive);
        if (!drive_volume(dos, drive))
            continue;
        disk_write_dpb(dos, drive, next);
        next = (u16)(DPB + drive * DPB_BYTES);
        count++;
    }
    guest_put_u32(dos, in_dos(LOL + LOL_DPB), in_dos(next));
    guest_put_u32(dos, in_dos(LOL + LOL_CDS), in_dos(CDS));
    guest_put_u8(dos, in_dos(LOL + LOL_BLOCK_DEVICES), count);
    guest_put_u8(dos, in_dos(LOL + LOL_LASTDRIVE), DOS_DRIVES);
    guest_put_u8(dos, in_dos(LOL + LOL_BOOT_DRIVE), (u8)(dos->config.boot_drive - 'A' + 1));
    guest_put_u8(dos, in_dos(SDA + SDA_DRIVE), (u8)(dos->config.boot_drive - 'A'));
}

/* --- directories --- */

enum dos_next int21_mkdir(struct dos *dos)
{
    struct dos_path path;
    void *object;
    enum dos_error error = plain_path(dos, ds_dx(dos), &path);
    if (!error && !path.path[0])
        error = DOS_ACCESS_DENIED;
    if (!error)
        error = class_of(dos, path.drive, &object)->make_directory(object, path.path);
    return finish(dos, error == DOS_FILE_EXISTS ? DOS_ACCESS_DENIED : error);
}

static bool is_current(const struct dos *dos, const struct dos_path *path)
{
    char current[DOS_PATH_BYTES];
    current_directory(dos, path->drive, current);
    return strcmp(current, path->path) == 0;
}

enum dos_next int21_rmdir(struct dos *dos)
{
    struct dos_path path;
    void *object;
    enum dos_error error = plain_path(dos, ds_dx(dos), &path);
    if (!error && !path.path[0])
        error = DOS_ACCESS_DENIED;
    if (!error && is_current(dos, &path))
        error = DOS_CURRENT_DIRECTORY;
    if (!error)
        error = class_of(dos, path.drive, &object)->remove_directory(object, path.path);
    if (!error)
        find_removed(dos, path.drive);
    return finish(dos, error);
}

/* A path that must be a directory. */
static enum dos_error directory_path(struct dos *dos, far_t at, struct dos_path *path)
{
    struct dos_entry entry;
    void *object;
    enum dos_error error = plain_path(dos, at, path);
    if (error)
        return error == DOS_FILE_NOT_FOUND ? DOS_PATH_NOT_FOUND : error;
    error = class_of(dos, path->drive, &object)->find(object, path->path, &entry);
    if (!error && !(entry.attributes & DOS_ATTR_DIRECTORY))
        return DOS_PATH_NOT_FOUND;
    return error == DOS_FILE_NOT_FOUND ? DOS_PATH_NOT_FOUND : error;
}

enum dos_next int21_chdir(struct dos *dos)
{
    struct dos_path path;
    char text[CDS_PATH_BYTES + 16];
    enum dos_error error = directory_path(dos, ds_dx(dos), &path);
    if (error)
        return dos_fail(dos, error);
    snprintf(text, sizeof text, "%c:\\%s", 'A' + path.drive, path.path);
    guest_write(dos, in_dos((u16)(CDS + path.drive * CDS_BYTES + CDS_PATH)), text, (u32)strlen(text) + 1);
    return dos_ok(dos);
}

/* AH=47h: without drive and first '\'. */
enum dos_next int21_getcwd(struct dos *dos)
{
    char path[DOS_PATH_BYTES];
    int drive = drive_of_number(dos, reg_low(dos, CPU_EDX));
    if (drive < 0)
        return dos_fail(dos, DOS_INVALID_DRIVE);
    current_directory(dos, (u8)drive, path);
    guest_write(dos, far(sreg(dos, CPU_DS), reg16(dos, CPU_ESI)), path, (u32)strlen(path) + 1);
    return dos_ok_ax(dos, 0x0100);
}

/* --- entries --- */

enum dos_next int21_unlink(struct dos *dos)
{
    struct dos_path path;
    void *object;
    enum dos_error error = plain_path(dos, ds_dx(dos), &path);
    if (!error)
        error = class_of(dos, path.drive, &object)->remove(object, path.path);
    if (!error)
        find_removed(dos, path.drive);
    return finish(dos, error);
}

enum dos_next int21_attributes(struct dos *dos)
{
    struct dos_path path;
    struct dos_entry entry;
    void *object;
    u8 function = reg_low(dos, CPU_EAX);
    u16 attributes = reg16(dos, CPU_ECX);
    if (function > 1)
        return dos_fail(dos, DOS_INVALID_FUNCTION);
    enum dos_error error = plain_path(dos, ds_dx(dos), &path);
    if (error)
        return dos_fail(dos, error);
    const struct volume_class *class = class_of(dos, path.drive, &object);
    error = class->find(object, path.path, &entry);
    if (error)
        return dos_fail(dos, error);
    if (function == 0) {
        set_reg16(dos, CPU_ECX, entry.attributes);
        return dos_ok_ax(dos, entry.attributes);
    }
    bool directory = entry.attributes & DOS_ATTR_DIRECTORY;
    if (attributes & ~(SETTABLE | (directory ? DOS_ATTR_DIRECTORY : 0)))
        return dos_fail(dos, DOS_ACCESS_DENIED);
    return finish(dos, class->set_attributes(object, path.path, attributes & SETTABLE));
}

enum dos_next int21_rename(struct dos *dos)
{
    struct dos_path from, to;
    struct dos_entry entry;
    void *object;
    enum dos_error error = plain_path(dos, ds_dx(dos), &from);
    if (!error)
        error = plain_path(dos, far(sreg(dos, CPU_ES), reg16(dos, CPU_EDI)), &to);
    if (error)
        return dos_fail(dos, error);
    if (from.drive != to.drive)
        return dos_fail(dos, DOS_NOT_SAME_DEVICE);
    const struct volume_class *class = class_of(dos, from.drive, &object);
    error = class->find(object, from.path, &entry);
    if (!error && is_current(dos, &from))
        error = DOS_CURRENT_DIRECTORY;
    if (!error && class->find(object, to.path, &entry) == DOS_OK && strcmp(from.path, to.path) != 0)
        error = DOS_ACCESS_DENIED;
    if (!error)
        error = class->rename(object, from.path, to.path);
    if (!error)
        find_removed(dos, from.drive);
    return finish(dos, error);
}

/* AH=60h: DS:SI as a full path to ES:DI. */
enum dos_next int21_truename(struct dos *dos)
{
    struct dos_path path;
    char text[DOS_PATH_BYTES + 4];
    enum dos_error error = path_parse_at(dos, far(sreg(dos, CPU_DS), reg16(dos, CPU_ESI)), &path);
    if (error)
        return dos_fail(dos, error);
    snprintf(text, sizeof text, path.device ? "%c:/%s" : "%c:\\%s", 'A' + path.drive, path.path);
    guest_write(dos, far(sreg(dos, CPU_ES), reg16(dos, CPU_EDI)), text, (u32)strlen(text) + 1);
    return dos_ok_ax(dos, 0);
}
