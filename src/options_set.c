/* See options_set.h. */
#include "options_set.h"

#include "level.h"
#include "ui/display.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

bool options_refuse(char *why, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(why, OPTIONS_WHY_BYTES, format, args);
    va_end(args);
    return false;
}

/* Decimal digits only: no sign, no blanks, no overflow. */
static bool parse_number(const char *text, u64 *value)
{
    u64 n = 0;
    if (!*text)
        return false;
    for (; *text; text++) {
        if (*text < '0' || *text > '9' || n > (UINT64_MAX - 9) / 10)
            return false;
        n = n * 10 + (u64)(*text - '0');
    }
    *value = n;
    return true;
}

bool option_set_flag(struct options *o, const struct option_row *row, const char *value, char *why)
{
    (void)value, (void)why;
    *(bool *)((char *)o + row->offset) = true;
    return true;
}

bool option_set_string(struct options *o, const struct option_row *row, const char *value, char *why)
{
    if (!*value)
        return options_refuse(why, "%s must not be empty", row->what);
    *(const char **)((char *)o + row->offset) = value;
    return true;
}

bool option_set_number(struct options *o, const struct option_row *row, const char *value, char *why)
{
    u64 n;
    if (!parse_number(value, &n) || n < row->min || n > row->max)
        return options_refuse(why, "not %s (%llu to %llu)", row->what, (unsigned long long)row->min,
                              (unsigned long long)row->max);
    *(u64 *)((char *)o + row->offset) = n;
    return true;
}

/* Seconds with up to nine decimals -> nanoseconds. */
static bool parse_seconds(const char *text, u64 *ns)
{
    u64 whole = 0, part = 0, unit = NS_PER_S;
    const char *dot = strchrnul(text, '.');
    if (dot == text)
        return false;
    for (const char *p = text; p < dot; p++) {
        if (*p < '0' || *p > '9' || whole > 1000000000)
            return false;
        whole = whole * 10 + (u64)(*p - '0');
    }
    if (*dot && !dot[1])
        return false;
    for (const char *p = *dot ? dot + 1 : dot; *p; p++) {
        if (*p < '0' || *p > '9' || unit == 1)
            return false;
        unit /= 10;
        part += unit * (u64)(*p - '0');
    }
    *ns = whole * NS_PER_S + part;
    return true;
}

bool option_set_seconds(struct options *o, const struct option_row *row, const char *value, char *why)
{
    u64 ns;
    if (!parse_seconds(value, &ns) || ns < row->min * NS_PER_MS || ns > row->max * NS_PER_S)
        return options_refuse(why, "not %s (0.001 to %llu)", row->what, (unsigned long long)row->max);
    *(u64 *)((char *)o + row->offset) = ns;
    return true;
}

bool option_set_boot(struct options *o, const struct option_row *row, const char *value, char *why)
{
    static const char *const orders[] = {"a", "c", "ac", "ca"};
    (void)row;
    for (size_t i = 0; i < ARRAY_LEN(orders); i++) {
        if (strcmp(value, orders[i]) == 0) {
            memcpy(o->boot, orders[i], strlen(orders[i]) + 1);
            return true;
        }
    }
    return options_refuse(why, "not one of a, c, ac, ca (a floppy disk, c hard disk)");
}

bool option_set_clock(struct options *o, const struct option_row *row, const char *value, char *why)
{
    (void)row;
    if (strcmp(value, "host") == 0)
        o->clock = CLOCK_MODE_HOST;
    else if (strcmp(value, "access") == 0)
        o->clock = CLOCK_MODE_ACCESS;
    else
        return options_refuse(why, "not one of host, access");
    return true;
}

bool option_set_display(struct options *o, const struct option_row *row, const char *value, char *why)
{
    (void)row;
    bool none = strcmp(value, "none") == 0;
    if (!none && !display_find(value))
        return options_refuse(why, "not one of none, term (there is no window yet: use --screenshot=FILE.png)");
    o->display = none ? NULL : value;
    return true;
}

bool option_set_triple_fault(struct options *o, const struct option_row *row, const char *value, char *why)
{
    static const char *const names[] = {
        [TRIPLE_FAULT_AUTO] = "auto", [TRIPLE_FAULT_RESET] = "reset", [TRIPLE_FAULT_CRASH] = "crash"};
    (void)row;
    for (u32 i = 0; i < ARRAY_LEN(names); i++) {
        if (strcmp(value, names[i]) == 0) {
            o->triple_fault = (enum triple_fault)i;
            return true;
        }
    }
    return options_refuse(why, "not one of auto, reset, crash");
}

bool option_set_exit_port(struct options *o, const struct option_row *row, const char *value, char *why)
{
    char *end;
    (void)row;
    if (strcmp(value, "none") == 0) {
        o->exit_port = 0;
        return true;
    }
    size_t digits = strspn(value, "0123456789abcdefABCDEF");
    unsigned long port = strtoul(value, &end, 16);
    if (!digits || value[digits] || digits > 4 || port == 0)
        return options_refuse(why, "not a port number in hexadecimal (1 to FFFF) or none");
    o->exit_port = port;
    return true;
}

bool option_set_net(struct options *o, const struct option_row *row, const char *value, char *why)
{
    (void)row;
    return net_config_parse(&o->net, value, why, OPTIONS_WHY_BYTES);
}

bool option_set_kib(struct options *o, const struct option_row *row, const char *value, char *why)
{
    u64 n = 0;
    if (strcmp(value, "none") != 0 && (!parse_number(value, &n) || n < row->min || n > row->max))
        return options_refuse(why, "not %s (%llu to %llu) or none", row->what, (unsigned long long)row->min,
                              (unsigned long long)row->max);
    *(u64 *)((char *)o + row->offset) = n;
    return true;
}

bool option_set_serial(struct options *o, const struct option_row *row, const char *value, char *why)
{
    if (strcmp(value, "none") == 0) {
        o->serial = NULL;
        return true;
    }
    return option_set_string(o, row, value, why);
}

bool option_set_level(struct options *o, const struct option_row *row, const char *value, char *why)
{
    (void)row;
    return level_parse(value, &o->level) || options_refuse(why, "not one of " LEVEL_NAMES);
}

bool option_set_executor(struct options *o, const struct option_row *row, const char *value, char *why)
{
    (void)row;
    if (strcmp(value, "host") == 0)
        o->executor = EXECUTOR_HOST;
    else if (strcmp(value, "interp") == 0)
        o->executor = EXECUTOR_INTERP;
    else
        return options_refuse(why, "not one of host, interp");
    return true;
}

/* Bytes, or with K, M or G behind the number. */
static bool parse_size(const char *text, u64 *bytes)
{
    static const char units[] = "KMG";
    char digits[VARIANT_NAME_BYTES];
    size_t n = strspn(text, "0123456789");
    const char *unit = text[n] ? strchr(units, text[n]) : NULL;
    if (n >= sizeof digits || (text[n] && (!unit || text[n + 1])))
        return false;
    snprintf(digits, sizeof digits, "%.*s", (int)n, text);
    u32 shift = unit ? 10 * (u32)(unit - units + 1) : 0;
    if (!parse_number(digits, bytes) || *bytes > UINT64_MAX >> shift)
        return false;
    *bytes <<= shift;
    return true;
}

bool option_set_size(struct options *o, const struct option_row *row, const char *value, char *why)
{
    u64 bytes;
    if (!parse_size(value, &bytes) || bytes < row->min || bytes > row->max)
        return options_refuse(why, "not a size like 16M (%lluK to %lluM)", (unsigned long long)(row->min / KIB),
                              (unsigned long long)(row->max / MIB));
    *(u64 *)((char *)o + row->offset) = bytes;
    return true;
}

bool option_set_perf_map(struct options *o, const struct option_row *row, const char *value, char *why)
{
    if (value)
        return option_set_string(o, row, value, why);
    o->perf_map = PERF_MAP_DEFAULT;
    return true;
}

static bool window_in_range(u64 n)
{
    return n >= 1 && n <= CLUSTER_WINDOW_MAX;
}

static bool parse_horizon(const char *text, u64 *horizon)
{
    if (strcmp(text, "auto") == 0)
        *horizon = HORIZON_AUTO;
    else if (strcmp(text, "inf") == 0)
        *horizon = HORIZON_INF;
    else
        return parse_number(text, horizon) && *horizon && *horizon <= HORIZON_MAX;
    return true;
}

static bool refuse_horizon(char *why, const char *what)
{
    return options_refuse(why, "%s%snot a number of instructions (1 to %d), auto or inf", what, *what ? ": " : "", HORIZON_MAX);
}

bool option_set_horizon(struct options *o, const struct option_row *row, const char *value, char *why)
{
    (void)row;
    return parse_horizon(value, &o->horizon) || refuse_horizon(why, "");
}

/* What follows "NAME:" in `text`, or NULL. */
static const char *variant_value(const char *text, const char *name)
{
    size_t len = strlen(name);
    return strncmp(text, name, len) == 0 && text[len] == ':' ? text + len + 1 : NULL;
}

/* "off", "pairs", "window", "window:8", "on", "on:2000". */
static bool parse_variant(struct variant *v, const char *text, char *why)
{
    const char *instructions = variant_value(text, "window"), *horizon = variant_value(text, "on");
    u64 window = 0;
    memset(v, 0, sizeof *v);
    snprintf(v->name, sizeof v->name, "%s", text);
    if (instructions) {
        if (!parse_number(instructions, &window) || !window_in_range(window))
            return options_refuse(why, "%s: not a number of instructions (1 to %d)", text, CLUSTER_WINDOW_MAX);
        v->window = (u32)window;
        v->level = CLUSTER_WINDOW;
        return true;
    }
    if (horizon) {
        v->level = CLUSTER_ON;
        v->own_horizon = true;
        return parse_horizon(horizon, &v->horizon) || refuse_horizon(why, text);
    }
    return level_parse(text, &v->level) ||
           options_refuse(why, "%s: not one of " LEVEL_NAMES ", window:N, on:HORIZON", *text ? text : "an empty name");
}

/* Calls `item` for each part of a comma-separated list; parts longer than a name can be are cut and fail
 * there. */
static bool for_each_item(struct options *o, const char *list, char *why,
                          bool (*item)(struct options *o, const char *text, char *why))
{
    for (;;) {
        size_t n = strcspn(list, ",");
        char text[VARIANT_NAME_BYTES];
        snprintf(text, sizeof text, "%.*s", (int)MIN(n, sizeof text - 1), list);
        if (!item(o, text, why))
            return false;
        if (!list[n])
            return true;
        list += n + 1;
    }
}

static bool add_variant(struct options *o, const char *text, char *why)
{
    if (o->n_variants == MAX_VARIANTS)
        return options_refuse(why, "more than %d variants", MAX_VARIANTS);
    for (u32 i = 0; i < o->n_variants; i++)
        if (strcmp(o->variants[i].name, text) == 0)
            return options_refuse(why, "%s is there twice", text);
    if (!parse_variant(&o->variants[o->n_variants], text, why))
        return false;
    o->n_variants++;
    return true;
}

bool option_set_variants(struct options *o, const struct option_row *row, const char *value, char *why)
{
    (void)row;
    o->n_variants = 0;
    if (!for_each_item(o, value, why, add_variant))
        return false;
    return o->n_variants >= 2 || options_refuse(why, "a comparison needs two variants");
}

static bool add_window(struct options *o, const char *text, char *why)
{
    u64 n;
    if (!parse_number(text, &n) || !window_in_range(n))
        return options_refuse(why, "%s: not a number of instructions (1 to %d)", *text ? text : "an empty item",
                              CLUSTER_WINDOW_MAX);
    if (o->n_windows == MAX_WINDOWS)
        return options_refuse(why, "more than %d windows", MAX_WINDOWS);
    for (u32 i = 0; i < o->n_windows; i++)
        if (o->windows[i] == n)
            return options_refuse(why, "%s is there twice", text);
    o->windows[o->n_windows++] = (u32)n;
    return true;
}

bool option_set_windows(struct options *o, const struct option_row *row, const char *value, char *why)
{
    (void)row;
    o->n_windows = 0;
    return strcmp(value, "none") == 0 || for_each_item(o, value, why, add_window);
}

static const struct stress_item {
    const char *name;
    u32 min, max;     /* both 0: takes no value */
    const char *what; /* the value */
} stress_items[STRESSES] = {
    [STRESS_FLUSH] = {"flush"},
    [STRESS_SLOW] = {"slow"},
    [STRESS_THRESHOLD] = {"threshold", 1, 100, "a number of faults"},
    [STRESS_CODE] = {"code", 4096, CODE_CACHE_MAX, "a number of bytes"},
    [STRESS_HEAT] = {"heat", 0, 1000000, "a number of exits"},
};

static bool add_stress(struct options *o, const char *text, char *why)
{
    size_t len = strcspn(text, "=");
    for (u32 i = 0; i < STRESSES; i++) {
        const struct stress_item *item = &stress_items[i];
        u64 n = 0;
        if (strlen(item->name) != len || strncmp(item->name, text, len) != 0)
            continue;
        if (!item->max && text[len])
            return options_refuse(why, "%s takes no value", item->name);
        if (item->max && (!text[len] || !parse_number(text + len + 1, &n) || n < item->min || n > item->max))
            return options_refuse(why, "%s: not %s (%u to %u)", text, item->what, item->min, item->max);
        if (o->stress_given & BIT(i))
            return options_refuse(why, "%s is there twice", item->name);
        o->stress_given |= BIT(i);
        o->stress[i] = (u32)n;
        return true;
    }
    return options_refuse(why, "%s: not one of flush, slow, threshold=N, code=BYTES, heat=N", *text ? text : "an empty item");
}

bool option_set_stress(struct options *o, const struct option_row *row, const char *value, char *why)
{
    (void)row;
    return for_each_item(o, value, why, add_stress);
}

/* "K/N" */
bool option_set_part(struct options *o, const struct option_row *row, const char *value, char *why)
{
    enum { PARTS_MAX = 1000000 };
    const char *slash = strchrnul(value, '/');
    char first[16];
    u64 part, parts;
    (void)row;
    snprintf(first, sizeof first, "%.*s", (int)(slash - value), value);
    if (!*slash || !parse_number(first, &part) || !parse_number(slash + 1, &parts) || !part || part > parts ||
        parts > PARTS_MAX)
        return options_refuse(why, "not K/N, the Kth of N parts (1/1 to %d/%d)", PARTS_MAX, PARTS_MAX);
    o->part = (u32)part;
    o->parts = (u32)parts;
    return true;
}

/* A letter, '=', a directory. */
bool option_add_mount(struct options *o, const struct option_row *row, const char *value, char *why)
{
    char letter = value[0] | 0x20;
    (void)row;
    if (letter < 'a' || letter > 'y' || value[1] != '=' || !value[2])
        return options_refuse(why, "not a drive (A to Y), '=' and a directory or an image");
    if (o->n_mounts == MAX_MOUNTS)
        return options_refuse(why, "more than %d", MAX_MOUNTS);
    for (u32 i = 0; i < o->n_mounts; i++)
        if ((o->mounts[i][0] | 0x20) == letter)
            return options_refuse(why, "drive %c: is given twice", letter - 'a' + 'A');
    o->mounts[o->n_mounts++] = value;
    return true;
}

bool option_add_command(struct options *o, const struct option_row *row, const char *value, char *why)
{
    enum { LINE_MAX_CHARACTERS = 127 };
    (void)row;
    if (!*value)
        return options_refuse(why, "the command must not be empty");
    if (strlen(value) > LINE_MAX_CHARACTERS)
        return options_refuse(why, "a command has at most %d characters", LINE_MAX_CHARACTERS);
    if (strpbrk(value, "\r\n"))
        return options_refuse(why, "one command at a time");
    if (o->n_commands == MAX_COMMANDS)
        return options_refuse(why, "more than %d", MAX_COMMANDS);
    o->commands[o->n_commands++] = value;
    return true;
}
