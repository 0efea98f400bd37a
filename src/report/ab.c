/* The comparison as text: the first line says what was gained, the rest why. */
#include "report/ab.h"

#include "report/ab_tables.h"
#include "report/number.h"

#include <stdlib.h>
#include <string.h>

static const struct run_stats *last_variant(const struct ab_report *r)
{
    return r->variant[r->n_variants - 1];
}

static const char *plural(u64 n)
{
    return n == 1 ? "" : "s";
}

void ab_gain_format(char *text, size_t size, const struct ab_report *r)
{
    u64 before = r->variant[0]->exits_total, after = last_variant(r)->exits_total;
    char a[NUMBER_BYTES], b[NUMBER_BYTES], ratio[NUMBER_BYTES];
    const char *first = r->variant[0]->variant, *last = last_variant(r)->variant;
    number_format(a, before);
    number_format(b, after);
    if (after && before > after)
        snprintf(text, size, "%s needs %s fewer exits than %s: %s -> %s", last,
                 number_format_ratio(ratio, before, after), first, a, b);
    else if (after > before)
        snprintf(text, size, "%s needs more exits than %s: %s -> %s", last, first, a, b);
    else if (after < before)
        snprintf(text, size, "%s needs no exit at all where %s has %s", last, first, a);
    else
        snprintf(text, size, "%s needs as many exits as %s: %s", last, first, a);
}

void ab_verdict_format(char *text, size_t size, const struct ab_report *r)
{
    const struct difference *d = &r->difference;
    char summary[160];
    difference_summary(summary, sizeof summary, d);
    if (d->kind == DIFFERENCE_NONE)
        snprintf(text, size, "%s", summary);
    else if (d->kind == DIFFERENCE_FAILED)
        snprintf(text, size, "NO RESULT: %s", summary);
    else
        snprintf(text, size, "%s: %s and %s: %s", d->kind == DIFFERENCE_STOPPED ? "NOT DECIDED" : "DIFFERENT",
                 d->a->variant, d->b->variant, summary);
}

static void print_headline(FILE *out, const struct ab_report *r)
{
    char gain[AB_TEXT_BYTES], verdict[AB_TEXT_BYTES];
    ab_gain_format(gain, sizeof gain, r);
    ab_verdict_format(verdict, sizeof verdict, r);
    if (r->difference.kind == DIFFERENCE_NONE)
        fprintf(out, "%s; %s\n", gain, verdict);
    else
        fprintf(out, "%s\n(%s)\n", verdict, gain);
}

static void print_circumstances(FILE *out, const struct ab_report *r)
{
    char time[NUMBER_BYTES], frame[48] = "", executor[32] = "";
    const struct run_stats *s = r->variant[0];
    if (s->executor[0])
        snprintf(executor, sizeof executor, ", executor %s", s->executor);
    if (s->frame_width)
        snprintf(frame, sizeof frame, ", last picture %ux%u", s->frame_width, s->frame_height);
    fprintf(out, "\nguest %s, %s of its time%s; KVM backend %s%s\n", r->guest,
            number_format_ns(time, s->virtual_ns), frame, r->backend, executor);
    if (s->end_text[0])
        fprintf(out, "%s: %s\n", s->variant, s->end_text);
}

static bool saw_rdtsc(const struct run_stats *s)
{
    for (u32 i = 0; i < CLUSTER_STOP_KINDS && s->clusters.stop[i].count; i++)
        if (strcmp(s->clusters.stop[i].mnemonic, "rdtsc") == 0)
            return true;
    return false;
}

void ab_print_excuses(FILE *out, const struct ab_report *r)
{
    char nudges[NUMBER_BYTES];
    u64 nudged = 0;
    bool rdtsc = false;
    for (u32 i = 0; i < r->n_variants; i++) {
        nudged = MAX(nudged, r->variant[i]->time_nudges);
        rdtsc |= saw_rdtsc(r->variant[i]);
    }
    if (nudged)
        fprintf(out,
                "Time was moved on up to %s time%s while the guest was busy without touching a device: this "
                "alone\n"
                "can make runs differ\n",
                number_format(nudges, nudged), plural(nudged));
    if (rdtsc)
        fprintf(out,
                "The guest has RDTSC in its code: what it reads there is the host's time, and can differ\n");
}

static void print_verdict(FILE *out, const struct ab_report *r)
{
    const struct run_stats *s = r->variant[0];
    char count[NUMBER_BYTES], interrupts[NUMBER_BYTES];
    fputc('\n', out);
    if (r->difference.kind == DIFFERENCE_NONE)
        fprintf(
            out,
            "Identical in every run: %s accesses and interrupts in order, of which %s interrupt%s; final\n"
            "memory; final picture; the way the guest ended\n",
            number_format(count, s->stream_count), number_format(interrupts, s->interrupts),
            plural(s->interrupts));
    else
        difference_print(out, &r->difference, r->port_name);
    if (r->difference.kind != DIFFERENCE_NONE)
        ab_print_excuses(out, r);
    if (r->difference.kind == DIFFERENCE_STOPPED)
        fprintf(out, "A guest that does not end on its own needs --until-text, --frames or --script\n");
}

/* A table, if there is something in it, with an empty line in front. */
static void print_table(FILE *out, const struct ab_report *r,
                        bool (*make)(struct table *table, const struct ab_report *report))
{
    struct table t;
    if (!make(&t, r))
        return;
    fputc('\n', out);
    table_print(out, &t, 0);
}

static void print_sites(FILE *out, const struct ab_report *r)
{
    struct table t;
    bool after;
    if (!ab_table_sites(&t, r, &after))
        return;
    fputc('\n', out);
    table_print(out, &t, 0);
    if (after)
        fprintf(out, "(" AB_SITES_NOTE ")\n");
}

static void print_windows(FILE *out, const struct ab_report *r)
{
    struct table t;
    if (!ab_table_windows(&t, r))
        return;
    fprintf(out, "\nWhat windows of so many instructions give, against %s\n", r->variant[0]->variant);
    table_print(out, &t, 0);
}

void ab_print(FILE *out, const struct ab_report *r)
{
    print_headline(out, r);
    print_circumstances(out, r);
    print_table(out, r, ab_table_exits);
    print_table(out, r, ab_table_network);
    print_table(out, r, ab_table_clusters);
    print_table(out, r, ab_table_translation);
    print_table(out, r, ab_table_leaves);
    print_table(out, r, ab_table_misses);
    print_table(out, r, ab_table_stops);
    print_table(out, r, ab_table_targets);
    print_sites(out, r);
    print_table(out, r, ab_table_time);
    print_windows(out, r);
    print_verdict(out, r);
}
