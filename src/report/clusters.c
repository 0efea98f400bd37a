/* The listing of clusters as text, after the paper's pictures: exits counted beside each instruction. */
#include "report/clusters.h"

#include "report/clusters_sort.h"
#include "report/host_code.h"
#include "report/number.h"

#include <string.h>

enum {
    INDENT = 3, /* as long as what mark() returns */
    ADDRESS_WIDTH = 9,
    BYTES_SHOWN = 7, /* of an instruction; more are a '+' */
    BYTES_WIDTH_LEAST = 14,
    TEXT_WIDTH_LEAST = 28,
    TEXT_WIDTH_MOST = 34, /* so that a line never has more than CLUSTERS_COLUMNS */
    COUNT_WIDTH = 10,
    STEPS_TEXT = 1024,
};

/* Widths of the columns that depend on the cluster. */
struct layout {
    int bytes, text;
};

static const char *plural(u64 n)
{
    return n == 1 ? "" : "s";
}

/* Zero is a dash, so that what happened stands out. */
static const char *count_text(char text[NUMBER_BYTES], u64 n)
{
    return n ? number_format(text, n) : "-";
}

/* A decimal where it tells something. */
static const char *average_text(char text[NUMBER_BYTES], u64 sum, u64 n)
{
    if (sum / n >= 100)
        return number_format(text, (sum + n / 2) / n);
    snprintf(text, NUMBER_BYTES, "%.1f", (double)sum / (double)n);
    return text;
}

static double percent(u64 part, u64 whole)
{
    return whole ? 100.0 * (double)part / (double)whole : 0.0;
}

static void print_bytes(char *text, const struct steps *steps)
{
    u32 shown = MIN((u32)steps->length, (u32)BYTES_SHOWN);
    for (u32 i = 0; i < shown; i++)
        sprintf(text + 2 * i, "%02x", steps->bytes[i]);
    strcat(text, shown < steps->length ? "+" : "");
}

static struct layout measure(const struct cluster *cluster)
{
    struct layout layout = {BYTES_WIDTH_LEAST, TEXT_WIDTH_LEAST};
    for (u32 i = 0; i < cluster->n; i++) {
        char text[CLUSTERS_TEXT_BYTES], bytes[2 * BYTES_SHOWN + 2] = "";
        print_bytes(bytes, &cluster->insn[i].steps);
        layout.bytes = MAX(layout.bytes, (int)strlen(bytes));
        layout.text = MAX(layout.text, (int)strlen(clusters_disassemble(text, cluster, &cluster->insn[i])));
    }
    layout.text = MIN(layout.text, (int)TEXT_WIDTH_MOST);
    return layout;
}

/* --- one cluster --- */

static void print_headline(FILE *out, u32 rank, const struct clusters_item *item)
{
    static const char *const position[] = {[POSITION_AT] = "exit at",
                                           [POSITION_AFTER] = "exit just before",
                                           [POSITION_INSIDE] = "exit inside",
                                           [POSITION_REGION] = "region at"};
    const struct cluster *cluster = item->cluster;
    char address[CLUSTERS_TEXT_BYTES], avoided[NUMBER_BYTES], runs[NUMBER_BYTES];
    fprintf(out, "%u. %s %s: %s exit%s avoided", rank, position[cluster->key.position],
            clusters_address(address, cluster, cluster->key.where.eip), number_format(avoided, item->exits_avoided),
            plural(item->exits_avoided));
    number_format(runs, cluster->runs);
    if (clusters_is_region(cluster)) { /* others go on in it, too */
        fprintf(out, "; %s run%s began here\n", runs, plural(cluster->runs));
        return;
    }
    fprintf(out, " in %s run%s", runs, plural(cluster->runs));
    if (cluster->runs)
        fprintf(out, ", %s each", average_text(avoided, item->exits_avoided, cluster->runs));
    fputc('\n', out);
}

static void print_shape(FILE *out, const struct clusters_report *report, const struct clusters_item *item)
{
    const struct cluster *cluster = item->cluster;
    char number[NUMBER_BYTES];
    u32 mode = cluster->key.where.mode, bytes;
    bool targets[CLUSTER_MAX_INSNS];
    fprintf(out, "%*s%s mode, %u-bit code; %u instruction%s", INDENT, "",
            mode & MODE_PROTECTED ? "protected" : "real", mode & MODE_CODE32 ? 32 : 16, cluster->n,
            plural(cluster->n));
    if (clusters_is_region(cluster)) {
        u32 blocks = clusters_blocks(targets, cluster);
        fprintf(out, " in %u block%s", blocks, plural(blocks));
    }
    fprintf(out, ", %u exiting", item->exiting);
    if (clusters_host_code(report, cluster, CLUSTER_NO_INSN, &bytes))
        fprintf(out, "; %s bytes of host code", number_format(number, bytes));
    if (cluster->formed > 1)
        fprintf(out, "; formed %u times", cluster->formed);
    if (cluster->exits_avoided_gone)
        fprintf(out, "; %s exits avoided by what is no longer in it",
                number_format(number, cluster->exits_avoided_gone));
    fputc('\n', out);
}

static void print_leaves(FILE *out, const struct cluster *cluster)
{
    struct clusters_leave leaves[LEAVE_REASONS];
    u32 n = clusters_leaves(leaves, cluster);
    const char *title = clusters_is_region(cluster) ? "these ended:" : "left:";
    int column = n ? fprintf(out, "%*s%s", INDENT, "", title) : 0;
    for (u32 i = 0; i < n; i++) {
        char number[NUMBER_BYTES], item[128];
        int len = snprintf(item, sizeof item, " %sx %s%s", number_format(number, leaves[i].count),
                           cluster_leave_reason[leaves[i].reason].text, i + 1 < n ? ";" : "");
        if (column + len > CLUSTERS_COLUMNS)
            column = fprintf(out, "\n%*s", INDENT + (int)strlen(title), "") - 1;
        column += fprintf(out, "%s", item);
    }
    if (n)
        fputc('\n', out);
}

/* A region's instructions have been interpreted before it was there: not all that they did outside of it were exits. */
static void print_titles(FILE *out, const struct cluster *cluster, const struct layout *layout)
{
    fprintf(out, "\n%*s%-*s  %-*s  %-*s  %*s  %*s  class\n", INDENT, "", ADDRESS_WIDTH, "address",
            layout->bytes, "bytes", layout->text, "instruction", COUNT_WIDTH,
            clusters_is_region(cluster) ? "outside" : "exits", COUNT_WIDTH, "avoided");
}

static void format_edge(char *text, const struct cluster *cluster, const char *title, s16 to)
{
    char address[CLUSTERS_TEXT_BYTES];
    sprintf(text + strlen(text), "%s%s%s", *text ? ", " : "", title,
            to == CLUSTER_NO_INSN ? "out" : clusters_address(address, cluster, cluster->insn[to].eip));
}

/* Where it goes on, if that is not the line below. */
static void format_flow(char text[CLUSTERS_TEXT_BYTES], const struct cluster *cluster,
                        const struct cluster_insn *insn, bool last)
{
    text[0] = '\0';
    switch ((enum insn_flow)insn->steps.flow) {
    case FLOW_NEXT:
        if (insn->next == CLUSTER_NO_INSN && !last)
            strcpy(text, "end");
        break;
    case FLOW_BRANCH:
        format_edge(text, cluster, "-> ", insn->target);
        if (insn->next == CLUSTER_NO_INSN)
            format_edge(text, cluster, "else ", insn->next);
        break;
    case FLOW_JUMP:
    case FLOW_CALL:
        format_edge(text, cluster, "-> ", insn->target);
        break;
    case FLOW_INDIRECT:
    case FLOW_FAR:
        strcpy(text, "-> by value");
        break;
    }
}

/* A branch inside the cluster comes here. */
static const char *mark(bool target)
{
    return target ? " > " : "   ";
}

static void print_insn(FILE *out, const struct clusters_report *report, const struct cluster *cluster,
                       const struct cluster_insn *insn, const struct layout *layout, bool target, bool last)
{
    char address[CLUSTERS_TEXT_BYTES], text[CLUSTERS_TEXT_BYTES], flow[CLUSTERS_TEXT_BYTES];
    char exits[NUMBER_BYTES], avoided[NUMBER_BYTES], bytes[2 * BYTES_SHOWN + 2] = "";
    print_bytes(bytes, &insn->steps);
    format_flow(flow, cluster, insn, last);
    clusters_disassemble(text, cluster, insn);
    if (strlen(text) > (size_t)layout->text)
        strcpy(text + layout->text - 1, "+");
    fprintf(out, "%s%-*s  %-*s  %-*s  %*s  %*s  %s%*s%s\n", mark(target), ADDRESS_WIDTH,
            clusters_address(address, cluster, insn->eip), layout->bytes, bytes, layout->text, text,
            COUNT_WIDTH, count_text(exits, cluster_engine_heat(report->engine, cluster, insn)), COUNT_WIDTH,
            count_text(avoided, insn->exits_avoided), clusters_class(insn),
            *flow ? (int)(sizeof "strong " - 1 - strlen(clusters_class(insn))) : 0, "", flow);
}

/* Where steps and host code stand: below the instruction's text. */
static int detail_indent(const struct layout *layout)
{
    return INDENT + ADDRESS_WIDTH + 2 + layout->bytes + 4;
}

static void print_steps(FILE *out, const struct steps *steps, const struct layout *layout)
{
    char text[STEPS_TEXT];
    steps_print(steps, text, sizeof text);
    for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n"))
        fprintf(out, "%*s%s\n", detail_indent(layout), "", line);
}

/* `code` stands at offset `at` of a translation of `total` bytes. */
static void print_host_code(FILE *out, const u8 *code, u32 bytes, u32 at, u32 total,
                            const struct layout *layout)
{
    for (u32 done = 0; done < bytes;) {
        char text[HOST_CODE_BYTES];
        u32 length = host_code_format(text, code + done, bytes - done, at + done, total);
        fprintf(out, "%*s+%-4X %s\n", detail_indent(layout), "", at + done, length ? text : "?");
        done += MAX(length, 1u);
    }
}

static void print_insn_host_code(FILE *out, const struct clusters_report *report,
                                 const struct cluster *cluster, u32 i, const struct layout *layout)
{
    u32 total, bytes;
    const u8 *whole = clusters_host_code(report, cluster, CLUSTER_NO_INSN, &total);
    const u8 *code = clusters_host_code(report, cluster, (int)i, &bytes);
    if (whole && code)
        print_host_code(out, code, bytes, (u32)(code - whole), total, layout);
}

static void print_insns(FILE *out, const struct clusters_report *report, const struct clusters_item *item)
{
    const struct cluster *cluster = item->cluster;
    struct layout layout = measure(cluster);
    bool targets[CLUSTER_MAX_INSNS];
    clusters_blocks(targets, cluster);
    print_titles(out, cluster, &layout);
    for (u32 k = 0; k < cluster->n; k++) {
        u32 i = item->order[k];
        const struct cluster_insn *insn = &cluster->insn[i];
        if (k && cluster->insn[item->order[k - 1]].next_eip != insn->eip)
            fprintf(out, "%*s...\n", INDENT, "");
        print_insn(out, report, cluster, insn, &layout, targets[i], k + 1 == cluster->n);
        if (report->steps)
            print_steps(out, &insn->steps, &layout);
        if (report->host_code)
            print_insn_host_code(out, report, cluster, i, &layout);
    }
}

static void print_cluster(FILE *out, const struct clusters_report *report, u32 rank,
                          const struct clusters_item *item)
{
    fputc('\n', out);
    print_headline(out, rank, item);
    print_shape(out, report, item);
    print_leaves(out, item->cluster);
    print_insns(out, report, item);
}

/* --- all --- */

static void print_summary(FILE *out, const struct clusters_report *report, const struct clusters_list *list)
{
    char avoided[NUMBER_BYTES], runs[NUMBER_BYTES], made[NUMBER_BYTES];
    const struct run_stats *run = report->run;
    if (list->n)
        fprintf(out, "%s: %u %s%s avoided %s exit%s in %s run%s", report->guest, list->n,
                clusters_is_region(list->item[0].cluster) ? "region" : "cluster", plural(list->n), number_format(avoided, list->exits_avoided), plural(list->exits_avoided),
                number_format(runs, list->runs), plural(list->runs));
    else
        fprintf(out, "%s: there are no clusters", report->guest);
    fprintf(out, "; %s exit%s made\n", number_format(made, run->exits_total),
            run->exits_total == 1 ? " was" : "s were");
    fprintf(out, "executor %s; %s\n", report->backend->name,
            run->end_text[0] ? run->end_text : "the guest ended");
}

/* Where KVM got the guest back although nothing hindered regions from going on, and what that cost. */
static void print_horizon(FILE *out, const struct run_horizon *h)
{
    char horizon[NUMBER_BYTES], leaves[NUMBER_BYTES], each[NUMBER_BYTES];
    if (!h->leave_point[0].leaves)
        return;
    fprintf(out, "\nLeft because no device access came within the horizon of %s instructions\n"
                 "   linear       times   in KVM, each   now goes on for\n", number_format(horizon, h->instructions));
    for (u32 i = 0; i < RUN_TOP && h->leave_point[i].leaves; i++) {
        const struct run_leave_point *p = &h->leave_point[i];
        fprintf(out, "   %08X %9s %14s   %u horizon%s\n", p->linear, number_format(leaves, p->leaves),
                number_format_ns(each, p->kvm_ns / p->leaves), p->horizons, plural(p->horizons));
    }
}

static void print_shares(FILE *out, const struct clusters_list *list, u32 top)
{
    u64 shown = 0;
    for (u32 i = 0; i < top; i++)
        shown += list->item[i].exits_avoided;
    if (top == 1 && list->n > 1)
        fprintf(out, "The hottest: %.1f %% of the exits avoided\n", percent(shown, list->exits_avoided));
    else if (top < list->n)
        fprintf(out, "The hottest %u: %.1f %% of the exits avoided\n", top,
                percent(shown, list->exits_avoided));
}

/* What a flush of the cache took away cannot be shown any more. What was interpreted before there was a region never was
 * in one. */
static void print_rest(FILE *out, const struct clusters_report *report, const struct clusters_list *list)
{
    char avoided[NUMBER_BYTES], runs[NUMBER_BYTES];
    const struct cluster_stats *all = &report->run->clusters;
    u64 more = all->exits_avoided - list->exits_avoided;
    number_format(avoided, more);
    if (all->runs > list->runs)
        fprintf(out,
                "Clusters forgotten since, when the level changed or the cache was full, avoided %s exit%s in %s "
                "run%s\n",
                avoided, plural(more), number_format(runs, all->runs - list->runs), plural(all->runs - list->runs));
    else if (more)
        fprintf(out, "Avoided by interpreting what had not been executed often enough for a region: %s exit%s\n", avoided,
                plural(more));
}

static void print_legend(FILE *out, const struct cluster_backend *backend)
{
    if (!backend->code)
        fprintf(out, "There is no host code to show: the executor is %s\n", backend->name);
    else if (backend->code_legend)
        fprintf(out, "Host code: %s\n", backend->code_legend);
}

void clusters_print(FILE *out, const struct clusters_report *report, u32 top)
{
    struct clusters_list list;
    if (!clusters_list_init(&list, report->engine)) {
        fprintf(out, "no memory for a listing of clusters\n");
        return;
    }
    top = MIN(top, list.n);
    print_summary(out, report, &list);
    print_shares(out, &list, top);
    print_rest(out, report, &list);
    print_horizon(out, &report->run->horizon);
    if (report->host_code)
        print_legend(out, report->backend);
    for (u32 i = 0; i < top; i++)
        print_cluster(out, report, i + 1, &list.item[i]);
    clusters_list_fini(&list);
}
