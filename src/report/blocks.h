/* Small pictures of numbers in the terminal, from the block characters of Unicode (U+2581 to U+2588, U+2589
 * to U+258F). */
#ifndef HUDDLE_REPORT_BLOCKS_H
#define HUDDLE_REPORT_BLOCKS_H

#include "base/types.h"

#define BLOCKS_COLUMNS 100
#define BLOCKS_BYTES   (3 * BLOCKS_COLUMNS + 1)

/* One column for each of `n` (at most BLOCKS_COLUMNS) numbers, as high as it is beside the greatest. What is
 * not zero is seen; zero is a blank. Returns `text`. */
const char *blocks_columns(char text[BLOCKS_BYTES], const double *value, u32 n);

#endif
