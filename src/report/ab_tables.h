/* The comparison as tables, for every form of the report. Row 0 has the headings, a variant's name above each
 * of its columns, and the title in its first cell; what belongs to the row above is indented by two spaces.
 * Each returns false if there is nothing to show. */
#ifndef HUDDLE_REPORT_AB_TABLES_H
#define HUDDLE_REPORT_AB_TABLES_H

#include "report/ab.h"
#include "report/table.h"

#define AB_SITES_NOTE "< the instruction in front of that address: KVM had already stepped over it"

/* An empty row is between exits and the rest. */
bool ab_table_exits(struct table *table, const struct ab_report *report);
/* Only with a network card. */
bool ab_table_network(struct table *table, const struct ab_report *report);
bool ab_table_time(struct table *table, const struct ab_report *report);
bool ab_table_clusters(struct table *table, const struct ab_report *report);
/* The host executor's work. */
bool ab_table_translation(struct table *table, const struct ab_report *report);

/* Sorted, most frequent in the last variant first; behind the variants its share there. */
bool ab_table_leaves(struct table *table, const struct ab_report *report);
bool ab_table_misses(struct table *table, const struct ab_report *report);
bool ab_table_stops(struct table *table, const struct ab_report *report);

/* The top of the first variant, then what is at the top only in the last. */
bool ab_table_targets(struct table *table, const struct ab_report *report);
/* The same of instructions, whose text is behind the variants. *after: AB_SITES_NOTE is needed. */
bool ab_table_sites(struct table *table, const struct ab_report *report, bool *after);

/* A row per window; row 0 has headings only. */
bool ab_table_windows(struct table *table, const struct ab_report *report);

#endif
