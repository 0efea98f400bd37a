/* Thousands separators, times in a unit that fits, ratios. */
#include "report/number.h"

#include <stdio.h>
#include <string.h>

const char *number_format(char *text, u64 n)
{
    char digits[NUMBER_BYTES];
    int len = snprintf(digits, sizeof digits, "%llu", (unsigned long long)n);
    char *out = text;
    for (int i = 0; i < len; i++) {
        if (i && (len - i) % 3 == 0)
            *out++ = ',';
        *out++ = digits[i];
    }
    *out = '\0';
    return text;
}

/* Three significant digits. */
static void format_unit(char *text, double value, const char *unit)
{
    int decimals = value < 9.995 ? 2 : value < 99.95 ? 1 : 0;
    snprintf(text, NUMBER_BYTES, "%.*f %s", decimals, value, unit);
}

const char *number_format_ns(char *text, u64 ns)
{
    if (ns < NS_PER_US)
        snprintf(text, NUMBER_BYTES, "%llu ns", (unsigned long long)ns);
    else if (ns < NS_PER_MS)
        format_unit(text, (double)ns / (double)NS_PER_US, "us");
    else if (ns < NS_PER_S)
        format_unit(text, (double)ns / (double)NS_PER_MS, "ms");
    else
        format_unit(text, (double)ns / (double)NS_PER_S, "s");
    return text;
}

const char *number_format_ratio(char *text, u64 a, u64 b)
{
    if (b == 0) {
        strcpy(text, "-");
        return text;
    }
    double ratio = (double)a / (double)b;
    if (ratio < 99.95)
        snprintf(text, NUMBER_BYTES, "%.1fx", ratio);
    else
        snprintf(text + strlen(number_format(text, a / b + (a % b >= b - a % b))), sizeof "x", "x");
    return text;
}
