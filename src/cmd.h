/* The commands. Each returns the process status and leaves exiting to main. */
#ifndef HUDDLE_CMD_H
#define HUDDLE_CMD_H

#include "options.h"

enum status {
    STATUS_OK = 0,
    STATUS_DIFFERENT = 1, /* ab; doctor: cannot run */
    STATUS_USAGE = 2,     /* the command line is wrong, or a file it needs cannot be used */
    STATUS_HOST_ERROR = 71,
    STATUS_INTERRUPTED = 130, /* by Ctrl-C */
};

int cmd_run(const struct options *options);
int cmd_ab(const struct options *options);
int cmd_ab_corpus(const struct options *options); /* with --corpus */
int cmd_clusters(const struct options *options);
int cmd_doctor(const struct options *options);
int cmd_bench(const struct options *options);
int cmd_top(const struct options *options);

#endif
