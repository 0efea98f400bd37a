/* The listing of clusters as JSON. Memory that runs out leaves values out (see json.c). */
#include "report/clusters.h"

#include "report/clusters_sort.h"
#include "report/host_code.h"
#include "report/json.h"

#include <string.h>

enum { STEPS_TEXT = 1024 };

static json_t *bytes_json(const struct steps *steps)
{
    char text[2 * INSN_MAX_BYTES + 1] = "";
    for (u32 i = 0; i < steps->length; i++)
        sprintf(text + 2 * i, "%02x", steps->bytes[i]);
    return json_text(text);
}

static json_t *steps_json(const struct steps *steps)
{
    char text[STEPS_TEXT];
    json_t *array = json_array();
    steps_print(steps, text, sizeof text);
    for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n"))
        json_array_append_new(array, json_text(line));
    return array;
}

static json_t *host_code_json(const struct clusters_report *report, const struct cluster *cluster, int i)
{
    u32 total, bytes;
    json_t *array = json_array();
    const u8 *whole = clusters_host_code(report, cluster, CLUSTER_NO_INSN, &total);
    const u8 *code = clusters_host_code(report, cluster, i, &bytes);
    for (u32 done = 0; whole && code && done < bytes;) {
        char text[HOST_CODE_BYTES];
        u32 at = (u32)(code - whole) + done;
        u32 length = host_code_format(text, code + done, bytes - done, at, total);
        json_t *o = json_object();
        json_set_u64(o, "offset", at);
        json_object_set_new(o, "text", json_text(length ? text : "?"));
        json_array_append_new(array, o);
        done += MAX(length, 1u);
    }
    return array;
}

/* The linear address it goes on at, or null: out of the cluster. */
static json_t *edge_json(const struct cluster *cluster, s16 to)
{
    return to == CLUSTER_NO_INSN ? json_null()
                                 : json_integer(cluster->key.where.cs_base + cluster->insn[to].eip);
}

static json_t *insn_json(const struct clusters_report *report, const struct cluster *cluster, u32 i)
{
    const struct cluster_insn *insn = &cluster->insn[i];
    char text[CLUSTERS_TEXT_BYTES];
    json_t *o = json_object();
    json_set_u64(o, "linear", cluster->key.where.cs_base + insn->eip);
    json_object_set_new(o, "bytes", bytes_json(&insn->steps));
    json_object_set_new(o, "instruction", json_text(clusters_disassemble(text, cluster, insn)));
    json_object_set_new(o, "class", json_text(clusters_class(insn)));
    json_object_set_new(o, "exiting", json_boolean(insn->exiting));
    json_set_u64(o, "exits", cluster_engine_heat(report->engine, cluster, insn));
    json_set_u64(o, "exits_avoided", insn->exits_avoided);
    json_object_set_new(o, "next", edge_json(cluster, insn->next));
    json_object_set_new(o, "target", edge_json(cluster, insn->target));
    if (report->steps)
        json_object_set_new(o, "steps", steps_json(&insn->steps));
    if (report->host_code)
        json_object_set_new(o, "host_code", host_code_json(report, cluster, (int)i));
    return o;
}

static json_t *leaves_json(const struct cluster *cluster)
{
    struct clusters_leave leaves[LEAVE_REASONS];
    u32 n = clusters_leaves(leaves, cluster);
    json_t *o = json_object();
    for (u32 i = 0; i < n; i++)
        json_set_u64(o, cluster_leave_reason[leaves[i].reason].id, leaves[i].count);
    return o;
}

static json_t *cluster_json(const struct clusters_report *report, const struct clusters_item *item)
{
    const struct cluster *cluster = item->cluster;
    const struct cpu_where *where = &cluster->key.where;
    json_t *o = json_object(), *insns = json_array();
    u32 bytes;
    bool translated = clusters_host_code(report, cluster, CLUSTER_NO_INSN, &bytes) != NULL;
    json_set_u64(o, "linear", where->cs_base + where->eip);
    json_set_u64(o, "cs_base", where->cs_base);
    json_object_set_new(o, "exit", json_text(clusters_position(cluster)));
    json_object_set_new(o, "mode", json_text(where->mode & MODE_PROTECTED ? "protected" : "real"));
    json_set_u64(o, "code_bits", where->mode & MODE_CODE32 ? 32 : 16);
    json_set_u64(o, "formed", cluster->formed);
    json_set_u64(o, "runs", cluster->runs);
    json_set_u64(o, "exits_avoided", item->exits_avoided);
    json_set_u64(o, "exits_avoided_gone", cluster->exits_avoided_gone);
    json_set_u64(o, "exiting", item->exiting);
    json_object_set_new(o, "host_bytes", translated ? json_integer(bytes) : json_null());
    json_object_set_new(o, "left", leaves_json(cluster));
    for (u32 k = 0; k < cluster->n; k++)
        json_array_append_new(insns, insn_json(report, cluster, item->order[k]));
    json_object_set_new(o, "instructions", insns);
    return o;
}

json_t *clusters_json(const struct clusters_report *report)
{
    return clusters_json_top(report, UINT32_MAX);
}

json_t *clusters_json_top(const struct clusters_report *report, u32 top)
{
    struct clusters_list list;
    if (!clusters_list_init(&list, report->engine))
        return NULL;
    json_t *o = json_object(), *clusters = json_array();
    for (u32 i = 0; i < MIN(list.n, top); i++)
        json_array_append_new(clusters, cluster_json(report, &list.item[i]));
    json_object_set_new(o, "guest", json_text(report->guest));
    json_object_set_new(o, "run", json_variant(report->run));
    json_set_u64(o, "count", list.n);
    json_set_u64(o, "exits_avoided", list.exits_avoided);
    json_object_set_new(o, "clusters", clusters);
    clusters_list_fini(&list);
    return o;
}
