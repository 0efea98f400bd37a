/* The host's network through libslirp: a thread owns the library and all of its sockets, so the vCPU never
 * waits for one and no guest can keep it from running. Two queues and two wake-ups connect them: an event
 * descriptor to the thread, a kick to the run loop. The guest's side is as QEMU's "user":
 * network 10.0.2.0/24, the host at .2, name server at .3, addresses by DHCP from .15 on. NOTE: the guest
 * reaches whatever the user who runs huddle reaches, services on the host's 127.0.0.1 (as 10.0.2.2) included,
 * unless it is restricted.
 * LIMIT: connections are not part of a saved state; IPv4 only. */
#include "net/net.h"

#include "base/host.h"
#include "base/log.h"

#include <arpa/inet.h>
#include <errno.h>
#include <slirp/libslirp.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

enum {
    NETWORK = 0x0a000200,
    NETMASK = 0xffffff00,
    HOST = NETWORK + 2,
    NAME_SERVER = NETWORK + 3,
    FIRST_GUEST = NETWORK + 15,
    TIMERS = 4,
    FDS_FIRST = 16,
    SLIRP_CONFIG_VERSION = 4,
};

struct user_timer {
    bool used, armed;
    SlirpTimerId id;
    void *opaque;
    s64 expires_ms;
    struct net_user *user;
};

struct net_user {
    struct net *net;
    Slirp *slirp;
    pthread_t thread;
    bool runs, ends, woken;
    bool complained;
    int wake_fd;
    struct net_queue out; /* from the card */
    struct pollfd *fds;   /* [0] is wake_fd */
    u32 n_fds, fds_room;
    struct user_timer timer[TIMERS];
};

/* --- what libslirp calls --- */

static ssize_t send_packet(const void *frame, size_t bytes, void *opaque)
{
    struct net_user *user = opaque;
    net_deliver(user->net, frame, (u32)MIN(bytes, (size_t)UINT32_MAX), 0);
    return (ssize_t)bytes;
}

static void guest_error(const char *message, void *opaque)
{
    struct net_user *user = opaque;
    if (!user->complained)
        log_warn("network: %s (said once)", message);
    user->complained = true;
}

static int64_t clock_get_ns(void *opaque)
{
    (void)opaque;
    return (int64_t)host_monotonic_ns();
}

static s64 now_ms(void)
{
    return clock_get_ns(NULL) / (s64)NS_PER_MS;
}

static void *timer_new(SlirpTimerId id, void *timer_opaque, void *opaque)
{
    struct net_user *user = opaque;
    for (u32 i = 0; i < TIMERS; i++) {
        struct user_timer *timer = &user->timer[i];
        if (timer->used)
            continue;
        *timer = (struct user_timer){.used = true, .id = id, .opaque = timer_opaque, .user = user};
        return timer;
    }
    return NULL;
}

static void timer_free(void *opaque_timer, void *opaque)
{
    struct user_timer *timer = opaque_timer;
    (void)opaque;
    if (timer)
        timer->used = timer->armed = false;
}

static void timer_mod(void *opaque_timer, int64_t expires_ms, void *opaque)
{
    struct user_timer *timer = opaque_timer;
    (void)opaque;
    if (!timer)
        return;
    timer->armed = true;
    timer->expires_ms = expires_ms;
}

static void note_fd(int fd, void *opaque)
{
    (void)fd, (void)opaque; /* poll is told about all of them each time */
}

static void note_room(void *opaque)
{
    (void)opaque; /* only the thread itself makes any */
}

static const SlirpCb callbacks = {
    .send_packet = send_packet,
    .guest_error = guest_error,
    .clock_get_ns = clock_get_ns,
    .timer_free = timer_free,
    .timer_mod = timer_mod,
    .register_poll_fd = note_fd,
    .unregister_poll_fd = note_fd,
    .notify = note_room,
    .timer_new_opaque = timer_new,
};

static int add_poll(int fd, int events, void *opaque)
{
    struct net_user *user = opaque;
    if (user->n_fds == user->fds_room) {
        u32 room = user->fds_room ? 2 * user->fds_room : FDS_FIRST;
        struct pollfd *fds = realloc(user->fds, room * sizeof *fds);
        if (!fds)
            return -1;
        user->fds = fds;
        user->fds_room = room;
    }
    short wanted = (short)((events & SLIRP_POLL_IN ? POLLIN : 0) | (events & SLIRP_POLL_OUT ? POLLOUT : 0) |
                           (events & SLIRP_POLL_PRI ? POLLPRI : 0));
    user->fds[user->n_fds] = (struct pollfd){.fd = fd, .events = wanted};
    return (int)user->n_fds++;
}

static int get_events(int index, void *opaque)
{
    const struct net_user *user = opaque;
    if (index < 0 || (u32)index >= user->n_fds)
        return 0;
    short seen = user->fds[index].revents;
    return (seen & POLLIN ? SLIRP_POLL_IN : 0) | (seen & POLLOUT ? SLIRP_POLL_OUT : 0) |
           (seen & POLLPRI ? SLIRP_POLL_PRI : 0) | (seen & POLLERR ? SLIRP_POLL_ERR : 0) |
           (seen & POLLHUP ? SLIRP_POLL_HUP : 0);
}

/* --- the thread --- */

/* False: there were none. */
static bool take_frames(struct net_user *user)
{
    struct net_queue *out = &user->out;
    u32 tail = __atomic_load_n(&out->tail, __ATOMIC_ACQUIRE);
    bool any = out->head != tail;
    while (out->head != tail) {
        const struct net_frame *frame = &out->frame[out->head % NET_QUEUE_FRAMES];
        slirp_input(user->slirp, frame->data, frame->bytes);
        __atomic_store_n(&out->head, out->head + 1, __ATOMIC_RELEASE);
    }
    return any;
}

static void run_timers(struct net_user *user)
{
    for (u32 i = 0; i < TIMERS; i++) {
        struct user_timer *timer = &user->timer[i];
        if (!timer->armed || timer->expires_ms > now_ms())
            continue;
        timer->armed = false;
        slirp_handle_timer(user->slirp, timer->id, timer->opaque);
    }
}

static int timeout_ms(const struct net_user *user, u32 timeout)
{
    enum { LONGEST_MS = 60000 };
    s64 ms = MIN(timeout, (u32)LONGEST_MS), now = now_ms();
    for (u32 i = 0; i < TIMERS; i++)
        if (user->timer[i].armed)
            ms = MIN(ms, MAX(user->timer[i].expires_ms - now, (s64)0));
    return (int)ms;
}

/* What waits in the library for an answer of the guest's by ARP is looked at again only here: behind frames
 * at once. */
static void serve_sockets(struct net_user *user, bool wait)
{
    u32 timeout = UINT32_MAX;
    u64 count;
    user->n_fds = 0;
    if (add_poll(user->wake_fd, SLIRP_POLL_IN, user) < 0)
        return;
    slirp_pollfds_fill(user->slirp, &timeout, add_poll, user);
    int n = poll(user->fds, user->n_fds, wait ? timeout_ms(user, timeout) : 0);
    if (n > 0 && user->fds[0].revents)
        (void)!read(user->wake_fd, &count, sizeof count);
    slirp_pollfds_poll(user->slirp, n < 0, get_events, user);
    run_timers(user);
}

static void *serve(void *opaque)
{
    struct net_user *user = opaque;
    bool ends;
    do {
        /* Before looking: what comes behind the look wakes again. */
        __atomic_store_n(&user->woken, false, __ATOMIC_SEQ_CST);
        ends = __atomic_load_n(&user->ends, __ATOMIC_SEQ_CST);
        bool any = take_frames(user);
        if (!ends)
            serve_sockets(user, !any);
    } while (!ends);
    return NULL;
}

static void wake(struct net_user *user)
{
    static const u64 one = 1;
    if (!__atomic_exchange_n(&user->woken, true, __ATOMIC_SEQ_CST))
        (void)!write(user->wake_fd, &one, sizeof one);
}

/* --- the card's thread --- */

static void user_send(struct net *net, const u8 *frame, u32 bytes, u64 now_ns)
{
    struct net_queue *out = &net->user->out;
    (void)now_ns;
    if (out->tail - __atomic_load_n(&out->head, __ATOMIC_ACQUIRE) == NET_QUEUE_FRAMES) {
        net_drop(net, NET_DROP_sent_queue);
        return;
    }
    struct net_frame *place = &out->frame[out->tail % NET_QUEUE_FRAMES];
    place->bytes = (u16)bytes;
    memcpy(place->data, frame, bytes);
    __atomic_store_n(&out->tail, out->tail + 1, __ATOMIC_RELEASE);
    wake(net->user);
}

/* --- life --- */

static struct in_addr address(u32 host_order)
{
    return (struct in_addr){htonl(host_order)};
}

static int open_slirp(struct net_user *user, const struct net_config *config)
{
    SlirpConfig slirp = {
        .version = SLIRP_CONFIG_VERSION,
        .restricted = config->restricted,
        .in_enabled = true,
        .vnetwork = address(NETWORK),
        .vnetmask = address(NETMASK),
        .vhost = address(HOST),
        .vnameserver = address(NAME_SERVER),
        .vdhcp_start = address(FIRST_GUEST),
    };
    user->slirp = slirp_new(&slirp, &callbacks, user);
    if (user->slirp)
        return 0;
    log_error("--net=user: libslirp cannot be started");
    return -ENOMEM;
}

static int open_forward(struct net_user *user, const struct net_forward *f)
{
    char host[INET_ADDRSTRLEN];
    struct in_addr listens = address(f->host_address);
    errno = 0;
    if (!slirp_add_hostfwd(user->slirp, f->udp, listens, f->host_port, address(f->guest_address),
                           f->guest_port))
        return 0;
    int rc = errno ? -errno : -EINVAL;
    inet_ntop(AF_INET, &listens, host, sizeof host);
    log_error("--net=user: hostfwd=%s:%s:%u: cannot listen there: %s", f->udp ? "udp" : "tcp", host,
              f->host_port, strerror(-rc));
    return rc;
}

static int user_open(struct net *net)
{
    struct net_user *user = net->user = calloc(1, sizeof *user);
    if (!user) {
        log_error("--net=user: there is not enough memory");
        return -ENOMEM;
    }
    user->net = net;
    user->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (user->wake_fd < 0) {
        int rc = -errno;
        log_error("--net=user: cannot create an event descriptor: %s", strerror(-rc));
        return rc;
    }
    int rc = open_slirp(user, &net->config);
    for (u32 i = 0; !rc && i < net->config.n_forwards; i++)
        rc = open_forward(user, &net->config.forward[i]);
    return rc;
}

static void user_close(struct net *net)
{
    struct net_user *user = net->user;
    if (!user)
        return;
    if (user->slirp)
        slirp_cleanup(user->slirp);
    if (user->wake_fd >= 0)
        close(user->wake_fd);
    free(user->fds);
    free(user);
}

/* The thread has no use for anybody's signals, a broken pipe's included. */
static int user_start(struct net *net)
{
    struct net_user *user = net->user;
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &before);
    int rc = -pthread_create(&user->thread, NULL, serve, user);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    user->runs = !rc;
    if (rc)
        log_error("--net=user: no thread for it: %s", strerror(-rc));
    return rc;
}

/* What the guest has sent before is still taken. */
static void user_stop(struct net *net)
{
    struct net_user *user = net->user;
    if (!user->runs)
        return;
    __atomic_store_n(&user->ends, true, __ATOMIC_SEQ_CST);
    wake(user);
    pthread_join(user->thread, NULL);
    user->runs = false;
}

const struct net_class net_user_class = {
    .open = user_open,
    .close = user_close,
    .start = user_start,
    .stop = user_stop,
    .send = user_send,
};
