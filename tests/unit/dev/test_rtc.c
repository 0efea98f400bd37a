/* The MC146818: calendar, formats, the three interrupts, divider and SET. */
#include "dev_rig.h"
#include "dev_tests.h"

#include "dev/rtc.h"

enum {
    SECONDS,
    SECONDS_ALARM,
    MINUTES,
    MINUTES_ALARM,
    HOURS,
    HOURS_ALARM,
    WEEKDAY,
    DAY,
    MONTH,
    YEAR,
    A,
    B,
    C,
    D
};
enum { CENTURY = 0x32 };
enum { B_24H = 0x02, B_BINARY = 0x04, B_UIE = 0x10, B_AIE = 0x20, B_PIE = 0x40, B_SET = 0x80 };

static u8 rd(struct rig *rig, u8 index)
{
    rig_out(rig, 0x70, index);
    return rig_in(rig, 0x71);
}

static void wr(struct rig *rig, u8 index, u8 value)
{
    rig_out(rig, 0x70, index);
    rig_out(rig, 0x71, value);
}

static struct rig *new_rtc(s64 epoch_s)
{
    struct rig *rig = rig_new();
    rig->config.rtc_epoch_s = epoch_s;
    rig_add(rig, &rtc_class);
    return rig;
}

static void assert_time(struct rig *rig, u8 hour, u8 minute, u8 second)
{
    assert_int_equal(rd(rig, HOURS), hour);
    assert_int_equal(rd(rig, MINUTES), minute);
    assert_int_equal(rd(rig, SECONDS), second);
}

static void assert_date(struct rig *rig, u8 century, u8 year, u8 month, u8 day, u8 weekday)
{
    assert_int_equal(rd(rig, CENTURY), century);
    assert_int_equal(rd(rig, YEAR), year);
    assert_int_equal(rd(rig, MONTH), month);
    assert_int_equal(rd(rig, DAY), day);
    assert_int_equal(rd(rig, WEEKDAY), weekday);
}

static void set_time(struct rig *rig, u8 hour, u8 minute, u8 second)
{
    wr(rig, HOURS, hour);
    wr(rig, MINUTES, minute);
    wr(rig, SECONDS, second);
}

static void dates_from_epoch(void **state)
{
    (void)state;
    static const struct {
        s64 epoch_s;
        struct rtc_date date;
    } cases[] = {
        {0, {1970, 1, 1, 0, 0, 0, 5}},
        {-1, {1969, 12, 31, 23, 59, 59, 4}},
        {951782399, {2000, 2, 28, 23, 59, 59, 2}},
        {951782400, {2000, 2, 29, 0, 0, 0, 3}},
        {4107542400, {2100, 3, 1, 0, 0, 0, 2}}, /* 2100 is no leap year */
        {725846400, {1993, 1, 1, 0, 0, 0, 6}},
        {1767225599, {2025, 12, 31, 23, 59, 59, 4}},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct rtc_date d = rtc_date_from_epoch(cases[i].epoch_s), e = cases[i].date;
        assert_int_equal(d.year * 10000 + d.month * 100 + d.day, e.year * 10000 + e.month * 100 + e.day);
        assert_int_equal(d.hour * 3600 + d.minute * 60 + d.second, e.hour * 3600 + e.minute * 60 + e.second);
        assert_int_equal(d.weekday, e.weekday);
    }
}

static void time_runs_from_the_epoch(void **state)
{
    (void)state;
    struct rig *rig = new_rtc(725846400 + 13 * 3600); /* Friday 1993-01-01 13:00 */
    assert_date(rig, 0x19, 0x93, 0x01, 0x01, 6);
    assert_time(rig, 0x13, 0x00, 0x00);
    assert_null(rig->machine.clock.events);
    rig_advance(rig, 59 * NS_PER_S);
    assert_time(rig, 0x13, 0x00, 0x59);
    rig_advance(rig, NS_PER_S - 1);
    assert_time(rig, 0x13, 0x00, 0x59);
    rig_advance(rig, 1);
    assert_time(rig, 0x13, 0x01, 0x00);
    rig_advance(rig, 3 * 86400 * NS_PER_S);
    assert_date(rig, 0x19, 0x93, 0x01, 0x04, 2);
    assert_int_equal(rd(rig, D), 0x80);
    rig_free(rig);
}

static void year_and_leap_day_roll_over(void **state)
{
    (void)state;
    struct rig *rig = new_rtc(946684799); /* 1999-12-31 23:59:59, Friday */
    rig_advance(rig, NS_PER_S);
    assert_time(rig, 0, 0, 0);
    assert_int_equal(rd(rig, YEAR), 0x00);
    assert_int_equal(rd(rig, MONTH), 0x01);
    assert_int_equal(rd(rig, WEEKDAY), 7);
    wr(rig, YEAR, 0x96);
    wr(rig, MONTH, 0x02);
    wr(rig, DAY, 0x28);
    rig_advance(rig, 86400 * NS_PER_S);
    assert_int_equal(rd(rig, DAY), 0x29);
    rig_advance(rig, 86400 * NS_PER_S);
    assert_int_equal(rd(rig, DAY), 0x01);
    assert_int_equal(rd(rig, MONTH), 0x03);
    wr(rig, YEAR, 0x97);
    wr(rig, MONTH, 0x02);
    wr(rig, DAY, 0x28);
    rig_advance(rig, 86400 * NS_PER_S);
    assert_int_equal(rd(rig, DAY), 0x01);
    rig_free(rig);
}

static void binary_and_12_hours(void **state)
{
    (void)state;
    struct rig *rig = new_rtc(0);
    wr(rig, B, B_SET | B_BINARY);
    set_time(rig, 11, 59, 59); /* 11 am */
    wr(rig, B, B_BINARY);
    rig_advance(rig, NS_PER_S);
    assert_time(rig, 0x80 | 12, 0, 0); /* noon is 12 pm */
    rig_advance(rig, 3600 * NS_PER_S);
    assert_time(rig, 0x80 | 1, 0, 0);
    rig_advance(rig, 11 * 3600 * NS_PER_S);
    assert_time(rig, 12, 0, 0); /* midnight is 12 am */
    wr(rig, B, B_SET);
    set_time(rig, 0x89, 0x59, 0x59); /* 9 pm in BCD */
    wr(rig, B, 0);
    rig_advance(rig, NS_PER_S);
    assert_time(rig, 0x90, 0, 0);
    rig_free(rig);
}

static void set_stops_updates(void **state)
{
    (void)state;
    struct rig *rig = new_rtc(0);
    wr(rig, B, B_24H | B_UIE);
    wr(rig, B, B_24H | B_UIE | B_SET);
    assert_int_equal(rd(rig, B), B_24H | B_SET); /* SET clears UIE */
    rig_advance(rig, 10 * NS_PER_S);
    assert_int_equal(rd(rig, SECONDS), 0);
    assert_int_equal(rd(rig, C), 0x40); /* no UF; periods go on */
    wr(rig, B, B_24H);
    rig_advance(rig, NS_PER_S);
    assert_int_equal(rd(rig, SECONDS), 1);
    rig_free(rig);
}

static void divider_reset_starts_half_a_second_later(void **state)
{
    (void)state;
    struct rig *rig = new_rtc(0);
    rig_advance(rig, 100 * NS_PER_MS);
    wr(rig, A, 0x66);
    rig_advance(rig, 5 * NS_PER_S);
    assert_int_equal(rd(rig, SECONDS), 0);
    wr(rig, A, 0x26);
    rig_advance(rig, NS_PER_S / 2 - 1);
    assert_int_equal(rd(rig, SECONDS), 0);
    rig_advance(rig, 1);
    assert_int_equal(rd(rig, SECONDS), 1);
    rig_advance(rig, NS_PER_S);
    assert_int_equal(rd(rig, SECONDS), 2);
    rig_free(rig);
}

static void uip_warns_244_us_ahead(void **state)
{
    (void)state;
    struct rig *rig = new_rtc(0);
    rig_advance_to(rig, NS_PER_S - 244001);
    assert_int_equal(rd(rig, A), 0x26);
    rig_advance(rig, 1);
    assert_int_equal(rd(rig, A), 0xa6);
    rig_advance_to(rig, NS_PER_S - 1);
    assert_int_equal(rd(rig, A), 0xa6);
    rig_advance(rig, 1);
    assert_int_equal(rd(rig, A), 0x26);
    wr(rig, A, 0xff); /* UIP is read-only, and this stops the divider */
    assert_int_equal(rd(rig, A), 0x7f);
    wr(rig, A, 0x26);
    wr(rig, B, B_SET);
    rig_advance(rig, NS_PER_S / 2 - 1000);
    assert_int_equal(rd(rig, A), 0x26); /* no update is coming */
    rig_free(rig);
}

static void periodic_interrupt(void **state)
{
    (void)state;
    struct rig *rig = new_rtc(0);
    wr(rig, B, B_24H | B_PIE);
    for (u64 k = 1; k <= 5000; k++) {
        u64 due = (k * NS_PER_S + 1023) / 1024;
        rig_advance_to(rig, due - 1);
        assert_false(rig->line[8]);
        rig_advance(rig, 1);
        assert_true(rig->line[8]);
        assert_int_equal(rd(rig, C) & ~0x10, 0xc0); /* UF comes by itself each second */
        assert_false(rig->line[8]);
    }
    /* Not acknowledged: the line stays, and nobody needs to wake up. */
    rig_advance(rig, NS_PER_S);
    assert_int_equal(rig->rises[8], 5001);
    assert_null(rig->machine.clock.events);
    assert_int_equal(rd(rig, C), 0xd0);
    assert_int_equal(rd(rig, C), 0); /* and it was one flag however many periods passed */
    rig_free(rig);
}

static void periodic_rates(void **state)
{
    (void)state;
    static const u32 hz[16] = {0, 256, 128, 8192, 4096, 2048, 1024, 512, 256, 128, 64, 32, 16, 8, 4, 2};
    for (u8 rate = 0; rate < 16; rate++) {
        struct rig *rig = new_rtc(0);
        unsigned n = 0;
        wr(rig, A, 0x20 | rate);
        wr(rig, B, B_24H | B_PIE);
        while (rig->machine.clock.next_deadline_ns <= NS_PER_S) {
            rig_advance_to(rig, rig->machine.clock.next_deadline_ns);
            n += rd(rig, C) >> 6 & 1;
        }
        assert_int_equal(n, hz[rate]);
        rig_free(rig);
    }
}

static void periodic_flag_without_interrupt(void **state)
{
    (void)state;
    struct rig *rig = new_rtc(0);
    rig_advance(rig, NS_PER_MS - 100000);
    assert_int_equal(rd(rig, C), 0);
    rig_advance(rig, 100000);
    assert_int_equal(rd(rig, C), 0x40); /* PF without IRQF */
    assert_int_equal(rig->rises[8], 0);
    rig_advance(rig, NS_PER_MS);
    wr(rig, B, B_24H | B_PIE); /* the flag is there already: at once */
    assert_true(rig->line[8]);
    assert_int_equal(rd(rig, C), 0xc0);
    rig_free(rig);
}

static void update_ended_interrupt(void **state)
{
    (void)state;
    struct rig *rig = new_rtc(0);
    wr(rig, A, 0x20); /* no periods */
    wr(rig, B, B_24H | B_UIE);
    rig_advance_to(rig, NS_PER_S - 1);
    assert_false(rig->line[8]);
    rig_advance(rig, 1);
    assert_true(rig->line[8]);
    assert_int_equal(rd(rig, SECONDS), 1);
    assert_int_equal(rd(rig, C), 0x90);
    rig_advance(rig, NS_PER_S);
    assert_int_equal(rig->rises[8], 2);
    rig_free(rig);
}

static void alarm_interrupt(void **state)
{
    (void)state;
    struct rig *rig = new_rtc(3600);
    wr(rig, A, 0x20);
    wr(rig, SECONDS_ALARM, 0x05);
    wr(rig, MINUTES_ALARM, 0x02);
    wr(rig, HOURS_ALARM, 0x01);
    wr(rig, B, B_24H | B_AIE);
    rig_advance_to(rig, 125 * NS_PER_S - 1);
    assert_int_equal(rig->rises[8], 0);
    rig_advance(rig, 1);
    assert_true(rig->line[8]);
    assert_int_equal(rd(rig, C), 0xb0);
    rig_advance(rig, 86399 * NS_PER_S);
    assert_int_equal(rig->rises[8], 1);
    rig_advance(rig, NS_PER_S); /* a day later */
    assert_int_equal(rig->rises[8], 2);
    (void)rd(rig, C);
    wr(rig, HOURS_ALARM, 0xc0);   /* any hour */
    wr(rig, MINUTES_ALARM, 0xff); /* any minute */
    for (unsigned k = 1; k <= 90; k++) {
        rig_advance(rig, 60 * NS_PER_S);
        assert_int_equal(rig->rises[8], 2 + k);
        (void)rd(rig, C);
    }
    rig_free(rig);
}

static void reset_clears_enables_and_keeps_the_rest(void **state)
{
    (void)state;
    struct rig *rig = new_rtc(0);
    wr(rig, 0x0f, 0x0a);
    wr(rig, 0x40, 0x55);
    wr(rig, B, B_24H | B_PIE | B_AIE | B_UIE | B_BINARY);
    rig_advance(rig, 1500 * NS_PER_MS);
    assert_true(rig->line[8]);
    rtc_class.reset(rig->dev[0]);
    assert_false(rig->line[8]);
    assert_int_equal(rd(rig, B), B_24H | B_BINARY);
    assert_int_equal(rd(rig, C), 0);
    assert_int_equal(rd(rig, 0x0f), 0x0a);
    assert_int_equal(rd(rig, 0x40), 0x55);
    assert_int_equal(rd(rig, SECONDS), 1);
    rig_free(rig);
}

static void index_has_seven_bits(void **state)
{
    (void)state;
    struct rig *rig = new_rtc(0);
    wr(rig, 0x80 | 0x7f, 0x77); /* bit 7 is the NMI mask */
    assert_int_equal(rd(rig, 0x7f), 0x77);
    assert_int_equal(rig_in(rig, 0x70), 0xff); /* write-only */
    rig_free(rig);
}

static void c_and_d_are_read_only(void **state)
{
    (void)state;
    struct rig *rig = new_rtc(0);
    wr(rig, C, 0xff);
    wr(rig, D, 0x00);
    assert_int_equal(rd(rig, C), 0);
    assert_int_equal(rd(rig, D), 0x80); /* the battery is good */
    rig_free(rig);
}

static void nonsense_in_time_registers_is_harmless(void **state)
{
    (void)state;
    struct rig *rig = new_rtc(0);
    for (unsigned fill = 0; fill < 256; fill += 15) {
        for (u8 reg = 0; reg < A; reg++)
            wr(rig, reg, (u8)fill);
        wr(rig, B, fill & B_BINARY);
        rig_advance(rig, 40 * 86400 * NS_PER_S);
        assert_true(rd(rig, SECONDS) <= 0x59);
        assert_true(rd(rig, MONTH) <= 0x12);
    }
    rig_free(rig);
}

int rtc_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(dates_from_epoch),
        cmocka_unit_test(time_runs_from_the_epoch),
        cmocka_unit_test(year_and_leap_day_roll_over),
        cmocka_unit_test(binary_and_12_hours),
        cmocka_unit_test(set_stops_updates),
        cmocka_unit_test(divider_reset_starts_half_a_second_later),
        cmocka_unit_test(uip_warns_244_us_ahead),
        cmocka_unit_test(periodic_interrupt),
        cmocka_unit_test(periodic_rates),
        cmocka_unit_test(periodic_flag_without_interrupt),
        cmocka_unit_test(update_ended_interrupt),
        cmocka_unit_test(alarm_interrupt),
        cmocka_unit_test(reset_clears_enables_and_keeps_the_rest),
        cmocka_unit_test(index_has_seven_bits),
        cmocka_unit_test(c_and_d_are_read_only),
        cmocka_unit_test(nonsense_in_time_registers_is_harmless),
    };
    return cmocka_run_group_tests_name("rtc", tests, NULL, NULL);
}
