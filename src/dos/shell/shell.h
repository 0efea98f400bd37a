/* The command interpreter COMMAND.COM: what all of its files share.
 *
 * It is a real-mode DOS program of its own and not part of huddle: it knows only INT 21h and what real ones
 * use besides. Its behaviour is that of MS-DOS 5's ("MS-DOS User's Guide and Reference", version 5). It stays
 * resident while programs run, so bytes count: the state is one object that everything reaches directly, the
 * only mutable one. Lines are bounded by LINE_BYTES, recursion (CALL, FOR, IF, DIR /S) by what is left of the
 * stack. */
#ifndef HUDDLE_DOS_SHELL_SHELL_H
#define HUDDLE_DOS_SHELL_SHELL_H

#include "base/types.h"
#include "dos.h"

enum {
    LINE_BYTES = 256,     /* with the NUL; DOS's own have 128 */
    TAIL_BYTES = 126,     /* of a program's command line, without the carriage return */
    IO_BYTES = 512,       /* of the buffer that reading shares */
    STACK_RESERVE = 2048, /* what a command that does not recurse may need, and DOS and interrupts on top */
};

/* A place to jump back to (start.S). */
struct jump {
    u32 ebx, esi, edi, ebp, eip, esp;
};

/* Standard handles that point elsewhere for one command. On the stack of who redirects; a list, so that
 * Ctrl-C can undo them. What was there is kept here and not in a handle: programs have all of theirs from 5 on free, as in
 * MS-DOS. */
struct redirection {
    struct redirection *outer;
    s16 saved[2];       /* handle_get of standard input and output before, or -1: not redirected */
    char *temporary[2]; /* files of a pipe that go with it, or NULL */
};

/* The batch file that runs. It is open only while a line is read. */
struct batch {
    u16 outer;                        /* segment with the one that called it, or 0 */
    struct redirection *redirections; /* that were in force when it began */
    struct jump jump;                 /* to its next line */
    char path[PATH_BYTES];
    char words[LINE_BYTES]; /* %0, %1 ...: a NUL behind each, one more at the end */
    char line[LINE_BYTES];
    u32 offset;  /* of the next line */
    u16 shifted; /* words that SHIFT has dropped */
    u16 moves;   /* counts GOTOs and files that took this one's place: a FOR ends with these */
    bool ended;
    bool echo_before; /* ECHO's state when the outermost began */
};

struct shell {
    u16 environment; /* segment */
    u16 environment_bytes;
    u8 status;     /* of the last command, internal ones too: what we exit with */
    u8 errorlevel; /* of the last program: IF ERRORLEVEL */
    bool echo;
    bool permanent; /* /P: EXIT does nothing */
    bool calling;   /* CALL: a batch file comes back */
    bool high;      /* LOADHIGH: the program may go into upper memory */
    bool complaining;
    volatile bool abort_wanted; /* critical error, "Abort", while we run ourselves */
    struct batch *batch;        /* &batch_now or NULL */
    struct batch batch_now;
    struct redirection *redirections;
    struct jump restart; /* gives up everything: the main loop */
    u16 buffer_segment;  /* COPY's and DIR's block, 0 if none: freed when they are given up */
    u16 out_count;
    char out[128];
    char io[IO_BYTES];
    struct { /* AH=0Ah; DOS takes what was typed before as the template */
        u8 room, count;
        char text[128];
    } input;
};

extern struct shell shell;

/* start.S. Nonzero while a program that we started runs. */
extern volatile u8 child_runs;
u32 jump_save(struct jump *jump) __attribute__((returns_twice));
__attribute__((noreturn)) void jump_back(const struct jump *jump);
void break_entry(void);
void critical_entry(void);

/* main.c */
__attribute__((noreturn)) void shell_main(void);
__attribute__((noreturn)) void shell_exit(u8 status);
/* True if so much of the stack is left that something that needs `bytes` may recurse once more. */
bool shell_has_stack(u16 bytes);

/* interrupt.c: Ctrl-C and critical errors. */
void interrupt_install(void);
/* Called by start.S for INT 23h; and when a program was ended by Ctrl-C. */
__attribute__((noreturn)) void break_shell(void);
/* Called by start.S for INT 24h: AX and DI as it got them; AL for DOS. */
u32 critical_error(u32 ax, u32 di);
/* Gives up the command and all batch files. */
__attribute__((noreturn)) void shell_abort(void);

/* line.c: a line as it is typed or, after expansion, read; changed by it. */
void line_run(char *line);
/* A command without redirection; changed as well. */
void command_run(char *line);
/* PROMPT's text. */
void prompt_show(void);

/* redirect.c */
/* Takes `<`, `>` and `>>` with their names out of `line` and opens them; false: complained, nothing is
 * redirected. */
bool redirection_begin(struct redirection *redirection, char *line);
void redirection_end(void);
/* Runs the commands of a line that has `|`. */
void pipe_run(char *line);
/* The first `|` outside quotes or NULL. */
char *pipe_find(char *line);

/* batch.c */
/* Runs the batch file `path`, called `name`, with the words of `tail`; in the place of the one that runs,
 * unless that CALLs. */
void batch_start(const char *path, const char *name, const char *tail);
/* The batch file that runs ends; the one that called it goes on. */
void batch_pop(void);
/* The next line of `handle` from *offset on into shell.io, without its end; false at the end of the file. One
 * that is longer than LINE_BYTES - 1 has *cut set. */
bool batch_line(u16 handle, u32 *offset, bool *cut);

/* exec.c */
/* Runs the program or batch file `word`. False: there is none. */
bool program_run(const char *word, char *tail);

/* environment.c */
/* New block of at least `bytes` with what the old one has. False: no memory, the old one stays. */
bool environment_init(u16 bytes);
/* Offset of the value of `name` (upper case) in the block, or -1. */
s32 environment_find(const char *name);
/* Value into `value`, cut; false and "" if there is none. */
bool environment_get(const char *name, char *value, u16 bytes);
/* NULL or "": removes it. False: no room. */
bool environment_set(const char *name, const char *value);

/* path.c */
bool path_has_wildcard(const char *path);
/* The name behind the last '\' or ':'. */
char *path_name(const char *path);
/* Full: with drive, from the root, without "." and "..", upper case. False if it is too long or wrong. */
bool path_absolute(char *full, const char *path);
/* Is it a directory (or a drive)? */
bool path_is_directory(const char *path);
/* Appends a component, with '\' between. */
bool path_append(char *path, const char *name);
/* A file (not a device) that is there. */
bool path_is_file(const char *path);
/* The name that `pattern`'s wildcards make of `name`. `merged` has NAME_BYTES. */
void name_merge(char *merged, const char *name, const char *pattern);

/* args.c: words and switches of an internal command. */
enum { ARGS_WORDS = 4 };
struct args {
    char *word[ARGS_WORDS];
    u16 count;
    u32 switches;    /* bit 0 is /A */
    char *value[26]; /* what stands behind the letter and its ':', "" if nothing */
};
#define SWITCH(letter) (1u << ((letter) - 'A'))
/* Splits `text` in place. `allowed`: switches; between `least` and `most` words (at most ARGS_WORDS). False:
 * complained. */
bool args_parse(struct args *args, char *text, u32 allowed, u16 least, u16 most);

/* The commands: `args` is what stands behind the name. 0 or, after a complaint, 1. */
int cmd_break(char *args);
int cmd_call(char *args);
int cmd_cd(char *args);
int cmd_chcp(char *args);
int cmd_cls(char *args);
int cmd_copy(char *args);
int cmd_ctty(char *args);
int cmd_date(char *args);
int cmd_del(char *args);
int cmd_dir(char *args);
int cmd_echo(char *args);
int cmd_exit(char *args);
int cmd_for(char *args);
int cmd_goto(char *args);
int cmd_if(char *args);
int cmd_loadhigh(char *args);
int cmd_md(char *args);
int cmd_path(char *args);
int cmd_pause(char *args);
int cmd_prompt(char *args);
int cmd_rd(char *args);
int cmd_rem(char *args);
int cmd_rename(char *args);
int cmd_set(char *args);
int cmd_shift(char *args);
int cmd_time(char *args);
int cmd_truename(char *args);
int cmd_type(char *args);
int cmd_ver(char *args);
int cmd_verify(char *args);
int cmd_vol(char *args);

/* format.c: dates and times as the country has them (AH=38h). */
struct country {
    u16 date_order; /* 0: month first, 1: day first, 2: year first */
    char currency[5];
    char thousands[2], decimal[2], date_separator[2], time_separator[2];
    u8 currency_style, digits;
    u8 hours_24;
    u8 more[24];
} __attribute__((packed));
void country_get(struct country *country);
void date_show(const struct country *country, u16 year, u16 month, u16 day, bool century);
/* 5:07p or 17:07, six or five columns. */
void time_show(const struct country *country, u16 hour, u16 minute);
void date_show_now(void);
void time_show_now(void);
/* The name and DOS's version, on one line without its end. */
void version_show(void);
/* " Volume in drive C is ..." */
void volume_show(u8 drive);

#endif
