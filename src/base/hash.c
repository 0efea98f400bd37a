/* The one place that includes xxHash for plain hashing. */
#include "base/hash.h"

#include <xxhash.h>

u64 hash64(const void *data, size_t len)
{
    return XXH3_64bits(data, len);
}
