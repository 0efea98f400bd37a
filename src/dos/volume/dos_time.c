/* Date: year since 1980 in 7 bits, month in 4, day in 5. Time: hour in 5, minute in 6, half seconds in 5
 * (DOS Programmer's Reference, "Directory Entry"). */
#include "dos/volume/dos_time.h"

enum {
    FIRST_YEAR = 1980,
    LAST_YEAR = 2107,
    TM_YEAR = 1900, /* where struct tm counts years from */
    FIRST_DATE = 1 << 5 | 1,
    LAST_DATE = 127 << 9 | 12 << 5 | 31,
    LAST_TIME = 23 << 11 | 59 << 5 | 29,
};

void dos_time_from_unix(time_t seconds, u16 *date, u16 *time)
{
    struct tm tm;
    bool known = localtime_r(&seconds, &tm) != NULL;
    if (!known || tm.tm_year + TM_YEAR < FIRST_YEAR) {
        *date = FIRST_DATE;
        *time = 0;
        return;
    }
    if (tm.tm_year + TM_YEAR > LAST_YEAR) {
        *date = LAST_DATE;
        *time = LAST_TIME;
        return;
    }
    int half = MIN(tm.tm_sec, 59) / 2; /* a leap second */
    *date = (u16)((tm.tm_year + TM_YEAR - FIRST_YEAR) << 9 | (tm.tm_mon + 1) << 5 | tm.tm_mday);
    *time = (u16)(tm.tm_hour << 11 | tm.tm_min << 5 | half);
}

static int month_days(int year, int month)
{
    static const u8 days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    return days[month - 1] + (month == 2 && leap);
}

time_t dos_time_to_unix(u16 date, u16 time)
{
    int year = (date >> 9) + FIRST_YEAR;
    int month = MAX(1, MIN(date >> 5 & 15, 12));
    struct tm tm = {
        .tm_year = year - TM_YEAR,
        .tm_mon = month - 1,
        .tm_mday = MAX(1, MIN(date & 31, month_days(year, month))),
        .tm_hour = MIN(time >> 11, 23),
        .tm_min = MIN(time >> 5 & 63, 59),
        .tm_sec = MIN((time & 31) * 2, 58),
        .tm_isdst = -1,
    };
    return mktime(&tm);
}
