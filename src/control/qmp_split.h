/* Cuts what a client sends into JSON texts. QMP has no other framing: a command is whole when its last brace
 * has come, with or without a line end behind it. Memory is bounded whatever comes. */
#ifndef HUDDLE_CONTROL_QMP_SPLIT_H
#define HUDDLE_CONTROL_QMP_SPLIT_H

#include "base/types.h"

enum { QMP_TEXT_MAX = 16384, QMP_DEPTH_MAX = 64 };

enum qmp_split_state { QMP_BETWEEN, QMP_NESTED, QMP_STRING, QMP_ESCAPE, QMP_SKIP };

/* Zero-initialised is ready. */
struct qmp_split {
    enum qmp_split_state state;
    u32 depth;
    char closing[QMP_DEPTH_MAX]; /* the bracket awaited at each depth */
    u32 bytes;
    char text[QMP_TEXT_MAX];
};

enum qmp_cut {
    QMP_MORE,  /* all bytes were taken, nothing is whole yet */
    QMP_WHOLE, /* text[0..bytes) is an object or an array, as far as its brackets and strings say; until the
                  next call */
    QMP_JUNK,  /* what came is none: `why` says so. Goes on with the next line */
};

/* Takes `*bytes` at `*at` until one of these; both are moved behind what was taken. */
enum qmp_cut qmp_split(struct qmp_split *split, const char **at, size_t *bytes, const char **why);

#endif
