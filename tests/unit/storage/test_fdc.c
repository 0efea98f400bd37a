/* Registers, resets, seeks, status and configuration of the 82077AA, against its data sheet. */
#include "fdc_rig.h"

static void reset_holds_the_controller(void **state)
{
    (void)state;
    struct rig *rig = rig_create();
    fdc_rig_with(NULL, rig, RATE_500K);
    rig_out(rig, FDC_DOR_PORT, 0x00);
    assert_int_equal(rig_in(rig, FDC_DOR_PORT), 0x00);
    assert_int_equal(rig_in(rig, FDC_MSR_PORT), 0x00);
    rig_out(rig, FDC_DATA_PORT, 0x10);
    rig_out(rig, FDC_DOR_PORT, 0x0c);
    assert_int_equal(rig_in(rig, FDC_MSR_PORT), MSR_RQM); /* the byte was not taken */
    rig_destroy(rig);
}

static void polling_after_reset_interrupts_once(void **state)
{
    (void)state;
    struct rig *rig = fdc_rig_create(2880);
    u32 edges = rig->irq_edges[6];
    rig_out(rig, FDC_MSR_PORT, DSR_RESET | RATE_500K); /* clears itself */
    assert_false(rig->irq_level[6]);
    FDC_RUN(rig, 0x08);
    FDC_EXPECT(rig, ST0_IC_INVALID); /* too early */
    rig_pass(rig, NS_PER_MS);
    assert_int_equal(rig->irq_edges[6], edges + 1);
    assert_true(rig->irq_level[6]);
    assert_int_equal(fdc_sense(rig), 0xc0);
    assert_false(rig->irq_level[6]);
    for (u8 i = 1; i < 4; i++)
        assert_int_equal(fdc_sense(rig), 0xc0 | i);
    FDC_RUN(rig, 0x08);
    FDC_EXPECT(rig, ST0_IC_INVALID);
    rig_destroy(rig);
}

static void polling_can_be_disabled_until_the_next_reset(void **state)
{
    (void)state;
    struct rig *rig = fdc_rig_create(2880);
    FDC_RUN(rig, 0x13, 0x00, CONFIG_POLL, 0x00);
    rig_out(rig, FDC_MSR_PORT, DSR_RESET);
    /* POLL went with the reset: it is polled again */
    rig_pass(rig, NS_PER_MS);
    assert_true(rig->irq_level[6]);
    rig_destroy(rig);
}

static void dma_gate_silences_the_interrupt(void **state)
{
    (void)state;
    struct rig *rig = fdc_rig_create(2880);
    rig_out(rig, FDC_DOR_PORT, DOR_MOTOR_0 | DOR_NOT_RESET);
    fdc_send(rig, (const u8[]){0x07, 0x00}, 2);
    rig_pass(rig, 100 * NS_PER_MS);
    assert_false(rig->irq_level[6]);
    rig_out(rig, FDC_DOR_PORT, DOR_MOTOR_0 | DOR_NOT_RESET | DOR_NOT_DMAGATE);
    assert_true(rig->irq_level[6]);
    rig_destroy(rig);
}

static void undriven_registers_float(void **state)
{
    (void)state;
    struct rig *rig = fdc_rig_create(2880);
    assert_int_equal(rig_in(rig, 0x3f0), 0xff);
    assert_int_equal(rig_in(rig, 0x3f1), 0xff);
    rig_out(rig, 0x3f3, 0xfe);
    assert_int_equal(rig_in(rig, 0x3f3), 0xfe);
    rig_out(rig, 0x3f3, 0x01);
    assert_int_equal(rig_in(rig, 0x3f3), 0xfd);
    assert_int_equal(rig->machine.bus.unclaimed_accesses, 0);
    rig_destroy(rig);
}

static void seek_interrupts_and_keeps_the_drive_busy_until_sensed(void **state)
{
    (void)state;
    struct rig *rig = fdc_rig_create(2880);
    u32 edges = rig->irq_edges[6];
    fdc_send(rig, (const u8[]){0x0f, 0x04, 40}, 3);
    assert_int_equal(rig_in(rig, FDC_MSR_PORT), MSR_RQM | MSR_DRIVE_0_BUSY);
    rig_pass(rig, NS_PER_MS);
    assert_false(rig->irq_level[6]); /* forty steps take longer */
    rig_pass(rig, 40 * NS_PER_MS);
    assert_int_equal(rig->irq_edges[6], edges + 1);
    assert_int_equal(rig_in(rig, FDC_MSR_PORT), MSR_RQM | MSR_DRIVE_0_BUSY);
    assert_int_equal(fdc_sense(rig), ST0_SE | ST0_H | 40 << 8);
    assert_int_equal(rig_in(rig, FDC_MSR_PORT), MSR_RQM);
    assert_false(rig->irq_level[6]);
    rig_destroy(rig);
}

static void recalibrate_finds_track_0_within_79_steps(void **state)
{
    (void)state;
    struct rig *rig = fdc_rig_create(2880);
    assert_int_equal(fdc_seek(rig, 0, 82), ST0_SE | 82 << 8);
    fdc_send(rig, (const u8[]){0x07, 0x00}, 2);
    rig_pass(rig, 100 * NS_PER_MS);
    assert_int_equal(fdc_sense(rig), ST0_IC_ABNORMAL | ST0_SE | ST0_EC); /* 82 - 79 = 3 */
    FDC_RUN(rig, 0x04, 0x00);
    FDC_EXPECT(rig, ST3_ONES);
    fdc_send(rig, (const u8[]){0x07, 0x00}, 2);
    rig_pass(rig, 100 * NS_PER_MS);
    assert_int_equal(fdc_sense(rig), ST0_SE);
    FDC_RUN(rig, 0x04, 0x04);
    FDC_EXPECT(rig, ST3_ONES | ST3_T0 | ST3_H);
    fdc_seek(rig, 0, 200); /* into the stop at 85 */
    for (u32 i = 0; i < 2; i++) {
        fdc_send(rig, (const u8[]){0x07, 0x00}, 2);
        rig_pass(rig, 100 * NS_PER_MS);
        assert_int_equal(fdc_sense(rig), i ? ST0_SE : ST0_IC_ABNORMAL | ST0_SE | ST0_EC);
    }
    rig_destroy(rig);
}

static void absent_drive_never_reaches_track_0(void **state)
{
    (void)state;
    struct rig *rig = fdc_rig_create(2880);
    rig_out(rig, FDC_DOR_PORT, DOR_MOTOR_0 << 1 | 1 | DOR_NOT_RESET | DOR_NOT_DMAGATE);
    fdc_send(rig, (const u8[]){0x07, 0x01}, 2);
    rig_pass(rig, 100 * NS_PER_MS);
    assert_int_equal(fdc_sense(rig), ST0_IC_ABNORMAL | ST0_SE | ST0_EC | 1);
    FDC_RUN(rig, 0x04, 0x01);
    FDC_EXPECT(rig, ST3_ONES | 1);
    rig_destroy(rig);
}

static void seeks_of_two_drives_overlap(void **state)
{
    (void)state;
    struct rig *rig = rig_create();
    rig->config.floppy[1] = rig_open(rig, 2880, BLOCK_FLOPPY);
    fdc_rig_with(rig_open(rig, 2880, BLOCK_FLOPPY), rig, RATE_500K);
    fdc_send(rig, (const u8[]){0x0f, 0x00, 30}, 3);
    rig_out(rig, FDC_DOR_PORT, 0x3d);
    fdc_send(rig, (const u8[]){0x0f, 0x01, 10}, 3);
    assert_int_equal(rig_in(rig, FDC_MSR_PORT), MSR_RQM | 3);
    rig_pass(rig, 100 * NS_PER_MS);
    assert_int_equal(fdc_sense(rig), ST0_SE | 30 << 8);
    assert_true(rig->irq_level[6]);
    assert_int_equal(fdc_sense(rig), ST0_SE | 1 | 10 << 8);
    assert_false(rig->irq_level[6]);
    rig_destroy(rig);
}

static void relative_seek_moves_from_where_it_is(void **state)
{
    (void)state;
    struct rig *rig = fdc_rig_create(2880);
    fdc_seek(rig, 0, 20);
    fdc_send(rig, (const u8[]){0xcf, 0x00, 5}, 3); /* inwards */
    rig_pass(rig, 100 * NS_PER_MS);
    assert_int_equal(fdc_sense(rig), ST0_SE | 25 << 8);
    fdc_send(rig, (const u8[]){0x8f, 0x00, 7}, 3);
    rig_pass(rig, 100 * NS_PER_MS);
    assert_int_equal(fdc_sense(rig), ST0_SE | 18 << 8);
    FDC_RUN(rig, 0x4a, 0x00); /* READ ID agrees */
    u8 r[7];
    fdc_result(rig, r, 7);
    assert_int_equal(r[0], 0);
    assert_int_equal(r[3], 18);
    rig_destroy(rig);
}

static void disk_change_lasts_until_a_step_with_a_disk(void **state)
{
    (void)state;
    struct rig *rig = fdc_rig_create(2880);
    struct block *disk = rig->config.floppy[0];
    assert_int_equal(rig_in(rig, FDC_DIR_PORT) & DIR_DSKCHG, DIR_DSKCHG); /* since power-on */
    fdc_seek(rig, 0, 0);
    assert_int_equal(rig_in(rig, FDC_DIR_PORT) & DIR_DSKCHG, DIR_DSKCHG); /* no step */
    fdc_seek(rig, 0, 1);
    assert_int_equal(rig_in(rig, FDC_DIR_PORT) & DIR_DSKCHG, 0);
    fdc_change_media(rig->machine.fdc, 0, NULL);
    assert_int_equal(rig_in(rig, FDC_DIR_PORT) & DIR_DSKCHG, DIR_DSKCHG);
    fdc_seek(rig, 0, 2);
    assert_int_equal(rig_in(rig, FDC_DIR_PORT) & DIR_DSKCHG, DIR_DSKCHG); /* still empty */
    fdc_change_media(rig->machine.fdc, 0, disk);
    fdc_seek(rig, 0, 3);
    assert_int_equal(rig_in(rig, FDC_DIR_PORT) & DIR_DSKCHG, 0);
    fdc_change_media(rig->machine.fdc, 0, disk);
    rig_out(rig, FDC_DOR_PORT, DOR_NOT_RESET | DOR_NOT_DMAGATE); /* not selected without its motor */
    assert_int_equal(rig_in(rig, FDC_DIR_PORT), 0x7f);
    rig_destroy(rig);
}

static void version_and_invalid(void **state)
{
    (void)state;
    struct rig *rig = fdc_rig_create(2880);
    u32 edges = rig->irq_edges[6];
    FDC_RUN(rig, 0x10);
    FDC_EXPECT(rig, 0x90);
    /* no SCAN, nothing of the 82078, no flags where the table has zeros */
    const u8 invalid[] = {0x11, 0x19, 0x1d, 0x18, 0x17, 0x33,        0x2e,
                          0x8e, 0x00, 0x1f, 0xc7, 0x48, 0x85 | 0x20, 0x82};
    for (u32 i = 0; i < ARRAY_LEN(invalid); i++) {
        fdc_run(rig, &invalid[i], 1);
        FDC_EXPECT(rig, ST0_IC_INVALID);
    }
    assert_int_equal(rig->irq_edges[6], edges);
    rig_destroy(rig);
}

static void dumpreg_shows_what_was_set(void **state)
{
    (void)state;
    struct rig *rig = fdc_rig_create(2880);
    FDC_RUN(rig, 0x03, 0xa1, 0x10);
    FDC_RUN(rig, 0x13, 0x00, 0x5a, 0x33);
    FDC_RUN(rig, 0x12, 0x80 | 0x14 | 0x03);
    FDC_RUN(rig, 0x12, 0x20 | 0x01); /* without OW the drive bits stay */
    fdc_seek(rig, 0, 12);
    FDC_RUN(rig, 0x0e);
    FDC_EXPECT(rig, 12, 0, 0, 0, 0xa1, 0x10, 0, 0x15, 0x5a, 0x33);
    rig_destroy(rig);
}

static void lock_keeps_the_fifo_over_software_reset(void **state)
{
    (void)state;
    struct rig *rig = fdc_rig_create(2880);
    FDC_RUN(rig, 0x13, 0x00, CONFIG_EIS | 0x07, 0x20);
    FDC_RUN(rig, 0x94);
    FDC_EXPECT(rig, 0x10);
    fdc_seek(rig, 0, 9);
    rig_out(rig, FDC_MSR_PORT, DSR_RESET);
    FDC_RUN(rig, 0x0e);                                     /* PCN is 0 again, wherever the heads are */
    FDC_EXPECT(rig, 0, 0, 0, 0, 0, 0, 0, 0x80, 0x07, 0x20); /* EIS is not protected */
    FDC_RUN(rig, 0x14);
    FDC_EXPECT(rig, 0x00);
    rig_out(rig, FDC_MSR_PORT, DSR_RESET);
    FDC_RUN(rig, 0x0e);
    FDC_EXPECT(rig, 0, 0, 0, 0, 0, 0, 0, 0x00, CONFIG_EFIFO, 0x00);
    FDC_RUN(rig, 0x13, 0x00, 0x07, 0x20);
    FDC_RUN(rig, 0x94);
    FDC_EXPECT(rig, 0x10);
    fdc_class.reset(rig->dev[1]); /* the hardware line clears LOCK too */
    rig_out(rig, FDC_DOR_PORT, 0x1c);
    FDC_RUN(rig, 0x0e);
    FDC_EXPECT(rig, 0, 0, 0, 0, 0, 0, 0, 0x00, CONFIG_EFIFO, 0x00);
    rig_destroy(rig);
}

static void write_protection_shows_in_st3(void **state)
{
    (void)state;
    struct rig *rig = rig_create();
    fdc_rig_with(rig_open_protected(rig, 2880, BLOCK_FLOPPY), rig, RATE_500K);
    FDC_RUN(rig, 0x04, 0x00);
    FDC_EXPECT(rig, ST3_ONES | ST3_T0 | ST3_WP);
    rig_destroy(rig);
}

int fdc_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reset_holds_the_controller),
        cmocka_unit_test(polling_after_reset_interrupts_once),
        cmocka_unit_test(polling_can_be_disabled_until_the_next_reset),
        cmocka_unit_test(dma_gate_silences_the_interrupt),
        cmocka_unit_test(undriven_registers_float),
        cmocka_unit_test(seek_interrupts_and_keeps_the_drive_busy_until_sensed),
        cmocka_unit_test(recalibrate_finds_track_0_within_79_steps),
        cmocka_unit_test(absent_drive_never_reaches_track_0),
        cmocka_unit_test(seeks_of_two_drives_overlap),
        cmocka_unit_test(relative_seek_moves_from_where_it_is),
        cmocka_unit_test(disk_change_lasts_until_a_step_with_a_disk),
        cmocka_unit_test(version_and_invalid),
        cmocka_unit_test(dumpreg_shows_what_was_set),
        cmocka_unit_test(lock_keeps_the_fifo_over_software_reset),
        cmocka_unit_test(write_protection_shows_in_st3),
    };
    return cmocka_run_group_tests_name("fdc", tests, NULL, NULL);
}
