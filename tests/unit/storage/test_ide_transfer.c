/* Data transfers of ATA disks: ATA-3, clause 8 for the commands, 9 for the protocols. */
#include "ide_rig.h"

#include <string.h>
#include <sys/stat.h>

static void read_sectors_interrupts_per_sector(void **state)
{
    (void)state;
    struct rig *rig = disk_rig();
    u8 sector[SECTOR_BYTES];
    ide_lba_command(rig, 0x20, 1000, 2);
    for (u32 s = 0; s < 2; s++) {
        assert_int_equal(rig_in(rig, ALTERNATE) & IDE_STATUS_BSY, IDE_STATUS_BSY);
        assert_false(rig->irq_level[14]);
        rig_pass(rig, NS_PER_MS);
        assert_true(rig->irq_level[14]);
        assert_int_equal(rig_in(rig, ALTERNATE), READY | IDE_STATUS_DRQ);
        assert_true(rig->irq_level[14]); /* the alternate status acknowledges nothing */
        assert_int_equal(rig_in(rig, STATUS), READY | IDE_STATUS_DRQ);
        assert_false(rig->irq_level[14]);
        ide_read_words(rig, sector, sizeof sector);
        assert_is_sector(sector, 1000 + s);
    }
    rig_pass(rig, NS_PER_MS);
    assert_int_equal(rig_in(rig, STATUS), READY);
    assert_int_equal(rig->irq_edges[14], 2); /* none at the end of a read */
    assert_int_equal(ide_shown_lba(rig), 1001);
    assert_int_equal(rig_in(rig, COUNT), 0);
    rig_destroy(rig);
}

static void write_sectors_interrupts_after_each(void **state)
{
    (void)state;
    struct rig *rig = disk_rig();
    u8 data[2][SECTOR_BYTES], got[SECTOR_BYTES];
    memset(data[0], 0x31, SECTOR_BYTES);
    memset(data[1], 0x32, SECTOR_BYTES);
    ide_lba_command(rig, 0x30, 2000, 2);
    rig_pass(rig, NS_PER_MS);
    assert_false(rig->irq_level[14]); /* the first DRQ comes without */
    assert_int_equal(rig_in(rig, STATUS), READY | IDE_STATUS_DRQ);
    ide_write_words(rig, data[0], SECTOR_BYTES);
    assert_int_equal(rig_in(rig, ALTERNATE) & IDE_STATUS_BSY, IDE_STATUS_BSY);
    rig_pass(rig, NS_PER_MS);
    assert_true(rig->irq_level[14]);
    assert_int_equal(rig_in(rig, STATUS), READY | IDE_STATUS_DRQ);
    ide_write_words(rig, data[1], SECTOR_BYTES);
    rig_pass(rig, NS_PER_MS);
    assert_true(rig->irq_level[14]);
    assert_int_equal(rig_in(rig, STATUS), READY);
    assert_int_equal(rig->irq_edges[14], 2);
    rig_file_sector(rig->path[0], 2000, got);
    assert_memory_equal(got, data[0], SECTOR_BYTES);
    rig_file_sector(rig->path[0], 2001, got);
    assert_memory_equal(got, data[1], SECTOR_BYTES);
    rig_file_sector(rig->path[0], 2002, got);
    assert_is_sector(got, 2002);
    rig_destroy(rig);
}

static void count_zero_means_256(void **state)
{
    (void)state;
    struct rig *rig = disk_rig();
    u8 sector[SECTOR_BYTES];
    ide_lba_command(rig, 0x21, 100, 0);
    for (u32 s = 0; s < 256; s++) {
        assert_int_equal(ide_wait(rig), READY | IDE_STATUS_DRQ);
        ide_read_words(rig, sector, sizeof sector);
        assert_is_sector(sector, 100 + s);
    }
    assert_int_equal(ide_wait(rig), READY);
    rig_destroy(rig);
}

static void cylinders_heads_sectors(void **state)
{
    (void)state;
    static const struct {
        u16 cylinder;
        u8 head, sector;
        u32 lba;
    } good[] = {{0, 0, 1, 0}, {0, 0, 63, 62}, {0, 1, 1, 63}, {1, 0, 1, 1008}, {3, 15, 63, 4031}},
      bad[] = {{0, 0, 0, 0}, {0, 0, 64, 0}, {4, 0, 1, 0}, {0x100, 0, 1, 0}};
    struct rig *rig = disk_rig();
    u8 sector[SECTOR_BYTES];
    for (u32 i = 0; i < ARRAY_LEN(good); i++) {
        ide_chs_command(rig, 0x20, good[i].cylinder, good[i].head, good[i].sector, 1);
        assert_int_equal(ide_wait(rig), READY | IDE_STATUS_DRQ);
        ide_read_words(rig, sector, sizeof sector);
        assert_is_sector(sector, good[i].lba);
    }
    for (u32 i = 0; i < ARRAY_LEN(bad); i++) {
        ide_chs_command(rig, 0x20, bad[i].cylinder, bad[i].head, bad[i].sector, 1);
        assert_int_equal(ide_wait(rig), READY | IDE_STATUS_ERR);
        assert_int_equal(rig_in(rig, ERROR), IDE_ERROR_IDNF);
    }
    rig_destroy(rig);
}

/* A transfer that crosses heads and cylinders leaves the address of its last sector. */
static void registers_follow_in_chs(void **state)
{
    (void)state;
    struct rig *rig = disk_rig();
    u8 sector[SECTOR_BYTES];
    ide_chs_command(rig, 0x20, 0, 15, 62, 3);
    for (u32 s = 0; s < 3; s++) {
        assert_int_equal(ide_wait(rig), READY | IDE_STATUS_DRQ);
        ide_read_words(rig, sector, sizeof sector);
        assert_is_sector(sector, 1006 + s);
    }
    assert_int_equal(rig_in(rig, SECTOR), 1);
    assert_int_equal(rig_in(rig, DH), 0xa0);
    assert_int_equal(rig_in(rig, LOW), 1);
    rig_destroy(rig);
}

static void another_translation_reaches_the_same_sectors(void **state)
{
    (void)state;
    struct rig *rig = disk_rig();
    u8 sector[SECTOR_BYTES], identity[SECTOR_BYTES];
    rig_out(rig, DH, 0xa0 | 3); /* 4 heads, 17 sectors */
    assert_int_equal(ide_simple(rig, 0x91, 17), READY);
    ide_chs_command(rig, 0x20, 10, 3, 17, 1);
    assert_int_equal(ide_wait(rig), READY | IDE_STATUS_DRQ);
    ide_read_words(rig, sector, sizeof sector);
    assert_is_sector(sector, (10 * 4 + 3) * 17 + 16);
    ide_chs_command(rig, 0x20, 10, 4, 1, 1);
    assert_int_equal(ide_wait(rig), READY | IDE_STATUS_ERR);
    ide_simple(rig, 0xec, 0);
    ide_read_words(rig, identity, sizeof identity);
    const u16 *w = (const u16 *)identity;
    assert_int_equal(w[1], 4);
    assert_int_equal(w[3], 16);
    assert_int_equal(w[6], 63);
    assert_int_equal(w[54], DISK_SECTORS / (4 * 17));
    assert_int_equal(w[55], 4);
    assert_int_equal(w[56], 17);
    assert_int_equal(w[57] | w[58] << 16, DISK_SECTORS / (4 * 17) * 4 * 17);
    assert_int_equal(ide_simple(rig, 0x91, 0), READY | IDE_STATUS_ERR);
    assert_int_equal(rig_in(rig, ERROR), IDE_ERROR_ABRT);
    rig_destroy(rig);
}

/* The sectors that exist are moved, then comes the error at the first that does not. */
static void the_end_of_the_disk(void **state)
{
    (void)state;
    struct rig *rig = disk_rig();
    u8 sector[SECTOR_BYTES];
    ide_lba_command(rig, 0x20, DISK_SECTORS - 1, 3);
    assert_int_equal(ide_wait(rig), READY | IDE_STATUS_DRQ);
    ide_read_words(rig, sector, sizeof sector);
    assert_is_sector(sector, DISK_SECTORS - 1);
    assert_int_equal(ide_wait(rig), READY | IDE_STATUS_ERR);
    assert_int_equal(rig_in(rig, ERROR), IDE_ERROR_IDNF);
    assert_int_equal(ide_shown_lba(rig), DISK_SECTORS);
    assert_int_equal(rig_in(rig, COUNT), 2);
    ide_lba_command(rig, 0x30, DISK_SECTORS - 1, 2);
    assert_int_equal(ide_wait(rig), READY | IDE_STATUS_DRQ);
    ide_write_words(rig, sector, sizeof sector);
    assert_int_equal(ide_wait(rig), READY | IDE_STATUS_ERR);
    assert_int_equal(rig_in(rig, ERROR), IDE_ERROR_IDNF);
    const u8 commands[] = {0x20, 0x30, 0x40, 0x70};
    for (u32 i = 0; i < ARRAY_LEN(commands); i++) {
        ide_lba_command(rig, commands[i], DISK_SECTORS, 1);
        assert_int_equal(ide_wait(rig), READY | IDE_STATUS_ERR);
        assert_int_equal(rig_in(rig, ERROR), IDE_ERROR_IDNF);
    }
    struct stat st;
    assert_int_equal(stat(rig->path[0], &st), 0);
    assert_int_equal(st.st_size, DISK_SECTORS * SECTOR_BYTES);
    rig_destroy(rig);
}

static void multiple_moves_blocks(void **state)
{
    (void)state;
    struct rig *rig = disk_rig();
    u8 buf[4 * SECTOR_BYTES], got[SECTOR_BYTES];
    ide_lba_command(rig, 0xc4, 0, 4);
    assert_int_equal(ide_wait(rig), READY | IDE_STATUS_ERR); /* not enabled yet */
    assert_int_equal(rig_in(rig, ERROR), IDE_ERROR_ABRT);
    assert_int_equal(ide_simple(rig, 0xc6, 4), READY);
    u32 edges = rig->irq_edges[14];
    ide_lba_command(rig, 0xc4, 500, 6);
    assert_int_equal(ide_wait(rig), READY | IDE_STATUS_DRQ);
    ide_read_words(rig, buf, 4 * SECTOR_BYTES);
    for (u32 s = 0; s < 4; s++)
        assert_is_sector(buf + s * SECTOR_BYTES, 500 + s);
    assert_int_equal(ide_wait(rig), READY | IDE_STATUS_DRQ);
    ide_read_words(rig, buf, 2 * SECTOR_BYTES); /* the rest is a shorter block */
    assert_is_sector(buf + SECTOR_BYTES, 505);
    assert_int_equal(ide_wait(rig), READY);
    assert_int_equal(rig->irq_edges[14], edges + 2);

    memset(buf, 0x66, sizeof buf);
    ide_lba_command(rig, 0xc5, 600, 5);
    assert_int_equal(ide_wait(rig), READY | IDE_STATUS_DRQ);
    ide_write_words(rig, buf, 4 * SECTOR_BYTES);
    assert_int_equal(ide_wait(rig), READY | IDE_STATUS_DRQ);
    ide_write_words(rig, buf, SECTOR_BYTES);
    assert_int_equal(ide_wait(rig), READY);
    for (u32 s = 0; s < 5; s++) {
        rig_file_sector(rig->path[0], 600 + s, got);
        assert_memory_equal(got, buf, SECTOR_BYTES);
    }
    rig_file_sector(rig->path[0], 605, got);
    assert_is_sector(got, 605);
    rig_destroy(rig);
}

static void set_multiple_takes_powers_of_two(void **state)
{
    (void)state;
    struct rig *rig = disk_rig();
    u8 identity[SECTOR_BYTES];
    const u16 *w = (const u16 *)identity;
    for (u32 n = 1; n <= 16; n *= 2) {
        assert_int_equal(ide_simple(rig, 0xc6, (u8)n), READY);
        ide_simple(rig, 0xec, 0);
        ide_read_words(rig, identity, sizeof identity);
        assert_int_equal(w[59], 0x100 | n);
    }
    const u8 bad[] = {3, 32, 255};
    for (u32 i = 0; i < ARRAY_LEN(bad); i++) {
        assert_int_equal(ide_simple(rig, 0xc6, bad[i]), READY | IDE_STATUS_ERR);
        ide_simple(rig, 0xec, 0);
        ide_read_words(rig, identity, sizeof identity);
        assert_int_equal(w[59], 0); /* and the mode is off */
    }
    rig_destroy(rig);
}

static void data_port_takes_three_widths(void **state)
{
    (void)state;
    struct rig *rig = disk_rig();
    struct bus *bus = &rig->machine.bus;
    u8 s[SECTOR_BYTES], got[SECTOR_BYTES];
    rig_fill_sector(77, s);
    ide_lba_command(rig, 0x20, 77, 1);
    ide_wait(rig);
    assert_int_equal(bus_in(bus, DATA, 2), s[0] | s[1] << 8);
    assert_int_equal(bus_in(bus, DATA, 4), s[2] | s[3] << 8 | s[4] << 16 | (u32)s[5] << 24);
    assert_int_equal(bus_in(bus, DATA, 1), s[6]); /* takes the whole word */
    assert_int_equal(bus_in(bus, DATA, 2), s[8] | s[9] << 8);
    for (u32 i = 10; i < 510; i += 2)
        bus_in(bus, DATA, 2);
    assert_int_equal(rig_in(rig, ALTERNATE), READY | IDE_STATUS_DRQ);
    u32 last = bus_in(bus, DATA, 4); /* beyond the block nothing is driven */
    assert_int_equal(last & 0xffff, s[510] | s[511] << 8);
    assert_int_equal(rig_in(rig, ALTERNATE), READY);
    ide_lba_command(rig, 0x30, 78, 1);
    ide_wait(rig);
    for (u32 i = 0; i < SECTOR_BYTES; i += 4)
        bus_out(bus, DATA, 4, i | 0xabcd0000u);
    assert_int_equal(ide_wait(rig), READY);
    rig_file_sector(rig->path[0], 78, got);
    assert_int_equal(got[8], 8);
    assert_int_equal(got[10], 0xcd);
    assert_int_equal(got[11], 0xab);
    rig_destroy(rig);
}

static void data_port_is_dead_without_drq(void **state)
{
    (void)state;
    struct rig *rig = disk_rig();
    u8 got[SECTOR_BYTES];
    bus_out(&rig->machine.bus, DATA, 2, 0x1234);
    assert_int_equal(bus_in(&rig->machine.bus, DATA, 2), 0xff7f);
    ide_lba_command(rig, 0x20, 5, 1);
    ide_wait(rig);
    bus_out(&rig->machine.bus, DATA, 2, 0x1234); /* the wrong way round */
    ide_read_words(rig, got, sizeof got);
    assert_is_sector(got, 5);
    rig_destroy(rig);
}

static void verify_reads_without_showing(void **state)
{
    (void)state;
    struct rig *rig = disk_rig();
    ide_lba_command(rig, 0x40, DISK_SECTORS - 100, 100);
    assert_int_equal(ide_wait(rig), READY);
    assert_int_equal(ide_shown_lba(rig), DISK_SECTORS - 1);
    ide_lba_command(rig, 0x41, DISK_SECTORS - 100, 101);
    assert_int_equal(ide_wait(rig), READY | IDE_STATUS_ERR);
    assert_int_equal(rig_in(rig, ERROR), IDE_ERROR_IDNF);
    assert_int_equal(ide_shown_lba(rig), DISK_SECTORS);
    rig_destroy(rig);
}

static void buffer_keeps_what_was_written(void **state)
{
    (void)state;
    struct rig *rig = disk_rig();
    u8 data[SECTOR_BYTES], got[SECTOR_BYTES];
    rig_fill_sector(99, data);
    assert_int_equal(ide_simple(rig, 0xe8, 0), READY | IDE_STATUS_DRQ);
    ide_write_words(rig, data, sizeof data);
    assert_int_equal(ide_wait(rig), READY);
    assert_int_equal(ide_simple(rig, 0xe4, 0), READY | IDE_STATUS_DRQ);
    ide_read_words(rig, got, sizeof got);
    assert_memory_equal(got, data, sizeof got);
    rig_destroy(rig);
}

static void write_protected_disk_aborts_writes(void **state)
{
    (void)state;
    struct rig *rig = rig_create();
    rig->config.disk[0] = rig_open_protected(rig, DISK_SECTORS, BLOCK_DISK);
    rig_add(rig, &ide_class);
    rig_pass(rig, NS_PER_MS);
    const u8 commands[] = {0x30, 0x31, 0x3c, 0xc5};
    assert_int_equal(ide_simple(rig, 0xc6, 2), READY);
    for (u32 i = 0; i < ARRAY_LEN(commands); i++) {
        ide_lba_command(rig, commands[i], 0, 1);
        assert_int_equal(ide_wait(rig), READY | IDE_STATUS_ERR);
        assert_int_equal(rig_in(rig, ERROR), IDE_ERROR_ABRT);
    }
    rig_destroy(rig);
}

int ide_transfer_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(read_sectors_interrupts_per_sector),
        cmocka_unit_test(write_sectors_interrupts_after_each),
        cmocka_unit_test(count_zero_means_256),
        cmocka_unit_test(cylinders_heads_sectors),
        cmocka_unit_test(registers_follow_in_chs),
        cmocka_unit_test(another_translation_reaches_the_same_sectors),
        cmocka_unit_test(the_end_of_the_disk),
        cmocka_unit_test(multiple_moves_blocks),
        cmocka_unit_test(set_multiple_takes_powers_of_two),
        cmocka_unit_test(data_port_takes_three_widths),
        cmocka_unit_test(data_port_is_dead_without_drq),
        cmocka_unit_test(verify_reads_without_showing),
        cmocka_unit_test(buffer_keeps_what_was_written),
        cmocka_unit_test(write_protected_disk_aborts_writes),
    };
    return cmocka_run_group_tests_name("ide transfers", tests, NULL, NULL);
}
