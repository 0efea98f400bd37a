/* The rows of the option table, for the parser and for help. */
#ifndef HUDDLE_OPTIONS_TABLE_H
#define HUDDLE_OPTIONS_TABLE_H

#include "options.h"

enum option_group {
    GROUP_DOS,
    GROUP_DISKS,
    GROUP_MACHINE,
    GROUP_CLUSTERS,
    GROUP_END,
    GROUP_BENCH,
    GROUP_OUTPUT,
    GROUP_CORPUS,
    GROUP_GENERAL,
    OPTION_GROUPS
};

struct option_row;
/* Checks and stores `value`, NULL if it was left out where it may be. False: `why` says what is wrong with it ("not a number ..."). */
typedef bool option_setter(struct options *options, const struct option_row *row, const char *value, char *why);

struct option_row {
    const char *name;    /* without the dashes */
    const char *metavar; /* NULL: takes no value */
    const char *help;    /* sentences without a full stop at the end */
    u8 commands;         /* mask of enum command */
    bool hidden;
    enum option_group group;
    option_setter *set;
    size_t offset;    /* of the field in struct options, for the generic setters */
    u64 min, max;     /* numbers */
    const char *what; /* numbers: "a number of MiB" */
    char letter;      /* -c; 0: none */
    bool repeats;     /* may be given again */
    bool optional;    /* the value may be left out: --name, or --name=VALUE in one word */
};

struct command_row {
    enum command command;
    const char *name;
    const char *argument; /* "IMAGE", or NULL */
    const char *summary;  /* one line */
    const char *text;     /* paragraphs, separated by empty lines */
};

extern const struct option_row option_rows[];
extern const size_t option_row_count;
extern const char *const option_group_names[OPTION_GROUPS];
/* The row of the option that a word of the command line is ("--name", "--name=value", "-c"), or NULL; whether the next word
 * is its value. */
const struct option_row *option_row_of(const char *word, bool *value_follows);

extern const struct command_row command_rows[];
extern const size_t command_row_count;

#endif
