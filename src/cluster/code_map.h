/* Where in guest memory there is code that clusters were made from. A store there must not go unnoticed: translated code
 * finds such pages read-only (`guard`), or, where code and data share a page, looks into the map itself.
 *
 * Addresses are without A20's bit: with A20 off a byte answers at two, and both count whatever A20 is. */
#ifndef HUDDLE_CLUSTER_CODE_MAP_H
#define HUDDLE_CLUSTER_CODE_MAP_H

#include "base/types.h"

enum { CODE_GRANULE_SHIFT = 4, CODE_A20 = 1 << 20 };

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
