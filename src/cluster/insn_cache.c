/* The instruction cache: direct-mapped, one entry per linear address and mode. Owns nothing but its entries.
 */
#include "cluster/insn_cache.h"

#include <stdlib.h>

#define ENTRIES    8192u
#define CODE_BYTES 16u

struct entry {
    u64 code[2]; /* the instruction's bytes, zero beyond its length */
    u64 mask[2]; /* which bits of it count */
    linear_t linear;
    bool valid;
    bool code32;
    struct steps steps;
};

struct insn_cache {
    struct entry entry[ENTRIES];
};

struct insn_cache *insn_cache_create(void)
{
    return calloc(1, sizeof(struct insn_cache));
}

void insn_cache_destroy(struct insn_cache *cache)
{
    free(cache);
}

static struct entry *entry_of(struct insn_cache *cache, linear_t linear)
{
    return &cache->entry[(linear ^ linear >> 13) % ENTRIES];
}

/* Copies up to `size` code bytes and returns how many are readable. */
static u32 fetch(const struct cluster_env *env, linear_t linear, u32 size, u8 *bytes)
{
    u32 done = 0;

    while (done < size) {
        linear_t at = linear + done;
        u32 room = PAGE_BYTES - (at & (PAGE_BYTES - 1));
        u32 part = MIN(room, size - done);
        if (!mem_readable(env, at))
            break;
        memcpy(bytes + done, env->view + at, part);
        done += part;
    }
    return done;
}

static bool same_code(const struct entry *entry, const struct cluster_env *env, linear_t linear)
{
    u8 copy[CODE_BYTES] = {0};
    u64 code[2];

    if (likely(mem_in_page(linear, CODE_BYTES) && mem_readable(env, linear)))
        memcpy(code, env->view + linear, sizeof(code));
    else if (fetch(env, linear, entry->steps.length, copy) == entry->steps.length)
        memcpy(code, copy, sizeof(code));
    else
        return false;
    return (((code[0] ^ entry->code[0]) & entry->mask[0]) | ((code[1] ^ entry->code[1]) & entry->mask[1])) ==
           0;
}

const struct steps *insn_cache_find(struct insn_cache *cache, const struct cluster_env *env,
                                    const struct cpu_state *cpu)
{
    const struct cpu_segment *cs = &cpu->sreg[CPU_CS];
    linear_t linear = cs->base + cpu->eip;
    const struct entry *entry = entry_of(cache, linear);

    if (!entry->valid || entry->linear != linear || entry->steps.eip != cpu->eip || entry->code32 != cs->db)
        return NULL;
    if ((u64)cpu->eip + entry->steps.length > (u64)cs->limit + 1 || !same_code(entry, env, linear))
        return NULL;
    return &entry->steps;
}

static void enter(struct entry *entry, linear_t linear, bool code32)
{
    u8 mask[CODE_BYTES] = {0}, code[CODE_BYTES] = {0};

    memset(mask, 0xff, entry->steps.length);
    memcpy(code, entry->steps.bytes, entry->steps.length);
    memcpy(entry->mask, mask, sizeof(mask));
    memcpy(entry->code, code, sizeof(code));
    entry->linear = linear;
    entry->code32 = code32;
    entry->valid = true;
}

static enum interp_result decode_failed(struct exec *x, enum insn_error error, bool beyond_limit)
{
    switch (error) {
    case INSN_TOO_LONG:
        return exec_gp(x);
    case INSN_TRUNCATED:
        return beyond_limit ? exec_gp(x) : INTERP_UNSUPPORTED;
    default:
        return exec_ud(x);
    }
}

enum interp_result insn_cache_fill(struct insn_cache *cache, struct exec *x, const struct steps **steps)
{
    const struct cpu_segment *cs = &x->cpu->sreg[CPU_CS];
    linear_t linear = cs->base + x->cpu->eip;
    struct entry *entry = entry_of(cache, linear);
    u8 bytes[INSN_MAX_BYTES];
    struct insn insn;

    if (x->cpu->eip > cs->limit)
        return exec_gp(x);
    u32 inside = (u32)MIN((u64)cs->limit - x->cpu->eip + 1, (u64)INSN_MAX_BYTES);
    u32 readable = fetch(x->env, linear, inside, bytes);
    if (readable == 0)
        return INTERP_UNSUPPORTED;
    if (!insn_decode(&insn, bytes, readable, x->cpu->eip, cs->db))
        return decode_failed(x, insn.error, readable == inside);
    entry->valid = false;
    if (!steps_lower(&entry->steps, &insn)) {
        x->interp->unknown = (u16)insn.zydis.mnemonic;
        return INTERP_UNSUPPORTED;
    }
    enter(entry, linear, cs->db);
    *steps = &entry->steps;
    return INTERP_DONE;
}
