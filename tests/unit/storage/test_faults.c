/* The host's disk interrupts, shortens and fails: nothing is lost in silence, and the guest is told as its
 * hardware would. */
#include "capture.h"
#include "faults.h"
#include "fdc_rig.h"
#include "ide_rig.h"

#include <errno.h>
#include <string.h>

#define WRITE_FAULT (READY | IDE_STATUS_DF | IDE_STATUS_ERR)

static int good_disk(void **state)
{
    (void)state;
    *faults() = (struct faults){0};
    return 0;
}

static void interrupted_and_short_transfers_go_on(void **state)
{
    (void)state;
    struct rig *rig = rig_create();
    struct block *block = rig->config.disk[0] = rig_open(rig, 1008, BLOCK_DISK);
    u8 data[3 * SECTOR_BYTES], got[3 * SECTOR_BYTES];
    for (u32 i = 0; i < sizeof data; i++)
        data[i] = (u8)(i * 11 + 1);
    *faults() = (struct faults){.interrupts = 3, .max_bytes = 100};
    assert_int_equal(block_write(block, 500, 3, data), 0);
    assert_int_equal(faults()->interrupts, 0);
    faults()->interrupts = 3;
    assert_int_equal(block_read(block, 500, 3, got), 0);
    assert_memory_equal(got, data, sizeof data);
    faults()->interrupts = 2;
    assert_int_equal(block_flush(block), 0);
    assert_int_equal(faults()->syncs, 1);
    *faults() = (struct faults){0};
    for (u32 s = 0; s < 3; s++) {
        rig_file_sector(rig->path[0], 500 + s, got);
        assert_memory_equal(got, data + s * SECTOR_BYTES, SECTOR_BYTES);
    }
    rig_file_sector(rig->path[0], 503, got);
    assert_is_sector(got, 503);
    rig_destroy(rig);
}

static void only_what_was_written_is_flushed(void **state)
{
    (void)state;
    struct rig *rig = rig_create();
    struct block *block = rig_open(rig, 1008, BLOCK_DISK);
    u8 data[SECTOR_BYTES] = {0};
    assert_int_equal(block_flush(block), 0);
    assert_int_equal(faults()->syncs, 0);
    assert_int_equal(block_write(block, 1, 1, data), 0);
    assert_int_equal(block_flush(block), 0);
    assert_int_equal(block_flush(block), 0);
    assert_int_equal(faults()->syncs, 1);
    assert_int_equal(block_write(block, 1, 1, data), 0);
    block_close(block); /* closing flushes */
    assert_int_equal(faults()->syncs, 2);
    rig_destroy(rig);
}

static void failed_flush_is_told_and_tried_again(void **state)
{
    (void)state;
    struct rig *rig = rig_create();
    struct block *block = rig_open(rig, 1008, BLOCK_DISK);
    struct capture capture;
    u8 data[SECTOR_BYTES] = {0};
    assert_int_equal(block_write(block, 1, 1, data), 0);
    faults()->sync_error = EIO;
    capture_begin(&capture);
    int rc = block_flush(block);
    capture_end(&capture);
    assert_int_equal(rc, -EIO);
    assert_said_once(&capture, "flush failed");
    capture_begin(&capture);
    block_close(block);
    capture_end(&capture);
    assert_said_once(&capture, "flush failed");
    rig_destroy(rig);
}

static void failed_snapshot_write_keeps_the_old_sector(void **state)
{
    (void)state;
    struct rig *rig = rig_create();
    struct block *block;
    struct capture capture;
    u8 data[SECTOR_BYTES] = {0};
    assert_int_equal(block_open(&block, rig_image(rig, 1008), BLOCK_DISK, true), 0);
    faults()->write_error = ENOSPC;
    capture_begin(&capture);
    int first = block_write(block, 9, 1, data), second = block_write(block, 10, 1, data);
    capture_end(&capture);
    assert_int_equal(first, -ENOSPC);
    assert_int_equal(second, -ENOSPC);
    assert_said_once(&capture, "write to the snapshot failed");
    assert_int_equal(block_read(block, 9, 1, data), 0);
    assert_is_sector(data, 9);
    assert_int_equal(block_flush(block), 0);
    assert_int_equal(faults()->syncs, 0); /* there is nothing on a disk */
    block_close(block);
    rig_destroy(rig);
}

/* A disk with a failing host under it; what it says goes into `capture`. */
static struct rig *faulty_disk(struct capture *capture, struct faults wrong)
{
    struct rig *rig = disk_rig();
    *faults() = wrong;
    capture_begin(capture);
    return rig;
}

static void healed(struct rig *rig, struct capture *capture, const char *said)
{
    capture_end(capture);
    assert_said_once(capture, said);
    *faults() = (struct faults){0};
    rig_destroy(rig);
}

static void disk_read_errors_are_uncorrectable(void **state)
{
    (void)state;
    const u8 commands[] = {0x20, 0x40, 0xc4};
    for (u32 i = 0; i < ARRAY_LEN(commands); i++) {
        struct capture capture;
        struct rig *rig = faulty_disk(&capture, (struct faults){.read_error = EIO});
        ide_simple(rig, 0xc6, 4);
        ide_lba_command(rig, commands[i], 3500, 5);
        assert_int_equal(ide_wait(rig), READY | IDE_STATUS_ERR);
        assert_int_equal(rig_in(rig, ERROR), IDE_ERROR_UNC);
        assert_int_equal(ide_shown_lba(rig), 3500);
        assert_int_equal(rig_in(rig, COUNT), 5);
        assert_true(rig->irq_edges[14] > 0);
        healed(rig, &capture, "read failed: Input/output error");
    }
}

static void disk_write_errors_are_device_faults(void **state)
{
    (void)state;
    struct capture capture;
    struct rig *rig = faulty_disk(&capture, (struct faults){.write_error = ENOSPC});
    u8 data[SECTOR_BYTES] = {0};
    ide_lba_command(rig, 0x30, 77, 3);
    assert_int_equal(ide_wait(rig), READY | IDE_STATUS_DRQ);
    ide_write_words(rig, data, sizeof data);
    u32 edges = rig->irq_edges[14];
    assert_int_equal(ide_wait(rig), WRITE_FAULT);
    assert_int_equal(rig->irq_edges[14], edges + 1);
    assert_int_equal(rig_in(rig, ERROR), IDE_ERROR_ABRT);
    assert_int_equal(ide_shown_lba(rig), 77);
    assert_int_equal(ide_simple(rig, 0x10, 0), READY); /* the fault is not sticky */
    healed(rig, &capture, "write failed: No space left");
}

static void disk_flush_errors_are_device_faults(void **state)
{
    (void)state;
    struct capture capture;
    struct rig *rig = faulty_disk(&capture, (struct faults){.sync_error = EIO});
    u8 data[SECTOR_BYTES] = {0};
    ide_lba_command(rig, 0x30, 77, 1);
    ide_wait(rig);
    ide_write_words(rig, data, sizeof data);
    assert_int_equal(ide_wait(rig), READY); /* cached */
    assert_int_equal(ide_simple(rig, 0xe7, 0), WRITE_FAULT);
    assert_int_equal(rig_in(rig, ERROR), IDE_ERROR_ABRT);
    healed(rig, &capture, "flush failed: Input/output error");
}

static void without_write_cache_every_command_is_flushed(void **state)
{
    (void)state;
    struct rig *rig = disk_rig();
    struct capture capture;
    u8 data[2 * SECTOR_BYTES] = {0};
    rig_out(rig, FEATURES, 0x82);
    assert_int_equal(ide_simple(rig, 0xef, 0), READY);
    ide_lba_command(rig, 0x30, 77, 2);
    ide_wait(rig);
    ide_write_words(rig, data, SECTOR_BYTES);
    ide_wait(rig);
    ide_write_words(rig, data, SECTOR_BYTES);
    assert_int_equal(ide_wait(rig), READY);
    assert_int_equal(faults()->syncs, 1);
    faults()->sync_error = EIO;
    capture_begin(&capture);
    ide_lba_command(rig, 0x30, 77, 1);
    ide_wait(rig);
    ide_write_words(rig, data, SECTOR_BYTES);
    assert_int_equal(ide_wait(rig), WRITE_FAULT);
    healed(rig, &capture, "flush failed");
}

static void standby_flushes(void **state)
{
    (void)state;
    const u8 commands[] = {0xe0, 0xe2, 0x94, 0x96, 0xe6, 0x99};
    for (u32 i = 0; i < ARRAY_LEN(commands); i++) {
        struct rig *rig = disk_rig();
        u8 data[SECTOR_BYTES] = {0};
        u32 syncs = faults()->syncs;
        ide_lba_command(rig, 0x30, 77, 1);
        ide_wait(rig);
        ide_write_words(rig, data, sizeof data);
        assert_int_equal(ide_wait(rig), READY);
        assert_int_equal(faults()->syncs, syncs);
        assert_int_equal(ide_simple(rig, commands[i], 0), READY);
        assert_int_equal(faults()->syncs, syncs + 1);
        rig_destroy(rig);
    }
}

static void floppy_read_errors_are_data_errors(void **state)
{
    (void)state;
    struct rig *rig = fdc_rig_create(2880);
    struct capture capture;
    fdc_program_dma(rig, 0x46, 0x10000, SECTOR_BYTES);
    faults()->read_error = EIO;
    capture_begin(&capture);
    FDC_RUN(rig, 0x46, 0x00, 0, 0, 1, 2, 18, 0x1b, 0xff);
    FDC_EXPECT(rig, ST0_IC_ABNORMAL, ST1_DE, ST2_DD, 0, 0, 1, 2);
    healed(rig, &capture, "read failed");
}

static void floppy_write_errors_are_drive_faults(void **state)
{
    (void)state;
    struct rig *rig = fdc_rig_create(2880);
    struct capture capture;
    u8 ids[4] = {0, 0, 1, 2};
    faults()->write_error = EIO;
    capture_begin(&capture);
    fdc_program_dma(rig, 0x4a, 0x10000, SECTOR_BYTES);
    FDC_RUN(rig, 0x45, 0x00, 0, 0, 1, 2, 18, 0x1b, 0xff);
    FDC_EXPECT(rig, ST0_IC_ABNORMAL | ST0_EC, 0, 0, 0, 0, 1, 2);
    assert_true(memory_write(&rig->machine.memory, 0x10000, ids, sizeof ids));
    fdc_program_dma(rig, 0x4a, 0x10000, sizeof ids);
    FDC_RUN(rig, 0x4d, 0x00, 2, 1, 0x50, 0xf6);
    FDC_EXPECT(rig, ST0_IC_ABNORMAL | ST0_EC, 0, 0, 0, 0, 1, 2);
    healed(rig, &capture, "write failed");
}

int fault_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(interrupted_and_short_transfers_go_on, good_disk),
        cmocka_unit_test_setup(only_what_was_written_is_flushed, good_disk),
        cmocka_unit_test_setup(failed_flush_is_told_and_tried_again, good_disk),
        cmocka_unit_test_setup(failed_snapshot_write_keeps_the_old_sector, good_disk),
        cmocka_unit_test_setup(disk_read_errors_are_uncorrectable, good_disk),
        cmocka_unit_test_setup(disk_write_errors_are_device_faults, good_disk),
        cmocka_unit_test_setup(disk_flush_errors_are_device_faults, good_disk),
        cmocka_unit_test_setup(without_write_cache_every_command_is_flushed, good_disk),
        cmocka_unit_test_setup(standby_flushes, good_disk),
        cmocka_unit_test_setup(floppy_read_errors_are_data_errors, good_disk),
        cmocka_unit_test_setup(floppy_write_errors_are_drive_faults, good_disk),
    };
    return cmocka_run_group_tests_name("faults", tests, NULL, good_disk);
}
