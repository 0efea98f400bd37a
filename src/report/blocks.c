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

const char *blocks_bar(char text[BLOCKS_BYTES], double part, u32 columns)
{
    char *at = text;
    part = isfinite(part) ? fmin(fmax(part, 0), 1) : 0;
    u32 eighths = (u32)lround(part * MIN(columns, (u32)BLOCKS_COLUMNS) * EIGHTHS);
    if (!eighths && part > 0)
        eighths = 1;
    for (; eighths >= EIGHTHS; eighths -= EIGHTHS)
        at = put(at, 0x88);
    if (eighths)
        at = put(at, (u8)(0x90 - eighths));
    *at = '\0';
    return text;
}
