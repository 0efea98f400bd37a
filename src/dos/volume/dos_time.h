/* The date and time words of a FAT directory entry, in the host's local time. */
#ifndef HUDDLE_DOS_VOLUME_DOS_TIME_H
#define HUDDLE_DOS_VOLUME_DOS_TIME_H

#include "base/types.h"

#include <time.h>

/* Before 1980: its first moment; after 2107: its last. */
void dos_time_from_unix(time_t seconds, u16 *date, u16 *time);
/* Fields out of range count as the nearest that is in range. */
time_t dos_time_to_unix(u16 date, u16 time);

#endif
