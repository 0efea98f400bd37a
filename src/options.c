/* argv -> struct options: finding rows of the option table, hints for what was probably meant,
 * contradictions. */
#include "level.h"
#include "options.h"

#include "options_table.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static enum options_result refuse(char *why, const char *format, ...) __attribute__((format(printf, 2, 3)));

static enum options_result refuse(char *why, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(why, OPTIONS_WHY_BYTES, format, args);
    va_end(args);
    return OPTIONS_USAGE;
}

#define WORD_MAX 32

/* Edits (insert, delete, replace, swap two neighbours) that turn `a` into `b`; words longer than WORD_MAX are
 * nowhere near. */
static u32 edit_distance(const char *a, size_t a_len, const char *b)
{
    u32 cost[WORD_MAX + 1][WORD_MAX + 1]; /* [i][j]: the first i letters of a into the first j of b */
    size_t b_len = strlen(b);
    if (a_len > WORD_MAX || b_len > WORD_MAX)
        return WORD_MAX;
    for (u32 i = 0; i <= a_len; i++) {
        for (u32 j = 0; j <= b_len; j++) {
            if (i == 0 || j == 0) {
                cost[i][j] = i + j;
                continue;
            }
            u32 replace = cost[i - 1][j - 1] + (a[i - 1] != b[j - 1]);
            cost[i][j] = MIN(replace, MIN(cost[i - 1][j], cost[i][j - 1]) + 1);
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                cost[i][j] = MIN(cost[i][j], cost[i - 2][j - 2] + 1);
        }
    }
    return cost[a_len][b_len];
}

/* Near enough that it was probably meant: a third of the letters wrong, or a beginning of at least 3 letters.
 */
static u32 word_distance(const char *word, size_t len, const char *name)
{
    if (len >= 3 && strncmp(word, name, len) == 0)
        return 0;
    u32 distance = edit_distance(word, len, name);
    u32 allowed = MAX(1u, (u32)strlen(name) / 3);
    return distance <= allowed ? distance : WORD_MAX;
}

static const struct option_row *nearest_option(enum command command, const char *word, size_t len)
{
    const struct option_row *best = NULL;
    u32 best_distance = WORD_MAX;
    for (size_t i = 0; i < option_row_count; i++) {
        u32 distance = word_distance(word, len, option_rows[i].name);
        if ((option_rows[i].commands & command) && !option_rows[i].hidden && distance < best_distance) {
            best = &option_rows[i];
            best_distance = distance;
        }
    }
    return best;
}

static const struct command_row *nearest_command(const char *word)
{
    const struct command_row *best = NULL;
    u32 best_distance = WORD_MAX;
    for (size_t i = 0; i < command_row_count; i++) {
        u32 distance = word_distance(word, strlen(word), command_rows[i].name);
        if (distance < best_distance) {
            best = &command_rows[i];
            best_distance = distance;
        }
    }
    return best;
}

static const struct option_row *find_option(const char *word, size_t len)
{
    for (size_t i = 0; i < option_row_count; i++)
        if (strlen(option_rows[i].name) == len && memcmp(option_rows[i].name, word, len) == 0)
            return &option_rows[i];
    return NULL;
}

static const struct option_row *find_letter(const char *word, size_t len)
{
    for (size_t i = 0; len == 1 && i < option_row_count; i++)
        if (option_rows[i].letter == word[0])
            return &option_rows[i];
    return NULL;
}

static const struct command_row *find_command(const char *word)
{
    for (size_t i = 0; i < command_row_count; i++)
        if (strcmp(command_rows[i].name, word) == 0)
            return &command_rows[i];
    return NULL;
}

static const char *command_name(enum command command)
{
    for (size_t i = 0; i < command_row_count; i++)
        if (command_rows[i].command == command)
            return command_rows[i].name;
    return "";
}

bool options_given(const struct options *o, const char *name)
{
    const struct option_row *row = find_option(name, strlen(name));
    return row && (o->given >> (row - option_rows) & 1);
}

static enum options_result unknown_option(enum command command, const char *arg, const char *word, size_t len,
                                          char *why)
{
    const struct option_row *near = nearest_option(command, word, len);
    int shown = (int)MIN((size_t)(word - arg) + len, (size_t)60);
    if (near)
        return refuse(why, "%.*s: no such option; did you mean --%s?", shown, arg, near->name);
    return refuse(why, "%.*s: no such option", shown, arg);
}

/* Who takes an option that this command does not. */
static enum options_result foreign_option(enum command command, const struct option_row *row, char *why)
{
    if (command == COMMAND_AB && strcmp(row->name, "clock") == 0)
        return refuse(why,
                      "--clock: 'huddle ab' always runs under --clock=access, or runs could not be compared");
    if (command == COMMAND_AB && strcmp(row->name, "cluster") == 0)
        return refuse(why, "--cluster: only for 'huddle run'; here it is --variants=off,on");
    if ((command == COMMAND_AB || command == COMMAND_CLUSTERS) && strcmp(row->name, "stats") == 0)
        return refuse(why, "--stats: only for 'huddle run'; here it is --json=FILE");
    if (command == COMMAND_RUN && strcmp(row->name, "json") == 0)
        return refuse(why, "--json: only for 'huddle ab' and 'huddle clusters'; here it is --stats=FILE");
    for (size_t i = 0; i < command_row_count; i++)
        if (row->commands & command_rows[i].command)
            return refuse(why, "--%s: only for 'huddle %s', not for 'huddle %s'", row->name,
                          command_rows[i].name, command_name(command));
    return refuse(why, "--%s: not here", row->name);
}

static enum options_result special_option(const struct option_row *row)
{
    if (strcmp(row->name, "help") == 0)
        return OPTIONS_HELP;
    return strcmp(row->name, "version") == 0 ? OPTIONS_VERSION : OPTIONS_MAN;
}

struct cursor {
    int argc;
    char *const *argv;
    int at;
};

/* The value after '=' or, for an option that takes one, the next argument. NULL and `why` if there is none.
 */
static const char *option_value(const struct option_row *row, const char *equals, struct cursor *cursor,
                                char *why)
{
    if (equals)
        return equals + 1;
    if (cursor->at + 1 < cursor->argc && cursor->argv[cursor->at + 1][0] != '-')
        return cursor->argv[++cursor->at];
    refuse(why, "--%s: needs a value: --%s=%s", row->name, row->name, row->metavar);
    return NULL;
}

const struct option_row *option_row_of(const char *arg, bool *value_follows)
{
    const char *word = arg + (arg[0] == '-' ? 1 : 0) + (arg[0] == '-' && arg[1] == '-' ? 1 : 0);
    size_t len = strcspn(word, "=");
    const struct option_row *row = word - arg == 2 ? find_option(word, len) : word > arg ? find_letter(word, len) : NULL;
    *value_follows = row && row->metavar && !row->optional && !word[len];
    return row;
}

static enum options_result parse_option(struct options *o, struct cursor *cursor, char *why)
{
    const char *arg = cursor->argv[cursor->at];
    const char *word = arg + (arg[1] == '-' ? 2 : 1);
    const char *equals = strchr(word, '=');
    size_t len = equals ? (size_t)(equals - word) : strlen(word);
    if (strcmp(arg, "-h") == 0)
        return OPTIONS_HELP;
    const struct option_row *row = arg[1] == '-' ? find_option(word, len) : find_letter(word, len);
    if (!row)
        return unknown_option(o->command, arg, word, len, why);
    if (!(row->commands & o->command))
        return foreign_option(o->command, row, why);
    if (!row->metavar && equals)
        return refuse(why, "--%s: takes no value", row->name);
    if (!row->set)
        return special_option(row);
    u64 bit = 1ull << (row - option_rows);
    if (o->given & bit && !row->repeats)
        return refuse(why, "--%s: given twice", row->name);
    o->given |= bit;
    bool left_out = row->optional && !equals;
    const char *value = left_out ? NULL : row->metavar ? option_value(row, equals, cursor, why) : "";
    if (!value && !left_out)
        return OPTIONS_USAGE;
    char reason[OPTIONS_WHY_BYTES];
    if (!row->set(o, row, value, reason))
        return refuse(why, "--%s=%.60s: %s", row->name, value ? value : "", reason);
    return OPTIONS_OK;
}

static enum options_result set_benchmark(struct options *o, const char *arg, char *why)
{
    if (o->benchmark)
        return refuse(why, "%.60s: one benchmark at a time", arg);
    if (strcmp(arg, "exits") == 0)
        o->benchmark = BENCHMARK_EXITS;
    else if (strcmp(arg, "memory") == 0)
        o->benchmark = BENCHMARK_MEMORY;
    else
        return refuse(why, "%.60s: no such benchmark; there are exits and memory", arg);
    return OPTIONS_OK;
}

static enum options_result add_image(struct options *o, const char *arg, char *why)
{
    if (o->command == COMMAND_BENCH)
        return set_benchmark(o, arg, why);
    if (o->command == COMMAND_DOCTOR)
        return refuse(why, "%.100s: 'huddle doctor' takes no image", arg);
    if (!*arg)
        return refuse(why, "the image's name must not be empty");
    if (o->image && o->command == COMMAND_TOP)
        return refuse(why, "%.100s: one guest at a time", arg);
    if (o->image)
        return refuse(why, "%.100s: only one image (%.100s); more drives: --fda, --hda, --hdb", arg,
                      o->image);
    o->image = arg;
    return OPTIONS_OK;
}

static bool variants_use_window(const struct options *o)
{
    for (u32 i = 0; i < o->n_variants; i++)
        if (o->variants[i].level == CLUSTER_WINDOW && !o->variants[i].window)
            return true;
    return false;
}

static bool variants_use_horizon(const struct options *o)
{
    for (u32 i = 0; i < o->n_variants; i++)
        if (o->variants[i].level == CLUSTER_ON && !o->variants[i].own_horizon)
            return true;
    return false;
}

/* Options that only one level has a use for. */
static enum options_result check_level(const struct options *o, char *why)
{
    bool window = options_given(o, "cluster-window"), horizon = options_given(o, "horizon");
    if (o->command == COMMAND_AB) {
        if (window && !variants_use_window(o))
            return refuse(why, "--cluster-window: none of the --variants uses it");
        if (horizon && !variants_use_horizon(o))
            return refuse(why, "--horizon: none of the --variants uses it");
        return OPTIONS_OK;
    }
    if (window && o->level != CLUSTER_WINDOW)
        return refuse(why, "--cluster-window: means nothing with --cluster=%s", level_name(o->level));
    if (horizon && o->level != CLUSTER_ON)
        return refuse(why, "--horizon: means nothing with --cluster=%s", level_name(o->level));
    return OPTIONS_OK;
}

/* Runs under the access clock can be repeated; the host's network cannot. */
static enum options_result check_net(const struct options *o, char *why)
{
    if (o->net.kind != NET_USER || o->clock != CLOCK_MODE_ACCESS)
        return OPTIONS_OK;
    if (o->command == COMMAND_AB)
        return refuse(why, "--net=user: the host's network would make the runs differ; --net=echo does not");
    return refuse(why, "--net=user: only with --clock=host; --net=echo works with both");
}

/* Options that only host code has a use for. */
static enum options_result check_executor(const struct options *o, char *why)
{
    static const char *const host_only[] = {"code-cache", "perf-map"};
    if (o->command == COMMAND_AB && o->perf_map && *o->perf_map)
        return refuse(why, "--perf-map=%.60s: each run of 'huddle ab' is a process of its own: --perf-map",
                      o->perf_map);
    if ((o->stress_given & BIT(STRESS_CODE)) && o->code_cache)
        return refuse(why, "--code-cache: --stress has another size of the code cache");
    if (o->executor == EXECUTOR_HOST)
        return OPTIONS_OK;
    for (size_t i = 0; i < ARRAY_LEN(host_only); i++)
        if (options_given(o, host_only[i]))
            return refuse(why, "--%s: means nothing with --executor=interp", host_only[i]);
    if (o->stress_given & ~BIT(STRESS_HEAT))
        return refuse(why, "--stress: with --executor=interp there is only heat=N");
    return OPTIONS_OK;
}

/* Options of one guest, which has its own in a list. */
static bool is_of_one_guest(const struct option_row *row)
{
    return row->group == GROUP_DISKS || (row->group == GROUP_OUTPUT && strcmp(row->name, "json") != 0) ||
           strcmp(row->name, "mount") == 0 || strcmp(row->name, "command") == 0;
}

static enum options_result check_corpus(const struct options *o, char *why)
{
    if (!o->corpus)
        return o->parts ? refuse(why, "--part: means nothing without --corpus") : OPTIONS_OK;
    if (o->image)
        return refuse(why, "%.100s: with --corpus, guests are what the list says", o->image);
    for (size_t i = 0; i < option_row_count; i++)
        if ((o->given & 1ull << i) && is_of_one_guest(&option_rows[i]))
            return refuse(why, "--%s: is for one guest: it belongs into its line in %.100s", option_rows[i].name, o->corpus);
    return OPTIONS_OK;
}

/* Extended memory is what --ram has above the high memory area. */
static enum options_result check_memory(const struct options *o, char *why)
{
    enum { LOW_KIB = 1024 + 64 };
    u64 most = o->ram_mib * KIB - LOW_KIB;
    if (options_given(o, "xms") && o->xms_kib > most)
        return refuse(why, "--xms=%llu: with --ram=%llu there are %llu KiB of extended memory", (unsigned long long)o->xms_kib,
                      (unsigned long long)o->ram_mib, (unsigned long long)most);
    return OPTIONS_OK;
}

static enum options_result check_top(const struct options *o, char *why)
{
    if (o->image && o->control)
        return refuse(why, "%.60s: --control has named the guest's socket already", o->image);
    if (!o->image && !o->control)
        return refuse(why, "which guest? 'huddle top PATH', started by 'huddle run --control=PATH'");
    return OPTIONS_OK;
}

/* Contradictions that can be seen without looking at a file. */
static enum options_result check(const struct options *o, char *why)
{
    if (o->command == COMMAND_TOP)
        return check_top(o, why);
    if (o->command == COMMAND_DOCTOR)
        return OPTIONS_OK;
    if (check_corpus(o, why) != OPTIONS_OK)
        return OPTIONS_USAGE;
    if (o->command == COMMAND_BENCH)
        return o->benchmark ? OPTIONS_OK : refuse(why, "which benchmark: 'huddle bench exits' or 'huddle bench memory'");
    if (!o->image && !o->fda && !o->hda && !o->hdb && !o->n_commands && !o->n_mounts && !o->corpus)
        return refuse(why, "nothing to run: 'huddle %s PROGRAM', DIRECTORY or IMAGE", command_name(o->command));
    if (o->command == COMMAND_CLUSTERS && o->level == CLUSTER_OFF)
        return refuse(why, "--cluster=off: then there are no clusters to list");
    if (check_level(o, why) != OPTIONS_OK || check_memory(o, why) != OPTIONS_OK || check_net(o, why) != OPTIONS_OK)
        return OPTIONS_USAGE;
    return check_executor(o, why);
}

static void set_defaults(struct options *o)
{
    *o = (struct options){
        .ram_mib = 16,
        .xms_kib = UINT32_MAX,
        .ems_kib = 8192,
        .clock = CLOCK_MODE_HOST,
        .exit_port = 0xf4,
        .level = CLUSTER_ON,
        .window = CLUSTER_WINDOW_DEFAULT,
        .variants = {{.name = "off", .level = CLUSTER_OFF}, {.name = "on", .level = CLUSTER_ON}},
        .n_variants = 2,
        .windows = {8, 16, 32, 64},
        .n_windows = 4,
        .executor = EXECUTOR_HOST,
        .top = 10,
        .cpu = UINT64_MAX,
    };
    net_config_init(&o->net);
}

/* Before any command only --help and its kind make sense. */
static enum options_result parse_global_option(const char *arg, char *why)
{
    const char *word = arg[1] == '-' ? arg + 2 : arg;
    const struct option_row *option = find_option(word, strlen(word));
    if (strcmp(arg, "-h") == 0)
        return OPTIONS_HELP;
    if (option && !option->set)
        return special_option(option);
    return refuse(why, "%.60s: a command comes first: run, ab, clusters, doctor, bench or top", arg);
}

static enum options_result parse_command(struct options *o, const char *arg, char *why)
{
    const struct command_row *row = find_command(arg);
    if (row) {
        o->command = row->command;
        if (o->command == COMMAND_AB || o->command == COMMAND_CLUSTERS)
            o->clock = CLOCK_MODE_ACCESS;
        return OPTIONS_OK;
    }
    if (arg[0] == '-')
        return parse_global_option(arg, why);
    row = nearest_command(arg);
    if (row)
        return refuse(why, "%.60s: no such command; did you mean '%s'?", arg, row->name);
    if (strchr(arg, '.') || strchr(arg, '/'))
        return refuse(why, "%.100s: no such command; did you mean 'huddle run %.100s'?", arg, arg);
    return refuse(why, "%.60s: no such command; there are run, ab, clusters, doctor, bench and top", arg);
}

bool options_is_program(const char *name)
{
    static const char *const extensions[] = {".com", ".exe", ".bat"};
    size_t length = strlen(name);
    for (size_t i = 0; i < ARRAY_LEN(extensions); i++)
        if (length > 4 && strcasecmp(name + length - 4, extensions[i]) == 0)
            return true;
    return false;
}

/* What follows a program's name is the program's. */
static void take_arguments(struct options *o, const struct cursor *cursor)
{
    o->arguments = cursor->argv + cursor->at + 1;
    o->n_arguments = (u32)(cursor->argc - cursor->at - 1);
}

enum options_result options_parse(struct options *o, int argc, char *const argv[], char *why)
{
    struct cursor cursor = {argc, argv, 2};
    bool options_end = false;
    set_defaults(o);
    o->words = argv;
    o->n_words = (u32)argc;
    if (argc < 2)
        return refuse(why, "a command is needed: run, ab, clusters, doctor, bench or top");
    enum options_result result = parse_command(o, argv[1], why);
    for (; result == OPTIONS_OK && cursor.at < argc; cursor.at++) {
        const char *arg = argv[cursor.at];
        if (!options_end && strcmp(arg, "--") == 0)
            options_end = true;
        else if (!options_end && arg[0] == '-' && arg[1])
            result = parse_option(o, &cursor, why);
        else
            result = add_image(o, arg, why);
        if (result == OPTIONS_OK && o->command != COMMAND_TOP && o->image && !o->n_arguments && options_is_program(o->image) && arg == o->image) {
            take_arguments(o, &cursor);
            break;
        }
    }
    return result == OPTIONS_OK ? check(o, why) : result;
}
