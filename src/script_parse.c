/* One line of a script -> one command. A line is a verb, words, and quoted strings with escapes. */
#include "script_command.h"

#include "dev/keymap.h"
#include "level.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WAIT_TEXT_DEFAULT_NS (30 * NS_PER_S)
#define MOUSE_MAX            10000
#define MAX_CHORD            8
#define WORD_BYTES           256

/* What is left of the line, and where complaints go. */
struct line {
    const char *rest;
    char *why;
    size_t why_bytes;
};

static int refuse(struct line *line, const char *format, ...) __attribute__((format(printf, 2, 3)));

static int refuse(struct line *line, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(line->why, line->why_bytes, format, args);
    va_end(args);
    return -EINVAL;
}

static void skip_blanks(struct line *line)
{
    line->rest += strspn(line->rest, " \t\r");
}

/* The next word, cut to WORD_BYTES; false at the end of the line. */
static bool next_word(struct line *line, char word[WORD_BYTES])
{
    skip_blanks(line);
    size_t len = strcspn(line->rest, " \t\r");
    snprintf(word, WORD_BYTES, "%.*s", (int)MIN(len, (size_t)WORD_BYTES - 1), line->rest);
    line->rest += len;
    return len > 0;
}

static int unescape(struct line *line, char c, char *out)
{
    static const char from[] = "nteb\\\"", to[] = "\n\t\033\b\\\"";
    const char *found = c ? strchr(from, c) : NULL;
    if (!found)
        return refuse(line, "unknown escape \\%c in the text (there are \\n \\t \\e \\b \\\\ \\\")",
                      c ? c : ' ');
    *out = to[found - from];
    return 0;
}

/* A string in double quotes; `*text` is the caller's to free. */
static int next_string(struct line *line, char **text)
{
    skip_blanks(line);
    if (*line->rest != '"')
        return refuse(line, "a text in double quotes is expected");
    const char *p = line->rest + 1;
    char *out = malloc(strlen(p) + 1);
    size_t n = 0;
    if (!out)
        return -ENOMEM;
    for (; *p && *p != '"'; p++) {
        if (*p != '\\') {
            out[n++] = *p;
        } else if (unescape(line, *++p, &out[n++])) {
            free(out);
            return -EINVAL;
        }
    }
    out[n] = '\0';
    if (*p != '"' || n == 0) {
        free(out);
        return refuse(line, *p ? "the text is empty" : "the text has no closing quote");
    }
    line->rest = p + 1;
    *text = out;
    return 0;
}

/* "20s", "500ms"; decimals are not needed: there are milliseconds. */
static int parse_time(struct line *line, const char *word, u64 *ns)
{
    char *end;
    unsigned long n = strtoul(word, &end, 10);
    u64 unit = strcmp(end, "ms") == 0 ? NS_PER_MS : strcmp(end, "s") == 0 ? NS_PER_S : 0;
    if (word[0] < '0' || word[0] > '9' || !unit || n > 1000000)
        return refuse(line, "%s: not a time (20s, 500ms)", word);
    *ns = n * unit;
    return 0;
}

static int parse_integer(struct line *line, const char *word, long min, long max, int *value)
{
    char *end;
    long n = strtol(word, &end, 10);
    if (!*word || *end || n < min || n > max)
        return refuse(line, "%s: not a number from %ld to %ld", word, min, max);
    *value = (int)n;
    return 0;
}

static int add_key(struct script_command *c, enum key key, bool down)
{
    struct script_key *keys = realloc(c->keys, (c->n_keys + 1) * sizeof *keys);
    if (!keys)
        return -ENOMEM;
    c->keys = keys;
    keys[c->n_keys++] = (struct script_key){(u16)key, down};
    return 0;
}

static int add_character(struct script_command *c, enum key key, bool shift)
{
    int rc = shift ? add_key(c, KEY_LEFT_SHIFT, true) : 0;
    if (!rc)
        rc = add_key(c, key, true);
    if (!rc)
        rc = add_key(c, key, false);
    if (!rc && shift)
        rc = add_key(c, KEY_LEFT_SHIFT, false);
    return rc;
}

static int parse_wait_text(struct script_command *c, struct line *line)
{
    char word[WORD_BYTES];
    c->ns = WAIT_TEXT_DEFAULT_NS;
    int rc = next_string(line, &c->text);
    if (!rc && next_word(line, word))
        rc = parse_time(line, word, &c->ns);
    return rc;
}

static int parse_wait(struct script_command *c, struct line *line)
{
    char word[WORD_BYTES];
    if (!next_word(line, word))
        return refuse(line, "a time is expected (20s, 500ms)");
    return parse_time(line, word, &c->ns);
}

static int parse_type(struct script_command *c, struct line *line)
{
    char *text;
    enum key key;
    bool shift;
    int rc = next_string(line, &text);
    if (rc)
        return rc;
    for (const char *p = text; *p && !rc; p++) {
        if (keymap_ascii(*p, &key, &shift))
            rc = add_character(c, key, shift);
        else
            rc = refuse(line, "a US keyboard has no key for byte %02Xh of the text", (unsigned char)*p);
    }
    free(text);
    return rc;
}

/* "ctrl-alt-del": all pressed in that order, released in the opposite one. */
static int parse_key(struct script_command *c, struct line *line)
{
    char word[WORD_BYTES];
    enum key chord[MAX_CHORD];
    u32 n = 0;
    int rc = 0;
    if (!next_word(line, word))
        return refuse(line, "the name of a key is expected (enter, f1, ctrl-alt-del)");
    for (char *name = word, *next; name; name = next) {
        next = strchr(name + (*name == '-'), '-'); /* "-" alone, or last, is a key's name */
        if (next)
            *next++ = '\0';
        if (n == MAX_CHORD)
            return refuse(line, "more than %d keys at once", MAX_CHORD);
        chord[n] = keymap_name(name);
        if (chord[n] == KEY_NONE)
            return refuse(line, "%s: no key has that name", *name ? name : "an empty name");
        n++;
    }
    for (u32 i = 0; i < n && !rc; i++)
        rc = add_key(c, chord[i], true);
    for (u32 i = n; i > 0 && !rc; i--)
        rc = add_key(c, chord[i - 1], false);
    return rc;
}

static int parse_mouse(struct script_command *c, struct line *line)
{
    static const char *const names[] = {"left", "right", "middle"};
    char word[WORD_BYTES];
    int rc = next_word(line, word) ? parse_integer(line, word, -MOUSE_MAX, MOUSE_MAX, &c->dx)
                                   : refuse(line, "two distances are expected");
    if (!rc)
        rc = next_word(line, word) ? parse_integer(line, word, -MOUSE_MAX, MOUSE_MAX, &c->dy)
                                   : refuse(line, "a second distance is expected");
    while (!rc && next_word(line, word)) {
        u32 i = 0;
        while (i < ARRAY_LEN(names) && strcmp(word, names[i]) != 0)
            i++;
        if (i == ARRAY_LEN(names))
            return refuse(line, "%s: not one of left, right, middle", word);
        c->buttons |= BIT(i);
    }
    return rc;
}

static int parse_file_name(struct script_command *c, struct line *line)
{
    char word[WORD_BYTES];
    skip_blanks(line);
    if (*line->rest == '"')
        return next_string(line, &c->text);
    if (!next_word(line, word))
        return refuse(line, "the name of a file is expected");
    c->text = strdup(word);
    return c->text ? 0 : -ENOMEM;
}

static int parse_text(struct script_command *c, struct line *line)
{
    (void)c, (void)line;
    return 0;
}

static int parse_cluster(struct script_command *c, struct line *line)
{
    char word[WORD_BYTES];
    enum cluster_level level = CLUSTER_OFF;
    if (!next_word(line, word) || !level_parse(word, &level))
        return refuse(line, "one of " LEVEL_NAMES " is expected");
    c->level = (int)level;
    return 0;
}

static int parse_quit(struct script_command *c, struct line *line)
{
    char word[WORD_BYTES];
    return next_word(line, word) ? parse_integer(line, word, 0, 255, &c->status) : 0;
}

static const struct {
    const char *name;
    enum script_verb verb;
    int (*parse)(struct script_command *command, struct line *line);
} verbs[] = {
    {"wait-text", SCRIPT_WAIT_TEXT, parse_wait_text},
    {"wait", SCRIPT_WAIT, parse_wait},
    {"type", SCRIPT_KEYS, parse_type},
    {"key", SCRIPT_KEYS, parse_key},
    {"mouse", SCRIPT_MOUSE, parse_mouse},
    {"screenshot", SCRIPT_SCREENSHOT, parse_file_name},
    {"text", SCRIPT_TEXT, parse_text},
    {"cluster", SCRIPT_CLUSTER, parse_cluster},
    {"save", SCRIPT_SAVE, parse_file_name},
    {"load", SCRIPT_LOAD, parse_file_name},
    {"quit", SCRIPT_QUIT_VERB, parse_quit},
};

static int parse_verb(struct script_command *c, struct line *line, const char *word)
{
    for (size_t i = 0; i < ARRAY_LEN(verbs); i++) {
        if (strcmp(word, verbs[i].name) != 0)
            continue;
        c->verb = verbs[i].verb;
        int rc = verbs[i].parse(c, line);
        skip_blanks(line);
        if (!rc && *line->rest)
            rc = refuse(line, "too much behind %s: %.60s", word, line->rest);
        return rc;
    }
    return refuse(line, "%.60s: no such command", word);
}

int script_parse_line(struct script_command *command, const char *text, bool *blank, char *why,
                      size_t why_bytes)
{
    struct line line = {text, why, why_bytes};
    char word[WORD_BYTES];
    memset(command, 0, sizeof *command);
    *blank = !next_word(&line, word) || word[0] == '#';
    if (*blank)
        return 0;
    int rc = parse_verb(command, &line, word);
    if (rc == -ENOMEM)
        snprintf(why, why_bytes, "out of memory");
    if (rc)
        script_command_fini(command);
    return rc;
}

void script_command_fini(struct script_command *command)
{
    free(command->text);
    free(command->keys);
    command->text = NULL;
    command->keys = NULL;
}
