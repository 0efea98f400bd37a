/* Text and tables of the page. All text goes through html_text, wherever it comes from. */
#include "report/html_impl.h"

#include "report/svg_impl.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

void html_text(FILE *out, const char *text)
{
    svg_escape(out, text);
}

void html_textf(FILE *out, const char *format, ...)
{
    char *text;
    va_list args;
    va_start(args, format);
    if (vasprintf(&text, format, args) < 0)
        text = NULL;
    va_end(args);
    html_text(out, text ? text : "?");
    free(text);
}

void html_heading(FILE *out, const char *text)
{
    fputs("<h3>", out);
    html_text(out, text);
    fputs("</h3>\n", out);
}

void html_table_begin(FILE *out, const char *id, const char *caption)
{
    fprintf(out,
            "<div class=\"scroll\" role=\"region\" aria-labelledby=\"%s\" tabindex=\"0\">\n<table>\n<caption "
            "id=\"%s\">",
            id, id);
    html_text(out, caption);
    fputs("</caption>\n", out);
}

void html_table_end(FILE *out)
{
    fputs("</table>\n</div>\n", out);
}

static bool row_is_empty(const struct table *t, u32 row)
{
    for (u32 c = 0; c < t->columns; c++)
        if (t->cell[row][c][0])
            return false;
    return true;
}

static bool column_is_empty(const struct table *t, u32 column)
{
    for (u32 row = 1; row < t->rows; row++)
        if (t->cell[row][column][0])
            return false;
    return true;
}

/* The number in a cell; 0 if it is none, or has a unit. */
static double cell_number(const char *text)
{
    double n = 0;
    for (; *text; text++) {
        if (*text >= '0' && *text <= '9')
            n = n * 10 + (*text - '0');
        else if (*text != ',')
            return 0;
    }
    return n;
}

static double greatest(const struct table *t)
{
    double most = 0;
    for (u32 row = 1; row < t->rows; row++)
        for (u32 c = 1; c < t->columns; c++)
            most = MAX(most, t->left[c] ? 0 : cell_number(t->cell[row][c]));
    return most;
}

static void cell_text(FILE *out, const char *text, bool code)
{
    bool alarm = strcmp(text, "NO") == 0 || strncmp(text, "DIFFERENT", 9) == 0;
    const char *element = alarm ? "strong" : code ? "code" : NULL;
    if (element && *text)
        fprintf(out, "<%s>", element);
    html_text(out, text);
    if (element && *text)
        fprintf(out, "</%s>", element);
}

static void headings(FILE *out, const struct table *t, const struct html_table *look)
{
    fputs("<thead><tr>", out);
    for (u32 c = 0; c < t->columns; c++) {
        const char *text = c == 0 ? look->corner : t->cell[0][c];
        if (c && column_is_empty(t, c))
            continue;
        if (c + 1 == t->columns && !*text && look->last)
            text = look->last;
        fprintf(out, *text ? "<th scope=\"col\"%s>" : "<td%s>", t->left[c] ? "" : " class=\"n\"");
        html_text(out, text);
        fputs(*text ? "</th>" : "</td>", out);
    }
    fputs("</tr></thead>\n", out);
}

static void cell(FILE *out, const struct table *t, u32 row, u32 column, const struct html_table *look)
{
    const char *text = t->cell[row][column];
    double number = look->bars && !t->left[column] ? cell_number(text) : 0;
    fprintf(out, "<td%s", t->left[column] ? "" : " class=\"n\"");
    if (number > 0)
        fprintf(out, " style=\"--share:%.1f%%\"", 100 * number / greatest(t));
    fputc('>', out);
    cell_text(out, text, look->code & BIT(column));
    fputs("</td>", out);
}

static void row(FILE *out, const struct table *t, u32 r, const struct html_table *look)
{
    const char *label = t->cell[r][0];
    bool code = look->code & BIT(0), numeric = !t->left[0];
    size_t blanks = strspn(label, " ");
    fprintf(out, "<tr><th scope=\"row\"%s>",
            blanks && !code ? " class=\"sub\""
            : numeric       ? " class=\"n\""
                            : "");
    cell_text(out, label + blanks, code);
    fputs("</th>", out);
    for (u32 c = 1; c < t->columns; c++)
        if (!column_is_empty(t, c))
            cell(out, t, r, c, look);
    fputs("</tr>\n", out);
}

void html_table(FILE *out, const struct table *t, const struct html_table *look)
{
    html_table_begin(out, look->id, look->caption ? look->caption : t->cell[0][0]);
    headings(out, t, look);
    fputs("<tbody>\n", out);
    for (u32 r = 1; r < t->rows; r++) {
        if (row_is_empty(t, r))
            fputs("</tbody>\n<tbody>\n", out);
        else
            row(out, t, r, look);
    }
    fputs("</tbody>\n", out);
    html_table_end(out);
}

void html_chart(FILE *out, struct svg *svg)
{
    if (!svg)
        return;
    fputs("<div class=\"chart\">\n", out);
    if (svg_finish(svg, out))
        fputs("no memory for this chart\n", out);
    fputs("</div>\n", out);
}
