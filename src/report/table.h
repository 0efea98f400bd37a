/* Aligned columns for reports. A table lives on the stack of the function that prints it. */
#ifndef HUDDLE_REPORT_TABLE_H
#define HUDDLE_REPORT_TABLE_H

#include "base/types.h"

#include <stdio.h>

#define REPORT_COLUMNS 100 /* characters a line may have */
#define TABLE_ROWS     64
#define TABLE_COLUMNS  8
#define TABLE_CELL     56

struct table {
    u32 columns;
    u32 rows;
    bool left[TABLE_COLUMNS];     /* else aligned right */
    u32 min_width[TABLE_COLUMNS]; /* so that tables line up with each other; 0 after table_init */
    char cell[TABLE_ROWS][TABLE_COLUMNS][TABLE_CELL];
};

/* `alignment` has one letter per column, l or r. */
void table_init(struct table *table, const char *alignment);
/* Begins a row whose cells are empty and fills the first one. A full table takes no more. */
void table_row(struct table *table, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Fills a cell of the current row; columns beyond the last are ignored. */
void table_cell(struct table *table, u32 column, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* A number with thousands separators; zero is a dash, so that what happened stands out. */
void table_number(struct table *table, u32 column, u64 n);
/* Prints it, `indent` spaces in front; the widest left-aligned column is cut until lines fit REPORT_COLUMNS.
 */
void table_print(FILE *out, const struct table *table, u32 indent);

#endif
