/* IF, FOR, CALL, GOTO, SHIFT, REM, EXIT, LOADHIGH: what decides what runs. */
#include "shell.h"
#include "text.h"

int cmd_rem(char *args)
{
    (void)args;
    return 0;
}

int cmd_call(char *args)
{
    shell.calling = true;
    command_run(args);
    shell.calling = false;
    return 0;
}

int cmd_loadhigh(char *args)
{
    char *program = skip_delimiters(args);
    while (program[0] == '/' && char_is_letter(program[1])) { /* /L:region, /S: DOS 6's */
        while (*program && !char_is_delimiter(*program))
            program++;
        program = skip_delimiters(program);
    }
    if (!*program)
        return complain("Required parameter missing");
    shell.high = true;
    command_run(program);
    shell.high = false;
    return 0;
}

int cmd_exit(char *args)
{
    args = skip_delimiters(args);
    s32 status = number_read(&args);
    if (!shell.permanent)
        shell_exit(status < 0 ? shell.status : status);
    return 0;
}

int cmd_shift(char *args)
{
    (void)args;
    if (shell.batch && shell.batch->shifted < LINE_BYTES)
        shell.batch->shifted++;
    return 0;
}

/* Is shell.io the line of `label`? Only eight characters count, as in file names. */
static bool is_label(const char *label)
{
    const char *line = skip_blanks(shell.io);
    if (*line++ != ':')
        return false;
    line = skip_delimiters((char *)line);
    for (u16 i = 0; i < 8; i++, line++, label++) {
        bool line_ends = !*line || char_is_delimiter(*line),
             label_ends = !*label || char_is_delimiter(*label);
        if (line_ends || label_ends)
            return line_ends && label_ends;
        if (char_upper(*line) != char_upper(*label))
            return false;
    }
    return true;
}

int cmd_goto(char *args)
{
    struct batch *batch = shell.batch;
    u32 offset = 0;
    bool found = false, cut;
    if (!batch)
        return 0;
    args = skip_delimiters(args);
    args += *args == ':';
    s32 handle = file_open(batch->path, OPEN_READ);
    if (handle >= 0) {
        while (!found && batch_line(handle, &offset, &cut))
            found = is_label(args);
        file_close(handle);
    }
    batch->offset = offset;
    batch->moves++;
    batch->ended = !found;
    return found ? 0 : complain("Label not found");
}

/* If *text begins with `word` and a delimiter, moves it behind that. */
static bool take_word(char **text, const char *word)
{
    char *at = *text;
    for (; *word; at++, word++) {
        if (char_upper(*at) != *word)
            return false;
    }
    if (!char_is_delimiter(*at))
        return false;
    *text = skip_delimiters(at);
    return true;
}

/* Ends the word at `text` with a NUL and returns what follows. */
static char *end_word(char *text)
{
    while (*text && !char_is_delimiter(*text))
        text++;
    if (*text)
        *text++ = 0;
    return text;
}

static bool file_exists(const char *path)
{
    struct find find;
    if (!find_first(&find, path, ATTR_READ_ONLY | ATTR_HIDDEN | ATTR_SYSTEM))
        return true;
    /* A device in a directory that is there: the usual test for the directory. */
    s32 handle = path_has_wildcard(path) ? -1 : file_open(path, OPEN_READ);
    if (handle < 0)
        return false;
    bool device = file_device(handle) & IS_DEVICE;
    file_close(handle);
    return device;
}

/* a==b, also with spaces around. -1 if that is not what there is. */
static s32 compare(char **text)
{
    char *left = *text, *left_end, *right;
    for (left_end = left; *left_end && !char_is_delimiter(*left_end); left_end++)
        ;
    char *sign = skip_blanks(left_end);
    if (sign[0] != '=' || sign[1] != '=' || left_end == left)
        return -1;
    *left_end = 0;
    right = skip_delimiters(sign + 2);
    *text = end_word(right);
    if (!*right)
        return -1;
    return text_length(left) == text_length(right) && !memcmp(left, right, text_length(left));
}

/* The condition at *text, which is moved behind it; -1 if it is none. */
static s32 condition(char **text)
{
    if (take_word(text, "ERRORLEVEL")) {
        s32 level = number_read(text);
        return level < 0 ? -1 : shell.errorlevel >= level;
    }
    if (take_word(text, "EXIST")) {
        char *path = *text;
        *text = end_word(path);
        return *path ? file_exists(path) : -1;
    }
    return compare(text);
}

int cmd_if(char *args)
{
    args = skip_delimiters(args);
    bool not = take_word(&args, "NOT");
    s32 holds = condition(&args);
    args = skip_delimiters(args);
    if (holds < 0 || !*args)
        return complain("Syntax error");
    if (holds != not )
        line_run(args);
    return 0;
}

struct loop {
    char variable;
    char *set, *body;
    bool first;
    u16 moves; /* of the batch file when it began */
};

/* "%a IN (set) DO body" */
static bool for_parse(struct loop *loop, char *text)
{
    text = skip_delimiters(text);
    if (text[0] != '%' || !text[1] || !char_is_delimiter(text[2]))
        return false;
    loop->variable = text[1];
    text = skip_delimiters(text + 2);
    if (char_upper(text[0]) != 'I' || char_upper(text[1]) != 'N')
        return false;
    text = skip_delimiters(text + 2);
    if (*text != '(')
        return false;
    loop->set = ++text;
    while (*text && *text != ')')
        text++;
    if (!*text)
        return false;
    *text++ = 0;
    text = skip_delimiters(text);
    if (!take_word(&text, "DO"))
        return false;
    loop->body = text;
    return *text;
}

static bool for_goes_on(const struct loop *loop)
{
    const struct batch *batch = shell.batch;
    return !batch || (batch->moves == loop->moves && !batch->ended);
}

/* The body with directory and name for the variable. A frame of its own, for the line. */
static void for_once(const struct loop *loop, const char *directory, size_t directory_bytes, const char *name)
{
    char line[LINE_BYTES];
    size_t n = 0, name_bytes = text_length(name);
    bool fits = true;
    for (const char *body = loop->body; *body && fits; body++) {
        if (body[0] != '%' || body[1] != loop->variable) {
            fits = n + 1 < sizeof(line);
            line[n] = *body;
            n += fits;
            continue;
        }
        fits = n + directory_bytes + name_bytes < sizeof(line);
        if (fits) {
            memcpy(line + n, directory, directory_bytes);
            memcpy(line + n + directory_bytes, name, name_bytes);
            n += directory_bytes + name_bytes;
        }
        body++;
    }
    line[MIN(n, sizeof(line) - 1)] = 0;
    if (!fits) {
        shell.status = complain("Line too long");
        return;
    }
    if (shell.batch && shell.echo && *skip_delimiters(line) != '@') {
        out("\n");
        prompt_show();
        out("%s\n", line);
    }
    line_run(line);
}

static void for_files(const struct loop *loop, char *pattern)
{
    struct find find;
    u16 error = find_first(&find, pattern, ATTR_READ_ONLY);
    for (; !error && for_goes_on(loop); error = find_next(&find))
        for_once(loop, pattern, path_name(pattern) - pattern, find.name);
}

int cmd_for(char *args)
{
    struct loop loop = {.moves = shell.batch ? shell.batch->moves : 0};
    if (!for_parse(&loop, args))
        return complain("Syntax error");
    char *element = skip_delimiters(loop.set);
    while (*element && for_goes_on(&loop)) {
        char *next = end_word(element);
        if (path_has_wildcard(element))
            for_files(&loop, element);
        else
            for_once(&loop, "", 0, element);
        element = skip_delimiters(next);
    }
    return 0;
}
