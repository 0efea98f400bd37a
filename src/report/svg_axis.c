/* Scales, linear and logarithmic, and ticks at round values. Heckbert, "Nice Numbers for Graph Labels"
 * (Graphics Gems, 1990). */
#include "report/svg_impl.h"

#include <math.h>
#include <string.h>

struct unit_step {
    double factor;
    const char *name;
};

static const struct unit_step number_steps[] = {{1e9, " G"}, {1e6, " M"}, {1e3, " k"}, {1, ""}, {0, NULL}};
static const struct unit_step bytes_steps[] = {
    {0x1p30, " GiB"}, {0x1p20, " MiB"}, {0x1p10, " KiB"}, {1, " B"}, {0, NULL}};
static const struct unit_step time_steps[] = {{1e9, " s"}, {1e6, " ms"}, {1e3, " us"}, {1, " ns"}, {0, NULL}};

/* Three digits, without zeros at the end. */
static void format_digits(char text[SVG_TEXT_BYTES], double value, const char *unit)
{
    char digits[SVG_TEXT_BYTES / 2];
    double size = fabs(value);
    int decimals = size >= 99.95 ? 0 : size >= 9.995 ? 1 : size >= 0.9995 ? 2 : 3;
    snprintf(digits, sizeof digits, "%.*f", decimals, value);
    if (strchr(digits, '.')) {
        char *end = digits + strlen(digits);
        while (end[-1] == '0')
            *--end = '\0';
        if (end[-1] == '.')
            end[-1] = '\0';
    }
    snprintf(text, SVG_TEXT_BYTES, "%s%s", strcmp(digits, "-0") ? digits : "0", unit);
}

const char *svg_format(char text[SVG_TEXT_BYTES], double value, enum svg_unit unit)
{
    const struct unit_step *step = number_steps;
    if (!isfinite(value) || fabs(value) >= 1e18) {
        snprintf(text, SVG_TEXT_BYTES, "-");
        return text;
    }
    if (unit == SVG_PERCENT || unit == SVG_RATIO) {
        format_digits(text, value, unit == SVG_PERCENT ? " %" : "x");
        return text;
    }
    if (unit == SVG_SECONDS)
        value *= 1e9;
    if (unit == SVG_NS || unit == SVG_SECONDS)
        step = time_steps;
    else if (unit == SVG_BYTES)
        step = bytes_steps;
    if (value == 0) {
        snprintf(text, SVG_TEXT_BYTES, "0");
        return text;
    }
    while (step[1].name && fabs(value) < step->factor * 0.9995)
        step++;
    format_digits(text, value / step->factor, step->name);
    return text;
}

bool svg_scale_takes(const struct svg_scale *scale, double value)
{
    return isfinite(value) && (!scale->axis->log || value > 0);
}

double svg_scale_at(const struct svg_scale *s, double value)
{
    double lo = s->lo, hi = s->hi;
    value = fmin(fmax(value, lo), hi);
    double part = s->axis->log ? log(value / lo) / log(hi / lo) : (value - lo) / (hi - lo);
    return s->from + part * (s->to - s->from);
}

static void add_tick(struct svg_scale *s, double value)
{
    double slack = (s->hi - s->lo) * 1e-9;
    if (s->n_ticks < SVG_TICKS_MAX && value >= s->lo - slack && value <= s->hi + slack)
        s->tick[s->n_ticks++] = value;
}

/* 1, 2 or 5 times a power of ten, not less than `value`. */
static double nice_above(double value)
{
    double power = pow(10, floor(log10(value))), digit = value / power;
    return power * (digit <= 1.0000001 ? 1 : digit <= 2.0000001 ? 2 : digit <= 5.0000001 ? 5 : 10);
}

static void linear_ticks(struct svg_scale *s, u32 wanted)
{
    double step = (s->hi - s->lo) / wanted;
    step = s->axis->unit == SVG_BYTES ? exp2(ceil(log2(step))) : nice_above(step);
    double first = floor(s->lo / step) * step;
    if (!s->axis->fixed) {
        s->lo = first;
        s->hi = ceil(s->hi / step - 1e-9) * step;
    }
    for (u32 i = 0; i < SVG_TICKS_MAX * 2 && first + i * step <= s->hi * (1 + 1e-9) + step / 1e6; i++)
        add_tick(s, first + i * step);
}

/* Powers of ten, as many apart as leaves `wanted` of them; where they are few, 2 and 5 times them too. */
static void log_ticks_of_ten(struct svg_scale *s, u32 wanted)
{
    double decades = log10(s->hi / s->lo);
    double apart = fmax(1, ceil(decades / wanted));
    for (double e = floor(log10(s->lo)); e <= ceil(log10(s->hi)); e += apart) {
        add_tick(s, pow(10, e));
        if (decades * 3 <= wanted + 1) {
            add_tick(s, 2 * pow(10, e));
            add_tick(s, 5 * pow(10, e));
        }
    }
}

static void log_ticks_of_two(struct svg_scale *s, u32 wanted)
{
    double apart = fmax(1, ceil(log2(s->hi / s->lo) / wanted));
    for (double e = ceil(log2(s->lo) / apart) * apart; e <= log2(s->hi) + 1e-9; e += apart)
        add_tick(s, exp2(e));
}

/* A logarithmic axis ends where 1, 2 or 5 times a power of ten is. */
static void round_log(struct svg_scale *s)
{
    if (s->axis->fixed || s->axis->unit == SVG_BYTES)
        return;
    s->hi = nice_above(s->hi);
    s->lo = 1 / nice_above(1 / s->lo);
}

void svg_scale_init(struct svg_scale *s, const struct svg_axis *axis, double lo, double hi, u32 ticks)
{
    s->axis = axis;
    s->n_ticks = 0;
    s->lo = axis->fixed ? axis->min : axis->log ? lo : fmin(0, lo);
    s->hi = axis->fixed ? axis->max : hi;
    if (!isfinite(s->lo) || !isfinite(s->hi) || (axis->log && s->lo <= 0)) {
        s->lo = 1;
        s->hi = 10;
    }
    if (s->hi <= s->lo)
        s->hi = axis->log ? s->lo * 2 : s->lo + 1;
    if (!axis->log) {
        linear_ticks(s, ticks);
        return;
    }
    round_log(s);
    if (axis->unit == SVG_BYTES)
        log_ticks_of_two(s, ticks);
    else
        log_ticks_of_ten(s, ticks);
}
