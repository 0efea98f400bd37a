/* The report of --explain. Averages are sums by counts, so that what is printed adds up; medians are there to
 * show how far a few long exits make the average. */
#include "report/explain.h"

#include "report/json.h"

#include "report/number.h"
#include "report/table.h"

#include <string.h>

enum {
    LABEL_WIDTH = 36,
    FIGURE_WIDTH = 9,
    SHOWN_PERCENT = 1, /* of the overhead: kinds with less have no steps shown */
};

static const char *const kind_text[EXIT_KIND_COUNT] = {
#define X(id, text) [EXIT_##id] = text,
    EXIT_KINDS(X)
#undef X
};

static const char *const step_text[EXPLAIN_STEPS] = {
#define X(id, text) [EXPLAIN_##id] = text,
    EXPLAIN_OVERHEADS(X) EXPLAIN_WORK(X)
#undef X
};

const char *explain_kind_text(enum exit_kind kind)
{
    return kind_text[kind];
}

/* --- arithmetic --- */

static u64 sum_steps(const struct run_explain_kind *kind, u32 first, u32 end)
{
    u64 ns = 0;
    for (u32 step = first; step < end; step++)
        ns += kind->step[step].sum_ns;
    return ns;
}

u64 explain_kind_ns(const struct run_explain_kind *kind)
{
    return sum_steps(kind, 0, EXPLAIN_OVERHEAD_STEPS);
}

u64 explain_sum_ns(const struct run_explain *explain)
{
    u64 ns = 0;
    for (u32 i = 0; i < EXIT_KIND_COUNT; i++)
        ns += explain_kind_ns(&explain->kind[i]);
    return ns;
}

u64 explain_measured_ns(const struct run_explain *explain)
{
    u64 others = explain->guest_ns + explain->cluster_ns + explain->asleep_ns;
    return explain->total_ns > others ? explain->total_ns - others : 0;
}

u64 explain_each_ns(u64 ns, u64 count)
{
    return count ? (ns + count / 2) / count : 0;
}

bool explain_matters(const struct run_explain *explain, const struct run_explain_kind *kind)
{
    return kind->exits && explain_kind_ns(kind) * 100 >= explain_sum_ns(explain) * SHOWN_PERCENT;
}

/* --- text --- */

static void time_cell(struct table *t, u32 column, u64 ns)
{
    char text[NUMBER_BYTES];
    table_cell(t, column, "%s", ns ? number_format_ns(text, ns) : "-");
}

static void share_cell(struct table *t, u32 column, u64 part, u64 all)
{
    if (part && all)
        table_cell(t, column, "%.1f %%", 100.0 * (double)part / (double)all);
}

static void begin_table(struct table *t, const char *const head[5])
{
    table_init(t, "lrrrrr");
    t->min_width[0] = LABEL_WIDTH;
    for (u32 i = 1; i <= 5; i++)
        t->min_width[i] = FIGURE_WIDTH;
    table_row(t, "%s", "");
    for (u32 i = 0; i < 5; i++)
        table_cell(t, i + 1, "%s", head[i]);
}

static void print_difference(struct table *t, u64 measured, u64 sum)
{
    char text[NUMBER_BYTES];
    u64 rest = measured > sum ? measured - sum : sum - measured;
    table_row(t, "  %s", measured >= sum ? "not explained" : "explained but not measured");
    table_cell(t, 4, "%s", number_format_ns(text, rest));
    if (measured)
        table_cell(t, 5, "%.1f %%", 100.0 * (double)rest / (double)measured);
}

void explain_table_kinds(struct table *t, const struct run_stats *s)
{
    static const char *const head[] = {"exits", "each", "median", "in all", "share"};
    const struct run_explain *e = &s->explain;
    u64 sum = explain_sum_ns(e), measured = explain_measured_ns(e), exits = 0;
    begin_table(t, head);
    snprintf(t->cell[0][0], TABLE_CELL, "What exits cost: %s", s->variant);
    for (u32 i = 0; i < EXIT_KIND_COUNT; i++) {
        const struct run_explain_kind *kind = &e->kind[i];
        u64 ns = explain_kind_ns(kind);
        exits += kind->exits;
        if (!kind->exits)
            continue;
        table_row(t, "  %s", kind_text[i]);
        table_number(t, 1, kind->exits);
        time_cell(t, 2, explain_each_ns(ns, kind->exits));
        time_cell(t, 3, kind->median_ns);
        time_cell(t, 4, ns);
        share_cell(t, 5, ns, sum);
    }
    table_row(t, "all");
    table_number(t, 1, exits);
    time_cell(t, 2, explain_each_ns(sum, exits));
    time_cell(t, 4, sum);
    table_row(t, "measured");
    time_cell(t, 4, measured);
    print_difference(t, measured, sum);
}

static void add_step(struct table *t, const struct run_explain_kind *kind, u32 step, u64 all)
{
    u64 ns = kind->step[step].sum_ns;
    if (!ns)
        return;
    table_row(t, "  %s", step_text[step]);
    time_cell(t, 2, explain_each_ns(ns, kind->exits));
    time_cell(t, 3, kind->step[step].median_ns);
    time_cell(t, 4, ns);
    share_cell(t, 5, ns, all);
}

void explain_table_steps(struct table *t, const struct run_explain_kind *kind, const char *name)
{
    static const char *const head[] = {"timed", "each", "median", "in all", "share"};
    u64 ns = explain_kind_ns(kind);
    begin_table(t, head);
    snprintf(t->cell[0][0], TABLE_CELL, "An exit of: %s", name);
    for (u32 step = 0; step < EXPLAIN_OVERHEAD_STEPS; step++)
        add_step(t, kind, step, ns);
    table_row(t, "all");
    table_number(t, 1, kind->sampled);
    time_cell(t, 2, explain_each_ns(ns, kind->exits));
    time_cell(t, 3, kind->median_ns);
    time_cell(t, 4, ns);
    if (sum_steps(kind, EXPLAIN_OVERHEAD_STEPS, EXPLAIN_STEPS))
        table_row(t, "from one to the next, besides");
    for (u32 step = EXPLAIN_OVERHEAD_STEPS; step < EXPLAIN_STEPS; step++)
        add_step(t, kind, step, 0);
}

static void print_measured(FILE *out, const struct run_explain *e)
{
    char total[NUMBER_BYTES], guest[NUMBER_BYTES], cluster[NUMBER_BYTES], asleep[NUMBER_BYTES];
    fprintf(out, "\nMeasured: %s since the guest was entered first, less %s that KVM had the guest, %s in\n",
            number_format_ns(total, e->total_ns), number_format_ns(guest, e->guest_ns),
            number_format_ns(cluster, e->cluster_ns));
    fprintf(out, "clusters and %s of sleep: all of these are timed, none is estimated from samples.\n",
            number_format_ns(asleep, e->asleep_ns));
}

static void print_costs(FILE *out, const struct run_explain *e)
{
    char text[4][NUMBER_BYTES];
    fprintf(out,
            "Here a system call takes %s, KVM_RUN without a guest %s; with new registers %s more,\nwith new "
            "segments %s.\n",
            number_format_ns(text[0], e->syscall_ns), number_format_ns(text[1], e->immediate_ns),
            number_format_ns(text[2], e->regs_ns), number_format_ns(text[3], e->sregs_ns));
    if (e->further_exits)
        fprintf(
            out,
            "%s further exits came while an instruction was being finished; they are in what that took.\n",
            number_format(text[0], e->further_exits));
}

void explain_print(FILE *out, const struct run_stats *stats)
{
    const struct run_explain *e = &stats->explain;
    struct table t;
    if (!e->on)
        return;
    if (!e->total_ns) {
        fprintf(out, "What exits cost: %s: there were none, KVM never had the guest.\n", stats->variant);
        return;
    }
    explain_table_kinds(&t, stats);
    table_print(out, &t, 0);
    print_measured(out, e);
    print_costs(out, e);
    for (u32 i = 0; i < EXIT_KIND_COUNT; i++)
        if (explain_matters(e, &e->kind[i])) {
            explain_table_steps(&t, &e->kind[i], kind_text[i]);
            fputc('\n', out);
            table_print(out, &t, 0);
        }
}

/* --- JSON --- */

static json_t *json_step(const struct run_explain_kind *kind, u32 step)
{
    json_t *o = json_object();
    json_set_u64(o, "sum_ns", kind->step[step].sum_ns);
    json_set_u64(o, "each_ns", explain_each_ns(kind->step[step].sum_ns, kind->exits));
    json_set_u64(o, "median_ns", kind->step[step].median_ns);
    return o;
}

static json_t *json_kind(const struct run_explain_kind *kind)
{
    json_t *o = json_object(), *steps = json_object(), *besides = json_object();
    u64 ns = explain_kind_ns(kind);
    json_set_u64(o, "exits", kind->exits);
    json_set_u64(o, "timed", kind->sampled);
    json_set_u64(o, "sum_ns", ns);
    json_set_u64(o, "each_ns", explain_each_ns(ns, kind->exits));
    json_set_u64(o, "median_ns", kind->median_ns);
    json_set_u64(o, "kvm_run_ns", kind->exit_ns);
#define X(id, text) json_object_set_new(steps, #id, json_step(kind, EXPLAIN_##id));
    EXPLAIN_OVERHEADS(X)
#undef X
#define X(id, text) json_object_set_new(besides, #id, json_step(kind, EXPLAIN_##id));
    EXPLAIN_WORK(X)
#undef X
    json_object_set_new(o, "steps", steps);
    json_object_set_new(o, "besides", besides);
    return o;
}

static json_t *json_host(const struct run_explain *e)
{
    json_t *o = json_object();
    json_set_u64(o, "syscall_ns", e->syscall_ns);
    json_set_u64(o, "immediate_ns", e->immediate_ns);
    json_set_u64(o, "regs_ns", e->regs_ns);
    json_set_u64(o, "sregs_ns", e->sregs_ns);
    return o;
}

json_t *explain_json(const struct run_explain *e)
{
    if (!e->on)
        return json_null();
    json_t *o = json_object(), *kinds = json_object();
    u64 sum = explain_sum_ns(e), measured = explain_measured_ns(e);
    json_set_u64(o, "sum_ns", sum);
    json_set_u64(o, "measured_ns", measured);
    json_object_set_new(o, "remainder_ns", json_integer((json_int_t)measured - (json_int_t)sum));
    json_set_u64(o, "total_ns", e->total_ns);
    json_set_u64(o, "guest_ns", e->guest_ns);
    json_set_u64(o, "cluster_ns", e->cluster_ns);
    json_set_u64(o, "asleep_ns", e->asleep_ns);
    json_set_u64(o, "further_exits", e->further_exits);
    json_object_set_new(o, "host", json_host(e));
#define X(id, text)                                                                                          \
    if (e->kind[EXIT_##id].exits)                                                                            \
        json_object_set_new(kinds, #id, json_kind(&e->kind[EXIT_##id]));
    EXIT_KINDS(X)
#undef X
    json_object_set_new(o, "kinds", kinds);
    return o;
}
