/* Data transfers of an ATA disk. */
#include "rig.h"

#include "dev/ide.h"

#include <string.h>

enum { DATA = 0x1f0, ERROR = 0x1f1, COUNT = 0x1f2, SECTOR = 0x1f3, LOW = 0x1f4, HIGH = 0x1f5, DH = 0x1f6,
       STATUS = 0x1f7, CONTROL = 0x3f6 };
#define READY (IDE_STATUS_DRDY | IDE_STATUS_DSC)

static struct rig *disk_rig(u64 sectors)
{
    struct rig *rig = rig_create();
    rig->config.disk[0] = rig_open(rig, sectors, BLOCK_DISK);
    rig_add(rig, &ide_class);
    rig_pass(rig, NS_PER_MS);
    return rig;
}

static void command_lba(struct rig *rig, u8 command, u32 lba, u8 count)
{
    rig_out(rig, DH, (u8)(0xe0 | lba >> 24));
    rig_out(rig, COUNT, count);
    rig_out(rig, SECTOR, (u8)lba);
    rig_out(rig, LOW, (u8)(lba >> 8));
    rig_out(rig, HIGH, (u8)(lba >> 16));
    rig_out(rig, STATUS, command);
}

static void read_sectors_by_lba(void **state)
{
    (void)state;
    struct rig *rig = disk_rig(2016);
    command_lba(rig, 0x20, 1000, 2);
    for (u32 s = 0; s < 2; s++) {
        assert_int_equal(rig_in(rig, CONTROL) & IDE_STATUS_BSY, IDE_STATUS_BSY);
        assert_false(rig->irq_level[14]);
        rig_pass(rig, NS_PER_MS);
        assert_true(rig->irq_level[14]);
        assert_int_equal(rig_in(rig, STATUS), READY | IDE_STATUS_DRQ);
        assert_false(rig->irq_level[14]);
        for (u32 i = 0; i < SECTOR_BYTES; i += 2) {
            u32 word = bus_in(&rig->machine.bus, DATA, 2);
            assert_int_equal(word, rig_sector_byte(1000 + s, i) | rig_sector_byte(1000 + s, i + 1) << 8);
        }
    }
    rig_pass(rig, NS_PER_MS);
    assert_int_equal(rig_in(rig, STATUS), READY);
    assert_int_equal(rig->irq_edges[14], 2);
    rig_destroy(rig);
}

int ide_transfer_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(read_sectors_by_lba),
    };
    return cmocka_run_group_tests_name("ide transfers", tests, NULL, NULL);
}
