/* Driving ATA disks as a driver does. */
#include "ide_rig.h"

struct rig *disks_rig(u32 mask)
{
    struct rig *rig = rig_create();
    for (u32 i = 0; i < MACHINE_DISKS; i++)
        if (mask & BIT(i))
            rig->config.disk[i] = rig_open(rig, DISK_SECTORS, BLOCK_DISK);
    rig_add(rig, &ide_class);
    rig_pass(rig, NS_PER_MS);
    return rig;
}

struct rig *disk_rig(void)
{
    return disks_rig(1);
}

void ide_lba_command(struct rig *rig, u8 command, u32 lba, u8 count)
{
    rig_out(rig, DH, (u8)(0xe0 | lba >> 24));
    rig_out(rig, COUNT, count);
    rig_out(rig, SECTOR, (u8)lba);
    rig_out(rig, LOW, (u8)(lba >> 8));
    rig_out(rig, HIGH, (u8)(lba >> 16));
    rig_out(rig, COMMAND, command);
}

void ide_chs_command(struct rig *rig, u8 command, u32 cylinder, u8 head, u8 sector, u8 count)
{
    rig_out(rig, DH, 0xa0 | head);
    rig_out(rig, COUNT, count);
    rig_out(rig, SECTOR, sector);
    rig_out(rig, LOW, (u8)cylinder);
    rig_out(rig, HIGH, (u8)(cylinder >> 8));
    rig_out(rig, COMMAND, command);
}

u8 ide_wait(struct rig *rig)
{
    for (u32 i = 0; i < 1000 && (rig_in(rig, ALTERNATE) & IDE_STATUS_BSY); i++)
        rig_pass(rig, NS_PER_US);
    return rig_in(rig, STATUS);
}

u8 ide_simple(struct rig *rig, u8 command, u8 count)
{
    rig_out(rig, COUNT, count);
    rig_out(rig, COMMAND, command);
    return ide_wait(rig);
}

void ide_read_words(struct rig *rig, u8 *buf, u32 bytes)
{
    for (u32 i = 0; i < bytes; i += 2) {
        u32 word = bus_in(&rig->machine.bus, DATA, 2);
        buf[i] = (u8)word;
        buf[i + 1] = (u8)(word >> 8);
    }
}

void ide_write_words(struct rig *rig, const u8 *buf, u32 bytes)
{
    for (u32 i = 0; i < bytes; i += 2)
        bus_out(&rig->machine.bus, DATA, 2, buf[i] | (u32)buf[i + 1] << 8);
}

void assert_is_sector(const u8 *sector, u64 lba)
{
    u8 expected[SECTOR_BYTES];
    rig_fill_sector(lba, expected);
    assert_memory_equal(sector, expected, SECTOR_BYTES);
}

u32 ide_shown_lba(struct rig *rig)
{
    return rig_in(rig, SECTOR) | (u32)rig_in(rig, LOW) << 8 | (u32)rig_in(rig, HIGH) << 16 |
           (u32)(rig_in(rig, DH) & 0x0f) << 24;
}
