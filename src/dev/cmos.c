/* What the set-up program of an AT would have left in the CMOS RAM. Bytes 10h-2Fh: IBM PC AT Technical
 * Reference, "CMOS RAM address map"; 34h, 35h, 38h, 39h, 3Dh and 5Fh: as the firmware of QEMU's machines
 * (SeaBIOS) reads them. */
#include "dev/block.h"
#include "dev/rtc.h"
#include "machine/machine.h"

enum cmos_address {
    CMOS_FLOPPY_TYPES = 0x10,
    CMOS_DISK_TYPES = 0x12,
    CMOS_EQUIPMENT = 0x14,
    CMOS_BASE_KIB = 0x15,
    CMOS_EXTENDED_KIB = 0x17,
    CMOS_DISK_TYPE_0 = 0x19,
    CMOS_DISK_GEOMETRY_0 = 0x1b,
    CMOS_DISK_GEOMETRY_1 = 0x24,
    CMOS_CHECKSUM_FIRST = 0x10,
    CMOS_CHECKSUM_LAST = 0x2d,
    CMOS_CHECKSUM_HIGH = 0x2e,
    CMOS_CHECKSUM_LOW = 0x2f,
    CMOS_EXTENDED_KIB_FOUND = 0x30,
    CMOS_ABOVE_16_MIB = 0x34, /* in units of 64 KiB */
    CMOS_BOOT_FLAGS_1 = 0x38,
    CMOS_DISK_TRANSLATION = 0x39,
    CMOS_BOOT_FLAGS_2 = 0x3d,
};

enum {
    EQUIPMENT_FLOPPY = BIT(0),
    EQUIPMENT_FPU = BIT(1),
    EQUIPMENT_MOUSE = BIT(2),
    EQUIPMENT_TWO_FLOPPIES = BIT(6)
};
enum { BOOT_NO_SIGNATURE_CHECK = BIT(0) };
enum { BOOT_FLOPPY = 1, BOOT_DISK = 2 };
enum cmos_floppy { FLOPPY_NONE, FLOPPY_360K, FLOPPY_1200K, FLOPPY_720K, FLOPPY_1440K, FLOPPY_2880K };
enum cmos_translation { TRANSLATION_NONE, TRANSLATION_LBA, TRANSLATION_LARGE };
/* Disk types above 14 have their number in 19h and 1Ah; 47 is "geometry given by the user". */
enum { DISK_TYPE_EXTENDED = 15, DISK_TYPE_USER = 47 };
enum { BASE_KIB = 640 };

static void put16(u8 *ram, unsigned at, u32 value)
{
    ram[at] = (u8)value;
    ram[at + 1] = (u8)(value >> 8);
}

static void cmos_memory(u8 *ram, u32 ram_bytes)
{
    u32 extended = (ram_bytes - MIB) / KIB;
    u32 above_16 = ram_bytes > 16 * MIB ? (ram_bytes - 16 * MIB) / (64 * KIB) : 0;
    put16(ram, CMOS_BASE_KIB, BASE_KIB);
    put16(ram, CMOS_EXTENDED_KIB, MIN(extended, 0xffff));
    put16(ram, CMOS_EXTENDED_KIB_FOUND, MIN(extended, 0xffff));
    put16(ram, CMOS_ABOVE_16_MIB, MIN(above_16, 0xffff));
}

/* The drive that reads the disk in it. */
static enum cmos_floppy floppy_type(const struct block *floppy)
{
    struct block_geometry g = block_geometry(floppy);
    if (g.cylinders <= 43)
        return FLOPPY_360K;
    if (g.sectors <= 9)
        return FLOPPY_720K;
    if (g.sectors <= 15)
        return FLOPPY_1200K;
    return g.sectors <= 24 ? FLOPPY_1440K : FLOPPY_2880K;
}

static void cmos_floppies(u8 *ram, struct block *const *floppy)
{
    enum cmos_floppy a = floppy[0] ? floppy_type(floppy[0]) : FLOPPY_1440K;
    enum cmos_floppy b = floppy[1] ? floppy_type(floppy[1]) : FLOPPY_NONE;
    ram[CMOS_FLOPPY_TYPES] = (u8)(a << 4 | b);
    ram[CMOS_EQUIPMENT] =
        EQUIPMENT_FLOPPY | EQUIPMENT_FPU | EQUIPMENT_MOUSE | (b ? EQUIPMENT_TWO_FLOPPIES : 0);
}

static void cmos_disk_geometry(u8 *ram, unsigned at, struct block_geometry g)
{
    enum { PRECOMPENSATION = 2 + 1, CONTROL = 5, LANDING_ZONE = 6, SECTORS = 8, MORE_THAN_8_HEADS = 8 };
    put16(ram, at, g.cylinders);
    ram[at + 2] = (u8)g.heads;
    put16(ram, at + PRECOMPENSATION, 0xffff); /* none */
    ram[at + CONTROL] = 0xc0 | (g.heads > 8 ? MORE_THAN_8_HEADS : 0);
    put16(ram, at + LANDING_ZONE, g.cylinders);
    ram[at + SECTORS] = (u8)g.sectors;
}

/* How the BIOS is to squeeze the geometry into INT 13h's 1024 cylinders. */
static enum cmos_translation disk_translation(struct block_geometry g)
{
    if (g.cylinders <= 1024 && g.heads <= 16 && g.sectors <= 63)
        return TRANSLATION_NONE;
    return g.cylinders * g.heads <= 131072 ? TRANSLATION_LARGE : TRANSLATION_LBA;
}

static void cmos_disks(u8 *ram, struct block *const *disk)
{
    static const u8 geometry_at[] = {CMOS_DISK_GEOMETRY_0, CMOS_DISK_GEOMETRY_1};
    for (unsigned i = 0; i < MACHINE_DISKS; i++) {
        if (!disk[i])
            continue;
        struct block_geometry g = block_geometry(disk[i]);
        ram[CMOS_DISK_TRANSLATION] |= (u8)(disk_translation(g) << 2 * i);
        if (i >= ARRAY_LEN(geometry_at))
            continue;
        ram[CMOS_DISK_TYPES] |= (u8)(i ? DISK_TYPE_EXTENDED : DISK_TYPE_EXTENDED << 4);
        ram[CMOS_DISK_TYPE_0 + i] = DISK_TYPE_USER;
        cmos_disk_geometry(ram, geometry_at[i], g);
    }
}

/* First device in the low nibble of 3Dh, then its high nibble, then the high nibble of 38h. Old boot
 * disks often lack the signature 55AAh, and the BIOSes of their time did not ask for it. */
static void cmos_boot_order(u8 *ram, const char boot[4])
{
    u32 order = 0;
    for (unsigned i = 0, at = 0; i < 4 && boot[i]; i++) {
        u32 device = boot[i] == 'a' ? BOOT_FLOPPY : boot[i] == 'c' ? BOOT_DISK : 0;
        if (device)
            order |= device << 4 * at++;
    }
    ram[CMOS_BOOT_FLAGS_2] = (u8)order;
    ram[CMOS_BOOT_FLAGS_1] = (u8)((order >> 4 & 0xf0) | BOOT_NO_SIGNATURE_CHECK);
}

void cmos_configure(u8 *ram, const struct machine_config *config)
{
    cmos_memory(ram, config->ram_bytes);
    cmos_floppies(ram, config->floppy);
    cmos_disks(ram, config->disk);
    cmos_boot_order(ram, config->boot);
    u32 sum = 0;
    for (unsigned i = CMOS_CHECKSUM_FIRST; i <= CMOS_CHECKSUM_LAST; i++)
        sum += ram[i];
    ram[CMOS_CHECKSUM_HIGH] = (u8)(sum >> 8);
    ram[CMOS_CHECKSUM_LOW] = (u8)sum;
}
