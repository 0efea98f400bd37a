/* One client of --control: its bytes in and out. Everything here is the socket thread's.
 *
 * As long as a client has an order at the run loop, or has not read what it was told, nothing is read from
 * it: a pipe that is full stays full. So at most one chunk of input, one text and one reply more than
 * OUT_PAUSE are kept of it; only events come unasked, and a client that lets so many of them lie that OUT_MAX
 * is reached is let go. */
#include "control/control_impl.h"
#include "control/qmp_split.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { CHUNK = 4096, OUT_PAUSE = 16 * 1024, OUT_MAX = 512 * 1024 };
enum { LAST_CHUNKS = 256 }; /* of one that has gone: more than a socket's buffer holds */

struct control_client {
    int fd;
    u64 serial;
    bool negotiated;
    bool waits;      /* for the run loop, with one order */
    bool at_end;     /* it will send no more */
    bool gone;       /* it will not read any more, but what it has sent counts */
    bool broken;     /* let it go */
    u32 last_chunks; /* read since it has gone */
    struct qmp_split split;
    const char *in_at; /* in `in` */
    size_t in_bytes;
    char in[CHUNK];
    char *out; /* owned */
    size_t out_bytes, out_at, out_size;
};

/* --- output --- */

/* It may have closed only its reading side and stay: then nothing would ever end what can still be read from it. */
static void note_gone(struct control_client *c)
{
    if (!c->gone)
        shutdown(c->fd, SHUT_RDWR); /* what it has sent can still be read */
    c->gone = true;
}

static bool has_output(const struct control_client *c)
{
    return c->out_at < c->out_bytes;
}

void control_client_flush(struct control_client *c)
{
    while (has_output(c)) {
        ssize_t n = send(c->fd, c->out + c->out_at, c->out_bytes - c->out_at, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n < 0) {
            if (errno != EAGAIN && errno != EINTR)
                note_gone(c);
            break;
        }
        c->out_at += (size_t)n;
    }
    if (c->gone || !has_output(c)) {
        free(c->out);
        c->out = NULL;
        c->out_at = c->out_bytes = c->out_size = 0;
    }
}

static bool make_room(struct control_client *c, size_t bytes)
{
    if (c->out_at) {
        memmove(c->out, c->out + c->out_at, c->out_bytes - c->out_at);
        c->out_bytes -= c->out_at;
        c->out_at = 0;
    }
    size_t size = c->out_bytes + bytes;
    if (size > OUT_MAX)
        return false;
    if (size <= c->out_size)
        return true;
    char *out = realloc(c->out, 2 * size);
    if (!out)
        return false;
    c->out = out;
    c->out_size = 2 * size;
    return true;
}

static void say(struct control_client *c, const json_t *message)
{
    static const char line_end[] = "\r\n";
    char *text = message && !c->gone ? json_dumps(message, JSON_COMPACT) : NULL;
    size_t bytes = text ? strlen(text) : 0;
    if (text && make_room(c, bytes + strlen(line_end))) {
        memcpy(c->out + c->out_bytes, text, bytes);
        memcpy(c->out + c->out_bytes + bytes, line_end, strlen(line_end));
        c->out_bytes += bytes + strlen(line_end);
        control_client_flush(c);
    } else if (!c->gone) {
        c->broken = true;
    }
    free(text);
}

static void say_and_drop(struct control_client *c, json_t *message)
{
    say(c, message);
    json_decref(message);
}

static void say_error(struct control_client *c, enum qmp_error class, const char *text, json_t *id)
{
    say_and_drop(c, qmp_error(class, text, id));
}

/* --- commands --- */

/* The list of capabilities that a client wants is checked by nobody but here: there is none. */
static void negotiate(struct control_client *c, const struct qmp_request *request)
{
    static const struct qmp_param params[] = {{"enable", QMP_TYPE_LIST, true}, {NULL}};
    char why[QMP_WHY_BYTES];
    if (c->negotiated) {
        say_error(c, QMP_COMMAND_NOT_FOUND, "Capabilities negotiation is already complete, command ignored",
                  request->id);
    } else if (!qmp_check_arguments(request->arguments, params, why)) {
        say_error(c, QMP_GENERIC_ERROR, why, request->id);
    } else if (json_array_size(json_object_get(request->arguments, "enable"))) {
        say_error(c, QMP_GENERIC_ERROR, "there are no capabilities to be enabled", request->id);
    } else {
        c->negotiated = true;
        say_and_drop(c, qmp_return(NULL, request->id));
    }
}

static void say_unknown(struct control_client *c, const struct qmp_request *request)
{
    char text[QMP_WHY_BYTES];
    snprintf(text, sizeof text, "The command %.100s has not been found", request->execute);
    say_error(c, QMP_COMMAND_NOT_FOUND, text, request->id);
}

struct handing {
    const struct control_status *status;
    void (*hand_over)(void *opaque, struct control_order *order);
    void *opaque;
};

static void carry_out(struct control_client *c, const struct qmp_request *request,
                      const struct handing *handing)
{
    const struct control_command *command = control_command_find(request->execute);
    if (!command) {
        say_unknown(c, request);
        return;
    }
    struct control_order *order = control_order_create(command, request);
    if (!order) {
        c->broken = true;
        return;
    }
    order->client = c->serial;
    order->status = *handing->status;
    if (control_order_needs_machine(order)) {
        c->waits = true;
        handing->hand_over(handing->opaque, order);
        return;
    }
    say_and_drop(c, control_order_reply(order));
    control_order_destroy(order);
}

static void obey(struct control_client *c, const struct handing *handing)
{
    struct qmp_request request;
    char why[QMP_WHY_BYTES];
    if (!qmp_request_parse(&request, c->split.text, c->split.bytes, why))
        say_error(c, QMP_GENERIC_ERROR, why, request.id);
    else if (strcmp(request.execute, "qmp_capabilities") == 0)
        negotiate(c, &request);
    else if (!c->negotiated)
        say_error(c, QMP_COMMAND_NOT_FOUND, "Expecting capabilities negotiation with 'qmp_capabilities'",
                  request.id);
    else
        carry_out(c, &request, handing);
    qmp_request_fini(&request);
}

/* --- input --- */

static bool may_read(const struct control_client *c)
{
    return !c->waits && !c->broken && c->out_bytes - c->out_at < OUT_PAUSE;
}

/* Obeys what is there, as far as it may be read. */
static void digest(struct control_client *c, const struct handing *handing)
{
    while (c->in_bytes && may_read(c)) {
        const char *why;
        switch (qmp_split(&c->split, &c->in_at, &c->in_bytes, &why)) {
        case QMP_WHOLE:
            obey(c, handing);
            break;
        case QMP_JUNK:
            say_error(c, QMP_GENERIC_ERROR, why, NULL);
            break;
        case QMP_MORE:
            break;
        }
    }
}

/* The next chunk. False: there is none now. */
static bool take(struct control_client *c)
{
    if (c->in_bytes || c->at_end || !may_read(c))
        return false;
    ssize_t n = recv(c->fd, c->in, sizeof c->in, MSG_DONTWAIT);
    if (n < 0) {
        c->at_end |= errno != EAGAIN && errno != EINTR;
        return false;
    }
    c->at_end = n == 0;
    c->in_at = c->in;
    c->in_bytes = (size_t)n;
    return n > 0;
}

void control_client_work(struct control_client *c, short revents, const struct control_status *status,
                         void (*hand_over)(void *opaque, struct control_order *order), void *opaque)
{
    const struct handing handing = {status, hand_over, opaque};
    if (revents & (POLLHUP | POLLERR | POLLNVAL))
        note_gone(c);
    control_client_flush(c);
    digest(c, &handing);
    /* One chunk at a time, or others would wait; nobody will tell of one that has gone: what it left is
     * bounded. */
    while (((revents & POLLIN) || c->gone) && take(c)) {
        digest(c, &handing);
        if (!c->gone)
            break;
        c->broken |= ++c->last_chunks == LAST_CHUNKS;
    }
}

/* --- the thread's side --- */

struct pollfd control_client_wants(const struct control_client *c)
{
    struct pollfd fd = {.fd = c->gone ? -1 : c->fd};
    if (has_output(c))
        fd.events |= POLLOUT;
    if (may_read(c) && !c->at_end)
        fd.events |= POLLIN;
    return fd;
}

void control_client_answer(struct control_client *c, json_t *reply)
{
    c->waits = false;
    say_and_drop(c, reply);
}

void control_client_tell(struct control_client *c, const json_t *event)
{
    if (c->negotiated)
        say(c, event);
}

bool control_client_owes(const struct control_client *c)
{
    return has_output(c) && !c->gone && !c->broken;
}

bool control_client_is_restless(const struct control_client *c)
{
    return c->gone && !c->waits && !control_client_is_over(c);
}

bool control_client_is_over(const struct control_client *c)
{
    if (c->broken)
        return true;
    return c->at_end && !c->in_bytes && !c->waits && (c->gone || !has_output(c));
}

u64 control_client_serial(const struct control_client *c)
{
    return c->serial;
}

struct control_client *control_client_create(int fd, u64 serial)
{
    struct control_client *c = calloc(1, sizeof *c);
    if (!c) {
        close(fd);
        return NULL;
    }
    c->fd = fd;
    c->serial = serial;
    say_and_drop(c, qmp_greeting());
    return c;
}

void control_client_destroy(struct control_client *c)
{
    close(c->fd);
    free(c->out);
    free(c);
}
