/* A parsed script: what script_parse.c makes and script.c carries out. */
#ifndef HUDDLE_SCRIPT_COMMAND_H
#define HUDDLE_SCRIPT_COMMAND_H

#include "script.h"

enum script_verb {
    SCRIPT_WAIT_TEXT,
    SCRIPT_WAIT,
    SCRIPT_KEYS, /* type and key */
    SCRIPT_MOUSE,
    SCRIPT_SCREENSHOT,
    SCRIPT_TEXT,
    SCRIPT_CLUSTER,
    SCRIPT_SAVE,
    SCRIPT_LOAD,
    SCRIPT_QUIT_VERB,
};

struct script_key {
    u16 key; /* enum key */
    bool down;
};

struct script_command {
    enum script_verb verb;
    u32 line;
    char *text;              /* WAIT_TEXT: what to look for; SCREENSHOT, SAVE, LOAD: the file; owned */
    u64 ns;                  /* WAIT_TEXT: timeout; WAIT: how long */
    struct script_key *keys; /* KEYS; owned */
    u32 n_keys;
    int dx, dy;
    unsigned buttons; /* MOUSE: bit 0 left, 1 right, 2 middle, as in a PS/2 packet */
    int level;        /* CLUSTER: enum cluster_level */
    int status;       /* QUIT */
};

struct script {
    char *path; /* for messages */
    struct script_command *commands;
    u32 n_commands;

    /* Where it stands. */
    u32 at;
    bool started; /* the command at `at` has begun */
    u64 started_ns;
    u32 next_key;    /* of the keys being typed */
    u64 next_key_ns; /* not before */
    enum script_state state;
    int status;
    char *screen; /* SCRIPT_SCREEN_BYTES, for the text screen */
};

/* 132 x 60 characters of at most 3 bytes of UTF-8, and line ends. */
#define SCRIPT_SCREEN_BYTES (32 * KIB)

/* Parses one line (without its end). Blank: `*blank` is set. 0 or -errno; -EINVAL has the reason in `why`.
 * `command` owns nothing then. */
must_check int script_parse_line(struct script_command *command, const char *line, bool *blank, char *why,
                                 size_t why_bytes);
void script_command_fini(struct script_command *command);

#endif
