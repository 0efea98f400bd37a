/* `<`, `>`, `>>` and `|`.
 *
 * A pipe runs its commands one after the other, with files between: made in %TEMP%, or in the root of the
 * current drive, and deleted when they have been read. */
#include "shell.h"
#include "text.h"

/* The first of `set` outside quotes, or NULL. */
static char *find_unquoted(char *line, const char *set)
{
    bool quoted = false;
    for (; *line; line++) {
        if (*line == '"')
            quoted = !quoted;
        else if (!quoted && text_has(set, *line))
            return line;
    }
    return NULL;
}

char *pipe_find(char *line)
{
    return find_unquoted(line, "|");
}

/* Puts what the open `handle` has behind a standard handle; `handle` itself is free again. */
static void redirect_to(struct redirection *redirection, u16 standard, u16 handle)
{
    s16 *saved = &redirection->saved[standard];
    if (*saved >= 0)
        file_close(standard); /* the same one again: the last counts */
    else
        *saved = handle == standard ? HANDLE_CLOSED : handle_get(standard);
    if (handle == standard)
        return;
    handle_put(standard, handle_get(handle));
    handle_put(handle, HANDLE_CLOSED);
}

/* Opens for `>>`: behind what is there, before a Ctrl-Z that ends it. */
static s32 open_append(const char *path)
{
    s32 handle = file_open(path, OPEN_BOTH);
    char last = 0;
    if (handle < 0)
        return file_create(path);
    if (file_device(handle) & IS_DEVICE)
        return handle;
    if (file_seek(handle, 0, SEEK_END) > 0) {
        file_seek(handle, -1, SEEK_END);
        if (file_read(handle, &last, 1) == 1 && last == 0x1a)
            file_seek(handle, -1, SEEK_END);
    }
    return handle;
}

/* At a redirection sign: does it, blanks it out with its name. */
static bool redirect_one(struct redirection *redirection, char *at)
{
    char path[PATH_BYTES];
    bool input = *at == '<', append = at[0] == '>' && at[1] == '>';
    *at++ = ' ';
    if (append)
        *at++ = ' ';
    char *name = skip_delimiters(at), *end = name;
    while (*end && !char_is_delimiter(*end) && !text_has("<>|\"", *end))
        end++;
    size_t bytes = end - name;
    memcpy(path, name, MIN(bytes, sizeof(path) - 1));
    path[MIN(bytes, sizeof(path) - 1)] = 0;
    memmove(at - 1 - append, end, text_length(end) + 1);
    if (!bytes || bytes >= sizeof(path)) {
        complain("Syntax error");
        return false;
    }
    s32 handle = input ? file_open(path, OPEN_READ) : append ? open_append(path) : file_create(path);
    if (handle < 0) {
        complain(input ? "File not found" : "File creation error");
        return false;
    }
    redirect_to(redirection, input ? STDIN : STDOUT, handle);
    return true;
}

static void redirection_push(struct redirection *redirection)
{
    out_flush();
    redirection->outer = shell.redirections;
    redirection->saved[STDIN] = redirection->saved[STDOUT] = -1;
    redirection->temporary[0] = redirection->temporary[1] = NULL;
    shell.redirections = redirection;
}

bool redirection_begin(struct redirection *redirection, char *line)
{
    redirection_push(redirection);
    char *at;
    while ((at = find_unquoted(line, "<>"))) {
        if (!redirect_one(redirection, at)) {
            redirection_end();
            return false;
        }
    }
    return true;
}

void redirection_end(void)
{
    struct redirection *redirection = shell.redirections;
    out_flush();
    for (u16 standard = STDIN; standard <= STDOUT; standard++) {
        s16 saved = redirection->saved[standard];
        if (saved >= 0) {
            file_close(standard);
            handle_put(standard, saved);
        }
    }
    shell.redirections = redirection->outer;
    for (u16 i = 0; i < 2; i++) {
        if (redirection->temporary[i] && redirection->temporary[i][0])
            (void)file_delete(redirection->temporary[i]);
    }
}

/* AH=5Ah: makes a file of a name of its own in `directory`; puts its path into `path`. Handle or negative. */
static s32 temporary_in(char *path, const char *directory)
{
    struct regs regs;
    /* DOS appends a '\' and 8.3. */
    if (!path_is_directory(directory) || !text_copy(path, PATH_BYTES - NAME_BYTES - 1, directory) ||
        !path_append(path, ""))
        return -DOS_PATH_NOT_FOUND;
    u16 error = dos(&regs, 0x5a00, 0, 0, path);
    return error ? -(s32)error : regs.ax;
}

static s32 temporary_create(char *path)
{
    char directory[PATH_BYTES];
    s32 handle = -1;
    if (environment_get("TEMP", directory, sizeof(directory)))
        handle = temporary_in(path, directory);
    if (handle < 0)
        handle = temporary_in(path, "\\");
    if (handle < 0)
        path[0] = 0;
    return handle;
}

/* One command of the pipe: reads `from` unless it is "", writes a new file whose path goes to `to` unless
 * that is NULL. */
static bool pipe_command(char *command, char *from, char *to)
{
    struct redirection redirection;
    redirection_push(&redirection);
    redirection.temporary[0] = from;
    s32 in = 0, made = 0;
    bool done = true;
    if (*from) {
        in = file_open(from, OPEN_READ);
        done = in >= 0;
        if (done)
            redirect_to(&redirection, STDIN, in);
    }
    if (done && to) {
        made = temporary_create(to);
        redirection.temporary[1] = to; /* goes if the command is given up */
        done = made >= 0;
        if (done)
            redirect_to(&redirection, STDOUT, made);
    }
    if (done)
        line_run(command);
    redirection.temporary[1] = NULL;
    redirection_end();
    if (!done)
        shell.status = complain("Intermediate file error during pipe");
    return done;
}

void pipe_run(char *line)
{
    char files[2][PATH_BYTES];
    u16 turn = 0;
    char *next;
    files[0][0] = files[1][0] = 0;
    do {
        next = pipe_find(line);
        if (next)
            *next++ = 0;
        if (!pipe_command(line, files[turn], next ? files[!turn] : NULL)) {
            if (next && files[!turn][0])
                (void)file_delete(files[!turn]);
            return;
        }
        files[turn][0] = 0;
        turn = !turn;
        line = next;
    } while (line);
}
