/* Which clusters are shown, in which order, and the words for them. */
#include "report/clusters_sort.h"

#include <stdlib.h>
#include <string.h>

static bool count_one(void *opaque, const struct cluster *cluster)
{
    (void)cluster;
    ++*(u32 *)opaque;
    return true;
}

static bool add_one(void *opaque, const struct cluster *cluster)
{
    struct clusters_list *list = opaque;
    struct clusters_item *item = &list->item[list->n];
    item->cluster = cluster;
    item->exits_avoided = cluster_exits_avoided(cluster);
    item->order = malloc(cluster->n * sizeof *item->order);
    for (u32 i = 0; i < cluster->n; i++)
        item->exiting += cluster->insn[i].exiting;
    list->n++;
    list->runs += cluster->runs;
    list->exits_avoided += item->exits_avoided;
    return item->order != NULL;
}

/* Indices of instructions, by where they stand: downstream of the entry, then those in front of it. */
static int by_address(const void *a, const void *b, void *opaque)
{
    const struct cluster *cluster = opaque;
    u32 entry = cluster->key.where.eip;
    u32 x = cluster->insn[*(const u16 *)a].eip - entry, y = cluster->insn[*(const u16 *)b].eip - entry;
    return x < y ? -1 : x > y;
}

static void sort_insns(struct clusters_item *item)
{
    for (u32 i = 0; i < item->cluster->n; i++)
        item->order[i] = (u16)i;
    qsort_r(item->order, item->cluster->n, sizeof *item->order, by_address, (void *)item->cluster);
}

/* The order is the same in every run: what is equally hot is told apart by its key. */
static int by_heat(const void *a, const void *b)
{
    const struct clusters_item *x = a, *y = b;
    if (x->exits_avoided != y->exits_avoided)
        return x->exits_avoided < y->exits_avoided ? 1 : -1;
    if (x->cluster->runs != y->cluster->runs)
        return x->cluster->runs < y->cluster->runs ? 1 : -1;
    return memcmp(&x->cluster->key, &y->cluster->key, sizeof x->cluster->key);
}

bool clusters_list_init(struct clusters_list *list, const struct cluster_engine *engine)
{
    u32 n = 0;
    *list = (struct clusters_list){0};
    cluster_engine_each(engine, count_one, &n);
    list->item = calloc(MAX(n, 1u), sizeof *list->item);
    if (!list->item)
        return false;
    cluster_engine_each(engine, add_one, list);
    if (list->n < n || (n && !list->item[n - 1].order)) {
        clusters_list_fini(list);
        return false;
    }
    for (u32 i = 0; i < n; i++)
        sort_insns(&list->item[i]);
    qsort(list->item, n, sizeof *list->item, by_heat);
    return true;
}

void clusters_list_fini(struct clusters_list *list)
{
    for (u32 i = 0; i < list->n; i++)
        free(list->item[i].order);
    free(list->item);
    *list = (struct clusters_list){0};
}

static int by_count(const void *a, const void *b)
{
    const struct clusters_leave *x = a, *y = b;
    if (x->count != y->count)
        return x->count < y->count ? 1 : -1;
    return (int)x->reason - (int)y->reason;
}

u32 clusters_leaves(struct clusters_leave leaves[LEAVE_REASONS], const struct cluster *cluster)
{
    u32 n = 0;
    for (u32 i = 0; i < LEAVE_REASONS; i++)
        if (cluster->leave[i])
            leaves[n++] = (struct clusters_leave){(enum cluster_leave)i, cluster->leave[i]};
    qsort(leaves, n, sizeof leaves[0], by_count);
    return n;
}

const char *clusters_address(char text[CLUSTERS_TEXT_BYTES], const struct cluster *cluster, u32 eip)
{
    static const u32 paragraph = 16, reach = 0xffff;
    const struct cpu_where *where = &cluster->key.where;
    if (where->mode & MODE_PROTECTED || where->cs_base % paragraph || where->cs_base / paragraph > reach ||
        eip > reach)
        snprintf(text, CLUSTERS_TEXT_BYTES, "%08X", where->cs_base + eip);
    else
        snprintf(text, CLUSTERS_TEXT_BYTES, "%04X:%04X", where->cs_base / paragraph, eip);
    return text;
}

const char *clusters_disassemble(char text[CLUSTERS_TEXT_BYTES], const struct cluster *cluster,
                                 const struct cluster_insn *insn)
{
    struct insn decoded;
    if (insn_decode(&decoded, insn->steps.bytes, insn->steps.length, insn->eip,
                    cluster->key.where.mode & MODE_CODE32))
        insn_format(&decoded, text, CLUSTERS_TEXT_BYTES);
    else
        snprintf(text, CLUSTERS_TEXT_BYTES, "?");
    return text;
}

const char *clusters_class(const struct cluster_insn *insn)
{
    static const char *const name[] = {
        [INSN_FILLER] = "filler", [INSN_WEAK] = "weak", [INSN_STRONG] = "strong", [INSN_UNSUPPORTED] = "?"};
    return name[insn->steps.class];
}

const char *clusters_position(const struct cluster *cluster)
{
    static const char *const name[] = {
        [POSITION_AT] = "at", [POSITION_AFTER] = "before", [POSITION_INSIDE] = "inside", [POSITION_REGION] = "region"};
    return name[cluster->key.position];
}

bool clusters_is_region(const struct cluster *cluster)
{
    return cluster->key.position == POSITION_REGION;
}

u32 clusters_blocks(bool targets[CLUSTER_MAX_INSNS], const struct cluster *cluster)
{
    bool starts[CLUSTER_MAX_INSNS] = {true};
    u32 blocks = 0;
    memset(targets, 0, CLUSTER_MAX_INSNS * sizeof *targets);
    for (u32 i = 0; i < cluster->n; i++) {
        const struct cluster_insn *insn = &cluster->insn[i];
        if (insn->target != CLUSTER_NO_INSN)
            targets[insn->target] = starts[insn->target] = true;
        if (insn->next != CLUSTER_NO_INSN && insn->steps.flow != FLOW_NEXT)
            starts[insn->next] = true;
    }
    for (u32 i = 0; i < cluster->n; i++)
        blocks += starts[i];
    return blocks;
}

const u8 *clusters_host_code(const struct clusters_report *report, const struct cluster *cluster, int i,
                             u32 *bytes)
{
    const struct cluster_backend *backend = report->backend;
    *bytes = 0;
    if (!backend->code || !cluster->translation)
        return NULL;
    const u8 *code = backend->code(backend->opaque, cluster, i, bytes);
    if (!code)
        *bytes = 0;
    return code;
}
