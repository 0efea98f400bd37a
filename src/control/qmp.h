/* QMP's messages as JSON: what a client's command says, and what is said to clients. QEMU's
 * docs/interop/qmp-spec. Functions that make a message return the caller's reference, or NULL for want of
 * memory. */
#ifndef HUDDLE_CONTROL_QMP_H
#define HUDDLE_CONTROL_QMP_H

#include "base/types.h"

#include <jansson.h>

enum { QMP_WHY_BYTES = 256 };

struct qmp_request {
    json_t *root; /* owned; the others are in it */
    const char *execute;
    const json_t *arguments; /* an object; NULL: none */
    json_t *id;              /* NULL: none */
};

/* Parses one text. False: `why` (QMP_WHY_BYTES) has the reason, and `id` is there if the text got that far.
 * In both cases qmp_request_fini must follow. */
bool qmp_request_parse(struct qmp_request *request, const char *text, size_t bytes, char *why);
void qmp_request_fini(struct qmp_request *request);

enum qmp_error { QMP_GENERIC_ERROR, QMP_COMMAND_NOT_FOUND };

json_t *qmp_greeting(void);
/* `value` (stolen) is what the command returns; NULL is an empty object. `id` (borrowed) may be NULL. */
json_t *qmp_return(json_t *value, json_t *id);
json_t *qmp_error(enum qmp_error class, const char *text, json_t *id);
/* An event of now. `data` (stolen): NULL, if it has none. */
json_t *qmp_event(const char *name, json_t *data);

enum qmp_type { QMP_TYPE_STRING, QMP_TYPE_INT, QMP_TYPE_LIST };

struct qmp_param {
    const char *name; /* NULL: the end of the list */
    enum qmp_type type;
    bool optional;
};

/* Are these the arguments that a command takes: all that must be there, of the right types, and no others?
 * `params` ends with a row without a name. False: `why` says what is wrong. */
bool qmp_check_arguments(const json_t *arguments, const struct qmp_param *params, char *why);

#endif
