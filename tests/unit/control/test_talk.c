/* The socket and its thread, with a run loop that is this file's. */
#include "control_tests.h"

#include "control/control.h"
#include "vmm.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define NINE         "xxxxxxxxx"
#define NINETY_NINE  NINE NINE NINE NINE NINE NINE NINE NINE NINE NINE NINE
#define CAPABILITIES "{\"execute\":\"qmp_capabilities\"}"

struct fixture {
    char dir[32], path[64];
    struct control *control;
    pthread_t loop;
    pthread_mutex_t lock;
    pthread_cond_t kicked;
    u32 kicks;
    bool ends;
    /* What was done to the guest. */
    u32 stops, quits, keys;
    int level;
    bool deaf; /* kicks are not heard */
};

static void kick(void *opaque)
{
    struct fixture *f = opaque;
    pthread_mutex_lock(&f->lock);
    f->kicks++;
    pthread_cond_signal(&f->kicked);
    pthread_mutex_unlock(&f->lock);
}

static void look(void *opaque, struct control_look *out)
{
    (void)opaque;
    memset(out, 0, sizeof *out);
    out->stats.accesses = 4711;
    out->stats.clusters.exits_avoided = 42;
    out->level = CLUSTER_PAIRS;
}

static int no_picture(void *opaque, struct vga_picture *picture)
{
    (void)opaque, (void)picture;
    return -ENOMEM;
}

static void set_level(void *opaque, int level)
{
    struct fixture *f = opaque;
    f->level = level;
    control_set_level(f->control, level);
}

static bool take_keys(void *opaque, const enum key *keys, u32 n, u64 hold_ns)
{
    struct fixture *f = opaque;
    f->keys += n;
    return keys[0] == KEY_CAPS_LOCK ? false : hold_ns > 0;
}

static void stop(void *opaque)
{
    struct fixture *f = opaque;
    f->stops++;
    control_set_running(f->control, false);
    control_event(f->control, "STOP", NULL);
}

static void nothing(void *opaque)
{
    (void)opaque;
}

static void quit(void *opaque)
{
    struct fixture *f = opaque;
    __atomic_fetch_add(&f->quits, 1, __ATOMIC_RELEASE); /* the test waits for it without the lock */
}

static void *run_loop(void *opaque)
{
    struct fixture *f = opaque;
    const struct control_guest guest = {.opaque = f,
                                        .look = look,
                                        .picture = no_picture,
                                        .set_level = set_level,
                                        .keys = take_keys,
                                        .stop = stop,
                                        .go_on = nothing,
                                        .reset = nothing,
                                        .quit = quit};
    pthread_mutex_lock(&f->lock);
    while (!f->ends) {
        if (!f->kicks || f->deaf) {
            pthread_cond_wait(&f->kicked, &f->lock);
            continue;
        }
        f->kicks--;
        pthread_mutex_unlock(&f->lock);
        control_poll(f->control, &guest);
        pthread_mutex_lock(&f->lock);
    }
    pthread_mutex_unlock(&f->lock);
    return NULL;
}

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    strcpy(f->dir, "/tmp/control-XXXXXX");
    assert_non_null(mkdtemp(f->dir));
    snprintf(f->path, sizeof f->path, "%s/socket", f->dir);
    pthread_mutex_init(&f->lock, NULL);
    pthread_cond_init(&f->kicked, NULL);
    assert_int_equal(control_open(&f->control, f->path, "guest.img"), 0);
    pthread_create(&f->loop, NULL, run_loop, f);
    assert_int_equal(control_start(f->control, &(struct control_loop){f, kick}, CLUSTER_ON), 0);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    pthread_mutex_lock(&f->lock);
    f->ends = true;
    pthread_cond_signal(&f->kicked);
    pthread_mutex_unlock(&f->lock);
    pthread_join(f->loop, NULL);
    control_stop(f->control);
    control_close(f->control);
    assert_int_not_equal(access(f->path, F_OK), 0);
    assert_int_equal(rmdir(f->dir), 0);
    free(f);
    return 0;
}

static int connect_to(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    strcpy(address.sun_path, path);
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
    return fd;
}

/* The next line, without its end. False: the connection is closed. */
static bool read_line(int fd, char *line, size_t size)
{
    size_t n = 0;
    char c;
    while (n < size - 1) {
        struct pollfd wait = {.fd = fd, .events = POLLIN};
        assert_int_equal(poll(&wait, 1, 30000), 1);
        if (recv(fd, &c, 1, 0) <= 0)
            return false;
        if (c == '\n')
            break;
        line[n++] = c;
    }
    line[n && line[n - 1] == '\r' ? n - 1 : n] = '\0';
    return true;
}

static void say(int fd, const char *text)
{
    assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
}

static void expect(int fd, const char *text)
{
    char line[65536];
    assert_true(read_line(fd, line, sizeof line));
    if (!strstr(line, text))
        fail_msg("\"%s\" is not in %s", text, line);
}

static int talk_to(const struct fixture *f)
{
    int fd = connect_to(f->path);
    expect(fd, "{\"QMP\":{\"version\":{\"qemu\":{\"major\":");
    say(fd, CAPABILITIES);
    expect(fd, "{\"return\":{}}");
    return fd;
}

static void negotiation_comes_first(void **state)
{
    struct fixture *f = *state;
    int fd = connect_to(f->path);
    expect(fd, "\"package\":\"huddle ");
    say(fd, "{\"execute\":\"stop\",\"id\":\"x\"}");
    expect(fd, "\"CommandNotFound\"");
    assert_int_equal(f->stops, 0);
    say(fd, "{\"execute\":\"qmp_capabilities\",\"arguments\":{\"enable\":[\"oob\"]}}");
    expect(fd, "\"GenericError\"");
    say(fd, CAPABILITIES CAPABILITIES); /* without a line end */
    expect(fd, "{\"return\":{}}");
    expect(fd, "already complete");
    say(fd, "{\"execute\":\"query-status\",\"id\":{\"a\":[1]}}");
    expect(fd, "\"id\":{\"a\":[1]}");
    close(fd);
}

static void commands_are_carried_out_in_order(void **state)
{
    struct fixture *f = *state;
    int fd = talk_to(f), other = talk_to(f), silent = connect_to(f->path);
    say(fd, "{\"execute\":\"stop\",\"id\":1}{\"execute\":\"query-status\",\"id\":2}{\"execute\":\"huddle-"
            "stats\"}");
    expect(fd, "\"event\":\"STOP\"");
    expect(fd, "{\"return\":{},\"id\":1}");
    expect(fd, "\"status\":\"paused\"");
    expect(fd, "\"accesses\":4711");
    expect(other, "\"event\":\"STOP\"");
    say(other, "{\"execute\":\"huddle-cluster\"}");
    expect(other, "{\"return\":{\"level\":\"on\"}}");
    say(other, "{\"execute\":\"huddle-cluster\",\"arguments\":{\"level\":\"off\"}}");
    expect(other, "{\"return\":{\"level\":\"off\"}}");
    assert_int_equal(f->level, CLUSTER_OFF);
    expect(silent, "QMP"); /* and no event: it has not negotiated */
    say(silent, "{}");
    expect(silent, "lacks member");
    close(fd);
    close(other);
    close(silent);
}

static void arguments_are_refused_before_the_guest_is_asked(void **state)
{
    static const struct {
        const char *command, *error;
    } rows[] = {
        {"{\"execute\":\"nope\"}", "The command nope has not been found"},
        {"{\"execute\":\"" NINETY_NINE "\u00e9\"}", "xxx? has not been found"}, /* cut in a character */
        {"{\"execute\":\"stop\",\"arguments\":{\"x\":1}}", "Parameter 'x' is unexpected"},
        {"{\"execute\":\"screendump\"}", "Parameter 'filename' is missing"},
        {"{\"execute\":\"screendump\",\"arguments\":{\"filename\":\"x\",\"format\":\"gif\"}}",
         "does not accept value 'gif'"},
        {"{\"execute\":\"send-key\",\"arguments\":{\"keys\":[]}}", "'keys' is empty"},
        {"{\"execute\":\"send-key\",\"arguments\":{\"keys\":[1]}}", "a key is "},
        {"{\"execute\":\"send-key\",\"arguments\":{\"keys\":[{\"type\":\"qcode\",\"data\":\"foo\"}]}}",
         "value 'foo'"},
        {"{\"execute\":\"send-key\",\"arguments\":{\"keys\":[{\"type\":\"number\",\"data\":256}]}}",
         "value 256"},
        {"{\"execute\":\"send-key\",\"arguments\":{\"keys\":[{\"type\":\"qcode\",\"data\":\"a\"}],\"hold-"
         "time\":-1}}",
         "expects 0 to"},
        {"{\"execute\":\"huddle-cluster\",\"arguments\":{\"level\":\"max\"}}", "off, pairs, window, on"},
        {"{\"execute\":\"huddle-cluster\",\"arguments\":{\"level\":1}}", "expected: string"},
    };
    struct fixture *f = *state;
    int fd = talk_to(f);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        say(fd, rows[i].command);
        expect(fd, rows[i].error);
    }
    assert_int_equal(f->kicks + f->stops + f->keys, 0);
    close(fd);
}

static void what_the_guest_refuses_is_an_error(void **state)
{
    struct fixture *f = *state;
    int fd = talk_to(f);
    say(fd,
        "{\"execute\":\"send-key\",\"arguments\":{\"keys\":[{\"type\":\"qcode\",\"data\":\"caps_lock\"}]}}");
    expect(fd, "too many keys");
    say(fd, "{\"execute\":\"send-key\",\"arguments\":{\"keys\":[{\"type\":\"qcode\",\"data\":\"a\"}]}}");
    expect(fd, "{\"return\":{}}");
    say(fd, "{\"execute\":\"screendump\",\"arguments\":{\"filename\":\"/x\"}}");
    expect(fd, "there is no picture");
    close(fd);
}

/* What a client sent before it went counts. */
static void a_client_may_leave(void **state)
{
    struct fixture *f = *state;
    int fd = connect_to(f->path);
    say(fd, CAPABILITIES "{\"execute\":\"stop\"}{\"execute\":\"stop\"}{\"execute\":\"quit\"}");
    close(fd);
    for (u32 i = 0; i < 3000 && !__atomic_load_n(&f->quits, __ATOMIC_ACQUIRE); i++)
        usleep(10000);
    assert_int_equal(f->stops, 2);
    assert_int_equal(f->quits, 1);
    fd = connect_to(f->path); /* it sends no more, but reads */
    say(fd, CAPABILITIES "{\"execute\":\"query-version\"}");
    shutdown(fd, SHUT_WR);
    expect(fd, "QMP");
    expect(fd, "{\"return\":{}}");
    expect(fd, "\"package\"");
    char line[16];
    assert_false(read_line(fd, line, sizeof line));
    close(fd);
}

/* It stays, and will not read: it is let go, or it would be looked at without end. What it sent counts. */
static void a_client_may_stop_reading(void **state)
{
    struct fixture *f = *state;
    int fd = talk_to(f);
    shutdown(fd, SHUT_RD);
    say(fd, "{\"execute\":\"stop\"}{\"execute\":\"quit\"}");
    struct pollfd end = {.fd = fd};
    assert_int_equal(poll(&end, 1, 30000), 1);
    assert_true(end.revents & POLLHUP);
    for (u32 i = 0; i < 3000 && !__atomic_load_n(&f->quits, __ATOMIC_ACQUIRE); i++)
        usleep(10000);
    assert_int_equal(f->stops, 1);
    assert_int_equal(f->quits, 1);
    close(fd);
}

/* Nothing is read from a client that does not read; others are served. */
static void a_full_pipe_stays_full(void **state)
{
    struct fixture *f = *state;
    static const char command[] = "{\"execute\":\"query-commands\"}\n";
    int fd = connect_to(f->path), other;
    size_t sent = 0;
    u32 tries = 0;
    say(fd, CAPABILITIES);
    while (tries < 20) {
        ssize_t n = send(fd, command, strlen(command), MSG_DONTWAIT | MSG_NOSIGNAL);
        tries = n < 0 ? tries + 1 : 0;
        sent += n > 0 ? (size_t)n : 0;
        if (n < 0)
            usleep(10000);
        assert_true(sent < 16 * MIB); /* the buffers of two sockets, not the memory of huddle */
    }
    other = talk_to(f);
    say(other, "{\"execute\":\"query-kvm\"}");
    expect(other, "\"enabled\":true");
    close(other);
    close(fd);
}

static void there_may_be_too_many(void **state)
{
    struct fixture *f = *state;
    int fd[CONTROL_CLIENTS + 1];
    char line[16];
    for (u32 i = 0; i < CONTROL_CLIENTS; i++)
        fd[i] = talk_to(f);
    fd[CONTROL_CLIENTS] = connect_to(f->path);
    expect(fd[CONTROL_CLIENTS], "too many clients");
    assert_false(read_line(fd[CONTROL_CLIENTS], line, sizeof line));
    for (u32 i = 0; i <= CONTROL_CLIENTS; i++)
        close(fd[i]);
    for (u32 i = 0; i < 100; i++) { /* there is room again, soon */
        int again = connect_to(f->path);
        char text[512];
        assert_true(read_line(again, text, sizeof text));
        close(again);
        if (strstr(text, "QMP"))
            return;
        usleep(20000);
    }
    fail_msg("there is no room again");
}

/* The run loop never comes: the end does. */
static void orders_end_with_the_guest(void **state)
{
    struct fixture *f = *state;
    f->deaf = true;
    int fd = talk_to(f);
    say(fd, "{\"execute\":\"stop\",\"id\":9}");
    for (u32 i = 0; i < 3000 && !__atomic_load_n(&f->kicks, __ATOMIC_RELAXED); i++)
        usleep(1000);
    control_stop(f->control);
    expect(fd, "the guest has ended");
    char line[16];
    assert_false(read_line(fd, line, sizeof line));
    assert_int_equal(f->stops, 0);
    close(fd);
}

static void the_socket_is_its_owners(void **state)
{
    struct fixture *f = *state;
    struct stat at;
    assert_int_equal(stat(f->path, &at), 0);
    assert_true(S_ISSOCK(at.st_mode));
    assert_int_equal(at.st_mode & 07777, 0600);
}

static void only_a_stale_socket_is_replaced(void **state)
{
    struct fixture *f = *state;
    struct control *second;
    char file[64], link[64], stale[64];
    assert_int_equal(control_open(&second, f->path, NULL), -EADDRINUSE);
    snprintf(file, sizeof file, "%s/file", f->dir);
    snprintf(link, sizeof link, "%s/link", f->dir);
    snprintf(stale, sizeof stale, "%s/stale", f->dir);
    fclose(fopen(file, "w"));
    assert_int_equal(control_open(&second, file, NULL), -EEXIST);
    assert_int_equal(symlink(stale, link), 0);
    assert_int_equal(control_open(&second, link, NULL), -EEXIST);
    assert_int_equal(control_open(&second, f->dir, NULL), -EEXIST);
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    strcpy(address.sun_path, stale);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
    close(fd); /* it stays in the file system */
    assert_int_equal(control_open(&second, stale, NULL), 0);
    control_close(second);
    assert_int_not_equal(access(stale, F_OK), 0);
    unlink(file);
    unlink(link);
}

static void paths_that_cannot_be(void **state)
{
    struct control *control;
    char path[200];
    (void)state;
    memset(path, 'x', sizeof path);
    path[sizeof path - 1] = '\0';
    assert_int_equal(control_open(&control, path, NULL), -ENAMETOOLONG);
    assert_int_equal(control_open(&control, "/nonexistent/socket", NULL), -ENOENT);
    assert_int_equal(control_open(&control, "/dev/null", NULL), -EEXIST);
}

#define TALK(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

const struct CMUnitTest talk_tests[] = {
    TALK(negotiation_comes_first),
    TALK(commands_are_carried_out_in_order),
    TALK(arguments_are_refused_before_the_guest_is_asked),
    TALK(what_the_guest_refuses_is_an_error),
    TALK(a_client_may_leave),
    TALK(a_client_may_stop_reading),
    TALK(a_full_pipe_stays_full),
    TALK(there_may_be_too_many),
    TALK(orders_end_with_the_guest),
    TALK(the_socket_is_its_owners),
    TALK(only_a_stale_socket_is_replaced),
    cmocka_unit_test(paths_that_cannot_be),
};
const size_t talk_test_count = ARRAY_LEN(talk_tests);
