/* What is said on standard error, for tests of messages. */
#ifndef HUDDLE_TESTS_STORAGE_CAPTURE_H
#define HUDDLE_TESTS_STORAGE_CAPTURE_H

#include <stddef.h>

struct capture {
    int saved, pipe[2];
    char text[2048];
};

void capture_begin(struct capture *capture);
/* Afterwards `text` holds what was said in between. */
void capture_end(struct capture *capture);
/* Exactly one line, with `part` in it. */
void assert_said_once(const struct capture *capture, const char *part);

#endif
