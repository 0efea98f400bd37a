/* huddle top. */
#ifndef HUDDLE_TOP_TOP_H
#define HUDDLE_TOP_TOP_H

#include "base/types.h"

struct top_options {
    const char *path; /* the guest's socket */
    const char *json; /* NULL: none; "-": standard output */
    bool once;        /* look once, as text */
};

/* Watches until the user or the guest ends it. 0 or -errno (logged). */
must_check int top_run(const struct top_options *options);

#endif
