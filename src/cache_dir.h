/* Where huddle keeps what it could make again. XDG Base Directory Specification. */
#ifndef HUDDLE_CACHE_DIR_H
#define HUDDLE_CACHE_DIR_H

#include "base/types.h"

/* The path of `name` in $XDG_CACHE_HOME/huddle, or ~/.cache/huddle, which is made with mode 0700 if it is not
 * there. False, and nothing said: there is no such folder (no HOME, no right to make it), it is somebody
 * else's, or the path does not fit. */
must_check bool cache_file(char *path, size_t size, const char *name);

#endif
