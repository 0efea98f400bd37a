/* A peer that answers at fixed times: the station 10.0.2.2, which knows ARP, and sends back every ICMP echo
 * request and every UDP datagram, whatever the port. RFC 826, 791, 792, 768. An answer begins ECHO_DELAY_NS
 * behind the end of the question, so runs under the access clock are the same at every level. */
#include "net/net.h"

#include "machine/clock.h"

#include <string.h>

#define ECHO_DELAY_NS (100 * NS_PER_US) /* a quick station with an interrupt handler */

enum {
    AT_DESTINATION = 0,
    AT_SOURCE = 6,
    AT_TYPE = 12,
    AT_PAYLOAD = 14,
    TYPE_IP = 0x0800,
    TYPE_ARP = 0x0806,

    ARP_BYTES = 28,
    ARP_AT_OPERATION = 6,
    ARP_AT_SENDER_MAC = 8,
    ARP_AT_SENDER_IP = 14,
    ARP_AT_TARGET_MAC = 18,
    ARP_AT_TARGET_IP = 24,
    ARP_REQUEST = 1,
    ARP_REPLY = 2,

    IP_HEADER_BYTES = 20,
    IP_BYTES = 4,
    IP_AT_LENGTH = 2,
    IP_AT_FRAGMENT = 6,
    IP_FRAGMENT = 0x3fff, /* more fragments, or an offset */
    IP_AT_PROTOCOL = 9,
    IP_AT_SOURCE = 12,
    IP_AT_DESTINATION = 16,
    IP_ICMP = 1,
    IP_UDP = 17,

    ICMP_HEADER_BYTES = 8,
    ICMP_AT_CHECKSUM = 2,
    ICMP_ECHO_REQUEST = 8,

    UDP_HEADER_BYTES = 8,
    UDP_AT_LENGTH = 4,
    UDP_AT_CHECKSUM = 6,
};

static const u8 echo_mac[NET_MAC_BYTES] = {0x52, 0x55, 0x0a, 0x00, 0x02, 0x02};
static const u8 echo_ip[IP_BYTES] = {10, 0, 2, 2};

static u16 word(const u8 *at)
{
    return (u16)(at[0] << 8 | at[1]);
}

static void put_word(u8 *at, u32 value)
{
    at[0] = (u8)(value >> 8);
    at[1] = (u8)value;
}

/* RFC 1071: the sum of words, with the carries added at the end; `sum` is what came before. */
static u32 add_words(u32 sum, const u8 *at, u32 bytes)
{
    for (u32 i = 0; i + 1 < bytes; i += 2)
        sum += word(at + i);
    if (bytes & 1)
        sum += (u32)at[bytes - 1] << 8;
    return sum;
}

static bool sums_up(u32 sum)
{
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    return sum == 0xffff;
}

static void swap_bytes(u8 *a, u8 *b, u32 bytes)
{
    u8 keep[NET_MAC_BYTES];
    memcpy(keep, a, bytes);
    memcpy(a, b, bytes);
    memcpy(b, keep, bytes);
}

static bool answer_arp(u8 *arp, u32 bytes)
{
    static const u8 head[ARP_AT_OPERATION] = {0, 1, TYPE_IP >> 8, 0, NET_MAC_BYTES, IP_BYTES};
    if (bytes < ARP_BYTES || memcmp(arp, head, sizeof head) != 0 ||
        word(arp + ARP_AT_OPERATION) != ARP_REQUEST || memcmp(arp + ARP_AT_TARGET_IP, echo_ip, IP_BYTES) != 0)
        return false;
    put_word(arp + ARP_AT_OPERATION, ARP_REPLY);
    memcpy(arp + ARP_AT_TARGET_MAC, arp + ARP_AT_SENDER_MAC, NET_MAC_BYTES + IP_BYTES);
    memcpy(arp + ARP_AT_SENDER_MAC, echo_mac, NET_MAC_BYTES);
    memcpy(arp + ARP_AT_SENDER_IP, echo_ip, IP_BYTES);
    return true;
}

static bool answer_icmp(u8 *icmp, u32 bytes)
{
    if (bytes < ICMP_HEADER_BYTES || word(icmp) != ICMP_ECHO_REQUEST << 8 ||
        !sums_up(add_words(0, icmp, bytes)))
        return false;
    icmp[0] = 0; /* a reply; the sum grows by what the type was */
    u32 sum = word(icmp + ICMP_AT_CHECKSUM) + (ICMP_ECHO_REQUEST << 8);
    put_word(icmp + ICMP_AT_CHECKSUM, (sum & 0xffff) + (sum >> 16));
    return true;
}

/* The sums stay as they are when the two ends change places. */
static bool answer_udp(u8 *udp, u32 bytes, const u8 *addresses)
{
    u32 length = bytes >= UDP_HEADER_BYTES ? word(udp + UDP_AT_LENGTH) : 0;
    if (length < UDP_HEADER_BYTES || length > bytes)
        return false;
    u32 sum = add_words(IP_UDP + length, addresses, 2 * IP_BYTES);
    if (word(udp + UDP_AT_CHECKSUM) && !sums_up(add_words(sum, udp, length)))
        return false;
    swap_bytes(udp, udp + 2, 2);
    return true;
}

static bool answer_ip(u8 *ip, u32 bytes)
{
    enum { VERSION_4_NO_OPTIONS = 0x45 };
    if (bytes < IP_HEADER_BYTES || ip[0] != VERSION_4_NO_OPTIONS ||
        !sums_up(add_words(0, ip, IP_HEADER_BYTES)) || (word(ip + IP_AT_FRAGMENT) & IP_FRAGMENT) ||
        memcmp(ip + IP_AT_DESTINATION, echo_ip, IP_BYTES) != 0)
        return false;
    u32 length = word(ip + IP_AT_LENGTH);
    if (length < IP_HEADER_BYTES || length > bytes)
        return false;
    u8 *payload = ip + IP_HEADER_BYTES;
    u32 left = length - IP_HEADER_BYTES;
    bool answered = ip[IP_AT_PROTOCOL] == IP_ICMP  ? answer_icmp(payload, left)
                    : ip[IP_AT_PROTOCOL] == IP_UDP ? answer_udp(payload, left, ip + IP_AT_SOURCE)
                                                   : false;
    swap_bytes(ip + IP_AT_SOURCE, ip + IP_AT_DESTINATION, IP_BYTES);
    return answered;
}

static void echo_send(struct net *net, const u8 *frame, u32 bytes, u64 now_ns)
{
    static const u8 everybody[NET_MAC_BYTES] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
    u8 answer[NET_FRAME_MAX];
    if (memcmp(frame + AT_DESTINATION, echo_mac, NET_MAC_BYTES) != 0 &&
        memcmp(frame + AT_DESTINATION, everybody, NET_MAC_BYTES) != 0)
        return;
    memcpy(answer, frame, bytes);
    memcpy(answer + AT_DESTINATION, frame + AT_SOURCE, NET_MAC_BYTES);
    memcpy(answer + AT_SOURCE, echo_mac, NET_MAC_BYTES);
    u16 type = word(frame + AT_TYPE);
    if (type == TYPE_ARP ? answer_arp(answer + AT_PAYLOAD, bytes - AT_PAYLOAD)
                         : type == TYPE_IP && answer_ip(answer + AT_PAYLOAD, bytes - AT_PAYLOAD))
        net_deliver(net, answer, bytes, now_ns + ECHO_DELAY_NS);
}

const struct net_class net_echo_class = {.send = echo_send, .repeatable = true};
