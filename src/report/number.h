/* Numbers as people read them. */
#ifndef HUDDLE_REPORT_NUMBER_H
#define HUDDLE_REPORT_NUMBER_H

#include "base/types.h"

#define NUMBER_BYTES 32

/* Each writes at most NUMBER_BYTES into `text` and returns it. */

/* 1234567 -> "1,234,567". */
const char *number_format(char *text, u64 n);
/* "850 ns", "12.3 us", "4.56 ms", "1.24 s", "312 s". */
const char *number_format_ns(char *text, u64 ns);
/* a / b with one decimal, or none from 100 on: "12.4x"; "-" if b is zero. */
const char *number_format_ratio(char *text, u64 a, u64 b);

#endif
