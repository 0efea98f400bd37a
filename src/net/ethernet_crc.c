/* CRC-32 by half bytes: a frame takes a few microseconds, and the table is short enough to be checked by eye:
 * entry n is n through four steps of the reflected polynomial EDB88320h. */
#include "net/ethernet_crc.h"

static const u32 half_byte[16] = {
    0x00000000, 0x1db71064, 0x3b6e20c8, 0x26d930ac, 0x76dc4190, 0x6b6b51f4, 0x4db26158, 0x5005713c,
    0xedb88320, 0xf00f9344, 0xd6d6a3e8, 0xcb61b38c, 0x9b64c2b0, 0x86d3d2d4, 0xa00ae278, 0xbdbdf21c,
};

static u32 shift(const u8 *data, u32 bytes)
{
    u32 crc = 0xffffffff;
    for (u32 i = 0; i < bytes; i++) {
        crc ^= data[i];
        crc = crc >> 4 ^ half_byte[crc & 15];
        crc = crc >> 4 ^ half_byte[crc & 15];
    }
    return crc;
}

u32 ethernet_crc(const u8 *data, u32 bytes)
{
    return ~shift(data, bytes);
}

/* The register is kept with its first bit lowest here. */
u32 ethernet_hash(const u8 address[6])
{
    u32 crc = shift(address, 6), hash = 0;
    for (u32 i = 0; i < 6; i++)
        hash = hash << 1 | (crc >> i & 1);
    return hash;
}
