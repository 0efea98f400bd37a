/* Disk images: every way to be refused, geometry, protection, snapshots, locks. */
#include "capture.h"
#include "rig.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Opening `path` fails with `error` and one line "PATH: ...reason...". */
static void assert_refused(const char *path, enum block_kind kind, int error, const char *reason)
{
    struct block *block = (struct block *)&block;
    struct capture capture;
    char prefix[256];
    capture_begin(&capture);
    int rc = block_open(&block, path, kind, false);
    capture_end(&capture);
    assert_int_equal(rc, -error);
    assert_null(block);
    snprintf(prefix, sizeof prefix, "huddle: %s: ", path);
    assert_memory_equal(capture.text, prefix, strlen(prefix));
    assert_said_once(&capture, reason);
}

static void assert_size_refused(struct rig *rig, u64 bytes, enum block_kind kind, int error,
                                const char *reason)
{
    const char *path = rig_image(rig, 0);
    assert_int_equal(truncate(path, (off_t)bytes), 0);
    assert_refused(path, kind, error, reason);
}

static void refuses_what_is_no_image(void **state)
{
    (void)state;
    struct rig *rig = rig_create();
    const char *fifo = rig_image(rig, 0);
    assert_refused("/tmp/huddle-storage-missing", BLOCK_DISK, ENOENT, "No such file");
    assert_refused("/tmp", BLOCK_DISK, EISDIR, "is a directory");
    assert_refused("/dev/zero", BLOCK_FLOPPY, EINVAL, "not a regular file or block device");
    unlink(fifo);
    assert_int_equal(mkfifo(fifo, 0600), 0);
    assert_refused(fifo, BLOCK_DISK, EINVAL, "not a regular file or block device"); /* and does not wait */
    rig_destroy(rig);
}

static void refuses_wrong_sizes(void **state)
{
    (void)state;
    struct rig *rig = rig_create();
    assert_size_refused(rig, 0, BLOCK_DISK, EINVAL, "is empty");
    assert_size_refused(rig, 1474560 - 100, BLOCK_FLOPPY, EINVAL, "not a multiple of 512");
    assert_size_refused(rig, 159 * KIB, BLOCK_FLOPPY, EINVAL, "too small for a floppy");
    assert_size_refused(rig, 2881 * KIB, BLOCK_FLOPPY, EFBIG, "too large for a floppy");
    rig_destroy(rig);
    rig = rig_create();
    assert_size_refused(rig, 1000 * KIB, BLOCK_FLOPPY, EINVAL, "not the size of a floppy");
    assert_size_refused(rig, 1007 * SECTOR_BYTES, BLOCK_DISK, EINVAL, "too small for a disk");
    assert_size_refused(rig, 0x10000000ull * SECTOR_BYTES, BLOCK_DISK, EFBIG, "too large for a disk");
    rig_destroy(rig);
}

static void assert_geometry(const char *path, u64 bytes, enum block_kind kind, u32 c, u32 h, u32 s)
{
    struct block *block;
    assert_int_equal(truncate(path, (off_t)bytes), 0);
    assert_int_equal(block_open(&block, path, kind, false), 0);
    struct block_geometry g = block_geometry(block);
    assert_int_equal(g.cylinders, c);
    assert_int_equal(g.heads, h);
    assert_int_equal(g.sectors, s);
    assert_int_equal(block_sectors(block), bytes / SECTOR_BYTES);
    block_close(block);
}

static void knows_the_standard_formats(void **state)
{
    (void)state;
    struct rig *rig = rig_create();
    const char *path = rig_image(rig, 0);
    assert_geometry(path, 160 * KIB, BLOCK_FLOPPY, 40, 1, 8);
    assert_geometry(path, 180 * KIB, BLOCK_FLOPPY, 40, 1, 9);
    assert_geometry(path, 320 * KIB, BLOCK_FLOPPY, 40, 2, 8);
    assert_geometry(path, 360 * KIB, BLOCK_FLOPPY, 40, 2, 9);
    assert_geometry(path, 640 * KIB, BLOCK_FLOPPY, 80, 2, 8);
    assert_geometry(path, 720 * KIB, BLOCK_FLOPPY, 80, 2, 9);
    assert_geometry(path, 1200 * KIB, BLOCK_FLOPPY, 80, 2, 15);
    assert_geometry(path, 1440 * KIB, BLOCK_FLOPPY, 80, 2, 18);
    assert_geometry(path, 1680 * KIB, BLOCK_FLOPPY, 80, 2, 21);
    assert_geometry(path, 1722 * KIB, BLOCK_FLOPPY, 82, 2, 21);
    assert_geometry(path, 2880 * KIB, BLOCK_FLOPPY, 80, 2, 36);
    rig_destroy(rig);
}

static void write_bpb(const char *path, u16 sector_bytes, u16 total, u16 per_track, u16 heads)
{
    int fd = open(path, O_RDWR);
    const struct {
        off_t at;
        u16 value;
    } fields[] = {{0x0b, sector_bytes}, {0x13, total}, {0x18, per_track}, {0x1a, heads}};
    for (u32 i = 0; i < ARRAY_LEN(fields); i++)
        assert_int_equal(pwrite(fd, &fields[i].value, 2, fields[i].at), 2);
    close(fd);
}

static void asks_the_boot_sector_about_other_sizes(void **state)
{
    (void)state;
    struct rig *rig = rig_create();
    const char *path = rig_image(rig, 0);
    const u16 sectors = 83 * 2 * 20; /* 1660 KiB, not in the table */
    assert_int_equal(truncate(path, sectors * SECTOR_BYTES), 0);
    assert_refused(path, BLOCK_FLOPPY, EINVAL, "no boot sector that explains it");
    write_bpb(path, 512, sectors, 20, 2);
    assert_geometry(path, sectors * SECTOR_BYTES, BLOCK_FLOPPY, 83, 2, 20);
    const u16 wrong[][4] = {
        {1024, sectors, 20, 2}, {512, sectors + 1, 20, 2}, {512, sectors, 21, 2}, {512, sectors, 20, 0},
        {512, sectors, 0, 2},   {512, sectors, 20, 4},     {512, sectors, 10, 1},
    };
    for (u32 i = 0; i < ARRAY_LEN(wrong); i++) {
        write_bpb(path, wrong[i][0], wrong[i][1], wrong[i][2], wrong[i][3]);
        assert_refused(path, BLOCK_FLOPPY, EINVAL, "no boot sector that explains it");
    }
    rig_destroy(rig);
}

static void divides_disks_into_cylinders(void **state)
{
    (void)state;
    struct rig *rig = rig_create();
    const char *path = rig_image(rig, 0);
    assert_geometry(path, 1008 * SECTOR_BYTES, BLOCK_DISK, 1, 16, 63);
    assert_geometry(path, 2015 * SECTOR_BYTES, BLOCK_DISK, 1, 16, 63);
    assert_geometry(path, 2016 * SECTOR_BYTES, BLOCK_DISK, 2, 16, 63);
    assert_geometry(path, 16384ull * 1008 * SECTOR_BYTES, BLOCK_DISK, 16383, 16, 63);
    assert_geometry(path, 0x0fffffffull * SECTOR_BYTES, BLOCK_DISK, 16383, 16, 63);
    rig_destroy(rig);
}

static void transfers_whole_sectors(void **state)
{
    (void)state;
    struct rig *rig = rig_create();
    struct block *block = rig->config.disk[0] = rig_open(rig, 1008, BLOCK_DISK);
    u8 buf[3 * SECTOR_BYTES], expected[SECTOR_BYTES];
    assert_int_equal(block_read(block, 1005, 3, buf), 0);
    for (u32 s = 0; s < 3; s++) {
        rig_fill_sector(1005 + s, expected);
        assert_memory_equal(buf + s * SECTOR_BYTES, expected, SECTOR_BYTES);
    }
    assert_int_equal(block_read(block, 1006, 3, buf), -ERANGE);
    assert_int_equal(block_read(block, UINT64_MAX, 1, buf), -ERANGE);
    assert_int_equal(block_write(block, 1008, 1, buf), -ERANGE);
    assert_int_equal(block_write(block, 1007, 1, buf), 0);
    assert_int_equal(block_flush(block), 0);
    rig_file_sector(rig->path[0], 1007, expected);
    assert_memory_equal(expected, buf, SECTOR_BYTES);
    rig_destroy(rig);
}

static void protects_a_file_opened_read_only(void **state)
{
    (void)state;
    struct rig *rig = rig_create();
    u8 buf[SECTOR_BYTES] = {0};
    struct block *block = rig_open_protected(rig, 1008, BLOCK_DISK);
    assert_true(block_readonly(block));
    assert_int_equal(block_write(block, 0, 1, buf), -EROFS);
    assert_int_equal(block_read(block, 0, 1, buf), 0);
    assert_int_equal(buf[1], rig_sector_byte(0, 1));
    block_close(block);
    rig_destroy(rig);
}

static void snapshot_leaves_the_file_alone(void **state)
{
    (void)state;
    struct rig *rig = rig_create();
    const char *path = rig_image(rig, 1008);
    struct block *block;
    u8 mine[2 * SECTOR_BYTES], buf[5 * SECTOR_BYTES], expected[SECTOR_BYTES];
    memset(mine, 0xee, sizeof mine);
    assert_int_equal(block_open(&block, path, BLOCK_DISK, true), 0);
    assert_false(block_readonly(block));
    assert_int_equal(block_write(block, 101, 2, mine), 0);
    assert_int_equal(block_read(block, 99, 5, buf), 0); /* file, file, snapshot, snapshot, file */
    for (u32 s = 0; s < 5; s++) {
        rig_fill_sector(99 + s, expected);
        assert_memory_equal(buf + s * SECTOR_BYTES, s == 2 || s == 3 ? mine : expected, SECTOR_BYTES);
    }
    assert_int_equal(block_flush(block), 0);
    block_close(block);
    rig_file_sector(path, 101, buf);
    rig_fill_sector(101, expected);
    assert_memory_equal(buf, expected, SECTOR_BYTES);
    rig_destroy(rig);
}

static void one_writer_or_many_readers(void **state)
{
    (void)state;
    struct rig *rig = rig_create();
    const char *path = rig_image(rig, 1008);
    struct block *first, *second;
    assert_int_equal(block_open(&first, path, BLOCK_DISK, false), 0);
    assert_refused(path, BLOCK_DISK, EBUSY, "another huddle has this image open");
    struct capture capture;
    capture_begin(&capture);
    int rc = block_open(&second, path, BLOCK_DISK, true);
    capture_end(&capture);
    assert_int_equal(rc, -EBUSY);
    assert_said_once(&capture, "another huddle is writing this image");
    block_close(first);
    assert_int_equal(block_open(&first, path, BLOCK_DISK, true), 0);
    assert_int_equal(block_open(&second, path, BLOCK_DISK, true), 0);
    assert_refused(path, BLOCK_DISK, EBUSY, "another huddle has this image open");
    block_close(first);
    block_close(second);
    assert_int_equal(block_open(&first, path, BLOCK_DISK, false), 0);
    block_close(first);
    rig_destroy(rig);
}

static void tells_once_that_the_file_shrank(void **state)
{
    (void)state;
    struct rig *rig = rig_create();
    struct block *block = rig->config.disk[0] = rig_open(rig, 1008, BLOCK_DISK);
    struct capture capture;
    u8 buf[SECTOR_BYTES];
    assert_int_equal(truncate(rig->path[0], 100 * SECTOR_BYTES), 0);
    capture_begin(&capture);
    int first = block_read(block, 500, 1, buf), second = block_read(block, 501, 1, buf);
    capture_end(&capture);
    assert_int_equal(first, -EIO);
    assert_int_equal(second, -EIO);
    assert_said_once(&capture, "read failed");
    rig_destroy(rig);
}

int block_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refuses_what_is_no_image),
        cmocka_unit_test(refuses_wrong_sizes),
        cmocka_unit_test(knows_the_standard_formats),
        cmocka_unit_test(asks_the_boot_sector_about_other_sizes),
        cmocka_unit_test(divides_disks_into_cylinders),
        cmocka_unit_test(transfers_whole_sectors),
        cmocka_unit_test(protects_a_file_opened_read_only),
        cmocka_unit_test(snapshot_leaves_the_file_alone),
        cmocka_unit_test(one_writer_or_many_readers),
        cmocka_unit_test(tells_once_that_the_file_shrank),
    };
    return cmocka_run_group_tests_name("block", tests, NULL, NULL);
}
