/* The tables of the comparison, as text and HTML show them. */
#include "report/ab_tables.h"

#include "report/number.h"

#include <stdlib.h>
#include <string.h>

#define TOP_ROWS  12
#define TOP_EXTRA 4 /* rows for what matters only in the last variant */
#define NO_EXITS  UINT64_MAX

/* All tables line up. */
#define LABEL_WIDTH        42
#define LABEL_WIDTH_NARROW 30 /* four and five variants */
#define FIGURE_WIDTH       11

/* A table with a label, a column per variant and one for the ratio. */
static void variants_table(struct table *t, const struct ab_report *r, const char *title, const char *last)
{
    char alignment[TABLE_COLUMNS + 1] = "l";
    for (u32 i = 0; i < r->n_variants; i++)
        strcat(alignment, "r");
    table_init(t, strcat(alignment, "l"));
    t->min_width[0] = r->n_variants <= 3 ? LABEL_WIDTH : LABEL_WIDTH_NARROW;
    table_row(t, "%s", title);
    for (u32 i = 0; i < r->n_variants; i++) {
        t->min_width[1 + i] = FIGURE_WIDTH;
        table_cell(t, 1 + i, "%s", r->variant[i]->variant);
    }
    table_cell(t, 1 + r->n_variants, "%s", last);
}

static const struct run_stats *last_variant(const struct ab_report *r)
{
    return r->variant[r->n_variants - 1];
}

static bool any_variant(const struct ab_report *r, size_t offset)
{
    for (u32 i = 0; i < r->n_variants; i++)
        if (*(const u64 *)((const char *)r->variant[i] + offset))
            return true;
    return false;
}

/* The figure at `offset` of struct run_stats for each variant. Where the first variant has more than the
 * last, how many times more. */
static void add_figure(struct table *t, const struct ab_report *r, const char *label, size_t offset,
                       bool time)
{
    u64 first = 0, last = 0;
    char text[NUMBER_BYTES];
    table_row(t, "%s", label);
    for (u32 i = 0; i < r->n_variants; i++) {
        last = *(const u64 *)((const char *)r->variant[i] + offset);
        first = i ? first : last;
        if (time && last)
            table_cell(t, 1 + i, "%s", number_format_ns(text, last));
        else
            table_number(t, 1 + i, last);
    }
    /* Less than a twentieth is not worth a word. */
    u64 more = MAX(first, last), less = MIN(first, last);
    if (less && more - less > less / 20)
        table_cell(t, 1 + r->n_variants, "%s%s", number_format_ratio(text, more, less),
                   first < last ? " more" : "");
}

#define FIGURE(field) offsetof(struct run_stats, field)

static void add_sameness(struct table *t, const struct ab_report *r)
{
    table_row(t, "the guest saw the same as under %s", r->variant[0]->variant);
    for (u32 i = 1; i < r->n_variants; i++)
        table_cell(t, 1 + i, "%s", r->variant_same[i] ? "yes" : "NO");
}

bool ab_table_exits(struct table *t, const struct ab_report *r)
{
    variants_table(t, r, "Exits", "");
    add_figure(t, r, "total", FIGURE(exits_total), false);
#define X(id, text)                                                                                          \
    if (any_variant(r, FIGURE(exits[EXIT_##id])))                                                            \
        add_figure(t, r, "  " text, FIGURE(exits[EXIT_##id]), false);
    EXIT_KINDS(X)
#undef X
    add_figure(t, r, "avoided", FIGURE(clusters.exits_avoided), false);
    table_row(t, "%s", "");
    add_figure(t, r, "KVM_RUN calls", FIGURE(kvm_run), false);
    if (any_variant(r, FIGURE(completions)))
        add_figure(t, r, "  to complete an instruction", FIGURE(completions), false);
    add_figure(t, r, "other ioctls", FIGURE(ioctls), false);
    add_figure(t, r, "device accesses", FIGURE(accesses), false);
    add_figure(t, r, "interrupts taken", FIGURE(interrupts), false);
    if (any_variant(r, FIGURE(pending_instructions)))
        add_figure(t, r, "interpreted, interrupt waiting", FIGURE(pending_instructions), false);
    if (any_variant(r, FIGURE(rescued_instructions)))
        add_figure(t, r, "interpreted, KVM cannot", FIGURE(rescued_instructions), false);
    add_sameness(t, r);
    return true;
}

static u64 other_ns(const struct run_stats *s)
{
    u64 known = s->host_ns_kvm + s->host_ns_devices + s->host_ns_cluster;
    return s->host_ns_total > known ? s->host_ns_total - known : 0;
}

bool ab_table_time(struct table *t, const struct ab_report *r)
{
    char text[NUMBER_BYTES];
    variants_table(t, r, "Time of the host", "");
    add_figure(t, r, "total", FIGURE(host_ns_total), true);
    add_figure(t, r, "  in KVM", FIGURE(host_ns_kvm), true);
    add_figure(t, r, "  in devices", FIGURE(host_ns_devices), true);
    add_figure(t, r, "  in clusters", FIGURE(host_ns_cluster), true);
    table_row(t, "  elsewhere");
    for (u32 i = 0; i < r->n_variants; i++)
        table_cell(t, 1 + i, "%s",
                   other_ns(r->variant[i]) ? number_format_ns(text, other_ns(r->variant[i])) : "-");
    add_figure(t, r, "processor time", FIGURE(cpu_ns), true);
    return true;
}

static void add_average(struct table *t, const struct ab_report *r, const char *label, size_t sum,
                        size_t count)
{
    table_row(t, "%s", label);
    for (u32 i = 0; i < r->n_variants; i++) {
        const char *s = (const char *)r->variant[i];
        u64 n = *(const u64 *)(s + count);
        if (n)
            table_cell(t, 1 + i, "%.1f", (double)*(const u64 *)(s + sum) / (double)n);
        else
            table_cell(t, 1 + i, "-");
    }
}

/* What a round trip takes of the figure at `sum`, and how much more the first variant takes than the last. */
static void add_per_trip(struct table *t, const struct ab_report *r, const char *label, size_t sum, bool time)
{
    const struct run_stats *first = r->variant[0], *last = last_variant(r);
    char text[NUMBER_BYTES];
    add_average(t, r, label, sum, FIGURE(net.trips));
    for (u32 i = 0; time && i < r->n_variants; i++) {
        const struct run_stats *s = r->variant[i];
        if (s->net.trips)
            table_cell(t, 1 + i, "%s", number_format_ns(text, *(const u64 *)((const char *)s + sum) / s->net.trips));
    }
    u64 before = *(const u64 *)((const char *)first + sum), after = *(const u64 *)((const char *)last + sum);
    if (first->net.trips && first->net.trips == last->net.trips && after && before > after + after / 20)
        table_cell(t, 1 + r->n_variants, "%s", number_format_ratio(text, before, after));
}

bool ab_table_network(struct table *t, const struct ab_report *r)
{
    char title[40];
    if (!r->variant[0]->net.name[0])
        return false;
    snprintf(title, sizeof title, "Network: %s", r->variant[0]->net.name);
    variants_table(t, r, title, "");
    add_figure(t, r, "frames sent", FIGURE(net.sent), false);
    add_figure(t, r, "  bytes", FIGURE(net.sent_bytes), false);
    add_figure(t, r, "frames received", FIGURE(net.received), false);
    add_figure(t, r, "  bytes", FIGURE(net.received_bytes), false);
    add_figure(t, r, "lost", FIGURE(net.dropped_all), false);
#define X(id, text)                                                                                          \
    if (any_variant(r, FIGURE(net.dropped[NET_DROP_##id])))                                                  \
        add_figure(t, r, "  " text, FIGURE(net.dropped[NET_DROP_##id]), false);
    NET_DROPS(X)
#undef X
    add_figure(t, r, "round trips", FIGURE(net.trips), false);
    add_per_trip(t, r, "  exits each", FIGURE(net.trip_exits), false);
    add_per_trip(t, r, "  device accesses each", FIGURE(net.trip_accesses), false);
    add_per_trip(t, r, "  time of the host each", FIGURE(net.trip_ns), true);
    return true;
}

/* Ratios of what only clustering does mean nothing. */
static void drop_ratios(struct table *t, const struct ab_report *r)
{
    for (u32 row = 0; row < t->rows; row++)
        t->cell[row][1 + r->n_variants][0] = '\0';
}

bool ab_table_clusters(struct table *t, const struct ab_report *r)
{
    variants_table(t, r, "Clusters", "");
    add_figure(t, r, "formed", FIGURE(clusters.formed), false);
    add_average(t, r, "  instructions each", FIGURE(clusters.formed_instructions), FIGURE(clusters.formed));
    add_figure(t, r, "run", FIGURE(clusters.runs), false);
    add_figure(t, r, "  instructions", FIGURE(clusters.instructions), false);
    add_average(t, r, "  instructions each", FIGURE(clusters.instructions), FIGURE(clusters.runs));
    add_average(t, r, "  exits avoided each", FIGURE(clusters.exits_avoided), FIGURE(clusters.runs));
    drop_ratios(t, r);
    return true;
}

/* Only where host code was made. */
bool ab_table_translation(struct table *t, const struct ab_report *r)
{
    if (!any_variant(r, FIGURE(translation.translations)) && !any_variant(r, FIGURE(translation.failed)))
        return false;
    variants_table(t, r, "Host code", "");
    add_figure(t, r, "clusters translated", FIGURE(translation.translations), false);
    add_average(t, r, "  instructions each", FIGURE(translation.instructions),
                FIGURE(translation.translations));
    add_figure(t, r, "  bytes of host code", FIGURE(translation.code_bytes), false);
    add_figure(t, r, "  time it took", FIGURE(translation.host_ns), true);
    add_figure(t, r, "memory accesses found to be a device's", FIGURE(translation.faults), false);
    add_figure(t, r, "  translated anew for that", FIGURE(translation.recompiled), false);
    add_figure(t, r, "instructions interpreted", FIGURE(translation.interpreted), false);
    if (any_variant(r, FIGURE(translation.failed)))
        add_figure(t, r, "clusters that could not be translated", FIGURE(translation.failed), false);
    if (any_variant(r, FIGURE(translation.flushes)))
        add_figure(t, r, "code cache full", FIGURE(translation.flushes), false);
    drop_ratios(t, r);
    return true;
}

/* One line of a sorted list of reasons. */
struct reason {
    const char *text;
    u64 count[AB_MAX_VARIANTS];
};

static int by_last_count(const void *a, const void *b, void *last)
{
    u32 i = *(const u32 *)last;
    u64 x = ((const struct reason *)a)->count[i], y = ((const struct reason *)b)->count[i];
    return x < y ? 1 : x > y ? -1 : 0;
}

static bool reasons_table(struct table *t, const struct ab_report *r, const char *title,
                          struct reason *reasons, u32 n)
{
    u32 last = r->n_variants - 1;
    u64 total = 0;
    qsort_r(reasons, n, sizeof *reasons, by_last_count, &last);
    variants_table(t, r, title, "");
    for (u32 k = 0; k < n; k++)
        total += reasons[k].count[last];
    for (u32 k = 0; k < n; k++) {
        u64 any = 0;
        for (u32 i = 0; i < r->n_variants; i++)
            any |= reasons[k].count[i];
        if (!any)
            continue;
        table_row(t, "%s", reasons[k].text);
        for (u32 i = 0; i < r->n_variants; i++)
            table_number(t, 1 + i, reasons[k].count[i]);
        if (total && reasons[k].count[last])
            table_cell(t, 1 + r->n_variants, "%.1f %%",
                       100.0 * (double)reasons[k].count[last] / (double)total);
    }
    return t->rows > 1;
}

bool ab_table_leaves(struct table *t, const struct ab_report *r)
{
    struct reason reasons[LEAVE_REASONS] = {
#define X(id, t) [LEAVE_##id] = {.text = t},
        CLUSTER_LEAVES(X)
#undef X
    };
    for (u32 k = 0; k < LEAVE_REASONS; k++)
        for (u32 i = 0; i < r->n_variants; i++)
            reasons[k].count[i] = r->variant[i]->clusters.leave[k];
    return reasons_table(t, r, "Why clusters were left", reasons, LEAVE_REASONS);
}

bool ab_table_misses(struct table *t, const struct ab_report *r)
{
    struct reason reasons[MISS_REASONS] = {
#define X(id, t) [MISS_##id] = {.text = t},
        CLUSTER_MISSES(X)
#undef X
    };
    for (u32 k = 0; k < MISS_REASONS; k++)
        for (u32 i = 0; i < r->n_variants; i++)
            reasons[k].count[i] = r->variant[i]->clusters.miss[k];
    return reasons_table(t, r, "Why an exit ran no cluster", reasons, MISS_REASONS);
}

static struct reason *find_stop(struct reason *reasons, u32 *n, const char *mnemonic)
{
    for (u32 k = 0; k < *n; k++)
        if (strcmp(reasons[k].text, mnemonic) == 0)
            return &reasons[k];
    reasons[*n] = (struct reason){.text = mnemonic};
    return &reasons[(*n)++];
}

bool ab_table_stops(struct table *t, const struct ab_report *r)
{
    struct reason reasons[CLUSTER_STOP_KINDS * AB_MAX_VARIANTS];
    u32 n = 0;
    for (u32 i = 0; i < r->n_variants; i++)
        for (u32 k = 0; k < CLUSTER_STOP_KINDS && r->variant[i]->clusters.stop[k].count; k++)
            find_stop(reasons, &n, r->variant[i]->clusters.stop[k].mnemonic)->count[i] +=
                r->variant[i]->clusters.stop[k].count;
    return reasons_table(t, r, "Instructions that end clusters", reasons, MIN(n, (u32)TABLE_ROWS - 1));
}

static u64 target_exits(const struct run_stats *s, const struct run_target *like)
{
    for (u32 i = 0; i < RUN_TOP && s->targets[i].exits; i++)
        if (s->targets[i].addr == like->addr && s->targets[i].memory == like->memory)
            return s->targets[i].exits;
    return NO_EXITS;
}

static u64 site_exits(const struct run_stats *s, const struct run_site *like)
{
    for (u32 i = 0; i < RUN_TOP && s->sites[i].exits; i++)
        if (s->sites[i].linear == like->linear && s->sites[i].after == like->after)
            return s->sites[i].exits;
    return NO_EXITS;
}

/* Only the most frequent ones are known: not among them means few, not none. */
static void exits_cell(struct table *t, u32 column, u64 exits)
{
    if (exits == NO_EXITS)
        table_cell(t, column, "-");
    else
        table_number(t, column, exits);
}

static void add_target(struct table *t, const struct ab_report *r, const struct run_target *target)
{
    table_row(t, "%s", target->name);
    for (u32 i = 0; i < r->n_variants; i++)
        exits_cell(t, 1 + i, target_exits(r->variant[i], target));
}

/* The top of the first variant, then what is at the top only in the last. */
bool ab_table_targets(struct table *t, const struct ab_report *r)
{
    const struct run_target *first = r->variant[0]->targets, *last = last_variant(r)->targets;
    u32 extra = 0;
    variants_table(t, r, "Exits by port and address", "");
    for (u32 i = 0; i < TOP_ROWS && first[i].exits; i++)
        add_target(t, r, &first[i]);
    for (u32 i = 0; i < TOP_ROWS && last[i].exits && extra < TOP_EXTRA; i++) {
        u32 rank = 0;
        while (rank < TOP_ROWS && (first[rank].addr != last[i].addr || first[rank].memory != last[i].memory))
            rank++;
        if (rank == TOP_ROWS) {
            add_target(t, r, &last[i]);
            extra++;
        }
    }
    return t->rows > 1;
}

static void add_site(struct table *t, const struct ab_report *r, const struct run_site *site)
{
    table_row(t, "%s%04X:%04X", site->after ? "<" : " ", site->cs, site->ip);
    for (u32 i = 0; i < r->n_variants; i++)
        exits_cell(t, 1 + i, site_exits(r->variant[i], site));
    table_cell(t, 1 + r->n_variants, "%s", site->text);
}

bool ab_table_sites(struct table *t, const struct ab_report *r, bool *after)
{
    const struct run_site *first = r->variant[0]->sites, *last = last_variant(r)->sites;
    u32 extra = 0;
    *after = false;
    variants_table(t, r, "Exits by instruction", "instruction");
    for (u32 i = 0; i < TOP_ROWS && first[i].exits; i++) {
        add_site(t, r, &first[i]);
        *after |= first[i].after;
    }
    for (u32 i = 0; i < TOP_ROWS && last[i].exits && extra < TOP_EXTRA; i++) {
        u32 rank = 0;
        while (rank < TOP_ROWS &&
               (first[rank].linear != last[i].linear || first[rank].after != last[i].after))
            rank++;
        if (rank == TOP_ROWS) {
            add_site(t, r, &last[i]);
            *after |= last[i].after;
            extra++;
        }
    }
    return t->rows > 1;
}

bool ab_table_windows(struct table *t, const struct ab_report *r)
{
    char text[NUMBER_BYTES];
    if (!r->n_windows)
        return false;
    table_init(t, "rrrrrrl");
    table_row(t, "instructions");
    static const char *const heads[] = {"exits", "fewer", "clusters", "avoided each", "time", ""};
    for (u32 c = 0; c < ARRAY_LEN(heads); c++)
        table_cell(t, 1 + c, "%s", heads[c]);
    for (u32 i = 0; i < r->n_windows; i++) {
        const struct run_stats *s = r->window_run[i];
        table_row(t, "%u", r->window[i]);
        table_number(t, 1, s->exits_total);
        table_cell(t, 2, "%s", number_format_ratio(text, r->variant[0]->exits_total, s->exits_total));
        table_number(t, 3, s->clusters.formed);
        if (s->clusters.runs)
            table_cell(t, 4, "%.1f", (double)s->clusters.exits_avoided / (double)s->clusters.runs);
        table_cell(t, 5, "%s", number_format_ns(text, s->host_ns_total));
        table_cell(t, 6, "%s", r->window_same[i] ? "" : "DIFFERENT");
    }
    return true;
}
