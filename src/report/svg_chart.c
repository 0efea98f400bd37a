/* The kinds of charts. All have the same frame: a title, a legend, the title of the vertical axis above it
 * (nobody reads what is written upwards), the plot, and the horizontal axis. */
#include "report/svg_impl.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    MARGIN = 8,
    PLOT_HEIGHT = 220,
    HISTOGRAM_HEIGHT = 120,
    TICK_ROOM = 22, /* below the plot */
    LEGEND_BOX = 12,
    LEGEND_GAP = 16,
    ROW_NAME = 19, /* the name above a bar */
    ROW_BAR = 16,
    ROW_GAP = 10,
};

struct plot {
    struct svg_scale x, y;
    double top, bottom;
};

struct bounds {
    double lo, hi;
};

static struct bounds bounds_none(void)
{
    return (struct bounds){INFINITY, -INFINITY};
}

static void bounds_add(struct bounds *b, const struct svg_axis *axis, double value)
{
    if (!isfinite(value) || (axis->log && value <= 0))
        return;
    b->lo = fmin(b->lo, value);
    b->hi = fmax(b->hi, value);
}

static void chart_title(struct svg *svg, const char *title)
{
    if (title)
        svg_paragraph(svg, "h", MARGIN, SVG_WIDTH - 2 * MARGIN, title);
    svg->height += 4;
}

/* A marker of series `colour` around (x, y). */
static void marker(FILE *out, u32 colour, double x, double y)
{
    u32 i = colour % SVG_COLOURS;
    switch (i) {
    case 0:
        fprintf(out, "<circle class=\"f%u e\" cx=\"%.1f\" cy=\"%.1f\" r=\"3.6\"/>", i, x, y);
        return;
    case 1:
        fprintf(out, "<rect class=\"f%u e\" x=\"%.1f\" y=\"%.1f\" width=\"7\" height=\"7\"/>", i, x - 3.5,
                y - 3.5);
        return;
    case 2:
        fprintf(out, "<path class=\"f%u e\" d=\"M%.1f %.1fl4.5 8h-9z\"/>", i, x, y - 5);
        return;
    case 3:
        fprintf(out, "<path class=\"f%u e\" d=\"M%.1f %.1fl5 5l-5 5l-5 -5z\"/>", i, x, y - 5);
        return;
    case 4:
        fprintf(out, "<path class=\"f%u e\" d=\"M%.1f %.1fl4.5 -8h-9z\"/>", i, x, y + 5);
        return;
    case 5:
        fprintf(out, "<path class=\"s%u l\" d=\"M%.1f %.1fl7 7m0 -7l-7 7\"/>", i, x - 3.5, y - 3.5);
        return;
    default:
        fprintf(out, "<path class=\"s%u l\" d=\"M%.1f %.1fh9m-4.5 -4.5v9\"/>", i, x - 4.5, y);
        return;
    }
}

static void legend_line(struct svg *svg, const struct svg_series *s, double x, double y)
{
    u32 colour = s->colour % SVG_COLOURS;
    fprintf(svg->body, "<path class=\"s%u l%s\" d=\"M%.1f %.1fh20\"/>", colour, s->dashed ? " d" : "", x, y);
    if (!s->no_markers)
        marker(svg->body, colour, x + 10, y);
}

/* Where the next entry of a legend goes; a new row where it does not fit. */
static void legend_place(struct svg *svg, double *x, double width)
{
    if (*x + width > SVG_WIDTH - MARGIN && *x > MARGIN) {
        *x = MARGIN;
        svg->height += SVG_LINE;
    }
}

static void lines_legend(struct svg *svg, const struct svg_series *series, u32 n)
{
    double x = MARGIN;
    if (n < 2)
        return;
    for (u32 i = 0; i < n; i++) {
        double width = 26 + svg_text_width(series[i].name);
        legend_place(svg, &x, width);
        legend_line(svg, &series[i], x, svg->height + SVG_FONT - 4);
        svg_text_at(svg, "k", "start", x + 26, svg->height + SVG_FONT, series[i].name);
        x += width + LEGEND_GAP;
    }
    svg->height += SVG_LINE + 4;
}

/* What is on top of something else in columns is paler: so it can be told apart without colours. */
#define PALE " fill-opacity=\"0.5\""

static void parts_legend(struct svg *svg, const char *const *part, u32 parts, bool columns)
{
    double x = MARGIN;
    if (parts < 2)
        return;
    for (u32 i = 0; i < parts; i++) {
        double width = LEGEND_BOX + 6 + svg_text_width(part[i]);
        legend_place(svg, &x, width);
        fprintf(svg->body, "<rect class=\"f%u\"%s x=\"%.1f\" y=\"%.1f\" width=\"%d\" height=\"%d\"/>\n",
                i % SVG_COLOURS, columns && i ? PALE : "", x, svg->height + 3, LEGEND_BOX, LEGEND_BOX);
        svg_text_at(svg, "k", "start", x + LEGEND_BOX + 6, svg->height + SVG_FONT, part[i]);
        x += width + LEGEND_GAP;
    }
    svg->height += SVG_LINE + 4;
}

/* Ticks whose labels would touch the one before are drawn without. */
static void x_ticks(struct svg *svg, const struct plot *p)
{
    double free_from = 0;
    for (u32 i = 0; i < p->x.n_ticks; i++) {
        char text[SVG_TEXT_BYTES];
        double x = svg_scale_at(&p->x, p->x.tick[i]);
        fprintf(svg->body, "<path class=\"g\" d=\"M%.1f %.1fV%.1f\"/>\n", x, p->top, p->bottom);
        double half = svg_text_width(svg_format(text, p->x.tick[i], p->x.axis->unit)) / 2;
        double at = fmin(x, SVG_WIDTH - 2 - half);
        if (at - half < free_from)
            continue;
        svg_text_at(svg, "v", "middle", at, p->bottom + 16, text);
        free_from = at + half + 6;
    }
}

static void y_ticks(struct svg *svg, const struct plot *p)
{
    for (u32 i = 0; i < p->y.n_ticks; i++) {
        char text[SVG_TEXT_BYTES];
        double y = svg_scale_at(&p->y, p->y.tick[i]);
        fprintf(svg->body, "<path class=\"g\" d=\"M%.1f %.1fH%.1f\"/>\n", p->x.from, y, p->x.to);
        svg_text_at(svg, "v", "end", p->x.from - 6, y + 4, svg_format(text, p->y.tick[i], p->y.axis->unit));
    }
}

static double widest_tick(const struct svg_scale *scale)
{
    double widest = 0;
    for (u32 i = 0; i < scale->n_ticks; i++) {
        char text[SVG_TEXT_BYTES];
        widest = fmax(widest, svg_text_width(svg_format(text, scale->tick[i], scale->axis->unit)));
    }
    return widest;
}

/* Scales, grid and both axes; the plot is what is left of the width. */
static void plot_begin(struct svg *svg, struct plot *p, const struct svg_axis *x, const struct bounds *bx,
                       const struct svg_axis *y, const struct bounds *by, double height)
{
    if (y->title)
        svg_paragraph(svg, "t", MARGIN, SVG_WIDTH - 2 * MARGIN, y->title);
    p->top = svg->height + 8;
    p->bottom = p->top + height;
    svg_scale_init(&p->y, y, by->lo, by->hi, height > HISTOGRAM_HEIGHT ? 6 : 3);
    svg_scale_init(&p->x, x, bx->lo, bx->hi, 7);
    p->y.from = p->bottom;
    p->y.to = p->top;
    p->x.from = MARGIN + widest_tick(&p->y) + 6;
    p->x.to = SVG_WIDTH - 2 * MARGIN - 4;
    y_ticks(svg, p);
    x_ticks(svg, p);
    fprintf(svg->body, "<path class=\"a\" d=\"M%.1f %.1fV%.1fH%.1f\"/>\n", p->x.from, p->top, p->bottom,
            p->x.to);
    svg->height = p->bottom + TICK_ROOM;
    if (x->title) {
        svg_text_at(svg, "t", "middle", (p->x.from + p->x.to) / 2, svg->height + SVG_FONT, x->title);
        svg->height += SVG_LINE;
    }
    svg->height += SVG_GAP;
}

static bool plot_takes(const struct plot *p, const struct svg_point *point)
{
    return svg_scale_takes(&p->x, point->x) && svg_scale_takes(&p->y, point->y);
}

static void draw_series(struct svg *svg, const struct plot *p, const struct svg_series *s)
{
    u32 colour = s->colour % SVG_COLOURS;
    bool pen_down = false;
    fprintf(svg->body, "<g><title>");
    svg_escape(svg->body, s->name);
    fprintf(svg->body, "</title><path class=\"s%u l%s\" d=\"", colour, s->dashed ? " d" : "");
    for (u32 i = 0; i < s->n; i++) {
        if (!plot_takes(p, &s->point[i])) {
            pen_down = false;
            continue;
        }
        fprintf(svg->body, "%s%.1f %.1f", pen_down ? "L" : "M", svg_scale_at(&p->x, s->point[i].x),
                svg_scale_at(&p->y, s->point[i].y));
        pen_down = true;
    }
    fputs("\"/>\n", svg->body);
    for (u32 i = 0; !s->no_markers && i < s->n; i++) {
        if (!plot_takes(p, &s->point[i]))
            continue;
        marker(svg->body, colour, svg_scale_at(&p->x, s->point[i].x), svg_scale_at(&p->y, s->point[i].y));
        fputc('\n', svg->body);
    }
    fputs("</g>\n", svg->body);
}

void svg_add_lines(struct svg *svg, const char *title, const struct svg_axis *x, const struct svg_axis *y,
                   const struct svg_series *series, u32 n)
{
    struct bounds bx = bounds_none(), by = bounds_none();
    struct plot p;
    for (u32 i = 0; i < n; i++) {
        for (u32 k = 0; k < series[i].n; k++) {
            bounds_add(&bx, x, series[i].point[k].x);
            bounds_add(&by, y, series[i].point[k].y);
        }
    }
    chart_title(svg, title);
    lines_legend(svg, series, n);
    plot_begin(svg, &p, x, &bx, y, &by, PLOT_HEIGHT);
    for (u32 i = 0; i < n; i++)
        draw_series(svg, &p, &series[i]);
}

void svg_add_histogram(struct svg *svg, const char *title, const struct svg_axis *x, const struct svg_axis *y,
                       const double *edge, const double *count, u32 n, u32 colour)
{
    struct bounds bx = bounds_none(), by = bounds_none();
    struct plot p;
    struct svg_axis between = *x; /* bars end where the axis does, not at the round number behind it */
    for (u32 i = 0; i <= n; i++)
        bounds_add(&bx, x, edge[i]);
    for (u32 i = 0; i < n; i++)
        bounds_add(&by, y, count[i]);
    if (!x->fixed && bx.lo < bx.hi) {
        between.fixed = true;
        between.min = bx.lo;
        between.max = bx.hi;
    }
    chart_title(svg, title);
    plot_begin(svg, &p, &between, &bx, y, &by, HISTOGRAM_HEIGHT);
    for (u32 i = 0; i < n; i++) {
        if (!svg_scale_takes(&p.y, count[i]) || !svg_scale_takes(&p.x, edge[i]) || count[i] <= 0)
            continue;
        char from[SVG_TEXT_BYTES], to[SVG_TEXT_BYTES];
        double left = svg_scale_at(&p.x, edge[i]), right = svg_scale_at(&p.x, edge[i + 1]);
        double top = fmin(svg_scale_at(&p.y, count[i]), p.bottom - 1);
        fprintf(svg->body,
                "<rect class=\"f%u\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\"><title>%s to %s: "
                "%.0f</title></rect>\n",
                colour % SVG_COLOURS, left, top, fmax(0.8, right - left - 0.8), p.bottom - top,
                svg_format(from, edge[i], x->unit), svg_format(to, edge[i + 1], x->unit), count[i]);
    }
}

/* One part of all columns as a single shape; `below` is what is under it, and has it added. */
static void draw_part(struct svg *svg, const struct plot *p, const double *edge, u32 n, const char *name, const double *count,
                      double *below, u32 colour)
{
    fprintf(svg->body, "<path class=\"f%u\"%s d=\"", colour % SVG_COLOURS, colour ? PALE : "");
    for (u32 i = 0; i < n; i++) {
        if (!(count[i] > 0) || !svg_scale_takes(&p->x, edge[i]))
            continue;
        double left = svg_scale_at(&p->x, edge[i]), right = svg_scale_at(&p->x, edge[i + 1]);
        double bottom = svg_scale_at(&p->y, below[i]), top = svg_scale_at(&p->y, below[i] + count[i]);
        below[i] += count[i];
        fprintf(svg->body, "M%.1f %.1fH%.1fV%.1fH%.1fz", left, bottom, right, fmin(top, bottom - 0.5), left);
    }
    fputs("\"><title>", svg->body);
    svg_escape(svg->body, name);
    fputs("</title></path>\n", svg->body);
}

void svg_add_columns(struct svg *svg, const char *title, const struct svg_axis *x, const struct svg_axis *y, const double *edge,
                     u32 n, const char *const *part, const double *const *count, u32 parts)
{
    struct bounds bx = bounds_none(), by = bounds_none();
    struct plot p;
    double *sum = calloc(MAX(n, 1u), sizeof *sum);
    if (!sum)
        return;
    for (u32 i = 0; i <= n; i++)
        bounds_add(&bx, x, edge[i]);
    for (u32 k = 0; k < parts; k++)
        for (u32 i = 0; i < n; i++)
            sum[i] += isfinite(count[k][i]) ? count[k][i] : 0;
    for (u32 i = 0; i < n; i++)
        bounds_add(&by, y, sum[i]);
    chart_title(svg, title);
    parts_legend(svg, part, parts, true);
    plot_begin(svg, &p, x, &bx, y, &by, HISTOGRAM_HEIGHT);
    memset(sum, 0, n * sizeof *sum);
    for (u32 k = 0; k < parts; k++)
        draw_part(svg, &p, edge, n, part[k], count[k], sum, k);
    free(sum);
}

static double row_sum(const struct svg_row *row, u32 parts)
{
    double sum = 0;
    for (u32 i = 0; i < parts; i++)
        sum += row->value[i] > 0 && isfinite(row->value[i]) ? row->value[i] : 0;
    return sum;
}

/* Frame of a chart of rows: only the horizontal axis. Returns where the first row's name is. */
static double rows_begin(struct svg *svg, struct plot *p, const struct svg_axis *axis, const struct bounds *b,
                         double right, u32 n)
{
    p->top = svg->height + 4;
    p->bottom = p->top + n * (double)(ROW_NAME + ROW_BAR + ROW_GAP);
    svg_scale_init(&p->x, axis, b->lo, b->hi, right < SVG_WIDTH - 100 ? 4 : 6);
    p->x.from = MARGIN + 4;
    p->x.to = right;
    x_ticks(svg, p);
    fprintf(svg->body, "<path class=\"a\" d=\"M%.1f %.1fH%.1f\"/>\n", p->x.from, p->bottom, p->x.to);
    svg->height = p->bottom + TICK_ROOM;
    if (axis->title) {
        svg_text_at(svg, "t", "middle", (p->x.from + p->x.to) / 2, svg->height + SVG_FONT, axis->title);
        svg->height += SVG_LINE;
    }
    svg->height += SVG_GAP;
    return p->top;
}

static void bar(struct svg *svg, const struct plot *p, const struct svg_axis *axis, const char *const *part,
                u32 parts, const struct svg_row *row, double y)
{
    char text[SVG_TEXT_BYTES];
    double sum = 0, end = p->x.from;
    for (u32 i = 0; i < parts; i++) {
        if (!(row->value[i] > 0) || !isfinite(row->value[i]))
            continue;
        double left = svg_scale_at(&p->x, sum), right = svg_scale_at(&p->x, sum + row->value[i]);
        sum += row->value[i];
        fprintf(svg->body, "<rect class=\"f%u e\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%d\"><title>",
                i % SVG_COLOURS, left, y, fmax(1, right - left), ROW_BAR);
        svg_escape(svg->body, part[i]);
        fprintf(svg->body, ": %s</title></rect>\n", svg_format(text, row->value[i], axis->unit));
        end = fmax(end, right);
    }
    svg_text_at(svg, "v", "start", end + 6, y + 12,
                row->note ? row->note : svg_format(text, sum, axis->unit));
}

void svg_add_bars(struct svg *svg, const char *title, const struct svg_axis *axis, const char *const *part,
                  u32 parts, const struct svg_row *rows, u32 n)
{
    struct bounds b = {0, 0};
    struct plot p;
    double note = 0;
    for (u32 i = 0; i < n; i++) {
        char text[SVG_TEXT_BYTES];
        double sum = row_sum(&rows[i], parts);
        bounds_add(&b, axis, sum);
        note = fmax(note, svg_text_width(rows[i].note ? rows[i].note : svg_format(text, sum, axis->unit)));
    }
    chart_title(svg, title);
    parts_legend(svg, part, parts, false);
    double y = rows_begin(svg, &p, axis, &b, fmax(SVG_WIDTH / 2.0, SVG_WIDTH - MARGIN - note - 8), n);
    for (u32 i = 0; i < n; i++) {
        svg_text_at(svg, "k", "start", p.x.from, y + SVG_FONT, rows[i].name);
        bar(svg, &p, axis, part, parts, &rows[i], y + ROW_NAME);
        y += ROW_NAME + ROW_BAR + ROW_GAP;
    }
}

static void range(struct svg *svg, const struct plot *p, const struct svg_row *row, double y)
{
    double at[SVG_RANGE], middle = y + ROW_BAR / 2.0;
    for (int i = 0; i < SVG_RANGE; i++) {
        if (!svg_scale_takes(&p->x, row->value[i]))
            return;
        at[i] = svg_scale_at(&p->x, row->value[i]);
    }
    fprintf(svg->body, "<path class=\"a\" d=\"M%.1f %.1fH%.1fM%.1f %.1fv6M%.1f %.1fv6\"/>\n", at[SVG_LEAST],
            middle, at[SVG_GREATEST], at[SVG_LEAST], middle - 3, at[SVG_GREATEST], middle - 3);
    fprintf(svg->body, "<rect class=\"f0\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%d\"/>", at[SVG_P10],
            y + 2, fmax(3, at[SVG_P90] - at[SVG_P10]), ROW_BAR - 4);
    fprintf(svg->body, "<path class=\"m\" d=\"M%.1f %.1fv%d\"/>\n", at[SVG_P50], y, ROW_BAR);
}

void svg_add_ranges(struct svg *svg, const char *title, const struct svg_axis *axis,
                    const struct svg_row *rows, u32 n)
{
    struct bounds b = bounds_none();
    struct plot p;
    for (u32 i = 0; i < n; i++)
        for (int k = 0; k < SVG_RANGE; k++)
            bounds_add(&b, axis, rows[i].value[k]);
    chart_title(svg, title);
    double y = rows_begin(svg, &p, axis, &b, SVG_WIDTH - 2 * MARGIN - 4, n);
    for (u32 i = 0; i < n; i++) {
        char text[SVG_TEXT_BYTES];
        svg_text_at(svg, "k", "start", p.x.from, y + SVG_FONT, rows[i].name);
        svg_text_at(svg, "v", "end", p.x.to, y + SVG_FONT,
                    rows[i].note ? rows[i].note : svg_format(text, rows[i].value[SVG_P50], axis->unit));
        range(svg, &p, &rows[i], y + ROW_NAME);
        y += ROW_NAME + ROW_BAR + ROW_GAP;
    }
}
