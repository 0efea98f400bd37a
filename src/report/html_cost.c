/* What exits cost: frequency times latency (report/explain.h), all variants in one chart, then each by
 * itself. */
#include "report/html_impl.h"

#include "report/explain.h"
#include "report/number.h"
#include "report/svg.h"

static void print_sums(FILE *out, const struct ab_report *ab)
{
    u32 kind[EXIT_KIND_COUNT];
    const char *part[EXIT_KIND_COUNT];
    double value[AB_MAX_VARIANTS][EXIT_KIND_COUNT];
    char note[AB_MAX_VARIANTS][NUMBER_BYTES];
    struct svg_row row[AB_MAX_VARIANTS];
    u32 parts = html_kinds(ab, kind);
    for (u32 k = 0; k < parts; k++)
        part[k] = explain_kind_text(kind[k]);
    for (u32 i = 0; i < ab->n_variants; i++) {
        const struct run_explain *e = &ab->variant[i]->explain;
        for (u32 k = 0; k < parts; k++)
            value[i][k] = (double)explain_kind_ns(&e->kind[kind[k]]);
        row[i] =
            (struct svg_row){ab->variant[i]->variant, value[i], number_format_ns(note[i], explain_sum_ns(e))};
    }
    struct svg *svg = svg_create("chart-cost", "What exits cost",
                                 "For each variant the sum of frequency times latency, by kind of exit.");
    if (svg)
        svg_add_bars(svg, NULL, &(struct svg_axis){.unit = SVG_NS, .title = "frequency times latency"}, part,
                     parts, row, ab->n_variants);
    html_chart(out, svg);
}

static void print_kinds(FILE *out, const struct run_stats *s, u32 number)
{
    struct table t;
    char id[32];
    snprintf(id, sizeof id, "cost-%u-caption", number);
    explain_table_kinds(&t, s);
    html_table(out, &t, &(struct html_table){.id = id, .corner = "kind"});
}

static void print_chart(FILE *out, const struct run_stats *s, u32 number)
{
    char id[SVG_ID_BYTES];
    snprintf(id, sizeof id, "chart-cost-%u", number);
    struct svg *svg =
        svg_create(id, "The steps of an exit, by kind",
                   "For each kind of exit the steps of one, on average; the tables have the numbers.");
    if (svg)
        explain_add_bars(svg, s);
    html_chart(out, svg);
}

static void print_steps(FILE *out, const struct run_stats *s, u32 number)
{
    const struct run_explain *e = &s->explain;
    char total[NUMBER_BYTES], guest[NUMBER_BYTES], cluster[NUMBER_BYTES], asleep[NUMBER_BYTES];
    struct table t;
    fputs("<details><summary>", out);
    html_textf(out, "The steps of an exit: %s", s->variant);
    fputs("</summary>\n<p>", out);
    html_textf(out,
               "Measured: %s since the guest was entered first, less %s that KVM had it, %s in clusters and "
               "%s of sleep.",
               number_format_ns(total, e->total_ns), number_format_ns(guest, e->guest_ns),
               number_format_ns(cluster, e->cluster_ns), number_format_ns(asleep, e->asleep_ns));
    fputs("</p>\n<div class=\"flow\">\n", out);
    print_chart(out, s, number);
    for (u32 k = 0; k < EXIT_KIND_COUNT; k++) {
        char id[48];
        if (!explain_matters(e, &e->kind[k]))
            continue;
        snprintf(id, sizeof id, "cost-%u-%u-caption", number, k);
        explain_table_steps(&t, &e->kind[k], explain_kind_text(k));
        html_table(out, &t, &(struct html_table){.id = id, .corner = "step"});
    }
    fputs("</div>\n</details>\n", out);
}

void html_cost(FILE *out, const struct html_report *r)
{
    const struct ab_report *ab = r->ab;
    u64 any = 0;
    for (u32 i = 0; i < ab->n_variants; i++)
        any |= explain_sum_ns(&ab->variant[i]->explain);
    if (!any)
        return;
    fputs("<div class=\"flow\">\n", out);
    print_sums(out, ab);
    for (u32 i = 0; i < ab->n_variants; i++)
        if (ab->variant[i]->explain.on)
            print_kinds(out, ab->variant[i], i);
    fputs("</div>\n<p>What exits cost is how often there was one of each kind, times how long one takes, "
          "from samples. Measured is what "
          "is left of the host's time when all that was no exit is taken off. Where the two agree, the "
          "samples can be "
          "believed.</p>\n",
          out);
    for (u32 i = 0; i < ab->n_variants; i++)
        if (explain_sum_ns(&ab->variant[i]->explain))
            print_steps(out, ab->variant[i], i);
}
