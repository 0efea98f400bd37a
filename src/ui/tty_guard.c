/* See tty_guard.h. What runs in the signal handler: signal-safety(7). */
#include "ui/tty_guard.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static const int fatal_signals[TTY_GUARD_SIGNALS] = {SIGABRT, SIGSEGV, SIGBUS, SIGFPE, SIGILL};

/* A signal handler has no argument of ours. */
static _Thread_local struct tty_guard *volatile guarded;

void tty_guard_watch(struct tty_guard *guard)
{
    guarded = guard;
}

/* In the signal handler, too. */
static void write_all(int fd, const char *bytes, size_t n)
{
    while (n) {
        ssize_t written = write(fd, bytes, n);
        if (written < 0 && errno != EINTR)
            return;
        if (written > 0) {
            bytes += written;
            n -= (size_t)written;
        }
    }
}

/* In the signal handler, too. */
static void release_stream(struct tty_stream *s)
{
    char bytes[512];
    off_t at = 0;
    ssize_t n;
    if (s->terminal < 0)
        return;
    dup2(s->terminal, s->fd);
    while ((n = pread(s->kept, bytes, sizeof bytes, at)) > 0) {
        write_all(s->terminal, bytes, (size_t)n);
        at += n;
    }
    close(s->terminal);
    close(s->kept);
    s->terminal = -1;
}

static void on_fatal(int signal, siginfo_t *info, void *context)
{
    struct tty_guard *guard = guarded;
    u32 i = 0;
    (void)context;
    while (i < TTY_GUARD_SIGNALS - 1 && fatal_signals[i] != signal)
        i++;
    if (!guard) { /* another thread's */
        sigaction(signal, &(struct sigaction){.sa_handler = SIG_DFL}, NULL);
    } else {
        write_all(guard->fd, guard->orders, guard->order_bytes);
        tcsetattr(guard->fd, TCSANOW, &guard->modes);
        for (u32 k = 0; k < TTY_GUARD_STREAMS; k++)
            release_stream(&guard->stream[k]);
        sigaction(signal, &guard->old[i], NULL);
    }
    if (info->si_code <= 0)
        raise(signal); /* nobody's instruction will make it again */
}

static int keep_stream(struct tty_stream *s, int fd)
{
    *s = (struct tty_stream){.fd = fd, .terminal = -1, .kept = -1};
    if (!isatty(fd))
        return 0;
    s->kept = memfd_create("kept output", MFD_CLOEXEC);
    if (s->kept < 0)
        return -errno;
    s->terminal = dup(fd);
    if (s->terminal < 0 || dup2(s->kept, fd) < 0)
        return -errno;
    return 0;
}

int tty_guard_init(struct tty_guard *guard, int fd)
{
    static const int fds[TTY_GUARD_STREAMS] = {STDOUT_FILENO, STDERR_FILENO};
    struct sigaction action = {.sa_sigaction = on_fatal, .sa_flags = SA_SIGINFO};
    *guard = (struct tty_guard){.fd = fd, .stream = {{.terminal = -1}, {.terminal = -1}}};
    if (tcgetattr(fd, &guard->modes))
        return -errno;
    fflush(stdout);
    fflush(stderr);
    for (u32 i = 0; i < TTY_GUARD_STREAMS; i++) {
        int rc = keep_stream(&guard->stream[i], fds[i]);
        if (rc) {
            for (u32 k = 0; k <= i; k++)
                release_stream(&guard->stream[k]);
            return rc;
        }
    }
    for (u32 i = 0; i < TTY_GUARD_SIGNALS; i++)
        sigaction(fatal_signals[i], &action, &guard->old[i]);
    tty_guard_watch(guard);
    return 0;
}

/* Padding ("$<2>") is for terminals that nobody has. */
void tty_guard_add_order(struct tty_guard *guard, const char *order)
{
    size_t n = strcspn(order, "$");
    if (n > sizeof guard->orders - guard->order_bytes)
        return;
    memcpy(guard->orders + guard->order_bytes, order, n);
    guard->order_bytes += n;
}

void tty_guard_fini(struct tty_guard *guard)
{
    tty_guard_watch(NULL);
    for (u32 i = 0; i < TTY_GUARD_SIGNALS; i++)
        sigaction(fatal_signals[i], &guard->old[i], NULL);
    fflush(stdout);
    fflush(stderr);
    for (u32 i = 0; i < TTY_GUARD_STREAMS; i++)
        release_stream(&guard->stream[i]);
}

bool tty_guard_message(struct tty_guard *guard, char *line, size_t bytes)
{
    enum { LONGEST = 512 };
    const struct tty_stream *s = &guard->stream[TTY_GUARD_STREAMS - 1];
    char tail[LONGEST];
    if (s->terminal < 0)
        return false;
    off_t end = lseek(s->kept, 0, SEEK_END);
    if (end <= guard->seen)
        return false;
    off_t from = MAX(guard->seen, end - (off_t)sizeof tail + 1);
    ssize_t n = pread(s->kept, tail, (size_t)(end - from), from);
    if (n <= 0 || tail[n - 1] != '\n')
        return false; /* more of it will come */
    guard->seen = end;
    tail[n - 1] = '\0';
    const char *last = strrchr(tail, '\n');
    snprintf(line, bytes, "%s", last ? last + 1 : tail);
    return true;
}
