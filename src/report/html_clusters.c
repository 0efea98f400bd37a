/* The hottest clusters or regions of each variant, from what the process that ran them wrote
 * (clusters_json_top). What is not as expected there is left out. */
#include "report/html_impl.h"

#include "report/number.h"

#include <string.h>

static u64 number_at(const json_t *object, const char *key)
{
    return (u64)json_integer_value(json_object_get(object, key));
}

static const char *text_at(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text ? text : "";
}

static const char *count_text(char text[NUMBER_BYTES], u64 n)
{
    return n ? number_format(text, n) : "-";
}

static bool is_region(const json_t *cluster)
{
    return strcmp(text_at(cluster, "exit"), "region") == 0;
}

static const char *position_text(const json_t *cluster)
{
    static const struct {
        const char *id, *text;
    } positions[] = {{"at", "exit at"},
                     {"before", "exit just before"},
                     {"inside", "exit inside"},
                     {"region", "region at"}};
    for (u32 i = 0; i < ARRAY_LEN(positions); i++)
        if (strcmp(text_at(cluster, "exit"), positions[i].id) == 0)
            return positions[i].text;
    return "cluster at";
}

/* "0000:7C3A", or the linear address where code does not lie as in real mode (clusters_address). */
static void print_address(FILE *out, const json_t *cluster, u64 linear)
{
    enum { PARAGRAPH = 16, REACH = 0xffff };
    u32 base = (u32)number_at(cluster, "cs_base"), ip = (u32)linear - base;
    bool real = strcmp(text_at(cluster, "mode"), "real") == 0;
    if (real && base % PARAGRAPH == 0 && base / PARAGRAPH <= REACH && ip <= REACH)
        fprintf(out, "<code>%04X:%04X</code>", base / PARAGRAPH, ip);
    else
        fprintf(out, "<code>%08X</code>", (u32)linear);
}

static u32 count_class(const json_t *cluster, const char *class)
{
    size_t i;
    json_t *insn;
    u32 n = 0;
    json_array_foreach(json_object_get(cluster, "instructions"), i, insn) n +=
        strcmp(text_at(insn, "class"), class) == 0;
    return n;
}

static double share(u64 part, u64 whole)
{
    return whole ? MIN(100.0 * (double)part / (double)whole, 100.0) : 0;
}

/* --- the table of them --- */

static void overview_row(FILE *out, const char *prefix, u32 rank, const json_t *cluster, u64 all)
{
    static const char *const classes[] = {"strong", "weak", "filler"};
    char text[NUMBER_BYTES], length[NUMBER_BYTES];
    u64 avoided = number_at(cluster, "exits_avoided");
    fprintf(out, "<tr><th scope=\"row\" class=\"n\"><a href=\"#%s-%u\">%u</a></th><td>%s ", prefix, rank,
            rank, position_text(cluster));
    print_address(out, cluster, number_at(cluster, "linear"));
    fprintf(out,
            "</td><td class=\"n\" style=\"--share:%.1f%%\">%s</td><td class=\"n\">%.1f %%</td><td "
            "class=\"n\">%s</td>",
            share(avoided, all), number_format(text, avoided), share(avoided, all),
            number_format(length, json_array_size(json_object_get(cluster, "instructions"))));
    for (u32 i = 0; i < ARRAY_LEN(classes); i++)
        fprintf(out, "<td class=\"n\">%s</td>", count_text(text, count_class(cluster, classes[i])));
    fprintf(out, "<td class=\"n\">%s</td></tr>\n", count_text(text, number_at(cluster, "runs")));
}

static void overview(FILE *out, const char *prefix, const char *variant, const json_t *clusters, u64 all)
{
    static const char *const heads[] = {"exits avoided", "share",   "instructions", "strong",
                                        "weak",          "fillers", "runs"};
    char id[64], caption[96];
    size_t i;
    json_t *cluster;
    snprintf(id, sizeof id, "%s-caption", prefix);
    snprintf(caption, sizeof caption, "The hottest of %s", variant);
    html_table_begin(out, id, caption);
    fputs("<thead><tr><th scope=\"col\" class=\"n\">rank</th><th scope=\"col\">where</th>", out);
    for (u32 k = 0; k < ARRAY_LEN(heads); k++)
        fprintf(out, "<th scope=\"col\" class=\"n\">%s</th>", heads[k]);
    fputs("</tr></thead>\n<tbody>\n", out);
    json_array_foreach(clusters, i, cluster) overview_row(out, prefix, (u32)i + 1, cluster, all);
    fputs("</tbody>\n", out);
    html_table_end(out);
}

/* --- one of them, instruction by instruction --- */

static bool is_target(const json_t *insns, u64 linear)
{
    size_t i;
    json_t *insn;
    json_array_foreach(insns, i, insn) if (json_is_integer(json_object_get(insn, "target")) &&
                                           number_at(insn, "target") == linear) return true;
    return false;
}

static void insn_row(FILE *out, const json_t *cluster, const json_t *insns, const json_t *insn)
{
    char text[NUMBER_BYTES];
    const char *class = text_at(insn, "class");
    bool known = strcmp(class, "strong") == 0 || strcmp(class, "weak") == 0;
    fprintf(out, "<tr%s%s%s><th scope=\"row\">%s", known ? " class=\"" : "", known ? class : "",
            known ? "\"" : "", is_target(insns, number_at(insn, "linear")) ? "&gt; " : "");
    print_address(out, cluster, number_at(insn, "linear"));
    fputs("</th><td><code>", out);
    html_text(out, text_at(insn, "bytes"));
    fputs("</code></td><td><code>", out);
    html_text(out, text_at(insn, "instruction"));
    fprintf(out, "</code></td><td class=\"n\">%s</td>", count_text(text, number_at(insn, "exits")));
    fprintf(out, "<td class=\"n\">%s</td><td>", count_text(text, number_at(insn, "exits_avoided")));
    html_text(out, class);
    fputs("</td><td>", out);
    if (json_is_integer(json_object_get(insn, "target"))) {
        fputs("\xe2\x86\x92 ", out);
        print_address(out, cluster, number_at(insn, "target"));
    }
    fputs("</td></tr>\n", out);
}

static const char *leave_text(const char *id)
{
    for (u32 i = 0; i < LEAVE_REASONS; i++)
        if (strcmp(cluster_leave_reason[i].id, id) == 0)
            return cluster_leave_reason[i].text;
    return id;
}

static void print_shape(FILE *out, const json_t *cluster)
{
    char text[NUMBER_BYTES];
    const char *id;
    json_t *count;
    const char *separator = is_region(cluster) ? " Runs that ended in it: " : " It was left: ";
    fputs("<p>", out);
    html_textf(out, "%s mode, %llu-bit code; ", text_at(cluster, "mode"),
               (unsigned long long)number_at(cluster, "code_bits"));
    u64 exiting = number_at(cluster, "exiting");
    html_textf(out, "%llu instruction%s exiting", (unsigned long long)exiting, exiting == 1 ? "" : "s");
    if (number_at(cluster, "host_bytes"))
        html_textf(out, "; %s bytes of host code", number_format(text, number_at(cluster, "host_bytes")));
    if (number_at(cluster, "formed") > 1)
        html_textf(out, "; formed %s times", number_format(text, number_at(cluster, "formed")));
    fputs(".", out);
    json_object_foreach(json_object_get(cluster, "left"), id, count)
    {
        html_textf(out, "%s%s\xc3\x97 %s", separator, number_format(text, (u64)json_integer_value(count)),
                   leave_text(id));
        separator = "; ";
    }
    fputs("</p>\n", out);
}

static void print_cluster(FILE *out, const char *prefix, u32 rank, const json_t *cluster)
{
    const json_t *insns = json_object_get(cluster, "instructions");
    char text[NUMBER_BYTES], id[64];
    size_t i;
    json_t *insn;
    fprintf(out, "<details id=\"%s-%u\"><summary>%u. %s ", prefix, rank, rank, position_text(cluster));
    print_address(out, cluster, number_at(cluster, "linear"));
    fprintf(out, ": %s exits avoided</summary>\n", number_format(text, number_at(cluster, "exits_avoided")));
    print_shape(out, cluster);
    snprintf(id, sizeof id, "%s-%u-caption", prefix, rank);
    html_table_begin(out, id, "Instruction by instruction");
    fprintf(out,
            "<thead><tr><th scope=\"col\">address</th><th scope=\"col\">bytes</th><th "
            "scope=\"col\">instruction</th>"
            "<th scope=\"col\" class=\"n\">%s</th><th scope=\"col\" class=\"n\">avoided</th><th "
            "scope=\"col\">class</th>"
            "<th scope=\"col\">goes to</th></tr></thead>\n<tbody>\n",
            is_region(cluster) ? "outside" : "exits");
    json_array_foreach(insns, i, insn) insn_row(out, cluster, insns, insn);
    fputs("</tbody>\n", out);
    html_table_end(out);
    fputs("</details>\n", out);
}

/* --- all of a variant --- */

static void print_variant(FILE *out, u32 number, const struct run_stats *s, const json_t *json)
{
    const json_t *clusters = json_object_get(json, "clusters");
    char prefix[32], count[NUMBER_BYTES], avoided[NUMBER_BYTES], all[NUMBER_BYTES];
    size_t i;
    json_t *cluster;
    if (!json_array_size(clusters))
        return;
    snprintf(prefix, sizeof prefix, "hot-%u", number);
    html_heading(out, s->variant);
    fputs("<p>", out);
    bool regions = is_region(json_array_get(clusters, 0));
    html_textf(out, "%s %s at the end, which avoided %s of the %s exits avoided%s.",
               number_format(count, number_at(json, "count")), regions ? "regions" : "clusters",
               number_format(avoided, number_at(json, "exits_avoided")),
               number_format(all, s->clusters.exits_avoided),
               regions ? "; the others by interpreting what had not been executed often enough for a region"
                       : "");
    fputs("</p>\n", out);
    overview(out, prefix, s->variant, clusters, s->clusters.exits_avoided);
    json_array_foreach(clusters, i, cluster) print_cluster(out, prefix, (u32)i + 1, cluster);
}

void html_clusters(FILE *out, const struct html_report *r)
{
    bool any = false;
    for (u32 i = 0; i < r->ab->n_variants; i++) {
        if (!r->run[i].clusters)
            continue;
        any |= json_array_size(json_object_get(r->run[i].clusters, "clusters")) > 0;
        print_variant(out, i, r->ab->variant[i], r->run[i].clusters);
    }
    if (any)
        fputs("<p>Strongly exiting instructions (strong: port accesses, HLT) always exit in KVM, weakly "
              "exiting ones (weak: memory "
              "accesses) where a device is, gap fillers never. To lines marked &gt; come branches of the "
              "cluster. What a region's "
              "instructions did before it was there counts as outside, whether it was an exit or not.</p>\n",
              out);
}
