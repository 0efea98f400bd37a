/* See blocks.h. All block characters are three bytes: E2 96 81 + i, i eighths high for columns; 8F - i is i +
 * 1 eighths wide. */
#include "report/blocks.h"

#include <math.h>
#include <string.h>

enum { EIGHTHS = 8 };

static char *put(char *at, u8 last)
{
    *at++ = (char)0xe2;
    *at++ = (char)0x96;
    *at++ = (char)last;
    return at;
}

const char *blocks_columns(char text[BLOCKS_BYTES], const double *value, u32 n)
{
    double most = 0;
    char *at = text;
    n = MIN(n, (u32)BLOCKS_COLUMNS);
    for (u32 i = 0; i < n; i++)
        if (isfinite(value[i]))
            most = fmax(most, value[i]);
    for (u32 i = 0; i < n; i++) {
        double eighths = isfinite(value[i]) && most > 0 ? ceil(value[i] / most * EIGHTHS) : 0;
        if (eighths >= 1)
            at = put(at, (u8)(0x80 + (int)eighths));
        else
            *at++ = ' ';
    }
    *at = '\0';
    return text;
}
