/* The words of --net. Keys are QEMU's, where it has them. */
#include "net/net_config.h"

#include <arpa/inet.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ITEM_BYTES = 96 };

static bool refuse(char *why, size_t size, const char *format, ...) __attribute__((format(printf, 3, 4)));

static bool refuse(char *why, size_t size, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(why, size, format, args);
    va_end(args);
    return false;
}

static const char *const kind_names[] = {[NET_NONE] = "none", [NET_ECHO] = "echo", [NET_USER] = "user"};

const char *net_kind_name(enum net_kind kind)
{
    return kind_names[kind];
}

void net_config_init(struct net_config *config)
{
    *config = (struct net_config){.io = 0x300, .irq = 9, .mac = {0x52, 0x54, 0x00, 0x12, 0x34, 0x56}};
}

static bool parse_kind(struct net_config *config, const char *text)
{
    for (u32 i = 0; i < ARRAY_LEN(kind_names); i++) {
        if (strcmp(text, kind_names[i]) == 0) {
            config->kind = (enum net_kind)i;
            return true;
        }
    }
    return false;
}

/* Digits of one base and nothing else; at most `max`. */
static bool parse_number(const char *text, int base, u32 max, u32 *value)
{
    char *end;
    if (!text[0] || strspn(text, base == 16 ? "0123456789abcdefABCDEF" : "0123456789") != strlen(text))
        return false;
    unsigned long n = strtoul(text, &end, base);
    *value = (u32)MIN(n, UINT32_MAX);
    return n <= max;
}

/* --- the card --- */

/* Where its 32 ports meet nobody else's. */
static bool set_io(struct net_config *config, const char *text)
{
    static const u16 free_places[] = {0x280, 0x300, 0x320, 0x340};
    u32 n = 0;
    if (!parse_number(text, 16, 0xffff, &n))
        return false;
    for (u32 i = 0; i < ARRAY_LEN(free_places); i++)
        if (n == free_places[i]) {
            config->io = (u16)n;
            return true;
        }
    return false;
}

static bool set_irq(struct net_config *config, const char *text)
{
    static const u8 free_lines[] = {3, 5, 7, 9, 10, 11};
    u32 n = 0;
    if (!parse_number(text, 10, 15, &n))
        return false;
    for (u32 i = 0; i < ARRAY_LEN(free_lines); i++)
        if (n == free_lines[i]) {
            config->irq = (u8)n;
            return true;
        }
    return false;
}

/* Six bytes with colons between them, of one station. */
static bool set_mac(struct net_config *config, const char *text)
{
    u32 byte[NET_MAC_BYTES];
    int used = 0;
    enum { MULTICAST = 1, LENGTH = 17 };
    if (strlen(text) != LENGTH || strspn(text, "0123456789abcdefABCDEF:") != LENGTH ||
        sscanf(text, "%2x:%2x:%2x:%2x:%2x:%2x%n", &byte[0], &byte[1], &byte[2], &byte[3], &byte[4], &byte[5],
               &used) != NET_MAC_BYTES ||
        used != LENGTH || (byte[0] & MULTICAST))
        return false;
    for (u32 i = 0; i < NET_MAC_BYTES; i++)
        config->mac[i] = (u8)byte[i];
    return true;
}

/* --- user --- */

static bool set_restrict(struct net_config *config, const char *text)
{
    bool on = strcmp(text, "on") == 0;
    if (!on && strcmp(text, "off") != 0)
        return false;
    config->restricted = on;
    return true;
}

/* "[ADDRESS]:PORT"; an address that is left out is 0. */
static bool parse_end(char *text, u32 *address, u16 *port)
{
    struct in_addr in;
    u32 n = 0;
    char *colon = strrchr(text, ':');
    if (!colon)
        return false;
    *colon = '\0';
    *address = 0;
    if (text[0]) {
        if (inet_pton(AF_INET, text, &in) != 1)
            return false;
        *address = ntohl(in.s_addr);
    }
    if (!parse_number(colon + 1, 10, 0xffff, &n) || !n)
        return false;
    *port = (u16)n;
    return true;
}

/* "tcp:[HOST]:PORT-[GUEST]:PORT", or udp. */
static bool add_forward(struct net_config *config, const char *text)
{
    struct net_forward forward = {0};
    char copy[ITEM_BYTES];
    snprintf(copy, sizeof copy, "%s", text);
    char *host = strchr(copy, ':'), *guest = strchr(copy, '-');
    if (!host || !guest || host > guest || config->n_forwards == NET_FORWARDS_MAX)
        return false;
    *host++ = *guest++ = '\0';
    forward.udp = strcmp(copy, "udp") == 0;
    if (!forward.udp && copy[0] && strcmp(copy, "tcp") != 0)
        return false;
    if (!parse_end(host, &forward.host_address, &forward.host_port) ||
        !parse_end(guest, &forward.guest_address, &forward.guest_port))
        return false;
    config->forward[config->n_forwards++] = forward;
    return true;
}

/* --- all of it --- */

static const struct key {
    const char *name;
    bool user_only;
    bool (*set)(struct net_config *config, const char *text);
    const char *what;
} keys[] = {
    {"io", false, set_io, "one of the ports 280, 300, 320, 340"},
    {"irq", false, set_irq, "one of the interrupts 3, 5, 7, 9, 10, 11"},
    {"mac", false, set_mac, "a station's address like 52:54:00:12:34:56"},
    {"restrict", true, set_restrict, "on or off"},
    {"hostfwd", true, add_forward, "tcp:[HOST]:PORT-[GUEST]:PORT or the same with udp, at most 16 of them"},
};

static bool parse_item(struct net_config *config, char *item, char *why, size_t size)
{
    char *value = strchr(item, '=');
    if (config->kind == NET_NONE)
        return refuse(why, size, "%s: there is no network to set that for", item);
    if (!value)
        return refuse(why, size,
                      "%s: not one of io=, irq=, mac=, restrict=, hostfwd=", *item ? item : "an empty item");
    *value++ = '\0';
    for (u32 i = 0; i < ARRAY_LEN(keys); i++) {
        if (strcmp(item, keys[i].name) != 0)
            continue;
        if (keys[i].user_only && config->kind != NET_USER)
            return refuse(why, size, "%s: only with user", item);
        return keys[i].set(config, value) || refuse(why, size, "%s=%s: not %s", item, value, keys[i].what);
    }
    return refuse(why, size, "%s: not one of io=, irq=, mac=, restrict=, hostfwd=", item);
}

bool net_config_parse(struct net_config *config, const char *text, char *why, size_t size)
{
    net_config_init(config);
    for (bool first = true;; first = false) {
        char item[ITEM_BYTES];
        size_t n = strcspn(text, ",");
        if (n >= sizeof item)
            return refuse(why, size, "%.20s...: too long", text);
        snprintf(item, sizeof item, "%.*s", (int)n, text);
        if (first && !parse_kind(config, item))
            return refuse(why, size, "not one of none, echo, user");
        if (!first && !parse_item(config, item, why, size))
            return false;
        if (!text[n])
            return true;
        text += n + 1;
    }
}
