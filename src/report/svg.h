/* Charts as SVG text: lines, histograms, bars, ranges. A picture is one or more charts under each other; it
 * stands alone as a file and may be put into HTML as it is, several to a page. W3C, Scalable Vector Graphics
 * (SVG) 1.1.
 *
 * There is no size in it but the viewBox: it is as wide as what it is shown in, and text is readable from 360
 * pixels on. Colours are CSS variables of the picture itself, with a light and a dark set
 * (prefers-color-scheme), from Okabe and Ito, "Color Universal Design" (2008): they can be told apart by
 * people with any kind of colour vision; lines differ by their markers as well. */
#ifndef HUDDLE_REPORT_SVG_H
#define HUDDLE_REPORT_SVG_H

#include "base/types.h"

#include <stdio.h>

#define SVG_COLOURS    7 /* series beyond begin again with the first */
#define SVG_ID_BYTES   32
#define SVG_TEXT_BYTES 64 /* a number with its unit */

/* How the numbers of an axis are written, and where its ticks are. */
enum svg_unit {
    SVG_NUMBER,  /* 20, 1.5 k, 3 M */
    SVG_BYTES,   /* 512 B, 4 KiB, 256 MiB; ticks at powers of two */
    SVG_NS,      /* 0.5 ns, 12 us, 3 ms */
    SVG_SECONDS, /* the same, of seconds */
    SVG_PERCENT, /* 12 % */
    SVG_RATIO,   /* 12x */
};

struct svg_axis {
    const char *title; /* NULL: none; it names the quantity */
    enum svg_unit unit;
    bool log;   /* values that are not positive are left out */
    bool fixed; /* from `min` to `max`; else as the values are, and from 0 where it is not `log` */
    double min, max;
};

struct svg_point {
    double x, y;
};

struct svg_series {
    const char *name;
    const struct svg_point *point; /* [n], in the order in which they are joined; not finite: a gap */
    u32 n;
    u32 colour; /* 0 to SVG_COLOURS - 1, which is its marker too */
    bool dashed;
    bool no_markers; /* for long series */
};

struct svg_row {
    const char *name;
    const double *value; /* [parts]; ranges: least, p10, p50, p90, greatest */
    const char *note;    /* behind the bar; NULL: the sum and its unit */
};

enum svg_range { SVG_LEAST, SVG_P10, SVG_P50, SVG_P90, SVG_GREATEST, SVG_RANGE };

struct svg;

/* Begins a picture. `id`: letters, digits and dashes, different for each picture on a page. `title` and
 * `description` are for those who do not see it. Texts everywhere here are UTF-8, escaped where need be, and
 * copied. NULL: no memory. */
struct svg *svg_create(const char *id, const char *title, const char *description);

/* Each adds a chart below the others; `title` may be NULL. */
void svg_add_lines(struct svg *svg, const char *title, const struct svg_axis *x, const struct svg_axis *y,
                   const struct svg_series *series, u32 n);
/* Bars of counts between `n` + 1 rising edges. */
void svg_add_histogram(struct svg *svg, const char *title, const struct svg_axis *x, const struct svg_axis *y,
                       const double *edge, const double *count, u32 n, u32 colour);
/* Counts between `n` + 1 rising edges, of `parts` kinds on top of each other, with a legend of their names: for many edges. */
void svg_add_columns(struct svg *svg, const char *title, const struct svg_axis *x, const struct svg_axis *y, const double *edge,
                     u32 n, const char *const *part, const double *const *count, u32 parts);
/* A bar from left to right for each row, of `parts` values on top of each other (stacked) with a legend of
 * their names. `axis` must not be `log`. */
void svg_add_bars(struct svg *svg, const char *title, const struct svg_axis *axis, const char *const *part,
                  u32 parts, const struct svg_row *rows, u32 n);
/* A distribution for each row: a line from the least to the greatest, a box from p10 to p90, a mark at p50.
 */
void svg_add_ranges(struct svg *svg, const char *title, const struct svg_axis *axis,
                    const struct svg_row *rows, u32 n);
/* A paragraph, broken into lines. */
void svg_add_text(struct svg *svg, const char *text);

/* Writes the picture and frees it. 0 or -errno; nothing is logged. */
must_check int svg_finish(struct svg *svg, FILE *out);
/* The same into a file. 0 or -errno (logged). */
must_check int svg_finish_file(struct svg *svg, const char *path);

/* "4 KiB", "12.5 us". Returns `text`. */
const char *svg_format(char text[SVG_TEXT_BYTES], double value, enum svg_unit unit);

#endif
