/* One counter of an 8254. Intel 8254 data sheet (231164), "Mode definitions".
 *
 * Nothing is counted: the state is the pulse at which the counting element CE was last loaded, and
 * everything else (count, OUT, next edge) is computed from the distance to it. A write takes effect with
 * the pulse after it.
 * Invariant: counter_sync(c, t) brings every load that happened up to pulse t into `n` and `start`; all
 * other functions call it first. */
#include "dev/pit_counter.h"

#include "machine/state.h"

enum pit_control {
    CONTROL_BCD = BIT(0),
    CONTROL_MODE_SHIFT = 1,
    CONTROL_RW_SHIFT = 4,
    CONTROL_MASK = 0x3f,
};
enum pit_rw { RW_LOW = 1, RW_HIGH = 2, RW_BOTH = 3 };
enum pit_mode {
    MODE_TERMINAL_COUNT = 0,
    MODE_ONE_SHOT = 1,
    MODE_RATE = 2,
    MODE_SQUARE = 3,
    MODE_SOFTWARE_STROBE = 4,
    MODE_HARDWARE_STROBE = 5,
};
enum pit_status { STATUS_OUT = BIT(7), STATUS_NULL_COUNT = BIT(6) };

static bool counter_bcd(const struct pit_counter *c)
{
    return c->control & CONTROL_BCD;
}

static enum pit_rw counter_rw(const struct pit_counter *c)
{
    return (c->control >> CONTROL_RW_SHIFT) & 3;
}

static bool counter_periodic(const struct pit_counter *c)
{
    return c->mode == MODE_RATE || c->mode == MODE_SQUARE;
}

/* Modes that start, and start again, with a rising GATE and do not care about its level. */
static bool counter_triggered_only(const struct pit_counter *c)
{
    return c->mode == MODE_ONE_SHOT || c->mode == MODE_HARDWARE_STROBE;
}

static u32 counter_modulus(const struct pit_counter *c)
{
    return counter_bcd(c) ? 10000 : 65536;
}

/* Mode 3: pulses of the high half. */
static u32 square_high(u32 n)
{
    return (n + 1) / 2;
}

/* --- Loading CE --- */

static void counter_load(struct pit_counter *c, s64 t)
{
    c->n = c->cr;
    c->start = t;
    c->elapsed = 0;
    c->counting = true;
    c->null_count = false;
    c->load_at = PIT_TICK_NEVER;
    /* GATE low holds the count just loaded; a triggered mode does not look at the level. */
    c->frozen = !c->gate && !counter_triggered_only(c);
}

/* Modes 2 and 3: the pulse after `t` at which a new count in CR gets into CE: the end of the period, in
 * mode 3 of the half. */
static s64 counter_boundary(const struct pit_counter *c, s64 t)
{
    s64 period = c->n, begin = c->start + (t - c->start) / period * period;
    s64 half = begin + square_high(c->n);
    return c->mode == MODE_SQUARE && half > t ? half : begin + period;
}

static void counter_load_at_boundary(struct pit_counter *c, s64 t)
{
    bool low_half = c->mode == MODE_SQUARE && (t - c->start) % c->n != 0;
    counter_load(c, t);
    if (low_half)
        c->start -= square_high(c->n);
}

static void counter_sync(struct pit_counter *c, s64 t)
{
    if (c->load_at > t)
        return;
    if (counter_periodic(c) && c->counting && !c->frozen)
        counter_load_at_boundary(c, c->load_at);
    else
        counter_load(c, c->load_at);
}

/* --- The pins --- */

static s64 counter_elapsed(const struct pit_counter *c, s64 t)
{
    return c->frozen ? c->elapsed : t - c->start;
}

bool pit_counter_out(struct pit_counter *c, s64 t)
{
    counter_sync(c, t);
    s64 e = counter_elapsed(c, t);
    switch ((enum pit_mode)c->mode) {
    case MODE_TERMINAL_COUNT:
        return c->counting && e >= c->n;
    case MODE_ONE_SHOT:
        return !c->counting || e >= c->n;
    case MODE_RATE:
        return !c->counting || c->frozen || e % c->n != c->n - 1;
    case MODE_SQUARE:
        return !c->counting || c->frozen || e % c->n < square_high(c->n);
    case MODE_SOFTWARE_STROBE:
    case MODE_HARDWARE_STROBE:
        return !c->counting || e != c->n;
    }
    return true;
}

/* Where OUT changes after `t` if CE counts on from `start` with `n`. */
static s64 counter_next_edge(const struct pit_counter *c, s64 t, bool rise)
{
    s64 n = c->n, begin = c->start + (t - c->start) / n * n;
    switch ((enum pit_mode)c->mode) {
    case MODE_TERMINAL_COUNT:
    case MODE_ONE_SHOT:
        return t < c->start + n ? c->start + n : PIT_TICK_NEVER;
    case MODE_RATE:
        return !rise && t < begin + n - 1 ? begin + n - 1 : begin + n;
    case MODE_SQUARE:
        return !rise && t < begin + square_high(c->n) ? begin + square_high(c->n) : begin + n;
    case MODE_SOFTWARE_STROBE:
    case MODE_HARDWARE_STROBE:
        if (!rise && t < c->start + n)
            return c->start + n;
        return t < c->start + n + 1 ? c->start + n + 1 : PIT_TICK_NEVER;
    }
    return PIT_TICK_NEVER;
}

s64 pit_counter_next_change(struct pit_counter *c, s64 t, bool rise)
{
    counter_sync(c, t);
    bool steady = !c->counting || c->frozen || (counter_periodic(c) && c->n == 1);
    s64 edge = steady ? PIT_TICK_NEVER : counter_next_edge(c, t, rise);
    if (c->load_at == PIT_TICK_NEVER || edge < c->load_at)
        return edge;
    /* CE is loaded first, which may change OUT itself: look there, and from there on. */
    struct pit_counter after = *c;
    s64 load_at = c->load_at;
    bool before = pit_counter_out(&after, load_at - 1), loaded = pit_counter_out(&after, load_at);
    if (before != loaded && (loaded || !rise))
        return load_at;
    return pit_counter_next_change(&after, load_at, rise);
}

void pit_counter_gate(struct pit_counter *c, bool gate, s64 t)
{
    counter_sync(c, t);
    bool rise = gate && !c->gate, fall = !gate && c->gate;
    c->gate = gate;
    if (rise && (counter_triggered_only(c) || counter_periodic(c))) {
        if (c->cr_valid)
            c->load_at = t + 1;
    } else if (rise && c->counting && c->frozen) {
        c->start = t - c->elapsed;
        c->frozen = false;
    } else if (fall && !counter_triggered_only(c)) {
        c->elapsed = counter_elapsed(c, t);
        c->frozen = true;
        if (counter_periodic(c))
            c->load_at = PIT_TICK_NEVER; /* until the trigger */
    }
}

/* --- Programming --- */

static u16 counter_value(struct pit_counter *c, s64 t);

static u32 counter_pulses(const struct pit_counter *c, u16 count)
{
    if (!count)
        return counter_modulus(c);
    if (!counter_bcd(c))
        return count;
    return (count >> 12) * 1000u + (count >> 8 & 15) * 100u + (count >> 4 & 15) * 10u + (count & 15);
}

void pit_counter_control(struct pit_counter *c, u8 control, s64 t)
{
    u16 stopped_at = counter_value(c, t);
    u8 mode = (control >> CONTROL_MODE_SHIFT) & 7;
    c->control = control & CONTROL_MASK;
    c->mode = mode > MODE_HARDWARE_STROBE ? mode & 3 : mode;
    c->counting = c->cr_valid = c->write_high = c->read_high = c->count_latched = c->status_latched = false;
    c->null_count = true;
    c->load_at = PIT_TICK_NEVER;
    /* CE keeps its value until the first count arrives. */
    c->n = stopped_at ? counter_pulses(c, stopped_at) : 0;
    c->elapsed = 0;
    c->frozen = true;
}

static void counter_write_count(struct pit_counter *c, u16 count, s64 t)
{
    c->cr = counter_pulses(c, count);
    c->cr_valid = c->null_count = true;
    if (counter_triggered_only(c))
        return;
    if (!counter_periodic(c) || !c->counting)
        c->load_at = t + 1;
    else if (!c->frozen && c->load_at != t + 1)
        c->load_at = counter_boundary(c, t);
}

/* Mode 0: the first byte of two stops the count, and OUT is low. */
static void counter_write_first(struct pit_counter *c, u8 value, s64 t)
{
    if (c->mode == MODE_TERMINAL_COUNT) {
        c->elapsed = counter_elapsed(c, t);
        c->frozen = true;
        c->counting = false;
        c->load_at = PIT_TICK_NEVER;
    }
    c->write_low = value;
    c->write_high = true;
}

void pit_counter_write(struct pit_counter *c, u8 value, s64 t)
{
    counter_sync(c, t);
    if (counter_rw(c) == RW_LOW) {
        counter_write_count(c, value, t);
    } else if (counter_rw(c) == RW_HIGH) {
        counter_write_count(c, (u16)(value << 8), t);
    } else if (!c->write_high) {
        counter_write_first(c, value, t);
    } else {
        c->write_high = false;
        counter_write_count(c, (u16)(c->write_low | value << 8), t);
    }
}

/* --- Reading --- */

/* Mode 3 counts down by two, twice in a period; an odd count is loaded less one. */
static u32 square_value(u32 n, u32 phase)
{
    if (phase >= square_high(n))
        phase -= square_high(n);
    return (n & ~1u) - 2 * phase;
}

static u16 counter_value(struct pit_counter *c, s64 t)
{
    counter_sync(c, t);
    s64 e = counter_elapsed(c, t);
    u32 modulus = counter_modulus(c), value;
    if (counter_periodic(c) && c->counting)
        value = c->mode == MODE_RATE ? c->n - (u32)(e % c->n) : square_value(c->n, (u32)(e % c->n));
    else
        value = (u32)((c->n + modulus - (u32)(e % modulus)) % modulus);
    if (!counter_bcd(c))
        return (u16)value;
    value %= modulus;
    return (u16)(value / 1000 << 12 | value / 100 % 10 << 8 | value / 10 % 10 << 4 | value % 10);
}

void pit_counter_latch_count(struct pit_counter *c, s64 t)
{
    if (c->count_latched)
        return;
    c->latched_count = counter_value(c, t);
    c->count_latched = true;
}

void pit_counter_latch_status(struct pit_counter *c, s64 t)
{
    if (c->status_latched)
        return;
    bool out = pit_counter_out(c, t);
    c->latched_status = (u8)(c->control | (out ? STATUS_OUT : 0) | (c->null_count ? STATUS_NULL_COUNT : 0));
    c->status_latched = true;
}

u8 pit_counter_read(struct pit_counter *c, s64 t)
{
    if (c->status_latched) {
        c->status_latched = false;
        return c->latched_status;
    }
    u16 value = c->count_latched ? c->latched_count : counter_value(c, t);
    bool high = counter_rw(c) == RW_HIGH || (counter_rw(c) == RW_BOTH && c->read_high);
    if (counter_rw(c) == RW_BOTH)
        c->read_high = !c->read_high;
    if (!c->read_high)
        c->count_latched = false;
    return (u8)(high ? value >> 8 : value);
}

/* The 8254 has no reset pin; what it does at power-on is undefined. Here: mode 3, no count. */
void pit_counter_reset(struct pit_counter *c, bool gate)
{
    *c = (struct pit_counter){.gate = gate, .n = 1, .frozen = true, .load_at = PIT_TICK_NEVER};
    pit_counter_control(c, RW_BOTH << CONTROL_RW_SHIFT | MODE_SQUARE << CONTROL_MODE_SHIFT, 0);
}

/* What the arithmetic above relies on: a count to divide by, and times that lie about now. */
static bool counter_is_possible(const struct pit_counter *c, s64 t)
{
    static const s64 longest = 2 * 65536;
    bool counts = c->counting ? c->n >= 1 : true, loads = c->load_at != PIT_TICK_NEVER;
    if (!counts || ((loads || c->cr_valid) && !c->cr))
        return false;
    if (c->start < -longest || c->start > t || c->elapsed < 0 || c->elapsed > t + longest)
        return false;
    return !loads || (c->load_at >= 0 && c->load_at <= t + longest);
}

void pit_counter_state(struct pit_counter *c, struct state *s, s64 t)
{
    state_u8_bits(s, &c->control, CONTROL_MASK, "a control word");
    state_u8_in(s, &c->mode, MODE_TERMINAL_COUNT, MODE_HARDWARE_STROBE, "a mode");
    state_bool(s, &c->gate);
    state_bool(s, &c->counting);
    state_bool(s, &c->frozen);
    state_bool(s, &c->null_count);
    state_bool(s, &c->cr_valid);
    state_u32_in(s, &c->cr, 0, 65536, "a count");
    state_u32_in(s, &c->n, 0, 65536, "a count");
    state_s64(s, &c->start);
    state_s64(s, &c->elapsed);
    state_s64(s, &c->load_at);
    state_check(s, counter_is_possible(c, t), "a counter");
    state_u8(s, &c->write_low);
    state_bool(s, &c->write_high);
    state_bool(s, &c->read_high);
    state_bool(s, &c->count_latched);
    state_bool(s, &c->status_latched);
    state_u16(s, &c->latched_count);
    state_u8(s, &c->latched_status);
}
