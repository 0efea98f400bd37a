/* Why a frame got lost between guest and network: JSON key, text. */
#ifndef HUDDLE_NET_NET_DROPS_H
#define HUDDLE_NET_NET_DROPS_H

#define NET_DROPS(X)                                                                                         \
    X(sent_malformed, "sent, of a length that no network takes")                                             \
    X(sent_crc, "sent, with a wrong checksum of the guest's own")                                            \
    X(sent_queue, "sent, and the network was behind")                                                        \
    X(received_malformed, "received, of a length that no network has")                                       \
    X(received_queue, "received, and the card was behind")                                                   \
    X(receiver_off, "received, the card's receiver was off")                                                 \
    X(other_station, "received, for another station")                                                        \
    X(runt, "received, shorter than 60 bytes")                                                               \
    X(damaged, "received, damaged on the way")                                                               \
    X(ring_full, "received, the card's ring was full")

enum net_drop {
#define X(id, text) NET_DROP_##id,
    NET_DROPS(X)
#undef X
        NET_DROP_KINDS
};

#endif
