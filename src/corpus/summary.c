/* Means of factors are geometric: a guest that gains ten times and one that loses ten times are even. The
 * table has as many rows as there are guests, so it is printed here, not as a struct table. */
#include "corpus/summary.h"

#include "report/number.h"

#include <math.h>
#include <string.h>

#define GUEST_WIDTH_MIN 20
#define GUEST_WIDTH_MAX 42
#define FIGURE_WIDTH    13
#define FACTOR_WIDTH    9

double corpus_factor(u64 first, u64 last)
{
    return (double)MAX(first, 1) / (double)MAX(last, 1);
}

static double exits_factor(const struct corpus_row *row)
{
    return corpus_factor(row->result->exits_first, row->result->exits_last);
}

static double time_factor(const struct corpus_row *row)
{
    return corpus_factor(row->result->ns_first, row->result->ns_last);
}

static bool in_means(const struct corpus_row *row)
{
    return row->result && row->result->verdict == CORPUS_SAME && row->result->counted;
}

void corpus_summarise(struct corpus_summary *s, const struct corpus_row *rows, u32 n)
{
    double exits = 0, time = 0;
    *s = (struct corpus_summary){.counted = 0};
    for (u32 i = 0; i < n; i++) {
        if (rows[i].result)
            s->verdicts[rows[i].result->verdict]++;
        else
            s->not_run++;
        if (!in_means(&rows[i]))
            continue;
        exits += log(exits_factor(&rows[i]));
        time += log(time_factor(&rows[i]));
        if (!s->counted || exits_factor(&rows[i]) < exits_factor(&rows[s->worst_exits]))
            s->worst_exits = i;
        if (!s->counted || time_factor(&rows[i]) < time_factor(&rows[s->worst_time]))
            s->worst_time = i;
        s->counted++;
    }
    if (s->counted) {
        s->exits_factor = exp(exits / s->counted);
        s->time_factor = exp(time / s->counted);
    }
}

/* --- the table --- */

/* "0.97x", "12.3x", "4,567x". */
static const char *format_factor(char *text, double factor)
{
    if (factor < 99.95)
        snprintf(text, NUMBER_BYTES, "%.*fx", factor < 9.995 ? 2 : 1, factor);
    else
        snprintf(text + strlen(number_format(text, (u64)(factor + 0.5))), sizeof "x", "x");
    return text;
}

/* Columns of `text`, which may be UTF-8. */
static u32 columns_of(const char *text)
{
    u32 n = 0;
    for (; *text; text++)
        n += (*text & 0xc0) != 0x80;
    return n;
}

/* Prints at most `width` columns, the middle left out if it must be, and fills up with blanks. */
static void print_name(FILE *out, const char *text, u32 width)
{
    u32 columns = columns_of(text), tail = width / 2 - 1, head = width - tail - 3, at = 0;
    for (const char *p = text; *p; p++) {
        at += (*p & 0xc0) != 0x80;
        if (columns > width && at == head + 1 && (*p & 0xc0) != 0x80)
            fputs("...", out);
        if (columns <= width || at <= head || at > columns - tail)
            fputc(*p == '\t' ? ' ' : (unsigned char)*p < ' ' ? '?' : *p, out);
    }
    fprintf(out, "%*s", columns < width ? (int)(width - columns) : 0, "");
}

static void print_figures(FILE *out, const struct corpus_row *row)
{
    const struct corpus_result *r = row->result;
    char first[NUMBER_BYTES], last[NUMBER_BYTES], exits[NUMBER_BYTES], time[NUMBER_BYTES];
    if (!r || !r->counted) {
        fprintf(out, "%*s%*s%*s%*s", FIGURE_WIDTH, "-", FIGURE_WIDTH, "-", FACTOR_WIDTH, "-", FACTOR_WIDTH,
                "-");
        return;
    }
    fprintf(out, "%*s%*s", FIGURE_WIDTH, number_format(first, r->exits_first), FIGURE_WIDTH,
            number_format(last, r->exits_last));
    if (r->verdict != CORPUS_DIFFERENT)
        fprintf(out, "%*s%*s", FACTOR_WIDTH, format_factor(exits, exits_factor(row)), FACTOR_WIDTH,
                format_factor(time, time_factor(row)));
    else
        fprintf(out, "%*s%*s", FACTOR_WIDTH, "-", FACTOR_WIDTH, "-");
}

static const char *verdict_text(const struct corpus_row *row)
{
    static const char *const texts[CORPUS_VERDICTS] = {
        [CORPUS_SAME] = "same",
        [CORPUS_DIFFERENT] = "DIFFERENT",
        [CORPUS_UNDECIDED] = "NOT DECIDED",
        [CORPUS_FAILED] = "FAILED",
    };
    return row->result ? texts[row->result->verdict] : "not run";
}

/* The variants that were compared: of the first guest that has figures. */
static const struct corpus_result *any_counted(const struct corpus_row *rows, u32 n)
{
    for (u32 i = 0; i < n; i++)
        if (rows[i].result && rows[i].result->counted)
            return rows[i].result;
    return NULL;
}

static void print_table(FILE *out, const struct corpus_row *rows, u32 n)
{
    char first[48] = "exits", last[48] = "exits";
    const struct corpus_result *r = any_counted(rows, n);
    u32 width = GUEST_WIDTH_MIN;
    for (u32 i = 0; i < n; i++)
        width = MAX(width, MIN(columns_of(rows[i].text), (u32)GUEST_WIDTH_MAX));
    if (r) {
        snprintf(first, sizeof first, "exits %.7s", r->first);
        snprintf(last, sizeof last, "%.7s", r->last);
    }
    fprintf(out, "%-*s%*s%*s%*s%*s\n", (int)width, "guest", FIGURE_WIDTH, first, FIGURE_WIDTH, last,
            FACTOR_WIDTH, "fewer", FACTOR_WIDTH, "faster");
    for (u32 i = 0; i < n; i++) {
        print_name(out, rows[i].text, width);
        print_figures(out, &rows[i]);
        fprintf(out, "  %s\n", verdict_text(&rows[i]));
    }
}

/* --- what is said beneath --- */

static void print_reasons(FILE *out, const char *list, const struct corpus_row *rows, u32 n)
{
    bool any = false;
    for (u32 i = 0; i < n; i++) {
        if (!rows[i].result || !rows[i].result->reason[0])
            continue;
        if (!any)
            fputc('\n', out);
        any = true;
        fprintf(out, "%s:%u: ", list, rows[i].line);
        print_name(out, rows[i].text, MIN(columns_of(rows[i].text), (u32)GUEST_WIDTH_MAX));
        fprintf(out, ": %s: %s\n", verdict_text(&rows[i]), rows[i].result->reason);
    }
}

static void print_counts(FILE *out, const struct corpus_summary *s, u32 n)
{
    static const char *const texts[CORPUS_VERDICTS] = {
        [CORPUS_SAME] = "the same",
        [CORPUS_DIFFERENT] = "DIFFERENT",
        [CORPUS_UNDECIDED] = "not decided",
        [CORPUS_FAILED] = "FAILED",
    };
    const char *separator = ": ";
    fprintf(out, "\n%u guest%s", n, n == 1 ? "" : "s");
    for (u32 i = 0; i < CORPUS_VERDICTS; i++) {
        if (!s->verdicts[i])
            continue;
        fprintf(out, "%s%u %s", separator, s->verdicts[i], texts[i]);
        separator = ", ";
    }
    if (s->not_run)
        fprintf(out, "%s%u not run", separator, s->not_run);
    fputc('\n', out);
}

/* Results of several machines may be in one file. */
static void print_backends(FILE *out, const struct corpus_row *rows, u32 n)
{
    const char *separator = "KVM backend ";
    for (u32 i = 0; i < n; i++) {
        bool seen = !rows[i].result || !rows[i].result->counted;
        for (u32 j = 0; j < i && !seen; j++)
            seen = rows[j].result && strcmp(rows[j].result->backend, rows[i].result->backend) == 0;
        if (seen)
            continue;
        fprintf(out, "%s%s", separator, rows[i].result->backend);
        separator = ", ";
    }
    fprintf(out, "; exits without kicks by the host's timer; faster in processor time\n");
}

static void print_worst(FILE *out, const char *what, const struct corpus_row *row, double factor)
{
    char text[NUMBER_BYTES];
    fprintf(out, "  least %-7s %9s  ", what, format_factor(text, factor));
    print_name(out, row->text, MIN(columns_of(row->text), (u32)GUEST_WIDTH_MAX));
    fputc('\n', out);
}

void corpus_print(FILE *out, const char *list, const struct corpus_row *rows, u32 n)
{
    char text[NUMBER_BYTES];
    struct corpus_summary s;
    corpus_summarise(&s, rows, n);
    print_table(out, rows, n);
    print_reasons(out, list, rows, n);
    print_counts(out, &s, n);
    if (any_counted(rows, n))
        print_backends(out, rows, n);
    if (!s.counted)
        return;
    fprintf(out, "Geometric means of %u guest%s:\n", s.counted, s.counted == 1 ? "" : "s");
    fprintf(out, "  fewer exits   %9s\n", format_factor(text, s.exits_factor));
    print_worst(out, "gained", &rows[s.worst_exits], exits_factor(&rows[s.worst_exits]));
    fprintf(out, "  faster        %9s\n", format_factor(text, s.time_factor));
    print_worst(out, "gained", &rows[s.worst_time], time_factor(&rows[s.worst_time]));
}
