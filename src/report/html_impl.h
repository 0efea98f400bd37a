/* Between html.c (the page), html_out.c (text and tables) and the files with its sections. */
#ifndef HUDDLE_REPORT_HTML_IMPL_H
#define HUDDLE_REPORT_HTML_IMPL_H

#include "report/html.h"
#include "report/table.h"

/* Text, and the same formatted: escaped, and what XML forbids as '?'. */
void html_text(FILE *out, const char *text);
void html_textf(FILE *out, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* A heading below a section's. */
void html_heading(FILE *out, const char *text);

/* How a struct table is shown. Row 0 of it are the headings; a label that begins with blanks belongs to the
 * row above; an empty row is a gap; columns in which nothing stands are left out. */
struct html_table {
    const char *id;      /* of the caption; unique on the page */
    const char *caption; /* NULL: the table's first cell */
    const char *corner;  /* heading of the first column */
    const char *last;    /* heading of the last column, if the table has none for it; may be NULL */
    u32 code;            /* columns with code: a bit each */
    bool bars;           /* numbers have bars behind them, the longest behind the greatest */
};
void html_table(FILE *out, const struct table *table, const struct html_table *look);

/* What tables and rows made by hand begin and end with: a region that scrolls by itself, and can be reached
 * by Tab. */
void html_table_begin(FILE *out, const char *id, const char *caption);
void html_table_end(FILE *out);

/* The kinds of which any run has an exit, in `kind`; returns how many. So each has the same colour in all charts. */
u32 html_kinds(const struct ab_report *report, u32 kind[EXIT_KIND_COUNT]);

struct svg;
/* Ends a chart and puts it into a figure; NULL: there was no memory for it. */
void html_chart(FILE *out, struct svg *svg);

/* The sections. What there is nothing to say about prints nothing. */
void html_difference(FILE *out, const struct html_report *report);
void html_sameness(FILE *out, const struct html_report *report);
void html_screens(FILE *out, const struct html_report *report);
void html_exits(FILE *out, const struct html_report *report);
void html_timeline(FILE *out, const struct html_report *report);
void html_origins(FILE *out, const struct html_report *report);
void html_reasons(FILE *out, const struct html_report *report);
void html_clusters(FILE *out, const struct html_report *report);
void html_cost(FILE *out, const struct html_report *report);
void html_time(FILE *out, const struct html_report *report);
void html_windows(FILE *out, const struct html_report *report);

#endif
