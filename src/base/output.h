/* A file that is there as a whole or not at all: it is written under another name beside the one that it gets in the end, and
 * what was there before stays until then. Devices, pipes and what links lead to are written as they are. */
#ifndef HUDDLE_BASE_OUTPUT_H
#define HUDDLE_BASE_OUTPUT_H

#include "base/types.h"

#include <stdio.h>

struct output {
    FILE *file;
    const char *path;
    char *temporary; /* NULL: written as it is */
};

/* 0 and a file to write to; or -errno (not logged), and there is nothing to close. `path` must stay until output_close. */
must_check int output_open(struct output *output, const char *path);
/* `rc`: what came of the writing, 0 or negative. If that and what was buffered is well the file gets its name; if not there is
 * none. `rc` or -errno (not logged). */
must_check int output_close(struct output *output, int rc);

#endif
