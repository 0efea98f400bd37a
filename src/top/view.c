/* See view.h. Four lines of sums, then two blocks of two lists each, which share what the terminal has left.
 */
#include "top/view.h"

#include "report/number.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NUMBER_COLUMNS = 11, GRAPH_AT = 23, FIRST_LINES = 7, OTHER_LINES = 12, KINDS_MAX = EXIT_KIND_COUNT };

static const char *const kind_texts[EXIT_KIND_COUNT] = {
#define X(id, text) [EXIT_##id] = text,
    EXIT_KINDS(X)
#undef X
};

void top_history_add(struct top_history *h, const struct top_rates *rates)
{
    if (h->n == TOP_HISTORY) {
        memmove(h->exits, h->exits + 1, sizeof h->exits - sizeof h->exits[0]);
        memmove(h->avoided, h->avoided + 1, sizeof h->avoided - sizeof h->avoided[0]);
        h->n--;
    }
    h->exits[h->n] = rates->exits;
    h->avoided[h->n] = rates->avoided;
    h->n++;
}

/* --- numbers --- */

/* "1,234", "5.6" below ten, "-" for none. */
static const char *rate_text(char text[NUMBER_BYTES], double rate)
{
    if (rate <= 0)
        return strcpy(text, "-");
    if (rate < 9.95) {
        snprintf(text, NUMBER_BYTES, "%.1f", rate);
        return text;
    }
    return number_format(text, (u64)(rate + 0.5));
}

/* "12.3 M": three digits and a unit. */
static const char *short_text(char text[NUMBER_BYTES], double rate)
{
    static const char units[] = " kMGT";
    u32 unit = 0;
    while (rate >= 999.5 && unit < sizeof units - 2) {
        rate /= 1000;
        unit++;
    }
    snprintf(text, NUMBER_BYTES, "%.*f%s%.1s",
             rate >= 99.95 || !unit ? 0
             : rate >= 9.995        ? 1
                                    : 2,
             rate, unit ? " " : "", unit ? &units[unit] : "");
    return text;
}

/* --- lines --- */

struct page {
    struct top_line *lines;
    u32 n, rows, columns;
    const struct top_view *view;
};

static struct top_line *next_line(struct page *p, enum top_style style)
{
    if (p->n == p->rows)
        return NULL;
    struct top_line *line = &p->lines[p->n++];
    *line = (struct top_line){.style = style};
    return line;
}

static void add(struct page *p, enum top_style style, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static void add(struct page *p, enum top_style style, const char *format, ...)
{
    struct top_line *line = next_line(p, style);
    va_list args;
    if (!line)
        return;
    va_start(args, format);
    vsnprintf(line->text, sizeof line->text, format, args);
    va_end(args);
    if (p->columns < sizeof line->text)
        line->text[p->columns] = '\0';
}

static void add_title(struct page *p)
{
    const struct top_sample *now = p->view->now;
    char right[64], time[NUMBER_BYTES];
    snprintf(right, sizeof right, "%s  cluster %s  up %s ", now->running ? "running" : "STOPPED", now->level,
             number_format_ns(time, now->host_ns));
    int room = (int)p->columns - 13 - (int)strlen(right);
    const char *slash = strrchr(now->guest, '/');
    add(p, TOP_TITLE, " huddle top  %-*.*s%s", room > 0 ? room : 0, room > 1 ? room - 1 : 0,
        slash ? slash + 1 : now->guest, right);
}

static void add_speed(struct page *p)
{
    const struct top_rates *r = p->view->rates;
    char time[NUMBER_BYTES], accesses[NUMBER_BYTES], insns[NUMBER_BYTES], irqs[NUMBER_BYTES];
    add(p, TOP_PLAIN, " guest        %s at %.2fx   %s accesses/s   %s interrupts/s",
        number_format_ns(time, p->view->now->virtual_ns), r->speed, short_text(accesses, r->accesses),
        rate_text(irqs, r->interrupts));
    add(p, TOP_PLAIN, " clusters     %s instructions/s", short_text(insns, r->instructions));
}

/* Newest at the right; the highest is a full block, and what is not nothing is seen. */
static void draw_graph(char *out, size_t size, const double *values, u32 n, bool utf8)
{
    static const char *const blocks[] = {" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
    static const char *const ascii[] = {" ", ".", ":", "-", "=", "+", "*", "#", "@"};
    enum { LEVELS = 8 };
    double highest = 0;
    for (u32 i = 0; i < n; i++)
        highest = MAX(highest, values[i]);
    *out = '\0';
    for (u32 i = 0; i < n; i++) {
        u32 level = values[i] > 0 ? 1 + (u32)(values[i] / highest * (LEVELS - 1) + 0.5) : 0;
        const char *block = (utf8 ? blocks : ascii)[MIN(level, (u32)LEVELS)];
        if (strlen(out) + strlen(block) < size)
            strcat(out, block);
    }
}

static void add_graph(struct page *p, const char *label, double rate, const double *values)
{
    char number[NUMBER_BYTES];
    char graph[TOP_HISTORY * 4] = "";
    const struct top_history *h = p->view->history;
    struct top_line *line = next_line(p, TOP_GRAPH);
    u32 room = p->columns > GRAPH_AT + 1 ? MIN(p->columns - GRAPH_AT - 1, (u32)TOP_HISTORY) : 0;
    if (!line)
        return;
    if (h) {
        u32 n = MIN(h->n, room);
        draw_graph(graph, sizeof graph, values + h->n - n, n, p->view->utf8);
    }
    int length = snprintf(line->text, sizeof line->text, " %-9s %*s  ", label, NUMBER_COLUMNS,
                          rate_text(number, rate));
    if (p->columns < (u32)length)
        line->text[p->columns] = '\0';
    else
        snprintf(line->text + length, sizeof line->text - (u32)length, "%s", graph);
}

static void add_times(struct page *p)
{
    const struct top_rates *r = p->view->rates;
    add(p, TOP_PLAIN,
        " host time    KVM %.0f %%   clusters %.0f %%   devices %.0f %%   elsewhere or asleep %.0f %%",
        100 * r->kvm, 100 * r->cluster, 100 * r->device, 100 * r->elsewhere);
}

/* --- two lists side by side --- */

static void cell(char *out, size_t size, u32 width, const struct top_item *item)
{
    char number[NUMBER_BYTES];
    int room = (int)width - NUMBER_COLUMNS - 3;
    if (item)
        snprintf(out, size, " %*s  %-*.*s", NUMBER_COLUMNS, rate_text(number, item->rate), MAX(room, 0),
                 MAX(room, 0), item->name);
    else
        snprintf(out, size, "%*s", (int)width, "");
}

static void add_lists(struct page *p, const char *left_name, const struct top_list *left,
                      const char *right_name, const struct top_list *right, u32 rows)
{
    u32 half = p->columns / 2;
    add(p, TOP_HEADING, "%-*.*s%s", (int)half, (int)half, left_name, right_name);
    for (u32 i = 0; i < rows; i++) {
        char l[TOP_COLUMNS_MAX + 1], r[TOP_COLUMNS_MAX + 1];
        cell(l, sizeof l, half, i < left->n ? &left->item[i] : NULL);
        cell(r, sizeof r, p->columns - half, i < right->n ? &right->item[i] : NULL);
        add(p, TOP_PLAIN, "%s%s", l, r);
    }
}

static void kinds_of(struct top_list *list, const struct top_rates *rates)
{
    list->n = 0;
    for (u32 i = 0; i < EXIT_KIND_COUNT; i++) {
        struct top_item item = {.rate = rates->kind[i]};
        u32 at = list->n;
        snprintf(item.name, sizeof item.name, "%s", kind_texts[i]);
        if (item.rate <= 0)
            continue;
        for (; at && list->item[at - 1].rate < item.rate; at--)
            list->item[at] = list->item[at - 1];
        list->item[at] = item;
        list->n++;
    }
}

static void add_blocks(struct page *p, u32 room)
{
    const struct top_rates *r = p->view->rates;
    struct top_list kinds;
    u32 first = MIN(MAX(room * 5 / 12, 1u), (u32)KINDS_MAX);
    kinds_of(&kinds, r);
    add_lists(p, "     exits/s  by kind", &kinds, "     exits/s  by port or address", &r->targets, first);
    add(p, TOP_PLAIN, "%s", "");
    add_lists(p, "     exits/s  by instruction", &r->sites, "   avoided/s  by instruction", &r->avoided_sites,
              room - first);
}

u32 top_view_lines(struct top_line *lines, u32 rows, u32 columns, const struct top_view *view)
{
    rows = MIN(rows, (u32)TOP_ROWS_MAX);
    u32 last = view->hint && rows > 1;
    struct page p = {lines, 0, rows - last, MIN(columns, (u32)TOP_COLUMNS_MAX), view};
    const struct top_history *h = view->history;
    add_title(&p);
    add_speed(&p);
    add_graph(&p, "exits/s", view->rates->exits, h ? h->exits : NULL);
    add_graph(&p, "avoided/s", view->rates->avoided, h ? h->avoided : NULL);
    add_times(&p);
    add(&p, TOP_PLAIN, "%s", "");
    if (rows > OTHER_LINES + 1)
        add_blocks(&p, MIN(rows - OTHER_LINES, (u32)(KINDS_MAX + RUN_TOP)));
    while (view->hint && p.n + 1 < p.rows)
        add(&p, TOP_PLAIN, "%s", "");
    if (view->hint && p.n == p.rows && p.n)
        p.n--; /* the message's line */
    if (view->hint || view->message)
        add(&p, TOP_MESSAGE, " %s", view->message ? view->message : "");
    p.rows = rows;
    if (last)
        add(&p, TOP_HINT, " %s", view->hint);
    return p.n;
}
