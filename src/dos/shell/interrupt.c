/* Ctrl-C and critical errors (INT 23h, INT 24h), and giving up what is being done.
 *
 * While a program runs, DOS ends it and EXEC comes back; exec.c then calls break_shell. While we run
 * ourselves, start.S comes here on a stack of its own. Either way the redirections are undone and what is
 * open is closed; then the batch file goes on with its next line, if the user wants that, or else everything
 * is given up. */
#include "dos.h"
#include "shell.h"
#include "text.h"

static void vector_set(u8 number, void (*entry)(void))
{
    struct regs regs;
    (void)dos(&regs, 0x2500 | number, 0, 0, (const void *)entry);
}

void interrupt_install(void)
{
    vector_set(0x23, break_entry);
    vector_set(0x24, critical_entry);
}

/* Closes what the command that was given up had open, and undoes its redirections. */
static void clean_up(const struct redirection *until)
{
    shell.out_count = 0;
    shell.complaining = false;
    shell.abort_wanted = false;
    shell.calling = false;
    for (s16 handle = FIRST_FREE_HANDLE; handle < HANDLES; handle++)
        file_close(handle);
    while (shell.redirections && shell.redirections != until)
        redirection_end();
    if (shell.buffer_segment)
        memory_free(shell.buffer_segment);
    shell.buffer_segment = 0;
}

void shell_abort(void)
{
    clean_up(NULL);
    while (shell.batch)
        batch_pop();
    shell.status = 1;
    jump_back(&shell.restart);
}

void break_shell(void)
{
    struct batch *batch = shell.batch;
    child_runs = 0;
    if (!batch)
        shell_abort();
    clean_up(batch->redirections);
    out("\n");
    if (ask_key("Terminate batch job"))
        shell_abort();
    shell.status = 1;
    jump_back(&batch->jump);
}

/* By INT 21h functions up to 0Ch: no others may be used here. */
static void critical_text(const char *text)
{
    for (; *text; text++)
        dos_simple(0x0200, (u8)*text);
}

static const char *const critical_texts[] = {
    "Write protect error", "Invalid unit",
    "Not ready",           "Invalid command",
    "Data error",          "Bad call format",
    "Seek error",          "Invalid media type",
    "Sector not found",    "Printer out of paper error",
    "Write fault error",   "Read fault error",
    "General failure",
};

enum critical_ax { /* AH of INT 24h */
                   CRITICAL_WRITE = 0x0100,
                   CRITICAL_MAY_FAIL = 0x0800,
                   CRITICAL_MAY_RETRY = 0x1000,
                   CRITICAL_MAY_IGNORE = 0x2000,
                   CRITICAL_NO_DISK = 0x8000,
};
enum { END_OF_INPUT = 0x1a }; /* nobody is there to answer */
enum { CRITICAL_PATIENCE = 16 };
enum critical_answer { ANSWER_IGNORE, ANSWER_RETRY, ANSWER_ABORT, ANSWER_FAIL };

static void critical_describe(u32 ax, u32 error)
{
    char drive[2] = {'A' + (char)(ax & 0xff), 0};
    critical_text("\r\n");
    critical_text(critical_texts[MIN(error & 0xff, ARRAY_LEN(critical_texts) - 1)]);
    critical_text(ax & CRITICAL_WRITE ? " writing" : " reading");
    critical_text(ax & CRITICAL_NO_DISK ? " device" : " drive ");
    if (!(ax & CRITICAL_NO_DISK))
        critical_text(drive);
    critical_text("\r\nAbort");
    if (ax & CRITICAL_MAY_RETRY)
        critical_text(", Retry");
    if (ax & CRITICAL_MAY_IGNORE)
        critical_text(", Ignore");
    if (ax & CRITICAL_MAY_FAIL)
        critical_text(", Fail");
    critical_text("?");
}

/* The user's answer, or 'A' if there is nobody who knows one: standard input may have ended. */
static char critical_key(u16 asked)
{
    char key = char_upper((char)dos_simple(0x0100, 0));
    critical_text("\r\n");
    return asked < CRITICAL_PATIENCE ? key : 'A';
}

u32 critical_error(u32 ax, u32 di)
{
    for (u16 asked = 0;; asked++) {
        critical_describe(ax, di);
        char key = critical_key(asked);
        if (key == 'R' && (ax & CRITICAL_MAY_RETRY))
            return ANSWER_RETRY;
        if (key == 'I' && (ax & CRITICAL_MAY_IGNORE))
            return ANSWER_IGNORE;
        if (key == 'F' && (ax & CRITICAL_MAY_FAIL))
            return ANSWER_FAIL;
        if (key != 'A' && key != END_OF_INPUT)
            continue;
        if (child_runs)
            return ANSWER_ABORT;
        /* We cannot be ended: DOS returns from the function, and then dos_regs gives up the command. */
        shell.abort_wanted = true;
        return ax & CRITICAL_MAY_FAIL ? ANSWER_FAIL : ANSWER_IGNORE;
    }
}
