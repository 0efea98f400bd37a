/* Keeps a terminal from being left in disorder, and from being written to while it shows something else. */
#ifndef HUDDLE_UI_TTY_GUARD_H
#define HUDDLE_UI_TTY_GUARD_H

#include "base/types.h"

#include <signal.h>
#include <termios.h>

enum { TTY_GUARD_STREAMS = 2, TTY_GUARD_SIGNALS = 5 };

/* Standard output or error, kept back. */
struct tty_stream {
    int fd;       /* STDOUT_FILENO, STDERR_FILENO */
    int terminal; /* what it was; -1: it is not kept back */
    int kept;     /* a memory file */
};

struct tty_guard {
    int fd; /* the terminal */
    struct termios modes;
    char orders[256]; /* what makes the terminal's screen normal again */
    size_t order_bytes;
    struct tty_stream stream[TTY_GUARD_STREAMS];
    struct sigaction old[TTY_GUARD_SIGNALS];
    off_t seen; /* of standard error */
};

/* Whoever takes SIGSEGV afterwards must pass on what is not his. Remembers the terminal's modes, which must be as the user had them, and keeps standard output and error
 * back where they are terminals. 0 or -errno. */
must_check int tty_guard_init(struct tty_guard *guard, int fd);
/* More bytes that a terminal in disorder needs; those that do not fit are left out whole. */
void tty_guard_add_order(struct tty_guard *guard, const char *order);
/* Lets standard output and error go, and writes what was kept. */
void tty_guard_fini(struct tty_guard *guard);

/* Fatal signals of this thread are guarded; NULL: no longer. */
void tty_guard_watch(struct tty_guard *guard);

/* See tty_last_message. */
bool tty_guard_message(struct tty_guard *guard, char *line, size_t bytes);

#endif
