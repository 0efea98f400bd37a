/* The MC146818 at 70h and 71h. Motorola MC146818A data sheet; IBM PC AT Technical Reference for its
 * wiring (IRQ8).
 *
 * The time registers hold what the guest reads, in the format it chose. They are brought up to date
 * lazily: whoever looks, or touches, first lets the update cycles that are due happen (rtc_sync). An
 * event is armed only while an interrupt is enabled that is not already pending.
 * Invariants: `update_ns` is the end of the next update cycle of a running divider; the flags of register
 * C are right up to the last rtc_sync, and stay so until quiet_until_ns.
 * LIMIT: no daylight saving (register B bit 0 is stored), no square wave pin, no time base but 32,768 Hz:
 * with another one selected the clock stands still. An update takes no time after its 244 us of warning. */
#include "dev/rtc.h"

#include "dev/devices.h"
#include "machine/state.h"

#include <errno.h>
#include <stdlib.h>

enum rtc_register {
    RTC_SECONDS,
    RTC_SECONDS_ALARM,
    RTC_MINUTES,
    RTC_MINUTES_ALARM,
    RTC_HOURS,
    RTC_HOURS_ALARM,
    RTC_WEEKDAY,
    RTC_DAY,
    RTC_MONTH,
    RTC_YEAR,
    RTC_A,
    RTC_B,
    RTC_C,
    RTC_D,
    CMOS_CENTURY = 0x32, /* the AT's convention: RAM to the chip */
    CMOS_CENTURY_PS2 = 0x37,
};
enum rtc_a { A_RATE = 0x0f, A_DIVIDER = 0x70, A_DIVIDER_RUN = 0x20, A_DIVIDER_RESET = 0x60, A_UIP = BIT(7) };
enum rtc_b {
    B_24H = BIT(1),
    B_BINARY = BIT(2),
    B_SQWE = BIT(3),
    B_UIE = BIT(4),
    B_AIE = BIT(5),
    B_PIE = BIT(6),
    B_SET = BIT(7),
};
enum rtc_c { C_UF = BIT(4), C_AF = BIT(5), C_PF = BIT(6), C_IRQF = BIT(7), C_FLAGS = C_UF | C_AF | C_PF };
enum { D_VRT = BIT(7), ALARM_ANY = 0xc0, HOUR_PM = BIT(7) };
enum { RTC_IRQ = 8, INDEX_MASK = 0x7f, INDEX_NMI_OFF = 0x80 };
#define RTC_BASE_HZ     32768ull
#define UIP_WARNING_NS  (244 * NS_PER_US)
#define FIRST_UPDATE_NS (NS_PER_S / 2) /* after the divider left reset */

struct rtc {
    struct clock *clock;
    struct irq_line irq;
    struct clock_event event;
    s64 epoch_s; /* the date when the clock was created */
    u8 index;
    bool nmi_off;       /* bit 7 of port 70h */
    u64 divider_ns;     /* when the divider chain was last started */
    u64 update_ns;      /* the next update cycle ends here; CLOCK_NEVER while the divider stands */
    u64 periodic_seen;  /* periods of the selected rate since divider_ns that have been accounted for */
    u64 quiet_until_ns; /* before this rtc_sync has nothing to do; 0: not known */
    u8 ram[CMOS_BYTES];
};

/* --- Calendar --- */

static bool leap_year(u32 year)
{
    return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

static u32 month_days(u32 month, bool leap)
{
    static const u8 days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    if (month < 1 || month > 12)
        return 31;
    return days[month - 1] + (month == 2 && leap);
}

struct rtc_date rtc_date_from_epoch(s64 epoch_s)
{
    enum { DAY_S = 86400, ERA_DAYS = 146097, EPOCH_DAY = 719528, EPOCH_WEEKDAY = 4 /* Thursday */ };
    s64 days = epoch_s / DAY_S - (epoch_s % DAY_S < 0);
    u32 rest = (u32)(epoch_s - days * DAY_S);
    s64 since_0 = days + EPOCH_DAY, era = since_0 / ERA_DAYS - (since_0 % ERA_DAYS < 0);
    u32 day = (u32)(since_0 - era * ERA_DAYS), year = 0, month = 1;
    while (day >= 365u + leap_year(year))
        day -= 365u + leap_year(year++);
    while (day >= month_days(month, leap_year(year)))
        day -= month_days(month++, leap_year(year));
    return (struct rtc_date){
        .year = (u32)(era * 400) + year,
        .month = month,
        .day = day + 1,
        .hour = rest / 3600,
        .minute = rest / 60 % 60,
        .second = rest % 60,
        .weekday = (u32)(((days + EPOCH_WEEKDAY) % 7 + 7) % 7) + 1,
    };
}

static u8 rtc_encode(const struct rtc *rtc, u32 value)
{
    return (u8)(rtc->ram[RTC_B] & B_BINARY ? value : (value / 10 << 4 | value % 10));
}

static u32 rtc_decode(const struct rtc *rtc, u8 value)
{
    return rtc->ram[RTC_B] & B_BINARY ? value : (value >> 4) * 10u + (value & 15);
}

static u32 rtc_hour(const struct rtc *rtc)
{
    u8 raw = rtc->ram[RTC_HOURS];
    if (rtc->ram[RTC_B] & B_24H)
        return rtc_decode(rtc, raw);
    return rtc_decode(rtc, raw & (u8)~HOUR_PM) % 12 + (raw & HOUR_PM ? 12 : 0);
}

static void rtc_set_hour(struct rtc *rtc, u32 hour)
{
    if (rtc->ram[RTC_B] & B_24H)
        rtc->ram[RTC_HOURS] = rtc_encode(rtc, hour);
    else
        rtc->ram[RTC_HOURS] = rtc_encode(rtc, hour % 12 ? hour % 12 : 12) | (hour >= 12 ? HOUR_PM : 0);
}

/* Adds one to a register that runs from `first` to `last`; true if it wrapped. What was out of range
 * wraps too. */
static bool rtc_increment(struct rtc *rtc, enum rtc_register reg, u32 first, u32 last)
{
    u32 value = rtc_decode(rtc, rtc->ram[reg]);
    bool wrap = value >= last;
    rtc->ram[reg] = rtc_encode(rtc, wrap ? first : value + 1);
    return wrap;
}

static void rtc_next_day(struct rtc *rtc)
{
    rtc_increment(rtc, RTC_WEEKDAY, 1, 7);
    bool leap = rtc_decode(rtc, rtc->ram[RTC_YEAR]) % 4 == 0;
    u32 days = month_days(rtc_decode(rtc, rtc->ram[RTC_MONTH]), leap);
    if (rtc_increment(rtc, RTC_DAY, 1, days) && rtc_increment(rtc, RTC_MONTH, 1, 12))
        rtc_increment(rtc, RTC_YEAR, 0, 99);
}

static void rtc_next_second(struct rtc *rtc)
{
    if (!rtc_increment(rtc, RTC_SECONDS, 0, 59) || !rtc_increment(rtc, RTC_MINUTES, 0, 59))
        return;
    u32 hour = rtc_hour(rtc);
    rtc_set_hour(rtc, hour >= 23 ? 0 : hour + 1);
    if (hour >= 23)
        rtc_next_day(rtc);
}

/* --- Flags and time --- */

static bool rtc_alarm_field(const struct rtc *rtc, enum rtc_register time, enum rtc_register alarm)
{
    return rtc->ram[alarm] >= ALARM_ANY || rtc->ram[alarm] == rtc->ram[time];
}

static bool rtc_alarm_matches(const struct rtc *rtc)
{
    return rtc_alarm_field(rtc, RTC_SECONDS, RTC_SECONDS_ALARM) &&
           rtc_alarm_field(rtc, RTC_MINUTES, RTC_MINUTES_ALARM) &&
           rtc_alarm_field(rtc, RTC_HOURS, RTC_HOURS_ALARM);
}

static void rtc_update_cycle(struct rtc *rtc)
{
    if (rtc->ram[RTC_B] & B_SET)
        return;
    rtc_next_second(rtc);
    rtc->ram[RTC_C] |= C_UF;
    if (rtc_alarm_matches(rtc))
        rtc->ram[RTC_C] |= C_AF;
}

/* Periodic rate in pulses of 32,768 Hz; 0: off. Rates 1 and 2 are the same as 8 and 9. */
static u64 rtc_period(const struct rtc *rtc)
{
    u32 rate = rtc->ram[RTC_A] & A_RATE;
    if (!rate || rtc->update_ns == CLOCK_NEVER)
        return 0;
    return BIT(rate <= 2 ? rate + 6 : rate - 1);
}

static u64 rtc_periods(const struct rtc *rtc, u64 now)
{
    u64 period = rtc_period(rtc);
    return period ? clock_muldiv(now - rtc->divider_ns, RTC_BASE_HZ, NS_PER_S) / period : 0;
}

static void rtc_update_irq(struct rtc *rtc)
{
    bool level = rtc->ram[RTC_C] & rtc->ram[RTC_B] & C_FLAGS;
    rtc->ram[RTC_C] = (rtc->ram[RTC_C] & C_FLAGS) | (level ? C_IRQF : 0);
    irq_set(&rtc->irq, level);
}

/* The first moment at which the divider has made `pulses` pulses of 32,768 Hz. */
static u64 rtc_pulses_ns(const struct rtc *rtc, u64 pulses)
{
    return rtc->divider_ns + clock_muldiv(pulses, NS_PER_S, RTC_BASE_HZ) +
           (pulses * NS_PER_S % RTC_BASE_HZ != 0);
}

/* The next moment at which an enabled flag that is still clear may be set. */
static u64 rtc_next_event(const struct rtc *rtc)
{
    u8 wanted = rtc->ram[RTC_B] & (u8)~rtc->ram[RTC_C] & C_FLAGS;
    u64 next = CLOCK_NEVER, period = rtc_period(rtc);
    if ((wanted & C_PF) && period)
        next = rtc_pulses_ns(rtc, (rtc->periodic_seen + 1) * period);
    if (wanted & (C_UF | C_AF))
        next = MIN(next, rtc->update_ns);
    return next;
}

static void rtc_arm(struct rtc *rtc)
{
    u64 next = rtc_next_event(rtc);
    if (next == CLOCK_NEVER)
        clock_event_disarm(&rtc->event);
    else
        clock_event_arm(&rtc->event, next);
}

static void rtc_sync_now(struct rtc *rtc, u64 now)
{
    while (rtc->update_ns <= now) {
        rtc->update_ns += NS_PER_S;
        rtc_update_cycle(rtc);
    }
    u64 periods = rtc_periods(rtc, now);
    if (periods > rtc->periodic_seen)
        rtc->ram[RTC_C] |= C_PF;
    rtc->periodic_seen = periods;
    rtc_update_irq(rtc);
    rtc_arm(rtc);
    rtc->quiet_until_ns = rtc->update_ns;
    if (rtc_period(rtc))
        rtc->quiet_until_ns = MIN(rtc->update_ns, rtc_pulses_ns(rtc, (periods + 1) * rtc_period(rtc)));
}

static inline void rtc_sync(struct rtc *rtc, u64 now)
{
    if (now >= rtc->quiet_until_ns)
        rtc_sync_now(rtc, now);
}

static void rtc_event(void *opaque, u64 deadline_ns)
{
    struct rtc *rtc = opaque;
    u64 now = clock_now(rtc->clock);
    rtc_sync(rtc, MAX(now, deadline_ns));
}

/* --- Registers --- */

static void rtc_write_a(struct rtc *rtc, u8 value, u64 now)
{
    bool ran = rtc->update_ns != CLOCK_NEVER, run = (value & A_DIVIDER) == A_DIVIDER_RUN;
    rtc->ram[RTC_A] = value & (u8)~A_UIP;
    if (!run) {
        rtc->update_ns = CLOCK_NEVER;
    } else if (!ran) {
        rtc->divider_ns = now;
        rtc->update_ns = now + FIRST_UPDATE_NS;
    }
    rtc->periodic_seen = rtc_periods(rtc, now);
    rtc->quiet_until_ns = 0;
}

static void rtc_write_b(struct rtc *rtc, u8 value)
{
    if (value & B_SET)
        value &= (u8)~B_UIE;
    rtc->ram[RTC_B] = value;
}

static void rtc_write(struct rtc *rtc, u8 index, u8 value)
{
    u64 now = clock_now(rtc->clock);
    rtc_sync(rtc, now);
    if (index == RTC_A)
        rtc_write_a(rtc, value, now);
    else if (index == RTC_B)
        rtc_write_b(rtc, value);
    else if (index != RTC_C && index != RTC_D)
        rtc->ram[index] = value;
    rtc_update_irq(rtc);
    rtc_arm(rtc);
}

static u8 rtc_read_c(struct rtc *rtc)
{
    u8 value = rtc->ram[RTC_C];
    rtc->ram[RTC_C] = 0;
    rtc_update_irq(rtc);
    rtc_arm(rtc);
    return value;
}

static bool rtc_update_in_progress(const struct rtc *rtc, u64 now)
{
    return rtc->update_ns != CLOCK_NEVER && !(rtc->ram[RTC_B] & B_SET) &&
           rtc->update_ns - now <= UIP_WARNING_NS;
}

static u8 rtc_read(struct rtc *rtc, u8 index)
{
    if (index > RTC_D)
        return rtc->ram[index];
    u64 now = clock_now(rtc->clock);
    rtc_sync(rtc, now);
    if (index == RTC_A)
        return rtc->ram[RTC_A] | (rtc_update_in_progress(rtc, now) ? A_UIP : 0);
    if (index == RTC_C)
        return rtc_read_c(rtc);
    return rtc->ram[index];
}

/* --- Bus --- */

static void rtc_index_out(void *dev, u16 port, u8 size, u32 value)
{
    struct rtc *rtc = dev;
    (void)port, (void)size;
    rtc->index = value & INDEX_MASK;
    rtc->nmi_off = value & INDEX_NMI_OFF;
}

static u32 rtc_data_in(void *dev, u16 port, u8 size)
{
    struct rtc *rtc = dev;
    (void)port, (void)size;
    return rtc_read(rtc, rtc->index);
}

static void rtc_data_out(void *dev, u16 port, u8 size, u32 value)
{
    struct rtc *rtc = dev;
    (void)port, (void)size;
    rtc_write(rtc, rtc->index, (u8)value);
}

static const struct bus_port rtc_ports[] = {
    {0x70, 1, BUS_8, "CMOS index", NULL, rtc_index_out},
    {0x71, 1, BUS_8, "CMOS data", rtc_data_in, rtc_data_out},
};

/* --- Life --- */

static void rtc_set_date(struct rtc *rtc, struct rtc_date date)
{
    rtc->ram[RTC_SECONDS] = rtc_encode(rtc, date.second);
    rtc->ram[RTC_MINUTES] = rtc_encode(rtc, date.minute);
    rtc_set_hour(rtc, date.hour);
    rtc->ram[RTC_WEEKDAY] = rtc_encode(rtc, date.weekday);
    rtc->ram[RTC_DAY] = rtc_encode(rtc, date.day);
    rtc->ram[RTC_MONTH] = rtc_encode(rtc, date.month);
    rtc->ram[RTC_YEAR] = rtc_encode(rtc, date.year % 100);
    rtc->ram[CMOS_CENTURY] = rtc->ram[CMOS_CENTURY_PS2] = rtc_encode(rtc, date.year / 100 % 100);
}

u8 rtc_ram(const struct rtc *rtc, u8 address)
{
    return rtc->ram[address % CMOS_BYTES];
}

static int rtc_create(struct machine *machine, void **dev)
{
    enum { RATE_1024_HZ = 6 };
    struct rtc *rtc = calloc(1, sizeof *rtc);
    if (!rtc)
        return -ENOMEM;
    rtc->clock = &machine->clock;
    rtc->irq = machine->irq[RTC_IRQ];
    clock_event_init(&rtc->event, rtc->clock, "RTC", rtc_event, rtc);
    rtc->ram[RTC_A] = A_DIVIDER_RUN | RATE_1024_HZ;
    rtc->ram[RTC_B] = B_24H;
    rtc->ram[RTC_D] = D_VRT;
    rtc->update_ns = NS_PER_S; /* the epoch is the date at virtual time 0 */
    cmos_configure(rtc->ram, machine->config);
    rtc->epoch_s = machine->config->rtc_epoch_s;
    rtc_set_date(rtc, rtc_date_from_epoch(rtc->epoch_s));
    machine->rtc = rtc;
    *dev = rtc;
    return 0;
}

/* The RESET pin clears the enables and the flags; time, alarm, RAM and the divider go on with the battery. */
static void rtc_reset(void *dev)
{
    struct rtc *rtc = dev;
    rtc_sync(rtc, clock_now(rtc->clock));
    rtc->ram[RTC_B] &= (u8) ~(B_PIE | B_AIE | B_UIE | B_SQWE);
    rtc->ram[RTC_C] = 0;
    rtc->nmi_off = false;
    rtc_update_irq(rtc);
    rtc_arm(rtc);
}

static void rtc_destroy(void *dev)
{
    struct rtc *rtc = dev;
    clock_event_disarm(&rtc->event);
    free(rtc);
}

/* Under the host's clock the date is the host's, as behind a suspend. */
static void rtc_resume(struct rtc *rtc)
{
    if (rtc->clock->mode == CLOCK_MODE_HOST && !(rtc->ram[RTC_B] & B_SET))
        rtc_set_date(rtc, rtc_date_from_epoch(rtc->epoch_s + (s64)(clock_host_age_ns(rtc->clock) / NS_PER_S)));
}

static void rtc_state(void *dev, struct state *s)
{
    /* Update cycles that the guest has not looked for are caught up one by one. */
    static const u64 longest_ns = 400 * 24 * 3600 * NS_PER_S;
    struct rtc *rtc = dev;
    u64 now = s->loading ? clock_now(rtc->clock) : 0;
    clock_event_state(&rtc->event, s);
    state_u8_bits(s, &rtc->index, INDEX_MASK, "the index");
    state_bool(s, &rtc->nmi_off);
    state_u64(s, &rtc->divider_ns);
    state_u64(s, &rtc->update_ns);
    state_u64(s, &rtc->periodic_seen);
    state_u64(s, &rtc->quiet_until_ns);
    state_bytes(s, rtc->ram, sizeof rtc->ram);
    state_check(s, rtc->divider_ns <= now, "the divider");
    state_check(s, rtc->update_ns == CLOCK_NEVER || (rtc->update_ns <= now + NS_PER_S && rtc->update_ns + longest_ns > now),
                "the next update");
    if (s->loading && !s->failed)
        rtc_resume(rtc);
}

const struct dev_class rtc_class = {
    .name = "rtc",
    .ports = rtc_ports,
    .n_ports = ARRAY_LEN(rtc_ports),
    .create = rtc_create,
    .reset = rtc_reset,
    .destroy = rtc_destroy,
    .state = rtc_state,
};
