/* The data commands of the 82077AA, sections 5.1 and 5.2 of its data sheet. */
#include "fdc_rig.h"

#include <string.h>
#include <sys/stat.h>

enum { BUFFER_GPA = 0x10000, DMA_TO = 0x46, DMA_FROM = 0x4a };

static void assert_guest_sectors(struct rig *rig, u32 gpa, u64 lba, u32 count)
{
    for (u32 s = 0; s < count; s++) {
        u8 expected[SECTOR_BYTES], got[SECTOR_BYTES];
        rig_fill_sector(lba + s, expected);
        assert_true(memory_read(&rig->machine.memory, gpa + s * SECTOR_BYTES, got, sizeof got));
        assert_memory_equal(got, expected, sizeof got);
    }
}

static void read_one_sector(void **state)
{
    (void)state;
    struct rig *rig = fdc_rig_create(2880);
    fdc_program_dma(rig, DMA_TO, BUFFER_GPA, SECTOR_BYTES);
    u32 edges = rig->irq_edges[6];
    FDC_RUN(rig, 0x46, 0x00, 0, 0, 1, 2, 18, 0x1b, 0xff);
    assert_int_equal(rig->irq_edges[6], edges + 1);
    assert_true(rig->irq_level[6]);
    FDC_EXPECT(rig, 0x00, 0x00, 0x00, 0, 0, 2, 2);
    assert_false(rig->irq_level[6]);
    assert_guest_sectors(rig, BUFFER_GPA, 0, 1);
    rig_destroy(rig);
}

/* 36 sectors over both sides of cylinder 3 in one command. */
static void read_multi_track(void **state)
{
    (void)state;
    struct rig *rig = fdc_rig_create(2880);
    assert_int_equal(fdc_seek(rig, 0, 3), ST0_SE | 3 << 8);
    fdc_program_dma(rig, DMA_TO, BUFFER_GPA, 36 * SECTOR_BYTES);
    FDC_RUN(rig, 0xc6, 0x00, 3, 0, 1, 2, 18, 0x1b, 0xff);
    FDC_EXPECT(rig, ST0_H, 0x00, 0x00, 4, 0, 1, 2);
    assert_guest_sectors(rig, BUFFER_GPA, 3 * 36, 36);
    rig_destroy(rig);
}

static void write_reaches_the_file(void **state)
{
    (void)state;
    struct rig *rig = fdc_rig_create(2880);
    u8 data[SECTOR_BYTES], got[SECTOR_BYTES];
    memset(data, 0xa5, sizeof data);
    assert_true(memory_write(&rig->machine.memory, BUFFER_GPA, data, sizeof data));
    fdc_program_dma(rig, DMA_FROM, BUFFER_GPA, SECTOR_BYTES);
    FDC_RUN(rig, 0x45, 0x04, 0, 1, 5, 2, 18, 0x1b, 0xff);
    FDC_EXPECT(rig, ST0_H, 0x00, 0x00, 0, 1, 6, 2);
    rig_file_sector(rig->path[0], 18 + 4, got);
    assert_memory_equal(got, data, sizeof got);
    rig_file_sector(rig->path[0], 18 + 5, got);
    assert_int_equal(got[9], rig_sector_byte(18 + 5, 9));
    rig_destroy(rig);
}

int fdc_transfer_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(read_one_sector),
        cmocka_unit_test(read_multi_track),
        cmocka_unit_test(write_reaches_the_file),
    };
    return cmocka_run_group_tests_name("fdc transfers", tests, NULL, NULL);
}
