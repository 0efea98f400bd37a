/* See link.h. */
#include "top/link.h"

#include "base/host.h"
#include "base/log.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { MESSAGE_MAX = 256 * 1024, ANSWER_MS = 5000 };

struct link {
    int fd;
    size_t bytes;
    char text[MESSAGE_MAX]; /* what has come */
};

int link_fd(const struct link *link)
{
    return link->fd;
}

/* --- receiving --- */

/* Takes the first line out of what has come. NULL: it is not whole, or (*rc) no JSON. */
static json_t *take_line(struct link *link, int *rc)
{
    char *end = memchr(link->text, '\n', link->bytes);
    if (!end)
        return NULL;
    size_t taken = (size_t)(end - link->text) + 1;
    json_t *message = json_loadb(link->text, taken, 0, NULL);
    link->bytes -= taken;
    memmove(link->text, end + 1, link->bytes);
    *rc = message ? 0 : -EPROTO;
    return message;
}

static int take_bytes(struct link *link)
{
    if (link->bytes == sizeof link->text)
        return -EPROTO;
    ssize_t n = recv(link->fd, link->text + link->bytes, sizeof link->text - link->bytes, MSG_DONTWAIT);
    if (n < 0)
        return errno == EAGAIN || errno == EINTR ? 0 : -EPIPE;
    link->bytes += (size_t)n;
    return n ? 0 : -EPIPE;
}

json_t *link_receive(struct link *link, int timeout_ms, int *rc)
{
    u64 end = host_monotonic_ns() / NS_PER_MS + (u64)timeout_ms;
    *rc = 0;
    for (;;) {
        json_t *message = take_line(link, rc);
        if (message || *rc)
            return message;
        u64 now = host_monotonic_ns() / NS_PER_MS;
        struct pollfd fd = {.fd = link->fd, .events = POLLIN};
        int ready = poll(&fd, 1, now < end ? (int)(end - now) : 0);
        if (ready > 0)
            *rc = take_bytes(link);
        if (*rc || (ready <= 0 && now >= end) || (ready == 0 && timeout_ms == 0))
            return NULL;
    }
}

/* --- sending --- */

int link_send(struct link *link, const char *command, const char *id, json_t *arguments)
{
    json_t *message = json_pack("{s:s,s:s}", "execute", command, "id", id);
    if (arguments)
        json_object_set_new(message, "arguments", arguments);
    char *text = message ? json_dumps(message, JSON_COMPACT) : NULL;
    json_decref(message);
    if (!text)
        return -ENOMEM;
    size_t length = strlen(text);
    text[length] = '\n'; /* instead of the NUL */
    ssize_t sent = send(link->fd, text, length + 1, MSG_NOSIGNAL);
    free(text);
    return sent == (ssize_t)length + 1 ? 0 : -EPIPE;
}

/* --- life --- */

static int connect_to(struct link *link, const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof address.sun_path)
        return -ENAMETOOLONG;
    strcpy(address.sun_path, path);
    link->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (link->fd < 0 || connect(link->fd, (const struct sockaddr *)&address, sizeof address))
        return -errno;
    return 0;
}

static int negotiate(struct link *link, const char **why)
{
    int rc;
    json_t *greeting = link_receive(link, ANSWER_MS, &rc);
    const char *refused = json_string_value(json_object_get(json_object_get(greeting, "error"), "desc"));
    bool known = json_object_get(greeting, "QMP") != NULL;
    *why = !greeting && !rc ? "nobody answers"
           : refused        ? "there are too many clients already"
                            : "that is no socket of huddle";
    json_decref(greeting);
    if (!known)
        return -EPROTO;
    rc = link_send(link, "qmp_capabilities", "capabilities", NULL);
    json_t *reply = rc ? NULL : link_receive(link, ANSWER_MS, &rc);
    bool ready = json_object_get(reply, "return") != NULL;
    json_decref(reply);
    *why = "it does not answer";
    return ready ? 0 : -EPROTO;
}

int link_open(struct link **out, const char *path)
{
    const char *why = NULL;
    struct link *link = malloc(sizeof *link);
    if (!link) {
        log_error("%s: out of memory", path);
        return -ENOMEM;
    }
    link->fd = -1;
    link->bytes = 0;
    int rc = connect_to(link, path);
    if (rc)
        why = rc == -ECONNREFUSED ? "no guest listens there" : strerror(-rc);
    else
        rc = negotiate(link, &why);
    if (rc) {
        log_error("%s: %s", path, why);
        link_close(link);
        return rc;
    }
    *out = link;
    return 0;
}

void link_close(struct link *link)
{
    if (link->fd >= 0)
        close(link->fd);
    free(link);
}
