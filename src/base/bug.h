/* BUG_ON: a condition that only our own mistake can make true. In every build; never for guest input. */
#ifndef HUDDLE_BASE_BUG_H
#define HUDDLE_BASE_BUG_H

#include <stdio.h>
#include <stdlib.h>

#define BUG_ON(cond)                                                                                         \
    do {                                                                                                     \
        if (__builtin_expect(!!(cond), 0)) {                                                                 \
            fprintf(stderr, "huddle: bug: %s:%d: %s: %s\n", __FILE__, __LINE__, __func__, #cond);            \
            abort();                                                                                         \
        }                                                                                                    \
    } while (0)

#endif
