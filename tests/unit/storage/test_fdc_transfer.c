/* The data commands of the 82077AA, sections 5.1 and 5.2 of its data sheet. */
#include "capture.h"
#include "fdc_rig.h"

#include <string.h>

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

static void terminal_count_inside_a_sector_pads_with_zeros(void **state)
{
    (void)state;
    struct rig *rig = fdc_rig_create(2880);
    u8 data[700], got[SECTOR_BYTES];
    memset(data, 0x5a, sizeof data);
    assert_true(memory_write(&rig->machine.memory, BUFFER_GPA, data, sizeof data));
    fdc_program_dma(rig, DMA_FROM, BUFFER_GPA, sizeof data);
    FDC_RUN(rig, 0x45, 0x00, 0, 0, 1, 2, 18, 0x1b, 0xff);
    FDC_EXPECT(rig, 0x00, 0x00, 0x00, 0, 0, 3, 2);
    rig_file_sector(rig->path[0], 1, got);
    assert_int_equal(got[700 - 512 - 1], 0x5a);
    assert_int_equal(got[700 - 512], 0x00);
    assert_int_equal(got[511], 0x00);
    rig_file_sector(rig->path[0], 2, got);
    assert_int_equal(got[0], rig_sector_byte(2, 0));
    rig_destroy(rig);
}

/* Without terminal count the command runs into the end of the cylinder. */
static void end_of_track_without_terminal_count_is_abnormal(void **state)
{
    (void)state;
    struct rig *rig = fdc_rig_create(2880);
    fdc_program_dma(rig, DMA_TO, BUFFER_GPA, 40 * SECTOR_BYTES);
    FDC_RUN(rig, 0x46, 0x00, 0, 0, 17, 2, 18, 0x1b, 0xff);
    FDC_EXPECT(rig, ST0_IC_ABNORMAL, ST1_EN, 0x00, 1, 0, 1, 2);
    assert_guest_sectors(rig, BUFFER_GPA, 16, 2);
    rig_destroy(rig);
}

static void what_is_not_there_is_told(void **state)
{
    (void)state;
    static const struct {
        u8 command[9];
        u8 st0, st1, st2;
    } t[] = {
        {{0x46, 0, 0, 0, 19, 2, 19, 0x1b, 0xff}, 0x40, ST1_ND, 0}, /* no such sector */
        {{0x46, 0, 0, 0, 0, 2, 18, 0x1b, 0xff}, 0x40, ST1_ND, 0},
        {{0x46, 0, 5, 0, 1, 2, 18, 0x1b, 0xff}, 0x40, ST1_ND, ST2_WC}, /* heads elsewhere */
        {{0x46, 0, 0, 1, 1, 2, 18, 0x1b, 0xff}, 0x40, ST1_ND, 0},      /* H and HDS disagree */
        {{0x46, 0, 0, 0, 1, 3, 18, 0x1b, 0xff}, 0x40, ST1_ND, 0},      /* 1,024-byte sectors */
        {{0x46, 0, 0, 0, 1, 0, 18, 0x1b, 0x80}, 0x40, ST1_ND, 0},
        {{0x06, 0, 0, 0, 1, 2, 18, 0x1b, 0xff}, 0x40, ST1_MA, 0}, /* FM on an MFM disk */
        {{0x45, 4, 0, 1, 19, 2, 19, 0x1b, 0xff}, 0x44, ST1_ND, 0},
    };
    for (u32 i = 0; i < ARRAY_LEN(t); i++) {
        struct rig *rig = fdc_rig_create(2880);
        u8 r[7];
        fdc_program_dma(rig, t[i].command[0] & 1 ? DMA_FROM : DMA_TO, BUFFER_GPA, SECTOR_BYTES);
        fdc_run(rig, t[i].command, 9);
        fdc_result(rig, r, 7);
        assert_int_equal(r[0], t[i].st0);
        assert_int_equal(r[1], t[i].st1);
        assert_int_equal(r[2], t[i].st2);
        assert_memory_equal(r + 3, t[i].command + 2, 4);
        rig_destroy(rig);
    }
}

static void only_the_right_rate_reads(void **state)
{
    (void)state;
    static const struct {
        u32 sectors;
        u8 good; /* bit per enum fdc_rate */
    } t[] = {{320, BIT(RATE_250K) | BIT(RATE_300K)},
             {1440, BIT(RATE_250K) | BIT(RATE_300K)},
             {2400, BIT(RATE_500K)},
             {2880, BIT(RATE_500K)},
             {5760, BIT(RATE_1M)}};
    for (u32 i = 0; i < ARRAY_LEN(t); i++) {
        struct rig *rig = fdc_rig_create(t[i].sectors);
        for (u8 rate = 0; rate < 4; rate++) {
            u8 r[7];
            /* by either register: the last one wins */
            rig_out(rig, rate & 1 ? FDC_DIR_PORT : FDC_MSR_PORT, rate);
            FDC_RUN(rig, 0x4a, 0x00);
            fdc_result(rig, r, 7);
            assert_int_equal(r[0], t[i].good & BIT(rate) ? 0 : ST0_IC_ABNORMAL);
            assert_int_equal(r[1], t[i].good & BIT(rate) ? 0 : ST1_MA);
        }
        rig_destroy(rig);
    }
}

static void empty_or_stopped_drive_has_no_address_marks(void **state)
{
    (void)state;
    struct rig *rig = fdc_rig_create(0);
    fdc_program_dma(rig, DMA_TO, BUFFER_GPA, SECTOR_BYTES);
    FDC_RUN(rig, 0x46, 0x00, 0, 0, 1, 2, 18, 0x1b, 0xff);
    FDC_EXPECT(rig, ST0_IC_ABNORMAL, ST1_MA, 0, 0, 0, 1, 2);
    rig_destroy(rig);
    rig = fdc_rig_create(2880);
    rig_out(rig, FDC_DOR_PORT, DOR_NOT_RESET | DOR_NOT_DMAGATE);
    FDC_RUN(rig, 0x4a, 0x00);
    FDC_EXPECT(rig, ST0_IC_ABNORMAL, ST1_MA, 0, 0, 0, 0, 0);
    rig_destroy(rig);
}

static void single_sided_disks_have_no_side_1(void **state)
{
    (void)state;
    struct rig *rig = fdc_rig_create(320); /* 160 KiB: 40 cylinders, 1 side, 8 sectors */
    fdc_program_dma(rig, DMA_TO, BUFFER_GPA, SECTOR_BYTES);
    FDC_RUN(rig, 0x46, 0x04, 0, 1, 1, 2, 8, 0x2a, 0xff);
    FDC_EXPECT(rig, ST0_IC_ABNORMAL | ST0_H, ST1_MA, 0, 0, 1, 1, 2);
    fdc_seek(rig, 0, 39);
    FDC_RUN(rig, 0x46, 0x00, 39, 0, 8, 2, 8, 0x2a, 0xff);
    FDC_EXPECT(rig, 0, 0, 0, 40, 0, 1, 2);
    assert_guest_sectors(rig, BUFFER_GPA, 319, 1);
    fdc_seek(rig, 0, 40);
    FDC_RUN(rig, 0x46, 0x00, 40, 0, 1, 2, 8, 0x2a, 0xff);
    FDC_EXPECT(rig, ST0_IC_ABNORMAL, ST1_MA, 0, 40, 0, 1, 2);
    rig_destroy(rig);
}

static void implied_seek_goes_first(void **state)
{
    (void)state;
    struct rig *rig = fdc_rig_create(2880);
    FDC_RUN(rig, 0x13, 0x00, CONFIG_EIS | CONFIG_EFIFO, 0x00);
    fdc_program_dma(rig, DMA_TO, BUFFER_GPA, SECTOR_BYTES);
    FDC_RUN(rig, 0x46, 0x00, 7, 0, 3, 2, 18, 0x1b, 0xff);
    FDC_EXPECT(rig, 0, 0, 0, 7, 0, 4, 2);
    assert_guest_sectors(rig, BUFFER_GPA, 7 * 36 + 2, 1);
    FDC_RUN(rig, 0x0e);
    FDC_EXPECT(rig, 7, 0, 0, 0, 0, 0, 18, 0, 0x60, 0);
    rig_destroy(rig);
}

static void write_protected_disk_refuses(void **state)
{
    (void)state;
    struct rig *rig = rig_create();
    u8 got[SECTOR_BYTES];
    fdc_rig_with(rig_open_protected(rig, 2880, BLOCK_FLOPPY), rig, RATE_500K);
    fdc_program_dma(rig, DMA_FROM, BUFFER_GPA, SECTOR_BYTES);
    FDC_RUN(rig, 0x45, 0x00, 0, 0, 1, 2, 18, 0x1b, 0xff);
    FDC_EXPECT(rig, ST0_IC_ABNORMAL, ST1_NW, 0, 0, 0, 1, 2);
    FDC_RUN(rig, 0x4d, 0x00, 2, 18, 0x50, 0xf6);
    u8 r[7];
    fdc_result(rig, r, 7);
    assert_int_equal(r[1], ST1_NW);
    rig_file_sector(rig->path[0], 0, got);
    assert_int_equal(got[1], rig_sector_byte(0, 1));
    rig_destroy(rig);
}

static void deleted_data_is_looked_for_in_vain(void **state)
{
    (void)state;
    struct rig *rig = fdc_rig_create(2880);
    fdc_program_dma(rig, DMA_TO, BUFFER_GPA, 4 * SECTOR_BYTES);
    FDC_RUN(rig, 0x4c, 0x00, 0, 0, 4, 2, 18, 0x1b, 0xff); /* read, marked, and the end */
    FDC_EXPECT(rig, 0, 0, ST2_CM, 0, 0, 4, 2);
    assert_guest_sectors(rig, BUFFER_GPA, 3, 1);
    fdc_program_dma(rig, DMA_TO, BUFFER_GPA + 0x4000, SECTOR_BYTES);
    FDC_RUN(rig, 0x6c, 0x00, 0, 0, 4, 2, 18, 0x1b, 0xff); /* SK: skips them all */
    FDC_EXPECT(rig, ST0_IC_ABNORMAL, ST1_EN, ST2_CM, 1, 0, 1, 2);
    u8 byte;
    assert_true(memory_read(&rig->machine.memory, BUFFER_GPA + 0x4000 + 1, &byte, 1));
    assert_int_equal(byte, 0);
    rig_destroy(rig);
}

static void write_deleted_writes(void **state)
{
    (void)state;
    struct rig *rig = fdc_rig_create(2880);
    u8 data[SECTOR_BYTES] = {0x77}, got[SECTOR_BYTES];
    assert_true(memory_write(&rig->machine.memory, BUFFER_GPA, data, sizeof data));
    fdc_program_dma(rig, DMA_FROM, BUFFER_GPA, SECTOR_BYTES);
    FDC_RUN(rig, 0x49, 0x00, 0, 0, 9, 2, 18, 0x1b, 0xff);
    FDC_EXPECT(rig, 0, 0, 0, 0, 0, 10, 2);
    rig_file_sector(rig->path[0], 8, got);
    assert_memory_equal(got, data, sizeof got);
    rig_destroy(rig);
}

static void read_track_starts_at_the_index_hole(void **state)
{
    (void)state;
    struct rig *rig = fdc_rig_create(2880);
    fdc_program_dma(rig, DMA_TO, BUFFER_GPA, 4 * SECTOR_BYTES);
    FDC_RUN(rig, 0x42, 0x00, 0, 0, 1, 2, 4, 0x1b, 0xff);
    FDC_EXPECT(rig, 0, 0, 0, 1, 0, 1, 2);
    assert_guest_sectors(rig, BUFFER_GPA, 0, 4);
    fdc_program_dma(rig, DMA_TO, BUFFER_GPA, 3 * SECTOR_BYTES);
    FDC_RUN(rig, 0x42, 0x00, 0, 0, 5, 2, 9, 0x1b, 0xff); /* other numbers: read all the same, and told */
    FDC_EXPECT(rig, 0, ST1_ND, 0, 0, 0, 8, 2);
    assert_guest_sectors(rig, BUFFER_GPA, 0, 3);
    rig_destroy(rig);
}

static void verify_needs_no_dma(void **state)
{
    (void)state;
    static const struct {
        u8 command[9];
        u8 result[7];
    } t[] = {
        {{0x56, 0x00, 0, 0, 1, 2, 18, 0x1b, 0xff}, {0, 0, 0, 1, 0, 1, 2}},
        {{0xd6, 0x00, 0, 0, 1, 2, 18, 0x1b, 0xff}, {4, 0, 0, 1, 0, 1, 2}},
        {{0x56, 0x80, 0, 0, 1, 2, 18, 0x1b, 5}, {0, 0, 0, 0, 0, 6, 2}},
        {{0xd6, 0x80, 0, 0, 1, 2, 18, 0x1b, 20}, {4, 0, 0, 0, 1, 3, 2}},
        {{0x56, 0x00, 0, 0, 1, 2, 19, 0x1b, 0xff}, {0x40, ST1_ND, 0, 0, 0, 19, 2}},
        {{0x56, 0x80, 0, 0, 1, 2, 18, 0x1b, 19}, {0x40, ST1_EN, 0, 1, 0, 1, 2}},
    };
    struct rig *rig = fdc_rig_create(2880);
    rig_out(rig, 0x0a, 0x06);
    for (u32 i = 0; i < ARRAY_LEN(t); i++) {
        u8 r[7];
        fdc_run(rig, t[i].command, 9);
        fdc_result(rig, r, 7);
        assert_memory_equal(r, t[i].result, 7);
    }
    rig_destroy(rig);
}

static void read_id_sees_the_disk_turn(void **state)
{
    (void)state;
    struct rig *rig = fdc_rig_create(2880);
    u32 seen = 0;
    fdc_seek(rig, 0, 11);
    for (u32 i = 0; i < 200; i++) {
        u8 r[7];
        FDC_RUN(rig, 0x4a, 0x04);
        fdc_result(rig, r, 7);
        assert_int_equal(r[0], ST0_H);
        assert_int_equal(r[3], 11);
        assert_int_equal(r[4], 1);
        assert_in_range(r[5], 1, 18);
        assert_int_equal(r[6], 2);
        seen |= BIT(r[5]);
        rig_pass(rig, 2700 * NS_PER_US);
    }
    assert_int_equal(seen, 0x7fffe); /* all eighteen */
    rig_destroy(rig);
}

static void format_fills_the_track(void **state)
{
    (void)state;
    struct rig *rig = fdc_rig_create(2880);
    u8 ids[18][4], got[SECTOR_BYTES];
    for (u8 i = 0; i < 18; i++) {
        const u8 id[4] = {2, 1, (u8)((i * 5) % 18 + 1), 2}; /* interleaved */
        memcpy(ids[i], id, 4);
    }
    fdc_seek(rig, 0, 2);
    assert_true(memory_write(&rig->machine.memory, BUFFER_GPA, ids, sizeof ids));
    fdc_program_dma(rig, DMA_FROM, BUFFER_GPA, sizeof ids);
    FDC_RUN(rig, 0x4d, 0x04, 2, 18, 0x50, 0xe5);
    u8 r[7];
    fdc_result(rig, r, 7);
    assert_int_equal(r[0], ST0_H);
    assert_int_equal(r[1], 0);
    for (u32 s = 0; s < 18; s++) {
        rig_file_sector(rig->path[0], 2 * 36 + 18 + s, got);
        assert_int_equal(got[0], 0xe5);
        assert_int_equal(got[511], 0xe5);
    }
    rig_file_sector(rig->path[0], 2 * 36 + 17, got);
    assert_int_equal(got[5], rig_sector_byte(2 * 36 + 17, 5));
    rig_file_sector(rig->path[0], 3 * 36, got);
    assert_int_equal(got[5], rig_sector_byte(3 * 36, 5));
    FDC_RUN(rig, 0x0e);
    FDC_EXPECT(rig, 2, 0, 0, 0, 0, 0, 18, 0, CONFIG_EFIFO, 0);
    rig_destroy(rig);
}

static void late_dma_is_waited_for_but_not_for_ever(void **state)
{
    (void)state;
    struct rig *rig = fdc_rig_create(2880);
    fdc_program_dma(rig, DMA_TO, BUFFER_GPA, SECTOR_BYTES);
    rig_out(rig, 0x0a, 0x06);
    fdc_send(rig, (const u8[]){0x46, 0x00, 0, 0, 1, 2, 18, 0x1b, 0xff}, 9);
    rig_pass(rig, 10 * NS_PER_MS);
    assert_int_equal(rig_in(rig, FDC_MSR_PORT), MSR_CMDBSY);
    assert_int_equal(rig_in(rig, 0x08), 0x40); /* DREQ 2 waits */
    rig_out(rig, 0x0a, 0x02);
    rig_pass(rig, 10 * NS_PER_MS);
    FDC_EXPECT(rig, 0, 0, 0, 0, 0, 2, 2);
    assert_int_equal(rig_in(rig, 0x08), 0x04);
    /* masked by its terminal count now */
    FDC_RUN(rig, 0x46, 0x00, 0, 0, 1, 2, 18, 0x1b, 0xff);
    FDC_EXPECT(rig, ST0_IC_ABNORMAL, ST1_OR, 0, 0, 0, 1, 2);
    rig_destroy(rig);
}

/* Non-DMA: the interrupt per FIFO load, data through 3F5h; there is no terminal count, so it ends at EOT. */
static void host_moves_the_bytes(bool fifo)
{
    struct rig *rig = fdc_rig_create(2880);
    const u32 loads = fifo ? SECTOR_BYTES / FDC_FIFO_BYTES : SECTOR_BYTES;
    u8 sector[SECTOR_BYTES], got[SECTOR_BYTES];
    FDC_RUN(rig, 0x03, 0xaf, 0x03); /* ND */
    if (fifo)
        FDC_RUN(rig, 0x13, 0x00, 0x07, 0x00);
    u32 edges = rig->irq_edges[6];
    FDC_RUN(rig, 0x46, 0x00, 0, 0, 2, 2, 2, 0x1b, 0xff);
    for (u32 i = 0; i < SECTOR_BYTES; i++) {
        rig_pass(rig, 10 * NS_PER_US);
        assert_int_equal(rig_in(rig, FDC_MSR_PORT), MSR_RQM | MSR_DIO | MSR_NONDMA | MSR_CMDBSY);
        assert_true(rig->irq_level[6]);
        sector[i] = rig_in(rig, FDC_DATA_PORT);
    }
    rig_pass(rig, NS_PER_MS);
    assert_int_equal(rig->irq_edges[6], edges + loads + 1);
    FDC_EXPECT(rig, ST0_IC_ABNORMAL, ST1_EN, 0, 1, 0, 1, 2);
    rig_fill_sector(1, got);
    assert_memory_equal(sector, got, SECTOR_BYTES);

    FDC_RUN(rig, 0x45, 0x00, 0, 0, 3, 2, 3, 0x1b, 0xff);
    for (u32 i = 0; i < SECTOR_BYTES; i++) {
        rig_pass(rig, 10 * NS_PER_US);
        assert_int_equal(rig_in(rig, FDC_MSR_PORT), MSR_RQM | MSR_NONDMA | MSR_CMDBSY);
        rig_out(rig, FDC_DATA_PORT, (u8)~i);
    }
    rig_pass(rig, NS_PER_MS);
    FDC_EXPECT(rig, ST0_IC_ABNORMAL, ST1_EN, 0, 1, 0, 1, 2);
    rig_file_sector(rig->path[0], 2, got);
    for (u32 i = 0; i < SECTOR_BYTES; i++)
        assert_int_equal(got[i], (u8)~i);
    rig_destroy(rig);
}

static void host_moves_single_bytes(void **state)
{
    (void)state;
    host_moves_the_bytes(false);
}

static void host_moves_fifo_loads(void **state)
{
    (void)state;
    host_moves_the_bytes(true);
}

static void reset_stops_a_transfer(void **state)
{
    (void)state;
    struct rig *rig = fdc_rig_create(2880);
    fdc_program_dma(rig, DMA_TO, BUFFER_GPA, 18 * SECTOR_BYTES);
    fdc_send(rig, (const u8[]){0x46, 0x00, 0, 0, 1, 2, 18, 0x1b, 0xff}, 9);
    rig_pass(rig, 300 * NS_PER_US); /* some sectors */
    rig_out(rig, FDC_MSR_PORT, DSR_RESET);
    rig_pass(rig, 50 * NS_PER_MS);
    assert_int_equal(rig_in(rig, FDC_MSR_PORT), MSR_RQM);
    u8 byte;
    assert_true(memory_read(&rig->machine.memory, BUFFER_GPA + 1, &byte, 1));
    assert_int_equal(byte, rig_sector_byte(0, 1));
    assert_true(memory_read(&rig->machine.memory, BUFFER_GPA + 17 * SECTOR_BYTES + 1, &byte, 1));
    assert_int_equal(byte, 0);
    rig_destroy(rig);
}

static void disk_taken_out_in_mid_command_is_missed(void **state)
{
    (void)state;
    struct rig *rig = fdc_rig_create(2880);
    struct block *disk = rig->config.floppy[0];
    fdc_program_dma(rig, DMA_TO, BUFFER_GPA, 18 * SECTOR_BYTES);
    fdc_send(rig, (const u8[]){0x46, 0x00, 0, 0, 1, 2, 18, 0x1b, 0xff}, 9);
    rig_pass(rig, 210 * NS_PER_US); /* the first sector */
    fdc_change_media(rig->machine.fdc, 0, NULL);
    rig_pass(rig, NS_PER_MS);
    FDC_EXPECT(rig, ST0_IC_ABNORMAL, ST1_MA, 0, 0, 0, 2, 2);
    fdc_change_media(rig->machine.fdc, 0, disk);
    rig_destroy(rig);
}

/* Sectors the image has no place for are not kept, which is said once; the command ends well. */
static void format_of_another_layout_is_told(void **state)
{
    (void)state;
    static const u8 ids[][4] = {{0, 0, 19, 2}, {0, 0, 0, 2}, {1, 0, 1, 2},
                                {0, 1, 1, 2},  {0, 0, 1, 3}, {0, 0, 2, 2}};
    struct rig *rig = fdc_rig_create(2880);
    struct capture capture;
    u8 r[7], got[SECTOR_BYTES];
    assert_true(memory_write(&rig->machine.memory, BUFFER_GPA, ids, sizeof ids));
    fdc_program_dma(rig, DMA_FROM, BUFFER_GPA, sizeof ids);
    capture_begin(&capture);
    FDC_RUN(rig, 0x4d, 0x00, 2, ARRAY_LEN(ids), 0x50, 0xe5);
    capture_end(&capture);
    fdc_result(rig, r, 7);
    assert_int_equal(r[0], 0);
    assert_said_once(&capture, "cannot hold");
    for (u32 s = 0; s < 40; s++) {
        rig_file_sector(rig->path[0], s, got);
        assert_int_equal(got[7], s == 1 ? 0xe5 : rig_sector_byte(s, 7));
    }
    rig_destroy(rig);
}

static void format_needs_a_disk_and_sectors(void **state)
{
    (void)state;
    struct rig *rig = fdc_rig_create(2880);
    u8 r[7];
    FDC_RUN(rig, 0x4d, 0x00, 2, 0, 0x50, 0xe5);
    fdc_result(rig, r, 7);
    assert_int_equal(r[0], 0);
    rig_out(rig, FDC_DIR_PORT, RATE_250K);
    FDC_RUN(rig, 0x4d, 0x00, 2, 18, 0x50, 0xe5);
    fdc_result(rig, r, 7);
    assert_int_equal(r[0], ST0_IC_ABNORMAL);
    assert_int_equal(r[1], ST1_MA);
    FDC_RUN(rig, 0x42, 0x00, 0, 0, 1, 2, 4, 0x1b, 0xff);
    FDC_EXPECT(rig, ST0_IC_ABNORMAL, ST1_MA, 0, 0, 0, 1, 2);
    rig_destroy(rig);
}

/* The drive is let go while a write waits for its data: nothing is written anywhere. */
static void drive_deselected_in_mid_write(void **state)
{
    (void)state;
    const u8 commands[][9] = {{0x45, 0x00, 0, 0, 1, 2, 18, 0x1b, 0xff}, {0x4d, 0x00, 2, 18, 0x50, 0xe5}};
    for (u32 i = 0; i < ARRAY_LEN(commands); i++) {
        struct rig *rig = fdc_rig_create(2880);
        u8 r[7], got[SECTOR_BYTES], data[SECTOR_BYTES] = {0, 0, 1, 2};
        assert_true(memory_write(&rig->machine.memory, BUFFER_GPA, data, sizeof data));
        fdc_program_dma(rig, DMA_FROM, BUFFER_GPA, SECTOR_BYTES);
        rig_out(rig, 0x0a, 0x06);
        fdc_send(rig, commands[i], i ? 6 : 9);
        rig_pass(rig, 5 * NS_PER_MS);
        rig_out(rig, FDC_DOR_PORT, DOR_NOT_RESET | DOR_NOT_DMAGATE);
        rig_out(rig, 0x0a, 0x02);
        rig_pass(rig, 5 * NS_PER_MS);
        fdc_result(rig, r, 7);
        assert_int_equal(r[0], ST0_IC_ABNORMAL);
        assert_int_equal(r[1], ST1_MA);
        rig_file_sector(rig->path[0], 0, got);
        assert_int_equal(got[100], rig_sector_byte(0, 100));
        rig_destroy(rig);
    }
}

int fdc_transfer_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(read_one_sector),
        cmocka_unit_test(read_multi_track),
        cmocka_unit_test(write_reaches_the_file),
        cmocka_unit_test(terminal_count_inside_a_sector_pads_with_zeros),
        cmocka_unit_test(end_of_track_without_terminal_count_is_abnormal),
        cmocka_unit_test(what_is_not_there_is_told),
        cmocka_unit_test(only_the_right_rate_reads),
        cmocka_unit_test(empty_or_stopped_drive_has_no_address_marks),
        cmocka_unit_test(single_sided_disks_have_no_side_1),
        cmocka_unit_test(implied_seek_goes_first),
        cmocka_unit_test(write_protected_disk_refuses),
        cmocka_unit_test(deleted_data_is_looked_for_in_vain),
        cmocka_unit_test(write_deleted_writes),
        cmocka_unit_test(read_track_starts_at_the_index_hole),
        cmocka_unit_test(verify_needs_no_dma),
        cmocka_unit_test(read_id_sees_the_disk_turn),
        cmocka_unit_test(format_fills_the_track),
        cmocka_unit_test(format_of_another_layout_is_told),
        cmocka_unit_test(format_needs_a_disk_and_sectors),
        cmocka_unit_test(drive_deselected_in_mid_write),
        cmocka_unit_test(late_dma_is_waited_for_but_not_for_ever),
        cmocka_unit_test(host_moves_single_bytes),
        cmocka_unit_test(host_moves_fifo_loads),
        cmocka_unit_test(reset_stops_a_transfer),
        cmocka_unit_test(disk_taken_out_in_mid_command_is_missed),
    };
    return cmocka_run_group_tests_name("fdc transfers", tests, NULL, NULL);
}
