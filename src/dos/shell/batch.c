/* Batch files: reading their lines, %-replacement, labels.
 *
 * The file is opened for each line, as MS-DOS does: it may be changed, and the disk with it, while it runs.
 */
#include "shell.h"
#include "text.h"

enum { BATCH_PARAGRAPHS = (sizeof(struct batch) + 15) / 16 };

bool batch_line(u16 handle, u32 *offset, bool *cut)
{
    char *line = shell.io;
    u16 n = 0;
    *cut = false;
    for (;;) {
        if (file_seek(handle, *offset, SEEK_SET) < 0)
            return false;
        s32 count = file_read(handle, line + n, LINE_BYTES - n);
        if (count <= 0)
            break;
        for (s32 i = 0; i < count; i++, n++) {
            if (line[n] == 0x1a) { /* nothing behind it counts */
                *offset += i;
                count = 0;
                break;
            }
            if (line[n] == '\n') {
                *offset += i + 1;
                line[n] = 0;
                if (n && line[n - 1] == '\r')
                    line[n - 1] = 0;
                return true;
            }
        }
        if (!count)
            break;
        *offset += count;
        if (n == LINE_BYTES) { /* too long: what comes before its end is read over */
            *cut = true;
            n = 0;
        }
    }
    line[n] = 0;
    if (n && line[n - 1] == '\r')
        line[n - 1] = 0;
    return n || *cut;
}

/* %n: words[0] is %0. */
static const char *batch_word(const struct batch *batch, u16 number)
{
    const char *word = batch->words;
    for (number += batch->shifted; number && *word; number--)
        word += text_length(word) + 1;
    return word;
}

struct expansion {
    char *to, *end;
    bool fits;
};

static void expansion_char(struct expansion *e, char c)
{
    e->fits = e->fits && e->to < e->end;
    if (e->fits)
        *e->to++ = c;
}

static void expansion_text(struct expansion *e, const char *text)
{
    while (*text)
        expansion_char(e, *text++);
}

/* %NAME% at `name`, whose closing '%' is at `end`. */
static void expansion_variable(struct expansion *e, char *name, char *end)
{
    *end = 0;
    s32 at = environment_find(name);
    *end = '%';
    char c;
    while (at >= 0 && (c = far_get(shell.environment, at++)))
        expansion_char(e, c);
}

static char *percent_find(char *text)
{
    while (*text && *text != '%')
        text++;
    return *text ? text : NULL;
}

/* `from` with what '%' stands for into `line` of LINE_BYTES. False: does not fit. */
static bool expand(const struct batch *batch, char *from, char *line)
{
    struct expansion e = {line, line + LINE_BYTES - 1, true};
    while (*from) {
        char c = *from++;
        if (c != '%') {
            expansion_char(&e, c);
        } else if (*from == '%') {
            expansion_char(&e, *from++);
        } else if (char_is_digit(*from)) {
            expansion_text(&e, batch_word(batch, *from++ - '0'));
        } else {
            char *end = percent_find(from);
            if (end) {
                expansion_variable(&e, from, end);
                from = end + 1;
            } /* a '%' alone is dropped */
        }
    }
    *e.to = 0;
    return e.fits;
}

/* The next line, with its replacements, in batch->line. False: the file has ended or is gone. */
static bool batch_next(struct batch *batch)
{
    bool cut;
    s32 handle = file_open(batch->path, OPEN_READ);
    if (handle < 0) {
        shell.status = complain("Batch file missing");
        return false;
    }
    bool more = batch_line(handle, &batch->offset, &cut);
    file_close(handle);
    if (!more)
        return false;
    char *text = skip_blanks(shell.io);
    if (*text == ':') { /* labels are not replaced */
        batch->line[0] = 0;
        return true;
    }
    if (cut || !expand(batch, text, batch->line)) {
        shell.status = complain("Line too long");
        batch->line[0] = 0;
    }
    return true;
}

static void batch_echo(const char *line)
{
    if (!shell.echo || !*line || *line == '@')
        return;
    out("\n");
    prompt_show();
    out("%s\n", line);
    out_flush();
}

/* The words of the command line become %0, %1 ... */
static void words_set(struct batch *batch, const char *name, const char *tail)
{
    char *to = batch->words, *end = batch->words + LINE_BYTES - 2;
    while (*name && to < end)
        *to++ = *name++;
    *to++ = 0;
    while (to < end && *(tail = skip_delimiters((char *)tail))) {
        while (*tail && !char_is_delimiter(*tail) && to < end)
            *to++ = *tail++;
        *to++ = 0;
    }
    *to = 0;
}

static void batch_set(struct batch *batch, const char *path, const char *name, const char *tail)
{
    words_set(batch, name, tail);
    if (!path_absolute(batch->path, path))
        text_copy(batch->path, PATH_BYTES, path);
    batch->offset = 0;
    batch->shifted = 0;
}

/* Makes room for another one: what runs now is kept in DOS's memory meanwhile. */
static bool batch_push(void)
{
    u16 outer = 0;
    if (shell.batch) {
        u16 paragraphs = BATCH_PARAGRAPHS;
        outer = memory_allocate(&paragraphs);
        if (!outer || paragraphs < BATCH_PARAGRAPHS) {
            if (outer)
                memory_free(outer);
            return false;
        }
        far_write(outer, 0, shell.batch, sizeof(struct batch));
    }
    shell.batch = &shell.batch_now;
    shell.batch->outer = outer;
    return true;
}

void batch_pop(void)
{
    u16 outer = shell.batch->outer;
    if (outer) {
        far_read(outer, 0, shell.batch, sizeof(struct batch));
        memory_free(outer);
    } else {
        shell.echo = shell.batch->echo_before;
        shell.batch = NULL;
    }
}

static void batch_run(struct batch *batch)
{
    batch->redirections = shell.redirections;
    batch->moves = 0;
    batch->ended = false;
    batch->echo_before = shell.echo;
    jump_save(&batch->jump);
    while (!batch->ended && batch_next(batch)) {
        batch_echo(batch->line);
        line_run(batch->line);
    }
    batch_pop();
}

void batch_start(const char *path, const char *name, const char *tail)
{
    bool calling = shell.calling;
    shell.calling = false;
    if (shell.batch && !calling) {
        batch_set(shell.batch, path, name, tail);
        shell.batch->moves++;
    } else if (!shell_has_stack(0) || !batch_push()) {
        shell.status = complain("Batch files are nested too deep");
    } else {
        batch_set(shell.batch, path, name, tail);
        batch_run(shell.batch);
    }
}
