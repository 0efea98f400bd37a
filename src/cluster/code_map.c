/* A byte per granule of the 4 GiB, in a mapping that is filled where it is touched. */
#include "cluster/code_map.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#define GRANULES (1u << (32 - CODE_GRANULE_SHIFT))

enum { PAGE_BITS = 12, STICKY = 255 };

int code_map_init(struct code_map *map)
{
    *map = (struct code_map){.epoch = 1};
    map->granule = mmap(NULL, GRANULES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (map->granule != MAP_FAILED)
        return 0;
    map->granule = NULL;
    return -ENOMEM;
}

void code_map_fini(struct code_map *map)
{
    if (map->granule)
        munmap(map->granule, GRANULES);
    map->granule = NULL;
}

static u32 granule_of(linear_t linear)
{
    return (linear & ~(linear_t)CODE_A20) >> CODE_GRANULE_SHIFT;
}

/* Granules from `first` to `last`, one after the other, although A20's bit may change in between. */
#define EACH_GRANULE(at, first, last)                                                                        \
    for (u64 at = (first) >> CODE_GRANULE_SHIFT; at <= (last) >> CODE_GRANULE_SHIFT; at++)

/* Where the byte at `linear` may answer, for the places of the page frame: [i] of them, and 1 or as many. */
static u32 places_of(linear_t linear)
{
    return code_in_frame(linear) ? CODE_FRAME_BYTES / CODE_PLACE_BYTES : 1;
}

static linear_t at_place(linear_t linear, u32 i)
{
    return code_in_frame(linear) ? CODE_FRAME_FIRST + i * CODE_PLACE_BYTES + linear % CODE_PLACE_BYTES : linear;
}

static void guard(struct code_map *map, linear_t page)
{
    for (u32 i = 0; i < places_of(page); i++)
        map->guard(map->opaque, at_place(page, i));
}

void code_map_add(struct code_map *map, linear_t first, u32 bytes)
{
    linear_t last = first + bytes - 1;
    EACH_GRANULE(at, first, last)
    {
        linear_t linear = (linear_t)(at << CODE_GRANULE_SHIFT);
        for (u32 i = 0; i < places_of(linear); i++) {
            u8 *granule = &map->granule[granule_of(at_place(linear, i))];
            *granule = (u8)(*granule + (*granule != STICKY));
        }
    }
    for (u32 page = first >> PAGE_BITS; map->guard && page <= last >> PAGE_BITS; page++)
        guard(map, page << PAGE_BITS);
}

void code_map_remove(struct code_map *map, linear_t first, u32 bytes)
{
    EACH_GRANULE(at, first, first + bytes - 1)
    {
        linear_t linear = (linear_t)(at << CODE_GRANULE_SHIFT);
        for (u32 i = 0; i < places_of(linear); i++) {
            u8 *granule = &map->granule[granule_of(at_place(linear, i))];
            *granule = (u8)(*granule - (*granule != 0 && *granule != STICKY));
        }
    }
}

static bool any(const u8 *granule, u64 n)
{
    u64 eight;
    for (; n >= sizeof eight; n -= sizeof eight, granule += sizeof eight) {
        memcpy(&eight, granule, sizeof eight);
        if (eight)
            return true;
    }
    while (n)
        if (granule[--n])
            return true;
    return false;
}

bool code_map_holds(const struct code_map *map, linear_t first, linear_t last)
{
    return map->granule[granule_of(first)] || map->granule[granule_of(last)];
}

void code_map_stored(struct code_map *map, linear_t first, linear_t last)
{
    linear_t end = first | (CODE_A20 - 1); /* from there on they may be elsewhere */
    if (last > end)
        code_map_stored(map, end + 1, last);
    u32 granule = granule_of(first);
    if (any(map->granule + granule, granule_of(MIN(last, end)) - granule + 1))
        map->epoch++;
}
