/* --net's words, the queue between card and peer, and the peer that echoes. */
#include "net_rig.h"
#include "net_tests.h"

#include "machine/state.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- words --- */

static void assert_refused(const char *text, const char *reason)
{
    struct net_config config;
    char why[320] = "";
    if (net_config_parse(&config, text, why, sizeof why))
        fail_msg("%s was taken", text);
    if (!strstr(why, reason))
        fail_msg("%s: said \"%s\", not \"%s\"", text, why, reason);
}

static void test_words(void **state)
{
    (void)state;
    struct net_config c;
    char why[320];
    assert_true(net_config_parse(&c, "none", why, sizeof why));
    assert_int_equal(c.kind, NET_NONE);
    assert_true(net_config_parse(&c, "echo", why, sizeof why));
    assert_int_equal(c.kind, NET_ECHO);
    assert_int_equal(c.io, 0x300);
    assert_int_equal(c.irq, 9);
    assert_memory_equal(c.mac, our_mac, sizeof c.mac);
    assert_true(net_config_parse(&c,
                                 "user,irq=10,io=340,restrict=on,hostfwd=tcp:127.0.0.1:8080-:80,"
                                 "hostfwd=udp::69-10.0.2.20:70,hostfwd=::1-:2",
                                 why, sizeof why));
    assert_true(c.restricted);
    assert_int_equal(c.n_forwards, 3);
    assert_false(c.forward[0].udp);
    assert_int_equal(c.forward[0].host_address, 0x7f000001);
    assert_int_equal(c.forward[0].host_port, 8080);
    assert_int_equal(c.forward[0].guest_address, 0);
    assert_int_equal(c.forward[0].guest_port, 80);
    assert_true(c.forward[1].udp);
    assert_int_equal(c.forward[1].host_address, 0);
    assert_int_equal(c.forward[1].guest_address, 0x0a000214);
    assert_false(c.forward[2].udp);
}

static void test_wrong_words(void **state)
{
    (void)state;
    static const char *const forwards[] = {
        "",           "tcp",           "tcp:1-2",       "tcp::80",      "tcp::0-:80",
        "tcp::1-:0",  "sctp::1-:2",    "tcp::65536-:1", "tcp::1-:2x",   "tcp:1.2.3:1-:2",
        "tcp:x:1-:2", "tcp::1-host:2", "tcp:-:2",       "tcp::1:-:2:3", "-"};
    char many[2000] = "user";
    assert_refused("", "not one of none");
    assert_refused("tap", "not one of none");
    assert_refused("echo,", "an empty item");
    assert_refused("echo,foo=1", "not one of io=");
    assert_refused("echo,irq", "not one of io=");
    assert_refused("none,irq=9", "no network");
    assert_refused("echo,restrict=on", "only with user");
    assert_refused("echo,hostfwd=tcp::1-:1", "only with user");
    assert_refused("echo,irq=4", "interrupts");
    assert_refused("echo,irq=", "interrupts");
    assert_refused("echo,irq=-9", "interrupts");
    assert_refused("echo,io=310", "ports");
    assert_refused("echo,io=0x300", "ports");
    assert_refused("echo,io=99999999999999999999", "ports");
    assert_refused("echo,mac=01:00:00:00:00:00", "address");
    assert_refused("echo,mac=02:00:00:00:00", "address");
    assert_refused("echo,mac=02:00:00:00:00:000", "address");
    assert_refused("echo,mac=02:00:00:00:00:zz", "address");
    assert_refused("echo,mac=2:00:00:00:00:0000", "address");
    assert_refused("user,restrict=yes", "on or off");
    for (u32 i = 0; i < ARRAY_LEN(forwards); i++) {
        char text[64];
        snprintf(text, sizeof text, "user,hostfwd=%s", forwards[i]);
        assert_refused(text, "hostfwd=");
    }
    for (u32 i = 0; i < 17; i++)
        snprintf(many + strlen(many), sizeof many - strlen(many), ",hostfwd=tcp::%u-:1", i + 1);
    assert_refused(many, "at most 16");
    assert_refused(
        "user,hostfwd=tcp:"
        "1111111111111111111111111111111111111111111111111111111111111111111111111111111111111:1-:2",
        "too long");
}

/* --- the queue --- */

static u32 kicks;

static void count_kick(void *opaque)
{
    (void)opaque;
    kicks++;
}

static void ignore(struct net *net, const u8 *frame, u32 bytes, u64 now_ns)
{
    (void)net, (void)frame, (void)bytes, (void)now_ns;
}

static void test_queue(void **state)
{
    (void)state;
    static const struct net_class host_class = {.send = ignore};
    struct net *net = calloc(1, sizeof *net);
    u8 frame[NET_FRAME_MAX + 1] = {0};
    assert_non_null(net);
    net->class = &host_class;
    assert_int_equal(net_start(net, &(struct net_loop){.kick = count_kick}), 0);
    kicks = 0;
    for (u32 i = 0; i < NET_QUEUE_FRAMES + 3u; i++) {
        frame[0] = (u8)i;
        net_deliver(net, frame, 100 + i, 0);
    }
    assert_int_equal(kicks, 1); /* until somebody looks */
    assert_int_equal(net->counts.dropped[NET_DROP_received_queue], 3);
    net_deliver(net, frame, sizeof frame, 0);
    net_deliver(net, frame, 0, 0);
    assert_int_equal(net->counts.dropped[NET_DROP_received_malformed], 2);
    for (u32 i = 0; i < NET_QUEUE_FRAMES; i++) {
        const struct net_frame *next = net_next(net);
        assert_non_null(next);
        assert_int_equal(next->bytes, 100 + i);
        assert_int_equal(next->data[0], i);
        net_take(net);
    }
    assert_null(net_next(net));
    net_deliver(net, frame, 14, 0);
    assert_int_equal(kicks, 2);
    assert_int_equal(net_next(net)->bytes, NET_FRAME_MIN);
    net_stop(net);
    free(net);
}

/* --- the peer that echoes --- */

enum { ARP_FRAME = 60, AT_IP = 14, AT_UDP = 34 };

static struct net *echo_open(void)
{
    struct net_config config;
    struct net *net;
    net_config_init(&config);
    config.kind = NET_ECHO;
    assert_int_equal(net_open(&net, &config), 0);
    assert_int_equal(net_start(net, &(struct net_loop){0}), 0);
    return net;
}

static void arp_request(u8 *frame, u8 last)
{
    static const u8 head[] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x52, 0x54, 0, 0x12, 0x34,
                              0x56, 8,    6,    0,    1,    8,    0,    6,    4, 0,    1,
                              0x52, 0x54, 0,    0x12, 0x34, 0x56, 10,   0,    2, 15};
    memset(frame, 0, ARP_FRAME);
    memcpy(frame, head, sizeof head);
    memcpy(frame + 38, (const u8[]){10, 0, 2, last}, 4);
}

static void test_echo_arp(void **state)
{
    (void)state;
    struct net *net = echo_open();
    u8 frame[ARP_FRAME];
    arp_request(frame, 2);
    net_send(net, frame, sizeof frame, 1000);
    const struct net_frame *answer = net_next(net);
    assert_non_null(answer);
    assert_int_equal(answer->at_ns, 1000 + 100 * NS_PER_US);
    assert_memory_equal(answer->data, frame + 6, 6);
    assert_int_equal(answer->data[21], 2);
    assert_memory_equal(answer->data + 28, "\x0a\0\2\2", 4);
    assert_memory_equal(answer->data + 22, answer->data + 6, 6);
    assert_memory_equal(answer->data + 32, frame + 22, 10);
    net_take(net);
    arp_request(frame, 3); /* somebody else */
    net_send(net, frame, sizeof frame, 1000);
    arp_request(frame, 2);
    frame[21] = 2; /* a reply */
    net_send(net, frame, sizeof frame, 1000);
    assert_null(net_next(net));
    net_stop(net);
    net_close(net);
}

static void put_sum(u8 *at, const u8 *from, u32 bytes, u32 sum)
{
    for (u32 i = 0; i < bytes; i++)
        sum += i & 1 ? from[i] : (u32)from[i] << 8;
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    at[0] = (u8)(~sum >> 8);
    at[1] = (u8)~sum;
}

/* An IP datagram of `bytes` with the payload at AT_UDP already there. */
static void ip_frame(u8 *frame, u32 bytes, u8 protocol)
{
    static const u8 macs[] = {0x52, 0x55, 10, 0, 2, 2, 0x52, 0x54, 0, 0x12, 0x34, 0x56, 8, 0};
    u32 length = bytes - AT_IP;
    memcpy(frame, macs, sizeof macs);
    memcpy(frame + AT_IP,
           (const u8[]){
               0x45, 0, (u8)(length >> 8), (u8)length, 1, 2, 0, 0, 64, protocol, 0, 0, 10, 0, 2, 15, 10, 0,
               2,    2},
           20);
    put_sum(frame + AT_IP + 10, frame + AT_IP, 20, 0);
}

static void udp_frame(u8 *frame, u32 bytes, bool summed)
{
    u32 length = bytes - AT_UDP;
    make_frame(frame, bytes, our_mac, 7);
    memcpy(frame + AT_UDP, (const u8[]){0x40, 0, 0, 7, (u8)(length >> 8), (u8)length, 0, 0}, 8);
    ip_frame(frame, bytes, 17);
    if (summed)
        put_sum(frame + AT_UDP + 6, frame + AT_IP + 12, length + 8,
                17 + length); /* the addresses lie in front */
}

static void test_echo_udp(void **state)
{
    (void)state;
    struct net *net = echo_open();
    u8 frame[NET_FRAME_MAX];
    for (u32 bytes = NET_FRAME_MIN; bytes <= NET_FRAME_MAX; bytes++) {
        udp_frame(frame, bytes, bytes & 1);
        net_send(net, frame, bytes, 0);
        const struct net_frame *answer = net_next(net);
        assert_non_null(answer);
        assert_int_equal(answer->bytes, bytes);
        assert_memory_equal(answer->data, frame + 6, 6);
        assert_memory_equal(answer->data + 26, frame + 30, 4);
        assert_memory_equal(answer->data + 30, frame + 26, 4);
        assert_memory_equal(answer->data + 34, "\0\7\x40\0", 4);
        assert_memory_equal(answer->data + 38, frame + 38, bytes - 38);
        net_take(net);
    }
    assert_int_equal(net->counts.sent, NET_FRAME_MAX - NET_FRAME_MIN + 1);
    net_stop(net);
    net_close(net);
}

static void test_echo_icmp(void **state)
{
    (void)state;
    struct net *net = echo_open();
    u8 frame[99];
    make_frame(frame, sizeof frame, our_mac, 7);
    memcpy(frame + AT_UDP, (const u8[]){8, 0, 0, 0, 1, 2, 0, 1}, 8);
    put_sum(frame + AT_UDP + 2, frame + AT_UDP, sizeof frame - AT_UDP, 0);
    ip_frame(frame, sizeof frame, 1);
    net_send(net, frame, sizeof frame, 0);
    const struct net_frame *answer = net_next(net);
    assert_non_null(answer);
    u8 sum[2];
    u8 copy[99];
    memcpy(copy, answer->data, sizeof copy);
    assert_int_equal(copy[AT_UDP], 0);
    put_sum(sum, copy + AT_UDP, sizeof copy - AT_UDP, 0);
    assert_int_equal(sum[0] | sum[1], 0);
    net_take(net);
    frame[60] ^= 1;
    net_send(net, frame, sizeof frame, 0);
    assert_null(net_next(net));
    net_stop(net);
    net_close(net);
}

/* What is wrong, or not its business, it does not answer. */
static void test_echo_ignores(void **state)
{
    (void)state;
    static const struct {
        u8 at, value;
        bool new_sum;
    } changes[] = {
        {0, 0x02, false},       {12, 0x86, false},     {AT_IP, 0x46, true},     {AT_IP, 0x65, true},
        {AT_IP + 2, 6, true},   {AT_IP + 3, 10, true}, {AT_IP + 6, 0x20, true}, {AT_IP + 9, 6, true},
        {AT_IP + 10, 0, false}, {AT_IP + 19, 9, true}, {AT_UDP + 4, 6, false},  {AT_UDP + 5, 3, false},
        {AT_UDP + 9, 1, false},
    };
    struct net *net = echo_open();
    u8 frame[300];
    for (u32 i = 0; i < ARRAY_LEN(changes); i++) {
        udp_frame(frame, sizeof frame, true);
        frame[changes[i].at] = changes[i].value;
        if (changes[i].new_sum) {
            frame[AT_IP + 10] = frame[AT_IP + 11] = 0;
            put_sum(frame + AT_IP + 10, frame + AT_IP, 20, 0);
        }
        net_send(net, frame, sizeof frame, 0);
        if (net_next(net))
            fail_msg("change %u was answered", i);
    }
    net_stop(net);
    net_close(net);
}

/* Answers under way are part of a state. */
static void test_echo_state(void **state)
{
    (void)state;
    struct net *net = echo_open(), *other = echo_open();
    u8 frame[500];
    struct state save, load;
    for (u32 i = 0; i < 5; i++) {
        udp_frame(frame, 100 + 80 * i, true);
        net_send(net, frame, 100 + 80 * i, 1000 * i);
    }
    net_take(net);
    udp_frame(frame, 500, true);
    net_send(other, frame, 500, 0); /* forgotten by loading */
    state_init(&save);
    state_begin(&save, "net");
    net_state(net, &save);
    state_end(&save);
    assert_int_equal(state_finish(&save), 0);
    assert_int_equal(state_read_bytes(&load, save.data, save.at), 0);
    state_begin(&load, "net");
    net_state(other, &load);
    state_end(&load);
    assert_true(state_complete(&load));
    for (u32 i = 1; i < 5; i++) {
        const struct net_frame *a = net_next(net), *b = net_next(other);
        assert_non_null(b);
        assert_int_equal(a->bytes, b->bytes);
        assert_true(a->at_ns == b->at_ns);
        assert_memory_equal(a->data, b->data, a->bytes);
        net_take(net);
        net_take(other);
    }
    assert_null(net_next(other));
    state_fini(&save);
    state_fini(&load);
    net_close(net);
    net_close(other);
}

int peer_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_words),        cmocka_unit_test(test_wrong_words),
        cmocka_unit_test(test_queue),        cmocka_unit_test(test_echo_arp),
        cmocka_unit_test(test_echo_udp),     cmocka_unit_test(test_echo_icmp),
        cmocka_unit_test(test_echo_ignores), cmocka_unit_test(test_echo_state),
    };
    return cmocka_run_group_tests_name("peers", tests, NULL, NULL);
}
