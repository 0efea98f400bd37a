/* INT 21h in C; see dos.h. */
#include "dos.h"

#include "shell.h"
#include "text.h"

u16 segment_own(void)
{
    u16 segment;
    __asm__("movw %%cs, %0" : "=r"(segment));
    return segment;
}

void regs_init(struct regs *regs, u16 ax)
{
    memset(regs, 0, sizeof(*regs));
    regs->ax = ax;
    regs->ds = regs->es = segment_own();
}

u16 dos_regs(struct regs *regs)
{
    intr(0x21, regs);
    if (shell.abort_wanted)
        shell_abort();
    if (!(regs->flags & FLAG_CARRY))
        return 0;
    return regs->ax ? regs->ax : 1;
}

u16 dos(struct regs *regs, u16 ax, u16 bx, u16 cx, const void *dx)
{
    regs_init(regs, ax);
    regs->bx = bx;
    regs->cx = cx;
    regs->dx = (u16)(u32)dx;
    return dos_regs(regs);
}

u16 dos_simple(u16 ax, u16 dx)
{
    struct regs regs;
    dos(&regs, ax, 0, 0, (void *)(u32)dx);
    return regs.ax;
}

/* AX, or the negative error. */
static s32 dos_number(u16 ax, u16 bx, u16 cx, const void *dx)
{
    struct regs regs;
    u16 error = dos(&regs, ax, bx, cx, dx);
    return error ? -(s32)error : regs.ax;
}

s32 file_open(const char *path, enum dos_open access)
{
    return dos_number(0x3d00 | access, 0, 0, path);
}

s32 file_create(const char *path)
{
    return dos_number(0x3c00, 0, 0, path);
}

void file_close(u16 handle)
{
    (void)dos_number(0x3e00, handle, 0, NULL);
}

s32 file_read(u16 handle, void *buf, u16 bytes)
{
    return dos_number(0x3f00, handle, bytes, buf);
}

s32 file_write(u16 handle, const void *buf, u16 bytes)
{
    return dos_number(0x4000, handle, bytes, buf);
}

static s32 transfer_far(u16 ax, u16 handle, u16 segment, u16 bytes)
{
    struct regs regs;
    regs_init(&regs, ax);
    regs.bx = handle;
    regs.cx = bytes;
    regs.ds = segment;
    u16 error = dos_regs(&regs);
    return error ? -(s32)error : regs.ax;
}

s32 file_read_far(u16 handle, u16 segment, u16 bytes)
{
    return transfer_far(0x3f00, handle, segment, bytes);
}

s32 file_write_far(u16 handle, u16 segment, u16 bytes)
{
    return transfer_far(0x4000, handle, segment, bytes);
}

s32 file_seek(u16 handle, s32 offset, enum dos_seek whence)
{
    struct regs regs;
    u16 error = dos(&regs, 0x4200 | whence, handle, (u32)offset >> 16, (void *)(offset & 0xffff));
    return error ? -(s32)error : (s32)((u32)regs.dx << 16 | regs.ax);
}

s32 file_device(u16 handle)
{
    struct regs regs;
    u16 error = dos(&regs, 0x4400, handle, 0, NULL);
    return error ? -(s32)error : regs.dx;
}

s32 file_duplicate(u16 handle)
{
    return dos_number(0x4500, handle, 0, NULL);
}

u16 file_force(u16 handle, u16 as)
{
    struct regs regs;
    return dos(&regs, 0x4600, handle, as, NULL);
}

enum { PSP_HANDLES = 0x34 }; /* far pointer to the table */

static u16 psp_word(u16 offset)
{
    u16 word;
    far_read(segment_own(), offset, &word, sizeof(word));
    return word;
}

u8 handle_get(u16 handle)
{
    return far_get(psp_word(PSP_HANDLES + 2), psp_word(PSP_HANDLES) + handle);
}

void handle_put(u16 handle, u8 file)
{
    far_put(psp_word(PSP_HANDLES + 2), psp_word(PSP_HANDLES) + handle, file);
}

u16 file_delete(const char *path)
{
    struct regs regs;
    return dos(&regs, 0x4100, 0, 0, path);
}

u16 file_rename(const char *from, const char *to)
{
    struct regs regs;
    regs_init(&regs, 0x5600);
    regs.dx = (u16)(u32)from;
    regs.di = (u16)(u32)to;
    return dos_regs(&regs);
}

s32 file_attributes(const char *path)
{
    struct regs regs;
    u16 error = dos(&regs, 0x4300, 0, 0, path);
    return error ? -(s32)error : regs.cx;
}

u16 find_first(struct find *find, const char *pattern, u16 attributes)
{
    struct regs regs;
    dos(&regs, 0x1a00, 0, 0, find);
    return dos(&regs, 0x4e00, 0, attributes, pattern);
}

u16 find_next(struct find *find)
{
    struct regs regs;
    dos(&regs, 0x1a00, 0, 0, find);
    return dos(&regs, 0x4f00, 0, 0, NULL);
}

u8 drive_current(void)
{
    return dos_simple(0x1900, 0);
}

bool drive_select(u8 drive)
{
    dos_simple(0x0e00, drive);
    return drive_current() == drive;
}

u16 drive_directory(u8 drive, char *path)
{
    struct regs regs;
    memset(path, 0, PATH_BYTES);
    path[0] = 'A' + drive;
    path[1] = ':';
    path[2] = '\\';
    regs_init(&regs, 0x4700);
    regs.dx = drive + 1;
    regs.si = (u16)(u32)(path + 3); /* 64 bytes */
    return dos_regs(&regs);
}

u16 memory_allocate(u16 *paragraphs)
{
    struct regs regs;
    if (!dos(&regs, 0x4800, *paragraphs, 0, NULL))
        return regs.ax;
    if (regs.bx < *paragraphs)
        *paragraphs = regs.bx;
    if (!*paragraphs || dos(&regs, 0x4800, *paragraphs, 0, NULL))
        return 0;
    return regs.ax;
}

void memory_free(u16 segment)
{
    struct regs regs;
    regs_init(&regs, 0x4900);
    regs.es = segment;
    (void)dos_regs(&regs);
}

u8 far_get(u16 segment, u16 offset)
{
    u8 value;
    __asm__ volatile("movw %w1, %%fs\n\tmovb %%fs:(%k2), %0"
                     : "=q"(value)
                     : "r"(segment), "r"((u32)offset)
                     : "memory");
    return value;
}

void far_put(u16 segment, u16 offset, u8 value)
{
    __asm__ volatile("movw %w0, %%fs\n\tmovb %2, %%fs:(%k1)"
                     :
                     : "r"(segment), "r"((u32)offset), "q"(value)
                     : "memory");
}

void far_read(u16 segment, u16 offset, void *buf, u16 bytes)
{
    for (u16 i = 0; i < bytes; i++)
        ((u8 *)buf)[i] = far_get(segment, offset + i);
}

void far_write(u16 segment, u16 offset, const void *buf, u16 bytes)
{
    for (u16 i = 0; i < bytes; i++)
        far_put(segment, offset + i, ((const u8 *)buf)[i]);
}
