/* What differs on purpose between the 80286 that made the vectors and the processor of this machine, a 486.
 */
#ifndef HUDDLE_TESTS_VECTORS_286_H
#define HUDDLE_TESTS_VECTORS_286_H

#include "moo.h"

#define IGNORE_ALL  0xffffffff
#define IGNORE(reg) (1u << (reg))

enum { NO_EXCEPTION = -1, DIFFERENCES_286 = 6 };

struct shape; /* of the test's instruction: vectors_286.c */

struct difference_286 {
    const char *what;
    /* `vector`: the exception we raised, or NO_EXCEPTION. */
    bool (*applies)(const struct moo_test *test, const struct shape *shape, int vector);
    u32 ignore; /* registers not compared; IGNORE_ALL: nothing is */
};

extern const struct difference_286 differences_286[DIFFERENCES_286];

/* Its row in the table that applies to the test, after which we raised `vector` (or NO_EXCEPTION); -1: none.
 */
int find_difference_286(const struct moo_test *test, int vector);

#endif
