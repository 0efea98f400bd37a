/* huddle top: asks once a second, shows what came, sends what keys mean. One thread, one poll. */
#include "top/top.h"

#include "base/host.h"
#include "base/log.h"
#include "top/link.h"
#include "top/top_screen.h"
#include "top/view.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#define HINT "c clustering on/off   space stop/go on   s screenshot   q leave"

enum { PERIOD_MS = 1000, PATIENCE_MS = 5000, MESSAGE_MS = 5000, BATCH_COLUMNS = 80 };

struct top {
    struct link *link;
    struct top_sample before, now;
    struct top_rates rates;
    struct top_history history;
    u32 samples;
    char ended[160]; /* what the guest said when it ended; "": nothing yet */

    /* At a terminal only. */
    struct top_screen *screen;
    struct top_line *lines;
    bool asked; /* for a sample, and there is none yet */
    bool leaves, stale;
    u64 asked_ms, next_ms;
    char message[PATH_MAX + 64];
    u64 message_until_ms;
    char picture[PATH_MAX];
};

/* --- what comes --- */

static void take_sample(struct top *t, const json_t *stats)
{
    t->before = t->now;
    top_sample_parse(&t->now, stats);
    if (t->samples++) {
        top_rates(&t->rates, &t->before, &t->now);
        top_history_add(&t->history, &t->rates);
    }
    t->asked = false;
    t->stale = true;
}

static void note_end(struct top *t, const json_t *event)
{
    const char *name = json_string_value(json_object_get(event, "event"));
    const char *text = json_string_value(json_object_get(json_object_get(event, "data"), "text"));
    if (name && strcmp(name, "SHUTDOWN") == 0)
        snprintf(t->ended, sizeof t->ended, "%s", text ? text : "it has ended");
}

/* --- once --- */

/* The reply to a command with that id. NULL: there is none, or it is an error; *rc says so. */
static json_t *wait_for(struct top *t, const char *id, int *rc)
{
    json_t *message;
    while ((message = link_receive(t->link, PATIENCE_MS, rc))) {
        const char *of = json_string_value(json_object_get(message, "id"));
        bool wanted = of && strcmp(of, id) == 0;
        json_t *value = wanted ? json_incref(json_object_get(message, "return")) : NULL;
        note_end(t, message);
        json_decref(message);
        if (wanted) {
            *rc = value ? 0 : -EPROTO;
            return value;
        }
    }
    *rc = *rc ? *rc : -ETIMEDOUT;
    return NULL;
}

/* The caller's reference, or NULL. */
static json_t *ask_once(struct top *t, int *rc)
{
    bool sent = (*rc = link_send(t->link, "huddle-stats", "stats", NULL)) != -ENOMEM;
    json_t *stats = sent ? wait_for(t, "stats", rc) : NULL; /* if only what was said last */
    if (stats)
        take_sample(t, stats);
    return stats;
}

static int print_lines(const struct top *t)
{
    enum { BATCH_ROWS = 12 + EXIT_KIND_COUNT + 12 };
    struct top_line *lines = calloc(BATCH_ROWS, sizeof *lines);
    struct top_view view = {.now = &t->now, .rates = &t->rates};
    if (!lines)
        return -ENOMEM;
    u32 n = top_view_lines(lines, BATCH_ROWS, BATCH_COLUMNS, &view);
    for (u32 i = 0; i < n; i++) {
        size_t length = strlen(lines[i].text);
        while (length && lines[i].text[length - 1] == ' ')
            length--;
        if (length || i + 1 < n)
            printf("%.*s\n", (int)length, lines[i].text);
    }
    free(lines);
    return fflush(stdout) || ferror(stdout) ? -EIO : 0;
}

static int write_json(const struct top *t, const char *path, json_t *stats)
{
    bool to_stdout = strcmp(path, "-") == 0;
    json_t *json = json_pack("{s:O,s:o}", "stats", stats, "per_second", top_rates_json(&t->rates));
    FILE *file = !json ? NULL : to_stdout ? stdout : fopen(path, "w");
    int rc = !json ? -ENOMEM : !file ? -errno : 0;
    if (!rc && (json_dumpf(json, file, JSON_INDENT(2)) || fputc('\n', file) == EOF || fflush(file)))
        rc = -EIO;
    if (file && !to_stdout && fclose(file) && !rc)
        rc = -errno;
    if (rc)
        log_error("--json=%s: cannot be written: %s", path, strerror(-rc));
    json_decref(json);
    return rc;
}

static int look_once(struct top *t, const struct top_options *o)
{
    int rc;
    json_t *first = ask_once(t, &rc);
    if (!first)
        return t->ended[0] ? 0 : rc;
    json_decref(first);
    const struct timespec period = {.tv_sec = PERIOD_MS / 1000};
    nanosleep(&period, NULL);
    json_t *stats = ask_once(t, &rc);
    if (!stats)
        return t->ended[0] ? 0 : rc;
    rc = o->json ? write_json(t, o->json, stats) : print_lines(t);
    json_decref(stats);
    return rc;
}

/* --- at a terminal --- */

static void say(struct top *t, const char *message)
{
    snprintf(t->message, sizeof t->message, "%s", message);
    t->message_until_ms = host_monotonic_ns() / NS_PER_MS + MESSAGE_MS;
    t->stale = true;
}

static void show(struct top *t)
{
    u32 rows, columns;
    top_screen_size(t->screen, &rows, &columns);
    struct top_view view = {.now = &t->now,
                            .rates = &t->rates,
                            .history = &t->history,
                            .message = t->message_until_ms ? t->message : NULL,
                            .hint = HINT,
                            .utf8 = top_screen_utf8(t->screen)};
    if (t->samples)
        top_screen_show(t->screen, t->lines, top_view_lines(t->lines, rows, columns, &view));
    t->stale = false;
}

static int send_order(struct top *t, const char *command, const char *id, json_t *arguments)
{
    return link_send(t->link, command, id, arguments);
}

/* In the directory that huddle top was started in: the guest's may be another. */
static int ask_for_picture(struct top *t)
{
    char directory[PATH_MAX - 40], name[40];
    time_t now = time(NULL);
    struct tm local;
    if (!getcwd(directory, sizeof directory) || !localtime_r(&now, &local)) {
        say(t, "no screenshot: the directory has too long a name");
        return 0;
    }
    strftime(name, sizeof name, "huddle-%Y%m%d-%H%M%S.png", &local);
    snprintf(t->picture, sizeof t->picture, "%s/%s", directory, name);
    return send_order(t, "screendump", "picture",
                      json_pack("{s:s,s:s}", "filename", t->picture, "format", "png"));
}

static int obey_key(struct top *t, int key)
{
    bool on = strcmp(t->now.level, "off") != 0;
    switch (key) {
    case 'q':
    case 'Q':
        t->leaves = true;
        return 0;
    case 'c':
        return send_order(t, "huddle-cluster", "level", json_pack("{s:s}", "level", on ? "off" : "on"));
    case 's':
        return ask_for_picture(t);
    case ' ':
        return send_order(t, t->now.running ? "stop" : "cont", "run", NULL);
    default:
        return 0;
    }
}

static void take_reply(struct top *t, const char *id, const json_t *message)
{
    const json_t *value = json_object_get(message, "return");
    const char *error = json_string_value(json_object_get(json_object_get(message, "error"), "desc"));
    const char *level = json_string_value(json_object_get(value, "level"));
    char text[sizeof t->message];
    if (strcmp(id, "stats") == 0) {
        t->asked = false;
        if (value)
            take_sample(t, value);
    } else if (error) {
        snprintf(text, sizeof text, "huddle: %s", error);
        say(t, text);
    } else if (strcmp(id, "picture") == 0) {
        snprintf(text, sizeof text, "the screenshot is in %s", t->picture);
        say(t, text);
    } else if (level) {
        snprintf(text, sizeof text, "clustering is %s", level);
        snprintf(t->now.level, sizeof t->now.level, "%.15s", level);
        say(t, text);
    }
}

/* What an event changes is shown before the next sample comes. */
static void take_event(struct top *t, const json_t *message)
{
    const char *name = json_string_value(json_object_get(message, "event"));
    note_end(t, message);
    if (strcmp(name, "STOP") == 0 || strcmp(name, "RESUME") == 0) {
        t->now.running = name[0] == 'R';
        say(t, t->now.running ? "the guest goes on" : "the guest is stopped");
    } else if (strcmp(name, "RESET") == 0) {
        say(t, "the guest was reset");
    }
}

static int take_messages(struct top *t)
{
    int rc;
    json_t *message;
    while ((message = link_receive(t->link, 0, &rc))) {
        const char *id = json_string_value(json_object_get(message, "id"));
        if (json_is_string(json_object_get(message, "event")))
            take_event(t, message);
        else if (id)
            take_reply(t, id, message);
        json_decref(message);
    }
    return rc;
}

static int keep_time(struct top *t)
{
    u64 now = host_monotonic_ns() / NS_PER_MS;
    if (t->message_until_ms && now >= t->message_until_ms) {
        t->message_until_ms = 0;
        t->stale = true;
    }
    if (now < t->next_ms)
        return 0;
    t->next_ms = now + PERIOD_MS;
    if (t->asked) {
        if (now - t->asked_ms >= PATIENCE_MS)
            say(t, "the guest does not answer");
        return 0;
    }
    t->asked = true;
    t->asked_ms = now;
    return send_order(t, "huddle-stats", "stats", NULL);
}

static int read_keys(struct top *t)
{
    int key, rc = 0;
    bool resized;
    while ((key = top_screen_key(t->screen, &resized)) && !rc)
        rc = obey_key(t, key);
    t->stale |= resized;
    return rc;
}

static int watch(struct top *t, int signals)
{
    int rc = 0;
    t->next_ms = host_monotonic_ns() / NS_PER_MS;
    while (!rc && !t->leaves && !t->ended[0]) {
        rc = keep_time(t);
        if (t->stale)
            show(t);
        struct pollfd fds[] = {{.fd = STDIN_FILENO, .events = POLLIN},
                               {.fd = link_fd(t->link), .events = POLLIN},
                               {.fd = signals, .events = POLLIN}};
        u64 now = host_monotonic_ns() / NS_PER_MS;
        if (rc || poll(fds, ARRAY_LEN(fds), t->next_ms > now ? (int)(t->next_ms - now) : 0) < 0)
            fds[0].revents = fds[1].revents = fds[2].revents = 0; /* the window's size: curses tells */
        t->leaves |= fds[2].revents != 0 || (fds[0].revents & (POLLHUP | POLLERR | POLLNVAL)) != 0;
        if (!rc)
            rc = read_keys(t);
        if (!rc || rc == -EPIPE) {
            int came = take_messages(t); /* what was said last, too */
            rc = rc ? rc : came;
        }
    }
    return t->ended[0] || t->leaves ? 0 : rc;
}

/* They have had their effect. */
static void forget_signals(int signals)
{
    struct signalfd_siginfo info;
    while (read(signals, &info, sizeof info) == sizeof info)
        ;
}

static int watch_at_terminal(struct top *t)
{
    sigset_t set, old;
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGHUP);
    sigprocmask(SIG_BLOCK, &set, &old);
    int signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK), rc = signals < 0 ? -errno : 0;
    t->lines = calloc(TOP_ROWS_MAX, sizeof *t->lines);
    if (!rc)
        rc = t->lines ? top_screen_open(&t->screen) : -ENOMEM;
    if (!rc) {
        rc = watch(t, signals);
        top_screen_close(t->screen);
    }
    free(t->lines);
    if (signals >= 0) {
        forget_signals(signals);
        close(signals);
    }
    sigprocmask(SIG_SETMASK, &old, NULL);
    return rc;
}

int top_run(const struct top_options *o)
{
    struct top *t = calloc(1, sizeof *t);
    if (!t) {
        log_error("out of memory");
        return -ENOMEM;
    }
    int rc = link_open(&t->link, o->path);
    if (rc) {
        free(t);
        return rc;
    }
    bool once = o->once || o->json || !isatty(STDOUT_FILENO);
    rc = once ? look_once(t, o) : watch_at_terminal(t);
    if (t->ended[0])
        log_error("%s: the guest has ended: %s", o->path, t->ended); /* no error, but a line */
    else if (rc == -EPIPE || rc == -EPROTO || rc == -ETIMEDOUT)
        log_error("%s: the guest %s", o->path,
                  rc == -EPIPE    ? "is gone"
                  : rc == -EPROTO ? "says what is no QMP"
                                  : "does not answer");
    link_close(t->link);
    free(t);
    return rc;
}
