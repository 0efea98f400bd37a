/* For clients of --control: the instructions that avoided most exits. The engine counts by instruction of a
 * cluster; one that is in several is one here. */
#include "vmm_internal.h"

#include "control/control.h"
#include "decode/insn.h"

#include <stdlib.h>
#include <string.h>

enum { SLOTS = 8192, MAX_USED = SLOTS / 4 * 3 }; /* a power of two */

struct avoided {
    u64 exits;
    linear_t linear;
    const struct cluster *cluster; /* one that it is in; NULL: the slot is free */
    const struct cluster_insn *insn;
};

struct avoided_table {
    u32 used;
    struct avoided slot[SLOTS];
};

static void add(struct avoided_table *table, const struct cluster *cluster, const struct cluster_insn *insn)
{
    linear_t linear = cluster->key.where.cs_base + insn->eip;
    u32 i = (linear * 2654435761u) & (SLOTS - 1); /* Knuth's multiplicative hash */
    while (table->slot[i].cluster && table->slot[i].linear != linear)
        i = (i + 1) & (SLOTS - 1);
    struct avoided *slot = &table->slot[i];
    if (!slot->cluster) {
        if (table->used == MAX_USED)
            return;
        table->used++;
        *slot = (struct avoided){.linear = linear, .cluster = cluster, .insn = insn};
    }
    slot->exits += insn->exits_avoided;
}

static bool add_cluster(void *opaque, const struct cluster *cluster)
{
    for (u32 i = 0; i < cluster->n; i++)
        if (cluster->insn[i].exits_avoided)
            add(opaque, cluster, &cluster->insn[i]);
    return true;
}

static void describe(const struct avoided *from, struct control_avoided *to)
{
    const struct cpu_where *where = &from->cluster->key.where;
    struct insn insn;
    to->exits = from->exits;
    to->linear = from->linear;
    to->cs_base = where->cs_base;
    to->eip = from->insn->eip;
    snprintf(to->text, sizeof to->text, "?");
    if (insn_decode(&insn, from->insn->steps.bytes, from->insn->steps.length, from->insn->eip,
                    where->mode & MODE_CODE32))
        insn_format(&insn, to->text, sizeof to->text);
}

/* A list of pointers into the table, most exits first, and among equal ones by address. */
static void insert(const struct avoided *top[RUN_TOP], const struct avoided *item)
{
    u32 at = RUN_TOP;
    while (at && (!top[at - 1] || item->exits > top[at - 1]->exits ||
                  (item->exits == top[at - 1]->exits && item->linear < top[at - 1]->linear)))
        at--;
    if (at == RUN_TOP)
        return;
    memmove(top + at + 1, top + at, (RUN_TOP - 1 - at) * sizeof *top);
    top[at] = item;
}

void vmm_control_avoided(const struct vmm *vmm, struct control_avoided *out)
{
    const struct avoided *top[RUN_TOP] = {NULL};
    struct avoided_table *table = calloc(1, sizeof *table);
    memset(out, 0, RUN_TOP * sizeof *out);
    if (!table)
        return;
    cluster_engine_each(vmm->engine, add_cluster, table);
    for (u32 i = 0; i < SLOTS; i++)
        if (table->slot[i].cluster)
            insert(top, &table->slot[i]);
    for (u32 i = 0; i < RUN_TOP && top[i]; i++)
        describe(top[i], &out[i]);
    free(table);
}
