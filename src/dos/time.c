/* The calendar and the time of day, from the BIOS's count of ticks: INT 21h AH=2Ah-2Dh. */
#include "dos/dos_impl.h"

#include <time.h>

enum { TICKS_PER_DAY = 0x1800b0, HUNDREDTHS_PER_DAY = 24 * 60 * 60 * 100, SECONDS_PER_DAY = 86400, DAYS_TO_1980 = 3652,
       DAYS_TO_2100 = 43829, INVALID = 0xff };

static const u8 month_days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

static bool leap(u32 year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static u32 days_in(u32 year, u32 month)
{
    return month_days[month - 1] + (month == 2 && leap(year) ? 1u : 0u);
}

struct date {
    u16 year;
    u8 month, day;
};

static struct date date_of(u32 day)
{
    struct date date = {1980, 1, 1};
    while (day >= 365u + leap(date.year))
        day -= 365u + leap(date.year++);
    while (day >= days_in(date.year, date.month))
        day -= days_in(date.year, date.month++);
    date.day += (u8)day;
    return date;
}

static u32 day_of(const struct date *date)
{
    u32 day = date->day - 1u;
    for (u32 year = 1980; year < date->year; year++)
        day += 365u + leap(year);
    for (u32 month = 1; month < date->month; month++)
        day += days_in(date->year, month);
    return day;
}

static void set_ticks(struct dos *dos, u32 hundredths)
{
    guest_put_u32(dos, far(0, BDA_TICKS), (u32)((u64)hundredths * TICKS_PER_DAY / HUNDREDTHS_PER_DAY));
    guest_put_u8(dos, far(0, BDA_MIDNIGHT), 0);
}

void time_boot(struct dos *dos)
{
    s64 epoch = dos->machine->config->rtc_epoch_s;
    s64 days = epoch / SECONDS_PER_DAY - DAYS_TO_1980;
    dos->day = days < 0 ? 0 : days > DAYS_TO_2100 ? DAYS_TO_2100 : (s32)days;
    set_ticks(dos, (u32)(epoch % SECONDS_PER_DAY) * 100);
}

struct dos_clock time_now(struct dos *dos)
{
    enum { SECOND = 100, MINUTE = 60 * SECOND, HOUR = 60 * MINUTE };
    u8 midnight = bda_u8(dos, BDA_MIDNIGHT);
    if (midnight) {
        guest_put_u8(dos, far(0, BDA_MIDNIGHT), 0);
        dos->day = MIN(dos->day + 1, DAYS_TO_2100);
    }
    u32 ticks = MIN(guest_u32(dos, far(0, BDA_TICKS)), (u32)TICKS_PER_DAY - 1);
    u32 now = (u32)(((u64)ticks * HUNDREDTHS_PER_DAY + TICKS_PER_DAY - 1) / TICKS_PER_DAY);
    return (struct dos_clock){.day = (u16)dos->day,
                              .hour = (u8)(now / HOUR),
                              .minute = (u8)(now % HOUR / MINUTE),
                              .second = (u8)(now % MINUTE / SECOND),
                              .hundredth = (u8)(now % SECOND)};
}

void time_stamp(struct dos *dos, u16 *date, u16 *time)
{
    struct dos_clock now = time_now(dos);
    struct date d = date_of(now.day);
    *date = (u16)((d.year - 1980) << 9 | d.month << 5 | d.day);
    *time = (u16)(now.hour << 11 | now.minute << 5 | now.second / 2);
}

enum dos_next int21_get_date(struct dos *dos)
{
    enum { TUESDAY = 2 }; /* 1980-01-01 */
    struct dos_clock now = time_now(dos);
    struct date date = date_of(now.day);
    set_reg16(dos, CPU_ECX, date.year);
    set_reg16(dos, CPU_EDX, (u16)(date.month << 8 | date.day));
    set_low(dos, CPU_EAX, (u8)((now.day + TUESDAY) % 7));
    return DOS_RETURN;
}

enum dos_next int21_set_date(struct dos *dos)
{
    struct date date = {reg16(dos, CPU_ECX), reg_high(dos, CPU_EDX), reg_low(dos, CPU_EDX)};
    bool valid = date.year >= 1980 && date.year <= 2099 && date.month >= 1 && date.month <= 12 && date.day >= 1 &&
                 date.day <= days_in(date.year, date.month);
    if (valid)
        dos->day = (s32)day_of(&date);
    set_low(dos, CPU_EAX, valid ? 0 : INVALID);
    return DOS_RETURN;
}

enum dos_next int21_get_time(struct dos *dos)
{
    struct dos_clock now = time_now(dos);
    set_reg16(dos, CPU_ECX, (u16)(now.hour << 8 | now.minute));
    set_reg16(dos, CPU_EDX, (u16)(now.second << 8 | now.hundredth));
    return DOS_RETURN;
}

bool time_set(struct dos *dos, const struct dos_clock *clock)
{
    if (clock->hour >= 24 || clock->minute >= 60 || clock->second >= 60 || clock->hundredth >= 100 || clock->day > DAYS_TO_2100)
        return false;
    set_ticks(dos, ((clock->hour * 60u + clock->minute) * 60u + clock->second) * 100u + clock->hundredth);
    dos->day = clock->day;
    return true;
}

enum dos_next int21_set_time(struct dos *dos)
{
    bool valid = time_set(dos, &(struct dos_clock){.day = (u16)dos->day, .hour = reg_high(dos, CPU_ECX),
                                                   .minute = reg_low(dos, CPU_ECX), .second = reg_high(dos, CPU_EDX),
                                                   .hundredth = reg_low(dos, CPU_EDX)});
    set_low(dos, CPU_EAX, valid ? 0 : INVALID);
    return DOS_RETURN;
}
