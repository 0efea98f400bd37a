/* The DP8390D's transmitter and receiver. Data sheet sections 7 (reception), 8 (transmission) and 12
 * (loopback). A frame takes its time on a wire of 10 Mbit/s on which one station talks at a time; a
 * transmission that finds it busy is deferred. There are no collisions, so none of their retries and
 * statuses. What the controller does with a frame it does at the frame's end, at once: nothing of it shows
 * earlier. NOTE: data sheet section 12 says in one place that the receiver checks a checksum that the
 * transmitter has appended, and in another that it then always shows an error; the second is right, as there
 * is one CRC circuit. */
#include "dev/ne2000.h"

#include "net/ethernet_crc.h"

#include <string.h>

enum {
    BYTE_NS = 800,
    PREAMBLE_BYTES = 8,
    GAP_NS = 9600,
    MIN_RECEIVED = 64,     /* with checksum */
    MIN_RUNT_RECEIVED = 8, /* the same if runts are welcome */
    ADDRESS_BYTES = 6,
};

/* --- the wire --- */

static u64 now_ns(const struct ne2000 *nic)
{
    return clock_now(&nic->machine->clock);
}

/* Of `bytes` with their checksum. */
static u64 frame_ns(u32 bytes)
{
    return (u64)(PREAMBLE_BYTES + bytes) * BYTE_NS;
}

/* Takes the wire from `start_ns` on; the frame's end. */
static u64 occupy(struct ne2000 *nic, u64 start_ns, u32 bytes)
{
    u64 end_ns = start_ns + frame_ns(bytes);
    nic->line_free_ns = end_ns + GAP_NS;
    return end_ns;
}

/* Has the receiver an ear on the wire? In loopback it listens to the transmitter. */
static bool listens(const struct ne2000 *nic)
{
    return ne2000_runs(nic) && !(nic->tcr & TCR_LB);
}

/* --- transmitting --- */

static u32 appended_bytes(const struct ne2000 *nic)
{
    return nic->tcr & TCR_CRC ? 0 : ETHERNET_CRC_BYTES;
}

/* Byte `i` of what is to be sent. Local DMA turns words round if the guest's processor has its bytes so. */
static u8 send_byte(const struct ne2000 *nic, u32 i)
{
    bool turned = (nic->dcr & DCR_WTS) && (nic->dcr & DCR_BOS);
    return ne2000_fetch(nic, (u16)(nic->send_from + i) ^ (turned ? 1 : 0));
}

void ne2000_send(struct ne2000 *nic)
{
    if (nic->sending)
        return;
    nic->command |= CR_TXP;
    nic->held = nic->transmitter_off;
    if (nic->held)
        return;
    u64 now = now_ns(nic), start = MAX(now, nic->line_free_ns);
    nic->sending = true;
    nic->deferred = start > now;
    nic->tsr = 0;
    nic->send_from = (u16)(nic->tpsr * NE2000_PAGE_BYTES);
    nic->send_bytes = nic->tbcr;
    clock_event_arm(&nic->send_event, occupy(nic, start, nic->send_bytes + appended_bytes(nic)));
}

static void put_little_endian(u8 *to, u32 crc)
{
    for (u32 i = 0; i < ETHERNET_CRC_BYTES; i++)
        to[i] = (u8)(crc >> 8 * i);
}

static bool ends_with_crc(const u8 *frame, u32 bytes)
{
    u8 crc[ETHERNET_CRC_BYTES];
    if (bytes < ETHERNET_CRC_BYTES)
        return false;
    put_little_endian(crc, ethernet_crc(frame, bytes - ETHERNET_CRC_BYTES));
    return memcmp(frame + bytes - ETHERNET_CRC_BYTES, crc, sizeof crc) == 0;
}

/* A frame longer than any network takes is only counted, whatever else there is to it. */
static void put_on_wire(struct ne2000 *nic)
{
    u8 frame[NET_FRAME_MAX + ETHERNET_CRC_BYTES];
    u32 bytes = nic->send_bytes;
    if (bytes > sizeof frame) {
        net_drop(nic->net, NET_DROP_sent_malformed);
        return;
    }
    for (u32 i = 0; i < bytes; i++)
        frame[i] = send_byte(nic, i);
    if (!(nic->tcr & TCR_CRC))
        net_send(nic->net, frame, bytes, now_ns(nic));
    else if (ends_with_crc(frame, bytes))
        net_send(nic->net, frame, bytes - ETHERNET_CRC_BYTES, now_ns(nic));
    else
        net_drop(nic->net, NET_DROP_sent_crc);
}

/* --- addresses --- */

static bool is_broadcast(const u8 *address)
{
    static const u8 broadcast[ADDRESS_BYTES] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
    return memcmp(address, broadcast, sizeof broadcast) == 0;
}

static bool is_group(const u8 *address)
{
    return address[0] & 1;
}

/* Is the frame for this station? Group addresses go by AB, AM and the filter, whatever PRO says. */
static bool recognizes(const struct ne2000 *nic, const u8 *address)
{
    u32 hash;
    if (!is_group(address))
        return (nic->rcr & RCR_PRO) || memcmp(address, nic->par, ADDRESS_BYTES) == 0;
    if ((nic->rcr & RCR_AB) && is_broadcast(address))
        return true;
    hash = ethernet_hash(address);
    return (nic->rcr & RCR_AM) && (nic->mar[hash / 8] >> hash % 8 & 1);
}

/* Two groups by which other stations switch the transmitter. */
static void obey_network(struct ne2000 *nic, const u8 *address)
{
    enum { HASH_DISABLES = 62, HASH_ENABLES = 63 };
    u32 hash;
    if (!(nic->tcr & TCR_ATD) || !is_group(address) || is_broadcast(address))
        return;
    hash = ethernet_hash(address);
    if (hash == HASH_DISABLES)
        nic->transmitter_off = true;
    if (hash == HASH_ENABLES)
        nic->transmitter_off = false;
}

static void send_what_was_held(struct ne2000 *nic)
{
    if (nic->held && !nic->transmitter_off)
        ne2000_send(nic);
}

void ne2000_transmit_config(struct ne2000 *nic)
{
    if (!(nic->tcr & TCR_ATD))
        nic->transmitter_off = false;
    send_what_was_held(nic);
}

/* --- loopback --- */

/* The receiver's half of the FIFO takes the frame round and round, then the count: low, high and high again.
 */
struct loop {
    struct ne2000 *nic;
    u32 bytes;
    u8 address[ADDRESS_BYTES];
};

static void loop_byte(struct loop *loop, u8 value)
{
    if (loop->bytes < ADDRESS_BYTES)
        loop->address[loop->bytes] = value;
    if (!(loop->nic->dcr & DCR_LS))
        loop->nic->fifo[loop->bytes % NE2000_FIFO_BYTES] = value;
    loop->bytes++;
}

static void loop_count(struct loop *loop)
{
    u32 bytes = loop->bytes;
    loop_byte(loop, (u8)bytes);
    loop_byte(loop, (u8)(bytes >> 8));
    loop_byte(loop, (u8)(bytes >> 8));
    loop->bytes = bytes;
}

/* What the receiver finds. With a checksum of the transmitter's it always sees an error; with one of the
 * guest's it looks. It says nothing of errors in what it does not recognize. */
static u8 loop_status(const struct ne2000 *nic, const struct loop *loop, bool good)
{
    if (loop->bytes < ADDRESS_BYTES || !recognizes(nic, loop->address))
        return RSR_PRX;
    return (good ? RSR_PRX : RSR_CRC) | (is_group(loop->address) ? RSR_PHY : 0);
}

/* Loopback fetches bytes: of words one, the other is left out. */
static void loop_back(struct ne2000 *nic)
{
    u8 frame[NET_FRAME_MAX + ETHERNET_CRC_BYTES], crc[ETHERNET_CRC_BYTES];
    u32 step = nic->dcr & DCR_WTS ? 2 : 1, first = step == 2 && !(nic->dcr & DCR_BOS) ? 1 : 0;
    u32 bytes = MIN(nic->send_bytes / step, (u32)sizeof frame);
    struct loop loop = {.nic = nic};
    for (u32 i = 0; i < bytes; i++)
        frame[i] = ne2000_fetch(nic, (u16)(nic->send_from + first + i * step));
    for (u32 i = 0; i < bytes; i++)
        loop_byte(&loop, frame[i]);
    put_little_endian(crc, ethernet_crc(frame, bytes));
    for (u32 i = 0; i < appended_bytes(nic); i++)
        loop_byte(&loop, crc[i]);
    loop_count(&loop);
    nic->fifo_at = 0;
    nic->rsr = loop_status(nic, &loop, (nic->tcr & TCR_CRC) && ends_with_crc(frame, bytes));
}

/* Carrier and heartbeat do not come round in the first mode, the heartbeat not in the second. */
static u8 loop_transmit_status(const struct ne2000 *nic)
{
    switch (nic->tcr & TCR_LB) {
    case TCR_LB_NIC:
        return TSR_CRS | TSR_CDH;
    case TCR_LB_SNI:
        return TSR_CDH;
    default:
        return 0;
    }
}

static void end_of_sending(void *opaque, u64 deadline_ns)
{
    struct ne2000 *nic = opaque;
    u8 mode = nic->tcr & TCR_LB;
    (void)deadline_ns;
    if (mode)
        loop_back(nic);
    if (!mode || mode == TCR_LB_COAX)
        put_on_wire(nic);
    nic->clda = (u16)(nic->send_from + nic->send_bytes);
    nic->sending = false;
    nic->command &= (u8)~CR_TXP;
    nic->tsr = (u8)(TSR_PTX | (nic->deferred ? 0 : TSR_ND) | loop_transmit_status(nic));
    if (nic->command & CR_STP)
        nic->isr |= ISR_RST;
    ne2000_raise(nic, ISR_PTX);
    ne2000_look(nic);
}

/* --- the ring --- */

static u8 page_behind(const struct ne2000 *nic, u8 page)
{
    page++;
    return page == nic->pstop ? nic->pstart : page;
}

/* Where local DMA stands; at the end of a page it goes on with the next of the ring. */
struct ring_writer {
    struct ne2000 *nic;
    u8 page;
    u32 offset;
    u32 turned; /* 1: the bytes of words change places */
};

static void ring_put(struct ring_writer *w, const u8 *data, u32 bytes)
{
    struct ne2000 *nic = w->nic;
    while (bytes) {
        if (w->offset == NE2000_PAGE_BYTES) {
            w->page = page_behind(nic, w->page);
            w->offset = 0;
        }
        u32 n = MIN(bytes, NE2000_PAGE_BYTES - w->offset), room = n;
        u16 address = (u16)(w->page * NE2000_PAGE_BYTES + w->offset);
        u8 *ram = ne2000_ram_at(nic, address, &room);
        if (ram && !w->turned)
            memcpy(ram, data, n); /* a page is in RAM as a whole */
        for (u32 i = 0; i < n && w->turned; i++)
            ne2000_store(nic, (u16)(address + i) ^ 1, data[i]);
        w->offset += n;
        data += n;
        bytes -= n;
    }
}

/* The pages that `bytes` behind a header take, and which one follows. False: DMA would come to the Boundary
 * Pointer. */
static bool ring_room(const struct ne2000 *nic, u32 bytes, u8 *next)
{
    u32 pages = (NE2000_HEADER_BYTES + bytes + NE2000_PAGE_BYTES - 1) / NE2000_PAGE_BYTES;
    u8 page = nic->curr;
    if (nic->ring_full)
        return false;
    for (u32 i = 1; i < pages; i++) {
        page = page_behind(nic, page);
        if (page == nic->bnry || page == nic->curr)
            return false;
    }
    *next = page_behind(nic, page);
    return true;
}

/* A frame that the guest was meant to get and does not. */
static void miss(struct ne2000 *nic, u8 group)
{
    nic->rsr = RSR_MPA | group;
    ne2000_count(nic, COUNTER_MISSED);
}

/* The header is like the data but for the length, whose order is the same for all processors. */
static void put_header(struct ne2000 *nic, u32 bytes, u8 next, bool turned)
{
    u16 at = (u16)(nic->curr * NE2000_PAGE_BYTES);
    ne2000_store(nic, at ^ (turned ? 1 : 0), nic->rsr);
    ne2000_store(nic, (u16)(at + 1) ^ (turned ? 1 : 0), next);
    ne2000_store(nic, (u16)(at + 2), (u8)bytes);
    ne2000_store(nic, (u16)(at + 3), (u8)(bytes >> 8));
}

static void buffer(struct ne2000 *nic, const u8 *frame, u32 bytes, u8 status, u32 crc)
{
    bool turned = (nic->dcr & DCR_WTS) && (nic->dcr & DCR_BOS);
    u8 next, tail[ETHERNET_CRC_BYTES];
    u32 total = bytes + ETHERNET_CRC_BYTES;
    if (!ring_room(nic, total, &next)) {
        miss(nic, status & RSR_PHY);
        net_drop(nic->net, NET_DROP_ring_full);
        nic->isr |= ISR_RST;
        ne2000_raise(nic, ISR_OVW | ISR_RXE);
        return;
    }
    struct ring_writer w = {nic, nic->curr, NE2000_HEADER_BYTES, turned};
    put_little_endian(tail, crc);
    if (turned) { /* byte by byte, so that a word may lie across two pieces */
        u8 whole[NET_FRAME_MAX + ETHERNET_CRC_BYTES];
        memcpy(whole, frame, bytes);
        memcpy(whole + bytes, tail, sizeof tail);
        ring_put(&w, whole, total);
    } else {
        ring_put(&w, frame, bytes);
        ring_put(&w, tail, sizeof tail);
    }
    nic->rsr = status;
    put_header(nic, total, next, turned);
    nic->clda = (u16)(w.page * NE2000_PAGE_BYTES + w.offset);
    nic->curr = nic->local_next = next;
    nic->ring_full = next == nic->bnry;
    net_received(nic->net, bytes);
    ne2000_raise(nic, status & RSR_PRX ? ISR_PRX : ISR_RXE);
}

/* --- receiving --- */

static u8 damage_status(enum ne2000_damage damage)
{
    switch (damage) {
    case DAMAGE_CRC:
        return RSR_CRC;
    case DAMAGE_ALIGNMENT:
        return RSR_CRC | RSR_FAE;
    default:
        return RSR_PRX;
    }
}

/* A damaged frame is counted, and kept only if the guest asks for such. */
static bool keeps_damaged(struct ne2000 *nic, u8 status, enum ne2000_damage damage)
{
    ne2000_count(nic, damage == DAMAGE_CRC ? COUNTER_CRC : COUNTER_FAE);
    if (nic->rcr & RCR_SEP)
        return true;
    nic->rsr = status;
    net_drop(nic->net, NET_DROP_damaged);
    ne2000_raise(nic, ISR_RXE);
    return false;
}

void ne2000_receive(struct ne2000 *nic, const u8 *frame, u32 bytes, enum ne2000_damage damage)
{
    u32 total = bytes + ETHERNET_CRC_BYTES;
    if (!listens(nic) || bytes > NET_FRAME_MAX) {
        net_drop(nic->net, bytes > NET_FRAME_MAX ? NET_DROP_received_malformed : NET_DROP_receiver_off);
        return;
    }
    if (total < (nic->rcr & RCR_AR ? MIN_RUNT_RECEIVED : MIN_RECEIVED)) {
        net_drop(nic->net, NET_DROP_runt);
        return;
    }
    u8 address[ADDRESS_BYTES] = {0};
    memcpy(address, frame, MIN(bytes, sizeof address));
    obey_network(nic, address);
    if (!recognizes(nic, address)) {
        net_drop(nic->net, NET_DROP_other_station);
        return;
    }
    u8 status = damage_status(damage) | (is_group(address) ? RSR_PHY : 0);
    if (damage && !keeps_damaged(nic, status, damage))
        return;
    if (nic->rcr & RCR_MON) {
        miss(nic, status & RSR_PHY);
        net_drop(nic->net, NET_DROP_receiver_off);
        ne2000_raise(nic, ISR_RXE);
        return;
    }
    u32 crc = ethernet_crc(frame, bytes);
    buffer(nic, frame, bytes, status, damage ? ~crc : crc);
}

/* The next frame's beginning. */
void ne2000_look(struct ne2000 *nic)
{
    if (nic->receive_event.armed)
        return;
    const struct net_frame *frame = net_next(nic->net);
    if (frame)
        clock_event_arm(&nic->receive_event, MAX(MAX(now_ns(nic), frame->at_ns), nic->line_free_ns));
}

/* A frame begins, unless the wire has been taken meanwhile; or it ends. */
static void line_event(void *opaque, u64 deadline_ns)
{
    struct ne2000 *nic = opaque;
    const struct net_frame *frame = net_next(nic->net);
    if (!frame) {
        nic->receiving = false; /* a state was loaded, and the peer's frames are not part of it */
        return;
    }
    if (!nic->receiving) {
        nic->receiving = nic->line_free_ns <= deadline_ns;
        u64 at_ns =
            nic->receiving ? occupy(nic, deadline_ns, frame->bytes + ETHERNET_CRC_BYTES) : nic->line_free_ns;
        clock_event_arm(&nic->receive_event, at_ns);
        return;
    }
    nic->receiving = false;
    ne2000_receive(nic, frame->data, frame->bytes, DAMAGE_NONE);
    net_take(nic->net);
    send_what_was_held(nic);
    ne2000_look(nic);
}

void ne2000_wire_init(struct ne2000 *nic)
{
    clock_event_init(&nic->send_event, &nic->machine->clock, "NE2000 transmitter", end_of_sending, nic);
    clock_event_init(&nic->receive_event, &nic->machine->clock, "NE2000 receiver", line_event, nic);
}
