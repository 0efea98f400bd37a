/* Every option of every command: name, argument, help text, who takes it, and the function that checks its
 * value. */
#include "options_table.h"

#include "level.h"
#include "ui/display.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define DEFAULT_WINDOWS "8,16,32,64"
#define CODE_CACHE_MAX  (1024u * MIB)

static bool refuse(char *why, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Writes the reason; false, so that a setter can return it. */
static bool refuse(char *why, const char *format, ...)
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

static bool set_flag(struct options *o, const struct option_row *row, const char *value, char *why)
{
    (void)value, (void)why;
    *(bool *)((char *)o + row->offset) = true;
    return true;
}

static bool set_string(struct options *o, const struct option_row *row, const char *value, char *why)
{
    if (!*value)
        return refuse(why, "%s must not be empty", row->what);
    *(const char **)((char *)o + row->offset) = value;
    return true;
}

static bool set_number(struct options *o, const struct option_row *row, const char *value, char *why)
{
    u64 n;
    if (!parse_number(value, &n) || n < row->min || n > row->max)
        return refuse(why, "not %s (%llu to %llu)", row->what, (unsigned long long)row->min,
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

static bool set_seconds(struct options *o, const struct option_row *row, const char *value, char *why)
{
    u64 ns;
    if (!parse_seconds(value, &ns) || ns < row->min * NS_PER_MS || ns > row->max * NS_PER_S)
        return refuse(why, "not %s (0.001 to %llu)", row->what, (unsigned long long)row->max);
    *(u64 *)((char *)o + row->offset) = ns;
    return true;
}

static bool set_boot(struct options *o, const struct option_row *row, const char *value, char *why)
{
    static const char *const orders[] = {"a", "c", "ac", "ca"};
    (void)row;
    for (size_t i = 0; i < ARRAY_LEN(orders); i++) {
        if (strcmp(value, orders[i]) == 0) {
            memcpy(o->boot, orders[i], strlen(orders[i]) + 1);
            return true;
        }
    }
    return refuse(why, "not one of a, c, ac, ca (a floppy disk, c hard disk)");
}

static bool set_clock(struct options *o, const struct option_row *row, const char *value, char *why)
{
    (void)row;
    if (strcmp(value, "host") == 0)
        o->clock = CLOCK_MODE_HOST;
    else if (strcmp(value, "access") == 0)
        o->clock = CLOCK_MODE_ACCESS;
    else
        return refuse(why, "not one of host, access");
    return true;
}

static bool set_display(struct options *o, const struct option_row *row, const char *value, char *why)
{
    (void)row;
    bool none = strcmp(value, "none") == 0;
    if (!none && !display_find(value))
        return refuse(why, "not one of none, term (there is no window yet: use --screenshot=FILE.png)");
    o->display = none ? NULL : value;
    return true;
}

static bool set_triple_fault(struct options *o, const struct option_row *row, const char *value, char *why)
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
    return refuse(why, "not one of auto, reset, crash");
}

static bool set_exit_port(struct options *o, const struct option_row *row, const char *value, char *why)
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
        return refuse(why, "not a port number in hexadecimal (1 to FFFF) or none");
    o->exit_port = port;
    return true;
}

static bool set_net(struct options *o, const struct option_row *row, const char *value, char *why)
{
    (void)row;
    return net_config_parse(&o->net, value, why, OPTIONS_WHY_BYTES);
}

static bool set_kib(struct options *o, const struct option_row *row, const char *value, char *why)
{
    u64 n = 0;
    if (strcmp(value, "none") != 0 && (!parse_number(value, &n) || n < row->min || n > row->max))
        return refuse(why, "not %s (%llu to %llu) or none", row->what, (unsigned long long)row->min,
                      (unsigned long long)row->max);
    *(u64 *)((char *)o + row->offset) = n;
    return true;
}

static bool set_serial(struct options *o, const struct option_row *row, const char *value, char *why)
{
    if (strcmp(value, "none") == 0) {
        o->serial = NULL;
        return true;
    }
    return set_string(o, row, value, why);
}

static bool set_level(struct options *o, const struct option_row *row, const char *value, char *why)
{
    (void)row;
    return level_parse(value, &o->level) || refuse(why, "not one of " LEVEL_NAMES);
}

static bool set_executor(struct options *o, const struct option_row *row, const char *value, char *why)
{
    (void)row;
    if (strcmp(value, "host") == 0)
        o->executor = EXECUTOR_HOST;
    else if (strcmp(value, "interp") == 0)
        o->executor = EXECUTOR_INTERP;
    else
        return refuse(why, "not one of host, interp");
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

static bool set_size(struct options *o, const struct option_row *row, const char *value, char *why)
{
    u64 bytes;
    if (!parse_size(value, &bytes) || bytes < row->min || bytes > row->max)
        return refuse(why, "not a size like 16M (%lluK to %lluM)", (unsigned long long)(row->min / KIB),
                      (unsigned long long)(row->max / MIB));
    *(u64 *)((char *)o + row->offset) = bytes;
    return true;
}

static bool set_perf_map(struct options *o, const struct option_row *row, const char *value, char *why)
{
    if (value)
        return set_string(o, row, value, why);
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
    return refuse(why, "%s%snot a number of instructions (1 to %d), auto or inf", what, *what ? ": " : "", HORIZON_MAX);
}

static bool set_horizon(struct options *o, const struct option_row *row, const char *value, char *why)
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
            return refuse(why, "%s: not a number of instructions (1 to %d)", text, CLUSTER_WINDOW_MAX);
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
           refuse(why, "%s: not one of " LEVEL_NAMES ", window:N, on:HORIZON", *text ? text : "an empty name");
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
        return refuse(why, "more than %d variants", MAX_VARIANTS);
    for (u32 i = 0; i < o->n_variants; i++)
        if (strcmp(o->variants[i].name, text) == 0)
            return refuse(why, "%s is there twice", text);
    if (!parse_variant(&o->variants[o->n_variants], text, why))
        return false;
    o->n_variants++;
    return true;
}

static bool set_variants(struct options *o, const struct option_row *row, const char *value, char *why)
{
    (void)row;
    o->n_variants = 0;
    if (!for_each_item(o, value, why, add_variant))
        return false;
    return o->n_variants >= 2 || refuse(why, "a comparison needs two variants");
}

static bool add_window(struct options *o, const char *text, char *why)
{
    u64 n;
    if (!parse_number(text, &n) || !window_in_range(n))
        return refuse(why, "%s: not a number of instructions (1 to %d)", *text ? text : "an empty item",
                      CLUSTER_WINDOW_MAX);
    if (o->n_windows == MAX_WINDOWS)
        return refuse(why, "more than %d windows", MAX_WINDOWS);
    for (u32 i = 0; i < o->n_windows; i++)
        if (o->windows[i] == n)
            return refuse(why, "%s is there twice", text);
    o->windows[o->n_windows++] = (u32)n;
    return true;
}

static bool set_windows(struct options *o, const struct option_row *row, const char *value, char *why)
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
            return refuse(why, "%s takes no value", item->name);
        if (item->max && (!text[len] || !parse_number(text + len + 1, &n) || n < item->min || n > item->max))
            return refuse(why, "%s: not %s (%u to %u)", text, item->what, item->min, item->max);
        if (o->stress_given & BIT(i))
            return refuse(why, "%s is there twice", item->name);
        o->stress_given |= BIT(i);
        o->stress[i] = (u32)n;
        return true;
    }
    return refuse(why, "%s: not one of flush, slow, threshold=N, code=BYTES, heat=N", *text ? text : "an empty item");
}

static bool set_stress(struct options *o, const struct option_row *row, const char *value, char *why)
{
    (void)row;
    return for_each_item(o, value, why, add_stress);
}

/* "K/N" */
static bool set_part(struct options *o, const struct option_row *row, const char *value, char *why)
{
    enum { PARTS_MAX = 1000000 };
    const char *slash = strchrnul(value, '/');
    char first[16];
    u64 part, parts;
    (void)row;
    snprintf(first, sizeof first, "%.*s", (int)(slash - value), value);
    if (!*slash || !parse_number(first, &part) || !parse_number(slash + 1, &parts) || !part || part > parts ||
        parts > PARTS_MAX)
        return refuse(why, "not K/N, the Kth of N parts (1/1 to %d/%d)", PARTS_MAX, PARTS_MAX);
    o->part = (u32)part;
    o->parts = (u32)parts;
    return true;
}

/* A letter, '=', a directory. */
static bool add_mount(struct options *o, const struct option_row *row, const char *value, char *why)
{
    char letter = value[0] | 0x20;
    (void)row;
    if (letter < 'a' || letter > 'y' || value[1] != '=' || !value[2])
        return refuse(why, "not a drive (A to Y), '=' and a directory or an image");
    if (o->n_mounts == MAX_MOUNTS)
        return refuse(why, "more than %d", MAX_MOUNTS);
    for (u32 i = 0; i < o->n_mounts; i++)
        if ((o->mounts[i][0] | 0x20) == letter)
            return refuse(why, "drive %c: is given twice", letter - 'a' + 'A');
    o->mounts[o->n_mounts++] = value;
    return true;
}

static bool add_command(struct options *o, const struct option_row *row, const char *value, char *why)
{
    enum { LINE_MAX_CHARACTERS = 127 };
    (void)row;
    if (!*value)
        return refuse(why, "the command must not be empty");
    if (strlen(value) > LINE_MAX_CHARACTERS)
        return refuse(why, "a command has at most %d characters", LINE_MAX_CHARACTERS);
    if (strpbrk(value, "\r\n"))
        return refuse(why, "one command at a time");
    if (o->n_commands == MAX_COMMANDS)
        return refuse(why, "more than %d", MAX_COMMANDS);
    o->commands[o->n_commands++] = value;
    return true;
}

#define FIELD(f)         .offset = offsetof(struct options, f)
#define FILE_OPTION(f)   FIELD(f), .set = set_string, .what = "the file name"
#define TEXT_OPTION(f)   FIELD(f), .set = set_string, .what = "the text"
#define NUMBER_OPTION(f) FIELD(f), .set = set_number

const struct option_row option_rows[] = {
    {"command", "TEXT",
     "have the command interpreter execute this; -c TEXT for short; may be given again; the status is that of the last command",
     COMMAND_GUEST, false, GROUP_DOS, .set = add_command, .letter = 'c', .repeats = true},
    {"mount", "D=WHERE",
     "make WHERE, a directory or an image with a FAT file system, drive D:, with :ro behind it for reading only; the program's directory is drive C:",
     COMMAND_GUEST, false, GROUP_DOS, .set = add_mount, .repeats = true},
    {"autoexec", NULL, "execute C:\\AUTOEXEC.BAT first", COMMAND_GUEST, false, GROUP_DOS, FIELD(autoexec), .set = set_flag},
    {"xms", "KiB|none", "extended memory by XMS, at most; by default all there is above the high memory area", COMMAND_GUEST,
     false, GROUP_DOS, FIELD(xms_kib), .set = set_kib, .min = 1, .max = RAM_MIB_MAX * 1024ull, .what = "a number of KiB"},
    {"ems", "KiB|none", "expanded memory, beside --ram (default 8192); without, its page frame becomes upper memory",
     COMMAND_GUEST, false, GROUP_DOS, FIELD(ems_kib), .set = set_kib, .min = 16, .max = 32768, .what = "a number of KiB"},

    {"fda", "FILE", "floppy image in drive A:", COMMAND_GUEST, false, GROUP_DISKS, FILE_OPTION(fda)},
    {"hda", "FILE", "hard disk image, drive C:", COMMAND_GUEST, false, GROUP_DISKS, FILE_OPTION(hda)},
    {"hdb", "FILE", "second hard disk image, drive D:", COMMAND_GUEST, false, GROUP_DISKS, FILE_OPTION(hdb)},
    {"boot", "a|c|ac|ca", "order in which drives are tried; by default IMAGE's drive comes first",
     COMMAND_GUEST, false, GROUP_DISKS, .set = set_boot},
    {"snapshot", NULL,
     "keep what the guest writes to its disks in memory and forget it at the end; ab always does",
     COMMAND_GUEST, false, GROUP_DISKS, FIELD(snapshot), .set = set_flag},

    {"ram", "MiB", "memory, 2 to 3072 MiB (default 16)", COMMAND_GUEST, false, GROUP_MACHINE,
     NUMBER_OPTION(ram_mib), .min = RAM_MIB_MIN, .max = RAM_MIB_MAX, .what = "a number of MiB"},
    {"clock", "host|access",
     "host (default): time follows the host, and the guest's calendar starts at the host's local time. "
     "access: each device access takes one microsecond and nothing else takes time, so runs can be repeated "
     "exactly; the calendar starts on 1994-06-01 at 12:00:00. ab always uses access, clusters does by default",
     COMMAND_RUN | COMMAND_CLUSTERS, false, GROUP_MACHINE, .set = set_clock},
    {"exit-port", "HEX",
     "port that ends the guest: a byte n written there gives status n * 2 + 1 (default F4), or none",
     COMMAND_GUEST, false, GROUP_MACHINE, .set = set_exit_port},
    {"triple-fault", "auto|reset|crash",
     "what a triple fault does: reset the machine, as on a PC, or end the run with a crash report. auto (default): reset it if the "
     "guest has said before that it wants that, by the CMOS shutdown byte 0Fh or by 1234h at 0040:0072",
     COMMAND_GUEST, false, GROUP_MACHINE, .set = set_triple_fault},
    {"net", "none|echo|user[,...]",
     "a network card, an NE2000, and what is at the other end of its wire: echo, a station 10.0.2.2 that answers ARP, ICMP echo and "
     "UDP at fixed times, or user, the host's network, which the guest then reaches as the user who runs huddle does, services on "
     "127.0.0.1 included (10.0.2.2); only with --clock=host. Behind it, separated by commas: io=HEX (default 300), irq=N (default "
     "9), mac=ADDRESS, and for user restrict=on (the guest reaches nothing, but what is forwarded to it) and "
     "hostfwd=tcp:[HOST]:PORT-[GUEST]:PORT, or udp, as often as wanted; without HOST on all addresses of the host, so that other "
     "machines reach the guest too: 127.0.0.1 is this one only",
     COMMAND_GUEST, false, GROUP_MACHINE, .set = set_net},
    {"bios", "FILE", "system firmware (default: SeaBIOS, from the package seabios)",
     COMMAND_GUEST | COMMAND_DOCTOR, false, GROUP_MACHINE, FILE_OPTION(bios)},
    {"vgabios", "FILE", "VGA firmware (default: vgabios-isavga.bin, from the package seabios)",
     COMMAND_GUEST | COMMAND_DOCTOR, false, GROUP_MACHINE, FILE_OPTION(vgabios)},

    {"load-state", "FILE",
     "go on from a state that --save-state or a script has saved, with the same images in the drives as they were then: what "
     "is on them is not in it, but for what was written with --snapshot. Memory, firmware, drives and clock must be those it "
     "was saved with",
     COMMAND_RUN, false, GROUP_MACHINE, FILE_OPTION(load_state)},

    {"cluster", "off|pairs|window|on",
     "how far exits are clustered: not at all (off); two exiting instructions at a time (pairs); those in a window of "
     "instructions (window); whole regions of code with their loops and calls, as far as it pays (on, the default)",
     COMMAND_RUN | COMMAND_CLUSTERS, false, GROUP_CLUSTERS, .set = set_level},
    {"cluster-window", "N", "with --cluster=window: how many instructions ahead a cluster reaches, 1 (none) to 256 (default 16)",
     COMMAND_GUEST, false, GROUP_CLUSTERS, NUMBER_OPTION(window), .min = 1, .max = CLUSTER_WINDOW_MAX,
     .what = "a number of instructions"},
    {"horizon", "N|auto|inf",
     "with --cluster=on: after how many instructions without a device access KVM gets the guest back, 1 to 100000000; "
     "never (inf); or as this KVM's costs make it (auto, the default)",
     COMMAND_GUEST, false, GROUP_CLUSTERS, .set = set_horizon},
    {"executor", "host|interp",
     "what executes clusters: host code made from them (host, the default), or an interpreter",
     COMMAND_GUEST, false, GROUP_CLUSTERS, .set = set_executor},
    {"code-cache", "SIZE",
     "memory for host code, 64K to 1024M (default 16M); when it is full, all of it is made anew",
     COMMAND_GUEST, false, GROUP_CLUSTERS, FIELD(code_cache), .set = set_size, .min = 64 * KIB,
     .max = CODE_CACHE_MAX, .what = "a size"},
    {"stress", "LIST",
     "for tests, separated by commas: flush (host code made anew at every run of a cluster), slow (no memory "
     "access the fast way), threshold=N (faults after which an access becomes a device access), code=BYTES (a "
     "tiny code cache), heat=N (clusters formed after N exits at a place, not 2)",
     COMMAND_GUEST, false, GROUP_CLUSTERS, .set = set_stress},
    {"check", NULL,
     "execute every cluster twice, by the step interpreter and by the executor asked for, and end with status 70 and "
     "a description if they differ; slow",
     COMMAND_GUEST, false, GROUP_CLUSTERS, FIELD(check), .set = set_flag},
    {"variants", "LIST",
     "what to compare, 2 to 5 of off, pairs, window, window:N, on and on:HORIZON, separated by commas (default off,on); "
     "the first is what the others are measured against",
     COMMAND_AB, false, GROUP_CLUSTERS, .set = set_variants},
    {"windows", "LIST",
     "also run with these windows and show what each gives (default " DEFAULT_WINDOWS
     "), or none: it takes time",
     COMMAND_AB, false, GROUP_CLUSTERS, .set = set_windows},

    {"timeout", "SECONDS", "end the guest after that many seconds of the host, with status 124",
     COMMAND_GUEST, false, GROUP_END, FIELD(timeout_ns), .set = set_seconds, .min = 1, .max = 1000000,
     .what = "a number of seconds"},
    {"until-text", "TEXT",
     "end with status 0 as soon as the text screen contains TEXT; run prints the screen", COMMAND_GUEST,
     false, GROUP_END, TEXT_OPTION(until_text)},
    {"frames", "N", "end with status 0 after N vertical retraces", COMMAND_GUEST, false, GROUP_END,
     NUMBER_OPTION(frames), .min = 1, .max = 1000000000000, .what = "a number of frames"},
    {"script", "FILE", "type, wait and look as FILE says (see SCRIPTS in the man page)", COMMAND_GUEST, false,
     GROUP_END, FILE_OPTION(script)},

    {"cpu", "N", "the processor to measure on (default: the last that may be used)", COMMAND_BENCH, false, GROUP_BENCH,
     NUMBER_OPTION(cpu), .max = 1023, .what = "the number of a processor"},
    {"quick", NULL, "measure less: a second or two, for a first look and for tests", COMMAND_BENCH, false, GROUP_BENCH, FIELD(quick),
     .set = set_flag},

    {"display", "none|term",
     "where the screen is shown and keys come from: nowhere (none), or this terminal (term): text modes are "
     "shown, keys are the guest's but for Ctrl-], after which q ends the guest, s saves a picture, c sends Ctrl-Alt-Del "
     "and Ctrl-] sends itself. With --clock=access what is typed makes runs differ. "
     "The default is term for programs of DOS that are started at a terminal, else none",
     COMMAND_RUN, false, GROUP_OUTPUT, .set = set_display},
    {"screenshot", "FILE.png", "write the last picture there; ab: that of the last variant", COMMAND_GUEST,
     false, GROUP_OUTPUT, FILE_OPTION(screenshot)},
    {"save-state", "FILE",
     "write the state of the whole machine at the end, but for the contents of the disk images", COMMAND_RUN, false,
     GROUP_OUTPUT, FILE_OPTION(save_state)},
    {"serial", "stdio|FILE|none", "where COM1 goes (default none)", COMMAND_RUN, false, GROUP_OUTPUT,
     FIELD(serial), .set = set_serial, .what = "the file name"},
    {"debugcon", "FILE", "where bytes written to the debug ports E9h and 402h go", COMMAND_RUN, false,
     GROUP_OUTPUT, FILE_OPTION(debugcon)},
    {"stats", "FILE.json", "write what was counted", COMMAND_RUN, false, GROUP_OUTPUT, FILE_OPTION(stats)},
    {"html", "FILE.html",
     "write the whole comparison as a page for a browser, which needs nothing but this file: charts, tables, the hottest "
     "clusters, the last pictures",
     COMMAND_AB, false, GROUP_OUTPUT, FILE_OPTION(html)},
    {"json", "FILE.json", "ab: write the whole comparison; clusters: all clusters, and what was counted; bench: what was measured; "
     "top: what was counted so far, and in a second; - is standard output there",
     COMMAND_AB | COMMAND_CLUSTERS | COMMAND_BENCH | COMMAND_TOP, false, GROUP_OUTPUT, FILE_OPTION(json)},
    {"svg", "FILE.svg", "draw what was measured", COMMAND_BENCH, false, GROUP_OUTPUT, FILE_OPTION(svg)},
    {"csv", "FILE.csv", "write each sample, or each point, on a line", COMMAND_BENCH, false, GROUP_OUTPUT, FILE_OPTION(csv)},
    {"dump-clusters", "FILE|-",
     "list all clusters at the end of the run, as huddle clusters shows them; - is standard output",
     COMMAND_RUN, false, GROUP_OUTPUT, FILE_OPTION(dump_clusters)},
    {"explain", NULL,
     "say what the exits cost, step by step, and whether that adds up to what they are seen to cost: run at the end, on "
     "standard error and in --stats; ab for each variant",
     COMMAND_RUN | COMMAND_AB, false, GROUP_OUTPUT, FIELD(explain), .set = set_flag},
    {"explain-svg", "FILE.svg", "the same as a picture: --explain, and bars of the steps of each kind of exit",
     COMMAND_RUN | COMMAND_AB, false, GROUP_OUTPUT, FILE_OPTION(explain_svg)},
    {"control", "PATH",
     "a Unix socket made there, for its owner only, at which QEMU's clients find QMP: look at the guest, stop it, type, take "
     "pictures, end it. top: the socket of the guest to look at",
     COMMAND_RUN | COMMAND_TOP, false, GROUP_OUTPUT, FILE_OPTION(control)},
    {"once", NULL, "look once, print that as text and end; so it is where standard output is no terminal", COMMAND_TOP, false,
     GROUP_OUTPUT, FIELD(once), .set = set_flag},
    {"top", "N", "how many clusters to list (default 10)", COMMAND_CLUSTERS, false, GROUP_OUTPUT,
     NUMBER_OPTION(top), .min = 1, .max = 1000000, .what = "a number of clusters"},
    {"steps", NULL, "also list the steps that each instruction was lowered to", COMMAND_CLUSTERS, false,
     GROUP_OUTPUT, FIELD(steps), .set = set_flag},
    {"host", NULL, "also list the host code of each instruction", COMMAND_CLUSTERS, false, GROUP_OUTPUT,
     FIELD(host_code), .set = set_flag},
    {"perf-map", "FILE",
     "tell perf the clusters in the host code: written to FILE, by default /tmp/perf-PID.map, where perf looks",
     COMMAND_GUEST, false, GROUP_OUTPUT, FIELD(perf_map), .set = set_perf_map, .what = "the file name",
     .optional = true},

    {"corpus", "LIST",
     "compare every guest of the file LIST: each line has one, with its options, as on a command line; # begins a comment; "
     "relative paths begin at LIST's directory. Other options hold for all guests unless a line has its own; --windows is none, "
     "--timeout 600, if they are not given. With --json=FILE a line of JSON is appended to FILE for each guest that ends, and a guest "
     "whose result is in FILE already is not run again",
     COMMAND_AB, false, GROUP_CORPUS, FILE_OPTION(corpus)},
    {"jobs", "N",
     "--corpus: run N guests at a time (default: as many as there are processors). Without it: N comparisons run at once, of which "
     "this is one: it keeps its memory to an Nth",
     COMMAND_AB, false, GROUP_CORPUS, NUMBER_OPTION(jobs), .min = 1, .max = 1024, .what = "a number of guests"},
    {"part", "K/N", "--corpus: every Nth guest of LIST, from the Kth on, for N machines", COMMAND_AB, false, GROUP_CORPUS,
     .set = set_part},

    {"help", NULL, "say this and end", COMMAND_ALL, false, GROUP_GENERAL},
    {"version", NULL, "print the version and end", COMMAND_ALL, false, GROUP_GENERAL},
    {"man", NULL, "print the man page and end", COMMAND_ALL, true, GROUP_GENERAL},
};
const size_t option_row_count = ARRAY_LEN(option_rows);
_Static_assert(ARRAY_LEN(option_rows) <= 64, "struct options remembers given rows in 64 bits");

const char *const option_group_names[OPTION_GROUPS] = {
    [GROUP_DOS] = "Built-in DOS", [GROUP_DISKS] = "Disks",     [GROUP_MACHINE] = "Machine", [GROUP_CLUSTERS] = "Clusters",
    [GROUP_END] = "When to end", [GROUP_OUTPUT] = "Output",   [GROUP_CORPUS] = "Many guests", [GROUP_BENCH] = "Measuring",
    [GROUP_GENERAL] = "General",
};

const struct command_row command_rows[] = {
    {COMMAND_RUN, "run", "PROGRAM [ARGUMENTS] | DIRECTORY | IMAGE", "run a program or a guest",
     "Runs a program of DOS, PROGRAM.COM, .EXE or .BAT, with its directory as drive C:, in huddle's own DOS; or, with a directory "
     "as drive C:, the commands of -c or a command interpreter. Options come before the program: what follows it is its own. "
     "What programs write through DOS goes to standard output, standard input feeds CON, and the status is the errorlevel.\n\n"
     "Or runs the DOS or VGA guest on the disk image IMAGE until it ends. A file of a floppy's size becomes "
     "drive A:, any other becomes drive C:; the machine boots from it.\n\n"
     "The status of an image's guest is the one it gives through the exit port, (value << 1) | 1; 0 when --until-text, "
     "--frames or the script ended it; 124 after --timeout; 129, 130 or 143 after SIGHUP, Ctrl-C or a termination signal; "
     "70 when the guest crashed; 71 when the host failed; 1 when the script failed; 2 when the command line "
     "is wrong or a file it needs cannot be used."},
    {COMMAND_AB, "ab", "IMAGE", "run a guest clustered and not, and compare",
     "Runs the guest once per variant, each in a process of its own and with the same script, and reports "
     "exits, their causes, what clustering avoided, and whether the guest could tell the difference: device "
     "accesses and interrupts in order, final memory, final picture.\n\n"
     "Disks are opened as with --snapshot, so every variant starts from the same disk and the images stay as "
     "they are. Time is --clock=access, so that runs can be compared at all. A guest that does not end on "
     "its own needs --until-text, --frames or a script.\n\n"
     "With --corpus=LIST it does so for every guest of a list, several at a time, each in a process of its own, so that one that "
     "crashes or hangs is a row of the table; means and worst cases are beneath it. Ctrl-C ends all; what is in the file of "
     "--json stays, and the same command goes on from there.\n\n"
     "The status is 0 only if every variant (of every guest) ended in the same way and nothing differs; 1 if something does, or a "
     "guest of a list could not be compared; 130 after Ctrl-C; 71 when the host failed; 2 when the command line is wrong or a file it needs cannot be used."},
    {COMMAND_CLUSTERS, "clusters", "IMAGE", "run a guest and show its clusters",
     "Runs the guest as run does, until it ends, is interrupted or --timeout is over, and lists the clusters that "
     "avoided most exits. For each: where it is entered, how often it ran, why it was left, and its instructions "
     "with the exits they made in KVM, the exits they avoided in the cluster, and their class. Strongly exiting "
     "instructions (strong) always exit; weakly exiting ones (weak) access memory and exit where that is a device; "
     "gap fillers (filler) never do. Branches inside the cluster come to the lines marked >.\n\n"
     "With --cluster=on it is regions that are listed. They follow each other, so only the runs that began in one are "
     "counted; and code is interpreted before there is a region: what it did then is counted as outside, whether it was "
     "an exit or not.\n\n"
     "Disks are opened as with --snapshot. A guest that does not end on its own needs --until-text, --frames, a "
     "script or --timeout.\n\n"
     "The status is 0 if there is a listing, however the guest ended; 71 when the host failed; 2 when the command "
     "line is wrong or a file it needs cannot be used."},
    {COMMAND_BENCH, "bench", "exits|memory", "measure what exits and memory of guests cost here",
     "exits: runs a few instructions of a guest that exit, thousands of times, kind by kind: to the kernel and back (CPUID, a "
     "hypercall, coalesced writes), to userspace and back (ports, device memory, strings, HLT, the interrupt window, an injected "
     "interrupt), and the ioctls beside them. Each in real mode, as DOS guests run, and in 64-bit mode; on one processor "
     "(--cpu), and on any. The control, the same loop without an exit, is subtracted; percentiles, not means. What this KVM does "
     "not have is said to be missing. At the end a bare loop of KVM_RUN in a machine of its own says whether the samples can be believed.\n\n"
     "memory: follows lists of 1 KiB to 256 MiB, in order and in random order, in this process and in guests: with small pages "
     "and with huge pages, in 64-bit mode, where addresses are translated twice, in 32-bit mode without paging, in KVM and in "
     "huddle's regions. The difference is what memory costs a guest.\n\n"
     "The status is 0 if it was measured; 71 when the host failed, as it does without KVM; 2 when the command line is wrong or a file "
     "cannot be written."},
    {COMMAND_DOCTOR, "doctor", NULL, "look whether huddle can run here",
     "Says whether /dev/kvm is there and may be used, what kind of KVM it is, what an exit costs, which "
     "firmware is found, and what to do about each problem. The status is 0 if huddle can run, else 1."},
    {COMMAND_TOP, "top", "PATH", "watch a guest that runs",
     "Shows what a guest does that was started with 'huddle run --control=PATH': once a second its exits and where they come "
     "from, what clustering avoids, how fast it is. Keys: c switches clustering on and off, space stops the guest and lets it "
     "go on, s takes a screenshot, q leaves.\n\n"
     "The status is 0, also when the guest ends meanwhile; 71 when there is no guest at PATH, or it is gone without a word; 2 when "
     "the command line is wrong."},
};
const size_t command_row_count = ARRAY_LEN(command_rows);
