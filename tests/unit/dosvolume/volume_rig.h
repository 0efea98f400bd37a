/* Drives to test: directories and images under /tmp that go when the test ends, and short ways to use them.
 */
#ifndef HUDDLE_TESTS_DOSVOLUME_RIG_H
#define HUDDLE_TESTS_DOSVOLUME_RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "dev/block.h"
#include "dos/volume/volume.h"

struct volume_rig {
    char dir[64];   /* holds all that follows */
    char root[96];  /* dir/root: the mounted directory */
    char image[96]; /* dir/image: the FAT image */
    struct block *block;
    struct volume volume;
};

/* An empty directory as the drive. */
struct volume_rig *rig_host(void);
/* An image made by mkfs.fat with these options, of so many KiB. */
struct volume_rig *rig_fat(const char *options, u32 kib);
/* An image that the caller makes at rig->image. */
struct volume_rig *rig_bare(void);
/* Opens the image, which must succeed. */
void rig_open_image(struct volume_rig *rig, enum block_kind kind);
void rig_close_image(struct volume_rig *rig);
/* Closes the drive and opens it again. */
void rig_remount(struct volume_rig *rig, bool read_only);
void rig_destroy(struct volume_rig *rig);

/* A command of the shell, in rig->dir; %s is replaced as by printf. Returns its exit status. */
int rig_shell(const struct volume_rig *rig, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* fsck.fat finds nothing to complain about in the image at rig->image (or at that offset in it). */
void rig_assert_fsck(const struct volume_rig *rig);
/* The superuser's right to pass by permissions, which would spoil tests; false if there is none to take. */
void rig_set_override(bool on);

/* Skips the calling test where the directories have no extended attributes (tmpfs of older kernels). */
void rig_needs_xattrs(struct volume_rig *rig);

/* The class's functions on rig->volume. */
enum dos_error rig_put(struct volume_rig *rig, const char *path, const void *bytes, u32 count);
/* The content must be that. */
void rig_assert_content(struct volume_rig *rig, const char *path, const void *bytes, u32 count);
void rig_assert_text(struct volume_rig *rig, const char *path, const char *text);
enum dos_error rig_find(struct volume_rig *rig, const char *path, struct dos_entry *entry);
/* The names in the directory, in order, each with a blank after it; "!5 " for error 5. */
const char *rig_names(struct volume_rig *rig, const char *path, char *buf, size_t bytes);
void rig_assert_names(struct volume_rig *rig, const char *path, const char *names);
enum dos_error rig_open_close(struct volume_rig *rig, const char *path, u32 access);
enum dos_error rig_make(struct volume_rig *rig, const char *path);
enum dos_error rig_remove(struct volume_rig *rig, const char *path);
enum dos_error rig_rename(struct volume_rig *rig, const char *from, const char *to);

/* The entry points of the test program's files. */
int name_tests(void);
int contract_tests(void);
int rom_tests(void);
int host_tests(void);
int trap_tests(void);
int fat_tests(void);
int corrupt_tests(void);

#endif
