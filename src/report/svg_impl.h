/* Between svg.c (the picture), svg_axis.c (scales and ticks) and svg_chart.c (the charts). Lengths are units
 * of the viewBox. */
#ifndef HUDDLE_REPORT_SVG_IMPL_H
#define HUDDLE_REPORT_SVG_IMPL_H

#include "report/svg.h"

enum {
    SVG_WIDTH = 480, /* so that text of SVG_FONT is 10 pixels high on a telephone */
    SVG_FONT = 13,
    SVG_LINE = 18, /* from one line of text to the next */
    SVG_GAP = 14,  /* between charts */
    SVG_TICKS_MAX = 24,
};

struct svg {
    char id[SVG_ID_BYTES];
    char *title, *description;
    FILE *body; /* a memory stream */
    char *text; /* its content */
    size_t bytes;
    double height; /* of what there is */
};

/* Where values are on an axis: `from` is at `lo`, `to` at `hi`. */
struct svg_scale {
    const struct svg_axis *axis;
    double lo, hi;
    double from, to;
    u32 n_ticks;
    double tick[SVG_TICKS_MAX];
};

/* Makes the scale hold values from `lo` to `hi`, with about `ticks` ticks. Both may be anything. */
void svg_scale_init(struct svg_scale *scale, const struct svg_axis *axis, double lo, double hi, u32 ticks);
/* The place of a value, cut to the scale. */
double svg_scale_at(const struct svg_scale *scale, double value);
/* Is it a number that the axis can show? */
bool svg_scale_takes(const struct svg_scale *scale, double value);

/* Text with what XML reserves escaped, and what it forbids as '?'. */
void svg_escape(FILE *out, const char *text);
/* How wide it will be, roughly and rather too much. */
double svg_text_width(const char *text);
/* Adds `text` as lines of `class` at `x`, broken to fit `width`; moves the picture's end down. */
void svg_paragraph(struct svg *svg, const char *class, double x, double width, const char *text);
/* One piece of text. `anchor`: start, middle or end. */
void svg_text_at(struct svg *svg, const char *class, const char *anchor, double x, double y,
                 const char *text);

#endif
