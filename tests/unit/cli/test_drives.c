/* Which drive an image goes to, and the contradictions that need a look at files. */
#include "cli_tests.h"

#include "drives.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FLOPPY_1440 (1440 * KIB)

static void put_partition(u8 *sector, u8 flag, u8 type, u32 first, u32 count)
{
    u8 *entry = sector + 0x1be;
    entry[0] = flag;
    entry[4] = type;
    for (int i = 0; i < 4; i++) {
        entry[8 + i] = (u8)(first >> (8 * i));
        entry[12 + i] = (u8)(count >> (8 * i));
    }
    sector[510] = 0x55;
    sector[511] = 0xaa;
}

static void put_bpb(u8 *sector, u8 media, u16 sectors)
{
    sector[11] = 0;
    sector[12] = 2;
    sector[0x13] = (u8)sectors;
    sector[0x14] = (u8)(sectors >> 8);
    sector[0x15] = media;
}

static void image_kinds(void **state)
{
    u8 sector[SECTOR_BYTES] = {0};
    (void)state;
    assert_int_equal(drives_image_kind(FLOPPY_1440, sector), BLOCK_FLOPPY);
    assert_int_equal(drives_image_kind(360 * KIB, NULL), BLOCK_FLOPPY);
    assert_int_equal(drives_image_kind(20 * MIB, sector), BLOCK_DISK);
    assert_int_equal(drives_image_kind(1000 * KIB, sector), BLOCK_DISK);
    put_bpb(sector, 0xf0, 2000);
    assert_int_equal(drives_image_kind(1000 * KIB, sector), BLOCK_FLOPPY);
    assert_int_equal(drives_image_kind(1001 * KIB, sector), BLOCK_DISK);
    put_bpb(sector, 0xf8, 2000);
    assert_int_equal(drives_image_kind(1000 * KIB, sector), BLOCK_DISK);
    put_bpb(sector, 0xf0, 2000);
    put_partition(sector, 0x80, 6, 63, 1000);
    assert_int_equal(drives_image_kind(1000 * KIB, sector), BLOCK_DISK);
    put_partition(sector, 0x80, 6, 5000, 1000); /* outside the image: boot code, not a table */
    assert_int_equal(drives_image_kind(1000 * KIB, sector), BLOCK_FLOPPY);
}

struct fixture {
    const char *floppy, *disk;
};

static int make_images(void **state)
{
    static struct fixture f;
    static char paths[2][256];
    f.floppy = strcpy(paths[0], temp_file("floppy.img", "", 0, FLOPPY_1440));
    f.disk = strcpy(paths[1], temp_file("disk.img", "", 0, 8 * MIB));
    *state = &f;
    return 0;
}

static int remove_images(void **state)
{
    struct fixture *f = *state;
    return unlink(f->floppy) | unlink(f->disk);
}

static void assert_boot(const struct options *o, const char *boot, const char *floppy, const char *disk)
{
    struct drives d;
    char why[OPTIONS_WHY_BYTES] = "";
    if (!drives_assign(&d, o, why))
        fail_msg("refused: %s", why);
    assert_string_equal(d.boot, boot);
    assert_true(d.floppy[0] == floppy);
    assert_true(d.disk[0] == disk);
}

static void assert_refused(const struct options *o, const char *expected)
{
    struct drives d;
    char why[OPTIONS_WHY_BYTES];
    assert_false(drives_assign(&d, o, why));
    if (!strstr(why, expected))
        fail_msg("'%s' does not say '%s'", why, expected);
}

static void boot_order_follows(void **state)
{
    struct fixture *f = *state;
    assert_boot(&(struct options){.image = f->floppy}, "a", f->floppy, NULL);
    assert_boot(&(struct options){.image = f->disk}, "c", NULL, f->disk);
    assert_boot(&(struct options){.image = f->disk, .fda = f->floppy}, "ca", f->floppy, f->disk);
    assert_boot(&(struct options){.image = f->floppy, .hda = f->disk}, "ac", f->floppy, f->disk);
    assert_boot(&(struct options){.fda = f->floppy, .hda = f->disk}, "ac", f->floppy, f->disk);
    assert_boot(&(struct options){.fda = f->floppy, .hda = f->disk, .boot = "c"}, "c", f->floppy, f->disk);
}

static void drives_that_are_not_there(void **state)
{
    struct fixture *f = *state;
    assert_refused(&(struct options){.image = f->floppy, .boot = "c"}, "--boot=c: there is no hard disk");
    assert_refused(&(struct options){.image = f->disk, .boot = "ac"}, "--boot=ac: there is no floppy");
    assert_refused(&(struct options){.fda = f->floppy, .hdb = f->disk}, "there is no first hard disk");
    assert_refused(&(struct options){.image = "/no/such.img"}, "/no/such.img: No such file or directory");
    assert_refused(&(struct options){.hda = "/no/such.img"}, "--hda=/no/such.img: No such file or directory");
    assert_refused(&(struct options){.hda = "/"}, "not a disk image but a directory");
}

static void one_drive_two_images(void **state)
{
    struct fixture *f = *state;
    const char *other = temp_file("other.img", "", 0, FLOPPY_1440);
    assert_refused(&(struct options){.image = f->floppy, .fda = other}, "one drive, two images");
    unlink(other);
    other = temp_file("other.img", "", 0, 9 * MIB);
    assert_refused(&(struct options){.image = f->disk, .hda = other}, "one drive, two images");
    unlink(other);
}

static void one_file_two_uses(void **state)
{
    struct fixture *f = *state;
    char alias[300];
    snprintf(alias, sizeof alias, "./%s", f->disk);
    assert_refused(&(struct options){.hda = f->disk, .hdb = alias}, "--hda and --hdb are the same file");
    assert_refused(&(struct options){.image = f->disk, .screenshot = alias},
                   "IMAGE and --screenshot are the same");
    assert_refused(&(struct options){.image = f->disk, .save_state = alias}, "IMAGE and --save-state are the same");
    assert_refused(&(struct options){.image = f->disk, .load_state = f->floppy, .screenshot = f->floppy},
                   "--screenshot and --load-state are the same");
    assert_refused(&(struct options){.image = f->disk, .stats = "x.json", .screenshot = "x.json"},
                   "--screenshot and --stats are the same file, x.json");
    assert_boot(&(struct options){.image = f->disk, .stats = "/dev/null", .debugcon = "/dev/null"}, "c", NULL,
                f->disk);
}

static void outputs_that_cannot_be_written(void **state)
{
    struct fixture *f = *state;
    assert_refused(&(struct options){.image = f->disk, .stats = "/no/such/x.json"},
                   "--stats=/no/such/x.json: cannot");
    assert_refused(&(struct options){.image = f->disk, .screenshot = "/"},
                   "--screenshot=/: that is a directory");
}

static void empty_image(void **state)
{
    const char *path = temp_file("empty.img", "", 0, 0);
    (void)state;
    assert_refused(&(struct options){.image = path}, "the file is empty");
    unlink(path);
}

int test_drives(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(image_kinds),
        cmocka_unit_test(boot_order_follows),
        cmocka_unit_test(drives_that_are_not_there),
        cmocka_unit_test(one_drive_two_images),
        cmocka_unit_test(one_file_two_uses),
        cmocka_unit_test(outputs_that_cannot_be_written),
        cmocka_unit_test(empty_image),
    };
    return cmocka_run_group_tests_name("drives", tests, make_images, remove_images);
}
