/* Column widths are those of the widest cells; two spaces between columns; no trailing blanks. */
#include "report/table.h"

#include "report/number.h"

#include <stdarg.h>
#include <string.h>

#define GAP 2

void table_init(struct table *t, const char *alignment)
{
    memset(t, 0, sizeof *t);
    t->columns = MIN((u32)strlen(alignment), (u32)TABLE_COLUMNS);
    for (u32 c = 0; c < t->columns; c++)
        t->left[c] = alignment[c] == 'l';
}

static void fill(struct table *t, u32 column, const char *format, va_list args)
{
    if (t->rows && column < t->columns)
        vsnprintf(t->cell[t->rows - 1][column], TABLE_CELL, format, args);
}

void table_row(struct table *t, const char *format, ...)
{
    va_list args;
    if (t->rows == TABLE_ROWS)
        return;
    t->rows++;
    va_start(args, format);
    fill(t, 0, format, args);
    va_end(args);
}

void table_cell(struct table *t, u32 column, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fill(t, column, format, args);
    va_end(args);
}

void table_number(struct table *t, u32 column, u64 n)
{
    char text[NUMBER_BYTES];
    table_cell(t, column, "%s", n ? number_format(text, n) : "-");
}

static u32 measure(const struct table *t, u32 width[TABLE_COLUMNS])
{
    u32 total = 0;
    for (u32 c = 0; c < t->columns; c++) {
        width[c] = t->min_width[c];
        for (u32 r = 0; r < t->rows; r++)
            width[c] = MAX(width[c], (u32)strlen(t->cell[r][c]));
        total += width[c] + (c ? GAP : 0);
    }
    return total;
}

static void shrink(const struct table *t, u32 width[TABLE_COLUMNS], u32 excess)
{
    u32 widest = 0;
    for (u32 c = 0; c < t->columns; c++)
        if (t->left[c] && (!t->left[widest] || width[c] > width[widest]))
            widest = c;
    if (t->left[widest])
        width[widest] -= MIN(excess, width[widest]);
}

static void print_row(FILE *out, const struct table *t, u32 row, const u32 width[TABLE_COLUMNS], u32 indent)
{
    char line[TABLE_COLUMNS * (TABLE_CELL + GAP)];
    size_t n = 0;
    for (u32 c = 0; c < t->columns; c++) {
        const char *text = t->cell[row][c];
        n += (size_t)snprintf(line + n, sizeof line - n, "%*s%*.*s", c ? GAP : 0, "",
                              t->left[c] ? -(int)width[c] : (int)width[c], (int)width[c], text);
    }
    while (n && line[n - 1] == ' ')
        n--;
    fprintf(out, "%*s%.*s\n", n ? (int)indent : 0, "", (int)n, line);
}

void table_print(FILE *out, const struct table *t, u32 indent)
{
    u32 width[TABLE_COLUMNS];
    u32 total = measure(t, width) + indent;
    if (total > REPORT_COLUMNS)
        shrink(t, width, total - REPORT_COLUMNS);
    for (u32 r = 0; r < t->rows; r++)
        print_row(out, t, r, width, indent);
}
