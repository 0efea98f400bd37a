/* The guest code that a cluster was made from: kept as stretches of adjacent bytes, compared at every entry, and looked
 * at when the guest stores near it. */
#include "cluster/cluster.h"

#include "cluster/interp_impl.h"

#include <stdlib.h>
#include <string.h>

static linear_t linear_of(const struct cluster *cluster, u32 i)
{
    return cluster->key.where.cs_base + cluster->insn[i].eip;
}

/* The instructions in order of their addresses. */
static void sort(const struct cluster *cluster, u16 *order)
{
    for (u32 n = 0; n < cluster->n; n++) {
        u32 at = n;
        for (; at > 0 && linear_of(cluster, order[at - 1]) > linear_of(cluster, n); at--)
            order[at] = order[at - 1];
        order[at] = (u16)n;
    }
}

/* Instructions can overlap, where a branch goes into the middle of one. */
static void add_code(struct cluster *cluster, linear_t linear, const struct steps *steps)
{
    struct cluster_code *last = cluster->n_code ? &cluster->code[cluster->n_code - 1] : NULL;
    if (!last || linear > (u64)last->first + last->bytes) {
        u32 at = last ? last->at + last->bytes : 0;
        last = &cluster->code[cluster->n_code++];
        *last = (struct cluster_code){.first = linear, .at = at};
    }
    u32 offset = linear - last->first;
    memcpy(cluster->bytes + last->at + offset, steps->bytes, steps->length);
    last->bytes = MAX(last->bytes, offset + steps->length);
}

bool cluster_keep_code(struct cluster *cluster, struct code_map *map)
{
    u16 order[CLUSTER_MAX_INSNS];
    cluster->code = calloc(cluster->n, sizeof *cluster->code);
    cluster->bytes = malloc((size_t)cluster->n * INSN_MAX_BYTES);
    if (!cluster->code || !cluster->bytes)
        return false;
    sort(cluster, order);
    for (u32 i = 0; i < cluster->n; i++)
        add_code(cluster, linear_of(cluster, order[i]), &cluster->insn[order[i]].steps);
    cluster->code_map = map;
    for (u32 i = 0; map && i < cluster->n_code; i++)
        code_map_add(map, cluster->code[i].first, cluster->code[i].bytes);
    return true;
}

void cluster_release_code(struct cluster *cluster)
{
    struct code_map *map = cluster->code_map;
    cluster->code_map = NULL;
    for (u32 i = 0; map && i < cluster->n_code; i++)
        code_map_remove(map, cluster->code[i].first, cluster->code[i].bytes);
}

/* A stretch is shorter than a page: CLUSTER_MAX_INSNS of INSN_MAX_BYTES. */
_Static_assert(CLUSTER_MAX_INSNS * INSN_MAX_BYTES <= PAGE_BYTES, "the ends of a stretch are not all its pages");

bool cluster_coherent(const struct cluster *cluster, const struct cluster_env *env)
{
    for (u32 i = 0; i < cluster->n_code; i++) {
        const struct cluster_code *code = &cluster->code[i];
        if (!mem_readable(env, code->first) || !mem_readable(env, code->first + code->bytes - 1) ||
            memcmp(env->view + code->first, cluster->bytes + code->at, code->bytes))
            return false;
    }
    return true;
}

static bool holds(const struct cluster *cluster, linear_t first, linear_t last)
{
    if (last < cluster->code_first || first > cluster->code_last)
        return false;
    for (u32 i = 0; i < cluster->n_code; i++) {
        const struct cluster_code *code = &cluster->code[i];
        if (last >= code->first && first <= code->first + code->bytes - 1)
            return true;
    }
    return false;
}

/* Any of it may be in the page frame of expanded memory, and answer at its other places. */
static bool holds_in_frame(const struct cluster *cluster, linear_t first, linear_t last)
{
    static const linear_t place = CODE_PLACE_BYTES, offset = CODE_PLACE_BYTES - 1, a20 = CODE_A20;
    linear_t frame = CODE_FRAME_FIRST | (first & a20);
    if (!code_in_frame(first) || first / place != last / place) /* not only, or at two places */
        return holds(cluster, first, last) || holds(cluster, frame, frame + CODE_FRAME_BYTES - 1);
    for (linear_t at = frame; at < frame + CODE_FRAME_BYTES; at += place)
        if (holds(cluster, at | (first & offset), at | (last & offset)))
            return true;
    return false;
}

/* With one value of A20's bit. */
static bool holds_there(const struct cluster *cluster, linear_t first, linear_t last)
{
    u64 frame = CODE_FRAME_FIRST | (first & CODE_A20);
    bool elsewhere = last < frame || first >= frame + CODE_FRAME_BYTES;
    return elsewhere ? holds(cluster, first, last) : holds_in_frame(cluster, first, last);
}

bool cluster_holds(const struct cluster *cluster, linear_t first, linear_t last)
{
    static const u32 a20 = BIT(20);
    linear_t end = first | (a20 - 1);
    if (last - first >= a20)
        return true;
    if (last > end) /* elsewhere in two pieces */
        return cluster_holds(cluster, first, end) || cluster_holds(cluster, end + 1, last);
    return holds_there(cluster, first, last) || holds_there(cluster, first ^ a20, last ^ a20);
}
