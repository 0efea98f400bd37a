/* The names people give to how far clustering goes: off, pairs, window, on. */
#ifndef HUDDLE_LEVEL_H
#define HUDDLE_LEVEL_H

#include "vmm.h"

#define LEVEL_NAMES "off, pairs, window, on"

/* "on" is the best level there is. False if `name` is none of LEVEL_NAMES; `level` is untouched then. */
must_check bool level_parse(const char *name, enum cluster_level *level);

/* The level's own name ("window", never "on"). */
const char *level_name(enum cluster_level level);

#endif
