/* Attributes and dates of DOS, kept on the host: read-only is the owner's permission to write, the date is
 * the time of modification, the others are in the extended attribute that Samba and dosemu use: a hexadecimal
 * number as text. Without it a file has "archive", and "hidden" if its name begins with a dot. Where a file
 * system has no extended attributes, changes to these are not kept, silently: programs would take an error
 * for more than it is. */
#include "dos/volume/host_impl.h"

#include "dos/volume/dos_time.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/xattr.h>

static const char attribute_name[] = "user.DOSATTRIB";

enum { KEPT = DOS_ATTR_HIDDEN | DOS_ATTR_SYSTEM | DOS_ATTR_ARCHIVE };

static u8 default_attributes(const struct stat *stat, const char *name)
{
    return (S_ISREG(stat->st_mode) ? DOS_ATTR_ARCHIVE : 0) | (name[0] == '.' ? DOS_ATTR_HIDDEN : 0);
}

/* False if there are none, or not in this form (newer Samba: binary, after the text). */
static bool read_attribute(int fd, u8 *attributes)
{
    char text[256];
    ssize_t bytes = fgetxattr(fd, attribute_name, text, sizeof text - 1);
    if (bytes < 3)
        return false;
    text[bytes] = 0;
    char *end;
    unsigned long value = strtoul(text, &end, 16);
    if (text[0] != '0' || text[1] != 'x' || end == text + 2)
        return false;
    *attributes = value & KEPT;
    return true;
}

u8 host_attributes(int fd, const char *name)
{
    u8 attributes;
    struct stat stat;
    if (read_attribute(fd, &attributes))
        return attributes;
    return fstat(fd, &stat) ? 0 : default_attributes(&stat, name);
}

static bool is_unsupported(int error)
{
    return error == ENOTSUP || error == ENOSYS || error == ENOSPC || error == EDQUOT || error == E2BIG;
}

static int write_attribute(int fd, const struct stat *stat, const char *name, u8 attributes)
{
    char text[8];
    u8 now;
    int rc;
    bool there = read_attribute(fd, &now);
    if (attributes == default_attributes(stat, name)) {
        rc = there ? fremovexattr(fd, attribute_name) : 0;
    } else {
        u32 kind = S_ISDIR(stat->st_mode) ? DOS_ATTR_DIRECTORY : 0;
        int length = snprintf(text, sizeof text, "0x%02x", attributes | kind);
        rc = there && now == attributes ? 0 : fsetxattr(fd, attribute_name, text, (size_t)length, 0);
    }
    return rc && !is_unsupported(errno) ? -errno : 0;
}

int host_set_attributes(int fd, const char *name, u8 attributes, bool with_mode)
{
    struct stat stat;
    if (fstat(fd, &stat))
        return -errno;
    mode_t mode = stat.st_mode & 07777;
    mode_t wanted = mode;
    if (with_mode && S_ISREG(stat.st_mode))
        wanted = attributes & DOS_ATTR_READ_ONLY ? mode & ~(mode_t)0222 : mode | S_IWUSR;
    u8 kept = attributes & KEPT, now = host_attributes(fd, name);
    if (kept != now) {
        /* The kernel wants write permission for that. */
        if (!(mode & S_IWUSR) && !fchmod(fd, mode | S_IWUSR))
            mode |= S_IWUSR;
        int rc = write_attribute(fd, &stat, name, kept);
        if (rc) {
            if (mode != (stat.st_mode & 07777) && fchmod(fd, stat.st_mode & 07777))
                return -errno;
            return rc;
        }
    }
    return wanted != mode && fchmod(fd, wanted) ? -errno : 0;
}

void host_entry(const struct host *host, const struct stat *stat, u8 attributes, struct dos_entry *entry)
{
    *entry = (struct dos_entry){.attributes = attributes};
    dos_time_from_unix(stat->st_mtim.tv_sec, &entry->date, &entry->time);
    if (S_ISDIR(stat->st_mode)) {
        entry->attributes = (attributes & (DOS_ATTR_HIDDEN | DOS_ATTR_SYSTEM)) | DOS_ATTR_DIRECTORY;
        return;
    }
    if (host->read_only || !(stat->st_mode & S_IWUSR))
        entry->attributes |= DOS_ATTR_READ_ONLY;
    /* LIMIT: of larger files DOS can see only so much. */
    entry->bytes = stat->st_size > UINT32_MAX ? UINT32_MAX : (u32)stat->st_size;
}
