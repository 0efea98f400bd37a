/* The identity of a disk: the words of IDENTIFY DEVICE. ANSI X3.298 (ATA-3), 8.12. */
#include "dev/ide.h"

#include <stdio.h>
#include <string.h>

enum identify_word {
    ID_CONFIGURATION = 0,
    ID_DEFAULT_CYLINDERS = 1,
    ID_DEFAULT_HEADS = 3,
    ID_TRACK_BYTES = 4,
    ID_SECTOR_BYTES = 5,
    ID_DEFAULT_SECTORS = 6,
    ID_SERIAL = 10,
    ID_BUFFER_TYPE = 20,
    ID_BUFFER_SECTORS = 21,
    ID_ECC_BYTES = 22,
    ID_FIRMWARE = 23,
    ID_MODEL = 27,
    ID_MAX_MULTIPLE = 47,
    ID_DOUBLEWORD_IO = 48,
    ID_CAPABILITIES = 49,
    ID_PIO_MODE = 51,
    ID_VALID = 53,
    ID_CURRENT_CYLINDERS = 54,
    ID_CURRENT_HEADS = 55,
    ID_CURRENT_SECTORS = 56,
    ID_CURRENT_CAPACITY = 57, /* two words */
    ID_MULTIPLE = 59,
    ID_LBA_CAPACITY = 60, /* two words */
    ID_ADVANCED_PIO = 64,
    ID_MIN_PIO_NS = 67,
    ID_MIN_PIO_IORDY_NS = 68,
    ID_MAJOR_VERSION = 80,
    ID_COMMANDS_SUPPORTED = 82,
    ID_COMMANDS_SUPPORTED_2 = 83,
    ID_COMMANDS_SUPPORTED_3 = 84,
    ID_COMMANDS_ENABLED = 85,
    ID_COMMANDS_ENABLED_2 = 86,
    ID_COMMANDS_ENABLED_3 = 87,
    ID_WORDS = 256,
};

enum {
    CONFIGURATION_FIXED = 1 << 6,
    BUFFER_DUAL_PORTED_CACHING = 3,
    MAX_MULTIPLE_FIXED_BITS = 0x8000,
    CAPABILITY_LBA = 1 << 9,
    CAPABILITY_IORDY = 1 << 11,
    PIO_MODE_2 = 0x0200,
    VALID_CURRENT = 1 << 0,
    VALID_ADVANCED_PIO = 1 << 1,
    MULTIPLE_VALID = 1 << 8,
    ADVANCED_PIO_3_AND_4 = 3,
    PIO_4_CYCLE_NS = 120,
    VERSIONS_ATA_1_TO_3 = 0x000e,
    COMMANDS_POWER = 1 << 3,
    COMMANDS_WRITE_CACHE = 1 << 5,
    COMMANDS_LOOK_AHEAD = 1 << 6,
    COMMANDS_WRITE_BUFFER = 1 << 12,
    COMMANDS_READ_BUFFER = 1 << 13,
    COMMANDS_NOP = 1 << 14,
    COMMANDS_2_FLUSH_CACHE = 1 << 12,
    COMMANDS_WORD_VALID = 1 << 14,
    ECC_BYTES = 4,
};

/* Text fields hold two characters per word, the first in the high byte, padded with blanks. */
static void put_text(u16 *words, u32 n, const char *text)
{
    size_t length = strlen(text);
    for (u32 i = 0; i < n; i++) {
        u8 first = 2 * i < length ? (u8)text[2 * i] : ' ';
        u8 second = 2 * i + 1 < length ? (u8)text[2 * i + 1] : ' ';
        words[i] = (u16)(first << 8 | second);
    }
}

static void put_u32(u16 *words, u32 value)
{
    words[0] = (u16)value;
    words[1] = (u16)(value >> 16);
}

static void put_geometry(u16 *w, const struct ide_device *d)
{
    struct block_geometry g = block_geometry(d->block);
    w[ID_DEFAULT_CYLINDERS] = (u16)g.cylinders;
    w[ID_DEFAULT_HEADS] = (u16)g.heads;
    w[ID_DEFAULT_SECTORS] = (u16)g.sectors;
    w[ID_TRACK_BYTES] = (u16)(g.sectors * SECTOR_BYTES);
    w[ID_SECTOR_BYTES] = SECTOR_BYTES;
    w[ID_VALID] = VALID_CURRENT | VALID_ADVANCED_PIO;
    w[ID_CURRENT_CYLINDERS] = (u16)d->geometry.cylinders;
    w[ID_CURRENT_HEADS] = (u16)d->geometry.heads;
    w[ID_CURRENT_SECTORS] = (u16)d->geometry.sectors;
    put_u32(w + ID_CURRENT_CAPACITY, d->geometry.cylinders * d->geometry.heads * d->geometry.sectors);
    put_u32(w + ID_LBA_CAPACITY, (u32)block_sectors(d->block));
}

static void put_names(u16 *w, const struct ide_device *d)
{
    char serial[21];
    snprintf(serial, sizeof serial, "HD%u%u", d->channel->number, d->number);
    put_text(w + ID_SERIAL, 10, serial);
    put_text(w + ID_FIRMWARE, 4, "1.0");
    put_text(w + ID_MODEL, 20, "HUDDLE DISK");
}

static void put_features(u16 *w, const struct ide_device *d)
{
    const u16 always = COMMANDS_POWER | COMMANDS_WRITE_BUFFER | COMMANDS_READ_BUFFER | COMMANDS_NOP;
    w[ID_MAX_MULTIPLE] = MAX_MULTIPLE_FIXED_BITS | IDE_MAX_MULTIPLE;
    w[ID_MULTIPLE] = d->multiple ? MULTIPLE_VALID | d->multiple : 0;
    w[ID_DOUBLEWORD_IO] = 1;
    w[ID_CAPABILITIES] = CAPABILITY_LBA | CAPABILITY_IORDY;
    w[ID_PIO_MODE] = PIO_MODE_2;
    w[ID_ADVANCED_PIO] = ADVANCED_PIO_3_AND_4;
    w[ID_MIN_PIO_NS] = w[ID_MIN_PIO_IORDY_NS] = PIO_4_CYCLE_NS;
    w[ID_MAJOR_VERSION] = VERSIONS_ATA_1_TO_3;
    w[ID_COMMANDS_SUPPORTED] = always | COMMANDS_WRITE_CACHE | COMMANDS_LOOK_AHEAD;
    w[ID_COMMANDS_SUPPORTED_2] = COMMANDS_WORD_VALID | COMMANDS_2_FLUSH_CACHE;
    w[ID_COMMANDS_SUPPORTED_3] = COMMANDS_WORD_VALID;
    w[ID_COMMANDS_ENABLED] = (u16)(always | (d->write_cache ? COMMANDS_WRITE_CACHE : 0) |
                                   (d->look_ahead ? COMMANDS_LOOK_AHEAD : 0));
    w[ID_COMMANDS_ENABLED_2] = COMMANDS_2_FLUSH_CACHE;
    w[ID_COMMANDS_ENABLED_3] = COMMANDS_WORD_VALID;
}

void ide_identify(struct ide_device *d)
{
    u16 w[ID_WORDS] = {0};
    w[ID_CONFIGURATION] = CONFIGURATION_FIXED;
    w[ID_BUFFER_TYPE] = BUFFER_DUAL_PORTED_CACHING;
    w[ID_BUFFER_SECTORS] = IDE_MAX_MULTIPLE;
    w[ID_ECC_BYTES] = ECC_BYTES;
    put_geometry(w, d);
    put_names(w, d);
    put_features(w, d);
    memcpy(d->buffer, w, sizeof w);
}
