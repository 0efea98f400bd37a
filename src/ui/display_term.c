/* --display=term. A thread owns the terminal: it reads keys, asks for the guest's screen up to thirty times a
 * second, and draws it if it has changed. The run loop's part is term_poll. What goes from one to the other
 * is under the lock. */
#include "ui/display_term.h"

#include "base/host.h"
#include "base/log.h"
#include "dev/vga/vga_screen.h"
#include "ui/tty.h"
#include "ui/typist.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#define FRAME_NS   (NS_PER_S / 30)
#define MESSAGE_NS (5 * NS_PER_S)
#define HINT       "Ctrl-] is huddle's: then q ends the guest, s saves a picture, c sends Ctrl-Alt-Del"
#define COMMANDS   "huddle: q end the guest, s save a picture, c send Ctrl-Alt-Del, Ctrl-] send Ctrl-]"

enum { CTRL_RIGHT_BRACKET = 0x1d, HANG_UP_STATUS = 128 + SIGHUP, MESSAGE_BYTES = 160, PATH_BYTES = 40 };

struct term {
    struct display base;
    struct tty *tty;
    struct typist typist;
    struct display_loop loop;
    pthread_t thread;
    bool runs;
    int wake_fd; /* an eventfd: the run loop has something for the thread */

    pthread_mutex_t lock;
    bool ends;         /* for the thread */
    bool wants_screen; /* for the run loop, like the next ones */
    bool wants_picture, wants_end;
    int end_status;
    const char *end_why;
    char picture[PATH_BYTES];
    struct vga_screen screen; /* written by the run loop under the lock */
    u64 screens;              /* counts them */
    char news[MESSAGE_BYTES]; /* from the run loop; "": none */

    struct vga_screen seen; /* the run loop's own */

    /* The thread's own. */
    struct vga_screen shown;
    u64 shown_screens;
    bool stale;   /* what is shown is not what should be */
    bool command; /* Ctrl-] was pressed */
    char message[MESSAGE_BYTES];
    u64 message_until_ns; /* 0: there is none */
};

static void wake(struct term *t)
{
    u64 one = 1;
    if (write(t->wake_fd, &one, sizeof one) < 0)
        return; /* it counts already */
}

/* --- the run loop's part --- */

static void look(struct term *t, const struct display_guest *guest)
{
    vga_screen_read(guest->vga, &t->seen);
    if (t->screens && memcmp(&t->seen, &t->screen, sizeof t->seen) == 0)
        return;
    pthread_mutex_lock(&t->lock);
    t->screen = t->seen;
    t->screens++;
    pthread_mutex_unlock(&t->lock);
    wake(t);
}

static void save_picture(struct term *t, const struct display_guest *guest, const char *path)
{
    int rc = vga_screenshot(guest->vga, VGA_VIEW_BEAM, path);
    pthread_mutex_lock(&t->lock);
    if (rc)
        snprintf(t->news, sizeof t->news, "the picture could not be saved: %s", strerror(-rc));
    else
        snprintf(t->news, sizeof t->news, "the picture is in %s", path);
    pthread_mutex_unlock(&t->lock);
    wake(t);
}

static u64 term_poll(struct display *display, const struct display_guest *guest)
{
    struct term *t = (struct term *)display;
    char path[PATH_BYTES];
    pthread_mutex_lock(&t->lock);
    bool screen = t->wants_screen, picture = t->wants_picture, end = t->wants_end;
    t->wants_screen = t->wants_picture = t->wants_end = false;
    memcpy(path, t->picture, sizeof path);
    pthread_mutex_unlock(&t->lock);
    if (picture)
        save_picture(t, guest, path);
    if (screen)
        look(t, guest);
    if (end)
        guest->quit(guest->opaque, t->end_status, t->end_why);
    return typist_poll(&t->typist, guest);
}

/* --- the thread: what is typed --- */

static void kick(struct term *t)
{
    t->loop.kick(t->loop.opaque);
}

static void say(struct term *t, const char *message)
{
    snprintf(t->message, sizeof t->message, "%s", message);
    t->message_until_ns = host_monotonic_ns() + MESSAGE_NS;
    t->stale = true;
}

static void ask_for_end(struct term *t, int status, const char *why)
{
    pthread_mutex_lock(&t->lock);
    t->wants_end = true;
    t->end_status = status;
    t->end_why = why;
    pthread_mutex_unlock(&t->lock);
    kick(t);
}

static void ask_for_picture(struct term *t)
{
    time_t now = time(NULL);
    struct tm local;
    pthread_mutex_lock(&t->lock);
    if (localtime_r(&now, &local))
        strftime(t->picture, sizeof t->picture, "huddle-%Y%m%d-%H%M%S.png", &local);
    t->wants_picture = true;
    pthread_mutex_unlock(&t->lock);
    kick(t);
}

static void type(struct term *t, const struct chord *chord)
{
    if (!typist_put(&t->typist, chord))
        tty_beep(t->tty);
    kick(t);
}

/* What follows Ctrl-]. */
static void obey(struct term *t, const struct tty_input *input)
{
    static const struct chord reset = {.key = KEY_DELETE, .ctrl = true, .alt = true};
    static const struct chord bracket = {.key = KEY_RIGHT_BRACKET, .ctrl = true};
    t->command = false;
    t->stale = true;
    switch (input->kind == TTY_CHARACTER ? input->character : 0) {
    case 'q':
        ask_for_end(t, 0, "stopped by Ctrl-] q");
        break;
    case 's':
        ask_for_picture(t);
        break;
    case 'c':
        type(t, &reset);
        break;
    case CTRL_RIGHT_BRACKET:
        type(t, &bracket);
        break;
    default:
        tty_beep(t->tty);
    }
}

static void pass_on(struct term *t, const struct tty_input *input)
{
    struct chord chord;
    bool known =
        input->kind == TTY_KEY ? chord_of_name(input->name, &chord) : chord_of_char(input->character, &chord);
    if (!known) {
        tty_beep(t->tty);
        return;
    }
    chord.alt |= input->alt;
    type(t, &chord);
}

/* What does not fit the queue stays in the terminal. */
static void read_keys(struct term *t)
{
    struct tty_input input;
    while (typist_room(&t->typist)) {
        tty_read(t->tty, &input);
        if (input.kind == TTY_NOTHING)
            return;
        if (input.kind == TTY_RESIZED) {
            t->stale = true;
        } else if (t->command) {
            obey(t, &input);
        } else if (input.kind == TTY_CHARACTER && input.character == CTRL_RIGHT_BRACKET && !input.alt) {
            t->command = t->stale = true;
        } else {
            pass_on(t, &input);
        }
    }
}

/* --- the thread: what is shown --- */

static void take_screen(struct term *t)
{
    char news[MESSAGE_BYTES];
    pthread_mutex_lock(&t->lock);
    if (t->shown_screens != t->screens) {
        t->shown = t->screen;
        t->shown_screens = t->screens;
        t->stale = true;
    }
    memcpy(news, t->news, sizeof news);
    t->news[0] = '\0';
    pthread_mutex_unlock(&t->lock);
    if (news[0] || tty_last_message(t->tty, news, sizeof news))
        say(t, news);
}

static void show(struct term *t)
{
    if (t->message_until_ns && host_monotonic_ns() >= t->message_until_ns) {
        t->message_until_ns = 0;
        t->stale = true;
    }
    if (!t->stale || !t->shown_screens)
        return;
    struct tty_status status = {.urgent = t->command            ? COMMANDS
                                          : t->message_until_ns ? t->message
                                                                : NULL,
                                .idle = HINT};
    tty_show(t->tty, &t->shown, &status);
    t->stale = false;
}

/* --- the thread --- */

static void ask_for_screen(struct term *t)
{
    pthread_mutex_lock(&t->lock);
    t->wants_screen = true;
    pthread_mutex_unlock(&t->lock);
    kick(t);
}

static bool ends(struct term *t)
{
    pthread_mutex_lock(&t->lock);
    bool yes = t->ends;
    pthread_mutex_unlock(&t->lock);
    return yes;
}

/* Waits for keys, for the run loop, or until `until_ns`. False: the terminal is gone. */
static bool wait_for_something(struct term *t, u64 until_ns, bool terminal)
{
    bool room = typist_room(&t->typist);
    struct pollfd fds[] = {
        {.fd = t->wake_fd, .events = POLLIN},
        {.fd = terminal ? tty_fd(t->tty) : -1, .events = room ? POLLIN : 0},
    };
    u64 now = host_monotonic_ns(), count;
    struct timespec left = {.tv_nsec = (long)(until_ns > now ? MIN(until_ns - now, NS_PER_S - 1) : 0)};
    if (ppoll(fds, ARRAY_LEN(fds), &left, NULL) <= 0)
        return true; /* the time, or a signal: the window's size */
    if (fds[0].revents && read(t->wake_fd, &count, sizeof count) < 0)
        return true;
    return !(fds[1].revents & (POLLHUP | POLLERR | POLLNVAL));
}

static void *run(void *opaque)
{
    struct term *t = opaque;
    bool terminal = true;
    u64 next_frame_ns = host_monotonic_ns();
    tty_guard_thread(t->tty);
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGWINCH);
    sigaddset(&set, SIGTSTP);
    pthread_sigmask(SIG_UNBLOCK, &set, NULL); /* curses' handlers must not run beside it */
    say(t, HINT);
    while (!ends(t)) {
        u64 now = host_monotonic_ns();
        if (now >= next_frame_ns) {
            ask_for_screen(t);
            next_frame_ns = now + FRAME_NS;
        }
        if (!wait_for_something(t, next_frame_ns, terminal)) {
            terminal = false;
            ask_for_end(t, HANG_UP_STATUS, "the terminal is gone");
        }
        if (terminal)
            read_keys(t);
        take_screen(t);
        if (terminal)
            show(t);
    }
    return NULL;
}

static int term_start(struct display *display, const struct display_loop *loop)
{
    struct term *t = (struct term *)display;
    t->loop = *loop;
    int rc = -pthread_create(&t->thread, NULL, run, t);
    t->runs = !rc;
    if (rc)
        log_error("--display=term: %s", strerror(-rc));
    return rc;
}

static void term_stop(struct display *display)
{
    struct term *t = (struct term *)display;
    if (!t->runs)
        return;
    pthread_mutex_lock(&t->lock);
    t->ends = true;
    pthread_mutex_unlock(&t->lock);
    wake(t);
    pthread_join(t->thread, NULL);
    t->runs = false;
}

/* --- life --- */

static void term_close(struct display *display)
{
    struct term *t = (struct term *)display;
    if (t->tty)
        tty_close(t->tty);
    if (t->wake_fd >= 0)
        close(t->wake_fd);
    typist_fini(&t->typist);
    pthread_mutex_destroy(&t->lock);
    free(t);
}

/* Only the thread shall have the signals that curses handles; others inherit this. */
static void block_signals(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGWINCH);
    sigaddset(&set, SIGTSTP);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
}

static int term_open(struct display **display)
{
    struct term *t = calloc(1, sizeof *t);
    if (!t) {
        log_error("out of memory");
        return -ENOMEM;
    }
    t->base.class = &term_class;
    pthread_mutex_init(&t->lock, NULL);
    typist_init(&t->typist);
    t->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    int rc = t->wake_fd < 0 ? -errno : 0;
    if (rc)
        log_error("--display=term: %s", strerror(-rc));
    else
        rc = tty_open(&t->tty);
    if (rc) {
        term_close(&t->base);
        return rc;
    }
    block_signals();
    *display = &t->base;
    return 0;
}

const struct display_class term_class = {
    .name = "term",
    .open = term_open,
    .start = term_start,
    .poll = term_poll,
    .stop = term_stop,
    .close = term_close,
};
