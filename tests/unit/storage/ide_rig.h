/* A driver's view of the two ATA channels, for their tests. */
#ifndef HUDDLE_TESTS_STORAGE_IDE_RIG_H
#define HUDDLE_TESTS_STORAGE_IDE_RIG_H

#include "rig.h"

#include "dev/ide.h"

/* The primary channel's ports. */
enum {
    DATA = 0x1f0,
    ERROR = 0x1f1,
    FEATURES = 0x1f1,
    COUNT = 0x1f2,
    SECTOR = 0x1f3,
    LOW = 0x1f4,
    HIGH = 0x1f5,
    DH = 0x1f6,
    STATUS = 0x1f7,
    COMMAND = 0x1f7,
    ALTERNATE = 0x3f6,
    CONTROL = 0x3f6,
};
#define READY (IDE_STATUS_DRDY | IDE_STATUS_DSC)

/* A disk of 4 cylinders and 10 sectors as device 0 of the primary channel, ready. */
#define DISK_SECTORS (4 * 1008 + 10)
struct rig *disk_rig(void);
/* Any combination of the four disks, of DISK_SECTORS each: bit n for disk n. */
struct rig *disks_rig(u32 mask);

void ide_lba_command(struct rig *rig, u8 command, u32 lba, u8 count);
void ide_chs_command(struct rig *rig, u8 command, u32 cylinder, u8 head, u8 sector, u8 count);
/* A command with nothing but a sector count; waits. Returns the status, which acknowledges the interrupt. */
u8 ide_simple(struct rig *rig, u8 command, u8 count);
/* Waits for the end of BSY, and returns the status, which acknowledges the interrupt. */
u8 ide_wait(struct rig *rig);
void ide_read_words(struct rig *rig, u8 *buf, u32 bytes);
void ide_write_words(struct rig *rig, const u8 *buf, u32 bytes);
void assert_is_sector(const u8 *sector, u64 lba);
/* The command block's address registers as one LBA. */
u32 ide_shown_lba(struct rig *rig);

#endif
