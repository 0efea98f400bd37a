/* The picture of --explain: what an exit of each kind takes as a rule, and what all of them took. */
#include "report/explain.h"

#include "base/log.h"
#include "report/number.h"
#include "report/svg.h"

#include <errno.h>
#include <string.h>

/* As many as there are colours. */
static const char *const part_text[] = {
    "system call",       "KVM",      "leaving and entering the guest", "registers, finishing", "device",
    "finding a cluster", "all else",
};

enum { PARTS = ARRAY_LEN(part_text), ALL_ELSE = PARTS - 1, NOTE_BYTES = 96 };

static u32 part_of(enum explain_step step)
{
    switch (step) {
    case EXPLAIN_syscall:
        return 0;
    case EXPLAIN_kvm:
        return 1;
    case EXPLAIN_world:
        return 2;
    case EXPLAIN_state:
    case EXPLAIN_completion:
        return 3;
    case EXPLAIN_device:
        return 4;
    case EXPLAIN_lookup:
        return 5;
    default:
        return ALL_ELSE;
    }
}

struct bar {
    double value[PARTS];
    char note[NOTE_BYTES];
};

/* One exit: the rare ones that take long, and what is rarely done, would hide what the others take. */
static void fill_typical(struct bar *bar, const struct run_explain_kind *kind)
{
    for (u32 step = 0; step < EXPLAIN_OVERHEAD_STEPS; step++)
        bar->value[part_of(step)] += (double)kind->step[step].median_ns;
    number_format_ns(bar->note, kind->median_ns);
}

static void fill_all(struct bar *bar, const struct run_explain_kind *kind)
{
    char exits[NUMBER_BYTES], one[NUMBER_BYTES], all[NUMBER_BYTES];
    u64 ns = explain_kind_ns(kind);
    for (u32 step = 0; step < EXPLAIN_OVERHEAD_STEPS; step++)
        bar->value[part_of(step)] += (double)kind->step[step].sum_ns;
    snprintf(bar->note, sizeof bar->note, "%s x %s = %s", number_format(exits, kind->exits),
             number_format_ns(one, explain_each_ns(ns, kind->exits)), number_format_ns(all, ns));
}

static void add_bars(struct svg *svg, const struct run_explain *e, const char *title,
                     void (*fill)(struct bar *bar, const struct run_explain_kind *kind))
{
    static const struct svg_axis axis = {.unit = SVG_NS};
    struct svg_row rows[EXIT_KIND_COUNT];
    struct bar bars[EXIT_KIND_COUNT];
    u32 n = 0;
    memset(bars, 0, sizeof bars);
    for (u32 i = 0; i < EXIT_KIND_COUNT; i++) {
        if (!explain_matters(e, &e->kind[i]))
            continue;
        fill(&bars[n], &e->kind[i]);
        rows[n] =
            (struct svg_row){.name = explain_kind_text(i), .value = bars[n].value, .note = bars[n].note};
        n++;
    }
    if (n)
        svg_add_bars(svg, title, &axis, part_text, PARTS, rows, n);
}

void explain_add_bars(struct svg *svg, const struct run_stats *stats)
{
    char title[64];
    if (!stats->explain.on)
        return;
    snprintf(title, sizeof title, "%s: one exit (median)", stats->variant);
    add_bars(svg, &stats->explain, title, fill_typical);
    snprintf(title, sizeof title, "%s: all exits", stats->variant);
    add_bars(svg, &stats->explain, title, fill_all);
}

int explain_write_svg(const char *path, const struct run_stats *const *runs, u32 n)
{
    struct svg *svg = svg_create("explain", "What exits cost",
                                 "For each kind of exit the steps of one, and of all of them");
    if (!svg) {
        log_error("%s: %s", path, strerror(ENOMEM));
        return -ENOMEM;
    }
    for (u32 i = 0; i < n; i++)
        explain_add_bars(svg, runs[i]);
    return svg_finish_file(svg, path);
}
