/* What --net asks for: which network, which card, which of the host's ports lead to the guest. */
#ifndef HUDDLE_NET_NET_CONFIG_H
#define HUDDLE_NET_NET_CONFIG_H

#include "base/types.h"

enum net_kind { NET_NONE, NET_ECHO, NET_USER };

enum { NET_MAC_BYTES = 6, NET_FORWARDS_MAX = 16 };

/* A port of the host that leads to one of the guest. Addresses in host byte order; 0: all of the host's, or
 * the guest's usual one. */
struct net_forward {
    bool udp;
    u32 host_address, guest_address;
    u16 host_port, guest_port;
};

struct net_config {
    enum net_kind kind;
    u16 io; /* the card's first port */
    u8 irq;
    u8 mac[NET_MAC_BYTES];
    bool restricted; /* user: the guest reaches nothing but what is forwarded to it */
    struct net_forward forward[NET_FORWARDS_MAX];
    u32 n_forwards;
};

/* No network; 300h, IRQ 9 and the address that a card would have. */
void net_config_init(struct net_config *config);

/* Takes "KIND[,KEY=VALUE]...". False: `why` (`size` bytes) says what is wrong with it. */
must_check bool net_config_parse(struct net_config *config, const char *text, char *why, size_t size);

/* "none", "echo", "user". */
const char *net_kind_name(enum net_kind kind);

#endif
