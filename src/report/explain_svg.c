/* The picture of --explain. */
#include "report/explain.h"

#include "report/number.h"
#include "report/svg.h"

#include <errno.h>
#include <string.h>

/* As many as there are colours. */
static const char *const part_text[] = {
    "system call", "KVM", "leaving and entering the guest", "registers, finishing", "device", "finding a cluster", "all else",
};

static const u8 part_of[EXPLAIN_OVERHEAD_STEPS] = {
    [EXPLAIN_syscall] = 0, [EXPLAIN_kvm] = 1,    [EXPLAIN_world] = 2,  [EXPLAIN_state] = 3,     [EXPLAIN_completion] = 3, [EXPLAIN_device] = 4,
    [EXPLAIN_lookup] = 5,  [EXPLAIN_count] = 6, [EXPLAIN_interrupt] = 6, [EXPLAIN_rescue] = 6, [EXPLAIN_events] = 6,
};

enum { PARTS = ARRAY_LEN(part_text), NOTE_BYTES = 96 };

struct bar {
    double value[PARTS];
    char note[NOTE_BYTES];
};

static void fill_bar(struct bar *bar, const struct run_explain_kind *kind)
{
    char exits[NUMBER_BYTES], one[NUMBER_BYTES], all[NUMBER_BYTES];
    u64 ns = explain_kind_ns(kind);
    memset(bar, 0, sizeof *bar);
    for (u32 step = 0; step < EXPLAIN_OVERHEAD_STEPS; step++)
        bar->value[part_of[step]] += (double)kind->step[step].sum_ns / (double)kind->exits;
    snprintf(bar->note, sizeof bar->note, "%s x %s = %s", number_format(exits, kind->exits),
             number_format_ns(one, explain_each_ns(ns, kind->exits)), number_format_ns(all, ns));
}

void explain_add_bars(struct svg *svg, const struct run_stats *stats)
{
    static const struct svg_axis axis = {.title = "one exit", .unit = SVG_NS};
    const struct run_explain *e = &stats->explain;
    struct svg_row rows[EXIT_KIND_COUNT];
    struct bar bars[EXIT_KIND_COUNT];
    char title[64];
    u32 n = 0;
    for (u32 i = 0; i < EXIT_KIND_COUNT; i++) {
        if (!e->on || !explain_matters(e, &e->kind[i]))
            continue;
        fill_bar(&bars[n], &e->kind[i]);
        rows[n] = (struct svg_row){.name = explain_kind_text(i), .value = bars[n].value, .note = bars[n].note};
        n++;
    }
    snprintf(title, sizeof title, "What exits cost: %s", stats->variant);
    if (n)
        svg_add_bars(svg, title, &axis, part_text, PARTS, rows, n);
}

int explain_write_svg(const char *path, const struct run_stats *const *runs, u32 n)
{
    struct svg *svg = svg_create("explain", "What exits cost", "For each kind of exit the steps of one, on average");
    if (!svg)
        return -ENOMEM;
    for (u32 i = 0; i < n; i++)
        explain_add_bars(svg, runs[i]);
    return svg_finish_file(svg, path);
}
