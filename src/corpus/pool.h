/* Processes, so many at a time: each in a group of its own, with its output kept, a time limit, and an end
 * when ours comes. */
#ifndef HUDDLE_CORPUS_POOL_H
#define HUDDLE_CORPUS_POOL_H

#include "base/types.h"

#define POOL_JSON_PATH "/proc/self/fd/3" /* where a process writes what it has to tell */

struct pool_command {
    char *const *argv; /* NULL: there is nothing to do for this job */
    u64 limit_ns;      /* after which it is killed; 0: none */
};

/* How a process ended. */
struct pool_end {
    int wait_status;
    bool timed_out;   /* killed by the limit */
    const char *said; /* the end of its standard error; "" */
    const char *json; /* what it wrote to POOL_JSON_PATH, json_bytes long */
    size_t json_bytes;
};

struct pool {
    u32 n_jobs;            /* in all */
    u32 at_a_time;         /* at least 1 */
    const char *program;   /* what is executed: a path */
    const char *directory; /* where processes begin */
    void *context;
    /* The command of a job; what argv points to stays until `done`. */
    struct pool_command (*command)(void *context, u32 job);
    /* A process has ended. False: all others are to end too. */
    bool (*done)(void *context, u32 job, const struct pool_end *end);
    /* Jobs that run now changed (for people to look at); may be NULL. */
    void (*progress)(void *context, const u32 *running, u32 n_running);
};

/* Runs all jobs in order. 0; -EINTR: SIGINT, SIGTERM or SIGHUP came, or `done` wanted an end, and all that
 * ran was ended without a call of `done`; another -errno (logged): a process could not be started. */
must_check int pool_run(const struct pool *pool);

#endif
