/* What a line means: FOR, IF, pipe, redirection, drive, internal command, program. */
#include "shell.h"
#include "text.h"

enum effect { SETS_STATUS, KEEPS_STATUS };

struct command {
    const char *name;
    int (*run)(char *args);
    /* KEEPS_STATUS: what only directs or talks; a failure is a status all the same. */
    enum effect effect;
};

static const struct command commands[] = {
    {"BREAK", cmd_break, KEEPS_STATUS},   {"CALL", cmd_call, KEEPS_STATUS},
    {"CD", cmd_cd, SETS_STATUS},          {"CHDIR", cmd_cd, SETS_STATUS},
    {"CHCP", cmd_chcp, SETS_STATUS},
    {"CLS", cmd_cls, KEEPS_STATUS},       {"COPY", cmd_copy, SETS_STATUS},
    {"CTTY", cmd_ctty, SETS_STATUS},      {"DATE", cmd_date, SETS_STATUS},
    {"DEL", cmd_del, SETS_STATUS},        {"DIR", cmd_dir, SETS_STATUS},
    {"ECHO", cmd_echo, KEEPS_STATUS},     {"ERASE", cmd_del, SETS_STATUS},
    {"EXIT", cmd_exit, KEEPS_STATUS},     {"FOR", cmd_for, KEEPS_STATUS},
    {"GOTO", cmd_goto, KEEPS_STATUS},     {"IF", cmd_if, KEEPS_STATUS},
    {"LH", cmd_loadhigh, KEEPS_STATUS},   {"LOADHIGH", cmd_loadhigh, KEEPS_STATUS},
    {"MD", cmd_md, SETS_STATUS},          {"MKDIR", cmd_md, SETS_STATUS},
    {"PATH", cmd_path, KEEPS_STATUS},     {"PAUSE", cmd_pause, KEEPS_STATUS},
    {"PROMPT", cmd_prompt, KEEPS_STATUS}, {"RD", cmd_rd, SETS_STATUS},
    {"REM", cmd_rem, KEEPS_STATUS},       {"REN", cmd_rename, SETS_STATUS},
    {"RENAME", cmd_rename, SETS_STATUS},  {"RMDIR", cmd_rd, SETS_STATUS},
    {"SET", cmd_set, KEEPS_STATUS},       {"SHIFT", cmd_shift, KEEPS_STATUS},
    {"TIME", cmd_time, SETS_STATUS},      {"TRUENAME", cmd_truename, SETS_STATUS},
    {"TYPE", cmd_type, SETS_STATUS},      {"VER", cmd_ver, KEEPS_STATUS},
    {"VERIFY", cmd_verify, KEEPS_STATUS}, {"VOL", cmd_vol, SETS_STATUS},
};

/* Is `line` the command `name`? What ends its name also belongs to its arguments: CD.., DIR/W, ECHO. */
static bool is_command(const char *line, const char *name)
{
    for (; *name; line++, name++) {
        if (char_upper(*line) != *name)
            return false;
    }
    if (*line == '.' && line[1] != '.' && line[1] != '\\' && name[-1] != 'O')
        return !line[1] || char_is_delimiter(line[1]); /* DIR.EXE is a program; of ECHO anything is text */
    return !*line || char_is_delimiter(*line) || text_has("./\\:+\"[]<>|", *line);
}

static const struct command *command_find(const char *line)
{
    for (const struct command *c = commands; c < commands + ARRAY_LEN(commands); c++) {
        if (is_command(line, c->name))
            return c;
    }
    return NULL;
}

static void drive_change(char letter)
{
    if (drive_select(char_upper(letter) - 'A'))
        shell.status = 0;
    else
        shell.status = complain("Invalid drive specification");
}

/* A program or batch file: its name ends at a delimiter or a switch. */
static void program_line(char *line)
{
    char word[PATH_BYTES];
    size_t n = 0;
    while (*line && !char_is_delimiter(*line) && *line != '/' && n + 1 < sizeof(word))
        word[n++] = *line++;
    word[n] = 0;
    bool whole = !*line || char_is_delimiter(*line) || *line == '/';
    if (!whole || !program_run(word, line))
        shell.status = complain("Bad command or file name");
}

void command_run(char *line)
{
    line = skip_delimiters(line);
    if (!*line)
        return;
    if (line[1] == ':' && !*skip_delimiters(line + 2)) {
        drive_change(*line);
        return;
    }
    const struct command *command = command_find(line);
    if (!command) {
        program_line(line);
    } else {
        int status = command->run(line + text_length(command->name));
        if (status || command->effect == SETS_STATUS)
            shell.status = status;
    }
    out_flush();
}

void line_run(char *line)
{
    struct redirection redirection;
    line = skip_delimiters(line);
    if (*line == '@')
        line = skip_delimiters(line + 1);
    if (!*line || *line == ':')
        return;
    if (!shell_has_stack(0)) {
        shell.status = complain("Commands are nested too deep");
        return;
    }
    /* These see their commands' redirections as text: FOR redirects each time, IF only if the condition
     * holds. */
    if (is_command(line, "FOR") || is_command(line, "IF") || is_command(line, "REM")) {
        command_run(line);
        return;
    }
    if (pipe_find(line)) {
        pipe_run(line);
        return;
    }
    if (!redirection_begin(&redirection, line)) {
        shell.status = 1;
        return;
    }
    command_run(line);
    redirection_end();
}

static void prompt_directory(void)
{
    char path[PATH_BYTES];
    u8 drive = drive_current();
    if (drive_directory(drive, path))
        text_copy(path + 3, 32, "\b: Invalid drive");
    out("%s", path);
}

static void prompt_code(char code)
{
    static const char codes[] = "$$Q=G>L<B|";
    const char *c = text_last(codes, code);
    if (c && !((c - codes) & 1) && code) {
        out_char(c[1]);
        return;
    }
    switch (code) {
    case '_':
        out("\n");
        break;
    case 'D':
        date_show_now();
        break;
    case 'E':
        out_char(0x1b);
        break;
    case 'H':
        out("\b \b");
        break;
    case 'N':
        out_char('A' + drive_current());
        break;
    case 'P':
        prompt_directory();
        break;
    case 'T':
        time_show_now();
        break;
    case 'V':
        version_show();
        break;
    }
}

void prompt_show(void)
{
    s32 at = environment_find("PROMPT");
    if (at < 0) {
        prompt_directory();
        out_char('>');
        out_flush();
        return;
    }
    char c;
    while ((c = far_get(shell.environment, at++))) {
        if (c != '$') {
            out_char(c);
            continue;
        }
        c = far_get(shell.environment, at);
        if (!c)
            break;
        at++;
        prompt_code(char_upper(c));
    }
    out_flush();
}
