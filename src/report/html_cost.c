/* What exits cost: frequency times latency (report/explain.h). */
#include "report/html_impl.h"

#include "report/explain.h"
#include "report/number.h"
#include "report/svg.h"

static void print_chart(FILE *out, const struct run_stats *s, u32 number)
{
    char id[SVG_ID_BYTES];
    snprintf(id, sizeof id, "chart-cost-%u", number);
    struct svg *svg =
        svg_create(id, "What an exit costs, by kind",
                   "For each kind of exit the steps of one, on average; the tables below have the numbers.");
    if (svg)
        explain_add_bars(svg, s);
    html_chart(out, svg);
}

static void print_steps(FILE *out, const struct run_explain *e, u32 number)
{
    struct table t;
    fputs("<details><summary>The steps of an exit, by kind</summary>\n<div class=\"flow\">\n", out);
    for (u32 i = 0; i < EXIT_KIND_COUNT; i++) {
        char id[48];
        if (!explain_matters(e, &e->kind[i]))
            continue;
        snprintf(id, sizeof id, "cost-%u-%u-caption", number, i);
        explain_table_steps(&t, &e->kind[i], explain_kind_text(i));
        html_table(out, &t, &(struct html_table){.id = id, .corner = "step"});
    }
    fputs("</div>\n</details>\n", out);
}

static void print_run(FILE *out, const struct run_stats *s, u32 number)
{
    const struct run_explain *e = &s->explain;
    char id[32], total[NUMBER_BYTES], guest[NUMBER_BYTES], cluster[NUMBER_BYTES], asleep[NUMBER_BYTES];
    struct table t;
    snprintf(id, sizeof id, "cost-%u-caption", number);
    fputs("<div class=\"flow\">\n", out);
    print_chart(out, s, number);
    explain_table_kinds(&t, s);
    html_table(out, &t, &(struct html_table){.id = id, .corner = "kind"});
    fputs("</div>\n<p>", out);
    html_textf(out,
               "Measured: %s since %s entered the guest first, less %s that KVM had the guest, %s in "
               "clusters and %s of sleep.",
               number_format_ns(total, e->total_ns), s->variant, number_format_ns(guest, e->guest_ns),
               number_format_ns(cluster, e->cluster_ns), number_format_ns(asleep, e->asleep_ns));
    fputs("</p>\n", out);
    print_steps(out, e, number);
}

void html_cost(FILE *out, const struct html_report *r)
{
    bool any = false;
    for (u32 i = 0; i < r->ab->n_variants; i++) {
        if (!explain_sum_ns(&r->ab->variant[i]->explain))
            continue;
        any = true;
        print_run(out, r->ab->variant[i], i);
    }
    if (any)
        fputs("<p>What exits cost is how often there was one of each kind, times how long one takes, from "
              "samples. Measured is what was "
              "left of the host's time when all that was not an exit is taken off: where the two agree, the "
              "samples can be "
              "believed.</p>\n",
              out);
}
