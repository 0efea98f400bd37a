/* The wire: checks of lengths, the queue to the card, counts. */
#include "net/net.h"

#include "base/log.h"
#include "machine/clock.h"
#include "machine/state.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const struct net_class *const classes[] = {[NET_ECHO] = &net_echo_class, [NET_USER] = &net_user_class};

int net_open(struct net **out, const struct net_config *config)
{
    *out = NULL;
    if (config->kind == NET_NONE)
        return 0;
    struct net *net = calloc(1, sizeof *net);
    if (!net) {
        log_error("--net: there is not enough memory");
        return -ENOMEM;
    }
    net->class = classes[config->kind];
    net->config = *config;
    int rc = net->class->open ? net->class->open(net) : 0;
    if (rc) {
        net_close(net);
        return rc;
    }
    *out = net;
    return 0;
}

void net_close(struct net *net)
{
    if (!net)
        return;
    if (net->class->close)
        net->class->close(net);
    free(net);
}

int net_start(struct net *net, const struct net_loop *loop)
{
    net->loop = *loop;
    return net->class->start ? net->class->start(net) : 0;
}

void net_stop(struct net *net)
{
    if (net->class->stop)
        net->class->stop(net);
    net->loop = (struct net_loop){0};
}

/* --- counts, some of them from the peer's thread --- */

static void count(u64 *counter)
{
    __atomic_fetch_add(counter, 1, __ATOMIC_RELAXED);
}

void net_drop(struct net *net, enum net_drop why)
{
    count(&net->counts.dropped[why]);
}

static void sample(struct net *net)
{
    struct net_counts *c = &net->counts;
    if (!net->loop.sample)
        return;
    net->loop.sample(net->loop.opaque, &c->last);
    c->last.received = c->received;
    if (c->sent == 1)
        c->first = c->last;
}

/* --- from the card --- */

void net_send(struct net *net, const u8 *frame, u32 bytes, u64 now_ns)
{
    if (bytes < NET_FRAME_MIN || bytes > NET_FRAME_MAX) {
        net_drop(net, NET_DROP_sent_malformed);
        return;
    }
    net->counts.sent++;
    net->counts.sent_bytes += bytes;
    sample(net);
    net->class->send(net, frame, bytes, now_ns);
}

/* --- to the card --- */

static u32 load(const u32 *index)
{
    return __atomic_load_n(index, __ATOMIC_ACQUIRE);
}

static void store(u32 *index, u32 value)
{
    __atomic_store_n(index, value, __ATOMIC_RELEASE);
}

static struct net_frame *at(struct net_queue *queue, u32 index)
{
    return &queue->frame[index % NET_QUEUE_FRAMES];
}

static struct net_frame *room(struct net_queue *queue)
{
    return queue->tail - load(&queue->head) < NET_QUEUE_FRAMES ? at(queue, queue->tail) : NULL;
}

static void kick(struct net *net)
{
    bool told = __atomic_exchange_n(&net->told, true, __ATOMIC_SEQ_CST);
    if (!told && net->loop.kick)
        net->loop.kick(net->loop.opaque);
}

void net_deliver(struct net *net, const u8 *frame, u32 bytes, u64 at_ns)
{
    if (bytes > NET_FRAME_MAX || !bytes) {
        net_drop(net, NET_DROP_received_malformed);
        return;
    }
    struct net_frame *place = room(&net->queue);
    if (!place) {
        net_drop(net, NET_DROP_received_queue);
        return;
    }
    place->at_ns = at_ns;
    place->bytes = (u16)MAX(bytes, (u32)NET_FRAME_MIN);
    memcpy(place->data, frame, bytes);
    memset(place->data + bytes, 0, place->bytes - bytes);
    store(&net->queue.tail, net->queue.tail + 1);
    if (!net->class->repeatable)
        kick(net);
}

const struct net_frame *net_next(struct net *net)
{
    /* Before looking: a frame that comes behind the look kicks again. */
    if (!net->class->repeatable)
        (void)__atomic_exchange_n(&net->told, false, __ATOMIC_SEQ_CST);
    return net->queue.head != load(&net->queue.tail) ? at(&net->queue, net->queue.head) : NULL;
}

void net_take(struct net *net)
{
    store(&net->queue.head, net->queue.head + 1);
}

void net_received(struct net *net, u32 bytes)
{
    net->counts.received++;
    net->counts.received_bytes += bytes;
}

/* --- state --- */

void net_state(struct net *net, struct state *s)
{
    struct net_queue *queue = &net->queue;
    if (!net->class->repeatable)
        return;
    u32 waiting = queue->tail - queue->head;
    state_u32_in(s, &waiting, 0, NET_QUEUE_FRAMES, "the frames under way");
    if (s->loading) {
        queue->head = 0;
        queue->tail = s->failed ? 0 : waiting;
    }
    for (u32 i = queue->head; i != queue->tail && !s->failed; i++) {
        struct net_frame *frame = at(queue, i);
        state_u64_in(s, &frame->at_ns, 0, CLOCK_STATE_MAX_NS, "a frame's time");
        state_u16_in(s, &frame->bytes, NET_FRAME_MIN, NET_FRAME_MAX, "a frame's length");
        state_bytes(s, frame->data, frame->bytes);
    }
    if (s->failed)
        queue->head = queue->tail = 0;
}
