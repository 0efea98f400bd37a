/* The inside of --control, shared by the files of this folder only. */
#ifndef HUDDLE_CONTROL_CONTROL_IMPL_H
#define HUDDLE_CONTROL_CONTROL_IMPL_H

#include "control/control.h"
#include "control/qmp.h"

#include <sys/stat.h>
#include <sys/un.h>

/* What is known without asking the run loop. */
struct control_status {
    const char *guest; /* its name */
    bool running;
    int level;
};

struct control_order;

/* What the run loop's thread hands to the socket's, in this order: an order that was carried out, or an
 * event. */
struct control_post {
    struct control_order *order; /* it is embedded there; NULL: */
    json_t *event;               /* owned */
    struct control_post *next;
};

/* A client's command that needs the machine. Carried out by the run loop's thread, prepared and answered by
 * the socket's. */
struct control_order {
    const struct control_command *command;
    u64 client;              /* serial number; it may be gone */
    json_t *id;              /* owned; NULL: none */
    char why[QMP_WHY_BYTES]; /* execute: why it could not be done; "": it was */
    /* Arguments and results. */
    int level;
    enum key keys[CONTROL_KEYS];
    u32 n_keys;
    u64 hold_ns;
    char *path; /* owned */
    bool ppm;
    struct vga_picture picture;
    struct control_look *look;    /* owned */
    struct control_status status; /* when it is answered */
    struct control_order *next;
    struct control_post post;
};

struct control_command {
    const char *name;
    const struct qmp_param *params;
    /* Takes what is in the arguments. False: `why` of the order says what is wrong. NULL: nothing is in them.
     */
    bool (*prepare)(struct control_order *order, const json_t *arguments);
    /* On the run loop's thread; NULL: the machine is not needed. */
    void (*execute)(struct control_order *order, const struct control_guest *guest);
    /* What it returns; the caller's reference, NULL: an empty object. May set `why`. NULL: it returns
     * nothing. */
    json_t *(*answer)(struct control_order *order);
    bool (*needless)(
        const struct control_order *order); /* prepared: the machine is not needed for it; NULL: it is */
};

/* command.c */
/* NULL: there is none. */
const struct control_command *control_command_find(const char *name);
/* The order that a client's request is. NULL: out of memory. `why` is set if it cannot be carried out. */
struct control_order *control_order_create(const struct control_command *command,
                                           const struct qmp_request *request);
void control_order_destroy(struct control_order *order);
bool control_order_needs_machine(const struct control_order *order);
/* The reply to it, carried out or not; the caller's reference. */
json_t *control_order_reply(struct control_order *order);

/* control_socket.c */
struct control_socket {
    int fd; /* listening; -1: none */
    struct sockaddr_un address;
    struct stat at; /* what is ours at the path */
};
must_check int control_socket_open(struct control_socket *socket, const char *path);
/* Removes it, if it is still ours. */
void control_socket_close(struct control_socket *socket);

/* client.c */
struct control_client;
/* Owns `fd` from now on, which does not block. NULL: out of memory (closed). */
struct control_client *control_client_create(int fd, u64 serial);
void control_client_destroy(struct control_client *client);
u64 control_client_serial(const struct control_client *client);
/* What it is to be polled for; .fd is -1 if for nothing. */
struct pollfd control_client_wants(const struct control_client *client);
/* What poll said of it: reads, writes, obeys. Commands that need the machine are handed to `hand_over` one at
 * a time: the next comes behind control_client_answer. */
void control_client_work(struct control_client *client, short revents, const struct control_status *status,
                         void (*hand_over)(void *opaque, struct control_order *order), void *opaque);
/* The reply to the order that it had handed over; stolen. */
void control_client_answer(struct control_client *client, json_t *reply);
/* An event (borrowed), if it has negotiated. */
void control_client_tell(struct control_client *client, const json_t *event);
/* It has gone, and left something that poll will not tell of. */
bool control_client_is_restless(const struct control_client *client);
/* There is nothing more to do for it, and it can be destroyed. */
bool control_client_is_over(const struct control_client *client);
/* Writes what can be written. */
void control_client_flush(struct control_client *client);
/* Bytes it has not read yet, and may. */
bool control_client_owes(const struct control_client *client);

#endif
