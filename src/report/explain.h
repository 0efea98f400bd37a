/* What exits cost: the report of --explain, as text, JSON and bars. All take runs without --explain and then
 * say nothing. */
#ifndef HUDDLE_REPORT_EXPLAIN_H
#define HUDDLE_REPORT_EXPLAIN_H

#include "report/run_stats.h"

#include <jansson.h>
#include <stdio.h>

struct svg;

/* The overhead of all exits of a kind, and of all kinds: the sum of frequency times latency. Nanoseconds. */
u64 explain_kind_ns(const struct run_explain_kind *kind);
u64 explain_sum_ns(const struct run_explain *explain);
/* The same measured: the host's time that neither the guest had, in KVM or clusters, nor sleep. */
u64 explain_measured_ns(const struct run_explain *explain);

/* One exit's part; 0 if there is none. */
u64 explain_each_ns(u64 ns, u64 exits);
/* Has a kind a part in the overhead that is worth showing? */
bool explain_matters(const struct run_explain *explain, const struct run_explain_kind *kind);
/* "port reads". */
const char *explain_kind_text(enum exit_kind kind);

/* Tables with headings, the title in the first cell: frequency times latency by kind of exit, and what was measured; the steps of
 * one exit of a kind. */
struct table;
void explain_table_kinds(struct table *table, const struct run_stats *stats);
void explain_table_steps(struct table *table, const struct run_explain_kind *kind, const char *name);

/* Nothing behind the last line. */
void explain_print(FILE *out, const struct run_stats *stats);

/* The caller's reference; JSON's null without --explain. */
json_t *explain_json(const struct run_explain *explain);

/* Adds two charts to a picture, with a bar for each kind of exit that matters: of the steps of one exit as a
 * rule, and of all. */
void explain_add_bars(struct svg *svg, const struct run_stats *stats);
/* A picture with the bars of `n` runs. 0 or -errno (logged). */
must_check int explain_write_svg(const char *path, const struct run_stats *const *runs, u32 n);

#endif
