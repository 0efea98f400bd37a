/* DOS as the command interpreter calls it: INT 21h, and far memory. All that may fail gives DOS's error code,
 * or, where a number is the result, that number or the negative error code.
 *
 * Ralf Brown's Interrupt List; MS-DOS Programmer's Reference, version 5. */
#ifndef HUDDLE_DOS_SHELL_DOS_H
#define HUDDLE_DOS_SHELL_DOS_H

#include "base/types.h"

enum {
    PATH_BYTES = 80, /* "C:\", 64 characters and a name, with room */
    NAME_BYTES = 13,
    FLAG_CARRY = 1,
};

enum dos_attribute {
    ATTR_READ_ONLY = 0x01,
    ATTR_HIDDEN = 0x02,
    ATTR_SYSTEM = 0x04,
    ATTR_LABEL = 0x08,
    ATTR_DIRECTORY = 0x10,
    ATTR_ARCHIVE = 0x20,
    ATTR_DEVICE = 0x40,
};

enum dos_code {
    DOS_FILE_NOT_FOUND = 0x02,
    DOS_PATH_NOT_FOUND = 0x03,
    DOS_ACCESS_DENIED = 0x05,
    DOS_NOT_ENOUGH_MEMORY = 0x08,
    DOS_BAD_FORMAT = 0x0b,
    DOS_INVALID_DRIVE = 0x0f,
    DOS_CURRENT_DIRECTORY = 0x10,
};

enum dos_open { OPEN_READ = 0, OPEN_WRITE = 1, OPEN_BOTH = 2 };
enum dos_seek { SEEK_SET = 0, SEEK_CUR = 1, SEEK_END = 2 };
enum { STDIN = 0, STDOUT = 1, STDERR = 2, FIRST_FREE_HANDLE = 5, HANDLES = 20 };
enum device_bits { DEVICE_STDIN = 0x01, DEVICE_STDOUT = 0x02, DEVICE_NUL = 0x04, IS_DEVICE = 0x80 };

struct regs { /* start.S knows the layout */
    u16 ax, bx, cx, dx, si, di, ds, es, flags;
};

struct find { /* DTA of find first and find next */
    u8 reserved[21];
    u8 attributes;
    u16 time, date;
    u32 bytes;
    char name[NAME_BYTES];
} __attribute__((packed));

/* start.S: INT 10h, 21h or 2Fh. */
void intr(u32 number, struct regs *regs);

/* Own segment. */
u16 segment_own(void);
/* All zero but DS and ES, which are our own. */
void regs_init(struct regs *regs, u16 ax);
/* INT 21h with AX, BX, CX, DX and own segments; `regs` is what came back. 0 or the error code: only for
 * functions that say by carry that they failed. Does not return if the user chose to abort at a critical
 * error. */
u16 dos(struct regs *regs, u16 ax, u16 bx, u16 cx, const void *dx);
/* The same with registers filled by the caller. */
u16 dos_regs(struct regs *regs);
/* For calls of which only AL counts: AX that came back. */
u16 dos_simple(u16 ax, u16 dx);

s32 file_open(const char *path, enum dos_open access);
s32 file_create(const char *path);
void file_close(u16 handle);
s32 file_read(u16 handle, void *buf, u16 bytes);
s32 file_write(u16 handle, const void *buf, u16 bytes);
s32 file_read_far(u16 handle, u16 segment, u16 bytes);
s32 file_write_far(u16 handle, u16 segment, u16 bytes);
s32 file_seek(u16 handle, s32 offset, enum dos_seek whence);
/* AX=4400h: device information, or negative. */
s32 file_device(u16 handle);
s32 file_duplicate(u16 handle);
u16 file_force(u16 handle, u16 as);
/* What is behind one of our handles, below HANDLES, as DOS has it in the process's table: HANDLE_CLOSED or one of its own numbers,
 * which may be put behind another handle instead, and kept where a program that we start does not inherit it. */
enum { HANDLE_CLOSED = 0xff };
u8 handle_get(u16 handle);
void handle_put(u16 handle, u8 file);
u16 file_delete(const char *path);
u16 file_rename(const char *from, const char *to);
/* Attributes or negative. */
s32 file_attributes(const char *path);
u16 find_first(struct find *find, const char *pattern, u16 attributes);
u16 find_next(struct find *find);

/* 0 is A. */
u8 drive_current(void);
/* False: no such drive. */
bool drive_select(u8 drive);
/* Puts "C:\DIR" (never with a '\' at the end but for the root) for drive 0 = A ... into `path` of PATH_BYTES.
 */
u16 drive_directory(u8 drive, char *path);

/* Segment or 0; *paragraphs: as many as wanted, or fewer if there are no more. */
u16 memory_allocate(u16 *paragraphs);
void memory_free(u16 segment);

u8 far_get(u16 segment, u16 offset);
void far_put(u16 segment, u16 offset, u8 value);
void far_read(u16 segment, u16 offset, void *buf, u16 bytes);
void far_write(u16 segment, u16 offset, const void *buf, u16 bytes);

#endif
