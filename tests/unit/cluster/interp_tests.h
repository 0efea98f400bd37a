/* The groups of the interpreter's unit tests; each returns the number of failures. */
#ifndef HUDDLE_TESTS_INTERP_TESTS_H
#define HUDDLE_TESTS_INTERP_TESTS_H

#include "rig.h"

int test_lower(void);
int test_real(void);
int test_memory(void);
int test_string(void);
int test_protected(void);
int test_deliver(void);
int test_random(void);
int test_wait(void);
int test_x87(void);
int test_x87_native(void);

#endif
