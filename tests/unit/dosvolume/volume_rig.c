/* The drives of the volume tests. */
#include "volume_rig.h"

#include <errno.h>
#include <linux/capability.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

int rig_shell(const struct volume_rig *rig, const char *format, ...)
{
    char command[2048], text[1600];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    snprintf(command, sizeof command,
             "cd %s && export PATH=\"$PATH:/usr/sbin:/sbin\" MTOOLS_SKIP_CHECK=1 LC_ALL=C.UTF-8 && { %s ; }",
             rig->dir, text);
    int status = system(command);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

struct volume_rig *rig_bare(void)
{
    struct volume_rig *rig = calloc(1, sizeof *rig);
    assert_non_null(rig);
    strcpy(rig->dir, "/tmp/huddle-volume-XXXXXX");
    assert_non_null(mkdtemp(rig->dir));
    snprintf(rig->root, sizeof rig->root, "%s/root", rig->dir);
    snprintf(rig->image, sizeof rig->image, "%s/image", rig->dir);
    return rig;
}

static void open_root(struct volume_rig *rig, bool read_only)
{
    char why[256] = "";
    int rc = volume_host_open(&rig->volume, rig->root, read_only, why, sizeof why);
    if (rc)
        fail_msg("%d %s", rc, why);
}

struct volume_rig *rig_host(void)
{
    struct volume_rig *rig = rig_bare();
    assert_int_equal(mkdir(rig->root, 0755), 0);
    open_root(rig, false);
    return rig;
}

void rig_open_image(struct volume_rig *rig, enum block_kind kind)
{
    char why[256] = "";
    assert_int_equal(block_open(&rig->block, rig->image, kind, false), 0);
    int rc = volume_fat_open(&rig->volume, rig->block, why, sizeof why);
    if (rc)
        fail_msg("%d %s", rc, why);
}

void rig_close_image(struct volume_rig *rig)
{
    volume_close(&rig->volume);
    block_close(rig->block);
    rig->block = NULL;
}

static enum block_kind kind_for(u64 bytes)
{
    return bytes <= 2880 * KIB ? BLOCK_FLOPPY : BLOCK_DISK;
}

struct volume_rig *rig_fat(const char *options, u32 kib)
{
    struct volume_rig *rig = rig_bare();
    int status = rig_shell(rig, "mkfs.fat -C %s image %u >mkfs.log 2>&1", options, kib);
    if (status)
        rig_shell(rig, "cat mkfs.log");
    assert_int_equal(status, 0);
    rig_open_image(rig, kind_for((u64)kib * KIB));
    return rig;
}

void rig_remount(struct volume_rig *rig, bool read_only)
{
    if (rig->block) {
        rig_close_image(rig);
        struct stat stat_buf;
        assert_int_equal(stat(rig->image, &stat_buf), 0);
        rig_open_image(rig, kind_for((u64)stat_buf.st_size));
    } else {
        volume_close(&rig->volume);
        open_root(rig, read_only);
    }
}

void rig_destroy(struct volume_rig *rig)
{
    volume_close(&rig->volume);
    block_close(rig->block);
    assert_int_equal(rig_shell(rig, "chmod -R u+rwX . ; rm -rf %s", rig->dir), 0);
    free(rig);
}

void rig_assert_fsck(const struct volume_rig *rig)
{
    int status = rig_shell(rig, "fsck.fat -n image >fsck.log 2>&1");
    if (status)
        rig_shell(rig, "cat fsck.log");
    assert_int_equal(status, 0);
}

void rig_set_override(bool on)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];
    assert_int_equal(syscall(SYS_capget, &header, data), 0);
    u32 bits = (BIT(CAP_DAC_OVERRIDE) | BIT(CAP_DAC_READ_SEARCH)) & data[0].permitted;
    data[0].effective = on ? data[0].effective | bits : data[0].effective & ~bits;
    assert_int_equal(syscall(SYS_capset, &header, data), 0);
}

void rig_needs_xattrs(struct volume_rig *rig)
{
    if (!setxattr(rig->root, "user.huddle", "", 0, 0) || errno != ENOTSUP)
        return;
    rig_destroy(rig);
    print_message("skipped: the file system of /tmp has no extended attributes\n");
    skip();
}

/* --- using a volume --- */

enum dos_error rig_put(struct volume_rig *rig, const char *path, const void *bytes, u32 count)
{
    struct volume *v = &rig->volume;
    struct volume_file *file;
    u32 done;
    enum dos_error error = v->class->create(v->object, path, 0, false, &file);
    if (error)
        return error;
    error = v->class->write(v->object, file, 0, bytes, count, &done);
    if (!error && done != count)
        error = DOS_HANDLE_DISK_FULL;
    v->class->close_file(v->object, file);
    return error;
}

void rig_assert_content(struct volume_rig *rig, const char *path, const void *bytes, u32 count)
{
    struct volume *v = &rig->volume;
    struct volume_file *file;
    u32 done;
    u8 *buf = malloc(count + 1);
    assert_int_equal(v->class->open(v->object, path, VOLUME_READ, &file), DOS_OK);
    assert_int_equal(v->class->read(v->object, file, 0, buf, count + 1, &done), DOS_OK);
    assert_int_equal(done, count);
    assert_int_equal(memcmp(buf, bytes, count), 0);
    v->class->close_file(v->object, file);
    free(buf);
}

void rig_assert_text(struct volume_rig *rig, const char *path, const char *text)
{
    rig_assert_content(rig, path, text, (u32)strlen(text));
}

enum dos_error rig_find(struct volume_rig *rig, const char *path, struct dos_entry *entry)
{
    return rig->volume.class->find(rig->volume.object, path, entry);
}

const char *rig_names(struct volume_rig *rig, const char *path, char *buf, size_t bytes)
{
    struct dos_entry *entries;
    u32 count;
    size_t at = 0;
    enum dos_error error = rig->volume.class->list(rig->volume.object, path, &entries, &count);
    buf[0] = 0;
    if (error) {
        snprintf(buf, bytes, "!%d ", error);
        return buf;
    }
    for (u32 i = 0; i < count && at < bytes; i++)
        at += (size_t)snprintf(buf + at, bytes - at, "%s ", entries[i].name);
    free(entries);
    return buf;
}

void rig_assert_names(struct volume_rig *rig, const char *path, const char *names)
{
    char buf[4096];
    assert_string_equal(rig_names(rig, path, buf, sizeof buf), names);
}

enum dos_error rig_open_close(struct volume_rig *rig, const char *path, u32 access)
{
    struct volume_file *file;
    enum dos_error error = rig->volume.class->open(rig->volume.object, path, access, &file);
    if (!error)
        rig->volume.class->close_file(rig->volume.object, file);
    return error;
}

enum dos_error rig_make(struct volume_rig *rig, const char *path)
{
    return rig->volume.class->make_directory(rig->volume.object, path);
}

enum dos_error rig_remove(struct volume_rig *rig, const char *path)
{
    return rig->volume.class->remove(rig->volume.object, path);
}

enum dos_error rig_rename(struct volume_rig *rig, const char *from, const char *to)
{
    return rig->volume.class->rename(rig->volume.object, from, to);
}
