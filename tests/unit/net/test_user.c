/* The host's network through libslirp, with nothing but this host: datagrams to a socket on 127.0.0.1 and
 * back, forwarded ports, restrict, and a guest that sends more than anybody takes. */
#include "net_rig.h"
#include "net_tests.h"

#include "base/log.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    AT_TYPE = 12,
    AT_IP = 14,
    AT_UDP = 34,
    AT_PAYLOAD = 42,
    PATIENCE_MS = 10000,
    NOT_COMING_MS = 200,
    UDP = 17,
    TCP = 6
};

static const u8 gateway_mac[NET_MAC_BYTES] = {0x52, 0x55, 10, 0, 2, 2};

/* --- the host's end --- */

/* A socket on 127.0.0.1, and the port it has. */
static int host_socket(int type, u16 *port)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof at;
    int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof at), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &length), 0);
    *port = ntohs(at.sin_port);
    return fd;
}

static u16 free_port(int type)
{
    u16 port;
    close(host_socket(type, &port));
    return port;
}

static bool readable(int fd, int ms)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};
    return poll(&p, 1, ms) > 0;
}

/* --- the guest's end --- */

static void kick(void *opaque)
{
    u32 *kicks = opaque;
    __atomic_fetch_add(kicks, 1, __ATOMIC_RELAXED);
}

static struct net *user_open(const char *words, u32 *kicks)
{
    struct net_config config;
    struct net *net;
    char why[320];
    if (!net_config_parse(&config, words, why, sizeof why))
        fail_msg("%s: %s", words, why);
    assert_int_equal(net_open(&net, &config), 0);
    assert_int_equal(net_start(net, &(struct net_loop){.opaque = kicks, .kick = kick}), 0);
    return net;
}

static void user_close(struct net *net)
{
    net_stop(net);
    net_close(net);
}

static u16 word(const u8 *at)
{
    return (u16)(at[0] << 8 | at[1]);
}

static void put_word(u8 *at, u32 value)
{
    at[0] = (u8)(value >> 8);
    at[1] = (u8)value;
}

/* An ARP packet of this station's; to 10.0.2.2. */
static void send_arp(struct net *net, u8 operation)
{
    u8 frame[NET_FRAME_MIN] = {0};
    static const u8 head[] = {8, 6, 0, 1, 8, 0, 6, 4, 0};
    memset(frame, 0xff, 6);
    memcpy(frame + 6, our_mac, 6);
    memcpy(frame + 12, head, sizeof head);
    frame[21] = operation;
    memcpy(frame + 22, our_mac, 6);
    memcpy(frame + 28, (const u8[]){10, 0, 2, 15}, 4);
    memcpy(frame + 38, (const u8[]){10, 0, 2, 2}, 4);
    net_send(net, frame, sizeof frame, 0);
}

static bool is_arp(const struct net_frame *frame)
{
    return word(frame->data + AT_TYPE) == 0x0806;
}

/* The next frame that is an answer by ARP, or IP of that protocol, copied; questions by ARP are answered.
 * False: it does not come. */
static bool next_frame(struct net *net, u8 protocol, struct net_frame *copy, u32 ms)
{
    for (u32 waited = 0; waited <= ms;) {
        const struct net_frame *frame = net_next(net);
        if (!frame) {
            usleep(1000);
            waited++;
            continue;
        }
        *copy = *frame;
        net_take(net);
        if (is_arp(copy) && word(copy->data + 20) == 1)
            send_arp(net, 2);
        else if (is_arp(copy) ? !protocol : protocol && copy->data[AT_IP + 9] == protocol)
            return true;
    }
    return false;
}

static void resolve(struct net *net)
{
    struct net_frame frame;
    send_arp(net, 1);
    assert_true(next_frame(net, 0, &frame, PATIENCE_MS));
    assert_memory_equal(frame.data + 22, gateway_mac, 6);
}

static void put_ip(u8 *frame, u32 bytes, u8 protocol)
{
    u8 *ip = frame + AT_IP;
    u32 sum = 0;
    memcpy(frame, gateway_mac, 6);
    memcpy(frame + 6, our_mac, 6);
    put_word(frame + AT_TYPE, 0x0800);
    memcpy(ip, (const u8[]){0x45, 0, 0, 0, 0, 1, 0, 0, 64, protocol, 0, 0, 10, 0, 2, 15, 10, 0, 2, 2}, 20);
    put_word(ip + 2, bytes - AT_IP);
    for (u32 i = 0; i < 20; i += 2)
        sum += word(ip + i);
    sum = (sum & 0xffff) + (sum >> 16);
    put_word(ip + 10, ~(sum + (sum >> 16)));
}

static void send_udp(struct net *net, u16 from, u16 to, u32 bytes, u8 seed)
{
    u8 frame[NET_FRAME_MAX];
    make_frame(frame, bytes, gateway_mac, seed);
    put_ip(frame, bytes, UDP);
    put_word(frame + AT_UDP, from);
    put_word(frame + AT_UDP + 2, to);
    put_word(frame + AT_UDP + 4, bytes - AT_UDP);
    put_word(frame + AT_UDP + 6, 0);
    net_send(net, frame, bytes, 0);
}

/* --- tests --- */

static void test_udp_to_the_host_and_back(void **state)
{
    (void)state;
    static const u32 lengths[] = {NET_FRAME_MIN, 61, 100, 700, 1513, NET_FRAME_MAX};
    u32 kicks = 0;
    u16 port;
    int fd = host_socket(SOCK_DGRAM, &port);
    struct net *net = user_open("user", &kicks);
    resolve(net);
    for (u32 i = 0; i < ARRAY_LEN(lengths); i++) {
        u8 expected[NET_FRAME_MAX], data[NET_FRAME_MAX];
        struct sockaddr_in from;
        socklen_t from_length = sizeof from;
        struct net_frame frame;
        u32 bytes = lengths[i] - AT_PAYLOAD;
        make_frame(expected, lengths[i], gateway_mac, (u8)i);
        send_udp(net, 0x4000, port, lengths[i], (u8)i);
        assert_true(readable(fd, PATIENCE_MS));
        assert_int_equal(recvfrom(fd, data, sizeof data, 0, (struct sockaddr *)&from, &from_length), bytes);
        assert_memory_equal(data, expected + AT_PAYLOAD, bytes);
        assert_int_equal(sendto(fd, data, bytes, 0, (struct sockaddr *)&from, from_length), bytes);
        assert_true(next_frame(net, UDP, &frame, PATIENCE_MS));
        assert_int_equal(word(frame.data + AT_UDP), port);
        assert_int_equal(word(frame.data + AT_UDP + 2), 0x4000);
        assert_int_equal(word(frame.data + AT_UDP + 4), bytes + 8);
        assert_memory_equal(frame.data + AT_PAYLOAD, expected + AT_PAYLOAD, bytes);
    }
    assert_true(kicks > 0);
    user_close(net);
    close(fd);
}

static void test_forwarded_udp(void **state)
{
    (void)state;
    u32 kicks = 0;
    u16 listens = free_port(SOCK_DGRAM), port;
    char words[80];
    snprintf(words, sizeof words, "user,hostfwd=udp:127.0.0.1:%u-:69", listens);
    struct net *net = user_open(words, &kicks);
    int fd = host_socket(SOCK_DGRAM, &port);
    struct sockaddr_in to = {
        .sin_family = AF_INET, .sin_port = htons(listens), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct net_frame frame;
    u8 data[100];
    assert_int_equal(sendto(fd, "to the guest", 12, 0, (struct sockaddr *)&to, sizeof to), 12);
    assert_true(next_frame(net, UDP, &frame, PATIENCE_MS));
    assert_memory_equal(frame.data, our_mac, 6);
    assert_memory_equal(frame.data + AT_IP + 16, "\x0a\0\2\x0f", 4);
    assert_int_equal(word(frame.data + AT_UDP + 2), 69);
    assert_memory_equal(frame.data + AT_PAYLOAD, "to the guest", 12);
    send_udp(net, 69, word(frame.data + AT_UDP), 100, 1);
    assert_true(readable(fd, PATIENCE_MS));
    assert_int_equal(recv(fd, data, sizeof data, 0), 100 - AT_PAYLOAD);
    user_close(net);
    close(fd);
}

static void test_forwarded_tcp(void **state)
{
    (void)state;
    enum { SYN = 2, RST_ACK = 0x14 };
    u32 kicks = 0;
    u16 listens = free_port(SOCK_STREAM);
    char words[80], byte;
    snprintf(words, sizeof words, "user,hostfwd=tcp:127.0.0.1:%u-:80", listens);
    struct net *net = user_open(words, &kicks);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in to = {
        .sin_family = AF_INET, .sin_port = htons(listens), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct net_frame syn;
    assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof to), 0);
    assert_true(next_frame(net, TCP, &syn, PATIENCE_MS));
    assert_int_equal(word(syn.data + AT_UDP + 2), 80);
    assert_int_equal(syn.data[AT_UDP + 13], SYN);
    /* The guest refuses: the host's program is told. */
    u8 frame[NET_FRAME_MIN] = {0}, *tcp = frame + AT_UDP;
    put_ip(frame, 54, TCP);
    put_word(tcp, 80);
    put_word(tcp + 2, word(syn.data + AT_UDP));
    put_word(tcp + 8, word(syn.data + AT_UDP + 4));
    put_word(tcp + 10, word(syn.data + AT_UDP + 6) + 1u);
    if (!word(tcp + 10))
        put_word(tcp + 8, word(tcp + 8) + 1u);
    tcp[12] = 0x50;
    tcp[13] = RST_ACK;
    u32 sum = TCP + 20;
    for (u32 i = 0; i < 8 + 20; i += 2)
        sum += word(frame + AT_IP + 12 + i);
    sum = (sum & 0xffff) + (sum >> 16);
    put_word(tcp + 16, ~(sum + (sum >> 16)));
    net_send(net, frame, sizeof frame, 0);
    assert_true(readable(fd, PATIENCE_MS));
    assert_true(recv(fd, &byte, 1, 0) <= 0);
    close(fd);
    user_close(net);
}

static void test_restricted(void **state)
{
    (void)state;
    u32 kicks = 0;
    u16 port, listens = free_port(SOCK_DGRAM);
    char words[80];
    struct net_frame frame;
    int fd = host_socket(SOCK_DGRAM, &port);
    snprintf(words, sizeof words, "user,restrict=on,hostfwd=udp:127.0.0.1:%u-:69", listens);
    struct net *net = user_open(words, &kicks);
    resolve(net);
    send_udp(net, 0x4000, port, 100, 1);
    assert_false(readable(fd, NOT_COMING_MS));
    struct sockaddr_in to = {
        .sin_family = AF_INET, .sin_port = htons(listens), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    assert_int_equal(sendto(fd, "x", 1, 0, (struct sockaddr *)&to, sizeof to),
                     1); /* what is forwarded still comes */
    assert_true(next_frame(net, UDP, &frame, PATIENCE_MS));
    user_close(net);
    close(fd);
}

/* Standard error is not the test's to fill. */
static int open_quietly(const char *words, struct net **net)
{
    struct net_config config;
    char why[320];
    int kept = dup(STDERR_FILENO), rc;
    FILE *nothing = freopen("/dev/null", "w", stderr);
    assert_non_null(nothing);
    assert_true(net_config_parse(&config, words, why, sizeof why));
    rc = net_open(net, &config);
    fflush(stderr);
    dup2(kept, STDERR_FILENO);
    close(kept);
    return rc;
}

static void test_port_is_taken(void **state)
{
    (void)state;
    struct net *net;
    u16 port;
    char words[80];
    int fd = host_socket(SOCK_STREAM, &port);
    assert_int_equal(listen(fd, 1), 0);
    snprintf(words, sizeof words, "user,hostfwd=tcp:127.0.0.1:%u-:80", port);
    assert_int_equal(open_quietly(words, &net), -EADDRINUSE);
    assert_null(net);
    close(fd);
}

/* A guest that sends as fast as it can is never made to wait: what is too much is lost, and counted. And the
 * peer still works. */
static void test_flood(void **state)
{
    (void)state;
    enum { FRAMES = 50000 };
    u32 kicks = 0;
    u16 port;
    int fd = host_socket(SOCK_DGRAM, &port);
    struct net *net = user_open("user", &kicks);
    resolve(net);
    for (u32 i = 0; i < FRAMES; i++)
        send_udp(net, 0x4000, port, 60 + i % 1455, (u8)i);
    assert_true(net->counts.dropped[NET_DROP_sent_queue] > 0);
    assert_int_equal(net->counts.sent, FRAMES + 1);
    u8 data[NET_FRAME_MAX];
    while (readable(fd, NOT_COMING_MS))
        (void)!recv(fd, data, sizeof data, 0);
    send_udp(net, 0x4000, port, 99, 1);
    assert_true(readable(fd, PATIENCE_MS));
    user_close(net);
    close(fd);
}

/* Frames that are nothing: the library must survive them. */
static void test_garbage(void **state)
{
    (void)state;
    u32 kicks = 0;
    struct net *net = user_open("user,restrict=on", &kicks);
    u8 frame[NET_FRAME_MAX];
    srandom(1);
    resolve(net);
    for (u32 i = 0; i < 20000; i++) {
        u32 bytes = 60 + (u32)random() % 1455;
        for (u32 k = 0; k < bytes; k++)
            frame[k] = (u8)random();
        if (i % 2)
            memcpy(frame, gateway_mac, 6);
        if (i % 4 > 1)
            put_ip(frame, bytes, (u8)(i % 8 > 3 ? UDP : TCP));
        if (i % 3 == 0)
            put_word(frame + AT_TYPE, 0x0806);
        net_send(net, frame, bytes, 0);
        while (net_next(net))
            net_take(net);
        if (i % 64 == 0)
            usleep(500);
    }
    resolve(net);
    user_close(net);
}

int user_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_udp_to_the_host_and_back),
        cmocka_unit_test(test_forwarded_udp),
        cmocka_unit_test(test_forwarded_tcp),
        cmocka_unit_test(test_restricted),
        cmocka_unit_test(test_port_is_taken),
        cmocka_unit_test(test_flood),
        cmocka_unit_test(test_garbage),
    };
    return cmocka_run_group_tests_name("user", tests, NULL, NULL);
}
