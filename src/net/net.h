/* The seam between the guest's network card and who is at the other end of the wire.
 *
 *   card --net_send--> peer's `send`          in the vCPU's thread, never waits
 *   card <--net_next-- queue <--net_deliver-- the peer, in whatever thread it has
 *
 * The queue has one writer and one reader and no lock; when it is full, frames are lost and counted, as on a
 * wire. A peer that is `repeatable` lives in the guest's time: its frames are delivered in the vCPU's thread
 * with the moments at which they begin, are the same in every run under the access clock, and part of a saved
 * state. The other kind has the host's time, and its frames come when the run loop was kicked. Frames are
 * without preamble and checksum. */
#ifndef HUDDLE_NET_NET_H
#define HUDDLE_NET_NET_H

#include "net/net_config.h"
#include "net/net_drops.h"

enum {
    NET_FRAME_MIN = 60,
    NET_FRAME_MAX = 1514,
    NET_QUEUE_FRAMES = 128, /* a power of two */
};

struct state; /* machine/state.h */
struct net;
struct net_user;

struct net_frame {
    u64 at_ns; /* of virtual time: not before; 0: as soon as the wire is free */
    u16 bytes;
    u8 data[NET_FRAME_MAX];
};

struct net_queue {
    u32 head, tail; /* frames ever taken, put; each written by one side only */
    struct net_frame frame[NET_QUEUE_FRAMES];
};

/* What the run has spent at a moment. */
struct net_sample {
    u64 exits, accesses, host_ns;
    u64 received; /* frames that the guest has got by then */
};

struct net_counts {
    u64 sent, sent_bytes, received, received_bytes;
    u64 dropped[NET_DROP_KINDS];
    struct net_sample first, last; /* when the first and the last frame were sent */
};

/* What a peer needs of the run loop. */
struct net_loop {
    void *opaque;
    void (*kick)(void *opaque);                              /* frames have come; from any thread */
    void (*sample)(void *opaque, struct net_sample *sample); /* all but `received` */
};

struct net_class {
    int (*open)(struct net *net);   /* 0 or -errno (logged); may be NULL, as all but `send` */
    void (*close)(struct net *net); /* also after a failed open */
    int (*start)(struct net *net);  /* the run begins: net->loop is there. 0 or -errno (logged) */
    void (*stop)(struct net *net);
    void (*send)(struct net *net, const u8 *frame, u32 bytes, u64 now_ns);
    bool repeatable;
};

struct net {
    const struct net_class *class;
    struct net_config config;
    struct net_loop loop;
    bool told; /* the run loop has been kicked and has not looked yet */
    struct net_counts counts;
    struct net_user *user; /* NET_USER */
    struct net_queue queue;
};

extern const struct net_class net_echo_class, net_user_class;

/* Makes the network that `config` asks for; NULL for NET_NONE. 0 or -errno (logged). */
must_check int net_open(struct net **net, const struct net_config *config);
void net_close(struct net *net);

/* The run begins and ends; what `loop` points to must live until net_stop. 0 or -errno (logged). */
must_check int net_start(struct net *net, const struct net_loop *loop);
void net_stop(struct net *net);

/* --- the card's side --- */

/* A frame that has left the card at `now_ns` of virtual time. */
void net_send(struct net *net, const u8 *frame, u32 bytes, u64 now_ns);
/* The next frame for the card, which keeps its place until net_take; NULL: there is none, and the run loop is
 * kicked when one comes. */
const struct net_frame *net_next(struct net *net);
void net_take(struct net *net);
/* The card has given a frame to the guest, or not. */
void net_received(struct net *net, u32 bytes);
void net_drop(struct net *net, enum net_drop why);

/* --- the peer's side --- */

/* A frame for the card; a short one is padded as any sender does. Kicks the run loop if the peer is not
 * repeatable. */
void net_deliver(struct net *net, const u8 *frame, u32 bytes, u64 at_ns);

/* The frames of a repeatable peer that the card has not got yet, in either direction. */
void net_state(struct net *net, struct state *state);

#endif
