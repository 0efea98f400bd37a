/* Where in guest memory there is code that clusters were made from. A store there must not go unnoticed: translated code
 * finds such pages read-only (`guard`), or, where code and data share a page, looks into the map itself.
 *
 * Addresses are without A20's bit: with A20 off a byte answers at two, and both count whatever A20 is. In the same way a byte
 * in the page frame of expanded memory may answer at all its places, and code in one of them counts in all. */
#ifndef HUDDLE_CLUSTER_CODE_MAP_H
#define HUDDLE_CLUSTER_CODE_MAP_H

#include "base/types.h"

enum {
    CODE_GRANULE_SHIFT = 4,
    CODE_A20 = 1 << 20,
    /* As in machine/memory.h. */
    CODE_FRAME_FIRST = 0xd0000,
    CODE_FRAME_BYTES = 0x10000,
    CODE_PLACE_BYTES = 0x4000,
};

static inline bool code_in_frame(linear_t linear)
{
    return (linear & ~(linear_t)CODE_A20) - CODE_FRAME_FIRST < CODE_FRAME_BYTES;
}

struct code_map {
    u8 *granule; /* clusters with code in these 16 bytes; from 255 on it is not counted any more */
    u32 epoch;   /* changes when a store has hit code: what was compared before must be compared again */
    void (*guard)(void *opaque, u32 page); /* makes it read-only for translated code; NULL: nobody looks */
    void *opaque;
};

/* 0 or -ENOMEM. The map costs address space only, but for granules near code. */
must_check int code_map_init(struct code_map *map);
void code_map_fini(struct code_map *map);

void code_map_add(struct code_map *map, linear_t first, u32 bytes);
void code_map_remove(struct code_map *map, linear_t first, u32 bytes);

/* Is there code near the first or the last of a few bytes? */
bool code_map_holds(const struct code_map *map, linear_t first, linear_t last);

/* The guest has stored to `first` to `last` (included). */
void code_map_stored(struct code_map *map, linear_t first, linear_t last);

#endif
