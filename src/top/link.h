/* The client's end of --control: sends commands, takes what comes, one JSON text in a line. */
#ifndef HUDDLE_TOP_LINK_H
#define HUDDLE_TOP_LINK_H

#include "base/types.h"

#include <jansson.h>

struct link;

/* Connects and negotiates. 0 or -errno (logged). */
must_check int link_open(struct link **link, const char *path);
void link_close(struct link *link);

/* Readable: something has come. */
int link_fd(const struct link *link);

/* Sends a command with an id, a string; `arguments` (stolen) may be NULL. 0, or -errno: the other side is
 * gone. */
must_check int link_send(struct link *link, const char *command, const char *id, json_t *arguments);

/* The next message that is whole, the caller's reference; waits up to timeout_ms for it. NULL: none, and *rc
 * is 0, or -EPIPE: the other side is gone, or -EPROTO: it does not speak QMP. */
json_t *link_receive(struct link *link, int timeout_ms, int *rc);

#endif
