/* XXH3-64 from xxHash: the only hash in huddle. A hash is never an identity: compare what it stands for. */
#ifndef HUDDLE_BASE_HASH_H
#define HUDDLE_BASE_HASH_H

#include "base/types.h"

/* XXH3-64 of `len` bytes at `data`. */
u64 hash64(const void *data, size_t len);

#endif
