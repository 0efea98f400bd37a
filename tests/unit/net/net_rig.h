/* A machine with a network card and nothing else; the other end of its wire is the test. */
#ifndef TESTS_UNIT_NET_RIG_H
#define TESTS_UNIT_NET_RIG_H

#include "../dev/dev_rig.h"

#include "dev/ne2000.h"

enum {
    IO = 0x300,
    DATA = IO + 0x10,
    RESET = IO + 0x1f,
    IRQ = 9,
    PAGE_SEND = 0x40,
    PAGE_RING = 0x46,
    PAGE_END = 0x80,
    STOP = 0x21,
    START = 0x22,
    SEND = 0x26,
    READ = 0x0a,
    WRITE = 0x12,
    PAGE1 = 0x40,
    PAGE2 = 0x80,
};

extern const u8 our_mac[NET_MAC_BYTES], other_mac[NET_MAC_BYTES];

struct net_rig {
    struct rig *rig;
    struct ne2000 *nic;
    struct net net;
    u8 sent[NET_FRAME_MAX]; /* the last frame that left the card */
    u32 sent_bytes, n_sent;
};

/* A card behind its reset; the frames that leave it are kept. */
struct net_rig *net_rig_new(void);
void net_rig_free(struct net_rig *rig);

u8 reg_in(struct net_rig *rig, u32 offset);
void reg_out(struct net_rig *rig, u32 offset, u8 value);
/* The same in a page of its own: the command register keeps STP and STA. */
u8 page_in(struct net_rig *rig, u8 page, u32 offset);
void page_out(struct net_rig *rig, u8 page, u32 offset, u8 value);

/* As a driver does: words (or `dcr`), a ring from page 46h to 80h, the card's own address, broadcasts;
 * started. */
void card_start(struct net_rig *rig, u8 dcr);
/* Programs a remote transfer. */
void remote(struct net_rig *rig, u8 command, u16 address, u16 bytes);
/* Bytes to and from the card's memory through the data port. */
void card_write(struct net_rig *rig, u16 address, const u8 *data, u16 bytes);
void card_read(struct net_rig *rig, u16 address, u8 *data, u16 bytes);

/* A frame for the card with payload made from `seed`. */
void make_frame(u8 *frame, u32 bytes, const u8 *to, u8 seed);
/* Gives it to the receiver at once. */
void give(struct net_rig *rig, const u8 *frame, u32 bytes, enum ne2000_damage damage);
/* Writes the frame, starts its transmission and lets it end. */
void transmit(struct net_rig *rig, const u8 *frame, u16 bytes);

/* Saves the card, loads it into another machine, which takes its place, and saves it again: it must be the
 * same. */
void swap_card(struct net_rig **rig);

#endif
