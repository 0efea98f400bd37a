/* The command line: one table of options drives parsing, --help and the man page. Parsing is pure: it touches
 * no file and prints nothing. */
#ifndef HUDDLE_OPTIONS_H
#define HUDDLE_OPTIONS_H

#include "base/types.h"
#include "machine/clock.h"
#include "net/net_config.h"
#include "vmm.h"

#include <stdio.h>

enum command {
    COMMAND_NONE = 0,
    COMMAND_RUN = 1 << 0,
    COMMAND_AB = 1 << 1,
    COMMAND_CLUSTERS = 1 << 2,
    COMMAND_DOCTOR = 1 << 3,
    COMMAND_BENCH = 1 << 4,
    COMMAND_TOP = 1 << 5,
};
#define COMMAND_GUEST (COMMAND_RUN | COMMAND_AB | COMMAND_CLUSTERS)
#define COMMAND_ALL   (COMMAND_GUEST | COMMAND_DOCTOR | COMMAND_BENCH | COMMAND_TOP)

#define VARIANT_NAME_BYTES 32
#define MAX_VARIANTS       5 /* as many columns as 100 characters hold */
#define MAX_WINDOWS        8
#define MAX_MOUNTS         25 /* a drive each; Z: is taken */
#define MAX_COMMANDS       256
#define OPTIONS_WHY_BYTES  320
#define RAM_MIB_MIN        2
#define RAM_MIB_MAX        3072
#define HORIZON_MAX        100000000
#define PERF_MAP_DEFAULT   "" /* --perf-map without a file */

/* One way of running the guest in `huddle ab`. */
struct variant {
    char name[VARIANT_NAME_BYTES]; /* as it was written: "off", "window:8" */
    enum cluster_level level;
    u32 window;       /* instructions; 0: what --cluster-window says */
    bool own_horizon; /* `horizon`, not what --horizon says */
    u64 horizon;
};

/* The items of --stress: what is rare becomes common. */
enum stress { STRESS_FLUSH, STRESS_SLOW, STRESS_THRESHOLD, STRESS_CODE, STRESS_HEAT, STRESSES };

enum benchmark { BENCHMARK_NONE, BENCHMARK_EXITS, BENCHMARK_MEMORY };

/* What the user asked for. Strings point into argv. */
struct options {
    enum command command;
    u64 given; /* bit per row of the option table */
    char *const *words; /* of the whole command line, as main got it */
    u32 n_words;

    const char *image, *fda, *hda, *hdb; /* NULL: none */
    char boot[4];                        /* "": follows from the drives */
    bool snapshot;

    u64 ram_mib;
    enum clock_mode clock;
    u64 exit_port; /* 0: none */
    enum triple_fault triple_fault;
    struct net_config net;
    const char *bios, *vgabios;

    enum cluster_level level;
    u64 window;
    u64 horizon; /* instructions, HORIZON_AUTO or HORIZON_INF */
    struct variant variants[MAX_VARIANTS];
    u32 n_variants;
    u32 windows[MAX_WINDOWS];
    u32 n_windows;
    enum executor executor;
    u64 code_cache;         /* bytes; 0: the executor's default */
    u32 stress_given;       /* bit per enum stress */
    u32 stress[STRESSES];   /* values of those that have one */
    const char *perf_map;   /* NULL: none */

    bool check;
    bool explain;
    const char *explain_svg; /* NULL: none */

    const char *display; /* NULL: none */
    const char *screenshot, *stats, *json, *html, *debugcon;
    const char *dump_clusters; /* NULL: none; "-": standard output */
    u64 top;                   /* clusters listed */
    bool steps, host_code;     /* listed too */
    const char *serial; /* NULL: none; "stdio"; else a file */
    u64 timeout_ns;     /* 0: none */
    u64 frames;         /* 0: no limit */
    const char *until_text, *script;
    const char *load_state, *save_state; /* NULL: none */
    const char *control; /* NULL: no socket; top: the guest's */
    bool once;           /* top: one look */

    /* Many guests. */
    const char *corpus;    /* the list; NULL: there is one guest */
    u64 jobs;              /* comparisons at a time; 0: by default */
    u32 part, parts;       /* this one, from 1, of so many; 0 of 0: all */
    enum benchmark benchmark; /* COMMAND_BENCH */
    u64 cpu;                  /* to pin to; UINT64_MAX: the last */
    bool quick;
    const char *svg, *csv; /* NULL: none */

    /* The built-in DOS. */
    const char *mounts[MAX_MOUNTS]; /* "D=DIRECTORY" */
    u32 n_mounts;
    const char *commands[MAX_COMMANDS];
    u32 n_commands;
    bool autoexec;
    u64 xms_kib, ems_kib; /* at most; 0: none */
    char *const *arguments; /* of the program that `image` is */
    u32 n_arguments;
};

enum options_result { OPTIONS_OK, OPTIONS_HELP, OPTIONS_VERSION, OPTIONS_MAN, OPTIONS_USAGE };

/* Parses argv[1..]. OPTIONS_USAGE: `why` (OPTIONS_WHY_BYTES) holds the reason, one line naming the option.
 * OPTIONS_HELP: `options->command` says whose help is wanted (COMMAND_NONE: the program's). */
enum options_result options_parse(struct options *options, int argc, char *const argv[], char *why);

/* Writes the reason to `why` (OPTIONS_WHY_BYTES); false, so that who checks a value can return it. */
bool options_refuse(char *why, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Whether the option of that name (without dashes) was on the command line. */
bool options_given(const struct options *options, const char *name);

/* Is it the name of a program of DOS: .COM, .EXE or .BAT, in either case? */
bool options_is_program(const char *name);

/* Help of one command or, for COMMAND_NONE, of the program. */
void help_print(FILE *out, enum command command);
/* The man page huddle(1). */
void help_man(FILE *out);

#endif
