/* Dates and times as the country has them. */
#include "shell.h"
#include "text.h"

void country_get(struct country *country)
{
    struct regs regs;
    memset(country, 0, sizeof(*country));
    if (dos(&regs, 0x3800, 0, 0, country) || country->date_order > 2) {
        memset(country, 0, sizeof(*country));
        country->date_separator[0] = '-';
        country->time_separator[0] = ':';
        country->decimal[0] = '.';
    }
}

void date_show(const struct country *country, u16 year, u16 month, u16 day, bool century)
{
    char separator = country->date_separator[0] ? country->date_separator[0] : '-';
    u32 parts[3] = {month, day, year};
    if (!century)
        year %= 100;
    parts[2] = year;
    if (country->date_order == 1) {
        parts[0] = day;
        parts[1] = month;
    } else if (country->date_order == 2) {
        parts[0] = year;
        parts[1] = month;
        parts[2] = day;
    }
    out("%02u%c%02u%c%02u", parts[0], separator, parts[1], separator, parts[2]);
}

void time_show(const struct country *country, u16 hour, u16 minute)
{
    char separator = country->time_separator[0] ? country->time_separator[0] : ':';
    if (country->hours_24 & 1)
        out("%2u%c%02u", (u32)hour, separator, (u32)minute);
    else
        out("%2u%c%02u%c", hour % 12 ? hour % 12u : 12u, separator, (u32)minute, hour < 12 ? 'a' : 'p');
}

void date_show_now(void)
{
    static const char days[][4] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    struct country country;
    struct regs regs;
    country_get(&country);
    regs_init(&regs, 0x2a00);
    intr(0x21, &regs);
    out("%s ", days[(regs.ax & 0xff) % 7]);
    date_show(&country, regs.cx, regs.dx >> 8, regs.dx & 0xff, true);
}

void time_show_now(void)
{
    struct country country;
    struct regs regs;
    country_get(&country);
    regs_init(&regs, 0x2c00);
    intr(0x21, &regs);
    bool half_days = !(country.hours_24 & 1);
    u32 hour = regs.cx >> 8;
    char separator = country.time_separator[0] ? country.time_separator[0] : ':';
    out("%2u%c%02u%c%02u%c%02u", half_days ? (hour % 12 ? hour % 12 : 12) : hour, separator,
        (u32)(regs.cx & 0xff), separator, (u32)(regs.dx >> 8), country.decimal[0] ? country.decimal[0] : '.',
        (u32)(regs.dx & 0xff));
    if (half_days)
        out_char(hour < 12 ? 'a' : 'p');
}
