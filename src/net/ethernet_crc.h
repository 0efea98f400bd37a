/* The checksum of Ethernet frames, IEEE 802.3 clause 3.2.9. */
#ifndef HUDDLE_NET_ETHERNET_CRC_H
#define HUDDLE_NET_ETHERNET_CRC_H

#include "base/types.h"

enum { ETHERNET_CRC_BYTES = 4 };

/* The frame check sequence of `bytes`; the first byte on the wire is its lowest. */
u32 ethernet_crc(const u8 *data, u32 bytes);

/* The top six bits of the shift register behind an address: what multicast filters index their bits with. */
u32 ethernet_hash(const u8 address[6]);

#endif
