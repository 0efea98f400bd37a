/* A drive's files as DOS sees them: 8.3 names in code page 437, attributes, DOS dates. One interface, three kinds: a
 * directory of the host (host.c), a FAT image (fat.c), files that huddle brings along (rom.c).
 *
 * Paths: upper case, components separated by '\', no leading one, none empty, none "." or "..", no wildcards; "" is
 * the root. Each component has 1 to 8 characters and, after a '.', up to 3. Whoever calls has seen to that
 * (src/dos); a volume looks only whether it is there. */
#ifndef HUDDLE_DOS_VOLUME_H
#define HUDDLE_DOS_VOLUME_H

#include "base/types.h"

#define DOS_NAME_BYTES 13 /* "FILENAME.EXT" and a NUL */
#define DOS_PATH_BYTES 80 /* "C:\" and 64 characters, with room */

/* Error codes of INT 21h (DOS Programmer's Reference, "Extended Error Codes"). */
enum dos_error {
    DOS_OK = 0,
    DOS_INVALID_FUNCTION = 0x01,
    DOS_FILE_NOT_FOUND = 0x02,
    DOS_PATH_NOT_FOUND = 0x03,
    DOS_TOO_MANY_OPEN_FILES = 0x04,
    DOS_ACCESS_DENIED = 0x05,
    DOS_INVALID_HANDLE = 0x06,
    DOS_ARENA_TRASHED = 0x07,
    DOS_NOT_ENOUGH_MEMORY = 0x08,
    DOS_INVALID_BLOCK = 0x09,
    DOS_BAD_ENVIRONMENT = 0x0a,
    DOS_BAD_FORMAT = 0x0b,
    DOS_INVALID_ACCESS = 0x0c,
    DOS_INVALID_DATA = 0x0d,
    DOS_INVALID_DRIVE = 0x0f,
    DOS_CURRENT_DIRECTORY = 0x10,
    DOS_NOT_SAME_DEVICE = 0x11,
    DOS_NO_MORE_FILES = 0x12,
    DOS_WRITE_PROTECT = 0x13,
    DOS_BAD_UNIT = 0x14,
    DOS_NOT_READY = 0x15,
    DOS_SECTOR_NOT_FOUND = 0x1b,
    DOS_OUT_OF_PAPER = 0x1c,
    DOS_WRITE_FAULT = 0x1d,
    DOS_READ_FAULT = 0x1e,
    DOS_GENERAL_FAILURE = 0x1f,
    DOS_SHARING_VIOLATION = 0x20,
    DOS_LOCK_VIOLATION = 0x21,
    DOS_HANDLE_DISK_FULL = 0x27,
    DOS_NOT_SUPPORTED = 0x32,
    DOS_FILE_EXISTS = 0x50,
    DOS_CANNOT_MAKE = 0x52,
    DOS_INVALID_PARAMETER = 0x57,
};

enum dos_attribute {
    DOS_ATTR_READ_ONLY = 0x01,
    DOS_ATTR_HIDDEN = 0x02,
    DOS_ATTR_SYSTEM = 0x04,
    DOS_ATTR_LABEL = 0x08,
    DOS_ATTR_DIRECTORY = 0x10,
    DOS_ATTR_ARCHIVE = 0x20,
};

struct dos_entry {
    char name[DOS_NAME_BYTES]; /* upper case, code page 437 */
    u8 attributes;             /* enum dos_attribute */
    u16 date, time;            /* as in a directory entry of FAT */
    u32 bytes;
};

struct dos_space {
    u32 sector_bytes, cluster_sectors; /* 512; 1 to 64 */
    u16 clusters, free_clusters;
};

/* How a disk is laid out; sectors of 512 bytes. */
struct dos_geometry {
    u32 sectors, hidden; /* of the file system; in front of it on the medium */
    u16 reserved, root_entries, table_sectors, track_sectors, heads;
    u8 cluster_sectors, tables, media;
};

/* Open for reading, writing, or both (bits of INT 21h AH=3Dh's access code, one up). */
enum volume_access { VOLUME_READ = 1, VOLUME_WRITE = 2 };

struct volume_file; /* an open file; the volume's own */

/* A kind of volume. What can fail returns DOS_OK or the error that the guest gets. Every file that is open when `close`
 * is called has been closed before. */
struct volume_class {
    const char *name; /* of the kind, for messages */
    void (*close)(void *volume);

    /* What is at `path`; "" is a directory. */
    enum dos_error (*find)(void *volume, const char *path, struct dos_entry *entry);
    /* All entries of the directory `path` in the order in which DOS finds them, "." and ".." first unless it is the root;
     * no label. *entries is from malloc, the caller's. */
    enum dos_error (*list)(void *volume, const char *path, struct dos_entry **entries, u32 *count);

    /* A directory cannot be opened: DOS_ACCESS_DENIED; nor can a read-only file for writing. */
    enum dos_error (*open)(void *volume, const char *path, u32 access, struct volume_file **file);
    /* Makes the file, or empties one that is there; open for both. `fresh`: DOS_FILE_EXISTS if it is there. */
    enum dos_error (*create)(void *volume, const char *path, u8 attributes, bool fresh, struct volume_file **file);
    void (*close_file)(void *volume, struct volume_file *file);
    /* *done: what was moved. At the end of the file less than asked and DOS_OK. On a full disk a write moves what fits
     * and returns DOS_OK, as AH=40h does. A write beyond the end fills what is between with zeros. Offsets and sizes
     * stay below 2^32. */
    enum dos_error (*read)(void *volume, struct volume_file *file, u32 offset, void *buf, u32 bytes, u32 *done);
    enum dos_error (*write)(void *volume, struct volume_file *file, u32 offset, const void *buf, u32 bytes, u32 *done);
    /* Cuts or lengthens. */
    enum dos_error (*set_size)(void *volume, struct volume_file *file, u32 bytes);
    /* Size, attributes, date and time as they are now; the name too. */
    enum dos_error (*stat_file)(void *volume, struct volume_file *file, struct dos_entry *entry);
    enum dos_error (*set_time)(void *volume, struct volume_file *file, u16 date, u16 time);
    /* What was written is on the medium. */
    enum dos_error (*commit)(void *volume, struct volume_file *file);

    /* Attributes that can be changed: read-only, hidden, system, archive. */
    enum dos_error (*set_attributes)(void *volume, const char *path, u8 attributes);
    enum dos_error (*remove)(void *volume, const char *path); /* a file; read-only or a directory: DOS_ACCESS_DENIED */
    /* File or directory, to a name that is not there, in any directory of the volume. */
    enum dos_error (*rename)(void *volume, const char *from, const char *to);
    enum dos_error (*make_directory)(void *volume, const char *path);
    enum dos_error (*remove_directory)(void *volume, const char *path); /* must be empty */

    enum dos_error (*space)(void *volume, struct dos_space *space);
    /* At most 11 characters and a NUL; "" if it has none. */
    void (*label)(void *volume, char label[12]);

    /* The three are NULL where there are no sectors. Sectors of the medium are counted from its first, which is not the file
     * system's on a disk with partitions. What is written is seen by everything after it but the size and the beginning of
     * a file that is open. The layout stays as it was when the volume was opened, whatever is written to the boot sector. */
    void (*geometry)(void *volume, struct dos_geometry *geometry);
    enum dos_error (*read_sectors)(void *volume, u32 sector, u32 count, void *buf);
    enum dos_error (*write_sectors)(void *volume, u32 sector, u32 count, const void *buf);
};

struct volume {
    const struct volume_class *class;
    void *object; /* NULL: there is no such drive */
    bool read_only; /* known to the caller too, for messages */
    u32 serial;
};

/* The directory `directory` of the host. Nothing outside it is reached, whatever the guest or others on the host do
 * (which takes Linux 5.6). There are the regular files and directories that can be read, and links to such by a relative
 * path that stays below; as DOS sees them in short_name.h and host_attribute.c. New files get small letters on the host.
 * Files are stamped with the host's time: what the guest's clock is to say, set_time sets, last before close_file.
 * 0 or -errno, `why` filled in words that name it. */
must_check int volume_host_open(struct volume *volume, const char *directory, bool read_only, char *why, size_t why_bytes);

/* How the file `name` of the mounted directory itself is called in DOS. False if it is not there. */
bool volume_host_name(const struct volume *volume, const char *name, char dos[DOS_NAME_BYTES]);

struct block; /* dev/block.h */
/* The FAT12 or FAT16 file system of a floppy image, or of the first such partition of a disk image. The image stays the
 * caller's; sectors that others write in it meanwhile may not be seen. A file that is open cannot be removed. Where the
 * image is write-protected, changes are DOS_WRITE_PROTECT. 0 or -errno, `why` filled. */
must_check int volume_fat_open(struct volume *volume, struct block *image, char *why, size_t why_bytes);

/* Files that huddle brings along, read-only. The array and what it points to must live as long. */
struct volume_rom_file {
    const char *name; /* "COMMAND.COM" */
    const u8 *bytes;
    u32 count;
};
must_check int volume_rom_open(struct volume *volume, const struct volume_rom_file *files, u32 count);

void volume_close(struct volume *volume);

#endif
