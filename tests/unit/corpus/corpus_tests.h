/* The groups of the corpus's unit tests. Each runs its tests and returns the number that failed. */
#ifndef HUDDLE_TESTS_CORPUS_TESTS_H
#define HUDDLE_TESTS_CORPUS_TESTS_H

#include "base/types.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

int test_list(void);
int test_results(void);
int test_summary(void);
int test_pool(void);

#endif
