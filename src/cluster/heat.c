/* Open addressing; when three quarters are used everything is forgotten, and what is still hot comes back at once. */
#include "cluster/heat.h"

#include "base/hash.h"

#include <string.h>

static u64 heat_key(linear_t linear, bool after)
{
    return (u64)linear << 2 | (after ? 2 : 0) | 1; /* never 0 */
}

/* The slot that holds `key`, or the free one where it would go. */
static u32 find_slot(const struct heat *heat, u64 key)
{
    u32 i = (u32)hash64(&key, sizeof key) & (HEAT_SLOTS - 1);
    while (heat->slot[i].key && heat->slot[i].key != key)
        i = (i + 1) & (HEAT_SLOTS - 1);
    return i;
}

void heat_clear(struct heat *heat)
{
    memset(heat, 0, sizeof *heat);
}

void heat_bump(struct heat *heat, linear_t linear, bool after)
{
    u64 key = heat_key(linear, after);
    u32 i = find_slot(heat, key);
    if (!heat->slot[i].key) {
        if (heat->used >= HEAT_SLOTS / 4 * 3) {
            heat_clear(heat);
            i = find_slot(heat, key);
        }
        heat->slot[i].key = key;
        heat->used++;
    }
    if (heat->slot[i].count != UINT32_MAX)
        heat->slot[i].count++;
}

u32 heat_of(const struct heat *heat, linear_t linear, u32 length)
{
    u32 at = heat->slot[find_slot(heat, heat_key(linear, false))].count;
    u32 after = heat->slot[find_slot(heat, heat_key(linear + length, true))].count;
    return at + after;
}
