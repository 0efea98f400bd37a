/* The MC146818 real-time clock and the 128 bytes of CMOS RAM around it. */
#ifndef HUDDLE_DEV_RTC_H
#define HUDDLE_DEV_RTC_H

#include "base/types.h"

struct rtc;
struct machine_config;

#define CMOS_BYTES 128

/* Date and time as the chip holds it: binary, 24 hours. */
struct rtc_date {
    u32 year;  /* four digits */
    u32 month; /* 1-12 */
    u32 day;   /* 1-31 */
    u32 hour, minute, second;
    u32 weekday; /* 1 = Sunday */
};

/* The civil date of `epoch_s` seconds since 1970-01-01 00:00:00, which may be negative. */
struct rtc_date rtc_date_from_epoch(s64 epoch_s);

/* The byte at `address`, below CMOS_BYTES, of the RAM (from 0Eh on). */
u8 rtc_ram(const struct rtc *rtc, u8 address);

/* Writes what the firmware finds in the CMOS RAM of a configured AT (10h and up) into `ram`: memory
 * sizes, drive types, equipment, boot order, checksum. `ram` has CMOS_BYTES. */
void cmos_configure(u8 *ram, const struct machine_config *config);

#endif
