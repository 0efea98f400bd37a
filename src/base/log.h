/* One line per message on standard error, prefixed "huddle: ". No state: what is said once per site is
 * remembered by whoever says it (struct log_once). */
#ifndef HUDDLE_BASE_LOG_H
#define HUDDLE_BASE_LOG_H

#include "base/types.h"

#define printf_like(f, a) __attribute__((format(printf, f, a)))

/* Something failed; printed where it was detected. */
void log_error(const char *format, ...) printf_like(1, 2);
/* The run goes on, but somebody should know. */
void log_warn(const char *format, ...) printf_like(1, 2);

#endif
