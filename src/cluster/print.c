/* Clusters as text: for people, and for golden tests of formation. */
#include "cluster/cluster.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct text {
    char *at;
    size_t left;
};

__attribute__((format(printf, 2, 3))) static void add(struct text *text, const char *format, ...)
{
    va_list args;

    if (text->left <= 1)
        return;
    va_start(args, format);
    int n = vsnprintf(text->at, text->left, format, args);
    va_end(args);
    size_t used = n < 0 ? 0 : MIN((size_t)n, text->left - 1);
    text->at += used;
    text->left -= used;
}

static void add_headline(struct text *text, const struct cluster *cluster)
{
    static const char *const position[] = {
        [POSITION_AT] = "at", [POSITION_AFTER] = "after", [POSITION_INSIDE] = "inside",
        [POSITION_REGION] = "from"};
    const struct cpu_where *where = &cluster->key.where;
    u32 exiting = 0;

    for (u32 i = 0; i < cluster->n; i++)
        exiting += cluster->insn[i].exiting;
    add(text, "exit %s %08x, %s mode, %u-bit code: %u instruction%s, %u exiting\n",
        position[cluster->key.position], where->cs_base + where->eip,
        where->mode & MODE_PROTECTED ? "protected" : "real", where->mode & MODE_CODE32 ? 32 : 16, cluster->n,
        cluster->n == 1 ? "" : "s", exiting);
}

static void add_code(struct text *text, const struct cluster *cluster, const struct cluster_insn *insn)
{
    const struct steps *steps = &insn->steps;
    char bytes[2 * INSN_MAX_BYTES + 1] = "", format[96] = "?";
    struct insn decoded;

    for (u32 i = 0; i < steps->length; i++)
        sprintf(bytes + 2 * i, "%02x", steps->bytes[i]);
    if (insn_decode(&decoded, steps->bytes, steps->length, insn->eip, cluster->key.where.mode & MODE_CODE32))
        insn_format(&decoded, format, sizeof format);
    add(text, "  %08x  %-14s  %-32s", cluster->key.where.cs_base + insn->eip, bytes, format);
}

static void add_class(struct text *text, const struct cluster_insn *insn)
{
    static const char *const name[] = {
        [INSN_FILLER] = "filler", [INSN_WEAK] = "weak", [INSN_STRONG] = "strong"};

    add(text, "  %s%s", name[insn->steps.class], insn->exiting ? ", exits" : "");
}

static void add_edge(struct text *text, const struct cluster *cluster, const char *title, s16 to)
{
    if (to == CLUSTER_NO_INSN)
        add(text, ", %s out", title);
    else
        add(text, ", %s %08x", title, cluster->key.where.cs_base + cluster->insn[to].eip);
}

static void add_flow(struct text *text, const struct cluster *cluster, u32 i)
{
    const struct cluster_insn *insn = &cluster->insn[i];
    bool below = insn->next == (s16)(i + 1);

    switch ((enum insn_flow)insn->steps.flow) {
    case FLOW_NEXT:
        if (!below)
            add_edge(text, cluster, "next", insn->next);
        break;
    case FLOW_BRANCH:
        add_edge(text, cluster, "taken", insn->target);
        if (!below)
            add_edge(text, cluster, "else", insn->next);
        break;
    case FLOW_JUMP:
    case FLOW_CALL:
        add_edge(text, cluster, "to", insn->target);
        break;
    case FLOW_INDIRECT:
    case FLOW_FAR:
        add(text, ", indirect");
        break;
    }
}

void cluster_print(const struct cluster *cluster, char *text, size_t size)
{
    struct text out = {.at = text, .left = size};

    if (size)
        *text = 0;
    add_headline(&out, cluster);
    for (u32 i = 0; i < cluster->n; i++) {
        add_code(&out, cluster, &cluster->insn[i]);
        add_class(&out, &cluster->insn[i]);
        add_flow(&out, cluster, i);
        add(&out, "\n");
    }
}
