/* See control.h. The thread that owns the socket, and the two queues between it and the run loop. */
#include "control/control.h"

#include "control/control_impl.h"

#include "base/host.h"
#include "base/log.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

/* Between two turns of the run loop, and between two attempts to accept a client when the host has run out of
 * something. */
#define TURN_GAP_NS   NS_PER_MS
#define ACCEPT_GAP_NS (100 * NS_PER_MS)
/* At the end: for clients to read what they were told. */
#define LAST_WORDS_NS (250 * NS_PER_MS)

enum { EVENTS_MAX = 1000 }; /* waiting for the thread; more are lost */

struct control {
    struct control_socket socket;
    struct control_loop loop;
    pthread_t thread;
    bool runs;
    int wake_fd; /* an eventfd: there are posts, or the end */

    pthread_mutex_t lock;
    bool ends;
    struct control_status status;
    struct control_order *orders, **last_order; /* for the run loop */
    struct control_post *posts, **last_post;    /* for the thread */
    u32 events;                                 /* among the posts */
    bool turn_done;
    u64 turn_ns; /* that it took */

    /* The thread's own. */
    struct control_client *client[CONTROL_CLIENTS];
    u32 n_clients;
    u64 serial;                                    /* of the next one */
    struct control_order *waiting, **last_waiting; /* until the next turn */
    bool asked;                                    /* a turn has been asked for */
    u64 next_turn_ns, next_accept_ns;
};

static void wake(struct control *c)
{
    u64 one = 1;
    if (write(c->wake_fd, &one, sizeof one) < 0)
        return; /* it counts already */
}

/* --- the run loop's part --- */

static void post(struct control *c, struct control_post *p)
{
    p->next = NULL;
    pthread_mutex_lock(&c->lock);
    *c->last_post = p;
    c->last_post = &p->next;
    pthread_mutex_unlock(&c->lock);
}

static struct control_order *take_orders(struct control *c)
{
    pthread_mutex_lock(&c->lock);
    struct control_order *list = c->orders;
    c->orders = NULL;
    c->last_order = &c->orders;
    pthread_mutex_unlock(&c->lock);
    return list;
}

void control_poll(struct control *c, const struct control_guest *guest)
{
    struct control_order *order = take_orders(c), *next;
    if (!order)
        return;
    u64 start_ns = host_monotonic_ns();
    for (; order; order = next) {
        next = order->next;
        order->command->execute(order, guest);
        order->post = (struct control_post){.order = order};
        post(c, &order->post); /* behind the events that it made */
    }
    pthread_mutex_lock(&c->lock);
    c->turn_done = true;
    c->turn_ns = host_monotonic_ns() - start_ns;
    pthread_mutex_unlock(&c->lock);
    wake(c);
}

void control_event(struct control *c, const char *name, json_t *data)
{
    struct control_post *p = calloc(1, sizeof *p);
    json_t *event = qmp_event(name, data);
    pthread_mutex_lock(&c->lock);
    bool room = c->events < EVENTS_MAX;
    c->events += room && p && event;
    pthread_mutex_unlock(&c->lock);
    if (!room || !p || !event) {
        free(p);
        json_decref(event);
        return;
    }
    p->event = event;
    post(c, p);
    wake(c);
}

void control_set_running(struct control *c, bool running)
{
    pthread_mutex_lock(&c->lock);
    c->status.running = running;
    pthread_mutex_unlock(&c->lock);
}

void control_set_level(struct control *c, int level)
{
    pthread_mutex_lock(&c->lock);
    c->status.level = level;
    pthread_mutex_unlock(&c->lock);
}

/* --- the thread: orders --- */

static void hand_over(void *opaque, struct control_order *order)
{
    struct control *c = opaque;
    *c->last_waiting = order;
    c->last_waiting = &order->next;
}

/* All orders that wait in one turn, and turns not too often. */
static void ask_for_turn(struct control *c)
{
    if (!c->waiting || c->asked || host_monotonic_ns() < c->next_turn_ns)
        return;
    c->asked = true;
    pthread_mutex_lock(&c->lock);
    *c->last_order = c->waiting;
    c->last_order = c->last_waiting;
    pthread_mutex_unlock(&c->lock);
    c->waiting = NULL;
    c->last_waiting = &c->waiting;
    c->loop.kick(c->loop.opaque);
}

static struct control_client *client_of(struct control *c, u64 serial)
{
    for (u32 i = 0; i < c->n_clients; i++)
        if (control_client_serial(c->client[i]) == serial)
            return c->client[i];
    return NULL;
}

static void answer(struct control *c, struct control_order *order, const struct control_status *status)
{
    struct control_client *client = client_of(c, order->client);
    order->status = *status;
    if (client)
        control_client_answer(client, control_order_reply(order));
    control_order_destroy(order);
}

static void tell_all(struct control *c, struct control_post *p)
{
    for (u32 i = 0; i < c->n_clients; i++)
        control_client_tell(c->client[i], p->event);
    json_decref(p->event);
    free(p);
}

static void deliver_posts(struct control *c)
{
    pthread_mutex_lock(&c->lock);
    struct control_post *p = c->posts, *next;
    struct control_status status = c->status;
    c->posts = NULL;
    c->last_post = &c->posts;
    c->events = 0;
    if (c->turn_done) {
        c->asked = c->turn_done = false;
        c->next_turn_ns = host_monotonic_ns() + MAX(CONTROL_SHARE * c->turn_ns, TURN_GAP_NS);
    }
    pthread_mutex_unlock(&c->lock);
    for (; p; p = next) {
        next = p->next;
        if (p->order)
            answer(c, p->order, &status);
        else
            tell_all(c, p);
    }
}

/* --- the thread: clients --- */

static void refuse_client(int fd)
{
    static const char text[] =
        "{\"error\": {\"class\": \"GenericError\", \"desc\": \"there are too many clients already\"}}\r\n";
    (void)!send(fd, text, sizeof text - 1, MSG_NOSIGNAL | MSG_DONTWAIT);
    close(fd);
}

static void accept_clients(struct control *c)
{
    for (u32 i = 0; i < CONTROL_CLIENTS; i++) {
        int fd = accept4(c->socket.fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0) {
            if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED)
                c->next_accept_ns = host_monotonic_ns() + ACCEPT_GAP_NS;
            return;
        }
        struct control_client *client =
            c->n_clients < CONTROL_CLIENTS ? control_client_create(fd, c->serial++) : NULL;
        if (client)
            c->client[c->n_clients++] = client;
        else if (c->n_clients == CONTROL_CLIENTS)
            refuse_client(fd);
    }
}

static void bury_clients(struct control *c)
{
    for (u32 i = 0; i < c->n_clients;) {
        if (!control_client_is_over(c->client[i])) {
            i++;
            continue;
        }
        control_client_destroy(c->client[i]);
        c->client[i] = c->client[--c->n_clients];
    }
}

/* --- the thread --- */

enum { FD_WAKE, FD_LISTEN, FD_CLIENTS };

static struct timespec until(u64 then_ns, u64 now_ns)
{
    u64 left = then_ns > now_ns ? then_ns - now_ns : 0;
    return (struct timespec){.tv_sec = (time_t)(left / NS_PER_S), .tv_nsec = (long)(left % NS_PER_S)};
}

static void wait_for_something(struct control *c, struct pollfd *fds)
{
    u64 now = host_monotonic_ns(), next = UINT64_MAX;
    bool may_accept = now >= c->next_accept_ns;
    fds[FD_WAKE] = (struct pollfd){.fd = c->wake_fd, .events = POLLIN};
    fds[FD_LISTEN] = (struct pollfd){.fd = may_accept ? c->socket.fd : -1, .events = POLLIN};
    for (u32 i = 0; i < c->n_clients; i++) {
        fds[FD_CLIENTS + i] = control_client_wants(c->client[i]);
        if (control_client_is_restless(c->client[i]))
            next = now;
    }
    if (c->waiting && !c->asked)
        next = MIN(next, c->next_turn_ns);
    if (!may_accept)
        next = MIN(next, c->next_accept_ns);
    struct timespec left = until(next, now);
    if (ppoll(fds, FD_CLIENTS + c->n_clients, next == UINT64_MAX ? NULL : &left, NULL) < 0)
        for (u32 i = 0; i < FD_CLIENTS + c->n_clients; i++)
            fds[i].revents = 0;
}

static struct control_status status_now(struct control *c, bool *ends)
{
    pthread_mutex_lock(&c->lock);
    struct control_status status = c->status;
    *ends = c->ends;
    pthread_mutex_unlock(&c->lock);
    return status;
}

/* False: it is time to end. */
static bool round_of(struct control *c)
{
    struct pollfd fds[FD_CLIENTS + CONTROL_CLIENTS];
    u32 polled = c->n_clients;
    u64 count;
    bool ends;
    wait_for_something(c, fds);
    if (fds[FD_WAKE].revents && read(c->wake_fd, &count, sizeof count) < 0)
        return true;
    deliver_posts(c);
    struct control_status status = status_now(c, &ends);
    for (u32 i = 0; i < polled && !ends; i++)
        control_client_work(c->client[i], fds[FD_CLIENTS + i].revents, &status, hand_over, c);
    if (fds[FD_LISTEN].revents && !ends)
        accept_clients(c);
    bury_clients(c);
    ask_for_turn(c);
    return !ends;
}

static void refuse_orders(struct control *c, struct control_order *order)
{
    struct control_order *next;
    for (; order; order = next) {
        next = order->next;
        snprintf(order->why, sizeof order->why, "the guest has ended");
        answer(c, order, &c->status);
    }
}

static void let_them_read(struct control *c)
{
    u64 end_ns = host_monotonic_ns() + LAST_WORDS_NS, now;
    for (;;) {
        struct pollfd fds[CONTROL_CLIENTS];
        nfds_t n = 0;
        for (u32 i = 0; i < c->n_clients; i++)
            if (control_client_owes(c->client[i]))
                fds[n++] = (struct pollfd){.fd = control_client_wants(c->client[i]).fd, .events = POLLOUT};
        if (!n || (now = host_monotonic_ns()) >= end_ns)
            return;
        struct timespec left = until(end_ns, now);
        (void)ppoll(fds, n, &left, NULL);
        for (u32 i = 0; i < c->n_clients; i++)
            control_client_flush(c->client[i]);
    }
}

static void *run(void *opaque)
{
    struct control *c = opaque;
    while (round_of(c))
        ;
    deliver_posts(c);
    refuse_orders(c, c->waiting);
    refuse_orders(c, take_orders(c));
    let_them_read(c);
    return NULL;
}

/* Signals are for the other threads. */
static int create_thread(struct control *c)
{
    sigset_t all, old;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    int rc = -pthread_create(&c->thread, NULL, run, c);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    return rc;
}

int control_start(struct control *c, const struct control_loop *loop, int level)
{
    c->loop = *loop;
    c->status.level = level;
    c->status.running = true;
    int rc = create_thread(c);
    c->runs = !rc;
    if (rc)
        log_error("--control: %s", strerror(-rc));
    return rc;
}

void control_stop(struct control *c)
{
    if (!c->runs)
        return;
    pthread_mutex_lock(&c->lock);
    c->ends = true;
    pthread_mutex_unlock(&c->lock);
    wake(c);
    pthread_join(c->thread, NULL);
    c->runs = false;
    while (c->n_clients)
        control_client_destroy(c->client[--c->n_clients]);
}

/* --- life --- */

int control_open(struct control **out, const char *path, const char *guest)
{
    struct control *c = calloc(1, sizeof *c);
    if (!c) {
        log_error("--control=%s: out of memory", path);
        return -ENOMEM;
    }
    c->status.guest = guest;
    c->last_order = &c->orders;
    c->last_post = &c->posts;
    c->last_waiting = &c->waiting;
    pthread_mutex_init(&c->lock, NULL);
    c->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    int rc = c->wake_fd < 0 ? -errno : control_socket_open(&c->socket, path);
    if (rc) {
        if (c->wake_fd < 0)
            log_error("--control=%s: %s", path, strerror(-rc));
        else
            close(c->wake_fd);
        pthread_mutex_destroy(&c->lock);
        free(c);
        return rc;
    }
    *out = c;
    return 0;
}

/* Events that nobody was there to be told. */
static void forget_posts(struct control *c)
{
    for (struct control_post *p = c->posts, *next; p; p = next) {
        next = p->next;
        json_decref(p->event);
        free(p);
    }
}

void control_close(struct control *c)
{
    control_socket_close(&c->socket);
    forget_posts(c);
    close(c->wake_fd);
    pthread_mutex_destroy(&c->lock);
    free(c);
}
