/* Log lines on standard error: written whole with one call so that lines of two processes do not mix. */
#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>

static void log_line(const char *level, const char *format, va_list args)
{
    char line[1024];
    vsnprintf(line, sizeof line, format, args);
    fprintf(stderr, "huddle: %s%s\n", level, line);
}

void log_error(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    log_line("", format, args);
    va_end(args);
}

void log_warn(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    log_line("warning: ", format, args);
    va_end(args);
}
