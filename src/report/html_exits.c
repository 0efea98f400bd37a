/* How many exits, when, where from, and what they cost. */
#include "report/html_impl.h"

#include "report/ab_tables.h"
#include "report/number.h"
#include "report/svg.h"

#include <stdlib.h>
#include <string.h>

static void print_table(FILE *out, const struct html_report *r, const struct html_table *look,
                        bool (*make)(struct table *table, const struct ab_report *report))
{
    struct table t;
    if (make(&t, r->ab))
        html_table(out, &t, look);
}

/* --- by kind --- */

static const char *const kind_names[EXIT_KIND_COUNT] = {
#define X(id, text) [EXIT_##id] = text,
    EXIT_KINDS(X)
#undef X
};

u32 html_kinds(const struct ab_report *ab, u32 kind[EXIT_KIND_COUNT])
{
    u32 n = 0;
    for (u32 k = 0; k < EXIT_KIND_COUNT; k++) {
        u64 any = 0;
        for (u32 i = 0; i < ab->n_variants; i++)
            any |= ab->variant[i]->exits[k];
        if (any)
            kind[n++] = k;
    }
    return n;
}

static void exits_chart(FILE *out, const struct ab_report *ab)
{
    u32 kind[EXIT_KIND_COUNT], parts = html_kinds(ab, kind);
    const char *part[EXIT_KIND_COUNT];
    double value[AB_MAX_VARIANTS][EXIT_KIND_COUNT];
    struct svg_row row[AB_MAX_VARIANTS];
    char note[AB_MAX_VARIANTS][NUMBER_BYTES];
    if (!parts)
        return;
    for (u32 k = 0; k < parts; k++)
        part[k] = kind_names[kind[k]];
    for (u32 i = 0; i < ab->n_variants; i++) {
        const struct run_stats *s = ab->variant[i];
        for (u32 k = 0; k < parts; k++)
            value[i][k] = (double)s->exits[kind[k]];
        row[i] = (struct svg_row){s->variant, value[i], number_format(note[i], s->exits_total)};
    }
    struct svg *svg = svg_create("chart-exits", "Exits by kind",
                                 "A bar for each variant; the table below has the numbers.");
    if (svg)
        svg_add_bars(svg, NULL, &(struct svg_axis){.title = "exits"}, part, parts, row, ab->n_variants);
    html_chart(out, svg);
}

void html_exits(FILE *out, const struct html_report *r)
{
    exits_chart(out, r->ab);
    print_table(out, r,
                &(struct html_table){.id = "exits-caption",
                                     .caption = "Exits by kind, and what comes with them",
                                     .corner = "kind",
                                     .last = "change"},
                ab_table_exits);
    print_table(out, r,
                &(struct html_table){.id = "network-caption",
                                     .caption = "The network: frames and round trips",
                                     .corner = "frames",
                                     .last = "change"},
                ab_table_network);
}

/* --- when --- */

static double tallest_bucket(const struct ab_report *ab)
{
    double most = 0;
    for (u32 i = 0; i < ab->n_variants; i++) {
        const struct run_timeline *t = &ab->variant[i]->timeline;
        for (u32 k = 0; k < t->used; k++)
            most = MAX(most, (double)(t->bucket[k].exits + t->bucket[k].avoided) / (double)t->width_ns);
    }
    return most * (double)NS_PER_S;
}

static double end_of_all(const struct ab_report *ab)
{
    double end = 0;
    for (u32 i = 0; i < ab->n_variants; i++)
        end = MAX(end, (double)ab->variant[i]->virtual_ns);
    return end;
}

/* Rates, so that variants whose buckets have other widths compare. */
static void add_timeline(struct svg *svg, const struct run_stats *s, double tallest, double end)
{
    static const char *const names[] = {"exits made", "exits avoided"};
    const struct run_timeline *t = &s->timeline;
    double edge[TIMELINE_BUCKETS + 1], made[TIMELINE_BUCKETS], avoided[TIMELINE_BUCKETS];
    const double *part[] = {made, avoided};
    for (u32 k = 0; k < t->used; k++) {
        edge[k] = (double)(t->start_ns + k * t->width_ns);
        edge[k + 1] = MIN(edge[k] + (double)t->width_ns, MAX((double)s->virtual_ns, edge[k] + 1));
        made[k] = (double)t->bucket[k].exits * (double)NS_PER_S / (double)t->width_ns;
        avoided[k] = (double)t->bucket[k].avoided * (double)NS_PER_S / (double)t->width_ns;
    }
    svg_add_columns(
        svg, s->variant,
        &(struct svg_axis){.unit = SVG_NS, .fixed = true, .max = end, .title = "time of the guest"},
        &(struct svg_axis){.fixed = true, .max = tallest, .title = "exits in a second of the guest's time"},
        edge, t->used, names, part, ARRAY_LEN(part));
}

void html_timeline(FILE *out, const struct html_report *r)
{
    const struct ab_report *ab = r->ab;
    double tallest = tallest_bucket(ab);
    if (tallest <= 0)
        return;
    for (u32 i = 0; i < ab->n_variants; i++) {
        char id[SVG_ID_BYTES];
        if (!ab->variant[i]->timeline.used)
            continue;
        snprintf(id, sizeof id, "chart-timeline-%u", i);
        struct svg *svg = svg_create(id, "Exits made and avoided over the guest's time",
                                     "The charts of all variants have the same scales.");
        if (svg)
            add_timeline(svg, ab->variant[i], tallest, end_of_all(ab));
        html_chart(out, svg);
    }
    fputs("<p>The guest's own time passes only with its device accesses, a microsecond each, and while it "
          "waits.</p>\n",
          out);
}

/* --- where from --- */

void html_origins(FILE *out, const struct html_report *r)
{
    struct table t;
    bool after;
    print_table(out, r,
                &(struct html_table){.id = "targets-caption", .corner = "port or address", .bars = true},
                ab_table_targets);
    if (!ab_table_sites(&t, r->ab, &after))
        return;
    html_table(out, &t,
               &(struct html_table){.id = "sites-caption",
                                    .corner = "address",
                                    .bars = true,
                                    .code = BIT(0) | BIT(1 + r->ab->n_variants)});
    if (after) {
        fputs("<p>", out);
        html_text(out, AB_SITES_NOTE);
        fputs(". Only the most frequent are known in each run: a dash means few, not none.</p>\n", out);
    }
}

void html_reasons(FILE *out, const struct html_report *r)
{
    print_table(out, r, &(struct html_table){.id = "clusters-caption", .corner = "clusters"},
                ab_table_clusters);
    print_table(out, r, &(struct html_table){.id = "translation-caption", .corner = "translation"},
                ab_table_translation);
    print_table(
        out, r,
        &(struct html_table){.id = "leaves-caption", .corner = "reason", .last = "share", .bars = true},
        ab_table_leaves);
    print_table(
        out, r,
        &(struct html_table){.id = "misses-caption", .corner = "reason", .last = "share", .bars = true},
        ab_table_misses);
    print_table(
        out, r,
        &(struct html_table){
            .id = "stops-caption", .corner = "instruction", .last = "share", .bars = true, .code = BIT(0)},
        ab_table_stops);
}

/* --- what it took --- */

enum { TIME_KVM, TIME_DEVICES, TIME_CLUSTERS, TIME_ELSEWHERE, TIME_PARTS };

static void time_chart(FILE *out, const struct ab_report *ab)
{
    static const char *const part[TIME_PARTS] = {"in KVM", "in devices", "in clusters", "elsewhere"};
    double value[AB_MAX_VARIANTS][TIME_PARTS];
    struct svg_row row[AB_MAX_VARIANTS];
    char note[AB_MAX_VARIANTS][NUMBER_BYTES];
    u64 any = 0;
    for (u32 i = 0; i < ab->n_variants; i++) {
        const struct run_stats *s = ab->variant[i];
        u64 known = s->host_ns_kvm + s->host_ns_devices + s->host_ns_cluster;
        any |= s->host_ns_total;
        value[i][TIME_KVM] = (double)s->host_ns_kvm;
        value[i][TIME_DEVICES] = (double)s->host_ns_devices;
        value[i][TIME_CLUSTERS] = (double)s->host_ns_cluster;
        value[i][TIME_ELSEWHERE] = s->host_ns_total > known ? (double)(s->host_ns_total - known) : 0;
        row[i] = (struct svg_row){s->variant, value[i], number_format_ns(note[i], s->host_ns_total)};
    }
    struct svg *svg = any ? svg_create("chart-time", "Time of the host", "A bar for each variant.") : NULL;
    if (svg)
        svg_add_bars(svg, NULL, &(struct svg_axis){.unit = SVG_NS}, part, TIME_PARTS, row, ab->n_variants);
    html_chart(out, svg);
}

void html_time(FILE *out, const struct html_report *r)
{
    time_chart(out, r->ab);
    print_table(out, r, &(struct html_table){.id = "time-caption", .corner = "where", .last = "change"},
                ab_table_time);
}

static int by_window(const void *a, const void *b)
{
    double x = ((const struct svg_point *)a)->x, y = ((const struct svg_point *)b)->x;
    return x < y ? -1 : x > y;
}

static void windows_chart(FILE *out, const struct ab_report *ab)
{
    struct svg_point point[AB_MAX_WINDOWS], first[2];
    if (ab->n_windows < 2)
        return;
    for (u32 i = 0; i < ab->n_windows; i++)
        point[i] = (struct svg_point){ab->window[i], (double)ab->window_run[i]->exits_total};
    qsort(point, ab->n_windows, sizeof *point, by_window);
    first[0] = (struct svg_point){point[0].x, (double)ab->variant[0]->exits_total};
    first[1] = (struct svg_point){point[ab->n_windows - 1].x, first[0].y};
    const struct svg_series series[] = {
        {.name = "windows", .point = point, .n = ab->n_windows},
        {.name = ab->variant[0]->variant,
         .point = first,
         .n = ARRAY_LEN(first),
         .colour = 1,
         .dashed = true,
         .no_markers = true},
    };
    struct svg *svg =
        svg_create("chart-windows", "Exits by length of the window", "The table below has the numbers.");
    if (svg)
        svg_add_lines(svg, NULL, &(struct svg_axis){.title = "instructions", .log = true},
                      &(struct svg_axis){.title = "exits", .log = true}, series, ARRAY_LEN(series));
    html_chart(out, svg);
}

void html_windows(FILE *out, const struct html_report *r)
{
    char caption[96];
    windows_chart(out, r->ab);
    snprintf(caption, sizeof caption, "What windows of so many instructions give, against %s",
             r->ab->variant[0]->variant);
    print_table(out, r,
                &(struct html_table){
                    .id = "windows-caption", .caption = caption, .corner = "instructions", .last = "result"},
                ab_table_windows);
}
