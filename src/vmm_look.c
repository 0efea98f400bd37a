/* Which loops of the guest are looked at under the host's clock. To find out that one does nothing but wait
 * costs up to some ten thousand interpreted instructions; that one computes, the same, for nothing. So looks
 * begin small, and what was in vain is paid for: by the loop, which is left alone the longer the more often
 * it failed, and by all loops that have not been seen to wait. One that has is looked at each time it comes
 * up. */
#include "vmm_internal.h"

enum {
    SITES = 64,        /* a power of two */
    VAIN_SHARE = 64,   /* one part in so many of the time may go into looks in vain */
    MAX_PATIENCE = 10, /* log2 of the longest rest, in rests after a first failure */
    FIRST_PERIOD = 32, /* of the first look; four times as long with each failure */
    CREDIT = 4,        /* a loop that waits is met when it has just ended, too */
    TICKS_PER_INSTRUCTION =
        2000, /* of a period, and more than it takes: what takes longer was the host's doing */
};

static struct look_site *site_of(struct look *look, linear_t at)
{
    return &look->site[(at ^ at >> 6) % SITES];
}

bool look_begin(struct look *look, linear_t at)
{
    _Static_assert(ARRAY_LEN(look->site) == SITES, "one table");
    struct look_site *site = site_of(look, at);
    if (site->at != at || !site->known)
        *site = (struct look_site){.at = at, .known = true};
    u64 now = tsc_now();
    if (!site->credit && (now < site->rests_until || now < look->rests_until))
        return false;
    look->begun = now;
    return true;
}

u32 look_period(struct look *look, linear_t at)
{
    u32 shift = 2 * MIN(site_of(look, at)->failures, 8u);
    return MIN((u32)FIRST_PERIOD << shift, (u32)LOOK_MAX_PERIOD);
}

void look_end(struct look *look, linear_t at, bool waits)
{
    struct look_site *site = site_of(look, at);
    if (waits) {
        site->credit = CREDIT;
        site->failures = 0;
        return;
    }
    if (site->credit) {
        site->credit--;
        return;
    }
    u64 now = tsc_now(), took = now - look->begun;
    u64 rest = MIN(took, (u64)look_period(look, at) * TICKS_PER_INSTRUCTION) * VAIN_SHARE;
    site->rests_until = now + (rest << MIN(site->failures, (u32)MAX_PATIENCE));
    look->rests_until = now + rest;
    site->failures++;
}
