/* The table of a corpus, its means and its worst cases. */
#ifndef HUDDLE_CORPUS_SUMMARY_H
#define HUDDLE_CORPUS_SUMMARY_H

#include "corpus/result.h"

#include <stdio.h>

/* A row: a guest and what became of it. */
struct corpus_row {
    const char *text;                   /* as the list has it */
    u32 line;                           /* in the list */
    const struct corpus_result *result; /* NULL: not run (yet) */
};

/* Over the guests that are CORPUS_SAME. */
struct corpus_summary {
    u32 verdicts[CORPUS_VERDICTS];
    u32 not_run;
    u32 counted;                      /* guests in the means */
    double exits_factor, time_factor; /* geometric means, first / last; 0: of no guest */
    u32 worst_exits, worst_time;      /* the rows with the least of them; the first among equals */
};

/* How many times more `first` is than `last`; a zero counts as one, so that a guest that needs no exit at all
 * has a factor. */
double corpus_factor(u64 first, u64 last);

void corpus_summarise(struct corpus_summary *summary, const struct corpus_row *rows, u32 n);

/* Prints table, reasons and summary. `list` is the list's name. */
void corpus_print(FILE *out, const char *list, const struct corpus_row *rows, u32 n);

#endif
